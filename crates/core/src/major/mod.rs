//! A major wave: from a list of updates to minor waves, each of which updates some packages and rebuilds what needs them.
//!
//! | question | file |
//! |---|---|
//! | which updates are wanted? | [`Updates`] |
//! | which can only come together, and in which order? | [`Units`] |
//! | what can no plan be better than? | [`least_rebuilds`] |
//! | where are the waves cut? | [`Cut`], [`Runs`], [`split`] |
//! | what does a pin save, keep and break? | [`Effect`] |
//! | all of it | [`plan`] |
//! | is a plan right, what does it do to a package, what changed? | [`verify`], [`explain`], [`moves`] |
//! | what looks as if it were a group? | [`propose`] |
//! | a plan in a file, found again in an evaluation | [`PlanFile`] |

mod bound;
mod compare;
mod cut;
mod explain;
mod file;
mod pin;
mod plan;
mod price;
mod propose;
mod rework;
mod runs;
mod search;
mod split;
mod unit;
mod updates;
mod verify;

pub(crate) use bound::BOUND_IS_OF;
pub use bound::{least_builds, least_rebuilds};
pub use compare::{Move, moves};
pub use cut::{Cut, MinorWave, Point};
pub(crate) use explain::shortest;
pub use explain::{Hit, HitCause, explain};
pub use file::{
    PlanFile, PlannedBuilds, PlannedEvaluation, PlannedPin, PlannedScope, PlannedTotals, PlannedUpdate, PlannedWave, ResolvedPlan,
    ResolvedUpdate, ResolvedWave,
};
pub use pin::{Conflict, Effect, effects};
pub use plan::{Hold, MajorWave, Options, plan};
pub use price::{Builds, Prices};
pub use propose::{Evidence, Proposal, Thresholds, propose};
pub use rework::rework;
pub use runs::Runs;
pub use search::polish;
pub use split::split;
pub use unit::{Target, Union, Unit, Units, targets, units};
pub use updates::{Update, Updates};
pub use verify::{Flaw, Verified, verify};

/// The name of a minor wave, and of its tag: `wave-1.3` is the third of the first major wave. `at` is counted from 0.
pub fn wave_name(major: u32, at: usize) -> String {
    format!("wave-{major}.{}", at + 1)
}
