//! What must hold for an option, as far as an evaluation tells.

use super::{Closed, Kind, Runtime};
use crate::analysis::{Impact, Root};
use crate::graph::{Derivation, Graph};
use crate::text::{counted, number};

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// Nothing that was read tells.
    Unknown,
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Only the last part of the version changes, so that libraries keep their soname as a rule.
    PatchLevel,
    /// Store paths with the fix are as long as those without, so that references can be rewritten in place.
    EqualLength,
    /// Nothing holds a copy of its code.
    NotStatic,
    /// What depends on it refers to it when it runs, and has not only used it to be built.
    Runtime,
    /// No pin of the plan holds it.
    NotPinned,
    /// Nothing that a closed wave locked is rebuilt.
    LocksKept,
    /// A closed wave holds something of it.
    ClosedWave,
    /// Users build for themselves.
    UsersBuild,
}

/// A precondition, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// What is checked.
    pub check: Check,
    /// Whether it holds.
    pub state: State,
    /// Why.
    pub reason: String,
}

/// What preconditions are checked against.
pub(super) struct Checks<'a, 'g> {
    pub(super) graph: &'g Graph,
    pub(super) impact: &'a Impact<'g>,
    pub(super) roots: &'a [Root],
    pub(super) to: Option<&'a str>,
    pub(super) runtime: Option<Runtime>,
    pub(super) closed: Option<Closed<'a>>,
    pub(super) locks: usize,
}

impl<'g> Checks<'_, 'g> {
    /// Those of an option.
    pub(super) fn of(&self, kind: Kind) -> Vec<Precondition> {
        match kind {
            Kind::Graft => vec![self.patch_level(), self.equal_length(), self.not_static(), self.runtime()],
            Kind::Rebuild => vec![self.not_pinned(), self.locks_kept()],
            Kind::Duplicate => vec![self.closed_wave()],
            Kind::Override => {
                vec![precondition(Check::UsersBuild, State::Unknown, "an evaluation does not say who builds for himself".to_owned())]
            }
        }
    }

    fn faces(&self) -> impl Iterator<Item = Derivation<'g>> {
        self.roots.iter().map(|root| self.graph.derivation(root.face))
    }

    fn patch_level(&self) -> Precondition {
        let Some(to) = self.to else {
            return precondition(Check::PatchLevel, State::Unknown, "no version is given (hint: --to VERSION)".to_owned());
        };
        let other = self.faces().find(|face| !is_patch_level(face.version(), to));
        match other {
            None => precondition(
                Check::PatchLevel,
                State::Holds,
                format!("only the last part of the version changes to {to}; the soname itself is not in an evaluation"),
            ),
            Some(face) => precondition(
                Check::PatchLevel,
                State::Fails,
                format!("from {} to {to} more than the last part of the version changes", version(&face)),
            ),
        }
    }

    fn equal_length(&self) -> Precondition {
        let Some(to) = self.to else {
            return precondition(Check::EqualLength, State::Unknown, "no version is given (hint: --to VERSION)".to_owned());
        };
        let other = self.faces().find(|face| face.version().len() != to.len());
        match other {
            None => precondition(Check::EqualLength, State::Holds, format!("names with {to} are as long")),
            Some(face) => {
                precondition(Check::EqualLength, State::Fails, format!("names with {to} are not as long as those with {}", version(&face)))
            }
        }
    }

    fn not_static(&self) -> Precondition {
        // A patch about static linking is not linked statically.
        let is_patch = |name: &str| name.contains(".patch") || name.contains(".diff");
        let is_static = |derivation: &Derivation<'_>| {
            !is_patch(derivation.name()) && derivation.name().split('-').any(|part| part.eq_ignore_ascii_case("static"))
        };
        let suspects: Vec<Derivation<'_>> = self.impact.rebuilds().iter().map(|ix| self.graph.derivation(ix)).filter(is_static).collect();
        match suspects.first() {
            None => precondition(
                Check::NotStatic,
                State::Unknown,
                "no name says that something is linked statically, but an evaluation would not".to_owned(),
            ),
            Some(first) => precondition(
                Check::NotStatic,
                State::Fails,
                format!(
                    "{}, such as {}",
                    counted(suspects.len(), "rebuilt derivation is static by its name", "rebuilt derivations are static by their name"),
                    first.name()
                ),
            ),
        }
    }

    fn runtime(&self) -> Precondition {
        let dependents = self.impact.dependents().len();
        let all = number(dependents as u64);
        match self.runtime {
            Some(runtime) if runtime.unknown == 0 => {
                let (state, others) = if runtime.dependents == dependents {
                    (State::Holds, "")
                } else {
                    (State::Fails, ": the others were only built with it")
                };
                let refer = number(runtime.dependents as u64);
                precondition(Check::Runtime, state, format!("{refer} of {all} dependents refer to it when they run{others}"))
            }
            Some(runtime) => precondition(
                Check::Runtime,
                State::Unknown,
                format!(
                    "{} of {all} dependents refer to it when they run, of {} it is not known",
                    number(runtime.dependents as u64),
                    number(runtime.unknown as u64)
                ),
            ),
            None => precondition(
                Check::Runtime,
                State::Unknown,
                format!(
                    "no references given (hint: --sizes FILE): at most the {} them",
                    counted(dependents, "dependent has", "dependents have")
                ),
            ),
        }
    }

    fn not_pinned(&self) -> Precondition {
        let held = self.closed.map(|closed| &closed.plan.held);
        let is_held = held.is_some_and(|held| self.impact.roots().iter().any(|ix| held.contains(ix)));
        let pinned = held.map_or(0, |held| self.impact.dependents().iter().filter(|&ix| held.contains(ix)).count());
        match (held, is_held, pinned) {
            (None, ..) => precondition(Check::NotPinned, State::Unknown, "no plan is given (hint: --plan PLAN)".to_owned()),
            (_, true, _) => precondition(Check::NotPinned, State::Fails, "a pin of the plan holds it".to_owned()),
            (_, _, 0) => precondition(Check::NotPinned, State::Holds, "no pin of the plan holds it or what depends on it".to_owned()),
            (_, _, pinned) => {
                let pinned = counted(pinned, "derivation that depends", "derivations that depend");
                precondition(Check::NotPinned, State::Fails, format!("pins of the plan hold {pinned} on it"))
            }
        }
    }

    fn locks_kept(&self) -> Precondition {
        match (self.closed, self.locks) {
            (None, _) => precondition(Check::LocksKept, State::Unknown, "no plan is given (hint: --plan PLAN)".to_owned()),
            (Some(_), 0) => precondition(Check::LocksKept, State::Holds, "it rebuilds no update of a closed wave".to_owned()),
            (Some(_), locks) => {
                let updates = counted(locks, "update", "updates");
                precondition(Check::LocksKept, State::Fails, format!("it rebuilds {updates} of closed waves"))
            }
        }
    }

    fn closed_wave(&self) -> Precondition {
        let waves = self.closed.map_or(0, |closed| closed.waves);
        let state = if waves > 0 { State::Holds } else { State::Fails };
        let reason = match self.closed {
            None => "no wave is closed (hint: --plan PLAN)".to_owned(),
            Some(_) => counted(waves, "wave is closed", "waves are closed"),
        };
        precondition(Check::ClosedWave, state, reason)
    }
}

fn precondition(check: Check, state: State, reason: String) -> Precondition {
    Precondition { check, state, reason }
}

fn version<'g>(derivation: &Derivation<'g>) -> &'g str {
    if derivation.version().is_empty() { "no version" } else { derivation.version() }
}

/// Whether two versions differ in nothing but their last part: both have as many parts, three at least or a letter behind the second, and all but
/// the last are the same. `3.3.2` and `3.3.3`, `1.1.1v` and `1.1.1w`; not `8.11` and `8.12`.
pub fn is_patch_level(from: &str, to: &str) -> bool {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('.').collect(), to.split('.').collect());
    let begins_alike = from.len() == to.len() && from[..from.len() - 1] == to[..to.len() - 1];
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>();
    let (last, new) = (&from[from.len() - 1], &to[to.len() - 1]);
    let only_letter = digits(last) == digits(new) && !digits(last).is_empty();
    begins_alike && (from.len() >= 3 || (from.len() == 2 && only_letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_changes() {
        for (from, to, is) in [
            ("3.3.2", "3.3.3", true),
            ("3.3.2", "3.4.0", false),
            ("3.3.2", "4.3.2", false),
            ("1.1.1v", "1.1.1w", true),
            ("8.11", "8.12", false),
            ("8.11", "8.11p1", true),
            ("5.2p37", "5.2p38", true),
            ("3.3.2", "3.3.2.1", false),
            ("7", "8", false),
            ("", "3.3.3", false),
        ] {
            assert_eq!(is_patch_level(from, to), is, "{from} {to}");
        }
    }
}
