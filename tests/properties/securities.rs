//! What can be done about a vulnerability, on random package sets with closed waves.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::graph::DerivationSet;
use waves_core::major::{ResolvedPlan, ResolvedUpdate, ResolvedWave};
use waves_core::report::{Report as _, SecurityReport};
use waves_core::schedule::Fleet;
use waves_core::security::{Closed, Kind, SecurityOptions, State, security};

use crate::strategy::with_roots;
use crate::support::Imported;

fn set_of(imported: &Imported, members: &BTreeSet<usize>) -> DerivationSet {
    imported.graph.set_of(members.iter().map(|&at| imported.ix(at)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn options_are_closures_and_unions(
        (set, roots) in with_roots(30),
        waves in vec(vec(any::<Index>(), 1..4), 0..4),
        closed in 0_usize..5,
        held in vec(any::<Index>(), 0..2),
    ) {
        let imported = Imported::new(&set);
        let updates: Vec<Vec<usize>> =
            waves.iter().map(|wave| wave.iter().map(|update| update.index(set.derivations.len())).collect()).collect();
        let held: BTreeSet<usize> = held.iter().map(|at| at.index(set.derivations.len())).collect();
        let update = |at: usize| ResolvedUpdate { package: at.to_string(), derivations: vec![imported.ix(at)], risk: None };
        let wave = |updates: &Vec<usize>| ResolvedWave {
            name: "wave-1.1".to_owned(),
            updates: updates.iter().map(|&at| update(at)).collect(),
            rebuilds: set_of(&imported, &set.rebuilds(updates.iter().copied())),
        };
        let plan = ResolvedPlan { waves: updates.iter().map(wave).collect(), held: set_of(&imported, &held) };
        let fleet = Fleet::identical(1000);
        let options =
            SecurityOptions { fleet: &fleet, costs: None, closed: Some(Closed { plan: &plan, waves: closed }), to: None, throughput: 1 };
        let found = security(&imported.graph, &[imported.root(roots.iter().copied())], &options).expect("it has edges");

        let rebuilt = set.rebuilds(roots.iter().copied());
        let closed = &updates[..closed.min(updates.len())];
        let locks = closed.iter().flatten().filter(|at| rebuilt.contains(at)).count();
        let both = |updates: &Vec<usize>| set.rebuilds(updates.iter().copied()).intersection(&rebuilt).copied().collect::<BTreeSet<usize>>();
        let overlaps: Vec<BTreeSet<usize>> = closed.iter().map(both).filter(|both| !both.is_empty()).collect();
        let replayed: usize = overlaps.iter().map(BTreeSet::len).sum();
        // Builders without end: as long as the longest chain, in builds.
        let chain = |members: &BTreeSet<usize>| {
            let mut known = BTreeMap::new();
            members.iter().map(|&at| set.level(members, at, &mut known) as u64 + 1).max().unwrap_or(0)
        };
        let [graft, rebuild, duplicate, overridden] = &found.options;
        prop_assert_eq!((graft.builds, graft.cost, graft.time, graft.locks_broken), (roots.len(), roots.len() as u64, chain(&roots), 0));
        prop_assert_eq!((rebuild.builds, rebuild.time, rebuild.locks_broken), (rebuilt.len(), chain(&rebuilt), locks));
        prop_assert_eq!((duplicate.builds, duplicate.locks_broken, duplicate.applies), (replayed, 0, replayed > 0));
        prop_assert_eq!(duplicate.time, overlaps.iter().map(chain).sum::<u64>());
        prop_assert_eq!((overridden.builds, overridden.cost), (0, 0));
        prop_assert!(found.options.iter().all(|option| option.least_time <= option.time));

        let named = |at: &&usize| set.attributes.iter().any(|attribute| attribute.derivation == Ok(**at));
        let needs = |&at: &usize| rebuilt.iter().filter(|&&other| set.rebuilds([other]).contains(&at)).count() as u64;
        let mut users: Vec<u64> = rebuilt.iter().filter(named).map(needs).collect();
        users.sort_unstable();
        let median = if users.is_empty() { 0 } else { users[(users.len() - 1) / 2] };
        let said = found.users;
        prop_assert_eq!((said.packages, said.median, said.most), (users.len(), median, users.last().copied().unwrap_or(0)));

        let is_held = rebuilt.iter().any(|at| held.contains(at));
        prop_assert_eq!(rebuild.preconditions[0].state, if is_held { State::Fails } else { State::Holds });
        prop_assert_eq!(rebuild.preconditions[1].state, if locks > 0 { State::Fails } else { State::Holds });
        for option in found.options.iter().filter(|option| option.applies) {
            let dominates = |other: &&waves_core::security::Choice| {
                let sound = other.applies && other.preconditions.iter().all(|check| check.state != State::Fails);
                let worse = other.cost > option.cost || other.time > option.time || other.locks_broken > option.locks_broken || other.untested > option.untested;
                let better = other.cost < option.cost || other.time < option.time || other.locks_broken < option.locks_broken || other.untested < option.untested;
                sound && !worse && better
            };
            let dominating: Vec<Kind> = found.options.iter().filter(dominates).map(|other| other.kind).collect();
            prop_assert_eq!(option.dominated_by, dominating.first().copied());
        }
    }

    /// How preconditions stand, and what would tell more of them, is seen where there are 80 columns.
    #[test]
    fn a_narrow_terminal_shows_what_options_differ_in((set, roots) in with_roots(30)) {
        let imported = Imported::new(&set);
        let roots = [imported.root(roots.iter().copied())];
        let fleet = Fleet::identical(1000);
        let options = SecurityOptions { fleet: &fleet, costs: None, closed: None, to: None, throughput: 1 };
        let found = security(&imported.graph, &roots, &options).expect("it has edges");
        let mut out = Vec::new();
        SecurityReport::new(&found, &roots, &options, 20).document().write_text(Some(80), &mut out).expect("writes");
        let text = String::from_utf8(out).expect("UTF-8");
        let mut verdicts = Vec::new();
        for option in &found.options {
            let count = |state| option.preconditions.iter().filter(|check| check.state == state).count();
            let counts = [(count(State::Fails), "fail"), (count(State::Unknown), "unknown"), (count(State::Holds), "hold")];
            let said: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
            verdicts.push(if option.applies { said.join(", ") } else { "nothing to do".to_owned() });
        }
        let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("option ")).skip(1).take(4).collect();
        prop_assert!(rows.iter().zip(&verdicts).all(|(row, verdict)| row.contains(&format!("  {verdict}"))), "{verdicts:?}\n{text}");
        for (hint, times) in [("(hint: --to VERSION)", 2), ("(hint: --sizes FILE)", 1), ("(hint: --plan PLAN)", 3)] {
            prop_assert_eq!(text.matches(hint).count(), times, "{}", text);
        }
    }
}
