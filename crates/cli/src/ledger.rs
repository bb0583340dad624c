//! Which ledger a command is about, which wave of it, and who writes: `--ledger`, else the nearest `.waves/ledger.jsonl`.

use std::env;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use waves_core::analysis::{Root, Scope, select};
use waves_core::config::Day;
use waves_core::error::Error;
use waves_core::graph::Graph;
use waves_core::ledger::{Expectation, FILE_NAME, Ledger, Question, WaveName, WaveStatus, Writer, over_time};
use waves_core::major::{PlanFile, ResolvedPlan};
use waves_core::report::StatusReport;

use crate::args::{LedgerArgs, WaveArgs};
use crate::clock;
use crate::commands::Failure;
use crate::nearest::nearest;

/// Where a ledger is written and looked for.
const DIRECTORY: &str = ".waves";
/// Times that a history has at most: more than a screen shows.
const MOMENTS: usize = 48;
/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The directory of the ledger that is there.
fn directory(typed: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(directory) = typed {
        // Nothing is made where there is none: it may be a slip of the pen.
        let none = || Failure::NoGraph(format!("no {FILE_NAME} in {} (hint: begin one with `waves start PLAN`)", directory.display()));
        return directory.join(FILE_NAME).is_file().then(|| directory.to_owned()).ok_or_else(none);
    }
    nearest_directory()?.ok_or_else(|| {
        Failure::NoGraph(format!(
            "no {DIRECTORY}/{FILE_NAME} here or above (hint: begin one with `waves start PLAN`, or name its directory with --ledger DIR)"
        ))
    })
}

fn nearest_directory() -> Result<Option<PathBuf>, Failure> {
    let file = nearest(&format!("{DIRECTORY}/{FILE_NAME}"), "--ledger DIR")?;
    Ok(file.and_then(|file| file.parent().map(Path::to_owned)))
}

/// Reads the ledger.
pub(crate) fn read(args: &LedgerArgs) -> Result<Ledger, Failure> {
    Ok(Ledger::read(&directory(args.ledger.as_deref())?)?)
}

/// Opens the ledger for `command` to write to.
pub(crate) fn write(args: &LedgerArgs, command: &str) -> Result<Writer, Failure> {
    open(&directory(args.ledger.as_deref())?, command)
}

/// Opens a ledger that need not be there.
pub(crate) fn write_new(typed: Option<&Path>, command: &str) -> Result<Writer, Failure> {
    let directory = match typed {
        Some(directory) => directory.to_owned(),
        None => nearest_directory()?.unwrap_or_else(|| PathBuf::from(DIRECTORY)),
    };
    open(&directory, command)
}

fn open(directory: &Path, command: &str) -> Result<Writer, Failure> {
    let holder = format!("waves {command}, process {}", process::id());
    Ok(Writer::open(directory, &holder, PATIENCE)?)
}

/// Who the user is, for what they decide.
pub(crate) fn user() -> String {
    ["USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok().filter(|name| !name.is_empty())).unwrap_or_else(|| "unknown".to_owned())
}

/// The major wave that a command is about.
pub(crate) fn major(ledger: &Ledger, args: &LedgerArgs) -> Result<u32, Failure> {
    if let Some(major) = args.major {
        return Ok(major);
    }
    let mut open = Vec::new();
    let mut last = None;
    for start in ledger.starts() {
        let waves = names(&ledger.plan(start.major)?);
        last = Some(start.major);
        open.extend(waves.iter().any(|&wave| ledger.closed(wave).is_none()).then_some(start.major));
    }
    match open[..] {
        [only] => Ok(only),
        [] => last
            .ok_or_else(|| Failure::NoGraph(format!("{}: no major wave was started (hint: `waves start PLAN`)", ledger.path().display()))),
        _ => {
            let open: Vec<String> = open.iter().map(u32::to_string).collect();
            Err(Failure::Usage(format!("several major waves are open: {} (hint: name one with --major N)", open.join(", "))))
        }
    }
}

/// The names of a plan's waves.
pub(crate) fn names(plan: &PlanFile) -> Vec<WaveName> {
    plan.waves.iter().filter_map(|wave| WaveName::parse(&wave.name)).collect()
}

/// The wave that a command is about, and the plan that it is of.
pub(crate) fn wave(ledger: &Ledger, args: &LedgerArgs, typed: Option<&str>) -> Result<(WaveName, PlanFile), Failure> {
    let Some(typed) = typed else {
        let plan = ledger.plan(major(ledger, args)?)?;
        let waves = names(&plan);
        let current = waves.iter().copied().find(|&wave| ledger.closed(wave).is_none()).or(waves.last().copied());
        return Ok((current.ok_or_else(|| Failure::Usage("the plan has no wave".to_owned()))?, plan));
    };
    let name = WaveName::parse(typed).ok_or_else(|| Failure::Usage(format!("`{typed}` is no wave: write it as wave-1.3 or 1.3")))?;
    if args.major.is_some_and(|major| major != name.major) {
        return Err(Failure::Usage(format!("{name} is no wave of --major {}", args.major.unwrap_or_default())));
    }
    let plan = ledger.plan(name.major)?;
    plan.wave(&name.to_string())?;
    Ok((name, plan))
}

/// What decides where a wave stands, apart from the ledger.
pub(crate) struct Situation<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) plan: ResolvedPlan,
    scope: Scope,
    today: Day,
    expectation: Expectation,
}

impl<'a> Situation<'a> {
    /// Of a plan in an evaluation, today.
    pub(crate) fn new(graph: &'a Graph, plan: &PlanFile, hydra: bool) -> Result<Self, Failure> {
        let expectation = if hydra { Expectation::OffHydra } else { Expectation::Broken };
        Ok(Self { graph, plan: plan.resolve(graph)?, scope: plan.scope.into(), today: clock::today()?, expectation })
    }

    /// Where a wave stands.
    pub(crate) fn status<'s>(&'s self, ledger: &'s Ledger, wave: WaveName) -> Result<WaveStatus<'s>, Failure> {
        Ok(WaveStatus::new(self.question(ledger), wave)?)
    }

    fn question<'s>(&'s self, ledger: &'s Ledger) -> Question<'s> {
        let Self { graph, plan, scope, today, expectation } = self;
        Question { graph, plan, scope: *scope, ledger, today, expectation: *expectation }
    }

    /// A status with how it came about, and where all waves stand.
    pub(crate) fn with_history(
        &self,
        report: StatusReport,
        ledger: &Ledger,
        wave: WaveName,
        plan: &PlanFile,
    ) -> Result<StatusReport, Failure> {
        let question = self.question(ledger);
        let moments = over_time(question, wave, MOMENTS)?;
        let statuses = names(plan).into_iter().map(|name| WaveStatus::without_roots(question, name)).collect::<Result<Vec<_>, _>>()?;
        Ok(report.with_history(&moments, &statuses))
    }

    /// What a package names; nothing if it does not evaluate.
    pub(crate) fn package(&self, package: &str) -> Result<Vec<Root>, Failure> {
        match select(self.graph, &[package.to_owned()], self.scope, None) {
            Ok(roots) => Ok(roots),
            Err(Error::NotEvaluated { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The day.
    pub(crate) fn today(&self) -> &Day {
        &self.today
    }
}

impl WaveArgs {
    /// The wave that was typed.
    pub(crate) fn typed(&self) -> Option<&str> {
        self.wave.as_deref()
    }
}
