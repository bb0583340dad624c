//! Pages of reports, against the reports that they are made of, and in a real browser.

#[path = "../schema/checkout.rs"]
mod checkout;
#[path = "../ledger/support.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use checkout::{Checkout, JQ_META, PROSE, STDENV, ZLIB};
use support::{Run, begun, json, repository, texts, waves};

/// Names that want to be more than names.
const HOSTILE: [&str; 6] =
    ["<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "</style></script>", "a\u{202e}b", "&lt;b&gt;", "]]>-->"];

/// A directory with reports of all kinds, and their pages.
fn pages() -> TempDir {
    let directory = begun();
    let here = directory.path();
    let data = repository().join("data/dumps");
    let file = |name: &str| data.join(name).display().to_string();
    let keep = |name: &str, report: &Value| fs::write(here.join(name), report.to_string()).expect("written");
    let page = |kind: &str, graph: &str| {
        let (input, output) = (format!("{kind}.json"), format!("{kind}.html"));
        Run::of(waves(here).args(["report", &input, "-q", "-o", &output, "--graph", graph])).expect(0);
    };
    let timed = ["--durations", &file("durations.csv"), "--builders", "4"];
    keep("plan.json", &json(here, &[&["plan", "--root", "glibc"], &timed[..]].concat()));
    keep("upgrade.json", &json(here, &[&["plan", "--updates", "updates.csv"], &timed[..]].concat()));
    keep("impact.json", &json(here, &["impact", "--root", "zlib"]));
    keep("inverse.json", &json(here, &["impact", "--root", "python3", "--inverse"]));
    let costs = ["--durations", &file("durations.csv"), "--cached", &file("store-paths.txt")];
    // What is certain, what is not, and what rebuilds nothing.
    let checkout = Checkout::new(&[ZLIB, JQ_META, STDENV, PROSE]);
    let repo = checkout.directory.path().display().to_string();
    keep("estimate.json", &json(here, &["impact", "--git", "HEAD~1..HEAD", "--repo", &repo]));
    keep("part.json", &json(here, &[&["impact", "--root", "zlib", "--depth", "1", "--limit", "5"], &costs[..]].concat()));
    Run::of(waves(here).args(["import", "-q", &file("update/derivations.json"), &file("update/eval-jobs.jsonl"), "-o", "after.waves"]))
        .expect(0);
    keep("diff.json", &json(here, &["diff", ".waves/graph.waves", "after.waves"]));
    fs::write(here.join("first.txt"), "zlib built\nlibpng failed\n").expect("written");
    Run::of(waves(here).env("SOURCE_DATE_EPOCH", "1767139200").args(["record", "first.txt"])).expect(0);
    fs::write(here.join("second.txt"), "ncurses built\nopenssl failed\n").expect("written");
    Run::of(waves(here).args(["record", "second.txt"])).expect(0);
    keep("status.json", &json(here, &["status", "--history"]));
    for kind in ["plan", "upgrade", "impact", "estimate", "inverse", "part", "status"] {
        page(kind, ".waves/graph.waves");
    }
    page("diff", "after.waves");
    hostile(here);
    page("hostile", "hostile.waves");
    // Without the evaluation.
    let alone = here.join("alone");
    fs::create_dir(&alone).expect("a directory");
    fs::rename(here.join(".waves"), here.join("elsewhere")).expect("moved");
    let run = Run::of(waves(&alone).args(["report", "../impact.json", "-o", "../alone.html"])).expect(0);
    assert!(run.stderr.contains("without ways: no .waves/graph.waves"), "{}", run.stderr);
    fs::rename(here.join("elsewhere"), here.join(".waves")).expect("moved back");
    directory
}

/// An evaluation of a root and one attribute for each hostile name, and the report of what the root rebuilds.
fn hostile(here: &Path) {
    let path = |letter: u8, name: &str| format!("/nix/store/{}-{name}", char::from(letter).to_string().repeat(32));
    let job = |letter: u8, attribute: &str, inputs: Value| {
        serde_json::json!({
            "attr": attribute, "attrPath": [attribute], "name": "p-1", "system": "x86_64-linux", "drvPath": path(letter, "p-1.drv"),
            "outputs": { "out": path(letter, "p-1") }, "inputDrvs": inputs,
            "meta": { "maintainers": [{ "github": attribute }], "broken": true },
        })
        .to_string()
            + "\n"
    };
    let mut jobs = job(b'0', "root", serde_json::json!({}));
    for (letter, name) in (b'1'..).zip(HOSTILE) {
        jobs += &job(letter, name, serde_json::json!({ path(b'0', "p-1.drv"): ["out"] }));
    }
    fs::write(here.join("hostile.jsonl"), jobs).expect("written");
    Run::of(waves(here).args(["import", "-q", "hostile.jsonl", "-o", "hostile.waves"])).expect(0);
    let report = json(here, &["impact", "--root", "root", "--graph", "hostile.waves"]);
    assert_eq!(report["rebuilds"]["attributes"], 7);
    fs::write(here.join("hostile.json"), report.to_string()).expect("written");
}

fn page(directory: &Path, kind: &str) -> String {
    fs::read_to_string(directory.join(format!("{kind}.html"))).expect("a page")
}

fn report(directory: &Path, kind: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(directory.join(format!("{kind}.json"))).expect("a report")).expect("JSON")
}

/// What a page hands to its script.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"<script id="data" type="application/json">"#).expect("data");
    serde_json::from_str(rest.split_once("</script>").expect("an end").0).expect("JSON")
}

/// The figures that a page begins with.
fn figures(page: &str) -> BTreeMap<String, String> {
    let parts = page.split("<dt>").skip(1).filter_map(|part| part.split_once("</dt><dd>"));
    parts.map(|(name, rest)| (name.to_owned(), rest.split('<').next().unwrap_or_default().to_owned())).collect()
}

/// A number as the pages write it, by dividing.
fn separated(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", separated(number / 1000), number % 1000) }
}

/// The text of a page, without its markup, style and script.
fn text(page: &str) -> String {
    let body = page.split_once("<body>").expect("a body").1.split("<script").next().unwrap_or_default();
    let parts = body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ")
}

/// Numbers as they are packed: an own reading of what the script reads.
fn unpacked(text: &Value) -> Vec<usize> {
    let letters: Vec<char> = ('#'..='~').filter(|letter| !['<', '\\'].contains(letter)).collect();
    let mut digits =
        text.as_str().expect("a text").chars().map(|letter| letters.iter().position(|known| *known == letter).expect("a digit"));
    let mut numbers = Vec::new();
    while let Some(digit) = digits.next() {
        let (mut number, mut scale, mut last) = (digit % 45, 45, digit);
        while last >= 45 {
            last = digits.next().expect("a last digit");
            number += last % 45 * scale;
            scale *= 45;
        }
        numbers.push(number);
    }
    numbers
}

/// Numbers as they are packed by steps.
fn unstepped(text: &Value) -> Vec<usize> {
    let forward = |step: usize| if step.is_multiple_of(2) { (step / 2).cast_signed() } else { -step.div_ceil(2).cast_signed() };
    let steps = unpacked(text).into_iter().map(forward);
    let walked = steps.scan(0_isize, |at, step| {
        *at += step;
        Some(at.cast_unsigned())
    });
    walked.collect()
}

fn names(data: &Value) -> Vec<String> {
    let sets = data["names"].as_array().expect("sets");
    let leaves =
        |set: &Value| texts_of(&set[1]).into_iter().map(|leaf| format!("{}{leaf}", set[0].as_str().expect("a set"))).collect::<Vec<_>>();
    sets.iter().flat_map(leaves).collect()
}

fn texts_of(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|item| item.as_str().expect("a text")).collect()
}

/// The names in the first column of a page's table.
fn rows(data: &Value) -> Vec<String> {
    let names = names(data);
    unstepped(&data["tables"][0]["columns"][0]["cells"]).into_iter().map(|name| names[name].clone()).collect()
}

#[test]
fn the_figures_are_those_of_the_reports() {
    let directory = pages();
    let here = directory.path();
    let agrees = |kind: &str, pairs: &[(&str, &str)]| {
        let (figures, report) = (figures(&page(here, kind)), report(here, kind));
        for (name, pointer) in pairs {
            let number = report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"));
            assert_eq!(figures.get(*name), Some(&separated(number)), "{kind}: {name}");
        }
    };
    let counts =
        [("attributes rebuilt", "/rebuilds/attributes"), ("derivations", "/rebuilds/derivations"), ("outputs", "/rebuilds/outputs")];
    agrees("plan", &[&counts[..], &[("packages", "/packages"), ("levels", "/levels")]].concat());
    agrees(
        "impact",
        &[("attributes", "/rebuilds/attributes"), ("derivations rebuilt", "/rebuilds/derivations"), ("outputs", "/rebuilds/outputs")],
    );
    agrees("estimate", &[("attributes", "/impact/rebuilds/attributes"), ("derivations rebuilt", "/impact/rebuilds/derivations")]);
    agrees(
        "diff",
        &[("attributes rebuilt", "/counts/attributes"), ("derivations", "/counts/derivations"), ("fetched, not built", "/fetched")],
    );
    agrees("upgrade", &[("minor waves", "/totals/waves"), ("derivations built", "/totals/builds/derivations")]);
    agrees("status", &[("failed", "/counts/red/attributes"), ("blocked", "/counts/blocked/attributes")]);
}

#[test]
fn the_tables_are_those_of_the_reports() {
    let directory = pages();
    let here = directory.path();
    let (plan_page, plan) = (data(&page(here, "plan")), report(here, "plan"));
    let waves_of = &plan_page["tables"][0]["columns"][1];
    let words = texts_of(&waves_of["words"]);
    let mut packages: BTreeMap<&str, u64> = BTreeMap::new();
    for word in unpacked(&waves_of["cells"]) {
        *packages.entry(words[word]).or_default() += 1;
    }
    for (at, wave) in plan["waves"].as_array().expect("waves").iter().enumerate() {
        assert_eq!(packages[(at + 1).to_string().as_str()], wave["packages"].as_u64().expect("a number"));
        assert!(text(&page(here, "plan")).contains(wave["name"].as_str().expect("a name")));
    }
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let owned = |names: Vec<&str>| sorted(names.into_iter().map(str::to_owned).collect());
    for kind in ["impact", "alone"] {
        assert_eq!(sorted(rows(&data(&page(here, kind)))), owned(texts(&report(here, "impact")["attributes"], "attribute")), "{kind}");
    }
    let rebuilt = report(here, "diff");
    let rebuilt = texts_of(&rebuilt["rebuilds"]).into_iter().map(|name| name.rsplit_once('.').expect("a system").0).collect();
    assert_eq!(sorted(rows(&data(&page(here, "diff")))), owned(rebuilt));
    assert_eq!(sorted(rows(&data(&page(here, "upgrade")))), owned(texts(&report(here, "upgrade")["updates"], "package")));
    let diff = page(here, "diff");
    for cause in texts(&report(here, "diff")["root_causes"], "label") {
        assert!(text(&diff).contains(cause), "{cause}");
    }
}

#[test]
fn ways_are_as_short_as_those_of_why() {
    let directory = pages();
    let here = directory.path();
    let told = data(&page(here, "impact"));
    let parents = unpacked(&told["graph"]["parents"]);
    let nodes = unpacked(&told["graph"]["rows"]);
    let mut seen = BTreeSet::new();
    for (name, node) in rows(&told).into_iter().zip(nodes).step_by(9) {
        let steps = std::iter::successors(Some(node), |at| Some(parents[at - 1]).filter(|parent| *parent > 0)).count();
        let why = json(here, &["why", "zlib", &name, "--exact"]);
        if let Some(path) = why["path"].as_array().filter(|path| !path.is_empty()) {
            assert!(steps <= path.len(), "{name}: {steps} steps, {path:?}");
            seen.insert(steps);
        }
    }
    assert!(seen.len() > 2, "{seen:?}");
}

/// What is not certain stands beside what is: each file, with its bound, and a way from what was changed to each attribute.
#[test]
fn a_page_of_an_estimate_has_its_doubts() {
    let directory = pages();
    let (page, estimate) = (page(directory.path(), "estimate"), report(directory.path(), "estimate"));
    let text = text(&page);
    for (list, file) in [("seeds", ZLIB.0), ("seeds", JQ_META.0), ("unbounded", STDENV.0), ("ignored", PROSE.0)] {
        assert!(texts(&estimate[list], "file").contains(&file) && text.contains(file), "{file}");
    }
    let count = |pointer: &str| separated(estimate.pointer(pointer).and_then(Value::as_u64).expect("a number"));
    let [attributes, derivations] = ["/at_most/attributes", "/at_most/derivations"].map(count);
    let most = format!("With what is not confined: {attributes} attributes, {derivations} derivations at most.");
    assert!(text.contains(&most) && text.contains(": 4 changed files"), "{text}");
    assert!(!page.contains("<b>change</b>"), "the subject of a commit is no markup");

    let told = data(&page);
    let names = names(&told);
    let parents = unpacked(&told["graph"]["parents"]);
    let labels = unstepped(&told["graph"]["labels"]);
    let nodes = unpacked(&told["graph"]["rows"]);
    assert_eq!(rows(&told).len(), estimate["impact"]["attributes"].as_array().expect("attributes").len());
    let mut longest = 0;
    for node in nodes {
        let way: Vec<usize> = std::iter::successors(Some(node), |at| Some(parents[at - 1]).filter(|parent| *parent > 0)).collect();
        let root = &names[labels[way.last().expect("a root") - 1]];
        assert!(root.contains("zlib"), "{root}");
        longest = longest.max(way.len());
    }
    assert!(longest > 2, "{longest}");
}

/// Where no system is told, a name is shown whole: what stands behind its last dot is none.
#[test]
fn a_page_of_names_without_systems_has_them_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let list = |digit: char| {
        let path = |last: char, name: &str| format!("/nix/store/{}{last}-{name}", digit.to_string().repeat(31));
        format!("python312Packages.p  {}\nq  {}\n", path('1', "p-1"), path('2', "q-1"))
    };
    fs::write(here.join("before.txt"), list('a')).expect("written");
    fs::write(here.join("after.txt"), list('b')).expect("written");
    fs::write(here.join("diff.json"), json(here, &["diff", "before.txt", "after.txt"]).to_string()).expect("written");
    Run::of(waves(here).args(["report", "diff.json", "-q", "-o", "diff.html", "--graph", "after.txt"])).expect(0);
    let names: BTreeSet<String> = rows(&data(&page(here, "diff"))).into_iter().collect();
    assert_eq!(names, BTreeSet::from(["python312Packages.p".to_owned(), "q".to_owned()]));
}

#[test]
fn a_page_of_a_diff_says_what_was_not_compared() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path();
    let path = "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1";
    fs::write(here.join("before.txt"), format!("a  {path}\nhaskellPackages.a  {path}\n")).expect("written");
    fs::write(here.join("after.txt"), format!("a  {path}\n")).expect("written");
    for (option, is_said) in [(&["--within"][..], true), (&[], false)] {
        let report = json(here, &[&["diff", "before.txt", "after.txt"], option].concat());
        fs::write(here.join("diff.json"), report.to_string()).expect("written");
        Run::of(waves(here).args(["report", "diff.json", "-q", "-o", "diff.html", "--graph", "after.txt"])).expect(0);
        assert_eq!(text(&page(here, "diff")).contains("1 attribute before, 0 attributes after"), is_said, "{option:?}");
    }
}

/// Files of which nothing is certain are said to be so.
#[test]
fn a_page_of_an_estimate_never_has_a_silent_zero() {
    let directory = begun();
    let here = directory.path();
    for (change, said) in [(STDENV, "Nothing is certain to be rebuilt."), (JQ_META, "Nothing is rebuilt.")] {
        let checkout = Checkout::new(&[change]);
        let report = json(here, &["impact", "--git", "HEAD~1", "--repo", &checkout.directory.path().display().to_string()]);
        fs::write(here.join("estimate.json"), report.to_string()).expect("written");
        Run::of(waves(here).args(["report", "estimate.json", "-q"])).expect(0);
        let text = text(&page(here, "report"));
        assert!(text.contains(said) && text.contains(change.0), "{text}");
        assert_eq!(text.contains("at most."), change == STDENV);
    }
}

/// A way that begins at a package which the report leaves out is not taken for another.
#[test]
fn a_page_without_all_packages_has_no_ways() {
    let directory = begun();
    let here = directory.path();
    let checkout = Checkout::new(&[ZLIB]);
    let asked = ["impact", "--git", "HEAD~1", "--limit", "1", "--repo", &checkout.directory.path().display().to_string()];
    let report = json(here, &asked);
    assert_eq!(report["seeds"].as_array().map(Vec::len), Some(1));
    fs::write(here.join("estimate.json"), report.to_string()).expect("written");
    Run::of(waves(here).args(["report", "estimate.json", "-q"])).expect(0);
    let page = page(here, "report");
    assert!(text(&page).contains("There are no ways"), "{page}");
    assert!(unpacked(&data(&page)["graph"]["rows"]).iter().all(|&row| row == 0));
}

/// Attributes of several systems, as many as are said, of which one is of too few for the evaluation to be for it.
fn of_systems(here: &Path, systems: &[(&str, usize)]) {
    let path = |number: usize, suffix: &str| format!("/nix/store/{}-p-1{suffix}", format!("{number:02}").repeat(16));
    let jobs = systems.iter().flat_map(|&(system, count)| (0..count).map(move |at| (system, format!("p{at}"))));
    let job = |(number, (system, attribute)): (usize, (&str, String))| {
        let inputs = if number == 0 { serde_json::json!({}) } else { serde_json::json!({ path(0, ".drv"): ["out"] }) };
        serde_json::json!({
            "attr": attribute, "attrPath": [attribute], "name": "p-1", "system": system, "drvPath": path(number, ".drv"),
            "outputs": { "out": path(number, "") }, "inputDrvs": inputs,
        })
        .to_string()
    };
    let jobs: Vec<String> = jobs.enumerate().map(job).collect();
    fs::write(here.join("systems.jsonl"), jobs.join("\n")).expect("written");
}

/// The text counts all systems but the first, a page but four.
#[test]
fn a_page_names_the_systems_of_its_evaluation() {
    let directory = begun();
    let here = directory.path();
    let systems =
        [("riscv64-linux", 4), ("x86_64-linux", 20), ("i686-linux", 1), ("aarch64-linux", 10), ("x86_64-darwin", 6), ("aarch64-darwin", 8)];
    of_systems(here, &systems);
    let derivations = repository().join("data/dumps/derivations.json").display().to_string();
    let four = "(x86_64-linux, aarch64-linux, aarch64-darwin, x86_64-darwin and 1 more system, 49 attributes, 49 derivations)";
    // Where no attribute tells, derivations do.
    for (dump, root, first, all) in [
        ("systems.jsonl", "p0", "(x86_64-linux and 4 more systems, 49 attributes, 49 derivations)", four),
        (derivations.as_str(), "zlib", "(x86_64-linux and 1 more system, 0 attributes", "(x86_64-linux, i686-linux, 0 attributes"),
    ] {
        let asked = ["impact", "--root", root, "--graph", dump];
        let told = Run::of(waves(here).args(asked)).expect(0).stdout;
        assert!(told.lines().next().is_some_and(|line| line.contains(first)), "{told}");
        let mut report = json(here, &asked);
        let shown = |report: &Value| {
            fs::write(here.join("impact.json"), report.to_string()).expect("written");
            Run::of(waves(here).args(["report", "impact.json", "-q", "--graph", dump])).expect(0);
            text(&page(here, "report"))
        };
        assert!(shown(&report).contains(all), "{}", shown(&report));
        // A report that was made before systems were counted.
        let evaluation = report["evaluation"].as_object_mut().expect("an evaluation");
        evaluation.remove("by_system").expect("systems");
        assert!(shown(&report).contains("(x86_64-linux, "), "{}", shown(&report));
    }
}

#[test]
fn the_same_report_gives_the_same_page() {
    let directory = pages();
    for threads in ["1", "3"] {
        let arguments = ["report", "plan.json", "-q", "-o", "again.html", "--threads", threads];
        Run::of(waves(directory.path()).args(arguments)).expect(0);
        assert_eq!(page(directory.path(), "again"), page(directory.path(), "plan"));
    }
}

#[test]
fn a_page_is_well_formed_and_asks_for_nothing() {
    let directory = pages();
    for kind in ["plan", "upgrade", "impact", "estimate", "inverse", "part", "diff", "status", "hostile", "alone"] {
        let page = page(directory.path(), kind);
        assert!(page.len() < 200_000, "{kind}: {} bytes", page.len());
        for asked in ["http://", "https://", " src=", "@import", "url(", "<link", "innerHTML"] {
            assert!(!page.replace("&lt;img src=x", "").replace("\\u003cimg src=x", "").contains(asked), "{kind}: {asked}");
        }
        assert_closed(kind, &page);
    }
}

/// Asserts that every element is closed, in the order in which they were opened.
fn assert_closed(kind: &str, page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document");
    while let Some((_, tag)) = rest.split_once('<') {
        let name = tag.split([' ', '>', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{kind}: {}", &tag[..tag.len().min(80)]),
            None if name == "meta" => {}
            None => open.push(name),
        }
        // What is raw ends with its element only.
        rest = if ["script", "style"].contains(&name) { &tag[tag.find(&format!("</{name}>")).expect("an end")..] } else { tag };
    }
    assert!(open.is_empty(), "{kind}: {open:?}");
}

#[test]
fn names_stay_text() {
    let directory = pages();
    let page = page(directory.path(), "hostile");
    assert_eq!(page.matches("<script").count(), 2);
    assert!(!page.contains("<img") && !page.contains('\u{202e}'));
    let told = rows(&data(&page));
    for name in HOSTILE {
        let clean = name.replace('\u{202e}', "\u{fffd}");
        assert!(told.iter().any(|row| row.contains(&clean)), "{clean}: {told:?}");
    }
}

#[test]
fn what_rebuilds_a_root_is_not_said_to_be_rebuilt() {
    let directory = pages();
    let page = page(directory.path(), "inverse");
    let text = text(&page);
    assert!(text.contains("What rebuilds python3") && text.contains("Attributes that rebuild a root"));
    for wrong in ["Rebuilt attributes", "that nothing else needs", "dependents"] {
        assert!(!text.contains(wrong), "{wrong}");
    }
    let direct = page.split_once(r#"<section id="direct">"#).expect("direct dependencies").1.split("</section>").next().expect("an end");
    assert!(!direct.contains(" %"), "{direct}");
    assert_eq!(data(&page)["graph"]["isInverse"], true);
}

#[test]
fn a_part_is_said_to_be_one_and_all_that_the_text_says_of_costs_is_there() {
    let directory = pages();
    let (page, report) = (page(directory.path(), "part"), report(directory.path(), "part"));
    let text = text(&page);
    assert!(text.contains("Only what is at most 1 edge from a root."));
    assert!(text.contains("By package set, of the 5 that the report lists"));
    let direct = page.split_once(r#"<section id="direct">"#).expect("direct dependents").1.split("</section>").next().expect("an end");
    assert!(!direct.contains(" %"), "{direct}");
    assert!(direct.contains("Direct dependents, of everything,"), "{direct}");
    assert!(!figures(&page).contains_key("that nothing else needs"));
    for (label, part) in [("cached", "cached"), ("to build", "to_build"), ("unknown", "unknown")] {
        let part = &report["cost"]["total"]["availability"][part];
        let count = |key: &str| separated(part[key].as_u64().expect("a number"));
        let row = format!("{label}</td><td class=\"number\">{}</td><td class=\"number\">{}<", count("attributes"), count("derivations"));
        assert!(page.contains(&row), "{row}");
    }
    for said in ["Build time is that of one builder", "Cached are paths of this evaluation", "rows, "] {
        assert!(text.contains(said), "{said}");
    }
}

#[test]
fn what_cannot_be_a_page_is_refused() {
    let directory = begun();
    let here = directory.path();
    let refused = |input: &str, content: &str, said: &str| {
        fs::write(here.join(input), content).expect("written");
        let run = Run::of(waves(here).args(["report", input, "-o", "refused.html"])).expect(3);
        assert!(run.stderr.contains(said) && run.stderr.contains(input), "{}", run.stderr);
        assert!(!here.join("refused.html").exists());
    };
    refused("empty.json", "", "EOF while parsing");
    refused("list.json", "[1]", "it is not a report that there is a page of");
    refused("info.json", &json(here, &["info"]).to_string(), "`waves impact`, `diff`, `plan` or `status` with --format json");
    refused("newer.json", r#"{"format_version":9}"#, "it is of version 9");
    refused("part.json", r#"{"direction":"dependents","roots":[],"distances":[]}"#, "missing field");
    let mut report = json(here, &["impact", "--root", "zlib"]);
    report["roots"][0]["derivations"][0] = "/nix/store/00000000000000000000000000000000-x.drv".into();
    refused("gone.json", &report.to_string(), "the evaluation has no /nix/store/0");

    // Another evaluation, named; and one that merely lies around.
    report["evaluation"]["digest"] = "0123456789abcdef".into();
    fs::write(here.join("other.json"), report.to_string()).expect("written");
    let named = Run::of(waves(here).args(["report", "other.json", "--graph", ".waves/graph.waves"])).expect(3);
    assert!(named.stderr.contains("at: other.json\n  why: it is about evaluation 0123456789abcdef, not "), "{}", named.stderr);
    let found = Run::of(waves(here).args(["report", "other.json"])).expect(0);
    assert!(found.stderr.contains("without ways: the report is about evaluation 0123456789abcdef"), "{}", found.stderr);
    assert!(page(here, "report").contains("Made without the evaluation"));
    // A page is written whole or not at all.
    Run::of(waves(here).args(["report", "other.json", "-o", "other.json/report.html"])).expect(5);
    Run::of(waves(here).args(["report", "other.json", "-o", "/"])).expect(2);
}

#[test]
fn a_plan_of_a_part_has_the_packages_of_that_part() {
    let directory = begun();
    let here = directory.path();
    for part in [&["--system", "x86_64-linux"][..], &["--depth", "3"]] {
        let report = json(here, &[&["plan", "--root", "glibc"], part].concat());
        fs::write(here.join("part.json"), report.to_string()).expect("written");
        Run::of(waves(here).args(["report", "part.json", "-q"])).expect(0);
        assert_eq!(rows(&data(&page(here, "report"))).len() as u64, report["packages"].as_u64().expect("a number"));
        assert!(text(&page(here, "report")).contains("Only "));
    }
}

/// A plan of fewer waves may build less than the bound: the page says which plans that is of, and what its counts are of.
#[test]
fn a_bound_is_said_to_be_of_some_plans() {
    let directory = begun();
    let here = directory.path();
    let plan = json(here, &["plan", "--updates", "updates.csv", "--max-waves", "1", "--system", "x86_64-linux"]);
    let builds = |of: &str| plan[of]["builds"]["derivations"].as_u64().expect("a number");
    assert!(builds("totals") < builds("lower_bound"));
    fs::write(here.join("merged.json"), plan.to_string()).expect("written");
    Run::of(waves(here).args(["report", "merged.json", "-q"])).expect(0);
    let text = text(&page(here, "report"));
    assert!(text.contains("lower bound") && !text.contains("no plan is below"), "{text}");
    for said in [
        "The bound is of plans whose waves hold no two updates of which one rebuilds the other.",
        "Packages of x86_64-linux; what they rebuild is counted on all systems.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn what_is_cached_is_told_of_each_attribute() {
    let directory = begun();
    let here = directory.path();
    let paths = repository().join("data/dumps/store-paths.txt").display().to_string();
    let report = json(here, &["impact", "--root", "zlib", "--cached", &paths]);
    fs::write(here.join("impact.json"), report.to_string()).expect("written");
    Run::of(waves(here).args(["report", "impact.json", "-q", "--cached", &paths])).expect(0);
    let column = &data(&page(here, "report"))["tables"][0]["columns"][2];
    assert_eq!(column["title"], "cached");
    let words = texts_of(&column["words"]);
    for (word, pointer) in [("cached", "cached"), ("to build", "to_build"), ("unknown", "unknown")] {
        let told = unpacked(&column["cells"]).into_iter().filter(|&cell| words[cell] == word).count();
        assert_eq!(told as u64, report["cost"]["total"]["availability"][pointer]["attributes"].as_u64().expect("a number"), "{word}");
    }
    fs::write(here.join("plan.json"), json(here, &["plan", "--root", "zlib"]).to_string()).expect("written");
    Run::of(waves(here).args(["report", "plan.json", "-q", "--cached", &paths])).expect(3);
}

#[test]
fn a_history_ends_where_the_wave_stands() {
    let directory = pages();
    let status = report(directory.path(), "status");
    let history = status["history"].as_array().expect("a history");
    assert_eq!(history.iter().map(|moment| moment["time"].as_u64()).collect::<Vec<_>>(), [Some(1_767_139_200), Some(1_767_225_600)]);
    assert_eq!(history[1]["counts"], status["counts"]);
    assert_ne!(history[0]["counts"], status["counts"]);
    let this = status["waves"].as_array().expect("waves").iter().find(|wave| wave["wave"] == status["wave"]).expect("the wave");
    assert_eq!(this["counts"], status["counts"]);
    assert!(text(&page(directory.path(), "status")).contains("2025-12-31 00:00"));
    // Whoever does not ask gets none.
    let short = json(directory.path(), &["status"]);
    assert!(short["history"].is_null() && short["waves"][0]["counts"].is_null());
}

#[test]
fn pages_work_in_a_browser() {
    let modules = repository().join("target/report/node_modules");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !modules.is_dir() || !Path::new(&chromium).exists() || !has_node {
        eprintln!("skipped: chromium, node, playwright-core or axe-core is missing (`.ci/run` installs them)");
        return;
    }
    let directory = pages();
    let script = repository().join("tests/report/browser.js");
    let run = Run::of(Command::new("node").arg(script).arg(modules).arg(directory.path()).env("CHROMIUM", chromium));
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    eprintln!("{}", run.stdout.trim());
}
