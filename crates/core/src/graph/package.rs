//! Contraction of derivations to packages: what one change would change together.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::store_path::StoreHash;

/// What decides which package a derivation belongs to. Equal strings must have equal numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) pname: u32,
    pub(super) version: u32,
    /// The store path that is its `src`, if it has one.
    pub(super) src: Option<StoreHash>,
    /// `meta.position` of one of its attributes.
    pub(super) position: Option<u32>,
}

/// The package of each derivation, numbered in the order of their first derivations, and the number of packages.
///
/// Two derivations belong to one package if they have the same pname and the same source (bootstrap stages, other
/// systems, other build options), or the same pname, version and `meta.position` (variants whose source is patched).
/// The version keeps generations of one expression apart: Python 3.11 and 3.12 share a file, not a change. A
/// derivation with neither source nor position is a package by itself. O(V log V) at worst.
pub(super) fn contract(identities: &[Option<Identity>]) -> (Vec<u32>, usize) {
    let mut sets = DisjointSets::new(identities.len());
    let mut by_source = FxHashMap::default();
    let mut by_position = FxHashMap::default();
    for (node, identity) in identities.iter().enumerate() {
        let Some(identity) = identity else { continue };
        if let Some(src) = identity.src {
            sets.join_first(&mut by_source, (identity.pname, src), node);
        }
        if let Some(position) = identity.position {
            sets.join_first(&mut by_position, (identity.pname, identity.version, position), node);
        }
    }
    let mut numbers = FxHashMap::default();
    let packages: Vec<u32> = (0..identities.len())
        .map(|node| {
            let next = numbers.len() as u32;
            *numbers.entry(sets.find(node)).or_insert(next)
        })
        .collect();
    (packages, numbers.len())
}

/// Disjoint sets with path halving; the root of a set is its smallest member.
#[derive(Clone)]
pub(crate) struct DisjointSets(Vec<usize>);

impl DisjointSets {
    pub(crate) fn new(nodes: usize) -> Self {
        Self((0..nodes).collect())
    }

    /// The smallest member of the set of `node`.
    pub(crate) fn find(&mut self, mut node: usize) -> usize {
        while self.0[node] != node {
            self.0[node] = self.0[self.0[node]];
            node = self.0[node];
        }
        node
    }

    /// Joins `node` with the first node that had the same key.
    fn join_first<K: Hash + Eq>(&mut self, first: &mut FxHashMap<K, usize>, key: K, node: usize) {
        let other = *first.entry(key).or_insert(node);
        self.join(other, node);
    }

    /// Makes the sets of two nodes one.
    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(pname: u32, version: u32, src: Option<u8>, position: Option<u32>) -> Identity {
        let src = src.map(|src| bytemuck::cast([src; 20]));
        Identity { pname, version, src, position }
    }

    #[test]
    fn source_or_position_joins_and_version_keeps_apart() {
        let identities = [
            Some(identity(1, 1, Some(7), Some(3))), // glibc
            Some(identity(1, 1, Some(7), None)),    // its bootstrap stage
            Some(identity(1, 1, Some(8), Some(3))), // a variant with a patched source
            Some(identity(1, 2, Some(9), Some(3))), // another generation of the same file
            Some(identity(2, 1, Some(7), None)),    // another package of the same source
            None,                                   // a source
            Some(identity(1, 1, None, None)),       // nothing known
        ];
        assert_eq!(contract(&identities), (vec![0, 0, 0, 1, 2, 3, 4], 5));
    }
}
