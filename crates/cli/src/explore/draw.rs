//! How a page looks, as lines of text. Nothing is told by colour alone: the selected row has a mark.

use std::ops::Range;

use ratatui::Frame;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use waves_core::report::Column;
use waves_core::text::{clean, number};

use super::app::App;
use super::pages::{Page, Tab};

/// Columns of the screen that a name should still have.
const READABLE: usize = 12;
/// Spaces between two columns.
const GAP: usize = 2;
/// What stands before the selected row, and before the others.
const MARKS: [&str; 2] = ["> ", "  "];

/// Draws the page that is seen.
pub(super) fn draw(app: &App<'_>, frame: &mut Frame<'_>) {
    let area = frame.area();
    frame.render_widget(Paragraph::new(lines(app, usize::from(area.width), usize::from(area.height))), area);
}

/// The whole screen: title, tabs, heading, list, keys.
fn lines(app: &App<'_>, width: usize, height: usize) -> Vec<Line<'static>> {
    let page = app.page();
    let mut lines = vec![Line::styled(title(app, width), Modifier::REVERSED)];
    if page.tabs.len() > 1 {
        lines.push(tabs(page, width));
    }
    let heading = page.heading.iter().flat_map(|text| folded(text, width));
    lines.extend(heading.take(height.div_ceil(3)).map(|line| Line::styled(line, Modifier::BOLD)));
    let left = height.saturating_sub(lines.len() + 1);
    if let Some(tab) = page.tab() {
        lines.extend(list(tab, width, left));
    }
    lines.truncate(height.saturating_sub(1));
    lines.resize(height.saturating_sub(1), Line::default());
    lines.push(footer(app, width));
    lines
}

/// The way here, as much of its end as fits, and which evaluation this is.
fn title(app: &App<'_>, width: usize) -> String {
    let crumbs: Vec<&str> = app.pages().iter().map(|page| &page.title[..]).collect();
    let path = |from: usize| format!(" {}{}", if from > 0 { "… › " } else { "" }, crumbs[from..].join(" › "));
    let from = (0..crumbs.len()).find(|&from| columns(&path(from)) <= width).unwrap_or(crumbs.len() - 1);
    let path = cut(&path(from), width);
    let side = app.side(app.page()).map_or(String::new(), |side| format!("{side}: "));
    let evaluation = app.page().graph.map_or(String::new(), |graph| format!("{side}evaluation {} ", graph.digest()));
    let free = width.saturating_sub(columns(&path) + GAP);
    // Which of two evaluations it is stays to be seen when there is no room for its name.
    let corner = [evaluation, side.replace(": ", " ")].into_iter().find(|text| columns(text) <= free).unwrap_or_default();
    format!("{}{corner}", padded(&path, width.saturating_sub(columns(&corner)), false))
}

/// The names of the lists, from where the one that is seen fits; it is in brackets.
fn tabs(page: &Page<'_>, width: usize) -> Line<'static> {
    let name = |(at, tab): (usize, &Tab<'_>)| {
        let name = format!("{} {}", tab.title, number(tab.rows.len() as u64));
        if at == page.tab { format!("[{name}]") } else { format!(" {name} ") }
    };
    let names: Vec<String> = page.tabs.iter().enumerate().map(name).collect();
    let from = (0..=page.tab).find(|&from| columns(&names[from..=page.tab].join(" ")) <= width).unwrap_or(page.tab);
    Line::raw(cut(&names[from..].join(" "), width))
}

/// A table of the rows around the selected one. What is cut of that stands whole below it.
fn list(tab: &Tab<'_>, width: usize, height: usize) -> Vec<Line<'static>> {
    let has_header = tab.columns.iter().any(|column| !column.title().is_empty());
    let mut room = height.saturating_sub(usize::from(has_header)).max(1);
    let (mut seen, mut rows, mut widths) = window(tab, room, width);
    let whole = seen.clone().zip(&rows).find(|(at, _)| *at == tab.selected).map_or(Vec::new(), |(_, cells)| {
        let is_cut = |(cell, width): &(&String, &Option<usize>)| width.is_some_and(|width| columns(cell) > width);
        let cut: Vec<&str> = cells.iter().zip(&widths).filter(is_cut).map(|(cell, _)| &cell[..]).collect();
        let indent = 2 * columns(MARKS[1]);
        folded(&cut.join("  "), width.saturating_sub(indent)).into_iter().map(|line| format!("{}{line}", " ".repeat(indent))).collect()
    });
    let whole: Vec<String> = whole.into_iter().filter(|line| !line.trim().is_empty()).take(room / 2).collect();
    if !whole.is_empty() {
        room -= whole.len();
        (seen, rows, widths) = window(tab, room, width);
    }
    let row = |mark: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells = cells.zip(&tab.columns).zip(&widths).filter_map(|((cell, column), width)| {
            let is_number = matches!(column, Column::Number(_) | Column::Detail(_));
            width.map(|width| padded(&cut(cell, width), width, is_number))
        });
        format!("{mark}{}", cells.collect::<Vec<_>>().join(&" ".repeat(GAP))).trim_end().to_owned()
    };
    let header = row(MARKS[1], &mut tab.columns.iter().map(|column| column.title()));
    let mut lines = Vec::new();
    if has_header {
        lines.push(Line::styled(header, Modifier::UNDERLINED));
    }
    for (at, cells) in seen.zip(&rows) {
        let cells = &mut cells.iter().map(String::as_str);
        if at == tab.selected {
            lines.push(Line::styled(padded(&row(MARKS[0], cells), width, false), Modifier::REVERSED));
            lines.extend(whole.iter().cloned().map(Line::raw));
        } else {
            lines.push(Line::raw(row(MARKS[1], cells)));
        }
    }
    lines
}

/// As many rows as there is room for, the selected one in the middle of them, and the widths of their columns.
fn window(tab: &Tab<'_>, room: usize, width: usize) -> (Range<usize>, Vec<Vec<String>>, Vec<Option<usize>>) {
    let first = tab.selected.saturating_sub(room / 2).min(tab.rows.len().saturating_sub(room));
    let seen = first..tab.rows.len().min(first + room);
    let rows: Vec<Vec<String>> = seen.clone().map(|at| tab.rows.cells(at)).collect();
    let widths = widths(&tab.columns, &rows, width.saturating_sub(columns(MARKS[0])));
    (seen, rows, widths)
}

/// The width of each column; `None` of those that there is no room for. Details go first, then words, then
/// numbers; of each, the last one first. The first column says what the others are about.
fn widths(kinds: &[Column], rows: &[Vec<String>], width: usize) -> Vec<Option<usize>> {
    let widest = |at: usize| rows.iter().map(|row| columns(&row[at])).chain([columns(kinds[at].title())]).max().unwrap_or(0);
    let mut widths: Vec<Option<usize>> = (0..kinds.len()).map(|at| Some(widest(at))).collect();
    // A path too: what is cut of it stands whole below the selected row.
    let is_text = |at: &usize| matches!(kinds[*at], Column::Text(_) | Column::Path(_));
    let of_kind = |is_kind: fn(Column) -> bool| (0..kinds.len()).filter(move |&at| is_kind(kinds[at]));
    let details = of_kind(|kind| matches!(kind, Column::Detail(_)));
    let words = of_kind(|kind| matches!(kind, Column::Word(_)));
    let numbers = of_kind(|kind| matches!(kind, Column::Number(_)));
    for drop in details.rev().chain(words.rev()).chain(numbers.rev()).filter(|&at| at > 0) {
        let least = |(at, width): (usize, &Option<usize>)| width.map(|width| if is_text(&at) { width.min(READABLE) } else { width } + GAP);
        if widths.iter().enumerate().filter_map(least).sum::<usize>() <= width + GAP {
            break;
        }
        widths[drop] = None;
    }
    // What is left is shared among texts: who needs less leaves the rest to the others.
    let taken = |widths: &[Option<usize>], counts: &dyn Fn(usize) -> bool| -> usize {
        widths.iter().enumerate().filter_map(|(at, width)| width.map(|width| if counts(at) { width + GAP } else { GAP })).sum()
    };
    let mut free = (width + GAP).saturating_sub(taken(&widths, &|at| !is_text(&at)));
    let mut texts: Vec<usize> = (0..kinds.len()).filter(is_text).collect();
    texts.sort_by_key(|&at| widths[at]);
    for (done, &at) in texts.iter().enumerate() {
        let share = widths[at].unwrap_or(0).min(free / (texts.len() - done));
        widths[at] = Some(share);
        free -= share;
    }
    widths
}

/// What the last key could not do, or what keys can; and where in the list this is.
fn footer(app: &App<'_>, width: usize) -> Line<'static> {
    let page = app.page();
    let place = page
        .tab()
        .filter(|tab| tab.rows.len() > 0)
        .map_or(String::new(), |tab| format!(" {} of {} ", number(tab.selected as u64 + 1), number(tab.rows.len() as u64)));
    let room = width.saturating_sub(columns(&place));
    let mut text = String::new();
    match app.message() {
        Some(message) => text = cut(&format!(" {}", message.lines().next().unwrap_or_default()), room),
        None => {
            for hint in hints(app) {
                let longer = format!("{text} {hint} ");
                if columns(&longer) > room {
                    break;
                }
                text = longer;
            }
        }
    }
    Line::styled(format!("{}{place}", padded(&text, room, false)), Modifier::REVERSED)
}

/// Keys, those first that one must know.
fn hints(app: &App<'_>) -> Vec<&'static str> {
    if app.page().is_typing() {
        return vec!["Enter open", "Esc stop typing", "Up/Down move"];
    }
    let mut hints = vec!["? keys", "q quit", "Enter open", "/ search"];
    if app.pages().len() > 1 {
        hints.push("Esc back");
    }
    if app.page().tabs.len() > 1 {
        hints.push("Tab next");
    }
    hints.extend(["d/D neighbours", "p waves", "w why"]);
    if app.has_two() {
        hints.push("x diff");
    }
    hints
}

/// How many columns of the screen a text takes.
fn columns(text: &str) -> usize {
    Span::raw(clean(text)).width()
}

/// The beginning of a text, if it is too wide; nothing in it moves a cursor.
fn cut(text: &str, width: usize) -> String {
    let text = clean(text);
    if Span::raw(&*text).width() <= width {
        return text.into_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        let longer = format!("{short}{character}");
        if columns(&longer) + 1 > width {
            break;
        }
        short = longer;
    }
    if width > 0 {
        short.push('…');
    }
    short
}

fn padded(text: &str, width: usize, to_the_right: bool) -> String {
    let padding = " ".repeat(width.saturating_sub(columns(text)));
    if to_the_right { format!("{padding}{text}") } else { format!("{text}{padding}") }
}

/// A text in lines, parted between words, and words that are too wide between letters.
fn folded(text: &str, width: usize) -> Vec<String> {
    let text = clean(text);
    let mut lines = vec![String::new()];
    let mut append = |piece: &str, gap: &str| {
        let last = lines.len() - 1;
        let longer = format!("{}{gap}{piece}", lines[last]);
        if columns(&longer) > width && !lines[last].is_empty() {
            lines.push(piece.to_owned());
        } else {
            lines[last] = longer;
        }
    };
    for (at, word) in text.split(' ').enumerate() {
        let gap = if at > 0 { " " } else { "" };
        if columns(word) <= width {
            append(word, gap);
            continue;
        }
        for (at, character) in word.chars().enumerate() {
            append(character.encode_utf8(&mut [0; 4]), if at > 0 { "" } else { gap });
        }
    }
    lines.iter().map(|line| cut(line, width)).collect()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use waves_core::config::Policy;
    use waves_core::graph::Graph;
    use waves_core::ingest::Input;

    use super::*;
    use crate::explore::Evaluations;

    /// The graph of a dump.
    fn graph(dump: &str) -> Graph {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("jobs.jsonl");
        std::fs::write(&file, dump).expect("written");
        Graph::import(&[Input::Path(file)], &()).expect("imported")
    }

    /// The screen after each of these keys.
    fn screens(app: &mut App<'_>, keys: &[KeyCode], (width, height): (u16, u16)) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let mut screen = |app: &App<'_>| {
            terminal.draw(|frame| draw(app, frame)).expect("drawn");
            terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect::<String>()
        };
        app.resize(height);
        let after = |&key: &KeyCode| {
            app.on_key(KeyEvent::new(key, KeyModifiers::NONE));
            screen(app)
        };
        keys.iter().map(after).collect()
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_drawn() {
        let evil = "a\\u001b[31m\\u202eb\\u009b\\u061c\\n\\u0007";
        let job = format!(
            r#"{{"attr":"{evil}","attrPath":["{evil}"],"drvPath":"/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x-1.drv","name":"x-{evil}","outputs":{{"out":"/nix/store/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-x"}},"system":"{evil}","meta":{{"description":"{evil}","position":"{evil}:1","maintainers":[{{"github":"{evil}"}}]}}}}"#
        );
        let error = format!(r#"{{"attr":"c{evil}","attrPath":["c{evil}"],"error":"{evil}"}}"#);
        let graph = graph(&format!("{job}\n{error}\n"));
        let policy = Policy::default();
        let mut app = App::new(Evaluations { first: &graph, second: Some(&graph), policy: &policy });
        let mut keys = vec![KeyCode::Char('/'), KeyCode::Char('\u{202e}'), KeyCode::Char('\u{1b}'), KeyCode::Backspace, KeyCode::Backspace];
        keys.extend([KeyCode::Enter, KeyCode::Char('j'), KeyCode::Tab, KeyCode::Tab, KeyCode::Tab, KeyCode::Char('p'), KeyCode::Char('d')]);
        keys.extend([KeyCode::Char('w'), KeyCode::End, KeyCode::Enter, KeyCode::Esc, KeyCode::Char('x'), KeyCode::Char('?')]);
        for size in [(100, 30), (40, 10), (7, 3), (1, 1)] {
            for screen in screens(&mut app, &keys, size) {
                let is_active =
                    |character: char| character.is_control() || clean(&character.to_string()) == "\u{fffd}" && character != '\u{fffd}';
                assert!(!screen.contains(is_active), "{size:?}: {screen:?}");
            }
        }
        assert!(screens(&mut app, &[KeyCode::Esc; 40], (100, 30))[39].contains("\u{fffd}[31m\u{fffd}b"));
    }

    #[test]
    fn texts_are_cut_and_folded_by_the_columns_that_they_take() {
        assert_eq!([cut("abc", 3), cut("abcd", 3), cut("漢字漢", 4), cut("a", 0)], ["abc", "ab…", "漢…", ""]);
        assert_eq!(cut("a\u{1b}[31m\u{202e}b\n", 20), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
        assert_eq!(folded("two words of text", 9), ["two words", "of text"]);
        assert_eq!(folded("a /nix/store/path", 5), ["a /ni", "x/sto", "re/pa", "th"]);
        assert_eq!(folded("", 5), [""]);
    }

    #[test]
    fn what_a_narrow_screen_leaves_out_are_the_last_counts() {
        let columns = [Column::Number("no"), Column::Text("name"), Column::Number("count"), Column::Detail("more"), Column::Word("word")];
        let rows = [["1", "a rather long name", "12345", "7", "x"].map(str::to_owned).to_vec()];
        let shown = |width| widths(&columns, &rows, width);
        assert_eq!(shown(50), [Some(2), Some(18), Some(5), Some(4), Some(4)]);
        assert_eq!(shown(33), [Some(2), Some(16), Some(5), None, Some(4)]);
        assert_eq!(shown(25), [Some(2), Some(14), Some(5), None, None]);
        assert_eq!(shown(20), [Some(2), Some(16), None, None, None]);
        assert_eq!(shown(3), [Some(2), Some(0), None, None, None]);
    }
}
