//! How long a rebuild takes on a number of builders, and how far that can be from the best.
//!
//! | question | function |
//! |---|---|
//! | which builder builds what, and when? | [`simulate`] |
//! | what is no schedule faster, and no list schedule slower than? | [`Bounds`] |
//! | what if a package were cached, or kept its old inputs? | [`without_cached`], [`Graph::rebuilds_past`](crate::graph::Graph::rebuilds_past) |
//!
//! Times are in milliseconds, so that builders of every speed are counted in whole numbers.

mod bounds;
mod fleet;
mod jobs;
mod simulate;
mod what_if;

pub use bounds::Bounds;
pub use fleet::{Builders, Fleet};
pub use jobs::{Impossible, Lacks};
pub use simulate::{Build, Schedule, WaitedFor, simulate};
pub use what_if::without_cached;

/// Milliseconds of an hour.
pub const HOUR: u64 = 3_600_000;
