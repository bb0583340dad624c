//! The page of `waves plan --updates`.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Body;
use super::part::{DataColumn, DataTable, Names, Values, Words, bar, count, headline, packed, table, text, text_table};
use super::subject::Evaluation;
use super::time::{Block, Lane, Schedule, timeline};
use super::ways::Ways;
use crate::error::Result;
use crate::graph::{Derivation, Graph};
use crate::major::{BOUND_IS_OF, PlanFile};
use crate::report::{CountsReport, system_line};
use crate::text::{clean, counted, first_few, hours, number};

/// Updates of a wave that its row names.
const NAMED: usize = 4;

#[derive(Debug, Deserialize)]
pub(super) struct Upgrade {
    pub(super) evaluation: Evaluation,
    major: u32,
    system: Option<String>,
    updates: Vec<Update>,
    waves: Vec<Wave>,
    totals: Totals,
    lower_bound: Totals,
    one_at_a_time: Totals,
    all_at_once: Totals,
    frontier: Vec<Point>,
    pins: Vec<Pin>,
    skipped: Vec<Skipped>,
    passed_over: Vec<PassedOver>,
    unions: Vec<Union>,
}

#[derive(Debug, Deserialize)]
struct Update {
    package: String,
    from: Option<String>,
    to: Option<String>,
    wave: String,
    group: Option<String>,
    rebuilds: Builds,
    hours: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Builds {
    attributes: usize,
    derivations: usize,
}

#[derive(Debug, Deserialize)]
struct Wave {
    name: String,
    first_level: usize,
    last_level: usize,
    updates: Vec<String>,
    rebuilds: CountsReport,
    hours: Option<f64>,
    suspects: f64,
    makespan_hours: Option<f64>,
    schedule: Option<Schedule>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Totals {
    waves: usize,
    builds: Builds,
    hours: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Point {
    #[serde(flatten)]
    totals: Totals,
    knee: bool,
    chosen: bool,
}

#[derive(Debug, Deserialize)]
struct Pin {
    package: String,
    reason: String,
    until: Option<String>,
    derivations: usize,
    saves: Costed,
    conflicts: Vec<Conflict>,
}

#[derive(Debug, Deserialize)]
struct Costed {
    builds: Builds,
    hours: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Conflict {
    holder: String,
    of: String,
}

#[derive(Debug, Deserialize)]
struct Skipped {
    package: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct PassedOver {
    reason: String,
    entries: usize,
}

#[derive(Debug, Deserialize)]
struct Union {
    kind: String,
    group: Option<String>,
    packages: Vec<String>,
    path: Vec<String>,
}

impl Upgrade {
    /// Makes the page; `plan` is the same report, as what finds its waves in an evaluation. O(V + E) for each wave.
    pub(super) fn body(&self, plan: &PlanFile, graph: Option<&Graph>) -> Result<Body> {
        let (table, names, ways) = self.table(plan, graph)?;
        let mut figures = vec![
            ("updates", number(self.updates.len())),
            ("minor waves", number(self.totals.waves)),
            ("derivations built", number(self.totals.builds.derivations)),
            ("attributes built", number(self.totals.builds.attributes)),
        ];
        figures.extend(self.totals.hours.map(|time| ("build time", hours(time))));
        figures.extend(self.makespan().map(|time| ("makespan of all waves", hours(time))));
        let main = html! {
            @if let Some(system) = &self.system { p.note { (text(&system_line(system))) } }
            (headline(&figures))
            (self.wave_section())
            (self.timeline())
            (table.markup(&names))
            (self.comparison())
            (self.pins())
            (self.others())
        };
        let data = json!({ "names": names.json(), "graph": ways, "tables": [table.json()] });
        Ok(Body { title: format!("Major wave {}: {}", self.major, counted(self.updates.len(), "update", "updates")), main, data })
    }

    /// The updates, and where each begins in what is rebuilt.
    fn table(&self, plan: &PlanFile, graph: Option<&Graph>) -> Result<(DataTable, Names, Value)> {
        let resolved = graph.map(|graph| plan.resolve(graph)).transpose()?;
        let ways = graph.zip(resolved.as_ref()).map(|(graph, resolved)| {
            let mut rebuilds = graph.empty_set();
            resolved.waves.iter().for_each(|wave| rebuilds.extend(&wave.rebuilds));
            Ways::new(graph, &rebuilds, Derivation::label)
        });
        let labels = ways.iter().flat_map(|ways| ways.members()).map(|member| member.label());
        let names = Names::new(self.updates.iter().map(|update| update.package.as_str()).chain(labels));
        let word = |of: &dyn Fn(&Update) -> String| Values::Words(Words::of(self.updates.iter().map(of)));
        let numbers = |of: &dyn Fn(&Update) -> usize| Values::Numbers(self.updates.iter().map(of).collect());
        let mut columns = vec![
            DataColumn::new("package", Values::Names(self.updates.iter().map(|update| names.number(&update.package)).collect())),
            DataColumn::filter("wave", word(&|update| update.wave.clone())),
            DataColumn::new("from", word(&|update| update.from.clone().unwrap_or_default())),
            DataColumn::new("to", word(&|update| update.to.clone().unwrap_or_default())),
            DataColumn::new("attributes", numbers(&|update| update.rebuilds.attributes)),
            DataColumn::new("derivations", numbers(&|update| update.rebuilds.derivations)),
        ];
        if self.updates.iter().any(|update| update.hours.is_some()) {
            columns.push(DataColumn::new("build time", Values::Seconds(self.updates.iter().map(|update| seconds(update.hours)).collect())));
        }
        if self.updates.iter().any(|update| update.group.is_some()) {
            columns.push(DataColumn::filter("group", word(&|update| update.group.clone().unwrap_or_default())));
        }
        let mut data = Value::Null;
        if let Some((ways, resolved)) = ways.as_ref().zip(resolved.as_ref()) {
            data = ways.json(&names, None);
            let starts = |update: &Update| -> Vec<usize> {
                let of = resolved.waves.iter().flat_map(|wave| &wave.updates).find(|resolved| resolved.package == update.package);
                of.iter().flat_map(|resolved| &resolved.derivations).filter_map(|&ix| ways.number(ix)).collect()
            };
            let starts: Vec<Vec<usize>> = self.updates.iter().map(starts).collect();
            data["starts"] = json!(packed(starts.iter().flat_map(|starts| std::iter::once(starts.len()).chain(starts.iter().copied()))));
        }
        let table = DataTable {
            id: "updates",
            heading: "Updates",
            noun: ("update", "updates"),
            detail: ways.is_some().then_some("update"),
            columns,
            rows: self.updates.len(),
            omitted: 0,
        };
        Ok((table, names, data))
    }

    fn makespan(&self) -> Option<f64> {
        self.waves.iter().map(|wave| wave.makespan_hours).sum()
    }

    fn wave_section(&self) -> Markup {
        let most = |of: &dyn Fn(&Wave) -> f64| self.waves.iter().map(of).fold(0.0, f64::max);
        let updates = most(&|wave| wave.updates.len() as f64);
        let derivations = most(&|wave| wave.rebuilds.derivations as f64);
        let longest = most(&|wave| wave.hours.unwrap_or_default());
        let is_timed = self.totals.hours.is_some();
        let makespan = self.makespan();
        html! {
            section #waves {
                h2 { "Minor waves, in order" }
                p.hint { "Nothing that a wave updates is rebuilt by a later one. Pick a wave to see its updates." }
                div.scroll tabindex="0" role="region" aria-label="Minor waves" {
                    table.waves {
                        thead {
                            tr {
                                th scope="col" { "wave" } th scope="col" { "levels" } th scope="col" { "updates" } th.number scope="col" { "attributes" }
                                th scope="col" { "derivations" }
                                @if is_timed { th scope="col" { "build time" } }
                                @if makespan.is_some() { th.number scope="col" { "makespan" } }
                                th.number scope="col" { "suspects" } th scope="col" { "heaviest updates" }
                            }
                        }
                        tbody {
                            @for wave in &self.waves {
                                tr {
                                    th scope="row" { span data-pick="updates" data-column="wave" data-value=(clean(&wave.name)) { (text(&wave.name)) } }
                                    td.span { (span(wave)) }
                                    td.chart { (bar(wave.updates.len() as f64, updates, &number(wave.updates.len()))) }
                                    td.number { (count(wave.rebuilds.attributes)) }
                                    td.chart { (bar(wave.rebuilds.derivations as f64, derivations, &number(wave.rebuilds.derivations))) }
                                    @if is_timed { td.chart { (bar(wave.hours.unwrap_or_default(), longest, &said(wave.hours))) } }
                                    @if makespan.is_some() { td.number { (said(wave.makespan_hours)) } }
                                    td.number { (format!("{:.1}", wave.suspects)) }
                                    td { (text(&first_few(&wave.updates, NAMED))) }
                                }
                            }
                        }
                    }
                }
                p.hint { "Suspects: updates of the wave that rebuild a derivation, on average; those that may be at fault if it breaks." }
            }
        }
    }

    /// The waves on the builders, one behind the other, and what makes each take as long as it does.
    fn timeline(&self) -> Markup {
        let Some(total) = self.makespan().filter(|&total| total > 0.0) else { return html! {} };
        let mut start = 0.0;
        let block = |wave: &Wave| {
            let length = wave.makespan_hours.unwrap_or_default();
            let block = Block { label: wave.name.clone(), start, length };
            start += length;
            block
        };
        let lane = Lane { label: "all builders".to_owned(), blocks: self.waves.iter().map(block).collect() };
        html! {
            section #timeline {
                h2 { "On the builders" }
                (timeline("Waves, one behind the other", &[lane], total))
                @for wave in &self.waves {
                    @if let Some(schedule) = &wave.schedule {
                        details {
                            summary { (text(&wave.name)) ": " (said(wave.makespan_hours)) }
                            (schedule.markup(&format!(" of {}", wave.name), 30))
                        }
                    }
                }
            }
        }
    }

    /// What other plans would build.
    fn comparison(&self) -> Markup {
        let row = |name: &str, totals: &Totals| {
            vec![
                text(name),
                count(totals.waves),
                count(totals.builds.attributes),
                count(totals.builds.derivations),
                html! { (said(totals.hours)) },
            ]
        };
        let rows = [
            row("this plan", &self.totals),
            row("lower bound", &self.lower_bound),
            row("each update by itself", &self.one_at_a_time),
            row("all at once", &self.all_at_once),
        ];
        let columns = [("plan", false), ("waves", true), ("attributes", true), ("derivations", true), ("build time", true)];
        let most = self.frontier.iter().map(|point| point.totals.builds.derivations).max().unwrap_or_default();
        let point = |point: &Point| {
            let marks = [(point.chosen, "this plan"), (point.knee, "the curve bends most here")];
            let marks: Vec<&str> = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
            let derivations = point.totals.builds.derivations;
            vec![
                count(point.totals.waves),
                bar(derivations as f64, most as f64, &number(derivations)),
                html! { (said(point.totals.hours)) },
                text(&marks.join(", ")),
            ]
        };
        let points: Vec<Vec<Markup>> = self.frontier.iter().map(point).collect();
        html! {
            section #totals {
                h2 { "Beside other plans" }
                (table("Beside other plans", &columns, &rows))
                p.note { (BOUND_IS_OF) }
                @if points.len() > 1 {
                    details {
                        summary { "The best cut of the levels into each number of waves" }
                        (table("By number of waves", &[("waves", true), ("derivations", false), ("build time", true), ("which is", false)], &points))
                    }
                }
            }
        }
    }

    fn pins(&self) -> Markup {
        let row = |pin: &Pin| {
            let conflicts: Vec<String> = pin.conflicts.iter().map(|conflict| format!("{} in {}", conflict.of, conflict.holder)).collect();
            vec![
                pin.package.clone(),
                pin.reason.clone(),
                pin.until.clone().unwrap_or_else(|| "–".to_owned()),
                number(pin.derivations),
                number(pin.saves.builds.derivations),
                said(pin.saves.hours),
                conflicts.join(", "),
            ]
        };
        let rows: Vec<Vec<String>> = self.pins.iter().map(row).collect();
        let columns = [
            ("package", false),
            ("why", false),
            ("until", false),
            ("derivations", true),
            ("saves", true),
            ("time", true),
            ("two builds of", false),
        ];
        html! {
            @if !rows.is_empty() {
                section #pins {
                    h2 { "Pinned: what keeps its old inputs" }
                    (text_table("Pins", &columns, &rows))
                }
            }
        }
    }

    /// What came together, and what is not in the plan.
    fn others(&self) -> Markup {
        let union = |union: &Union| {
            let kind = match union.kind.as_str() {
                "same-package" => "one package",
                "cycle" => "need each other",
                "absorbed" => "taken in by a group",
                "rejected" => "not put together",
                other => other,
            };
            vec![kind.to_owned(), union.group.clone().unwrap_or_default(), union.packages.join(", "), union.path.join(" → ")]
        };
        let unions: Vec<Vec<String>> = self.unions.iter().map(union).collect();
        let skipped: Vec<Vec<String>> = self.skipped.iter().map(|skipped| vec![skipped.package.clone(), skipped.reason.clone()]).collect();
        let passed: Vec<Vec<String>> = self.passed_over.iter().map(|passed| vec![passed.reason.clone(), number(passed.entries)]).collect();
        html! {
            @if !unions.is_empty() {
                section #unions {
                    h2 { "Updates that come together" }
                    (text_table("Unions", &[("why", false), ("group", false), ("packages", false), ("way", false)], &unions))
                }
            }
            @if !skipped.is_empty() {
                section #skipped {
                    h2 { "Left out: " (counted(skipped.len(), "update", "updates")) }
                    (text_table("Left out", &[("package", false), ("why", false)], &skipped))
                }
            }
            @if !passed.is_empty() {
                section #passed-over {
                    h2 { "Entries of the list that are no update" }
                    (text_table("No update", &[("why", false), ("entries", true)], &passed))
                }
            }
        }
    }
}

fn seconds(hours: Option<f64>) -> usize {
    #[expect(clippy::cast_sign_loss, reason = "nothing takes less than no time")]
    let seconds = (hours.unwrap_or_default() * 3600.0).round() as usize;
    seconds
}

fn said(time: Option<f64>) -> String {
    time.map_or("–".to_owned(), hours)
}

fn span(wave: &Wave) -> String {
    if wave.first_level == wave.last_level { wave.first_level.to_string() } else { format!("{}–{}", wave.first_level, wave.last_level) }
}
