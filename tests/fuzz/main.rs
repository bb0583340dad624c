//! Every reader on everything that fuzzers found worth keeping, and on every prefix of the small ones.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use targets::TARGETS;

/// Bytes of an input of which every prefix is tried.
const SMALL: usize = 200;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").canonicalize().expect("it is there")
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let directory = fuzz().join("corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    inputs.sort_unstable();
    inputs
}

#[test]
fn no_input_is_too_much() {
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name}: no input");
        for path in inputs {
            let bytes = fs::read(&path).expect("reads");
            let prefixes = if bytes.len() <= SMALL { 0..bytes.len() } else { 0..0 };
            for length in prefixes.chain([bytes.len()]) {
                let ran = catch_unwind(AssertUnwindSafe(|| target(&bytes[..length])));
                assert!(ran.is_ok(), "{name}: {}, its first {length} bytes", path.display());
            }
        }
    }
}

/// A target that cargo-fuzz does not know, or a corpus that no target reads, would be forgotten.
#[test]
fn every_target_has_its_program_and_its_corpus() {
    let names = |directory: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz().join(directory)).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("reads");
    let bins: BTreeSet<String> =
        manifest.lines().filter_map(|line| Some(line.strip_prefix("name = \"")?.strip_suffix('"')?.to_owned())).skip(1).collect();
    assert_eq!(bins, targets);
}
