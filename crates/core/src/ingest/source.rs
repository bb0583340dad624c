//! Opening a dump: files and standard input, plain or compressed, and what their bytes say they are.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::limits::{Bounded, Counted, Limits};
use super::{aterm, nix_env_text};
use crate::error::{Error, Result};

/// Bytes at the beginning of a dump by which its format is told.
const HEAD_BYTES: usize = 1 << 16;
/// Zstandard windows up to 2 GiB are accepted (`zstd --long=31`).
const MAX_ZSTD_WINDOW_LOG: u32 = 31;

/// Something to ingest.
#[derive(Debug)]
pub enum Input {
    /// A file, or a directory of dumps or of `.drv` files.
    Path(PathBuf),
    /// A file that is open, and what to call it.
    File {
        /// The name of the source.
        name: String,
        /// Read from where it stands.
        file: File,
    },
    /// Standard input.
    Stdin,
    /// Derivations in a store, and all that they need, by their paths.
    Closure(Vec<PathBuf>),
}

impl Input {
    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::File { name, .. } => name.clone(),
            Self::Stdin => "-".to_owned(),
            Self::Closure(_) => "store closure".to_owned(),
        }
    }
}

/// How a dump is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One JSON object with an entry for each derivation or attribute.
    JsonObject,
    /// A JSON object on each line.
    JsonLines,
    /// The table of `nix-env`.
    Table,
    /// One `.drv` file.
    Derivation,
    /// `.drv` files in a tar.
    Tar,
    /// Paths of `.drv` files, a line each.
    PathList,
}

/// What is known of the bytes of a dump once they are read.
#[derive(Default)]
struct Digested {
    hasher: Sha256,
    bytes: u64,
}

/// Counts and hashes what is read through it.
struct DigestReader<R> {
    reader: R,
    digested: Arc<Mutex<Digested>>,
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        let mut digested = self.digested.lock().unwrap_or_else(PoisonError::into_inner);
        digested.hasher.update(&buffer[..length]);
        digested.bytes += length as u64;
        Ok(length)
    }
}

/// A dump that is open: decompressed, its layout known, its bytes counted and hashed as they are read.
pub(super) struct Dump {
    pub(super) name: String,
    pub(super) layout: Layout,
    pub(super) reader: Box<dyn Read + Send>,
    /// Seconds since 1970 of the file's last change.
    pub(super) modified: Option<u64>,
    digested: Arc<Mutex<Digested>>,
}

impl Dump {
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let metadata = file.metadata().map_err(Error::io("read", path))?;
        let modified = metadata.modified().ok().and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs()));
        Self::new(path.display().to_string(), Box::new(file), modified, limits)
    }

    pub(super) fn new(name: String, reader: Box<dyn Read + Send>, modified: Option<u64>, limits: Limits) -> Result<Self> {
        let digested = Arc::<Mutex<Digested>>::default();
        let reader = DigestReader { reader, digested: Arc::clone(&digested) };
        let mut reader = decompress(reader, limits).map_err(Error::io("read", &name))?;
        let head = read_head(&mut reader).map_err(Error::io("read", &name))?;
        let layout = layout(&head).map_err(|reason| no_dump(&name, &reason))?;
        Ok(Self { name, layout, reader: Box::new(Cursor::new(head).chain(reader)), modified, digested })
    }

    /// Length and SHA-256 of the bytes that were read: of the whole dump, once its reader is at the end.
    pub(super) fn digest(digested: &DigestHandle) -> (u64, String) {
        let digested = digested.0.lock().unwrap_or_else(PoisonError::into_inner);
        (digested.bytes, hex(&digested.hasher.clone().finalize()))
    }

    pub(super) fn digest_handle(&self) -> DigestHandle {
        DigestHandle(Arc::clone(&self.digested))
    }
}

/// Keeps the digest of a dump while its reader is consumed.
pub(super) struct DigestHandle(Arc<Mutex<Digested>>);

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Opens a file that is no dump, plain or compressed.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    decompress(file, Limits::default()).map_err(Error::io("read", path))
}

fn decompress(reader: impl Read + Send + 'static, limits: Limits) -> io::Result<Box<dyn Read + Send>> {
    let mut reader = Counted::new(reader);
    let packed = reader.count();
    let mut magic = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut magic)?;
    let whole = Cursor::new(magic.clone()).chain(reader);
    Ok(match magic.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::Decoder::new(whole)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(Bounded::new(decoder, packed, limits))
        }
        [0x1f, 0x8b, ..] => Box::new(Bounded::new(flate2::read::MultiGzDecoder::new(whole), packed, limits)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(Bounded::new(liblzma::read::XzDecoder::new_multi_decoder(whole), packed, limits)),
        _ => Box::new(Bounded::new(whole, packed, limits)),
    })
}

fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// That a file is no dump. A name never tells the format, but it tells what somebody may have wanted.
fn no_dump(name: &str, reason: &str) -> Error {
    let is_nix = Path::new(name).extension().is_some_and(|extension| extension == "nix");
    let hint = if is_nix { " (hint: `waves eval` evaluates Nix)" } else { "" };
    Error::UnknownFormat { input: name.to_owned(), reason: format!("{reason}{hint}") }
}

/// The keys of a line of nix-eval-jobs.
const EVAL_JOB_KEYS: [&str; 8] = ["attr", "attrPath", "drvPath", "error", "cacheStatus", "isCached", "constituents", "extraValue"];

fn layout(head: &[u8]) -> Result<Layout, String> {
    if head.starts_with(b"\x89wav") {
        let hint = "name the file of a snapshot, alone: with --graph, or as one of two evaluations";
        return Err(format!("waves wrote it itself: a snapshot or a history is no dump (hint: {hint})"));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Ok(Layout::Tar);
    }
    if aterm::looks_like(head) {
        return Ok(Layout::Derivation);
    }
    let Some(start) = head.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return Err("it is empty".to_owned());
    };
    let head = &head[start..];
    let line = String::from_utf8_lossy(head.split(|&byte| byte == b'\n').next().unwrap_or(head));
    if head[0] == b'{' {
        return layout_of_object(head, &line);
    }
    if is_drv_path(line.trim()) {
        return Ok(Layout::PathList);
    }
    // Warnings of the command may stand before its table.
    if String::from_utf8_lossy(head).lines().any(nix_env_text::looks_like) {
        return Ok(Layout::Table);
    }
    Err(match head[0] {
        b'[' => "a JSON array; derivations come as an object, attributes as lines or an object".to_owned(),
        byte if byte.is_ascii_graphic() => format!("it begins with `{}`", line.chars().take(40).collect::<String>().escape_debug()),
        byte => format!("it begins with byte 0x{byte:02x}"),
    })
}

/// The layout of what begins with `{`.
fn layout_of_object(head: &[u8], line: &str) -> Result<Layout, String> {
    if !begins_as_json(&head[1..]) {
        return Err("it begins with `{`, and no key in quotes with a colon follows".to_owned());
    }
    if is_eval_job(head, line) {
        return Ok(Layout::JsonLines);
    }
    if is_other_line(head, line) {
        return Err("lines of JSON, and not of nix-eval-jobs: the first has neither `attr` nor `drvPath`".to_owned());
    }
    Ok(Layout::JsonObject)
}

/// Whether what is behind `{` may be JSON: a key and a colon, or the end. Nix has names there, or `=` behind the key, and its functions
/// may begin with `{ }:`.
fn begins_as_json(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let next = |from: usize| rest[from..].trim_ascii_start().first();
    match rest.first() {
        None => true,
        Some(b'}') => !matches!(next(1), Some(b':' | b'@')),
        Some(b'"') => {
            let mut keys = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
            // What is wrong with a key, or how long it is, is for the reader to say.
            !matches!(keys.next(), Some(Ok(_))) || matches!(next(keys.byte_offset()), None | Some(b':'))
        }
        Some(_) => false,
    }
}

/// Whether the first line is an object by itself, with another behind it, and says something of its own: a line of a log. The entries
/// of a document are objects, but for its version.
fn is_other_line(head: &[u8], line: &str) -> bool {
    let Ok(serde_json::Value::Object(first)) = serde_json::from_str(line) else { return false };
    let rest = head.splitn(2, |&byte| byte == b'\n').nth(1).unwrap_or_default();
    let is_followed = rest.trim_ascii_start().starts_with(b"{");
    is_followed && first.iter().any(|(key, value)| key != "version" && !value.is_object())
}

/// Whether the first JSON object is a line of nix-eval-jobs, and not a document keyed by derivation or attribute.
fn is_eval_job(head: &[u8], line: &str) -> bool {
    if let Ok(serde_json::Value::Object(first)) = serde_json::from_str(line) {
        return EVAL_JOB_KEYS.iter().any(|key| first.get(*key).is_some_and(|value| !value.is_object()));
    }
    // The line is longer than the head: its first key must tell.
    let text = String::from_utf8_lossy(head);
    let mut parts = text.trim_start_matches('{').trim_start().splitn(3, '"');
    let key = parts.nth(1).unwrap_or_default();
    let value = parts.next().unwrap_or_default().trim_start().trim_start_matches(':').trim_start();
    EVAL_JOB_KEYS.contains(&key) && !value.starts_with('{')
}

pub(super) fn is_drv_path(text: &str) -> bool {
    text.starts_with('/') && crate::store_path::StorePath::parse_derivation(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout_of(text: &str) -> Result<Layout, String> {
        layout(text.as_bytes())
    }

    #[test]
    fn formats_are_told_by_content() {
        let drv = "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a.drv";
        for (text, expected) in [
            ("{\"attr\":\"a\",\"error\":\"x\"}\n", Layout::JsonLines),
            ("{\"meta\":{},\"attr\":\"a\"}\n{}", Layout::JsonLines),
            ("\n {\n \"a\": {}}", Layout::JsonObject),
            ("{\"attr\":{\"name\":\"attr-1\",\"outputs\":{}}}", Layout::JsonObject),
            ("Derive([],", Layout::Derivation),
            (drv, Layout::PathList),
            (&format!("a  {drv}"), Layout::Table),
            (&format!("warning: x\na  {drv}"), Layout::Table),
        ] {
            assert_eq!(layout_of(text), Ok(expected), "{text}");
        }
        let long = format!("{{\"attr\":\"a\",\"error\":\"{}\"}}", "x".repeat(2 * HEAD_BYTES));
        assert_eq!(layout(&long.as_bytes()[..HEAD_BYTES]), Ok(Layout::JsonLines));
    }

    #[test]
    fn an_object_of_json_has_keys_in_quotes() {
        for json in ["{", "{\n", "{}", "{ }\n", "{}\n{}", "{\"a\":{}}", "{\n  \"a\\\"\" : {", "{\"a", "{\"a\"", "{\"\\x\""] {
            assert_eq!(layout_of(json), Ok(Layout::JsonObject), "{json}");
        }
        let sets = ["{ a = 1; }", "{ \"a\" = {}; }", "{ # a"];
        let functions = ["{ lib, stdenv }:\n", "{\n  lib,\n}:", "{ ... }@args:", "{ }:\n{ a = 1; }", "{}:", "{ } @ args:"];
        for nix in sets.iter().chain(&functions) {
            assert_eq!(layout_of(nix), Err("it begins with `{`, and no key in quotes with a colon follows".to_owned()), "{nix}");
        }
    }

    #[test]
    fn a_log_is_told_from_documents() {
        for log in ["{\"level\":\"info\"}\n{\"level\":\"debug\"}\n", "{\"at\":1,\"of\":{}}\r\n\r\n{\"at\":2}"] {
            assert!(layout_of(log).expect_err(log).contains("lines of JSON"), "{log}");
        }
        // One document behind the other, which its reader says, and one that is a line.
        for documents in ["{\"a\":{}}\n{\"b\":{}}", "{\"version\":4,\"derivations\":{}}\n{}", "{\"a\":1}\n"] {
            assert_eq!(layout_of(documents), Ok(Layout::JsonObject), "{documents}");
        }
    }

    #[test]
    fn nix_is_for_another_command() {
        let said = |name| no_dump(name, "it is empty").to_string();
        assert!(said("pkgs/a/package.nix").ends_with("it is empty (hint: `waves eval` evaluates Nix)"), "{}", said("package.nix"));
        assert!(said("a.json").ends_with("(hint: `waves import --help` lists the formats)"), "{}", said("a.json"));
    }

    #[test]
    fn what_is_no_dump_is_said() {
        assert_eq!(layout_of("  \n"), Err("it is empty".to_owned()));
        assert!(layout_of("[]").expect_err("array").contains("array"));
        assert!(layout_of("hello world").expect_err("prose").contains("hello world"));
        assert!(layout(&[0, 1]).expect_err("binary").contains("0x00"));
    }
}
