//! Runs the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two dumps of the package set in `data/`: its edges and its names.
pub(crate) const DUMPS: [&str; 2] = ["data/dumps/derivations.json", "data/dumps/eval-jobs.jsonl"];

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// `waves`, in the repository, without a graph.
pub(crate) fn waves() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.current_dir(root()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_BASE_REF");
    command
}

/// The arguments that name the graph of `data/`.
pub(crate) fn graph_args() -> Vec<&'static str> {
    DUMPS.iter().flat_map(|dump| ["--graph", dump]).collect()
}

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("waves starts");
        let text = |bytes| String::from_utf8(bytes).expect("waves writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Standard output of a run that must succeed.
    pub(crate) fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }
}

/// A real evaluation of nixpkgs, where there is one.
pub(crate) mod nixpkgs {
    use super::{PathBuf, Run, root, waves};

    /// A snapshot of it, made once a run of the tests.
    pub(crate) fn snapshot() -> Option<PathBuf> {
        let data = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| root().join("../shared/data/nixpkgs-24.11"), PathBuf::from);
        if !data.is_dir() {
            println!("skipped: no nixpkgs evaluation at {}", data.display());
            return None;
        }
        let snapshot = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nixpkgs.waves");
        let dumps = ["derivations.json.zst", "eval-jobs.jsonl.zst"];
        // Run among the dumps, so that reports name them without a directory.
        Run::of(waves().arg("import").args(dumps).arg("-o").arg(&snapshot).current_dir(&data)).expect_success();
        Some(snapshot)
    }
}

/// A repository of the set in `data/`: the branch `main`, and `update` with `data/update.patch`. Its commits are the same
/// each time. The README names it by this path.
pub(crate) fn history() {
    let directory = root().join("target/history");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&directory);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
            command.env(format!("GIT_{who}_DATE"), "2024-11-30T12:00:00Z");
        }
        let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let data = root().join("data");
    for entry in ["default.nix", "lib", "maintainers", "nixos", "pkgs"] {
        run("cp", &["-r", &data.join(entry).display().to_string(), "."]);
    }
    run("git", &["init", "--quiet", "--initial-branch=main"]);
    run("git", &["add", "."]);
    run("git", &["commit", "--quiet", "-m", "The set"]);
    run("git", &["switch", "--quiet", "-c", "update"]);
    run("git", &["apply", &data.join("update.patch").display().to_string()]);
    run("git", &["add", "."]);
    run("git", &["commit", "--quiet", "-m", "curl: 8.11.0 -> 8.11.1, and more"]);
}
