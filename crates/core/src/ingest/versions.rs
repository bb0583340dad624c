//! The versions of a derivation's inputs, and text without them.

use std::ops::Range;

/// Stands where a version stood; no version is like it.
const MASK: u8 = 1;
/// Digits from which on a version without a dot is told from any other number: a date, as a rule.
const LONG_NUMBER: usize = 6;
/// Bytes that are searched for a digit at once.
const BLOCK_BYTES: usize = 32;

/// Version numbers such as `6.6.63`, and what their first two components say alone, such as the `3.12` of `3.12.7`.
#[derive(Debug, Default)]
pub(super) struct Versions<'a> {
    /// Sorted.
    all: Vec<&'a str>,
    /// A bit for each pair of characters that one begins with.
    beginnings: u128,
}

impl<'a> Versions<'a> {
    /// The versions of inputs, as in the names of their paths. Numbers that could stand for anything (`2`, `36`) are no
    /// version.
    pub(super) fn new(inputs: impl Iterator<Item = &'a str>) -> Self {
        let mut versions = Vec::new();
        for version in inputs {
            // The path of an input is that of a derivation.
            let version = version.trim_end_matches(".drv");
            for part in version.split(['-', '_', '+']) {
                let number = &part[..number(part.as_bytes())];
                let rest = &part[number.len()..];
                let is_suffix = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
                // A source is named as a file: `linux-6.6.63.tar.xz`.
                let is_extension = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
                if !is_telling(number.as_bytes()) || !(is_suffix || is_extension) {
                    continue;
                }
                versions.push(if is_suffix { part } else { number });
                // A revision behind it, as in `2.40-36`, belongs to it.
                let revision = version.strip_prefix(part).map_or(0, |rest| revision(rest.as_bytes()));
                if revision > 0 {
                    versions.push(&version[..part.len() + revision]);
                }
                let minor = number.match_indices('.').nth(1).map(|(at, _)| &number[..at]);
                versions.extend(minor);
            }
        }
        versions.sort_unstable();
        versions.dedup();
        let beginnings = versions.iter().fold(0, |beginnings, version| beginnings | beginning(version.as_bytes()));
        Self { all: versions, beginnings }
    }

    /// Appends `text` to `masked` with a mask for each of these versions, if there is one in it; whether there is.
    /// O(text · log versions).
    pub(super) fn mask(&self, text: &[u8], masked: &mut Vec<u8>) -> bool {
        let mut done = 0;
        while let Some(Range { start, end }) = self.find(text, done) {
            masked.extend_from_slice(&text[done..start]);
            masked.push(MASK);
            done = end;
        }
        if done > 0 {
            masked.extend_from_slice(&text[done..]);
        }
        done > 0
    }

    /// Where the first of these versions from `at` on is.
    fn find(&self, text: &[u8], mut at: usize) -> Option<Range<usize>> {
        if self.all.is_empty() {
            return None;
        }
        while let Some(digit) = first_digit(&text[at..]) {
            let start = at + digit;
            let number_end = start + number(&text[start..]);
            at = number_end;
            let number = &text[start..number_end];
            // Each of the versions begins with a number that tells.
            if !is_telling(number) || self.beginnings & beginning(number) == 0 {
                continue;
            }
            // Letters may belong to it, or a revision.
            let suffix = text[number_end..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            let longest = number_end + suffix.max(revision(&text[number_end..]));
            let is_known = |end: usize| self.all.binary_search_by(|known| known.as_bytes().cmp(&text[start..end])).is_ok();
            if is_known(longest) {
                return Some(start..longest);
            }
            if longest > number_end && is_known(number_end) {
                return Some(start..number_end);
            }
        }
        None
    }
}

/// The bit of the two characters that a number which tells begins with: a digit, and a digit or a dot. One that begins with a
/// dot has none, as no number in a text does.
fn beginning(number: &[u8]) -> u128 {
    let [first @ b'0'..=b'9', second, ..] = number else { return 0 };
    let second = if second.is_ascii_digit() { second - b'0' } else { 10 };
    1 << ((first - b'0') * 11 + second)
}

/// Where the first digit is. Digits are rare: runs without one are skipped by blocks, which the compiler vectorises.
fn first_digit(text: &[u8]) -> Option<usize> {
    let has_digit = |block: &[u8; BLOCK_BYTES]| block.iter().fold(false, |any, byte| any | byte.is_ascii_digit());
    let skipped = text.as_chunks().0.iter().take_while(|block| !has_digit(block)).count() * BLOCK_BYTES;
    text[skipped..].iter().position(u8::is_ascii_digit).map(|at| skipped + at)
}

/// Length of the digits and dots that `text` begins with; a number ends in a digit.
fn number(text: &[u8]) -> usize {
    let run = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    text[..run].iter().rposition(|&byte| byte != b'.').map_or(0, |last| last + 1)
}

/// Length of the `-36` that `text` begins with, if it does.
fn revision(text: &[u8]) -> usize {
    let digits = text.strip_prefix(b"-").map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    if digits == 0 { 0 } else { 1 + digits }
}

fn is_telling(number: &[u8]) -> bool {
    number.len() >= LONG_NUMBER || number.contains(&b'.')
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::store_path::split_name;

    fn names(inputs: &[&str]) -> Vec<String> {
        inputs.iter().map(|name| format!("{name}.drv")).collect()
    }

    fn versions(names: &[String]) -> Versions<'_> {
        Versions::new(names.iter().map(|name| split_name(name).1))
    }

    fn mask(inputs: &[&str], text: &str) -> String {
        let mut masked = Vec::new();
        if !versions(&names(inputs)).mask(text.as_bytes(), &mut masked) {
            assert!(masked.is_empty());
            masked.extend_from_slice(text.as_bytes());
        }
        String::from_utf8(masked).expect("UTF-8").replace(char::from(MASK), "#")
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

    /// The obvious way: at each number that no other runs into, try what it could be, the longest first.
    fn plainly(inputs: &[&str], text: &str) -> String {
        let (names, mut masked, mut rest) = (names(inputs), String::new(), text);
        let versions = versions(&names);
        while let Some(next) = rest.chars().next() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = rest[..number].trim_end_matches('.').len();
            if !next.is_ascii_digit() {
                masked.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            }
            let behind = |end: usize, found: fn(&char) -> bool| rest[end..].chars().take_while(found).count();
            let digits = if rest[number..].starts_with('-') { behind(number + 1, char::is_ascii_digit) } else { 0 };
            let revision = number + if digits > 0 { digits + 1 } else { 0 };
            let suffix = number + behind(number, char::is_ascii_alphanumeric);
            let known = [revision, suffix, number].into_iter().find(|&end| versions.all.contains(&&rest[..end]));
            masked += if known.is_some() { "#" } else { &rest[..number] };
            rest = &rest[known.unwrap_or(number)..];
        }
        masked
    }

    proptest! {
        #[test]
        fn masks_as_the_obvious_way_does(
            inputs in vec(select(vec!["linux-6.6.63", "a-3.12.7", "b-2.40-36-dev", "c-20240101", "d-1..2.3", "e-3.0.2u", "f-.5.2"]), 0..4),
            parts in vec(select(vec!["6.6.63", "3.12", ".7", "2.40", "-36", "-", "20240101", ".", "1", "1.", "2", "u", "é", " ", "0123456789abcdef ghijklmnopqrstuvwxyz"]), 0..16),
        ) {
            let text = parts.concat();
            prop_assert_eq!(mask(&inputs, &text), plainly(&inputs, &text));
        }
    }
}
