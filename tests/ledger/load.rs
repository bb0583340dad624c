//! A ledger of a long day. `WAVES_LEDGER_EVENTS` is how many events it has.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{begun, repository, waves};

/// Enough for a test of every day; docs/reliability.md has the figures of a million.
const EVENTS: u64 = 100_000;
/// Memory that an event may take: its line and what is read from it are some 520 bytes.
const EVENT_BYTES: u64 = 1_500;

/// What `waves status` says, and the most memory that it had, as the system says; `None` where the system does not.
fn status(directory: &TempDir) -> (Value, Option<u64>) {
    let mut command = waves(directory.path());
    let mut child = command.args(["status", "--format", "json"]).stdout(Stdio::piped()).spawn().expect("starts");
    let file = format!("/proc/{}/status", child.id());
    let stdout = child.stdout.take().expect("piped");
    let reader = thread::spawn(move || serde_json::from_reader(stdout).expect("JSON"));
    let mut peak = None;
    while child.try_wait().expect("waits").is_none() {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.map(|kilobytes| kilobytes << 10));
        thread::sleep(Duration::from_millis(1));
    }
    (reader.join().expect("no panic"), peak)
}

#[test]
fn a_long_ledger_is_replayed_in_memory_that_grows_with_its_events_alone() {
    let events: u64 = std::env::var("WAVES_LEDGER_EVENTS").map_or(EVENTS, |events| events.parse().expect("a number"));
    let directory = begun();
    let (_, before) = status(&directory);
    let dump = fs::read(repository().join("data/dumps/derivations.json")).expect("there");
    let dump: serde_json::Map<String, Value> = serde_json::from_slice(&dump).expect("JSON");
    let names: Vec<&str> = dump.keys().filter_map(|path| path.rsplit('/').next()).collect();
    // Each derivation fails and succeeds in turn, and the last time it succeeds.
    let path = directory.path().join(".waves/ledger.jsonl");
    let mut ledger = BufWriter::new(fs::File::options().append(true).open(&path).expect("there"));
    for event in (0..events).rev() {
        let (name, round) = (names[(event % names.len() as u64) as usize], event / names.len() as u64);
        let outcome = if round.is_multiple_of(2) { "succeeded" } else { "failed" };
        let time = 1_767_225_600 - event / 12;
        writeln!(
            ledger,
            r#"{{"time":{time},"event":"record","wave":"wave-1.1","derivation":"{name}","attributes":[],"system":"x86_64-linux","status":"{outcome}","source":"a farm"}}"#
        )
        .expect("written");
    }
    ledger.into_inner().expect("written");
    let (status, peak) = status(&directory);
    let counts = &status["results"];
    assert_eq!(counts["counted"].as_u64().zip(counts["outside"].as_u64()).map(|(of, outside)| of + outside), Some(events), "{counts}");
    assert_eq!(status["roots"].as_array().map(Vec::len), Some(0), "{}", status["roots"]);
    let (Some(before), Some(peak)) = (before, peak) else {
        println!("skipped: the system does not say how much memory a process has");
        return;
    };
    let each = peak.saturating_sub(before) / events;
    println!("{events} events: {} MiB at most, {each} bytes an event", peak >> 20);
    assert!(each < EVENT_BYTES, "{each} bytes an event");
}
