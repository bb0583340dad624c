//! Attributes as JSON: lines of `nix-eval-jobs`, entries of `nix-env --json` and of nixpkgs CI's `outpaths.json`,
//! `paths.json` and `meta.json`.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::drv_json::Text;
use super::finding::FindingKind;
use super::raw::{RawInput, push_inputs};
use super::record::{AttributeRecord, DerivationRecord, MetaRecord, Names, Path, Records, Symbol};
use crate::store_path::{StorePath, split_name};

/// What all the JSON descriptions of an attribute can say; each format says a part of it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribute<'a> {
    #[serde(borrow)]
    attr: Option<Text<'a>>,
    attr_path: Option<Vec<String>>,
    #[serde(borrow)]
    drv_path: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    pname: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
    #[serde(borrow)]
    system: Option<Text<'a>>,
    #[serde(default)]
    outputs: Map<String, Value>,
    input_drvs: Option<Map<String, Value>>,
    required_system_features: Option<Vec<String>>,
    #[serde(default)]
    meta: Option<Meta>,
    error: Option<Value>,
}

/// The part of `meta` that is kept. Values are taken as they come: `meta` is free-form.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    position: Value,
    description: Value,
    maintainers: Value,
    non_team_maintainers: Value,
    teams: Value,
    license: Value,
    hydra_platforms: Value,
    unfree: Value,
    broken: Value,
    insecure: Value,
    known_vulnerabilities: Value,
}

/// Reads a line of `nix-eval-jobs`.
///
/// The attribute is named by `attrPath` where there is one: it tells a dot inside a component from one between two.
pub(super) fn eval_job(records: &mut Records, names: &mut Names<'_>, json: &[u8]) -> Result<(), String> {
    let job: Attribute<'_> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let attr = match (&job.attr_path, &job.attr) {
        (Some(path), _) => dotted(path),
        (None, Some(attr)) => attr.0.clone().into_owned(),
        (None, None) => return Err("neither `attr` nor `attrPath`: not a line of nix-eval-jobs".to_owned()),
    };
    push(records, names, &attr, &job);
    Ok(())
}

/// Reads an entry of `nix-env -qaP --json`.
pub(super) fn nix_env(records: &mut Records, names: &mut Names<'_>, attr: &str, json: &[u8]) -> Result<(), String> {
    let entry: Attribute<'_> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    push(records, names, attr, &entry);
    Ok(())
}

/// What an entry of an object that is keyed by attribute holds.
pub(super) enum EntryShape {
    /// `nix-env --json`.
    NixEnv,
    /// `outpaths.json` and `paths.json`: output name to path.
    OutputPaths,
    /// `meta.json`.
    Meta,
    /// None of them.
    Unknown,
}

/// Tells which of the formats keyed by attribute an entry is of.
pub(super) fn shape(json: &[u8]) -> EntryShape {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(json) else {
        return EntryShape::Unknown;
    };
    let is_path = |value: &Value| value.as_str().is_some_and(|path| path.starts_with('/'));
    if fields.contains_key("name") && (fields.contains_key("system") || fields.get("outputs").is_some_and(Value::is_object)) {
        EntryShape::NixEnv
    } else if !fields.is_empty() && fields.values().all(|value| value.is_null() || is_path(value)) {
        EntryShape::OutputPaths
    } else if ["available", "broken", "unfree", "description", "position", "license"].iter().any(|key| fields.contains_key(*key)) {
        EntryShape::Meta
    } else {
        EntryShape::Unknown
    }
}

/// Reads an entry of nixpkgs CI's `outpaths.json` or `paths.json`; `key` is `<attribute>.<system>`.
pub(super) fn output_paths(records: &mut Records, names: &mut Names<'_>, key: &str, json: &[u8]) -> Result<(), String> {
    let outputs: Map<String, Value> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let Some((attr, system)) = split_system(key) else {
        records.find(FindingKind::UnknownEntry, format!("`{key}` does not end in a system"));
        return Ok(());
    };
    let outputs = push_outputs(records, names, outputs.iter().map(|(name, path)| (name.as_str(), path.as_str())));
    let (attr, system) = (names.intern(attr), Some(names.intern(system)));
    let meta = MetaRecord::default();
    records.attributes.push(AttributeRecord { attr, system, derivation_system: None, derivation: None, outputs, meta, error: None });
    Ok(())
}

/// Reads an entry of nixpkgs CI's `meta.json`; `key` is `<attribute>.<system>`.
pub(super) fn meta(records: &mut Records, names: &mut Names<'_>, key: &str, json: &[u8]) -> Result<(), String> {
    let meta: Meta = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let Some((attr, system)) = split_system(key) else {
        records.find(FindingKind::UnknownEntry, format!("`{key}` does not end in a system"));
        return Ok(());
    };
    let (attr, system) = (names.intern(attr), Some(names.intern(system)));
    let meta = meta.record(names);
    records.attributes.push(AttributeRecord { attr, system, derivation_system: None, derivation: None, outputs: 0..0, meta, error: None });
    Ok(())
}

/// Splits an attribute path as dumps list it: the jobs of Hydra and of nixpkgs CI carry their system behind it.
pub(crate) fn split_job(name: &str) -> (&str, Option<&str>) {
    split_system(name).map_or((name, None), |(attr, system)| (attr, Some(system)))
}

/// Splits the key of a Hydra job: the system is the last component. A package such as `util-linux` is none.
fn split_system(key: &str) -> Option<(&str, &str)> {
    let (attr, system) = key.rsplit_once('.')?;
    let (cpu, kernel) = system.split_once('-')?;
    (!attr.is_empty() && PROCESSORS.contains(&cpu) && KERNELS.contains(&kernel)).then_some((attr, system))
}

/// The kernels in Nix's system doubles that nixpkgs evaluates for.
const KERNELS: [&str; 6] = ["linux", "darwin", "freebsd", "netbsd", "openbsd", "cygwin"];
/// The processors in these doubles (`lib.systems.doubles.all` of nixpkgs).
const PROCESSORS: [&str; 22] = [
    "x86_64",
    "aarch64",
    "i686",
    "armv5tel",
    "armv6l",
    "armv7a",
    "armv7l",
    "loongarch64",
    "m68k",
    "microblaze",
    "microblazeel",
    "mips",
    "mips64",
    "mips64el",
    "mipsel",
    "powerpc",
    "powerpc64",
    "powerpc64le",
    "riscv32",
    "riscv64",
    "s390",
    "s390x",
];

/// Joins the components of an attribute path; one that holds a dot is quoted, as Nix prints it.
fn dotted(path: &[String]) -> String {
    let parts: Vec<_> =
        path.iter().map(|part| if part.contains('.') { Cow::Owned(format!("\"{part}\"")) } else { Cow::Borrowed(part.as_str()) }).collect();
    parts.join(".")
}

/// Adds the outputs of an attribute, sorted by name as Nix writes them.
pub(super) fn push_outputs<'a>(
    records: &mut Records,
    names: &mut Names<'_>,
    outputs: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Range<u32> {
    let mut outputs: Vec<_> = outputs.collect();
    outputs.sort_unstable();
    let start = records.outputs.len() as u32;
    for (name, path) in outputs {
        records.push_output(names, name, path.and_then(StorePath::parse));
    }
    start..records.outputs.len() as u32
}

fn push(records: &mut Records, names: &mut Names<'_>, attr: &str, job: &Attribute<'_>) {
    let error = job.error.as_ref().map(|error| names.intern(error.as_str().unwrap_or("evaluation failed")));
    let outputs = push_outputs(records, names, job.outputs.iter().map(|(name, path)| (name.as_str(), path.as_str())));
    let derivation = job.drv_path.as_ref().and_then(|path| {
        let parsed = StorePath::parse_derivation(&path.0);
        if parsed.is_none() {
            records.find(FindingKind::Malformed, format!("{attr}: `{}` is not the store path of a derivation", path.0));
        }
        parsed
    });
    let path = derivation.map(|path| push_partial_derivation(records, names, path, job, outputs.clone()));
    let meta = job.meta.as_ref().map(|meta| meta.record(names)).unwrap_or_default();
    let attr = if attr.is_empty() { Cow::Owned(own_name(job, derivation)) } else { Cow::Borrowed(attr) };
    let (attr, system) = split_job(&attr);
    let (attr, system) = (names.intern(attr), system.map(|system| names.intern(system)));
    let derivation_system = job.system.as_ref().filter(|system| !system.0.is_empty()).map(|system| names.intern(&system.0));
    records.attributes.push(AttributeRecord { attr, system, derivation_system, derivation: path, outputs, meta, error });
}

/// What a derivation by itself is called: by its name without version, as `waves eval` does. Empty if it has no name.
fn own_name(job: &Attribute<'_>, derivation: Option<StorePath<'_>>) -> String {
    let name: &str = job.name.as_ref().map_or(derivation.map_or("", |path| path.name), |name| &name.0);
    dotted(&[split_name(name).0.to_owned()])
}

/// What a row on an attribute says of its derivation, whose path this is: less than the derivation itself would.
pub(super) fn push_partial_derivation(
    records: &mut Records,
    names: &mut Names<'_>,
    path: StorePath<'_>,
    job: &Attribute<'_>,
    outputs: Range<u32>,
) -> Path {
    let (pname, version) = split_name(job.name.as_ref().map_or(path.name, |name| &name.0));
    let path = Path { hash: path.hash, name: names.intern(path.name) };
    let inputs: Vec<_> = job
        .input_drvs
        .iter()
        .flatten()
        .map(|(path, outputs)| RawInput {
            path: Cow::Borrowed(path),
            outputs: outputs.as_array().into_iter().flatten().filter_map(Value::as_str).map(Cow::Borrowed).collect(),
        })
        .collect();
    let mut features: Vec<&str> = job.required_system_features.iter().flatten().map(String::as_str).collect();
    features.sort_unstable();
    let record = DerivationRecord {
        path,
        pname: names.intern(job.pname.as_ref().map_or(pname, |pname| &pname.0)),
        version: names.intern(job.version.as_ref().map_or(version, |version| &version.0)),
        system: names.intern(job.system.as_ref().map_or("", |system| &system.0)),
        fixed_hash: Symbol::EMPTY,
        features: names.intern_list(features),
        sources: Symbol::EMPTY,
        src: None,
        prefer_local: false,
        floating: false,
        recipe: None,
        has_inputs: job.input_drvs.is_some(),
        inputs: push_inputs(records, names, &inputs),
        outputs,
    };
    records.derivations.push(record);
    path
}

impl Meta {
    fn record(&self, names: &mut Names<'_>) -> MetaRecord {
        let mut text = |value: &Value| value.as_str().map(|text| names.intern(text));
        MetaRecord {
            position: text(&self.position),
            description: text(&self.description),
            maintainers: name_list(names, &self.individuals(), &["github", "name", "email"]),
            teams: name_list(names, &self.teams, &["github", "shortName", "scope", "name"]),
            licences: name_list(names, &self.license, &["spdxId", "shortName", "fullName"]),
            hydra_platforms: name_list(names, &self.hydra_platforms, &["system", "config"]),
            unfree: self.unfree.as_bool().or_else(|| is_unfree(&self.license)),
            broken: self.broken.as_bool(),
            insecure: self.insecure.as_bool().or_else(|| self.known_vulnerabilities.as_array().map(|list| !list.is_empty())),
        }
    }
}

impl Meta {
    /// Who maintains it by themselves: `maintainers` has the members of `teams` besides.
    fn individuals(&self) -> Cow<'_, Value> {
        if !self.non_team_maintainers.is_null() {
            return Cow::Borrowed(&self.non_team_maintainers);
        }
        let teams = self.teams.as_array().map(Vec::as_slice).unwrap_or_default();
        let members: Vec<&Value> = teams.iter().filter_map(|team| team.get("members")?.as_array()).flatten().collect();
        match &self.maintainers {
            Value::Array(people) if !members.is_empty() => {
                Cow::Owned(people.iter().filter(|person| !members.contains(person)).cloned().collect())
            }
            other => Cow::Borrowed(other),
        }
    }
}

/// A list of names: strings, or objects named by the first of `keys` that they have. A single value is a list of one.
fn name_list(names: &mut Names<'_>, value: &Value, keys: &[&str]) -> Option<Symbol> {
    let items = match value {
        Value::Null => return None,
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let name = |item| Value::as_str(item).or_else(|| keys.iter().find_map(|key| item.get(key)?.as_str()));
    Some(names.intern_list(items.iter().filter_map(name)))
}

/// Whether a licence says that it is not free; `None` if none says anything.
fn is_unfree(license: &Value) -> Option<bool> {
    let items = license.as_array().map_or(std::slice::from_ref(license), Vec::as_slice);
    let free: Vec<bool> = items.iter().filter_map(|item| item.get("free")?.as_bool()).collect();
    (!free.is_empty()).then(|| free.contains(&false))
}

#[cfg(test)]
mod tests {
    use super::super::record::Interner;
    use super::*;

    #[test]
    fn hydra_jobs_end_in_a_system() {
        assert_eq!(split_system("python3Packages.numpy.x86_64-linux"), Some(("python3Packages.numpy", "x86_64-linux")));
        assert_eq!(split_system("a.aarch64-darwin"), Some(("a", "aarch64-darwin")));
        for key in ["release-checks", "a.b", "a.gtk-doc", "x86_64-linux", "unixtools.util-linux", "a.x86_64-doc"] {
            assert_eq!(split_system(key), None, "{key}");
        }
    }

    #[test]
    fn a_dot_inside_a_component_is_quoted() {
        assert_eq!(dotted(&["a".to_owned(), "b.c".to_owned()]), "a.\"b.c\"");
    }

    /// Members of a team are told by it alone, whether or not the dump tells them apart.
    #[test]
    fn teams_are_not_taken_apart() {
        let interner = Interner::new();
        let members = r#""maintainers":[{"github":"a"},{"github":"b"}],"teams":[{"github":"t","members":[{"github":"a"}]}]"#;
        for (json, expected) in [
            (format!("{{{members}}}"), "b"),
            (format!("{{{members},\"nonTeamMaintainers\":[]}}"), ""),
            (format!("{{{members},\"nonTeamMaintainers\":[{{\"github\":\"a\"}}]}}"), "a"),
            (r#"{"maintainers":[{"github":"a"},{"github":"b"}]}"#.to_owned(), "a\u{1f}b"),
        ] {
            let meta: Meta = serde_json::from_str(&json).expect("json");
            let record = meta.record(&mut Names::new(&interner));
            assert_eq!(record.maintainers.map(|list| interner.resolve(list)).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn licences_in_every_spelling() {
        let interner = Interner::new();
        let licences = |json: &str| {
            let value: Value = serde_json::from_str(json).expect("json");
            name_list(&mut Names::new(&interner), &value, &["spdxId", "shortName", "fullName"]).map(|list| interner.resolve(list))
        };
        assert_eq!(licences(r#""MIT""#).as_deref(), Some("MIT"));
        assert_eq!(licences(r#"{"shortName":"x","fullName":"y"}"#).as_deref(), Some("x"));
        assert_eq!(licences(r#"[{"spdxId":"MIT"},{"fullName":"y"}]"#).as_deref(), Some("MIT\u{1f}y"));
        assert_eq!(licences("[]").as_deref(), Some(""));
        assert_eq!(licences("null"), None);
    }
}
