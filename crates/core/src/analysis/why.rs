//! Why a change of one package rebuilds another.

use std::collections::HashMap;

use super::select::Root;
use crate::error::Result;
use crate::graph::{Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// One step of a chain: a derivation, and what the one before it gives it.
#[derive(Clone, Debug)]
pub struct Link<'g> {
    /// The derivation.
    pub derivation: Derivation<'g>,
    /// Outputs of the derivation before it that it uses; empty for the first.
    pub outputs: Vec<&'g str>,
}

/// The connection between two packages.
#[derive(Debug)]
pub struct Why<'g> {
    graph: &'g Graph,
    /// Everything on any chain from one to the other, ends included.
    between: DerivationSet,
    shortest: Option<Vec<Link<'g>>>,
    blocked: Option<Vec<Derivation<'g>>>,
    reversed: bool,
    undescribed: usize,
}

impl<'g> Why<'g> {
    /// Connects what `from` names with what `to` names, along rebuild edges. O(V + E).
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
    pub fn new(graph: &'g Graph, from: &[Root], to: &[Root]) -> Result<Self> {
        super::impact::require_edges(graph)?;
        let members = |roots: &[Root]| -> Vec<DerivationIx> { roots.iter().flat_map(|root| root.derivations.iter().copied()).collect() };
        let (from, to) = (members(from), members(to));
        let down = graph.closure(from.iter().copied(), Direction::Dependents);
        let up = graph.closure(to.iter().copied(), Direction::Dependencies);
        let between = graph.set_of(down.iter().filter(|&ix| up.contains(ix)));
        if between.is_empty() {
            let blocked = shortest(&from, &to, all_users(graph)).map(|path| path.into_iter().map(|ix| graph.derivation(ix)).collect());
            let reversed = to.iter().any(|&ix| graph.closure([ix], Direction::Dependents).iter().any(|user| from.contains(&user)));
            let undescribed = up.iter().filter(|&ix| !graph.derivation(ix).is_defined()).count();
            return Ok(Self { graph, between, shortest: None, blocked, reversed, undescribed });
        }
        let inside = |ix: DerivationIx| graph.derivation(ix).users().filter(|&user| between.contains(user)).collect();
        let shortest = shortest(&from, &to, inside).map(|path| links(graph, &path));
        Ok(Self { graph, between, shortest, blocked: None, reversed: false, undescribed: 0 })
    }

    /// The graph that was asked.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// A shortest chain, the first in topological order of several; `None` if one does not rebuild the other.
    pub fn shortest(&self) -> Option<&[Link<'g>]> {
        self.shortest.as_deref()
    }

    /// Everything on any chain, ends included.
    pub fn between(&self) -> &DerivationSet {
        &self.between
    }

    /// The edges between its members, by user.
    pub fn edges(&self) -> impl Iterator<Item = (Derivation<'g>, Derivation<'g>)> {
        self.between.iter().flat_map(move |ix| {
            let inputs = self.graph.derivation(ix).rebuild_inputs().filter(|&input| self.between.contains(input));
            inputs.map(move |input| (self.graph.derivation(input), self.graph.derivation(ix)))
        })
    }

    /// If there is a chain only through fixed-output derivations: that chain. They cut it, since their outputs do not change.
    pub fn blocked(&self) -> Option<&[Derivation<'g>]> {
        self.blocked.as_deref()
    }

    /// Whether it is the other way round: the target rebuilds the source.
    pub fn is_reversed(&self) -> bool {
        self.reversed
    }

    /// If there is no chain: of how many derivations, the targets or what they are built from, no dump says what they need. One may be
    /// behind these.
    pub fn undescribed(&self) -> usize {
        self.undescribed
    }
}

/// Tells the users of a derivation, fixed-output ones included. O(V + E) once: only asked when there is no other chain.
fn all_users(graph: &Graph) -> impl Fn(DerivationIx) -> Vec<DerivationIx> {
    let mut fixed: HashMap<DerivationIx, Vec<DerivationIx>> = HashMap::new();
    for user in graph.derivations().filter(|derivation| derivation.is_fixed_output()) {
        user.inputs().for_each(|(input, _)| fixed.entry(input).or_default().push(user.ix()));
    }
    move |ix| {
        let mut users: Vec<_> = graph.derivation(ix).users().collect();
        users.extend(fixed.get(&ix).into_iter().flatten());
        users.sort_unstable();
        users
    }
}

/// Breadth-first search; ties go to the smallest position.
fn shortest(from: &[DerivationIx], to: &[DerivationIx], users: impl Fn(DerivationIx) -> Vec<DerivationIx>) -> Option<Vec<DerivationIx>> {
    let mut parent: HashMap<DerivationIx, Option<DerivationIx>> = from.iter().map(|&ix| (ix, None)).collect();
    let mut frontier = from.to_vec();
    while !frontier.is_empty() {
        if let Some(&end) = frontier.iter().find(|ix| to.contains(ix)) {
            let mut path: Vec<_> = std::iter::successors(Some(end), |ix| parent[ix]).collect();
            path.reverse();
            return Some(path);
        }
        let mut next = Vec::new();
        for &ix in &frontier {
            for user in users(ix) {
                parent.entry(user).or_insert_with(|| {
                    next.push(user);
                    Some(ix)
                });
            }
        }
        next.sort_unstable();
        frontier = next;
    }
    None
}

fn links<'g>(graph: &'g Graph, path: &[DerivationIx]) -> Vec<Link<'g>> {
    let before = std::iter::once(None).chain(path.iter().copied().map(Some));
    path.iter().zip(before).map(|(&ix, before)| link(graph, ix, before)).collect()
}

fn link(graph: &Graph, ix: DerivationIx, before: Option<DerivationIx>) -> Link<'_> {
    let derivation = graph.derivation(ix);
    let outputs = derivation.inputs().find(|(input, _)| Some(*input) == before).map(|(_, outputs)| outputs.collect());
    Link { derivation, outputs: outputs.unwrap_or_default() }
}
