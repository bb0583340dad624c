//! `waves rank`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{items, length, number, report, text};

#[test]
fn the_heaviest_come_first() {
    for (sort, key) in [("derivations", "/rebuilds_derivations"), ("attributes", "/rebuilds_attributes")] {
        let rank = report("rank", &["--sort", sort]);
        assert!(items(&rank, "/packages").is_sorted_by_key(|package| std::cmp::Reverse(number(package, key))), "{sort}");
    }
}

#[test]
fn a_filter_only_leaves_out() {
    let all = report("rank", &[]);
    for filter in [&["--named"][..], &["--system", "i686-linux"]] {
        let some = report("rank", filter);
        assert!((1..length(&all, "/packages")).contains(&length(&some, "/packages")), "{filter:?}");
        assert!(items(&some, "/packages").iter().all(|package| items(&all, "/packages").contains(package)), "{filter:?}");
    }
    let cut = report("rank", &["--limit", "7"]);
    assert_eq!(items(&cut, "/packages"), &items(&all, "/packages")[..7]);
    assert_eq!(7 + number(&cut, "/packages_omitted"), length(&all, "/packages"));
}

/// A package is of a system by any of its derivations, and named by any: not by one that is both.
#[test]
fn filters_hold_for_a_package_as_a_whole() {
    let labels = |filter: &[&str]| -> BTreeSet<String> {
        items(&report("rank", filter), "/packages")
            .iter()
            .map(|package| format!("{} {}", package["package"], package["rebuilds_derivations"]))
            .collect()
    };
    let (named, of_system) = (labels(&["--named"]), labels(&["--system", "i686-linux"]));
    let both: BTreeSet<String> = named.intersection(&of_system).cloned().collect();
    assert!(both.len() > 5, "{both:?}");
    assert_eq!(labels(&["--named", "--system", "i686-linux"]), both);
}

/// The closures of all packages, counted at once, are those that are walked one by one.
#[test]
fn counts_are_those_of_impact() {
    let rank = report("rank", &["--named"]);
    let packages = items(&rank, "/packages");
    let named_once = |package: &&Value| packages.iter().filter(|other| other["package"] == package["package"]).count() == 1;
    for package in packages.iter().filter(named_once).step_by(12) {
        let impact = report("impact", &["--root", text(package, "/package")]);
        for count in ["attributes", "derivations"] {
            assert_eq!(package[format!("rebuilds_{count}")], impact["rebuilds"][count], "{package}");
        }
        assert_eq!(number(package, "/derivations"), length(&impact, "/roots/0/derivations"), "{package}");
    }
}
