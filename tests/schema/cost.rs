//! What a rebuild costs, as `impact`, `plan` and `rank` say it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{items, length, number, read, report, sum, text, texts};

const DURATIONS: [&str; 2] = ["--durations", "data/dumps/durations.csv"];
const CACHED: [&str; 2] = ["--cached", "data/dumps/store-paths.txt"];

/// The rows of `durations.csv`: seconds by name.
fn durations() -> BTreeMap<String, u64> {
    let table = read("data/dumps/durations.csv");
    let rows = table.lines().skip(1).map(|line| line.split_once(',').expect("name and seconds"));
    rows.map(|(name, seconds)| (name.to_owned(), seconds.parse().expect("seconds"))).collect()
}

fn roots(report: &Value) -> Vec<&str> {
    items(report, "/roots").iter().flat_map(|root| texts(root, "/derivations")).collect()
}

#[test]
fn without_a_file_there_is_no_cost() {
    for (command, arguments) in [("impact", &["--root", "glibc"][..]), ("plan", &["--root", "glibc"]), ("rank", &[])] {
        let report = report(command, arguments);
        assert!(report["cost"].is_null(), "{command}");
        let parts = report.get("waves").or(report.get("packages")).and_then(Value::as_array);
        assert!(parts.is_none_or(|parts| parts.iter().all(|part| part["cost"].is_null())), "{command}");
    }
}

/// A row of the table counts for every derivation of that name; nothing else in it is measured.
#[test]
fn measured_seconds_are_those_of_the_table() {
    let (dump, table) = (Dump::read(), durations());
    for root in ["glibc", "openssl", "qt6.*", "hello"] {
        let impact = report("impact", &[&["--root", root][..], &DURATIONS].concat());
        let rebuilt = dump.rebuilds(&roots(&impact));
        let name = |path: &str| path.rsplit('/').next().expect("a base name")[33..].trim_end_matches(".drv").to_owned();
        let measured: Vec<u64> = rebuilt.iter().filter_map(|path| table.get(&name(path)).copied()).collect();
        let time = &impact["cost"]["total"]["time"];
        assert_eq!(number(time, "/measured_seconds"), measured.iter().sum::<u64>(), "{root}");
        assert_eq!(number(&impact, "/cost/evidence/name/derivations"), measured.len() as u64, "{root}");
        let kinds = impact["cost"]["evidence"].as_object().expect("kinds of evidence");
        assert_eq!(sum(kinds.values(), "/derivations"), rebuilt.len() as u64, "{root}");
        assert_eq!(sum(kinds.values(), "/seconds"), number(time, "/seconds"), "{root}");
    }
}

#[test]
fn parts_add_up() {
    let files = [&DURATIONS[..], &CACHED].concat();
    for arguments in [&["--root", "glibc"][..], &["--root", "git", "--inverse"], &["--root", "zlib", "--depth", "2"]] {
        let impact = report("impact", &[arguments, &files].concat());
        let total = &impact["cost"]["total"];
        let packages = items(&impact, "/cost/packages");
        let last = packages.last().map_or(0, |last| number(last, "/cumulated_seconds"));
        assert_eq!(last, sum(packages, "/seconds"));
        assert_eq!(last == number(total, "/time/seconds"), number(&impact, "/cost/packages_omitted") == 0);
        let systems: Vec<&Value> = impact["cost"]["systems"].as_object().expect("systems").values().collect();
        let parts = ["cached", "to_build", "unknown"].map(|part| &total["availability"][part]);
        for count in ["/attributes", "/derivations"] {
            assert_eq!(number(total, count), number(&impact, &format!("/rebuilds{count}")));
            assert_eq!(sum(systems.iter().copied(), count), number(total, count));
            assert_eq!(sum(parts, count), number(total, count));
        }
        assert_eq!(sum(systems.iter().copied(), "/time/seconds"), number(total, "/time/seconds"));
        assert_eq!(sum(parts, "/seconds"), number(total, "/time/seconds"));
        assert_eq!(sum(parts, "/measured_seconds"), number(total, "/time/measured_seconds"));
        let chain = items(&impact, "/cost/longest_chain");
        assert_eq!(sum(chain, "/seconds"), number(total, "/time/longest_chain_seconds"));
        assert!(number(total, "/time/longest_chain_seconds") <= number(total, "/time/seconds"));
    }
}

/// A chain is one of the dump: each derivation needs the one before.
#[test]
fn a_chain_is_a_chain() {
    let dump = Dump::read();
    let impact = report("impact", &[&["--root", "glibc"][..], &DURATIONS].concat());
    let chain: Vec<&str> = items(&impact, "/cost/longest_chain").iter().map(|link| text(link, "/derivation")).collect();
    assert!(chain.len() > 10);
    assert!(chain.windows(2).all(|link| dump.inputs(link[1]).contains_key(link[0]) && !dump.is_fixed(link[1])), "{chain:?}");
}

#[test]
fn waves_cost_what_the_plan_costs() {
    let files = [&DURATIONS[..], &CACHED].concat();
    let (plan, impact) =
        (report("plan", &[&["--root", "glibc"][..], &files].concat()), report("impact", &[&["--root", "glibc"][..], &files].concat()));
    assert_eq!(plan["cost"], impact["cost"]);
    let waves = items(&plan, "/waves");
    for figure in ["/time/seconds", "/time/measured_seconds", "/time/mean_seconds", "/availability/cached/derivations"] {
        assert_eq!(sum(waves, &format!("/cost{figure}")), number(&plan, &format!("/cost/total{figure}")), "{figure}");
    }
    assert!(waves.iter().all(|wave| wave["derivations"] == wave["cost"]["derivations"]));
}

/// The closures of all packages, added up at once, are those that are walked one by one.
#[test]
fn ranks_are_what_impacts_cost() {
    let files = [&DURATIONS[..], &CACHED].concat();
    let rank = report("rank", &[&["--named", "--sort", "hours"][..], &files].concat());
    let packages = items(&rank, "/packages");
    assert!(packages.is_sorted_by_key(|package| std::cmp::Reverse(number(package, "/cost/seconds"))));
    let named_once = |package: &&Value| packages.iter().filter(|other| other["package"] == package["package"]).count() == 1;
    for package in packages.iter().filter(named_once).step_by(9) {
        let impact = report("impact", &[&["--root", text(package, "/package")][..], &files].concat());
        let total = &impact["cost"]["total"];
        for (ours, theirs) in [
            ("/cost/seconds", "/time/seconds"),
            ("/cost/measured_seconds", "/time/measured_seconds"),
            ("/cost/to_build_derivations", "/availability/to_build/derivations"),
            ("/cost/to_build_seconds", "/availability/to_build/seconds"),
        ] {
            assert_eq!(number(package, ours), number(total, theirs), "{package}: {ours}");
        }
    }
}

/// Estimates are within what they say of the exact sums, and say it; without costs there is nothing to estimate.
#[test]
fn ranks_by_estimate_are_near_the_exact_ones() {
    let by_package = |arguments: &[&str]| {
        let files = [&DURATIONS[..], &CACHED].concat();
        let rank = report("rank", &[arguments, &["--sort", "hours"], &files].concat());
        let key = |package: &Value| (text(package, "/package").to_owned(), number(package, "/rebuilds_derivations"));
        let costs: BTreeMap<_, _> = items(&rank, "/packages").iter().map(|package| (key(package), package["cost"].clone())).collect();
        (rank["approximate"].clone(), costs)
    };
    let (approximate, exact) = by_package(&[]);
    assert_eq!(approximate, Value::Null);
    for (option, rounds) in [("--approximate=400", 448), ("--approximate=5%", 448), ("--approximate=0.05", 448), ("--approximate", 256)] {
        let (approximate, estimates) = by_package(&[option]);
        assert_eq!(approximate["rounds"], rounds);
        let error = approximate["relative_standard_error"].as_f64().expect("an error");
        assert!((error - 1.0 / (f64::from(rounds) - 2.0).sqrt()).abs() < 1e-12);
        assert_eq!(estimates.len(), exact.len());
        for (package, exact) in &exact {
            let (exact, estimate) = (number(exact, "/seconds") as f64, number(&estimates[package], "/seconds") as f64);
            assert!((estimate - exact).abs() <= 5.0 * error * exact + 1.0, "{package:?}: {estimate} for {exact}");
        }
    }
}

/// Everything in `data` is in its list; without some of the lines, exactly what has one of them as output is not.
#[test]
fn cached_is_what_has_all_outputs_in_the_list() {
    let dump = Dump::read();
    let directory = tempfile::tempdir().expect("a directory");
    let list = directory.path().join("store-paths");
    let all = read("data/dumps/store-paths.txt");
    for step in [1000, 50, 7, 2] {
        let (gone, kept): (Vec<_>, Vec<_>) = all.lines().enumerate().partition(|(number, _)| number % step == step - 1);
        let kept: Vec<&str> = kept.into_iter().map(|(_, line)| line).collect();
        std::fs::write(&list, kept.join("\n")).expect("written");
        let impact = report("impact", &["--root", "glibc", "--cached", list.to_str().expect("UTF-8")]);
        let gone: BTreeSet<&str> = gone.into_iter().map(|(_, line)| line).collect();
        let rebuilt = dump.rebuilds(&roots(&impact));
        let to_build: BTreeSet<&str> =
            rebuilt.iter().copied().filter(|path| dump.output_paths(path).iter().any(|output| gone.contains(output))).collect();
        let availability = &impact["cost"]["total"]["availability"];
        assert_eq!(number(availability, "/to_build/derivations"), to_build.len() as u64, "{step}");
        assert_eq!(number(availability, "/to_build/attributes"), dump.attributes_of(&to_build) as u64, "{step}");
        assert_eq!(number(availability, "/to_build/outputs"), dump.outputs_of(&to_build) as u64, "{step}");
        assert_eq!(number(availability, "/cached/derivations"), (rebuilt.len() - to_build.len()) as u64, "{step}");
        assert_eq!(number(availability, "/unknown/derivations"), 0, "{step}");
        assert!(availability["longest_chain_seconds"].is_null() && impact["cost"]["total"]["time"].is_null());
        assert_eq!(length(&impact, "/cost/packages"), 0);
    }
}
