//! Nodes and edges for Graphviz: never more than a reader can take in.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Write};

use super::document::clean;
use crate::graph::{DerivationSet, Graph, PackageIx};

/// A directed graph to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// The nodes.
    pub nodes: Vec<DiagramNode>,
    /// The edges.
    pub edges: Vec<DiagramEdge>,
    /// Nodes that were left out.
    pub omitted: usize,
}

/// A node of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramNode {
    /// What is written in it; a line each.
    pub lines: Vec<String>,
    /// Whether it is a root.
    pub is_root: bool,
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
    /// The packages of a set, contracted: the roots, and those that rebuild most, `limit` in all.
    pub(super) fn packages(graph: &Graph, members: &DerivationSet, roots: &DerivationSet, limit: usize) -> Self {
        let of_roots: BTreeSet<PackageIx> = roots.iter().map(|ix| graph.derivation(ix).package().ix()).collect();
        let mut seen = vec![false; graph.package_count()];
        let all = members.iter().map(|ix| graph.derivation(ix).package().ix());
        let mut packages: Vec<PackageIx> = all.filter(|ix| !std::mem::replace(&mut seen[ix.get()], true)).collect();
        let total = packages.len();
        let key = |&ix: &PackageIx| (!of_roots.contains(&ix), Reverse(graph.package(ix).rebuilt_derivations()), ix);
        // Few of many are shown: only they are sorted.
        if limit < total {
            packages.select_nth_unstable_by_key(limit, key);
            packages.truncate(limit);
        }
        packages.sort_unstable_by_key(key);
        let position = |ix: PackageIx| packages.iter().position(|&known| known == ix);
        let mut edges = BTreeSet::new();
        for (from, &package) in packages.iter().enumerate() {
            let users = graph
                .package(package)
                .derivations()
                .filter(|derivation| members.contains(derivation.ix()))
                .flat_map(|derivation| derivation.users());
            let used_by = users.filter(|user| members.contains(*user)).filter_map(|user| position(graph.derivation(user).package().ix()));
            edges.extend(used_by.filter(|&to| to != from).map(|to| DiagramEdge { from, to }));
        }
        let node =
            |&ix: &PackageIx| DiagramNode { lines: vec![graph.package(ix).face().label().to_owned()], is_root: of_roots.contains(&ix) };
        Self { nodes: packages.iter().map(node).collect(), edges: edges.into_iter().collect(), omitted: total - packages.len() }
    }

    /// As DOT, read from left to right.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_dot(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "digraph waves {{\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
        for (index, node) in self.nodes.iter().enumerate() {
            let lines: Vec<_> = node.lines.iter().map(|line| quoted(line)).collect();
            let root = if node.is_root { ", penwidth=3" } else { "" };
            writeln!(out, "  n{index} [label=\"{}\"{root}];", lines.join("\\n"))?;
        }
        for edge in &self.edges {
            writeln!(out, "  n{} -> n{};", edge.from, edge.to)?;
        }
        if self.omitted > 0 {
            writeln!(out, "  more [label=\"+ {} more\", style=dashed];", super::number(self.omitted as u64))?;
        }
        writeln!(out, "}}")
    }
}

/// The inside of a quoted DOT string.
fn quoted(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}
