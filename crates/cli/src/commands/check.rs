//! `waves check`: whether a change is within the policy.

use std::fs;
use std::path::Path;

use waves_core::analysis::{Diff, Doubt, Root};
use waves_core::config::Policy;
use waves_core::error::Error;
use waves_core::policy::{Circumstances, Outcome, Subject};
use waves_core::report::{Basis, ChangedPaths, CheckReport, DoubtReport, Judged, counted, github as markdown, rebuild_amount};

use crate::args::{Args, CheckArgs};
use crate::change::{Evaluations, Found};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::policy::policy;
use crate::{github, output};

pub(crate) fn run(args: &Args, check: &CheckArgs) -> Result<Verdict, Failure> {
    let policy = policy(check.config.as_deref())?;
    let known = Known::new(check, &policy)?;
    let evaluations = Evaluations::open(args, &check.change)?;
    match evaluations.find(&check.change) {
        Ok(Found { change, diff: Some(diff) }) => compared(check, &policy, known, &diff, &change.causes),
        Ok(Found { change, diff: None }) => {
            let judged = Judged { subject: Subject::of_change(&change), causes: &change.causes, basis: Basis::Foretold, before: None };
            publish(check, &policy, &known, judged)
        }
        // Attributes can be counted without edges; only their causes are unknown.
        Err(Failure::Core(error @ Error::NoEdges { .. })) => match evaluations.diff(&check.change) {
            Some(diff) => compared(check, &policy, known, &diff, &[]),
            None => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}

/// What is known beside the evaluations.
struct Known {
    base: Option<String>,
    changed_files: Option<Vec<String>>,
    unknown: Vec<String>,
    remarks: Vec<String>,
}

impl Known {
    fn new(check: &CheckArgs, policy: &Policy) -> Result<Self, Failure> {
        let is_protected = |name: &str| {
            let patterns = policy.protected.iter().flat_map(|protected| &protected.packages);
            patterns.into_iter().any(|pattern| pattern.as_str() == name || pattern.matches(name))
        };
        let strange = check.acknowledge.iter().filter(|name| !is_protected(name));
        Ok(Self {
            base: check.base_branch.clone().or_else(github::base_branch),
            changed_files: check.changed_files.as_deref().map(changed_files).transpose()?,
            unknown: Vec::new(),
            remarks: strange.map(|name| format!("`{name}` is acknowledged, but the policy protects no such package")).collect(),
        })
    }

    fn circumstances<'a>(&'a self, check: &'a CheckArgs) -> Circumstances<'a> {
        Circumstances {
            base: self.base.as_deref(),
            head: check.head_branch.as_deref(),
            changed_files: self.changed_files.as_deref(),
            hours: None,
            acknowledged: &check.acknowledge,
            unknown: &self.unknown,
            remarks: &self.remarks,
        }
    }
}

fn compared(check: &CheckArgs, policy: &Policy, mut known: Known, diff: &Diff<'_>, causes: &[Root]) -> Result<Verdict, Failure> {
    for doubt in &diff.doubts {
        let message = DoubtReport::new(doubt).message;
        let is_of_causes = matches!(doubt, Doubt::NoEdges(_) | Doubt::NoRecipes(_));
        if is_of_causes { known.remarks.push(message) } else { known.unknown.push(message) }
    }
    let (before, after) = diff.left_out;
    if before + after > 0 {
        let count = |count| counted(count, "attribute", "attributes");
        known.unknown.push(format!("{} before the change and {} after it were left out (--within)", count(before), count(after)));
    }
    publish(check, policy, &known, Judged { subject: Subject::of_diff(diff), causes, basis: Basis::Compared, before: Some(diff.before) })
}

/// Judges the change, and writes the verdict wherever it was asked for.
fn publish(check: &CheckArgs, policy: &Policy, known: &Known, judged: Judged<'_>) -> Result<Verdict, Failure> {
    let report = CheckReport::new(judged, policy, &known.circumstances(check));
    output::print(&report, &check.format)?;
    let attributes = judged.subject.attributes;
    if let Some(path) = &check.changed_paths {
        let mut bytes = Vec::new();
        let paths = ChangedPaths::new(attributes, &policy.labels.kernels, report.labels.clone());
        paths.write(&mut bytes).map_err(Failure::Write)?;
        write(path, &bytes)?;
    }
    if let Some(path) = &check.rebuild_amount {
        write(path, rebuild_amount(attributes).as_bytes())?;
    }
    if let Some(path) = &check.comment {
        write(path, markdown::comment(&report).as_bytes())?;
    }
    if check.github || github::is_here() {
        github::publish(&report, known.changed_files.as_deref().unwrap_or_default())?;
    }
    Ok(match report.verdict {
        Outcome::Within => Verdict::Fine,
        Outcome::Over => Verdict::LimitExceeded,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| Error::io("write", path)(error).into())
}

/// File names of a list: each ends with a line's end, or with a zero byte if there is one in it.
fn changed_files(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8_lossy(&bytes);
    let end = if text.contains('\0') { '\0' } else { '\n' };
    Ok(text.split(end).map(|file| file.trim_end_matches('\r')).filter(|file| !file.is_empty()).map(str::to_owned).collect())
}
