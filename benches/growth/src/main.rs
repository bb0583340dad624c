//! How cost grows: every stage on synthetic package sets of several sizes, each in a process of its own, as a table.
//!
//! ```sh
//! cargo run --release -p waves-growth -- 10k 100k 1M 10M
//! ```

mod stage;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::{env, fs, io};

use clap::Parser;
use serde::{Deserialize, Serialize};
use stage::Stage;

/// Bytes of a gibibyte.
const GIB: u64 = 1 << 30;

/// Time and memory of each stage on synthetic package sets of several sizes
#[derive(Parser)]
struct Args {
    /// Derivations of each set, such as 10000, 100k or 1M
    #[arg(value_parser = size, default_values = ["10k", "100k"])]
    sizes: Vec<usize>,

    /// Same seed, same sets
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// What each process may allocate, in GiB; files that are mapped do not count
    #[arg(long, value_name = "GIB")]
    memory: Option<u64>,

    /// Where the sets are put, and left; else in a directory that is removed
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Seconds of all cores, not of the clock: for a machine that is busy with other things
    #[arg(long)]
    cpu: bool,

    /// Only these stages, and what is there already is used; all by default
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Stage>,

    /// The process of one stage
    #[arg(long, value_enum, hide = true)]
    stage: Option<Stage>,
}

/// What a stage cost.
#[derive(Serialize, Deserialize)]
struct Measured {
    /// The stage, or a part of it.
    parts: Vec<(String, f64)>,
    /// Peak of resident memory in bytes, files that are mapped included.
    peak: u64,
    /// Sizes that the stage came across, by name.
    sizes: Vec<(String, u64)>,
}

fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let size = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    let allowed = waves_synthetic::LEAST..=waves_synthetic::MOST;
    size.filter(|size| allowed.contains(size)).ok_or_else(|| format!("no number between {} and {}", allowed.start(), allowed.end()))
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.stage.map_or_else(|| all(&args), |stage| child(&args, stage)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One stage in this process; what it cost, on standard output.
fn child(args: &Args, stage: Stage) -> Result<(), stage::Failure> {
    let directory = args.directory.as_deref().unwrap_or(Path::new("."));
    if let Some(memory) = args.memory.map(|memory| memory * GIB) {
        let limit = rustix::process::Rlimit { current: Some(memory), maximum: Some(memory) };
        rustix::process::setrlimit(rustix::process::Resource::Data, limit).map_err(io::Error::from)?;
    }
    let measured = stage.run(directory, args.sizes[0], args.seed, args.cpu)?;
    serde_json::to_writer(io::stdout(), &measured)?;
    Ok(())
}

/// All stages of all sizes.
fn all(args: &Args) -> Result<(), stage::Failure> {
    let temporary = tempfile::tempdir()?;
    let root = args.directory.as_deref().unwrap_or(temporary.path());
    let mut table = table::Table::default();
    for &size in &args.sizes {
        let directory = root.join(size.to_string());
        fs::create_dir_all(&directory)?;
        for stage in Stage::all(&args.only) {
            let output = process(args, stage, &directory, size)?;
            match measured(&output) {
                Ok(measured) => table.measured(size, stage, measured),
                Err(reason) => {
                    eprintln!("{size}: {}: {reason}", stage.name());
                    table.failed(size, stage, reason);
                }
            }
        }
        if args.directory.is_none() {
            fs::remove_dir_all(&directory)?;
        }
    }
    print!("{}", table.markdown());
    Ok(())
}

/// Runs a stage, so that its peak of memory is its own.
fn process(args: &Args, stage: Stage, directory: &Path, size: usize) -> io::Result<Output> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(format!("--stage={}", stage.name())).arg(format!("--seed={}", args.seed)).arg("--directory").arg(directory);
    // Of a panic or an abort, what is said last is then why.
    command.env("RUST_BACKTRACE", "0").args(args.cpu.then_some("--cpu")).args(args.memory.map(|memory| format!("--memory={memory}")));
    eprintln!("{size}: {}", stage.name());
    command.arg(size.to_string()).output()
}

/// What a process cost, or its last words.
fn measured(output: &Output) -> Result<Measured, String> {
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map_err(|error| error.to_string());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word");
    Err(format!("{last} ({})", output.status))
}
