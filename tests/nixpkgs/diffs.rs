//! Two evaluations of a package set that was changed: the causes are the changes that were made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use waves_core::analysis::{Diff, Reason};
use waves_core::graph::Graph;
use waves_core::ingest::Input;

use crate::naive::base_name;
use crate::naive::decompressed;
use crate::nix::{Evaluated, Nix, copy_of_data};
use crate::support::{directory, import};

/// Evaluates a set with Nix and reads its derivations from the store.
fn graph(nix: &Nix, set: &Path) -> Graph {
    let attributes = nix.evaluate(set);
    let file = |evaluated: &Evaluated| nix.store().join(base_name(&evaluated.drv_path));
    let roots: BTreeSet<_> = attributes.values().map(file).collect();
    let line = |(attr, evaluated): (&String, &Evaluated)| {
        json!({ "attr": attr, "drvPath": evaluated.drv_path, "outputs": evaluated.outputs, "name": "", "system": "" }).to_string()
    };
    let jobs = set.join("jobs.jsonl");
    fs::write(&jobs, attributes.iter().map(line).collect::<Vec<_>>().join("\n")).expect("writes");
    Graph::import(&[Input::Closure(roots.into_iter().collect()), Input::Path(jobs)], &()).expect("imports")
}

/// Edits a file of a set: each text by another.
fn edit(set: &Path, file: &str, texts: &[(&str, &str)]) {
    let path = set.join(file);
    let mut text = fs::read_to_string(&path).expect(file);
    for (from, to) in texts {
        assert!(text.contains(from), "{file}: {from}");
        text = text.replace(from, to);
    }
    fs::write(path, text).expect("writes");
}

/// A cause as people would say it: its label, and why.
type Told = BTreeMap<String, BTreeSet<Reason>>;

fn causes(nix: &Nix, before: &Graph, change: impl Fn(&Path)) -> Told {
    let directory = TempDir::new().expect("a directory");
    copy_of_data(directory.path());
    change(directory.path());
    let after = graph(nix, directory.path());
    let diff = Diff::new(before, &after, false);
    assert!(diff.smallest_is_proven);
    diff.causes.into_iter().map(|cause| (cause.label, cause.reasons)).collect()
}

fn told(causes: &[(&str, &[Reason])]) -> Told {
    causes.iter().map(|(label, reasons)| ((*label).to_owned(), reasons.iter().copied().collect())).collect()
}

#[test]
fn causes_are_the_changes_that_were_made() {
    use Reason::{FixedOutput, New, Recipe, SourceFile, SwappedInput};

    let Some(nix) = Nix::new() else { return };
    let directory = TempDir::new().expect("a directory");
    copy_of_data(directory.path());
    let before = graph(&nix, directory.path());
    let check = |what: &str, expected: &[(&str, &[Reason])], change: &dyn Fn(&Path)| {
        assert_eq!(causes(&nix, &before, change), told(expected), "{what}");
    };

    // The modules out of the kernel's tree have its version in their names: they are no causes.
    let kernel = "pkgs/os-specific/linux/kernel/linux-6.6.nix";
    check("another kernel", &[("linux_6_6", &[FixedOutput, Recipe])], &|set| {
        edit(set, kernel, &[("6.6.63", "6.6.64"), ("sha256-TQcP", "sha256-AQcP")]);
    });
    check("a kernel patch", &[("linux_6_6", &[SourceFile])], &|set| {
        edit(set, "pkgs/os-specific/linux/kernel/bridge-stp-helper.patch", &[("\n", "\n\n")]);
    });
    // Nearly every derivation uses it, and it is one cause.
    check("the builder of all", &[("default-builder.sh", &[SourceFile])], &|set| {
        edit(set, "pkgs/stdenv/generic/default-builder.sh", &[("\n", "\n\n")]);
    });
    check("a fetcher", &[], &|set| edit(set, "pkgs/build-support/fetchurl/builder.sh", &[("\n", "\n\n")]));
    // Python's packages have its version in the paths that they install to.
    check("another Python", &[("python3", &[FixedOutput, Recipe])], &|set| {
        edit(set, "pkgs/development/interpreters/python/default.nix", &[("3.12.7", "3.12.8"), ("sha256-UvI5", "sha256-AvI5")]);
    });
    // Both versions were there before: only who uses which is another.
    check("another openssl for curl", &[("curl", &[SwappedInput])], &|set| {
        edit(
            set,
            "pkgs/top-level/all-packages.nix",
            &[("curlMinimal.override { http2Support = true; }", "curlMinimal.override { http2Support = true; openssl = openssl_1_1; }")],
        );
    });
    check("a new package", &[("brandnew", &[New])], &|set| {
        let file = "pkgs/by-name/br/brandnew/package.nix";
        fs::create_dir_all(set.join("pkgs/by-name/br/brandnew")).expect("creates");
        let text = "{ stdenv, zlib }:\nstdenv.mkDerivation { pname = \"brandnew\"; version = \"1.0\"; dontUnpack = true; buildInputs = [ zlib ]; }\n";
        fs::write(set.join(file), text).expect("writes");
    });
}

/// The evaluation with CUDA against the plain one: nixpkgs' rules, applied to the lines of both.
#[test]
fn the_diff_of_two_evaluations_follows_nixpkgs_rules() {
    let Some(data) = directory() else { return };
    let outputs = |file: &str| -> BTreeMap<String, BTreeMap<String, String>> {
        let entry = |job: serde_json::Value| {
            let path: Vec<String> = serde_json::from_value(job["attrPath"].clone()).ok()?;
            Some((path.join("."), serde_json::from_value(job.get("outputs")?.clone()).ok()?))
        };
        decompressed(&data.join(file)).lines().map(|line| serde_json::from_str(line).expect("JSON")).filter_map(entry).collect()
    };
    let (old, new) = (outputs("eval-jobs.jsonl.zst"), outputs("cuda-eval-jobs.jsonl.zst"));
    let before = import(&data, &["derivations.json.zst", "eval-jobs.jsonl.zst"]);
    let after = import(&data, &["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"]);
    let diff = Diff::new(&before, &after, false);

    let known: BTreeSet<&String> = old.values().flat_map(BTreeMap::values).collect();
    let is_new = |outputs: &BTreeMap<String, String>| outputs.values().any(|path| !known.contains(path));
    let names = |names: &[waves_core::analysis::AttributeName]| names.iter().map(|name| name.path.clone()).collect::<BTreeSet<_>>();
    let keys = |keep: &dyn Fn(&String) -> bool, of: &BTreeMap<String, BTreeMap<String, String>>| {
        of.keys().filter(|key| keep(key)).cloned().collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&diff.attributes.added), keys(&|key| !old.contains_key(key), &new));
    assert_eq!(names(&diff.attributes.removed), keys(&|key| !new.contains_key(key), &old));
    assert_eq!(names(&diff.attributes.changed), keys(&|key| old.get(key).is_some_and(|outputs| *outputs != new[key]), &new));
    assert_eq!(names(&diff.attributes.rebuilds), keys(&|key| is_new(&new[key]), &new));
    assert_eq!(diff.rebuild_counts().attributes, 916);
    // Every rebuild has a cause, and few of them are causes.
    let explained: usize = diff.causes.iter().filter_map(|cause| cause.adds).map(|adds| adds.attributes).sum();
    assert_eq!(explained + diff.newly_named, diff.attributes.rebuilds.len());
    assert!(diff.causes.len() * 5 < diff.rebuilt.len(), "{} causes of {}", diff.causes.len(), diff.rebuilt.len());
    assert!(diff.causes.iter().all(|cause| !cause.reasons.contains(&Reason::Unexplained)));
}
