//! Disks without space, and directories that cannot be written: an error that names the place, and what was there is there still.
//!
//! They are file systems of their own, mounted where only the process under test sees them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{DUMPS, Run, root, waves};

/// Runs a script with `$MOUNT`, a file system with these options that only it sees, and `$WAVES`; `None` where nobody may mount.
fn mounted(options: &str, script: &str) -> Option<Run> {
    let mount = TempDir::new().expect("a directory");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-euc", script]).current_dir(root());
        command.env("MOUNT", mount.path()).env("OPTIONS", options).env("WAVES", env!("CARGO_BIN_EXE_waves"));
        command.env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS");
        command
    };
    let mounts = "mount -t tmpfs -o \"$OPTIONS\" tmpfs \"$MOUNT\"";
    if !run(mounts).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no file system can be mounted here");
        return None;
    }
    Some(Run::of(&mut run(&format!("{mounts}\n{script}"))))
}

fn import(to: &str) -> String {
    format!("\"$WAVES\" import -q {} -o {to}", DUMPS.join(" "))
}

/// How a failed write ends: exit code 5, and one error that names where.
fn assert_not_written(run: &Run, reason: &str) {
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains(reason), "{}", run.stderr);
}

#[test]
fn a_full_disk_keeps_the_old_snapshot() {
    let script = format!(
        "echo old > \"$MOUNT/graph.waves\"
        {} && exit 99 || code=$?
        [ \"$(cat \"$MOUNT/graph.waves\")\" = old ] && [ \"$(ls -A \"$MOUNT\")\" = graph.waves ] || exit 98
        exit $code",
        import("\"$MOUNT/graph.waves\"")
    );
    if let Some(run) = mounted("size=16k", &script) {
        assert_not_written(&run, "No space left on device");
        assert!(run.stderr.contains("graph.waves"), "{}", run.stderr);
    }
}

#[test]
fn a_full_disk_keeps_the_ledger() {
    // More than the last page of the ledger has room for.
    let dump = fs::read(root().join(DUMPS[0])).expect("reads");
    let dump: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&dump).expect("JSON");
    let directory = TempDir::new().expect("a directory");
    let results = directory.path().join("results.txt");
    fs::write(&results, dump.keys().map(|path| format!("{path} failed\n")).collect::<Vec<_>>().concat()).expect("writes");
    let script = format!(
        "cd \"$MOUNT\"
        (cd - >/dev/null; {})
        printf 'package,from,to\\nzlib,1.3.1,1.3.2\\n' > updates.csv
        \"$WAVES\" plan --graph graph.waves --updates updates.csv --format json > plan.json
        mkdir .waves && \"$WAVES\" start plan.json >/dev/null
        cp .waves/ledger.jsonl before
        dd if=/dev/zero of=filler bs=4k 2>/dev/null || true
        \"$WAVES\" record {results} --graph graph.waves >/dev/null && exit 99 || code=$?
        rm filler
        \"$WAVES\" status --graph graph.waves >/dev/null || exit 98
        head -c \"$(stat -c %s before)\" .waves/ledger.jsonl | cmp -s - before || exit 97
        \"$WAVES\" record {results} --graph graph.waves >/dev/null || exit 96
        exit $code",
        import("\"$MOUNT/graph.waves\""),
        results = results.display()
    );
    if let Some(run) = mounted("size=1m", &script) {
        assert_not_written(&run, "No space left on device");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    for name in ["\"$MOUNT/graph.waves\"", "\"$MOUNT/new/graph.waves\""] {
        if let Some(run) = mounted("ro", &import(name)) {
            assert_not_written(&run, "Read-only file system");
        }
    }
}

#[test]
fn a_full_pipe_or_device_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    for format in ["text", "json", "jsonl", "markdown", "dot"] {
        let mut command = waves();
        command.args(["impact", "--root", "glibc", "--format", format]).args(crate::support::graph_args());
        let full = fs::File::options().write(true).open("/dev/full").expect("it is there");
        let run = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().expect("starts").wait_with_output().expect("ends");
        assert_eq!(run.status.code(), Some(5), "{format}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("No space left on device"), "{format}");
    }
}
