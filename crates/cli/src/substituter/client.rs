//! Asks one cache: with a bounded number of workers, and several tries of each question.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use waves_core::cost::narinfo::{Answer, NarInfo};
use waves_core::store_path::StoreHash;

use crate::gate::Gate;
use crate::queue::{Question, Queue};
use crate::transport::{Transport, Trouble};
use crate::{CacheUrl, Error, Options};

/// Connections to a cache that does not say `WantMassQuery: 1`.
const FEW_JOBS: usize = 4;

/// What a cache says of itself.
const CACHE_INFO: &str = "nix-cache-info";

/// Asks a cache.
pub(crate) struct Client<'c> {
    cache: &'c CacheUrl,
    options: &'c Options,
    transport: Transport,
    gate: Gate,
    jobs: usize,
}

impl<'c> Client<'c> {
    pub(crate) fn new(cache: &'c CacheUrl, options: &'c Options) -> Result<Self, Error> {
        let gate = Gate::new(options.give_up_after, options.time_limit);
        Ok(Self { cache, options, transport: Transport::new(cache, options)?, gate, jobs: options.jobs })
    }

    /// Asks what the cache is, and whether it wants few questions only. One that cannot be reached is asked nothing more.
    pub(crate) fn greet(&mut self, store_dir: &str) -> Result<bool, Error> {
        let refused = |reason: String| Error::NotThisCache { url: self.cache.to_string(), reason };
        let mut question = Question::new(0);
        let text = loop {
            match self.attempt(question, CACHE_INFO, |_, body| Ok(String::from_utf8_lossy(body).into_owned())) {
                Tried::Again(again) => question = again,
                Tried::Found(text) => break text,
                Tried::Missing => {
                    return Err(refused(format!("not a binary cache: it has no {CACHE_INFO} (hint: is the URL complete?)")));
                }
                Tried::Never(reason) | Tried::Closed(reason) => {
                    self.gate.close(&format!("not asked, as the cache cannot be reached: {reason}"));
                    return Ok(false);
                }
            }
        };
        let value =
            |key: &str| text.lines().find_map(|line| line.split_once(':').filter(|(name, _)| *name == key).map(|(_, value)| value.trim()));
        match value("StoreDir") {
            Some(directory) if directory == store_dir => {}
            Some(directory) => {
                let directory: String = directory.chars().filter(|character| !character.is_control()).take(200).collect();
                return Err(refused(format!("a cache of {directory}, and this evaluation is of {store_dir}")));
            }
            None => {
                return Err(refused(format!("not a binary cache: its {CACHE_INFO} does not say StoreDir (hint: is the URL complete?)")));
            }
        }
        let wants_few = !self.cache.is_local() && value("WantMassQuery") != Some("1");
        if wants_few {
            self.jobs = self.jobs.min(FEW_JOBS);
        }
        Ok(wants_few)
    }

    /// Asks for outputs, several at once, and hands over what is learnt as it comes: one thing at a time, and before who
    /// learnt it asks for anything else. Stops at an error of `take`.
    pub(crate) fn ask(
        &self,
        outputs: &[(StoreHash, &str)],
        take: impl FnMut(StoreHash, Learnt) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let queue = Queue::new(outputs.len());
        let listener = Listener(Mutex::new((take, Ok(()))));
        thread::scope(|scope| {
            for _ in 0..self.jobs.min(outputs.len()) {
                scope.spawn(|| self.work(&queue, outputs, &listener));
            }
        });
        let (_, result) = listener.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        result
    }

    /// Asks until nothing is left, or nobody listens.
    fn work(&self, queue: &Queue, outputs: &[(StoreHash, &str)], listener: &Listener<impl FnMut(StoreHash, Learnt) -> Result<(), Error>>) {
        while let Some(question) = queue.next(self.gate.is_failing()) {
            let (hash, path) = outputs[question.number];
            let is_first_try = question.failures == 0;
            let tried = self.attempt(question, &format!("{hash}.narinfo"), |name, body| narinfo(name, body, path));
            let has_failed = is_first_try && matches!(tried, Tried::Again(_) | Tried::Never(_));
            let (answer, again) = match tried {
                Tried::Again(question) => (None, Some(question)),
                Tried::Found(info) => (Some(Answer::Present(Box::new(info))), None),
                Tried::Missing => (Some(Answer::Absent), None),
                Tried::Never(reason) | Tried::Closed(reason) => (Some(Answer::Unknown(reason)), None),
            };
            let learnt = has_failed.then_some(Learnt::Failed).into_iter().chain(answer.map(Learnt::Answer));
            if !listener.tell(hash, learnt) {
                // Whoever still waits for another try would wait for nothing.
                self.gate.close("stopped");
                return;
            }
            // Only now: its answer is told after its failure.
            if let Some(question) = again {
                queue.push(question);
            }
        }
    }

    /// Tries once, when it is time for it, to get a file and to read it.
    fn attempt<T>(&self, question: Question, name: &str, read: impl Fn(&str, &[u8]) -> Result<T, Trouble>) -> Tried<T> {
        if let Err(closed) = self.gate.pass(question.earliest) {
            return Tried::Closed(question.reason.unwrap_or(closed));
        }
        match self.transport.get(name).and_then(|body| body.map(|body| read(name, &body)).transpose()) {
            Ok(answer) => {
                self.gate.answered();
                answer.map_or(Tried::Missing, Tried::Found)
            }
            Err(Trouble { reason, again, after }) => {
                let failures = question.failures + 1;
                if let Some(after) = after {
                    self.gate.pause(after.min(self.options.max_retry_after));
                }
                let is_last = !again || failures >= self.options.tries;
                self.gate.failed(is_last, &reason);
                if is_last {
                    return Tried::Never(reason);
                }
                let earliest = Instant::now() + retry_delay(self.options.retry_delay, name, failures);
                Tried::Again(Question { earliest, failures, reason: Some(reason), ..question })
            }
        }
    }
}

/// What came of a try.
enum Tried<T> {
    /// The file.
    Found(T),
    /// The cache says that there is none.
    Missing,
    /// It failed, and may have more luck later.
    Again(Question),
    /// It failed for good; why.
    Never(String),
    /// It was not tried, as nothing is any more; why nobody knows.
    Closed(String),
}

/// Who is told what is learnt, until that fails.
struct Listener<T>(Mutex<(T, Result<(), Error>)>);

impl<T: FnMut(StoreHash, Learnt) -> Result<(), Error>> Listener<T> {
    /// Whether more is welcome.
    fn tell(&self, hash: StoreHash, learnt: impl IntoIterator<Item = Learnt>) -> bool {
        let (take, result) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_ok() {
            *result = learnt.into_iter().try_for_each(|learnt| take(hash, learnt));
        }
        result.is_ok()
    }
}

/// What is learnt of an output.
pub(crate) enum Learnt {
    /// The first try failed; its answer comes later.
    Failed,
    /// Its answer.
    Answer(Answer),
}

/// Reads the narinfo of a store path.
fn narinfo(name: &str, body: &[u8], path: &str) -> Result<NarInfo, Trouble> {
    let broken = |error: waves_core::error::Error| Trouble::passing(error.to_string().replace(name, "a broken narinfo"));
    let info = NarInfo::parse(name, body).map_err(broken)?;
    if info.store_path == path { Ok(info) } else { Err(Trouble::lasting("the narinfo of another store path")) }
}

/// The pause behind a try: it doubles each time, and is half as long up to half as long again.
///
/// Chance would do; but what is asked decides, so that two runs are alike.
fn retry_delay(base: Duration, name: &str, attempt: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (name, attempt).hash(&mut hasher);
    let thousandths = 500 + (hasher.finish() % 1000) as u32;
    base.saturating_mul(1 << (attempt - 1).min(16)).saturating_mul(thousandths) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_differ() {
        let base = Duration::from_millis(100);
        let pauses = |name: &str| (1..=4).map(|attempt| retry_delay(base, name, attempt)).collect::<Vec<_>>();
        for (doublings, pause) in pauses("a").into_iter().enumerate() {
            let middle = base * (1 << doublings);
            assert!(middle / 2 <= pause && pause < middle * 3 / 2, "{pause:?}");
        }
        assert_ne!(pauses("a"), pauses("b"));
        assert_eq!(pauses("a"), pauses("a"));
        assert!(retry_delay(Duration::MAX, "a", u32::MAX) > base);
    }
}
