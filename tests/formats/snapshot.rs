//! Snapshots that were cut, changed or made by somebody else are refused, and never believed.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;
use twox_hash::XxHash3_64;
use waves_core::analysis::{Impact, RankOptions, Root, Why, rank};
use waves_core::error::{Error, Result};
use waves_core::graph::{Derivation, Direction, Graph, Output};
use waves_core::plan::{PlanOptions, plan, verify};

use crate::support::{dump, import};

/// Bytes of the header, of an entry of the table, and of a section's alignment; `docs/formats.md` has the layout.
const HEADER: usize = 48;
const ENTRY: usize = 24;
const ALIGNMENT: usize = 16;

/// A snapshot of the package set in `data`, and of an attribute that has outputs of its own.
static SNAPSHOT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a directory");
    let (path, more) = (directory.path().join("graph.waves"), directory.path().join("more.jsonl"));
    let outputs = r#"{"out":"/nix/store/0000000000000000000000000000000a-a","dev":null}"#;
    let drv = "/nix/store/0000000000000000000000000000000b-a.drv";
    let job = |attr: &str, outputs: &str| format!(r#"{{"attr":"{attr}","drvPath":"{drv}","system":"x86_64-linux","outputs":{outputs}}}"#);
    fs::write(&more, [job("first", "{}"), job("second", outputs), job("third", &outputs.replace("0a-a", "0c-a"))].join("\n"))
        .expect("writes");
    import(&[dump("derivations.json"), dump("eval-jobs.jsonl"), more]).write(&path).expect("writes");
    fs::read(path).expect("reads")
});

fn number(bytes: &[u8], at: usize) -> usize {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes")) as usize
}

/// Where each section is.
fn sections(bytes: &[u8]) -> Vec<Range<usize>> {
    let entry = |index: usize| HEADER + index * ENTRY;
    (0..number(bytes, 24)).map(|index| number(bytes, entry(index))..number(bytes, entry(index)) + number(bytes, entry(index) + 8)).collect()
}

/// Whether a byte is between two sections, where it means nothing.
fn is_padding(at: usize) -> bool {
    at >= HEADER + sections(&SNAPSHOT).len() * ENTRY && !sections(&SNAPSHOT).iter().any(|section| section.contains(&at))
}

fn open(bytes: &[u8]) -> Result<Graph> {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("graph.waves");
    fs::write(&path, bytes).expect("writes");
    Graph::open(&path)
}

/// Checks that a snapshot is refused, by name and with a hint, and that the reason says so.
fn refused(bytes: &[u8], reason: &str, what: &str) {
    let error = open(bytes).expect_err(what);
    let Error::Snapshot { path, reason: given } = &error else { panic!("{what}: {error:?}") };
    assert!(path.ends_with("graph.waves") && given.contains(reason), "{what}: `{given}` does not say `{reason}`");
    assert!(error.to_string().contains("waves import"), "{error}");
}

/// Makes the checksums right again, as somebody who means harm would.
fn seal(bytes: &mut [u8]) {
    for (index, section) in sections(bytes).into_iter().enumerate() {
        let checksum = XxHash3_64::oneshot(&bytes[section]);
        let at = HEADER + index * ENTRY + 16;
        bytes[at..at + 8].copy_from_slice(&checksum.to_ne_bytes());
    }
    seal_table(bytes);
}

fn seal_table(bytes: &mut [u8]) {
    let body = (HEADER + number(bytes, 24) * ENTRY).next_multiple_of(ALIGNMENT);
    let table = XxHash3_64::oneshot(&bytes[HEADER..body]);
    bytes[32..40].copy_from_slice(&table.to_ne_bytes());
    let header = XxHash3_64::oneshot(&bytes[..40]);
    bytes[40..48].copy_from_slice(&header.to_ne_bytes());
}

/// Asks everything, for a panic. What the answers are does not matter.
fn ask(graph: &Graph) {
    let Some(first) = graph.derivations().next() else { return };
    let roots = vec![Root { selector: "root".to_owned(), face: first.ix(), derivations: vec![first.ix()] }];
    let last = graph.derivations().next_back().map_or(first.ix(), |derivation| derivation.ix());
    let to = [Root { selector: "root".to_owned(), face: last, derivations: vec![last] }];
    if let Ok(impact) = Impact::new(graph, &roots, Direction::Dependents, None, None) {
        assert!(impact.rebuild_counts().derivations > 0);
        impact.excluded();
        impact.by_system();
        impact.path_to(last);
    }
    let _ = rank(graph, RankOptions::default());
    let _ = Why::new(graph, &roots, &to);
    if let Ok(plan) = plan(graph, roots, &PlanOptions::default()) {
        verify(graph, &plan);
    }
    let paths = |outputs: Vec<Output<'_>>| outputs.into_iter().map(|output| (output.name().len(), output.path())).collect::<Vec<_>>();
    for derivation in graph.derivations() {
        let _ = (derivation.path(), derivation.label(), derivation.package().face().label(), derivation.src().map(Derivation::path));
        let _ = (derivation.name(), derivation.pname(), derivation.version(), derivation.system(), derivation.fixed_hash());
        let _ = (derivation.required_system_features().count(), derivation.sources().count(), paths(derivation.outputs().collect()));
        let _: usize = derivation.inputs().map(|(input, outputs)| graph.derivation(input).name().len() + outputs.count()).sum();
        let _: usize = derivation.users().map(|user| graph.derivation(user).name().len()).sum();
        let _: usize = derivation.attributes().map(|attribute| attribute.path().len()).sum();
    }
    for attribute in graph.attributes() {
        let _ = (attribute.path(), attribute.system(), attribute.derivation().map(Derivation::name), attribute.error());
        let _ = (attribute.position(), attribute.description(), attribute.is_off_hydra(), attribute.hydra_platforms().map(Iterator::count));
        let _ = (attribute.maintainers().count(), attribute.teams().count(), attribute.licences().count());
        let _ = paths(attribute.outputs().collect());
    }
    for package in graph.packages() {
        let _ = (package.face().label(), package.rebuilt_derivations(), package.derivations().map(Derivation::name).count());
    }
    let everything = graph.full_set();
    let _ = (graph.output_count(), graph.output_count_of(&everything), graph.output_paths(&everything), graph.recount_closures());
}

#[test]
fn the_whole_snapshot_opens() {
    let graph = open(&SNAPSHOT).expect("opens");
    assert_eq!(graph.snapshot_bytes(), SNAPSHOT.len());
    ask(&graph);
    let mut sealed = SNAPSHOT.clone();
    seal(&mut sealed);
    assert_eq!(sealed, *SNAPSHOT, "this test knows how snapshots are sealed");
}

#[test]
fn every_cut_is_refused() {
    let boundaries = sections(&SNAPSHOT).into_iter().flat_map(|section| [section.start, section.end]);
    let cuts = (0..SNAPSHOT.len()).step_by(1000).chain(boundaries).chain(0..600).chain(SNAPSHOT.len() - 20..SNAPSHOT.len());
    for end in cuts.filter(|&end| end < SNAPSHOT.len()) {
        let reason = match end {
            0 => "empty",
            1..8 => "not a snapshot",
            _ => "truncated",
        };
        refused(&SNAPSHOT[..end], reason, &format!("cut at {end}"));
    }
}

#[test]
fn what_is_behind_the_end_is_refused() {
    let longer = [SNAPSHOT.as_slice(), b"0123456789abcdef"].concat();
    assert!(matches!(open(&longer), Err(Error::Snapshot { .. })));
}

#[test]
fn a_flipped_bit_is_refused() {
    let head = 0..HEADER + sections(&SNAPSHOT).len() * ENTRY;
    let everywhere = head.chain((0..SNAPSHOT.len()).step_by(211)).chain(SNAPSHOT.len() - 64..SNAPSHOT.len());
    let expected = open(&SNAPSHOT).expect("opens").digest();
    for at in everywhere {
        let mut flipped = SNAPSHOT.clone();
        flipped[at] ^= 1 << (at % 8);
        match open(&flipped) {
            Err(error) => assert!(matches!(error, Error::Snapshot { .. }), "byte {at}: {error:?}"),
            Ok(graph) => assert!(is_padding(at) && graph.digest() == expected, "byte {at} is believed"),
        }
    }
}

#[test]
fn other_files_are_refused() {
    refused(b"", "empty", "an empty file");
    refused(b"{\"attr\":\"a\"}\n", "not a snapshot", "a dump");
    refused(&[0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13], "not a snapshot", "an image");
    refused(&vec![0; 4096], "not a snapshot", "zeroes");
    let written = TempDir::new().expect("a directory");
    fs::write(written.path().join("graph.waves"), SNAPSHOT.as_slice()).expect("writes");
    assert!(Graph::is_snapshot(&written.path().join("graph.waves")).expect("reads"));
    assert!(!Graph::is_snapshot(&dump("derivations.json")).expect("reads"));
    let error = Graph::open(Path::new("not/there.waves")).expect_err("it is not there");
    assert!(matches!(error, Error::Io { action: "open", .. }), "{error:?}");
    assert!(Graph::open(Path::new(env!("CARGO_MANIFEST_DIR"))).is_err(), "a directory");
}

#[test]
fn other_versions_are_refused() {
    let version = u32::from_ne_bytes(SNAPSHOT[8..12].try_into().expect("four bytes"));
    for (other, reason) in [(version + 1, "newer"), (version - 1, "older"), (u32::MAX, "newer")] {
        let mut changed = SNAPSHOT.clone();
        changed[8..12].copy_from_slice(&other.to_ne_bytes());
        seal(&mut changed);
        refused(&changed, reason, &format!("version {other}"));
    }
    let mut swapped = SNAPSHOT.clone();
    swapped[12..16].reverse();
    seal(&mut swapped);
    refused(&swapped, "byte order", "the other byte order");
}

#[test]
fn sections_of_another_length_are_refused() {
    for index in 0..sections(&SNAPSHOT).len() {
        let at = HEADER + index * ENTRY + 8;
        let length = number(&SNAPSHOT, at) as u64;
        for other in [0, length.saturating_sub(1), length.saturating_sub(4), length + 1, length + 16, u64::MAX, u64::MAX - 15] {
            let mut changed = SNAPSHOT.clone();
            changed[at..at + 8].copy_from_slice(&other.to_ne_bytes());
            let section = number(&changed, at - 8)..number(&changed, at - 8).saturating_add(other as usize);
            if let Some(body) = SNAPSHOT.get(section) {
                changed[at + 8..at + 16].copy_from_slice(&XxHash3_64::oneshot(body).to_ne_bytes());
            }
            seal_table(&mut changed);
            if let Ok(graph) = open(&changed) {
                ask(&graph);
            }
        }
    }
}

/// The section with what each derivation needs, and the one with what needs each.
#[test]
fn a_derivation_that_needs_itself_is_refused() {
    let word = |at: usize| u32::from_ne_bytes(SNAPSHOT[at..at + 4].try_into().expect("four bytes"));
    for (targets, offsets) in [(6, 8), (9, 10)] {
        let (targets, offsets) = (sections(&SNAPSHOT)[targets].clone(), sections(&SNAPSHOT)[offsets].clone());
        let rows: Vec<u32> = offsets.step_by(4).map(word).collect();
        let needing = rows.windows(2).enumerate().filter(|(_, row)| row[0] < row[1]).map(|(derivation, _)| derivation);
        for derivation in needing.step_by(7) {
            let at = targets.start + 4 * rows[derivation] as usize;
            let mut forged = SNAPSHOT.clone();
            forged[at..at + 4].copy_from_slice(&(derivation as u32).to_ne_bytes());
            seal(&mut forged);
            refused(&forged, "out of order", &format!("derivation {derivation}"));
        }
    }
}

/// A position just behind the last, of whatever it counts.
#[test]
fn positions_behind_the_end_do_no_harm() {
    let graph = open(&SNAPSHOT).expect("opens");
    let outputs = graph.derivations().map(|derivation| derivation.outputs().count()).sum();
    let strings = sections(&SNAPSHOT)[1].len() / 4 - 1;
    let counts = [graph.derivation_count(), graph.attribute_count(), graph.package_count(), outputs, strings];
    for section in sections(&SNAPSHOT) {
        let words = section.len() / 4;
        for (word, count) in (0..words.min(20)).chain(words.saturating_sub(20)..words).flat_map(|word| counts.map(|count| (word, count))) {
            let at = section.start + 4 * word;
            let mut forged = SNAPSHOT.clone();
            forged[at..at + 4].copy_from_slice(&(count as u32).to_ne_bytes());
            seal(&mut forged);
            if let Ok(graph) = open(&forged) {
                ask(&graph);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any four bytes of any section, changed by somebody who makes the checksums right: refused, or wrong but harmless.
    #[test]
    fn forged_snapshots_do_no_harm(
        section: Index,
        word: Index,
        value in prop_oneof![Just(0), Just(u32::MAX), Just(u32::MAX - 1), 0_u32..2000, any::<u32>()],
    ) {
        let mut forged = SNAPSHOT.clone();
        let sections: Vec<Range<usize>> = sections(&forged).into_iter().filter(|section| section.len() >= 4).collect();
        let section = section.get(&sections).clone();
        let at = section.start + 4 * word.index(section.len() / 4);
        forged[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        seal(&mut forged);
        if let Ok(graph) = open(&forged) {
            ask(&graph);
        }
    }
}

#[test]
fn the_header_is_as_documented() {
    let formats = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats.md")).expect("the documentation");
    let documented = |before: &str, after: &str| -> usize {
        let (_, rest) = formats.split_once(before).expect(before);
        rest.split(after).next().and_then(|number| number.trim().parse().ok()).expect("a number")
    };
    let version = u32::from_ne_bytes(SNAPSHOT[8..12].try_into().expect("four bytes")) as usize;
    assert_eq!(version, documented("There is one\nversion,", ","));
    assert_eq!(number(&SNAPSHOT, 24), documented("number of sections, u64:", " |"));
    let first = formats.split("| sections, each at").next().and_then(|before| before.rsplit('|').next()).map(str::trim);
    assert_eq!(first.and_then(|first| first.parse().ok()), sections(&SNAPSHOT).first().map(|section| section.start));
    let (_, list) = formats.split_once("The sections, in order:").expect("the list");
    let list = list.split("Offsets are u32").next().expect("its end").replace("(JSON: dumps, findings, store directory)", "");
    assert_eq!(list.split([',', ';']).count(), sections(&SNAPSHOT).len());
}
