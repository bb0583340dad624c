//! Inputs that cannot be read at all: the error says which, where and why.

use std::path::PathBuf;

use waves_core::error::Error;

use crate::support::{input, try_import};

/// The error of importing one broken input.
fn error(name: &str) -> Error {
    try_import(&[input(name)]).expect_err(name)
}

/// Checks that an error names its input and says all of `words`.
fn says(name: &str, error: &Error, words: &[&str]) {
    let message = error.to_string();
    for word in words.iter().chain([&name]) {
        assert!(message.contains(word), "{name}: `{word}` is not in `{message}`");
    }
}

#[test]
fn what_is_no_dump_is_refused() {
    let refused = [
        ("garbage.txt", "it was a dark and stormy night"),
        ("error-message.json", "error: attribute"),
        ("warning-first.json", "warning: "),
        ("empty.json", "empty"),
        ("blank.json", "empty"),
        ("array.json", "array"),
        ("binary", "0x00"),
        ("utf-16.json", "0xff"),
        ("byte-order-mark.json", "0xef"),
    ];
    for (name, reason) in refused {
        let error = error(name);
        assert!(matches!(&error, Error::UnknownFormat { input, .. } if input.ends_with(name)), "{error:?}");
        says(name, &error, &[reason, "waves import --help"]);
    }
}

#[test]
fn broken_json_is_refused() {
    for (name, words) in
        [("truncated.json", ["ends in the middle", "truncated"]), ("two-documents.json", ["byte 827", "nothing behind the document"])]
    {
        let error = error(name);
        assert!(matches!(&error, Error::Malformed { input, .. } if input.ends_with(name)), "{error:?}");
        says(name, &error, &words);
    }
}

#[test]
fn broken_compression_is_refused() {
    for name in ["truncated.json.gz", "truncated.json.xz", "truncated.json.zst", "truncated.tar", "wrong-checksum.json.gz"] {
        let error = error(name);
        assert!(matches!(&error, Error::Io { action: "read", path, .. } if path.ends_with(name)), "{error:?}");
        says(name, &error, &["cannot read"]);
    }
}

#[test]
fn nothing_in_it_is_refused() {
    let empty = [
        "empty-object.json",
        "dddddddddddddddddddddddddddddddd-truncated.drv",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-deep-dynamic-outputs.drv",
        "name-without-hash.drv",
    ];
    for name in empty {
        let error = error(name);
        // What is wrong with it is told, if there is anything in it.
        let is_told = |first: &Option<String>| first.is_some() == (name != "empty-object.json");
        assert!(matches!(&error, Error::Empty { inputs, first } if inputs.ends_with(name) && is_told(first)), "{error:?}");
        says(name, &error, &["no derivation and no attribute"]);
    }
    assert!(matches!(try_import(&[]), Err(Error::Empty { .. })));
}

#[test]
fn derivations_that_need_each_other_are_refused() {
    let (a, b) = ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1.0.drv", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-b-1.0.drv");
    for (name, expected) in [("needs-itself.json", vec![a]), ("two-that-need-each-other.json", vec![a, b])] {
        let error = error(name);
        let Error::Cycle { mut members } = error else { panic!("{name}: {error:?}") };
        members.sort_unstable();
        assert_eq!(members, expected, "{name}");
    }
}

#[test]
fn files_that_are_not_there_are_refused() {
    let missing = error("missing-files.txt");
    assert!(
        matches!(&missing, Error::Io { action: "read", path, .. } if path.ends_with("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1.0.drv")),
        "{missing:?}"
    );
    let missing = try_import(&[PathBuf::from("not/there.json")]).expect_err("it is not there");
    assert!(matches!(&missing, Error::Io { action: "open", .. }), "{missing:?}");
}

/// A good dump beside a bad one does not hide the bad one.
#[test]
fn one_broken_dump_among_others_is_refused() {
    for name in ["truncated.json", "garbage.txt", "empty.json", "truncated.json.gz", "needs-itself.json"] {
        assert!(try_import(&[input("crlf.jsonl"), input(name)]).is_err(), "{name}");
    }
}

/// A dump that is cut anywhere is refused, or reads as a part of itself with a finding.
#[test]
fn every_cut_of_a_compressed_dump_is_refused() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("cut");
    for name in ["really-gzip.zst", "really-zstd.json"] {
        let whole = std::fs::read(input(name)).expect("it is there");
        for end in 0..whole.len() {
            std::fs::write(&path, &whole[..end]).expect("writes");
            assert!(try_import(std::slice::from_ref(&path)).is_err(), "{name} cut at {end}");
        }
    }
}
