//! Attributes whose names a shell, Nix or a file system would take for something else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::matrices::attributes;
use crate::nix::Nix;
use crate::scripts::asked;
use crate::support::waves;

/// Names that `nix-build -A` can select.
const TYPED: [&str; 13] =
    ["a b", "a.b", "it's", "$(touch pwned)", "`touch pwned`", "${HOME}", "$HOME", "; touch pwned", "-A", "--help", "a\nb", "\\", "*"];
/// Those that it can, too, and that Nix itself takes for something else.
const KEYWORDS: [&str; 10] = ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];
/// Names that it cannot.
const UNTYPED: [&str; 3] = ["1", "\"", "a\"; touch pwned; \""];

/// A set in which everything needs `base`, evaluated; and a plan of one wave that updates it.
fn evaluated(nix: &Nix, directory: &Path) -> BTreeMap<String, String> {
    let names: Vec<&str> = TYPED.into_iter().chain(KEYWORDS).chain(UNTYPED).collect();
    fs::write(directory.join("names.json"), json!(names).to_string()).expect("writes");
    let set = "{ system }:\nlet\n  base = derivation { name = \"base\"; inherit system; builder = \"/bin/sh\"; args = [ \"-c\" \"echo > $out\" ]; };\n  \
               named = name: { inherit name; value = derivation { name = \"user\"; inherit system base; builder = \"/bin/sh\"; of = name; }; };\n\
               in { inherit base; } // builtins.listToAttrs (map named (builtins.fromJSON (builtins.readFile ./names.json)))\n";
    fs::write(directory.join("default.nix"), set).expect("writes");
    let rows = format!("builtins.mapAttrs (_: job: job.drvPath) (import {} {{ system = \"x86_64-linux\"; }})", directory.display());
    let paths = nix.run("nix-instantiate", &["--eval", "--strict", "--json", "--read-write-mode", "-E", &rows]);
    let paths: BTreeMap<String, String> = serde_json::from_str(&paths).expect("JSON");
    let jobs: Vec<[&str; 3]> = paths.iter().map(|(name, path)| [name.as_str(), "x86_64-linux", path.as_str()]).collect();
    dump(nix, directory, &jobs);
    paths
}

/// The dumps of jobs (attribute, system and derivation of each), and the plan of one wave that updates `base`.
fn dump(nix: &Nix, directory: &Path, jobs: &[[&str; 3]]) {
    let line = |[name, system, path]: &[&str; 3]| json!({ "attr": name, "attrPath": [name], "drvPath": path, "system": system, "name": "user", "outputs": {} });
    let lines: Vec<String> = jobs.iter().map(|job| line(job).to_string()).collect();
    fs::write(directory.join("jobs.jsonl"), lines.join("\n")).expect("writes");
    let all: Vec<&str> = jobs.iter().map(|[_, _, path]| *path).collect();
    let shown = nix.run("nix", &[&["show-derivation", "-r"], &all[..]].concat());
    fs::write(directory.join("derivations.json"), shown).expect("writes");
    let totals = json!({ "waves": 1, "builds": { "attributes": 0, "derivations": 0 }, "hours": null });
    let plan = json!({
        "format_version": 1, "evaluation": { "digest": "" }, "major": 1, "scope": "exact", "updates": [],
        "waves": [{ "name": "wave-1.1", "updates": ["base"], "rebuilds": { "attributes": 0, "derivations": 0 }, "hours": null }],
        "totals": totals, "lower_bound": totals, "one_at_a_time": totals, "all_at_once": totals,
    });
    fs::write(directory.join("plan.json"), plan.to_string()).expect("writes");
}

fn exported(directory: &Path, engine: &str) -> Output {
    let path = |name: &str| directory.join(name).display().to_string();
    waves(&[
        "export",
        &path("plan.json"),
        "--to",
        engine,
        "--output-dir",
        &path("out"),
        "--graph",
        &path("derivations.json"),
        "--graph",
        &path("jobs.jsonl"),
    ])
}

fn export(directory: &Path, engine: &str) -> String {
    let output = exported(directory, engine);
    let notes = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{notes}");
    notes
}

#[test]
fn names_are_names_and_nothing_else() {
    let Some(nix) = Nix::new() else { return };
    let temporary = TempDir::new().expect("a directory");
    let directory = temporary.path();
    let paths = evaluated(&nix, directory);
    let typed: BTreeSet<&str> = TYPED.iter().chain(&KEYWORDS).map(|name| paths[*name].as_str()).collect();

    let notes = export(directory, "nix-build");
    let count = UNTYPED.len();
    assert!(
        notes.contains(&format!("{count} derivations are not built, for no attribute leads there, {count} of an attribute")),
        "{notes}"
    );
    let script = directory.join("out/wave-1.1.sh");
    let found = asked(&nix, script.to_str().expect("UTF-8"), directory.to_str().expect("UTF-8"));
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), typed);

    export(directory, "github-matrix");
    let matrix: Value = serde_json::from_str(&fs::read_to_string(directory.join("out/wave-1.1.json")).expect("a file")).expect("JSON");
    let jobs = matrix["include"].as_array().expect("jobs");
    let named: BTreeSet<String> = jobs.iter().flat_map(attributes).collect();
    let dotted = |name: &str| if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
    assert_eq!(named, TYPED.into_iter().chain(KEYWORDS).map(dotted).collect());

    let notes = export(directory, "nix-fast-build");
    assert!(!notes.contains("not built"), "{notes}");
    let expression = format!(
        "builtins.attrValues (builtins.mapAttrs (_: job: job.drvPath) (removeAttrs (import {} {{ nixpkgs = {}; }}).x86_64-linux [ \"recurseForDerivations\" ]))",
        directory.join("out/wave-1.1.nix").display(),
        directory.display()
    );
    let found: BTreeSet<String> =
        serde_json::from_str(&nix.run("nix-instantiate", &["--eval", "--strict", "--json", "-E", &expression])).expect("JSON");
    let users: BTreeSet<String> = paths.iter().filter(|(name, _)| *name != "base").map(|(_, path)| path.clone()).collect();
    assert_eq!(found, users);
    for place in [directory.to_owned(), directory.join("out"), crate::support::repository()] {
        assert!(!place.join("pwned").exists());
    }
}

/// The job of the documentation has the system in its script.
#[test]
fn a_system_is_a_word_of_a_shell() {
    let Some(nix) = Nix::new() else { return };
    let temporary = TempDir::new().expect("a directory");
    let directory = temporary.path();
    let hostile = "x86_64-linux;touch$IFS'pwned'";
    let set = "{ system }:\nlet\n  base = derivation { name = \"base\"; inherit system; builder = \"/bin/sh\"; };\n\
               in { inherit base; user = derivation { name = \"user\"; inherit system base; builder = \"/bin/sh\"; }; }\n";
    fs::write(directory.join("default.nix"), set).expect("writes");
    let path = |attribute: &str, system: &str| {
        let expression = format!("(import {} {{ system = \"{system}\"; }}).{attribute}.drvPath", directory.display());
        let path = nix.run("nix-instantiate", &["--eval", "--json", "--read-write-mode", "-E", &expression]);
        serde_json::from_str::<String>(&path).expect("JSON")
    };
    let rows = ["x86_64-linux", hostile].map(|system| ["base", "user"].map(|attribute| (attribute, system, path(attribute, system))));
    let jobs: Vec<[&str; 3]> = rows.iter().flatten().map(|(attribute, system, path)| [*attribute, *system, path.as_str()]).collect();
    dump(&nix, directory, &jobs);
    export(directory, "github-matrix");
    let matrix: Value = serde_json::from_str(&fs::read_to_string(directory.join("out/wave-1.1.json")).expect("a file")).expect("JSON");
    let mut systems = BTreeSet::new();
    for job in matrix["include"].as_array().expect("jobs") {
        let script = format!("printf '%s' {}", job["system"].as_str().expect("text"));
        let output = Command::new("bash").args(["-c", &script]).current_dir(directory).output().expect("bash starts");
        systems.insert(String::from_utf8(output.stdout).expect("UTF-8"));
    }
    assert_eq!(systems, BTreeSet::from(["x86_64-linux".to_owned(), hostile.to_owned()]));
    assert!(!directory.join("pwned").exists());
}

/// A plan is a file from elsewhere: its waves cannot be written anywhere but where they should.
#[test]
fn waves_cannot_leave_the_directory() {
    let Some(nix) = Nix::new() else { return };
    let temporary = TempDir::new().expect("a directory");
    evaluated(&nix, temporary.path());
    let path = |name: &str| temporary.path().join(name).display().to_string();
    let plan = fs::read_to_string(path("plan.json")).expect("the plan").replace("\"wave-1.1\"", "\"../wave-1.1\"");
    fs::write(path("plan.json"), plan).expect("writes");
    let output = exported(temporary.path(), "nix-build");
    assert_eq!(output.status.code(), Some(2));
    assert!(!temporary.path().join("wave-1.1.sh").exists());
}
