//! Inputs of which a part cannot be taken as it stands: that part is a finding, the rest is read.

use waves_core::graph::Graph;
use waves_core::ingest::FindingKind::{
    self, ContradictoryAttribute, ContradictoryDerivation, DanglingInput, DuplicateAttribute, DuplicateDerivation, EvaluationError,
    Malformed, SharedOutput, SkippedFile, UnknownEntry,
};
use waves_core::ingest::LISTED_FINDINGS;

use crate::support::{findings, import, input, read};

/// An odd input: its findings, and how many derivations and attributes are read from it nonetheless.
fn check(name: &str, expected: &[(FindingKind, u64)], counts: (usize, usize)) -> Graph {
    let graph = import(&[input(name)]);
    assert_eq!(findings(&graph), expected, "{name}");
    assert_eq!((graph.derivation_count(), graph.attribute_count()), counts, "{name}");
    graph
}

fn listed(graph: &Graph, kind: FindingKind) -> Vec<&str> {
    graph.findings().iter().filter(|(found, _)| *found == kind).flat_map(|(_, list)| list.listed.iter().map(String::as_str)).collect()
}

/// Checks that findings of a kind are listed in order, each with its words.
fn lists(graph: &Graph, kind: FindingKind, words: &[&str]) {
    let listed = listed(graph, kind);
    assert_eq!(listed.len(), words.len(), "{listed:?}");
    for (finding, word) in listed.iter().zip(words) {
        assert!(finding.contains(word), "`{word}` is not in `{finding}`");
    }
}

#[test]
fn a_repeated_derivation_counts_once() {
    let graph = check("repeated-derivation.json", &[(DuplicateDerivation, 1)], (2, 0));
    assert_eq!(graph.digest(), import(&[input("whole.json")]).digest());
}

#[test]
fn of_two_contradictory_derivations_the_first_counts() {
    let graph = check("contradictory-derivation.json", &[(ContradictoryDerivation, 1)], (1, 0));
    lists(&graph, ContradictoryDerivation, &["a-1.0.drv"]);
    let graph = check("contradictory-inputs.json", &[(ContradictoryDerivation, 1)], (3, 0));
    let user = graph.derivations().find(|derivation| derivation.name() == "c-1.0").expect("it is there");
    assert_eq!(user.inputs().map(|(input, _)| graph.derivation(input).name()).collect::<Vec<_>>(), ["a-1.0"]);
}

#[test]
fn inputs_that_no_dump_defines_are_there_without_more() {
    let graph = check("unknown-input.json", &[(DanglingInput, 2)], (4, 0));
    let undefined: Vec<_> = graph.derivations().filter(|derivation| !derivation.is_defined()).map(|derivation| derivation.name()).collect();
    assert_eq!((undefined, graph.edge_count()), (vec!["a-1.0", "c-1.0"], 3));
    lists(&graph, DanglingInput, &["aaaaaaaa", "cccccccc"]);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    check("ffffffffffffffffffffffffffffffff-not-utf-8.drv", &[], (1, 0));
}

#[test]
fn dynamic_outputs_may_nest() {
    let graph = check("deep-dynamic-outputs.json", &[], (2, 0));
    assert_eq!(graph.edge_count(), 1);
}

#[test]
fn a_broken_line_is_a_finding_and_the_others_are_read() {
    let graph = check("broken-line.jsonl", &[(Malformed, 3)], (2, 2));
    lists(&graph, Malformed, &["broken-line.jsonl: line 2: ", "line 5: neither `attr` nor `attrPath`", "line 6: "]);
    let graph = check("truncated.jsonl", &[(Malformed, 1)], (1, 1));
    lists(&graph, Malformed, &["line 2: EOF"]);
    let graph = check("deep-meta.jsonl", &[(Malformed, 1)], (1, 1));
    lists(&graph, Malformed, &["line 1: recursion limit"]);
    check("crlf.jsonl", &[], (2, 2));
}

#[test]
fn members_of_a_tar_that_are_no_derivations_are_skipped() {
    let graph = check("other-members.tar", &[(SkippedFile, 2)], (1, 0));
    lists(&graph, SkippedFile, &["store/README", "store/bbbbbbbb"]);
    assert_eq!(
        graph.derivations().next().map(|derivation| derivation.base_name()).as_deref(),
        Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1.0.drv")
    );
}

/// The content tells the format; the name says nothing.
#[test]
fn names_do_not_tell_the_format() {
    let expected = import(&[input("whole.json")]).digest();
    for name in ["really-gzip.zst", "really-zstd.json", "really-json.tar"] {
        assert_eq!(check(name, &[], (2, 0)).digest(), expected, "{name}");
    }
    check("really-tar.jsonl", &[], (1, 0));
}

#[test]
fn a_huge_key_is_a_finding() {
    let graph = check("huge-key.json", &[(Malformed, 1), (UnknownEntry, 1)], (1, 0));
    lists(&graph, Malformed, &["nnn.drv` is not the store path of a derivation"]);
    lists(&graph, UnknownEntry, &["kkk"]);
}

#[test]
fn names_cannot_climb_out_of_the_store() {
    let graph = check("climbing-names.json", &[(Malformed, 4)], (1, 0));
    assert_eq!(
        graph.derivations().map(|derivation| derivation.path()).collect::<Vec<_>>(),
        ["/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-b-1.0.drv"]
    );
}

#[test]
fn an_input_that_is_no_derivation_is_a_finding() {
    let graph = check("input-that-is-no-derivation.json", &[(Malformed, 1)], (1, 0));
    lists(&graph, Malformed, &["-a-1.0` is not a derivation"]);
}

#[test]
fn derivations_without_outputs() {
    let graph = check("no-outputs.json", &[], (1, 0));
    assert_eq!(graph.output_count(), 0);
    for name in ["outputs-of-the-wrong-type.json", "without-outputs-key.json"] {
        let graph = check(name, &[(Malformed, 1)], (1, 0));
        lists(&graph, Malformed, &["key `/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a-1.0.drv`"]);
    }
}

#[test]
fn one_path_for_two_outputs() {
    let graph = check("same-output-twice.jsonl", &[(SharedOutput, 1)], (1, 1));
    assert_eq!(graph.output_count(), 1);
}

#[test]
fn odd_attributes() {
    let graph = check("odd-attributes.jsonl", &[(EvaluationError, 2), (Malformed, 1)], (3, 6));
    lists(&graph, EvaluationError, &["error-and-derivation: error: cyclic aggregate", "error-of-another-kind: evaluation failed"]);
    lists(&graph, Malformed, &["drv-of-another-kind: `/nix/store/c-1.0.drv` is not the store path"]);
    let derivation =
        |attr: &str| graph.find_attribute(attr).find_map(|attribute| attribute.derivation()).map(|derivation| derivation.name());
    assert_eq!(derivation("without-outputs"), Some("a-1.0"));
    assert_eq!(derivation("null-output"), Some("b-1.0"));
    assert_eq!(derivation("error-and-derivation"), Some("c-1.0"));
    assert_eq!((derivation("no-derivation"), derivation("drv-of-another-kind")), (None, None));
}

#[test]
fn a_repeated_attribute_counts_once_and_of_contradictory_ones_the_first() {
    let graph = check("repeated-attributes.jsonl", &[(DuplicateAttribute, 1), (ContradictoryAttribute, 1)], (2, 1));
    let derivation = graph.attributes().next().and_then(|attribute| attribute.derivation()).expect("it has one");
    assert_eq!(derivation.name(), "a-1.0");
}

/// A flag is the same in every format; names and positions are spelt in several ways, but in one way within a dump.
#[test]
fn of_contradictory_meta_the_first_counts() {
    let job = |meta: &str| {
        let drv = format!("/nix/store/{}-a.drv", "a".repeat(32));
        format!(r#"{{"attr":"a","system":"x86_64-linux","drvPath":"{drv}","meta":{{{meta}}}}}"#)
    };
    let works = job(r#""broken":false,"maintainers":[{"github":"a"}],"position":"/a/pkgs/a.nix:1""#);
    let broken = job(r#""broken":true,"maintainers":[]"#);
    let spelt = job(r#""broken":false,"maintainers":["A"],"position":"/b/pkgs/a.nix:1""#);
    let more = job(r#""description":"x""#);
    for (second, in_one_dump, in_two) in [
        (&broken, ContradictoryAttribute, vec![(ContradictoryAttribute, 1)]),
        (&spelt, ContradictoryAttribute, vec![]),
        (&more, DuplicateAttribute, vec![]),
        (&works, DuplicateAttribute, vec![]),
    ] {
        let one = read(&[("jobs.jsonl", &format!("{works}\n{second}"))]);
        let two = read(&[("1.jsonl", &works), ("2.jsonl", second)]);
        assert_eq!((findings(&one), findings(&two)), (vec![(in_one_dump, 1)], in_two), "{second}");
        for graph in [one, two] {
            let attribute = graph.attributes().next().expect("it is there");
            assert_eq!((attribute.is_broken(), attribute.maintainers().collect::<Vec<_>>()), (false, vec!["a"]), "{second}");
        }
    }
    let graph = read(&[("1.jsonl", &broken), ("2.jsonl", &works)]);
    assert_eq!(findings(&graph), [(ContradictoryAttribute, 1)]);
    assert!(graph.attributes().all(|attribute| attribute.is_broken() && attribute.maintainers().count() == 0));
}

#[test]
fn keys_without_a_system_are_no_jobs() {
    let graph = check("odd-keys.json", &[(UnknownEntry, 4)], (1, 1));
    lists(&graph, UnknownEntry, &["`release-checks`", "`a.b` does not end in a system", "`b.x86_64-linux`", "`c.x86_64-linux`"]);
}

/// Of outputs with one name the first counts, as of variables; an input is one however often it is named.
#[test]
fn keys_that_are_repeated_within_a_derivation() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let store = |hash: char, name: &str| format!("/nix/store/{}-{name}", hash.to_string().repeat(32));
    let (a, used, twice) = (store('a', "a-1.0.drv"), store('d', "d-1.0.drv"), store('f', "f-1.0.drv"));
    let (first, second) = (store('b', "a-1.0"), store('c', "a-1.0"));
    let json = format!(
        r#"{{"{a}":{{"outputs":{{"out":{{"path":"{first}"}},"out":{{"path":"{second}"}}}},"inputDrvs":{{"{used}":["out"],"{used}":["dev","out"]}},
        "system":"x","env":{{"pname":"first","version":"1","pname":"second"}}}},
        "{twice}":{{"outputs":{{}},"system":"x","system":"y"}},
        "{used}":{{"outputs":{{"dev":{{}},"out":{{}}}},"system":"x"}}}}"#
    );
    let aterm = format!(
        r#"Derive([("out","{first}","",""),("out","{second}","","")],[("{used}",["out"]),("{used}",["dev","out"])],[],"x","",[],[("pname","first"),("version","1"),("pname","second")])"#
    );
    let (json_path, aterm_path) = (directory.path().join("derivations.json"), directory.path().join(&a["/nix/store/".len()..]));
    std::fs::write(&json_path, json).expect("writes");
    std::fs::write(&aterm_path, aterm).expect("writes");
    for (path, expected) in [(json_path, vec![(Malformed, 2)]), (aterm_path, vec![(DanglingInput, 1), (Malformed, 1)])] {
        let graph = import(&[path]);
        assert_eq!(findings(&graph), expected);
        assert!(listed(&graph, Malformed).iter().any(|finding| finding.contains("repeats 2 of its outputs or inputs")));
        let derivation = graph.derivations().find(|derivation| derivation.name() == "a-1.0").expect("it is there");
        assert_eq!(derivation.pname(), "first");
        assert_eq!(derivation.outputs().map(|output| output.path()).collect::<Vec<_>>(), [Some(first.clone())]);
        let inputs: Vec<Vec<&str>> = derivation.inputs().map(|(_, outputs)| outputs.collect()).collect();
        assert_eq!(inputs, [["dev", "out"]]);
    }
}

/// Beyond ten thousand, findings are counted, but not listed.
#[test]
fn many_findings_are_counted() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("jobs.jsonl");
    let error = |at: usize| format!("{{\"attr\":\"a{at}\",\"error\":\"x\"}}\n");
    std::fs::write(&path, (0..LISTED_FINDINGS + 5).map(error).collect::<String>()).expect("writes");
    let graph = import(&[path]);
    assert_eq!(findings(&graph), [(EvaluationError, LISTED_FINDINGS as u64 + 5)]);
    assert_eq!(listed(&graph, EvaluationError).len(), LISTED_FINDINGS);
}

/// A dump of several batches, which are read at the same time.
#[test]
fn findings_are_in_the_order_of_a_long_dump() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("jobs.jsonl");
    let padding = "x".repeat(2_000);
    let line =
        |at: usize| if at.is_multiple_of(10) { "broken\n".to_owned() } else { format!("{{\"attr\":\"a{at}\",\"error\":\"{padding}\"}}\n") };
    std::fs::write(&path, (1..5_000).map(line).collect::<String>()).expect("writes");
    let graph = import(&[path]);
    let numbers: Vec<usize> =
        listed(&graph, Malformed).iter().filter_map(|finding| finding.split("line ").nth(1)?.split(':').next()?.parse().ok()).collect();
    assert_eq!(numbers, (10..5_000).step_by(10).collect::<Vec<_>>());
}

/// The first description counts, wherever the second stands.
#[test]
fn of_contradictory_derivations_in_a_long_dump_the_first_counts() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("derivations.json");
    let padding = "x".repeat(2_000);
    let entry = |at: usize, system: &str| {
        let env = format!("{{\"padding\":\"{padding}\"}}");
        format!("\"/nix/store/{at:032}-d{at}.drv\":{{\"outputs\":{{\"out\":{{}}}},\"system\":\"{system}\",\"env\":{env}}}")
    };
    let first = (0..2_000).map(|at| entry(at, "first"));
    let entries: Vec<String> = first.chain((0..2_000).map(|at| entry(at, "second"))).collect();
    std::fs::write(&path, format!("{{{}}}", entries.join(","))).expect("writes");
    let graph = import(&[path]);
    assert_eq!(findings(&graph), [(ContradictoryDerivation, 2_000)]);
    assert!(graph.derivations().all(|derivation| derivation.system() == "first"));
}

/// Nix 2.32 and later leave the path of a fixed output out: that is no contradiction. Another name for it is one.
#[test]
fn an_output_without_a_path_is_the_same_output() {
    let fixed = |output: &str, path: &str| {
        let out = format!(r#""{output}":{{{path}"hash":"{}","hashAlgo":"sha256"}}"#, "0".repeat(64));
        format!(r#"{{"/nix/store/{}-a.drv":{{"outputs":{{{out}}},"env":{{"name":"a"}}}}}}"#, "b".repeat(32))
    };
    let path = |name: &str| format!(r#""path":"/nix/store/{}-{name}","#, "c".repeat(32));
    let found = |first: &str, second: &str| findings(&read(&[("1.json", first), ("2.json", second)]));
    let whole = fixed("out", &path("a"));
    assert_eq!(found(&whole, &whole), [(DuplicateDerivation, 1)]);
    assert_eq!(found(&whole, &fixed("out", "")), [(DuplicateDerivation, 1)]);
    assert_eq!(found(&fixed("out", ""), &whole), [(DuplicateDerivation, 1)]);
    assert_eq!(found(&fixed("out", ""), &fixed("dev", "")), [(ContradictoryDerivation, 1)]);
    assert_eq!(found(&whole, &fixed("out", &path("a").replace('c', "d"))), [(ContradictoryDerivation, 1)]);
}

/// An output path that only a second description tells leads to the derivation, too; that of a contradictory one does not count.
#[test]
fn a_path_that_is_told_later_is_known() {
    let (drv, out) = (format!("/nix/store/{}-a.drv", "b".repeat(32)), format!("/nix/store/{}-a", "c".repeat(32)));
    let fixed = |path: &str, more: &str| {
        let output = format!(r#"{{{path}"hash":"{}","hashAlgo":"sha256"}}"#, "0".repeat(64));
        format!(r#"{{"{drv}":{{"outputs":{{"out":{output}}},"env":{{"name":"a"{more}}}}}}}"#)
    };
    let (unknown, path) = (fixed("", ""), format!(r#""path":"{out}","#));
    let outpaths = format!(r#"{{"a.x86_64-linux":{{"out":"{out}"}}}}"#);
    let graph = read(&[("1.json", &unknown), ("2.json", &fixed(&path, "")), ("outpaths.json", &outpaths)]);
    assert_eq!(findings(&graph), [(DuplicateDerivation, 1)]);
    let named = graph.find_attribute("a").find_map(|attribute| attribute.derivation()).expect("it is there");
    assert_eq!((named.path(), graph.derivation_count()), (drv.clone(), 1));
    let graph = read(&[("1.json", &unknown), ("2.json", &fixed(&path, r#","version":"2""#))]);
    assert_eq!(findings(&graph), [(ContradictoryDerivation, 1)]);
    assert_eq!(graph.derivations().flat_map(|derivation| derivation.outputs()).find_map(|output| output.path()), None);
}
