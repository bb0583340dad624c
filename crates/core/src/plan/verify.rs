//! An independent check of a plan. Shares no code with the planner: it starts from the inputs of each derivation,
//! knows nothing of closures, levels or positions, and counts everything again.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::Plan;
use crate::graph::{Derivation, DerivationIx, Graph};
use crate::store_path::StoreHash;

/// A way in which a plan is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A derivation that is rebuilt, but in no wave.
    Lost(String),
    /// A derivation that is in a wave, but not rebuilt.
    NotRebuilt(String),
    /// A derivation that is in the plan twice.
    Twice(String),
    /// A derivation that does not come after what it needs.
    TooEarly {
        /// The derivation.
        derivation: String,
        /// What it needs.
        input: String,
    },
    /// A level that no wave has, or that two have.
    Level(usize),
    /// A count that is not what the wave holds.
    Count {
        /// Which wave, counted from 1.
        wave: usize,
        /// What it says.
        said: usize,
        /// What it holds.
        held: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(derivation) => write!(f, "{derivation} is rebuilt, but in no wave"),
            Self::NotRebuilt(derivation) => write!(f, "{derivation} is in a wave, but not rebuilt"),
            Self::Twice(derivation) => write!(f, "{derivation} is in the plan twice"),
            Self::TooEarly { derivation, input } => write!(f, "{derivation} does not come after {input}, which it needs"),
            Self::Level(level) => write!(f, "level {} is not in exactly one wave", level + 1),
            Self::Count { wave, said, held } => write!(f, "wave {wave} says {said}, but holds {held}"),
        }
    }
}

/// Everything that is wrong with a plan of all that its roots rebuild; nothing, if it is right.
///
/// Not for plans that were cut by depth or system: those leave derivations out on purpose. Time O(depth · (V + E)) at
/// worst, one or two passes in practice.
pub fn verify(graph: &Graph, plan: &Plan<'_>) -> Vec<Violation> {
    let roots = plan.roots.iter().flat_map(|root| root.derivations.iter().copied()).collect();
    let expected = fixpoint(graph, roots);
    let mut violations = Vec::new();

    let mut step_of: HashMap<DerivationIx, usize> = HashMap::new();
    for (step, derivations) in plan.levels.iter().enumerate() {
        for &ix in derivations {
            if step_of.insert(ix, step).is_some() {
                violations.push(Violation::Twice(graph.derivation(ix).base_name()));
            }
            if !expected.contains(&ix) {
                violations.push(Violation::NotRebuilt(graph.derivation(ix).base_name()));
            }
        }
    }
    for derivation in graph.derivations().filter(|derivation| expected.contains(&derivation.ix())) {
        let Some(&step) = step_of.get(&derivation.ix()) else {
            violations.push(Violation::Lost(derivation.base_name()));
            continue;
        };
        let is_too_late = |input: &DerivationIx| step_of.get(input).is_some_and(|&before| before >= step);
        for (input, _) in derivation.inputs().filter(|(input, _)| !derivation.is_fixed_output() && is_too_late(input)) {
            violations.push(Violation::TooEarly { derivation: derivation.base_name(), input: graph.derivation(input).base_name() });
        }
    }
    violations.extend(counts(graph, plan));
    violations
}

/// Grows the rebuilt set until nothing is added: whatever needs a rebuilt derivation and is not fixed is rebuilt.
fn fixpoint(graph: &Graph, roots: HashSet<DerivationIx>) -> HashSet<DerivationIx> {
    let mut rebuilt = roots;
    loop {
        let before = rebuilt.len();
        for derivation in graph.derivations().filter(|derivation| !derivation.is_fixed_output()) {
            if derivation.inputs().any(|(input, _)| rebuilt.contains(&input)) {
                rebuilt.insert(derivation.ix());
            }
        }
        if rebuilt.len() == before {
            return rebuilt;
        }
    }
}

/// Levels in exactly one wave each, in order; and the counts that the waves state.
fn counts(graph: &Graph, plan: &Plan<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut next = 0;
    for (number, wave) in plan.waves.iter().enumerate() {
        if wave.levels.start != next {
            violations.push(Violation::Level(next));
        }
        next = wave.levels.end;
        let levels = plan.levels.get(wave.levels.clone()).unwrap_or_default();
        let members: Vec<Derivation<'_>> = levels.iter().flatten().map(|&ix| graph.derivation(ix)).collect();
        // A path is its hash, whatever contradictory dumps call it.
        let outputs: HashSet<StoreHash> =
            members.iter().flat_map(|derivation| derivation.outputs()).filter_map(|output| output.hash()).collect();
        let unknown = members.iter().flat_map(|derivation| derivation.outputs()).filter(|output| output.hash().is_none()).count();
        let attributes: usize = members.iter().map(|derivation| derivation.attributes().len()).sum();
        let pairs = [
            (wave.counts.derivations, members.len()),
            (wave.counts.attributes, attributes),
            (wave.counts.outputs, outputs.len() + unknown),
        ];
        violations.extend(pairs.into_iter().filter(|(said, held)| said != held).map(|(said, held)| Violation::Count {
            wave: number + 1,
            said,
            held,
        }));
    }
    if next != plan.levels.len() {
        violations.push(Violation::Level(next));
    }
    let mut packages = HashSet::new();
    let listed = plan.waves.iter().flat_map(|wave| &wave.packages);
    violations.extend(
        listed
            .filter(|&&package| !packages.insert(package))
            .map(|&package| Violation::Twice(graph.package(package).face().label().to_owned())),
    );
    violations
}
