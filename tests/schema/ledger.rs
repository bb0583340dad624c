//! `waves start`, `record`, `status`, `next`, `waive`, `retry`, `tag` and `request`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GRAPH, assert_valid, items, joined, number, run, schema, sum, text};

/// A ledger with a major wave of two waves, and results of the first.
fn ledger() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, content: &str| fs::write(directory.path().join(name), content).expect("written");
    write("updates.csv", "package,from,to\nzlib,1.3.1,1.3.2\nopenssl,3.3.2,3.4.0\nsqlite,3.46.1,3.47.1\nhello,2.12.1,2.12.2\n");
    write("before.txt", "zlib built\nncurses built\nexpat failed\n");
    write("results.txt", "zlib built\nncurses failed\nexpat failed\nnobody built\nperhaps\n");
    let updates = directory.path().join("updates.csv").display().to_string();
    let planned = run(&[&["plan"], &GRAPH[..], &["--updates", &updates, "--format", "json"]].concat());
    fs::write(directory.path().join("plan.json"), planned.stdout).expect("written");
    directory
}

/// The report of a command that is about the ledger. Of one that only reads, the lines are the document, too.
fn report(ledger: &Path, name: &str, command: &str, arguments: &[&str]) -> Value {
    let directory = ledger.join(".waves").display().to_string();
    let write = |format: &str| {
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("LEDGER", &ledger.display().to_string())).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let graph = if command == "start" { &[][..] } else { &GRAPH[..] };
        let output = run(&[&[command], graph, &arguments, &["--ledger", &directory, "--format", format]].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the report is UTF-8")
    };
    let (document, schema): (Value, Value) = (serde_json::from_str(&write("json")).expect("the report is JSON"), schema(name));
    assert_valid(&schema, &document);
    if matches!(command, "status" | "next" | "request") {
        assert_eq!(joined(&schema, &write("jsonl")), document, "{command}: the lines are not the document");
    }
    document
}

#[test]
fn every_report_keeps_to_its_schema() {
    let directory = ledger();
    let here = directory.path();
    assert_eq!(report(here, "decision", "start", &["LEDGER/plan.json"])["accepted"], true);
    // The second time it is refused; that is a report too.
    let started = report(here, "decision", "start", &["LEDGER/plan.json"]);
    assert_eq!((&started["accepted"], &started["event"]), (&json!(false), &Value::Null));
    report(here, "record", "record", &["--baseline", "LEDGER/before.txt"]);
    let recorded = report(here, "record", "record", &["LEDGER/results.txt"]);
    let file = &recorded["files"][0];
    assert_eq!((number(file, "/known"), number(file, "/unmatched"), number(file, "/unreadable")), (0, 1, 1));
    assert_eq!(file["results"], json!({ "failed": 2, "succeeded": 2 }));

    let status = report(here, "status", "status", &["--durations", "data/dumps/durations.csv", "--builders", "3"]);
    assert_eq!(status["baseline"], json!(["baseline"]));
    assert_eq!(status["history"], Value::Null);
    let told = report(here, "status", "status", &["--history"]);
    assert_eq!(items(&told, "/history").last().expect("a moment")["counts"], told["counts"]);
    let counted = status["counts"].as_object().expect("states");
    let wave = &status["waves"][0];
    for count in ["attributes", "derivations"] {
        assert_eq!(sum(counted.values(), &format!("/{count}")), number(wave, &format!("/{count}")), "{count}");
    }
    let red = |class: &str| items(&status, "/roots").iter().filter(|root| root["class"] == class).count();
    assert_eq!((red("regressed"), red("still-broken"), red("new")), (1, 0, 1), "what expat blocks was not there before");
    let remaining = &status["remaining"];
    let [all, chain, least, eta, most] = ["seconds", "longest_chain_seconds", "at_least_seconds", "eta_seconds", "at_most_seconds"]
        .map(|key| number(remaining, &format!("/{key}")));
    assert!(chain.max(all.div_ceil(3)) <= least && least <= eta && eta <= most && most < all, "{remaining}");

    let next = report(here, "next", "next", &[]);
    assert_eq!((text(&next, "/wave"), text(&next, "/next_wave")), ("wave-1.1", "wave-1.2"));
    assert_eq!(items(&next, "/ready").len() as u64 + number(&next, "/ready_omitted"), number(&status, "/counts/ready/derivations"));
    let retry = report(here, "decision", "retry", &["ncurses"]);
    assert_eq!(retry["decision"], "retry");
    let waived = report(here, "decision", "waive", &["expat", "--reason", "| a `reason`\n", "--until", "wave-1.2", "--by", "ada"]);
    assert_eq!(waived["event"]["until"], json!({ "wave": "wave-1.2" }));
    assert_eq!(report(here, "status", "status", &["--limit", "1"])["waivers"][0]["reason"], "| a `reason`\n");
    let request = report(here, "request", "request", &["curl", "--wave", "1.2"]);
    assert_eq!((text(&request, "/tag"), items(&request, "/updates").len()), ("nix-wave-1.2", 1));
}
