//! Where a wave stands, after random events, against a model that tries every rule on everything until nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use waves_core::analysis::Scope;
use waves_core::config::Day;
use waves_core::graph::{DerivationIx, Direction, Graph};
use waves_core::ledger::{
    Class, Event, Expectation, Next, Outcome, Question, Record, RecordedFor, Results, Retry, State, TagEvent, Until, Waiver, WaiverKind,
    WaveName, WaveStatus, Writer, match_results, open_reasons,
};
use waves_core::major::{ResolvedPlan, ResolvedUpdate, ResolvedWave};

use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::Imported;

const OUTCOMES: [Outcome; 7] = [
    Outcome::Succeeded,
    Outcome::Succeeded,
    Outcome::Failed,
    Outcome::Failed,
    Outcome::DependencyFailed,
    Outcome::Aborted,
    Outcome::Building,
];

/// Something that happens to a derivation.
#[derive(Clone, Debug)]
enum Step {
    Record(Index, Outcome, u32),
    Before(Index, Outcome),
    Retry(Index),
    Waive(Index, bool),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = || select(&OUTCOMES[..]);
    prop_oneof![
        8 => (any::<Index>(), outcome(), 1_u32..3).prop_map(|(at, outcome, minor)| Step::Record(at, outcome, minor)),
        3 => (any::<Index>(), outcome()).prop_map(|(at, outcome)| Step::Before(at, outcome)),
        1 => any::<Index>().prop_map(Step::Retry),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(at, is_over)| Step::Waive(at, is_over)),
        1 => Just(Step::Close),
    ]
}

const FIRST: WaveName = WaveName { major: 1, minor: 1 };
const SECOND: WaveName = WaveName { major: 1, minor: 2 };

fn day(text: &str) -> Day {
    Day::try_from(text.to_owned()).expect("a day")
}

/// A name of a system, and whether it built before; `None` if it was there, and nobody says.
type Before = ((String, String), Option<bool>);

/// The model: what happened, in order, by position of the derivation.
struct Model<'m> {
    set: &'m PackageSet,
    imported: &'m Imported,
    /// What the wave rebuilds.
    members: BTreeSet<usize>,
    /// Of each derivation in the wave: what was recorded (`None` is a retry), with the time of it.
    history: BTreeMap<usize, Vec<(usize, Option<Outcome>)>>,
    waived: BTreeSet<usize>,
    /// Whether each name of each system built before; `None` if it was there, and nobody says.
    before: BTreeMap<(String, String), Option<bool>>,
    is_whole: bool,
}

impl Model<'_> {
    fn names(&self, at: usize) -> Vec<(String, String)> {
        names(&self.imported.graph, self.imported, at)
    }

    fn history(&self, at: usize) -> &[(usize, Option<Outcome>)] {
        self.history.get(&at).map_or(&[], Vec::as_slice)
    }

    /// The last that was heard, if it says anything: a failure that is tried again does not.
    fn heard(&self, at: usize) -> Option<(usize, Outcome)> {
        for &(time, event) in self.history(at).iter().rev() {
            match event {
                Some(Outcome::Aborted | Outcome::Building) => {}
                Some(outcome) => return Some((time, outcome)),
                None => {
                    let before = self.history(at).iter().filter(|(earlier, _)| *earlier < time).rev();
                    let last = before.filter_map(|(time, event)| Some((*time, (*event)?)));
                    let mut last = last.filter(|(_, outcome)| !matches!(outcome, Outcome::Aborted | Outcome::Building));
                    return last.next().filter(|(_, outcome)| *outcome == Outcome::Succeeded);
                }
            }
        }
        None
    }

    fn needs(&self, at: usize) -> BTreeSet<usize> {
        self.members.iter().copied().filter(|&other| other != at && self.set.rebuilds([other]).contains(&at)).collect()
    }

    fn inputs(&self, at: usize) -> Vec<usize> {
        self.members.iter().copied().filter(|&input| self.set.users(input).any(|user| user == at)).collect()
    }

    fn is_built(&self, at: usize) -> bool {
        self.heard(at).is_some_and(|(_, outcome)| outcome == Outcome::Succeeded) || self.is_implied(at)
    }

    fn successes(&self, at: usize) -> impl Iterator<Item = usize> {
        self.history(at).iter().filter(|(_, event)| *event == Some(Outcome::Succeeded)).map(|(time, _)| *time)
    }

    /// Whether something that needs it was built after the last that was said against it.
    fn is_implied(&self, at: usize) -> bool {
        let against = self.against(at);
        let mut users = self.members.iter().copied().filter(|&user| self.needs(user).contains(&at));
        users.any(|user| self.successes(user).any(|time| against.is_none_or(|against| against < time)))
    }

    /// When the last was said against it: that it failed, or that what failed is to be tried again.
    fn against(&self, at: usize) -> Option<usize> {
        let mut against = None;
        for &(time, event) in self.history(at) {
            match event {
                Some(Outcome::Succeeded | Outcome::Aborted | Outcome::Building) => {}
                Some(_) => against = Some(time),
                None => against = against.map(|_| time),
            }
        }
        against
    }

    /// When something was last mended: tried again, or built when the last that was heard was a failure, as far as anybody can tell.
    fn mended(&self, at: usize) -> Option<usize> {
        let says = |event: &Option<Outcome>| matches!(event, Some(Outcome::Succeeded | Outcome::Failed | Outcome::DependencyFailed));
        let heard: Vec<_> = self.history(at).iter().filter(|(_, event)| says(event)).collect();
        let mended = heard.windows(2).filter(|pair| pair[0].1 != Some(Outcome::Succeeded) && pair[1].1 == Some(Outcome::Succeeded));
        let retried = self.history(at).iter().filter(|(_, event)| event.is_none()).map(|(time, _)| *time);
        // What failed and must have been built since: not before the next that was built.
        let failed = self.heard(at).filter(|(_, outcome)| *outcome != Outcome::Succeeded && self.is_implied(at)).map(|(time, _)| time);
        let implied =
            failed.and_then(|failed| self.members.iter().flat_map(|&member| self.successes(member)).filter(|&time| failed < time).min());
        retried.chain(mended.map(|pair| pair[1].0)).chain(implied).max()
    }

    /// Every rule on everything, last first, until nothing changes.
    fn states(&self) -> BTreeMap<usize, State> {
        let mut states: BTreeMap<usize, State> = self.members.iter().map(|&at| (at, State::Pending)).collect();
        loop {
            let old = states.clone();
            for &at in self.members.iter().rev() {
                let inputs: Vec<State> = self.inputs(at).into_iter().map(|input| states[&input]).collect();
                let mended = self.needs(at).into_iter().filter_map(|need| self.mended(need)).max();
                let failed = self
                    .heard(at)
                    .is_some_and(|(time, outcome)| outcome != Outcome::Succeeded && mended.is_none_or(|mended| mended < time));
                let last = self.history(at).iter().rev().find_map(|(_, event)| *event);
                let state = if self.is_built(at) {
                    State::Green
                } else if self.waived.contains(&at) {
                    State::Waived
                } else if inputs.contains(&State::Red) || inputs.contains(&State::Blocked) {
                    State::Blocked
                } else if inputs.contains(&State::Waived) {
                    State::Waived
                } else if failed {
                    State::Red
                } else if last == Some(Outcome::Building) {
                    State::Building
                } else if inputs.iter().all(|input| *input == State::Green) {
                    State::Ready
                } else {
                    State::Pending
                };
                states.insert(at, state);
            }
            if states == old {
                return states;
            }
        }
    }

    /// What a red root blocks: along what is blocked only.
    fn blocked_by(&self, root: usize, states: &BTreeMap<usize, State>) -> BTreeSet<usize> {
        let mut blocked = BTreeSet::new();
        let mut open = vec![root];
        while let Some(at) = open.pop() {
            let users: Vec<usize> = self.set.users(at).filter(|user| states.get(user) == Some(&State::Blocked)).collect();
            open.extend(users.into_iter().filter(|&user| blocked.insert(user)));
        }
        blocked
    }

    /// Whether an update reaches a red root without passing another one.
    fn is_suspect(&self, update: usize, root: usize, states: &BTreeMap<usize, State>) -> bool {
        let mut seen = BTreeSet::from([update]);
        let mut open = vec![update];
        while let Some(at) = open.pop() {
            if at == root {
                return true;
            }
            if states[&at] != State::Red {
                open.extend(self.set.users(at).filter(|&user| seen.insert(user)));
            }
        }
        false
    }

    fn class(&self, name: &(String, String)) -> Class {
        match self.before.get(name) {
            Some(Some(false)) => Class::StillBroken,
            None if self.is_whole => Class::New,
            Some(Some(true) | None) | None => Class::Regressed,
        }
    }

    fn take_before(&mut self, said: impl IntoIterator<Item = Before>) {
        for (name, built) in said {
            let known = self.before.entry(name).or_insert(built);
            *known = built.or(*known);
        }
    }

    fn has_attributes(&self, at: usize) -> bool {
        self.imported.graph.derivation(self.imported.ix(at)).attributes().len() > 0
    }

    fn is_required(&self, at: usize) -> bool {
        self.imported.graph.attribute_count() == 0 || self.has_attributes(at)
    }

    fn is_expected(&self, at: usize) -> bool {
        self.members.iter().any(|&user| self.is_required(user) && (user == at || self.needs(user).contains(&at)))
    }
}

fn names(graph: &Graph, imported: &Imported, at: usize) -> Vec<(String, String)> {
    let derivation = graph.derivation(imported.ix(at));
    let mut names: Vec<String> = derivation.attributes().map(|attribute| attribute.path().to_owned()).collect();
    if names.is_empty() {
        names.push(derivation.name().to_owned());
    }
    names.into_iter().map(|name| (name, derivation.system().to_owned())).collect()
}

fn rebuilds(imported: &Imported, updates: &[usize]) -> ResolvedWave {
    let update = |&at: &usize| ResolvedUpdate { package: at.to_string(), derivations: vec![imported.ix(at)], risk: None };
    ResolvedWave {
        name: String::new(),
        updates: updates.iter().map(update).collect(),
        rebuilds: imported.graph.closure(updates.iter().map(|&at| imported.ix(at)), Direction::Dependents),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wave_stands_where_a_naive_model_says(
        set in package_sets(16),
        updates in vec(any::<Index>(), 1..4),
        steps in vec(step(), 0..40),
        is_second in any::<bool>(),
    ) {
        let imported = Imported::new(&set);
        let graph = &imported.graph;
        let size = set.derivations.len();
        let mut updates: Vec<usize> = updates.into_iter().map(|update| update.index(size.div_ceil(2))).collect();
        updates.sort_unstable();
        updates.dedup();
        let wave = if is_second { SECOND } else { FIRST };
        let mut waves = [rebuilds(&imported, &updates), rebuilds(&imported, &updates)];
        waves[0].name = FIRST.to_string();
        waves[1].name = SECOND.to_string();
        let plan = ResolvedPlan { waves: waves.to_vec(), held: graph.empty_set() };

        let directory = tempfile::tempdir().expect("a directory");
        let mut writer = Writer::open(directory.path(), "a test", std::time::Duration::ZERO).expect("nobody else writes");
        let mut model = Model {
            set: &set,
            imported: &imported,
            members: set.rebuilds(updates.iter().copied()),
            history: BTreeMap::new(),
            waived: BTreeSet::new(),
            before: BTreeMap::new(),
            is_whole: false,
        };
        // What each wave says of the time after it, once it is closed.
        let mut of_first: Vec<Before> = Vec::new();
        let mut closed: Option<Vec<Before>> = None;
        let built = |outcome: Outcome| match outcome {
            Outcome::Aborted | Outcome::Building => None,
            outcome => Some(outcome == Outcome::Succeeded),
        };
        let mut events = Vec::new();
        for (time, step) in steps.iter().enumerate() {
            let event = match step {
                Step::Record(at, outcome, minor) => {
                    let at = at.index(size);
                    let of = WaveName { major: 1, minor: *minor };
                    if of == wave && model.members.contains(&at) {
                        model.history.entry(at).or_default().push((time, Some(*outcome)));
                    }
                    if of == FIRST {
                        of_first.extend(model.names(at).into_iter().map(|name| (name, built(*outcome))));
                    }
                    record(&imported, at, RecordedFor::Wave(of), *outcome)
                }
                Step::Before(at, outcome) => {
                    let at = at.index(size);
                    model.is_whole = true;
                    let names = model.names(at);
                    model.take_before(names.into_iter().map(|name| (name, built(*outcome))));
                    record(&imported, at, RecordedFor::Baseline(1), *outcome)
                }
                Step::Retry(at) => {
                    let at = at.index(size);
                    if model.members.contains(&at) {
                        model.history.entry(at).or_default().push((time, None));
                    }
                    Event::Retry(Retry { wave, package: String::new(), derivations: vec![graph.derivation(imported.ix(at)).base_name()] })
                }
                Step::Waive(at, is_over) => {
                    let at = at.index(size);
                    if !is_over {
                        model.waived.insert(at);
                    }
                    let until = Until::Day(day(if *is_over { "2026-01-01" } else { "2026-01-02" }));
                    let package = graph.derivation(imported.ix(at)).path();
                    let (reason, who) = (String::new(), String::new());
                    Event::Waive(Waiver { package, wave: FIRST, kind: WaiverKind::CantFix, reason, until, who })
                }
                Step::Close => {
                    // A name that fails, whatever was recorded of it.
                    let name = model.names(time % size)[0].clone();
                    if closed.is_none() {
                        let mut said = of_first.clone();
                        said.push((name.clone(), Some(false)));
                        closed = Some(said);
                    } else {
                        continue;
                    }
                    let failing = BTreeMap::from([(name.1, vec![name.0])]);
                    Event::Tag(TagEvent { wave: FIRST, tag: FIRST.tag(false), commit: String::new(), pre: false, failing })
                }
            };
            events.push(event);
        }
        writer.append(0, events).expect("written");
        if wave == SECOND {
            model.take_before(closed.clone().into_iter().flatten());
        }

        let today = day("2026-01-02");
        let question =
            Question { graph, plan: &plan, scope: Scope::Exact, ledger: writer.ledger(), today: &today, expectation: Expectation::Broken };
        let status = WaveStatus::new(question, wave).expect("there is such a wave");
        let states = model.states();
        let found: BTreeMap<usize, State> = model.members.iter().map(|&at| (at, status.state(imported.ix(at)))).collect();
        prop_assert_eq!(&found, &states);

        // What each red root blocks, what became of that, and who is suspected.
        let reds = states.iter().filter(|(_, state)| **state == State::Red).map(|(&at, _)| at);
        let mut expected = BTreeMap::new();
        for root in reds {
            let blocked = model.blocked_by(root, &states);
            let attributes: usize =
                blocked.iter().filter(|&&at| model.is_expected(at)).map(|&at| graph.derivation(imported.ix(at)).attributes().len()).sum();
            if !model.is_expected(root) && attributes == 0 {
                continue;
            }
            let concerned: Vec<(String, String)> =
                blocked.iter().chain([&root]).filter(|&&at| model.is_required(at)).flat_map(|&at| model.names(at)).collect();
            let own = match model.before.get(&model.names(root)[0]) {
                Some(Some(true)) => Class::Regressed,
                Some(Some(false)) => Class::StillBroken,
                Some(None) | None => Class::New,
            };
            let class = concerned.iter().map(|name| model.class(name)).max().unwrap_or(own);
            let regressed = concerned.iter().filter(|name| model.class(name) == Class::Regressed).count();
            let suspects: Vec<usize> = (0..updates.len()).filter(|&at| model.is_suspect(updates[at], root, &states)).collect();
            let derivations = blocked.iter().filter(|&&at| model.is_expected(at)).count();
            expected.insert(root, (attributes, derivations, class, regressed, suspects));
        }
        let found: BTreeMap<usize, _> = status
            .roots
            .iter()
            .map(|root| {
                let counts = (root.blocked_attributes, root.blocked_derivations, root.class, root.regressed, root.suspects.clone());
                (imported.at(root.derivation.ix()), counts)
            })
            .collect();
        prop_assert_eq!(&found, &expected);
        prop_assert!(status.roots.is_sorted_by_key(|root| std::cmp::Reverse(root.blocked_attributes)));
        for (&at, state) in &states {
            let by: BTreeSet<usize> =
                status.roots_of(imported.ix(at)).iter().map(|&root| imported.at(status.roots[root as usize].derivation.ix())).collect();
            let expected: BTreeSet<usize> = if *state == State::Blocked {
                expected.keys().copied().filter(|&root| model.blocked_by(root, &states).contains(&at)).collect()
            } else {
                BTreeSet::new()
            };
            prop_assert_eq!(by, expected);
        }

        // Every derivation and attribute of the wave is counted once.
        let (counts, not_expected) = status.counts();
        for (at, state) in State::ALL.into_iter().enumerate() {
            let of = states.iter().filter(|(at, own)| **own == state && (state == State::Green || model.is_expected(**at)));
            prop_assert_eq!(counts[at].derivations, of.count());
        }
        let all = graph.counts(&plan.waves[0].rebuilds);
        let sum = counts.iter().chain([&not_expected]).fold((0, 0), |sum, count| (sum.0 + count.attributes, sum.1 + count.derivations));
        prop_assert_eq!(sum, (all.attributes, all.derivations));
        // Greenness is what that table says.
        let count = |state: State| counts[state as usize].attributes as u64;
        let decided: u64 = [State::Green, State::Red, State::Blocked, State::Waived].into_iter().map(count).sum();
        let greenness = (decided > 0).then(|| count(State::Green) as f64 / decided as f64);
        prop_assert_eq!(status.greenness(|derivation| derivation.attributes().len() as u64), greenness);

        // It can be closed if all that is required is built or waived, or did not build before.
        let is_fine = |(&at, state): (&usize, &State)| match state {
            State::Building | State::Ready | State::Pending => !model.is_required(at),
            State::Green | State::Waived | State::Red | State::Blocked => true,
        };
        let no_regression = expected.values().all(|(_, _, class, ..)| *class != Class::Regressed);
        let can_close = states.iter().all(is_fine) && no_regression && (wave == FIRST || closed.is_some());
        prop_assert_eq!(open_reasons(&status, writer.ledger(), &[FIRST, SECOND]).is_empty(), can_close);

        // What may be built has all that it needs; of the next wave, what needs nothing unfinished is safe.
        let next = Next::new(&status, Some(&status));
        let unfinished = |at: usize| !matches!(states[&at], State::Green | State::Waived);
        for derivation in &next.ready {
            let at = imported.at(derivation.ix());
            prop_assert!(model.inputs(at).into_iter().all(|input| states[&input] == State::Green));
        }
        let risky = |at: usize| unfinished(at) || model.needs(at).into_iter().any(unfinished);
        prop_assert!(next.safe.iter().all(|derivation| !risky(imported.at(derivation.ix()))));
        prop_assert!(next.at_risk.iter().all(|derivation| risky(imported.at(derivation.ix()))));
    }
}

/// Whether each update needs each other one, itself or by way of others: something of it is rebuilt with something of that.
fn needs(set: &PackageSet, updates: &[BTreeSet<usize>]) -> Vec<Vec<bool>> {
    let directly = |a: &BTreeSet<usize>, b: &BTreeSet<usize>| !set.rebuilds(b.iter().copied()).is_disjoint(a);
    let mut needs: Vec<Vec<bool>> = updates.iter().map(|a| updates.iter().map(|b| directly(a, b)).collect()).collect();
    for by in 0..updates.len() {
        for a in 0..updates.len() {
            for b in 0..updates.len() {
                needs[a][b] |= needs[a][by] && needs[by][b];
            }
        }
    }
    needs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Updates of several derivations each, of which the last says nothing of what needs what.
    #[test]
    fn no_suspect_stays_that_needs_one_that_goes(
        set in package_sets(16),
        updates in vec(vec(any::<Index>(), 1..4), 1..6),
        said in vec(prop::option::of(select(&[0.0, 0.25, 0.5][..])), 6),
        is_suspect in vec(prop::bool::weighted(0.8), 6),
    ) {
        let imported = Imported::new(&set);
        let graph = &imported.graph;
        let updates: Vec<BTreeSet<usize>> =
            updates.iter().map(|members| members.iter().map(|at| at.index(set.derivations.len())).collect()).collect();
        let update = |(at, members): (usize, &BTreeSet<usize>)| {
            let derivations: BTreeSet<DerivationIx> = members.iter().map(|&at| imported.ix(at)).collect();
            ResolvedUpdate { package: at.to_string(), derivations: derivations.into_iter().collect(), risk: said[at] }
        };
        let wave = ResolvedWave {
            name: FIRST.to_string(),
            updates: updates.iter().enumerate().map(update).collect(),
            rebuilds: graph.closure(updates.iter().flatten().map(|&at| imported.ix(at)), Direction::Dependents),
        };
        let plan = ResolvedPlan { waves: vec![wave], held: graph.empty_set() };
        let directory = tempfile::tempdir().expect("a directory");
        let writer = Writer::open(directory.path(), "a test", std::time::Duration::ZERO).expect("nobody else writes");
        let today = day("2026-01-02");
        let question =
            Question { graph, plan: &plan, scope: Scope::Exact, ledger: writer.ledger(), today: &today, expectation: Expectation::Broken };
        let status = WaveStatus::new(question, FIRST).expect("there is such a wave");
        let suspects: Vec<usize> = (0..updates.len()).filter(|&at| is_suspect[at]).collect();
        let first = status.revert_first(&suspects);
        prop_assert!(first.iter().all(|at| suspects.contains(at)) && first.iter().collect::<BTreeSet<_>>().len() == first.len());
        prop_assert_eq!(first.is_empty(), suspects.len() < 2);
        prop_assume!(suspects.len() > 1);
        let stays: Vec<usize> = suspects.iter().copied().filter(|at| !first.contains(at)).collect();
        prop_assert!(!stays.is_empty());

        let needs = needs(&set, &updates);
        let together = |a: usize, b: usize| needs[a][b] && needs[b][a];
        // What can only come together is taken apart if there is nothing else.
        let is_one = suspects.iter().all(|&at| together(suspects[0], at));
        let goes_before = |&stay: &usize| first.iter().any(|&go| needs[stay][go]);
        prop_assert!(is_one || !stays.iter().any(goes_before), "{first:?} of {suspects:?}");

        // They make up half of the risk, as far as that can be had, and would not without the last of them.
        let known: Vec<f64> = suspects.iter().filter_map(|&at| said[at]).collect();
        let all: f64 = known.iter().sum();
        let risk = |at: usize| if all > 0.0 { said[at].unwrap_or(all / known.len() as f64) } else { 1.0 };
        let sum = |of: &[usize]| of.iter().map(|&at| risk(at)).sum::<f64>();
        let half = sum(&suspects) / 2.0;
        let is_last = stays.iter().all(|&at| stays[0] == at || !is_one && together(stays[0], at));
        prop_assert!(sum(&first) > half - 1e-9 || is_last, "{first:?} of {suspects:?}");
        let without = |last: usize| -> Vec<usize> {
            first.iter().copied().filter(|&at| at != last && (is_one || !together(at, last))).collect()
        };
        prop_assert!(first.iter().any(|&last| sum(&without(last)) < half + 1e-9), "{first:?} of {suspects:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was recorded before: a file adds nothing to what it has said already.
    #[test]
    fn a_file_says_nothing_twice(
        set in package_sets(16),
        files in vec(vec((any::<Index>(), vec(select(&OUTCOMES[2..]), 0..3), any::<bool>()), 1..8), 1..6),
    ) {
        let imported = Imported::new(&set);
        let directory = tempfile::tempdir().expect("a directory");
        let mut writer = Writer::open(directory.path(), "a test", std::time::Duration::ZERO).expect("nobody else writes");
        for file in files {
            // A derivation that is built is built in the end.
            let mut told: BTreeMap<usize, (Vec<Outcome>, bool)> = BTreeMap::new();
            for (at, outcomes, is_built) in file {
                let of = told.entry(at.index(set.derivations.len())).or_default();
                of.0.extend(outcomes);
                of.1 |= is_built;
            }
            let lines = told.iter().flat_map(|(&at, (outcomes, is_built))| {
                let outcomes = outcomes.iter().copied().chain(is_built.then_some(Outcome::Succeeded));
                let path = set.drv_path(at);
                outcomes.map(move |outcome| format!("{path} {}\n", outcome.name())).collect::<Vec<_>>()
            });
            let text = lines.collect::<String>() + "# nothing else\n";
            let Ok(results) = Results::parse(text.as_bytes(), "results.txt") else { continue };
            let matched = match_results(&imported.graph, writer.ledger(), &results, RecordedFor::Wave(FIRST));
            writer.append(0, matched.records.into_iter().map(Event::Record)).expect("written");
            let again = match_results(&imported.graph, writer.ledger(), &results, RecordedFor::Wave(FIRST));
            prop_assert_eq!((again.records, again.known), (Vec::new(), results.told.len()));
        }
    }
}

fn record(imported: &Imported, at: usize, of: RecordedFor, status: Outcome) -> Event {
    let names = names(&imported.graph, imported, at);
    let derivation = imported.graph.derivation(imported.ix(at));
    Event::Record(Record {
        of,
        derivation: Some(derivation.base_name()),
        attributes: names.into_iter().map(|(name, _)| name).collect(),
        system: derivation.system().to_owned(),
        status,
        source: "a test".to_owned(),
    })
}
