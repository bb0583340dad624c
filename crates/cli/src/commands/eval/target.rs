//! What is evaluated, as an expression of Nix.

use std::path::Path;

use crate::args::EvalArgs;
use crate::commands::Failure;

/// A function of the arguments of [`Target`] to a set of what may be asked.
const EVAL_NIX: &str = include_str!("eval.nix");

/// The components of an attribute path.
pub(super) type AttrPath = Vec<String>;

/// A file or a flake, the system and the attributes that are wanted of it.
pub(super) struct Target {
    arguments: String,
    options: Vec<String>,
}

impl Target {
    /// The target that the arguments name.
    pub(super) fn new(eval: &EvalArgs) -> Result<Self, Failure> {
        let (source, fragment) = source(&eval.target)?;
        let attrs = eval.attr.iter().map(|attr| attr_path(attr)).collect::<Result<Vec<_>, _>>()?;
        let arguments = format!(
            "{{ source = {source}; fragment = {}; system = {}; attrs = {}; }}",
            fragment.as_deref().map_or_else(|| "null".to_owned(), strings),
            eval.system.as_deref().map_or_else(|| "null".to_owned(), string),
            paths(&attrs),
        );
        let system = eval.system.as_deref().map(|system| ["--option", "system", system]);
        let flakes = fragment.map(|_| ["--option", "extra-experimental-features", "nix-command flakes"]);
        let options = system.into_iter().chain(flakes).flatten().map(str::to_owned).collect();
        Ok(Self { arguments, options })
    }

    /// The options that Nix needs for it.
    pub(super) fn options(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(String::as_str)
    }

    /// The expression that asks for an attribute of the set that `eval.nix` makes.
    pub(super) fn expression(&self, wanted: &str) -> String {
        format!("(({EVAL_NIX}) {}).{wanted}", self.arguments)
    }
}

/// A target as an expression of Nix, and the fragment if it is a flake.
fn source(target: &str) -> Result<(String, Option<AttrPath>), Failure> {
    let Some((reference, fragment)) = flake(target) else {
        let file = if is_lookup_path(target) { target.to_owned() } else { string(&absolute(target)) };
        return Ok((format!("import {file}"), None));
    };
    let fragment = if fragment.is_empty() { Vec::new() } else { attr_path(fragment)? };
    Ok((format!("builtins.getFlake {}", string(&flake_reference(reference))), Some(fragment)))
}

/// The reference and the fragment of a flake. What exists as a file is one only if nothing else can be meant.
fn flake(target: &str) -> Option<(&str, &str)> {
    let path = Path::new(target);
    if path.exists() {
        let is_flake = path.join("flake.nix").exists() && !path.join("default.nix").exists();
        return is_flake.then_some((target, ""));
    }
    target.split_once('#').or_else(|| target.contains(':').then_some((target, "")))
}

/// Whether a target is one such as `<nixpkgs>`.
fn is_lookup_path(target: &str) -> bool {
    let is_word = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    let name = target.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    name.is_some_and(|name| name.split('/').all(is_word))
}

/// A flake reference that means the same wherever Nix runs. A checkout is read by Git, which knows what belongs to it.
fn flake_reference(reference: &str) -> String {
    let reference = if reference.is_empty() { "." } else { reference };
    if !Path::new(reference).is_dir() {
        return reference.to_owned();
    }
    let path = absolute(reference);
    if Path::new(&path).join(".git").exists() { format!("git+file://{path}") } else { path }
}

fn absolute(path: &str) -> String {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// Takes `a."b.c".d` apart.
fn attr_path(text: &str) -> Result<AttrPath, Failure> {
    let mut quoted = false;
    let components = text.split(|character| {
        quoted ^= character == '"';
        character == '.' && !quoted
    });
    let path: AttrPath = components.map(|component| component.trim_matches('"').to_owned()).collect();
    if path.iter().any(String::is_empty) {
        return Err(Failure::Usage(format!("`{text}` is not an attribute path, such as `a.b` or `a.\"b.c\"`")));
    }
    Ok(path)
}

/// Attribute paths as an expression.
pub(super) fn paths(paths: &[AttrPath]) -> String {
    list(paths.iter().map(|path| strings(path)))
}

/// An attribute path as an expression.
pub(super) fn strings(items: &[String]) -> String {
    list(items.iter().map(|item| string(item)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[ {} ]", items.collect::<Vec<_>>().join(" "))
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_not_expressions() {
        assert_eq!(string(r#"a"b\c${d}"#), r#""a\"b\\c\${d}""#);
        assert_eq!(paths(&[vec!["a".to_owned(), "b.c".to_owned()]]), r#"[ [ "a" "b.c" ] ]"#);
    }

    #[test]
    fn attribute_paths() {
        assert_eq!(attr_path(r#"a."b.c".d"#).expect("path"), ["a", "b.c", "d"]);
        for text in ["", "a..b", "a."] {
            assert!(attr_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flakes_files_and_lookup_paths() {
        let fragment = |target| source(target).expect("target").1;
        assert_eq!(fragment("github:NixOS/nixpkgs"), Some(vec![]));
        assert_eq!(fragment("nixpkgs#hydraJobs.tests"), Some(vec!["hydraJobs".to_owned(), "tests".to_owned()]));
        assert_eq!(fragment("no/such/file.nix"), None);
        assert_eq!(source("<nixpkgs/nixos>").expect("target"), ("import <nixpkgs/nixos>".to_owned(), None));
        assert!(source("<a> b>").expect("target").0.starts_with("import \"/"));
    }
}
