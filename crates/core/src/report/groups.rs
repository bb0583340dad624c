//! The report of `waves groups`: TOML to paste into `waves.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::graph::Graph;
use crate::major::{Evidence, Proposal};
use crate::text::{counted, is_active, number};

/// Proposals of groups.
#[derive(Clone, Debug, Serialize)]
pub struct GroupsReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The proposals.
    pub groups: Vec<GroupReport>,
    /// Proposals that were left out.
    pub groups_omitted: usize,
    /// Commits that were looked at.
    pub commits: usize,
}

/// A proposal.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReport {
    /// A name for it; no two have the same.
    pub name: String,
    /// `source`, `version`, `closure` or `history`.
    pub kind: &'static str,
    /// Why, in words.
    pub reason: String,
    /// Its packages.
    pub packages: Vec<String>,
}

impl GroupsReport {
    /// Of proposals, those of most packages of each kind first; cut after `limit`.
    pub fn new(graph: &Graph, proposals: &[Proposal], commits: usize, limit: usize) -> Self {
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        let report = |proposal: &Proposal| GroupReport {
            name: String::new(),
            kind: kind(&proposal.evidence),
            reason: reason(&proposal.evidence),
            packages: proposal.packages.iter().map(|&package| graph.package(package).face().label().to_owned()).collect(),
        };
        let mut sorted: Vec<&Proposal> = proposals.iter().collect();
        sorted.sort_by_key(|proposal| std::cmp::Reverse(proposal.packages.len()));
        sorted.sort_by_key(|proposal| order(&proposal.evidence));
        let mut groups: Vec<GroupReport> = sorted.iter().take(limit).map(|proposal| report(proposal)).collect();
        for (group, proposal) in groups.iter_mut().zip(&sorted) {
            let times = used.entry(&proposal.name).or_default();
            *times += 1;
            group.name = if *times == 1 { proposal.name.clone() } else { format!("{} {times}", proposal.name) };
        }
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            groups,
            groups_omitted: sorted.len().saturating_sub(limit),
            commits,
        }
    }

    /// As a part of `waves.toml`.
    pub fn toml(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            let packages: Vec<String> = group.packages.iter().map(|package| quoted(package)).collect();
            let line = format!("packages = [{}]", packages.join(", "));
            let lines = if line.len() <= 120 { line } else { format!("packages = [\n  {},\n]", packages.join(",\n  ")) };
            let _ = write!(text, "[[groups]]\nname = {}\n{lines}\nreason = {}\n\n", quoted(&group.name), quoted(&group.reason));
        }
        if self.groups.is_empty() && self.groups_omitted == 0 {
            text.push_str("# no packages look as if they were one release\n");
        }
        if self.groups_omitted > 0 {
            let _ = writeln!(text, "# … and {} more (--limit shows more)", number(self.groups_omitted as u64));
        }
        text
    }
}

/// A basic string of TOML, in which nothing is that a terminal would obey.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if is_active(c) => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

fn order(evidence: &Evidence) -> usize {
    match evidence {
        Evidence::Source { .. } => 0,
        Evidence::Version { .. } => 1,
        Evidence::History { .. } => 2,
        Evidence::Closure { .. } => 3,
    }
}

fn kind(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::Source { .. } => "source",
        Evidence::Version { .. } => "version",
        Evidence::Closure { .. } => "closure",
        Evidence::History { .. } => "history",
    }
}

fn reason(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Source { name } => format!("one source: {name}"),
        Evidence::Version { set, version, of } => format!("all of version {version}, of {} in {set}", counted(*of, "package", "packages")),
        Evidence::Closure { overlap } => format!("{:.0} % of what they rebuild is the same, and each uses another", overlap * 100.0),
        Evidence::History { together, share } => {
            format!(
                "{} changed them together, {:.0} % of those that changed either",
                counted(*together, "commit", "commits"),
                share * 100.0
            )
        }
    }
}

impl Report for GroupsReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.heading(counted(self.groups.len() + self.groups_omitted, "proposal", "proposals"));
        document.code(self.toml().lines().map(str::to_owned).collect());
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["groups"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_is_read_as_it_was_and_no_terminal_obeys_it() {
        for name in ["llvm 17", "a\"b\\", "\u{1b}[31m\n\u{9b}2J", "\u{202e}cba", "é"] {
            let text = quoted(name);
            assert!(!text.contains(is_active), "{text}");
            let read: toml::Table = format!("name = {text}").parse().expect("it is TOML");
            assert_eq!(read["name"].as_str(), Some(name));
        }
    }
}
