//! What is removed, called otherwise, or not built any more; Nix is not needed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use git2::Oid;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use waves_core::cost::{Costs, Sources};
use waves_core::estimate::{Estimate, estimate};
use waves_core::graph::{DerivationSet, Graph};
use waves_core::ingest::Input;
use waves_core::report::{EstimateReport, Format, write as write_report};

use crate::commits::{COMMITS, Commit, remove_lld, replace, write};
use crate::nix::copy_of_data;
use crate::support::{History, data, repository};

const TOP: &str = "pkgs/top-level/all-packages.nix";
const ZLIB: &str = "zlib: 1.3.1 -> 1.3.2";

/// The attributes for which alone something is built for `i686-linux`.
const OF_32_BITS: [&str; 6] =
    ["pkgsi686Linux.expat", "pkgsi686Linux.gcc", "pkgsi686Linux.glibc", "pkgsi686Linux.ncurses", "pkgsi686Linux.zlib", "steam-unwrapped"];

/// The evaluation of `data` as the dumps have it, and slow answers from them.
struct Dumps {
    derivations: Map<String, Value>,
    /// Attribute paths, and their derivations.
    attributes: Vec<(String, String)>,
}

impl Dumps {
    fn read() -> Self {
        let read = |name: &str| fs::read_to_string(repository().join("data/dumps").join(name)).expect(name);
        let attribute = |line: &str| {
            let job: Value = serde_json::from_str(line).expect("a line of nix-eval-jobs");
            Some((job["attr"].as_str()?.to_owned(), job["drvPath"].as_str()?.to_owned()))
        };
        Self {
            derivations: serde_json::from_str(&read("derivations.json")).expect("derivations"),
            attributes: read("eval-jobs.jsonl").lines().filter_map(attribute).collect(),
        }
    }

    fn object<'d>(&'d self, derivation: &str, key: &str) -> &'d Map<String, Value> {
        self.derivations[derivation][key].as_object().expect(key)
    }

    fn is_fixed(&self, derivation: &str) -> bool {
        self.object(derivation, "outputs").values().any(|output| output.get("hash").is_some())
    }

    /// What some attributes need at any distance, be it to fetch something: breadth first.
    fn needed(&self, is_meant: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let meant = self.attributes.iter().filter(|(attribute, _)| is_meant(attribute));
        let mut queue: VecDeque<&str> = meant.map(|(_, derivation)| derivation.as_str()).collect();
        let mut needed = BTreeSet::new();
        while let Some(derivation) = queue.pop_front() {
            if needed.insert(derivation) {
                queue.extend(self.object(derivation, "inputDrvs").keys().map(String::as_str));
            }
        }
        needed
    }

    /// What these attributes need, and no other does. Whatever has no attribute is needed by something that has one.
    fn only_for(&self, attributes: &[&str]) -> BTreeSet<&str> {
        let others = self.needed(|attribute| !attributes.contains(&attribute));
        self.needed(|attribute| attributes.contains(&attribute)).difference(&others).copied().collect()
    }

    /// The same without what is only fetched.
    fn built_only_for(&self, attributes: &[&str]) -> BTreeSet<&str> {
        self.only_for(attributes).into_iter().filter(|derivation| !self.is_fixed(derivation)).collect()
    }

    /// The derivation of an attribute.
    fn derivation(&self, attribute: &str) -> &str {
        let (_, derivation) = self.attributes.iter().find(|(name, _)| name == attribute).expect(attribute);
        derivation
    }

    /// What a change of some derivations rebuilds, themselves included: looked for again and again, until there is no more.
    fn rebuilt_by(&self, is_root: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        let paths = || self.derivations.keys().map(String::as_str);
        let mut rebuilt: BTreeSet<&str> = paths().filter(|path| is_root(path)).collect();
        loop {
            let needs_one = |path: &&str| self.object(path, "inputDrvs").keys().any(|input| rebuilt.contains(input.as_str()));
            let more: Vec<&str> = paths().filter(|path| !rebuilt.contains(path) && !self.is_fixed(path)).filter(needs_one).collect();
            if more.is_empty() {
                return rebuilt;
            }
            rebuilt.extend(more);
        }
    }

    fn counts(&self, derivations: &BTreeSet<&str>) -> Value {
        let outputs = derivations.iter().flat_map(|derivation| self.object(derivation, "outputs").values());
        let outputs: BTreeSet<&str> = outputs.filter_map(|output| output["path"].as_str()).collect();
        let attributes = self.attributes.iter().filter(|(_, derivation)| derivations.contains(derivation.as_str())).count();
        json!({ "attributes": attributes, "derivations": derivations.len(), "outputs": outputs.len() })
    }
}

/// Makes sure that direct dependents rebuild nothing that is gone, and no attribute that is removed, and that those come first which
/// rebuild most; how many of them would rebuild more with all that.
fn require_direct(direct: &Value, dumps: &Dumps, removed: &[&str], gone: &BTreeSet<&str>) -> usize {
    let mut sizes = Vec::new();
    let mut less = 0;
    for row in direct.as_array().expect("a list") {
        let root = row["derivation"].as_str().expect("a path");
        let all = dumps.rebuilt_by(|path| path == root);
        let left: BTreeSet<&str> = all.difference(gone).copied().collect();
        let names = |derivations: &BTreeSet<&str>, without: &[&str]| {
            let names = dumps.attributes.iter().filter(|(_, derivation)| derivations.contains(derivation.as_str()));
            names.filter(|(name, _)| !without.contains(&name.as_str())).count()
        };
        let (attributes, all_attributes) = (names(&left, removed), names(&all, &[]));
        assert_eq!(json!([row["rebuilds_derivations"], row["rebuilds_attributes"]]), json!([left.len(), attributes]), "{root}");
        sizes.push(left.len());
        less += usize::from((left.len(), attributes) < (all.len(), all_attributes));
    }
    assert!(sizes.is_sorted_by_key(|size| Reverse(*size)), "{sizes:?}");
    less
}

fn called(subject: &str) -> &'static Commit {
    COMMITS.iter().find(|commit| commit.subject == subject).expect(subject)
}

/// A commit on the package set.
fn committed(history: &History, edit: impl Fn(&Path)) -> Oid {
    let set = TempDir::new().expect("a directory");
    copy_of_data(set.path());
    edit(set.path());
    history.commit(set.path(), "an edit", history.base)
}

/// Takes out all that is for 32 bits.
fn remove_32_bits(set: &Path) {
    fs::remove_dir_all(set.join("pkgs/by-name/st/steam-unwrapped")).expect("removed");
    let text = fs::read_to_string(set.join(TOP)).expect("it is there");
    let (before, after) = text.split_once("  pkgsi686Linux = ").expect("it is there");
    let (_, after) = after.split_once("  };\n").expect("it ends");
    write(set, TOP, &[before, after].concat());
}

fn paths(graph: &Graph, derivations: &DerivationSet) -> BTreeSet<String> {
    derivations.iter().map(|ix| graph.derivation(ix).path()).collect()
}

fn removed(estimate: &Estimate) -> Vec<&str> {
    estimate.removed.iter().map(String::as_str).collect()
}

/// What only removed attributes need, at any distance, is no rebuild and in no bound, and is counted apart.
#[test]
fn what_only_removed_attributes_need_is_no_longer_built() {
    let (graph, history, dumps) = (data(), History::new(), Dumps::read());
    let bump = called(ZLIB).edit;
    let bumped = history.estimate(&graph, history.base, committed(&history, bump));
    let bumped = paths(&graph, bumped.impact(&graph, None, None).expect("it has edges").rebuilds());
    let (only, built) = (dumps.only_for(&OF_32_BITS), dumps.built_only_for(&OF_32_BITS));
    assert!(built.len() > OF_32_BITS.len() + 40 && built.iter().filter(|path| bumped.contains(**path)).count() > 40);
    let head = committed(&history, |set| {
        bump(set);
        remove_32_bits(set);
    });
    let comparison = history.compare(history.base, head);
    let found = estimate(&graph, &comparison).expect("estimates");
    assert_eq!((removed(&found), found.unbounded.len()), (OF_32_BITS.to_vec(), 0));
    let impact = found.impact(&graph, None, None).expect("it has edges");
    let left: BTreeSet<String> = bumped.into_iter().filter(|path| !only.contains(path.as_str())).collect();
    assert_eq!((paths(&graph, impact.rebuilds()), paths(&graph, &found.at_most(&graph))), (left.clone(), left));

    let report = EstimateReport::new("base..head", &comparison, &found, &impact, None, usize::MAX);
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["no_longer_built"], dumps.counts(&built));
    assert!(require_direct(&json["impact"]["direct"], &dumps, &OF_32_BITS, &only) > 0);
    assert_eq!(json["impact"]["systems"].as_object().expect("systems").keys().collect::<Vec<_>>(), ["x86_64-linux"]);
    let mut text = Vec::new();
    write_report(&report, Format::Text, None, &mut text).expect("written");
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.contains("\nNo longer built, and not counted as rebuilt: 53 derivations, 91 outputs.\n"), "{text}");

    // A package is called by what is left of it, and nothing that is gone is part of a cause.
    let change = found.into_change(&graph).expect("it has edges");
    assert_eq!(change.causes.iter().map(|cause| cause.selector.as_str()).collect::<Vec<_>>(), ["zlib"]);
    assert!(change.causes[0].derivations.iter().all(|&ix| !only.contains(graph.derivation(ix).path().as_str())));
    for system in ["x86_64-linux", "i686-linux"] {
        let mut found = history.estimate(&graph, history.base, head);
        found.keep_system(&graph, system).expect("there is something");
        let of_system = built.iter().filter(|path| dumps.derivations[**path]["system"] == system).count();
        assert_eq!(found.no_longer_built(&graph).len(), of_system, "{system}");
    }
}

/// What goes with them need not do without them.
#[test]
fn what_is_removed_with_all_that_needs_it_has_no_bound() {
    let (graph, history, dumps) = (data(), History::new(), Dumps::read());
    let found = history.estimate(&graph, history.base, committed(&history, remove_32_bits));
    assert_eq!((removed(&found), found.unbounded.len()), (OF_32_BITS.to_vec(), 0), "{found:?}");
    assert!(found.at_most(&graph).is_empty());
    let gone = paths(&graph, &found.no_longer_built(&graph));
    assert!(gone.iter().eq(dumps.built_only_for(&OF_32_BITS)), "{gone:?}");
}

/// A package whose file is changed besides is gone all the same.
#[test]
fn what_is_removed_is_no_cause() {
    const NAMES: [&str; 2] = ["python311Packages.torchvision", "python312Packages.torchvision"];
    let (graph, history, dumps) = (data(), History::new(), Dumps::read());
    let head = committed(&history, |set| {
        (called("torchvision: remove from two sets").edit)(set);
        replace(set, "pkgs/development/python-modules/torchvision/default.nix", "pname = ", "flag = 1;\n  pname = ");
    });
    let found = history.estimate(&graph, history.base, head);
    let seeds: BTreeSet<&str> = found.seeds.iter().map(|seed| graph.attribute(seed.attribute).path()).collect();
    assert_eq!((removed(&found), seeds), (NAMES.to_vec(), BTreeSet::from(NAMES)));
    let change = found.into_change(&graph).expect("it has edges");
    assert!(change.causes.is_empty() && change.impact.rebuilds().is_empty(), "{change:?}");
    assert_eq!(change.attributes.removed.len(), NAMES.len());
    assert!(paths(&graph, &found.no_longer_built(&graph)).iter().eq(dumps.built_only_for(&NAMES)));
}

/// What is only called otherwise is built as before, and rebuilt if what it needs is.
#[test]
fn another_name_is_no_end() {
    let (graph, history, dumps) = (data(), History::new(), Dumps::read());
    let bump = called(ZLIB).edit;
    let bumped = history.estimate(&graph, history.base, committed(&history, bump));
    let bumped = bumped.impact(&graph, None, None).expect("it has edges");
    let [renamed, renamed_set] = ["fd: rename to find", "qt6: rename the set"].map(|subject| (subject, called(subject).edit));
    for ((subject, edit), names) in [(renamed, 1), (renamed_set, 4), (("fd: move to find", move_fd_to_find as fn(&Path)), 1)] {
        let head = committed(&history, |set| {
            bump(set);
            edit(set);
        });
        let found = history.estimate(&graph, history.base, head);
        assert_eq!((found.removed.len(), found.added.len(), found.no_longer_built(&graph).len()), (names, names, 0), "{subject}");
        let impact = found.impact(&graph, None, None).expect("it has edges");
        assert_eq!(impact.rebuilds(), bumped.rebuilds(), "{subject}");
        // The new names are not in the evaluation.
        assert_eq!(impact.rebuild_counts().attributes, bumped.rebuild_counts().attributes - names, "{subject}");
        assert!(impact.attributes().iter().all(|attribute| !found.removed.contains(attribute.path())), "{subject}");
        let costs = Costs::new(&graph, Sources::default()).expect("there are no files");
        let comparison = history.compare(history.base, head);
        let report = EstimateReport::new("base..head", &comparison, &found, &impact, Some(costs), usize::MAX);
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["impact"]["cost"]["total"]["attributes"], json["impact"]["rebuilds"]["attributes"], "{subject}");
        assert!(require_direct(&json["impact"]["direct"], &dumps, &removed(&found), &BTreeSet::new()) > 0, "{subject}");
    }
}

/// Another name of what a removed file made, or a variant, is rebuilt at most, with all that needs it.
#[test]
fn variants_of_what_is_removed_have_a_bound() {
    let (graph, history, dumps) = (data(), History::new(), Dumps::read());
    for (directory, name, other) in [("ri/ripgrep", "ripgrep", "rg"), ("cu/curlMinimal", "curlMinimal", "curl")] {
        let head = committed(&history, |set| fs::remove_dir_all(set.join("pkgs/by-name").join(directory)).expect("removed"));
        let found = history.estimate(&graph, history.base, head);
        let [unbounded] = found.unbounded.as_slice() else { panic!("{found:?}") };
        assert_eq!((removed(&found), &unbounded.file), (vec![name], &format!("pkgs/by-name/{directory}/package.nix")));
        // What is fetched is so with a third curl, which has no attribute.
        let (own, variant) = (dumps.derivation(name), dumps.derivation(other));
        let (_, end) = variant.split_once('-').expect("a name");
        let expected = dumps.rebuilt_by(|path| path.ends_with(&format!("-{end}")) && (path != own || path == variant));
        assert!(paths(&graph, &unbounded.bound).iter().eq(&expected), "{:?}", unbounded.bound);
        assert_eq!(found.at_most(&graph), unbounded.bound);
        // It may rebuild something, and is not said to rebuild nothing.
        assert!(found.ignored.is_empty(), "{found:?}");
    }
}

/// What only has the name of what is removed is neither that, in another place, nor removed with it.
#[test]
fn another_package_of_the_name_is_no_other_place() {
    const NAMES: [&str; 2] = ["python311Packages.torchvision", "python312Packages.torchvision"];
    let (graph, history) = (data(), History::new());
    let by_name = |set: &Path| write(set, "pkgs/by-name/to/torchvision/package.nix", "{ fd }:\nfd.overrideAttrs { flag = 1; }\n");
    let at_top = |set: &Path| replace(set, TOP, "  xz = callPackage", "  torchvision = fd;\n\n  xz = callPackage");
    for (at, other) in [&by_name as &dyn Fn(&Path), &at_top].into_iter().enumerate() {
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        other(set.path());
        let base = history.commit(set.path(), "another package of the name", history.base);
        (called("torchvision: remove from two sets").edit)(set.path());
        // The file of the other one is changed, too.
        replace(set.path(), TOP, "  xz = callPackage", "  greeting = hello;\n\n  xz = callPackage");
        let found = history.estimate(&graph, base, history.commit(set.path(), "only from the sets", base));
        assert_eq!((removed(&found), found.seeds.len(), found.unbounded.len()), (NAMES.to_vec(), 0, 0), "{at}: {found:?}");
        assert!(found.added.iter().eq(["greeting"]), "{at}: {found:?}");
    }
    // What the top level takes over from a set stays there.
    let found = history.estimate(&graph, history.base, committed(&history, remove_lld));
    assert_eq!((removed(&found), found.seeds.len(), found.unbounded.len()), (vec!["lld"], 0, 0), "{found:?}");
    assert!(found.no_longer_built(&graph).is_empty());
}

/// Moves a file out of `pkgs/by-name`, under another name.
fn move_fd_to_find(set: &Path) {
    let file = set.join("pkgs/tools/fd/default.nix");
    fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    fs::rename(set.join("pkgs/by-name/fd/fd/package.nix"), file).expect("moved");
    let all = set.join(TOP);
    let text = fs::read_to_string(&all).expect("text");
    let (head, _) = text.trim_end().rsplit_once('}').expect("a set");
    fs::write(&all, format!("{head}\n  find = callPackage ../tools/fd {{ }};\n}}\n")).expect("written");
}

/// A derivation of a set that is made up, without a source.
fn derivation(pname: &str, output: &str, system: &str, inputs: &[&str]) -> Value {
    let inputs: Map<String, Value> = inputs.iter().map(|input| ((*input).to_owned(), json!(["out"]))).collect();
    json!({
        "outputs": { "out": { "path": format!("/nix/store/{}-{pname}-1.0", output.repeat(32)) } },
        "inputSrcs": [],
        "inputDrvs": inputs,
        "system": system,
        "builder": "/bin/sh",
        "args": [],
        "env": { "name": format!("{pname}-1.0"), "pname": pname, "version": "1.0" },
    })
}

/// A tool, the same for another system without an attribute, and what is built with that.
fn tool_and_app() -> Graph {
    let [tool, nameless, app] =
        [("a", "tool"), ("b", "tool"), ("c", "app")].map(|(letter, pname)| format!("/nix/store/{}-{pname}-1.0.drv", letter.repeat(32)));
    let job = |name: &str, derivation: &str| {
        let position = format!("pkgs/tools/{name}/default.nix:1");
        let (file, meta) = (format!("{name}-1.0"), json!({ "position": position }));
        json!({ "attr": name, "attrPath": [name], "name": file, "drvPath": derivation, "system": "x86_64-linux", "meta": meta }).to_string()
    };
    let jobs = [job("tool", &tool), job("app", &app)].join("\n");
    let app_of_it = derivation("app", "3", "x86_64-linux", &[nameless.as_str()]);
    let derivations: Map<String, Value> =
        [(tool, derivation("tool", "1", "x86_64-linux", &[])), (nameless, derivation("tool", "2", "i686-linux", &[])), (app, app_of_it)]
            .into_iter()
            .collect();
    let directory = TempDir::new().expect("a directory");
    let dumps = [("derivations.json", Value::Object(derivations).to_string()), ("eval-jobs.jsonl", jobs)];
    let inputs = dumps.map(|(name, text)| {
        write(directory.path(), name, &text);
        Input::Path(directory.path().join(name))
    });
    Graph::import(&inputs, &()).expect("imports")
}

/// Whatever a function may make is in its bound, with what has no attribute; unless it is not built any more.
#[test]
fn bounds_hold_what_has_no_attribute() {
    const SET: &str = "{ callPackage, mk }:\n{\n  mkTool = args: mk (args // { flag = 1; });\n  \
                       tool = callPackage ../tools/tool { };\n  app = callPackage ../tools/app { };\n}\n";
    let (graph, history, set) = (tool_and_app(), History::new(), TempDir::new().expect("a directory"));
    write(set.path(), TOP, SET);
    write(set.path(), "pkgs/tools/tool/default.nix", "{ mkTool }: mkTool { pname = \"tool\"; version = \"1.0\"; }\n");
    write(set.path(), "pkgs/tools/app/default.nix", "{ mk, tool32 }: mk { pname = \"app\"; buildInputs = [ tool32 ]; }\n");
    let base = history.commit(set.path(), "the set", history.base);
    replace(set.path(), TOP, "flag = 1", "flag = 2");
    let flagged = history.commit(set.path(), "another flag", base);
    let found = history.estimate(&graph, base, flagged);
    let [unbounded] = found.unbounded.as_slice() else { panic!("{found:?}") };
    assert_eq!((unbounded.file.as_str(), &unbounded.bound), (TOP, &graph.full_set()));
    assert_eq!((found.at_most(&graph), found.no_longer_built(&graph).len()), (graph.full_set(), 0));
    // The same, without any that is made by it.
    for name in ["tool", "app"] {
        replace(set.path(), TOP, &format!("  {name} = callPackage ../tools/{name} {{ }};\n"), "");
    }
    let found = history.estimate(&graph, base, history.commit(set.path(), "nothing is left", flagged));
    assert_eq!((removed(&found), found.unbounded.len(), found.at_most(&graph).len()), (vec!["app", "tool"], 0, 0), "{found:?}");
    assert_eq!(found.no_longer_built(&graph), graph.full_set());
    let ignored: Vec<(&str, &str)> = found.ignored.iter().map(|ignored| (ignored.file.as_str(), ignored.reason.as_str())).collect();
    assert_eq!(ignored, [(TOP, "nothing that is still built is made from it")]);
}
