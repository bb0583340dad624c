//! `waves plan`.

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{items, length, number, real, report, run, sum, text, texts};

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

const DURATIONS: [&str; 4] = ["--root", "glibc", "--durations", "data/dumps/durations.csv"];

fn plan_on(arguments: &[&str]) -> Value {
    report("plan", &[&DURATIONS, arguments].concat())
}

#[test]
fn without_builders_there_is_no_schedule() {
    assert!(plan_on(&[])["schedule"].is_null());
    assert!(report("plan", &["--root", "glibc"])["schedule"].is_null());
}

/// One builder takes the sum of all build times, and enough builders the longest chain.
#[test]
fn schedules_are_between_the_chain_and_the_sum() {
    let (one, four, many) = (plan_on(&["--builders", "1"]), plan_on(&["--builders", "4"]), plan_on(&["--builders", "1000"]));
    let hours = |pointer: &str| number(&one, pointer) as f64 / 3600.0;
    let (sum, chain) = (hours("/cost/total/time/seconds"), hours("/cost/total/time/longest_chain_seconds"));
    let is = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    for key in ["makespan", "lower_bound", "upper_bound"] {
        is(real(&one, &format!("/schedule/{key}")), sum);
    }
    is(real(&many, "/schedule/makespan"), chain);
    is(real(&many, "/schedule/lower_bounds/chain"), chain);
    is(real(&four, "/schedule/lower_bounds/work"), sum / 4.0);
    is(real(&four, "/schedule/upper_bound"), sum / 4.0 + chain * 3.0 / 4.0);
    is(real(&four, "/schedule/builders/0/hours"), sum);
    assert!((real(&four, "/schedule/utilisation") - sum / 4.0 / real(&four, "/schedule/makespan")).abs() < 1e-4);
    for plan in [&one, &four, &many] {
        assert_eq!(number(plan, "/schedule/derivations"), number(plan, "/rebuilds/derivations"));
        let path = items(plan, "/schedule/critical_path");
        let length: f64 = path.iter().map(|build| real(build, "/hours")).sum();
        assert!((length - real(plan, "/schedule/makespan")).abs() < 1e-3);
        let waits = path.iter().filter(|build| build["waited_for"] == "builder").count();
        assert_eq!(number(plan, "/schedule/critical_path_waits"), waits as u64);
    }
    // The longest chain is the one of the cost.
    let seconds: u64 = items(&many, "/cost/longest_chain").iter().map(|link| number(link, "/seconds")).sum();
    let chain: f64 = items(&many, "/schedule/longest_chain").iter().map(|link| real(link, "/hours")).sum();
    assert!((chain * 3600.0 - seconds as f64).abs() < 1.0);
}

#[test]
fn a_fleet_names_what_it_cannot_build() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("waves.toml");
    std::fs::write(&config, "[[fleet.machines]]\nname = \"small\"\ncount = 4\nsystems = [\"x86_64-linux\"]\n").expect("writes");
    let plan = plan_on(&["--config", config.to_str().expect("UTF-8")]);
    let kinds = items(&plan, "/schedule/impossible");
    let lacks: Vec<&str> = kinds.iter().map(|kind| text(kind, "/lacks")).collect();
    assert!(lacks.contains(&"system") && lacks.contains(&"features"), "{lacks:?}");
    let impossible = sum(kinds, "/derivations");
    assert_eq!(
        number(&plan, "/schedule/derivations") + impossible + number(&plan, "/schedule/blocked"),
        number(&plan, "/rebuilds/derivations")
    );
    assert!(
        kinds.iter().any(|kind| texts(kind, "/missing") == ["big-parallel"] && texts(kind, "/labels").contains(&"gcc-unwrapped")),
        "{kinds:?}"
    );
}

#[test]
fn pinned_and_cached_packages_leave_the_schedule() {
    let durations = ["--durations", "data/dumps/durations.csv", "--builders", "4"];
    let plan = report("plan", &[&["--root", "openssl", "--what-if", "python3,hello"], &durations[..]].concat());
    let [python, hello] = items(&plan, "/schedule/what_if") else { panic!("two packages") };
    let all = number(&plan, "/rebuilds/derivations");
    assert_eq!(number(&plan, "/schedule/derivations"), all);
    for what_if in [python, hello] {
        assert_eq!(number(what_if, "/cached/derivations"), all - number(what_if, "/derivations"));
    }
    // Nothing else leads from openssl to what Python alone does; hello is not rebuilt at all.
    let dump = Dump::read();
    let roots: Vec<&str> = items(&plan, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect();
    let python3 = report("plan", &["--root", "python3"]);
    let stop: Vec<&str> = items(&python3, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect();
    assert_eq!(number(python, "/pinned/derivations"), dump.rebuilds_without(&roots, &stop).len() as u64);
    assert!(number(python, "/pinned/derivations") < number(python, "/cached/derivations"));
    assert_eq!((number(hello, "/derivations"), number(hello, "/pinned/derivations")), (0, all));
}

#[test]
fn builders_need_build_times() {
    for (arguments, hint) in [
        (&["--builders", "4"][..], "--durations FILE"),
        (&["--what-if", "hello"], "--builders N"),
        (&["--what-if", "hello", "--durations", "data/dumps/durations.csv"], "--builders N"),
    ] {
        let run = run(&[&["plan", "--root", "glibc"], &crate::support::GRAPH[..], arguments].concat());
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(2), "{error}");
        assert!(error.contains(hint), "{error}");
    }
}
