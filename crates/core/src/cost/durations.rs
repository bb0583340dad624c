//! Build times, from whoever measured them: Hydra, nix-output-monitor, or a table of one's own.
//!
//! | shape | told by |
//! |---|---|
//! | CSV with a header | a first line that names a column of seconds and one of keys |
//! | CSV without | two columns: key, seconds; three: key, seconds, deviation; or host, name, seconds; four: host, name, time, seconds |
//! | list of builds, or one build (`/eval/N/builds`, `/build/N` of Hydra) | objects with `starttime` and `stoptime` |
//! | list of measurements | objects with seconds and a key |
//! | object | from key to seconds, to a list of them, or to Hydra's `build-times` |
//!
//! A row counts if it says how long something took. One without a time, of zero seconds (Hydra writes that for what was
//! there already) or of a build that failed is counted apart.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::file::{Text, line_number};
use crate::error::Result;
use crate::store_path::{StoreHash, StorePath};

/// Measured build times, not yet matched with an evaluation.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    pub(super) measurements: Vec<Measurement>,
    files: Vec<DurationFile>,
}

/// A file of build times, and what became of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DurationFile {
    /// The file as it was named.
    pub file: String,
    /// All rows.
    pub rows: usize,
    /// Rows of zero seconds, which means unknown.
    pub zero: usize,
    /// Builds that failed, or have not ended.
    pub unsuccessful: usize,
    /// Rows that cannot be read.
    pub malformed: usize,
    /// The first of these: where it is, and what is wrong.
    pub first_malformed: Option<String>,
}

/// How long something took.
#[derive(Clone, Debug)]
pub(super) struct Measurement {
    /// Position of its file.
    pub(super) file: usize,
    /// What it is of: the first that an evaluation has.
    pub(super) keys: Vec<Key>,
    pub(super) seconds: u32,
}

/// What a measurement is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A derivation, or one of its outputs.
    Path(StoreHash),
    /// An attribute; the system may stand behind its path.
    Attribute { path: String, system: Option<String> },
    /// A name, with version or without, or a pname.
    Name(String),
}

/// What a row turned out to be.
enum Row {
    Measured(Vec<Key>, u32),
    Zero,
    Unsuccessful,
    Malformed(String),
}

/// What a column or key of a measurement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Path,
    Attribute,
    Name,
    System,
    Seconds,
}

/// The fields of a measurement, as text.
#[derive(Default)]
struct Fields<'t> {
    path: Option<&'t str>,
    attribute: Option<&'t str>,
    name: Option<&'t str>,
    system: Option<&'t str>,
}

impl Durations {
    /// Reads files. Time and space O(bytes of the largest + rows).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is not whole, or has no row that can be read.
    pub fn read<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let mut durations = Self::default();
        for file in files {
            durations.file(&Text::read(file.as_ref())?)?;
        }
        Ok(durations)
    }

    /// The files, in the order in which they were given.
    pub fn files(&self) -> &[DurationFile] {
        &self.files
    }

    fn file(&mut self, text: &Text) -> Result<()> {
        self.files.push(DurationFile { file: text.name.clone(), ..DurationFile::default() });
        if text.is_json() {
            self.json(text)?;
        } else {
            self.csv(text)?;
        }
        match self.files.last() {
            Some(file) if file.rows == file.malformed => {
                Err(text.without("build times", file.first_malformed.clone().unwrap_or_else(|| "it has no row".to_owned())))
            }
            _ => Ok(()),
        }
    }

    /// Takes in a row of the last file.
    fn push(&mut self, row: Row, place: impl FnOnce() -> String) {
        let index = self.files.len() - 1;
        let file = &mut self.files[index];
        file.rows += 1;
        match row {
            Row::Measured(keys, seconds) => self.measurements.push(Measurement { file: index, keys, seconds }),
            Row::Zero => file.zero += 1,
            Row::Unsuccessful => file.unsuccessful += 1,
            Row::Malformed(reason) => {
                file.malformed += 1;
                file.first_malformed.get_or_insert_with(|| format!("{}: {reason}", place()));
            }
        }
    }

    fn csv(&mut self, text: &Text) -> Result<()> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.bytes.as_slice());
        let mut columns: Option<Vec<Option<Field>>> = None;
        for record in reader.byte_records() {
            let record = record.map_err(|error| text.without("build times", error.to_string()))?;
            let start = record.position().map_or(0, csv::Position::byte);
            let place = || format!("line {}", line_number(&text.bytes, start as usize));
            let Ok(record) = csv::StringRecord::from_byte_record(record) else {
                self.push(Row::Malformed("not UTF-8".to_owned()), place);
                continue;
            };
            if let Some(columns) = &columns {
                self.push(csv_row(columns, &record), place);
                continue;
            }
            let (found, is_header) = columns_of(&record).map_err(|reason| text.without("build times", reason))?;
            if !is_header {
                self.push(csv_row(&found, &record), place);
            }
            columns = Some(found);
        }
        Ok(())
    }

    fn json(&mut self, text: &Text) -> Result<()> {
        if text.first() == Some(b'[') {
            let mut deserializer = serde_json::Deserializer::from_slice(&text.bytes);
            let each = EachItem(|index, item: Value| self.push(json_row(&item, None), || format!("item {}", index + 1)));
            return each.deserialize(&mut deserializer).and_then(|()| deserializer.end()).map_err(|error| text.broken_json(&error));
        }
        let object: Map<String, Value> = serde_json::from_slice(&text.bytes).map_err(|error| text.broken_json(&error))?;
        if is_build(&object) {
            self.push(build_row(&object), || "the build".to_owned());
            return Ok(());
        }
        for (key, value) in &object {
            match value {
                Value::Array(items) => {
                    for item in items {
                        self.push(json_row(item, Some(key)), || format!("key `{key}`"));
                    }
                }
                value => self.push(json_row(value, Some(key)), || format!("key `{key}`")),
            }
        }
        Ok(())
    }
}

/// Calls a function with each item of a JSON list and its index; only one is in memory at a time.
struct EachItem<F>(F);

impl<'de, F: FnMut(usize, Value)> DeserializeSeed<'de> for EachItem<F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(usize, Value)> Visitor<'de> for EachItem<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        for index in 0.. {
            let Some(item) = items.next_element()? else { break };
            (self.0)(index, item);
        }
        Ok(())
    }
}

impl Field {
    /// By the title of a column or the key of an object, whatever its case and punctuation.
    fn of(title: &str) -> Option<Self> {
        let title: String = title.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        Some(match title.as_str() {
            "drv" | "drvpath" | "derivation" | "derivationpath" => Self::Path,
            "attr" | "attribute" | "attrpath" | "job" => Self::Attribute,
            // As nix-output-monitor calls a pname.
            "name" | "nixname" | "derivationname" | "pname" | "package" => Self::Name,
            "system" => Self::System,
            // As Hydra calls the seconds of its build times.
            "seconds" | "secs" | "buildseconds" | "durationseconds" | "value" => Self::Seconds,
            _ => return None,
        })
    }
}

impl Field {
    /// Whether it says what a measurement is of.
    fn is_key(self) -> bool {
        matches!(self, Self::Path | Self::Attribute | Self::Name)
    }
}

impl<'t> Fields<'t> {
    /// Sets a field; the first of several that mean the same counts.
    fn set(&mut self, field: Field, text: &'t str) {
        let slot = match field {
            Field::Path => &mut self.path,
            Field::Attribute => &mut self.attribute,
            Field::Name => &mut self.name,
            Field::System => &mut self.system,
            Field::Seconds => return,
        };
        if slot.is_none() && !text.is_empty() {
            *slot = Some(text);
        }
    }

    /// What the measurement may be of, most exact first.
    fn keys(&self) -> Vec<Key> {
        let path = self.path.and_then(StorePath::parse).map(|path| Key::Path(path.hash));
        let attribute = self.attribute.map(|path| Key::Attribute { path: path.to_owned(), system: self.system.map(str::to_owned) });
        let name = self.name.map(|name| Key::Name(name.to_owned()));
        [path, attribute, name].into_iter().flatten().collect()
    }
}

/// What a key of which nothing is said may be.
fn any_key(text: &str) -> Vec<Key> {
    match StorePath::parse(text) {
        Some(path) => vec![Key::Path(path.hash)],
        None => vec![Key::Attribute { path: text.to_owned(), system: None }, Key::Name(text.to_owned())],
    }
}

/// A measurement of something. Fractions of a second count as a whole one.
fn measured(keys: Vec<Key>, seconds: f64) -> Row {
    if keys.is_empty() {
        return Row::Malformed("it does not say what it is of".to_owned());
    }
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Row::Malformed(format!("{seconds} is no number of seconds"));
    }
    // Within bounds, checked above.
    #[expect(clippy::cast_sign_loss)]
    let seconds = seconds.ceil() as u32;
    if seconds == 0 { Row::Zero } else { Row::Measured(keys, seconds) }
}

/// What the columns of a table are, and whether its first line is a header. Without one, by their number and by where the
/// numbers are; a column of keys of which nothing is said is `None`.
fn columns_of(first: &csv::StringRecord) -> Result<(Vec<Option<Field>>, bool), String> {
    let columns: Vec<Option<Field>> = first.iter().map(Field::of).collect();
    if columns.contains(&Some(Field::Seconds)) && columns.iter().flatten().any(|field| field.is_key()) {
        return Ok((columns, true));
    }
    let is_number = |column: usize| first.get(column).is_some_and(|text| text.parse::<f64>().is_ok());
    let guessed = match first.len() {
        2 | 3 if is_number(1) => vec![None, Some(Field::Seconds)],
        3 if is_number(2) => vec![None, Some(Field::Name), Some(Field::Seconds)],
        4 if is_number(3) => vec![None, Some(Field::Name), None, Some(Field::Seconds)],
        _ => {
            let header = "a header with a column `seconds` and one of `attr`, `name` or `drv`";
            return Err(format!("the first line is neither {header}, nor a key and seconds"));
        }
    };
    Ok((guessed, false))
}

fn csv_row(columns: &[Option<Field>], record: &csv::StringRecord) -> Row {
    let mut fields = Fields::default();
    let mut seconds = None;
    for (field, text) in columns.iter().zip(record) {
        match field {
            Some(Field::Seconds) => seconds = Some(text),
            Some(field) => fields.set(*field, text),
            None => {}
        }
    }
    let Some(seconds) = seconds.filter(|text| !text.is_empty()) else { return Row::Malformed("no seconds".to_owned()) };
    let has_keys = columns.iter().flatten().any(|field| field.is_key());
    let keys = if has_keys { fields.keys() } else { record.get(0).map(any_key).unwrap_or_default() };
    match seconds.parse() {
        Ok(seconds) => measured(keys, seconds),
        Err(_) => Row::Malformed(format!("`{}` is no number of seconds", shortened(seconds))),
    }
}

/// What is wrong with Hydra's build-times as they come: the job is in their address only.
const NO_JOB: &str = "it does not say what it is of; `jq '{\"JOB\": .}'` puts Hydra's build-times under their job";

/// A measurement: seconds by themselves under a key, or an object.
fn json_row(item: &Value, key: Option<&str>) -> Row {
    match item {
        Value::Number(seconds) => measured(key.map(any_key).unwrap_or_default(), seconds.as_f64().unwrap_or(f64::NAN)),
        Value::Object(build) if is_build(build) => build_row(build),
        Value::Object(item) => {
            let mut fields = Fields::default();
            let mut seconds = None;
            for (key, value) in item {
                match (Field::of(key), value) {
                    (Some(Field::Seconds), Value::Number(number)) => seconds = number.as_f64(),
                    (Some(field), Value::String(text)) => fields.set(field, text),
                    _ => {}
                }
            }
            let Some(seconds) = seconds else { return Row::Malformed("no seconds".to_owned()) };
            let keys = key.map_or_else(|| fields.keys(), any_key);
            if keys.is_empty() {
                return Row::Malformed(NO_JOB.to_owned());
            }
            measured(keys, seconds)
        }
        _ => Row::Malformed("neither seconds nor an object with seconds".to_owned()),
    }
}

/// Whether an object is a build of Hydra's.
fn is_build(object: &Map<String, Value>) -> bool {
    object.contains_key("starttime") && object.contains_key("stoptime")
}

fn build_row(build: &Map<String, Value>) -> Row {
    let number = |key: &str| build.get(key).and_then(|value| value.as_i64().or_else(|| value.as_bool().map(i64::from)));
    if number("finished") == Some(0) || number("buildstatus") != Some(0) {
        return Row::Unsuccessful;
    }
    let mut fields = Fields::default();
    for (key, value) in build {
        if let (Some(field), Value::String(text)) = (Field::of(key), value) {
            fields.set(field, text);
        }
    }
    let (Some(start), Some(stop)) = (number("starttime"), number("stoptime")) else {
        return Row::Malformed("`starttime` or `stoptime` is no number".to_owned());
    };
    measured(fields.keys(), (stop as f64) - (start as f64))
}

/// The beginning of a text that may be anything.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}
