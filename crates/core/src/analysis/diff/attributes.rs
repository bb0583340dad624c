//! What differs between the attributes of two evaluations, as nixpkgs' CI tells it.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

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

/// Added attributes that only name anew what is not new.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    /// Removed attributes, and the added ones that are the same build.
    pub(super) renames: Vec<(AttributeName, AttributeName)>,
    /// Added attributes, and others of the same build that were there before.
    pub(super) aliases: Vec<(AttributeName, AttributeName)>,
}

/// Finds what was only named anew. O(A log A).
pub(super) fn new_names(changes: &AttributeChanges, before: &Attributes<'_>, after: &Attributes<'_>) -> NewNames {
    let mut removed: BTreeMap<&[(&str, OutputId)], &AttributeName> = BTreeMap::new();
    for name in changes.removed.iter().rev() {
        removed.insert(&before[name].outputs, name);
    }
    let mut kept: BTreeMap<&[(&str, OutputId)], &AttributeName> = BTreeMap::new();
    for (name, evaluated) in after.iter().rev().filter(|(name, _)| before.contains_key(*name)) {
        kept.insert(&evaluated.outputs, name);
    }
    let mut names = NewNames::default();
    for name in &changes.added {
        let outputs = after[name].outputs.as_slice();
        if let Some(&old) = removed.get(outputs) {
            names.renames.push((old.clone(), name.clone()));
        } else if let Some(&of) = kept.get(outputs) {
            names.aliases.push((name.clone(), of.clone()));
        }
    }
    names
}
