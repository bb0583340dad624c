//! What random sets are too small or too even to tell: each test is for a line that could be changed unseen.

use std::fs;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use waves_core::analysis::Scope;
use waves_core::config::Config;
use waves_core::cost::{Costs, Durations, Evidence, Sources};
use waves_core::graph::{ClosureSums, DerivationIx, Graph};
use waves_core::major::{Cut, MajorWave, Options, Update, Updates, plan};
use waves_core::schedule::{Fleet, Schedule, simulate};

use crate::support::import;

/// Name, system, and positions of inputs.
type Made = (String, &'static str, Vec<usize>);

fn made(name: impl Into<String>, inputs: impl IntoIterator<Item = usize>) -> Made {
    (name.into(), "x86_64-linux", inputs.into_iter().collect())
}

fn path(set: &[Made], at: usize) -> String {
    format!("/nix/store/{at:032}-{}.drv", set[at].0)
}

/// The graph of those that a dump describes.
fn graph(set: &[Made], is_described: impl Fn(usize) -> bool) -> Graph {
    let entry = |at: usize| {
        let (name, system, inputs) = &set[at];
        let inputs: Map<String, Value> = inputs.iter().map(|&input| (path(set, input), json!(["out"]))).collect();
        let out = format!("/nix/store/{:032}-{name}", set.len() + at);
        let value = json!({ "outputs": { "out": { "path": out } }, "inputSrcs": [], "inputDrvs": inputs, "system": system,
            "builder": "b", "args": [], "env": { "name": name } });
        (path(set, at), value)
    };
    let entries: Map<String, Value> = (0..set.len()).filter(|&at| is_described(at)).map(entry).collect();
    import(&[("derivations.json", Value::Object(entries).to_string())])
}

fn ix(graph: &Graph, set: &[Made], at: usize) -> DerivationIx {
    graph.derivations().find(|derivation| derivation.path() == path(set, at)).expect("it is there").ix()
}

/// Updates of the first derivations, with these weights.
fn planned<'g>(graph: &'g Graph, set: &[Made], weights: &[f64], cut: Cut) -> MajorWave<'g> {
    let update = |(at, &weight): (usize, &f64)| Update { package: path(set, at), weight, ..Update::default() };
    let list = Updates { updates: weights.iter().enumerate().map(update).collect(), passed_over: Vec::new() };
    plan(graph, &list, None, &Options { scope: Scope::Exact, cut, ..Options::default() }).expect("it has edges")
}

/// More derivations than are sampled: what is found is scaled to all. Each leaf breaks with probability 3/4, and then it and the two
/// suspects are built once more.
#[test]
fn a_sample_stands_for_all() {
    let leaves = 2046;
    let set: Vec<Made> =
        [made("a", []), made("b", [])].into_iter().chain((0..leaves).map(|at| made(format!("leaf{at}"), [0, 1]))).collect();
    let graph = graph(&set, |_| true);
    let planned = planned(&graph, &set, &[1.0, 1.0], Cut::Risk { probability: 0.5, wave: 0 });
    let (found, expected) = (planned.frontier[0].rework, f64::from(leaves) * 3.0 * 0.75);
    assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
}

/// Two waves build 23, one builds 12 and 24 to find what broke: which is cheaper is decided by what a wave costs.
#[test]
fn what_a_wave_costs_counts() {
    let set: Vec<Made> = [made("a", []), made("b", [0])].into_iter().chain((0..10).map(|at| made(format!("leaf{at}"), [1]))).collect();
    let graph = graph(&set, |_| true);
    let waves = [0, 20].map(|wave| planned(&graph, &set, &[1.0, 1.0], Cut::Risk { probability: 0.5, wave }).waves.len());
    assert_eq!(waves, [2, 1]);
}

#[test]
fn of_one_level_what_matters_more_comes_first() {
    let set = [made("a", []), made("b", []), made("c", [0, 1])];
    let graph = graph(&set, |_| true);
    for (weights, expected) in [([1.0, 1.0], [0, 1]), ([1.0, 5.0], [1, 0])] {
        assert_eq!(planned(&graph, &set, &weights, Cut::Levels).waves[0].units, expected);
    }
}

fn scheduled(set: &[Made], seconds: &[u32], fleet: &Fleet) -> Schedule {
    let graph = graph(set, |_| true);
    let mut of = vec![0; set.len()];
    for (at, &seconds) in seconds.iter().enumerate() {
        of[ix(&graph, set, at).get()] = seconds;
    }
    simulate(&graph, &graph.full_set(), |ix| of[ix.get()], fleet)
}

/// Only `both` can build `a`, which nothing waits for: `b` and `c` are built first, and `e` where `a` cannot be.
#[test]
fn the_longest_chain_comes_first_on_builders_that_others_need_least() {
    let toml = "[[fleet.machines]]\nname = \"both\"\nsystems = [\"x86_64-linux\", \"i686-linux\"]\n\
        [[fleet.machines]]\nname = \"small\"\nsystems = [\"i686-linux\"]\n";
    let fleet = Fleet::of_machines(&Config::parse(toml, "waves.toml").expect("a fleet").fleet).expect("machines");
    let small = |name: &str, inputs: Vec<usize>| (name.to_owned(), "i686-linux", inputs);
    let set = [made("a", []), small("b", vec![]), small("c", vec![]), small("e", vec![1, 2])];
    assert_eq!(scheduled(&set, &[1, 50, 50, 10], &fleet).makespan, 60_000);
}

/// More heads and tails than are compared: a hundred in a row, fifty at once, a hundred in a row.
#[test]
fn windows_are_found_among_many() {
    let mut set: Vec<Made> = (0_usize..100).map(|at| made(format!("head{at}"), at.checked_sub(1))).collect();
    set.extend((0..50).map(|at| made(format!("middle{at}"), [99])));
    set.push(made("tail0", 100..150));
    set.extend((150..249).map(|before| made(format!("tail{before}"), [before])));
    let bounds = scheduled(&set, &[1; 250], &Fleet::identical(5)).bounds;
    assert_eq!((bounds.chain, bounds.work, bounds.window), (201_000, 50_000, 210_000));
}

/// Five pnames of a class tell of a sixth; four do not.
#[test]
fn a_class_is_five() {
    let set: Vec<Made> = (0..6).map(|at| made(format!("python3.12-m{}-1", char::from(b'a' + at)), [])).chain([made("z", [0])]).collect();
    let graph = graph(&set, |_| true);
    for (measured, expected) in [(4, Evidence::Everything), (5, Evidence::Class)] {
        let directory = TempDir::new().expect("a directory");
        let file = directory.path().join("durations.csv");
        let rows: Vec<String> = (0..measured).map(|at| format!("{},7\n", path(&set, at))).collect();
        fs::write(&file, format!("drv,seconds\n{}", rows.concat())).expect("written");
        let durations = Some(Durations::read(&[file]).expect("build times"));
        let costs = Costs::new(&graph, Sources { durations, ..Sources::default() }).expect("of something");
        assert_eq!(costs.model().expect("a model").evidence(ix(&graph, &set, 5)), expected);
    }
}

/// One that no dump described may have inputs in the next evaluation: these rebuild more.
#[test]
fn sums_follow_descriptions() {
    let set = [made("a", []), made("b", [0]), made("c", [1])];
    let (before, after) = (graph(&set, |at| at != 1), graph(&set, |_| true));
    let ones = |graph: &Graph| vec![[1]; graph.derivation_count()];
    let kept = ClosureSums::new(&before, ones(&before)).next(&before, &after, ones(&after));
    assert_eq!([0, 1, 2].map(|at| kept.get(ix(&after, &set, at))), [[3], [2], [1]]);
}
