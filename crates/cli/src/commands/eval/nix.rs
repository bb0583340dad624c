//! Nix as a process.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Once;

use serde::de::DeserializeOwned;

use super::target::Target;
use super::{garbage, temporary};
use crate::commands::Failure;
use crate::output;

/// Bytes at the end of standard error in which the message is looked for.
const TAIL_BYTES: u64 = 1 << 16;

/// A process that is ended when it is dropped.
///
/// Its standard error goes to a file, so that nobody has to read two pipes at once.
pub(super) struct Process {
    child: Child,
    stderr: File,
}

impl Process {
    /// Starts a program with its output piped; `None` if it is not on the `PATH`.
    pub(super) fn start<'a>(program: &str, arguments: impl Iterator<Item = &'a str>) -> Result<Option<Self>, Failure> {
        let stderr = tempfile::tempfile().map_err(temporary)?;
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().map_err(temporary)?)
            .spawn();
        match spawned {
            Ok(child) => Ok(Some(Self { child, stderr })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::Nix(format!("cannot run {program}: {error}"))),
        }
    }

    /// What it prints. There is one standard output, and it is given away once.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; if it failed, says why.
    pub(super) fn finish(mut self) -> Result<Result<(), String>, Failure> {
        let status = self.child.wait().map_err(|error| Failure::Nix(format!("cannot wait for Nix: {error}")))?;
        if status.success() {
            return Ok(Ok(()));
        }
        Ok(Err(reason(status, &self.tail().map_err(temporary)?)))
    }

    fn tail(&mut self) -> io::Result<String> {
        let length = self.stderr.seek(SeekFrom::End(0))?;
        self.stderr.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        self.stderr.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of an expression with `nix-instantiate`, in `max_memory` MiB; or what Nix says that is wrong with it.
pub(super) fn instantiate<T: DeserializeOwned>(target: &Target, wanted: &str, max_memory: u64) -> Result<Result<T, String>, Failure> {
    let expression = target.expression(wanted);
    let arguments = ["--eval", "--strict", "--json", "--read-write-mode"].into_iter().chain(target.options());
    let Some(mut process) = Process::start("nix-instantiate", arguments.chain(["-E", &expression]))? else {
        return Err(not_installed());
    };
    limit_memory(&process.child, max_memory);
    let mut printed = Vec::new();
    let read = process.stdout().map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut printed));
    read.map_err(|error| Failure::Nix(format!("cannot read from nix-instantiate: {error}")))?;
    if let Err(message) = process.finish()? {
        return Ok(Err(message));
    }
    serde_json::from_slice(&printed).map(Ok).map_err(|error| garbage(&printed, &error))
}

fn not_installed() -> Failure {
    Failure::Nix(
        "Nix is not installed: neither nix-eval-jobs nor nix-instantiate is on the PATH (hint: it is in the package nix-bin of Debian, \
         or see https://nixos.org/download; or evaluate where Nix is:\n  \
         nix-eval-jobs --meta FILE > eval-jobs.jsonl\n  \
         nix derivation show -r $(jq -r '.drvPath // empty' eval-jobs.jsonl) > derivations.json\n\
         and here `waves import derivations.json eval-jobs.jsonl`)"
            .to_owned(),
    )
}

/// Why a process failed: the last error that it printed, or how it ended. It is often memory that it lacks.
fn reason(status: ExitStatus, stderr: &str) -> String {
    const HINT: &str = "(hint: --max-memory sets how much memory it may use)";
    match last_error(stderr) {
        Some(message) if message.contains("out of memory") => format!("{message} {HINT}"),
        Some(message) => message,
        None => format!("Nix gave no reason, {status} {HINT}"),
    }
}

/// The last `error:` with what follows, without colours, indentation, advice on options, and places in `eval.nix`.
fn last_error(stderr: &str) -> Option<String> {
    let text = anstream::adapter::strip_str(stderr).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let is_error = |line: &&str| line.trim_start().strip_prefix("error:").is_some_and(|message| !message.trim().is_empty());
    let start = lines.iter().rposition(is_error)?;
    let indentation = &lines[start][..lines[start].len() - lines[start].trim_start().len()];
    let message: Vec<&str> = lines[start..]
        .iter()
        .take_while(|line| !line.trim_start().starts_with("at «string»"))
        .filter(|line| !line.starts_with("(use '--show-trace'"))
        .map(|line| line.strip_prefix(indentation).unwrap_or(line))
        .collect();
    Some(message.join("\n").trim_end().to_owned())
}

/// Limits the address space of a process. Where that is impossible, it says so once and goes on.
fn limit_memory(child: &Child, mebibytes: u64) {
    static UNLIMITED: Once = Once::new();
    if let Err(error) = set_limit(child, mebibytes.saturating_mul(1 << 20)) {
        UNLIMITED.call_once(|| output::note(&format!("note: Nix runs without --max-memory: {error}")));
    }
}

#[cfg(target_os = "linux")]
fn set_limit(child: &Child, bytes: u64) -> io::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    prlimit(Some(Pid::from_child(child)), Resource::As, Rlimit { current: Some(bytes), maximum: Some(bytes) })?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set_limit(_child: &Child, _bytes: u64) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system cannot limit another process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_the_reason() {
        let old = "warning: x\nerror: 'a' is broken\n\n       at /x.nix:1:2:\n\n            1| a\n(use '--show-trace' to show detailed location information)\n";
        assert_eq!(last_error(old).as_deref(), Some("error: 'a' is broken\n\n       at /x.nix:1:2:\n\n            1| a"));
        let new = "\u{1b}[31;1merror:\u{1b}[0m\n       … while evaluating x\n\n       \u{1b}[31;1merror:\u{1b}[0m no\n       more\n";
        assert_eq!(last_error(new).as_deref(), Some("error: no\nmore"));
        let ours = "error: attribute 'x' missing\n\n       at «string»:1:1:\n\n            1| x\n";
        assert_eq!(last_error(ours).as_deref(), Some("error: attribute 'x' missing"));
        assert_eq!(last_error("warning: x\n"), None);
    }
}
