//! What a pin saves, what it costs, and what it breaks.

use std::collections::VecDeque;

use super::cut::MinorWave;
use super::plan::{Hold, MajorWave, holding};
use super::price::{Builds, Prices};
use crate::config::AttributePattern;
use crate::graph::{Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// What becomes of a plan because of a pin.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The package, as `--root` names it.
    pub package: String,
    /// What the plan does not build, and would without the pin.
    pub saved: Builds,
    /// Old inputs of the pinned package that the plan rebuilds for everybody else: they are kept beside the new, and built twice
    /// whenever what both need is fixed.
    pub kept: Builds,
    /// What would hold two builds of one package.
    pub conflicts: Vec<Conflict>,
}

/// A package of a one-version set that would hold two builds of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The package that would hold both.
    pub holder: DerivationIx,
    /// The package of which there would be two builds.
    pub of: DerivationIx,
    /// The set of which everything must agree on one.
    pub set: String,
    /// From the old one through the pin to the holder; each is needed by the next.
    pub old: Vec<DerivationIx>,
    /// From the new one to the holder, past the pin.
    pub new: Vec<DerivationIx>,
}

/// The effect of each pin that holds, with the waves as they are.
///
/// Time O(P · W · (V + E)) for P pins and W waves.
pub fn effects(plan: &MajorWave<'_>, prices: &Prices, one_version: &[AttributePattern]) -> Vec<Effect> {
    let graph = plan.graph;
    let mut rebuilt = graph.empty_set();
    for wave in &plan.waves {
        rebuilt.extend(&wave.rebuilds);
    }
    let effect = |hold: &Hold| {
        let others = graph.set_of(holding(&plan.holds).filter(|other| *other != hold).flat_map(|other| other.derivations.iter().copied()));
        let without = |wave: &MinorWave| {
            let units = wave.units.iter().flat_map(|&unit| plan.units.units[unit].derivations.iter().copied());
            prices.set(&graph.rebuilds_past(units, &others)) - wave.builds
        };
        let below = graph.closure(hold.derivations.iter().copied(), Direction::Dependencies);
        let kept = below.iter().filter(|&ix| rebuilt.contains(ix)).map(|ix| prices.derivation(ix)).sum();
        Effect {
            package: hold.package.clone(),
            saved: plan.waves.iter().map(without).sum(),
            kept,
            conflicts: conflicts(graph, &hold.derivations, &plan.held, &rebuilt, one_version),
        }
    };
    holding(&plan.holds).map(effect).collect()
}

/// What would hold the old build of a package through the pinned one, and the new one past it.
///
/// Two builds of one package meet where a path from it leads through the pin, and another past it. Only paths within a one-version
/// set count, and one step out of it: what a program outside needs for itself alone does not end up on one path with others.
/// Each holder is named once, with the nearest package of which it would hold two. O(V + E) for each set.
fn conflicts(
    graph: &Graph,
    pinned: &[DerivationIx],
    held: &DerivationSet,
    rebuilt: &DerivationSet,
    one_version: &[AttributePattern],
) -> Vec<Conflict> {
    let mut sets: Vec<&str> = pinned.iter().flat_map(|&ix| graph.derivation(ix).attributes()).map(|attribute| attribute.set()).collect();
    sets.retain(|set| one_version.iter().any(|pattern| pattern.matches(set)));
    sets.sort_unstable();
    sets.dedup();
    let mut conflicts: Vec<Conflict> = Vec::new();
    for set in sets {
        let members = members(graph, set);
        let pins: Vec<DerivationIx> = pinned.iter().copied().filter(|&ix| members.contains(ix)).collect();
        // What the pinned package keeps, and everybody else has new.
        let inputs = Walk::new(graph, &pins, Direction::Dependencies, &members, &graph.empty_set());
        let old: Vec<DerivationIx> =
            inputs.reached().filter(|&ix| rebuilt.contains(ix) && !held.contains(ix) && members.contains(ix)).collect();
        // What holds the pinned package, and what holds new ones past everything pinned.
        let through = Walk::new(graph, &pins, Direction::Dependents, &members, &graph.empty_set());
        let past = Walk::new(graph, &old, Direction::Dependents, &members, held);
        for holder in through.reached().filter(|&ix| past.has(ix) && !held.contains(ix) && !old.contains(&ix)) {
            let new = past.path(holder);
            let Some(&of) = new.first() else { continue };
            let mut way = inputs.path(of);
            way.reverse();
            way.extend(through.path(holder).into_iter().skip(1));
            if !conflicts.iter().any(|known| known.holder == holder) {
                conflicts.push(Conflict { holder, of, set: set.to_owned(), old: way, new });
            }
        }
    }
    conflicts
}

/// What a set is there for: the derivations that are best known by an attribute of it, and its interpreter. Others are in it too,
/// stdenv for example, and of these nobody holds one.
fn members(graph: &Graph, set: &str) -> DerivationSet {
    let interpreter = format!("{set}.python");
    let is_member = |derivation: &Derivation<'_>| {
        derivation
            .attributes()
            .any(|attribute| attribute.path() == interpreter || attribute.set() == set && attribute.path() == derivation.label())
    };
    graph.set_of(graph.derivations().filter(is_member).map(Derivation::ix))
}

/// A breadth-first walk within a set, and one step out of it; not through what is held.
struct Walk {
    parent: Vec<Option<DerivationIx>>,
    seen: DerivationSet,
}

impl Walk {
    fn new(graph: &Graph, from: &[DerivationIx], direction: Direction, members: &DerivationSet, held: &DerivationSet) -> Self {
        let mut walk = Self { parent: vec![None; graph.derivation_count()], seen: graph.set_of(from.iter().copied()) };
        let mut queue: VecDeque<DerivationIx> = from.iter().copied().collect();
        while let Some(ix) = queue.pop_front() {
            for next in graph.derivation(ix).neighbours(direction).filter(|&next| !held.contains(next)) {
                if walk.seen.insert(next) {
                    walk.parent[next.get()] = Some(ix);
                    if members.contains(next) {
                        queue.push_back(next);
                    }
                }
            }
        }
        walk
    }

    fn has(&self, ix: DerivationIx) -> bool {
        self.seen.contains(ix)
    }

    fn reached(&self) -> impl Iterator<Item = DerivationIx> {
        self.seen.iter()
    }

    /// The way to a derivation from where the walk began.
    fn path(&self, to: DerivationIx) -> Vec<DerivationIx> {
        let mut path: Vec<DerivationIx> = std::iter::successors(Some(to), |at| self.parent[at.get()]).collect();
        path.reverse();
        path
    }
}
