//! The page of `waves impact --git`.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::Body;
use super::impact::Impact;
use super::part::{report_table, text};
use super::subject::Evaluation;
use crate::cost::Availability;
use crate::error::Result;
use crate::graph::Graph;
use crate::report::{CountsReport, FilesReport};
use crate::text::counted;

/// Rows of a list of files that is not folded up.
const SHOWN: usize = 25;

#[derive(Debug, Deserialize)]
pub(super) struct Estimate {
    pub(super) evaluation: Evaluation,
    #[serde(flatten)]
    files: FilesReport,
    at_most: CountsReport,
    impact: Impact,
}

impl Estimate {
    /// Makes the page. O(V + E).
    pub(super) fn body(&self, graph: Option<&Graph>, cached: Option<&Availability>, input: &str) -> Result<Body> {
        // The seeds are the roots; the impact itself names none. One that the report leaves out would begin ways, too: without it,
        // another would be called the shortest.
        let seeds = if self.files.seeds_omitted == 0 { &self.files.seeds[..] } else { &[] };
        let roots = seeds.iter().flat_map(|seed| &seed.derivations);
        let (sections, data) = if self.impact.is_nothing() {
            (html! { p { (self.files.nothing_line()) } }, json!({ "tables": [] }))
        } else {
            self.impact.sections(roots, graph, cached, input)?
        };
        let main = html! {
            @for line in self.files.comparison.lines() { p { (text(&line)) } }
            (self.impact.figures())
            @if let Some(line) = self.files.at_most_line(self.at_most) { p { strong { (line) } } }
            (self.files())
            @if self.files.seeds_omitted > 0 {
                p.note { "There are no ways: the report leaves out packages that they begin at (" code { "--limit 0" } " keeps them)." }
            }
            (sections)
        };
        Ok(Body { title: format!("What is expected to be rebuilt: {}", self.files.comparison.range), main, data })
    }

    /// What became of the files: thousands may have changed.
    fn files(&self) -> Markup {
        html! {
            @for (heading, shown) in self.files.tables() {
                @if !shown.rows.is_empty() {
                    section {
                        h2 { (heading) }
                        details open[shown.rows.len() <= SHOWN] {
                            summary { (counted(shown.rows.len(), "row", "rows")) }
                            (report_table(heading, &shown))
                        }
                    }
                }
            }
            @for line in self.files.attribute_lines().chain(self.files.no_longer_built_line()) { p { (text(&line)) } }
        }
    }
}
