//! One file a command.

mod cadence;
mod check;
mod diff;
mod eval;
mod explain;
mod explore;
mod export;
mod generate;
mod groups;
mod history;
mod impact;
mod import;
mod info;
mod next;
mod notify;
mod plan;
mod rank;
mod record;
mod report;
mod request;
mod retry;
mod schema;
mod security;
mod start;
mod status;
mod tables;
mod tag;
mod tests;
mod verify;
mod waive;
mod why;

use std::io;

use waves_core::error::{Diagnostic, Error};

use crate::args::{Args, CheckArgs, Command, HistoryArgs, HistoryCommand, NotifyArgs, PlanArgs};
use crate::exit_code::Verdict;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Core(#[from] Error),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NoGraph(String),
    #[error("{0}")]
    Nix(String),
    #[error(transparent)]
    Cache(#[from] waves_substituter::Error),
    #[error("cannot write the result: {0}")]
    Write(io::Error),
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
}

impl Failure {
    /// It in parts.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Core(error) => error.diagnostic(),
            other => Diagnostic::of_message(&other.to_string()),
        }
    }
}

/// Makes sure that what --graph names is read. The environment names a graph for all commands: it is left where none is.
fn check_graph(args: &Args) -> Result<(), Failure> {
    let hint = match &args.command {
        Command::Import(_) | Command::Eval(_) => "-o FILE names the snapshot that is written",
        Command::Diff(_) => "name both evaluations: `waves diff BEFORE AFTER`",
        Command::Check(CheckArgs { change, .. }) | Command::Notify(NotifyArgs { change, .. }) if !change.evaluations.is_empty() => {
            "BEFORE and AFTER are the evaluations"
        }
        Command::Plan(PlanArgs { command: Some(_), .. }) | Command::Start(_) => "plans are read, and no evaluation",
        Command::History(HistoryArgs { command: HistoryCommand::Add(_) }) => "name evaluations behind the history",
        Command::History(_) => "a history has its evaluations in it",
        Command::Completions { .. } | Command::Man { .. } | Command::Schema { .. } => "no evaluation is read",
        _ => return Ok(()),
    };
    if args.graph.is_empty() { Ok(()) } else { Err(Failure::Usage(format!("--graph has no meaning here (hint: {hint})"))) }
}

/// Runs the command that was typed.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    check_graph(args)?;
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global();
        pool.map_err(|error| Failure::Usage(format!("--threads {threads}: {error}")))?;
    }
    match &args.command {
        Command::Import(import) => import::run(args, import),
        Command::Eval(eval) => eval::run(args, eval),
        Command::Info(info) => info::run(args, info),
        Command::Impact(impact) => impact::run(args, impact),
        Command::Diff(diff) => diff::run(args, diff),
        Command::Check(check) => check::run(args, check),
        Command::Rank(rank) => rank::run(args, rank),
        Command::Why(why) => why::run(args, why),
        Command::Plan(plan) => plan::run(args, plan),
        Command::Notify(notify) => notify::run(args, notify),
        Command::Verify(verify) => verify::run(args, verify),
        Command::Explain(explain) => explain::run(args, explain),
        Command::Groups(groups) => groups::run(args, groups),
        Command::Export(export) => export::run(args, export),
        Command::Tests(tests) => tests::run(args, tests),
        Command::Cadence(cadence) => cadence::run(args, cadence),
        Command::Security(security) => security::run(args, security),
        Command::History(history) => history::run(args, &history.command),
        Command::Tables(tables) => tables::run(args, tables),
        Command::Report(report) => report::run(args, report),
        Command::Start(start) => start::run(start),
        Command::Record(record) => record::run(args, record),
        Command::Status(status) => status::run(args, status),
        Command::Next(next) => next::run(args, next),
        Command::Waive(waive) => waive::run(args, waive),
        Command::Retry(retry) => retry::run(args, retry),
        Command::Tag(tag) => tag::run(args, tag),
        Command::Request(request) => request::run(args, request),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Explore(explore) => explore::run(args, explore),
        Command::Man { all: Some(directory), .. } => generate::manual(directory),
        Command::Man { command, all: None } => generate::man(command),
        Command::Schema { name, format } => schema::run(name.as_deref(), *format),
    }
}
