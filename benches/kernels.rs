//! The kernels of the graph at three sizes, each beside the obvious way: figures are ratios of one run.
//!
//! On generated sets of 10,000 and 100,000 derivations, and on the real evaluation where it is present
//! (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else on `data/`.

use std::collections::HashSet;
use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use waves_core::graph::{ClosureSums, Derivation, DerivationIx, DerivationSet, Direction, Graph, Reachability};
use waves_core::ingest::Input;
use waves_synthetic::Synthetic;

/// Derivations whose closures are walked one by one, for comparison.
const SAMPLE: usize = 100;
/// Roots of a union, and pairs that are asked for.
const ROOTS: usize = 5_000;
const PAIRS: usize = 10_000;

/// A graph, the next evaluation of it, and what it is called.
struct Case {
    name: String,
    graph: Graph,
    next: Graph,
}

fn generated(set: &Synthetic) -> Graph {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    let create = |name: &str| BufWriter::new(File::create(path(name)).expect("a file"));
    set.write_derivations(create("derivations.json")).expect("writes");
    set.write_eval_jobs(create("eval-jobs.jsonl")).expect("writes");
    Graph::import(&[Input::Path(path("derivations.json")), Input::Path(path("eval-jobs.jsonl"))], &()).expect("dumps are sound")
}

fn synthetic(size: usize) -> Case {
    let mut set = Synthetic::new(size, 1);
    let graph = generated(&set);
    set.revise(0.01);
    Case { name: format!("{size} generated"), graph, next: generated(&set) }
}

/// Nixpkgs, then with CUDA; or the package set of this repository twice.
fn real() -> Case {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let (directory, before, after): (_, &[&str], &[&str]) = if nixpkgs.is_dir() {
        let after = &["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"];
        (nixpkgs, &["derivations.json.zst", "eval-jobs.jsonl.zst"], after)
    } else {
        let dumps = &["derivations.json", "eval-jobs.jsonl"];
        (repository.join("data/dumps"), dumps, dumps)
    };
    let import = |dumps: &[&str]| {
        let inputs: Vec<Input> = dumps.iter().map(|dump| Input::Path(directory.join(dump))).collect();
        Graph::import(&inputs, &()).expect("dumps are sound")
    };
    let graph = import(before);
    Case { name: format!("{} real", graph.derivation_count()), graph, next: import(after) }
}

/// Derivations and attributes.
fn counts(graph: &Graph) -> Vec<[u64; 2]> {
    graph.derivations().map(|derivation| [1, derivation.attributes().len() as u64]).collect()
}

/// The same and seconds, up to three hours.
fn hours(graph: &Graph) -> Vec<[u64; 3]> {
    let weights = counts(graph).into_iter().enumerate();
    weights.map(|(at, [derivations, attributes])| [derivations, attributes, at as u64 * 2_654_435_761 % 10_800]).collect()
}

/// Evenly spaced derivations, out of order.
fn drawn(graph: &Graph, count: usize) -> Vec<DerivationIx> {
    let derivations: Vec<DerivationIx> = graph.derivations().map(Derivation::ix).collect();
    (0..count).map(|at| derivations[at * 2_654_435_761 % derivations.len()]).collect()
}

fn kernels(c: &mut Criterion) {
    for case in [synthetic(10_000), synthetic(100_000), real()] {
        sums(c, &case);
        pairs(c, &case);
        unions(c, &case);
    }
}

fn sums(c: &mut Criterion, Case { name, graph, next }: &Case) {
    let mut group = c.benchmark_group("sums of all closures");
    group.sample_size(10);
    let sample = drawn(graph, SAMPLE);
    let id = |line: &str| BenchmarkId::new(line, name);
    group.bench_function(id(&format!("walks, {SAMPLE} of them")), |b| {
        b.iter(|| sample.iter().map(|&ix| walk(graph, &[ix]).len()).sum::<usize>());
    });
    group.bench_function(id("counts"), |b| b.iter(|| ClosureSums::new(graph, counts(graph))));
    group.bench_function(id("counts and hours"), |b| b.iter(|| ClosureSums::new(graph, hours(graph))));
    let mut sums = ClosureSums::new(graph, counts(graph));
    group.bench_function(id("one weight changed"), |b| b.iter(|| sums.set_weights(graph, &[(sample[0], [2, 2])])));
    let changed: Vec<_> = sample.iter().map(|&ix| (ix, [2, 2])).collect();
    group.bench_function(id("100 weights changed"), |b| b.iter(|| sums.set_weights(graph, &changed)));
    let sums = ClosureSums::new(graph, counts(graph));
    group.bench_function(id("next evaluation, all anew"), |b| b.iter(|| ClosureSums::new(next, counts(next))));
    group.bench_function(id("next evaluation, from this"), |b| b.iter(|| sums.next(graph, next, counts(next))));
    group.finish();
}

fn pairs(c: &mut Criterion, Case { name, graph, .. }: &Case) {
    let mut group = c.benchmark_group("pairs");
    group.sample_size(10);
    let drawn = drawn(graph, PAIRS + 1);
    let index = Reachability::new(graph);
    let id = |line: &str| BenchmarkId::new(line, name);
    group.bench_function(id(&format!("closures, {SAMPLE} of them")), |b| {
        let answer = |pair: &[DerivationIx]| graph.closure([pair[0]], Direction::Dependents).contains(pair[1]);
        b.iter(|| drawn.windows(2).take(SAMPLE).filter(|pair| answer(pair)).count());
    });
    group.bench_function(id(&format!("index, {PAIRS} of them")), |b| {
        b.iter(|| drawn.windows(2).filter(|pair| index.rebuilds(pair[0], pair[1])).count());
    });
    group.bench_function(id("make the index"), |b| b.iter(|| Reachability::new(graph)));
    group.finish();
    let bitmap = graph.derivation_count().pow(2) / 8;
    println!("{name}: {} labels, {} bytes; a bitmap of all pairs has {bitmap}", index.label_count(), index.bytes());
}

fn unions(c: &mut Criterion, Case { name, graph, .. }: &Case) {
    let mut group = c.benchmark_group("unions");
    group.sample_size(10);
    let roots = drawn(graph, ROOTS);
    let id = |line: &str| BenchmarkId::new(line, name);
    group.bench_function(id(&format!("walk, {ROOTS} roots")), |b| b.iter(|| walk(graph, &roots).len()));
    group.bench_function(id(&format!("closure, {ROOTS} roots")), |b| {
        b.iter(|| graph.closure(roots.iter().copied(), Direction::Dependents).len());
    });
    let few = &roots[..SAMPLE];
    group.bench_function(id(&format!("what {SAMPLE} roots add, by closures")), |b| {
        b.iter(|| gains(graph, few, |root, _| graph.closure([root], Direction::Dependents)));
    });
    group.bench_function(id(&format!("what {SAMPLE} roots add, past the union")), |b| {
        b.iter(|| gains(graph, few, |root, union| graph.rebuilds_past([root], union)));
    });
    group.finish();
}

/// What each root adds to those before it.
fn gains(graph: &Graph, roots: &[DerivationIx], closure: impl Fn(DerivationIx, &DerivationSet) -> DerivationSet) -> Vec<usize> {
    let mut union = graph.empty_set();
    let add = |&root: &DerivationIx| {
        let before = union.len();
        let more = closure(root, &union);
        union.extend(&more);
        union.len() - before
    };
    black_box(roots.iter().map(add).collect())
}

/// Depth first with a hash set, as one would write it.
fn walk(graph: &Graph, roots: &[DerivationIx]) -> HashSet<DerivationIx> {
    let mut seen: HashSet<DerivationIx> = roots.iter().copied().collect();
    let mut stack = roots.to_vec();
    while let Some(ix) = stack.pop() {
        stack.extend(graph.derivation(ix).users().filter(|&user| seen.insert(user)));
    }
    seen
}

criterion_group!(benches, kernels);
criterion_main!(benches);
