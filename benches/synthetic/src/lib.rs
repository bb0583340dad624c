//! Package sets shaped like nixpkgs, of any size, from a seed: what they would look like in dumps of Nix.
//!
//! The same size and seed are the same bytes on every machine. The shape is the one of nixpkgs 24.11; `docs/algorithms.md`
//! describes the model, and `tests/nixpkgs` compares its statistics with the real evaluation's. Nothing here knows `waves`, so
//! that what reads the dumps is measured as with any others.

mod model;
mod name;
mod random;
mod write;

use model::{Kind, Model, NONE};
use random::{mix, unit};

/// The smallest set: below it there is hardly more than the bootstrap.
pub const LEAST: usize = 1_000;
/// The largest set: words for names end there.
pub const MOST: usize = 1 << 30;

/// A set of packages.
pub struct Synthetic {
    model: Model,
    seed: u64,
    /// What became of each derivation in a revision.
    states: Vec<State>,
}

/// What became of a derivation in a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AsBefore,
    /// Needs something that is changed or rebuilt.
    Rebuilt,
    /// Of another version.
    Changed,
}

impl Synthetic {
    /// Makes a set of `size` derivations, which is put between [`LEAST`] and [`MOST`]. O(V + E) time, 4 bytes an edge and about 16 a
    /// derivation.
    pub fn new(size: usize, seed: u64) -> Self {
        let model = Model::new(size.clamp(LEAST, MOST), seed);
        let states = vec![State::AsBefore; model.len()];
        Self { model, seed, states }
    }

    /// The number of derivations.
    pub fn derivations(&self) -> usize {
        self.model.len()
    }

    /// The number of inputs of all derivations.
    pub fn edges(&self) -> usize {
        (0..self.model.len()).map(|at| self.model.inputs(at).len()).sum()
    }

    /// Updates packages until about `share` of the derivations that are not fixed are other ones: those of another version, and
    /// what needs them. Nothing that everything is built with is updated. O(V + E).
    pub fn revise(&mut self, share: f64) {
        let normal = self.model.kinds.iter().filter(|&&kind| kind != Kind::Source).count();
        let wanted = random::floor(normal as f64 * share);
        // More updates change more: the number of packages is found by halving.
        let (mut low, mut high) = (0.0, share);
        for _ in 0..16 {
            let middle = f64::midpoint(low, high);
            if self.mark(middle) > wanted { high = middle } else { low = middle }
        }
        self.mark(low);
    }

    /// Updates this share of the packages; the number of other derivations then.
    fn mark(&mut self, share: f64) -> usize {
        let mut others = 0;
        for at in 0..self.model.len() {
            self.states[at] = self.state(at, share);
            others += usize::from(self.states[at] != State::AsBefore && self.model.kinds[at] != Kind::Source);
        }
        others
    }

    fn state(&self, at: usize, share: f64) -> State {
        let Model { kinds, originals, sources, .. } = &self.model;
        match kinds[at] {
            Kind::Spine | Kind::Core => return State::AsBefore,
            // Sources come last: who they were made for has its state.
            Kind::Source => {
                let owner = sources[at] as usize;
                let is_changed = self.states[owner] == State::Changed && sources[owner] as usize == at;
                return if is_changed { State::Changed } else { State::AsBefore };
            }
            _ => {}
        }
        if unit(mix(self.seed ^ 2, u64::from(originals[at]))) < share {
            return State::Changed;
        }
        let is_reached = self
            .model
            .inputs(at)
            .iter()
            .any(|&input| kinds[input as usize] != Kind::Source && self.states[input as usize] != State::AsBefore);
        if is_reached { State::Rebuilt } else { State::AsBefore }
    }

    /// Whether an evaluation would find it under a name.
    fn has_attribute(&self, at: usize) -> bool {
        match self.model.kinds[at] {
            Kind::Core | Kind::Library | Kind::Application => true,
            Kind::Spine => model::is_last_copy(at),
            Kind::Crate | Kind::Part | Kind::Source => false,
        }
    }

    fn source(&self, at: usize) -> Option<usize> {
        let source = self.model.sources[at];
        (source != NONE && self.model.kinds[at] != Kind::Source).then_some(source as usize)
    }
}
