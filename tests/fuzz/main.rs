//! Every reader on everything that fuzzers found worth keeping, on every prefix of what is small and has a name, and on mutants of all.
//!
//! Mutants need no toolchain but the stable one, and know nothing of coverage: cargo-fuzz does (fuzz/README.md).
//! `WAVES_FUZZ_SECONDS` is how long each reader gets; by default it is a fixed number of the same mutants each time.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use targets::TARGETS;

/// Bytes of an input of which every prefix is tried.
const SMALL: usize = 200;

/// Mutants for each reader in a test of every day.
const MUTANTS: u64 = 300;

/// Bytes of which a mutant has at most.
const LONGEST: usize = 1 << 16;

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

/// Whether a fuzzer found it: then its name is its hash.
fn is_found(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.len() == 40 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit))
}

#[test]
fn no_input_is_too_much() {
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name}: no input");
        for path in inputs {
            let bytes = fs::read(&path).expect("reads");
            let prefixes = if bytes.len() <= SMALL && !is_found(&path) { 0..bytes.len() } else { 0..0 };
            for length in prefixes.chain([bytes.len()]) {
                let ran = catch_unwind(AssertUnwindSafe(|| target(&bytes[..length])));
                assert!(ran.is_ok(), "{name}: {}, its first {length} bytes", path.display());
            }
        }
    }
}

/// Something else than it was: bits flipped, bytes replaced, runs removed, repeated or taken from another input.
fn mutated(random: &mut fastrand::Rng, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.usize(..4) {
        let at = random.usize(..=bytes.len());
        let end = at + random.usize(..=(bytes.len() - at).min(32));
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            1 if at < bytes.len() => bytes[at] = *random.choice(b"\0\n\"\\{}[](),:/-0123456789ae\xff").unwrap_or(&0),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let run = bytes[at..end].repeat(1 + random.usize(..8));
                bytes.splice(at..at, run);
            }
            4 => {
                let from = random.usize(..=other.len());
                let to = from + random.usize(..=(other.len() - from).min(256));
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            // Numbers as they stand in headers: lengths, counts, offsets.
            _ if at + 8 <= bytes.len() => {
                let number = *random.choice(&[0_u64, 1, 7, 1 << 31, u64::MAX, u64::MAX - 7]).unwrap_or(&0);
                bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

#[test]
fn no_mutant_is_too_much() {
    let limit = std::env::var("WAVES_FUZZ_SECONDS").ok().map(|seconds| Duration::from_secs(seconds.parse().expect("seconds")));
    for (name, target) in TARGETS {
        let inputs: Vec<Vec<u8>> = inputs(name).iter().map(|path| fs::read(path).expect("reads")).collect();
        let mut random = fastrand::Rng::with_seed(limit.map_or(1, |_| fastrand::u64(..)));
        let start = Instant::now();
        let mut count = 0;
        while limit.map_or(count < MUTANTS, |limit| start.elapsed() < limit) {
            let (input, other) = (random.usize(..inputs.len()), random.usize(..inputs.len()));
            let mutant = mutated(&mut random, &inputs[input], &inputs[other]);
            if catch_unwind(AssertUnwindSafe(|| target(&mutant))).is_err() {
                let path = std::env::temp_dir().join(format!("waves-{name}-{count}"));
                fs::write(&path, &mutant).expect("writes");
                panic!("{name}: {} is too much; when it is mended, it belongs into fuzz/corpus/{name}", path.display());
            }
            count += 1;
        }
        if limit.is_some() {
            println!("{name}: {count} mutants in {:.0} s", start.elapsed().as_secs_f64());
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
