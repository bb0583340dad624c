//! Whatever names are, the Markdown has no element but its own: comrak, which reads Markdown as GitHub does, is the judge.

use std::sync::LazyLock;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use proptest::prelude::*;
use proptest::sample::select;
use waves_core::graph::Graph;
use waves_core::report::github::{COMMENT_LIMIT, SUMMARY_LIMIT, comment, summary};
use waves_core::report::{Column, Document, Table};

use crate::hostile::{hostile, name, shown};
use crate::support::graph;

static GRAPH: LazyLock<Graph> = LazyLock::new(graph);

/// Everything that GitHub knows of Markdown.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.strikethrough = true;
    extension.table = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    options
}

/// The nodes of a text, and for each what it says.
fn nodes(markdown: &str) -> Vec<(NodeValue, String)> {
    fn text_of<'a>(node: &'a AstNode<'a>) -> String {
        node.descendants()
            .map(|node| match &node.data.borrow().value {
                NodeValue::Text(text) => text.to_string(),
                NodeValue::Code(code) => code.literal.clone(),
                NodeValue::SoftBreak => " ".to_owned(),
                _ => String::new(),
            })
            .collect()
    }
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    root.descendants().map(|node| (node.data.borrow().value.clone(), text_of(node))).collect()
}

/// HTML that is the report's own.
fn is_own_html(literal: &str) -> bool {
    let is_summary = |text: &str| {
        let title = text.strip_prefix("<details><summary>").and_then(|rest| rest.strip_suffix("</summary>"));
        title.is_some_and(|title| title.chars().all(|character| character.is_ascii_alphanumeric() || " (),".contains(character)))
    };
    literal.lines().all(|line| line == "</details>" || line == "<!-- waves check -->" || is_summary(line))
}

fn assert_harmless(markdown: &str) -> Result<(), TestCaseError> {
    for (node, text) in nodes(markdown) {
        let is_own = match &node {
            NodeValue::Document
            | NodeValue::Heading(_)
            | NodeValue::Paragraph
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::Strong
            | NodeValue::Code(_)
            | NodeValue::SoftBreak => true,
            // Neither a mention, nor a reference to an issue.
            NodeValue::Text(text) => !has_reference(text),
            NodeValue::HtmlBlock(block) => is_own_html(&block.literal),
            _ => false,
        };
        prop_assert!(is_own, "{node:?}: {text}\n{markdown}");
        prop_assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
    Ok(())
}

fn has_reference(text: &str) -> bool {
    text.char_indices().any(|(at, character)| {
        let next = text[at + character.len_utf8()..].chars().next();
        matches!(character, '@' | '#') && next.is_some_and(|next| next.is_alphanumeric())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn comments_and_summaries_have_no_element_but_their_own(hostile in hostile(), limit in select(&[SUMMARY_LIMIT, 100_000])) {
        let report = hostile.report(&GRAPH);
        let comment = comment(&report);
        prop_assert!(comment.len() < COMMENT_LIMIT, "{}", comment.len());
        assert_harmless(&comment)?;
        let summary = summary(&report, limit);
        prop_assert!(summary.len() < limit, "{}", summary.len());
        assert_harmless(&summary)?;
        // The totals are there, however much was cut; and what was cut is said.
        for page in [&comment, &summary] {
            let rebuilt = report.rebuilds.attributes;
            prop_assert!(page.contains(", 0 derivations, 0 outputs"), "{page}");
            let listed = page.matches(".x86_64-linux").count();
            prop_assert!(listed >= rebuilt || page.contains("not shown: there is no room for more."), "{listed} of {rebuilt}");
        }
    }

    /// Where other steps have left next to no room, there is as much of the verdict as fits.
    #[test]
    fn a_summary_fits_and_begins_with_the_verdict(hostile in hostile(), room in 0..6000_usize) {
        let report = hostile.report(&GRAPH);
        let whole = summary(&report, SUMMARY_LIMIT);
        let page = summary(&report, room);
        prop_assert!(page.len() <= room, "{} of {room}", page.len());
        prop_assert!(whole.starts_with(&page[..page.len().min(whole.find("\n\n").expect("a heading"))]), "{page}");
        let verdict = whole.lines().next().expect("a verdict");
        prop_assert_eq!(page.starts_with(verdict), verdict.len() <= room, "{}", page);
        assert_harmless(&page)?;
    }

    /// And every name is shown as it is.
    #[test]
    fn names_are_whole(hostile in hostile()) {
        let report = hostile.report(&GRAPH);
        let shown_names: Vec<String> = nodes(&summary(&report, SUMMARY_LIMIT)).into_iter().filter_map(|(node, _)| match node {
            NodeValue::Code(code) => Some(code.literal.trim().to_owned()),
            _ => None,
        }).collect();
        for cause in hostile.causes.iter().filter(|cause| !cause.is_empty() && cause.chars().count() <= 200) {
            prop_assert!(shown_names.contains(&shown(cause).trim().to_owned()), "{cause:?} of {shown_names:?}");
        }
    }

    /// The documents of all reports.
    #[test]
    fn documents_have_no_element_but_their_own(names in prop::collection::vec(name(), 3)) {
        let mut document = Document::default();
        document.heading(&names[0]);
        document.line(&names[1]);
        let mut table = Table::new(&[Column::Text("name"), Column::Number("count")]);
        table.rows.push(vec![names[2].clone(), "1".to_owned()]);
        document.table(table);
        let mut bytes = Vec::new();
        document.write_markdown(&mut bytes).expect("writes");
        let markdown = String::from_utf8(bytes).expect("UTF-8");
        let plain = |text: &str| text.replace('\u{2060}', "").split_whitespace().collect::<Vec<_>>().join(" ");
        for (node, text) in nodes(&markdown) {
            let expected = match node {
                NodeValue::Heading(_) => Some(names[0].as_str()),
                NodeValue::Paragraph => Some(names[1].trim_start()),
                NodeValue::Document | NodeValue::Table(_) | NodeValue::TableRow(_) | NodeValue::TableCell | NodeValue::SoftBreak => None,
                NodeValue::Text(text) => {
                    prop_assert!(!has_reference(&text), "{text}\n{markdown}");
                    None
                }
                other => return Err(TestCaseError::fail(format!("{other:?}\n{markdown}"))),
            };
            if let Some(expected) = expected {
                prop_assert_eq!(plain(&text), plain(&shown(expected)));
            }
        }
    }
}
