//! `waves cadence`.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{GRAPH, items, number, report, run, text, texts};

const TABLE: [&str; 2] = ["--releases", "tests/inputs/releases.csv"];
const DURATIONS: [&str; 2] = ["--durations", "data/dumps/durations.csv"];

fn float(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer}: {value}"))
}

/// What a release rebuilds is what `waves impact` says, in builds and in seconds.
#[test]
fn costs_are_those_of_impact() {
    let builds = report("cadence", &[&["--budget", "1/day"][..], &TABLE].concat());
    let seconds = report("cadence", &[&["--budget", "30m/day"][..], &TABLE, &DURATIONS].concat());
    for (cadence, files) in [(&builds, &[][..]), (&seconds, &DURATIONS)] {
        assert_eq!(items(cadence, "/packages").len(), 6);
        for package in items(cadence, "/packages") {
            let impact = report("impact", &[&["--root", text(package, "/package")][..], files].concat());
            assert_eq!(package["rebuilds"], impact["rebuilds"]);
            let cost =
                if files.is_empty() { number(&impact, "/rebuilds/derivations") } else { number(&impact, "/cost/total/time/seconds") };
            assert!((float(package, "/cost") - cost as f64).abs() < 1e-6, "{package}");
        }
    }
}

#[test]
fn a_budget_is_kept_and_less_of_it_is_more_behind() {
    let reports =
        ["1h/day", "30m/day", "10m/day"].map(|budget| report("cadence", &[&["--budget", budget][..], &TABLE, &DURATIONS].concat()));
    let mut before = 0.0;
    for report in &reports {
        let sum = |key: &str| items(report, "/packages").iter().map(|package| float(package, key)).sum::<f64>();
        assert!((sum("/per_day") - float(report, "/turns_per_day")).abs() < 1e-6);
        assert!((sum("/each_per_day") - float(report, "/each_per_day")).abs() < 1e-6);
        assert!((float(report, "/best_per_day") - float(report, "/budget_per_day")).abs() < 1e-6, "it is less than all costs");
        assert!(float(report, "/together_per_day") <= float(report, "/budget_per_day"));
        assert!(float(report, "/together_per_day") <= float(report, "/turns_per_day"));
        let behind: f64 = items(report, "/packages").iter().map(|package| float(package, "/weight") * float(package, "/lag_days")).sum();
        assert!(behind > before, "{behind} {before}");
        before = behind;
    }
}

/// What packages rebuild in common is built once: a wave a week keeps to a budget that is less than what they cost one by one.
#[test]
fn a_budget_is_of_what_comes_together() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("releases.csv");
    let table = ["openssl", "curl", "cmake"].map(|package| format!("{package},7\n")).concat();
    fs::write(&file, format!("package,days\n{table}")).expect("written");
    let union = number(&report("impact", &["--root", "openssl,curl,cmake"]), "/rebuilds/derivations");
    let budget = format!("{}/day", union.div_ceil(7));
    let cadence = report("cadence", &["--budget", &budget, "--releases", file.to_str().expect("UTF-8")]);
    assert!(float(&cadence, "/turns_per_day") > float(&cadence, "/budget_per_day"));
    assert!((float(&cadence, "/together_per_day") - union as f64 / 7.0).abs() < 1e-6);
    assert!(items(&cadence, "/packages").iter().all(|package| (float(package, "/turn_days") - 7.0).abs() < 1e-9));
}

/// Names of the same derivations are one package, in one table or in two: the one that releases more often counts.
#[test]
fn a_package_by_two_names_counts_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::write(&file, text).expect("written");
        file.to_str().expect("UTF-8").to_owned()
    };
    let one = file("one.csv", "package,days\nopenssl,60\nopenssl_3,30\nhello,30\n");
    let two = file("two.csv", "package,days\nhello,90\n");
    let cadence = report("cadence", &["--budget", "1000/day", "--releases", &one, "--releases", &two]);
    let packages: Vec<(&str, Vec<&str>, f64)> = items(&cadence, "/packages")
        .iter()
        .map(|package| (text(package, "/package"), texts(package, "/also"), float(package, "/release_days")))
        .collect();
    assert_eq!(packages, [("openssl_3", vec!["openssl"], 30.0), ("hello", vec![], 30.0)]);
    let rebuilds = |package: &str| number(&report("impact", &["--root", package]), "/rebuilds/derivations") as f64;
    let each = (rebuilds("openssl") + rebuilds("hello")) / 30.0;
    assert!((float(&cadence, "/each_per_day") - each).abs() < 1e-6);
    let said = run(&[&["cadence", "--budget", "1000/day", "--releases", &one][..], &GRAPH].concat());
    let said = String::from_utf8(said.stdout).expect("UTF-8");
    assert!(said.contains("openssl_3, openssl: the same derivations, so one package."), "{said}");
}

/// Each package that a pattern matches has the releases of its own file, and its own name; one that has a row of its own has those.
#[test]
fn a_pattern_is_each_of_its_packages() {
    let directory = tempfile::tempdir().expect("a directory");
    let git = |day: u32, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments).current_dir(directory.path());
        let time = format!("2024-06-{day:02}T12:00:00Z");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_AUTHOR_DATE", &time).env("GIT_COMMITTER_DATE", &time);
        assert!(git.status().expect("git starts").success(), "git {arguments:?}");
    };
    git(1, &["init", "--quiet", "--initial-branch=main"]);
    // hello 20 days after its release before, jq 2 days.
    for (day, version, names) in
        [(1, "1.0", &["hello", "jq"][..]), (2, "1.1", &["jq"]), (4, "1.2", &["jq"]), (5, "1.1", &["hello"]), (25, "1.2", &["hello"])]
    {
        for name in names {
            let package = directory.path().join(format!("pkgs/by-name/{}/{name}", &name[..2]));
            fs::create_dir_all(&package).expect("created");
            fs::write(package.join("package.nix"), format!("{{\n  version = \"{version}\";\n}}\n")).expect("written");
        }
        git(day, &["add", "."]);
        git(day, &["commit", "--quiet", "-m", "x"]);
    }
    let table = directory.path().join("releases.csv");
    fs::write(&table, "package,days\nhello,3\n").expect("written");
    let (repository, table) = (directory.path().display().to_string(), table.display().to_string());
    let counted = ["--budget", "1000/day", "--root", "[jh]*[qo],j*", "--repo", &repository];
    for (arguments, days) in [(counted.to_vec(), 20.0), ([&counted[..], &["--releases", &table]].concat(), 3.0)] {
        let cadence = report("cadence", &arguments);
        let mut packages: Vec<(&str, f64)> =
            items(&cadence, "/packages").iter().map(|package| (text(package, "/package"), float(package, "/release_days"))).collect();
        packages.sort_unstable_by(|one, other| one.0.cmp(other.0));
        assert_eq!(packages, [("hello", days), ("jq", 2.0)]);
        assert!(items(&cadence, "/unknown").is_empty(), "{cadence}");
    }
}

#[test]
fn releases_are_those_of_the_table() {
    let cadence = report("cadence", &[&["--budget", "1/day"][..], &TABLE].concat());
    let curl = items(&cadence, "/packages").iter().find(|package| text(package, "/package") == "curl").expect("it is there");
    let versions: Vec<&str> = items(curl, "/releases").iter().map(|release| text(release, "/version")).collect();
    assert_eq!(versions, ["8.10.0", "8.10.1", "8.11.0", "8.11.1", "8.12.0", "8.12.1"]);
    // From 2026-01-07 to 2026-05-06: five times from one to the next.
    assert_eq!((number(curl, "/seen_days"), number(curl, "/releases_seen")), (119, 6));
    assert!((float(curl, "/release_days") - 23.8).abs() < 1e-9);
    let unknown: Vec<&str> = items(&cadence, "/unknown").iter().map(|unknown| text(unknown, "/package")).collect();
    assert_eq!(unknown, ["jq", "left-pad"]);
}

/// Releases that no turn takes are skipped, even if a turn comes with each wave: the text says so.
#[test]
fn skipped_releases_are_told() {
    let directory = tempfile::tempdir().expect("a directory");
    for (table, skips, each) in [
        ("package,days,released,version\nhello,2,,\n", true, false),
        ("package,days,released,version\njq,,2026-01-05,1\njq,,2026-01-06,2\njq,,2026-01-07,3\njq,,2026-02-26,4\n", true, false),
        ("package,days,released,version\nhello,14,,\n", false, true),
    ] {
        let file = directory.path().join("releases.csv");
        fs::write(&file, table).expect("written");
        let arguments = ["--budget", "1000000/day", "--releases", file.to_str().expect("UTF-8")];
        let cadence = report("cadence", &arguments);
        let package = &items(&cadence, "/packages")[0];
        let is_skipped = |release: &Value| release["taken"] == false;
        assert_eq!(float(package, "/one_of") > 1.0 || items(package, "/releases").iter().any(is_skipped), skips, "{package}");
        let said = run(&[&["cadence"][..], &GRAPH, &arguments].concat());
        let said = String::from_utf8(said.stdout).expect("UTF-8");
        assert_eq!(said.contains("Nothing has to be skipped"), !skips, "{said}");
        let mut lines = said.lines().filter(|line| line.starts_with(text(package, "/package")));
        assert_eq!(lines.any(|line| line.contains("  each ")), each, "{said}");
    }
}
