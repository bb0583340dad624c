//! What is handed over builds a wave, and each derivation of it once.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use waves_core::export::{Engine, ExportOptions, ExportedFile, ExportedWave, RUNNER_SECONDS, export};
use waves_core::graph::DerivationIx;

use crate::model::PackageSet;
use crate::strategy::with_roots;
use crate::support::Imported;

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
