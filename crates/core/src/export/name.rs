//! Names from evaluations, as a shell and as Nix read them: whatever is in them, they are names and nothing else.

use crate::text::is_nix_identifier;

/// Whether a file can be called so.
pub(super) fn is_file(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(is_plain) && name.len() <= 100
}

/// The components of an attribute path, in which those with a dot stand in quotes.
pub(super) fn components(path: &str) -> Vec<&str> {
    let mut components = Vec::new();
    let mut rest = path;
    loop {
        let quoted = rest.strip_prefix('"').and_then(|inner| {
            let end = inner.find("\".").or_else(|| inner.len().checked_sub(1).filter(|_| inner.ends_with('"')))?;
            Some((&inner[..end], &inner[end + 1..]))
        });
        let (component, behind) = quoted.unwrap_or_else(|| rest.split_at(rest.find('.').unwrap_or(rest.len())));
        components.push(component);
        match behind.strip_prefix('.') {
            Some(behind) => rest = behind,
            None => return components,
        }
    }
}

/// The path as `-A` takes it; `None` if it cannot: a component with a quote, an empty one, or a number, which is one of a list.
pub(super) fn typed(path: &str) -> Option<String> {
    let typed = |component: &str| {
        let is_refused = component.is_empty() || component.contains(['"', '\0']) || component.parse::<u32>().is_ok();
        let quoted = if component.contains('.') { format!("\"{component}\"") } else { component.to_owned() };
        (!is_refused).then_some(quoted)
    };
    let components: Option<Vec<String>> = components(path).into_iter().map(typed).collect();
    components.map(|components| components.join("."))
}

/// A word of a shell.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_./:@%+=,-".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// A string of Nix.
pub(super) fn nix_string(text: &str) -> String {
    let mut string = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' | '"' | '$' => string.extend(['\\', letter]),
            '\n' => string.push_str("\\n"),
            '\r' => string.push_str("\\r"),
            '\t' => string.push_str("\\t"),
            _ => string.push(letter),
        }
    }
    string.push('"');
    string
}

/// What Nix selects with an attribute path, in a set.
pub(super) fn selection(set: &str, path: &str) -> String {
    components(path).into_iter().fold(set.to_owned(), |set, component| format!("{set}.{}", nix_name(component)))
}

/// A name of Nix, in quotes if it has to be.
pub(super) fn nix_name(name: &str) -> String {
    if is_nix_identifier(name) { name.to_owned() } else { nix_string(name) }
}

/// One line of a comment.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_components() {
        for (path, expected) in [
            ("hello", &["hello"][..]),
            ("a.b.c", &["a", "b", "c"]),
            ("nodePackages.\"socket.io\"", &["nodePackages", "socket.io"]),
            ("\"a.b\".c.\"d.e\"", &["a.b", "c", "d.e"]),
            ("a\"b.c", &["a\"b", "c"]),
            ("\"a", &["\"a"]),
            ("\"", &["\""]),
            ("a.", &["a", ""]),
            ("\"\".a", &["", "a"]),
        ] {
            assert_eq!(components(path), expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_typed_is_not() {
        assert_eq!(typed("a.\"b.c\".d e").as_deref(), Some("a.\"b.c\".d e"));
        for path in ["a.1", "a.", "a\"b", "\"\""] {
            assert_eq!(typed(path), None, "{path}");
        }
    }

    #[test]
    fn files_stay_where_they_are_written() {
        assert!(is_file("wave-1.2"));
        for name in ["../wave-1.2", ".wave", "wave 1", "a/b", "", "wave-1.2\n"] {
            assert!(!is_file(name), "{name:?}");
        }
    }
}
