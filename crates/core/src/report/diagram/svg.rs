//! As SVG. layout-rs places nodes and edges; what is written is our own, so that every name is text.

use std::fmt::Write as _;
use std::io::{self, Write};

use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;
use textwrap::core::display_width;

use super::Diagram;
use crate::text::clean;

/// Size of letters.
const FONT: usize = 13;
/// Width of a letter, of which all have the same.
const LETTER: f64 = 7.9;
/// Height of a line of text.
const LINE: f64 = 18.0;
/// Space between a frame and what is in it, and around the picture.
const MARGIN: f64 = 10.0;

/// Who embeds a picture in a page keeps its own colours: ours are only those of the picture.
const STYLE: &str = "\
.waves text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1f2328;text-anchor:middle}\n\
.waves rect{fill:#f6f8fa;stroke:#57606a}\n\
.waves .root{stroke-width:3}\n\
.waves .edge{fill:none;stroke:#57606a}\n\
.waves .tip{fill:#57606a}\n\
@media(prefers-color-scheme:dark){\
.waves text{fill:#e6edf3}\
.waves rect{fill:#161b22;stroke:#8d96a0}\
.waves .edge{stroke:#8d96a0}\
.waves .tip{fill:#8d96a0}}\n";

pub(super) fn write(diagram: &Diagram, out: &mut impl Write) -> io::Result<()> {
    let mut canvas = Canvas::new();
    if !diagram.nodes.is_empty() {
        placed(diagram).do_it(false, false, false, &mut canvas);
    }
    if let Some(more) = diagram.more() {
        let middle = f64::midpoint(canvas.left, canvas.right).max(canvas.left + text_width(&more) / 2.0);
        canvas.text(Point::new(middle, canvas.bottom + LINE), &more);
    }
    let (left, top) = (canvas.left - MARGIN, canvas.top - MARGIN);
    let (width, height) = (canvas.right + MARGIN - left, canvas.bottom + MARGIN - top);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"waves\" role=\"img\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"{left:.1} {top:.1} {width:.1} {height:.1}\">"
    )?;
    writeln!(out, "<title>{}</title>\n<style>\n{STYLE}</style>", escaped(&diagram.title))?;
    writeln!(
        out,
        "<marker id=\"waves-tip\" markerWidth=\"10\" markerHeight=\"8\" refX=\"9\" refY=\"4\" orient=\"auto\">\
         <path class=\"tip\" d=\"M0 0L10 4L0 8z\"/></marker>"
    )?;
    writeln!(out, "{}</svg>", canvas.shapes)
}

fn placed(diagram: &Diagram) -> VisualGraph {
    let mut graph = VisualGraph::new(Orientation::LeftToRight);
    // Its check of each edge walks all ways: there may be very many, and ours have no cycle.
    graph.dag.set_validate(false);
    let handles: Vec<_> = diagram
        .nodes
        .iter()
        .map(|node| {
            // A line's end in a name is none of ours.
            let lines: Vec<_> = node.lines.iter().map(|line| clean(line)).collect();
            let width = lines.iter().map(|line| text_width(line)).fold(0.0, f64::max);
            let size = Point::new(width + 2.0 * MARGIN, node.lines.len() as f64 * LINE + MARGIN);
            let look = StyleAttr::new(Color::fast("black"), if node.is_root { 3 } else { 1 }, None, 0, FONT);
            graph.add_node(Element::create(ShapeKind::new_box(&lines.join("\n")), look, Orientation::LeftToRight, size))
        })
        .collect();
    for edge in &diagram.edges {
        graph.add_edge(Arrow::simple(""), handles[edge.from], handles[edge.to]);
    }
    graph
}

fn text_width(text: &str) -> f64 {
    display_width(text) as f64 * LETTER
}

/// What layout-rs draws on.
struct Canvas {
    shapes: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Canvas {
    fn new() -> Self {
        Self { shapes: String::new(), left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 }
    }

    /// Makes room for a point.
    fn reach(&mut self, point: Point) {
        (self.left, self.right) = (self.left.min(point.x), self.right.max(point.x));
        (self.top, self.bottom) = (self.top.min(point.y), self.bottom.max(point.y));
    }

    /// Lines around a point.
    fn text(&mut self, middle: Point, text: &str) {
        let above = (text.lines().count() as f64 - 1.0) / 2.0 * LINE;
        for (at, line) in text.lines().enumerate() {
            let base = middle.y - above + at as f64 * LINE + 4.5;
            let _ = writeln!(self.shapes, "<text x=\"{:.1}\" y=\"{base:.1}\">{}</text>", middle.x, escaped(line));
            self.reach(Point::new(middle.x + text_width(line) / 2.0, base));
        }
    }
}

impl RenderBackend for Canvas {
    fn draw_rect(&mut self, xy: Point, size: Point, look: &StyleAttr, _: Option<String>, _: Option<ClipHandle>) {
        let class = if look.line_width > 1 { " class=\"root\"" } else { "" };
        let (x, y, width, height) = (xy.x, xy.y, size.x, size.y);
        let _ = writeln!(self.shapes, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"{class}/>");
        self.reach(xy);
        self.reach(xy.add(size));
    }

    fn draw_text(&mut self, xy: Point, text: &str, _: &StyleAttr) {
        self.text(xy, text);
    }

    fn draw_arrow(&mut self, path: &[(Point, Point)], _: bool, _: (bool, bool), _: &StyleAttr, _: Option<String>, _: &str) {
        // The first pair leaves a node; each other is a control point and where it leads to.
        let [(start, leaving), (arriving, end), rest @ ..] = path else { return };
        let mut line = format!("M{} C{} {} {}", at(*start), at(*leaving), at(*arriving), at(*end));
        for (control, point) in rest {
            let _ = write!(line, " S{} {}", at(*control), at(*point));
        }
        for (first, second) in path {
            self.reach(*first);
            self.reach(*second);
        }
        let _ = writeln!(self.shapes, "<path class=\"edge\" d=\"{line}\" marker-end=\"url(#waves-tip)\"/>");
    }

    // Nothing of ours is drawn with these.
    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

fn at(point: Point) -> String {
    format!("{:.1},{:.1}", point.x, point.y)
}

/// Text of XML, which has no room for some characters at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in clean(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
