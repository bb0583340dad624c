//! What a package is asked to support: the updates of a wave that it depends on.

use crate::analysis::{Root, require_edges};
use crate::error::Result;
use crate::graph::{Derivation, DerivationIx, DerivationSet, Graph};
use crate::major::{PlanFile, PlannedUpdate, ResolvedWave, shortest};

/// An update that a package depends on.
#[derive(Clone, Debug)]
pub struct Upstream<'a> {
    /// The update.
    pub update: &'a PlannedUpdate,
    /// From the update to the package, one of the shortest ways; the two ends included.
    pub path: Vec<Derivation<'a>>,
}

/// The updates of a wave that a package depends on, nearest first, itself left out. What is `held` hands none on. O(V + E) for each update.
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn upstream<'a>(
    graph: &'a Graph,
    plan: &'a PlanFile,
    wave: &ResolvedWave,
    held: &DerivationSet,
    package: &[Root],
) -> Result<Vec<Upstream<'a>>> {
    require_edges(graph)?;
    let own: Vec<DerivationIx> = package.iter().flat_map(|root| root.derivations.iter().copied()).collect();
    let faces: Vec<DerivationIx> = package.iter().map(|root| root.face).collect();
    let mut found = Vec::new();
    for resolved in &wave.updates {
        let Some(update) = plan.updates.iter().find(|update| update.package == resolved.package) else { continue };
        if resolved.derivations.iter().any(|ix| own.contains(ix)) {
            continue;
        }
        let way = |to: &[DerivationIx]| shortest(graph, &resolved.derivations, to, held);
        // The way that people know is to the package's face, and not to a step of the bootstrap that has its name.
        if let Some(path) = way(&faces).or_else(|| way(&own)) {
            found.push(Upstream { update, path: path.into_iter().map(|ix| graph.derivation(ix)).collect() });
        }
    }
    found.sort_by_key(|upstream| upstream.path.len());
    Ok(found)
}
