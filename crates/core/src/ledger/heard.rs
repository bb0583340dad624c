//! What was heard of derivations, and what follows from it for what they need.

use std::collections::HashMap;

use super::event::Outcome;
use super::file::Ledger;
use super::matching::ByPath;
use super::name::WaveName;
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
    fn doubted(&self) -> Option<usize> {
        let failed = self.outcomes.iter().rfind(|(_, outcome)| !outcome.is_silent() && *outcome != Outcome::Succeeded)?.0;
        Some(self.retries.last().map_or(failed, |&retry| failed.max(retry)))
    }

    /// When it was built, in order.
    fn successes(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Succeeded).map(|&(at, _)| at)
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

/// Notes what of a wave is to be tried again.
pub(super) fn add_retries(histories: &mut HashMap<DerivationIx, History>, by_path: &ByPath<'_>, ledger: &Ledger, wave: WaveName) {
    for (at, retry) in ledger.retries().filter(|(_, retry)| retry.wave == wave) {
        for derivation in retry.derivations.iter().filter_map(|path| by_path.find(path)) {
            histories.entry(derivation.ix()).or_default().retries.push(at);
        }
    }
}

/// What follows for a derivation from what was built of what needs it: nothing is built before its inputs.
pub(super) struct Implied {
    /// When something that needs it was last built.
    users: Vec<Option<usize>>,
    /// All successes, the first first.
    successes: Vec<usize>,
}

impl Implied {
    /// Of the derivations for which `is_member` holds: others may be of another wave, and need what was there before. O(V + E + R log R)
    /// for R results.
    pub(super) fn new(graph: &Graph, histories: &HashMap<DerivationIx, History>, is_member: impl Fn(DerivationIx) -> bool) -> Self {
        let mut users: Vec<Option<usize>> = vec![None; graph.derivation_count()];
        // What needs a derivation comes behind it.
        for derivation in graph.derivations().rev().filter(|derivation| is_member(derivation.ix())) {
            let own = histories.get(&derivation.ix()).and_then(|history| history.successes().next_back());
            let Some(built) = users[derivation.ix().get()].max(own) else { continue };
            for input in derivation.rebuild_inputs().filter(|&input| is_member(input)) {
                users[input.get()] = users[input.get()].max(Some(built));
            }
        }
        let mut successes: Vec<usize> = histories.values().flat_map(History::successes).collect();
        successes.sort_unstable();
        Self { users, successes }
    }

    /// Whether a derivation was built after all that was said against it.
    pub(super) fn is_built(&self, ix: DerivationIx, history: Option<&History>) -> bool {
        self.users[ix.get()].is_some_and(|built| history.and_then(History::doubted).is_none_or(|doubt| doubt < built))
    }

    /// When what failed, and must have been built since, was repaired: with the first success after that failure, at the earliest. So no
    /// failure of what needs it is taken for an older one that is not.
    pub(super) fn repaired(&self, ix: DerivationIx, history: &History) -> Option<usize> {
        let failed = history.decisive().filter(|(_, outcome)| *outcome != Outcome::Succeeded && self.is_built(ix, Some(history)))?.0;
        self.successes.get(self.successes.partition_point(|&success| success <= failed)).copied()
    }
}
