//! Takes a wave apart into jobs of which no two build the same.

use std::collections::HashMap;

use crate::graph::{DerivationIx, DerivationSet, DisjointSets, Graph};

/// Derivations that are built by one job, since they share rebuilds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// All that the job builds, in topological order.
    pub(super) members: Vec<DerivationIx>,
    /// Those of them that it names: all others are built on the way.
    pub(super) targets: Vec<DerivationIx>,
    /// Their weight, added up.
    pub(super) weight: u64,
}

/// What is built by one name each: members of a wave that some attribute of a system leads to.
pub(super) struct Division<'a> {
    graph: &'a Graph,
    members: DerivationSet,
    is_named: DerivationSet,
    /// The level of each member, from 1: how many named members a chain to it has, itself included; of one without a name,
    /// that of the first job that needs it.
    level: HashMap<DerivationIx, usize>,
    weight: &'a dyn Fn(DerivationIx) -> u64,
}

impl<'a> Division<'a> {
    /// Of what of a set leads to the members that `is_named` says have a name. O(V + E).
    pub(super) fn new(
        graph: &'a Graph,
        set: &DerivationSet,
        is_named: impl Fn(DerivationIx) -> bool,
        weight: &'a dyn Fn(DerivationIx) -> u64,
    ) -> Self {
        let is_named = graph.set_of(set.iter().filter(|&ix| is_named(ix)));
        let all: Vec<DerivationIx> = set.iter().collect();
        let mut members = is_named.clone();
        for &ix in all.iter().rev() {
            if graph.derivation(ix).users().any(|user| members.contains(user)) {
                members.insert(ix);
            }
        }
        let mut level: HashMap<DerivationIx, usize> = HashMap::new();
        for ix in members.iter() {
            let before = graph.derivation(ix).rebuild_inputs().filter_map(|input| level.get(&input).copied()).max().unwrap_or(0);
            level.insert(ix, before + usize::from(is_named.contains(ix)));
        }
        for &ix in all.iter().rev().filter(|&&ix| members.contains(ix) && !is_named.contains(ix)) {
            let first = graph.derivation(ix).users().filter_map(|user| level.get(&user).copied()).min();
            level.insert(ix, first.unwrap_or(1));
        }
        Self { graph, members, is_named, level, weight }
    }

    /// What is built: members of the set that some attribute leads to.
    pub(super) fn members(&self) -> &DerivationSet {
        &self.members
    }

    /// Stages of units. What a unit needs is in it, or in an earlier stage, or was not rebuilt; no two units share a member.
    ///
    /// A stage is a run of levels, as long as no unit gets heavier than `most`; one level at least. The units of a stage are the
    /// parts that rebuilds within it connect. O((V + E) α(V)), and each level at most twice.
    pub(super) fn stages(&self, most: u64) -> Vec<Vec<Unit>> {
        let mut levels: Vec<Vec<DerivationIx>> = vec![Vec::new(); self.level.values().copied().max().unwrap_or(0)];
        for ix in self.members.iter() {
            levels[self.level[&ix] - 1].push(ix);
        }
        let mut stages = Vec::new();
        let mut first = 0;
        while first < levels.len() {
            let mut parts = Parts::new(self);
            parts.add(&levels[first]);
            let mut end = first + 1;
            while end < levels.len() {
                parts.add(&levels[end]);
                if parts.heaviest > most {
                    break;
                }
                end += 1;
            }
            let mut whole = Parts::new(self);
            let mut members: Vec<DerivationIx> = levels[first..end].iter().flatten().copied().collect();
            members.sort_unstable();
            whole.add(&members);
            stages.push(whole.units(&members));
            first = end;
        }
        stages
    }
}

/// The parts of a stage that rebuilds connect, while members are added.
struct Parts<'d, 'a> {
    division: &'d Division<'a>,
    number: HashMap<DerivationIx, usize>,
    sets: DisjointSets,
    weights: Vec<u64>,
    heaviest: u64,
}

impl<'d, 'a> Parts<'d, 'a> {
    fn new(division: &'d Division<'a>) -> Self {
        let sets = DisjointSets::new(division.members.len());
        Self { division, number: HashMap::new(), sets, weights: Vec::new(), heaviest: 0 }
    }

    /// Adds members, and connects them with what they need and what needs them.
    fn add(&mut self, members: &[DerivationIx]) {
        for &ix in members {
            self.number.insert(ix, self.weights.len());
            self.weights.push((self.division.weight)(ix));
            self.heaviest = self.heaviest.max((self.division.weight)(ix));
        }
        for &ix in members {
            let derivation = self.division.graph.derivation(ix);
            let near: Vec<usize> =
                derivation.rebuild_inputs().chain(derivation.users()).filter_map(|other| self.number.get(&other).copied()).collect();
            for other in near {
                self.connect(self.number[&ix], other);
            }
        }
    }

    fn connect(&mut self, a: usize, b: usize) {
        let (a, b) = (self.sets.find(a), self.sets.find(b));
        if a != b {
            let weight = self.weights[a].saturating_add(self.weights[b]);
            self.sets.join(a, b);
            let root = self.sets.find(a);
            self.weights[root] = weight;
            self.heaviest = self.heaviest.max(weight);
        }
    }

    /// The parts, in the order of their first members, which are all that was added.
    fn units(mut self, members: &[DerivationIx]) -> Vec<Unit> {
        let graph = self.division.graph;
        let mut leads = graph.empty_set();
        let stage = graph.set_of(members.iter().copied());
        for &ix in members.iter().rev() {
            let mut users = graph.derivation(ix).users().filter(|&user| stage.contains(user));
            if users.any(|user| self.division.is_named.contains(user) || leads.contains(user)) {
                leads.insert(ix);
            }
        }
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut units: Vec<Unit> = Vec::new();
        for &ix in members {
            let root = self.sets.find(self.number[&ix]);
            let at = *place.entry(root).or_insert_with(|| {
                units.push(Unit { weight: self.weights[root], ..Unit::default() });
                units.len() - 1
            });
            units[at].members.push(ix);
            if self.division.is_named.contains(ix) && !leads.contains(ix) {
                units[at].targets.push(ix);
            }
        }
        units
    }
}
