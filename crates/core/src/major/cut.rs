//! Where a major wave is cut into minor waves.

use std::cmp::Ordering;
use std::ops::Range;

use rayon::prelude::*;

use super::price::{Builds, Prices};
use super::rework::rework;
use super::runs::Runs;
use super::split::split;
use super::unit::{Target, Unit, Units};
use super::updates::Update;
use crate::error::{Error, Result};
use crate::graph::{DerivationSet, Graph};

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

/// What waves are cut from.
pub(super) struct Material<'a> {
    pub(super) graph: &'a Graph,
    pub(super) prices: &'a Prices,
    pub(super) targets: &'a [Target],
    pub(super) units: &'a Units,
    /// What each unit rebuilds by itself.
    pub(super) alone: &'a [DerivationSet],
    /// What that costs.
    pub(super) builds: &'a [Builds],
}

/// Units that are never cut, in the order of the levels.
struct Step {
    level: usize,
    units: Vec<usize>,
    /// It is merged with nothing.
    is_alone: bool,
}

impl Material<'_> {
    /// The waves that are wanted, and the best plan of each number of waves.
    ///
    /// # Errors
    ///
    /// [`Error::Infeasible`] if no cut keeps within its limit.
    pub(super) fn cut(&self, cut: Cut) -> Result<(Vec<MinorWave>, Vec<Point>)> {
        let steps = self.steps(cut);
        let runs = self.runs(&steps, cut);
        let cuts = runs.cuts(self.prices);
        let frontier = frontier(self.prices, &runs, &cuts);
        let chosen = choose(self.prices, &frontier, &cuts, cut)?;
        Ok((self.waves(&steps, &runs, chosen), frontier))
    }

    /// The levels, without the units that want a wave to themselves, which are steps of their own; and taken apart where a wave may not be as
    /// long.
    fn steps(&self, cut: Cut) -> Vec<Step> {
        let units = self.units;
        let mut steps = Vec::new();
        for level in 0..units.level_count() {
            let members = (0..units.units.len()).filter(|&unit| units.levels[unit] == level);
            let (solo, others): (Vec<usize>, Vec<usize>) = members.partition(|&unit| units.units[unit].solo);
            let from = steps.len();
            steps.extend(solo.into_iter().map(|unit| Step { level, units: vec![unit], is_alone: true }));
            let parts = match cut {
                Cut::MaxWaveSeconds(limit) => split(self.prices, &others, self.alone, limit),
                _ => vec![others],
            };
            steps.extend(parts.into_iter().filter(|part| !part.is_empty()).map(|units| Step { level, units, is_alone: false }));
            // What one level was taken apart into comes in the order of what is first in it.
            let head = |step: &Step| step.units.iter().copied().min_by(|&a, &b| self.first(a, b)).unwrap_or(0);
            steps[from..].sort_by(|a, b| self.first(head(a), head(b)));
        }
        steps
    }

    /// What every run of steps builds, and how much work it may be to find what broke in it.
    fn runs(&self, steps: &[Step], cut: Cut) -> Runs {
        let rebuilds: Vec<DerivationSet> = steps.par_iter().map(|step| union(self.graph, self.alone, &step.units)).collect();
        let is_alone: Vec<bool> = steps.iter().map(|step| step.is_alone).collect();
        let runs = Runs::new(self.prices, &rebuilds, &is_alone);
        let Cut::Risk { probability, .. } = cut else { return runs };
        let of_step: Vec<Vec<usize>> = steps.iter().map(|step| step.units.clone()).collect();
        let risks: Vec<f64> = self.units.units.iter().map(|unit| self.risk(unit, probability)).collect();
        runs.with_rework(rework(self.graph, self.prices, &self.units.units, &of_step, &rebuilds, &risks))
    }

    /// The waves of a cut of the steps into runs.
    fn waves(&self, steps: &[Step], runs: &Runs, cut: &[Range<usize>]) -> Vec<MinorWave> {
        let wave = |run: &Range<usize>| {
            let mut members: Vec<usize> = steps[run.clone()].iter().flat_map(|step| step.units.iter().copied()).collect();
            members.sort_by(|&a, &b| self.first(a, b));
            let rebuilds = union(self.graph, self.alone, &members);
            let builds = self.prices.set(&rebuilds);
            let pairs: usize = members.iter().map(|&unit| self.alone[unit].len()).sum();
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
            let both = same.fold(self.graph.empty_set(), |mut both, wave| {
                both.extend(&wave.rebuilds);
                both
            });
            later[0].again = later[0].rebuilds.iter().filter(|&ix| both.contains(ix)).map(|ix| self.prices.derivation(ix)).sum();
        }
        waves
    }

    /// The probability that a unit breaks what it rebuilds: that one of its updates does.
    fn risk(&self, unit: &Unit, probability: f64) -> f64 {
        1.0 - unit.targets.iter().map(|&at| 1.0 - self.targets[at].update.risk.unwrap_or(probability)).product::<f64>()
    }

    /// Which of two units of one level comes first: the more urgent, the one that matters more, the heavier.
    fn first(&self, a: usize, b: usize) -> Ordering {
        let most = |unit: usize, of: fn(&Update) -> f64| {
            self.units.units[unit].targets.iter().map(|&at| of(&self.targets[at].update)).fold(0.0, f64::max)
        };
        let urgent = most(b, |update| update.urgency).total_cmp(&most(a, |update| update.urgency));
        let matters = most(b, |update| update.weight).total_cmp(&most(a, |update| update.weight));
        let heavier = self.prices.weight(self.builds[b]).cmp(&self.prices.weight(self.builds[a]));
        urgent.then(matters).then(heavier).then(a.cmp(&b))
    }
}

/// What units rebuild together, of what each rebuilds by itself.
pub(super) fn union<'u>(graph: &Graph, alone: &[DerivationSet], units: impl IntoIterator<Item = &'u usize>) -> DerivationSet {
    let mut union = graph.empty_set();
    for &unit in units {
        union.extend(&alone[unit]);
    }
    union
}

/// A point for each cut.
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
    let Some(fewest) = frontier.first() else { return Ok(&[]) };
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
                let reason = format!("it takes {} at least, for some updates want a wave to themselves", fewest.waves);
                (format!("{waves} waves"), reason)
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
