//! Attributes of several systems: which description is of which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use waves_core::analysis::{Scope, select};
use waves_core::graph::{Attribute, Graph};
use waves_core::ingest::FindingKind::{ContradictoryAttribute, EvaluationError};

use crate::support::{dump, findings, import, lines, object, read, text};

/// A dump of one evaluation: its name and what is in it.
type File<'f> = (&'f str, &'f str);

fn store_path(hash: char, name: &str) -> String {
    format!("/nix/store/{}-{name}", hash.to_string().repeat(32))
}

fn outputs(hash: char) -> Value {
    json!({ "out": store_path(hash, "a") })
}

/// A line of `nix-eval-jobs`.
fn job(attr: &str, system: &str, hash: char) -> String {
    json!({ "attr": attr, "system": system, "drvPath": store_path(hash, "a.drv"), "outputs": outputs(hash) }).to_string()
}

/// What `nix-env -qaP --json --out-path` says of one attribute.
fn nix_env(attr: &str, system: &str, hash: char) -> String {
    json!({ attr: { "name": "a", "system": system, "outputs": outputs(hash) } }).to_string()
}

/// Path and system of each attribute.
fn names(graph: &Graph) -> Vec<(&str, &str)> {
    graph.attributes().map(|attribute| (attribute.path(), attribute.system().unwrap_or_default())).collect()
}

/// The files beginning with each of them.
fn turns<'f>(files: &[File<'f>]) -> Vec<Vec<File<'f>>> {
    (0..files.len()).map(|first| [&files[first..], &files[..first]].concat()).collect()
}

/// A dump of the data, its keys for another system besides.
fn with_system(entries: &Map<String, Value>, system: &str) -> String {
    let other = entries.iter().map(|(key, value)| (key.replace("x86_64-linux", system), value.clone()));
    let all: BTreeMap<String, Value> = other.chain(entries.clone()).collect();
    json!(all).to_string()
}

#[test]
fn meta_of_another_system_is_of_another_attribute() {
    let jobs = job("hello", "x86_64-linux", 'a');
    let meta = json!({ "hello.aarch64-linux": { "broken": true }, "hello.x86_64-linux": { "broken": false, "description": "x" } });
    for files in turns(&[("jobs.jsonl", &jobs), ("meta.json", &meta.to_string())]) {
        let graph = read(&files);
        let of = |attribute: Attribute<'_>| (attribute.is_broken(), attribute.description().is_some(), attribute.derivation().is_some());
        assert_eq!(names(&graph), [("hello", "aarch64-linux"), ("hello", "x86_64-linux")]);
        assert_eq!(graph.attributes().map(of).collect::<Vec<_>>(), [(true, false, false), (false, true, true)]);
        assert!(graph.findings().is_empty());
    }
}

/// One line says what a derivation needs, another on which system it is built.
#[test]
fn what_lines_say_of_one_derivation_is_joined() {
    let needs = json!({ "attr": "a", "drvPath": store_path('a', "a.drv"), "inputDrvs": { store_path('b', "b.drv"): ["out"] } }).to_string();
    for files in turns(&[("inputs.jsonl", &needs), ("systems.jsonl", &job("a", "x86_64-linux", 'a'))]) {
        let graph = read(&files);
        let defined = graph.derivations().filter(|derivation| derivation.is_defined());
        let said: Vec<_> = defined.map(|derivation| (derivation.name(), derivation.system(), derivation.inputs().len())).collect();
        assert_eq!(said, [("a", "x86_64-linux", 1)]);
    }
}

/// Of all attributes of the data.
#[test]
fn attributes_stay_of_their_system() {
    let directory = TempDir::new().expect("a directory");
    let (derivations, jobs_dump, path) = (dump("derivations.json"), dump("eval-jobs.jsonl"), directory.path().join("meta.json"));
    let meta = object(&dump("ci/x86_64-linux/meta.json"));
    fs::write(&path, with_system(&meta, "aarch64-darwin")).expect("written");
    let jobs = lines(&jobs_dump);
    let systems: BTreeMap<&str, &str> = jobs.iter().filter_map(|job| Some((text(job, "attr"), job["system"].as_str()?))).collect();
    let graph = import(&[derivations.clone(), jobs_dump.clone(), path.clone()]);
    let built = graph.attributes().filter(|attribute| attribute.derivation().is_some());
    assert_eq!(built.filter_map(|attribute| Some((attribute.path(), attribute.system()?))).collect::<BTreeMap<_, _>>(), systems);
    let on_darwin = graph.attributes().filter(|attribute| attribute.system() == Some("aarch64-darwin")).count();
    assert_eq!((on_darwin, graph.attribute_count()), (meta.len(), jobs.len() + meta.len()));
    assert_eq!(import(&[path, jobs_dump, derivations]).digest(), graph.digest());
}

/// `nix-eval-jobs` does not say for which system an attribute fails.
#[test]
fn what_fails_is_not_what_evaluates() {
    let jobs = job("curl", "x86_64-linux", 'a');
    let failure = r#"{"attr":"curl","attrPath":["curl"],"error":"error: not available on aarch64-linux"}"#;
    let meta = json!({ "curl.aarch64-linux": { "available": false }, "curl.x86_64-linux": { "available": true } }).to_string();
    let in_one = [failure, &jobs].join("\n");
    let of_files = |files: &[File<'_>], system: &str| {
        let graph = read(files);
        assert_eq!(names(&graph), [("curl", system), ("curl", "x86_64-linux")], "{files:?}");
        let of = |attribute: Attribute<'_>| (attribute.error().is_some(), attribute.derivation().is_some());
        assert_eq!(graph.attributes().map(of).collect::<Vec<_>>(), [(true, false), (false, true)], "{files:?}");
        assert_eq!(findings(&graph), [(EvaluationError, 1)], "{files:?}");
    };
    of_files(&[("all.jsonl", in_one.as_str())], "");
    for files in turns(&[("x86.jsonl", &jobs), ("aarch.jsonl", failure)]) {
        of_files(&files, "");
    }
    // What `meta` is known of for another system is what fails.
    for files in turns(&[("x86.jsonl", &jobs), ("aarch.jsonl", failure), ("meta.json", &meta)]) {
        of_files(&files, "aarch64-linux");
    }
}

#[test]
fn what_fails_and_evaluates_for_one_system_is_a_contradiction() {
    let jobs = job("curl", "x86_64-linux", 'a');
    for files in turns(&[("jobs.jsonl", &jobs), ("failed.jsonl", r#"{"attr":"curl.x86_64-linux","error":"error: unfree"}"#)]) {
        let graph = read(&files);
        assert_eq!(names(&graph), [("curl", "x86_64-linux")]);
        assert!(graph.attributes().all(|attribute| attribute.error().is_none() && attribute.derivation().is_some()));
        assert_eq!(findings(&graph), [(ContradictoryAttribute, 1)]);
    }
}

/// Output paths of a later evaluation than the derivations: an attribute is one, with what was said of it first.
#[test]
fn other_outputs_for_one_system_are_a_contradiction() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("outpaths.json");
    let outputs_of = |name: &str| -> BTreeMap<String, Value> {
        let jobs = lines(&dump(name)).into_iter().filter(|job| job["outputs"].is_object());
        jobs.map(|job| (text(&job, "attr").replace('"', ""), job["outputs"].clone())).collect()
    };
    let (before, after) = (outputs_of("eval-jobs.jsonl"), outputs_of("update/eval-jobs.jsonl"));
    let entries: Map<String, Value> = after.iter().map(|(attr, outputs)| (format!("{attr}.x86_64-linux"), outputs.clone())).collect();
    fs::write(&path, Value::Object(entries).to_string()).expect("written");
    let changed: BTreeSet<&str> = after
        .iter()
        .filter(|(attr, outputs)| before.get(*attr).is_some_and(|known| known != *outputs))
        .map(|(attr, _)| attr.as_str())
        .collect();
    assert!(changed.len() > 40);
    let all: BTreeSet<String> = lines(&dump("eval-jobs.jsonl")).iter().map(|job| text(job, "attr").replace('"', "")).collect();
    let known = all.len() + after.keys().filter(|attr| !all.contains(*attr)).count();
    let dumps = [dump("derivations.json"), dump("eval-jobs.jsonl"), path];
    for order in [[0, 1, 2], [2, 1, 0]] {
        let graph = import(&order.map(|at: usize| dumps[at].clone()));
        let contradictory = graph.findings().iter().filter(|(kind, _)| *kind == ContradictoryAttribute);
        let listed: BTreeSet<String> = contradictory.flat_map(|(_, list)| &list.listed).map(|attr| attr.replace('"', "")).collect();
        assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), changed);
        let distinct: BTreeSet<(String, &str)> = names(&graph).into_iter().map(|(attr, system)| (attr.replace('"', ""), system)).collect();
        assert_eq!((graph.attribute_count(), distinct.len()), (known, known));
    }
}

#[test]
fn nix_env_says_systems_as_json() {
    let entries = object(&dump("nix-env.json"));
    let expected: BTreeMap<&str, &str> = entries.iter().map(|(attr, entry)| (attr.as_str(), text(entry, "system"))).collect();
    for dumps in [vec!["nix-env.json"], vec!["derivations.json", "nix-env.json"], vec!["nix-env.txt", "nix-env.json"]] {
        let graph = import(&dumps.iter().map(|name| dump(name)).collect::<Vec<_>>());
        assert_eq!(names(&graph).into_iter().collect::<BTreeMap<_, _>>(), expected, "{dumps:?}");
        assert_eq!(graph.attribute_count(), expected.len(), "{dumps:?}");
    }
}

/// Also where both build the same, as what fetches a source does.
#[test]
fn attributes_of_two_systems_are_two() {
    for other in ['a', 'b'] {
        let (first, second) = (nix_env("hello", "x86_64-linux", 'a'), nix_env("hello", "aarch64-linux", other));
        let outpaths = json!({ "hello.aarch64-linux": outputs(other), "hello.x86_64-linux": outputs('a') }).to_string();
        let files: [File<'_>; 3] = [("x86.json", &first), ("aarch.json", &second), ("outpaths.json", &outpaths)];
        for files in turns(&files[..2]).into_iter().chain(turns(&files)) {
            let graph = read(&files);
            assert_eq!(names(&graph), [("hello", "aarch64-linux"), ("hello", "x86_64-linux")], "{files:?}");
            assert_eq!(graph.findings().count(ContradictoryAttribute), 0, "{files:?}");
        }
    }
}

/// Jobs of Hydra have their system behind them, whatever lists them.
#[test]
fn a_job_is_one_attribute_in_every_format() {
    let path = json!({ "attrPath": ["hello", "x86_64-linux"], "drvPath": store_path('a', "a.drv"), "outputs": outputs('a') }).to_string();
    let (jobs, bare) = (job("hello.x86_64-linux", "x86_64-linux", 'a'), job("hello", "x86_64-linux", 'a'));
    let table = format!("hello.x86_64-linux  a  {}\n", store_path('a', "a"));
    let files = [
        ("path.jsonl", path),
        ("jobs.jsonl", jobs),
        ("bare.jsonl", bare),
        ("nix-env.json", nix_env("hello.x86_64-linux", "x86_64-linux", 'a')),
        ("nix-env.txt", table),
        ("outpaths.json", json!({ "hello.x86_64-linux": outputs('a') }).to_string()),
    ];
    let files: Vec<File<'_>> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    for files in files.iter().map(|file| vec![*file]).chain(turns(&files)) {
        let graph = read(&files);
        assert_eq!((names(&graph), findings(&graph)), (vec![("hello", "x86_64-linux")], vec![]), "{files:?}");
        let named = |selector: &str, system| select(&graph, &[selector.to_owned()], Scope::Package, system).is_ok();
        assert!(["hello", "hello.x86_64-linux", "h*.x86_64-linux"].iter().all(|selector| named(selector, None)), "{files:?}");
        assert!(!named("hello.aarch64-linux", None) && !named("hello.x86_64-linux", Some("aarch64-linux")), "{files:?}");
    }
}

/// wine is evaluated for one system and built by another, which is what its derivation says.
#[test]
fn who_builds_an_attribute_makes_no_other_of_it() {
    let (jobs, entry) = (job("wine", "i686-linux", 'a'), nix_env("wine", "i686-linux", 'a'));
    let outpaths = json!({ "wine.x86_64-linux": outputs('a') }).to_string();
    let meta = json!({ "wine.x86_64-linux": { "description": "x" } }).to_string();
    for files in turns(&[("jobs.jsonl", &jobs), ("meta.json", &meta), ("nix-env.json", &entry), ("outpaths.json", &outpaths)]) {
        let graph = read(&files);
        assert_eq!((names(&graph), findings(&graph)), (vec![("wine", "x86_64-linux")], vec![]), "{files:?}");
        assert!(graph.attributes().all(|attribute| attribute.description().is_some() && attribute.derivation().is_some()), "{files:?}");
    }
}
