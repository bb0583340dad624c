//! `waves info`: what a snapshot is made of.

use waves_core::report::InfoReport;

use crate::args::{Args, InfoArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, info: &InfoArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    output::print(&InfoReport::new(&graph, info.format.findings(info.verbose)), &info.format)?;
    Ok(Verdict::Fine)
}
