//! What is refused, and what is told to whoever asks; and two major waves at once.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Run, begun, json, plan, texts, waves};

fn write(directory: &Path, file: &str, text: &str) {
    fs::write(directory.join(file), text).expect("written");
}

fn record(directory: &Path, results: &str, more: &[&str]) {
    write(directory, "results.txt", results);
    Run::of(waves(directory).args(["record", "results.txt"]).args(more)).expect(0);
}

#[test]
fn exit_codes_say_who_is_to_act() {
    let directory = begun();
    let here = directory.path();
    write(here, "nothing.txt", "what is this\n");
    write(here, "results.txt", "zlib failed\n");
    for (arguments, code, message) in [
        (&["start", "plan-1.json"][..], 1, "started already"),
        (&["retry", "zlib"], 1, "no result says that zlib failed"),
        (&["retry", "ceph", "--wave", "1.2", "--force"], 1, "no result says that ceph failed"),
        (&["status", "--wave", "1.9"], 2, "it has wave-1.1 to wave-1.2"),
        (&["status", "--wave", "3.1"], 2, "wave-3 was not started, only wave-1"),
        (&["status", "--wave", "first"], 2, "write it as wave-1.3"),
        (&["status", "--wave", "1.1", "--major", "2"], 2, "is no wave of --major 2"),
        (&["waive", "zlip", "--reason", "x", "--until", "1.2"], 2, "did you mean `zlib`"),
        (&["waive", "zlib", "--reason", "x", "--until", "soon"], 2, "no day"),
        (&["waive", "zlib", "--reason", "x", "--until", "2025-12-31"], 2, "over already"),
        (&["waive", "zlib", "--reason", "x", "--until", "wave-2.1"], 2, "another major wave"),
        (&["waive", "zlib", "--reason", "x", "--until", "wave-1.99"], 2, "it has wave-1.1 to wave-1.2"),
        (&["waive", "zlib", "--reason", "", "--until", "1.2"], 2, "value"),
        (&["record", "nothing.txt"], 3, "no result of a build in it"),
        (&["record", "nowhere.txt"], 3, "cannot open"),
        (&["start", "results.txt"], 3, "waves plan --updates"),
        (&["tag", "1.1", "--repo", "/"], 3, "no git repository"),
        (&["tag", "1.1", "--tagger", "Ada"], 2, "NAME <ADDRESS>"),
        (&["record", "results.txt", "--ledger", "nowhere"], 3, "no ledger.jsonl in nowhere"),
        (&["start", "plan-1.json", "--ledger", "/proc/nowhere"], 5, "cannot write"),
    ] {
        let run = Run::of(waves(here).args(arguments)).expect(code);
        assert!((run.stdout.clone() + &run.stderr).contains(message), "{arguments:?}: {run:?}");
    }
    let elsewhere = tempfile::tempdir().expect("a directory");
    let run = Run::of(waves(elsewhere.path()).args(["status"])).expect(3);
    assert!(run.stderr.contains("waves start PLAN"), "{}", run.stderr);
    // From below, the ledger is found.
    fs::create_dir_all(here.join("a/b")).expect("created");
    Run::of(waves(&here.join("a/b")).arg("status")).expect(0);
    // A plan that somebody changed is not the plan.
    let kept = here.join(".waves/wave-1.plan.json");
    let text = fs::read_to_string(&kept).expect("there");
    fs::write(&kept, text.replace("zlib", "zlip")).expect("written");
    assert!(Run::of(waves(here).arg("status")).expect(3).stderr.contains("not the plan"));
    fs::write(&kept, text).expect("written");
    // A line that is broken, and not the last.
    let ledger = here.join(".waves/ledger.jsonl");
    let text = fs::read_to_string(&ledger).expect("there");
    fs::write(&ledger, text.replacen("{\"time\"", "{\"tim", 1) + "{}\n").expect("written");
    assert!(Run::of(waves(here).arg("status")).expect(3).stderr.contains("line 2"));
}

#[test]
fn a_retry_is_for_what_built_before_and_twice_at_most() {
    let directory = begun();
    let here = directory.path();
    record(here, "zlib built\nexpat failed\n", &["--baseline"]);
    record(here, "zlib failed\nexpat failed\n", &[]);
    let refused = |arguments: &[&str], why: &str| {
        let run = Run::of(waves(here).arg("retry").args(arguments)).expect(1);
        assert!(run.stdout.contains(why), "{}", run.stdout);
    };
    refused(&["expat"], "it is blocked by zlib");
    for _ in 0..2 {
        assert_eq!(json(here, &["retry", "zlib"])["accepted"], true);
        refused(&["zlib"], "no result says that zlib failed");
        record(here, "zlib failed\n", &[]);
    }
    refused(&["zlib"], "2 times already");
    json(here, &["retry", "zlib", "--force"]);
    record(here, "zlib built\nexpat failed\n", &[]);
    let status = json(here, &["status"]);
    assert_eq!((&status["flaky"], &status["classes"]["flaky"]), (&json!(["zlib"]), &json!(1)));
    refused(&["expat"], "did not build before the wave either");
    // What it blocks is not in the baseline: that makes it new, and still no regression.
    assert_eq!(status["roots"][0]["class"], "new");
    assert_eq!(status["roots"][0]["package"], "expat");
}

#[test]
fn a_waiver_ends() {
    let directory = begun();
    let here = directory.path();
    record(here, "zlib failed\n", &[]);
    json(here, &["waive", "zlib", "--reason", "later", "--until", "2026-01-31", "--cant-fix"]);
    let status = |today: &str| {
        let run = Run::of(waves(here).args(["status", "--format", "json"]).env("SOURCE_DATE_EPOCH", today)).expect(0).json();
        (run["roots"].as_array().map(Vec::len), run["waivers"][0]["expired"].clone())
    };
    assert_eq!(status("1769903999"), (Some(0), json!(false)), "the last second of January");
    assert_eq!(status("1769904000"), (Some(1), json!(true)), "the first of February");
    let shown = Run::of(waves(here).arg("status").env("SOURCE_DATE_EPOCH", "1769904000")).expect(0).stdout;
    assert!(shown.contains("2026-01-31 (over)"), "{shown}");
}

/// It is kept as it was before.
#[test]
fn a_plan_that_is_compressed_is_started() {
    let directory = begun();
    let here = directory.path();
    plan(here, 2, &["zlib", "ncurses"]);
    let text = fs::read(here.join("plan-2.json")).expect("there");
    let file = fs::File::create(here.join("plan-2.json.gz")).expect("created");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(&text).and_then(|()| encoder.finish()).expect("compressed");
    assert_eq!(json(here, &["start", "plan-2.json.gz"])["accepted"], true);
    assert_eq!(fs::read(here.join(".waves/wave-2.plan.json")).expect("there"), text);
    assert_eq!(json(here, &["status", "--wave", "2.1"])["updates"], json!(["zlib"]));
}

#[test]
fn two_major_waves_at_once() {
    let directory = begun();
    let here = directory.path();
    let first = fs::read(here.join(".waves/wave-1.plan.json")).expect("there");
    plan(here, 2, &["zlib", "ncurses"]);
    json(here, &["start", "plan-2.json"]);
    assert_eq!(fs::read(here.join(".waves/wave-1.plan.json")).expect("there"), first);
    let run = Run::of(waves(here).arg("status")).expect(2);
    assert!(run.stderr.contains("1, 2") && run.stderr.contains("--major"), "{}", run.stderr);
    // A result is of one wave, though both rebuild the derivation.
    record(here, "zlib failed\n", &["--wave", "2.1"]);
    let status = |major: &str| json(here, &["status", "--major", major]);
    assert_eq!((texts(&status("1")["roots"], "package"), texts(&status("2")["roots"], "package")), (vec![], vec!["zlib"]));
    assert_eq!(status("2")["wave"], "wave-2.1");
}

/// A repository with two commits.
fn repository(directory: &Path) -> impl Fn(&[&str]) -> String + use<> {
    fs::create_dir_all(directory).expect("created");
    let directory = directory.to_owned();
    let git = move |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        Run::of(&mut command).expect(0).stdout.trim().to_owned()
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "one"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "two"]);
    git
}

#[test]
fn a_tag_is_made_once_in_order_and_never_moved() {
    let directory = begun();
    let here = directory.path();
    let git = repository(&here.join("set"));
    let attributes = fs::read_to_string(crate::support::repository().join("data/dumps/eval-jobs.jsonl")).expect("there");
    let jobs = attributes.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let built: String = jobs.filter_map(|job| Some(format!("{} built\n", job["drvPath"].as_str()?))).collect();
    let tag = |arguments: &[&str]| {
        Run::of(waves(here).arg("tag").args(arguments).args(["--repo", "set", "--tagger", "Ada Lovelace <ada@example.org>"]))
    };
    assert!(tag(&["1.1"]).expect(1).stdout.contains("not built yet"));
    // Open, at an earlier commit.
    tag(&["1.1", "--pre", "--commit", "HEAD^"]).expect(0);
    assert_eq!(git(&["rev-parse", "wave-1.1-pre^{commit}"]), git(&["rev-parse", "HEAD^"]));
    assert!(tag(&["1.1", "--pre"]).expect(1).stdout.contains("tagged already"));
    record(here, &built, &["--wave", "1.1"]);
    record(here, &built, &["--wave", "1.2"]);
    assert!(tag(&["1.2"]).expect(1).stdout.contains("not closed yet: wave-1.1"));
    assert!(tag(&["1.1", "--commit", "nothing"]).expect(2).stderr.contains("no commit"));
    // Somebody made one of that name, of another commit.
    git(&["tag", "wave-1.1", "HEAD^"]);
    assert!(tag(&["1.1"]).expect(1).stdout.contains("never moved"));
    assert_eq!(git(&["rev-parse", "wave-1.1"]), git(&["rev-parse", "HEAD^"]));
    // Or of this one: then whoever made it was stopped before the ledger said so.
    assert!(tag(&["1.1", "--commit", "HEAD^"]).expect(0).stdout.contains("had the tag already"));
    tag(&["1.2"]).expect(0);
    assert_eq!(
        git(&["for-each-ref", "--format=%(taggername) %(taggeremail) %(taggerdate:unix)", "refs/tags/wave-1.2"]),
        "Ada Lovelace <ada@example.org> 1767225600"
    );
    assert_eq!(texts(&json(here, &["status"])["waves"], "tag"), ["wave-1.1", "wave-1.2"]);
    // Who makes a tag is told by somebody.
    let nobody = Run::of(
        waves(here)
            .args(["tag", "1.2", "--pre", "--repo", "set"])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("HOME", here)
            .env("XDG_CONFIG_HOME", here),
    );
    assert_eq!(nobody.code, Some(1), "it is closed: {nobody:?}");
}

#[test]
fn a_package_is_asked_once() {
    let directory = begun();
    let here = directory.path();
    let request = |more: &[&str]| json(here, &[&["request", "python312Packages.requests", "--wave", "1.2"], more].concat());
    let asked = request(&[]);
    assert_eq!((&asked["tag"], &asked["remote"]), (&json!("nix-wave-1.2"), &json!(null)));
    assert_eq!(texts(&asked["updates"], "package"), ["openssl", "sqlite"]);
    for update in asked["updates"].as_array().expect("updates") {
        let path = update["path"].as_array().expect("a path");
        assert_eq!((path.first(), path.last()), (Some(&update["package"]), Some(&json!("python312Packages.requests"))));
    }
    let git = repository(&here.join("upstream"));
    let url = here.join("upstream").display().to_string();
    assert_eq!(request(&["--check-remote", &url])["remote"]["has_tag"], false);
    git(&["tag", "nix-wave-1.2"]);
    assert_eq!(request(&["--check-remote", &format!("file://{url}")])["remote"]["has_tag"], true);
    let text = Run::of(waves(here).args(["request", "hello", "--wave", "1.2", "--format", "markdown"])).expect(0).stdout;
    assert!(text.contains("changes nothing that hello is built from"), "{text}");
    Run::of(waves(here).args(["request", "curl", "--check-remote", "/no/where"])).expect(3);
}

/// What is broken is to be built all the same where something else needs it.
#[test]
fn what_is_not_built_yet_is_what_the_states_count() {
    const USERS: usize = 1200;
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let path = |number: usize, name: &str| format!("/nix/store/{number:032}-{name}");
    let job = |number: usize, name: &str, needs: &[(usize, &str)], is_broken: bool| {
        let inputs: serde_json::Map<String, serde_json::Value> =
            needs.iter().map(|(number, name)| (path(*number, &format!("{name}.drv")), json!(["out"]))).collect();
        let drv_path = path(number, &format!("{name}.drv"));
        let job = json!({
            "attr": name, "attrPath": [name], "name": name, "system": "x86_64-linux", "drvPath": drv_path,
            "outputs": { "out": path(number, name) }, "inputDrvs": inputs, "meta": { "broken": is_broken },
        });
        format!("{job}\n")
    };
    let (base, broken) = ((0, "base"), (1, "broken"));
    let mut jobs = vec![job(0, "base", &[], false), job(1, "broken", &[base], true), job(2, "unused", &[base], true)];
    jobs.extend((0..USERS).map(|user| job(3 + user, &format!("user{user}"), &[broken], false)));
    write(here, "jobs.jsonl", &jobs.concat());
    Run::of(waves(here).args(["import", "-q", "jobs.jsonl"])).expect(0);
    plan(here, 1, &["base"]);
    json(here, &["start", "plan-1.json"]);
    let status = json(here, &["status"]);
    let open = ["building", "ready", "pending"].map(|state| status["counts"][state]["attributes"].as_u64().expect("a number"));
    assert_eq!(open.iter().sum::<u64>(), 2 + USERS as u64);
    let reasons = status["reasons"].as_array().expect("reasons");
    let reason = reasons[0].as_str().expect("a text");
    assert!(reasons.len() == 1 && reason.starts_with("1,202 attributes not built yet: base, broken, user"), "{reason}");
    assert!(reason.ends_with(", …"), "{reason}");
}

/// What is pinned keeps its inputs: no update comes to it, nor through it.
#[test]
fn what_is_pinned_is_asked_for_nothing() {
    let directory = begun();
    let here = directory.path();
    write(here, "updates.csv", "package,from,to,pin\nopenssl,3.3.2,3.4.0,\npython312Packages.torch,2.5.1,2.5.1,too dear\n");
    let planned = Run::of(waves(here).args(["plan", "--updates", "updates.csv", "--format", "json", "--major", "2"])).expect(0);
    write(here, "plan-2.json", &planned.stdout);
    json(here, &["start", "plan-2.json"]);
    for (package, updates) in [("python312Packages.torch", &[][..]), ("python312Packages.torchvision", &["openssl"]), ("openssl", &[])] {
        let asked = json(here, &["request", package, "--wave", "2.1"]);
        assert_eq!(texts(&asked["updates"], "package"), updates, "{package}");
        let explained = json(here, &["explain", package, "--plan", "plan-2.json"]);
        let causes = explained["waves"].as_array().expect("waves").iter().flat_map(|wave| texts(&wave["causes"], "package"));
        // An update causes itself.
        assert_eq!(causes.filter(|cause| *cause != package).collect::<Vec<_>>(), updates, "{package}");
    }
    let text = Run::of(waves(here).args(["request", "python312Packages.torch", "--wave", "2.1"])).expect(0).stdout;
    assert!(text.contains("wave-2.1 changes nothing that python312Packages.torch is built from.") && !text.contains("git tag"), "{text}");
}
