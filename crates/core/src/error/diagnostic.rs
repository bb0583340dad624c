//! An error in parts: what, where, why, and what to do.

use std::borrow::Cow;
use std::fmt;

use super::Error;
use crate::text::{clean, counted, number, shortened};

/// An error as it is shown: each part by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// What cannot be done, or is wrong.
    pub what: String,
    /// Where.
    pub place: Option<Place>,
    /// Why.
    pub why: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// Where an error is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, or what stands for one.
    pub file: String,
    /// Line, byte or key in it; empty for all of it.
    pub within: String,
}

impl Place {
    fn file(file: impl fmt::Display) -> Self {
        Self { file: file.to_string(), within: String::new() }
    }

    fn within(file: impl fmt::Display, within: &str) -> Self {
        Self { file: file.to_string(), within: within.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = if self.within.is_empty() { "" } else { ", " };
        write!(f, "{}{comma}{}", self.file, self.within)
    }
}

/// On one line, or on as many as a list in it has. A place within a file, and why, say what is wrong there.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, within) = self.place.as_ref().map_or(("", ""), |place| (&place.file, &place.within));
        let what = if within.is_empty() || self.why.is_none() { self.what.as_str() } else { "" };
        let why = self.why.as_deref().unwrap_or_default();
        let parts: Vec<_> = [file, within, what, why].into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join(": "))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " (hint: {hint})"))
    }
}

impl Diagnostic {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Because of what a reader or another library says, which may end in a hint.
    fn because(self, reason: &str) -> Self {
        let (why, hint) = split(reason);
        Self { why: Some(why.to_owned()), hint: hint.map(str::to_owned).or(self.hint), ..self }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Of one sentence, which may end in `(hint: …)`.
    pub fn of_message(message: &str) -> Self {
        let (what, hint) = split(message);
        Self { what: what.to_owned(), hint: hint.map(str::to_owned), ..Self::default() }
    }

    /// The parts, each with its label, folded to a terminal of `width` columns. Nothing in them is obeyed by one.
    pub fn parts(&self, width: Option<u16>) -> Vec<(&'static str, Vec<String>)> {
        let place = self.place.as_ref().map(ToString::to_string);
        let parts = [("error", Some(&self.what)), ("at", place.as_ref()), ("why", self.why.as_ref()), ("hint", self.hint.as_ref())];
        let parts = parts.into_iter().filter_map(|(label, text)| Some((label, text?)));
        parts.map(|(label, text)| (label, text.lines().flat_map(|line| folded(&clean(&clipped(line)), width)).collect())).collect()
    }
}

/// Columns of the labels.
const LABELS: u16 = 7;

/// Characters of a line that are shown: of a name that somebody made long, enough.
const LONGEST: usize = 10_000;

fn clipped(line: &str) -> Cow<'_, str> {
    match line.chars().count().saturating_sub(LONGEST) {
        0 => line.into(),
        more => format!("{} and {}", shortened(line, LONGEST), counted(more, "more character", "more characters")).into(),
    }
}

fn folded(line: &str, width: Option<u16>) -> Vec<String> {
    match width {
        // Names stay whole: somebody copies them.
        Some(width) => {
            let options = textwrap::Options::new(usize::from(width.saturating_sub(LABELS).max(20)))
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            textwrap::wrap(line, options).into_iter().map(|line| line.into_owned()).collect()
        }
        None => vec![line.to_owned()],
    }
}

/// What is said, and the hint behind it.
fn split(message: &str) -> (&str, Option<&str>) {
    let Some((said, hint)) = message.rsplit_once("(hint: ") else { return (message, None) };
    match hint.strip_suffix(')') {
        Some(hint) => (said.trim_end(), Some(hint)),
        None => (message, None),
    }
}

impl Error {
    /// It in parts.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Io { action, path, source } => {
                Diagnostic::new(format!("cannot {action} {}", path.display())).because(&source.to_string())
            }
            Self::UnknownFormat { input, reason } => Diagnostic::new("this is not a dump that waves reads")
                .at(Place::file(input))
                .hint("`waves import --help` lists the formats")
                .because(reason),
            Self::Malformed { input, place, reason } => {
                Diagnostic::new("this cannot be read").at(Place::within(input, place)).because(reason)
            }
            Self::InputTooLarge { input, reason, hint } => {
                Diagnostic::new("this is too large to be read").at(Place::file(input)).hint(*hint).because(reason)
            }
            Self::Empty { inputs, first } => empty(inputs, first.as_deref()),
            Self::Cycle { members } => {
                Diagnostic::new("the dump is contradictory: these derivations need each other").because(&members.join(" -> "))
            }
            Self::TooLarge { what, limit } => Diagnostic::new(format!("too large: {what} exceed {limit}")),
            Self::NoCosts { input, what, reason } => Diagnostic::new(format!("no {what} in it"))
                .at(Place::file(input))
                .hint("docs/formats.md lists what is read")
                .because(reason),
            Self::NothingMeasured { inputs, rows: 0 } => Diagnostic::new("none of these rows says how long a build took")
                .at(Place::file(inputs))
                .hint("seconds are more than 0 and finite; 0 is unknown"),
            Self::NothingMeasured { inputs, rows } => {
                let rows = number(*rows as u64);
                Diagnostic::new(format!("none of {rows} build times is of something in this evaluation"))
                    .at(Place::file(inputs))
                    .hint("key them by attribute, name, pname or .drv path")
            }
            Self::Snapshot { path, reason } => Diagnostic::new("this snapshot cannot be used")
                .at(Place::file(path.display()))
                .hint("make it again with `waves import`")
                .because(reason),
            Self::UnknownPackage { selector, suggestions } => unknown(format!("no package `{selector}` in this evaluation"), suggestions),
            Self::UnknownInHistory { selector, suggestions } => {
                unknown(format!("no package `{selector}` in any evaluation of this history"), suggestions)
            }
            Self::NotForSystem { selector, system, systems } => not_for_system(selector.as_deref(), system, systems),
            Self::AmbiguousPackage { selector, candidates } => {
                Diagnostic::new(format!("`{selector}` is ambiguous")).hint(format!("type one of:\n{}", candidates.join("\n")))
            }
            // The words of whoever wrote the package: no hint of ours is among them.
            Self::NotEvaluated { attribute, error } => {
                Diagnostic { why: Some(error.clone()), ..Diagnostic::new(format!("`{attribute}` does not evaluate")) }
            }
            Self::UnknownUpdates { updates } => {
                let mut why: Vec<_> = updates.iter().take(LISTED).cloned().collect();
                why.extend((updates.len() > LISTED).then(|| format!("… and {} more", number((updates.len() - LISTED) as u64))));
                let what = format!("{} of the updates cannot be planned", number(updates.len() as u64));
                Diagnostic { why: Some(why.join("\n")), ..Diagnostic::new(what) }
            }
            Self::Plan { input, reason } => Diagnostic::new("this plan cannot be used").at(Place::file(input)).because(reason),
            Self::Report { input, reason } => Diagnostic::new("no page can be made of this").at(Place::file(input)).because(reason),
            Self::UnknownWave { name, known } => Diagnostic::new(format!("no wave `{name}` in the plan")).because(known),
            Self::LedgerLocked { path, holder } => Diagnostic::new("somebody else writes to it")
                .at(Place::file(path.display()))
                .hint("try again when that is done")
                .because(holder),
            Self::History { path, reason } => {
                Diagnostic::new("this history cannot be used so").at(Place::file(path.display())).because(reason)
            }
            Self::HistoryLocked { path } => {
                Diagnostic::new("somebody else adds to it").at(Place::file(path.display())).hint("try again when that is done")
            }
            Self::NotStarted { path, major, started } => {
                let only = if started.is_empty() { String::new() } else { format!(", only {started}") };
                Diagnostic::new(format!("wave-{major} was not started{only}")).at(Place::file(path.display())).hint("`waves start PLAN`")
            }
            Self::NoResults { input, reason } => Diagnostic::new("no result of a build in it")
                .at(Place::file(input))
                .hint("docs/ledger.md lists what is read")
                .because(reason),
            Self::Infeasible { limit, reason } => Diagnostic::new(format!("no plan keeps within {limit}")).because(reason),
            Self::Pattern { pattern, reason } => Diagnostic::new(format!("`{pattern}` is not a glob pattern")).because(reason),
            Self::UnknownRecipient { name, suggestions } => {
                unknown(format!("nobody called `{name}` maintains or owns anything in this evaluation"), suggestions)
            }
            Self::UnknownSchema { name, suggestions } => Diagnostic {
                hint: Some(meant(suggestions).unwrap_or_else(|| "`waves schema` lists them".to_owned())),
                ..Diagnostic::new(format!("no schema `{name}`"))
            },
            Self::NoEdges { sources } => {
                Diagnostic::new("this evaluation has no edges, so nothing is known of what needs what").hint(format!(
                    "import the derivations with it: `nix derivation show -r ATTRIBUTES > derivations.json`, then `waves import \
                     derivations.json {sources}`"
                ))
            }
            Self::NoReleases { reason } => Diagnostic::new("there is no package to find a cadence for").because(reason),
            Self::Repository { path, reason } => {
                Diagnostic::new("this git repository cannot be used").at(Place::file(path.display())).because(reason)
            }
            Self::Revision { revision, reason } => Diagnostic::new(format!("`{revision}` is no commit of this repository")).because(reason),
            Self::NoMergeBase { commits, hint } => Diagnostic::new(format!("{commits} have no ancestor in common")).hint(*hint),
            Self::NotBuilt { what, feature } => {
                Diagnostic::new(format!("this waves was built without {what}")).hint(format!("build it with `--features {feature}`"))
            }
            Self::Export { reason } => Diagnostic::of_message(reason),
        }
    }
}

/// Things that an error lists at most.
const LISTED: usize = 20;

fn empty(inputs: &str, first: Option<&str>) -> Diagnostic {
    let empty = Diagnostic::new("no derivation and no attribute in it").at(Place::file(inputs));
    match first {
        Some(first) => empty.because(first),
        None => empty.hint("was the command that made the dump interrupted?"),
    }
}

fn not_for_system(selector: Option<&str>, system: &str, systems: &[String]) -> Diagnostic {
    let what = selector.map_or_else(|| "nothing".to_owned(), |selector| format!("no `{selector}`"));
    let diagnostic = Diagnostic::new(format!("{what} in this evaluation is for `{system}`"));
    match systems {
        [] => diagnostic.because("its dumps do not say for which system anything is"),
        systems => diagnostic.hint(format!("there is {}", systems.join(", "))),
    }
}

fn unknown(what: String, suggestions: &[String]) -> Diagnostic {
    Diagnostic { hint: meant(suggestions), ..Diagnostic::new(what) }
}

fn meant(suggestions: &[String]) -> Option<String> {
    let names: Vec<_> = suggestions.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed() -> Diagnostic {
        let reason = "neither an attribute nor a derivation is in it (hint: import each document by itself)".to_owned();
        Error::Malformed { input: "a\u{1b}.json".to_owned(), place: "line 3, column 1".to_owned(), reason }.diagnostic()
    }

    #[test]
    fn parts_are_apart_and_nothing_in_them_is_obeyed() {
        let parts = malformed().parts(None);
        let texts: Vec<_> = parts.iter().map(|(label, lines)| (*label, lines.join("|"))).collect();
        assert_eq!(
            texts,
            [
                ("error", "this cannot be read".to_owned()),
                ("at", "a\u{fffd}.json, line 3, column 1".to_owned()),
                ("why", "neither an attribute nor a derivation is in it".to_owned()),
                ("hint", "import each document by itself".to_owned()),
            ]
        );
    }

    #[test]
    fn parts_fit_the_terminal() {
        let parts = malformed().parts(Some(40));
        assert!(parts.iter().flat_map(|(_, lines)| lines).all(|line| line.chars().count() <= 33), "{parts:?}");
        assert_eq!(parts[2].1.len(), 2);
    }

    #[test]
    fn a_name_without_end_is_cut() {
        let diagnostic = |length: usize| Error::Empty { inputs: "é".repeat(length), first: None }.diagnostic().parts(None);
        assert_eq!(diagnostic(LONGEST)[1].1, ["é".repeat(LONGEST)]);
        assert_eq!(diagnostic(LONGEST + 1)[1].1, ["é".repeat(LONGEST) + "… and 1 more character"]);
    }

    #[test]
    fn one_line_has_it_all() {
        assert_eq!(
            malformed().to_string(),
            "a\u{1b}.json: line 3, column 1: neither an attribute nor a derivation is in it (hint: import each document by itself)"
        );
        let message = "--sort hours needs build times (hint: --durations FILE)";
        assert_eq!(Diagnostic::of_message(message).to_string(), message);
    }
}
