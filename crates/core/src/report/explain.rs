//! The report of `waves explain`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::{EvaluationReport, RootReport};
use super::{FORMAT_VERSION, Report};
use crate::analysis::Root;
use crate::graph::Graph;
use crate::major::{Hit, PlanFile};
use crate::text::{counted, hours, number};

/// Which waves rebuild a package, and why.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The package.
    pub package: RootReport,
    /// The wave that updates it; null if none does.
    pub updated_by: Option<String>,
    /// Why it keeps its inputs; null if it is not pinned.
    pub pinned: Option<String>,
    /// The waves that rebuild it, in order.
    pub waves: Vec<HitReport>,
    /// The waves of the plan.
    pub of_waves: usize,
}

/// A wave that rebuilds the package.
#[derive(Clone, Debug, Serialize)]
pub struct HitReport {
    /// `wave-1.3`.
    pub wave: String,
    /// The package's derivations that it rebuilds.
    pub derivations: usize,
    /// Whether it updates the package itself.
    pub updates_it: bool,
    /// Hours until it begins, if each wave begins when the one before has ended: of the planned builders, else of one; null
    /// without build times.
    pub begins_after_hours: Option<f64>,
    /// The hours that it takes; null without build times.
    pub hours: Option<f64>,
    /// The updates that rebuild it, nearest first.
    pub causes: Vec<HitCauseReport>,
    /// Updates that were left out.
    pub causes_omitted: usize,
}

/// An update that rebuilds the package.
#[derive(Clone, Debug, Serialize)]
pub struct HitCauseReport {
    /// The updated package.
    pub package: String,
    /// Its version before; null if unknown.
    pub from: Option<String>,
    /// Its version after; null if unknown.
    pub to: Option<String>,
    /// From it to the package; each is rebuilt by the one before.
    pub path: Vec<String>,
}

impl ExplainReport {
    /// Of a package in a plan; causes of each wave are cut after `limit`.
    pub fn new(graph: &Graph, plan: &PlanFile, package: &Root, hits: &[Hit], limit: usize) -> Self {
        let names: Vec<&str> = package.derivations.iter().flat_map(|&ix| graph.derivation(ix).attributes()).map(|a| a.path()).collect();
        let is_it = |name: &str| name == package.selector || names.contains(&name);
        let hours: Vec<Option<f64>> = plan.waves.iter().map(|wave| wave.makespan_hours.or(wave.hours)).collect();
        let version = |package: &str| plan.updates.iter().find(|update| update.package == package);
        let hit = |hit: &Hit| HitReport {
            wave: plan.waves[hit.wave].name.clone(),
            derivations: hit.derivations,
            updates_it: hit.is_update,
            // A sum of nothing is -0.0.
            begins_after_hours: hours[hit.wave].and_then(|_| hours[..hit.wave].iter().try_fold(0.0, |sum, hours| Some(sum + (*hours)?))),
            hours: hours[hit.wave],
            causes: hit
                .causes
                .iter()
                .take(limit)
                .map(|cause| HitCauseReport {
                    package: cause.package.clone(),
                    from: version(&cause.package).and_then(|update| update.from.clone()),
                    to: version(&cause.package).and_then(|update| update.to.clone()),
                    path: cause.path.iter().map(|&ix| graph.derivation(ix).label().to_owned()).collect(),
                })
                .collect(),
            causes_omitted: hit.causes.len().saturating_sub(limit),
        };
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            package: RootReport::new(graph, package),
            updated_by: hits.iter().find(|hit| hit.is_update).map(|hit| plan.waves[hit.wave].name.clone()),
            pinned: plan.pins.iter().find(|pin| is_it(&pin.package)).map(|pin| pin.reason.clone()),
            waves: hits.iter().map(hit).collect(),
            of_waves: plan.waves.len(),
        }
    }
}

impl Report for ExplainReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.line(self.package.line());
        document.heading(format!(
            "{} is rebuilt by {} of {}",
            self.package.label,
            number(self.waves.len() as u64),
            counted(self.of_waves, "wave", "waves")
        ));
        match (&self.pinned, &self.updated_by) {
            (Some(reason), _) => document.line(format!("It is pinned, and keeps its inputs: {reason}.")),
            (None, Some(wave)) => document.line(format!("{wave} updates it; from then on it is locked.")),
            (None, None) => document.line("No wave updates it."),
        }
        let is_timed = self.waves.iter().any(|wave| wave.hours.is_some());
        let mut columns = vec![Column::Word("wave"), Column::Detail("derivations")];
        columns.extend(is_timed.then_some(Column::Number("begins after")));
        columns.extend([Column::Text("because of"), Column::Text("by way of")]);
        let mut table = Table::new(&columns);
        for wave in &self.waves {
            for (at, cause) in wave.causes.iter().enumerate() {
                let first = |cell: String| if at == 0 { cell } else { String::new() };
                let mut cells = vec![first(wave.wave.clone()), first(number(wave.derivations as u64))];
                cells.extend(is_timed.then(|| first(wave.begins_after_hours.map_or_else(|| "–".to_owned(), hours))));
                let versions = match (&cause.from, &cause.to) {
                    (Some(from), Some(to)) => format!(" {from} → {to}"),
                    (None, Some(to)) => format!(" → {to}"),
                    _ => String::new(),
                };
                cells.extend([format!("{}{versions}", cause.package), cause.path.join(" → ")]);
                table.rows.push(cells);
            }
            if wave.causes_omitted > 0 {
                let mut cells = vec![String::new(); columns.len()];
                cells[columns.len() - 2] = format!("… and {} more", number(wave.causes_omitted as u64));
                table.rows.push(cells);
            }
        }
        document.table(table);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["waves"]
    }
}
