//! The ledger: a major wave from its plan to its last tag, with real Nix and a real repository; writers that are killed, or that
//! are many; and a ledger that is long.

#[path = "../shared/killing.rs"]
mod killing;
mod load;
// What tests of a whole evaluation need more of it is not used here.
#[allow(dead_code)]
#[path = "../shared/nix.rs"]
mod nix;
mod recorded;
mod refusals;
mod story;
mod support;
mod writers;
