//! Processes that are killed while they write: the old state or the new one, never a mixture, and no other file.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::killing::kill;
use crate::support::{DUMPS, Run, graph_args, root, waves};

/// The names in a directory, but for those with which `waves` begins what may be left behind where files must have names.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort_unstable();
    names
}

/// Kills `write`, which puts a file of `new` bytes in place of one of `old` ones: it is one of the two, and beside it is what was there.
fn kill_while_replaced(directory: &TempDir, path: &Path, [old, new]: [&[u8]; 2], write: impl FnMut() -> Command) {
    let name = path.file_name().and_then(OsStr::to_str).expect("a name");
    let others = names(directory.path());
    let mut seen = [0; 2];
    assert_ne!(old, new);
    kill(
        directory.path(),
        write,
        || fs::write(path, old).expect("writes"),
        |round| {
            let found = fs::read(path).expect("it is there");
            assert!(found == old || found == new, "round {round}: {} bytes, neither old nor new", found.len());
            seen[usize::from(found == new)] += 1;
            assert_no_part(directory.path(), &others, new);
        },
    );
    println!("{name}: {} times the old one, {} times the new one", seen[0], seen[1]);
}

/// Whoever is killed between naming a file and putting it in place of the old one leaves it whole, under a passing name.
fn assert_no_part(directory: &Path, expected: &[String], new: &[u8]) {
    for name in names(directory) {
        if name.starts_with(".waves-") {
            assert_eq!(fs::read(directory.join(&name)).expect("reads"), new, "{name}");
            fs::remove_file(directory.join(&name)).expect("removes");
        } else {
            assert!(expected.contains(&name), "{name}");
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
    kill_while_replaced(&directory, &path, [&old, &new], || import(&DUMPS));
}

#[test]
fn a_page_is_the_old_one_or_the_new_one() {
    let directory = TempDir::new().expect("a directory");
    let (report, page) = (directory.path().join("impact.json"), directory.path().join("impact.html"));
    fs::write(&report, Run::of(waves().args(["impact", "--root", "zlib", "--format", "json"]).args(graph_args())).expect_success())
        .expect("writes");
    let write = || {
        let mut command = waves();
        command.arg("report").arg(&report).arg("-o").arg(&page).args(graph_args());
        command
    };
    Run::of(&mut write()).expect_success();
    let new = fs::read(&page).expect("reads");
    kill_while_replaced(&directory, &page, [b"the page before", &new], write);
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
        directory.path(),
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
        directory.path(),
        || add("killed"),
        || fs::remove_file(&path).unwrap_or(()),
        |round| {
            // Killed before its first bytes, there is nothing; after, the next one goes on.
            Run::of(&mut add("next")).expect_success();
            assert!((1..=2).contains(&evaluations()), "round {round}");
        },
    );
}
