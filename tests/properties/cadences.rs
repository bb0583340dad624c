//! How often packages are taken: the best rates, turns near them, and what they cost on random package sets.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use waves_core::analysis::Scope;
use waves_core::cadence::{CadenceOptions, Release, Releaser, cadence, rates, turns};

use crate::strategy::package_sets;
use crate::support::Imported;

/// Cost, weight and days from one release to the next, of each package.
fn packages() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    vec((1_u32..100_000, 1_u32..50, 1_u32..400), 1..9).prop_map(|packages| {
        packages.into_iter().map(|(cost, weight, days)| (f64::from(cost), f64::from(weight) / 10.0, f64::from(days))).collect()
    })
}

fn columns(packages: &[(f64, f64, f64)]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let caps = packages.iter().map(|(_, _, days)| 1.0 / days).collect();
    (packages.iter().map(|package| package.0).collect(), packages.iter().map(|package| package.1).collect(), caps)
}

#[expect(clippy::cast_sign_loss, reason = "turns are longer than nothing")]
fn whole(waves: f64) -> usize {
    waves.round() as usize
}

/// What being behind costs a day.
fn behind(weights: &[f64], rates: &[f64]) -> f64 {
    weights.iter().zip(rates).map(|(weight, rate)| weight / (2.0 * rate)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_budget_is_used_and_no_cap_is_exceeded(packages in packages(), share in 1_u32..200) {
        let (costs, weights, caps) = columns(&packages);
        let all: f64 = costs.iter().zip(&caps).map(|(cost, cap)| cost * cap).sum();
        let budget = all * f64::from(share) / 100.0;
        let rates = rates(&costs, &weights, &caps, budget);
        let used: f64 = rates.iter().zip(&costs).map(|(rate, cost)| rate * cost).sum();
        prop_assert!((used - budget.min(all)).abs() <= 1e-9 * budget, "{used} of {budget}");
        prop_assert!(rates.iter().zip(&caps).all(|(rate, cap)| *rate > 0.0 && rate <= cap));
    }

    /// Whatever is moved from one package to another, being behind costs as much at least.
    #[test]
    fn no_reallocation_improves(packages in packages(), share in 1_u32..200, step in 1_u32..1000) {
        let (costs, weights, caps) = columns(&packages);
        let all: f64 = costs.iter().zip(&caps).map(|(cost, cap)| cost * cap).sum();
        let rates = rates(&costs, &weights, &caps, all * f64::from(share) / 100.0);
        let best = behind(&weights, &rates);
        for from in 0..rates.len() {
            for to in (0..rates.len()).filter(|&to| to != from) {
                let moved = rates[from] * costs[from] * f64::from(step) / 1001.0;
                let mut other = rates.clone();
                other[from] -= moved / costs[from];
                other[to] += moved / costs[to];
                if other[to] <= caps[to] {
                    prop_assert!(behind(&weights, &other) >= best * (1.0 - 1e-12), "{from} -> {to}");
                }
            }
        }
    }

    #[test]
    fn turns_keep_to_the_budget_and_no_turn_can_be_halved(packages in packages(), share in 1_u32..200, base in 1_u32..30) {
        let (costs, weights, caps) = columns(&packages);
        let all: f64 = costs.iter().zip(&caps).map(|(cost, cap)| cost * cap).sum();
        let (budget, base) = (all * f64::from(share) / 100.0, f64::from(base));
        let best = rates(&costs, &weights, &caps, budget);
        let turns = turns(&costs, &weights, &caps, &best, base, budget);
        let per_day = |at: usize, exponent: u32| costs[at] * (1.0 / (base * f64::from(exponent).exp2())).min(caps[at]);
        let used: f64 = (0..costs.len()).map(|at| per_day(at, turns[at])).sum();
        prop_assert!(used <= budget * (1.0 + 1e-9), "{used} of {budget}");
        for at in (0..costs.len()).filter(|&at| turns[at] > 0) {
            let more = per_day(at, turns[at] - 1) - per_day(at, turns[at]);
            prop_assert!(more == 0.0 || used + more > budget * (1.0 - 1e-9), "{at}");
        }
        // With budget for all, each is taken at the first wave behind it, or before the next of them.
        if share >= 100 {
            prop_assert!((0..costs.len()).all(|at| turns[at] == 0 || base * f64::from(turns[at]).exp2() <= 1.0 / caps[at] * (1.0 + 1e-9)));
        }
    }

    #[test]
    fn costs_are_those_of_closures_and_of_unions(set in package_sets(40), days in vec(1_u32..100, 40), share in 1_u32..120) {
        let imported = Imported::new(&set);
        let roots: Vec<usize> = set.all().step_by(3).take(6).collect();
        let releasers: Vec<Releaser> = roots
            .iter()
            .map(|&at| Releaser { package: set.drv_path(at), weight: 1.0, days: f64::from(days[at]), releases: Vec::new() })
            .collect();
        let all: f64 = roots.iter().map(|&at| set.rebuilds([at]).len() as f64 / f64::from(days[at])).sum();
        let options =
            CadenceOptions { budget: all * f64::from(share) / 100.0, costs: None, wave_days: 7, scope: Scope::Exact, system: None };
        let found = cadence(&imported.graph, &releasers, &options).expect("they are in it");
        prop_assert!((found.each_per_day - all).abs() <= 1e-9 * all);
        let at = |package: &str| *roots.iter().find(|&&at| set.drv_path(at) == package).expect("one of them");
        for turn in &found.packages {
            prop_assert!((turn.cost - set.rebuilds([at(&turn.releaser.package)]).len() as f64).abs() < 1e-9);
        }
        // A cycle of all turns, wave by wave: what is due then is rebuilt once.
        let longest = found.packages.iter().map(|turn| turn.days).fold(7.0, f64::max);
        let waves = whole(longest / 7.0);
        prop_assume!(waves <= 1 << 12);
        let due = |wave: usize| {
            let due = found.packages.iter().filter(|turn| wave.is_multiple_of(whole(turn.days / 7.0)));
            set.rebuilds(due.map(|turn| at(&turn.releaser.package)).collect::<BTreeSet<usize>>()).len() as f64
        };
        let together = (0..waves).map(due).sum::<f64>() / longest;
        prop_assert!((found.together_per_day - together.min(found.turns_per_day)).abs() <= 1e-6 * (1.0 + together));
    }

    /// Of a list of days, by trying every turn.
    #[test]
    fn the_newest_release_at_a_turn_is_taken(gaps in vec(0_i64..40, 2..20), length in 1_u32..5) {
        let mut day = 20_000;
        let releases: Vec<Release> = gaps
            .iter()
            .enumerate()
            .map(|(at, gap)| {
                day += gap;
                Release { day, version: Some(format!("{at:03}")) }
            })
            .collect();
        let Some(releaser) = Releaser::of("a", 1.0, releases.clone()) else {
            prop_assert!(gaps[1..].iter().all(|&gap| gap == 0));
            return Ok(());
        };
        let span = releases[releases.len() - 1].day - releases[0].day;
        prop_assert!((releaser.days * (releases.len() - 1) as f64 - span as f64).abs() < 1e-6);
        let set = "a";
        let graph = crate::support::import(&[("jobs.jsonl", format!("{{\"attr\":\"{set}\",\"name\":\"a-1\",\"system\":\"x86_64-linux\",\"drvPath\":\"/nix/store/{}-a-1.drv\",\"outputs\":{{\"out\":\"/nix/store/{}-a-1\"}},\"inputDrvs\":{{}}}}", "1".repeat(32), "2".repeat(32)))]);
        let budget = 1.0 / (7.0 * f64::from(1 << length));
        let options = CadenceOptions { budget, costs: None, wave_days: 7, scope: Scope::Package, system: None };
        let found = cadence(&graph, &[releaser], &options).expect("it is in it");
        let turn = &found.packages[0];
        let length = turn.days as i64;
        let taken: BTreeSet<&Release> = (0..=100_000 / length)
            .filter_map(|number| releases.iter().filter(|release| release.day <= number * length).max())
            .collect();
        for (release, is_taken) in turn.taken() {
            let is_last = Some(release) == releases.iter().max();
            prop_assert_eq!(is_taken, (!is_last).then(|| taken.contains(release)));
        }
    }
}
