//! Processes that are killed while they write.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Often enough to be in a test of every day; docs/reliability.md has the figures of a thousand.
const ROUNDS: u32 = 25;

/// One kill in so many has to come while something is written.
const AT_LEAST_ONE_IN: u32 = 10;

/// Between two looks at whether a process writes.
const LOOK: Duration = Duration::from_micros(50);

/// Runs a command to its end for its time, then kills it as often as `WAVES_KILL_ROUNDS` says: every other time at a moment of the run,
/// spread evenly over that time, and every other time from when it has a file below `directory` open to write to. That is found in each
/// run anew, and the moment moves with what the last one hit, so that kills come in time on a slow machine, too. `before` makes what
/// the command finds, `is_whole` looks at what it left, each time.
pub(crate) fn kill(directory: &Path, mut command: impl FnMut() -> Command, mut before: impl FnMut(), mut is_whole: impl FnMut(u32)) {
    let directory = directory.canonicalize().expect("it is there");
    let mut start = || command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    before();
    let begin = Instant::now();
    assert!(start().wait().expect("ends").success());
    let whole = begin.elapsed();
    let rounds = std::env::var("WAVES_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let (mut later, mut in_time) = (LOOK, 0);
    for round in 0..rounds {
        before();
        let mut child = start();
        let is_aimed = round.is_multiple_of(2);
        if is_aimed {
            await_write(&mut child, &directory);
            thread::sleep(later);
        } else {
            thread::sleep(whole.mul_f64(f64::from(round) / f64::from(rounds) * 1.1));
        }
        let was_writing = is_writing(&child, &directory);
        let _ = child.kill();
        let is_in_time = child.wait().expect("ends").signal().is_some() && was_writing;
        if is_aimed {
            later = if is_in_time { later * 2 } else { (later / 4).max(LOOK) };
        }
        in_time += u32::from(is_in_time);
        is_whole(round);
    }
    println!("{in_time} of {rounds} kills came while it wrote");
    assert!(in_time * AT_LEAST_ONE_IN >= rounds, "only {in_time} of {rounds} kills came while it wrote");
}

/// Waits until a process has a file below a directory open to write to, or has ended.
fn await_write(child: &mut Child, directory: &Path) {
    while !is_writing(child, directory) && child.try_wait().expect("waits").is_none() {
        thread::sleep(LOOK);
    }
}

/// Whether a process has a file below a directory open to write to.
fn is_writing(child: &Child, directory: &Path) -> bool {
    let process = Path::new("/proc").join(child.id().to_string());
    let Ok(open) = fs::read_dir(process.join("fd")) else { return false };
    open.flatten().any(|file| {
        // A lock is held from before anything is read.
        let is_written = |path: &Path| path.starts_with(directory) && path.extension().is_none_or(|extension| extension != "lock");
        let is_below = fs::read_link(file.path()).is_ok_and(|path| is_written(&path));
        is_below && fs::read_to_string(process.join("fdinfo").join(file.file_name())).is_ok_and(|info| can_write(&info))
    })
}

/// Whether a file is open to write to, by what the system says of it.
fn can_write(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    // Of their last two bits one is for writing alone, one for both.
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & 0b11 != 0)
}
