//! Levels: how many rebuilds must come before.

use crate::graph::{DerivationIx, DerivationSet, Graph};

/// Derivations of a set by level, each level in topological order.
///
/// The level of a derivation is one more than the largest level of what it needs within the set, so the number of
/// levels is the length of the longest chain, and no schedule has fewer steps. One pass over the positions, which are
/// topological: time O(V + E), space O(V).
pub fn levels(graph: &Graph, members: &DerivationSet) -> Vec<Vec<DerivationIx>> {
    let users = graph.users();
    let mut level_of = vec![0_u32; graph.derivation_count()];
    let mut sizes: Vec<usize> = Vec::new();
    for ix in members.iter() {
        let level = level_of[ix.get()];
        // Who is not a member gets a level too, but hands it on to nobody.
        for user in users.row(ix.get()) {
            level_of[user.get()] = level_of[user.get()].max(level + 1);
        }
        // What it stands on was counted before.
        if level as usize == sizes.len() {
            sizes.push(0);
        }
        sizes[level as usize] += 1;
    }
    let mut levels: Vec<Vec<DerivationIx>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for ix in members.iter() {
        levels[level_of[ix.get()] as usize].push(ix);
    }
    levels
}
