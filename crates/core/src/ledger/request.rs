//! What a package is asked to support: the updates of a wave that it depends on.

use crate::analysis::{Root, Why};
use crate::error::Result;
use crate::graph::{Derivation, DerivationIx, Graph};
use crate::major::{PlanFile, PlannedUpdate, ResolvedWave};

/// An update that a package depends on.
#[derive(Clone, Debug)]
pub struct Upstream<'a> {
    /// The update.
    pub update: &'a PlannedUpdate,
    /// From the update to the package, one of the shortest ways; the two ends included.
    pub path: Vec<Derivation<'a>>,
}

/// The updates of a wave that a package depends on, nearest first, itself left out. O(V + E) for each update.
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn upstream<'a>(graph: &'a Graph, plan: &'a PlanFile, wave: &ResolvedWave, package: &[Root]) -> Result<Vec<Upstream<'a>>> {
    let own: Vec<DerivationIx> = package.iter().flat_map(|root| root.derivations.iter().copied()).collect();
    let faces: Vec<Root> = package.iter().map(|root| Root { derivations: vec![root.face], ..root.clone() }).collect();
    let mut found = Vec::new();
    for resolved in &wave.updates {
        let Some(update) = plan.updates.iter().find(|update| update.package == resolved.package) else { continue };
        if resolved.derivations.iter().any(|ix| own.contains(ix)) {
            continue;
        }
        let Some(&face) = resolved.derivations.last() else { continue };
        let root = Root { selector: resolved.package.clone(), face, derivations: resolved.derivations.clone() };
        // The way that people know is to the package's face, and not to a step of the bootstrap that has its name.
        let mut why = Why::new(graph, std::slice::from_ref(&root), &faces)?;
        if why.shortest().is_none() {
            why = Why::new(graph, &[root], package)?;
        }
        if let Some(links) = why.shortest() {
            found.push(Upstream { update, path: links.iter().map(|link| link.derivation).collect() });
        }
    }
    found.sort_by_key(|upstream| upstream.path.len());
    Ok(found)
}
