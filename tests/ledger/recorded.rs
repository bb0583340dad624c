//! What a file of results adds to a ledger.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Run, begun, json, texts, waves};

/// Records files of results together, each a name and what is in it; returns the ledger.
fn record(directory: &Path, files: &[(&str, &str)]) -> String {
    for (file, text) in files {
        fs::write(directory.join(file), text).expect("written");
    }
    Run::of(waves(directory).arg("record").args(files.iter().map(|(file, _)| file))).expect(0);
    fs::read_to_string(directory.join(".waves/ledger.jsonl")).expect("there")
}

/// The red roots of a wave.
fn red(directory: &Path, wave: &str) -> Vec<String> {
    texts(&json(directory, &["status", "--wave", wave])["roots"], "package").into_iter().map(str::to_owned).collect()
}

fn texts_of(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn a_file_that_is_recorded_again_adds_nothing() {
    let directory = begun();
    let here = directory.path();
    let first = ("first.txt", "zlib failed\nexpat building\nzlib built\nexpat built\n");
    let second = ("second.txt", "curl failed\nxz failed\nxz built\n");
    record(here, &[first]);
    let ledger = record(here, &[second]);
    let status = json(here, &["status"]);
    assert_eq!(texts(&status["roots"], "package"), ["curl"]);
    for again in [&[first][..], &[second], &[first, second], &[second, first]] {
        assert_eq!(record(here, again), ledger, "{again:?}");
        assert_eq!(json(here, &["status"]), status);
    }
    // The first lines of a file that grows are known, and what is new is that it failed since.
    let grown = record(here, &[("first.txt", "zlib failed\nzlib built\nzlib failed\n")]);
    let added: Vec<&str> = grown.strip_prefix(&ledger).expect("the same, and more").lines().collect();
    assert!(matches!(added[..], [line] if line.contains("-zlib-1.3.1.drv") && line.contains("\"failed\"")), "{added:?}");
}

#[test]
fn what_was_aborted_before_is_not_new() {
    let directory = begun();
    let here = directory.path();
    fs::write(here.join("before.txt"), "zlib built\nlibpng aborted\nexpat failed\n").expect("written");
    Run::of(waves(here).args(["record", "--baseline", "before.txt"])).expect(0);
    record(here, &[("results.txt", "zlib built\nlibpng failed\nexpat failed\njq failed\n")]);
    let status = json(here, &["status"]);
    let classes: Vec<[&str; 2]> = texts(&status["roots"], "package")
        .into_iter()
        .zip(texts(&status["roots"], "class"))
        .map(|(package, class)| [package, class])
        .collect();
    for class in [["libpng", "regressed"], ["expat", "new"], ["jq", "new"]] {
        assert!(classes.contains(&class), "{class:?}: {classes:?}");
    }
    let reasons = texts_of(&status["reasons"]);
    assert!(reasons.iter().any(|reason| reason.starts_with("libpng regressed: failed")), "{reasons:?}");
    json(here, &["retry", "libpng"]);
}

#[test]
fn what_does_not_evaluate_regressed_where_nothing_is_known_of_before() {
    let directory = begun();
    let here = directory.path();
    record(here, &[("results.txt", "kodi evaluation-failed\n")]);
    let status = json(here, &["status"]);
    assert_eq!((&status["baseline"], &status["classes"]["regressed"]), (&json!([]), &json!(1)));
    assert!(texts_of(&status["reasons"]).contains(&"kodi regressed: it does not evaluate"), "{}", status["reasons"]);
    // With all of what was there before, it is new.
    fs::write(here.join("before.txt"), "zlib built\n").expect("written");
    Run::of(waves(here).args(["record", "--baseline", "before.txt"])).expect(0);
    assert_eq!(json(here, &["status"])["classes"]["new"], 1);
}

#[test]
fn an_attribute_that_does_not_evaluate_is_let_be() {
    let directory = begun();
    let here = directory.path();
    record(here, &[("results.txt", "kodi evaluation-failed\n")]);
    let is_told = || texts_of(&json(here, &["status"])["reasons"]).contains(&"kodi regressed: it does not evaluate");
    assert!(is_told());
    let waived = json(here, &["waive", "kodi", "--reason", "later", "--until", "2026-01-31"]);
    assert_eq!(texts_of(&waived["notes"]), ["1 attribute that does not evaluate is waived"]);
    assert!(!is_told());
}

#[test]
fn what_is_tried_again_is_built_if_what_needs_it_is() {
    let directory = begun();
    let here = directory.path();
    let is_ready = || texts(&json(here, &["next", "--wave", "1.1"])["ready"], "package").contains(&"libpng");
    record(here, &[("failed.txt", "zlib built\nlibpng failed\nqt6.qtbase built\n")]);
    json(here, &["retry", "libpng"]);
    assert!(is_ready(), "what needs it was built before that");
    record(here, &[("again.txt", "qt6.qtsvg built\n")]);
    assert!(!is_ready());
}

/// Whoever builds a wave reports what is nearest to the leaves: what that needs is not named again.
#[test]
fn what_failed_is_built_if_what_needs_it_was_built_later() {
    let directory = begun();
    let here = directory.path();
    let red = || red(here, "1.1");
    record(here, &[("first.txt", "zlib built\nlibpng failed\nqt6.qtbase dependency-failed\nqt6.qtsvg dependency-failed\n")]);
    assert_eq!(red(), ["libpng"]);
    record(here, &[("second.txt", "qt6.qtsvg built\n")]);
    assert!(red().is_empty());
    let next = json(here, &["next", "--wave", "1.1"]);
    let ready = texts(&next["ready"], "package");
    assert!(!["libpng", "qt6.qtbase", "qt6.qtsvg"].iter().any(|package| ready.contains(package)), "{ready:?}");
    // A failure that is told since is another one.
    record(here, &[("third.txt", "libpng failed\n")]);
    assert_eq!(red(), ["libpng"]);
    // In one file, what failed did so in spite of what was built.
    let fourth = ("fourth.txt", "libpng failed\nqt6.qtsvg failed\nqt6.qtsvg built\n");
    let ledger = record(here, &[fourth]);
    assert_eq!(red(), ["libpng"]);
    assert_eq!(record(here, &[fourth]), ledger);
}

/// What was repaired once is not repaired again by whatever is built later: another failure stays one.
#[test]
fn a_failure_after_a_repair_stays() {
    let directory = begun();
    let here = directory.path();
    let red = || red(here, "1.1");
    record(here, &[("1.txt", "zlib built\nlibpng failed\n")]);
    record(here, &[("2.txt", "libpng built\n")]);
    record(here, &[("3.txt", "qt6.qtbase failed\n")]);
    assert_eq!(red(), ["qt6.qtbase"]);
    // It needs libpng, and not qtbase.
    record(here, &[("4.txt", "python311Packages.torchvision built\n")]);
    assert_eq!(red(), ["qt6.qtbase"]);
    // A success says of inputs what it says, whatever becomes of the same derivation later.
    record(here, &[("5.txt", "qt6.qtbase built\nqt6.qtsvg built\nlibpng failed\n")]);
    record(here, &[("6.txt", "qt6.qtsvg building\n")]);
    assert_eq!(red(), ["libpng"]);
    record(here, &[("7.txt", "qt6.qtdeclarative built\n")]);
    assert!(red().is_empty());
    record(here, &[("8.txt", "qt6.qtdeclarative failed\n")]);
    assert_eq!(red(), ["qt6.qtdeclarative"]);
}

/// What is pinned needs what was there before.
#[test]
fn a_success_behind_a_pin_says_nothing() {
    let directory = begun();
    let here = directory.path();
    fs::write(here.join("waves.toml"), "[[pins]]\npackage = \"qt6.qtbase\"\nreason = \"a day to build\"\nuntil = \"2099-12-31\"\n")
        .expect("written");
    fs::write(here.join("updates.csv"), "package,from,to\nlibpng,1,2\nqt6.qtsvg,1,2\n").expect("written");
    let arguments = ["plan", "--updates", "updates.csv", "--max-waves", "1", "--major", "2", "--format", "json"];
    fs::write(here.join("plan-2.json"), Run::of(waves(here).args(arguments)).expect(0).stdout).expect("written");
    Run::of(waves(here).args(["start", "plan-2.json"])).expect(0);
    let red = || red(here, "2.1");
    for (file, text) in [("failed.txt", "libpng failed\n"), ("built.txt", "qt6.qtsvg built\n")] {
        fs::write(here.join(file), text).expect("written");
        Run::of(waves(here).args(["record", "--wave", "2.1", file])).expect(0);
        assert_eq!(red(), ["libpng"]);
    }
}

/// cmake needs curl, which needs nghttp2, which needs openssl, which needs zlib: half of four are two, whatever is said of one alone.
#[test]
fn an_update_of_which_no_risk_is_said_is_as_risky_as_others() {
    for risk in ["", "0", "0.001", "0.9"] {
        let directory = begun();
        let here = directory.path();
        let updates = format!("package,from,to,risk\nzlib,1,2,{risk}\nopenssl,1,2,\nsqlite,1,2,\nlibffi,1,2,\nnghttp2,1,2,\ncurl,1,2,\n");
        fs::write(here.join("risks.csv"), updates).expect("written");
        let arguments = ["plan", "--updates", "risks.csv", "--max-waves", "1", "--major", "2", "--format", "json"];
        fs::write(here.join("plan-2.json"), Run::of(waves(here).args(arguments)).expect(0).stdout).expect("written");
        Run::of(waves(here).args(["start", "plan-2.json"])).expect(0);
        fs::write(here.join("failed.txt"), "cmake failed\n").expect("written");
        Run::of(waves(here).args(["record", "--wave", "2.1", "failed.txt"])).expect(0);
        let root = &json(here, &["status", "--wave", "2.1"])["roots"][0];
        assert_eq!(texts_of(&root["suspects"]), ["zlib", "openssl", "nghttp2", "curl"]);
        assert_eq!(texts_of(&root["revert_first"]), ["curl", "nghttp2"], "zlib: {risk}");
    }
}

#[test]
fn jobs_of_an_exported_wave_are_its_attributes() {
    let directory = begun();
    let here = directory.path();
    let export = ["export", "plan-1.json", "--to", "nix-fast-build", "--wave", "1.1", "--output-dir", "out"];
    Run::of(waves(here).args(export)).expect(0);
    // As nix-fast-build tells of them: by system and job.
    let expression = fs::read_to_string(here.join("out/wave-1.1.nix")).expect("there");
    let jobs: Vec<&str> =
        expression.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" = pkgs.")).map(|(job, _)| job).collect();
    assert!(jobs.iter().any(|job| job.contains("Packages_")), "{jobs:?}");
    let result = |job: &&str| json!({ "attr": format!("x86_64-linux.{job}"), "type": "BUILD", "success": true });
    let results = json!({ "results": jobs.iter().map(result).collect::<Vec<_>>() });
    record(here, &[("results.json", &results.to_string())]);
    let recorded = json(here, &["record", "results.json"]);
    let file = &recorded["files"][0];
    assert_eq!((&file["unmatched"], &file["known"]), (&json!(0), &json!(jobs.len())));
    // A name without its quotes is one of an attribute too.
    record(here, &[("quotes.txt", "nodePackages.socket.io failed\n")]);
    assert!(texts(&json(here, &["status"])["roots"], "package").contains(&"nodePackages.\"socket.io\""));
}
