//! Runs the binary on a ledger of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// `waves`, in a directory, with nothing of the environment of whoever runs the tests.
pub(crate) fn waves(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.current_dir(directory).env("SOURCE_DATE_EPOCH", "1767225600").env("USER", "ada");
    for variable in ["WAVES_GRAPH", "GITHUB_ACTIONS", "GITHUB_BASE_REF"] {
        command.env_remove(variable);
    }
    command
}

/// A directory with the snapshot of the dumps of `data/`, and a major wave of two waves that has begun there.
pub(crate) fn begun() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let dumps = ["derivations.json", "eval-jobs.jsonl"].map(|dump| repository().join("data/dumps").join(dump));
    Run::of(waves(directory.path()).args(["import", "-q"]).args(dumps)).expect(0);
    plan(directory.path(), 1, &["zlib", "openssl", "sqlite", "hello"]);
    Run::of(waves(directory.path()).args(["start", "plan-1.json"])).expect(0);
    directory
}

/// Writes the plan of a major wave that updates some packages.
pub(crate) fn plan(directory: &Path, major: u32, updates: &[&str]) {
    let rows: String = updates.iter().map(|package| format!("{package},1,2\n")).collect::<Vec<_>>().concat();
    fs::write(directory.join("updates.csv"), format!("package,from,to\n{rows}")).expect("written");
    let major = major.to_string();
    let planned = Run::of(waves(directory).args(["plan", "--updates", "updates.csv", "--format", "json", "--major", &major])).expect(0);
    fs::write(directory.join(format!("plan-{major}.json")), planned.stdout).expect("written");
}

/// Runs `waves`, and reads what it says as JSON.
#[track_caller]
pub(crate) fn json(directory: &Path, arguments: &[&str]) -> Value {
    Run::of(waves(directory).args(arguments).args(["--format", "json"])).expect(0).json()
}

/// The texts at a key of each item of a list.
pub(crate) fn texts<'v>(list: &'v Value, key: &str) -> Vec<&'v str> {
    list.as_array().expect("a list").iter().map(|item| item[key].as_str().expect("a text")).collect()
}
