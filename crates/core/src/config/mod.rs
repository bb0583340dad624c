//! `waves.toml`: what a package set says of itself. What it leaves out is as in nixpkgs.
//!
//! Each section is a struct, and its `Default` is what nixpkgs does today: an empty file and no file are the same.
//! docs/configuration.md explains every key.

mod pattern;
mod policy;

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
pub use pattern::{AttributePattern, BranchPattern};
pub use policy::{BranchFinding, Branches, Bucket, Count, Exempt, Labels, Limit, Line, Per, Policy, Protected, WhenUnknown};

/// The name that the file is looked for by.
pub const FILE_NAME: &str = "waves.toml";
/// Similarity (Jaro-Winkler, at most 1) from which on a key is suggested.
const SIMILAR: f64 = 0.7;

/// All of `waves.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What a change may do.
    pub policy: Policy,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], and [`Error::Malformed`] with line, key and what to write instead.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of a file that errors call `input`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with line, key and what to write instead.
    pub fn parse(text: &str, input: &str) -> Result<Self> {
        let malformed = |place: String, reason: String| Error::Malformed { input: input.to_owned(), place, reason };
        let config: Self = toml::from_str(text).map_err(|error| {
            let place = place(text, error.span().map_or(0, |span| span.start));
            malformed(place, explained(error.message()))
        })?;
        config.policy.check().map_err(|(key, reason)| malformed(format!("key `{key}`"), reason))?;
        Ok(config)
    }
}

/// Line and key of a byte of the text.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    let is_table = |line: &str| line.starts_with('[');
    let table = |line: &str| line.trim_matches(['[', ']', ' ']).to_owned();
    let header = text.lines().take(number - 1).map(str::trim).filter(|line| is_table(line)).last().map(table);
    let key = match line.split_once('=') {
        _ if is_table(line) => Some(table(line)),
        Some((key, _)) => Some(header.iter().map(String::as_str).chain([key.trim()]).collect::<Vec<_>>().join(".")),
        None => header,
    };
    key.map_or_else(|| format!("line {number}"), |key| format!("line {number}, key `{key}`"))
}

/// What serde said; of an unknown name, the nearest known one too. The names in its messages stand in backticks.
fn explained(message: &str) -> String {
    let message = message.trim_end().replace('\n', ": ");
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = names.split_first().filter(|_| message.starts_with("unknown ")) else { return message };
    let score = |name: &str| strsim::jaro_winkler(name, unknown);
    let nearest = known.iter().filter(|name| score(name) >= SIMILAR).max_by(|a, b| score(a).total_cmp(&score(b)));
    match nearest {
        Some(nearest) => format!("{message} (did you mean `{nearest}`?)"),
        None => message,
    }
}
