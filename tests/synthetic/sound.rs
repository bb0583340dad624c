//! What holds of every generated set.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use serde_json::Value;
use waves_core::analysis::{Diff, Scope, select};
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::graph::Graph;
use waves_core::ingest::Input;
use waves_core::major::{self, Updates};
use waves_core::plan::{PlanOptions, plan, verify};
use waves_synthetic::Synthetic;

const SIZE: usize = 2_000;

/// The dumps of a set.
fn dumps(set: &Synthetic) -> [Vec<u8>; 2] {
    let (mut derivations, mut names) = (Vec::new(), Vec::new());
    set.write_derivations(&mut derivations).expect("writes");
    set.write_eval_jobs(&mut names).expect("writes");
    [derivations, names]
}

/// What the importer makes of them.
pub(crate) fn import(set: &Synthetic, directory: &Path) -> Graph {
    let paths = ["derivations.json", "eval-jobs.jsonl"].map(|name| directory.join(name));
    set.write_derivations(std::io::BufWriter::new(File::create(&paths[0]).expect("a file"))).expect("writes");
    set.write_eval_jobs(std::io::BufWriter::new(File::create(&paths[1]).expect("a file"))).expect("writes");
    let graph = Graph::import(&paths.map(Input::Path), &()).expect("imports");
    assert!(graph.findings().is_empty(), "{:?}", graph.findings());
    graph
}

#[test]
fn the_same_seed_is_the_same_bytes() {
    let first = dumps(&Synthetic::new(SIZE, 7));
    assert_eq!(first, dumps(&Synthetic::new(SIZE, 7)));
    assert_ne!(first, dumps(&Synthetic::new(SIZE, 8)));
    // On every machine: another value here is another set for everyone.
    let sums = first.map(|dump| dump.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))));
    assert_eq!(sums, EXPECTED);
}

const EXPECTED: [u64; 2] = [8_518_876_981_023_076_338, 16_643_598_495_579_193_097];

#[test]
fn it_is_json_without_cycle_in_which_paths_are_their_own() {
    for seed in 0..5 {
        let [derivations, names] = dumps(&Synthetic::new(SIZE, seed));
        let dump: HashMap<String, Value> = serde_json::from_slice(&derivations).expect("json");
        assert_eq!(dump.len(), SIZE);
        let inputs = |path: &str| dump[path]["inputDrvs"].as_object().expect("inputs").keys().cloned().collect::<Vec<_>>();
        // Kahn's algorithm: what needs nothing that is left goes.
        let mut left: HashSet<&String> = dump.keys().collect();
        loop {
            let free: Vec<&String> = left.iter().copied().filter(|path| inputs(path).iter().all(|input| !left.contains(input))).collect();
            if free.is_empty() {
                break;
            }
            for path in &free {
                assert!(left.remove(path));
            }
        }
        assert!(left.is_empty(), "{} derivations need each other", left.len());
        let outputs: Vec<&str> = dump
            .values()
            .flat_map(|entry| entry["outputs"].as_object().expect("outputs").values())
            .filter_map(|output| output["path"].as_str())
            .collect();
        assert_eq!(outputs.iter().collect::<HashSet<_>>().len(), outputs.len());
        let attributes: Vec<Value> = names
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("json"))
            .collect();
        let paths: HashSet<&str> = attributes.iter().filter_map(|line| line["attr"].as_str()).collect();
        assert_eq!(paths.len(), attributes.len());
        assert!(attributes.iter().all(|line| dump.contains_key(line["drvPath"].as_str().expect("a path"))));
    }
}

#[test]
fn a_set_imports_and_its_plans_are_right() {
    let directory = tempfile::tempdir().expect("a directory");
    let set = Synthetic::new(SIZE, 3);
    let graph = import(&set, directory.path());
    assert_eq!((graph.derivation_count(), graph.edge_count()), (set.derivations(), set.edges()));

    let hub = graph.derivations().max_by_key(|derivation| derivation.rebuilt_derivations()).expect("a hub");
    let roots = select(&graph, &[hub.path()], Scope::Package, None).expect("a root");
    let planned = plan(&graph, roots, &PlanOptions::default()).expect("a plan");
    assert!(planned.impact.rebuild_counts().derivations > SIZE / 3);
    assert_eq!(verify(&graph, &planned), []);

    let (updates, durations) = (directory.path().join("updates.csv"), directory.path().join("durations.csv"));
    set.write_updates(20, File::create(&updates).expect("a file")).expect("writes");
    set.write_durations(File::create(&durations).expect("a file")).expect("writes");
    let durations = Durations::read(&[durations]).expect("build times");
    let costs = Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() }).expect("build times of it");
    let updates = Updates::read(&updates).expect("updates");
    assert!((15..=20).contains(&updates.updates.len()));
    let wave = major::plan(&graph, &updates, Some(&costs), &major::Options::default()).expect("a plan");
    assert!(!wave.waves.is_empty());
}

#[test]
fn a_revision_changes_about_the_share_that_was_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut set = Synthetic::new(20_000, 5);
    let before = import(&set, directory.path());
    set.revise(0.01);
    let after = import(&set, directory.path());
    let diff = Diff::new(&before, &after, false);
    let normal = before.derivations().filter(|derivation| !derivation.is_fixed_output()).count();
    let rebuilt = after
        .derivations()
        .filter(|derivation| !derivation.is_fixed_output() && !before.derivations().any(|old| old.hash() == derivation.hash()))
        .count();
    assert!((normal / 200..=normal / 100).contains(&rebuilt), "{rebuilt} of {normal}");
    assert!(!diff.roots().is_empty());
}
