//! What waves are called, and which of their packages are said to be the heaviest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use waves_core::graph::PackageIx;
use waves_core::plan::{PlanOptions, plan};

use crate::model::{Attribute, Derivation, PackageSet};
use crate::strategy::with_roots;
use crate::support::Imported;

/// Names of derivations, and the stages that they are of, in the order in which these are built.
const STAGES: [(&str, Option<&str>); 6] = [
    ("bootstrap-stage1-gcc-wrapper", Some("stage1")),
    ("bootstrap-stage-xgcc-gmp", Some("stage-xgcc")),
    ("bootstrap-stage4-coreutils", Some("stage4")),
    ("stdenv-linux", Some("stdenv")),
    ("bootstrap-tools", None),
    ("stdenvNoCC", None),
];

/// The stages of what has such a name, in the order in which they are built.
fn stages(set: &PackageSet, members: &BTreeSet<usize>) -> Vec<&'static str> {
    let of = |&at: &usize| STAGES.iter().find(|(pname, _)| *pname == set.derivations[at].pname).and_then(|&(_, stage)| stage);
    let mut stages: Vec<&str> = members.iter().filter_map(of).collect();
    stages.sort_by_key(|stage| STAGES.iter().position(|(_, known)| *known == Some(*stage)));
    stages
}

/// The set that more than half of the attributes are in; none at the top level.
fn common_set(set: &PackageSet, members: &BTreeSet<usize>) -> Option<String> {
    let attributes = set.attributes.iter().filter(|attribute| attribute.derivation.is_ok_and(|at| members.contains(&at)));
    let mut sets: BTreeMap<String, usize> = BTreeMap::new();
    for attribute in attributes {
        let name = attribute.path.last().map_or(0, String::len);
        let quotes = if attribute.path.last().is_some_and(|last| last.contains('.')) { 2 } else { 0 };
        let dotted = attribute.dotted();
        *sets.entry(dotted[..dotted.len() - name - quotes].trim_end_matches('.').to_owned()).or_default() += 1;
    }
    let all: usize = sets.values().sum();
    sets.into_iter().find(|&(_, count)| count > all - count).map(|(name, _)| name).filter(|name| !name.is_empty())
}

/// The five packages that rebuild most, those with an attribute before the others.
fn heaviest(set: &PackageSet, imported: &Imported, members: &BTreeSet<usize>) -> Vec<PackageIx> {
    let mut packages: Vec<_> = set
        .packages()
        .into_iter()
        .filter(|package| !package.is_disjoint(members))
        .map(|package| {
            let ix = package.first().map(|&at| imported.graph.derivation(imported.ix(at)).package().ix()).expect("it has a derivation");
            (set.attributes_of(&package) == 0, Reverse(set.rebuilds(package).len()), ix)
        })
        .collect();
    packages.sort_unstable();
    packages.into_iter().map(|(.., ix)| ix).take(5).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn waves_are_called_what_most_of_them_is(
        (set, roots) in with_roots(60),
        renamed in vec((any::<Index>(), select(&STAGES)), 0..3),
        max_waves in 1_usize..4,
    ) {
        let mut set = set;
        for (at, (pname, _)) in renamed {
            let at = at.index(set.derivations.len());
            // Twins have one name.
            if set.derivations[at].twin.is_none() && set.derivations.iter().all(|other| other.twin != Some(at)) {
                set.derivations[at].pname = pname;
            }
        }
        let imported = Imported::new(&set);
        let options = PlanOptions { max_waves, ..PlanOptions::default() };
        let plan = plan(&imported.graph, vec![imported.root(roots)], &options).expect("it has edges");
        for wave in &plan.waves {
            let members: BTreeSet<usize> = plan.levels[wave.levels.clone()].iter().flatten().map(|&ix| imported.at(ix)).collect();
            let heaviest = heaviest(&set, &imported, &members);
            prop_assert_eq!(&wave.heaviest, &heaviest);
            let labels: Vec<&str> = heaviest.iter().take(3).map(|&ix| imported.graph.package(ix).face().label()).collect();
            let expected = match stages(&set, &members)[..] {
                [first, .., last] if first != last && 20 * stages(&set, &members).len() >= members.len() => format!("bootstrap: {first} to {last}"),
                [first, ..] if 20 * stages(&set, &members).len() >= members.len() => format!("bootstrap: {first}"),
                _ => common_set(&set, &members).unwrap_or_else(|| labels.join(", ")),
            };
            prop_assert_eq!(&wave.name, &expected);
        }
    }
}

/// A derivation and its users; the first of these are of a stage.
fn fan(users: usize, stages: usize) -> PackageSet {
    let derivation = |at: usize| Derivation {
        pname: if at > 0 && at <= stages { "bootstrap-stage1-bash" } else { "bash" },
        version: "1.0",
        system: "x86_64-linux",
        outputs: vec!["out"],
        inputs: if at == 0 { BTreeMap::new() } else { BTreeMap::from([(0, vec!["out"])]) },
        src: None,
        files: BTreeSet::new(),
        is_fixed: false,
        features: BTreeSet::new(),
        twin: None,
    };
    let attribute = Attribute { path: vec!["bash".to_owned()], derivation: Ok(0), position: None };
    PackageSet { derivations: (0..=users).map(derivation).collect(), attributes: vec![attribute], salt: 7 }
}

#[test]
fn every_twentieth_makes_a_bootstrap() {
    for (members, stages) in (18..43).flat_map(|members| (0..4).map(move |stages| (members, stages))) {
        let imported = Imported::new(&fan(members - 1, stages));
        let options = PlanOptions { max_waves: 1, ..PlanOptions::default() };
        let plan = plan(&imported.graph, vec![imported.root([0])], &options).expect("it has edges");
        let is_bootstrap = plan.waves[0].name == "bootstrap: stage1";
        assert_eq!(is_bootstrap, stages > 0 && members <= stages * 20, "{stages} of {members}");
    }
}
