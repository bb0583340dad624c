//! What a package set's policy says of a change: labels, the branch that should take it, and whether it is within.
//!
//! | question | function | cost |
//! |---|---|---|
//! | which names does a change rebuild, by kernel and platform? | [`Names::new`] | O(A log A) for A attributes |
//! | how is its size named? | [`labels`] | O(kernels · buckets) |
//! | which branch should take it? | [`judge_branch`] | O(lines) |
//! | which cause rebuilds most, and what would be left without it? | [`biggest_cause`] | O(V + E of the closure) |
//! | which derivations do limits count? | [`judged_rebuilds`] | O(V + E) |
//! | does the policy protect a name? | [`is_protected`] | O(patterns) |
//! | is it within the policy? | [`judge`] | all of these |
//!
//! Names are counted as nixpkgs' CI does: an attribute path once for all platforms of a kernel.

mod branch;
mod cause;
mod labels;
mod names;
mod patterns;
mod protected;
mod verdict;

pub use branch::{BranchFacts, BranchVerdict, Decision, judge_branch};
pub use cause::{BiggestCause, biggest_cause};
pub use labels::labels;
pub use names::{NameCounts, Names, name_and_platform};
pub use protected::{Fate, is_protected};
pub use verdict::{Circumstances, Finding, Outcome, Reason, Severity, Subject, Verdict, judge, judge_without, judged_rebuilds};
