//! Where the dumps are, and how to read them without the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::TempDir;
use waves_core::error::Result;
use waves_core::graph::{Derivation, Graph};
use waves_core::ingest::{FindingKind, Input};

/// The dumps of the package set in `data`.
pub(crate) fn dump(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/dumps")).join(name)
}

/// The broken and odd inputs.
pub(crate) fn input(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/inputs")).join(name)
}

pub(crate) fn try_import(paths: &[PathBuf]) -> Result<Graph> {
    let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
    Graph::import(&inputs, &())
}

pub(crate) fn import(paths: &[PathBuf]) -> Graph {
    try_import(paths).expect("it imports")
}

/// Files with these contents, read in this order.
pub(crate) fn read(files: &[(&str, &str)]) -> Graph {
    let directory = TempDir::new().expect("a directory");
    let paths = files.iter().map(|(name, text)| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("written");
        path
    });
    import(&paths.collect::<Vec<_>>())
}

/// A JSON object of a dump.
pub(crate) fn object(path: &Path) -> Map<String, Value> {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("a JSON object")
}

/// The objects of a dump of JSON lines.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

/// A field that is text.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().expect("text")
}

pub(crate) fn base_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// What a graph says of each derivation, by base name.
pub(crate) fn by_name<'g, T>(graph: &'g Graph, of: impl Fn(Derivation<'g>) -> T) -> BTreeMap<String, T> {
    graph.derivations().map(|derivation| (derivation.base_name(), of(derivation))).collect()
}

/// The derivation of each attribute that has one.
pub(crate) fn attribute_derivations(graph: &Graph) -> BTreeMap<String, String> {
    let derivation = |attribute: waves_core::graph::Attribute<'_>| Some((attribute.path().to_owned(), attribute.derivation()?.base_name()));
    graph.attributes().filter_map(derivation).collect()
}

/// Output paths of the derivation of each attribute that has one.
pub(crate) fn attribute_outputs(graph: &Graph) -> BTreeMap<String, BTreeSet<String>> {
    let outputs = |attribute: waves_core::graph::Attribute<'_>| {
        let outputs = attribute.derivation()?.outputs().filter_map(|output| output.path()).collect();
        Some((attribute.path().to_owned(), outputs))
    };
    graph.attributes().filter_map(outputs).collect()
}

/// How many there are of each kind of finding.
pub(crate) fn findings(graph: &Graph) -> Vec<(FindingKind, u64)> {
    graph.findings().iter().map(|(kind, list)| (kind, list.count)).collect()
}
