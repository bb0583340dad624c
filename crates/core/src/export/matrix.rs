//! Matrices of GitHub Actions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::cover::{Names, Refusal};
use super::stages::{Division, Unit};
use super::{ExportOptions, ExportedFile, ExportedWave, name};
use crate::graph::{DerivationIx, Graph};

/// Jobs of a matrix, at most: GitHub's limit.
pub const JOBS: usize = 256;
/// Seconds of building that a job is filled up to: less is not worth a runner.
pub const JOB_SECONDS: u64 = 3600;
/// Seconds of building that a job has at most, if it can be taken apart. GitHub ends one after six hours, and it has to fetch what
/// it needs.
pub const RUNNER_SECONDS: u64 = 5 * 3600;
/// What a derivation counts for if no build time is known, in seconds: a wave of them is cut as if they were.
const ASSUMED_SECONDS: u64 = 90;

/// The jobs of a wave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatrixJobs {
    /// How many there are.
    pub count: usize,
    /// Stages, one after the other; each is a matrix.
    pub stages: usize,
    /// Jobs that build for longer than [`RUNNER_SECONDS`], as far as is known.
    pub too_long: usize,
    /// Derivations that are built once more, for the package set of another system.
    pub repeated: usize,
    /// Bytes of the largest matrix.
    pub bytes: usize,
}

#[derive(Serialize)]
struct Matrix {
    include: Vec<Job>,
}

#[derive(Serialize)]
struct Job {
    name: String,
    system: String,
    attrs: String,
    derivations: usize,
    hours: Option<f64>,
}

/// A matrix for each stage of a wave, and what is in them; `refusals` are those of all derivations.
pub(super) fn matrices(
    graph: &Graph,
    wave: &ExportedWave<'_>,
    refusals: &[Option<Refusal>],
    options: &ExportOptions<'_>,
) -> (Vec<ExportedFile>, MatrixJobs) {
    let weight = |ix: DerivationIx| options.seconds.map_or(ASSUMED_SECONDS, |seconds| u64::from(seconds(ix)));
    let names = Names::new(graph, wave.rebuilds, true);
    let mut stages: Vec<Vec<(String, Unit)>> = Vec::new();
    let (mut built, mut jobs) = (graph.empty_set(), MatrixJobs::default());
    for system in names.all_systems(graph) {
        let refusal = |ix: DerivationIx| names.refusal(graph, ix, refusals);
        let is_of = |ix: DerivationIx| names.of.get(&ix).is_some_and(|&attribute| names.system(graph.attribute(attribute)) == system);
        let division = Division::new(graph, wave.rebuilds, |ix| is_of(ix) && refusal(ix).is_none(), &weight);
        // What a package set refuses comes last, in jobs of its own: it would stop all that a job builds.
        let rest = graph.set_of(wave.rebuilds.iter().filter(|&ix| !division.members().contains(ix)));
        let refused = Division::new(graph, &rest, is_of, &weight);
        for division in [&division, &refused] {
            jobs.repeated += division.members().iter().filter(|&ix| !built.insert(ix)).count();
        }
        let units = division.stages(RUNNER_SECONDS).into_iter().chain(refused.stages(RUNNER_SECONDS));
        for (at, units) in units.enumerate() {
            if stages.len() <= at {
                stages.push(Vec::new());
            }
            let worst = |unit: &Unit| unit.members.iter().filter_map(|&ix| refusal(ix)).max();
            for kind in std::iter::once(None).chain(Refusal::ALL.map(Some)) {
                let units: Vec<Unit> = units.iter().filter(|unit| worst(unit) == kind).cloned().collect();
                stages[at].extend(packed(units).into_iter().map(|unit| (system.to_owned(), unit)));
            }
        }
    }
    jobs.stages = stages.len();
    let mut files = Vec::new();
    for (at, units) in stages.iter().enumerate() {
        let matrix = |units: &[(String, Unit)], first: usize| Matrix {
            include: units
                .iter()
                .enumerate()
                .map(|(job, (system, unit))| Job::new(graph, &names, system, unit, first + job, options))
                .collect(),
        };
        let parts: Vec<&[(String, Unit)]> = units.chunks(JOBS).collect();
        for (part, units) in parts.iter().enumerate() {
            let suffix = match (stages.len(), parts.len()) {
                (1, 1) => String::new(),
                (_, 1) => format!("-stage-{:02}", at + 1),
                _ => format!("-stage-{:02}-part-{:02}", at + 1, part + 1),
            };
            jobs.count += units.len();
            jobs.too_long += units.iter().filter(|(_, unit)| options.seconds.is_some() && unit.weight > RUNNER_SECONDS).count();
            let content = serde_json::to_string_pretty(&matrix(units, part * JOBS)).unwrap_or_default() + "\n";
            jobs.bytes = jobs.bytes.max(content.len());
            files.push(ExportedFile { name: format!("{}{suffix}.json", wave.name), content, is_program: false });
        }
    }
    (files, jobs)
}

/// Puts units together into as many jobs as are filled, [`JOBS`] at most: the heaviest first, each where least is so far.
fn packed(mut units: Vec<Unit>) -> Vec<Unit> {
    let total: u64 = units.iter().map(|unit| unit.weight).sum();
    let jobs = usize::try_from(total.div_ceil(JOB_SECONDS)).unwrap_or(JOBS).clamp(1, JOBS).min(units.len());
    units.sort_by_key(|unit| (Reverse(unit.weight), unit.members[0]));
    let mut packed = vec![Unit::default(); jobs];
    let mut least: BinaryHeap<Reverse<(u64, usize)>> = (0..jobs).map(|job| Reverse((0, job))).collect();
    for unit in units {
        let Some(Reverse((_, job))) = least.pop() else { continue };
        packed[job].members.extend(unit.members);
        packed[job].targets.extend(unit.targets);
        packed[job].weight += unit.weight;
        least.push(Reverse((packed[job].weight, job)));
    }
    for job in &mut packed {
        job.members.sort_unstable();
        job.targets.sort_unstable();
    }
    packed
}

impl Job {
    fn new(graph: &Graph, names: &Names<'_>, system: &str, unit: &Unit, number: usize, options: &ExportOptions<'_>) -> Self {
        let path = |ix: &DerivationIx| graph.attribute(names.of[ix]).path();
        let words: Vec<String> =
            unit.targets.iter().filter_map(|ix| Some(format!("-A {}", name::shell(&name::typed(path(ix))?)))).collect();
        let more = if unit.targets.len() > 1 { format!(" and {} more", unit.targets.len() - 1) } else { String::new() };
        let first = unit.targets.first().map_or("", path);
        Self {
            name: format!("{}: {}{more}", number + 1, name::comment(first)),
            system: name::shell(system),
            attrs: words.join(" "),
            derivations: unit.members.len(),
            hours: options.seconds.is_some().then(|| (unit.weight as f64 / 3.6).round() / 1000.0),
        }
    }
}
