//! Which `waves.toml` a command goes by: `--config`, else the nearest, else nixpkgs' rules.

use std::env;
use std::path::{Path, PathBuf};

use waves_core::config::{Config, FILE_NAME};

use crate::commands::Failure;

/// Reads it.
pub(crate) fn read(config: Option<&Path>) -> Result<Config, Failure> {
    let path = config.map(Path::to_owned).or_else(nearest);
    Ok(path.map(|path| Config::read(&path)).transpose()?.unwrap_or_default())
}

fn nearest() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join(FILE_NAME)).find(|path| path.is_file())
}
