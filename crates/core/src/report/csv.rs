//! One list of a report as comma-separated values (RFC 4180).

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::Report;
use crate::text::is_active;

/// Writes the list `key` of a report as a table: a header, then all rows. Without a key it is the first list.
///
/// Columns are the keys of the JSON, those of nested objects behind a dot, in the order in which they come; a list in a cell is
/// parted by spaces, one of objects is JSON. Numbers are as in the JSON. Text that a spreadsheet would take for a formula has an
/// apostrophe before it, as OWASP has it, and what a terminal would obey is U+FFFD. A list without an item has no header.
///
/// # Errors
///
/// Those of `out` and of [`list_key`].
pub fn write_table<R: Report>(report: &R, key: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let key = list_key::<R>(key)?;
    let mut whole = serde_json::to_value(report)?;
    let rows = match whole.get_mut(key).map(Value::take) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let mut shape = Shape::default();
    for row in &rows {
        shape.take_in(row);
    }
    let mut columns = Vec::new();
    if !rows.is_empty() {
        shape.columns(&mut Vec::new(), &mut columns);
    }
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let title = |path: &Vec<&str>| text(&if path.is_empty() { key.to_owned() } else { path.join(".") }).into_owned();
    if !columns.is_empty() {
        table.write_record(columns.iter().map(title)).map_err(io_error)?;
    }
    for row in &rows {
        let cells = columns.iter().map(|path| cell(path.iter().try_fold(row, |value, key| value.get(key))));
        table.write_record(cells).map_err(io_error)?;
    }
    table.flush()
}

/// The list of a kind of report that was asked for; the first, if none was.
///
/// # Errors
///
/// [`io::ErrorKind::Unsupported`] if the report has no list, and [`io::ErrorKind::InvalidInput`], with those that it has, if it has no
/// list of this name.
pub fn list_key<R: Report>(typed: Option<&str>) -> io::Result<&'static str> {
    let keys = R::item_keys();
    let first = *keys.first().ok_or(io::ErrorKind::Unsupported)?;
    let Some(typed) = typed else { return Ok(first) };
    keys.iter().copied().find(|key| *key == typed).ok_or_else(|| {
        let known: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        io::Error::new(io::ErrorKind::InvalidInput, format!("no list `{typed}` in this report: it has {}", known.join(", ")))
    })
}

/// What the system said: whether a reader has gone is asked for.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// What the items of a list have in common: the columns of a table, as a tree.
#[derive(Default)]
struct Shape {
    /// Whether an item has something here that is no object.
    is_leaf: bool,
    children: Vec<(String, Shape)>,
}

impl Shape {
    fn take_in(&mut self, value: &Value) {
        let Value::Object(object) = value else {
            self.is_leaf |= !value.is_null();
            return;
        };
        for (key, value) in object {
            let at = self.children.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                self.children.push((key.clone(), Self::default()));
                self.children.len() - 1
            });
            self.children[at].1.take_in(value);
        }
    }

    /// The paths of keys that lead to what is no object.
    fn columns<'s>(&'s self, path: &mut Vec<&'s str>, columns: &mut Vec<Vec<&'s str>>) {
        if self.is_leaf || self.children.is_empty() {
            columns.push(path.clone());
        }
        for (key, child) in &self.children {
            path.push(key);
            child.columns(path, columns);
            path.pop();
        }
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        // An object has columns of its own.
        None | Some(Value::Null | Value::Object(_)) => String::new(),
        Some(Value::Array(items)) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            text(&Value::Array(items.clone()).to_string()).into_owned()
        }
        Some(Value::Array(items)) => {
            let words: Vec<_> = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
            text(&words.join(" ")).into_owned()
        }
        Some(Value::String(string)) => text(string).into_owned(),
        Some(other) => other.to_string(),
    }
}

/// Text that neither a spreadsheet nor a terminal obeys.
fn text(text: &str) -> Cow<'_, str> {
    let is_obeyed = |character: char| is_active(character) && !matches!(character, '\n' | '\t');
    let shown = if text.contains(is_obeyed) { Cow::Owned(text.replace(is_obeyed, "\u{fffd}")) } else { Cow::Borrowed(text) };
    if shown.starts_with(['=', '+', '-', '@', '\t']) { Cow::Owned(format!("'{shown}")) } else { shown }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::report::Document;

    #[derive(Serialize)]
    struct Sample {
        rows: Vec<Value>,
        names: Vec<&'static str>,
    }

    impl Report for Sample {
        fn document(&self) -> Document {
            Document::default()
        }

        fn item_keys() -> &'static [&'static str] {
            &["rows", "names"]
        }
    }

    fn table(sample: &Sample, key: Option<&str>) -> String {
        let mut out = Vec::new();
        write_table(sample, key, &mut out).expect("writes");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn objects_are_columns_and_lists_are_words() {
        let rows = vec![
            json!({ "name": "a, \"b\"", "cost": null, "users": ["x", "y"], "hours": 1.5 }),
            json!({ "name": "=1+1", "cost": { "seconds": -7 }, "users": [], "steps": [{ "a": 1 }] }),
        ];
        let expected = "name,cost.seconds,users,hours,steps\r\n\"a, \"\"b\"\"\",,x y,1.5,\r\n'=1+1,-7,,,\"[{\"\"a\"\":1}]\"\r\n";
        assert_eq!(table(&Sample { rows, names: vec![] }, None), expected);
    }

    #[test]
    fn names_alone_are_one_column() {
        let sample = Sample { rows: vec![], names: vec!["+x", "a\u{202e}b\u{1b}[31m", "two\nlines"] };
        assert_eq!(table(&sample, Some("names")), "names\r\n'+x\r\na\u{fffd}b\u{fffd}[31m\r\n\"two\nlines\"\r\n");
        assert_eq!(table(&sample, None), "");
    }

    #[test]
    fn an_unknown_list_is_told_with_those_that_are_known() {
        let error = write_table(&Sample { rows: vec![], names: vec![] }, Some("nothing"), &mut Vec::new()).expect_err("no such list");
        assert_eq!(error.to_string(), "no list `nothing` in this report: it has `rows`, `names`");
    }
}
