//! Tests as Nix, to be pasted into a package.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::{clean, is_active, is_nix_identifier};

/// A line of Nix that is this long is not broken.
const WIDTH: usize = 80;

/// `passthru.tests = { … };` for attribute paths, and as comments those that `recurse`.
///
/// Names of one set are inherited together. What is no identifier is quoted, and inherited from `pkgs`; of two tests with one name, the one
/// at the top level, else the first by path, keeps it, and the other is called by its path. Nix has no escapes for what a terminal would
/// obey: a path with such characters is a comment, without them.
pub fn snippet<'p>(paths: impl IntoIterator<Item = &'p str>, recurse: impl IntoIterator<Item = &'p str>) -> String {
    let (unwritable, paths): (Vec<&str>, Vec<&str>) = paths.into_iter().partition(|path| path.contains(is_active));
    let mut paths: Vec<(Vec<String>, &str)> = paths.into_iter().map(|path| (components(path), path)).collect();
    paths.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    paths.dedup();
    let mut inherited: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bindings: Vec<String> = Vec::new();
    let mut taken = BTreeSet::new();
    for (mut parts, path) in paths {
        let Some(name) = parts.pop() else { continue };
        let set = set(&parts, &name);
        if taken.insert(name.clone()) {
            inherited.entry(set).or_default().push(word(&name));
        } else {
            let mut alias = path.replace('"', "");
            while !taken.insert(alias.clone()) {
                alias.push('\'');
            }
            let value = if set.is_empty() { word(&name) } else { format!("{set}.{}", word(&name)) };
            bindings.push(format!("{} = {value};", quoted(&alias)));
        }
    }
    let mut lines: Vec<String> = inherited.into_iter().flat_map(|(set, names)| inherit(&set, &names)).collect();
    lines.extend(bindings);
    let recursing = recurse.into_iter().map(|path| format!("# would recurse: {}", clean(path)));
    let unwritable = unwritable.into_iter().map(|path| format!("# cannot be written: {}", clean(path)));
    let comments: Vec<String> = recursing.chain(unwritable).collect();
    let single = format!("passthru.tests = {{ {} }};", lines.join(" "));
    if comments.is_empty() && lines.len() == 1 && single.len() <= WIDTH {
        return single + "\n";
    }
    let body: Vec<&str> = lines.iter().chain(&comments).map(String::as_str).collect();
    format!("passthru.tests = {{\n  {}\n}};\n", body.join("\n  "))
}

/// Lines that inherit names from a set.
fn inherit(set: &str, names: &[String]) -> Vec<String> {
    let from = if set.is_empty() { String::new() } else { format!(" ({set})") };
    let single = format!("inherit{from} {};", names.join(" "));
    if single.len() + 2 <= WIDTH {
        return vec![single];
    }
    let names = names.iter().map(|name| format!("  {name}"));
    std::iter::once(format!("inherit{from}")).chain(names).chain(["  ;".to_owned()]).collect()
}

/// The expression of a set; empty for the arguments of the package, among which every identifier can be.
fn set(parts: &[String], name: &str) -> String {
    let words: Vec<String> = parts.iter().map(|part| word(part)).collect();
    match parts.first() {
        None if is_nix_identifier(name) => String::new(),
        None => "pkgs".to_owned(),
        Some(first) if is_nix_identifier(first) => words.join("."),
        Some(_) => format!("pkgs.{}", words.join(".")),
    }
}

/// The components of a dotted path; one that holds a dot is in quotes.
fn components(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inner| {
            let end = inner.match_indices('"').map(|(at, _)| at).find(|at| matches!(inner.as_bytes().get(at + 1), None | Some(b'.')))?;
            Some((&inner[..end], inner.get(end + 2..).unwrap_or_default()))
        });
        let (part, behind) = quoted.unwrap_or_else(|| rest.split_once('.').unwrap_or((rest, "")));
        parts.push(part.to_owned());
        rest = behind;
    }
    parts
}

/// A name as it stands in an attribute path.
fn word(name: &str) -> String {
    if is_nix_identifier(name) { name.to_owned() } else { quoted(name) }
}

fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for character in name.chars() {
        match character {
            '"' | '\\' | '$' => text.extend(['\\', character]),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_one_set_are_inherited_together() {
        assert_eq!(snippet(["nginx", "curl"], []), "passthru.tests = { inherit curl nginx; };\n");
        assert_eq!(
            snippet(["python3Packages.torch", "python3Packages.numpy", "curl", "python312Packages.torch"], ["perl"]),
            "passthru.tests = {\n  inherit curl;\n  inherit (python312Packages) torch;\n  inherit (python3Packages) numpy;\n  \
             \"python3Packages.torch\" = python3Packages.torch;\n  # would recurse: perl\n};\n"
        );
    }

    #[test]
    fn what_is_no_identifier_is_quoted() {
        assert_eq!(
            snippet(["7zz", "nodePackages.\"socket.io\"", "with", "a.inherit.b", "x.\"${y}\""], []),
            "passthru.tests = {\n  inherit (a.\"inherit\") b;\n  inherit (nodePackages) \"socket.io\";\n  inherit (pkgs) \"7zz\" \"with\";\n  \
             inherit (x) \"\\${y}\";\n};\n"
        );
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_written() {
        assert_eq!(
            snippet(["a\u{1b}[2J", "curl", "b\u{202e}c", "d\ne"], ["x\u{9b}"]),
            "passthru.tests = {\n  inherit curl;\n  # would recurse: x\u{fffd}\n  # cannot be written: a\u{fffd}[2J\n  \
             # cannot be written: b\u{fffd}c\n  # cannot be written: d\u{fffd}e\n};\n"
        );
    }

    proptest! {
        /// Whatever names are made of, it is Nix, and each test is bound to one name.
        #[test]
        fn it_is_nix(parts in vec(vec("[a-c1'\"\\\\$ {}=;.#\n-]{1,4}|in|or|rec|torch", 1..3), 1..6), recursing in "[a\n;}{]{0,4}") {
            let part = |part: &String| if part.contains('.') { format!("\"{part}\"") } else { part.clone() };
            let paths: Vec<String> = parts.iter().map(|parts| parts.iter().map(part).collect::<Vec<_>>().join(".")).collect();
            let text = snippet(paths.iter().map(String::as_str), [recursing.as_str()]);
            let parsed = rnix::Root::parse(&format!("{{ {text} }}"));
            prop_assert!(parsed.errors().is_empty(), "{:?}\n{}", parsed.errors(), text);
        }
    }

    #[test]
    fn paths_split_at_dots_outside_of_quotes() {
        for (path, parts) in [
            ("a", vec!["a"]),
            ("a.b", vec!["a", "b"]),
            ("a.\"b.c\".d", vec!["a", "b.c", "d"]),
            ("\"b.c\"", vec!["b.c"]),
            ("a\"b.c", vec!["a\"b", "c"]),
        ] {
            assert_eq!(components(path), parts, "{path}");
        }
    }
}
