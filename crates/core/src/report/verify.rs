//! The report of `waves verify`.

use serde::Serialize;

use super::document::Document;
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::graph::Graph;
use crate::major::{PlanFile, Verified};
use crate::text::counted;

/// Whether a plan is right.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// Its waves.
    pub waves: usize,
    /// Its updates.
    pub updates: usize,
    /// What is wrong, a sentence for each.
    pub flaws: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
    /// Whether it is the plan's own evaluation: in another one the numbers are not checked.
    #[serde(skip)]
    is_own: bool,
}

impl VerifyReport {
    /// Of a plan that was checked.
    pub fn new(graph: &Graph, plan: &PlanFile, verified: &Verified) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            waves: plan.waves.len(),
            updates: plan.updates.len(),
            flaws: verified.flaws.iter().map(ToString::to_string).collect(),
            unchecked: verified.unchecked.clone(),
            is_own: plan.other_evaluation(graph).is_none(),
        }
    }
}

impl Report for VerifyReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        let (updates, waves) = (counted(self.updates, "update", "updates"), counted(self.waves, "wave", "waves"));
        let the = match (self.is_own, self.flaws.is_empty()) {
            (true, _) => "The",
            (false, true) => "As far as it can be checked here, the",
            (false, false) => "In this evaluation the",
        };
        document.heading(if self.flaws.is_empty() {
            format!("{the} plan is right: {updates} in {waves}, each once, nothing locked is rebuilt")
        } else {
            format!("{the} plan is wrong in {}", counted(self.flaws.len(), "way", "ways"))
        });
        document.lines(self.flaws.iter().map(|flaw| format!("wrong: {flaw}")));
        document.lines(self.unchecked.iter().map(|unchecked| format!("not checked: {unchecked}")));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["flaws"]
    }
}
