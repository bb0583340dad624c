//! Files that are added to: one writer at a time, and what is written lasts.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};

/// Time between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Locks a file; who else holds it is waited for as long as `patience`. Whether it is locked now.
///
/// The system lets the lock go when the file is closed, however its holder ends.
///
/// # Errors
///
/// What the system says but that somebody else holds it.
pub(crate) fn try_lock(file: &File, patience: Duration) -> io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waited >= patience => return Ok(false),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(BETWEEN_TRIES);
                waited += BETWEEN_TRIES;
            }
        }
    }
}

/// Makes the names in a directory last.
///
/// # Errors
///
/// [`Error::Io`].
pub(crate) fn sync_directory(directory: &Path) -> Result<()> {
    // A directory cannot be opened everywhere, and where it cannot there is nothing to do.
    if cfg!(unix) {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(Error::io("write", directory))?;
    }
    Ok(())
}
