//! The plan of a major wave.

use std::collections::HashSet;

use rayon::prelude::*;

use super::bound::{least_builds, least_rebuilds};
use super::cut::{Cut, Material, MinorWave, Point, union};
use super::pin::{Effect, effects};
use super::price::{Builds, Prices};
use super::search::polish;
use super::unit::{Target, Units, targets, units};
use super::updates::{Update, Updates};
use crate::analysis::{Scope, require_edges, select};
use crate::config::{AttributePattern, Day, Group, Pin};
use crate::cost::Costs;
use crate::error::{Error, Result};
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// How a major wave is planned.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// How much an update takes in.
    pub scope: Scope,
    /// The system whose packages are updated and pinned, if only one. What they rebuild is counted on all.
    pub system: Option<&'a str>,
    /// Packages that are updated together.
    pub groups: &'a [Group],
    /// Packages that keep their inputs.
    pub pins: &'a [Pin],
    /// The file that says so, as errors call it.
    pub config: &'a str,
    /// Attribute sets of which everything holds one version of each package.
    pub one_version: &'a [AttributePattern],
    /// The day on which it is planned; a pin that ended before does not hold.
    pub today: Option<&'a Day>,
    /// Where the waves are cut.
    pub cut: Cut,
}

/// A major wave: updates in the order in which they are taken.
#[derive(Debug)]
pub struct MajorWave<'g> {
    /// The graph that it was planned on.
    pub graph: &'g Graph,
    /// The updates that are taken.
    pub targets: Vec<Target>,
    /// The updates that are left out, and why.
    pub skipped: Vec<(Update, String)>,
    /// Entries of the list that are no update, by why not.
    pub passed_over: Vec<(String, usize)>,
    /// How much an update takes in.
    pub scope: Scope,
    /// The system that packages were looked for in, if only one.
    pub system: Option<String>,
    /// What keeps its inputs.
    pub holds: Vec<Hold>,
    /// What becomes of the plan because of each that holds.
    pub effects: Vec<Effect>,
    /// What is never rebuilt.
    pub held: DerivationSet,
    /// The updates by what can only come together, and their levels.
    pub units: Units,
    /// What each unit rebuilds by itself.
    pub unit_builds: Vec<Builds>,
    /// Units that local search moved to a later level, because less is built then.
    pub moved: usize,
    /// The minor waves.
    pub waves: Vec<MinorWave>,
    /// All waves together.
    pub totals: Builds,
    /// What any plan builds at least that keeps each level apart.
    pub lower_bound: Builds,
    /// The fewest waves of such a plan.
    pub least_waves: usize,
    /// Each unit in a wave of its own.
    pub one_at_a_time: Builds,
    /// Everything in one wave.
    pub all_at_once: Builds,
    /// The best contiguous cut into each number of waves.
    pub frontier: Vec<Point>,
    /// Whether build times are known.
    pub is_timed: bool,
}

/// A pin, and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// The package, as `--root` names it.
    pub package: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Day>,
    /// Its derivations; none if it is over.
    pub derivations: Vec<DerivationIx>,
    /// Whether it ended before the plan was made: then it does not hold.
    pub is_over: bool,
}

/// Plans a major wave.
///
/// Time O(U · (V + E)) at worst for what each of U units rebuilds by itself, over all cores, and O(V · L + L³) for L levels;
/// space O(U · V / 8) bytes.
///
/// # Errors
///
/// [`Error::UnknownUpdates`], for pins of the list too; [`Error::Malformed`] if a pin of the configuration names nothing;
/// [`Error::Infeasible`] if no cut keeps within its limit; [`Error::NoEdges`].
pub fn plan<'g>(graph: &'g Graph, list: &Updates, costs: Option<&Costs<'_>>, options: &Options<'_>) -> Result<MajorWave<'g>> {
    require_edges(graph)?;
    let prices = Prices::new(graph, costs);
    // 1. What is updated, what is left out, and what keeps its inputs.
    let (taken, mut skipped, repeated) = sift(list);
    let mut passed_over = list.passed_over.clone();
    passed_over.extend((repeated > 0).then(|| ("the list has the package already".to_owned(), repeated)));
    let holds = holds(graph, list, options)?;
    let held = graph.set_of(holding(&holds).flat_map(|hold| hold.derivations.iter().copied()));
    let (pinned, targets): (Vec<_>, Vec<_>) = targets(graph, &taken, options.scope, options.system)?
        .into_iter()
        .partition(|target| target.derivations.iter().any(|&ix| held.contains(ix)));
    let why = |target: &Target| holding(&holds).find(|hold| target.derivations.iter().any(|ix| hold.derivations.contains(ix)));
    skipped.extend(pinned.into_iter().map(|target| {
        let reason = why(&target).map_or_else(String::new, |hold| format!("pinned: {}", hold.reason));
        (target.update, reason)
    }));
    // 2. What can only come together, and at which level.
    let mut units = units(graph, &targets, options.groups, &held);
    let least = least_rebuilds(graph, &units, &held);
    let lower_bound = least_builds(&prices, graph, &least);
    let least_waves = units.level_count();
    // 3. What each unit rebuilds by itself; where the levels build more than they must, some units move.
    let alone: Vec<DerivationSet> =
        units.units.par_iter().map(|unit| graph.rebuilds_past(unit.derivations.iter().copied(), &held)).collect();
    let unit_builds: Vec<Builds> = alone.par_iter().map(|set| prices.set(set)).collect();
    let moved = if prices.weight(level_builds(graph, &prices, &units, &alone)) > prices.weight(lower_bound) {
        polish(graph, &prices, &mut units, &alone)
    } else {
        0
    };
    // 4. Where to cut, and the waves.
    let material = Material { graph, prices: &prices, targets: &targets, units: &units, alone: &alone, held: &held, builds: &unit_builds };
    let (waves, frontier) = material.cut(options.cut)?;
    let totals = waves.iter().map(|wave| wave.builds).sum();
    let mut planned = MajorWave {
        graph,
        passed_over,
        scope: options.scope,
        system: options.system.map(str::to_owned),
        effects: Vec::new(),
        one_at_a_time: unit_builds.iter().copied().sum(),
        all_at_once: prices.set(&union(graph, &alone, &(0..alone.len()).collect::<Vec<_>>())),
        is_timed: prices.is_timed(),
        targets,
        skipped,
        holds,
        held,
        units,
        unit_builds,
        moved,
        waves,
        totals,
        lower_bound,
        least_waves,
        frontier,
    };
    // 5. What pins are worth.
    planned.effects = effects(&planned, &prices, options.one_version);
    Ok(planned)
}

/// Updates that are taken; those that are not, and why; and how many name a package that is taken already.
fn sift(list: &Updates) -> (Vec<Update>, Vec<(Update, String)>, usize) {
    let (mut taken, mut skipped, mut repeated): (Vec<Update>, _, _) = (Vec::new(), Vec::new(), 0);
    let mut names: HashSet<&str> = HashSet::new();
    for update in &list.updates {
        match (&update.skip, &update.pin) {
            (Some(why), _) => skipped.push((update.clone(), why.clone())),
            (None, Some(why)) => skipped.push((update.clone(), format!("pinned: {why}"))),
            (None, None) if names.insert(&update.package) => taken.push(update.clone()),
            (None, None) => repeated += 1,
        }
    }
    (taken, skipped, repeated)
}

/// Pins of the configuration and of the list. What one that is over is of may have gone since, and is not looked for.
fn holds(graph: &Graph, list: &Updates, options: &Options<'_>) -> Result<Vec<Hold>> {
    let find = |package: &String| -> Result<Vec<DerivationIx>> {
        let roots = select(graph, std::slice::from_ref(package), options.scope, options.system)?;
        Ok(roots.into_iter().flat_map(|root| root.derivations).collect())
    };
    let configured = |pin: &Pin| -> Result<Hold> {
        let is_over = options.today.is_some_and(|today| pin.until < *today);
        let derivations = if is_over { Ok(Vec::new()) } else { find(&pin.package) };
        let derivations = derivations.map_err(|error| Error::Malformed {
            input: options.config.to_owned(),
            place: "key `pins`".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Hold { package: pin.package.clone(), reason: pin.reason.clone(), until: Some(pin.until.clone()), derivations, is_over })
    };
    let mut holds = options.pins.iter().map(configured).collect::<Result<Vec<Hold>>>()?;
    let mut unknown = Vec::new();
    for (update, reason) in list.updates.iter().filter_map(|update| Some((update, update.pin.as_ref()?))) {
        match find(&update.package) {
            Ok(derivations) => {
                let (package, reason) = (update.package.clone(), reason.clone());
                holds.push(Hold { package, reason, until: None, derivations, is_over: false });
            }
            Err(error) => unknown.push(format!("pinned: {error}")),
        }
    }
    if unknown.is_empty() { Ok(holds) } else { Err(Error::UnknownUpdates { updates: unknown }) }
}

/// Pins that have not ended.
pub(super) fn holding(holds: &[Hold]) -> impl Iterator<Item = &Hold> {
    holds.iter().filter(|hold| !hold.is_over)
}

/// What the levels build, each a wave.
fn level_builds(graph: &Graph, prices: &Prices, units: &Units, alone: &[DerivationSet]) -> Builds {
    let mut levels: Vec<Vec<usize>> = vec![Vec::new(); units.level_count()];
    for (unit, &level) in units.levels.iter().enumerate() {
        levels[level].push(unit);
    }
    levels.par_iter().map(|level| prices.set(&union(graph, alone, level))).sum()
}
