//! The dumps as `serde_json` reads them, and slow, obvious answers from them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::support::{read, read_json};

/// `derivations.json` and `eval-jobs.jsonl`.
pub(crate) struct Dump {
    derivations: Map<String, Value>,
    /// The derivation of each attribute that has one.
    attributes: Vec<String>,
}

impl Dump {
    pub(crate) fn read() -> Self {
        let Value::Object(derivations) = read_json("data/dumps/derivations.json") else { panic!("an object keyed by derivation") };
        let jobs = read("data/dumps/eval-jobs.jsonl");
        let jobs = jobs.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of nix-eval-jobs"));
        let attributes = jobs.filter_map(|job| Some(job.get("drvPath")?.as_str()?.to_owned())).collect();
        Self { derivations, attributes }
    }

    /// All derivations.
    pub(crate) fn derivations(&self) -> impl Iterator<Item = &str> {
        self.derivations.keys().map(String::as_str)
    }

    /// What a derivation needs, and which outputs of it.
    pub(crate) fn inputs(&self, derivation: &str) -> &Map<String, Value> {
        self.derivations[derivation]["inputDrvs"].as_object().expect("inputs")
    }

    /// Whether the output is fixed by a hash.
    pub(crate) fn is_fixed(&self, derivation: &str) -> bool {
        self.outputs(derivation).values().any(|output| output.get("hash").is_some())
    }

    fn outputs(&self, derivation: &str) -> &Map<String, Value> {
        self.derivations[derivation]["outputs"].as_object().expect("outputs")
    }

    /// What a change of `causes` rebuilds at once: what needs one of them, unless its output is fixed.
    pub(crate) fn next(&self, causes: &BTreeSet<&str>) -> BTreeSet<&str> {
        let is_next = |path: &&str| !self.is_fixed(path) && self.inputs(path).keys().any(|input| causes.contains(input.as_str()));
        self.derivations.keys().map(String::as_str).filter(is_next).collect()
    }

    /// What a change of `roots` rebuilds in the end, roots included: over all derivations again, until nothing is added.
    pub(crate) fn rebuilds<'d>(&'d self, roots: &[&'d str]) -> BTreeSet<&'d str> {
        let mut rebuilt: BTreeSet<&str> = roots.iter().copied().collect();
        loop {
            let next = self.next(&rebuilt);
            if next.is_subset(&rebuilt) {
                return rebuilt;
            }
            rebuilt.extend(next);
        }
    }

    /// The same without what only `stop` leads to: a step at a time, over what is not in it.
    pub(crate) fn rebuilds_without<'d>(&'d self, roots: &[&'d str], stop: &[&'d str]) -> BTreeSet<&'d str> {
        let mut rebuilt: BTreeSet<&str> = roots.iter().copied().filter(|root| !stop.contains(root)).collect();
        loop {
            let next: BTreeSet<&str> = self.next(&rebuilt).into_iter().filter(|next| !stop.contains(next)).collect();
            if next.is_subset(&rebuilt) {
                return rebuilt;
            }
            rebuilt.extend(next);
        }
    }

    /// How many attributes `derivations` have.
    pub(crate) fn attributes_of(&self, derivations: &BTreeSet<&str>) -> usize {
        self.attributes.iter().filter(|derivation| derivations.contains(derivation.as_str())).count()
    }

    /// How many derivations of a system are built: their outputs are not fixed.
    pub(crate) fn built(&self, system: &str) -> usize {
        self.derivations.iter().filter(|(path, derivation)| derivation["system"] == system && !self.is_fixed(path)).count()
    }

    /// The paths that a derivation builds.
    pub(crate) fn output_paths(&self, derivation: &str) -> Vec<&str> {
        self.outputs(derivation).values().filter_map(|output| output["path"].as_str()).collect()
    }

    /// How many distinct paths `derivations` build.
    pub(crate) fn outputs_of(&self, derivations: &BTreeSet<&str>) -> usize {
        derivations.iter().flat_map(|derivation| self.output_paths(derivation)).collect::<BTreeSet<_>>().len()
    }

    /// Derivations in the longest chain among `derivations`.
    pub(crate) fn longest_chain(&self, derivations: &BTreeSet<&str>) -> usize {
        let mut known = BTreeMap::new();
        derivations.iter().map(|derivation| self.chain_to(derivation, derivations, &mut known)).max().unwrap_or(0)
    }

    fn chain_to<'d>(&'d self, end: &'d str, among: &BTreeSet<&str>, known: &mut BTreeMap<&'d str, usize>) -> usize {
        if let Some(&length) = known.get(end) {
            return length;
        }
        // A fixed output waits for nothing: it is there already.
        let inputs = self.inputs(end).keys().filter(|input| !self.is_fixed(end) && among.contains(input.as_str()));
        let longest = inputs.map(|input| self.chain_to(input, among, known)).max().unwrap_or(0);
        known.insert(end, longest + 1);
        longest + 1
    }
}
