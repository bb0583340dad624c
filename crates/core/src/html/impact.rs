//! The page of `waves impact`.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::Body;
use super::attributes::Attributes;
use super::part::{bar, count, headline, table, text, treemap};
use super::subject::{Counts, Evaluation, Root, found, root_names};
use super::time::BuildTime;
use crate::cost::Availability;
use crate::error::Result;
use crate::graph::{DerivationIx, Direction, Graph};
use crate::text::{counted, duration, number, percent};

#[derive(Debug, Deserialize)]
pub(super) struct Impact {
    pub(super) evaluation: Evaluation,
    direction: String,
    roots: Vec<Root>,
    dependents: Counts,
    rebuilds: Counts,
    systems: BTreeMap<String, Counts>,
    distances: Vec<usize>,
    direct: Vec<Direct>,
    direct_omitted: usize,
    covering: usize,
    excluded: Excluded,
    attributes: Vec<Row>,
    attributes_omitted: usize,
    cost: Option<Cost>,
}

#[derive(Debug, Deserialize)]
struct Direct {
    label: String,
    rebuilds_derivations: usize,
    rebuilds_attributes: usize,
}

/// Attributes that are usually not built.
#[derive(Debug, Deserialize)]
pub(super) struct Excluded {
    broken: usize,
    unfree: usize,
    insecure: usize,
    off_hydra: usize,
    any: usize,
}

#[derive(Debug, Deserialize)]
struct Row {
    attribute: String,
    system: String,
}

/// What is known of costs.
#[derive(Debug, Deserialize)]
pub(super) struct Cost {
    total: Bill,
}

#[derive(Debug, Deserialize)]
struct Bill {
    time: Option<BuildTime>,
    availability: Option<Built>,
}

#[derive(Debug, Deserialize)]
struct Built {
    cached: Counts,
    to_build: Counts,
    unknown: Counts,
}

impl Impact {
    /// Makes the page. O(V + E).
    pub(super) fn body(&self, graph: Option<&Graph>, cached: Option<&Availability>, input: &str) -> Result<Body> {
        let is_inverse = self.direction == "dependencies";
        let direction = if is_inverse { Direction::Dependencies } else { Direction::Dependents };
        let roots: Vec<DerivationIx> = match graph {
            Some(graph) => {
                found(graph, self.roots.iter().flat_map(|root| &root.derivations), input)?.iter().map(|root| root.ix()).collect()
            }
            None => Vec::new(),
        };
        let rows = self.attributes.iter().map(|row| (row.attribute.as_str(), row.system.as_str())).collect();
        let attributes = Attributes { rows, omitted: self.attributes_omitted };
        let (data_table, names, ways) = attributes.table(graph, cached, &roots, direction);
        let names_of_roots = root_names(&self.roots);
        let (title, what) = if is_inverse {
            (format!("What rebuilds {names_of_roots}"), "derivations")
        } else {
            (format!("What a change of {names_of_roots} rebuilds"), "derivations rebuilt")
        };
        let mut figures = vec![
            ("attributes", number(self.rebuilds.attributes)),
            (what, number(self.rebuilds.derivations)),
            ("outputs", number(self.rebuilds.outputs)),
            ("derivations besides the roots", number(self.dependents.derivations)),
            ("that nothing else needs", number(self.covering)),
        ];
        figures.extend(self.cost.iter().flat_map(|cost| &cost.total.time).map(|time| ("build time", duration(time.seconds))));
        let main = html! {
            (headline(&figures))
            (self.excluded.markup())
            @if self.systems.len() > 1 { (self.systems()) }
            @if let Some(cost) = &self.cost { (cost.markup()) }
            (self.direct(if is_inverse { "What rebuilds it directly" } else { "Direct dependents, those that rebuild most first" }))
            (self.distances())
            @if !attributes.rows.is_empty() { (treemap("By package set", &attributes.sets())) }
            (data_table.markup(&names))
        };
        Ok(Body { title, main, data: json!({ "names": names.json(), "graph": ways, "tables": [data_table.json()] }) })
    }

    fn systems(&self) -> Markup {
        let row = |(system, counts): (&String, &Counts)| {
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

    /// Through what the rebuild goes on: shares overlap.
    fn direct(&self, heading: &str) -> Markup {
        const SHOWN: usize = 20;
        let row = |direct: &Direct| {
            let share =
                format!("{} ({})", number(direct.rebuilds_attributes), percent(direct.rebuilds_attributes, self.rebuilds.attributes));
            vec![
                text(&direct.label),
                bar(direct.rebuilds_attributes as f64, self.rebuilds.attributes as f64, &share),
                count(direct.rebuilds_derivations),
            ]
        };
        let rows: Vec<Vec<Markup>> = self.direct.iter().take(SHOWN).map(row).collect();
        let more = self.direct.len() + self.direct_omitted - rows.len();
        html! {
            @if !rows.is_empty() {
                section #direct {
                    h2 { (heading) }
                    (table(heading, &[("package", false), ("attributes", false), ("derivations", true)], &rows))
                    @if more > 0 { p.note { "… and " (number(more)) " more." } }
                }
            }
        }
    }

    fn distances(&self) -> Markup {
        let most = self.distances.iter().copied().max().unwrap_or_default();
        let rows: Vec<Vec<Markup>> = self
            .distances
            .iter()
            .enumerate()
            .map(|(at, &derivations)| vec![count(at), bar(derivations as f64, most as f64, &number(derivations))])
            .collect();
        html! {
            section #distances {
                h2 { "Distance from the root" }
                details {
                    summary { "Up to " (counted(self.distances.len().saturating_sub(1), "edge", "edges")) " away" }
                    (table("Distance from the root", &[("edges", true), ("derivations", false)], &rows))
                }
            }
        }
    }
}

impl Excluded {
    /// A line, if there is any.
    pub(super) fn markup(&self) -> Markup {
        let Self { broken, unfree, insecure, off_hydra, any } = *self;
        html! {
            @if any > 0 {
                p.note {
                    "Usually not built: " (counted(any, "attribute", "attributes")) " (" (number(broken)) " broken, " (number(unfree)) " unfree, "
                    (number(insecure)) " insecure, " (number(off_hydra)) " not on Hydra)."
                }
            }
        }
    }
}

impl Cost {
    /// Under a heading.
    pub(super) fn markup(&self) -> Markup {
        let row =
            |name: &str, counts: &Counts| vec![text(name), count(counts.attributes), count(counts.derivations), count(counts.outputs)];
        html! {
            section #cost {
                h2 { "Cost" }
                @if let Some(time) = &self.total.time {
                    (time.markup())
                }
                @if let Some(availability) = &self.total.availability {
                    @let rows = [row("cached", &availability.cached), row("to build", &availability.to_build), row("unknown", &availability.unknown)];
                    (table("What is built already", &[("what", false), ("attributes", true), ("derivations", true), ("outputs", true)], &rows))
                }
            }
        }
    }
}
