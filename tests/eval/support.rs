//! A Nix of the tests' own: a store in a temporary directory, and programs that are real or pretend to be.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use waves_core::graph::Graph;
use waves_core::ingest::Input;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The graph of the dumps of `data/`.
pub(crate) fn dumped() -> Graph {
    let dumps = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(root().join("data/dumps").join(dump)));
    Graph::import(&dumps, &()).expect("dumps")
}

/// A directory with all that `waves eval` reads, writes and runs.
pub(crate) struct Nix {
    directory: TempDir,
}

impl Nix {
    /// With the `nix-instantiate` of this machine, and nothing else on the `PATH`.
    pub(crate) fn real() -> Option<Self> {
        let programs = env::var_os("PATH").unwrap_or_default();
        let Some(program) = env::split_paths(&programs).map(|directory| directory.join("nix-instantiate")).find(|path| path.is_file())
        else {
            println!("skipped: nix-instantiate is not on the PATH");
            return None;
        };
        let nix = Self::none();
        symlink(program, nix.path("bin/nix-instantiate")).expect("linked");
        Some(nix)
    }

    /// With no Nix at all.
    pub(crate) fn none() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["bin", "home", "store", "tmp"] {
            fs::create_dir(directory.path().join(name)).expect("created");
        }
        Self { directory }
    }

    /// Adds a program that is a shell script.
    pub(crate) fn with(self, program: &str, script: &str) -> Self {
        let path = self.write(&format!("bin/{program}"), &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("made executable");
        self
    }

    /// A file of the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of the directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the directory")).expect("created");
        fs::write(&path, text).expect("written");
        path
    }

    /// A program in this environment, in the directory.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("NIX_REMOTE", self.path("store"))
            .env("NIX_CONFIG", "substitute = false");
        command
    }

    /// `waves eval`, which writes `graph.waves`.
    pub(crate) fn eval<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.run(
            self.command(env!("CARGO_BIN_EXE_waves")).arg("eval").args(arguments.into_iter().map(Into::into)).args(["-o", "graph.waves"]),
        )
    }

    /// Runs a command, which may leave nothing behind but what it was asked for.
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        let output = command.output().expect("it starts");
        let left: Vec<_> = fs::read_dir(self.path("tmp")).expect("listed").collect();
        assert!(left.is_empty(), "{left:?}");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The snapshot that was written.
    pub(crate) fn graph(&self) -> Graph {
        Graph::open(&self.path("graph.waves")).expect("a snapshot")
    }
}

impl Drop for Nix {
    /// Directories in a store are read-only.
    fn drop(&mut self) {
        make_writable(&self.path("store"));
    }
}

fn make_writable(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        let _ = fs::set_permissions(path, PermissionsExt::from_mode(0o755));
        fs::read_dir(path).into_iter().flatten().flatten().for_each(|entry| make_writable(&entry.path()));
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// Nix is not there or failed, and standard error says why.
    #[track_caller]
    pub(crate) fn expect_failure(self, message: &str) -> Self {
        assert_eq!(self.code, Some(4), "{self:#?}");
        assert!(self.stderr.starts_with("error: ") && self.stderr.contains(message), "{self:#?}");
        assert!(self.stdout.is_empty(), "{self:#?}");
        self
    }
}
