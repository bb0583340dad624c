//! `.ci/release` with a program that pretends to be waves: what is packed does not depend on who packs it, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{has, printed, root};

/// The target of a release.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Says what waves says when a release is made.
const PRETENDER: &str = r#"
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
  if (count == 2 && !strcmp(words[1], "--version")) return puts("waves VERSION") < 0;
  if (count == 3 && !strcmp(words[1], "completions")) return printf("complete %s\n", words[2]) < 0;
  if (count == 4 && !strcmp(words[1], "man") && !strcmp(words[2], "--all")) {
    char name[4096];
    snprintf(name, sizeof name, "%s/waves.1", words[3]);
    FILE *page = fopen(name, "w");
    return !page || fputs(".TH waves 1\n", page) < 0 || fclose(page);
  }
  return 2;
}
"#;

/// The tools that a release is made with.
fn has_tools() -> bool {
    ["cc", "jq", "readelf", "tar", "git"].into_iter().all(has)
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// A program that pretends to be waves, linked with some options; `None` if this machine cannot.
fn pretender(directory: &Path, name: &str, options: &[&str]) -> Option<PathBuf> {
    let (source, program) = (directory.join("pretender.c"), directory.join(name));
    fs::write(&source, PRETENDER.replace("VERSION", version())).expect("written");
    let output = Command::new("cc").args(options).arg("-o").arg(&program).arg(&source).output().expect("cc starts");
    if output.status.success() {
        return Some(program);
    }
    println!("skipped: cc cannot link with {options:?}: {}", String::from_utf8_lossy(&output.stderr));
    None
}

fn release(directory: &Path, binary: &Path) -> std::process::Output {
    let mut release = Command::new(root().join(".ci/release"));
    release.arg(directory).arg(binary).env("SOURCE_DATE_EPOCH", "1795219200").env("CARGO_NET_OFFLINE", "true");
    release.output().expect("bash starts")
}

#[test]
fn the_same_files_have_the_same_bytes() {
    if !has_tools() {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let Some(binary) = pretender(directory.path(), "static", &["-static"]) else { return };
    let [one, other] = ["one", "other"].map(|name| directory.path().join(name));
    for to in [&one, &other] {
        let output = release(to, &binary);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let tarball = format!("waves-{}-{TARGET}.tar.gz", version());
    for file in [&tarball, "waves.cdx.json", "SHA256SUMS"] {
        assert!(fs::read(one.join(file)).expect("there") == fs::read(other.join(file)).expect("there"), "{file}");
    }
    printed(Command::new("sh").args(["-c", "cd \"$0\" && sha256sum --check --strict --quiet SHA256SUMS"]).arg(&one));

    // All of it, nobody's, at the time that was asked for.
    let listed = printed(Command::new("tar").args(["--list", "--verbose", "--numeric-owner", "--utc", "--file"]).arg(one.join(&tarball)));
    let name = format!("waves-{}-{TARGET}/", version());
    let mut files = BTreeMap::new();
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, owner, _, day, time, path] = words[..] else { panic!("{line}") };
        assert_eq!((owner, day, time), ("0/0", "2026-11-21", "00:00"), "{line}");
        files.insert(path.strip_prefix(&name).expect("below one directory").to_owned(), mode.to_owned());
    }
    for (path, mode) in [
        ("bin/waves", "-rwxr-xr-x"),
        ("share/bash-completion/completions/waves", "-rw-r--r--"),
        ("share/doc/waves/LICENSE-APACHE", "-rw-r--r--"),
        ("share/doc/waves/LICENSE-MIT", "-rw-r--r--"),
        ("share/doc/waves/THIRD-PARTY-LICENCES", "-rw-r--r--"),
        ("share/fish/vendor_completions.d/waves.fish", "-rw-r--r--"),
        ("share/man/man1/waves.1", "-rw-r--r--"),
        ("share/zsh/site-functions/_waves", "-rw-r--r--"),
    ] {
        assert_eq!(files.get(path).map(String::as_str), Some(mode), "{path}: {files:#?}");
    }

    // Whoever is in the bill of materials has a licence in the tarball, if its package has one.
    let notices = printed(
        Command::new("tar")
            .args(["--extract", "--to-stdout", "--file"])
            .arg(one.join(&tarball))
            .arg(format!("{name}share/doc/waves/THIRD-PARTY-LICENCES")),
    );
    let named: BTreeSet<&str> = notices.lines().filter_map(|line| line.strip_prefix("=== ")).flat_map(|names| names.split(", ")).collect();
    let bill: Value = serde_json::from_slice(&fs::read(one.join("waves.cdx.json")).expect("there")).expect("JSON");
    let components = components(&bill);
    assert!(named.iter().all(|name| components.contains(*name)));
    assert!(named.len() * 10 > components.len() * 9, "{} of {}", named.len(), components.len());
    // Libraries in C bring their own.
    assert!(notices.contains("libgit2") && notices.contains("BSD License"), "the licences of libgit2 and zstd");
}

fn components(bill: &Value) -> BTreeSet<String> {
    let name = |component: &Value| {
        format!("{} {}", component["name"].as_str().expect("a name"), component["version"].as_str().expect("a version"))
    };
    bill["components"].as_array().expect("components").iter().map(name).collect()
}

#[test]
fn the_bill_of_materials_is_what_cargo_builds() {
    if !has_tools() {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let Some(binary) = pretender(directory.path(), "static", &["-static"]) else { return };
    let output = release(directory.path(), &binary);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bill: Value = serde_json::from_slice(&fs::read(directory.path().join("waves.cdx.json")).expect("there")).expect("JSON");
    assert_eq!((bill["bomFormat"].as_str(), bill["specVersion"].as_str()), (Some("CycloneDX"), Some("1.5")));
    assert_eq!(bill["metadata"]["timestamp"], "2026-11-21T00:00:00Z");
    assert_eq!(bill["metadata"]["component"]["version"], version());

    // `cargo tree` goes through the edges by itself; what only tests, benchmarks or other features need is in neither.
    for absent in ["criterion", "jsonschema", "parquet", "proptest", "rand"] {
        assert!(!components(&bill).iter().any(|name| name.split(' ').next() == Some(absent)), "{absent}");
    }
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--locked", "--package", "waves", "--edges", "normal,build", "--target", TARGET]);
    let tree = printed(tree.args(["--prefix", "none", "--no-dedupe", "--format", "{p}"]));
    let expected: BTreeSet<String> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?.trim_start_matches('v')))
        })
        .filter(|package| *package != format!("waves {}", version()))
        .collect();
    assert_eq!(components(&bill), expected);

    // CycloneDX 1.5: each component once, with a reference that dependencies name; hashes are those of Cargo.lock.
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("there");
    let mut references = BTreeSet::from([bill["metadata"]["component"]["bom-ref"].as_str().expect("a reference").to_owned()]);
    for component in bill["components"].as_array().expect("components") {
        let (name, version) = (component["name"].as_str().expect("a name"), component["version"].as_str().expect("a version"));
        assert_eq!(component["purl"], format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")));
        assert!(references.insert(component["bom-ref"].as_str().expect("a reference").to_owned()), "{name}");
        let licence = component["licenses"][0]["expression"].as_str().unwrap_or_else(|| panic!("{name} has no licence"));
        assert!(!licence.contains('/'), "{name}: {licence}");
        if name != "waves-core" {
            let hash = component["hashes"][0]["content"].as_str().unwrap_or_else(|| panic!("{name} has no checksum"));
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            let entry = lock.split("[[package]]\n").find(|text| text.starts_with(&entry)).expect("it is locked");
            assert!(entry.contains(&format!("checksum = \"{hash}\"")), "{name}");
        }
    }
    for dependency in bill["dependencies"].as_array().expect("dependencies") {
        let on = dependency["dependsOn"].as_array().expect("a list");
        assert!(on.iter().chain([&dependency["ref"]]).all(|reference| references.contains(reference.as_str().expect("text"))));
    }
    assert_eq!(bill["dependencies"].as_array().map(Vec::len), Some(references.len()));
}

#[test]
fn what_is_no_static_waves_is_no_release() {
    if !has_tools() {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let refused = |binary: &Path, reason: &str| {
        let output = release(&directory.path().join("dist"), binary);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(reason), "{message}");
        assert!(!directory.path().join("dist/SHA256SUMS").exists());
    };
    if let Some(binary) = pretender(directory.path(), "dynamic", &["-no-pie"]) {
        refused(&binary, "is not static");
    }
    refused(Path::new(".ci/run"), "is no program");
    let source = directory.path().join("other.c");
    fs::write(&source, "int main(void) { return 0; }").expect("written");
    let other = directory.path().join("other");
    if Command::new("cc").args(["-static", "-o"]).arg(&other).arg(&source).status().is_ok_and(|status| status.success()) {
        refused(&other, "is not waves");
    }
}
