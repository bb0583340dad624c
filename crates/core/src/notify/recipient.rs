//! Who is told: a person or a team, under the name that a dump or an owners file gives.

use std::cmp::Ordering;

/// Characters of a GitHub handle, at most.
const MAX_HANDLE: usize = 39;
/// Characters of a team's slug, at most.
const MAX_SLUG: usize = 100;

/// A person or a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientKind {
    /// One person.
    Person,
    /// A team; who its members are is not known.
    Team,
}

/// Who is told.
///
/// Two recipients are equal if GitHub would take them for the same: handles and slugs have no case. A name that is
/// neither is compared as it stands.
#[derive(Clone, Debug)]
pub struct Recipient {
    kind: RecipientKind,
    name: String,
    handle: Option<String>,
    /// What it is compared by.
    key: String,
}

impl Recipient {
    /// A person, by handle, name or address.
    pub fn person(name: &str) -> Self {
        let handle = is_handle(name).then(|| name.to_owned());
        Self::new(RecipientKind::Person, name.to_owned(), handle)
    }

    /// A team, by `organisation/slug` or by its bare name, which is a slug of `organisation` if that is given.
    pub fn team(name: &str, organisation: Option<&str>) -> Self {
        let full = match organisation {
            Some(organisation) if is_slug(name) => format!("{organisation}/{name}"),
            _ => name.to_owned(),
        };
        let is_team = full.split_once('/').is_some_and(|(organisation, slug)| is_handle(organisation) && is_slug(slug));
        let handle = is_team.then(|| full.clone());
        Self::new(RecipientKind::Team, full, handle)
    }

    fn new(kind: RecipientKind, name: String, handle: Option<String>) -> Self {
        let key = if handle.is_some() { name.to_ascii_lowercase() } else { name.clone() };
        Self { kind, name, handle, key }
    }

    /// What it is.
    pub fn kind(&self) -> RecipientKind {
        self.kind
    }

    /// Its name, as it was given: from a dump, so it may hold anything.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its handle, `name` or `organisation/slug`, if its name is one: letters, digits and hyphens, a slug also `_`.
    pub fn handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// Whether somebody who typed `name` can mean it: `Name`, `@name`, `organisation/slug` or `slug`.
    pub fn is_named(&self, name: &str) -> bool {
        let typed = name.strip_prefix('@').unwrap_or(name);
        let slug = self.handle().filter(|_| self.kind == RecipientKind::Team).and_then(|handle| handle.split_once('/'));
        self.name.eq_ignore_ascii_case(typed) || slug.is_some_and(|(_, slug)| slug.eq_ignore_ascii_case(typed))
    }

    /// A file name without suffix, which is nobody else's unless two differ only in what is left out.
    ///
    /// A handle stands for itself. All else begins with a word and `_`, which no handle has, and keeps letters and digits
    /// only: it can neither climb out of a directory nor hide in it.
    pub fn file_stem(&self) -> String {
        let plain = |text: &str| text.replace(|character: char| !character.is_ascii_alphanumeric() && character != '-', "-");
        match (self.kind, self.handle()) {
            (RecipientKind::Person, Some(_)) => self.key.clone(),
            (RecipientKind::Team, Some(_)) => format!("team_{}", self.key.replace('/', "_")),
            (_, None) => {
                let plain: String = plain(&self.name).to_ascii_lowercase().trim_matches('-').chars().take(MAX_HANDLE).collect();
                format!("name_{plain}")
            }
        }
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Recipient {}

impl PartialOrd for Recipient {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Recipient {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.key, self.kind).cmp(&(&other.key, other.kind))
    }
}

impl std::hash::Hash for Recipient {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.kind.hash(state);
    }
}

/// Whether a name is the handle of a GitHub account.
pub(super) fn is_handle(name: &str) -> bool {
    is_word(name, MAX_HANDLE, b"-")
}

/// Whether a name is the slug of a GitHub team.
pub(super) fn is_slug(name: &str) -> bool {
    is_word(name, MAX_SLUG, b"-_")
}

/// Letters, digits and what else is allowed, the first a letter or digit.
fn is_word(name: &str, most: usize, others: &[u8]) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    name.len() <= most && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_handles_are_handles() {
        for name in ["fabaff", "7c6f434c", "Mic92", "a-b", "a-", &"a".repeat(39)] {
            assert_eq!(Recipient::person(name).handle(), Some(name));
        }
        for name in ["", "-a", "a_b", "a b", "a/b", "../../x", "@a", "a@b.org", "Bé", "a\u{202e}b", "a\nb", &"a".repeat(40)] {
            assert_eq!(Recipient::person(name).handle(), None, "{name:?}");
        }
        assert_eq!(Recipient::team("NixOS/cuda_1", None).handle(), Some("NixOS/cuda_1"));
        assert_eq!(Recipient::team("rust", Some("NixOS")).handle(), Some("NixOS/rust"));
        for name in ["rust", "a/b/c", "/b", "a/", "a_b/c", "a/../b", "Qt and what is built with it"] {
            assert_eq!(Recipient::team(name, None).handle(), None, "{name:?}");
        }
        assert_eq!(Recipient::team("Qt team", Some("NixOS")).handle(), None);
        assert_eq!(Recipient::team("Other/rust", Some("NixOS")).handle(), Some("Other/rust"));
    }

    #[test]
    fn handles_have_no_case() {
        assert_eq!(Recipient::person("Mic92"), Recipient::person("mic92"));
        assert_ne!(Recipient::person("Fay Example"), Recipient::person("fay example"));
        assert_ne!(Recipient::person("rust"), Recipient::team("rust", None));
        assert_eq!(Recipient::team("Rust", Some("nixos")), Recipient::team("NixOS/rust", None));
        assert!(Recipient::person("Mic92").is_named("@mIC92") && Recipient::team("NixOS/rust", None).is_named("Rust"));
        assert!(!Recipient::person("Mic92").is_named("Mic"));
    }

    #[test]
    fn a_file_name_stays_in_its_directory() {
        for (name, stem) in
            [("Mic92", "mic92"), ("../../x", "name_x"), ("fay@example.org", "name_fay-example-org"), ("\u{202e}..", "name_")]
        {
            assert_eq!(Recipient::person(name).file_stem(), stem);
        }
        assert_eq!(Recipient::team("NixOS/Rust", None).file_stem(), "team_nixos_rust");
        assert_eq!(Recipient::team("../x", None).file_stem(), "name_x");
        assert!(Recipient::person(&"é/".repeat(500)).file_stem().len() < 50);
    }
}
