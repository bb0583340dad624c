//! A package set as dumps: `nix show-derivation -r` in the shape of Nix 2.4, and `nix-eval-jobs` with `--meta`.

use serde_json::{Map, Value, json};

use crate::model::{Attribute, PackageSet};

const STORE: &str = "/nix/store";
const BASE_32: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// An entry of a JSON object: its key and its value.
pub(crate) type Entry = (String, Value);

impl PackageSet {
    /// A store path whose hash depends on nothing but the salt, the kind and the number.
    fn path(&self, kind: u64, number: usize, name: &str) -> String {
        let mut state = self.salt ^ (kind << 32 | number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash: String = (0..32)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(BASE_32[(state >> 59) as usize])
            })
            .collect();
        format!("{STORE}/{hash}-{name}")
    }

    pub(crate) fn name(&self, at: usize) -> String {
        let derivation = &self.derivations[at];
        if derivation.version.is_empty() { derivation.pname.to_owned() } else { format!("{}-{}", derivation.pname, derivation.version) }
    }

    pub(crate) fn drv_path(&self, at: usize) -> String {
        self.path(1, at, &format!("{}.drv", self.name(at)))
    }

    pub(crate) fn output_path(&self, at: usize, output: &str) -> String {
        let at = self.derivations[at].twin.unwrap_or(at);
        let suffix = if output == "out" { String::new() } else { format!("-{output}") };
        let number = at * 8 + self.derivations[at].outputs.iter().position(|known| *known == output).expect("an output of it");
        self.path(2, number, &format!("{}{suffix}", self.name(at)))
    }

    fn file_path(&self, number: usize) -> String {
        self.path(3, number, &format!("file-{number}.patch"))
    }

    /// The entries of `nix show-derivation -r`.
    pub(crate) fn derivation_entries(&self) -> Vec<Entry> {
        self.all().map(|at| (self.drv_path(at), self.derivation_json(at))).collect()
    }

    fn derivation_json(&self, at: usize) -> Value {
        let derivation = &self.derivations[at];
        let mut outputs = Map::new();
        let mut env = Map::new();
        for output in &derivation.outputs {
            let path = self.output_path(at, output);
            env.insert((*output).to_owned(), json!(path));
            let hash = format!("{:064x}", derivation.twin.unwrap_or(at));
            let fixed = json!({ "path": path, "hashAlgo": "sha256", "hash": hash });
            outputs.insert((*output).to_owned(), if derivation.is_fixed { fixed } else { json!({ "path": path }) });
        }
        for (key, value) in [("name", self.name(at).as_str()), ("pname", derivation.pname), ("version", derivation.version)] {
            env.insert(key.to_owned(), json!(value));
        }
        if !derivation.features.is_empty() {
            let features: Vec<&str> = derivation.features.iter().copied().collect();
            env.insert("requiredSystemFeatures".to_owned(), json!(features.join(" ")));
        }
        if let Some(src) = derivation.src {
            env.insert("src".to_owned(), json!(self.output_path(src, "out")));
        }
        let inputs: Map<String, Value> = derivation.inputs.iter().map(|(&input, outputs)| (self.drv_path(input), json!(outputs))).collect();
        let files: Vec<String> = derivation.files.iter().map(|&file| self.file_path(file)).collect();
        json!({
            "outputs": outputs, "inputSrcs": files, "inputDrvs": inputs,
            "system": derivation.system, "builder": "/bin/sh", "args": ["-c", "make"], "env": env,
        })
    }

    /// The lines of `nix-eval-jobs`.
    pub(crate) fn job_lines(&self) -> Vec<String> {
        self.attributes.iter().map(|attribute| self.job(attribute).to_string()).collect()
    }

    fn job(&self, attribute: &Attribute) -> Value {
        let (attr, path) = (attribute.dotted(), &attribute.path);
        let at = match attribute.derivation {
            Ok(at) => at,
            Err(error) => return json!({ "attr": attr, "attrPath": path, "error": error }),
        };
        let outputs: Map<String, Value> =
            self.derivations[at].outputs.iter().map(|output| ((*output).to_owned(), json!(self.output_path(at, output)))).collect();
        json!({
            "attr": attr, "attrPath": path, "name": self.name(at), "system": self.derivations[at].system,
            "drvPath": self.drv_path(at), "outputs": outputs, "meta": { "position": attribute.position },
        })
    }

    /// The entries of nixpkgs CI's `outpaths.json`, which names no derivation.
    pub(crate) fn outpath_entries(&self) -> Vec<Entry> {
        let entry = |attribute: &Attribute| {
            let at = attribute.derivation.ok()?;
            let outputs: Map<String, Value> =
                self.derivations[at].outputs.iter().map(|output| ((*output).to_owned(), json!(self.output_path(at, output)))).collect();
            Some((format!("{}.{}", attribute.dotted(), self.derivations[at].system), Value::Object(outputs)))
        };
        self.attributes.iter().filter_map(entry).collect()
    }
}

/// A JSON object on one line, its entries in this order.
pub(crate) fn compact(entries: &[Entry]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    format!("{{{}}}", entries.join(","))
}

/// A JSON object as Nix 2.4 prints it, its entries in this order.
pub(crate) fn pretty(entries: &[Entry]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("  {}: {value:#}", json!(key))).collect();
    format!("{{\n{}\n}}\n", entries.join(",\n"))
}
