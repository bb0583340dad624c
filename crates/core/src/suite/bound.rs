//! No choice within the budget has more weight than this.
//!
//! For every λ ≥ 0, a choice `S` that costs at most `B` has a weight of at most `λ B + max (w(T) - λ d(T))` over all closed sets
//! `T` (Lagrangian relaxation of the budget). The maximum is a minimum cut. As a function of λ it is convex and piecewise
//! linear, and each closed set is a line; the least value is where a set within the budget and one above it are equally good.
//! So from two such sets the next λ is where their lines meet, and the search ends when no set is better there
//! (Eisner and Severance 1976). Sets of larger λ lie within those of smaller λ (Gallo, Grigoriadis and Tarjan 1989), so that each
//! cut only decides on what the two do not agree about.

use super::closure::most_profit;
use super::problem::{Problem, Rows};

/// Sets of the cuts that are kept as starts: the last within the budget, and the last above it.
const KEPT_SETS: usize = 3;

/// An upper bound, and closed sets near it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    /// No choice within the budget has more weight.
    pub(super) weight: u64,
    /// Closed sets, by position; some cost more than the budget.
    pub(super) sets: Vec<Vec<bool>>,
}

/// Where a node is in both of the sets that enclose the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Between,
    Outside,
}

/// The least bound over all λ. As many cuts as λ are tried, a dozen in practice, each on fewer nodes.
pub(super) fn bound(problem: &Problem, budget: u64) -> Bound {
    let sum = |keep: &dyn Fn(usize) -> bool| {
        let nodes = (0..problem.members.len()).filter(|&node| keep(node));
        nodes.fold((0_u64, 0_u64), |(weight, cost), node| (weight + problem.weights[node], cost + problem.costs[node]))
    };
    let mut places = vec![Place::Between; problem.members.len()];
    let (mut within, mut above) = ((0_u64, 0_u64), sum(&|_| true));
    if above.1 <= budget {
        return Bound { weight: above.0, sets: vec![vec![true; problem.members.len()]] };
    }
    let (mut sets_within, mut sets_above): (Vec<Vec<bool>>, Vec<Vec<bool>>) = Default::default();
    loop {
        // λ is the quotient of these; both sets have the same value at it, and so has the empty one of what is between.
        let (gain, cost) = (i128::from(above.0 - within.0), i128::from(above.1 - within.1));
        let (chosen, profit) = most_profitable(problem, &places, gain, cost);
        if profit == 0 {
            let weight = i128::from(within.0) + gain * i128::from(budget - within.1) / cost;
            sets_within.reverse();
            sets_within.truncate(KEPT_SETS);
            sets_within.extend(sets_above.pop());
            return Bound { weight: u64::try_from(weight).unwrap_or(u64::MAX), sets: sets_within };
        }
        let total = sum(&|node| chosen[node]);
        let is_within = total.1 <= budget;
        for (place, &chosen) in places.iter_mut().zip(&chosen) {
            match (*place, chosen, is_within) {
                (Place::Between, true, true) => *place = Place::Inside,
                (Place::Between, false, false) => *place = Place::Outside,
                _ => {}
            }
        }
        if is_within {
            within = total;
            sets_within.push(chosen);
        } else {
            above = total;
            sets_above.push(chosen);
        }
    }
}

/// The best closed set that holds what is inside and nothing that is outside, at λ = `gain` / `cost`; and how much better it is
/// than what is inside alone, in units of 1 / `cost`.
fn most_profitable(problem: &Problem, places: &[Place], gain: i128, cost: i128) -> (Vec<bool>, i128) {
    let open: Vec<usize> = (0..places.len()).filter(|&node| places[node] == Place::Between).collect();
    let mut number = vec![0_u32; places.len()];
    for (at, &node) in open.iter().enumerate() {
        number[node] = at as u32;
    }
    let inputs = Rows::new(open.iter().map(|&node| {
        let inputs = problem.inputs.row(node).iter().filter(|&&input| places[input as usize] == Place::Between);
        inputs.map(|&input| number[input as usize])
    }));
    let profits: Vec<i128> =
        open.iter().map(|&node| i128::from(problem.weights[node]) * cost - i128::from(problem.costs[node]) * gain).collect();
    let (chosen, profit) = most_profit(&inputs, &inputs.reversed(), &profits);
    let mut set: Vec<bool> = places.iter().map(|&place| place == Place::Inside).collect();
    for (&node, chosen) in open.iter().zip(chosen) {
        set[node] |= chosen;
    }
    (set, profit)
}
