//! Which graph a command is about: `--graph`, else `WAVES_GRAPH`, else the nearest `.waves/graph.waves`.

use std::env;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use waves_core::error::Error;
use waves_core::graph::Graph;
use waves_core::ingest::{Input, Limits};
use waves_core::major::PlanFile;

use crate::args::Args;
use crate::commands::Failure;
use crate::nearest::nearest;
use crate::{output, progress};

/// Where a snapshot is written and looked for.
pub(crate) const DEFAULT_GRAPH: &str = ".waves/graph.waves";

/// Opens the graph that the arguments name: a snapshot, or dumps that are read for this one question.
pub(crate) fn graph(args: &Args) -> Result<Graph, Failure> {
    open(args, &paths(args)?)
}

/// Opens one evaluation of several: a snapshot, or dumps with commas between them.
pub(crate) fn evaluation(args: &Args, typed: &Path) -> Result<Graph, Failure> {
    let is_one = typed == Path::new("-") || typed.exists();
    let paths = match typed.to_str().filter(|_| !is_one) {
        Some(list) => list.split(',').map(PathBuf::from).collect(),
        None => vec![typed.to_owned()],
    };
    open(args, &paths)
}

/// Reads a plan of updates; `-` is standard input.
pub(crate) fn plan(path: &Path) -> Result<PlanFile, Failure> {
    if path != Path::new("-") {
        return Ok(PlanFile::read(path)?);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(Error::io("read", "standard input"))?;
    Ok(PlanFile::parse(&bytes, "standard input")?)
}

/// Says that a plan is of another evaluation than the one that was asked, if it is. The result is in doubt: that is said to the quiet, too.
pub(crate) fn note_other_evaluation(plan: &PlanFile, graph: &Graph) {
    if let Some(other) = plan.other_evaluation(graph) {
        output::note(&format!("note: {other}"));
    }
}

/// Opens an evaluation that an option names: a snapshot, or dumps.
pub(crate) fn files(args: &Args, paths: &[PathBuf]) -> Result<Graph, Failure> {
    open(args, paths)
}

fn open(args: &Args, paths: &[PathBuf]) -> Result<Graph, Failure> {
    let [path] = paths else {
        return dumps(args, paths);
    };
    if path != Path::new("-") && path.is_file() && Graph::is_snapshot(path)? { Ok(Graph::open(path)?) } else { dumps(args, paths) }
}

/// Reads dumps into a graph.
pub(crate) fn dumps(args: &Args, paths: &[PathBuf]) -> Result<Graph, Failure> {
    dumps_within(args, paths, Limits::default())
}

/// The same within limits.
pub(crate) fn dumps_within(args: &Args, paths: &[PathBuf], limits: Limits) -> Result<Graph, Failure> {
    let inputs: Vec<Input> =
        paths.iter().map(|path| if path == Path::new("-") { Input::Stdin } else { Input::Path(path.clone()) }).collect();
    let progress = progress::new(args.quiet);
    Ok(Graph::import_within(&inputs, limits, &progress)?)
}

/// Whether somebody said which graph is meant.
pub(crate) fn is_named(args: &Args) -> bool {
    !named(args).is_empty()
}

fn named(args: &Args) -> Vec<PathBuf> {
    if !args.graph.is_empty() {
        return args.graph.clone();
    }
    env::var_os("WAVES_GRAPH").filter(|paths| !paths.is_empty()).iter().flat_map(env::split_paths).collect()
}

fn paths(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let named = named(args);
    if !named.is_empty() {
        return Ok(named);
    }
    nearest(DEFAULT_GRAPH, "--graph FILE")?.map(|path| vec![path]).ok_or_else(|| {
        Failure::NoGraph(format!(
            "no {DEFAULT_GRAPH} here or above (hint: make one with `waves import DUMP…`, or name one with --graph FILE)"
        ))
    })
}
