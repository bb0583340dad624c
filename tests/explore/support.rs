//! A terminal that a test can type in and read: tmux.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The longest that a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// What tmux takes an Escape and the next key to be one key in.
const ESCAPE: Duration = Duration::from_millis(700);

/// The package set in `data/`.
pub(crate) const SET: &str = "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl";
/// The same after an update.
pub(crate) const UPDATED: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// What a command of waves writes as JSON, of [`SET`] if it does not say otherwise.
pub(crate) fn json(arguments: &[&str]) -> Value {
    let graph = if arguments[0] == "diff" { "" } else { SET };
    let mut waves = Command::new(env!("CARGO_BIN_EXE_waves"));
    waves.args(arguments).args(["--format", "json"]).current_dir(repository()).env_remove("GITHUB_ACTIONS");
    waves.args(graph.split(',').filter(|dump| !dump.is_empty()).flat_map(|dump| ["--graph", dump]));
    let output = waves.output().expect("waves runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The numbers of an object, as they are shown.
pub(crate) fn numbers<const N: usize>(value: &Value, keys: [&str; N]) -> [String; N] {
    keys.map(|key| value[key].as_u64().map_or_else(|| panic!("no number {key}: {value}"), waves_core::text::number))
}

/// A terminal with a shell in it.
pub(crate) struct Terminal {
    directory: TempDir,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

impl Terminal {
    /// A new one, of 100 columns and 30 rows; `None` if there is no tmux.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!("skipped: there is no tmux");
            return None;
        }
        let terminal = Self { directory: tempfile::tempdir().expect("a directory") };
        terminal.expect_tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "env PS1='ready> ' sh"]);
        terminal.wait("ready>");
        Some(terminal)
    }

    /// A new one in which `waves explore` runs.
    pub(crate) fn exploring(arguments: &[&str]) -> Option<Self> {
        let terminal = Self::new()?;
        terminal.explore(arguments);
        Some(terminal)
    }

    /// Runs `waves explore`, and waits for its first page.
    pub(crate) fn explore(&self, arguments: &[&str]) {
        self.run(&format!("'{}' explore -q {}", env!("CARGO_BIN_EXE_waves"), arguments.join(" ")));
        self.wait("everything but sources");
    }

    /// Types a line in the shell.
    pub(crate) fn run(&self, line: &str) {
        self.text(line);
        self.keys(&["Enter"]);
    }

    /// Types text.
    pub(crate) fn text(&self, text: &str) {
        self.expect_tmux(&["send-keys", "-l", "--", text]);
    }

    /// Types keys by name.
    pub(crate) fn keys(&self, keys: &[&str]) {
        for &key in keys {
            self.expect_tmux(&["send-keys", key]);
            if key == "Escape" {
                sleep(ESCAPE);
            }
        }
    }

    /// Searches for a name and opens what is found first, which is the whole name.
    pub(crate) fn open(&self, name: &str) {
        self.keys(&["/"]);
        self.wait("search: _");
        self.text(name);
        self.wait(&format!("search: {name}_"));
        self.keys(&["Enter"]);
    }

    /// Sends a signal to the program that the shell in it runs.
    pub(crate) fn signal(&self, name: &str) {
        let shell = String::from_utf8(self.expect_tmux(&["display-message", "-p", "#{pane_pid}"]).stdout).expect("UTF-8");
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", shell.trim())).expect("it is there");
        let sent = Command::new("kill").arg(format!("-{name}")).arg(children.trim()).status().expect("kill starts");
        assert!(sent.success());
    }

    /// Makes it as wide and high as this.
    pub(crate) fn resize(&self, width: usize, height: usize) {
        self.expect_tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8(self.expect_tmux(&["capture-pane", "-p"]).stdout).expect("UTF-8")
    }

    /// The screen, once there is this text on it.
    #[track_caller]
    pub(crate) fn wait(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// The screen, once it is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "no `{what}` on the screen:\n{screen}");
            sleep(Duration::from_millis(30));
        }
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u").arg("-S").arg(self.directory.path().join("socket")).args(arguments).current_dir(repository());
        tmux.env("LC_ALL", "C.UTF-8").env_remove("TMUX").env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS");
        tmux.output().expect("tmux runs")
    }

    fn expect_tmux(&self, arguments: &[&str]) -> Output {
        let output = self.tmux(arguments);
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

/// The words of the first line that has all of these.
#[track_caller]
pub(crate) fn line_with<'s>(screen: &'s str, words: &[&str]) -> &'s str {
    let has_all = |line: &&str| {
        let in_line: Vec<&str> = line.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
        words.iter().all(|word| word.split_whitespace().all(|word| in_line.contains(&word)))
    };
    screen.lines().find(has_all).unwrap_or_else(|| panic!("no line with {words:?}:\n{screen}"))
}
