//! An independent check of a plan's file against an evaluation. Shares no code with the planner but finding packages by their
//! names: it starts from the inputs of each derivation, and counts everything again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::file::{PlanFile, PlannedBuilds, PlannedTotals, PlannedUpdate, ResolvedPlan, ResolvedUpdate};
use crate::cost::Costs;
use crate::error::Result;
use crate::graph::{Derivation, DerivationIx, Graph};

/// A way in which a plan is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Flaw {
    /// A wave rebuilds a package that an earlier wave has updated and locked.
    Lock {
        /// The package that is locked.
        locked: String,
        /// The wave that updated it.
        by: String,
        /// The update that rebuilds it.
        update: String,
        /// The wave of that.
        wave: String,
        /// From the update to the locked package; each is rebuilt by the one before.
        path: Vec<String>,
    },
    /// A pinned package that is also updated.
    Pinned {
        /// The package.
        package: String,
        /// The wave that updates it.
        wave: String,
    },
    /// An update that no wave has.
    Lost(String),
    /// An update that two waves have, or one has twice.
    Twice(String),
    /// An update of a wave that is not among the plan's updates.
    Unknown {
        /// The package.
        package: String,
        /// The wave.
        wave: String,
    },
    /// An update that is said to be in another wave than has it.
    Elsewhere {
        /// The package.
        package: String,
        /// The wave that the update says.
        said: String,
        /// The wave that has it.
        wave: String,
    },
    /// A group whose updates are in several waves.
    Torn {
        /// The group.
        group: String,
        /// The waves, in order.
        waves: Vec<String>,
    },
    /// An update that wants a wave to itself, and has none.
    Shared {
        /// The package.
        package: String,
        /// The wave.
        wave: String,
        /// Another update of the wave that can come apart from it.
        with: String,
    },
    /// A number that is not what it should be.
    Number {
        /// What it is of.
        what: String,
        /// What the plan says.
        said: f64,
        /// What it is.
        is: f64,
    },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock { locked, by, update, wave, path } => {
                write!(f, "{locked} is locked by {by}, and {wave} rebuilds it with {update}: {}", path.join(" → "))
            }
            Self::Pinned { package, wave } => write!(f, "{package} is pinned, and {wave} updates it"),
            Self::Lost(package) => write!(f, "{package} is to be updated, and is in no wave"),
            Self::Twice(package) => write!(f, "{package} is updated twice"),
            Self::Unknown { package, wave } => write!(f, "{wave} updates {package}, which is not among the updates"),
            Self::Elsewhere { package, said, wave } => write!(f, "{package} is said to be in {said}, and {wave} updates it"),
            Self::Torn { group, waves } => write!(f, "the group {group} is in several waves: {}", waves.join(", ")),
            Self::Shared { package, wave, with } => write!(f, "{package} wants a wave to itself, and {wave} updates {with} too"),
            Self::Number { what, said, is } => write!(f, "{what}: the plan says {said}, and it is {is}"),
        }
    }
}

/// What was checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Everything that is wrong; nothing, if the plan is right as far as it was checked.
    pub flaws: Vec<Flaw>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
}

/// Hours, and suspects, that two ways of adding up may differ by: the plan rounds to a hundredth.
const ROUNDING: f64 = 0.011;
/// What only the planner can tell.
const PLANNERS: &str = "the frontier, what merging, splitting and pins save and cost, and schedules: only the planner can tell";

/// Checks a plan: every update once, nothing locked is rebuilt, nothing pinned is updated, groups are together, and what wants a wave to
/// itself has one; and what its waves, their sums, its updates and its bound rebuild, if it is of this evaluation. Hours are checked where
/// build times are given.
///
/// Time O((W + L + U/64) · depth · (V + E)) at worst for W waves, U updates and L levels, two passes for each in practice, and O(U³) at
/// worst for which updates reach which; space O(V + U²), and what the updates rebuild.
///
/// # Errors
///
/// Those of [`PlanFile::resolve`].
pub fn verify(graph: &Graph, plan: &PlanFile, costs: Option<&Costs<'_>>) -> Result<Verified> {
    let resolved = plan.resolve(graph)?;
    let mut verified = Verified { flaws: membership(plan), unchecked: Vec::new() };
    let held: BTreeSet<DerivationIx> = resolved.held.iter().collect();
    verified.flaws.extend(torn(plan));
    verified.flaws.extend(shared(graph, plan, &resolved, &held));
    verified.flaws.extend(pinned(plan, &resolved, &held));
    let rebuilds: Vec<BTreeSet<DerivationIx>> = resolved
        .waves
        .iter()
        .map(|wave| fixpoint(graph, wave.updates.iter().flat_map(|update| update.derivations.iter().copied()), &held))
        .collect();
    verified.flaws.extend(locks(graph, &resolved, &rebuilds, &held));
    if let Some(other) = plan.other_evaluation(graph) {
        verified.unchecked.push(format!("numbers: {other}"));
        return Ok(verified);
    }
    let is_sound = verified.flaws.is_empty();
    let model = costs.and_then(Costs::model);
    let seconds = |ix: DerivationIx| model.map(|model| f64::from(model.seconds(ix)));
    let price = |set: &BTreeSet<DerivationIx>| Price {
        attributes: set.iter().map(|&ix| graph.derivation(ix).attributes().len() as u64).sum(),
        derivations: set.len() as u64,
        hours: set.iter().map(|&ix| seconds(ix)).sum::<Option<f64>>().map(|seconds| seconds / 3600.0),
    };
    let prices: Vec<Price> = rebuilds.iter().map(price).collect();
    for (wave, price) in plan.waves.iter().zip(&prices) {
        verified.numbers(&wave.name, price, wave.rebuilds, wave.hours);
    }
    verified.totals("totals", &total(&prices), &plan.totals, plan.waves.len());
    let updates: Vec<&ResolvedUpdate> = resolved.waves.iter().flat_map(|wave| &wave.updates).collect();
    let all = fixpoint(graph, updates.iter().flat_map(|update| update.derivations.iter().copied()), &held);
    verified.totals("all_at_once", &price(&all), &plan.all_at_once, usize::from(!plan.waves.is_empty()));
    if is_sound {
        verified.updates(graph, plan, &updates, &rebuilds, &held, &price);
    } else {
        verified.unchecked.push("suspects, one_at_a_time, lower_bound, and what each update rebuilds: its waves are wrong".to_owned());
    }
    verified.unchecked.push(PLANNERS.to_owned());
    if plan.totals.hours.is_some() && model.is_none() {
        verified.unchecked.push("hours: no build times are given (--durations)".to_owned());
    }
    Ok(verified)
}

/// Attributes, derivations and hours.
struct Price {
    attributes: u64,
    derivations: u64,
    hours: Option<f64>,
}

fn total(prices: &[Price]) -> Price {
    Price {
        attributes: prices.iter().map(|price| price.attributes).sum(),
        derivations: prices.iter().map(|price| price.derivations).sum(),
        hours: prices.iter().map(|price| price.hours).sum(),
    }
}

impl Verified {
    /// Checks what each update does by itself, and with what can only come with it.
    fn updates(
        &mut self,
        graph: &Graph,
        plan: &PlanFile,
        updates: &[&ResolvedUpdate],
        waves: &[BTreeSet<DerivationIx>],
        held: &BTreeSet<DerivationIx>,
        price: &impl Fn(&BTreeSet<DerivationIx>) -> Price,
    ) {
        let roots: Vec<Vec<DerivationIx>> = updates.iter().map(|update| update.derivations.clone()).collect();
        let alone = fixpoints(graph, &roots, held);
        let mut sizes = alone.iter().map(BTreeSet::len);
        for (wave, rebuilds) in plan.waves.iter().zip(waves) {
            let pairs: usize = sizes.by_ref().take(wave.updates.len()).sum();
            if let Some(said) = wave.suspects {
                self.number(format!("{}: suspects", wave.name), said, pairs as f64 / rebuilds.len().max(1) as f64, ROUNDING);
            }
        }
        let planned: BTreeMap<&str, &PlannedUpdate> = plan.updates.iter().map(|update| (update.package.as_str(), update)).collect();
        let groups: Vec<Option<&str>> = updates.iter().map(|update| planned[update.package.as_str()].group.as_deref()).collect();
        let reaches = reaches(updates, &alone, &groups);
        let units = units(&reaches);
        let roots: Vec<Vec<DerivationIx>> =
            units.iter().map(|unit| unit.iter().flat_map(|&at| updates[at].derivations.iter().copied()).collect()).collect();
        let prices: Vec<Price> = fixpoints(graph, &roots, held).iter().map(price).collect();
        for (unit, price) in units.iter().zip(&prices) {
            for update in unit.iter().map(|&at| planned[updates[at].package.as_str()]) {
                if let Some(said) = update.rebuilds {
                    self.numbers(&update.package, price, said, update.hours);
                }
            }
        }
        self.totals("one_at_a_time", &total(&prices), &plan.one_at_a_time, units.len());
        let bound: Vec<Price> = curve(graph, &roots, held).iter().map(price).collect();
        self.totals("lower_bound", &total(&bound), &plan.lower_bound, longest(&reaches, &units));
    }

    fn number(&mut self, what: String, said: f64, is: f64, within: f64) {
        if (said - is).abs() > within {
            self.flaws.push(Flaw::Number { what, said, is });
        }
    }

    fn numbers(&mut self, what: &str, is: &Price, said: PlannedBuilds, hours: Option<f64>) {
        self.number(format!("{what}: attributes"), said.attributes as f64, is.attributes as f64, 0.0);
        self.number(format!("{what}: derivations"), said.derivations as f64, is.derivations as f64, 0.0);
        if let Some((said, is)) = hours.zip(is.hours) {
            self.number(format!("{what}: hours"), said, is, ROUNDING);
        }
    }

    fn totals(&mut self, what: &str, is: &Price, said: &PlannedTotals, waves: usize) {
        self.number(format!("{what}: waves"), said.waves as f64, waves as f64, 0.0);
        self.numbers(what, is, said.builds, said.hours);
    }
}

/// Whether each update reaches each other by what it rebuilds, or by what others of its group do, at any distance.
fn reaches(updates: &[&ResolvedUpdate], alone: &[BTreeSet<DerivationIx>], groups: &[Option<&str>]) -> Vec<Vec<bool>> {
    let count = updates.len();
    let mut updates_of: BTreeMap<DerivationIx, Vec<usize>> = BTreeMap::new();
    for (at, update) in updates.iter().enumerate() {
        update.derivations.iter().for_each(|&ix| updates_of.entry(ix).or_default().push(at));
    }
    let mut reaches: Vec<Vec<bool>> =
        (0..count).map(|a| (0..count).map(|b| groups[a].is_some() && groups[a] == groups[b]).collect()).collect();
    for (from, rebuilds) in alone.iter().enumerate() {
        rebuilds.iter().filter_map(|ix| updates_of.get(ix)).flatten().for_each(|&to| reaches[from][to] = true);
    }
    for through in 0..count {
        let further = reaches[through].clone();
        for row in reaches.iter_mut().filter(|row| row[through]) {
            row.iter_mut().zip(&further).for_each(|(to, is_further)| *to |= is_further);
        }
    }
    reaches
}

/// Updates that can only come together: each reaches the others.
fn units(reaches: &[Vec<bool>]) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    for (at, reached) in reaches.iter().enumerate() {
        match units.iter_mut().find(|unit| reached[unit[0]] && reaches[unit[0]][at]) {
            Some(unit) => unit.push(at),
            None => units.push(vec![at]),
        }
    }
    units
}

/// Most units of which each reaches the next.
fn longest(reaches: &[Vec<bool>], units: &[Vec<usize>]) -> usize {
    // Longer and longer chains, until there is none.
    let mut ends: BTreeSet<usize> = (0..units.len()).collect();
    let mut length = 0;
    while !ends.is_empty() {
        length += 1;
        let is_behind = |to: usize| ends.iter().any(|&from| from != to && reaches[units[from][0]][units[to][0]]);
        ends = (0..units.len()).filter(|&to| is_behind(to)).collect();
    }
    length
}

/// What every plan builds at least: what lies behind one unit, behind two of which one reaches the other along inputs, and so on.
fn curve(graph: &Graph, units: &[Vec<DerivationIx>], held: &BTreeSet<DerivationIx>) -> Vec<BTreeSet<DerivationIx>> {
    let mut unit_of: BTreeMap<DerivationIx, usize> = BTreeMap::new();
    for (unit, members) in units.iter().enumerate() {
        unit_of.extend(members.iter().map(|&ix| (ix, unit)));
    }
    let mut roots: BTreeSet<DerivationIx> = unit_of.keys().copied().filter(|root| !held.contains(root)).collect();
    let mut curve = Vec::new();
    while !roots.is_empty() {
        let behind = fixpoint(graph, roots.iter().copied(), held);
        // Of the units that reach a derivation from there: two, if there are several. Inputs come first.
        let mut reached: Vec<Vec<usize>> = vec![Vec::new(); graph.derivation_count()];
        for &ix in &behind {
            let derivation = graph.derivation(ix);
            let mut by: Vec<usize> = unit_of.get(&ix).copied().into_iter().collect();
            for (input, _) in derivation.inputs().filter(|_| !derivation.is_fixed_output()) {
                for &unit in &reached[input.get()] {
                    if by.len() < 2 && !by.contains(&unit) {
                        by.push(unit);
                    }
                }
            }
            reached[ix.get()] = by;
        }
        let is_behind_another = |ix: &DerivationIx| reached[ix.get()].iter().any(|unit| *unit != unit_of[ix]);
        roots = unit_of.keys().copied().filter(|ix| behind.contains(ix) && is_behind_another(ix)).collect();
        curve.push(behind);
    }
    curve
}

/// Every update in one wave, the one that it says, and nothing else in any.
fn membership(plan: &PlanFile) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let said: BTreeMap<&str, &str> = plan.updates.iter().map(|update| (update.package.as_str(), update.wave.as_str())).collect();
    let mut times: BTreeMap<&str, usize> = said.keys().map(|package| (*package, 0)).collect();
    for wave in &plan.waves {
        for package in &wave.updates {
            match times.get_mut(package.as_str()) {
                Some(times) => {
                    *times += 1;
                    let said = said[package.as_str()];
                    if said != wave.name {
                        flaws.push(Flaw::Elsewhere { package: package.clone(), said: said.to_owned(), wave: wave.name.clone() });
                    }
                }
                None => flaws.push(Flaw::Unknown { package: package.clone(), wave: wave.name.clone() }),
            }
        }
    }
    flaws.extend(times.iter().filter(|&(_, &times)| times == 0).map(|(package, _)| Flaw::Lost((*package).to_owned())));
    flaws.extend(times.iter().filter(|&(_, &times)| times > 1).map(|(package, _)| Flaw::Twice((*package).to_owned())));
    flaws
}

/// Groups whose updates are in several waves.
fn torn(plan: &PlanFile) -> Vec<Flaw> {
    let grouped = plan.updates.iter().filter_map(|update| Some((update.package.as_str(), update.group.as_deref()?)));
    let group_of: BTreeMap<&str, &str> = grouped.collect();
    let mut waves: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for wave in &plan.waves {
        let groups: BTreeSet<&str> = wave.updates.iter().filter_map(|package| group_of.get(package.as_str()).copied()).collect();
        for group in groups {
            waves.entry(group).or_default().push(wave.name.clone());
        }
    }
    let torn = waves.into_iter().filter(|(_, waves)| waves.len() > 1);
    torn.map(|(group, waves)| Flaw::Torn { group: group.to_owned(), waves }).collect()
}

/// Updates that want a wave to themselves, in waves with what can come apart from them.
fn shared(graph: &Graph, plan: &PlanFile, resolved: &ResolvedPlan, held: &BTreeSet<DerivationIx>) -> Vec<Flaw> {
    let planned: BTreeMap<&str, &PlannedUpdate> = plan.updates.iter().map(|update| (update.package.as_str(), update)).collect();
    let is_solo = |update: &ResolvedUpdate| planned.get(update.package.as_str()).is_some_and(|planned| planned.solo);
    let mut flaws = Vec::new();
    for wave in resolved.waves.iter().filter(|wave| wave.updates.len() > 1 && wave.updates.iter().any(is_solo)) {
        let updates: Vec<&ResolvedUpdate> = wave.updates.iter().collect();
        let roots: Vec<Vec<DerivationIx>> = updates.iter().map(|update| update.derivations.clone()).collect();
        let group = |update: &&ResolvedUpdate| planned.get(update.package.as_str())?.group.as_deref();
        let groups: Vec<Option<&str>> = updates.iter().map(group).collect();
        let units = units(&reaches(&updates, &fixpoints(graph, &roots, held), &groups));
        for unit in &units {
            let solo = unit.iter().map(|&at| updates[at]).find(|update| is_solo(update));
            let other = units.iter().find(|other| *other != unit).map(|other| updates[other[0]]);
            flaws.extend(solo.zip(other).map(|(solo, other)| Flaw::Shared {
                package: solo.package.clone(),
                wave: wave.name.clone(),
                with: other.package.clone(),
            }));
        }
    }
    flaws
}

fn pinned(plan: &PlanFile, resolved: &ResolvedPlan, held: &BTreeSet<DerivationIx>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (wave, planned) in resolved.waves.iter().zip(&plan.waves) {
        let is_held = |derivations: &[DerivationIx]| derivations.iter().any(|ix| held.contains(ix));
        let pinned = wave.updates.iter().filter(|update| is_held(&update.derivations));
        flaws.extend(pinned.map(|update| Flaw::Pinned { package: update.package.clone(), wave: planned.name.clone() }));
    }
    flaws
}

/// What roots rebuild.
fn fixpoint(graph: &Graph, roots: impl Iterator<Item = DerivationIx>, held: &BTreeSet<DerivationIx>) -> BTreeSet<DerivationIx> {
    fixpoints(graph, &[roots.collect()], held).pop().unwrap_or_default()
}

/// Grows the rebuilt set of each of some roots until nothing is added: whatever needs a rebuilt derivation, and is neither fixed nor
/// held. 64 at a time, a bit each.
fn fixpoints(graph: &Graph, roots: &[Vec<DerivationIx>], held: &BTreeSet<DerivationIx>) -> Vec<BTreeSet<DerivationIx>> {
    let mut sets = Vec::with_capacity(roots.len());
    for roots in roots.chunks(64) {
        let mut rebuilt_by = vec![0_u64; graph.derivation_count()];
        for (bit, roots) in roots.iter().enumerate() {
            roots.iter().filter(|root| !held.contains(root)).for_each(|root| rebuilt_by[root.get()] |= 1 << bit);
        }
        loop {
            let mut is_more = false;
            for derivation in graph.derivations().filter(|derivation| !derivation.is_fixed_output() && !held.contains(&derivation.ix())) {
                let at = derivation.ix().get();
                let by = derivation.inputs().fold(rebuilt_by[at], |by, (input, _)| by | rebuilt_by[input.get()]);
                is_more |= by != rebuilt_by[at];
                rebuilt_by[at] = by;
            }
            if !is_more {
                break;
            }
        }
        for bit in 0..roots.len() {
            let is_rebuilt = |ix: &DerivationIx| rebuilt_by[ix.get()] & (1 << bit) != 0;
            sets.push(graph.derivations().map(Derivation::ix).filter(is_rebuilt).collect());
        }
    }
    sets
}

/// Updates of earlier waves that a later wave rebuilds, each with one way in which it does.
fn locks(graph: &Graph, resolved: &ResolvedPlan, rebuilds: &[BTreeSet<DerivationIx>], held: &BTreeSet<DerivationIx>) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (at, wave) in resolved.waves.iter().enumerate() {
        for earlier in &resolved.waves[..at] {
            for locked in &earlier.updates {
                let Some(&hit) = locked.derivations.iter().find(|ix| rebuilds[at].contains(ix)) else { continue };
                let path =
                    way(graph, &rebuilds[at], &wave.updates.iter().flat_map(|update| update.derivations.clone()).collect(), hit, held);
                let root = path.first().copied().unwrap_or(hit);
                let update = wave.updates.iter().find(|update| update.derivations.contains(&root));
                flaws.push(Flaw::Lock {
                    locked: locked.package.clone(),
                    by: earlier.name.clone(),
                    update: update.map_or_else(String::new, |update| update.package.clone()),
                    wave: wave.name.clone(),
                    path: path.into_iter().map(|ix| graph.derivation(ix).label().to_owned()).collect(),
                });
            }
        }
    }
    flaws
}

/// A shortest way from a root to a derivation that it rebuilds: breadth first against the inputs.
fn way(
    graph: &Graph,
    rebuilds: &BTreeSet<DerivationIx>,
    roots: &BTreeSet<DerivationIx>,
    to: DerivationIx,
    held: &BTreeSet<DerivationIx>,
) -> Vec<DerivationIx> {
    let mut next: BTreeMap<DerivationIx, DerivationIx> = BTreeMap::new();
    let mut queue = VecDeque::from([to]);
    while let Some(ix) = queue.pop_front() {
        if roots.contains(&ix) && !held.contains(&ix) {
            return std::iter::successors(Some(ix), |at| (*at != to).then(|| next[at])).collect();
        }
        let derivation = graph.derivation(ix);
        let inputs = derivation.inputs().map(|(input, _)| input).filter(|input| rebuilds.contains(input) && !derivation.is_fixed_output());
        for input in inputs {
            if input != to && !next.contains_key(&input) {
                next.insert(input, ix);
                queue.push_back(input);
            }
        }
    }
    vec![to]
}
