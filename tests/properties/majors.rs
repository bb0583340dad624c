//! Major waves: the facts that planning rests on, against every plan that there is on small sets.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use waves_core::analysis::Scope;
use waves_core::config::{AttributePattern, Day, Pin};
use waves_core::graph::DerivationIx;
use waves_core::ledger::upstream;
use waves_core::major::{
    Cut, Flaw, MajorWave, Options, PlanFile, Prices, Runs, Union, Update, Updates, explain, moves, plan, split, verify,
};
use waves_core::report::{Format, MajorDetail, MajorReport, write};

use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::Imported;

/// A set, and positions of what is to be updated.
fn with_updates(derivations: usize, updates: Range<usize>) -> impl Strategy<Value = (PackageSet, BTreeSet<usize>)> {
    (package_sets(derivations), vec(any::<Index>(), updates)).prop_map(|(set, picks)| {
        let picked = picks.iter().map(|pick| pick.index(set.derivations.len())).collect();
        (set, picked)
    })
}

/// A list that names derivations by their paths.
fn list(set: &PackageSet, picked: &BTreeSet<usize>) -> Updates {
    let update = |&at: &usize| Update { package: set.drv_path(at), weight: 1.0, ..Update::default() };
    Updates { updates: picked.iter().map(update).collect(), passed_over: Vec::new() }
}

fn planned<'g>(imported: &'g Imported, list: &Updates, scope: Scope, cut: Cut) -> MajorWave<'g> {
    plan(&imported.graph, list, None, &Options { scope, cut, ..Options::default() }).expect("it has edges")
}

/// The plan as its readers get it.
fn file(planned: &MajorWave<'_>) -> PlanFile {
    let report = MajorReport::new(1, planned, MajorDetail { frontier: false, limit: 20 });
    let mut bytes = Vec::new();
    write(&report, Format::Json, None, &mut bytes).expect("writes");
    PlanFile::parse(&bytes, "plan").expect("a plan")
}

/// The derivations of each unit, by position in the model.
fn units(imported: &Imported, planned: &MajorWave<'_>) -> Vec<BTreeSet<usize>> {
    planned.units.units.iter().map(|unit| unit.derivations.iter().map(|&ix| imported.at(ix)).collect()).collect()
}

/// Most updates on a chain that ends in a derivation.
fn chain(set: &PackageSet, picked: &BTreeSet<usize>, at: usize, known: &mut BTreeMap<usize, u64>) -> u64 {
    if let Some(&chain) = known.get(&at) {
        return chain;
    }
    let inputs = if set.derivations[at].is_fixed { Vec::new() } else { set.derivations[at].inputs.keys().copied().collect() };
    let longest = inputs.into_iter().map(|input| chain(set, picked, input, known)).max().unwrap_or(0);
    let own = longest + u64::from(picked.contains(&at));
    known.insert(at, own);
    own
}

/// Every way to put units into waves, such that each comes behind all that rebuild it: the fewest builds, and the fewest waves.
fn exhaustive(set: &PackageSet, units: &[BTreeSet<usize>]) -> (u64, usize) {
    let rebuilds: Vec<BTreeSet<usize>> = units.iter().map(|unit| set.rebuilds(unit.iter().copied())).collect();
    let is_before = |a: usize, b: usize| a != b && !rebuilds[a].is_disjoint(&units[b]);
    let count = units.len();
    let (mut builds, mut fewest) = (u64::MAX, usize::MAX);
    for code in 0..count.pow(count as u32) {
        let wave = |unit: usize| code / count.pow(unit as u32) % count;
        if (0..count).any(|a| (0..count).any(|b| is_before(a, b) && wave(a) >= wave(b))) {
            continue;
        }
        let used: BTreeSet<usize> = (0..count).map(wave).collect();
        let of_wave =
            |at: &usize| set.rebuilds((0..count).filter(|&unit| wave(unit) == *at).flat_map(|unit| units[unit].iter().copied())).len();
        builds = builds.min(used.iter().map(of_wave).sum::<usize>() as u64);
        fewest = fewest.min(used.len());
    }
    (builds, fewest)
}

/// Every cut of a sequence into a number of runs.
fn cuts(items: Range<usize>, runs: usize) -> Vec<Vec<Range<usize>>> {
    if runs == 1 {
        return vec![vec![items]];
    }
    let ends = items.start + 1..items.end;
    ends.flat_map(|end| {
        let rest = cuts(end..items.end, runs - 1);
        let head = items.start..end;
        rest.into_iter().map(move |tail| std::iter::once(head.clone()).chain(tail).collect())
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// The level theorem: each derivation is built as often as updates lie on the longest chain to it, and no plan that keeps the
    /// lock and whose waves are antichains builds less or has fewer waves.
    #[test]
    fn levels_are_optimal((set, picked) in with_updates(24, 1..6)) {
        let imported = Imported::new(&set);
        let planned = planned(&imported, &list(&set, &picked), Scope::Exact, Cut::Levels);
        let mut known = BTreeMap::new();
        let chains: Vec<u64> = set.all().map(|at| chain(&set, &picked, at, &mut known)).collect();
        prop_assert_eq!(planned.totals.derivations, chains.iter().sum::<u64>());
        prop_assert_eq!(planned.waves.len() as u64, chains.iter().copied().max().unwrap_or(0));
        // The curve: wave i builds what has a chain of i updates at least.
        for (at, wave) in planned.waves.iter().enumerate() {
            let deep = chains.iter().filter(|&&chain| chain > at as u64).count();
            prop_assert_eq!(wave.builds.derivations, deep as u64);
        }
        prop_assert_eq!(planned.lower_bound, planned.totals);
        let units: Vec<BTreeSet<usize>> = picked.iter().map(|&at| BTreeSet::from([at])).collect();
        prop_assert_eq!((planned.totals.derivations, planned.waves.len()), exhaustive(&set, &units));
        // One at a time costs the same in any order.
        let alone: usize = picked.iter().map(|&at| set.rebuilds([at]).len()).sum();
        prop_assert_eq!(planned.one_at_a_time.derivations, alone as u64);
        prop_assert_eq!(planned.all_at_once.derivations, set.rebuilds(picked.iter().copied()).len() as u64);
    }

    /// Of units of several derivations the bound holds, and a plan has as few waves as there can be.
    #[test]
    fn no_plan_is_below_the_bound((set, picked) in with_updates(24, 1..6)) {
        let imported = Imported::new(&set);
        let planned = planned(&imported, &list(&set, &picked), Scope::Package, Cut::Levels);
        let (builds, waves) = exhaustive(&set, &units(&imported, &planned));
        prop_assert!(planned.lower_bound.derivations <= builds);
        prop_assert!(builds <= planned.totals.derivations);
        prop_assert_eq!(planned.waves.len(), waves);
        prop_assert_eq!(planned.least_waves, waves);
    }

    /// Units are what a random walk cannot tell apart: mutual reachability of the updates' packages.
    #[test]
    fn units_are_updates_that_need_each_other((set, picked) in with_updates(30, 1..7)) {
        let imported = Imported::new(&set);
        let planned = planned(&imported, &list(&set, &picked), Scope::Package, Cut::Levels);
        let packages = set.packages();
        let package = |at: usize| packages.iter().find(|package| package.contains(&at)).expect("it has one").clone();
        let members: Vec<BTreeSet<usize>> = picked.iter().map(|&at| package(at)).collect();
        let mut reach: Vec<Vec<bool>> = members
            .iter()
            .map(|from| {
                let rebuilds = set.rebuilds(from.iter().copied());
                members.iter().map(|to| !rebuilds.is_disjoint(to)).collect()
            })
            .collect();
        for through in 0..members.len() {
            for from in 0..members.len() {
                for to in 0..members.len() {
                    reach[from][to] |= reach[from][through] && reach[through][to];
                }
            }
        }
        let expected: BTreeSet<BTreeSet<usize>> =
            (0..members.len()).map(|a| (0..members.len()).filter(|&b| a == b || reach[a][b] && reach[b][a]).collect()).collect();
        let found: BTreeSet<BTreeSet<usize>> = planned.units.units.iter().map(|unit| unit.targets.iter().copied().collect()).collect();
        prop_assert_eq!(found, expected);
        // Each cycle that is named is one, step by step.
        for union in &planned.units.unions {
            if let Union::Cycle { path, .. } = union {
                prop_assert!(path.len() > 2);
                prop_assert_eq!(path.first(), path.last());
            }
        }
    }

    /// The cut into each number of waves is the best of all contiguous ones.
    #[test]
    fn no_merge_is_better((set, picked) in with_updates(30, 2..7)) {
        let imported = Imported::new(&set);
        let list = list(&set, &picked);
        let levels = planned(&imported, &list, Scope::Exact, Cut::Levels);
        let prices = Prices::new(&imported.graph, None);
        let rebuilds: Vec<_> = levels.waves.iter().map(|wave| wave.rebuilds.clone()).collect();
        let runs = Runs::new(&prices, &rebuilds, vec![rebuilds.len(); rebuilds.len()]);
        let of_run = |run: &Range<usize>| {
            let units = levels.waves[run.clone()].iter().flat_map(|wave| &wave.units);
            let members = units.flat_map(|&unit| &levels.units.units[unit].derivations).map(|&ix| imported.at(ix));
            set.rebuilds(members).len() as u64
        };
        for cut in cuts(0..rebuilds.len(), 1.max(rebuilds.len() / 2)) {
            prop_assert!(cut.iter().all(|run| runs.builds(run).derivations == of_run(run)));
        }
        for point in &levels.frontier {
            let best = cuts(0..rebuilds.len(), point.waves).iter().map(|cut| cut.iter().map(of_run).sum::<u64>()).min();
            prop_assert_eq!(Some(point.builds.derivations), best);
            let merged = planned_with(&imported, &list, Cut::MaxWaves(point.waves));
            prop_assert_eq!((merged.waves.len(), merged.totals.derivations), (point.waves, point.builds.derivations));
            let within = planned_with(&imported, &list, Cut::MaxSeconds(point.builds.derivations));
            prop_assert!(within.totals.derivations <= point.builds.derivations && within.waves.len() >= point.waves);
        }
    }

    /// What wants a wave to itself comes before or behind the rest of its level, whichever is cheaper for the cut.
    #[test]
    fn no_place_of_a_single_wave_is_better((set, picked) in with_updates(24, 2..6), solo in vec(any::<bool>(), 6)) {
        let imported = Imported::new(&set);
        let mut list = list(&set, &picked);
        list.updates.iter_mut().zip(&solo).for_each(|(update, &solo)| update.solo = solo);
        let planned = planned(&imported, &list, Scope::Exact, Cut::Levels);
        let units = &planned.units;
        let of_run = |items: &[(Vec<usize>, bool)]| {
            let members = items.iter().flat_map(|(members, _)| members).flat_map(|&unit| &units.units[unit].derivations);
            set.rebuilds(members.map(|&ix| imported.at(ix))).len() as u64
        };
        let mut best: BTreeMap<usize, u64> = BTreeMap::new();
        for code in 0..1_usize << units.level_count() {
            let mut items: Vec<(Vec<usize>, bool)> = Vec::new();
            for level in 0..units.level_count() {
                let members = (0..units.units.len()).filter(|&unit| units.levels[unit] == level);
                let (single, others): (Vec<usize>, Vec<usize>) = members.partition(|&unit| units.units[unit].solo);
                let others = (!others.is_empty()).then_some((others, false));
                let is_first = code >> level & 1 == 0;
                items.extend(others.clone().filter(|_| !is_first));
                items.extend(single.into_iter().map(|unit| (vec![unit], true)));
                items.extend(others.filter(|_| is_first));
            }
            for cut in (1..=items.len()).flat_map(|runs| cuts(0..items.len(), runs)) {
                if cut.iter().any(|run| run.len() > 1 && items[run.clone()].iter().any(|(_, is_single)| *is_single)) {
                    continue;
                }
                let builds: u64 = cut.iter().map(|run| of_run(&items[run.clone()])).sum();
                best.entry(cut.len()).and_modify(|best| *best = builds.min(*best)).or_insert(builds);
            }
        }
        let found: BTreeMap<usize, u64> = planned.frontier.iter().map(|point| (point.waves, point.builds.derivations)).collect();
        prop_assert_eq!(found, best);
    }

    /// A wave that is taken apart keeps within its limit where it can, loses nothing, and says what it costs.
    #[test]
    fn a_split_keeps_its_limit((set, picked) in with_updates(30, 2..8), limit in 1_u64..20) {
        let imported = Imported::new(&set);
        let levels = planned(&imported, &list(&set, &picked), Scope::Exact, Cut::Levels);
        let prices = Prices::new(&imported.graph, None);
        let alone: Vec<_> = levels.units.units.iter().map(|unit| {
            imported.graph.rebuilds_past(unit.derivations.iter().copied(), &levels.held)
        }).collect();
        for wave in &levels.waves {
            let parts = split(&prices, &wave.units, &alone, limit);
            let mut all: Vec<usize> = parts.iter().flatten().copied().collect();
            all.sort_unstable();
            let mut expected = wave.units.clone();
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
            let weight = |part: &[usize]| {
                let members = part.iter().flat_map(|&unit| &levels.units.units[unit].derivations).map(|&ix| imported.at(ix));
                set.rebuilds(members).len() as u64
            };
            for part in parts.iter().filter(|part| part.len() > 1) {
                prop_assert!(weight(part) <= limit);
            }
            // No unit is better in another part that has room for it.
            for (from, to) in (0..parts.len()).flat_map(|from| (0..parts.len()).map(move |to| (from, to))).filter(|(from, to)| from != to) {
                for &unit in &parts[from] {
                    let without: Vec<usize> = parts[from].iter().copied().filter(|&other| other != unit).collect();
                    let with: Vec<usize> = parts[to].iter().copied().chain([unit]).collect();
                    prop_assert!(weight(&with) > limit || weight(&without) + weight(&with) >= weight(&parts[from]) + weight(&parts[to]));
                }
            }
        }
        let apart = planned_with(&imported, &list(&set, &picked), Cut::MaxWaveSeconds(limit));
        let again: u64 = apart.waves.iter().map(|wave| wave.again.derivations).sum();
        prop_assert!(apart.totals.derivations <= levels.totals.derivations + again);
        prop_assert!(apart.totals.derivations >= levels.totals.derivations);
        for (at, wave) in apart.waves.iter().enumerate() {
            let same = apart.waves[..at].iter().filter(|earlier| earlier.levels == wave.levels);
            let before: BTreeSet<usize> = same.flat_map(|earlier| imported.ats(&earlier.rebuilds)).collect();
            prop_assert_eq!(wave.again.derivations, imported.ats(&wave.rebuilds).intersection(&before).count() as u64);
        }
    }

    /// A plan is right, whatever the scope, the groups and the cut.
    #[test]
    fn a_plan_passes_its_verification(
        (set, picked) in with_updates(30, 1..8),
        groups in vec(0_usize..4, 8),
        solo in vec(prop::bool::weighted(0.2), 8),
        exact: bool,
        cut in prop_oneof![Just(Cut::Levels), (1_usize..5).prop_map(Cut::MaxWaves), (1_u64..20).prop_map(Cut::MaxWaveSeconds),
            Just(Cut::Risk { probability: 0.1, wave: 3 })],
    ) {
        let imported = Imported::new(&set);
        let mut list = list(&set, &picked);
        for (update, (group, solo)) in list.updates.iter_mut().zip(groups.iter().zip(&solo)) {
            update.group = (*group > 0).then(|| group.to_string());
            update.solo = *solo;
        }
        let scope = if exact { Scope::Exact } else { Scope::Package };
        let options = Options { scope, cut, ..Options::default() };
        let Ok(planned) = plan(&imported.graph, &list, None, &options) else {
            // Waves of their own may need more waves than there may be.
            prop_assert!(matches!(cut, Cut::MaxWaves(_)) && solo.contains(&true));
            return Ok(());
        };
        let file = file(&planned);
        let verified = verify(&imported.graph, &file, None).expect("it resolves");
        prop_assert_eq!(verified.flaws, []);
        prop_assert!(planned.waves.iter().all(|wave| wave.units.len() == 1 || !wave.units.iter().any(|&unit| planned.units.units[unit].solo)));
        // A group is in one wave, or says why not.
        for group in ["1", "2", "3"] {
            let of_group = |update: &&waves_core::major::PlannedUpdate| {
                list.updates.iter().any(|listed| listed.package == update.package && listed.group.as_deref() == Some(group))
            };
            let waves: BTreeSet<&str> = file.updates.iter().filter(of_group).map(|update| update.wave.as_str()).collect();
            prop_assert!(waves.len() < 2, "{group} is in {waves:?}");
        }
    }

    /// What is wrong with a plan is found.
    #[test]
    fn a_wrong_plan_is_refused((set, picked) in with_updates(30, 3..8), which: Index) {
        let imported = Imported::new(&set);
        let list = list(&set, &picked);
        let planned = planned(&imported, &list, Scope::Exact, Cut::Levels);
        let right = file(&planned);
        let flaws = |file: &PlanFile| verify(&imported.graph, file, None).expect("it resolves").flaws;

        let mut wrong = right.clone();
        let wave = which.index(wrong.waves.len());
        let lost = wrong.waves[wave].updates.pop().expect("no wave is empty");
        prop_assert!(flaws(&wrong).contains(&Flaw::Lost(lost.clone())));
        wrong.waves[wave].updates.extend([lost.clone(), lost.clone()]);
        prop_assert!(flaws(&wrong).contains(&Flaw::Twice(lost)));

        let mut wrong = right.clone();
        wrong.waves[wave].rebuilds.attributes += 1;
        let is_found = matches!(flaws(&wrong)[..], [Flaw::Number { .. }]);
        prop_assert!(is_found);
        let mut wrong = right.clone();
        wrong.totals.builds.derivations += 1;
        let is_found = matches!(flaws(&wrong)[..], [Flaw::Number { .. }]);
        prop_assert!(is_found);
        for spoil in [
            |plan: &mut PlanFile| plan.lower_bound.builds.attributes += 1,
            |plan: &mut PlanFile| plan.lower_bound.waves += 1,
            |plan: &mut PlanFile| plan.one_at_a_time.builds.derivations += 1,
            |plan: &mut PlanFile| plan.waves[0].suspects = plan.waves[0].suspects.map(|suspects| suspects + 0.1),
        ] {
            let mut wrong = right.clone();
            spoil(&mut wrong);
            let is_found = matches!(flaws(&wrong)[..], [Flaw::Number { .. }]);
            prop_assert!(is_found);
        }
        let mut wrong = right.clone();
        let update = which.index(wrong.updates.len());
        wrong.updates[update].wave = "wave-9.9".to_owned();
        let is_found = matches!(&flaws(&wrong)[..], [Flaw::Elsewhere { package, .. }] if *package == right.updates[update].package);
        prop_assert!(is_found);

        // The last wave first: something of it was locked by then, if there are two.
        let mut wrong = right.clone();
        wrong.waves.rotate_right(1);
        let locks: Vec<Flaw> = flaws(&wrong).into_iter().filter(|flaw| matches!(flaw, Flaw::Lock { .. })).collect();
        prop_assert_eq!(locks.is_empty(), right.waves.len() < 2);
        for lock in locks {
            let Flaw::Lock { locked, update, path, .. } = lock else { continue };
            let at = |name: &str| set.all().find(|&at| set.drv_path(at) == name).expect("it is named by its path");
            prop_assert!(set.rebuilds([at(&update)]).contains(&at(&locked)));
            prop_assert!(!path.is_empty());
        }
    }

    /// What `explain` says a wave does to a derivation is what the wave's updates do.
    #[test]
    fn explanations_are_closures((set, picked) in with_updates(30, 1..8), which: Index) {
        let imported = Imported::new(&set);
        let list = list(&set, &picked);
        let planned = planned(&imported, &list, Scope::Exact, Cut::Levels);
        let file = file(&planned);
        let resolved = file.resolve(&imported.graph).expect("it resolves");
        let at = which.index(set.derivations.len());
        let hits = explain(&imported.graph, &resolved, &[imported.ix(at)]);
        let expected: Vec<(usize, BTreeSet<usize>)> = planned
            .waves
            .iter()
            .enumerate()
            .map(|(number, wave)| {
                let members = wave.units.iter().flat_map(|&unit| &planned.units.units[unit].derivations).map(|&ix| imported.at(ix));
                (number, members.filter(|&update| set.rebuilds([update]).contains(&at)).collect())
            })
            .filter(|(_, causes): &(usize, BTreeSet<usize>)| !causes.is_empty())
            .collect();
        let first = |path: &[DerivationIx]| imported.at(path[0]);
        let found: Vec<(usize, BTreeSet<usize>)> =
            hits.iter().map(|hit| (hit.wave, hit.causes.iter().map(|cause| first(&cause.path)).collect())).collect();
        prop_assert_eq!(found, expected);
        for cause in hits.iter().flat_map(|hit| &hit.causes) {
            let path: Vec<usize> = cause.path.iter().map(|&ix| imported.at(ix)).collect();
            prop_assert_eq!(path.last(), Some(&at));
            prop_assert!(path.windows(2).all(|pair| set.users(pair[0]).any(|user| user == pair[1])));
            let near = PackageSet::distances([path[0]], |at| set.users(at));
            prop_assert_eq!(near[&at], path.len() - 1);
        }
    }

    /// What a package is asked to support is what rebuilds it past the pins, and so are the ways from there.
    #[test]
    fn requests_end_at_pins((set, picked) in with_updates(30, 1..8), pin: Index, which: Index) {
        let imported = Imported::new(&set);
        let (pinned, at) = (pin.index(set.derivations.len()), which.index(set.derivations.len()));
        let until = Day::try_from("2027-01-31".to_owned()).expect("a day");
        let pins = [Pin { package: set.drv_path(pinned), reason: "dear".to_owned(), until }];
        let options = Options { scope: Scope::Exact, pins: &pins, ..Options::default() };
        let planned = plan(&imported.graph, &list(&set, &picked), None, &options).expect("it has edges");
        let file = file(&planned);
        let resolved = file.resolve(&imported.graph).expect("it resolves");
        let held = BTreeSet::from([pinned]);
        for (wave, planned_wave) in resolved.waves.iter().zip(&planned.waves) {
            let package = [imported.root([at])];
            let asked = upstream(&imported.graph, &file, wave, &resolved.held, &package).expect("it has edges");
            let paths: Vec<Vec<usize>> =
                asked.iter().map(|upstream| upstream.path.iter().map(|step| imported.at(step.ix())).collect()).collect();
            let members = planned_wave.units.iter().flat_map(|&unit| &planned.units.units[unit].derivations).map(|&ix| imported.at(ix));
            let expected: BTreeSet<usize> =
                members.filter(|&update| update != at && rebuilds_past(&set, [update], &held).contains(&at)).collect();
            prop_assert_eq!(paths.iter().map(|path| path[0]).collect::<BTreeSet<usize>>(), expected);
            for path in &paths {
                prop_assert_eq!(path.last(), Some(&at));
                prop_assert!(!path.contains(&pinned));
                prop_assert!(path.windows(2).all(|pair| set.users(pair[0]).any(|user| user == pair[1])));
            }
            prop_assert!(paths.is_sorted_by_key(Vec::len));
        }
    }

    /// An update less never costs more, and an input more never makes a chain shorter.
    #[test]
    fn less_is_never_more((set, picked) in with_updates(24, 2..7), which: Index, from: Index, to: Index) {
        let imported = Imported::new(&set);
        let all = planned(&imported, &list(&set, &picked), Scope::Exact, Cut::Levels);
        let mut fewer = picked.clone();
        fewer.remove(&picked.iter().copied().nth(which.index(picked.len())).expect("one of them"));
        let less = planned(&imported, &list(&set, &fewer), Scope::Exact, Cut::Levels);
        prop_assert!(less.totals.derivations <= all.totals.derivations && less.waves.len() <= all.waves.len());
        let mut denser = set.clone();
        let (a, b) = (from.index(set.derivations.len()), to.index(set.derivations.len()));
        let (input, user) = (a.min(b), a.max(b));
        prop_assume!(input < user && !set.derivations[user].is_fixed);
        let output = denser.derivations[input].outputs[0];
        denser.derivations[user].inputs.entry(input).or_insert_with(|| vec![output]);
        let more = Imported::new(&denser);
        let more = planned(&more, &list(&denser, &picked), Scope::Exact, Cut::Levels).totals;
        prop_assert!(more.derivations >= all.totals.derivations);
    }

    /// A narrow terminal has what each wave updates; it can do without bars.
    #[test]
    fn bars_make_room_for_updates((set, picked) in with_updates(24, 1..6)) {
        let imported = Imported::new(&set);
        let planned = planned(&imported, &list(&set, &picked), Scope::Exact, Cut::Levels);
        let report = MajorReport::new(1, &planned, MajorDetail { frontier: true, limit: 20 });
        let mut text = Vec::new();
        write(&report, Format::Text, Some(60), &mut text).expect("writes");
        let text = String::from_utf8(text).expect("UTF-8");
        let titles = text.lines().skip_while(|line| *line != "Minor waves, from roots to leaves").nth(1);
        prop_assert!(titles.is_some_and(|titles| titles.ends_with(" updated")), "{text}");
    }

    /// The same bytes, however many threads there are; and a plan is like itself.
    #[test]
    fn threads_change_nothing((set, picked) in with_updates(30, 1..8)) {
        let imported = Imported::new(&set);
        let list = list(&set, &picked);
        let options = Options { cut: Cut::Risk { probability: 0.2, wave: 1 }, ..Options::default() };
        let text = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let planned = pool.install(|| plan(&imported.graph, &list, None, &options)).expect("it has edges");
            let report = MajorReport::new(1, &planned, MajorDetail { frontier: true, limit: 20 });
            let mut bytes = Vec::new();
            write(&report, Format::Json, None, &mut bytes).expect("writes");
            bytes
        };
        let one = text(1);
        prop_assert_eq!(&text(3), &one);
        let plan = PlanFile::parse(&one, "plan").expect("a plan");
        prop_assert_eq!(moves(&plan, &plan), []);
    }
}

fn planned_with<'g>(imported: &'g Imported, list: &Updates, cut: Cut) -> MajorWave<'g> {
    planned(imported, list, Scope::Exact, cut)
}

/// Cases of each kind.
const CASES: usize = 600;

/// What `roots` rebuild if what is held is not.
fn rebuilds_past(set: &PackageSet, roots: impl IntoIterator<Item = usize>, held: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut rest: Vec<usize> = roots.into_iter().collect();
    while let Some(at) = rest.pop() {
        if !held.contains(&at) && seen.insert(at) {
            rest.extend(set.users(at));
        }
    }
    seen
}

/// What is reached from `from` through `members`, and one step out of them; never what is `held`.
fn within(set: &PackageSet, from: usize, members: &BTreeSet<usize>, held: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::from([from]);
    let mut rest = vec![from];
    while let Some(at) = rest.pop() {
        for user in set.users(at).filter(|user| !held.contains(user)) {
            if seen.insert(user) && members.contains(&user) {
                rest.push(user);
            }
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a pin saves is what the same waves build without it; what it keeps is what it needs and others have anew; and a conflict
    /// is a derivation with two ways from one other, one through the pin and one past it.
    #[test]
    fn pins_save_keep_and_break((set, picked) in with_updates(30, 1..6), pins in vec(any::<Index>(), 1..3)) {
        let imported = Imported::new(&set);
        let pinned: BTreeSet<usize> = pins.iter().map(|pin| pin.index(set.derivations.len())).collect();
        let until = Day::try_from("2027-01-31".to_owned()).expect("a day");
        let pins: Vec<Pin> =
            pinned.iter().map(|&at| Pin { package: set.drv_path(at), reason: "dear".to_owned(), until: until.clone() }).collect();
        let everything = [AttributePattern::try_from("*".to_owned()).expect("a pattern")];
        let options = Options { scope: Scope::Exact, pins: &pins, one_version: &everything, ..Options::default() };
        let planned = plan(&imported.graph, &list(&set, &picked), None, &options).expect("it has edges");
        let taken: BTreeSet<usize> = picked.difference(&pinned).copied().collect();
        prop_assert_eq!(planned.targets.len(), taken.len());
        let roots: Vec<BTreeSet<usize>> = planned
            .waves
            .iter()
            .map(|wave| wave.units.iter().flat_map(|&unit| &planned.units.units[unit].derivations).map(|&ix| imported.at(ix)).collect())
            .collect();
        let rebuilt = |held: &BTreeSet<usize>| roots.iter().map(|roots| rebuilds_past(&set, roots.iter().copied(), held)).collect::<Vec<_>>();
        let waves = rebuilt(&pinned);
        prop_assert_eq!(planned.waves.iter().map(|wave| imported.ats(&wave.rebuilds)).collect::<Vec<_>>(), waves.clone());
        let anew: BTreeSet<usize> = waves.iter().flatten().copied().collect();
        let builds = |waves: &[BTreeSet<usize>]| waves.iter().map(BTreeSet::len).sum::<usize>() as u64;
        prop_assert_eq!(planned.effects.len(), pinned.len());
        for (effect, &pin) in planned.effects.iter().zip(&pinned) {
            let others: BTreeSet<usize> = pinned.iter().copied().filter(|&other| other != pin).collect();
            prop_assert_eq!(effect.saved.derivations, builds(&rebuilt(&others)) - builds(&waves));
            let kept = anew.iter().filter(|&&at| set.rebuilds([at]).contains(&pin)).count();
            prop_assert_eq!(effect.kept.derivations, kept as u64);

            let mut expected: BTreeSet<usize> = BTreeSet::new();
            let face = imported.graph.derivation(imported.ix(pin));
            let sets: BTreeSet<&str> = face.attributes().map(|attribute| attribute.set()).collect();
            for name in sets {
                let is_member = |at: &usize| {
                    let derivation = imported.graph.derivation(imported.ix(*at));
                    derivation.attributes().any(|attribute| attribute.set() == name && attribute.path() == derivation.label())
                };
                let members: BTreeSet<usize> = set.all().filter(is_member).collect();
                if !members.contains(&pin) {
                    continue;
                }
                let through = within(&set, pin, &members, &BTreeSet::new());
                for &of in members.intersection(&anew).filter(|of| !pinned.contains(of)) {
                    if within(&set, of, &members, &BTreeSet::new()).contains(&pin) {
                        let past = within(&set, of, &members, &pinned);
                        expected.extend(through.intersection(&past).filter(|holder| !pinned.contains(holder)));
                    }
                }
            }
            prop_assert_eq!(effect.conflicts.iter().map(|conflict| imported.at(conflict.holder)).collect::<BTreeSet<_>>(), expected);
            for conflict in &effect.conflicts {
                let ats = |path: &[DerivationIx]| path.iter().map(|&ix| imported.at(ix)).collect::<Vec<usize>>();
                let (old, new) = (ats(&conflict.old), ats(&conflict.new));
                for path in [&old, &new] {
                    prop_assert!(path.windows(2).all(|pair| set.users(pair[0]).any(|user| user == pair[1])));
                    prop_assert_eq!((path.first(), path.last()), (Some(&imported.at(conflict.of)), Some(&imported.at(conflict.holder))));
                }
                prop_assert!(old.contains(&pin) && new.iter().all(|at| !pinned.contains(at)));
            }
        }
    }
}

/// How good plans are where no theorem says it: `cargo test -p waves-core --test properties how_good -- --nocapture`.
#[test]
fn how_good_plans_are() {
    let document = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/algorithms.md");
    let documented = std::fs::read_to_string(document).expect("the document");
    for (what, scope, is_grouped) in
        [("packages", Scope::Package, false), ("single attributes, with two groups of two", Scope::Exact, true)]
    {
        let mut runner = TestRunner::deterministic();
        let (mut optimal, mut tight, mut moved, mut worst) = (0, 0, 0, 1.0_f64);
        for _ in 0..CASES {
            let (set, picked) = with_updates(24, 5..7).new_tree(&mut runner).expect("a case").current();
            let imported = Imported::new(&set);
            let mut list = list(&set, &picked);
            for (at, update) in list.updates.iter_mut().enumerate().take(if is_grouped { 4 } else { 0 }) {
                update.group = Some(["a", "b"][at % 2].to_owned());
            }
            let planned = planned(&imported, &list, scope, Cut::Levels);
            let (builds, _) = exhaustive(&set, &units(&imported, &planned));
            optimal += usize::from(planned.totals.derivations == builds);
            tight += usize::from(planned.lower_bound.derivations == builds);
            moved += planned.moved;
            worst = worst.max(planned.totals.derivations as f64 / builds as f64);
        }
        println!(
            "{what}: {optimal} of {CASES} plans optimal, the worst {worst:.3} times the optimum; the bound is the optimum in {tight}; {moved} moves"
        );
        // Without the moves there would be other figures.
        let worst = if worst > 1.0 { format!("{worst:.3} times the optimum") } else { "the optimum".to_owned() };
        let row = format!("| of {what} | {optimal} of {CASES} | {worst} | in {tight} |");
        assert!(documented.contains(&row), "docs/algorithms.md does not say: {row}");
    }
}
