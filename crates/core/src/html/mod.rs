//! Reports as a page of HTML: one file, that needs no network and shows its numbers without a script too.
//!
//! [`Subject`] reads the JSON that a command printed, and [`page`] makes the page. What the JSON does not hold (which
//! packages a wave has, ways to a root) is looked up in the evaluation, if it is at hand. Names are escaped by maud, and the
//! script, that gets them as JSON, makes text of them and never markup.

mod attributes;
mod diff;
mod estimate;
mod impact;
mod part;
mod plan;
mod status;
mod subject;
mod time;
mod upgrade;
mod ways;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use subject::Subject;

use crate::cost::Availability;
use crate::error::{Error, Result};
use crate::graph::Graph;
use subject::Kind;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What a kind of report puts into a page.
struct Body {
    title: String,
    main: Markup,
    /// For the script.
    data: Value,
}

/// Makes a page of a report, and of the evaluation that it is about: without that it has no ways, and says so. With `cached`,
/// the table of attributes says which are built already.
///
/// O(V + E), and what the page shows.
///
/// # Errors
///
/// [`Error::Report`] if the graph is not of the evaluation that the report is about, or if there is no table for `cached`.
pub fn page(subject: &Subject, graph: Option<&Graph>, cached: Option<&Availability>) -> Result<String> {
    let wrong = |reason: String| Error::Report { input: subject.input.clone(), reason };
    if let Some(digest) = graph.map(Graph::digest).filter(|digest| digest != subject.digest()) {
        let about = subject.digest();
        return Err(wrong(format!(
            "it is about evaluation {about}, not {digest} (hint: name the first with --graph, or make the report again)"
        )));
    }
    if cached.is_some() && (graph.is_none() || !matches!(subject.kind, Kind::Impact(_) | Kind::Estimate(_) | Kind::Diff(_))) {
        return Err(wrong("what is cached is told of an impact or a diff, with its evaluation".to_owned()));
    }
    let input = &subject.input;
    let body = match &subject.kind {
        Kind::Impact(impact) => impact.body(graph, cached, input)?,
        Kind::Estimate(estimate) => estimate.body(graph, cached, input)?,
        Kind::Diff(diff) => diff.body(graph, cached, input)?,
        Kind::Plan(plan) => plan.body(graph, input)?,
        Kind::Upgrade(upgrade, plan) => upgrade.body(plan, graph)?,
        Kind::Status(status) => status.body(),
    };
    Ok(frame(subject, graph.is_some(), &body).into_string())
}

fn frame(subject: &Subject, has_graph: bool, body: &Body) -> Markup {
    // Nothing but this very script runs.
    let hash = BASE64.encode(&Sha256::digest(SCRIPT));
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (part::text(&body.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "To the report" }
                header {
                    h1 { (part::text(&body.title)) }
                    p { (part::text(&subject.evaluation().line())) }
                    @if !has_graph {
                        p.note { "Made without the evaluation: there are no ways to a root, and only the packages that the report names." }
                    }
                }
                main #main { (body.main) }
                footer { p { "Made by waves " (env!("CARGO_PKG_VERSION")) "." } }
                script type="application/json" #data { (PreEscaped(embedded(&body.data))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// JSON that cannot end the element that it is in.
fn embedded(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}
