//! Packages that are not rebuilt without saying so.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::patterns::{Patterns, means};
use super::verdict::Subject;
use crate::analysis::AttributeName;
use crate::config::{AttributePattern, Policy};
use crate::graph::Derivation;
use crate::ingest::split_job;
use crate::store_path::StoreHash;

/// What a change makes of something that is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is rebuilt.
    Changes,
    /// It is rebuilt, and was not there before.
    IsAdded,
    /// It is there no more.
    IsRemoved,
    /// It is still there, but does not evaluate.
    NoLongerEvaluates,
}

/// What a change does to the packages that a pattern names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Attributes, as `path.system`, with what becomes of them; if a pname is meant, the names of rebuilt derivations too.
    pub(super) names: BTreeMap<String, Fate>,
    /// Whether there is such a package at all, before or after the change.
    pub(super) is_known: bool,
}

impl Touched {
    fn add(&mut self, name: String, fate: Fate) {
        self.names.insert(name, fate);
        self.is_known = true;
    }
}

/// Whether a policy protects what is called so: a pattern as it stands, or an attribute, with or without its system. O(patterns).
pub fn is_protected(policy: &Policy, name: &str) -> bool {
    let (path, system) = split_job(name);
    let is_meant = |pattern: &AttributePattern| {
        // A path alone is that of any system.
        let system = system.or(split_job(pattern.as_str()).1).unwrap_or_default();
        means(pattern, &AttributeName { path: path.to_owned(), system: system.to_owned() })
    };
    let mut patterns = policy.protected.iter().flat_map(|protected| &protected.packages);
    patterns.any(|pattern| pattern.as_str() == name || is_meant(pattern))
}

/// Finds what each of the patterns names: attributes, else derivations by pname. O(V + A), for A attributes.
pub(super) fn touched(subject: Subject<'_>, patterns: &[&AttributePattern]) -> Vec<Touched> {
    let together = Patterns::new(patterns.iter().copied());
    let mut all = vec![Touched::default(); patterns.len()];
    let rebuilt = subject.attributes.rebuilds.iter().map(|attribute| (attribute, subject.fate_of_rebuilt(attribute)));
    let removed = subject.attributes.removed.iter().map(|attribute| (attribute, subject.fate_of_removed(attribute)));
    for (attribute, fate) in rebuilt.chain(removed) {
        for at in together.that_mean(attribute) {
            all[at].add(attribute.to_string(), fate);
        }
    }
    for attribute in subject.graph.attributes().map(AttributeName::new) {
        for at in together.that_mean(&attribute) {
            all[at].is_known = true;
        }
    }
    let unknown: Vec<usize> = (0..patterns.len()).filter(|&at| patterns[at].is_name() && !all[at].is_known).collect();
    let by_pname = touched_by_pname(subject, &unknown.iter().map(|&at| patterns[at].as_str()).collect());
    for at in unknown {
        all[at] = by_pname.get(patterns[at].as_str()).cloned().unwrap_or_default();
    }
    all
}

/// Finds rebuilt derivations of some pnames, and removed attributes of those of which no name is left; nothing of pnames that there are
/// none of. O(V).
fn touched_by_pname<'p>(subject: Subject<'p>, pnames: &FxHashSet<&str>) -> FxHashMap<&'p str, Touched> {
    let mut all: FxHashMap<&'p str, Touched> = FxHashMap::default();
    if pnames.is_empty() {
        return all;
    }
    let is_named = |derivation: &Derivation<'_>| !derivation.is_fixed_output() && pnames.contains(derivation.pname());
    let were_there: FxHashSet<&str> = subject.before.derivations().filter(is_named).map(|derivation| derivation.pname()).collect();
    // What has another name is still there.
    let mut left: FxHashSet<(&'p str, StoreHash)> = FxHashSet::default();
    for derivation in subject.graph.derivations().filter(is_named) {
        let touched = all.entry(derivation.pname()).or_default();
        touched.is_known = true;
        if subject.rebuilds.contains(derivation.ix()) {
            let fate = if were_there.contains(derivation.pname()) { Fate::Changes } else { Fate::IsAdded };
            touched.add(format!("{} ({})", derivation.name(), derivation.system()), fate);
        }
        if derivation.attributes().any(|attribute| !subject.is_removed(&AttributeName::new(attribute))) {
            left.insert((derivation.pname(), derivation.hash()));
        }
    }
    let gone = subject.before.derivations().filter(is_named);
    for derivation in gone.filter(|derivation| !left.contains(&(derivation.pname(), derivation.hash()))) {
        for attribute in derivation.attributes().map(AttributeName::new).filter(|attribute| subject.is_removed(attribute)) {
            all.entry(derivation.pname()).or_default().add(attribute.to_string(), subject.fate_of_removed(&attribute));
        }
    }
    all
}
