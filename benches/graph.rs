//! Import, open, impact, rank and plan, each beside something that costs what it must cost at least, or what the
//! obvious way costs: figures are ratios of one run.
//!
//! On the real evaluation where it is present (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else on `data/`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, copy, sink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use waves_core::analysis::{Impact, RankOptions, Root, Scope, rank, select};
use waves_core::graph::{Derivation, DerivationIx, Direction, Graph};
use waves_core::ingest::{Input, ingest};
use waves_core::plan::{PlanOptions, plan};

/// Derivations whose closures are walked one by one, for comparison.
const SAMPLE: usize = 100;

fn dumps() -> Vec<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let real = ["derivations.json.zst", "eval-jobs.jsonl.zst"].map(|dump| nixpkgs.join(dump)).to_vec();
    let own = ["derivations.json", "eval-jobs.jsonl"].map(|dump| repository.join("data/dumps").join(dump)).to_vec();
    if real.iter().all(|dump| dump.is_file()) { real } else { own }
}

fn inputs(dumps: &[PathBuf]) -> Vec<Input> {
    dumps.iter().cloned().map(Input::Path).collect()
}

fn import(c: &mut Criterion) {
    let dumps = dumps();
    let mut group = c.benchmark_group("import");
    group.sample_size(10).measurement_time(Duration::from_mins(1));
    group.bench_function("decompress only", |b| b.iter(|| dumps.iter().map(|dump| decompress(dump)).sum::<u64>()));
    group.bench_function("read into records", |b| b.iter(|| ingest(&inputs(&dumps), &()).expect("dumps are sound")));
    group.bench_function("read and join", |b| b.iter(|| Graph::import(&inputs(&dumps), &()).expect("dumps are sound")));
    group.finish();
}

fn decompress(dump: &Path) -> u64 {
    let mut reader = zstd_or_plain(dump);
    copy(&mut reader, &mut sink()).expect("a dump is readable")
}

fn zstd_or_plain(dump: &Path) -> Box<dyn Read> {
    let file = File::open(dump).expect("a dump is there");
    if dump.extension().is_none_or(|extension| extension != "zst") {
        return Box::new(file);
    }
    let mut decoder = zstd::Decoder::new(file).expect("zstd starts");
    decoder.window_log_max(31).expect("a window of 2 GiB");
    Box::new(decoder)
}

fn questions(c: &mut Criterion) {
    let graph = Graph::import(&inputs(&dumps()), &()).expect("dumps are sound");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let snapshot = directory.path().join("graph.waves");
    graph.write(&snapshot).expect("a snapshot is written");
    let roots = select(&graph, &["glibc".to_owned()], Scope::Package, None).expect("there is a glibc");

    let mut group = c.benchmark_group("open");
    group.bench_function("read the file", |b| b.iter(|| fs::read(&snapshot).expect("readable")));
    group.bench_function("open", |b| b.iter(|| Graph::open(&snapshot).expect("sound")));
    group.finish();

    let mut group = c.benchmark_group("impact of glibc");
    group.sample_size(20);
    group.bench_function("naive walk", |b| b.iter(|| naive(&graph, &roots[0].derivations).len()));
    group.bench_function("closure", |b| b.iter(|| graph.closure(roots[0].derivations.iter().copied(), Direction::Dependents).len()));
    group.bench_function("impact", |b| b.iter(|| black_box(impact(&graph, &roots).rebuild_counts())));
    group.finish();

    let mut group = c.benchmark_group("closures of all");
    group.sample_size(10);
    let step = graph.derivation_count().div_ceil(SAMPLE);
    let sample: Vec<DerivationIx> = graph.derivations().step_by(step).map(Derivation::ix).collect();
    group.bench_function(format!("naive walk, {} of {}", sample.len(), graph.derivation_count()), |b| {
        b.iter(|| sample.iter().map(|&ix| naive(&graph, &[ix]).len()).sum::<usize>());
    });
    group.bench_function("swept in blocks, all", |b| b.iter(|| graph.recount_closures()));
    group.bench_function("rank, as stored", |b| b.iter(|| rank(&graph, RankOptions::default()).expect("there are edges").len()));
    group.finish();

    let mut group = c.benchmark_group("plan of glibc");
    group.sample_size(10);
    group.bench_function("impact only", |b| b.iter(|| black_box(impact(&graph, &roots).rebuild_counts())));
    group.bench_function("plan", |b| b.iter(|| plan(&graph, roots.clone(), &PlanOptions::default()).expect("there are edges").waves.len()));
    group.finish();
}

fn impact<'g>(graph: &'g Graph, roots: &[Root]) -> Impact<'g> {
    Impact::new(graph, roots, Direction::Dependents, None, None).expect("there are edges")
}

/// Depth first with a hash set, as one would write it.
fn naive(graph: &Graph, roots: &[DerivationIx]) -> HashSet<DerivationIx> {
    let mut seen: HashSet<DerivationIx> = roots.iter().copied().collect();
    let mut stack = roots.to_vec();
    while let Some(ix) = stack.pop() {
        stack.extend(graph.derivation(ix).users().filter(|&user| seen.insert(user)));
    }
    seen
}

criterion_group!(benches, import, questions);
criterion_main!(benches);
