//! The page of `waves status`.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::Body;
use super::part::{DataColumn, DataTable, Names, Values, Words, bar, count, headline, table, text, text_table};
use super::subject::Evaluation;
use crate::text::{counted, duration, number};

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) evaluation: Evaluation,
    wave: String,
    updates: Vec<String>,
    closed: bool,
    reasons: Vec<String>,
    waves: Vec<WaveLine>,
    counts: States,
    greenness: Greenness,
    classes: Classes,
    roots: Vec<RedRoot>,
    roots_omitted: usize,
    blocked: Vec<Blocked>,
    blocked_omitted: usize,
    evaluation_failures: Vec<EvaluationFailure>,
    evaluation_failures_omitted: usize,
    flaky: Vec<String>,
    waivers: Vec<Waiver>,
    remaining: Option<Remaining>,
    #[serde(default)]
    history: Option<Vec<Point>>,
}

#[derive(Debug, Deserialize)]
struct WaveLine {
    #[serde(rename = "wave")]
    name: String,
    updates: usize,
    attributes: usize,
    derivations: usize,
    tag: Option<String>,
    #[serde(default)]
    counts: Option<States>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Counted {
    attributes: usize,
    derivations: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct States {
    green: Counted,
    red: Counted,
    blocked: Counted,
    waived: Counted,
    building: Counted,
    ready: Counted,
    pending: Counted,
    not_expected: Counted,
}

#[derive(Debug, Deserialize)]
struct Greenness {
    attributes: Option<f64>,
    build_time: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Classes {
    regressed: usize,
    fixed: usize,
    still_broken: usize,
    new: usize,
    flaky: usize,
}

#[derive(Debug, Deserialize)]
struct RedRoot {
    package: String,
    status: String,
    class: String,
    regressed: usize,
    blocks: Counted,
    suspects: Vec<String>,
    revert_first: Vec<String>,
    retries: usize,
}

#[derive(Debug, Deserialize)]
struct Blocked {
    package: String,
    roots: Vec<String>,
    roots_omitted: usize,
}

#[derive(Debug, Deserialize)]
struct EvaluationFailure {
    attribute: String,
    error: String,
    class: String,
    waived: bool,
}

#[derive(Debug, Deserialize)]
struct Waiver {
    package: String,
    kind: String,
    reason: String,
    until: String,
    who: String,
    expired: bool,
    derivations: usize,
}

#[derive(Debug, Deserialize)]
struct Remaining {
    seconds: u64,
    longest_chain_seconds: u64,
    eta_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Point {
    time: u64,
    counts: States,
}

impl States {
    /// Each with what it is called, and a mark that tells it without its colour.
    fn each(&self) -> [(&'static str, &'static str, Counted); 8] {
        [
            ("green", "✓", self.green),
            ("red", "✗", self.red),
            ("blocked", "⊘", self.blocked),
            ("waived", "~", self.waived),
            ("building", "…", self.building),
            ("ready", "→", self.ready),
            ("pending", "·", self.pending),
            ("not expected", "–", self.not_expected),
        ]
    }

    /// All that has to be done, in attributes.
    fn expected(&self) -> usize {
        self.each().iter().take(7).map(|(.., counted)| counted.attributes).sum()
    }
}

impl Status {
    /// Makes the page.
    pub(super) fn body(&self) -> Body {
        let (blocked, names) = self.blocked();
        let mut figures = vec![
            ("green", share(self.greenness.attributes)),
            ("attributes built", format!("{} of {}", number(self.counts.green.attributes), number(self.counts.expected()))),
            ("failed", number(self.counts.red.attributes)),
            ("blocked", number(self.counts.blocked.attributes)),
            ("waived", number(self.counts.waived.attributes)),
        ];
        if self.greenness.build_time.is_some() {
            figures.push(("green by build time", share(self.greenness.build_time)));
        }
        figures.extend(self.remaining.iter().map(|remaining| ("still to build", duration(remaining.seconds))));
        figures.extend(self.remaining.iter().filter_map(|remaining| Some(("on the builders", duration(remaining.eta_seconds?)))));
        figures.extend(self.remaining.iter().map(|remaining| ("at least", duration(remaining.longest_chain_seconds))));
        let main = html! {
            (headline(&figures))
            p { (if self.closed { "The wave is closed." } else if self.reasons.is_empty() { "The wave can be closed." } else { "The wave is open:" }) }
            @if !self.reasons.is_empty() { ul { @for reason in &self.reasons { li { (text(reason)) } } } }
            (self.states())
            (self.waves())
            (self.over_time())
            (self.red_roots())
            @if blocked.rows > 0 { (blocked.markup(&names)) }
            (self.since())
            (self.evaluation_failures())
            (self.waivers())
            @if !self.flaky.is_empty() {
                section #flaky { h2 { "Failed, and then built without a change" } p.names { @for name in &self.flaky { span { (text(name)) } " " } } }
            }
        };
        let tables = if blocked.rows > 0 { vec![blocked.json()] } else { Vec::new() };
        let title = format!("{}: {}", self.wave, counted(self.updates.len(), "update", "updates"));
        Body { title, main, data: json!({ "names": names.json(), "graph": null, "tables": tables }) }
    }

    fn states(&self) -> Markup {
        let rows: Vec<Vec<Markup>> = self
            .counts
            .each()
            .iter()
            .map(|(name, mark, counted)| vec![html! { (mark) " " (name) }, count(counted.attributes), count(counted.derivations)])
            .collect();
        html! {
            section #states {
                h2 { "Where it stands" }
                (stack(&self.counts))
                (table("States", &[("state", false), ("attributes", true), ("derivations", true)], &rows))
            }
        }
    }

    fn waves(&self) -> Markup {
        let is_counted = self.waves.iter().any(|wave| wave.counts.is_some());
        html! {
            section #waves {
                h2 { "All waves" }
                div.scroll tabindex="0" role="region" aria-label="All waves" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "wave" } th.number scope="col" { "updates" } th.number scope="col" { "attributes" }
                                th.number scope="col" { "derivations" }
                                @if is_counted {
                                    th scope="col" { "attributes by state" } th.number scope="col" { "✓ done" } th.number scope="col" { "✗ failed" }
                                    th.number scope="col" { "⊘ blocked" } th.number scope="col" { "~ waived" }
                                }
                                th scope="col" { "tag" }
                            }
                        }
                        tbody {
                            @for wave in &self.waves {
                                tr {
                                    th scope="row" { (text(&wave.name)) @if wave.name == self.wave { " (this one)" } }
                                    td.number { (count(wave.updates)) }
                                    td.number { (count(wave.attributes)) }
                                    td.number { (count(wave.derivations)) }
                                    @if is_counted {
                                        @if let Some(counts) = &wave.counts {
                                            td.chart { (stack(counts)) }
                                            td.number { (count(counts.green.attributes)) }
                                            td.number { (count(counts.red.attributes)) }
                                            td.number { (count(counts.blocked.attributes)) }
                                            td.number { (count(counts.waived.attributes)) }
                                        } @else { td {} td {} td {} td {} td {} }
                                    }
                                    td { (text(wave.tag.as_deref().unwrap_or("–"))) }
                                }
                            }
                        }
                    }
                }
                @if !is_counted { p.note { "With " code { "waves status --history" } " this table says what of each wave is done, and the page how it came about." } }
            }
        }
    }

    /// How it came about: a bar for each time that is known.
    fn over_time(&self) -> Markup {
        let Some(points) = self.history.as_ref().filter(|points| !points.is_empty()) else { return html! {} };
        let row = |point: &Point| {
            let counts = &point.counts;
            let decided: usize = counts.each().iter().take(4).map(|(.., counted)| counted.attributes).sum();
            let green = (decided > 0).then(|| counts.green.attributes as f64 / decided as f64);
            vec![
                text(&moment(point.time)),
                stack(counts),
                html! { (share(green)) },
                count(counts.green.attributes),
                count(counts.red.attributes),
                count(counts.blocked.attributes),
                count(counts.waived.attributes),
            ]
        };
        let rows: Vec<Vec<Markup>> = points.iter().map(row).collect();
        let columns = [
            ("time (UTC)", false),
            ("attributes by state", false),
            ("green of what is decided", true),
            ("✓ done", true),
            ("✗ failed", true),
            ("⊘ blocked", true),
            ("~ waived", true),
        ];
        html! {
            section #history {
                h2 { "How it came about" }
                (table("How it came about", &columns, &rows))
            }
        }
    }

    fn red_roots(&self) -> Markup {
        let most = self.roots.iter().map(|root| root.blocks.attributes).max().unwrap_or_default();
        let row = |root: &RedRoot| {
            vec![
                text(&root.package),
                text(&root.status),
                text(&root.class),
                bar(root.blocks.attributes as f64, most as f64, &number(root.blocks.attributes)),
                count(root.blocks.derivations),
                count(root.regressed),
                text(&root.suspects.join(", ")),
                text(&root.revert_first.join(", ")),
                count(root.retries),
            ]
        };
        let rows: Vec<Vec<Markup>> = self.roots.iter().map(row).collect();
        let columns = [
            ("package", false),
            ("how", false),
            ("since the baseline", false),
            ("blocks attributes", false),
            ("derivations", true),
            ("regressed", true),
            ("suspects", false),
            ("revert first", false),
            ("retries", true),
        ];
        html! {
            @if !rows.is_empty() {
                section #roots {
                    h2 { "What failed itself" }
                    (table("What failed itself", &columns, &rows))
                    @if self.roots_omitted > 0 { p.note { "The report leaves out " (count(self.roots_omitted)) " more." } }
                }
            }
        }
    }

    fn blocked(&self) -> (DataTable, Names) {
        let names = Names::new(self.blocked.iter().map(|blocked| blocked.package.as_str()));
        let mut by = Words::default();
        let mut lengths = Vec::new();
        for blocked in &self.blocked {
            blocked.roots.iter().for_each(|root| by.push(root));
            lengths.push(blocked.roots.len());
        }
        let columns = vec![
            DataColumn::new("package", Values::Names(self.blocked.iter().map(|blocked| names.number(&blocked.package)).collect())),
            DataColumn::filter("blocked by", Values::Lists(by, lengths)),
            DataColumn::new("and others", Values::Numbers(self.blocked.iter().map(|blocked| blocked.roots_omitted).collect())),
        ];
        let table = DataTable {
            id: "blocked",
            heading: "What is blocked",
            noun: ("derivation", "derivations"),
            detail: None,
            columns,
            rows: self.blocked.len(),
            omitted: self.blocked_omitted,
        };
        (table, names)
    }

    fn since(&self) -> Markup {
        let Classes { regressed, fixed, still_broken, new, flaky } = self.classes;
        let rows = [("regressed", regressed), ("fixed", fixed), ("still broken", still_broken), ("new and broken", new), ("flaky", flaky)];
        let rows: Vec<Vec<Markup>> = rows.into_iter().map(|(name, number)| vec![text(name), count(number)]).collect();
        html! {
            section #classes {
                h2 { "Since the baseline" }
                (table("Since the baseline", &[("attributes", false), ("count", true)], &rows))
            }
        }
    }

    fn evaluation_failures(&self) -> Markup {
        let row = |failure: &EvaluationFailure| {
            let waived = if failure.waived { "yes" } else { "no" };
            vec![failure.attribute.clone(), failure.class.clone(), waived.to_owned(), failure.error.clone()]
        };
        let rows: Vec<Vec<String>> = self.evaluation_failures.iter().map(row).collect();
        let columns = [("attribute", false), ("since the baseline", false), ("waived", false), ("error", false)];
        html! {
            @if !rows.is_empty() {
                section #evaluation-failures {
                    h2 { "What does not evaluate" }
                    (text_table("What does not evaluate", &columns, &rows))
                    @if self.evaluation_failures_omitted > 0 { p.note { "The report leaves out " (count(self.evaluation_failures_omitted)) " more." } }
                }
            }
        }
    }

    fn waivers(&self) -> Markup {
        let row = |waiver: &Waiver| {
            let until = if waiver.expired { format!("{} (over)", waiver.until) } else { waiver.until.clone() };
            vec![waiver.package.clone(), waiver.kind.clone(), waiver.reason.clone(), until, waiver.who.clone(), number(waiver.derivations)]
        };
        let rows: Vec<Vec<String>> = self.waivers.iter().map(row).collect();
        let columns = [("package", false), ("kind", false), ("why", false), ("until", false), ("who", false), ("derivations", true)];
        html! {
            @if !rows.is_empty() {
                section #waivers {
                    h2 { "What is let be" }
                    (text_table("Waivers", &columns, &rows))
                }
            }
        }
    }
}

/// States side by side, as long as their attributes. Tables have the numbers.
fn stack(states: &States) -> Markup {
    let whole = states.expected();
    html! {
        span.stack aria-hidden="true" {
            @for (name, mark, counted) in states.each().iter().take(7) {
                @if counted.attributes > 0 {
                    @let width = counted.attributes as f64 / whole as f64 * 100.0;
                    span class=(format!("state-{name}")) style=(format!("width:{width:.2}%")) title=(format!("{name}: {}", number(counted.attributes))) {
                        @if width > 6.0 { (mark) }
                    }
                }
            }
        }
    }
}

/// A share in percent, rounded down: all is green only when all is.
fn share(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.1} %", (share * 1000.0).floor() / 10.0))
}

/// A time as a person reads it.
fn moment(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.map_or_else(
        || seconds.to_string(),
        |time| {
            let (year, month, day, hour, minute) = (time.year(), u8::from(time.month()), time.day(), time.hour(), time.minute());
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
        },
    )
}
