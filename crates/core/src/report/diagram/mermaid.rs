//! For Mermaid, which GitHub draws where it finds it in a fence.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Diagram;
use crate::text::clean;

pub(super) fn write(diagram: &Diagram, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    for (index, node) in diagram.nodes.iter().enumerate() {
        let lines: Vec<_> = node.lines.iter().map(|line| escaped(line)).collect();
        let root = if node.is_root { ":::root" } else { "" };
        writeln!(out, "  n{index}[\"{}\"]{root}", lines.join("<br/>"))?;
    }
    for edge in &diagram.edges {
        writeln!(out, "  n{} --> n{}", edge.from, edge.to)?;
    }
    if let Some(more) = diagram.more() {
        writeln!(out, "  more[\"{}\"]:::more\n  classDef more stroke-dasharray:5 5", escaped(&more))?;
    }
    // Colours are the reader's: GitHub has them light and dark.
    writeln!(out, "  classDef root stroke-width:3px")
}

/// Text of a label. All that could end it, or begin a directive, an entity, markup of Markdown or a formula, is a number, which
/// is read behind all of these.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in clean(text).chars() {
        if character.is_alphanumeric() || matches!(character, ' ' | ',' | '/' | '\u{fffd}' | '…') {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "#{};", u32::from(character));
            // Icons (`fa:fa-car`) and formulas (`$$…$$`) are looked for once numbers are characters again.
            if matches!(character, ':' | '$') {
                escaped.push('\u{2060}');
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_syntax() {
        assert_eq!(escaped("a\"]; click n0 \"x\"\n%%{init}%%"), "a#34;#93;#59; click n0 #34;x#34;\u{fffd}#37;#37;#123;init#125;#37;#37;");
        assert_eq!(
            escaped("1. `fa:fa-car` $$x$$"),
            "1#46; #96;fa#58;\u{2060}fa#45;car#96; #36;\u{2060}#36;\u{2060}x#36;\u{2060}#36;\u{2060}"
        );
    }
}
