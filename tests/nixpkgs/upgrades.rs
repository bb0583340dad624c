//! Major waves over all of Nixpkgs: hundreds and thousands of updates, checked by the verifier and by walks over the dump.

use waves_core::analysis::Scope;
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::major::{Cut, MajorWave, Options, PlanFile, Updates, plan, verify};
use waves_core::report::{Format, MajorDetail, MajorReport, write};

use crate::support::{directory, nixpkgs};

/// The plan as its readers get it.
fn file(planned: &MajorWave<'_>) -> PlanFile {
    let mut bytes = Vec::new();
    write(&MajorReport::new(1, planned, MajorDetail { frontier: false, limit: 20 }), Format::Json, None, &mut bytes).expect("writes");
    PlanFile::parse(&bytes, "plan").expect("a plan")
}

/// Plans a list and verifies the plan; as few waves as there can be, each with what the naive walk finds.
fn check(list: &str, scope: Scope) {
    let (Some(nixpkgs), Some(directory)) = (nixpkgs(), directory()) else { return };
    let updates = Updates::read(&directory.join(list)).expect("a list");
    let durations = Durations::read(&[directory.join("durations-synthetic.csv")]).expect("build times");
    let costs = Costs::new(&nixpkgs.graph, Sources { durations: Some(durations), ..Sources::default() }).expect("costs");
    let options = Options { scope, ..Options::default() };
    let planned = plan(&nixpkgs.graph, &updates, Some(&costs), &options).expect("a plan");
    let verified = verify(&nixpkgs.graph, &file(&planned), Some(&costs)).expect("it resolves");
    assert_eq!((verified.flaws, verified.unchecked.len()), (vec![], 1), "{list}");
    assert_eq!(planned.waves.len(), planned.least_waves);
    if scope == Scope::Exact {
        assert_eq!(planned.totals, planned.lower_bound, "the level theorem");
    }
    assert!(planned.lower_bound.seconds <= planned.totals.seconds && planned.totals.seconds <= planned.one_at_a_time.seconds);
    // The curve: from all at once to the plan, never less for more waves.
    assert_eq!(
        (planned.frontier[0].builds, planned.frontier.last().map(|point| point.builds)),
        (planned.all_at_once, Some(planned.totals))
    );
    assert!(planned.frontier.windows(2).all(|pair| pair[0].builds.seconds <= pair[1].builds.seconds));
    for wave in planned.waves.iter().step_by(4) {
        let roots = wave.units.iter().flat_map(|&unit| &planned.units.units[unit].derivations);
        let numbers: Vec<usize> = roots.map(|&ix| nixpkgs.number(nixpkgs.graph.derivation(ix))).collect();
        let (derivations, attributes) = nixpkgs.naive.counts(&nixpkgs.naive.rebuilds(&numbers));
        assert_eq!((wave.builds.derivations, wave.builds.attributes), (derivations as u64, attributes as u64));
    }
    // Any point of the curve is a plan.
    let knee = planned.frontier.iter().find(|point| point.is_knee).expect("it bends");
    let merged = plan(&nixpkgs.graph, &updates, Some(&costs), &Options { cut: Cut::MaxWaves(knee.waves), ..options }).expect("a plan");
    assert_eq!((merged.waves.len(), merged.totals), (knee.waves, knee.builds));
    assert_eq!(verify(&nixpkgs.graph, &file(&merged), Some(&costs)).expect("it resolves").flaws, []);
}

#[test]
fn two_hundred_updates() {
    check("updates-200.csv", Scope::Package);
    check("updates-200.csv", Scope::Exact);
}

#[test]
fn five_thousand_updates() {
    check("updates-5000.csv", Scope::Package);
    check("updates-5000.csv", Scope::Exact);
}
