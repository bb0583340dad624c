//! Many writers at once, and writers that are killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::killing::kill;
use crate::support::{Run, begun, json, waves};

/// The derivations of the dumps, by path.
fn derivations() -> Vec<String> {
    let dump = fs::read(crate::support::repository().join("data/dumps/derivations.json")).expect("there");
    let dump: serde_json::Map<String, Value> = serde_json::from_slice(&dump).expect("JSON");
    dump.keys().cloned().collect()
}

/// Begins to record results, each of another derivation.
fn record(directory: &Path, number: usize, paths: &[String]) -> Child {
    let file = format!("results-{number}.txt");
    fs::write(directory.join(&file), paths.iter().map(|path| format!("{path} succeeded\n")).collect::<Vec<_>>().concat()).expect("written");
    waves(directory).args(["record", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
}

/// The derivations of the ledger's results, in order; every line must be whole.
fn recorded(directory: &Path) -> Vec<String> {
    let text = fs::read_to_string(directory.join(".waves/ledger.jsonl")).expect("there");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.filter(|line| line["event"] == "record").map(|line| line["derivation"].as_str().expect("a name").to_owned()).collect()
}

fn base_names(paths: &[String]) -> Vec<String> {
    paths.iter().map(|path| path.rsplit('/').next().expect("a name").to_owned()).collect()
}

#[test]
fn many_at_once_lose_nothing_and_mix_nothing() {
    let directory = begun();
    let derivations = derivations();
    let parts: Vec<&[String]> = derivations.chunks(derivations.len().div_ceil(12)).collect();
    let writers: Vec<Child> = parts.iter().enumerate().map(|(number, part)| record(directory.path(), number, part)).collect();
    for mut writer in writers {
        assert!(writer.wait().expect("ends").success());
    }
    let found = recorded(directory.path());
    assert_eq!(found.len(), derivations.len());
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), base_names(&derivations).iter().collect());
    // What one writes stands together.
    for part in parts {
        let names = base_names(part);
        let first = found.iter().position(|name| *name == names[0]).expect("it is there");
        assert_eq!(found[first..first + names.len()], names);
    }
}

#[test]
fn whoever_is_killed_leaves_what_the_next_one_completes() {
    let directory = begun();
    let here = directory.path();
    let ledger = here.join(".waves/ledger.jsonl");
    let lines: Vec<String> = derivations().iter().map(|path| format!("{path} succeeded\n")).collect();
    fs::write(here.join("all.txt"), lines.concat()).expect("written");
    let record = || {
        let mut command = waves(here);
        command.args(["record", "all.txt"]);
        command
    };
    let old = fs::read(&ledger).expect("there");
    Run::of(&mut record()).expect(0);
    let new = fs::read(&ledger).expect("there");
    assert_eq!(recorded(here).len(), lines.len());
    let mut seen = [0; 3];
    kill(
        here,
        record,
        || fs::write(&ledger, &old).expect("written"),
        |round| {
            let found = fs::read(&ledger).expect("there");
            assert!(
                found.starts_with(&old) && new.starts_with(&found),
                "round {round}: {} bytes, not the first of the new ones",
                found.len()
            );
            seen[usize::from(found != old) + usize::from(found == new)] += 1;
            // Readers pass over what it left.
            json(here, &["status"]);
            Run::of(&mut record()).expect(0);
            assert!(fs::read(&ledger).expect("there") == new, "round {round}: not what it would have been");
        },
    );
    println!("ledger: {} times the old one, {} times a part of the new one, {} times all", seen[0], seen[1], seen[2]);
}

#[test]
fn an_unfinished_line_is_told_of_and_cut_off() {
    let directory = begun();
    let path = directory.path().join(".waves/ledger.jsonl");
    let whole = fs::read_to_string(&path).expect("there");
    fs::write(&path, format!("{whole}{{\"time\":17")).expect("written");
    assert_eq!(json(directory.path(), &["status"])["unfinished_bytes"], 10);
    fs::write(directory.path().join("results.txt"), "zlib succeeded\n").expect("written");
    assert_eq!(json(directory.path(), &["record", "results.txt"])["cut_off_bytes"], 10);
    let text = fs::read_to_string(&path).expect("there");
    assert!(text.starts_with(&whole));
    assert_eq!(text.lines().count(), whole.lines().count() + 1);
}

#[test]
fn a_lock_that_is_held_is_told() {
    let directory = begun();
    let lock = fs::File::options().write(true).open(directory.path().join(".waves/ledger.lock")).expect("there");
    fs::write(directory.path().join(".waves/ledger.lock"), "somebody's script").expect("written");
    fs::write(directory.path().join("results.txt"), "zlib succeeded\n").expect("written");
    lock.lock().expect("free");
    let run = Run::of(waves(directory.path()).args(["record", "results.txt"])).expect(5);
    assert!(run.stderr.contains("somebody's script"), "{}", run.stderr);
    // Who only reads does not wait.
    json(directory.path(), &["status"]);
    drop(lock);
    Run::of(waves(directory.path()).args(["record", "results.txt"])).expect(0);
}

/// Events are in the order in which they were added: the last result of a derivation counts, whatever the time on it.
#[test]
fn a_clock_that_goes_backwards_changes_no_order() {
    let directory = begun();
    let record = |time: &str, status: &str| {
        fs::write(directory.path().join("results.txt"), format!("zlib {status}\n")).expect("written");
        Run::of(waves(directory.path()).args(["record", "results.txt"]).env("SOURCE_DATE_EPOCH", time)).expect(0);
    };
    let failed = || json(directory.path(), &["status"])["roots"].as_array().map_or(0, Vec::len);
    record("1767225600", "failed");
    let before = failed();
    record("1000000000", "succeeded");
    assert_eq!((before, failed()), (1, 0));
    record("999999999", "failed");
    assert_eq!(failed(), 1);
}
