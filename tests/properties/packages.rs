//! Packages, and what is counted for each of them at import.

use std::collections::BTreeSet;

use proptest::prelude::*;
use waves_core::analysis::{RankOptions, RankOrder, rank};
use waves_core::error::Error;
use waves_core::graph::Package;

use crate::strategy::package_sets;
use crate::support::Imported;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packages_are_contracted_as_defined(set in package_sets(30)) {
        let imported = Imported::new(&set);
        let members = |package: Package<'_>| package.derivations().map(|derivation| imported.at(derivation.ix())).collect();
        let found: BTreeSet<BTreeSet<usize>> = imported.graph.packages().map(members).collect();
        prop_assert_eq!(found, set.packages());
    }

    #[test]
    fn every_closure_is_counted(set in package_sets(60)) {
        let imported = Imported::new(&set);
        for at in set.all() {
            let closure = set.rebuilds([at]);
            let derivation = imported.graph.derivation(imported.ix(at));
            let found = (derivation.rebuilt_derivations() as usize, derivation.rebuilt_attributes() as usize);
            prop_assert_eq!(found, (closure.len(), set.attributes_of(&closure)));
        }
        for package in imported.graph.packages() {
            let closure = set.rebuilds(package.derivations().map(|derivation| imported.at(derivation.ix())));
            let found = (package.rebuilt_derivations() as usize, package.rebuilt_attributes() as usize);
            prop_assert_eq!(found, (closure.len(), set.attributes_of(&closure)));
        }
    }

    #[test]
    fn the_ranking_is_sorted_and_leaves_only_sources_out(set in package_sets(40), only_named: bool) {
        let imported = Imported::new(&set);
        let has_attribute = |at: usize| set.attributes.iter().any(|attribute| attribute.derivation == Ok(at));
        let is_ranked = |members: &BTreeSet<usize>, system: &str| {
            let built: Vec<usize> = members.iter().copied().filter(|&at| !set.derivations[at].is_fixed).collect();
            built.iter().any(|&at| set.derivations[at].system == system) && (!only_named || built.iter().any(|&at| has_attribute(at)))
        };
        for (order, system) in [(RankOrder::Derivations, "x86_64-linux"), (RankOrder::Attributes, "i686-linux")] {
            let ranked = rank(&imported.graph, RankOptions { order, only_named, system: Some(system) });
            if set.derivations.iter().all(|derivation| derivation.system != system) {
                prop_assert!(matches!(ranked, Err(Error::NotForSystem { selector: None, .. })), "nothing is for it");
                continue;
            }
            let ranked = ranked.expect("it has edges");
            let members = |package: &Package<'_>| package.derivations().map(|derivation| imported.at(derivation.ix())).collect();
            let found: BTreeSet<BTreeSet<usize>> = ranked.iter().map(members).collect();
            prop_assert_eq!(found.len(), ranked.len());
            prop_assert_eq!(found, set.packages().into_iter().filter(|members| is_ranked(members, system)).collect());
            let weight = |package: &Package<'_>| match order {
                RankOrder::Derivations | RankOrder::BuildTime(_) | RankOrder::EstimatedBuildTime(_) => (package.rebuilt_derivations(), package.rebuilt_attributes()),
                RankOrder::Attributes => (package.rebuilt_attributes(), package.rebuilt_derivations()),
            };
            prop_assert!(ranked.is_sorted_by_key(|package| std::cmp::Reverse(weight(package))));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    /// Closures are swept in blocks of 512: some sets must be larger.
    #[test]
    fn every_closure_of_a_large_set_is_counted(set in package_sets(1500)) {
        let imported = Imported::new(&set);
        for at in set.all().step_by(7) {
            let closure = set.rebuilds([at]);
            let derivation = imported.graph.derivation(imported.ix(at));
            let found = (derivation.rebuilt_derivations() as usize, derivation.rebuilt_attributes() as usize);
            prop_assert_eq!(found, (closure.len(), set.attributes_of(&closure)));
        }
    }
}
