//! The dump as a tree of `serde_json::Value`, and its edges from there.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Failure;

/// What there is to know of the graph.
pub(crate) struct Edges {
    derivations: usize,
    inputs: usize,
    rebuilds: Vec<[usize; 2]>,
}

impl Edges {
    /// Derivations, inputs, and inputs that rebuild.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [self.derivations, self.inputs, self.rebuilds.len()]
    }
}

/// Reads a dump of Nix 2.4 to 2.17, compressed or not.
pub(crate) fn load(dump: &Path) -> Result<Edges, Failure> {
    let mut text = Vec::new();
    let mut file = File::open(dump)?;
    if dump.extension().is_some_and(|extension| extension == "zst") {
        let mut decoder = zstd::Decoder::new(file)?;
        decoder.window_log_max(31)?;
        decoder.read_to_end(&mut text)?;
    } else {
        file.read_to_end(&mut text)?;
    }
    let derivations: Map<String, Value> = serde_json::from_slice(&text)?;
    let number: HashMap<&str, usize> = derivations.keys().enumerate().map(|(at, path)| (path.as_str(), at)).collect();
    let (mut inputs, mut rebuilds) = (0, Vec::new());
    for (user, derivation) in derivations.values().enumerate() {
        let used = derivation["inputDrvs"].as_object().ok_or("a derivation without inputDrvs")?;
        let is_fixed = derivation["outputs"].as_object().is_some_and(|outputs| outputs.values().any(|output| output.get("hash").is_some()));
        inputs += used.len();
        if !is_fixed {
            rebuilds.extend(used.keys().map(|path| [number[path.as_str()], user]));
        }
    }
    Ok(Edges { derivations: derivations.len(), inputs, rebuilds })
}
