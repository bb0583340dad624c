//! The report of `waves groups`: TOML to paste into `waves.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::graph::{Attribute, Graph, set_of};
use crate::major::{Evidence, Proposal};
use crate::text::{counted, is_active, number};

/// What a source is called that was given no name, as those of `fetchFromGitHub` are.
const UNNAMED: &str = "source";

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
    /// The same as a group names them: an attribute set that has nothing else is a glob.
    #[serde(skip)]
    pub patterns: Vec<String>,
}

impl GroupsReport {
    /// Of proposals, those of most packages of each kind first; cut after `limit`.
    pub fn new(graph: &Graph, proposals: &[Proposal], commits: usize, limit: usize) -> Self {
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        // In their order, and each once, however many systems have it.
        let mut paths: Vec<&str> = graph.attributes().map(Attribute::path).collect();
        paths.dedup();
        let report = |proposal: &Proposal| {
            let packages: Vec<String> = proposal.packages.iter().map(|&package| graph.package(package).face().label().to_owned()).collect();
            GroupReport {
                name: String::new(),
                kind: kind(&proposal.evidence),
                reason: reason(&proposal.evidence, &packages),
                patterns: patterns(&paths, &packages),
                packages,
            }
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
            let packages: Vec<String> = group.patterns.iter().map(|pattern| quoted(pattern)).collect();
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

/// Packages as a group names them, which means the same: a glob for those that are a whole attribute set. `paths` are sorted.
fn patterns(paths: &[&str], packages: &[String]) -> Vec<String> {
    let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        sets.entry(set_of(package)).or_default().insert(package);
    }
    sets.retain(|set, members| members.len() > 1 && members.len() == matching(paths, set));
    let mut named = BTreeSet::new();
    let patterns = packages.iter().filter_map(|package| {
        let set = set_of(package);
        if sets.contains_key(set) { named.insert(set).then(|| format!("{set}.*")) } else { Some(package.clone()) }
    });
    patterns.collect()
}

/// How many of the paths a glob for all of a set matches, sets within it included; none, if the set's own name would be taken for a glob.
fn matching(paths: &[&str], set: &str) -> usize {
    if set.contains(['*', '?', '[', ']', '{', '}', '\\']) {
        return 0;
    }
    let prefix = format!("{set}.");
    let first = paths.partition_point(|path| *path < prefix.as_str());
    paths[first..].iter().take_while(|path| path.starts_with(&prefix)).count()
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

fn reason(evidence: &Evidence, packages: &[String]) -> String {
    match evidence {
        Evidence::Source { name } if name == UNNAMED => {
            let first = packages.first().map_or("", String::as_str);
            format!("one source, of {first} and {}", counted(packages.len().saturating_sub(1), "other", "others"))
        }
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
    use crate::config::AttributePattern;

    /// What a group of these packages names is these, and nothing else of the evaluation.
    #[test]
    fn patterns_match_the_packages_alone() {
        let mut paths =
            ["a", "a-b.x", "all.x", "all.y", "deep.in.x", "deep.in.y", "deep.y", "deep.z", "one.x", "some.x", "some.y", "some.z"];
        paths.sort_unstable();
        for (packages, expected) in [
            (&["a", "all.x", "all.y"][..], &["a", "all.*"][..]),
            (&["all.y", "some.x", "all.x", "some.y"], &["all.*", "some.x", "some.y"]),
            (&["deep.in.x", "deep.in.y"], &["deep.in.*"]),
            // What is in a set within it would be meant too.
            (&["deep.z", "deep.y"], &["deep.z", "deep.y"]),
            (&["one.x", "a-b.x"], &["one.x", "a-b.x"]),
        ] {
            let packages: Vec<String> = packages.iter().map(|package| (*package).to_owned()).collect();
            let found = patterns(&paths, &packages);
            assert_eq!(found, expected);
            let found: Vec<AttributePattern> =
                found.into_iter().map(|pattern| AttributePattern::try_from(pattern).expect("a pattern")).collect();
            for path in paths {
                let is_meant = found.iter().any(|pattern| pattern.matches(path));
                assert_eq!(is_meant, packages.iter().any(|package| package == path), "{path} {found:?}");
            }
        }
    }

    #[test]
    fn a_set_whose_name_would_be_a_glob_is_listed() {
        let paths = ["\"a*\".x", "\"a*\".y"];
        assert_eq!(patterns(&paths, &paths.map(str::to_owned)), paths);
    }

    #[test]
    fn a_source_without_a_name_is_told_by_its_packages() {
        let of = |name: &str, packages: &[&str]| {
            let packages: Vec<String> = packages.iter().map(|package| (*package).to_owned()).collect();
            reason(&Evidence::Source { name: name.to_owned() }, &packages)
        };
        assert_eq!(of("source", &["home-assistant", "home-assistant-component-tests.abode"]), "one source, of home-assistant and 1 other");
        assert_eq!(of("source", &["a", "b", "c"]), "one source, of a and 2 others");
        assert_eq!(of("git-2.47.0.tar.xz", &["git", "gitMinimal"]), "one source: git-2.47.0.tar.xz");
    }

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
