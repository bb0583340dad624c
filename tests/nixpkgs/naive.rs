//! The dumps read the obvious way, and the obvious walks.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
struct Derivation {
    outputs: BTreeMap<String, Output>,
    #[serde(rename = "inputDrvs")]
    inputs: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Output {
    path: String,
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Job {
    attr: String,
    #[serde(rename = "drvPath")]
    drv_path: Option<String>,
}

/// An evaluation: derivations by number, and who uses them.
pub(crate) struct Evaluation {
    /// Base names of the derivations.
    pub(crate) names: Vec<String>,
    pub(crate) numbers: HashMap<String, usize>,
    pub(crate) inputs: Vec<Vec<usize>>,
    /// Everything that needs a derivation.
    pub(crate) needing: Vec<Vec<usize>>,
    pub(crate) is_fixed: Vec<bool>,
    pub(crate) outputs: Vec<Vec<String>>,
    /// Attributes and their derivations, or nothing if they fail.
    pub(crate) attributes: BTreeMap<String, Option<usize>>,
    /// How many attributes a derivation has.
    pub(crate) attribute_counts: Vec<usize>,
}

pub(crate) fn decompressed(path: &Path) -> String {
    let mut decoder = zstd::Decoder::new(File::open(path).expect("it is there")).expect("zstd");
    decoder.window_log_max(31).expect("a window");
    let mut text = String::new();
    decoder.read_to_string(&mut text).expect("it is whole");
    text
}

impl Evaluation {
    pub(crate) fn read(directory: &Path) -> Self {
        let text = decompressed(&directory.join("derivations.json.zst"));
        let derivations: BTreeMap<String, Derivation> = serde_json::from_str(&text).expect("JSON");
        drop(text);
        let names: Vec<String> = derivations.keys().map(|path| base_name(path).to_owned()).collect();
        let numbers: HashMap<String, usize> = names.iter().enumerate().map(|(number, name)| (name.clone(), number)).collect();
        let of_inputs = |derivation: &Derivation| derivation.inputs.keys().map(|input| numbers[base_name(input)]).collect();
        let inputs: Vec<Vec<usize>> = derivations.values().map(of_inputs).collect();
        let mut needing = vec![Vec::new(); names.len()];
        for (user, inputs) in inputs.iter().enumerate() {
            for &input in inputs {
                needing[input].push(user);
            }
        }
        let is_fixed = derivations.values().map(|derivation| derivation.outputs.values().any(|output| output.hash.is_some())).collect();
        let outputs =
            derivations.into_values().map(|derivation| derivation.outputs.into_values().map(|output| output.path).collect()).collect();
        let jobs = zstd::Decoder::new(File::open(directory.join("eval-jobs.jsonl.zst")).expect("it is there")).expect("zstd");
        let mut attributes = BTreeMap::new();
        let mut attribute_counts = vec![0; names.len()];
        for line in BufReader::new(jobs).lines() {
            let job: Job = serde_json::from_str(&line.expect("text")).expect("JSON");
            let derivation = job.drv_path.and_then(|path| numbers.get(base_name(&path)).copied());
            if let Some(number) = derivation {
                attribute_counts[number] += 1;
            }
            attributes.insert(job.attr, derivation);
        }
        Self { names, numbers, inputs, needing, is_fixed, outputs, attributes, attribute_counts }
    }

    /// What a change of a derivation rebuilds directly.
    pub(crate) fn users(&self, input: usize) -> impl Iterator<Item = usize> {
        self.needing[input].iter().copied().filter(|&user| !self.is_fixed[user])
    }

    /// What a change of `roots` rebuilds: a flag for each derivation.
    pub(crate) fn rebuilds(&self, roots: &[usize]) -> Vec<bool> {
        let mut seen = vec![false; self.names.len()];
        let mut stack = roots.to_vec();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                stack.extend(self.users(node));
            }
        }
        seen
    }

    /// Derivations and attributes of a set.
    pub(crate) fn counts(&self, set: &[bool]) -> (usize, usize) {
        let members = set.iter().enumerate().filter(|(_, is_member)| **is_member);
        members.fold((0, 0), |(derivations, attributes), (at, _)| (derivations + 1, attributes + self.attribute_counts[at]))
    }

    /// Edges on the shortest way along `next`, if there is one.
    pub(crate) fn distance<I: Iterator<Item = usize>>(&self, from: &[usize], to: &[usize], next: impl Fn(usize) -> I) -> Option<usize> {
        let mut seen = vec![false; self.names.len()];
        let mut ring = from.to_vec();
        for distance in 0.. {
            if ring.is_empty() {
                break;
            }
            if ring.iter().any(|at| to.contains(at)) {
                return Some(distance);
            }
            ring = ring.into_iter().flat_map(&next).filter(|&near| !std::mem::replace(&mut seen[near], true)).collect();
        }
        None
    }
}

pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
