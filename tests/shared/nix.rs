//! Nix, in a store of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::repository;

/// A store that nothing else uses; its paths are those of `/nix/store`.
pub(crate) struct Nix {
    directory: TempDir,
}

/// An attribute as Nix evaluates it.
pub(crate) struct Evaluated {
    pub(crate) drv_path: String,
    pub(crate) outputs: BTreeMap<String, String>,
    /// The file that defines it, relative to the set's directory.
    pub(crate) file: Option<String>,
}

impl Nix {
    /// `None` if there is no Nix here.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("nix-instantiate").arg("--version").output().is_err() {
            println!("skipped: no nix-instantiate on the path");
            return None;
        }
        Some(Self { directory: TempDir::new().expect("a directory") })
    }

    /// Where the files of `/nix/store` lie.
    pub(crate) fn store(&self) -> PathBuf {
        self.directory.path().join("root/nix/store")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let home = self.directory.path().join("home");
        fs::create_dir_all(&home).expect("creates");
        let output = Command::new(program)
            .args(arguments)
            .env("NIX_REMOTE", self.directory.path().join("root"))
            .env("HOME", home)
            .env("NIX_CONFIG", "substitute = false")
            .env("LC_ALL", "C")
            .env_remove("NIX_PATH")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Every attribute of a package set, and its derivations in the store.
    pub(crate) fn evaluate(&self, set: &Path) -> BTreeMap<String, Evaluated> {
        let (entry, rows) = (set.join("default.nix"), set.join("ci/eval.nix"));
        let [entry, rows, root] = [entry, rows, set.to_owned()].map(|path| path.display().to_string());
        let mode = ["--eval", "--strict", "--json", "--read-write-mode", "--argstr", "system", "x86_64-linux", "--arg", "entry"];
        let rows: Vec<Value> = serde_json::from_str(&self.run("nix-instantiate", &[&mode[..], &[&entry, &rows]].concat())).expect("JSON");
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
