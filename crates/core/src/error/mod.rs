//! What can go wrong, by stage. Every variant names the file, place or key, and what to do.

mod diagnostic;
mod too_much;

use std::fmt;
use std::path::PathBuf;

pub use diagnostic::{Diagnostic, Place};
pub(crate) use too_much::TooMuch;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    Io {
        /// What was tried: "read", "write", "open".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A dump is in none of the formats that are known.
    UnknownFormat {
        /// The input as it was named.
        input: String,
        /// What it looks like instead.
        reason: String,
    },

    /// A dump is in a known format, but broken.
    Malformed {
        /// The input as it was named.
        input: String,
        /// Line, byte or key.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A dump that unpacks to more than it may.
    InputTooLarge {
        /// The input as it was named.
        input: String,
        /// Which limit it is over.
        reason: String,
        /// What to do.
        hint: &'static str,
    },

    /// No input holds a single derivation or attribute.
    Empty {
        /// The inputs as they were named.
        inputs: String,
        /// The first thing in them that was not taken.
        first: Option<String>,
    },

    /// Derivations that need each other: no Nix makes them.
    Cycle {
        /// Derivations along the cycle; each needs the next, the last needs the first.
        members: Vec<String>,
    },

    /// More than the snapshot format can hold.
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },

    /// A file of build times, sizes or store paths without any.
    NoCosts {
        /// The file as it was named.
        input: String,
        /// What was looked for.
        what: &'static str,
        /// What is there instead.
        reason: String,
    },

    /// Build times of nothing that is in the evaluation.
    NothingMeasured {
        /// The files as they were named.
        inputs: String,
        /// How many build times they have; none, if no row says how long something took.
        rows: usize,
    },

    /// A snapshot that cannot be used.
    Snapshot {
        /// The snapshot.
        path: PathBuf,
        /// Truncated, corrupt, foreign or newer.
        reason: String,
    },

    /// A root selector that names nothing.
    UnknownPackage {
        /// What was typed.
        selector: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// A root selector that names nothing in any evaluation of a history.
    UnknownInHistory {
        /// What was typed.
        selector: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// A system for which there is nothing, or nothing of what a root selector names.
    NotForSystem {
        /// What was typed as a root; `None` if no root is to blame.
        selector: Option<String>,
        /// The system that was asked for.
        system: String,
        /// Those that are known of what is there.
        systems: Vec<String>,
    },

    /// A root selector that names several packages.
    AmbiguousPackage {
        /// What was typed.
        selector: String,
        /// A line for each candidate: what to type, and its counts.
        candidates: Vec<String>,
    },

    /// An attribute without a derivation.
    NotEvaluated {
        /// The attribute.
        attribute: String,
        /// What Nix said.
        error: String,
    },

    /// Updates of what is not one package of the evaluation.
    UnknownUpdates {
        /// Why not, a line for each.
        updates: Vec<String>,
    },

    /// A plan that does not fit the evaluation, or itself.
    Plan {
        /// The plan as it was named.
        input: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A report that no page can be made of.
    Report {
        /// The report as it was named.
        input: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A wave that a plan does not have.
    UnknownWave {
        /// What was typed.
        name: String,
        /// Which there are.
        known: String,
    },

    /// A ledger that somebody else writes to.
    LedgerLocked {
        /// The ledger.
        path: PathBuf,
        /// Who, as they said themselves.
        holder: String,
    },

    /// A history that cannot be used, or an evaluation that cannot be added to it.
    History {
        /// The history.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A history that somebody else adds to.
    HistoryLocked {
        /// The history.
        path: PathBuf,
    },

    /// A major wave that was not started.
    NotStarted {
        /// The ledger.
        path: PathBuf,
        /// The number of the major wave.
        major: u32,
        /// Those that were.
        started: String,
    },

    /// A file of results without any.
    NoResults {
        /// The file as it was named.
        input: String,
        /// What is there instead.
        reason: String,
    },

    /// No plan keeps within a limit.
    Infeasible {
        /// What was asked for.
        limit: String,
        /// How near one can come.
        reason: String,
    },

    /// A pattern that is no glob.
    Pattern {
        /// What was typed.
        pattern: String,
        /// Why not.
        reason: String,
    },

    /// A name that nobody of the evaluation has.
    UnknownRecipient {
        /// What was typed.
        name: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// A name of no schema.
    UnknownSchema {
        /// What was typed.
        name: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// The evaluation has attributes but no input edges.
    NoEdges {
        /// The dumps that are there.
        sources: String,
    },

    /// No package of a table of releases can be found, or none with an interval.
    NoReleases {
        /// Why the first is not.
        reason: String,
    },

    /// A git repository that cannot be read.
    Repository {
        /// Its directory, or the one that it was looked for in.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A revision that names no commit.
    Revision {
        /// What was typed.
        revision: String,
        /// What git says.
        reason: String,
    },

    /// Two commits without an ancestor in common.
    NoMergeBase {
        /// The two.
        commits: String,
        /// What to do.
        hint: &'static str,
    },

    /// Something that this build leaves out.
    NotBuilt {
        /// What is missing.
        what: &'static str,
        /// The feature of the crate that has it.
        feature: &'static str,
    },

    /// A plan that cannot be handed to an engine as it was asked.
    Export {
        /// What is missing or wrong, and what to do.
        reason: String,
    },
}

impl Error {
    /// JSON that is broken: where, and what `explained` makes of what is wrong.
    pub(crate) fn json(input: &str, error: &serde_json::Error, explained: impl FnOnce(&str) -> String) -> Self {
        let message = error.to_string();
        // Its own words for the place stand at the end.
        let reason = message.split(" at line ").next().unwrap_or_default();
        let place = format!("line {}, column {}", error.line(), error.column());
        Self::Malformed { input: input.to_owned(), place, reason: explained(reason) }
    }

    /// For `map_err` on I/O: says what was tried on which file.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match TooMuch::of(&source) {
            Some(limit) => Self::InputTooLarge { input: path.display().to_string(), reason: limit.to_string(), hint: limit.hint() },
            None => Self::Io { action, path, source },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic().fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
