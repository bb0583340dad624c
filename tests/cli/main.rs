//! What users see: every command's output on `data/`, the README's examples, exit codes, errors, and where graphs are found.
//!
//! The examples are Markdown files that `trycmd` runs; `TRYCMD=overwrite cargo test --test cli` writes them anew.

#[path = "../shared/commands.rs"]
mod commands;
mod generated;
mod nearest;
mod notify;
mod repositories;
mod support;
mod systems;
mod tables;
mod upgrades;

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use support::{DUMPS, Run, graph_args, nixpkgs, root, waves};

#[test]
fn examples_show_real_output() {
    std::env::set_current_dir(root()).expect("the repository is there");
    support::history();
    support::upgrade("target/upgrade");
    support::upgrade("target/explanation");
    support::evaluations();
    let cases = trycmd::TestCases::new();
    cases.register_bin("waves", trycmd::cargo::cargo_bin!("waves"));
    // Whoever runs the tests, the examples are run by nobody's workflow.
    cases.env("GITHUB_ACTIONS", "").env("GITHUB_BASE_REF", "").env("SOURCE_DATE_EPOCH", "1795219200");
    cases.case("README.md").case("docs/*.md").case("docs/how-to/*.md").case("tests/cli/commands/*.md");
    match nixpkgs::snapshot() {
        Some(snapshot) => {
            nixpkgs::cuda(&snapshot);
            cases.env("WAVES_GRAPH", snapshot.display().to_string());
        }
        None => {
            cases.skip("docs/nixpkgs.md").skip("docs/how-to/what-does-cuda-cost.md");
        }
    }
}

/// The examples cannot tell: trycmd takes a backslash for a slash.
#[test]
fn what_is_escaped_is_escaped_by_a_backslash() {
    let run =
        |arguments: &[&str], format: &str| Run::of(waves().args(arguments).args(["--format", format]).args(graph_args())).expect_success();
    let json = run(&["tests", "--root", "hello"], "jsonl");
    assert!(json.contains(r#","snippet":"passthru.tests = {\n  \n};\n""#), "{json}");
    let markdown = run(&["why", "hello", "glibc"], "markdown");
    assert!(markdown.ends_with("it is the other way round: try \\`waves why glibc hello\\`\n"), "{markdown}");
    let markdown = run(&["plan", "--root", "openssl", "--max-waves", "3"], "markdown");
    assert!(markdown.contains("\n| 1 | 1–4 | 21 | 32 | 26 | 36.1 % | openssl, python3, nghttp2 |\n"), "{markdown}");
}

#[test]
fn exit_codes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let broken = directory.path().join("broken.json");
    fs::write(&broken, "{\"a\": ").expect("written");
    let broken = broken.display().to_string();
    for (arguments, code, message) in [
        (vec!["--version"], 0, ""),
        (vec!["impact", "--root", "hello"], 0, ""),
        (vec!["impact", "--root", "openssl", "--fail-over", "1000"], 0, ""),
        (vec!["impact", "--root", "openssl", "--fail-over", "10"], 1, "over the limit: 87 attributes are rebuilt, 10 may be"),
        (vec!["impact"], 2, "--root"),
        (vec!["impact", "--root", "opensl"], 2, "did you mean `openssl`"),
        (vec!["impact", "--root", "python2"], 2, "does not evaluate"),
        (vec!["impact", "--root", "[a"], 2, "not a glob pattern"),
        (vec!["check", "--root", "hello"], 0, ""),
        (vec!["check", "--root", "openssl"], 1, ""),
        (vec!["plan", "--root", "glibc", "--max-waves", "0"], 2, "a whole number from 1"),
        (vec!["plan", "--root", "hello", "--wave-hours", "3", "--durations", "data/dumps/durations.csv"], 2, "cannot be used with"),
        (vec!["notify", "--root", "openssl", "--only", "example-ad"], 2, "did you mean `example-ada`"),
        (vec!["notify", "--root", "openssl", "--only", "example-fay@example.org"], 2, "nobody called"),
        (vec!["notify", "--root", "openssl", "--organisation", "a b"], 2, "no handle of GitHub"),
        (vec!["notify", "--root", "openssl", "--owners", "nowhere"], 3, "cannot read nowhere"),
        (vec!["notify", "--root", "openssl", "--owners", "README.md"], 3, "write @handle"),
        (vec!["notify", "--root", "openssl", "--format", "dot"], 2, "possible values"),
        (vec!["notify", "--root", "openssl", "--wave", "wave-1.1"], 2, "cannot be used with"),
        (vec!["check", "--root", "openssl", "--within"], 2, "cannot be used with"),
        (vec!["check", "--git", "a..b", "--exact"], 2, "cannot be used with"),
        (vec!["check", "--plan", "a", "--wave", "b", "--exact"], 2, "cannot be used with"),
        (vec!["check", "a", "b", "--exact"], 2, "cannot be used with"),
        (vec!["check", "a", "b", "--wave", "c"], 2, "cannot be used with"),
        (vec!["check", "a", "b", "--repo", "c"], 2, "cannot be used with"),
        (vec!["notify", "--root", "openssl", "--output-dir", "README.md"], 5, "cannot write"),
        (vec!["rank", "--sort", "hours"], 2, "--durations FILE"),
        (vec!["rank", "--approximate", "--sizes", "tests/inputs/path-info.json"], 2, "--cached FILE"),
        (vec!["cadence", "--budget", "20/day"], 2, "--releases FILE"),
        (vec!["cadence", "--budget", "20/day", "--repo", "."], 2, "no package is named"),
        (vec!["cadence", "--budget", "1h/day", "--releases", "tests/inputs/releases.csv"], 2, "--durations FILE"),
        (vec!["cadence", "--budget", "1/week", "--releases", "tests/inputs/releases.csv"], 2, "200h/day"),
        (vec!["cadence", "--budget", "20/day", "--releases", "tests/inputs/garbage.txt"], 3, "garbage.txt"),
        (vec!["cadence", "--budget", "20/day", "--releases", "does-not-exist"], 3, "does-not-exist"),
        (vec!["security"], 2, "--root"),
        (vec!["security", "--root", "openssl", "--at", "wave-1.3"], 2, "--plan"),
        (vec!["security", "--root", "openssl", "--plan", "tests/inputs/plan.json", "--at", "wave-1.99"], 2, "wave-1.1"),
        (vec!["security", "--root", "openssl", "--plan", "tests/inputs/array.json"], 3, "array.json"),
        (vec!["security", "--root", "openssl", "--plan", "tests/inputs/plan.json"], 0, ""),
        (vec!["tests", "--root", "openssl", "--budget", "3h"], 2, "--durations FILE"),
        (vec!["tests", "--root", "openssl", "--budget", "3"], 0, ""),
        (vec!["tests", "--root", "openssl", "--budget", "3", "--durations", "data/dumps/durations.csv"], 2, "--budget 3h"),
        (vec!["tests", "--root", "openssl", "--budget", "0h"], 2, "above 0"),
        (vec!["tests", "--root", "openssl", "--budget", "3 hours"], 2, "1h30m"),
        (vec!["tests", "--root", "openssl", "--decay", "2"], 2, "up to 1"),
        (vec!["tests", "--root", "openssl", "--tests", "does-not-exist"], 3, "does-not-exist"),
        (vec!["impact", "--root", "hello", "--durations", "does-not-exist"], 3, "cannot open does-not-exist"),
        (vec!["impact", "--root", "hello", "--sizes", &broken], 3, "line 1, column 6"),
        (vec!["plan", "--root", "hello", "--cached", &broken], 3, "no line of it is a store path"),
        (vec!["history", "list", "does-not-exist"], 3, "does-not-exist"),
        (vec!["history", "list", "README.md"], 3, "it is no history of waves"),
        (vec!["tables", "--format", "csv", "--output", "README.md"], 5, "cannot write"),
        (vec!["man", "nothing"], 2, "no command `nothing`"),
        (vec!["man", "plan", "nothing"], 2, "hint: one of diff"),
        (vec!["man", "plan", "--all", "target"], 2, "cannot be used with"),
        (vec!["man", "--all", "README.md"], 5, "cannot write"),
        (vec!["schema", "plann"], 2, "did you mean `plan`"),
        (vec!["schema", "--format", "dot"], 2, "possible values"),
        (vec!["explore"], 2, "`waves rank`"),
        (vec!["info", "--format", "dot"], 2, "possible values"),
        (vec!["why", "zlib", "python3*"], 2, "names 31 packages"),
        (vec!["info", "--threads", "100000"], 2, "1..=1024"),
        (vec!["import", "data/dumps/derivations.json", "-o", "-"], 2, "written to a file"),
        (vec!["info", "--graph", "does-not-exist"], 3, "does-not-exist"),
        (vec!["info", "--graph", &broken], 3, "truncated"),
    ] {
        let mut all = arguments.clone();
        // A history has its evaluations in it; a page of the manual or a schema is about none.
        if !arguments.contains(&"--graph") && !["history", "man", "schema"].contains(&arguments[0]) {
            all.extend(graph_args());
        }
        let run = Run::of(waves().args(&all));
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_system_that_refuses_has_a_code_of_its_own() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("a-file");
    fs::write(&file, "").expect("written");
    let run = Run::of(waves().arg("import").args(DUMPS).arg("-o").arg(file.join("graph.waves")));
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("cannot write"), "{}", run.stderr);
}

#[test]
fn no_graph_says_what_to_do() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = Run::of(waves().arg("info").current_dir(directory.path()));
    assert_eq!(run.code, Some(3));
    assert!(run.stderr.contains("waves import") && run.stderr.contains("--graph"), "{}", run.stderr);
}

#[test]
fn a_snapshot_is_found_upward_and_overridden() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (below, other) = (directory.path().join("a/b"), directory.path().join("other.waves"));
    fs::create_dir_all(&below).expect("created");
    let dumps: Vec<_> = DUMPS.iter().map(|dump| root().join(dump)).collect();
    let imported = Run::of(waves().arg("import").args(&dumps).current_dir(directory.path()));
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    Run::of(waves().arg("import").arg(&dumps[1]).arg("-o").arg(&other).current_dir(&below)).expect_success();

    let found = Run::of(waves().arg("info").current_dir(&below)).expect_success();
    assert_eq!(found, imported.stdout);
    let by_variable = Run::of(waves().arg("info").current_dir(&below).env("WAVES_GRAPH", &other)).expect_success();
    assert_ne!(by_variable, found);
    let by_option =
        Run::of(waves().arg("info").arg("--graph").arg(&other).current_dir(&below).env("WAVES_GRAPH", "nowhere")).expect_success();
    assert_eq!(by_option, by_variable);
    let joined = std::env::join_paths(&dumps).expect("paths");
    let by_dumps = Run::of(waves().arg("info").current_dir(&below).env("WAVES_GRAPH", joined)).expect_success();
    assert_eq!(by_dumps, found);
}

#[test]
fn a_failed_import_leaves_the_old_snapshot() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let snapshot = directory.path().join("graph.waves");
    Run::of(waves().arg("import").args(DUMPS).arg("-o").arg(&snapshot)).expect_success();
    let before = fs::read(&snapshot).expect("written");
    let broken = directory.path().join("broken.json");
    fs::write(&broken, "{").expect("written");
    assert_eq!(Run::of(waves().arg("import").arg(&broken).arg("-o").arg(&snapshot)).code, Some(3));
    assert_eq!(fs::read(&snapshot).expect("still there"), before);
    let left: Vec<_> = fs::read_dir(directory.path()).expect("listed").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn standard_input_is_a_dump() {
    let dump = fs::File::open(root().join(DUMPS[1])).expect("there");
    let run = Run::of(waves().args(["info", "--graph", "-"]).stdin(dump));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("nix-eval-jobs"), "{}", run.stdout);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut child = waves()
        .args(["rank", "--limit", "0", "--format", "json"])
        .args(graph_args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!((child.wait().expect("ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_same_bytes_whatever_the_threads() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let outputs: Vec<Vec<u8>> = (1..=16)
        .map(|threads: u32| {
            let snapshot = directory.path().join(threads.to_string());
            Run::of(waves().args(["import", "--threads", &threads.to_string()]).args(DUMPS).arg("-o").arg(&snapshot)).expect_success();
            fs::read(&snapshot).expect("written")
        })
        .collect();
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    for command in [vec!["plan", "--root", "glibc", "--packages"], vec!["impact", "--root", "openssl"], vec!["rank", "--limit", "0"]] {
        let run = |threads: u32| {
            Run::of(waves().args(&command).args(["--format", "json", "--threads", &threads.to_string()]).args(graph_args()))
                .expect_success()
        };
        let one = run(1);
        assert!((2..=16).all(|threads| run(threads) == one), "{command:?}");
    }
}

#[test]
fn a_history_is_only_added_to() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("of/many/history");
    let dumps = DUMPS.join(",");
    let add = |arguments: &[&str]| Run::of(waves().args(["history", "add"]).arg(&file).args(arguments));
    add(&[&dumps, "--label", "a", "--time", "2024-11-30"]).expect_success();
    let first = fs::read(&file).expect("written");
    for (arguments, code, message) in [
        (vec![&dumps[..], "--label", "a"], 3, "is called `a` already"),
        (vec!["--label", "b"], 2, "EVALUATION"),
        (vec![&dumps[..], DUMPS[0], "--label", "b"], 2, "--label is of one evaluation"),
        (vec![&dumps[..], "--label", "b", "--time", "yesterday"], 2, "a day such as"),
        (vec!["does-not-exist", "--label", "b"], 3, "does-not-exist"),
    ] {
        let run = add(&arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
        assert_eq!(fs::read(&file).expect("there"), first, "{arguments:?}");
    }
    // What a killed writer leaves is left out, said, and cut off.
    fs::write(&file, [&first[..], b"\x05\x00"].concat()).expect("written");
    let list = || Run::of(waves().args(["history", "list"]).arg(&file)).expect_success();
    assert!(list().contains("Left out: 2 B at its end"), "{}", list());
    let added = add(&[&dumps, "--label", "b", "--time", "1733011200"]);
    assert!(added.stderr.contains("2 bytes of an unfinished evaluation were cut off"), "{}", added.stderr);
    assert!(fs::read(&file).expect("there").starts_with(&first));
    assert!(list().contains("2024-12-01") && !list().contains("Left out"), "{}", list());
    let rebuilds = |arguments: &[&str]| Run::of(waves().args(["history", "rebuilds"]).arg(&file).args(arguments));
    assert!(rebuilds(&["--root", "openssl"]).expect_success().contains("a           2024-11-30  3.3.2"));
    for (root, message) in [
        ("opensl", "no package `opensl` in any evaluation of this history"),
        ("opensl", "did you mean `openssl`"),
        ("python2", "does not evaluate"),
        ("[a", "not a glob pattern"),
    ] {
        let run = rebuilds(&["--root", root]);
        assert_eq!(run.code, Some(2), "{root}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{root}: {}", run.stderr);
    }
}

/// Writers that begin at the same time wait for each other: every evaluation is there, whole.
#[test]
fn histories_have_one_writer_at_a_time() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("history");
    let mut writers: Vec<_> = (0..6)
        .map(|label| {
            let mut add = waves();
            add.args(["history", "add", "-q"]).arg(&file).args([DUMPS.join(","), "--label".to_owned(), label.to_string()]);
            add.spawn().expect("starts")
        })
        .collect();
    assert!(writers.iter_mut().all(|writer| writer.wait().expect("ends").success()));
    let list = Run::of(waves().args(["history", "list", "--format", "json"]).arg(&file)).expect_success();
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let mut labels: Vec<&str> =
        list["evaluations"].as_array().expect("a list").iter().filter_map(|evaluation| evaluation["label"].as_str()).collect();
    labels.sort_unstable();
    assert_eq!((labels, list["history"]["torn_bytes"].as_u64()), (vec!["0", "1", "2", "3", "4", "5"], Some(0)));
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = Run::of(waves().args(["import", "--quiet"]).args(DUMPS).arg("-o").arg(directory.path().join("g")));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn quiet_keeps_a_format_that_was_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (graph, history) = (directory.path().join("g"), directory.path().join("history"));
    let import = |more: &[&str]| Run::of(waves().arg("import").args(DUMPS).arg("-o").arg(&graph).args(more));
    let by_default = import(&[]).expect_success();
    for (format, begins) in [("text", "evaluation "), ("json", "{"), ("markdown", "evaluation ")] {
        let (loud, quiet) = (import(&["--format", format]), import(&["-q", "-f", format]));
        assert!(loud.stderr.starts_with("wrote ") && loud.stdout.starts_with(begins), "{format}: {}", loud.stderr);
        assert_eq!(loud.stdout == by_default, format == "text");
        assert_eq!((quiet.code, quiet.stdout, quiet.stderr.as_str()), (Some(0), loud.stdout, ""), "{format}");
    }
    let add = |label: &str, more: &[&str]| {
        let mut add = waves();
        add.args(["history", "add", "-q", "--label", label]).args(more).arg(&history).arg(DUMPS.join(","));
        Run::of(&mut add).expect_success()
    };
    assert!(add("a", &["-f", "text"]).contains("\na "));
    let added: serde_json::Value = serde_json::from_str(&add("b", &["--format", "json"])).expect("JSON");
    assert_eq!(added["evaluations"][0]["label"], "b");
    assert_eq!(add("c", &[]), "");
}

#[test]
fn quiet_leaves_warnings_and_no_other_notes() {
    for plan in [["--root", "glibc"], ["--updates", "data/dumps/updates.csv"]] {
        let verify = |more: &[&str]| Run::of(waves().arg("plan").args(plan).arg("--verify").args(more).args(graph_args()));
        let (loud, quiet) = (verify(&[]), verify(&["-q"]));
        assert!(loud.stderr.contains("verified: "), "{}", loud.stderr);
        assert_eq!((quiet.code, quiet.stdout, quiet.stderr.as_str()), (Some(0), loud.stdout, ""), "{plan:?}");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut export = waves();
    export.args(["export", "tests/inputs/major.json", "--to", "nix-build", "--wave", "2.7", "-q", "--output-dir"]);
    let run = Run::of(export.arg(directory.path()).args(graph_args()));
    assert!(run.code == Some(0) && directory.path().join("wave-2.7.sh").is_file(), "{}", run.stderr);
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert!(notes.len() == 1 && notes[0].contains("broken, insecure or not free"), "{}", run.stderr);
}

/// What has no effect is refused, and not passed over; but for what the environment says to all commands.
#[test]
fn options_without_a_use_are_refused() {
    let plans = ["tests/inputs/major.json", "tests/inputs/wrong-major.json"];
    let export = |engine: &'static str| vec!["export", plans[0], "--to", engine];
    let diff = |format: &'static str| vec!["diff", DUMPS[1], DUMPS[1], "--format", format];
    let (changed_paths, rebuild_amount) = (|| diff("changed-paths"), || diff("rebuild-amount"));
    for (command, options, message) in [
        (vec!["import", DUMPS[0]], &["--graph", "my.waves"][..], "-o FILE"),
        (vec!["eval", "data"], &["--graph", "my.waves"], "-o FILE"),
        (vec!["diff", DUMPS[1], DUMPS[1]], &["--graph", "missing"], "BEFORE AFTER"),
        (vec!["check", DUMPS[1], DUMPS[1]], &["--graph", "missing"], "BEFORE and AFTER"),
        (vec!["notify", DUMPS[1], DUMPS[1]], &["--graph", "missing"], "BEFORE and AFTER"),
        (vec!["plan", "diff", plans[0], plans[1]], &["--graph", "missing"], "plans are read"),
        (vec!["start", plans[0]], &["--graph", "missing"], "plans are read"),
        (vec!["history", "add", "missing", DUMPS[0]], &["--graph", "missing"], "behind the history"),
        (vec!["history", "list", "missing"], &["--graph", "missing"], "has its evaluations in it"),
        (vec!["impact", "--root", "hello"], &["--offline"], "--cache <URL>"),
        (vec!["impact", "--root", "hello"], &["--cache-dir", "missing"], "--cache <URL>"),
        (vec!["plan", "--root", "hello"], &["--cache-jobs", "2"], "--cache <URL>"),
        (rebuild_amount(), &["--table", "added"], "--format csv"),
        (changed_paths(), &["--table", "added"], "--format csv"),
        (changed_paths(), &["--durations", "missing"], "--durations has no meaning with --format changed-paths"),
        (changed_paths(), &["--cached", "missing"], "--cached has no meaning"),
        (changed_paths(), &["--sizes", "missing"], "--sizes has no meaning"),
        (changed_paths(), &["--cache", "file:///missing"], "--cache has no meaning"),
        (changed_paths(), &["--base-branch", "staging"], "--base-branch has no meaning"),
        (changed_paths(), &["--limit", "5"], "--limit has no meaning"),
        (rebuild_amount(), &["--limit", "0"], "--limit has no meaning with --format rebuild-amount"),
        (rebuild_amount(), &["--config", "missing"], "--config has no meaning with --format rebuild-amount"),
        (export("nix-build"), &["--repository", "https://example.org main"], "it is for --to hydra"),
        (export("github-matrix"), &["--source", "x"], "--to nix-fast-build"),
        (export("github-matrix"), &["--file", "missing"], "--file has no meaning with --to github-matrix"),
        (export("hydra"), &["--repository", "x", "--durations", "missing"], "it is for --to github-matrix"),
    ] {
        let run = Run::of(waves().args(&command).args(options));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{command:?} {options:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{command:?} {options:?}: {}", run.stderr);
    }
    Run::of(waves().args(["plan", "diff"]).args(plans).env("WAVES_GRAPH", "missing")).expect_success();
    // Of these, one has the labels of a policy; and what the environment says is no option.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let policy = directory.path().join("waves.toml");
    fs::write(&policy, "[policy.labels]\nprefix = \"size.\"\n").expect("written");
    let labelled = Run::of(waves().args(changed_paths()).arg("--config").arg(&policy)).expect_success();
    assert!(labelled.contains("\"size.linux: 0\":true"), "{labelled}");
    Run::of(waves().args(rebuild_amount()).env("GITHUB_BASE_REF", "staging")).expect_success();
}

/// Only a format with labels has a use for a policy that nobody named.
#[test]
fn formats_without_labels_look_for_no_policy() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("waves.toml"), "[policy\n").expect("written");
    let dumps = ["data/dumps/eval-jobs.jsonl", "data/dumps/update/eval-jobs.jsonl"].map(|dump| root().join(dump));
    for (format, has_labels) in [
        ("text", true),
        ("json", true),
        ("jsonl", true),
        ("markdown", true),
        ("csv", false),
        ("dot", false),
        ("mermaid", false),
        ("svg", false),
        ("changed-paths", true),
        ("rebuild-amount", false),
    ] {
        let diff = |more: &[&str]| Run::of(waves().arg("diff").args(&dumps).args(["--format", format]).args(more).current_dir(&directory));
        let run = diff(&[]);
        assert_eq!(run.code, Some(if has_labels { 3 } else { 0 }), "{format}: {}", run.stderr);
        assert_eq!(run.stderr.contains("waves.toml"), has_labels, "{format}: {}", run.stderr);
        // One that is named is read, or has no meaning.
        assert_eq!(diff(&["--config", "waves.toml"]).code, Some(if format == "rebuild-amount" { 2 } else { 3 }), "{format}");
        let labelled = Run::of(waves().arg("diff").args(&dumps).args(["--format", format])).expect_success();
        assert_eq!(labelled.contains("10.rebuild-linux"), has_labels, "{format}");
    }
}

#[test]
fn no_escape_sequences_in_a_pipe() {
    for arguments in [vec!["--help"], vec!["plan", "--help"], vec!["plan", "--root", "glibc"], vec!["plan"]] {
        let mut command = waves();
        command.args(&arguments).args(graph_args()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("TERM", "xterm");
        let run = Run::of(&mut command);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn help_fits_a_screen() {
    let commands = [
        "import",
        "eval",
        "info",
        "impact",
        "diff",
        "check",
        "rank",
        "why",
        "plan",
        "notify",
        "verify",
        "explain",
        "groups",
        "tests",
        "cadence",
        "security",
        "history",
        "tables",
        "export",
        "start",
        "record",
        "status",
        "next",
        "waive",
        "retry",
        "tag",
        "request",
        "explore",
        "completions",
        "man",
        "schema",
    ];
    for command in std::iter::once(None).chain(commands.map(Some)) {
        let help = Run::of(waves().args(command).arg("-h")).expect_success();
        // The list of all commands is the one that may be longer.
        let most = if command.is_none() { 58 } else { 40 };
        assert!(help.lines().count() <= most, "{command:?}: {} lines", help.lines().count());
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command:?}");
    }
}

#[test]
fn colours_are_for_terminals_and_change_no_letter() {
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = waves();
        command.args(arguments).args(graph_args()).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        Run::of(command.envs(variables.iter().copied()))
    };
    let stripped = |text: &str| {
        text.split('\u{1b}')
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.split_once('m').expect("a style").1 })
            .collect::<String>()
    };
    for arguments in [vec!["impact", "--root", "curl"], vec!["impact", "--root", "curll"]] {
        let plain = run(&arguments, &[]);
        let forced = run(&arguments, &[("CLICOLOR_FORCE", "1")]);
        let never = run(&arguments, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
        for (plain, forced, never) in [(&plain.stdout, &forced.stdout, &never.stdout), (&plain.stderr, &forced.stderr, &never.stderr)] {
            assert!(!plain.contains('\u{1b}') && plain == never, "{never}");
            assert_eq!(forced.contains('\u{1b}'), !plain.is_empty(), "{forced}");
            assert_eq!(&stripped(forced), plain);
        }
    }
    assert!(!run(&["impact", "--root", "curl", "--format", "markdown"], &[("CLICOLOR_FORCE", "1")]).stdout.contains('\u{1b}'));
}

#[test]
fn what_an_error_says_of_names_is_text() {
    let run =
        Run::of(waves().args(["impact", "--root", "a\u{1b}[31m\u{202e}b\n::error::c"]).args(graph_args()).env("GITHUB_ACTIONS", "true"));
    assert_eq!(run.code, Some(2));
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']) && !run.stderr.lines().any(|line| line.trim_start().starts_with("::")),
        "{}",
        run.stderr
    );
}
