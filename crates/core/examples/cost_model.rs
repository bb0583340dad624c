//! Ranks packages by a cost of one's own, instead of counts or build times.
//!
//! ```sh
//! cargo run --package waves-core --example cost_model
//! ```

use std::cmp::Reverse;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use waves_core::graph::{Derivation, Graph, PackageIx};
use waves_core::ingest::Input;

/// What a build costs: anything that can be told of a derivation. Here, cores that are busy.
fn cost(derivation: Derivation<'_>) -> u64 {
    if derivation.is_fixed_output() {
        0
    } else if derivation.required_system_features().any(|feature| feature == "big-parallel") {
        32
    } else if derivation.prefers_local_build() {
        1
    } else {
        4
    }
}

/// The packages whose change costs most, a line each: cost, outputs to upload, name.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/dumps");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(dumps.join(dump)));
    let graph = Graph::import(&inputs, &())?;

    // A weight of each derivation, in the graph's order. Several are added up at once: here the cost, and the outputs.
    let weights = graph.derivations().map(|derivation| [cost(derivation), derivation.outputs().len() as u64]).collect();
    let packages: Vec<PackageIx> =
        graph.packages().filter(|package| !package.face().is_fixed_output()).map(|package| package.ix()).collect();
    let sums = graph.closure_sums(&packages, weights);

    let mut ranked: Vec<([u64; 2], &str)> = sums.into_iter().zip(packages.iter().map(|&ix| graph.package(ix).face().label())).collect();
    ranked.sort_by_key(|&(sums, label)| (Reverse(sums), label));
    let mut lines = String::new();
    for ([cost, outputs], label) in ranked.into_iter().take(10) {
        writeln!(lines, "{cost}\t{outputs}\t{label}")?;
    }
    Ok(lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", report()?);
    Ok(())
}
