//! Packages by what a change of them rebuilds.

use crate::graph::{Graph, Package};

/// What packages are sorted by, largest first; ties by the other count, then by label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RankOrder {
    /// By rebuilt derivations.
    #[default]
    Derivations,
    /// By rebuilt attributes.
    Attributes,
}

/// Which packages are ranked, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RankOptions<'a> {
    /// What they are sorted by.
    pub order: RankOrder,
    /// Only packages with an attribute, not the inner steps of others.
    pub only_named: bool,
    /// Only packages with a derivation for this system.
    pub system: Option<&'a str>,
}

/// Every package, sources aside, by the exact number of what it rebuilds. The counts are those of the import, of all
/// packages at once; O(P log P).
///
/// # Errors
///
/// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
pub fn rank<'g>(graph: &'g Graph, options: RankOptions<'_>) -> crate::error::Result<Vec<Package<'g>>> {
    super::impact::require_edges(graph)?;
    let is_ranked = |package: &Package<'_>| {
        package.derivations().any(|derivation| {
            !derivation.is_fixed_output()
                && options.system.is_none_or(|system| derivation.system() == system)
                && (!options.only_named || derivation.attributes().len() > 0)
        })
    };
    let mut packages: Vec<Package<'g>> = graph.packages().filter(is_ranked).collect();
    packages.sort_by_cached_key(|package| {
        let (derivations, attributes) = (package.rebuilt_derivations(), package.rebuilt_attributes());
        let key = match options.order {
            RankOrder::Derivations => (derivations, attributes),
            RankOrder::Attributes => (attributes, derivations),
        };
        (std::cmp::Reverse(key), package.face().label(), package.ix())
    });
    Ok(packages)
}
