//! Waves of the package set in `data`, found again in its dumps without the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const GRAPH: [&str; 4] = ["--graph", "data/dumps/derivations.json", "--graph", "data/dumps/eval-jobs.jsonl"];

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

pub(crate) fn waves(arguments: &[&str]) -> Output {
    let mut waves = Command::new(env!("CARGO_BIN_EXE_waves"));
    waves.args(arguments).current_dir(repository()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_BASE_REF");
    waves.output().expect("waves runs")
}

/// What a run that must succeed wrote to standard output.
pub(crate) fn stdout(arguments: &[&str]) -> String {
    let output = waves(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A plan of `data/dumps/updates.csv`, and what was exported of it.
pub(crate) struct Export {
    pub(crate) directory: TempDir,
    pub(crate) plan: Value,
    /// What was said of it.
    pub(crate) notes: String,
}

impl Export {
    pub(crate) fn new(engine: &str, arguments: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let plan = stdout(&[&["plan", "--updates", "data/dumps/updates.csv", "--format", "json"], &GRAPH[..]].concat());
        let file = directory.path().join("plan.json");
        fs::write(&file, &plan).expect("writes");
        let out = directory.path().join("out");
        let [file, out] = [&file, &out].map(|path| path.to_str().expect("UTF-8"));
        let output = waves(&[&["export", file, "--to", engine, "--output-dir", out], &GRAPH[..], arguments].concat());
        let notes = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "{notes}");
        Self { directory, plan: serde_json::from_str(&plan).expect("JSON"), notes }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("out").join(name)
    }

    /// The files that were written, by name.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("it is there");
        let mut names: Vec<String> = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// The names of the waves, and the packages that each updates.
    pub(crate) fn waves(&self) -> Vec<(String, Vec<String>)> {
        let texts = |list: &Value| list.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect();
        let waves = self.plan["waves"].as_array().expect("waves").iter();
        waves.map(|wave| (wave["name"].as_str().expect("a name").to_owned(), texts(&wave["updates"]))).collect()
    }
}

/// The dumps of `data`, as they are.
pub(crate) struct Dump {
    derivations: BTreeMap<String, Value>,
    /// The derivation of each attribute.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Attributes that a package set refuses by default.
    pub(crate) refused: BTreeSet<String>,
}

impl Dump {
    pub(crate) fn read() -> Self {
        let read = |name: &str| fs::read_to_string(repository().join("data/dumps").join(name)).expect(name);
        let jobs = read("eval-jobs.jsonl");
        let attribute = |line: &str| {
            let job: Value = serde_json::from_str(line).expect("a job");
            Some((job["attr"].as_str()?.to_owned(), job["drvPath"].as_str()?.to_owned()))
        };
        let refused = |line: &str| {
            let job: Value = serde_json::from_str(line).expect("a job");
            let is = |key: &str| job["meta"][key] == true;
            (is("broken") || is("insecure") || is("unfree")).then(|| job["attr"].as_str().expect("a name").to_owned())
        };
        Self {
            refused: jobs.lines().filter_map(refused).collect(),
            derivations: serde_json::from_str(&read("derivations.json")).expect("derivations"),
            attributes: jobs.lines().filter_map(attribute).collect(),
        }
    }

    fn is_fixed(&self, derivation: &str) -> bool {
        self.derivations[derivation]["outputs"]
            .as_object()
            .is_some_and(|outputs| outputs.values().any(|output| output.get("hash").is_some()))
    }

    /// What rebuilds a derivation.
    fn inputs(&self, derivation: &str) -> BTreeSet<&str> {
        let inputs = self.derivations[derivation]["inputDrvs"].as_object().expect("inputs");
        if self.is_fixed(derivation) { BTreeSet::new() } else { inputs.keys().map(String::as_str).collect() }
    }

    /// Everything that a change of packages rebuilds.
    pub(crate) fn wave(&self, packages: &[String]) -> BTreeSet<String> {
        let roots = packages.iter().flat_map(|package| {
            let impact = stdout(&[&["impact", "--root", package, "--format", "json"], &GRAPH[..]].concat());
            let impact: Value = serde_json::from_str(&impact).expect("JSON");
            let derivations = impact["roots"][0]["derivations"].as_array().expect("derivations").clone();
            derivations.into_iter().map(|path| path.as_str().expect("a path").to_owned())
        });
        let mut rebuilt: BTreeSet<String> = roots.collect();
        loop {
            let is_next = |path: &&String| !rebuilt.contains(*path) && self.inputs(path).iter().any(|input| rebuilt.contains(*input));
            let next: Vec<String> = self.derivations.keys().filter(is_next).cloned().collect();
            if next.is_empty() {
                return rebuilt;
            }
            rebuilt.extend(next);
        }
    }

    /// What of `wave` is built on the way to `targets`, themselves included, if all of `built` is there.
    pub(crate) fn on_the_way(&self, targets: &[String], wave: &BTreeSet<String>, built: &BTreeSet<String>) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = targets.iter().map(String::as_str).collect();
        while let Some(path) = next.pop() {
            if wave.contains(path) && !built.contains(path) && reached.insert(path.to_owned()) {
                next.extend(self.inputs(path));
            }
        }
        reached
    }

    /// What of `wave` some attribute leads to.
    pub(crate) fn reachable(&self, wave: &BTreeSet<String>) -> BTreeSet<String> {
        let targets: Vec<String> = self.attributes.values().filter(|path| wave.contains(*path)).cloned().collect();
        self.on_the_way(&targets, wave, &BTreeSet::new())
    }
}
