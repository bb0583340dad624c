//! `waves info` and `waves import`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{GRAPH, assert_valid, items, length, number, read, read_json, report, run, schema, text};

/// `totals.json` is what `jq` counted.
#[test]
fn totals_are_those_of_jq() {
    let (info, totals) = (report("info", &[]), read_json("data/dumps/totals.json"));
    for (key, pointer) in [
        ("/derivations", "/evaluation/derivations"),
        ("/output_paths", "/evaluation/outputs"),
        ("/fixed_output", "/fixed_output_derivations"),
        ("/edges", "/edges"),
        ("/errors", "/evaluation_errors"),
        ("/attribute_derivations", "/attribute_derivations"),
    ] {
        assert_eq!(number(&totals, key), number(&info, pointer), "{key}");
    }
    assert_eq!(number(&totals, "/attributes") + number(&totals, "/errors"), number(&info, "/evaluation/attributes"));
}

/// Attributes and derivations of each system, as the dumps have them.
#[test]
fn systems_are_those_of_the_dumps() {
    let mut expected: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    for line in read("data/dumps/eval-jobs.jsonl").lines() {
        let job: Value = serde_json::from_str(line).expect("a line of nix-eval-jobs");
        // What does not evaluate has none.
        expected.entry(job["system"].as_str().unwrap_or_default().to_owned()).or_default()[0] += 1;
    }
    for derivation in read_json("data/dumps/derivations.json").as_object().expect("derivations").values() {
        expected.entry(text(derivation, "/system").to_owned()).or_default()[1] += 1;
    }
    assert!(expected.len() > 2, "{expected:?}");
    let info = report("info", &[]);
    let told = info["evaluation"]["by_system"].as_object().expect("systems").iter();
    let told: BTreeMap<String, [u64; 2]> =
        told.map(|(system, of)| (system.clone(), [number(of, "/attributes"), number(of, "/derivations")])).collect();
    assert_eq!(told, expected);
    for (at, total) in ["/evaluation/attributes", "/evaluation/derivations"].into_iter().enumerate() {
        assert_eq!(told.values().map(|of| of[at]).sum::<u64>(), number(&info, total));
    }
}

#[test]
fn findings_are_listed_if_they_are_asked_for() {
    let (short, long) = (report("info", &[]), report("info", &["--verbose"]));
    for (short, long) in items(&short, "/findings").iter().zip(items(&long, "/findings")) {
        assert_eq!((length(short, "/listed"), length(long, "/listed")), (0, number(long, "/count")));
    }
    let errors = items(&long, "/findings").iter().find(|finding| text(finding, "/kind") == "evaluation-error");
    assert_eq!(errors.map(|errors| number(errors, "/count")), Some(number(&long, "/evaluation_errors")));
}

/// A snapshot answers as the dumps that it was made from do.
#[test]
fn a_snapshot_is_its_dumps() {
    let directory = tempfile::tempdir().expect("a directory");
    let snapshot = directory.path().join("graph.waves");
    let snapshot = snapshot.to_str().expect("UTF-8");
    let json = |arguments: &[&str]| -> Value {
        let output = run(&[arguments, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    };
    let imported = json(&["import", GRAPH[1], GRAPH[3], "--output", snapshot]);
    assert_valid(&schema("info"), &imported);
    assert_eq!(json(&["info", "--graph", snapshot]), imported);
    assert_eq!(report("info", &[]), imported);
    assert_eq!(json(&["plan", "--root", "openssl", "--graph", snapshot]), report("plan", &["--root", "openssl"]));
}
