//! The report of `waves plan --updates`: also the file that `waves verify`, `explain`, `start` and `export` read.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport, system_line};
use super::schedule::{ScheduleReport, WhatIfReport};
use super::{Diagram, DiagramNode, FORMAT_VERSION, Report};
use crate::analysis::Scope;
use crate::graph::{DerivationIx, Graph};
use crate::major::{BOUND_IS_OF, Builds, Conflict, Effect, Hold, MajorWave, MinorWave, Point, Union, wave_name};
use crate::text::{counted, first_few, hours, number, rounded_hours};

/// A major wave.
#[derive(Clone, Debug, Serialize)]
pub struct MajorReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The number of the major wave.
    pub major: u32,
    /// `package` if an update takes in all derivations of its package, `exact` if only its attribute's own.
    pub scope: &'static str,
    /// The system that packages were looked for in; null for all.
    pub system: Option<String>,
    /// The updates, in the order of the list.
    pub updates: Vec<UpdateReport>,
    /// The minor waves, in order.
    pub waves: Vec<MinorWaveReport>,
    /// All waves together.
    pub totals: TotalsReport,
    /// What no plan can be better than whose waves hold no two updates of which one rebuilds the other.
    pub lower_bound: TotalsReport,
    /// Every update in a wave of its own.
    pub one_at_a_time: TotalsReport,
    /// All updates in one wave.
    pub all_at_once: TotalsReport,
    /// The best cut of the levels into each number of waves.
    pub frontier: Vec<PointReport>,
    /// What keeps its inputs.
    pub pins: Vec<PinReport>,
    /// Updates that are left out.
    pub skipped: Vec<SkippedReport>,
    /// Entries of the list that are no update.
    pub passed_over: Vec<PassedOverReport>,
    /// Updates that were put together, and groups that were not.
    pub unions: Vec<UnionReport>,
    /// Units that local search moved to a later level.
    pub moved: usize,
    #[serde(skip)]
    show_frontier: bool,
    #[serde(skip)]
    limit: usize,
}

/// An update.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateReport {
    /// The package, as `--root` names it.
    pub package: String,
    /// The version before, as the list says, else as the evaluation does; null if neither does.
    pub from: Option<String>,
    /// The version after; null if the list does not say it.
    pub to: Option<String>,
    /// The version in the evaluation, if the list says another.
    pub evaluated: Option<String>,
    /// The wave that it is in.
    pub wave: String,
    /// The group that it is of; null if of none.
    pub group: Option<String>,
    /// How much it matters that it is early.
    pub weight: f64,
    /// The probability that what it rebuilds breaks; null if nothing is said.
    pub risk: Option<f64>,
    /// Among others at one time, the larger comes first.
    pub urgency: f64,
    /// It has a wave to itself.
    pub solo: bool,
    /// Its derivations.
    pub derivations: usize,
    /// What it rebuilds, with what can only come with it.
    pub rebuilds: BuildsReport,
    /// Build hours of that; null without build times.
    pub hours: Option<f64>,
}

/// What is built, each time that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BuildsReport {
    /// Attributes, aliases included.
    pub attributes: u64,
    /// Derivations.
    pub derivations: u64,
}

impl From<Builds> for BuildsReport {
    fn from(builds: Builds) -> Self {
        Self { attributes: builds.attributes, derivations: builds.derivations }
    }
}

/// A minor wave.
#[derive(Clone, Debug, Serialize)]
pub struct MinorWaveReport {
    /// `wave-1.3`.
    pub name: String,
    /// Its first level, counted from 1.
    pub first_level: usize,
    /// Its last level.
    pub last_level: usize,
    /// The packages that it updates, what rebuilds most first.
    pub updates: Vec<String>,
    /// What it rebuilds.
    pub rebuilds: CountsReport,
    /// Build hours of one builder; null without build times.
    pub hours: Option<f64>,
    /// Updates of the wave that rebuild a derivation, on average: those that are suspected if it breaks.
    pub suspects: f64,
    /// What its levels would build more one by one; null if it has one.
    pub merging_saves: Option<CostedReport>,
    /// What an earlier wave of its level builds too; null if the level is one wave.
    pub splitting_costs: Option<CostedReport>,
    /// Hours that it takes on the builders; null without builders.
    pub makespan_hours: Option<f64>,
    /// How it is built on the builders; null without builders.
    pub schedule: Option<ScheduleReport>,
}

/// Builds, and their hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CostedReport {
    /// What is built.
    pub builds: BuildsReport,
    /// Build hours of one builder; null without build times.
    pub hours: Option<f64>,
}

/// Sums over waves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TotalsReport {
    /// Waves.
    pub waves: usize,
    /// What is built, each time that it is.
    pub builds: BuildsReport,
    /// Build hours of one builder; null without build times.
    pub hours: Option<f64>,
    /// What it is measured by, unrounded.
    #[serde(skip)]
    exact: Builds,
}

/// A cut of the levels into some number of waves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PointReport {
    /// Waves, what they build, and how long that takes.
    #[serde(flatten)]
    pub totals: TotalsReport,
    /// Expected hours of finding what broke; null without a risk, or without build times.
    pub rework_hours: Option<f64>,
    /// Whether the curve bends most here.
    pub knee: bool,
    /// Whether it is the plan.
    pub chosen: bool,
}

/// What keeps its inputs.
#[derive(Clone, Debug, Serialize)]
pub struct PinReport {
    /// The package, as `--root` names it.
    pub package: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds; null if none is said.
    pub until: Option<String>,
    /// Its derivations.
    pub derivations: usize,
    /// What the plan does not build because of it.
    pub saves: CostedReport,
    /// Old inputs of it that are kept beside the new ones.
    pub keeps: CostedReport,
    /// Packages that would hold two builds of one package of a one-version set.
    pub conflicts: Vec<ConflictReport>,
}

/// A package that would hold two builds of another.
#[derive(Clone, Debug, Serialize)]
pub struct ConflictReport {
    /// The package that would hold both.
    pub holder: String,
    /// The package of which there would be two builds.
    pub of: String,
    /// The set of which everything must agree on one.
    pub set: String,
    /// From the old one through the pinned package to the holder.
    pub old: Vec<String>,
    /// From the new one to the holder.
    pub new: Vec<String>,
}

/// An update that is left out.
#[derive(Clone, Debug, Serialize)]
pub struct SkippedReport {
    /// The package, as the list names it.
    pub package: String,
    /// Why.
    pub reason: String,
}

/// Entries of the list that are no update.
#[derive(Clone, Debug, Serialize)]
pub struct PassedOverReport {
    /// Why not.
    pub reason: String,
    /// How many.
    pub entries: usize,
}

/// Updates that were put together, or a group that was not.
#[derive(Clone, Debug, Serialize)]
pub struct UnionReport {
    /// `same-package`, `cycle`, `absorbed`, `rejected` or `idle`.
    pub kind: &'static str,
    /// The group; null where none is meant.
    pub group: Option<String>,
    /// The packages that were put together, or that a group took in.
    pub packages: Vec<String>,
    /// From one through another and back: each is rebuilt by the one before, or of one group with it.
    pub path: Vec<String>,
}

/// How much of a major wave the text tells; the JSON has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MajorDetail {
    /// Draw the best cut of the levels into each number of waves.
    pub frontier: bool,
    /// Updates that come together, and others that are left out: so many are listed.
    pub limit: usize,
}

/// Packages of a line of text.
const NAMED: usize = 8;
/// Cells of the longest bar.
const BAR: u64 = 16;

impl MajorReport {
    /// Of a plan.
    pub fn new(major: u32, plan: &MajorWave<'_>, detail: MajorDetail) -> Self {
        let graph = plan.graph;
        let timed = |builds: Builds| plan.is_timed.then(|| rounded_hours(builds.seconds));
        let totals = |waves: usize, builds: Builds| TotalsReport { waves, builds: builds.into(), hours: timed(builds), exact: builds };
        let names: Vec<String> = (0..plan.waves.len()).map(|at| wave_name(major, at)).collect();
        let point = |point: &Point| PointReport {
            totals: totals(point.waves, point.builds),
            rework_hours: (plan.is_timed && point.rework > 0.0).then(|| (point.rework / 36.0).round() / 100.0),
            knee: point.is_knee,
            chosen: point.waves == plan.waves.len(),
        };
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            major,
            scope: if plan.scope == Scope::Package { "package" } else { "exact" },
            system: plan.system.clone(),
            updates: updates(graph, plan, &names, &timed),
            waves: plan.waves.iter().zip(&names).map(|(wave, name)| minor(plan, wave, name)).collect(),
            totals: totals(plan.waves.len(), plan.totals),
            lower_bound: totals(plan.least_waves, plan.lower_bound),
            one_at_a_time: totals(plan.units.units.len(), plan.one_at_a_time),
            all_at_once: totals(usize::from(!plan.targets.is_empty()), plan.all_at_once),
            frontier: plan.frontier.iter().map(point).collect(),
            pins: plan
                .holds
                .iter()
                .filter(|hold| !hold.is_over)
                .zip(&plan.effects)
                .map(|(hold, effect)| PinReport::new(plan, hold, effect))
                .collect(),
            skipped: skipped(plan),
            passed_over: plan
                .passed_over
                .iter()
                .map(|(reason, entries)| PassedOverReport { reason: reason.clone(), entries: *entries })
                .collect(),
            unions: unions(plan),
            moved: plan.moved,
            show_frontier: detail.frontier,
            limit: detail.limit,
        }
    }
}

impl MajorReport {
    /// The same with the schedule of each wave, in their order.
    #[must_use]
    pub fn with_schedules(mut self, schedules: impl IntoIterator<Item = ScheduleReport>) -> Self {
        for (wave, schedule) in self.waves.iter_mut().zip(schedules) {
            wave.makespan_hours = Some(schedule.makespan);
            wave.schedule = Some(schedule);
        }
        self
    }
}

fn minor(plan: &MajorWave<'_>, wave: &MinorWave, name: &str) -> MinorWaveReport {
    let costed = |builds: Builds| CostedReport { builds: builds.into(), hours: plan.is_timed.then(|| rounded_hours(builds.seconds)) };
    let packages = wave.units.iter().flat_map(|&unit| &plan.units.units[unit].targets);
    MinorWaveReport {
        name: name.to_owned(),
        first_level: wave.levels.start + 1,
        last_level: wave.levels.end,
        updates: packages.map(|&at| plan.targets[at].update.package.clone()).collect(),
        rebuilds: plan.graph.counts(&wave.rebuilds).into(),
        hours: costed(wave.builds).hours,
        suspects: (wave.suspects * 100.0).round() / 100.0,
        merging_saves: (wave.apart != wave.builds).then(|| costed(wave.apart - wave.builds)),
        splitting_costs: (wave.again != Builds::default()).then(|| costed(wave.again)),
        makespan_hours: None,
        schedule: None,
    }
}

fn updates(graph: &Graph, plan: &MajorWave<'_>, names: &[String], timed: &dyn Fn(Builds) -> Option<f64>) -> Vec<UpdateReport> {
    let mut wave_of = vec![0; plan.units.units.len()];
    for (at, wave) in plan.waves.iter().enumerate() {
        for &unit in &wave.units {
            wave_of[unit] = at;
        }
    }
    let mut unit_of = vec![0; plan.targets.len()];
    for (at, unit) in plan.units.units.iter().enumerate() {
        for &target in &unit.targets {
            unit_of[target] = at;
        }
    }
    let report = |(target, &unit): (&crate::major::Target, &usize)| {
        let evaluated = graph.derivation(target.face).version();
        let update = &target.update;
        UpdateReport {
            package: update.package.clone(),
            from: update.from.clone().or_else(|| (!evaluated.is_empty()).then(|| evaluated.to_owned())),
            to: update.to.clone(),
            evaluated: (update.from.as_deref().is_some_and(|from| from != evaluated)).then(|| evaluated.to_owned()),
            wave: names[wave_of[unit]].clone(),
            group: plan.units.units[unit].group.clone(),
            weight: update.weight,
            risk: update.risk,
            urgency: update.urgency,
            solo: update.solo,
            derivations: target.derivations.len(),
            rebuilds: plan.unit_builds[unit].into(),
            hours: timed(plan.unit_builds[unit]),
        }
    };
    plan.targets.iter().zip(&unit_of).map(report).collect()
}

/// What needs each other, and groups, before what is merely named twice.
fn unions(plan: &MajorWave<'_>) -> Vec<UnionReport> {
    let mut unions: Vec<UnionReport> = plan.units.unions.iter().map(UnionReport::new).collect();
    unions.sort_by_key(|union| union.kind == "same-package");
    unions
}

fn skipped(plan: &MajorWave<'_>) -> Vec<SkippedReport> {
    let over = plan.holds.iter().filter(|hold| hold.is_over).map(|hold| {
        let until = hold.until.as_ref().map_or("", |until| until.as_str());
        SkippedReport { package: hold.package.clone(), reason: format!("its pin ended on {until}: it is not pinned ({})", hold.reason) }
    });
    let left_out = plan.skipped.iter().map(|(update, why)| SkippedReport { package: update.package.clone(), reason: why.clone() });
    left_out.chain(over).collect()
}

impl PinReport {
    fn new(plan: &MajorWave<'_>, hold: &Hold, effect: &Effect) -> Self {
        let costed = |builds: Builds| CostedReport { builds: builds.into(), hours: plan.is_timed.then(|| rounded_hours(builds.seconds)) };
        let label = |ix: DerivationIx| plan.graph.derivation(ix).label().to_owned();
        let labels = |path: &[DerivationIx]| path.iter().copied().map(label).collect();
        let conflict = |conflict: &Conflict| ConflictReport {
            holder: label(conflict.holder),
            of: label(conflict.of),
            set: conflict.set.clone(),
            old: labels(&conflict.old),
            new: labels(&conflict.new),
        };
        Self {
            saves: costed(effect.saved),
            keeps: costed(effect.kept),
            conflicts: effect.conflicts.iter().map(conflict).collect(),
            package: hold.package.clone(),
            reason: hold.reason.clone(),
            until: hold.until.as_ref().map(|until| until.as_str().to_owned()),
            derivations: hold.derivations.len(),
        }
    }
}

impl UnionReport {
    fn new(union: &Union) -> Self {
        let report = |kind, group: Option<&String>, packages: &[String], path: &[String]| Self {
            kind,
            group: group.cloned(),
            packages: packages.to_vec(),
            path: path.to_vec(),
        };
        match union {
            Union::SamePackage { packages } => report("same-package", None, packages, &[]),
            Union::Cycle { packages, path } => report("cycle", None, packages, path),
            Union::Absorbed { group, packages, path } => report("absorbed", Some(group), packages, path),
            Union::Rejected { group, path } => report("rejected", Some(group), &[], path),
            Union::Idle { group, .. } => report("idle", Some(group), &[], &[]),
        }
    }

    fn line(&self) -> String {
        let packages = first_few(&self.packages, NAMED);
        let group = self.group.as_deref().unwrap_or_default();
        let path = || self.path.join(" → ");
        match self.kind {
            "same-package" => format!("{packages}: the same derivations, so one update."),
            "cycle" => format!("{packages} need each other, so they come together: {}.", path()),
            "absorbed" => format!("Group {group} takes in {packages}, which would have to come both before and after it: {}.", path()),
            "rejected" => format!("Group {group} is taken apart, for something would have to come both before and after it: {}.", path()),
            _ => format!("Group {group}: fewer than two of its packages are updated."),
        }
    }
}

impl TotalsReport {
    /// What a plan is measured by: build time where it is known, else derivations.
    fn weight(&self) -> f64 {
        (if self.hours.is_some() { self.exact.seconds } else { self.exact.derivations }) as f64
    }

    fn cells(&self) -> Vec<String> {
        let counts = [number(self.waves as u64), number(self.builds.attributes), number(self.builds.derivations)];
        counts.into_iter().chain(self.hours.map(hours)).collect()
    }
}

/// `1.23 ×`
fn times(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.2} ×", part / whole) } else { "–".to_owned() }
}

/// A bar for a share of the largest.
#[expect(clippy::cast_sign_loss, reason = "shares are not below 0")]
fn bar(part: f64, whole: f64) -> String {
    let cells = if whole > 0.0 { (part / whole * BAR as f64).ceil() as usize } else { 0 };
    "█".repeat(cells)
}

impl Report for MajorReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(self.system.as_deref().map(system_line));
        let (updates, waves) = (counted(self.updates.len(), "update", "updates"), counted(self.waves.len(), "wave", "waves"));
        document.heading(format!("wave-{}: {updates} in {waves}", self.major));
        document.table(self.totals_table());
        document.lines(self.quality());
        if self.show_frontier {
            // Where an update wants a wave to itself, not every order was tried.
            let tried = if self.updates.iter().any(|update| update.solo) { ", of those that were tried" } else { "" };
            document.heading(format!("Waves against builds: the best cut of the levels into so many waves{tried}"));
            document.table(self.frontier_table());
        }
        document.heading("Minor waves, from roots to leaves");
        document.table(self.wave_table());
        document.lines(self.choices());
        self.schedules(&mut document);
        if !self.unions.is_empty() {
            document.heading("What comes together");
            document.lines(self.unions.iter().take(self.limit).map(UnionReport::line));
            if self.unions.len() > self.limit {
                document.line(format!("… and {} more (--limit shows more)", number((self.unions.len() - self.limit) as u64)));
            }
        }
        self.pinned(&mut document);
        self.left_out(&mut document);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["updates", "waves", "frontier"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let node = |(at, wave): (usize, &MinorWaveReport)| DiagramNode {
            lines: vec![
                wave.name.clone(),
                first_few(&wave.updates, NAMED),
                counted(wave.rebuilds.derivations, "derivation", "derivations"),
            ],
            is_root: at == 0,
            count: 1,
        };
        let nodes = self.waves.iter().enumerate().map(node).collect();
        Some(Diagram::chain(format!("The minor waves of wave-{}", self.major), nodes, self.limit))
    }
}

impl MajorReport {
    fn is_timed(&self) -> bool {
        self.totals.hours.is_some()
    }

    fn totals_table(&self) -> Table {
        let mut columns = vec![Column::Word(""), Column::Number("waves"), Column::Number("attributes"), Column::Number("derivations")];
        columns.extend(self.is_timed().then_some(Column::Number("build time")));
        columns.push(Column::Detail("of the bound"));
        let mut table = Table::new(&columns);
        let rows = [
            ("this plan", self.totals),
            ("lower bound", self.lower_bound),
            ("one at a time", self.one_at_a_time),
            ("all at once", self.all_at_once),
        ];
        for (name, totals) in rows {
            let cells = std::iter::once(name.to_owned()).chain(totals.cells());
            table.rows.push(cells.chain([times(totals.weight(), self.lower_bound.weight())]).collect());
        }
        table
    }

    /// How good the plan is, in words.
    fn quality(&self) -> Vec<String> {
        let (plan, bound) = (self.totals.exact, self.lower_bound.exact);
        // Times may be too short to count, and then derivations do.
        let gap = |plan: u64, bound: u64| (plan as f64 / bound as f64 - 1.0) * 100.0;
        let gap = if bound.seconds > 0 { gap(plan.seconds, bound.seconds) } else { gap(plan.derivations, bound.derivations) };
        let mut lines = vec![match self.totals.waves == self.lower_bound.waves {
            _ if self.waves.is_empty() => "There is nothing to plan.".to_owned(),
            true if plan == bound => {
                "Optimal: no plan that takes each update after what it needs, and apart from it, has fewer waves or builds anything less often."
                    .to_owned()
            }
            true if gap >= 0.0 => format!("Within {:.1} % of the bound, with as few waves as there can be.", gap.max(0.1)),
            _ => BOUND_IS_OF.to_owned(),
        }];
        if self.moved > 0 {
            lines.push(format!("{} later than needed, for less is built then.", counted(self.moved, "update comes", "updates come")));
        }
        lines
    }

    fn wave_table(&self) -> Table {
        let mut columns =
            vec![Column::Word("wave"), Column::Number("updates"), Column::Detail("attributes"), Column::Number("derivations")];
        columns.extend(self.is_timed().then_some(Column::Number("build time")));
        columns.extend([Column::Path(""), Column::Detail("suspects"), Column::Text("updated")]);
        let mut table = Table::new(&columns);
        let weight = |wave: &MinorWaveReport| wave.hours.unwrap_or(wave.rebuilds.derivations as f64);
        let largest = self.waves.iter().map(weight).fold(0.0, f64::max);
        for wave in &self.waves {
            let counts = [wave.updates.len() as u64, wave.rebuilds.attributes as u64, wave.rebuilds.derivations as u64];
            let mut cells = vec![wave.name.clone()];
            cells.extend(counts.map(number));
            cells.extend(wave.hours.map(hours));
            cells.extend([bar(weight(wave), largest), format!("{:.1}", wave.suspects), first_few(&wave.updates, NAMED)]);
            table.rows.push(cells);
        }
        table
    }

    /// What merging and taking apart save and cost.
    fn choices(&self) -> Vec<String> {
        let line = |wave: &MinorWaveReport| {
            let merged = wave
                .merging_saves
                .map(|saved| format!("{} merges levels {} to {}: saves {}.", wave.name, wave.first_level, wave.last_level, saved.text()));
            let split = wave
                .splitting_costs
                .map(|costs| format!("{} is a part of level {}: builds {} once more.", wave.name, wave.first_level, costs.text()));
            merged.or(split)
        };
        self.waves.iter().filter_map(line).collect()
    }

    /// How long each wave takes on the builders, and why.
    fn schedules(&self, document: &mut Document) {
        let mut table = Table::new(&[
            Column::Word("wave"),
            Column::Number("takes"),
            Column::Number("at least"),
            Column::Detail("at most"),
            Column::Detail("busy"),
            Column::Text("critical path"),
        ]);
        let schedules = self.waves.iter().filter_map(|wave| Some((wave, wave.schedule.as_ref()?)));
        for (wave, schedule) in schedules.clone() {
            let times = [schedule.makespan, schedule.lower_bound, schedule.upper_bound].map(hours);
            let busy = format!("{:.0} %", schedule.utilisation * 100.0);
            table.rows.push([wave.name.clone()].into_iter().chain(times).chain([busy, schedule.slowest().join(", ")]).collect());
        }
        let builders = schedules.clone().next().map(|(_, schedule)| schedule.builder_count());
        document.section(format!("On {}", counted(builders.unwrap_or(0), "builder", "builders")), table);
        let total: f64 = schedules.clone().map(|(_, schedule)| schedule.makespan).sum();
        if builders.is_some() {
            document.line(format!("One wave after the other: {}.", hours(total)));
        }
        for (wave, line) in schedules.clone().filter_map(|(wave, schedule)| Some((wave, schedule.impossible_line()?))) {
            document.line(format!("{}: {line}", wave.name));
        }
        self.what_if(document);
    }

    /// What all waves take together if a package were cached, or pinned.
    fn what_if(&self, document: &mut Document) {
        let schedules = || self.waves.iter().filter_map(|wave| wave.schedule.as_ref());
        let total: f64 = schedules().map(|schedule| schedule.makespan).sum();
        let mut table = Table::new(&[Column::Text("package"), Column::Word("is"), Column::Number("all waves"), Column::Number("saved")]);
        for (at, package) in schedules().next().into_iter().flat_map(|schedule| &schedule.what_if).enumerate() {
            let sum = |makespan: fn(&WhatIfReport) -> f64| schedules().map(|schedule| makespan(&schedule.what_if[at])).sum::<f64>();
            for (is, takes) in [("cached", sum(|what_if| what_if.cached.makespan)), ("pinned", sum(|what_if| what_if.pinned.makespan))] {
                let saved = if takes > total { format!("-{}", hours(takes - total)) } else { hours(total - takes) };
                table.rows.push(vec![package.package.clone(), is.to_owned(), hours(takes), saved]);
            }
        }
        document.section("What if", table);
    }

    fn frontier_table(&self) -> Table {
        let mut columns = vec![Column::Number("waves"), Column::Number("attributes"), Column::Number("derivations")];
        columns.extend(self.is_timed().then_some(Column::Number("build time")));
        let has_rework = self.frontier.iter().any(|point| point.rework_hours.is_some());
        columns.extend(has_rework.then_some(Column::Number("finding faults")));
        columns.extend([Column::Path(""), Column::Word("")]);
        let mut table = Table::new(&columns);
        let largest = self.frontier.iter().map(|point| point.totals.weight()).fold(0.0, f64::max);
        for point in &self.frontier {
            let mark = match (point.chosen, point.knee) {
                (true, true) => "this plan, knee",
                (true, false) => "this plan",
                (false, true) => "knee",
                (false, false) => "",
            };
            let mut cells = point.totals.cells();
            cells.extend(has_rework.then(|| point.rework_hours.map_or_else(|| "–".to_owned(), hours)));
            cells.extend([bar(point.totals.weight(), largest), mark.to_owned()]);
            table.rows.push(cells);
        }
        table
    }

    /// What pins would break.
    fn conflicts(&self, document: &mut Document) {
        let conflicts: Vec<&ConflictReport> = self.pins.iter().flat_map(|pin| &pin.conflicts).collect();
        let mut table = Table::new(&[
            Column::Word("would hold two"),
            Column::Word("of"),
            Column::Text("the old one by"),
            Column::Text("the new one by"),
        ]);
        let row = |conflict: &&ConflictReport| {
            vec![conflict.holder.clone(), conflict.of.clone(), conflict.old.join(" → "), conflict.new.join(" → ")]
        };
        table.rows = conflicts.iter().take(self.limit).map(row).collect();
        table.omitted = conflicts.len() - table.rows.len();
        document.section("Conflicts of pins, in sets that hold one version of each package", table);
    }

    fn pinned(&self, document: &mut Document) {
        if !self.pins.is_empty() {
            document.heading("Pinned: they keep their inputs");
            let mut table = Table::new(&[
                Column::Text("package"),
                Column::Word("until"),
                Column::Number("saves"),
                Column::Number("keeps old"),
                Column::Number("conflicts"),
                Column::Text("reason"),
            ]);
            let row = |pin: &PinReport| {
                let until = pin.until.clone().unwrap_or_else(|| "–".to_owned());
                let counts = [pin.saves.text(), pin.keeps.text(), number(pin.conflicts.len() as u64)];
                [pin.package.clone(), until].into_iter().chain(counts).chain([pin.reason.clone()]).collect()
            };
            table.rows = self.pins.iter().map(row).collect();
            document.table(table);
            self.conflicts(document);
        }
    }

    fn left_out(&self, document: &mut Document) {
        if !self.skipped.is_empty() {
            document.heading("Left out");
            let mut table = Table::new(&[Column::Text("package"), Column::Text("why")]);
            table.rows =
                self.skipped.iter().take(self.limit).map(|skipped| vec![skipped.package.clone(), skipped.reason.clone()]).collect();
            table.omitted = self.skipped.len() - table.rows.len();
            document.table(table);
        }
        let others = self.updates.iter().filter(|update| update.evaluated.is_some()).count();
        let mut notes: Vec<String> = self
            .passed_over
            .iter()
            .map(|passed| format!("{} passed over: {}.", counted(passed.entries, "entry", "entries"), passed.reason))
            .collect();
        if others > 0 {
            notes.push(format!("{} from another version than the evaluation has.", counted(others, "update is", "updates are")));
        }
        if !notes.is_empty() {
            document.heading("Notes");
            document.lines(notes);
        }
    }
}

impl CostedReport {
    /// Hours where they are known, else derivations.
    fn text(&self) -> String {
        self.hours.map_or_else(|| counted(self.builds.derivations as usize, "derivation", "derivations"), hours)
    }
}
