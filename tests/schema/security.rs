//! `waves security`.

use std::fs;

use serde_json::{Map, Value, json};

use crate::support::{items, number, read_json, report, text, texts};

const DURATIONS: [&str; 2] = ["--durations", "data/dumps/durations.csv"];
const PLAN: [&str; 2] = ["--plan", "tests/inputs/plan.json"];

fn option<'v>(report: &'v Value, name: &str) -> &'v Value {
    items(report, "/options").iter().find(|option| text(option, "/option") == name).expect(name)
}

fn state<'v>(report: &'v Value, name: &str, check: &str) -> &'v str {
    let checks = items(option(report, name), "/preconditions");
    text(checks.iter().find(|found| text(found, "/check") == check).expect(check), "/state")
}

/// A rebuild is what `waves impact` says, and on builders without end it takes as long as the longest chain.
#[test]
fn a_rebuild_is_that_of_impact() {
    for root in ["openssl", "glibc", "curl", "hello"] {
        let security = report("security", &[&["--root", root, "--builders", "1000"][..], &DURATIONS].concat());
        let impact = report("impact", &[&["--root", root][..], &DURATIONS].concat());
        let rebuild = option(&security, "rebuild");
        let time = &impact["cost"]["total"]["time"];
        assert_eq!(security["rebuilds"], impact["rebuilds"]);
        assert_eq!(number(rebuild, "/builds"), number(&impact, "/rebuilds/derivations"));
        assert_eq!(number(rebuild, "/cost"), number(time, "/seconds"));
        assert_eq!(number(rebuild, "/time"), number(time, "/longest_chain_seconds"));
        let alone = report("security", &[&["--root", root, "--builders", "1"][..], &DURATIONS].concat());
        assert_eq!(number(option(&alone, "rebuild"), "/time"), number(time, "/seconds"));
    }
}

/// The waves of the plan, up to the one that is named, and those of its updates that the fix rebuilds.
#[test]
fn closed_waves_are_those_of_the_plan() {
    let plan = read_json("tests/inputs/plan.json");
    let names: Vec<&str> = items(&plan, "/waves").iter().map(|wave| text(wave, "/name")).collect();
    let impact = report("impact", &["--root", "openssl"]);
    let rebuilt: Vec<&str> = items(&impact, "/attributes").iter().map(|attribute| text(attribute, "/derivation")).collect();
    for (closed, name) in names.iter().enumerate() {
        let security = report("security", &[&["--root", "openssl", "--at", name][..], &PLAN].concat());
        assert_eq!(number(&security, "/closed_waves"), closed as u64 + 1);
        let updates: Vec<&str> = items(&plan, "/waves")[..=closed].iter().flat_map(|wave| texts(wave, "/updates")).collect();
        assert_eq!(number(&security, "/locked_updates"), updates.len() as u64);
        let is_rebuilt = |update: &str| {
            let own = report("impact", &["--root", update]);
            texts(&own, "/roots/0/derivations").iter().any(|derivation| rebuilt.contains(derivation))
        };
        let expected: Vec<&str> = updates.into_iter().filter(|update| is_rebuilt(update)).collect();
        assert_eq!(texts(&security, "/locks"), expected, "{name}");
        assert_eq!(number(option(&security, "rebuild"), "/locks_broken"), expected.len() as u64);
        assert_eq!(state(&security, "rebuild", "locks kept"), if expected.is_empty() { "holds" } else { "fails" });
        let overlaps: u64 = items(&security, "/waves").iter().map(|wave| number(wave, "/derivations")).sum();
        assert_eq!(number(option(&security, "duplicate"), "/builds"), overlaps);
    }
}

#[test]
fn preconditions_follow_from_versions_and_names() {
    for (to, patch, length) in [("3.3.3", "holds", "holds"), ("3.3.10", "holds", "fails"), ("3.4.0", "fails", "holds")] {
        let security = report("security", &["--root", "openssl", "--to", to]);
        let states = ["patch level", "equal length"].map(|check| state(&security, "graft", check));
        assert_eq!(states, [patch, length], "{to}");
    }
    let security = report("security", &["--root", "openssl"]);
    assert_eq!(state(&security, "graft", "patch level"), "unknown");
    assert_eq!(option(&security, "duplicate")["applies"], false);
    // Nothing depends on a leaf: nothing is left untested.
    let leaf = report("security", &["--root", "hello"]);
    assert!(items(&leaf, "/options").iter().all(|option| option["untested"] == 0.0));
}

/// What refers to a root is copied by a graft, in seconds: these are no builds.
#[test]
fn what_a_graft_copies_is_counted_in_seconds_alone() {
    let derivations = read_json("data/dumps/derivations.json");
    let all = derivations.as_object().expect("derivations");
    let outputs = |derivation: &Value| -> Vec<String> {
        let outputs = derivation["outputs"].as_object().expect("outputs").values();
        outputs.filter_map(|output| output["path"].as_str()).map(str::to_owned).collect()
    };
    let (_, root) = all.iter().find(|(path, _)| path.ends_with("-rustc-1.82.0.drv")).expect("rustc");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("sizes.json");
    // Outputs of 1 GiB each, all of which refer to rustc; and then none.
    let referring = |references: &[String]| {
        let info = |path: String| (path, json!({ "narSize": 1_u64 << 30, "references": references }));
        let sizes: Map<String, Value> = all.values().flat_map(outputs).map(info).collect();
        fs::write(&file, Value::Object(sizes).to_string()).expect("written");
        let sizes = ["--root", "rustc", "--sizes", file.to_str().expect("UTF-8")];
        (report("security", &sizes), report("security", &[&sizes[..], &DURATIONS].concat()))
    };
    let (counted, timed) = referring(&outputs(root));
    let without = [report("security", &["--root", "rustc"]), report("security", &[&["--root", "rustc"][..], &DURATIONS].concat())];
    let bytes = number(&report("impact", &["--root", "rustc"]), "/dependents/outputs") << 30;
    assert_eq!(number(&counted, "/runtime/nar_bytes"), bytes);
    for key in ["time", "least_time"] {
        let of = |report: &Value| number(option(report, "graft"), &format!("/{key}"));
        assert_eq!((of(&counted), of(&without[0])), (1, 1), "{key}");
        assert_eq!(of(&timed), of(&without[1]) + bytes.div_ceil(100 << 20), "{key}");
    }
    assert_eq!(option(&counted, "graft")["dominated_by"], Value::Null);

    let said = |report: &Value| {
        let checks = items(option(report, "graft"), "/preconditions");
        let check = checks.iter().find(|check| text(check, "/check") == "used at run time").expect("it is checked");
        (text(check, "/state").to_owned(), text(check, "/reason").to_owned())
    };
    let refer = |state: &str, reason: &str| (state.to_owned(), reason.to_owned());
    assert_eq!(said(&counted), refer("holds", "15 of 15 dependents refer to it when they run"));
    let (counted, _) = referring(&[]);
    assert_eq!(said(&counted), refer("fails", "0 of 15 dependents refer to it when they run: the others were only built with it"));
}
