//! The file: a header, and a frame for each evaluation, which is only ever added.
//!
//! A writer that is killed leaves a frame without an end, which readers pass over and the next writer cuts off. The writer
//! locks the file itself; the system lets the lock go when it ends, however it ends. `docs/formats.md` has the layout.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;
use twox_hash::XxHash3_64;

use super::Evaluation;
use super::append::{Appending, Index};
use super::frame::Frame;
use super::source::Evaluated;
use super::state::History;
use crate::error::{Error, Result};
use crate::files::{sync_directory, try_lock};

const MAGIC: [u8; 8] = *b"\x89wavhis\n";
/// Changes whenever the layout does; there is no reading of other versions.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = MAGIC.len() + 4;
/// Before each frame: its length compressed and not, its checksum, and the checksum of these three.
const FRAME_HEADER_BYTES: usize = 4 + 4 + 8 + 8;
/// Frames that are decompressed at once.
const DECODED_AT_ONCE: usize = 64;

/// The only writer of a history, as long as it lives.
#[derive(Debug)]
pub struct Writer {
    history: History,
    index: Index,
    /// Locked.
    file: File,
}

/// What adding an evaluation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The evaluation.
    pub evaluation: Evaluation,
    /// Bytes of an unfinished one before it that were cut off.
    pub cut_off_bytes: u64,
}

impl History {
    /// Reads a history. O(bytes), over all cores.
    ///
    /// A file that was cut off at any byte is read up to its last whole evaluation: [`History::torn_bytes`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::History`] if it is none, of another version, or broken before its last evaluation.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        Self::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let broken = |reason: String| Error::History { path: path.to_owned(), reason };
        let mut history = Self { path: path.to_owned(), torn: bytes.len() as u64, ..Self::default() };
        if header().starts_with(bytes) && bytes.len() < HEADER_BYTES {
            return Ok(history);
        }
        check_header(bytes).map_err(broken)?;
        history.settle(HEADER_BYTES as u64);
        let frames = split(&bytes[HEADER_BYTES..]).map_err(|at| broken(corrupt(at + HEADER_BYTES, "its checksum does not match")))?;
        for some in frames.chunks(DECODED_AT_ONCE) {
            let decoded: Vec<Result<Frame, String>> = some.par_iter().map(|raw| Frame::decode(raw.body, raw.length)).collect();
            for (raw, frame) in some.iter().zip(decoded) {
                let at = history.whole as usize;
                let frame = frame.map_err(|reason| broken(corrupt(at, &reason)))?;
                history.apply(frame, raw.bytes()).map_err(|reason| broken(corrupt(at, reason)))?;
                history.settle(raw.bytes());
            }
        }
        Ok(history)
    }

    /// So many more bytes are whole.
    fn settle(&mut self, bytes: u64) {
        self.whole += bytes;
        self.torn -= bytes;
    }
}

impl Writer {
    /// Locks a history, and reads it; makes one if there is none. Who else writes is waited for as long as `patience`.
    ///
    /// # Errors
    ///
    /// [`Error::HistoryLocked`]; [`Error::Io`]; those of [`History::open`].
    pub fn open(path: &Path, patience: Duration) -> Result<Self> {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(directory).map_err(Error::io("write", directory))?;
        let failed = || Error::io("write", path);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed())?;
        if !try_lock(&file, patience).map_err(failed())? {
            return Err(Error::HistoryLocked { path: path.to_owned() });
        }
        sync_directory(directory)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        let history = History::parse(&bytes, path)?;
        let mut index = Index::default();
        index.update(&history);
        Ok(Self { history, index, file })
    }

    /// What the history says.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Adds an evaluation, after cutting off what a killed writer left. When it returns, it is on disk. Nothing that is there is
    /// written again.
    ///
    /// O(V + E + A log A) of the evaluation, and O(derivations + output paths) of the history, each of which is there or not.
    ///
    /// # Errors
    ///
    /// [`Error::History`] if an evaluation has that label; [`Error::TooLarge`]; [`Error::Io`], and the history is as it was.
    pub fn append(&mut self, label: &str, time: u64, evaluation: &impl Evaluated) -> Result<Added> {
        let path = self.history.path.clone();
        let failed = || Error::io("write", path.clone());
        if let Some(at) = self.history.evaluations().iter().position(|known| known.label == label) {
            let reason =
                format!("evaluation {} of {} is called `{label}` already (hint: --label)", at + 1, self.history.evaluations().len());
            return Err(Error::History { path, reason });
        }
        let frame = Appending::frame(&self.history, &self.index, label, time, evaluation)?;
        let (body, length) = frame.encode().map_err(failed())?;
        let mut bytes = if self.history.whole == 0 { header().to_vec() } else { Vec::new() };
        let header_bytes = bytes.len() as u64;
        bytes.extend_from_slice(&frame_header(&body, length)?);
        bytes.extend_from_slice(&body);
        let cut_off_bytes = std::mem::take(&mut self.history.torn);
        let whole = self.history.whole;
        // What an append before this one left that failed is cut off, too.
        self.file.set_len(whole).and_then(|()| self.file.write_all(&bytes)).and_then(|()| self.file.sync_all()).map_err(failed())?;
        let frame_bytes = bytes.len() as u64 - header_bytes;
        self.history.apply(frame, frame_bytes).map_err(|reason| Error::History { path: path.clone(), reason: reason.to_owned() })?;
        self.history.whole += bytes.len() as u64;
        self.index.update(&self.history);
        let evaluation = self.history.evaluations().last().cloned();
        let evaluation = evaluation.ok_or_else(|| failed()(io::ErrorKind::InvalidData.into()))?;
        Ok(Added { evaluation, cut_off_bytes })
    }
}

/// A frame as it stands in the file.
struct Raw<'a> {
    body: &'a [u8],
    /// Bytes before it was compressed.
    length: usize,
}

impl Raw<'_> {
    /// What it takes in the file.
    fn bytes(&self) -> u64 {
        (FRAME_HEADER_BYTES + self.body.len()) as u64
    }
}

/// The whole frames of a file. What is not whole at its end is left out; what is broken before that is an error, with its place.
fn split(bytes: &[u8]) -> Result<Vec<Raw<'_>>, usize> {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + FRAME_HEADER_BYTES) {
        // Space that a system gave to a file before it stopped.
        if bytes[at..].iter().all(|&byte| byte == 0) {
            break;
        }
        if number(header, 16) != XxHash3_64::oneshot(&header[..16]) {
            return Err(at);
        }
        let (compressed, length) = (short(header, 0), short(header, 4));
        let start = at + FRAME_HEADER_BYTES;
        let Some(body) = bytes.get(start..start + compressed) else { break };
        let end = start + compressed;
        if XxHash3_64::oneshot(body) != number(header, 8) {
            // Whatever it is, it is the last, and a killed writer's.
            if end == bytes.len() {
                break;
            }
            return Err(at);
        }
        frames.push(Raw { body, length });
        at = end;
    }
    Ok(frames)
}

fn frame_header(body: &[u8], length: usize) -> Result<[u8; FRAME_HEADER_BYTES]> {
    let too_large = |_| Error::TooLarge { what: "the bytes of an evaluation", limit: u64::from(u32::MAX) };
    let mut header = [0; FRAME_HEADER_BYTES];
    header[..4].copy_from_slice(&u32::try_from(body.len()).map_err(too_large)?.to_le_bytes());
    header[4..8].copy_from_slice(&u32::try_from(length).map_err(too_large)?.to_le_bytes());
    header[8..16].copy_from_slice(&XxHash3_64::oneshot(body).to_le_bytes());
    let checksum = XxHash3_64::oneshot(&header[..16]);
    header[16..].copy_from_slice(&checksum.to_le_bytes());
    Ok(header)
}

fn header() -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
    header
}

fn check_header(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(&MAGIC) || bytes.len() < HEADER_BYTES {
        return Err("it is no history of waves (hint: `waves history add` makes one)".to_owned());
    }
    match short(bytes, MAGIC.len()) as u32 {
        VERSION => Ok(()),
        version => Err(format!("it has format {version}, and this waves knows {VERSION}")),
    }
}

fn corrupt(at: usize, reason: &str) -> String {
    format!("it is corrupt at byte {at}: {reason} (hint: nothing but waves may write here; take the file back from a copy)")
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn short(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes) as usize
}
