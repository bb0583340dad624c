//! Memory-mapped files. The only `unsafe` code of this crate.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// A file mapped into memory, read-only.
pub(super) type Mapping = Mmap;

/// Maps a whole file, and its pages at once: all are about to be read.
#[expect(unsafe_code, reason = "a mapping is undefined if another process shortens or overwrites the file meanwhile")]
pub(super) fn map(file: &File) -> io::Result<Mapping> {
    // SAFETY: waves never writes to a snapshot that has a name: it writes a temporary file and renames it, which leaves
    // existing mappings as they are. A file that others truncate under us raises SIGBUS; all contents are checked
    // before use, so a file that others overwrite cannot break a type's invariant, only a checksum.
    unsafe { MmapOptions::new().populate().map(file) }
}
