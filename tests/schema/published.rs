//! `waves schema`.

use std::fs;

use crate::commands::commands;
use crate::support::{assert_valid, items, read, repository, run, schema, text};

fn published() -> serde_json::Value {
    let output = run(&["schema", "--format", "json"]);
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn each_schema_is_printed_as_it_stands() {
    let published = published();
    assert_valid(&schema("schemas"), &published);
    let mut files: Vec<String> = fs::read_dir(repository().join("schema"))
        .expect("schemas")
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    files.sort_by_key(|file| file.replace(".schema.json", ""));
    let names: Vec<String> = items(&published, "/schemas").iter().map(|schema| format!("{}.schema.json", text(schema, "/name"))).collect();
    assert_eq!(names, files, "a file of schema/ is missing in SCHEMAS, or the other way round");
    for schema in items(&published, "/schemas") {
        let name = text(schema, "/name");
        let printed = run(&["schema", name]);
        assert!(printed.status.success());
        assert_eq!(String::from_utf8(printed.stdout).expect("UTF-8"), read(&format!("schema/{name}.schema.json")), "{name}");
    }
}

/// The commands that write JSON, as their help says, are those that schemas are of, as they say.
#[test]
fn no_report_lacks_a_schema() {
    let published = published();
    let titles: Vec<&str> = items(&published, "/schemas").iter().map(|schema| text(schema, "/title")).collect();
    // "waves start, waive" is two commands; "waves plan --updates" is one, and an option.
    let words = |part: &str| {
        part.trim().trim_start_matches("waves ").split(' ').take_while(|word| !word.starts_with('-')).collect::<Vec<_>>().join(" ")
    };
    let described: Vec<String> = titles.iter().flat_map(|title| title.split(',')).map(words).collect();
    let mut reports = 0;
    for (command, help) in commands() {
        if help.contains("jsonl") {
            reports += 1;
            assert!(described.contains(&command.join(" ")), "no schema is of `waves {}`", command.join(" "));
        }
    }
    assert!(reports > 20, "{reports}");
}

/// A table of docs/formats.md: the reports of each row, without `waves`, and the keys of its second column that stand in no parentheses.
fn documented(heading: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let formats = read("docs/formats.md");
    let (_, table) = formats.split_once(&format!("\n{heading}\n|---|---|\n")).expect(heading);
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let outer = |text: &str| {
        let mut depth = 0;
        let mut is_outer = |character: char| {
            depth += i32::from(character == '(');
            let outer = depth == 0;
            depth -= i32::from(character == ')');
            outer
        };
        text.chars().filter(|&character| is_outer(character)).collect::<String>()
    };
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').splitn(2, " | ");
        let reports = quoted(cells.next().expect("reports"));
        (reports, quoted(&outer(cells.next().expect("keys").split("; no `").next().expect("keys"))))
    })
    .collect()
}

/// The properties of the schema whose title names a report.
fn properties(report: &str) -> serde_json::Map<String, serde_json::Value> {
    let published = published();
    let names = |title: &str| title.split(", ").map(|name| name.trim_start_matches("waves ").to_owned()).collect::<Vec<_>>();
    let found = items(&published, "/schemas").iter().find(|schema| names(text(schema, "/title")).iter().any(|name| name == report));
    let found = found.unwrap_or_else(|| panic!("no schema is of `waves {report}`"));
    schema(text(found, "/name"))["properties"].as_object().expect("properties").clone()
}

#[test]
fn the_documented_keys_are_those_of_the_schemas() {
    let reports = documented("| Report | Keys |");
    assert!(reports.len() > 20, "{reports:?}");
    for (reports, keys) in reports {
        // `cost` is an object of several reports.
        for report in reports.iter().filter(|_| reports[0] != "cost") {
            let properties = properties(report);
            assert!(!keys.is_empty(), "`waves {report}`");
            for key in &keys {
                assert!(properties.contains_key(key), "`waves {report}` has no key `{key}`");
            }
        }
    }
}

#[test]
fn the_documented_lists_are_those_of_the_schemas() {
    let reports = documented("| Report | Lists |");
    let listed: Vec<&String> = reports.iter().flat_map(|(reports, _)| reports).collect();
    for (command, help) in commands() {
        // The decisions have no list.
        let has_lists = help.contains("jsonl") && !["start", "waive", "retry", "tag"].contains(&command[0].as_str());
        assert!(!has_lists || listed.contains(&&command.join(" ")), "docs/formats.md has no lists of `waves {}`", command.join(" "));
    }
    for (reports, lists) in &reports {
        for report in reports {
            let properties = properties(report);
            for list in lists {
                assert_eq!(properties[list]["type"], "array", "`{list}` of `waves {report}` is no list");
            }
        }
    }
}
