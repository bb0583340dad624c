//! What day it is: the only clock. `$SOURCE_DATE_EPOCH` stops it, so that the same input gives the same output.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, Month};
use waves_core::config::Day;

use crate::commands::Failure;

/// What stops the clock: seconds since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64, Failure> {
    match env::var(EPOCH) {
        Ok(seconds) => seconds.parse().map_err(|_| Failure::Usage(format!("`{EPOCH}` is `{seconds}`: seconds since 1970 are expected"))),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())),
    }
}

/// The day, of Greenwich.
pub(crate) fn today() -> Result<Day, Failure> {
    Day::of_time(now()?).ok_or_else(|| Failure::Usage(format!("`{EPOCH}` is no day of the calendar")))
}

/// A time as it is typed: a day, which begins in Greenwich, or seconds since 1970.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || "a day such as 2024-11-30, or seconds since 1970".to_owned();
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else { return Err(wrong()) };
    let month = month.parse::<u8>().ok().and_then(|month| Month::try_from(month).ok());
    let date =
        year.parse().ok().zip(month).zip(day.parse().ok()).and_then(|((year, month), day)| Date::from_calendar_date(year, month, day).ok());
    date.and_then(|date| u64::try_from(date.midnight().assume_utc().unix_timestamp()).ok()).ok_or_else(wrong)
}
