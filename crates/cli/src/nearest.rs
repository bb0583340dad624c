//! What a command takes that is told of none: the nearest file of a name, in the working directory or above it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// The nearest file of that name; `option` is what names another.
///
/// Above a directory there may be files of others, as above those in `/tmp`. As git does, it refuses what belongs neither to who runs it, nor to
/// root, nor to whom the working directory belongs.
pub(crate) fn nearest(name: &str, option: &str) -> Result<Option<PathBuf>, Failure> {
    let here = env::current_dir().map_err(|error| Failure::NoGraph(format!("the working directory is gone: {error}")))?;
    let found = here.ancestors().map(|directory| directory.join(name)).find(|path| path.is_file());
    match found {
        Some(found) if is_foreign(&found, &here) => Err(Failure::NoGraph(format!(
            "{} was found, and belongs to somebody else (hint: if you trust it, name it with {option})",
            found.display()
        ))),
        found => Ok(found),
    }
}

#[cfg(unix)]
fn is_foreign(found: &Path, here: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.uid());
    let trusted = [Some(0), Some(rustix::process::geteuid().as_raw()), owner(here)];
    !trusted.contains(&owner(found))
}

#[cfg(not(unix))]
fn is_foreign(_: &Path, _: &Path) -> bool {
    false
}
