//! `--to github-matrix`: no derivation is built by two jobs, and each is built by one.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{Dump, Export};

/// The attributes of a job: its words as a shell reads them where GitHub puts them into a script.
pub(crate) fn attributes(job: &Value) -> Vec<String> {
    let script = format!("printf '%s\\0' {}", job["attrs"].as_str().expect("attributes"));
    let output = Command::new("sh").args(["-c", &script]).output().expect("sh");
    let words = String::from_utf8(output.stdout).expect("UTF-8");
    let words: Vec<&str> = words.trim_end_matches('\0').split('\0').collect();
    let pairs = words.chunks(2).map(|pair| (pair[0], pair[1]));
    pairs.map(|(option, attribute)| (assert_eq!(option, "-A"), attribute.to_owned()).1).collect()
}

fn matrices(export: &Export, wave: &str) -> Vec<Value> {
    let is_of_wave = |name: &String| *name == format!("{wave}.json") || name.starts_with(&format!("{wave}-stage-"));
    let files = export.files().into_iter().filter(is_of_wave);
    files.map(|name| serde_json::from_str(&fs::read_to_string(export.path(&name)).expect("a file")).expect("JSON")).collect()
}

fn assert_each_is_built_once(export: &Export) -> usize {
    let dump = Dump::read();
    let schema = fs::read_to_string(crate::support::repository().join("schema/matrix.schema.json")).expect("the schema");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    let mut stages = 0;
    for (name, packages) in export.waves() {
        let wave = dump.wave(&packages);
        let mut built = BTreeSet::new();
        for matrix in matrices(export, &name) {
            assert!(validator.is_valid(&matrix), "{name}: {matrix}");
            stages += 1;
            let jobs = matrix["include"].as_array().expect("jobs");
            assert!((1..=256).contains(&jobs.len()));
            let mut of_stage = BTreeSet::new();
            for job in jobs {
                let targets: Vec<String> = attributes(job).iter().map(|attribute| dump.attributes[attribute].clone()).collect();
                // All that was built before is in a cache; what other jobs of the stage build is not there yet.
                let of_job = dump.on_the_way(&targets, &wave, &built);
                assert_eq!(job["derivations"], of_job.len(), "{name}: {}", job["name"]);
                for path in of_job {
                    assert!(of_stage.insert(path.clone()), "{name}: {path} is built by two jobs");
                }
            }
            built.extend(of_stage);
        }
        assert_eq!(built, dump.reachable(&wave), "{name}");
    }
    stages
}

#[test]
fn each_derivation_is_built_by_one_job() {
    let whole = Export::new("github-matrix", &[]);
    let timed = Export::new("github-matrix", &["--durations", "data/dumps/durations.csv"]);
    let (stages, waves) = (assert_each_is_built_once(&timed), timed.waves().len());
    assert!(stages > waves, "no wave is taken apart");
    assert_each_is_built_once(&whole);
}

/// What a package set refuses stops a job, and none of what it does not refuse.
#[test]
fn what_is_refused_has_jobs_of_its_own() {
    let export = Export::new("github-matrix", &["--durations", "data/dumps/durations.csv"]);
    let dump = Dump::read();
    let mut refused = 0;
    for (name, _) in export.waves() {
        for matrix in matrices(&export, &name) {
            for job in matrix["include"].as_array().expect("jobs") {
                let (no, yes): (Vec<String>, Vec<String>) =
                    attributes(job).into_iter().partition(|attribute| dump.refused.contains(attribute));
                assert!(no.is_empty() || yes.is_empty(), "{name}: {no:?} beside {yes:?}");
                refused += no.len();
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn jobs_are_as_long_as_the_build_times_say() {
    let export = Export::new("github-matrix", &["--durations", "data/dumps/durations.csv", "--wave", "1.1"]);
    let matrices = matrices(&export, "wave-1.1");
    let hours: f64 = matrices
        .iter()
        .flat_map(|matrix| matrix["include"].as_array().expect("jobs"))
        .map(|job| job["hours"].as_f64().expect("hours"))
        .sum();
    // What no attribute leads to is not in a job.
    let whole: Value = {
        let plan = crate::support::stdout(
            &[
                &["plan", "--updates", "data/dumps/updates.csv", "--format", "json", "--durations", "data/dumps/durations.csv"],
                &crate::support::GRAPH[..],
            ]
            .concat(),
        );
        serde_json::from_str(&plan).expect("JSON")
    };
    let planned = whole["waves"][0]["hours"].as_f64().expect("hours");
    assert!(hours <= planned + 0.1 && hours > planned * 0.9, "{hours} of {planned}");
    assert!(matrices.iter().flat_map(|matrix| matrix["include"].as_array().expect("jobs")).all(|job| job["hours"].as_f64() < Some(6.0)));
    let unknown = Export::new("github-matrix", &["--wave", "1.7"]);
    let jobs: Value = serde_json::from_str(&fs::read_to_string(unknown.path("wave-1.7.json")).expect("a file")).expect("JSON");
    assert!(jobs["include"][0]["hours"].is_null());
}
