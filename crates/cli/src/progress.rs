//! A spinner on standard error for long work on a terminal.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use waves_core::progress::Progress;

/// Shows the phases of the work.
pub(crate) struct Spinner(ProgressBar);

/// A spinner; hidden if quiet, or if standard error is no terminal.
pub(crate) fn new(quiet: bool) -> Spinner {
    let bar = ProgressBar::new_spinner();
    if quiet || !stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    } else {
        let style = ProgressStyle::with_template("{spinner} {msg} {pos} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    Spinner(bar)
}

impl Progress for Spinner {
    fn begin(&self, phase: &str, total: Option<u64>) {
        self.0.set_message(phase.to_owned());
        self.0.set_position(0);
        if let Some(total) = total {
            self.0.set_length(total);
        }
    }

    fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
