//! Records to graph: join, order, contract, count.

mod join;
mod write;

use rayon::prelude::*;

use super::order::post_order;
use super::{Graph, Provenance};
use crate::error::{Error, Result};
use crate::ingest::record::Interned;
use crate::ingest::{FindingKind, Findings, Ingest};
use crate::progress::Progress;
use crate::store_path::StoreHash;
use join::{Inputs, Join, Node};
use write::Writer;

/// Where Nix keeps its store unless it was told otherwise.
const DEFAULT_STORE_DIR: &str = "/nix/store";

impl Graph {
    /// Joins the records of an ingest into one graph.
    ///
    /// 1. Derivations are joined on their path; what only an evaluation knows, on its output paths then.
    /// 2. Attributes are joined on attribute path, system and derivation.
    /// 3. Nodes are put into a topological order that does not depend on the order of the dumps.
    /// 4. Derivations are contracted to packages, and every closure is counted.
    ///
    /// Time O(V log V + E) and one sweep over all closures; space O(V + E).
    ///
    /// # Errors
    ///
    /// [`Error::Cycle`] if derivations need each other, [`Error::TooLarge`] beyond 2³² − 1 of anything.
    pub fn build(ingest: Ingest, progress: &dyn Progress) -> Result<Self> {
        progress.begin("joining", None);
        let Ingest { mut strings, batches, findings, sources } = ingest;
        let mut join = Join::new(&mut strings, &batches, findings);
        join.add_derivations();
        let attributes = join.add_attributes();
        let inputs = join.resolve_inputs()?;
        let (nodes, mut findings) = join.finish();
        let is_described = |node: &Node<'_>| node.record(&batches).is_some_and(|record| record.has_inputs);
        count_undefined(&nodes, is_described, &inputs, &strings, &mut findings);

        progress.begin("ordering", None);
        let order = order(&nodes, &inputs, &strings)?;
        let mut writer = Writer::new(&strings, &batches, &nodes, inputs, &order);
        writer.attributes(attributes);
        writer.derivations();
        progress.begin("counting closures", None);
        writer.packages_and_sizes();
        let store_dir = batches
            .iter()
            .find_map(|records| records.store_dir)
            .map_or(DEFAULT_STORE_DIR, |directory| strings.resolve(directory))
            .to_owned();
        let provenance = Provenance { sources, findings, store_dir };
        writer.finish(&provenance)
    }
}

/// Counts what no dump describes: inputs, and derivations of attributes. Without any edge neither is news.
fn count_undefined(
    nodes: &[Node<'_>],
    is_described: impl Fn(&Node<'_>) -> bool,
    inputs: &Inputs,
    strings: &Interned,
    findings: &mut Findings,
) {
    if inputs.targets.is_empty() {
        return;
    }
    let mut needed = vec![false; nodes.len()];
    for &target in &inputs.targets {
        needed[target as usize] = true;
    }
    let mut undefined: Vec<(FindingKind, String)> = Vec::new();
    for (node, needed) in nodes.iter().zip(needed).filter(|(node, _)| !is_described(node)) {
        let kind = if needed { FindingKind::DanglingInput } else { FindingKind::UndefinedDerivation };
        undefined.push((kind, name(node, strings)));
    }
    undefined.sort_unstable();
    for (kind, name) in undefined {
        findings.add(kind, || name);
    }
}

/// Base name of a node's path.
fn name(node: &Node<'_>, strings: &Interned) -> String {
    let suffix = if node.path.is_some() { ".drv" } else { "" };
    node.path().map_or_else(String::new, |path| format!("{}-{}{suffix}", path.hash, strings.resolve(path.name)))
}

/// Depth-first post-order over nodes sorted by name, then hash: the same whatever the order of the dumps.
fn order(nodes: &[Node<'_>], inputs: &Inputs, strings: &Interned) -> Result<Vec<u32>> {
    let key = |node: &Node<'_>| node.path().map_or(("", StoreHash::default()), |path| (strings.resolve(path.name), path.hash));
    let mut keys: Vec<_> = nodes.par_iter().enumerate().map(|(at, node)| (key(node), at as u32)).collect();
    keys.par_sort_unstable();
    let starts: Vec<u32> = keys.into_iter().map(|(_, node)| node).collect();
    let mut rank = vec![0_u32; nodes.len()];
    for (position, &node) in starts.iter().enumerate() {
        rank[node as usize] = position as u32;
    }
    // Searched by rank: rows of numbers are sorted without looking each of them up.
    let mut sorted: Vec<u32> = inputs.targets.par_iter().map(|&input| rank[input as usize]).collect();
    for node in 0..nodes.len() as u32 {
        sorted[inputs.range(node)].sort_unstable();
    }
    let node_of = |ranks: Vec<u32>| -> Vec<u32> { ranks.into_iter().map(|rank| starts[rank as usize]).collect() };
    let ranks: Vec<u32> = (0..nodes.len() as u32).collect();
    let order = post_order(&ranks, |rank| &sorted[inputs.range(starts[rank as usize])]);
    order.map(node_of).map_err(|cycle| Error::Cycle {
        members: node_of(cycle).into_iter().map(|member| name(&nodes[member as usize], strings)).collect(),
    })
}
