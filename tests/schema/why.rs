//! `waves why`.

use std::collections::BTreeSet;

use crate::dump::Dump;
use crate::support::{items, length, number, report, run, text, texts};

#[test]
fn a_chain_is_one_of_the_dump() {
    let dump = Dump::read();
    for (from, to) in [("openssl", "git"), ("zlib", "glibc"), ("glibc", "deno"), ("curl", "curl")] {
        let why = report("why", &[from, to]);
        assert_eq!(why["rebuilds"], true, "{from} {to}");
        let path = items(&why, "/path");
        let ends = (text(&path[0], "/derivation"), text(&path[path.len() - 1], "/derivation"));
        assert!(texts(&why, "/from/0/derivations").contains(&ends.0) && texts(&why, "/to/0/derivations").contains(&ends.1));
        for (input, user) in path.iter().zip(&path[1..]) {
            let uses = &dump.inputs(text(user, "/derivation"))[text(input, "/derivation")];
            assert_eq!((uses, user["fixed_output"].as_bool()), (&user["uses"], Some(false)), "{from} {to}");
        }
    }
}

#[test]
fn no_chain_is_shorter() {
    let dump = Dump::read();
    let why = report("why", &["glibc", "deno", "--exact"]);
    let mut reached: BTreeSet<&str> = texts(&why, "/from/0/derivations").into_iter().collect();
    for _ in 1..length(&why, "/path") {
        assert!(texts(&why, "/to/0/derivations").iter().all(|target| !reached.contains(target)));
        let next = dump.next(&reached);
        reached.extend(next);
    }
}

#[test]
fn all_is_everything_between() {
    let dump = Dump::read();
    let why = report("why", &["openssl", "git", "--all"]);
    let edges: Vec<(&str, &str)> = items(&why, "/edges").iter().map(|edge| (text(edge, "/input"), text(edge, "/user"))).collect();
    assert!(edges.iter().all(|(input, user)| dump.inputs(user).contains_key(*input)));
    let nodes: BTreeSet<&str> = edges.iter().flat_map(|&(input, user)| [input, user]).collect();
    assert_eq!(number(&why, "/between"), nodes.len() as u64);
    let cut = report("why", &["openssl", "git", "--all", "--limit", "1"]);
    assert_eq!((length(&cut, "/edges"), number(&cut, "/edges_omitted")), (1, edges.len() as u64 - 1));
    assert_eq!(length(&report("why", &["openssl", "git"]), "/edges"), 0);
}

#[test]
fn what_does_not_rebuild_is_said() {
    // The fetcher uses curl, and what it fetches is fixed.
    let blocked = report("why", &["curl", "openssl"]);
    assert!(items(&blocked, "/blocked").iter().any(|step| step["fixed_output"] == true));
    let reversed = report("why", &["git", "openssl"]);
    assert_eq!(reversed["reversed"], true);
    let unconnected = report("why", &["git", "ripgrep"]);
    assert_eq!((unconnected["reversed"].as_bool(), length(&unconnected, "/blocked")), (Some(false), 0));
    for why in [blocked, reversed, unconnected] {
        assert_eq!((why["rebuilds"].as_bool(), length(&why, "/path"), number(&why, "/between")), (Some(false), 0, 0));
    }
}

/// The heading names the first of them, and says how many follow.
#[test]
fn a_heading_names_few_roots() {
    let why = report("why", &["python3*", "python312Packages.torch"]);
    let labels: Vec<&str> = items(&why, "/from").iter().map(|root| text(root, "/label")).collect();
    assert!(labels.len() > 8, "{labels:?}");
    let shown = run(&[&["why", "python3*", "python312Packages.torch"], &crate::support::GRAPH[..]].concat());
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    let heading = format!("A change of {} and {} more rebuilds python312Packages.torch, in ", labels[..8].join(", "), labels.len() - 8);
    assert!(shown.lines().any(|line| line.starts_with(&heading)), "{heading}\n{shown}");
}

#[test]
fn an_unknown_package_is_no_report() {
    let arguments = [&["why", "openssl", "no-such-package", "--format", "json"], &crate::support::GRAPH[..]].concat();
    let output = run(&arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}
