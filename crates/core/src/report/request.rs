//! The report of `waves request`: the text of an issue for a package's own repository.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::{FORMAT_VERSION, Report};
use crate::ledger::{Upstream, WaveName};
use crate::text::counted;

/// What a package is asked to support.
#[derive(Clone, Debug, Serialize)]
pub struct RequestReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The wave.
    pub wave: String,
    /// The package.
    pub package: String,
    /// Its version in this evaluation; empty if it has none.
    pub version: String,
    /// The tag by which its repository says that it supports the wave.
    pub tag: String,
    /// The updates that it depends on.
    pub updates: Vec<UpstreamReport>,
    /// What its repository said; null if it was not asked.
    pub remote: Option<RemoteReport>,
}

/// An update that a package depends on.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamReport {
    /// What is updated.
    pub package: String,
    /// Its version before.
    pub from: Option<String>,
    /// Its version after.
    pub to: Option<String>,
    /// From the update to the package: attributes, or names.
    pub path: Vec<String>,
}

/// What a repository said.
#[derive(Clone, Debug, Serialize)]
pub struct RemoteReport {
    /// Where it was asked.
    pub url: String,
    /// Whether it has the tag.
    pub has_tag: bool,
}

impl RequestReport {
    /// Of a package by name and version.
    pub fn new(wave: WaveName, package: &str, version: &str, updates: &[Upstream<'_>], remote: Option<RemoteReport>) -> Self {
        let update = |upstream: &Upstream<'_>| UpstreamReport {
            package: upstream.update.package.clone(),
            from: upstream.update.from.clone(),
            to: upstream.update.to.clone(),
            path: upstream.path.iter().map(|derivation| derivation.label().to_owned()).collect(),
        };
        Self {
            format_version: FORMAT_VERSION,
            wave: wave.to_string(),
            package: package.to_owned(),
            version: version.to_owned(),
            tag: wave.upstream_tag(),
            updates: updates.iter().map(update).collect(),
            remote,
        }
    }
}

impl Report for RequestReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        if let Some(remote) = &self.remote {
            let says = if remote.has_tag { "has it already: nothing to ask for" } else { "does not have it" };
            document.line(format!("Tag {}: {} {says}", self.tag, remote.url));
            if remote.has_tag {
                return document;
            }
        }
        let version = if self.version.is_empty() { String::new() } else { format!(" {}", self.version) };
        document.heading(format!("Support {} in {}{version}", self.wave, self.package));
        if self.updates.is_empty() {
            document.line(format!("{} changes nothing that {} is built from.", self.wave, self.package));
            return document;
        }
        document.line(format!(
            "{} of the package set updates {} that {} depends on:",
            self.wave,
            counted(self.updates.len(), "package", "packages"),
            self.package
        ));
        let mut table = Table::new(&[Column::Text("package"), Column::Word("from"), Column::Word("to"), Column::Text("by way of")]);
        let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
        let row = |update: &UpstreamReport| vec![update.package.clone(), known(&update.from), known(&update.to), update.path.join(" → ")];
        table.rows = self.updates.iter().map(row).collect();
        document.table(table);
        document.line("Please build and test with these. When a commit works with all of them, say so with a tag:");
        document.code(vec![format!("git tag {}", self.tag), format!("git push origin {}", self.tag)]);
        document.line(format!("If it will not be supported, say so here: it is then marked as not supported in {}.", self.wave));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["updates"]
    }
}
