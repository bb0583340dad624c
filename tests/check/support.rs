//! Runs the binary, and programs that know the answer in another way.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use waves_core::graph::Graph;
use waves_core::ingest::Input;

/// Two dumps of the package set in `data/`: its edges and its names.
pub(crate) const DUMPS: [&str; 2] = ["data/dumps/derivations.json", "data/dumps/eval-jobs.jsonl"];

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The graph of [`DUMPS`].
pub(crate) fn graph() -> Graph {
    let inputs = DUMPS.map(|dump| Input::Path(repository().join(dump)));
    Graph::import(&inputs, &()).expect("imports")
}

/// `waves`, in the repository, with no graph and no workflow around it.
pub(crate) fn waves() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.current_dir(repository());
    for variable in ["WAVES_GRAPH", "GITHUB_ACTIONS", "GITHUB_BASE_REF", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"] {
        command.env_remove(variable);
    }
    command
}

/// `waves check` on the graph of `data/`.
pub(crate) fn check(arguments: &[&str]) -> Output {
    let mut command = waves();
    command.arg("check").args(arguments).args(DUMPS.iter().flat_map(|dump| ["--graph", dump]));
    command.output().expect("waves starts")
}

/// Its JSON and exit code.
pub(crate) fn check_json(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = check(&[arguments, &["--format", "json"]].concat());
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap_or_else(|error| panic!("{error}: {}", stderr(&output))), output.status.code())
}

/// What a run said of errors.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reads a file as JSON.
pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it was written")).expect("it is JSON")
}

/// Whether a program is here; says so if it is not.
pub(crate) fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        println!("skipped: there is no {program}");
    }
    is_there
}

/// What a program prints, given something to read.
pub(crate) fn piped(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads all");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// changed-paths.json by the rules of nixpkgs' CI.
pub(crate) fn ci(input: &Value) -> Value {
    serde_json::from_str(&piped("jq", &["-f", "tests/check/changed-paths.jq"], &input.to_string())).expect("jq writes JSON")
}
