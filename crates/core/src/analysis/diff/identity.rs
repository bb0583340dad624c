//! What makes two builds of two evaluations the same: their output paths.

use rustc_hash::FxHashMap;

use crate::graph::{Derivation, DerivationIx, Graph, Output};
use crate::store_path::StoreHash;

/// What an output is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum OutputId {
    /// Its path.
    Path(StoreHash),
    /// Its derivation, where only a build tells its path.
    Derivation(StoreHash),
}

/// Names and identities of outputs, by name. A derivation without known outputs counts as one.
pub(super) fn output_ids<'g>(
    outputs: impl ExactSizeIterator<Item = Output<'g>>,
    derivation: Option<Derivation<'g>>,
) -> Vec<(&'g str, OutputId)> {
    let by_derivation = || derivation.map(|derivation| OutputId::Derivation(derivation.hash()));
    if outputs.len() == 0 {
        return by_derivation().map(|id| ("", id)).into_iter().collect();
    }
    outputs.filter_map(|output| Some((output.name(), output.hash().map(OutputId::Path).or_else(by_derivation)?))).collect()
}

/// The derivations of an evaluation by what they build, and by their paths: of some, a dump tells no output.
pub(super) struct Builds<'g> {
    graph: &'g Graph,
    by_output: FxHashMap<OutputId, DerivationIx>,
    by_path: FxHashMap<StoreHash, DerivationIx>,
}

impl<'g> Builds<'g> {
    /// O(V + outputs).
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut by_output = FxHashMap::default();
        for derivation in graph.derivations() {
            for (_, id) in output_ids(derivation.outputs(), Some(derivation)) {
                by_output.entry(id).or_insert(derivation.ix());
            }
        }
        let paths = graph.derivations().filter(|derivation| derivation.has_path());
        Self { graph, by_output, by_path: paths.map(|derivation| (derivation.hash(), derivation.ix())).collect() }
    }

    /// Whether one of a derivation's outputs is not built here.
    pub(super) fn lacks(&self, derivation: Derivation<'_>) -> bool {
        let is_missing = output_ids(derivation.outputs(), Some(derivation)).iter().any(|(_, id)| !self.by_output.contains_key(id));
        is_missing && self.at_path_of(derivation).is_none()
    }

    /// The derivation here that builds what another builds; of several that build the same, always the same one.
    pub(super) fn same(&self, derivation: Derivation<'_>) -> Option<DerivationIx> {
        let by_output = output_ids(derivation.outputs(), Some(derivation)).iter().find_map(|(_, id)| self.by_output.get(id).copied());
        by_output.or_else(|| self.at_path_of(derivation))
    }

    /// The derivation here with the path of another: it builds the same, unless a dump contradicts that. Either may be known with fewer
    /// outputs, or with none.
    fn at_path_of(&self, derivation: Derivation<'_>) -> Option<DerivationIx> {
        let known = self.graph.derivation(*self.by_path.get(&derivation.hash()).filter(|_| derivation.has_path())?);
        let differ = |output: Output<'_>, other: Output<'_>| output.name() == other.name() && output.hash() != other.hash();
        let is_contradicted = derivation.outputs().any(|output| known.outputs().any(|other| differ(output, other)));
        (!is_contradicted).then(|| known.ix())
    }

    /// The one that stands for all that build the same.
    pub(super) fn canonical(&self, ix: DerivationIx) -> DerivationIx {
        self.same(self.graph.derivation(ix)).unwrap_or(ix)
    }
}
