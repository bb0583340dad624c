//! Dumps in, neutral records out.
//!
//! [`ingest`] opens each input, tells its format by its content, cuts it into batches (`split`) and parses the
//! batches on all cores. A reader knows one format and produces `Records`; it joins nothing: that is
//! [`crate::graph`]'s work. Every reader is pulled: the thread that is free reads and decompresses the next batch, so
//! memory is bounded by a batch for each thread and nothing queues up.

pub(crate) mod finding;
pub(crate) mod record;

mod aterm;
mod attribute;
mod drv_json;
mod limits;
mod nix_env_text;
mod raw;
mod recipe;
mod source;
mod split;
mod versions;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use attribute::split_job;
pub use finding::{FindingKind, FindingList, Findings, LISTED_FINDINGS};
use limits::{Between, Budget};
pub use limits::{FREE, Limits, MAX_ENTRY, MAX_RATIO};
pub use source::Input;
pub(crate) use source::open;

use crate::error::{Error, Result, TooMuch};
use crate::progress::Progress;
use crate::store_path::{StoreHash, StorePath, base_name};
use finding::Finding;
use raw::Scratch;
use record::{Interned, Interner, Names, Records, Symbol};
use source::{Dump, Layout};
use split::{Batch, EntrySplitter, LineSplitter, Lines, SplitError};

/// `.drv` files in one unit of parallel work.
const FILES_PER_BATCH: usize = 256;
/// Members of a tar that are held in memory at once, and the bytes of them, unless one has more.
const MEMBERS_PER_RUN: usize = 4096;
const BYTES_PER_RUN: usize = 64 << 20;
/// Why something in a directory is skipped.
const NO_FILE: &str = "neither a file nor a directory of dumps";

/// The format of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// `nix derivation show -r` or `nix show-derivation -r`.
    DerivationJson,
    /// `.drv` files: a directory, a tar, a list of paths or a single one.
    DerivationFiles,
    /// JSON lines of `nix-eval-jobs`.
    EvalJobs,
    /// `nix-env -qaP --json`.
    NixEnvJson,
    /// `nix-env -qaP --out-path` or `--drv-path`.
    NixEnvText,
    /// nixpkgs CI's `outpaths.json` or `paths.json`.
    OutputPaths,
    /// nixpkgs CI's `meta.json`.
    Meta,
    /// JSON with nothing in it that waves knows.
    Unknown,
}

impl Format {
    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::DerivationJson => "nix derivation show",
            Self::DerivationFiles => ".drv files",
            Self::EvalJobs => "nix-eval-jobs",
            Self::NixEnvJson => "nix-env --json",
            Self::NixEnvText => "nix-env",
            Self::OutputPaths => "outpaths.json",
            Self::Meta => "meta.json",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a part of an evaluation comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The input as it was named; `-` is standard input.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Its length in bytes, as it lies there: compressed, if it is.
    pub bytes: u64,
    /// SHA-256 of the same bytes; of a directory, of its files' names and hashes in the form of `sha256sum`.
    pub sha256: String,
    /// When it was changed last, in seconds since 1970; absent for standard input.
    pub modified: Option<u64>,
    /// Derivations that it describes, each once.
    pub derivations: u64,
    /// Attributes that it describes.
    pub attributes: u64,
}

/// What an ingest read: records in the order of the inputs, not yet joined.
pub struct Ingest {
    pub(crate) strings: Interned,
    pub(crate) batches: Vec<Records>,
    pub(crate) findings: Findings,
    /// Where the records come from.
    pub sources: Vec<Source>,
}

/// Reads every input. Time O(bytes) over all cores; space O(records).
///
/// # Errors
///
/// A file that cannot be read, is in no known format, or is broken outside a single line or entry; malformed lines and
/// entries are findings instead. So are inputs with nothing in them, and those that are larger than [`MAX_ENTRY`] and
/// [`MAX_RATIO`] allow.
pub fn ingest(inputs: &[Input], progress: &dyn Progress) -> Result<Ingest> {
    ingest_within(inputs, Limits::default(), progress)
}

/// The same of inputs that are no larger than `limits`.
///
/// # Errors
///
/// Those of [`ingest`].
pub fn ingest_within(inputs: &[Input], limits: Limits, progress: &dyn Progress) -> Result<Ingest> {
    let mut reader = Reader {
        interner: Interner::new(),
        limits,
        progress,
        directories: BTreeSet::new(),
        batches: Vec::new(),
        findings: Findings::default(),
        sources: Vec::new(),
    };
    for input in inputs {
        match input {
            Input::Stdin => reader.dump(Dump::new(input.name(), Box::new(io::stdin()), None, limits)?)?,
            Input::Path(path) if path.is_dir() => reader.directory(path)?,
            Input::Path(path) => reader.dump(Dump::open(path, limits)?)?,
            Input::File { name, file } => {
                let file = file.try_clone().map_err(Error::io("read", name))?;
                reader.dump(Dump::new(name.clone(), Box::new(file), None, limits)?)?;
            }
            Input::Closure(paths) => reader.closure(&input.name(), paths, None)?,
        }
    }
    let Reader { interner, batches, findings, sources, .. } = reader;
    if sources.iter().all(|source| source.derivations + source.attributes == 0) {
        let inputs: Vec<String> = inputs.iter().map(Input::name).collect();
        let first = findings.iter().find_map(|(kind, list)| Some(format!("{}: {}", kind.noun(1), list.listed.first()?)));
        return Err(Error::Empty { inputs: inputs.join(", "), first });
    }
    Ok(Ingest { strings: interner.into_strings()?, batches, findings, sources })
}

struct Reader<'p> {
    interner: Interner,
    limits: Limits,
    progress: &'p dyn Progress,
    /// Those that were read, without links in their paths.
    directories: BTreeSet<PathBuf>,
    batches: Vec<Records>,
    findings: Findings,
    sources: Vec<Source>,
}

impl Reader<'_> {
    fn dump(&mut self, dump: Dump) -> Result<()> {
        let digest = dump.digest_handle();
        let (name, modified) = (dump.name.clone(), dump.modified);
        self.progress.begin(&format!("reading {name}"), None);
        let (format, batches) = match dump.layout {
            Layout::JsonObject => self.json_object(dump)?,
            Layout::JsonLines => (Format::EvalJobs, self.lines(dump, attribute::eval_job)?),
            Layout::Table => (Format::NixEnvText, self.lines(dump, table_row)?),
            Layout::Tar => (Format::DerivationFiles, self.tar(dump)?),
            Layout::Derivation => (Format::DerivationFiles, self.single_derivation(dump)?),
            Layout::PathList => return self.path_list(dump),
        };
        let (bytes, sha256) = Dump::digest(&digest);
        self.finish(Source { file: name, format, bytes, sha256, modified, derivations: 0, attributes: 0 }, batches);
        Ok(())
    }

    /// Takes the records of a source in, and its counts.
    fn finish(&mut self, mut source: Source, batches: Vec<Records>) {
        source.derivations = distinct_derivations(&batches);
        for mut batch in batches {
            source.attributes += batch.attributes.len() as u64;
            batch.source = self.sources.len();
            for Finding { kind, what } in batch.findings.drain(..) {
                self.findings.add(kind, || format!("{}: {what}", source.file));
            }
            self.batches.push(batch);
        }
        self.sources.push(source);
    }

    /// Takes in what many `.drv` files held.
    fn finish_files(&mut self, files: Files, modified: Option<u64>, batches: Vec<Records>) {
        let (file, bytes, sha256) = files.finish();
        let format = Format::DerivationFiles;
        self.finish(Source { file, format, bytes, sha256, modified, derivations: 0, attributes: 0 }, batches);
    }

    /// An object keyed by derivation or by attribute; what its first entry is, the dump is.
    fn json_object(&self, dump: Dump) -> Result<(Format, Vec<Records>)> {
        let name = dump.name;
        let batches = self.parallel(EntrySplitter::new(dump.reader), |scratch, batch| {
            let batch = batch.map_err(|error| match error {
                SplitError::Io(error) if TooMuch::of(&error).is_some() => Error::io("read", &name)(error),
                error => Error::Malformed { input: name.clone(), place: error.place(), reason: error.to_string() },
            })?;
            self.progress.advance(1);
            Ok(Self::entries(scratch, &batch))
        })?;
        let format = batches.iter().find_map(|(format, _)| *format).unwrap_or(Format::Unknown);
        Ok((format, batches.into_iter().map(|(_, records)| records).collect()))
    }

    fn entries(scratch: &mut Scratch<'_>, batch: &Batch) -> (Option<Format>, Records) {
        let mut records = Records::default();
        let mut format = None;
        for (key, value, offset) in batch.entries() {
            let Ok(key) = serde_json::from_slice::<String>(key) else {
                records.find(FindingKind::Malformed, format!("byte {offset}: the key before is not a JSON string"));
                continue;
            };
            match Self::entry(&mut records, scratch, &key, value) {
                Ok(found) => format = format.or(found),
                Err(error) => {
                    records.find(FindingKind::Malformed, format!("byte {offset}, key `{key}`: {error}"));
                }
            }
        }
        (format, records.shrink())
    }

    fn entry(records: &mut Records, scratch: &mut Scratch<'_>, key: &str, value: &[u8]) -> Result<Option<Format>, String> {
        if is_derivation(Path::new(key)) {
            raw::push(records, scratch, key, drv_json::parse(value).map_err(|error| error.to_string())?);
            return Ok(Some(Format::DerivationJson));
        }
        let names = &mut scratch.names;
        match attribute::shape(value) {
            attribute::EntryShape::NixEnv => attribute::nix_env(records, names, key, value).map(|()| Some(Format::NixEnvJson)),
            attribute::EntryShape::OutputPaths => attribute::output_paths(records, names, key, value).map(|()| Some(Format::OutputPaths)),
            attribute::EntryShape::Meta => attribute::meta(records, names, key, value).map(|()| Some(Format::Meta)),
            // The version that Nix 2.33 and later write beside the derivations.
            attribute::EntryShape::Unknown if key == "version" => Ok(None),
            attribute::EntryShape::Unknown => {
                records.find(FindingKind::UnknownEntry, format!("`{key}`"));
                Ok(None)
            }
        }
    }

    fn lines(&self, dump: Dump, parse: impl Fn(&mut Records, &mut Names<'_>, &[u8]) -> Result<(), String> + Sync) -> Result<Vec<Records>> {
        let name = dump.name;
        self.parallel(LineSplitter::new(dump.reader), |scratch, lines| {
            let Lines { bytes, first_line } = lines.map_err(Error::io("read", &name))?;
            self.progress.advance(1);
            let mut records = Records::default();
            for (number, line) in (first_line..).zip(bytes.split(|&byte| byte == b'\n')) {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                if let Err(error) = parse(&mut records, &mut scratch.names, line) {
                    // A line is all that the parser has seen.
                    let error = error.replace(" at line 1 column ", ", column ");
                    records.find(FindingKind::Malformed, format!("line {number}: {error}"));
                }
            }
            Ok(records.shrink())
        })
    }

    /// One `.drv` file by itself; its path is its name.
    fn single_derivation(&self, dump: Dump) -> Result<Vec<Records>> {
        let bytes = read_entry(dump.reader, 0).map_err(Error::io("read", &dump.name))?;
        let mut records = Records::default();
        Self::derivation_file(&mut records, &mut Scratch::new(&self.interner), &dump.name, &bytes);
        Ok(vec![records])
    }

    /// A `.drv` file; wherever it lies, its name tells its store path.
    fn derivation_file(records: &mut Records, scratch: &mut Scratch<'_>, name: &str, bytes: &[u8]) {
        match aterm::parse(bytes) {
            Ok(raw) => raw::push(records, scratch, base_name(name), raw),
            Err(error) => records.find(FindingKind::Malformed, format!("{name}: {error}")),
        }
    }

    /// A tar is read on one thread, a run of members at a time, and each run parsed on all cores.
    fn tar(&self, dump: Dump) -> Result<Vec<Records>> {
        let name = dump.name;
        let between = Between::new(dump.reader, MAX_ENTRY);
        let rest = between.rest();
        let mut archive = tar::Archive::new(between);
        let mut members = archive.entries().map_err(Error::io("read", &name))?.map(|member| read_member(member, &rest));
        let mut batches = Vec::new();
        loop {
            let (mut run, mut bytes) = (Vec::new(), 0);
            while run.len() < MEMBERS_PER_RUN
                && bytes < BYTES_PER_RUN
                && let Some(member) = members.next()
            {
                let member = member.map_err(Error::io("read", &name))?;
                bytes += member.bytes();
                run.push(member);
            }
            if run.is_empty() {
                drop(members);
                // What stands behind the last member belongs to the dump, too.
                rest.store(u64::MAX, Ordering::Relaxed);
                io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(Error::io("read", &name))?;
                return Ok(batches);
            }
            self.progress.advance(run.len() as u64);
            batches.par_extend(
                run.par_chunks(FILES_PER_BATCH)
                    .map_init(|| Scratch::new(&self.interner), |scratch, members| Self::members(scratch, members)),
            );
        }
    }

    fn members(scratch: &mut Scratch<'_>, members: &[Member]) -> Records {
        let mut records = Records::default();
        for member in members {
            match member {
                Member::Derivation(path, bytes) => Self::derivation_file(&mut records, scratch, path, bytes),
                Member::Other(path) => records.find(FindingKind::SkippedFile, path.clone()),
                Member::Directory => {}
            }
        }
        records.shrink()
    }

    /// The derivations that a list names, and what of their closure lies beside them.
    fn path_list(&mut self, dump: Dump) -> Result<()> {
        let (name, modified) = (dump.name.clone(), dump.modified);
        let mut paths = Vec::new();
        for lines in LineSplitter::new(dump.reader) {
            let bytes = lines.map_err(Error::io("read", &name))?.bytes;
            for line in bytes.split(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(line);
                match line.trim() {
                    "" => {}
                    path if source::is_drv_path(path) => paths.push(PathBuf::from(path)),
                    other => self.findings.add(FindingKind::SkippedFile, || format!("{name}: `{other}` is not the path of a derivation")),
                }
            }
        }
        self.closure(&name, &paths, modified)
    }

    /// Derivations of a store and all that they need, nearest first, each file once.
    fn closure(&mut self, name: &str, roots: &[PathBuf], modified: Option<u64>) -> Result<()> {
        let mut seen: FxHashSet<StoreHash> = FxHashSet::default();
        let mut inputs: FxHashSet<Symbol> = FxHashSet::default();
        let mut frontier: BTreeSet<PathBuf> = roots.iter().cloned().collect();
        let mut files = Files::new(name.to_owned(), self.limits);
        let mut batches = Vec::new();
        self.progress.begin(&format!("reading {name}"), None);
        let mut required = true;
        while !frontier.is_empty() {
            let paths: Vec<PathBuf> = frontier.into_iter().collect();
            let mut found = self.files(&paths, required, &mut files)?;
            frontier = BTreeSet::new();
            for records in &found {
                seen.extend(records.derivations.iter().map(|derivation| derivation.path.hash));
            }
            let store = paths[0].parent().unwrap_or(Path::new("")).to_owned();
            for input in found.iter().flat_map(|records| &records.inputs).filter(|input| inputs.insert(input.derivation)) {
                let base = self.interner.resolve(input.derivation);
                if StorePath::parse(&base).is_some_and(|path| seen.insert(path.hash)) {
                    frontier.insert(store.join(base));
                }
            }
            batches.append(&mut found);
            // An input that is not there is a dangling one, which the graph counts.
            required = false;
        }
        self.finish_files(files, modified, batches);
        Ok(())
    }

    /// A directory such as a Nix store, with `.drv` files; or one of dumps, which are read in the order of their names.
    fn directory(&mut self, directory: &Path) -> Result<()> {
        // A link may lead back to where it lies, or many to one place: a directory is read once.
        let place = fs::canonicalize(directory).map_err(Error::io("read", directory))?;
        if !self.directories.insert(place) {
            self.findings.add(FindingKind::SkippedFile, || format!("{}: a directory that was read already", directory.display()));
            return Ok(());
        }
        let (mut derivations, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory).map_err(Error::io("read", directory))? {
            let path = entry.map_err(Error::io("read", directory))?.path();
            if is_derivation(&path) { derivations.push(path) } else { others.push(path) }
        }
        // By their bytes, as they are in one directory: to compare paths part by part takes longer.
        derivations.par_sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        others.sort_unstable();
        if derivations.is_empty() {
            return self.directory_of_dumps(others);
        }
        for path in others {
            self.findings.add(FindingKind::SkippedFile, || path.display().to_string());
        }
        let mut files = Files::new(directory.display().to_string(), self.limits);
        self.progress.begin(&format!("reading {}", files.name), Some(derivations.len() as u64));
        let batches = self.files(&derivations, true, &mut files)?;
        self.finish_files(files, None, batches);
        Ok(())
    }

    fn directory_of_dumps(&mut self, paths: Vec<PathBuf>) -> Result<()> {
        for path in paths {
            if path.is_dir() {
                self.directory(&path)?;
                continue;
            }
            // Nobody may ever write to a FIFO that just lies there, and a device may never end.
            if !fs::metadata(&path).map_err(Error::io("open", &path))?.is_file() {
                self.findings.add(FindingKind::SkippedFile, || format!("{}: {NO_FILE}", path.display()));
                continue;
            }
            match Dump::open(&path, self.limits) {
                Ok(dump) => self.dump(dump)?,
                Err(error @ Error::UnknownFormat { .. }) => self.findings.add(FindingKind::SkippedFile, || error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Maps items on all cores and returns the results in the order of the items; the first error in that order wins.
    fn parallel<I: Send, T: Send>(
        &self,
        items: impl Iterator<Item = I> + Send,
        map: impl Fn(&mut Scratch<'_>, I) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let scratch = || Scratch::new(&self.interner);
        let numbered = items.enumerate().par_bridge();
        let mut results: Vec<(usize, Result<T>)> =
            numbered.map_init(scratch, |scratch, (index, item)| (index, map(scratch, item))).collect();
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Reads and parses `.drv` files; one that is not there is an error only if it is `required`.
    fn files(&self, paths: &[PathBuf], required: bool, files: &mut Files) -> Result<Vec<Records>> {
        let budget = &files.budget;
        let batches: Vec<Result<(Records, Vec<FileHash>)>> = paths
            .par_chunks(FILES_PER_BATCH)
            .map_init(
                || Scratch::new(&self.interner),
                |scratch, chunk| {
                    let mut records = Records::default();
                    let mut hashes = Vec::with_capacity(chunk.len());
                    for path in chunk {
                        let name = path.to_string_lossy();
                        let bytes = match read_file(path, budget) {
                            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => continue,
                            read => read.map_err(Error::io("read", path))?,
                        };
                        let Some(bytes) = bytes else {
                            records.find(FindingKind::SkippedFile, format!("{name}: {NO_FILE}"));
                            continue;
                        };
                        hashes.push(FileHash::new(&name, &bytes));
                        Self::derivation_file(&mut records, scratch, &name, &bytes);
                    }
                    self.progress.advance(chunk.len() as u64);
                    Ok((records.shrink(), hashes))
                },
            )
            .collect();
        // Before all else that is wrong: which thread came to the limit, and where, is chance.
        budget.check().map_err(|limit| Error::io("read", &files.name)(limit.into()))?;
        let mut all = Vec::with_capacity(batches.len());
        for batch in batches {
            let (records, hashes) = batch?;
            files.hashes.extend(hashes);
            all.push(records);
        }
        Ok(all)
    }
}

/// All bytes of a derivation, which is no larger than one can be; `expected` many, as a rule.
fn read_entry(reader: impl Read, expected: u64) -> io::Result<Vec<u8>> {
    // One more, so that the end is found without another buffer.
    let mut bytes = Vec::with_capacity(expected.min(MAX_ENTRY) as usize + 1);
    reader.take(MAX_ENTRY + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_ENTRY { Err(TooMuch::Entry(MAX_ENTRY).into()) } else { Ok(bytes) }
}

/// What is in a `.drv` file, within what may be read; `None` if it is a directory, a FIFO or a device, which may never end.
fn read_file(path: &Path, budget: &Budget) -> io::Result<Option<Vec<u8>>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let expected = metadata.len();
    budget.take(expected)?;
    let bytes = read_entry(File::open(path)?, expected)?;
    // It may have grown meanwhile.
    budget.take((bytes.len() as u64).saturating_sub(expected))?;
    Ok(Some(bytes))
}

/// How many derivations there are descriptions of: each attribute of one describes it anew.
fn distinct_derivations(batches: &[Records]) -> u64 {
    let mut described: Vec<StoreHash> = batches.iter().flat_map(|records| &records.derivations).map(|record| record.path.hash).collect();
    described.par_sort_unstable();
    described.dedup();
    described.len() as u64
}

fn table_row(records: &mut Records, names: &mut Names<'_>, line: &[u8]) -> Result<(), String> {
    nix_env_text::row(records, names, std::str::from_utf8(line).map_err(|error| error.to_string())?)
}

/// A member of a tar.
enum Member {
    Derivation(String, Vec<u8>),
    Directory,
    Other(String),
}

impl Member {
    /// What it holds in memory.
    fn bytes(&self) -> usize {
        match self {
            Self::Derivation(name, bytes) => name.len() + bytes.len(),
            Self::Other(name) => name.len(),
            Self::Directory => 0,
        }
    }
}

/// Reads a member. `rest` is how much may be read before the next one: what this one takes, and what describes that.
fn read_member<R: Read>(member: io::Result<tar::Entry<'_, R>>, rest: &AtomicU64) -> io::Result<Member> {
    let mut member = member?;
    let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
    let kind = member.header().entry_type();
    // A file with holes says how long it would be without them.
    let bytes = if kind.is_gnu_sparse() { member.header().entry_size()? } else { member.size() };
    rest.store(bytes.saturating_add(MAX_ENTRY), Ordering::Relaxed);
    if kind.is_dir() {
        return Ok(Member::Directory);
    }
    if !is_derivation(Path::new(&path)) || !kind.is_file() {
        return Ok(Member::Other(path));
    }
    if bytes > MAX_ENTRY {
        return Err(TooMuch::Entry(MAX_ENTRY).into());
    }
    let mut bytes = Vec::new();
    member.read_to_end(&mut bytes)?;
    Ok(Member::Derivation(path, bytes))
}

/// Whether a path has the ending of a derivation's.
fn is_derivation(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "drv")
}

/// Name, hash and length of a file.
struct FileHash {
    name: String,
    sha256: [u8; 32],
    bytes: u64,
}

impl FileHash {
    fn new(path: &str, bytes: &[u8]) -> Self {
        Self { name: base_name(path).to_owned(), sha256: Sha256::digest(bytes).into(), bytes: bytes.len() as u64 }
    }
}

/// Many `.drv` files that are one source.
struct Files {
    name: String,
    hashes: Vec<FileHash>,
    budget: Budget,
}

impl Files {
    fn new(name: String, limits: Limits) -> Self {
        Self { name, hashes: Vec::new(), budget: Budget::new(limits) }
    }

    /// Its name, bytes in all, and their hash: of what `sha256sum` prints for them in the order of their names, however they were found.
    fn finish(mut self) -> (String, u64, String) {
        self.hashes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut hasher = Sha256::new();
        for file in &self.hashes {
            hasher.update(format!("{}  {}\n", source::hex(&file.sha256), file.name));
        }
        let bytes = self.hashes.iter().map(|file| file.bytes).sum();
        (self.name, bytes, source::hex(&hasher.finalize()))
    }
}
