//! Build times, what is built already, and sizes, against the obvious way to the same answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tempfile::TempDir;
use waves_core::analysis::{RankOptions, RankOrder, rank};
use waves_core::cost::{Availability, Costs, Durations, Evidence, Presence, Sizes, Sources};
use waves_core::graph::{Attribute, Counts, DerivationSet};
use waves_core::store_path::StorePath;

use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::Imported;

/// What docs/algorithms.md says: how many of a class tell of the others, and what stands for what nothing tells of.
const MIN_MEASURED: usize = 5;
const ASSUMED_SECONDS: u32 = 1;

/// A row of a table: which derivation's key it has, which kind of key, and seconds.
type RowSeed = (Index, usize, u32);

/// A row: the column that its key is in, the key, and seconds.
#[derive(Clone, Debug)]
struct Row {
    column: &'static str,
    key: String,
    seconds: u32,
}

fn rows(set: &PackageSet, seeds: &[RowSeed]) -> Vec<Row> {
    let row = |&(at, kind, seconds): &RowSeed| {
        let at = at.index(set.derivations.len());
        let attribute = set.attributes.iter().find(|attribute| attribute.derivation == Ok(at)).map(|attribute| attribute.dotted());
        let (column, key) = match (kind, attribute) {
            (0, _) => ("drv", set.drv_path(at)),
            (1, _) => ("drv", set.output_paths(at)[0].clone()),
            (2, Some(attribute)) => ("attr", attribute),
            (3, Some(attribute)) => ("attr", format!("{attribute}.{}", set.derivations[at].system)),
            (4, _) => ("name", set.name(at)),
            (5, _) => ("name", set.derivations[at].pname.to_owned()),
            _ => ("name", "nothing".to_owned()),
        };
        Row { column, key, seconds }
    };
    seeds.iter().map(row).collect()
}

fn table(rows: &[Row]) -> String {
    let columns = ["drv", "attr", "name"];
    let line = |row: &Row| {
        let cells = columns.map(|column| if column == row.column { row.key.as_str() } else { "" });
        format!("\"{}\",{}\n", cells.map(|cell| cell.replace('"', "\"\"")).join("\",\""), row.seconds)
    };
    std::iter::once("drv,attr,name,seconds\n".to_owned()).chain(rows.iter().map(line)).collect()
}

/// Which rows tell of a derivation, and how.
fn tells(set: &PackageSet, row: &Row, at: usize) -> Option<Evidence> {
    let derivation = &set.derivations[at];
    let is_attribute = |spelling: &dyn Fn(&crate::model::Attribute) -> String| {
        set.attributes.iter().any(|attribute| attribute.derivation == Ok(at) && spelling(attribute) == row.key)
    };
    let evaluates = |path: &str| set.attributes.iter().any(|attribute| attribute.derivation.is_ok() && attribute.dotted() == path);
    let is = match row.column {
        "drv" if set.drv_path(at) == row.key || set.output_paths(at).contains(&row.key) => Evidence::Derivation,
        "attr" if evaluates(&row.key) && is_attribute(&|attribute| attribute.dotted()) => Evidence::Attribute,
        "attr" if !evaluates(&row.key) && is_attribute(&|attribute| format!("{}.{}", attribute.dotted(), derivation.system)) => {
            Evidence::Attribute
        }
        "name" if set.name(at) == row.key => Evidence::Name,
        "name" if !derivation.is_fixed && derivation.pname == row.key => Evidence::Stem,
        _ => return None,
    };
    Some(is)
}

/// The number in the middle, or between the two there; and the mean. Rounded up.
fn typical(samples: &[u32]) -> Option<(u32, u32)> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let length = sorted.len();
    let median = match length {
        0 => return None,
        odd if odd % 2 == 1 => sorted[odd / 2],
        even => (sorted[even / 2 - 1] + sorted[even / 2]).div_ceil(2),
    };
    Some((median, sorted.iter().sum::<u32>().div_ceil(u32::try_from(length).expect("few"))))
}

/// What a derivation is like; fixed outputs are like nothing else.
fn class(set: &PackageSet, at: usize) -> String {
    if !set.derivations[at].features.is_empty() {
        return format!("features {:?}", set.derivations[at].features);
    }
    let mut sets: Vec<(usize, usize, String, String)> = set
        .attributes
        .iter()
        .filter(|attribute| attribute.derivation == Ok(at))
        .map(|attribute| {
            let parent = attribute.path[..attribute.path.len() - 1].join(".");
            (parent.split('.').filter(|part| !part.is_empty()).count(), parent.len(), attribute.dotted(), parent)
        })
        .collect();
    sets.sort();
    match sets.first() {
        Some((1.., _, _, parent)) => format!("set {parent}"),
        _ => match set.derivations[at].pname.split_once('-') {
            Some((prefix, _)) => format!("prefix {prefix}"),
            None => "other".to_owned(),
        },
    }
}

/// Seconds (median), seconds (mean) and evidence of each derivation, found by comparing everything with everything.
fn naive_model(set: &PackageSet, rows: &[Row]) -> Vec<(u32, u32, Evidence)> {
    let measured: Vec<Option<(u32, Evidence)>> = set
        .all()
        .map(|at| {
            let best = rows.iter().filter_map(|row| tells(set, row, at)).min()?;
            let samples: Vec<u32> = rows.iter().filter(|row| tells(set, row, at) == Some(best)).map(|row| row.seconds).collect();
            Some((typical(&samples)?.0, best))
        })
        .collect();
    let those = |is: &dyn Fn(usize) -> bool| {
        let samples: Vec<u32> = set.all().filter(|&at| is(at)).filter_map(|at| Some(measured[at]?.0)).collect();
        typical(&samples)
    };
    let is_fixed = |at: usize| set.derivations[at].is_fixed;
    let classes: Vec<String> = set.all().map(|at| if is_fixed(at) { "fixed".to_owned() } else { class(set, at) }).collect();
    // Each pname of a class counts once.
    let of_pnames = |is: &dyn Fn(usize) -> bool, least: usize| {
        let of_class = set.all().filter(|&at| is(at) && measured[at].is_some());
        let pnames: BTreeSet<(&str, &str)> = of_class.map(|at| (classes[at].as_str(), set.derivations[at].pname)).collect();
        let median = |&(class, pname): &(&str, &str)| Some(those(&|at| classes[at] == class && set.derivations[at].pname == pname)?.0);
        let samples: Vec<u32> = pnames.iter().filter_map(median).collect();
        typical(&samples).filter(|_| samples.len() >= least)
    };
    let estimate = |at: usize| {
        let pname =
            || (!is_fixed(at)).then(|| those(&|other| !is_fixed(other) && set.derivations[other].pname == set.derivations[at].pname));
        let same =
            those(&|other| set.name(other) == set.name(at)).or_else(|| pname().flatten()).map(|typical| (typical, Evidence::SameName));
        let class = || of_pnames(&|other| classes[other] == classes[at], MIN_MEASURED).map(|typical| (typical, Evidence::Class));
        let everything =
            || of_pnames(&|other| !is_fixed(other), 1).filter(|_| !is_fixed(at)).map(|typical| (typical, Evidence::Everything));
        let ((median, mean), evidence) =
            same.or_else(class).or_else(everything).unwrap_or(((ASSUMED_SECONDS, ASSUMED_SECONDS), Evidence::Assumed));
        (median, mean, evidence)
    };
    set.all().map(|at| measured[at].map_or_else(|| estimate(at), |(seconds, evidence)| (seconds, seconds, evidence))).collect()
}

/// The most seconds that a chain within `members` takes up to the end of `at`.
fn chain(set: &PackageSet, seconds: &[u64], members: &BTreeSet<usize>, at: usize, known: &mut BTreeMap<usize, u64>) -> u64 {
    if let Some(&total) = known.get(&at) {
        return total;
    }
    let derivation = &set.derivations[at];
    let inputs = derivation.inputs.keys().filter(|input| !derivation.is_fixed && members.contains(input));
    let before = inputs.map(|&input| chain(set, seconds, members, input, known)).max().unwrap_or(0);
    known.insert(at, before + seconds[at]);
    before + seconds[at]
}

fn longest_chain(set: &PackageSet, seconds: &[u64], members: &BTreeSet<usize>) -> u64 {
    let mut known = BTreeMap::new();
    members.iter().map(|&at| chain(set, seconds, members, at, &mut known)).max().unwrap_or(0)
}

/// Writes a file that is read at once.
fn with_file<T>(content: &str, read: impl FnOnce(&std::path::Path) -> T) -> T {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("file");
    fs::write(&path, content).expect("written");
    read(&path)
}

fn durations(rows: &[Row]) -> Durations {
    with_file(&table(rows), |path| Durations::read(&[path])).expect("a table")
}

fn availability<'p>(paths: impl IntoIterator<Item = &'p str>) -> Availability {
    let lines: Vec<&str> = paths.into_iter().chain(["/nix/store/00000000000000000000000000000000-other"]).collect();
    with_file(&lines.join("\n"), |path| Availability::read(&[path])).expect("a list")
}

fn members(imported: &Imported, members: &BTreeSet<usize>) -> DerivationSet {
    imported.graph.set_of(members.iter().map(|&at| imported.ix(at)))
}

fn counts(set: &PackageSet, members: &BTreeSet<usize>) -> Counts {
    Counts { attributes: set.attributes_of(members), derivations: members.len(), outputs: set.outputs_of(members) }
}

fn row_seeds() -> impl Strategy<Value = Vec<RowSeed>> {
    vec((any::<Index>(), 0_usize..7, 1_u32..10_000), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn build_times_are_those_of_the_naive_model(set in package_sets(30), seeds in row_seeds()) {
        let imported = Imported::new(&set);
        let rows = rows(&set, &seeds);
        let used = rows.iter().filter(|row| set.all().any(|at| tells(&set, row, at).is_some())).count();
        let sources = Sources { durations: Some(durations(&rows)), ..Sources::default() };
        let Ok(costs) = Costs::new(&imported.graph, sources) else {
            prop_assert_eq!(used, 0);
            return Ok(());
        };
        let model = costs.model().expect("build times were given");
        prop_assert_eq!(model.used_rows(), &[used]);
        for (at, expected) in naive_model(&set, &rows).into_iter().enumerate() {
            let ix = imported.ix(at);
            prop_assert_eq!((model.seconds(ix), model.mean_seconds(ix), model.evidence(ix)), expected, "{}", set.name(at));
        }
    }

    #[test]
    fn bills_add_up(set in package_sets(40), seeds in row_seeds(), chosen in vec(any::<bool>(), 40), cached in vec(any::<bool>(), 120)) {
        let imported = Imported::new(&set);
        let rows = rows(&set, &seeds);
        let outputs: BTreeSet<String> = set.all().flat_map(|at| set.output_paths(at)).collect();
        let cached: BTreeSet<&str> = outputs.iter().zip(cached).filter(|(_, cached)| *cached).map(|(output, _)| output.as_str()).collect();
        let sources = Sources { durations: Some(durations(&rows)), availability: Some(availability(cached.iter().copied())), sizes: None };
        let Ok(costs) = Costs::new(&imported.graph, sources) else { return Ok(()) };
        let model = naive_model(&set, &rows);
        let seconds: Vec<u64> = model.iter().map(|(median, ..)| u64::from(*median)).collect();
        let measured = |at: usize| if model[at].2 <= Evidence::Pname { seconds[at] } else { 0 };
        let all: BTreeSet<usize> = set.all().filter(|&at| chosen[at]).collect();
        let bill = costs.bill(&members(&imported, &all));
        let time = bill.time.expect("build times were given");
        prop_assert_eq!(bill.counts, counts(&set, &all));
        prop_assert_eq!(time.seconds, all.iter().map(|&at| seconds[at]).sum::<u64>());
        prop_assert_eq!(time.measured_seconds, all.iter().map(|&at| measured(at)).sum::<u64>());
        prop_assert_eq!(time.mean_seconds, all.iter().map(|&at| u64::from(model[at].1)).sum::<u64>());
        for (kind, found) in Evidence::ALL.into_iter().zip(time.evidence) {
            let of_kind: Vec<u64> = all.iter().filter(|&&at| model[at].2 == kind).map(|&at| seconds[at]).collect();
            prop_assert_eq!(found, (of_kind.len(), of_kind.iter().sum::<u64>()));
        }
        prop_assert_eq!(time.longest_chain.seconds, longest_chain(&set, &seconds, &all));
        let links: Vec<usize> = time.longest_chain.derivations.iter().map(|&ix| imported.at(ix)).collect();
        prop_assert_eq!(links.iter().map(|&at| seconds[at]).sum::<u64>(), time.longest_chain.seconds);
        prop_assert!(links.windows(2).all(|link| set.users(link[0]).any(|user| user == link[1])));

        let (is_cached, to_build): (BTreeSet<usize>, BTreeSet<usize>) =
            all.iter().partition(|&&at| set.output_paths(at).iter().all(|output| cached.contains(output.as_str())));
        let split = bill.split.expect("a list was given");
        for (part, members) in [(split.cached, &is_cached), (split.to_build, &to_build), (split.unknown, &BTreeSet::new())] {
            prop_assert_eq!(part.counts, counts(&set, members));
            prop_assert_eq!(part.seconds, Some(members.iter().map(|&at| seconds[at]).sum::<u64>()));
            prop_assert_eq!(part.measured_seconds, Some(members.iter().map(|&at| measured(at)).sum::<u64>()));
        }
        prop_assert_eq!(split.longest_chain.map(|chain| chain.seconds), Some(longest_chain(&set, &seconds, &to_build)));

        let packages = costs.packages(&members(&imported, &all));
        prop_assert!(packages.is_sorted_by_key(|package| std::cmp::Reverse(package.seconds)));
        prop_assert_eq!(packages.iter().map(|package| package.seconds).sum::<u64>(), time.seconds);
        for found in packages {
            let own = imported.graph.package(found.package).derivations().map(|derivation| imported.at(derivation.ix()));
            let own: Vec<usize> = own.filter(|at| all.contains(at)).collect();
            prop_assert_eq!((found.derivations, found.seconds), (own.len(), own.iter().map(|&at| seconds[at]).sum()));
        }

        // Some of the names of each, and no others.
        let is_meant = |path: &str| path.len().is_multiple_of(2);
        let meant = imported.graph.attributes().filter(|attribute| is_meant(attribute.path())).map(Attribute::ix);
        let bill = costs.counting_only(meant).bill(&members(&imported, &all));
        let meant = |members: &BTreeSet<usize>| {
            let built = set.attributes.iter().filter(|attribute| attribute.derivation.is_ok_and(|at| members.contains(&at)));
            Counts { attributes: built.filter(|attribute| is_meant(&attribute.dotted())).count(), ..counts(&set, members) }
        };
        let split = bill.split.expect("a list was given");
        prop_assert_eq!((bill.counts, split.cached.counts, split.to_build.counts), (meant(&all), meant(&is_cached), meant(&to_build)));
    }

    #[test]
    fn ranks_by_build_time_are_sums_over_closures(set in package_sets(60), seeds in row_seeds(), cached in vec(any::<bool>(), 60)) {
        let imported = Imported::new(&set);
        let rows = rows(&set, &seeds);
        let listed: Vec<String> = set.all().filter(|&at| cached[at]).flat_map(|at| set.output_paths(at)).collect();
        let sources = Sources {
            durations: Some(durations(&rows)), availability: Some(availability(listed.iter().map(String::as_str))), sizes: None,
        };
        let Ok(costs) = Costs::new(&imported.graph, sources) else { return Ok(()) };
        let model = naive_model(&set, &rows);
        let options = RankOptions { order: RankOrder::BuildTime(&costs), ..RankOptions::default() };
        let ranked = rank(&imported.graph, options).expect("it has edges");
        let found = costs.closures(&ranked);
        prop_assert!(found.is_sorted_by_key(|cost| std::cmp::Reverse(cost.seconds)));
        for (package, cost) in ranked.iter().zip(found) {
            let closure = set.rebuilds(package.derivations().map(|derivation| imported.at(derivation.ix())));
            let sum = |of: &dyn Fn(usize) -> u64| closure.iter().map(|&at| of(at)).sum::<u64>();
            let seconds = |at: usize| u64::from(model[at].0);
            let to_build = |at: usize| !set.output_paths(at).iter().all(|output| listed.contains(output));
            prop_assert_eq!(cost.seconds, sum(&seconds));
            prop_assert_eq!(cost.measured_seconds, sum(&|at| if model[at].2 <= Evidence::Pname { seconds(at) } else { 0 }));
            prop_assert_eq!(cost.to_build_derivations, sum(&|at| u64::from(to_build(at))));
            prop_assert_eq!(cost.to_build_seconds, sum(&|at| if to_build(at) { seconds(at) } else { 0 }));
        }
    }

    #[test]
    fn sizes_are_those_of_distinct_outputs_and_of_all_that_they_reference(
        set in package_sets(25),
        known in btree_map(0_usize..60, (1_u64..1000, prop::option::of(1_u64..500), prop::option::weighted(0.8, vec(0_usize..60, 0..4))), 1..50),
    ) {
        let imported = Imported::new(&set);
        let outputs: Vec<String> = set.all().flat_map(|at| set.output_paths(at)).collect::<BTreeSet<_>>().into_iter().collect();
        let path = |number: usize| &outputs[number % outputs.len()];
        // Of two sizes of one path the later counts, in the file and here.
        let known: BTreeMap<&String, _> = known.iter().map(|(&number, size)| (path(number), size)).collect();
        let info: BTreeMap<&String, Value> = known
            .iter()
            .map(|(&path_of, (nar, download, references))| {
                let references = references.as_ref().map(|references| references.iter().map(|&to| path(to)).collect::<Vec<_>>());
                (path_of, json!({ "narSize": nar, "downloadSize": download, "references": references }))
            })
            .collect();
        let sizes = with_file(&json!(info).to_string(), |path| Sizes::read(&[path])).expect("sizes");
        let costs = Costs::new(&imported.graph, Sources { sizes: Some(sizes), ..Sources::default() }).expect("nothing to match");
        let all: BTreeSet<usize> = set.all().step_by(2).collect();
        let bytes = costs.bill(&members(&imported, &all)).bytes.expect("sizes were given");
        let distinct: BTreeSet<String> = all.iter().flat_map(|&at| set.output_paths(at)).collect();
        let found: Vec<_> = distinct.iter().filter_map(|output| known.get(output)).collect();
        prop_assert_eq!((bytes.nar, bytes.nar_outputs), (found.iter().map(|(nar, ..)| nar).sum::<u64>(), found.len()));
        let downloads: Vec<u64> = found.iter().filter_map(|(_, download, _)| *download).collect();
        prop_assert_eq!((bytes.download, bytes.download_outputs), (downloads.iter().sum::<u64>(), downloads.len()));

        for at in set.all() {
            let mut closure: BTreeSet<&String> = outputs.iter().filter(|output| set.output_paths(at).contains(output)).collect();
            loop {
                let references = closure.iter().filter_map(|path_of| known.get(*path_of)?.2.as_ref()).flatten().map(|&to| path(to));
                let next: BTreeSet<&String> = references.chain(closure.iter().copied()).collect();
                if next == closure {
                    break;
                }
                closure = next;
            }
            let size = costs.closure_size(imported.graph.derivation(imported.ix(at))).expect("sizes were given");
            let unknown = closure.iter().filter(|path_of| known.get(**path_of).is_none_or(|(_, _, references)| references.is_none()));
            prop_assert_eq!((size.paths, size.unknown), (closure.len(), unknown.count()));
            prop_assert_eq!(size.nar, closure.iter().filter_map(|path_of| Some(known.get(*path_of)?.0)).sum::<u64>());
        }
    }

    /// What several caches say of a path does not depend on the order in which they say it.
    #[test]
    fn one_cache_that_has_it_is_enough(answers in vec(0_usize..3, 1..5)) {
        let presences = [Presence::Cached, Presence::Absent, Presence::Unknown];
        let hash = StorePath::parse("00000000000000000000000000000000-a").expect("a path").hash;
        let mut availability = Availability::default();
        prop_assert_eq!(availability.path(hash), Presence::Unknown);
        for &answer in &answers {
            availability.insert(hash, presences[answer]);
        }
        let expected = [0, 2, 1].into_iter().find(|answer| answers.contains(answer)).expect("an answer");
        prop_assert_eq!(availability.path(hash), presences[expected]);
    }
}
