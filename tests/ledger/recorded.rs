//! What a file of results adds to a ledger.

use std::fs;
use std::path::Path;

use crate::support::{Run, begun, json, texts, waves};

/// Records files of results together, each a name and what is in it; returns the ledger.
fn record(directory: &Path, files: &[(&str, &str)]) -> String {
    for (file, text) in files {
        fs::write(directory.join(file), text).expect("written");
    }
    Run::of(waves(directory).arg("record").args(files.iter().map(|(file, _)| file))).expect(0);
    fs::read_to_string(directory.join(".waves/ledger.jsonl")).expect("there")
}

#[test]
fn a_file_that_is_recorded_again_adds_nothing() {
    let directory = begun();
    let here = directory.path();
    let first = ("first.txt", "zlib failed\nexpat building\nzlib built\nexpat built\n");
    let second = ("second.txt", "curl failed\nxz failed\nxz built\n");
    record(here, &[first]);
    let ledger = record(here, &[second]);
    let status = json(here, &["status"]);
    assert_eq!(texts(&status["roots"], "package"), ["curl"]);
    for again in [&[first][..], &[second], &[first, second], &[second, first]] {
        assert_eq!(record(here, again), ledger, "{again:?}");
        assert_eq!(json(here, &["status"]), status);
    }
    // The first lines of a file that grows are known, and what is new is that it failed since.
    let grown = record(here, &[("first.txt", "zlib failed\nzlib built\nzlib failed\n")]);
    let added: Vec<&str> = grown.strip_prefix(&ledger).expect("the same, and more").lines().collect();
    assert!(matches!(added[..], [line] if line.contains("-zlib-1.3.1.drv") && line.contains("\"failed\"")), "{added:?}");
}
