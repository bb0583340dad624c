//! Where a cache is.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use crate::Error;

/// The URL of a binary cache. Shown without credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct CacheUrl {
    shown: String,
    pub(crate) place: Place,
}

/// Where its files are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below a URL without slash at the end, credentials included.
    Http(String),
    /// In a directory.
    Directory(PathBuf),
}

impl CacheUrl {
    /// Reads `http://…`, `https://…` or `file:///…`, as Nix's `substituters` has them.
    ///
    /// What stands behind a `?` are Nix's own settings, such as `priority`: they are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Url`], which shows no credentials.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::Url { url: without_credentials(text), reason: reason.to_owned() };
        let location = text.split(['?', '#']).next().unwrap_or(text);
        match location.split_once("://") {
            Some(("file", directory)) if directory.starts_with('/') => {
                let directory = percent_decode_str(directory).decode_utf8().map_err(|_| invalid("the directory is not UTF-8"))?;
                Ok(Self { shown: format!("file://{directory}"), place: Place::Directory(PathBuf::from(directory.into_owned())) })
            }
            Some(("file", _)) => Err(invalid("a directory is named in full (hint: file:///directory)")),
            Some(("http" | "https", _)) => Self::http(location).ok_or_else(|| invalid("not a URL")),
            Some(_) => Err(invalid("waves asks caches over https://, http:// and file:// only")),
            None if location.starts_with(['/', '.']) => Err(invalid("not a URL (hint: a directory is file:///directory)")),
            None => Err(invalid("not a URL (hint: does https:// stand before it?)")),
        }
    }

    fn http(location: &str) -> Option<Self> {
        let location = location.trim_end_matches('/');
        let uri: Uri = location.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.host().is_empty())?;
        let port = authority.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = uri.path().trim_end_matches('/');
        let shown = format!("{}://{}{port}{path}", uri.scheme_str()?, authority.host());
        Some(Self { shown, place: Place::Http(location.to_owned()) })
    }

    /// Whether it is a directory of this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Directory(_))
    }
}

impl fmt::Display for CacheUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for CacheUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What was typed, without all that may be a user and a password.
fn without_credentials(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split(['?', '#']).next().unwrap_or(host);
    format!("{scheme}{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        CacheUrl::parse(text).expect(text).to_string()
    }

    #[test]
    fn what_is_shown_has_no_credentials_and_no_settings() {
        assert_eq!(shown("https://cache.nixos.org"), "https://cache.nixos.org");
        assert_eq!(shown("https://cache.nixos.org/"), "https://cache.nixos.org");
        assert_eq!(shown("https://user:secret@example.org:8080/a/b//?priority=10"), "https://example.org:8080/a/b");
        assert_eq!(shown("http://[::1]:80/nix"), "http://[::1]:80/nix");
        assert_eq!(shown("file:///var/cache/a%20b?trusted=1"), "file:///var/cache/a b");
        let url = CacheUrl::parse("https://user:secret@example.org/").expect("a URL");
        assert_eq!(format!("{url:?}"), "https://example.org");
        assert!(url.place == Place::Http("https://user:secret@example.org".to_owned()));
    }

    #[test]
    fn what_is_no_url_says_what_to_type() {
        for (text, reason) in [
            ("cache.nixos.org", "--cache cache.nixos.org: not a URL (hint: does https:// stand before it?)"),
            ("/var/cache", "--cache /var/cache: not a URL (hint: a directory is file:///directory)"),
            ("file://cache", "--cache file://cache: a directory is named in full (hint: file:///directory)"),
            ("s3://bucket?region=x", "--cache s3://bucket: waves asks caches over https://, http:// and file:// only"),
            ("https://", "--cache https://: not a URL"),
            ("https://:80", "--cache https://:80: not a URL"),
            ("https://a b", "--cache https://a b: not a URL"),
            ("https://user:sec ret@example.org/a", "--cache https://example.org/a: not a URL"),
            ("user:secret@example.org", "--cache example.org: not a URL (hint: does https:// stand before it?)"),
        ] {
            assert_eq!(CacheUrl::parse(text).expect_err(text).to_string(), reason);
        }
    }
}
