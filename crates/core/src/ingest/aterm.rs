//! `.drv` files: the `ATerm` that Nix writes to its store, `Derive(…)` and `DrvWithVersion("xp-dyn-drv",…)`.
//!
//! Strings are bytes; what is not UTF-8 is replaced, which no name, path or hash can be.

use std::borrow::Cow;

use memchr::memchr2;
use smallvec::SmallVec;

use super::raw::{RawDerivation, RawInput, RawOutput};

/// Deepest nesting of dynamic outputs that is read; Nix writes one level a chained derivation.
const MAX_DEPTH: usize = 64;

/// What is wrong with a `.drv` file, and at which byte.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("byte {at}: expected {expected}")]
pub(super) struct AtermError {
    at: usize,
    expected: &'static str,
}

type Result<T> = std::result::Result<T, AtermError>;

/// Whether `bytes` begin as a `.drv` file does.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(b"Derive(") || bytes.starts_with(b"DrvWithVersion(")
}

/// Reads a whole `.drv` file. O(length).
pub(super) fn parse(bytes: &[u8]) -> Result<RawDerivation<'_>> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.eat(b"DrvWithVersion(") {
        reader.string()?;
        reader.expect(b",", "`,` behind the version")?;
    } else {
        reader.expect(b"Derive(", "`Derive(` or `DrvWithVersion(`")?;
    }
    let outputs = reader.list(Reader::output)?;
    reader.comma()?;
    let inputs = reader.list(Reader::input)?;
    reader.comma()?;
    let sources = reader.list(Reader::string)?;
    reader.comma()?;
    let system = reader.string()?;
    reader.comma()?;
    let builder = reader.string()?;
    reader.comma()?;
    let args = reader.list(Reader::string)?;
    reader.comma()?;
    let env = reader.list(Reader::pair)?;
    reader.expect(b")", "`)` at the end")?;
    Ok(RawDerivation { outputs, inputs, sources, system, builder, args, env, structured: None })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &[u8], expected: &'static str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(AtermError { at: self.at, expected }) }
    }

    fn comma(&mut self) -> Result<()> {
        self.expect(b",", "`,`")
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b"\"", "a string")?;
        let start = self.at;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut clean_from = start;
        loop {
            let Some(offset) = memchr2(b'"', b'\\', &self.bytes[self.at..]) else {
                return Err(AtermError { at: self.bytes.len(), expected: "`\"` at the end of a string" });
            };
            let found = self.at + offset;
            if self.bytes[found] == b'"' {
                self.at = found + 1;
                let tail = &self.bytes[clean_from..found];
                return Ok(match unescaped {
                    None => std::str::from_utf8(tail).map_or_else(|_| String::from_utf8_lossy(tail), Cow::Borrowed),
                    Some(mut text) => {
                        text.extend_from_slice(tail);
                        Cow::Owned(String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
                    }
                });
            }
            let Some(&escape) = self.bytes.get(found + 1) else {
                return Err(AtermError { at: found + 1, expected: "a character behind `\\`" });
            };
            let text = unescaped.get_or_insert_default();
            text.extend_from_slice(&self.bytes[clean_from..found]);
            text.push(match escape {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => other,
            });
            self.at = found + 2;
            clean_from = self.at;
        }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect(b"[", "`[`")?;
        let mut items = Vec::new();
        if self.eat(b"]") {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(b"]") {
                return Ok(items);
            }
            self.expect(b",", "`,` or `]`")?;
        }
    }

    fn output(&mut self) -> Result<RawOutput<'a>> {
        self.expect(b"(", "`(` before an output")?;
        let name = self.string()?;
        self.comma()?;
        let path = self.string()?;
        self.comma()?;
        let hash_algo = self.string()?;
        self.comma()?;
        let hash = self.string()?;
        self.expect(b")", "`)` behind an output")?;
        let given = |text: Cow<'a, str>| Some(text).filter(|text| !text.is_empty());
        let impure = hash == "impure";
        Ok(RawOutput { name, path: given(path), hash_algo: given(hash_algo), method: None, hash: given(hash), impure })
    }

    fn input(&mut self) -> Result<RawInput<'a>> {
        self.expect(b"(", "`(` before an input")?;
        let path = self.string()?;
        self.comma()?;
        let mut outputs = SmallVec::new();
        self.node(&mut outputs, MAX_DEPTH)?;
        self.expect(b")", "`)` behind an input")?;
        outputs.sort_unstable();
        outputs.dedup();
        Ok(RawInput { path, outputs })
    }

    /// The outputs of an input that are used; of its dynamic outputs only which they are, not what they lead to.
    fn node(&mut self, outputs: &mut SmallVec<[Cow<'a, str>; 2]>, depth: usize) -> Result<()> {
        if !self.eat(b"(") {
            outputs.extend(self.list(Self::string)?);
            return Ok(());
        }
        if depth == 0 {
            return Err(AtermError { at: self.at, expected: "less deeply nested dynamic outputs" });
        }
        outputs.extend(self.list(Self::string)?);
        self.comma()?;
        let dynamic = self.list(|reader| {
            reader.expect(b"(", "`(` before a dynamic output")?;
            let output = reader.string()?;
            reader.comma()?;
            reader.node(&mut SmallVec::new(), depth - 1)?;
            reader.expect(b")", "`)` behind a dynamic output")?;
            Ok(output)
        })?;
        outputs.extend(dynamic);
        self.expect(b")", "`)` behind the outputs of an input")
    }

    fn pair(&mut self) -> Result<(Cow<'a, str>, Cow<'a, str>)> {
        self.expect(b"(", "`(` before a variable")?;
        let key = self.string()?;
        self.comma()?;
        let value = self.string()?;
        self.expect(b")", "`)` behind a variable")?;
        Ok((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_derivation() {
        let text = br#"Derive([("out","/nix/store/x-a","","")],[("/nix/store/y-b.drv",["dev","out"])],["/nix/store/s"],"x86_64-linux","/bin/sh",["-c","echo \"a\"\n"],[("name","a"),("t","\t\\\q")])"#;
        let drv = parse(text).expect("parses");
        assert_eq!(drv.inputs[0].outputs.as_slice(), ["dev", "out"]);
        assert_eq!(drv.args[1], "echo \"a\"\n");
        assert_eq!(drv.env[1].1, "\t\\q");
    }

    #[test]
    fn dynamic_outputs() {
        let text = br#"DrvWithVersion("xp-dyn-drv",[],[("/nix/store/y-b.drv",(["cat","dog"],[("bird",["egg"]),("goose",(["g"],[("x",["y"])]))]))],[],"s","b",[],[])"#;
        let drv = parse(text).expect("parses");
        assert_eq!(drv.inputs[0].outputs.as_slice(), ["bird", "cat", "dog", "goose"]);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let text = br#"Derive([("out","/p","r:sha256","00")],[("/d.drv",["out"])],["/s"],"x","b",["a\n"],[("k","v")])"#;
        assert!(parse(text).is_ok());
        for end in 0..text.len() {
            assert!(parse(&text[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        let drv = parse(b"Derive([],[],[],\"x\",\"b\",[\"\xff\",\"\\n\xff\"],[])").expect("parses");
        assert_eq!(drv.args, ["\u{fffd}", "\n\u{fffd}"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let mut text = b"DrvWithVersion(\"xp-dyn-drv\",[],[(\"/d.drv\",".to_vec();
        text.extend(b"([],[(\"o\",".repeat(100_000));
        assert_eq!(parse(&text).expect_err("too deep").expected, "less deeply nested dynamic outputs");
    }
}
