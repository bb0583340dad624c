//! The report of `waves why`.

use std::cmp::Reverse;
use std::collections::HashSet;

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::{EvaluationReport, RootReport};
use super::{Diagram, DiagramNode, FORMAT_VERSION, Report, diagram};
use crate::analysis::{Link, Root, Why};
use crate::graph::Derivation;
use crate::text::{counted, first_few};

/// How much of the connection is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhyDetail {
    /// A shortest chain.
    #[default]
    Shortest,
    /// Everything between the two.
    All,
}

/// Why one package rebuilds another.
#[derive(Clone, Debug, Serialize)]
pub struct WhyReport<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// What changes.
    pub from: Vec<RootReport>,
    /// What is rebuilt, or not.
    pub to: Vec<RootReport>,
    /// Whether it is.
    pub rebuilds: bool,
    /// A shortest chain; empty if there is none.
    pub path: Vec<StepReport>,
    /// The chain that fixed-output derivations cut, if there is only such a one.
    pub blocked: Vec<StepReport>,
    /// Whether it is the other way round.
    pub reversed: bool,
    /// Derivations of the target, or that it is built from, of which no dump says what they need; 0 if there is a chain.
    pub undescribed: usize,
    /// Derivations on any chain, ends included.
    pub between: usize,
    /// The edges among them; empty unless all were asked for.
    pub edges: Vec<EdgeReport>,
    /// Edges that were left out.
    pub edges_omitted: usize,
    #[serde(skip)]
    detail: WhyDetail,
    #[serde(skip)]
    limit: usize,
    #[serde(skip)]
    why: &'a Why<'a>,
}

/// One derivation of a chain.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Its attribute, or its name.
    pub label: String,
    /// Its derivation.
    pub derivation: String,
    /// Outputs of the step before that it uses.
    pub uses: Vec<String>,
    /// Whether its output is fixed.
    pub fixed_output: bool,
    /// `broken`, `unfree`, `insecure`: what policy says of its attributes.
    pub marks: Vec<&'static str>,
}

/// One edge of the sub-graph.
#[derive(Clone, Debug, Serialize)]
pub struct EdgeReport {
    /// What is needed.
    pub input: String,
    /// What needs it.
    pub user: String,
    /// What both are called.
    #[serde(skip)]
    labels: [String; 2],
}

impl EdgeReport {
    fn new(input: Derivation<'_>, user: Derivation<'_>) -> Self {
        let labels = [input, user].map(|derivation| derivation.label().to_owned());
        Self { input: input.path(), user: user.path(), labels }
    }

    /// A terminal that is too narrow for the paths has the names.
    fn cells(&self) -> Vec<String> {
        let [input, user] = self.labels.clone();
        vec![input, self.input.clone(), user, self.user.clone()]
    }
}

impl<'a> WhyReport<'a> {
    /// Of a connection; the list of edges is cut after `limit`.
    pub fn new(why: &'a Why<'a>, from: &[Root], to: &[Root], detail: WhyDetail, limit: usize) -> Self {
        let graph = why.graph();
        let roots = |roots: &[Root]| roots.iter().map(|root| RootReport::new(graph, root)).collect::<Vec<_>>();
        let path: Vec<StepReport> = why.shortest().into_iter().flatten().map(StepReport::of_link).collect();
        let all: Vec<_> = if detail == WhyDetail::All { why.edges().collect() } else { Vec::new() };
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            from: roots(from),
            to: roots(to),
            rebuilds: !path.is_empty(),
            blocked: why.blocked().into_iter().flatten().map(|derivation| StepReport::new(*derivation, Vec::new())).collect(),
            reversed: why.is_reversed(),
            undescribed: why.undescribed(),
            between: why.between().len(),
            edges_omitted: all.len().saturating_sub(limit),
            edges: all.iter().take(limit).map(|&(input, user)| EdgeReport::new(input, user)).collect(),
            path,
            detail,
            limit,
            why,
        }
    }

    /// The packages of everything between: those of the chain first.
    fn all_packages(&self, title: String) -> Diagram {
        let Self { why, limit, .. } = *self;
        let graph = why.graph();
        let start = why.shortest().and_then(|path| path.first()).map(|link| link.derivation.ix());
        let chain = why.shortest().into_iter().flatten().map(|link| link.derivation.package().ix());
        let mut rest: Vec<_> = why.between().iter().map(|ix| graph.derivation(ix).package().ix()).collect();
        rest.sort_unstable_by_key(|&ix| (Reverse(graph.package(ix).rebuilt_derivations()), ix));
        let mut seen = HashSet::new();
        let packages: Vec<_> = chain.chain(rest).filter(|ix| seen.insert(*ix)).collect();
        Diagram::first_packages(title, graph, why.between(), &graph.set_of(start), &packages, packages.len(), limit)
    }
}

impl StepReport {
    fn of_link(link: &Link<'_>) -> Self {
        Self::new(link.derivation, link.outputs.iter().map(|output| (*output).to_owned()).collect())
    }

    fn new(derivation: Derivation<'_>, uses: Vec<String>) -> Self {
        let has = |mark: fn(crate::graph::Attribute<'_>) -> bool| derivation.attributes().any(mark);
        let marks = [("broken", has(|a| a.is_broken())), ("unfree", has(|a| a.is_unfree())), ("insecure", has(|a| a.is_insecure()))];
        Self {
            label: derivation.label().to_owned(),
            derivation: derivation.path(),
            uses,
            fixed_output: derivation.is_fixed_output(),
            marks: marks.into_iter().filter(|(_, set)| *set).map(|(mark, _)| mark).collect(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let fixed = self.fixed_output.then_some("fixed output");
        let notes: Vec<_> = fixed.into_iter().chain(self.marks.iter().copied()).collect();
        vec![self.label.clone(), self.uses.join(", "), self.derivation.clone(), notes.join(", ")]
    }
}

/// The first of some roots, and how many follow.
fn names(roots: &[RootReport]) -> String {
    const NAMED: usize = 8;
    first_few(roots.iter().map(|root| &root.label), NAMED)
}

impl Report for WhyReport<'_> {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        let (from, to) = (names(&self.from), names(&self.to));
        let steps = |path: &[StepReport]| {
            let mut table = Table::new(&[Column::Text("package"), Column::Text("uses"), Column::Path("derivation"), Column::Word("notes")]);
            table.rows = path.iter().map(StepReport::cells).collect();
            table
        };
        if self.rebuilds {
            let length = counted(self.path.len() - 1, "step", "steps");
            document.heading(format!("A change of {from} rebuilds {to}, in {length}"));
            document.table(steps(&self.path));
            let hint = if self.detail == WhyDetail::All { "" } else { " (--all shows them)" };
            let between = counted(self.between, "derivation", "derivations");
            document.line(format!("{between} on all chains between them, ends included{hint}"));
        } else if !self.blocked.is_empty() {
            document.heading(format!("A change of {from} does not rebuild {to}: fixed outputs are between them, and do not change"));
            document.table(steps(&self.blocked));
        } else if self.reversed {
            // A chain leads to one package.
            let typed = match (&self.from[..], &self.to[..]) {
                ([from], [to]) => format!(": try `waves why {} {}`", to.selector, from.selector),
                _ => String::new(),
            };
            document.heading(format!("A change of {from} does not rebuild {to}; it is the other way round{typed}"));
        } else {
            document.heading(format!("A change of {from} does not rebuild {to}: nothing connects them"));
        }
        if self.undescribed > 0 {
            let undescribed = counted(self.undescribed, "derivation is", "derivations are");
            document.line(format!(
                "As far as is known: among {to} and what it is built from, {undescribed} without a description (hint: add `nix derivation show -r`)."
            ));
        }
        if self.detail == WhyDetail::All && self.rebuilds {
            document.heading(format!("All {} between them", counted(self.edges.len() + self.edges_omitted, "edge", "edges")));
            let path = Column::Path("derivation");
            let mut edges = Table::new(&[Column::Text("input"), path, Column::Text("user"), path]);
            edges.rows = self.edges.iter().map(EdgeReport::cells).collect();
            edges.omitted = self.edges_omitted;
            document.table(edges);
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["path", "blocked", "edges"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let (from, to) = (diagram::names(&self.from), diagram::names(&self.to));
        let node = |(at, step): (usize, &StepReport)| {
            let cut = step.fixed_output.then(|| "fixed output".to_owned());
            DiagramNode { lines: std::iter::once(step.label.clone()).chain(cut).collect(), is_root: at == 0, count: 1 }
        };
        if !self.rebuilds {
            let title = format!("Why a change of {from} does not rebuild {to}");
            return Some(Diagram::chain(title, self.blocked.iter().enumerate().map(node).collect(), self.limit));
        }
        let title = format!("Why a change of {from} rebuilds {to}");
        Some(match self.detail {
            WhyDetail::Shortest => Diagram::chain(title, self.path.iter().enumerate().map(node).collect(), self.limit),
            WhyDetail::All => self.all_packages(title),
        })
    }
}
