//! Store paths: the 20-byte hash part, the name, and the `pname`/`version` split of a name.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use bytemuck::{Pod, Zeroable};
use memchr::{memchr_iter, memrchr};
use twox_hash::XxHash3_64;

/// Characters of a store path's hash part when written in Nix's base 32.
pub const HASH_CHARS: usize = 32;

/// Nix's base-32 alphabet: no `e`, `o`, `u`, `t`.
const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// `DIGITS[byte]` is the value of a base-32 character, or 255.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Whether `byte` is a digit of Nix's base 32.
pub(crate) fn is_digit(byte: u8) -> bool {
    DIGITS[usize::from(byte)] < 32
}

/// The hash part of a store path, decoded: what makes a path unique.
///
/// Ordered by its bytes, which is not the order of its text.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(transparent)]
pub struct StoreHash([u8; 20]);

/// With a seed that each process draws: whoever writes a dump could choose paths that a fixed hash does not tell apart, and make any
/// table of them a list.
impl Hash for StoreHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        state.write_u64(XxHash3_64::oneshot_with_seed(*SEED, &self.0));
    }
}

impl StoreHash {
    /// Decodes the 32 base-32 characters of a store path's hash part.
    ///
    /// Returns `None` if there are not exactly 32, or one is not of Nix's alphabet.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; HASH_CHARS] = text.try_into().ok()?;
        let mut bytes = [0_u8; 20];
        let mut digits = 0;
        // Eight characters are forty bits. The last character holds the lowest bits of the first byte.
        for (part, characters) in bytes.as_chunks_mut::<5>().0.iter_mut().zip(text.as_chunks::<8>().0.iter().rev()) {
            let bits = characters.iter().fold(0_u64, |bits, &character| {
                let digit = DIGITS[usize::from(character)];
                digits |= digit;
                bits << 5 | u64::from(digit)
            });
            part.copy_from_slice(&bits.to_le_bytes()[..5]);
        }
        (digits < 32).then_some(Self(bytes))
    }
}

impl fmt::Display for StoreHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; HASH_CHARS];
        for (n, character) in text.iter_mut().rev().enumerate() {
            let (index, shift) = (n * 5 / 8, n * 5 % 8);
            let mut digit = self.0[index] >> shift;
            if shift > 3 {
                digit |= self.0[index + 1] << (8 - shift);
            }
            *character = ALPHABET[usize::from(digit & 31)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for StoreHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreHash({self})")
    }
}

/// A store path as text, taken apart: `[<store directory>/]<hash>-<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorePath<'a> {
    /// The store directory (`/nix/store`), or `None` for a base name.
    pub store_dir: Option<&'a str>,
    /// The hash part.
    pub hash: StoreHash,
    /// What follows the hash and its dash; for a derivation it ends in `.drv`.
    pub name: &'a str,
}

impl<'a> StorePath<'a> {
    /// Takes a full store path or a base name apart; anything below the path is an error.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (store_dir, base) = match memrchr(b'/', text.as_bytes()) {
            Some(slash) => (Some(&text[..slash]), &text[slash + 1..]),
            None => (None, text),
        };
        let hash = StoreHash::parse(base.as_bytes().get(..HASH_CHARS)?)?;
        let name = base[HASH_CHARS..].strip_prefix('-')?;
        is_name(name).then_some(Self { store_dir, hash, name })
    }

    /// Like [`StorePath::parse`] for the path of a derivation: its name is returned without `.drv`.
    pub fn parse_derivation(text: &'a str) -> Option<Self> {
        let path = Self::parse(text)?;
        let name = path.name.strip_suffix(".drv").filter(|name| !name.is_empty())?;
        Some(Self { name, ..path })
    }
}

/// Whether `name` may stand behind the hash in a store path.
fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    !bytes.is_empty() && bytes.len() <= 211 && bytes.iter().all(|&byte| is_name_byte(byte))
}

/// `NAME_BYTES[byte]` is whether a store path's name may contain a byte: a load is less than to compare ranges.
const NAME_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < bytes.len() {
        bytes[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'+' | b'-' | b'.' | b'_' | b'?' | b'=');
        byte += 1;
    }
    bytes
};

/// Whether a store path's name may contain `byte`.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    NAME_BYTES[usize::from(byte)]
}

/// What stands behind the last slash of a path.
pub(crate) fn base_name(path: &str) -> &str {
    memrchr(b'/', path.as_bytes()).map_or(path, |slash| &path[slash + 1..])
}

/// Splits a derivation name into `(pname, version)` as Nix's `parseDrvName` does: the version begins
/// after the first dash that is not followed by a letter. No version is the empty string.
///
/// ```
/// use waves_core::store_path::split_name;
///
/// assert_eq!(split_name("glibc-2.40-36-dev"), ("glibc", "2.40-36-dev"));
/// assert_eq!(split_name("stdenv-linux"), ("stdenv-linux", ""));
/// ```
pub fn split_name(name: &str) -> (&str, &str) {
    let bytes = name.as_bytes();
    let dash = memchr_iter(b'-', bytes).find(|&at| bytes.get(at + 1).is_some_and(|next| !next.is_ascii_alphabetic()));
    dash.map_or((name, ""), |at| (&name[..at], &name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_survives_the_round_trip() {
        for text in ["0ni6gvd2q0z58h77lrfc2b2xff98jsv5", "00000000000000000000000000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            let hash = StoreHash::parse(text.as_bytes()).expect(text);
            assert_eq!(hash.to_string(), text);
        }
    }

    #[test]
    fn hash_rejects_other_alphabets_and_lengths() {
        for text in ["eni6gvd2q0z58h77lrfc2b2xff98jsv5", "0ni6", "", "0ni6gvd2q0z58h77lrfc2b2xff98jsv55"] {
            assert_eq!(StoreHash::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn path_with_and_without_store_dir() {
        let full = StorePath::parse("/gnu/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-glibc-2.40-36").expect("full");
        let base = StorePath::parse("0ni6gvd2q0z58h77lrfc2b2xff98jsv5-glibc-2.40-36").expect("base");
        assert_eq!((full.store_dir, base.store_dir), (Some("/gnu/store"), None));
        assert_eq!((full.hash, full.name), (base.hash, base.name));
    }

    #[test]
    fn path_rejects_what_is_below_it_and_odd_names() {
        for text in [
            "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-glibc/lib",
            "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-",
            "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a b",
            "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5",
            "é",
        ] {
            assert_eq!(StorePath::parse(text), None, "{text}");
        }
        assert_eq!(StorePath::parse_derivation("0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a"), None);
    }

    /// The cases of Nix's own `builtins.parseDrvName`.
    #[test]
    fn names_split_as_nix_splits_them() {
        for (name, expected) in [
            ("hello", ("hello", "")),
            ("hello-2.12", ("hello", "2.12")),
            ("nix-js-1.2-pre", ("nix-js", "1.2-pre")),
            ("a-", ("a-", "")),
            ("python3-3.12.7-env", ("python3", "3.12.7-env")),
        ] {
            assert_eq!(split_name(name), expected);
        }
    }
}
