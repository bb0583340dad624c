//! Search by a part of a name.

use std::cmp::Reverse;

use crate::graph::{AttributeIx, Derivation, Graph, Package, PackageIx};

/// What a search finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An attribute.
    Attribute(AttributeIx),
    /// A package without an attribute: an inner step of others.
    Package(PackageIx),
}

/// How well a name fits, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    LastComponent,
    Beginning,
    Within,
}

/// Attributes that have `text` in their path, and packages without an attribute that have it in their name, sources aside; ASCII
/// letters whatever their case. The whole name comes first, then the last component of a path, then a beginning; of those that fit
/// equally well, what rebuilds most.
///
/// O(V + A · length of the names), and the order of what is found.
pub fn find(graph: &Graph, text: &str) -> Vec<Found> {
    let attributes = graph.attributes().filter_map(|attribute| {
        let rebuilds = attribute.derivation().map_or(0, |derivation| derivation.package().rebuilt_derivations());
        let rank = (fit(attribute.path(), text)?, Reverse(rebuilds), attribute.ix().get());
        Some((rank, Found::Attribute(attribute.ix())))
    });
    let is_inner = |package: &Package<'_>| {
        package.derivations().all(|derivation| derivation.attributes().len() == 0)
            && !package.derivations().all(Derivation::is_fixed_output)
    };
    let packages = graph.packages().filter(is_inner).filter_map(|package| {
        let rank = (fit(package.face().name(), text)?, Reverse(package.rebuilt_derivations()), package.ix().get());
        Some((rank, Found::Package(package.ix())))
    });
    let mut found: Vec<_> = attributes.chain(packages).collect();
    // Of equals, attributes stay before packages.
    found.sort_by_key(|&(rank, _)| rank);
    found.into_iter().map(|(_, found)| found).collect()
}

fn fit(name: &str, text: &str) -> Option<Fit> {
    let begins = |name: &str| name.as_bytes().get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()));
    if text.is_empty() {
        return Some(Fit::Within);
    }
    let mut windows = name.as_bytes().windows(text.len());
    if !windows.any(|window| window.eq_ignore_ascii_case(text.as_bytes())) {
        return None;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match () {
        () if name.eq_ignore_ascii_case(text) => Fit::Whole,
        () if last.eq_ignore_ascii_case(text) => Fit::LastComponent,
        () if begins(name) => Fit::Beginning,
        () => Fit::Within,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_in_this_order() {
        let fits = ["openssl", "pkgsStatic.OpenSSL", "openssl_3", "python3Packages.pyopenssl"].map(|name| fit(name, "openssl"));
        assert_eq!(fits, [Fit::Whole, Fit::LastComponent, Fit::Beginning, Fit::Within].map(Some));
        assert_eq!((fit("curl", "openssl"), fit("curl", ""), fit("", "a"), fit("é", "\u{301}")), (None, Some(Fit::Within), None, None));
    }
}
