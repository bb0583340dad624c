//! What derivations, attributes and store paths are called.

use std::fmt::{self, Display, Formatter};

use crate::random::mix;

const SYLLABLES: [&str; 64] = [
    "ba", "be", "bi", "bo", "ca", "ce", "ci", "co", "da", "de", "di", "do", "fa", "fe", "fi", "fo", "ga", "ge", "gi", "go", "ha", "he",
    "hi", "ho", "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "pe", "pi", "po",
    "ra", "re", "ri", "ro", "sa", "se", "si", "so", "ta", "te", "ti", "to", "va", "ve", "vi", "vo", "za", "ze", "zi", "zo",
];
/// Syllables of a word: as many words as derivations fit 32 bits.
const WORD: u32 = 5;
/// Sets of packages with a name of their own: attribute set, and what their names begin with.
const SETS: [(&str, &str); 10] = [
    ("", ""),
    ("", ""),
    ("emacsPackages", "emacs-"),
    ("python312Packages", "python3.12-"),
    ("perl540Packages", "perl5.40.0-"),
    ("kdePackages", ""),
    ("texlivePackages", "texlive-"),
    ("haskellPackages", ""),
    ("sbclPackages", "sbcl-"),
    ("gnomeExtensions", "gnome-shell-extension-"),
];
/// Nix's base-32 alphabet.
const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// A word of its own for each number below 2³⁰: the order of the words has nothing to do with that of the numbers.
pub(crate) struct Word(pub(crate) u32);

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scrambled = self.0.wrapping_mul(0x9e37_79b1);
        (0..WORD).try_for_each(|at| f.write_str(SYLLABLES[(scrambled >> (6 * at) & 63) as usize]))
    }
}

/// The version of a package, and the one after it.
pub(crate) struct Version {
    pub(crate) package: u32,
    pub(crate) is_next: bool,
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let word = mix(1, u64::from(self.package));
        write!(f, "{}.{}.{}", word % 9, (word >> 8) % 30, (word >> 16) % 12 + u64::from(self.is_next) * 12)
    }
}

/// What the names of a set's derivations begin with.
pub(crate) fn prefix(set: u16) -> &'static str {
    SETS.get(usize::from(set)).map_or("", |(_, prefix)| prefix)
}

/// An attribute path without its last component, with its dot.
pub(crate) struct AttributeSet(pub(crate) u16);

impl Display for AttributeSet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match SETS.get(usize::from(self.0)) {
            Some(("", _)) => Ok(()),
            Some((set, _)) => write!(f, "{set}."),
            None => write!(f, "set{}Packages.", self.0),
        }
    }
}

/// The hash part of a store path, as text.
pub(crate) type Hash = [u8; 32];

/// A hash of its own for each number and key.
pub(crate) fn hash(key: u64, number: u64) -> Hash {
    let words = [mix(key, number), mix(key ^ 0x5555, number), mix(key ^ 0xaaaa, number)];
    // Twelve characters of five bits fit a word.
    std::array::from_fn(|at| ALPHABET[(words[at / 12] >> (5 * (at % 12)) & 31) as usize])
}
