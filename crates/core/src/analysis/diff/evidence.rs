//! What a rebuilt derivation has changed of itself, and not only through its inputs.

use super::pairing::{Evaluations, Pairing, is_same_recipe};
use crate::graph::{Derivation, DerivationIx};

/// Why a derivation is a cause of rebuilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Its fixed output is another: a new version or hash of a source.
    FixedOutput,
    /// What it says of itself is different.
    Recipe,
    /// A local file that it uses is different.
    SourceFile,
    /// An input was swapped for another package, or another version of one, that was there before.
    SwappedInput,
    /// Nothing like it was there before.
    New,
    /// Nothing that a dump tells explains it.
    Unexplained,
}

/// What many packages may have in common: then it is one cause, and not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shared<'g> {
    /// Base names of a file in the store, before and after.
    File(&'g str, &'g str),
    /// Derivations before and after the change.
    Input(DerivationIx, DerivationIx),
}

/// What was found at one derivation.
#[derive(Debug, Default)]
pub(super) struct Evidence<'g> {
    pub(super) own: Option<Reason>,
    pub(super) shared: Vec<Shared<'g>>,
}

impl Evidence<'_> {
    pub(super) fn is_none(&self) -> bool {
        self.own.is_none() && self.shared.is_empty()
    }
}

/// What a rebuilt derivation has changed of itself. O(inputs²), and inputs are few.
pub(super) fn evidence<'g>(evaluations: &Evaluations<'g, 'g>, pairing: &Pairing, derivation: Derivation<'g>) -> Evidence<'g> {
    let mut evidence = Evidence::default();
    let old = pairing.of(derivation.ix()).map(|ix| evaluations.before.derivation(ix));
    match old {
        _ if derivation.is_fixed_output() => evidence.own = Some(Reason::FixedOutput),
        None => evidence.own = Some(Reason::New),
        Some(old) if !is_same_recipe(old, derivation) => {
            evidence.own = Some(Reason::Recipe);
            evidence.shared.extend(changed_files(old, derivation));
        }
        Some(old) => {
            evidence.shared.extend(changed_files(old, derivation));
            let swapped = swapped_inputs(evaluations, pairing, old, derivation);
            evidence.shared.extend(swapped.pairs);
            if swapped.other_outputs {
                evidence.own = Some(Reason::Recipe);
            }
        }
    }
    let has_rebuilt_input = || derivation.rebuild_inputs().any(|input| evaluations.rebuilt.contains(input));
    if evidence.is_none() && !has_rebuilt_input() {
        evidence.own = Some(Reason::Unexplained);
    }
    evidence
}

/// Files of the same name with another hash.
fn changed_files<'g>(old: Derivation<'g>, new: Derivation<'g>) -> impl Iterator<Item = Shared<'g>> {
    let is_in_both = move |file: &&str| new.sources().any(|other| other == *file);
    let mut gone: Vec<&str> = old.sources().filter(|file| !is_in_both(file)).collect();
    new.sources().filter(move |file| !old.sources().any(|other| other == *file)).filter_map(move |file| {
        let at = gone.iter().position(|other| file_name(other) == file_name(file))?;
        Some(Shared::File(gone.remove(at), file))
    })
}

/// The name of a file in the store, without its hash.
pub(super) fn file_name(base_name: &str) -> &str {
    base_name.get(crate::store_path::HASH_CHARS + 1..).unwrap_or(base_name)
}

#[derive(Default)]
struct Swapped<'g> {
    pairs: Vec<Shared<'g>>,
    /// Whether other outputs of an input are used.
    other_outputs: bool,
}

/// Inputs that neither stayed nor were rebuilt from what was an input before.
fn swapped_inputs<'g>(evaluations: &Evaluations<'g, 'g>, pairing: &Pairing, old: Derivation<'g>, new: Derivation<'g>) -> Swapped<'g> {
    let (before, after) = (evaluations.before, evaluations.after);
    let mut swapped = Swapped::default();
    let mut rest: Vec<(DerivationIx, Vec<&str>)> =
        old.inputs().map(|(ix, outputs)| (evaluations.builds_before.canonical(ix), outputs.collect())).collect();
    let mut unmatched = Vec::new();
    for (ix, outputs) in new.inputs() {
        let same = pairing.of(ix).map(|ix| evaluations.builds_before.canonical(ix));
        match rest.iter().position(|(other, _)| Some(*other) == same) {
            Some(at) => {
                let is_other = !rest.remove(at).1.into_iter().eq(outputs);
                swapped.other_outputs |= is_other && !after.derivation(ix).is_fixed_output();
            }
            None => unmatched.push(after.derivation(ix)),
        }
    }
    for input in unmatched {
        let is_rebuilt = evaluations.rebuilt.contains(input.ix());
        // A fixed output that was not there before is a cause by itself.
        if is_rebuilt && input.is_fixed_output() {
            continue;
        }
        let alike = |&(ix, _): &(DerivationIx, Vec<&str>)| {
            let other = before.derivation(ix);
            other.pname() == input.pname() && other.is_fixed_output() == input.is_fixed_output()
        };
        let Some(at) = rest.iter().position(alike) else { continue };
        let from = rest.remove(at).0;
        // What is gone was rebuilt as this one: they were only not paired with each other.
        if !is_rebuilt || !evaluations.is_gone(from) {
            swapped.pairs.push(Shared::Input(from, input.ix()));
        }
    }
    swapped
}
