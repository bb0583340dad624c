//! `waves eval`: Nix evaluates, its store is read.

use crate::args::{Args, EvalArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;

pub(crate) fn run(_args: &Args, _eval: &EvalArgs) -> Result<Verdict, Failure> {
    Err(Failure::Nix("not written yet".to_owned()))
}
