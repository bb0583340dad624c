//! An independent check of a plan's file against an evaluation. Shares no code with the planner but finding packages by their
//! names: it starts from the inputs of each derivation, and counts everything again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::file::{PlanFile, PlannedBuilds, PlannedTotals, ResolvedPlan};
use crate::cost::Costs;
use crate::error::Result;
use crate::graph::{Derivation, DerivationIx, Graph};

/// A way in which a plan is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// A wave rebuilds a package that an earlier wave has updated and locked.
    Lock {
        /// The package that is locked.
        locked: String,
        /// The wave that updated it.
        by: String,
        /// The update that rebuilds it.
        update: String,
        /// The wave of that.
        wave: String,
        /// From the update to the locked package; each is rebuilt by the one before.
        path: Vec<String>,
    },
    /// A pinned package that is also updated.
    Pinned {
        /// The package.
        package: String,
        /// The wave that updates it.
        wave: String,
    },
    /// An update that no wave has.
    Lost(String),
    /// An update that two waves have, or one has twice.
    Twice(String),
    /// An update of a wave that is not among the plan's updates.
    Unknown {
        /// The package.
        package: String,
        /// The wave.
        wave: String,
    },
    /// A number that is not what it should be.
    Number {
        /// What it is of.
        what: String,
        /// What the plan says.
        said: f64,
        /// What it is.
        is: f64,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock { locked, by, update, wave, path } => {
                write!(f, "{locked} is locked by {by}, and {wave} rebuilds it with {update}: {}", path.join(" → "))
            }
            Self::Pinned { package, wave } => write!(f, "{package} is pinned, and {wave} updates it"),
            Self::Lost(package) => write!(f, "{package} is to be updated, and is in no wave"),
            Self::Twice(package) => write!(f, "{package} is updated twice"),
            Self::Unknown { package, wave } => write!(f, "{wave} updates {package}, which is not among the updates"),
            Self::Number { what, said, is } => write!(f, "{what}: the plan says {said}, and it is {is}"),
        }
    }
}

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Everything that is wrong; nothing, if the plan is right.
    pub flaws: Vec<Flaw>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
}

/// Hours that two ways of adding up may differ by: the plan rounds to a hundredth.
const ROUNDING: f64 = 0.011;

/// Checks a plan: every update once, nothing locked is rebuilt, nothing pinned is updated; and every number that it states, if it
/// is of this evaluation. Hours are checked where build times are given.
///
/// Time O(W · depth · (V + E)) at worst for W waves, two passes a wave in practice.
///
/// # Errors
///
/// Those of [`PlanFile::resolve`].
pub fn verify(graph: &Graph, plan: &PlanFile, costs: Option<&Costs<'_>>) -> Result<Verified> {
    let resolved = plan.resolve(graph)?;
    let mut verified = Verified { flaws: membership(plan), unchecked: Vec::new() };
    let held: BTreeSet<DerivationIx> = resolved.held.iter().collect();
    verified.flaws.extend(pinned(plan, &resolved, &held));
    let rebuilds: Vec<BTreeSet<DerivationIx>> = resolved
        .waves
        .iter()
        .map(|wave| fixpoint(graph, wave.updates.iter().flat_map(|update| update.derivations.iter().copied()), &held))
        .collect();
    verified.flaws.extend(locks(graph, &resolved, &rebuilds, &held));
    if plan.evaluation.digest != graph.digest() {
        verified.unchecked.push(format!("numbers: the plan is of evaluation {}, and this is {}", plan.evaluation.digest, graph.digest()));
        return Ok(verified);
    }
    let model = costs.and_then(Costs::model);
    let seconds = |ix: DerivationIx| model.map(|model| f64::from(model.seconds(ix)));
    let price = |set: &BTreeSet<DerivationIx>| Price {
        attributes: set.iter().map(|&ix| graph.derivation(ix).attributes().len() as u64).sum(),
        derivations: set.len() as u64,
        hours: set.iter().map(|&ix| seconds(ix)).sum::<Option<f64>>().map(|seconds| seconds / 3600.0),
    };
    let prices: Vec<Price> = rebuilds.iter().map(price).collect();
    for (wave, price) in plan.waves.iter().zip(&prices) {
        verified.numbers(&wave.name, price, wave.rebuilds, wave.hours);
    }
    let total = |prices: &[Price]| Price {
        attributes: prices.iter().map(|price| price.attributes).sum(),
        derivations: prices.iter().map(|price| price.derivations).sum(),
        hours: prices.iter().map(|price| price.hours).sum(),
    };
    verified.totals("totals", &total(&prices), &plan.totals, plan.waves.len());
    let updates = resolved.waves.iter().flat_map(|wave| &wave.updates);
    let all = fixpoint(graph, updates.flat_map(|update| update.derivations.iter().copied()), &held);
    verified.totals("all_at_once", &price(&all), &plan.all_at_once, usize::from(!plan.waves.is_empty()));
    if plan.totals.hours.is_some() && model.is_none() {
        verified.unchecked.push("hours: no build times are given (--durations)".to_owned());
    }
    Ok(verified)
}

/// Attributes, derivations and hours.
struct Price {
    attributes: u64,
    derivations: u64,
    hours: Option<f64>,
}

impl Verified {
    fn number(&mut self, what: String, said: f64, is: f64, within: f64) {
        if (said - is).abs() > within {
            self.flaws.push(Flaw::Number { what, said, is });
        }
    }

    fn numbers(&mut self, what: &str, is: &Price, said: PlannedBuilds, hours: Option<f64>) {
        self.number(format!("{what}: attributes"), said.attributes as f64, is.attributes as f64, 0.0);
        self.number(format!("{what}: derivations"), said.derivations as f64, is.derivations as f64, 0.0);
        if let Some((said, is)) = hours.zip(is.hours) {
            self.number(format!("{what}: hours"), said, is, ROUNDING);
        }
    }

    fn totals(&mut self, what: &str, is: &Price, said: &PlannedTotals, waves: usize) {
        self.number(format!("{what}: waves"), said.waves as f64, waves as f64, 0.0);
        self.numbers(what, is, said.builds, said.hours);
    }
}

/// Every update in one wave, and nothing else in any.
fn membership(plan: &PlanFile) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut times: BTreeMap<&str, usize> = plan.updates.iter().map(|update| (update.package.as_str(), 0)).collect();
    for wave in &plan.waves {
        for package in &wave.updates {
            match times.get_mut(package.as_str()) {
                Some(times) => *times += 1,
                None => flaws.push(Flaw::Unknown { package: package.clone(), wave: wave.name.clone() }),
            }
        }
    }
    flaws.extend(times.iter().filter(|&(_, &times)| times == 0).map(|(package, _)| Flaw::Lost((*package).to_owned())));
    flaws.extend(times.iter().filter(|&(_, &times)| times > 1).map(|(package, _)| Flaw::Twice((*package).to_owned())));
    flaws
}

fn pinned(plan: &PlanFile, resolved: &ResolvedPlan, held: &BTreeSet<DerivationIx>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (wave, planned) in resolved.waves.iter().zip(&plan.waves) {
        let is_held = |derivations: &[DerivationIx]| derivations.iter().any(|ix| held.contains(ix));
        let pinned = wave.updates.iter().filter(|update| is_held(&update.derivations));
        flaws.extend(pinned.map(|update| Flaw::Pinned { package: update.package.clone(), wave: planned.name.clone() }));
    }
    flaws
}

/// Grows the rebuilt set until nothing is added: whatever needs a rebuilt derivation, and is neither fixed nor held.
fn fixpoint(graph: &Graph, roots: impl Iterator<Item = DerivationIx>, held: &BTreeSet<DerivationIx>) -> BTreeSet<DerivationIx> {
    let mut is_rebuilt = vec![false; graph.derivation_count()];
    roots.filter(|root| !held.contains(root)).for_each(|root| is_rebuilt[root.get()] = true);
    loop {
        let mut is_more = false;
        for derivation in graph.derivations().filter(|derivation| !derivation.is_fixed_output() && !held.contains(&derivation.ix())) {
            let at = derivation.ix().get();
            if !is_rebuilt[at] && derivation.inputs().any(|(input, _)| is_rebuilt[input.get()]) {
                is_rebuilt[at] = true;
                is_more = true;
            }
        }
        if !is_more {
            return graph.derivations().map(Derivation::ix).filter(|ix| is_rebuilt[ix.get()]).collect();
        }
    }
}

/// Updates of earlier waves that a later wave rebuilds, each with one way in which it does.
fn locks(graph: &Graph, resolved: &ResolvedPlan, rebuilds: &[BTreeSet<DerivationIx>], held: &BTreeSet<DerivationIx>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (at, wave) in resolved.waves.iter().enumerate() {
        for earlier in &resolved.waves[..at] {
            for locked in &earlier.updates {
                let Some(&hit) = locked.derivations.iter().find(|ix| rebuilds[at].contains(ix)) else { continue };
                let path =
                    way(graph, &rebuilds[at], &wave.updates.iter().flat_map(|update| update.derivations.clone()).collect(), hit, held);
                let root = path.first().copied().unwrap_or(hit);
                let update = wave.updates.iter().find(|update| update.derivations.contains(&root));
                flaws.push(Flaw::Lock {
                    locked: locked.package.clone(),
                    by: earlier.name.clone(),
                    update: update.map_or_else(String::new, |update| update.package.clone()),
                    wave: wave.name.clone(),
                    path: path.into_iter().map(|ix| graph.derivation(ix).label().to_owned()).collect(),
                });
            }
        }
    }
    flaws
}

/// A shortest way from a root to a derivation that it rebuilds: breadth first against the inputs.
fn way(
    graph: &Graph,
    rebuilds: &BTreeSet<DerivationIx>,
    roots: &BTreeSet<DerivationIx>,
    to: DerivationIx,
    held: &BTreeSet<DerivationIx>,
) -> Vec<DerivationIx> {
    let mut next: BTreeMap<DerivationIx, DerivationIx> = BTreeMap::new();
    let mut queue = VecDeque::from([to]);
    while let Some(ix) = queue.pop_front() {
        if roots.contains(&ix) && !held.contains(&ix) {
            return std::iter::successors(Some(ix), |at| (*at != to).then(|| next[at])).collect();
        }
        let derivation = graph.derivation(ix);
        let inputs = derivation.inputs().map(|(input, _)| input).filter(|input| rebuilds.contains(input) && !derivation.is_fixed_output());
        for input in inputs {
            if input != to && !next.contains_key(&input) {
                next.insert(input, ix);
                queue.push_back(input);
            }
        }
    }
    vec![to]
}
