//! The report of `waves impact --git`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::CountsReport;
use super::evaluation::EvaluationReport;
use super::impact::ImpactReport;
use super::{Diagram, FORMAT_VERSION, Report};
use crate::analysis::{AttributeName, Impact};
use crate::cost::Costs;
use crate::estimate::{Commit, Comparison, Estimate, short};
use crate::graph::Derivation;
use crate::text::{counted, number};

/// What a change of the sources is expected to rebuild.
#[derive(Clone, Debug, Serialize)]
pub struct EstimateReport<'i> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// What was compared.
    pub comparison: ComparisonReport,
    /// Packages that changed files are about.
    pub seeds: Vec<SeedReport>,
    /// Seeds that were left out.
    pub seeds_omitted: usize,
    /// Files that could not be confined to packages.
    pub unbounded: Vec<UnboundedReport>,
    /// Files that rebuild nothing.
    pub ignored: Vec<IgnoredReport>,
    /// Files that rebuild nothing that were left out.
    pub ignored_omitted: usize,
    /// Attributes that only the state after the change has.
    pub added: Vec<String>,
    /// Attributes that only the state before the change has.
    pub removed: Vec<String>,
    /// What the seeds rebuild, as attribute and system.
    pub rebuilds: Vec<String>,
    /// Rebuilt attributes that were left out.
    pub rebuilds_omitted: usize,
    /// What is rebuilt at most: by the seeds, and within all bounds.
    pub at_most: CountsReport,
    /// What the seeds rebuild, in full.
    pub impact: ImpactReport<'i>,
}

/// The two states that were compared.
#[derive(Clone, Debug, Serialize)]
pub struct ComparisonReport {
    /// What was typed.
    pub range: String,
    /// Where the change branched off.
    pub base: CommitReport,
    /// Where it leads to; null is the working tree.
    pub head: Option<CommitReport>,
    /// Files that differ.
    pub files: usize,
    /// Files that positions of the evaluation name.
    pub positions: usize,
    /// How many of these are in the repository.
    pub positions_found: usize,
    /// Nix files that were not read.
    pub unread: usize,
    #[serde(skip)]
    is_far_away: bool,
}

/// A commit.
#[derive(Clone, Debug, Serialize)]
pub struct CommitReport {
    /// Its full hash.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

/// A package that a changed file is about.
#[derive(Clone, Debug, Serialize)]
pub struct SeedReport {
    /// Its attribute path.
    pub attribute: String,
    /// The system that it was evaluated for; empty if unknown.
    pub system: String,
    /// What found it.
    pub rule: &'static str,
    /// The file.
    pub file: String,
    /// What was changed in the file.
    pub kind: &'static str,
    /// Store paths of what is expected to change itself; none, if the change rebuilds nothing.
    pub derivations: Vec<String>,
}

/// A file that could not be confined to packages.
#[derive(Clone, Debug, Serialize)]
pub struct UnboundedReport {
    /// The file.
    pub file: String,
    /// Why not.
    pub reason: String,
    /// What it rebuilds at most.
    pub bound: CountsReport,
}

/// A file that rebuilds nothing.
#[derive(Clone, Debug, Serialize)]
pub struct IgnoredReport {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl<'i> EstimateReport<'i> {
    /// Of an estimate, and of what its seeds rebuild; lists are cut after `limit`, but for files that are not confined.
    pub fn new(
        range: &str,
        comparison: &Comparison,
        estimate: &Estimate,
        impact: &'i Impact<'i>,
        costs: Option<&Costs<'_>>,
        limit: usize,
    ) -> Self {
        let graph = impact.graph();
        let mut rebuilds: Vec<String> =
            impact.attributes().into_iter().map(|attribute| AttributeName::new(attribute).to_string()).collect();
        rebuilds.sort_unstable();
        rebuilds.dedup();
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            comparison: ComparisonReport {
                range: range.to_owned(),
                base: CommitReport::new(&comparison.base),
                head: comparison.head.as_ref().map(CommitReport::new),
                files: comparison.changes.len(),
                positions: estimate.positions,
                positions_found: estimate.positions_found,
                unread: estimate.unread,
                is_far_away: estimate.is_far_away(),
            },
            seeds_omitted: estimate.seeds.len().saturating_sub(limit),
            seeds: estimate
                .seeds
                .iter()
                .take(limit)
                .map(|seed| {
                    let name = AttributeName::new(graph.attribute(seed.attribute));
                    SeedReport {
                        attribute: name.path,
                        system: name.system,
                        rule: seed.rule.name(),
                        file: seed.file.clone(),
                        kind: seed.kind.name(),
                        derivations: seed.derivations.iter().map(|&ix| Derivation::path(graph.derivation(ix))).collect(),
                    }
                })
                .collect(),
            unbounded: estimate
                .unbounded
                .iter()
                .map(|unbounded| UnboundedReport {
                    file: unbounded.file.clone(),
                    reason: unbounded.reason.clone(),
                    bound: impact.counts(&unbounded.bound).into(),
                })
                .collect(),
            ignored_omitted: estimate.ignored.len().saturating_sub(limit),
            ignored: estimate
                .ignored
                .iter()
                .take(limit)
                .map(|ignored| IgnoredReport { file: ignored.file.clone(), reason: ignored.reason.clone() })
                .collect(),
            added: estimate.added.iter().cloned().collect(),
            removed: estimate.removed.iter().cloned().collect(),
            rebuilds_omitted: rebuilds.len().saturating_sub(limit),
            rebuilds: rebuilds.into_iter().take(limit).collect(),
            at_most: impact.counts(&estimate.at_most(graph)).into(),
            // The seeds are the roots; in an impact each would be a long line.
            impact: ImpactReport::new(impact, &[], costs, limit),
        }
    }
}

impl CommitReport {
    fn new(commit: &Commit) -> Self {
        Self { id: commit.id.clone(), subject: commit.subject.clone() }
    }

    fn line(&self) -> String {
        format!("{} ({})", short(&self.id), self.subject)
    }
}

impl ComparisonReport {
    fn lines(&self) -> Vec<String> {
        let head = self.head.as_ref().map_or("the working tree".to_owned(), CommitReport::line);
        let mut lines = vec![format!("from {} to {head}: {}", self.base.line(), counted(self.files, "changed file", "changed files"))];
        if self.is_far_away {
            lines.push(format!(
                "Note: of {} that attributes of the evaluation are defined in, {} are in this repository. Is it of another tree?",
                counted(self.positions, "file", "files"),
                number(self.positions_found as u64)
            ));
        }
        if self.unread > 0 {
            let files = counted(self.unread, "Nix file is", "Nix files are");
            lines.push(format!("Note: {files} too long, not UTF-8 or too odd to be read: what they name is not known."));
        }
        lines
    }
}

impl Report for EstimateReport<'_> {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(self.comparison.lines());
        let mut seeds = Table::new(&[Column::Text("attribute"), Column::Word("rule"), Column::Word("kind"), Column::Text("file")]);
        seeds.rows = self.seeds.iter().map(SeedReport::cells).collect();
        seeds.omitted = self.seeds_omitted;
        document.section("Packages that the change is about", seeds);
        let mut unbounded =
            Table::new(&[Column::Text("file"), Column::Number("attributes"), Column::Number("derivations"), Column::Text("reason")]);
        unbounded.rows = self.unbounded.iter().map(UnboundedReport::cells).collect();
        document.section("Not confined to packages: rebuilds at most", unbounded);
        let mut ignored = Table::new(&[Column::Text("file"), Column::Text("reason")]);
        ignored.rows = self.ignored.iter().map(|ignored| vec![ignored.file.clone(), ignored.reason.clone()]).collect();
        ignored.omitted = self.ignored_omitted;
        document.section("Rebuilds nothing", ignored);
        for (attributes, what) in [(&self.added, "Added"), (&self.removed, "Removed")] {
            if !attributes.is_empty() {
                document.heading(format!("{what}: {}", listed(attributes)));
            }
        }
        if self.impact.rebuilds.derivations == 0 {
            let sure = if self.unbounded.is_empty() { "Nothing is rebuilt." } else { "Nothing is certain to be rebuilt." };
            document.heading(sure);
            document.lines(self.impact.part_line());
        } else {
            document.heading("What these packages rebuild");
            let mut impact = self.impact.document();
            // Which evaluation it is about was said.
            impact.blocks.remove(0);
            document.blocks.extend(impact.blocks);
        }
        if !self.unbounded.is_empty() {
            let CountsReport { attributes, derivations, .. } = self.at_most;
            let rebuilt =
                format!("{}, {}", counted(attributes, "attribute", "attributes"), counted(derivations, "derivation", "derivations"));
            document.heading(format!("With what is not confined: {rebuilt} at most."));
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["seeds", "unbounded", "ignored", "rebuilds"]
    }

    fn diagram(&self) -> Option<Diagram> {
        self.impact.diagram()
    }
}

impl SeedReport {
    fn cells(&self) -> Vec<String> {
        vec![self.attribute.clone(), self.rule.to_owned(), self.kind.to_owned(), self.file.clone()]
    }
}

impl UnboundedReport {
    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), number(self.bound.attributes as u64), number(self.bound.derivations as u64), self.reason.clone()]
    }
}

/// The first of some names, and how many follow.
fn listed(names: &[String]) -> String {
    const LISTED: usize = 8;
    let first = names[..names.len().min(LISTED)].join(", ");
    if names.len() > LISTED { format!("{first}, … and {} more", number((names.len() - LISTED) as u64)) } else { first }
}
