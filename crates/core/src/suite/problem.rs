//! What can be chosen at all, with positions of its own.

use super::{Candidates, SuiteOptions, is_refused, target};
use crate::analysis::{Excluded, Impact};
use crate::graph::{AttributeIx, DerivationIx, DerivationSet, Graph};

/// Adjacency in compressed sparse rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Rows {
    /// Rows of their items.
    pub(super) fn new(rows: impl Iterator<Item = impl Iterator<Item = u32>>) -> Self {
        let (mut offsets, mut targets) = (vec![0], Vec::new());
        for row in rows {
            targets.extend(row);
            offsets.push(targets.len() as u32);
        }
        Self { offsets, targets }
    }

    /// The same edges from the other end, by source in each row.
    pub(super) fn reversed(&self) -> Self {
        let mut offsets = vec![0_u32; self.offsets.len()];
        for &target in &self.targets {
            offsets[target as usize + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let (mut next, mut targets) = (offsets.clone(), vec![0; self.targets.len()]);
        for source in 0..self.offsets.len() - 1 {
            for &target in self.row(source) {
                targets[next[target as usize] as usize] = source as u32;
                next[target as usize] += 1;
            }
        }
        Self { offsets, targets }
    }

    pub(super) fn row(&self, row: usize) -> &[u32] {
        &self.targets[self.range(row)]
    }

    /// Where a row lies among all targets.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// All rows' targets, one behind the other.
    pub(super) fn targets(&self) -> &[u32] {
        &self.targets
    }
}

/// Derivations that can be chosen: a choice is a set that holds the inputs of all its members. Positions are topological.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    /// The derivations.
    pub(super) members: Vec<DerivationIx>,
    /// What each needs, of the members.
    pub(super) inputs: Rows,
    /// What needs it, of the members.
    pub(super) users: Rows,
    /// Weights of each.
    pub(super) weights: Vec<u64>,
    /// Costs of each.
    pub(super) costs: Vec<u64>,
    /// Weight and cost of each with all that it needs.
    pub(super) closures: Vec<(u64, u64)>,
    /// The attribute that makes a test of it.
    pub(super) targets: Vec<Option<AttributeIx>>,
}

impl Problem {
    /// Leaves out, with everything that needs it, what nixpkgs refuses and what costs more than the budget with what is on
    /// the way; then what no candidate needs. No choice within the budget whose maximal members are candidates holds any of
    /// them. Roots are built anyway, so that they cost and weigh nothing; but what lies between two of them does.
    ///
    /// Time O(V + E + M²/512 words) for the M that are left by the cost of their longest chains, a lower bound.
    pub(super) fn new(
        graph: &Graph,
        impact: &Impact<'_>,
        options: &SuiteOptions<'_>,
        weight: &dyn Fn(DerivationIx) -> u64,
    ) -> (Self, Candidates) {
        let (pool, roots) = (impact.dependents(), impact.roots());
        let measures = |ix: DerivationIx| if roots.contains(ix) { [0, 0] } else { [weight(ix), options.cost(ix)] };
        let mut candidates = Candidates { excluded: Excluded::of(attributes(graph, &pool)), ..Candidates::default() };
        // By derivation; nothing for what is no candidate.
        let mut targets: Vec<Option<AttributeIx>> = vec![None; graph.derivation_count()];
        for derivation in pool.iter().map(|ix| graph.derivation(ix)).filter(|derivation| derivation.attributes().len() > 0) {
            candidates.named += 1;
            targets[derivation.ix().get()] = target(derivation, options.system);
            if target(derivation, None).is_none() {
                candidates.left_out += 1;
            } else if targets[derivation.ix().get()].is_none() {
                candidates.other_system += 1;
            }
        }
        let count = |set: &DerivationSet| set.iter().filter(|ix| targets[ix.get()].is_some()).count();
        let all = count(&pool);

        let refused = |ix: DerivationIx| {
            let mut attributes = graph.derivation(ix).attributes();
            !roots.contains(ix) && attributes.len() > 0 && attributes.all(is_refused)
        };
        let allowed = without(graph, impact.rebuilds(), refused);
        candidates.refused = all - count(&allowed);

        let chains = chains(graph, &allowed, |ix| measures(ix)[1]);
        let short = without(graph, &allowed, |ix| chains[ix.get()] > options.budget);
        let short = needed(graph, &short, &targets);
        let own: Vec<[u64; 2]> = short.iter().map(measures).collect();
        let closures = graph.dependency_sums(&short, &own);
        let mut cheapest = allowed.iter().filter(|&ix| targets[ix.get()].is_some() && !short.contains(ix)).map(|ix| chains[ix.get()]).min();
        let mut affordable = graph.empty_set();
        for (ix, [_, cost]) in short.iter().zip(&closures) {
            if *cost <= options.budget {
                affordable.insert(ix);
            } else if targets[ix.get()].is_some() {
                cheapest = Some(cheapest.map_or(*cost, |cheapest| cheapest.min(*cost)));
            }
        }
        let kept = needed(graph, &affordable, &targets);
        candidates.affordable = count(&kept);
        candidates.too_dear = count(&allowed) - candidates.affordable;
        candidates.cheapest = cheapest.filter(|_| candidates.affordable == 0);

        let chosen = short.iter().zip(own.iter().zip(&closures)).filter(|(ix, _)| kept.contains(*ix));
        let mut problem = Self::default();
        let mut number = vec![0_u32; graph.derivation_count()];
        for (ix, ([weight, cost], [weights, costs])) in chosen {
            number[ix.get()] = problem.members.len() as u32;
            problem.members.push(ix);
            problem.weights.push(*weight);
            problem.costs.push(*cost);
            problem.closures.push((*weights, *costs));
            problem.targets.push(targets[ix.get()]);
        }
        problem.inputs = Rows::new(problem.members.iter().map(|&ix| {
            let inputs = graph.derivation(ix).rebuild_inputs().filter(|&input| kept.contains(input));
            inputs.map(|input| number[input.get()])
        }));
        problem.users = problem.inputs.reversed();
        (problem, candidates)
    }
}

fn attributes<'g>(graph: &'g Graph, set: &DerivationSet) -> Vec<crate::graph::Attribute<'g>> {
    set.iter().flat_map(|ix| graph.derivation(ix).attributes()).collect()
}

/// A set without some of it and all that needs them. O(V + edges of the set).
fn without(graph: &Graph, set: &DerivationSet, is_out: impl Fn(DerivationIx) -> bool) -> DerivationSet {
    let mut kept = graph.empty_set();
    for ix in set.iter() {
        let mut inputs = graph.derivation(ix).rebuild_inputs();
        if !is_out(ix) && inputs.all(|input| kept.contains(input) || !set.contains(input)) {
            kept.insert(ix);
        }
    }
    kept
}

/// What candidates need of a set, themselves included. O(V + edges of the set).
fn needed(graph: &Graph, set: &DerivationSet, targets: &[Option<AttributeIx>]) -> DerivationSet {
    let mut needed = graph.set_of(set.iter().filter(|ix| targets[ix.get()].is_some()));
    let members: Vec<DerivationIx> = set.iter().collect();
    for &ix in members.iter().rev() {
        if needed.contains(ix) {
            for input in graph.derivation(ix).rebuild_inputs().filter(|&input| set.contains(input)) {
                needed.insert(input);
            }
        }
    }
    needed
}

/// The cost of the dearest chain that ends in each member. O(V + edges of the set).
fn chains(graph: &Graph, set: &DerivationSet, cost: impl Fn(DerivationIx) -> u64) -> Vec<u64> {
    let mut chains = vec![0_u64; graph.derivation_count()];
    for ix in set.iter() {
        let before = graph.derivation(ix).rebuild_inputs().map(|input| chains[input.get()]).max().unwrap_or(0);
        chains[ix.get()] = before + cost(ix);
    }
    chains
}
