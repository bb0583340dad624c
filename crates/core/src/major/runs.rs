//! Waves merged: every run of levels priced at once, and the cheapest cut of the levels into a number of runs.

use std::ops::Range;

use super::price::{Builds, Prices};
use crate::graph::DerivationSet;

/// What each run of consecutive levels builds if it is one wave.
#[derive(Clone, Debug)]
pub struct Runs {
    levels: usize,
    /// Row `first`, column `last`.
    builds: Vec<Builds>,
    /// Expected work of finding what broke, in the units of [`Prices::weight`]; empty if no risk was said.
    rework: Vec<f64>,
    /// Where the longest run that begins with each level ends.
    ends: Vec<usize>,
}

impl Runs {
    /// Of the rebuilds of each level, and where the longest run that may begin with it ends. Time O(V + ΣR + L²) for rebuilds of ΣR
    /// derivations in all levels, space O(V + L²).
    ///
    /// A derivation is built by a run if one of its levels rebuilds it. So for each first level it is to be added where the next level
    /// is that does: for the first of these first levels it is, sums of a column hand it on to the others, and the sums of a row over
    /// the last level are the answer.
    pub fn new(prices: &Prices, rebuilds: &[DerivationSet], ends: Vec<usize>) -> Self {
        let levels = rebuilds.len();
        let mut builds = vec![Builds::default(); levels * levels];
        // Behind the last level so far that rebuilds each derivation.
        let mut behind = vec![0; prices.derivations()];
        for (level, set) in rebuilds.iter().enumerate() {
            for ix in set.iter() {
                let first = std::mem::replace(&mut behind[ix.get()], level + 1);
                builds[first * levels + level] += prices.derivation(ix);
            }
        }
        for first in 1..levels {
            for last in first..levels {
                let before = builds[(first - 1) * levels + last];
                builds[first * levels + last] += before;
            }
        }
        for row in builds.chunks_mut(levels.max(1)) {
            for last in 1..row.len() {
                row[last] += row[last - 1];
            }
        }
        Self { levels, builds, rework: Vec::new(), ends }
    }

    /// The same runs with the expected work of finding what broke, a row for each first level as [`Runs::rework`] reads it.
    pub(super) fn with_rework(mut self, rework: Vec<f64>) -> Self {
        self.rework = rework;
        self
    }

    /// The number of levels.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// What a run builds; nothing if it is empty.
    pub fn builds(&self, run: &Range<usize>) -> Builds {
        if run.is_empty() { Builds::default() } else { self.builds[run.start * self.levels + run.end - 1] }
    }

    /// The expected work of finding what broke in a run; 0 if no risk was said.
    pub fn rework(&self, run: &Range<usize>) -> f64 {
        if run.is_empty() { 0.0 } else { self.rework.get(run.start * self.levels + run.end - 1).copied().unwrap_or(0.0) }
    }

    /// Whether the levels may be one wave.
    fn is_allowed(&self, run: &Range<usize>) -> bool {
        !run.is_empty() && run.end <= self.ends[run.start]
    }

    /// The cheapest cut into each number of runs that there can be, up to as many as there are levels: of builds, and of rework if a
    /// risk was said. Optimal among contiguous cuts; of equal ones that with the earliest cuts.
    ///
    /// Dynamic programme over prefixes: time O(L³), a few additions in a row for each; space O(L²).
    pub fn cuts(&self, prices: &Prices) -> Vec<Vec<Range<usize>>> {
        let cost = |run: Range<usize>| {
            if self.is_allowed(&run) { prices.weight(self.builds(&run)) as f64 + self.rework(&run) } else { f64::INFINITY }
        };
        // A row for each end, for that is the order in which they are asked for, again and again.
        let costs: Vec<Vec<f64>> = (0..=self.levels).map(|end| (0..end).map(|start| cost(start..end)).collect()).collect();
        let mut best: Vec<f64> = costs.iter().map(|of| of.first().copied().unwrap_or(f64::INFINITY)).collect();
        let mut starts: Vec<Vec<usize>> = vec![vec![0; self.levels + 1]];
        let mut is_possible = vec![best[self.levels].is_finite() && self.levels > 0];
        for runs in 1..self.levels {
            let mut next = vec![f64::INFINITY; self.levels + 1];
            let mut start_of = vec![0; self.levels + 1];
            for end in runs + 1..=self.levels {
                let totals = best[runs..end].iter().zip(&costs[end][runs..]).map(|(before, run)| before + run);
                // What is not possible is no less than infinity.
                let (mut least, mut from) = (f64::INFINITY, 0);
                for (at, total) in totals.enumerate() {
                    if total < least {
                        (least, from) = (total, runs + at);
                    }
                }
                (next[end], start_of[end]) = (least, from);
            }
            best = next;
            is_possible.push(best[self.levels].is_finite());
            starts.push(start_of);
        }
        let possible = (0..self.levels).filter(|&last| is_possible[last]);
        possible.map(|last| self.trace(&starts[..=last])).collect()
    }

    /// The runs of a cut, from the starts of the last runs of each prefix.
    fn trace(&self, starts: &[Vec<usize>]) -> Vec<Range<usize>> {
        let mut end = self.levels;
        let mut runs: Vec<Range<usize>> = starts
            .iter()
            .rev()
            .map(|start_of| {
                let run = start_of[end]..end;
                end = run.start;
                run
            })
            .collect();
        runs.reverse();
        runs
    }
}
