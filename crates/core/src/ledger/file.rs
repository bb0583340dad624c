//! The file: lines that are only ever added, by one writer at a time, whole or not at all.
//!
//! A writer that is killed leaves a line without an end, which readers pass over and the next writer cuts off. The lock is a
//! file beside the ledger, in which its holder says who it is; the system lets it go when the holder ends, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::{Entry, Event, Record, Retry, Start, TagEvent, Waiver};
use super::name::WaveName;
use crate::error::{Error, Result};
use crate::files::{Mode, NewFile, require_no_link, sync_directory, try_lock};
use crate::major::PlanFile;

/// The name of the ledger in its directory.
pub const FILE_NAME: &str = "ledger.jsonl";
/// The name of the file that its writers lock.
const LOCK_NAME: &str = "ledger.lock";
/// The version of the file's format.
pub const FORMAT_VERSION: u32 = 1;
/// What the first line says that the file is.
const FORMAT: &str = "waves-ledger";

/// The first line.
#[derive(Debug, Deserialize, Serialize)]
struct Header {
    format: String,
    format_version: u32,
}

/// What happened and was decided, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    directory: PathBuf,
    entries: Vec<Entry>,
    /// Bytes of whole lines.
    whole: u64,
    /// Bytes behind them, which a killed writer left.
    torn: u64,
}

impl Ledger {
    /// Reads the ledger of a directory; there need not be one. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Malformed`] with the line if a line that is not the last is broken, if it is no ledger, or if a
    /// newer version wrote it.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE_NAME);
        match fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes, directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::parse(&[], directory),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    fn parse(bytes: &[u8], directory: &Path) -> Result<Self> {
        let path = directory.join(FILE_NAME);
        let broken = |line: usize, reason: String| Error::Malformed {
            input: path.display().to_string(),
            place: format!("line {line}"),
            reason: format!("{reason} (hint: nothing but waves may write here; take the file back from a copy)"),
        };
        let mut ledger = Self { directory: directory.to_owned(), entries: Vec::new(), whole: 0, torn: bytes.len() as u64 };
        let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            let is_ended = line.ends_with(b"\n");
            if at == 0 {
                if is_ended {
                    check_header(line).map_err(|reason| broken(1, reason))?;
                } else if header_line().starts_with(line) {
                    break;
                } else {
                    return Err(broken(1, "it is no ledger of waves".to_owned()));
                }
            } else {
                match serde_json::from_slice(line) {
                    Ok(entry) if is_ended => ledger.entries.push(entry),
                    Err(error) if is_ended && (error.is_data() || lines.peek().is_some()) => {
                        return Err(broken(at + 1, format!("it is broken, or of a newer version: {error}")));
                    }
                    // Whatever it is, it is the last, and a killed writer's.
                    Ok(_) | Err(_) => break,
                }
            }
            ledger.whole += line.len() as u64;
            ledger.torn -= line.len() as u64;
        }
        Ok(ledger)
    }

    /// The directory that it is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.directory.join(FILE_NAME)
    }

    /// Its lines, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// As it was with its first entries only.
    pub(super) fn first(&self, entries: usize) -> Self {
        Self { entries: self.entries[..entries].to_vec(), directory: self.directory.clone(), ..*self }
    }

    /// Bytes of a last line that a killed writer left unfinished. They count for nothing.
    pub fn torn_bytes(&self) -> u64 {
        self.torn
    }

    /// The major waves that were started, in the order in which they were.
    pub fn starts(&self) -> impl Iterator<Item = &Start> {
        self.events().filter_map(|(_, event)| if let Event::Start(start) = event { Some(start) } else { None })
    }

    /// Events and their positions, by which one is later than another.
    fn events(&self) -> impl Iterator<Item = (usize, &Event)> {
        self.entries.iter().map(|entry| &entry.event).enumerate()
    }

    /// Results and their positions.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.events().filter_map(|(at, event)| if let Event::Record(record) = event { Some((at, record)) } else { None })
    }

    /// Retries and their positions.
    pub(super) fn retries(&self) -> impl Iterator<Item = (usize, &Retry)> {
        self.events().filter_map(|(at, event)| if let Event::Retry(retry) = event { Some((at, retry)) } else { None })
    }

    /// Tags and their positions.
    pub(super) fn tags(&self) -> impl Iterator<Item = (usize, &TagEvent)> {
        self.events().filter_map(|(at, event)| if let Event::Tag(tag) = event { Some((at, tag)) } else { None })
    }

    /// Waivers, with the time of each.
    pub fn waivers(&self) -> impl Iterator<Item = &Waiver> {
        self.events().filter_map(|(_, event)| if let Event::Waive(waiver) = event { Some(waiver) } else { None })
    }

    /// The tag of a wave that was closed.
    pub fn closed(&self, wave: WaveName) -> Option<&TagEvent> {
        self.tags().map(|(_, tag)| tag).find(|tag| tag.wave == wave && !tag.pre)
    }

    /// The last tag of a wave, whether it was closed then or not.
    pub fn last_tag(&self, wave: WaveName) -> Option<&TagEvent> {
        self.tags().map(|(_, tag)| tag).filter(|tag| tag.wave == wave).last()
    }

    /// The plan that a major wave was started with.
    ///
    /// # Errors
    ///
    /// [`Error::NotStarted`]; [`Error::Plan`] if the plan's file is not what it was then; those of [`PlanFile::read`].
    pub fn plan(&self, major: u32) -> Result<PlanFile> {
        let start = self.starts().find(|start| start.major == major).ok_or_else(|| {
            let started: Vec<String> = self.starts().map(|start| format!("wave-{}", start.major)).collect();
            Error::NotStarted { path: self.path(), major, started: started.join(", ") }
        })?;
        let path = self.directory.join(plan_name(major));
        if start.plan != plan_name(major) {
            let reason = format!("the ledger has `{}` for it, which waves never writes (hint: take the ledger back)", start.plan);
            return Err(Error::Plan { input: path.display().to_string(), reason });
        }
        require_no_link(&path).map_err(Error::io("read", &path))?;
        let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
        if sha256(&bytes) != start.sha256 {
            let reason =
                format!("it is not the plan that wave-{major} was started with (hint: a plan is never changed; take the file back)");
            return Err(Error::Plan { input: path.display().to_string(), reason });
        }
        PlanFile::parse(&bytes, &path.display().to_string())
    }
}

/// Where the plan of a major wave lies, beside the ledger.
fn plan_name(major: u32) -> String {
    format!("wave-{major}.plan.json")
}

fn check_header(line: &[u8]) -> Result<(), String> {
    let header: Header = serde_json::from_slice(line).map_err(|_| "it is no ledger of waves".to_owned())?;
    match (header.format.as_str(), header.format_version) {
        (FORMAT, FORMAT_VERSION) => Ok(()),
        (FORMAT, version) => Err(format!("it is of version {version}, and this waves knows {FORMAT_VERSION}")),
        _ => Err("it is no ledger of waves".to_owned()),
    }
}

fn header_line() -> Vec<u8> {
    format!("{{\"format\":\"{FORMAT}\",\"format_version\":{FORMAT_VERSION}}}\n").into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// The only writer of a ledger, as long as it lives.
#[derive(Debug)]
pub struct Writer {
    ledger: Ledger,
    _lock: File,
}

impl Writer {
    /// Locks the ledger of a directory, and reads it. Who else writes is waited for as long as `patience`, and told `holder`.
    ///
    /// # Errors
    ///
    /// [`Error::LedgerLocked`]; [`Error::Io`]; those of [`Ledger::read`].
    pub fn open(directory: &Path, holder: &str, patience: Duration) -> Result<Self> {
        fs::create_dir_all(directory).map_err(Error::io("write", directory))?;
        let path = directory.join(LOCK_NAME);
        let failed = || Error::io("write", path.clone());
        require_no_link(&path).map_err(failed())?;
        let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed())?;
        if !try_lock(&lock, patience).map_err(failed())? {
            let mut holder = String::new();
            let _ = lock.read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "it does not say who".to_owned() } else { holder.trim().to_owned() };
            return Err(Error::LedgerLocked { path: directory.join(FILE_NAME), holder });
        }
        lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes())).map_err(failed())?;
        Ok(Self { ledger: Ledger::read(directory)?, _lock: lock })
    }

    /// What the ledger says.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Adds events, after cutting off what a killed writer left: how many bytes that were. When it returns, they are on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; whole lines may have been added then, and never a part of one that counts.
    pub fn append(&mut self, time: u64, events: impl IntoIterator<Item = Event>) -> Result<u64> {
        let path = self.ledger.path();
        let failed = || Error::io("write", path.clone());
        let entries: Vec<Entry> = events.into_iter().map(|event| Entry { time, event }).collect();
        let mut lines = if self.ledger.whole == 0 { header_line() } else { Vec::new() };
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry).map_err(|error| failed()(error.into()))?;
            lines.push(b'\n');
        }
        require_no_link(&path).map_err(failed())?;
        let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed())?;
        let cut = std::mem::take(&mut self.ledger.torn);
        if cut > 0 {
            file.set_len(self.ledger.whole).and_then(|()| file.sync_all()).map_err(failed())?;
        }
        file.write_all(&lines).and_then(|()| file.sync_all()).map_err(failed())?;
        if self.ledger.whole == 0 {
            sync_directory(&self.ledger.directory)?;
        }
        self.ledger.whole += lines.len() as u64;
        self.ledger.entries.extend(entries);
        Ok(cut)
    }

    /// Starts a major wave: keeps its plan beside the ledger, and says so in it. The bytes are those that `plan` was read from.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Plan`] if its waves are not numbered in order, or the major wave was started already: a plan is
    /// never replaced.
    pub fn start(&mut self, time: u64, plan: &PlanFile, bytes: &[u8]) -> Result<u64> {
        let major = plan.major;
        check_names(plan).map_err(|reason| Error::Plan { input: format!("the plan of wave-{major}"), reason })?;
        if let Some(start) = self.ledger.starts().find(|start| start.major == major) {
            let with = if start.sha256 == sha256(bytes) { "this plan" } else { "another plan" };
            let reason = format!("wave-{major} was started already, with {with} (hint: a new plan is a new major wave)");
            return Err(Error::Plan { input: self.ledger.path().display().to_string(), reason });
        }
        let name = plan_name(major);
        // Without the line below it counts for nothing.
        NewFile::write(&self.ledger.directory.join(&name), Mode::Data, bytes)?;
        let start = Start { major, plan: name, sha256: sha256(bytes), evaluation: plan.evaluation.digest.clone() };
        self.append(time, [Event::Start(start)])
    }
}

/// Waves are found by their names, and run in the order of these.
fn check_names(plan: &PlanFile) -> Result<(), String> {
    let mut before = None;
    for wave in &plan.waves {
        let name = WaveName::parse(&wave.name).filter(|name| name.major == plan.major && name.to_string() == wave.name && name.minor > 0);
        if name.is_none() || name <= before {
            return Err(format!("`{}` is not the name of its next wave: wave-{1}.1, wave-{1}.2, …", wave.name, plan.major));
        }
        before = name;
    }
    if before.is_none() { Err("it has no wave".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Outcome, RecordedFor};
    use super::*;

    fn event(number: usize) -> Event {
        Event::Record(Record {
            of: RecordedFor::Wave(WaveName { major: 1, minor: 1 }),
            derivation: Some(format!("{number}.drv")),
            attributes: vec![format!("a\"{number}\n")],
            system: "x86_64-linux".to_owned(),
            status: Outcome::Failed,
            source: "r\u{e9}sultats".to_owned(),
        })
    }

    fn open(directory: &Path) -> Writer {
        Writer::open(directory, "a test", Duration::ZERO).expect("nobody else writes")
    }

    fn written(events: usize) -> (tempfile::TempDir, Vec<u8>) {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(open(directory.path()).append(7, (0..events).map(event)).expect("written"), 0);
        let bytes = fs::read(directory.path().join(FILE_NAME)).expect("there");
        (directory, bytes)
    }

    /// A writer may be killed at any byte: whole lines count, the rest is cut off.
    #[test]
    fn a_ledger_may_end_at_any_byte() {
        let (directory, bytes) = written(4);
        let path = directory.path().join(FILE_NAME);
        for end in 0..=bytes.len() {
            fs::write(&path, &bytes[..end]).expect("written");
            let ends = memchr::memchr_iter(b'\n', &bytes[..end]).count();
            let whole = bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let ledger = Ledger::read(directory.path()).expect("a ledger");
            assert_eq!((ledger.entries().len(), ledger.torn_bytes()), (ends.saturating_sub(1), (end - whole) as u64), "{end}");
            let cut = open(directory.path()).append(8, [event(9)]).expect("written");
            assert_eq!(cut, (end - whole) as u64);
            let ledger = Ledger::read(directory.path()).expect("a ledger");
            let mut expected: Vec<Event> = (0..ends.saturating_sub(1)).map(event).collect();
            expected.push(event(9));
            assert_eq!(ledger.entries().iter().map(|entry| entry.event.clone()).collect::<Vec<_>>(), expected);
            assert_eq!(ledger.torn_bytes(), 0);
        }
    }

    /// Nor is a byte within the last line of any account; one within another is named.
    #[test]
    fn a_broken_line_is_named_unless_it_is_the_last() {
        let (directory, bytes) = written(3);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for broken in 0..lines.len() {
            let mut spoilt = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                spoilt.extend_from_slice(if at == broken { b"{\"time\": 5, \n" } else { line });
            }
            fs::write(directory.path().join(FILE_NAME), &spoilt).expect("written");
            let read = Ledger::read(directory.path());
            if broken + 1 == lines.len() {
                assert_eq!(read.expect("the last counts for nothing").entries().len(), 2);
            } else {
                let error = read.expect_err("broken").to_string();
                assert!(error.contains(&format!("line {}", broken + 1)), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_ledger_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(FILE_NAME);
        for text in [
            "a diary",
            "a diary\n",
            "{}\n",
            "{\"format\":\"waves-ledger\",\"format_version\":2}\n",
            "{\"format\":\"other\",\"format_version\":1}\n",
        ] {
            fs::write(&path, text).expect("written");
            assert!(Ledger::read(directory.path()).is_err(), "{text}");
            assert!(Writer::open(directory.path(), "a test", Duration::ZERO).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
    }

    /// What a newer version may write is no line that was left unfinished: it is never cut off.
    #[test]
    fn an_unknown_event_is_an_error_wherever_it_stands() {
        let (directory, mut bytes) = written(1);
        bytes.extend_from_slice(b"{\"time\":1,\"event\":\"dance\"}\n");
        fs::write(directory.path().join(FILE_NAME), &bytes).expect("written");
        let error = Ledger::read(directory.path()).expect_err("unknown").to_string();
        assert!(error.contains("line 3") && error.contains("dance"), "{error}");
    }

    /// A repository that somebody else made can have anything in `.waves`.
    #[cfg(unix)]
    #[test]
    fn a_link_is_never_written_through() {
        for name in [LOCK_NAME, FILE_NAME] {
            let directory = tempfile::tempdir().expect("a directory");
            let target = directory.path().join("elsewhere");
            fs::write(&target, header_line()).expect("written");
            std::os::unix::fs::symlink(&target, directory.path().join(name)).expect("linked");
            let written = Writer::open(directory.path(), "a test", Duration::ZERO).and_then(|mut writer| writer.append(7, [event(1)]));
            assert!(written.expect_err("a link").to_string().contains(name), "{name}");
            assert_eq!(fs::read(&target).expect("there"), header_line(), "{name}");
        }
    }

    #[test]
    fn a_ledger_names_no_plan_but_its_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let start = Start { major: 1, plan: "/dev/zero".to_owned(), sha256: String::new(), evaluation: String::new() };
        open(directory.path()).append(7, [Event::Start(start)]).expect("written");
        let error = Ledger::read(directory.path()).expect("a ledger").plan(1).expect_err("not its own").to_string();
        assert!(error.contains("/dev/zero"), "{error}");
    }

    #[test]
    fn a_second_writer_is_told_who_the_first_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = Writer::open(directory.path(), "the first", Duration::ZERO).expect("nobody else writes");
        let error = Writer::open(directory.path(), "the second", Duration::from_millis(50)).expect_err("locked").to_string();
        assert!(error.contains("the first"), "{error}");
        drop(first);
        let mut second = Writer::open(directory.path(), "the second", Duration::ZERO).expect("it is free again");
        second.append(1, [event(1)]).expect("written");
    }
}
