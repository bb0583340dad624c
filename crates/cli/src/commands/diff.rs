//! `waves diff`: what differs between two evaluations, and which changes cause it.

use waves_core::analysis::Diff;
use waves_core::report::DiffReport;

use crate::args::{Args, DiffArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &DiffArgs) -> Result<Verdict, Failure> {
    let (before, after) = (load::evaluation(args, &options.before)?, load::evaluation(args, &options.after)?);
    let diff = Diff::new(&before, &after, options.within);
    output::print(&DiffReport::new(&diff, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
