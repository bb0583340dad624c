//! What is looked for here and above, and whose it is.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use crate::support::{DUMPS, Run, root, waves};

/// From two directories below.
const GRAPH: [&str; 2] = ["--graph", "../../.waves/graph.waves"];

/// Only who may give files away can test it.
#[test]
fn what_was_found_and_is_of_somebody_else_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let top = directory.path();
    let below = top.join("a/b");
    fs::create_dir_all(&below).expect("created");
    Run::of(waves().arg("import").args(DUMPS.map(|dump| root().join(dump))).current_dir(top)).expect_success();
    let run = |here: &PathBuf, arguments: &[&str]| Run::of(waves().args(arguments).current_dir(here));
    let updates = root().join("data/dumps/updates.csv").display().to_string();
    let plan = run(&below, &["plan", "--updates", &updates, "--format", "json"]).expect_success();
    fs::write(top.join("plan.json"), plan).expect("written");
    run(&top.to_owned(), &["start", "plan.json"]).expect_success();
    fs::write(top.join("waves.toml"), "[policy]\n").expect("written");

    let commands = [
        (vec!["info"], ".waves/graph.waves", GRAPH),
        (vec!["check", "--root", "hello", GRAPH[0], GRAPH[1]], "waves.toml", ["--config", "../../waves.toml"]),
        (vec!["status", GRAPH[0], GRAPH[1]], ".waves/ledger.jsonl", ["--ledger", "../../.waves"]),
    ];
    for (arguments, file, named) in commands {
        let before = run(&below, &arguments).expect_success();
        if chown(top.join(file), Some(12345), Some(12345)).is_err() {
            println!("skipped: not the superuser, files cannot be given away");
            return;
        }
        let refused = run(&below, &arguments);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        let told = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(file) && told.contains("belongs to somebody else") && told.contains(named[0]), "{told}");
        // Whoever names it, trusts it.
        assert_eq!(run(&below, &[&arguments[..], &named].concat()).expect_success(), before);
        // In a directory of theirs, it is of the same people.
        chown(&below, Some(12345), Some(12345)).expect("given away");
        assert_eq!(run(&below, &arguments).expect_success(), before);
        for path in [&below, &top.join(file)] {
            chown(path, Some(0), Some(0)).expect("taken back");
        }
    }
}
