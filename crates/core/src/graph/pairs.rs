//! Whether one derivation rebuilds another, for many pairs.

use std::cmp::Reverse;

use super::Graph;
use super::index::DerivationIx;
use super::reach::{Csr, OwnedCsr, rows};

/// An index of all pairs: does a change of one derivation rebuild the other?
///
/// Each derivation has two labels: the *hubs* that it rebuilds, and those that rebuild it. One rebuilds another just if
/// a hub is in the first label of the one and in the second of the other. Hubs are taken by degree, and one that
/// tells nothing new is left out of a label, so that labels are short: ten items a derivation on nixpkgs.
///
/// Source: Jin and Wang, *Simple, Fast, and Scalable Reachability Oracle* (VLDB 2013), "distribution labelling".
#[derive(Clone, Debug)]
pub struct Reachability {
    /// Hubs that a derivation rebuilds, ascending.
    rebuilds: OwnedCsr<u32>,
    /// Hubs that rebuild a derivation, ascending.
    rebuilt_by: OwnedCsr<u32>,
}

impl Reachability {
    /// Builds the index. Time O(S · (degree + longest label)) for `S` items in all labels, space O(V + S).
    pub fn new(graph: &Graph) -> Self {
        Self::of_edges(graph.storage.users(), |ix| graph.derivation(ix).rebuild_input_row())
    }

    fn of_edges<'a>(users: Csr<'a, DerivationIx>, inputs: impl Fn(DerivationIx) -> &'a [DerivationIx]) -> Self {
        let users_of = |ix: DerivationIx| users.row(ix.get());
        let mut hubs: Vec<DerivationIx> = (0..users.rows()).map(DerivationIx::new).collect();
        hubs.sort_by_key(|&ix| Reverse((users_of(ix).len() + 1) * (inputs(ix).len() + 1)));
        let (mut rebuilds, mut rebuilt_by) = (Labels::new(users.rows()), Labels::new(users.rows()));
        for (hub, ix) in hubs.into_iter().enumerate() {
            let (after, before) = (rebuilds.of(ix).to_vec(), rebuilt_by.of(ix).to_vec());
            rebuilt_by.spread(hub as u32, ix, &after, users_of);
            rebuilds.spread(hub as u32, ix, &before, &inputs);
        }
        Self { rebuilds: rows(rebuilds.lists.iter().map(Vec::as_slice)), rebuilt_by: rows(rebuilt_by.lists.iter().map(Vec::as_slice)) }
    }

    /// Whether a change of `from` rebuilds `to`; of a derivation and itself it does. O(both labels).
    pub fn rebuilds(&self, from: DerivationIx, to: DerivationIx) -> bool {
        // What is rebuilt lies behind.
        from == to || (from < to && share_an_item(self.rebuilds.as_csr().row(from.get()), self.rebuilt_by.as_csr().row(to.get())))
    }

    /// Items in all labels.
    pub fn label_count(&self) -> usize {
        self.rebuilds.as_csr().targets.len() + self.rebuilt_by.as_csr().targets.len()
    }

    /// Its size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        [&self.rebuilds, &self.rebuilt_by]
            .map(|labels| size_of_val(labels.as_csr().offsets) + size_of_val(labels.as_csr().targets))
            .iter()
            .sum()
    }
}

/// Whether two ascending lists have an item in common. O(both).
fn share_an_item(mut one: &[u32], mut other: &[u32]) -> bool {
    while let (Some(first), Some(second)) = (one.first(), other.first()) {
        match first.cmp(second) {
            std::cmp::Ordering::Less => one = &one[1..],
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Greater => other = &other[1..],
        }
    }
    false
}

/// Labels of one direction while they grow.
struct Labels {
    lists: Vec<Vec<u32>>,
    /// The hub that met a derivation last, plus one.
    met: Vec<u32>,
    /// Whether a hub is in the other label of the hub at hand.
    is_known: Vec<bool>,
}

impl Labels {
    fn new(derivations: usize) -> Self {
        Self { lists: vec![Vec::new(); derivations], met: vec![0; derivations], is_known: vec![false; derivations] }
    }

    fn of(&self, ix: DerivationIx) -> &[u32] {
        &self.lists[ix.get()]
    }

    /// Adds a hub to the labels of all that it leads to, but not where and behind where an earlier hub already tells so.
    fn spread<'a>(&mut self, hub: u32, from: DerivationIx, known: &[u32], next: impl Fn(DerivationIx) -> &'a [DerivationIx]) {
        self.mark(known, true);
        let mut rest = vec![from];
        while let Some(ix) = rest.pop() {
            if self.lists[ix.get()].iter().any(|&hub| self.is_known[hub as usize]) {
                continue;
            }
            self.lists[ix.get()].push(hub);
            rest.extend(next(ix).iter().copied().filter(|near| std::mem::replace(&mut self.met[near.get()], hub + 1) != hub + 1));
        }
        self.mark(known, false);
    }

    fn mark(&mut self, hubs: &[u32], is_known: bool) {
        for &hub in hubs {
            self.is_known[hub as usize] = is_known;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::reach::tests::{adjacency, dag, naive};
    use super::*;

    proptest! {
        #[test]
        fn pairs_equal_the_naive_walk(users in dag(150)) {
            let mut inputs = vec![Vec::new(); users.len()];
            for (node, users) in users.iter().enumerate() {
                for &user in users {
                    inputs[user].push(DerivationIx::new(node));
                }
            }
            let index = Reachability::of_edges(adjacency(&users).as_csr(), |ix| &inputs[ix.get()]);
            for from in 0..users.len() {
                let mut seen = BTreeSet::new();
                naive(&users, from, &mut seen);
                for to in 0..users.len() {
                    prop_assert_eq!(index.rebuilds(DerivationIx::new(from), DerivationIx::new(to)), seen.contains(&to));
                }
            }
        }
    }

    /// The first hub is in the middle, and tells of all others: each end has it and itself in one label, and itself in the other.
    #[test]
    fn a_star_has_as_few_items_as_it_needs() {
        let ends = 20;
        let mut users = vec![(1..=ends).collect()];
        users.resize(ends + 1, Vec::new());
        let middle = [DerivationIx::new(0)];
        let index = Reachability::of_edges(adjacency(&users).as_csr(), |ix| if ix.get() == 0 { &[] } else { &middle });
        assert_eq!(index.label_count(), 2 + 3 * ends);
        assert_eq!(index.bytes(), (index.label_count() + 2 * (ends + 2)) * size_of::<u32>());
    }
}
