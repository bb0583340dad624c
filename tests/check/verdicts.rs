//! Verdicts by policies of all kinds, on the package set in `data/`.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use waves_core::analysis::{AttributeChanges, AttributeName, Change, Impact};
use waves_core::config::Config;
use waves_core::graph::{Attribute, Direction};
use waves_core::policy::{Circumstances, Outcome, Subject, judge};
use waves_core::report::github::comment;
use waves_core::report::{Basis, CheckReport, Format, Judged};

use crate::support::{DUMPS, check, check_json, graph, repository, stderr, waves};

/// Runs a check with a policy; the report, and the exit code.
fn judged(policy: &str, arguments: &[&str]) -> (Value, Option<i32>) {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("waves.toml");
    fs::write(&file, policy).expect("written");
    check_json(&[arguments, &["--config", file.to_str().expect("UTF-8")]].concat())
}

/// The same of two evaluations, the second with other lines of nix-eval-jobs.
fn compared(policy: &str, edit: impl Fn(&str) -> Option<String>) -> (Value, Option<i32>) {
    let directory = TempDir::new().expect("a directory");
    let write = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::write(&file, text).expect("written");
        file.display().to_string()
    };
    let jobs = fs::read_to_string(repository().join(DUMPS[1])).expect("a dump");
    let jobs: Vec<String> = jobs.lines().filter_map(edit).collect();
    let after = format!("{},{}", DUMPS[0], write("after.jsonl", &jobs.join("\n")));
    let policy = write("waves.toml", policy);
    let output = waves().args(["check", &DUMPS.join(","), &after, "--config", &policy, "--format", "json"]).output().expect("waves starts");
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap_or_else(|error| panic!("{error}: {}", stderr(&output))), output.status.code())
}

/// The rules of the reasons of a severity.
fn rules<'r>(report: &'r Value, severity: &str) -> Vec<&'r str> {
    let reasons = report["reasons"].as_array().expect("a list").iter();
    reasons.filter(|reason| reason["severity"] == severity).map(|reason| reason["rule"].as_str().expect("a word")).collect()
}

/// What the impact of openssl is: 87 attributes of one platform, 72 derivations.
#[test]
fn limits_are_reached_at_their_number() {
    for (limit, expected) in [
        ("count = \"attributes\"\nover-from = 88", (0, None)),
        ("count = \"attributes\"\nover-from = 87", (1, Some("limit-attributes"))),
        ("count = \"derivations\"\nover-from = 73", (0, None)),
        ("count = \"derivations\"\nover-from = 72", (1, Some("limit-derivations"))),
        ("count = \"attributes\"\nper = \"kernel\"\nover-from = 87", (1, Some("limit-attributes"))),
        ("count = \"attributes\"\nper = \"kernel\"\nonly = [\"darwin\"]\nover-from = 1", (0, None)),
        ("count = \"attributes\"\nper = \"platform\"\nonly = [\"x86_64-linux\"]\nover-from = 87", (1, Some("limit-attributes"))),
        ("count = \"derivations\"\nper = \"platform\"\nonly = [\"x86_64-linux\"]\nover-from = 72", (1, Some("limit-derivations"))),
        ("count = \"derivations\"\nover-from = 1\nbranches = [\"main\"]", (0, None)),
        ("count = \"derivations\"\nover-from = 1\nbranches = [\"staging\"]", (1, Some("limit-derivations"))),
    ] {
        let (report, code) = judged(&format!("[[policy.limits]]\n{limit}"), &["--root", "openssl", "--base-branch", "staging"]);
        let (expected_code, rule) = expected;
        assert_eq!((code, rules(&report, "over")), (Some(expected_code), rule.into_iter().collect()), "{limit}");
        assert_eq!(report["verdict"], if expected_code == 0 { "within" } else { "over" });
    }
}

#[test]
fn a_warning_is_within() {
    let limit = "[[policy.limits]]\ncount = \"attributes\"\nwarn-from = 87\nover-from = 88";
    let (report, code) = judged(limit, &["--root", "openssl", "--base-branch", "staging"]);
    assert_eq!((code, rules(&report, "warning")), (Some(0), vec!["limit-attributes"]));
}

/// What nobody but an excluded attribute needs is not built on the policy's account.
#[test]
fn derivations_of_what_is_excluded_count_for_no_limit() {
    let limit =
        |count: &str, exclude: &str| format!("[policy]\nexclude = [{exclude}]\n[[policy.limits]]\ncount = \"{count}\"\nover-from = 1\n");
    let openssl = ["--root", "openssl", "--base-branch", "staging", "--durations", "data/dumps/durations.csv"];
    for count in ["derivations", "hours"] {
        let over = |exclude: &str| judged(&limit(count, exclude), &openssl).1;
        assert_eq!((over("\"*\""), over("\"hello\""), over("")), (Some(0), Some(1), Some(1)), "{count}");
    }
    // Openssl is needed by others, fd is not.
    let amount = |exclude: &str| {
        let (report, _) = judged(&limit("derivations", exclude), &openssl);
        let reasons = report["reasons"].as_array().expect("a list").iter();
        let text = reasons.filter_map(|reason| reason["text"].as_str()).find(|text| text.contains("derivations are rebuilt"));
        text.and_then(|text| text.split(' ').next()?.parse::<usize>().ok()).expect("a number")
    };
    let hello = amount("\"hello\"");
    assert_eq!((amount("\"openssl\""), amount("\"fd\"")), (hello, hello - 1));
}

#[test]
fn hours_that_are_not_known_are_said() {
    let limit = "[[policy.limits]]\ncount = \"hours\"\nover-from = 1";
    let (report, code) = judged(limit, &["--root", "hello"]);
    assert_eq!((code, rules(&report, "warning")), (Some(0), vec!["unknown"]));
    assert!(report["summary"][0].as_str().is_some_and(|line| line.starts_with("not over the policy as far as is known")), "{report}");
    let (report, code) = judged(&format!("[policy]\nwhen-unknown = \"fail\"\n{limit}"), &["--root", "hello"]);
    assert_eq!((code, rules(&report, "over")), (Some(1), vec!["unknown"]));
}

/// Hours are those that `waves impact` adds up.
#[test]
fn hours_are_of_the_durations() {
    let times = ["--durations", "data/dumps/durations.csv"];
    let mut impact = waves();
    impact.args(["impact", "--root", "openssl", "--format", "json"]).args(times).args(DUMPS.iter().flat_map(|dump| ["--graph", dump]));
    let impact: Value = serde_json::from_slice(&impact.output().expect("waves starts").stdout).expect("JSON");
    let seconds = impact["cost"]["total"]["time"]["seconds"].as_f64().expect("seconds");
    let arguments = [&["--root", "openssl", "--base-branch", "staging"], &times[..]].concat();
    for (bound, code) in [(seconds / 3600.0 - 0.001, 1), (seconds / 3600.0 + 0.001, 0)] {
        let (report, found) = judged(&format!("[[policy.limits]]\ncount = \"hours\"\nover-from = {bound}"), &arguments);
        assert_eq!((found, report["hours"].as_f64()), (Some(code), Some(seconds / 3600.0)));
    }
}

#[test]
fn what_is_excluded_is_counted_apart() {
    let (report, _) = judged("[policy]\nexclude = [\"python311Packages.*\", \"nixosTests.*\"]", &["--root", "openssl"]);
    let (all, _) = judged("", &["--root", "openssl"]);
    let names = |report: &Value, key: &str| report["kernels"]["linux"][key].as_u64().expect("a number");
    assert_eq!(names(&report, "all_names"), names(&all, "names"));
    assert!(names(&report, "names") < names(&report, "all_names"));
    assert_eq!(report["rebuilds"], all["rebuilds"]);
    // The tests are excluded, and with them what they mean for the branch.
    assert_eq!((all["branch"]["decision"].as_str(), report["branch"]["decision"].as_str()), (Some("nixos-rebuild"), Some("dismiss")));
    assert_eq!(rules(&report, "note"), ["excluded"]);
}

#[test]
fn protected_packages_are_acknowledged_by_name() {
    let policy = "[[policy.protected]]\npackages = [\"python3*Packages.torch\", \"curl\", \"no-such-package\"]\nreason = \"ask first\"";
    let root = ["--root", "python312Packages.numpy", "--base-branch", "staging"];
    let (report, code) = judged(policy, &root);
    assert_eq!((code, rules(&report, "over"), rules(&report, "note")), (Some(1), vec!["protected"], vec!["protected"]));
    let text = report["reasons"][0]["text"].as_str().expect("a text");
    assert!(text.contains("ask first") && text.contains("`python312Packages.torch.x86_64-linux`"), "{text}");
    for (acknowledged, expected) in [
        (&["python3*Packages.torch"][..], 0),
        (&["python311Packages.torch", "python312Packages.torch"], 0),
        (&["python312Packages.torch"], 1),
        (&["curl"], 1),
        (&["torch"], 1),
    ] {
        let arguments: Vec<&str> = acknowledged.iter().flat_map(|name| ["--acknowledge", name]).collect();
        assert_eq!(judged(policy, &[&root, arguments.as_slice()].concat()).1, Some(expected), "{acknowledged:?}");
    }
    // By their whole names too, as the reason has them; and who acknowledges what nothing protects is told.
    let whole = ["python311Packages.torch.x86_64-linux", "python312Packages.torch.x86_64-linux", "curl.x86_64-linux", "torch.x86_64-linux"];
    let arguments: Vec<&str> = whole.iter().flat_map(|name| ["--acknowledge", name]).collect();
    let (report, code) = judged(policy, &[&root, arguments.as_slice()].concat());
    assert_eq!((code, rules(&report, "note")), (Some(0), vec!["protected", "protected", "remark"]), "{report}");
    let remark = report["reasons"].as_array().expect("a list").iter().find(|reason| reason["rule"] == "remark").expect("a remark");
    assert_eq!(remark["text"], "`torch.x86_64-linux` is acknowledged, but the policy protects no such package");
    // A pname protects where no attribute is called so.
    let by_pname = "[[policy.protected]]\npackages = [\"torch\"]\nreason = \"ask first\"";
    assert_eq!(judged(by_pname, &root).1, Some(1));
    assert_eq!(judged(by_pname, &["--root", "hello"]).1, Some(0));
}

/// `linux` is the pname of `linux_6_6` and of two other names of it.
#[test]
fn a_protected_pname_is_not_removed() {
    let text = "[[policy.protected]]\npackages = [\"linux\"]\nreason = \"ask first\"";
    let names = ["linuxPackages.kernel.x86_64-linux", "linuxPackages_6_6.kernel.x86_64-linux", "linux_6_6.x86_64-linux"];
    let is_of_it = |line: &str| line.contains("\"drvPath\":\"/nix/store/sgl30bpjj794kmzz0b2kaa3z7w970ifs-linux-6.6.63.drv\"");
    let (report, code) = compared(text, |line| (!is_of_it(line)).then(|| line.to_owned()));
    assert_eq!((code, rules(&report, "over")), (Some(1), vec!["protected"]), "{report}");
    let reason = report["reasons"][0]["text"].as_str().expect("a text");
    assert!(names.iter().all(|name| reason.contains(&format!("`{name}`"))), "{reason}");
    // What keeps another name is still there.
    let (report, code) = compared(text, |line| (!line.starts_with("{\"attr\":\"linux_6_6\",")).then(|| line.to_owned()));
    assert_eq!((code, rules(&report, "over"), rules(&report, "note")), (Some(0), vec![], vec![]), "{report}");
    // Foretold, the evaluation has it still.
    let (graph, policy) = (graph(), Config::parse(text, "waves.toml").expect("a policy").policy);
    for (kept, outcome) in [(0, Outcome::Over), (1, Outcome::Within)] {
        let is_removed = |attribute: &Attribute<'_>| attribute.derivation().is_some_and(|built| built.pname() == "linux");
        let mut impact = Impact::new(&graph, &[], Direction::Dependents, None, None).expect("it has edges");
        impact.remove(graph.attributes().filter(is_removed).skip(kept).map(Attribute::ix));
        let change = Change::of_impact(impact, Vec::new());
        assert_eq!(change.attributes.removed.len(), names.len() - kept);
        assert_eq!(judge(Subject::of_change(&change), &policy, &Circumstances::default()).outcome, outcome);
    }
}

/// An error in place of a derivation is neither a removal nor nothing.
#[test]
fn what_does_not_evaluate_any_more_is_not_known() {
    let is_lld = |line: &str| line.starts_with("{\"attr\":\"lld\",");
    let failing =
        |line: &str| Some(if is_lld(line) { r#"{"attr":"lld","attrPath":["lld"],"error":"assertion failed"}"# } else { line }.to_owned());
    let gone = |line: &str| (!is_lld(line)).then(|| line.to_owned());
    let (report, code) = compared("", failing);
    assert_eq!((code, rules(&report, "warning")), (Some(0), vec!["unknown"]), "{report}");
    assert!(report["reasons"][0]["text"].as_str().is_some_and(|text| text.contains("`lld.x86_64-linux`")), "{report}");
    assert!(report["summary"][0].as_str().is_some_and(|line| line.starts_with("not over the policy as far as is known")), "{report}");
    assert_eq!(report["summary"][2], "nothing is known to be rebuilt");
    let strict = "[policy]\nwhen-unknown = \"fail\"";
    let (report, code) = compared(strict, failing);
    assert_eq!((code, rules(&report, "over")), (Some(1), vec!["unknown"]), "{report}");
    let (report, code) = compared(strict, gone);
    assert_eq!((code, rules(&report, "over"), &report["summary"][2]), (Some(0), vec![], &Value::from("nothing is rebuilt")), "{report}");
    let protected = "[[policy.protected]]\npackages = [\"lld\"]\nreason = \"ask first\"";
    for ((report, code), said) in [(compared(protected, failing), "does not evaluate any more"), (compared(protected, gone), "is removed")]
    {
        assert_eq!((code, rules(&report, "over")), (Some(1), vec!["protected"]), "{report}");
        let hint = "ask first (if this is meant: `--acknowledge 'lld'`)";
        assert_eq!(report["reasons"][0]["text"], format!("protected `lld` {said} (`lld.x86_64-linux`): {hint}"));
    }
}

/// What only the evaluation after the change has is no change of what was there; of a pname, all that is called so.
#[test]
fn what_is_new_of_what_is_protected_is_added() {
    let job = |attr: &str, letter: &str, name: &str| {
        let path = format!("/nix/store/{}-{name}", letter.repeat(32));
        let (derivation, outputs) = (format!("{path}.drv"), json!({ "out": path }));
        json!({ "attr": attr, "attrPath": [attr], "name": name, "drvPath": derivation, "outputs": outputs, "system": "x86_64-linux" })
            .to_string()
    };
    let with_two_more = |line: &str| {
        let more = [job("newer", "y", "newcomer-1.0"), job("linux_9", "z", "linux-9.0")].join("\n");
        Some(if line.starts_with("{\"attr\":\"lld\",") { format!("{line}\n{more}") } else { line.to_owned() })
    };
    let packages = ["newer", "newcomer", "linux_9", "linux"];
    let text = format!("[[policy.protected]]\npackages = {packages:?}\nreason = \"ask first\"");
    let (report, code) = compared(&text, with_two_more);
    assert_eq!((code, rules(&report, "over")), (Some(1), vec!["protected"; 4]), "{report}");
    let texts = report["reasons"].as_array().expect("a list").iter().filter_map(|reason| reason["text"].as_str());
    let said = [
        "is added (`newer.x86_64-linux`)",
        "is added (`newcomer-1.0 (x86_64-linux)`)",
        "is added (`linux_9.x86_64-linux`)",
        "changes (`linux-9.0 (x86_64-linux)`)",
    ];
    let expected = packages.iter().zip(said).map(|(name, said)| {
        let hint = format!("ask first (if this is meant: `--acknowledge '{name}'`)");
        format!("protected `{name}` {said}: {hint}")
    });
    assert!(texts.eq(expected), "{report}");
}

/// Of several attributes that a glob protects, the reason says what becomes of which, in each format.
#[test]
fn what_becomes_of_what_is_protected_is_said() {
    let named = |path: &str| AttributeName { path: path.to_owned(), system: "x86_64-linux".to_owned() };
    let attributes = AttributeChanges {
        added: vec![named("set.b")],
        removed: ["set.c", "set.d", "set.e"].map(named).to_vec(),
        rebuilds: ["set.a", "set.b"].map(named).to_vec(),
        ..AttributeChanges::default()
    };
    let (graph, failing) = (graph(), [named("set.d")]);
    let rebuilds = graph.empty_set();
    let subject = Subject { graph: &graph, before: &graph, attributes: &attributes, no_longer_evaluated: &failing, rebuilds: &rebuilds };
    let text = "[[policy.protected]]\npackages = [\"set.*\"]\nreason = \"ask first\"";
    let policy = Config::parse(text, "waves.toml").expect("a policy").policy;
    let report = |acknowledged: &[&str]| {
        let acknowledged: Vec<String> = acknowledged.iter().map(|name| (*name).to_owned()).collect();
        let circumstances = Circumstances { acknowledged: &acknowledged, ..Circumstances::default() };
        CheckReport::new(Judged { subject, causes: &[], basis: Basis::Compared, before: None }, &policy, &circumstances, 20)
    };
    let texts = |report: &CheckReport| report.reasons.iter().map(|reason| reason.text.clone()).collect::<Vec<_>>();
    let hint = "ask first (if this is meant: `--acknowledge 'set.*'`)";
    let said = "changes (`set.a.x86_64-linux`) and is added (`set.b.x86_64-linux`) and is removed (`set.c.x86_64-linux`, \
                `set.e.x86_64-linux`) and does not evaluate any more (`set.d.x86_64-linux`): ";
    let all = report(&[]);
    assert_eq!(texts(&all), [format!("protected `set.*` {said}{hint}")]);
    let over = "is added (`set.b.x86_64-linux`) and is removed (`set.c.x86_64-linux`, `set.e.x86_64-linux`): ";
    let known = "changes (`set.a.x86_64-linux`) and does not evaluate any more (`set.d.x86_64-linux`): it was acknowledged";
    assert_eq!(texts(&report(&["set.a", "set.d"])), [format!("protected `set.*` {over}{hint}"), format!("protected `set.*` {known}")]);
    let written = |format: Format| {
        let mut bytes = Vec::new();
        waves_core::report::write(&all, format, None, &mut bytes).expect("writes");
        String::from_utf8(bytes).expect("UTF-8")
    };
    let (plain, markdown, comment) = (written(Format::Text), written(Format::Markdown), comment(&all));
    assert!(plain.contains(&format!("\nover: protected `set.*` {said}")), "{plain}");
    assert!(markdown.contains(&said.replace('`', "\\`")), "{markdown}");
    assert!(comment.contains(said), "{comment}");
}

/// Only the platforms of the evaluation can reach a limit; a policy of several may have limits of them all.
#[test]
fn a_limit_of_nothing_is_said() {
    let limit = |only: &str| format!("[[policy.limits]]\ncount = \"attributes\"\nper = \"platform\"\nonly = [{only}]\nover-from = 1000");
    let (report, code) = judged(&limit("\"linux\""), &["--root", "hello"]);
    assert_eq!((code, rules(&report, "note")), (Some(0), vec!["limit-attributes"]), "{report}");
    assert_eq!(report["reasons"][0]["text"], "a limit is of `linux`, but nothing in this evaluation is for that platform");
    for only in ["\"i686-linux\"", "\"x86_64-linux\", \"aarch64-darwin\""] {
        assert_eq!(rules(&judged(&limit(only), &["--root", "hello"]).0, "note"), [""; 0]);
    }
    let kernel = "[[policy.limits]]\ncount = \"attributes\"\nper = \"kernel\"\nonly = [\"x86_64-linux\"]\nover-from = 1";
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("waves.toml");
    fs::write(&file, kernel).expect("written");
    let output = check(&["--root", "hello", "--config", file.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("key `policy.limits.only`"), "{}", stderr(&output));
}

#[test]
fn one_is_not_said_as_many() {
    for (count, said) in [("attributes", "1 name is rebuilt"), ("derivations", "1 derivation is rebuilt")] {
        let (report, _) = judged(&format!("[[policy.limits]]\ncount = \"{count}\"\nover-from = 1"), &["--root", "hello"]);
        assert_eq!(report["reasons"][0]["text"], format!("{said}; the policy takes less than 1"));
    }
    let numpy = ["--root", "python312Packages.numpy", "--config", "tests/inputs/policy.toml"];
    let reasons = check_json(&numpy).0["reasons"].as_array().expect("a list").len();
    let output = check(&[&numpy[..], &["--limit", &(reasons - 1).to_string()]].concat());
    assert!(String::from_utf8_lossy(&output.stdout).contains("\n… and 1 more reason (--limit shows more)\n"));
    let directory = TempDir::new().expect("a directory");
    let comment = directory.path().join("comment.md");
    check(&["--root", "hello", "--comment", comment.to_str().expect("UTF-8")]);
    let comment = fs::read_to_string(comment).expect("written");
    assert!(comment.contains("it rebuilds 1 attribute, 1 of them alone"), "{comment}");
}

#[test]
fn branches_and_exemptions_are_the_policys() {
    let policy = "[policy.branches]\ndefault = \"main\"\npossible-mass-rebuild = 80\nmass-rebuild = 87\n\
                  [[policy.branches.lines]]\nprimary = \"main\"\nstaging = \"next\"\n\
                  [[policy.branches.exempt]]\nonly-file = \"a.nix\"\nfrom = [\"mass-rebuild\", \"nixos-rebuild\", \"possible-mass-rebuild\"]";
    let (report, code) = judged(policy, &["--root", "openssl"]);
    assert_eq!((code, report["branch"]["decision"].as_str()), (Some(1), Some("mass-rebuild")));
    assert_eq!((report["branch"]["target"].as_str(), report["branch"]["is_assumed"].as_bool()), (Some("next"), Some(true)));
    let directory = TempDir::new().expect("a directory");
    for (files, expected) in [("a.nix\n", 0), ("a.nix\0", 0), ("a.nix\r\n", 0), ("a.nix\nb.nix\n", 1), ("", 1)] {
        let list = directory.path().join("files");
        fs::write(&list, files).expect("written");
        let arguments = ["--root", "openssl", "--changed-files", list.to_str().expect("UTF-8")];
        assert_eq!(judged(policy, &arguments).1, Some(expected), "{files:?}");
    }
    assert_eq!(judged(policy, &["--root", "openssl", "--base-branch", "next"]).1, Some(0));
    let (report, _) = judged(policy, &["--root", "openssl", "--base-branch", "elsewhere"]);
    assert_eq!(rules(&report, "note"), ["unknown-branch"]);
}

/// Without one of two causes, what the other rebuilds is left.
#[test]
fn the_biggest_cause_is_said_with_what_is_left() {
    let both = judged("", &["--root", "openssl,ncurses"]).0;
    let without = judged("", &["--root", "ncurses"]).0;
    let cause = &both["biggest_cause"];
    assert!(cause["label"].as_str().is_some_and(|label| label.starts_with("openssl")), "{cause}");
    assert_eq!(cause["kernels_without"]["linux"], without["kernels"]["linux"]["names"]);
    assert_eq!(cause["verdict_without"], without["verdict"]);
}

#[test]
fn errors_have_their_codes() {
    let directory = TempDir::new().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let wrong = file("wrong.toml", "[policy]\nexcludes = []");
    for (arguments, code, message) in [
        (vec!["--root", "hello", "--config", &wrong], 3, "line 2, key `policy.excludes`"),
        (vec!["--root", "hello", "--config", "no-such-file"], 3, "no-such-file"),
        (vec!["--root", "hello", "--changed-files", "no-such-file"], 3, "no-such-file"),
        (vec!["--root", "no-such-package"], 2, "no package `no-such-package`"),
        (vec![], 2, "--root"),
        (vec!["--root", "hello", "--comment", "/dev/null/a"], 5, "cannot write"),
    ] {
        let output = check(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
    }
}
