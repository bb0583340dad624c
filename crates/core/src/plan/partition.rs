//! The best cut of a sequence into runs.

use std::ops::Range;

/// A cut of a sequence into contiguous runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The runs, in order; none is empty.
    pub runs: Vec<Range<usize>>,
    /// The sum of the squares of their work.
    pub cost: u128,
}

/// Cuts `work` into at most `runs` contiguous runs so that the sum of the squares of the runs' work is least.
///
/// That is the most even cut: with a given number of runs the sum of squares is the variance of their work, up to a
/// constant. Splitting a run never raises it, so as many runs are used as there may be. The cost of a run satisfies the
/// quadrangle inequality, so the best last cut moves only forwards, and the dynamic programme over prefixes is solved
/// by divide and conquer: time O(R · L log L), space O(R · L), for L items and R runs. Of equally good cuts the one
/// with the earliest cuts wins.
///
/// Source: divide-and-conquer optimisation of the "least weight subsequence" recurrence, Galil & Park,
/// "Dynamic programming with convexity, concavity and sparsity" (1992).
///
/// ```
/// use waves_core::plan::partition;
///
/// let cut = partition(&[1, 1, 1, 9, 3, 3], 3);
/// assert_eq!(cut.runs, [0..3, 3..4, 4..6]);
/// assert_eq!(cut.cost, 9 + 81 + 36);
/// ```
pub fn partition(work: &[u64], runs: usize) -> Partition {
    let items = work.len();
    let runs = runs.min(items);
    if runs == 0 {
        return Partition { runs: Vec::new(), cost: 0 };
    }
    let mut prefix = vec![0_u128];
    for &item in work {
        prefix.push(prefix[prefix.len() - 1] + u128::from(item));
    }
    // best[end]: least cost of the first `end` items in the runs so far; cuts[run][end]: where the last of them begins.
    let mut best: Vec<u128> = prefix.iter().map(|sum| sum * sum).collect();
    let mut cuts = vec![vec![0; items + 1]];
    for run in 1..runs {
        let mut layer = Layer { prefix: &prefix, before: &best, after: vec![u128::MAX; items + 1], cuts: vec![0; items + 1], first: run };
        layer.solve(run + 1..items + 1, run..items);
        let Layer { after, cuts: layer_cuts, .. } = layer;
        best = after;
        cuts.push(layer_cuts);
    }
    let mut ranges = Vec::with_capacity(runs);
    let mut end = items;
    for layer in cuts.iter().rev() {
        let start = layer[end];
        ranges.push(start..end);
        end = start;
    }
    ranges.reverse();
    Partition { runs: ranges, cost: best[items] }
}

/// One more run behind the runs so far.
struct Layer<'a> {
    prefix: &'a [u128],
    before: &'a [u128],
    after: Vec<u128>,
    cuts: Vec<usize>,
    /// The first place where the last run may begin: one item for each run before it.
    first: usize,
}

impl Layer<'_> {
    /// Solves for the prefixes that end in `ends`, whose last runs begin in `starts`. Depth O(log L).
    fn solve(&mut self, ends: Range<usize>, starts: Range<usize>) {
        if ends.is_empty() {
            return;
        }
        let end = ends.start + ends.len() / 2;
        let (mut least, mut cut) = (u128::MAX, self.first);
        for start in starts.start..starts.end.min(end) {
            let work = self.prefix[end] - self.prefix[start];
            let cost = self.before[start].saturating_add(work * work);
            if cost < least {
                (least, cut) = (cost, start);
            }
        }
        self.after[end] = least;
        self.cuts[end] = cut;
        self.solve(ends.start..end, starts.start..cut + 1);
        self.solve(end + 1..ends.end, cut..starts.end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries every cut.
    fn exhaustive(work: &[u64], runs: usize) -> u128 {
        if work.is_empty() {
            return 0;
        }
        if runs == 1 {
            return u128::from(work.iter().sum::<u64>()).pow(2);
        }
        (1..=work.len())
            .map(|end| u128::from(work[..end].iter().sum::<u64>()).pow(2) + exhaustive(&work[end..], runs - 1))
            .min()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_cut_is_better(work in proptest::collection::vec(0_u64..50, 0..12), runs in 1_usize..6) {
            let cut = partition(&work, runs);
            prop_assert_eq!(cut.cost, exhaustive(&work, runs));
            prop_assert!(cut.runs.len() <= runs);
            prop_assert!(cut.runs.iter().all(|run| !run.is_empty()));
            prop_assert_eq!(cut.runs.iter().cloned().flatten().collect::<Vec<_>>(), (0..work.len()).collect::<Vec<_>>());
            let cost: u128 = cut.runs.iter().map(|run| u128::from(work[run.clone()].iter().sum::<u64>()).pow(2)).sum();
            prop_assert_eq!(cost, cut.cost);
        }
    }

    #[test]
    fn of_equally_good_cuts_the_earliest_wins() {
        assert_eq!(partition(&[1, 1, 1], 2).runs, [0..1, 1..3]);
        assert_eq!(partition(&[1, 1, 1, 1], 3).runs, [0..1, 1..2, 2..4]);
        assert_eq!(partition(&[0, 0, 0], 2).runs, [0..1, 1..3]);
    }

    #[test]
    fn a_million_levels() {
        let cut = partition(&vec![1; 1_000_000], 12);
        assert_eq!(cut.runs.len(), 12);
        assert!(cut.runs.iter().all(|run| run.len().abs_diff(1_000_000 / 12) <= 1));
    }
}
