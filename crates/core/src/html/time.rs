//! Schedules and chains: what makes a rebuild take as long as it does, drawn on a line of time.

use maud::{Markup, html};
use serde::Deserialize;

use super::part::{count, headline, table, text, text_table};
use crate::text::{clean, hours, number};

/// How long a rebuild takes on a fleet, in hours.
#[derive(Debug, Deserialize)]
pub(super) struct Schedule {
    builders: Vec<Builders>,
    derivations: usize,
    pub(super) makespan: f64,
    lower_bound: f64,
    upper_bound: f64,
    utilisation: f64,
    critical_path: Vec<Critical>,
    critical_path_omitted: usize,
    critical_path_waits: usize,
    impossible: Vec<Impossible>,
    blocked: usize,
    what_if: Vec<WhatIf>,
}

#[derive(Debug, Deserialize)]
struct Builders {
    name: String,
    count: u32,
    builds: usize,
    hours: f64,
    utilisation: f64,
}

#[derive(Debug, Deserialize)]
struct Critical {
    label: String,
    builders: String,
    start: f64,
    hours: f64,
    waited_for: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Impossible {
    system: String,
    features: Vec<String>,
    derivations: usize,
    labels: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct WhatIf {
    package: String,
    cached: Outcome,
    pinned: Outcome,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    derivations: usize,
    makespan: f64,
}

/// A share of time as a person reads it.
fn share(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

impl Schedule {
    /// Under a heading, with the `slowest` builds of the critical path. `of` tells it from others of the page.
    pub(super) fn markup(&self, of: &str, slowest: usize) -> Markup {
        let fleet: u32 = self.builders.iter().map(|builders| builders.count).sum();
        let rows: Vec<Vec<String>> = self
            .builders
            .iter()
            .map(|builders| {
                let Builders { name, count, builds, hours: building, utilisation } = builders;
                vec![name.clone(), number(*count), number(*builds), hours(*building), share(*utilisation)]
            })
            .collect();
        html! {
            section {
                h2 { "Schedule on " (count(fleet as usize)) (if fleet == 1 { " builder" } else { " builders" }) }
                (headline(&[
                    ("makespan", hours(self.makespan)),
                    ("no schedule is below", hours(self.lower_bound)),
                    ("no order takes more than", hours(self.upper_bound)),
                    ("builders are in use", share(self.utilisation)),
                    ("derivations", number(self.derivations)),
                ]))
                @let columns = [("builders", false), ("count", true), ("builds", true), ("building", true), ("in use", true)];
                (text_table(&format!("Builders{of}"), &columns, &rows))
                (self.critical(of, slowest))
                (self.impossible(of))
                (self.what_if(of))
            }
        }
    }

    fn critical(&self, of: &str, slowest: usize) -> Markup {
        // A path may have thousands of builds: the slowest stand for all.
        let mut by_time: Vec<usize> = (0..self.critical_path.len()).collect();
        by_time.sort_by(|&a, &b| self.critical_path[b].hours.total_cmp(&self.critical_path[a].hours).then(a.cmp(&b)));
        by_time.truncate(slowest);
        by_time.sort_unstable();
        let shown: Vec<&Critical> = by_time.into_iter().map(|at| &self.critical_path[at]).collect();
        let left_out = self.critical_path.len() + self.critical_path_omitted - shown.len();
        let lane = |builders: &Builders| {
            let on = shown.iter().filter(|link| link.builders == builders.name);
            let blocks = on.map(|link| Block { label: link.label.clone(), start: link.start, length: link.hours });
            Lane { label: builders.name.clone(), blocks: blocks.collect() }
        };
        let lanes: Vec<Lane> = self.builders.iter().map(lane).collect();
        let row = |link: &&Critical| {
            let waited = link.waited_for.as_deref().unwrap_or("–");
            vec![hours(link.start), hours(link.hours), link.builders.clone(), waited.to_owned(), link.label.clone()]
        };
        let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
        let columns = [("from", true), ("build time", true), ("builders", false), ("waited for", false), ("package", false)];
        html! {
            h3 { "Critical path" }
            p {
                "Each of these " (number(shown.len() + left_out)) " builds begins when the one before it ends; "
                (number(self.critical_path_waits)) " waited for a builder."
                @if left_out > 0 { " Shown are the slowest " (number(shown.len())) ", in their order; " (number(left_out)) " are not." }
            }
            (timeline("Critical path on the builders", &lanes, self.makespan))
            details {
                summary { "The critical path as a table" }
                (text_table(&format!("Critical path{of}"), &columns, &rows))
            }
        }
    }

    fn impossible(&self, of: &str) -> Markup {
        let row = |impossible: &Impossible| {
            vec![impossible.system.clone(), impossible.features.join(" "), number(impossible.derivations), impossible.labels.join(", ")]
        };
        let rows: Vec<Vec<String>> = self.impossible.iter().map(row).collect();
        let columns = [("system", false), ("features", false), ("derivations", true), ("among them", false)];
        html! {
            @if !rows.is_empty() {
                h3 { "What no machine can build" }
                p { (count(self.blocked)) " others need it." }
                (text_table(&format!("What no machine can build{of}"), &columns, &rows))
            }
        }
    }

    fn what_if(&self, of: &str) -> Markup {
        let row = |package: &str, is: &str, outcome: &Outcome| {
            vec![text(package), text(is), count(outcome.derivations), text(&hours(outcome.makespan))]
        };
        let rows: Vec<Vec<Markup>> = self
            .what_if
            .iter()
            .flat_map(|what_if| [row(&what_if.package, "cached", &what_if.cached), row(&what_if.package, "pinned", &what_if.pinned)])
            .collect();
        html! {
            @if !rows.is_empty() {
                h3 { "What if a package were cached, or pinned to its old inputs" }
                (table(&format!("What if{of}"), &[("package", false), ("is", false), ("derivations", true), ("makespan", true)], &rows))
            }
        }
    }
}

/// What happens one after the other.
pub(super) struct Lane {
    pub(super) label: String,
    pub(super) blocks: Vec<Block>,
}

/// Something that takes time, in hours.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) start: f64,
    pub(super) length: f64,
}

/// Lanes over one line of time. What it shows is in a table too: it is not read aloud.
pub(super) fn timeline(caption: &str, lanes: &[Lane], total: f64) -> Markup {
    const QUARTERS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
    let percent = |hours: f64| if total > 0.0 { hours / total * 100.0 } else { 0.0 };
    html! {
        figure.timeline aria-hidden="true" {
            figcaption { (caption) }
            @for lane in lanes {
                div.lane-label { (text(&lane.label)) }
                div.lane {
                    @for block in &lane.blocks {
                        @let (left, width) = (percent(block.start), percent(block.length));
                        @let title = format!("{}: {} from {} on", clean(&block.label), hours(block.length), hours(block.start));
                        span style=(format!("left:{left:.3}%;width:{width:.3}%")) title=(title) {
                            @if width > 4.0 { (text(&block.label)) }
                        }
                    }
                }
            }
            div.axis { @for quarter in QUARTERS { span { (hours(total * quarter)) } } }
        }
    }
}

/// How a share grows from wave to wave: one line for each series, from 0 to 1. The table of waves has the same numbers.
pub(super) fn curve(series: &[(&str, Vec<f64>)]) -> Markup {
    let waves = series.first().map_or(0, |(_, shares)| shares.len());
    let x = |at: usize| at as f64 / waves.max(1) as f64 * 100.0;
    let points = |shares: &[f64]| {
        let behind = shares.iter().enumerate().map(|(at, share)| format!("{:.2},{:.2}", x(at + 1), 100.0 - share * 100.0));
        std::iter::once("0,100".to_owned()).chain(behind).collect::<Vec<_>>().join(" ")
    };
    html! {
        figure.curve aria-hidden="true" {
            figcaption {
                "What is done after each wave: "
                @for (at, (name, _)) in series.iter().enumerate() { span class=(format!("key key-{at}")) { (name) } " " }
            }
            div.plot {
                div.scale { span { "100 %" } span { "50 %" } span { "0 %" } }
                div.area {
                    svg viewBox="0 0 100 100" preserveAspectRatio="none" {
                        @for y in [0, 50, 100] { line .grid x1="0" x2="100" y1=(y) y2=(y) {} }
                        @for (at, (_, shares)) in series.iter().enumerate() { polyline class=(format!("line line-{at}")) points=(points(shares)) {} }
                    }
                    @for (at, share) in series.first().map(|(_, shares)| shares.as_slice()).unwrap_or_default().iter().enumerate() {
                        @let style = format!("left:{:.2}%;top:{:.2}%", x(at + 1), 100.0 - share * 100.0);
                        span.dot style=(style) title=(format!("wave {}: {}", at + 1, self::share(*share))) {}
                    }
                }
                div.waves { span { "before" } span { "wave " (waves) } }
            }
        }
    }
}
