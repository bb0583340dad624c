//! Estimates of what packages of a whole evaluation rebuild, against exact sums.

use waves_core::cost::{Costs, Durations, Sources};
use waves_core::graph::{Package, Precision};

use crate::support::{directory, nixpkgs};

/// What is rebuilt by hubs; of less, the estimate is nearly exact, for the package's own share is known.
const HUB: u32 = 1_000;

#[test]
fn estimates_err_as_they_say() {
    let (Some(nixpkgs), Some(directory)) = (nixpkgs(), directory()) else { return };
    let graph = &nixpkgs.graph;
    let durations = Durations::read(&[directory.join("durations-synthetic.csv")]).expect("build times");
    let costs = Costs::new(graph, Sources { durations: Some(durations), ..Sources::default() }).expect("costs");
    let packages: Vec<Package<'_>> = graph.packages().collect();
    let exact = costs.closures(&packages);
    for rounds in [64, 256] {
        let estimates = costs.estimate_closures(Precision::of_rounds(rounds));
        let error = estimates.precision().relative_standard_error();
        for least in [1, HUB] {
            // Errors in standard errors.
            let ranked = packages.iter().zip(&exact).filter(|(package, _)| package.rebuilt_derivations() >= least);
            let errors: Vec<f64> = ranked
                .map(|(package, exact)| (estimates.of(package.ix()).seconds as f64 / exact.seconds as f64 - 1.0).abs() / error)
                .collect();
            let share = |bound: f64| errors.iter().filter(|&&error| error <= bound).count() as f64 / errors.len() as f64;
            let shares = [1.0, 2.0, 3.0].map(share);
            println!(
                "{rounds} rounds, {} packages that rebuild {least} or more: {:.1} %, {:.1} %, {:.1} % within 1, 2, 3 standard errors of {:.1} %",
                errors.len(),
                shares[0] * 100.0,
                shares[1] * 100.0,
                shares[2] * 100.0,
                error * 100.0
            );
            // Of a normal error 68 %, 95 %, 99.7 %. Hubs have most of what they rebuild in common, and err together: one draw
            // decides where most of them are, so that only the third is sure.
            assert!(shares[2] >= 0.99 && (least == HUB || shares[0] >= 0.6 && shares[1] >= 0.9));
        }
    }
}
