//! The best rates, and turns near them.

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

/// Turns of `base` days times a power of 2, near the best rates and within the budget: the exponents.
///
/// At powers of 2 turns fall together, so that packages share rebuilds (Roundy 1985: the cost of rounding is within 6 % of the best). A package
/// whose every release is taken has the longest turn that still takes each. The others are rounded up to be within the budget; then
/// turns are halved, each time that which gains most for its cost, as long as the budget holds. If nothing has to be skipped, every turn is one
/// wave. O(n² log n) at worst.
pub fn turns(costs: &[f64], weights: &[f64], caps: &[f64], best: &[f64], base: f64, budget: f64) -> Vec<u32> {
    let days = |exponent: u32| base * f64::from(exponent).exp2();
    let per_day = |at: usize, exponent: u32| costs[at] * days(exponent).recip().min(caps[at]);
    if (0..costs.len()).map(|at| per_day(at, 0)).sum::<f64>() <= budget {
        return vec![0; costs.len()];
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
    let mut left = budget - (0..costs.len()).map(|at| per_day(at, exponents[at])).sum::<f64>();
    loop {
        let halved = |at: usize| {
            let exponent = exponents[at].checked_sub(1)?;
            let cost = per_day(at, exponent) - per_day(at, exponents[at]);
            let gain = weights[at] * (days(exponents[at]) - days(exponent));
            // What takes each release already would only come with fewer others.
            (cost > 0.0 && cost <= left).then_some((gain / cost, cost, at))
        };
        let Some((_, cost, at)) = (0..costs.len()).filter_map(halved).max_by(|a, b| a.0.total_cmp(&b.0).then(b.2.cmp(&a.2))) else {
            return exponents;
        };
        exponents[at] -= 1;
        left -= cost;
    }
}
