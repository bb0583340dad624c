//! `waves security`.

use serde_json::Value;

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
