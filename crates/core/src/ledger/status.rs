//! Where a wave stands: derived from the evaluation, the plan and the ledger, each time anew.
//!
//! One pass over the wave in topological order gives each derivation its [`State`]. What failed itself is a root; what needs
//! a root is blocked by it, whatever was said of it, for Nix does not try it. A failure that was recorded before something
//! that it needs was repaired says nothing any more.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::baseline::{Baseline, Class};
use super::event::{Event, Outcome, RecordedFor, Waiver};
use super::file::Ledger;
use super::heard::{History, Implied, add_retries};
use super::matching::{ByPath, names};
use super::name::WaveName;
use crate::analysis::{Scope, select};
use crate::config::Day;
use crate::error::{Error, Result};
use crate::graph::{Attribute, Derivation, DerivationIx, DerivationSet, Direction, Graph};
use crate::major::{ResolvedPlan, ResolvedUpdate, ResolvedWave, Target, Update, units};

/// Where a derivation of a wave stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It is built, or something that needs it is.
    Green,
    /// It failed itself; or something failed that it needs, and no result says what.
    Red,
    /// Something that it needs is red.
    Blocked,
    /// Its failure is let be, or that of something that it needs.
    Waived,
    /// It is being built.
    Building,
    /// All that it needs of the wave is built.
    Ready,
    /// Something that it needs is not built yet.
    Pending,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [Self::Green, Self::Red, Self::Blocked, Self::Waived, Self::Building, Self::Ready, Self::Pending];

    /// Whether it is still to be built.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Building | Self::Ready | Self::Pending)
    }

    /// Whether it failed, and nobody lets it be.
    pub fn is_failing(self) -> bool {
        matches!(self, Self::Red | Self::Blocked)
    }
}

/// What is not expected to build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expectation {
    /// What is marked broken.
    #[default]
    Broken,
    /// That, and what Hydra does not build: what is not free, is insecure, or is not for its platforms.
    OffHydra,
}

impl Expectation {
    fn includes(self, attribute: Attribute<'_>) -> bool {
        let by_hydra = || !(attribute.is_unfree() || attribute.is_insecure() || attribute.is_off_hydra());
        !attribute.is_broken() && (self == Self::Broken || by_hydra())
    }
}

/// What decides where a wave stands.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The evaluation at hand: results count if they are of its derivations.
    pub graph: &'a Graph,
    /// The plan in that evaluation.
    pub plan: &'a ResolvedPlan,
    /// How much a package takes in.
    pub scope: Scope,
    /// What happened.
    pub ledger: &'a Ledger,
    /// The day on which waivers must still hold.
    pub today: &'a Day,
    /// What need not build.
    pub expectation: Expectation,
}

/// A red root: one cause, however many it blocks.
#[derive(Clone, Debug)]
pub struct RedRoot<'g> {
    /// The derivation.
    pub derivation: Derivation<'g>,
    /// How it failed.
    pub outcome: Outcome,
    /// The worst that became of what it is and blocks.
    pub class: Class,
    /// Attributes of it and of what it blocks that are regressed.
    pub regressed: usize,
    /// What it blocks, besides itself: attributes that are expected to build.
    pub blocked_attributes: usize,
    /// What it blocks, besides itself: derivations that are expected to build.
    pub blocked_derivations: usize,
    /// Updates that may be the cause, by position in the wave.
    pub suspects: Vec<usize>,
    /// How often it was tried again.
    pub retries: usize,
}

/// An attribute that does not evaluate, and did before; or that was recorded as such.
#[derive(Clone, Debug)]
pub struct EvaluationFailure<'g> {
    /// The attribute.
    pub attribute: Attribute<'g>,
    /// What became of it.
    pub class: Class,
    /// Whether it is let be.
    pub is_waived: bool,
}

/// A waiver, and what it does in a wave.
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedWaiver<'a> {
    /// The waiver.
    pub waiver: &'a Waiver,
    /// Whether it is over.
    pub is_expired: bool,
    /// Whether the evaluation has no such package any more.
    pub is_unknown: bool,
    /// Derivations of its package in the wave that are not built: not those that need them.
    pub derivations: usize,
}

/// Attributes and derivations in a state. Attributes of what is not expected to build are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// Attributes.
    pub attributes: usize,
    /// Derivations.
    pub derivations: usize,
}

/// Results that were recorded for a wave, by whether they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultCounts {
    /// Of derivations of the wave.
    pub counted: usize,
    /// Of derivations that the evaluation has, but the wave does not rebuild.
    pub outside: usize,
    /// Of derivations that the evaluation does not have.
    pub other_evaluations: usize,
}

/// Where a wave stands.
#[derive(Debug)]
pub struct WaveStatus<'a> {
    /// The evaluation.
    pub graph: &'a Graph,
    /// Its name.
    pub name: WaveName,
    /// Its updates, and what it rebuilds.
    pub wave: &'a ResolvedWave,
    /// What failures are compared with.
    pub baseline: Baseline,
    /// Red roots, those that block most first.
    pub roots: Vec<RedRoot<'a>>,
    /// Attributes that do not evaluate, by path.
    pub evaluation_failures: Vec<EvaluationFailure<'a>>,
    /// Waivers that are of this wave or an earlier one of the same major wave.
    pub waivers: Vec<AppliedWaiver<'a>>,
    /// Built at last, after a failure of the very same derivation.
    pub flaky: Vec<Derivation<'a>>,
    /// Results by whether they count.
    pub results: ResultCounts,
    states: Vec<State>,
    required: DerivationSet,
    expected: DerivationSet,
    roots_of: HashMap<DerivationIx, Vec<u32>>,
    histories: HashMap<DerivationIx, History>,
    /// As of [`places`]: found when it is first asked for, for most that ask where a wave stands do not.
    places: OnceCell<Vec<Place>>,
}

impl<'a> WaveStatus<'a> {
    /// Derives where a wave of the plan stands.
    ///
    /// Time O(V + E + entries of the ledger) and O(R/64 · E of the wave) for R red roots; space O(V + blocked · roots of each).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownWave`].
    pub fn new(question: Question<'a>, name: WaveName) -> Result<Self> {
        let mut status = Self::without_roots(question, name)?;
        for applied in 0..status.waivers.len() {
            status.waivers[applied].derivations = status.waived_by(question, applied);
        }
        status.flaky = status.in_state(State::Green).filter(|derivation| status.failures(derivation.ix()) > 0).collect();
        status.find_roots();
        Ok(status)
    }

    /// The same as far as states go: what failed, but not what that blocks or may be due to. O(V + E + entries of the ledger).
    ///
    /// # Errors
    ///
    /// [`Error::UnknownWave`].
    pub fn without_roots(question: Question<'a>, name: WaveName) -> Result<Self> {
        let Question { graph, plan, ledger, .. } = question;
        let wave = plan.waves.iter().find(|wave| wave.name == name.to_string()).ok_or_else(|| {
            let known: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
            Error::UnknownWave { name: name.to_string(), known: format!("it has {}", known.join(", ")) }
        })?;
        let (histories, results) = histories(graph, ledger, wave, name);
        let (waivers, waived, waived_names) = waivers(question, name, &wave.rebuilds);
        let required = required(graph, &wave.rebuilds, question.expectation);
        // Whoever needs something expects it to build; what nobody needs is not built.
        let mut expected = graph.closure(required.iter(), Direction::Dependencies);
        expected = graph.set_of(expected.iter().filter(|&ix| wave.rebuilds.contains(ix)));
        let baseline = Baseline::of(ledger, name);
        Ok(Self {
            graph,
            name,
            wave,
            roots: Vec::new(),
            evaluation_failures: evaluation_failures(graph, ledger, name, &baseline, &waived_names),
            waivers,
            flaky: Vec::new(),
            results,
            states: states(graph, &wave.rebuilds, &histories, &waived),
            required,
            expected,
            roots_of: HashMap::new(),
            histories,
            places: OnceCell::new(),
            baseline,
        })
    }

    /// Where a derivation of the wave stands; of others it says nothing.
    pub fn state(&self, derivation: DerivationIx) -> State {
        self.states[derivation.get()]
    }

    /// The wave's derivations in a state, in topological order.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = Derivation<'a>> + '_ {
        self.wave.rebuilds.iter().filter(move |ix| self.states[ix.get()] == state).map(|ix| self.graph.derivation(ix))
    }

    /// Whether a derivation is expected to build: it is required, or something that is needs it.
    pub fn is_expected(&self, derivation: DerivationIx) -> bool {
        self.expected.contains(derivation)
    }

    /// Whether a derivation counts by its state: it is expected to build, or it is built all the same.
    fn is_counted(&self, derivation: DerivationIx) -> bool {
        self.is_expected(derivation) || self.state(derivation) == State::Green
    }

    /// Whether a derivation has to be done before the wave can be closed: it has an attribute that is expected to build. Where
    /// no dump names attributes, every derivation of the wave has.
    pub fn is_required(&self, derivation: DerivationIx) -> bool {
        self.required.contains(derivation)
    }

    /// Own failures that were recorded of a derivation.
    pub fn failures(&self, derivation: DerivationIx) -> usize {
        self.histories.get(&derivation).map_or(0, History::own_failures)
    }

    /// How often a derivation was tried again.
    pub fn retries(&self, derivation: DerivationIx) -> usize {
        self.histories.get(&derivation).map_or(0, |history| history.retries.len())
    }

    /// Which of several suspects to revert first, so that the answer halves what they may have done: by position in the wave.
    ///
    /// From those that need the others on, as many as make up half of the risk. No suspect that stays needs one that goes, and
    /// what can only come together goes together; if all of them can only come together, those of it with the last derivations go.
    /// The first call costs O(V + E).
    pub fn revert_first(&self, suspects: &[usize]) -> Vec<usize> {
        if suspects.len() < 2 {
            return Vec::new();
        }
        let places = self.places.get_or_init(|| places(self.graph, self.wave));
        let updates = &self.wave.updates;
        let mut order = suspects.to_vec();
        order.sort_by_key(|&at| Reverse((places[at], updates[at].derivations.last().copied())));
        let is_between = |end: &usize| places[order[end - 1]] != places[order[*end]];
        let mut ends: Vec<usize> = (1..order.len()).filter(is_between).collect();
        if ends.is_empty() {
            ends = (1..order.len()).collect();
        }
        let risks = risks(&order.iter().map(|&at| updates[at].risk).collect::<Vec<_>>());
        let half = risks.iter().sum::<f64>() / 2.0;
        let is_half = |end: &usize| risks[..*end].iter().sum::<f64>() >= half;
        let end = ends.iter().copied().find(is_half).or(ends.last().copied()).unwrap_or(0);
        order.truncate(end);
        order
    }

    /// The red roots that block a derivation, by position in [`WaveStatus::roots`].
    pub fn roots_of(&self, derivation: DerivationIx) -> &[u32] {
        self.roots_of.get(&derivation).map_or(&[], Vec::as_slice)
    }

    /// Attributes and derivations in each state, in the order of [`State::ALL`]; then what is not expected to build, and is
    /// not built. Each derivation of the wave is counted once.
    pub fn counts(&self) -> ([StateCounts; State::ALL.len()], StateCounts) {
        let (mut counts, mut not_expected) = ([StateCounts::default(); State::ALL.len()], StateCounts::default());
        for ix in self.wave.rebuilds.iter() {
            let state = self.states[ix.get()];
            let counter = if self.is_counted(ix) { &mut counts[state as usize] } else { &mut not_expected };
            counter.derivations += 1;
            counter.attributes += self.graph.derivation(ix).attributes().len();
        }
        (counts, not_expected)
    }

    /// What is still to be built, if nothing more fails.
    pub fn remaining(&self) -> DerivationSet {
        let open = self.expected.iter().filter(|&ix| self.state(ix).is_open());
        self.graph.set_of(open)
    }

    /// How much of what is decided is green, from 0 to 1, by a weight of each derivation; `None` if nothing is decided.
    ///
    /// Green over green, waived, red and blocked, of what [`WaveStatus::counts`] counts there.
    pub fn greenness(&self, weight: impl Fn(Derivation<'a>) -> u64) -> Option<f64> {
        let (mut green, mut decided) = (0, 0);
        for derivation in self.wave.rebuilds.iter().map(|ix| self.graph.derivation(ix)) {
            let state = self.state(derivation.ix());
            let weight = if state.is_open() || !self.is_counted(derivation.ix()) { 0 } else { weight(derivation) };
            decided += weight;
            green += if state == State::Green { weight } else { 0 };
        }
        (decided > 0).then(|| green as f64 / decided as f64)
    }

    /// The attributes that were failing at the baseline and are green now, and how many of what fails is in each class.
    pub fn classes(&self) -> BTreeMap<Class, usize> {
        let mut classes: BTreeMap<Class, usize> = BTreeMap::new();
        for derivation in self.required.iter().map(|ix| self.graph.derivation(ix)) {
            let state = self.state(derivation.ix());
            let (names, system) = names(derivation);
            for name in &names {
                let class = match state {
                    State::Green => (self.baseline.built(name, system) == Some(false)).then_some(Class::Fixed),
                    State::Red | State::Blocked => Some(self.baseline.failing(name, system)),
                    _ => None,
                };
                if let Some(class) = class {
                    *classes.entry(class).or_default() += 1;
                }
            }
        }
        for failure in self.evaluation_failures.iter().filter(|failure| !failure.is_waived) {
            *classes.entry(failure.class).or_default() += 1;
        }
        classes
    }

    /// What does not build, by system: attribute paths, and the names of what has none. Sorted.
    pub fn failing(&self) -> BTreeMap<String, Vec<String>> {
        let mut failing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for derivation in self.wave.rebuilds.iter().map(|ix| self.graph.derivation(ix)) {
            if self.state(derivation.ix()).is_failing() || self.state(derivation.ix()) == State::Waived {
                let (names, system) = names(derivation);
                failing.entry(system.to_owned()).or_default().extend(names);
            }
        }
        for failure in &self.evaluation_failures {
            failing.entry(failure.attribute.system().unwrap_or_default().to_owned()).or_default().push(failure.attribute.path().to_owned());
        }
        for names in failing.values_mut() {
            names.sort_unstable();
            names.dedup();
        }
        failing
    }

    /// Derivations of a waiver's package that are not built.
    fn waived_by(&self, question: Question<'_>, applied: usize) -> usize {
        let applied = &self.waivers[applied];
        let Ok(roots) = select(question.graph, std::slice::from_ref(&applied.waiver.package), question.scope, None) else { return 0 };
        let derivations = self.graph.set_of(roots.into_iter().flat_map(|root| root.derivations));
        derivations.iter().filter(|&ix| self.wave.rebuilds.contains(ix) && self.states[ix.get()] != State::Green).count()
    }

    /// Finds the red roots, what each blocks, and what may be its cause.
    fn find_roots(&mut self) {
        let reds: Vec<Derivation<'a>> = self.in_state(State::Red).collect();
        let root = |derivation: Derivation<'a>| RedRoot {
            derivation,
            outcome: self.histories.get(&derivation.ix()).and_then(History::decisive).map_or(Outcome::Failed, |(_, outcome)| outcome),
            class: Class::StillBroken,
            regressed: 0,
            blocked_attributes: 0,
            blocked_derivations: 0,
            suspects: suspects(self.graph, self.wave, &self.states, derivation.ix()),
            retries: self.retries(derivation.ix()),
        };
        let mut roots: Vec<RedRoot<'a>> = reds.into_iter().map(root).collect();
        for (chunk, first) in roots.chunks_mut(64).zip((0..).step_by(64)) {
            self.spread(chunk, first);
        }
        // What is not expected to build is nobody's concern, unless something that is needs it.
        let mut order: Vec<usize> =
            (0..roots.len()).filter(|&at| self.expected.contains(roots[at].derivation.ix()) || roots[at].blocked_attributes > 0).collect();
        order.sort_by_key(|&at| (Reverse((roots[at].blocked_attributes, roots[at].blocked_derivations)), roots[at].derivation.ix()));
        let mut places = vec![None; roots.len()];
        order.iter().enumerate().for_each(|(place, &at)| places[at] = Some(place as u32));
        for blockers in self.roots_of.values_mut() {
            *blockers = blockers.iter().filter_map(|&at| places[at as usize]).collect();
            blockers.sort_unstable();
        }
        self.roots = order.into_iter().map(|at| roots[at].clone()).collect();
    }

    /// Marks what up to 64 red roots block, a bit for each, in one pass over the wave.
    fn spread(&mut self, roots: &mut [RedRoot<'a>], first: u32) {
        let mut masks = vec![0_u64; self.graph.derivation_count()];
        let mut classes: Vec<Option<Class>> = vec![None; roots.len()];
        for (bit, root) in roots.iter().enumerate() {
            masks[root.derivation.ix().get()] = 1 << bit;
        }
        for ix in self.wave.rebuilds.iter().filter(|&ix| self.states[ix.get()].is_failing()) {
            let derivation = self.graph.derivation(ix);
            let is_blocked = self.states[ix.get()] == State::Blocked;
            if is_blocked {
                let blocking = |input: &DerivationIx| self.wave.rebuilds.contains(*input) && self.states[input.get()].is_failing();
                masks[ix.get()] = derivation.rebuild_inputs().filter(blocking).map(|input| masks[input.get()]).fold(0, |a, b| a | b);
            }
            let mask = masks[ix.get()];
            if mask == 0 {
                continue;
            }
            // A step inside counts by what needs it.
            let names = if self.is_required(ix) { names(derivation).0 } else { Vec::new() };
            let known: Vec<Class> = names.iter().map(|name| self.baseline.failing(name, derivation.system())).collect();
            let (class, regressed) = (known.iter().copied().max(), known.iter().filter(|class| **class == Class::Regressed).count());
            let is_expected = self.expected.contains(ix);
            let attributes = if is_expected { derivation.attributes().len() } else { 0 };
            for (bit, root) in roots.iter_mut().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0) {
                classes[bit] = classes[bit].max(class);
                root.regressed += regressed;
                if is_blocked {
                    root.blocked_attributes += attributes;
                    root.blocked_derivations += usize::from(is_expected);
                    self.roots_of.entry(ix).or_default().push(first + bit as u32);
                }
            }
        }
        for (root, class) in roots.iter_mut().zip(classes) {
            root.class = class.unwrap_or_else(|| self.own_class(root.derivation));
        }
    }

    /// What became of a red root that no attribute is concerned by: of what is not known it is not assumed that it built.
    fn own_class(&self, derivation: Derivation<'_>) -> Class {
        match self.baseline.built(derivation.name(), derivation.system()) {
            Some(true) => Class::Regressed,
            Some(false) => Class::StillBroken,
            None => Class::New,
        }
    }
}

/// Where a wave stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in seconds since 1970.
    pub time: u64,
    /// As of [`WaveStatus::counts`].
    pub counts: ([StateCounts; State::ALL.len()], StateCounts),
}

/// Where a wave stood after each time at which the ledger says something of it; of more times than `most`, some that lie as
/// evenly as they can, the first and the last included. Waivers hold as they did on that day.
///
/// Results count if they are of derivations of the evaluation at hand, whichever was built then. It costs a
/// [`WaveStatus::without_roots`] for each time.
///
/// # Errors
///
/// [`Error::UnknownWave`].
pub fn over_time(question: Question<'_>, name: WaveName, most: usize) -> Result<Vec<Moment>> {
    let entries = question.ledger.entries();
    let is_told = |event: &Event| match event {
        Event::Record(record) => record.of == RecordedFor::Wave(name),
        Event::Retry(retry) => retry.wave == name,
        Event::Waive(waiver) => waiver.wave.major == name.major && waiver.wave <= name,
        Event::Start(_) | Event::Tag(_) => false,
    };
    // The number of entries up to the last of each time.
    let mut ends: Vec<usize> = Vec::new();
    for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| is_told(&entry.event)) {
        if ends.last().is_some_and(|&end| entries[end - 1].time == entry.time) {
            ends.pop();
        }
        ends.push(at + 1);
    }
    let kept = ends.len().min(most.max(2));
    let pick = |at: usize| if kept > 1 { ends[at * (ends.len() - 1) / (kept - 1)] } else { ends[0] };
    let moment = |end: usize| {
        let (ledger, time) = (question.ledger.first(end), entries[end - 1].time);
        let today = Day::of_time(time).unwrap_or_else(|| question.today.clone());
        let status = WaveStatus::without_roots(Question { ledger: &ledger, today: &today, ..question }, name)?;
        Ok(Moment { time, counts: status.counts() })
    };
    (0..kept).map(pick).map(moment).collect()
}

/// What was recorded of the wave's derivations, and how many results count.
fn histories(graph: &Graph, ledger: &Ledger, wave: &ResolvedWave, name: WaveName) -> (HashMap<DerivationIx, History>, ResultCounts) {
    let by_path = ByPath::new(graph);
    let mut histories: HashMap<DerivationIx, History> = HashMap::new();
    let mut counts = ResultCounts::default();
    for (at, record) in ledger.records().filter(|(_, record)| record.of == RecordedFor::Wave(name)) {
        let Some(path) = &record.derivation else {
            let fails = |attribute: &String| graph.find_attribute(attribute).any(|attribute| attribute.derivation().is_none());
            *(if record.attributes.iter().any(fails) { &mut counts.counted } else { &mut counts.other_evaluations }) += 1;
            continue;
        };
        match by_path.find(path) {
            Some(derivation) if wave.rebuilds.contains(derivation.ix()) => {
                counts.counted += 1;
                histories.entry(derivation.ix()).or_default().outcomes.push((at, record.status));
            }
            Some(_) => counts.outside += 1,
            None => counts.other_evaluations += 1,
        }
    }
    add_retries(&mut histories, &by_path, ledger, name);
    (histories, counts)
}

/// The waivers of a wave, the derivations that they let be, and the attributes without derivation that they do.
fn waivers<'a>(question: Question<'a>, wave: WaveName, members: &DerivationSet) -> (Vec<AppliedWaiver<'a>>, DerivationSet, Vec<String>) {
    let graph = question.graph;
    let (mut applied, mut waived, mut names) = (Vec::new(), graph.empty_set(), Vec::new());
    let is_of = |waiver: &&Waiver| waiver.wave.major == wave.major && waiver.wave <= wave;
    for waiver in question.ledger.waivers().filter(is_of) {
        let is_expired = waiver.until.is_over(question.today, wave);
        let found = select(graph, std::slice::from_ref(&waiver.package), question.scope, None);
        let is_unknown = !matches!(found, Ok(_) | Err(Error::NotEvaluated { .. }));
        match found {
            Ok(roots) if !is_expired => {
                let derivations = roots.into_iter().flat_map(|root| root.derivations).filter(|&ix| members.contains(ix));
                derivations.for_each(|ix| {
                    waived.insert(ix);
                });
            }
            Err(Error::NotEvaluated { .. }) if !is_expired => names.push(waiver.package.clone()),
            _ => {}
        }
        applied.push(AppliedWaiver { waiver, is_expired, is_unknown, derivations: 0 });
    }
    (applied, waived, names)
}

/// Where each derivation of the wave stands. Inputs come first.
fn states(graph: &Graph, members: &DerivationSet, histories: &HashMap<DerivationIx, History>, waived: &DerivationSet) -> Vec<State> {
    let decisive = |ix: DerivationIx| histories.get(&ix).and_then(History::decisive);
    let implied = Implied::new(graph, histories, |ix| members.contains(ix));
    let mut states = vec![State::Pending; graph.derivation_count()];
    // When something that a derivation needs was last repaired.
    let mut repaired: Vec<Option<usize>> = vec![None; graph.derivation_count()];
    for ix in members.iter() {
        let inputs: Vec<DerivationIx> = graph.derivation(ix).rebuild_inputs().filter(|&input| members.contains(input)).collect();
        let history = histories.get(&ix);
        let since = inputs.iter().filter_map(|input| repaired[input.get()]).max();
        repaired[ix.get()] = since.max(history.and_then(|history| history.repaired().max(implied.repaired(ix, history))));
        let any = |wanted: &[State]| inputs.iter().any(|input| wanted.contains(&states[input.get()]));
        states[ix.get()] = match decisive(ix) {
            Some((_, Outcome::Succeeded)) => State::Green,
            _ if implied.is_built(ix, history) => State::Green,
            _ if waived.contains(ix) => State::Waived,
            _ if any(&[State::Red, State::Blocked]) => State::Blocked,
            _ if any(&[State::Waived]) => State::Waived,
            Some((at, _)) if since.is_none_or(|since| since < at) => State::Red,
            _ if history.is_some_and(History::is_building) => State::Building,
            _ if inputs.iter().all(|input| states[input.get()] == State::Green) => State::Ready,
            _ => State::Pending,
        };
    }
    states
}

/// What of the wave has an attribute that is expected to build; everything, where no dump names attributes.
fn required(graph: &Graph, members: &DerivationSet, expectation: Expectation) -> DerivationSet {
    let is_required = |ix: &DerivationIx| {
        graph.attribute_count() == 0 || graph.derivation(*ix).attributes().any(|attribute| expectation.includes(attribute))
    };
    graph.set_of(members.iter().filter(is_required))
}

fn evaluation_failures<'g>(
    graph: &'g Graph,
    ledger: &Ledger,
    wave: WaveName,
    baseline: &Baseline,
    waived: &[String],
) -> Vec<EvaluationFailure<'g>> {
    let recorded: std::collections::HashSet<&str> = ledger
        .records()
        .filter(|(_, record)| record.of == RecordedFor::Wave(wave) && record.status == Outcome::EvaluationFailed)
        .flat_map(|(_, record)| record.attributes.iter().map(String::as_str))
        .collect();
    let failure = |attribute: Attribute<'g>| {
        let system = attribute.system().unwrap_or_default();
        let class = baseline.failing(attribute.path(), system);
        let is_told = baseline.may_have_built(attribute.path(), system) || recorded.contains(attribute.path());
        is_told.then(|| EvaluationFailure { attribute, class, is_waived: waived.iter().any(|name| name == attribute.path()) })
    };
    graph.attributes().filter(|attribute| attribute.derivation().is_none()).filter_map(failure).collect()
}

/// The updates that a red root depends on, but not only through another red one: by position in the wave.
fn suspects(graph: &Graph, wave: &ResolvedWave, states: &[State], root: DerivationIx) -> Vec<usize> {
    let mut reached = graph.set_of([root]);
    let mut next = vec![root];
    while let Some(ix) = next.pop() {
        for input in graph.derivation(ix).rebuild_inputs() {
            if wave.rebuilds.contains(input) && states[input.get()] != State::Red && reached.insert(input) {
                next.push(input);
            }
        }
    }
    let is_suspect = |update: &ResolvedUpdate| update.derivations.iter().any(|&ix| reached.contains(ix));
    wave.updates.iter().enumerate().filter(|(_, update)| is_suspect(update)).map(|(at, _)| at).collect()
}

/// Where an update stands among those of its wave: the level of what it can only come with, and the last derivation of that, which
/// no other has.
type Place = (usize, Option<DerivationIx>);

/// The place of each update of a wave. O(V + E).
fn places(graph: &Graph, wave: &ResolvedWave) -> Vec<Place> {
    let target = |update: &ResolvedUpdate| Target {
        update: Update { package: update.package.clone(), ..Update::default() },
        face: update.derivations[0],
        derivations: update.derivations.clone(),
    };
    let targets: Vec<Target> = wave.updates.iter().map(target).collect();
    // No way from one update to another leads through what the wave does not rebuild.
    let others = graph.set_of(graph.derivations().map(Derivation::ix).filter(|&ix| !wave.rebuilds.contains(ix)));
    let units = units(graph, &targets, &[], &others);
    let mut places = vec![(0, None); targets.len()];
    for (unit, &level) in units.units.iter().zip(&units.levels) {
        for &at in &unit.targets {
            places[at] = (level, unit.derivations.last().copied());
        }
    }
    places
}

/// The risk of each of some updates. One of which nothing is said is taken to be as risky as the others are on average; if nothing
/// is said of any, or that none is risky, all are alike.
fn risks(said: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<f64> = said.iter().flatten().copied().collect();
    let sum: f64 = known.iter().sum();
    let usual = sum / known.len() as f64;
    said.iter().map(|risk| if sum > 0.0 { risk.unwrap_or(usual) } else { 1.0 }).collect()
}
