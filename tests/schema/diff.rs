//! `waves diff`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{items, length, number, read, read_json, report_on, run, sum, text, texts};

const BEFORE: &str = "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl";
const AFTER: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";

/// Attributes with their outputs, as the lines of nix-eval-jobs have them.
fn outputs(file: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let entry = |line: &str| {
        let job: Value = serde_json::from_str(line).expect("a line of nix-eval-jobs");
        let path: Vec<String> = serde_json::from_value(job["attrPath"].clone()).expect("a path");
        let outputs = serde_json::from_value(job.get("outputs")?.clone()).ok()?;
        Some((format!("{}.{}", path.join("."), job["system"].as_str()?), outputs))
    };
    read(file).lines().filter_map(entry).collect()
}

#[test]
fn attributes_differ_as_nixpkgs_tells_it() {
    let diff = report_on(&[], "diff", &[BEFORE, AFTER]);
    let (old, new) = (outputs("data/dumps/eval-jobs.jsonl"), outputs("data/dumps/update/eval-jobs.jsonl"));
    let known: BTreeSet<&String> = old.values().flat_map(BTreeMap::values).collect();
    let names = |of: &BTreeMap<String, BTreeMap<String, String>>, keep: &dyn Fn(&String) -> bool| {
        of.keys().filter(|name| keep(name)).cloned().collect::<BTreeSet<String>>()
    };
    let texts = |diff: &Value, list: &str| texts(diff, list).into_iter().map(str::to_owned).collect::<BTreeSet<String>>();
    assert_eq!(texts(&diff, "/added"), names(&new, &|name| !old.contains_key(name)));
    assert_eq!(texts(&diff, "/removed"), names(&old, &|name| !new.contains_key(name)));
    assert_eq!(texts(&diff, "/changed"), names(&new, &|name| old.get(name).is_some_and(|outputs| *outputs != new[name])));
    assert_eq!(texts(&diff, "/rebuilds"), names(&new, &|name| new[name].values().any(|path| !known.contains(path))));
    assert_eq!((length(&diff, "/aliases"), text(&diff, "/aliases/0/of"), length(&diff, "/renames")), (1, "fd.x86_64-linux", 0));
}

/// What `nix-env` lists, in two of its formats: only one of them tells systems.
#[test]
fn what_tells_no_systems_is_compared_by_path() {
    for [before, after] in [["nix-env.txt", "nix-env.json"], ["nix-env.json", "nix-env.txt"]] {
        let diff = report_on(&[], "diff", &[&format!("data/dumps/{before}"), &format!("data/dumps/{after}")]);
        let changes = ["/added", "/removed", "/changed", "/rebuilds"].map(|list| length(&diff, list));
        assert_eq!(changes, [0; 4], "{diff}");
        assert!(items(&diff, "/doubts").iter().all(|doubt| doubt["kind"] != "systems"), "{diff}");
    }
}

/// Where no system is told, what stands behind the last dot of a name is none.
#[test]
fn names_without_systems_are_of_none() {
    let before = "data/dumps/nix-env.txt";
    let list = read(before);
    // Every output path is another.
    let moved = |(at, part): (usize, &str)| if at == 0 { part.to_owned() } else { format!("yy{}", &part[2..]) };
    let moved: Vec<String> = list.split_inclusive("/nix/store/").enumerate().map(moved).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let after = directory.path().join("after.txt");
    std::fs::write(&after, moved.concat()).expect("written");
    let arguments = [before, after.to_str().expect("UTF-8")];
    let diff = report_on(&[], "diff", &arguments);
    let names = list.lines().count() as u64;
    assert_eq!((length(&diff, "/rebuilds"), &diff["systems"]), (names, &serde_json::json!({ "": names })));
    let shown = String::from_utf8(run(&[&["diff"][..], &arguments].concat()).stdout).expect("UTF-8");
    let of_systems: Vec<&str> = shown.lines().filter(|line| line.starts_with("  ") && !line.contains("derivations")).collect();
    assert_eq!(of_systems, [""; 0], "{shown}");
}

/// The set of `nodePackages."socket.io"` is `nodePackages`: a part of a name that has a dot in it is no set.
#[test]
fn sets_are_those_of_quoted_names() {
    let jobs = read("data/dumps/eval-jobs.jsonl");
    let (quoted, others): (Vec<&str>, Vec<&str>) = jobs.lines().partition(|line| line.contains("socket.io"));
    let curl = others.iter().find(|line| line.starts_with("{\"attr\":\"curl\"")).expect("curl is there");
    let curl = curl.replacen(
        "\"attr\":\"curl\",\"attrPath\":[\"curl\"]",
        "\"attr\":\"nodePackages.curl\",\"attrPath\":[\"nodePackages\",\"curl\"]",
        1,
    );
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, lines: &[&str]| {
        let file = directory.path().join(name);
        std::fs::write(&file, lines.join("\n")).expect("written");
        format!("data/dumps/derivations.json,{}", file.display())
    };
    let after = write("after.jsonl", &[&others[..], &[&curl]].concat());
    let before = write("before.jsonl", &[&others[..], &[&curl], &quoted].concat());
    let diff = report_on(&[], "diff", &["--within", &before, &after]);
    assert_eq!((texts(&diff, "/removed"), number(&diff, "/left_out/before")), (vec!["nodePackages.socket.io.x86_64-linux"], 0), "{diff}");
}

/// `data/update.patch` says what was changed.
#[test]
fn causes_are_what_the_patch_changes() {
    let diff = report_on(&[], "diff", &[BEFORE, AFTER]);
    let told: Vec<(&str, Vec<&str>)> =
        items(&diff, "/root_causes").iter().map(|cause| (text(cause, "/label"), texts(cause, "/reasons"))).collect();
    let expected = [("curl", vec!["source"]), ("cmake", vec!["recipe"]), ("zoxide", vec!["source", "new"]), ("jq", vec!["local file"])];
    assert_eq!(told, expected);
    let versions = ["/root_causes/0/version_before", "/root_causes/0/version_after"].map(|pointer| text(&diff, pointer));
    assert_eq!(versions, ["8.11.0", "8.11.1"]);
    let added: u64 = items(&diff, "/root_causes").iter().map(|cause| number(cause, "/adds/attributes")).sum();
    assert_eq!(added, length(&diff, "/rebuilds"));
}

/// What is rebuilt is what has an output path that was not there, and is not only behind a fixed output.
#[test]
fn derivations_are_those_with_new_outputs() {
    let diff = report_on(&[], "diff", &[BEFORE, AFTER]);
    let read = |file: &str| {
        let Value::Object(derivations) = read_json(file) else { panic!("an object keyed by derivation") };
        derivations
    };
    let (old, new) = (read("data/dumps/derivations.json"), read("data/dumps/update/derivations.json"));
    let outputs = |derivation: &Value| derivation["outputs"].as_object().expect("outputs").clone();
    let paths = |derivation: &Value| {
        outputs(derivation).values().map(|output| output["path"].as_str().expect("a path").to_owned()).collect::<BTreeSet<String>>()
    };
    let is_fixed = |derivation: &Value| outputs(derivation).values().any(|output| output.get("hash").is_some());
    let jobs = self::read("data/dumps/update/eval-jobs.jsonl");
    let jobs = jobs.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of nix-eval-jobs"));
    let mut rest: Vec<String> = jobs.filter_map(|job| Some(job.get("drvPath")?.as_str()?.to_owned())).collect();
    let mut needed = BTreeSet::new();
    while let Some(path) = rest.pop() {
        let derivation = new.get(&path).unwrap_or_else(|| &old[&path]);
        if needed.insert(path) && !is_fixed(derivation) {
            rest.extend(derivation["inputDrvs"].as_object().expect("inputs").keys().cloned());
        }
    }
    let known: BTreeSet<String> = old.values().flat_map(paths).collect();
    let rebuilt: Vec<&Value> = new
        .iter()
        .filter(|(path, derivation)| needed.contains(*path) && !paths(derivation).is_subset(&known))
        .map(|(_, new)| new)
        .collect();
    assert_eq!(number(&diff, "/counts/derivations"), rebuilt.len() as u64);
    assert_eq!(number(&diff, "/fetched"), rebuilt.iter().filter(|derivation| is_fixed(derivation)).count() as u64);
    let outputs: BTreeSet<String> = rebuilt.into_iter().flat_map(paths).collect();
    assert_eq!(number(&diff, "/counts/outputs"), outputs.len() as u64);
}

/// `lld` fails, and `hello` is gone: nixpkgs' CI calls both removed.
#[test]
fn what_does_not_evaluate_any_more_is_named() {
    let jobs = read("data/dumps/eval-jobs.jsonl");
    let is_left = |line: &&str| !["{\"attr\":\"lld\",", "{\"attr\":\"hello\","].iter().any(|start| line.starts_with(start));
    let failing = r#"{"attr":"lld","attrPath":["lld"],"error":"assertion failed"}"#;
    let lines: Vec<&str> = jobs.lines().filter(is_left).chain([failing]).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("after.jsonl");
    std::fs::write(&file, lines.join("\n")).expect("written");
    let after = format!("data/dumps/derivations.json,{}", file.display());
    let diff = report_on(&[], "diff", &[BEFORE, &after]);
    assert_eq!(texts(&diff, "/removed"), ["hello.x86_64-linux", "lld.x86_64-linux"]);
    assert_eq!((texts(&diff, "/no_longer_evaluated"), length(&diff, "/rebuilds")), (vec!["lld.x86_64-linux"], 0));
    let shown = String::from_utf8(run(&["diff", BEFORE, &after]).stdout).expect("UTF-8");
    let warning = "warning: 1 attribute does not evaluate any more, and counts as removed: `lld.x86_64-linux`";
    assert!(shown.lines().any(|line| line == warning), "{shown}");
    let markdown = String::from_utf8(run(&["diff", BEFORE, &after, "--format", "markdown"]).stdout).expect("UTF-8");
    assert!(markdown.contains("1 attribute does not evaluate any more"), "{markdown}");
}

/// A policy without buckets has no label for a change that rebuilds nothing.
#[test]
fn no_label_is_said_to_be_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let policy = directory.path().join("waves.toml");
    std::fs::write(&policy, "[policy.labels]\nbuckets = []\n").expect("written");
    let output = run(&["diff", BEFORE, BEFORE, "--config", policy.to_str().expect("UTF-8")]);
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(shown.lines().any(|line| line == "labels: none"), "{shown}");
}

#[test]
fn nothing_differs_from_itself() {
    let diff = report_on(&[], "diff", &[BEFORE, BEFORE]);
    for list in ["/added", "/removed", "/no_longer_evaluated", "/changed", "/rebuilds", "/root_causes", "/doubts"] {
        assert_eq!(length(&diff, list), 0, "{list}");
    }
    assert_eq!(number(&diff, "/counts/derivations"), 0);
}

/// Without edges attributes are compared all the same, and causes are said to be unknown.
#[test]
fn names_alone_can_be_compared() {
    let diff = report_on(&[], "diff", &["data/dumps/eval-jobs.jsonl", "data/dumps/update/eval-jobs.jsonl"]);
    let whole = report_on(&[], "diff", &[BEFORE, AFTER]);
    assert_eq!(diff["rebuilds"], whole["rebuilds"]);
    assert_eq!(length(&diff, "/root_causes"), 0);
    let kinds: Vec<&str> = items(&diff, "/doubts").iter().map(|doubt| text(doubt, "/kind")).collect();
    assert_eq!(kinds, ["no_edges", "no_edges"]);
}

/// Other names of what is rebuilt that were left out count nowhere, nor in what it costs.
#[test]
fn costs_are_of_the_names_that_were_compared() {
    let jobs = read("data/dumps/update/eval-jobs.jsonl");
    let in_a_set = |line: &str| {
        let mut job: Value = serde_json::from_str(line).expect("a line of nix-eval-jobs");
        let name = job["attr"].as_str().filter(|name| ["curl", "cmake"].contains(name))?.to_owned();
        job["attr"] = format!("set.{name}").into();
        job["attrPath"] = vec!["set".to_owned(), name].into();
        Some(job.to_string())
    };
    let lines: Vec<String> = jobs.lines().filter_map(in_a_set).chain(jobs.lines().map(str::to_owned)).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("after.jsonl");
    std::fs::write(&file, lines.join("\n")).expect("written");
    let after = format!("data/dumps/derivations.json,data/dumps/update/derivations.json,{}", file.display());
    let arguments = ["--within", BEFORE, &after, "--durations", "data/dumps/durations.csv", "--cached", "data/dumps/store-paths.txt"];

    let old = outputs("data/dumps/eval-jobs.jsonl");
    let known: BTreeSet<&String> = old.values().flat_map(BTreeMap::values).collect();
    let new = outputs("data/dumps/update/eval-jobs.jsonl");
    let rebuilt = new.values().filter(|paths| paths.values().any(|path| !known.contains(path))).count() as u64;
    let diff = report_on(&[], "diff", &arguments);
    assert_eq!((number(&diff, "/left_out/after"), number(&diff, "/newly_named"), number(&diff, "/counts/attributes")), (2, 0, rebuilt));
    let total = &diff["cost"]["total"];
    assert_eq!(number(total, "/attributes"), rebuilt);
    assert_eq!(sum(diff["cost"]["systems"].as_object().expect("systems").values(), "/attributes"), rebuilt);
    assert_eq!(sum(["cached", "to_build", "unknown"].map(|part| &total["availability"][part]), "/attributes"), rebuilt);
    let shown = String::from_utf8(run(&[&["diff"][..], &arguments].concat()).stdout).expect("UTF-8");
    let rows: Vec<&str> = shown.lines().filter(|line| line.starts_with("all ") && line.contains('%')).collect();
    assert!(rows.len() == 1 && rows[0].split_whitespace().nth(1) == Some(rebuilt.to_string().as_str()), "{shown}");
}

/// The dump of one system's attributes against all: the others are left out, or their absence is doubted.
#[test]
fn a_part_is_told_from_a_neighbour() {
    let arguments = ["data/dumps/outpaths.json", "data/dumps/ci/x86_64-linux/paths.json"];
    let diff = report_on(&[], "diff", &arguments);
    assert_eq!(text(&diff, "/doubts/0/kind"), "systems");
    let within = report_on(&[], "diff", &[&arguments[..], &["--within"]].concat());
    assert_eq!(length(&within, "/removed"), 0);
    assert_eq!(number(&within, "/left_out/before"), length(&diff, "/removed"));
}

#[test]
fn an_unknown_file_is_named() {
    let output = run(&["diff", BEFORE, "nowhere.waves"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.waves"));
}
