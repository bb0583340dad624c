//! A wave taken apart, along what its updates rebuild in common.

use super::price::Prices;
use crate::graph::{DerivationIx, DerivationSet};

/// Takes units apart so that no part weighs more than `limit`, if it has more than one unit.
///
/// What two parts rebuild both is built twice; that is all that a cut costs. So each unit, heaviest first, goes where it adds
/// least, if the limit allows, else to a new part: units that rebuild nothing in common are cut for nothing. Then single units
/// are moved as long as less is built. Packing is NP-hard; this is best-fit decreasing with local search, and the result says
/// what it costs. `rebuilds` holds what each unit rebuilds. Time O(parts · Σ|R(u)|) for each pass over the units; each but the last
/// moves something, and two to five are enough for the levels of 5,000 updates of nixpkgs.
pub fn split(prices: &Prices, units: &[usize], rebuilds: &[DerivationSet], limit: u64) -> Vec<Vec<usize>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut heaviest = units.to_vec();
    heaviest.sort_by_cached_key(|&unit| (std::cmp::Reverse(weight(prices, &rebuilds[unit])), unit));
    for unit in heaviest {
        let members: Vec<DerivationIx> = rebuilds[unit].iter().collect();
        let best = parts.iter().enumerate().filter_map(|(at, part)| Some((part.fits(prices, &members, limit)?, at))).min();
        match best {
            Some((added, at)) => parts[at].take(unit, &members, added),
            None => parts.push(Part::new(prices, unit, &members)),
        }
    }
    while improve(prices, &mut parts, rebuilds, limit) {}
    parts.retain(|part| !part.units.is_empty());
    parts.into_iter().map(|part| part.units).collect()
}

/// Goes over all units once, and moves each to where the parts weigh less; whether any was moved. If none was, no single move helps.
fn improve(prices: &Prices, parts: &mut [Part], rebuilds: &[DerivationSet], limit: u64) -> bool {
    let mut is_moved = false;
    for from in 0..parts.len() {
        let mut at = 0;
        while let Some(&unit) = parts[from].units.get(at) {
            let members: Vec<DerivationIx> = rebuilds[unit].iter().collect();
            let saved = parts[from].saved(prices, &members);
            let others = parts.iter().enumerate().filter(|(to, part)| *to != from && !part.units.is_empty());
            let best = others.filter_map(|(to, part)| Some((part.fits(prices, &members, limit)?, to))).min();
            if let Some((added, to)) = best.filter(|&(added, _)| added < saved) {
                parts[from].give(at, &members, saved);
                parts[to].take(unit, &members, added);
                is_moved = true;
            } else {
                at += 1;
            }
        }
    }
    is_moved
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
    fn new(prices: &Prices, unit: usize, rebuilds: &[DerivationIx]) -> Self {
        let mut part = Self { units: Vec::new(), count: vec![0; prices.derivations()], weight: 0 };
        part.take(unit, rebuilds, rebuilds.iter().map(|&ix| prices.weight(prices.derivation(ix))).sum());
        part
    }

    /// What a unit would add, if the part then keeps within a limit.
    fn fits(&self, prices: &Prices, rebuilds: &[DerivationIx], limit: u64) -> Option<u64> {
        let room = limit.checked_sub(self.weight)?;
        let new = rebuilds.iter().filter(|ix| self.count[ix.get()] == 0);
        let mut weights = new.map(|&ix| prices.weight(prices.derivation(ix)));
        weights.try_fold(0, |added, weight| Some(added + weight).filter(|&added| added <= room))
    }

    /// What would be saved without a unit that it has.
    fn saved(&self, prices: &Prices, rebuilds: &[DerivationIx]) -> u64 {
        let own = rebuilds.iter().filter(|ix| self.count[ix.get()] == 1);
        own.map(|&ix| prices.weight(prices.derivation(ix))).sum()
    }

    fn take(&mut self, unit: usize, rebuilds: &[DerivationIx], added: u64) {
        self.units.push(unit);
        self.weight += added;
        for ix in rebuilds {
            self.count[ix.get()] += 1;
        }
    }

    fn give(&mut self, at: usize, rebuilds: &[DerivationIx], saved: u64) {
        self.units.remove(at);
        self.weight -= saved;
        for ix in rebuilds {
            self.count[ix.get()] -= 1;
        }
    }
}
