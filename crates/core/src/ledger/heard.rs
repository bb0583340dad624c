//! What was heard of derivations, and what follows from it for what they need.

use std::collections::HashMap;

use super::event::Outcome;
use crate::graph::{DerivationIx, Graph};

/// What was recorded of a derivation, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Outcomes, each with its position in the ledger.
    pub(super) outcomes: Vec<(usize, Outcome)>,
    /// Positions of what says that it is to be tried again.
    pub(super) retries: Vec<usize>,
}

impl History {
    /// The last outcome that says something, unless it is a failure that is tried again.
    pub(super) fn decisive(&self) -> Option<(usize, Outcome)> {
        let last = self.outcomes.iter().rev().copied().find(|(_, outcome)| !outcome.is_silent())?;
        let retried = self.retries.last().is_some_and(|&retry| retry > last.0);
        (!retried || last.1 == Outcome::Succeeded).then_some(last)
    }

    /// When it was last in doubt: its last failure, or that it is to be tried again since.
    pub(super) fn doubted(&self) -> Option<usize> {
        let failed = self.outcomes.iter().rfind(|(_, outcome)| !outcome.is_silent() && *outcome != Outcome::Succeeded)?.0;
        Some(self.retries.last().map_or(failed, |&retry| failed.max(retry)))
    }

    /// Whether it is in doubt, as far as was said of it.
    pub(super) fn is_doubted(&self) -> bool {
        self.doubted().is_some() && self.decisive().is_none_or(|(_, outcome)| outcome != Outcome::Succeeded)
    }

    pub(super) fn is_building(&self) -> bool {
        self.outcomes.last().is_some_and(|&(_, outcome)| outcome == Outcome::Building)
    }

    pub(super) fn own_failures(&self) -> usize {
        self.outcomes.iter().filter(|(_, outcome)| outcome.is_own_failure()).count()
    }

    /// When it was last repaired: built after a failure, or tried again.
    pub(super) fn repaired(&self) -> Option<usize> {
        let (mut repaired, mut has_failed) = (self.retries.last().copied(), false);
        for &(at, outcome) in &self.outcomes {
            match outcome {
                silent if silent.is_silent() => {}
                Outcome::Succeeded if has_failed => (repaired, has_failed) = (repaired.max(Some(at)), false),
                outcome => has_failed = outcome != Outcome::Succeeded,
            }
        }
        repaired
    }
}

/// When something that needs a derivation was first built after the derivation was last in doubt. Nothing is built before what it needs: a
/// success says so of inputs that nobody reports, or that failed before.
///
/// Backwards from each success, the first of all first, and to where none went since something was last in doubt: O(R log R + D · E) for R
/// results, and for D times at which a doubt follows a success.
pub(super) fn implied(graph: &Graph, histories: &HashMap<DerivationIx, History>) -> Vec<Option<usize>> {
    let doubted = |ix: DerivationIx| histories.get(&ix).and_then(History::doubted);
    let mut doubts: Vec<usize> = histories.values().filter_map(History::doubted).collect();
    doubts.sort_unstable();
    let built = |history: &History| history.decisive().filter(|(_, outcome)| *outcome == Outcome::Succeeded);
    let mut successes: Vec<(usize, DerivationIx)> = histories.iter().filter_map(|(&ix, history)| Some((built(history)?.0, ix))).collect();
    successes.sort_unstable();
    let mut implied: Vec<Option<usize>> = vec![None; graph.derivation_count()];
    // How many doubts there had been when it was last gone through.
    let mut passed: Vec<Option<usize>> = vec![None; graph.derivation_count()];
    let mut open = Vec::new();
    for (at, success) in successes {
        let so_far = doubts.partition_point(|&doubt| doubt < at);
        open.push(success);
        while let Some(ix) = open.pop() {
            if passed[ix.get()].replace(so_far) == Some(so_far) {
                continue;
            }
            for input in graph.derivation(ix).rebuild_inputs() {
                if doubted(input).is_none_or(|doubt| doubt < at) {
                    implied[input.get()].get_or_insert(at);
                }
                open.push(input);
            }
        }
    }
    implied
}
