//! Many processes at once on one snapshot, and clocks that go backwards.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{DUMPS, Run, waves};

#[test]
fn of_two_that_write_a_snapshot_one_is_last_and_whole() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    let import = |dumps: &[&str]| {
        let mut command = waves();
        command.args(["import", "-q", "-o"]).arg(&path).args(dumps).stdout(Stdio::null());
        command
    };
    let alone = |dumps: &[&str]| {
        Run::of(&mut import(dumps)).expect_success();
        fs::read(&path).expect("reads")
    };
    let (one, other) = (alone(&DUMPS), alone(&DUMPS[..1]));
    for _ in 0..10 {
        let mut writers: Vec<_> = [&DUMPS[..], &DUMPS[..1]].map(|dumps| import(dumps).spawn().expect("starts")).into();
        while !writers.is_empty() {
            // At any moment, also while both write.
            let found = fs::read(&path).expect("it is there");
            assert!(found == one || found == other, "{} bytes, of neither", found.len());
            writers.retain_mut(|writer| writer.try_wait().expect("waits").is_none());
        }
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
    }
}

#[test]
fn two_hundred_readers_of_one_snapshot_say_the_same() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    Run::of(waves().args(["import", "-q", "-o"]).arg(&path).args(DUMPS)).expect_success();
    let ask = || {
        let mut command = waves();
        command.args(["plan", "--root", "glibc", "--format", "json", "--graph"]).arg(&path);
        command
    };
    let expected = Run::of(&mut ask()).expect_success();
    let readers: Vec<_> = (0..200).map(|_| ask().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts")).collect();
    for reader in readers {
        let output = reader.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), expected);
    }
}

#[test]
fn of_many_that_add_to_a_history_each_adds_one_evaluation() {
    let directory = TempDir::new().expect("a directory");
    let (path, snapshot) = (directory.path().join("set.history"), directory.path().join("graph.waves"));
    Run::of(waves().args(["import", "-q", "-o"]).arg(&snapshot).args(DUMPS)).expect_success();
    let add = |label: usize| {
        let mut command = waves();
        command.args(["history", "add", "-q", "--label", &format!("l{label}")]).arg(&path).arg(&snapshot);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts")
    };
    let writers: Vec<_> = (0..8).map(add).collect();
    for writer in writers {
        let output = writer.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let list = Run::of(waves().args(["history", "list", "--format", "json"]).arg(&path)).expect_success();
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let mut labels: Vec<_> = list["evaluations"].as_array().expect("a list").iter().map(|one| one["label"].as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7"].map(Some));
}

/// Of a snapshot there is one copy in memory, whoever reads it: none could hold one of its own in as much memory as it may have.
#[test]
fn many_readers_share_one_copy_of_a_snapshot() {
    const MIB: u64 = 1 << 20;
    let directory = TempDir::new().expect("a directory");
    let (dump, path) = (directory.path().join("jobs.jsonl"), directory.path().join("graph.waves"));
    let mut jobs = BufWriter::new(File::create(&dump).expect("written"));
    for number in 0..80_000 {
        writeln!(jobs, r#"{{"attr":"a{number}","error":"{number}{}"}}"#, "x".repeat(1000)).expect("written");
    }
    jobs.into_inner().expect("written");
    Run::of(waves().args(["import", "-q", "-o"]).arg(&path).arg(&dump)).expect_success();
    let size = fs::metadata(&path).expect("it is there").len();
    // Memory that is not of a file, in KiB: what the kernel counts against RLIMIT_DATA.
    let limit = 40 * MIB;
    assert!(size > 3 * limit / 2, "{size}");
    let ask = || {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -d {} && exec \"$0\" info --format json --graph \"$1\"", limit >> 10)]);
        command.arg(env!("CARGO_BIN_EXE_waves")).arg(&path).env_remove("GITHUB_ACTIONS").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("starts")
    };
    let readers: Vec<_> = (0..20).map(|_| ask()).collect();
    for reader in readers {
        let output = reader.wait_with_output().expect("ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
