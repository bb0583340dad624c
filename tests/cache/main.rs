//! Asking binary caches: over HTTP on loopback, where the server is slow, fails and lies; and what real Nix makes.

mod answers;
mod binary;
mod failures;
mod kept;
#[path = "../shared/killing.rs"]
mod killing;
mod nix;
mod server;
mod support;
