//! Cuts a decompressed dump into batches of whole entries, so that parsing runs on all cores and memory is bounded
//! by a batch, whatever the length of the dump or of its lines.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr2, memrchr};

use super::limits::MAX_ENTRY;
use crate::error::TooMuch;

/// Bytes in a batch, unless one entry is larger.
const BATCH_BYTES: usize = 1 << 20;

/// Whole entries of a dump, in order.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Where in the decompressed dump `bytes` begin.
    offset: u64,
}

#[derive(Debug)]
struct Entry {
    /// With its quotes; empty for an element of an array.
    key: Range<usize>,
    value: Range<usize>,
}

impl Batch {
    /// Key (JSON, with quotes), value (JSON) and the value's byte in the dump.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8], u64)> {
        let entry =
            |entry: &Entry| (&self.bytes[entry.key.clone()], &self.bytes[entry.value.clone()], self.offset + entry.value.start as u64);
        self.entries.iter().map(entry)
    }
}

/// Whole lines of a dump, in order.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// Number of the first line, counted from 1.
    pub(super) first_line: u64,
}

/// Splits a dump into its lines.
pub(super) struct LineSplitter<R> {
    reader: R,
    rest: Vec<u8>,
    line: u64,
    ended: bool,
    /// Nothing comes behind an error.
    failed: bool,
}

impl<R: Read> LineSplitter<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), line: 1, ended: false, failed: false }
    }

    fn next_batch(&mut self) -> io::Result<Option<Lines>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut searched = 0;
        while !self.ended {
            self.ended = fill(&mut self.reader, &mut bytes)? == 0;
            if let Some(newline) = memrchr(b'\n', &bytes[searched..]) {
                self.rest = bytes.split_off(searched + newline + 1);
                break;
            }
            searched = bytes.len();
            if searched as u64 > MAX_ENTRY {
                return Err(TooMuch::Entry(MAX_ENTRY).into());
            }
        }
        let first_line = self.line;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok((!bytes.is_empty()).then_some(Lines { bytes, first_line }))
    }
}

impl<R: Read> Iterator for LineSplitter<R> {
    type Item = io::Result<Lines>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.next_batch();
        self.failed = batch.is_err();
        batch.transpose()
    }
}

/// What is wrong with the outermost structure of a JSON document.
#[derive(Debug, thiserror::Error)]
pub(super) enum SplitError {
    #[error("the JSON ends in the middle: the dump is truncated")]
    Truncated(u64),
    #[error("expected {expected}")]
    Unexpected { at: u64, expected: &'static str },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl SplitError {
    /// Where it is.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Truncated(at) | Self::Unexpected { at, .. } => format!("byte {at}"),
            Self::Io(_) => "JSON".to_owned(),
        }
    }
}

/// Splits one JSON document into the entries of its outermost object, or of the `derivations` in it.
///
/// A pass over the bytes that knows strings and nesting and nothing else; what is inside an entry is the parser's.
pub(super) struct EntrySplitter<R> {
    reader: R,
    bytes: Vec<u8>,
    /// Where in the dump `bytes` begin.
    offset: u64,
    at: usize,
    state: State,
    /// Containers around an entry: 1, or 2 inside `derivations`.
    entry_depth: usize,
    /// Whether an entry that is an object has begun: from then on `derivations` is an attribute like any other.
    in_entries: bool,
    depth: usize,
    key: Range<usize>,
    value_start: usize,
    ended: bool,
    /// Nothing comes behind an error.
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the outermost `{` or `[`.
    Start,
    /// Before a key, or the end of the object.
    Key,
    /// Inside a key.
    InKey,
    /// Between key and value.
    Value,
    /// Inside a value.
    InValue,
    /// Inside a string of a value.
    InString,
    /// Behind a value.
    AfterValue,
    /// Behind the outermost container.
    End,
}

impl<R: Read> EntrySplitter<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            bytes: Vec::new(),
            offset: 0,
            at: 0,
            state: State::Start,
            entry_depth: 1,
            in_entries: false,
            depth: 0,
            key: 0..0,
            value_start: 0,
            ended: false,
            failed: false,
        }
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, SplitError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            if !self.ended {
                self.ended = fill(&mut self.reader, &mut self.bytes)? == 0;
            }
            self.scan(&mut entries)?;
            if !entries.is_empty() {
                return Ok(Some(self.cut(entries)));
            }
            if self.bytes.len() as u64 > MAX_ENTRY {
                return Err(SplitError::Io(TooMuch::Entry(MAX_ENTRY).into()));
            }
            if self.ended {
                return if self.state == State::End { Ok(None) } else { Err(SplitError::Truncated(self.offset + self.bytes.len() as u64)) };
            }
        }
    }

    /// Hands out the bytes up to the last whole entry; what is behind it begins the next batch.
    fn cut(&mut self, entries: Vec<Entry>) -> Batch {
        let end = entries.last().map_or(0, |entry| entry.value.end);
        let rest = self.bytes.split_off(end);
        let bytes = std::mem::replace(&mut self.bytes, rest);
        let batch = Batch { bytes, entries, offset: self.offset };
        self.offset += end as u64;
        self.at -= end;
        self.key = self.key.start.saturating_sub(end)..self.key.end.saturating_sub(end);
        self.value_start = self.value_start.saturating_sub(end);
        batch
    }

    /// Moves on to the end of what is read.
    fn scan(&mut self, entries: &mut Vec<Entry>) -> Result<(), SplitError> {
        while self.at < self.bytes.len() {
            match self.state {
                State::InKey | State::InString => {
                    if !self.skip_string() {
                        return Ok(());
                    }
                    self.state = if self.state == State::InKey { State::Value } else { State::InValue };
                    if self.state == State::Value {
                        self.key.end = self.at;
                    } else if self.depth == self.entry_depth {
                        self.end_value(entries);
                    }
                }
                State::InValue => self.step_in_value(entries),
                _ => self.step_outside()?,
            }
        }
        Ok(())
    }

    /// To behind the closing quote; `false` if that has not been read yet.
    fn skip_string(&mut self) -> bool {
        while let Some(found) = memchr2(b'"', b'\\', &self.bytes[self.at..]) {
            let at = self.at + found;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return true;
            }
            if at + 1 == self.bytes.len() {
                // The escaped character has not been read yet.
                self.at = at;
                return false;
            }
            self.at = at + 2;
        }
        self.at = self.bytes.len();
        false
    }

    fn step_in_value(&mut self, entries: &mut Vec<Entry>) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    // Behind a string that is the value itself, the value ends.
                    if self.depth == self.entry_depth || !self.skip_string() {
                        self.state = State::InString;
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth == self.entry_depth => {
                    // A number or word that the container's end ends.
                    self.end_value(entries);
                    return;
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == self.entry_depth {
                        self.at += 1;
                        self.end_value(entries);
                        return;
                    }
                }
                b',' if self.depth == self.entry_depth => {
                    self.end_value(entries);
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn end_value(&mut self, entries: &mut Vec<Entry>) {
        entries.push(Entry { key: self.key.clone(), value: self.value_start..self.at });
        self.state = State::AfterValue;
    }

    /// One byte between entries.
    fn step_outside(&mut self) -> Result<(), SplitError> {
        let byte = self.bytes[self.at];
        self.at += 1;
        if byte.is_ascii_whitespace() {
            return Ok(());
        }
        self.state = match (self.state, byte) {
            (State::Start, b'{') => {
                self.depth = 1;
                State::Key
            }
            (State::Key | State::AfterValue, b'}') if self.depth == self.entry_depth => {
                self.depth -= 1;
                self.entry_depth = self.entry_depth.min(self.depth).max(1);
                if self.depth == 0 { State::End } else { State::AfterValue }
            }
            (State::Key, b'"') => {
                self.key = self.at - 1..self.at;
                State::InKey
            }
            (State::Value, b':') => State::Value,
            (State::Value, _) => return self.begin_value(byte),
            (State::AfterValue, b',') => State::Key,
            (state, _) => return Err(self.unexpected(state)),
        };
        Ok(())
    }

    fn begin_value(&mut self, byte: u8) -> Result<(), SplitError> {
        self.value_start = self.at - 1;
        let is_wrapper = !self.in_entries && byte == b'{' && &self.bytes[self.key.clone()] == b"\"derivations\"";
        self.in_entries |= byte == b'{';
        self.state = match byte {
            b'{' if is_wrapper => {
                self.depth = 2;
                self.entry_depth = 2;
                State::Key
            }
            b'{' | b'[' => {
                self.depth += 1;
                State::InValue
            }
            b'"' => State::InString,
            b'}' | b']' | b',' => return Err(self.unexpected(State::Value)),
            _ => State::InValue,
        };
        Ok(())
    }

    fn unexpected(&self, state: State) -> SplitError {
        let expected = match state {
            State::Start => "`{`",
            State::Key => "a key in quotes",
            State::Value => "a value",
            State::End => "nothing behind the document (hint: import each document by itself)",
            _ => "`,` or `}`",
        };
        SplitError::Unexpected { at: self.offset + self.at as u64 - 1, expected }
    }
}

impl<R: Read> Iterator for EntrySplitter<R> {
    type Item = Result<Batch, SplitError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.next_batch();
        self.failed = batch.is_err();
        batch.transpose()
    }
}

/// Appends up to a batch of bytes; 0 at the end of the input.
fn fill(reader: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.reserve(BATCH_BYTES);
    reader.by_ref().take(BATCH_BYTES as u64).read_to_end(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes in pieces of a length, and is interrupted by a signal before each.
    struct Trickle<'a>(&'a [u8], usize, bool);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn entries(json: &str) -> Result<Vec<(String, String)>, SplitError> {
        entries_of(json, json.as_bytes())
    }

    fn entries_of(json: &str, reader: impl Read) -> Result<Vec<(String, String)>, SplitError> {
        let mut all = Vec::new();
        let mut splitter = EntrySplitter::new(reader);
        while let Some(batch) = splitter.next_batch()? {
            for (key, value, offset) in batch.entries() {
                let value = String::from_utf8_lossy(value).into_owned();
                assert!(json[offset as usize..].starts_with(&value));
                all.push((String::from_utf8_lossy(key).into_owned(), value));
            }
        }
        Ok(all)
    }

    #[test]
    fn short_and_interrupted_reads_change_nothing() {
        let json = r#"{"a":{"b":"\"}"},"c":[1,{"d":[]}],"e":12}"#;
        let whole = entries(json).expect("entries");
        assert_eq!(whole.len(), 3);
        for step in 1..json.len() {
            assert_eq!(entries_of(json, Trickle(json.as_bytes(), step, false)).expect("entries"), whole, "{step}");
        }
    }

    /// An independent answer: what `serde_json` reads.
    fn expected(json: &str) -> Vec<(String, serde_json::Value)> {
        let value: serde_json::Value = serde_json::from_str(json).expect("test input");
        let object = value.as_object().expect("object");
        let inner = object.get("derivations").and_then(serde_json::Value::as_object).unwrap_or(object);
        inner.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    #[test]
    fn entries_of_objects() {
        for json in [
            r"{}",
            r#"{"a":{"b":"}"},"c":{"d":["\"","\\",{}]}}"#,
            "{\n \"a\" : {\n \"b\" : [ ] } , \"c\" : { \"\\u0022\" : 1 } }\n",
            r#"{"derivations":{"x.drv":{"n":1},"y.drv":{}},"version":4}"#,
            r#"{"derivations":{}}"#,
        ] {
            let found = entries(json).expect(json);
            let found: Vec<(String, serde_json::Value)> = found
                .iter()
                .map(|(key, value)| (serde_json::from_str(key).expect("key"), serde_json::from_str(value).expect("value")))
                .filter(|(key, _)| key != "version")
                .collect();
            let mut wanted = expected(json);
            wanted.sort_by(|a, b| a.0.cmp(&b.0));
            let mut found = found;
            found.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
            assert_eq!(found, wanted, "{json}");
        }
    }

    #[test]
    fn scalars_are_entries_too() {
        let found = entries(r#"{"version":4,"a":"x,}","b":null}"#).expect("splits");
        assert_eq!(found.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["4", r#""x,}""#, "null"]);
    }

    #[test]
    fn one_entry_larger_than_a_batch() {
        let long = format!(r#"{{"a":{{"s":"{}\\\""}},"b":{{}}}}"#, "x".repeat(3 * BATCH_BYTES));
        let found = entries(&long).expect("splits");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.len(), 3 * BATCH_BYTES + "{\"s\":\"\\\\\\\"\"}".len());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let json = r#"{"a":{"b":"\\"},"c":[1]}"#;
        for end in 0..json.len() {
            assert!(entries(&json[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn an_error_is_the_end() {
        let mut splitter = EntrySplitter::new(&b"{"[..]);
        assert!(splitter.next().is_some_and(|batch| batch.is_err()));
        assert!(splitter.next().is_none());
    }

    #[test]
    fn what_is_no_json_object_is_an_error() {
        for json in ["[]", "x", "{\"a\" \"b\"}}", "{,}", "{\"a\":}", "{} {}", "{\"a\":{}]"] {
            assert!(entries(json).is_err(), "{json}");
        }
    }

    #[test]
    fn lines_are_whole_whatever_the_reads() {
        let text = "one\n\ntwo\nthree without an end";
        for step in 1..=text.len() {
            let mut splitter = LineSplitter::new(Trickle(text.as_bytes(), step, false));
            let mut joined = Vec::new();
            while let Some(lines) = splitter.next_batch().expect("reads") {
                joined.extend(lines.bytes);
            }
            assert_eq!(joined, text.as_bytes());
        }
    }

    #[test]
    fn line_numbers_continue() {
        let text = "x\n".repeat(BATCH_BYTES);
        let firsts: Vec<u64> = LineSplitter::new(text.as_bytes()).map(|lines| lines.expect("reads").first_line).collect();
        assert_eq!(firsts, [1, 1 + BATCH_BYTES as u64 / 2]);
    }
}
