//! Where the evaluation of Nixpkgs is, read once by the library and once without it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use waves_core::analysis::{Root, Scope, select};
use waves_core::graph::{Derivation, Graph};
use waves_core::ingest::Input;

use crate::naive::Evaluation;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The dumps of an evaluation of Nixpkgs, if they are there.
pub(crate) fn directory() -> Option<PathBuf> {
    let directory = env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository().join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    if directory.is_dir() {
        return Some(directory);
    }
    println!("skipped: no nixpkgs evaluation at {}", directory.display());
    None
}

/// Imports some of its dumps.
pub(crate) fn import(directory: &Path, dumps: &[&str]) -> Graph {
    let inputs: Vec<Input> = dumps.iter().map(|dump| Input::Path(directory.join(dump))).collect();
    Graph::import(&inputs, &()).expect("imports")
}

/// Nixpkgs as the library reads it, and as it is.
pub(crate) struct Nixpkgs {
    pub(crate) graph: Graph,
    pub(crate) naive: Evaluation,
}

static NIXPKGS: LazyLock<Option<Nixpkgs>> = LazyLock::new(|| {
    let directory = directory()?;
    let graph = import(&directory, &["derivations.json.zst", "eval-jobs.jsonl.zst"]);
    Some(Nixpkgs { graph, naive: Evaluation::read(&directory) })
});

static CUDA: LazyLock<Option<Graph>> =
    LazyLock::new(|| Some(import(&directory()?, &["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"])));

/// The same tree with CUDA: its own attributes, and only the derivations that the plain evaluation does not have.
pub(crate) fn cuda() -> Option<&'static Graph> {
    directory()?;
    CUDA.as_ref()
}

/// Nixpkgs, unless it is not there.
pub(crate) fn nixpkgs() -> Option<&'static Nixpkgs> {
    directory()?;
    NIXPKGS.as_ref()
}

impl Nixpkgs {
    /// The number that a derivation has in the naive reading.
    pub(crate) fn number(&self, derivation: Derivation<'_>) -> usize {
        self.naive.numbers[&derivation.base_name()]
    }

    /// A root as a selector names it, and the numbers of its derivations.
    pub(crate) fn root(&self, selector: &str, scope: Scope) -> (Vec<Root>, Vec<usize>) {
        let roots = select(&self.graph, &[selector.to_owned()], scope, None).expect("there is such a package");
        let numbers = roots.iter().flat_map(|root| &root.derivations).map(|&ix| self.number(self.graph.derivation(ix))).collect();
        (roots, numbers)
    }
}
