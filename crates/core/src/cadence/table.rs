//! Tables of releases, as CSV or JSON.
//!
//! | columns or keys | what for |
//! |---|---|
//! | `package` | as `--root` names it |
//! | `days` | days from one release to the next |
//! | `released`, `version` | a release, a row each; the mean of the times between them counts |
//! | `weight` | what a day behind costs, relative to others; 1 if nothing is said |
//!
//! JSON is a list of objects with these keys. A package with neither days nor releases is one whose history is to be asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Release, Releaser};
use crate::cost::line_number;
use crate::error::{Error, Result};
use crate::ingest::open;

/// What a table says of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// The package, as `--root` names it.
    pub package: String,
    /// What a day behind costs, relative to others.
    pub weight: f64,
    /// Days from one release to the next, if they are stated.
    pub days: Option<f64>,
    /// Its releases, if they are listed, oldest first.
    pub releases: Vec<Release>,
}

/// A table of releases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Releases {
    /// Packages in the order of the table, each once.
    pub rows: Vec<TableRow>,
}

impl TableRow {
    /// A package of which nothing is known yet.
    pub fn named(package: &str) -> Self {
        Self { package: package.to_owned(), weight: 1.0, days: None, releases: Vec::new() }
    }

    /// How often it releases, if the table says that.
    pub fn releaser(&self) -> Option<Releaser> {
        match self.days {
            Some(days) => {
                let (package, releases) = (self.package.clone(), self.releases.clone());
                Some(Releaser { package, weight: self.weight, days, releases, unread: 0 })
            }
            None => Releaser::of(&self.package, self.weight, self.releases.clone()),
        }
    }
}

/// The fields of a row, as text.
type Fields = BTreeMap<String, String>;

const COLUMNS: [&str; 5] = ["package", "days", "released", "version", "weight"];

impl Releases {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], and [`Error::Malformed`] with line or item, and what to write instead.
    pub fn read(path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        Self::parse(&bytes, &path.display().to_string())
    }

    /// Reads the bytes of a file that errors call `input`.
    ///
    /// # Errors
    ///
    /// As [`Releases::read`].
    pub fn parse(bytes: &[u8], input: &str) -> Result<Self> {
        let malformed = |place: String, reason: String| Error::Malformed { input: input.to_owned(), place, reason };
        let is_json = matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'[' | b'{'));
        let rows = if is_json { json(bytes) } else { csv(bytes) }.map_err(|(place, reason)| malformed(place, reason))?;
        let mut releases = Self::default();
        for (place, fields) in rows {
            releases.add(&fields).map_err(|reason| malformed(place, reason))?;
        }
        if releases.rows.is_empty() {
            return Err(malformed("line 1".to_owned(), "no package in it (hint: a CSV with the columns package, days)".to_owned()));
        }
        for row in &mut releases.rows {
            row.releases.sort();
        }
        Ok(releases)
    }

    fn add(&mut self, fields: &Fields) -> Result<(), String> {
        let text = |key: &str| fields.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
        let number = |key: &str| {
            let above = |text: &str| text.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
            text(key).map(|text| above(text).ok_or_else(|| format!("`{key}` is `{text}` (hint: a number above 0)"))).transpose()
        };
        let package = text("package").ok_or("it names no `package`")?;
        let (days, weight) = (number("days")?, number("weight")?);
        let day = text("released").map(|text| day(text).ok_or_else(|| format!("`released` is `{text}` (hint: a day such as 2026-01-31)")));
        let release = day.transpose()?.map(|day| Release { day, version: text("version").map(str::to_owned) });
        let at = self.rows.iter().position(|row| row.package == package).unwrap_or_else(|| {
            self.rows.push(TableRow::named(package));
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        if days.is_some() && row.days.is_some_and(|known| Some(known) != days) {
            return Err(format!("`{package}` has other `days` in an earlier row"));
        }
        row.days = row.days.or(days);
        row.weight = weight.unwrap_or(row.weight);
        row.releases.extend(release);
        Ok(())
    }
}

/// A day, counted from 1970-01-01; what stands behind it, such as a time, does not count.
fn day(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let (day, behind) = rest.split_at_checked(2)?;
    let is_day = behind.is_empty() || behind.starts_with(['T', ' ']);
    let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = time::Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok().filter(|_| is_day)?;
    Some(i64::from(date.to_julian_day()) - 2_440_588)
}

/// Where a row is, and what it says; or where it is, and what is wrong.
type Rows = Result<Vec<(String, Fields)>, (String, String)>;

fn csv(bytes: &[u8]) -> Rows {
    let place = |position: Option<&csv::Position>| {
        let start = position.map_or(0, csv::Position::byte) as usize;
        format!("line {}", line_number(bytes, start))
    };
    // Its own words for the place are of lines that end otherwise.
    let wrong =
        |error: csv::Error| (place(error.position()), "its number of columns is not that of the header, or it is not UTF-8".to_owned());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let headers = reader.headers().map_err(wrong)?.clone();
    let columns: Vec<String> = headers.iter().map(column).collect();
    if !columns.iter().any(|column| column == "package") {
        return Err((place(headers.position()), format!("no column `package` (hint: columns are {})", COLUMNS.join(", "))));
    }
    unknown(columns.iter()).map_err(|reason| (place(headers.position()), reason))?;
    let records = reader.records().map(|record| {
        let record = record.map_err(wrong)?;
        Ok((place(record.position()), columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect()))
    });
    records.collect()
}

fn json(bytes: &[u8]) -> Rows {
    let wrong = |error: serde_json::Error| {
        (format!("line {}, column {}", error.line(), error.column()), format!("{error} (hint: a list of objects)"))
    };
    let items: Vec<Map<String, Value>> = serde_json::from_slice(bytes).map_err(wrong)?;
    let field = |(key, value): (String, Value)| {
        let text = match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        (column(&key), text)
    };
    let rows = items.into_iter().enumerate().map(|(at, item)| {
        let (place, fields) = (format!("item {}", at + 1), item.into_iter().map(field).collect::<Fields>());
        unknown(fields.keys()).map_err(|reason| (place.clone(), reason))?;
        Ok((place, fields))
    });
    rows.collect()
}

/// What a column is called here.
fn column(title: &str) -> String {
    match title.trim().to_ascii_lowercase().as_str() {
        "attr" | "attribute" => "package".to_owned(),
        "date" | "day" => "released".to_owned(),
        "interval" | "interval_days" => "days".to_owned(),
        other => other.to_owned(),
    }
}

/// That there is a column that nobody knows.
fn unknown<'c>(mut columns: impl Iterator<Item = &'c String>) -> Result<(), String> {
    match columns.find(|column| !COLUMNS.contains(&column.as_str())) {
        Some(column) => Err(format!("`{column}` is no column (hint: columns are {})", COLUMNS.join(", "))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Releases::parse(text.as_bytes(), "releases.csv").expect_err("wrong").to_string()
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = "package,days,released,version,weight\nhello,30,,,\njq,,2026-01-01,1.7,2\njq,,2026-01-31T12:00:00Z,1.8,\n";
        let json = r#"[{"package":"hello","days":30},{"attr":"jq","date":"2026-01-31","version":"1.8","weight":2},
            {"package":"jq","released":"2026-01-01","version":"1.7","weight":null}]"#;
        let releases = Releases::parse(csv.as_bytes(), "a").expect("a table");
        assert_eq!(releases, Releases::parse(json.as_bytes(), "b").expect("a table"));
        let [hello, jq] = &releases.rows[..] else { panic!("two packages") };
        assert_eq!((hello.days, jq.weight, jq.releaser().expect("two releases").days), (Some(30.0), 2.0, 30.0));
        // `date -d 2026-01-31 +%s` / 86400
        assert_eq!(jq.releases[1].day, 20_484);
    }

    #[test]
    fn errors_name_place_and_fix() {
        for (text, parts) in [
            ("", &["no column `package`"][..]),
            ("package,days\n", &["no package in it"]),
            ("package,dayz\nhello,1\n", &["line 1", "`dayz` is no column", "days"]),
            ("package,days\nhello,1\njq,0\n", &["line 3", "`days` is `0`", "above 0"]),
            ("package,released\nhello,31.1.2026\n", &["line 2", "2026-01-31"]),
            ("package,days\nhello,1\nhello,2\n", &["line 3", "earlier row"]),
            ("package,days\n,1\n", &["line 2", "names no `package`"]),
            ("package,days\r\nhello,1\r\njq,0\r\n", &["line 3", "above 0"]),
            ("package,days\r\nhello,1\r\njq\r\n", &["line 3", "number of columns"]),
            ("\n\npackage,dayz\nhello,1\n", &["line 3", "`dayz` is no column"]),
            ("[{\"package\":\"a\",\"days\":-1}]", &["item 1", "above 0"]),
            ("{\"a\":1}", &["line 1", "list of objects"]),
        ] {
            let message = error(text);
            assert!(parts.iter().all(|part| message.contains(part)), "{text:?}\n{message}");
        }
    }
}
