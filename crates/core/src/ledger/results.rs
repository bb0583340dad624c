//! Results of builds as other programs write them, told by content.
//!
//! | program | what is read |
//! |---|---|
//! | nix-eval-jobs | `error`: it does not evaluate; `cacheStatus`: it is built already |
//! | nix-fast-build `--result-file` | `results[]` of type `BUILD` and `EVAL` |
//! | nixpkgs-review | `result.SYSTEM.{built,tests,failed}` of report.json |
//! | Hydra | builds with `buildstatus`, as a list or by lines |
//! | anything | `drv,status` or `drv status` on a line, or objects with these keys |

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::event::Outcome;
use crate::error::{Error, Result};
use crate::ingest::open;

/// The form that a file of results is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFormat {
    /// nix-eval-jobs.
    EvalJobs,
    /// nix-fast-build.
    FastBuild,
    /// nixpkgs-review.
    NixpkgsReview,
    /// Hydra.
    Hydra,
    /// Derivations or attributes, and how each ended.
    Plain,
}

impl fmt::Display for ResultFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EvalJobs => "nix-eval-jobs",
            Self::FastBuild => "nix-fast-build",
            Self::NixpkgsReview => "nixpkgs-review",
            Self::Hydra => "Hydra",
            Self::Plain => "derivations and statuses",
        })
    }
}

/// A result, as a file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Path or base name of the derivation.
    pub derivation: Option<String>,
    /// Attribute path.
    pub attribute: Option<String>,
    /// The system that builds it.
    pub system: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// What a file of results says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    /// The file as it was named.
    pub file: String,
    /// Its form.
    pub format: ResultFormat,
    /// Its results.
    pub told: Vec<Told>,
    /// Entries that say nothing of a build, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Entries that cannot be read.
    pub unreadable: usize,
    /// The first of these.
    pub first_unreadable: Option<String>,
}

/// What an entry turned out to be.
enum Item {
    Told(Told),
    PassedOver(&'static str),
    Unreadable(String),
}

impl Results {
    /// Reads a file, plain or compressed. Time and space O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::NoResults`] if nothing in it can be read.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        Self::parse(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a file that errors call `input`.
    ///
    /// # Errors
    ///
    /// [`Error::NoResults`] if nothing in it can be read.
    pub fn parse(bytes: &[u8], input: &str) -> Result<Self> {
        let none = |reason: String| Error::NoResults { input: input.to_owned(), reason };
        // A byte order mark says nothing but that it is UTF-8.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let first = bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let results = match first {
            None => return Err(none("it is empty".to_owned())),
            Some(b'<') => return Err(none("XML is not read; nix-fast-build writes JSON with --result-format json".to_owned())),
            Some(b'{' | b'[') => json(bytes, input),
            Some(_) => plain(bytes, input),
        };
        let passed_over: usize = results.passed_over.values().sum();
        if results.told.is_empty() && passed_over == 0 {
            return Err(none(results.first_unreadable.unwrap_or_else(|| "it has no entry".to_owned())));
        }
        Ok(results)
    }

    fn new(input: &str, format: ResultFormat) -> Self {
        let (told, passed_over) = (Vec::new(), BTreeMap::new());
        Self { file: input.to_owned(), format, told, passed_over, unreadable: 0, first_unreadable: None }
    }

    /// Takes in an entry that stands at `place`.
    fn push(&mut self, item: Item, place: impl FnOnce() -> String) {
        match item {
            Item::Told(told) => self.told.push(told),
            Item::PassedOver(what) => *self.passed_over.entry(what).or_default() += 1,
            Item::Unreadable(reason) => {
                self.unreadable += 1;
                self.first_unreadable.get_or_insert_with(|| format!("{}: {reason}", place()));
            }
        }
    }
}

/// One JSON document, or one on each line.
fn json(bytes: &[u8], input: &str) -> Results {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(object)) if object.get("results").is_some_and(Value::is_array) => list(&object["results"], input, fast_build),
        Ok(Value::Object(object)) if object.contains_key("result") || object.contains_key("built") => review(&object, input),
        Ok(Value::Object(object)) if object.get("builds").is_some_and(Value::is_array) => list(&object["builds"], input, any_object),
        Ok(Value::Object(object)) if object.values().all(Value::is_string) && !is_entry(&object) => keyed(&object, input),
        Ok(document @ Value::Array(_)) => list(&document, input, any_object),
        Ok(document) => list(&Value::Array(vec![document]), input, any_object),
        Err(_) => json_lines(bytes, input),
    }
}

/// Reads an entry of a list, and says what form it has.
type Reader = fn(&Map<String, Value>) -> (ResultFormat, Item);

fn list(items: &Value, input: &str, read: Reader) -> Results {
    let mut results = Results::new(input, ResultFormat::Plain);
    for (at, item) in items.as_array().into_iter().flatten().enumerate() {
        push_value(&mut results, item, read, || format!("item {}", at + 1));
    }
    results
}

fn json_lines(bytes: &[u8], input: &str) -> Results {
    let mut results = Results::new(input, ResultFormat::Plain);
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let place = || format!("line {}", at + 1);
        match serde_json::from_slice(line) {
            Ok(item) => push_value(&mut results, &item, any_object, place),
            Err(error) => results.push(Item::Unreadable(format!("it is no JSON: {error}")), place),
        }
    }
    results
}

fn push_value(results: &mut Results, item: &Value, read: Reader, place: impl FnOnce() -> String) {
    match item.as_object() {
        Some(object) => {
            let (format, item) = read(object);
            if !matches!(item, Item::Unreadable(_)) {
                results.format = format;
            }
            results.push(item, place);
        }
        None => results.push(Item::Unreadable("it is no object".to_owned()), place),
    }
}

fn text<'v>(object: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| object.get(*key)?.as_str()).filter(|text| !text.is_empty())
}

fn owned(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    text(object, keys).map(str::to_owned)
}

/// Keys of a derivation, an attribute, and how it ended.
const DERIVATION: [&str; 4] = ["drv", "drvPath", "drvpath", "derivation"];
const ATTRIBUTE: [&str; 3] = ["attr", "attribute", "job"];
const STATUS: [&str; 2] = ["status", "outcome"];

/// Whether an object is about one build, not a map of builds.
fn is_entry(object: &Map<String, Value>) -> bool {
    DERIVATION.iter().chain(&ATTRIBUTE).any(|key| object.contains_key(*key))
}

/// An entry of Hydra's, of nix-eval-jobs', of nix-fast-build's, or with a status in words.
fn any_object(object: &Map<String, Value>) -> (ResultFormat, Item) {
    if object.contains_key("buildstatus") {
        (ResultFormat::Hydra, hydra(object))
    } else if object.contains_key("success") {
        fast_build(object)
    } else if let Some(status) = text(object, &STATUS) {
        let told = told(object, None);
        (ResultFormat::Plain, with_status(told, status))
    } else {
        (ResultFormat::EvalJobs, eval_job(object))
    }
}

fn told(object: &Map<String, Value>, outcome: Option<Outcome>) -> Told {
    Told { derivation: owned(object, &DERIVATION), attribute: owned(object, &ATTRIBUTE), system: owned(object, &["system"]), outcome }
}

/// It must say what it is of.
fn named(told: Told) -> Item {
    if told.derivation.is_none() && told.attribute.is_none() {
        return Item::Unreadable("it does not say what it is of".to_owned());
    }
    Item::Told(told)
}

fn with_status(told: Told, status: &str) -> Item {
    match outcome(status) {
        Some(Ok(outcome)) => named(Told { outcome: Some(outcome), ..told }),
        Some(Err(what)) => Item::PassedOver(what),
        None => Item::Unreadable(format!("`{}` is no status", shortened(status))),
    }
}

/// How a build ended, in the words of this and that; `Err` is why it says nothing.
fn outcome(status: &str) -> Option<std::result::Result<Outcome, &'static str>> {
    let letters: String = status.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(Ok(match letters.as_str() {
        "succeeded" | "success" | "ok" | "built" | "green" | "cached" | "pass" | "passed" => Outcome::Succeeded,
        "failed" | "failure" | "fail" | "red" => Outcome::Failed,
        "dependencyfailed" | "depfailed" | "dependencyfailure" | "blocked" => Outcome::DependencyFailed,
        "timedout" | "timeout" => Outcome::TimedOut,
        "limitexceeded" | "loglimitexceeded" | "outputlimitexceeded" => Outcome::LimitExceeded,
        "evaluationfailed" | "evalfailed" | "evaluationerror" => Outcome::EvaluationFailed,
        "aborted" | "cancelled" | "canceled" => Outcome::Aborted,
        "building" | "running" => Outcome::Building,
        "queued" | "pending" | "scheduled" => return Some(Err("not begun")),
        "skipped" => return Some(Err("skipped")),
        _ => return None,
    }))
}

/// <https://github.com/NixOS/hydra>, `hydra-api.yaml` and `BuildStatus`.
fn hydra(object: &Map<String, Value>) -> Item {
    let number = |key: &str| object.get(key).and_then(|value| value.as_i64().or_else(|| value.as_bool().map(i64::from)));
    if number("finished") == Some(0) {
        return if number("starttime").is_some_and(|time| time > 0) {
            named(told(object, Some(Outcome::Building)))
        } else {
            Item::PassedOver("not begun")
        };
    }
    let outcome = match number("buildstatus") {
        Some(0) => Outcome::Succeeded,
        // Failed; failed with output; failed before, and not tried again; not deterministic.
        Some(1 | 6 | 8 | 12) => Outcome::Failed,
        Some(2) => Outcome::DependencyFailed,
        // Aborted, cancelled, no machine for its system.
        Some(3 | 4 | 9) => Outcome::Aborted,
        Some(7) => Outcome::TimedOut,
        Some(10 | 11) => Outcome::LimitExceeded,
        Some(other) => return Item::Unreadable(format!("{other} is no `buildstatus`")),
        None => return Item::PassedOver("not begun"),
    };
    named(told(object, Some(outcome)))
}

fn eval_job(object: &Map<String, Value>) -> Item {
    if object.get("error").is_some_and(Value::is_string) {
        // Its derivation, if it has one, is of no use.
        return named(Told { derivation: None, ..told(object, Some(Outcome::EvaluationFailed)) });
    }
    if !is_entry(object) {
        return Item::Unreadable("it has neither a status nor what it is of".to_owned());
    }
    let is_built = matches!(text(object, &["cacheStatus"]), Some("local" | "cached")) || object.get("isCached") == Some(&Value::Bool(true));
    if is_built { named(told(object, Some(Outcome::Succeeded))) } else { Item::PassedOver("evaluated, not built") }
}

/// <https://github.com/Mic92/nix-fast-build>, `report.py`.
fn fast_build(object: &Map<String, Value>) -> (ResultFormat, Item) {
    let success = object.get("success").and_then(Value::as_bool);
    let item = match (text(object, &["type"]), success) {
        (_, None) => Item::Unreadable("it has no `success`".to_owned()),
        (Some("BUILD") | None, Some(success)) => named(told(object, Some(if success { Outcome::Succeeded } else { Outcome::Failed }))),
        (Some("EVAL"), Some(false)) => named(told(object, Some(Outcome::EvaluationFailed))),
        (Some("EVAL"), Some(true)) => Item::PassedOver("evaluated, not built"),
        (Some(_), Some(_)) => Item::PassedOver("uploads and downloads"),
    };
    (ResultFormat::FastBuild, item)
}

/// <https://github.com/Mic92/nixpkgs-review>, `report.py`: by system, or of one system in older versions.
fn review(report: &Map<String, Value>, input: &str) -> Results {
    let mut results = Results::new(input, ResultFormat::NixpkgsReview);
    let by_system: Vec<(Option<&str>, &Map<String, Value>)> = match report.get("result").and_then(Value::as_object) {
        Some(systems) => systems.iter().filter_map(|(system, lists)| Some((Some(system.as_str()), lists.as_object()?))).collect(),
        None => vec![(text(report, &["system"]), report)],
    };
    for (system, lists) in by_system {
        for (key, entries) in lists {
            for (at, entry) in entries.as_array().into_iter().flatten().enumerate() {
                let item = match key.as_str() {
                    "built" | "tests" => review_entry(entry, system, Outcome::Succeeded),
                    "failed" => review_entry(entry, system, Outcome::Failed),
                    "broken" => Item::PassedOver("marked broken"),
                    "blacklisted" => Item::PassedOver("skipped"),
                    "non-existent" | "non-existant" => Item::PassedOver("not there"),
                    _ => continue,
                };
                results.push(item, || format!("`{key}`, item {}", at + 1));
            }
        }
    }
    results
}

/// A name, or since 2026 an object with `name`.
fn review_entry(entry: &Value, system: Option<&str>, outcome: Outcome) -> Item {
    let name = entry.as_str().or_else(|| entry.get("name")?.as_str());
    let (attribute, system) = (name.map(str::to_owned), system.map(str::to_owned));
    named(Told { derivation: None, attribute, system, outcome: Some(outcome) })
}

/// An object with a status under each derivation or attribute.
fn keyed(object: &Map<String, Value>, input: &str) -> Results {
    let mut results = Results::new(input, ResultFormat::Plain);
    for (key, status) in object {
        results.push(with_status(of(key), status.as_str().unwrap_or_default()), || format!("key `{}`", shortened(key)));
    }
    results
}

/// What a derivation's path or an attribute path names.
fn of(name: &str) -> Told {
    let name = name.to_owned();
    match crate::store_path::StorePath::parse_derivation(&name) {
        Some(_) => Told { derivation: Some(name), ..Told::default() },
        None => Told { attribute: Some(name), ..Told::default() },
    }
}

/// A line for each: the derivation or attribute, and its status behind a comma or white space. A header is passed over.
fn plain(bytes: &[u8], input: &str) -> Results {
    let mut results = Results::new(input, ResultFormat::Plain);
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let place = || format!("line {}", at + 1);
        let Ok(line) = std::str::from_utf8(line) else {
            results.push(Item::Unreadable("it is not UTF-8".to_owned()), place);
            continue;
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let split = line.split_once(',').or_else(|| line.split_once(char::is_whitespace));
        let unquoted = |text: &str| {
            let text = text.trim();
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
        };
        match split.map(|(name, status)| (unquoted(name), unquoted(status))) {
            Some((name, status)) if at == 0 && is_header(&name, &status) => {}
            Some((name, status)) => results.push(with_status(of(&name), &status), place),
            None => results.push(Item::Unreadable(format!("`{}` has no status", shortened(line))), place),
        }
    }
    results
}

fn is_header(name: &str, status: &str) -> bool {
    let is_name = DERIVATION.iter().chain(&ATTRIBUTE).any(|key| key.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case("name");
    is_name && STATUS.iter().any(|key| key.eq_ignore_ascii_case(status))
}

/// The beginning of a text that may be anything.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Results {
        Results::parse(text.as_bytes(), "results").expect("results")
    }

    /// Each result as `derivation attribute system outcome`.
    fn shown(results: &Results) -> Vec<String> {
        let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let line = |told: &Told| {
            let outcome = told.outcome.expect("every result has one").name();
            format!("{} {} {} {outcome}", dash(&told.derivation), dash(&told.attribute), dash(&told.system))
        };
        results.told.iter().map(line).collect()
    }

    const DRV: &str = "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a-1.drv";

    #[test]
    fn every_form_is_told_by_its_content() {
        let cases = [
            (
                format!(r#"{{"attr":"a","attrPath":["a"],"drvPath":"{DRV}","system":"s","cacheStatus":"cached"}}"#) + "\n"
                    + r#"{"attr":"b","attrPath":["b"],"error":"error: no"}"# + "\n" + r#"{"attr":"c","drvPath":"x","cacheStatus":"notBuilt"}"#,
                ResultFormat::EvalJobs,
                vec![format!("{DRV} a s succeeded"), "- b - evaluation-failed".to_owned()],
                1,
            ),
            (
                r#"{"results":[{"attr":"a","type":"BUILD","success":true,"duration":1.5,"error":null},
                  {"attr":"b","type":"BUILD","success":false,"error":"build exited with 1"},
                  {"attr":"c","type":"EVAL","success":false,"error":"no"},{"attr":"a","type":"UPLOAD","success":true}]}"#
                    .to_owned(),
                ResultFormat::FastBuild,
                vec!["- a - succeeded".to_owned(), "- b - failed".to_owned(), "- c - evaluation-failed".to_owned()],
                1,
            ),
            (
                r#"{"pr":1,"result":{"x86_64-linux":{"broken":["d"],"built":["a",{"name":"e","aliases":["f"]}],"failed":["b"],"tests":["c"]}}}"#
                    .to_owned(),
                ResultFormat::NixpkgsReview,
                vec![
                    "- a x86_64-linux succeeded".to_owned(),
                    "- e x86_64-linux succeeded".to_owned(),
                    "- b x86_64-linux failed".to_owned(),
                    "- c x86_64-linux succeeded".to_owned(),
                ],
                1,
            ),
            (
                r#"{"system":"x","built":["a"],"failed":["b"],"blacklisted":["c"],"pr":null}"#.to_owned(),
                ResultFormat::NixpkgsReview,
                vec!["- a x succeeded".to_owned(), "- b x failed".to_owned()],
                1,
            ),
            (
                format!(
                    r#"[{{"job":"a.s","drvpath":"{DRV}","system":"s","finished":1,"buildstatus":0}},
                    {{"job":"b","finished":1,"buildstatus":2}},{{"job":"c","finished":1,"buildstatus":7}},{{"job":"d","finished":1,"buildstatus":4}},
                    {{"job":"e","finished":0,"buildstatus":null,"starttime":5}},{{"job":"f","finished":0,"buildstatus":null,"starttime":null}}]"#
                ),
                ResultFormat::Hydra,
                vec![
                    format!("{DRV} a.s s succeeded"),
                    "- b - dependency-failed".to_owned(),
                    "- c - timed-out".to_owned(),
                    "- d - aborted".to_owned(),
                    "- e - building".to_owned(),
                ],
                1,
            ),
            (
                format!("drv,status\n{DRV},failed\r\nhello , \"timed out\"\n# a remark\n\nx queued\n"),
                ResultFormat::Plain,
                vec![format!("{DRV} - - failed"), "- hello - timed-out".to_owned()],
                1,
            ),
            (
                format!(r#"{{"{DRV}":"failed","b":"built"}}"#),
                ResultFormat::Plain,
                vec![format!("{DRV} - - failed"), "- b - succeeded".to_owned()],
                0,
            ),
            (r#"{"drv":"x","status":"dep-failed"}"#.to_owned(), ResultFormat::Plain, vec!["x - - dependency-failed".to_owned()], 0),
        ];
        for (text, format, expected, passed_over) in cases {
            let results = parse(&text);
            assert_eq!((results.format, shown(&results)), (format, expected), "{text}");
            assert_eq!((results.passed_over.values().sum::<usize>(), results.unreadable), (passed_over, 0), "{text}");
        }
    }

    /// Some programs put one before whatever they write.
    #[test]
    fn a_byte_order_mark_changes_nothing() {
        for text in [r#"[{"attr":"a","status":"failed"}]"#, "attr,status\na,failed\n", "{\"attr\":\"a\",\"status\":\"failed\"}\n"] {
            assert_eq!(parse(&format!("\u{feff}{text}")), parse(text));
            assert_eq!(shown(&parse(text)), ["- a - failed"], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let results = parse("hello built\nhello perhaps\nhello\n");
        assert_eq!((results.told.len(), results.unreadable), (1, 2));
        assert_eq!(results.first_unreadable.as_deref(), Some("line 2: `perhaps` is no status"));
        let results = parse("{\"attr\":\"a\",\"error\":\"no\"}\n{\"attr\":\n[]\n{}\n");
        assert_eq!((results.told.len(), results.unreadable), (1, 3));
        let results =
            parse(r#"[{"job":"a","finished":1,"buildstatus":0},{"job":"b","finished":1,"buildstatus":55},{"finished":1,"buildstatus":0}]"#);
        assert_eq!((results.told.len(), results.unreadable), (1, 2));
        assert_eq!(results.first_unreadable.as_deref(), Some("item 2: 55 is no `buildstatus`"));
    }

    #[test]
    fn a_file_without_results_is_none() {
        for (text, reason) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("<testsuites/>", "XML"),
            ("what is this\n", "`is this` is no status"),
            ("{\"a\": 1}", "neither a status"),
            ("[1]", "no object"),
            ("{", "no JSON"),
            ("[]", "no entry"),
        ] {
            let error = Results::parse(text.as_bytes(), "file").expect_err(text).to_string();
            assert!(error.starts_with("file: ") && error.contains(reason), "{text}: {error}");
        }
    }
}
