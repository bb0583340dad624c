//! Whoever is stopped by Ctrl-C or by a service manager leaves no file behind, and neither does a process group that hangs up.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{DUMPS, waves};

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
