//! Units: updates that can only come together, and the order that the graph puts them in.

use std::collections::{BTreeMap, VecDeque};

use super::updates::Update;
use crate::analysis::{SUGGESTED, Scope, find_roots, select};
use crate::config::{Between, Group};
use crate::error::{Error, Result};
use crate::graph::{DerivationIx, DerivationSet, DisjointSets, Graph, components};

/// An update, and the derivations that it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What the list says.
    pub update: Update,
    /// The derivation that stands for it.
    pub face: DerivationIx,
    /// What it changes, in topological order.
    pub derivations: Vec<DerivationIx>,
}

/// Updates that can only come together: they are of one package, need each other, or are of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Positions of its updates among the targets, in the order of the list.
    pub targets: Vec<usize>,
    /// What it changes, in topological order.
    pub derivations: Vec<DerivationIx>,
    /// The group that it is of, if it is of one.
    pub group: Option<String>,
    /// One of its updates wants a wave to itself.
    pub solo: bool,
}

/// Why updates were put together, or were not although a group says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Union {
    /// They change the same derivations.
    SamePackage {
        /// The updates' packages.
        packages: Vec<String>,
    },
    /// Each needs the others.
    Cycle {
        /// The updates' packages.
        packages: Vec<String>,
        /// From the first through another and back, by name; each is rebuilt by the one before.
        path: Vec<String>,
    },
    /// A group took in what lies between its members.
    Absorbed {
        /// The group.
        group: String,
        /// The packages that were taken in.
        packages: Vec<String>,
        /// From a member of the group through one of them to a member; each is rebuilt by the one before, or of one group with it.
        path: Vec<String>,
    },
    /// A group was taken apart, for something else lies between its members.
    Rejected {
        /// The group.
        group: String,
        /// From a member of the group through something else to a member; each is rebuilt by the one before, or of one group with it.
        path: Vec<String>,
    },
    /// A group of which fewer than two packages are updated.
    Idle {
        /// The group.
        group: String,
        /// How many are.
        updated: usize,
    },
}

/// The units of a list of updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// The units; within a level and among equals in the order of the list.
    pub units: Vec<Unit>,
    /// The level of each, from 0: one more than the largest of what it needs. No plan whose waves hold no two updates of which one
    /// rebuilds the other has fewer waves than there are levels, nor puts a unit into an earlier one.
    pub levels: Vec<usize>,
    /// What was put together, and why.
    pub unions: Vec<Union>,
}

impl Units {
    /// The number of levels.
    pub fn level_count(&self) -> usize {
        self.levels.iter().max().map_or(0, |last| last + 1)
    }
}

/// Finds the derivations of every update. O(V) for each.
///
/// # Errors
///
/// [`Error::UnknownUpdates`] names all that are not one package of the evaluation.
pub fn targets(graph: &Graph, updates: &[Update], scope: Scope, system: Option<&str>) -> Result<Vec<Target>> {
    let mut targets = Vec::with_capacity(updates.len());
    let mut unknown = Vec::new();
    for update in updates {
        let find = if unknown.len() < SUGGESTED { select } else { find_roots };
        match find(graph, std::slice::from_ref(&update.package), scope, system) {
            Ok(roots) => {
                let mut derivations: Vec<DerivationIx> = roots.iter().flat_map(|root| root.derivations.iter().copied()).collect();
                derivations.sort_unstable();
                derivations.dedup();
                targets.push(Target { update: update.clone(), face: roots[0].face, derivations });
            }
            Err(error) => unknown.push(error.to_string()),
        }
    }
    if unknown.is_empty() { Ok(targets) } else { Err(Error::UnknownUpdates { updates: unknown }) }
}

/// Puts updates together that can only come together, and finds the level of each unit.
///
/// Every update's derivations are contracted to one node; what lies on a cycle then needs each other, and is one unit. With
/// groups contracted too, cycles run out of a group and back, those of a member alone included: what lies between is absorbed, or
/// the group is taken apart.
/// The levels are longest paths of the condensed graph, counted in units. O(V + E) for each group that is taken apart, and
/// once more. `held` is never rebuilt.
///
/// Source: the level theorem (planning of waves, F5); strongly connected components by Kosaraju.
pub fn units(graph: &Graph, targets: &[Target], groups: &[Group], held: &DerivationSet) -> Units {
    let mut unions = Vec::new();
    let mut sets = DisjointSets::new(targets.len());
    join_same(targets, &mut sets, &mut unions);
    let forced = Contraction::new(graph, targets, &mut sets, held);
    let forced_cycles = forced.cycles(targets.len());
    for cycle in &forced_cycles {
        let path = forced.path(targets, cycle[0]);
        unions.push(Union::Cycle { packages: packages(targets, cycle.iter().copied()), path });
    }
    // To take apart what can only come together changes nothing.
    let own: Vec<usize> = (0..targets.len()).map(|at| sets.find(at)).collect();
    let is_forced = |group: &NamedGroup| forced_cycles.iter().any(|cycle| group.members.iter().all(|&at| cycle.contains(&own[at])));
    let mut named = named_groups(graph, targets, groups, &mut unions);
    loop {
        let mut joined = sets.clone();
        for group in &named {
            for &member in &group.members {
                joined.join(group.members[0], member);
            }
        }
        let again;
        let contraction = if named.is_empty() {
            &forced
        } else {
            again = Contraction::new(graph, targets, &mut joined, held);
            &again
        };
        let cycles = contraction.cycles(targets.len());
        let nodes: Vec<usize> = (0..targets.len()).map(|at| joined.find(at)).collect();
        let lies_on = |group: &NamedGroup, cycle: &[usize]| cycle.contains(&nodes[group.members[0]]);
        let path = |group: &NamedGroup| contraction.path(targets, nodes[group.members[0]]);
        let rejected =
            |group: &NamedGroup| group.between == Between::Reject && !is_forced(group) && cycles.iter().any(|cycle| lies_on(group, cycle));
        if let Some(at) = named.iter().position(rejected) {
            let path = path(&named[at]);
            unions.push(Union::Rejected { group: named.remove(at).name, path });
            continue;
        }
        for cycle in &cycles {
            for group in named.iter().filter(|group| lies_on(group, cycle)) {
                let absorbed = (0..targets.len()).filter(|at| cycle.contains(&nodes[*at]) && !group.members.contains(at));
                unions.push(Union::Absorbed { group: group.name.clone(), packages: packages(targets, absorbed), path: path(group) });
            }
        }
        for cycle in cycles {
            for &target in &cycle {
                joined.join(cycle[0], target);
            }
        }
        return finish(graph, targets, &named, joined, unions, held);
    }
}

/// Updates of the same derivations, by whatever names.
fn join_same(targets: &[Target], sets: &mut DisjointSets, unions: &mut Vec<Union>) {
    let mut first: BTreeMap<DerivationIx, usize> = BTreeMap::new();
    let mut same: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, target) in targets.iter().enumerate() {
        for &derivation in &target.derivations {
            sets.join(*first.entry(derivation).or_insert(at), at);
        }
    }
    for at in 0..targets.len() {
        same.entry(sets.find(at)).or_default().push(at);
    }
    let several = same.into_values().filter(|members| members.len() > 1);
    unions.extend(several.map(|members| Union::SamePackage { packages: packages(targets, members.into_iter()) }));
}

fn packages(targets: &[Target], members: impl Iterator<Item = usize>) -> Vec<String> {
    members.map(|at| targets[at].update.package.clone()).collect()
}

/// A group of which several packages are updated.
struct NamedGroup {
    name: String,
    members: Vec<usize>,
    between: Between,
}

/// The groups of the list, and those of the configuration: of one name, one group. One of which fewer than two packages are updated says so.
fn named_groups(graph: &Graph, targets: &[Target], groups: &[Group], unions: &mut Vec<Union>) -> Vec<NamedGroup> {
    let mut listed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, target) in targets.iter().enumerate() {
        if let Some(group) = &target.update.group {
            listed.entry(group).or_default().push(at);
        }
    }
    listed.retain(|name, _| groups.iter().all(|group| group.name != *name));
    let configured = groups.iter().map(|group| {
        let is_meant = |target: &Target| {
            let mut attributes = target.derivations.iter().flat_map(|&ix| graph.derivation(ix).attributes());
            let matches = |name: &str| group.packages.iter().any(|pattern| pattern.matches(name));
            let is_listed = target.update.group.as_deref() == Some(&group.name);
            is_listed || matches(&target.update.package) || attributes.any(|attribute| matches(attribute.path()))
        };
        let members = targets.iter().enumerate().filter(|(_, target)| is_meant(target)).map(|(at, _)| at).collect();
        NamedGroup { name: group.name.clone(), members, between: group.between }
    });
    let listed = listed.into_iter().map(|(name, members)| NamedGroup { name: name.to_owned(), members, between: Between::default() });
    let (several, idle): (Vec<_>, Vec<_>) = listed.chain(configured).partition(|group| group.members.len() > 1);
    unions.extend(idle.into_iter().map(|group| Union::Idle { group: group.name, updated: group.members.len() }));
    several
}

fn finish(
    graph: &Graph,
    targets: &[Target],
    groups: &[NamedGroup],
    mut sets: DisjointSets,
    unions: Vec<Union>,
    held: &DerivationSet,
) -> Units {
    let contraction = Contraction::new(graph, targets, &mut sets, held);
    let level_of = contraction.levels(targets.len());
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..targets.len() {
        members.entry(sets.find(at)).or_default().push(at);
    }
    let mut units = Vec::with_capacity(members.len());
    let mut levels = Vec::with_capacity(members.len());
    for (first, members) in members {
        let mut derivations: Vec<DerivationIx> = members.iter().flat_map(|&at| targets[at].derivations.iter().copied()).collect();
        derivations.sort_unstable();
        derivations.dedup();
        let group = groups.iter().find(|group| sets.find(group.members[0]) == first).map(|group| group.name.clone());
        let solo = members.iter().any(|&at| targets[at].update.solo);
        units.push(Unit { targets: members, derivations, group, solo });
        levels.push(level_of[first]);
    }
    Units { units, levels, unions }
}

/// The graph with the derivations of joined updates as one node. Node `n` is the set whose first update is `n`, for `n` below the
/// number of updates; behind these are the other derivations.
struct Contraction<'a> {
    graph: &'a Graph,
    node_of: Vec<u32>,
    /// The derivations of each update's node; empty where the update is not the first of its set.
    members: Vec<Vec<DerivationIx>>,
    held: &'a DerivationSet,
    components: Vec<Vec<u32>>,
}

impl<'a> Contraction<'a> {
    fn new(graph: &'a Graph, targets: &[Target], sets: &mut DisjointSets, held: &'a DerivationSet) -> Self {
        let mut node_of: Vec<u32> = (targets.len()..targets.len() + graph.derivation_count()).map(|node| node as u32).collect();
        let mut members = vec![Vec::new(); targets.len()];
        for (at, target) in targets.iter().enumerate() {
            let node = sets.find(at);
            for &derivation in &target.derivations {
                node_of[derivation.get()] = node as u32;
                members[node].push(derivation);
            }
        }
        let mut contraction = Self { graph, node_of, members, held, components: Vec::new() };
        let nodes = targets.len() + graph.derivation_count();
        let edges = (0..nodes as u32).flat_map(|node| contraction.targets(node).map(move |to| (node, to)));
        contraction.components = components(nodes, edges);
        contraction
    }

    /// The nodes that a change of a node rebuilds next.
    fn targets(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.steps(node).map(|(_, user)| self.node_of[user.get()])
    }

    /// What of a node rebuilds what of another.
    fn steps(&self, node: u32) -> impl Iterator<Item = (DerivationIx, DerivationIx)> + '_ {
        let updates = self.members.len();
        let own = (node as usize >= updates).then(|| DerivationIx::new(node as usize - updates));
        // A derivation that an update has taken is no node of its own.
        let own = own.filter(|ix| self.node_of[ix.get()] == node);
        let derivations = self.members.get(node as usize).into_iter().flatten().copied().chain(own);
        let is_free = |ix: &DerivationIx| !self.held.contains(*ix);
        let steps = derivations.filter(is_free).flat_map(|ix| self.graph.derivation(ix).users().map(move |user| (ix, user)));
        steps.filter(move |(_, user)| is_free(user) && self.node_of[user.get()] != node)
    }

    /// The sets of updates that need each other: two or more nodes of updates in one component.
    fn cycles(&self, updates: usize) -> Vec<Vec<usize>> {
        let updates_of = |component: &Vec<u32>| -> Vec<usize> {
            component.iter().map(|&node| node as usize).filter(|&node| node < updates && !self.members[node].is_empty()).collect()
        };
        let mut cycles: Vec<Vec<usize>> = self.components.iter().map(updates_of).filter(|members| members.len() > 1).collect();
        cycles.sort_unstable();
        cycles
    }

    /// The level of each update's node.
    fn levels(&self, updates: usize) -> Vec<usize> {
        let mut component_of = vec![0_u32; updates + self.graph.derivation_count()];
        for (at, component) in self.components.iter().enumerate() {
            for &node in component {
                component_of[node as usize] = at as u32;
            }
        }
        // Units before and including a component, on the longest path to it.
        let mut before = vec![0_usize; self.components.len()];
        let mut level = vec![0; updates];
        for (at, component) in self.components.iter().enumerate() {
            let unit = component.iter().find(|&&node| self.members.get(node as usize).is_some_and(|members| !members.is_empty()));
            if let Some(&node) = unit {
                level[node as usize] = before[at];
                before[at] += 1;
            }
            for to in component.iter().flat_map(|&node| self.targets(node)) {
                let to = component_of[to as usize] as usize;
                before[to] = before[to].max(before[at]);
            }
        }
        level
    }

    /// From an update's node to another update's and back, by name: the shortest way there, and the shortest way back.
    ///
    /// A node of several updates is named by the one that a step leaves or enters; where these are two, both are named.
    fn path(&self, targets: &[Target], from: usize) -> Vec<String> {
        let Some(component) = self.components.iter().find(|component| component.binary_search(&(from as u32)).is_ok()) else {
            return Vec::new();
        };
        let is_update = |node: u32| (node as usize) < targets.len() && node as usize != from;
        let mut steps = self.walk(component, from as u32, is_update);
        if let Some(&(_, other)) = steps.last() {
            steps.extend(self.walk(component, self.node_of[other.get()], |node| node as usize == from));
        }
        let mut path: Vec<String> = Vec::new();
        for (leaves, enters) in steps {
            let leaves = self.name(targets, leaves);
            if path.last() != Some(&leaves) {
                path.push(leaves);
            }
            path.push(self.name(targets, enters));
        }
        path
    }

    /// The steps of a shortest path within a component to the first node that is wanted.
    fn walk(&self, component: &[u32], from: u32, is_wanted: impl Fn(u32) -> bool) -> Vec<(DerivationIx, DerivationIx)> {
        let mut step_to: BTreeMap<u32, (DerivationIx, DerivationIx)> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            for step in self.steps(node) {
                let to = self.node_of[step.1.get()];
                let is_new = component.binary_search(&to).is_ok() && !step_to.contains_key(&to);
                if !is_new || to == from && !is_wanted(to) {
                    continue;
                }
                step_to.insert(to, step);
                if is_wanted(to) {
                    let mut path = vec![step];
                    while let Some(before) = path.last().map(|(leaves, _)| self.node_of[leaves.get()]).filter(|&before| before != from) {
                        path.push(step_to[&before]);
                    }
                    path.reverse();
                    return path;
                }
                queue.push_back(to);
            }
        }
        Vec::new()
    }

    /// The update that changes a derivation, else its own name.
    fn name(&self, targets: &[Target], derivation: DerivationIx) -> String {
        let target = targets.iter().find(|target| target.derivations.binary_search(&derivation).is_ok());
        target.map_or_else(|| self.graph.derivation(derivation).label().to_owned(), |target| target.update.package.clone())
    }
}
