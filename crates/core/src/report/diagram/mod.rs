//! Nodes and edges as DOT, Mermaid and SVG: never more than a reader can take in. Names come from dumps: none is markup here.

mod condense;
mod dot;
mod mermaid;
mod svg;

use std::cmp::Reverse;
use std::io::{self, Write};

use rustc_hash::FxHashMap;

pub use condense::{DiagramGroup, condense};

use super::evaluation::RootReport;
use crate::graph::{DerivationSet, Graph, PackageIx};
use crate::text::{clean, number};

/// Nodes of a picture at most, whatever was asked for.
const MOST_NODES: usize = 40;
/// Packages that are looked at, those that rebuild most: others are counted.
const CANDIDATES: usize = 512;
/// Characters of a name that are shown.
const LONGEST_NAME: usize = 60;

/// A directed graph to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// What it shows.
    pub title: String,
    /// The nodes.
    pub nodes: Vec<DiagramNode>,
    /// The edges, by where they come from.
    pub edges: Vec<DiagramEdge>,
    /// What no node stands for.
    pub omitted: usize,
}

/// A node of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramNode {
    /// What is written in it; a line each.
    pub lines: Vec<String>,
    /// Whether it is a root.
    pub is_root: bool,
    /// What it stands for: packages, or waves.
    pub count: usize,
}

/// An edge of a diagram, from what is needed to what needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiagramEdge {
    /// Position of the node that is needed.
    pub from: usize,
    /// Position of the node that needs it.
    pub to: usize,
}

impl Diagram {
    /// The packages of a set: the roots, and those that rebuild most.
    pub(super) fn packages(title: String, graph: &Graph, members: &DerivationSet, roots: &DerivationSet, limit: usize) -> Self {
        let package = |ix| graph.derivation(ix).package().ix();
        let mut is_root = vec![false; graph.package_count()];
        for ix in roots.iter() {
            is_root[package(ix).get()] = true;
        }
        let mut seen = vec![false; graph.package_count()];
        let mut packages: Vec<PackageIx> = members.iter().map(package).filter(|ix| !std::mem::replace(&mut seen[ix.get()], true)).collect();
        let total = packages.len();
        let key = |&ix: &PackageIx| (!is_root[ix.get()], Reverse(graph.package(ix).rebuilt_derivations()), ix);
        // Few of many are looked at: only they are sorted.
        if CANDIDATES < total {
            packages.select_nth_unstable_by_key(CANDIDATES, key);
            packages.truncate(CANDIDATES);
        }
        packages.sort_unstable_by_key(key);
        Self::first_packages(title, graph, members, roots, &packages, total, limit)
    }

    /// The first of `packages`, of which there are `total`, and which of them rebuild each other within `members`, directly or
    /// not. One sweep over the members: O(V + E).
    pub(super) fn first_packages(
        title: String,
        graph: &Graph,
        members: &DerivationSet,
        roots: &DerivationSet,
        packages: &[PackageIx],
        total: usize,
        limit: usize,
    ) -> Self {
        let mut families: FxHashMap<(String, &str), usize> = FxHashMap::default();
        let mut groups: Vec<DiagramGroup> = Vec::new();
        let mut group_of = vec![None; graph.derivation_count()];
        for &ix in packages.iter().take(CANDIDATES) {
            let name = family(graph, ix);
            let group = match families.get(&name) {
                Some(&group) => group,
                None if groups.len() == condense::MOST_GROUPS => continue,
                None => {
                    families.insert(name, groups.len());
                    groups.push(DiagramGroup::default());
                    groups.len() - 1
                }
            };
            let package = graph.package(ix);
            groups[group].names.push(package.face().label().to_owned());
            for derivation in package.derivations() {
                group_of[derivation.ix().get()] = Some(group);
                groups[group].is_root |= roots.contains(derivation.ix());
            }
        }
        // Bits are the groups that rebuild a derivation: those of its inputs, and what rebuilds these. They are handed on to all
        // users; one that is no member keeps them to itself.
        let mut reached_by = vec![0_u128; graph.derivation_count()];
        let mut by_groups = vec![0_u128; groups.len()];
        for ix in members.iter() {
            let by = reached_by[ix.get()];
            let own = group_of[ix.get()];
            if let Some(group) = own {
                by_groups[group] |= by;
            }
            let handed_on = by | own.map_or(0, |group: usize| 1 << group);
            if handed_on == 0 {
                continue;
            }
            for user in graph.users().row(ix.get()) {
                reached_by[user.get()] |= handed_on;
            }
        }
        let reaches: Vec<u128> = (0..groups.len())
            .map(|from| (0..groups.len()).filter(|&to| by_groups[to] >> from & 1 == 1).fold(0, |set, to| set | 1 << to))
            .collect();
        Self { title, ..condense(&groups, &reaches, total, limit.min(MOST_NODES)) }
    }

    /// One after the other; of too many those before the last are one node, which counts them. Both ends are drawn whatever the limit.
    pub(super) fn chain(title: String, mut nodes: Vec<DiagramNode>, limit: usize) -> Self {
        let limit = limit.clamp(2, MOST_NODES);
        if nodes.len() > limit {
            let left_out = limit - 1..nodes.len() - 1;
            let count: usize = nodes[left_out.clone()].iter().map(|node| node.count).sum();
            nodes.splice(left_out, [DiagramNode { lines: vec![more(count)], is_root: false, count }]);
        }
        let edges = (1..nodes.len()).map(|to| DiagramEdge { from: to - 1, to }).collect();
        Self { title, nodes, edges, omitted: 0 }
    }

    /// As DOT, read from left to right.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_dot(&self, out: &mut impl Write) -> io::Result<()> {
        dot::write(self, out)
    }

    /// As a Mermaid flowchart, without a fence.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_mermaid(&self, out: &mut impl Write) -> io::Result<()> {
        mermaid::write(self, out)
    }

    /// As SVG, which is light or dark as its reader likes it.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_svg(&self, out: &mut impl Write) -> io::Result<()> {
        svg::write(self, out)
    }

    /// The words for what was left out, if anything was.
    fn more(&self) -> Option<String> {
        (self.omitted > 0).then(|| more(self.omitted))
    }
}

/// The words for so many that are not drawn.
fn more(count: usize) -> String {
    format!("+ {} more", number(count as u64))
}

/// The first of some roots, for a title.
pub(super) fn names(roots: &[RootReport]) -> String {
    let first = roots.iter().take(3).map(|root| shown(&root.label)).collect::<Vec<_>>().join(", ");
    let more = roots.len().saturating_sub(3);
    if more == 0 { first } else { format!("{first} + {} more", number(more as u64)) }
}

/// What packages of several sets or versions have in common: `python311Packages.x` and `python312Packages.x` are one family,
/// `zlib` and `haskellPackages.zlib` are not.
fn family(graph: &Graph, ix: PackageIx) -> (String, &str) {
    let face = graph.package(ix).face();
    let label = face.label();
    let Some(set) = face.attributes().find(|attribute| attribute.path() == label).map(|attribute| attribute.set()) else {
        return ("(no attribute)".to_owned(), if face.pname().is_empty() { label } else { face.pname() });
    };
    let unversioned = set.chars().filter(|character| !character.is_ascii_digit() && *character != '_').collect();
    let leaf = if set.is_empty() { face.pname() } else { label[set.len()..].trim_start_matches('.') };
    (unversioned, if leaf.is_empty() { label } else { leaf })
}

/// A name as it is drawn: without what is obeyed, and not too long.
fn shown(name: &str) -> String {
    let name = clean(name);
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.into_owned(),
    }
}
