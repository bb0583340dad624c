//! `waves impact`.

use std::collections::{BTreeMap, BTreeSet};

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

/// An output that several derivations build is a change of all of them.
#[test]
fn a_root_by_its_output_is_all_that_build_it() {
    let dump = Dump::read();
    let mut builders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for derivation in dump.derivations() {
        for output in dump.output_paths(derivation) {
            builders.entry(output).or_default().push(derivation);
        }
    }
    let shared: Vec<_> = builders.iter().filter(|(_, builders)| builders.len() > 1).collect();
    assert!(shared.len() > 3, "{shared:?}");
    for (output, builders) in shared {
        let impact = report("impact", &["--root", output, "--exact"]);
        assert_eq!(
            texts(&impact, "/roots/0/derivations").into_iter().collect::<BTreeSet<_>>(),
            builders.iter().copied().collect(),
            "{output}"
        );
        let rebuilt = dump.rebuilds(builders);
        assert_eq!(number(&impact, "/rebuilds/derivations"), rebuilt.len() as u64, "{output}");
        assert_eq!(number(&impact, "/rebuilds/attributes"), dump.attributes_of(&rebuilt) as u64, "{output}");
    }
}

/// An attribute stands for its package: also for the part of it that is built for another system than the attribute.
#[test]
fn a_package_may_be_asked_for_a_system_that_its_attribute_is_not_for() {
    let other = "i686-linux";
    for root in ["zlib", "bash"] {
        let whole = report("impact", &["--root", root]);
        let (paths, variants) = (texts(&whole, "/roots/0/derivations"), texts(&whole, "/roots/0/variants"));
        let of_other: Vec<&str> =
            paths.into_iter().zip(variants).filter(|(_, variant)| variant.contains(other)).map(|(path, _)| path).collect();
        let part = report("impact", &["--root", root, "--system", other]);
        assert_eq!((text(&part, "/system"), &part["depth"]), (other, &Value::Null));
        assert_eq!(number(&part, "/distances/0"), of_other.len() as u64, "{root}");
        assert!(!of_other.is_empty(), "{root} is not for {other}");
    }
}
