//! What a wave is about, in a word or three.

use std::collections::HashMap;

use crate::graph::{DerivationSet, Graph, PackageIx};

/// Packages in a name.
const NAMED: usize = 3;

/// Names a wave: by the set that most of its attributes are in, or by its heaviest packages.
///
/// A wave of which every twentieth derivation is a stage of stdenv is "bootstrap".
pub(super) fn name(graph: &Graph, members: &DerivationSet, heaviest: &[PackageIx]) -> String {
    let is_stage = |name: &str| name.starts_with("bootstrap-stage") || name.starts_with("stdenv-");
    let stages = members.iter().filter(|&ix| is_stage(graph.derivation(ix).name())).count();
    if stages * 20 >= members.len() {
        return "bootstrap".to_owned();
    }
    let mut sets: HashMap<&str, usize> = HashMap::new();
    let mut attributes = 0;
    for attribute in members.iter().flat_map(|ix| graph.derivation(ix).attributes()) {
        *sets.entry(attribute.set()).or_default() += 1;
        attributes += 1;
    }
    let largest = sets.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
    match largest {
        Some((set, count)) if !set.is_empty() && count * 2 > attributes => set.to_owned(),
        _ => {
            let labels: Vec<_> = heaviest.iter().take(NAMED).map(|&package| graph.package(package).face().label()).collect();
            labels.join(", ")
        }
    }
}
