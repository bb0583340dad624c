//! Packages by what a change of them rebuilds.

use crate::cost::{Costs, Estimates};
use crate::graph::{Graph, Package};

/// What packages are sorted by, largest first; ties by the other count, then by label.
#[derive(Clone, Copy, Debug, Default)]
pub enum RankOrder<'a> {
    /// By rebuilt derivations.
    #[default]
    Derivations,
    /// By rebuilt attributes.
    Attributes,
    /// By the build time of what is rebuilt; ties by rebuilt derivations.
    BuildTime(&'a Costs<'a>),
    /// By an estimate of it; ties by rebuilt derivations.
    EstimatedBuildTime(&'a Estimates),
}

/// Which packages are ranked, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct RankOptions<'a> {
    /// What they are sorted by.
    pub order: RankOrder<'a>,
    /// Only packages with an attribute, not the inner steps of others.
    pub only_named: bool,
    /// Only packages with a derivation for this system.
    pub system: Option<&'a str>,
}

/// Every package, sources aside, by the exact number of what it rebuilds. The counts are those of the import, of all
/// packages at once; O(P log P). Build times are added up now: O(P/512 · (V + E)) at worst, over all cores.
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what; [`Error::NotForSystem`](crate::error::Error::NotForSystem).
pub fn rank<'g>(graph: &'g Graph, options: RankOptions<'_>) -> crate::error::Result<Vec<Package<'g>>> {
    super::impact::require_edges(graph)?;
    if let Some(system) = options.system {
        super::select::require_system(graph, system)?;
    }
    let is_ranked = |package: &Package<'_>| {
        let built = || package.derivations().filter(|derivation| !derivation.is_fixed_output());
        // The derivation for a system may be an inner step of a package that has an attribute.
        built().any(|derivation| options.system.is_none_or(|system| derivation.system() == system))
            && (!options.only_named || built().any(|derivation| derivation.attributes().len() > 0))
    };
    let packages: Vec<Package<'g>> = graph.packages().filter(is_ranked).collect();
    let seconds: Vec<u64> = match options.order {
        RankOrder::BuildTime(costs) => costs.closures(&packages).into_iter().map(|cost| cost.seconds).collect(),
        RankOrder::EstimatedBuildTime(estimates) => packages.iter().map(|package| estimates.of(package.ix()).seconds).collect(),
        RankOrder::Derivations | RankOrder::Attributes => vec![0; packages.len()],
    };
    let mut ranked: Vec<(u64, Package<'g>)> = seconds.into_iter().zip(packages).collect();
    ranked.sort_by_cached_key(|(seconds, package)| {
        let (derivations, attributes) = (package.rebuilt_derivations(), package.rebuilt_attributes());
        let key = match options.order {
            RankOrder::Attributes => (attributes, derivations),
            RankOrder::Derivations | RankOrder::BuildTime(_) | RankOrder::EstimatedBuildTime(_) => (derivations, attributes),
        };
        (std::cmp::Reverse((*seconds, key)), package.face().label(), package.ix())
    });
    Ok(ranked.into_iter().map(|(_, package)| package).collect())
}
