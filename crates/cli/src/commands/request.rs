//! `waves request`: the text that asks a package's own repository to support a wave.

use std::path::Path;
use std::process::Command;

use waves_core::analysis::select;
use waves_core::error::Error;
use waves_core::ledger::{remote_has_tag, upstream};
use waves_core::major::ResolvedPlan;
use waves_core::report::{RemoteReport, RequestReport};

use crate::args::{Args, RequestArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{ledger, load, output};

pub(crate) fn run(args: &Args, options: &RequestArgs) -> Result<Verdict, Failure> {
    let ledger = ledger::read(&options.ledger)?;
    let (wave, plan) = ledger::wave(&ledger, &options.ledger, options.wave.typed())?;
    let graph = load::graph(args)?;
    let situation = Situation::new(&graph, &plan, options.wave.hydra)?;
    let package = select(&graph, std::slice::from_ref(&options.package), plan.scope.into(), None)?;
    let at = plan.wave(&wave.to_string())?;
    let ResolvedPlan { waves, held } = &situation.plan;
    let updates = upstream(&graph, &plan, &waves[at], held, &package)?;
    let ask = |url: &String| -> Result<RemoteReport, Failure> {
        Ok(RemoteReport { url: url.clone(), has_tag: has_tag(url, &wave.upstream_tag())? })
    };
    let remote = options.check_remote.as_ref().map(ask).transpose()?;
    let (label, version) = package.first().map_or((options.package.as_str(), ""), |root| {
        let face = graph.derivation(root.face);
        (face.label(), face.version())
    });
    output::print(&RequestReport::new(wave, label, version, &updates, remote), &options.format)?;
    Ok(Verdict::Fine)
}

/// Asks a repository for a tag. One of this machine is read; any other is git's to ask, which has the user's keys and proxies.
fn has_tag(url: &str, tag: &str) -> Result<bool, Failure> {
    if url.starts_with("file://") || Path::new(url).exists() || !url.contains(':') {
        return Ok(remote_has_tag(url, tag)?);
    }
    let failed = |reason: String| Failure::Core(Error::Repository { path: url.into(), reason });
    let mut git = Command::new("git");
    // Nobody is there to answer a question.
    git.args(["ls-remote", "--tags", "--", url]).arg(format!("refs/tags/{tag}")).env("GIT_TERMINAL_PROMPT", "0");
    let output = git.output().map_err(|error| failed(format!("it cannot be asked without git: {error}")))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().replace('\n', ": ")));
    }
    Ok(!output.stdout.is_empty())
}
