//! Packages that are not rebuilt without saying so.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::verdict::Subject;
use crate::analysis::AttributeName;
use crate::config::AttributePattern;
use crate::graph::{Attribute, Derivation, Graph};
use crate::ingest::split_job;
use crate::store_path::StoreHash;

/// What a change does to the packages that a pattern names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    /// Rebuilt or removed attributes, as `path.system`; if a pname is meant, the names of rebuilt derivations.
    pub(super) names: Vec<String>,
    /// Whether there is such a package at all, before or after the change.
    pub(super) is_known: bool,
}

/// The names of all attributes. O(attributes).
pub(super) fn names(graph: &Graph) -> Vec<AttributeName> {
    graph.attributes().map(AttributeName::new).collect()
}

/// Whether a pattern means an attribute: by its path, or with its system behind it, as reports and the jobs of Hydra are called.
pub(super) fn meaning(pattern: &AttributePattern) -> impl Fn(&AttributeName) -> bool {
    let system = split_job(pattern.as_str()).1;
    move |attribute| {
        pattern.matches(&attribute.path) || (system == Some(attribute.system.as_str()) && pattern.matches(&attribute.to_string()))
    }
}

/// Finds what a pattern names: attributes, of all by their `names`, else derivations by pname. O(V + removed · log removed).
pub(super) fn touched(subject: Subject<'_>, names: &[AttributeName], pattern: &AttributePattern) -> Touched {
    let Subject { graph, before, attributes, rebuilds } = subject;
    let is_meant = meaning(pattern);
    let changed = attributes.rebuilds.iter().chain(&attributes.removed).filter(|attribute| is_meant(attribute));
    let touched: BTreeSet<String> = changed.map(ToString::to_string).collect();
    let is_attribute = !touched.is_empty() || names.iter().any(is_meant);
    if is_attribute || !pattern.is_name() {
        return Touched { names: touched.into_iter().collect(), is_known: is_attribute };
    }
    let is_named = |derivation: &Derivation<'_>| !derivation.is_fixed_output() && derivation.pname() == pattern.as_str();
    let packages: Vec<Derivation<'_>> = graph.derivations().filter(is_named).collect();
    let rebuilt = packages.iter().filter(|derivation| rebuilds.contains(derivation.ix()));
    let rebuilt = rebuilt.map(|derivation| format!("{} ({})", derivation.name(), derivation.system()));
    let is_removed = |attribute: &Attribute<'_>| subject.is_removed(&AttributeName::new(*attribute));
    // What has another name is still there.
    let has_a_name = |derivation: &&Derivation<'_>| derivation.attributes().any(|attribute| !is_removed(&attribute));
    let left: FxHashSet<StoreHash> = packages.iter().filter(has_a_name).map(|derivation| derivation.hash()).collect();
    let gone = before.derivations().filter(is_named).filter(|derivation| !left.contains(&derivation.hash()));
    let removed = gone.flat_map(Derivation::attributes).filter(is_removed).map(|attribute| AttributeName::new(attribute).to_string());
    let names: BTreeSet<String> = rebuilt.chain(removed).collect();
    Touched { is_known: !packages.is_empty() || !names.is_empty(), names: names.into_iter().collect() }
}
