//! Expressions, the project of Hydra and the flake, as Nix evaluates them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::nix::Nix;
use crate::support::{Dump, Export, repository, waves};

/// Job and derivation of each system, as the set is.
const JOBS: &str = "file: builtins.mapAttrs (system: jobs: builtins.mapAttrs (name: job: job.drvPath) \
                    (builtins.removeAttrs jobs [ \"recurseForDerivations\" ])) (import file { nixpkgs = set; })";

fn jobs(nix: &Nix, export: &Export, wave: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let file = export.path(&format!("{wave}.nix"));
    let expression = format!("let set = {}; in ({JOBS}) {}", repository().join("data").display(), file.display());
    serde_json::from_str(&nix.run("nix-instantiate", &["--eval", "--strict", "--json", "--read-write-mode", "-E", &expression]))
        .expect("JSON")
}

#[test]
fn expressions_are_the_jobs_of_their_wave() {
    let Some(nix) = Nix::new() else { return };
    let export = Export::new("nix-fast-build", &[]);
    let dump = Dump::read();
    for (name, packages) in export.waves() {
        let jobs = jobs(&nix, &export, &name);
        assert_eq!(jobs.keys().collect::<Vec<_>>(), ["x86_64-linux"]);
        let jobs = &jobs["x86_64-linux"];
        for (job, path) in jobs {
            let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_+".contains(letter) { letter } else { '_' };
            let called = |attribute: &str| attribute.replace('"', "").chars().map(plain).collect::<String>();
            let attribute = dump.attributes.iter().find(|(attribute, _)| called(attribute) == *job);
            assert_eq!(attribute.map(|(_, path)| path), Some(path), "{job}");
        }
        let wave = dump.wave(&packages);
        let targets: Vec<String> = jobs.values().cloned().collect();
        assert_eq!(dump.on_the_way(&targets, &wave, &BTreeSet::new()), dump.reachable(&wave), "{name}");
        // As nix-eval-jobs looks for jobs: below what says so.
        let file = export.path(&format!("{name}.nix")).display().to_string();
        let set = format!("nixpkgs={}", repository().join("data").display());
        let found = nix.run("nix-instantiate", &["-I", &set, &file]);
        let found: BTreeSet<&str> = found.lines().map(|line| line.split('!').next().expect("a path")).collect();
        assert_eq!(found, jobs.values().map(String::as_str).collect());
    }
}

#[test]
fn hydra_has_a_jobset_for_each_wave() {
    let repositories = ["--repository", "https://example.org/waves.git main", "--source", "https://example.org/set.git staging"];
    let export = Export::new("hydra", &repositories);
    let project: Value = serde_json::from_str(&fs::read_to_string(export.path("spec.json")).expect("a file")).expect("JSON");
    let project = project.as_object().expect("jobsets");
    assert_eq!(project.keys().cloned().collect::<Vec<_>>(), export.waves().into_iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, jobset) in project {
        assert_eq!(jobset["nixexprpath"], format!("{name}.nix"));
        assert_eq!(jobset["inputs"][jobset["nixexprinput"].as_str().expect("an input")]["value"], "https://example.org/waves.git main");
        assert_eq!(jobset["inputs"]["nixpkgs"]["value"], "https://example.org/set.git staging");
        assert!(jobset["inputs"].as_object().expect("inputs").values().all(|input| input["type"] == "git"));
        // What Hydra asks of a jobset.
        for (key, is_right) in [
            ("enabled", jobset["enabled"] == 1),
            ("checkinterval", jobset["checkinterval"].is_u64()),
            ("schedulingshares", jobset["schedulingshares"].as_u64() > Some(0)),
            ("enableemail", jobset["enableemail"].is_boolean()),
            ("emailoverride", jobset["emailoverride"].is_string()),
            ("keepnr", jobset["keepnr"].is_u64()),
            ("description", jobset["description"].is_string()),
        ] {
            assert!(is_right, "{name}: {key}");
        }
    }
    let Some(nix) = Nix::new() else { return };
    let others = Export::new("nix-fast-build", &[]);
    for (name, _) in export.waves() {
        assert_eq!(jobs(&nix, &export, &name), jobs(&nix, &others, &name));
        // Hydra takes everything that it finds for a job, or a set of jobs.
        assert!(!fs::read_to_string(export.path(&format!("{name}.nix"))).expect("a file").contains("recurseForDerivations"));
    }
}

#[test]
fn a_flake_has_the_checks_of_its_wave() {
    let Some(nix) = Nix::new() else { return };
    let source = format!("path:{}", repository().join("data").display());
    let export = Export::new("buildbot-nix", &["--wave", "wave-1.6", "--source", &source]);
    let expected = jobs(&nix, &export, "wave-1.6");
    let flake = |attribute: &str, export: &Export| -> BTreeMap<String, BTreeMap<String, String>> {
        let flake = format!("path:{}#{attribute}", export.path("").canonicalize().expect("a path").display());
        let apply = "systems: builtins.mapAttrs (_: jobs: builtins.mapAttrs (_: job: job.drvPath) (removeAttrs jobs [ \"recurseForDerivations\" ])) systems";
        let features = ["--extra-experimental-features", "nix-command flakes", "--offline", "--no-write-lock-file"];
        serde_json::from_str(&nix.run("nix", &[&["eval", "--json"], &features[..], &[&flake, "--apply", apply]].concat())).expect("JSON")
    };
    assert_eq!(flake("checks", &export), expected);
    let all = Export::new("nix-fast-build", &["--source", &source]);
    assert_eq!(flake("\"wave-1.6\"", &all), expected);
}

#[test]
fn what_an_engine_needs_is_asked_for() {
    let export = Export::new("nix-build", &[]);
    let plan = export.directory.path().join("plan.json");
    let plan = plan.to_str().expect("UTF-8");
    for (arguments, hint) in [
        (&["--to", "hydra", "--output-dir", "unused"][..], "--repository"),
        (&["--to", "buildbot-nix", "--output-dir", "unused"], "--wave NAME"),
        (&["--to", "nix-build"], "--output-dir DIR, or --wave NAME\n"),
        (&["--to", "nix-build", "--wave", "1.6,1.7"], "these are 2 files\n hint: --output-dir DIR, or --wave NAME\n"),
        // One wave is as many: its jobs and a flake.
        (&["--to", "nix-fast-build"], "--output-dir DIR\n"),
        (&["--to", "nix-fast-build", "--wave", "1.6"], "these are 2 files\n hint: --output-dir DIR\n"),
        (&["--to", "nix-build", "--wave", "wave-1.99"], "it has wave-1.1 to wave-1.7"),
    ] {
        let output = waves(&[&["export", plan], arguments, &crate::support::GRAPH[..]].concat());
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(hint), "{error}");
    }
    assert!(!repository().join("unused").exists());
}
