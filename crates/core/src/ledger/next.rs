//! What may be built now.

use super::status::{State, WaveStatus};
use crate::graph::{Derivation, DerivationIx};

/// What may be built now, of a wave and of the one behind it.
#[derive(Debug, Default)]
pub struct Next<'g> {
    /// Of the wave: everything that these need of it is built.
    pub ready: Vec<Derivation<'g>>,
    /// Of the wave: being built.
    pub building: Vec<Derivation<'g>>,
    /// Of the next wave: they need nothing that this wave has not finished.
    pub safe: Vec<Derivation<'g>>,
    /// Of the next wave: they need something that this wave may still change.
    pub at_risk: Vec<Derivation<'g>>,
}

impl<'g> Next<'g> {
    /// Asks a wave, and the next one if there is one: both in the same evaluation. O(V + E).
    ///
    /// A package of the next wave may be built already if nothing that it needs is unfinished here: neither built nor waived.
    pub fn new(wave: &WaveStatus<'g>, next: Option<&WaveStatus<'g>>) -> Self {
        let (mut safe, mut at_risk) = (Vec::new(), Vec::new());
        if let Some(next) = next {
            let unfinished = unfinished(wave);
            for derivation in needed(next, State::Ready) {
                let list = if unfinished[derivation.ix().get()] { &mut at_risk } else { &mut safe };
                list.push(derivation);
            }
        }
        Self { ready: needed(wave, State::Ready).collect(), building: needed(wave, State::Building).collect(), safe, at_risk }
    }
}

/// What is in a state, and is built for somebody.
fn needed<'s, 'g>(status: &'s WaveStatus<'g>, state: State) -> impl Iterator<Item = Derivation<'g>> + use<'s, 'g> {
    status.in_state(state).filter(|derivation| status.is_expected(derivation.ix()))
}

/// Whether each derivation is, or needs, something of the wave that is neither built nor waived.
fn unfinished(wave: &WaveStatus<'_>) -> Vec<bool> {
    let mut unfinished = vec![false; wave.graph.derivation_count()];
    let is_open = |ix: DerivationIx| wave.wave.rebuilds.contains(ix) && !matches!(wave.state(ix), State::Green | State::Waived);
    for derivation in wave.graph.derivations() {
        let ix = derivation.ix();
        unfinished[ix.get()] = is_open(ix) || derivation.rebuild_inputs().any(|input| unfinished[input.get()]);
    }
    unfinished
}
