//! How causes reach what they rebuild: how far, on which way, and which of them; and what that rebuilds in turn.

use crate::analysis::Root;
use crate::graph::{ClosureSums, Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// Causes that are swept together: a bit for each.
pub(super) const BLOCK: usize = 64;

/// The distance of a derivation that no cause reaches.
const UNREACHED: u32 = u32::MAX;

/// The distance of every derivation from the nearest cause.
#[derive(Debug)]
pub(super) struct Distances(Vec<u32>);

impl Distances {
    /// Breadth first from the derivations of all causes at once. Time O(V + E of the closure), space O(V).
    pub(super) fn new(graph: &Graph, causes: &[Root]) -> Self {
        let mut distances = vec![UNREACHED; graph.derivation_count()];
        let mut frontier: Vec<DerivationIx> = causes.iter().flat_map(|cause| cause.derivations.iter().copied()).collect();
        let mut distance = 0;
        while !frontier.is_empty() {
            frontier.retain(|ix| std::mem::replace(&mut distances[ix.get()], distance) == UNREACHED);
            let users = frontier.iter().flat_map(|&ix| graph.derivation(ix).users());
            frontier = users.filter(|user| distances[user.get()] == UNREACHED).collect();
            distance += 1;
        }
        Self(distances)
    }

    /// Edges to the nearest cause; `None` if no cause reaches it.
    pub(super) fn get(&self, derivation: DerivationIx) -> Option<u32> {
        Some(self.0[derivation.get()]).filter(|&distance| distance != UNREACHED)
    }

    /// A shortest way from a cause to a derivation, both included: of several, the one whose steps have the smallest
    /// positions, the last step first. Empty if no cause reaches it. O(inputs of the steps).
    pub(super) fn path_to(&self, graph: &Graph, derivation: DerivationIx) -> Vec<DerivationIx> {
        let Some(distance) = self.get(derivation) else { return Vec::new() };
        let mut path = vec![derivation];
        let mut end = derivation;
        for nearer in (0..distance).rev() {
            let Some(input) = graph.derivation(end).rebuild_inputs().find(|&input| self.get(input) == Some(nearer)) else { break };
            path.push(input);
            end = input;
        }
        path.reverse();
        path
    }
}

/// How many attributes each derivation rebuilds, itself included, of those that a change rebuilds.
pub(super) struct Sizes(Option<ClosureSums<1>>);

impl Sizes {
    /// `rebuilt` counts the attributes of each derivation that the change rebuilds. As long as it leaves out none that a cause
    /// reaches, what was counted at import holds: O(V). Else it costs a [`ClosureSums`].
    pub(super) fn new(graph: &Graph, distances: &Distances, rebuilt: Vec<[u64; 1]>) -> Self {
        let is_short = |(derivation, &[count]): (Derivation<'_>, &[u64; 1])| {
            distances.get(derivation.ix()).is_some() && count < derivation.attributes().len() as u64
        };
        let is_partial = graph.derivations().zip(&rebuilt).any(is_short);
        Self(is_partial.then(|| ClosureSums::new(graph, rebuilt)))
    }

    pub(super) fn get(&self, derivation: Derivation<'_>) -> u32 {
        match &self.0 {
            Some(sums) => sums.get(derivation.ix())[0] as u32,
            None => derivation.rebuilt_attributes(),
        }
    }
}

/// Which of up to [`BLOCK`] causes reach each derivation: a bit for each cause, by derivation.
///
/// One pass over the positions, which are topological: what reaches an input reaches its user. O(V + E) for a block.
pub(super) fn reaching(graph: &Graph, block: &[Root]) -> Vec<u64> {
    let mut reaching = vec![0_u64; graph.derivation_count()];
    for (bit, cause) in block.iter().enumerate() {
        for derivation in &cause.derivations {
            reaching[derivation.get()] |= 1 << bit;
        }
    }
    let causes = block.iter().flat_map(|cause| cause.derivations.iter().copied());
    let closure: DerivationSet = graph.closure(causes, Direction::Dependents);
    for derivation in closure.iter() {
        let inputs = graph.derivation(derivation).rebuild_inputs();
        reaching[derivation.get()] |= inputs.fold(0, |bits, input| bits | reaching[input.get()]);
    }
    reaching
}
