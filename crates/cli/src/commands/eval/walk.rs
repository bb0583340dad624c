//! Evaluation by `nix-instantiate`: several processes, each for a few of the attributes.
//!
//! Within a process, an attribute that throws or fails an assertion costs only itself. What Nix cannot catch, such as a
//! type error or too little memory, ends the process: then its attributes are evaluated again in halves, until the one
//! is found that does it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use waves_core::progress::Progress;

use super::nix::{Running, instantiate};
use super::target::{AttrPath, Target, paths, strings};
use super::{Evaluation, failed};
use crate::args::EvalArgs;
use crate::commands::Failure;

/// Attributes for one process, at most: fewer share less of their work, more need more memory.
const MAX_CHUNK: usize = 512;
/// Attributes that throw and are evaluated again to learn why. One takes as long as it takes to load all of the set.
const MAX_EXPLAINED: usize = 200;
/// Attributes that end a process before it is clear that no other will do.
const MAX_FATAL: usize = 100;

/// A line of nix-eval-jobs.
type Line = Vec<u8>;

/// An attribute as `eval.nix` describes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    attr_path: AttrPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

struct Walk<'a> {
    target: &'a Target,
    eval: &'a EvalArgs,
    running: &'a Running,
    progress: &'a dyn Progress,
    /// Attributes that throw, up to now.
    thrown: AtomicUsize,
    /// Attributes that end a process, up to now.
    fatal: AtomicUsize,
    /// Whether anything has been evaluated.
    evaluated: AtomicBool,
}

/// Adds the attributes of the target to an evaluation.
pub(super) fn evaluate(
    target: &Target,
    eval: &EvalArgs,
    running: &Running,
    progress: &dyn Progress,
    evaluation: &mut Evaluation,
) -> Result<(), Failure> {
    let (thrown, fatal, evaluated) = (AtomicUsize::default(), AtomicUsize::default(), AtomicBool::default());
    let walk = Walk { target, eval, running, progress, thrown, fatal, evaluated };
    let workers = rayon::ThreadPoolBuilder::new().num_threads(eval.workers.into()).build();
    let workers = workers.map_err(|error| Failure::Usage(format!("--workers {}: {error}", eval.workers)))?;
    let mut units: Vec<AttrPath> = walk.ask("units")?.map_err(|message| failed(&eval.target, &message))?;
    units.sort_unstable();
    units.dedup();
    for line in workers.install(|| walk.all(&units))? {
        evaluation.add(&line)?;
    }
    Ok(())
}

impl Walk<'_> {
    fn ask<T: DeserializeOwned>(&self, wanted: &str) -> Result<Result<T, String>, Failure> {
        instantiate(self.running, self.target, wanted, self.eval.max_memory)
    }

    /// Evaluates attributes in as many processes as there are workers.
    fn all(&self, units: &[AttrPath]) -> Result<Vec<Line>, Failure> {
        let size = units.len().div_ceil(rayon::current_num_threads()).clamp(1, MAX_CHUNK);
        let chunks: Vec<_> = units.par_chunks(size).with_max_len(1).map(|chunk| self.chunk(chunk)).collect::<Result<_, _>>()?;
        Ok(chunks.into_iter().flatten().collect())
    }

    /// Evaluates attributes in one process; and if that fails, each half in one.
    fn chunk(&self, units: &[AttrPath]) -> Result<Vec<Line>, Failure> {
        match (self.ask::<Vec<Row>>(&format!("rows {}", paths(units)))?, units) {
            (Ok(rows), _) => rows.into_par_iter().map(|row| self.line(row)).collect(),
            (Err(message), [unit]) => self.inside(unit, message),
            (Err(_), units) => {
                let (left, right) = units.split_at(units.len() / 2);
                let (left, right) = rayon::join(|| self.chunk(left), || self.chunk(right));
                let mut lines = left?;
                lines.append(&mut right?);
                Ok(lines)
            }
        }
    }

    /// An attribute that ends its process. If it is a set, something in it does.
    fn inside(&self, unit: &AttrPath, message: String) -> Result<Vec<Line>, Failure> {
        let children: Vec<AttrPath> = self.ask(&format!("children {}", strings(unit)))?.unwrap_or_default();
        if !children.is_empty() {
            return self.all(&children);
        }
        if self.fatal.fetch_add(1, Ordering::Relaxed) >= MAX_FATAL && !self.evaluated.load(Ordering::Relaxed) {
            return Err(failed(&self.eval.target, &message));
        }
        self.progress.advance(1);
        Ok(vec![line(&Row { attr_path: unit.clone(), error: Some(message), rest: Map::new() })])
    }

    /// Writes an attribute down; if it throws, with the reason.
    fn line(&self, mut row: Row) -> Result<Line, Failure> {
        if row.error.is_none() {
            self.evaluated.store(true, Ordering::Relaxed);
        } else if self.thrown.fetch_add(1, Ordering::Relaxed) < MAX_EXPLAINED
            && let Err(reason) = self.ask::<IgnoredAny>(&format!("explain {}", strings(&row.attr_path)))?
        {
            row.error = Some(reason);
        }
        self.progress.advance(1);
        Ok(line(&row))
    }
}

/// An attribute as nix-eval-jobs writes it. Strings and values that come from JSON can be written as JSON.
fn line(row: &Row) -> Line {
    serde_json::to_vec(row).unwrap_or_default()
}
