//! The dumps without the library: derivations and who needs them, as the JSON has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A dump of the package set in `data`.
pub(crate) fn dump(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/dumps").join(name)
}

/// Two dumps of one evaluation.
pub(crate) struct Dumps {
    derivations: BTreeMap<String, Value>,
    users: BTreeMap<String, BTreeSet<String>>,
    /// From an attribute to its derivation.
    attributes: BTreeMap<String, String>,
}

impl Dumps {
    pub(crate) fn read() -> Self {
        let text = |name: &str| fs::read_to_string(dump(name)).expect("it is there");
        let derivations: BTreeMap<String, Value> = serde_json::from_str(&text("derivations.json")).expect("JSON");
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, derivation) in &derivations {
            for input in derivation["inputDrvs"].as_object().expect("inputs").keys() {
                users.entry(input.clone()).or_default().insert(path.clone());
            }
        }
        let lines = text("eval-jobs.jsonl");
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let attributes = lines.filter_map(|line| Some((line["attr"].as_str()?.to_owned(), line["drvPath"].as_str()?.to_owned()))).collect();
        Self { derivations, users, attributes }
    }

    fn is_fixed(&self, path: &str) -> bool {
        self.derivations[path]["outputs"].as_object().expect("outputs").values().any(|output| output["hash"].is_string())
    }

    /// A variable of a derivation, with structured attributes or without.
    fn variable(&self, path: &str, key: &str) -> Value {
        let env = &self.derivations[path]["env"];
        match env["__json"].as_str() {
            Some(json) => serde_json::from_str::<Value>(json).expect("JSON")[key].clone(),
            None => env[key].clone(),
        }
    }

    /// What has the pname and the source of a derivation.
    fn alike(&self, path: &str) -> BTreeSet<String> {
        let key = |path: &str| (self.variable(path, "pname"), self.variable(path, "src"));
        let own = key(path);
        self.derivations.keys().filter(|other| *other == path || (own.0.is_string() && key(other) == own)).cloned().collect()
    }

    /// The derivations of a package that an attribute names, or else its derivations' names.
    pub(crate) fn package(&self, label: &str) -> BTreeSet<String> {
        let named = |path: &&String| self.derivations[*path]["env"]["name"] == label;
        let path = self.attributes.get(label).or_else(|| self.derivations.keys().find(named));
        self.alike(path.unwrap_or_else(|| panic!("{label} is in the dumps")))
    }

    /// Every package.
    pub(crate) fn packages(&self) -> BTreeSet<BTreeSet<String>> {
        self.derivations.keys().filter(|path| !self.is_fixed(path)).map(|path| self.alike(path)).collect()
    }

    /// Some derivations and all that needs them, but what is held, and up to fixed outputs.
    pub(crate) fn rebuilt(&self, roots: &BTreeSet<String>, held: &BTreeSet<String>) -> BTreeSet<String> {
        let mut open: Vec<&String> = roots.iter().collect();
        let mut reached = BTreeSet::new();
        while let Some(path) = open.pop() {
            let is_root = roots.contains(path);
            if !held.contains(path) && (is_root || !self.is_fixed(path)) && reached.insert(path.clone()) {
                open.extend(self.users.get(path).into_iter().flatten());
            }
        }
        reached
    }

    /// How many attributes name some derivations.
    pub(crate) fn attributes_of(&self, derivations: &BTreeSet<String>) -> usize {
        self.attributes.values().filter(|path| derivations.contains(*path)).count()
    }

    pub(crate) fn outputs(&self, path: &str) -> usize {
        self.derivations[path]["outputs"].as_object().map_or(0, serde_json::Map::len)
    }

    /// What the example takes a build for.
    pub(crate) fn cores(&self, path: &str) -> u64 {
        let features = self.variable(path, "requiredSystemFeatures").to_string();
        let is_local = [Value::from("1"), Value::from(true)].contains(&self.variable(path, "preferLocalBuild"));
        match (self.is_fixed(path), features.contains("big-parallel"), is_local) {
            (true, ..) => 0,
            (_, true, _) => 32,
            (.., true) => 1,
            _ => 4,
        }
    }
}
