//! `package.nix`, `default.nix` and `flake.nix`, evaluated by the Nix of this machine with a nixpkgs that has no more than they need.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Nix, root};

/// Experimental where flakes are looked at.
const FLAKES: &str = "substitute = false\nexperimental-features = nix-command flakes";

/// The repository as it is checked out, in a directory of its own, with what builds and editors leave behind.
fn checkout(nix: &Nix) -> PathBuf {
    let copy = nix.path("waves");
    fs::create_dir(&copy).expect("created");
    for entry in fs::read_dir(root()).expect("listed") {
        let entry = entry.expect("an entry");
        // What is built there has gigabytes, and tests are writing to it.
        if !["target", ".git", ".waves"].iter().any(|name| entry.file_name() == *name) {
            let copied = Command::new("cp").arg("-r").arg(entry.path()).arg(&copy).status().expect("cp starts");
            assert!(copied.success(), "{}", entry.path().display());
        }
    }
    for left in ["target/debug/waves", "benches/peers/target/old", "data/__pycache__/convert.pyc", ".git/config", ".waves/graph.waves"] {
        nix.write(&format!("waves/{left}"), "left behind");
    }
    copy
}

fn stub() -> PathBuf {
    root().join("tests/eval/stub-nixpkgs")
}

/// The value of an expression about the checkout, as JSON.
fn value(nix: &Nix, expression: &str) -> Value {
    let mut command = nix.command(nix.path("bin/nix-instantiate"));
    command.args(["--eval", "--strict", "--json", "--read-write-mode", "-E", expression]);
    serde_json::from_str(&nix.run(&mut command).expect_success().stdout).expect("JSON")
}

/// Its packages and targets, as cargo sees them.
fn metadata(directory: &Path) -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--locked"]).current_dir(directory);
    let output = cargo.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_package_is_what_cargo_says() {
    let Some(nix) = Nix::real() else { return };
    let checkout = checkout(&nix);
    let package = value(
        &nix,
        &format!(
            "let p = import {} {{ pkgs = import {} {{ }}; }}; in {{ inherit (p) drvPath meta name vendored version; src = \"${{p.src}}\"; }}",
            checkout.display(),
            stub().display()
        ),
    );
    let cargo = metadata(&root());
    let cargo = cargo["packages"].as_array().expect("packages").iter().find(|package| package["name"] == "waves").expect("waves");
    assert_eq!(package["version"], cargo["version"]);
    assert_eq!(package["name"], format!("waves-{}", cargo["version"].as_str().expect("a version")));
    assert_eq!(package["meta"]["description"], cargo["description"]);
    assert_eq!(package["meta"]["mainProgram"], "waves");
    let licences: Vec<&str> =
        package["meta"]["license"].as_array().expect("licences").iter().filter_map(|licence| licence["spdxId"].as_str()).collect();
    assert_eq!(cargo["license"], licences.join(" OR "));
    // Everything that comes from elsewhere has a checksum to fetch it by.
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("it is there");
    assert_eq!(package["vendored"], lock.lines().filter(|line| line.starts_with("checksum = ")).count());
}

#[test]
fn the_source_is_what_cargo_reads() {
    let Some(nix) = Nix::real() else { return };
    let checkout = checkout(&nix);
    let source = |checkout: &Path| {
        let expression = format!(
            "let p = import {} {{ pkgs = import {} {{ }}; }}; in \"${{p.src}}\"",
            checkout.join("default.nix").display(),
            stub().display()
        );
        value(&nix, &expression).as_str().expect("a path").to_owned()
    };
    let path = source(&checkout);
    let source_directory = nix.path("store").join(path.trim_start_matches('/'));
    let top: BTreeSet<String> = fs::read_dir(&source_directory)
        .expect("in the store")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    let kept =
        ["Cargo.lock", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "benches", "crates", "data", "docs", "fuzz", "schema", "tests"];
    assert_eq!(top, kept.map(str::to_owned).into());
    for left in ["benches/peers/target", "data/__pycache__"] {
        assert!(checkout.join(left).exists() && !source_directory.join(left).exists(), "{left}");
    }
    // Cargo finds every target of every package there.
    let cargo = metadata(&source_directory);
    let targets: Vec<PathBuf> = cargo["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .flat_map(|package| package["targets"].as_array().expect("targets"))
        .map(|target| PathBuf::from(target["src_path"].as_str().expect("a path")))
        .collect();
    assert!(targets.len() > 20 && targets.iter().all(|path| path.starts_with(&source_directory) && path.is_file()), "{targets:#?}");
    // What is left out changes nothing; what cargo reads does.
    fs::write(checkout.join("README.md"), "another").expect("written");
    fs::write(checkout.join("target/debug/waves"), "another").expect("written");
    assert_eq!(source(&checkout), path);
    fs::write(checkout.join("crates/cli/src/main.rs"), "another").expect("written");
    assert_ne!(source(&checkout), path);
}

#[test]
fn the_flake_has_every_output_for_every_system() {
    let Some(nix) = Nix::real() else { return };
    let checkout = checkout(&nix);
    let flake = |arguments: &[&str]| {
        // Beside `nix-instantiate` on the PATH of this machine, if it is there.
        let program = fs::canonicalize(nix.path("bin/nix-instantiate")).expect("it is there").with_file_name("nix");
        let mut command = nix.command(program);
        command.env("NIX_CONFIG", FLAKES).arg("flake").args(arguments).args(["--no-write-lock-file", "--override-input", "nixpkgs"]);
        command.arg(format!("path:{}", stub().display())).arg(format!("path:{}", checkout.display()));
        nix.run(&mut command)
    };
    // What Nix asks of a flake: types, names, and that everything evaluates.
    flake(&["check", "--no-build"]).expect_success();
    let shown: Value = serde_json::from_str(&flake(&["show", "--json"]).expect_success().stdout).expect("JSON");
    for system in ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"] {
        for name in ["default", "waves"] {
            assert_eq!(shown["packages"][system][name]["type"], "derivation", "{system} {name}");
            assert_eq!(shown["apps"][system][name]["type"], "app", "{system} {name}");
        }
        assert_eq!(shown["checks"][system]["waves"]["type"], "derivation", "{system}");
        assert_eq!(shown["devShells"][system]["default"]["type"], "derivation", "{system}");
    }
    assert_eq!(shown["overlays"]["default"]["type"], "nixpkgs-overlay");
    assert!(!checkout.join("flake.lock").exists());
}
