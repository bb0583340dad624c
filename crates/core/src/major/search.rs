//! A better level for some units: local search, where the level theorem does not hold.

use super::price::Prices;
use super::unit::Units;
use crate::graph::{DerivationSet, Graph};

/// Passes over all units at most; each ends earlier if nothing is moved.
const MAX_PASSES: usize = 4;

/// Moves units within their slack as long as less is built.
///
/// A unit of several derivations lies at the level of its deepest one, and what needs another of them only is rebuilt there once
/// more. It may be cheaper later, with others that rebuild the same. A unit may move between the last of what it needs and the
/// first of what needs it. `rebuilds` holds what each unit rebuilds. Units are tried heaviest first; each move must lower the
/// weight, so the search ends. Time O(passes · slack · Σ|R(u)|), space O(L · V).
pub fn polish(graph: &Graph, prices: &Prices, units: &mut Units, rebuilds: &[DerivationSet]) -> usize {
    let levels = units.level_count();
    let order = Order::new(graph, units, rebuilds);
    // How many units of a level rebuild a derivation.
    let mut count = vec![vec![0_u16; graph.derivation_count()]; levels];
    for (unit, &level) in units.levels.iter().enumerate() {
        for ix in rebuilds[unit].iter() {
            count[level][ix.get()] += 1;
        }
    }
    let mut heaviest: Vec<usize> = (0..units.units.len()).collect();
    heaviest.sort_by_key(|&unit| (std::cmp::Reverse(rebuilds[unit].len()), unit));
    let mut moved = 0;
    for _ in 0..MAX_PASSES {
        let before = moved;
        for &unit in &heaviest {
            let from = units.levels[unit];
            let window = order.window(units, unit, levels);
            if window.len() < 2 {
                continue;
            }
            // What the level is rid of, and what each other level gets.
            let mut saved = 0;
            let mut added = vec![0; levels];
            for ix in rebuilds[unit].iter() {
                let weight = prices.weight(prices.derivation(ix));
                saved += if count[from][ix.get()] == 1 { weight } else { 0 };
                for level in window.clone() {
                    added[level] += if count[level][ix.get()] == 0 { weight } else { 0 };
                }
            }
            let best = window.filter(|&level| level != from).min_by_key(|&level| added[level]);
            if let Some(to) = best.filter(|&to| added[to] < saved) {
                for ix in rebuilds[unit].iter() {
                    count[from][ix.get()] -= 1;
                    count[to][ix.get()] += 1;
                }
                units.levels[unit] = to;
                moved += 1;
            }
        }
        if moved == before {
            break;
        }
    }
    moved
}

/// Which units rebuild which.
struct Order {
    before: Vec<Vec<u32>>,
    after: Vec<Vec<u32>>,
}

impl Order {
    fn new(graph: &Graph, units: &Units, rebuilds: &[DerivationSet]) -> Self {
        let count = units.units.len();
        let mut unit_of = vec![u32::MAX; graph.derivation_count()];
        for (at, unit) in units.units.iter().enumerate() {
            for derivation in &unit.derivations {
                unit_of[derivation.get()] = at as u32;
            }
        }
        let (mut before, mut after) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (unit, set) in rebuilds.iter().enumerate() {
            let hit = set.iter().map(|ix| unit_of[ix.get()]).filter(|&hit| hit != u32::MAX && hit as usize != unit);
            let mut hit: Vec<u32> = hit.collect();
            hit.sort_unstable();
            hit.dedup();
            for &later in &hit {
                before[later as usize].push(unit as u32);
            }
            after[unit] = hit;
        }
        Self { before, after }
    }

    /// The levels that a unit may have as the others are.
    fn window(&self, units: &Units, unit: usize, levels: usize) -> std::ops::Range<usize> {
        let level = |&other: &u32| units.levels[other as usize];
        let first = self.before[unit].iter().map(level).max().map_or(0, |last| last + 1);
        let end = self.after[unit].iter().map(level).min().unwrap_or(levels);
        first..end
    }
}
