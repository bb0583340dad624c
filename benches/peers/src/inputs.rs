//! The graph as plain lists in files, the same for all tools. Each is read when it is asked for, so that the peak memory of a
//! tool is its own.

use std::fs;
use std::path::{Path, PathBuf};

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What is asked.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Question {
    /// Get ready to be asked: from the list of edges, or as the tool keeps a graph.
    Build,
    /// What one derivation rebuilds.
    Closure,
    /// What thousands of derivations rebuild together.
    Union,
    /// How many derivations each derivation rebuilds.
    Sizes,
    /// How many seconds of builds each derivation causes.
    Sums,
    /// Is one derivation rebuilt by another?
    Pairs,
    /// How many derivations can be built at each step.
    Levels,
    /// Packages that need each other.
    Components,
}

/// What is known of the graph as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Of the evaluation.
    pub(crate) digest: String,
    /// Derivations.
    pub(crate) nodes: usize,
    /// Edges along which rebuilds propagate.
    pub(crate) edges: usize,
    /// All input edges.
    pub(crate) inputs: usize,
    /// The sizes of all closures together.
    pub(crate) reached: u64,
    /// Packages.
    pub(crate) packages: usize,
    /// The derivation whose closure is asked for.
    pub(crate) root: u32,
    /// Its store path.
    pub(crate) root_path: String,
    /// The snapshot that all this was taken from.
    pub(crate) snapshot: PathBuf,
}

/// A directory of lists.
pub(crate) struct Inputs {
    directory: PathBuf,
    pub(crate) summary: Summary,
}

impl Inputs {
    pub(crate) fn new(directory: &Path) -> Result<Self, Failure> {
        let summary = serde_json::from_slice(&fs::read(directory.join("graph.json"))?)?;
        Ok(Self { directory: directory.to_owned(), summary })
    }

    fn list<T: Pod>(&self, name: &str) -> Result<Vec<T>, Failure> {
        let path = self.directory.join(name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut items = vec![T::zeroed(); bytes.len() / size_of::<T>()];
        bytemuck::cast_slice_mut(&mut items).copy_from_slice(&bytes);
        Ok(items)
    }

    /// From input to user, sorted.
    pub(crate) fn edges(&self) -> Result<Vec<[u32; 2]>, Failure> {
        self.list("edges.u32")
    }

    /// Edges between packages, sorted and without repetition.
    pub(crate) fn package_edges(&self) -> Result<Vec<[u32; 2]>, Failure> {
        self.list("packages.u32")
    }

    /// Seconds that each derivation takes to build.
    pub(crate) fn weights(&self) -> Result<Vec<u64>, Failure> {
        self.list("weights.u64")
    }

    /// Some derivations, for tools that cannot be asked of all.
    pub(crate) fn sample(&self) -> Result<Vec<u32>, Failure> {
        self.list("sample.u32")
    }

    /// The roots of the union.
    pub(crate) fn roots(&self) -> Result<Vec<u32>, Failure> {
        self.list("roots.u32")
    }

    /// Causes, and what they may rebuild.
    pub(crate) fn pairs(&self) -> Result<Vec<[u32; 2]>, Failure> {
        self.list("pairs.u32")
    }
}
