//! The versions of a derivation's inputs, and text without them.

use std::borrow::Cow;

use crate::store_path::{HASH_CHARS, base_name, split_name};

/// Stands where a version stood; no version is like it.
const MASK: char = '\u{1}';
/// Digits from which on a version without a dot is told from any other number: a date, as a rule.
const LONG_NUMBER: usize = 6;

/// Version numbers such as `6.6.63`, and what their first two components say alone, such as the `3.12` of `3.12.7`.
#[derive(Debug, Default)]
pub(super) struct Versions<'a>(Vec<&'a str>);

impl<'a> Versions<'a> {
    /// The versions in the names of these derivations. Numbers that could stand for anything (`2`, `36`) are no version.
    pub(super) fn of_inputs(paths: impl Iterator<Item = &'a str>) -> Self {
        let name = |path: &'a str| base_name(path).get(HASH_CHARS + 1..).unwrap_or_default();
        let mut versions = Vec::new();
        for version in paths.map(|path| split_name(name(path).trim_end_matches(".drv")).1) {
            for part in version.split(['-', '_', '+']) {
                let number = &part[..number(part)];
                let rest = &part[number.len()..];
                let is_suffix = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
                // A source is named as a file: `linux-6.6.63.tar.xz`.
                let is_extension = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
                if !is_telling(number) || !(is_suffix || is_extension) {
                    continue;
                }
                versions.push(if is_suffix { part } else { number });
                // A revision behind it, as in `2.40-36`, belongs to it.
                let revision = version.strip_prefix(part).map_or(0, revision);
                if revision > 0 {
                    versions.push(&version[..part.len() + revision]);
                }
                let minor = number.match_indices('.').nth(1).map(|(at, _)| &number[..at]);
                versions.extend(minor);
            }
        }
        versions.sort_unstable();
        versions.dedup();
        Self(versions)
    }

    /// `text` with a mask for each of these versions. O(text · log versions).
    pub(super) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        let (mut masked, mut done, mut at) = (String::new(), 0, 0);
        while let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
            let start = at + digit;
            let number_end = start + number(&text[start..]);
            let suffix = bytes[number_end..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            at = number_end;
            let revision = number_end + revision(&text[number_end..]);
            let known = [revision, number_end + suffix, number_end].into_iter().find(|&end| self.contains(&text[start..end]));
            if let Some(end) = known {
                masked.push_str(&text[done..start]);
                masked.push(MASK);
                (done, at) = (end, end);
            }
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[done..]);
        Cow::Owned(masked)
    }

    fn contains(&self, version: &str) -> bool {
        self.0.binary_search(&version).is_ok()
    }
}

/// Length of the digits and dots that `text` begins with; a number ends in a digit.
fn number(text: &str) -> usize {
    let run = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    text[..run].trim_end_matches('.').len()
}

/// Length of the `-36` that `text` begins with, if it does.
fn revision(text: &str) -> usize {
    let digits = text.strip_prefix('-').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    if digits == 0 { 0 } else { 1 + digits }
}

fn is_telling(number: &str) -> bool {
    number.contains('.') || number.len() >= LONG_NUMBER
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(inputs: &[&str], text: &str) -> String {
        let paths: Vec<_> = inputs.iter().map(|name| format!("/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-{name}.drv")).collect();
        Versions::of_inputs(paths.iter().map(String::as_str)).mask(text).replace(MASK, "#")
    }

    #[test]
    fn versions_of_inputs_are_masked_wherever_they_stand() {
        assert_eq!(mask(&["linux-6.6.63"], "nvidia-550-6.6.63 lib/modules/6.6.63/build"), "nvidia-550-# lib/modules/#/build");
        assert_eq!(mask(&["python3-3.12.7"], "lib/python3.12/site 3.12.7 3.12.70 3.13"), "lib/python#/site # 3.12.70 3.13");
        assert_eq!(mask(&["openssl-3.0.2u"], "3.0.2u, 3.0.2, 3.0."), "#, 3.0.2, #.");
        assert_eq!(mask(&["snapshot-20240101"], "at 20240101."), "at #.");
        assert_eq!(mask(&["glibc-2.40-36-dev"], "getent-glibc-2.40-36, 2.40-35, 2.40-"), "getent-glibc-#, #-35, #-");
        assert_eq!(mask(&["linux-6.6.63.tar.xz", "a-1.2.patch"], "perf-6.6.63 1.2 6.6"), "perf-# # #");
    }

    #[test]
    fn other_numbers_stay() {
        assert_eq!(mask(&["bash-5", "a-1-36", "source", "b-1.2.3.4.5_"], "5 1 36 1.2.5 sha256"), "5 1 36 1.2.5 sha256");
        assert_eq!(mask(&["zlib-1.3"], "1.31 11.3 1.3.1"), "1.31 11.3 1.3.1");
        assert_eq!(mask(&[], "1.3"), "1.3");
    }
}
