//! Sums over what each derivation rebuilds, for all derivations, and kept as the graph changes.

use rustc_hash::FxHashMap;

use super::index::DerivationIx;
use super::reach::{Csr, rows};
use super::sweep::closure_sums;
use super::{Derivation, Direction, Graph};

/// How the closure of a derivation follows from that of another, which lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortcut {
    /// Nothing uses it: it is its own closure.
    Leaf,
    /// All other users use this one, the first: the closure is this one's, and itself.
    FirstUser(DerivationIx),
    /// This one has the same users: the closures differ in the two themselves.
    Sibling(DerivationIx),
    /// There is none: the closure must be walked.
    Walk,
}

/// The shortcut of each derivation. O(V + E): a first user's users are merged with those of what it uses.
fn shortcuts(users: Csr<'_, DerivationIx>) -> Vec<Shortcut> {
    let mut last_with: FxHashMap<&[DerivationIx], DerivationIx> = FxHashMap::default();
    let mut shortcuts = vec![Shortcut::Leaf; users.rows()];
    for at in (0..users.rows()).rev() {
        shortcuts[at] = match users.row(at) {
            [] => Shortcut::Leaf,
            &[first, ref others @ ..] if is_within(others, users.row(first.get())) => Shortcut::FirstUser(first),
            same => match *last_with.entry(same).or_insert(DerivationIx::new(at)) {
                sibling if sibling.get() == at => Shortcut::Walk,
                sibling => Shortcut::Sibling(sibling),
            },
        };
    }
    shortcuts
}

/// Whether all of one sorted list is in the other. O(both).
fn is_within(few: &[DerivationIx], many: &[DerivationIx]) -> bool {
    let mut rest = many.iter();
    few.len() <= many.len() && few.iter().all(|item| rest.any(|other| other == item))
}

/// Weights added up over what each derivation rebuilds, itself included: exactly, and `N` sums at once.
///
/// Most closures follow from another one by a shortcut; what is left is swept in blocks of 512. On nixpkgs that is one
/// derivation in eight. Time O(W/512 · (V + E)) at worst for the W that have no shortcut, over all cores; space O(V · 64 bytes)
/// a thread. Weights must sum to less than 2⁶⁴.
#[derive(Clone, Debug)]
pub struct ClosureSums<const N: usize> {
    weights: Vec<[u64; N]>,
    sums: Vec<[u64; N]>,
    shortcuts: Vec<Shortcut>,
}

impl<const N: usize> ClosureSums<N> {
    /// Counts all of them. `weights` has an item for each derivation.
    ///
    /// # Panics
    ///
    /// If it has more items, or fewer.
    pub fn new(graph: &Graph, weights: Vec<[u64; N]>) -> Self {
        Self::of_users(graph.storage.users(), weights)
    }

    pub(crate) fn of_users(users: Csr<'_, DerivationIx>, weights: Vec<[u64; N]>) -> Self {
        assert_eq!(weights.len(), users.rows(), "there is a weight for each derivation");
        let mut sums = Self { sums: vec![[0; N]; weights.len()], weights, shortcuts: shortcuts(users) };
        sums.recount(users, |_| true);
        sums
    }

    /// The sums over what a derivation rebuilds, itself included.
    pub fn get(&self, derivation: DerivationIx) -> [u64; N] {
        self.sums[derivation.get()]
    }

    /// The sums of all derivations, by position.
    pub fn all(&self) -> &[[u64; N]] {
        &self.sums
    }

    /// The sums over what each group rebuilds; most of one derivation are read off.
    pub(crate) fn of_groups(&self, users: Csr<'_, DerivationIx>, members: Csr<'_, DerivationIx>) -> Vec<[u64; N]> {
        let several: Vec<usize> = (0..members.rows()).filter(|&group| members.row(group).len() > 1).collect();
        let joint = closure_sums(users, rows(several.iter().map(|&group| members.row(group))).as_csr(), &self.weights);
        let first = |group| members.row(group).first().map_or([0; N], |&only| self.get(only));
        let mut sums: Vec<_> = (0..members.rows()).map(first).collect();
        for (group, sum) in several.into_iter().zip(joint) {
            sums[group] = sum;
        }
        sums
    }

    /// Gives derivations other weights, and counts again what rebuilds one of them.
    ///
    /// One weight costs a walk over what rebuilds its derivation, O(V + edges of that); several a sweep from all that
    /// rebuild one of them.
    pub fn set_weights(&mut self, graph: &Graph, weights: &[(DerivationIx, [u64; N])]) {
        if let &[(changed, weight)] = weights {
            let old = std::mem::replace(&mut self.weights[changed.get()], weight);
            for ix in graph.closure([changed], Direction::Dependencies).iter() {
                let sums = &mut self.sums[ix.get()];
                *sums = std::array::from_fn(|sum| sums[sum] - old[sum] + weight[sum]);
            }
            return;
        }
        for &(changed, weight) in weights {
            self.weights[changed.get()] = weight;
        }
        let stale = graph.closure(weights.iter().map(|&(changed, _)| changed), Direction::Dependencies);
        self.recount(graph.storage.users(), |ix| stale.contains(ix));
    }

    /// The sums of the next evaluation: those are taken over whose derivation rebuilds what it did, and the rest is counted.
    ///
    /// A derivation that lies in both graphs has the same inputs in both. So what it rebuilds has changed just if it led or
    /// leads to a derivation that is in one of them only, or has another weight. Beyond counting, O(V + E).
    #[must_use]
    pub fn next(&self, old: &Graph, new: &Graph, weights: Vec<[u64; N]>) -> Self {
        // One that no dump describes may have got its inputs since.
        let key = |derivation: Derivation<'_>| (derivation.hash(), derivation.is_defined());
        let position: FxHashMap<_, _> = new.derivations().map(|derivation| (key(derivation), derivation.ix())).collect();
        let of_old = |ix: DerivationIx| position.get(&key(old.derivation(ix))).copied();
        let mut sums = vec![None; new.derivation_count()];
        let mut changed = Vec::new();
        for derivation in old.derivations() {
            if let Some(ix) = of_old(derivation.ix()) {
                sums[ix.get()] = Some(self.get(derivation.ix()));
                changed.extend((self.weights[derivation.ix().get()] != weights[ix.get()]).then_some(ix));
            } else {
                changed.extend(derivation.rebuild_inputs().filter_map(of_old));
            }
        }
        changed.extend(new.derivations().map(|derivation| derivation.ix()).filter(|ix| sums[ix.get()].is_none()));
        let stale = new.closure(changed, Direction::Dependencies);
        let sums = sums.into_iter().map(|sum| sum.unwrap_or([0; N])).collect();
        let users = new.storage.users();
        let mut next = Self { weights, sums, shortcuts: shortcuts(users) };
        next.recount(users, |ix| stale.contains(ix));
        next
    }

    /// Counts again what `is_stale`; what a shortcut leads to must be counted or right.
    fn recount(&mut self, users: Csr<'_, DerivationIx>, is_stale: impl Fn(DerivationIx) -> bool) {
        let stale: Vec<DerivationIx> = (0..users.rows()).map(DerivationIx::new).filter(|&ix| is_stale(ix)).collect();
        let walked: Vec<DerivationIx> = stale.iter().copied().filter(|ix| self.shortcuts[ix.get()] == Shortcut::Walk).collect();
        let swept = closure_sums(users, rows(walked.iter().map(std::slice::from_ref)).as_csr(), &self.weights);
        for (ix, sums) in walked.into_iter().zip(swept) {
            self.sums[ix.get()] = sums;
        }
        for &ix in stale.iter().rev() {
            let own = self.weights[ix.get()];
            let sum = |at: usize| match self.shortcuts[ix.get()] {
                Shortcut::Leaf => own[at],
                Shortcut::FirstUser(user) => own[at] + self.sums[user.get()][at],
                Shortcut::Sibling(sibling) => own[at] + self.sums[sibling.get()][at] - self.weights[sibling.get()][at],
                Shortcut::Walk => self.sums[ix.get()][at],
            };
            self.sums[ix.get()] = std::array::from_fn(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reach::tests::{adjacency, dag, singletons};
    use super::*;

    /// Random edges seldom make siblings and first users: some derivations take over users of the one behind them.
    fn with_shortcuts(mut users: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        for node in (0..users.len().saturating_sub(1)).rev().filter(|node| node % 3 > 0) {
            users[node] = users[node + 1].clone();
            if node % 3 == 1 {
                users[node].insert(0, node + 1);
            }
        }
        users
    }

    proptest! {
        #[test]
        fn shortcuts_lead_to_the_sums_of_a_sweep(users in dag(700).prop_map(with_shortcuts)) {
            let csr = adjacency(&users);
            let weights: Vec<[u64; 2]> = (0..users.len() as u64).map(|node| [1, node * 7 % 5 * 40_000_000_007]).collect();
            let swept = closure_sums(csr.as_csr(), singletons(users.len()).as_csr(), &weights);
            let sums = ClosureSums::of_users(csr.as_csr(), weights);
            prop_assert_eq!(sums.all(), swept);
            let walked = sums.shortcuts.iter().filter(|&&shortcut| shortcut == Shortcut::Walk).count();
            prop_assert!(users.len() < 20 || walked < users.len() / 2, "{} of {}", walked, users.len());
        }
    }
}
