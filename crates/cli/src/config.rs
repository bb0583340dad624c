//! Which `waves.toml` a command goes by: `--config`, else the nearest, else nixpkgs' rules.

use std::path::Path;

use waves_core::config::{Config, FILE_NAME};

use crate::commands::Failure;
use crate::nearest::nearest;

/// Reads it.
pub(crate) fn read(config: Option<&Path>) -> Result<Config, Failure> {
    let path = match config {
        Some(path) => Some(path.to_owned()),
        None => nearest(FILE_NAME, "--config FILE")?,
    };
    Ok(path.map(|path| Config::read(&path)).transpose()?.unwrap_or_default())
}
