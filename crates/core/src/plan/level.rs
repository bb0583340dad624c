//! Levels: how many rebuilds must come before.

use crate::graph::{DerivationIx, DerivationSet, Graph};

/// Derivations of a set by level, each level in topological order.
///
/// The level of a derivation is one more than the largest level of what it needs within the set, so the number of
/// levels is the length of the longest chain, and no schedule has fewer steps. One pass over the positions, which are
/// topological: time O(V + E), space O(V).
pub fn levels(graph: &Graph, members: &DerivationSet) -> Vec<Vec<DerivationIx>> {
    let mut level_of = vec![0_u32; graph.derivation_count()];
    let mut levels: Vec<Vec<DerivationIx>> = Vec::new();
    for ix in members.iter() {
        let inputs = graph.derivation(ix).rebuild_inputs().filter(|&input| members.contains(input));
        let level = inputs.map(|input| level_of[input.get()] + 1).max().unwrap_or(0);
        level_of[ix.get()] = level;
        if levels.len() <= level as usize {
            levels.push(Vec::new());
        }
        levels[level as usize].push(ix);
    }
    levels
}
