//! How often packages are taken: the best rates, turns near them, and what they cost on random package sets.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use waves_core::analysis::Scope;
use waves_core::cadence::{CadenceOptions, Release, Releaser, cadence, rates};

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

    /// Against a cycle of all turns, wave by wave: what is due then is rebuilt once, and no more often than there are releases.
    #[test]
    fn turns_keep_to_the_budget_and_no_turn_can_be_halved(set in package_sets(40), days in vec(1_u32..100, 40), share in 4_u32..120) {
        let imported = Imported::new(&set);
        let roots: Vec<usize> = set.all().step_by(3).take(6).collect();
        let days: Vec<f64> = roots.iter().map(|&at| f64::from(days[at])).collect();
        let rebuilds: Vec<BTreeSet<usize>> = roots.iter().map(|&at| set.rebuilds([at])).collect();
        let releasers: Vec<Releaser> = roots
            .iter()
            .zip(&days)
            .map(|(&at, &days)| Releaser { package: set.drv_path(at), weight: 1.0, days, releases: Vec::new(), unread: 0 })
            .collect();
        let all: f64 = rebuilds.iter().zip(&days).map(|(rebuilds, days)| rebuilds.len() as f64 / days).sum();
        let budget = all * f64::from(share) / 100.0;
        let options = CadenceOptions { budget, costs: None, wave_days: 7, scope: Scope::Exact, system: None };
        let found = cadence(&imported.graph, &releasers, &options).expect("they are in it");
        prop_assert!((found.each_per_day - all).abs() <= 1e-9 * all);
        let turn_of = |at: usize| found.packages.iter().find(|turn| turn.releaser.package == set.drv_path(at)).expect("it is there");
        for (&at, rebuilds) in roots.iter().zip(&rebuilds) {
            prop_assert!((turn_of(at).cost - rebuilds.len() as f64).abs() < 1e-9);
        }
        let turns: Vec<usize> = roots.iter().map(|&at| whole(turn_of(at).days / 7.0)).collect();
        let waves = turns.iter().copied().max().unwrap_or(1);
        prop_assume!(waves <= 1 << 10);
        let per_day = |turns: &[usize]| {
            let of_derivation = |derivation: usize| {
                let packages: Vec<usize> = (0..roots.len()).filter(|&package| rebuilds[package].contains(&derivation)).collect();
                let due = (0..waves).filter(|wave| packages.iter().any(|&package| wave.is_multiple_of(turns[package]))).count();
                let releases = packages.iter().map(|&package| 1.0 / (7.0 * turns[package] as f64).max(days[package])).sum::<f64>();
                releases.min(due as f64 / (7.0 * waves as f64))
            };
            set.all().map(of_derivation).sum::<f64>()
        };
        let used = per_day(&turns);
        prop_assert!((found.together_per_day - used).abs() <= 1e-9 * (1.0 + used), "{used}");
        prop_assert!(used <= budget * (1.0 + 1e-9), "{used} of {budget}");
        if per_day(&vec![1; turns.len()]) <= budget * (1.0 - 1e-9) {
            prop_assert!(turns.iter().all(|&turn| turn == 1));
        }
        // What takes each release already gains nothing by more turns.
        for at in (0..turns.len()).filter(|&at| turns[at] > 1 && 7.0 * turns[at] as f64 > days[at]) {
            let mut more = turns.clone();
            more[at] /= 2;
            prop_assert!(per_day(&more) > budget * (1.0 - 1e-9), "{at}");
        }
        // With budget for all, each is taken at the first wave behind it, or before the next of them.
        if share >= 100 {
            prop_assert!((0..turns.len()).all(|at| turns[at] == 1 || 7.0 * turns[at] as f64 <= days[at] * (1.0 + 1e-9)));
        }
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
