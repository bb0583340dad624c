//! Which dependents to build as tests of a change, within a budget.
//!
//! To build a test, everything on the way from the root to it is built too, and is tested by that. So cost and coverage
//! are sums over one **closed set** `S` of derivations: with a derivation, it holds all that the derivation needs of what the
//! root rebuilds. Asked for is the closed set of most weight that costs no more than the budget: the precedence-constrained
//! knapsack problem, which is strongly NP-hard. [`suite`] looks for a good one, and bounds from above what the best could be.
//!
//! The **weight** of a derivation is its importance times `decay` to the power of its distance from the root less one; its
//! importance is 1 + ln(1 + derivations that it rebuilds, itself included).

mod bound;
mod closure;
mod greedy;
mod problem;
mod snippet;
mod verify;

use std::collections::HashMap;

use rustc_hash::FxHashMap;

pub use snippet::snippet;
pub use verify::{Violation, verify};

use crate::analysis::{Excluded, Impact, Root};
use crate::cost::Costs;
use crate::error::Result;
use crate::graph::{Attribute, AttributeIx, Derivation, DerivationIx, DerivationSet, Direction, Graph};
use crate::store_path::StoreHash;
use bound::Bound;
use greedy::{Criterion, Greedy, Pick};
use problem::Problem;

/// How much less likely a derivation breaks than one that is an edge nearer to the root, unless it is told otherwise.
pub const DEFAULT_DECAY: f64 = 0.5;
/// The budget in seconds if build times are known, unless it is told otherwise: three hours.
pub const DEFAULT_SECONDS: u64 = 3 * 3600;
/// The budget in builds if they are not, unless it is told otherwise.
pub const DEFAULT_BUILDS: u64 = 50;
/// Weights are whole numbers of this part of 1, so that all sums are exact.
pub const WEIGHT_UNIT: f64 = 1e-6;

/// How tests are chosen.
#[derive(Clone, Copy, Debug)]
pub struct SuiteOptions<'a> {
    /// What all builds together may cost: seconds with `costs`, else derivations.
    pub budget: u64,
    /// Build times; without them each derivation costs 1.
    pub costs: Option<&'a Costs<'a>>,
    /// Tests at most.
    pub max_tests: Option<usize>,
    /// Above 0, at most 1: 1 if distance does not matter.
    pub decay: f64,
    /// Only attributes of this system are tests.
    pub system: Option<&'a str>,
    /// An evaluation of the tests that there are: attributes such as `openssl.tests.curl`.
    pub tests: Option<&'a Graph>,
}

impl Default for SuiteOptions<'_> {
    /// [`DEFAULT_BUILDS`] builds, any number of tests, [`DEFAULT_DECAY`].
    fn default() -> Self {
        Self { budget: DEFAULT_BUILDS, costs: None, max_tests: None, decay: DEFAULT_DECAY, system: None, tests: None }
    }
}

impl SuiteOptions<'_> {
    /// What a derivation costs: seconds, or 1.
    pub fn cost(&self, derivation: DerivationIx) -> u64 {
        self.costs.and_then(Costs::model).map_or(1, |model| u64::from(model.seconds(derivation)))
    }

    /// The weight of a derivation at a distance from the root, in [`WEIGHT_UNIT`]; never 0.
    pub fn weight(&self, derivation: Derivation<'_>, distance: usize) -> u64 {
        let importance = 1.0 + f64::from(derivation.rebuilt_derivations()).ln_1p();
        let steps = i32::try_from(distance.saturating_sub(1)).unwrap_or(i32::MAX);
        #[expect(clippy::cast_sign_loss, reason = "neither importance nor decay is negative")]
        let weight = (importance * self.decay.powi(steps) / WEIGHT_UNIT).round() as u64;
        weight.max(1)
    }
}

/// Tests of a change, and how good the choice is.
#[derive(Debug)]
pub struct Suite<'g> {
    /// What the change rebuilds.
    pub impact: Impact<'g>,
    /// The tests: the derivations of `selected` that nothing else of it needs. Each adds most for its cost to those before it.
    pub tests: Vec<Test>,
    /// Everything that is built for them; closed, without the roots.
    pub selected: DerivationSet,
    /// What that costs.
    pub cost: u64,
    /// Its weight, in [`WEIGHT_UNIT`].
    pub weight: u64,
    /// No selection within the budget has more weight, whatever the number of its tests.
    pub bound: u64,
    /// The weight of all that the change rebuilds, roots aside.
    pub total_weight: u64,
    /// What could have been a test, and what could not.
    pub candidates: Candidates,
    /// The tests that there are, if they are known.
    pub existing: Option<Existing>,
}

/// A test: an attribute to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The attribute.
    pub attribute: AttributeIx,
    /// Its derivation.
    pub derivation: DerivationIx,
    /// Edges from the nearest root.
    pub distance: usize,
    /// What it costs by itself, with everything on the way.
    pub cost: u64,
    /// What it costs after the tests before it.
    pub added_cost: u64,
    /// The weight that it adds to them.
    pub added_weight: u64,
    /// Whether it is a test of the root already; no, if tests are not known.
    pub is_test: bool,
    /// How the root needs the test's package, if it does.
    pub recursion: Option<Recursion>,
}

/// How a root needs the package of its own test: evaluating the test then asks for the root again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// A derivation of the package is needed to build a root.
    Build,
    /// A derivation of the package is needed to fetch something that a root is built from.
    Fetch,
}

/// Derivations and attributes that could be tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Derivations with an attribute, besides the roots.
    pub named: usize,
    /// Attributes that are left out: broken, not free, vulnerable, not on Hydra.
    pub excluded: Excluded,
    /// Derivations that are left out with all their attributes.
    pub left_out: usize,
    /// Derivations of another system than was asked for.
    pub other_system: usize,
    /// Derivations that need one that Nixpkgs refuses to evaluate: broken, not free, vulnerable.
    pub refused: usize,
    /// Derivations that cost more than the budget, with what is on the way.
    pub too_dear: usize,
    /// Derivations that could be chosen.
    pub affordable: usize,
    /// A lower bound of the cost of the cheapest that is too dear, if nothing is affordable.
    pub cheapest: Option<u64>,
}

/// The tests of the roots that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Existing {
    /// Attributes of tests.
    pub tests: usize,
    /// Those of a derivation that the change rebuilds; the others are tests of their own, or independent of it.
    pub rebuilt: usize,
    /// What these cost, with everything on the way.
    pub cost: u64,
    /// The weight of that.
    pub weight: u64,
}

/// Chooses tests.
///
/// 1. What cannot be chosen goes: what nixpkgs refuses, what costs more than the budget with what is on the way, and what
///    neither of the rest needs. This loses nothing, see `Problem::new`.
/// 2. A bound, from the Lagrangian relaxation: a few minimum cuts (`bound.rs`). The closed sets of the cuts are a start.
/// 3. From each of them, and from nothing, the rest of the budget is filled greedily; the best is taken.
///
/// Time O(V + E), O(M²/512) word operations for the M derivations that can be chosen, and the cuts (seconds for a hundred
/// thousand); space O(V + E).
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn suite<'g>(graph: &'g Graph, roots: &[Root], options: &SuiteOptions<'_>) -> Result<Suite<'g>> {
    let impact = Impact::new(graph, roots, Direction::Dependents, None, None)?;
    let distances = distances(&impact);
    let pool = impact.dependents();
    let weight = |ix: DerivationIx| options.weight(graph.derivation(ix), distances[&ix]);
    let total_weight = pool.iter().map(weight).sum();
    let (problem, candidates) = Problem::new(graph, &impact, options, &weight);
    let bound = bound::bound(&problem, options.budget);
    let picks = best(&problem, options, &bound);

    let existing = options.tests.map(|tests| existing(&impact, roots, tests));
    let recursion = Recursions::new(graph, roots);
    let mut selected = graph.empty_set();
    let added = picks.iter().flat_map(|pick| &pick.added).map(|&member| problem.members[member as usize]);
    for derivation in added.filter(|&derivation| pool.contains(derivation)) {
        selected.insert(derivation);
    }
    let test = |pick: &Pick| {
        let (node, added) = (pick.target as usize, &pick.added);
        let derivation = problem.members[node];
        Some(Test {
            attribute: problem.targets[node]?,
            derivation,
            distance: distances[&derivation],
            cost: problem.closures[node].1,
            added_cost: added.iter().map(|&member| problem.costs[member as usize]).sum(),
            added_weight: added.iter().map(|&member| problem.weights[member as usize]).sum(),
            is_test: existing.as_ref().is_some_and(|(known, _)| known.contains(derivation)),
            recursion: recursion.of(graph.derivation(derivation)),
        })
    };
    let tests: Vec<Test> = picks.iter().filter_map(test).collect();
    let cost = |set: &DerivationSet| set.iter().map(|ix| options.cost(ix)).sum();
    let weight_of = |set: &DerivationSet| set.iter().map(weight).sum();
    let existing = existing.map(|(known, tests)| {
        let needed = graph.closure(known.iter(), Direction::Dependencies);
        let built = graph.set_of(needed.iter().filter(|&ix| pool.contains(ix)));
        Existing { tests, rebuilt: known.len(), cost: cost(&built), weight: weight_of(&built) }
    });
    Ok(Suite {
        tests,
        cost: cost(&selected),
        weight: weight_of(&selected),
        bound: bound.weight,
        selected,
        impact,
        total_weight,
        candidates,
        existing,
    })
}

/// The best of all that greed makes of the closed sets of the cuts, and of nothing.
fn best(problem: &Problem, options: &SuiteOptions<'_>, bound: &Bound) -> Vec<Pick> {
    let mut best: (u64, Vec<Pick>) = (0, Vec::new());
    let limit = options.max_tests.unwrap_or(usize::MAX);
    let starts = std::iter::once(None).chain(bound.sets.iter().map(Some));
    for (start, criterion) in starts.flat_map(|start| [(start, Criterion::Ratio), (start, Criterion::Gain)]) {
        let mut greedy = Greedy::new(problem, options.budget, limit);
        if let Some(start) = start {
            greedy.run(criterion, |node| start[node]);
        }
        greedy.run(criterion, |_| true);
        let weight = greedy.weight();
        if weight > best.0 {
            best = (weight, greedy.into_picks());
        }
    }
    ordered(problem, options, &best.1)
}

/// The same tests, each next that adds most for its cost; only those that nothing else needs.
fn ordered(problem: &Problem, options: &SuiteOptions<'_>, picks: &[Pick]) -> Vec<Pick> {
    let mut is_kept = vec![false; problem.members.len()];
    for &node in picks.iter().flat_map(|pick| &pick.added) {
        is_kept[node as usize] = true;
    }
    let is_sink = |node: usize| is_kept[node] && !problem.users.row(node).iter().any(|&user| is_kept[user as usize]);
    let mut greedy = Greedy::new(problem, options.budget, usize::MAX);
    greedy.run(Criterion::Ratio, is_sink);
    greedy.into_picks()
}

/// The distance of each rebuilt derivation.
fn distances(impact: &Impact<'_>) -> FxHashMap<DerivationIx, usize> {
    let by_distance = impact.by_distance().iter().enumerate();
    by_distance.flat_map(|(distance, derivations)| derivations.iter().map(move |&ix| (ix, distance))).collect()
}

/// The rebuilt derivations that are tests of a root, and how many tests there are.
fn existing(impact: &Impact<'_>, roots: &[Root], tests: &Graph) -> (DerivationSet, usize) {
    let graph = impact.graph();
    let own: Vec<String> = roots
        .iter()
        .flat_map(|root| &root.derivations)
        .flat_map(|&ix| graph.derivation(ix).attributes())
        .flat_map(|attribute| [format!("{}.tests", attribute.path()), format!("{}.passthru.tests", attribute.path())])
        .collect();
    let is_own = |path: &str| {
        own.iter().any(|prefix| path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let mut by_path: HashMap<StoreHash, DerivationIx> = HashMap::new();
    for derivation in impact.rebuilds().iter().map(|ix| graph.derivation(ix)) {
        by_path.insert(derivation.hash(), derivation.ix());
        by_path.extend(derivation.outputs().filter_map(|output| Some((output.hash()?, derivation.ix()))));
    }
    let mut found = graph.empty_set();
    let mut count = 0;
    for attribute in tests.attributes().filter(|attribute| is_own(attribute.path())) {
        count += 1;
        let Some(derivation) = attribute.derivation() else { continue };
        let paths = std::iter::once(derivation.hash()).chain(attribute.outputs().filter_map(|output| output.hash()));
        if let Some(&ix) = paths.into_iter().find_map(|path| by_path.get(&path)) {
            found.insert(ix);
        }
    }
    (found, count)
}

/// The packages that a root needs.
struct Recursions {
    build: Vec<bool>,
    fetch: Vec<bool>,
}

impl Recursions {
    /// O(V + E): what roots are built from, and what that is fetched with.
    fn new(graph: &Graph, roots: &[Root]) -> Self {
        let roots: Vec<DerivationIx> = roots.iter().flat_map(|root| root.derivations.iter().copied()).collect();
        let build = graph.closure(roots.iter().copied(), Direction::Dependencies);
        let mut fetch = build.clone();
        for derivation in graph.derivations().rev().filter(|derivation| derivation.is_defined()) {
            if fetch.contains(derivation.ix()) {
                for (input, _) in derivation.inputs() {
                    fetch.insert(input);
                }
            }
        }
        let packages = |set: &DerivationSet| {
            let mut packages = vec![false; graph.package_count()];
            for ix in set.iter() {
                packages[graph.derivation(ix).package().ix().get()] = true;
            }
            packages
        };
        Self { build: packages(&build), fetch: packages(&fetch) }
    }

    fn of(&self, derivation: Derivation<'_>) -> Option<Recursion> {
        let package = derivation.package().ix().get();
        match (self.build[package], self.fetch[package]) {
            (true, _) => Some(Recursion::Build),
            (false, true) => Some(Recursion::Fetch),
            (false, false) => None,
        }
    }
}

/// Whether nixpkgs refuses to evaluate it, unless it is told to.
fn is_refused(attribute: Attribute<'_>) -> bool {
    attribute.is_broken() || attribute.is_unfree() || attribute.is_insecure()
}

/// The attribute that names a derivation as a test: one that is usually built, the shallowest, and of aliases such as
/// `python3Packages.x` and `python312Packages.x` the one with fewer digits in its set.
fn target(derivation: Derivation<'_>, system: Option<&str>) -> Option<AttributeIx> {
    let is_built = |attribute: &Attribute<'_>| !is_refused(*attribute) && !attribute.is_off_hydra();
    let is_for = |attribute: &Attribute<'_>| system.is_none_or(|system| attribute.system() == Some(system));
    let key = |attribute: &Attribute<'_>| {
        let path = attribute.path();
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
        (path.split('.').count(), digits(attribute.set()), digits(path), path.len(), attribute.ix())
    };
    derivation.attributes().filter(|attribute| is_built(attribute) && is_for(attribute)).min_by_key(key).map(Attribute::ix)
}
