//! `--format csv` of every command that lists something, read by Python and compared with the JSON.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{DUMPS, Run, graph_args, root, waves};

const UPDATED: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";
const TIMES: [&str; 2] = ["--durations", "data/dumps/durations.csv"];

/// Arguments, of which those with `true` are about the graph of `data/`.
fn commands(directory: &str) -> Vec<(Vec<String>, bool)> {
    let typed = |arguments: &[&str], times: bool, graph: bool| {
        let all = arguments.iter().chain(TIMES.iter().filter(|_| times));
        (all.map(|argument| (*argument).to_owned()).collect(), graph)
    };
    let dumps = DUMPS.join(",");
    let history = format!("{directory}/set.history");
    let ledger = format!("{directory}/ledger");
    vec![
        typed(&["impact", "--root", "curl"], true, true),
        typed(&["impact", "--root", "glibc", "--inverse"], false, true),
        typed(&["rank"], true, true),
        typed(&["rank"], false, true),
        typed(&["why", "openssl", "nginx", "--all"], false, true),
        typed(&["why", "hello", "glibc"], false, true),
        typed(&["plan", "--root", "glibc", "--levels", "--builders", "4"], true, true),
        typed(&["plan", "--root", "glibc", "--packages"], false, true),
        typed(&["plan", "--updates", "data/dumps/updates.csv", "--frontier"], true, true),
        typed(&["plan", "diff", "tests/inputs/major.json", "tests/inputs/wrong-major.json"], false, false),
        typed(&["verify", "tests/inputs/wrong-major.json"], false, true),
        typed(&["explain", "python312Packages.torch", "--plan", "tests/inputs/major.json"], false, true),
        typed(&["groups"], false, true),
        typed(&["tests", "--root", "openssl", "--budget", "2h"], true, true),
        typed(&["cadence", "--budget", "1h/day", "--releases", "tests/inputs/releases.csv"], true, true),
        typed(&["security", "--root", "openssl", "--plan", "tests/inputs/plan.json"], true, true),
        typed(&["check", "--root", "openssl"], false, true),
        typed(&["notify", "--root", "openssl"], false, true),
        typed(&["info", "--verbose"], false, true),
        typed(&["diff", &dumps, UPDATED], false, false),
        typed(&["history", "list", &history], false, false),
        typed(&["history", "rebuilds", &history, "--root", "openssl"], false, false),
        typed(&["status", "--ledger", &ledger], false, true),
        typed(&["next", "--ledger", &ledger], false, true),
    ]
}

fn run((arguments, with_graph): &(Vec<String>, bool), more: &[&str]) -> String {
    let mut command = waves();
    command.args(arguments).args(more).args(if *with_graph { graph_args() } else { Vec::new() });
    let run = Run::of(&mut command);
    // A plan may be wrong, and a change over the policy.
    assert!(matches!(run.code, Some(0 | 1)), "{arguments:?} {more:?}: {}", run.stderr);
    run.stdout
}

#[test]
fn csv_says_what_json_says() {
    if !Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no python3");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let name = directory.path().display().to_string();
    for evaluation in [&DUMPS.join(",")[..], UPDATED] {
        Run::of(waves().args(["history", "add", "-q", &format!("{name}/set.history"), evaluation])).expect_success();
    }
    Run::of(waves().args(["start", "tests/inputs/plan.json", "--ledger", &format!("{name}/ledger")])).expect_success();

    let mut cases = Vec::new();
    for command in commands(&name) {
        let report: Value = serde_json::from_str(&run(&command, &["--format", "json"])).expect("JSON");
        // Whoever names no list is told which there are.
        let mut wrong = waves();
        wrong.args(&command.0).args(["--format", "csv", "--table", "?"]).args(if command.1 { graph_args() } else { Vec::new() });
        let wrong = Run::of(&mut wrong);
        assert_eq!(wrong.code, Some(2), "{:?}: {}", command.0, wrong.stderr);
        let (_, keys) = wrong.stderr.split_once("it has ").expect("the lists");
        let keys: Vec<&str> = keys.split('`').skip(1).step_by(2).collect();
        assert!(!keys.is_empty() && keys.iter().all(|key| report[key].is_array()), "{keys:?}");
        for key in &keys {
            let csv = run(&command, &["--format", "csv", "--table", key]);
            cases.push(json!({ "report": report, "key": key, "csv": csv }));
        }
        assert_eq!(run(&command, &["--format", "csv"]), cases[cases.len() - keys.len()]["csv"].as_str().expect("a text"), "the first list");
    }
    let mut python = Command::new("python3");
    python.arg(root().join("tests/cli/tables.py")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().expect("python3 starts");
    let mut input = python.stdin.take().expect("a pipe");
    let lines = cases.iter().map(|case| format!("{case}\n")).collect::<Vec<_>>().concat();
    // It stops reading at the first difference, and says so.
    let _ = input.write_all(lines.as_bytes());
    drop(input);
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compared: usize = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count");
    assert!(compared > 3000, "{compared} cells were compared");
}

#[test]
fn a_table_that_is_not_there_is_said() {
    for (arguments, message) in [
        (vec!["impact", "--root", "hello", "--table", "direct"], "--format csv"),
        (vec!["impact", "--root", "hello", "--format", "csv", "--table", "waves"], "`direct`, `attributes`"),
        (vec!["rank", "--format", "csv", "--table", "Packages"], "`packages`"),
    ] {
        let run = Run::of(waves().args(&arguments).args(graph_args()));
        assert_eq!((run.code, &run.stdout[..]), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_reader_may_have_had_enough() {
    let mut command = waves();
    command.args(["impact", "--root", "glibc", "--format", "csv", "--table", "attributes"]).args(graph_args());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("waves starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", String::from_utf8_lossy(&output.stderr));
}
