//! What would be left to build if a package were built already, or kept its old inputs.

use crate::graph::{DerivationIx, DerivationSet, Graph};

/// What of `set` is built if `stop` need not be, for a cache has it: everything else. O(V).
pub fn without_cached(graph: &Graph, set: &DerivationSet, stop: &DerivationSet) -> DerivationSet {
    DerivationSet::from_members(graph.derivation_count(), set.iter().filter(|&ix| !stop.contains(ix)))
}

/// What of `set` is still rebuilt by `roots` if `stop` keeps its old inputs: what they reach without it, within the set.
///
/// Derivations of the set that only `stop` leads to are as they were, and leave it; so do roots that are in `stop`. The set
/// is all that the roots rebuild, not a part by system or distance: the ways through the rest would be missing. O(V + E).
pub fn without_pinned(
    graph: &Graph,
    set: &DerivationSet,
    roots: impl IntoIterator<Item = DerivationIx>,
    stop: &DerivationSet,
) -> DerivationSet {
    let is_open = |ix: &DerivationIx| set.contains(*ix) && !stop.contains(*ix);
    let mut reached = DerivationSet::from_members(graph.derivation_count(), roots.into_iter().filter(is_open));
    for ix in set.iter().filter(is_open) {
        if graph.derivation(ix).rebuild_inputs().any(|input| reached.contains(input)) {
            reached.insert(ix);
        }
    }
    reached
}
