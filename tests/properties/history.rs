//! A package set that is changed, as plain data: what Nix would make of it before and after.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use serde_json::{Value, json};

/// A package. It needs only what stands before it.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) pname: String,
    pub(crate) patch_level: u32,
    pub(crate) recipe: u32,
    pub(crate) source: u32,
    /// What fetches its source: never rebuilds anything.
    pub(crate) fetcher: u32,
    pub(crate) files: BTreeSet<usize>,
    pub(crate) inputs: BTreeSet<usize>,
    /// Whether its own name has the version of its first input in it, as a kernel module's has.
    pub(crate) repeats_version: bool,
}

/// A package set.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) packages: Vec<Package>,
    /// What stands in each file.
    pub(crate) files: Vec<u32>,
}

/// One change of a package set.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Another version and source.
    Version(usize),
    Recipe(usize),
    Source(usize),
    Fetcher(usize),
    File(usize),
}

const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// A hash as Nix would write it.
fn hash(of: &str) -> String {
    let digits = (0..32_u32).map(|digit| {
        let mut hasher = DefaultHasher::new();
        (of, digit / 8).hash(&mut hasher);
        ALPHABET[(hasher.finish() >> (5 * (digit % 8))) as usize & 31]
    });
    digits.map(char::from).collect()
}

impl World {
    /// Packages by their names and inputs, each with a version and a source of its own; one file, which none of them uses.
    pub(crate) fn of<'a>(packages: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Self {
        let package = |(at, (pname, inputs)): (usize, (&str, &[usize]))| Package {
            pname: pname.to_owned(),
            patch_level: 0,
            recipe: 0,
            source: at as u32 * 100,
            fetcher: 0,
            files: BTreeSet::new(),
            inputs: inputs.iter().copied().collect(),
            repeats_version: false,
        };
        Self { packages: packages.into_iter().enumerate().map(package).collect(), files: vec![0] }
    }

    /// The package set after these changes.
    pub(crate) fn after<'m>(&self, mutations: impl IntoIterator<Item = &'m Mutation>) -> Self {
        let mut world = self.clone();
        for mutation in mutations {
            match *mutation {
                Mutation::Version(at) => {
                    world.packages[at].patch_level += 1;
                    world.packages[at].source += 1;
                }
                Mutation::Recipe(at) => world.packages[at].recipe += 1,
                Mutation::Source(at) => world.packages[at].source += 1,
                Mutation::Fetcher(at) => world.packages[at].fetcher += 1,
                Mutation::File(at) => world.files[at] += 1,
            }
        }
        world
    }

    pub(crate) fn version(&self, at: usize) -> String {
        format!("1.{at}.{}", self.packages[at].patch_level)
    }

    fn name(&self, at: usize) -> String {
        let package = &self.packages[at];
        let own = format!("{}-{}", package.pname, self.version(at));
        match package.inputs.first() {
            Some(&input) if package.repeats_version => format!("{own}-{}", self.version(input)),
            _ => own,
        }
    }

    fn source_name(&self, at: usize) -> String {
        format!("{}-{}.tar.gz", self.packages[at].pname, self.version(at))
    }

    /// Path of the source's output: its content decides it.
    fn source_path(&self, at: usize) -> String {
        let name = self.source_name(at);
        format!("/nix/store/{}-{name}", hash(&format!("{name} {}", self.packages[at].source)))
    }

    fn source_derivation(&self, at: usize) -> String {
        let name = self.source_name(at);
        let package = &self.packages[at];
        format!("/nix/store/{}-{name}.drv", hash(&format!("drv {name} {} {}", package.source, package.fetcher)))
    }

    fn file_path(&self, file: usize) -> String {
        format!("/nix/store/{}-file{file}.patch", hash(&format!("file {file} {}", self.files[file])))
    }

    /// Everything that decides a package's output path: what it says, and the outputs that it is given.
    fn content(&self, at: usize) -> String {
        let package = &self.packages[at];
        let inputs: Vec<String> = package.inputs.iter().map(|&input| self.output_path(input)).collect();
        let files: Vec<String> = package.files.iter().map(|&file| self.file_path(file)).collect();
        format!("{} {} {} {inputs:?} {files:?}", self.name(at), package.recipe, self.source_path(at))
    }

    pub(crate) fn output_path(&self, at: usize) -> String {
        format!("/nix/store/{}-{}", hash(&self.content(at)), self.name(at))
    }

    /// The derivation's path changes with those of its inputs, fetchers included.
    pub(crate) fn derivation(&self, at: usize) -> String {
        let inputs: Vec<String> = self.packages[at].inputs.iter().map(|&input| self.derivation(input)).collect();
        let content = format!("drv {} {inputs:?} {}", self.content(at), self.source_derivation(at));
        format!("/nix/store/{}-{}.drv", hash(&content), self.name(at))
    }

    /// As `nix show-derivation -r` prints it.
    pub(crate) fn derivations(&self) -> Value {
        let mut entries = BTreeMap::new();
        for (at, package) in self.packages.iter().enumerate() {
            let source = json!({
                "outputs": { "out": { "path": self.source_path(at), "hashAlgo": "sha256", "hash": format!("{:064x}", package.source) } },
                "inputSrcs": [], "inputDrvs": {}, "system": "builtin", "builder": "builtin:fetchurl", "args": [],
                "env": { "name": self.source_name(at), "out": self.source_path(at), "fetcher": package.fetcher.to_string() },
            });
            entries.insert(self.source_derivation(at), source);
            let mut inputs: BTreeMap<String, Value> =
                package.inputs.iter().map(|&input| (self.derivation(input), json!(["out"]))).collect();
            inputs.insert(self.source_derivation(at), json!(["out"]));
            let build_inputs: Vec<String> = package.inputs.iter().map(|&input| self.output_path(input)).collect();
            let files: Vec<String> = package.files.iter().map(|&file| self.file_path(file)).collect();
            let entry = json!({
                "outputs": { "out": { "path": self.output_path(at) } },
                "inputSrcs": files, "inputDrvs": inputs, "system": "x86_64-linux", "builder": "/bin/sh", "args": ["-e"],
                "env": {
                    "name": self.name(at), "pname": package.pname, "version": self.version(at), "out": self.output_path(at),
                    "src": self.source_path(at), "buildInputs": build_inputs.join(" "), "patches": files.join(" "),
                    "configureFlags": format!("--level={}", package.recipe),
                },
            });
            entries.insert(self.derivation(at), entry);
        }
        json!(entries)
    }

    /// As nix-eval-jobs prints it: an attribute for each package.
    pub(crate) fn jobs(&self) -> String {
        let line = |at: usize| {
            json!({
                "attr": self.packages[at].pname, "attrPath": [self.packages[at].pname], "name": self.name(at), "system": "x86_64-linux",
                "drvPath": self.derivation(at), "outputs": { "out": self.output_path(at) },
            })
        };
        (0..self.packages.len()).map(|at| line(at).to_string()).collect::<Vec<_>>().join("\n")
    }

    /// All output paths, those of sources included.
    pub(crate) fn outputs(&self) -> BTreeSet<String> {
        (0..self.packages.len()).flat_map(|at| [self.output_path(at), self.source_path(at)]).collect()
    }

    /// Packages whose output path is none of `before`.
    pub(crate) fn rebuilt_since(&self, before: &Self) -> BTreeSet<usize> {
        let known = before.outputs();
        (0..self.packages.len()).filter(|&at| !known.contains(&self.output_path(at))).collect()
    }

    /// What these packages are part of, at any distance.
    pub(crate) fn users(&self, of: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = of.clone();
        for (at, package) in self.packages.iter().enumerate() {
            if package.inputs.iter().any(|input| reached.contains(input)) {
                reached.insert(at);
            }
        }
        reached
    }
}
