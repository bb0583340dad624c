//! What all workers that ask one cache have in common: when the next may ask, and whether it is worth asking at all.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets requests pass; a circuit breaker. Each request passes it before it is sent.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    closed: Condvar,
    deadline: Option<Instant>,
    /// Questions in a row without an answer that close it.
    limit: usize,
}

#[derive(Debug)]
struct State {
    /// Why nobody passes any more.
    closed: Option<String>,
    /// When the cache wants to be asked again.
    not_before: Instant,
    /// Questions in a row that had no answer, after all tries.
    failures: usize,
    /// Tries in a row that failed.
    failed_tries: usize,
}

impl Gate {
    /// Open for `time_limit`, or until `limit` questions in a row had no answer.
    pub(crate) fn new(limit: usize, time_limit: Option<Duration>) -> Self {
        let now = Instant::now();
        let state = State { closed: None, not_before: now, failures: 0, failed_tries: 0 };
        Self { state: Mutex::new(state), closed: Condvar::new(), deadline: time_limit.and_then(|limit| now.checked_add(limit)), limit }
    }

    /// Waits until `earliest`, and for as long as the cache wants a pause; the reason if nobody passes any more.
    pub(crate) fn pass(&self, earliest: Instant) -> Result<(), String> {
        let mut state = self.lock();
        loop {
            if let Some(reason) = &state.closed {
                return Err(reason.clone());
            }
            let now = Instant::now();
            let until = earliest.max(state.not_before);
            if self.deadline.is_some_and(|deadline| deadline <= now.max(until)) {
                return Err("no time was left".to_owned());
            }
            if until <= now {
                return Ok(());
            }
            (state, _) = self.closed.wait_timeout(state, until - now).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody passes for a time.
    pub(crate) fn pause(&self, time: Duration) {
        let mut state = self.lock();
        state.not_before = state.not_before.max(Instant::now() + time);
    }

    /// A question was answered.
    pub(crate) fn answered(&self) {
        let mut state = self.lock();
        (state.failures, state.failed_tries) = (0, 0);
    }

    /// A try failed; if it was the last of its question, that has no answer.
    pub(crate) fn failed(&self, is_last: bool, reason: &str) {
        let mut state = self.lock();
        state.failed_tries += 1;
        state.failures += usize::from(is_last);
        if state.failures >= self.limit && state.closed.is_none() {
            state.closed = Some(format!("not asked, as {} questions in a row had no answer, the last: {reason}", self.limit));
            self.closed.notify_all();
        }
    }

    /// Whether nothing but failures came of late: time to see whether it passes, and to ask nothing new.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().failed_tries >= self.limit
    }

    /// Nobody passes any more.
    pub(crate) fn close(&self, reason: &str) {
        self.lock().closed.get_or_insert_with(|| reason.to_owned());
        self.closed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_after_failures_in_a_row() {
        let gate = Gate::new(3, None);
        let pass = || gate.pass(Instant::now());
        gate.failed(true, "a");
        gate.failed(true, "b");
        gate.answered();
        gate.failed(true, "c");
        gate.failed(true, "d");
        assert_eq!((pass(), gate.is_failing()), (Ok(()), false));
        gate.failed(false, "e");
        assert_eq!((pass(), gate.is_failing()), (Ok(()), true));
        gate.failed(true, "e");
        assert_eq!(pass(), Err("not asked, as 3 questions in a row had no answer, the last: e".to_owned()));
        gate.answered();
        gate.close("later");
        assert!(pass().is_err_and(|reason| reason.ends_with("the last: e")) && !gate.is_failing());
    }

    #[test]
    fn nobody_waits_for_what_the_time_limit_forbids() {
        let gate = Gate::new(1, Some(Duration::from_hours(1)));
        assert_eq!(gate.pass(Instant::now()), Ok(()));
        gate.pause(Duration::from_hours(2));
        assert_eq!(gate.pass(Instant::now()), Err("no time was left".to_owned()));
        assert!(Gate::new(1, Some(Duration::ZERO)).pass(Instant::now()).is_err());
    }

    #[test]
    fn who_waits_is_told() {
        let gate = Gate::new(1, None);
        gate.pause(Duration::from_hours(1));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.pass(Instant::now()));
            gate.close("enough");
            assert_eq!(waiting.join().expect("no panic"), Err("enough".to_owned()));
        });
    }
}
