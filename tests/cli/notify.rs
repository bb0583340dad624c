//! `waves notify`: what it writes into a directory, and what hostile names cannot do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{Run, graph_args, waves};

/// Names that want to be something else: a way out of the directory, a file that is somebody else's, markup, a mention.
const HOSTILE: [&str; 14] = [
    "../../climbed",
    "/tmp/climbed",
    "a/b",
    "overflow",
    "index",
    "OVERFLOW",
    ".hidden",
    "..",
    "x\u{202e}dm.",
    "Fay @maintainers",
    "<script>alert(1)</script>",
    "`](javascript:alert(1))",
    "line\nbreak | @everyone",
    "-rf",
];

/// A dump of a package for each hostile name, maintained by it and named after it.
fn hostile_dump(directory: &Path) -> String {
    let path = |number: usize, suffix: &str| format!("/nix/store/{}-p{number}{suffix}", format!("{number:02}").repeat(16));
    let inputs = |number: usize| if number == 0 { json!({}) } else { json!({ path(0, ".drv"): ["out"] }) };
    let job = |(number, name): (usize, &&str)| {
        let long = "n".repeat(number * 50);
        json!({
            "attr": format!("set.\"{name}\"{long}"), "attrPath": ["set", format!("{name}{long}")], "name": format!("p{number}"),
            "system": "x86_64-linux", "drvPath": path(number, ".drv"), "outputs": { "out": path(number, "") }, "inputDrvs": inputs(number),
            "meta": { "maintainers": [{ "github": name }], "teams": [{ "shortName": name }] },
        })
        .to_string()
    };
    let dump = directory.join("hostile.jsonl");
    fs::write(&dump, HOSTILE.iter().enumerate().map(job).collect::<Vec<_>>().join("\n")).expect("written");
    dump.display().to_string()
}

/// The files of a directory and what is in them.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).expect("listed").map(|entry| entry.expect("an entry"));
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
    entries.map(|entry| (name(&entry), fs::read_to_string(entry.path()).expect("a file"))).collect()
}

/// Markdown in two: prose, and what is between fences, where nothing is markup.
fn prose_and_code(markdown: &str) -> (String, String) {
    let (mut prose, mut code) = (String::new(), String::new());
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => code.extend([line, "\n"]),
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => prose.extend([line, "\n"]),
        }
    }
    assert_eq!(fence, None, "a fence stays open: {markdown}");
    (prose, code)
}

/// Handles that Markdown would notify.
fn mentions(prose: &str) -> BTreeSet<&str> {
    let is_handle = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '/');
    let after = prose.split('@').skip(1).map(|rest| rest.split(|character| !is_handle(character)).next().unwrap_or_default());
    after.filter(|handle| !handle.is_empty()).collect()
}

#[test]
fn hostile_names_stay_names() {
    let directory = tempfile::tempdir().expect("a directory");
    let dump = hostile_dump(directory.path());
    let out = directory.path().join("a/b/out");
    let arguments =
        ["notify", "--root", "/nix/store/00000000000000000000000000000000-p0.drv", "--cap", "100", "--graph", &dump, "--mention"];
    Run::of(waves().args(arguments).arg("--output-dir").arg(&out)).expect_success();
    let written = files(&out);
    let around =
        fs::read_dir(directory.path()).expect("listed").count() + fs::read_dir(directory.path().join("a/b")).expect("listed").count();
    assert_eq!(around, 3, "nothing climbed out");
    // A person and a team for each name, but `overflow` and `OVERFLOW` are one person on GitHub, and two names of teams.
    assert_eq!(written.len(), 2 * HOSTILE.len() - 1 + 2, "{:?}", written.keys());
    let is_plain = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    assert!(written.keys().all(is_plain), "{:?}", written.keys());
    assert!(written["overflow.md"].starts_with("## 0 recipients not told one by one"), "{}", written["overflow.md"]);
    let index: Value = serde_json::from_str(&written["index.json"]).expect("JSON");
    let listed: BTreeSet<&str> =
        index["people"].as_array().expect("a list").iter().map(|entry| entry["file"].as_str().expect("a name")).collect();
    let others = ["index.json", "overflow.md"];
    assert_eq!(listed, written.keys().map(String::as_str).filter(|name| !others.contains(name)).collect());

    let report = Run::of(waves().args(arguments).args(["--format", "markdown"])).expect_success();
    let handles = BTreeSet::from(["index", "overflow", "a/b"]);
    for markdown in written.values().filter(|text| text.starts_with('#')).chain([&report]) {
        let (prose, code) = prose_and_code(markdown);
        assert!(mentions(&prose).iter().all(|handle| handles.contains(handle.to_lowercase().as_str())), "{:?}", mentions(&prose));
        let unescaped = prose.replace("\\]", "").replace("\\`", "");
        assert!(["<", "\u{202e}", "](", "`", "\nbreak"].iter().all(|markup| !unescaped.contains(markup)), "{prose}");
        assert!(code.lines().all(|line| line.starts_with("nix-build ") && !line.contains('\u{fffd}')), "a command must be what it says");
    }
    let silent = Run::of(waves().args(&arguments[..arguments.len() - 1]).args(["--format", "markdown"])).expect_success();
    assert_eq!(mentions(&prose_and_code(&silent).0), BTreeSet::new(), "without --mention nobody is");
}

/// Commands are typed as they stand: a shell must see one word.
#[test]
fn commands_are_quoted() {
    let directory = tempfile::tempdir().expect("a directory");
    let dump = directory.path().join("dump.jsonl");
    let path = |number: usize, suffix: &str| format!("/nix/store/{}-p{number}{suffix}", number.to_string().repeat(32));
    let job = |number: usize, attr: &str, inputs: Value| {
        json!({
            "attr": attr, "attrPath": [attr], "name": format!("p{number}"), "system": "x86_64-linux", "drvPath": path(number, ".drv"),
            "outputs": { "out": path(number, "") }, "inputDrvs": inputs, "meta": { "maintainers": [{ "github": "ada" }] },
        })
        .to_string()
    };
    let lines = [job(0, "root", json!({})), job(1, "$(touch x); it's `y` \"z\"", json!({ path(0, ".drv"): ["out"] }))];
    fs::write(&dump, lines.join("\n")).expect("written");
    let run = Run::of(waves().args(["notify", "--root", "root", "--format", "json", "--graph"]).arg(&dump)).expect_success();
    let report: Value = serde_json::from_str(&run).expect("JSON");
    let direct = &report["people"][0]["packages"][1];
    let command = direct["commands"][0].as_str().expect("a command").replace("nix-build", "printf '%s\\n'");
    let shell = std::process::Command::new("sh").args(["-c", &command]).current_dir(directory.path()).output().expect("sh runs");
    assert_eq!(String::from_utf8(shell.stdout).expect("UTF-8"), format!("-A\n{}\n", direct["package"].as_str().expect("a name")));
    assert!(!directory.path().join("x").exists());
}

#[test]
fn what_is_in_the_directory_stays_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let [own, old, target] = ["notes.txt", "example-ada.md", "elsewhere"].map(|name| directory.path().join(name));
    fs::write(&own, "mine").expect("written");
    fs::write(&target, "not yours").expect("written");
    std::os::unix::fs::symlink(&target, &old).expect("linked");
    let mut run = waves();
    run.args(["notify", "--root", "glibc", "--cap", "2", "--output-dir"]).arg(directory.path()).args(graph_args());
    Run::of(&mut run).expect_success();
    let first = files(directory.path());
    assert_eq!((first["notes.txt"].as_str(), first["elsewhere"].as_str()), ("mine", "not yours"));
    assert!(first["example-ada.md"].starts_with("## example-ada"), "a link is replaced, not followed");
    Run::of(&mut run).expect_success();
    assert_eq!(files(directory.path()), first, "the same change, the same files");
}

#[test]
fn a_large_digest_fits_into_a_comment() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |number: usize, suffix: &str| format!("/nix/store/{}{number:04}-package-{number}{suffix}", "0".repeat(28));
    let job = |number: usize| {
        let inputs = if number == 0 { json!({}) } else { json!({ path(0, ".drv"): ["out"] }) };
        json!({
            "attr": format!("package-{number}"), "attrPath": [format!("package-{number}")], "name": format!("package-{number}"),
            "system": "x86_64-linux", "drvPath": path(number, ".drv"), "outputs": { "out": path(number, "") }, "inputDrvs": inputs,
            "meta": { "maintainers": [{ "github": "ada" }] },
        })
        .to_string()
    };
    let dump = directory.path().join("dump.jsonl");
    fs::write(&dump, (0..2000).map(job).collect::<Vec<_>>().join("\n")).expect("written");
    let out = directory.path().join("out");
    Run::of(waves().args(["notify", "--root", "package-0", "--graph"]).arg(&dump).arg("--output-dir").arg(&out)).expect_success();
    let digest = &files(&out)["ada.md"];
    assert!((16_384..=65_536).contains(&digest.len()), "{}", digest.len());
    let shown = digest.lines().filter(|line| line.starts_with("| package-")).count();
    assert!(
        digest.ends_with(&format!("… and {} more packages (--only with --limit 0 shows all)\n", waves_number(2000 - shown))),
        "{shown}"
    );
}

/// With a separator for thousands.
fn waves_number(count: usize) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

/// Two evaluations. zlib was changed, which curl needs; what bob maintained is gone, and what carol did has an error. Only the second covers
/// `pyPackages`, of which all need zlib.
fn evaluations(directory: &Path) -> [String; 2] {
    let path = |number: usize, suffix: &str| format!("/nix/store/{}-p{}{suffix}", number.to_string().repeat(16), number % 10);
    let job = |attribute: &str, number: usize, input: Option<usize>, maintainer: &str| {
        let inputs: Map<String, Value> = input.iter().map(|&input| (path(input, ".drv"), json!(["out"]))).collect();
        json!({
            "attr": attribute, "attrPath": attribute.split('.').collect::<Vec<_>>(), "name": format!("p{}", number % 10),
            "system": "x86_64-linux", "drvPath": path(number, ".drv"), "outputs": { "out": path(number, "") }, "inputDrvs": inputs,
            "meta": { "maintainers": [{ "github": maintainer }] },
        })
        .to_string()
    };
    let before =
        vec![job("zlib", 11, None, "ada"), job("curl", 12, Some(11), "bela"), job("old", 18, None, "bob"), job("older", 19, None, "carol")];
    let set = (23..28).map(|number| job(&format!("pyPackages.p{number}"), number, Some(21), "dita"));
    let failing = json!({ "attr": "older", "attrPath": ["older"], "error": "error: broken" }).to_string();
    let after: Vec<String> = [job("zlib", 21, None, "ada"), job("curl", 22, Some(21), "bela"), failing].into_iter().chain(set).collect();
    [("before.jsonl", before), ("after.jsonl", after)].map(|(name, lines)| {
        let dump = directory.join(name);
        fs::write(&dump, lines.join("\n")).expect("written");
        dump.display().to_string()
    })
}

/// A package of a dump: its attribute, a number, its name, arguments of its builder, and the number and name of what it needs.
type Package = (&'static str, usize, &'static str, &'static [&'static str], Option<(usize, &'static str)>);

/// Two evaluations. `git` and `curl` take another `lib`, that was there before, and the recipe of `tool` was changed.
fn with_a_swapped_input(directory: &Path) -> [String; 2] {
    let path = |number: usize, name: &str, suffix: &str| format!("/nix/store/{}-{name}{suffix}", number.to_string().repeat(16));
    let derivation = |&(_, number, name, arguments, input): &Package| {
        let inputs: Map<String, Value> = input.iter().map(|&(number, name)| (path(number, name, ".drv"), json!(["out"]))).collect();
        let build_inputs = input.map(|(number, name)| path(number, name, "")).unwrap_or_default();
        let entry = json!({
            "outputs": { "out": { "path": path(number, name, "") } }, "inputSrcs": [], "inputDrvs": inputs, "system": "x86_64-linux",
            "builder": "/bin/sh", "args": arguments, "env": { "name": name, "out": path(number, name, ""), "buildInputs": build_inputs },
        });
        (path(number, name, ".drv"), entry)
    };
    let job = |&(attribute, number, name, ..): &Package| {
        json!({
            "attr": attribute, "attrPath": [attribute], "name": name, "system": "x86_64-linux", "drvPath": path(number, name, ".drv"),
            "outputs": { "out": path(number, name, "") }, "meta": { "maintainers": [{ "github": "ada" }] },
        })
        .to_string()
    };
    let libs: [Package; 2] = [("lib1", 11, "lib-1.0", &[], None), ("lib2", 12, "lib-2.0", &[], None)];
    let (first, second) = (Some((11, "lib-1.0")), Some((12, "lib-2.0")));
    let before: [Package; 3] =
        [("git", 13, "git-3.0", &[], first), ("curl", 14, "curl-4.0", &[], first), ("tool", 15, "tool-5.0", &[], None)];
    let after: [Package; 3] =
        [("git", 23, "git-3.0", &[], second), ("curl", 24, "curl-4.0", &[], second), ("tool", 25, "tool-5.0", &["-e"], None)];
    [("before", before), ("after", after)].map(|(name, packages)| {
        let packages = [&libs[..], &packages].concat();
        let derivations: Map<String, Value> = packages.iter().map(derivation).collect();
        let jobs: Vec<String> = packages.iter().map(job).collect();
        let dumps = ["json", "jsonl"].map(|extension| directory.join(name).with_extension(extension));
        for (dump, content) in dumps.iter().zip([json!(derivations).to_string(), jobs.join("\n")]) {
            fs::write(dump, content).expect("written");
        }
        dumps.map(|dump| dump.display().to_string()).join(",")
    })
}

fn json_of(arguments: &[&str], dumps: &[String; 2]) -> Value {
    let run = Run::of(waves().args(arguments).args(dumps).args(["--format", "json"]));
    serde_json::from_str(&run.expect_success()).expect("JSON")
}

/// What `diff` says of the comparison, `notify` says too.
#[test]
fn what_two_evaluations_leave_open_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let dumps = evaluations(directory.path());
    let text = Run::of(waves().arg("notify").args(&dumps)).expect_success();
    let warning =
        "\nwarning: BEFORE has nothing of 5 attributes of AFTER, in 1 package set: pyPackages (hint: --within compares what both cover)\n";
    assert!(text.contains(warning) && !text.contains("Not compared"), "{text}");
    assert!(text.contains("\nwarning: 1 attribute does not evaluate any more, and counts as removed: `older.x86_64-linux`\n"), "{text}");
    let text = Run::of(waves().args(["notify", "--within"]).args(&dumps)).expect_success();
    let left_out = "\nNot compared, as the other evaluation has nothing of their package set: 0 attributes before, 5 attributes after.\n";
    assert!(text.contains(left_out) && !text.contains("pyPackages"), "{text}");
    for within in [vec![], vec!["--within"]] {
        let [notify, diff] = ["notify", "diff"].map(|command| json_of(&[vec![command], within.clone()].concat(), &dumps));
        for key in ["doubts", "no_longer_evaluated", "left_out"] {
            assert_eq!(notify[key], diff[key], "{key} {within:?}");
        }
        assert_eq!(notify["no_longer_evaluated"], json!(["older.x86_64-linux"]));
        assert_eq!(notify["rebuilds"], diff["counts"], "{within:?}");
    }
}

/// A swapped input is called by its own name, not by that of a package that takes it.
#[test]
fn causes_are_called_as_in_a_diff() {
    let directory = tempfile::tempdir().expect("a directory");
    let dumps = with_a_swapped_input(directory.path());
    let [diff, check, notify] = ["diff", "check", "notify"].map(|command| json_of(&[command], &dumps));
    let said = |list: &Value, keys: &[&str]| -> Vec<Value> {
        let said = |item: &Value| -> Value { keys.iter().map(|&key| item[key].clone()).collect() };
        list.as_array().expect("a list").iter().map(said).collect()
    };
    assert_eq!(said(&diff["root_causes"], &["label", "reasons"]), [json!(["lib2", ["swapped input"]]), json!(["tool", ["recipe"]])]);
    assert_eq!(said(&check["causes"], &["label"]), [json!(["lib2"]), json!(["tool"])]);
    assert_eq!(said(&notify["causes"], &["label", "version"]), [json!(["lib2", ""]), json!(["tool", "5.0"])]);
    let ada = &notify["people"][0];
    assert_eq!(ada["causes"], json!(["lib2", "tool"]));
    let mut packages = said(&ada["packages"], &["package", "causes"]);
    packages.sort_by_key(|package| package[0].to_string());
    assert_eq!(packages, [json!(["curl", ["lib2"]]), json!(["git", ["lib2"]]), json!(["tool", ["tool"]])]);

    let out = directory.path().join("out");
    let text = Run::of(waves().args(["notify", "--only", "ada"]).args(&dumps).arg("--output-dir").arg(&out)).expect_success();
    assert!(text.contains("\ncauses: lib2, tool 5.0\n") && text.contains("\nCauses: lib2, tool\n"), "{text}");
    let written = files(&out);
    let index: Value = serde_json::from_str(&written["index.json"]).expect("JSON");
    assert_eq!(index["causes"], json!(["lib2", "tool"]));
    assert!(written["ada.md"].contains("\nCauses: lib2, tool\n"), "{}", written["ada.md"]);
}

#[test]
fn what_was_not_compared_counts_nowhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let report = json_of(&["notify", "--within"], &evaluations(directory.path()));
    assert_eq!(report["rebuilds"], json!({ "attributes": 2, "derivations": 2, "outputs": 2 }));
    assert_eq!(report["left_out"], json!({ "before": 0, "after": 5 }));
    let told: Vec<Value> = report["people"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|digest| {
            let package = &digest["packages"][0];
            json!([digest["name"], package["package"], package["rebuilds_attributes"], package["wave_name"]])
        })
        .collect();
    assert_eq!(told, [json!(["ada", "zlib", 2, "zlib"]), json!(["bela", "curl", 1, "curl"])]);
}

/// Who maintained only what is removed is named in the evaluation before alone.
#[test]
fn maintainers_of_what_is_removed_are_not_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let dumps = evaluations(directory.path());
    let run = |arguments: &[&str]| Run::of(waves().arg("notify").args(&dumps).args(arguments));
    let text = run(&["--only", "Bob"]).expect_success();
    assert!(text.contains("\n2 attributes are removed.\n") && text.contains("\nbob: nothing of theirs is rebuilt\n"), "{text}");
    let (_, table) = text.split_once("\nRemoved, and who maintained it\n").expect("a table");
    let rows: Vec<Vec<&str>> =
        table.lines().skip(1).map(|line| line.split_whitespace().collect()).filter(|row: &Vec<_>| !row.is_empty()).collect();
    assert_eq!(rows, [["old", "x86_64-linux", "bob"]]);
    let text = run(&["--only", "ada"]).expect_success();
    assert!(!text.contains("who maintained it"), "{text}");
    let wrong = run(&["--only", "bobb"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("did you mean `bob`"), "{}", wrong.stderr);

    let out = directory.path().join("out");
    let out_argument = out.display().to_string();
    run(&["--output-dir", &out_argument]).expect_success();
    let overflow = &files(&out)["overflow.md"];
    let (_, table) = overflow.split_once("## Removed, and who maintained it\n").expect("a table");
    assert!(!overflow.contains("not told one by one"), "{overflow}");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| old")).collect();
    assert_eq!(rows, ["| old | x86_64-linux | bob |  |", "| older | x86_64-linux | carol |  |"]);
}
