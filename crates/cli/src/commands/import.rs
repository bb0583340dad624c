//! `waves import`: dumps to a snapshot.

use waves_core::report::InfoReport;

use crate::args::{Args, ImportArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, import: &ImportArgs) -> Result<Verdict, Failure> {
    let graph = load::dumps(args, &import.dumps)?;
    graph.write(&import.output)?;
    if !args.quiet {
        let limit = if import.verbose { import.format.limit.unwrap_or(usize::MAX) } else { 0 };
        output::print(&InfoReport::new(&graph, limit), &import.format)?;
        output::note(&format!("wrote {}", import.output.display()));
    }
    Ok(Verdict::Fine)
}
