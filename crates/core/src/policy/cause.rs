//! The cause that rebuilds most, and what would be left without it.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::verdict::Subject;
use crate::analysis::{AttributeName, Root};
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// Causes that are told apart: a bit each. All others share the last bit.
const TOLD_APART: usize = 63;

/// The cause that rebuilds most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiggestCause {
    /// Its position among the causes.
    pub cause: usize,
    /// Attributes that it rebuilds, whatever else does.
    pub rebuilds: Vec<AttributeName>,
    /// Attributes that nothing else rebuilds.
    pub alone: Vec<AttributeName>,
    /// Derivations that nothing else rebuilds.
    pub alone_derivations: DerivationSet,
}

/// Finds the cause that rebuilds most attributes; of several, the one with most derivations, then the first. `None` if
/// there is no cause.
///
/// Every derivation gets a bit for each cause that reaches it, along the edges of rebuilds and in topological order: time
/// O(V + E of the closure), space O(V of the closure). Of more than 63 causes, only the 63 with the largest closures are
/// candidates; the closure of one derivation of a cause is a lower bound of the cause's own.
pub fn biggest_cause(subject: Subject<'_>, causes: &[Root]) -> Option<BiggestCause> {
    let graph = subject.graph;
    let candidates = candidates(graph, causes);
    let reached = reached(subject, causes, &candidates);
    let sizes = sizes(graph, &reached, candidates.len());
    let (bit, &cause) = candidates.iter().enumerate().max_by_key(|&(bit, &cause)| (sizes[bit], Reverse(cause)))?;
    let members = |wanted: &dyn Fn(u64) -> bool| {
        let members = reached.iter().filter(|&(&ix, &mask)| wanted(mask) && subject.rebuilds.contains(ix));
        graph.set_of(members.map(|(&ix, _)| ix))
    };
    let alone_derivations = members(&|mask| mask == 1 << bit);
    Some(BiggestCause {
        cause,
        rebuilds: attributes(subject, &members(&|mask| mask & (1 << bit) != 0)),
        alone: attributes(subject, &alone_derivations),
        alone_derivations,
    })
}

/// Positions of the causes that get a bit of their own, in the order of the bits.
fn candidates(graph: &Graph, causes: &[Root]) -> Vec<usize> {
    let closure = |cause: usize| causes[cause].derivations.iter().map(|&ix| graph.derivation(ix).rebuilt_attributes()).max();
    let mut candidates: Vec<usize> = (0..causes.len()).collect();
    candidates.sort_by_cached_key(|&cause| (Reverse(closure(cause)), cause));
    candidates.truncate(TOLD_APART);
    candidates
}

/// Which causes reach a derivation, for each that one does.
fn reached(subject: Subject<'_>, causes: &[Root], candidates: &[usize]) -> FxHashMap<DerivationIx, u64> {
    let graph = subject.graph;
    let mut reached: FxHashMap<DerivationIx, u64> = FxHashMap::default();
    for (cause, root) in causes.iter().enumerate() {
        let bit = candidates.iter().position(|&candidate| candidate == cause).unwrap_or(TOLD_APART);
        for &ix in &root.derivations {
            *reached.entry(ix).or_default() |= 1 << bit;
        }
    }
    let mut members: Vec<DerivationIx> = subject.rebuilds.iter().chain(reached.keys().copied()).collect();
    members.sort_unstable();
    members.dedup();
    for ix in members {
        let Some(&mask) = reached.get(&ix) else { continue };
        for user in graph.derivation(ix).users().filter(|&user| subject.rebuilds.contains(user)) {
            *reached.entry(user).or_default() |= mask;
        }
    }
    reached
}

/// Attributes and derivations that each candidate reaches.
fn sizes(graph: &Graph, reached: &FxHashMap<DerivationIx, u64>, candidates: usize) -> Vec<(usize, usize)> {
    let mut sizes = vec![(0, 0); candidates];
    for (&ix, &mask) in reached {
        let attributes = graph.derivation(ix).attributes().len();
        for (bit, size) in sizes.iter_mut().enumerate() {
            if mask & (1 << bit) != 0 {
                *size = (size.0 + attributes, size.1 + 1);
            }
        }
    }
    sizes
}

/// The rebuilt attributes of some derivations, sorted.
fn attributes(subject: Subject<'_>, derivations: &DerivationSet) -> Vec<AttributeName> {
    let graph = subject.graph;
    let attributes = derivations.iter().flat_map(|ix| graph.derivation(ix).attributes()).map(AttributeName::new);
    let mut attributes: Vec<AttributeName> =
        attributes.filter(|attribute| subject.attributes.rebuilds.binary_search(attribute).is_ok()).collect();
    attributes.sort_unstable();
    attributes.dedup();
    attributes
}
