//! Nix, in a store of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::repository;

/// A store that nothing else uses.
pub(crate) struct Nix {
    directory: TempDir,
    store: PathBuf,
    /// What tells Nix where it is.
    environment: Vec<(&'static str, PathBuf)>,
}

/// Without a network, a daemon, or a machine that can run virtual machines.
const CONFIGURATION: &str = "substitute = false\nsandbox = false\nbuild-users-group =\n\
    system-features = kvm nixos-test big-parallel benchmark\nextra-platforms = i686-linux\nexperimental-features = nix-command";

fn directory() -> Option<TempDir> {
    if Command::new("nix-instantiate").arg("--version").output().is_err() {
        println!("skipped: no nix-instantiate on the path");
        return None;
    }
    Some(TempDir::new().expect("a directory"))
}

impl Drop for Nix {
    /// Directories in a store are read-only.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(self.directory.path()).status();
    }
}

/// An attribute as Nix evaluates it.
pub(crate) struct Evaluated {
    pub(crate) drv_path: String,
    pub(crate) outputs: BTreeMap<String, String>,
    /// The file that defines it, relative to the set's directory.
    pub(crate) file: Option<String>,
}

impl Nix {
    /// A store whose paths are those of `/nix/store`, for evaluation; `None` if there is no Nix here.
    pub(crate) fn new() -> Option<Self> {
        let directory = directory()?;
        let root = directory.path().join("root");
        Some(Self { directory, store: root.join("nix/store"), environment: vec![("NIX_REMOTE", root)] })
    }

    /// A store that can be built in, whose paths are where it lies; `None` if there is no Nix here.
    pub(crate) fn that_builds() -> Option<Self> {
        let directory = directory()?;
        let [store, state, log] = ["store", "state", "log"].map(|name| directory.path().join(name));
        let environment = vec![("NIX_STORE_DIR", store.clone()), ("NIX_STATE_DIR", state), ("NIX_LOG_DIR", log)];
        Some(Self { directory, store, environment })
    }

    /// Where the files of the store lie.
    pub(crate) fn store(&self) -> PathBuf {
        self.store.clone()
    }

    /// A program that uses this store, if it uses one.
    pub(crate) fn command(&self, program: &str) -> Command {
        let home = self.directory.path().join("home");
        fs::create_dir_all(&home).expect("creates");
        let mut command = Command::new(program);
        command
            .env_remove("NIX_REMOTE")
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .env("HOME", home)
            .env("NIX_CONFIG", CONFIGURATION)
            .env("LC_ALL", "C")
            .env_remove("NIX_PATH");
        command
    }

    /// Runs a program of Nix; what it writes to standard output.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Every attribute of a package set as `ci/eval.nix` tells it, and its derivations in the store.
    pub(crate) fn rows(&self, set: &Path) -> Vec<Value> {
        let (entry, rows) = (set.join("default.nix"), set.join("ci/eval.nix"));
        let [entry, rows] = [entry, rows].map(|path| path.display().to_string());
        let mode = ["--eval", "--strict", "--json", "--read-write-mode", "--argstr", "system", "x86_64-linux", "--arg", "entry"];
        serde_json::from_str(&self.run("nix-instantiate", &[&mode[..], &[&entry, &rows]].concat())).expect("JSON")
    }

    /// Every attribute of a package set, and its derivations in the store.
    pub(crate) fn evaluate(&self, set: &Path) -> BTreeMap<String, Evaluated> {
        let (rows, root) = (self.rows(set), set.display().to_string());
        let file = |row: &Value| {
            let position = row["meta"]["position"].as_str()?.strip_prefix(&root)?.trim_start_matches('/');
            Some(position.rsplit_once(':')?.0.to_owned())
        };
        let evaluated = |row: Value| {
            let attr: Vec<String> = serde_json::from_value(row["attrPath"].clone()).expect("a path");
            let drv_path = row["drvPath"].as_str()?.to_owned();
            let outputs = serde_json::from_value(row["outputs"].clone()).expect("outputs");
            Some((attr.join("."), Evaluated { drv_path, outputs, file: file(&row) }))
        };
        rows.into_iter().filter_map(evaluated).collect()
    }

    /// The package set in `data`.
    pub(crate) fn evaluate_data(&self) -> BTreeMap<String, Evaluated> {
        self.evaluate(&repository().join("data"))
    }

    /// Everything in the store that needs a path, at any distance.
    pub(crate) fn referrers_closure(&self, path: &str) -> Vec<String> {
        self.run("nix-store", &["--query", "--referrers-closure", path]).lines().map(str::to_owned).collect()
    }
}

/// A copy of the package set in `data`, to be changed.
pub(crate) fn copy_of_data(to: &Path) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("creates");
        for entry in fs::read_dir(from).expect("it is there") {
            let path = entry.expect("an entry").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, target).expect("copies");
            }
        }
    }
    copy(&repository().join("data"), to);
    fs::remove_dir_all(to.join("dumps")).expect("removes");
}
