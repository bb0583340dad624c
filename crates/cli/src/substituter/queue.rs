//! What is still to be asked of a cache: first all that never was, and in between what is to be tried again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A question, and how it fared so far. Ordered by when it may be asked.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    /// When it may be asked.
    pub(crate) earliest: Instant,
    /// Its place among all.
    pub(crate) number: usize,
    /// Tries that failed.
    pub(crate) failures: u32,
    /// Why the last of them did.
    pub(crate) reason: Option<String>,
}

impl Question {
    /// One that was never asked.
    pub(crate) fn new(number: usize) -> Self {
        Self { earliest: Instant::now(), number, failures: 0, reason: None }
    }
}

/// Questions that wait. Nobody sleeps over one that failed while there are others.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// How many questions there are.
    count: usize,
}

#[derive(Debug, Default)]
struct State {
    /// The first question that was never asked.
    next: usize,
    again: BinaryHeap<Reverse<Question>>,
}

impl Queue {
    pub(crate) fn new(count: usize) -> Self {
        Self { state: Mutex::default(), count }
    }

    /// The next question; it may have to be waited for.
    ///
    /// What is due to be tried again comes first. If `only_again`, nothing new is begun as long as something else waits.
    pub(crate) fn next(&self, only_again: bool) -> Option<Question> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = state.again.peek().is_some_and(|Reverse(question)| question.earliest <= Instant::now());
        let has_new = state.next < self.count && (state.again.is_empty() || !only_again);
        if has_new && !is_due {
            state.next += 1;
            return Some(Question::new(state.next - 1));
        }
        state.again.pop().map(|Reverse(question)| question)
    }

    /// A question is to be asked again.
    pub(crate) fn push(&self, question: Question) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).again.push(Reverse(question));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_comes_first_and_what_is_not_comes_last() {
        let queue = Queue::new(3);
        let next = |only_again| queue.next(only_again).map(|question| (question.number, question.failures));
        let again = |number, earliest| Question { earliest, number, failures: 1, reason: None };
        let now = Instant::now();
        assert_eq!(next(false), Some((0, 0)));
        queue.push(again(0, now + Duration::from_hours(2)));
        assert_eq!(next(false), Some((1, 0)));
        queue.push(again(1, now));
        assert_eq!(next(false), Some((1, 1)));
        queue.push(again(1, now + Duration::from_hours(1)));
        assert_eq!(next(true), Some((1, 1)));
        assert_eq!(next(true), Some((0, 1)));
        assert_eq!(next(true), Some((2, 0)));
        assert_eq!(next(false), None);
    }
}
