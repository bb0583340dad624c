//! The library's examples print what a naive reading of the same dumps gives.

#[path = "../../crates/core/examples/constrained_plan.rs"]
#[allow(dead_code, reason = "main is what `cargo run --example` calls")]
mod constrained_plan;
#[path = "../../crates/core/examples/cost_model.rs"]
#[allow(dead_code, reason = "main is what `cargo run --example` calls")]
mod cost_model;
mod naive;
#[path = "../../crates/core/examples/rank.rs"]
#[allow(dead_code, reason = "main is what `cargo run --example` calls")]
mod rank;

use std::collections::BTreeSet;

use naive::Dumps;

/// The columns of what an example prints.
fn rows(report: &str) -> Vec<Vec<&str>> {
    report.lines().map(|line| line.split('\t').collect()).collect()
}

#[test]
fn rank_counts_what_each_package_rebuilds() {
    let dumps = Dumps::read();
    let report = rank::report().expect("the dumps are there");
    let rows = rows(&report);
    assert_eq!(rows.len(), 10);
    let mut last = usize::MAX;
    for row in rows {
        let [derivations, attributes, label] = row[..] else { panic!("{row:?}") };
        let rebuilt = dumps.rebuilt(&dumps.package(label), &BTreeSet::new());
        assert_eq!(derivations, rebuilt.len().to_string(), "{label}");
        assert_eq!(attributes, dumps.attributes_of(&rebuilt).to_string(), "{label}");
        assert!(rebuilt.len() <= last, "{label}");
        last = rebuilt.len();
    }
    // Nothing that is left out rebuilds more.
    let most = |package: &BTreeSet<String>| dumps.rebuilt(package, &BTreeSet::new()).len();
    let above = dumps.packages().iter().filter(|package| dumps.attributes_of(package) > 0 && most(package) > last).count();
    assert!(above <= 10, "{above}");
}

#[test]
fn cost_model_adds_up_its_own_costs() {
    let dumps = Dumps::read();
    let report = cost_model::report().expect("the dumps are there");
    let rows = rows(&report);
    assert_eq!(rows.len(), 10);
    for row in rows {
        let [cost, outputs, label] = row[..] else { panic!("{row:?}") };
        let rebuilt = dumps.rebuilt(&dumps.package(label), &BTreeSet::new());
        let expected: u64 = rebuilt.iter().map(|path| dumps.cores(path)).sum();
        assert_eq!(cost, expected.to_string(), "{label}");
        assert_eq!(outputs, rebuilt.iter().map(|path| dumps.outputs(path)).sum::<usize>().to_string(), "{label}");
    }
}

#[test]
fn constrained_plan_keeps_to_its_constraints() {
    let dumps = Dumps::read();
    let report = constrained_plan::report().expect("the dumps are there");
    let (waves, pins): (Vec<_>, Vec<_>) = rows(&report).into_iter().partition(|row| row.len() == 3);
    assert_eq!(waves.len(), 3);
    let pinned = dumps.package("python311Packages.torch");
    assert!(pins.len() == 1 && pins[0][0].starts_with("python311Packages.torch is not rebuilt: saves "), "{pins:?}");
    let mut updated = BTreeSet::new();
    let mut locked = BTreeSet::new();
    for wave in &waves {
        let [name, derivations, packages] = wave[..] else { panic!("{wave:?}") };
        let targets: BTreeSet<String> = packages.split(' ').flat_map(|package| dumps.package(package)).collect();
        let rebuilt = dumps.rebuilt(&targets, &pinned);
        assert_eq!(derivations, rebuilt.len().to_string(), "{name}");
        assert!(rebuilt.is_disjoint(&pinned), "{name}");
        // What an earlier wave updated stays as it is.
        assert!(rebuilt.is_disjoint(&locked), "{name}");
        locked.extend(targets);
        updated.extend(packages.split(' '));
    }
    let wanted = std::fs::read_to_string(naive::dump("updates.csv")).expect("it is there");
    let wanted: BTreeSet<&str> = wanted.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(updated, wanted);
}
