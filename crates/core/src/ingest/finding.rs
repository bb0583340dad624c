//! What was skipped, dangling, duplicated or contradictory: counted by kind, never silent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Findings of one kind beyond this many are counted, but not listed.
pub const LISTED_FINDINGS: usize = 10_000;

/// A kind of thing that an ingest did not take as it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// An attribute that does not evaluate.
    EvaluationError,
    /// An input derivation that no dump defines.
    DanglingInput,
    /// An attribute's derivation that no dump defines.
    UndefinedDerivation,
    /// An attribute's derivation that no dump defines, but whose outputs another derivation has.
    JoinedByOutput,
    /// An attribute with outputs that its derivation does not build; it is counted with its derivation.
    MixedOutputs,
    /// A derivation that is described more than once, each time the same.
    DuplicateDerivation,
    /// A derivation that two descriptions disagree on; the first counts.
    ContradictoryDerivation,
    /// An attribute that is described more than once in one dump, each time the same.
    DuplicateAttribute,
    /// An attribute that two descriptions disagree on; the first counts.
    ContradictoryAttribute,
    /// An output path that a further derivation builds: they differ only behind a fixed output.
    SharedOutput,
    /// A line or entry that cannot be read.
    Malformed,
    /// An entry that is neither a derivation nor an attribute, such as CI's `release-checks`.
    UnknownEntry,
    /// A file in a directory or tar that is not a dump.
    SkippedFile,
}

impl FindingKind {
    /// What one of them, or several, are called: "evaluation error", "evaluation errors".
    pub fn noun(self, count: u64) -> &'static str {
        let (one, many) = match self {
            Self::EvaluationError => ("evaluation error", "evaluation errors"),
            Self::DanglingInput => ("input that no dump defines", "inputs that no dump defines"),
            Self::UndefinedDerivation => ("derivation without a description", "derivations without a description"),
            Self::JoinedByOutput => ("derivation joined by its output path", "derivations joined by their output paths"),
            Self::MixedOutputs => ("attribute with outputs of another derivation", "attributes with outputs of other derivations"),
            Self::DuplicateDerivation => ("repeated derivation", "repeated derivations"),
            Self::ContradictoryDerivation => ("contradictory derivation", "contradictory derivations"),
            Self::DuplicateAttribute => ("repeated attribute", "repeated attributes"),
            Self::ContradictoryAttribute => ("contradictory attribute", "contradictory attributes"),
            Self::SharedOutput => {
                ("derivation output that another derivation builds too", "derivation outputs that another derivation builds too")
            }
            Self::Malformed => ("malformed entry", "malformed entries"),
            Self::UnknownEntry => ("entry of unknown shape", "entries of unknown shape"),
            Self::SkippedFile => ("skipped file", "skipped files"),
        };
        if count == 1 { one } else { many }
    }
}

/// One thing that was not taken as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: FindingKind,
    pub(crate) what: String,
}

/// All findings of an ingest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings(BTreeMap<FindingKind, FindingList>);

/// The findings of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingList {
    /// How many there are.
    pub count: u64,
    /// The first [`LISTED_FINDINGS`] of them.
    pub listed: Vec<String>,
}

impl Findings {
    pub(crate) fn add(&mut self, kind: FindingKind, what: impl FnOnce() -> String) {
        let list = self.0.entry(kind).or_default();
        list.count += 1;
        if list.listed.len() < LISTED_FINDINGS {
            list.listed.push(what());
        }
    }

    /// How many there are of `kind`.
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.0.get(&kind).map_or(0, |list| list.count)
    }

    /// The kinds that occur, in the order of [`FindingKind`].
    pub fn iter(&self) -> impl Iterator<Item = (FindingKind, &FindingList)> {
        self.0.iter().map(|(&kind, list)| (kind, list))
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
