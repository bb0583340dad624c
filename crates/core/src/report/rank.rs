//! The report of `waves rank`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::EvaluationReport;
use super::{Diagram, FORMAT_VERSION, Report, number};
use crate::graph::{Derivation, DerivationSet, Graph, Package};

/// Packages by what a change of them rebuilds.
#[derive(Clone, Debug, Serialize)]
pub struct RankReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The packages, those that rebuild most first.
    pub packages: Vec<RankedPackage>,
    /// Packages that were left out.
    pub packages_omitted: usize,
    #[serde(skip)]
    diagram: Diagram,
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
}

impl RankReport {
    /// Of ranked packages; the list is cut after `limit`.
    pub fn new(graph: &Graph, ranked: &[Package<'_>], limit: usize) -> Self {
        let shown = &ranked[..ranked.len().min(limit)];
        let nodes = &shown[..shown.len().min(super::plan::DIAGRAM_NODES)];
        let members = DerivationSet::from_members(
            graph.derivation_count(),
            nodes.iter().flat_map(|package| package.derivations()).map(Derivation::ix),
        );
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            packages: shown.iter().map(|package| RankedPackage::new(*package)).collect(),
            packages_omitted: ranked.len() - shown.len(),
            diagram: Diagram::packages(graph, &members, &graph.empty_set(), nodes.len()),
        }
    }
}

impl RankedPackage {
    fn new(package: Package<'_>) -> Self {
        let face = package.face();
        Self {
            package: face.label().to_owned(),
            version: face.version().to_owned(),
            derivations: package.derivations().len(),
            rebuilds_attributes: package.rebuilt_attributes(),
            rebuilds_derivations: package.rebuilt_derivations(),
        }
    }
}

impl Report for RankReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.heading("What a change of a package rebuilds, itself included");
        let mut table = Table::new(&[
            Column::Text("package"),
            Column::Word("version"),
            Column::Detail("derivations"),
            Column::Number("rebuilt attributes"),
            Column::Number("rebuilt derivations"),
        ]);
        table.rows = self.packages.iter().map(RankedPackage::cells).collect();
        table.omitted = self.packages_omitted;
        document.table(table);
        document
    }

    fn item_keys(&self) -> &'static [&'static str] {
        &["packages"]
    }

    fn diagram(&self) -> Option<&Diagram> {
        Some(&self.diagram)
    }
}

impl RankedPackage {
    fn cells(&self) -> Vec<String> {
        let counts = [number(self.derivations as u64), number(self.rebuilds_attributes), number(self.rebuilds_derivations)];
        [self.package.clone(), self.version.clone()].into_iter().chain(counts).collect()
    }
}
