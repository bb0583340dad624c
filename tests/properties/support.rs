//! Package sets as graphs, and positions of the one as positions of the other.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use tempfile::TempDir;
use waves_core::analysis::Root;
use waves_core::graph::{DerivationIx, DerivationSet, Graph};
use waves_core::ingest::Input;

use crate::model::PackageSet;
use crate::render::compact;

/// A graph, and where in it the derivations of its model are.
pub(crate) struct Imported {
    pub(crate) graph: Graph,
    positions: Vec<DerivationIx>,
    models: HashMap<DerivationIx, usize>,
}

impl Imported {
    pub(crate) fn new(set: &PackageSet) -> Self {
        Self::with_jobs(set, &set.job_lines())
    }

    /// The same with other lines of `nix-eval-jobs`.
    pub(crate) fn with_jobs(set: &PackageSet, jobs: &[String]) -> Self {
        let graph = import(&[("derivations.json", compact(&set.derivation_entries())), ("jobs.jsonl", jobs.join("\n"))]);
        let by_path: HashMap<String, DerivationIx> = graph.derivations().map(|derivation| (derivation.path(), derivation.ix())).collect();
        let positions: Vec<DerivationIx> = set.all().map(|at| by_path[&set.drv_path(at)]).collect();
        let models = positions.iter().enumerate().map(|(at, &ix)| (ix, at)).collect();
        Self { graph, positions, models }
    }

    pub(crate) fn ix(&self, at: usize) -> DerivationIx {
        self.positions[at]
    }

    pub(crate) fn at(&self, ix: DerivationIx) -> usize {
        self.models[&ix]
    }

    pub(crate) fn ats(&self, set: &DerivationSet) -> BTreeSet<usize> {
        set.iter().map(|ix| self.at(ix)).collect()
    }

    /// A root that stands for exactly these derivations.
    pub(crate) fn root(&self, members: impl IntoIterator<Item = usize>) -> Root {
        let mut derivations: Vec<DerivationIx> = members.into_iter().map(|at| self.ix(at)).collect();
        derivations.sort_unstable();
        Root { selector: "root".to_owned(), face: derivations[0], derivations }
    }
}

/// Imports dumps that are given by name and content.
pub(crate) fn import(dumps: &[(&str, impl AsRef<[u8]>)]) -> Graph {
    let directory = TempDir::new().expect("a directory");
    let write = |(name, content): &(&str, _)| {
        let path = directory.path().join(name);
        fs::write(&path, AsRef::<[u8]>::as_ref(content)).expect("writes");
        Input::Path(path)
    };
    let inputs: Vec<Input> = dumps.iter().map(write).collect();
    Graph::import(&inputs, &()).expect("imports")
}
