//! Where dumps lie: links, FIFOs, devices, and tars that say they lie somewhere else.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::EntryType as Kind;
use tempfile::TempDir;
use waves_core::error::Error;
use waves_core::graph::Graph;
use waves_core::ingest::FindingKind::{ContradictoryDerivation, DuplicateDerivation, SkippedFile};
use waves_core::ingest::{Input, MAX_ENTRY};
use waves_core::progress::Progress;

use crate::support::{dump, findings, import, input, try_import};

const DRV: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a.drv";
const DERIVATION: &str = r#"Derive([("out","/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-a","","")],[],[],"x86_64-linux","/bin/sh",[],[])"#;

/// A directory with a dump in it.
fn with_dump() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("dumps");
    fs::create_dir(&path).expect("a directory");
    fs::copy(dump("eval-jobs.jsonl"), path.join("eval-jobs.jsonl")).expect("copied");
    (directory, path)
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo starts").success());
}

#[test]
fn a_directory_is_read_once_however_it_is_linked() {
    let (_directory, path) = with_dump();
    let alone = import(std::slice::from_ref(&path));
    // To itself, twice, and each to the other: ways without end, and more of them with each step.
    for (to, name) in [(".", "itself"), (".", "again"), ("other", "one")] {
        symlink(to, path.join(name)).expect("linked");
    }
    fs::create_dir(path.join("other")).expect("a directory");
    symlink("..", path.join("other/back")).expect("linked");
    fs::copy(dump("derivations.json"), path.join("other/derivations.json")).expect("copied");
    let graph = import(std::slice::from_ref(&path));
    assert_eq!(graph.sources().len(), 2);
    assert_eq!(graph.attribute_count(), alone.attribute_count());
    let skipped = findings(&graph).into_iter().find(|(kind, _)| *kind == SkippedFile);
    assert_eq!(skipped, Some((SkippedFile, 4)));
}

#[test]
fn links_that_lead_nowhere_are_named() {
    let (directory, path) = with_dump();
    for (to, name) in [("nowhere", "dangling.json"), ("round.json", "about.json"), ("about.json", "round.json")] {
        let link = path.join(name);
        symlink(to, &link).expect("linked");
        if name == "about.json" {
            continue;
        }
        for input in [&link, &path] {
            let error = try_import(std::slice::from_ref(input)).expect_err("it leads nowhere");
            assert!(matches!(&error, Error::Io { action: "open", .. }) && error.to_string().contains(".json"), "{error}");
        }
        fs::remove_file(link).expect("removed");
    }
    // One that leads to a dump is as good as the dump.
    let link = directory.path().join("link");
    symlink(dump("eval-jobs.jsonl"), &link).expect("linked");
    assert_eq!(import(&[link]).digest(), import(&[dump("eval-jobs.jsonl")]).digest());
}

/// Nobody writes to the FIFO, and the device has no end.
#[test]
fn what_is_no_file_is_passed_over() {
    let (_directory, path) = with_dump();
    let alone = import(std::slice::from_ref(&path));
    fifo(&path.join("fifo.json"));
    symlink("/dev/zero", path.join("zero.json")).expect("linked");
    let graph = import(std::slice::from_ref(&path));
    let mut expected = findings(&alone);
    expected.push((SkippedFile, 2));
    assert_eq!((graph.digest(), findings(&graph)), (alone.digest(), expected));

    let store = TempDir::new().expect("a directory");
    fs::write(store.path().join(DRV), DERIVATION).expect("written");
    fifo(&store.path().join(DRV.replace("aaaa", "cccc")));
    symlink("/dev/zero", store.path().join(DRV.replace("aaaa", "dddd"))).expect("linked");
    fs::create_dir(store.path().join(DRV.replace("aaaa", "ffff"))).expect("a directory");
    let graph = import(&[store.path().to_owned()]);
    assert_eq!((graph.derivation_count(), findings(&graph)), (1, vec![(SkippedFile, 3)]));
}

/// Dumps lie among sources; by itself none of those is a dump, and Nix is for another command.
#[test]
fn sources_beside_dumps_are_passed_over() {
    let (_directory, path) = with_dump();
    let alone = import(std::slice::from_ref(&path));
    let sources = [
        ("package.nix", "{\n  lib,\n  stdenv,\n}:\n\nstdenv.mkDerivation { }\n", true),
        ("nothing.nix", "{ }:\n{ a = 1; }\n", true),
        ("versions.nix", "{\n  \"1.0\" = { };\n}\n", true),
        ("default.nix", "let a = 1; in a\n", true),
        ("Cargo.toml", "[workspace]\n", false),
        ("build.log", "{\"level\":\"info\",\"at\":1}\n{\"level\":\"info\",\"at\":2}\n", false),
    ];
    for (name, text, _) in sources {
        fs::write(path.join(name), text).expect("written");
    }
    let graph = import(std::slice::from_ref(&path));
    let mut expected = findings(&alone);
    expected.push((SkippedFile, sources.len() as u64));
    assert_eq!((graph.digest(), findings(&graph)), (alone.digest(), expected));
    for (name, _, is_nix) in sources {
        let error = try_import(&[path.join(name)]).expect_err(name);
        assert!(matches!(&error, Error::UnknownFormat { .. }), "{name}: {error:?}");
        assert_eq!(error.to_string().contains("hint: `waves eval`"), is_nix, "{error}");
    }
}

/// Reads from a FIFO what is written to it.
fn through_fifo(write: impl FnOnce(File) -> io::Result<()> + Send + 'static) -> waves_core::error::Result<Graph> {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("fifo");
    fifo(&path);
    let to = path.clone();
    let writer = thread::spawn(move || File::options().write(true).open(to).and_then(write));
    let read = try_import(&[path]);
    // A reader that has had enough breaks the pipe.
    let _ = writer.join().expect("no panic");
    read
}

#[test]
fn a_fifo_is_read_however_little_it_gives_at_once() {
    for name in ["whole.json", "crlf.jsonl", "really-gzip.zst", "other-members.tar"] {
        let bytes = fs::read(input(name)).expect("it is there");
        let graph = through_fifo(move |mut to| bytes.iter().try_for_each(|byte| to.write_all(&[*byte]))).expect("it is read");
        assert_eq!(graph.digest(), import(&[input(name)]).digest(), "{name}");
    }
}

/// Sizes that no dump has, as streams: a limit must end them, or they take all memory.
#[test]
fn what_does_not_end_is_refused() {
    let header = |kind, size| {
        let mut header = tar::Header::new_gnu();
        header.set_path("././@LongLink").expect("it fits");
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let long = MAX_ENTRY * 4;
    for (name, begin) in [
        ("a list of paths", format!("/nix/store/{DRV}\n").into_bytes()),
        ("a table", format!("a  /nix/store/{DRV}\n").into_bytes()),
        ("a key", b"{\"".to_vec()),
        ("a long name", header(Kind::GNULongName, long)),
        ("a long link", header(Kind::GNULongLink, long)),
        ("an extension", header(Kind::XHeader, long)),
    ] {
        let read = through_fifo(move |mut to| {
            to.write_all(&begin)?;
            io::copy(&mut io::repeat(b'x').take(long), &mut to).map(drop)
        });
        let Err(error @ Error::InputTooLarge { .. }) = read else { panic!("{name}: {:?}", read.err()) };
        assert!(error.to_string().contains("larger than 256.0 MiB"), "{name}: {error}");
    }
}

/// Changes a file each time when a part of it was read.
struct Meddler<F>(PathBuf, F);

impl<F: Fn(File) -> io::Result<()> + Sync> Progress for Meddler<F> {
    fn begin(&self, _phase: &str, _total: Option<u64>) {}

    fn advance(&self, _steps: u64) {
        File::options().append(true).open(&self.0).and_then(&self.1).expect("it is changed");
    }
}

/// A dump of several parts, and what one line of it says.
fn long_dump(begin: &str, between: &str, end: &str, line: impl Fn(usize) -> String) -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("dump");
    let lines: Vec<String> = (0..20_000).map(line).collect();
    fs::write(&path, format!("{begin}{}{end}", lines.join(between))).expect("written");
    (directory, path)
}

#[test]
fn what_grows_meanwhile_is_read_as_far_as_it_was_written() {
    let line = |number: usize| format!("{{\"attr\":\"a{number}\",\"error\":\"{}\"}}", "x".repeat(1000));
    let (_directory, path) = long_dump("", "\n", "\n", line);
    let before = fs::metadata(&path).expect("it is there").len();
    // In two pieces, so that a read may end in the middle of a line.
    let turn = Mutex::new(20_000..20_100);
    let meddler = Meddler(path.clone(), |mut file: File| {
        let mut numbers = turn.lock().expect("no panic");
        let line = numbers.next().map(|number| line(number) + "\n").unwrap_or_default();
        let (first, second) = line.split_at(line.len() / 2);
        file.write_all(first.as_bytes()).and_then(|()| file.write_all(second.as_bytes()))
    });
    let graph = Graph::import(&[Input::Path(path.clone())], &meddler).expect("it is read");
    let source = &graph.sources()[0];
    let read = &fs::read(&path).expect("it is there")[..source.bytes as usize];
    assert!(source.bytes >= before);
    assert_eq!(source.sha256, HEXLOWER.encode(&Sha256::digest(read)));
    let whole = read.split(|&byte| byte == b'\n').filter(|line| serde_json::from_slice::<Value>(line).is_ok()).count();
    assert_eq!(graph.attribute_count(), whole);
}

#[test]
fn what_shrinks_meanwhile_was_cut() {
    let entry = |number: usize| {
        let hash = format!("{number:032}");
        let path = format!("/nix/store/{hash}-a");
        format!("\"{path}.drv\":{{\"outputs\":{{\"out\":{{\"path\":\"{path}\"}}}},\"env\":{{\"a\":\"{}\"}}}}", "x".repeat(1000))
    };
    let (_directory, path) = long_dump("{", ",", "}", entry);
    for left in [0, 1_000_000] {
        let whole = fs::read(&path).expect("it is there");
        let meddler = Meddler(path.clone(), |file: File| file.set_len(left));
        let read = Graph::import(&[Input::Path(path.clone())], &meddler);
        let Err(error) = read else { panic!("{left}: it was read as if it were whole") };
        assert!(error.to_string().contains("the JSON ends in the middle: the dump is truncated"), "{error}");
        fs::write(&path, whole).expect("written");
    }
}

/// Members are never written, and known by the end of their name alone.
#[test]
fn members_that_climb_out_of_a_tar_are_derivations_like_any_other() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("climbs.tar");
    let mut tar = tar::Builder::new(File::create(&path).expect("written"));
    let mut add = |name: &str, kind, link: &str, data: &str| {
        let mut header = tar::Header::new_gnu();
        // As a hostile archive has it: the builder would refuse such a path.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_cksum();
        tar.append(&header, data.as_bytes()).expect("added");
    };
    add(&format!("../../../{DRV}"), Kind::Regular, "", DERIVATION);
    add(&format!("/etc/{DRV}"), Kind::Regular, "", DERIVATION);
    add(&format!("x/../{DRV}"), Kind::Regular, "", &DERIVATION.replace("x86_64", "aarch64"));
    for (name, kind) in [('c', Kind::Symlink), ('d', Kind::Link), ('f', Kind::Fifo), ('g', Kind::Char), ('h', Kind::Block)] {
        add(&DRV.replace("aaaa", &name.to_string().repeat(4)), kind, "/etc/passwd", "");
    }
    // With one hole, of 8 GiB.
    let mut sparse = tar::Header::new_gnu();
    sparse.set_path(DRV.replace("aaaa", "iiii")).expect("it fits");
    sparse.set_entry_type(Kind::GNUSparse);
    sparse.set_size(0);
    let gnu = sparse.as_gnu_mut().expect("it is one");
    gnu.realsize = *b"77777777777\0";
    gnu.sparse[0].offset = gnu.realsize;
    gnu.sparse[0].numbytes = *b"00000000000\0";
    sparse.set_cksum();
    tar.append(&sparse, io::empty()).expect("added");
    tar.finish().expect("written");
    let graph = import(&[path]);
    assert_eq!(findings(&graph), [(DuplicateDerivation, 1), (ContradictoryDerivation, 1), (SkippedFile, 6)]);
    let derivation = graph.derivations().next().expect("there is one");
    assert_eq!((graph.derivation_count(), derivation.path(), derivation.system()), (1, format!("/nix/store/{DRV}"), "x86_64-linux"));
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
}
