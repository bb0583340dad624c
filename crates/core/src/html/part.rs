//! What the pages have in common: names, tables, bars and boxes, as markup and as what the script reads.

use std::collections::BTreeMap;

use maud::{Markup, html};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use crate::graph::set_of;
use crate::report::{self, Block, Document};
use crate::text::{clean, duration, number, percent};

/// Rows that a page has without its script.
const STATIC_ROWS: usize = 50;
/// Different values that are offered in a list; of more, one is typed.
const OFFERED: usize = 40;

/// Numbers as text, one to four letters each: small ones are short, and JSON needs no escape.
///
/// Base 45, lowest digit first; 45 is added to a digit that another follows. The letters are those from `#` to `~`, without
/// `<` and `\`.
pub(super) fn packed(numbers: impl IntoIterator<Item = usize>) -> String {
    const BASE: usize = 45;
    let mut text = String::new();
    for mut number in numbers {
        while number >= BASE {
            text.push(letter((BASE + number % BASE) as u8));
            number /= BASE;
        }
        text.push(letter(number as u8));
    }
    text
}

/// The same of numbers of which most are near to the one before: the step to each, twice, one less if it is backwards.
pub(super) fn stepped(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut last = 0;
    packed(numbers.into_iter().map(|number| {
        let before = std::mem::replace(&mut last, number);
        if number >= before { (number - before) * 2 } else { (before - number) * 2 - 1 }
    }))
}

fn letter(digit: u8) -> char {
    let code = b'#' + digit;
    let code = code + u8::from(code >= b'<');
    char::from(code + u8::from(code >= b'\\'))
}

/// Every name of a page, once, by the set that it is in: what it is called everywhere else is its number here.
pub(super) struct Names {
    texts: Vec<String>,
    numbers: FxHashMap<String, usize>,
}

impl Names {
    /// O(names · log names).
    pub(super) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut texts: Vec<&str> = names.into_iter().collect();
        texts.sort_unstable_by_key(|name| split(name));
        texts.dedup();
        let numbers = texts.iter().enumerate().map(|(at, &name)| (name.to_owned(), at)).collect();
        Self { texts: texts.into_iter().map(str::to_owned).collect(), numbers }
    }

    /// The number of a name; of one that is not among them, that of the first.
    pub(super) fn number(&self, name: &str) -> usize {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    fn text(&self, number: usize) -> &str {
        self.texts.get(number).map_or("", String::as_str)
    }

    /// Sets, and the names in each without that of the set.
    pub(super) fn json(&self) -> Value {
        let mut sets: Vec<(&str, Vec<String>)> = Vec::new();
        for name in &self.texts {
            let (set, leaf) = split(name);
            if sets.last().is_none_or(|(last, _)| *last != set) {
                sets.push((set, Vec::new()));
            }
            if let Some((_, leaves)) = sets.last_mut() {
                leaves.push(clean(leaf).into_owned());
            }
        }
        json!(sets.into_iter().map(|(set, leaves)| json!([clean(set), leaves])).collect::<Vec<_>>())
    }
}

/// A name behind its set, whose dot stays with it. What has no set may have dots in its version.
fn split(name: &str) -> (&str, &str) {
    let set = set_of(name);
    let is_set = !set.is_empty() && set.chars().all(|character| character.is_ascii_alphanumeric() || "_.".contains(character));
    name.split_at(if is_set { set.len() + 1 } else { 0 })
}

/// The cells of a column.
pub(super) enum Values {
    /// Numbers of [`Names`]; a click on one tells more.
    Names(Vec<usize>),
    /// Numbers.
    Numbers(Vec<usize>),
    /// Times.
    Seconds(Vec<usize>),
    /// Words, of which there are few.
    Words(Words),
    /// Some words each.
    Lists(Words, Vec<usize>),
}

/// Words by number, in the order in which they came up, and the number of each cell.
#[derive(Default)]
pub(super) struct Words {
    texts: Vec<String>,
    numbers: FxHashMap<String, usize>,
    cells: Vec<usize>,
}

impl Words {
    /// A cell for each text.
    pub(super) fn of(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut words = Self::default();
        for text in texts {
            words.push(text.as_ref());
        }
        words
    }

    /// Adds a cell.
    pub(super) fn push(&mut self, text: &str) {
        let next = self.texts.len();
        let number = *self.numbers.entry(text.to_owned()).or_insert(next);
        if number == next {
            self.texts.push(text.to_owned());
        }
        self.cells.push(number);
    }

    fn text(&self, cell: usize) -> &str {
        &self.texts[self.cells[cell]]
    }

    fn json(&self) -> Vec<String> {
        self.texts.iter().map(|text| clean(text).into_owned()).collect()
    }
}

/// A column of a table that can be searched.
pub(super) struct DataColumn {
    title: &'static str,
    values: Values,
    is_filter: bool,
}

impl DataColumn {
    /// A column.
    pub(super) fn new(title: &'static str, values: Values) -> Self {
        Self { title, values, is_filter: false }
    }

    /// One by whose values rows can be picked.
    pub(super) fn filter(title: &'static str, values: Values) -> Self {
        Self { title, values, is_filter: true }
    }

    fn is_number(&self) -> bool {
        matches!(self.values, Values::Numbers(_) | Values::Seconds(_))
    }

    fn cell(&self, names: &Names, row: usize) -> String {
        match &self.values {
            Values::Names(cells) => names.text(cells[row]).to_owned(),
            Values::Numbers(cells) => number(cells[row]),
            Values::Seconds(cells) => duration(cells[row] as u64),
            Values::Words(words) => words.text(row).to_owned(),
            Values::Lists(words, lengths) => {
                let first: usize = lengths[..row].iter().sum();
                let cells = first..first + lengths[row];
                cells.map(|cell| words.text(cell)).collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn json(&self) -> Value {
        let (kind, cells) = match &self.values {
            Values::Names(cells) => ("name", cells),
            Values::Numbers(cells) => ("number", cells),
            Values::Seconds(cells) => ("seconds", cells),
            Values::Words(words) => ("word", &words.cells),
            Values::Lists(words, _) => ("list", &words.cells),
        };
        let cells = cells.iter().copied();
        let cells = if kind == "name" { stepped(cells) } else { packed(cells) };
        let mut column = json!({ "title": self.title, "kind": kind, "cells": cells });
        if let Values::Words(words) | Values::Lists(words, _) = &self.values {
            column["words"] = json!(words.json());
            column["offered"] = json!(words.texts.len() <= OFFERED);
        }
        if let Values::Lists(_, lengths) = &self.values {
            column["lengths"] = json!(packed(lengths.iter().copied()));
        }
        if self.is_filter {
            column["filter"] = json!(true);
        }
        column
    }
}

/// A table that can be searched, sorted and filtered. Without its script it shows its first rows.
pub(super) struct DataTable {
    /// What names it in the page.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) heading: &'static str,
    /// What a row is, one and many.
    pub(super) noun: (&'static str, &'static str),
    /// What a click on a name tells: a function of the script; nothing if there is nothing to tell.
    pub(super) detail: Option<&'static str>,
    /// Columns, all of one length.
    pub(super) columns: Vec<DataColumn>,
    /// Rows.
    pub(super) rows: usize,
    /// Rows that the report leaves out.
    pub(super) omitted: usize,
}

impl DataTable {
    /// As markup.
    pub(super) fn markup(&self, names: &Names) -> Markup {
        let shown = self.rows.min(STATIC_ROWS);
        html! {
            section #(self.id) data-table=(self.id) {
                h2 #(format!("{}-heading", self.id)) tabindex="-1" { (self.heading) }
                @if self.omitted > 0 { (omitted(self.omitted)) }
                div.controls hidden {}
                p.count role="status" {
                    @if shown < self.rows { "The first " (number(shown)) " of " }
                    (number(self.rows)) " " (if self.rows == 1 { self.noun.0 } else { self.noun.1 })
                }
                div.scroll tabindex="0" role="region" aria-labelledby=(format!("{}-heading", self.id)) {
                    table {
                        thead { tr { @for column in &self.columns { th scope="col" .number[column.is_number()] { (column.title) } } } }
                        tbody {
                            @for row in 0..shown {
                                tr { @for column in &self.columns { td .number[column.is_number()] .word[matches!(column.values, Values::Words(_))] { (clean(&column.cell(names, row))) } } }
                            }
                        }
                    }
                }
                p { button.more type="button" hidden { "Show more" } }
            }
        }
    }

    /// For the script.
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "noun": [self.noun.0, self.noun.1],
            "detail": self.detail,
            "rows": self.rows,
            "columns": self.columns.iter().map(DataColumn::json).collect::<Vec<_>>(),
        })
    }
}

/// A small table that is there as a whole: `columns` with whether they are numbers.
pub(super) fn table(caption: &str, columns: &[(&str, bool)], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                thead {
                    tr {
                        @for (title, is_number) in columns {
                            // What has no title is no header.
                            @if title.is_empty() { td {} } @else { th scope="col" .number[*is_number] { (title) } }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr { @for (cell, (_, is_number)) in row.iter().zip(columns) { td .number[*is_number] { (cell) } } }
                    }
                }
            }
        }
    }
}

/// The same of texts.
pub(super) fn text_table(caption: &str, columns: &[(&str, bool)], rows: &[Vec<String>]) -> Markup {
    let rows: Vec<Vec<Markup>> = rows.iter().map(|row| row.iter().map(|cell| text(cell)).collect()).collect();
    table(caption, columns, &rows)
}

/// What the text of a report says, under its first heading.
pub(super) fn section(id: &str, document: &Document) -> Markup {
    let mut caption = id;
    let mut blocks: Vec<Markup> = Vec::new();
    for block in &document.blocks {
        blocks.push(match block {
            Block::Heading(heading) => {
                caption = heading;
                html! { @if blocks.is_empty() { h2 { (text(heading)) } } @else { h3 { (text(heading)) } } }
            }
            Block::Line(line) | Block::Mention(line) => html! { p { (text(line)) } },
            Block::Code(lines) => html! { pre { (text(&lines.join("\n"))) } },
            Block::Table(shown) => report_table(caption, shown),
        });
    }
    html! { section #(id) { @for block in &blocks { (block) } } }
}

/// A table of a report's text.
pub(super) fn report_table(caption: &str, shown: &report::Table) -> Markup {
    let columns: Vec<(&str, bool)> = shown.columns.iter().map(|column| (column.title(), column.is_number())).collect();
    html! {
        (text_table(caption, &columns, &shown.rows))
        @if shown.omitted > 0 { (omitted(shown.omitted)) }
    }
}

/// Says that a list was cut.
fn omitted(rows: usize) -> Markup {
    html! { p.note { "The report leaves out " (number(rows)) " more (" code { "--limit 0" } " keeps them)." } }
}

/// A name, that is never markup and never turns the text around it.
pub(super) fn text(text: &str) -> Markup {
    html! { (clean(text)) }
}

/// A number with separators.
pub(super) fn count(value: usize) -> Markup {
    html! { (number(value)) }
}

/// A part of a whole as a bar, with what it stands for beside it.
pub(super) fn bar(part: f64, whole: f64, label: &str) -> Markup {
    let width = if whole > 0.0 { (part / whole * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    html! {
        span.bar aria-hidden="true" { @if width > 0.0 { span style=(format!("width:{width:.2}%")) {} } }
        " " span.value { (clean(label)) }
    }
}

/// The numbers that a page begins with.
pub(super) fn headline(figures: &[(&str, String)]) -> Markup {
    html! {
        dl.headline {
            @for (name, value) in figures {
                div { dt { (name) } dd { (clean(value)) } }
            }
        }
    }
}

/// What of something is in which set: boxes as large as their counts, and the same as a table.
pub(super) fn treemap(heading: &str, of: &BTreeMap<String, usize>) -> Markup {
    let mut sets: Vec<(&str, usize)> = of.iter().map(|(set, &count)| (set.as_str(), count)).collect();
    sets.sort_by_key(|&(set, count)| (std::cmp::Reverse(count), set));
    let total: usize = sets.iter().map(|(_, count)| count).sum();
    let named = |set: &str| if set.is_empty() { "top level".to_owned() } else { clean(set).into_owned() };
    let boxes = squarified(&boxed(&sets));
    let rows: Vec<Vec<Markup>> =
        sets.iter().map(|&(set, sum)| vec![text(&named(set)), count(sum), bar(sum as f64, total as f64, &percent(sum, total))]).collect();
    html! {
        section #sets {
            h2 { (heading) }
            div.treemap aria-hidden="true" {
                @for ((name, count), place) in boxed(&sets).iter().zip(&boxes) {
                    @let style = format!("left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%", place.left, place.top, place.width, place.height);
                    div style=(style) title=(format!("{}: {}", named(name), number(*count))) {
                        @if place.width > 5.0 && place.height > 9.0 { span { (named(name)) } b { (number(*count)) } }
                    }
                }
            }
            details open[sets.len() <= 12] {
                summary { "The same as a table: " (number(sets.len())) " " (if sets.len() == 1 { "set" } else { "sets" }) }
                (table(heading, &[("set", false), ("attributes", true), ("share", false)], &rows))
            }
        }
    }
}

/// Boxes that can be told apart; what is smaller is one box.
fn boxed<'s>(sets: &[(&'s str, usize)]) -> Vec<(&'s str, usize)> {
    const BOXES: usize = 40;
    let (large, small) = sets.split_at(sets.len().min(BOXES));
    let rest: usize = small.iter().map(|(_, count)| count).sum();
    large.iter().copied().chain((rest > 0).then_some(("all others", rest))).collect()
}

/// A place in a box, in percent of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// Boxes as large as their counts, as near to squares as rows of them can be; counts from large to small. O(counts · row).
///
/// Bruls, Huizing and van Wijk, Squarified Treemaps, 2000.
fn squarified(counts: &[(&str, usize)]) -> Vec<Place> {
    // The box is about twice as wide as high.
    const ASPECT: f64 = 2.0;
    let total: f64 = counts.iter().map(|&(_, count)| count as f64).sum();
    let areas: Vec<f64> = counts.iter().map(|&(_, count)| count as f64 / total * ASPECT).collect();
    let mut free = Place { left: 0.0, top: 0.0, width: ASPECT, height: 1.0 };
    let mut places = Vec::new();
    let mut at = 0;
    while at < areas.len() {
        let side = free.width.min(free.height);
        let mut end = at + 1;
        while end < areas.len() && worst(&areas[at..=end], side) <= worst(&areas[at..end], side) {
            end += 1;
        }
        let row = &areas[at..end];
        let thickness = row.iter().sum::<f64>() / side;
        let mut along = 0.0;
        for area in row {
            let length = area / thickness;
            places.push(if free.width >= free.height {
                Place { left: free.left, top: free.top + along, width: thickness, height: length }
            } else {
                Place { left: free.left + along, top: free.top, width: length, height: thickness }
            });
            along += length;
        }
        if free.width >= free.height {
            free = Place { left: free.left + thickness, width: free.width - thickness, ..free };
        } else {
            free = Place { top: free.top + thickness, height: free.height - thickness, ..free };
        }
        at = end;
    }
    let percent = |Place { left, top, width, height }: Place| Place {
        left: left / ASPECT * 100.0,
        top: top * 100.0,
        width: width / ASPECT * 100.0,
        height: height * 100.0,
    };
    places.into_iter().map(percent).collect()
}

/// The ratio of sides of the longest box of a row along a side.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let ratio = |area: f64| (side * side * area / (sum * sum)).max(sum * sum / (side * side * area));
    row.iter().copied().map(ratio).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(text: &str) -> Vec<usize> {
        let (mut numbers, mut number, mut scale) = (Vec::new(), 0, 1);
        for code in text.bytes() {
            let digit = usize::from(code - b'#' - u8::from(code > b'<') - u8::from(code > b'\\'));
            number += digit % 45 * scale;
            scale *= 45;
            if digit < 45 {
                numbers.push(number);
                (number, scale) = (0, 1);
            }
        }
        numbers
    }

    #[test]
    fn packed_numbers_are_read_again_and_need_no_escape() {
        let numbers: Vec<usize> = (0..100_000).step_by(7).chain([4_000_000, 0, 44, 45, 2024, 2025]).collect();
        let text = packed(numbers.iter().copied());
        assert!(!text.contains(['"', '\\', '<']) && text.is_ascii());
        assert_eq!(unpacked(&text), numbers);
    }

    #[test]
    fn boxes_fill_the_whole_and_do_not_overlap() {
        let counts: Vec<(&str, usize)> = [900, 500, 300, 300, 120, 60, 20, 5, 1, 1].map(|count| ("", count)).to_vec();
        let places = squarified(&counts);
        let total: usize = counts.iter().map(|(_, count)| count).sum();
        for (place, (_, count)) in places.iter().zip(&counts) {
            let share = *count as f64 / total as f64;
            assert!((place.width * place.height / 10_000.0 - share).abs() < 1e-9, "{place:?}");
            assert!(place.left > -1e-9 && place.top > -1e-9);
            assert!(place.left + place.width < 100.0 + 1e-6 && place.top + place.height < 100.0 + 1e-6, "{place:?}");
        }
        for (at, a) in places.iter().enumerate() {
            for b in &places[..at] {
                let across = (a.left + a.width).min(b.left + b.width) - a.left.max(b.left);
                let down = (a.top + a.height).min(b.top + b.height) - a.top.max(b.top);
                assert!(across < 1e-6 || down < 1e-6, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn names_are_kept_by_set() {
        let names = Names::new(["python312Packages.b", "zlib", "python312Packages.a", "glibc-2.40", "zlib"]);
        assert_eq!(names.json().to_string(), r#"[["",["glibc-2.40","zlib"]],["python312Packages.",["a","b"]]]"#);
        assert_eq!(names.number("python312Packages.b"), 3);
        assert_eq!(names.text(1), "zlib");
    }
}
