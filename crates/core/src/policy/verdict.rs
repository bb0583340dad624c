//! Whether a change is within the policy, and why not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::branch::{BranchFacts, BranchVerdict, Decision, judge_branch};
use super::cause::BiggestCause;
use super::labels::labels;
use super::names::{NameCounts, Names};
use super::patterns::Patterns;
use super::protected::{Fate, Touched, touched};
use crate::analysis::{AttributeChanges, AttributeName, Change, Diff, require_system};
use crate::config::{AttributePattern, BranchPattern, Count, Labels, Limit, Per, Policy, Protected, WhenUnknown};
use crate::graph::{Attribute, DerivationIx, DerivationSet, Graph};
use crate::ingest::split_job;

/// What is known of a change beside the graphs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// The branch that it is for; the policy's default if nothing says which.
    pub base: Option<&'a str>,
    /// The branch that it comes from.
    pub head: Option<&'a str>,
    /// The files that it changes.
    pub changed_files: Option<&'a [String]>,
    /// Hours that the rebuilds take which are judged ([`judged_rebuilds`]), one after the other; `None` if that is not known.
    pub hours: Option<f64>,
    /// Protected packages that it may rebuild, by pattern or by attribute path.
    pub acknowledged: &'a [String],
    /// Why what is counted may be less than what is rebuilt; a reason each.
    pub unknown: &'a [String],
    /// What is rebuilt at most, if that may be more than what is counted.
    pub at_most: Option<&'a DerivationSet>,
    /// What else is to be known of how the change was found.
    pub remarks: &'a [String],
}

/// Whether a change is within the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing says against it.
    Within,
    /// Something does.
    Over,
}

/// How much a reason weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It makes the change be over the policy.
    Over,
    /// It is to be thought about.
    Warning,
    /// It is to be known.
    Note,
}

impl Severity {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that the policy says of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// How much it weighs.
    pub severity: Severity,
    /// What it says.
    pub finding: Finding,
}

/// What a reason says.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The branch should be another: [`Verdict::branch`] says which.
    Branch {
        /// The kernel with most rebuilt names.
        kernel: String,
        /// How many it has.
        rebuilds: usize,
        /// A test that changes, as all do.
        test: Option<String>,
    },
    /// The policy has no such branch.
    UnknownBranch,
    /// It merges a branch of a line into another.
    DevelopmentMerge {
        /// The branch that it comes from.
        head: String,
    },
    /// A limit is reached.
    Limit {
        /// What it counts.
        count: Count,
        /// The kernel or platform; empty if all are counted together.
        of: String,
        /// How much there is.
        amount: f64,
        /// From where on it is too much.
        bound: f64,
    },
    /// A protected package changes, is added or removed, or does not evaluate any more.
    Protected {
        /// What the policy calls it.
        pattern: String,
        /// Why it is protected.
        reason: String,
        /// What of it the change touches, by name, and what becomes of each.
        touched: BTreeMap<String, Fate>,
    },
    /// The same, which was said beforehand.
    Acknowledged {
        /// What the policy calls it.
        pattern: String,
        /// What of it the change touches, by name, and what becomes of each.
        touched: BTreeMap<String, Fate>,
    },
    /// There is no such package to protect.
    NothingProtected {
        /// What the policy calls it.
        pattern: String,
    },
    /// A limit is of a platform that nothing is for.
    NothingLimited {
        /// What it counts.
        count: Count,
        /// The platform.
        platform: String,
    },
    /// More may be rebuilt than is counted.
    Estimate(
        /// Why.
        String,
    ),
    /// A bound of what is rebuilt, if it may be more than is counted.
    AtMost {
        /// Attributes that are rebuilt at most.
        attributes: usize,
        /// Kernels whose number of rebuilt names is too uncertain for a label.
        kernels: Vec<String>,
    },
    /// What is to be known of how the change was found.
    Remark(
        /// What.
        String,
    ),
    /// A limit is of hours, which are not known.
    NoHours,
    /// No attribute is known.
    NoAttributes,
    /// Rebuilt names that the policy excludes.
    Excluded {
        /// How many.
        names: usize,
    },
    /// Rebuilt attributes without a platform.
    WithoutPlatform {
        /// How many.
        attributes: usize,
    },
    /// Rebuilt attributes of kernels that are not counted.
    OtherKernels {
        /// How many.
        attributes: usize,
    },
}

/// What the policy says of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether it is within.
    pub outcome: Outcome,
    /// Why, the gravest first.
    pub reasons: Vec<Reason>,
    /// Rebuilt names, without those that the policy excludes: what is judged.
    pub counts: NameCounts,
    /// Rebuilt names with them.
    pub all_counts: NameCounts,
    /// Rebuilt derivations by kernel.
    pub derivations_by_kernel: BTreeMap<String, usize>,
    /// Hours that the rebuilds take, if that is known.
    pub hours: Option<f64>,
    /// Every label, and whether the change has it.
    pub labels: BTreeMap<String, bool>,
    /// What is said of the branch.
    pub branch: BranchVerdict,
    /// Whether the branch is the policy's default, because nothing said which.
    pub is_branch_assumed: bool,
}

impl Verdict {
    /// The labels that the change has.
    pub fn own_labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter(|(_, holds)| **holds).map(|(label, _)| label.as_str())
    }
}

/// What is judged: a change of one evaluation into another, or a foretold one.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The evaluation after the change, or the one that it was foretold from.
    pub graph: &'a Graph,
    /// The evaluation before the change: the same, if it is foretold.
    pub before: &'a Graph,
    /// What the change does to attributes.
    pub attributes: &'a AttributeChanges,
    /// Those of the removed attributes that are still there after the change, but do not evaluate; sorted.
    pub no_longer_evaluated: &'a [AttributeName],
    /// Rebuilt derivations.
    pub rebuilds: &'a DerivationSet,
}

impl<'a> Subject<'a> {
    /// A difference between two evaluations.
    pub fn of_diff(diff: &'a Diff<'_>) -> Self {
        Self {
            graph: diff.after,
            before: diff.before,
            attributes: &diff.attributes,
            no_longer_evaluated: &diff.no_longer_evaluated,
            rebuilds: &diff.rebuilt,
        }
    }

    /// A foretold change.
    pub fn of_change(change: &'a Change<'_>) -> Self {
        let graph = change.impact.graph();
        Self { graph, before: graph, attributes: &change.attributes, no_longer_evaluated: &[], rebuilds: change.impact.rebuilds() }
    }

    /// Whether the change removes an attribute.
    pub(super) fn is_removed(&self, attribute: &AttributeName) -> bool {
        self.attributes.removed.binary_search(attribute).is_ok()
    }

    /// What the change makes of an attribute that it rebuilds.
    pub(super) fn fate_of_rebuilt(&self, attribute: &AttributeName) -> Fate {
        if self.attributes.added.binary_search(attribute).is_ok() { Fate::IsAdded } else { Fate::Changes }
    }

    /// What the change makes of an attribute that it removes.
    pub(super) fn fate_of_removed(&self, attribute: &AttributeName) -> Fate {
        let is_there = self.no_longer_evaluated.binary_search(attribute).is_ok();
        if is_there { Fate::NoLongerEvaluates } else { Fate::IsRemoved }
    }

    /// The attributes of derivations, without those that the change removes; sorted.
    pub(crate) fn attributes_of(&self, derivations: &DerivationSet) -> Vec<AttributeName> {
        let attributes = derivations.iter().flat_map(|ix| self.graph.derivation(ix).attributes()).map(AttributeName::new);
        let attributes: BTreeSet<AttributeName> = attributes.filter(|attribute| !self.is_removed(attribute)).collect();
        attributes.into_iter().collect()
    }
}

/// Judges a change. O(V + A log A), for A attributes.
pub fn judge(subject: Subject<'_>, policy: &Policy, circumstances: &Circumstances<'_>) -> Verdict {
    Judge { subject, policy, excluded: Patterns::new(&policy.exclude), circumstances }.judge()
}

/// What would be said of the change without its biggest cause. Hours are not known of a part: limits of hours say
/// nothing. O(V + A log A).
pub fn judge_without(subject: Subject<'_>, cause: &BiggestCause, policy: &Policy, circumstances: &Circumstances<'_>) -> Verdict {
    let is_left = |attribute: &&AttributeName| cause.alone.binary_search(attribute).is_err();
    let left = |attributes: &[AttributeName]| attributes.iter().filter(is_left).cloned().collect();
    let AttributeChanges { added, removed, changed, rebuilds } = subject.attributes;
    let attributes = AttributeChanges { added: added.clone(), removed: removed.clone(), changed: left(changed), rebuilds: left(rebuilds) };
    let rebuilds = subject.rebuilds.iter().filter(|&ix| !cause.alone_derivations.contains(ix));
    let rebuilds = subject.graph.set_of(rebuilds);
    let limits = policy.limits.iter().filter(|limit| limit.count != Count::Hours).cloned().collect();
    let policy = Policy { limits, ..policy.clone() };
    judge(Subject { attributes: &attributes, rebuilds: &rebuilds, ..subject }, &policy, circumstances)
}

/// The rebuilt derivations that limits count: all, or if the policy excludes attributes, what others have or need. O(V + E).
pub fn judged_rebuilds(subject: Subject<'_>, policy: &Policy) -> DerivationSet {
    rebuilds_beside(subject, &Patterns::new(&policy.exclude))
}

/// The same, where it is known already what is excluded.
fn rebuilds_beside(subject: Subject<'_>, excluded: &Patterns<'_>) -> DerivationSet {
    let Subject { graph, rebuilds, .. } = subject;
    if excluded.is_empty() {
        return rebuilds.clone();
    }
    let is_judged = |attribute: Attribute<'_>| !excluded.mean(&AttributeName::new(attribute));
    let mut open: Vec<DerivationIx> = rebuilds.iter().filter(|&ix| graph.derivation(ix).attributes().any(is_judged)).collect();
    let mut judged = graph.set_of(open.iter().copied());
    while let Some(ix) = open.pop() {
        open.extend(graph.derivation(ix).rebuild_inputs().filter(|&input| rebuilds.contains(input) && judged.insert(input)));
    }
    judged
}

struct Judge<'a> {
    subject: Subject<'a>,
    policy: &'a Policy,
    /// The attributes that count for nothing.
    excluded: Patterns<'a>,
    circumstances: &'a Circumstances<'a>,
}

impl Judge<'_> {
    fn judge(&self) -> Verdict {
        let is_judged = |attribute: &&AttributeName| !self.excluded.mean(attribute);
        let all_counts = Names::new(&self.subject.attributes.rebuilds, &self.policy.labels.kernels).counts();
        let names = Names::new(self.subject.attributes.rebuilds.iter().filter(is_judged), &self.policy.labels.kernels);
        let counts = names.counts();
        let most = self.circumstances.at_most.map(|most| self.subject.attributes_of(most));
        let most_names = most.as_ref().map(|most| Names::new(most.iter().filter(is_judged), &self.policy.labels.kernels));
        let labels = labels(self.policy, &names, most_names.as_ref());
        let is_test = |attribute: &AttributeName| self.policy.nixos_tests.contains(&attribute.path);
        let test = self.subject.attributes.changed.iter().filter(is_judged).find(|attribute| is_test(attribute));
        let branch = judge_branch(
            &self.policy.branches,
            BranchFacts {
                base: self.circumstances.base.unwrap_or(&self.policy.branches.default),
                head: self.circumstances.head,
                rebuilds: counts.largest_kernel().1,
                rebuilds_all_tests: test.is_some(),
                changed_files: self.circumstances.changed_files,
            },
        );
        let judged = rebuilds_beside(self.subject, &self.excluded);
        let (derivations, all_derivations) = (self.by_platform(&judged), self.by_platform(self.subject.rebuilds));
        let mut reasons: Vec<Reason> = self.of_branch(&branch, &counts, test).into_iter().collect();
        reasons
            .extend(self.policy.limits.iter().flat_map(|limit| self.of_limit(limit, &branch.base, &counts, (judged.len(), &derivations))));
        reasons.extend(self.of_protected());
        reasons.extend(self.of_unknown());
        reasons.extend(most.map(|most| self.at_most(most.len(), &labels)));
        reasons.extend(notes(&counts, &all_counts));
        reasons.sort_by_key(|reason| reason.severity);
        let is_over = reasons.first().is_some_and(|reason| reason.severity == Severity::Over);
        Verdict {
            outcome: if is_over { Outcome::Over } else { Outcome::Within },
            reasons,
            labels,
            all_counts,
            derivations_by_kernel: self.by_kernel(&all_derivations),
            hours: self.circumstances.hours,
            counts,
            branch,
            is_branch_assumed: self.circumstances.base.is_none(),
        }
    }

    /// A derivation of which only the attribute is known is of the attribute's platform.
    fn by_platform(&self, rebuilds: &DerivationSet) -> BTreeMap<String, usize> {
        let mut derivations: BTreeMap<&str, usize> = BTreeMap::new();
        for derivation in rebuilds.iter().map(|ix| self.subject.graph.derivation(ix)) {
            let of_attribute = || derivation.attributes().find_map(Attribute::system);
            let own = Some(derivation.system()).filter(|system| !system.is_empty());
            *derivations.entry(own.or_else(of_attribute).unwrap_or_default()).or_default() += 1;
        }
        derivations.into_iter().map(|(system, count)| (system.to_owned(), count)).collect()
    }

    fn by_kernel(&self, by_platform: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
        let of = |kernel: &String| by_platform.iter().filter(|(platform, _)| platform.ends_with(kernel.as_str())).map(|(_, n)| n).sum();
        self.policy.labels.kernels.iter().map(|kernel| (kernel.clone(), of(kernel))).collect()
    }

    fn of_branch(&self, branch: &BranchVerdict, counts: &NameCounts, test: Option<&AttributeName>) -> Option<Reason> {
        let severity = match branch.decision.finding() {
            Some(finding) if self.policy.branches.over.contains(&finding) => Severity::Over,
            Some(_) => Severity::Warning,
            None => Severity::Note,
        };
        let finding = match branch.decision {
            Decision::MassRebuild | Decision::PossibleMassRebuild | Decision::NixosRebuild => {
                let (kernel, rebuilds) = counts.largest_kernel();
                Finding::Branch { kernel: kernel.to_owned(), rebuilds, test: test.map(|test| test.path.clone()) }
            }
            Decision::SkipDevelopmentMerge => Finding::DevelopmentMerge { head: self.circumstances.head.unwrap_or_default().to_owned() },
            Decision::Dismiss if !branch.is_known => Finding::UnknownBranch,
            Decision::Dismiss => return None,
        };
        Some(Reason { severity, finding })
    }

    fn of_limit(&self, limit: &Limit, base: &str, names: &NameCounts, derivations: (usize, &BTreeMap<String, usize>)) -> Vec<Reason> {
        let is_meant = |branch: &BranchPattern| branch.version_in(base).is_some();
        if !limit.branches.is_empty() && !limit.branches.iter().any(is_meant) {
            return Vec::new();
        }
        let all = |amount: f64| BTreeMap::from([(String::new(), amount)]);
        let each = |counts: &BTreeMap<String, usize>| counts.iter().map(|(of, &count)| (of.clone(), count as f64)).collect();
        let amounts: BTreeMap<String, f64> = match (limit.count, limit.per) {
            (Count::Attributes, Per::Overall) => all(names.all as f64),
            (Count::Attributes, Per::Kernel) => each(&names.by_kernel),
            (Count::Attributes, Per::Platform) => each(&names.by_platform),
            (Count::Derivations, Per::Overall) => all(derivations.0 as f64),
            (Count::Derivations, Per::Kernel) => each(&self.by_kernel(derivations.1)),
            (Count::Derivations, Per::Platform) => each(derivations.1),
            (Count::Hours, _) => match self.circumstances.hours {
                Some(hours) => all(hours),
                None => return vec![self.unknown(Finding::NoHours)],
            },
        };
        let is_meant = |of: &str| limit.only.is_empty() || limit.only.iter().any(|only| only == of);
        let reasons = amounts.into_iter().filter(|(of, _)| is_meant(of)).filter_map(|(of, amount)| reached(limit, of, amount));
        // A limit of platforms that nothing is for is never reached, and may be misspelt. One of several may be of other evaluations.
        let is_there = |platform: &String| {
            let Subject { graph, before, .. } = self.subject;
            [graph, before].into_iter().any(|graph| require_system(graph, platform).is_ok())
        };
        let is_void = limit.per == Per::Platform && !limit.only.iter().any(is_there);
        let note = |platform: &String| {
            let finding = Finding::NothingLimited { count: limit.count, platform: platform.clone() };
            Reason { severity: Severity::Note, finding }
        };
        reasons.chain(limit.only.iter().filter(|_| is_void).map(note)).collect()
    }

    fn of_protected(&self) -> Vec<Reason> {
        let protected = &self.policy.protected;
        if protected.is_empty() {
            return Vec::new();
        }
        let patterns: Vec<&AttributePattern> = protected.iter().flat_map(|Protected { packages, .. }| packages).collect();
        let reasons = protected.iter().flat_map(|Protected { packages, reason }| packages.iter().map(move |_| reason.trim()));
        let of_each = touched(self.subject, &patterns).into_iter().zip(patterns).zip(reasons);
        of_each.flat_map(|((touched, pattern), reason)| self.of_pattern(pattern.as_str(), reason, touched)).collect()
    }

    fn of_pattern(&self, pattern: &str, reason: &str, touched: Touched) -> Vec<Reason> {
        let pattern = pattern.to_owned();
        if !touched.is_known {
            return vec![Reason { severity: Severity::Note, finding: Finding::NothingProtected { pattern } }];
        }
        let is_acknowledged = |(name, _): &(String, Fate)| {
            self.circumstances.acknowledged.iter().any(|said| *said == pattern || said == name || is_path_of(said, name))
        };
        let (acknowledged, left): (BTreeMap<String, Fate>, BTreeMap<String, Fate>) = touched.names.into_iter().partition(is_acknowledged);
        let mut reasons = Vec::new();
        if !left.is_empty() {
            let finding = Finding::Protected { pattern: pattern.clone(), reason: reason.to_owned(), touched: left };
            reasons.push(Reason { severity: Severity::Over, finding });
        }
        if !acknowledged.is_empty() {
            reasons.push(Reason { severity: Severity::Note, finding: Finding::Acknowledged { pattern, touched: acknowledged } });
        }
        reasons
    }

    fn of_unknown(&self) -> Vec<Reason> {
        let estimates = self.circumstances.unknown.iter().map(|why| Finding::Estimate(why.clone()));
        let attributes = (self.subject.graph.attribute_count() == 0).then_some(Finding::NoAttributes);
        let remarks = self.circumstances.remarks.iter().map(|remark| Finding::Remark(remark.clone()));
        let remarks = remarks.map(|finding| Reason { severity: Severity::Note, finding });
        estimates.chain(attributes).map(|finding| self.unknown(finding)).chain(remarks).collect()
    }

    /// What is rebuilt at most, and of which kernels no label says how much is.
    fn at_most(&self, attributes: usize, labels: &BTreeMap<String, bool>) -> Reason {
        let Labels { prefix, kernels, buckets, .. } = &self.policy.labels;
        let has_a_label = |kernel: &str| buckets.iter().any(|bucket| labels.get(&bucket.label(prefix, kernel)) == Some(&true));
        let is_uncertain = |kernel: &&String| !buckets.is_empty() && !has_a_label(kernel);
        self.unknown(Finding::AtMost { attributes, kernels: kernels.iter().filter(is_uncertain).cloned().collect() })
    }

    fn unknown(&self, finding: Finding) -> Reason {
        let severity = match self.policy.when_unknown {
            WhenUnknown::Warn => Severity::Warning,
            WhenUnknown::Fail => Severity::Over,
        };
        Reason { severity, finding }
    }
}

/// Whether `path` is the attribute path of `name`, which is `path.system`.
fn is_path_of(path: &str, name: &str) -> bool {
    matches!(split_job(name), (of_name, Some(_)) if of_name == path)
}

/// A reason if an amount reaches a limit.
fn reached(limit: &Limit, of: String, amount: f64) -> Option<Reason> {
    let reached = |bound: Option<f64>| bound.filter(|&bound| amount >= bound);
    let over = reached(limit.over_from).map(|bound| (Severity::Over, bound));
    let (severity, bound) = over.or_else(|| reached(limit.warn_from).map(|bound| (Severity::Warning, bound)))?;
    Some(Reason { severity, finding: Finding::Limit { count: limit.count, of, amount, bound } })
}

/// What was not counted.
fn notes(counts: &NameCounts, all: &NameCounts) -> impl Iterator<Item = Reason> {
    let notes = [
        (all.all - counts.all, Finding::Excluded { names: all.all - counts.all }),
        (all.without_platform, Finding::WithoutPlatform { attributes: all.without_platform }),
        (all.of_other_kernels, Finding::OtherKernels { attributes: all.of_other_kernels }),
    ];
    notes.into_iter().filter(|(count, _)| *count > 0).map(|(_, finding)| Reason { severity: Severity::Note, finding })
}
