//! `waves plan`.

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{items, length, number, report, sum, texts};

/// Asserts what holds of every plan.
fn assert_consistent(plan: &Value) {
    let waves = items(plan, "/waves");
    for count in ["/derivations", "/attributes"] {
        assert_eq!(sum(waves, count), number(plan, &format!("/rebuilds{count}")));
    }
    // Derivations of several waves may build one path.
    assert!(sum(waves, "/outputs") >= number(plan, "/rebuilds/outputs"));
    assert_eq!(sum(waves, "/levels"), number(plan, "/levels"));
    assert_eq!(sum(waves, "/packages"), number(plan, "/packages"));
    let mut next = 1;
    for wave in waves {
        assert_eq!(number(wave, "/first_level"), next);
        next += number(wave, "/levels");
    }
    for cycle in items(plan, "/cycles") {
        assert_eq!(number(cycle, "/size"), length(cycle, "/packages"));
        let (first, last) = (number(cycle, "/first_wave"), number(cycle, "/last_wave"));
        assert!(1 <= first && first <= last && last <= waves.len() as u64);
    }
}

#[test]
fn counts_agree_with_each_other() {
    for arguments in [
        &["--root", "glibc"][..],
        &["--root", "glibc", "--max-waves", "1"],
        &["--root", "glibc", "--exact", "--max-waves", "1000"],
        &["--root", "openssl,zlib", "--root", "qt6.*"],
        &["--root", "glibc", "--system", "i686-linux"],
        &["--root", "zlib", "--depth", "2"],
    ] {
        assert_consistent(&report("plan", arguments));
    }
}

#[test]
fn a_plan_rebuilds_what_its_impact_does() {
    for root in ["glibc", "openssl"] {
        let (plan, impact) = (report("plan", &["--root", root]), report("impact", &["--root", root]));
        for key in ["evaluation", "roots", "dependents", "rebuilds"] {
            assert_eq!(plan[key], impact[key], "{root}: {key}");
        }
    }
}

/// No schedule has fewer steps than the longest chain has derivations.
#[test]
fn levels_are_as_many_as_the_longest_chain() {
    let dump = Dump::read();
    for root in ["glibc", "openssl", "curl", "qt6.*", "rustc"] {
        let plan = report("plan", &["--root", root]);
        let roots: Vec<&str> = items(&plan, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect();
        assert_eq!(number(&plan, "/levels"), dump.longest_chain(&dump.rebuilds(&roots)) as u64, "{root}");
    }
}

#[test]
fn levels_are_those_of_the_waves() {
    let plan = report("plan", &["--root", "glibc", "--levels"]);
    let levels = items(&plan, "/level_sizes");
    assert_eq!(levels.len() as u64, number(&plan, "/levels"));
    assert!((1..).zip(levels).all(|(position, level)| number(level, "/level") == position));
    for (position, wave) in (1..).zip(items(&plan, "/waves")) {
        let of_wave: Vec<&Value> = levels.iter().filter(|level| number(level, "/wave") == position).collect();
        assert_eq!(of_wave.len() as u64, number(wave, "/levels"));
        assert_eq!(sum(of_wave, "/derivations"), number(wave, "/derivations"));
    }
}

#[test]
fn packages_are_listed_if_they_are_asked_for() {
    for wave in items(&report("plan", &["--root", "glibc", "--packages"]), "/waves") {
        assert_eq!((length(wave, "/members"), number(wave, "/members_omitted")), (number(wave, "/packages"), 0));
    }
    for wave in items(&report("plan", &["--root", "glibc", "--packages", "--limit", "2"]), "/waves") {
        assert!(length(wave, "/members") <= 2);
        assert_eq!(length(wave, "/members") + number(wave, "/members_omitted"), number(wave, "/packages"));
    }
    let plain = report("plan", &["--root", "glibc"]);
    assert!(items(&plain, "/waves").iter().all(|wave| length(wave, "/members") == 0));
    assert_eq!(length(&plain, "/level_sizes"), 0);
}

/// The bootstrap's packages need each other; their derivations do not.
#[test]
fn the_bootstrap_is_a_cycle() {
    let plan = report("plan", &["--root", "glibc"]);
    let cycle = texts(&plan, "/cycles/0/packages");
    assert!(["glibc", "zlib", "binutils-unwrapped"].iter().all(|package| cycle.contains(package)), "{cycle:?}");
}
