//! What a wave is about, in a word or three.

use std::collections::HashMap;

use crate::graph::{DerivationSet, Graph, PackageIx};

/// Packages in a name.
const NAMED: usize = 3;

/// Names a wave: by the set that most of its attributes are in, or by its heaviest packages.
///
/// A wave of which a twentieth are stages of stdenv is a bootstrap.
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
    let (first, last) = (stages.iter().min_by_key(|stage| order(stage))?, stages.iter().max_by_key(|stage| order(stage))?);
    Some(if first == last { format!("bootstrap: {first}") } else { format!("bootstrap: {first} to {last}") })
}

/// What tells which stage comes first, as text: `stdenv` is the last, and `stage-xgcc` stands between the first and the second.
fn order(stage: &str) -> String {
    stage.replace("stage-", "stage1-")
}

/// `stage3` of `bootstrap-stage3-gcc-wrapper-13.3.0`, `stage-xgcc`, or `stdenv` of `stdenv-linux`.
fn stage(name: &str) -> Option<&str> {
    if name.starts_with("stdenv-") {
        return Some("stdenv");
    }
    let name = name.strip_prefix("bootstrap-").filter(|name| name.starts_with("stage"))?;
    // The one that has a name, not a number, has a hyphen before it.
    let length = name.match_indices('-').map(|(at, _)| at).find(|&at| at > "stage".len()).unwrap_or(name.len());
    Some(&name[..length])
}
