//! `waves notify`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::dump::Dump;
use crate::support::{GRAPH, assert_valid, items, length, number, read, report, report_on, run, schema, text, texts};

/// What `eval-jobs.jsonl` says of the attributes: path, derivation, everybody who is named, and whether it is broken.
struct Job {
    attribute: String,
    derivation: String,
    named: BTreeSet<String>,
    is_broken: bool,
}

fn jobs() -> Vec<Job> {
    let jobs = read("data/dumps/eval-jobs.jsonl");
    let job = |line: &str| {
        let job: Value = serde_json::from_str(line).expect("a line of nix-eval-jobs");
        let names = |list: &str, keys: &[&str]| -> Vec<String> {
            let people = job["meta"][list].as_array().into_iter().flatten();
            people.map(|person| keys.iter().find_map(|key| person[key].as_str()).expect("a name").to_owned()).collect()
        };
        // Who is there only as a member of a team is not told apart from it.
        let has_team = job["meta"]["teams"].as_array().is_some_and(|teams| !teams.is_empty());
        let people = names(if has_team { "nonTeamMaintainers" } else { "maintainers" }, &["github", "name"]);
        let teams = names("teams", &["github", "shortName"]).into_iter().map(|team| format!("{team} (team)"));
        Some(Job {
            attribute: text(&job, "/attr").to_owned(),
            derivation: job["drvPath"].as_str()?.to_owned(),
            named: people.into_iter().chain(teams).collect(),
            is_broken: job["meta"]["broken"] == true,
        })
    };
    jobs.lines().filter_map(job).collect()
}

/// Everybody that a report names, as [`Job::named`] has them, and the counts of each.
fn named(report: &Value) -> BTreeMap<String, &Value> {
    let all = items(report, "/people").iter().chain(items(report, "/overflow"));
    let team = |recipient: &Value| if text(recipient, "/kind") == "team" { " (team)" } else { "" };
    all.map(|recipient| (format!("{}{}", text(recipient, "/name"), team(recipient)), recipient)).collect()
}

#[test]
fn everybody_is_told_of_what_the_dump_names_them_for() {
    let (dump, jobs) = (Dump::read(), jobs());
    for root in ["glibc", "openssl", "curl", "qt6.*", "python312Packages.numpy"] {
        let notify = report("notify", &["--root", root, "--cap", "3"]);
        let roots: Vec<&str> = items(&notify, "/causes").iter().flat_map(|cause| texts(cause, "/derivations")).collect();
        let rebuilt = dump.rebuilds(&roots);
        let hit: Vec<&Job> = jobs.iter().filter(|job| rebuilt.contains(job.derivation.as_str())).collect();
        let mut expected: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for job in &hit {
            for name in &job.named {
                let (kept, broken) = expected.entry(name).or_default();
                *(if job.is_broken { broken } else { kept }) += 1;
            }
        }
        expected.retain(|_, (kept, _)| *kept > 0);
        let named = named(&notify);
        let found: BTreeMap<&str, (u64, u64)> =
            named.iter().map(|(name, counts)| (name.as_str(), (number(counts, "/attributes"), number(counts, "/broken")))).collect();
        assert_eq!(found, expected, "{root}");
        assert_eq!(length(&notify, "/people"), expected.len().min(3) as u64);
        assert_eq!(number(&notify, "/attributes/broken"), hit.iter().filter(|job| job.is_broken).count() as u64, "{root}");
        let counts = ["/named", "/unnamed", "/broken", "/failed"].map(|count| number(&notify["attributes"], count));
        assert_eq!((counts.iter().sum::<u64>(), hit.len() as u64), (number(&notify, "/rebuilds/attributes"), hit.len() as u64), "{root}");
    }
}

#[test]
fn packages_agree_with_the_dump() {
    let (dump, jobs) = (Dump::read(), jobs());
    for root in ["openssl", "zlib,rustc"] {
        let notify = report("notify", &["--root", root, "--cap", "100"]);
        let roots: BTreeSet<&str> = items(&notify, "/causes").iter().flat_map(|cause| texts(cause, "/derivations")).collect();
        let next = dump.next(&roots);
        for digest in items(&notify, "/people") {
            assert_eq!(
                length(digest, "/packages"),
                ["/changed", "/direct", "/transitive"].map(|role| number(digest, role)).iter().sum::<u64>()
            );
            for package in items(digest, "/packages") {
                for build in items(package, "/derivations") {
                    let derivation = text(build, "/derivation");
                    let role = match (roots.contains(derivation), next.contains(derivation)) {
                        (true, _) => "changed",
                        (false, true) => "direct",
                        (false, false) => "transitive",
                    };
                    assert_eq!(text(build, "/role"), role, "{derivation}");
                    let attributes: BTreeSet<&str> = texts(build, "/aliases").into_iter().chain([text(build, "/attribute")]).collect();
                    let same = jobs.iter().filter(|job| job.derivation == derivation && !job.is_broken);
                    assert_eq!(attributes, same.map(|job| job.attribute.as_str()).collect(), "{derivation}");
                }
                for cause in items(&notify, "/causes") {
                    let reaches = dump.rebuilds(&texts(cause, "/derivations"));
                    let is_hit = items(package, "/derivations").iter().any(|build| reaches.contains(text(build, "/derivation")));
                    assert_eq!(texts(package, "/causes").contains(&text(cause, "/label")), is_hit, "{package}");
                }
                let waves = items(package, "/derivations").iter().map(|build| number(build, "/wave"));
                assert_eq!(waves.max(), package["wave"].as_u64());
                assert_eq!(texts(package, "/commands").is_empty(), text(package, "/role") != "direct", "{package}");
            }
        }
    }
}

/// What a package's wave is, is what the plan says.
#[test]
fn waves_are_those_of_the_plan() {
    let notify = report("notify", &["--root", "glibc", "--max-waves", "5", "--cap", "100"]);
    let plan = report("plan", &["--root", "glibc", "--max-waves", "5"]);
    for package in items(&notify, "/people").iter().flat_map(|digest| items(digest, "/packages")) {
        let wave = &plan["waves"][number(package, "/wave") as usize - 1];
        assert_eq!(package["wave_name"], wave["name"]);
        let level = number(package, "/level") - number(wave, "/first_level");
        assert!(level < number(wave, "/levels"), "{package}");
    }
}

#[test]
fn a_cap_moves_people_and_loses_none() {
    let whole = report("notify", &["--root", "glibc", "--cap", "100"]);
    let all: Vec<&str> = items(&whole, "/people").iter().map(|digest| text(digest, "/name")).collect();
    for cap in [0, 2, 5] {
        let capped = report("notify", &["--root", "glibc", "--cap", &cap.to_string()]);
        let (told, others) = (items(&capped, "/people"), items(&capped, "/overflow"));
        let names: Vec<&str> = told.iter().chain(others).map(|recipient| text(recipient, "/name")).collect();
        assert_eq!((told.len(), names), (cap, all.clone()));
        assert_eq!(told, &items(&whole, "/people")[..cap]);
    }
}

#[test]
fn one_recipient_is_told_the_same_alone() {
    let whole = report("notify", &["--root", "glibc", "--cap", "100", "--organisation", "example-org"]);
    for digest in items(&whole, "/people").iter().filter(|digest| !digest["handle"].is_null()) {
        let handle = text(digest, "/handle").to_uppercase();
        let alone = report("notify", &["--root", "glibc", "--cap", "0", "--organisation", "example-org", "--only", &format!("@{handle}")]);
        assert_eq!(items(&alone, "/people"), std::slice::from_ref(digest));
        assert_eq!((length(&alone, "/overflow"), length(&alone, "/unmaintained")), (0, 0));
    }
}

#[test]
fn an_index_says_which_file_is_whose() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("UTF-8");
    let whole = report("notify", &["--root", "glibc", "--cap", "4"]);
    let arguments = [&["notify"], &GRAPH[..], &["--root", "glibc", "--cap", "4", "--output-dir", path]].concat();
    assert!(run(&arguments).status.success());
    let index: Value = serde_json::from_str(&fs::read_to_string(directory.path().join("index.json")).expect("written")).expect("JSON");
    assert_valid(&schema("notify-index"), &index);
    assert_eq!(index["overflow"], whole["overflow"]);
    for (entry, digest) in items(&index, "/people").iter().zip(items(&whole, "/people")) {
        assert_eq!(entry["name"], digest["name"]);
        let file = fs::read_to_string(directory.path().join(text(entry, "/file"))).expect("written");
        assert!(file.starts_with(&format!("## {}", text(digest, "/name"))), "{file}");
        assert!(items(digest, "/packages").iter().all(|package| file.contains(text(package, "/package"))), "{file}");
    }
    let files = fs::read_dir(directory.path()).expect("listed").count();
    assert_eq!(files, items(&index, "/people").len() + 2);
}

/// Who maintained what is removed stands in the evaluation before.
#[test]
fn removed_attributes_have_their_maintainers() {
    let lines = read("data/dumps/eval-jobs.jsonl");
    let (removed, kept): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| line.starts_with("{\"attr\":\"fd\""));
    let directory = tempfile::tempdir().expect("a directory");
    let after = directory.path().join("after.jsonl");
    fs::write(&after, kept.join("\n")).expect("written");
    let before = "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl";
    let after = format!("data/dumps/derivations.json,{}", after.display());
    let report = report_on(&[], "notify", &[before, &after]);
    let job: Value = serde_json::from_str(removed[0]).expect("a line of nix-eval-jobs");
    let maintainers: Vec<&str> = items(&job, "/meta/maintainers").iter().map(|person| text(person, "/github")).collect();
    assert!(removed.len() == 1 && !maintainers.is_empty());
    let [told] = items(&report, "/removed_attributes") else { panic!("{report}") };
    assert_eq!((text(told, "/attribute"), texts(told, "/maintainers")), ("fd", maintainers.clone()));
    assert_eq!(number(&report, "/removed"), 1);
    for (name, expected) in [(maintainers[0], std::slice::from_ref(told)), ("example-rust-team", &[])] {
        let alone = report_on(&[], "notify", &[before, &after, "--only", name]);
        assert_eq!((items(&alone, "/removed_attributes"), number(&alone, "/removed")), (expected, 1), "{name}");
    }
}

/// What the JSON has of two evaluations that are no neighbours, the text says: each doubt, and what does not evaluate any more.
#[test]
fn doubts_are_said_once() {
    let lines = read("data/dumps/eval-jobs.jsonl");
    let directory = tempfile::tempdir().expect("a directory");
    let after = directory.path().join("after.jsonl");
    let without_a_set = lines.lines().filter(|line| !line.starts_with("{\"attr\":\"python311Packages."));
    let fails = r#"{"attr":"fd","attrPath":["fd"],"error":"error: it fails"}"#;
    let jobs: Vec<&str> = without_a_set.map(|line| if line.starts_with("{\"attr\":\"fd\"") { fails } else { line }).collect();
    fs::write(&after, jobs.join("\n")).expect("written");
    let before = "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl";
    let after = format!("data/dumps/derivations.json,{}", after.display());
    let report = report_on(&[], "notify", &[before, &after]);
    assert_eq!((length(&report, "/doubts"), texts(&report, "/no_longer_evaluated")), (1, vec!["fd.x86_64-linux"]));
    let told = String::from_utf8(run(&["notify", before, &after]).stdout).expect("UTF-8");
    let warnings: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("warning: ")).collect();
    let fails = "1 attribute does not evaluate any more, and counts as removed: `fd.x86_64-linux`";
    assert_eq!(warnings, [text(&report, "/doubts/0/message"), fails]);
}
