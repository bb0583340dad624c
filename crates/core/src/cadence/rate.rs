//! The best rates, and turns near them.

use super::load::{Load, Pace};

/// What a load may be above the budget, of it: sums of many fractions are rounded.
const ROUNDING: f64 = 1e-10;

/// How many releases of each package to take in a day, so that the sum of weights times days behind is least.
///
/// A package that is taken `r` times a day is `1 / 2r` days behind on average. The least sum of `weight / 2r` with `sum of r · cost`
/// within the budget has `r` in proportion to √(weight / cost) (by the conditions of Karush, Kuhn and Tucker, the square-root rule), but nothing
/// is taken more often than it releases, its cap: what is over a cap is set to it, and the rest of the budget shared among the others, until none is
/// over. Capping one leaves more for the others, so that a cap is never taken back. All are above 0. O(n²) at worst.
pub fn rates(costs: &[f64], weights: &[f64], caps: &[f64], budget: f64) -> Vec<f64> {
    let mut rates: Vec<Option<f64>> = vec![None; costs.len()];
    loop {
        let capped: f64 = rates.iter().zip(costs).filter_map(|(rate, cost)| Some((*rate)? * cost)).sum();
        let open = || (0..costs.len()).filter(|&at| rates[at].is_none());
        let roots: f64 = open().map(|at| (weights[at] * costs[at]).sqrt()).sum();
        let share = (budget - capped).max(0.0) / roots;
        let rate = |at: usize| share * (weights[at] / costs[at]).sqrt();
        let over: Vec<usize> = open().filter(|&at| rate(at) >= caps[at]).collect();
        if over.is_empty() {
            return (0..costs.len()).map(|at| rates[at].unwrap_or_else(|| rate(at))).collect();
        }
        for at in over {
            rates[at] = Some(caps[at]);
        }
    }
}

/// Turns of `base` days times a power of 2, near the best rates and within the budget: the exponents. The load is of packages that are
/// not taken at all.
///
/// At powers of 2 turns fall together, so that packages share rebuilds (Roundy 1985: the cost of rounding is within 6 % of the best). If every
/// package can have a turn with each wave, it has. Else one whose every release is taken has the longest turn that still takes each, and
/// the others are rounded up to be within the budget, even if nothing were shared; then turns are halved, each time that which gains most for
/// what its package costs by itself, if the budget holds with what is shared. That is greedy, and need not be the best; but no turn that skips
/// releases can be halved at the end, for what does not fit does not fit later either, when others come more often. O(n² log n) at worst, and
/// as many times what [`Load::quicken`] takes as there are halvings and packages.
pub(super) fn turns(idle: &Load<'_>, costs: &[f64], weights: &[f64], caps: &[f64], best: &[f64], base: f64, budget: f64) -> Vec<u32> {
    let budget = budget * (1.0 + ROUNDING);
    let days = |exponent: u32| base * f64::from(exponent).exp2();
    let pace = |at: usize, exponent: u32| Pace::new(days(exponent), caps[at]);
    let load = |exponents: &[u32]| idle.at(exponents.iter().enumerate().map(|(at, &exponent)| pace(at, exponent)));
    let per_day = |at: usize, exponent: u32| costs[at] * pace(at, exponent).releases;
    let with_each_wave = vec![0; costs.len()];
    if load(&with_each_wave).per_day() <= budget {
        return with_each_wave;
    }
    let mut exponents: Vec<u32> = (0..costs.len())
        .map(|at| {
            let waves = (best[at] * base).recip().max(1.0).log2();
            let exponent = if best[at] < caps[at] { waves.ceil() } else { waves.floor() };
            #[expect(clippy::cast_sign_loss, reason = "waves are at least one, so that their logarithm is not negative")]
            let exponent = exponent.min(50.0) as u32;
            exponent
        })
        .collect();
    let mut load = load(&exponents);
    let mut is_open = vec![true; costs.len()];
    loop {
        let halved = |at: usize| {
            let exponent = exponents[at].checked_sub(1).filter(|_| is_open[at])?;
            let cost = per_day(at, exponent) - per_day(at, exponents[at]);
            let gain = weights[at] * (days(exponents[at]) - days(exponent));
            // What takes each release already would only come with fewer others.
            (cost > 0.0).then_some((gain / cost, at))
        };
        let Some((_, at)) = (0..costs.len()).filter_map(halved).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))) else {
            return exponents;
        };
        let exponent = exponents[at] - 1;
        if load.quicken(at, pace(at, exponents[at]), pace(at, exponent), budget) {
            exponents[at] = exponent;
        } else {
            is_open[at] = false;
        }
    }
}
