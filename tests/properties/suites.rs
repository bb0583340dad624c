//! Tests of a change within a budget, against every choice that there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use waves_core::analysis::Root;
use waves_core::suite::{Recursion, Suite, SuiteOptions, WEIGHT_UNIT, suite, verify};

use crate::model::PackageSet;
use crate::strategy::with_roots;
use crate::support::{Imported, import};

/// What nixpkgs says of attributes: 0 to 2 nothing, then each reason to leave one out.
const BROKEN: usize = 3;
const UNFREE: usize = 4;
const OFF_HYDRA: usize = 5;

/// A package set, its roots, and what is said of each attribute.
#[derive(Clone, Debug)]
struct Case {
    set: PackageSet,
    roots: BTreeSet<usize>,
    flags: Vec<usize>,
}

fn cases(derivations: usize) -> impl Strategy<Value = Case> {
    (with_roots(derivations), vec(0_usize..9, derivations)).prop_map(|((set, roots), flags)| Case { set, roots, flags })
}

impl Case {
    fn imported(&self) -> Imported {
        let flagged = |(line, &flag): (String, &usize)| {
            let mut job: Value = serde_json::from_str(&line).expect("a line");
            if job.get("meta").is_some() {
                match flag {
                    BROKEN => job["meta"]["broken"] = json!(true),
                    UNFREE => job["meta"]["unfree"] = json!(true),
                    OFF_HYDRA => job["meta"]["hydraPlatforms"] = json!([]),
                    _ => {}
                }
            }
            job.to_string()
        };
        let jobs: Vec<String> = self.set.job_lines().into_iter().zip(&self.flags).map(flagged).collect();
        Imported::with_jobs(&self.set, &jobs)
    }

    fn flags_of(&self, at: usize) -> Vec<usize> {
        let attributes = self.set.attributes.iter().zip(&self.flags);
        attributes.filter(|(attribute, _)| attribute.derivation == Ok(at)).map(|(_, &flag)| flag).collect()
    }

    fn is_refused(&self, at: usize) -> bool {
        let flags = self.flags_of(at);
        !flags.is_empty() && flags.iter().all(|flag| [BROKEN, UNFREE].contains(flag))
    }

    /// What has to be built for a derivation, roots aside.
    fn on_the_way(&self, at: usize, rebuilt: &BTreeSet<usize>) -> BTreeSet<usize> {
        rebuilt.iter().copied().filter(|&other| !self.roots.contains(&other) && self.set.rebuilds([other]).contains(&at)).collect()
    }

    /// Each derivation that may be a test, with what has to be built for it.
    fn targets(&self) -> BTreeMap<usize, BTreeSet<usize>> {
        let rebuilt = self.set.rebuilds(self.roots.iter().copied());
        let is_built = |at: usize| self.flags_of(at).iter().any(|flag| ![BROKEN, UNFREE, OFF_HYDRA].contains(flag));
        let dependents = rebuilt.iter().copied().filter(|at| !self.roots.contains(at) && is_built(*at));
        let closures = dependents.map(|at| (at, self.on_the_way(at, &rebuilt)));
        closures.filter(|(_, closure)| !closure.iter().any(|&other| self.is_refused(other))).collect()
    }

    fn weights(&self, decay: f64) -> BTreeMap<usize, u64> {
        let near = PackageSet::distances(self.roots.iter().copied(), |at| self.set.users(at));
        let weight = |(&at, &distance): (&usize, &usize)| {
            let importance = 1.0 + (1.0 + self.set.rebuilds([at]).len() as f64).ln();
            #[expect(clippy::cast_sign_loss, reason = "no weight is negative")]
            let weight = (importance * decay.powf(distance as f64 - 1.0) / WEIGHT_UNIT).round() as u64;
            (at, weight)
        };
        near.iter().filter(|&(_, &distance)| distance > 0).map(weight).collect()
    }

    /// The weight of the best choice of tests, by trying all.
    fn optimum(&self, budget: u64, max_tests: usize, weights: &BTreeMap<usize, u64>) -> u64 {
        let targets: Vec<BTreeSet<usize>> = self.targets().into_values().collect();
        let choices = (0..1_u32 << targets.len()).filter(|choice| choice.count_ones() as usize <= max_tests);
        let built = |choice: u32| {
            let chosen = targets.iter().enumerate().filter(move |(at, _)| choice >> at & 1 == 1);
            chosen.flat_map(|(_, closure)| closure.iter().copied()).collect::<BTreeSet<usize>>()
        };
        let affordable = choices.map(built).filter(|built| built.len() as u64 <= budget);
        affordable.map(|built| built.iter().map(|at| weights[at]).sum()).max().unwrap_or(0)
    }
}

fn found<'g>(imported: &'g Imported, roots: &[Root], options: &SuiteOptions<'_>) -> Suite<'g> {
    suite(&imported.graph, roots, options).expect("it has edges")
}

/// Rounding of the two logarithms may differ in the last unit of each weight.
fn nearly(one: u64, other: u64, terms: usize) -> bool {
    one.abs_diff(other) <= terms as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn between_nothing_and_the_bound_lies_the_best(
        case in cases(15),
        budget in 1_u64..14,
        max_tests in prop::option::of(1_usize..4),
        decay in prop::sample::select(&[1.0, 0.5, 0.1][..]),
    ) {
        prop_assume!(case.targets().len() <= 12);
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let options = SuiteOptions { budget, max_tests, decay, ..SuiteOptions::default() };
        let suite = found(&imported, &roots, &options);
        prop_assert_eq!(verify(&imported.graph, &roots, &options, &suite), []);
        let weights = case.weights(decay);
        let optimum = case.optimum(budget, max_tests.unwrap_or(usize::MAX), &weights);
        prop_assert!(suite.weight <= optimum + weights.len() as u64, "{} > {}", suite.weight, optimum);
        prop_assert!(optimum <= suite.bound + weights.len() as u64, "{} > {}", optimum, suite.bound);
        prop_assert!(nearly(suite.total_weight, weights.values().sum(), weights.len()));
        let targets = case.targets();
        let built: BTreeSet<usize> = suite.tests.iter().flat_map(|test| targets[&imported.at(test.derivation)].clone()).collect();
        prop_assert_eq!(imported.ats(&suite.selected), built);
        prop_assert_eq!(suite.tests.is_empty(), targets.values().all(|closure| closure.len() as u64 > budget));
    }

    /// Everything is chosen if the budget is large enough, and then the bound is what is chosen.
    #[test]
    fn a_large_budget_takes_everything(case in cases(30)) {
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let options = SuiteOptions { budget: 1000, ..SuiteOptions::default() };
        let suite = found(&imported, &roots, &options);
        let all: BTreeSet<usize> = case.targets().into_values().flatten().collect();
        prop_assert_eq!(imported.ats(&suite.selected), all);
        prop_assert_eq!(suite.weight, suite.bound);
        prop_assert_eq!(suite.candidates.affordable, case.targets().len());
        let rebuilt = case.set.rebuilds(case.roots.iter().copied());
        let named = rebuilt.difference(&case.roots).filter(|&&at| !case.flags_of(at).is_empty()).count();
        let candidates = suite.candidates;
        prop_assert_eq!(candidates.named, named);
        prop_assert_eq!(candidates.left_out + candidates.refused + candidates.too_dear + candidates.affordable, named);
    }

    /// Without anything on the way to a test, and with any number of them, greed with the best single test is half of the best.
    #[test]
    fn half_of_the_best_if_nothing_is_shared(case in cases(15), budget in 1_u64..14) {
        let alone = case.targets().into_values().all(|closure| closure.len() == 1);
        prop_assume!(alone && case.targets().len() <= 12);
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let suite = found(&imported, &roots, &SuiteOptions { budget, ..SuiteOptions::default() });
        prop_assert!(2 * suite.weight + 30 >= case.optimum(budget, usize::MAX, &case.weights(0.5)));
    }

    #[test]
    fn what_the_root_needs_would_recurse(case in cases(30)) {
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let suite = found(&imported, &roots, &SuiteOptions { budget: 1000, ..SuiteOptions::default() });
        let reach = |next: &dyn Fn(usize) -> Vec<usize>| {
            let mut seen = case.roots.clone();
            let mut rest: Vec<usize> = seen.iter().copied().collect();
            while let Some(at) = rest.pop() {
                rest.extend(next(at).into_iter().filter(|&near| seen.insert(near)));
            }
            seen
        };
        let inputs = |at: usize| case.set.derivations[at].inputs.keys().copied().collect::<Vec<usize>>();
        let built = reach(&|at| if case.set.derivations[at].is_fixed { Vec::new() } else { inputs(at) });
        let fetched = reach(&inputs);
        let packages = case.set.packages();
        for test in &suite.tests {
            let at = imported.at(test.derivation);
            let package = packages.iter().find(|package| package.contains(&at)).expect("it is in a package");
            let expected = match (package.is_disjoint(&built), package.is_disjoint(&fetched)) {
                (false, _) => Some(Recursion::Build),
                (true, false) => Some(Recursion::Fetch),
                (true, true) => None,
            };
            prop_assert_eq!(test.recursion, expected);
        }
    }

    /// Tests that are there are found by what they build, whatever they are called in the other evaluation.
    #[test]
    fn existing_tests_are_found_by_what_they_build(case in cases(30), mask in any::<u32>()) {
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let named = case.roots.iter().flat_map(|&root| case.set.attributes.iter().filter(move |attribute| attribute.derivation == Ok(root)));
        let Some(name) = named.map(|attribute| attribute.dotted()).next() else { return Ok(()) };
        let picked: BTreeSet<usize> = case.set.all().filter(|at| mask >> (at % 32) & 1 == 1).collect();
        let job = |at: usize, attr: &str| {
            json!({
                "attr": format!("{attr}.t{at}"), "name": case.set.name(at), "system": case.set.derivations[at].system,
                "drvPath": case.set.drv_path(at), "outputs": { "out": case.set.output_path(at, case.set.derivations[at].outputs[0]) },
            })
        };
        let lines: Vec<String> = picked
            .iter()
            .map(|&at| job(at, &format!("{name}.tests")).to_string())
            .chain([job(0, "other-package.tests").to_string(), job(0, &format!("{name}.testsuite")).to_string()])
            .collect();
        let tests = import(&[("tests.jsonl", lines.join("\n"))]);
        let options = SuiteOptions { budget: 1000, tests: Some(&tests), ..SuiteOptions::default() };
        let suite = found(&imported, &roots, &options);
        let existing = suite.existing.expect("tests were given");
        // Two derivations may build the same outputs: then one stands for both.
        let outputs = |at: usize| case.set.output_paths(at).into_iter().collect::<BTreeSet<String>>();
        let has_twin = case.set.all().any(|at| case.set.derivations[at].twin.is_some());
        prop_assert_eq!(existing.tests, picked.len());
        if !has_twin {
            let rebuilt = case.set.rebuilds(case.roots.iter().copied());
            let hit: BTreeSet<usize> = picked.intersection(&rebuilt).copied().collect();
            prop_assert_eq!(existing.rebuilt, hit.len());
            for test in &suite.tests {
                prop_assert_eq!(test.is_test, hit.contains(&imported.at(test.derivation)), "{:?}", outputs(imported.at(test.derivation)));
            }
            let built: BTreeSet<usize> = hit.iter().flat_map(|&at| case.on_the_way(at, &rebuilt)).collect();
            prop_assert_eq!(existing.cost, built.len() as u64);
        }
    }
}

/// The figures of docs/algorithms.md.
#[test]
fn how_good_choices_are() {
    let mut runner = TestRunner::deterministic();
    let strategy = (cases(15), 1_u64..10);
    let (mut all, mut best, mut tight, mut worst, mut gap) = (0, 0, 0, 1.0_f64, 1.0_f64);
    while all < 500 {
        let (case, budget) = strategy.new_tree(&mut runner).expect("a case").current();
        let targets = case.targets();
        if targets.len() < 3 || targets.len() > 12 {
            continue;
        }
        let imported = case.imported();
        let roots = [imported.root(case.roots.iter().copied())];
        let options = SuiteOptions { budget, ..SuiteOptions::default() };
        let suite = found(&imported, &roots, &options);
        let slack = targets.values().flatten().count() as u64;
        let optimum = case.optimum(budget, usize::MAX, &case.weights(options.decay));
        if optimum == 0 || optimum == case.weights(options.decay).values().sum::<u64>() {
            continue;
        }
        all += 1;
        best += usize::from(suite.weight + slack >= optimum);
        tight += usize::from(suite.bound <= optimum + slack);
        worst = worst.min(suite.weight as f64 / optimum as f64);
        gap = gap.max(suite.bound as f64 / optimum as f64);
    }
    let line =
        format!("the best in {best} of {all} random cases, at worst {worst:.2} of it; the bound is it in {tight}, at worst {gap:.2} of it");
    println!("{line}");
    let documented = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/algorithms.md")).expect("the document");
    assert!(documented.contains(&line), "docs/algorithms.md does not say: {line}");
}
