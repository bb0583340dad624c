//! Evaluation by `nix-eval-jobs`: it has workers, limits their memory, and tells why an attribute fails.

use std::io::{self, BufRead, BufReader, Read as _};

use waves_core::ingest::MAX_ENTRY;
use waves_core::progress::Progress;

use super::nix::{Process, Running, TOO_LONG};
use super::target::Target;
use super::{Evaluation, failed, garbage};
use crate::args::EvalArgs;
use crate::commands::Failure;

/// Adds its lines to an evaluation. Returns whether it is installed.
pub(super) fn evaluate(
    target: &Target,
    eval: &EvalArgs,
    running: &Running,
    progress: &dyn Progress,
    evaluation: &mut Evaluation,
) -> Result<bool, Failure> {
    let (workers, max_memory) = (eval.workers.to_string(), eval.max_memory.to_string());
    let expression = target.expression("tree");
    let arguments = ["--meta", "--workers", &workers, "--max-memory-size", &max_memory].into_iter().chain(target.options());
    let Some(mut process) = Process::start(running, "nix-eval-jobs", arguments.chain(["--expr", &expression]))? else {
        return Ok(false);
    };
    let failed = |reason: String| failed(&eval.target, &reason);
    let mut stdout = process.stdout().map(BufReader::new);
    let mut line = Vec::new();
    while let Some(stdout) = &mut stdout
        && read_line(stdout, &mut line).map_err(|error| failed(error.to_string()))? > 0
    {
        if line.len() as u64 > MAX_ENTRY {
            return Err(garbage(&line, &TOO_LONG));
        }
        // What is behind its last end of a line was cut off with the process.
        let is_whole = line.ends_with(b"\n");
        let text = line.trim_ascii();
        if !text.is_empty() {
            match evaluation.add(text) {
                Err(failure) if !is_whole => return Err(process.finish()?.map_or_else(failed, |()| failure)),
                added => added?,
            }
            progress.advance(1);
        }
    }
    process.finish()?.map_err(failed)?;
    Ok(true)
}

/// The next line, as far as one may be long: how many bytes that are.
fn read_line(stdout: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    stdout.take(MAX_ENTRY + 1).read_until(b'\n', line)
}
