//! `waves tests`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{items, length, number, read, report, run, text, texts};

const DURATIONS: [&str; 2] = ["--durations", "data/dumps/durations.csv"];

fn float(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer}: {value}"))
}

fn rebuilt(dump: &Dump, report: &Value) -> BTreeSet<String> {
    dump.rebuilds(&texts(report, "/roots/0/derivations")).into_iter().map(str::to_owned).collect()
}

/// What is built for tests, by walking from each to its inputs in the dump.
fn built(dump: &Dump, report: &Value, tests: &[&str]) -> BTreeSet<String> {
    let roots = texts(report, "/roots/0/derivations");
    let rebuilt = rebuilt(dump, report);
    let mut built: BTreeSet<String> = BTreeSet::new();
    let mut rest: Vec<String> = tests.iter().map(|&test| test.to_owned()).collect();
    while let Some(path) = rest.pop() {
        if rebuilt.contains(&path) && !roots.contains(&path.as_str()) && built.insert(path.clone()) {
            rest.extend(dump.inputs(&path).keys().cloned());
        }
    }
    built
}

#[test]
fn what_is_built_is_what_tests_need() {
    let dump = Dump::read();
    for arguments in [&["--root", "openssl", "--budget", "20"][..], &["--root", "zlib", "--max", "3"], &["--root", "curl", "--decay", "1"]]
    {
        let report = report("tests", arguments);
        let tests: Vec<&str> = items(&report, "/tests").iter().map(|test| text(test, "/derivation")).collect();
        let all = built(&dump, &report, &tests);
        assert_eq!(number(&report, "/cost"), all.len() as u64, "{arguments:?}");
        assert_eq!(number(&report, "/builds/derivations"), all.len() as u64);
        for test in items(&report, "/tests") {
            assert_eq!(number(test, "/cost"), built(&dump, &report, &[text(test, "/derivation")]).len() as u64, "{test}");
        }
        let added: u64 = items(&report, "/tests").iter().map(|test| number(test, "/added_cost")).sum();
        assert_eq!(added, number(&report, "/cost"));
        let last = items(&report, "/tests").last().expect("a test");
        assert!((float(last, "/covered") - float(&report, "/covered")).abs() < 1e-9);
        assert!(float(&report, "/covered") <= float(&report, "/bound") && number(&report, "/cost") <= number(&report, "/budget"));
    }
}

#[test]
fn a_time_is_kept_and_more_of_it_covers_more() {
    let at = |budget: &str| report("tests", &[&["--root", "openssl", "--budget", budget][..], &DURATIONS].concat());
    let reports = ["10m", "1h", "3h", "1h30m", "100h"].map(at);
    let budgets: Vec<u64> = reports.iter().map(|report| number(report, "/budget")).collect();
    assert_eq!(budgets, [600, 3600, 10_800, 5400, 360_000]);
    for report in &reports {
        assert_eq!(number(report, "/cost"), number(report, "/build_times/total/time/seconds"));
        assert!(number(report, "/cost") <= number(report, "/budget"));
    }
    let bounds: Vec<f64> = [0, 1, 3, 2, 4].map(|at: usize| float(&reports[at], "/bound")).to_vec();
    assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
}

/// Existing tests, as the lines of the dump have them.
#[test]
fn existing_tests_are_those_of_the_dump() {
    let report = report("tests", &["--root", "openssl", "--budget", "1000", "--tests", "data/dumps/tests.jsonl"]);
    let own = |attr: &str| attr.starts_with("openssl.tests.") || attr.starts_with("openssl_3.tests.");
    let jobs: Vec<Value> = read("data/dumps/tests.jsonl").lines().map(|line| serde_json::from_str(line).expect("a job")).collect();
    let jobs: Vec<&Value> = jobs.iter().filter(|job| own(text(job, "/attr"))).collect();
    assert_eq!(number(&report, "/existing/tests"), jobs.len() as u64);
    let dump = Dump::read();
    let rebuilt = rebuilt(&dump, &report);
    let paths: BTreeSet<&str> = jobs.iter().map(|job| text(job, "/drvPath")).filter(|path| rebuilt.contains(*path)).collect();
    assert_eq!(number(&report, "/existing/rebuilt"), paths.len() as u64);
    for test in items(&report, "/tests") {
        assert_eq!(test["is_test"].as_bool(), Some(paths.contains(text(test, "/derivation"))), "{test}");
    }
}

#[test]
fn the_snippet_is_that_of_the_option() {
    let arguments =
        ["tests", "--root", "openssl", "--budget", "20", "--graph", "data/dumps/derivations.json", "--graph", "data/dumps/eval-jobs.jsonl"];
    let nix = run(&[&arguments[..], &["--nix"]].concat());
    let report = report("tests", &["--root", "openssl", "--budget", "20"]);
    assert_eq!(String::from_utf8(nix.stdout).expect("UTF-8"), text(&report, "/snippet"));
    assert!(length(&report, "/tests") > 2);
}

/// Nix itself reads what is to be pasted; without Nix it is not asked.
#[test]
fn nix_parses_the_snippet() {
    let snippets = [&["--root", "openssl", "--budget", "30"][..], &["--root", "curl"], &["--root", "zlib", "--budget", "1000"]];
    for arguments in snippets {
        let report = report("tests", arguments);
        let expression = format!("{{ pkgs, curl, ... }}: with pkgs; {{ {} }}", text(&report, "/snippet"));
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("package.nix");
        std::fs::write(&file, &expression).expect("written");
        let parsed = Command::new("nix-instantiate").arg("--parse").arg(&file).env("NIX_REMOTE", directory.path().join("root")).output();
        let Ok(parsed) = parsed else {
            println!("skipped: no nix-instantiate on the path");
            return;
        };
        assert!(parsed.status.success(), "{expression}\n{}", String::from_utf8_lossy(&parsed.stderr));
        let names = items(&report, "/tests").iter().filter(|test| test["recursion"] != "build").count();
        let tests = String::from_utf8(parsed.stdout).expect("UTF-8");
        assert!(names > 0 && tests.contains("passthru"), "{tests}");
    }
}
