//! `waves impact`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{items, length, number, report, sum, text, texts};

/// Asserts what holds of every impact whose lists are whole.
fn assert_consistent(impact: &Value) {
    let roots: BTreeSet<&str> = items(impact, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect();
    let rebuilds = number(impact, "/rebuilds/derivations");
    assert_eq!(number(impact, "/dependents/derivations") + roots.len() as u64, rebuilds);
    assert_eq!(sum(items(impact, "/distances"), ""), rebuilds);
    assert_eq!(number(impact, "/distances/0"), roots.len() as u64);
    assert_eq!(length(impact, "/direct"), number(impact, "/distances/1"));
    assert_eq!(length(impact, "/attributes"), number(impact, "/rebuilds/attributes"));
    let systems = impact["systems"].as_object().expect("counts by system");
    for count in ["/attributes", "/derivations"] {
        assert_eq!(sum(systems.values(), count), number(impact, &format!("/rebuilds{count}")));
    }
    let excluded = &impact["excluded"];
    let kinds = ["/broken", "/unfree", "/insecure", "/off_hydra"].map(|kind| number(excluded, kind));
    assert!(kinds.iter().max() <= Some(&number(excluded, "/any")) && number(excluded, "/any") <= kinds.iter().sum());
}

#[test]
fn counts_agree_with_each_other() {
    for arguments in [
        &["--root", "glibc"][..],
        &["--root", "glibc", "--exact"],
        &["--root", "openssl,zlib", "--root", "qt6.*"],
        &["--root", "git", "--inverse"],
        &["--root", "zlib", "--depth", "2"],
    ] {
        assert_consistent(&report("impact", arguments));
    }
}

#[test]
fn closures_are_those_of_the_dump() {
    let dump = Dump::read();
    for root in ["glibc", "openssl", "curl", "qt6.*", "rustc"] {
        let impact = report("impact", &["--root", root]);
        let roots: Vec<&str> = items(&impact, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect();
        let rebuilt = dump.rebuilds(&roots);
        assert_eq!(number(&impact, "/rebuilds/derivations"), rebuilt.len() as u64, "{root}");
        assert_eq!(number(&impact, "/rebuilds/attributes"), dump.attributes_of(&rebuilt) as u64, "{root}");
        assert_eq!(number(&impact, "/rebuilds/outputs"), dump.outputs_of(&rebuilt) as u64, "{root}");
        assert!(items(&impact, "/attributes").iter().all(|attribute| rebuilt.contains(text(attribute, "/derivation"))), "{root}");
    }
}

/// What rebuilds `git` is what has `git` among its rebuilds.
#[test]
fn the_inverse_is_the_inverse() {
    let dump = Dump::read();
    let git = report("impact", &["--root", "git", "--exact", "--inverse"]);
    let target = texts(&git, "/roots/0/derivations")[0];
    for cause in items(&git, "/attributes") {
        assert!(dump.rebuilds(&[text(cause, "/derivation")]).contains(target), "{cause}");
    }
}

#[test]
fn a_system_is_a_part_of_the_whole() {
    let whole = report("impact", &["--root", "glibc"]);
    for system in texts(&whole, "/evaluation/systems") {
        let part = report("impact", &["--root", "glibc", "--system", system]);
        assert_eq!(part["rebuilds"]["derivations"], whole["systems"][system]["derivations"], "{system}");
    }
}

#[test]
fn a_limit_says_what_it_cuts() {
    let impact = report("impact", &["--root", "glibc", "--limit", "3"]);
    assert_eq!((length(&impact, "/direct"), length(&impact, "/attributes")), (3, 3));
    assert_eq!(3 + number(&impact, "/direct_omitted"), number(&impact, "/distances/1"));
    assert_eq!(3 + number(&impact, "/attributes_omitted"), number(&impact, "/rebuilds/attributes"));
}
