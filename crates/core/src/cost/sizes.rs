//! How large store paths are, and what they need when they run: `nix path-info --json`, and `.narinfo` files of a cache.
//!
//! The shapes of `nix path-info --json`: a list of objects with `path` (Nix up to 2.18), an object keyed by path (2.19 on;
//! null where the path is not in the store), and the same under `info` with base names (2.33 on).

use std::fmt;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::file::Text;
use super::narinfo::{MAX_SIZE, NarInfo};
use crate::error::{Error, Result};
use crate::store_path::{StoreHash, StorePath};

/// The key that every `.narinfo` begins with, as Nix writes it.
const FIRST_KEY: &[u8] = b"StorePath:";

/// The sizes of store paths.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    paths: FxHashMap<StoreHash, PathSize>,
    files: Vec<SizeFile>,
}

/// A store path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSize {
    /// Bytes of its archive (NAR), about what it takes in the store.
    pub nar: u64,
    /// Bytes of the compressed archive, which is what a download costs; `None` if that is not said.
    pub download: Option<u64>,
    /// What it needs when it runs; `None` if that is not said.
    pub references: Option<Vec<StoreHash>>,
}

/// A file of sizes, and what was in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SizeFile {
    /// The file as it was named.
    pub file: String,
    /// Store paths with a size.
    pub paths: usize,
    /// Store paths of which it says that the store does not have them, or nothing.
    pub unknown: usize,
    /// Entries that are no store path.
    pub malformed: usize,
}

/// What some paths need when they run, themselves included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClosureSize {
    /// Store paths.
    pub paths: usize,
    /// Those of them whose size or references are unknown: what is behind them is not counted.
    pub unknown: usize,
    /// Bytes of their archives.
    pub nar: u64,
}

impl Sizes {
    /// Reads files, and directories of `.narinfo` files. Time O(bytes), space O(bytes of the largest + references).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is not whole, or holds no store path.
    pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let mut sizes = Self::default();
        for file in files {
            let file = file.as_ref();
            if file.is_dir() { sizes.directory(file)? } else { sizes.file(&Text::read(file)?)? }
        }
        Ok(sizes)
    }

    /// The files, in the order in which they were given.
    pub fn files(&self) -> &[SizeFile] {
        &self.files
    }

    /// What is known of a path.
    pub fn get(&self, path: StoreHash) -> Option<&PathSize> {
        self.paths.get(&path)
    }

    /// Adds a path; of one that is known, what was not said before.
    pub fn insert(&mut self, path: StoreHash, size: PathSize) {
        let known = self.paths.entry(path).or_insert_with(|| PathSize { nar: size.nar, ..PathSize::default() });
        known.download = known.download.or(size.download);
        if known.references.is_none() {
            known.references = size.references;
        }
    }

    /// Adds what a binary cache says of a path.
    pub fn insert_narinfo(&mut self, info: &NarInfo) {
        if let Some(path) = StorePath::parse(&info.store_path) {
            let references = Some(hashes(&info.references));
            self.insert(path.hash, PathSize { nar: info.nar_size, download: info.file_size, references });
        }
    }

    /// The size of all that `paths` need when they run, themselves included. O(references of the closure).
    pub fn closure(&self, paths: impl IntoIterator<Item = StoreHash>) -> ClosureSize {
        let mut stack: Vec<StoreHash> = paths.into_iter().collect();
        let mut seen: FxHashSet<StoreHash> = FxHashSet::default();
        let mut closure = ClosureSize::default();
        while let Some(path) = stack.pop() {
            if !seen.insert(path) {
                continue;
            }
            let size = self.get(path);
            let references = size.and_then(|size| size.references.as_ref());
            closure.paths += 1;
            closure.unknown += usize::from(references.is_none());
            closure.nar = closure.nar.saturating_add(size.map_or(0, |size| size.nar));
            stack.extend(references.into_iter().flatten());
        }
        closure
    }

    /// The `.narinfo` files of a directory, in the order of their names.
    fn directory(&mut self, directory: &Path) -> Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(Error::io("read", directory))? {
            files.push(entry.map_err(Error::io("read", directory))?.path());
        }
        files.retain(|path| path.extension().is_some_and(|extension| extension == "narinfo"));
        files.sort_unstable();
        let mut found = SizeFile { file: directory.display().to_string(), ..SizeFile::default() };
        for path in &files {
            let before = found.paths;
            self.narinfos(&Text::read(path)?, &mut found)?;
            // An empty file, or the page of an error, has no path in it.
            found.malformed += usize::from(found.paths == before);
        }
        if found.paths == 0 {
            let reason = if files.is_empty() { "the directory has no .narinfo file" } else { "no .narinfo file in it has a store path" };
            return Err(Error::NoCosts { input: found.file, what: "sizes", reason: reason.to_owned() });
        }
        self.files.push(found);
        Ok(())
    }

    fn file(&mut self, text: &Text) -> Result<()> {
        let mut found = SizeFile { file: text.name.clone(), ..SizeFile::default() };
        if text.is_json() {
            let Paths(paths) = serde_json::from_slice(&text.bytes).map_err(|error| text.broken_json(&error))?;
            for (path, info) in paths {
                self.path_info(&path, info, &mut found);
            }
        } else if text.bytes.trim_ascii_start().starts_with(FIRST_KEY) {
            self.narinfos(text, &mut found)?;
        } else {
            return Err(text.without("sizes", "neither the JSON of `nix path-info` nor a narinfo"));
        }
        if found.paths + found.unknown == 0 {
            return Err(text.without("sizes", "no entry of it is a store path"));
        }
        self.files.push(found);
        Ok(())
    }

    fn path_info(&mut self, path: &str, info: Option<PathInfo>, found: &mut SizeFile) {
        let Some(path) = StorePath::parse(path) else {
            found.malformed += 1;
            return;
        };
        let Some((nar, info)) = info.and_then(|info| Some((info.nar_size?, info))) else {
            found.unknown += 1;
            return;
        };
        if nar.max(info.download_size.unwrap_or(0)) > MAX_SIZE {
            found.malformed += 1;
            return;
        }
        found.paths += 1;
        self.insert(path.hash, PathSize { nar, download: info.download_size, references: info.references.as_deref().map(hashes) });
    }

    /// One narinfo, or several one behind the other.
    fn narinfos(&mut self, text: &Text, found: &mut SizeFile) -> Result<()> {
        for record in records(&text.bytes) {
            self.insert_narinfo(&NarInfo::parse(&text.name, record)?);
            found.paths += 1;
        }
        Ok(())
    }
}

/// The hashes of paths; what is no store path is no reference.
fn hashes<S: AsRef<str>>(paths: &[S]) -> Vec<StoreHash> {
    paths.iter().filter_map(|path| Some(StorePath::parse(path.as_ref())?.hash)).collect()
}

/// Cuts a text before each line that begins a narinfo.
fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_start = |at: &usize| bytes[*at..].starts_with(FIRST_KEY);
    let line_starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    let starts: Vec<usize> = line_starts.filter(is_start).chain([bytes.len()]).collect();
    (1..starts.len()).map(move |end| &bytes[starts[end - 1]..starts[end]])
}

/// What `nix path-info --json` says of a path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object that describes a store path")]
struct PathInfo {
    /// In a list only.
    path: Option<String>,
    nar_size: Option<u64>,
    download_size: Option<u64>,
    references: Option<Vec<String>>,
}

/// Every path of a document, whichever its shape.
struct Paths(Vec<(String, Option<PathInfo>)>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathsVisitor).map(Self)
    }
}

struct PathsVisitor;

impl<'de> Visitor<'de> for PathsVisitor {
    type Value = Vec<(String, Option<PathInfo>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of paths, or an object keyed by path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut paths = Vec::new();
        while let Some(mut info) = items.next_element::<PathInfo>()? {
            paths.push((info.path.take().unwrap_or_default(), Some(info)));
        }
        Ok(paths)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut paths = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "info" => paths.extend(entries.next_value::<Paths>()?.0),
                "version" | "storeDir" => {
                    entries.next_value::<IgnoredAny>()?;
                }
                _ => paths.push((key, entries.next_value()?)),
            }
        }
        Ok(paths)
    }
}
