//! What a change rebuilds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use super::select::Root;
use crate::error::{Error, Result};
use crate::graph::{Attribute, AttributeIx, Counts, Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// How many of the attributes are excluded from what is usually built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// `meta.broken` is set.
    pub broken: usize,
    /// A licence is not free.
    pub unfree: usize,
    /// Vulnerabilities are known.
    pub insecure: usize,
    /// `meta.hydraPlatforms` leaves its system out.
    pub off_hydra: usize,
    /// Any of them.
    pub any: usize,
}

impl Excluded {
    /// Counts attributes.
    pub fn of<'g>(attributes: impl IntoIterator<Item = Attribute<'g>>) -> Self {
        let mut excluded = Self::default();
        for attribute in attributes {
            let flags = [attribute.is_broken(), attribute.is_unfree(), attribute.is_insecure(), attribute.is_off_hydra()];
            let counters = [&mut excluded.broken, &mut excluded.unfree, &mut excluded.insecure, &mut excluded.off_hydra];
            for (counter, flag) in counters.into_iter().zip(flags) {
                *counter += usize::from(flag);
            }
            excluded.any += usize::from(flags.contains(&true));
        }
        excluded
    }
}

/// What a change of roots rebuilds; or, against the edges, what rebuilds them.
#[derive(Clone, Debug)]
pub struct Impact<'g> {
    graph: &'g Graph,
    direction: Direction,
    roots: DerivationSet,
    rebuilds: DerivationSet,
    /// Derivations by distance from the nearest root; the roots at 0.
    by_distance: Vec<Vec<DerivationIx>>,
    depth: Option<usize>,
    system: Option<String>,
    /// What the change removes, and does not rebuild.
    removed: BTreeSet<AttributeIx>,
    /// What it calls otherwise: the name is not rebuilt, but what it named may be.
    renamed: BTreeSet<AttributeIx>,
}

impl<'g> Impact<'g> {
    /// Walks from all roots at once, as far as `depth` edges if that is given.
    ///
    /// With `system`, only derivations of that system are kept, whatever the walk went through. Breadth first: time
    /// O(V + E of the closure), space O(V).
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`] if no dump said what needs what.
    pub fn new(graph: &'g Graph, roots: &[Root], direction: Direction, depth: Option<usize>, system: Option<&str>) -> Result<Self> {
        require_edges(graph)?;
        let root_set = graph.set_of(roots.iter().flat_map(|root| root.derivations.iter().copied()));
        let mut seen = root_set.clone();
        let mut by_distance: Vec<Vec<DerivationIx>> = Vec::new();
        let mut frontier: Vec<DerivationIx> = root_set.iter().collect();
        while !frontier.is_empty() && depth.is_none_or(|depth| by_distance.len() <= depth) {
            let mut next: Vec<DerivationIx> = Vec::new();
            for &derivation in &frontier {
                next.extend(graph.derivation(derivation).neighbours(direction).filter(|&near| seen.insert(near)));
            }
            next.sort_unstable();
            by_distance.push(std::mem::replace(&mut frontier, next));
        }
        let mut impact = Self {
            graph,
            direction,
            roots: root_set,
            rebuilds: graph.empty_set(),
            by_distance,
            depth,
            system: system.map(str::to_owned),
            removed: BTreeSet::new(),
            renamed: BTreeSet::new(),
        };
        impact.retain(|ix| system.is_none_or(|system| graph.derivation(ix).system() == system));
        Ok(impact)
    }

    /// Keeps only some of what the walk found.
    fn retain(&mut self, is_kept: impl Fn(DerivationIx) -> bool) {
        for distance in &mut self.by_distance {
            distance.retain(|&ix| is_kept(ix));
        }
        while self.by_distance.last().is_some_and(Vec::is_empty) {
            self.by_distance.pop();
        }
        self.roots = self.graph.set_of(self.roots.iter().filter(|&ix| is_kept(ix)));
        self.rebuilds = self.graph.set_of(self.by_distance.iter().flatten().copied());
    }

    /// Says that the change removes attributes: neither are they rebuilt, nor what is built for them alone, where that has no other
    /// attribute and nothing that stays needs it. O(V + E).
    pub fn remove(&mut self, attributes: impl IntoIterator<Item = AttributeIx>) {
        self.removed.extend(attributes);
        let gone = built_for(self.graph, &self.removed);
        self.retain(|ix| !gone.contains(ix));
    }

    /// Says that the change calls attributes otherwise: of them, only the names are removed.
    pub fn rename(&mut self, attributes: impl IntoIterator<Item = AttributeIx>) {
        self.renamed.extend(attributes);
    }

    /// The attributes that the change removes or calls otherwise, by attribute path and system.
    pub fn removed(&self) -> impl Iterator<Item = Attribute<'g>> {
        self.removed.union(&self.renamed).map(|&ix| self.graph.attribute(ix))
    }

    /// Only what of it is among `members`. O(V).
    #[must_use]
    pub fn within(mut self, members: &DerivationSet) -> Self {
        self.retain(|ix| members.contains(ix));
        self
    }

    /// The graph that was asked.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// Which way it was asked.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The edges that were followed at most.
    pub fn depth(&self) -> Option<usize> {
        self.depth
    }

    /// The system whose derivations alone were kept.
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// Everything that is rebuilt, roots included.
    pub fn rebuilds(&self) -> &DerivationSet {
        &self.rebuilds
    }

    /// The roots' derivations.
    pub fn roots(&self) -> &DerivationSet {
        &self.roots
    }

    /// Counts of everything that is rebuilt, roots included.
    pub fn rebuild_counts(&self) -> Counts {
        self.counts(&self.rebuilds)
    }

    /// Counts of any derivations, without the attributes that the change removes. O(members + outputs).
    pub fn counts(&self, derivations: &DerivationSet) -> Counts {
        let counts = self.graph.counts(derivations);
        let is_counted = |attribute: &Attribute<'_>| attribute.derivation().is_some_and(|built| derivations.contains(built.ix()));
        Counts { attributes: counts.attributes - self.removed().filter(is_counted).count(), ..counts }
    }

    /// Counts of what is rebuilt besides the roots.
    pub fn dependent_counts(&self) -> Counts {
        self.counts(&self.dependents())
    }

    /// What is rebuilt besides the roots.
    pub fn dependents(&self) -> DerivationSet {
        self.graph.set_of(self.rebuilds.iter().filter(|&ix| !self.roots.contains(ix)))
    }

    /// Derivations by distance from the nearest root, in topological order; the roots at 0.
    pub fn by_distance(&self) -> &[Vec<DerivationIx>] {
        &self.by_distance
    }

    /// Counts of the rebuilds for each system, by name; a derivation of unknown system under the empty name.
    pub fn by_system(&self) -> BTreeMap<&'g str, Counts> {
        let mut sets: FxHashMap<u32, (&str, DerivationSet)> = FxHashMap::default();
        for derivation in self.rebuilds.iter().map(|ix| self.graph.derivation(ix)) {
            let set = sets.entry(derivation.system_key()).or_insert_with(|| (derivation.system(), self.graph.empty_set()));
            set.1.insert(derivation.ix());
        }
        sets.into_values().map(|(system, set)| (system, self.counts(&set))).collect()
    }

    /// The direct dependents that rebuild most, most first; the other way, the direct dependencies that do.
    pub fn direct(&self) -> Vec<Derivation<'g>> {
        let direct = self.by_distance.get(1).into_iter().flatten();
        let mut direct: Vec<_> = direct.map(|&ix| self.graph.derivation(ix)).collect();
        direct.sort_by_cached_key(|derivation| (std::cmp::Reverse(derivation.rebuilt_derivations()), derivation.ix()));
        direct
    }

    /// The derivations whose builds together need all the others: those that nothing else among them needs.
    ///
    /// "Building these N would rebuild all M", as `guix refresh --list-dependent` says.
    pub fn covering(&self) -> Vec<Derivation<'g>> {
        let is_needed = |ix: &DerivationIx| self.graph.derivation(*ix).users().any(|user| self.rebuilds.contains(user));
        self.rebuilds.iter().filter(|ix| !is_needed(ix)).map(|ix| self.graph.derivation(ix)).collect()
    }

    /// Derivations with a fixed output that need a root: a change of it does not rebuild them. O(E).
    pub fn fixed_users(&self) -> usize {
        let needs_root = |derivation: &Derivation<'_>| derivation.inputs().any(|(input, _)| self.roots.contains(input));
        self.graph.derivations().filter(|derivation| derivation.is_fixed_output() && needs_root(derivation)).count()
    }

    /// The rebuilt attributes, by attribute path and system.
    pub fn attributes(&self) -> Vec<Attribute<'g>> {
        let attributes = self.rebuilds.iter().flat_map(|ix| self.graph.derivation(ix).attributes());
        let is_there = |ix: &AttributeIx| !self.removed.contains(ix) && !self.renamed.contains(ix);
        let mut positions: Vec<AttributeIx> = attributes.map(Attribute::ix).filter(is_there).collect();
        positions.sort_unstable();
        positions.into_iter().map(|ix| self.graph.attribute(ix)).collect()
    }

    /// How many of the rebuilt attributes are usually not built.
    pub fn excluded(&self) -> Excluded {
        Excluded::of(self.attributes())
    }

    /// The shortest chain of rebuilds from a root to a rebuilt derivation, root first. With a system, only its part behind
    /// the last derivation of another system.
    pub fn path_to(&self, target: DerivationIx) -> Vec<Derivation<'g>> {
        let mut distance: std::collections::HashMap<DerivationIx, usize> = std::collections::HashMap::new();
        for (at, derivations) in self.by_distance.iter().enumerate() {
            distance.extend(derivations.iter().map(|&ix| (ix, at)));
        }
        let back = match self.direction {
            Direction::Dependents => Direction::Dependencies,
            Direction::Dependencies => Direction::Dependents,
        };
        let mut path = VecDeque::from([self.graph.derivation(target)]);
        while let Some(at) = distance.get(&path[0].ix()).copied().filter(|&at| at > 0) {
            let Some(nearer) = path[0].neighbours(back).find(|near| distance.get(near) == Some(&(at - 1))) else { break };
            path.push_front(self.graph.derivation(nearer));
        }
        path.into()
    }
}

/// What is built for some attributes alone: their derivations, and what these need, be it to fetch a source, where that has no other
/// attribute and nothing else needs it. O(V + E).
pub(crate) fn built_for(graph: &Graph, attributes: &BTreeSet<AttributeIx>) -> DerivationSet {
    let mut reached = graph.set_of(attributes.iter().filter_map(|&ix| graph.attribute(ix).derivation()).map(Derivation::ix));
    let (mut alone, mut needed) = (graph.empty_set(), graph.empty_set());
    if reached.is_empty() {
        return alone;
    }
    // What needs a derivation comes behind it.
    for derivation in graph.derivations().rev() {
        let ix = derivation.ix();
        let has_no_other = || derivation.attributes().all(|attribute| attributes.contains(&attribute.ix()));
        let is_alone = reached.contains(ix) && !needed.contains(ix) && has_no_other();
        if is_alone {
            alone.insert(ix);
        }
        let inputs = if is_alone { &mut reached } else { &mut needed };
        for (input, _) in derivation.inputs() {
            inputs.insert(input);
        }
    }
    alone
}

/// Makes sure that something is known of what needs what. O(V).
///
/// # Errors
///
/// [`Error::NoEdges`] if no dump said it.
pub fn require_edges(graph: &Graph) -> Result<()> {
    if graph.tells_inputs() {
        return Ok(());
    }
    let sources: Vec<_> = graph.sources().iter().map(|source| source.file.as_str()).collect();
    Err(Error::NoEdges { sources: sources.join(" ") })
}
