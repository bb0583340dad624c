//! Evaluation by `nix-eval-jobs`: it has workers, limits their memory, and tells why an attribute fails.

use std::io::{BufRead as _, BufReader};

use waves_core::progress::Progress;

use super::nix::Process;
use super::target::Target;
use super::{Evaluation, failed};
use crate::args::EvalArgs;
use crate::commands::Failure;

/// Adds its lines to an evaluation. Returns whether it is installed.
pub(super) fn evaluate(target: &Target, eval: &EvalArgs, progress: &dyn Progress, evaluation: &mut Evaluation) -> Result<bool, Failure> {
    let (workers, max_memory) = (eval.workers.to_string(), eval.max_memory.to_string());
    let expression = target.expression("tree");
    let arguments = ["--meta", "--workers", &workers, "--max-memory-size", &max_memory].into_iter().chain(target.options());
    let Some(mut process) = Process::start("nix-eval-jobs", arguments.chain(["--expr", &expression]))? else {
        return Ok(false);
    };
    let failed = |reason: String| failed(&eval.target, &reason);
    for line in process.stdout().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let line = line.map_err(|error| failed(error.to_string()))?;
        if !line.trim_ascii().is_empty() {
            evaluation.add(&line)?;
            progress.advance(1);
        }
    }
    process.finish()?.map_err(failed)?;
    Ok(true)
}
