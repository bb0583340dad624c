//! How good is the estimate? Commits of many kinds on the package set in `data`, each evaluated by Nix.
//!
//! Nix is looked for on the path; without it the tests say so and pass.

mod commits;
mod estimates;
// What tests of a whole evaluation need more of it is not used here.
#[allow(dead_code)]
#[path = "../shared/nix.rs"]
mod nix;
mod removals;
mod repositories;
mod support;
mod untrusted;
