//! Sums over the closures of many groups of derivations at once: the block kernel.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::index::DerivationIx;
use super::reach::Csr;

/// 64-bit words in a block: 512 groups are swept together.
const BLOCK_WORDS: usize = 8;
pub(crate) const BLOCK_GROUPS: usize = 64 * BLOCK_WORDS;

/// A bit for each group of a block.
pub(crate) type Row = [u64; BLOCK_WORDS];

/// The weights of all derivations in the closure of each group, added up exactly: `N` sums at once.
///
/// Blocks of 512 groups are swept together over the topological order, a bit for each group in every row, and the bits are
/// added up in planes. Threads take blocks one after the other. Time O(G/512 · (V + E)) at worst, and each block only sweeps
/// its own closure; space O(V · 64 bytes) a thread. Sums must fit 64 bits.
pub(crate) fn closure_sums<const N: usize>(
    users: Csr<'_, DerivationIx>,
    groups: Csr<'_, DerivationIx>,
    weights: &[[u64; N]],
) -> Vec<[u64; N]> {
    // Groups that lie close together share most of their closures.
    let mut order: Vec<usize> = (0..groups.rows()).collect();
    order.sort_by_key(|&group| groups.row(group).first().copied());
    let blocks: Vec<&[usize]> = order.chunks(BLOCK_GROUPS).collect();
    let next = AtomicUsize::new(0);
    let swept = rayon::broadcast(|_| {
        // A thread's rows are made once, and only if there is a block left for it.
        let mut sweep = None;
        let mine = std::iter::from_fn(|| blocks.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.map(|&block| (block, sweep.get_or_insert_with(|| Sweep::new(users.rows())).run(users, groups, block, weights)))
            .collect::<Vec<_>>()
    });
    let mut sums = vec![[0; N]; groups.rows()];
    for (block, of_block) in swept.into_iter().flatten() {
        for (&group, sum) in block.iter().zip(of_block) {
            sums[group] = sum;
        }
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

/// 512 counters, one for each bit of a row, kept as bit planes: bit `p` of every counter.
///
/// Each plane may hold a second row that waits for a third: three rows of a plane are one of it and one of the next
/// (a full adder), so an addition costs one of these on average, where a carry through 512 counters goes through all planes.
/// Source: carry-save adders, as in Harley and Seal's population count (Warren, *Hacker's Delight*, 2nd edition, 5-1).
pub(crate) struct BitCounter {
    planes: [Row; 64],
    waiting: [Row; 64],
    /// Planes that hold a row that waits, a bit for each.
    is_waiting: u64,
}

impl Default for BitCounter {
    fn default() -> Self {
        Self { planes: [[0; BLOCK_WORDS]; 64], waiting: [[0; BLOCK_WORDS]; 64], is_waiting: 0 }
    }
}

impl BitCounter {
    /// Adds `times` to the counter of every bit that is set in `row`.
    pub(crate) fn add(&mut self, row: &Row, times: u64) {
        let mut rest = times;
        while rest != 0 {
            self.add_to_plane(rest.trailing_zeros() as usize, *row);
            rest &= rest - 1;
        }
    }

    fn add_to_plane(&mut self, mut plane: usize, mut row: Row) {
        while self.is_waiting & (1 << plane) != 0 {
            self.is_waiting &= !(1 << plane);
            for ((sum, waiting), carry) in self.planes[plane].iter_mut().zip(&self.waiting[plane]).zip(&mut row) {
                let half = *sum ^ waiting;
                (*sum, *carry) = (half ^ *carry, (*sum & waiting) | (half & *carry));
            }
            plane += 1;
            // Sums fit 64 bits, so that nothing is carried out of the last plane.
            if plane == self.planes.len() {
                return;
            }
        }
        self.waiting[plane] = row;
        self.is_waiting |= 1 << plane;
    }

    /// The counter of a bit.
    pub(crate) fn get(&self, bit: usize) -> u64 {
        let at = |row: &Row| (row[bit / 64] >> (bit % 64)) & 1;
        let of_plane = |plane: usize| at(&self.planes[plane]) + at(&self.waiting[plane]) * (self.is_waiting >> plane & 1);
        (0..64).map(|plane| of_plane(plane) << plane).sum()
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
        fn sums_equal_the_naive_walk(users in dag(1200), step in 1_usize..7) {
            let weights: Vec<[u64; 3]> = (0..users.len() as u64).map(|node| [1, node * 7 % 5, node % 3 * 40_000_000_007]).collect();
            let groups: Vec<Vec<usize>> = (0..users.len()).map(|node| (node..users.len()).step_by(step * 100).collect()).collect();
            let sums = closure_sums(adjacency(&users).as_csr(), adjacency(&groups).as_csr(), &weights);
            for (group, sums) in groups.iter().zip(sums) {
                let mut seen = BTreeSet::new();
                for &node in group {
                    naive(&users, node, &mut seen);
                }
                let expected = [0, 1, 2].map(|sum| seen.iter().map(|&node| weights[node][sum]).sum::<u64>());
                prop_assert_eq!(sums, expected);
            }
        }
    }

    #[test]
    fn counters_count_past_any_plane() {
        let mut counter = BitCounter::default();
        let row = [u64::MAX, 0, 1, 0, 0, 0, 0, 1 << 63];
        let all = [1, 2, 3, 1 << 20, 12_345_678, 1 << 60, 1 << 63];
        for times in all {
            counter.add(&row, times);
        }
        let expected = all.iter().sum();
        assert_eq!(
            (counter.get(0), counter.get(64), counter.get(128), counter.get(129), counter.get(511)),
            (expected, 0, expected, 0, expected)
        );
    }

    #[test]
    fn many_counters_use_the_last_plane() {
        let mut counter = BitCounter::default();
        for bit in 0..8 {
            counter.add(&[0, 1 << bit, 0, 0, 0, 0, 0, 0], 1 << 63);
        }
        assert_eq!((0..9).map(|bit| counter.get(64 + bit) >> 63).collect::<Vec<_>>(), [1, 1, 1, 1, 1, 1, 1, 1, 0]);
    }
}
