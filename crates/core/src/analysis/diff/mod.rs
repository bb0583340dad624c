//! What differs between two evaluations, and which changes cause it.
//!
//! Attributes are compared by nixpkgs' rules; derivations by what they build. A rebuilt derivation is a root cause when
//! it was changed itself, and not only through its inputs; see `docs/algorithms.md`.

mod attributes;
mod cause;
mod evidence;
mod identity;
mod pairing;

use std::collections::BTreeSet;

pub use cause::{Cause, Reach};
pub use evidence::Reason;

use self::attributes::{Attributes, NewNames, compare, evaluated, lend_systems, new_names, no_longer_evaluated, within};
use self::cause::{Causes, causes};
use self::identity::Builds;
use self::pairing::{Evaluations, Pairing};
use super::change::{AttributeChanges, AttributeName, Change};
use super::impact::Impact;
use super::select::Root;
use crate::error::Result;
use crate::graph::{Attribute, AttributeIx, Counts, Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// Causes from which on two evaluations do not look like neighbours.
const MANY_CAUSES: usize = 1000;
/// One in so many attributes in sets that the other evaluation does not have: it covers less.
const PARTIAL: usize = 20;
/// Attributes of one kind from which on it is remarkable that the other evaluation has none.
const MANY_OF_A_KIND: usize = 20;

/// Why two evaluations may not be what one change made of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// They are for different systems: those of one, and those of the other.
    Systems(BTreeSet<String>, BTreeSet<String>),
    /// They have different store directories: every path differs.
    StoreDirs(String, String),
    /// Package sets of the first that the second has nothing of, and the attributes in them.
    OnlyBefore(Vec<String>, usize),
    /// Package sets of the second that the first has nothing of, and the attributes in them.
    OnlyAfter(Vec<String>, usize),
    /// Only one of them allows what is `broken`, `unfree` or `insecure`.
    Policy(&'static str),
    /// So many root causes.
    ManyCauses(usize),
    /// No dump says what needs what before (or after) the change: causes cannot be told.
    NoEdges(&'static str),
    /// Packages that exist in both, but say nothing of their recipe before (or after).
    NoRecipes(&'static str),
}

/// What differs between two evaluations.
#[derive(Debug)]
pub struct Diff<'g> {
    /// The evaluation before the change.
    pub before: &'g Graph,
    /// The evaluation after the change.
    pub after: &'g Graph,
    /// What differs between the attributes, by nixpkgs' rules.
    pub attributes: AttributeChanges,
    /// Removed attributes that are still there after the change, but do not evaluate.
    pub no_longer_evaluated: Vec<AttributeName>,
    /// Removed attributes, and the added ones that are the same build.
    pub renames: Vec<(AttributeName, AttributeName)>,
    /// Added attributes, and others of the same build that were there before.
    pub aliases: Vec<(AttributeName, AttributeName)>,
    /// Derivations after the change that build what was not built before, and that a compared attribute needs; or that have one, if
    /// there is a [`Doubt::NoEdges`]. Where no attribute is known after the change, all of them are compared.
    pub rebuilt: DerivationSet,
    /// Rebuilt attributes whose outputs were built before, without an attribute of their own.
    pub newly_named: usize,
    /// The root causes, those that rebuild most first.
    pub causes: Vec<Cause>,
    /// Whether the causes with [`Cause::adds`] are proven to be the fewest that explain everything.
    pub smallest_is_proven: bool,
    /// Why the two may not be neighbours.
    pub doubts: Vec<Doubt>,
    /// Attributes before and after the change that were not compared, as the other evaluation has nothing of their set.
    pub left_out: (usize, usize),
    /// The rebuilt attributes, by attribute path and system.
    rebuilt_attributes: Vec<AttributeIx>,
}

impl<'g> Diff<'g> {
    /// Compares two evaluations; with `only_common`, only the package sets that both cover.
    ///
    /// Time O(A log A + V + E), and O(V + E) for each 64 causes; space O(V + E).
    pub fn new(before: &'g Graph, after: &'g Graph, only_common: bool) -> Self {
        let (mut old, mut new) = (evaluated(before), evaluated(after));
        let has_names = !new.is_empty();
        lend_systems(&mut old, &mut new);
        let left_out = if only_common { within(&mut old, &mut new) } else { (0, 0) };
        let mut doubts = doubts(before, after, &old, &new);
        let attributes = compare(&old, &new);
        let no_longer_evaluated = no_longer_evaluated(&attributes.removed, after);
        let NewNames { renames, aliases } = new_names(&attributes, &old, &new);

        let (builds_before, builds_after) = (Builds::new(before), Builds::new(after));
        let is_connected = !doubts.iter().any(|doubt| matches!(doubt, Doubt::NoEdges(_)));
        let needed = if has_names { needed(after, &new, is_connected) } else { after.full_set() };
        let lacking = needed.iter().filter(|&ix| builds_before.lacks(after.derivation(ix)));
        let rebuilt = after.set_of(lacking);
        let evaluations = Evaluations { before, after, builds_before, builds_after, rebuilt };
        let mut weights = vec![0_u32; after.derivation_count()];
        let mut newly_named = 0;
        for name in &attributes.rebuilds {
            match new[name].attribute.derivation().filter(|derivation| evaluations.rebuilt.contains(derivation.ix())) {
                Some(derivation) => weights[derivation.ix().get()] += 1,
                None => newly_named += 1,
            }
        }
        let Causes { causes, smallest_is_proven } =
            if is_connected { explain(&evaluations, &old, &new, &weights) } else { Causes::default() };
        if causes.len() >= MANY_CAUSES {
            doubts.push(Doubt::ManyCauses(causes.len()));
        }
        let rebuilt = evaluations.rebuilt;
        let mut rebuilt_attributes: Vec<AttributeIx> = attributes.rebuilds.iter().map(|name| new[name].attribute.ix()).collect();
        rebuilt_attributes.sort_unstable();
        Self {
            before,
            after,
            attributes,
            no_longer_evaluated,
            renames,
            aliases,
            rebuilt,
            newly_named,
            causes,
            smallest_is_proven,
            doubts,
            left_out,
            rebuilt_attributes,
        }
    }

    /// Attributes, derivations and outputs that are rebuilt, side by side.
    pub fn rebuild_counts(&self) -> Counts {
        Counts {
            attributes: self.attributes.rebuilds.len(),
            derivations: self.rebuilt.len(),
            outputs: self.after.output_count_of(&self.rebuilt),
        }
    }

    /// The rebuilt attributes, none of which was left out of the comparison, by attribute path and system.
    pub fn rebuilt_attributes(&self) -> Vec<Attribute<'g>> {
        self.rebuilt_attributes.iter().map(|&ix| self.after.attribute(ix)).collect()
    }

    /// The causes as roots of the evaluation after the change.
    pub fn roots(&self) -> Vec<Root> {
        let root = |cause: &Cause| Root { selector: cause.label.clone(), face: cause.face, derivations: cause.derivations.clone() };
        self.causes.iter().map(root).collect()
    }

    /// Rebuilt derivations whose output is fixed: they are fetched, not built.
    pub fn fetched(&self) -> usize {
        self.rebuilt.iter().filter(|&ix| self.after.derivation(ix).is_fixed_output()).count()
    }

    /// The causes as a change of the evaluation after it, for whoever asks further: what they reach and was not compared is no part
    /// of it. O(V + E).
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
    pub fn change(&self) -> Result<Change<'g>> {
        let causes = self.roots();
        let impact = Impact::new(self.after, &causes, Direction::Dependents, None, None)?.within(&self.rebuilt);
        Ok(Change { impact, causes, attributes: self.attributes.clone() })
    }
}

/// What the compared attributes are built from, or they alone, unless both evaluations tell what needs what: what is behind them is
/// then not known of one.
fn needed(after: &Graph, attributes: &Attributes<'_>, is_connected: bool) -> DerivationSet {
    let of_attributes = attributes.values().filter_map(|evaluated| evaluated.attribute.derivation().map(Derivation::ix));
    if is_connected { after.closure(of_attributes, Direction::Dependencies) } else { after.set_of(of_attributes) }
}

fn explain<'g>(evaluations: &Evaluations<'g, 'g>, old: &Attributes<'g>, new: &Attributes<'g>, weights: &[u32]) -> Causes {
    let derivation = |attribute: Attribute<'g>| attribute.derivation().map(Derivation::ix);
    let by_attribute: Vec<(DerivationIx, DerivationIx)> = new
        .iter()
        .filter_map(|(name, evaluated)| Some((derivation(evaluated.attribute)?, derivation(old.get(name)?.attribute)?)))
        .collect();
    let pairing = Pairing::new(evaluations, &by_attribute);
    let evidence: Vec<_> = evaluations
        .rebuilt
        .iter()
        .map(|ix| (ix, evidence::evidence(evaluations, &pairing, evaluations.after.derivation(ix))))
        .filter(|(_, evidence)| !evidence.is_none())
        .collect();
    causes(evaluations, &pairing, &evidence, weights)
}

fn doubts(before: &Graph, after: &Graph, old: &Attributes<'_>, new: &Attributes<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let systems = |attributes: &Attributes<'_>| attributes.keys().map(|name| name.system.clone()).collect::<BTreeSet<_>>();
    let (systems_before, systems_after) = (systems(old), systems(new));
    if systems_before != systems_after {
        doubts.push(Doubt::Systems(systems_before, systems_after));
    }
    if before.store_dir() != after.store_dir() {
        doubts.push(Doubt::StoreDirs(before.store_dir().to_owned(), after.store_dir().to_owned()));
    }
    let sets =
        |attributes: &Attributes<'_>| attributes.values().map(|evaluated| evaluated.attribute.set().to_owned()).collect::<BTreeSet<_>>();
    let (sets_before, sets_after) = (sets(old), sets(new));
    let only = |attributes: &Attributes<'_>, own: &BTreeSet<String>, other: &BTreeSet<String>| {
        let missing: Vec<String> = own.difference(other).cloned().collect();
        let count = attributes.values().filter(|evaluated| !other.contains(evaluated.attribute.set())).count();
        (count * PARTIAL > attributes.len()).then_some((missing, count))
    };
    doubts.extend(only(old, &sets_before, &sets_after).map(|(sets, count)| Doubt::OnlyBefore(sets, count)));
    doubts.extend(only(new, &sets_after, &sets_before).map(|(sets, count)| Doubt::OnlyAfter(sets, count)));
    let has_meta = |attributes: &Attributes<'_>| attributes.values().any(|evaluated| evaluated.attribute.has_meta());
    for (kind, flag) in [("broken", 0), ("unfree", 1), ("insecure", 2)] {
        let is_of_it = |attribute: Attribute<'_>| [attribute.is_broken(), attribute.is_unfree(), attribute.is_insecure()][flag];
        let count = |attributes: &Attributes<'_>| attributes.values().filter(|evaluated| is_of_it(evaluated.attribute)).count();
        let (before, after) = (count(old), count(new));
        if before.min(after) == 0 && before.max(after) >= MANY_OF_A_KIND && has_meta(old) && has_meta(new) {
            doubts.push(Doubt::Policy(kind));
        }
    }
    for (graph, which) in [(before, "before"), (after, "after")] {
        if !graph.tells_inputs() {
            doubts.push(Doubt::NoEdges(which));
        } else if graph.derivations().all(|derivation| derivation.recipe_hash().is_none()) {
            doubts.push(Doubt::NoRecipes(which));
        }
    }
    doubts
}
