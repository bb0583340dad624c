//! The page of `waves diff`.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::Body;
use super::attributes::Attributes;
use super::impact::{cost_section, excluded_note};
use super::part::{bar, count, headline, table, text, text_table};
use super::subject::{Evaluation, found};
use crate::cost::Availability;
use crate::error::Result;
use crate::graph::{DerivationIx, Direction, Graph};
use crate::report::{CostReport, CountsReport, ExcludedReport, LeftOutReport};
use crate::text::{counted, number, percent};

#[derive(Debug, Deserialize)]
pub(super) struct Diff {
    before: Evaluation,
    pub(super) after: Evaluation,
    doubts: Vec<Doubt>,
    #[serde(default)]
    left_out: LeftOutReport,
    counts: CountsReport,
    fetched: usize,
    newly_named: usize,
    cost: Option<CostReport>,
    excluded: ExcludedReport,
    systems: BTreeMap<String, usize>,
    kernels: BTreeMap<String, usize>,
    labels: BTreeMap<String, bool>,
    suggested_branch: String,
    added: Vec<String>,
    removed: Vec<String>,
    #[serde(default)]
    no_longer_evaluated: Vec<String>,
    changed: Vec<String>,
    rebuilds: Vec<String>,
    renames: Vec<Rename>,
    aliases: Vec<Alias>,
    root_causes: Vec<Cause>,
    smallest_is_proven: bool,
}

#[derive(Debug, Deserialize)]
struct Doubt {
    message: String,
}

#[derive(Debug, Deserialize)]
struct Rename {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
struct Alias {
    attribute: String,
    of: String,
}

#[derive(Debug, Deserialize)]
struct Cause {
    label: String,
    derivations: Vec<String>,
    version_before: String,
    version_after: String,
    reasons: Vec<String>,
    rebuilds: Reach,
    exclusive: Reach,
    in_smallest_set: bool,
}

#[derive(Debug, Deserialize)]
struct Reach {
    attributes: usize,
    derivations: usize,
}

impl Diff {
    /// Makes the page. O(V + E).
    pub(super) fn body(&self, graph: Option<&Graph>, cached: Option<&Availability>, input: &str) -> Result<Body> {
        let roots: Vec<DerivationIx> = match graph {
            Some(graph) => {
                found(graph, self.root_causes.iter().flat_map(|cause| &cause.derivations), input)?.iter().map(|root| root.ix()).collect()
            }
            None => Vec::new(),
        };
        let rows = self.rebuilds.iter().map(|name| self.parts(name)).collect();
        let attributes = Attributes { rows, omitted: 0, direction: Direction::Dependents };
        let (data_table, names, ways) = attributes.table(graph, cached, &roots);
        let main = html! {
            @for doubt in &self.doubts { p.note { strong { "Doubt: " } (text(&doubt.message)) } }
            @if let Some(line) = self.left_out.line() { p.note { (text(&line)) } }
            (headline(&[
                ("attributes rebuilt", number(self.counts.attributes)),
                ("derivations", number(self.counts.derivations)),
                ("outputs", number(self.counts.outputs)),
                ("fetched, not built", number(self.fetched)),
                ("root causes", number(self.root_causes.len())),
                ("branch", self.suggested_branch.clone()),
            ]))
            (excluded_note(&self.excluded))
            (self.labels())
            (self.attribute_counts())
            @if let Some(cost) = &self.cost { (cost_section(cost, "Cost of the rebuild")) }
            (self.causes())
            (attributes.sets())
            (data_table.markup(&names))
            (lists(&[
                ("No longer evaluated", &self.no_longer_evaluated),
                ("Added", &self.added),
                ("Removed", &self.removed),
                ("Changed", &self.changed),
            ]))
            (self.other_names())
        };
        let title = format!("{} rebuilt", counted(self.counts.attributes, "attribute", "attributes"));
        Ok(Body { title, main, data: json!({ "names": names.json(), "graph": ways, "tables": [data_table.json()] }) })
    }

    /// A rebuilt attribute and its system, which it is named with if that is known.
    fn parts<'n>(&self, name: &'n str) -> (&'n str, &'n str) {
        name.rsplit_once('.').filter(|(_, system)| self.systems.contains_key(*system)).unwrap_or((name, ""))
    }

    fn labels(&self) -> Markup {
        let (has, lacks): (Vec<_>, Vec<_>) = self.labels.iter().partition(|(_, has)| **has);
        html! {
            section #labels {
                h2 { "Labels" }
                @if has.is_empty() { p { "None." } }
                ul.labels { @for (label, _) in &has { li { (text(label)) } } }
                @if !lacks.is_empty() {
                    details {
                        summary { "Labels that it does not have: " (number(lacks.len())) }
                        ul.labels { @for (label, _) in &lacks { li { (text(label)) } } }
                    }
                }
            }
        }
    }

    fn attribute_counts(&self) -> Markup {
        let rows = [
            ("added", self.added.len()),
            ("removed", self.removed.len()),
            ("changed", self.changed.len()),
            ("rebuilt", self.rebuilds.len()),
            ("with a new name only", self.newly_named),
        ];
        let rows: Vec<Vec<Markup>> = rows.into_iter().map(|(name, number)| vec![text(name), count(number)]).collect();
        let by = |of: &BTreeMap<String, usize>| of.iter().map(|(name, &number)| vec![text(name), count(number)]).collect::<Vec<_>>();
        html! {
            section #counts {
                h2 { "Attributes" }
                p { "Before: " (text(&self.before.line())) }
                div.side-by-side {
                    (table("Attributes", &[("attributes", false), ("count", true)], &rows))
                    (table("Rebuilt by system", &[("system", false), ("rebuilt", true)], &by(&self.systems)))
                    (table("Names of rebuilt attributes by kernel", &[("kernel", false), ("names", true)], &by(&self.kernels)))
                }
            }
        }
    }

    fn causes(&self) -> Markup {
        let row = |cause: &Cause| {
            let share = |reach: &Reach| format!("{} ({})", number(reach.attributes), percent(reach.attributes, self.counts.attributes));
            let cell = |reach: &Reach| bar(reach.attributes as f64, self.counts.attributes as f64, &share(reach));
            vec![
                text(&cause.label),
                text(&cause.change()),
                cell(&cause.rebuilds),
                cell(&cause.exclusive),
                count(cause.rebuilds.derivations),
                text(if cause.in_smallest_set { "✓ yes" } else { "no" }),
            ]
        };
        let rows: Vec<Vec<Markup>> = self.root_causes.iter().map(row).collect();
        let smallest = self.root_causes.iter().filter(|cause| cause.in_smallest_set).count();
        let columns = [
            ("cause", false),
            ("change", false),
            ("attributes", false),
            ("only because of it", false),
            ("derivations", true),
            ("in the smallest set", false),
        ];
        html! {
            section #causes {
                h2 { "Root causes" }
                p {
                    (counted(smallest, "cause", "causes")) " of " (number(self.root_causes.len())) " together explain everything ("
                    (if self.smallest_is_proven { "the fewest possible" } else { "found greedily" }) "). Shares overlap."
                }
                @let (first, rest) = rows.split_at(rows.len().min(25));
                (table("Root causes", &columns, first))
                @if !rest.is_empty() {
                    details {
                        summary { "The other " (number(rest.len())) " root causes" }
                        (table("Other root causes", &columns, rest))
                    }
                }
            }
        }
    }

    fn other_names(&self) -> Markup {
        let renames: Vec<Vec<String>> = self.renames.iter().map(|rename| vec![rename.from.clone(), rename.to.clone()]).collect();
        let aliases: Vec<Vec<String>> = self.aliases.iter().map(|alias| vec![alias.attribute.clone(), alias.of.clone()]).collect();
        html! {
            @if !renames.is_empty() {
                section #renames {
                    h2 { "Renamed" }
                    (text_table("Renamed", &[("from", false), ("to", false)], &renames))
                }
            }
            @if !aliases.is_empty() {
                section #aliases {
                    h2 { "Other names of what was there" }
                    (text_table("Other names", &[("new name", false), ("of", false)], &aliases))
                }
            }
        }
    }
}

impl Cause {
    fn change(&self) -> String {
        let (before, after) = (self.version_before.as_str(), self.version_after.as_str());
        let reasons = self.reasons.join(", ");
        if before == after || after.is_empty() || before.is_empty() { reasons } else { format!("{before} → {after}: {reasons}") }
    }
}

/// Names of a list, at most: there may be as many as attributes.
const LISTED: usize = 500;

/// Lists of names, folded up.
fn lists(lists: &[(&str, &Vec<String>)]) -> Markup {
    html! {
        @for (heading, names) in lists {
            @if !names.is_empty() {
                section {
                    h2 { (heading) ": " (counted(names.len(), "attribute", "attributes")) }
                    details {
                        summary { "Show" }
                        p.names { @for name in names.iter().take(LISTED) { span { (text(name)) } " " } }
                        @if names.len() > LISTED { p.note { "… and " (number(names.len() - LISTED)) " more, which the report has." } }
                    }
                }
            }
        }
    }
}
