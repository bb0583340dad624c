//! What a git repository says of a change: which files differ between two commits, and what is in them.
//!
//! Objects are read from the object database: nothing is checked out, and no hook, filter, attribute program or submodule
//! is run or fetched. Ownership is checked as git does, so a repository of somebody else is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Delta, DiffFindOptions, DiffOptions, ErrorCode, FileMode, IndexEntry, IndexEntryExtendedFlag, ObjectType, Oid};
use rayon::prelude::*;

use super::bounds::{MAX_FILE, MAX_TEXTS, read_file};
use crate::error::{Error, Result};

/// Files that renames are looked for among; libgit2 compares each with each.
const RENAME_LIMIT: usize = 1000;
/// What to do about commits that a clone does not have.
const SHALLOW: &str = "the clone is shallow, fetch more of its history with `git fetch --deepen=1000`, or all with `git fetch --unshallow`";
/// What to do about files that a clone does not have.
const PARTIAL: &str = "the clone may be partial (`--filter`), fetch all files with `git fetch --refetch --no-filter`";
/// Files that one thread reads before it takes the next ones.
const CHUNK: usize = 512;

/// A git repository that can be asked what changed.
pub struct Repository {
    git: git2::Repository,
}

/// A commit that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its full hash.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// Only after the change.
    Added,
    /// Only before the change.
    Removed,
    /// Before and after, with another content, type or mode.
    Modified,
    /// Another path, with the same or a similar content.
    Moved,
}

/// Where the state after the change is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// In the object database.
    Stored,
    /// In the working tree.
    WorkingTree,
}

/// A file that a change touches.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// Its path after the change, or before if it was removed; from the top of the repository, with `/`.
    pub path: String,
    /// Its path before the change, if it is another.
    pub old_path: Option<String>,
    /// What happened to it.
    pub status: FileStatus,
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
}

impl FileChange {
    /// Its path before the change.
    pub(super) fn path_before(&self) -> &str {
        self.old_path.as_deref().unwrap_or(&self.path)
    }

    /// Forgets what its files say if there is no room for it; what room is left.
    fn keep_within(&mut self, room: usize) -> usize {
        let sides = || [&self.old, &self.new].into_iter().flatten();
        let length: usize = sides().filter_map(|entry| entry.text.as_ref()).map(String::len).sum();
        if length > room {
            for entry in [&mut self.old, &mut self.new].into_iter().flatten() {
                entry.text = None;
            }
        }
        room.saturating_sub(length)
    }

    pub(super) fn is_submodule(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().any(|entry| entry.mode == FileMode::Commit)
    }

    /// Whether content and mode are the same before and after.
    pub(super) fn is_same_content(&self) -> bool {
        self.old.as_ref().zip(self.new.as_ref()).is_some_and(|(old, new)| old.id == new.id && old.mode == new.mode)
    }
}

/// One side of a changed file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: Oid,
    pub(super) mode: FileMode,
    /// What a Nix file says; `None` for others, for one that is too long or not UTF-8, and if all that changed is too much.
    pub(super) text: Option<String>,
}

/// Two states of a repository, and what differs between them.
#[derive(Debug)]
pub struct Comparison {
    /// The repository's directory.
    pub repository: PathBuf,
    /// Where the change branched off: the merge base of what was compared.
    pub base: Commit,
    /// Where it leads to; `None` is the working tree.
    pub head: Option<Commit>,
    /// The files that differ, by path.
    pub changes: Vec<FileChange>,
    git_directory: PathBuf,
    /// All files before the change, by path.
    files: BTreeMap<String, Oid>,
    /// Paths that only the state before the change has.
    gone: BTreeSet<String>,
    /// Paths that only the state after the change has.
    come: BTreeSet<String>,
}

impl Repository {
    /// Finds the repository that a directory is in.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] if there is none, or if it belongs to somebody else.
    pub fn discover(directory: &Path) -> Result<Self> {
        match git2::Repository::discover(directory) {
            Ok(git) => Ok(Self { git }),
            Err(error) => Err(refused(directory, &error)),
        }
    }

    /// Compares the head of a range with the merge base of its ends, as a pull request is shown.
    ///
    /// A range is `A..B` or `A...B`, which are the same here, or `A`, which is `A..HEAD`; an end that is left out is `HEAD`.
    /// Time O(files in the tree + sizes of changed files).
    ///
    /// # Errors
    ///
    /// [`Error::Revision`] if an end is no commit or both are left out, [`Error::NoMergeBase`] if they have no ancestor in common,
    /// [`Error::Repository`] if an object cannot be read.
    pub fn compare(&self, range: &str) -> Result<Comparison> {
        let (base, head) = ends(range)?;
        let (base, head) = (self.commit(base)?, self.commit(head)?);
        let base = self.merge_base(&base, &head)?;
        let trees = (self.tree(&base)?, self.tree(&head)?);
        let files = self.files(&trees.0)?;
        self.require_comparable(&trees.0, &trees.1)?;
        let diff = self.git.diff_tree_to_tree(Some(&trees.0), Some(&trees.1), Some(&mut options()));
        Ok(self.comparison(&base, Some(&head), files, self.changes(diff, Side::Stored, &trees.0)?))
    }

    /// Compares the working tree, with what is untracked and what is staged, with `HEAD` or with its merge base with `base`.
    ///
    /// Files that git ignores are left out. Time as [`Repository::compare`], and a look at each file of the working tree.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::compare`]; [`Error::Repository`] too if there is no working tree.
    pub fn compare_worktree(&self, base: Option<&str>) -> Result<Comparison> {
        if self.git.is_bare() {
            let reason = "it is bare: it has no working tree (hint: --git BASE..HEAD)".to_owned();
            return Err(Error::Repository { path: self.git.path().to_owned(), reason });
        }
        let head = self.commit("HEAD")?;
        let base = match base {
            Some(base) => self.merge_base(&self.commit(base)?, &head)?,
            None => head,
        };
        let tree = self.tree(&base)?;
        let files = self.files(&tree)?;
        let diff = self.git.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options()));
        let left_out = self.left_out()?;
        let mut changes = self.changes(diff, Side::WorkingTree, &tree)?;
        changes.retain(|change| !left_out.contains(change.path_before()));
        if !left_out.is_empty() {
            let diff = self.git.diff_tree_to_index(Some(&tree), None, Some(&mut options()));
            changes.extend(self.changes(diff, Side::Stored, &tree)?.into_iter().filter(|change| left_out.contains(change.path_before())));
        }
        Ok(self.comparison(&base, None, files, changes))
    }

    /// Files that a sparse checkout leaves out of the working tree: they are as the index has them.
    fn left_out(&self) -> Result<BTreeSet<String>> {
        let index = self.git.index().map_err(|error| self.unreadable(&error))?;
        let is_left_out = |entry: &IndexEntry| IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended).is_skip_worktree();
        let directory = self.git.workdir().unwrap_or(self.git.path());
        let paths = index.iter().filter(is_left_out).map(|entry| String::from_utf8_lossy(&entry.path).into_owned());
        Ok(paths.filter(|path| fs::symlink_metadata(directory.join(path)).is_err()).collect())
    }

    /// What a diff says, file by file.
    fn changes(&self, diff: Result<git2::Diff<'_>, git2::Error>, side: Side, tree: &git2::Tree<'_>) -> Result<Vec<FileChange>> {
        let mut diff = diff.map_err(|error| self.unreadable(&error))?;
        let mut similar = DiffFindOptions::new();
        similar.renames(true).for_untracked(true).rename_limit(RENAME_LIMIT);
        // To see how similar two files are, libgit2 unpacks both, however long they are.
        similar.exact_match_only(diff.deltas().any(|delta| self.is_too_long(&delta)));
        diff.find_similar(Some(&mut similar)).map_err(|error| self.unreadable(&error))?;
        let mut room = MAX_TEXTS;
        let mut changes = Vec::new();
        for delta in diff.deltas() {
            if let Some(change) = self.change(&delta, side, tree) {
                let mut change = change?;
                room = change.keep_within(room);
                changes.push(change);
            }
        }
        Ok(changes)
    }

    /// Whether a file that is only on one side is longer than what is read.
    fn is_too_long(&self, delta: &git2::DiffDelta<'_>) -> bool {
        let file = match delta.status() {
            Delta::Added | Delta::Untracked => delta.new_file(),
            Delta::Deleted => delta.old_file(),
            _ => return false,
        };
        let stored = self.git.odb().and_then(|database| database.read_header(file.id())).map_or(0, |(length, _)| length as u64);
        file.size().max(stored) > MAX_FILE as u64
    }

    fn comparison(
        &self,
        base: &git2::Commit<'_>,
        head: Option<&git2::Commit<'_>>,
        files: BTreeMap<String, Oid>,
        mut changes: Vec<FileChange>,
    ) -> Comparison {
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        let is_there = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.mode != FileMode::Commit);
        let come: BTreeSet<String> = changes
            .iter()
            .filter(|change| is_there(&change.new))
            .map(|change| change.path.clone())
            .filter(|path| !files.contains_key(path))
            .collect();
        let kept: BTreeSet<&str> = changes.iter().filter(|change| is_there(&change.new)).map(|change| change.path.as_str()).collect();
        let gone = changes.iter().map(FileChange::path_before).filter(|path| !kept.contains(path)).map(str::to_owned).collect();
        Comparison {
            repository: self.git.workdir().unwrap_or(self.git.path()).to_owned(),
            base: named(base),
            head: head.map(named),
            git_directory: self.git.path().to_owned(),
            files,
            gone,
            come,
            changes,
        }
    }

    /// What a delta says; nothing if it is about a directory or an ignored file.
    fn change(&self, delta: &git2::DiffDelta<'_>, side: Side, tree: &git2::Tree<'_>) -> Option<Result<FileChange>> {
        let status = match delta.status() {
            Delta::Added | Delta::Untracked | Delta::Copied => FileStatus::Added,
            Delta::Deleted => FileStatus::Removed,
            Delta::Renamed => FileStatus::Moved,
            Delta::Unmodified | Delta::Ignored => return None,
            Delta::Modified | Delta::Typechange | Delta::Unreadable => FileStatus::Modified,
            Delta::Conflicted => return Some(self.conflict(delta, tree)),
        };
        let path = |file: git2::DiffFile<'_>| String::from_utf8_lossy(file.path_bytes().unwrap_or_default()).into_owned();
        let (old_path, new_path) = (path(delta.old_file()), path(delta.new_file()));
        let old = match status {
            FileStatus::Added => Ok(None),
            _ => self.stored(delta.old_file().id(), delta.old_file().mode(), &old_path).map(Some),
        };
        let new = match status {
            FileStatus::Removed => Ok(None),
            _ if side == Side::WorkingTree => self.in_worktree(delta.new_file().id(), delta.new_file().mode(), &new_path),
            _ => self.stored(delta.new_file().id(), delta.new_file().mode(), &new_path).map(Some),
        };
        Some(old.and_then(|old| {
            let new = new?;
            let (path, old_path) = match status {
                FileStatus::Removed => (old_path, None),
                FileStatus::Moved => (new_path, Some(old_path)),
                _ => (new_path, None),
            };
            Ok(FileChange { path, old_path, status, old, new })
        }))
    }

    /// A file whose merge is not done: the index has several of it, so that it is compared with the tree's own.
    fn conflict(&self, delta: &git2::DiffDelta<'_>, tree: &git2::Tree<'_>) -> Result<FileChange> {
        let path = [delta.new_file(), delta.old_file()].iter().find_map(git2::DiffFile::path_bytes).unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        let old = tree.get_path(Path::new(&path)).ok();
        let old = old.map(|entry| self.stored(entry.id(), FileMode::Blob, &path)).transpose()?;
        let new = self.in_worktree(Oid::ZERO_SHA1, FileMode::Blob, &path)?;
        let status = match (&old, &new) {
            (None, _) => FileStatus::Added,
            (_, None) => FileStatus::Removed,
            _ => FileStatus::Modified,
        };
        Ok(FileChange { path, old_path: None, status, old, new })
    }

    /// A file of the object database.
    fn stored(&self, id: Oid, mode: FileMode, path: &str) -> Result<Entry> {
        let text = if is_nix(path) && mode != FileMode::Commit && mode != FileMode::Link {
            file_text(&self.git, id).map_err(|error| self.unreadable(&error))?
        } else {
            None
        };
        Ok(Entry { id, mode, text })
    }

    /// A file of the working tree, never what a link points to; `None` if it has gone in the meantime.
    fn in_worktree(&self, id: Oid, mode: FileMode, path: &str) -> Result<Option<Entry>> {
        let full = self.git.workdir().unwrap_or(self.git.path()).join(path);
        if mode != FileMode::Blob && mode != FileMode::BlobExecutable {
            return Ok(Some(Entry { id, mode, text: None }));
        }
        match fs::symlink_metadata(&full) {
            Ok(metadata) if !metadata.is_file() => return Ok(None),
            Ok(metadata) if metadata.len() > MAX_FILE as u64 => return Ok(Some(Entry { id, mode, text: None })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let bytes = fs::read(&full).map_err(Error::io("read", &full))?;
        let id = Oid::hash_object(ObjectType::Blob, &bytes).map_err(|error| self.unreadable(&error))?;
        Ok(Some(Entry { id, mode, text: if is_nix(path) { text(&bytes) } else { None } }))
    }

    /// The repository as libgit2 has it.
    pub(crate) fn git(&self) -> &git2::Repository {
        &self.git
    }

    /// The commit that is checked out.
    pub(crate) fn head(&self) -> Result<git2::Commit<'_>> {
        self.commit("HEAD")
    }

    /// Every file of a tree, links included, submodules not.
    pub(crate) fn files(&self, tree: &git2::Tree<'_>) -> Result<BTreeMap<String, Oid>> {
        let (mut files, mut entries) = (BTreeMap::new(), 0);
        let mut open = vec![(String::new(), tree.id())];
        while let Some((prefix, id)) = open.pop() {
            self.require_shallow(prefix.matches('/').count())?;
            let tree = self.git.find_tree(id).map_err(|error| self.unreadable(&error))?;
            for entry in &tree {
                let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes()));
                match entry.kind() {
                    Some(ObjectType::Tree) => open.push((format!("{path}/"), entry.id())),
                    Some(ObjectType::Blob) => {
                        files.insert(path, entry.id());
                    }
                    _ => {}
                }
                entries += 1;
                self.require_few(entries)?;
            }
        }
        Ok(files)
    }

    fn commit(&self, revision: &str) -> Result<git2::Commit<'_>> {
        let found = self.git.revparse_single(revision).and_then(|object| object.peel_to_commit());
        found.map_err(|error| {
            let hint = if self.git.is_shallow() { format!(" (hint: {SHALLOW})") } else { String::new() };
            Error::Revision { revision: revision.to_owned(), reason: format!("{}{hint}", error.message()) }
        })
    }

    fn merge_base(&self, one: &git2::Commit<'_>, other: &git2::Commit<'_>) -> Result<git2::Commit<'_>> {
        match self.git.merge_base(one.id(), other.id()) {
            Ok(base) => self.git.find_commit(base).map_err(|error| self.unreadable(&error)),
            Err(_) => Err(Error::NoMergeBase {
                commits: format!("{} and {}", short(&one.id().to_string()), short(&other.id().to_string())),
                hint: if self.git.is_shallow() { SHALLOW } else { "name a commit that the other one descends from" },
            }),
        }
    }

    fn tree(&self, commit: &git2::Commit<'_>) -> Result<git2::Tree<'_>> {
        self.git.find_tree(commit.tree_id()).map_err(|error| self.unreadable(&error))
    }

    /// That something of it cannot be read.
    pub(crate) fn unreadable(&self, error: &git2::Error) -> Error {
        refused(self.git.path(), error)
    }
}

impl Comparison {
    /// Whether a file is there before the change.
    pub(super) fn was_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether there is a file below a directory before the change.
    pub(super) fn was_directory(&self, directory: &str) -> bool {
        let prefix = format!("{directory}/");
        self.files.range(prefix.clone()..).next().is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// Whether there is a file below a directory after the change.
    pub(super) fn is_directory(&self, directory: &str) -> bool {
        let prefix = format!("{directory}/");
        let kept = self.files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        kept.map(|(path, _)| path).any(|path| !self.gone.contains(path))
            || self.come.range(prefix.clone()..).next().is_some_and(|path| path.starts_with(&prefix))
    }

    /// All files before the change, by path.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// To read files one by one, as they were before the change.
    pub(super) fn reader(&self) -> Result<Reader<'_>> {
        Ok(Reader { comparison: self, git: self.open()? })
    }

    /// Applies `read` to every Nix file that the change leaves alone, over all cores; by path. A file that is too long or not
    /// UTF-8 has no text.
    pub(super) fn read_unchanged<T: Send>(&self, read: impl Fn(&str, Option<&str>) -> T + Sync) -> Result<Vec<T>> {
        let changed: std::collections::HashSet<&str> = self.changes.iter().map(FileChange::path_before).collect();
        let files: Vec<(&str, Oid)> = self
            .files
            .iter()
            .filter(|(path, _)| is_nix(path) && !changed.contains(path.as_str()))
            .map(|(path, &id)| (path.as_str(), id))
            .collect();
        let chunks: Vec<Vec<T>> = files
            .par_chunks(CHUNK)
            .map(|chunk| {
                // libgit2 keeps caches in the repository: one for each thread at a time.
                let git = self.open()?;
                let database = git.odb().map_err(|error| refused(&self.git_directory, &error))?;
                let mut found = Vec::with_capacity(chunk.len());
                for &(path, id) in chunk {
                    let object = read_file(&database, id).map_err(|error| refused(&self.git_directory, &error))?;
                    found.push(read(path, object.as_ref().and_then(|object| utf8(object.data()))));
                }
                Ok(found)
            })
            .collect::<Result<_>>()?;
        Ok(chunks.into_iter().flatten().collect())
    }

    fn open(&self) -> Result<git2::Repository> {
        git2::Repository::open(&self.git_directory).map_err(|error| refused(&self.git_directory, &error))
    }
}

/// Reads files as they were before a change.
pub(super) struct Reader<'a> {
    comparison: &'a Comparison,
    git: git2::Repository,
}

impl Reader<'_> {
    /// What a Nix file says; `None` if it is not there, too long or not UTF-8.
    pub(super) fn read(&self, path: &str) -> Result<Option<String>> {
        let Some(&id) = self.comparison.files.get(path) else { return Ok(None) };
        file_text(&self.git, id).map_err(|error| refused(&self.comparison.git_directory, &error))
    }
}

/// The ends of a range; one that is left out is `HEAD`.
fn ends(range: &str) -> Result<(&str, &str)> {
    let (base, head) = range.split_once("...").or_else(|| range.split_once("..")).unwrap_or((range, ""));
    if base.is_empty() && head.is_empty() {
        return Err(Error::Revision { revision: range.to_owned(), reason: "it names no end of what is to be compared".to_owned() });
    }
    Ok((if base.is_empty() { "HEAD" } else { base }, if head.is_empty() { "HEAD" } else { head }))
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_typechange(true)
        // A hint of what is in a submodule is in its commit; its files are in another repository.
        .ignore_submodules(false)
        .skip_binary_check(true);
    options
}

/// Why a repository, or something of it, cannot be read.
pub(crate) fn refused(path: &Path, error: &git2::Error) -> Error {
    let reason = match error.code() {
        ErrorCode::NotFound if error.class() == git2::ErrorClass::Repository => {
            "no git repository here or above (hint: name one with --repo DIR)".to_owned()
        }
        ErrorCode::Owner => {
            let directory = owned_elsewhere(path, error.message());
            format!("it belongs to somebody else (hint: if you trust it, `git config --global --add safe.directory {directory}`)")
        }
        _ if error.message().contains("'sdir'") => {
            "its index is sparse, which libgit2 does not read (hint: `git sparse-checkout reapply --no-sparse-index`)".to_owned()
        }
        ErrorCode::NotFound if error.class() == git2::ErrorClass::Odb => format!("{} (hint: {PARTIAL})", error.message()),
        _ => error.message().to_owned(),
    };
    Error::Repository { path: path.to_owned(), reason }
}

/// The directory that git has to be told of, as a word of a shell: it may be above the one that was named, and git wants it in full.
/// Only libgit2's message says which it is: "repository path '/a/b/' is not owned by current user".
fn owned_elsewhere(path: &Path, message: &str) -> String {
    let named = message.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(directory, _)| directory.to_owned());
    let directory = named.unwrap_or_else(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string());
    let directory = directory.strip_suffix('/').filter(|directory| !directory.is_empty()).unwrap_or(&directory);
    format!("'{}'", directory.replace('\'', r"'\''"))
}

fn named(commit: &git2::Commit<'_>) -> Commit {
    let subject = commit.summary_bytes().map(|subject| String::from_utf8_lossy(subject).into_owned());
    Commit { id: commit.id().to_string(), subject: subject.unwrap_or_default() }
}

/// The beginning of a commit's hash.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Whether a file holds an expression, by its name.
pub(super) fn is_nix(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "nix")
}

/// What a file of the object database says.
fn file_text(git: &git2::Repository, id: Oid) -> Result<Option<String>, git2::Error> {
    let database = git.odb()?;
    Ok(read_file(&database, id)?.and_then(|object| text(object.data())))
}

fn text(bytes: &[u8]) -> Option<String> {
    utf8(bytes).map(str::to_owned)
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_FILE)
}
