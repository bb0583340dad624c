//! Levels, waves and cycles, and that the verifier accepts a right plan and no wrong one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::graph::PackageIx;
use waves_core::plan::{Plan, PlanOptions, Violation, plan, verify};

use crate::model::PackageSet;
use crate::strategy::with_roots;
use crate::support::Imported;

fn plan_of<'g>(imported: &'g Imported, roots: &BTreeSet<usize>, max_waves: usize) -> Plan<'g> {
    let options = PlanOptions { max_waves, ..PlanOptions::default() };
    plan(&imported.graph, vec![imported.root(roots.iter().copied())], &options).expect("it has edges")
}

/// Packages that reach each other through edges among `members`, by trying all pairs of packages again and again.
fn cycles(imported: &Imported, set: &PackageSet, members: &BTreeSet<usize>) -> BTreeSet<BTreeSet<PackageIx>> {
    let package = |at: usize| imported.graph.derivation(imported.ix(at)).package().ix();
    let packages: BTreeSet<PackageIx> = members.iter().map(|&at| package(at)).collect();
    let edges = members.iter().flat_map(|&input| set.users(input).filter(|user| members.contains(user)).map(move |user| (input, user)));
    let mut reaches: BTreeSet<(PackageIx, PackageIx)> = edges.map(|(input, user)| (package(input), package(user))).collect();
    for &through in &packages {
        let before: Vec<_> = reaches.iter().filter(|(_, to)| *to == through).map(|(from, _)| *from).collect();
        let behind: Vec<_> = reaches.iter().filter(|(from, _)| *from == through).map(|(_, to)| *to).collect();
        reaches.extend(before.iter().flat_map(|&from| behind.iter().map(move |&to| (from, to))));
    }
    let mutual = |a: PackageIx, b: PackageIx| a == b || (reaches.contains(&(a, b)) && reaches.contains(&(b, a)));
    let component = |&a: &PackageIx| packages.iter().copied().filter(|&b| mutual(a, b)).collect::<BTreeSet<_>>();
    packages.iter().map(component).filter(|component| component.len() > 1).collect()
}

/// The least sum of squares of any cut into so many runs, by trying all.
fn least_cost(work: &[u64], runs: usize) -> u64 {
    let cost = |run: &[u64]| run.iter().sum::<u64>().pow(2);
    if runs == 1 {
        return cost(work);
    }
    (1..=work.len() + 1 - runs).map(|end| cost(&work[..end]) + least_cost(&work[end..], runs - 1)).min().expect("a run for each")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn levels_are_longest_chains((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let plan = plan_of(&imported, &roots, 4);
        let members = set.rebuilds(roots);
        let mut known = BTreeMap::new();
        let expected: BTreeMap<usize, usize> = members.iter().map(|&at| (at, set.level(&members, at, &mut known))).collect();
        let level = |(level, derivations): (usize, &Vec<_>)| derivations.iter().map(|&ix| (imported.at(ix), level)).collect::<Vec<_>>();
        let found: BTreeMap<usize, usize> = plan.levels.iter().enumerate().flat_map(level).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(plan.levels.iter().map(Vec::len).sum::<usize>(), members.len());
    }

    #[test]
    fn a_plan_passes_its_verification((set, roots) in with_roots(40), max_waves in 1_usize..6) {
        let imported = Imported::new(&set);
        let plan = plan_of(&imported, &roots, max_waves);
        prop_assert_eq!(verify(&imported.graph, &plan), []);
        prop_assert_eq!(plan.waves.len(), max_waves.min(plan.levels.len()));
    }

    /// No other cut of the levels is more even, where a level is as much work as a hundred derivations, and its own.
    #[test]
    fn waves_are_as_even_as_they_can_be((set, roots) in with_roots(40), max_waves in 1_usize..6) {
        let imported = Imported::new(&set);
        let plan = plan_of(&imported, &roots, max_waves);
        let work: Vec<u64> = plan.levels.iter().map(|level| 100 + level.len() as u64).collect();
        let cost = plan.waves.iter().map(|wave| work[wave.levels.clone()].iter().sum::<u64>().pow(2)).sum::<u64>();
        prop_assert_eq!(cost, least_cost(&work, plan.waves.len()));
    }

    /// What is between two derivations may be cut out of a plan, but the later still needs the earlier.
    #[test]
    fn a_plan_that_is_cut_keeps_the_order(
        (set, roots) in with_roots(40),
        depth in prop::option::of(0_usize..4),
        system in prop::option::of(Just("x86_64-linux")),
    ) {
        let imported = Imported::new(&set);
        let options = PlanOptions { max_waves: 3, depth, system };
        let plan = plan(&imported.graph, vec![imported.root(roots.iter().copied())], &options).expect("it has edges");
        let near = PackageSet::distances(roots, |at| set.users(at));
        let has_system = |at: usize| system.is_none_or(|system| set.derivations[at].system == system);
        let is_kept = |at: usize| has_system(at) && depth.is_none_or(|depth| near[&at] <= depth);
        let level = |(level, derivations): (usize, &Vec<_>)| derivations.iter().map(|&ix| (imported.at(ix), level)).collect::<Vec<_>>();
        let levels: BTreeMap<usize, usize> = plan.levels.iter().enumerate().flat_map(level).collect();
        prop_assert_eq!(levels.keys().copied().collect::<Vec<_>>(), near.keys().copied().filter(|&at| is_kept(at)).collect::<Vec<_>>());
        for (&earlier, level) in &levels {
            let later = set.rebuilds([earlier]).into_iter().filter(|&at| at != earlier);
            prop_assert!(later.filter_map(|at| levels.get(&at)).all(|later| later > level));
        }
        prop_assert!(plan.levels.iter().all(|level| !level.is_empty()));
    }

    #[test]
    fn waves_hold_what_they_say((set, roots) in with_roots(40), max_waves in 1_usize..6) {
        let imported = Imported::new(&set);
        let plan = plan_of(&imported, &roots, max_waves);
        let mut done = BTreeSet::new();
        let mut complete = BTreeSet::new();
        let rebuilt = set.rebuilds(roots);
        for wave in &plan.waves {
            let members: BTreeSet<usize> = plan.levels[wave.levels.clone()].iter().flatten().map(|&ix| imported.at(ix)).collect();
            let counts = (wave.counts.derivations, wave.counts.attributes, wave.counts.outputs);
            prop_assert_eq!(counts, (members.len(), set.attributes_of(&members), set.outputs_of(&members)));
            done.extend(members);
            // Complete: nothing of the package is rebuilt later.
            let is_complete = |package: &&BTreeSet<usize>| {
                !package.is_disjoint(&done) && package.intersection(&rebuilt).all(|at| done.contains(at))
            };
            let now: BTreeSet<PackageIx> = set
                .packages()
                .iter()
                .filter(is_complete)
                .filter_map(|package| package.first().map(|&at| imported.graph.derivation(imported.ix(at)).package().ix()))
                .collect();
            prop_assert_eq!(wave.packages.iter().copied().collect::<BTreeSet<_>>(), now.difference(&complete).copied().collect());
            complete = now;
        }
    }

    #[test]
    fn cycles_are_packages_that_reach_each_other((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let plan = plan_of(&imported, &roots, 3);
        let expected = cycles(&imported, &set, &set.rebuilds(roots));
        let found: BTreeSet<BTreeSet<_>> = plan.cycles.iter().map(|cycle| cycle.packages.iter().copied().collect()).collect();
        prop_assert_eq!(found, expected);
        for cycle in &plan.cycles {
            let is_member = |ix: &&_| cycle.packages.contains(&imported.graph.derivation(**ix).package().ix());
            let held: Vec<usize> =
                plan.waves.iter().map(|wave| plan.levels[wave.levels.clone()].iter().flatten().filter(is_member).count()).collect();
            let span = (held.iter().position(|&held| held > 0), held.iter().rposition(|&held| held > 0));
            prop_assert_eq!((cycle.derivations, span), (held.iter().sum(), (Some(cycle.waves.0), Some(cycle.waves.1))));
        }
    }

    #[test]
    fn a_lost_derivation_is_found((set, roots) in with_roots(40), level: Index, place: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let level = level.index(plan.levels.len());
        let place = place.index(plan.levels[level].len());
        let lost = plan.levels[level].remove(place);
        let name = imported.graph.derivation(lost).base_name();
        prop_assert!(verify(&imported.graph, &plan).contains(&Violation::Lost(name)));
    }

    #[test]
    fn a_repeated_derivation_is_found((set, roots) in with_roots(40), from: Index, place: Index, to: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let (from, to) = (from.index(plan.levels.len()), to.index(plan.levels.len()));
        let twice = plan.levels[from][place.index(plan.levels[from].len())];
        plan.levels[to].push(twice);
        let name = imported.graph.derivation(twice).base_name();
        prop_assert!(verify(&imported.graph, &plan).contains(&Violation::Twice(name)));
    }

    #[test]
    fn a_derivation_that_comes_too_early_is_found((set, roots) in with_roots(40), level: Index, place: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        prop_assume!(plan.levels.len() > 1);
        let level = 1 + level.index(plan.levels.len() - 1);
        let place = place.index(plan.levels[level].len());
        let early = plan.levels[level].remove(place);
        plan.levels[level - 1].push(early);
        let name = imported.graph.derivation(early).base_name();
        let is_found = |violation: &Violation| matches!(violation, Violation::TooEarly { derivation, .. } if *derivation == name);
        prop_assert!(verify(&imported.graph, &plan).iter().any(is_found));
    }

    #[test]
    fn a_derivation_that_is_not_rebuilt_is_found((set, roots) in with_roots(40), level: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let rebuilt = set.rebuilds(roots);
        let other = set.all().find(|at| !rebuilt.contains(at));
        prop_assume!(other.is_some());
        let other = imported.ix(other.unwrap_or_default());
        let level = level.index(plan.levels.len());
        plan.levels[level].push(other);
        let name = imported.graph.derivation(other).base_name();
        prop_assert!(verify(&imported.graph, &plan).contains(&Violation::NotRebuilt(name)));
    }

    #[test]
    fn a_wrong_count_is_found((set, roots) in with_roots(40), wave: Index, which in 0_usize..3) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let number = wave.index(plan.waves.len());
        let counts = &mut plan.waves[number].counts;
        let count = [&mut counts.attributes, &mut counts.derivations, &mut counts.outputs].into_iter().nth(which).expect("of three");
        *count += 1;
        let violation = Violation::Count { wave: number + 1, said: *count, held: *count - 1 };
        prop_assert_eq!(verify(&imported.graph, &plan), [violation]);
    }

    #[test]
    fn a_level_in_no_wave_is_found((set, roots) in with_roots(40), wave: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let wave = wave.index(plan.waves.len());
        let lost = plan.waves.remove(wave).levels.start;
        prop_assert!(verify(&imported.graph, &plan).contains(&Violation::Level(lost)));
    }

    #[test]
    fn a_lost_level_is_found((set, roots) in with_roots(40), level: Index) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let level = level.index(plan.levels.len());
        let lost = plan.levels.remove(level);
        let name = imported.graph.derivation(lost[0]).base_name();
        prop_assert!(verify(&imported.graph, &plan).contains(&Violation::Lost(name)));
    }

    #[test]
    fn a_package_in_two_waves_is_found((set, roots) in with_roots(40)) {
        let imported = Imported::new(&set);
        let mut plan = plan_of(&imported, &roots, 3);
        let package = plan.waves[0].packages.first().copied();
        prop_assume!(package.is_some());
        plan.waves.last_mut().expect("a wave").packages.extend(package);
        prop_assert!(matches!(verify(&imported.graph, &plan)[..], [Violation::Twice(_)]));
    }
}
