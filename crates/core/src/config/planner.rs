//! `[[groups]]`, `[[pins]]` and `one-version`: what a package set knows of its own upgrades.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pattern::AttributePattern;

/// `[[groups]]`: packages that are updated together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Its packages: attribute paths, or globs over them.
    pub packages: Vec<AttributePattern>,
    /// Why they belong together.
    #[serde(default)]
    pub reason: String,
    /// What is done if an update that is not in it lies between two that are.
    #[serde(default)]
    pub between: Between,
}

/// What is done if a group would have to be updated both before and after something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// What lies between is taken into the group.
    #[default]
    Absorb,
    /// The group is taken apart.
    Reject,
}

/// `[[pins]]`: a package that keeps its inputs as they are during a major wave.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pin {
    /// The package, as `--root` names it.
    pub package: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Day,
}

/// A day: `2027-01-31`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

impl Day {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day of Greenwich at a time in seconds since 1970; `None` if that is no day of the calendar.
    pub fn of_time(seconds: u64) -> Option<Self> {
        let date = time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?.date();
        Self::try_from(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())).ok()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let is_day = || {
            let [year, month, day] = parts[..] else { return None };
            let is_written = (year.len(), month.len(), day.len()) == (4, 2, 2);
            let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
            time::Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok().filter(|_| is_written)
        };
        if is_day().is_none() {
            return Err(format!("`{text}` is no day: write it as 2027-01-31"));
        }
        Ok(Self(text))
    }
}

/// What is wrong with groups and pins that serde cannot see: the key, and why.
pub(super) fn check(groups: &[Group], pins: &[Pin]) -> Result<(), (&'static str, String)> {
    for (at, group) in groups.iter().enumerate() {
        if group.name.trim().is_empty() || group.packages.is_empty() {
            return Err(("groups", format!("group {} needs a `name`, and `packages`", at + 1)));
        }
        if groups[..at].iter().any(|other| other.name == group.name) {
            return Err(("groups", format!("two groups are named `{}`", group.name)));
        }
    }
    match pins.iter().find(|pin| pin.package.trim().is_empty() || pin.reason.trim().is_empty()) {
        Some(pin) => Err(("pins", format!("the pin of `{}` needs a `package`, and a `reason` to tell its maintainers", pin.package))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_the_calendar() {
        for (text, is_day) in [("2027-01-31", true), ("2028-02-29", true), ("2027-02-29", false), ("2027-1-31", false), ("soon", false)] {
            assert_eq!(Day::try_from(text.to_owned()).is_ok(), is_day, "{text}");
        }
        assert!(Day::try_from("2026-12-01".to_owned()) < Day::try_from("2027-01-31".to_owned()));
    }
}
