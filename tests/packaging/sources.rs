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
