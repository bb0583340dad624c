//! `waves history`: many evaluations in one file.

use std::path::Path;
use std::time::Duration;

use waves_core::analysis::{Scope, require_edges};
use waves_core::history::{History, Writer};
use waves_core::report::{HistoryRebuildsReport, HistoryReport};

use crate::args::{Args, HistoryAddArgs, HistoryCommand, HistoryListArgs, HistoryRebuildsArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{clock, load, output};

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run(args: &Args, command: &HistoryCommand) -> Result<Verdict, Failure> {
    match command {
        HistoryCommand::Add(add) => run_add(args, add),
        HistoryCommand::List(list) => run_list(list),
        HistoryCommand::Rebuilds(rebuilds) => run_rebuilds(rebuilds),
    }
}

fn run_add(args: &Args, options: &HistoryAddArgs) -> Result<Verdict, Failure> {
    output::check::<HistoryReport>(&options.format)?;
    if options.label.is_some() && options.evaluations.len() > 1 {
        return Err(Failure::Usage("--label is of one evaluation (hint: add them one by one, each with its own)".to_owned()));
    }
    let time = options.time.map_or_else(clock::now, Ok)?;
    let mut opened: Option<(Writer, usize)> = None;
    for evaluation in &options.evaluations {
        let added = add(args, options, evaluation, time, &mut opened);
        if let (Err(_), Some((writer, first))) = (&added, &opened) {
            let count = writer.history().evaluations().len() - first;
            output::note(&format!("{count} of {} evaluations were added before this failed", options.evaluations.len()));
        }
        added?;
    }
    if let Some((writer, first)) = opened.filter(|_| output::is_wanted(args, options.asked.as_ref())) {
        output::print(&HistoryReport::new(writer.history(), first, options.format.limit()), &options.format)?;
    }
    Ok(Verdict::Fine)
}

/// Adds an evaluation; the history is opened once the first is read, so that others need not wait for that.
fn add(args: &Args, options: &HistoryAddArgs, evaluation: &Path, time: u64, opened: &mut Option<(Writer, usize)>) -> Result<(), Failure> {
    let graph = load::evaluation(args, evaluation)?;
    require_edges(&graph)?;
    let label = options.label.clone().unwrap_or_else(|| graph.digest());
    let (writer, _) = if let Some(opened) = opened {
        opened
    } else {
        let writer = Writer::open(&options.history, PATIENCE)?;
        let first = writer.history().evaluations().len();
        opened.insert((writer, first))
    };
    output::cut_off_history(writer.append(&label, time, &graph)?.cut_off_bytes);
    Ok(())
}

fn run_list(options: &HistoryListArgs) -> Result<Verdict, Failure> {
    let history = History::open(&options.history)?;
    output::print(&HistoryReport::new(&history, 0, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}

fn run_rebuilds(options: &HistoryRebuildsArgs) -> Result<Verdict, Failure> {
    let history = History::open(&options.history)?;
    let scope = if options.root.exact { Scope::Exact } else { Scope::Package };
    let rebuilds = history.rebuilds(&options.root.roots, scope)?;
    output::print(&HistoryRebuildsReport::new(&history, &options.root.roots, &rebuilds, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
