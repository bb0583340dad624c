//! Whoever is stopped by Ctrl-C or by a service manager leaves no file behind, and neither does a process group that hangs up.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{DUMPS, Run, root, waves};

#[test]
fn an_import_that_is_stopped_leaves_nothing() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    let import = || {
        let mut command = waves();
        command.args(["import", "-q", "-o"]).arg(&path).args(DUMPS).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let start = Instant::now();
    assert!(import().status().expect("starts").success());
    let (whole, bytes) = (start.elapsed(), fs::read(&path).expect("reads"));
    for round in 0..24_u32 {
        let _ = fs::remove_file(&path);
        let mut child = import().spawn().expect("starts");
        thread::sleep((whole * round / 22).max(Duration::from_micros(100)));
        let signal = ["-INT", "-TERM", "-HUP"][round as usize % 3];
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        child.wait().expect("ends");
        for entry in fs::read_dir(directory.path()).expect("a directory") {
            let name = entry.expect("an entry").file_name();
            assert_eq!(name, "graph.waves", "round {round}, {signal}");
            assert!(fs::read(&path).expect("reads") == bytes, "round {round}, {signal}: not whole");
        }
    }
}

/// Files of an export and a page of a report are whole, or not there.
#[test]
fn whoever_is_stopped_while_writing_leaves_whole_files() {
    let directory = TempDir::new().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("updates.csv"), "package,from,to\nzlib,1.3.1,1.3.2\nhello,2.12.1,2.12.2\n").expect("writes");
    let dumps: Vec<_> = DUMPS.iter().flat_map(|dump| ["--graph".into(), root().join(dump)]).collect();
    let command = |arguments: &[&str]| {
        let mut command = waves();
        command.current_dir(directory.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let plan = Run::of(waves().args(["plan", "--format", "json", "--updates"]).arg(path("updates.csv")).args(&dumps)).expect_success();
    fs::write(path("plan.json"), plan).expect("writes");
    let export = || {
        let mut command = command(&["export", "plan.json", "--to", "nix-build", "--output-dir", "out"]);
        command.args(&dumps);
        command
    };
    let report = || command(&["report", "plan.json", "-o", "out/page.html"]);
    // What is there in the end, by name.
    let found = || {
        let entries = fs::read_dir(path("out")).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        entries.map(|path| (path.clone(), fs::read(path).expect("reads"))).collect::<std::collections::BTreeMap<_, _>>()
    };
    for command in [&export as &dyn Fn() -> Command, &report] {
        let start = Instant::now();
        assert!(command().status().expect("starts").success());
        let (whole, files) = (start.elapsed(), found());
        assert!(!files.is_empty());
        for round in 0..12_u32 {
            fs::remove_dir_all(path("out")).unwrap_or(());
            let mut child = command().spawn().expect("starts");
            thread::sleep((whole * round / 10).max(Duration::from_micros(100)));
            let signal = ["-INT", "-TERM", "-HUP"][round as usize % 3];
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
            child.wait().expect("ends");
            for (path, bytes) in found() {
                assert!(files.get(&path) == Some(&bytes), "round {round}, {signal}: {}", path.display());
            }
        }
        fs::remove_dir_all(path("out")).unwrap_or(());
    }
}
