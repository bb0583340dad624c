//! An independent check of chosen tests. Shares no code with the choice: it walks from the attributes to their inputs, and
//! adds everything up again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Suite, SuiteOptions};
use crate::analysis::Root;
use crate::graph::{DerivationIx, Graph};

/// A way in which chosen tests are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A test whose derivation is not that of its attribute, or that the change does not rebuild.
    NoTest(String),
    /// A test of which another is built anyway.
    Covered(String),
    /// A derivation that is built for the tests, but not among what they say is built, or the other way round.
    NotClosed(String),
    /// A sum that is not what is said.
    Sum {
        /// Of what.
        what: &'static str,
        /// What is said.
        said: u64,
        /// What it is.
        is: u64,
    },
    /// They cost more than the budget.
    OverBudget,
    /// They weigh more than the bound.
    OverBound,
    /// More tests than were asked for.
    TooMany,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTest(test) => write!(f, "{test} is no test of the change"),
            Self::Covered(test) => write!(f, "{test} is built for another test anyway"),
            Self::NotClosed(derivation) => write!(f, "{derivation} is built for the tests, or said to be, but not both"),
            Self::Sum { what, said, is } => write!(f, "{what} is said to be {said}, but is {is}"),
            Self::OverBudget => write!(f, "the tests cost more than the budget"),
            Self::OverBound => write!(f, "the tests weigh more than the bound"),
            Self::TooMany => write!(f, "there are more tests than were asked for"),
        }
    }
}

/// Everything that is wrong with chosen tests; nothing, if they are right. O(V + E).
pub fn verify(graph: &Graph, roots: &[Root], options: &SuiteOptions<'_>, suite: &Suite<'_>) -> Vec<Violation> {
    let roots: BTreeSet<DerivationIx> = roots.iter().flat_map(|root| root.derivations.iter().copied()).collect();
    let distances = distances(graph, &roots);
    let name = |ix: DerivationIx| graph.derivation(ix).base_name();
    let mut violations = Vec::new();

    let mut built: BTreeSet<DerivationIx> = BTreeSet::new();
    for test in &suite.tests {
        let of_attribute = graph.attribute(test.attribute).derivation().map(|derivation| derivation.ix());
        if of_attribute != Some(test.derivation) || distances.get(&test.derivation) != Some(&test.distance) || test.distance == 0 {
            violations.push(Violation::NoTest(name(test.derivation)));
        }
        let alone = on_the_way(graph, &distances, test.derivation);
        let added: Vec<DerivationIx> = alone.iter().copied().filter(|ix| !built.contains(ix)).collect();
        let cost = |of: &mut dyn Iterator<Item = DerivationIx>| of.map(|ix| options.cost(ix)).sum::<u64>();
        let weight: u64 = added.iter().map(|&ix| options.weight(graph.derivation(ix), distances[&ix])).sum();
        violations.extend(sum("the cost of a test", test.cost, cost(&mut alone.iter().copied())));
        violations.extend(sum("the cost that a test adds", test.added_cost, cost(&mut added.iter().copied())));
        violations.extend(sum("the weight that a test adds", test.added_weight, weight));
        built.extend(added);
    }
    let needed: BTreeSet<DerivationIx> = built.iter().flat_map(|&user| inputs(graph, user)).collect();
    violations
        .extend(suite.tests.iter().filter(|test| needed.contains(&test.derivation)).map(|test| Violation::Covered(name(test.derivation))));
    let said: BTreeSet<DerivationIx> = suite.selected.iter().collect();
    violations.extend(built.symmetric_difference(&said).map(|&ix| Violation::NotClosed(name(ix))));

    let weight = |ix: DerivationIx| options.weight(graph.derivation(ix), distances[&ix]);
    let total: u64 = distances.iter().filter(|&(_, &distance)| distance > 0).map(|(&ix, _)| weight(ix)).sum();
    violations.extend(sum("the cost", suite.cost, built.iter().map(|&ix| options.cost(ix)).sum()));
    violations.extend(sum("the weight", suite.weight, built.iter().map(|&ix| weight(ix)).sum()));
    violations.extend(sum("the weight of everything", suite.total_weight, total));
    violations.extend((suite.cost > options.budget).then_some(Violation::OverBudget));
    violations.extend((suite.weight > suite.bound).then_some(Violation::OverBound));
    violations.extend(options.max_tests.is_some_and(|max| suite.tests.len() > max).then_some(Violation::TooMany));
    violations
}

fn sum(what: &'static str, said: u64, is: u64) -> Option<Violation> {
    (said != is).then_some(Violation::Sum { what, said, is })
}

/// What rebuilds a derivation, from its own inputs.
fn inputs(graph: &Graph, ix: DerivationIx) -> impl Iterator<Item = DerivationIx> {
    let derivation = graph.derivation(ix);
    derivation.inputs().map(|(input, _)| input).filter(move |_| !derivation.is_fixed_output())
}

/// The distance of everything that is rebuilt: that of the nearest input and one more, until nothing gets nearer.
fn distances(graph: &Graph, roots: &BTreeSet<DerivationIx>) -> BTreeMap<DerivationIx, usize> {
    let mut distances: BTreeMap<DerivationIx, usize> = roots.iter().map(|&root| (root, 0)).collect();
    loop {
        let mut is_done = true;
        for derivation in graph.derivations() {
            let nearest = inputs(graph, derivation.ix()).filter_map(|input| distances.get(&input)).min();
            let Some(distance) = nearest.map(|nearest| nearest + 1) else { continue };
            if distances.get(&derivation.ix()).is_none_or(|&known| distance < known) {
                distances.insert(derivation.ix(), distance);
                is_done = false;
            }
        }
        if is_done {
            return distances;
        }
    }
}

/// What has to be built for a derivation because of the change, itself included, roots aside.
fn on_the_way(graph: &Graph, distances: &BTreeMap<DerivationIx, usize>, of: DerivationIx) -> BTreeSet<DerivationIx> {
    let mut found = BTreeSet::from([of]);
    let mut rest = vec![of];
    while let Some(ix) = rest.pop() {
        rest.extend(inputs(graph, ix).filter(|input| distances.contains_key(input)).filter(|&input| found.insert(input)));
    }
    found.retain(|ix| distances[ix] > 0);
    found
}
