//! How often each package may be taken, under a budget of builds a day.
//!
//! Packages release faster than a package set can rebuild what depends on them. To be behind costs `weight` for each day, to take
//! a release costs the build time of all that it rebuilds. [`rates`] shares the budget so that the sum of what being behind
//! costs is least; [`cadence`] rounds that to turns which fall together, and says what is saved and skipped.

mod history;
mod rate;
mod table;

use std::collections::BTreeSet;

pub use history::{History, histories};
pub use rate::{rates, turns};
pub use table::{Releases, TableRow};

use crate::analysis::{Root, SUGGESTED, Scope, find_roots, select};
use crate::cost::Costs;
use crate::error::{Error, Result};
use crate::graph::{Counts, DerivationSet, Direction, Graph};

/// Days between two waves, unless it is told otherwise: the least time between two turns.
pub const DEFAULT_WAVE_DAYS: u32 = 7;

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The day that it came out on, counted from 1970-01-01.
    pub day: i64,
    /// Its version, if that is known.
    pub version: Option<String>,
}

/// A package, and how often it releases.
#[derive(Clone, Debug, PartialEq)]
pub struct Releaser {
    /// The package, as `--root` names it.
    pub package: String,
    /// What a day behind costs, relative to others; above 0.
    pub weight: f64,
    /// Days from one release to the next; above 0.
    pub days: f64,
    /// The releases that this was counted from, oldest first; empty if it was stated.
    pub releases: Vec<Release>,
}

impl Releaser {
    /// Of releases: the mean time from one to the next. `None` if they are not two, on different days.
    pub fn of(package: &str, weight: f64, releases: Vec<Release>) -> Option<Self> {
        let releases: Vec<Release> = releases.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let (first, last) = (releases.first()?.day, releases.last()?.day);
        let days = (last - first) as f64 / releases.len().checked_sub(1)? as f64;
        (days > 0.0).then(|| Self { package: package.to_owned(), weight, days, releases })
    }
}

/// How a cadence is found.
#[derive(Clone, Copy, Debug)]
pub struct CadenceOptions<'a> {
    /// What may be built in a day: seconds of one builder with `costs`, else derivations.
    pub budget: f64,
    /// Build times; without them each derivation costs 1.
    pub costs: Option<&'a Costs<'a>>,
    /// Days between two waves; at least 1.
    pub wave_days: u32,
    /// How much a package takes in.
    pub scope: Scope,
    /// Only what was evaluated for this system.
    pub system: Option<&'a str>,
}

/// How often packages are taken.
#[derive(Clone, Debug)]
pub struct Cadence {
    /// The packages, dearest a day first.
    pub packages: Vec<Turn>,
    /// Packages that are not in the evaluation, and why.
    pub unknown: Vec<(String, String)>,
    /// All of them in a day, if each release is taken.
    pub each_per_day: f64,
    /// The same at the best rates: the budget, or less if nothing has to be skipped.
    pub best_per_day: f64,
    /// The same at turns.
    pub turns_per_day: f64,
    /// The same, if what comes together is rebuilt once; at most, for a turn may come without a release.
    pub together_per_day: f64,
}

/// How often a package is taken.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The package.
    pub releaser: Releaser,
    /// What it names.
    pub root: Root,
    /// What a release of it rebuilds, itself included.
    pub rebuilds: Counts,
    /// What that costs.
    pub cost: f64,
    /// The best number of releases to take in a day.
    pub rate: f64,
    /// Days between its turns: the days of a wave times a power of 2.
    pub days: f64,
    /// The newest release at each turn is taken: one of so many.
    pub one_of: f64,
    /// Days that a release waits on average.
    pub lag: f64,
    /// What it costs a day at its turns.
    pub per_day: f64,
    /// What it would cost a day if each release were taken.
    pub each_per_day: f64,
}

impl Turn {
    /// Its releases, and whether each is taken: the newest at a turn is. Turns are on the days that are a multiple of their length, counted from
    /// 1970-01-01. `None` of those that a turn to come decides on, if the last release is the newest thing that is known.
    pub fn taken(&self) -> impl Iterator<Item = (&Release, Option<bool>)> {
        let length = self.days.round().max(1.0) as i64;
        let turn = move |day: i64| day.div_euclid(length) + i64::from(day.rem_euclid(length) > 0);
        let releases = &self.releaser.releases;
        releases.iter().enumerate().map(move |(at, release)| {
            let next = releases.get(at + 1).map(|next| turn(next.day) > turn(release.day));
            (release, next)
        })
    }
}

/// Finds how often each package is taken.
///
/// Time O(P · (V/64 + E of a closure)) for P packages; space O(V).
///
/// # Errors
///
/// [`Error::NoReleases`] if no package is in the evaluation; [`Error::NoEdges`] if no dump said what needs what.
pub fn cadence(graph: &Graph, releasers: &[Releaser], options: &CadenceOptions<'_>) -> Result<Cadence> {
    crate::analysis::require_edges(graph)?;
    let mut unknown = Vec::new();
    let mut found: Vec<(Releaser, Root, DerivationSet)> = Vec::new();
    for releaser in releasers {
        let find = if unknown.len() < SUGGESTED { select } else { find_roots };
        match find(graph, std::slice::from_ref(&releaser.package), options.scope, options.system) {
            Ok(roots) => found.extend(roots.into_iter().map(|root| {
                let rebuilds = graph.closure(root.derivations.iter().copied(), Direction::Dependents);
                (releaser.clone(), root, rebuilds)
            })),
            Err(error) => unknown.push((releaser.package.clone(), error.to_string())),
        }
    }
    if found.is_empty() {
        let reason = unknown.first().map_or_else(|| "it names no package".to_owned(), |(_, reason)| reason.clone());
        return Err(Error::NoReleases { reason });
    }
    let cost_of = |set: &DerivationSet| match options.costs.and_then(Costs::model) {
        Some(model) => set.iter().map(|ix| u64::from(model.seconds(ix))).sum::<u64>() as f64,
        None => set.len() as f64,
    };
    let costs: Vec<f64> = found.iter().map(|(.., rebuilds)| cost_of(rebuilds)).collect();
    let weights: Vec<f64> = found.iter().map(|(releaser, ..)| releaser.weight).collect();
    let intervals: Vec<f64> = found.iter().map(|(releaser, ..)| releaser.days).collect();
    let caps: Vec<f64> = intervals.iter().map(|days| days.recip()).collect();
    let best = rates(&costs, &weights, &caps, options.budget);
    let base = f64::from(options.wave_days.max(1));
    let exponents = turns(&costs, &weights, &caps, &best, base, options.budget);

    let together_per_day = together(graph, &found, &exponents, base, &cost_of);
    let rows = found.into_iter().zip(costs.iter().zip(&best)).zip(&exponents);
    let mut packages: Vec<Turn> = rows
        .map(|(((releaser, root, rebuilds), (&cost, &rate)), &exponent)| {
            let days = base * f64::from(exponent).exp2();
            let per_day = cost * days.max(releaser.days).recip();
            let (one_of, each_per_day) = ((days / releaser.days).max(1.0), cost / releaser.days);
            Turn { rebuilds: graph.counts(&rebuilds), root, cost, rate, days, one_of, lag: days / 2.0, per_day, each_per_day, releaser }
        })
        .collect();
    packages.sort_by(|a, b| b.each_per_day.total_cmp(&a.each_per_day).then_with(|| a.releaser.package.cmp(&b.releaser.package)));
    let turns_per_day = packages.iter().map(|turn| turn.per_day).sum::<f64>();
    Ok(Cadence {
        each_per_day: packages.iter().map(|turn| turn.each_per_day).sum(),
        best_per_day: packages.iter().map(|turn| turn.rate * turn.cost).sum(),
        turns_per_day,
        together_per_day: together_per_day.min(turns_per_day),
        packages,
        unknown,
    })
}

/// What a day costs, if packages whose turns fall together are rebuilt together. Turns of 2^k waves come with those of all smaller k:
/// the waves of which k is the largest are one in 2^(k+1), but for the largest k of all.
fn together(
    graph: &Graph,
    found: &[(Releaser, Root, DerivationSet)],
    exponents: &[u32],
    base: f64,
    cost: &dyn Fn(&DerivationSet) -> f64,
) -> f64 {
    let largest = exponents.iter().copied().max().unwrap_or(0);
    (0..=largest)
        .map(|class| {
            let roots = found.iter().zip(exponents).filter(|&(_, &exponent)| exponent <= class);
            let roots = roots.flat_map(|((_, root, _), _)| root.derivations.iter().copied());
            let waves = f64::from(if class == largest { class } else { class + 1 }).exp2();
            cost(&graph.closure(roots, Direction::Dependents)) / (base * waves)
        })
        .sum()
}
