//! The stages, from a seed to answers.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};
use waves_core::analysis::{Diff, Impact, RankOptions, Root, rank};
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::graph::{Direction, Graph, Package, Precision};
use waves_core::ingest::Input;
use waves_core::major::{self, Updates};
use waves_core::plan::{PlanOptions, plan};
use waves_core::progress::Progress;
use waves_synthetic::Synthetic;

use crate::Measured;

pub(crate) type Failure = Box<dyn Error>;

/// Rounds of estimates: standard errors of 13 % and 6 %.
const ROUNDS: [usize; 2] = [64, 256];
/// Of what is not fixed, how much differs in the set that is compared.
const REVISED: f64 = 0.01;
/// Derivations for each update of a list: that of nixpkgs 24.11 would have 240.
const DERIVATIONS_PER_UPDATE: usize = 1_000;

const DUMPS: [&str; 2] = ["derivations.json.zst", "eval-jobs.jsonl.zst"];
const REVISED_DUMPS: [&str; 2] = ["revised-derivations.json.zst", "revised-eval-jobs.jsonl.zst"];
const GRAPH: &str = "graph.waves";
const REVISED_GRAPH: &str = "revised.waves";
const DURATIONS: &str = "durations.csv";
const UPDATES: &str = "updates.csv";

/// What is measured, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Model and dumps
    Generate,
    /// Dumps to a snapshot
    Import,
    /// Map a snapshot, and check it
    Open,
    /// Sizes of the closures of all derivations
    Counts,
    /// Build times of the closures of all packages
    Hours,
    /// The same by estimate
    Estimate,
    /// What the largest hub rebuilds
    Impact,
    /// Its plan
    Plan,
    /// A major wave
    Updates,
    /// Packages by what they rebuild, as counted at the import
    Rank,
    /// Another set, of which a hundredth differs
    Revise,
    /// What differs
    Diff,
}

impl Stage {
    /// Those that were asked for, else all.
    pub(crate) fn all(only: &[Self]) -> Vec<Self> {
        let is_asked = |stage: &&Self| only.is_empty() || only.contains(stage);
        Self::value_variants().iter().filter(is_asked).copied().collect()
    }

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Does it in this process.
    pub(crate) fn run(self, directory: &Path, size: usize, seed: u64, of_cores: bool) -> Result<Measured, Failure> {
        let mut clock = Clock::new(of_cores);
        match self {
            Self::Generate => generate(&mut clock, directory, size, seed)?,
            Self::Import => import(&mut clock, directory, DUMPS, GRAPH)?,
            Self::Revise => revise(directory, size, seed)?,
            _ => self.ask(&mut clock, directory)?,
        }
        Ok(Measured { parts: clock.parts, peak: peak(), sizes: clock.sizes })
    }

    /// Questions to a snapshot.
    fn ask(self, clock: &mut Clock, directory: &Path) -> Result<(), Failure> {
        let open = || Graph::open(&directory.join(GRAPH));
        if self == Self::Open {
            return Ok(clock.time("open", || open().map(drop))?);
        }
        let graph = open()?;
        let hub = || vec![hub(&graph)];
        match self {
            Self::Counts => drop(clock.time("counts", || graph.recount_closures())),
            Self::Hours => {
                let costs = costs(&graph, directory)?;
                let packages: Vec<Package<'_>> = graph.packages().collect();
                drop(clock.time("hours", || costs.closures(&packages)));
            }
            Self::Estimate => {
                let costs = costs(&graph, directory)?;
                for rounds in ROUNDS {
                    drop(clock.time(&format!("estimate: {rounds} rounds"), || costs.estimate_closures(Precision::of_rounds(rounds))));
                }
            }
            Self::Impact => drop(clock.time("impact", || Impact::new(&graph, &hub(), Direction::Dependents, None, None))?),
            Self::Plan => drop(clock.time("plan", || plan(&graph, hub(), &PlanOptions::default()))?),
            Self::Updates => {
                let (costs, updates) = (costs(&graph, directory)?, Updates::read(&directory.join(UPDATES))?);
                clock.sizes.push(("updates".to_owned(), updates.updates.len() as u64));
                drop(clock.time("updates", || major::plan(&graph, &updates, Some(&costs), &major::Options::default()))?);
            }
            Self::Rank => drop(clock.time("rank", || rank(&graph, RankOptions::default()))?),
            Self::Diff => {
                let revised = Graph::open(&directory.join(REVISED_GRAPH))?;
                drop(clock.time("diff", || Diff::new(&graph, &revised, false)));
            }
            Self::Generate | Self::Import | Self::Open | Self::Revise => {}
        }
        Ok(())
    }
}

fn now_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Times, and sizes that were come across.
struct Clock {
    /// Seconds so far, of the clock or of all cores.
    now: fn() -> f64,
    parts: Vec<(String, f64)>,
    sizes: Vec<(String, u64)>,
}

impl Clock {
    fn new(of_cores: bool) -> Self {
        Self {
            now: if of_cores { || now_of(ClockId::ProcessCPUTime) } else { || now_of(ClockId::Monotonic) },
            parts: Vec::new(),
            sizes: Vec::new(),
        }
    }

    fn time<T>(&mut self, part: &str, work: impl FnOnce() -> T) -> T {
        let start = (self.now)();
        let done = work();
        self.parts.push((part.to_owned(), (self.now)() - start));
        done
    }
}

fn generate(clock: &mut Clock, directory: &Path, size: usize, seed: u64) -> Result<(), Failure> {
    let set = clock.time("generate: model", || Synthetic::new(size, seed));
    clock.time("generate: write", || -> Result<(), Failure> {
        dumps(&set, directory, DUMPS)?;
        set.write_durations(BufWriter::new(File::create(directory.join(DURATIONS))?))?;
        Ok(set.write_updates(size.div_ceil(DERIVATIONS_PER_UPDATE), BufWriter::new(File::create(directory.join(UPDATES))?))?)
    })
}

fn dumps(set: &Synthetic, directory: &Path, [derivations, names]: [&str; 2]) -> io::Result<()> {
    compressed(&directory.join(derivations), |out| set.write_derivations(out))?;
    compressed(&directory.join(names), |out| set.write_eval_jobs(out))
}

fn compressed(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(File::create(path)?, 1)?;
    write(&mut encoder)?;
    encoder.finish()?.sync_all()
}

fn import(clock: &mut Clock, directory: &Path, dumps: [&str; 2], snapshot: &str) -> Result<(), Failure> {
    let phases = Phases { now: clock.now, begun: Mutex::default() };
    let inputs = dumps.map(|dump| Input::Path(directory.join(dump)));
    let graph = Graph::import(&inputs, &phases)?;
    phases.begin("", None);
    clock.parts = phases.parts();
    clock.time("import: write", || graph.write(&directory.join(snapshot)))?;
    if let Some((kind, _)) = graph.findings().iter().next() {
        return Err(format!("the set is not sound: {kind:?}").into());
    }
    let sizes = [
        ("derivations", graph.derivation_count() as u64),
        ("edges", graph.edge_count() as u64),
        ("rebuild edges", graph.rebuild_edge_count() as u64),
        ("snapshot", graph.snapshot_bytes() as u64),
    ];
    clock.sizes = sizes.map(|(name, size)| (name.to_owned(), size)).to_vec();
    Ok(())
}

/// Not measured: it is generation and import once more.
fn revise(directory: &Path, size: usize, seed: u64) -> Result<(), Failure> {
    let mut set = Synthetic::new(size, seed);
    set.revise(REVISED);
    dumps(&set, directory, REVISED_DUMPS)?;
    drop(set);
    import(&mut Clock::new(false), directory, REVISED_DUMPS, REVISED_GRAPH)
}

fn costs<'g>(graph: &'g Graph, directory: &Path) -> Result<Costs<'g>, Failure> {
    let durations = Durations::read(&[directory.join(DURATIONS)])?;
    Ok(Costs::new(graph, Sources { durations: Some(durations), ..Sources::default() })?)
}

/// The package that rebuilds most.
fn hub(graph: &Graph) -> Root {
    let largest = graph.packages().max_by_key(|package| (package.rebuilt_derivations(), std::cmp::Reverse(package.ix())));
    let derivations: Vec<_> = largest.into_iter().flat_map(|package| package.derivations()).map(|derivation| derivation.ix()).collect();
    let face = derivations[0];
    Root { selector: graph.derivation(face).label().to_owned(), face, derivations }
}

/// When each phase of an import began.
struct Phases {
    now: fn() -> f64,
    begun: Mutex<Vec<(String, f64)>>,
}

impl Progress for Phases {
    fn begin(&self, phase: &str, _total: Option<u64>) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push((phase.to_owned(), (self.now)()));
    }

    fn advance(&self, _steps: u64) {}
}

impl Phases {
    /// How long each took; all dumps are read in one.
    fn parts(self) -> Vec<(String, f64)> {
        let phases = self.begun.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut parts: Vec<(String, f64)> = Vec::new();
        for pair in phases.windows(2) {
            let name = format!("import: {}", pair[0].0.split(' ').next().unwrap_or_default());
            let seconds = pair[1].1 - pair[0].1;
            match parts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += seconds,
                None => parts.push((name, seconds)),
            }
        }
        parts
    }
}

/// Peak of resident memory of this process in bytes; 0 where the system does not say.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
