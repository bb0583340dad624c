//! The report of `waves plan`.

use serde::Serialize;

use super::cost::{BillReport, CostReport, share};
use super::document::{Column, Document, Table};
use super::evaluation::{COUNTS, CountsReport, EvaluationReport, RootReport, part_line, root_lines};
use super::schedule::ScheduleReport;
use super::{Diagram, DiagramNode, FORMAT_VERSION, Report, diagram};
use crate::cost::Costs;
use crate::graph::{DerivationIx, Direction, Graph, PackageIx};
use crate::plan::{Cycle, Plan, Wave};
use crate::text::{counted, duration, number, percent};

/// How much of a plan is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanDetail {
    /// A line for each wave.
    #[default]
    Waves,
    /// A line for each level too.
    Levels,
    /// The packages of each wave too.
    Packages,
}

/// The order in which a change is rebuilt.
#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The roots.
    pub roots: Vec<RootReport>,
    /// The system whose derivations alone are kept; null for all.
    pub system: Option<String>,
    /// The edges from a root that are followed at most; null for all.
    pub depth: Option<usize>,
    /// What is rebuilt besides the roots.
    pub dependents: CountsReport,
    /// Everything that is rebuilt.
    pub rebuilds: CountsReport,
    /// Packages that are rebuilt.
    pub packages: usize,
    /// The number of levels: no schedule has fewer steps.
    pub levels: usize,
    /// The waves.
    pub waves: Vec<WaveReport>,
    /// The levels one by one; empty unless they were asked for.
    pub level_sizes: Vec<LevelReport>,
    /// Packages that need each other.
    pub cycles: Vec<CycleReport>,
    /// Cycles that were left out.
    pub cycles_omitted: usize,
    /// What the rebuild costs; null if nothing is known of it.
    pub cost: Option<CostReport>,
    /// How long it takes on a fleet; null unless that was asked.
    pub schedule: Option<ScheduleReport>,
    #[serde(skip)]
    detail: PlanDetail,
    #[serde(skip)]
    limit: usize,
}

/// A wave.
#[derive(Clone, Debug, Serialize)]
pub struct WaveReport {
    /// What it is about.
    pub name: String,
    /// Its first level, counted from 1.
    pub first_level: usize,
    /// The number of its levels.
    pub levels: usize,
    /// Attributes that it rebuilds.
    pub attributes: usize,
    /// Derivations that it rebuilds.
    pub derivations: usize,
    /// Outputs that it rebuilds.
    pub outputs: usize,
    /// Packages that are complete with it.
    pub packages: usize,
    /// The packages in it that rebuild most.
    pub heaviest: Vec<String>,
    /// Its packages; empty unless they were asked for.
    pub members: Vec<String>,
    /// Packages that were left out of `members`.
    pub members_omitted: usize,
    /// What it costs; null if nothing is known of it.
    pub cost: Option<BillReport>,
}

/// A level.
#[derive(Clone, Debug, Serialize)]
pub struct LevelReport {
    /// Its number, counted from 1.
    pub level: usize,
    /// The wave that it is in, counted from 1.
    pub wave: usize,
    /// Derivations in it.
    pub derivations: usize,
    /// Some of them, those that rebuild most first.
    pub heaviest: Vec<String>,
}

/// Packages that need each other through different derivations: one unit.
#[derive(Clone, Debug, Serialize)]
pub struct CycleReport {
    /// The number of its packages.
    pub size: usize,
    /// Its packages, those that rebuild most first.
    pub packages: Vec<String>,
    /// Their rebuilt derivations.
    pub derivations: usize,
    /// The first wave that has one of them, counted from 1.
    pub first_wave: usize,
    /// The last.
    pub last_wave: usize,
}

/// Names that stand for a level or a cycle in the text.
const NAMED: usize = 4;

impl PlanReport {
    /// Of a plan, and of what is known of costs; lists are cut after `limit`.
    pub fn new(graph: &Graph, plan: &Plan<'_>, costs: Option<&Costs<'_>>, detail: PlanDetail, limit: usize) -> Self {
        let members = |wave: &Wave| if detail == PlanDetail::Packages { by_weight(graph, &wave.packages) } else { Vec::new() };
        let cost = |wave: &Wave| {
            let derivations = plan.levels[wave.levels.clone()].iter().flatten().copied();
            BillReport::new(costs, &graph.set_of(derivations))
        };
        let waves: Vec<_> = plan.waves.iter().map(|wave| WaveReport::new(graph, wave, members(wave), cost(wave), limit)).collect();
        let level_sizes = if detail == PlanDetail::Levels { level_reports(graph, plan) } else { Vec::new() };
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            system: plan.impact.system().map(str::to_owned),
            depth: plan.impact.depth(),
            dependents: plan.impact.dependent_counts().into(),
            rebuilds: plan.impact.rebuild_counts().into(),
            packages: plan.waves.iter().map(|wave| wave.packages.len()).sum(),
            levels: plan.levels.len(),
            roots: plan.roots.iter().map(|root| RootReport::new(graph, root)).collect(),
            waves,
            level_sizes,
            cycles: plan.cycles.iter().take(limit).map(|cycle| CycleReport::new(graph, cycle)).collect(),
            cycles_omitted: plan.cycles.len().saturating_sub(limit),
            cost: CostReport::new(costs, plan.impact.rebuilds(), &plan.roots, limit),
            schedule: None,
            detail,
            limit,
        }
    }

    /// The same with how long it takes on a fleet.
    #[must_use]
    pub fn with_schedule(self, schedule: Option<ScheduleReport>) -> Self {
        Self { schedule, ..self }
    }
}

impl WaveReport {
    fn new(graph: &Graph, wave: &Wave, mut members: Vec<String>, cost: Option<BillReport>, limit: usize) -> Self {
        let members_omitted = members.len().saturating_sub(limit);
        members.truncate(limit);
        Self {
            name: wave.name.clone(),
            first_level: wave.levels.start + 1,
            levels: wave.levels.len(),
            attributes: wave.counts.attributes,
            derivations: wave.counts.derivations,
            outputs: wave.counts.outputs,
            packages: wave.packages.len(),
            heaviest: wave.heaviest.iter().map(|&package| label(graph, package)).collect(),
            members,
            members_omitted,
            cost,
        }
    }

    /// Build time, what of it is measured, and derivations that have to be built: what of them is known.
    fn cost_cells(&self) -> Vec<String> {
        let Some(cost) = &self.cost else { return Vec::new() };
        let time = cost.time.map(|time| [duration(time.seconds), share(time.measured_seconds, time.seconds)]);
        let to_build = cost.availability.map(|availability| number(availability.to_build.counts.derivations as u64));
        time.into_iter().flatten().chain(to_build).collect()
    }

    fn span(&self) -> String {
        match self.levels {
            1 => self.first_level.to_string(),
            _ => format!("{}–{}", self.first_level, self.first_level + self.levels - 1),
        }
    }
}

impl CycleReport {
    fn new(graph: &Graph, cycle: &Cycle) -> Self {
        Self {
            size: cycle.packages.len(),
            packages: by_weight(graph, &cycle.packages),
            derivations: cycle.derivations,
            first_wave: cycle.waves.0 + 1,
            last_wave: cycle.waves.1 + 1,
        }
    }

    fn waves(&self) -> String {
        if self.first_wave == self.last_wave { self.first_wave.to_string() } else { format!("{}–{}", self.first_wave, self.last_wave) }
    }
}

fn label(graph: &Graph, package: PackageIx) -> String {
    graph.package(package).face().label().to_owned()
}

fn by_weight(graph: &Graph, packages: &[PackageIx]) -> Vec<String> {
    let mut packages = packages.to_vec();
    packages.sort_by_key(|&ix| (std::cmp::Reverse(graph.package(ix).rebuilt_derivations()), ix));
    packages.into_iter().map(|package| label(graph, package)).collect()
}

fn level_reports(graph: &Graph, plan: &Plan<'_>) -> Vec<LevelReport> {
    let wave_of = |level: usize| plan.waves.iter().position(|wave| wave.levels.contains(&level)).map_or(0, |wave| wave + 1);
    let heaviest = |level: &[DerivationIx]| {
        let mut level = level.to_vec();
        level.sort_by_key(|&ix| (std::cmp::Reverse(graph.derivation(ix).rebuilt_derivations()), ix));
        level.truncate(NAMED);
        level.into_iter().map(|ix| graph.derivation(ix).label().to_owned()).collect()
    };
    let report = |(at, level): (usize, &Vec<DerivationIx>)| LevelReport {
        level: at + 1,
        wave: wave_of(at),
        derivations: level.len(),
        heaviest: heaviest(level),
    };
    plan.levels.iter().enumerate().map(report).collect()
}

impl Report for PlanReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(root_lines(&self.roots));
        document.lines(part_line(self.system.as_deref(), self.depth, Direction::Dependents));
        let mut counts = Table::new(&COUNTS);
        counts.rows.push(std::iter::once("dependents".to_owned()).chain(self.dependents.cells()).collect());
        counts.rows.push(std::iter::once("rebuilds".to_owned()).chain(self.rebuilds.cells()).collect());
        document.table(counts);
        let (levels, waves) = (counted(self.levels, "level", "levels"), counted(self.waves.len(), "wave", "waves"));
        document.heading(format!("{} in {levels}, cut into {waves}", counted(self.packages, "package", "packages")));
        document.table(self.wave_table());
        if let Some(cost) = &self.cost {
            cost.describe("Cost of the rebuild", &mut document);
        }
        if let Some(schedule) = &self.schedule {
            schedule.describe(&mut document);
        }
        if self.detail == PlanDetail::Levels {
            document.heading("Levels");
            document.table(self.level_table());
        }
        if self.detail == PlanDetail::Packages {
            for (number, wave) in self.waves.iter().enumerate() {
                document.heading(format!("Wave {}: {}", number + 1, wave.name));
                let mut table = Table::new(&[Column::Text("package")]);
                table.rows = wave.members.iter().map(|member| vec![member.clone()]).collect();
                table.omitted = wave.members_omitted;
                document.table(table);
            }
        }
        if !self.cycles.is_empty() {
            document.heading("Packages that need each other: one unit each, built in steps");
            document.table(self.cycle_table());
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["waves", "level_sizes", "cycles"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let node = |(at, wave): (usize, &WaveReport)| DiagramNode {
            lines: vec![format!("{}. {}", at + 1, wave.name), counted(wave.derivations, "derivation", "derivations")],
            is_root: at == 0,
            count: 1,
        };
        let title = format!("The waves of a rebuild of {}", diagram::names(&self.roots));
        Some(Diagram::chain(title, self.waves.iter().enumerate().map(node).collect(), self.limit))
    }
}

impl PlanReport {
    fn wave_table(&self) -> Table {
        let time = self.cost.as_ref().and_then(|cost| cost.total.time).map(|_| [Column::Number("build time"), Column::Detail("measured")]);
        let availability = self.cost.as_ref().and_then(|cost| cost.total.availability).map(|_| Column::Detail("to build"));
        let mut columns = vec![
            Column::Number("wave"),
            Column::Word("levels"),
            Column::Detail("packages"),
            Column::Number("attributes"),
            Column::Number("derivations"),
            Column::Detail("done"),
        ];
        columns.extend(time.into_iter().flatten().chain(availability).chain([Column::Text("about")]));
        let mut table = Table::new(&columns);
        let mut done = 0;
        for (at, wave) in self.waves.iter().enumerate() {
            done += wave.derivations;
            let mut cells = vec![
                (at + 1).to_string(),
                wave.span(),
                number(wave.packages as u64),
                number(wave.attributes as u64),
                number(wave.derivations as u64),
                percent(done, self.rebuilds.derivations),
            ];
            cells.extend(wave.cost_cells());
            cells.push(wave.name.clone());
            table.rows.push(cells);
        }
        table
    }

    fn level_table(&self) -> Table {
        let mut table =
            Table::new(&[Column::Number("level"), Column::Number("wave"), Column::Number("derivations"), Column::Text("heaviest")]);
        let row = |level: &LevelReport| {
            vec![level.level.to_string(), level.wave.to_string(), number(level.derivations as u64), level.heaviest.join(", ")]
        };
        table.rows = self.level_sizes.iter().map(row).collect();
        table
    }

    fn cycle_table(&self) -> Table {
        let mut table =
            Table::new(&[Column::Number("packages"), Column::Number("derivations"), Column::Word("waves"), Column::Text("among them")]);
        let row = |cycle: &CycleReport| {
            let some: Vec<_> = cycle.packages.iter().take(NAMED).map(String::as_str).collect();
            vec![number(cycle.size as u64), number(cycle.derivations as u64), cycle.waves(), some.join(", ")]
        };
        table.rows = self.cycles.iter().map(row).collect();
        table.omitted = self.cycles_omitted;
        table
    }
}
