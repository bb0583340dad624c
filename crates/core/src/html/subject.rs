//! The report that a page is made of, read from its JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{diff, estimate, impact, plan, status, upgrade};
use crate::error::{Error, Result};
use crate::graph::{Derivation, Graph};
use crate::ledger::ByPath;
use crate::major::PlanFile;
use crate::report::{FORMAT_VERSION, SystemReport, evaluated_for};
use crate::store_path::base_name;
use crate::text::{first_few, number};

/// A report of a kind that there are pages of.
#[derive(Debug)]
pub struct Subject {
    pub(super) input: String,
    pub(super) kind: Kind,
}

/// What a report says, as far as its page needs it.
#[derive(Debug)]
pub(super) enum Kind {
    Impact(Box<impact::Impact>),
    Estimate(Box<estimate::Estimate>),
    Diff(Box<diff::Diff>),
    Plan(Box<plan::Plan>),
    Upgrade(Box<upgrade::Upgrade>, Box<PlanFile>),
    Status(Box<status::Status>),
}

/// The evaluation that a report is about.
#[derive(Debug, Deserialize)]
pub(super) struct Evaluation {
    pub(super) digest: String,
    sources: Vec<Source>,
    systems: Vec<String>,
    #[serde(default)]
    by_system: BTreeMap<String, SystemReport>,
    derivations: usize,
    attributes: usize,
}

#[derive(Debug, Deserialize)]
struct Source {
    file: String,
}

/// What changes.
#[derive(Debug, Deserialize)]
pub(super) struct Root {
    pub(super) label: String,
    pub(super) version: String,
    pub(super) derivations: Vec<String>,
}

impl Subject {
    /// Reads what a command printed with `--format json`; errors call it `input`. The kind is told by its keys.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is no JSON, or lacks a key that its kind has; [`Error::Report`] if it is of no kind that
    /// there are pages of, or of a newer version.
    pub fn parse(bytes: &[u8], input: &str) -> Result<Self> {
        const TYPED: &str = "`waves impact`, `diff`, `plan` or `status` with --format json prints one";
        let wrong = |reason: String| Error::Report { input: input.to_owned(), reason };
        let malformed = |error: serde_json::Error| Error::json(input, &error, |reason| format!("{reason} (hint: {TYPED})"));
        let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        let has = |keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
        if let Some(version) = value.get("format_version").and_then(Value::as_u64).filter(|&version| version != u64::from(FORMAT_VERSION)) {
            return Err(wrong(format!("it is of version {version}, and this waves knows {FORMAT_VERSION}")));
        }
        let lacking = |error: serde_json::Error| Error::Malformed {
            input: input.to_owned(),
            place: "the report".to_owned(),
            reason: format!("{error} (hint: was it made by another version of waves? {TYPED})"),
        };
        let kind = if has(&["updates", "waves", "all_at_once"]) {
            Kind::Upgrade(Deserialize::deserialize(&value).map_err(lacking)?, Deserialize::deserialize(&value).map_err(lacking)?)
        } else if has(&["waves", "level_sizes", "roots"]) {
            Kind::Plan(Deserialize::deserialize(value).map_err(lacking)?)
        } else if has(&["before", "after", "root_causes"]) {
            Kind::Diff(Deserialize::deserialize(value).map_err(lacking)?)
        } else if has(&["direction", "roots", "distances"]) {
            Kind::Impact(Deserialize::deserialize(value).map_err(lacking)?)
        } else if has(&["comparison", "seeds"]) {
            Kind::Estimate(Deserialize::deserialize(value).map_err(lacking)?)
        } else if has(&["wave", "greenness", "counts"]) {
            Kind::Status(Deserialize::deserialize(value).map_err(lacking)?)
        } else {
            return Err(wrong(format!("it is not a report that there is a page of (hint: {TYPED})")));
        };
        Ok(Self { input: input.to_owned(), kind })
    }

    /// The digest of the evaluation that it is about: of a diff, that after the change.
    pub fn digest(&self) -> &str {
        &self.evaluation().digest
    }

    pub(super) fn evaluation(&self) -> &Evaluation {
        match &self.kind {
            Kind::Impact(impact) => &impact.evaluation,
            Kind::Estimate(estimate) => &estimate.evaluation,
            Kind::Diff(diff) => &diff.after,
            Kind::Plan(plan) => &plan.evaluation,
            Kind::Upgrade(upgrade, _) => &upgrade.evaluation,
            Kind::Status(status) => &status.evaluation,
        }
    }
}

impl Evaluation {
    /// A line that names it.
    pub(super) fn line(&self) -> String {
        // As many as nixpkgs is evaluated for.
        const NAMED: usize = 4;
        let files: Vec<&str> = self.sources.iter().map(|source| base_name(&source.file)).collect();
        let systems = match self.systems.first() {
            // A report of an earlier version of waves does not count.
            Some(first) if self.by_system.is_empty() => first.clone(),
            _ => evaluated_for(&self.by_system, NAMED),
        };
        format!(
            "Evaluation {}: {} ({systems}, {} attributes, {} derivations)",
            self.digest,
            files.join(" + "),
            number(self.attributes),
            number(self.derivations)
        )
    }
}

impl Root {
    /// Its name and version.
    pub(super) fn name(&self) -> String {
        if self.version.is_empty() { self.label.clone() } else { format!("{} {}", self.label, self.version) }
    }
}

/// Names of roots, as many as a heading takes.
pub(super) fn root_names(roots: &[Root]) -> String {
    const NAMED: usize = 4;
    first_few(roots.iter().map(Root::name), NAMED)
}

/// The derivations that a report names. O(V).
///
/// # Errors
///
/// [`Error::Report`] if the graph has one of them not.
pub(super) fn found<'g, 'p>(graph: &'g Graph, paths: impl IntoIterator<Item = &'p String>, input: &str) -> Result<Vec<Derivation<'g>>> {
    let by_path = ByPath::new(graph);
    let find = |path: &'p String| {
        by_path.find(path).ok_or_else(|| Error::Report { input: input.to_owned(), reason: format!("the evaluation has no {path}") })
    };
    paths.into_iter().map(find).collect()
}
