//! What would be left to build if a package were built already. If it kept its old inputs: [`Graph::rebuilds_past`].

use crate::graph::{DerivationSet, Graph};

/// What of `set` is built if `stop` need not be, for a cache has it: everything else. O(V).
pub fn without_cached(graph: &Graph, set: &DerivationSet, stop: &DerivationSet) -> DerivationSet {
    graph.set_of(set.iter().filter(|&ix| !stop.contains(ix)))
}
