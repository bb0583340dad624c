//! Outputs that are made up, what a cache says of them, and a client that is in a hurry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use waves_core::cost::narinfo::Answer;
use waves_core::store_path::{StoreHash, StorePath};
use waves_substituter::{Answers, CacheUrl, Error, Options, ask};

use crate::server::{Reply, Request};

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

pub(crate) const STORE_DIR: &str = "/nix/store";

/// The hash part of the path of an output.
pub(crate) fn hash(number: usize) -> String {
    format!("{number:032}")
}

/// The store path of an output.
pub(crate) fn path(number: usize) -> String {
    format!("{STORE_DIR}/{}-p{number}-1.0", hash(number))
}

/// The outputs with these numbers, by hash.
pub(crate) fn outputs(numbers: impl IntoIterator<Item = usize>) -> BTreeMap<StoreHash, String> {
    numbers.into_iter().map(path).map(|path| (StorePath::parse(&path).expect("a path").hash, path)).collect()
}

/// What a cache says of an output that it has.
pub(crate) fn narinfo(number: usize) -> String {
    let (path, reference, size) = (path(number), hash(number), 1000 + number);
    format!(
        "StorePath: {path}\nURL: nar/{number}.nar.xz\nCompression: xz\nFileHash: sha256:f{number}\nFileSize: {number}1\n\
         NarHash: sha256:n{number}\nNarSize: {size}\nReferences: {reference}-p{number}-1.0\nSig: key:c2ln\n"
    )
}

/// The number of the output that is asked for; `None` for the cache's own file.
pub(crate) fn number(request: &Request) -> Option<usize> {
    match request.name.as_str() {
        "nix-cache-info" => None,
        name => Some(name.strip_suffix(".narinfo").and_then(|hash| hash.parse().ok()).expect("a narinfo")),
    }
}

/// A handler: as a cache that is in order, but for what `of` says of each output.
pub(crate) fn cache(of: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| match number(request) {
        None => Reply::body(format!("StoreDir: {STORE_DIR}\nWantMassQuery: 1\nPriority: 40\n")),
        Some(number) => of(number, request),
    }
}

/// A handler: as a cache that has what `has` says.
pub(crate) fn holding(has: impl Fn(usize) -> bool + Send + Sync + 'static) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    cache(move |number, _| if has(number) { Reply::body(narinfo(number)) } else { Reply::status(404) })
}

/// Asks without much patience.
pub(crate) struct Asker {
    pub(crate) directory: TempDir,
    pub(crate) options: Options,
}

impl Asker {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = Options {
            tries: 3,
            connect_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_mins(1),
            retry_delay: Duration::from_millis(1),
            max_retry_after: Duration::from_millis(50),
            ..Options::new(directory.path())
        };
        Self { directory, options }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut asker = Self::new();
        change(&mut asker.options);
        asker
    }

    pub(crate) fn try_ask(&self, urls: &[&str], numbers: impl IntoIterator<Item = usize>) -> Result<Answers, Error> {
        let caches: Vec<CacheUrl> = urls.iter().map(|url| CacheUrl::parse(url).expect("a URL")).collect();
        ask(&caches, STORE_DIR, &outputs(numbers), &self.options, &())
    }

    /// Asks one cache for outputs.
    pub(crate) fn ask(&self, url: &str, numbers: impl IntoIterator<Item = usize>) -> Answers {
        self.try_ask(&[url], numbers).expect("it can be asked")
    }
}

/// An answer in a word: `present`, `absent`, or why it is unknown.
pub(crate) fn word(answer: &Answer) -> &str {
    match answer {
        Answer::Present(_) => "present",
        Answer::Absent => "absent",
        Answer::Unknown(reason) => reason,
    }
}

/// All answers in words, in the order of their outputs' hashes.
pub(crate) fn words(answers: &Answers) -> Vec<&str> {
    let mut words: Vec<(String, &str)> = answers.answers.iter().map(|(hash, answer)| (hash.to_string(), word(answer))).collect();
    words.sort_unstable();
    words.into_iter().map(|(_, word)| word).collect()
}

/// The one answer to a question for one output.
pub(crate) fn only(answers: &Answers) -> &str {
    let words = words(answers);
    assert_eq!(words.len(), 1);
    words[0]
}
