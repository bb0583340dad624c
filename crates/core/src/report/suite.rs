//! The report of `waves tests`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::cost::CostReport;
use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport, RootReport, root_lines};
use super::impact::ExcludedReport;
use super::{FORMAT_VERSION, Report};
use crate::analysis::Root;
use crate::graph::{Derivation, Graph};
use crate::suite::{Existing, Recursion, Suite, SuiteOptions, Test, snippet};
use crate::text::{counted, duration, number};

/// Tests of a change within a budget.
#[derive(Clone, Debug, Serialize)]
pub struct SuiteReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The roots.
    pub roots: Vec<RootReport>,
    /// What the change rebuilds, roots aside.
    pub dependents: CountsReport,
    /// What the costs are in: `seconds` or `builds`.
    pub unit: &'static str,
    /// What the tests may cost.
    pub budget: u64,
    /// Tests at most; null if any number.
    pub max_tests: Option<usize>,
    /// Weight of a derivation relative to one that is an edge nearer.
    pub decay: f64,
    /// What all tests cost together.
    pub cost: u64,
    /// What is built for them, roots aside.
    pub builds: CountsReport,
    /// The share of the weight of the dependents that is covered.
    pub covered: f64,
    /// No choice within the budget covers more.
    pub bound: f64,
    /// The tests, each next that adds most for its cost.
    pub tests: Vec<TestReport>,
    /// Tests that were left out of the list.
    pub tests_omitted: usize,
    /// What could have been a test, and what could not.
    pub candidates: CandidatesReport,
    /// The tests that there are; null if they are not known.
    pub existing: Option<ExistingReport>,
    /// The tests as Nix.
    pub snippet: String,
    /// What the builds cost; null without build times.
    pub build_times: Option<CostReport>,
}

/// A test.
#[derive(Clone, Debug, Serialize)]
pub struct TestReport {
    /// Its attribute path.
    pub attribute: String,
    /// Its system.
    pub system: String,
    /// Its derivation.
    pub derivation: String,
    /// Edges from the nearest root.
    pub distance: usize,
    /// What it costs by itself, with everything on the way.
    pub cost: u64,
    /// What it costs after the tests before it.
    pub added_cost: u64,
    /// The share of the weight that it covers by what it adds.
    pub added: f64,
    /// The share that it and the tests before it cover.
    pub covered: f64,
    /// Whether it is a test already.
    pub is_test: bool,
    /// `build` or `fetch`: what the root needs its package for; null if it does not.
    pub recursion: Option<&'static str>,
}

/// What could be a test.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CandidatesReport {
    /// Derivations with an attribute.
    pub named: usize,
    /// Attributes that are left out.
    pub excluded: ExcludedReport,
    /// Derivations that are left out with all their attributes.
    pub left_out: usize,
    /// Derivations of another system.
    pub other_system: usize,
    /// Derivations that need a broken, unfree or vulnerable one.
    pub refused: usize,
    /// Derivations that cost more than the budget by themselves.
    pub too_dear: usize,
    /// Derivations that could be chosen.
    pub affordable: usize,
    /// What the cheapest that is too dear costs at least, if none is affordable.
    pub cheapest: Option<u64>,
}

/// The tests that there are.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ExistingReport {
    /// Attributes of tests.
    pub tests: usize,
    /// Derivations of these that the change rebuilds.
    pub rebuilt: usize,
    /// What these cost, with everything on the way.
    pub cost: u64,
    /// The share of the weight that they cover.
    pub covered: f64,
}

impl SuiteReport {
    /// Of tests; the list is cut after `limit`, the Nix is not.
    pub fn new(suite: &Suite<'_>, roots: &[Root], options: &SuiteOptions<'_>, limit: usize) -> Self {
        let graph = suite.impact.graph();
        let share = |weight: u64| if suite.total_weight == 0 { 0.0 } else { weight as f64 / suite.total_weight as f64 };
        let mut weight = 0;
        let tests: Vec<TestReport> = suite
            .tests
            .iter()
            .map(|test| {
                weight += test.added_weight;
                TestReport::new(graph, test, share(test.added_weight), share(weight))
            })
            .collect();
        let candidates = suite.candidates;
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            roots: roots.iter().map(|root| RootReport::new(graph, root)).collect(),
            dependents: suite.impact.dependent_counts().into(),
            unit: if options.costs.is_some() { "seconds" } else { "builds" },
            budget: options.budget,
            max_tests: options.max_tests,
            decay: options.decay,
            cost: suite.cost,
            builds: graph.counts(&suite.selected).into(),
            covered: share(suite.weight),
            bound: share(suite.bound),
            snippet: snippet_of(graph, &suite.tests),
            tests_omitted: tests.len().saturating_sub(limit),
            tests: tests.into_iter().take(limit).collect(),
            candidates: CandidatesReport {
                named: candidates.named,
                excluded: candidates.excluded.into(),
                left_out: candidates.left_out,
                other_system: candidates.other_system,
                refused: candidates.refused,
                too_dear: candidates.too_dear,
                affordable: candidates.affordable,
                cheapest: candidates.cheapest,
            },
            existing: suite.existing.map(|Existing { tests, rebuilt, cost, weight }| ExistingReport {
                tests,
                rebuilt,
                cost,
                covered: share(weight),
            }),
            build_times: CostReport::new(options.costs, &suite.selected, roots, limit),
        }
    }

    fn amount(&self, cost: u64) -> String {
        if self.unit == "seconds" { duration(cost) } else { counted(cost as usize, "build", "builds") }
    }

    fn summary(&self) -> Vec<String> {
        let (cost, budget) = (self.amount(self.cost), self.amount(self.budget));
        if self.dependents.derivations == 0 {
            return vec!["Nothing depends on it: there is nothing to test.".to_owned()];
        }
        let mut lines = Vec::new();
        if self.cost == 0 {
            lines.push(format!("No dependent can be built as a test within {budget}."));
            lines.extend(self.candidates.cheapest.map(|cheapest| {
                format!("The cheapest costs at least {}, with what is built on the way (hint: --budget).", self.amount(cheapest))
            }));
        } else {
            lines.push(format!(
                "Covers {}, bound {}: {} in {cost} of {budget}.",
                percentage(self.covered),
                percentage(self.bound),
                counted(self.tests.len() + self.tests_omitted, "test", "tests")
            ));
            lines.push(format!(
                "To build them rebuilds {} of the {} dependents.",
                counted(self.builds.derivations, "derivation", "derivations"),
                number(self.dependents.derivations as u64)
            ));
        }
        lines
    }

    fn tests_table(&self) -> Table {
        // One system is the same in every row.
        let systems: BTreeSet<&str> = self.tests.iter().map(|test| test.system.as_str()).collect();
        let system = (systems.len() > 1).then_some(Column::Word("system"));
        let others = [
            Column::Detail("distance"),
            Column::Detail("alone"),
            Column::Number("costs"),
            Column::Number("adds"),
            Column::Number("covered"),
            Column::Word(""),
        ];
        let columns: Vec<Column> = [Column::Text("test")].into_iter().chain(system).chain(others).collect();
        let mut table = Table::new(&columns);
        let amount = |cost: u64| if self.unit == "seconds" { duration(cost) } else { number(cost) };
        let cells = |test: &TestReport| {
            let mut cells = vec![test.attribute.clone()];
            cells.extend(system.map(|_| test.system.clone()));
            cells.extend([number(test.distance as u64), amount(test.cost), amount(test.added_cost)]);
            cells.extend([percentage(test.added), percentage(test.covered), test.marks()]);
            cells
        };
        table.rows = self.tests.iter().map(cells).collect();
        table.omitted = self.tests_omitted;
        table
    }

    fn candidate_lines(&self) -> Vec<String> {
        let CandidatesReport { named, left_out, other_system, refused, too_dear, affordable, .. } = self.candidates;
        let reasons = [
            (left_out, "usually not built"),
            (other_system, "of another system"),
            (refused, "need what is broken, unfree or insecure"),
            (too_dear, "too dear by themselves"),
        ];
        let reasons = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {} {what}", number(*count as u64)));
        let reasons: String = reasons.collect();
        let mut lines = vec![format!(
            "Candidates: {} with an attribute{reasons}; chosen from {}.",
            counted(named, "derivation", "derivations"),
            number(affordable as u64)
        )];
        lines.extend(self.candidates.excluded.line());
        lines.extend(self.existing.map(|existing| {
            format!(
                "Existing tests: {}; {} of them rebuilt, which cover {} in {}.",
                counted(existing.tests, "attribute", "attributes"),
                counted(existing.rebuilt, "derivation", "derivations"),
                percentage(existing.covered),
                self.amount(existing.cost)
            )
        }));
        lines
    }
}

impl TestReport {
    fn new(graph: &Graph, test: &Test, added: f64, covered: f64) -> Self {
        let attribute = graph.attribute(test.attribute);
        Self {
            attribute: attribute.path().to_owned(),
            system: attribute.system().unwrap_or_default().to_owned(),
            derivation: attribute.derivation().map(Derivation::path).unwrap_or_default(),
            distance: test.distance,
            cost: test.cost,
            added_cost: test.added_cost,
            added,
            covered,
            is_test: test.is_test,
            recursion: test.recursion.map(|recursion| match recursion {
                Recursion::Build => "build",
                Recursion::Fetch => "fetch",
            }),
        }
    }

    fn marks(&self) -> String {
        let recursion = match self.recursion {
            Some("build") => Some("would recurse"),
            Some(_) => Some("may recurse"),
            None => None,
        };
        let marks: Vec<&str> = self.is_test.then_some("already a test").into_iter().chain(recursion).collect();
        marks.join(", ")
    }
}

fn snippet_of(graph: &Graph, tests: &[Test]) -> String {
    let paths = |recurses: bool| {
        let kept = tests.iter().filter(move |test| (test.recursion == Some(Recursion::Build)) == recurses);
        kept.map(|test| graph.attribute(test.attribute).path())
    };
    snippet(paths(false), paths(true))
}

/// A share in percent: one digit behind the point, and three of a small one.
fn percentage(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 { format!("{percent:.3} %") } else { format!("{percent:.1} %") }
}

impl Report for SuiteReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(root_lines(&self.roots));
        document.lines(self.summary());
        document.lines(self.candidate_lines());
        document.section("Tests, each next that adds most for its cost", self.tests_table());
        if self.tests.iter().any(|test| test.recursion.is_some()) {
            document.line("would recurse: the root is built with this package; may recurse: a source of it is fetched with it.");
        }
        document.lines(self.build_times.iter().flat_map(CostReport::basis_lines));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["tests"]
    }
}
