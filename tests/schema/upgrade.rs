//! `waves plan --updates`, and what reads its plans.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::dump::Dump;
use crate::support::{GRAPH, assert_valid, items, joined, length, number, read, real, report, run, schema, sum, text, texts};

const UPDATES: [&str; 2] = ["--updates", "data/dumps/updates.csv"];

fn stdout(arguments: &[&str]) -> String {
    let output = run(arguments);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A report that keeps to the schema of that name, as JSON and as JSON lines.
fn valid(name: &str, arguments: &[&str]) -> Value {
    let document: Value = serde_json::from_str(&stdout(&[arguments, &["--format", "json"]].concat())).expect("JSON");
    let schema = schema(name);
    assert_valid(&schema, &document);
    assert_eq!(joined(&schema, &stdout(&[arguments, &["--format", "jsonl"]].concat())), document, "{arguments:?}");
    document
}

fn upgrade(arguments: &[&str]) -> Value {
    valid("upgrade", &[&["plan"], &UPDATES[..], &GRAPH, arguments].concat())
}

/// A file with a plan in it.
fn kept(plan: &Value) -> (TempDir, String) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("plan.json");
    fs::write(&path, plan.to_string()).expect("written");
    let name = path.display().to_string();
    (directory, name)
}

/// The derivations of each updated package, as `waves impact` finds them.
fn derivations(plan: &Value) -> BTreeMap<String, Vec<String>> {
    let scope: &[&str] = if plan["scope"] == "exact" { &["--exact"] } else { &[] };
    let of = |package: &str| {
        let impact = report("impact", &[&["--root", package, "--limit", "1"], scope].concat());
        texts(&impact, "/roots/0/derivations").into_iter().map(str::to_owned).collect()
    };
    items(plan, "/updates").iter().map(|update| (text(update, "/package").to_owned(), of(text(update, "/package")))).collect()
}

#[test]
fn waves_rebuild_what_the_dump_says() {
    let dump = Dump::read();
    for arguments in [&[][..], &["--exact"], &["--exact", "--max-waves", "3"], &["--max-waves", "2"]] {
        let plan = upgrade(arguments);
        let derivations = derivations(&plan);
        let mut locked: BTreeSet<&str> = BTreeSet::new();
        for wave in items(&plan, "/waves") {
            let roots: Vec<&str> =
                texts(wave, "/updates").into_iter().flat_map(|update| &derivations[update]).map(String::as_str).collect();
            let rebuilt = dump.rebuilds(&roots);
            let counts = ["attributes", "derivations", "outputs"].map(|count| number(wave, &format!("/rebuilds/{count}")));
            let expected = [dump.attributes_of(&rebuilt), rebuilt.len(), dump.outputs_of(&rebuilt)].map(|count| count as u64);
            assert_eq!(counts, expected, "{arguments:?} {}", text(wave, "/name"));
            assert!(locked.is_disjoint(&rebuilt), "{arguments:?} {} rebuilds what is locked", text(wave, "/name"));
            locked.extend(roots);
        }
        let waves = items(&plan, "/waves");
        assert_eq!(number(&plan, "/totals/builds/attributes"), sum(waves, "/rebuilds/attributes"));
        assert_eq!(number(&plan, "/totals/builds/derivations"), sum(waves, "/rebuilds/derivations"));
        assert_eq!(number(&plan, "/totals/waves"), waves.len() as u64);
        // Each update is in the wave that says so.
        for update in items(&plan, "/updates") {
            let wave = waves.iter().find(|wave| wave["name"] == update["wave"]).expect("there is such a wave");
            assert!(texts(wave, "/updates").contains(&text(update, "/package")));
        }
        let all: Vec<&str> = derivations.values().flatten().map(String::as_str).collect();
        assert_eq!(number(&plan, "/all_at_once/builds/derivations"), dump.rebuilds(&all).len() as u64);
    }
}

#[test]
fn updates_are_those_of_the_list() {
    let plan = upgrade(&[]);
    let listed: Vec<Vec<String>> =
        read("data/dumps/updates.csv").lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let found: Vec<Vec<String>> = items(&plan, "/updates")
        .iter()
        .map(|update| ["/package", "/from", "/to"].map(|key| text(update, key).to_owned()).to_vec())
        .collect();
    assert_eq!(found, listed);
    let alone: u64 = derivations(&upgrade(&["--exact"]))
        .values()
        .map(|roots| {
            let dump = Dump::read();
            dump.rebuilds(&roots.iter().map(String::as_str).collect::<Vec<_>>()).len() as u64
        })
        .sum();
    assert_eq!(number(&upgrade(&["--exact"]), "/one_at_a_time/builds/derivations"), alone);
}

/// Lists of other shapes say the same.
#[test]
fn shapes_of_lists_are_one() {
    let rows: Vec<Vec<String>> =
        read("data/dumps/updates.csv").lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let each = |shape: &dyn Fn(&str, &str, &str) -> String| rows.iter().map(|row| shape(&row[0], &row[1], &row[2])).collect::<Vec<_>>();
    let shapes = [
        each(&|package, from, to| format!("[[updates]]\npackage = \"{package}\"\nfrom = \"{from}\"\nto = \"{to}\"\n")).join("\n"),
        format!("[{}]", each(&|package, from, to| format!(r#"{{"attrPath":"{package}","oldVersion":"{from}","newVersion":"{to}","files":[]}}"#)).join(",")),
        format!("{{{}}}", each(&|package, from, to| format!(r#""{package}":{{"current":"{from}","latest":"{to}"}}"#)).join(",")),
        each(&|package, from, to| format!("{package} {from} {to} https://example.org # a comment\n")).concat(),
        format!(
            "{{{}}}",
            each(&|package, from, to| format!(
                r#""project-{package}":[{{"repo":"arch","version":"{to}","status":"newest"}},{{"repo":"nix_unstable","srcname":"{package}","version":"{from}","status":"outdated"}},{{"repo":"debian_12","version":"{from}","status":"outdated"}}]"#
            ))
            .join(",")
        ),
    ];
    let expected = upgrade(&[]);
    for shape in shapes {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("list");
        fs::write(&path, &shape).expect("written");
        let path = path.display().to_string();
        let found = valid("upgrade", &[&["plan", "--updates", &path], &GRAPH[..]].concat());
        assert_eq!(found, expected, "{shape}");
    }
}

#[test]
fn hours_are_those_of_the_parts() {
    let durations = ["--durations", "data/dumps/durations.csv", "--builders", "3"];
    let plan = upgrade(&durations);
    let mut total = 0.0;
    for wave in items(&plan, "/waves") {
        // Of the same roots, planned alone.
        let roots = texts(wave, "/updates").join(",");
        let alone = report("plan", &[&["--root", &roots], &durations[..]].concat());
        let seconds = number(&alone, "/cost/total/time/seconds") as f64;
        assert!((real(wave, "/hours") - seconds / 3600.0).abs() < 0.006, "{roots}");
        assert_eq!(wave["schedule"], alone["schedule"], "{roots}");
        assert_eq!(wave["makespan_hours"], alone["schedule"]["makespan"]);
        total += real(wave, "/hours");
    }
    assert!((real(&plan, "/totals/hours") - total).abs() < 0.1);
}

#[test]
fn plans_are_verified_explained_and_compared() {
    let plan = upgrade(&["--durations", "data/dumps/durations.csv"]);
    let (_directory, path) = kept(&plan);
    let verified = valid("verify", &[&["verify", &path, "--durations", "data/dumps/durations.csv"], &GRAPH[..]].concat());
    assert_eq!(length(&verified, "/flaws"), 0, "{verified}");
    // Only the planner can tell the frontier.
    assert!(length(&verified, "/unchecked") == 1 && text(&verified, "/unchecked/0").starts_with("the frontier"), "{verified}");

    let dump = Dump::read();
    let derivations = derivations(&plan);
    let explained = valid("explain", &[&["explain", "git", "--plan", &path], &GRAPH[..]].concat());
    let git = texts(&explained, "/package/derivations");
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for wave in items(&plan, "/waves") {
        for update in texts(wave, "/updates") {
            let rebuilt = dump.rebuilds(&derivations[update].iter().map(String::as_str).collect::<Vec<_>>());
            if git.iter().any(|derivation| rebuilt.contains(derivation)) {
                expected.entry(text(wave, "/name")).or_default().insert(update);
            }
        }
    }
    let causes = |hit: &Value| items(hit, "/causes").iter().map(|cause| text(cause, "/package").to_owned()).collect::<BTreeSet<_>>();
    let found: BTreeMap<&str, BTreeSet<String>> = items(&explained, "/waves").iter().map(|hit| (text(hit, "/wave"), causes(hit))).collect();
    let expected: BTreeMap<&str, BTreeSet<String>> =
        expected.into_iter().map(|(wave, causes)| (wave, causes.into_iter().map(str::to_owned).collect())).collect();
    assert_eq!(found, expected);

    let (_other, merged) = kept(&upgrade(&["--max-waves", "2"]));
    let moved = valid("plan-diff", &["plan", "diff", &path, &merged]);
    let wave_of = |plan: &Value| -> BTreeMap<String, String> {
        items(plan, "/updates").iter().map(|update| (text(update, "/package").to_owned(), text(update, "/wave").to_owned())).collect()
    };
    let (before, after) = (wave_of(&plan), wave_of(&upgrade(&["--max-waves", "2"])));
    assert_eq!(length(&moved, "/moves"), before.iter().filter(|(package, wave)| after[*package] != **wave).count() as u64);
    for one in items(&moved, "/moves") {
        let package = text(one, "/package");
        assert_eq!((text(one, "/before"), text(one, "/after")), (before[package].as_str(), after[package].as_str()));
    }
}

/// What is proposed is read again, and has the source that it says.
#[test]
fn proposals_are_groups() {
    let groups = valid("groups", &[&["groups"], &GRAPH[..]].concat());
    let toml = stdout(&[&["groups"], &GRAPH[..]].concat());
    let directory = TempDir::new().expect("a directory");
    let config = directory.path().join("waves.toml");
    fs::write(&config, toml).expect("written");
    let plan = upgrade(&["--config", &config.display().to_string()]);
    let idle = items(&plan, "/unions").iter().filter(|union| union["kind"] == "idle").count();
    let taken: BTreeSet<&str> = items(&plan, "/updates").iter().filter_map(|update| update["group"].as_str()).collect();
    assert_eq!(idle + taken.len(), items(&groups, "/groups").len());
    let dump = Dump::read();
    for group in items(&groups, "/groups").iter().filter(|group| group["kind"] == "source") {
        let sources = texts(group, "/packages").into_iter().map(|package| {
            let impact = report("impact", &["--root", package, "--limit", "1"]);
            let inputs = texts(&impact, "/roots/0/derivations")
                .into_iter()
                .flat_map(|derivation| dump.inputs(derivation).keys().cloned().collect::<Vec<_>>());
            inputs.filter(|input| dump.is_fixed(input)).collect::<BTreeSet<String>>()
        });
        let common = sources.reduce(|one, other| one.intersection(&other).cloned().collect()).expect("packages");
        assert!(!common.is_empty(), "{group}");
    }
}

/// What commits change together is a group; what one of them changes alone more often is none.
#[test]
fn history_is_evidence() {
    let directory = TempDir::new().expect("a directory");
    let git = git2::Repository::init(directory.path()).expect("a repository");
    let commit = |number: usize, names: &[&str]| {
        for name in names {
            let file = directory.path().join(format!("pkgs/by-name/{}/{name}/package.nix", &name[..2]));
            fs::create_dir_all(file.parent().expect("a directory")).expect("made");
            fs::write(file, format!("# {number}\n")).expect("written");
        }
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
        let tree = git.find_tree(index.write_tree().expect("a tree")).expect("the tree");
        let ada = git2::Signature::now("Ada", "ada@example.org").expect("a signature");
        let parents: Vec<git2::Commit<'_>> = git.head().ok().map(|head| head.peel_to_commit().expect("a commit")).into_iter().collect();
        git.commit(Some("HEAD"), &ada, &ada, "A change", &tree, &parents.iter().collect::<Vec<_>>()).expect("committed");
    };
    commit(0, &["cmake", "jq", "fd", "hello"]);
    for number in 1..=4 {
        commit(number, &["cmake", "jq"]);
        commit(number + 10, &["fd"]);
    }
    commit(30, &["fd", "hello"]);
    commit(31, &["jq"]);
    let repository = directory.path().display().to_string();
    let groups = valid("groups", &[&["groups", "--repo", &repository], &GRAPH[..]].concat());
    // The first commit has no parent, and changes nothing.
    assert_eq!(number(&groups, "/commits"), 10);
    let history: Vec<&Value> = items(&groups, "/groups").iter().filter(|group| group["kind"] == "history").collect();
    assert_eq!(history.len(), 1, "{history:?}");
    let packages: BTreeSet<&str> = texts(history[0], "/packages").into_iter().collect();
    assert_eq!(packages, BTreeSet::from(["cmake", "jq"]));
    assert!(text(history[0], "/reason").starts_with("4 commits changed them together, 80 %"), "{}", text(history[0], "/reason"));
    let last = valid("groups", &[&["groups", "--repo", &repository, "--commits", "2"], &GRAPH[..]].concat());
    assert_eq!(number(&last, "/commits"), 2);
}

/// Whom a wave hits is whom its updates hit.
#[test]
fn a_wave_is_a_change() {
    let plan = upgrade(&["--exact"]);
    let (_directory, path) = kept(&plan);
    for wave in items(&plan, "/waves") {
        let updates = texts(wave, "/updates").join(",");
        let of_wave = valid("notify", &[&["notify", "--plan", &path, "--wave", text(wave, "/name")], &GRAPH[..]].concat());
        assert_eq!(of_wave, valid("notify", &[&["notify", "--root", &updates, "--exact"], &GRAPH[..]].concat()), "{updates}");
    }
}
