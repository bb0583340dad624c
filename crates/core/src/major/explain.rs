//! Which waves of a plan rebuild a package, because of which updates, and by which way.

use std::collections::VecDeque;

use super::file::ResolvedPlan;
use crate::graph::{DerivationIx, DerivationSet, Direction, Graph};

/// A wave that rebuilds a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Position of the wave in the plan.
    pub wave: usize,
    /// The package's derivations that it rebuilds.
    pub derivations: usize,
    /// Whether the wave updates the package itself.
    pub is_update: bool,
    /// The updates that rebuild it, nearest first.
    pub causes: Vec<HitCause>,
}

/// An update that rebuilds a package.
#[derive(Clone, Debug, PartialEq)]
pub struct HitCause {
    /// Its package.
    pub package: String,
    /// A shortest way from it; each is rebuilt by the one before.
    pub path: Vec<DerivationIx>,
}

/// The waves that rebuild a package, in order.
///
/// Time O(W · (V + E)) for W waves, and O(edges below the package) for each update that rebuilds it.
pub fn explain(graph: &Graph, plan: &ResolvedPlan, package: &[DerivationIx]) -> Vec<Hit> {
    let below = graph.closure(package.iter().copied(), Direction::Dependencies);
    let mut hits = Vec::new();
    for (at, wave) in plan.waves.iter().enumerate() {
        let hit: Vec<DerivationIx> = package.iter().copied().filter(|&ix| wave.rebuilds.contains(ix)).collect();
        if hit.is_empty() {
            continue;
        }
        let is_cause = |derivations: &[DerivationIx]| derivations.iter().any(|&ix| below.contains(ix));
        let causes = wave.updates.iter().filter(|update| is_cause(&update.derivations)).filter_map(|update| {
            let path = shortest(graph, &update.derivations, &hit, &plan.held)?;
            Some(HitCause { package: update.package.clone(), path })
        });
        let mut causes: Vec<HitCause> = causes.collect();
        causes.sort_by_key(|cause| cause.path.len());
        let is_update = wave.updates.iter().any(|update| update.derivations.iter().any(|ix| package.contains(ix)));
        hits.push(Hit { wave: at, derivations: hit.len(), is_update, causes });
    }
    hits
}

/// A shortest way along rebuilds from any of `from` to any of `to`, past what is held.
pub(crate) fn shortest(graph: &Graph, from: &[DerivationIx], to: &[DerivationIx], held: &DerivationSet) -> Option<Vec<DerivationIx>> {
    let mut parent: Vec<Option<DerivationIx>> = vec![None; graph.derivation_count()];
    let mut seen = graph.set_of(from.iter().copied());
    let mut queue: VecDeque<DerivationIx> = from.iter().copied().filter(|&ix| !held.contains(ix)).collect();
    while let Some(ix) = queue.pop_front() {
        if to.contains(&ix) {
            let mut path: Vec<DerivationIx> = std::iter::successors(Some(ix), |at| parent[at.get()]).collect();
            path.reverse();
            return Some(path);
        }
        for user in graph.derivation(ix).users().filter(|&user| !held.contains(user)) {
            if seen.insert(user) {
                parent[user.get()] = Some(ix);
                queue.push_back(user);
            }
        }
    }
    None
}
