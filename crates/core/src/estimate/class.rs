//! What the place of a file in the repository says of it, by the conventions of nixpkgs.

/// What a change of a file means, told by its path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// No package is built from it.
    Nothing(&'static str),
    /// Every package may be built from it.
    Everything(&'static str),
}

/// Where packages lie that are called by the name of their directory.
pub(super) const BY_NAME: &str = "pkgs/by-name";
/// Where functions lie that make packages: a package with its position there need not be made by that file alone.
pub(super) const BUILD_SUPPORT: &str = "pkgs/build-support/";

/// Where modules of NixOS lie, which are listed by their paths, and are in no package.
pub(super) const MODULES: &str = "nixos/modules/";

/// Files of `pkgs/top-level` that put the package set together.
const GLUE: [&str; 9] = ["by-name-overlay", "config", "default", "impure", "packages-config", "splice", "stage", "variants", "platforms"];
/// Names of files that are there for people.
const PROSE: [&str; 7] = [".adoc", ".html", ".md", ".rst", "COPYING", "LICENSE", "README"];

/// What is so whatever refers to the file. `path` is relative to the package set.
pub(super) fn certain(path: &str) -> Option<Class> {
    if path.starts_with("maintainers/") {
        return Some(Class::Nothing("maintainers: no build reads them"));
    }
    if path.starts_with("lib/") && !path.starts_with("lib/tests/") {
        return Some(Class::Everything("every expression may use the library"));
    }
    if path.starts_with("pkgs/stdenv/") {
        return Some(Class::Everything("every package is built with the standard environment"));
    }
    let glue = path.strip_prefix("pkgs/top-level/").and_then(|file| file.strip_suffix(".nix"));
    if glue.is_some_and(|file| GLUE.contains(&file) || file.starts_with("release")) {
        return Some(Class::Everything("the package set is put together there"));
    }
    None
}

/// Whether a file is where an evaluation begins, unless it is a set of packages itself.
pub(super) fn is_entry_point(path: &str) -> bool {
    ["default.nix", "flake.nix", "flake.lock"].contains(&path)
}

/// What a file is that is there for people, by its name.
pub(super) fn prose(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    PROSE.iter().any(|suffix| name.ends_with(suffix)).then_some("documentation")
}

/// What is so if no package refers to the file.
pub(super) fn unless_claimed(path: &str) -> Option<&'static str> {
    let is_in = |directories: &[&str]| directories.iter().any(|directory| path.starts_with(directory));
    if prose(path).is_some() || is_in(&["doc/", "nixos/doc/"]) {
        Some("documentation")
    } else if is_in(&[".github/", "ci/"]) {
        Some("continuous integration")
    } else if is_in(&["nixos/tests/"]) {
        Some("a NixOS test that is not in this evaluation: it and those that use it may be rebuilt")
    } else if is_in(&["nixos/"]) {
        Some("NixOS: systems and NixOS tests may be rebuilt, packages are not")
    } else if is_in(&["lib/tests/"]) {
        Some("tests of the library")
    } else if !path.contains('/') && (path.starts_with('.') && path != ".version" || path == "shell.nix") {
        Some("for those who work on the repository")
    } else {
        None
    }
}

/// The attribute that a file below `pkgs/by-name` belongs to, and its directory.
pub(super) fn by_name(path: &str) -> Option<(&str, &str)> {
    let below = path.strip_prefix(BY_NAME)?.strip_prefix('/')?;
    let (shard, rest) = below.split_once('/')?;
    let (name, _) = rest.split_once('/')?;
    Some((name, &path[..BY_NAME.len() + shard.len() + name.len() + 2]))
}

/// The attribute that a file below `pkgs/by-name` makes, if it is the one that does.
pub(super) fn made_by_name(path: &str) -> Option<&str> {
    let (name, directory) = by_name(path)?;
    (path.strip_prefix(directory)? == "/package.nix").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_by_name_is_an_attribute() {
        assert_eq!(by_name("pkgs/by-name/he/hello/package.nix"), Some(("hello", "pkgs/by-name/he/hello")));
        assert_eq!(by_name("pkgs/by-name/cu/curlMinimal/patches/a.patch"), Some(("curlMinimal", "pkgs/by-name/cu/curlMinimal")));
        assert_eq!(by_name("pkgs/by-name/README.md"), None);
        assert_eq!(by_name("pkgs/by-name-overlay.nix"), None);
        assert_eq!(made_by_name("pkgs/by-name/he/hello/package.nix"), Some("hello"));
        assert_eq!(made_by_name("pkgs/by-name/he/hello/tests/package.nix"), None);
    }
}
