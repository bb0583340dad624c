//! The report of `waves record`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::{FORMAT_VERSION, Report};
use crate::ledger::{Matched, Results};
use crate::text::{counted, number};

/// What was recorded, and what was not.
#[derive(Clone, Debug, Serialize)]
pub struct RecordReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The wave, or `baseline`.
    pub wave: String,
    /// Results that were recorded.
    pub recorded: usize,
    /// Of these, those whose derivation this evaluation does not have.
    pub other_evaluations: usize,
    /// The files.
    pub files: Vec<RecordedFile>,
    /// Bytes that a killed writer had left, and which were cut off.
    pub cut_off_bytes: u64,
}

/// What a file said.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedFile {
    /// As it was named.
    pub file: String,
    /// What wrote it.
    pub format: String,
    /// Results by how the builds ended.
    pub results: BTreeMap<&'static str, usize>,
    /// Results that the ledger had already.
    pub known: usize,
    /// Results of nothing that this evaluation has.
    pub unmatched: usize,
    /// The first of these.
    pub first_unmatched: Option<String>,
    /// Entries that say nothing of a build, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Entries that cannot be read.
    pub unreadable: usize,
    /// The first of these.
    pub first_unreadable: Option<String>,
}

impl RecordReport {
    /// Of files, each with what it said that the evaluation has.
    pub fn new(wave: &str, files: &[(Results, Matched)], cut_off_bytes: u64) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            wave: wave.to_owned(),
            recorded: files.iter().map(|(_, matched)| matched.records.len()).sum(),
            other_evaluations: files.iter().map(|(_, matched)| matched.other_evaluations).sum(),
            files: files.iter().map(|(results, matched)| RecordedFile::new(results, matched)).collect(),
            cut_off_bytes,
        }
    }
}

impl RecordedFile {
    fn new(results: &Results, matched: &Matched) -> Self {
        let mut by_outcome: BTreeMap<&'static str, usize> = BTreeMap::new();
        for outcome in results.told.iter().filter_map(|told| told.outcome) {
            *by_outcome.entry(outcome.name()).or_default() += 1;
        }
        Self {
            file: results.file.clone(),
            format: results.format.to_string(),
            results: by_outcome,
            known: matched.known,
            unmatched: matched.unmatched,
            first_unmatched: matched.first_unmatched.clone(),
            passed_over: results.passed_over.clone(),
            unreadable: results.unreadable,
            first_unreadable: results.first_unreadable.clone(),
        }
    }

    /// What of the file was not used, and why.
    fn unused(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let first = |first: &Option<String>| first.as_ref().map_or_else(String::new, |first| format!(", first: {first}"));
        if self.unreadable > 0 {
            let what = counted(self.unreadable, "entry", "entries");
            lines.push(format!("{}: {what} cannot be read{}", self.file, first(&self.first_unreadable)));
        }
        if self.unmatched > 0 {
            let what = counted(self.unmatched, "result", "results");
            lines.push(format!("{}: {what} of nothing in this evaluation{}", self.file, first(&self.first_unmatched)));
        }
        lines.extend(self.passed_over.iter().map(|(what, count)| format!("{}: {} passed over: {what}", self.file, number(*count as u64))));
        lines
    }
}

impl Report for RecordReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(format!("{}: recorded {}", self.wave, counted(self.recorded, "result", "results")));
        if self.other_evaluations > 0 {
            document.line(format!("of which {} of derivations that this evaluation does not have", number(self.other_evaluations as u64)));
        }
        let mut table =
            Table::new(&[Column::Text("file"), Column::Text("format"), Column::Text("results"), Column::Detail("known already")]);
        let row = |file: &RecordedFile| {
            let results: Vec<String> = file.results.iter().map(|(outcome, count)| format!("{} {outcome}", number(*count as u64))).collect();
            vec![file.file.clone(), file.format.clone(), results.join(", "), number(file.known as u64)]
        };
        table.rows = self.files.iter().map(row).collect();
        document.table(table);
        document.lines(self.files.iter().flat_map(RecordedFile::unused));
        if self.cut_off_bytes > 0 {
            document.line(format!("The last writer was killed: {} bytes of an unfinished line were cut off", self.cut_off_bytes));
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["files"]
    }
}
