//! changed-paths.json and rebuild-amount of two evaluations, against jq and coreutils that read the same two.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{ci, has, piped, read_json, repository, stderr, waves};

type OutPaths = Map<String, Value>;

/// The outputs of `data/` on three platforms, as nixpkgs' CI writes them.
fn before() -> OutPaths {
    let Value::Object(linux) = read_json(&repository().join("data/dumps/outpaths.json")) else { panic!("an object") };
    let mut all = linux.clone();
    for (attribute, outputs) in &linux {
        let Some(name) = attribute.strip_suffix(".x86_64-linux") else { continue };
        for platform in ["aarch64-linux", "aarch64-darwin"] {
            // The hash keeps its length: one character of it makes place for the platform's.
            let own = outputs.to_string().replace("/nix/store/", &format!("/nix/store/{}", &platform[8..9]));
            all.insert(format!("{name}.{platform}"), serde_json::from_str(&shorten(&own)).expect("JSON still"));
        }
    }
    // Has no platform: CI drops it.
    all.insert("release-checks".to_owned(), json!({ "out": "/nix/store/00000000000000000000000000000000-release-checks" }));
    all
}

/// Without the last character of each hash.
fn shorten(outputs: &str) -> String {
    let mut pieces = outputs.split("/nix/store/");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| format!("{text}/nix/store/{}{}", &piece[..32], &piece[33..]))
}

/// The same after a change; which attributes it is of differs by `salt`.
fn after(before: &OutPaths, salt: usize) -> OutPaths {
    let mut after = OutPaths::new();
    for (position, (attribute, outputs)) in before.iter().enumerate() {
        let mut outputs = outputs.clone();
        let rebuilt = |outputs: &Value| {
            let text = outputs.to_string().replace("/nix/store/", "/nix/store/z");
            serde_json::from_str::<Value>(&shorten(&text)).expect("JSON still")
        };
        match (position * 31 + salt) % (11 + salt) {
            0 | 1 => outputs = rebuilt(&outputs),
            2 => continue,
            // Another name for what was built before.
            3 => drop(after.insert(format!("alias-{attribute}"), outputs.clone())),
            // New, and built.
            4 => drop(after.insert(format!("new-{attribute}"), rebuilt(&rebuilt(&outputs)))),
            // Fewer outputs: changed, and not built.
            5 => drop(outputs.as_object_mut().and_then(|outputs| outputs.remove("dev"))),
            // What another attribute was.
            6 => outputs = before["zlib.x86_64-linux"].clone(),
            _ => {}
        }
        if outputs.as_object().is_some_and(|outputs| !outputs.is_empty()) {
            after.insert(attribute.clone(), outputs);
        }
    }
    after
}

fn write(path: &Path, outputs: &OutPaths) {
    fs::write(path, serde_json::to_vec_pretty(outputs).expect("JSON")).expect("written");
}

#[test]
fn files_are_those_of_nixpkgs_ci() {
    if !has("jq") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    let before = before();
    for salt in 0..8 {
        let after = after(&before, salt);
        write(&file("before.json"), &before);
        write(&file("after.json"), &after);
        let output = waves()
            .current_dir(directory.path())
            .args(["check", "before.json", "after.json", "--changed-paths", "changed-paths.json", "--rebuild-amount", "amount"])
            .output()
            .expect("waves starts");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", stderr(&output));
        assert_eq!(read_json(&file("changed-paths.json")), ci(&json!({ "before": before, "after": after })), "salt {salt}");
        assert_eq!(fs::read_to_string(file("amount")).expect("written"), amount(&before, &after), "salt {salt}");
    }
}

/// What rebuild-amount.sh does with two listings of `nix-env`: lines that only the second has, by the last word of the
/// attribute.
fn amount(before: &OutPaths, after: &OutPaths) -> String {
    let listing = |outputs: &OutPaths| -> String {
        let platforms = outputs.iter().filter(|(attribute, _)| attribute.contains('.'));
        platforms.map(|(attribute, outputs)| [attribute, "  ", &outputs.to_string(), "\n"].concat()).collect()
    };
    let directory = tempfile::tempdir().expect("a directory");
    for (name, outputs) in [("before", before), ("after", after)] {
        fs::write(directory.path().join(name), listing(outputs)).expect("written");
    }
    let script = format!(
        "cd {} && comm -13 <(sort before) <(sort after) | cut -d' ' -f1 | sed 's/.*\\.//' | sort | uniq -c",
        directory.path().display()
    );
    format!("Estimating rebuild amount by counting changed Hydra jobs.\n{}", piped("bash", &["-c", &script], ""))
}

/// One line, and its keys in the order in which Nix writes them.
#[test]
fn the_file_is_laid_out_as_nix_writes_json() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("changed-paths.json");
    let output = crate::support::check(&["--root", "hello", "--changed-paths", path.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(&path).expect("written");
    assert_eq!(text.matches('\n').count(), 1);
    let Value::Object(document) = read_json(&path) else { panic!("an object") };
    let keys: Vec<&str> = document.keys().map(String::as_str).collect();
    assert!(keys.is_sorted(), "{keys:?}");
}
