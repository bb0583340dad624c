//! A history of evaluations that change by 1 % each: what an evaluation takes, how long adding, opening and asking take, each beside what
//! it must cost at least, or what the obvious way costs. Figures are ratios of one run.
//!
//! The evaluations are made from a real one where it is present (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else from
//! `data/`: in each, packages taken at random change until 1 % of the derivations have other paths, and some leaves come and go. All that
//! is random follows from one seed. `WAVES_HISTORY_EVALUATIONS` is their number, and `WAVES_HISTORY_FILE` where the history is kept.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use waves_core::analysis::{Scope, select};
use waves_core::graph::{Derivation, DerivationIx, Direction, Graph};
use waves_core::history::{AttributeRecord, DerivationRecord, Evaluated, History, OutputRecord, Writer};
use waves_core::ingest::Input;
use waves_core::store_path::StoreHash;

/// Evaluations, unless it is said otherwise.
const EVALUATIONS: usize = 20;
/// Of so many derivations one changes in each evaluation.
const CHANGE: usize = 100;
/// Of so many leaves one goes in each evaluation; of so many that are gone, one comes back.
const TURNOVER: [u64; 2] = [2000, 100];
/// Evaluations of which the answers are checked.
const CHECKED: usize = 5;

fn base() -> Graph {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let real = ["derivations.json.zst", "eval-jobs.jsonl.zst"].map(|dump| nixpkgs.join(dump));
    let own = ["derivations.json", "eval-jobs.jsonl"].map(|dump| repository.join("data/dumps").join(dump));
    let dumps = if real.iter().all(|dump| dump.is_file()) { real } else { own };
    Graph::import(&dumps.map(Input::Path), &()).expect("dumps are sound")
}

/// Numbers that look random (Steele, Lea and Flood 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Another version of a derivation.
struct Version {
    name: String,
    number: String,
    path_names: Vec<String>,
}

/// The base with some derivations changed, and some leaves left out.
struct Mutated<'g> {
    base: &'g Graph,
    derivations: Vec<Derivation<'g>>,
    /// What needs each derivation, whether it is rebuilt or not: its `.drv` path changes.
    needed_by: Vec<Vec<u32>>,
    /// The last evaluation that changed its path, and the paths of its outputs.
    generations: Vec<[u64; 2]>,
    versions: HashMap<usize, Version>,
    is_there: Vec<bool>,
    random: SplitMix,
    number: u64,
}

impl<'g> Mutated<'g> {
    fn new(base: &'g Graph) -> Self {
        let mut needed_by = vec![Vec::new(); base.derivation_count()];
        for derivation in base.derivations() {
            derivation.inputs().for_each(|(input, _)| needed_by[input.get()].push(derivation.ix().get() as u32));
        }
        let (generations, is_there) = (vec![[0; 2]; needed_by.len()], vec![true; needed_by.len()]);
        let derivations = base.derivations().collect();
        Self { base, derivations, needed_by, generations, versions: HashMap::new(), is_there, random: SplitMix(24_11), number: 0 }
    }

    /// The next evaluation.
    fn step(&mut self) {
        self.number += 1;
        let target = self.generations.len().div_ceil(CHANGE);
        let mut changed = HashSet::new();
        // A package that changes more by itself is for a staging branch, and not taken.
        for _ in 0..10 * target {
            if changed.len() >= target {
                break;
            }
            let at = self.random.below(self.generations.len());
            self.change(at, target, &mut changed);
        }
        for at in 0..self.is_there.len() {
            let is_leaf = self.needed_by[at].is_empty() && self.derivations[at].attributes().len() > 0;
            if is_leaf && self.random.next().is_multiple_of(TURNOVER[usize::from(!self.is_there[at])]) {
                self.is_there[at] = !self.is_there[at];
            }
        }
    }

    /// Gives a package another version and source: all that needs it has other paths then, and what it rebuilds other outputs.
    fn change(&mut self, at: usize, most: usize, changed: &mut HashSet<usize>) {
        let derivation = self.derivations[at];
        if derivation.is_fixed_output() {
            return;
        }
        let members: Vec<Derivation<'_>> = derivation.package().derivations().collect();
        let mut roots: Vec<usize> = members.iter().filter_map(|member| member.src()).map(|src| src.ix().get()).collect();
        roots.extend(members.iter().map(|member| member.ix().get()));
        let Some(reached) = self.needing(&roots, most) else { return };
        for member in members {
            self.versions.insert(member.ix().get(), Version::new(member, self.number));
        }
        let rebuilt = self.base.closure(roots.iter().map(|&root| self.derivations[root].ix()), Direction::Dependents);
        for &at in &reached {
            self.generations[at][0] = self.number;
        }
        for ix in rebuilt.iter() {
            self.generations[ix.get()][1] = self.number;
        }
        changed.extend(reached);
    }

    /// All that needs `roots`, themselves included; `None` beyond so many.
    fn needing(&self, roots: &[usize], most: usize) -> Option<HashSet<usize>> {
        let mut reached: HashSet<usize> = roots.iter().copied().collect();
        let mut stack = roots.to_vec();
        while let Some(at) = stack.pop() {
            stack.extend(self.needed_by[at].iter().map(|&user| user as usize).filter(|&user| reached.insert(user)));
            if reached.len() > most {
                return None;
            }
        }
        Some(reached)
    }

    /// What `roots` rebuild, depth first with a hash set.
    fn rebuilt(&self, roots: &[DerivationIx]) -> usize {
        let mut seen: HashSet<DerivationIx> = roots.iter().copied().filter(|root| self.is_there[root.get()]).collect();
        let mut stack: Vec<DerivationIx> = seen.iter().copied().collect();
        while let Some(ix) = stack.pop() {
            let users = self.base.derivation(ix).users();
            stack.extend(users.filter(|&user| self.is_there[user.get()] && seen.insert(user)));
        }
        seen.len()
    }

    fn hash(hash: StoreHash, generation: u64) -> StoreHash {
        if generation == 0 {
            return hash;
        }
        let mut bytes: [u8; 20] = bytemuck::cast(hash);
        let seed = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        let mut random = SplitMix(seed ^ generation.wrapping_mul(0xd6e8_feb8_6659_fd93));
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]));
        bytemuck::cast(bytes)
    }

    fn record<'a>(&'a self, derivation: Derivation<'a>, positions: &[usize]) -> DerivationRecord<'a> {
        let at = derivation.ix().get();
        let version = self.versions.get(&at);
        let [path, outputs] = self.generations[at];
        let output = |(at, output): (usize, OutputRecord<'a>)| {
            let name = |name: &'a str| version.map_or(name, |version| version.path_names[at].as_str());
            OutputRecord { path: output.path.map(|(hash, old)| (Self::hash(hash, outputs), name(old))), ..output }
        };
        let record = DerivationRecord::from(derivation);
        DerivationRecord {
            hash: Self::hash(record.hash, path),
            name: version.map_or(record.name, |version| &version.name),
            version: version.map_or(record.version, |version| &version.number),
            inputs: record.inputs.iter().map(|&input| positions[input]).collect(),
            outputs: record.outputs.into_iter().enumerate().map(output).collect(),
            ..record
        }
    }

    fn positions(&self) -> Vec<usize> {
        let before = self.is_there.iter().scan(0, |count, &is_there| {
            let position = *count;
            *count += usize::from(is_there);
            Some(position)
        });
        before.collect()
    }
}

impl Version {
    fn new(derivation: Derivation<'_>, number: u64) -> Self {
        let version = format!("{}.{number}", derivation.version());
        let name = format!("{}-{version}", derivation.pname());
        let suffix = |output: &str| if output == "out" { String::new() } else { format!("-{output}") };
        let path_names = derivation.outputs().map(|output| format!("{name}{}", suffix(output.name()))).collect();
        Self { name, number: version, path_names }
    }
}

impl Evaluated for Mutated<'_> {
    fn derivations(&self) -> impl Iterator<Item = DerivationRecord<'_>> {
        let positions = self.positions();
        let there = self.derivations.iter().filter(|derivation| self.is_there[derivation.ix().get()]);
        there.map(move |&derivation| self.record(derivation, &positions))
    }

    fn attributes(&self) -> impl Iterator<Item = AttributeRecord<'_>> {
        let positions = self.positions();
        let all = Evaluated::attributes(self.base);
        let there = all.filter(|attribute| attribute.derivation.is_none_or(|at| self.is_there[at]));
        there.map(move |attribute| AttributeRecord { derivation: attribute.derivation.map(|at| positions[at]), ..attribute })
    }
}

/// Adds so many evaluations to a history, and says what that took.
fn fill(base: &Graph, path: &Path, count: usize) {
    let roots = select(base, &["glibc".to_owned()], Scope::Package, None).expect("there is a glibc");
    let mut mutated = Mutated::new(base);
    let mut writer = Writer::open(path, Duration::ZERO).expect("nobody else writes");
    let (mut times, mut expected) = (Vec::new(), Vec::new());
    for number in 0..count {
        if number > 0 {
            mutated.step();
        }
        if number % count.div_ceil(CHECKED) == 0 {
            expected.push((number, mutated.rebuilt(&roots[0].derivations)));
        }
        let start = Instant::now();
        writer.append(&format!("evaluation-{number}"), number as u64 * 86_400, &mutated).expect("written");
        times.push(start.elapsed());
    }
    let found = writer.history().rebuilds(&["glibc".to_owned()], Scope::Package).expect("there is a glibc");
    for (number, rebuilt) in expected {
        assert_eq!(found[number].counts.map(|counts| counts.derivations), Some(rebuilt), "evaluation {number}");
    }
    describe(base, writer.history(), times);
}

fn describe(base: &Graph, history: &History, mut times: Vec<Duration>) {
    let first = times.remove(0);
    times.sort_unstable();
    let deltas = &history.evaluations()[1..];
    let mean = |of: &dyn Fn(&waves_core::history::Evaluation) -> u64| deltas.iter().map(of).sum::<u64>() / deltas.len().max(1) as u64;
    println!("{} evaluations of {} derivations", history.evaluations().len(), base.derivation_count());
    println!("  distinct derivations, edges: {}, {}", history.derivation_count(), history.edge_count());
    println!("  new derivations in each: {}", mean(&|evaluation| evaluation.new_derivations as u64));
    println!(
        "  bytes of a snapshot, of the first evaluation, of each later one, of all: {}, {}, {}, {}",
        base.snapshot_bytes(),
        history.evaluations()[0].bytes,
        mean(&|evaluation| evaluation.bytes),
        history.bytes()
    );
    println!("  time to add the first, each later one (median): {first:?}, {:?}", times.get(times.len() / 2));
}

fn histories(c: &mut Criterion) {
    let count = std::env::var("WAVES_HISTORY_EVALUATIONS").map_or(EVALUATIONS, |count| count.parse().expect("a number"));
    let base = base();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = std::env::var_os("WAVES_HISTORY_FILE").map_or_else(|| directory.path().join("history"), PathBuf::from);
    if !path.exists() {
        fill(&base, &path, count);
    }
    let snapshot = directory.path().join("graph.waves");
    base.write(&snapshot).expect("written");
    let glibc = ["glibc".to_owned()];
    let roots = select(&base, &glibc, Scope::Package, None).expect("there is a glibc");
    let history = History::open(&path).expect("it is one");
    let count = history.evaluations().len();

    let mut group = c.benchmark_group(format!("{count} evaluations"));
    group.sample_size(10);
    group.bench_function("open", |b| b.iter(|| History::open(&path).expect("it is one").evaluations().len()));
    group.bench_function("open one snapshot", |b| b.iter(|| Graph::open(&snapshot).expect("sound")));
    group.bench_function("rebuild count of glibc over time", |b| b.iter(|| history.rebuilds(&glibc, Scope::Package).expect("it is there")));
    group.bench_function("one closure of glibc, in one graph", |b| {
        b.iter(|| {
            let rebuilt = base.closure(roots[0].derivations.iter().copied(), Direction::Dependents);
            let attributes: usize = rebuilt.iter().map(|ix| base.derivation(ix).attributes().len()).sum();
            (attributes, base.output_count_of(&rebuilt))
        });
    });
    group.finish();
}

criterion_group!(benches, histories);
criterion_main!(benches);
