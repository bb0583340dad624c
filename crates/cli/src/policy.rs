//! Which policy a command judges by: `--config`, else the nearest `waves.toml`, else nixpkgs'.

use std::env;
use std::path::{Path, PathBuf};

use waves_core::config::{Config, FILE_NAME, Policy};

use crate::commands::Failure;

/// Reads the policy.
pub(crate) fn policy(config: Option<&Path>) -> Result<Policy, Failure> {
    let path = config.map(Path::to_owned).or_else(nearest);
    Ok(path.map(|path| Config::read(&path)).transpose()?.unwrap_or_default().policy)
}

fn nearest() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join(FILE_NAME)).find(|path| path.is_file())
}
