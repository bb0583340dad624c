//! A part of Nixpkgs as `.drv` files, as Nix itself would write them.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, fs};

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tempfile::TempDir;
use waves_core::graph::Graph;
use waves_core::ingest::{FindingKind, Input};

use crate::naive::{Evaluation, base_name, decompressed};
use crate::support::{directory, nixpkgs};

fn quoted(text: &str) -> String {
    let table = [('\\', "\\\\"), ('"', "\\\""), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t")];
    let escaped = |character| {
        table.iter().find(|(plain, _)| *plain == character).map_or_else(|| String::from(character), |(_, escape)| (*escape).to_owned())
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

fn text(value: &Value) -> String {
    quoted(value.as_str().unwrap_or_default())
}

fn texts(value: &Value) -> String {
    list(value.as_array().into_iter().flatten().map(text))
}

/// The entries of an object by key, as Nix sorts them.
fn sorted(value: &Value) -> BTreeMap<&String, &Value> {
    value.as_object().into_iter().flatten().collect()
}

/// A derivation as the `ATerm` that Nix keeps in its store.
fn aterm(derivation: &Value) -> String {
    let output = |(name, output): (&String, &Value)| {
        format!("({},{},{},{})", quoted(name), text(&output["path"]), text(&output["hashAlgo"]), text(&output["hash"]))
    };
    let input = |(path, outputs): (&String, &Value)| format!("({},{})", quoted(path), texts(outputs));
    let variable = |(key, value): (&String, &Value)| format!("({},{})", quoted(key), text(value));
    format!(
        "Derive({},{},{},{},{},{},{})",
        list(sorted(&derivation["outputs"]).into_iter().map(output)),
        list(sorted(&derivation["inputDrvs"]).into_iter().map(input)),
        texts(&derivation["inputSrcs"]),
        text(&derivation["system"]),
        text(&derivation["builder"]),
        texts(&derivation["args"]),
        list(sorted(&derivation["env"]).into_iter().map(variable)),
    )
}

/// Everything that some derivations need, themselves included.
fn closure(naive: &Evaluation, attributes: &[&str]) -> BTreeSet<String> {
    let mut stack: Vec<usize> = attributes.iter().filter_map(|attr| naive.attributes[*attr]).collect();
    let mut closure = BTreeSet::new();
    while let Some(at) = stack.pop() {
        if closure.insert(format!("/nix/store/{}", naive.names[at])) {
            stack.extend(&naive.inputs[at]);
        }
    }
    closure
}

/// The entries of a dump with these keys: the whole would take too much memory.
struct Only<'k>(&'k BTreeSet<String>);

impl<'de> Visitor<'de> for Only<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.0.contains(&key) {
                kept.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }
}

#[test]
fn files_and_json_are_one_graph() {
    let (Some(nixpkgs), Some(data)) = (nixpkgs(), directory()) else { return };
    let expected = closure(&nixpkgs.naive, &["python312Packages.torch", "firefox", "hello", "steam"]);
    assert!(expected.len() > 1000, "{} derivations", expected.len());
    let dump = decompressed(&data.join("derivations.json.zst"));
    let closure = serde_json::Deserializer::from_str(&dump).deserialize_map(Only(&expected)).expect("JSON");
    drop(dump);
    let directory = TempDir::new().expect("a directory");
    let (store, json) = (directory.path().join("store"), directory.path().join("derivations.json"));
    fs::create_dir(&store).expect("creates");
    for (path, derivation) in &closure {
        fs::write(store.join(base_name(path)), aterm(derivation)).expect("writes");
    }
    fs::write(&json, Value::Object(closure).to_string()).expect("writes");
    let [files, json] = [store, json].map(|path| Graph::import(&[Input::Path(path)], &()).expect("imports"));
    assert_eq!(files.derivations().map(|derivation| derivation.path()).collect::<BTreeSet<_>>(), expected);
    assert_eq!(files.findings().count(FindingKind::Malformed), 0);
    assert_eq!(files.digest(), json.digest());
}
