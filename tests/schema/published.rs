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
