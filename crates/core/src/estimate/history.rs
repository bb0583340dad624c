//! The commits of a repository, and which files each changed.

use super::repository::Repository;
use crate::error::Result;

/// Files of a commit from which on it is about none in particular: what a tool did to the whole tree.
const TREEWIDE: usize = 500;

/// What commits changed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedTogether {
    /// The files of each commit, newest first.
    pub commits: Vec<Vec<String>>,
    /// Commits that were passed over, as they changed 500 files or more.
    pub treewide: usize,
}

impl Repository {
    /// The files that each of the last `limit` commits changed, from HEAD back, merges aside. Nothing is checked out.
    ///
    /// Time O(commits · sizes of the directories that changed).
    ///
    /// # Errors
    ///
    /// [`Error::Repository`](crate::error::Error::Repository) if an object cannot be read.
    pub fn changed_together(&self, limit: usize) -> Result<ChangedTogether> {
        let read = |error: git2::Error| self.unreadable(&error);
        let mut walk = self.git().revwalk().map_err(read)?;
        walk.set_sorting(git2::Sort::TIME | git2::Sort::TOPOLOGICAL).map_err(read)?;
        walk.push(self.head()?.id()).map_err(read)?;
        let mut together = ChangedTogether::default();
        for id in walk {
            if together.commits.len() + together.treewide == limit {
                break;
            }
            let commit = self.git().find_commit(id.map_err(read)?).map_err(read)?;
            if commit.parent_count() != 1 {
                continue;
            }
            let (before, after) = (commit.parent(0).and_then(|parent| parent.tree()).map_err(read)?, commit.tree().map_err(read)?);
            self.require_comparable(&before, &after)?;
            let diff = self.git().diff_tree_to_tree(Some(&before), Some(&after), None).map_err(read)?;
            let files = diff.deltas().filter_map(|delta| delta.new_file().path().and_then(|path| path.to_str()).map(str::to_owned));
            if diff.deltas().len() < TREEWIDE {
                together.commits.push(files.collect());
            } else {
                together.treewide += 1;
            }
        }
        Ok(together)
    }
}
