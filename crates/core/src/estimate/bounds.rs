//! What is read of a repository at most: equal directories and files are one object each, and packed, so that a few kilobytes can stand
//! for a tree that has no end, or for a file that no memory holds.

use std::collections::HashMap;

use git2::{ObjectType, Odb, OdbObject, Oid};

use super::repository::Repository;
use crate::error::{Error, Result};
use crate::text::number;

/// Longest file that is read, in bytes. The longest of nixpkgs has 20 MB.
pub(super) const MAX_FILE: usize = 64 << 20;
/// Bytes of all changed files that are compared by what is in them.
pub(super) const MAX_TEXTS: usize = 1 << 30;
/// Files and directories of a tree, and those that two trees differ in. nixpkgs has 80,000.
const MAX_ENTRIES: usize = 1_000_000;
/// Directories within each other.
const MAX_DEPTH: usize = 1_000;

/// How much differs below two directories, of which one may not be there: entries, and directories within each other.
type Difference = (usize, usize);
type Pair = (Option<Oid>, Option<Oid>);

/// Reads a file, unless it is too long: then it is not unpacked.
///
/// # Errors
///
/// Those of libgit2.
pub(crate) fn read_file<'odb>(database: &'odb Odb<'_>, id: Oid) -> Result<Option<OdbObject<'odb>>, git2::Error> {
    let (length, _) = database.read_header(id)?;
    if length > MAX_FILE { Ok(None) } else { database.read(id).map(Some) }
}

impl Repository {
    /// Refuses two trees that libgit2 would compare for ever. O(directories that differ), each pair of them once.
    pub(super) fn require_comparable(&self, before: &git2::Tree<'_>, after: &git2::Tree<'_>) -> Result<()> {
        self.difference((Some(before.id()), Some(after.id())), 0, &mut HashMap::new()).map(drop)
    }

    fn difference(&self, pair: Pair, depth: usize, known: &mut HashMap<Pair, Difference>) -> Result<Difference> {
        if pair.0 == pair.1 {
            return Ok((0, 0));
        }
        if let Some(&(entries, height)) = known.get(&pair) {
            self.require_shallow(depth + height)?;
            return Ok((entries, height));
        }
        self.require_shallow(depth)?;
        let [before, after] = [self.entries(pair.0)?, self.entries(pair.1)?];
        let only_after = after.iter().filter(|(name, _)| !before.contains_key(*name)).map(|(_, &new)| (None, Some(new)));
        let of_before = before.iter().map(|(name, &old)| (Some(old), after.get(name).copied()));
        let (mut entries, mut height) = (0_usize, 0);
        for (old, new) in of_before.chain(only_after).filter(|(old, new)| old != new) {
            let directory = |entry: Option<(Oid, bool)>| entry.and_then(|(id, is_directory)| is_directory.then_some(id));
            let (below, levels) = self.difference((directory(old), directory(new)), depth + 1, known)?;
            entries = entries.saturating_add(below).saturating_add(1);
            height = height.max(levels + 1);
        }
        known.insert(pair, (entries, height));
        // Every pair that is known differs, and counts.
        self.require_few(entries.max(known.len()))?;
        Ok((entries, height))
    }

    /// What is in a directory: the object, and whether it is a directory.
    fn entries(&self, tree: Option<Oid>) -> Result<HashMap<Vec<u8>, (Oid, bool)>> {
        let Some(id) = tree else { return Ok(HashMap::new()) };
        let tree = self.git().find_tree(id).map_err(|error| self.unreadable(&error))?;
        Ok(tree.iter().map(|entry| (entry.name_bytes().to_owned(), (entry.id(), entry.kind() == Some(ObjectType::Tree)))).collect())
    }

    /// Refuses more files and directories than are read.
    pub(super) fn require_few(&self, entries: usize) -> Result<()> {
        let reason = || format!("a commit has or changes more than {} files and directories", number(MAX_ENTRIES as u64));
        if entries <= MAX_ENTRIES { Ok(()) } else { Err(self.too_much(reason())) }
    }

    /// Refuses directories that are deeper within each other than is read.
    pub(super) fn require_shallow(&self, depth: usize) -> Result<()> {
        let reason = || format!("a commit has more than {} directories within each other", number(MAX_DEPTH as u64));
        if depth <= MAX_DEPTH { Ok(()) } else { Err(self.too_much(reason())) }
    }

    fn too_much(&self, reason: String) -> Error {
        Error::Repository { path: self.git().path().to_owned(), reason }
    }
}
