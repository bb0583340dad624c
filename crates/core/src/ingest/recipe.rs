//! Recipe hashes: what a derivation says of itself, apart from which inputs it got.
//!
//! Two derivations have the same strict hash if they differ in nothing but the versions and hashes of store paths:
//! every store path is reduced to its version-less name, and lists that are then out of order are sorted. A path that
//! only a build tells stands there as a *placeholder*, a slash and 52 digits that follow from the hash of what is built:
//! all are made the same. So a changed hash says "this package changed itself", an unchanged one "only its inputs changed".
//!
//! That still blames what repeats an input's version in its own words: a kernel module's name has the kernel's version
//! in it, a Python package's path `python3.12`. The loose hash leaves out every version of an input, wherever it
//! stands. A change that either hash does not see is explained by the inputs.

use std::borrow::Cow;

use memchr::memchr_iter;
use memchr::memmem::Finder;
use serde_json::Value;
use smallvec::SmallVec;
use twox_hash::XxHash3_128;

use super::raw::RawDerivation;
use super::record::RecipeHashes;
use super::versions::Versions;
use crate::store_path::{HASH_CHARS, StoreHash, StorePath, base_name, is_digit, is_name_byte, split_name};

const DEFAULT_STORE_DIR: &str = "/nix/store";
/// Digits of a placeholder, behind its slash: a SHA-256 in base 32.
const PLACEHOLDER_DIGITS: usize = 52;
/// Stands where a placeholder stood.
const PLACEHOLDER: &str = "/placeholder";
/// Ends of what is written out: bytes that no UTF-8 has, so that nothing runs into what follows it.
const END_OF_TEXT: u8 = 0xff;
const END_OF_LIST: u8 = 0xfe;
const END_OF_OBJECT: u8 = 0xfd;

/// The recipe hashes of a derivation whose structured attributes were taken out of its `env`, which is sorted by name.
///
/// All that it says is written out, and that is hashed. O(length of the derivation).
pub(super) fn hash(raw: &RawDerivation<'_>, structured: Option<&Value>, store_dir: Option<&str>, buffers: &mut Buffers) -> RecipeHashes {
    let mut recipe = Recipe::new(store_dir.unwrap_or_else(|| store_dir_of(raw)), has_untold_output(raw), buffers);
    recipe.text(&raw.system);
    recipe.masked(&raw.builder);
    for arg in &raw.args {
        recipe.masked(arg);
    }
    recipe.end(END_OF_LIST);
    let inputs: Vec<(&str, &str)> = raw.inputs.iter().map(|input| name_and_version(base_name(&input.path))).collect();
    recipe.names(inputs.iter().map(|(name, _)| *name));
    recipe.names(raw.sources.iter().map(|source| name_and_version(base_name(source)).0));
    for output in &raw.outputs {
        recipe.text(&output.name);
    }
    recipe.end(END_OF_LIST);
    // Of one name there is one value, unless the dump is odd.
    for same_name in raw.env.chunk_by(|(a, _), (b, _)| a == b) {
        let mut values: SmallVec<[&str; 1]> = same_name.iter().map(|(_, value)| value.as_ref()).collect();
        values.sort_unstable();
        for value in values {
            recipe.text(&same_name[0].0);
            recipe.masked(value);
        }
    }
    recipe.end(END_OF_OBJECT);
    if let Some(attrs) = structured {
        recipe.json(attrs);
    }
    recipe.finish(&Versions::new(inputs.into_iter().map(|(_, version)| version)))
}

/// The store directory of a dump of base names: outputs' paths stand in full in `env`, unless only a build tells them.
fn store_dir_of<'r>(raw: &'r RawDerivation<'_>) -> &'r str {
    let mut outputs = raw.env.iter().filter(|(key, _)| raw.outputs.iter().any(|output| output.name == *key));
    outputs.find_map(|(_, path)| StorePath::parse(path)?.store_dir).unwrap_or(DEFAULT_STORE_DIR)
}

/// Whether only a build tells the path of an output. That is so of all that has the placeholder of an input, but for fixed outputs,
/// which are told by their own hash. Nothing else is searched for placeholders: few sets have any, and the address of a source may
/// have 52 such digits in it, too.
fn has_untold_output(raw: &RawDerivation<'_>) -> bool {
    let is_given = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    raw.outputs.iter().any(|output| output.impure || !(is_given(output.path.as_deref()) || is_given(output.hash.as_deref())))
}

/// What one derivation after the other is written out into.
#[derive(Default)]
pub(super) struct Buffers {
    strict: Vec<u8>,
    loose: Vec<u8>,
    /// Finds the store directory and a slash.
    prefix: Option<Finder<'static>>,
}

/// What is to be hashed, written out.
struct Recipe<'a> {
    strict: &'a mut Vec<u8>,
    loose: &'a mut Vec<u8>,
    prefix: &'a Finder<'static>,
    has_placeholders: bool,
}

impl<'a> Recipe<'a> {
    fn new(store_dir: &str, has_placeholders: bool, buffers: &'a mut Buffers) -> Self {
        let Buffers { strict, loose, prefix } = buffers;
        strict.clear();
        loose.clear();
        // As a rule there is one store directory.
        let known = prefix.take().filter(|prefix| prefix.needle().strip_suffix(b"/") == Some(store_dir.as_bytes()));
        let prefix = prefix.insert(known.unwrap_or_else(|| Finder::new(&format!("{store_dir}/")).into_owned()));
        Self { strict, loose, prefix, has_placeholders }
    }

    /// The hashes; the loose one is of what is left without `versions`. A hash of zero stands for none.
    fn finish(self, versions: &Versions<'_>) -> RecipeHashes {
        let hash = |bytes: &[u8]| XxHash3_128::oneshot(bytes).max(1);
        let strict = hash(self.strict);
        let loose = if versions.mask(self.strict, self.loose) { hash(self.loose) } else { strict };
        RecipeHashes { strict, loose }
    }

    fn end(&mut self, end: u8) {
        self.strict.push(end);
    }

    fn text(&mut self, text: &str) {
        self.strict.extend_from_slice(text.as_bytes());
        self.end(END_OF_TEXT);
    }

    fn masked(&mut self, text: &str) {
        mask(&self.without_placeholders(text), self.prefix, self.strict);
        self.end(END_OF_TEXT);
    }

    fn without_placeholders<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.has_placeholders { without_placeholders(text) } else { Cow::Borrowed(text) }
    }

    /// A list of names, sorted.
    fn names<'p>(&mut self, names: impl Iterator<Item = &'p str>) {
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        for name in names {
            self.text(name);
        }
        self.end(END_OF_LIST);
    }

    /// A structured attribute: objects by key, arrays of store paths sorted.
    fn json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.masked(text),
            Value::Array(items) => {
                if items.iter().all(|item| item.as_str().is_some_and(|text| text.as_bytes().starts_with(self.prefix.needle()))) {
                    self.paths(items);
                } else {
                    for item in items {
                        self.json(item);
                    }
                }
                self.end(END_OF_LIST);
            }
            Value::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                for (key, item) in entries {
                    self.text(key);
                    self.json(item);
                }
                self.end(END_OF_OBJECT);
            }
            other => self.text(&other.to_string()),
        }
    }

    fn paths(&mut self, items: &[Value]) {
        let masked = |text| {
            let mut masked = Vec::new();
            mask(&self.without_placeholders(text), self.prefix, &mut masked);
            masked
        };
        let mut texts: Vec<_> = items.iter().filter_map(Value::as_str).map(masked).collect();
        texts.sort_unstable();
        for text in texts {
            self.strict.extend(text);
            self.end(END_OF_TEXT);
        }
    }
}

/// Appends `text` with every store path reduced to its version-less name; a list of nothing else is sorted.
fn mask(text: &str, prefix: &Finder<'_>, masked: &mut Vec<u8>) {
    let begin = masked.len();
    let shortest = prefix.needle().len() + HASH_CHARS;
    if text.len() <= shortest {
        masked.extend_from_slice(text.as_bytes());
        return;
    }
    let (mut done, mut at, mut words) = (0, 0, 0);
    while let Some(found) = prefix.find(&text.as_bytes()[at..]) {
        let start = at + found;
        at = start + prefix.needle().len();
        let base = &text[at..];
        let base = &base[..base.bytes().take_while(|&byte| is_name_byte(byte)).count()];
        if base.len() <= HASH_CHARS || StoreHash::parse(&base.as_bytes()[..HASH_CHARS]).is_none() {
            continue;
        }
        words += usize::from(text[done..start].bytes().all(|byte| byte.is_ascii_whitespace()));
        masked.extend_from_slice(&text.as_bytes()[done..start]);
        masked.extend_from_slice(name_and_version(base).0.as_bytes());
        at += base.len();
        done = at;
    }
    masked.extend_from_slice(&text.as_bytes()[done..]);
    if words > 1 && words == text.split_ascii_whitespace().count() {
        sort_words(masked, begin);
    }
}

/// `text` with the same for each of its placeholders. One digit more, and it is something else.
fn without_placeholders(text: &str) -> Cow<'_, str> {
    let (mut plain, mut done) = (String::new(), 0);
    for slash in memchr_iter(b'/', text.as_bytes()) {
        let behind = &text.as_bytes()[slash + 1..];
        if behind.iter().take_while(|&&byte| is_digit(byte)).count() == PLACEHOLDER_DIGITS {
            plain.push_str(&text[done..slash]);
            plain.push_str(PLACEHOLDER);
            done = slash + 1 + PLACEHOLDER_DIGITS;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    plain.push_str(&text[done..]);
    Cow::Owned(plain)
}

/// Sorts the words from `begin` on, with one space between two.
fn sort_words(text: &mut Vec<u8>, begin: usize) {
    let list = text.split_off(begin);
    let mut words: Vec<_> = list.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    text.extend(words.join(&b' '));
}

/// The name in `<hash>-<name>`, split: `glibc` and `2.40-36-dev` for `…-glibc-2.40-36-dev`.
fn name_and_version(base: &str) -> (&str, &str) {
    split_name(base.get(HASH_CHARS..).and_then(|name| name.strip_prefix('-')).unwrap_or(base))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const A: &str = "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5";
    const B: &str = "/nix/store/1ni6gvd2q0z58h77lrfc2b2xff98jsv5";

    fn mask_in(store_dir: &str, text: &str) -> String {
        let mut masked = b"before ".to_vec();
        mask(text, &Finder::new(&format!("{store_dir}/")), &mut masked);
        String::from_utf8(masked).expect("UTF-8").strip_prefix("before ").expect("appended").to_owned()
    }

    fn mask_nix(text: &str) -> String {
        mask_in("/nix/store", text)
    }

    #[test]
    fn paths_lose_hash_and_version() {
        assert_eq!(mask_nix(&format!("{A}-glibc-2.40-36-dev/lib")), "glibc/lib");
        assert_eq!(mask_nix(&format!("-L{A}-zlib-1.3/lib:{B}-bash-5.2p37/bin")), "-Lzlib/lib:bash/bin");
        assert_eq!(mask_nix("/nix/store/not-a-hash"), "/nix/store/not-a-hash");
        assert_eq!(mask_nix(A), A);
    }

    #[test]
    fn lists_of_paths_are_sorted_and_nothing_else_is() {
        assert_eq!(mask_nix(&format!("{A}-zlib-1.3  {B}-bash-5")), "bash zlib");
        assert_eq!(mask_nix(&format!("run {A}-zlib-1.3 {B}-bash-5")), "run zlib bash");
        assert_eq!(mask_nix("b a"), "b a");
    }

    #[test]
    fn another_store_directory() {
        assert_eq!(mask_in("/gnu/store", &A.replace("/nix/", "/gnu/").replace("jsv5", "jsv5-a-1")), "a");
    }

    #[test]
    fn placeholders_are_all_the_same() {
        let [one, other] =
            ["/15vgwq1zvj8sw8bz55aq48g1b5cw9qv9wpn1d7qgyxi7hz9v7hgx", "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"];
        let text = format!("-L{one}/lib file://{other}-dev {A}-zlib-1.3:{one}");
        assert_eq!(without_placeholders(&text), format!("-L/placeholder/lib file:///placeholder-dev {A}-zlib-1.3:/placeholder"));
        let (longer, shorter, foreign) = (format!("{one}0"), &one[..PLACEHOLDER_DIGITS], one.replace('w', "e"));
        for text in ["", "/", &one[1..], longer.as_str(), shorter, foreign.as_str()] {
            assert_eq!(without_placeholders(text), text);
        }
    }

    /// The obvious way: look at what stands behind each slash.
    fn plainly_without_placeholders(text: &str) -> String {
        let digits = |part: &str| part.chars().take_while(|&c| "0123456789abcdfghijklmnpqrsvwxyz".contains(c)).count();
        let mut parts = text.split('/');
        let mut plain = parts.next().expect("one part at least").to_owned();
        for part in parts {
            plain += "/";
            let (address, rest) = part.split_at(if digits(part) == 52 { 52 } else { 0 });
            plain += if address.is_empty() { "" } else { "placeholder" };
            plain += rest;
        }
        plain
    }

    /// The obvious way: split at the store directory, put together what is left of each part.
    fn plainly(text: &str) -> String {
        let mut parts = text.split("/nix/store/");
        // What stands between two paths.
        let mut gap = parts.next().expect("one part at least").to_owned();
        let (mut masked, mut words) = (String::new(), 0);
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii() || !is_name_byte(c as u8)).unwrap_or(part.len());
            match part[..end].split_at_checked(HASH_CHARS) {
                Some((hash, name)) if !name.is_empty() && StoreHash::parse(hash.as_bytes()).is_some() => {
                    words += usize::from(gap.trim_ascii().is_empty());
                    masked = masked + &gap + split_name(name.strip_prefix('-').unwrap_or(&part[..end])).0;
                    part[end..].clone_into(&mut gap);
                }
                _ => gap = gap + "/nix/store/" + part,
            }
        }
        masked += &gap;
        if words < 2 || words != text.split_ascii_whitespace().count() {
            return masked;
        }
        let mut words: Vec<_> = masked.split_ascii_whitespace().collect();
        words.sort_unstable();
        words.join(" ")
    }

    proptest! {
        #[test]
        fn masks_as_the_obvious_way_does(parts in vec(select(vec![A, B, "-glibc-2.40", "-a", "/nix/store/", "/", " ", "\n", "é", "b c", "=", "0"]), 0..12)) {
            let text = parts.concat();
            prop_assert_eq!(mask_nix(&text), plainly(&text));
        }

        #[test]
        fn finds_placeholders_as_the_obvious_way_does(
            parts in vec(select(vec!["/", "0123456789abcdfghijklmnpqr", "svwxyz", "e", "é", " ", "-", A]), 0..12),
        ) {
            let text = parts.concat();
            prop_assert_eq!(without_placeholders(&text), plainly_without_placeholders(&text));
        }
    }
}
