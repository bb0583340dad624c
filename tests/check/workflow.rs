//! Workflow commands and files of a step, read as GitHub's runner reads them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use waves_core::graph::Graph;
use waves_core::report::github::{SUMMARY_LIMIT, annotations, harmless, harmless_json, output_lines, outputs};

use crate::hostile::{hostile, name, shown};
use crate::support::{DUMPS, graph, stderr, waves};

static GRAPH: LazyLock<Graph> = LazyLock::new(graph);

/// Whether the runner takes a line for a command: `::` behind white space, or `##[` anywhere.
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

/// Parts a command: its name, its properties, its message.
fn parse(line: &str) -> (String, BTreeMap<String, String>, String) {
    let rest = line.strip_prefix("::").expect("a command");
    let (head, message) = rest.split_once("::").expect("a message");
    let (name, properties) = head.split_once(' ').expect("properties");
    let property = |pair: &str| {
        let (key, value) = pair.split_once('=').expect("key and value");
        (key.to_owned(), value.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%"))
    };
    let message = message.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    (name.to_owned(), properties.split(',').map(property).collect(), message)
}

/// Reads `$GITHUB_OUTPUT`: `name<<delimiter`, lines up to the delimiter.
fn read_outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.split('\n');
    while let Some(head) = lines.next().filter(|line| !line.is_empty()) {
        let (name, delimiter) = head.split_once("<<").expect("a delimiter");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn annotations_are_of_the_files(hostile in hostile()) {
        let report = hostile.report(&GRAPH);
        let commands = annotations(&report, &hostile.files);
        prop_assert!(commands.len() <= 10 && commands.len() >= hostile.files.len().min(10));
        for (at, command) in commands.iter().enumerate() {
            prop_assert!(!command.contains(['\n', '\r', '\u{1b}']), "{command}");
            let (level, properties, _) = parse(command);
            prop_assert!(["error", "warning", "notice"].contains(&level.as_str()));
            if let Some(file) = properties.get("file") {
                // Line ends are kept; of what else a terminal would obey, that it was there.
                let lines = |file: &str| file.split(['\n', '\r']).map(shown).collect::<Vec<_>>();
                prop_assert_eq!(lines(file), lines(&hostile.files[at]));
            }
            let known = properties.keys().all(|key| ["file", "title"].contains(&key.as_str()));
            prop_assert!(known, "{command}");
        }
    }

    #[test]
    fn outputs_are_read_as_they_were(hostile in hostile()) {
        let report = hostile.report(&GRAPH);
        let written = outputs(&report);
        let expected: BTreeMap<String, String> = written.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        prop_assert_eq!(read_outputs(&output_lines(&written)), expected);
    }

    #[test]
    fn a_log_has_no_command(lines in prop::collection::vec(name(), 0..5)) {
        let log = harmless(&lines.join("\n"));
        prop_assert!(!log.split(['\n', '\r']).any(is_command), "{log}");
        prop_assert_eq!(log.replace('\u{2060}', ""), lines.join("\n").replace('\u{2060}', ""));
    }

    #[test]
    fn json_in_a_log_means_the_same(names in prop::collection::vec(name(), 0..5)) {
        let text = serde_json::to_string_pretty(&names).expect("JSON");
        let log = harmless_json(&text);
        prop_assert!(!log.lines().any(is_command), "{log}");
        prop_assert_eq!(serde_json::from_str::<Vec<String>>(&log).expect("JSON"), names);
    }
}

#[test]
fn a_step_gets_summary_outputs_and_annotations() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    fs::write(file("summary"), "# before\n").expect("written");
    fs::write(file("files"), "pkgs/a.nix\npkgs/b,c.nix\n").expect("written");
    let output = waves()
        .args(["check", "--root", "openssl", "--changed-files"])
        .arg(file("files"))
        .args(DUMPS.iter().flat_map(|dump| ["--graph", dump]))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_BASE_REF", "release-24.11")
        .env("GITHUB_STEP_SUMMARY", file("summary"))
        .env("GITHUB_OUTPUT", file("output"))
        .output()
        .expect("waves starts");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let summary = fs::read_to_string(file("summary")).expect("written");
    assert!(summary.starts_with("# before\n\n## Rebuilds are over the policy for release-24.11: nixos-rebuild\n"), "{summary}");
    let outputs = read_outputs(&fs::read_to_string(file("output")).expect("written"));
    assert_eq!((outputs["verdict"].as_str(), outputs["branch"].as_str()), ("over", "staging-nixos-24.11"));
    assert_eq!((outputs["attributes"].as_str(), outputs["derivations"].as_str()), ("87", "72"));
    let labels: Value = serde_json::from_str(&outputs["labels"]).expect("JSON");
    assert_eq!(labels, serde_json::json!(["10.rebuild-darwin: 0", "10.rebuild-linux: 11-100", "10.rebuild-nixos-tests"]));
    let log = stderr(&output);
    let commands: Vec<_> = log.lines().filter(|line| is_command(line)).map(parse).collect();
    let files: Vec<&str> = commands.iter().map(|(_, properties, _)| properties["file"].as_str()).collect();
    assert_eq!(files, ["pkgs/a.nix", "pkgs/b,c.nix"]);
    assert!(commands.iter().all(|(level, _, message)| level == "error" && message.contains("87 names on linux")), "{commands:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).lines().any(is_command));
}

/// Both say which branch should take a change, and take it to be for the branch of the pull request.
#[test]
fn the_branch_is_that_of_the_pull_request() {
    let evaluation = DUMPS.join(",");
    for (command, key) in [("check", "/branch/target"), ("diff", "/suggested_branch")] {
        for (named, expected) in [(&["--base-branch", "staging"][..], "staging"), (&[], "release-24.11")] {
            let mut waves = waves();
            waves.args([command, &evaluation, &evaluation, "--format", "json"]).args(named).env("GITHUB_BASE_REF", "release-24.11");
            let report: Value = serde_json::from_slice(&waves.output().expect("waves starts").stdout).expect("JSON");
            assert_eq!(report.pointer(key), Some(&Value::from(expected)), "{command} {named:?}");
        }
    }
}

/// GitHub shows nothing of a summary that is longer than its limit.
#[test]
fn a_summary_that_is_full_stays_as_it_is() {
    for (room, begins) in [(0, ""), (1, ""), (200, "\n## Rebuilds are ")] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("summary");
        let before = "x".repeat(SUMMARY_LIMIT - room);
        fs::write(&path, &before).expect("written");
        let output = waves()
            .args(["check", "--root", "openssl"])
            .args(DUMPS.iter().flat_map(|dump| ["--graph", dump]))
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", &path)
            .env("GITHUB_OUTPUT", directory.path().join("output"))
            .output()
            .expect("waves starts");
        let after = fs::read_to_string(&path).expect("written");
        let added = after.strip_prefix(&before).expect("what was there stays");
        assert!(added.len() <= room && added.starts_with(begins) && added.is_empty() == begins.is_empty(), "{room}: {added}");
        assert_eq!(stderr(&output).contains("the summary of this step is full"), begins.is_empty(), "{}", stderr(&output));
    }
}

/// Even a command that fails prints no name as a command.
#[test]
fn errors_are_no_commands_either() {
    let output = waves()
        .args(["impact", "--root", "a\n::stop-commands::x", "--graph", DUMPS[0]])
        .env("GITHUB_ACTIONS", "true")
        .output()
        .expect("waves starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(!stderr(&output).lines().any(is_command), "{}", stderr(&output));
}
