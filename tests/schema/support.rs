//! Runs the built `waves` on the dumps of the miniature Nixpkgs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

/// The dumps that the reports are about.
pub(crate) const GRAPH: [&str; 4] = ["--graph", "data/dumps/derivations.json", "--graph", "data/dumps/eval-jobs.jsonl"];

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).expect(path)
}

/// Reads a JSON file of the repository.
pub(crate) fn read_json(path: &str) -> Value {
    serde_json::from_str(&read(path)).expect(path)
}

/// The schema of a command's report.
pub(crate) fn schema(command: &str) -> Value {
    read_json(&format!("schema/{command}.schema.json"))
}

/// Runs `waves` with these arguments and no others.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut waves = Command::new(env!("CARGO_BIN_EXE_waves"));
    waves.args(arguments).current_dir(repository()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_BASE_REF");
    waves.output().expect("waves runs")
}

/// The report of a command on [`GRAPH`].
pub(crate) fn report(command: &str, arguments: &[&str]) -> Value {
    report_on(&GRAPH, command, arguments)
}

/// The report of a command: valid by its schema, and the same as JSON and as JSON lines.
pub(crate) fn report_on(graph: &[&str], command: &str, arguments: &[&str]) -> Value {
    let arguments = [&[command], graph, arguments].concat();
    let document: Value = serde_json::from_str(&stdout(&arguments, "json")).expect("the report is JSON");
    let schema = schema(command);
    assert_valid(&schema, &document);
    assert_eq!(joined(&schema, &stdout(&arguments, "jsonl")), document, "{arguments:?}: the lines are not the document");
    document
}

fn stdout(arguments: &[&str], format: &str) -> String {
    let output = run(&[arguments, &["--format", format]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the report is UTF-8")
}

/// JSON lines, put together as docs/formats.md says: a list without a line is empty.
pub(crate) fn joined(schema: &Value, lines: &str) -> Value {
    let mut lines = lines.lines().map(|line| serde_json::from_str::<Map<String, Value>>(line).expect("an object on each line"));
    let mut document = lines.next().expect("the header is the first line");
    for key in items(schema, "/required") {
        document.entry(key.as_str().expect("a key")).or_insert_with(|| json!([]));
    }
    for (key, item) in lines.flatten() {
        document.get_mut(&key).and_then(Value::as_array_mut).expect("a line is an item of a list").push(item);
    }
    Value::Object(document)
}

/// Asserts that a report keeps to its schema.
pub(crate) fn assert_valid(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// The number at a JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number at {pointer}: {value}"))
}

/// The number with a fraction at a JSON pointer.
pub(crate) fn real(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer}: {value}"))
}

/// The text at a JSON pointer.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}: {value}"))
}

/// The list at a JSON pointer.
pub(crate) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no list at {pointer}: {value}"))
}

/// The sum of the numbers at `pointer` in each of `values`.
pub(crate) fn sum<'v>(values: impl IntoIterator<Item = &'v Value>, pointer: &str) -> u64 {
    values.into_iter().map(|value| number(value, pointer)).sum()
}

/// The length of a list, as reports count.
pub(crate) fn length(value: &Value, pointer: &str) -> u64 {
    items(value, pointer).len() as u64
}

/// The texts of a list.
pub(crate) fn texts<'v>(value: &'v Value, pointer: &str) -> Vec<&'v str> {
    items(value, pointer).iter().map(|item| text(item, "")).collect()
}
