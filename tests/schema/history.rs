//! `waves history`.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{GRAPH, assert_valid, items, joined, number, report, run, schema, sum, text};

const UPDATED: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";

/// The report of a subcommand: valid by its schema, and the same as JSON and as JSON lines.
fn history(name: &str, arguments: &[&str]) -> Value {
    let stdout = |format: &str| {
        let output = run(&[&["history"], arguments, &["--format", format]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the report is UTF-8")
    };
    let (document, schema): (Value, Value) = (serde_json::from_str(&stdout("json")).expect("the report is JSON"), schema(name));
    assert_valid(&schema, &document);
    if arguments[0] != "add" {
        assert_eq!(joined(&schema, &stdout("jsonl")), document, "{arguments:?}: the lines are not the document");
    }
    document
}

#[test]
fn every_report_keeps_to_its_schema() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("history").display().to_string();
    let before = format!("{},{}", GRAPH[1], GRAPH[3]);
    history("history", &["add", &file, &before, "--label", "before", "--time", "2024-11-30"]);
    let added = history("history", &["add", &file, UPDATED, "--label", "<b>after</b>", "--time", "2024-12-01"]);
    assert_eq!((items(&added, "/evaluations").len(), number(&added, "/history/evaluations")), (1, 2));

    let list = history("history", &["list", &file]);
    let evaluations = items(&list, "/evaluations");
    assert_eq!(evaluations[0], added["evaluations"][0]);
    assert_eq!((text(&evaluations[0], "/label"), number(&evaluations[0], "/number")), ("<b>after</b>", 2));
    assert_eq!(sum(evaluations, "/new_derivations"), number(&list, "/history/derivations"));
    let header = 12;
    assert_eq!(sum(evaluations, "/bytes") + header, number(&list, "/history/bytes"));
    let info = report("info", &[]);
    for count in ["attributes", "derivations", "outputs"] {
        assert_eq!(number(&evaluations[1], &format!("/{count}")), number(&info, &format!("/evaluation/{count}")), "{count}");
    }
    let attributes = |change: &str| number(&evaluations[0], &format!("/{change}_attributes"));
    let grown = number(&evaluations[0], "/attributes") + attributes("removed");
    assert_eq!(number(&evaluations[1], "/attributes") + attributes("added"), grown);
    let cut = history("history", &["list", &file, "--limit", "1"]);
    assert_eq!((items(&cut, "/evaluations").len(), number(&cut, "/evaluations_omitted")), (1, 1));

    let rebuilds = history("history-rebuilds", &["rebuilds", &file, "--root", "openssl", "--root", "zoxide"]);
    let evaluations = items(&rebuilds, "/evaluations");
    assert_eq!(evaluations[1]["rebuilds"], report("impact", &["--root", "openssl"])["rebuilds"]);
    assert_eq!(evaluations[1]["unresolved"], json!([{ "selector": "zoxide", "reason": "unknown" }]));
    assert_eq!(evaluations[0]["unresolved"], json!([]));
    assert_eq!(rebuilds["unresolved"], json!([{ "selector": "zoxide", "reason": "unknown", "evaluations": 1 }]));
    let new = history("history-rebuilds", &["rebuilds", &file, "--root", "zoxide"]);
    assert_eq!((&new["evaluations"][1]["rebuilds"], number(&new, "/evaluations/1/root_derivations")), (&Value::Null, 0));
}

/// No label is markup.
#[test]
fn labels_are_hostile() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("history").display().to_string();
    let label = "<b>|`@nobody`\u{1b}[31m\n::error::";
    assert!(run(&["history", "add", &file, GRAPH[1], "--label", label, "-q"]).status.success());
    let output = |format: &str| String::from_utf8(run(&["history", "list", &file, "--format", format]).stdout).expect("UTF-8");
    assert!(!output("text").contains('\u{1b}') && !output("text").lines().any(|line| line.starts_with("::")));
    let markdown = output("markdown");
    assert!(!markdown.contains("<b>") && !markdown.contains("@nobody"), "{markdown}");
}
