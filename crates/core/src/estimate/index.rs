//! Which Nix files of a repository name which files, and which identifiers they mention.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

use rnix::SyntaxKind;
use rustc_hash::FxHasher;

use super::repository::{Comparison, is_nix};
use super::syntax::{self, Reference};
use crate::error::Result;

/// A Nix file, as far as its tokens tell.
#[derive(Debug, Default)]
struct File {
    path: String,
    references: Vec<Reference>,
    /// What it names other than to call or to list it, sorted: a build may read what is there.
    read: Vec<String>,
    /// Hashes of the identifiers that it mentions, sorted.
    names: Vec<u32>,
}

/// All Nix files of a repository, before and after the change.
#[derive(Debug)]
pub(super) struct Index {
    files: Vec<File>,
    /// Positions in `files` by what a reference names.
    by_target: HashMap<String, Vec<usize>>,
    /// Nix files that are too long, not UTF-8, or not to be read in reasonable time.
    pub(super) unread: usize,
}

impl Index {
    /// Reads every Nix file once, over all cores. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::Repository`](crate::error::Error::Repository) if an object cannot be read.
    pub(super) fn new(comparison: &Comparison) -> Result<Self> {
        let read = comparison.read_unchanged(|path, text| text.and_then(|text| scan(path, text)))?;
        let all = read.len();
        let mut files: Vec<File> = read.into_iter().flatten().collect();
        let mut unread = all - files.len();
        let mut changed: BTreeMap<&str, File> = BTreeMap::new();
        for change in &comparison.changes {
            let sides = [(change.path_before(), &change.old), (&change.path, &change.new)];
            for (path, side) in sides.into_iter().filter_map(|(path, side)| Some((path, side.as_ref().filter(|_| is_nix(path))?))) {
                let Some(scanned) = side.text.as_ref().and_then(|text| scan(path, text)) else {
                    unread += 1;
                    continue;
                };
                let file = changed.entry(path).or_default();
                file.path = scanned.path;
                file.references.extend(scanned.references);
                file.read.extend(scanned.read);
                file.read.sort_unstable();
                file.names.extend(scanned.names);
                file.names.sort_unstable();
                file.names.dedup();
            }
        }
        files.extend(changed.into_values());
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut by_target: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, file) in files.iter().enumerate() {
            let targets: BTreeSet<&str> = file.references.iter().map(|reference| reference.target.as_str()).collect();
            for target in targets {
                by_target.entry(target.to_owned()).or_default().push(at);
            }
        }
        Ok(Self { files, by_target, unread })
    }

    /// The files that name a file, or a directory that means it, by path.
    pub(super) fn importers(&self, path: &str) -> BTreeSet<&str> {
        let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
        let targets = std::iter::once("").chain(directories).chain([path]);
        let named = targets.filter_map(|target| self.by_target.get(target)).flatten().map(|&at| &self.files[at]);
        named
            .filter(|file| file.path != path && file.references.iter().any(|named| named.names(path)))
            .map(|file| file.path.as_str())
            .collect()
    }

    /// The files that name a file, or a directory above it, such that a build may read what is in it: `./data.nix`, `src = ./.`.
    /// Not those that mean the whole repository.
    pub(super) fn readers(&self, path: &str) -> BTreeSet<&str> {
        let targets = named_directories(path).chain([path]);
        let named = targets.filter_map(|target| Some((target, self.by_target.get(target)?)));
        let reads = |target: &str, file: &&File| file.read.binary_search_by(|read| read.as_str().cmp(target)).is_ok();
        named
            .flat_map(|(target, at)| at.iter().map(|&at| &self.files[at]).filter(move |file| reads(target, file)))
            .map(|file| file.path.as_str())
            .collect()
    }

    /// Whether no build may read any of some files, as far as expressions name them.
    pub(super) fn reads_none_of(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.readers(path).is_empty())
    }

    /// Whether a file is part of a directory that an expression reads as a whole, such as a source.
    pub(super) fn is_in_a_tree(&self, path: &str) -> bool {
        let mut named = named_directories(path).filter_map(|directory| Some((directory, self.by_target.get(directory)?)));
        let reads = |(directory, files): (&str, &Vec<usize>)| {
            let tree = Reference { target: directory.to_owned(), is_tree: true };
            files.iter().any(|&at| self.files[at].references.contains(&tree))
        };
        named.any(reads)
    }

    /// The files below a directory that mention an identifier, by path; the empty directory is all of the repository.
    pub(super) fn mentioning<'a>(&'a self, name: &str, directory: &str) -> impl Iterator<Item = &'a str> {
        let (name, prefix) = (hash(name), if directory.is_empty() { String::new() } else { format!("{directory}/") });
        let mentions = move |file: &&File| file.path.starts_with(&prefix) && file.names.binary_search(&name).is_ok();
        self.files.iter().filter(mentions).map(|file| file.path.as_str())
    }
}

/// The directories above a file. Not that of the packages that are called by name: of these, each is a file of its own.
fn named_directories(path: &str) -> impl Iterator<Item = &str> {
    let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
    directories.filter(|directory| !directory.ends_with(super::class::BY_NAME))
}

/// Whether a function takes a path without a look at what is in the file.
fn takes_only_a_path(function: &str) -> bool {
    syntax::calls_a_file(function) || ["pathExists", "readDir"].contains(&function)
}

fn hash(name: &str) -> u32 {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    // The high bits are the better ones.
    (hasher.finish() >> 32) as u32
}

/// A path in a file.
struct Literal<'t> {
    text: &'t str,
    /// Whether a function that calls a file has it as its argument.
    is_called: bool,
    /// Whether a build may read what is there.
    is_read: bool,
}

impl File {
    /// Adds a path that it names; all of it, or what stands before `${`.
    fn add(&mut self, literal: &Literal<'_>, is_whole: bool) {
        let Some(reference) = syntax::reference(&self.path, literal.text, is_whole, literal.is_called) else { return };
        if literal.is_read {
            self.read.push(reference.target.clone());
        }
        self.references.push(reference);
    }
}

/// One pass over the tokens: a file is parsed only if it matters. `None` if it cannot be read in reasonable time.
fn scan(path: &str, text: &str) -> Option<File> {
    if !syntax::is_tame(text) {
        return None;
    }
    let mut file = File { path: path.to_owned(), ..File::default() };
    // An identifier may be a function that is called with a path, or a key that mentions nothing: the next token tells.
    let mut identifier: Option<&str> = None;
    // It may be called with what is in brackets: `callPackage (./. + "/x.nix")`.
    let mut bracket: Option<&str> = None;
    // A path may go on behind `${`: the next token tells.
    let mut literal: Option<Literal<'_>> = None;
    let mut is_inside_path = false;
    for (kind, token) in rnix::tokenize(text).filter(|(kind, _)| !kind.is_trivia()) {
        let name = identifier.take().filter(|_| kind != SyntaxKind::TOKEN_ASSIGN);
        file.names.extend(name.map(hash));
        let function = name.or(bracket.take());
        if let Some(literal) = literal.take() {
            file.add(&literal, kind != SyntaxKind::TOKEN_INTERPOL_START);
        }
        match kind {
            SyntaxKind::TOKEN_IDENT => identifier = Some(token),
            SyntaxKind::TOKEN_L_PAREN => bracket = function,
            SyntaxKind::TOKEN_PATH_REL if !is_inside_path => {
                let (is_called, is_read) = (name.is_some_and(syntax::calls_a_file), !function.is_some_and(takes_only_a_path));
                literal = Some(Literal { text: token, is_called, is_read });
            }
            _ => {}
        }
        is_inside_path = kind == SyntaxKind::TOKEN_INTERPOL_END;
    }
    file.names.extend(identifier.map(hash));
    if let Some(literal) = literal {
        file.add(&literal, true);
    }
    file.names.sort_unstable();
    file.names.dedup();
    // It calls every file below a directory.
    if file.names.binary_search(&hash("packagesFromDirectoryRecursive")).is_ok() {
        file.read.clear();
    }
    file.read.sort_unstable();
    file.read.dedup();
    file.references.sort_unstable();
    file.references.dedup();
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_or_listed_is_not_read() {
        for (text, read) in [
            ("callPackage (./. + \"/x.nix\")", false),
            ("import ./${name}.nix", false),
            ("builtins.readDir ./x", false),
            ("packagesFromDirectoryRecursive { directory = ./x; }", false),
            ("map (name: ./x + name) (readDir ./x)", true),
            ("f (import ./x.nix) ./x", true),
            ("[ ./x.nix ]", true),
            ("{ src = ./.; }", true),
        ] {
            assert_eq!(!scan("pkgs/set/default.nix", text).expect(text).read.is_empty(), read, "{text}");
        }
    }

    #[test]
    fn tokens_tell_files_and_names() {
        let text = "{ foo, lib }: # ./comment.nix\n{ key = callPackage ../a { inherit (lib) b; };\n c.d = import ./f.nix;\n\
                    p = [ ./x.patch ./y-${foo}.patch ./d/${foo}/z.patch ]; src = ./.; s = \"./string\"; t = \"${./in.txt}\"; }";
        let file = scan("pkgs/set/default.nix", text).expect("it is read");
        let shown = file.references.iter().map(|found| format!("{}{}", found.target, if found.is_tree { " and below" } else { "" }));
        let expected = [
            "pkgs/a",
            "pkgs/set and below",
            "pkgs/set/d and below",
            "pkgs/set/f.nix",
            "pkgs/set/in.txt and below",
            "pkgs/set/x.patch and below",
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!(file.read, ["pkgs/set", "pkgs/set/d", "pkgs/set/in.txt", "pkgs/set/x.patch"]);
        for (name, is_mentioned) in
            [("foo", true), ("lib", true), ("b", true), ("callPackage", true), ("key", false), ("src", false), ("comment", false)]
        {
            assert_eq!(file.names.binary_search(&hash(name)).is_ok(), is_mentioned, "{name}");
        }
    }
}
