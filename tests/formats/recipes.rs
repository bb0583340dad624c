//! The recipe hash tells a package that changed itself from one that only got other inputs.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::support::{base_name, dump, import, object};

/// The recipe hash of `jq` after its entry in the dump was changed as text.
fn recipe_of_jq(change: impl Fn(&str) -> String) -> u128 {
    let (path, entry) = jq();
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("derivations.json");
    let changed: Map<String, Value> =
        serde_json::from_str(&change(&Value::Object(Map::from_iter([(path, entry)])).to_string())).expect("JSON");
    fs::write(&file, Value::Object(changed).to_string()).expect("writes");
    let graph = import(&[file]);
    let recipes: Vec<u128> = graph.derivations().filter_map(waves_core::graph::Derivation::recipe_hash).collect();
    assert_eq!(recipes.len(), 1);
    recipes[0]
}

fn jq() -> (String, Value) {
    object(&dump("derivations.json")).into_iter().find(|(path, _)| path.ends_with("-jq-1.7.1.drv")).expect("jq is there")
}

/// Store paths in the entry of `jq`, by name without hash; of inputs, sources, itself and its outputs.
fn paths() -> BTreeMap<String, String> {
    let all = object(&dump("derivations.json"));
    let (path, entry) = jq();
    let mut paths: BTreeMap<String, String> = BTreeMap::from([("jq.drv".to_owned(), path)]);
    for input in entry["inputDrvs"].as_object().expect("inputs").keys() {
        paths.insert(base_name(input)[33..].to_owned(), input.clone());
        for output in all[input]["outputs"].as_object().expect("outputs").values() {
            let path = output["path"].as_str().expect("a path");
            paths.insert(base_name(path)[33..].to_owned(), path.to_owned());
        }
    }
    paths
}

/// The same path with another hash.
fn other_hash(path: &str) -> String {
    let name = &base_name(path)[33..];
    format!("/nix/store/{}-{name}", "0123456789abcdfghijklmnpqrsvwxyz")
}

#[test]
fn other_inputs_do_not_change_it() {
    let before = recipe_of_jq(str::to_owned);
    let paths = paths();
    assert!(paths.len() > 5, "{paths:?}");
    for (name, path) in &paths {
        let changed = recipe_of_jq(|text| text.replace(path, &other_hash(path)));
        assert_eq!(changed, before, "another {name}");
    }
    let bison = &paths["bison-3.8.2"];
    let newer = "/nix/store/zyxwvsrqpnmlkjihgfdcb9876543210a-bison-4.0";
    assert_eq!(recipe_of_jq(|text| text.replace(bison, newer)), before, "a newer bison");
}

#[test]
fn its_own_changes_change_it() {
    let before = recipe_of_jq(str::to_owned);
    let (path, entry) = jq();
    for (place, value) in [
        ("/env/version", "1.7.2"),
        ("/env/name", "jq-1.8"),
        ("/env/doCheck", "1"),
        ("/args/0", "-x"),
        ("/builder", "/bin/bash"),
        ("/system", "i686-linux"),
    ] {
        let mut changed = entry.clone();
        let (parent, key) = place.rsplit_once('/').expect("a place");
        match changed.pointer_mut(parent).expect("it is there") {
            Value::Array(items) => items[key.parse::<usize>().expect("a number")] = Value::from(value),
            parent => parent[key] = Value::from(value),
        }
        let changed = Value::Object(Map::from_iter([(path.clone(), changed)])).to_string();
        assert_ne!(recipe_of_jq(|_| changed.clone()), before, "{place}");
    }
}

/// What is like the placeholder of an output that only a build tells, where nothing has such an output.
#[test]
fn the_hash_in_an_address_is_its_own() {
    let recipe = |digit: &str| {
        let address = format!("https://example.org/sha256/{}", digit.repeat(52));
        recipe_of_jq(|text| text.replacen("\"args\":[", &format!("\"args\":[\"{address}\","), 1))
    };
    assert_ne!(recipe("0"), recipe("1"));
}

#[test]
fn an_input_more_or_less_changes_it() {
    let before = recipe_of_jq(str::to_owned);
    let (path, entry) = jq();
    for input in entry["inputDrvs"].as_object().expect("inputs").keys() {
        let mut fewer = entry.clone();
        fewer["inputDrvs"].as_object_mut().expect("inputs").remove(input);
        let without = Value::Object(Map::from_iter([(path.clone(), fewer)])).to_string();
        assert_ne!(recipe_of_jq(|_| without.clone()), before, "without {input}");
    }
}

/// Nothing in a recipe hangs on the hash of a derivation's own path.
#[test]
fn two_sets_of_one_expression_have_one_recipe() {
    let graph = import(&[dump("derivations.json"), dump("eval-jobs.jsonl")]);
    let recipe = |attr: &str| graph.find_attribute(attr).find_map(|attribute| attribute.derivation()).expect(attr).recipe_hash();
    assert_eq!(recipe("python3"), recipe("python312"));
    assert_ne!(recipe("python311"), recipe("python312"));
    assert_ne!(recipe("openssl"), recipe("openssl_1_1"));
}
