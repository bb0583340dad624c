//! Attributes whose builds together build a wave.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::name;
use crate::graph::{Attribute, AttributeIx, DerivationIx, DerivationSet, Graph};
use crate::plan::levels;

/// The system that is assumed if no attribute has one.
const USUAL_SYSTEM: &str = "x86_64-linux";

/// Attributes that cover a set of derivations: to build them is to build all that leads to them.
#[derive(Clone, Debug)]
pub struct Cover {
    /// The attributes nearest the leaves: no other of the set needs them. By level, then by attribute path.
    pub targets: Vec<Target>,
    /// Derivations of the set.
    pub derivations: usize,
    /// Derivations that no attribute leads to.
    pub unreached: Vec<DerivationIx>,
    /// How many of these have an attribute that the engine cannot name.
    pub unnamed: usize,
    /// Targets that a package set refuses by default: they are broken, insecure or not free, or built with what is.
    pub refused: usize,
}

/// An attribute to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The attribute.
    pub attribute: AttributeIx,
    /// Its derivation.
    pub derivation: DerivationIx,
    /// The system that the set is evaluated for.
    pub system: String,
    /// How many rebuilds must come before, at least.
    pub level: usize,
    /// Why a package set refuses it by default.
    pub(super) refusal: Option<Refusal>,
}

impl Cover {
    /// Of a set of derivations, with what is refused of all. If names are `typed`, an attribute that `nix-build -A` cannot name is none.
    /// O(V + E).
    pub(super) fn new(graph: &Graph, set: &DerivationSet, refusals: &[Option<Refusal>], typed: bool) -> Self {
        let names = Names::new(graph, set, typed);
        let mut leads = graph.empty_set();
        let members: Vec<DerivationIx> = set.iter().collect();
        for &ix in members.iter().rev() {
            let mut users = graph.derivation(ix).users().filter(|&user| set.contains(user));
            if users.any(|user| names.of.contains_key(&user) || leads.contains(user)) {
                leads.insert(ix);
            }
        }
        let level_of: HashMap<DerivationIx, usize> =
            levels(graph, set).iter().enumerate().flat_map(|(level, members)| members.iter().map(move |&ix| (ix, level))).collect();
        let target = |(&derivation, &attribute): (&DerivationIx, &AttributeIx)| Target {
            attribute,
            derivation,
            system: names.system(graph.attribute(attribute)).to_owned(),
            level: level_of.get(&derivation).copied().unwrap_or(0),
            refusal: names.refusal(graph, derivation, refusals),
        };
        let mut targets: Vec<Target> = names.of.iter().filter(|(ix, _)| !leads.contains(**ix)).map(target).collect();
        targets.sort_by_key(|target| (target.level, target.attribute));
        let is_unreached = |ix: &DerivationIx| !leads.contains(*ix) && !names.of.contains_key(ix);
        let unreached: Vec<DerivationIx> = members.iter().copied().filter(is_unreached).collect();
        Self {
            derivations: members.len(),
            unnamed: unreached.iter().filter(|&&ix| graph.derivation(ix).attributes().len() > 0).count(),
            refused: targets.iter().filter(|target| target.refusal.is_some()).count(),
            targets,
            unreached,
        }
    }

    /// The systems that its targets are evaluated for.
    pub fn systems(&self) -> BTreeSet<&str> {
        self.targets.iter().map(|target| target.system.as_str()).collect()
    }
}

/// Why a package set refuses an attribute by default. One that is refused does not evaluate, and ends the command that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    Unfree,
    Insecure,
    Broken,
}

impl Refusal {
    /// All that there are.
    pub(super) const ALL: [Self; 3] = [Self::Unfree, Self::Insecure, Self::Broken];

    /// Of an attribute by itself; `None` if it is not refused.
    fn of(attribute: Attribute<'_>) -> Option<Self> {
        let is = |refusal: &Self| match refusal {
            Self::Unfree => attribute.is_unfree(),
            Self::Insecure => attribute.is_insecure(),
            Self::Broken => attribute.is_broken(),
        };
        Self::ALL.into_iter().rfind(is)
    }

    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unfree => "not free",
            Self::Insecure => "insecure",
            Self::Broken => "broken",
        }
    }
}

/// Why a package set refuses each derivation by default: all of its attributes are refused, or something that it needs is, for that
/// is evaluated with it. The worst counts. O(V + E).
pub(super) fn refusals(graph: &Graph) -> Vec<Option<Refusal>> {
    let mut refusals: Vec<Option<Refusal>> = Vec::with_capacity(graph.derivation_count());
    // Inputs come first.
    for derivation in graph.derivations() {
        let own = derivation.attributes().map(Refusal::of).min().flatten();
        let of_inputs = derivation.inputs().filter_map(|(input, _)| refusals[input.get()]).max();
        refusals.push(own.max(of_inputs));
    }
    refusals
}

/// The attribute that each derivation of a set is named by.
pub(super) struct Names<'g> {
    pub(super) of: BTreeMap<DerivationIx, AttributeIx>,
    /// Systems that one attribute path is there for several of; else the one that most attributes have. That of most first.
    systems: Vec<&'g str>,
}

impl<'g> Names<'g> {
    /// The one that is refused least by itself, of these the shortest; of equal ones the first.
    pub(super) fn new(graph: &'g Graph, set: &DerivationSet, typed: bool) -> Self {
        let can = |attribute: &Attribute<'_>| !typed || name::typed(attribute.path()).is_some();
        let order = |attribute: &Attribute<'_>| {
            let path = attribute.path();
            (Refusal::of(*attribute), name::components(path).len(), path.len(), attribute.ix())
        };
        let named = set.iter().filter_map(|ix| {
            let best = graph.derivation(ix).attributes().filter(can).min_by_key(order)?;
            Some((ix, best.ix()))
        });
        Self { of: named.collect(), systems: evaluated(graph) }
    }

    /// Why a package set refuses a derivation by the name that it has here: a better one may be none that can be typed.
    pub(super) fn refusal(&self, graph: &Graph, ix: DerivationIx, refusals: &[Option<Refusal>]) -> Option<Refusal> {
        let of_name = self.of.get(&ix).and_then(|&attribute| Refusal::of(graph.attribute(attribute)));
        refusals[ix.get()].max(of_name)
    }

    /// The system that the set is evaluated for, so that it has this attribute.
    pub(super) fn system(&self, attribute: Attribute<'g>) -> &'g str {
        let own = attribute.system().filter(|system| self.systems.contains(system));
        own.unwrap_or(self.systems[0])
    }

    /// The systems that the named attributes are evaluated for.
    pub(super) fn all_systems(&self, graph: &'g Graph) -> BTreeSet<&'g str> {
        self.of.values().map(|&attribute| self.system(graph.attribute(attribute))).collect()
    }
}

/// The systems that an evaluation is for. An attribute such as `pkgsi686Linux.hello` is of another system than it is evaluated
/// for; the same attribute for two systems is evaluated twice.
fn evaluated(graph: &Graph) -> Vec<&str> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut several: BTreeSet<&str> = BTreeSet::new();
    let mut before: Option<Attribute<'_>> = None;
    for attribute in graph.attributes() {
        let Some(system) = attribute.system() else { continue };
        *count.entry(system).or_default() += 1;
        if let Some(other) = before.filter(|before| before.path() == attribute.path()) {
            several.extend([system, other.system().unwrap_or(system)]);
        }
        before = Some(attribute);
    }
    let mut systems: Vec<&str> = count.keys().copied().filter(|system| several.is_empty() || several.contains(system)).collect();
    systems.sort_by_key(|system| Reverse(count[system]));
    if several.is_empty() {
        systems.truncate(1);
    }
    if systems.is_empty() {
        systems.push(USUAL_SYSTEM);
    }
    systems
}
