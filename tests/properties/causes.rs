//! The biggest cause of a change, and what is left without it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::analysis::{AttributeName, Change, Root};
use waves_core::config::Policy;
use waves_core::policy::{Circumstances, Subject, biggest_cause, judge, judge_without};

use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::Imported;

/// The names of the attributes of some derivations.
fn names(set: &PackageSet, members: &BTreeSet<usize>) -> BTreeSet<AttributeName> {
    let attributes = set.attributes.iter().filter_map(|attribute| Some((attribute, attribute.derivation.ok()?)));
    let named = attributes.filter(|(_, at)| members.contains(at));
    named.map(|(attribute, at)| AttributeName { path: attribute.path.join("."), system: set.derivations[at].system.to_owned() }).collect()
}

/// A package set, and causes: each some of its derivations.
fn with_causes(derivations: usize, causes: usize) -> impl Strategy<Value = (PackageSet, Vec<BTreeSet<usize>>)> {
    let cause = prop::collection::vec(any::<Index>(), 1..3);
    (package_sets(derivations), prop::collection::vec(cause, 1..causes)).prop_map(|(set, causes)| {
        let count = set.derivations.len();
        let causes = causes.into_iter().map(|cause| cause.into_iter().map(|at| at.index(count)).collect()).collect();
        (set, causes)
    })
}

fn assert_biggest(set: &PackageSet, causes: &[BTreeSet<usize>]) -> Result<(), TestCaseError> {
    let imported = Imported::new(set);
    let roots: Vec<Root> = causes.iter().map(|cause| imported.root(cause.iter().copied())).collect();
    let change = Change::foretold(&imported.graph, roots).expect("it has edges or definitions");
    let subject = Subject::of_change(&change);
    let found = biggest_cause(subject, &change.causes).expect("there is a cause");

    // The obvious way: each cause by itself, then all others.
    let size = |cause: &BTreeSet<usize>| {
        let rebuilt = set.rebuilds(cause.iter().copied());
        (set.attributes_of(&rebuilt), rebuilt.len())
    };
    let largest = causes.iter().map(size).max().expect("there is a cause");
    let first = causes.iter().position(|cause| size(cause) == largest).expect("it is one of them");
    prop_assert_eq!(found.cause, first);
    let all = set.rebuilds(causes.iter().flatten().copied());
    let others = causes.iter().enumerate().filter(|(at, _)| *at != first).flat_map(|(_, cause)| cause.iter().copied());
    let left = set.rebuilds(others);
    let alone: BTreeSet<usize> = all.difference(&left).copied().collect();
    prop_assert_eq!(imported.ats(&found.alone_derivations), alone.clone());
    prop_assert_eq!(found.alone.iter().cloned().collect::<BTreeSet<_>>(), names(set, &alone));
    let own = set.rebuilds(causes[first].iter().copied());
    prop_assert_eq!(found.rebuilds.iter().cloned().collect::<BTreeSet<_>>(), names(set, &own));

    // What is judged without it is what is foretold without it.
    let (policy, circumstances) = (Policy::default(), Circumstances::default());
    let without = judge_without(subject, &found, &policy, &circumstances);
    let others: Vec<Root> =
        causes.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, cause)| imported.root(cause.iter().copied())).collect();
    let foretold = Change::foretold(&imported.graph, others).expect("it has edges or definitions");
    prop_assert_eq!(without, judge(Subject::of_change(&foretold), &policy, &circumstances));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_biggest_is_found_by_trying_each((set, causes) in with_causes(40, 6)) {
        assert_biggest(&set, &causes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// More causes than are told apart by a bit each: those of one derivation have the closures that they are chosen by.
    #[test]
    fn many_causes_share_a_bit(set in package_sets(120), seeds in prop::collection::vec(any::<Index>(), 64..100)) {
        let causes: Vec<BTreeSet<usize>> = seeds.into_iter().map(|at| BTreeSet::from([at.index(set.derivations.len())])).collect();
        assert_biggest(&set, &causes)?;
    }
}
