//! What a change rebuilds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::analysis::{AttributeChanges, AttributeName, Change, Counts, Impact, Root};
use waves_core::graph::{Attribute, AttributeIx, Direction, Graph};

use crate::model::{Attribute as Named, PackageSet};
use crate::strategy::{package_sets, with_roots};
use crate::support::Imported;

fn impact(graph: &Graph, root: Root) -> Impact<'_> {
    Impact::new(graph, &[root], Direction::Dependents, None, None).expect("it has edges or definitions")
}

fn counts(set: &PackageSet, members: &BTreeSet<usize>) -> Counts {
    Counts { attributes: set.attributes_of(members), derivations: members.len(), outputs: set.outputs_of(members) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rebuilds_are_those_of_the_naive_walk((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let impact = impact(&imported.graph, imported.root(roots.clone()));
        let expected = set.rebuilds(roots.clone());
        prop_assert_eq!(imported.ats(impact.rebuilds()), expected.clone());
        prop_assert_eq!(impact.rebuild_counts(), counts(&set, &expected));
        prop_assert_eq!(impact.dependent_counts(), counts(&set, &expected.difference(&roots).copied().collect()));
        let covering = expected.iter().filter(|&&at| !set.users(at).any(|user| expected.contains(&user)));
        prop_assert_eq!(impact.covering().iter().map(|last| imported.at(last.ix())).collect::<BTreeSet<_>>(), covering.copied().collect());
    }

    #[test]
    fn distances_are_those_of_a_breadth_first_search((set, roots) in with_roots(40), depth in 0_usize..6) {
        let imported = Imported::new(&set);
        let expected = PackageSet::distances(roots.clone(), |at| set.users(at));
        let found = |impact: &Impact<'_>| -> BTreeMap<usize, usize> {
            let ring = |(distance, ring): (usize, &Vec<_>)| ring.iter().map(|&ix| (imported.at(ix), distance)).collect::<Vec<_>>();
            impact.by_distance().iter().enumerate().flat_map(ring).collect()
        };
        let all = impact(&imported.graph, imported.root(roots.clone()));
        prop_assert_eq!(found(&all), expected.clone());
        let direct = all.direct();
        let next = expected.iter().filter(|&(_, &distance)| distance == 1).map(|(&at, _)| at);
        prop_assert_eq!(direct.iter().map(|direct| imported.at(direct.ix())).collect::<BTreeSet<_>>(), next.collect());
        prop_assert!(direct.is_sorted_by_key(|direct| Reverse(set.rebuilds([imported.at(direct.ix())]).len())));
        let near = Impact::new(&imported.graph, &[imported.root(roots)], Direction::Dependents, Some(depth), None).expect("it has edges");
        prop_assert_eq!(found(&near), expected.into_iter().filter(|(_, distance)| *distance <= depth).collect());
    }

    #[test]
    fn a_shortest_path_leads_to_everything_that_is_rebuilt((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let impact = impact(&imported.graph, imported.root(roots.clone()));
        for (target, distance) in PackageSet::distances(roots.clone(), |at| set.users(at)) {
            let path: Vec<usize> = impact.path_to(imported.ix(target)).iter().map(|step| imported.at(step.ix())).collect();
            prop_assert_eq!((roots.contains(&path[0]), path.len(), path[distance]), (true, distance + 1, target));
            prop_assert!(path.windows(2).all(|step| set.users(step[0]).any(|user| user == step[1])));
        }
    }

    #[test]
    fn two_changes_rebuild_what_each_rebuilds((set, roots) in with_roots(40), others in btree_set(0_usize..40, 1..4)) {
        let imported = Imported::new(&set);
        let others: BTreeSet<usize> = others.into_iter().map(|at| at % set.derivations.len()).collect();
        let of = |roots: &BTreeSet<usize>| imported.ats(impact(&imported.graph, imported.root(roots.iter().copied())).rebuilds());
        let (a, b) = (imported.root(roots.iter().copied()), imported.root(others.iter().copied()));
        let both = Impact::new(&imported.graph, &[a, b], Direction::Dependents, None, None).expect("it has edges");
        prop_assert_eq!(imported.ats(both.rebuilds()), of(&roots).union(&of(&others)).copied().collect());
    }

    #[test]
    fn systems_part_the_rebuilds((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let all = set.rebuilds(roots.clone());
        let mut expected: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for &at in &all {
            expected.entry(set.derivations[at].system).or_default().insert(at);
        }
        let whole = impact(&imported.graph, imported.root(roots.clone()));
        let by_system = expected.iter().map(|(system, members)| (*system, counts(&set, members)));
        prop_assert_eq!(whole.by_system(), by_system.collect());
        for (system, members) in expected {
            let only = Impact::new(&imported.graph, &[imported.root(roots.clone())], Direction::Dependents, None, Some(system));
            prop_assert_eq!(imported.ats(only.expect("it has edges").rebuilds()), members);
        }
    }

    /// What is removed is not rebuilt, nor what is built for it alone.
    #[test]
    fn what_is_removed_is_not_rebuilt((set, roots) in with_roots(40), removed in vec(any::<Index>(), 0..20)) {
        let imported = Imported::new(&set);
        let named = |attribute: &Named| {
            let system = attribute.derivation.map_or("", |at| set.derivations[at].system);
            (attribute.dotted(), system.to_owned())
        };
        let removed: BTreeSet<_> = removed.iter().map(|at| named(at.get(&set.attributes))).collect();
        let mut impact = impact(&imported.graph, imported.root(roots.clone()));
        let is_removed = |attribute: &Attribute<'_>| {
            removed.contains(&(attribute.path().to_owned(), attribute.system().unwrap_or_default().to_owned()))
        };
        impact.remove(imported.graph.attributes().filter(is_removed).map(Attribute::ix));
        prop_assert_eq!(impact.removed().count(), removed.len());
        // What is needed at any distance, be it to fetch something.
        let needs = |ats: Vec<usize>| -> BTreeSet<usize> {
            PackageSet::distances(ats, |at| set.derivations[at].inputs.keys().copied()).into_keys().collect()
        };
        let called = |at: usize| set.attributes.iter().filter(move |attribute| attribute.derivation == Ok(at)).map(named);
        let goes = |at: &usize| called(*at).any(|name| removed.contains(&name));
        let stays = |at: &usize| called(*at).any(|name| !removed.contains(&name)) || (!goes(at) && set.needing(*at).next().is_none());
        let needed = needs(set.all().filter(stays).collect());
        let gone: BTreeSet<usize> = needs(set.all().filter(goes).collect()).difference(&needed).copied().collect();
        let expected: BTreeSet<usize> = set.rebuilds(roots).difference(&gone).copied().collect();
        prop_assert_eq!(imported.ats(impact.rebuilds()), expected.clone());
        prop_assert_eq!(impact.by_distance().iter().map(Vec::len).sum::<usize>(), expected.len());
        let built = set.attributes.iter().filter(|attribute| attribute.derivation.is_ok_and(|at| expected.contains(&at)));
        let left = built.filter(|attribute| !removed.contains(&named(attribute))).count();
        let by_system: usize = impact.by_system().values().map(|counts| counts.attributes).sum();
        prop_assert_eq!((impact.rebuild_counts().attributes, impact.attributes().len(), by_system), (left, left, left));
    }

    /// What is called otherwise is rebuilt as before, under a name that is not known.
    #[test]
    fn another_name_is_no_removal((set, roots) in with_roots(40), renamed in vec(any::<Index>(), 0..20)) {
        let imported = Imported::new(&set);
        let all: Vec<AttributeIx> = imported.graph.attributes().map(Attribute::ix).collect();
        let renamed: BTreeSet<AttributeIx> = renamed.iter().map(|at| *at.get(&all)).collect();
        let mut impact = impact(&imported.graph, imported.root(roots.clone()));
        impact.rename(renamed.iter().copied());
        let rebuilt = set.rebuilds(roots);
        prop_assert_eq!(imported.ats(impact.rebuilds()), rebuilt.clone());
        let is_left = |attribute: &Attribute<'_>| {
            !renamed.contains(&attribute.ix()) && attribute.derivation().is_some_and(|built| rebuilt.contains(&imported.at(built.ix())))
        };
        let left: Vec<AttributeIx> = imported.graph.attributes().filter(is_left).map(Attribute::ix).collect();
        prop_assert_eq!(impact.rebuild_counts().attributes, left.len());
        prop_assert_eq!(impact.attributes().into_iter().map(Attribute::ix).collect::<Vec<_>>(), left);
    }

    /// Foretold, what is rebuilt is changed, and nothing else.
    #[test]
    fn a_change_is_foretold((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let change = Change::foretold(&imported.graph, vec![imported.root(roots.clone())]).expect("it has edges");
        let rebuilt = set.rebuilds(roots);
        let is_rebuilt = |attribute: &Attribute<'_>| attribute.derivation().is_some_and(|built| rebuilt.contains(&imported.at(built.ix())));
        let names: BTreeSet<AttributeName> = imported.graph.attributes().filter(is_rebuilt).map(AttributeName::new).collect();
        let names: Vec<AttributeName> = names.into_iter().collect();
        let expected = AttributeChanges { changed: names.clone(), rebuilds: names, added: Vec::new(), removed: Vec::new() };
        prop_assert_eq!(change.attributes, expected);
    }

    #[test]
    fn dependencies_are_the_inverse_of_dependents(set in package_sets(25)) {
        let imported = Imported::new(&set);
        for target in set.all() {
            let root = imported.root([target]);
            let found = Impact::new(&imported.graph, &[root], Direction::Dependencies, None, None).expect("it has edges");
            let expected: BTreeSet<usize> = set.all().filter(|&at| set.rebuilds([at]).contains(&target)).collect();
            prop_assert_eq!(&imported.ats(found.rebuilds()), &expected);
            prop_assert_eq!(&imported.ats(&imported.graph.closure([imported.ix(target)], Direction::Dependencies)), &expected);
        }
    }
}
