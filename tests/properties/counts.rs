//! What a graph says of itself.

use std::collections::BTreeSet;

use proptest::prelude::*;
use waves_core::ingest::FindingKind;

use crate::strategy::package_sets;
use crate::support::Imported;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn totals_are_those_of_the_set(set in package_sets(40)) {
        let Imported { graph, .. } = Imported::new(&set);
        let all: BTreeSet<usize> = set.all().collect();
        let edges = |is_counted: fn(bool) -> bool| -> usize {
            set.derivations.iter().filter(|derivation| is_counted(derivation.is_fixed)).map(|derivation| derivation.inputs.len()).sum()
        };
        prop_assert_eq!(graph.derivation_count(), all.len());
        prop_assert_eq!(graph.attribute_count(), set.attributes.len());
        prop_assert_eq!(graph.output_count(), set.outputs_of(&all));
        prop_assert_eq!(graph.edge_count(), edges(|_| true));
        prop_assert_eq!(graph.rebuild_edge_count(), edges(|is_fixed| !is_fixed));
        let stored = graph.derivations().map(|derivation| (derivation.rebuilt_derivations(), derivation.rebuilt_attributes()));
        prop_assert_eq!(graph.recount_closures(), stored.collect::<Vec<_>>());
    }

    #[test]
    fn findings_are_counted(set in package_sets(40)) {
        let Imported { graph, .. } = Imported::new(&set);
        let all: BTreeSet<usize> = set.all().collect();
        let errors = set.attributes.iter().filter(|attribute| attribute.derivation.is_err()).count();
        let outputs: usize = set.derivations.iter().map(|derivation| derivation.outputs.len()).sum();
        let expected = [(FindingKind::EvaluationError, errors), (FindingKind::SharedOutput, outputs - set.outputs_of(&all))];
        let expected: Vec<_> = expected.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind, count as u64)).collect();
        let found: Vec<_> = graph.findings().iter().map(|(kind, list)| (kind, list.count)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn every_derivation_is_as_it_was_written(set in package_sets(40)) {
        let imported = Imported::new(&set);
        for (at, model) in set.derivations.iter().enumerate() {
            let derivation = imported.graph.derivation(imported.ix(at));
            prop_assert_eq!(derivation.name(), set.name(at));
            prop_assert_eq!(derivation.pname(), model.pname);
            prop_assert_eq!((derivation.version(), derivation.system()), (model.version, model.system));
            prop_assert_eq!((derivation.is_fixed_output(), derivation.is_defined()), (model.is_fixed, true));
            prop_assert_eq!(derivation.sources().count(), model.files.len());
            let features: BTreeSet<_> = derivation.required_system_features().collect();
            prop_assert_eq!(&features, &model.features);
            let source = model.src.map(|src| set.output_path(src, "out"));
            let builds = derivation.src().map(|src| imported.at(src.ix()));
            prop_assert_eq!(builds.is_some(), source.is_some());
            prop_assert!(builds.into_iter().all(|at| set.output_paths(at).into_iter().map(Some).any(|path| path == source)));
            let inputs = derivation.inputs().map(|(input, outputs)| (imported.at(input), outputs.collect()));
            prop_assert_eq!(&inputs.collect::<std::collections::BTreeMap<_, Vec<_>>>(), &model.inputs);
            let outputs: BTreeSet<_> = derivation.outputs().filter_map(|output| output.path()).collect();
            prop_assert_eq!(outputs, set.output_paths(at).into_iter().collect());
        }
    }

    #[test]
    fn every_attribute_has_its_derivation(set in package_sets(40)) {
        let imported = Imported::new(&set);
        let model = |attribute: &crate::model::Attribute| {
            let position = attribute.derivation.ok().and(attribute.position);
            (attribute.dotted(), attribute.derivation.ok(), attribute.derivation.err(), position)
        };
        let mut expected: Vec<_> = set.attributes.iter().map(model).collect();
        let found = imported.graph.attributes().map(|attribute| {
            let derivation = attribute.derivation().map(|derivation| imported.at(derivation.ix()));
            (attribute.path().to_owned(), derivation, attribute.error(), attribute.position())
        });
        let mut found: Vec<_> = found.collect();
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}
