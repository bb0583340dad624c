//! Packages are changed, Nix evaluates the set again, and what it would then build anew is what was foretold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rayon::prelude::*;
use tempfile::TempDir;
use waves_core::analysis::{Impact, Root, Scope, select};
use waves_core::graph::{Attribute, Derivation, DerivationIx, Direction, Graph};
use waves_core::ingest::Input;

use crate::naive::base_name;
use crate::nix::{Evaluated, Nix, copy_of_data};
use crate::support::repository;

type Attributes = BTreeMap<String, Evaluated>;

fn data() -> Graph {
    let dumps = repository().join("data/dumps");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|name| Input::Path(dumps.join(name)));
    Graph::import(&inputs, &()).expect("imports")
}

/// The set after `change` has rewritten one of its files.
fn evaluate_changed(nix: &Nix, file: &str, change: impl Fn(&str) -> String) -> Attributes {
    let directory = TempDir::new().expect("a directory");
    copy_of_data(directory.path());
    let path = directory.path().join(file);
    fs::write(&path, change(&fs::read_to_string(&path).expect("it is there"))).expect("writes");
    nix.evaluate(directory.path())
}

/// Attributes with other output paths than before.
fn rebuilt(before: &Attributes, after: &Attributes) -> BTreeSet<String> {
    before.iter().filter(|(attr, evaluated)| after[*attr].outputs != evaluated.outputs).map(|(attr, _)| attr.clone()).collect()
}

/// Attributes that a change of these roots rebuilds.
fn foretold(graph: &Graph, roots: &[Root]) -> BTreeSet<String> {
    let impact = Impact::new(graph, roots, Direction::Dependents, None, None).expect("it has edges");
    impact.attributes().into_iter().map(unquoted).collect()
}

fn unquoted(attribute: Attribute<'_>) -> String {
    attribute.path().replace('"', "")
}

/// The attributes that each file defines.
fn files(attributes: &Attributes) -> BTreeMap<&str, Vec<&str>> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (attr, evaluated) in attributes {
        if let Some(file) = &evaluated.file {
            files.entry(file).or_default().push(attr);
        }
    }
    files
}

fn roots(graph: &Graph, attributes: &[&str]) -> Vec<Root> {
    let typed = |attr: &&str| graph.attributes().find(|attribute| unquoted(*attribute) == **attr).expect("it is there").path().to_owned();
    select(graph, &attributes.iter().map(typed).collect::<Vec<_>>(), Scope::Package, None).expect("they are there")
}

/// Adds a variable to the first derivation of a file.
fn with_a_variable(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.trim_start().starts_with("pname = ") && line.ends_with(';'))?;
    Some(text.replacen(line, &format!("{line} anotherVariable = \"1\";"), 1))
}

#[test]
fn a_changed_expression_rebuilds_what_is_foretold() {
    let Some(nix) = Nix::new() else { return };
    let (graph, before) = (data(), nix.evaluate_data());
    let set = repository().join("data");
    let changeable = |file: &&str| with_a_variable(&fs::read_to_string(set.join(file)).expect("it is there")).is_some();
    let files: Vec<(&str, Vec<&str>)> = files(&before).into_iter().filter(|(file, _)| changeable(file)).collect();
    assert!(files.len() > 50, "{} files", files.len());
    files.into_par_iter().for_each(|(file, attributes)| {
        let after = evaluate_changed(&nix, file, |text| with_a_variable(text).expect("it has a pname"));
        assert_eq!(rebuilt(&before, &after), foretold(&graph, &roots(&graph, &attributes)), "{file}");
    });
}

/// Another source is another fixed output: the root is what fetches it, and all that fetch the same.
#[test]
fn a_changed_source_rebuilds_what_is_foretold() {
    let Some(nix) = Nix::new() else { return };
    let (graph, before) = (data(), nix.evaluate_data());
    for attr in ["zlib", "glibc", "jq", "curl", "perl", "sqlite", "bash", "cmake"] {
        let attribute = graph.find_attribute(attr).find_map(Attribute::derivation).expect("it is there");
        let src = attribute.src().expect("it has a source");
        let fetching: Vec<DerivationIx> =
            graph.derivations().filter(|derivation| derivation.fixed_hash() == src.fixed_hash()).map(Derivation::ix).collect();
        let root = Root { selector: attr.to_owned(), face: src.ix(), derivations: fetching };
        let file = before[attr].file.clone().expect("it has a position");
        let after = evaluate_changed(&nix, &file, |text| {
            let at = text.find("hash = \"sha256-").expect("it has a hash") + "hash = \"sha256-".len();
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        });
        assert_eq!(rebuilt(&before, &after), foretold(&graph, &[root]), "{attr}");
    }
}

/// What stands behind fixed outputs changes every derivation and rebuilds nothing.
#[test]
fn a_changed_fetcher_rebuilds_nothing() {
    let Some(nix) = Nix::new() else { return };
    let before = nix.evaluate_data();
    let after = evaluate_changed(&nix, "pkgs/build-support/fetchurl/builder.sh", |text| format!("{text}\n# changed\n"));
    assert_eq!(rebuilt(&before, &after), BTreeSet::new());
    let unchanged = before.iter().filter(|(attr, evaluated)| after[*attr].drv_path == evaluated.drv_path).count();
    assert!(unchanged < before.len() / 2, "{unchanged} of {} derivations are the same", before.len());
}

/// Recipe hashes of all attributes, from the files in the store.
fn recipes(nix: &Nix, attributes: &Attributes) -> BTreeMap<String, u128> {
    let file = |path: &str| nix.store().join(base_name(path));
    let roots: BTreeSet<_> = attributes.values().map(|evaluated| file(&evaluated.drv_path)).collect();
    let graph = Graph::import(&[Input::Closure(roots.into_iter().collect())], &()).expect("imports");
    let by_name: BTreeMap<String, u128> =
        graph.derivations().filter_map(|derivation| Some((derivation.base_name(), derivation.recipe_hash()?))).collect();
    attributes.iter().map(|(attr, evaluated)| (attr.clone(), by_name[base_name(&evaluated.drv_path)])).collect()
}

/// Of all that a change rebuilds, only what was changed itself has another recipe.
#[test]
fn the_recipe_changes_only_where_the_change_was_made() {
    let Some(nix) = Nix::new() else { return };
    let (graph, before) = (data(), nix.evaluate_data());
    let recipes_before = recipes(&nix, &before);
    let set = repository().join("data");
    for attr in ["zlib", "openssl", "glibc", "python312Packages.numpy", "jq", "patchelf"] {
        let file = before[attr].file.as_deref().expect("it has a position");
        let changed = with_a_variable(&fs::read_to_string(set.join(file)).expect("it is there")).expect("it has a pname");
        let recipes_after = recipes(&nix, &evaluate_changed(&nix, file, |_| changed.clone()));
        let is_other = |attr: &&String| recipes_after[*attr] != recipes_before[*attr];
        let other: BTreeSet<String> = recipes_before.keys().filter(is_other).cloned().collect();
        let members = roots(&graph, &files(&before)[file]).into_iter().flat_map(|root| root.derivations);
        let expected: BTreeSet<String> = members.flat_map(|ix| graph.derivation(ix).attributes()).map(unquoted).collect();
        assert_eq!(other, expected, "{attr}");
    }
}
