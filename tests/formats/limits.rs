//! Dumps that are larger than any real one, which are made here: real archives of gzip, xz and zstd.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use waves_core::error::Error;
use waves_core::graph::Graph;
use waves_core::ingest::{FREE, Input, Limits, MAX_ENTRY};

const FORMATS: [&str; 3] = ["gz", "xz", "zst"];
/// Bytes that are packed once; an archive of many parts is that many times the same bytes.
const PART: usize = 16 << 20;

fn packed(format: &str, bytes: &[u8]) -> Vec<u8> {
    match format {
        "gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(bytes).expect("memory takes it");
            encoder.finish().expect("memory takes it")
        }
        "xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).expect("memory takes it");
            encoder.finish().expect("memory takes it")
        }
        "zst" => zstd::encode_all(bytes, 1).expect("memory takes it"),
        other => unreachable!("{other}"),
    }
}

/// A file that begins with `begin`, followed by `parts` times the same part.
fn bomb(directory: &Path, format: &str, begin: &[u8], part: &[u8], parts: usize) -> PathBuf {
    let path = directory.join(format!("bomb.{format}"));
    fs::write(&path, [packed(format, begin), packed(format, part).repeat(parts)].concat()).expect("written");
    path
}

fn refused(path: &Path, limits: Limits) -> String {
    match Graph::import_within(&[Input::Path(path.to_owned())], limits, &()) {
        Err(error @ Error::InputTooLarge { .. }) => error.to_string(),
        Err(other) => panic!("{}: {other}", path.display()),
        Ok(_) => panic!("{} was read", path.display()),
    }
}

#[test]
fn an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused() {
    let directory = TempDir::new().expect("a directory");
    // Entries that are none of a dump, and that cost little to read.
    let part = format!("\"k\":\"{}\",", "x".repeat(PART - 7)).into_bytes();
    for format in FORMATS {
        let parts = FREE as usize / PART + 8;
        let path = bomb(directory.path(), format, b"{", &part, parts);
        // A thousand to one is the most that gzip can do, so that it is near to it here.
        let size = fs::metadata(&path).expect("it is there").len();
        if size < (parts * PART / 1000) as u64 {
            assert!(refused(&path, Limits::default()).contains("1000 times its size"), "{format}");
        } else {
            eprintln!("skipped: {format} packs to {size} bytes");
        }
    }
}

#[test]
fn an_entry_that_is_none_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let part = vec![b'x'; PART];
    let parts = MAX_ENTRY as usize / PART + 2;
    for (format, begin) in
        [("zst", &b"{\"attr\":\"a\",\"error\":\""[..]), ("gz", b"{\"/nix/store/a.drv\":{\"env\":\""), ("xz", b"Derive([(\"")]
    {
        let path = bomb(directory.path(), format, begin, &part, parts);
        assert!(refused(&path, Limits::default()).contains("larger than 256.0 MiB"), "{format}");
    }
}

#[test]
fn a_file_of_a_store_that_is_none_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let name = "0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a.drv";
    fs::File::create(directory.path().join(name)).and_then(|file| file.set_len(MAX_ENTRY + 1)).expect("a file of holes");
    let error = refused(directory.path(), Limits::default());
    assert!(error.contains(name) && error.contains("larger than 256.0 MiB"), "{error}");
}

#[test]
fn no_more_is_read_than_was_allowed() {
    let directory = TempDir::new().expect("a directory");
    let dump = fs::read(crate::support::dump("eval-jobs.jsonl")).expect("it is there");
    let size = dump.len() as u64;
    let plain = directory.path().join("plain.jsonl");
    fs::write(&plain, &dump).expect("written");
    let mut paths: Vec<PathBuf> = FORMATS.iter().map(|format| bomb(directory.path(), format, &dump, b"\n", 0)).collect();
    paths.push(plain);
    for path in paths {
        let read = |max_input| Graph::import_within(&[Input::Path(path.clone())], Limits { max_input: Some(max_input) }, &());
        assert!(read(size).expect("it is no larger").attribute_count() > 0);
        let error = refused(&path, Limits { max_input: Some(size - 1) });
        assert!(error.contains("that may be read") && error.contains("--max-input"), "{error}");
    }
}

/// Of all `.drv` files of a directory or a list together, whatever each thread has read by then, and whatever else is wrong with one.
#[test]
fn no_more_is_read_of_many_files_than_was_allowed() {
    let directory = TempDir::new().expect("a directory");
    let store = directory.path().join("store");
    let dump = fs::File::open(crate::support::dump("drvs.tar")).expect("it is there");
    tar::Archive::new(dump).unpack(&store).expect("unpacks");
    let files: Vec<PathBuf> = fs::read_dir(&store).expect("it is there").map(|entry| entry.expect("an entry").path()).collect();
    let size: u64 = files.iter().map(|path| fs::metadata(path).expect("it is there").len()).sum();
    let jq = files.iter().find(|path| path.to_string_lossy().ends_with("-jq-1.7.1.drv")).expect("what all others are for");
    let list = directory.path().join("paths");
    fs::write(&list, jq.display().to_string()).expect("written");
    for path in [&store, &list] {
        let read = |max_input| Graph::import_within(&[Input::Path(path.clone())], Limits { max_input: Some(max_input) }, &());
        assert_eq!(read(size).expect("it is no larger").derivation_count(), files.len());
        let error = refused(path, Limits { max_input: Some(size - 1) });
        assert!(error.starts_with(&path.display().to_string()) && error.contains("--max-input"), "{error}");
    }

    // In more parts than one thread reads at once, the first with a file that is an error by itself.
    let many = directory.path().join("many");
    fs::create_dir(&many).expect("created");
    for number in 0..2000 {
        fs::write(many.join(format!("{number:032}-a.drv")), "x".repeat(100)).expect("written");
    }
    let first = many.join(format!("{:032}-a.drv", 0));
    fs::File::options().write(true).open(first).and_then(|file| file.set_len(MAX_ENTRY + 1)).expect("a file of holes");
    let expected = format!("{}: this is too large to be read: it holds more than the 1.0 KiB that may be read", many.display());
    for _ in 0..20 {
        let error = refused(&many, Limits { max_input: Some(1 << 10) });
        assert!(error.starts_with(&expected), "{error}");
    }
}
