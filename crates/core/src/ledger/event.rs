//! What a ledger says: decisions, and results of builds. Never a status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::WaveName;
use crate::config::Day;

/// A line of the ledger: something, and when it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Entry {
    /// In seconds since 1970.
    pub time: u64,
    /// What it was.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened, or was decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A major wave began.
    Start(Start),
    /// A result of a build.
    Record(Record),
    /// A failure that does not keep a wave from being closed.
    Waive(Waiver),
    /// Builds that are to be tried again.
    Retry(Retry),
    /// A commit that a wave was tagged at.
    Tag(TagEvent),
}

/// The beginning of a major wave. Its plan is a file beside the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Start {
    /// The number of the major wave.
    pub major: u32,
    /// The name of the plan's file.
    pub plan: String,
    /// SHA-256 of that file.
    pub sha256: String,
    /// The digest of the evaluation that the plan was made for.
    pub evaluation: String,
}

/// A result of a build.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Record {
    /// What it is a result of.
    #[serde(flatten)]
    pub of: RecordedFor,
    /// Base name of the derivation; none if there is no derivation, because it does not evaluate.
    pub derivation: Option<String>,
    /// Attribute paths of the derivation; its name if it has none.
    pub attributes: Vec<String>,
    /// The system that builds it; empty if unknown.
    pub system: String,
    /// How it ended.
    pub status: Outcome,
    /// The file that says so.
    pub source: String,
}

/// What results are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedFor {
    /// A minor wave.
    Wave(WaveName),
    /// What was there before the major wave of this number.
    Baseline(u32),
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of its outputs are there.
    Succeeded,
    /// Its builder failed.
    Failed,
    /// It was not built, for something that it needs failed.
    DependencyFailed,
    /// It took too long.
    TimedOut,
    /// Its log or its outputs were too large.
    LimitExceeded,
    /// Nix could not evaluate it.
    EvaluationFailed,
    /// It was stopped, or the machine failed: this says nothing of it.
    Aborted,
    /// It is being built.
    Building,
}

impl Outcome {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::DependencyFailed => "dependency-failed",
            Self::TimedOut => "timed-out",
            Self::LimitExceeded => "limit-exceeded",
            Self::EvaluationFailed => "evaluation-failed",
            Self::Aborted => "aborted",
            Self::Building => "building",
        }
    }

    /// Whether it says nothing of the derivation.
    pub fn is_silent(self) -> bool {
        matches!(self, Self::Aborted | Self::Building)
    }

    /// Whether the derivation itself is at fault.
    pub fn is_own_failure(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut | Self::LimitExceeded | Self::EvaluationFailed)
    }
}

/// Why a failure is let be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverKind {
    /// Nobody wants to.
    WontFix,
    /// Nobody is able to.
    CantFix,
}

impl WaiverKind {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::WontFix => "wont-fix",
            Self::CantFix => "cant-fix",
        }
    }
}

/// A failure that is let be: it counts from its wave on, in the same major wave, until its end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Waiver {
    /// The package, as `--root` names it.
    pub package: String,
    /// The first wave that it counts in.
    pub wave: WaveName,
    /// Why it is let be.
    pub kind: WaiverKind,
    /// Why, in words.
    pub reason: String,
    /// The last day or wave that it counts in.
    pub until: Until,
    /// Who decided it.
    pub who: String,
}

/// The last day, or the last wave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// A day.
    Day(Day),
    /// A wave.
    Wave(WaveName),
}

impl Until {
    /// Reads a day, `2027-01-31`, or a wave, `wave-1.3`.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(wave) = WaveName::parse(text) {
            return Ok(Self::Wave(wave));
        }
        Day::try_from(text.to_owned()).map(Self::Day).map_err(|reason| format!("{reason}, or name a wave, as wave-1.3"))
    }

    /// Whether it is over on a day, in a wave.
    pub fn is_over(&self, today: &Day, wave: WaveName) -> bool {
        match self {
            Self::Day(day) => today > day,
            Self::Wave(last) => wave > *last,
        }
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Wave(wave) => wave.fmt(f),
        }
    }
}

/// Builds that are to be tried again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Retry {
    /// The wave.
    pub wave: WaveName,
    /// The package, as `--root` names it.
    pub package: String,
    /// Base names of its derivations that had failed.
    pub derivations: Vec<String>,
}

/// A tag of a wave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TagEvent {
    /// The wave.
    pub wave: WaveName,
    /// The name of the tag.
    pub tag: String,
    /// The commit that it names.
    pub commit: String,
    /// Whether the wave was still open.
    pub pre: bool,
    /// What did not build then, by system: attribute paths, and names of what has none. The next wave is compared with it.
    pub failing: BTreeMap<String, Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_is_of() {
        let wave = WaveName { major: 1, minor: 2 };
        let record = |of| {
            let (derivation, source) = (Some("a.drv".to_owned()), "results.csv".to_owned());
            let record =
                Record { of, derivation, attributes: vec!["a".to_owned()], system: String::new(), status: Outcome::TimedOut, source };
            Entry { time: 5, event: Event::Record(record) }
        };
        let rest = r#""derivation":"a.drv","attributes":["a"],"system":"","status":"timed-out","source":"results.csv"}"#;
        for (of, text) in [(RecordedFor::Wave(wave), r#""wave":"wave-1.2""#), (RecordedFor::Baseline(1), r#""baseline":1"#)] {
            let text = format!(r#"{{"time":5,"event":"record",{text},{rest}"#);
            assert_eq!(serde_json::to_string(&record(of)).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Entry>(&text).expect("an entry"), record(of));
        }
    }
}
