//! The files that costs come from: plain or compressed, read whole.

use std::path::Path;

use crate::error::{Error, Result};
use crate::ingest::open;

/// A file in memory, decompressed.
pub(super) struct Text {
    /// The file as it was named.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Text {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        Ok(Self { name: path.display().to_string(), bytes })
    }

    /// The first byte that is no white space.
    pub(super) fn first(&self) -> Option<u8> {
        self.bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    /// Whether it is JSON, by how it begins.
    pub(super) fn is_json(&self) -> bool {
        matches!(self.first(), Some(b'[' | b'{'))
    }

    /// That its JSON is broken, and where.
    pub(super) fn broken_json(&self, error: &serde_json::Error) -> Error {
        Error::json(&self.name, error, |reason| format!("not the JSON that was expected: {reason}"))
    }

    /// That it holds none of what it was read for.
    pub(super) fn without(&self, what: &'static str, reason: impl Into<String>) -> Error {
        let reason = if self.first().is_none() { "it is empty".to_owned() } else { reason.into() };
        Error::NoCosts { input: self.name.clone(), what, reason }
    }
}

/// The number of the line that a record begins on, which the ends of lines before it are still a part of. Counted from 1.
pub(crate) fn line_number(bytes: &[u8], start: usize) -> usize {
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let ends = bytes[start.min(bytes.len())..].iter().take_while(is_end).count();
    1 + memchr::memchr_iter(b'\n', &bytes[..bytes.len().min(start + ends)]).count()
}
