//! How rebuilt derivations hang together, small enough for a page: whole nixpkgs has more than a million edges.

use serde_json::{Value, json};

use super::part::{Names, packed, stepped};
use crate::graph::{Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// Some derivations of a graph, numbered for a page: what most others need first, so that most numbers are small.
pub(super) struct Ways<'g> {
    graph: &'g Graph,
    members: Vec<DerivationIx>,
    number: Vec<Option<u32>>,
}

impl<'g> Ways<'g> {
    /// Of a set; those that equally many need are in the order of `key`. O(members · log members + edges).
    pub(super) fn new<K: Ord>(graph: &'g Graph, set: &DerivationSet, key: impl Fn(Derivation<'g>) -> K) -> Self {
        let mut members: Vec<DerivationIx> = set.iter().collect();
        members.sort_by_cached_key(|&ix| {
            let users = graph.derivation(ix).users().filter(|&user| set.contains(user)).count();
            (std::cmp::Reverse(users), key(graph.derivation(ix)), ix)
        });
        let mut number = vec![None; graph.derivation_count()];
        for (at, ix) in members.iter().enumerate() {
            number[ix.get()] = Some(at as u32);
        }
        Self { graph, members, number }
    }

    /// The derivations in the order of the page.
    pub(super) fn members(&self) -> impl Iterator<Item = Derivation<'g>> + '_ {
        self.members.iter().map(|&ix| self.graph.derivation(ix))
    }

    /// The number of a derivation in the page.
    pub(super) fn number(&self, ix: DerivationIx) -> Option<usize> {
        self.number[ix.get()].map(|number| number as usize)
    }

    /// What each needs of the others: how many, and the steps from one to the next. O(edges · log inputs).
    pub(super) fn edges(&self) -> String {
        let mut numbers = Vec::new();
        for derivation in self.members() {
            let mut inputs: Vec<usize> = derivation.rebuild_inputs().filter_map(|input| self.number(input)).collect();
            inputs.sort_unstable();
            numbers.push(inputs.len());
            let mut last = 0;
            for input in inputs {
                numbers.push(input - last);
                last = input;
            }
        }
        packed(numbers)
    }

    /// The next derivation on a shortest way from each to a root, one more than its number; 0 at a root, and where there is no
    /// way. Breadth first, the first in topological order of several: O(members + edges).
    pub(super) fn parents(&self, roots: &[DerivationIx], direction: Direction) -> String {
        let mut parents = vec![0; self.members.len()];
        let mut is_seen = vec![false; self.members.len()];
        let mut frontier: Vec<(DerivationIx, usize)> = roots.iter().filter_map(|&ix| Some((ix, self.number(ix)?))).collect();
        for &(_, at) in &frontier {
            is_seen[at] = true;
        }
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for &(ix, at) in &frontier {
                for near in self.graph.derivation(ix).neighbours(direction) {
                    let Some(number) = self.number(near).filter(|&number| !is_seen[number]) else { continue };
                    is_seen[number] = true;
                    parents[number] = at + 1;
                    next.push((near, number));
                }
            }
            next.sort_unstable();
            frontier = next;
        }
        packed(parents)
    }

    /// What the derivations are called.
    pub(super) fn labels(&self, names: &Names) -> String {
        stepped(self.members().map(|derivation| names.number(derivation.label())))
    }

    /// For the script: a page that only shows ways has parents, one that asks what waits for what has edges.
    pub(super) fn json(&self, names: &Names, parents: Option<String>) -> Value {
        match parents {
            Some(parents) => json!({ "labels": self.labels(names), "parents": parents }),
            None => json!({ "labels": self.labels(names), "edges": self.edges() }),
        }
    }
}
