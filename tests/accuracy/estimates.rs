//! Estimates against what Nix says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use rayon::prelude::*;
use tempfile::TempDir;

use waves_core::estimate::Estimate;
use waves_core::graph::Graph;

use crate::commits::{Asked, COMMITS, Commit};
use crate::nix::{Evaluated, Nix, copy_of_data};
use crate::support::{History, data, repository};

type Attributes = BTreeMap<String, Evaluated>;

/// A commit, what Nix says of it, and what was estimated.
struct Row {
    subject: &'static str,
    asked: Asked,
    kinds: BTreeSet<&'static str>,
    truth: BTreeSet<String>,
    estimated: BTreeSet<String>,
    /// Attributes that may be rebuilt, with those of files that are not confined.
    at_most: BTreeSet<String>,
    unbounded: usize,
}

impl Row {
    fn new(commit: &Commit, graph: &Graph, estimate: &Estimate, truth: BTreeSet<String>) -> Self {
        let change = estimate.into_change(graph).expect("it has edges");
        let at_most = estimate.at_most(graph);
        let attributes = at_most.iter().flat_map(|ix| graph.derivation(ix).attributes());
        let at_most: BTreeSet<String> = attributes.map(|attribute| attribute.path().replace('"', "")).collect();
        Self {
            subject: commit.subject,
            asked: commit.asked,
            kinds: estimate.seeds.iter().map(|seed| seed.kind.name()).collect(),
            truth,
            estimated: change.attributes.rebuilds.iter().map(|name| name.path.clone()).collect(),
            at_most,
            unbounded: estimate.unbounded.len(),
        }
    }

    fn hits(&self) -> usize {
        self.truth.intersection(&self.estimated).count()
    }

    /// What is wrong with it, if anything.
    fn objection(&self) -> Option<String> {
        let missed: Vec<&String> = self.truth.difference(&self.estimated).collect();
        let escaped: Vec<&String> = self.truth.difference(&self.at_most).collect();
        match self.asked {
            Asked::All if !missed.is_empty() => Some(format!("missed {missed:?}")),
            Asked::All if self.unbounded > 0 => Some("unbounded".to_owned()),
            Asked::Nothing if !self.truth.is_empty() => Some(format!("Nix rebuilds {:?}", self.truth)),
            Asked::Nothing if !self.at_most.is_empty() => Some(format!("said to rebuild {:?}", self.at_most)),
            Asked::Bound if !missed.is_empty() && self.unbounded == 0 => Some(format!("missed {missed:?}, and says nothing of it")),
            Asked::Bound if !escaped.is_empty() => Some(format!("beyond the bound: {escaped:?}")),
            _ => None,
        }
    }
}

/// A row of a Markdown table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (truth, estimated, hits) = (self.truth.len(), self.estimated.len(), self.hits());
        let share = |part: usize, whole: usize| if whole == 0 { "–".to_owned() } else { format!("{:.2}", part as f64 / whole as f64) };
        let bound = if self.unbounded == 0 { String::new() } else { format!("≤ {}", self.at_most.len()) };
        let kinds: Vec<&str> = self.kinds.iter().copied().collect();
        let sign = if estimated > truth { "+" } else { "-" };
        let error = if estimated == truth { "0".to_owned() } else { format!("{sign}{}", estimated.abs_diff(truth)) };
        let (precision, recall) = (share(hits, estimated), share(hits, truth));
        write!(f, "| {} | {} | {truth} | {estimated} | {precision} | {recall} | {error} | {bound} |", self.subject, kinds.join(", "))
    }
}

/// Attributes that are there before and after, with other output paths.
fn rebuilt(before: &Attributes, after: &Attributes) -> BTreeSet<String> {
    let is_other = |(attr, evaluated): &(&String, &Evaluated)| after.get(*attr).is_some_and(|after| after.outputs != evaluated.outputs);
    before.iter().filter(is_other).map(|(attr, _)| attr.clone()).collect()
}

#[test]
fn estimates_hold_what_nix_rebuilds() {
    let Some(nix) = Nix::new() else { return };
    let (graph, before) = (data(), nix.evaluate_data());
    let evaluate = |commit: &Commit| {
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        (commit.edit)(set.path());
        let truth = rebuilt(&before, &nix.evaluate(set.path()));
        (set, truth)
    };
    let evaluated: Vec<(TempDir, BTreeSet<String>)> = COMMITS.par_iter().map(evaluate).collect();
    let history = History::new();
    let rows: Vec<Row> = COMMITS
        .iter()
        .zip(evaluated)
        .map(|(commit, (set, truth))| {
            let id = history.commit(set.path(), commit.subject, history.base);
            Row::new(commit, &graph, &history.estimate(&graph, history.base, id), truth)
        })
        .collect();
    let table: Vec<String> = rows.iter().map(Row::to_string).collect();
    println!("{}", table.join("\n"));
    let objections: Vec<String> = rows.iter().filter_map(|row| Some(format!("{}: {}", row.subject, row.objection()?))).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    let documented = fs::read_to_string(repository().join("docs/algorithms.md")).expect("the document");
    assert!(documented.contains(&table.join("\n")), "docs/algorithms.md has another table than this:\n{}", table.join("\n"));
}

/// What a commit does and the next one undoes is no change of the two together.
#[test]
fn a_revert_is_nothing() {
    let (graph, history) = (data(), History::new());
    let set = TempDir::new().expect("a directory");
    copy_of_data(set.path());
    let original = fs::read(set.path().join("pkgs/by-name/jq/jq/package.nix")).expect("it is there");
    (COMMITS[0].edit)(set.path());
    let bumped = history.commit(set.path(), "jq: 1.7.1 -> 1.7.2", history.base);
    fs::write(set.path().join("pkgs/by-name/jq/jq/package.nix"), original).expect("writes");
    let reverted = history.commit(set.path(), "Revert \"jq: 1.7.1 -> 1.7.2\"", bumped);
    let both = history.compare(history.base, reverted);
    assert!(both.changes.is_empty(), "{:?}", both.changes);
    // From the bump to its revert, jq changes again.
    let names = |estimate: &Estimate| {
        let named: BTreeSet<String> = estimate.seeds.iter().map(|seed| graph.attribute(seed.attribute).path().to_owned()).collect();
        named
    };
    assert_eq!(names(&history.estimate(&graph, bumped, reverted)), BTreeSet::from(["jq".to_owned()]));
    assert_eq!(names(&history.estimate(&graph, history.base, bumped)), BTreeSet::from(["jq".to_owned()]));
}

/// A branch is compared with where it left the main one, not with where that is now.
#[test]
fn a_branch_is_compared_with_its_merge_base() {
    let (graph, history) = (data(), History::new());
    let commit = |change: &Commit, parent| {
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        (change.edit)(set.path());
        history.commit(set.path(), change.subject, parent)
    };
    let (branch, main) = (commit(&COMMITS[0], history.base), commit(&COMMITS[1], history.base));
    let estimate = history.estimate(&graph, main, branch);
    let files: BTreeSet<&str> = estimate.seeds.iter().map(|seed| seed.file.as_str()).collect();
    assert_eq!(files, BTreeSet::from(["pkgs/by-name/jq/jq/package.nix"]));
    assert_eq!(graph.counts(&estimate.at_most(&graph)).attributes, 1);
}
