//! Asks binary caches which outputs are built: a client of the protocol behind Nix's `substituters`.
//!
//! [`ask`] takes the outputs in question, answers from disk what it was told before, and asks the caches for the rest. A
//! cache is slow, fails and lies: every time, length and number of tries is limited, and what is not known in the end is
//! [`Answer::Unknown`] with a reason, never absent. Nothing is downloaded but `.narinfo` files, and nothing is printed.
//!
//! It is a library of its own next to the binary, so that tests reach it. It reads no environment.

mod client;
mod gate;
mod kept;
mod queue;
mod transport;
mod url;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use waves_core::cost::narinfo::Answer;
use waves_core::progress::Progress;
use waves_core::store_path::StoreHash;
use waves_core::text::{counted, number};

pub use ureq::Proxy;
pub use url::CacheUrl;

use client::{Client, Learnt};
use kept::{Contents, Kept};

/// Why caches could not be asked at all. A cache that merely fails is no error: its answers are unknown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is none, or of a kind that is not supported.
    #[error("--cache {url}: {reason}")]
    Url {
        /// What was typed, without credentials.
        url: String,
        /// What is wrong, and what to type instead.
        reason: String,
    },

    /// What answers there is not a binary cache, or one of another store.
    #[error("{url}: {reason}")]
    NotThisCache {
        /// The cache, without credentials.
        url: String,
        /// What it says of itself.
        reason: String,
    },

    /// Answers cannot be kept on disk, or certificates not be read.
    #[error("cannot {action} {}: {source}{hint}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
}

/// How to ask, and how patiently.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where answers are kept: one file for each cache.
    pub directory: PathBuf,
    /// Ask nobody: only what is kept counts, however old it is.
    pub offline: bool,
    /// Connections to a cache at once; a cache that does not want to be asked much gets fewer.
    pub jobs: usize,
    /// Tries of one question.
    pub tries: u32,
    /// Time for a connection.
    pub connect_timeout: Duration,
    /// Time for one try, connection and redirects included.
    pub request_timeout: Duration,
    /// Pause behind the first try that failed, half as long up to half as long again; it doubles with each further try.
    pub retry_delay: Duration,
    /// The longest pause that a cache may ask for.
    pub max_retry_after: Duration,
    /// A cache is given up when so many questions in a row have no answer.
    pub give_up_after: usize,
    /// Time for a cache; what is not answered by then is unknown. A try that has begun is waited for.
    pub time_limit: Option<Duration>,
    /// The proxy for connections.
    pub proxy: Option<Proxy>,
    /// The certificates to trust, as PEM, instead of Mozilla's.
    pub certificates: Option<PathBuf>,
}

impl Options {
    /// The usual patience; answers are kept in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            offline: false,
            jobs: 16,
            tries: 5,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            retry_delay: Duration::from_millis(500),
            max_retry_after: Duration::from_mins(1),
            give_up_after: 8,
            time_limit: None,
            proxy: None,
            certificates: None,
        }
    }
}

/// What all caches together say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// An answer for each output that was asked for.
    ///
    /// Present if any cache has it, absent if none has, unknown if one that might have it did not say.
    pub answers: BTreeMap<StoreHash, Answer>,
    /// How each cache was asked, in the order in which they were named.
    pub caches: Vec<Asked>,
}

/// How a cache was asked, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The cache, without credentials.
    pub url: String,
    /// Outputs that were in question.
    pub outputs: usize,
    /// Answers that were on disk.
    pub kept: usize,
    /// Those of them that are old, and used only because nobody may be asked.
    pub stale: usize,
    /// Lines on disk that cannot be read, and were ignored.
    pub broken_lines: usize,
    /// Outputs that it has.
    pub present: usize,
    /// Outputs that it has not.
    pub absent: usize,
    /// Why answers are unknown, and how many.
    pub unknown: BTreeMap<String, usize>,
    /// Whether the cache asks for few questions, and got few at once.
    pub wants_few: bool,
}

impl Asked {
    /// What a user should know of it, a line each; none if all went well.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let url = &self.url;
        if self.broken_lines > 0 {
            let (one, many) =
                ("answer that was kept cannot be read, and is asked again", "answers that were kept cannot be read, and are asked again");
            notes.push(format!("{url}: {}", counted(self.broken_lines, one, many)));
        }
        if self.stale > 0 {
            let (one, many) = ("answer that was kept is old", "answers that were kept are old");
            notes.push(format!("{url}: {}, and used for lack of others", counted(self.stale, one, many)));
        }
        if self.wants_few {
            notes.push(format!("{url}: does not want many questions (no WantMassQuery: 1); few are asked at once"));
        }
        let mut reasons: Vec<(&String, usize)> = self.unknown.iter().map(|(reason, &count)| (reason, count)).collect();
        reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let unknown: usize = reasons.iter().map(|(_, count)| count).sum();
        if unknown > 0 {
            let more = reasons.len().saturating_sub(MAX_REASONS);
            let mut texts: Vec<String> =
                reasons.into_iter().take(MAX_REASONS).map(|(reason, count)| format!("{reason} ({})", number(count as u64))).collect();
            if more > 0 {
                texts.push(counted(more, "more reason", "more reasons"));
            }
            let are = if unknown == 1 { "is" } else { "are" };
            let (unknown, outputs) = (number(unknown as u64), count(self.outputs, "output"));
            notes.push(format!("{url}: {unknown} of {outputs} {are} unknown: {}", texts.join("; ")));
        }
        notes
    }
}

/// Reasons that a note names.
const MAX_REASONS: usize = 3;

fn count(count: usize, noun: &str) -> String {
    counted(count, noun, &format!("{noun}s"))
}

/// Asks caches, one after the other, for the outputs that none before has. `outputs` are full store paths by their hash.
///
/// The same answers give the same result, in whatever order they come. Every answer is on disk before whoever got it
/// asks for the next: an interruption loses none. Costs a request for each output and cache, 1 KB each, and what is on disk.
///
/// # Errors
///
/// [`Error::NotThisCache`] if what answers is no binary cache, or one of another store than `store_dir`; [`Error::Io`].
pub fn ask(
    caches: &[CacheUrl],
    store_dir: &str,
    outputs: &BTreeMap<StoreHash, String>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Answers, Error> {
    let mut all = Answers::default();
    let mut open = outputs.clone();
    for cache in caches {
        let (answers, asked) = ask_one(cache, store_dir, &open, options, progress)?;
        all.caches.push(asked);
        open.retain(|hash, _| !matches!(answers.get(hash), Some(Answer::Present(_))));
        for (hash, answer) in answers {
            let joined = join(all.answers.remove(&hash), answer);
            all.answers.insert(hash, joined);
        }
    }
    Ok(all)
}

/// What the caches before and one more say of an output.
fn join(before: Option<Answer>, answer: Answer) -> Answer {
    match (before, answer) {
        (Some(present @ Answer::Present(_)), _) | (_, present @ Answer::Present(_)) => present,
        (Some(unknown @ Answer::Unknown(_)), _) => unknown,
        (Some(Answer::Absent) | None, answer) => answer,
    }
}

type ByHash = BTreeMap<StoreHash, Answer>;

fn ask_one(
    cache: &CacheUrl,
    store_dir: &str,
    outputs: &BTreeMap<StoreHash, String>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(ByHash, Asked), Error> {
    let mut asked = Asked { url: cache.to_string(), outputs: outputs.len(), ..Asked::default() };
    // What lies in a directory is as near as what would be kept of it.
    let (mut kept, contents) = match (cache.is_local(), options.offline) {
        (true, _) => (None, Contents::default()),
        (false, true) => (None, kept::read_only(&options.directory, cache, outputs)?),
        (false, false) => {
            let (kept, contents) = Kept::open(&options.directory, cache, outputs)?;
            (Some(kept), contents)
        }
    };
    let mut answers = contents.answers;
    (asked.kept, asked.stale, asked.broken_lines) = (answers.len(), contents.stale, contents.broken_lines);
    let mut missing: Vec<(StoreHash, &str)> =
        outputs.iter().filter(|(hash, _)| !answers.contains_key(hash)).map(|(&hash, path)| (hash, path.as_str())).collect();
    if options.offline && !cache.is_local() {
        answers.extend(missing.into_iter().map(|(hash, _)| (hash, Answer::Unknown("not asked before, and --offline".to_owned()))));
    } else if !missing.is_empty() {
        // What failed before may fail again, and should not keep others from being asked.
        missing.sort_by_key(|(hash, _)| contents.failed.contains(hash));
        let mut client = Client::new(cache, options)?;
        asked.wants_few = client.greet(store_dir)?;
        progress.begin(&format!("asking {cache} for {}:", count(missing.len(), "output")), Some(missing.len() as u64));
        client.ask(&missing, |hash, learnt| {
            match (learnt, &mut kept) {
                (Learnt::Failed, Some(kept)) => kept.append_failed(hash)?,
                (Learnt::Failed, None) => {}
                (Learnt::Answer(answer), kept) => {
                    if let Some(kept) = kept {
                        kept.append(hash, &answer)?;
                    }
                    progress.advance(1);
                    answers.insert(hash, answer);
                }
            }
            Ok(())
        })?;
    }
    for answer in answers.values() {
        match answer {
            Answer::Present(_) => asked.present += 1,
            Answer::Absent => asked.absent += 1,
            Answer::Unknown(reason) => *asked.unknown.entry(reason.clone()).or_default() += 1,
        }
    }
    Ok((answers, asked))
}
