//! The part of a report that says how long a rebuild takes on a fleet.

use std::cmp::Reverse;

use serde::Serialize;

use super::document::{Column, Document, Table};
use crate::graph::{DerivationIx, Graph};
use crate::schedule::{Build, Fleet, HOUR, Impossible, Lacks, Schedule, WaitedFor};
use crate::text::{counted, duration, number};

/// Derivations that stand for those that cannot be built.
const NAMED: usize = 4;
/// Derivations of a chain that stand for it in the text.
const SLOWEST: usize = 3;

/// How long a rebuild takes on a fleet. Times are in hours, shares up to 1.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleReport {
    /// The fleet, and what each class of builders does.
    pub builders: Vec<BuildersReport>,
    /// Derivations that are built.
    pub derivations: usize,
    /// When the last of them ends.
    pub makespan: f64,
    /// No schedule is faster.
    pub lower_bound: f64,
    /// No list schedule is slower, whatever its order.
    pub upper_bound: f64,
    /// What the lower bound is the largest of.
    pub lower_bounds: LowerBoundsReport,
    /// The share of the builders' time that is spent building.
    pub utilisation: f64,
    /// The longest chain, first to last; of a chain that is cut, the slowest.
    pub longest_chain: Vec<LinkReport>,
    /// Links that were left out.
    pub longest_chain_omitted: usize,
    /// The builds that make it take this long, first to last: each begins when the one before ends.
    pub critical_path: Vec<CriticalReport>,
    /// Builds that were left out.
    pub critical_path_omitted: usize,
    /// How many of all its builds waited for a builder, not for an input: more builders would let them begin earlier.
    pub critical_path_waits: usize,
    /// What nobody can build.
    pub impossible: Vec<ImpossibleReport>,
    /// Derivations that are not built because they need what nobody can build.
    pub blocked: usize,
    /// What it would be if packages were cached, or pinned; empty unless that was asked.
    pub what_if: Vec<WhatIfReport>,
}

/// Builders that are like each other.
#[derive(Clone, Debug, Serialize)]
pub struct BuildersReport {
    /// What they are called.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// How fast they are; 1 is as measured.
    pub speed: f64,
    /// Derivations that they build.
    pub builds: usize,
    /// Hours that they build, added up.
    pub hours: f64,
    /// The share of their time that they build.
    pub utilisation: f64,
}

/// What the lower bound is the largest of, in hours.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LowerBoundsReport {
    /// The longest chain on the fastest builders.
    pub chain: f64,
    /// The work over the builders that can do it.
    pub work: f64,
    /// The same with the chains before and behind it.
    pub window: f64,
}

/// A derivation of a chain.
#[derive(Clone, Debug, Serialize)]
pub struct LinkReport {
    /// Its shortest attribute path, or its name.
    pub label: String,
    /// Its store path.
    pub derivation: String,
    /// How long it takes on the fastest builder that can build it.
    pub hours: f64,
}

/// A build of the critical path.
#[derive(Clone, Debug, Serialize)]
pub struct CriticalReport {
    /// Its shortest attribute path, or its name.
    pub label: String,
    /// Its store path.
    pub derivation: String,
    /// The builders that build it.
    pub builders: String,
    /// When it begins.
    pub start: f64,
    /// How long it takes there.
    pub hours: f64,
    /// What it waits for, which is the build before it: `input` or `builder`; null if it begins at once.
    pub waited_for: Option<&'static str>,
}

/// Derivations that no machine can build.
#[derive(Clone, Debug, Serialize)]
pub struct ImpossibleReport {
    /// The system that they are built on.
    pub system: String,
    /// The features that they ask for.
    pub features: Vec<String>,
    /// What the fleet lacks: `system`, `features`, or `open` if the machines that could are kept for others.
    pub lacks: &'static str,
    /// The features that are lacking.
    pub missing: Vec<String>,
    /// How many they are.
    pub derivations: usize,
    /// Some of them.
    pub labels: Vec<String>,
    /// How many others need them.
    pub blocked: usize,
}

/// What it would be if a package were cached, or pinned.
#[derive(Clone, Debug, Serialize)]
pub struct WhatIfReport {
    /// Its shortest attribute path, or its name.
    pub package: String,
    /// Its derivations that are built.
    pub derivations: usize,
    /// If a cache had them.
    pub cached: OutcomeReport,
    /// If they kept their old inputs: what only they lead to is not rebuilt either.
    pub pinned: OutcomeReport,
}

/// A schedule in short, in hours.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OutcomeReport {
    /// Derivations that are built.
    pub derivations: usize,
    /// When the last of them ends.
    pub makespan: f64,
    /// No schedule is faster.
    pub lower_bound: f64,
    /// No list schedule is slower.
    pub upper_bound: f64,
}

/// Milliseconds in hours, to a few milliseconds.
fn hours(milliseconds: u64) -> f64 {
    (milliseconds as f64 / HOUR as f64 * 1e6).round() / 1e6
}

/// A share, four digits behind the point.
fn share(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

/// Hours as a person says them.
#[expect(clippy::cast_sign_loss, reason = "times are not negative")]
fn said(hours: f64) -> String {
    duration((hours * 3600.0).round() as u64)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

impl ScheduleReport {
    /// Of a schedule on a fleet; lists are cut after `limit`. O(builds).
    pub fn new(graph: &Graph, schedule: &Schedule, fleet: &Fleet, limit: usize) -> Self {
        let longest: Vec<LinkReport> = schedule.longest_chain.iter().map(|link| LinkReport::new(graph, link.0, link.1)).collect();
        let critical: Vec<CriticalReport> =
            schedule.critical.iter().map(|&at| CriticalReport::new(graph, &schedule.builds[at], fleet)).collect();
        let critical_path_waits = critical.iter().filter(|link| link.waited_for == Some("builder")).count();
        let (longest_chain, longest_chain_omitted) = slowest(longest, limit, |link| link.hours);
        let (critical_path, critical_path_omitted) = slowest(critical, limit, |link| link.hours);
        let bounds = schedule.bounds;
        Self {
            builders: (0..fleet.classes().len()).map(|class| BuildersReport::new(schedule, fleet, class)).collect(),
            derivations: schedule.builds.len(),
            makespan: hours(schedule.makespan),
            lower_bound: hours(bounds.lower),
            upper_bound: hours(bounds.upper),
            lower_bounds: LowerBoundsReport { chain: hours(bounds.chain), work: hours(bounds.work), window: hours(bounds.window) },
            utilisation: share(schedule.utilisation(fleet)),
            longest_chain,
            longest_chain_omitted,
            critical_path,
            critical_path_omitted,
            critical_path_waits,
            impossible: schedule.impossible.iter().map(|impossible| ImpossibleReport::new(graph, impossible)).collect(),
            blocked: schedule.blocked,
            what_if: Vec::new(),
        }
    }

    /// Says it under a heading.
    pub(super) fn describe(&self, document: &mut Document) {
        let count: u64 = self.builders.iter().map(|builders| u64::from(builders.count)).sum();
        document.heading(format!("Schedule on {} {}", number(count), if count == 1 { "builder" } else { "builders" }));
        document.table(self.builder_table());
        document.lines(self.lines());
        document.section("What no machine can build", self.impossible_table());
        document.section("Critical path: each begins when the one before it ends", self.critical_table());
        document.section("What if a package were cached, or pinned to its old inputs", self.what_if_table());
    }

    fn lines(&self) -> Vec<String> {
        let builds = counted(self.derivations, "derivation", "derivations");
        let mut lines =
            vec![format!("Makespan: {} for {builds}; builders are in use for {}.", said(self.makespan), percent(self.utilisation))];
        if self.lower_bound > 0.0 {
            let so = match self.makespan / self.lower_bound - 1.0 {
                over if over > 0.0 => format!("so this is at most {} above the best", percent(over)),
                _ => "so none is faster than this".to_owned(),
            };
            lines.push(format!(
                "No schedule is below {} (longest chain {}, work {}, both {}), {so}; no order takes more than {}.",
                said(self.lower_bound),
                said(self.lower_bounds.chain),
                said(self.lower_bounds.work),
                said(self.lower_bounds.window),
                said(self.upper_bound)
            ));
        }
        lines.extend(self.critical_line());
        lines.extend(self.impossible_line());
        lines
    }

    /// All builders.
    pub(super) fn builder_count(&self) -> usize {
        self.builders.iter().map(|builders| builders.count as usize).sum()
    }

    /// The slowest builds of the critical path.
    pub(super) fn slowest(&self) -> Vec<String> {
        let mut slowest: Vec<&CriticalReport> = self.critical_path.iter().collect();
        slowest.sort_by(|a, b| b.hours.total_cmp(&a.hours));
        slowest.iter().take(SLOWEST).map(|link| format!("{} {}", link.label, said(link.hours))).collect()
    }

    /// What nobody can build, if there is something.
    pub(super) fn impossible_line(&self) -> Option<String> {
        let impossible: usize = self.impossible.iter().map(|impossible| impossible.derivations).sum();
        let blocked = counted(self.blocked, "other needs", "others need");
        let derivations = counted(impossible, "derivation", "derivations");
        (impossible > 0).then(|| format!("Not built: {derivations}, which no machine can build; {blocked} them."))
    }

    fn critical_line(&self) -> Option<String> {
        let slowest = self.slowest();
        let builds = counted(self.critical_path.len() + self.critical_path_omitted, "build", "builds");
        let waits = number(self.critical_path_waits as u64);
        let slowest = slowest.join(", ");
        (!slowest.is_empty()).then(|| format!("Critical path: {builds}, {waits} of which waited for a builder; slowest: {slowest}."))
    }

    fn builder_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Text("builders"),
            Column::Number("count"),
            Column::Detail("speed"),
            Column::Number("builds"),
            Column::Number("building"),
            Column::Number("in use"),
        ]);
        let row = |builders: &BuildersReport| {
            vec![
                builders.name.clone(),
                number(builders.count),
                builders.speed.to_string(),
                number(builders.builds as u64),
                said(builders.hours),
                percent(builders.utilisation),
            ]
        };
        table.rows = self.builders.iter().map(row).collect();
        table
    }

    fn impossible_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Word("system"),
            Column::Text("features"),
            Column::Text("the fleet lacks"),
            Column::Number("derivations"),
            Column::Detail("blocked"),
            Column::Text("among them"),
        ]);
        let row = |impossible: &ImpossibleReport| {
            vec![
                impossible.system.clone(),
                impossible.features.join(" "),
                impossible.lacking(),
                number(impossible.derivations as u64),
                number(impossible.blocked as u64),
                impossible.labels.join(", "),
            ]
        };
        table.rows = self.impossible.iter().map(row).collect();
        table
    }

    fn critical_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Number("from"),
            Column::Number("build time"),
            Column::Detail("builders"),
            Column::Word("waited for"),
            Column::Text("package"),
        ]);
        let row = |link: &CriticalReport| {
            vec![said(link.start), said(link.hours), link.builders.clone(), link.waited_for.unwrap_or("–").to_owned(), link.label.clone()]
        };
        table.rows = self.critical_path.iter().map(row).collect();
        table.omitted = self.critical_path_omitted;
        table
    }

    fn what_if_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Text("package"),
            Column::Word("is"),
            Column::Number("derivations"),
            Column::Number("makespan"),
            Column::Detail("at least"),
            Column::Number("saved"),
        ]);
        let saved = |outcome: &OutcomeReport| match self.makespan - outcome.makespan {
            saved if saved < 0.0 => format!("-{}", said(-saved)),
            saved => said(saved),
        };
        let row = |package: &str, is: &str, outcome: &OutcomeReport| {
            let (makespan, lower) = (said(outcome.makespan), said(outcome.lower_bound));
            vec![package.to_owned(), is.to_owned(), number(outcome.derivations as u64), makespan, lower, saved(outcome)]
        };
        for what_if in &self.what_if {
            table.rows.push(row(&what_if.package, "cached", &what_if.cached));
            table.rows.push(row("", "pinned", &what_if.pinned));
        }
        table
    }
}

/// The slowest `limit` of a chain, in its order, and how many others there are.
fn slowest<T>(chain: Vec<T>, limit: usize, hours: impl Fn(&T) -> f64) -> (Vec<T>, usize) {
    let omitted = chain.len().saturating_sub(limit);
    let mut by_time: Vec<usize> = (0..chain.len()).collect();
    by_time.sort_by(|&a, &b| hours(&chain[b]).total_cmp(&hours(&chain[a])).then(a.cmp(&b)));
    let mut is_kept = vec![false; chain.len()];
    by_time.into_iter().take(limit).for_each(|at| is_kept[at] = true);
    let kept = chain.into_iter().zip(is_kept).filter(|(_, is_kept)| *is_kept).map(|(link, _)| link).collect();
    (kept, omitted)
}

impl BuildersReport {
    fn new(schedule: &Schedule, fleet: &Fleet, class: usize) -> Self {
        let (builds, busy) = schedule.classes[class];
        let builders = &fleet.classes()[class];
        Self {
            name: builders.name.clone(),
            count: builders.count,
            speed: f64::from(builders.speed_permille) / 1000.0,
            builds,
            hours: hours(busy),
            utilisation: share(schedule.utilisation_of(fleet, class)),
        }
    }
}

impl LinkReport {
    fn new(graph: &Graph, ix: DerivationIx, time: u64) -> Self {
        let derivation = graph.derivation(ix);
        Self { label: derivation.label().to_owned(), derivation: derivation.path(), hours: hours(time) }
    }
}

impl CriticalReport {
    fn new(graph: &Graph, build: &Build, fleet: &Fleet) -> Self {
        let derivation = graph.derivation(build.derivation);
        Self {
            label: derivation.label().to_owned(),
            derivation: derivation.path(),
            builders: fleet.classes()[build.class].name.clone(),
            start: hours(build.start),
            hours: hours(build.end - build.start),
            waited_for: match build.waited_for {
                WaitedFor::Nothing => None,
                WaitedFor::Input(_) => Some("input"),
                WaitedFor::Builder(_) => Some("builder"),
            },
        }
    }
}

impl ImpossibleReport {
    fn new(graph: &Graph, impossible: &Impossible) -> Self {
        let mut heaviest = impossible.derivations.clone();
        heaviest.sort_by_key(|&ix| (Reverse(graph.derivation(ix).rebuilt_derivations()), ix));
        let (lacks, missing) = match &impossible.lacks {
            Lacks::System => ("system", Vec::new()),
            Lacks::Features(missing) => ("features", missing.clone()),
            Lacks::Open => ("open", Vec::new()),
        };
        Self {
            system: impossible.system.clone(),
            features: impossible.features.clone(),
            lacks,
            missing,
            derivations: impossible.derivations.len(),
            labels: heaviest.into_iter().take(NAMED).map(|ix| graph.derivation(ix).label().to_owned()).collect(),
            blocked: impossible.blocked,
        }
    }

    fn lacking(&self) -> String {
        match self.lacks {
            "system" => "a machine for the system".to_owned(),
            "open" => "a machine without mandatory features".to_owned(),
            _ => self.missing.join(" "),
        }
    }
}

impl OutcomeReport {
    /// Of a schedule.
    pub fn new(schedule: &Schedule) -> Self {
        Self {
            derivations: schedule.builds.len(),
            makespan: hours(schedule.makespan),
            lower_bound: hours(schedule.bounds.lower),
            upper_bound: hours(schedule.bounds.upper),
        }
    }
}
