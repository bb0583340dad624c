//! Reads dumps and ranks packages by what a change of them rebuilds.
//!
//! ```sh
//! cargo run --package waves-core --example rank
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use waves_core::analysis::{RankOptions, rank};
use waves_core::graph::Graph;
use waves_core::ingest::Input;

/// The packages that rebuild most, a line each: derivations, attributes, name.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    // Edges are in one dump, names in the other: together they are one graph.
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/dumps");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(dumps.join(dump)));
    let graph = Graph::import(&inputs, &())?;

    // The counts were made with the import, for all packages at once: ranking only sorts.
    let mut lines = String::new();
    for package in rank(&graph, RankOptions { only_named: true, ..RankOptions::default() })?.iter().take(10) {
        writeln!(lines, "{}\t{}\t{}", package.rebuilt_derivations(), package.rebuilt_attributes(), package.face().label())?;
    }
    Ok(lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", report()?);
    Ok(())
}
