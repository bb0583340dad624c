//! The report of `waves plan diff`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::{FORMAT_VERSION, Report};
use crate::major::{PlanFile, PlannedTotals, moves};
use crate::text::{counted, hours, number};

/// What changed between two plans.
#[derive(Clone, Debug, Serialize)]
pub struct PlanDiffReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation of the plan before.
    pub before: PlanSideReport,
    /// Of the plan after.
    pub after: PlanSideReport,
    /// Updates that moved, came or went.
    pub moves: Vec<MoveReport>,
    /// Updates that were left out of `moves`.
    pub moves_omitted: usize,
    /// Packages pinned after, and not before.
    pub pinned: Vec<String>,
    /// Packages pinned before, and not after.
    pub unpinned: Vec<String>,
}

/// One of two plans.
#[derive(Clone, Debug, Serialize)]
pub struct PlanSideReport {
    /// The digest of its evaluation.
    pub evaluation: String,
    /// Its updates.
    pub updates: usize,
    /// Its waves.
    pub waves: usize,
    /// Attributes built, each time that they are.
    pub attributes: u64,
    /// Derivations built, each time that they are.
    pub derivations: u64,
    /// Build hours of one builder; null without build times.
    pub hours: Option<f64>,
}

/// An update that is not in both plans, or not in waves of the same name.
#[derive(Clone, Debug, Serialize)]
pub struct MoveReport {
    /// The package.
    pub package: String,
    /// Its wave before; null if there was none.
    pub before: Option<String>,
    /// Its wave after; null if there is none.
    pub after: Option<String>,
}

impl PlanSideReport {
    fn new(plan: &PlanFile) -> Self {
        let PlannedTotals { waves, builds, hours } = plan.totals;
        Self {
            evaluation: plan.evaluation.digest.clone(),
            updates: plan.updates.len(),
            waves,
            attributes: builds.attributes,
            derivations: builds.derivations,
            hours,
        }
    }
}

impl PlanDiffReport {
    /// Of two plans; the list of moves is cut after `limit`.
    pub fn new(before: &PlanFile, after: &PlanFile, limit: usize) -> Self {
        let moved = moves(before, after);
        let pins = |plan: &PlanFile, other: &PlanFile| {
            let is_new = |package: &String| !other.pins.iter().any(|pin| pin.package == *package);
            plan.pins.iter().map(|pin| pin.package.clone()).filter(is_new).collect()
        };
        Self {
            format_version: FORMAT_VERSION,
            before: PlanSideReport::new(before),
            after: PlanSideReport::new(after),
            moves_omitted: moved.len().saturating_sub(limit),
            moves: moved
                .into_iter()
                .take(limit)
                .map(|one| MoveReport { package: one.package, before: one.before, after: one.after })
                .collect(),
            pinned: pins(after, before),
            unpinned: pins(before, after),
        }
    }
}

impl Report for PlanDiffReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        let is_timed = self.before.hours.is_some() && self.after.hours.is_some();
        let mut columns = vec![
            Column::Word(""),
            Column::Number("updates"),
            Column::Number("waves"),
            Column::Number("attributes"),
            Column::Number("derivations"),
        ];
        columns.extend(is_timed.then_some(Column::Number("build time")));
        let mut table = Table::new(&columns);
        for (name, side) in [("before", &self.before), ("after", &self.after)] {
            let counts = [side.updates as u64, side.waves as u64, side.attributes, side.derivations].map(number);
            let hours = side.hours.filter(|_| is_timed).map(hours);
            table.rows.push(std::iter::once(name.to_owned()).chain(counts).chain(hours).collect());
        }
        document.table(table);
        if self.before.evaluation != self.after.evaluation {
            document.line(format!("They are of two evaluations: {} and {}.", self.before.evaluation, self.after.evaluation));
        }
        let moved = self.moves.len() + self.moves_omitted;
        document.heading(match moved {
            0 => "Every update is in the same wave".to_owned(),
            _ => format!("{} elsewhere", counted(moved, "update is", "updates are")),
        });
        let mut table = Table::new(&[Column::Text("package"), Column::Word("before"), Column::Word("after")]);
        let cell = |wave: &Option<String>| wave.clone().unwrap_or_else(|| "–".to_owned());
        table.rows = self.moves.iter().map(|one| vec![one.package.clone(), cell(&one.before), cell(&one.after)]).collect();
        table.omitted = self.moves_omitted;
        document.table(table);
        for (packages, what) in [(&self.pinned, "Pinned now"), (&self.unpinned, "No longer pinned")] {
            if !packages.is_empty() {
                document.line(format!("{what}: {}.", packages.join(", ")));
            }
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["moves"]
    }
}
