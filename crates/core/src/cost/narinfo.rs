//! What a binary cache says of a store path: the text of a `.narinfo` file, as Nix's `nar-info.cc` reads it.
//!
//! The text comes from the network: every length is limited, every store path is checked, and nothing in it is trusted
//! further than that. Signatures are kept but not verified: nothing is ever substituted.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store_path::StorePath;

/// Bytes that a `.narinfo` may have. Ten thousand references fit.
pub const MAX_BYTES: usize = 1 << 20;

/// Bytes that a path may have: more than any disk has for one.
pub(super) const MAX_SIZE: u64 = 1 << 50;

/// Bytes that any value but the references may have.
const MAX_VALUE_BYTES: usize = 4096;

/// The compression of a NAR whose `.narinfo` does not say.
const DEFAULT_COMPRESSION: &str = "bzip2";

/// What stands for a deriver that the cache does not know.
const UNKNOWN_DERIVER: &str = "unknown-deriver";

/// What a binary cache says of a store path that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NarInfo {
    /// `StorePath`: the store path in full.
    pub store_path: String,
    /// `URL`: where the archive is, relative to the cache.
    pub url: String,
    /// `Compression` of the archive; `bzip2` if it is not said.
    pub compression: String,
    /// `FileHash`: hash of the compressed archive.
    pub file_hash: Option<String>,
    /// `FileSize`: bytes of the compressed archive, which is what a download costs.
    pub file_size: Option<u64>,
    /// `NarHash`: hash of the archive.
    pub nar_hash: String,
    /// `NarSize`: bytes of the archive, about what the path takes in the store; never 0.
    pub nar_size: u64,
    /// `References`: base names of the paths that it needs when it runs.
    pub references: Vec<String>,
    /// `Deriver`: base name of the derivation that built it.
    pub deriver: Option<String>,
    /// `Sig`: `key:base64`, one for each key; not verified.
    pub signatures: Vec<String>,
    /// `CA`: how its path follows from its content.
    pub content_address: Option<String>,
}

/// What a binary cache answers to the question for one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    Present(Box<NarInfo>),
    /// It is not there.
    Absent,
    /// Nobody knows, and why: the cache failed, lied, or was not asked.
    Unknown(String),
}

impl NarInfo {
    /// Reads the text of a `.narinfo`; `input` names it in errors.
    ///
    /// `Sig` may stand there several times, every other key once; keys that are not known are ignored. The last line
    /// must end as the others do, so that a text that was cut off is noticed. O(length).
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] names the line or the key.
    pub fn parse(input: &str, text: &[u8]) -> Result<Self> {
        let malformed = |place: String, reason: String| Error::Malformed { input: input.to_owned(), place, reason };
        let whole = |reason: &str| malformed("the whole of it".to_owned(), reason.to_owned());
        if text.len() > MAX_BYTES {
            return Err(whole(&format!("longer than {MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(text).map_err(|_| whole("not UTF-8"))?;
        let lines = text.strip_suffix('\n').ok_or_else(|| whole("its last line does not end: was it cut off?"))?;
        let mut fields = Fields::default();
        for (number, line) in lines.split('\n').enumerate() {
            fields.line(line).map_err(|reason| malformed(format!("line {}", number + 1), reason))?;
        }
        fields.finish().map_err(|key| malformed(key.to_owned(), "missing, or empty".to_owned()))
    }
}

/// The values that were read so far.
#[derive(Default)]
struct Fields<'t> {
    store_path: Option<&'t str>,
    url: Option<&'t str>,
    compression: Option<&'t str>,
    file_hash: Option<&'t str>,
    file_size: Option<u64>,
    nar_hash: Option<&'t str>,
    nar_size: Option<u64>,
    references: Option<Vec<String>>,
    deriver: Option<&'t str>,
    signatures: Vec<String>,
    content_address: Option<&'t str>,
}

impl<'t> Fields<'t> {
    /// Takes in a line, or says what is wrong with it.
    fn line(&mut self, line: &'t str) -> Result<(), String> {
        let (key, value) = line.split_once(':').ok_or("not `Key: value`")?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        if key != "References" && value.len() > MAX_VALUE_BYTES {
            return Err(format!("the value is longer than {MAX_VALUE_BYTES} bytes"));
        }
        match key {
            "StorePath" => once(key, &mut self.store_path, full_store_path(value)?),
            "URL" => once(key, &mut self.url, value),
            "Compression" => once(key, &mut self.compression, value),
            "FileHash" => once(key, &mut self.file_hash, value),
            "FileSize" => once(key, &mut self.file_size, size(key, value)?),
            "NarHash" => once(key, &mut self.nar_hash, value),
            "NarSize" => once(key, &mut self.nar_size, size(key, value)?),
            "References" => once(key, &mut self.references, references(value)?),
            "Deriver" => once(key, &mut self.deriver, base_name(key, value)?),
            "CA" => once(key, &mut self.content_address, value),
            "Sig" => {
                self.signatures.push(value.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// All of it, or the key that is missing.
    fn finish(self) -> Result<NarInfo, &'static str> {
        let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
        Ok(NarInfo {
            store_path: text(self.store_path).ok_or("StorePath")?,
            url: text(self.url).ok_or("URL")?,
            compression: text(self.compression).unwrap_or_else(|| DEFAULT_COMPRESSION.to_owned()),
            file_hash: text(self.file_hash),
            file_size: self.file_size.filter(|&size| size > 0),
            nar_hash: text(self.nar_hash).ok_or("NarHash")?,
            nar_size: self.nar_size.filter(|&size| size > 0).ok_or("NarSize")?,
            references: self.references.unwrap_or_default(),
            deriver: text(self.deriver).filter(|deriver| deriver != UNKNOWN_DERIVER),
            signatures: self.signatures,
            content_address: text(self.content_address),
        })
    }
}

/// Sets what may be said once.
fn once<T>(key: &str, field: &mut Option<T>, value: T) -> Result<(), String> {
    if field.replace(value).is_some() { Err(format!("{key} for the second time")) } else { Ok(()) }
}

fn size(key: &str, value: &str) -> Result<u64, String> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let bytes: u64 = value.parse().ok().filter(|_| digits).ok_or_else(|| format!("{key} is not a number of bytes"))?;
    if bytes <= MAX_SIZE { Ok(bytes) } else { Err(format!("{key} is more than {MAX_SIZE} bytes")) }
}

fn full_store_path(value: &str) -> Result<&str, String> {
    let path = StorePath::parse(value).filter(|path| path.store_dir.is_some_and(|directory| directory.starts_with('/')));
    path.map(|_| value).ok_or_else(|| "StorePath is not a full store path".to_owned())
}

fn references(value: &str) -> Result<Vec<String>, String> {
    value.split(' ').filter(|name| !name.is_empty()).map(|name| base_name("References", name).map(str::to_owned)).collect()
}

/// A base name, or the word for a deriver that is not known.
fn base_name<'t>(key: &str, value: &'t str) -> Result<&'t str, String> {
    let is_known_word = key == "Deriver" && (value.is_empty() || value == UNKNOWN_DERIVER);
    let is_base_name = StorePath::parse(value).is_some_and(|path| path.store_dir.is_none());
    if is_known_word || is_base_name { Ok(value) } else { Err(format!("{key} has something that is not the base name of a store path")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HELLO: &str = "\
StorePath: /nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1
URL: nar/1mjzaixdhysbvq0gpdlhqilfsp8wxmqz3w4dqm7yvxpgi0nsp2p1.nar.xz
Compression: xz
FileHash: sha256:1mjzaixdhysbvq0gpdlhqilfsp8wxmqz3w4dqm7yvxpgi0nsp2p1
FileSize: 50264
NarHash: sha256:0csz3jbh3rrmxvwq8d5wkjz1kp7zv3jpwd8vwb4zvyjpgqq1w5jf
NarSize: 226560
References: 0ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1 1ni6gvd2q0z58h77lrfc2b2xff98jsv5-glibc-2.40-36
Deriver: 2ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1.drv
Sig: cache.nixos.org-1:c2lnbmF0dXJl
Sig: other-1:bW9yZQ==
CA: fixed:r:sha256:0csz3jbh3rrmxvwq8d5wkjz1kp7zv3jpwd8vwb4zvyjpgqq1w5jf
";

    const SHORTEST: &str = "\
StorePath: /nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a
NarHash: h
URL: u
NarSize: 1
";

    fn parse(text: &str) -> Result<NarInfo> {
        NarInfo::parse("a.narinfo", text.as_bytes())
    }

    fn error(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn every_field() {
        let expected = NarInfo {
            store_path: "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1".to_owned(),
            url: "nar/1mjzaixdhysbvq0gpdlhqilfsp8wxmqz3w4dqm7yvxpgi0nsp2p1.nar.xz".to_owned(),
            compression: "xz".to_owned(),
            file_hash: Some("sha256:1mjzaixdhysbvq0gpdlhqilfsp8wxmqz3w4dqm7yvxpgi0nsp2p1".to_owned()),
            file_size: Some(50264),
            nar_hash: "sha256:0csz3jbh3rrmxvwq8d5wkjz1kp7zv3jpwd8vwb4zvyjpgqq1w5jf".to_owned(),
            nar_size: 226_560,
            references: vec![
                "0ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1".to_owned(),
                "1ni6gvd2q0z58h77lrfc2b2xff98jsv5-glibc-2.40-36".to_owned(),
            ],
            deriver: Some("2ni6gvd2q0z58h77lrfc2b2xff98jsv5-hello-2.12.1.drv".to_owned()),
            signatures: vec!["cache.nixos.org-1:c2lnbmF0dXJl".to_owned(), "other-1:bW9yZQ==".to_owned()],
            content_address: Some("fixed:r:sha256:0csz3jbh3rrmxvwq8d5wkjz1kp7zv3jpwd8vwb4zvyjpgqq1w5jf".to_owned()),
        };
        assert_eq!(parse(HELLO).expect("a narinfo"), expected);
    }

    #[test]
    fn what_may_be_missing() {
        let info = parse(SHORTEST).expect("a narinfo");
        assert_eq!((info.compression.as_str(), info.nar_size, info.file_size, info.deriver), ("bzip2", 1, None, None));
        let more = format!("{SHORTEST}System: x86_64-linux\nDeriver: unknown-deriver\nReferences: \nFileSize: 0\nCA:\n");
        let more = parse(&more).expect("a narinfo");
        assert_eq!((more.references.len(), more.file_size, more.deriver, more.content_address), (0, None, None, None));
    }

    #[test]
    fn what_must_be_there() {
        for (number, key) in ["StorePath", "NarHash", "URL", "NarSize"].into_iter().enumerate() {
            let without: String =
                SHORTEST.split_inclusive('\n').enumerate().filter(|(at, _)| *at != number).map(|(_, line)| line).collect();
            assert_eq!(error(&without), format!("a.narinfo: {key}: missing, or empty"));
        }
        assert_eq!(error(&SHORTEST.replace("NarSize: 1", "NarSize: 0")), "a.narinfo: NarSize: missing, or empty");
        assert_eq!(error(&SHORTEST.replace("URL: u", "URL:")), "a.narinfo: URL: missing, or empty");
    }

    #[test]
    fn errors_name_the_line() {
        for (line, reason) in [
            ("", "not `Key: value`"),
            ("<html>", "not `Key: value`"),
            ("NarSize: 1", "NarSize for the second time"),
            ("FileSize: -1", "FileSize is not a number of bytes"),
            ("FileSize: +1", "FileSize is not a number of bytes"),
            ("FileSize: 18446744073709551616", "FileSize is not a number of bytes"),
            (
                "References: /nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a",
                "References has something that is not the base name of a store path",
            ),
            ("References: ../../etc/passwd", "References has something that is not the base name of a store path"),
            ("Deriver: a.drv", "Deriver has something that is not the base name of a store path"),
        ] {
            assert_eq!(error(&format!("{SHORTEST}{line}\n")), format!("a.narinfo: line 5: {reason}"), "{line}");
        }
        for path in [
            "0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a",
            "nix/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a",
            "/nix/store/a",
            "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a\r",
        ] {
            assert_eq!(error(&format!("StorePath: {path}\n")), "a.narinfo: line 1: StorePath is not a full store path", "{path}");
        }
    }

    #[test]
    fn a_text_that_is_cut_off_anywhere_is_noticed() {
        for end in 0..HELLO.len() {
            let cut = &HELLO[..end];
            // At the end of a line nothing is seen, once all that is required is there.
            if !(cut.ends_with('\n') && cut.contains("NarSize")) {
                assert!(parse(cut).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn lengths_are_limited() {
        let reference = " 0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a";
        let many = format!("{SHORTEST}References:{}\n", reference.repeat(10_000));
        assert_eq!(parse(&many).expect("many references").references.len(), 10_000);
        assert!(
            error(&format!("{SHORTEST}Other: {}\n", "a".repeat(MAX_VALUE_BYTES + 1))).contains("line 5: the value is longer than 4096")
        );
        assert!(error(&format!("{SHORTEST}References:{}\n", reference.repeat(40_000))).contains("longer than 1048576 bytes"));
        assert!(NarInfo::parse("a", b"StorePath: \xff\n").expect_err("no UTF-8").to_string().contains("not UTF-8"));
    }

    proptest! {
        /// What comes from the network is an error or a narinfo, never a panic; and a narinfo has a store path and a size.
        #[test]
        fn garbage(text in r"((StorePath|URL|NarHash|NarSize|References|Deriver|Sig|X)?(: ?)?[/0-9a-z .é-]{0,40}\n?){0,8}") {
            if let Ok(info) = parse(&text) {
                prop_assert!(StorePath::parse(&info.store_path).is_some() && info.nar_size > 0);
            }
        }

        #[test]
        fn bytes(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(NarInfo::parse("a", &text).is_err());
        }
    }
}
