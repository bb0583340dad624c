//! A derivation as text, whatever format it was read from, and its way into [`Records`].

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use smallvec::SmallVec;

use super::finding::FindingKind;
use super::recipe;
use super::record::{DerivationRecord, InputRecord, Interner, Names, Path, Records, Symbol};
use crate::store_path::{StorePath, base_name, split_name};

/// An output as a dump spells it.
#[derive(Debug, Default)]
pub(crate) struct RawOutput<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) path: Option<Cow<'a, str>>,
    /// `sha256`, `r:sha256`, `sha256-…` (SRI) or absent.
    pub(crate) hash_algo: Option<Cow<'a, str>>,
    pub(crate) method: Option<Cow<'a, str>>,
    /// Present on fixed outputs; `impure` in ATerm for impure ones.
    pub(crate) hash: Option<Cow<'a, str>>,
    pub(crate) impure: bool,
}

/// An input derivation and its outputs that are used, dynamic ones included.
#[derive(Debug)]
pub(crate) struct RawInput<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) outputs: SmallVec<[Cow<'a, str>; 2]>,
}

/// A derivation before interning.
#[derive(Debug, Default)]
pub(crate) struct RawDerivation<'a> {
    pub(crate) outputs: Vec<RawOutput<'a>>,
    pub(crate) inputs: Vec<RawInput<'a>>,
    pub(crate) sources: Vec<Cow<'a, str>>,
    pub(crate) system: Cow<'a, str>,
    pub(crate) builder: Cow<'a, str>,
    pub(crate) args: Vec<Cow<'a, str>>,
    pub(crate) env: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The structured attributes of Nix 2.30 and later; older dumps have them as text in `env.__json`.
    pub(crate) structured: Option<Value>,
}

impl RawDerivation<'_> {
    /// The structured attributes, wherever the dump keeps them; `env` is sorted.
    pub(crate) fn take_structured(&mut self) -> Option<Value> {
        let at = self.env_position("__json");
        let older = at.map(|at| self.env.remove(at).1);
        self.structured.take().or_else(|| serde_json::from_str(&older?).ok())
    }

    /// Where a variable is, the first of its name; `env` is sorted.
    fn env_position(&self, key: &str) -> Option<usize> {
        let first = self.env.partition_point(|(name, _)| name.as_ref() < key);
        self.env.get(first).is_some_and(|(name, _)| name == key).then_some(first)
    }

    /// Makes one of outputs with one name, and of inputs with one path, which are sorted: Nix writes none twice.
    fn merge(&mut self) {
        self.outputs.dedup_by(|later, first| later.name == first.name);
        self.inputs.dedup_by(|later, first| {
            let is_same = later.path == first.path;
            if is_same {
                first.outputs.append(&mut later.outputs);
                first.outputs.sort_unstable();
                first.outputs.dedup();
            }
            is_same
        });
    }

    /// A variable; `env` is sorted.
    fn env(&self, key: &str) -> Option<&str> {
        self.env_position(key).map(|at| self.env[at].1.as_ref())
    }
}

/// What a thread keeps from one derivation to the next.
pub(super) struct Scratch<'i> {
    pub(super) names: Names<'i>,
    recipe: recipe::Buffers,
}

impl<'i> Scratch<'i> {
    pub(super) fn new(interner: &'i Interner) -> Self {
        Self { names: Names::new(interner), recipe: recipe::Buffers::default() }
    }
}

/// Adds `raw`, the derivation at `path`, to `records`; an odd one becomes a finding.
pub(super) fn push(records: &mut Records, scratch: &mut Scratch<'_>, path: &str, mut raw: RawDerivation<'_>) {
    let Some(parsed) = StorePath::parse_derivation(path) else {
        records.find(FindingKind::Malformed, format!("`{path}` is not the store path of a derivation"));
        return;
    };
    // Stable: of two outputs with one name, the first counts.
    raw.outputs.sort_by(|a, b| a.name.cmp(&b.name));
    raw.inputs.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let described = raw.outputs.len() + raw.inputs.len();
    raw.merge();
    let repeated = described - raw.outputs.len() - raw.inputs.len();
    if repeated > 0 {
        records.find(FindingKind::Malformed, format!("`{path}` repeats {repeated} of its outputs or inputs"));
    }
    raw.sources.sort_unstable();
    // Stable: of two variables with one name, the first counts.
    raw.env.sort_by(|(a, _), (b, _)| a.cmp(b));
    let structured = raw.take_structured();
    let attrs = Attributes { raw: &raw, structured: structured.as_ref() };

    let Scratch { names, recipe } = scratch;
    let (pname, version) = attrs.pname_and_version(parsed.name);
    let features = attrs.list("requiredSystemFeatures");
    let path = Path { hash: parsed.hash, name: names.intern(parsed.name) };
    let record = DerivationRecord {
        path,
        pname: names.intern(&pname),
        version: names.intern(&version),
        system: names.intern(&raw.system),
        fixed_hash: names.intern(&fixed_hash(&raw.outputs)),
        features: names.intern_list(features.iter().map(AsRef::as_ref)),
        sources: names.intern_list(raw.sources.iter().map(|source| base_name(source))),
        src: attrs.text("src").and_then(|src| StorePath::parse(&src).map(|path| path.hash)),
        prefer_local: attrs.flag("preferLocalBuild"),
        floating: raw.outputs.iter().any(|output| output.impure || (output.hash.is_none() && output.hash_algo.is_some())),
        recipe: Some(recipe::hash(&raw, structured.as_ref(), parsed.store_dir, recipe)),
        has_inputs: true,
        inputs: push_inputs(records, names, &raw.inputs),
        outputs: push_outputs(records, names, &attrs, parsed.name),
    };
    records.derivations.push(record);
}

/// The edges of a derivation; an input that is no derivation becomes a finding.
pub(super) fn push_inputs(records: &mut Records, names: &mut Names<'_>, inputs: &[RawInput<'_>]) -> std::ops::Range<u32> {
    let start = records.inputs.len() as u32;
    let mut known = None;
    for input in inputs {
        let Some(derivation) = names.intern_input(base_name(&input.path)) else {
            records.find(FindingKind::Malformed, format!("input `{}` is not a derivation", input.path));
            continue;
        };
        let outputs = match known {
            // Most inputs are used by the same output as the one before.
            Some((before, list)) if before == &input.outputs => list,
            _ => output_list(names, &input.outputs),
        };
        known = Some((&input.outputs, outputs));
        records.inputs.push(InputRecord { derivation, outputs });
    }
    start..records.inputs.len() as u32
}

fn output_list(names: &mut Names<'_>, outputs: &[Cow<'_, str>]) -> Symbol {
    if outputs.is_sorted() {
        return names.intern_list(outputs.iter().map(AsRef::as_ref));
    }
    let mut sorted: SmallVec<[&str; 4]> = outputs.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    names.intern_list(sorted)
}

fn push_outputs(records: &mut Records, names: &mut Names<'_>, attrs: &Attributes<'_, '_>, derivation: &str) -> std::ops::Range<u32> {
    let start = records.outputs.len() as u32;
    for output in &attrs.raw.outputs {
        // Nix 2.32 and later leave the path of a fixed output out; it still stands in `env`.
        let path = output.path.as_deref().filter(|path| !path.is_empty()).or_else(|| attrs.raw.env(&output.name));
        let path = path.and_then(StorePath::parse).filter(|path| is_output_name(path.name, derivation, &output.name));
        records.push_output(names, &output.name, path);
    }
    start..records.outputs.len() as u32
}

/// Whether `name` is the path name of `output` of `derivation`: the output's name stands behind it, except for `out`.
fn is_output_name(name: &str, derivation: &str, output: &str) -> bool {
    match name.strip_prefix(derivation) {
        Some("") => output == "out",
        Some(rest) => rest.strip_prefix('-') == Some(output),
        None => false,
    }
}

/// One spelling for every fixed output: `method:algorithm:hash`, the hash as the dump has it in base 16.
fn fixed_hash(outputs: &[RawOutput<'_>]) -> String {
    let Some((output, hash)) = outputs.iter().find_map(|output| Some((output, output.hash.as_deref().filter(|hash| !hash.is_empty())?)))
    else {
        return String::new();
    };
    if output.impure || hash == "impure" {
        return String::new();
    }
    let algo = output.hash_algo.as_deref().unwrap_or_default();
    let (old_method, algo) = algo.split_once(':').unwrap_or(("", algo));
    let method = match output.method.as_deref().unwrap_or(old_method) {
        "r" | "recursive" => "nar",
        "" => "flat",
        other => other,
    };
    match hash.split_once('-') {
        Some((sri_algo, base64)) => format!("{method}:{sri_algo}:{}", base64_to_hex(base64).unwrap_or_else(|| base64.to_owned())),
        None => format!("{method}:{algo}:{hash}"),
    }
}

fn base64_to_hex(text: &str) -> Option<String> {
    Some(HEXLOWER.encode(&BASE64.decode(text.as_bytes()).ok()?))
}

/// What `env` and the structured attributes say, the latter first.
struct Attributes<'r, 'a> {
    raw: &'r RawDerivation<'a>,
    structured: Option<&'r Value>,
}

impl Attributes<'_, '_> {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.structured.and_then(|attrs| attrs.get(key)) {
            Some(Value::String(text)) => Some(Cow::Borrowed(text)),
            Some(_) => None,
            None => self.raw.env(key).map(Cow::Borrowed),
        }
    }

    fn flag(&self, key: &str) -> bool {
        match self.structured.and_then(|attrs| attrs.get(key)) {
            Some(Value::Bool(set)) => *set,
            Some(Value::String(text)) => text == "1",
            Some(_) => false,
            None => self.raw.env(key) == Some("1"),
        }
    }

    /// A list that is a JSON array under structured attributes and words in `env`; sorted.
    fn list(&self, key: &str) -> Vec<Cow<'_, str>> {
        let mut items: Vec<Cow<'_, str>> = match self.structured.and_then(|attrs| attrs.get(key)) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(Cow::Borrowed).collect(),
            Some(Value::String(text)) => text.split_ascii_whitespace().map(Cow::Borrowed).collect(),
            Some(_) => Vec::new(),
            None => self.raw.env(key).unwrap_or_default().split_ascii_whitespace().map(Cow::Borrowed).collect(),
        };
        items.sort_unstable();
        items
    }

    /// As the derivation says, else as its name splits.
    fn pname_and_version<'s>(&'s self, name: &'s str) -> (Cow<'s, str>, Cow<'s, str>) {
        let (pname, version) = split_name(name);
        match self.text("pname").filter(|pname| !pname.is_empty()) {
            Some(pname) => (pname, self.text("version").unwrap_or_default()),
            None => (Cow::Borrowed(pname), Cow::Borrowed(version)),
        }
    }
}
