//! Instructions of the hot kernels, counted by valgrind: a gate that noise cannot fool.
//!
//! ```text
//! export CARGO_INCREMENTAL=0
//! cargo bench --workspace --bench instructions --profile test              # compares with benches/instructions.json
//! cargo bench --workspace --bench instructions --profile test -- --record  # moves it
//! ```
//!
//! Each kernel runs once, on one thread and on a generated set of 10,000 derivations, in a process of its own; only what happens
//! within it is counted. A kernel that takes more than 2 % more instructions than recorded fails. Of one that takes 2 % less it is said,
//! so that the record is moved and does not hide the next change for the worse. Counts depend on the compiler and the profile, which
//! are recorded too. Where nothing can be counted or compared, that is said; in CI (`$CI`) it fails.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};
use waves_core::analysis::{Impact, Root, Scope, select};
use waves_core::graph::{ClosureSums, Derivation, DerivationIx, Direction, Graph, Reachability};
use waves_core::ingest::{Input, ingest};
use waves_core::plan::{PlanOptions, plan};
use waves_synthetic::Synthetic;

const DERIVATIONS: usize = 10_000;
/// Incremental builds inline less, and count more: only others are compared and recorded.
const IS_INCREMENTAL: bool = !matches!(option_env!("CARGO_INCREMENTAL"), Some(value) if matches!(value.as_bytes(), b"0"));
/// Percent by which a count may be off: kernels hash, and hashes are seeded by addresses here and there.
const TOLERANCE: f64 = 2.0;

/// What was counted, and with what.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    compiler: String,
    is_optimised: bool,
    instructions: BTreeMap<String, u64>,
}

/// What kernels need: made before anything is counted.
struct Case {
    directory: PathBuf,
    graph: Graph,
    roots: Vec<Root>,
    drawn: Vec<DerivationIx>,
}

impl Case {
    fn open(directory: &Path) -> Self {
        let graph = Graph::open(&directory.join("graph.waves")).expect("a snapshot");
        let hub = graph.packages().max_by_key(|package| package.rebuilt_derivations()).expect("there are packages");
        let roots = select(&graph, &[hub.face().path()], Scope::Package, None).expect("it is there");
        let all: Vec<DerivationIx> = graph.derivations().map(Derivation::ix).collect();
        let drawn = (0..1_001).map(|at| all[at * 2_654_435_761 % all.len()]).collect();
        Self { directory: directory.to_owned(), graph, roots, drawn }
    }

    fn dumps(&self) -> [Input; 2] {
        ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(self.directory.join(dump)))
    }
}

/// A kernel; what it returns is only there so that nothing is optimised away.
type Kernel = fn(&Case) -> usize;

const KERNELS: [(&str, Kernel); 8] = [
    ("read dumps into records", |case| ingest(&case.dumps(), &()).expect("sound").sources.len()),
    ("open a snapshot", |case| Graph::open(&case.directory.join("graph.waves")).expect("sound").derivation_count()),
    ("one closure", |case| case.graph.closure(case.roots[0].derivations.iter().copied(), Direction::Dependents).len()),
    ("an impact with its counts", |case| impact(case).rebuild_counts().outputs),
    ("sums of all closures", |case| {
        let weights = case.graph.derivations().map(|derivation| [1, derivation.ix().get() as u64 * 2_654_435_761 % 10_800]).collect();
        ClosureSums::<2>::new(&case.graph, weights).all().len()
    }),
    ("index of pairs", |case| Reachability::new(&case.graph).label_count()),
    ("gains past a union", |case| {
        let mut union = case.graph.empty_set();
        for &root in &case.drawn {
            union.extend(&case.graph.rebuilds_past([root], &union));
        }
        union.len()
    }),
    ("a plan", |case| plan(&case.graph, case.roots.clone(), &PlanOptions::default()).expect("there are edges").waves.len()),
];

fn impact(case: &Case) -> Impact<'_> {
    Impact::new(&case.graph, &case.roots, Direction::Dependents, None, None).expect("there are edges")
}

/// Valgrind counts from here on, and until it returns.
#[inline(never)]
fn counted_by_valgrind(kernel: Kernel, case: &Case) -> usize {
    black_box(kernel(black_box(case)))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--kernel", kernel, directory] => {
            // Counted is the thread that calls.
            rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().expect("one thread");
            let (_, run) = KERNELS.into_iter().find(|(name, _)| *name == kernel).expect("a kernel");
            println!("{}", counted_by_valgrind(run, &Case::open(Path::new(directory))));
            ExitCode::SUCCESS
        }
        // Cargo adds `--bench`.
        ref options => gate(options.contains(&"--record")),
    }
}

fn gate(is_to_be_recorded: bool) -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: there is no valgrind");
        return ExitCode::from(u8::from(is_ci()));
    }
    if IS_INCREMENTAL {
        println!("built incrementally, in which kernels take other instructions: export CARGO_INCREMENTAL=0 first");
        return ExitCode::FAILURE;
    }
    let counted = count();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/instructions.json");
    if is_to_be_recorded {
        let text = serde_json::to_string_pretty(&counted).expect("it is plain data");
        fs::write(&path, text + "\n").expect("the record is writable");
    }
    let recorded: Record = serde_json::from_slice(&fs::read(&path).expect("there is a record")).expect("it is a record");
    let is_comparable = (&recorded.compiler, recorded.is_optimised) == (&counted.compiler, counted.is_optimised);
    let mut is_fine = true;
    for (kernel, &count) in &counted.instructions {
        let before = recorded.instructions.get(kernel).copied();
        let percent = before.map(|before| (count as f64 / before as f64 - 1.0) * 100.0);
        let change = percent.map_or("not recorded".to_owned(), |percent| format!("{percent:+.1} %"));
        let remark = match percent {
            _ if !is_comparable => "",
            Some(percent) if percent < -TOLERANCE => "  <- move the record",
            Some(percent) if percent <= TOLERANCE => "",
            _ => {
                is_fine = false;
                "  <- mend it, or move the record"
            }
        };
        println!("{kernel:28}{count:>15}  {change}{remark}");
    }
    if !is_comparable {
        println!("not compared: recorded with {}, optimised: {} (hint: --record moves it)", recorded.compiler, recorded.is_optimised);
        is_fine = !is_ci();
    }
    ExitCode::from(u8::from(!is_fine))
}

/// Whether only the exit code is looked at: a gate that compared nothing must not pass there.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Counts all kernels.
fn count() -> Record {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let create = |name: &str| BufWriter::new(File::create(directory.path().join(name)).expect("a file"));
    let set = Synthetic::new(DERIVATIONS, 1);
    set.write_derivations(create("derivations.json")).expect("writes");
    set.write_eval_jobs(create("eval-jobs.jsonl")).expect("writes");
    let dumps = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(directory.path().join(dump)));
    Graph::import(&dumps, &()).expect("dumps are sound").write(&directory.path().join("graph.waves")).expect("writes");
    let compiler =
        Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").output().expect("there is a compiler");
    Record {
        compiler: String::from_utf8_lossy(&compiler.stdout).trim().to_owned(),
        is_optimised: !cfg!(debug_assertions),
        instructions: KERNELS.iter().map(|(kernel, _)| ((*kernel).to_owned(), instructions(kernel, directory.path()))).collect(),
    }
}

/// Instructions of a kernel, in a process of its own.
fn instructions(kernel: &str, directory: &Path) -> u64 {
    let profile = directory.join("callgrind.out");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*counted_by_valgrind*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(std::env::current_exe().expect("a name"))
        .args(["--kernel", kernel])
        .arg(directory)
        .output()
        .expect("valgrind starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let profile = fs::read_to_string(profile).expect("a profile");
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    let count: u64 = total.and_then(|count| count.trim().parse().ok()).expect("a profile ends with its total");
    assert!(count > 0, "{kernel}: valgrind saw no call of it");
    count
}
