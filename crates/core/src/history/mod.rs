//! Many evaluations of one package set, stored as what each changed, and questions over all of them at once.
//!
//! A derivation never changes: its path is a hash of all that it says, its inputs included. So a history is the union of
//! the derivations of all evaluations, each with the runs of evaluations in which it is there, its *lives*. What an
//! evaluation adds is what no earlier one had, and which lives it ends and begins. A question of all evaluations is one
//! sweep over the union with a bit for each evaluation, instead of a closure in each.

mod append;
mod file;
mod frame;
mod rebuilds;
mod roots;
mod source;
mod state;

use std::ops::Range;

pub use file::{Added, Writer};
pub use rebuilds::Rebuilds;
pub use roots::{Unresolved, UnresolvedReason};
pub use source::{AttributeRecord, DerivationRecord, Evaluated, OutputRecord};
pub use state::History;

/// An evaluation of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What it is called: a revision, a date, a channel's release.
    pub label: String,
    /// Its time in seconds since 1970, as it was given.
    pub time: u64,
    /// Attributes, those included that do not evaluate.
    pub attributes: usize,
    /// Derivations.
    pub derivations: usize,
    /// Distinct output paths.
    pub outputs: usize,
    /// Attributes by what became of them.
    pub changes: AttributeChanges,
    /// Derivations that no evaluation before had. What a dump describes in another way is another one, and so is all that needs it.
    pub new_derivations: usize,
    /// Derivations of the evaluation before that it does not have.
    pub gone_derivations: usize,
    /// What it takes in the file.
    pub bytes: u64,
}

/// Attributes of an evaluation against those of the one before, by attribute path and system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeChanges {
    /// Only in this one.
    pub added: usize,
    /// Only in the one before.
    pub removed: usize,
    /// In both, of another derivation.
    pub changed: usize,
}

/// A derivation of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derivation<'h> {
    /// Its position: what it needs has smaller ones.
    pub position: usize,
    /// Its name, without hash and `.drv`.
    pub name: &'h str,
    /// Its pname.
    pub pname: &'h str,
    /// Its version; empty if it has none.
    pub version: &'h str,
    /// The system that builds it; empty if unknown.
    pub system: &'h str,
    /// Whether its output is fixed by a hash, so that a change of its inputs rebuilds nothing.
    pub is_fixed_output: bool,
    /// Whether only its build tells its output path.
    pub is_floating: bool,
}

/// A run of evaluations in which a derivation is there, and belongs to the same package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Position of the derivation.
    pub derivation: usize,
    /// The package that it belongs to meanwhile: the first position of one of its derivations.
    pub package: usize,
    /// The evaluations.
    pub evaluations: Range<usize>,
}

/// A run of evaluations in which an attribute names the same derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming<'h> {
    /// Attribute path.
    pub attribute: &'h str,
    /// The system that it was evaluated for; empty if unknown.
    pub system: &'h str,
    /// Position of the derivation; `None` if it does not evaluate.
    pub derivation: Option<usize>,
    /// The evaluations.
    pub evaluations: Range<usize>,
}
