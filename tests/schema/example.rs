//! The example of docs/algorithms.md.

use std::fs;

use serde_json::{Map, Value, json};

use crate::support::{items, number, report_on, text};

/// By position: name, and the positions of what it needs.
const EXAMPLE: [(&str, &[usize]); 6] =
    [("glibc", &[]), ("bash", &[0]), ("zlib", &[0]), ("curl", &[0, 2]), ("hello-src", &[1, 3]), ("hello", &[0, 1, 4])];

fn store_path(position: usize, suffix: &str) -> String {
    format!("/nix/store/{}-{}{suffix}", position.to_string().repeat(32), EXAMPLE[position].0)
}

fn derivation(position: usize) -> Value {
    let (name, inputs) = EXAMPLE[position];
    let inputs: Map<String, Value> = inputs.iter().map(|&input| (store_path(input, ".drv"), json!(["out"]))).collect();
    let mut output = json!({ "path": store_path(position, "") });
    if name == "hello-src" {
        output["hashAlgo"] = json!("r:sha256");
        output["hash"] = json!("00".repeat(32));
    }
    json!({ "outputs": { "out": output }, "inputSrcs": [], "inputDrvs": inputs, "system": "x86_64-linux",
            "builder": "/bin/sh", "args": [], "env": { "name": name } })
}

/// What a change of each package rebuilds, itself included, by name.
fn rank(graph: &[&str]) -> Vec<(String, u64)> {
    let rank = report_on(graph, "rank", &[]);
    let packages = items(&rank, "/packages").iter();
    packages.map(|package| (text(package, "/package").to_owned(), number(package, "/rebuilds_derivations"))).collect()
}

#[test]
fn the_example_is_as_described() {
    let directory = tempfile::tempdir().expect("a directory");
    let dump = directory.path().join("example.json");
    let derivations: Map<String, Value> = (0..EXAMPLE.len()).map(|position| (store_path(position, ".drv"), derivation(position))).collect();
    fs::write(&dump, Value::Object(derivations).to_string()).expect("the dump is written");
    let graph = ["--graph", dump.to_str().expect("UTF-8")];

    let info = report_on(&graph, "info", &[]);
    assert_eq!((number(&info, "/edges"), number(&info, "/rebuild_edges")), (9, 7));
    let sizes = [("glibc", 5), ("bash", 2), ("zlib", 2), ("curl", 1), ("hello", 1)];
    assert_eq!(rank(&graph), sizes.map(|(name, size)| (name.to_owned(), size)));

    let why = report_on(&graph, "why", &["curl", "hello"]);
    let chain: Vec<&str> = items(&why, "/blocked").iter().map(|step| text(step, "/label")).collect();
    assert_eq!((why["rebuilds"].as_bool(), chain), (Some(false), vec!["curl", "hello-src", "hello"]));

    let plan = report_on(&graph, "plan", &["--root", "glibc", "--max-waves", "2", "--levels"]);
    let levels: Vec<u64> = items(&plan, "/level_sizes").iter().map(|level| number(level, "/derivations")).collect();
    let waves: Vec<u64> = items(&plan, "/waves").iter().map(|wave| number(wave, "/levels")).collect();
    assert_eq!((levels, waves), (vec![1, 2, 2], vec![2, 1]));
}
