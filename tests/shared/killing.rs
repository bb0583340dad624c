//! Processes that are killed while they write.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Often enough to be in a test of every day; docs/reliability.md has the figures of a thousand.
const ROUNDS: u32 = 25;

/// Runs a command to its end for its time, then kills it at ever later moments, as often as `WAVES_KILL_ROUNDS` says: spread evenly
/// over that time. `before` makes what it finds, `is_whole` looks at what it left, each time.
pub(crate) fn kill(mut command: impl FnMut() -> Command, mut before: impl FnMut(), mut is_whole: impl FnMut(u32)) {
    let quiet = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    before();
    let start = Instant::now();
    assert!(quiet(command()).status().expect("starts").success());
    let whole = start.elapsed();
    let rounds = std::env::var("WAVES_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    for round in 0..rounds {
        before();
        let mut child = quiet(command()).spawn().expect("starts");
        thread::sleep(whole.mul_f64(f64::from(round) / f64::from(rounds) * 1.1).max(Duration::from_micros(100)));
        let _ = child.kill();
        child.wait().expect("ends");
        is_whole(round);
    }
}
