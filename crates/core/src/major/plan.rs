//! The plan of a major wave.

use std::cmp::Ordering;
use std::ops::Range;

use rayon::prelude::*;

use super::bound::{least_builds, least_rebuilds};
use super::pin::{Effect, effects};
use super::price::{Builds, Prices};
use super::rework::rework;
use super::runs::Runs;
use super::search::polish;
use super::split::split;
use super::unit::{Target, Unit, Units, targets, units};
use super::updates::{Update, Updates};
use crate::analysis::{Scope, require_edges, select};
use crate::config::{AttributePattern, Day, Group, Pin};
use crate::cost::Costs;
use crate::error::{Error, Result};
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// Where the waves are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cut {
    /// Each level is a wave: no wave holds two updates of which one rebuilds the other.
    #[default]
    Levels,
    /// As many waves as there may be, which build least.
    MaxWaves(usize),
    /// As many waves as keep all builds together within this many seconds of one builder.
    MaxSeconds(u64),
    /// Levels, of which those that take longer on one builder are taken apart.
    MaxWaveSeconds(u64),
    /// The waves that build least, if finding what broke is built too.
    Risk {
        /// The probability that an update of which nothing is said breaks what it rebuilds.
        probability: f64,
        /// What a wave costs besides its builds, in seconds of one builder (in derivations where no build times are known).
        wave: u64,
    },
}

/// How a major wave is planned.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// How much an update takes in.
    pub scope: Scope,
    /// Only what was evaluated for this system.
    pub system: Option<&'a str>,
    /// Packages that are updated together.
    pub groups: &'a [Group],
    /// Packages that keep their inputs.
    pub pins: &'a [Pin],
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
    /// Its derivations.
    pub derivations: Vec<DerivationIx>,
    /// Whether it ended before the plan was made: then it does not hold.
    pub is_over: bool,
}

/// A minor wave.
#[derive(Clone, Debug)]
pub struct MinorWave {
    /// Its units, what rebuilds most first; those of larger urgency, and then weight, before others.
    pub units: Vec<usize>,
    /// The levels that it takes in, from 0.
    pub levels: Range<usize>,
    /// What it rebuilds.
    pub rebuilds: DerivationSet,
    /// What that costs.
    pub builds: Builds,
    /// What its levels would cost one by one.
    pub apart: Builds,
    /// What an earlier wave of the same level rebuilds too: what taking the level apart costs.
    pub again: Builds,
    /// Updates of the wave that rebuild a derivation, on average over the derivations that it rebuilds: those that are suspected
    /// if it breaks.
    pub suspects: f64,
}

/// A plan of some number of waves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Waves.
    pub waves: usize,
    /// What they build.
    pub builds: Builds,
    /// The expected work of finding what broke, in seconds (or derivations); 0 if no risk was said.
    pub rework: f64,
    /// Whether the curve bends most here: from here on, waves cost much and fewer waves save little.
    pub is_knee: bool,
}

/// Plans a major wave.
///
/// Time O(U · (V + E)) at worst for what each of U units rebuilds by itself, over all cores, and O(V · L + L³) for L levels;
/// space O(U · V / 8) bytes.
///
/// # Errors
///
/// [`Error::UnknownUpdates`]; those of [`select`] for pins; [`Error::Infeasible`] if no cut keeps within its limit;
/// [`Error::NoEdges`].
pub fn plan<'g>(graph: &'g Graph, list: &Updates, costs: Option<&Costs<'_>>, options: &Options<'_>) -> Result<MajorWave<'g>> {
    require_edges(graph)?;
    let prices = Prices::new(graph, costs);
    // 1. What is updated, what is left out, and what keeps its inputs.
    let (taken, mut skipped) = sift(list);
    let holds = holds(graph, list, options)?;
    let held = DerivationSet::from_members(graph.derivation_count(), holding(&holds).flat_map(|hold| hold.derivations.iter().copied()));
    let (pinned, targets): (Vec<_>, Vec<_>) = targets(graph, &taken, options.scope, options.system)?
        .into_iter()
        .partition(|target| target.derivations.iter().any(|&ix| held.contains(ix)));
    skipped.extend(pinned.into_iter().map(|target| (target.update, "pinned by waves.toml".to_owned())));
    // 2. What can only come together, and at which level.
    let mut units = units(graph, &targets, options.groups, &held);
    let least = least_rebuilds(graph, &units, &held);
    let lower_bound = least_builds(&prices, graph, &least);
    let least_waves = level_count(&units);
    // 3. What each unit rebuilds by itself; where the levels build more than they must, some units move.
    let alone: Vec<DerivationSet> =
        units.units.par_iter().map(|unit| graph.rebuilds_past(unit.derivations.iter().copied(), &held)).collect();
    let unit_builds: Vec<Builds> = alone.par_iter().map(|set| prices.set(set)).collect();
    let moved = if prices.weight(level_builds(graph, &prices, &units, &held)) > prices.weight(lower_bound) {
        polish(graph, &prices, &mut units, &alone)
    } else {
        0
    };
    // 4. Where to cut.
    let order = |a: usize, b: usize| first(&prices, &targets, &units, &unit_builds, a, b);
    let steps = steps(&prices, &units, &alone, options.cut, order);
    let rebuilds: Vec<DerivationSet> = steps.par_iter().map(|step| union(graph, &alone, &step.units)).collect();
    let is_alone: Vec<bool> = steps.iter().map(|step| step.is_alone).collect();
    let mut runs = Runs::new(&prices, &rebuilds, &is_alone);
    if let Cut::Risk { probability, .. } = options.cut {
        let of_step: Vec<Vec<usize>> = steps.iter().map(|step| step.units.clone()).collect();
        let risks: Vec<f64> = units.units.iter().map(|unit| risk(&targets, unit, probability)).collect();
        runs = runs.with_rework(rework(graph, &prices, &units.units, &of_step, &rebuilds, &risks));
    }
    let cuts = runs.cuts(&prices);
    let frontier = frontier(&prices, &runs, &cuts);
    let chosen = choose(&prices, &frontier, &cuts, options.cut)?;
    // 5. The waves.
    let waves = waves(graph, &prices, &targets, &units, &alone, &unit_builds, &steps, &runs, chosen);
    let totals = waves.iter().map(|wave| wave.builds).sum();
    let all = graph.rebuilds_past(units.units.iter().flat_map(|unit| unit.derivations.iter().copied()), &held);
    let mut planned = MajorWave {
        graph,
        passed_over: list.passed_over.clone(),
        scope: options.scope,
        system: options.system.map(str::to_owned),
        effects: Vec::new(),
        one_at_a_time: unit_builds.iter().copied().sum(),
        all_at_once: prices.set(&all),
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
    // 6. What pins are worth.
    planned.effects = effects(&planned, &prices, options.one_version);
    Ok(planned)
}

/// Updates that are taken, and those that are not and why.
fn sift(list: &Updates) -> (Vec<Update>, Vec<(Update, String)>) {
    let (mut taken, mut skipped) = (Vec::new(), Vec::new());
    for update in &list.updates {
        match (&update.skip, &update.pin) {
            (Some(why), _) => skipped.push((update.clone(), why.clone())),
            (None, Some(why)) => skipped.push((update.clone(), format!("pinned: {why}"))),
            (None, None) => taken.push(update.clone()),
        }
    }
    (taken, skipped)
}

/// Pins of the configuration and of the list.
fn holds(graph: &Graph, list: &Updates, options: &Options<'_>) -> Result<Vec<Hold>> {
    let configured = options.pins.iter().map(|pin| (pin.package.clone(), pin.reason.clone(), Some(pin.until.clone())));
    let listed = list.updates.iter().filter_map(|update| Some((update.package.clone(), update.pin.clone()?, None)));
    let mut holds = Vec::new();
    for (package, reason, until) in configured.chain(listed) {
        let roots = select(graph, std::slice::from_ref(&package), options.scope, options.system)?;
        let derivations = roots.into_iter().flat_map(|root| root.derivations).collect();
        let is_over = until.as_ref().zip(options.today).is_some_and(|(until, today)| until < today);
        holds.push(Hold { package, reason, until, derivations, is_over });
    }
    Ok(holds)
}

/// Pins that have not ended.
pub(super) fn holding(holds: &[Hold]) -> impl Iterator<Item = &Hold> {
    holds.iter().filter(|hold| !hold.is_over)
}

fn level_count(units: &Units) -> usize {
    units.levels.iter().max().map_or(0, |last| last + 1)
}

fn level_builds(graph: &Graph, prices: &Prices, units: &Units, held: &DerivationSet) -> Builds {
    let level = |level: usize| {
        let members = units.units.iter().zip(&units.levels).filter(|&(_, &of)| of == level).map(|(unit, _)| unit);
        prices.set(&graph.rebuilds_past(members.flat_map(|unit| unit.derivations.iter().copied()), held))
    };
    (0..level_count(units)).into_par_iter().map(level).sum()
}

/// Units that are never cut, in the order of the levels.
struct Step {
    level: usize,
    units: Vec<usize>,
    /// It is merged with nothing.
    is_alone: bool,
}

/// The levels, without the units that want a wave to themselves, which are steps of their own; and taken apart where a wave may not be as
/// long.
fn steps(prices: &Prices, units: &Units, alone: &[DerivationSet], cut: Cut, order: impl Fn(usize, usize) -> Ordering) -> Vec<Step> {
    let mut steps = Vec::new();
    for level in 0..level_count(units) {
        let members = (0..units.units.len()).filter(|&unit| units.levels[unit] == level);
        let (solo, others): (Vec<usize>, Vec<usize>) = members.partition(|&unit| units.units[unit].solo);
        let from = steps.len();
        steps.extend(solo.into_iter().map(|unit| Step { level, units: vec![unit], is_alone: true }));
        let parts = match cut {
            Cut::MaxWaveSeconds(limit) => split(prices, &others, alone, limit),
            _ => vec![others],
        };
        steps.extend(parts.into_iter().filter(|part| !part.is_empty()).map(|units| Step { level, units, is_alone: false }));
        // What one level was taken apart into comes in the order of what is first in it.
        let head = |step: &Step| step.units.iter().copied().min_by(|&a, &b| order(a, b)).unwrap_or(0);
        steps[from..].sort_by(|a, b| order(head(a), head(b)));
    }
    steps
}

fn union(graph: &Graph, alone: &[DerivationSet], units: &[usize]) -> DerivationSet {
    let mut union = graph.empty_set();
    for &unit in units {
        union.extend(&alone[unit]);
    }
    union
}

/// The probability that a unit breaks what it rebuilds: that one of its updates does.
fn risk(targets: &[Target], unit: &Unit, probability: f64) -> f64 {
    1.0 - unit.targets.iter().map(|&at| 1.0 - targets[at].update.risk.unwrap_or(probability)).product::<f64>()
}

fn frontier(prices: &Prices, runs: &Runs, cuts: &[Vec<Range<usize>>]) -> Vec<Point> {
    let point = |cut: &Vec<Range<usize>>| Point {
        waves: cut.len(),
        builds: cut.iter().map(|run| runs.builds(run)).sum(),
        rework: cut.iter().map(|run| runs.rework(run)).sum(),
        is_knee: false,
    };
    let mut points: Vec<Point> = cuts.iter().map(point).collect();
    if let Some(knee) = knee(&points.iter().map(|point| prices.weight(point.builds) as f64).collect::<Vec<_>>()) {
        points[knee].is_knee = true;
    }
    points
}

/// Where a curve is farthest from the line between its ends, both axes scaled to 1; `None` for a line or fewer than three points.
///
/// Source: Satopää et al., "Finding a 'Kneedle' in a Haystack" (2011), without smoothing.
fn knee(curve: &[f64]) -> Option<usize> {
    let (first, last) = (curve.first()?, curve.last()?);
    let (steps, rise) = ((curve.len() - 1) as f64, last - first);
    if curve.len() < 3 || rise <= 0.0 {
        return None;
    }
    let distance = |at: usize| at as f64 / steps - (curve[at] - first) / rise;
    let best = (1..curve.len() - 1).max_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(b.cmp(&a)))?;
    (distance(best) > 0.0).then_some(best)
}

/// The cut that is wanted.
fn choose<'c>(prices: &Prices, frontier: &[Point], cuts: &'c [Vec<Range<usize>>], cut: Cut) -> Result<&'c [Range<usize>]> {
    let weight = |point: &Point| prices.weight(point.builds);
    let Some((fewest, most)) = frontier.first().zip(frontier.last()) else { return Ok(&[]) };
    let at = match cut {
        Cut::Levels | Cut::MaxWaveSeconds(_) => Some(frontier.len() - 1),
        Cut::MaxWaves(waves) => frontier.iter().rposition(|point| point.waves <= waves),
        Cut::MaxSeconds(seconds) => frontier.iter().rposition(|point| weight(point) <= seconds),
        Cut::Risk { wave, .. } => {
            let cost = |point: &Point| weight(point) as f64 + point.rework + wave as f64 * point.waves as f64;
            (0..frontier.len()).min_by(|&a, &b| cost(&frontier[a]).total_cmp(&cost(&frontier[b])))
        }
    };
    at.map(|at| cuts[at].as_slice()).ok_or_else(|| {
        let (limit, reason) = match cut {
            Cut::MaxWaves(waves) => {
                let solo = "updates that want a wave to themselves keep the others apart";
                (format!("{waves} waves"), format!("{solo}: it takes {} at least, and {} are best", fewest.waves, most.waves))
            }
            Cut::MaxSeconds(seconds) => (
                format!("{} h", seconds / 3600),
                format!("the fewest waves there can be, {}, take {} h already", fewest.waves, weight(fewest).div_ceil(3600)),
            ),
            _ => (String::new(), String::new()),
        };
        Error::Infeasible { limit, reason }
    })
}

/// Which of two units of one level comes first: the more urgent, the one that matters more, the heavier.
fn first(prices: &Prices, targets: &[Target], units: &Units, unit_builds: &[Builds], a: usize, b: usize) -> Ordering {
    let most =
        |unit: usize, of: fn(&Update) -> f64| units.units[unit].targets.iter().map(|&at| of(&targets[at].update)).fold(0.0, f64::max);
    let urgent = most(b, |update| update.urgency).total_cmp(&most(a, |update| update.urgency));
    let matters = most(b, |update| update.weight).total_cmp(&most(a, |update| update.weight));
    let heavier = prices.weight(unit_builds[b]).cmp(&prices.weight(unit_builds[a]));
    urgent.then(matters).then(heavier).then(a.cmp(&b))
}

#[expect(clippy::too_many_arguments, reason = "the last step puts all the others together")]
fn waves(
    graph: &Graph,
    prices: &Prices,
    targets: &[Target],
    units: &Units,
    alone: &[DerivationSet],
    unit_builds: &[Builds],
    steps: &[Step],
    runs: &Runs,
    cut: &[Range<usize>],
) -> Vec<MinorWave> {
    let wave = |run: &Range<usize>| {
        let mut members: Vec<usize> = steps[run.clone()].iter().flat_map(|step| step.units.iter().copied()).collect();
        members.sort_by(|&a, &b| first(prices, targets, units, unit_builds, a, b));
        let rebuilds = union(graph, alone, &members);
        let builds = prices.set(&rebuilds);
        let pairs: usize = members.iter().map(|&unit| alone[unit].len()).sum();
        MinorWave {
            levels: steps[run.start].level..steps[run.end - 1].level + 1,
            apart: run.clone().map(|step| runs.builds(&(step..step + 1))).sum(),
            suspects: pairs as f64 / rebuilds.len().max(1) as f64,
            units: members,
            rebuilds,
            builds,
            again: Builds::default(),
        }
    };
    let mut waves: Vec<MinorWave> = cut.par_iter().map(wave).collect();
    for at in 1..waves.len() {
        let (earlier, later) = waves.split_at_mut(at);
        let same = earlier.iter().filter(|wave| wave.levels == later[0].levels);
        let both = same.fold(graph.empty_set(), |mut both, wave| {
            both.extend(&wave.rebuilds);
            both
        });
        later[0].again = later[0].rebuilds.iter().filter(|&ix| both.contains(ix)).map(|ix| prices.derivation(ix)).sum();
    }
    waves
}
