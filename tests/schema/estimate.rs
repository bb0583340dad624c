//! `waves impact --git` and `--git-worktree`.

use std::collections::BTreeSet;
use std::fs;

use git2::Repository;
use serde_json::Value;
use tempfile::TempDir;

use crate::checkout::{Checkout, JQ_META, PROSE, STDENV, ZLIB, commit};
use crate::dump::Dump;
use crate::support::{GRAPH, assert_valid, items, joined, length, number, run, schema, text, texts};

impl Checkout {
    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let repo = ["--repo", self.directory.path().to_str().expect("UTF-8")];
        [&["impact"], &GRAPH[..], &repo, arguments].concat()
    }

    /// The report: valid by its schema, and the same as JSON and as JSON lines.
    fn report(&self, arguments: &[&str]) -> Value {
        let stdout = |format: &str| {
            let output = run(&[&self.arguments(arguments)[..], &["--format", format]].concat());
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        let document: Value = serde_json::from_str(&stdout("json")).expect("JSON");
        let schema = schema("estimate");
        assert_valid(&schema, &document);
        assert_eq!(joined(&schema, &stdout("jsonl")), document, "{arguments:?}: the lines are not the document");
        document
    }

    fn code(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = run(&self.arguments(arguments));
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    }
}

const CURL: (&str, &str, &str) = ("pkgs/by-name/cu/curlMinimal/package.nix", "pname = ", "flag = 1; pname = ");

#[test]
fn rebuilds_are_those_of_the_dump() {
    let dump = Dump::read();
    for changes in [&[ZLIB][..], &[CURL, JQ_META, PROSE], &[ZLIB, STDENV]] {
        let estimate = Checkout::new(changes).report(&["--git", "HEAD~1..HEAD"]);
        let seeds: Vec<&str> = items(&estimate, "/seeds").iter().flat_map(|seed| texts(seed, "/derivations")).collect();
        let rebuilt = dump.rebuilds(&seeds);
        assert_eq!(number(&estimate, "/impact/rebuilds/derivations"), rebuilt.len() as u64);
        assert_eq!(length(&estimate, "/rebuilds"), dump.attributes_of(&rebuilt) as u64);
        let attributes = items(&estimate, "/impact/attributes").iter();
        let names: BTreeSet<String> = attributes
            .map(|attribute| format!("{}.{}", text(attribute, "/attribute").replace('"', ""), text(attribute, "/system")))
            .collect();
        assert_eq!(texts(&estimate, "/rebuilds"), names.iter().map(String::as_str).collect::<Vec<_>>());
        let most = number(&estimate, "/at_most/derivations");
        assert!(most >= rebuilt.len() as u64);
        assert!(items(&estimate, "/unbounded").iter().all(|unbounded| number(unbounded, "/bound/derivations") <= most));
        assert_eq!(number(&estimate, "/comparison/files"), changes.len() as u64);
        assert_eq!(number(&estimate, "/comparison/positions"), number(&estimate, "/comparison/positions_found"));
        assert_eq!(estimate["comparison"]["far_away"], false);
    }
}

#[test]
fn each_file_is_somewhere() {
    let checkout = Checkout::new(&[ZLIB, JQ_META, STDENV, PROSE]);
    let estimate = checkout.report(&["--git", "HEAD~1"]);
    let files = |key: &str| -> BTreeSet<&str> { items(&estimate, key).iter().map(|item| text(item, "/file")).collect() };
    assert_eq!(files("/seeds"), BTreeSet::from([ZLIB.0, JQ_META.0]));
    assert_eq!((files("/unbounded"), files("/ignored")), (BTreeSet::from([STDENV.0]), BTreeSet::from([PROSE.0])));
    let meta = items(&estimate, "/seeds").iter().find(|seed| text(seed, "/file") == JQ_META.0).expect("a seed");
    assert_eq!((text(meta, "/attribute"), text(meta, "/kind"), length(meta, "/derivations")), ("jq", "meta-only", 0));
    let short = checkout.report(&["--git", "HEAD~1", "--limit", "1"]);
    assert_eq!(length(&short, "/seeds") + number(&short, "/seeds_omitted"), length(&estimate, "/seeds"));
    assert_eq!(length(&short, "/rebuilds") + number(&short, "/rebuilds_omitted"), length(&estimate, "/rebuilds"));
}

#[test]
fn the_working_tree() {
    let checkout = Checkout::new(&[]);
    let nothing = checkout.report(&["--git-worktree"]);
    assert_eq!((number(&nothing, "/comparison/files"), &nothing["comparison"]["head"]), (0, &Value::Null));
    checkout.replace(ZLIB.0, ZLIB.1, ZLIB.2);
    let changed = checkout.report(&["--git-worktree=HEAD~1"]);
    assert_eq!(number(&changed, "/comparison/files"), 1);
    assert!(length(&changed, "/seeds") > 0);
}

/// An evaluation of another tree is told by the files that its attributes are defined in.
#[test]
fn another_tree_is_told() {
    let elsewhere = Checkout { directory: TempDir::new().expect("a directory") };
    fs::write(elsewhere.directory.path().join("a.nix"), "{ }\n").expect("written");
    commit(&Repository::init(elsewhere.directory.path()).expect("a repository"), "Another tree");
    let comparison = &elsewhere.report(&["--git-worktree"])["comparison"];
    assert_eq!((&comparison["far_away"], number(comparison, "/positions_found")), (&Value::Bool(true), 0));
    let said = run(&elsewhere.arguments(&["--git-worktree"]));
    assert!(String::from_utf8_lossy(&said.stdout).contains("Is it of another tree?"));
}

#[test]
fn exit_codes() {
    let checkout = Checkout::new(&[CURL]);
    let range = ["--git", "HEAD~1..HEAD"];
    let rebuilt = length(&checkout.report(&range), "/rebuilds");
    let limited = |checkout: &Checkout, limit: u64| checkout.code(&[&range[..], &["--fail-over", &limit.to_string()]].concat());
    assert_eq!(limited(&checkout, rebuilt).0, Some(0));
    let (code, message) = limited(&checkout, rebuilt - 1);
    assert_eq!(code, Some(1));
    assert!(message.contains("are rebuilt"), "{message}");
    // What is not confined may be more than the limit, and is not nothing.
    let shown = run(&Checkout::new(&[STDENV]).arguments(&range));
    let shown = String::from_utf8(shown.stdout).expect("UTF-8");
    assert!(shown.contains("\nNothing is certain to be rebuilt.\n") && !shown.contains("Nothing is rebuilt."), "{shown}");
    let (code, message) = limited(&Checkout::new(&[STDENV]), 1);
    assert_eq!(code, Some(1));
    assert!(message.contains("may be rebuilt"), "{message}");
    assert_eq!(limited(&Checkout::new(&[JQ_META]), 0).0, Some(0));
    for (arguments, code, expected) in [
        (&["--git", "nosuch..HEAD"][..], 2, "`nosuch` is no commit"),
        (&["--git", ""], 2, "it names no end of what is to be compared"),
        (&["--git", "..."], 2, "it names no end of what is to be compared"),
        (&["--git", "HEAD~1", "--git-worktree"], 2, "cannot be used with"),
        (&["--git", "HEAD~1", "--root", "zlib"], 2, "cannot be used with"),
        (&["--git", "HEAD~1", "--inverse"], 2, "cannot be used with"),
        (&["--git", "HEAD~1", "--system", "foo"], 2, "nothing in this evaluation is for `foo`"),
        (&["--git", "HEAD~1", "--repo", "/"], 2, "cannot be used multiple times"),
    ] {
        let (found, message) = checkout.code(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{message}");
    }
    let empty = TempDir::new().expect("a directory");
    let outside = run(&[&["impact"], &GRAPH[..], &["--git", "HEAD", "--repo", empty.path().to_str().expect("UTF-8")]].concat());
    assert_eq!(outside.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&outside.stderr).contains("no git repository"));
    let none = run(&[&["impact"], &GRAPH[..]].concat());
    assert_eq!(none.status.code(), Some(2));
}

/// A package that is removed is not changed unseen.
#[test]
fn a_protected_package_is_not_removed() {
    let checkout = Checkout::new(&[]);
    fs::remove_dir_all(checkout.directory.path().join("pkgs/by-name/fd/fd")).expect("removed");
    let policy = checkout.directory.path().join("policy.toml");
    fs::write(&policy, "[[policy.protected]]\npackages = [\"fd\"]\nreason = \"needed\"\n").expect("written");
    let (repo, policy) = (checkout.directory.path().display().to_string(), policy.display().to_string());
    let judged = |options: &[&str]| {
        let arguments =
            [&["check"], &GRAPH[..], &["--git-worktree", "--repo", &repo, "--config", &policy, "--format", "json"], options].concat();
        let output = run(&arguments);
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).expect("JSON"))
    };
    let (code, report) = judged(&[]);
    assert_eq!((code, number(&report, "/attributes/removed")), (Some(1), 1), "{report}");
    assert!(items(&report, "/reasons").iter().any(|reason| text(reason, "/rule") == "protected"), "{report}");
    assert_eq!(judged(&["--acknowledge", "fd"]).0, Some(0));
}

/// What is removed is not rebuilt: the count, the limit and what is judged agree. `ceph` and `qbittorrent` would be, `kodi` fails before.
#[test]
fn what_is_removed_is_not_rebuilt() {
    let checkout = Checkout::new(&[CURL]);
    let range = ["--git-worktree=HEAD~1"];
    let all = checkout.report(&range);
    for package in ["ce/ceph", "ko/kodi", "qb/qbittorrent"] {
        fs::remove_dir_all(checkout.directory.path().join("pkgs/by-name").join(package)).expect("removed");
    }
    let left = checkout.report(&range);
    assert_eq!((texts(&left, "/removed"), length(&left, "/unbounded")), (vec!["ceph", "kodi", "qbittorrent"], 0));
    let gone = ["ceph.x86_64-linux", "qbittorrent.x86_64-linux"];
    let names: Vec<&str> = texts(&all, "/rebuilds").into_iter().filter(|name| !gone.contains(name)).collect();
    let count = names.len() as u64;
    assert_eq!((texts(&left, "/rebuilds"), count), (names, length(&all, "/rebuilds") - 2));
    let derivations = number(&all, "/impact/rebuilds/derivations") - 2;
    for counts in ["/impact/rebuilds", "/at_most"] {
        let counted = (number(&left, &format!("{counts}/attributes")), number(&left, &format!("{counts}/derivations")));
        assert_eq!(counted, (count, derivations), "{counts}");
    }
    let limited = |limit: u64| checkout.code(&[&range[..], &["--fail-over", &limit.to_string()]].concat()).0;
    assert_eq!((limited(count), limited(count - 1)), (Some(0), Some(1)));
    let repo = checkout.directory.path().display().to_string();
    let judged = run(&[&["check"], &GRAPH[..], &range, &["--repo", &repo, "--format", "json"]].concat());
    let judged: Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    assert_eq!(judged["rebuilds"], left["impact"]["rebuilds"]);
}

/// Bounds are of the system that is asked for, as is what is certain.
#[test]
fn bounds_of_a_system() {
    let checkout = Checkout::new(&[ZLIB, STDENV]);
    let dump = Dump::read();
    let of_all = number(&checkout.report(&["--git", "HEAD~1"]), "/at_most/derivations");
    let mut sum = 0;
    for system in ["x86_64-linux", "i686-linux"] {
        let estimate = checkout.report(&["--git", "HEAD~1", "--system", system]);
        let built = dump.built(system) as u64;
        let [bound] = items(&estimate, "/unbounded") else { panic!("{estimate}") };
        assert_eq!(number(bound, "/bound/derivations"), built, "{system}");
        let most = number(&estimate, "/at_most/derivations");
        assert!(most >= built && number(&estimate, "/impact/rebuilds/derivations") <= most, "{system}");
        sum += most;
        let limited = |limit: u64| checkout.code(&["--git", "HEAD~1", "--system", system, "--fail-over", &limit.to_string()]).0;
        let attributes = number(&estimate, "/at_most/attributes");
        assert_eq!((limited(attributes), limited(attributes - 1)), (Some(0), Some(1)), "{system}");
    }
    assert!(sum <= of_all, "{sum} of {of_all}");
}

/// A commit's subject is as hostile as any other name.
#[test]
fn subjects_cannot_be_markup() {
    let checkout = Checkout::new(&[JQ_META]);
    for (format, forbidden) in [("text", "\u{1b}"), ("markdown", "<b>")] {
        let output = run(&checkout.arguments(&["--git", "HEAD~1", "--format", format]));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("change") && !text.contains(forbidden), "{text}");
    }
}
