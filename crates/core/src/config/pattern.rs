//! What names in `waves.toml` stand for.

use globset::{GlobBuilder, GlobMatcher, GlobSet};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::text::{number, shortened};

/// Bytes that a glob may have: more than any attribute path, and too few for one that takes megabytes once it is compiled.
const LONGEST_GLOB: usize = 4096;
/// Characters of a pattern in an error.
const SHOWN: usize = 80;
/// What stands for a version in a branch's name.
const VERSION: &str = "{version}";

/// An attribute path, or a glob over attribute paths: `*` and `?` stand for dots too.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct AttributePattern {
    pattern: String,
    /// Of a pattern in which something stands for something else.
    matcher: Option<GlobMatcher>,
}

impl AttributePattern {
    /// What was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether it is a name as it stands, and no glob.
    pub fn is_name(&self) -> bool {
        !self.pattern.contains(['*', '?', '[', '{'])
    }

    /// Whether an attribute path is meant.
    pub fn matches(&self, path: &str) -> bool {
        path == self.pattern || self.matcher.as_ref().is_some_and(|matcher| matcher.is_match(path))
    }
}

impl TryFrom<String> for AttributePattern {
    type Error = String;

    fn try_from(pattern: String) -> std::result::Result<Self, String> {
        if pattern.is_empty() {
            return Err("an empty pattern names nothing (`*` is everything)".to_owned());
        }
        let matcher = attribute_glob(&pattern).map_err(|error| error.to_string())?;
        let is_plain = !pattern.contains(['*', '?', '[', '{', '\\']);
        Ok(Self { matcher: (!is_plain).then_some(matcher), pattern })
    }
}

/// A glob over attribute paths.
///
/// # Errors
///
/// [`Error::Pattern`].
pub(crate) fn attribute_glob(pattern: &str) -> Result<GlobMatcher> {
    let malformed = |reason| Error::Pattern { pattern: shortened(pattern, SHOWN), reason };
    if pattern.len() > LONGEST_GLOB {
        return Err(malformed(format!("it has more than {} bytes", number(LONGEST_GLOB as u64))));
    }
    let glob = GlobBuilder::new(pattern).build().map_err(|error| malformed(error.kind().to_string()))?;
    // A set reports what a matcher panics at.
    GlobSet::new([&glob]).map_err(|_| malformed("it is nested too deeply".to_owned()))?;
    Ok(glob.compile_matcher())
}

impl PartialEq for AttributePattern {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

/// The name of a branch; `{version}` in it stands for digits and dots.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BranchPattern(String);

impl BranchPattern {
    /// A pattern of this crate's own.
    pub(super) fn known(pattern: String) -> Self {
        Self(pattern)
    }

    /// What was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version in a branch's name, empty if the pattern has none; `None` if another branch is meant.
    pub fn version_in<'b>(&self, branch: &'b str) -> Option<&'b str> {
        let Some((before, behind)) = self.0.split_once(VERSION) else { return (self.0 == branch).then_some("") };
        let version = branch.strip_prefix(before)?.strip_suffix(behind)?;
        let is_version = version.starts_with(|first: char| first.is_ascii_digit());
        (is_version && version.chars().all(|part| part.is_ascii_digit() || part == '.')).then_some(version)
    }

    /// The branch of a version.
    pub fn of_version(&self, version: &str) -> String {
        self.0.replace(VERSION, version)
    }
}

impl TryFrom<String> for BranchPattern {
    type Error = String;

    fn try_from(pattern: String) -> std::result::Result<Self, String> {
        let rest = pattern.replacen(VERSION, "", 1);
        if pattern.is_empty() || rest.contains(['{', '}', '*', '?']) {
            return Err(format!("`{pattern}` is not a branch: a name, in which `{VERSION}` may stand once for digits and dots"));
        }
        Ok(Self(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_digits_and_dots() {
        let release = BranchPattern::try_from("release-{version}".to_owned()).expect("a pattern");
        assert_eq!(release.version_in("release-24.11"), Some("24.11"));
        assert_eq!(release.of_version("24.11"), "release-24.11");
        for other in ["release-", "release-notes", "release-24.11-darwin", "prerelease-24.11", "release", "release-.1"] {
            assert_eq!(release.version_in(other), None, "{other}");
        }
        let master = BranchPattern::try_from("master".to_owned()).expect("a pattern");
        assert_eq!((master.version_in("master"), master.version_in("master2")), (Some(""), None));
    }

    #[test]
    fn a_star_stands_for_dots_too() {
        let pattern = AttributePattern::try_from("python3*Packages.torch*".to_owned()).expect("a pattern");
        assert!(pattern.matches("python312Packages.torch.tests.a") && !pattern.matches("torch"));
    }

    #[test]
    fn what_is_no_glob_stands_for_itself() {
        let plain = AttributePattern::try_from("a.b".to_owned()).expect("a pattern");
        assert!(plain.matches("a.b") && !["a.bc", "axb", "a"].iter().any(|other| plain.matches(other)));
        let escaped = AttributePattern::try_from(r"a\*".to_owned()).expect("a pattern");
        assert!(escaped.matches("a*") && !escaped.matches("ab"));
    }
}
