//! A whole evaluation of Nixpkgs against a naive reading of the same dumps, and Nix itself on the set in `data`.
//!
//! The evaluation is looked for beside the repository, or where `WAVES_NIXPKGS_DATA` says; Nix on the path. What is
//! not there is skipped, and said so.

mod changes;
mod costs;
mod diffs;
mod files;
mod naive;
#[path = "../shared/nix.rs"]
mod nix;
mod notices;
#[cfg(feature = "html")]
mod pages;
mod questions;
mod routes;
mod sketches;
mod store;
mod support;
mod upgrades;
