//! What is handed over builds a wave, and each derivation of it once.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use waves_core::export::{Engine, ExportOptions, ExportedFile, ExportedWave, RUNNER_SECONDS, Target, export};
use waves_core::graph::DerivationIx;

use crate::model::PackageSet;
use crate::strategy::with_roots;
use crate::support::{Imported, import};

/// What of `wave` is built on the way to `targets`, if all of `built` is there.
fn on_the_way(set: &PackageSet, targets: &BTreeSet<usize>, wave: &BTreeSet<usize>, built: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut reached: BTreeSet<usize> = targets.iter().copied().filter(|at| wave.contains(at) && !built.contains(at)).collect();
    loop {
        let inputs = reached.iter().filter(|&&at| !set.derivations[at].is_fixed).flat_map(|&at| set.derivations[at].inputs.keys().copied());
        let next: Vec<usize> = inputs.filter(|at| wave.contains(at) && !built.contains(at) && !reached.contains(at)).collect();
        if next.is_empty() {
            return reached;
        }
        reached.extend(next);
    }
}

/// The derivations that a job names, of attributes that are plain but for quotes.
fn targets(set: &PackageSet, job: &Value) -> BTreeSet<usize> {
    let attributes = job["attrs"].as_str().expect("attributes").split("-A ").map(|word| word.trim().trim_matches('\''));
    let of_path = |path: &str| {
        let mut named =
            set.attributes.iter().filter(|attribute| attribute.dotted() == path).filter_map(|attribute| attribute.derivation.ok());
        named.find(|&at| set.derivations[at].system == job["system"]).or_else(|| {
            set.attributes.iter().filter(|attribute| attribute.dotted() == path).find_map(|attribute| attribute.derivation.ok())
        })
    };
    attributes.filter(|path| !path.is_empty()).map(|path| of_path(path).expect("an attribute")).collect()
}

/// What does not evaluate where nothing is allowed that is broken: what has attributes that all are, and whatever needs that.
fn refused(set: &PackageSet, broken: &[bool]) -> BTreeSet<usize> {
    let is_broken = |at: usize| {
        let of: Vec<bool> =
            set.attributes.iter().zip(broken).filter(|(attribute, _)| attribute.derivation == Ok(at)).map(|(_, &is)| is).collect();
        !of.is_empty() && !of.contains(&false)
    };
    let mut refused: BTreeSet<usize> = set.all().filter(|&at| is_broken(at)).collect();
    loop {
        let next: Vec<usize> = refused.iter().flat_map(|&at| set.needing(at)).filter(|at| !refused.contains(at)).collect();
        if next.is_empty() {
            return refused;
        }
        refused.extend(next);
    }
}

fn files(imported: &Imported, wave: &BTreeSet<usize>, engine: Engine, seconds: &[u32]) -> (Vec<ExportedFile>, usize, usize) {
    let rebuilds = imported.graph.set_of(wave.iter().map(|&at| imported.ix(at)));
    let seconds = |ix: DerivationIx| seconds[imported.at(ix)];
    let options = ExportOptions { file: ".", path: None, source: None, repository: None, seconds: Some(&seconds) };
    let waves = [ExportedWave { name: "wave-1.1", rebuilds: &rebuilds }];
    let (files, exported) = export(&imported.graph, &waves, engine, &options).expect("it can be exported");
    (files, exported[0].cover.unreached.len(), exported[0].jobs.map_or(0, |jobs| jobs.repeated))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_derivation_is_built_by_one_job((set, roots) in with_roots(40), seconds in vec(0_u32..30_000, 40)) {
        let imported = Imported::new(&set);
        let wave = set.rebuilds(roots);
        let (files, unreached, repeated) = files(&imported, &wave, Engine::GithubMatrix, &seconds);
        let named: BTreeSet<usize> = set.attributes.iter().filter_map(|attribute| attribute.derivation.ok()).collect();
        let reachable = on_the_way(&set, &named, &wave, &BTreeSet::new());
        prop_assert_eq!(wave.len() - reachable.len(), unreached);
        let (mut built, mut times) = (BTreeSet::new(), 0);
        for file in &files {
            let matrix: Value = serde_json::from_str(&file.content).expect("JSON");
            let mut of_stage = BTreeSet::new();
            for job in matrix["include"].as_array().expect("jobs") {
                // Two systems are two sets: what one built is not in the way of the other, so nothing is taken as built.
                let before = if repeated == 0 { built.clone() } else { BTreeSet::new() };
                let of_job = on_the_way(&set, &targets(&set, job), &wave, &before);
                if repeated == 0 {
                    prop_assert_eq!(job["derivations"].as_u64(), Some(of_job.len() as u64));
                }
                times += job["derivations"].as_u64().expect("a number") as usize;
                for at in of_job {
                    prop_assert!(of_stage.insert(at) || repeated > 0, "{at} is built by two jobs");
                }
            }
            built.extend(of_stage);
        }
        prop_assert_eq!(&built, &reachable);
        prop_assert_eq!(times, reachable.len() + repeated);
    }

    /// What does not evaluate stops the whole of its job or command, and what needs that does not evaluate either.
    #[test]
    fn what_does_not_evaluate_is_apart((set, roots) in with_roots(40), broken in vec(prop::bool::weighted(0.15), 40)) {
        let flagged = |(line, &is_broken): (String, &bool)| {
            let mut job: Value = serde_json::from_str(&line).expect("a line");
            if is_broken && job.get("meta").is_some() {
                job["meta"]["broken"] = Value::Bool(true);
            }
            job.to_string()
        };
        let jobs: Vec<String> = set.job_lines().into_iter().zip(&broken).map(flagged).collect();
        let imported = Imported::with_jobs(&set, &jobs);
        let refused = refused(&set, &broken);
        let wave = set.rebuilds(roots);
        let (files, ..) = files(&imported, &wave, Engine::GithubMatrix, &[60; 40]);
        for file in &files {
            let matrix: Value = serde_json::from_str(&file.content).expect("JSON");
            for job in matrix["include"].as_array().expect("jobs") {
                let (no, yes): (Vec<usize>, Vec<usize>) = targets(&set, job).into_iter().partition(|at| refused.contains(at));
                prop_assert!(no.is_empty() || yes.is_empty(), "{no:?} beside {yes:?}");
            }
        }
        let rebuilds = imported.graph.set_of(wave.iter().map(|&at| imported.ix(at)));
        let options = ExportOptions { file: ".", path: None, source: None, repository: None, seconds: None };
        let waves = [ExportedWave { name: "wave-1.1", rebuilds: &rebuilds }];
        let (scripts, exported) = export(&imported.graph, &waves, Engine::NixBuild, &options).expect("it can be exported");
        let cover = &exported[0].cover;
        prop_assert_eq!(cover.refused, cover.targets.iter().filter(|target| refused.contains(&imported.at(target.derivation))).count());
        for command in scripts[0].content.lines().filter(|line| line.contains(" -A ")) {
            let asked = command.split(" -A ").skip(1).map(|word| word.trim_matches('\''));
            let of_path = |path: &str| {
                let is_asked = |target: &&Target| {
                    command.starts_with(&format!("build {} ", target.system)) && imported.graph.attribute(target.attribute).path() == path
                };
                cover.targets.iter().find(is_asked).map(|target| imported.at(target.derivation))
            };
            let (no, yes): (Vec<usize>, Vec<usize>) = asked.filter_map(of_path).partition(|at| refused.contains(at));
            prop_assert!(no.is_empty() || yes.is_empty(), "{no:?} beside {yes:?}");
        }
    }

    /// Where a wave fits the runners as it is, it has one stage.
    #[test]
    fn small_waves_have_one_stage((set, roots) in with_roots(40), seconds in vec(0_u32..300, 40)) {
        let imported = Imported::new(&set);
        let wave = set.rebuilds(roots);
        let (files, ..) = files(&imported, &wave, Engine::GithubMatrix, &seconds);
        prop_assert!(u64::from(seconds.iter().sum::<u32>()) <= RUNNER_SECONDS);
        prop_assert!(files.len() <= 1);
    }

    /// The script names what nothing else of the wave needs.
    #[test]
    fn a_script_names_what_covers_its_wave((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let wave = set.rebuilds(roots);
        let rebuilds = imported.graph.set_of(wave.iter().map(|&at| imported.ix(at)));
        let options = ExportOptions { file: ".", path: None, source: None, repository: None, seconds: None };
        let waves = [ExportedWave { name: "wave-1.1", rebuilds: &rebuilds }];
        let (_, exported) = export(&imported.graph, &waves, Engine::NixBuild, &options).expect("it can be exported");
        let targets: BTreeSet<usize> = exported[0].cover.targets.iter().map(|target| imported.at(target.derivation)).collect();
        let named: BTreeSet<usize> = set.attributes.iter().filter_map(|attribute| attribute.derivation.ok()).collect();
        let nothing = BTreeSet::new();
        let reachable = on_the_way(&set, &named, &wave, &nothing);
        prop_assert_eq!(&on_the_way(&set, &targets, &wave, &nothing), &reachable);
        for target in &targets {
            let others: BTreeSet<usize> = targets.iter().copied().filter(|other| other != target).collect();
            prop_assert!(on_the_way(&set, &others, &wave, &nothing).len() < reachable.len());
        }
    }
}

/// A derivation may have two names, of which only the one that a package set refuses can be typed.
#[test]
fn what_can_be_typed_decides_what_is_refused() {
    let job = |path: &[&str], name: &str, broken: bool| {
        let (drv, out) = (format!("/nix/store/{}-{name}.drv", "0".repeat(32)), format!("/nix/store/{}-{name}", "1".repeat(32)));
        json!({ "attr": path.join("."), "attrPath": path, "name": name, "system": "x86_64-linux", "drvPath": drv, "outputs": { "out": out },
            "inputDrvs": {}, "meta": { "broken": broken } })
        .to_string()
    };
    let jobs = [
        job(&["lib"], "lib", true),
        job(&["set", "0"], "lib", false),
        job(&["good"], "good", false).replace("000-", "002-").replace("111-", "112-"),
    ];
    let lines = jobs.join("\n");
    let graph = import(&[("jobs.jsonl", lines)]);
    let options = ExportOptions { file: ".", path: None, source: None, repository: None, seconds: None };
    let waves = [ExportedWave { name: "wave-1.1", rebuilds: &graph.full_set() }];
    for engine in [Engine::NixBuild, Engine::GithubMatrix] {
        let (files, exported) = export(&graph, &waves, engine, &options).expect("it can be exported");
        assert_eq!(exported[0].cover.refused, 1, "{engine:?}");
        let mut commands = files.iter().flat_map(|file| file.content.lines()).filter(|line| line.contains("-A "));
        assert!(commands.all(|line| line.contains("lib") != line.contains("good")), "{}", files[0].content);
    }
}
