//! `waves eval`: Nix evaluates, its store is read.
//!
//! `nix-eval-jobs` evaluates where it is installed ([`jobs`]), else `nix-instantiate`, which every Nix has ([`walk`]).
//! Both are asked with the same expression ([`target`]) and answer in lines of nix-eval-jobs. Those are imported, with
//! the derivations that Nix has written to its store on the way.

mod jobs;
mod nix;
mod target;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;
use waves_core::error::Error;
use waves_core::graph::Graph;
use waves_core::ingest::Input;
use waves_core::progress::Progress;

use crate::args::{Args, EvalArgs};
use crate::commands::{Failure, import};
use crate::exit_code::Verdict;
use crate::progress;
use nix::Running;
use target::Target;

pub(crate) fn run(args: &Args, eval: &EvalArgs) -> Result<Verdict, Failure> {
    import::check(&eval.snapshot)?;
    let graph = {
        let progress = progress::new(args.quiet);
        let inputs = evaluate(eval, &progress)?.inputs()?;
        Graph::import(&inputs, &progress)?
    };
    import::save(args, &graph, &eval.snapshot)
}

fn evaluate(eval: &EvalArgs, progress: &dyn Progress) -> Result<Evaluation, Failure> {
    let target = Target::new(eval)?;
    let mut evaluation = Evaluation::new(&eval.target)?;
    progress.begin(&format!("evaluating {}", eval.target), None);
    let running = Running::new(eval.timeout)?;
    if !jobs::evaluate(&target, eval, &running, progress, &mut evaluation)? {
        walk::evaluate(&target, eval, &running, progress, &mut evaluation)?;
    }
    Ok(evaluation)
}

/// Attributes, as lines of nix-eval-jobs in a file that has no name and goes with the process; and their derivations.
struct Evaluation {
    name: String,
    lines: BufWriter<File>,
    derivations: BTreeSet<String>,
    first_error: Option<String>,
}

/// What of a line matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    attr: Option<IgnoredAny>,
    attr_path: Option<IgnoredAny>,
    #[serde(borrow)]
    drv_path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
}

impl Evaluation {
    fn new(name: &str) -> Result<Self, Failure> {
        let lines = BufWriter::new(tempfile::tempfile().map_err(temporary)?);
        Ok(Self { name: name.to_owned(), lines, derivations: BTreeSet::new(), first_error: None })
    }

    fn add(&mut self, line: &[u8]) -> Result<(), Failure> {
        let parsed: Line<'_> = serde_json::from_slice(line).map_err(|error| garbage(line, &error))?;
        if parsed.attr.is_none() && parsed.attr_path.is_none() {
            return Err(parsed.error.map_or_else(|| garbage(line, &"no attribute"), |error| failed(&self.name, &error)));
        }
        if let Some(path) = parsed.drv_path {
            self.derivations.insert(path.into_owned());
        }
        if let (None, Some(error)) = (&self.first_error, parsed.error) {
            self.first_error = Some(error.into_owned());
        }
        self.lines.write_all(line).and_then(|()| self.lines.write_all(b"\n")).map_err(temporary)
    }

    /// What to import, if there is a derivation, and it can be read.
    fn inputs(self) -> Result<[Input; 2], Failure> {
        let Some(first) = self.derivations.first() else {
            let reason = self.first_error.unwrap_or_else(|| {
                "no derivation in it (hint: a set in it is looked into only if it has `recurseForDerivations = true`, or if \
                 --attr names it)"
                    .to_owned()
            });
            return Err(failed(&self.name, &reason));
        };
        if !in_store(first).is_file() {
            let reason = format!(
                "Nix keeps its derivations elsewhere, {first} is not here (hint: `nix derivation show -r ATTRIBUTES > \
                 derivations.json` gets them from any store, for `waves import`)"
            );
            return Err(failed(&self.name, &reason));
        }
        let derivations = self.derivations.iter().map(|path| in_store(path)).collect();
        let mut file = self.lines.into_inner().map_err(|error| temporary(error.into_error()))?;
        file.rewind().map_err(temporary)?;
        Ok([Input::File { name: self.name, file }, Input::Closure(derivations)])
    }
}

/// Where the file of a store path lies: as it says, or below the root that `NIX_REMOTE` names.
fn in_store(path: &str) -> PathBuf {
    let root = env::var_os("NIX_REMOTE").map(PathBuf::from).filter(|root| root.is_absolute());
    root.map_or_else(|| PathBuf::from(path), |root| root.join(path.trim_start_matches('/')))
}

/// Nix printed something else than was asked for.
fn garbage(printed: &[u8], reason: &dyn fmt::Display) -> Failure {
    const SHOWN: usize = 60;
    let beginning: String = String::from_utf8_lossy(printed.trim_ascii()).chars().take(SHOWN).collect();
    Failure::Nix(format!("Nix printed `{}`, not an evaluation: {reason}", beginning.escape_debug()))
}

/// The evaluation as a whole failed: Nix's message, or why there is none.
fn failed(target: &str, message: &str) -> Failure {
    Failure::Nix(format!("{target}: {}", message.strip_prefix("error: ").unwrap_or(message)))
}

/// A temporary file that cannot be made or written.
fn temporary(error: io::Error) -> Failure {
    Failure::Core(Error::io("write", env::temp_dir())(error))
}
