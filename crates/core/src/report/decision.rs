//! The report of a decision: `waves start`, `waive`, `retry` and `tag`.

use serde::Serialize;

use super::document::Document;
use super::{FORMAT_VERSION, Report};
use crate::ledger::Event;

/// A decision, and whether it was taken.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// What was to be decided: `start`, `waive`, `retry` or `tag`.
    pub decision: &'static str,
    /// The wave.
    pub wave: String,
    /// Whether it was.
    pub accepted: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// What that means.
    pub notes: Vec<String>,
    /// What the ledger says of it now; null if it says nothing.
    pub event: Option<Event>,
}

impl DecisionReport {
    /// Of a decision that was taken.
    pub fn accepted(decision: &'static str, wave: String, event: Option<Event>, notes: Vec<String>) -> Self {
        Self { format_version: FORMAT_VERSION, decision, wave, accepted: true, reasons: Vec::new(), notes, event }
    }

    /// Of a decision that was refused.
    pub fn refused(decision: &'static str, wave: String, reasons: Vec<String>) -> Self {
        Self { format_version: FORMAT_VERSION, decision, wave, accepted: false, reasons, notes: Vec::new(), event: None }
    }
}

impl Report for DecisionReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        let what = if self.accepted { "done" } else { "refused" };
        document.line(format!("{} {}: {what}", self.decision, self.wave));
        document.lines(self.reasons.iter().chain(&self.notes).map(|line| format!("- {line}")));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &[]
    }
}
