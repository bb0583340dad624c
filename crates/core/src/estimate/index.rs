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

    /// Whether a file is part of a directory that an expression reads as a whole, such as a source.
    pub(super) fn is_in_a_tree(&self, path: &str) -> bool {
        let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
        let named = directories.filter_map(|directory| Some((directory, self.by_target.get(directory)?)));
        let reads = |(directory, files): (&str, &Vec<usize>)| {
            let tree = Reference { target: directory.to_owned(), is_tree: true };
            files.iter().any(|&at| self.files[at].references.contains(&tree))
        };
        // Of the packages that are called by name, each is a file of its own.
        named.filter(|(directory, _)| !directory.ends_with(super::class::BY_NAME)).any(reads)
    }

    /// The files below a directory that mention an identifier, by path; the empty directory is all of the repository.
    pub(super) fn mentioning<'a>(&'a self, name: &str, directory: &str) -> impl Iterator<Item = &'a str> {
        let (name, prefix) = (hash(name), if directory.is_empty() { String::new() } else { format!("{directory}/") });
        let mentions = move |file: &&File| file.path.starts_with(&prefix) && file.names.binary_search(&name).is_ok();
        self.files.iter().filter(mentions).map(|file| file.path.as_str())
    }
}

fn hash(name: &str) -> u32 {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    // The high bits are the better ones.
    (hasher.finish() >> 32) as u32
}

/// One pass over the tokens: a file is parsed only if it matters. `None` if it cannot be read in reasonable time.
fn scan(path: &str, text: &str) -> Option<File> {
    if !syntax::is_tame(text) {
        return None;
    }
    let (mut names, mut references) = (Vec::new(), Vec::new());
    // An identifier may be a function that is called with a path, or a key that mentions nothing: the next token tells.
    let mut identifier: Option<&str> = None;
    // A path may go on behind `${`: the next token tells.
    let mut literal: Option<(&str, bool)> = None;
    let mut is_inside_path = false;
    for (kind, token) in rnix::tokenize(text).filter(|(kind, _)| !kind.is_trivia()) {
        let name = identifier.take().filter(|_| kind != SyntaxKind::TOKEN_ASSIGN);
        names.extend(name.map(hash));
        let is_whole = kind != SyntaxKind::TOKEN_INTERPOL_START;
        references.extend(literal.take().and_then(|(text, is_called)| syntax::reference(path, text, is_whole, is_called)));
        match kind {
            SyntaxKind::TOKEN_IDENT => identifier = Some(token),
            SyntaxKind::TOKEN_PATH_REL if !is_inside_path => literal = Some((token, name.is_some_and(syntax::calls_a_file))),
            _ => {}
        }
        is_inside_path = kind == SyntaxKind::TOKEN_INTERPOL_END;
    }
    names.extend(identifier.map(hash));
    references.extend(literal.and_then(|(text, is_called)| syntax::reference(path, text, true, is_called)));
    names.sort_unstable();
    names.dedup();
    references.sort_unstable();
    references.dedup();
    Some(File { path: path.to_owned(), references, names })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (name, is_mentioned) in
            [("foo", true), ("lib", true), ("b", true), ("callPackage", true), ("key", false), ("src", false), ("comment", false)]
        {
            assert_eq!(file.names.binary_search(&hash(name)).is_ok(), is_mentioned, "{name}");
        }
    }
}
