//! Histories of evaluations, against the graph of each evaluation: what is stored, and what is asked of all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use waves_core::analysis::{Scope, select};
use waves_core::error::Error;
use waves_core::graph::{Counts, Direction, Graph};
use waves_core::history::{AttributeRecord, DerivationRecord, Evaluated, History, OutputRecord, UnresolvedReason, Writer};
use waves_core::store_path::StoreHash;

use crate::diffs::{FILES, graph, mutation, packages};
use crate::history::World;
use crate::strategy::package_sets;
use crate::support::{Imported, import};

/// Evaluations of one set, each with some changes more than the one before; some have only its first packages.
fn worlds() -> impl Strategy<Value = Vec<Graph>> {
    packages().prop_flat_map(|packages| {
        let count = packages.len();
        let world = World { packages, files: vec![0; FILES] };
        (Just(world), vec((vec(mutation(count), 0..3), 1..count + 1), 1..7)).prop_map(|(mut world, steps)| {
            let evaluation = |(mutations, there): (Vec<_>, usize)| {
                world = world.after(&mutations);
                graph(&World { packages: world.packages[..there].to_vec(), files: world.files.clone() })
            };
            steps.into_iter().map(evaluation).collect()
        })
    })
}

/// Sets that have nothing in common but the hashes of their paths: no Nix makes them, and none of them may spoil another.
fn contradictory() -> impl Strategy<Value = Vec<Graph>> {
    vec(package_sets(24), 1..5).prop_map(|mut sets| {
        for set in &mut sets {
            set.salt = 1;
        }
        sets.iter().map(|set| Imported::new(set).graph).collect()
    })
}

fn writer(path: &Path) -> Writer {
    Writer::open(path, Duration::ZERO).expect("nobody else writes")
}

/// A file of these evaluations.
fn history(graphs: &[Graph]) -> (TempDir, History) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("history");
    let mut writer = writer(&path);
    for (at, graph) in graphs.iter().enumerate() {
        writer.append(&format!("e{at}"), at as u64, graph).expect("written");
    }
    let history = History::open(&path).expect("it is one");
    assert_eq!(history.evaluations(), writer.history().evaluations());
    (directory, history)
}

/// Inputs, outputs, name with its parts, and whether the output is fixed.
type SaidOfOne = (BTreeSet<String>, Vec<(String, Option<String>)>, [String; 4], bool);

/// What an evaluation says: derivations with inputs and outputs, packages, and attributes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    derivations: BTreeMap<String, SaidOfOne>,
    packages: BTreeSet<BTreeSet<String>>,
    attributes: BTreeSet<(String, String, Option<String>)>,
}

impl Said {
    fn by_graph(graph: &Graph) -> Self {
        let name = |ix| graph.derivation(ix).base_name();
        let derivations = graph.derivations().map(|derivation| {
            let inputs = derivation.inputs().map(|(input, _)| name(input)).collect();
            let outputs = derivation.outputs().map(|output| (output.name().to_owned(), output.base_name())).collect();
            let said = [derivation.name(), derivation.pname(), derivation.version(), derivation.system()].map(str::to_owned);
            (derivation.base_name(), (inputs, outputs, said, derivation.is_fixed_output()))
        });
        let packages = graph.packages().map(|package| package.derivations().map(|derivation| derivation.base_name()).collect());
        let attributes = graph.attributes().map(|attribute| {
            let derivation = attribute.derivation().map(|derivation| derivation.base_name());
            (attribute.path().to_owned(), attribute.system().unwrap_or_default().to_owned(), derivation)
        });
        Self { derivations: derivations.collect(), packages: packages.collect(), attributes: attributes.collect() }
    }

    fn by_history(history: &History, evaluation: usize) -> Self {
        let mut said = Self::default();
        let mut packages: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for life in history.lives().filter(|life| life.evaluations.contains(&evaluation)) {
            let derivation = history.derivation(life.derivation);
            let inputs = history.inputs(life.derivation).map(|input| history.base_name(input)).collect();
            let outputs = history.outputs(life.derivation).map(|(name, path)| (name.to_owned(), path)).collect();
            let text = [derivation.name, derivation.pname, derivation.version, derivation.system].map(str::to_owned);
            said.derivations.insert(history.base_name(life.derivation), (inputs, outputs, text, derivation.is_fixed_output));
            packages.entry(life.package).or_default().insert(history.base_name(life.derivation));
        }
        said.packages = packages.into_values().collect();
        let namings = history.namings().filter(|naming| naming.evaluations.contains(&evaluation));
        said.attributes = namings
            .map(|naming| (naming.attribute.to_owned(), naming.system.to_owned(), naming.derivation.map(|at| history.base_name(at))))
            .collect();
        said
    }
}

/// What the graph of one evaluation answers: roots, counts, versions.
fn by_closure(graph: &Graph, selector: &str, scope: Scope) -> Result<(usize, Counts, Vec<String>), UnresolvedReason> {
    let roots = select(graph, &[selector.to_owned()], scope, None).map_err(|error| match error {
        Error::UnknownPackage { .. } | Error::NotForSystem { .. } => UnresolvedReason::Unknown,
        Error::NotEvaluated { .. } => UnresolvedReason::NotEvaluated,
        Error::AmbiguousPackage { .. } => UnresolvedReason::Ambiguous,
        error => panic!("{error}"),
    })?;
    let exact = select(graph, &[selector.to_owned()], Scope::Exact, None).expect("the same selector");
    let versions = exact.iter().flat_map(|root| &root.derivations).map(|&ix| graph.derivation(ix).version().to_owned());
    let versions: BTreeSet<String> = versions.filter(|version| !version.is_empty()).collect();
    let derivations = roots.iter().flat_map(|root| root.derivations.iter().copied());
    let roots = graph.set_of(derivations);
    let rebuilt = graph.closure(roots.iter(), Direction::Dependents);
    let attributes = rebuilt.iter().map(|ix| graph.derivation(ix).attributes().len()).sum();
    let counts = Counts { attributes, derivations: rebuilt.len(), outputs: graph.output_count_of(&rebuilt) };
    Ok((roots.len(), counts, versions.into_iter().collect()))
}

/// What can be asked of any of these graphs.
fn selectors(graphs: &[Graph]) -> BTreeSet<String> {
    let mut selectors: BTreeSet<String> = ["*", "p[0-3]*", "a*", "nowhere", "*.i686-linux", "nowhere.i686-linux"].map(str::to_owned).into();
    for graph in graphs {
        selectors.extend(graph.derivations().map(|derivation| derivation.pname().to_owned()));
        selectors.extend(graph.derivations().map(|derivation| derivation.name().to_owned()));
        selectors.extend(graph.derivations().step_by(3).map(|derivation| derivation.base_name()));
        selectors.extend(graph.attributes().map(|attribute| attribute.path().to_owned()));
        selectors.extend(graph.attributes().map(|attribute| attribute.path().replace('"', "")));
    }
    // As jobs are called: with the system behind it.
    let jobs = |name: &String| ["x86_64-linux", "i686-linux"].map(|system| format!("{name}.{system}"));
    selectors.iter().step_by(3).flat_map(jobs).collect::<Vec<_>>().into_iter().chain(selectors).collect()
}

/// Every evaluation is what its graph says, and so is every answer.
fn check(graphs: &[Graph]) -> Result<(), TestCaseError> {
    let (_directory, history) = history(graphs);
    for (at, (graph, evaluation)) in graphs.iter().zip(history.evaluations()).enumerate() {
        prop_assert_eq!(Said::by_history(&history, at), Said::by_graph(graph));
        let counts = (evaluation.attributes, evaluation.derivations, evaluation.outputs);
        prop_assert_eq!(counts, (graph.attribute_count(), graph.derivation_count(), graph.output_count()));
    }
    for selector in selectors(graphs) {
        for scope in [Scope::Package, Scope::Exact] {
            let expected: Vec<_> = graphs.iter().map(|graph| by_closure(graph, &selector, scope)).collect();
            let Ok(found) = history.rebuilds(std::slice::from_ref(&selector), scope) else {
                prop_assert!(expected.iter().all(Result::is_err), "{}", selector);
                continue;
            };
            prop_assert!(expected.iter().any(Result::is_ok), "{}", selector);
            for (found, expected) in found.iter().zip(expected) {
                let reason = found.unresolved.first().map(|unresolved| unresolved.reason);
                let versions = found.versions.iter().map(|&version| version.to_owned()).collect();
                let answer = found.counts.map(|counts| (found.roots, counts, versions)).ok_or(reason);
                prop_assert_eq!(answer, expected.map_err(Some), "{}", &selector);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_evaluation_answers_as_its_own_graph(graphs in worlds()) {
        check(&graphs)?;
    }

    #[test]
    fn equal_hashes_of_what_is_not_equal_spoil_nothing(graphs in contradictory()) {
        check(&graphs)?;
    }

    /// Nor do they make each other be written again.
    #[test]
    fn what_any_evaluation_said_is_known(graphs in contradictory()) {
        let directory = TempDir::new().expect("a directory");
        let mut writer = writer(&directory.path().join("history"));
        for round in 0..2 {
            for (at, graph) in graphs.iter().enumerate() {
                let added = writer.append(&format!("e{at} {round}"), 0, graph).expect("written");
                prop_assert!(round == 0 || added.evaluation.new_derivations == 0, "e{} {}: {:?}", at, round, added);
            }
        }
    }

    /// What changed is told apart as a comparison of the two evaluations has it.
    #[test]
    fn changes_are_those_between_two_evaluations(graphs in worlds()) {
        let (_directory, history) = history(&graphs);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for (at, evaluation) in history.evaluations().iter().enumerate() {
            let now = Said::by_graph(&graphs[at]);
            let before = at.checked_sub(1).map_or_else(Said::default, |before| Said::by_graph(&graphs[before]));
            let names: BTreeSet<String> = now.derivations.into_keys().collect();
            prop_assert_eq!(evaluation.new_derivations, names.difference(&known).count());
            prop_assert_eq!(evaluation.gone_derivations, before.derivations.keys().filter(|name| !names.contains(*name)).count());
            known.extend(names);
            let key = |(path, system, _): &(String, String, Option<String>)| (path.clone(), system.clone());
            let keys = |said: &BTreeSet<(String, String, Option<String>)>| said.iter().map(key).collect::<BTreeSet<_>>();
            let (old, new) = (keys(&before.attributes), keys(&now.attributes));
            let changes = evaluation.changes;
            prop_assert_eq!((changes.added, changes.removed), (new.difference(&old).count(), old.difference(&new).count()));
            let differing: BTreeSet<_> = now.attributes.difference(&before.attributes).map(key).collect();
            prop_assert_eq!(changes.changed, differing.intersection(&old).count());
        }
    }

    /// A file that is cut at any byte is what it was before the evaluation that is not whole; going on from there gives the same file.
    #[test]
    fn a_file_that_is_cut_loses_what_is_not_whole(graphs in worlds(), cut in any::<prop::sample::Index>()) {
        let (directory, history) = history(&graphs);
        let bytes = fs::read(history.path()).expect("there");
        let ends: Vec<u64> = history.evaluations().iter().scan(12, |end, evaluation| { *end += evaluation.bytes; Some(*end) }).collect();
        prop_assert_eq!(ends.last().copied(), Some(bytes.len() as u64));
        let length = cut.index(bytes.len());
        let whole = ends.iter().filter(|&&end| end <= length as u64).count();
        let path = directory.path().join("cut");
        for tail in [&[][..], &[0; 64]] {
            fs::write(&path, [&bytes[..length], tail].concat()).expect("written");
            // Behind what was cut off within an evaluation, zeros are one more damage.
            let Ok(read) = History::open(&path) else {
                prop_assert!(!tail.is_empty() && !ends.contains(&(length as u64)));
                continue;
            };
            prop_assert_eq!(read.evaluations(), &history.evaluations()[..whole]);
            prop_assert_eq!(read.bytes() + read.torn_bytes(), (length + tail.len()) as u64);
            let mut writer = writer(&path);
            let torn = read.torn_bytes();
            for (at, graph) in graphs.iter().enumerate().skip(whole) {
                let added = writer.append(&format!("e{at}"), at as u64, graph).expect("written");
                prop_assert_eq!(added.cut_off_bytes, if at == whole { torn } else { 0 });
            }
            if whole < graphs.len() {
                prop_assert_eq!(&fs::read(&path).expect("there"), &bytes);
            }
        }
    }

    /// A byte that is not what it was is found, unless it is of the last evaluation: that is then not whole.
    #[test]
    fn damage_is_found(graphs in worlds(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let (_directory, history) = history(&graphs);
        let mut bytes = fs::read(history.path()).expect("there");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs::write(history.path(), &bytes).expect("written");
        match History::open(history.path()) {
            Ok(read) => prop_assert_eq!(read.evaluations(), &history.evaluations()[..graphs.len() - 1]),
            Err(Error::History { reason, .. }) => prop_assert!(reason.contains("corrupt") || at < 12, "{}", reason),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

/// Nor what nobody has said but its outputs: its path is not known, then or later.
#[test]
fn what_is_known_by_its_outputs_alone_is_kept() {
    let world = World::of([("a", &[][..]), ("b", &[0])]);
    let outputs = |hash: &str| json!({ "only.x86_64-linux": { "out": format!("/nix/store/{}-only-1.0", hash.repeat(32)) } });
    let graph = |hash| {
        let dumps = [world.derivations().to_string(), world.jobs(), outputs(hash).to_string()];
        import(&["derivations.json", "jobs.jsonl", "outpaths.json"].into_iter().zip(dumps).collect::<Vec<_>>())
    };
    check(&["1", "1", "2"].map(graph)).expect("they agree");
}

/// Evaluations in turns, of which every second does not say what a source is: that, and the three that need it, are known in two ways.
#[test]
fn each_description_is_written_once() {
    let world = World::of([("a", &[][..]), ("b", &[0]), ("c", &[1]), ("d", &[])]);
    let graph = |has_source: bool| {
        let mut derivations = world.derivations();
        let entries = derivations.as_object_mut().expect("an object");
        let all = entries.len();
        entries.retain(|path, _| has_source || !path.ends_with("-a-1.0.0.tar.gz.drv"));
        assert_eq!((all, entries.len()), (8, if has_source { 8 } else { 7 }));
        import(&[("derivations.json", derivations.to_string()), ("jobs.jsonl", world.jobs())])
    };
    let graphs = [true, false, true, false, true].map(graph);
    let (_directory, history) = history(&graphs);
    let new: Vec<usize> = history.evaluations().iter().map(|evaluation| evaluation.new_derivations).collect();
    assert_eq!(new, [8, 4, 0, 0, 0]);
    let gone: Vec<usize> = history.evaluations().iter().map(|evaluation| evaluation.gone_derivations).collect();
    assert_eq!((gone, history.derivation_count()), (vec![0, 4, 4, 4, 4], 12));
    check(&graphs).expect("they agree");
}

/// Links of a chain, of which some are there in each evaluation, and some have fixed outputs; by number.
struct Chain(Vec<u32>);

impl Chain {
    /// Of evaluation `at`: link `n` is there if `n` divides it, or is small.
    fn new(at: u32) -> Self {
        Self((1..40).filter(|&link| link < 4 || at.is_multiple_of(link)).collect())
    }

    /// What needs the first link, by way of links without a fixed output.
    fn rebuilt(&self) -> usize {
        self.0.iter().take_while(|&&link| !Self::is_fixed(link)).count()
    }

    fn is_fixed(link: u32) -> bool {
        link % 11 == 7
    }
}

impl Evaluated for Chain {
    fn derivations(&self) -> impl Iterator<Item = DerivationRecord<'_>> {
        self.0.iter().enumerate().map(|(at, &link)| {
            // Its hash has what it needs in it, as any derivation's.
            let mut text = [b'0'; 32];
            for (digit, &before) in text.iter_mut().zip(&self.0[..=at]) {
                *digit = b"0123456789abcdfghijklmnpqrsvwxyz"[before as usize % 32];
            }
            text[31] = if link < 32 { b'0' } else { b'1' };
            let hash = StoreHash::parse(&text).expect("a hash");
            let path = Some((hash, "link"));
            DerivationRecord {
                hash,
                has_path: true,
                name: "link",
                pname: if at == 0 { "first" } else { "link" },
                version: "",
                system: "",
                is_fixed_output: Self::is_fixed(link),
                is_floating: false,
                package: at,
                inputs: at.checked_sub(1).into_iter().collect(),
                outputs: vec![OutputRecord { name: "out", path }],
            }
        })
    }

    fn attributes(&self) -> impl Iterator<Item = AttributeRecord<'_>> {
        self.0.iter().enumerate().map(|(at, _)| AttributeRecord { path: "link", system: "", derivation: Some(at) })
    }
}

/// More evaluations than are swept at once, and derivations that come and go many times.
#[test]
fn blocks_of_evaluations_join() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("history");
    let mut writer = writer(&path);
    let chains: Vec<Chain> = (1..1200).map(Chain::new).collect();
    for (at, chain) in chains.iter().enumerate() {
        writer.append(&at.to_string(), 0, chain).expect("written");
    }
    let history = History::open(&path).expect("it is one");
    let found = history.rebuilds(&["first".to_owned()], Scope::Exact).expect("it is there");
    assert_eq!(found.len(), chains.len());
    for (chain, found) in chains.iter().zip(found) {
        let rebuilt = chain.rebuilt();
        let counts = Counts { attributes: rebuilt, derivations: rebuilt, outputs: rebuilt };
        assert_eq!((found.roots, found.counts), (1, Some(counts)));
    }
}

#[test]
fn there_is_one_writer() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("history");
    let mut first = writer(&path);
    assert!(matches!(Writer::open(&path, Duration::from_millis(50)), Err(Error::HistoryLocked { .. })));
    first.append("a", 0, &Chain::new(1)).expect("written");
    assert!(matches!(first.append("a", 0, &Chain::new(2)), Err(Error::History { .. })));
    // Readers need no lock.
    assert_eq!(History::open(&path).expect("it is one").evaluations().len(), 1);
    drop(first);
    writer(&path).append("b", 0, &Chain::new(2)).expect("written");
    assert_eq!(History::open(&path).expect("it is one").evaluations().len(), 2);
}
