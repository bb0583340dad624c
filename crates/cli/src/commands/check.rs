//! `waves check`: whether a change is within the policy.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use waves_core::analysis::{Change, Diff, Doubt, Root};
use waves_core::config::Policy;
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::error::Error;
use waves_core::files::{Mode, NewFile};
use waves_core::graph::DerivationSet;
use waves_core::policy::{Circumstances, Outcome, Subject, is_protected, judged_rebuilds};
use waves_core::report::{Basis, ChangedPaths, CheckReport, DoubtReport, Judged, github as markdown, no_longer_evaluated, rebuild_amount};
use waves_core::text::{counted, duration, number};

use crate::args::{Args, CheckArgs};
use crate::change::{Estimated, Evaluations, Found};
use crate::commands::Failure;
use crate::config;
use crate::exit_code::Verdict;
use crate::{github, output};

pub(crate) fn run(args: &Args, check: &CheckArgs) -> Result<Verdict, Failure> {
    output::check::<CheckReport>(&check.format)?;
    let policy = config::read(check.config.as_deref())?.policy;
    let known = Known::new(check, &policy)?;
    let evaluations = Evaluations::open(args, &check.change)?;
    match evaluations.find(&check.change) {
        Ok(Found { change, diff: Some(diff), .. }) => compared(check, &policy, known, &diff, &change.causes),
        Ok(Found { change, estimate: Some(found), .. }) => estimated(check, &policy, known, &found, &change),
        Ok(Found { change, .. }) => {
            let judged = Judged { subject: Subject::of_change(&change), causes: &change.causes, basis: Basis::Foretold, before: None };
            publish(check, &policy, known, judged)
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
    /// Those of the files that are annotated.
    causing_files: Vec<String>,
    hours: Option<f64>,
    unknown: Vec<String>,
    at_most: Option<DerivationSet>,
    remarks: Vec<String>,
}

impl Known {
    fn new(check: &CheckArgs, policy: &Policy) -> Result<Self, Failure> {
        let strange = check.acknowledge.iter().filter(|name| !is_protected(policy, name));
        let changed_files = check.changed_files.as_deref().map(changed_files).transpose()?;
        Ok(Self {
            base: check.base_branch.clone().or_else(github::base_branch),
            causing_files: changed_files.clone().unwrap_or_default(),
            changed_files,
            hours: None,
            unknown: Vec::new(),
            at_most: None,
            remarks: strange.map(|name| format!("`{name}` is acknowledged, but the policy protects no such package")).collect(),
        })
    }

    /// Adds how long the rebuilds take, if build times were given.
    fn add_hours(&mut self, check: &CheckArgs, policy: &Policy, subject: Subject<'_>) -> Result<(), Failure> {
        if check.durations.is_empty() {
            return Ok(());
        }
        let sources = Sources { durations: Some(Durations::read(&check.durations)?), ..Sources::default() };
        let time = Costs::new(subject.graph, sources)?.bill(&judged_rebuilds(subject, policy)).time.unwrap_or_default();
        let hours = |seconds: u64| seconds as f64 / 3600.0;
        self.hours = Some(hours(time.seconds));
        let (measured, all) = (duration(time.measured_seconds), duration(time.seconds));
        self.remarks.push(format!("building takes {all}, one derivation after the other; {measured} of it were measured"));
        Ok(())
    }

    fn circumstances<'a>(&'a self, check: &'a CheckArgs) -> Circumstances<'a> {
        Circumstances {
            base: self.base.as_deref(),
            head: check.head_branch.as_deref(),
            changed_files: self.changed_files.as_deref(),
            hours: self.hours,
            acknowledged: &check.acknowledge,
            unknown: &self.unknown,
            at_most: self.at_most.as_ref(),
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
    known.unknown.extend(no_longer_evaluated(&diff.no_longer_evaluated));
    let (before, after) = diff.left_out;
    if before + after > 0 {
        let count = |count| counted(count, "attribute", "attributes");
        known.unknown.push(format!("{} before the change and {} after it were left out (--within)", count(before), count(after)));
    }
    publish(check, policy, known, Judged { subject: Subject::of_diff(diff), causes, basis: Basis::Compared, before: Some(diff.before) })
}

/// An estimate counts what it is sure of. What it is not makes it unknown whether the change is within.
fn estimated(check: &CheckArgs, policy: &Policy, mut known: Known, found: &Estimated, change: &Change<'_>) -> Result<Verdict, Failure> {
    let Estimated { range, comparison, estimate } = found;
    let impact = &change.impact;
    let causing = estimate.seeds.iter().filter(|seed| !seed.derivations.is_empty()).map(|seed| &seed.file);
    let causing: BTreeSet<&String> = causing.chain(estimate.unbounded.iter().map(|unbounded| &unbounded.file)).collect();
    known.causing_files = causing.into_iter().cloned().collect();
    let files: Vec<String> = comparison.changes.iter().map(|change| change.path.clone()).collect();
    let idle = counted(files.len().saturating_sub(known.causing_files.len()), "rebuilds nothing", "rebuild nothing");
    let changed = counted(files.len(), "changed file", "changed files");
    let of_files = if files.is_empty() { "nothing differs from it".to_owned() } else { format!("of {changed}, {idle}") };
    known.remarks.push(format!("estimated from `{range}`, which branches off `{}`: {of_files}", comparison.base.id));
    if !estimate.added.is_empty() {
        known.remarks.push(format!("{} added, and counted nowhere", counted(estimate.added.len(), "attribute is", "attributes are")));
    }
    if estimate.is_far_away() {
        let (found, all) = (number(estimate.positions_found as u64), number(estimate.positions as u64));
        known.unknown.push(format!("the evaluation seems to be of other sources: of the {all} files that it names, {found} are there"));
    }
    known.unknown.extend(estimate.unbounded.iter().map(|unbounded| {
        let most = impact.counts(&unbounded.bound).attributes;
        format!("`{}`: {}; it rebuilds at most {}", unbounded.file, unbounded.reason, counted(most, "attribute", "attributes"))
    }));
    if !estimate.unbounded.is_empty() {
        known.at_most = Some(estimate.at_most(impact.graph()));
    }
    known.changed_files = Some(files);
    let judged = Judged { subject: Subject::of_change(change), causes: &change.causes, basis: Basis::Estimated, before: None };
    publish(check, policy, known, judged)
}

/// Judges the change, and writes the verdict wherever it was asked for.
fn publish(check: &CheckArgs, policy: &Policy, mut known: Known, judged: Judged<'_>) -> Result<Verdict, Failure> {
    known.add_hours(check, policy, judged.subject)?;
    let report = CheckReport::new(judged, policy, &known.circumstances(check), check.format.limit());
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
        github::publish(&report, &known.causing_files)?;
    }
    Ok(match report.verdict {
        Outcome::Within => Verdict::Fine,
        Outcome::Over => Verdict::LimitExceeded,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(NewFile::write(path, Mode::Data, bytes)?)
}

/// File names of a list: each ends with a line's end, or with a zero byte if there is one in it.
fn changed_files(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8_lossy(&bytes);
    let end = if text.contains('\0') { '\0' } else { '\n' };
    Ok(text.split(end).map(|file| file.trim_end_matches('\r')).filter(|file| !file.is_empty()).map(str::to_owned).collect())
}
