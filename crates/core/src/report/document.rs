//! Headings, paragraphs and tables, as text and as Markdown. Names come from dumps: nothing in them is markup here.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Row, presets};

use crate::notify::Recipient;
use crate::text::{clean, number};

/// What a report says, in the order in which it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The heading of what follows.
    Heading(String),
    /// A line of prose.
    Line(String),
    /// Rows and columns.
    Table(Table),
    /// Commands to copy, a line each.
    Code(Vec<String>),
    /// A handle, `name` or `organisation/team`, that Markdown mentions: whoever it is gets a message.
    Mention(String),
}

/// What a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Short words, always shown in full.
    Word(&'static str),
    /// Text that may be cut to the width of the terminal.
    Text(&'static str),
    /// Store paths and bars, of use in full only: a narrow terminal can do without.
    Path(&'static str),
    /// Numbers, to the right.
    Number(&'static str),
    /// Numbers that a narrow terminal can do without.
    Detail(&'static str),
}

impl Column {
    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Word(title) | Self::Text(title) | Self::Path(title) | Self::Number(title) | Self::Detail(title) => title,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Number(_) | Self::Detail(_))
    }

    fn is_detail(self) -> bool {
        matches!(self, Self::Detail(_))
    }

    fn is_path(self) -> bool {
        matches!(self, Self::Path(_))
    }
}

/// Rows and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; each has a cell for each column.
    pub rows: Vec<Vec<String>>,
    /// Rows that were left out.
    pub omitted: usize,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), omitted: 0 }
    }
}

impl Document {
    /// Adds a heading.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// Adds a line.
    pub fn line(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Line(text.into()));
    }

    /// Adds lines.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = String>) {
        self.blocks.extend(lines.into_iter().map(Block::Line));
    }

    /// Adds a table under a heading, unless it has no row.
    pub fn section(&mut self, heading: impl Into<String>, table: Table) {
        if !table.rows.is_empty() {
            self.heading(heading);
            self.table(table);
        }
    }

    /// Adds a table, unless it has no row.
    pub fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Adds commands, unless there is none.
    pub fn code(&mut self, lines: Vec<String>) {
        if !lines.is_empty() {
            self.blocks.push(Block::Code(lines));
        }
    }

    /// Adds a mention, if the recipient has a handle: nothing else is ever mentioned.
    pub fn mention(&mut self, recipient: &Recipient) {
        self.blocks.extend(recipient.handle().map(|handle| Block::Mention(handle.to_owned())));
    }

    /// For a terminal of `width` columns, or for a pipe.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_text(&self, width: Option<u16>, out: &mut impl Write) -> io::Result<()> {
        self.write_styled(width, &PLAIN, out)
    }

    /// The same with headings that stand out, for a terminal that has colours.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_coloured(&self, width: Option<u16>, out: &mut impl Write) -> io::Result<()> {
        self.write_styled(width, &COLOURED, out)
    }

    fn write_styled(&self, width: Option<u16>, style: &Style, out: &mut impl Write) -> io::Result<()> {
        for (index, block) in self.blocks.iter().enumerate() {
            match block {
                Block::Heading(text) => {
                    let gap = if index == 0 { "" } else { "\n" };
                    writeln!(out, "{gap}{}{}{}", style.heading, folded(text, width), style.end)?;
                }
                Block::Line(text) => writeln!(out, "{}", folded(text, width))?,
                Block::Table(table) => table.write_text(width, style, out)?,
                Block::Code(lines) => lines.iter().try_for_each(|line| writeln!(out, "  {}", clean(line)))?,
                Block::Mention(handle) => writeln!(out, "@{}", clean(handle))?,
            }
        }
        Ok(())
    }

    /// For an issue or a pull request.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, block) in self.blocks.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            match block {
                Block::Heading(text) => writeln!(out, "{gap}## {}", markdown(text))?,
                Block::Line(text) => writeln!(out, "{gap}{}", markdown(text.trim_start()))?,
                Block::Table(table) => {
                    out.write_all(gap.as_bytes())?;
                    table.write_markdown(out)?;
                }
                Block::Code(lines) => {
                    let fence = fence(lines);
                    writeln!(out, "{gap}{fence}sh")?;
                    lines.iter().try_for_each(|line| writeln!(out, "{}", clean(line)))?;
                    writeln!(out, "{fence}")?;
                }
                Block::Mention(handle) => writeln!(out, "{gap}@{}", clean(handle))?,
            }
        }
        Ok(())
    }
}

/// What a terminal obeys, around what is ours.
struct Style {
    heading: &'static str,
    titles: &'static str,
    end: &'static str,
}

const PLAIN: Style = Style { heading: "", titles: "", end: "" };
/// Bold, and faint.
const COLOURED: Style = Style { heading: "\u{1b}[1m", titles: "\u{1b}[2m", end: "\u{1b}[0m" };

/// Columns of a terminal that a cut text should still have.
const READABLE: usize = 16;
/// Spaces between two columns.
const GAP: u16 = 2;

impl Table {
    fn write_text(&self, width: Option<u16>, style: &Style, out: &mut impl Write) -> io::Result<()> {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_truncation_indicator("…");
        match width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        table.set_header(one_line(self.columns.iter().map(|column| column.title().to_owned())));
        for row in &self.rows {
            table.add_row(one_line(row.iter().map(|cell| clean(cell).into_owned())));
        }
        let hidden = self.hidden(width, &table.column_max_content_widths());
        for (index, column) in self.columns.iter().enumerate() {
            let Some(shown) = table.column_mut(index) else { continue };
            shown.set_padding((if index == 0 { 0 } else { GAP }, 0));
            if hidden.contains(&index) {
                shown.set_constraint(ColumnConstraint::Hidden);
            } else if !matches!(column, Column::Text(_)) {
                shown.set_constraint(ColumnConstraint::ContentWidth);
            }
            if column.is_number() {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
        for (at, line) in table.lines().enumerate() {
            let (begin, end) = if at == 0 { (style.titles, style.end) } else { ("", "") };
            writeln!(out, "{begin}{}{end}", line.trim_end())?;
        }
        if !hidden.is_empty() {
            let titles = hidden.iter().map(|&index| match self.columns[index].title() {
                "" => "what has no title",
                title => title,
            });
            let mut titles: Vec<_> = titles.collect();
            titles.dedup();
            let note = format!("(too narrow for: {}; a pipe has all)", titles.join(", "));
            writeln!(out, "{}", folded(&note, width))?;
        }
        if self.omitted > 0 {
            writeln!(out, "… and {} more (--limit shows more)", number(self.omitted as u64))?;
        }
        Ok(())
    }

    /// The columns that a terminal is too narrow for: what it can do without, details before what is of use in full only, and then the
    /// last ones. The first stays: it says what the others are about.
    fn hidden(&self, width: Option<u16>, widths: &[u16]) -> Vec<usize> {
        let need = |index: &usize| match self.columns[*index] {
            Column::Text(_) => READABLE.min(usize::from(widths[*index])),
            _ => usize::from(widths[*index]),
        };
        let fits = |shown: &[usize]| {
            let gaps = usize::from(GAP) * shown.len().saturating_sub(1);
            width.is_none_or(|width| shown.iter().map(need).sum::<usize>() + gaps <= usize::from(width))
        };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        for can_go in [Column::is_detail, Column::is_path] {
            if !fits(&shown) {
                shown.retain(|&index| index == 0 || !can_go(self.columns[index]));
            }
        }
        while shown.len() > 1 && !fits(&shown) {
            shown.pop();
        }
        (0..self.columns.len()).filter(|index| !shown.contains(index)).collect()
    }

    fn write_markdown(&self, out: &mut impl Write) -> io::Result<()> {
        let titles: Vec<_> = self.columns.iter().map(|column| column.title()).collect();
        writeln!(out, "| {} |", titles.join(" | "))?;
        let rules: Vec<_> = self.columns.iter().map(|column| if column.is_number() { "--:" } else { "---" }).collect();
        writeln!(out, "| {} |", rules.join(" | "))?;
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(|cell| markdown(cell)).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        if self.omitted > 0 {
            writeln!(out, "\n… and {} more", number(self.omitted as u64))?;
        }
        Ok(())
    }
}

/// A row that stays a line: a cell that is too wide for the terminal is cut, not folded.
fn one_line(cells: impl Iterator<Item = String>) -> Row {
    let mut row = Row::from(cells);
    row.max_height(1);
    row
}

/// Backticks that no line has so many of.
fn fence(lines: &[String]) -> String {
    let runs = lines.iter().flat_map(|line| line.split(|character| character != '`').map(str::len));
    "`".repeat(runs.max().unwrap_or(0).max(2) + 1)
}

/// A line, folded between words if it is wider than the terminal.
fn folded(text: &str, width: Option<u16>) -> String {
    let text = clean(text);
    match width {
        Some(width) => {
            // A hyphen is part of a name.
            let options = textwrap::Options::new(usize::from(width)).break_words(false).subsequent_indent("  ");
            textwrap::fill(&text, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
        }
        None => text.into_owned(),
    }
}

/// Text that Markdown, GitHub's included, and HTML leave as it is: what could mean something is escaped, or parted by a
/// character that is not seen.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = clean(text);
    // A list begins with a number too: `1. x`, but not `1.5`.
    let digits = text.find(|character: char| !character.is_ascii_digit()).filter(|&digits| digits > 0);
    let mut before = None;
    for (at, character) in text.char_indices() {
        let rest = &text[at + character.len_utf8()..];
        let is_word = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        match character {
            // Inside a word it emphasises nothing.
            '_' if is_word(before) && is_word(rest.chars().next()) => escaped.push('_'),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // A mention would notify somebody, and a reference would be noted there.
            '@' => escaped.push_str("@\u{2060}"),
            '#' => escaped.push_str("\\#\u{2060}"),
            // An address would be a link.
            ':' if rest.starts_with("//") => escaped.push_str(":\u{2060}"),
            '.' if at >= 3 && text.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www") => escaped.push_str("\u{2060}."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => escaped.extend(['\\', character]),
            '-' | '+' | '=' if at == 0 => escaped.extend(['\\', character]),
            '.' | ')' if digits == Some(at) && rest.chars().next().is_none_or(char::is_whitespace) => escaped.extend(['\\', character]),
            other => escaped.push(other),
        }
        before = Some(character);
    }
    escaped
}

/// Text that Markdown shows as it is, in the letters of code: nothing in it is markup, a mention or a reference.
pub(super) fn code(text: &str) -> String {
    let text = clean(text);
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Without a space, a backtick at an end would be of the fence.
    let pad = if text.starts_with([' ', '`']) || text.ends_with([' ', '`']) { " " } else { "" };
    if text.is_empty() { "(empty)".to_owned() } else { format!("{fence}{pad}{text}{pad}{fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut document = Document::default();
        document.heading("a_b _c_");
        document.line("<script>x</script>\u{1b}[31m @team");
        let mut table = Table::new(&[Column::Text("name"), Column::Number("count")]);
        table.rows.push(vec!["a|b".to_owned(), "1,234".to_owned()]);
        table.rows.push(vec!["long name".to_owned(), "5".to_owned()]);
        table.omitted = 3;
        document.table(table);
        document
    }

    #[test]
    fn text() {
        let mut out = Vec::new();
        document().write_text(None, &mut out).expect("writes");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(
            text,
            "a_b _c_\n<script>x</script>\u{fffd}[31m @team\nname       count\na|b        1,234\nlong name      5\n… and 3 more (--limit shows more)\n"
        );
    }

    fn lines(table: Table, width: u16) -> Vec<String> {
        let mut document = Document::default();
        document.table(table);
        let mut out = Vec::new();
        document.write_text(Some(width), &mut out).expect("writes");
        String::from_utf8(out).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    /// Words without what they are laid out by.
    fn words(lines: &[String]) -> String {
        lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is said of columns that were left out.
    fn too_narrow_for(titles: &str) -> String {
        if titles.is_empty() { String::new() } else { format!("(too narrow for: {titles}; a pipe has all)") }
    }

    #[test]
    fn a_narrow_terminal_has_the_first_columns_and_the_titles_of_the_others() {
        let [more, count, mark, about] = [Column::Detail("more"), Column::Number("count"), Column::Word(""), Column::Text("about")];
        let mut table = Table::new(&[Column::Text("evaluation"), more, count, mark, about]);
        let row = ["a rather long name of a package", "7", "12345", "wrong", "what is said of it at length"];
        table.rows.push(row.map(str::to_owned).to_vec());
        // A text has 16 columns at least, and all are 2 apart.
        for (width, titles, left_out) in [
            (54, "evaluation more count about", ""),
            (53, "evaluation count about", "more"),
            (48, "evaluation count about", "more"),
            (47, "evaluation count", "more, about"),
            (30, "evaluation count", "more, about"),
            (29, "evaluation count", "more, what has no title, about"),
            (22, "evaluation", "more, count, what has no title, about"),
            (9, "evaluati…", "more, count, what has no title, about"),
        ] {
            let lines = lines(table.clone(), width);
            assert_eq!((words(&lines[..1]), words(&lines[2..])), (titles.to_owned(), too_narrow_for(left_out)), "{width}");
            assert!(lines[1].starts_with("a rather"), "{width}: {lines:?}");
            assert!(lines.iter().all(|line| line.chars().count() <= usize::from(width)), "{width}: {lines:?}");
        }
    }

    #[test]
    fn lines_are_folded_between_words() {
        let text = "labels: 10.rebuild-darwin: 0, 10.rebuild-linux: 501+; branch: possible-mass-rebuild";
        let mut document = Document::default();
        document.heading(text);
        document.line(text);
        let said = [text, text].join(" ");
        // The longest word has 21 letters, and an indent of 2.
        for width in 3..=100_u16 {
            let mut out = Vec::new();
            document.write_text(Some(width), &mut out).expect("writes");
            let folded = String::from_utf8(out).expect("UTF-8");
            assert!(folded.split_whitespace().eq(said.split(' ')), "{width}: {folded}");
            assert!(folded.lines().all(|line| line.chars().count() <= usize::from(width.max(23))), "{width}: {folded}");
        }
    }

    #[test]
    fn a_store_path_is_whole_or_not_there() {
        let path = "/nix/store/k0qbwxiwchrc2zvaxv0jmjxw3xw9zlmm-openssl-3.3.2.drv";
        let columns = [Column::Text("package"), Column::Text("uses"), Column::Path("derivation"), Column::Word("notes")];
        let mut table = Table::new(&columns);
        table.rows.push(["python312Packages.torch", "out", path, "fixed output"].map(str::to_owned).to_vec());
        // What of the others a terminal must have room for, and the gaps.
        let others = 16 + "uses".len() + "fixed output".len() + 3 * 2;
        for width in 40..=120_u16 {
            let lines = lines(table.clone(), width);
            let has_room = usize::from(width) >= others + path.len();
            assert_eq!((lines[1].contains(path), lines[1].contains("/nix")), (has_room, has_room), "{width}: {lines:?}");
            assert_eq!(words(&lines[2..]), too_narrow_for(if has_room { "" } else { "derivation" }), "{width}");
            assert!(lines[1].ends_with("fixed output"), "{width}: {lines:?}");
        }
    }

    #[test]
    fn a_bar_goes_after_details_and_before_what_follows_it() {
        let mut table = Table::new(&[Column::Word("wave"), Column::Detail("more"), Column::Path(""), Column::Text("updated")]);
        table.rows.push(["wave-1.1", "12345", "████████", "zlib"].map(str::to_owned).to_vec());
        // 8, 5, 8 and 7 wide, and 2 apart.
        for (width, titles, has_bar, left_out) in [
            (34, "wave more updated", true, ""),
            (33, "wave updated", true, "more"),
            (27, "wave updated", true, "more"),
            (26, "wave updated", false, "more, what has no title"),
            (17, "wave updated", false, "more, what has no title"),
            (16, "wave", false, "more, what has no title, updated"),
        ] {
            let lines = lines(table.clone(), width);
            assert_eq!((words(&lines[..1]), lines[1].contains("████████")), (titles.to_owned(), has_bar), "{width}: {lines:?}");
            assert_eq!(words(&lines[2..]), too_narrow_for(left_out), "{width}");
        }
    }

    #[test]
    fn colours_change_no_letter() {
        let (mut plain, mut coloured) = (Vec::new(), Vec::new());
        document().write_text(Some(40), &mut plain).expect("writes");
        document().write_coloured(Some(40), &mut coloured).expect("writes");
        let coloured = String::from_utf8(coloured).expect("UTF-8");
        assert!(coloured.starts_with("\u{1b}[1ma_b _c_\u{1b}[0m\n"), "{coloured}");
        let stripped = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"].iter().fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(stripped.as_bytes(), plain);
    }

    #[test]
    fn code_stays_in_its_fence_and_only_handles_are_mentioned() {
        let mut document = Document::default();
        document.code(vec!["a ```` b\n```\n@team".to_owned()]);
        for name in ["fabaff", "a b", "x\n@team", "../x"] {
            document.mention(&Recipient::person(name));
        }
        let mut out = Vec::new();
        document.write_markdown(&mut out).expect("writes");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), "`````sh\na ```` b\u{fffd}```\u{fffd}@team\n`````\n\n@fabaff\n");
        let mut out = Vec::new();
        document.write_text(None, &mut out).expect("writes");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), "  a ```` b\u{fffd}```\u{fffd}@team\n@fabaff\n");
    }

    #[test]
    fn a_number_is_escaped_where_it_would_begin_a_list() {
        for text in ["36.1 %", "3.3.2", "1.x", "1)x", "1,234.", "in 2. place", "."] {
            assert_eq!(markdown(text), text);
        }
        for (text, escaped) in [("1. x", "1\\. x"), ("12.", "12\\."), ("2) x", "2\\) x"), ("3)", "3\\)"), ("1.\u{a0}x", "1\\.\u{a0}x")] {
            assert_eq!(markdown(text), escaped);
        }
    }

    #[test]
    fn markdown_cannot_be_injected() {
        let mut out = Vec::new();
        document().write_markdown(&mut out).expect("writes");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.starts_with("## a_b \\_c\\_\n\n&lt;script&gt;x&lt;/script&gt;\u{fffd}\\[31m @\u{2060}team\n"), "{text}");
        assert!(text.contains("| a\\|b | 1,234 |"), "{text}");
    }
}
