//! Filling a budget, one test after the other, each with all that is on the way to it.
//!
//! What a test adds to those before it is kept for each candidate. When derivations are chosen, they are taken out of what each of
//! their dependents would add: for `S` chosen derivations that is the sum of their closures, exactly, where a lazy queue would miss
//! that a shared input makes its other users cheap.

use super::problem::Problem;

/// Candidates that are compared again together after one of them changed.
const BLOCK: usize = 256;

/// Which test is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    /// That which adds most weight for its cost.
    Ratio,
    /// That which adds most weight.
    Gain,
}

/// A test that was chosen.
#[derive(Clone, Debug)]
pub(super) struct Pick {
    pub(super) target: u32,
    /// What it added: itself and what was on the way.
    pub(super) added: Vec<u32>,
}

/// A choice that grows.
pub(super) struct Greedy<'p> {
    problem: &'p Problem,
    left: u64,
    max_tests: usize,
    is_chosen: Vec<bool>,
    /// Whether it was chosen as a test.
    is_test: Vec<bool>,
    /// Whether it is chosen, and something chosen needs it.
    is_needed: Vec<bool>,
    /// Weight and cost that each would add.
    adds: Vec<(u64, u64)>,
    picks: Vec<Pick>,
    /// The chosen that nothing chosen needs.
    tests: usize,
    /// Blocks in which a candidate changed.
    is_stale: Vec<bool>,
    seen: Vec<u32>,
    walk: u32,
}

impl<'p> Greedy<'p> {
    pub(super) fn new(problem: &'p Problem, budget: u64, max_tests: usize) -> Self {
        let nodes = problem.members.len();
        Self {
            problem,
            left: budget,
            max_tests,
            is_chosen: vec![false; nodes],
            is_test: vec![false; nodes],
            is_needed: vec![false; nodes],
            adds: problem.closures.clone(),
            picks: Vec::new(),
            tests: 0,
            is_stale: vec![true; nodes.div_ceil(BLOCK)],
            seen: vec![0; nodes],
            walk: 0,
        }
    }

    /// The weight of what is chosen. O(chosen).
    pub(super) fn weight(&self) -> u64 {
        self.picks.iter().flat_map(|pick| &pick.added).map(|&node| self.problem.weights[node as usize]).sum()
    }

    /// What was chosen, in order.
    pub(super) fn into_picks(self) -> Vec<Pick> {
        self.picks
    }

    /// Chooses tests among those that are `allowed`, until none fits. O(picks · M / 256 + closures of what is chosen).
    pub(super) fn run(&mut self, criterion: Criterion, allowed: impl Fn(usize) -> bool) {
        let mut best: Vec<Option<usize>> = vec![None; self.is_stale.len()];
        self.is_stale.fill(true);
        while self.tests < self.max_tests {
            for block in 0..best.len() {
                // What fitted may not fit any more.
                let fits = best[block].is_none_or(|node| self.fits(node));
                if std::mem::take(&mut self.is_stale[block]) || !fits {
                    let nodes = block * BLOCK..((block + 1) * BLOCK).min(self.adds.len());
                    let candidates = nodes.filter(|&node| self.problem.targets[node].is_some() && self.fits(node) && allowed(node));
                    best[block] = candidates.reduce(|best, node| self.better(criterion, best, node));
                }
            }
            let Some(target) = best.iter().flatten().copied().reduce(|best, node| self.better(criterion, best, node)) else { break };
            self.choose(target);
        }
    }

    fn fits(&self, node: usize) -> bool {
        let (weight, cost) = self.adds[node];
        weight > 0 && cost <= self.left
    }

    /// The better of two; of equals, the first.
    fn better(&self, criterion: Criterion, first: usize, second: usize) -> usize {
        let ((weight, cost), (other_weight, other_cost)) = (self.adds[first], self.adds[second]);
        let is_better = match criterion {
            Criterion::Ratio => {
                let (one, other) = (u128::from(weight) * u128::from(other_cost), u128::from(other_weight) * u128::from(cost));
                (other, other_weight) > (one, weight)
            }
            Criterion::Gain => (other_weight, std::cmp::Reverse(other_cost)) > (weight, std::cmp::Reverse(cost)),
        };
        if is_better { second } else { first }
    }

    fn choose(&mut self, target: usize) {
        let mut added = vec![target as u32];
        self.is_chosen[target] = true;
        self.is_test[target] = true;
        let mut at = 0;
        while let Some(&node) = added.get(at) {
            at += 1;
            for &input in self.problem.inputs.row(node as usize) {
                if !std::mem::replace(&mut self.is_chosen[input as usize], true) {
                    added.push(input);
                }
                let is_first = !std::mem::replace(&mut self.is_needed[input as usize], true);
                self.tests -= usize::from(is_first && self.is_test[input as usize]);
            }
        }
        self.tests += 1;
        self.left -= self.adds[target].1;
        for &node in &added {
            self.take_out(node);
        }
        self.picks.push(Pick { target: target as u32, added });
    }

    /// No dependent adds a node any more.
    fn take_out(&mut self, node: u32) {
        let (weight, cost) = (self.problem.weights[node as usize], self.problem.costs[node as usize]);
        self.walk += 1;
        self.seen[node as usize] = self.walk;
        let mut rest = vec![node];
        while let Some(near) = rest.pop() {
            let adds = &mut self.adds[near as usize];
            *adds = (adds.0 - weight, adds.1 - cost);
            self.is_stale[near as usize / BLOCK] = true;
            for &user in self.problem.users.row(near as usize) {
                if std::mem::replace(&mut self.seen[user as usize], self.walk) != self.walk {
                    rest.push(user);
                }
            }
        }
    }
}
