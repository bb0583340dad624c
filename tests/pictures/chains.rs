//! Chains that are cut, against the whole ones that the JSON of the same command has.

use serde_json::Value;

use crate::readers::{DATA, drawn};

/// Names of a list in JSON, in their order.
fn names(report: &Value, list: &str, key: &str) -> Vec<String> {
    let items = report[list].as_array().expect("a list").iter();
    items.map(|item| item[key].as_str().expect("a name").to_owned()).collect()
}

/// The first lines of the nodes of a picture in DOT, in their order.
fn labels(dot: &str) -> Vec<&str> {
    let labels = dot.lines().filter_map(|line| line.split_once(" [label=\"")?.1.split(['"', '\\']).next());
    labels.collect()
}

fn edges(dot: &str) -> Vec<&str> {
    dot.lines().filter(|line| line.contains(" -> ")).map(str::trim).collect()
}

/// Along its edges a picture has what the chain has: each by name, or so many of them by their number.
#[test]
fn a_cut_chain_has_both_ends_and_a_node_for_what_is_between() {
    for (command, list, key, length) in [
        (&["why", "glibc", "deno"][..], "path", "label", 4_usize),
        (&["plan", "--root", "glibc", "--max-waves", "30"][..], "waves", "name", 30),
        (&["plan", "--updates", "data/dumps/updates.csv"][..], "waves", "name", 7),
    ] {
        let command = [command, &DATA].concat();
        let report: Value = serde_json::from_str(&drawn(&command, "json")).expect("JSON");
        let whole = names(&report, list, key);
        assert_eq!(whole.len(), length, "{command:?}");
        for limit in [1, 2, 3, 20_usize] {
            let dot = drawn(&[&command[..], &["--limit", &limit.to_string()]].concat(), "dot");
            let labels = labels(&dot);
            let mut passed = 0;
            for label in &labels {
                if let Some(count) = label.strip_prefix("+ ").and_then(|rest| rest.strip_suffix(" more")) {
                    passed += count.parse::<usize>().expect("a number");
                } else {
                    // A plan counts its waves.
                    let expected = [whole[passed].clone(), format!("{}. {}", passed + 1, whole[passed])];
                    assert!(expected.iter().any(|name| name == label), "{label} is none of {expected:?} in {dot}");
                    passed += 1;
                }
            }
            assert_eq!(passed, length, "{dot}");
            assert!(!labels[0].starts_with('+') && !labels[labels.len() - 1].starts_with('+'), "{dot}");
            assert_eq!(labels.len(), if length > limit { limit.max(2) + 1 } else { length }, "{dot}");
            let expected: Vec<String> = (1..labels.len()).map(|to| format!("n{} -> n{to};", to - 1)).collect();
            assert_eq!(edges(&dot), expected, "{dot}");
        }
    }
}
