//! Tags: those that close a wave, and those by which a package's own repository says that it supports one.

use std::path::Path;

use git2::{Direction, ErrorCode, ObjectType, Repository, Signature, Time};

use crate::error::{Error, Result};
use crate::estimate::refused;

/// Who makes a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagger {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl Tagger {
    /// Takes `Ada <ada@example.org>` apart.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, email) = text.trim().strip_suffix('>')?.split_once('<')?;
        let (name, email) = (name.trim().to_owned(), email.trim().to_owned());
        (!name.is_empty() && email.contains('@')).then_some(Self { name, email })
    }
}

/// What a tag is made of.
#[derive(Clone, Debug)]
pub struct NewTag<'a> {
    /// Its name.
    pub name: &'a str,
    /// The commit that it names; `None` is `HEAD`.
    pub revision: Option<&'a str>,
    /// Its message.
    pub message: &'a str,
    /// Who makes it; `None` is who the repository's configuration says.
    pub tagger: Option<&'a Tagger>,
    /// In seconds since 1970.
    pub time: u64,
}

/// What became of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// It was made.
    Made {
        /// The commit that it names.
        commit: String,
    },
    /// It names that commit already: whoever made it was stopped before the ledger said so.
    Found {
        /// The commit that it names.
        commit: String,
    },
    /// It names another commit, and was left alone.
    Elsewhere {
        /// The commit that it names.
        commit: String,
        /// The commit that it was to name.
        wanted: String,
    },
}

/// A repository whose commits are tagged.
pub struct TagRepository(Repository);

impl TagRepository {
    /// Finds the repository that a directory is in.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] if there is none, or if it belongs to somebody else.
    pub fn discover(directory: &Path) -> Result<Self> {
        Repository::discover(directory).map(Self).map_err(|error| refused(directory, &error))
    }

    /// Makes an annotated tag, unless there is one of that name: that is never moved.
    ///
    /// # Errors
    ///
    /// [`Error::Revision`] if there is no such commit; [`Error::Repository`] if nobody says who makes the tag, or it cannot be
    /// written.
    pub fn tag(&self, new: &NewTag<'_>) -> Result<Tagged> {
        let git = &self.0;
        let refused = |error: git2::Error| refused(git.path(), &error);
        let revision = new.revision.unwrap_or("HEAD");
        let wanted = git
            .revparse_single(revision)
            .and_then(|object| object.peel_to_commit())
            .map_err(|error| Error::Revision { revision: revision.to_owned(), reason: error.message().to_owned() })?;
        let commit = wanted.id().to_string();
        match git.find_reference(&format!("refs/tags/{}", new.name)) {
            Ok(there) => {
                let there = there.peel(ObjectType::Commit).map_err(refused)?.id().to_string();
                return Ok(if there == commit { Tagged::Found { commit } } else { Tagged::Elsewhere { commit: there, wanted: commit } });
            }
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(refused(error)),
        }
        let signature = self.signature(new)?;
        git.tag(new.name, wanted.as_object(), &signature, new.message, false).map_err(refused)?;
        Ok(Tagged::Made { commit })
    }

    fn signature(&self, new: &NewTag<'_>) -> Result<Signature<'static>> {
        let time = Time::new(i64::try_from(new.time).unwrap_or(i64::MAX), 0);
        let made = match new.tagger {
            Some(tagger) => Signature::new(&tagger.name, &tagger.email, &time),
            None => self.0.signature().and_then(|own| {
                let (name, email) = (own.name().unwrap_or_default(), own.email().unwrap_or_default());
                Signature::new(name, email, &time)
            }),
        };
        made.map_err(|error| Error::Repository {
            path: self.0.path().to_owned(),
            reason: format!(
                "nobody says who makes the tag: {} (hint: --tagger 'NAME <ADDRESS>', or `git config user.name`)",
                error.message()
            ),
        })
    }
}

/// Asks a repository of this machine, by its directory or a `file://` address, whether it has a tag: nothing is fetched.
///
/// # Errors
///
/// [`Error::Repository`] if it cannot be asked.
pub fn remote_has_tag(url: &str, tag: &str) -> Result<bool> {
    let ask = || -> Result<bool, git2::Error> {
        let mut remote = git2::Remote::create_detached(url)?;
        let connection = remote.connect_auth(Direction::Fetch, None, None)?;
        let wanted = format!("refs/tags/{tag}");
        Ok(connection.list()?.iter().any(|head| head.name() == wanted))
    };
    ask().map_err(|error| Error::Repository { path: url.into(), reason: error.message().to_owned() })
}
