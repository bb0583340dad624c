//! The same questions to `waves`, and to a real DuckDB that has nothing but the tables of `waves tables`.
//!
//! DuckDB is the module of Python, in `target/python` (where `.ci/run` puts it), or of `python3` on the path. Where it is not there
//! nothing is asked, and said so. Parquet and CSV are asked the same: tests are built with the feature `parquet`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Attributes, derivations and outputs.
type Counts = [u64; 3];

const DUMPS: &str = "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl";
const UPDATED: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";
const OTHERS: &str = "data/dumps/content-addressed.json";
const ATTRIBUTES: [&str; 9] = ["glibc", "openssl", "curl", "zlib", "hello", "jq", "bash", "python312Packages.torch", "pkgsi686Linux.zlib"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

fn waves(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.args(arguments).current_dir(repository()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS");
    let output = command.output().expect("waves starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn report(arguments: &[&str]) -> Value {
    serde_json::from_slice(&waves(&[arguments, &["--format", "json"]].concat())).expect("JSON")
}

/// A Python that has DuckDB, if there is one.
fn python() -> Option<PathBuf> {
    let candidates = [repository().join("target/python/bin/python"), PathBuf::from("python3")];
    let has_duckdb = |python: &PathBuf| {
        let import = Command::new(python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    let found = candidates.into_iter().find(has_duckdb);
    if found.is_none() {
        println!("skipped: no Python has DuckDB (python3 -m venv target/python && target/python/bin/pip install duckdb)");
    }
    found
}

/// Parquet is a feature that tests always have.
const FORMATS: [&str; 2] = ["parquet", "csv"];

fn duckdb(python: &Path, kind: &str, directory: &Path, format: &str, attributes: &[&str]) -> Value {
    let mut child = Command::new(python)
        .arg(repository().join("tests/duckdb/ask.py"))
        .args([kind, directory.to_str().expect("UTF-8"), format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    child.stdin.take().expect("piped").write_all(json!(attributes).to_string().as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "DuckDB answers");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn counts(rebuilds: &Value) -> Counts {
    ["attributes", "derivations", "outputs"].map(|key| rebuilds[key].as_u64().expect("a count"))
}

/// What `waves impact` counts.
fn impact(attribute: &str, graph: &str) -> Counts {
    let graphs: Vec<&str> = graph.split(',').flat_map(|dump| ["--graph", dump]).collect();
    counts(&report(&[&["impact", "--root", attribute][..], &graphs].concat())["rebuilds"])
}

fn check_graph(python: &Path, graph: &str, attributes: &[&str], formats: &[&str]) {
    let directory = TempDir::new().expect("a directory");
    let output = directory.path().to_str().expect("UTF-8");
    let graphs: Vec<&str> = graph.split(',').flat_map(|dump| ["--graph", dump]).collect();
    for format in formats {
        waves(&[&["tables", "--output", output, "--format", format][..], &graphs].concat());
        let found = duckdb(python, "graph", directory.path(), format, attributes);
        for attribute in attributes {
            assert_eq!(found[attribute], json!(impact(attribute, graph)), "{attribute}, {format}");
        }
    }
}

/// Adds evaluations to a history, asks of it, and of each evaluation by itself.
fn check_history(python: &Path, evaluations: &[&str], attributes: &[&str], formats: &[&str]) {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("history");
    let (file, output) = (file.to_str().expect("UTF-8"), directory.path().to_str().expect("UTF-8"));
    for (at, evaluation) in evaluations.iter().enumerate() {
        waves(&["history", "add", file, evaluation, "--label", &at.to_string(), "--time", "2024-11-30", "--quiet"]);
    }
    let mut expected: BTreeMap<&str, BTreeMap<String, Counts>> = BTreeMap::new();
    for attribute in attributes {
        let over_time = report(&["history", "rebuilds", file, "--root", attribute]);
        let answers = over_time["evaluations"].as_array().expect("a list").iter().filter(|line| !line["rebuilds"].is_null());
        let answers: BTreeMap<String, Counts> = answers.map(|line| (line["number"].to_string(), counts(&line["rebuilds"]))).collect();
        for (number, answer) in &answers {
            let evaluation = evaluations[number.parse::<usize>().expect("a number") - 1];
            assert_eq!(*answer, impact(attribute, evaluation), "{attribute} in {evaluation}");
        }
        expected.insert(attribute, answers);
    }
    for format in formats {
        waves(&["tables", "--output", output, "--format", format, "--history", file]);
        assert_eq!(duckdb(python, "history", directory.path(), format, attributes), json!(expected), "{format}");
    }
}

#[test]
fn an_evaluation() {
    let Some(python) = python() else { return };
    check_graph(&python, DUMPS, &ATTRIBUTES, &FORMATS);
    check_graph(&python, UPDATED, &["curl", "cmake", "zoxide"], &FORMATS);
}

/// The third has nothing of the others; what was before is back then.
#[test]
fn a_history() {
    let Some(python) = python() else { return };
    check_history(&python, &[DUMPS, UPDATED, OTHERS, DUMPS], &[&ATTRIBUTES[..], &["zoxide"]].concat(), &FORMATS);
}

#[test]
fn nixpkgs() {
    let Some(python) = python() else { return };
    let data = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository().join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    if !data.is_dir() {
        println!("skipped: no nixpkgs evaluation at {}", data.display());
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let snapshot = |name: &str, dumps: &[&str]| {
        let path = directory.path().join(name).to_str().expect("UTF-8").to_owned();
        let dumps: Vec<String> = dumps.iter().map(|dump| data.join(dump).to_str().expect("UTF-8").to_owned()).collect();
        let dumps: Vec<&str> = dumps.iter().map(String::as_str).collect();
        waves(&[&["import", "--quiet", "--output", &path][..], &dumps].concat());
        path
    };
    let plain = snapshot("plain.waves", &["derivations.json.zst", "eval-jobs.jsonl.zst"]);
    let cuda = snapshot("cuda.waves", &["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"]);
    let attributes = ["glibc", "openssl", "python312Packages.torch", "hello"];
    let formats = &FORMATS[..1];
    check_graph(&python, &plain, &attributes, formats);
    check_history(&python, &[&plain, &cuda], &attributes, formats);
}

/// No day, no machine and no number of threads is in a file.
#[test]
fn the_same_tables_are_the_same_bytes() {
    let directories = [TempDir::new().expect("a directory"), TempDir::new().expect("a directory")];
    for format in FORMATS {
        let written = directories.each_ref().map(|directory| {
            let output = directory.path().to_str().expect("UTF-8");
            waves(&[
                "tables",
                "-o",
                output,
                "-f",
                format,
                "--graph",
                "data/dumps/derivations.json",
                "--graph",
                "data/dumps/eval-jobs.jsonl",
            ]);
            let mut files: Vec<PathBuf> =
                fs::read_dir(directory.path()).expect("listed").map(|file| file.expect("a file").path()).collect();
            files.retain(|file| file.extension().is_some_and(|extension| extension == format));
            files.sort();
            files.into_iter().map(|file| (file.file_name().map(ToOwned::to_owned), fs::read(&file).expect("read"))).collect::<Vec<_>>()
        });
        assert_eq!(written[0].len(), 6);
        assert_eq!(written[0], written[1]);
    }
}
