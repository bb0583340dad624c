//! Reachability along rebuild edges: one closure, and the closure sizes of all derivations at once.

use rayon::prelude::*;

use super::index::DerivationIx;
use super::set::DerivationSet;

/// 64-bit words in a block: 512 sources are swept together.
const BLOCK_WORDS: usize = 8;
const BLOCK_SOURCES: usize = 64 * BLOCK_WORDS;

type Row = [u64; BLOCK_WORDS];

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
pub(crate) struct OwnedCsr<T> {
    offsets: Vec<u32>,
    targets: Vec<T>,
}

impl<T> OwnedCsr<T> {
    pub(crate) fn as_csr(&self) -> Csr<'_, T> {
        Csr { offsets: &self.offsets, targets: &self.targets }
    }
}

/// A group for each of `rows`.
pub(crate) fn groups<'a>(rows: impl Iterator<Item = &'a [DerivationIx]>) -> OwnedCsr<DerivationIx> {
    let (mut offsets, mut targets) = (vec![0], Vec::new());
    for row in rows {
        targets.extend_from_slice(row);
        offsets.push(targets.len() as u32);
    }
    OwnedCsr { offsets, targets }
}

/// A group for each derivation.
pub(crate) fn singletons(derivations: usize) -> OwnedCsr<DerivationIx> {
    OwnedCsr { offsets: (0..=derivations as u32).collect(), targets: (0..derivations).map(DerivationIx::new).collect() }
}

/// The derivations that `roots` rebuild, roots included.
pub(crate) fn closure(users: Csr<'_, DerivationIx>, roots: impl IntoIterator<Item = DerivationIx>) -> DerivationSet {
    closure_past(users, roots, |_| false)
}

/// The same, if what `is_held` is not rebuilt.
///
/// A sweep over the members in topological order: time O(V/64 + edges out of the closure), space O(V/8) bytes.
pub(crate) fn closure_past(
    users: Csr<'_, DerivationIx>,
    roots: impl IntoIterator<Item = DerivationIx>,
    is_held: impl Fn(DerivationIx) -> bool,
) -> DerivationSet {
    let mut reached = DerivationSet::from_members(users.rows(), roots.into_iter().filter(|&root| !is_held(root)));
    let mut next = reached.next_from(0);
    while let Some(derivation) = next {
        for &user in users.row(derivation.get()).iter().filter(|&&user| !is_held(user)) {
            reached.insert(user);
        }
        next = reached.next_from(derivation.get() + 1);
    }
    reached
}

/// The weights of all derivations in the closure of each group of sources, added up exactly: `N` sums at once.
///
/// Blocks of 512 groups are swept together over the topological order, a bit for each group in every row; the sums
/// are counted in bit planes, so that a row costs a few additions for each bit of its weight, log V at most, whatever
/// its own bits. Blocks run in parallel. Time O(G/512 · (V + E)) at worst, and each block only sweeps its own closure;
/// space O(V · 64 bytes) a thread. Sums must fit 64 bits.
pub(crate) fn closure_sums<const N: usize>(
    users: Csr<'_, DerivationIx>,
    groups: Csr<'_, DerivationIx>,
    weights: &[[u64; N]],
) -> Vec<[u64; N]> {
    // Groups that lie close together share most of their closures.
    let mut order: Vec<usize> = (0..groups.rows()).collect();
    order.sort_by_key(|&group| groups.row(group).first().copied());
    let blocks: Vec<Vec<[u64; N]>> = order
        .par_chunks(BLOCK_SOURCES)
        .map_init(|| Sweep::new(users.rows()), |sweep, block| sweep.run(users, groups, block, weights))
        .collect();
    let mut sums = vec![[0; N]; groups.rows()];
    for (&group, sum) in order.iter().zip(blocks.into_iter().flatten()) {
        sums[group] = sum;
    }
    sums
}

/// The buffers of a sweep; all zero between two blocks.
struct Sweep {
    rows: Vec<Row>,
    /// A bit for each derivation whose row is not zero.
    active: Vec<u64>,
}

impl Sweep {
    fn new(derivations: usize) -> Self {
        Self { rows: vec![[0; BLOCK_WORDS]; derivations], active: vec![0; derivations.div_ceil(64)] }
    }

    fn run<const N: usize>(
        &mut self,
        users: Csr<'_, DerivationIx>,
        groups: Csr<'_, DerivationIx>,
        block: &[usize],
        weights: &[[u64; N]],
    ) -> Vec<[u64; N]> {
        for (bit, &group) in block.iter().enumerate() {
            for member in groups.row(group) {
                self.rows[member.get()][bit / 64] |= 1 << (bit % 64);
                self.activate(member.get());
            }
        }
        let mut counters: [BitCounter; N] = std::array::from_fn(|_| BitCounter::default());
        for word in 0..self.active.len() {
            // A user may lie in the word that is being swept, always behind the derivation at hand.
            while self.active[word] != 0 {
                let derivation = word * 64 + self.active[word].trailing_zeros() as usize;
                self.active[word] &= self.active[word] - 1;
                let row = std::mem::take(&mut self.rows[derivation]);
                for (counter, &weight) in counters.iter_mut().zip(&weights[derivation]) {
                    counter.add(&row, weight);
                }
                for user in users.row(derivation) {
                    for (target, bits) in self.rows[user.get()].iter_mut().zip(row) {
                        *target |= bits;
                    }
                    self.activate(user.get());
                }
            }
        }
        (0..block.len()).map(|bit| std::array::from_fn(|sum| counters[sum].get(bit))).collect()
    }

    fn activate(&mut self, derivation: usize) {
        self.active[derivation / 64] |= 1 << (derivation % 64);
    }
}

/// 512 counters, one a bit, kept as bit planes: plane `p` holds bit `p` of every counter.
struct BitCounter {
    planes: [Row; 64],
}

impl Default for BitCounter {
    fn default() -> Self {
        Self { planes: [[0; BLOCK_WORDS]; 64] }
    }
}

impl BitCounter {
    /// Adds `times` to the counter of every bit that is set in `row`.
    fn add(&mut self, row: &Row, times: u64) {
        let mut rest = times;
        while rest != 0 {
            let mut carry = *row;
            for plane in &mut self.planes[rest.trailing_zeros() as usize..] {
                let mut any = 0;
                for (sum, carried) in plane.iter_mut().zip(&mut carry) {
                    let next = *sum & *carried;
                    *sum ^= *carried;
                    *carried = next;
                    any |= next;
                }
                if any == 0 {
                    break;
                }
            }
            rest &= rest - 1;
        }
    }

    fn get(&self, bit: usize) -> u64 {
        self.planes.iter().enumerate().map(|(plane, row)| ((row[bit / 64] >> (bit % 64)) & 1) << plane).sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
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

    fn flatten(rows: &[Vec<usize>]) -> (Vec<u32>, Vec<DerivationIx>) {
        let mut offsets = vec![0];
        let mut targets = Vec::new();
        for row in rows {
            targets.extend(row.iter().map(|&target| DerivationIx::new(target)));
            offsets.push(targets.len() as u32);
        }
        (offsets, targets)
    }

    /// The obvious way: depth first, by recursion.
    fn naive(users: &[Vec<usize>], node: usize, seen: &mut std::collections::BTreeSet<usize>) {
        if seen.insert(node) {
            for &user in &users[node] {
                naive(users, user, seen);
            }
        }
    }

    proptest! {
        #[test]
        fn closures_equal_the_naive_walk(users in dag(1200), step in 1_usize..7) {
            let (offsets, targets) = flatten(&users);
            let csr = Csr { offsets: &offsets, targets: &targets };
            let weights: Vec<[u64; 3]> = (0..users.len() as u64).map(|node| [1, node * 7 % 5, node % 3 * 40_000_000_007]).collect();
            let groups: Vec<Vec<usize>> = (0..users.len()).map(|node| (node..users.len()).step_by(step * 100).collect()).collect();
            let (group_offsets, members) = flatten(&groups);
            let sums = closure_sums(csr, Csr { offsets: &group_offsets, targets: &members }, &weights);
            for (group, sums) in groups.iter().zip(sums) {
                let mut seen = std::collections::BTreeSet::new();
                for &node in group {
                    naive(&users, node, &mut seen);
                }
                let expected = [0, 1, 2].map(|sum| seen.iter().map(|&node| weights[node][sum]).sum::<u64>());
                prop_assert_eq!(sums, expected);
                let closure = closure(csr, group.iter().map(|&node| DerivationIx::new(node)));
                prop_assert!(closure.iter().map(DerivationIx::get).eq(seen.iter().copied()));
            }
        }
    }

    #[test]
    fn counters_count_past_any_plane() {
        let mut counter = BitCounter::default();
        let row = [u64::MAX, 0, 1, 0, 0, 0, 0, 1 << 63];
        for times in [1, 2, 3, 1 << 20, 12_345_678, 1 << 60] {
            counter.add(&row, times);
        }
        let expected = 1 + 2 + 3 + (1 << 20) + 12_345_678 + (1 << 60);
        assert_eq!(
            (counter.get(0), counter.get(64), counter.get(128), counter.get(129), counter.get(511)),
            (expected, 0, expected, 0, expected)
        );
    }
}
