//! The report of `waves check`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::Document;
use super::evaluation::{CountsReport, EvaluationReport};
use super::{FORMAT_VERSION, Report};
use crate::analysis::{AttributeChanges, Root};
use crate::config::{Branches, Count, Policy};
use crate::graph::Graph;
use crate::policy::{
    BiggestCause, BranchVerdict, Circumstances, Decision, Fate, Finding, NameCounts, Outcome, Reason, Severity, Subject, Verdict,
};
use crate::policy::{biggest_cause, judge, judge_without};
use crate::text::{clean, counted, first_few, number};

/// Names of a list that a sentence has.
const LISTED: usize = 3;

/// What was judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The change.
    pub subject: Subject<'a>,
    /// What causes it.
    pub causes: &'a [Root],
    /// How it is known.
    pub basis: Basis,
    /// The evaluation before the change, if there is one.
    pub before: Option<&'a Graph>,
}

/// How a change is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Two evaluations were compared.
    Compared,
    /// Packages were named that change.
    Foretold,
    /// From what changed in a Git repository.
    Estimated,
}

/// Whether a change is within the policy.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Whether it is within.
    pub verdict: Outcome,
    /// The verdict, the counts, and the biggest cause: a line each.
    pub summary: [String; 3],
    /// How the change is known.
    pub basis: Basis,
    /// The evaluation before the change, if there is one.
    pub before: Option<EvaluationReport>,
    /// The evaluation after the change, or the one that it was foretold from.
    pub evaluation: EvaluationReport,
    /// Why, the gravest first.
    pub reasons: Vec<ReasonReport>,
    /// Which branch should take it.
    pub branch: BranchReport,
    /// Every label, and whether the change has it.
    pub labels: BTreeMap<String, bool>,
    /// Attributes, derivations and outputs that are rebuilt.
    pub rebuilds: CountsReport,
    /// What is rebuilt at most, if that may be more.
    pub at_most: Option<CountsReport>,
    /// Attributes by what happens to them.
    pub attributes: AttributesReport,
    /// Rebuilt names by kernel.
    pub kernels: BTreeMap<String, KernelReport>,
    /// Rebuilt names that are judged, by platform.
    pub platforms: BTreeMap<String, usize>,
    /// Hours that the rebuilds take, if that is known.
    pub hours: Option<f64>,
    /// The cause that rebuilds most.
    pub biggest_cause: Option<BiggestCauseReport>,
    /// All causes.
    pub causes: Vec<CheckCauseReport>,
    /// Which attributes these are; for what is made of the report.
    #[serde(skip)]
    pub(super) changes: AttributeChanges,
    #[serde(skip)]
    limit: usize,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonReport {
    /// How much it weighs.
    pub severity: Severity,
    /// The rule that says it.
    pub rule: &'static str,
    /// What it says. Names in it stand in backticks.
    pub text: String,
}

/// What is said of the branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BranchReport {
    /// The branch that the change is for.
    pub base: String,
    /// Whether that is the policy's default, because nothing said which.
    pub is_assumed: bool,
    /// What nixpkgs' CI would say.
    pub decision: Decision,
    /// Branches that it should be for instead, the likeliest first.
    pub suggested: Vec<String>,
    /// The branch that should take it.
    pub target: String,
}

/// Attributes by what happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AttributesReport {
    /// Only after the change.
    pub added: usize,
    /// Only before the change, or not evaluating any more.
    pub removed: usize,
    /// With other outputs.
    pub changed: usize,
    /// With an output that was none before.
    pub rebuilds: usize,
}

/// Rebuilds of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KernelReport {
    /// Names that are judged.
    pub names: usize,
    /// Names with those that the policy excludes.
    pub all_names: usize,
    /// Derivations.
    pub derivations: usize,
}

/// The cause that rebuilds most, and what would be left without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BiggestCauseReport {
    /// What changed.
    pub label: String,
    /// Attributes that it rebuilds.
    pub attributes: usize,
    /// Attributes that nothing else rebuilds.
    pub alone: usize,
    /// Names that are judged without it, by kernel.
    pub kernels_without: BTreeMap<String, usize>,
    /// What the verdict would be without it.
    pub verdict_without: Outcome,
}

/// A cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckCauseReport {
    /// What changed: an attribute, a name or a file.
    pub label: String,
    /// How many derivations changed themselves.
    pub derivations: usize,
}

impl CheckReport {
    /// Judges a change and says so; text shows `limit` reasons. O(V + E + A log A), for A attributes.
    pub fn new(judged: Judged<'_>, policy: &Policy, circumstances: &Circumstances<'_>, limit: usize) -> Self {
        let Judged { subject, causes, basis, before } = judged;
        let verdict = judge(subject, policy, circumstances);
        let labels: Vec<String> = causes.iter().map(|cause| label(subject.graph, cause, basis)).collect();
        let biggest = biggest_cause(subject, causes).map(|cause| {
            let without = judge_without(subject, &cause, policy, circumstances);
            BiggestCauseReport::new(&cause, labels[cause.cause].clone(), without)
        });
        let AttributeChanges { added, removed, changed, rebuilds } = subject.attributes;
        let rebuilds = CountsReport {
            attributes: rebuilds.len(),
            derivations: subject.rebuilds.len(),
            outputs: subject.graph.output_count_of(subject.rebuilds),
        };
        let at_most = circumstances.at_most.map(|most| {
            let attributes = subject.attributes_of(most).len();
            CountsReport { attributes, ..CountsReport::from(subject.graph.counts(most)) }
        });
        let reasons: Vec<ReasonReport> =
            verdict.reasons.iter().map(|reason| ReasonReport::new(reason, &verdict, &policy.branches)).collect();
        Self {
            format_version: FORMAT_VERSION,
            verdict: verdict.outcome,
            summary: [
                verdict_line(&verdict, &reasons),
                counts_line(&verdict, rebuilds, at_most),
                cause_line(biggest.as_ref(), causes.len(), rebuilds, at_most, &reasons),
            ],
            basis,
            before: before.map(EvaluationReport::new),
            evaluation: EvaluationReport::new(subject.graph),
            reasons,
            branch: BranchReport::new(&verdict.branch, verdict.is_branch_assumed),
            rebuilds,
            at_most,
            attributes: AttributesReport {
                added: added.len(),
                removed: removed.len(),
                changed: changed.len(),
                rebuilds: rebuilds.attributes,
            },
            kernels: kernels(&verdict),
            platforms: verdict.counts.by_platform,
            labels: verdict.labels,
            hours: verdict.hours,
            biggest_cause: biggest,
            causes: causes
                .iter()
                .zip(labels)
                .map(|(cause, label)| CheckCauseReport { label, derivations: cause.derivations.len() })
                .collect(),
            changes: subject.attributes.clone(),
            limit,
        }
    }

    /// The labels that the change has.
    pub fn own_labels(&self) -> Vec<&str> {
        self.labels.iter().filter(|(_, holds)| **holds).map(|(label, _)| label.as_str()).collect()
    }

    /// The gravest of the reasons.
    pub(super) fn severity(&self) -> Severity {
        self.reasons.first().map_or(Severity::Note, |reason| reason.severity)
    }
}

impl Basis {
    /// What a cause is called: what found it says so, or its attribute.
    pub(super) fn name_of<'c>(self, graph: &'c Graph, cause: &'c Root) -> &'c str {
        match self {
            Self::Compared | Self::Estimated => &cause.selector,
            Self::Foretold => graph.derivation(cause.face).label(),
        }
    }
}

/// The same, and the version of what was named.
fn label(graph: &Graph, cause: &Root, basis: Basis) -> String {
    let name = basis.name_of(graph, cause);
    match basis {
        Basis::Compared | Basis::Estimated => name.to_owned(),
        Basis::Foretold => [name, graph.derivation(cause.face).version()].join(" ").trim_end().to_owned(),
    }
}

fn kernels(verdict: &Verdict) -> BTreeMap<String, KernelReport> {
    let count = |counts: &BTreeMap<String, usize>, kernel: &String| counts.get(kernel).copied().unwrap_or(0);
    let kernel = |(kernel, &names): (&String, &usize)| {
        let all_names = count(&verdict.all_counts.by_kernel, kernel);
        (kernel.clone(), KernelReport { names, all_names, derivations: count(&verdict.derivations_by_kernel, kernel) })
    };
    verdict.counts.by_kernel.iter().map(kernel).collect()
}

fn verdict_line(verdict: &Verdict, reasons: &[ReasonReport]) -> String {
    let assumed = if verdict.is_branch_assumed { " (no branch was named)" } else { "" };
    let base = &verdict.branch.base;
    let of = |severity: Severity| reasons.iter().filter(move |reason| reason.severity == severity);
    if verdict.outcome == Outcome::Over {
        let mut rules: Vec<&str> = of(Severity::Over).map(|reason| reason.rule).collect();
        rules.dedup();
        return format!("over the policy for {base}{assumed}: {}", rules.join(", "));
    }
    let is_unknown = of(Severity::Warning).any(|reason| reason.rule == "unknown");
    let within = if is_unknown { "not over the policy as far as is known" } else { "within the policy" };
    let warnings = of(Severity::Warning).count();
    let warned = if warnings == 0 { String::new() } else { format!(", with {}", counted(warnings, "warning", "warnings")) };
    format!("{within} for {base}{assumed}{warned}")
}

/// `1,204 names on linux, 3 on darwin`.
fn by_kernel(counts: &BTreeMap<String, usize>) -> String {
    let each = |(at, (kernel, &count)): (usize, (&String, &usize))| match at {
        0 => format!("{} on {kernel}", counted(count, "name", "names")),
        _ => format!("{} on {kernel}", number(count as u64)),
    };
    counts.iter().rev().enumerate().map(each).collect::<Vec<_>>().join(", ")
}

/// `at most 132 attributes`.
fn most(at_most: CountsReport) -> String {
    format!("at most {}", counted(at_most.attributes, "attribute", "attributes"))
}

fn counts_line(verdict: &Verdict, rebuilds: CountsReport, at_most: Option<CountsReport>) -> String {
    let NameCounts { by_kernel: judged, .. } = &verdict.counts;
    let excluded = verdict.all_counts.all - verdict.counts.all;
    let excluded = if excluded == 0 { String::new() } else { format!(", without {} excluded", number(excluded as u64)) };
    let at_most = at_most.map(|at_most| format!(", {}", most(at_most))).unwrap_or_default();
    let labels: Vec<&str> = verdict.own_labels().collect();
    let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
    format!(
        "rebuilds {}{excluded} ({}){at_most}; labels: {labels}; branch: {}",
        by_kernel(judged),
        rebuilds.said(),
        verdict.branch.target()
    )
}

fn cause_line(
    biggest: Option<&BiggestCauseReport>,
    causes: usize,
    rebuilds: CountsReport,
    at_most: Option<CountsReport>,
    reasons: &[ReasonReport],
) -> String {
    let Some(biggest) = biggest else {
        let nothing = rebuilds.attributes == 0 && rebuilds.derivations == 0;
        let is_unknown = reasons.iter().any(|reason| reason.rule == "unknown");
        return match at_most {
            _ if !nothing => "biggest cause: unknown".to_owned(),
            Some(at_most) => format!("nothing is certain to be rebuilt; {}", most(at_most)),
            None if is_unknown => "nothing is known to be rebuilt".to_owned(),
            None => "nothing is rebuilt".to_owned(),
        };
    };
    let of = if causes == 1 { "the only cause".to_owned() } else { format!("biggest of {} causes", number(causes as u64)) };
    let outcome = match biggest.verdict_without {
        Outcome::Within => "within",
        Outcome::Over => "over",
    };
    format!(
        "{of}: {} rebuilds {}; without it {}, {outcome} the policy",
        biggest.label,
        counted(biggest.attributes, "attribute", "attributes"),
        by_kernel(&biggest.kernels_without)
    )
}

impl BiggestCauseReport {
    fn new(cause: &BiggestCause, label: String, without: Verdict) -> Self {
        Self {
            label,
            attributes: cause.rebuilds.len(),
            alone: cause.alone.len(),
            kernels_without: without.counts.by_kernel,
            verdict_without: without.outcome,
        }
    }
}

impl BranchReport {
    fn new(branch: &BranchVerdict, is_assumed: bool) -> Self {
        Self {
            base: branch.base.clone(),
            is_assumed,
            decision: branch.decision,
            suggested: branch.suggested.clone(),
            target: branch.target().to_owned(),
        }
    }
}

impl ReasonReport {
    fn new(reason: &Reason, verdict: &Verdict, branches: &Branches) -> Self {
        let branch = &verdict.branch;
        let base = quoted(&branch.base);
        let (rule, text) = match &reason.finding {
            Finding::Branch { kernel, rebuilds, test } => {
                (branch.decision.as_str(), branch_text(branch, branches, kernel, *rebuilds, test.as_deref()))
            }
            Finding::UnknownBranch => ("unknown-branch", format!("{base} is in no line of branches: no rule of branches applies")),
            Finding::DevelopmentMerge { head } => {
                (branch.decision.as_str(), format!("{} is merged into {base}: no rule of branches applies", quoted(head)))
            }
            Finding::Limit { count, of, amount, bound } => (limit_rule(*count), limit_text(*count, of, *amount, *bound, reason.severity)),
            Finding::Protected { pattern, reason, touched } => (
                "protected",
                format!("{}: {reason} (if this is meant: `--acknowledge '{}'`)", protected_text(pattern, touched), plain(pattern)),
            ),
            Finding::Acknowledged { pattern, touched } => {
                ("protected", format!("{}: it was acknowledged", protected_text(pattern, touched)))
            }
            Finding::NothingProtected { pattern } => {
                ("protected", format!("{} is protected, but names nothing in this evaluation", quoted(pattern)))
            }
            Finding::NothingLimited { count, platform } => {
                (limit_rule(*count), format!("a limit is of {}, but nothing in this evaluation is for that platform", quoted(platform)))
            }
            Finding::Estimate(why) => ("unknown", why.clone()),
            Finding::AtMost { attributes, kernels } => {
                let most = format!("the whole change rebuilds at most {}", counted(*attributes, "attribute", "attributes"));
                let kernels = kernels.join(" and ");
                let labels = if kernels.is_empty() { String::new() } else { format!(": no label says how many on {kernels}") };
                ("unknown", format!("{most}{labels}"))
            }
            Finding::Remark(remark) => ("remark", remark.clone()),
            Finding::NoHours => ("unknown", "a limit is of hours, and how long the builds take is not known".to_owned()),
            Finding::NoAttributes => ("unknown", "this evaluation has no attributes: import a dump that names them".to_owned()),
            Finding::Excluded { names } => {
                let (judged, all) = (number(verdict.counts.all as u64), number(verdict.all_counts.all as u64));
                (
                    "excluded",
                    format!("{} by the policy: {judged} of {all} are judged", counted(*names, "name is excluded", "names are excluded")),
                )
            }
            Finding::WithoutPlatform { attributes } => {
                let without = counted(*attributes, "rebuilt attribute has", "rebuilt attributes have");
                ("without-platform", format!("{without} no platform: no number of names has them in it"))
            }
            Finding::OtherKernels { attributes } => {
                let others = counted(*attributes, "rebuilt attribute is", "rebuilt attributes are");
                ("other-kernels", format!("{others} of no kernel that is counted"))
            }
        };
        Self { severity: reason.severity, rule, text }
    }
}

fn branch_text(branch: &BranchVerdict, branches: &Branches, kernel: &str, rebuilds: usize, test: Option<&str>) -> String {
    let base = quoted(&branch.base);
    let suggested: Vec<String> = branch.suggested.iter().map(|branch| quoted(branch)).collect();
    let suggested = suggested.join(" or ");
    let rebuilt = format!("{} rebuilt on {kernel}", counted(rebuilds, "name is", "names are"));
    match branch.decision {
        Decision::MassRebuild => {
            format!("{rebuilt}, and {base} takes fewer than {}: target {suggested}", number(branches.mass_rebuild as u64))
        }
        Decision::PossibleMassRebuild => {
            format!("{rebuilt}; from {} on, consider {suggested} and not {base}", number(branches.possible_mass_rebuild as u64))
        }
        _ => format!("{} changes, and with it all NixOS tests: target {suggested} and not {base}", quoted(test.unwrap_or_default())),
    }
}

fn limit_rule(count: Count) -> &'static str {
    match count {
        Count::Attributes => "limit-attributes",
        Count::Derivations => "limit-derivations",
        Count::Hours => "limit-hours",
    }
}

fn limit_text(count: Count, of: &str, amount: f64, bound: f64, severity: Severity) -> String {
    let (one, many) = match count {
        Count::Attributes => ("name is rebuilt", "names are rebuilt"),
        Count::Derivations => ("derivation is rebuilt", "derivations are rebuilt"),
        Count::Hours => ("hour of building", "hours of building"),
    };
    let (amount, bound) = (amount_text(amount), amount_text(bound));
    let noun = if amount == "1" { one } else { many };
    let of = if of.is_empty() { String::new() } else { format!(" on {of}") };
    let takes = if severity == Severity::Over { "the policy takes less than" } else { "the policy warns from" };
    format!("{amount} {noun}{of}; {takes} {bound}")
}

/// What becomes of what a pattern names: whatever happens to some of it, with the names that it happens to.
fn protected_text(pattern: &str, touched: &BTreeMap<String, Fate>) -> String {
    let is_itself = touched.len() == 1 && touched.contains_key(pattern);
    let said = |(fate, verb): (Fate, &str)| {
        let names: Vec<String> = touched.iter().filter(|(_, own)| **own == fate).map(|(name, _)| name.clone()).collect();
        let said = if is_itself { verb.to_owned() } else { format!("{verb} ({})", listed(&names)) };
        (!names.is_empty()).then_some(said)
    };
    let fates = [
        (Fate::Changes, "changes"),
        (Fate::IsAdded, "is added"),
        (Fate::IsRemoved, "is removed"),
        (Fate::NoLongerEvaluates, "does not evaluate any more"),
    ];
    let said: Vec<String> = fates.into_iter().filter_map(said).collect();
    format!("protected {} {}", quoted(pattern), said.join(" and "))
}

/// A count as a whole number, hours with a digit behind the point.
fn amount_text(amount: f64) -> String {
    let text = format!("{amount:.1}");
    let (whole, tenths) = text.split_once('.').unwrap_or((&text, "0"));
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), number);
    if tenths == "0" { whole } else { format!("{whole}.{tenths}") }
}

/// Without what would end the quotes, or a line.
fn plain(name: &str) -> String {
    clean(name).replace('`', "'")
}

fn quoted(name: &str) -> String {
    format!("`{}`", plain(name))
}

/// The first names of a list, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    first_few(names.iter().map(|name| quoted(name)), LISTED)
}

impl Report for CheckReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.lines(self.summary.iter().cloned());
        let shown = self.reasons.iter().take(self.limit);
        document.lines(shown.map(|reason| format!("{}: {}", reason.severity.as_str(), reason.text)));
        if self.reasons.len() > self.limit {
            let more = counted(self.reasons.len() - self.limit, "more reason", "more reasons");
            document.line(format!("… and {more} (--limit shows more)"));
        }
        document.lines(self.before.iter().map(|before| format!("before: {}", before.line())));
        let word = if self.before.is_some() { "after:  " } else { "" };
        document.line(format!("{word}{}", self.evaluation.line()));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["reasons", "causes"]
    }
}
