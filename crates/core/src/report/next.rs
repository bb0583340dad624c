//! The report of `waves next`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::graph::Derivation;
use crate::ledger::{Next, WaveName, WaveStatus};
use crate::text::{counted, number};

/// What may be built now.
#[derive(Clone, Debug, Serialize)]
pub struct NextReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation at hand.
    pub evaluation: EvaluationReport,
    /// The wave.
    pub wave: String,
    /// The wave behind it; null if it is the last.
    pub next_wave: Option<String>,
    /// Of the wave: everything that these need of it is built.
    pub ready: Vec<NextBuild>,
    /// Those that were left out.
    pub ready_omitted: usize,
    /// Of the wave: being built.
    pub building: Vec<NextBuild>,
    /// Those that were left out.
    pub building_omitted: usize,
    /// Of the next wave: they need nothing that this wave has not finished.
    pub safe: Vec<NextBuild>,
    /// Those that were left out.
    pub safe_omitted: usize,
    /// Of the next wave: they need something that this wave may still change.
    pub at_risk: Vec<NextBuild>,
    /// Those that were left out.
    pub at_risk_omitted: usize,
}

/// Something to build.
#[derive(Clone, Debug, Serialize)]
pub struct NextBuild {
    /// Its attribute, or its name.
    pub package: String,
    /// Its store path in this evaluation.
    pub derivation: String,
    /// What needs it, itself included.
    pub rebuilds_attributes: u32,
}

impl NextReport {
    /// Of what may be built; lists are cut after `limit`. What most needs comes first.
    pub fn new(status: &WaveStatus<'_>, next_wave: Option<WaveName>, next: &Next<'_>, limit: usize) -> Self {
        let list = |derivations: &[Derivation<'_>]| {
            let mut derivations = derivations.to_vec();
            derivations.sort_by_key(|derivation| (std::cmp::Reverse(derivation.rebuilt_attributes()), derivation.ix()));
            let omitted = derivations.len().saturating_sub(limit);
            (derivations.into_iter().take(limit).map(NextBuild::new).collect(), omitted)
        };
        let (ready, ready_omitted) = list(&next.ready);
        let (building, building_omitted) = list(&next.building);
        let (safe, safe_omitted) = list(&next.safe);
        let (at_risk, at_risk_omitted) = list(&next.at_risk);
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(status.graph),
            wave: status.name.to_string(),
            next_wave: next_wave.map(|wave| wave.to_string()),
            ready,
            ready_omitted,
            building,
            building_omitted,
            safe,
            safe_omitted,
            at_risk,
            at_risk_omitted,
        }
    }
}

impl NextBuild {
    fn new(derivation: Derivation<'_>) -> Self {
        Self { package: derivation.label().to_owned(), derivation: derivation.path(), rebuilds_attributes: derivation.rebuilt_attributes() }
    }
}

impl Report for NextReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        let count = self.ready.len() + self.ready_omitted;
        document.heading(format!("{}: {} may be built now", self.wave, counted(count, "derivation", "derivations")));
        document.table(table(&self.ready, self.ready_omitted, true));
        document.section("Being built", table(&self.building, self.building_omitted, true));
        if let Some(next) = &self.next_wave {
            document
                .section(format!("Of {next}, safe: nothing that these need is unfinished"), table(&self.safe, self.safe_omitted, false));
            document.section(
                format!("Of {next}, at risk: {} may still change what these need", self.wave),
                table(&self.at_risk, self.at_risk_omitted, false),
            );
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["ready", "building", "safe", "at_risk"]
    }
}

/// Builds of the next wave have another path when its updates are made.
fn table(builds: &[NextBuild], omitted: usize, with_path: bool) -> Table {
    let mut columns = vec![Column::Text("package"), Column::Number("needed by")];
    columns.extend(with_path.then_some(Column::Path("derivation")));
    let mut table = Table::new(&columns);
    let row = |build: &NextBuild| {
        let path = with_path.then(|| build.derivation.clone());
        [build.package.clone(), number(build.rebuilds_attributes)].into_iter().chain(path).collect()
    };
    table.rows = builds.iter().map(row).collect();
    table.omitted = omitted;
    table
}
