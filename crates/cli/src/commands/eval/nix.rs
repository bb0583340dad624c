//! Nix as a process.

use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::garbage;
use super::target::Target;
use crate::commands::Failure;
use crate::{output, signals};

/// Bytes at the end of standard error in which the message is looked for.
const TAIL_BYTES: usize = 1 << 16;
/// Bytes that one process may print as the value of an expression.
const PRINTED_BYTES: u64 = 1 << 30;
/// How long standard error is read on when Nix has ended: what it started may keep it open.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The processes that run, all of which end together: when there is no more time, or when `waves` is stopped.
pub(super) struct Running {
    shared: Arc<Mutex<Shared>>,
    timeout: Option<Duration>,
}

#[derive(Default)]
struct Shared {
    /// Their groups, by the process that leads each.
    groups: Vec<u32>,
    is_late: bool,
}

impl Running {
    /// None yet; the time of all of them begins now.
    pub(super) fn new(timeout: Option<u64>) -> Result<Self, Failure> {
        let shared = Arc::<Mutex<Shared>>::default();
        let failed = |error: io::Error| Failure::Nix(format!("cannot watch over Nix: {error}"));
        let stopped = Arc::clone(&shared);
        signals::before_end(move || lock(&stopped).kill()).map_err(failed)?;
        let timeout = timeout.map(Duration::from_secs);
        if let Some(end) = timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            let shared = Arc::clone(&shared);
            let watch = move || {
                thread::sleep(end.saturating_duration_since(Instant::now()));
                let mut shared = lock(&shared);
                shared.is_late = true;
                shared.kill();
            };
            thread::Builder::new().name("timeout".to_owned()).spawn(watch).map_err(failed)?;
        }
        Ok(Self { shared, timeout })
    }

    /// Why a program was ended, if it was.
    fn late(&self, program: &str) -> Option<Failure> {
        let seconds = self.timeout.filter(|_| lock(&self.shared).is_late)?.as_secs();
        let unit = if seconds == 1 { "second" } else { "seconds" };
        Some(Failure::Nix(format!(
            "{program} was stopped: the evaluation is not done after {seconds} {unit} (hint: --timeout sets how long it may take, --attr what is evaluated)"
        )))
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn kill(&self) {
        self.groups.iter().for_each(|&group| kill_group(group));
    }
}

/// A process that is ended when it is dropped, with all that it started.
pub(super) struct Process<'r> {
    running: &'r Running,
    program: &'static str,
    child: Child,
    tail: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when standard error is at its end.
    stderr: Receiver<()>,
}

impl<'r> Process<'r> {
    /// Starts a program with its output piped; `None` if it is not on the `PATH`.
    pub(super) fn start<'a>(
        running: &'r Running,
        program: &'static str,
        arguments: impl Iterator<Item = &'a str>,
    ) -> Result<Option<Self>, Failure> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its children are in its group too, so that they can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // Nothing is ended between the start of a process and its being known.
        let mut shared = lock(&running.shared);
        if shared.is_late {
            drop(shared);
            return running.late(program).map_or(Ok(None), Err);
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::Nix(format!("cannot run {program}: {error}"))),
        };
        shared.groups.push(child.id());
        drop(shared);
        let tail = Arc::<Mutex<Vec<u8>>>::default();
        let (ended, stderr) = channel();
        if let Some(pipe) = child.stderr.take() {
            let tail = Arc::clone(&tail);
            // Two pipes cannot be read at once; and a file would take all that Nix prints.
            thread::spawn(move || {
                keep_tail(pipe, &tail);
                drop(ended);
            });
        }
        Ok(Some(Self { running, program, child, tail, stderr }))
    }

    /// What it prints. There is one standard output, and it is given away once.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; if it failed, says why.
    pub(super) fn finish(mut self) -> Result<Result<(), String>, Failure> {
        let status = self.wait().map_err(|error| Failure::Nix(format!("cannot wait for Nix: {error}")))?;
        if status.success() {
            return Ok(Ok(()));
        }
        if let Some(failure) = self.running.late(self.program) {
            return Err(failure);
        }
        let _ = self.stderr.recv_timeout(AFTERWARDS);
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Err(reason(status, &String::from_utf8_lossy(&tail))))
    }

    /// Its number may be another process's once it is waited for: nobody may end it any more then.
    fn wait(&mut self) -> io::Result<ExitStatus> {
        wait_for_end(&self.child)?;
        let id = self.child.id();
        let mut shared = lock(&self.running.shared);
        if shared.groups.contains(&id) {
            shared.groups.retain(|&group| group != id);
            // What it has left behind.
            kill_group(id);
        }
        drop(shared);
        self.child.wait()
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        let id = self.child.id();
        let shared = lock(&self.running.shared);
        if shared.groups.contains(&id) {
            kill_group(id);
            drop(shared);
            // Where there are no groups. It fails only if it has ended.
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }
}

/// Keeps the last bytes of what is printed, however much that is.
fn keep_tail(mut pipe: ChildStderr, tail: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1 << 13];
    loop {
        let length = match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&buffer[..length]);
        if tail.len() > 2 * TAIL_BYTES {
            let old = tail.len() - TAIL_BYTES;
            tail.drain(..old);
        }
    }
}

/// Ends a process and all that it started, unless that left its group. It fails only if there is none.
#[cfg(unix)]
fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_leader: u32) {}

/// Waits until a process has ended, and leaves it to be waited for.
#[cfg(unix)]
fn wait_for_end(child: &Child) -> io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    loop {
        match waitid(WaitId::Pid(Pid::from_child(child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

#[cfg(not(unix))]
fn wait_for_end(_child: &Child) -> io::Result<()> {
    Ok(())
}

/// The value of an expression with `nix-instantiate`, in `max_memory` MiB; or what Nix says that is wrong with it.
pub(super) fn instantiate<T: DeserializeOwned>(
    running: &Running,
    target: &Target,
    wanted: &str,
    max_memory: u64,
) -> Result<Result<T, String>, Failure> {
    let expression = target.expression(wanted);
    let arguments = ["--eval", "--strict", "--json", "--read-write-mode"].into_iter().chain(target.options());
    let Some(mut process) = Process::start(running, "nix-instantiate", arguments.chain(["-E", &expression]))? else {
        return Err(not_installed());
    };
    limit_memory(&process.child, max_memory);
    let mut printed = Vec::new();
    let read = process.stdout().map_or(Ok(0), |stdout| stdout.take(PRINTED_BYTES + 1).read_to_end(&mut printed));
    read.map_err(|error| Failure::Nix(format!("cannot read from nix-instantiate: {error}")))?;
    if printed.len() as u64 > PRINTED_BYTES {
        return Err(garbage(&printed, &TOO_LONG));
    }
    if let Err(message) = process.finish()? {
        return Ok(Err(message));
    }
    serde_json::from_slice(&printed).map(Ok).map_err(|error| garbage(&printed, &error))
}

/// What is said of a line or value without end.
pub(super) const TOO_LONG: &str = "it does not end";

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
