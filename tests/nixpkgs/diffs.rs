//! Two evaluations of a package set that was changed: the causes are the changes that were made.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use waves_core::analysis::{Diff, Reason, Scope};
use waves_core::graph::Graph;
use waves_core::ingest::Input;

use crate::naive::base_name;
use crate::naive::decompressed;
use crate::nix::{Evaluated, Nix, copy_of_data};
use crate::support::{Nixpkgs, cuda, directory, nixpkgs};

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
    use Reason::{FixedOutput, New, SourceFile, SwappedInput};

    let Some(nix) = Nix::new() else { return };
    let directory = TempDir::new().expect("a directory");
    copy_of_data(directory.path());
    let before = graph(&nix, directory.path());
    let check = |what: &str, expected: &[(&str, &[Reason])], change: &dyn Fn(&Path)| {
        assert_eq!(causes(&nix, &before, change), told(expected), "{what}");
    };

    // The modules out of the kernel's tree have its version in their names: they are no causes.
    let kernel = "pkgs/os-specific/linux/kernel/linux-6.6.nix";
    check("another kernel", &[("linux_6_6", &[FixedOutput])], &|set| {
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
    check("another Python", &[("python3", &[FixedOutput])], &|set| {
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
    let (Some(nixpkgs), Some(after), Some(data)) = (nixpkgs(), cuda(), directory()) else { return };
    let outputs = |file: &str| -> BTreeMap<String, BTreeMap<String, String>> {
        let entry = |job: serde_json::Value| {
            let path: Vec<String> = serde_json::from_value(job["attrPath"].clone()).ok()?;
            Some((path.join("."), serde_json::from_value(job.get("outputs")?.clone()).ok()?))
        };
        decompressed(&data.join(file)).lines().map(|line| serde_json::from_str(line).expect("JSON")).filter_map(entry).collect()
    };
    let (old, new) = (outputs("eval-jobs.jsonl.zst"), outputs("cuda-eval-jobs.jsonl.zst"));
    let diff = Diff::new(&nixpkgs.graph, after, false);

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

/// Nixpkgs as it would be after a change: everything that `roots` and their sources rebuild has other paths, and says
/// `to` where it said `from`. What is behind a fixed output keeps its paths.
struct Rewritten<'n> {
    nixpkgs: &'n Nixpkgs,
    rebuilt: Vec<bool>,
    /// The hash parts that change, backwards.
    hashes: HashSet<Vec<u8>>,
    version: (&'n str, &'n str),
}

impl<'n> Rewritten<'n> {
    fn new(nixpkgs: &'n Nixpkgs, selector: &str, version: (&'n str, &'n str)) -> Self {
        let naive = &nixpkgs.naive;
        let (roots, mut changed) = nixpkgs.root(selector, Scope::Package);
        let derivations = roots.iter().flat_map(|root| &root.derivations).map(|&ix| nixpkgs.graph.derivation(ix));
        changed.extend(derivations.filter_map(|derivation| Some(nixpkgs.number(derivation.src()?))));
        // Several derivations may build the same: then they change together.
        let mut rebuilt = naive.rebuilds(&changed);
        loop {
            let outputs: HashSet<&String> = (0..rebuilt.len()).filter(|&at| rebuilt[at]).flat_map(|at| &naive.outputs[at]).collect();
            let twins = (0..rebuilt.len()).filter(|&at| !rebuilt[at] && naive.outputs[at].iter().any(|output| outputs.contains(output)));
            let twins: Vec<usize> = twins.collect();
            if twins.is_empty() {
                break;
            }
            changed.extend(twins);
            rebuilt = naive.rebuilds(&changed);
        }
        let members = (0..rebuilt.len()).filter(|&at| rebuilt[at]);
        let paths = members.flat_map(|at| naive.outputs[at].iter().map(String::as_str).chain([naive.names[at].as_str()]));
        let hashes = paths.map(|path| base_name(path).as_bytes()[..32].to_vec()).collect();
        Self { nixpkgs, rebuilt, hashes, version }
    }

    /// Rewrites text in place; a line that names a rebuilt derivation in `place` begins an entry of it.
    fn rewrite(&self, text: String, derivation_of: impl Fn(&str) -> Option<&str>) -> Vec<u8> {
        let mut bytes = text.into_bytes();
        let (from, to) = (self.version.0.as_bytes(), self.version.1.as_bytes());
        assert_eq!(from.len(), to.len());
        let (mut start, mut is_rebuilt) = (0, false);
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let line = &mut bytes[start..end];
            if let Some(name) = derivation_of(std::str::from_utf8(line).expect("text")) {
                is_rebuilt = self.nixpkgs.naive.numbers.get(name).is_some_and(|&at| self.rebuilt[at]);
            }
            let paths: Vec<usize> = memchr::memmem::find_iter(line, "/nix/store/").map(|at| at + "/nix/store/".len()).collect();
            for at in paths {
                if let Some(hash) = line.get_mut(at..at + 32).filter(|hash| self.hashes.contains(&**hash)) {
                    hash.reverse();
                }
            }
            let versions: Vec<usize> = memchr::memmem::find_iter(line, from).collect();
            for at in versions.into_iter().filter(|_| is_rebuilt) {
                line[at..at + from.len()].copy_from_slice(to);
            }
            start = end + 1;
        }
        bytes
    }

    fn graph(&self, data: &Path) -> Graph {
        let directory = TempDir::new().expect("a directory");
        let derivations = self.rewrite(decompressed(&data.join("derivations.json.zst")), |line| {
            line.strip_prefix("  \"/nix/store/").and_then(|key| key.split('"').next())
        });
        let jobs = self.rewrite(decompressed(&data.join("eval-jobs.jsonl.zst")), |line| {
            let at = line.find("\"drvPath\"").map(|at| &line[at..]);
            Some(at.and_then(|rest| rest.split("/nix/store/").nth(1)?.split('"').next()).unwrap_or_default())
        });
        let inputs = [("derivations.json", derivations), ("jobs.jsonl", jobs)].map(|(name, bytes)| {
            fs::write(directory.path().join(name), bytes).expect("writes");
            Input::Path(directory.path().join(name))
        });
        Graph::import(&inputs, &()).expect("imports")
    }
}

/// A new kernel: hundreds of modules out of its tree repeat its version in their own names, and none of them is a cause.
#[test]
fn a_kernel_is_the_one_cause_of_its_modules() {
    let (Some(nixpkgs), Some(data)) = (nixpkgs(), directory()) else { return };
    let rewritten = Rewritten::new(nixpkgs, "linuxPackages.kernel", ("6.6.60", "6.6.99"));
    let after = rewritten.graph(&data);
    let diff = Diff::new(&nixpkgs.graph, &after, false);
    assert!(diff.rebuilt.len() > 300, "{:?}", diff.rebuild_counts());
    assert_eq!(diff.rebuilt.len(), rewritten.rebuilt.iter().filter(|&&is_rebuilt| is_rebuilt).count());
    let told: Vec<_> = diff.causes.iter().map(|cause| (cause.label.as_str(), &cause.reasons, cause.rebuilds.derivations)).collect();
    println!("{told:?}");
    assert_eq!(diff.causes.len(), 1);
}
