//! Exit codes: named, documented in `waves --help`, and mapped from errors in one place.

use std::process::ExitCode;

use crate::commands::Failure;

/// Done, and within every limit.
pub(crate) const OK: u8 = 0;
/// Done, and a limit that was asked for is exceeded, a change is over the policy, or a plan is wrong.
pub(crate) const LIMIT: u8 = 1;
/// The command line is wrong: an unknown option, package or pattern.
pub(crate) const USAGE: u8 = 2;
/// A dump or snapshot is missing, broken, or says too little.
pub(crate) const BAD_INPUT: u8 = 3;
/// Nix is not there, or failed.
pub(crate) const NIX: u8 = 4;
/// The system refused: a file that cannot be written, a full disk.
pub(crate) const SYSTEM: u8 = 5;

/// What a command that did its work found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing to object to.
    Fine,
    /// A limit is exceeded.
    LimitExceeded,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fine => Self::from(OK),
            Verdict::LimitExceeded => Self::from(LIMIT),
        }
    }
}

/// The exit code of a failure.
pub(crate) fn exit_code(failure: &Failure) -> ExitCode {
    use waves_core::error::Error;
    ExitCode::from(match failure {
        Failure::Core(error) => match error {
            Error::UnknownPackage { .. }
            | Error::UnknownInHistory { .. }
            | Error::AmbiguousPackage { .. }
            | Error::NotForSystem { .. }
            | Error::NotEvaluated { .. }
            | Error::UnknownRecipient { .. }
            | Error::Export { .. }
            | Error::NotBuilt { .. }
            | Error::Pattern { .. }
            | Error::Revision { .. }
            | Error::UnknownUpdates { .. }
            | Error::UnknownWave { .. }
            | Error::UnknownSchema { .. }
            | Error::NotStarted { .. } => USAGE,
            Error::Infeasible { .. } => LIMIT,
            Error::Io { action: "write", .. } | Error::LedgerLocked { .. } | Error::HistoryLocked { .. } => SYSTEM,
            _ => BAD_INPUT,
        },
        Failure::Usage(_) => USAGE,
        Failure::NoGraph(_) => BAD_INPUT,
        Failure::Nix(_) => NIX,
        Failure::Cache(error) => match error {
            waves_substituter::Error::Url { .. } => USAGE,
            waves_substituter::Error::NotThisCache { .. } => BAD_INPUT,
            waves_substituter::Error::Io { .. } => SYSTEM,
        },
        // A reader that has gone has all that it wanted.
        Failure::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => OK,
        Failure::Write(_) | Failure::Terminal(_) => SYSTEM,
    })
}
