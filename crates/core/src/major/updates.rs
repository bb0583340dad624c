//! Lists of updates: which packages are to be updated, from which version to which.
//!
//! | shape | told by |
//! |---|---|
//! | TOML | `[[updates]]` with the keys below |
//! | CSV | a header with a column of packages |
//! | JSON list | objects with a package: one's own, nixpkgs' `packages.json`, what `passthru.updateScript` prints |
//! | JSON object | from package to an object, or to its new version |
//! | Repology | an object from project to a list of packages with `repo` and `status` |
//! | lines | `attribute old new`, as nixpkgs-update's lists |
//!
//! Keys are told whatever their case and punctuation, so that `attrPath`, `oldVersion` and `new_version` of other tools are
//! known too.

use std::path::Path;

use serde_json::{Map, Value};

use crate::cost::line_number;
use crate::error::{Error, Result};
use crate::ingest::open;

/// An update that somebody wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// The package, as `--root` names it.
    pub package: String,
    /// The version that the list takes it to have.
    pub from: Option<String>,
    /// The version that it is to have.
    pub to: Option<String>,
    /// How much it matters; 1 if nothing is said. Among updates of equal urgency the larger comes first.
    pub weight: f64,
    /// The probability that something that it rebuilds breaks because of it, from 0 to 1; `None` if nothing is said.
    pub risk: Option<f64>,
    /// Among updates of one level, the larger comes first; 0 if nothing is said.
    pub urgency: f64,
    /// It has a minor wave to itself.
    pub solo: bool,
    /// It keeps its version and its inputs during the major wave, and why.
    pub pin: Option<String>,
    /// It is left out, and why.
    pub skip: Option<String>,
    /// It is updated together with all others of this group.
    pub group: Option<String>,
}

/// A list of updates, and what became of its entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Updates {
    /// The updates, in the order of the list.
    pub updates: Vec<Update>,
    /// Entries that are no update (a package that is new enough already, a project that Nix does not have), by why not.
    pub passed_over: Vec<(String, usize)>,
}

/// A key of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Package,
    Name,
    From,
    To,
    Weight,
    Risk,
    Urgency,
    Solo,
    Pin,
    Skip,
    Group,
}

impl Key {
    const KNOWN: &str = "package, from, to, weight, risk, urgency, solo, pin, skip, group";

    fn of(title: &str) -> Option<Self> {
        let title: String = title.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        Some(match title.as_str() {
            "package" | "attr" | "attribute" | "attrpath" => Self::Package,
            "name" | "pname" => Self::Name,
            "from" | "old" | "oldversion" | "current" | "currentversion" | "version" => Self::From,
            "to" | "new" | "newversion" | "latest" | "latestversion" => Self::To,
            "weight" => Self::Weight,
            "risk" => Self::Risk,
            "urgency" => Self::Urgency,
            "solo" => Self::Solo,
            "pin" => Self::Pin,
            "skip" => Self::Skip,
            "group" => Self::Group,
            _ => return None,
        })
    }
}

impl Updates {
    /// Reads a list; its shape is told by its content. O(bytes).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or an entry that says no package, an impossible number, or an unknown key where the shape is
    /// `waves`' own: with its place.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        let input = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| Error::Malformed {
            input: input.clone(),
            place: format!("byte {}", error.utf8_error().valid_up_to()),
            reason: "it is not UTF-8".to_owned(),
        })?;
        Self::parse(&text, &input)
    }

    /// Reads the text of a list that errors call `input`.
    ///
    /// # Errors
    ///
    /// As [`Updates::read`].
    pub fn parse(text: &str, input: &str) -> Result<Self> {
        let mut list = List { input, updates: Self::default() };
        // What comes first tells the shape, behind blank lines too; these count where an error says its line.
        let text = text.trim_start_matches('\u{feff}');
        match text.trim_start() {
            "" => return Err(list.malformed("line 1", "it is empty: there is no update in it")),
            json if json.starts_with('{')
                || json.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'))
                || json.starts_with('[') && serde_json::from_str::<Value>(json).is_ok() =>
            {
                list.json(text)?;
            }
            toml if toml.lines().any(|line| line.trim_start().starts_with("[[")) => list.toml(text)?,
            table if table.lines().next().is_some_and(|line| line.contains(',')) => list.csv(text)?,
            _ => list.lines(text)?,
        }
        if list.updates.updates.is_empty() && list.updates.passed_over.is_empty() {
            return Err(list.malformed("all of it", "there is no update in it"));
        }
        Ok(list.updates)
    }

    fn pass_over(&mut self, why: &str) {
        match self.passed_over.iter_mut().find(|(known, _)| known == why) {
            Some((_, count)) => *count += 1,
            None => self.passed_over.push((why.to_owned(), 1)),
        }
    }
}

/// A list that is being read.
struct List<'i> {
    input: &'i str,
    updates: Updates,
}

impl List<'_> {
    fn malformed(&self, place: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Malformed { input: self.input.to_owned(), place: place.into(), reason: reason.into() }
    }

    fn push(&mut self, place: &str, fields: impl Iterator<Item = (Key, Value)>) -> Result<()> {
        let update = update(fields).map_err(|reason| self.malformed(place, reason))?;
        // A pin is of the package, whatever its versions.
        if update.pin.is_none() && update.from.is_some() && update.from == update.to {
            self.updates.pass_over("the old version is the new one");
        } else {
            self.updates.updates.push(update);
        }
        Ok(())
    }

    fn toml(&mut self, text: &str) -> Result<()> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let line = text[..error.span().map_or(0, |span| span.start)].matches('\n').count() + 1;
            self.malformed(format!("line {line}"), error.message())
        })?;
        for (name, value) in table {
            let toml::Value::Array(items) = value else { return Err(self.unknown("the file", &name, "[[updates]]")) };
            if !matches!(name.as_str(), "updates" | "update") {
                return Err(self.unknown("the file", &name, "[[updates]]"));
            }
            for (at, item) in items.into_iter().enumerate() {
                let place = format!("update {}", at + 1);
                let toml::Value::Table(item) = item else { return Err(self.malformed(place, "it is no table")) };
                self.own(&place, item.into_iter().map(|(key, value)| (key, of_toml(value))).collect())?;
            }
        }
        Ok(())
    }

    /// An entry in a shape of `waves`' own: every key must be known.
    fn own(&mut self, place: &str, item: Map<String, Value>) -> Result<()> {
        let mut fields = Vec::new();
        for (name, value) in item {
            let key = Key::of(&name).ok_or_else(|| self.unknown(place, &name, Key::KNOWN))?;
            fields.push((key, value));
        }
        self.push(place, fields.into_iter())
    }

    fn unknown(&self, place: &str, name: &str, known: &str) -> Error {
        self.malformed(place, format!("unknown key `{name}` (known: {known})"))
    }

    fn csv(&mut self, text: &str) -> Result<()> {
        let table = text.trim_start();
        let blank = text.len() - table.len();
        let place = |position: Option<&csv::Position>| {
            let start = blank + position.map_or(0, csv::Position::byte) as usize;
            format!("line {}", line_number(text.as_bytes(), start))
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(table.as_bytes());
        let headers = reader.headers().map_err(|error| self.malformed(place(error.position()), error.to_string()))?.clone();
        let keys: Vec<Option<Key>> = headers.iter().map(Key::of).collect();
        if !keys.iter().flatten().any(|key| matches!(key, Key::Package | Key::Name)) {
            let reason = format!("no column `package` in the header (known: {})", Key::KNOWN);
            return Err(self.malformed(place(headers.position()), reason));
        }
        if let Some(at) = keys.iter().position(Option::is_none) {
            return Err(self.unknown(&place(headers.position()), headers.get(at).unwrap_or_default(), Key::KNOWN));
        }
        for record in reader.records() {
            let record = record.map_err(|error| {
                self.malformed(place(error.position()), "its number of columns is not that of the header, or it is not UTF-8")
            })?;
            let place = place(record.position());
            let fields = keys.iter().zip(&record).filter(|(_, text)| !text.is_empty());
            self.push(&place, fields.filter_map(|(key, text)| Some(((*key)?, Value::String(text.to_owned())))))?;
        }
        Ok(())
    }

    /// `attribute old new`, and whatever stands behind; `#` begins a comment.
    fn lines(&mut self, text: &str) -> Result<()> {
        for (at, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            let place = format!("line {}", at + 1);
            match words[..] {
                [] => {}
                [package, from, to, ..] => {
                    let fields = [(Key::Package, package), (Key::From, from), (Key::To, to)];
                    self.push(&place, fields.into_iter().map(|(key, text)| (key, Value::String(text.to_owned()))))?;
                }
                _ => {
                    return Err(
                        self.malformed(place, "a line is `attribute old new` (or the file is TOML, CSV or JSON: see docs/formats.md)")
                    );
                }
            }
        }
        Ok(())
    }

    fn json(&mut self, text: &str) -> Result<()> {
        let value: Value = serde_json::from_str(text).map_err(|error| Error::json(self.input, &error, str::to_owned))?;
        match value {
            Value::Array(items) => self.items(items),
            Value::Object(mut object) => match object.remove("updates").or_else(|| object.remove("packages")) {
                Some(Value::Array(items)) => self.items(items),
                Some(Value::Object(object)) => self.entries(object),
                Some(_) => Err(self.malformed("key `updates`", "it is neither a list nor an object")),
                None => self.entries(object),
            },
            _ => Err(self.malformed("line 1", "neither a list nor an object")),
        }
    }

    fn items(&mut self, items: Vec<Value>) -> Result<()> {
        for (at, item) in items.into_iter().enumerate() {
            let place = format!("item {}", at + 1);
            let Value::Object(item) = item else { return Err(self.malformed(place, "it is no object")) };
            self.push(&place, foreign(item))?;
        }
        Ok(())
    }

    /// From package to what is known of its update.
    fn entries(&mut self, object: Map<String, Value>) -> Result<()> {
        for (name, value) in object {
            let place = format!("key `{name}`");
            let package = (Key::Package, Value::String(name.clone()));
            match value {
                Value::Array(packages) => self.repology(&packages)?,
                Value::String(to) => self.push(&place, [package, (Key::To, Value::String(to))].into_iter())?,
                Value::Object(item) => {
                    let others = foreign(item).filter(|(key, _)| !matches!(key, Key::Package | Key::Name));
                    self.push(&place, std::iter::once(package).chain(others))?;
                }
                _ => return Err(self.malformed(place, "neither a version nor an object")),
            }
        }
        Ok(())
    }

    /// A project of Repology's: what Nix has of it, and the newest version that anybody has.
    fn repology(&mut self, packages: &[Value]) -> Result<()> {
        let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        let newest = packages.iter().find(|package| text(package, "status").as_deref() == Some("newest"));
        let newest = newest.and_then(|package| text(package, "version"));
        let in_nix = |package: &&Value| text(package, "repo").is_some_and(|repo| repo.starts_with("nix"));
        let mut is_in_nix = false;
        for package in packages.iter().filter(in_nix) {
            is_in_nix = true;
            let Some(name) = text(package, "srcname").or_else(|| text(package, "name")) else {
                self.updates.pass_over("Repology says no attribute");
                continue;
            };
            match (text(package, "status").as_deref(), &newest) {
                (Some("outdated" | "legacy"), Some(newest)) => {
                    let from = text(package, "version").map(|from| (Key::From, Value::String(from)));
                    let fields = [(Key::Package, Value::String(name.clone())), (Key::To, Value::String(newest.clone()))];
                    self.push(&format!("key `{name}`"), fields.into_iter().chain(from))?;
                }
                (Some("outdated" | "legacy"), None) => self.updates.pass_over("Repology says no newest version"),
                _ => self.updates.pass_over("Repology does not call it outdated"),
            }
        }
        if !is_in_nix {
            self.updates.pass_over("Repology knows it from other repositories only");
        }
        Ok(())
    }
}

/// The fields that are known of another tool's entry; it may have more.
fn foreign(item: Map<String, Value>) -> impl Iterator<Item = (Key, Value)> {
    item.into_iter().filter(|(_, value)| !value.is_null()).filter_map(|(name, value)| Some((Key::of(&name)?, value)))
}

fn update(fields: impl Iterator<Item = (Key, Value)>) -> Result<Update, String> {
    let mut update = Update { weight: 1.0, ..Update::default() };
    let mut name = None;
    for (key, value) in fields {
        match key {
            Key::Package => update.package = string("package", &value)?.unwrap_or_default(),
            Key::Name => name = string("name", &value)?,
            Key::From => update.from = string("from", &value)?,
            Key::To => update.to = string("to", &value)?,
            Key::Weight => update.weight = number("weight", &value, None)?,
            Key::Risk => update.risk = Some(number("risk", &value, Some(1.0))?),
            Key::Urgency => update.urgency = number("urgency", &value, None)?,
            Key::Solo => update.solo = reason("solo", &value)?.is_some(),
            Key::Pin => update.pin = reason("pin", &value)?,
            Key::Skip => update.skip = reason("skip", &value)?,
            Key::Group => update.group = string("group", &value)?,
        }
    }
    if update.package.is_empty() {
        update.package = name.unwrap_or_default();
    }
    if update.package.is_empty() {
        return Err("it names no package".to_owned());
    }
    Ok(update)
}

/// A value of TOML; a version may look like a date, and is a text then.
fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}

fn string(key: &str, value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(format!("`{key}` is {value}: write a text")),
    }
}

fn number(key: &str, value: &Value, most: Option<f64>) -> Result<f64, String> {
    let parsed = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let within = parsed.filter(|number| number.is_finite() && *number >= 0.0 && most.is_none_or(|most| *number <= most));
    let range = most.map_or_else(|| "from 0".to_owned(), |most| format!("from 0 to {most}"));
    within.ok_or_else(|| format!("`{key}` is {value}: write a number {range}"))
}

/// Yes, no, or yes and why.
fn reason(key: &str, value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Bool(true) => Ok(Some("as the list says".to_owned())),
        // Spreadsheets write TRUE and FALSE.
        Value::String(text) => Ok(match text.trim().to_ascii_lowercase().as_str() {
            "" | "false" | "no" | "0" => None,
            "true" | "yes" | "1" => Some("as the list says".to_owned()),
            _ => Some(text.trim().to_owned()),
        }),
        _ => Err(format!("`{key}` is {value}: write true, false, or why")),
    }
}
