//! Processes that are killed while they write: the old state or the new one, never a mixture, and no other file.
//!
//! `WAVES_KILL_ROUNDS` is how often each is killed; the moments are spread evenly over the time that a run takes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{DUMPS, Run, root, waves};

/// Often enough to be in a test of every day; docs/reliability.md has the figures of a thousand.
const ROUNDS: u32 = 25;

fn rounds() -> u32 {
    std::env::var("WAVES_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"))
}

/// The names in a directory, but for those with which `waves` begins what may be left behind where files must have names.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort_unstable();
    names
}

/// Runs a command to its end for its time, then kills it at ever later moments. `is_whole` looks at what it left, each time.
fn kill(mut command: impl FnMut() -> Command, mut before: impl FnMut(), mut is_whole: impl FnMut(u32)) {
    let quiet = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    before();
    let start = Instant::now();
    assert!(quiet(command()).status().expect("starts").success());
    let whole = start.elapsed();
    let rounds = rounds();
    for round in 0..rounds {
        before();
        let mut child = quiet(command()).spawn().expect("starts");
        thread::sleep(whole.mul_f64(f64::from(round) / f64::from(rounds) * 1.1).max(Duration::from_micros(100)));
        let _ = child.kill();
        child.wait().expect("ends");
        is_whole(round);
    }
}

/// Whoever is killed between naming a file and putting it in place of the old one leaves it whole, under a passing name.
fn assert_no_part(directory: &Path, expected: &[&str], new: &[u8]) {
    for name in names(directory) {
        if name.starts_with(".waves-") {
            assert_eq!(fs::read(directory.join(&name)).expect("reads"), new, "{name}");
            fs::remove_file(directory.join(&name)).expect("removes");
        } else {
            assert!(expected.contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn a_snapshot_is_the_old_one_or_the_new_one() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    let import = |dumps: &[&str]| {
        let mut command = waves();
        command.args(["import", "-q", "-o"]).arg(&path).args(dumps);
        command
    };
    Run::of(&mut import(&DUMPS)).expect_success();
    let new = fs::read(&path).expect("reads");
    Run::of(&mut import(&DUMPS[..1])).expect_success();
    let old = fs::read(&path).expect("reads");
    assert_ne!(old, new);
    let mut seen = [0; 2];
    kill(
        || import(&DUMPS),
        || fs::write(&path, &old).expect("writes"),
        |round| {
            let found = fs::read(&path).expect("it is there");
            assert!(found == old || found == new, "round {round}: {} bytes, neither old nor new", found.len());
            seen[usize::from(found == new)] += 1;
            assert_no_part(directory.path(), &["graph.waves"], &new);
        },
    );
    println!("snapshot: {} times the old one, {} times the new one", seen[0], seen[1]);
    assert!(seen[0] > 0, "no kill came in time");
}

#[test]
fn files_of_an_export_are_whole() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("updates.csv"), "package,from,to\nzlib,1.3.1,1.3.2\nhello,2.12.1,2.12.2\n").expect("writes");
    let dumps: Vec<_> = DUMPS.iter().flat_map(|dump| ["--graph".into(), root().join(dump)]).collect();
    let in_directory = |arguments: &[&str]| {
        let mut command = waves();
        command.current_dir(directory.path()).args(arguments).args(&dumps);
        command
    };
    let plan = Run::of(&mut in_directory(&["plan", "--updates", "updates.csv", "--format", "json"])).expect_success();
    fs::write(directory.path().join("plan.json"), plan).expect("writes");
    let export = || in_directory(&["export", "plan.json", "--to", "nix-build", "--output-dir", "out"]);
    Run::of(&mut export()).expect_success();
    let out = directory.path().join("out");
    let files: Vec<(String, Vec<u8>)> =
        names(&out).into_iter().map(|name| (name.clone(), fs::read(out.join(name)).expect("reads"))).collect();
    kill(
        export,
        || fs::remove_dir_all(&out).unwrap_or(()),
        |round| {
            let found = if out.is_dir() { names(&out) } else { Vec::new() };
            for name in found {
                let (_, whole) = files.iter().find(|(file, _)| *file == name).unwrap_or_else(|| panic!("round {round}: {name}"));
                assert_eq!(fs::read(out.join(&name)).expect("reads"), *whole, "round {round}: {name}");
            }
        },
    );
}

#[test]
fn a_history_keeps_whole_evaluations() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("set.history");
    let snapshot = directory.path().join("graph.waves");
    Run::of(waves().args(["import", "-q", "-o"]).arg(&snapshot).args(DUMPS)).expect_success();
    let add = |label: &str| {
        let mut command = waves();
        command.args(["history", "add", "--label", label]).arg(&path).arg(&snapshot);
        command
    };
    let evaluations = || {
        let report = Run::of(waves().args(["history", "list", "--format", "json"]).arg(&path)).expect_success();
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        report["evaluations"].as_array().expect("a list").len()
    };
    kill(
        || add("killed"),
        || fs::remove_file(&path).unwrap_or(()),
        |round| {
            // Killed before its first bytes, there is nothing; after, the next one goes on.
            Run::of(&mut add("next")).expect_success();
            assert!((1..=2).contains(&evaluations()), "round {round}");
        },
    );
}
