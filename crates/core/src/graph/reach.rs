//! Adjacency, and one closure along it.

use bytemuck::Zeroable;

use super::index::DerivationIx;
use super::set::DerivationSet;

/// Adjacency in compressed sparse rows: the targets of `row` are `targets[offsets[row]..offsets[row + 1]]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Csr<'a, T> {
    pub(crate) offsets: &'a [u32],
    pub(crate) targets: &'a [T],
}

impl<'a, T> Csr<'a, T> {
    pub(crate) fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn row(&self, row: usize) -> &'a [T] {
        &self.targets[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

/// Adjacency that owns its rows.
#[derive(Clone, Debug)]
pub(crate) struct OwnedCsr<T> {
    offsets: Vec<u32>,
    targets: Vec<T>,
}

impl<T> OwnedCsr<T> {
    pub(crate) fn as_csr(&self) -> Csr<'_, T> {
        Csr { offsets: &self.offsets, targets: &self.targets }
    }
}

/// The rows, one behind the other.
pub(crate) fn rows<'a, T: Copy + 'a>(rows: impl Iterator<Item = &'a [T]>) -> OwnedCsr<T> {
    let (mut offsets, mut targets) = (vec![0], Vec::new());
    for row in rows {
        targets.extend_from_slice(row);
        offsets.push(targets.len() as u32);
    }
    OwnedCsr { offsets, targets }
}

/// Groups items by row, keeping their order: offsets and items in compressed sparse rows. O(rows + items).
pub(super) fn group<T: Zeroable + Copy>(rows: usize, items: impl Iterator<Item = (u32, T)> + Clone) -> (Vec<u32>, Vec<T>) {
    let mut offsets = vec![0_u32; rows + 1];
    for (row, _) in items.clone() {
        offsets[row as usize + 1] += 1;
    }
    for row in 0..rows {
        offsets[row + 1] += offsets[row];
    }
    let mut next = offsets.clone();
    let mut grouped = vec![T::zeroed(); offsets[rows] as usize];
    for (row, item) in items {
        grouped[next[row as usize] as usize] = item;
        next[row as usize] += 1;
    }
    (offsets, grouped)
}

/// The derivations that `roots` rebuild, roots included.
pub(crate) fn closure(users: Csr<'_, DerivationIx>, roots: impl IntoIterator<Item = DerivationIx>) -> DerivationSet {
    closure_past(users, roots, |_| false)
}

/// The same, if what `is_held` is not rebuilt.
///
/// Breadth first: time O(V/64 + edges out of the closure), space O(V) bytes.
pub(crate) fn closure_past(
    users: Csr<'_, DerivationIx>,
    roots: impl IntoIterator<Item = DerivationIx>,
    is_held: impl Fn(DerivationIx) -> bool,
) -> DerivationSet {
    let mut reached = DerivationSet::from_members(users.rows(), roots.into_iter().filter(|&root| !is_held(root)));
    reached.close(|derivation| users.row(derivation.get()).iter().copied().filter(|&user| !is_held(user)));
    reached
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A random graph whose edges run from smaller to larger positions.
    pub(crate) fn dag(max: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1..max).prop_flat_map(|nodes| proptest::collection::vec(proptest::collection::vec(0..nodes, 0..4), nodes)).prop_map(|mut users| {
            for (node, users) in users.iter_mut().enumerate() {
                users.retain(|&user| user > node);
                users.sort_unstable();
                users.dedup();
            }
            users
        })
    }

    /// The same as adjacency.
    pub(crate) fn adjacency(lists: &[Vec<usize>]) -> OwnedCsr<DerivationIx> {
        let lists: Vec<Vec<DerivationIx>> = lists.iter().map(|list| list.iter().copied().map(DerivationIx::new).collect()).collect();
        rows(lists.iter().map(Vec::as_slice))
    }

    /// A group for each derivation.
    pub(crate) fn singletons(derivations: usize) -> OwnedCsr<DerivationIx> {
        rows((0..derivations).map(DerivationIx::new).collect::<Vec<_>>().iter().map(std::slice::from_ref))
    }

    /// The obvious way: depth first, by recursion.
    pub(crate) fn naive(users: &[Vec<usize>], node: usize, seen: &mut BTreeSet<usize>) {
        if seen.insert(node) {
            for &user in &users[node] {
                naive(users, user, seen);
            }
        }
    }

    proptest! {
        #[test]
        fn closures_equal_the_naive_walk(users in dag(300), step in 1_usize..100, held in 2_usize..50) {
            let roots: Vec<usize> = (0..users.len()).step_by(step).collect();
            let mut seen = BTreeSet::new();
            for &root in &roots {
                naive(&users, root, &mut seen);
            }
            let csr = adjacency(&users);
            let starts = || roots.iter().copied().map(DerivationIx::new);
            prop_assert!(closure(csr.as_csr(), starts()).iter().map(DerivationIx::get).eq(seen));

            // What is held is as if it were not there.
            let is_held = |node: &usize| node % held == 1;
            let without: Vec<Vec<usize>> = users.iter().map(|users| users.iter().copied().filter(|user| !is_held(user)).collect()).collect();
            let mut seen = BTreeSet::new();
            for &root in roots.iter().filter(|root| !is_held(root)) {
                naive(&without, root, &mut seen);
            }
            let past = closure_past(csr.as_csr(), starts(), |ix| is_held(&ix.get()));
            prop_assert!(past.iter().map(DerivationIx::get).eq(seen));
        }
    }
}
