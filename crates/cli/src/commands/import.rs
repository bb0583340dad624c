//! `waves import`: dumps to a snapshot.

use waves_core::graph::Graph;
use waves_core::ingest::Limits;
use waves_core::report::InfoReport;

use crate::args::{Args, ImportArgs, InfoArgs, SnapshotArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, import: &ImportArgs) -> Result<Verdict, Failure> {
    check(&import.snapshot)?;
    output::require_other(&import.snapshot.output, &import.dumps)?;
    let graph = load::dumps_within(args, &import.dumps, Limits { max_input: import.max_input })?;
    save(args, &graph, &import.snapshot)
}

/// Makes sure that what is in a snapshot can be said, before one is made.
pub(super) fn check(snapshot: &SnapshotArgs) -> Result<(), Failure> {
    output::check::<InfoReport>(&snapshot.info.format)
}

/// Writes a snapshot, and says what is in it.
pub(super) fn save(args: &Args, graph: &Graph, snapshot: &SnapshotArgs) -> Result<Verdict, Failure> {
    graph.write(&snapshot.output)?;
    let InfoArgs { verbose, format, asked } = &snapshot.info;
    if output::is_wanted(args, asked.as_ref()) {
        output::print(&InfoReport::new(graph, format.findings(*verbose)), format)?;
    }
    if !args.quiet {
        output::note(&format!("wrote {}", snapshot.output.display()));
    }
    Ok(Verdict::Fine)
}
