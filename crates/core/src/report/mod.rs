//! What was found out, as text, JSON, JSON lines, Markdown, CSV, DOT, Mermaid or SVG.
//!
//! A report is a plain value that serialises to its JSON; the other formats are made from the same value. Building one
//! copies what it says out of the graph, so that writing needs nothing else. The JSON keys are a contract: `schema/`
//! describes them, and [`FORMAT_VERSION`] changes when one does.

mod cadence;
mod changed_paths;
mod check;
mod cost;
mod csv;
mod decision;
mod diagram;
mod diff;
mod document;
mod estimate;
mod evaluation;
mod explain;
pub mod github;
mod groups;
mod history;
mod impact;
mod info;
mod major;
mod next;
mod notify;
mod plan;
mod plan_diff;
mod rank;
mod record;
mod request;
mod schedule;
mod schemas;
mod security;
mod status;
mod suite;
mod verify;
mod why;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

pub use cadence::{CadenceReport, ReleaseReport, TurnReport, UnknownReport};
pub use changed_paths::{AttrDiff, ChangedPaths, rebuild_amount};
pub use check::{
    AttributesReport, Basis, BiggestCauseReport, BranchReport, CheckCauseReport, CheckReport, Judged, KernelReport, ReasonReport,
};
pub use cost::{
    AvailabilityReport, BillReport, CacheReport, ChainLink, ClosureCostReport, ClosureReport, CostReport, DurationFileReport,
    EvidenceReport, PackageTimeReport, PartReport, PathListReport, SizeFileReport, SizeReport, TimeReport,
};
pub use csv::{list_key, write_table};
pub use decision::DecisionReport;
pub use diagram::{Diagram, DiagramEdge, DiagramGroup, DiagramNode, condense};
pub use diff::{AliasReport, CauseReport, DiffReport, DoubtReport, LeftOutReport, ReachReport, RenameReport, no_longer_evaluated};
pub use document::{Block, Column, Document, Table};
pub use estimate::{CommitReport, ComparisonReport, EstimateReport, FilesReport, IgnoredReport, SeedReport, UnboundedReport};
pub use evaluation::{CountsReport, EvaluationReport, RootReport, SystemReport};
#[cfg(feature = "html")]
pub(crate) use evaluation::{evaluated_for, part_line, system_line};
pub use explain::{ExplainReport, HitCauseReport, HitReport};
pub use groups::{GroupReport, GroupsReport};
pub use history::{
    HistoryEvaluationReport, HistoryFileReport, HistoryRebuildReport, HistoryRebuildsReport, HistoryReport, UnresolvedCountReport,
    UnresolvedReport,
};
pub use impact::{AttributeReport, DirectReport, ExcludedReport, ImpactReport};
pub use info::{FindingReport, InfoReport};
pub use major::{
    BuildsReport, ConflictReport, CostedReport, MajorDetail, MajorReport, MinorWaveReport, PassedOverReport, PinReport, PointReport,
    SkippedReport, TotalsReport, UnionReport, UpdateReport,
};
pub use next::{NextBuild, NextReport};
pub use notify::{
    AttributeCountsReport, BuildReport, DigestReport, NotifyDetail, NotifyFile, NotifyReport, OwnersReport, PackageReport, RecipientReport,
    RemovedReport, UnmaintainedReport,
};
pub use plan::{CycleReport, LevelReport, PlanDetail, PlanReport, WaveReport};
pub use plan_diff::{MoveReport, PlanDiffReport, PlanSideReport};
pub use rank::{ApproximateReport, RankReport, RankedPackage};
pub use record::{RecordReport, RecordedFile};
pub use request::{RemoteReport, RequestReport, UpstreamReport};
pub use schedule::{
    BuildersReport, CriticalReport, ImpossibleReport, LinkReport, LowerBoundsReport, OutcomeReport, ScheduleReport, WhatIfReport,
};
pub use schemas::{SCHEMAS, Schema, SchemaReport, SchemasReport, schema};
pub use security::{ChoiceReport, OverlapReport, PreconditionReport, RuntimeReport, SecurityReport, UsersReport};
pub use status::{
    BlockedReport, ClassesReport, EvaluationFailureReport, GreennessReport, MomentReport, RemainingReport, ResultsReport, RootCauseReport,
    StateReport, StatusCounts, StatusReport, WaiverReport, WaveLine,
};
pub use suite::{CandidatesReport, ExistingReport, SuiteReport, TestReport};
pub use verify::VerifyReport;
pub use why::{EdgeReport, StepReport, WhyDetail, WhyReport};

/// The version of the JSON of every report.
pub const FORMAT_VERSION: u32 = 1;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// A JSON object on each line: the header first, then an item each.
    Jsonl,
    /// For an issue or a pull request.
    Markdown,
    /// One list as a table: see [`write_table`].
    Csv,
    /// For Graphviz.
    Dot,
    /// A flowchart that GitHub draws.
    Mermaid,
    /// A picture.
    Svg,
}

/// Something to say.
pub trait Report: Serialize {
    /// As headings, paragraphs and tables.
    fn document(&self) -> Document;

    /// The keys whose items are the lines of JSON lines; the others are the header.
    fn item_keys() -> &'static [&'static str];

    /// As nodes and edges, drawn when they are asked for; `None` if there is nothing to draw.
    fn diagram(&self) -> Option<Diagram> {
        None
    }
}

/// Writes a report. Text is laid out for `width` columns, if that is given.
///
/// # Errors
///
/// Those of `out`, and [`io::ErrorKind::Unsupported`] if there is nothing to draw, or no list.
pub fn write(report: &impl Report, format: Format, width: Option<u16>, out: &mut impl Write) -> io::Result<()> {
    let picture = || report.diagram().filter(|diagram| !diagram.nodes.is_empty()).ok_or(io::ErrorKind::Unsupported);
    match format {
        Format::Text => report.document().write_text(width, out),
        Format::Markdown => {
            report.document().write_markdown(out)?;
            // GitHub draws it; no label has a backtick in it that would end the fence.
            let Ok(diagram) = picture() else { return Ok(()) };
            writeln!(out, "\n```mermaid")?;
            diagram.write_mermaid(out)?;
            writeln!(out, "```")
        }
        Format::Csv => write_table(report, None, out),
        Format::Dot => picture()?.write_dot(out),
        Format::Mermaid => picture()?.write_mermaid(out),
        Format::Svg => picture()?.write_svg(out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)
        }
        Format::Jsonl => write_lines(report, out),
    }
}

fn write_lines<R: Report>(report: &R, out: &mut impl Write) -> io::Result<()> {
    let mut header = serde_json::to_value(report)?;
    let mut items = Vec::new();
    for key in R::item_keys() {
        let taken = header.as_object_mut().and_then(|header| header.remove(*key));
        if let Some(Value::Array(values)) = taken {
            items.push((*key, values));
        }
    }
    serde_json::to_writer(&mut *out, &header)?;
    writeln!(out)?;
    for (key, values) in items {
        for value in values {
            serde_json::to_writer(&mut *out, &serde_json::json!({ key: value }))?;
            writeln!(out)?;
        }
    }
    Ok(())
}
