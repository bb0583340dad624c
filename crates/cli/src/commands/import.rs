//! `waves import`: dumps to a snapshot.

use std::path::Path;

use waves_core::graph::Graph;
use waves_core::report::InfoReport;

use crate::args::{Args, FormatArgs, ImportArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, import: &ImportArgs) -> Result<Verdict, Failure> {
    let graph = load::dumps(args, &import.dumps)?;
    save(args, &graph, &import.output, import.verbose, &import.format)
}

/// Writes a snapshot, and says what is in it.
pub(super) fn save(args: &Args, graph: &Graph, path: &Path, verbose: bool, format: &FormatArgs) -> Result<Verdict, Failure> {
    graph.write(path)?;
    if !args.quiet {
        output::print(&InfoReport::new(graph, format.findings(verbose)), format)?;
        output::note(&format!("wrote {}", path.display()));
    }
    Ok(Verdict::Fine)
}
