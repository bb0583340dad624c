//! What a wave is about, in a word or three.

use std::collections::HashMap;

use crate::graph::{DerivationSet, Graph, PackageIx};

/// Packages in a name.
const NAMED: usize = 3;

/// Names a wave: by the set that most of its attributes are in, or by its heaviest packages.
///
/// A wave that is mostly about stdenv's stages is a bootstrap.
pub(super) fn name(graph: &Graph, members: &DerivationSet, heaviest: &[PackageIx]) -> String {
    if let Some(bootstrap) = bootstrap(graph, members) {
        return bootstrap;
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

/// The stages that a wave goes through, if every twentieth of its derivations belongs to one: "bootstrap: stage3 to stdenv".
fn bootstrap(graph: &Graph, members: &DerivationSet) -> Option<String> {
    let stages: Vec<&str> = members.iter().filter_map(|ix| stage(graph.derivation(ix).name())).collect();
    if stages.len() * 20 < members.len() {
        return None;
    }
    let (first, last) = (stages.iter().min()?, stages.iter().max()?);
    Some(if first == last { format!("bootstrap: {first}") } else { format!("bootstrap: {first} to {last}") })
}

/// `stage3` of `bootstrap-stage3-gcc-wrapper-13.3.0`, `stdenv` of `stdenv-linux`; in this order as text.
fn stage(name: &str) -> Option<&str> {
    if name.starts_with("stdenv-") {
        return Some("stdenv");
    }
    name.strip_prefix("bootstrap-")?.split('-').next().filter(|stage| stage.starts_with("stage"))
}
