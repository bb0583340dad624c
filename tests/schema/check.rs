//! `waves check`.

use serde_json::Value;

use crate::support::{GRAPH, assert_valid, items, joined, number, run, schema, sum, text};

/// The report of a check, which may exit with 1: valid by its schema, and the same as JSON and as JSON lines.
fn check(arguments: &[&str]) -> Value {
    let stdout = |format: &str| {
        let output = run(&[&["check"], arguments, &["--format", format]].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).expect("the report is UTF-8"), output.status.code())
    };
    let (document, code) = stdout("json");
    let document: Value = serde_json::from_str(&document).expect("the report is JSON");
    assert_valid(&schema("check"), &document);
    assert_eq!(joined(&schema("check"), &stdout("jsonl").0), document, "{arguments:?}: the lines are not the document");
    assert_eq!(text(&document, "/verdict"), if code == Some(1) { "over" } else { "within" });
    document
}

#[test]
fn foretold_and_compared_keep_to_the_schema() {
    for arguments in [
        [&GRAPH[..], &["--root", "glibc"]].concat(),
        [&GRAPH[..], &["--root", "openssl,zlib", "--base-branch", "staging"]].concat(),
        [&GRAPH[..], &["--root", "hello", "--base-branch", "elsewhere"]].concat(),
        vec!["data/dumps/outpaths.json", "data/dumps/outpaths.json"],
        vec!["data/dumps/outpaths.json", "data/dumps/eval-jobs.jsonl", "--within"],
    ] {
        let report = check(&arguments);
        let has_over = items(&report, "/reasons").iter().any(|reason| text(reason, "/severity") == "over");
        assert_eq!(has_over, text(&report, "/verdict") == "over", "{arguments:?}");
        let graver = items(&report, "/reasons").windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1]));
        assert!(graver, "{arguments:?}");
        assert_eq!(number(&report, "/attributes/rebuilds"), number(&report, "/rebuilds/attributes"));
    }
}

fn rank(reason: &Value) -> usize {
    ["over", "warning", "note"].iter().position(|severity| *severity == text(reason, "/severity")).expect("a severity")
}

/// No name of this set is on two platforms: names are attributes, and kernels have the derivations.
#[test]
fn kernels_add_up() {
    let report = check(&[&GRAPH[..], &["--root", "glibc"]].concat());
    let kernels = report["kernels"].as_object().expect("counts by kernel");
    assert_eq!(sum(kernels.values(), "/derivations"), number(&report, "/rebuilds/derivations"));
    let platforms = report["platforms"].as_object().expect("counts by platform");
    assert_eq!(sum(kernels.values(), "/names"), sum(platforms.values(), ""));
    assert_eq!(number(&report, "/biggest_cause/attributes"), number(&report, "/rebuilds/attributes"));
}
