//! What can be done about a vulnerability in a package, side by side: a graft, a rebuild, a second run of the closed waves, or
//! overrides by users. Each has its build time, the time until users have it, the locks that it breaks, what it leaves untested, and
//! preconditions. None is chosen here.

mod precondition;

pub use precondition::{Check, Precondition, State, is_patch_level};

use crate::analysis::{Impact, Root};
use crate::cost::{Costs, Sizes};
use crate::error::Result;
use crate::graph::{Counts, DerivationIx, DerivationSet, Direction, Graph};
use crate::major::ResolvedPlan;
use crate::schedule::{Fleet, simulate};

/// Bytes of store paths that grafts copy in a second, unless it is told otherwise: 100 MiB.
pub const DEFAULT_THROUGHPUT: u64 = 100 << 20;

/// How options are costed.
#[derive(Clone, Copy, Debug)]
pub struct SecurityOptions<'a> {
    /// Who builds.
    pub fleet: &'a Fleet,
    /// Build times and sizes; without build times each derivation takes 1.
    pub costs: Option<&'a Costs<'a>>,
    /// The waves that are closed, in order, and what they locked.
    pub closed: Option<Closed<'a>>,
    /// The version with the fix.
    pub to: Option<&'a str>,
    /// Bytes that grafts copy in a second, at least 1; without build times what they copy is not counted.
    pub throughput: u64,
}

/// The closed waves of a plan: those before `waves`.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    /// The plan in this evaluation.
    pub plan: &'a ResolvedPlan,
    /// How many of its waves are closed.
    pub waves: usize,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Build the package anew, and rewrite references to it in what is built.
    Graft,
    /// Build it and all that depends on it anew, at the head.
    Rebuild,
    /// Run the closed waves again beside themselves, with the fix.
    Duplicate,
    /// Leave it to users, who build what they need.
    Override,
}

/// Everything that can be done, and what it is measured by.
#[derive(Debug)]
pub struct Security<'g> {
    /// What a change of the roots rebuilds.
    pub impact: Impact<'g>,
    /// Closed waves that hold something of it.
    pub waves: Vec<Overlap>,
    /// Updates of closed waves that the change rebuilds, in the order of the plan: the locks that a rebuild breaks.
    pub locks: Vec<String>,
    /// Updates of closed waves.
    pub locked: usize,
    /// The dependents that refer to a root when they run; `None` if no references are known.
    pub runtime: Option<Runtime>,
    /// What a user of one package builds.
    pub users: Users,
    /// The options, in the order of [`Kind`].
    pub options: [Choice; 4],
}

/// What a closed wave and the change have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The wave.
    pub name: String,
    /// What both rebuild.
    pub counts: Counts,
    /// Its cost.
    pub cost: u64,
}

/// Dependents that refer to a root when they run, themselves or through others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Derivations that do.
    pub dependents: usize,
    /// Derivations of which an output's references are not known.
    pub unknown: usize,
    /// Bytes of the outputs that do.
    pub bytes: u64,
}

/// What one user builds who needs one package: over all rebuilt derivations with an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// Derivations with an attribute.
    pub packages: usize,
    /// The cost of what half of them need at most.
    pub median: u64,
    /// The cost of what the dearest needs.
    pub most: u64,
}

/// An option, costed. Costs are seconds of one builder, or builds; times are seconds on the fleet, or as many builds one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Which it is.
    pub kind: Kind,
    /// Whether there is anything to do in this way.
    pub applies: bool,
    /// Derivations that are built centrally, each time that they are.
    pub builds: usize,
    /// What that costs.
    pub cost: u64,
    /// The time until users have it: no schedule is faster.
    pub least_time: u64,
    /// The time until users have it, by a list schedule.
    pub time: u64,
    /// Locks that it breaks.
    pub locks_broken: usize,
    /// The share of the dependents that run with the fix without having been built with it, at the end.
    pub untested: f64,
    /// What must hold.
    pub preconditions: Vec<Precondition>,
    /// The option that is no worse in anything and better in something, and whose preconditions do not fail.
    pub dominated_by: Option<Kind>,
}

/// Costs all options.
///
/// Time O(V + E) and a schedule for each closed wave, O((V + E) log V), and O(R²/512) word operations for R rebuilt derivations.
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn security<'g>(graph: &'g Graph, roots: &[Root], options: &SecurityOptions<'_>) -> Result<Security<'g>> {
    let impact = Impact::new(graph, roots, Direction::Dependents, None, None)?;
    let seconds = |ix: DerivationIx| options.costs.and_then(Costs::model).map_or(1, |model| model.seconds(ix));
    let cost = |set: &DerivationSet| set.iter().map(|ix| u64::from(seconds(ix))).sum::<u64>();
    let times = |set: &DerivationSet| {
        let schedule = simulate(graph, set, seconds, options.fleet);
        (schedule.bounds.lower.div_ceil(1000), schedule.makespan.div_ceil(1000))
    };

    let closed = options.closed.map_or(&[][..], |closed| &closed.plan.waves[..closed.waves.min(closed.plan.waves.len())]);
    let overlaps: Vec<(String, DerivationSet)> = closed
        .iter()
        .map(|wave| {
            let both = impact.rebuilds().iter().filter(|&ix| wave.rebuilds.contains(ix));
            (wave.name.clone(), graph.set_of(both))
        })
        .filter(|(_, both)| !both.is_empty())
        .collect();
    let updates = || closed.iter().flat_map(|wave| &wave.updates);
    let is_broken = |derivations: &[DerivationIx]| derivations.iter().any(|&ix| impact.rebuilds().contains(ix));
    let locks: Vec<String> = updates().filter(|update| is_broken(&update.derivations)).map(|update| update.package.clone()).collect();
    let runtime = options.costs.and_then(Costs::sizes).map(|sizes| runtime(&impact, sizes));
    let users = users(&impact, &seconds);

    // In seconds, which cannot be added to builds.
    let is_timed = options.costs.and_then(Costs::model).is_some();
    let copying = runtime.filter(|_| is_timed).map_or(0, |runtime| runtime.bytes.div_ceil(options.throughput.max(1)));
    let (root_least, root_time) = times(impact.roots());
    let (least, time) = times(impact.rebuilds());
    let (replay_least, replay_time) =
        overlaps.iter().map(|(_, both)| times(both)).fold((0, 0), |sum, wave| (sum.0 + wave.0, sum.1 + wave.1));
    let has_dependents = !impact.dependents().is_empty();
    let checks =
        precondition::Checks { graph, impact: &impact, roots, to: options.to, runtime, closed: options.closed, locks: locks.len() };
    let choice = |kind, applies, builds, cost, (least_time, time), locks_broken, untested| Choice {
        kind,
        applies,
        builds,
        cost,
        least_time,
        time,
        locks_broken,
        untested: if has_dependents { untested } else { 0.0 },
        preconditions: checks.of(kind),
        dominated_by: None,
    };
    let replayed = overlaps.iter().map(|(_, both)| both.len()).sum();
    let replay_cost = overlaps.iter().map(|(_, both)| cost(both)).sum();
    let mut choices = [
        choice(Kind::Graft, true, impact.roots().len(), cost(impact.roots()), (root_least + copying, root_time + copying), 0, 1.0),
        choice(Kind::Rebuild, true, impact.rebuilds().len(), cost(impact.rebuilds()), (least, time), locks.len(), 0.0),
        choice(Kind::Duplicate, !overlaps.is_empty(), replayed, replay_cost, (replay_least, replay_time), 0, 0.0),
        choice(Kind::Override, true, 0, 0, (users.median, users.most), 0, 1.0),
    ];
    mark_dominated(&mut choices);
    let waves = overlaps.into_iter().map(|(name, both)| Overlap { name, counts: graph.counts(&both), cost: cost(&both) }).collect();
    Ok(Security { waves, locks, locked: updates().count(), runtime, users, options: choices, impact })
}

/// Marks what another option is no worse than in cost, time, locks and tests, and better than in one of them.
fn mark_dominated(choices: &mut [Choice; 4]) {
    let measures = |choice: &Choice| [choice.cost as f64, choice.time as f64, choice.locks_broken as f64, choice.untested];
    let is_sound = |choice: &Choice| choice.applies && choice.preconditions.iter().all(|precondition| precondition.state != State::Fails);
    let known: Vec<(Kind, bool, [f64; 4])> = choices.iter().map(|choice| (choice.kind, is_sound(choice), measures(choice))).collect();
    for choice in choices.iter_mut().filter(|choice| choice.applies) {
        let own = measures(choice);
        let better = known.iter().find(|(kind, is_sound, other)| {
            let no_worse = own.iter().zip(other).all(|(own, other)| other <= own);
            let better = own.iter().zip(other).any(|(own, other)| other < own);
            *is_sound && *kind != choice.kind && no_worse && better
        });
        choice.dominated_by = better.map(|(kind, ..)| *kind);
    }
}

/// The dependents with an output that refers to an output of a root, or to an output that does.
fn runtime(impact: &Impact<'_>, sizes: &Sizes) -> Runtime {
    let graph = impact.graph();
    let mut referring: rustc_hash::FxHashSet<_> =
        impact.roots().iter().flat_map(|ix| graph.derivation(ix).outputs()).filter_map(|output| output.hash()).collect();
    let mut runtime = Runtime::default();
    for derivation in impact.dependents().iter().map(|ix| graph.derivation(ix)) {
        let known: Vec<_> = derivation.outputs().map(|output| Some((output.hash()?, sizes.get(output.hash()?)?))).collect();
        let references = known.iter().map(|known| known.and_then(|(_, size)| size.references.as_ref()));
        let refers: Vec<bool> = references.clone().map(|to| to.is_some_and(|to| to.iter().any(|path| referring.contains(path)))).collect();
        runtime.unknown += usize::from(references.clone().any(|references| references.is_none()));
        runtime.dependents += usize::from(refers.contains(&true));
        for (path, size) in known.into_iter().zip(refers).filter(|(_, refers)| *refers).filter_map(|(known, _)| known) {
            referring.insert(path);
            runtime.bytes = runtime.bytes.saturating_add(size.nar);
        }
    }
    runtime
}

/// The cost of what each rebuilt derivation with an attribute needs of what is rebuilt.
fn users(impact: &Impact<'_>, seconds: &dyn Fn(DerivationIx) -> u32) -> Users {
    let graph = impact.graph();
    let own: Vec<[u64; 1]> = impact.rebuilds().iter().map(|ix| [u64::from(seconds(ix))]).collect();
    let sums = graph.dependency_sums(impact.rebuilds(), &own);
    let named = impact.rebuilds().iter().zip(sums).filter(|&(ix, _)| graph.derivation(ix).attributes().len() > 0);
    let mut costs: Vec<u64> = named.map(|(_, [cost])| cost).collect();
    costs.sort_unstable();
    let median = costs.get(costs.len().saturating_sub(1) / 2).copied().unwrap_or(0);
    Users { packages: costs.len(), median, most: costs.last().copied().unwrap_or(0) }
}
