//! How often each package may be taken, under a budget of builds a day.
//!
//! Packages release faster than a package set can rebuild what depends on them. To be behind costs `weight` for each day, to take
//! a release costs the build time of all that it rebuilds. [`rates`] shares the budget so that the sum of what being behind
//! costs is least, if nothing were rebuilt together; [`cadence`] rounds that to turns which fall together, uses what is left of the budget
//! because of that, and says what is saved and skipped.

mod history;
mod load;
mod rate;
mod table;

use std::collections::{BTreeSet, HashMap};

pub use history::{History, histories};
pub use rate::rates;
pub use table::{Releases, TableRow};

use crate::analysis::{Root, SUGGESTED, Scope, find_roots, select};
use crate::cost::Costs;
use crate::error::{Error, Result};
use crate::graph::{Counts, DerivationIx, DerivationSet, Direction, Graph};
use load::{Load, Pace};
use rate::turns;

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
    /// Commits in which its file is, or was, too long to be read: none counts as a release.
    pub unread: usize,
}

impl Releaser {
    /// Of releases: the mean time from one to the next. `None` if they are not two, on different days.
    pub fn of(package: &str, weight: f64, releases: Vec<Release>) -> Option<Self> {
        let releases: Vec<Release> = releases.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let (first, last) = (releases.first()?.day, releases.last()?.day);
        let days = (last - first) as f64 / releases.len().checked_sub(1)? as f64;
        (days > 0.0).then(|| Self { package: package.to_owned(), weight, days, releases, unread: 0 })
    }
}

/// How a cadence is found.
#[derive(Clone, Copy, Debug)]
pub struct CadenceOptions<'a> {
    /// What may be built in a day, what comes together once: seconds of one builder with `costs`, else derivations.
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
    /// All of them in a day, if each release is taken, by itself.
    pub each_per_day: f64,
    /// The same at the best rates: the budget, or less if nothing has to be skipped.
    pub best_per_day: f64,
    /// The same at turns.
    pub turns_per_day: f64,
    /// The same, if what comes together is rebuilt once: within the budget. At most, for a turn may come without a release.
    pub together_per_day: f64,
}

/// How often a package is taken.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The package.
    pub releaser: Releaser,
    /// What it names.
    pub root: Root,
    /// Its other names that releases are known of, which count no more.
    pub also: Vec<String>,
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

/// A package of the evaluation that releases.
struct Found {
    releaser: Releaser,
    root: Root,
    /// Other names of it.
    also: Vec<String>,
}

impl Found {
    /// Takes in another name of the same package: the one that releases more often counts.
    fn join(&mut self, releaser: &Releaser, root: Root) {
        let mut other = releaser.package.clone();
        if releaser.days < self.releaser.days {
            other = std::mem::replace(&mut self.releaser, releaser.clone()).package;
            self.root = root;
        }
        if !self.also.contains(&other) {
            self.also.push(other);
        }
        self.also.retain(|name| *name != self.releaser.package);
    }
}

/// Finds how often each package is taken. Several names of the same derivations are one package.
///
/// Time O(P · (V/64 + E of a closure)) for P packages, and O(V/64 + closure) for each time that a turn is halved; space O(P · V/8) bytes.
///
/// # Errors
///
/// [`Error::NoReleases`] if no package is in the evaluation; [`Error::NoEdges`] if no dump said what needs what.
pub fn cadence(graph: &Graph, releasers: &[Releaser], options: &CadenceOptions<'_>) -> Result<Cadence> {
    crate::analysis::require_edges(graph)?;
    let (found, unknown) = look_up(graph, releasers, options);
    if found.is_empty() {
        let reason = unknown.first().map_or_else(|| "it names no package".to_owned(), |(_, reason)| reason.clone());
        return Err(Error::NoReleases { reason });
    }
    let model = options.costs.and_then(Costs::model);
    let price = |ix: DerivationIx| model.map_or(1.0, |model| f64::from(model.seconds(ix)));
    let prices: Vec<f64> = graph.derivations().map(|derivation| price(derivation.ix())).collect();
    let closure = |found: &Found| graph.closure(found.root.derivations.iter().copied(), Direction::Dependents);
    let rebuilds: Vec<DerivationSet> = found.iter().map(closure).collect();
    let costs: Vec<f64> = rebuilds.iter().map(|set| set.iter().map(|ix| prices[ix.get()]).sum()).collect();
    let weights: Vec<f64> = found.iter().map(|found| found.releaser.weight).collect();
    let caps: Vec<f64> = found.iter().map(|found| found.releaser.days.recip()).collect();
    let best = rates(&costs, &weights, &caps, options.budget);
    let base = f64::from(options.wave_days.max(1));
    let idle = Load::idle(&rebuilds, &prices);
    let exponents = turns(&idle, &costs, &weights, &caps, &best, base, options.budget);
    let days: Vec<f64> = exponents.iter().map(|&exponent| base * f64::from(exponent).exp2()).collect();
    let together = idle.at(days.iter().zip(&caps).map(|(&days, &cap)| Pace::new(days, cap)));

    let rows = found.into_iter().zip(&rebuilds).zip(costs.iter().zip(&best)).zip(&days);
    let mut packages: Vec<Turn> = rows
        .map(|(((found, rebuilds), (&cost, &rate)), &days)| {
            let Found { releaser, root, also } = found;
            let per_day = cost * days.max(releaser.days).recip();
            let (one_of, each_per_day) = ((days / releaser.days).max(1.0), cost / releaser.days);
            let (rebuilds, lag) = (graph.counts(rebuilds), days / 2.0);
            Turn { releaser, root, also, rebuilds, cost, rate, days, one_of, lag, per_day, each_per_day }
        })
        .collect();
    packages.sort_by(|a, b| b.each_per_day.total_cmp(&a.each_per_day).then_with(|| a.releaser.package.cmp(&b.releaser.package)));
    let turns_per_day = packages.iter().map(|turn| turn.per_day).sum::<f64>();
    Ok(Cadence {
        each_per_day: packages.iter().map(|turn| turn.each_per_day).sum(),
        best_per_day: packages.iter().map(|turn| turn.rate * turn.cost).sum(),
        turns_per_day,
        // Both are sums of rounded numbers.
        together_per_day: together.per_day().min(turns_per_day),
        packages,
        unknown,
    })
}

/// The packages that are in the evaluation, each once; and those that are not, and why.
fn look_up(graph: &Graph, releasers: &[Releaser], options: &CadenceOptions<'_>) -> (Vec<Found>, Vec<(String, String)>) {
    let (mut found, mut unknown): (Vec<Found>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut known: HashMap<Vec<DerivationIx>, usize> = HashMap::new();
    for releaser in releasers {
        let find = if unknown.len() < SUGGESTED { select } else { find_roots };
        match find(graph, std::slice::from_ref(&releaser.package), options.scope, options.system) {
            Ok(roots) => {
                for root in roots {
                    if let Some(&at) = known.get(&root.derivations) {
                        found[at].join(releaser, root);
                    } else {
                        known.insert(root.derivations.clone(), found.len());
                        found.push(Found { releaser: releaser.clone(), root, also: Vec::new() });
                    }
                }
            }
            Err(error) => unknown.push((releaser.package.clone(), error.to_string())),
        }
    }
    (found, unknown)
}
