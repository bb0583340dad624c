//! What is built already: lists of store paths, and the answers of binary caches.

use std::collections::BTreeMap;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::file::Text;
use crate::error::Result;
use crate::graph::Derivation;
use crate::store_path::{StoreHash, StorePath};

/// Whether a cache has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// It has: nothing has to be built.
    Cached,
    /// It has not: it has to be built.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// What caches have.
#[derive(Clone, Debug, Default)]
pub struct Availability {
    paths: FxHashMap<StoreHash, Presence>,
    /// Whether a list was read: what is in none is then not cached.
    is_listed: bool,
    files: Vec<PathList>,
    caches: Vec<AskedCache>,
}

/// A binary cache that was asked, and what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedCache {
    /// Its URL, without credentials.
    pub url: String,
    /// Outputs that it has.
    pub present: usize,
    /// Outputs that it has not.
    pub absent: usize,
    /// Outputs that nobody knows of, by the reason.
    pub unknown: BTreeMap<String, usize>,
}

/// A list of store paths, and what was in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathList {
    /// The file as it was named.
    pub file: String,
    /// Store paths.
    pub paths: usize,
    /// Lines that are no store path.
    pub malformed: usize,
    /// The number of the first of these, counted from 1.
    pub first_malformed: Option<usize>,
}

impl Availability {
    /// Reads lists of store paths: one a line, in full or as base names, as in a channel's `store-paths.xz`. What is in
    /// none of them is [`Presence::Absent`]. Time O(bytes), space O(bytes of the largest + paths).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is not whole, or holds no store path.
    pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let mut availability = Self::default();
        for file in files {
            availability.list(&Text::read(file.as_ref())?)?;
        }
        Ok(availability)
    }

    fn list(&mut self, text: &Text) -> Result<()> {
        let mut list = PathList { file: text.name.clone(), ..PathList::default() };
        for (number, line) in text.bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            match std::str::from_utf8(line).ok().and_then(StorePath::parse) {
                Some(path) => {
                    self.insert(path.hash, Presence::Cached);
                    list.paths += 1;
                }
                None if line.is_empty() => {}
                None => {
                    list.malformed += 1;
                    list.first_malformed.get_or_insert(number + 1);
                }
            }
        }
        if list.paths == 0 {
            return Err(text.without("store paths", "no line of it is a store path"));
        }
        self.is_listed = true;
        self.files.push(list);
        Ok(())
    }

    /// The lists, in the order in which they were given.
    pub fn files(&self) -> &[PathList] {
        &self.files
    }

    /// The caches that were asked, in the order in which they were.
    pub fn caches(&self) -> &[AskedCache] {
        &self.caches
    }

    /// Adds a cache that was asked; its answers are [inserted](Self::insert) one by one.
    pub fn add_cache(&mut self, cache: AskedCache) {
        self.caches.push(cache);
    }

    /// Adds what one more cache says of a path: one cache that has it is enough, and one that does not say leaves it
    /// unknown.
    pub fn insert(&mut self, path: StoreHash, presence: Presence) {
        let known = self.paths.entry(path).or_insert(presence);
        *known = match (*known, presence) {
            (Presence::Cached, _) | (_, Presence::Cached) => Presence::Cached,
            (Presence::Unknown, _) | (_, Presence::Unknown) => Presence::Unknown,
            _ => Presence::Absent,
        };
    }

    /// Whether a cache has a path. What no cache was asked for is absent if there is a list, else unknown.
    pub fn path(&self, path: StoreHash) -> Presence {
        let otherwise = if self.is_listed { Presence::Absent } else { Presence::Unknown };
        self.paths.get(&path).copied().unwrap_or(otherwise)
    }

    /// Whether a derivation has to be built: it has if an output is absent, and has not if all are cached. Unknown are one
    /// whose outputs nobody knows, and one with an output whose path only its build tells. O(outputs).
    pub fn derivation(&self, derivation: Derivation<'_>) -> Presence {
        let outputs = derivation.outputs().map(|output| output.hash().map_or(Presence::Unknown, |path| self.path(path)));
        let presences: Vec<Presence> = outputs.collect();
        if presences.contains(&Presence::Absent) {
            Presence::Absent
        } else if presences.is_empty() || presences.contains(&Presence::Unknown) {
            Presence::Unknown
        } else {
            Presence::Cached
        }
    }
}
