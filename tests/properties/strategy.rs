//! Random package sets.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::model::{Attribute, Derivation, PackageSet};

const PNAMES: [&str; 4] = ["bash", "glibc", "gcc-wrapper", "python3.12-numpy"];
const VERSIONS: [&str; 3] = ["1.0", "2.40-36", ""];
const SYSTEMS: [&str; 4] = ["x86_64-linux", "x86_64-linux", "i686-linux", "builtin"];
const FEATURES: [&str; 2] = ["big-parallel", "kvm"];
const POSITIONS: [&str; 3] = ["pkgs/a.nix:1", "pkgs/b.nix:2", "pkgs/c.nix:3"];
const ERRORS: [&str; 2] = ["error: removed", "error: assertion '(a -> b)' failed\n\n       at a.nix:1:1:"];

/// What a derivation is made of, before it is known what stands before it.
#[derive(Clone, Debug)]
struct Seed {
    pname: &'static str,
    version: &'static str,
    system: &'static str,
    outputs: usize,
    inputs: Vec<(Index, usize)>,
    src: Option<Index>,
    files: BTreeSet<usize>,
    is_fixed: bool,
    features: BTreeSet<&'static str>,
    twin: Option<Index>,
}

prop_compose! {
    fn seed()(
        (pname, version, system) in (select(&PNAMES), select(&VERSIONS), select(&SYSTEMS)),
        outputs in 1_usize..4,
        inputs in vec((any::<Index>(), 0_usize..8), 0..4),
        src in prop::option::weighted(0.4, any::<Index>()),
        files in btree_set(0_usize..4, 0..3),
        is_fixed in prop::bool::weighted(0.2),
        features in prop_oneof![3 => Just(BTreeSet::new()), 1 => btree_set(select(&FEATURES), 1..3)],
        twin in prop::option::weighted(0.1, any::<Index>()),
    ) -> Seed {
        Seed { pname, version, system, outputs, inputs, src, files, is_fixed, features, twin }
    }
}

#[derive(Clone, Debug)]
struct AttributeSeed {
    set: Option<&'static str>,
    name: String,
    derivation: Result<Index, &'static str>,
    position: Option<&'static str>,
}

prop_compose! {
    fn attribute()(
        set in prop::option::of(select(&["python312Packages", "qt6", "a.b"][..])),
        name in prop_oneof![4 => "[a-d][0-9]?", 1 => Just("socket.io".to_owned())],
        derivation in prop_oneof![9 => any::<Index>().prop_map(Ok), 1 => select(&ERRORS).prop_map(Err)],
        position in prop::option::of(select(&POSITIONS)),
    ) -> AttributeSeed {
        AttributeSeed { set, name, derivation, position }
    }
}

/// Package sets of fewer than `derivations` derivations.
pub(crate) fn package_sets(derivations: usize) -> impl Strategy<Value = PackageSet> {
    (vec(seed(), 1..derivations), vec(attribute(), 1..derivations), any::<u64>()).prop_map(|(seeds, attributes, salt)| {
        let mut set = PackageSet { derivations: Vec::new(), attributes: Vec::new(), salt };
        for seed in seeds {
            let derivation = derivation(&set.derivations, seed);
            set.derivations.push(derivation);
        }
        for seed in attributes {
            add_attribute(&mut set, seed);
        }
        set
    })
}

/// A package set and some of its derivations.
pub(crate) fn with_roots(derivations: usize) -> impl Strategy<Value = (PackageSet, BTreeSet<usize>)> {
    (package_sets(derivations), vec(any::<Index>(), 1..4)).prop_map(|(set, roots)| {
        // Early ones, of which more depends.
        let roots = roots.into_iter().map(|root| root.index(set.derivations.len().div_ceil(2))).collect();
        (set, roots)
    })
}

fn derivation(before: &[Derivation], seed: Seed) -> Derivation {
    let mut derivation = Derivation {
        pname: seed.pname,
        version: seed.version,
        system: seed.system,
        outputs: if seed.is_fixed { vec!["out"] } else { ["out", "dev", "lib"][..seed.outputs].to_vec() },
        inputs: seed.inputs.iter().filter(|_| !before.is_empty()).map(|(input, used)| input_of(before, *input, *used)).collect(),
        src: None,
        files: seed.files,
        is_fixed: seed.is_fixed,
        features: seed.features,
        twin: None,
    };
    // Few sources, so that packages share them.
    let sources: Vec<usize> = (0..before.len()).filter(|&at| before[at].is_fixed).take(3).collect();
    if let Some(src) = seed.src.filter(|_| !sources.is_empty() && !seed.is_fixed).map(|src| *src.get(&sources)) {
        derivation.src = Some(src);
        derivation.inputs.insert(src, vec!["out"]);
    }
    if let Some(at) = seed.twin.filter(|_| !before.is_empty()).map(|twin| twin.index(before.len())) {
        let first = &before[at];
        let Derivation { pname, version, system, is_fixed, .. } = *first;
        let outputs = first.outputs.clone();
        derivation = Derivation { pname, version, system, outputs, is_fixed, twin: Some(first.twin.unwrap_or(at)), ..derivation };
        if is_fixed {
            derivation.src = None;
        }
    }
    derivation
}

/// An input, and some of its outputs: at least one. Half of the inputs are near, so that chains get long.
fn input_of(before: &[Derivation], input: Index, used: usize) -> (usize, Vec<&'static str>) {
    let reach = if used.is_multiple_of(2) { before.len() } else { before.len().min(4) };
    let at = before.len() - 1 - input.index(reach);
    let mut outputs: Vec<_> = before[at].outputs.iter().skip(used % before[at].outputs.len()).copied().collect();
    outputs.sort_unstable();
    (at, outputs)
}

/// Adds an attribute, unless there is one of that path for that system. One that fails has no system.
fn add_attribute(set: &mut PackageSet, seed: AttributeSeed) {
    let derivation = seed.derivation.map(|at| at.index(set.derivations.len()));
    let name = if derivation.is_err() { format!("broken-{}", seed.name) } else { seed.name };
    let path: Vec<String> = seed.set.map(str::to_owned).into_iter().chain([name]).collect();
    let system = |derivation: Result<usize, _>| derivation.ok().map(|at| set.derivations[at].system);
    let is_taken = |known: &Attribute| known.path == path && system(known.derivation) == system(derivation);
    if !set.attributes.iter().any(is_taken) {
        set.attributes.push(Attribute { path, derivation, position: seed.position });
    }
}
