//! The reports of `waves history`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::CountsReport;
use super::info::date;
use super::{FORMAT_VERSION, Report};
use crate::history::{Evaluation, History, Rebuilds, Unresolved, UnresolvedReason};
use crate::store_path::base_name;
use crate::text::{bytes, counted, number, percent};

/// Evaluations of a history.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The history.
    pub history: HistoryFileReport,
    /// The evaluations, last added first.
    pub evaluations: Vec<HistoryEvaluationReport>,
    /// Evaluations that were left out.
    pub evaluations_omitted: usize,
}

/// A history as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryFileReport {
    /// The file.
    pub file: String,
    /// All evaluations.
    pub evaluations: usize,
    /// Distinct derivations of all evaluations.
    pub derivations: usize,
    /// Distinct input edges.
    pub edges: usize,
    /// Bytes of the file that count.
    pub bytes: u64,
    /// Bytes behind them of an evaluation that is not whole, and left out.
    pub torn_bytes: u64,
}

/// An evaluation of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEvaluationReport {
    /// Its number, from 1.
    pub number: usize,
    /// What it is called.
    pub label: String,
    /// Its time in seconds since 1970.
    pub time: u64,
    /// All attributes.
    pub attributes: usize,
    /// All derivations.
    pub derivations: usize,
    /// All distinct outputs.
    pub outputs: usize,
    /// Attributes that the one before does not have.
    pub added_attributes: usize,
    /// Attributes that only the one before has.
    pub removed_attributes: usize,
    /// Attributes of another derivation than before.
    pub changed_attributes: usize,
    /// Derivations that none before has.
    pub new_derivations: usize,
    /// Derivations that only the one before has.
    pub gone_derivations: usize,
    /// What it takes in the file.
    pub bytes: u64,
}

impl HistoryReport {
    /// Of all evaluations from number `first` on, counted from 0; the list is cut after `limit`.
    pub fn new(history: &History, first: usize, limit: usize) -> Self {
        let all = history.evaluations();
        let lines = all.iter().enumerate().skip(first).rev();
        let evaluations: Vec<_> = lines.take(limit).map(|(at, evaluation)| HistoryEvaluationReport::new(at, evaluation)).collect();
        Self {
            format_version: FORMAT_VERSION,
            history: HistoryFileReport::new(history),
            evaluations_omitted: all.len() - first - evaluations.len(),
            evaluations,
        }
    }
}

impl HistoryFileReport {
    fn new(history: &History) -> Self {
        Self {
            file: history.path().display().to_string(),
            evaluations: history.evaluations().len(),
            derivations: history.derivation_count(),
            edges: history.edge_count(),
            bytes: history.bytes(),
            torn_bytes: history.torn_bytes(),
        }
    }

    fn lines(&self, document: &mut Document) {
        let evaluations = counted(self.evaluations, "evaluation", "evaluations");
        let derivations = counted(self.derivations, "distinct derivation", "distinct derivations");
        document.line(format!("history {}: {evaluations}, {derivations}, {}", base_name(&self.file), bytes(self.bytes)));
        if self.torn_bytes > 0 {
            let torn = bytes(self.torn_bytes);
            document.line(format!(
                "Left out: {torn} at its end, of an evaluation that is not whole; the next `waves history add` cuts them off."
            ));
        }
    }
}

impl HistoryEvaluationReport {
    fn new(at: usize, evaluation: &Evaluation) -> Self {
        Self {
            number: at + 1,
            label: evaluation.label.clone(),
            time: evaluation.time,
            attributes: evaluation.attributes,
            derivations: evaluation.derivations,
            outputs: evaluation.outputs,
            added_attributes: evaluation.changes.added,
            removed_attributes: evaluation.changes.removed,
            changed_attributes: evaluation.changes.changed,
            new_derivations: evaluation.new_derivations,
            gone_derivations: evaluation.gone_derivations,
            bytes: evaluation.bytes,
        }
    }

    fn cells(&self) -> Vec<String> {
        let attributes = [self.attributes, self.added_attributes, self.removed_attributes, self.changed_attributes];
        let derivations = [self.derivations, self.new_derivations, self.gone_derivations];
        let counts = attributes.into_iter().chain(derivations).map(|count| number(count as u64));
        [self.label.clone(), date(self.time)].into_iter().chain(counts).chain([bytes(self.bytes)]).collect()
    }
}

impl Report for HistoryReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        self.history.lines(&mut document);
        document.heading("Evaluations, last added first, each against the one before");
        let mut table = Table::new(&[
            Column::Text("evaluation"),
            Column::Word("day"),
            Column::Number("attributes"),
            Column::Detail("added"),
            Column::Detail("removed"),
            Column::Detail("changed"),
            Column::Number("derivations"),
            Column::Detail("new"),
            Column::Detail("gone"),
            Column::Number("bytes"),
        ]);
        table.rows = self.evaluations.iter().map(HistoryEvaluationReport::cells).collect();
        table.omitted = self.evaluations_omitted;
        document.table(table);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["evaluations"]
    }
}

/// What a change rebuilds, evaluation by evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct HistoryRebuildsReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The history.
    pub history: HistoryFileReport,
    /// What was typed.
    pub selectors: Vec<String>,
    /// The evaluations, last added first.
    pub evaluations: Vec<HistoryRebuildReport>,
    /// Evaluations that were left out.
    pub evaluations_omitted: usize,
    /// Selectors that name nothing in some evaluations, and in how many.
    pub unresolved: Vec<UnresolvedCountReport>,
    #[serde(skip)]
    line: String,
}

/// What a change rebuilds in one evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRebuildReport {
    /// The number of the evaluation, from 1.
    pub number: usize,
    /// What it is called.
    pub label: String,
    /// Its time in seconds since 1970.
    pub time: u64,
    /// All attributes, derivations and outputs.
    pub all: CountsReport,
    /// Versions of what the selectors name.
    pub versions: Vec<String>,
    /// Derivations that change.
    pub root_derivations: usize,
    /// What is rebuilt, roots included; null if no selector names anything.
    pub rebuilds: Option<CountsReport>,
    /// Selectors that name nothing, and why. The counts are of the others.
    pub unresolved: Vec<UnresolvedReport>,
}

/// A selector that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnresolvedReport {
    /// What was typed.
    pub selector: String,
    /// Why it names nothing.
    pub reason: &'static str,
}

/// A selector that names nothing in some evaluations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnresolvedCountReport {
    /// What was typed.
    pub selector: String,
    /// Why it names nothing.
    pub reason: &'static str,
    /// In how many evaluations.
    pub evaluations: usize,
}

impl HistoryRebuildsReport {
    /// Of the answers for each evaluation of a history; the list is cut after `limit`.
    pub fn new(history: &History, selectors: &[String], rebuilds: &[Rebuilds<'_>], limit: usize) -> Self {
        let mut counted: BTreeMap<UnresolvedReport, usize> = BTreeMap::new();
        rebuilds.iter().flat_map(|rebuilds| &rebuilds.unresolved).for_each(|one| *counted.entry(one.into()).or_default() += 1);
        let unresolved = counted.into_iter();
        let lines = history.evaluations().iter().zip(rebuilds).enumerate().rev();
        let shown: Vec<_> =
            lines.take(limit).map(|(at, (evaluation, rebuilds))| HistoryRebuildReport::new(at, evaluation, rebuilds)).collect();
        Self {
            format_version: FORMAT_VERSION,
            history: HistoryFileReport::new(history),
            selectors: selectors.to_vec(),
            evaluations_omitted: rebuilds.len() - shown.len(),
            evaluations: shown,
            unresolved: unresolved
                .map(|(UnresolvedReport { selector, reason }, evaluations)| UnresolvedCountReport { selector, reason, evaluations })
                .collect(),
            line: sparkline(&rebuilds.iter().map(|rebuilds| rebuilds.counts.map(|counts| counts.derivations)).collect::<Vec<_>>()),
        }
    }
}

impl From<&Unresolved> for UnresolvedReport {
    fn from(unresolved: &Unresolved) -> Self {
        let reason = match unresolved.reason {
            UnresolvedReason::Unknown => "unknown",
            UnresolvedReason::NotEvaluated => "not-evaluated",
            UnresolvedReason::Ambiguous => "ambiguous",
        };
        Self { selector: unresolved.selector.clone(), reason }
    }
}

impl UnresolvedCountReport {
    fn line(&self) -> String {
        let evaluations = counted(self.evaluations, "evaluation", "evaluations");
        let why = match self.reason {
            "unknown" => format!("no such package in {evaluations}"),
            "not-evaluated" => format!("it does not evaluate in {evaluations}"),
            _ => format!("several packages have this pname in {evaluations} (hint: name an attribute)"),
        };
        format!("No count of `{}`: {why}.", self.selector)
    }
}

impl HistoryRebuildReport {
    fn new(at: usize, evaluation: &Evaluation, rebuilds: &Rebuilds<'_>) -> Self {
        Self {
            number: at + 1,
            label: evaluation.label.clone(),
            time: evaluation.time,
            all: CountsReport { attributes: evaluation.attributes, derivations: evaluation.derivations, outputs: evaluation.outputs },
            versions: rebuilds.versions.iter().map(|&version| version.to_owned()).collect(),
            root_derivations: rebuilds.roots,
            rebuilds: rebuilds.counts.map(CountsReport::from),
            unresolved: rebuilds.unresolved.iter().map(UnresolvedReport::from).collect(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let none = || "—".to_owned();
        let counts = self.rebuilds.map_or_else(|| [none(), none(), none()], CountsReport::cells);
        let share = self.rebuilds.map_or_else(none, |rebuilds| percent(rebuilds.derivations, self.all.derivations));
        let versions = if self.versions.len() > 1 { counted(self.versions.len(), "version", "versions") } else { self.versions.concat() };
        [self.label.clone(), date(self.time), versions].into_iter().chain(counts).chain([share]).collect()
    }
}

impl Report for HistoryRebuildsReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        self.history.lines(&mut document);
        document.lines(self.unresolved.iter().map(UnresolvedCountReport::line));
        if !self.line.is_empty() {
            document.line(format!("derivations, first added first: {}", self.line));
        }
        document.heading(format!("What a change of {} rebuilds in each evaluation, last added first", self.selectors.join(", ")));
        let mut table = Table::new(&[
            Column::Text("evaluation"),
            Column::Word("day"),
            Column::Text("version"),
            Column::Number("attributes"),
            Column::Number("derivations"),
            Column::Detail("outputs"),
            Column::Number("share"),
        ]);
        table.rows = self.evaluations.iter().map(HistoryRebuildReport::cells).collect();
        table.omitted = self.evaluations_omitted;
        document.table(table);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["evaluations", "unresolved"]
    }
}

/// Bars of a line that is drawn with text.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Bars at most.
const WIDTH: usize = 48;

/// Counts as a line of bars between the least and the most of them; each bar is the last count of its share of them, a blank if that
/// is none. Empty if there are no two counts.
fn sparkline(counts: &[Option<usize>]) -> String {
    let known = || counts.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else { return String::new() };
    if known().count() < 2 {
        return String::new();
    }
    let bar = |count: usize| BARS[((count - least) * (BARS.len() - 1) + (most - least) / 2).checked_div(most - least).unwrap_or(0)];
    let length = counts.len().min(WIDTH);
    let shown = |at: usize| counts[(at + 1) * counts.len() / length - 1];
    let bars: String = (0..length).map(|at| shown(at).map_or(' ', bar)).collect();
    format!("{bars} ({} to {})", number(least as u64), number(most as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_counts() {
        for (counts, line) in [
            (vec![], ""),
            (vec![Some(7)], ""),
            (vec![Some(7), None, Some(7)], "▁ ▁ (7 to 7)"),
            (vec![Some(0), Some(1), Some(2), Some(4), Some(7)], "▁▂▃▅█ (0 to 7)"),
            ((0..96).map(|at| Some(at / 48 * 1000)).collect(), "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁████████████████████████ (0 to 1,000)"),
        ] {
            assert_eq!(sparkline(&counts), line);
        }
    }
}
