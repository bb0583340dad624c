//! The page of `waves impact`.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Body;
use super::attributes::Attributes;
use super::part::{bar, count, headline, section, table, text};
use super::subject::{Evaluation, Root, found, root_names};
use crate::cost::Availability;
use crate::error::Result;
use crate::graph::{DerivationIx, Direction, Graph};
use crate::report::{CostReport, CountsReport, Document, ExcludedReport, part_line};
use crate::text::{counted, duration, number, percent};

#[derive(Debug, Deserialize)]
pub(super) struct Impact {
    pub(super) evaluation: Evaluation,
    direction: String,
    roots: Vec<Root>,
    system: Option<String>,
    depth: Option<usize>,
    dependents: CountsReport,
    rebuilds: CountsReport,
    systems: BTreeMap<String, CountsReport>,
    distances: Vec<usize>,
    direct: Vec<Direct>,
    direct_omitted: usize,
    covering: usize,
    excluded: ExcludedReport,
    attributes: Vec<Row>,
    attributes_omitted: usize,
    cost: Option<CostReport>,
}

#[derive(Debug, Deserialize)]
struct Direct {
    label: String,
    rebuilds_derivations: usize,
    rebuilds_attributes: usize,
}

#[derive(Debug, Deserialize)]
struct Row {
    attribute: String,
    system: String,
}

impl Impact {
    /// Makes the page. O(V + E).
    pub(super) fn body(&self, graph: Option<&Graph>, cached: Option<&Availability>, input: &str) -> Result<Body> {
        let names = root_names(&self.roots);
        let title = if self.is_inverse() { format!("What rebuilds {names}") } else { format!("What a change of {names} rebuilds") };
        let roots = self.roots.iter().flat_map(|root| &root.derivations);
        let (sections, data) = self.sections(roots, graph, cached, input)?;
        Ok(Body { title, main: html! { (self.figures()) (sections) }, data })
    }

    fn is_inverse(&self) -> bool {
        self.direction == "dependencies"
    }

    fn direction(&self) -> Direction {
        if self.is_inverse() { Direction::Dependencies } else { Direction::Dependents }
    }

    /// What alone is there, if that is not all.
    fn part(&self) -> Option<String> {
        part_line(self.system.as_deref(), self.depth, self.direction())
    }

    /// Whether nothing is rebuilt.
    pub(super) fn is_nothing(&self) -> bool {
        self.rebuilds.derivations == 0
    }

    /// The numbers that the page begins with.
    pub(super) fn figures(&self) -> Markup {
        let what = if self.is_inverse() { "derivations" } else { "derivations rebuilt" };
        let mut figures = vec![
            ("attributes", number(self.rebuilds.attributes)),
            (what, number(self.rebuilds.derivations)),
            ("outputs", number(self.rebuilds.outputs)),
            ("derivations besides the roots", number(self.dependents.derivations)),
        ];
        // What the part needs of itself goes through what was left out.
        if !self.is_inverse() && self.part().is_none() {
            figures.push(("that nothing else needs", number(self.covering)));
        }
        figures.extend(self.cost.iter().flat_map(|cost| &cost.total.time).map(|time| ("build time", duration(time.seconds))));
        html! {
            @if let Some(part) = self.part() { p.note { (text(&part)) } }
            (headline(&figures))
            (excluded_note(&self.excluded))
        }
    }

    /// What stands behind them, and what the script has to know; ways begin at `roots`. O(V + E).
    pub(super) fn sections<'p>(
        &self,
        roots: impl IntoIterator<Item = &'p String>,
        graph: Option<&Graph>,
        cached: Option<&Availability>,
        input: &str,
    ) -> Result<(Markup, Value)> {
        let is_inverse = self.is_inverse();
        let roots: Vec<DerivationIx> = match graph {
            Some(graph) => found(graph, roots, input)?.iter().map(|root| root.ix()).collect(),
            None => Vec::new(),
        };
        let rows = self.attributes.iter().map(|row| (row.attribute.as_str(), row.system.as_str())).collect();
        let attributes = Attributes { rows, omitted: self.attributes_omitted, direction: self.direction() };
        let (data_table, names, ways) = attributes.table(graph, cached, &roots);
        // Of what was narrowed, a part may rebuild more than all that is shown.
        let has_shares = !is_inverse && self.part().is_none();
        let sections = html! {
            @if self.systems.len() > 1 { (self.systems()) }
            @if let Some(cost) = &self.cost { (cost_section(cost, if is_inverse { "Cost of all of these" } else { "Cost of the rebuild" })) }
            (self.direct(if is_inverse { "Direct dependencies" } else { "Direct dependents" }, has_shares))
            (self.distances(if is_inverse { "Distance to a root" } else { "Distance from a root" }))
            (attributes.sets())
            (data_table.markup(&names))
        };
        Ok((sections, json!({ "names": names.json(), "graph": ways, "tables": [data_table.json()] })))
    }

    fn systems(&self) -> Markup {
        let row = |(system, counts): (&String, &CountsReport)| {
            let system = if system.is_empty() { "unknown system" } else { system };
            vec![text(system), count(counts.attributes), count(counts.derivations), count(counts.outputs)]
        };
        let rows: Vec<Vec<Markup>> = self.systems.iter().map(row).collect();
        html! {
            section #systems {
                h2 { "Systems" }
                (table("Systems", &[("system", false), ("attributes", true), ("derivations", true), ("outputs", true)], &rows))
            }
        }
    }

    /// Through what the rebuild goes on, those that rebuild most first: shares overlap.
    fn direct(&self, neighbours: &str, has_shares: bool) -> Markup {
        const SHOWN: usize = 20;
        let most = self.direct.first().map_or(0, |direct| direct.rebuilds_derivations);
        let row = |direct: &Direct| {
            let (some, all) = (direct.rebuilds_derivations, self.rebuilds.derivations);
            let (whole, said) = if has_shares { (all, format!("{} ({})", number(some), percent(some, all))) } else { (most, number(some)) };
            vec![text(&direct.label), bar(some as f64, whole as f64, &said), count(direct.rebuilds_attributes)]
        };
        let rows: Vec<Vec<Markup>> = self.direct.iter().take(SHOWN).map(row).collect();
        let more = self.direct.len() + self.direct_omitted - rows.len();
        let of = if self.part().is_some() { ", of everything" } else { "" };
        let heading = format!("{neighbours}{of}, those that rebuild most first");
        html! {
            @if !rows.is_empty() {
                section #direct {
                    h2 { (heading) }
                    (table(&heading, &[("package", false), ("rebuilds derivations", false), ("rebuilds attributes", true)], &rows))
                    @if more > 0 { p.note { "… and " (number(more)) " more." } }
                }
            }
        }
    }

    fn distances(&self, heading: &str) -> Markup {
        let most = self.distances.iter().copied().max().unwrap_or_default();
        let rows: Vec<Vec<Markup>> = self
            .distances
            .iter()
            .enumerate()
            .map(|(at, &derivations)| vec![count(at), bar(derivations as f64, most as f64, &number(derivations))])
            .collect();
        html! {
            section #distances {
                h2 { (heading) }
                details {
                    summary { "Up to " (counted(self.distances.len().saturating_sub(1), "edge", "edges")) " away" }
                    (table(heading, &[("edges", true), ("derivations", false)], &rows))
                }
            }
        }
    }
}

/// Attributes that are usually not built, as the text says it.
pub(super) fn excluded_note(excluded: &ExcludedReport) -> Markup {
    html! {
        @if let Some(line) = excluded.line() {
            p.note { (line) }
        }
    }
}

/// What the rebuild costs, as the text says it.
pub(super) fn cost_section(cost: &CostReport, heading: &str) -> Markup {
    let mut document = Document::default();
    cost.describe(heading, &mut document);
    section("cost", &document)
}
