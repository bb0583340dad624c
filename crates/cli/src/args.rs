//! What can be typed. Nothing here is resolved: that is each command's work.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use waves_core::graph::Precision;

/// More threads than any machine has cores; each takes memory, and time to begin.
const MAX_THREADS: i64 = 1024;

/// The longest time that can be asked for.
const MAX_TIME: Duration = Duration::from_hours(24);

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a limit or the policy is exceeded, a plan is wrong (--verify), or a decision is refused (tag)
  2  the command line is wrong: unknown option, package, pattern or wave
  3  a dump, snapshot, ledger or result is missing, broken, or says too little
  4  Nix is not there, or failed
  5  a file cannot be written";

/// What a change of a Nix package set rebuilds, why, and in which order
#[derive(Debug, Parser)]
#[command(name = "waves", version, after_long_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Snapshot, or dumps to read instead [default: .waves/graph.waves, here or above; or `$WAVES_GRAPH`, several with `:`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) graph: Vec<PathBuf>,

    /// Say nothing but the result, and what --format asks for
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// Threads [default: one for each core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read dumps and write a snapshot
    Import(ImportArgs),
    /// Evaluate with Nix and write a snapshot
    Eval(EvalArgs),
    /// Show what a snapshot is made of, and what was skipped
    Info(InfoArgs),
    /// What a change rebuilds
    Impact(ImpactArgs),
    /// What differs between two evaluations, and which changes cause it
    Diff(DiffArgs),
    /// Whether a change is within the policy of waves.toml
    Check(CheckArgs),
    /// Packages by what they rebuild, sources aside
    Rank(RankArgs),
    /// Why a change of one package rebuilds another
    Why(WhyArgs),
    /// In which order a change is rebuilt: levels and waves
    Plan(PlanArgs),
    /// Who must be told of a change: a digest for each maintainer
    Notify(NotifyArgs),
    /// Check a plan of updates: locks, and the numbers of its waves, updates, sums and bound
    Verify(VerifyArgs),
    /// Which waves of a plan rebuild a package, because of which updates, by which way, and when
    Explain(ExplainArgs),
    /// Packages that look as if they were one release: groups to paste into waves.toml
    Groups(GroupsArgs),
    /// Hand the waves of a plan to what builds them
    Export(ExportArgs),
    /// Which dependents to build as tests of a package, within a budget
    Tests(TestsArgs),
    /// How often each package may be taken, under a budget of builds a day
    Cadence(CadenceArgs),
    /// What can be done about a vulnerability: graft, rebuild, second waves or overrides, side by side
    Security(SecurityArgs),
    /// Many evaluations in one file, and what a change rebuilds in each
    History(HistoryArgs),
    /// Tables of an evaluation or a history, for DuckDB, DataFusion or Spark
    Tables(TablesArgs),
    /// A page of HTML of a report, for a browser or as an artifact of CI
    Report(ReportArgs),
    /// Begin a major wave with a plan: the ledger follows it to its last tag
    Start(StartArgs),
    /// Record results of builds in the ledger
    Record(RecordArgs),
    /// Where a wave stands: what is built, what failed first, and what that blocks
    Status(StatusArgs),
    /// What may be built now
    Next(NextArgs),
    /// Let a failure be, with a reason and an end
    Waive(WaiveArgs),
    /// Try again what failed
    Retry(RetryArgs),
    /// Close a wave with a git tag
    Tag(TagArgs),
    /// The text that asks a package's own repository to support a wave
    Request(RequestArgs),
    /// Walk through an evaluation, or what two differ in, on a full screen
    Explore(ExploreArgs),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Manual page of waves or of one command
    Man {
        /// The command; `plan diff` is one too
        command: Vec<String>,

        /// Write a page for waves and each command to a directory
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        all: Option<PathBuf>,
    },
    /// JSON Schemas of what `--format json` writes: all names, or one schema
    Schema {
        /// The schema's name
        #[arg(value_name = "NAME")]
        name: Option<String>,

        /// How to write the list of names
        #[arg(long, short, default_value = "text", value_name = "FORMAT", value_parser = without_pictures(), conflicts_with = "name")]
        format: FormatArg,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Keys: / searches, Enter opens, Esc goes back, d and D list what needs a package and what it needs, p shows the waves of a \
change of it, w why something rebuilds it, x what two evaluations differ in; ? lists all keys, q quits. docs/explore.md has more.")]
pub(crate) struct ExploreArgs {
    /// The evaluation: a snapshot or a dump; several dumps with commas [default: that of --graph]
    #[arg(value_name = "GRAPH", conflicts_with = "graph")]
    pub(crate) evaluation: Option<PathBuf>,

    /// The evaluation after a change, to see what the two differ in
    #[arg(value_name = "OTHER")]
    pub(crate) other: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Formats, told by content; plain, gzip, zstd or xz:
  nix derivation show -r, nix show-derivation -r   (Nix 2.4 to 2.35; edges)
  .drv files: a directory such as /nix/store, a tar, or a list of their paths   (edges)
  nix-eval-jobs   (names and meta; edges with --show-input-drvs)
  nix-env -qaP --json or --out-path, outpaths.json, paths.json, meta.json   (names)
Several dumps become one graph. For all of nixpkgs:
  nix-env -f . -qaP --drv-path --no-name | awk '{print $2}' | sort -u > paths
  waves import paths eval-jobs.jsonl")]
pub(crate) struct ImportArgs {
    /// Dumps, directories, or `-` for standard input
    #[arg(required = true, value_name = "DUMP")]
    pub(crate) dumps: Vec<PathBuf>,

    /// Read no more than this of each dump, unpacked: bytes, or 500M, 20G [default: a thousand times its size, beyond 1 GiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_input: Option<u64>,

    #[command(flatten)]
    pub(crate) snapshot: SnapshotArgs,
}

/// What is done with a new graph.
#[derive(Debug, clap::Args)]
pub(crate) struct SnapshotArgs {
    /// Where to write the snapshot
    #[arg(long, short, value_name = "FILE", default_value = crate::load::DEFAULT_GRAPH, value_parser = new_file())]
    pub(crate) output: PathBuf,

    #[command(flatten)]
    pub(crate) info: InfoArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    /// A Nix file, a directory with a default.nix, or a flake reference
    #[arg(value_name = "PATH_OR_FLAKE")]
    pub(crate) target: String,

    /// Evaluate only this attribute and what is below it; may be repeated
    #[arg(long, value_name = "ATTR")]
    pub(crate) attr: Vec<String>,

    /// Evaluate for this system [default: the set's own, else this machine's]
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,

    /// Nix processes at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    pub(crate) workers: u16,

    /// Memory for each of them, in MiB; one that needs more is stopped, and its attributes are tried one by one
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    pub(crate) max_memory: u64,

    /// Stop Nix, with all that it started, if it has not evaluated everything by then [default: as long as it takes]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,

    #[command(flatten)]
    pub(crate) snapshot: SnapshotArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InfoArgs {
    /// List all evaluation errors, and all that was skipped, dangling, repeated or contradictory, or --limit of each
    #[arg(long, short)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    #[command(flatten)]
    pub(crate) asked: Option<AskedFormat>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RootArgs {
    /// What changes: attribute path, pname, store path, or glob; several with commas or repeated
    #[arg(long = "root", short = 'r', required = true, value_name = "PACKAGE", value_delimiter = ',')]
    pub(crate) roots: Vec<String>,

    /// Only the derivation that the root names, not all of its package
    #[arg(long)]
    pub(crate) exact: bool,
}

/// What changed in a git repository.
#[derive(Debug, clap::Args)]
pub(crate) struct GitArgs {
    /// What the commits of a range change: A..B, or A for A..HEAD, from their merge base on
    #[arg(long, value_name = "RANGE")]
    pub(crate) git: Option<String>,

    /// What the working tree changes, staged or not, from HEAD on, or from its merge base with BASE
    #[arg(long, value_name = "BASE", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "the option may be given without a value")]
    pub(crate) git_worktree: Option<Option<String>>,

    /// Repository of the sources [default: the one that the current directory is in]
    #[arg(long, value_name = "DIR", conflicts_with = "roots")]
    pub(crate) repo: Option<PathBuf>,
}

/// Which change a command is about: `crate::change` finds it.
///
/// What goes with one way to say it conflicts with the others: clap asks for no argument that would conflict with one that is there.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("repo", |repo| repo.conflicts_with_all(["evaluations", "plan"])),
    group = clap::ArgGroup::new("change").args(["evaluations", "roots", "git", "git_worktree", "plan"]).required(true)
)]
pub(crate) struct ChangeArgs {
    /// Two evaluations, before and after the change: snapshots or dumps; several dumps of one with commas
    #[arg(value_names = ["BEFORE", "AFTER"], num_args = 2)]
    pub(crate) evaluations: Vec<PathBuf>,

    /// What changes, foretold from one evaluation: attribute path, pname, store path, or glob
    #[arg(long = "root", short = 'r', value_name = "PACKAGE", value_delimiter = ',')]
    pub(crate) roots: Vec<String>,

    /// Only the derivation that the root names, not all of its package
    #[arg(long, conflicts_with_all = ["evaluations", "git", "git_worktree", "plan"])]
    pub(crate) exact: bool,

    /// A plan of updates, of which --wave NAME is foretold
    #[arg(long, value_name = "PLAN", requires = "wave")]
    pub(crate) plan: Option<PathBuf>,

    /// The wave of the plan, such as wave-1.3
    #[arg(long, value_name = "NAME", conflicts_with_all = ["evaluations", "roots", "git", "git_worktree"], hide_short_help = true)]
    pub(crate) wave: Option<String>,

    /// Compare only the package sets that both evaluations cover
    #[arg(long, conflicts_with_all = ["roots", "git", "git_worktree", "plan"])]
    pub(crate) within: bool,

    #[command(flatten)]
    pub(crate) git: GitArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only this system
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,

    /// Only this many edges from a root
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
}

/// Files that say what is known of costs.
#[derive(Debug, clap::Args)]
pub(crate) struct CostArgs {
    /// Build times: CSV, JSON, Hydra's builds, or nix-output-monitor's
    ///
    /// CSV and JSON are keyed by attribute, name or .drv path.
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    /// Store paths that are built already, one a line, such as a channel's store-paths.xz
    #[arg(long, value_name = "FILE")]
    pub(crate) cached: Vec<PathBuf>,

    /// Sizes: `nix path-info --json`, .narinfo files, or a directory of these
    #[arg(long, value_name = "FILE")]
    pub(crate) sizes: Vec<PathBuf>,
}

/// Binary caches that are asked for what is rebuilt.
#[derive(Debug, clap::Args)]
pub(crate) struct CacheArgs {
    /// Ask a binary cache what is built already: https://, http:// or file:///; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) cache: Vec<String>,

    /// Ask nobody: use what caches answered before, however old
    #[arg(long, requires = "cache")]
    pub(crate) offline: bool,

    /// Where answers of caches are kept [default: waves in `$XDG_CACHE_HOME`, else in ~/.cache]
    #[arg(long, value_name = "DIR", requires = "cache", hide_short_help = true)]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Requests to a cache at once
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256), requires = "cache", hide_short_help = true)]
    pub(crate) cache_jobs: u16,

    /// Tries of each request
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), requires = "cache", hide_short_help = true)]
    pub(crate) cache_tries: u32,

    /// Time for each try
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds, requires = "cache", hide_short_help = true)]
    pub(crate) cache_timeout: Duration,

    /// Time for each cache; what it has not answered by then is unknown
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "cache", hide_short_help = true)]
    pub(crate) cache_time_limit: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// How to write it
    #[arg(long, short, default_value = "text", value_name = "FORMAT", value_parser = without_pictures())]
    pub(crate) format: FormatArg,

    /// Items of a list that are shown; 0 is all [default: 20 where people read, else all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// The list that --format csv writes, by its key in the JSON [default: the first]
    #[arg(long, value_name = "KEY", hide_short_help = true)]
    pub(crate) table: Option<String>,
}

/// That --format was typed: clap finds the group where an argument of it was, and a default is none.
#[derive(Debug, clap::Args)]
#[group(args = ["format"])]
pub(crate) struct AskedFormat {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    #[default]
    Text,
    Json,
    Jsonl,
    Markdown,
    Csv,
    Dot,
    Mermaid,
    Svg,
}

impl FormatArg {
    pub(crate) fn is_picture(self) -> bool {
        matches!(self, Self::Dot | Self::Mermaid | Self::Svg)
    }
}

/// The formats of a report that has no picture.
fn without_pictures() -> impl TypedValueParser<Value = FormatArg> {
    let formats = FormatArg::value_variants().iter().filter(|format| !format.is_picture());
    PossibleValuesParser::new(formats.filter_map(ValueEnum::to_possible_value)).try_map(|name| FormatArg::from_str(&name, false))
}

/// For a report that has one: all formats.
fn with_pictures(format: Arg) -> Arg {
    format.value_parser(clap::value_parser!(FormatArg))
}

#[derive(Debug, clap::Args)]
#[command(
    mut_arg("roots", |roots| roots.required(false)),
    mut_arg("format", with_pictures),
    mut_arg("git", |git| git.conflicts_with_all(["exact", "inverse"])),
    mut_arg("git_worktree", |worktree| worktree.conflicts_with_all(["exact", "inverse"])),
    group(clap::ArgGroup::new("change").args(["roots", "git", "git_worktree"]).required(true)),
    after_long_help = "\
With --git or --git-worktree, the packages that the changed files are about are found without an evaluation of the change: \
the snapshot is of a tree near the base. Nothing is checked out. What cannot be confined to packages is told, with a bound."
)]
pub(crate) struct ImpactArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,

    #[command(flatten)]
    pub(crate) git: GitArgs,

    /// The inverse question: what rebuilds the roots
    #[arg(long)]
    pub(crate) inverse: bool,

    /// Exit with 1 if more attributes than this are rebuilt, or may be
    #[arg(long, value_name = "N")]
    pub(crate) fail_over: Option<usize>,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) cost: CostArgs,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The evaluation before the change: a snapshot or a dump; several dumps with commas
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,

    /// The evaluation after the change
    #[arg(value_name = "AFTER")]
    pub(crate) after: PathBuf,

    /// Compare only the package sets that both cover
    #[arg(long)]
    pub(crate) within: bool,

    /// The policy that names labels and branches [default: waves.toml, here or above; else nixpkgs']
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) cost: CostArgs,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    /// The branch that the change is for [default: `$GITHUB_BASE_REF`, else the policy's default]
    #[arg(long, value_name = "NAME")]
    pub(crate) base_branch: Option<String>,

    /// How to write it; `changed-paths` is nixpkgs' CI's file, `rebuild-amount` what rebuild-amount.sh prints
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: DiffFormatArg,

    /// Items of a list that are shown; 0 is all [default: 20 where people read, else all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// The list that --format csv writes, by its key in the JSON [default: the first]
    #[arg(long, value_name = "KEY", hide_short_help = true)]
    pub(crate) table: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    #[command(subcommand)]
    pub(crate) command: HistoryCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Add evaluations: what each changes is written, and nothing else
    Add(HistoryAddArgs),
    /// The evaluations, and what each changed
    List(HistoryListArgs),
    /// What a change rebuilds in each evaluation
    Rebuilds(HistoryRebuildsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryAddArgs {
    /// The history; made if it is not there
    #[arg(value_name = "HISTORY")]
    pub(crate) history: PathBuf,

    /// Evaluations in their order: snapshots or dumps; several dumps of one with commas
    #[arg(value_name = "EVALUATION", required = true)]
    pub(crate) evaluations: Vec<PathBuf>,

    /// What the evaluation is called: a revision, a release [default: its digest]
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) label: Option<String>,

    /// Its time: a day, or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::clock::parse)]
    pub(crate) time: Option<u64>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    #[command(flatten)]
    pub(crate) asked: Option<AskedFormat>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryListArgs {
    /// The history
    #[arg(value_name = "HISTORY")]
    pub(crate) history: PathBuf,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryRebuildsArgs {
    /// The history
    #[arg(value_name = "HISTORY")]
    pub(crate) history: PathBuf,

    #[command(flatten)]
    pub(crate) root: RootArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TablesArgs {
    /// Directory to write a file for each table to
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Tables of a history, not of --graph
    #[arg(long, value_name = "HISTORY", conflicts_with = "graph")]
    pub(crate) history: Option<PathBuf>,

    /// How to write them
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: TableFormatArg,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormatArg {
    #[default]
    Csv,
    Parquet,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
The page is one file that needs no network. Of which reports:
  waves plan --root PACKAGE --format json     waves, packages, what waits for what
  waves plan --updates FILE --format json     minor waves, updates, what they rebuild
  waves impact --root PACKAGE --format json   what is rebuilt, and by which way
  waves impact --git RANGE --format json      the same of changed files, and what is not confined
  waves diff BEFORE AFTER --format json       root causes, labels; name AFTER with --graph
  waves status --history --format json        where a wave stands, and how it came about
Ways and packages are looked up in the evaluation that the report is about; without it, the page says so.")]
pub(crate) struct ReportArgs {
    /// What `waves impact`, `diff`, `plan` or `status` wrote with --format json; `-` for standard input
    #[arg(value_name = "REPORT")]
    pub(crate) input: PathBuf,

    /// Where to write the page
    #[arg(long, short, value_name = "FILE", default_value = "report.html", value_parser = new_file())]
    pub(crate) output: PathBuf,

    /// Store paths that are built already, one a line: tells them in the table of an impact or a diff
    #[arg(long, value_name = "FILE")]
    pub(crate) cached: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The plan, as `waves plan --updates FILE --format json` prints it; `-` for standard input
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,

    /// Build times that it was made with, to check its hours
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The package: attribute path, pname or store path
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: String,

    /// The plan, as `waves plan --updates FILE --format json` prints it; `-` for standard input
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: PathBuf,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GroupsArgs {
    /// Repository of the sources, whose history tells what is changed together
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,

    /// Commits of the history that are looked at, from HEAD back
    #[arg(long, value_name = "N", default_value_t = 2000, requires = "repo")]
    pub(crate) commits: usize,

    /// The least share of rebuilds in common (Jaccard index), from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = probability)]
    pub(crate) overlap: f64,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// What else can be done with plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// What changed between two plans: updates that moved, builds, waves
    Diff {
        /// The plan before, as `waves plan --updates FILE --format json` prints it
        #[arg(value_name = "A")]
        before: PathBuf,

        /// The plan after
        #[arg(value_name = "B")]
        after: PathBuf,

        #[command(flatten)]
        format: FormatArgs,
    },
}

/// The formats of a report, and two that other tools read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffFormatArg {
    Report(FormatArg),
    ChangedPaths,
    RebuildAmount,
}

impl Default for DiffFormatArg {
    fn default() -> Self {
        Self::Report(FormatArg::default())
    }
}

impl ValueEnum for DiffFormatArg {
    fn value_variants<'a>() -> &'a [Self] {
        static VARIANTS: LazyLock<Vec<DiffFormatArg>> = LazyLock::new(|| {
            let reports = FormatArg::value_variants().iter().copied().map(DiffFormatArg::Report);
            reports.chain([DiffFormatArg::ChangedPaths, DiffFormatArg::RebuildAmount]).collect()
        });
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Report(format) => format.to_possible_value(),
            Self::ChangedPaths => Some(PossibleValue::new("changed-paths")),
            Self::RebuildAmount => Some(PossibleValue::new("rebuild-amount")),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "waves check [OPTIONS] <BEFORE AFTER|--root NAME|--git RANGE|--git-worktree|--plan PLAN>",
    after_long_help = "\
The verdict is three lines: whether the change is within the policy; its counts, labels and branch; and the \
cause that rebuilds most, with what would be left without it. The reasons follow. Exit code 1 is over the policy.

On GitHub Actions the same goes into the step's summary, outputs and annotations: docs/github-actions.md."
)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,

    /// The policy [default: waves.toml, here or above; else nixpkgs']
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The branch that the change is for [default: `$GITHUB_BASE_REF`, else the policy's default]
    #[arg(long, value_name = "NAME")]
    pub(crate) base_branch: Option<String>,

    /// The branch that it comes from, if that is to be trusted: some are exempt
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) head_branch: Option<String>,

    /// The files that it changes, one on each line or as `git diff --name-only -z` has them; --git knows them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["git", "git_worktree"], hide_short_help = true)]
    pub(crate) changed_files: Option<PathBuf>,

    /// A protected package that may change, as the policy names it or by attribute path
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) acknowledge: Vec<String>,

    /// Build times, for limits of hours; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    /// Write changed-paths.json, as nixpkgs' CI does
    #[arg(long, value_name = "FILE")]
    pub(crate) changed_paths: Option<PathBuf>,

    /// Write what rebuild-amount.sh prints
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) rebuild_amount: Option<PathBuf>,

    /// Write the body of a comment on GitHub
    #[arg(long, value_name = "FILE")]
    pub(crate) comment: Option<PathBuf>,

    /// Write summary, outputs and annotations as on GitHub Actions, where this is the default
    #[arg(long)]
    pub(crate) github: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(mut_arg("format", with_pictures))]
pub(crate) struct RankArgs {
    /// What to sort by
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sort: SortArg,

    /// Only packages with an attribute, not the inner steps of others
    #[arg(long)]
    pub(crate) named: bool,

    /// Only packages with a derivation for this system
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,

    /// Estimate costs, for millions of derivations: rounds (256), or the standard error (5%)
    #[arg(long, value_name = "K", num_args = 0..=1, require_equals = true, default_missing_value = "256", value_parser = precision)]
    pub(crate) approximate: Option<Precision>,

    #[command(flatten)]
    pub(crate) cost: CostArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Reads rounds, or a standard error such as `5%` or `0.05`.
fn precision(text: &str) -> Result<Precision, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    match (text.parse::<usize>(), number.parse::<f64>().map(|number| number / scale)) {
        (Ok(rounds @ 1..=Precision::MOST_ROUNDS), _) => Ok(Precision::of_rounds(rounds)),
        (Err(_), Ok(error)) if (Precision::LEAST_ERROR..1.0).contains(&error) => Ok(Precision::of_error(error)),
        _ => Err(format!(
            "neither rounds from 1 to {} nor an error from {}% to below 100%",
            Precision::MOST_ROUNDS,
            Precision::LEAST_ERROR * 100.0
        )),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortArg {
    #[default]
    Derivations,
    Attributes,
    /// Build time of what is rebuilt; needs --durations
    Hours,
}

#[derive(Debug, clap::Args)]
#[command(mut_arg("format", with_pictures))]
pub(crate) struct WhyArgs {
    /// What changes
    #[arg(value_name = "FROM")]
    pub(crate) from: String,

    /// What is rebuilt
    #[arg(value_name = "TO")]
    pub(crate) to: String,

    /// Everything between them, not only a shortest chain
    #[arg(long)]
    pub(crate) all: bool,

    /// Only the derivation that FROM names, not all of its package
    #[arg(long)]
    pub(crate) exact: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(
    mut_arg("roots", |roots| roots.required(false)),
    mut_arg("format", with_pictures),
    mut_arg("depth", |depth| depth.help_heading("With --root")),
    mut_arg("sizes", |sizes| sizes.hide_short_help(true)),
    mut_arg("cached", |cached| cached.hide_short_help(true).help_heading("With --root")),
    mut_arg("cache", |cache| cache.hide_short_help(true).help_heading("With --root")),
    mut_arg("offline", |offline| offline.hide_short_help(true)),
    group(clap::ArgGroup::new("change").args(["roots", "updates"]).required(true)),
    override_usage = "waves plan [OPTIONS] <--root PACKAGE|--updates FILE>\n       waves plan diff A B",
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true,
    after_long_help = "\
With --root, waves are runs of levels of one rebuild. With --updates, a wave updates some packages and rebuilds what needs them: \
each package once, after all that it needs. The list is TOML, CSV or JSON, as docs/formats.md says; groups and pins are in \
waves.toml. Without an option that says otherwise no wave holds two updates of which one rebuilds the other, in the fewest waves \
that such a plan can have, and with --exact in the fewest rebuilds. --system says where packages are looked for: waves rebuild for \
every system. `--format json` is the plan that `waves verify` and others read."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(crate) command: Option<PlanCommand>,

    #[command(flatten)]
    pub(crate) root: RootArgs,

    /// What is to be updated in a major wave
    ///
    /// A list of packages and versions: TOML, CSV, JSON or lines, as docs/formats.md says.
    #[arg(long, value_name = "FILE")]
    pub(crate) updates: Option<PathBuf>,

    /// Waves at most: the best cut of the levels [default: 12 with --root]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_waves: Option<usize>,

    /// As many waves as build within these hours, all together
    ///
    /// In hours of one builder. The waves are the best cut of the levels into so many.
    #[arg(long, value_name = "HOURS", value_parser = hours, requires = "durations", conflicts_with_all = ["roots", "max_waves"], help_heading = "With --updates")]
    pub(crate) max_hours: Option<Duration>,

    /// Take waves apart that build longer than this
    ///
    /// In hours of one builder. They are cut where they overlap least, and each says what it builds once more.
    #[arg(long, value_name = "HOURS", value_parser = hours, requires = "durations", conflicts_with_all = ["roots", "max_waves", "max_hours"], help_heading = "With --updates")]
    pub(crate) max_wave_hours: Option<Duration>,

    /// Merge waves where that saves more than faults cost
    ///
    /// P is the probability that an update breaks what it rebuilds; the list may say another for each.
    #[arg(long, value_name = "P", value_parser = probability, conflicts_with_all = ["roots", "max_waves", "max_hours", "max_wave_hours"], help_heading = "With --updates")]
    pub(crate) risk: Option<f64>,

    /// With --risk: what a wave costs besides its builds, in hours of one builder
    #[arg(long, value_name = "HOURS", value_parser = hours, requires_all = ["risk", "durations"], conflicts_with_all = ["roots", "max_waves", "max_hours", "max_wave_hours"], hide_short_help = true, help_heading = "With --updates")]
    pub(crate) wave_hours: Option<Duration>,

    /// Draw the best cut of the levels into each number of waves
    #[arg(long, conflicts_with = "roots", help_heading = "With --updates")]
    pub(crate) frontier: bool,

    /// The number of the major wave
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "roots", hide_short_help = true, help_heading = "With --updates")]
    pub(crate) major: u32,

    /// Groups, pins and the fleet [default: waves.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Show every level
    #[arg(long, conflicts_with = "updates", help_heading = "With --root")]
    pub(crate) levels: bool,

    /// Show the packages of every wave
    #[arg(long, conflicts_with_all = ["levels", "updates"], help_heading = "With --root")]
    pub(crate) packages: bool,

    /// Check the plan independently; exit with 1 if it is wrong
    #[arg(long, conflicts_with_all = ["depth"])]
    pub(crate) verify: bool,

    #[command(flatten)]
    pub(crate) schedule: ScheduleArgs,

    #[command(flatten)]
    pub(crate) filter: FilterArgs,

    #[command(flatten)]
    pub(crate) cost: CostArgs,

    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "waves notify [OPTIONS] <BEFORE AFTER|--root NAME|--git RANGE|--git-worktree|--plan PLAN>",
    after_long_help = "\
Nothing is sent. A line of an owners file is a pattern and who owns what it matches; the last that matches counts:
  python312Packages.*            @handle @organisation/team     a glob over attribute paths
  /pkgs/development/libraries/   @handle                        files, as in GitHub's CODEOWNERS"
)]
pub(crate) struct NotifyArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,

    /// Waves at most
    #[arg(long, value_name = "N", default_value_t = waves_core::plan::DEFAULT_MAX_WAVES, value_parser = at_least_one)]
    pub(crate) max_waves: usize,

    /// Tell at most this many one by one, and name the others in one list
    #[arg(long, value_name = "N", default_value_t = waves_core::notify::DEFAULT_CAP)]
    pub(crate) cap: usize,

    /// Only what this person or team is told, all of it
    #[arg(long, value_name = "HANDLE")]
    pub(crate) only: Option<String>,

    /// File of owners that are told too
    #[arg(long, value_name = "FILE")]
    pub(crate) owners: Option<PathBuf>,

    /// Where the sources lie that its patterns are relative to [default: found in the evaluation]
    #[arg(long, value_name = "DIR", requires = "owners", hide_short_help = true)]
    pub(crate) source_root: Option<String>,

    /// Organisation whose teams are meant by bare names, such as NixOS
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) organisation: Option<String>,

    /// Leave out what was broken before
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) exclude_broken: bool,

    /// In Markdown, mention whom is told one by one, so that GitHub notifies them
    #[arg(long)]
    pub(crate) mention: bool,

    /// Write a Markdown file for each of them, and one for all others, into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Which ledger, and which wave of it: `crate::ledger` finds them.
#[derive(Debug, clap::Args)]
pub(crate) struct LedgerArgs {
    /// Directory of the ledger [default: .waves, here or above]
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,

    /// The major wave [default: that of the wave, or the only one that is open]
    #[arg(long, value_name = "N")]
    pub(crate) major: Option<u32>,
}

/// What is asked of a wave.
#[derive(Debug, clap::Args)]
pub(crate) struct WaveArgs {
    /// The wave, such as wave-1.3 or 1.3 [default: the first that is not closed]
    #[arg(long, short, value_name = "WAVE")]
    pub(crate) wave: Option<String>,

    /// Do not expect what Hydra does not build: what is unfree, insecure, or not for its platforms
    #[arg(long)]
    pub(crate) hydra: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    /// What `waves plan --updates FILE --format json` wrote; `-` for standard input
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,

    /// Directory of the ledger [default: .waves, here or above; else a new one here]
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Files, told by content; plain, gzip, zstd or xz:
  nix-eval-jobs                  errors; with --check-cache-status also what is built already
  nix-fast-build --result-file   as JSON
  nixpkgs-review                 report.json
  Hydra                          builds of an evaluation, as JSON
  drv,status or drv status       a line each; the .drv path or attribute, and succeeded, failed,
                                 dependency-failed, timed-out, limit-exceeded, aborted or building
A result is of one derivation, by its path. One that names only an attribute is of the derivation that the \
attribute has in the evaluation at hand.")]
pub(crate) struct RecordArgs {
    /// Files of results
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// The wave that was built [default: the first that is not closed]
    #[arg(long, short, value_name = "WAVE")]
    pub(crate) wave: Option<String>,

    /// They are of the time before the major wave: what its failures are compared with
    #[arg(long, conflicts_with = "wave")]
    pub(crate) baseline: bool,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) wave: WaveArgs,

    /// Build times, for what is still to be built; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    /// How many build at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), requires = "durations")]
    pub(crate) builders: Option<u32>,

    /// In JSON, also how it came about, at 48 times at most, and where each wave stands: `waves report` draws it
    #[arg(long)]
    pub(crate) history: bool,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NextArgs {
    #[command(flatten)]
    pub(crate) wave: WaveArgs,

    /// Only the .drv paths of what of the wave may be built, one a line, as `nix-store --realise` reads them
    #[arg(long, conflicts_with = "format")]
    pub(crate) paths: bool,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WaiveArgs {
    /// The package, as --root names it elsewhere
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: String,

    /// Why
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) reason: String,

    /// The last day, such as 2027-01-31, or the last wave that it counts in
    #[arg(long, value_name = "DAY|WAVE")]
    pub(crate) until: String,

    /// Nobody is able to fix it; without this, nobody wants to
    #[arg(long)]
    pub(crate) cant_fix: bool,

    /// Who decided it [default: `$USER`]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,

    #[command(flatten)]
    pub(crate) wave: WaveArgs,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RetryArgs {
    /// The package, as --root names it elsewhere
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: String,

    /// Even if it failed before the wave, or was tried again twice
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) wave: WaveArgs,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TagArgs {
    /// The wave
    #[arg(value_name = "WAVE")]
    pub(crate) wave: String,

    /// Repository that is tagged [default: the one that the current directory is in]
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub(crate) repo: PathBuf,

    /// The commit that was built [default: HEAD]
    #[arg(long, value_name = "REVISION")]
    pub(crate) commit: Option<String>,

    /// Tag it as wave-X.Y-pre although it is still open
    #[arg(long)]
    pub(crate) pre: bool,

    /// Who makes the tag, as `NAME <ADDRESS>` [default: as git is configured]
    #[arg(long, value_name = "TEXT")]
    pub(crate) tagger: Option<String>,

    /// Do not expect what Hydra does not build: what is unfree, insecure, or not for its platforms
    #[arg(long)]
    pub(crate) hydra: bool,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    /// The package, as --root names it elsewhere
    #[arg(value_name = "PACKAGE")]
    pub(crate) package: String,

    /// Ask this repository whether it has the tag already: an address or a directory
    #[arg(long, value_name = "URL")]
    pub(crate) check_remote: Option<String>,

    #[command(flatten)]
    pub(crate) wave: WaveArgs,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Bytes, in binary units: `500M`, `20G`, `2GiB`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => Some(0),
        "K" | "k" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(shift).and_then(|(number, shift)| number.checked_mul(1 << shift));
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| "a number of bytes above 0, such as 500M or 20G".to_owned())
}

/// A file that is written whole or not at all, which standard output cannot be.
fn new_file() -> impl TypedValueParser<Value = PathBuf> {
    let named = |path: PathBuf| if path.as_os_str() == "-" { Err("it is written to a file, not to standard output") } else { Ok(path) };
    PathBufValueParser::new().try_map(named)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "a whole number from 1".to_owned())
}

fn hours(text: &str) -> Result<Duration, String> {
    let hours: Option<f64> = text.trim_end_matches('h').parse().ok();
    let time = hours.and_then(|hours| Duration::try_from_secs_f64(hours * 3600.0).ok());
    time.ok_or_else(|| "a number of hours".to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|probability| (0.0..=1.0).contains(probability)).ok_or_else(|| "a probability from 0 to 1".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero() && *time <= MAX_TIME).ok_or_else(|| "a number of seconds above 0, up to a day".to_owned())
}

impl RootArgs {
    /// How much a root takes in.
    pub(crate) fn scope(&self) -> waves_core::analysis::Scope {
        if self.exact { waves_core::analysis::Scope::Exact } else { waves_core::analysis::Scope::Package }
    }
}

/// The fleet that builds.
#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleArgs {
    /// Schedule on N builders that build anything; needs --durations
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) builders: Option<u32>,

    /// Schedule if this package is cached, or pinned; may be repeated
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',', hide_short_help = true)]
    pub(crate) what_if: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Attributes are evaluated anew, in a tree that has the updates of the wave: docs/export.md has an example of each.")]
pub(crate) struct ExportArgs {
    /// The plan, as `waves plan --updates FILE --format json` prints it; `-` for standard input
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,

    /// What builds
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) to: EngineArg,

    /// Only this wave; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) wave: Vec<String>,

    /// Where to write the files [default: standard output, if it is one]
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,

    /// The package set: a Nix file, or a directory with a default.nix (default: nixpkgs of `$NIX_PATH`; of nix-build, here)
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// Where Hydra (URL BRANCH) or the flake (a flake reference) gets the package set from [default: nixpkgs]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,

    /// Where Hydra gets the written files from: URL BRANCH
    #[arg(long, value_name = "SOURCE")]
    pub(crate) repository: Option<String>,

    /// Build times, by which jobs of a matrix are filled; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// A script of nix-build commands
    NixBuild,
    /// A matrix of GitHub Actions
    GithubMatrix,
    /// A declarative project of Hydra
    Hydra,
    /// An expression and a flake for nix-fast-build and nix-eval-jobs
    NixFastBuild,
    /// The same of one wave, as the flake's checks
    BuildbotNix,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A test covers itself and all that is built on the way to it. The weight of a derivation is its importance, 1 + ln(1 + derivations that \
it rebuilds), times --decay for each edge from the root behind the first. Broken, unfree, vulnerable packages and those that \
Hydra does not build are no tests, nor is what needs one of the first three.

The bound is proven: no choice within the budget covers more.")]
pub(crate) struct TestsArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,

    /// What all builds together may take: 3h, 90m, 1h30m with --durations, else a number of builds [default: 3h or 50]
    #[arg(long, value_name = "BUDGET", value_parser = budget)]
    pub(crate) budget: Option<Budget>,

    /// Tests at most
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max: Option<usize>,

    /// Weight of a derivation relative to one that is an edge nearer: above 0, up to 1
    #[arg(long, value_name = "SHARE", default_value_t = waves_core::suite::DEFAULT_DECAY, value_parser = share)]
    pub(crate) decay: f64,

    /// Only attributes of this system
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,

    /// An evaluation of existing tests, with attributes such as `openssl.tests.curl`: a snapshot or dump; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) tests: Vec<PathBuf>,

    /// Build times; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    /// Only the Nix to paste into the package
    #[arg(long, conflicts_with_all = ["format", "limit"])]
    pub(crate) nix: bool,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// What builds may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Seconds(u64),
    Builds(u64),
}

/// A number of builds, or a time: `3h`, `90m`, `1h30m`, `45s`, `2d`.
fn budget(text: &str) -> Result<Budget, String> {
    let wrong = || "a time such as 3h, 90m or 1h30m, or a number of builds, above 0".to_owned();
    let budget = match text.parse() {
        Ok(builds) => Budget::Builds(builds),
        Err(_) => Budget::Seconds(time(text).ok_or_else(wrong)?),
    };
    if matches!(budget, Budget::Seconds(0) | Budget::Builds(0)) { Err(wrong()) } else { Ok(budget) }
}

/// Seconds of a time with units.
fn time(text: &str) -> Option<u64> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400,
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(rest[..digits].parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    Some(seconds)
}

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|&share| share > 0.0 && share <= 1.0).ok_or_else(|| "a number above 0, up to 1".to_owned())
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
A table is CSV or JSON with `package` and either `days` from one release to the next, or `released` (a day) and `version`, a row for each \
release; and `weight`, what a day behind costs, 1 if nothing is said. Of a package without either, the history in --repo is counted: commits \
that change a version in its file.

A release that fixes a vulnerability is taken at once, whatever its turn.")]
pub(crate) struct CadenceArgs {
    /// What may be built in a day: 200h/day with --durations, else a number of builds: 5000/day
    #[arg(long, value_name = "BUDGET", value_parser = daily)]
    pub(crate) budget: Budget,

    /// Table of releases; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) releases: Vec<PathBuf>,

    /// Packages whose releases are counted in the history of --repo; several with commas or repeated
    #[arg(long = "root", short = 'r', value_name = "PACKAGE", value_delimiter = ',', requires = "repo")]
    pub(crate) roots: Vec<String>,

    /// Repository of the sources
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,

    /// How far back its history is read, from its newest commit
    #[arg(long, value_name = "N", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) history_days: u32,

    /// Days between two waves: the least time between two turns
    #[arg(long, value_name = "N", default_value_t = waves_core::cadence::DEFAULT_WAVE_DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) wave_days: u32,

    /// Only the derivation that a name stands for, not all of its package
    #[arg(long)]
    pub(crate) exact: bool,

    /// Build times; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// A budget of a day.
fn daily(text: &str) -> Result<Budget, String> {
    let amount = text.strip_suffix("/day").or_else(|| text.strip_suffix("/d")).unwrap_or(text);
    budget(amount).map_err(|_| "a time such as 200h/day, or a number of builds such as 5000/day, above 0".to_owned())
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Options that are compared:
  graft      build the package, and rewrite references to it in what is built
  rebuild    build it and all that depends on it anew, at the head
  duplicate  run the closed waves again beside themselves, with the fix
  override   users build what they need

Nothing is chosen. An option is dominated if another is no worse in build time, time to users, locks and tests, better in one of them, \
and none of its preconditions fails. Runtime references are in no evaluation: without --sizes, what a graft rewrites is bounded by what \
depends on the package when it is built.")]
pub(crate) struct SecurityArgs {
    #[command(flatten)]
    pub(crate) root: RootArgs,

    /// The version with the fix
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,

    /// The plan that is under way, as `waves plan --updates FILE --format json` prints it
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,

    /// Its last wave that is closed [default: its last]
    #[arg(long, value_name = "WAVE", requires = "plan")]
    pub(crate) at: Option<String>,

    /// Builders
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) builders: u32,

    /// What grafts copy in a second, in MiB
    #[arg(long, value_name = "MIB", default_value_t = waves_core::security::DEFAULT_THROUGHPUT >> 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) throughput: u64,

    /// Build times; formats as of `waves impact`
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Vec<PathBuf>,

    /// Sizes and references: `nix path-info --json`, .narinfo files, or a directory of these
    #[arg(long, value_name = "FILE")]
    pub(crate) sizes: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}
