//! The report of `waves rank`.

use serde::Serialize;

use super::cost::{ClosureCostReport, CostReport, share};
use super::document::{Column, Document, Table};
use super::evaluation::{EvaluationReport, system_line};
use super::{Diagram, FORMAT_VERSION, Report};
use crate::analysis::RankOptions;
use crate::cost::{Costs, Estimates};
use crate::graph::{Graph, Package, Precision};
use crate::text::{duration, number};

/// Packages by what a change of them rebuilds.
#[derive(Clone, Debug, Serialize)]
pub struct RankReport<'g> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The packages, those that rebuild most first.
    pub packages: Vec<RankedPackage>,
    /// Packages that were left out.
    pub packages_omitted: usize,
    /// What the whole evaluation costs, built from nothing; null if nothing is known of it.
    pub cost: Option<CostReport>,
    /// How exact the costs of the packages are; null if they are exact, or not known.
    pub approximate: Option<ApproximateReport>,
    #[serde(skip)]
    system: Option<String>,
    #[serde(skip)]
    only_named: bool,
    #[serde(skip)]
    graph: &'g Graph,
    #[serde(skip)]
    ranked: &'g [Package<'g>],
    #[serde(skip)]
    limit: usize,
}

/// How exact estimates are.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ApproximateReport {
    /// Independent rounds.
    pub rounds: usize,
    /// Standard error as a share of what is estimated.
    pub relative_standard_error: f64,
}

/// A package and what it rebuilds.
#[derive(Clone, Debug, Serialize)]
pub struct RankedPackage {
    /// Its attribute, or its name.
    pub package: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// Its own derivations.
    pub derivations: usize,
    /// Exact number of attributes that it rebuilds, its own included.
    pub rebuilds_attributes: u32,
    /// Exact number of derivations that it rebuilds, its own included.
    pub rebuilds_derivations: u32,
    /// What that costs; null if nothing is known of it.
    pub cost: Option<ClosureCostReport>,
}

impl<'g> RankReport<'g> {
    /// Of ranked packages, and of what is known of costs, by estimate if there is one; the list is cut after `limit`.
    pub fn new(
        graph: &'g Graph,
        ranked: &'g [Package<'g>],
        costs: Option<&Costs<'_>>,
        estimates: Option<&Estimates>,
        limit: usize,
    ) -> Self {
        let shown = &ranked[..ranked.len().min(limit)];
        let shown_costs = ClosureCostReport::of_packages(costs, estimates, shown);
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            packages: shown.iter().zip(shown_costs).map(|(package, cost)| RankedPackage::new(*package, cost)).collect(),
            packages_omitted: ranked.len() - shown.len(),
            cost: CostReport::new(costs, &graph.full_set(), &[], limit),
            approximate: estimates.map(|estimates| ApproximateReport::new(estimates.precision())),
            system: None,
            only_named: false,
            graph,
            ranked,
            limit,
        }
    }

    /// The same, whose text says which packages were chosen.
    #[must_use]
    pub fn chosen_by(self, options: RankOptions<'_>) -> Self {
        Self { system: options.system.map(str::to_owned), only_named: options.only_named, ..self }
    }
}

impl ApproximateReport {
    fn new(precision: Precision) -> Self {
        Self { rounds: precision.rounds(), relative_standard_error: precision.relative_standard_error() }
    }

    fn line(self) -> String {
        format!(
            "Costs of packages are estimates from {} rounds: each has a standard error of {:.1} %, and those that rebuild nearly the same \
             err alike. Counts are exact.",
            number(self.rounds as u64),
            self.relative_standard_error * 100.0
        )
    }
}

impl RankedPackage {
    fn new(package: Package<'_>, cost: Option<ClosureCostReport>) -> Self {
        let face = package.face();
        Self {
            package: face.label().to_owned(),
            version: face.version().to_owned(),
            derivations: package.derivations().len(),
            rebuilds_attributes: package.rebuilt_attributes(),
            rebuilds_derivations: package.rebuilt_derivations(),
            cost,
        }
    }
}

impl Report for RankReport<'_> {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(self.system.as_deref().map(system_line));
        document.lines(self.only_named.then(|| "Only packages that have an attribute.".to_owned()));
        document.heading("What a change of a package rebuilds, itself included");
        let time = self.cost.as_ref().and_then(|cost| cost.total.time).map(|_| [Column::Number("build time"), Column::Detail("measured")]);
        let availability = self.cost.as_ref().and_then(|cost| cost.total.availability).map(|_| Column::Detail("to build"));
        let attributes = if time.is_some() { Column::Detail } else { Column::Number };
        let mut columns = vec![
            Column::Text("package"),
            Column::Word("version"),
            Column::Detail("derivations"),
            attributes("rebuilt attributes"),
            Column::Number("rebuilt derivations"),
        ];
        columns.extend(time.into_iter().flatten().chain(availability));
        let mut table = Table::new(&columns);
        table.rows = self.packages.iter().map(RankedPackage::cells).collect();
        table.omitted = self.packages_omitted;
        document.table(table);
        document.lines(self.approximate.map(ApproximateReport::line));
        if let Some(cost) = &self.cost {
            cost.describe("Cost of everything in the evaluation, built from nothing", &mut document);
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["packages"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let title = "Packages by what a change of them rebuilds".to_owned();
        let packages: Vec<_> = self.ranked.iter().map(|package| package.ix()).collect();
        let (members, no_roots) = (self.graph.full_set(), self.graph.empty_set());
        Some(Diagram::first_packages(title, self.graph, &members, &no_roots, &packages, packages.len(), self.limit))
    }
}

impl RankedPackage {
    fn cells(&self) -> Vec<String> {
        let counts = [number(self.derivations as u64), number(self.rebuilds_attributes), number(self.rebuilds_derivations)];
        let time = self.cost.and_then(|cost| cost.seconds.zip(cost.measured_seconds));
        let time = time.map(|(seconds, measured)| [duration(seconds), share(measured, seconds)]);
        let to_build = self.cost.and_then(|cost| cost.to_build_derivations).map(number);
        let cost = time.into_iter().flatten().chain(to_build);
        [self.package.clone(), self.version.clone()].into_iter().chain(counts).chain(cost).collect()
    }
}
