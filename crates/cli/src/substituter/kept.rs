//! What caches answered before, on disk: one file for each cache, to which a line is added for each answer.
//!
//! Lines are JSON and are added whole, so that several processes may add to one file, and one that is killed loses no
//! more than its last line. The last line of an output counts. A lock file is held by all who use the file, and by
//! one alone to write it anew once most of its lines are out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use waves_core::cost::narinfo::{Answer, NarInfo};
use waves_core::files::{Mode, NewFile};
use waves_core::store_path::StoreHash;

use crate::{ByHash, CacheUrl, Error};

/// Below the directory; a new version of the format gets a new one.
const DIRECTORY: &str = "narinfo-1";

/// How long an answer is used: Nix's `narinfo-cache-positive-ttl` and `narinfo-cache-negative-ttl`.
const PRESENT_FOR: Duration = Duration::from_hours(30 * 24);
const ABSENT_FOR: Duration = Duration::from_hours(1);

/// Lines that a file may have before it is worth writing it anew.
const MANY_LINES: usize = 1000;

/// Characters of a URL that are escaped in the name of its file.
const IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

const HINT: &str = " (hint: --cache-dir names another directory for answers)";

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Hash part of the output's store path.
    hash: String,
    /// When it was answered, in seconds since 1970.
    time: u64,
    /// What the cache said; nothing if it is not there.
    narinfo: Option<NarInfo>,
    /// Whether there was no answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

impl Line {
    fn parse(line: &[u8]) -> Option<(StoreHash, Self)> {
        let line: Self = serde_json::from_slice(line).ok()?;
        Some((StoreHash::parse(line.hash.as_bytes())?, line))
    }

    /// Whether it may be of this store path: an absent one has none.
    fn is_of(&self, path: Option<&String>) -> bool {
        match (path, &self.narinfo) {
            (Some(path), Some(info)) => info.store_path == *path,
            _ => true,
        }
    }

    /// Whether it is too old to be used, or from a future that nobody can know of.
    fn is_stale(&self, now: u64) -> bool {
        let used_for = if self.narinfo.is_some() { PRESENT_FOR } else { ABSENT_FOR };
        now.checked_sub(self.time).is_none_or(|age| age >= used_for.as_secs())
    }
}

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Of the outputs in question.
    pub(crate) answers: ByHash,
    /// Those of the answers that are stale.
    pub(crate) stale: usize,
    /// Outputs that were asked for in vain since they were last answered, if they were at all.
    pub(crate) failed: BTreeSet<StoreHash>,
    /// Lines that cannot be read, a torn last one among them.
    pub(crate) broken_lines: usize,
    /// Whether so few of the lines still count that it is worth writing the file anew.
    is_wasteful: bool,
    /// Whether the last line has no end.
    is_torn: bool,
}

/// The file of a cache, open for more answers.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    file: File,
    /// Shared with all who use the file, until it is closed.
    _lock: File,
}

impl Kept {
    /// Opens the file, or makes it, and reads what it says of `outputs`.
    pub(crate) fn open(directory: &Path, cache: &CacheUrl, outputs: &BTreeMap<StoreHash, String>) -> Result<(Self, Contents), Error> {
        let path = path_of(directory, cache);
        let lock_path = path.with_extension("lock");
        let directory = directory.join(DIRECTORY);
        fs::create_dir_all(&directory).map_err(failed("make", &directory))?;
        let lock = File::create(&lock_path).map_err(failed("write", &lock_path))?;
        let locked = failed("lock", &lock_path);
        lock.lock_shared().map_err(&locked)?;
        let mut contents = read(&path, outputs, false)?;
        if contents.is_wasteful {
            lock.unlock().map_err(&locked)?;
            match lock.try_lock() {
                Ok(()) => rewrite(&path)?,
                // Others use it: another time.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(locked(error)),
            }
            lock.unlock().and_then(|()| lock.lock_shared()).map_err(&locked)?;
            contents = read(&path, outputs, false)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed("write", &path))?;
        let mut kept = Self { path, file, _lock: lock };
        if contents.is_torn {
            kept.add(b"\n")?;
        }
        Ok((kept, contents))
    }

    /// Adds an answer. What is unknown is asked again, and not kept.
    pub(crate) fn append(&mut self, hash: StoreHash, answer: &Answer) -> Result<(), Error> {
        match answer {
            Answer::Present(info) => self.add_line(hash, Some(info.as_ref().clone()), false),
            Answer::Absent => self.add_line(hash, None, false),
            Answer::Unknown(_) => Ok(()),
        }
    }

    /// Adds that an output was asked for in vain, so that the next run asks for others first.
    pub(crate) fn append_failed(&mut self, hash: StoreHash) -> Result<(), Error> {
        self.add_line(hash, None, true)
    }

    fn add_line(&mut self, hash: StoreHash, narinfo: Option<NarInfo>, has_failed: bool) -> Result<(), Error> {
        let line = Line { hash: hash.to_string(), time: now(), narinfo, failed: has_failed };
        let mut text = serde_json::to_vec(&line).map_err(io::Error::from).map_err(failed("write", &self.path))?;
        text.push(b'\n');
        self.add(&text)
    }

    /// One write, so that lines of several processes do not mix.
    fn add(&mut self, text: &[u8]) -> Result<(), Error> {
        self.file.write_all(text).map_err(failed("write", &self.path))
    }
}

/// What is on disk of `outputs`, without touching it; stale answers count.
pub(crate) fn read_only(directory: &Path, cache: &CacheUrl, outputs: &BTreeMap<StoreHash, String>) -> Result<Contents, Error> {
    read(&path_of(directory, cache), outputs, true)
}

fn path_of(directory: &Path, cache: &CacheUrl) -> PathBuf {
    directory.join(DIRECTORY).join(format!("{}.jsonl", utf8_percent_encode(&cache.to_string(), IN_NAMES)))
}

/// The lines of a file; none if there is no file.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
    let file = match File::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("read", path)(error)),
    };
    let path = path.to_owned();
    let mut reader = file.map(BufReader::new);
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.as_mut()?.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok(line)),
            Err(error) => {
                reader = None;
                Some(Err(failed("read", &path)(error)))
            }
        }
    }))
}

fn read(path: &Path, outputs: &BTreeMap<StoreHash, String>, with_stale: bool) -> Result<Contents, Error> {
    let now = now();
    let mut contents = Contents::default();
    // Of each output, whether its last line is stale.
    let mut seen: BTreeMap<StoreHash, bool> = BTreeMap::new();
    let mut count = 0;
    for line in lines(path)? {
        let line = line?;
        contents.is_torn = !line.ends_with(b"\n");
        if line == b"\n" {
            continue;
        }
        count += 1;
        let Some((hash, line)) = Line::parse(&line).filter(|(hash, line)| line.is_of(outputs.get(hash))) else {
            contents.broken_lines += 1;
            continue;
        };
        if line.failed {
            contents.failed.insert(hash);
            continue;
        }
        contents.failed.remove(&hash);
        seen.insert(hash, line.is_stale(now));
        if outputs.contains_key(&hash) {
            contents.answers.insert(hash, line.narinfo.map_or(Answer::Absent, |info| Answer::Present(Box::new(info))));
        }
    }
    contents.is_wasteful = count > MANY_LINES && count > 2 * seen.values().filter(|&&is_stale| !is_stale).count();
    let is_stale = |hash: &StoreHash| seen.get(hash).copied().unwrap_or_default();
    if with_stale {
        contents.stale = contents.answers.keys().filter(|hash| is_stale(hash)).count();
    } else {
        contents.answers.retain(|hash, _| !is_stale(hash));
    }
    Ok(contents)
}

/// Writes the file anew, with the lines that still count: the old file or the new one is there at any moment.
fn rewrite(path: &Path) -> Result<(), Error> {
    let now = now();
    let mut last: BTreeMap<StoreHash, (bool, Vec<u8>)> = BTreeMap::new();
    for line in lines(path)? {
        let text = line?;
        if let Some((hash, line)) = Line::parse(&text).filter(|(_, line)| !line.failed && text.ends_with(b"\n")) {
            last.insert(hash, (line.is_stale(now), text));
        }
    }
    let mut file = NewFile::create(path, Mode::Data).map_err(not_written)?;
    let mut writer = BufWriter::new(file.file());
    let mut counting = last.values().filter(|(is_stale, _)| !is_stale);
    counting.try_for_each(|(_, text)| writer.write_all(text)).and_then(|()| writer.flush()).map_err(failed("write", path))?;
    drop(writer);
    file.keep().map_err(not_written)
}

/// What the library says of a file that cannot be written.
fn not_written(error: waves_core::error::Error) -> Error {
    match error {
        waves_core::error::Error::Io { path, source, .. } => failed("write", &path)(source),
        other => failed("write", Path::new(DIRECTORY))(io::Error::other(other.to_string())),
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path: path.clone(), source, hint: HINT }
}
