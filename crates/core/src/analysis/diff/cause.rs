//! Root causes: what was changed itself, grouped to what a person would call one change.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::evidence::{Evidence, Reason, Shared, file_name};
use super::pairing::{Evaluations, Pairing};
use crate::graph::{Derivation, DerivationIx, DerivationSet, DisjointSets, Graph, PackageIx};

/// Derivations and attributes that a cause rebuilds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// Rebuilt attributes.
    pub attributes: usize,
    /// Rebuilt derivations.
    pub derivations: usize,
}

/// One change that causes rebuilds: a package with its source, or a file or input that several packages share.
#[derive(Clone, Debug)]
pub struct Cause {
    /// What was changed: an attribute, a name, or a file.
    pub label: String,
    /// Its version before; empty if unknown.
    pub version_before: String,
    /// Its version after; empty if unknown.
    pub version_after: String,
    /// Why these derivations are a cause.
    pub reasons: BTreeSet<Reason>,
    /// The derivation that stands for it, after the change.
    pub face: DerivationIx,
    /// The derivations that were changed themselves, after the change, in topological order.
    pub derivations: Vec<DerivationIx>,
    /// All that it rebuilds, itself included.
    pub rebuilds: Reach,
    /// What would not be rebuilt without it.
    pub exclusive: Reach,
    /// What it rebuilds of what no cause before it in the smallest set does; `None` if it is not in that set.
    pub adds: Option<Reach>,
}

/// The causes of a change, those that rebuild most attributes first.
#[derive(Debug, Default)]
pub(super) struct Causes {
    pub(super) causes: Vec<Cause>,
    /// Whether no smaller set of causes is known not to exist.
    pub(super) smallest_is_proven: bool,
}

/// Derivations with evidence, before they are told from each other.
struct Group {
    label: String,
    face: DerivationIx,
    versions: (String, String),
    reasons: BTreeSet<Reason>,
    members: Vec<DerivationIx>,
}

/// Groups evidence to causes, and counts what each rebuilds.
///
/// `weights` has the rebuilt attributes of each derivation after the change. Time O(V + E) for each 64 causes.
pub(super) fn causes<'g>(
    evaluations: &Evaluations<'g, 'g>,
    pairing: &Pairing,
    evidence: &[(DerivationIx, Evidence<'g>)],
    weights: &[u32],
) -> Causes {
    let groups = groups(evaluations, pairing, evidence);
    let (graph, rebuilt) = (evaluations.after, &evaluations.rebuilt);
    let sizes = sizes(graph, rebuilt, &groups, weights);
    let Attribution { exclusive, is_needed } = attribute(graph, rebuilt, &groups, weights);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&a, &b| sizes[b].cmp(&sizes[a]).then_with(|| groups[a].label.cmp(&groups[b].label)).then(a.cmp(&b)));
    let (adds, smallest_is_proven) = smallest(graph, rebuilt, &groups, &order, &is_needed, weights);
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let cause = |at: usize| {
        let group = groups[at].take()?;
        Some(Cause {
            label: group.label,
            version_before: group.versions.0,
            version_after: group.versions.1,
            reasons: group.reasons,
            face: group.face,
            derivations: group.members,
            rebuilds: sizes[at],
            exclusive: exclusive[at],
            adds: adds[at],
        })
    };
    Causes { causes: order.into_iter().filter_map(cause).collect(), smallest_is_proven }
}

/// What evidence is grouped by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'g> {
    Package(PackageIx),
    Shared(Shared<'g>),
}

fn groups<'g>(evaluations: &Evaluations<'g, 'g>, pairing: &Pairing, evidence: &[(DerivationIx, Evidence<'g>)]) -> Vec<Group> {
    let after = evaluations.after;
    let package_of = |ix: DerivationIx| after.derivation(ix).package().ix();
    let mut users: BTreeMap<Shared<'_>, BTreeSet<PackageIx>> = BTreeMap::new();
    for (ix, found) in evidence {
        for &shared in &found.shared {
            users.entry(shared).or_default().insert(package_of(*ix));
        }
    }
    // What one package alone has is its own.
    users.retain(|_, packages| packages.len() > 1);
    let shared: Vec<Shared<'_>> = users.into_keys().collect();
    let mut homes = Homes::new(evaluations, evidence);
    let mut swaps = joined_swaps(&shared, evidence);
    let mut members: Members<'_> = BTreeMap::new();
    for (ix, found) in evidence {
        let home = Key::Package(homes.of(after, *ix));
        if let Some(reason) = found.own {
            add(&mut members, home, *ix, reason);
            // A source and the package that it belongs to are one cause.
            for user in homes.users(evaluations, *ix) {
                members.entry(home).or_default().0.insert(user);
            }
        }
        for one in &found.shared {
            let reason = match one {
                Shared::File(..) => Reason::SourceFile,
                Shared::Input(..) => Reason::SwappedInput,
            };
            let key = shared.binary_search(one).map_or(home, |at| Key::Shared(shared[swaps.find(at)]));
            add(&mut members, key, *ix, reason);
        }
    }
    members.into_iter().map(|(key, (derivations, reasons))| group(evaluations, pairing, key, derivations, reasons)).collect()
}

/// Changed derivations, and why, by what they are grouped by.
type Members<'g> = BTreeMap<Key<'g>, (BTreeSet<DerivationIx>, BTreeSet<Reason>)>;

fn add<'g>(members: &mut Members<'g>, key: Key<'g>, ix: DerivationIx, reason: Reason) {
    let (derivations, reasons) = members.entry(key).or_default();
    derivations.insert(ix);
    reasons.insert(reason);
}

/// Inputs that one derivation swaps are one swap.
fn joined_swaps(shared: &[Shared<'_>], evidence: &[(DerivationIx, Evidence<'_>)]) -> DisjointSets {
    let mut swaps = DisjointSets::new(shared.len());
    for (_, found) in evidence {
        let is_swap = |one: &&Shared<'_>| matches!(one, Shared::Input(..));
        let together: Vec<usize> = found.shared.iter().filter(is_swap).filter_map(|one| shared.binary_search(one).ok()).collect();
        together.windows(2).for_each(|pair| swaps.join(pair[0], pair[1]));
    }
    swaps
}

/// Which package a change is said to be of: packages that share a changed source are one.
struct Homes {
    packages: DisjointSets,
    /// The packages that changed fixed outputs belong to.
    of_fixed_output: BTreeMap<DerivationIx, PackageIx>,
}

impl Homes {
    /// A fixed output belongs to the packages of which it is the source, or to the one package that uses it.
    fn new(evaluations: &Evaluations<'_, '_>, evidence: &[(DerivationIx, Evidence<'_>)]) -> Self {
        let after = evaluations.after;
        // Several derivations may fetch the same.
        let canonical = |ix: DerivationIx| evaluations.builds_after.canonical(ix);
        let mut homes = Self { packages: DisjointSets::new(after.package_count()), of_fixed_output: BTreeMap::new() };
        for fixed in evidence.iter().map(|(ix, _)| after.derivation(*ix)).filter(|derivation| derivation.is_fixed_output()) {
            let users: Vec<Derivation<'_>> = evaluations.rebuilt_users(fixed.ix()).map(|user| after.derivation(user)).collect();
            let packages = |users: Vec<&Derivation<'_>>| users.iter().map(|user| user.package().ix()).collect::<BTreeSet<_>>();
            let of_source =
                packages(users.iter().filter(|user| user.src().is_some_and(|src| canonical(src.ix()) == canonical(fixed.ix()))).collect());
            let using = packages(users.iter().collect());
            let owners = if of_source.is_empty() && using.len() == 1 { using } else { of_source };
            let Some(&first) = owners.first() else { continue };
            for owner in &owners {
                homes.packages.join(first.get(), owner.get());
            }
            homes.of_fixed_output.insert(fixed.ix(), first);
        }
        homes
    }

    /// Users of a fixed output among the packages that it belongs to.
    fn users(&mut self, evaluations: &Evaluations<'_, '_>, fixed: DerivationIx) -> Vec<DerivationIx> {
        let Some(home) = self.of_fixed_output.get(&fixed).map(|home| self.packages.find(home.get())) else { return Vec::new() };
        let package_of = |ix: DerivationIx| evaluations.after.derivation(ix).package().ix();
        evaluations.rebuilt_users(fixed).filter(|&user| self.packages.find(package_of(user).get()) == home).collect()
    }

    fn of(&mut self, after: &Graph, ix: DerivationIx) -> PackageIx {
        let own = after.derivation(ix).package().ix();
        let package = self.of_fixed_output.get(&ix).copied().unwrap_or(own);
        PackageIx::new(self.packages.find(package.get()))
    }
}

fn group(
    evaluations: &Evaluations<'_, '_>,
    pairing: &Pairing,
    key: Key<'_>,
    derivations: BTreeSet<DerivationIx>,
    reasons: BTreeSet<Reason>,
) -> Group {
    let (before, after) = (evaluations.before, evaluations.after);
    let members: Vec<DerivationIx> = derivations.into_iter().collect();
    let rank = |ix: &DerivationIx| {
        let derivation = after.derivation(*ix);
        let depth = derivation.attributes().map(|attribute| attribute.path().split('.').count()).min().unwrap_or(usize::MAX);
        (depth, derivation.is_fixed_output(), std::cmp::Reverse(derivation.rebuilt_derivations()), *ix)
    };
    let face = members.iter().copied().min_by_key(rank).unwrap_or(members[0]);
    let (label, versions) = match key {
        Key::Package(_) => {
            let old = pairing.of(face).map_or("", |ix| before.derivation(ix).version());
            (after.derivation(face).label().to_owned(), (old, after.derivation(face).version()))
        }
        Key::Shared(Shared::File(_, file)) => (file_name(file).to_owned(), ("", "")),
        Key::Shared(Shared::Input(from, to)) => {
            let (from, to) = (before.derivation(from), after.derivation(to));
            (to.label().to_owned(), (from.version(), to.version()))
        }
    };
    Group { label, face, versions: (versions.0.to_owned(), versions.1.to_owned()), reasons, members }
}

/// What each group rebuilds among `rebuilt`, itself included; a bit for each of 64 groups goes along the edges.
fn sizes(graph: &Graph, rebuilt: &DerivationSet, groups: &[Group], weights: &[u32]) -> Vec<Reach> {
    let block = |groups: &[Group]| {
        let mut rows = vec![0_u64; graph.derivation_count()];
        for (bit, group) in groups.iter().enumerate() {
            group.members.iter().for_each(|member| rows[member.get()] |= 1 << bit);
        }
        let mut sizes = vec![Reach::default(); groups.len()];
        for derivation in rebuilt.iter() {
            let row = rows[derivation.get()];
            let mut rest = row;
            while rest != 0 {
                let size = &mut sizes[rest.trailing_zeros() as usize];
                size.derivations += 1;
                size.attributes += weights[derivation.get()] as usize;
                rest &= rest - 1;
            }
            if row != 0 {
                graph.derivation(derivation).users().for_each(|user| rows[user.get()] |= row);
            }
        }
        sizes
    };
    groups.par_chunks(64).flat_map_iter(block).collect()
}

/// Who reaches a derivation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Nobody,
    One(usize),
    Several,
}

impl By {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, one) | (one, Self::Nobody) => one,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Several,
        }
    }
}

struct Attribution {
    /// What only this group rebuilds.
    exclusive: Vec<Reach>,
    /// Whether a member of the group is built by no other group.
    is_needed: Vec<bool>,
}

/// Whether a derivation has to be explained: what is only fetched is, by what uses it.
fn is_built(graph: &Graph, rebuilt: &DerivationSet, ix: DerivationIx) -> bool {
    let derivation = graph.derivation(ix);
    !derivation.is_fixed_output() || !derivation.users().any(|user| rebuilt.contains(user))
}

/// One pass along the edges, which tells of each derivation whether none, one or several groups rebuild it. O(V + E).
fn attribute(graph: &Graph, rebuilt: &DerivationSet, groups: &[Group], weights: &[u32]) -> Attribution {
    let mut by = vec![By::Nobody; graph.derivation_count()];
    let mut own = by.clone();
    for (at, group) in groups.iter().enumerate() {
        for member in &group.members {
            own[member.get()] = own[member.get()].and(By::One(at));
        }
    }
    let mut attribution = Attribution { exclusive: vec![Reach::default(); groups.len()], is_needed: vec![false; groups.len()] };
    for ix in rebuilt.iter() {
        let from_inputs = graph.derivation(ix).rebuild_inputs().map(|input| by[input.get()]).fold(By::Nobody, By::and);
        let here = from_inputs.and(own[ix.get()]);
        by[ix.get()] = here;
        if let By::One(group) = here {
            attribution.exclusive[group].derivations += 1;
            attribution.exclusive[group].attributes += weights[ix.get()] as usize;
            attribution.is_needed[group] |= own[ix.get()] == here && is_built(graph, rebuilt, ix);
        }
    }
    attribution
}

/// The smallest set of groups that rebuilds everything that is built, and what each adds to those before it in `order`.
///
/// A group is needed if no other rebuilds one of its members. Mostly those are all; where groups rebuild each other in a
/// circle, the rest is chosen greedily, largest gain first (Chvátal 1979), which is proven smallest only if it is one.
fn smallest(
    graph: &Graph,
    rebuilt: &DerivationSet,
    groups: &[Group],
    order: &[usize],
    is_needed: &[bool],
    weights: &[u32],
) -> (Vec<Option<Reach>>, bool) {
    let mut covered = graph.empty_set();
    let cover = |covered: &mut DerivationSet, group: &Group| {
        let mut gain = Reach::default();
        let mut stack = group.members.clone();
        while let Some(ix) = stack.pop() {
            if rebuilt.contains(ix) && covered.insert(ix) {
                gain.derivations += 1;
                gain.attributes += weights[ix.get()] as usize;
                stack.extend(graph.derivation(ix).users());
            }
        }
        gain
    };
    let mut chosen: Vec<usize> = order.iter().copied().filter(|&at| is_needed[at]).collect();
    for &at in &chosen {
        cover(&mut covered, &groups[at]);
    }
    let needed = chosen.len();
    let is_covered = |covered: &DerivationSet| rebuilt.iter().all(|ix| covered.contains(ix) || !is_built(graph, rebuilt, ix));
    while !is_covered(&covered) {
        let gains = order.iter().filter(|at| !chosen.contains(at)).map(|&at| (cover(&mut covered.clone(), &groups[at]), at));
        let Some((_, best)) = gains.filter(|(gain, _)| gain.derivations > 0).max_by_key(|(gain, at)| (*gain, std::cmp::Reverse(*at)))
        else {
            break;
        };
        cover(&mut covered, &groups[best]);
        chosen.push(best);
    }
    let is_proven = chosen.len() <= needed + 1;
    let mut adds = vec![None; groups.len()];
    let mut covered = graph.empty_set();
    for &at in order.iter().filter(|at| chosen.contains(at)) {
        adds[at] = Some(cover(&mut covered, &groups[at]));
    }
    (adds, is_proven)
}
