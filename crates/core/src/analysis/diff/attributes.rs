//! What differs between the attributes of two evaluations, as nixpkgs' CI tells it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::change::{AttributeChanges, AttributeName};
use super::identity::{OutputId, output_ids};
use crate::graph::{Attribute, Graph};

/// An attribute that evaluates, and what it builds.
pub(super) struct Evaluated<'g> {
    pub(super) attribute: Attribute<'g>,
    /// Output names and paths, by name.
    pub(super) outputs: Vec<(&'g str, OutputId)>,
}

/// The attributes of an evaluation that evaluate, by name.
pub(super) type Attributes<'g> = BTreeMap<AttributeName, Evaluated<'g>>;

/// All attributes of `graph` that build something.
pub(super) fn evaluated(graph: &Graph) -> Attributes<'_> {
    fn of(attribute: Attribute<'_>) -> Option<(AttributeName, Evaluated<'_>)> {
        let outputs = output_ids(attribute.outputs(), attribute.derivation());
        (!outputs.is_empty()).then(|| (AttributeName::new(attribute), Evaluated { attribute, outputs }))
    }
    graph.attributes().filter_map(of).collect()
}

/// Takes the systems of attributes from the other evaluation, where one tells none at all: a path is then of the only system that it has
/// there. Else everything would be new. O(A log A).
pub(super) fn lend_systems(before: &mut Attributes<'_>, after: &mut Attributes<'_>) {
    fn tell_none(attributes: &Attributes<'_>) -> bool {
        attributes.keys().all(|name| name.system.is_empty())
    }
    fn lend(from: &Attributes<'_>, to: &mut Attributes<'_>) {
        let mut systems: FxHashMap<&str, Option<&str>> = FxHashMap::default();
        for name in from.keys() {
            systems.entry(&name.path).and_modify(|system| *system = None).or_insert(Some(&name.system));
        }
        let system_of = |path: &str| systems.get(path).copied().flatten().unwrap_or_default().to_owned();
        let named = std::mem::take(to).into_iter().map(|(name, evaluated)| {
            let system = system_of(&name.path);
            (AttributeName { system, ..name }, evaluated)
        });
        *to = named.collect();
    }
    match (tell_none(before), tell_none(after)) {
        (true, false) => lend(after, before),
        (false, true) => lend(before, after),
        _ => {}
    }
}

/// Leaves only the attributes of package sets that both evaluations have; how many were left out of each.
pub(super) fn within(before: &mut Attributes<'_>, after: &mut Attributes<'_>) -> (usize, usize) {
    fn place<'g>(name: &AttributeName, evaluated: &Evaluated<'g>) -> (&'g str, String) {
        (evaluated.attribute.set(), name.system.clone())
    }
    fn places<'g>(attributes: &Attributes<'g>) -> FxHashSet<(&'g str, String)> {
        attributes.iter().map(|(name, evaluated)| place(name, evaluated)).collect()
    }
    let (in_before, in_after) = (places(before), places(after));
    let (all_before, all_after) = (before.len(), after.len());
    before.retain(|name, evaluated| in_after.contains(&place(name, evaluated)));
    after.retain(|name, evaluated| in_before.contains(&place(name, evaluated)));
    (all_before - before.len(), all_after - after.len())
}

/// Compares by nixpkgs' rules. *Rebuilt* is an attribute of `after` with an output path that is no output of an attribute
/// of `before`: another name for a known build is added or changed, and not rebuilt. O(A log A).
pub(super) fn compare(before: &Attributes<'_>, after: &Attributes<'_>) -> AttributeChanges {
    let known: FxHashSet<OutputId> = before.values().flat_map(|evaluated| evaluated.outputs.iter().map(|&(_, id)| id)).collect();
    let mut changes = AttributeChanges::default();
    changes.removed.extend(before.keys().filter(|name| !after.contains_key(name)).cloned());
    for (name, evaluated) in after {
        match before.get(name) {
            None => changes.added.push(name.clone()),
            Some(old) if old.outputs != evaluated.outputs => changes.changed.push(name.clone()),
            Some(_) => {}
        }
        if evaluated.outputs.iter().any(|(_, id)| !known.contains(id)) {
            changes.rebuilds.push(name.clone());
        }
    }
    changes
}

/// Removed attributes that are still there after the change, they or a set that they are in, but with an error. Most errors do not say
/// for which system they are: such a one is for any that is gone. O(A + removed).
pub(super) fn no_longer_evaluated(removed: &[AttributeName], after: &Graph) -> Vec<AttributeName> {
    let mut failing: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for attribute in after.attributes().filter(|attribute| attribute.error().is_some()) {
        let AttributeName { path, system } = AttributeName::new(attribute);
        failing.entry(path).or_default().push(system);
    }
    let fails = |name: &&AttributeName| {
        let sets = name.path.match_indices('.').map(|(dot, _)| &name.path[..dot]);
        let mut systems = sets.chain([name.path.as_str()]).filter_map(|path| failing.get(path)).flatten();
        systems.any(|system| system.is_empty() || *system == name.system)
    };
    removed.iter().filter(fails).cloned().collect()
}

/// Added attributes that only name anew what is not new.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    /// Removed attributes, and the added ones that are the same build, in the order of these.
    pub(super) renames: Vec<(AttributeName, AttributeName)>,
    /// Added attributes, and others of the same build that were there before.
    pub(super) aliases: Vec<(AttributeName, AttributeName)>,
}

/// Finds what was only named anew. O(A log A).
pub(super) fn new_names(changes: &AttributeChanges, before: &Attributes<'_>, after: &Attributes<'_>) -> NewNames {
    let mut removed: BTreeMap<&[(&str, OutputId)], Vec<&AttributeName>> = BTreeMap::new();
    for name in &changes.removed {
        removed.entry(&before[name].outputs).or_default().push(name);
    }
    let mut added: BTreeMap<&[(&str, OutputId)], Vec<&AttributeName>> = BTreeMap::new();
    for name in &changes.added {
        added.entry(&after[name].outputs).or_default().push(name);
    }
    let mut kept: BTreeMap<&[(&str, OutputId)], &AttributeName> = BTreeMap::new();
    for (name, evaluated) in after.iter().rev().filter(|(name, _)| before.contains_key(*name)) {
        kept.insert(&evaluated.outputs, name);
    }
    let mut names = NewNames::default();
    for (outputs, new) in added {
        if let Some(old) = removed.get(outputs) {
            names.renames.extend(renames(old, &new));
        } else if let Some(&of) = kept.get(outputs) {
            names.aliases.extend(new.into_iter().map(|name| (name.clone(), of.clone())));
        }
    }
    names.renames.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    names.aliases.sort_unstable();
    names
}

/// Which of the old names of a build each new one takes the place of: of those that are left, the first as deep and with the same last
/// component, else the first with that, else the first. What finds none left has the place of the first. O(names · log names).
fn renames(old: &[&AttributeName], new: &[&AttributeName]) -> Vec<(AttributeName, AttributeName)> {
    fn likeness(round: usize, name: &AttributeName) -> (usize, &str, &str) {
        let last = name.path.rsplit('.').next().unwrap_or_default();
        match round {
            0 => (name.path.split('.').count(), last, name.system.as_str()),
            1 => (0, last, name.system.as_str()),
            _ => (0, "", ""),
        }
    }
    let mut left: BTreeSet<&AttributeName> = old.iter().copied().collect();
    let mut places: Vec<Option<&AttributeName>> = vec![None; new.len()];
    for round in 0..3 {
        let mut alike: BTreeMap<(usize, &str, &str), VecDeque<&AttributeName>> = BTreeMap::new();
        for &name in &left {
            alike.entry(likeness(round, name)).or_default().push_back(name);
        }
        for (place, name) in places.iter_mut().zip(new).filter(|(place, _)| place.is_none()) {
            let Some(taken) = alike.get_mut(&likeness(round, name)).and_then(VecDeque::pop_front) else { continue };
            left.remove(taken);
            *place = Some(taken);
        }
    }
    let of = |place: Option<&AttributeName>| place.unwrap_or(old[0]).clone();
    places.into_iter().zip(new).map(|(place, &name)| (of(place), name.clone())).collect()
}
