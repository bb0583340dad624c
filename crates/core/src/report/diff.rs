//! The report of `waves diff`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::check::listed;
use super::cost::CostReport;
use super::document::{Column, Document, Table};
use super::evaluation::{COUNTS, CountsReport, EvaluationReport};
use super::impact::ExcludedReport;
use super::{Diagram, FORMAT_VERSION, Report};
use crate::analysis::{AttributeChanges, AttributeName, Cause, Diff, Doubt, Excluded, Reach, Reason};
use crate::cost::Costs;
use crate::graph::{Attribute, Derivation};
use crate::policy::Verdict;
use crate::text::{counted, first_few, number};

/// Causes that are named in a sentence.
const NAMED: usize = 8;

/// What differs between two evaluations, and why.
#[derive(Clone, Debug, Serialize)]
pub struct DiffReport<'d> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation before the change.
    pub before: EvaluationReport,
    /// The evaluation after the change.
    pub after: EvaluationReport,
    /// Why the two may not be neighbours.
    pub doubts: Vec<DoubtReport>,
    /// Attributes of package sets that the other evaluation does not cover, and which were not compared.
    pub left_out: LeftOutReport,
    /// What is rebuilt.
    pub counts: CountsReport,
    /// Rebuilt derivations with a fixed output: they are fetched, not built.
    pub fetched: usize,
    /// Rebuilt attributes whose outputs were built before without an attribute.
    pub newly_named: usize,
    /// What the rebuild costs, by the attributes of `rebuilds`; null if nothing is known of it.
    pub cost: Option<CostReport>,
    /// Rebuilt attributes that are usually not built.
    pub excluded: ExcludedReport,
    /// Rebuilt attributes by system.
    pub systems: BTreeMap<String, usize>,
    /// Different names of rebuilt attributes by kernel: what nixpkgs' labels count.
    pub kernels: BTreeMap<String, usize>,
    /// Every label of the policy, and whether the change has it.
    pub labels: BTreeMap<String, bool>,
    /// The branch that should take the change.
    pub suggested_branch: String,
    /// Attributes only after the change.
    pub added: Vec<String>,
    /// Attributes only before the change; also those that do not evaluate any more.
    pub removed: Vec<String>,
    /// Removed attributes that are still there after the change, but do not evaluate.
    pub no_longer_evaluated: Vec<String>,
    /// Attributes with other outputs.
    pub changed: Vec<String>,
    /// Attributes with an output path that was no output before.
    pub rebuilds: Vec<String>,
    /// Removed attributes that were added under another name.
    pub renames: Vec<RenameReport>,
    /// Added attributes that are another name of what was there.
    pub aliases: Vec<AliasReport>,
    /// What was changed itself, and causes the rebuilds.
    pub root_causes: Vec<CauseReport>,
    /// Whether the causes of the smallest set are proven to be the fewest.
    pub smallest_is_proven: bool,
    #[serde(skip)]
    limit: usize,
    #[serde(skip)]
    diff: &'d Diff<'d>,
}

/// Why two evaluations may not be neighbours.
#[derive(Clone, Debug, Serialize)]
pub struct DoubtReport {
    /// A word for it.
    pub kind: &'static str,
    /// What was seen, and what to do.
    pub message: String,
}

/// What was not compared.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct LeftOutReport {
    /// Attributes before the change.
    pub before: usize,
    /// Attributes after the change.
    pub after: usize,
}

/// An attribute with a new name.
#[derive(Clone, Debug, Serialize)]
pub struct RenameReport {
    /// Its name before.
    pub from: String,
    /// Its name after.
    pub to: String,
}

/// Another name.
#[derive(Clone, Debug, Serialize)]
pub struct AliasReport {
    /// The new name.
    pub attribute: String,
    /// The name that was there before.
    pub of: String,
}

/// Attributes and derivations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReachReport {
    /// Rebuilt attributes.
    pub attributes: usize,
    /// Rebuilt derivations.
    pub derivations: usize,
}

/// A root cause.
#[derive(Clone, Debug, Serialize)]
pub struct CauseReport {
    /// What was changed: an attribute, a name, or a file.
    pub label: String,
    /// The derivation that stands for it.
    pub derivation: String,
    /// All derivations that were changed themselves.
    pub derivations: Vec<String>,
    /// Their attributes, with systems.
    pub attributes: Vec<String>,
    /// Its version before; empty if unknown.
    pub version_before: String,
    /// Its version after; empty if unknown.
    pub version_after: String,
    /// Why they are a cause.
    pub reasons: Vec<&'static str>,
    /// All that it rebuilds, itself included.
    pub rebuilds: ReachReport,
    /// What would not be rebuilt without it.
    pub exclusive: ReachReport,
    /// Whether it is in the smallest set that explains everything.
    pub in_smallest_set: bool,
    /// What it rebuilds of what those before it in that set do not.
    pub adds: ReachReport,
}

impl From<Reach> for ReachReport {
    fn from(Reach { attributes, derivations }: Reach) -> Self {
        Self { attributes, derivations }
    }
}

impl<'d> DiffReport<'d> {
    /// Of a diff, what the policy says of it, and what is known of costs; lists are whole, but text shows `limit` items of each.
    pub fn new(diff: &'d Diff<'d>, verdict: &Verdict, costs: Option<Costs<'_>>, limit: usize) -> Self {
        // A rebuilt derivation may have more names than those that were compared.
        let costs = costs.map(|costs| costs.counting_only(diff.rebuilt_attributes().into_iter().map(Attribute::ix)));
        let names = |names: &[AttributeName]| names.iter().map(ToString::to_string).collect();
        let mut systems: BTreeMap<String, usize> = BTreeMap::new();
        let mut kernels: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for name in &diff.attributes.rebuilds {
            *systems.entry(name.system.clone()).or_default() += 1;
            kernels.entry(name.kernel().to_owned()).or_default().insert(&name.path);
        }
        Self {
            format_version: FORMAT_VERSION,
            before: EvaluationReport::new(diff.before),
            after: EvaluationReport::new(diff.after),
            doubts: diff.doubts.iter().map(DoubtReport::new).collect(),
            left_out: LeftOutReport { before: diff.left_out.0, after: diff.left_out.1 },
            counts: diff.rebuild_counts().into(),
            fetched: diff.fetched(),
            newly_named: diff.newly_named,
            cost: CostReport::new(costs.as_ref(), &diff.rebuilt, &diff.roots(), limit),
            excluded: Excluded::of(diff.rebuilt_attributes()).into(),
            systems,
            kernels: kernels.into_iter().map(|(kernel, names)| (kernel, names.len())).collect(),
            labels: verdict.labels.clone(),
            suggested_branch: verdict.branch.target().to_owned(),
            added: names(&diff.attributes.added),
            removed: names(&diff.attributes.removed),
            no_longer_evaluated: names(&diff.no_longer_evaluated),
            changed: names(&diff.attributes.changed),
            rebuilds: names(&diff.attributes.rebuilds),
            renames: diff.renames.iter().map(|(from, to)| RenameReport { from: from.to_string(), to: to.to_string() }).collect(),
            aliases: diff.aliases.iter().map(|(name, of)| AliasReport { attribute: name.to_string(), of: of.to_string() }).collect(),
            root_causes: diff.causes.iter().map(|cause| CauseReport::new(diff, cause)).collect(),
            smallest_is_proven: diff.smallest_is_proven,
            limit,
            diff,
        }
    }

    fn smallest(&self) -> Vec<&CauseReport> {
        self.root_causes.iter().filter(|cause| cause.in_smallest_set).collect()
    }

    /// The counts of attributes, as nixpkgs' CI names them.
    fn attribute_counts(&self) -> Table {
        let mut table = Table::new(&[
            Column::Word("attributes"),
            Column::Number("added"),
            Column::Number("removed"),
            Column::Number("changed"),
            Column::Number("rebuilt"),
        ]);
        let AttributeChanges { added, removed, changed, rebuilds } = &self.diff.attributes;
        let lists = [added, removed, changed, rebuilds];
        let systems: BTreeSet<&str> = lists.into_iter().flatten().map(|name| name.system.as_str()).collect();
        let count = |names: &[AttributeName], system: Option<&str>| {
            number(names.iter().filter(|name| system.is_none_or(|system| name.system == system)).count() as u64)
        };
        let row =
            |label: &str, system: Option<&str>| std::iter::once(label.to_owned()).chain(lists.map(|names| count(names, system))).collect();
        table.rows.push(row("all", None));
        if systems.len() > 1 {
            let label = |system: &str| format!("  {}", if system.is_empty() { "unknown system" } else { system });
            table.rows.extend(systems.iter().map(|system| row(&label(system), Some(system))));
        }
        table
    }

    fn causes_table(&self) -> Table {
        let columns = [
            Column::Text("cause"),
            Column::Text("change"),
            Column::Number("attributes"),
            Column::Number("derivations"),
            Column::Number("only it"),
        ];
        let mut table = Table::new(&columns);
        table.rows = self.root_causes.iter().take(self.limit).map(CauseReport::cells).collect();
        table.omitted = self.root_causes.len().saturating_sub(self.limit);
        table
    }

    fn explanation(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let all = self.counts.attributes;
        let most = self.root_causes.iter().rev().max_by_key(|cause| (cause.exclusive.attributes, cause.exclusive.derivations));
        if let Some(most) = most.filter(|most| self.root_causes.len() > 1 && most.exclusive.attributes > 0) {
            lines.push(format!(
                "Without the change of {}, {} would be rebuilt, not {}.",
                most.label,
                counted(all.saturating_sub(most.exclusive.attributes), "attribute", "attributes"),
                number(all as u64)
            ));
        }
        let smallest = self.smallest();
        if smallest.len() < self.root_causes.len() || smallest.len() > 1 {
            let fewest = if self.smallest_is_proven { "the fewest possible" } else { "found greedily" };
            let count = counted(smallest.len(), "cause", "causes");
            let verb = if smallest.len() == 1 { "explains" } else { "explain" };
            lines.push(format!(
                "{count} of {} {verb} everything ({fewest}): {}.",
                number(self.root_causes.len() as u64),
                first_few(smallest.iter().map(|cause| &cause.label), NAMED)
            ));
        }
        lines
    }
}

impl CauseReport {
    fn new(diff: &Diff<'_>, cause: &Cause) -> Self {
        let derivations = || cause.derivations.iter().map(|&ix| diff.after.derivation(ix));
        let attributes: BTreeSet<AttributeName> = derivations().flat_map(Derivation::attributes).map(AttributeName::new).collect();
        Self {
            label: cause.label.clone(),
            derivation: diff.after.derivation(cause.face).path(),
            derivations: derivations().map(Derivation::path).collect(),
            attributes: attributes.iter().map(ToString::to_string).collect(),
            version_before: cause.version_before.clone(),
            version_after: cause.version_after.clone(),
            reasons: cause.reasons.iter().map(|reason| word(*reason)).collect(),
            rebuilds: cause.rebuilds.into(),
            exclusive: cause.exclusive.into(),
            in_smallest_set: cause.adds.is_some(),
            adds: cause.adds.unwrap_or_default().into(),
        }
    }

    /// `1.3 → 1.3.1`, or what else was changed.
    fn change(&self) -> String {
        let (before, after) = (self.version_before.as_str(), self.version_after.as_str());
        let reasons = self.reasons.join(", ");
        if before == after || after.is_empty() || before.is_empty() { reasons } else { format!("{before} → {after}: {reasons}") }
    }

    fn cells(&self) -> Vec<String> {
        let numbers = [self.rebuilds.attributes, self.rebuilds.derivations, self.exclusive.attributes];
        [self.label.clone(), self.change()].into_iter().chain(numbers.map(|count| number(count as u64))).collect()
    }
}

/// What a reason is called.
fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::FixedOutput => "source",
        Reason::Recipe => "recipe",
        Reason::SourceFile => "local file",
        Reason::SwappedInput => "swapped input",
        Reason::New => "new",
        Reason::Unexplained => "unexplained",
    }
}

impl LeftOutReport {
    /// How much was not compared. Nothing, if all was.
    pub(crate) fn line(self) -> Option<String> {
        let Self { before, after } = self;
        let [before_said, after_said] = [before, after].map(|count| counted(count, "attribute", "attributes"));
        let line =
            format!("Not compared, as the other evaluation has nothing of their package set: {before_said} before, {after_said} after.");
        (before + after > 0).then_some(line)
    }
}

impl DoubtReport {
    /// Of a doubt.
    pub fn new(doubt: &Doubt) -> Self {
        let told = |system: &String| if system.is_empty() { "an unknown system".to_owned() } else { system.clone() };
        let list = |systems: &BTreeSet<String>| systems.iter().map(told).collect::<Vec<_>>().join(", ");
        let sets = |sets: &[String]| first_few(sets.iter().map(|set| if set.is_empty() { "the top level" } else { set }), NAMED);
        let partial = |has: &str, lacks: &str, names: &[String], count: usize| {
            format!(
                "{lacks} has nothing of {} of {has}, in {}: {} (hint: --within compares what both cover)",
                counted(count, "attribute", "attributes"),
                counted(names.len(), "package set", "package sets"),
                sets(names)
            )
        };
        let (kind, message) = match doubt {
            Doubt::Systems(before, after) => ("systems", format!("BEFORE is for {}, AFTER for {}", list(before), list(after))),
            Doubt::StoreDirs(before, after) => {
                ("store_dirs", format!("BEFORE is for the store {before}, AFTER for {after}: every path differs"))
            }
            Doubt::OnlyBefore(names, count) => ("only_before", partial("BEFORE", "AFTER", names, *count)),
            Doubt::OnlyAfter(names, count) => ("only_after", partial("AFTER", "BEFORE", names, *count)),
            Doubt::Policy(what) => {
                ("policy", format!("only one of the two has {what} packages: they were not evaluated with the same configuration"))
            }
            Doubt::ManyCauses(count) => (
                "many_causes",
                format!("{} root causes: the two are far apart, or how packages are made was changed", number(*count as u64)),
            ),
            Doubt::NoEdges(which) => (
                "no_edges",
                format!(
                    "no dump says what needs what {which} the change: root causes cannot be told, and of derivations only those with an attribute are counted (hint: add `nix derivation show -r`)"
                ),
            ),
            Doubt::NoRecipes(which) => (
                "no_recipes",
                format!(
                    "no dump holds whole derivations {which} the change: a changed recipe cannot be told (hint: add `nix derivation show -r`)"
                ),
            ),
        };
        Self { kind, message }
    }
}

/// That attributes do not evaluate any more: of what a change breaks, nobody can tell what it rebuilds. Nothing, if all do.
pub fn no_longer_evaluated(attributes: &[impl ToString]) -> Option<String> {
    let names: Vec<String> = attributes.iter().map(ToString::to_string).collect();
    let evaluate =
        counted(names.len(), "attribute does not evaluate any more, and counts", "attributes do not evaluate any more, and count");
    (!names.is_empty()).then(|| format!("{evaluate} as removed: {}", listed(&names)))
}

/// What two evaluations leave open, and what of them was not compared.
pub(super) fn comparison_lines(doubts: &[DoubtReport], failing: &[String], left_out: LeftOutReport) -> Vec<String> {
    let messages = doubts.iter().map(|doubt| doubt.message.clone()).chain(no_longer_evaluated(failing));
    messages.map(|message| format!("warning: {message}")).chain(left_out.line()).collect()
}

impl Report for DiffReport<'_> {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(format!("before: {}", self.before.line()));
        document.line(format!("after:  {}", self.after.line()));
        document.lines(comparison_lines(&self.doubts, &self.no_longer_evaluated, self.left_out));
        document.table(self.attribute_counts());
        let mut counts = Table::new(&COUNTS);
        counts.rows.push(std::iter::once("rebuilt".to_owned()).chain(self.counts.cells()).collect());
        document.table(counts);
        if self.fetched > 0 {
            document.line(format!("Only fetched, not built: {}.", counted(self.fetched, "derivation", "derivations")));
        }
        if self.newly_named > 0 {
            document.line(format!("Built before, without a name: {}.", counted(self.newly_named, "attribute", "attributes")));
        }
        document.lines(self.excluded.line());
        let labels: Vec<&str> = self.labels.iter().filter(|(_, holds)| **holds).map(|(label, _)| label.as_str()).collect();
        document.line(format!("labels: {}", if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }));
        document.line(format!("branch: {}", self.suggested_branch));
        if let Some(cost) = &self.cost {
            cost.describe("Cost of the rebuild", &mut document);
        }
        document.section(counted(self.root_causes.len(), "root cause", "root causes"), self.causes_table());
        document.lines(self.explanation());
        let mut renames = Table::new(&[Column::Text("from"), Column::Text("to")]);
        renames.rows = self.renames.iter().take(self.limit).map(|rename| vec![rename.from.clone(), rename.to.clone()]).collect();
        renames.omitted = self.renames.len().saturating_sub(self.limit);
        document.section("Renamed", renames);
        let mut aliases = Table::new(&[Column::Text("new name"), Column::Text("of")]);
        aliases.rows = self.aliases.iter().take(self.limit).map(|alias| vec![alias.attribute.clone(), alias.of.clone()]).collect();
        aliases.omitted = self.aliases.len().saturating_sub(self.limit);
        document.section("New names of what was there", aliases);
        for (title, names) in [("Added", &self.added), ("Removed", &self.removed), ("Rebuilt", &self.rebuilds)] {
            document.section(title, list(names, self.limit));
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["root_causes", "added", "removed", "changed", "rebuilds", "renames", "aliases", "no_longer_evaluated", "doubts"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let Diff { after, causes, rebuilt, .. } = self.diff;
        let roots = causes.iter().flat_map(|cause| cause.derivations.iter().copied());
        let roots = after.set_of(roots);
        Some(Diagram::packages("What the change rebuilds".to_owned(), after, rebuilt, &roots, self.limit))
    }
}

fn list(names: &[String], limit: usize) -> Table {
    let mut table = Table::new(&[Column::Text("attribute")]);
    table.rows = names.iter().take(limit).map(|name| vec![name.clone()]).collect();
    table.omitted = names.len().saturating_sub(limit);
    table
}
