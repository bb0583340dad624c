//! The report of `waves info`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::graph::{Derivation, Graph};
use crate::ingest::FindingKind;
use crate::text::number;

/// What a graph is made of.
#[derive(Clone, Debug, Serialize)]
pub struct InfoReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The store directory.
    pub store_dir: String,
    /// Derivations whose output is fixed.
    pub fixed_output_derivations: usize,
    /// Distinct derivations with an attribute.
    pub attribute_derivations: usize,
    /// Attributes that do not evaluate.
    pub evaluation_errors: usize,
    /// Packages.
    pub packages: usize,
    /// Input edges.
    pub edges: usize,
    /// Those along which rebuilds propagate.
    pub rebuild_edges: usize,
    /// Length of the snapshot in bytes.
    pub snapshot_bytes: usize,
    /// What was not taken as it stood.
    pub findings: Vec<FindingReport>,
    #[serde(skip)]
    tells_inputs: bool,
}

/// What was not taken as it stood, of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct FindingReport {
    /// The kind.
    pub kind: FindingKind,
    /// How many.
    pub count: u64,
    /// Which; empty unless they were asked for.
    pub listed: Vec<String>,
}

impl InfoReport {
    /// Of a graph; of each kind of finding, `limit` are listed.
    pub fn new(graph: &Graph, limit: usize) -> Self {
        let listed = |listed: &[String]| listed.iter().take(limit).cloned().collect();
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            store_dir: graph.store_dir().to_owned(),
            fixed_output_derivations: graph.derivations().filter(|derivation| derivation.is_fixed_output()).count(),
            attribute_derivations: graph.derivations().map(Derivation::attributes).filter(|attributes| attributes.len() > 0).count(),
            evaluation_errors: graph.attributes().filter(|attribute| attribute.error().is_some()).count(),
            packages: graph.package_count(),
            edges: graph.edge_count(),
            rebuild_edges: graph.rebuild_edge_count(),
            snapshot_bytes: graph.snapshot_bytes(),
            findings: graph
                .findings()
                .iter()
                .map(|(kind, list)| FindingReport { kind, count: list.count, listed: listed(&list.listed) })
                .collect(),
            tells_inputs: graph.tells_inputs(),
        }
    }
}

impl Report for InfoReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        let systems = &self.evaluation.systems;
        let systems = if systems.is_empty() { "an unknown system".to_owned() } else { systems.join(", ") };
        document.line(format!("evaluation {} of {systems}", self.evaluation.digest));
        let mut sources = Table::new(&[
            Column::Text("source"),
            Column::Word("format"),
            Column::Detail("bytes"),
            Column::Number("derivations"),
            Column::Number("attributes"),
            Column::Detail("changed"),
            Column::Detail("sha256"),
        ]);
        sources.rows = self
            .evaluation
            .sources
            .iter()
            .map(|source| {
                vec![
                    source.file.clone(),
                    source.format.name().to_owned(),
                    number(source.bytes),
                    number(source.derivations),
                    number(source.attributes),
                    source.modified.map(date).unwrap_or_default(),
                    source.sha256.chars().take(12).collect(),
                ]
            })
            .collect();
        document.table(sources);
        document.heading("Graph");
        let mut counts = Table::new(&[Column::Text(""), Column::Number("count")]);
        let mut row = |what: &str, count: usize| counts.rows.push(vec![what.to_owned(), number(count as u64)]);
        row("derivations", self.evaluation.derivations);
        row("  with a fixed output", self.fixed_output_derivations);
        row("  with an attribute", self.attribute_derivations);
        row("outputs", self.evaluation.outputs);
        row("attributes", self.evaluation.attributes);
        row("  that do not evaluate", self.evaluation_errors);
        row("packages", self.packages);
        row("input edges", self.edges);
        row("  along which rebuilds propagate", self.rebuild_edges);
        row("bytes of snapshot", self.snapshot_bytes);
        document.table(counts);
        if self.edges > 0 && self.fixed_output_derivations == 0 {
            document.line("No fixed output is known: if the dumps do not tell them, counts behind sources are too high.");
        }
        if !self.tells_inputs {
            document.line("No dump says what needs what: impact, rank, why and plan need one with derivations.");
        }
        if !self.findings.is_empty() {
            document.heading("Not taken as it stood");
            for finding in &self.findings {
                document.line(format!("{} {}", number(finding.count), finding.kind.noun(finding.count)));
                finding.listed.iter().for_each(|what| document.line(format!("  {what}")));
                let omitted = finding.count as usize - finding.listed.len();
                if !finding.listed.is_empty() && omitted > 0 {
                    document.line(format!("  … and {} more", number(omitted as u64)));
                }
            }
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["findings"]
    }
}

/// The day of a time in seconds since 1970, as `YYYY-MM-DD`, in UTC; empty beyond the calendar.
pub(super) fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map(|time| time.date().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for (seconds, day) in [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_795_224_641, "2026-11-21"), (4_107_542_399, "2100-02-28")]
        {
            assert_eq!(date(seconds), day);
        }
    }
}
