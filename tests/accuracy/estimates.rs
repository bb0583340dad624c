//! Estimates against what Nix says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use git2::Oid;
use rayon::prelude::*;
use tempfile::TempDir;

use waves_core::estimate::Estimate;
use waves_core::graph::Graph;

use crate::commits::{Asked, COMMITS, Commit};
use crate::nix::{Evaluated, Nix, copy_of_data};
use crate::support::{History, data, evaluated, repository};

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
    /// What is said to be added or removed, and what Nix has of it.
    come_and_gone: [(BTreeSet<String>, BTreeSet<String>); 2],
}

impl Row {
    fn new(commit: &Commit, graph: &Graph, estimate: &Estimate, truth: Truth) -> Self {
        let change = estimate.into_change(graph).expect("it has edges");
        let at_most = estimate.at_most(graph);
        let attributes = at_most.iter().flat_map(|ix| graph.derivation(ix).attributes());
        let at_most: BTreeSet<String> = attributes.map(|attribute| attribute.path().replace('"', "")).collect();
        Self {
            subject: commit.subject,
            asked: commit.asked,
            kinds: estimate.seeds.iter().map(|seed| seed.kind.name()).collect(),
            truth: truth.rebuilt,
            estimated: change.attributes.rebuilds.iter().map(|name| name.path.clone()).collect(),
            at_most,
            unbounded: estimate.unbounded.len(),
            come_and_gone: [(&estimate.added, truth.added), (&estimate.removed, truth.removed)]
                .map(|(said, truth)| (said.iter().map(|name| name.replace('"', "")).collect(), truth)),
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
            Asked::All | Asked::Nothing if self.come_and_gone.iter().any(|(said, truth)| said != truth) => {
                Some(format!("added and removed, said and in Nix: {:?}", self.come_and_gone))
            }
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

/// What Nix says of a commit: attributes.
struct Truth {
    /// Before and after, with other output paths.
    rebuilt: BTreeSet<String>,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Truth {
    fn new(before: &Attributes, after: &Attributes) -> Self {
        let is_other = |(attr, evaluated): &(&String, &Evaluated)| after.get(*attr).is_some_and(|after| after.outputs != evaluated.outputs);
        let only = |one: &Attributes, other: &Attributes| one.keys().filter(|attr| !other.contains_key(*attr)).cloned().collect();
        Self {
            rebuilt: before.iter().filter(is_other).map(|(attr, _)| attr.clone()).collect(),
            added: only(after, before),
            removed: only(before, after),
        }
    }
}

/// A commit in the history, and the package set before and after it.
struct Made {
    before: Option<TempDir>,
    after: TempDir,
    from: Oid,
    to: Oid,
}

impl Made {
    fn new(history: &History, commit: &Commit) -> Self {
        let copy = || {
            let set = TempDir::new().expect("a directory");
            copy_of_data(set.path());
            commit.before.into_iter().for_each(|prepare| prepare(set.path()));
            set
        };
        let (before, after) = (commit.before.map(|_| copy()), copy());
        let from = before.as_ref().map_or(history.base, |set| history.commit(set.path(), "What it is made on", history.base));
        (commit.edit)(after.path());
        let to = history.commit(after.path(), commit.subject, from);
        Self { before, after, from, to }
    }
}

#[test]
fn estimates_hold_what_nix_rebuilds() {
    let Some(nix) = Nix::new() else { return };
    let (graph, before) = (data(), nix.evaluate_data());
    let history = History::new();
    let made: Vec<Made> = COMMITS.iter().map(|commit| Made::new(&history, commit)).collect();
    let evaluate = |made: &Made| match &made.before {
        Some(set) => (Some(evaluated(&nix, set.path())), Truth::new(&nix.evaluate(set.path()), &nix.evaluate(made.after.path()))),
        None => (None, Truth::new(&before, &nix.evaluate(made.after.path()))),
    };
    let evaluations: Vec<(Option<Graph>, Truth)> = made.par_iter().map(evaluate).collect();
    let row = |((commit, made), (own, truth)): ((&Commit, &Made), (Option<Graph>, Truth))| {
        let graph = own.as_ref().unwrap_or(&graph);
        Row::new(commit, graph, &history.estimate(graph, made.from, made.to), truth)
    };
    let rows: Vec<Row> = COMMITS.iter().zip(&made).zip(evaluations).map(row).collect();
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
