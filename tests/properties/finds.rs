//! What a search by a part of a name finds.

use std::cmp::Reverse;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::analysis::{Found, find};

use crate::strategy::package_sets;
use crate::support::Imported;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A part of any name, in any case, finds what has it in its name, and nothing twice.
    #[test]
    fn what_has_the_text_in_its_name_is_found_best_first(set in package_sets(40), name: Index, (start, length) in (0_usize..8, 0_usize..5)) {
        let graph = Imported::new(&set).graph;
        let inner = graph.packages().filter(|package| {
            let mut derivations = package.derivations();
            package.derivations().all(|derivation| derivation.attributes().count() == 0) && derivations.any(|derivation| !derivation.is_fixed_output())
        });
        let attributes = graph.attributes().map(|attribute| {
            let rebuilds = attribute.derivation().map_or(0, |derivation| derivation.package().rebuilt_derivations());
            (attribute.path(), rebuilds, Found::Attribute(attribute.ix()))
        });
        let packages = inner.map(|package| (package.face().name(), package.rebuilt_derivations(), Found::Package(package.ix())));
        let all: Vec<(&str, u32, Found)> = attributes.chain(packages).collect();
        let text: String = all[name.index(all.len())].0.chars().skip(start).take(length).collect::<String>().to_uppercase();
        let has = |name: &str| name.to_uppercase().contains(&text);
        let found = find(&graph, &text);
        prop_assert_eq!(found.len(), all.iter().filter(|(name, ..)| has(name)).count());
        let rank = |found: &Found| {
            let (name, rebuilds, _) = all.iter().find(|(.., other)| other == found).expect("it is there");
            let (name, last) = (name.to_uppercase(), name.rsplit('.').next().unwrap_or_default().to_uppercase());
            assert!(has(&name));
            let (is_whole, is_last) = (!text.is_empty() && name == text, !text.is_empty() && last == text);
            (Reverse((is_whole, is_last, !is_last && name.starts_with(&text))), Reverse(*rebuilds))
        };
        prop_assert!(found.is_sorted_by_key(rank));
        prop_assert!(found.iter().enumerate().all(|(at, one)| !found[..at].contains(one)));
    }
}
