//! Questions to a graph: what a selector names, what it rebuilds, why, and what rebuilds most.
//!
//! | question | function | cost |
//! |---|---|---|
//! | which derivations does `glibc` name? | [`select`] | O(V) |
//! | what does a change rebuild? | [`Impact::new`] | O(V + E of the closure) |
//! | why does one rebuild the other? | [`Why::new`] | O(V + E of the closure) |
//! | what rebuilds most? | [`rank`] | O(P log P): the closures were counted at import |
//! | what has `ssl` in its name? | [`find`] | O(V + A), and the order of what is found |

mod change;
mod diff;
mod find;
mod impact;
mod rank;
mod select;
mod why;

pub use crate::graph::Counts;
pub use change::{AttributeChanges, AttributeName, Change};
pub use diff::{Cause, Diff, Doubt, Reach, Reason};
pub use find::{Found, find};
pub(crate) use impact::built_for;
pub use impact::{Excluded, Impact, require_edges};
pub use rank::{RankOptions, RankOrder, rank};
pub use select::{Root, Scope, require_system, select};
pub(crate) use select::{SUGGESTED, find_roots, path_glob, similar};
pub use why::{Link, Why};
