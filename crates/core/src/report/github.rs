//! What `waves check` leaves on GitHub: a step summary, a comment, outputs of the step, and annotations.
//!
//! Names come from a pull request that anybody can open. In Markdown they stand in code, where nothing is markup, a
//! mention or a reference; in workflow commands and outputs, what ends one is escaped.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::check::{CheckReport, ReasonReport};
use super::document::{code, markdown};
use crate::analysis::AttributeName;
use crate::policy::{Outcome, Severity};
use crate::text::{clean, counted, first_few, hours, number, shortened};

/// Bytes of all step summaries of a step; GitHub shows none of it if there are more.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;
/// Characters of a comment. What has no more bytes has no more characters either.
pub const COMMENT_LIMIT: usize = 65_536;
/// What a comment begins with, so that the next run finds and replaces it.
pub const COMMENT_MARK: &str = "<!-- waves check -->";
/// Annotations of a kind that GitHub shows of a step.
const ANNOTATIONS: usize = 10;
/// Characters of a name or a reason that are shown.
const NAME_LENGTH: usize = 200;
const REASON_LENGTH: usize = 1000;
/// Names in a line of labels, branches or kernels.
const INLINE: usize = 24;
/// Bytes kept free for what is said of the lists that were cut.
const RESERVE: usize = 2048;

/// The step summary: the verdict with its counts, then as much of the lists as `limit` bytes allow.
pub fn summary(report: &CheckReport, limit: usize) -> String {
    page(report, String::new(), limit)
}

/// The body of a comment, of at most [`COMMENT_LIMIT`] bytes.
pub fn comment(report: &CheckReport) -> String {
    page(report, format!("{COMMENT_MARK}\n"), COMMENT_LIMIT - 1)
}

/// Text that grows up to a limit.
struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// Adds a block, unless it is too long; whether it was added.
    fn add(&mut self, block: &str) -> bool {
        let fits = self.text.len() + block.len() <= self.limit;
        if fits {
            self.text.push_str(block);
        }
        fits
    }

    /// Adds items in up to `room` bytes; how many were left out.
    fn add_items(&mut self, items: impl ExactSizeIterator<Item = String>, room: usize) -> usize {
        let (all, end) = (items.len(), self.text.len() + room.min(self.limit.saturating_sub(self.text.len())));
        let mut added = 0;
        for item in items {
            if self.text.len() + item.len() > end {
                break;
            }
            self.text.push_str(&item);
            added += 1;
        }
        all - added
    }
}

fn page(report: &CheckReport, start: String, limit: usize) -> String {
    let mut page = Page { text: start, limit: limit.saturating_sub(RESERVE) };
    let totals = totals(report);
    if !page.add(&totals) {
        // Next to no room, as where other steps have filled the summary: then as much of the verdict as there is room for.
        let (verdict, _) = totals.split_once('\n').unwrap_or((&totals, ""));
        page.limit = limit;
        let _ = page.add(&totals) || page.add(verdict);
        return page.text;
    }
    page.add("\n");
    let left = page.add_items(report.reasons.iter().map(reason_item), page.limit / 4);
    let mut cut: Vec<String> = cut_line(left, "reasons").into_iter().collect();
    if let Some(biggest) = &report.biggest_cause {
        let outcome = if biggest.verdict_without == Outcome::Over { "over" } else { "within" };
        page.add(&format!(
            "\nThe biggest cause is {}: it rebuilds {}, {} of them alone. Without it the change is {outcome} the policy.\n",
            code(&shortened(&biggest.label, NAME_LENGTH)),
            counted(biggest.attributes, "attribute", "attributes"),
            number(biggest.alone as u64)
        ));
    }
    let changes = &report.changes;
    let names = |names: &[AttributeName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let lists = [
        ("Causes", report.causes.iter().map(|cause| cause.label.clone()).collect()),
        ("Removed attributes", names(&changes.removed)),
        ("Added attributes", names(&changes.added)),
        ("Rebuilt attributes", names(&changes.rebuilds)),
    ];
    for (index, (title, names)) in lists.iter().enumerate() {
        let room = page.limit.saturating_sub(page.text.len()) / (lists.len() - index);
        cut.extend(list(&mut page, title, names, room));
    }
    // For this there is the reserve.
    page.text + &cut.concat()
}

/// The verdict, and every number: never cut, and of bounded length.
fn totals(report: &CheckReport) -> String {
    let branch = &report.branch;
    let verdict = prose(&shortened(&report.summary[0], REASON_LENGTH));
    let mut text = format!("## Rebuilds are {verdict}\n\n");
    let _ = writeln!(text, "- Rebuilt: {}", report.rebuilds.said());
    if let Some(most) = report.at_most {
        let _ = writeln!(text, "- At most: {}", most.said());
    }
    for (kernel, counts) in report.kernels.iter().take(INLINE) {
        let excluded = counts.all_names - counts.names;
        let excluded = if excluded == 0 { String::new() } else { format!(", without {} excluded", number(excluded as u64)) };
        let (names, derivations) = (counted(counts.names, "name", "names"), counted(counts.derivations, "derivation", "derivations"));
        let _ = writeln!(text, "- On {}: {names}{excluded}, {derivations}", code(&shortened(kernel, NAME_LENGTH)));
    }
    let attributes = report.attributes;
    let [added, removed, changed] = [attributes.added, attributes.removed, attributes.changed].map(|count| number(count as u64));
    let _ = writeln!(text, "- Attributes: {added} added, {removed} removed, {changed} changed");
    if let Some(building) = report.hours {
        let _ = writeln!(text, "- Building takes {}", hours(building));
    }
    let _ = writeln!(text, "- Labels: {}", inline(&report.own_labels()));
    let suggested: Vec<&str> = branch.suggested.iter().map(String::as_str).collect();
    let _ = match suggested.as_slice() {
        [] => writeln!(text, "- Branch: {}", inline(&[branch.base.as_str()])),
        _ => writeln!(text, "- Branch: {}, not {}", inline(&suggested), inline(&[branch.base.as_str()])),
    };
    text
}

/// A few names in a line.
fn inline(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    first_few(names.iter().map(|name| code(&shortened(name, NAME_LENGTH))), INLINE)
}

fn reason_item(reason: &ReasonReport) -> String {
    let ReasonReport { severity, rule, text } = reason;
    format!("- **{}** {}: {}\n", severity.as_str(), code(rule), prose(&shortened(text, REASON_LENGTH)))
}

/// Adds a list that is folded up; what to say if it was cut.
fn list(page: &mut Page, title: &str, names: &[String], room: usize) -> Option<String> {
    const END: &str = "\n</details>\n";
    if names.is_empty() {
        return None;
    }
    let head = format!("\n<details><summary>{title} ({})</summary>\n\n", number(names.len() as u64));
    let room = room.saturating_sub(head.len() + END.len());
    let item = |name: &String| format!("- {}\n", code(&shortened(name, NAME_LENGTH)));
    let Some(first) = names.first().map(item).filter(|first| first.len() <= room) else {
        return cut_line(names.len(), &title.to_lowercase());
    };
    page.add(&head);
    page.add(&first);
    let left = page.add_items(names[1..].iter().map(item), room - first.len());
    page.text.push_str(END);
    cut_line(left, &title.to_lowercase())
}

/// What is said of a list that was cut.
fn cut_line(left: usize, what: &str) -> Option<String> {
    let are = if left == 1 { "is" } else { "are" };
    (left > 0).then(|| format!("\n{} of the {what} {are} not shown: there is no room for more.\n", number(left as u64)))
}

/// Prose in which names stand in backticks.
fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let is_code = |at: usize| at % 2 == 1 && at + 1 < pieces.len();
    let piece = |(at, piece): (usize, &&str)| if is_code(at) { code(piece) } else { markdown(piece) };
    pieces.iter().enumerate().map(piece).collect()
}

/// The outputs of the step, by name: what `$GITHUB_OUTPUT` gets.
pub fn outputs(report: &CheckReport) -> Vec<(&'static str, String)> {
    let verdict = if report.verdict == Outcome::Over { "over" } else { "within" };
    let kernels: serde_json::Map<_, _> = report.kernels.iter().map(|(kernel, counts)| (kernel.clone(), json!(counts.names))).collect();
    vec![
        ("verdict", verdict.to_owned()),
        ("summary", report.summary.join("\n")),
        ("attributes", report.rebuilds.attributes.to_string()),
        ("at-most", report.at_most.unwrap_or(report.rebuilds).attributes.to_string()),
        ("derivations", report.rebuilds.derivations.to_string()),
        ("outputs", report.rebuilds.outputs.to_string()),
        ("kernels", json!(kernels).to_string()),
        ("labels", json!(report.own_labels()).to_string()),
        ("all-labels", json!(report.labels).to_string()),
        ("base", report.branch.base.clone()),
        ("decision", report.branch.decision.as_str().to_owned()),
        ("branch", report.branch.target.clone()),
    ]
}

/// Lines for `$GITHUB_OUTPUT`, each value between delimiters that it does not have in it.
pub fn output_lines(outputs: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let delimiter = delimiter(value);
        let _ = writeln!(text, "{name}<<{delimiter}\n{value}\n{delimiter}");
    }
    text
}

/// A line that a text does not have: nobody finds a text that has the digest of itself in it.
fn delimiter(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("waves-{}", data_encoding::HEXLOWER.encode(&digest))
}

/// Workflow commands that annotate files with the verdict, or the step if there is no file. As many as GitHub shows.
pub fn annotations(report: &CheckReport, files: &[String]) -> Vec<String> {
    let level = match report.severity() {
        Severity::Over => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let grave = report.reasons.iter().filter(|reason| reason.severity == report.severity() && reason.severity != Severity::Note);
    let lines: Vec<&str> = report.summary.iter().map(String::as_str).chain(grave.map(|reason| reason.text.as_str())).collect();
    let message = shortened(&lines.join("\n"), REASON_LENGTH);
    if files.is_empty() {
        return vec![annotation(level, None, &message)];
    }
    let shown = if files.len() > ANNOTATIONS { ANNOTATIONS - 1 } else { files.len() };
    let mut annotations: Vec<String> = files[..shown].iter().map(|file| annotation(level, Some(file), &message)).collect();
    if shown < files.len() {
        let more = format!("{} more changed files are not annotated.", number((files.len() - shown) as u64));
        annotations.push(annotation(level, None, &more));
    }
    annotations
}

/// A workflow command; see GitHub's "Workflow commands". Line ends and percent signs are escaped in the message, and
/// what parts properties in these.
fn annotation(level: &str, file: Option<&str>, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| clean(&data(text)).replace(':', "%3A").replace(',', "%2C");
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    let lines: Vec<_> = message.lines().map(clean).collect();
    format!("::{level} {file}title=waves check::{}", data(&lines.join("\n")))
}

/// Text for the log of a workflow, in which no line is a workflow command: the runner takes `::` at the beginning of a
/// line for one, and `##[` anywhere.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let (space, rest) = line.split_at(indent);
        safe.push_str(space);
        safe.push_str(if rest.starts_with("::") { ":\u{2060}" } else { "" });
        safe.push_str(&rest[usize::from(rest.starts_with("::"))..].replace("##[", "#\u{2060}#["));
    }
    safe
}

/// The same for JSON, which means the same afterwards.
pub fn harmless_json(text: &str) -> String {
    // It can only stand in a string.
    text.replace("##[", "#\\u0023[")
}
