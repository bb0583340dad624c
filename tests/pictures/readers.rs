//! Those who draw pictures: they parse all of ours, and names stay names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tempfile::TempDir;
use waves_core::report::{Diagram, DiagramEdge, DiagramNode};

use crate::condensed::case;

/// Pieces that mean something to one of the formats.
const PIECES: [&str; 44] = [
    "\"",
    "'",
    "`",
    "``` ",
    "]",
    "[",
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    "|",
    ";",
    "#",
    "#quot;",
    "#34;",
    "&",
    "&lt;",
    "&#60;",
    "\\",
    "\\\"",
    "%%{init: {\"securityLevel\": \"loose\"}}%%",
    "%%",
    "end",
    "click n0 \"javascript:alert(1)\"",
    "subgraph x",
    "-->",
    "---",
    ":::root",
    "style n0 fill:red",
    "<script>alert(1)</script>",
    "</text>",
    "</style>",
    "]]>",
    "<!--",
    "fa:fa-car",
    "$$x^2$$",
    "**b**",
    "1. ",
    "\n",
    "\t",
    "\u{1b}[31m",
    "\u{202e}",
];

pub(crate) const DATA: [&str; 4] = ["--graph", "data/dumps/derivations.json", "--graph", "data/dumps/eval-jobs.jsonl"];
const UPDATED: &str = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";

/// Every command that draws.
fn commands() -> Vec<Vec<&'static str>> {
    let with_graph = |arguments: &[&'static str]| [arguments, &DATA].concat();
    vec![
        with_graph(&["impact", "--root", "glibc"]),
        with_graph(&["impact", "--root", "curl", "--inverse", "--limit", "40"]),
        with_graph(&["rank", "--limit", "0"]),
        with_graph(&["why", "openssl", "nginx"]),
        with_graph(&["why", "glibc", "hello", "--all"]),
        with_graph(&["plan", "--root", "glibc", "--max-waves", "30"]),
        with_graph(&["plan", "--updates", "data/dumps/updates.csv"]),
        vec!["diff", "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl", UPDATED],
    ]
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// What a command writes in a format.
pub(crate) fn drawn(arguments: &[&str], format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.args(arguments).args(["--format", format]).current_dir(repository()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS");
    let output = command.output().expect("waves starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Diagrams whose names want to be more.
fn hostile() -> Vec<Diagram> {
    let piece =
        prop_oneof![5 => select(&PIECES[..]).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from), 2 => "[a-z0-9 .,:]{1,6}"];
    let name = prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    let name = name.boxed();
    let diagrams = case(move |_| name.clone());
    let mut runner = TestRunner::deterministic();
    let mut all: Vec<_> = (0..60).map(|_| diagrams.new_tree(&mut runner).expect("a case").current().condensed()).collect();
    // Reports have lines that no condensing has seen.
    let node = |name: &&str| DiagramNode { lines: vec![(*name).to_owned(), format!("{name} {name}")], is_root: false, count: 1 };
    let nodes: Vec<_> = PIECES.iter().map(node).collect();
    let edges = (1..nodes.len()).map(|to| DiagramEdge { from: to - 1, to }).collect();
    all.push(Diagram { title: PIECES.concat(), nodes, edges, omitted: 1234 });
    all
}

/// What a reader should see in it: each node's text, with all that is obeyed replaced.
fn expected(diagram: &Diagram) -> Vec<Vec<String>> {
    diagram.nodes.iter().map(|node| node.lines.iter().map(|line| visible(line)).collect()).collect()
}

fn visible(text: &str) -> String {
    let is_obeyed = |character: char| {
        character.is_control() || ('\u{200e}'..='\u{202e}').contains(&character) || ('\u{2066}'..='\u{2069}').contains(&character)
    };
    // A reader cannot see a joiner.
    text.replace(is_obeyed, "\u{fffd}").replace('\u{2060}', "")
}

/// Writes files, has a program read them, and returns the line of JSON that it prints for each.
fn read_by(program: &mut Command, extension: &str, contents: &[String]) -> Vec<Value> {
    let directory = TempDir::new().expect("a directory");
    for (at, content) in contents.iter().enumerate() {
        let file = directory.path().join(format!("{at}.{extension}"));
        fs::write(&file, content).expect("written");
        program.arg(file);
    }
    let output = program.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let values: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(values.len(), contents.len());
    values
}

fn is_here(program: &mut Command) -> bool {
    program.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn mermaid_reads_what_was_meant() {
    let packages = repository().join("target/mermaid");
    if !packages.join("node_modules/mermaid").is_dir() || !is_here(Command::new("node").arg("--version")) {
        eprintln!("skipped: no node, or no Mermaid in target/mermaid (.ci/run installs it)");
        return;
    }
    let reader = || {
        let mut node = Command::new("node");
        node.arg(repository().join("tests/pictures/labels.mjs")).arg(&packages);
        node
    };
    let diagrams = hostile();
    let write = |diagram: &Diagram| {
        let mut out = Vec::new();
        diagram.write_mermaid(&mut out).expect("writes");
        String::from_utf8(out).expect("UTF-8")
    };
    let contents: Vec<_> = diagrams.iter().map(write).collect();
    for (diagram, read) in diagrams.iter().zip(read_by(&mut reader(), "mmd", &contents)) {
        let nodes = read["nodes"].as_array().expect("nodes");
        let texts: Vec<_> = nodes.iter().map(|node| visible_lines(node["text"].as_str().expect("a text"))).collect();
        let mut meant = expected(diagram);
        meant.extend((diagram.omitted > 0).then(|| vec![format!("+ {} more", waves_core::text::number(diagram.omitted as u64))]));
        // Mermaid trims a label.
        let trimmed = |labels: Vec<Vec<String>>| labels.into_iter().map(|lines| lines.join("\n").trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(texts), trimmed(meant));
        assert!(nodes.iter().all(|node| node["link"].is_null()), "{read}");
        let edges: Vec<_> =
            diagram.edges.iter().map(|edge| serde_json::json!([format!("n{}", edge.from), format!("n{}", edge.to)])).collect();
        assert_eq!(read["edges"], Value::Array(edges));
    }
    let ours: Vec<_> = commands().iter().map(|command| drawn(command, "mermaid")).collect();
    for (command, read) in commands().iter().zip(read_by(&mut reader(), "mmd", &ours)) {
        let nodes = read["nodes"].as_array().expect("nodes").len();
        assert!((2..=41).contains(&nodes), "{command:?}: {read}");
    }
}

/// Lines of a label; a line's end in a name is none.
fn visible_lines(text: &str) -> Vec<String> {
    text.split('\n').map(visible).collect()
}

#[test]
fn svg_is_xml_and_names_are_text() {
    let python = || {
        let mut python = Command::new("python3");
        python.arg(repository().join("tests/pictures/texts.py"));
        python
    };
    if !is_here(Command::new("python3").args(["-c", "import xml.dom.minidom"])) {
        eprintln!("skipped: no python3");
        return;
    }
    let diagrams = hostile();
    let write = |diagram: &Diagram| {
        let mut out = Vec::new();
        diagram.write_svg(&mut out).expect("writes");
        String::from_utf8(out).expect("UTF-8")
    };
    let contents: Vec<_> = diagrams.iter().map(write).collect();
    for (diagram, read) in diagrams.iter().zip(read_by(&mut python(), "svg", &contents)) {
        let mut texts: Vec<_> = strings(&read["texts"]).iter().map(|text| visible(text)).collect();
        let mut meant: Vec<_> = expected(diagram).concat();
        meant.extend((diagram.omitted > 0).then(|| format!("+ {} more", waves_core::text::number(diagram.omitted as u64))));
        // XML has no room for these.
        for line in &mut meant {
            *line = line.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        }
        texts.sort();
        meant.sort();
        assert_eq!(texts, meant);
        assert_eq!(read["title"], serde_json::json!([visible(&diagram.title)]));
        elements(&read);
    }
    let ours: Vec<_> = commands().iter().map(|command| drawn(command, "svg")).collect();
    for read in read_by(&mut python(), "svg", &ours) {
        elements(&read);
        assert!(!strings(&read["title"])[0].is_empty());
    }
}

fn elements(read: &Value) {
    let known = BTreeSet::from(["marker", "path", "rect", "style", "svg", "text", "title"].map(str::to_owned));
    assert!(strings(&read["elements"]).into_iter().collect::<BTreeSet<_>>().is_subset(&known), "{read}");
}

#[test]
fn graphviz_reads_ours() {
    if !is_here(Command::new("dot").arg("-V")) {
        eprintln!("skipped: no Graphviz");
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let mut files = Vec::new();
    for diagram in hostile() {
        let mut out = Vec::new();
        diagram.write_dot(&mut out).expect("writes");
        files.push(out);
    }
    files.extend(commands().iter().map(|command| drawn(command, "dot").into_bytes()));
    for (at, content) in files.iter().enumerate() {
        let file = directory.path().join(format!("{at}.dot"));
        fs::write(&file, content).expect("written");
        let output = Command::new("dot").arg("-Tplain").arg(&file).output().expect("dot starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let nodes = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("node ")).count();
        assert_eq!(nodes, content.split(|byte| *byte == b'\n').filter(|line| line.windows(8).any(|part| part == b" [label=")).count());
    }
}
