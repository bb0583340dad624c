//! Several systems in one evaluation: each is named where it matters, and nothing is said twice.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{Run, waves};

const PACKAGES: [&str; 4] = ["openssl-3", "git-2", "nginx-1", "hub-1"];
/// Attributes, the package of each, and the packages that it needs.
const ATTRIBUTES: [(&str, usize, &[usize]); 5] =
    [("openssl", 0, &[]), ("git", 1, &[0]), ("gitAlias", 1, &[0]), ("nginx", 2, &[0]), ("hub", 3, &[1])];

/// A dump of all attributes for each of two systems.
fn two_systems(directory: &Path) -> String {
    let mut lines = Vec::new();
    for (first, system) in [(0, "aarch64-linux"), (10, "x86_64-linux")] {
        let path = |package: usize, suffix: &str| {
            format!("/nix/store/{}-{}{suffix}", format!("{:02}", first + package).repeat(16), PACKAGES[package])
        };
        for (attribute, package, needs) in ATTRIBUTES {
            let inputs: Map<String, Value> = needs.iter().map(|&input| (path(input, ".drv"), json!(["out"]))).collect();
            let job = json!({
                "attr": attribute, "attrPath": [attribute], "name": PACKAGES[package], "system": system,
                "drvPath": path(package, ".drv"), "outputs": { "out": path(package, "") }, "inputDrvs": inputs,
                "meta": { "maintainers": [{ "github": "ada" }], "position": format!("pkgs/{}.nix:1", PACKAGES[package]) },
            });
            lines.push(job.to_string());
        }
    }
    let dump = directory.join("systems.jsonl");
    fs::write(&dump, lines.join("\n")).expect("written");
    dump.display().to_string()
}

fn run(arguments: &[&str], dump: &str) -> String {
    Run::of(waves().args(arguments).args(["--graph", dump])).expect_success()
}

#[test]
fn commands_and_aliases_are_said_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let dump = two_systems(directory.path());
    let report: Value = serde_json::from_str(&run(&["notify", "--root", "openssl", "--format", "json"], &dump)).expect("JSON");
    let packages = report["people"][0]["packages"].as_array().expect("a list");
    for name in ["git", "nginx"] {
        let package = packages.iter().find(|package| package["package"] == name).expect("a package");
        assert_eq!(package["commands"], json!([format!("nix-build -A {name}"), format!("nix-build -A {name}.tests")]));
        assert_eq!(package["derivations"].as_array().map(Vec::len), Some(2), "one for each system");
    }
    let text = run(&["notify", "--root", "openssl", "--only", "ada"], &dump);
    assert!(text.contains("\ngit (gitAlias) and 1 variant "), "{text}");
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("  nix-build")).collect();
    assert_eq!(commands, ["  nix-build --keep-going -A git -A nginx", "  nix-build -A git.tests", "  nix-build -A nginx.tests"]);
}

#[test]
fn tests_name_their_systems() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = run(&["tests", "--root", "openssl", "--budget", "10"], &two_systems(directory.path()));
    let words = |line: &str| line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    let (_, table) = text.split_once("Tests, each next that adds most for its cost\n").expect("a table");
    let mut rows: Vec<Vec<String>> = table.lines().filter(|line| !line.is_empty()).map(words).collect();
    assert_eq!(rows.remove(0), ["test", "system"]);
    rows.sort();
    assert_eq!(rows, [["hub", "aarch64-linux"], ["hub", "x86_64-linux"], ["nginx", "aarch64-linux"], ["nginx", "x86_64-linux"]]);
}

/// Packages are of one system, but what they rebuild is of all: who reads the counts is told.
#[test]
fn what_is_chosen_is_said_where_it_is_not_counted() {
    const CHOSEN: &str = "\nPackages of aarch64-linux; what they rebuild is counted on all systems.\n";
    const NAMED: &str = "\nOnly packages that have an attribute.\n";
    let directory = tempfile::tempdir().expect("a directory");
    let dump = two_systems(directory.path());
    let updates = directory.path().join("updates.csv");
    fs::write(&updates, "package,from,to\nopenssl,3,4\n").expect("written");
    let plan = ["plan", "--updates", updates.to_str().expect("UTF-8")];
    for command in [&plan[..], &["rank"]] {
        let said = |more: &[&str]| {
            let text = run(&[command, more].concat(), &dump);
            (text.contains(CHOSEN), text.contains(NAMED))
        };
        assert_eq!((said(&[]), said(&["--system", "aarch64-linux"])), ((false, false), (true, false)), "{command:?}");
        if command[0] == "rank" {
            assert_eq!((said(&["--named"]), said(&["--named", "--system", "aarch64-linux"])), ((false, true), (true, true)));
        }
    }
}

#[test]
fn a_header_says_what_an_evaluation_is_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let dump = two_systems(directory.path());
    let text = run(&["impact", "--root", "openssl"], &dump);
    let header = text.lines().next().expect("a line");
    assert!(header.ends_with(": systems.jsonl (aarch64-linux and 1 more system, 10 attributes, 8 derivations)"), "{header}");
    let info = run(&["info"], &dump);
    assert!(info.lines().next().is_some_and(|line| line.ends_with(" of aarch64-linux, x86_64-linux")), "{info}");
    // Lines of `nix-env` have no system.
    let info = run(&["info"], "data/dumps/nix-env.txt");
    assert!(info.lines().next().is_some_and(|line| line.ends_with(" of an unknown system")), "{info}");
}
