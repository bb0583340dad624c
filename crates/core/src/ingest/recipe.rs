//! Recipe hashes: what a derivation says of itself, apart from which inputs it got.
//!
//! Two derivations have the same strict hash if they differ in nothing but the versions and hashes of store paths:
//! every store path is reduced to its version-less name, and lists that are then out of order are sorted. So a changed
//! hash says "this package changed itself", an unchanged one "only its inputs changed".
//!
//! That still blames what repeats an input's version in its own words: a kernel module's name has the kernel's version
//! in it, a Python package's path `python3.12`. The loose hash leaves out every version of an input, wherever it
//! stands. A change that either hash does not see is explained by the inputs.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::Value;
use twox_hash::XxHash3_128;

use super::raw::RawDerivation;
use super::record::RecipeHashes;
use super::versions::Versions;
use crate::store_path::{HASH_CHARS, StoreHash, StorePath, base_name, is_name_byte, split_name};

const DEFAULT_STORE_DIR: &str = "/nix/store";

/// The recipe hashes of a derivation whose structured attributes were taken out of its `env`.
///
/// Every string is hashed with its length, so no two lists of strings run into each other. O(length of the derivation).
pub(super) fn hash(raw: &RawDerivation<'_>, structured: Option<&Value>, store_dir: Option<&str>) -> RecipeHashes {
    let mut recipe = Recipe::new(store_dir.unwrap_or_else(|| store_dir_of(raw)));
    recipe.versions = Versions::of_inputs(raw.inputs.iter().map(|input| input.path.as_ref()));
    recipe.text(&raw.system);
    recipe.masked(&raw.builder);
    recipe.count(raw.args.len());
    for arg in &raw.args {
        recipe.masked(arg);
    }
    recipe.names(raw.inputs.iter().map(|input| input.path.as_ref()));
    recipe.names(raw.sources.iter().map(AsRef::as_ref));
    recipe.count(raw.outputs.len());
    for output in &raw.outputs {
        recipe.text(&output.name);
    }
    let mut env: Vec<_> = raw.env.iter().collect();
    env.sort_unstable();
    recipe.count(env.len());
    for (key, value) in env {
        recipe.text(key);
        recipe.masked(value);
    }
    if let Some(attrs) = structured {
        recipe.json(attrs);
    }
    recipe.finish()
}

/// The store directory of a dump of base names: outputs' paths stand in full in `env`, unless only a build tells them.
fn store_dir_of<'r>(raw: &'r RawDerivation<'_>) -> &'r str {
    let mut outputs = raw.env.iter().filter(|(key, _)| raw.outputs.iter().any(|output| output.name == *key));
    outputs.find_map(|(_, path)| StorePath::parse(path)?.store_dir).unwrap_or(DEFAULT_STORE_DIR)
}

struct Recipe<'a> {
    strict: XxHash3_128,
    loose: XxHash3_128,
    /// What the loose hash leaves out.
    versions: Versions<'a>,
    /// The store directory and a slash.
    prefix: String,
}

impl Recipe<'_> {
    fn new(store_dir: &str) -> Self {
        Self { strict: XxHash3_128::new(), loose: XxHash3_128::new(), versions: Versions::default(), prefix: format!("{store_dir}/") }
    }

    /// A hash of zero stands for none.
    fn finish(&self) -> RecipeHashes {
        RecipeHashes { strict: self.strict.finish_128().max(1), loose: self.loose.finish_128().max(1) }
    }

    fn count(&mut self, count: usize) {
        write_count(&mut self.strict, count);
        write_count(&mut self.loose, count);
    }

    fn text(&mut self, text: &str) {
        write_text(&mut self.strict, text);
        write_text(&mut self.loose, &self.versions.mask(text));
    }

    /// The version-less names of store paths, sorted.
    fn names<'p>(&mut self, paths: impl Iterator<Item = &'p str>) {
        let mut names: Vec<_> = paths.map(|path| versionless(base_name(path))).collect();
        names.sort_unstable();
        self.count(names.len());
        for name in names {
            self.text(name);
        }
    }

    fn masked(&mut self, text: &str) {
        let masked = self.mask(text);
        self.text(&masked);
    }

    /// `text` with every store path reduced to its version-less name; a list of nothing else is sorted.
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = String::new();
        let mut done = 0;
        let mut words = 0;
        for at in memmem::find_iter(text.as_bytes(), self.prefix.as_bytes()) {
            if at < done {
                continue;
            }
            let base = &text[at + self.prefix.len()..];
            let length = base.bytes().take_while(|&byte| is_name_byte(byte)).count();
            let base = &base[..length];
            if base.len() <= HASH_CHARS || StoreHash::parse(&base.as_bytes()[..HASH_CHARS]).is_none() {
                continue;
            }
            words += usize::from(text[done..at].bytes().all(|byte| byte.is_ascii_whitespace()));
            masked.push_str(&text[done..at]);
            masked.push_str(versionless(base));
            done = at + self.prefix.len() + length;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(&text[done..]);
        let is_list = words > 1 && words == text.split_ascii_whitespace().count();
        Cow::Owned(if is_list { sorted_words(&masked) } else { masked })
    }

    /// A structured attribute: objects by key, arrays of store paths sorted.
    fn json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.masked(text),
            Value::Array(items) => {
                self.count(items.len());
                let mut texts: Vec<_> = items.iter().map(|item| item.as_str().map(|text| self.mask(text))).collect();
                if items.iter().all(|item| item.as_str().is_some_and(|text| text.starts_with(&self.prefix))) {
                    texts.sort_unstable();
                }
                for (item, text) in items.iter().zip(texts) {
                    match text {
                        Some(text) => self.text(&text),
                        None => self.json(item),
                    }
                }
            }
            Value::Object(entries) => {
                self.count(entries.len());
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                for (key, item) in entries {
                    self.text(key);
                    self.json(item);
                }
            }
            other => self.text(&other.to_string()),
        }
    }
}

fn write_count(hasher: &mut XxHash3_128, count: usize) {
    hasher.write(&(count as u64).to_le_bytes());
}

fn write_text(hasher: &mut XxHash3_128, text: &str) {
    write_count(hasher, text.len());
    hasher.write(text.as_bytes());
}

fn sorted_words(text: &str) -> String {
    let mut words: Vec<_> = text.split_ascii_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// The name in `<hash>-<name>` without its version: `glibc` for `…-glibc-2.40-36-dev`.
fn versionless(base: &str) -> &str {
    let name = base.get(HASH_CHARS..).and_then(|name| name.strip_prefix('-')).unwrap_or(base);
    split_name(name).0
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5";
    const B: &str = "/nix/store/1ni6gvd2q0z58h77lrfc2b2xff98jsv5";

    fn mask(text: &str) -> String {
        Recipe::new("/nix/store").mask(text).into_owned()
    }

    #[test]
    fn paths_lose_hash_and_version() {
        assert_eq!(mask(&format!("{A}-glibc-2.40-36-dev/lib")), "glibc/lib");
        assert_eq!(mask(&format!("-L{A}-zlib-1.3/lib:{B}-bash-5.2p37/bin")), "-Lzlib/lib:bash/bin");
        assert_eq!(mask("/nix/store/not-a-hash"), "/nix/store/not-a-hash");
        assert_eq!(mask(A), A);
    }

    #[test]
    fn lists_of_paths_are_sorted_and_nothing_else_is() {
        assert_eq!(mask(&format!("{A}-zlib-1.3  {B}-bash-5")), "bash zlib");
        assert_eq!(mask(&format!("run {A}-zlib-1.3 {B}-bash-5")), "run zlib bash");
        assert_eq!(mask("b a"), "b a");
    }

    #[test]
    fn another_store_directory() {
        assert_eq!(Recipe::new("/gnu/store").mask(&A.replace("/nix/", "/gnu/").replace("jsv5", "jsv5-a-1")), "a");
    }
}
