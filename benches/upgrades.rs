//! A major wave of 200 updates, each part beside what it must cost at least: the closures of the updates, one by one. Figures are
//! ratios of one run.
//!
//! On the real evaluation where it is present (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else on `data/`.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use waves_core::analysis::Scope;
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::graph::{Direction, Graph};
use waves_core::ingest::Input;
use waves_core::major::{MajorWave, Options, PlanFile, Updates, plan, targets, verify};
use waves_core::report::{Format, MajorDetail, MajorReport, write};
use waves_core::schedule::{Fleet, simulate};

/// An evaluation, a list of updates, and build times.
struct Case {
    graph: Graph,
    updates: Updates,
    durations: Durations,
}

fn case() -> Case {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let real = ["derivations.json.zst", "eval-jobs.jsonl.zst", "updates-200.csv", "durations-synthetic.csv"];
    let own = ["derivations.json", "eval-jobs.jsonl", "updates.csv", "durations.csv"];
    let (directory, files) = if nixpkgs.is_dir() { (nixpkgs, real) } else { (repository.join("data/dumps"), own) };
    let [derivations, names, updates, durations] = files.map(|file| directory.join(file));
    Case {
        graph: Graph::import(&[Input::Path(derivations), Input::Path(names)], &()).expect("dumps are sound"),
        updates: Updates::read(&updates).expect("a list"),
        durations: Durations::read(&[durations]).expect("build times"),
    }
}

/// The plan as its readers get it.
fn file(planned: &MajorWave<'_>) -> PlanFile {
    let mut bytes = Vec::new();
    write(&MajorReport::new(1, planned, MajorDetail { frontier: false, limit: 20 }), Format::Json, None, &mut bytes).expect("writes");
    PlanFile::parse(&bytes, "plan").expect("a plan")
}

fn upgrade(c: &mut Criterion) {
    let Case { graph, updates, durations } = case();
    let costs = Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() }).expect("build times of it");
    let found = targets(&graph, &updates.updates, Scope::Package, None).expect("packages");
    let planned = plan(&graph, &updates, Some(&costs), &Options::default()).expect("a plan");
    let file = file(&planned);
    let model = costs.model().expect("build times");
    let mut group = c.benchmark_group("major wave");
    group.sample_size(10);
    group.bench_function("closures of the updates, one by one", |b| {
        let closure = |target: &waves_core::major::Target| graph.closure(target.derivations.iter().copied(), Direction::Dependents).len();
        b.iter(|| black_box(found.iter().map(closure).sum::<usize>()));
    });
    group.bench_function("plan", |b| b.iter(|| plan(&graph, &updates, Some(&costs), &Options::default()).expect("a plan").waves.len()));
    group.bench_function("verify", |b| b.iter(|| verify(&graph, &file, Some(&costs)).expect("it resolves").flaws.len()));
    group.bench_function("schedule of the first wave on 100 builders", |b| {
        b.iter(|| simulate(&graph, &planned.waves[0].rebuilds, |ix| model.seconds(ix), &Fleet::identical(100)).makespan);
    });
    group.finish();
}

criterion_group!(benches, upgrade);
criterion_main!(benches);
