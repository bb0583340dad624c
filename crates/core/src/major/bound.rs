//! What no plan can be better than.

use super::price::{Builds, Prices};
use super::unit::Units;
use crate::graph::{DerivationSet, Graph};

/// Which plans are never better than the bound: others may build less.
pub(crate) const BOUND_IS_OF: &str = "The bound is of plans whose waves hold no two updates of which one rebuilds the other.";
/// No unit: an entry of a table.
const NONE: u32 = u32::MAX;

/// How often each derivation is rebuilt at least, in any plan that keeps the lock and whose waves hold no two units of which
/// one rebuilds the other.
///
/// A chain of inputs that runs through `k` units puts these into `k` waves, each of which rebuilds what is behind it. So the
/// bound is the most units on any chain that ends in the derivation. For updates of one derivation each the level plan attains
/// it for every derivation at once (F5); with several derivations in a unit it may not be attainable, and is still a bound.
///
/// One pass over the positions. A chain cannot leave a unit and come back (what lies on a cycle is one unit), so for each
/// derivation it is enough to know the best chain, and the best of those that end in another unit: whichever unit comes next,
/// one of the two is not in it yet, or the first counts it already. Time O(V + E), space O(V).
pub fn least_rebuilds(graph: &Graph, units: &Units, held: &DerivationSet) -> Vec<u32> {
    let mut unit_of = vec![NONE; graph.derivation_count()];
    for (at, unit) in units.units.iter().enumerate() {
        for &derivation in &unit.derivations {
            unit_of[derivation.get()] = at as u32;
        }
    }
    let mut chains = vec![[Chain::EMPTY; 2]; graph.derivation_count()];
    for derivation in graph.derivations().filter(|derivation| !held.contains(derivation.ix())) {
        let at = derivation.ix().get();
        let mut best = [Chain::EMPTY; 2];
        for input in derivation.rebuild_inputs() {
            for chain in chains[input.get()] {
                chain.enter(&mut best);
            }
        }
        if unit_of[at] != NONE {
            let through = |chain: Chain| chain.units + u32::from(chain.last != unit_of[at]);
            best = [Chain { units: through(best[0]).max(through(best[1])), last: unit_of[at] }, Chain::EMPTY];
        }
        chains[at] = best;
    }
    chains.into_iter().map(|best| best[0].units).collect()
}

/// Sums of the least rebuilds: what every plan builds at least.
pub fn least_builds(prices: &Prices, graph: &Graph, least: &[u32]) -> Builds {
    let times = |builds: Builds, times: u64| Builds {
        attributes: builds.attributes * times,
        derivations: builds.derivations * times,
        seconds: builds.seconds * times,
    };
    graph.derivations().map(|derivation| times(prices.derivation(derivation.ix()), u64::from(least[derivation.ix().get()]))).sum()
}

/// The units on a chain of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chain {
    units: u32,
    last: u32,
}

impl Chain {
    const EMPTY: Self = Self { units: 0, last: NONE };

    /// Keeps the two best chains that end in different units.
    fn enter(self, best: &mut [Self; 2]) {
        if self.last == best[0].last {
            best[0].units = best[0].units.max(self.units);
        } else if self.units > best[0].units {
            *best = [self, best[0]];
        } else if self.units > best[1].units {
            best[1] = self;
        }
    }
}
