//! What a dump may take: somebody else made it, and a few kilobytes can unpack to more than there is room for.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::TooMuch;

/// The largest entry: one derivation, or one attribute with all that is said of it. Real ones are a thousand times smaller.
pub const MAX_ENTRY: u64 = 256 << 20;
/// A dump may unpack to this many times its size; real ones do to 50 times.
pub const MAX_RATIO: u64 = 1000;
/// What it may unpack to whatever its size.
pub const FREE: u64 = 1 << 30;

/// Limits that whoever reads a dump may set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of each dump, unpacked, or of all `.drv` files of a directory or a list; without it as many as there are.
    pub max_input: Option<u64>,
}

/// Counts what is read through it.
pub(super) struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, count: Arc::default() }
    }

    /// The count, from now on.
    pub(super) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Fails as soon as it has handed out more than it may.
pub(super) struct Bounded<R> {
    reader: R,
    /// Bytes as they lie there that this comes from.
    packed: Arc<AtomicU64>,
    handed_out: u64,
    limits: Limits,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(reader: R, packed: Arc<AtomicU64>, limits: Limits) -> Self {
        Self { reader, packed, handed_out: 0, limits }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.handed_out += length as u64;
        if let Some(limit) = self.limits.max_input.filter(|limit| self.handed_out > *limit) {
            return Err(TooMuch::Input(limit).into());
        }
        if self.handed_out > FREE && self.handed_out / MAX_RATIO > self.packed.load(Ordering::Relaxed) {
            return Err(TooMuch::Ratio { times: MAX_RATIO, free: FREE }.into());
        }
        Ok(length)
    }
}

/// Fails once it has handed out as much as is left of what it may: long names in a tar are kept whole by its reader.
pub(super) struct Between<R> {
    reader: R,
    rest: Arc<AtomicU64>,
}

impl<R: Read> Between<R> {
    pub(super) fn new(reader: R, rest: u64) -> Self {
        Self { reader, rest: Arc::new(AtomicU64::new(rest)) }
    }

    /// Bytes that are left, to be set anew.
    pub(super) fn rest(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rest)
    }
}

impl<R: Read> Read for Between<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        let rest = self.rest.load(Ordering::Relaxed).checked_sub(length as u64).ok_or(TooMuch::Entry(MAX_ENTRY))?;
        self.rest.store(rest, Ordering::Relaxed);
        Ok(length)
    }
}

/// Counts what is read of many files that are one dump, by all threads.
pub(super) struct Budget {
    limits: Limits,
    taken: AtomicU64,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, taken: AtomicU64::new(0) }
    }

    /// Takes what a file has, before it is read: beyond the limit nothing more is.
    pub(super) fn take(&self, bytes: u64) -> Result<(), TooMuch> {
        // A larger file is an error by itself; and no number of these overflows.
        self.taken.fetch_add(bytes.min(MAX_ENTRY + 1), Ordering::Relaxed);
        self.check()
    }

    /// Whether all that was taken is within the limit.
    pub(super) fn check(&self) -> Result<(), TooMuch> {
        let taken = self.taken.load(Ordering::Relaxed);
        let limit = self.limits.max_input.filter(|limit| taken > *limit);
        limit.map_or(Ok(()), |limit| Err(TooMuch::Input(limit)))
    }
}
