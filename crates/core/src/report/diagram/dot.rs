//! For Graphviz.

use std::io::{self, Write};

use super::Diagram;
use crate::text::clean;

pub(super) fn write(diagram: &Diagram, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "digraph waves {{\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
    for (index, node) in diagram.nodes.iter().enumerate() {
        let lines: Vec<_> = node.lines.iter().map(|line| quoted(line)).collect();
        let root = if node.is_root { ", penwidth=3" } else { "" };
        writeln!(out, "  n{index} [label=\"{}\"{root}];", lines.join("\\n"))?;
    }
    for edge in &diagram.edges {
        writeln!(out, "  n{} -> n{};", edge.from, edge.to)?;
    }
    if let Some(more) = diagram.more() {
        writeln!(out, "  more [label=\"{more}\", style=dashed];")?;
    }
    writeln!(out, "}}")
}

/// The inside of a quoted DOT string.
fn quoted(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}
