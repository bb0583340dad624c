//! Many processes at once on one snapshot, and clocks that go backwards.

use std::fs;
use std::process::Stdio;

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
