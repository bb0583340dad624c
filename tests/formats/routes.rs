//! Derivations in every shape from Nix 2.4 to 2.35, and as files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use waves_core::graph::{Derivation, Graph};
use waves_core::ingest::{FindingKind, Format, Input};

use crate::support::{base_name, by_name, dump, findings, import, object};

/// The sample in all the shapes that Nix gave `show-derivation`.
const SHAPES: [&str; 5] =
    ["derivations-2.18.json", "derivations-2.23.json", "derivations-2.30.json", "derivations-2.32.json", "derivations-2.33.json"];

/// The names of the derivations of the sample, without the library.
fn sample() -> BTreeSet<String> {
    object(&dump("derivations-2.32.json")).keys().cloned().collect()
}

/// The sample in the shape of Nix 2.4 to 2.17: what Nix 2.8 itself wrote of it.
fn sample_of_nix_2_8(directory: &Path) -> PathBuf {
    let sample = sample();
    let all = object(&dump("derivations.json"));
    let entries: Map<String, Value> = all.into_iter().filter(|(path, _)| sample.contains(&base_name(path))).collect();
    let path = directory.join("derivations-2.8.json");
    fs::write(&path, Value::Object(entries).to_string()).expect("writes");
    path
}

/// The sample as a directory of `.drv` files.
fn unpack(directory: &Path) -> Vec<PathBuf> {
    let tar = File::open(dump("drvs.tar")).expect("it is there");
    tar::Archive::new(tar).unpack(directory).expect("unpacks");
    let mut files: Vec<PathBuf> = fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("an entry").path()).collect();
    files.sort_unstable();
    files
}

fn jq(files: &[PathBuf]) -> PathBuf {
    files.iter().find(|file| file.to_string_lossy().ends_with("-jq-1.7.1.drv")).expect("jq is in the sample").clone()
}

/// `(derivations, fixed-output ones, edges, outputs, distinct output paths)`, as `totals.json` counts them.
fn totals(graph: &Graph) -> [u64; 5] {
    let fixed = graph.derivations().filter(|derivation| derivation.is_fixed_output()).count();
    let outputs: usize = graph.derivations().map(|derivation| derivation.outputs().len()).sum();
    [graph.derivation_count(), fixed, graph.edge_count(), outputs, graph.output_count()].map(|count| count as u64)
}

fn expected_totals(of: &Value) -> [u64; 5] {
    ["derivations", "fixed_output", "edges", "outputs", "output_paths"].map(|key| of[key].as_u64().expect("a count"))
}

/// Every dump of the set, and its format.
const DUMPS: [(&str, Format); 18] = [
    ("derivations.json", Format::DerivationJson),
    ("derivations-2.18.json", Format::DerivationJson),
    ("derivations-2.23.json", Format::DerivationJson),
    ("derivations-2.30.json", Format::DerivationJson),
    ("derivations-2.32.json", Format::DerivationJson),
    ("derivations-2.33.json", Format::DerivationJson),
    ("content-addressed.json", Format::DerivationJson),
    ("content-addressed-2.33.json", Format::DerivationJson),
    ("drvs.tar", Format::DerivationFiles),
    ("eval-jobs.jsonl", Format::EvalJobs),
    ("eval-jobs-inputs.jsonl", Format::EvalJobs),
    ("tests.jsonl", Format::EvalJobs),
    ("nix-env.json", Format::NixEnvJson),
    ("nix-env.txt", Format::NixEnvText),
    ("nix-env-drv.txt", Format::NixEnvText),
    ("outpaths.json", Format::OutputPaths),
    ("ci/x86_64-linux/paths.json", Format::OutputPaths),
    ("ci/x86_64-linux/meta.json", Format::Meta),
];

#[test]
fn every_dump_tells_its_format() {
    for (name, format) in DUMPS {
        assert_eq!(import(&[dump(name)]).sources()[0].format, format, "{name}");
    }
}

#[test]
fn the_whole_set_has_its_totals() {
    let expected = Value::Object(object(&dump("totals.json")));
    let graph = import(&[dump("derivations.json"), dump("eval-jobs.jsonl")]);
    assert_eq!(totals(&graph), expected_totals(&expected));
    let number = |key: &str| expected[key].as_u64().expect("a count") as usize;
    let with_derivation = graph.attributes().filter(|attribute| attribute.derivation().is_some()).count();
    let with_attribute = graph.derivations().filter(|derivation| derivation.attributes().len() > 0).count();
    assert_eq!(with_derivation, number("attributes"));
    assert_eq!(with_attribute, number("attribute_derivations"));
    assert_eq!(graph.attributes().filter(|attribute| attribute.error().is_some()).count(), number("errors"));
    assert_eq!(graph.attribute_count(), number("attributes") + number("errors"));
}

#[test]
fn the_sample_has_its_totals_in_every_shape() {
    let expected = expected_totals(&object(&dump("totals.json"))["sample"]);
    for name in SHAPES.into_iter().chain(["drvs.tar"]) {
        assert_eq!(totals(&import(&[dump(name)])), expected, "{name}");
    }
}

#[test]
fn every_route_to_the_sample_leads_to_one_graph() {
    let directory = TempDir::new().expect("a directory");
    let expected = import(&[sample_of_nix_2_8(directory.path())]).digest();
    for name in SHAPES.into_iter().chain(["drvs.tar"]) {
        assert_eq!(import(&[dump(name)]).digest(), expected, "{name}");
    }
    let store = directory.path().join("store");
    let files = unpack(&store);
    assert_eq!(import(std::slice::from_ref(&store)).digest(), expected, "a directory");
    assert_eq!(import(&files).digest(), expected, "every file by itself");
    let list = directory.path().join("paths");
    fs::write(&list, format!("{}\n\n", jq(&files).display())).expect("writes");
    assert_eq!(import(&[list]).digest(), expected, "a list of roots");
    let closure = Graph::import(&[Input::Closure(vec![jq(&files)])], &()).expect("imports");
    assert_eq!(closure.digest(), expected, "a closure");
}

/// Two dumps of the same derivations are the same derivations twice, whatever their shapes.
#[test]
fn shapes_repeat_each_other_without_a_contradiction() {
    let count = sample().len() as u64;
    let single = import(&[dump("drvs.tar")]);
    for name in SHAPES {
        let joined = import(&[dump("drvs.tar"), dump(name)]);
        assert_eq!(joined.findings().count(FindingKind::DuplicateDerivation), count, "{name}");
        assert_eq!(joined.findings().count(FindingKind::ContradictoryDerivation), 0, "{name}");
        assert_eq!(joined.digest(), single.digest(), "{name}");
    }
}

/// Every two dumps, whatever they tell of what: derivations and attributes, by paths, by outputs or both.
#[test]
fn of_two_dumps_either_may_be_first() {
    let said = |names: [&str; 2]| {
        let graph = import(&names.map(dump));
        (graph.digest(), findings(&graph))
    };
    for (at, (first, _)) in DUMPS.iter().enumerate() {
        for (second, _) in &DUMPS[at + 1..] {
            assert_eq!(said([first, second]), said([second, first]), "{first} {second}");
        }
    }
}

/// Against the JSON that Nix wrote, read in another way.
#[test]
fn edges_are_those_that_nix_wrote() {
    let nix = object(&dump("derivations.json"));
    let expected: BTreeMap<String, BTreeMap<String, Vec<String>>> = nix
        .iter()
        .map(|(path, derivation)| {
            let inputs: BTreeMap<String, Vec<String>> = serde_json::from_value(derivation["inputDrvs"].clone()).expect("inputs");
            (base_name(path), inputs.into_iter().map(|(path, outputs)| (base_name(&path), outputs)).collect())
        })
        .collect();
    let graph = import(&[dump("derivations.json")]);
    let inputs = |derivation: Derivation<'_>| {
        let input = |(ix, outputs): (_, _)| (graph.derivation(ix).base_name(), Iterator::map(outputs, str::to_owned).collect());
        derivation.inputs().map(input).collect::<BTreeMap<String, Vec<String>>>()
    };
    assert_eq!(by_name(&graph, inputs), expected);
}

#[test]
fn outputs_are_those_that_nix_wrote() {
    type Outputs = BTreeMap<String, Option<String>>;
    let path = |output: &Value| output["path"].as_str().map(str::to_owned);
    let outputs = |derivation: &Value| -> Outputs {
        derivation["outputs"].as_object().expect("outputs").iter().map(|(name, output)| (name.clone(), path(output))).collect()
    };
    let expected: BTreeMap<String, Outputs> =
        object(&dump("derivations.json")).iter().map(|(path, derivation)| (base_name(path), outputs(derivation))).collect();
    let graph = import(&[dump("derivations.json")]);
    let found =
        |derivation: Derivation<'_>| -> Outputs { derivation.outputs().map(|output| (output.name().to_owned(), output.path())).collect() };
    assert_eq!(by_name(&graph, found), expected);
}

#[test]
fn digests_tell_graphs_apart() {
    let dumps = [vec!["derivations.json"], vec!["eval-jobs.jsonl"], vec!["derivations.json", "eval-jobs.jsonl"]];
    let digests: BTreeSet<_> =
        dumps.iter().map(|names| import(&names.iter().map(|name| dump(name)).collect::<Vec<_>>()).digest()).collect();
    assert_eq!(digests.len(), dumps.len());
}

#[test]
fn fixed_hashes_are_equal_in_every_spelling() {
    let nix = object(&dump("derivations.json"));
    let sample = sample();
    let expected: BTreeMap<String, String> = nix
        .iter()
        .filter(|(path, _)| sample.contains(&base_name(path)))
        .map(|(path, derivation)| {
            let hash = derivation["outputs"]["out"]["hash"].as_str();
            let algo = derivation["outputs"]["out"]["hashAlgo"].as_str().unwrap_or_default();
            let (method, algo) = algo.strip_prefix("r:").map_or(("flat", algo), |algo| ("nar", algo));
            (base_name(path), hash.map(|hash| format!("{method}:{algo}:{hash}")).unwrap_or_default())
        })
        .collect();
    for name in SHAPES.into_iter().chain(["drvs.tar"]) {
        assert_eq!(by_name(&import(&[dump(name)]), |derivation| derivation.fixed_hash().to_owned()), expected, "{name}");
    }
}

#[test]
fn recipe_hashes_are_equal_in_every_shape() {
    let expected = by_name(&import(&[dump("derivations-2.18.json")]), Derivation::recipe_hash);
    assert!(expected.values().all(Option::is_some));
    for name in SHAPES.into_iter().chain(["drvs.tar"]) {
        assert_eq!(by_name(&import(&[dump(name)]), Derivation::recipe_hash), expected, "{name}");
    }
}

/// `nix-eval-jobs` with inputs knows the inputs of what has an attribute, and nothing behind those.
#[test]
fn eval_jobs_with_inputs_has_the_edges_of_attributes() {
    let jobs = crate::support::lines(&dump("eval-jobs-inputs.jsonl"));
    let expected: BTreeMap<String, BTreeSet<String>> = jobs
        .iter()
        .filter_map(|job| Some((job["drvPath"].as_str()?, job["inputDrvs"].as_object()?)))
        .map(|(path, inputs)| (base_name(path), inputs.keys().map(|input| base_name(input)).collect()))
        .collect();
    let graph = import(&[dump("eval-jobs-inputs.jsonl")]);
    let names = |derivation: Derivation<'_>| derivation.inputs().map(|(input, _)| graph.derivation(input).base_name()).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = by_name(&graph, names);
    let inner: BTreeSet<String> = expected.values().flatten().filter(|input| !expected.contains_key(*input)).cloned().collect();
    assert_eq!(graph.findings().count(FindingKind::DanglingInput), inner.len() as u64);
    for name in inner {
        assert_eq!(found.remove(&name), Some(BTreeSet::new()), "{name}");
    }
    assert_eq!(found, expected);
}

#[test]
fn tests_join_the_derivations_that_they_test() {
    let all: BTreeSet<String> = object(&dump("derivations.json")).keys().map(|path| base_name(path)).collect();
    let jobs = crate::support::lines(&dump("tests.jsonl"));
    let own: BTreeSet<String> = jobs.iter().map(|job| base_name(crate::support::text(job, "drvPath"))).collect();
    let graph = import(&[dump("tests.jsonl"), dump("derivations.json")]);
    assert_eq!(graph.findings().count(FindingKind::DanglingInput), 0);
    assert_eq!(graph.derivation_count(), all.union(&own).count());
    assert_eq!(graph.attribute_count(), jobs.len());
}

/// A source is described as `sha256sum` and `stat` would: also what stands behind the last file of a tar.
#[test]
fn a_source_is_described_as_it_lies_there() {
    for name in ["drvs.tar", "derivations.json", "eval-jobs.jsonl", "outpaths.json"] {
        let bytes = fs::read(dump(name)).expect("a dump");
        let graph = import(&[dump(name)]);
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
        assert_eq!((graph.sources()[0].bytes, &graph.sources()[0].sha256), (bytes.len() as u64, &hash), "{name}");
    }
}

/// Aliases, and the same package in two sets, are lines of one derivation.
#[test]
fn a_source_counts_each_of_its_derivations_once() {
    let drv_paths = |name: &str| -> BTreeSet<String> {
        crate::support::lines(&dump(name)).iter().filter_map(|job| job["drvPath"].as_str().map(str::to_owned)).collect()
    };
    let table = fs::read_to_string(dump("nix-env-drv.txt")).expect("a dump");
    let is_derivation = |cell: &&str| cell.rsplit_once('.').is_some_and(|(_, kind)| kind == "drv");
    let cells: BTreeSet<&str> = table.split_whitespace().filter(is_derivation).collect();
    for (name, expected) in [
        ("eval-jobs.jsonl", drv_paths("eval-jobs.jsonl").len()),
        ("tests.jsonl", drv_paths("tests.jsonl").len()),
        ("nix-env-drv.txt", cells.len()),
        ("derivations.json", object(&dump("derivations.json")).len()),
        ("outpaths.json", 0),
    ] {
        assert_eq!(import(&[dump(name)]).sources()[0].derivations, expected as u64, "{name}");
    }
    assert!(drv_paths("eval-jobs.jsonl").len() < crate::support::lines(&dump("eval-jobs.jsonl")).len() - 10);
}

/// All dumps of one evaluation at once, files and a directory: dumps of all kinds, and files that are none.
#[test]
fn a_directory_of_dumps_is_all_of_them() {
    let copy = TempDir::new().expect("a directory");
    for entry in fs::read_dir(dump("")).expect("it is there") {
        let path = entry.expect("an entry").path();
        // `update` is another evaluation.
        if path.is_file() {
            fs::copy(&path, copy.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    let directory = import(&[copy.path().to_owned(), dump("ci")]);
    let content_addressed = object(&dump("content-addressed.json")).len();
    let tests: BTreeSet<String> =
        crate::support::lines(&dump("tests.jsonl")).iter().map(|job| base_name(crate::support::text(job, "drvPath"))).collect();
    let all: BTreeSet<String> = object(&dump("derivations.json")).keys().map(|path| base_name(path)).collect();
    assert_eq!(directory.derivation_count(), all.union(&tests).count() + content_addressed);
    let found = findings(&directory);
    let count = |kind| found.iter().find(|(found, _)| *found == kind).map_or(0, |(_, count)| *count);
    // store-paths.txt and two .csv; the keys of totals.json.
    assert_eq!((count(FindingKind::SkippedFile), count(FindingKind::UnknownEntry)), (3, object(&dump("totals.json")).len() as u64));
    assert_eq!((count(FindingKind::ContradictoryDerivation), count(FindingKind::ContradictoryAttribute)), (0, 0));
    assert_eq!((count(FindingKind::Malformed), count(FindingKind::DanglingInput)), (0, 0));
}
