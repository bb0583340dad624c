//! The report of `waves impact --git`.

use serde::{Deserialize, Serialize};

use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport};
use super::impact::ImpactReport;
use super::{Diagram, FORMAT_VERSION, Report};
use crate::analysis::{AttributeName, Impact};
use crate::cost::Costs;
use crate::estimate::{Commit, Comparison, Estimate, Ignored, Seed, Unbounded, short};
use crate::graph::{Attribute, Derivation};
use crate::text::{counted, first_few, number};

/// Attributes that a line names.
const NAMED: usize = 8;

/// What a change of the sources is expected to rebuild.
#[derive(Clone, Debug, Serialize)]
pub struct EstimateReport<'i> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// What the changed files are about.
    #[serde(flatten)]
    pub files: FilesReport,
    /// What the seeds rebuild, as attribute and system.
    pub rebuilds: Vec<String>,
    /// Rebuilt attributes that were left out.
    pub rebuilds_omitted: usize,
    /// What is rebuilt at most: by the seeds, and within all bounds.
    pub at_most: CountsReport,
    /// What the seeds rebuild, in full.
    pub impact: ImpactReport<'i>,
}

/// What changed files are about, and what they could not be confined to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FilesReport {
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
    /// What is built for the removed attributes alone; what is only fetched for them aside.
    #[serde(default)]
    pub no_longer_built: CountsReport,
}

/// The two states that were compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Whether these are so few that the evaluation seems to be of another tree.
    #[serde(default)]
    pub far_away: bool,
    /// Nix files that were not read.
    pub unread: usize,
}

/// A commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommitReport {
    /// Its full hash.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

/// A package that a changed file is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedReport {
    /// Its attribute path.
    pub attribute: String,
    /// The system that it was evaluated for; empty if unknown.
    pub system: String,
    /// What found it.
    pub rule: String,
    /// The file.
    pub file: String,
    /// What was changed in the file.
    pub kind: String,
    /// Store paths of what is expected to change itself; none, if the change rebuilds nothing.
    pub derivations: Vec<String>,
}

/// A file that could not be confined to packages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnboundedReport {
    /// The file.
    pub file: String,
    /// Why not.
    pub reason: String,
    /// What it rebuilds at most.
    pub bound: CountsReport,
}

/// A file that rebuilds nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
        costs: Option<Costs<'_>>,
        limit: usize,
    ) -> Self {
        let graph = impact.graph();
        // What is rebuilt may have names that are removed.
        let costs = costs.map(|costs| costs.counting_only(impact.attributes().into_iter().map(Attribute::ix)));
        let mut rebuilds: Vec<String> =
            impact.attributes().into_iter().map(|attribute| AttributeName::new(attribute).to_string()).collect();
        rebuilds.sort_unstable();
        rebuilds.dedup();
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            files: FilesReport::new(range, comparison, estimate, impact, limit),
            rebuilds_omitted: rebuilds.len().saturating_sub(limit),
            rebuilds: rebuilds.into_iter().take(limit).collect(),
            at_most: impact.counts(&estimate.at_most(graph)).into(),
            // The seeds are the roots; in an impact each would be a long line.
            impact: ImpactReport::new(impact, &[], costs.as_ref(), limit).without(&estimate.gone(graph)),
        }
    }
}

impl FilesReport {
    fn new(range: &str, comparison: &Comparison, estimate: &Estimate, impact: &Impact<'_>, limit: usize) -> Self {
        let graph = impact.graph();
        let seed = |seed: &Seed| {
            let name = AttributeName::new(graph.attribute(seed.attribute));
            SeedReport {
                attribute: name.path,
                system: name.system,
                rule: seed.rule.name().to_owned(),
                file: seed.file.clone(),
                kind: seed.kind.name().to_owned(),
                derivations: seed.derivations.iter().map(|&ix| Derivation::path(graph.derivation(ix))).collect(),
            }
        };
        let unbounded = |unbounded: &Unbounded| UnboundedReport {
            file: unbounded.file.clone(),
            reason: unbounded.reason.clone(),
            bound: impact.counts(&unbounded.bound).into(),
        };
        let ignored = |ignored: &Ignored| IgnoredReport { file: ignored.file.clone(), reason: ignored.reason.clone() };
        Self {
            comparison: ComparisonReport {
                range: range.to_owned(),
                base: CommitReport::new(&comparison.base),
                head: comparison.head.as_ref().map(CommitReport::new),
                files: comparison.changes.len(),
                positions: estimate.positions,
                positions_found: estimate.positions_found,
                far_away: estimate.is_far_away(),
                unread: estimate.unread,
            },
            seeds: estimate.seeds.iter().take(limit).map(seed).collect(),
            seeds_omitted: estimate.seeds.len().saturating_sub(limit),
            unbounded: estimate.unbounded.iter().map(unbounded).collect(),
            ignored: estimate.ignored.iter().take(limit).map(ignored).collect(),
            ignored_omitted: estimate.ignored.len().saturating_sub(limit),
            added: estimate.added.iter().cloned().collect(),
            removed: estimate.removed.iter().cloned().collect(),
            no_longer_built: graph.counts(&estimate.no_longer_built(graph)).into(),
        }
    }

    /// What became of the files: a heading and a table each, which may have no row.
    pub(crate) fn tables(&self) -> [(&'static str, Table); 3] {
        let mut seeds = Table::new(&[Column::Text("attribute"), Column::Word("rule"), Column::Word("kind"), Column::Text("file")]);
        seeds.rows = self.seeds.iter().map(SeedReport::cells).collect();
        seeds.omitted = self.seeds_omitted;
        let mut unbounded =
            Table::new(&[Column::Text("file"), Column::Number("attributes"), Column::Number("derivations"), Column::Text("reason")]);
        unbounded.rows = self.unbounded.iter().map(UnboundedReport::cells).collect();
        let mut ignored = Table::new(&[Column::Text("file"), Column::Text("reason")]);
        ignored.rows = self.ignored.iter().map(|ignored| vec![ignored.file.clone(), ignored.reason.clone()]).collect();
        ignored.omitted = self.ignored_omitted;
        [
            ("Packages that the change is about", seeds),
            ("Not confined to packages: rebuilds at most", unbounded),
            ("Rebuilds nothing", ignored),
        ]
    }

    /// Attributes that only one of the two states has.
    pub(crate) fn attribute_lines(&self) -> impl Iterator<Item = String> {
        let lists = [(&self.added, "Added"), (&self.removed, "Removed")].into_iter();
        lists.filter(|(attributes, _)| !attributes.is_empty()).map(|(attributes, what)| format!("{what}: {}", first_few(attributes, NAMED)))
    }

    /// What is not built any more, if that is anything: it is no rebuild.
    pub(crate) fn no_longer_built_line(&self) -> Option<String> {
        let CountsReport { derivations, outputs, .. } = self.no_longer_built;
        let built = format!("{}, {}", counted(derivations, "derivation", "derivations"), counted(outputs, "output", "outputs"));
        (derivations > 0).then(|| format!("No longer built, and not counted as rebuilt: {built}."))
    }

    /// That nothing is rebuilt: for sure only if every file is confined.
    pub(crate) fn nothing_line(&self) -> &'static str {
        if self.unbounded.is_empty() { "Nothing is rebuilt." } else { "Nothing is certain to be rebuilt." }
    }

    /// What is rebuilt at most, if a file is not confined.
    pub(crate) fn at_most_line(&self, at_most: CountsReport) -> Option<String> {
        let CountsReport { attributes, derivations, .. } = at_most;
        let rebuilt = format!("{}, {}", counted(attributes, "attribute", "attributes"), counted(derivations, "derivation", "derivations"));
        (!self.unbounded.is_empty()).then(|| format!("With what is not confined: {rebuilt} at most."))
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
    /// What was compared, and what of it may be wrong.
    pub(crate) fn lines(&self) -> Vec<String> {
        let head = self.head.as_ref().map_or("the working tree".to_owned(), CommitReport::line);
        let mut lines = vec![format!("from {} to {head}: {}", self.base.line(), counted(self.files, "changed file", "changed files"))];
        if self.far_away && self.positions == 0 {
            lines.push("Note: no attribute of the evaluation says in which file it is defined (hint: nix-eval-jobs --meta).".to_owned());
        } else if self.far_away {
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
        document.lines(self.files.comparison.lines());
        for (heading, table) in self.files.tables() {
            document.section(heading, table);
        }
        for line in self.files.attribute_lines() {
            document.heading(line);
        }
        document.lines(self.files.no_longer_built_line());
        if self.impact.rebuilds.derivations == 0 {
            document.heading(self.files.nothing_line());
            document.lines(self.impact.part_line());
        } else {
            document.heading("What these packages rebuild");
            let mut impact = self.impact.document();
            // Which evaluation it is about was said.
            impact.blocks.remove(0);
            document.blocks.extend(impact.blocks);
        }
        if let Some(line) = self.files.at_most_line(self.at_most) {
            document.heading(line);
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
        vec![self.attribute.clone(), self.rule.clone(), self.kind.clone(), self.file.clone()]
    }
}

impl UnboundedReport {
    fn cells(&self) -> Vec<String> {
        vec![self.file.clone(), number(self.bound.attributes as u64), number(self.bound.derivations as u64), self.reason.clone()]
    }
}
