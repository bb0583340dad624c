//! A major wave: from a list of updates to minor waves, each of which updates some packages and rebuilds what needs them.
//!
//! | question | file |
//! |---|---|
//! | which updates are wanted? | [`Updates`] |
//! | which can only come together, and in which order? | [`Units`] |
//! | a plan in a file, found again in an evaluation | [`PlanFile`] |

mod file;
mod unit;
mod updates;

pub use file::{
    PlanFile, PlannedBuilds, PlannedEvaluation, PlannedPin, PlannedScope, PlannedTotals, PlannedUpdate, PlannedWave, ResolvedPlan,
    ResolvedUpdate, ResolvedWave,
};
pub use unit::{Target, Union, Unit, Units, targets, units};
pub use updates::{Update, Updates};
