//! From a rebuild to waves: exact levels, cut into a number of checkpoints that a person can follow.
//!
//! [`plan`] is the main path. [`verify`] checks its result and shares no code with it.

mod level;
mod name;
mod partition;
mod verify;

use std::collections::HashMap;

pub use level::levels;
pub use partition::{Partition, partition};
pub use verify::{Violation, verify};

use crate::analysis::{Change, Impact, Root};
use crate::error::Result;
use crate::graph::{Counts, DerivationIx, DerivationSet, Direction, Graph, Package, PackageIx};

/// Waves that a plan has at most, unless it is told otherwise.
pub const DEFAULT_MAX_WAVES: usize = 12;

/// What a level costs besides its derivations, in derivations.
///
/// A level cannot begin before the one above it has ended, so on `k` builders it takes about `1 + n / k` build times
/// (Graham's bound `W / k + L`); in units of `1 / k` that is `k + n`. This is `k`, the size of a public build farm: it
/// is what makes two dozen bootstrap steps of one derivation each a wave of their own.
pub const LEVEL_WORK: u64 = 100;

/// How a plan is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions<'a> {
    /// Waves at most; at least 1.
    pub max_waves: usize,
    /// Only what is at most this many edges from a root.
    pub depth: Option<usize>,
    /// Only derivations of this system.
    pub system: Option<&'a str>,
}

impl Default for PlanOptions<'_> {
    /// [`DEFAULT_MAX_WAVES`], everything, every system.
    fn default() -> Self {
        Self { max_waves: DEFAULT_MAX_WAVES, depth: None, system: None }
    }
}

/// The order in which a change is rebuilt.
#[derive(Debug)]
pub struct Plan<'g> {
    /// What changes.
    pub roots: Vec<Root>,
    /// What that rebuilds.
    pub impact: Impact<'g>,
    /// Derivations by level: everything that a derivation needs, of what is rebuilt, is in an earlier level. What a system
    /// or a depth leaves out still orders what is kept.
    pub levels: Vec<Vec<DerivationIx>>,
    /// The levels cut into runs.
    pub waves: Vec<Wave>,
    /// Packages that need each other through different derivations, largest cycle first.
    pub cycles: Vec<Cycle>,
}

/// A run of levels, behind which a maintainer stops and looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// What it is about.
    pub name: String,
    /// Its levels, counted from 0.
    pub levels: std::ops::Range<usize>,
    /// What it rebuilds.
    pub counts: Counts,
    /// The packages that are complete with it, in the order of their positions: each package in one wave only.
    pub packages: Vec<PackageIx>,
    /// The packages in it that most depends on, of those with an attribute if there is any; most first.
    pub heaviest: Vec<PackageIx>,
}

/// Packages that cannot be ordered among each other, and the waves that their derivations are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its packages.
    pub packages: Vec<PackageIx>,
    /// Their rebuilt derivations.
    pub derivations: usize,
    /// First and last wave that has one of them, counted from 0.
    pub waves: (usize, usize),
}

/// Packages of a wave that are listed as its heaviest.
const HEAVIEST: usize = 5;

/// Plans the rebuild of `roots`.
///
/// Time O(V + E) for the closure and its levels, O(W · L log L) for the cut of L levels into W waves, and O(W · outputs) to count these;
/// space O(V + W · L).
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn plan<'g>(graph: &'g Graph, roots: Vec<Root>, options: &PlanOptions<'_>) -> Result<Plan<'g>> {
    // 1. What is rebuilt.
    let impact = Impact::new(graph, &roots, Direction::Dependents, options.depth, options.system)?;
    Ok(planned(impact, roots, options.max_waves))
}

/// Plans what a change rebuilds, which may be less than what its causes reach. It costs what [`plan`] does.
pub fn plan_change<'g>(change: &Change<'g>, max_waves: usize) -> Plan<'g> {
    planned(change.impact.clone(), change.causes.clone(), max_waves)
}

fn planned(impact: Impact<'_>, roots: Vec<Root>, max_waves: usize) -> Plan<'_> {
    let graph = impact.graph();
    // 2. In which order: the exact levels.
    let everything = graph.closure(roots.iter().flat_map(|root| root.derivations.iter().copied()), Direction::Dependents);
    let levels = kept(levels(graph, &everything), impact.rebuilds());
    // 3. Where to stop and look: the best cut of the levels.
    let work: Vec<u64> = levels.iter().map(|level| LEVEL_WORK + level.len() as u64).collect();
    let cut = partition(&work, max_waves.max(1));
    // 4. What each wave is about.
    let waves = waves(graph, &levels, &cut);
    // 5. What has no order.
    let cycles = cycles(graph, impact.rebuilds(), &levels, &waves);
    Plan { roots, impact, levels, waves, cycles }
}

/// Levels without what a system, a depth or a comparison leaves out.
fn kept(mut levels: Vec<Vec<DerivationIx>>, rebuilds: &DerivationSet) -> Vec<Vec<DerivationIx>> {
    for level in &mut levels {
        level.retain(|&ix| rebuilds.contains(ix));
    }
    levels.retain(|level| !level.is_empty());
    levels
}

fn waves(graph: &Graph, levels: &[Vec<DerivationIx>], cut: &Partition) -> Vec<Wave> {
    let wave_of_level = |level: usize| cut.runs.iter().position(|run| run.contains(&level)).unwrap_or(0);
    // A package is complete with the last of its derivations.
    let mut complete: HashMap<PackageIx, usize> = HashMap::new();
    for (level, derivations) in levels.iter().enumerate() {
        let wave = wave_of_level(level);
        complete.extend(derivations.iter().map(|&ix| (graph.derivation(ix).package().ix(), wave)));
    }
    let mut packages: Vec<Vec<PackageIx>> = vec![Vec::new(); cut.runs.len()];
    for (package, wave) in complete {
        packages[wave].push(package);
    }
    let wave = |(run, mut packages): (&std::ops::Range<usize>, Vec<PackageIx>)| {
        packages.sort_unstable();
        let members = graph.set_of(levels[run.clone()].iter().flatten().copied());
        let heaviest = heaviest(graph, &members);
        let name = name::name(graph, &members, &heaviest);
        Wave { name, levels: run.clone(), counts: graph.counts(&members), packages, heaviest }
    };
    cut.runs.iter().zip(packages).map(wave).collect()
}

/// The packages of a set that rebuild most; those without an attribute only if there is no other.
fn heaviest(graph: &Graph, members: &DerivationSet) -> Vec<PackageIx> {
    let mut packages: Vec<PackageIx> = members.iter().map(|ix| graph.derivation(ix).package().ix()).collect();
    packages.sort_unstable();
    packages.dedup();
    let is_named = |package: Package<'_>| package.derivations().any(|derivation| derivation.attributes().len() > 0);
    packages.sort_by_cached_key(|&ix| {
        let package = graph.package(ix);
        (!is_named(package), std::cmp::Reverse(package.rebuilt_derivations()), ix)
    });
    packages.truncate(HEAVIEST);
    packages
}

fn cycles(graph: &Graph, members: &DerivationSet, levels: &[Vec<DerivationIx>], waves: &[Wave]) -> Vec<Cycle> {
    let mut wave_of: HashMap<DerivationIx, usize> = HashMap::new();
    for (number, wave) in waves.iter().enumerate() {
        wave_of.extend(levels[wave.levels.clone()].iter().flatten().map(|&ix| (ix, number)));
    }
    let cycle = |packages: Vec<PackageIx>| {
        let derivations = packages.iter().flat_map(|&package| graph.package(package).derivations());
        let in_waves: Vec<usize> = derivations.filter_map(|derivation| wave_of.get(&derivation.ix()).copied()).collect();
        let span = (in_waves.iter().copied().min().unwrap_or(0), in_waves.iter().copied().max().unwrap_or(0));
        Cycle { packages, derivations: in_waves.len(), waves: span }
    };
    graph.package_cycles(members).into_iter().map(cycle).collect()
}
