//! A git repository of the package set in `data`, and a commit for each change of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use git2::{IndexEntry, IndexTime, Oid, Signature, Time};
use serde_json::Value;
use tempfile::TempDir;
use waves_core::estimate::{Comparison, Estimate, Repository, estimate};
use waves_core::graph::Graph;
use waves_core::ingest::Input;

use crate::nix::{Nix, copy_of_data};

/// The repository that this is a test of.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The evaluation of `data` before any change.
pub(crate) fn data() -> Graph {
    let dumps = repository().join("data/dumps");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|name| Input::Path(dumps.join(name)));
    Graph::import(&inputs, &()).expect("imports")
}

/// The evaluation of another package set.
pub(crate) fn evaluated(nix: &Nix, set: &Path) -> Graph {
    let rows = nix.rows(set);
    let quoted = |name: &Value| name.as_str().map(|name| if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() });
    let job = |row: &Value| {
        let path: Vec<String> = row["attrPath"].as_array().expect("a path").iter().filter_map(quoted).collect();
        let mut job = row.clone();
        job["attr"] = Value::String(path.join("."));
        job["error"] = row.get("error").map_or(Value::Null, |_| Value::String("it fails".to_owned()));
        job.to_string()
    };
    let derivations: BTreeSet<&str> = rows.iter().filter_map(|row| row["drvPath"].as_str()).collect();
    let arguments: Vec<&str> = ["show-derivation", "-r"].into_iter().chain(derivations).collect();
    let directory = TempDir::new().expect("a directory");
    let (jobs, closure) = (directory.path().join("eval-jobs.jsonl"), directory.path().join("derivations.json"));
    fs::write(&jobs, rows.iter().map(job).collect::<Vec<_>>().join("\n")).expect("written");
    fs::write(&closure, nix.run("nix", &arguments)).expect("written");
    Graph::import(&[Input::Path(closure), Input::Path(jobs)], &()).expect("imports")
}

/// A bare repository that begins with the package set as it is.
pub(crate) struct History {
    directory: TempDir,
    git: git2::Repository,
    pub(crate) base: Oid,
}

impl History {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let git = git2::Repository::init_bare(directory.path()).expect("a repository");
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        let base = commit(&git, set.path(), "The package set", &[]);
        Self { directory, git, base }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Commits what lies in a directory.
    pub(crate) fn commit(&self, set: &Path, subject: &str, parent: Oid) -> Oid {
        commit(&self.git, set, subject, &[parent])
    }

    pub(crate) fn compare(&self, from: Oid, to: Oid) -> Comparison {
        let repository = Repository::discover(self.directory.path()).expect("a repository");
        repository.compare(&format!("{from}..{to}")).expect("compares")
    }

    pub(crate) fn estimate(&self, graph: &Graph, from: Oid, to: Oid) -> Estimate {
        estimate(graph, &self.compare(from, to)).expect("estimates")
    }
}

fn commit(git: &git2::Repository, set: &Path, subject: &str, parents: &[Oid]) -> Oid {
    let mut files = BTreeMap::new();
    read(set, "", &mut files);
    let mut index = git2::Index::new().expect("an index");
    for (path, (mode, contents)) in files {
        let id = git.blob(&contents).expect("a blob");
        let zero = IndexTime::new(0, 0);
        let (file_size, path) = (contents.len() as u32, path.into_bytes());
        let entry =
            IndexEntry { ctime: zero, mtime: zero, dev: 0, ino: 0, mode, uid: 0, gid: 0, file_size, id, flags: 0, flags_extended: 0, path };
        index.add(&entry).expect("added");
    }
    let tree = git.find_tree(index.write_tree_to(git).expect("a tree")).expect("a tree");
    let who = Signature::new("somebody", "somebody@example.org", &Time::new(0, 0)).expect("a signature");
    let parents: Vec<git2::Commit<'_>> = parents.iter().map(|&parent| git.find_commit(parent).expect("a commit")).collect();
    git.commit(None, &who, &who, subject, &tree, &parents.iter().collect::<Vec<_>>()).expect("a commit")
}

/// Every file below a directory, with its mode.
fn read(directory: &Path, prefix: &str, files: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().and_then(|name| name.to_str()).expect("a name"));
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            let is_executable = fs::metadata(&path).expect("it is there").permissions().mode() & 0o100 != 0;
            files.insert(name, (if is_executable { 0o100_755 } else { 0o100_644 }, fs::read(&path).expect("reads")));
        }
    }
}
