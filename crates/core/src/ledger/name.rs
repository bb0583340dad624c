//! The name of a minor wave.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A minor wave of a major one: `wave-1.3`. Waves are ordered as they are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct WaveName {
    /// The number of the major wave.
    pub major: u32,
    /// The number of the minor wave in it.
    pub minor: u32,
}

impl WaveName {
    /// Takes a name apart: `wave-1.3`, or `1.3`.
    ///
    /// ```
    /// use waves_core::ledger::WaveName;
    ///
    /// assert_eq!(WaveName::parse("1.3"), Some(WaveName { major: 1, minor: 3 }));
    /// assert_eq!(WaveName::parse("wave-1.3-pre"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.strip_prefix("wave-").unwrap_or(text).split_once('.')?;
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        Some(Self { major: number(major)?, minor: number(minor)? })
    }

    /// The name of the git tag of a wave that is closed; of one that is open, if `pre`.
    pub fn tag(self, pre: bool) -> String {
        format!("{self}{}", if pre { "-pre" } else { "" })
    }

    /// The name of the tag by which a package's own repository says that it supports the wave.
    pub fn upstream_tag(self) -> String {
        format!("nix-{self}")
    }
}

impl fmt::Display for WaveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wave-{}.{}", self.major, self.minor)
    }
}

impl From<WaveName> for String {
    fn from(name: WaveName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for WaveName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no wave: write it as wave-1.3"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers() {
        for text in ["wave-1", "1", "wave-1.", "wave-.1", "wave-1.+2", "wave-1.2.3", "wave-1.99999999999", ""] {
            assert_eq!(WaveName::parse(text), None, "{text}");
        }
        assert!(WaveName::parse("wave-1.9") < WaveName::parse("wave-1.10"));
        assert_eq!(WaveName { major: 2, minor: 10 }.to_string(), "wave-2.10");
    }
}
