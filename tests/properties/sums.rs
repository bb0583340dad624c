//! Sums over closures, as they are kept when weights or evaluations change; and pairs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::graph::{ClosureSums, DerivationIx, Graph, PackageIx, Precision, Reachability};

use crate::diffs::{graph, histories};
use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::Imported;

/// Weights that differ from a derivation to the next.
fn weights(set: &PackageSet, imported: &Imported) -> Vec<[u64; 2]> {
    let weight = |at: usize| [1, at as u64 % 7 * 5_000_000_003];
    let mut weights = vec![[0; 2]; imported.graph.derivation_count()];
    for at in set.all() {
        weights[imported.ix(at).get()] = weight(at);
    }
    weights
}

/// The sums over what the model rebuilds.
fn expected(set: &PackageSet, imported: &Imported, weights: &[[u64; 2]], at: usize) -> [u64; 2] {
    let rebuilt = set.rebuilds([at]);
    [0, 1].map(|sum| rebuilt.iter().map(|&at| weights[imported.ix(at).get()][sum]).sum())
}

/// The name's length, so that equal derivations of two evaluations may have other weights: those of some names change.
fn by_name(graph: &Graph, changed: &BTreeSet<usize>) -> Vec<[u64; 2]> {
    graph
        .derivations()
        .map(|derivation| [1, derivation.name().len() as u64 + u64::from(changed.contains(&derivation.ix().get())) * 1000])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_follow_their_weights(
        set in package_sets(40),
        changes in proptest::collection::vec(proptest::collection::vec((any::<Index>(), 0_u64..1 << 40), 1..4), 0..4),
    ) {
        let imported = Imported::new(&set);
        let mut weights = weights(&set, &imported);
        let mut sums = ClosureSums::new(&imported.graph, weights.clone());
        for change in changes {
            let derivations: Vec<usize> = set.all().collect();
            let change: Vec<(DerivationIx, [u64; 2])> =
                change.into_iter().map(|(at, weight)| (imported.ix(*at.get(&derivations)), [weight % 3, weight])).collect();
            for (ix, weight) in &change {
                weights[ix.get()] = *weight;
            }
            sums.set_weights(&imported.graph, &change);
        }
        for at in set.all() {
            prop_assert_eq!(sums.get(imported.ix(at)), expected(&set, &imported, &weights, at));
        }
    }

    /// What a change of several packages rebuilds, each by itself: exactly, and by an estimate that is off by no more than eight times
    /// its standard error.
    #[test]
    fn packages_rebuild_what_their_derivations_do(set in package_sets(40)) {
        let imported = Imported::new(&set);
        let weights = weights(&set, &imported);
        let packages: Vec<PackageIx> = imported.graph.packages().map(|package| package.ix()).collect();
        let exact = imported.graph.closure_sums(&packages, weights.clone());
        let estimated = imported.graph.estimate_closure_sums(&packages, &weights, Precision::of_rounds(1024));
        prop_assert_eq!((exact.len(), estimated.len()), (packages.len(), packages.len()));
        for ((package, exact), estimated) in imported.graph.packages().zip(exact).zip(estimated) {
            let rebuilt = set.rebuilds(package.derivations().map(|derivation| imported.at(derivation.ix())));
            let sum = |sum: usize| rebuilt.iter().map(|&at| weights[imported.ix(at).get()][sum]).sum::<u64>();
            prop_assert_eq!(exact, [sum(0), sum(1)]);
            prop_assert!(exact.iter().zip(estimated).all(|(&exact, estimated)| exact.abs_diff(estimated) * 4 <= exact), "{exact:?} {estimated:?}");
        }
    }

    #[test]
    fn sums_follow_evaluations((world, mutations) in histories(), changed in proptest::collection::btree_set(0_usize..30, 0..3)) {
        let (before, after) = (graph(&world), graph(&world.after(&mutations)));
        let sums = ClosureSums::new(&before, by_name(&before, &BTreeSet::new()));
        let weights = by_name(&after, &changed);
        let counted = ClosureSums::new(&after, weights.clone());
        let kept = sums.next(&before, &after, weights);
        prop_assert_eq!(kept.all(), counted.all());
    }

    #[test]
    fn pairs_are_those_of_the_closures(set in package_sets(40)) {
        let imported = Imported::new(&set);
        let index = Reachability::new(&imported.graph);
        for from in set.all() {
            let rebuilt = set.rebuilds([from]);
            for to in set.all() {
                prop_assert_eq!(index.rebuilds(imported.ix(from), imported.ix(to)), rebuilt.contains(&to));
            }
        }
    }
}
