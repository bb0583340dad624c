//! `waves export`: what is handed over is read by a real shell and a real Nix, and builds what the plan says, once.
//!
//! Nix is looked for on the path; without it the tests say so and pass.

mod expressions;
mod hostile;
mod matrices;
// What other tests need more of it is not used here.
#[allow(dead_code)]
#[path = "../shared/nix.rs"]
mod nix;
mod scripts;
mod support;
