//! The totals of the evaluation, by whatever dumps it is told.

use std::collections::HashSet;

use waves_core::analysis::{Impact, Scope, select};
use waves_core::graph::{Attribute, ClosureSums, Derivation, Direction, Graph};
use waves_core::ingest::FindingKind;

use crate::support::{cuda, directory, import, nixpkgs};

/// `(derivations, fixed-output ones, edges, outputs, attributes, errors, derivations with an attribute)`.
fn totals(graph: &Graph) -> [usize; 7] {
    [
        graph.derivation_count(),
        graph.derivations().filter(|derivation| derivation.is_fixed_output()).count(),
        graph.edge_count(),
        graph.output_count(),
        graph.attribute_count(),
        graph.attributes().filter(|attribute| attribute.error().is_some()).count(),
        graph.derivations().filter(|derivation| derivation.attributes().len() > 0).count(),
    ]
}

/// Everything that changes of a few packages rebuild: derivations, attributes and outputs.
fn impacts(graph: &Graph) -> Vec<(usize, usize, usize)> {
    let impact = |attribute: &str| {
        let roots = select(graph, &[attribute.to_owned()], Scope::Package, None).expect("there is such a package");
        let counts = Impact::new(graph, &roots, Direction::Dependents, None, None).expect("it has edges").rebuild_counts();
        (counts.derivations, counts.attributes, counts.outputs)
    };
    ["glibc", "openssl", "python312Packages.torch", "hello", "qt6.qtbase", "ghc"].map(impact).to_vec()
}

#[test]
fn totals_are_those_of_the_dumps() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let naive = &nixpkgs.naive;
    let outputs: HashSet<&String> = naive.outputs.iter().flatten().collect();
    let expected = [
        naive.names.len(),
        naive.is_fixed.iter().filter(|is_fixed| **is_fixed).count(),
        naive.inputs.iter().map(Vec::len).sum(),
        outputs.len(),
        naive.attributes.len(),
        naive.attributes.values().filter(|derivation| derivation.is_none()).count(),
        naive.attribute_counts.iter().filter(|count| **count > 0).count(),
    ];
    assert_eq!(totals(&nixpkgs.graph), expected);
    // As they were counted when the evaluation was made.
    assert_eq!(expected, [241_770, 128_559, 1_900_513, 271_600, 80_193, 1_892, 69_007]);
    let shared = naive.outputs.iter().map(Vec::len).sum::<usize>() - outputs.len();
    assert_eq!(nixpkgs.graph.findings().count(FindingKind::SharedOutput), shared as u64);
    assert_eq!(nixpkgs.graph.findings().count(FindingKind::DanglingInput), 0);
}

#[test]
fn output_paths_name_the_same_derivations() {
    let (Some(nixpkgs), Some(directory)) = (nixpkgs(), directory()) else { return };
    let graph = import(&directory, &["derivations.json.zst", "outpaths.json.zst"]);
    // What fails has no output paths, and is not in this dump.
    let [derivations, fixed, edges, outputs, attributes, errors, _] = totals(&nixpkgs.graph);
    assert_eq!(totals(&graph)[..6], [derivations, fixed, edges, outputs, attributes - errors, 0]);
    assert_eq!(impacts(&graph), impacts(&nixpkgs.graph));
    // `libidn2` and `texlive.bin.latexindent`, whichever dump tells it.
    let mixed = |graph: &Graph| graph.findings().count(FindingKind::MixedOutputs);
    assert_eq!((mixed(&graph), mixed(&nixpkgs.graph)), (2, 2));
}

#[test]
fn all_dumps_in_any_order_are_one_graph() {
    let (Some(nixpkgs), Some(directory)) = (nixpkgs(), directory()) else { return };
    let first = import(&directory, &["derivations.json.zst", "eval-jobs.jsonl.zst", "outpaths.json.zst"]);
    let last = import(&directory, &["outpaths.json.zst", "eval-jobs.jsonl.zst", "derivations.json.zst"]);
    assert_eq!(first.digest(), last.digest());
    assert_eq!(totals(&first), totals(&nixpkgs.graph));
    // Output paths add one thing: that wine, built by i686, was evaluated for x86_64.
    for (attribute, known) in first.attributes().zip(nixpkgs.graph.attributes()) {
        let derivation = |attribute: Attribute<'_>| attribute.derivation().map(Derivation::base_name);
        assert_eq!((attribute.path(), derivation(attribute)), (known.path(), derivation(known)));
        assert!(attribute.system() == known.system() || attribute.system() == Some("x86_64-linux"), "{attribute:?}");
    }
}

#[test]
fn another_evaluation_shares_derivations() {
    let (Some(nixpkgs), Some(graph)) = (nixpkgs(), cuda()) else { return };
    assert_eq!(graph.derivation_count(), nixpkgs.naive.names.len() + 1_018);
    assert_eq!(graph.attribute_count(), 29_885);
    for kind in [FindingKind::DanglingInput, FindingKind::UndefinedDerivation, FindingKind::ContradictoryDerivation] {
        assert_eq!(graph.findings().count(kind), 0, "{kind:?}");
    }
    // Counted from what changed since the other, and stored when it was imported.
    let weights = |graph: &Graph| graph.derivations().map(|derivation| [1, derivation.attributes().len() as u64]).collect();
    let sums = ClosureSums::new(&nixpkgs.graph, weights(&nixpkgs.graph)).next(&nixpkgs.graph, graph, weights(graph));
    for derivation in graph.derivations() {
        let stored = [derivation.rebuilt_derivations(), derivation.rebuilt_attributes()].map(u64::from);
        assert_eq!(sums.get(derivation.ix()), stored, "{}", derivation.base_name());
    }
}
