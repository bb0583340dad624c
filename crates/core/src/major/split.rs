//! A wave taken apart, along what its updates rebuild in common.

use super::price::Prices;
use crate::graph::DerivationSet;

/// Takes units apart so that no part weighs more than `limit`, if it has more than one unit.
///
/// What two parts rebuild both is built twice; that is all that a cut costs. So each unit, heaviest first, goes where it adds
/// least, if the limit allows, else to a new part: units that rebuild nothing in common are cut for nothing. Then single units
/// are moved as long as less is built. Packing is NP-hard; this is best-fit decreasing with local search, and the result says
/// what it costs. `rebuilds` holds what each unit rebuilds. Time O(parts · Σ|R(u)|).
pub fn split(prices: &Prices, units: &[usize], rebuilds: &[DerivationSet], limit: u64) -> Vec<Vec<usize>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut heaviest = units.to_vec();
    heaviest.sort_by_cached_key(|&unit| (std::cmp::Reverse(weight(prices, &rebuilds[unit])), unit));
    for unit in heaviest {
        let best = parts.iter().enumerate().filter_map(|(at, part)| Some((part.fits(prices, &rebuilds[unit], limit)?, at))).min();
        match best {
            Some((added, at)) => parts[at].take(unit, &rebuilds[unit], added),
            None => parts.push(Part::new(prices, unit, &rebuilds[unit])),
        }
    }
    while improve(prices, &mut parts, rebuilds, limit) {}
    parts.retain(|part| !part.units.is_empty());
    parts.into_iter().map(|part| part.units).collect()
}

/// Moves one unit to where the parts weigh less; whether there was one.
fn improve(prices: &Prices, parts: &mut [Part], rebuilds: &[DerivationSet], limit: u64) -> bool {
    for from in 0..parts.len() {
        for at in 0..parts[from].units.len() {
            let unit = parts[from].units[at];
            let saved = parts[from].saved(prices, &rebuilds[unit]);
            let others = parts.iter().enumerate().filter(|(to, part)| *to != from && !part.units.is_empty());
            let best = others.filter_map(|(to, part)| Some((part.fits(prices, &rebuilds[unit], limit)?, to))).min();
            if let Some((added, to)) = best.filter(|&(added, _)| added < saved) {
                parts[from].give(at, &rebuilds[unit], saved);
                parts[to].take(unit, &rebuilds[unit], added);
                return true;
            }
        }
    }
    false
}

fn weight(prices: &Prices, set: &DerivationSet) -> u64 {
    prices.weight(prices.set(set))
}

/// Units, and how many of them rebuild each derivation.
struct Part {
    units: Vec<usize>,
    count: Vec<u16>,
    weight: u64,
}

impl Part {
    fn new(prices: &Prices, unit: usize, rebuilds: &DerivationSet) -> Self {
        let mut part = Self { units: Vec::new(), count: vec![0; prices.derivations()], weight: 0 };
        part.take(unit, rebuilds, weight(prices, rebuilds));
        part
    }

    /// What a unit would add.
    fn added(&self, prices: &Prices, rebuilds: &DerivationSet) -> u64 {
        let new = rebuilds.iter().filter(|ix| self.count[ix.get()] == 0);
        new.map(|ix| prices.weight(prices.derivation(ix))).sum()
    }

    /// The same, if the part then keeps within a limit.
    fn fits(&self, prices: &Prices, rebuilds: &DerivationSet, limit: u64) -> Option<u64> {
        let added = self.added(prices, rebuilds);
        (self.weight + added <= limit).then_some(added)
    }

    /// What would be saved without a unit that it has.
    fn saved(&self, prices: &Prices, rebuilds: &DerivationSet) -> u64 {
        let own = rebuilds.iter().filter(|ix| self.count[ix.get()] == 1);
        own.map(|ix| prices.weight(prices.derivation(ix))).sum()
    }

    fn take(&mut self, unit: usize, rebuilds: &DerivationSet, added: u64) {
        self.units.push(unit);
        self.weight += added;
        for ix in rebuilds.iter() {
            self.count[ix.get()] += 1;
        }
    }

    fn give(&mut self, at: usize, rebuilds: &DerivationSet, saved: u64) {
        self.units.remove(at);
        self.weight -= saved;
        for ix in rebuilds.iter() {
            self.count[ix.get()] -= 1;
        }
    }
}
