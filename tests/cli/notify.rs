//! `waves notify`: what it writes into a directory, and what hostile names cannot do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

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
