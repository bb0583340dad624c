//! What a store of Nix says of the derivations in it, against what is read from its files.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use waves_core::graph::{DerivationIx, Direction, Graph};
use waves_core::ingest::Input;

use crate::naive::base_name;
use crate::nix::Nix;
use crate::support::repository;

fn data_dump() -> Graph {
    Graph::import(&[Input::Path(repository().join("data/dumps/derivations.json"))], &()).expect("imports")
}

#[test]
fn a_store_is_what_its_dump_says() {
    let Some(nix) = Nix::new() else { return };
    let attributes = nix.evaluate_data();
    let roots: BTreeSet<PathBuf> = attributes.values().map(|attribute| nix.store().join(base_name(&attribute.drv_path))).collect();
    let expected = data_dump().digest();
    let closure = Graph::import(&[Input::Closure(roots.into_iter().collect())], &()).expect("imports");
    assert_eq!(closure.digest(), expected, "the closure of all attributes");
    let store = Graph::import(&[Input::Path(nix.store())], &()).expect("imports");
    assert_eq!(store.digest(), expected, "the whole directory");
}

/// Everything that needs `root`, through fixed outputs too, by the inputs of each derivation.
fn needing(graph: &Graph, root: DerivationIx) -> BTreeSet<DerivationIx> {
    let mut found = BTreeSet::from([root]);
    // Inputs come first, so one pass is enough.
    for derivation in graph.derivations() {
        if derivation.inputs().any(|(input, _)| found.contains(&input)) {
            found.insert(derivation.ix());
        }
    }
    found
}

/// Nix's referrers go through fixed outputs. Rebuilds are what is left without the ways through those.
#[test]
fn referrers_are_rebuilds_and_what_is_behind_fixed_outputs() {
    let Some(nix) = Nix::new() else { return };
    nix.evaluate_data();
    let graph = data_dump();
    let by_path: HashMap<String, DerivationIx> = graph.derivations().map(|derivation| (derivation.path(), derivation.ix())).collect();
    for derivation in graph.derivations() {
        let referrers: BTreeSet<DerivationIx> = nix.referrers_closure(&derivation.path()).iter().map(|path| by_path[path]).collect();
        assert_eq!(referrers, needing(&graph, derivation.ix()), "{derivation:?}");
        // Of these, what Nix's own edges reach without stepping into a fixed output.
        let mut rebuilt = BTreeSet::from([derivation.ix()]);
        for &user in &referrers {
            let user = graph.derivation(user);
            if !user.is_fixed_output() && user.inputs().any(|(input, _)| rebuilt.contains(&input)) {
                rebuilt.insert(user.ix());
            }
        }
        let closure: BTreeSet<DerivationIx> = graph.closure([derivation.ix()], Direction::Dependents).iter().collect();
        assert_eq!(closure, rebuilt, "{derivation:?}");
        let behind = referrers.difference(&closure).map(|&ix| graph.derivation(ix));
        for beyond in behind {
            let leads_there = |(input, _)| referrers.contains(&input) && !closure.contains(&input);
            assert!(beyond.is_fixed_output() || beyond.inputs().any(leads_there), "{beyond:?} is rebuilt by {derivation:?}");
        }
    }
}
