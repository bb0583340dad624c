//! The snapshot file: a header, a table of sections, and the sections, each with a checksum.
//!
//! A graph always lives in such bytes, whether they were mapped from a file or have just been built: opening a
//! snapshot parses nothing, and writing one copies bytes. `docs/formats.md` has the layout.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use bytemuck::{NoUninit, Pod};
use rayon::prelude::*;
use twox_hash::XxHash3_64;

use super::columns::{SECTIONS, Section};
use super::map::{Mapping, map};
use crate::error::{Error, Result};
use crate::files::{Mode, NewFile};

const MAGIC: [u8; 8] = *b"\x89waves\r\n";
/// Changes whenever the layout or what a hash is of does; there is no reading of other versions.
const VERSION: u32 = 4;
/// Written in native order: a snapshot of a machine of the other byte order is refused.
const BYTE_ORDER: u32 = 0x0102_0304;
/// Sections begin at multiples of this.
const ALIGNMENT: usize = 16;

const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;
const TABLE_BYTES: usize = SECTIONS * ENTRY_BYTES;
const BODY_START: usize = (HEADER_BYTES + TABLE_BYTES).next_multiple_of(ALIGNMENT);

/// The bytes of a snapshot, and where its sections are.
#[derive(Debug)]
pub(super) struct Storage {
    bytes: Bytes,
    /// In the file.
    sections: [Range<usize>; SECTIONS],
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mapping),
    /// What stands before the sections, and each of them.
    Built(Vec<u8>, Box<[Column; SECTIONS]>),
}

/// The rows of a section, as they were built: a graph is not copied together.
#[derive(Debug)]
pub(super) enum Column {
    /// Rows of whatever type, all of 32-bit words.
    Words(Vec<u32>),
    /// Bytes in no rows.
    Bytes(Vec<u8>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Column {
    pub(super) fn bytes(mut bytes: Vec<u8>) -> Self {
        bytes.shrink_to_fit();
        Self::Bytes(bytes)
    }

    pub(super) fn rows<T: NoUninit>(mut rows: Vec<T>) -> Self {
        rows.shrink_to_fit();
        Self::Words(bytemuck::cast_vec(rows))
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Words(words) => bytemuck::cast_slice(words),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Whether a file begins as a snapshot does, of whatever version.
pub(super) fn is_snapshot(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

impl Storage {
    pub(super) fn column<T: Pod>(&self, section: Section) -> &[T] {
        let bytes = match &self.bytes {
            Bytes::Mapped(mapping) => &mapping[self.sections[section as usize].clone()],
            Bytes::Built(_, columns) => columns[section as usize].as_bytes(),
        };
        // A section that is not whole rows reads as none; the graph's check then refuses the snapshot.
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }

    /// Puts sections together.
    pub(super) fn build(columns: [Column; SECTIONS]) -> Self {
        let mut head = vec![0_u8; BODY_START];
        let mut end = BODY_START;
        let sections = std::array::from_fn(|index| {
            let start = end.next_multiple_of(ALIGNMENT);
            end = start + columns[index].as_bytes().len();
            start..end
        });
        let checksums: Vec<u64> = columns.par_iter().map(|column| XxHash3_64::oneshot(column.as_bytes())).collect();
        for (index, checksum) in checksums.into_iter().enumerate() {
            let range: &Range<usize> = &sections[index];
            let entry = HEADER_BYTES + index * ENTRY_BYTES;
            put(&mut head, entry, &(range.start as u64).to_ne_bytes());
            put(&mut head, entry + 8, &(range.len() as u64).to_ne_bytes());
            put(&mut head, entry + 16, &checksum.to_ne_bytes());
        }
        put(&mut head, 0, &MAGIC);
        put(&mut head, 8, &VERSION.to_ne_bytes());
        put(&mut head, 12, &BYTE_ORDER.to_ne_bytes());
        put(&mut head, 16, &(length(&sections) as u64).to_ne_bytes());
        put(&mut head, 24, &(SECTIONS as u64).to_ne_bytes());
        let table = XxHash3_64::oneshot(&head[HEADER_BYTES..BODY_START]);
        put(&mut head, 32, &table.to_ne_bytes());
        let header = XxHash3_64::oneshot(&head[..40]);
        put(&mut head, 40, &header.to_ne_bytes());
        Self { bytes: Bytes::Built(head, Box::new(columns)), sections }
    }

    /// Maps a snapshot and checks every byte of it. O(bytes), at the speed of the checksum.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let mapping = map(&file).map_err(Error::io("read", path))?;
        let sections = check(&mapping).map_err(|reason| Error::Snapshot { path: path.to_owned(), reason })?;
        Ok(Self { bytes: Bytes::Mapped(mapping), sections })
    }

    /// Writes the snapshot, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut file = NewFile::create(path, Mode::Data)?;
        self.write_to(file.file()).map_err(Error::io("write", path))?;
        file.keep()
    }

    fn write_to(&self, file: &mut File) -> io::Result<()> {
        let Bytes::Built(head, columns) = &self.bytes else {
            return file.write_all(self.head());
        };
        file.write_all(head)?;
        let mut written = head.len();
        for (column, range) in columns.iter().zip(&self.sections) {
            file.write_all(&[0; ALIGNMENT][..range.start - written])?;
            file.write_all(column.as_bytes())?;
            written = range.end;
        }
        file.write_all(&[0; ALIGNMENT][..self.len() - written])
    }

    /// The whole file if it is mapped; what stands before the sections, if it was built.
    fn head(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(mapping) => mapping,
            Bytes::Built(head, _) => head,
        }
    }

    /// Names the graph: equal graphs have equal digests, wherever they come from.
    pub(super) fn digest(&self) -> u64 {
        let table = &self.head()[HEADER_BYTES + ENTRY_BYTES..HEADER_BYTES + TABLE_BYTES];
        let mut hasher = XxHash3_64::new();
        for entry in table.chunks_exact(ENTRY_BYTES) {
            // Length and checksum; the offset moves with the provenance.
            std::hash::Hasher::write(&mut hasher, &entry[8..]);
        }
        std::hash::Hasher::finish(&hasher)
    }

    pub(super) fn len(&self) -> usize {
        match &self.bytes {
            Bytes::Mapped(mapping) => mapping.len(),
            Bytes::Built(..) => length(&self.sections),
        }
    }
}

/// The length of a snapshot with these sections.
fn length(sections: &[Range<usize>; SECTIONS]) -> usize {
    sections.last().map_or(BODY_START, |last| last.end).next_multiple_of(ALIGNMENT)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}

fn short(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

/// Checks header, table and sections; the sections' ranges.
fn check(bytes: &[u8]) -> Result<[Range<usize>; SECTIONS], String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !is_snapshot(bytes) {
        return Err("it is not a snapshot of waves".to_owned());
    }
    if bytes.len() < BODY_START {
        return Err(format!("it is truncated: {} bytes are less than a header", bytes.len()));
    }
    let version = short(bytes, 8);
    if version != VERSION {
        let age = if version > VERSION { "newer" } else { "older" };
        return Err(format!("it has format {version}, {age} than the {VERSION} of this waves"));
    }
    if short(bytes, 12) != BYTE_ORDER {
        return Err("it was written by a machine of the other byte order".to_owned());
    }
    if XxHash3_64::oneshot(&bytes[..40]) != number(bytes, 40) {
        return Err("it is corrupt: the checksum of its header does not match".to_owned());
    }
    let length = number(bytes, 16);
    if length != bytes.len() as u64 {
        return Err(format!("it is truncated: {} of {length} bytes are there", bytes.len()));
    }
    if XxHash3_64::oneshot(&bytes[HEADER_BYTES..BODY_START]) != number(bytes, 32) || number(bytes, 24) != SECTIONS as u64 {
        return Err("it is corrupt: the checksum of its table does not match".to_owned());
    }
    let mut sections = std::array::from_fn(|_| 0..0);
    let sound = (0..SECTIONS).into_par_iter().map(|index| section(bytes, index)).collect::<Vec<_>>();
    for (index, (range, sound)) in sections.iter_mut().zip(sound).enumerate() {
        *range = sound.ok_or_else(|| format!("it is corrupt: the checksum of section {index} does not match"))?;
    }
    Ok(sections)
}

/// Where a section is, if it is as its checksum says.
fn section(bytes: &[u8], index: usize) -> Option<Range<usize>> {
    let entry = HEADER_BYTES + index * ENTRY_BYTES;
    let (start, length) = (number(bytes, entry) as usize, number(bytes, entry + 8) as usize);
    let range = start..start.checked_add(length)?;
    let body = bytes.get(range.clone()).filter(|_| start % ALIGNMENT == 0)?;
    (XxHash3_64::oneshot(body) == number(bytes, entry + 16)).then_some(range)
}
