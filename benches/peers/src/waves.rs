//! `waves` itself, through the public interface of its library.

use std::time::Instant;

use waves_core::graph::{ClosureSums, DerivationIx, Direction, Graph, Reachability};
use waves_core::plan::levels;

use crate::Failure;
use crate::inputs::{Inputs, Question};
use crate::measure::{Row, all, component_sizes, digest, whole};

const TOOL: &str = "waves";

pub(crate) fn ask(question: Question, inputs: &Inputs) -> Result<Vec<Row>, Failure> {
    let snapshot = &inputs.summary.snapshot;
    let graph = Graph::open(snapshot)?;
    let nodes: Vec<DerivationIx> = graph.derivations().map(|derivation| derivation.ix()).collect();
    let threads = rayon::current_num_threads();
    let closure = |roots: &[DerivationIx]| graph.closure(roots.iter().copied(), Direction::Dependents);
    let row = match question {
        Question::Build => {
            let open = || Graph::open(snapshot);
            let size = |graph: &Result<Graph, _>| graph.as_ref().map_or_else(|_| Vec::new(), counts);
            whole(TOOL, "build", open, size).threads(threads).note("opens its snapshot, and verifies it")
        }
        Question::Closure => {
            let root = [nodes[inputs.summary.root as usize]];
            whole(TOOL, "closure", || closure(&root), |set| digest(set.iter().map(DerivationIx::get)))
        }
        Question::Union => {
            let roots: Vec<DerivationIx> = inputs.roots()?.into_iter().map(|root| nodes[root as usize]).collect();
            whole(TOOL, "union", || closure(&roots), |set| digest(set.iter().map(DerivationIx::get)))
        }
        Question::Sizes => {
            let sizes = || graph.recount_closures().into_iter().map(|(derivations, _)| u64::from(derivations)).collect();
            all(TOOL, "sizes", &inputs.sample()?, sizes).threads(threads).note("and attributes, at once")
        }
        Question::Sums => {
            let weights: Vec<[u64; 1]> = inputs.weights()?.into_iter().map(|seconds| [seconds]).collect();
            let sums = || ClosureSums::new(&graph, weights.clone()).all().iter().map(|&[seconds]| seconds).collect();
            all(TOOL, "sums", &inputs.sample()?, sums).threads(threads)
        }
        Question::Pairs => pairs(&graph, &nodes, &inputs.pairs()?),
        Question::Levels => {
            let every = graph.closure(nodes.iter().copied(), Direction::Dependents);
            whole(TOOL, "levels", || levels(&graph, &every), |levels| levels.iter().map(|level| level.len() as u64).collect())
        }
        Question::Components => {
            let every = graph.closure(nodes.iter().copied(), Direction::Dependents);
            let sizes = |cycles: &Vec<Vec<_>>| component_sizes(cycles.iter().map(Vec::len));
            whole(TOOL, "components", || graph.package_cycles(&every), sizes).note("contracts derivations to packages first")
        }
    };
    Ok(vec![row])
}

fn counts(graph: &Graph) -> Vec<u64> {
    vec![graph.derivation_count() as u64, graph.rebuild_edge_count() as u64]
}

/// Is one rebuilt by the other? Asked of an index, which is built before.
fn pairs(graph: &Graph, nodes: &[DerivationIx], pairs: &[[u32; 2]]) -> Row {
    let begin = Instant::now();
    let index = Reachability::new(graph);
    let seconds = begin.elapsed().as_secs_f64();
    let is_rebuilt = |&[cause, target]: &[u32; 2]| u64::from(index.rebuilds(nodes[cause as usize], nodes[target as usize]));
    let ask = || pairs.iter().map(is_rebuilt).collect::<Vec<u64>>();
    let mebibytes = index.bytes() as f64 / f64::from(1 << 20);
    whole(TOOL, "pairs", ask, Clone::clone).note(format!("of an index of {mebibytes:.1} MiB, built in {seconds:.2} s"))
}
