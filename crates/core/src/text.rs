//! Numbers, times and sizes as a person says them, and text that no terminal obeys.

use std::borrow::Cow;

/// Text without what a terminal would obey: control characters and those that turn the direction of text.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_active) { Cow::Owned(text.replace(is_active, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(crate) fn is_active(character: char) -> bool {
    character.is_control() || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first characters of a text, and `…` if there are more.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether Nix takes a text for a name: an identifier that is no keyword.
pub(crate) fn is_nix_identifier(text: &str) -> bool {
    const KEYWORDS: [&str; 10] = ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '\'');
    begins && text.chars().all(is_plain) && !KEYWORDS.contains(&text)
}

/// A number with thousands separators: `112,942`.
pub fn number(value: impl TryInto<u64>) -> String {
    let digits = value.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 package`, `2 packages`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count as u64), if count == 1 { one } else { many })
}

/// The first few of a list, and how many more there are: `glibc, zlib and 3 more`.
pub fn first_few<T: AsRef<str>>(items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>, limit: usize) -> String {
    let items = items.into_iter();
    let more = items.len().saturating_sub(limit);
    let first = items.take(limit).map(|item| item.as_ref().to_owned()).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {} more", number(more as u64)) }
}

/// The same of a list that the user limits.
pub fn limited(items: &[String], limit: usize) -> String {
    first_few(items, limit) + if items.len() > limit { " (--limit shows more)" } else { "" }
}

/// A share in percent, one digit behind the point.
pub fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "0.0 %".to_owned();
    }
    let tenths = (part as u128 * 2000 + whole as u128) / (whole as u128 * 2);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Seconds as a person says them: `45 s`, `12 m`, `3 h 20 m`; from a hundred hours on without minutes. Rounded.
pub fn duration(seconds: u64) -> String {
    let minutes = (seconds + 30) / 60;
    match (seconds, minutes) {
        (0..60, _) => format!("{seconds} s"),
        (_, 0..60) => format!("{minutes} m"),
        (_, 60..6000) => format!("{} h {} m", minutes / 60, minutes % 60),
        _ => format!("{} h", number((seconds + 1800) / 3600)),
    }
}

/// Seconds as hours, to a hundredth: as plans say them.
pub fn rounded_hours(seconds: u64) -> f64 {
    (seconds as f64 / 36.0).round() / 100.0
}

/// Hours as a person says them.
#[expect(clippy::cast_sign_loss, reason = "nothing takes less than no time")]
pub fn hours(hours: f64) -> String {
    duration((hours * 3600.0).round() as u64)
}

/// Bytes in binary units, one digit behind the point: `1.5 GiB`. Rounded.
pub fn bytes(bytes: u64) -> String {
    let mut tenths = u128::from(bytes) * 10;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    if bytes < 1024 {
        return format!("{bytes} {unit}");
    }
    while tenths >= 10_240 {
        let Some(next) = units.next() else { break };
        (tenths, unit) = ((tenths + 512) / 1024, next);
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        for (value, text) in [(0_u64, "0"), (999, "999"), (1000, "1,000"), (112_942, "112,942"), (1_234_567_890, "1,234,567,890")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(counted(1, "package", "packages"), "1 package");
        assert_eq!(counted(0, "package", "packages"), "0 packages");
    }

    #[test]
    fn of_a_list_the_rest_is_counted() {
        let items = ["a", "b", "c"].map(str::to_owned);
        for (limit, text) in [(2, "a, b and 1 more"), (3, "a, b, c"), (9, "a, b, c")] {
            assert_eq!(first_few(&items, limit), text, "{limit}");
        }
        assert_eq!((limited(&items, 1), limited(&items, 3)), ("a and 2 more (--limit shows more)".into(), "a, b, c".into()));
    }

    #[test]
    fn shares_are_rounded() {
        assert_eq!(
            (percent(1, 3), percent(2, 3), percent(1, 1), percent(0, 0)),
            ("33.3 %".into(), "66.7 %".into(), "100.0 %".into(), "0.0 %".into())
        );
    }

    #[test]
    fn durations_are_rounded() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 m"),
            (89, "1 m"),
            (90, "2 m"),
            (3569, "59 m"),
            (3570, "1 h 0 m"),
            (12_000, "3 h 20 m"),
            (359_969, "99 h 59 m"),
            (359_970, "100 h"),
            (44_445_000, "12,346 h"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn bytes_have_units() {
        for (count, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (1_610_612_736, "1.5 GiB"), (u64::MAX, "16.0 EiB")]
        {
            assert_eq!(bytes(count), text, "{count}");
        }
    }
}
