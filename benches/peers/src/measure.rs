//! Times of answers.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

/// The best of so many is told, and of more while they are quick.
const REPEATS: usize = 5;
/// Repeated at least so long, in seconds.
const QUICK: f64 = 0.2;
/// What takes longer, in seconds, is not repeated.
const SLOW: f64 = 10.0;
/// A sample grows until it takes so long, in seconds.
const SAMPLED: f64 = 3.0;
/// A sample has at least so many items: the largest closures are most of the work.
const LEAST: usize = 256;
/// What would take longer for all, in seconds, is extrapolated.
const WHOLE: f64 = 30.0;

/// A line of the table, as far as the tool itself can tell it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The tool, and what of it was used.
    pub(crate) tool: String,
    pub(crate) question: &'static str,
    /// Best of the repetitions; for all items, if only some were asked; `None` if it cannot be answered, as the note says.
    pub(crate) seconds: Option<f64>,
    pub(crate) repeats: usize,
    /// Items that were asked, if not all.
    pub(crate) sampled: Option<usize>,
    /// What all tools must agree on; of a sample, the first of it.
    pub(crate) answer: Vec<u64>,
    /// Over all items, if all were asked.
    pub(crate) total: Option<u64>,
    pub(crate) threads: usize,
    pub(crate) note: String,
}

impl Row {
    /// A question that a tool cannot answer, and why.
    pub(crate) fn unanswered(tool: &str, question: &'static str, why: impl Into<String>) -> Self {
        let (tool, note) = (tool.to_owned(), why.into());
        Self { tool, question, seconds: None, repeats: 0, sampled: None, answer: Vec::new(), total: None, threads: 1, note }
    }

    pub(crate) fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Times one answer, and how many times it was given.
fn best<T>(answer: impl Fn() -> T) -> (f64, usize, T) {
    let start = Instant::now();
    let (mut best, mut repeats) = (f64::INFINITY, 0);
    loop {
        let begin = Instant::now();
        let value = black_box(answer());
        best = best.min(begin.elapsed().as_secs_f64());
        repeats += 1;
        let spent = start.elapsed().as_secs_f64();
        if spent > SLOW || (repeats >= REPEATS && spent > QUICK) {
            return (best, repeats, value);
        }
    }
}

/// A question with one answer, which `digest` makes comparable.
pub(crate) fn whole<T>(tool: &str, question: &'static str, ask: impl Fn() -> T, digest: impl Fn(&T) -> Vec<u64>) -> Row {
    let (seconds, repeats, value) = best(ask);
    let (tool, answer) = (tool.to_owned(), digest(&value));
    Row { tool, question, seconds: Some(seconds), repeats, sampled: None, answer, total: None, threads: 1, note: String::new() }
}

/// A question that is asked of every item, all at once.
pub(crate) fn all(tool: &str, question: &'static str, sample: &[u32], ask: impl Fn() -> Vec<u64>) -> Row {
    let (seconds, repeats, values) = best(ask);
    let answer = sample.iter().map(|&item| values[item as usize]).collect();
    let total = Some(values.iter().sum());
    Row { tool: tool.to_owned(), question, seconds: Some(seconds), repeats, sampled: None, answer, total, threads: 1, note: String::new() }
}

/// A question that is asked of `items` one by one: of all if that takes half a minute at most, else of a growing part of `sample`.
pub(crate) fn each(tool: &str, question: &'static str, items: usize, sample: &[u32], ask: impl Fn(&[u32]) -> Vec<u64>) -> Row {
    let mut asked = sample.len().min(LEAST);
    let (seconds, answer) = loop {
        let begin = Instant::now();
        let values = black_box(ask(&sample[..asked]));
        let seconds = begin.elapsed().as_secs_f64();
        if seconds > SAMPLED || asked == sample.len() {
            break (seconds * items as f64 / asked as f64, values);
        }
        asked = sample.len().min(4 * asked);
    };
    if seconds <= WHOLE {
        let every: Vec<u32> = (0..items as u32).collect();
        return all(tool, question, sample, || ask(&every));
    }
    Row {
        tool: tool.to_owned(),
        question,
        seconds: Some(seconds),
        repeats: 1,
        sampled: Some(asked),
        answer,
        total: None,
        threads: 1,
        note: String::new(),
    }
}

/// A set of nodes: how many, and their sum.
pub(crate) fn digest(nodes: impl IntoIterator<Item = usize>) -> Vec<u64> {
    let (count, sum) = nodes.into_iter().fold((0, 0), |(count, sum), node| (count + 1, sum + node as u64));
    vec![count, sum]
}

/// The sizes of the components of more than one node.
pub(crate) fn component_sizes(sizes: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut sizes: Vec<u64> = sizes.filter(|&size| size > 1).map(|size| size as u64).collect();
    sizes.sort_unstable();
    sizes
}
