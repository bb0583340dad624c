//! What the sources may not do, whoever wrote them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// Every Rust file that is part of the library or the binary.
fn sources() -> Vec<(PathBuf, String)> {
    fn collect(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(directory).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    let mut found = Vec::new();
    for of in ["core", "cli"] {
        collect(&root().join("crates").join(of).join("src"), &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    found.sort();
    found
}

/// What stands before the tests of a file.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn programs_are_started_in_two_places_and_never_by_a_shell() {
    let mut places = Vec::new();
    for (path, text) in sources() {
        let text = without_tests(&text);
        let starts = text.lines().filter(|line| line.contains("Command::new(") && !line.trim_start().starts_with("//"));
        for line in starts {
            places.push((path.strip_prefix(root()).expect("in the repository").display().to_string(), line.trim().to_owned()));
        }
        // Of what Unix can do with a command, a group of its own is harmless.
        let text = text.replace("CommandExt::process_group(", "");
        for shell in ["\"sh\"", "\"bash\"", "\"/bin/sh\"", "\"cmd\"", "libc::system", "CommandExt"] {
            assert!(!text.contains(shell), "{}: {shell}", path.display());
        }
    }
    let places: Vec<(&str, &str)> = places.iter().map(|(path, line)| (path.as_str(), line.as_str())).collect();
    assert_eq!(
        places,
        [
            ("crates/cli/src/commands/eval/nix.rs", "let mut command = Command::new(program);"),
            ("crates/cli/src/commands/request.rs", "let mut git = Command::new(\"git\");"),
        ]
    );
}

#[test]
fn core_starts_nothing_and_asks_no_network() {
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with(root().join("crates/core"))) {
        let text = without_tests(text);
        for forbidden in ["process::Command", "std::net::", "std::env::var", "env::var(", "println!(", "eprintln!(", "process::exit"] {
            let used = text.lines().any(|line| line.contains(forbidden) && !line.trim_start().starts_with("//"));
            assert!(!used, "{}: {forbidden}", path.display());
        }
    }
}

/// The stages of core, each before those that may use it. What stands on one line uses nothing of that line.
const STAGES: [&[&str]; 15] = [
    &["text", "progress"],
    &["error"],
    &["store_path", "files", "config"],
    &["ingest"],
    &["graph"],
    &["cost"],
    &["analysis"],
    &["estimate", "policy", "plan", "schedule", "history"],
    &["tables", "suite", "cadence", "major"],
    &["ledger", "security"],
    &["export"],
    &["notify"],
    &["report"],
    &["html"],
    &["lib"],
];

/// Names that follow `crate::` in code: modules of core.
fn modules_used(text: &str) -> impl Iterator<Item = &str> {
    let code = without_tests(text).lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = code.flat_map(|line| line.split("crate::").skip(1));
    paths.map(|path| path.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap_or_default())
}

#[test]
fn a_stage_uses_only_earlier_stages() {
    let core = root().join("crates/core/src");
    let stage = |module: &str| {
        STAGES.iter().position(|stage| stage.contains(&module)).unwrap_or_else(|| panic!("`{module}` is in no stage of STAGES"))
    };
    let mut uses = 0;
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with(&core)) {
        let within = path.strip_prefix(&core).expect("in core");
        let module = within.iter().next().expect("a name").to_str().expect("UTF-8").trim_end_matches(".rs");
        for used in modules_used(text).filter(|used| *used != module) {
            assert!(stage(used) < stage(module), "{}: {module} uses {used}, which is no earlier stage", path.display());
            uses += 1;
        }
    }
    assert!(uses > 200, "{uses}");
}

#[test]
fn workflows_name_actions_by_their_hash_and_ask_for_little() {
    let workflows = fs::read_dir(root().join(".github/workflows")).expect("listed");
    let mut count = 0;
    for path in workflows.map(|entry| entry.expect("an entry").path()) {
        let text = fs::read_to_string(&path).expect("UTF-8");
        // Nothing is allowed to all jobs but to read.
        assert!(text.contains("\npermissions: {}\n") || text.contains("\npermissions:\n  contents: read\n"), "{}", path.display());
        for action in text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            let hash = action.split_once('@').and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
            assert!(hash.len() == 40 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{}: {action}", path.display());
            count += 1;
        }
    }
    assert!(count > 1);
}
