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
use crate::text::{counted, duration, hours, rounded_hours};

/// Where the waves are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cut {
    /// Each level is a wave: no wave holds two updates of which one rebuilds the other.
    #[default]
    Levels,
    /// As many waves as there may be: the cut of the levels that builds least.
    MaxWaves(usize),
    /// As many waves as keep all builds together within this many seconds of one builder, of the cuts that build least.
    MaxSeconds(u64),
    /// Levels, of which those that take longer on one builder are taken apart.
    MaxWaveSeconds(u64),
    /// The cut of the levels that builds least, if finding what broke is built too.
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

/// A cut of the levels into some number of waves.
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
    /// What is never rebuilt.
    pub(super) held: &'a DerivationSet,
    /// What that costs.
    pub(super) builds: &'a [Builds],
}

/// Units that are never cut, in the order of the levels.
struct Step {
    level: usize,
    units: Vec<usize>,
}

impl Material<'_> {
    /// The waves that are wanted, and the best cut into each number of waves.
    ///
    /// # Errors
    ///
    /// [`Error::Infeasible`] if no cut keeps within its limit.
    pub(super) fn cut(&self, cut: Cut) -> Result<(Vec<MinorWave>, Vec<Point>)> {
        let (steps, solos) = self.steps(cut);
        let runs = self.runs(&steps, &solos, cut);
        let mut cuts = runs.cuts(self.prices);
        if steps.is_empty() && !solos.is_empty() {
            cuts.push(Vec::new());
        }
        let frontier = self.frontier(&runs, &cuts, &solos);
        let chosen = choose(self.prices, &frontier, &cuts, cut)?;
        Ok((self.waves(&steps, &solos, &runs, chosen), frontier))
    }

    /// The levels, taken apart where a wave may not be as long; and the units that want a wave to themselves, with theirs.
    fn steps(&self, cut: Cut) -> (Vec<Step>, Vec<Step>) {
        let units = self.units;
        let (mut steps, mut solos) = (Vec::new(), Vec::new());
        for level in 0..units.level_count() {
            let members = (0..units.units.len()).filter(|&unit| units.levels[unit] == level);
            let (solo, others): (Vec<usize>, Vec<usize>) = members.partition(|&unit| units.units[unit].solo);
            let from = steps.len();
            let parts = match cut {
                Cut::MaxWaveSeconds(limit) => split(self.prices, &others, self.alone, limit),
                _ => vec![others],
            };
            steps.extend(parts.into_iter().filter(|part| !part.is_empty()).map(|units| Step { level, units }));
            // What one level was taken apart into comes in the order of what is first in it.
            steps[from..].sort_by(|a, b| self.first(self.head(&a.units), self.head(&b.units)));
            solos.extend(solo.into_iter().map(|unit| Step { level, units: vec![unit] }));
        }
        (steps, solos)
    }

    /// Which of some units of one level comes first.
    fn head(&self, units: &[usize]) -> usize {
        units.iter().copied().min_by(|&a, &b| self.first(a, b)).unwrap_or(0)
    }

    /// What every run of steps builds, and how much work it may be to find what broke in it.
    ///
    /// What wants a wave to itself may come before or behind the rest of its level: it parts runs that go on to both sides.
    fn runs(&self, steps: &[Step], solos: &[Step], cut: Cut) -> Runs {
        let rebuilds: Vec<DerivationSet> = steps.par_iter().map(|step| union(self.graph, self.alone, &step.units)).collect();
        let last_level = |step: &Step| solos.iter().map(|solo| solo.level).find(|&level| level > step.level).unwrap_or(usize::MAX);
        let end = |step: &Step| steps.partition_point(|other| other.level <= last_level(step));
        let runs = Runs::new(self.prices, &rebuilds, steps.iter().map(end).collect());
        let Cut::Risk { probability, .. } = cut else { return runs };
        let of_step: Vec<Vec<usize>> = steps.iter().map(|step| step.units.clone()).collect();
        let risks: Vec<f64> = self.units.units.iter().map(|unit| self.risk(unit, probability)).collect();
        runs.with_rework(rework(self.graph, self.prices, &self.units.units, self.held, &of_step, &rebuilds, &risks))
    }

    /// The waves of a cut of the steps into runs, with those of single units between them.
    fn waves(&self, steps: &[Step], solos: &[Step], runs: &Runs, cut: &[Range<usize>]) -> Vec<MinorWave> {
        let merged = cut.iter().map(|run| {
            let levels = steps[run.start].level..steps[run.end - 1].level + 1;
            let units: Vec<usize> = steps[run.clone()].iter().flat_map(|step| step.units.iter().copied()).collect();
            (levels, units, run.clone().map(|step| runs.builds(&(step..step + 1))).sum())
        });
        let single = solos.iter().map(|solo| (solo.level..solo.level + 1, solo.units.clone(), self.builds[solo.units[0]]));
        let mut waves: Vec<(Range<usize>, Vec<usize>, Builds)> = merged.chain(single).collect();
        // What ends at a level comes before what is of it alone, and that before what begins there.
        waves.sort_by(|(a, a_units, _), (b, b_units, _)| {
            (a.start, a.end).cmp(&(b.start, b.end)).then_with(|| self.first(self.head(a_units), self.head(b_units)))
        });
        let wave = |(levels, units, apart): (Range<usize>, Vec<usize>, Builds)| self.wave(levels, units, apart);
        let mut waves: Vec<MinorWave> = waves.into_par_iter().map(wave).collect();
        for level in waves.chunk_by_mut(|a, b| a.levels == b.levels) {
            let mut earlier = self.graph.empty_set();
            for wave in level {
                wave.again = wave.rebuilds.iter().filter(|&ix| earlier.contains(ix)).map(|ix| self.prices.derivation(ix)).sum();
                earlier.extend(&wave.rebuilds);
            }
        }
        waves
    }

    /// A wave of some units.
    fn wave(&self, levels: Range<usize>, mut units: Vec<usize>, apart: Builds) -> MinorWave {
        units.sort_by(|&a, &b| self.first(a, b));
        let rebuilds = union(self.graph, self.alone, &units);
        let pairs: usize = units.iter().map(|&unit| self.pairs(unit)).sum();
        let suspects = pairs as f64 / rebuilds.len().max(1) as f64;
        MinorWave { units, levels, builds: self.prices.set(&rebuilds), apart, again: Builds::default(), suspects, rebuilds }
    }

    /// Pairs of an update of a unit, and a derivation that it rebuilds.
    fn pairs(&self, unit: usize) -> usize {
        match self.units.units[unit].targets[..] {
            [_] => self.alone[unit].len(),
            ref several => several
                .iter()
                .map(|&target| self.graph.rebuilds_past(self.targets[target].derivations.iter().copied(), self.held).len())
                .sum(),
        }
    }

    /// A point for each cut.
    fn frontier(&self, runs: &Runs, cuts: &[Vec<Range<usize>>], solos: &[Step]) -> Vec<Point> {
        let single: Builds = solos.iter().map(|solo| self.builds[solo.units[0]]).sum();
        let point = |cut: &Vec<Range<usize>>| Point {
            waves: cut.len() + solos.len(),
            builds: cut.iter().map(|run| runs.builds(run)).sum::<Builds>() + single,
            rework: cut.iter().map(|run| runs.rework(run)).sum(),
            is_knee: false,
        };
        let mut points: Vec<Point> = cuts.iter().map(point).collect();
        if let Some(knee) = knee(&points.iter().map(|point| self.prices.weight(point.builds) as f64).collect::<Vec<_>>()) {
            points[knee].is_knee = true;
        }
        points
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
                let reason = format!("the fewest that were found are {}, for some updates want a wave to themselves", fewest.waves);
                (counted(waves, "wave", "waves"), reason)
            }
            Cut::MaxSeconds(seconds) => (
                duration(seconds),
                format!("the plan of fewest waves, {}, takes {} already", fewest.waves, hours(rounded_hours(weight(fewest)))),
            ),
            _ => (String::new(), String::new()),
        };
        Error::Infeasible { limit, reason }
    })
}
