//! Results, tied to the derivations of an evaluation.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::event::{Event, Outcome, Record, RecordedFor};
use super::file::Ledger;
use super::heard::{History, Implied, add_retries};
use super::results::{Results, Told};
use crate::graph::{Attribute, AttributeIx, Derivation, DerivationIx, Graph};
use crate::store_path::{StoreHash, StorePath, base_name};

/// What of a file of results is new, and what could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// What is to be recorded.
    pub records: Vec<Record>,
    /// Results that the ledger has already.
    pub known: usize,
    /// Of the new ones, those whose derivation this evaluation does not have.
    pub other_evaluations: usize,
    /// Results of nothing that this evaluation has: they are not recorded.
    pub unmatched: usize,
    /// The first of these.
    pub first_unmatched: Option<String>,
}

/// Finds derivations by the hash in their path.
pub(crate) struct ByPath<'g> {
    graph: &'g Graph,
    derivations: HashMap<StoreHash, DerivationIx>,
}

impl<'g> ByPath<'g> {
    /// O(V).
    pub(crate) fn new(graph: &'g Graph) -> Self {
        Self { graph, derivations: graph.derivations().map(|derivation| (derivation.hash(), derivation.ix())).collect() }
    }

    /// The derivation with exactly this path or base name.
    pub(crate) fn find(&self, path: &str) -> Option<Derivation<'g>> {
        let derivation = self.graph.derivation(*self.derivations.get(&StorePath::parse(path)?.hash)?);
        (derivation.base_name() == base_name(path)).then_some(derivation)
    }
}

/// Ties results to the derivations of an evaluation, and leaves out what the ledger has already. A result that names only an
/// attribute is of the derivation that the attribute has here. O(V + A + results · log results + entries of the ledger).
///
/// The results of a file are of one moment, whatever their order: what was built comes first, so that a failure is one in
/// spite of it. Several of one derivation stay in their order, and stand together.
pub fn match_results(graph: &Graph, ledger: &Ledger, results: &Results, of: RecordedFor) -> Matched {
    let (by_path, by_job) = (ByPath::new(graph), ByJob::new(graph));
    let mut matched = Matched::default();
    let mut found: Vec<(String, Vec<(Record, bool)>)> = Vec::new();
    let mut place: HashMap<String, usize> = HashMap::new();
    for told in &results.told {
        let Some(outcome) = told.outcome else { continue };
        let Some(told) = record(&by_path, &by_job, told, outcome, of, &results.file) else {
            matched.unmatched += 1;
            let name = told.attribute.as_deref().or(told.derivation.as_deref()).unwrap_or_default();
            matched.first_unmatched.get_or_insert_with(|| name.to_owned());
            continue;
        };
        let key = key_of(&told.0);
        let at = *place.entry(key.clone()).or_insert_with(|| {
            found.push((key, Vec::new()));
            found.len() - 1
        });
        match found[at].1.last() {
            Some((last, _)) if last.status == outcome => matched.known += 1,
            _ => found[at].1.push(told),
        }
    }
    let is_built = |told: &[(Record, bool)]| told.last().is_some_and(|(last, _)| last.status == Outcome::Succeeded);
    let (built, failed): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, told)| is_built(told));
    let mut known = Known::of(ledger, of);
    matched.add(&mut known, built);
    // A failure that is told again of what must have been built since is another one.
    for (key, at) in built_since(graph, &by_path, ledger, of, &matched.records) {
        known.vindicate(&key, at);
    }
    matched.add(&mut known, failed);
    matched
}

impl Matched {
    /// Takes in what was told of derivations, without what is known.
    fn add(&mut self, known: &mut Known, told: Vec<(String, Vec<(Record, bool)>)>) {
        for (key, told) in told {
            let outcomes: Vec<Outcome> = told.iter().map(|(record, _)| record.status).collect();
            let first_new = known.first_new(&key, &outcomes);
            self.known += first_new;
            for (record, is_here) in told.into_iter().skip(first_new) {
                known.hear(&key, record.status);
                self.other_evaluations += usize::from(!is_here);
                self.records.push(record);
            }
        }
    }
}

/// What failed in a wave, and was built since, as what needs it tells, and when: by the ledger, and what is added to it.
fn built_since(graph: &Graph, by_path: &ByPath<'_>, ledger: &Ledger, of: RecordedFor, added: &[Record]) -> Vec<(String, usize)> {
    let RecordedFor::Wave(wave) = of else { return Vec::new() };
    let mut histories: HashMap<DerivationIx, History> = HashMap::new();
    let recorded = ledger.records().filter(|(_, record)| record.of == of);
    for (at, record) in recorded.chain((ledger.entries().len()..).zip(added)) {
        if let Some(derivation) = record.derivation.as_deref().and_then(|path| by_path.find(path)) {
            histories.entry(derivation.ix()).or_default().outcomes.push((at, record.status));
        }
    }
    add_retries(&mut histories, by_path, ledger, wave);
    let implied = Implied::new(graph, &histories, |_| true);
    let repaired = histories.iter().filter_map(|(&ix, history)| Some((implied.repaired(ix, history)?, ix)));
    let mut built: Vec<(usize, DerivationIx)> = repaired.collect();
    built.sort_unstable();
    built.into_iter().map(|(at, ix)| (graph.derivation(ix).base_name(), at)).collect()
}

/// What a record is of: its derivation, or what stands for one.
fn key_of(record: &Record) -> String {
    let name = || format!("{} {}", record.attributes.first().map_or("", String::as_str), record.system);
    record.derivation.clone().unwrap_or_else(name)
}

/// What was heard of everything.
#[derive(Default)]
struct Known {
    of: HashMap<String, Heard>,
    /// The position in the ledger of what is heard next.
    next: usize,
    /// Where something was last repaired: a failure from before may be another one now.
    repaired: usize,
}

/// What was heard of one derivation.
#[derive(Default)]
struct Heard {
    /// Since it was last tried again, in order.
    outcomes: Vec<(usize, Outcome)>,
    has_failed: bool,
}

impl Known {
    /// What the ledger knows; of what is tried again, nothing.
    fn of(ledger: &Ledger, of: RecordedFor) -> Self {
        let mut known = Self::default();
        for (at, entry) in ledger.entries().iter().enumerate() {
            known.next = at;
            match &entry.event {
                Event::Record(record) if record.of == of => known.hear(&key_of(record), record.status),
                Event::Retry(retry) if RecordedFor::Wave(retry.wave) == of => {
                    known.repaired = at;
                    for derivation in &retry.derivations {
                        known.of.entry(derivation.clone()).or_default().outcomes.clear();
                    }
                }
                _ => {}
            }
        }
        known.next = ledger.entries().len();
        known
    }

    fn hear(&mut self, key: &str, outcome: Outcome) {
        let heard = self.of.entry(key.to_owned()).or_default();
        if outcome == Outcome::Succeeded && heard.has_failed {
            self.repaired = self.next;
        }
        if !outcome.is_silent() {
            heard.has_failed = outcome != Outcome::Succeeded;
        }
        heard.outcomes.push((self.next, outcome));
        self.next += 1;
    }

    /// That what failed was built by then, though nobody said so.
    fn vindicate(&mut self, key: &str, at: usize) {
        let heard = self.of.entry(key.to_owned()).or_default();
        let place = heard.outcomes.partition_point(|&(earlier, _)| earlier < at);
        heard.outcomes.insert(place, (at, Outcome::Succeeded));
        heard.has_failed = false;
        self.repaired = self.repaired.max(at);
    }

    /// How many of the outcomes that a file tells of a derivation are known, from the first on: all, if the ledger ends with them; or
    /// as many as it ends with, so that it ends with all of them when the others were added.
    fn first_new(&self, key: &str, outcomes: &[Outcome]) -> usize {
        let Some(heard) = self.of.get(key) else { return 0 };
        // Only a failure from before a repair, that it has not got over itself, may be another one now.
        let got_over = heard.outcomes.iter().rev().find(|&&(_, outcome)| outcome == Outcome::Succeeded).map(|&(at, _)| at);
        let still_counts = |&&(at, outcome): &&(usize, Outcome)| at >= self.repaired || Some(at) <= got_over || outcome.is_silent();
        let outcomes_of = |heard: &[&(usize, Outcome)]| heard.iter().map(|&&(_, outcome)| outcome).collect::<Vec<_>>();
        let known: Vec<_> = heard.outcomes.iter().filter(|outcome| !heard.has_failed || still_counts(outcome)).collect();
        if outcomes_of(&known).ends_with(outcomes) {
            return outcomes.len();
        }
        let is_built = outcomes.last() == Some(&Outcome::Succeeded);
        let counting = heard.outcomes.iter().rev().take_while(|outcome| is_built || still_counts(outcome)).count();
        let last: Vec<_> = heard.outcomes[heard.outcomes.len() - counting..].iter().collect();
        let last = outcomes_of(&last);
        (0..outcomes.len()).rev().find(|&first| last.ends_with(&outcomes[..first])).unwrap_or(0)
    }
}

/// The record of a result, and whether its derivation is in the evaluation.
fn record(
    by_path: &ByPath<'_>,
    by_job: &ByJob<'_>,
    told: &Told,
    outcome: Outcome,
    of: RecordedFor,
    source: &str,
) -> Option<(Record, bool)> {
    let record = |derivation: Option<String>, attributes: Vec<String>, system: &str| Record {
        of,
        derivation,
        attributes,
        system: system.to_owned(),
        status: outcome,
        source: source.to_owned(),
    };
    let of_derivation = |derivation: Derivation<'_>| {
        let (attributes, system) = names(derivation);
        (record(Some(derivation.base_name()), attributes, system), true)
    };
    if let Some(path) = &told.derivation {
        if let Some(derivation) = by_path.find(path) {
            return Some(of_derivation(derivation));
        }
        let name = StorePath::parse_derivation(path)?.name;
        let attribute = told.attribute.clone().unwrap_or_else(|| name.to_owned());
        return Some((record(Some(base_name(path).to_owned()), vec![attribute], told.system.as_deref().unwrap_or_default()), false));
    }
    let typed = told.attribute.as_deref()?;
    let found = by_job.find(typed, told.system.as_deref());
    let derivation = found.and_then(Attribute::derivation).filter(|_| outcome != Outcome::EvaluationFailed);
    if let Some(derivation) = derivation {
        return Some(of_derivation(derivation));
    }
    // Without a derivation there is only the name to go by: enough to say that something does not evaluate, or did before.
    let is_of_a_name = outcome == Outcome::EvaluationFailed || matches!(of, RecordedFor::Baseline(_));
    let path = found.map_or(typed, Attribute::path).to_owned();
    let system = told.system.as_deref().or_else(|| found?.system()).unwrap_or_default();
    let is_here = found.is_some_and(|attribute| attribute.derivation().is_none());
    is_of_a_name.then(|| (record(None, vec![path], system), is_here))
}

/// The attribute paths of a derivation, or its name, and its system.
pub(super) fn names(derivation: Derivation<'_>) -> (Vec<String>, &str) {
    let mut attributes: Vec<String> = derivation.attributes().map(|attribute| attribute.path().to_owned()).collect();
    if attributes.is_empty() {
        attributes.push(derivation.name().to_owned());
    }
    (attributes, derivation.system())
}

/// Finds attributes by the names of jobs.
struct ByJob<'g> {
    graph: &'g Graph,
    /// The attributes of which a name is another spelling: their path without quotes, and the job that an exported wave has for them.
    spelt: OnceCell<HashMap<String, Vec<AttributeIx>>>,
}

impl<'g> ByJob<'g> {
    fn new(graph: &'g Graph) -> Self {
        Self { graph, spelt: OnceCell::new() }
    }

    /// The attribute that a job names: by its path, or with its system before or behind it; else by another spelling. One of
    /// several is not guessed. O(A) for the first that is spelt otherwise.
    fn find(&self, job: &str, system: Option<&str>) -> Option<Attribute<'g>> {
        let only = |path: &str, system: Option<&str>| {
            let all = self.graph.find_attribute(path);
            let found: Vec<Attribute<'g>> =
                all.filter(|attribute| system.is_none_or(|system| attribute.system().is_none_or(|own| own == system))).collect();
            // Beside what evaluates may stand a failure, of a system that nobody tells.
            let mut evaluated = found.iter().copied().filter(|attribute| attribute.derivation().is_some());
            match found[..] {
                [only] => Some(only),
                _ => evaluated.next().filter(|_| evaluated.next().is_none()),
            }
        };
        let behind = job.rsplit_once('.').map(|(path, system)| (path, Some(system)));
        let before = job.split_once('.').map(|(system, path)| (path, Some(system)));
        let ways = || [Some((job, system)), behind, before].into_iter().flatten();
        ways().find_map(|(path, system)| only(path, system)).or_else(|| ways().find_map(|(name, system)| self.find_spelt(name, system)))
    }

    /// The attribute that is spelt so; of several, that of the system.
    fn find_spelt(&self, name: &str, system: Option<&str>) -> Option<Attribute<'g>> {
        let spelt = self.spelt.get_or_init(|| {
            let mut spelt: HashMap<String, Vec<AttributeIx>> = HashMap::new();
            for attribute in self.graph.attributes() {
                let mut names = vec![attribute.job(), attribute.path().replace('"', "")];
                names.dedup();
                for name in names.into_iter().filter(|name| name != attribute.path()) {
                    spelt.entry(name).or_default().push(attribute.ix());
                }
            }
            spelt
        });
        let all: Vec<Attribute<'g>> = spelt.get(name)?.iter().map(|&ix| self.graph.attribute(ix)).collect();
        let own: Vec<Attribute<'g>> = all.iter().copied().filter(|attribute| system.is_some() && attribute.system() == system).collect();
        match if own.is_empty() { &all } else { &own }[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}
