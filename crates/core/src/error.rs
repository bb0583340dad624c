//! What can go wrong, by stage. Every variant names the file, place or key, and what to do.

use std::path::PathBuf;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: "read", "write", "open".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A dump is in none of the formats that are known.
    #[error("{input}: not a dump that waves reads: {reason} (hint: `waves import --help` lists the formats)")]
    UnknownFormat {
        /// The input as it was named.
        input: String,
        /// What it looks like instead.
        reason: String,
    },

    /// A dump is in a known format, but broken.
    #[error("{input}: {place}: {reason}")]
    Malformed {
        /// The input as it was named.
        input: String,
        /// Line, byte or key.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// No input holds a single derivation or attribute.
    #[error("{inputs}: no derivation and no attribute in it (hint: was the command that made the dump interrupted?)")]
    Empty {
        /// The inputs as they were named.
        inputs: String,
    },

    /// Derivations that need each other: no Nix makes them.
    #[error("the dump is contradictory: these derivations need each other: {}", members.join(" -> "))]
    Cycle {
        /// Derivations along the cycle; each needs the next, the last needs the first.
        members: Vec<String>,
    },

    /// More than the snapshot format can hold.
    #[error("too large: {what} exceed {limit}")]
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },

    /// A file of build times, sizes or store paths without any.
    #[error("{input}: no {what} in it: {reason} (hint: docs/formats.md lists what is read)")]
    NoCosts {
        /// The file as it was named.
        input: String,
        /// What was looked for.
        what: &'static str,
        /// What is there instead.
        reason: String,
    },

    /// Build times of nothing that is in the evaluation.
    #[error(
        "{inputs}: none of {rows} build times is of something in this evaluation (hint: key them by attribute, name, pname or .drv path)"
    )]
    NothingMeasured {
        /// The files as they were named.
        inputs: String,
        /// How many build times they have.
        rows: usize,
    },

    /// A snapshot that cannot be used.
    #[error("{}: {reason} (hint: make it again with `waves import`)", path.display())]
    Snapshot {
        /// The snapshot.
        path: PathBuf,
        /// Truncated, corrupt, foreign or newer.
        reason: String,
    },

    /// A root selector that names nothing.
    #[error("no package `{selector}` in this evaluation{}", hint(suggestions))]
    UnknownPackage {
        /// What was typed.
        selector: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// A root selector that names several packages.
    #[error("`{selector}` is ambiguous; type one of:\n{}", candidates.join("\n"))]
    AmbiguousPackage {
        /// What was typed.
        selector: String,
        /// A line for each candidate: what to type, and its counts.
        candidates: Vec<String>,
    },

    /// An attribute without a derivation.
    #[error("`{attribute}` does not evaluate: {error}")]
    NotEvaluated {
        /// The attribute.
        attribute: String,
        /// What Nix said.
        error: String,
    },

    /// Updates of what is not one package of the evaluation.
    #[error("{} of the updates cannot be planned:\n  {}{}", updates.len(), updates.iter().take(LISTED).cloned().collect::<Vec<_>>().join("\n  "), rest(updates.len()))]
    UnknownUpdates {
        /// Why not, a line for each.
        updates: Vec<String>,
    },

    /// A plan that does not fit the evaluation, or itself.
    #[error("{input}: {reason}")]
    Plan {
        /// The plan as it was named.
        input: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A report that no page can be made of.
    #[error("{input}: {reason}")]
    Report {
        /// The report as it was named.
        input: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A wave that a plan does not have.
    #[error("no wave `{name}` in the plan: {known}")]
    UnknownWave {
        /// What was typed.
        name: String,
        /// Which there are.
        known: String,
    },

    /// A ledger that somebody else writes to.
    #[error("{}: somebody else writes to it: {holder} (hint: try again when that is done)", path.display())]
    LedgerLocked {
        /// The ledger.
        path: PathBuf,
        /// Who, as they said themselves.
        holder: String,
    },

    /// A history that cannot be used, or an evaluation that cannot be added to it.
    #[error("{}: {reason}", path.display())]
    History {
        /// The history.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A history that somebody else adds to.
    #[error("{}: somebody else adds to it (hint: try again when that is done)", path.display())]
    HistoryLocked {
        /// The history.
        path: PathBuf,
    },

    /// A major wave that was not started.
    #[error("{}: wave-{major} was not started{} (hint: `waves start PLAN`)", path.display(), match started.as_str() { "" => String::new(), started => format!(", only {started}") })]
    NotStarted {
        /// The ledger.
        path: PathBuf,
        /// The number of the major wave.
        major: u32,
        /// Those that were.
        started: String,
    },

    /// A file of results without any.
    #[error("{input}: no result of a build in it: {reason} (hint: docs/ledger.md lists what is read)")]
    NoResults {
        /// The file as it was named.
        input: String,
        /// What is there instead.
        reason: String,
    },

    /// No plan keeps within a limit.
    #[error("no plan keeps within {limit}: {reason}")]
    Infeasible {
        /// What was asked for.
        limit: String,
        /// How near one can come.
        reason: String,
    },

    /// A pattern that is no glob.
    #[error("`{pattern}` is not a glob pattern: {reason}")]
    Pattern {
        /// What was typed.
        pattern: String,
        /// Why not.
        reason: String,
    },

    /// A name that nobody of the evaluation has.
    #[error("nobody called `{name}` maintains or owns anything in this evaluation{}", hint(suggestions))]
    UnknownRecipient {
        /// What was typed.
        name: String,
        /// The nearest names.
        suggestions: Vec<String>,
    },

    /// The evaluation has attributes but no input edges.
    #[error(
        "this evaluation has no edges, so nothing is known of what needs what (hint: import the derivations with it: \
         `nix derivation show -r ATTRIBUTES > derivations.json`, then `waves import derivations.json {sources}`)"
    )]
    NoEdges {
        /// The dumps that are there.
        sources: String,
    },

    /// No package of a table of releases can be found, or none with an interval.
    #[error("there is no package to find a cadence for: {reason}")]
    NoReleases {
        /// Why the first is not.
        reason: String,
    },

    /// A git repository that cannot be read.
    #[error("{}: {reason}", path.display())]
    Repository {
        /// Its directory, or the one that it was looked for in.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A revision that names no commit.
    #[error("`{revision}` is no commit of this repository: {reason}")]
    Revision {
        /// What was typed.
        revision: String,
        /// What git says.
        reason: String,
    },

    /// Two commits without an ancestor in common.
    #[error("{commits} have no ancestor in common (hint: {hint})")]
    NoMergeBase {
        /// The two.
        commits: String,
        /// What to do.
        hint: &'static str,
    },

    /// Something that this build leaves out.
    #[error("this waves was built without {what} (hint: build it with `--features {feature}`)")]
    NotBuilt {
        /// What is missing.
        what: &'static str,
        /// The feature of the crate that has it.
        feature: &'static str,
    },

    /// A plan that cannot be handed to an engine as it was asked.
    #[error("{reason}")]
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
        move |source| Self::Io { action, path, source }
    }
}

/// Things that an error lists at most.
const LISTED: usize = 20;

fn rest(count: usize) -> String {
    if count > LISTED { format!("\n  … and {} more", count - LISTED) } else { String::new() }
}

fn hint(suggestions: &[String]) -> String {
    if suggestions.is_empty() {
        return String::new();
    }
    let names: Vec<_> = suggestions.iter().map(|name| format!("`{name}`")).collect();
    format!(" (did you mean {}?)", names.join(", "))
}
