//! The table of rebuilt attributes, and a way to each: for what is asked of one evaluation, and of two.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::part::{DataColumn, DataTable, Names, Values, Words, packed, treemap};
use super::ways::Ways;
use crate::cost::{Availability, Presence};
use crate::graph::{Attribute, Derivation, DerivationIx, Direction, Graph, set_of};
use crate::text::number;

/// Attributes that roots rebuild, or that rebuild them: path and system.
pub(super) struct Attributes<'r> {
    pub(super) rows: Vec<(&'r str, &'r str)>,
    /// Those that the report leaves out.
    pub(super) omitted: usize,
    pub(super) direction: Direction,
}

impl Attributes<'_> {
    /// How many are in each package set, as boxes.
    pub(super) fn sets(&self) -> Markup {
        let mut sets: BTreeMap<String, usize> = BTreeMap::new();
        for (path, _) in &self.rows {
            *sets.entry(set_of(path).to_owned()).or_default() += 1;
        }
        let heading = match self.omitted {
            0 => "By package set".to_owned(),
            _ => format!("By package set, of the {} that the report lists", number(self.rows.len())),
        };
        html! { @if !sets.is_empty() { (treemap(&heading, &sets)) } }
    }

    /// The table; what the script has to know, and that of ways from `roots`. O(V + E).
    pub(super) fn table(&self, graph: Option<&Graph>, cached: Option<&Availability>, roots: &[DerivationIx]) -> (DataTable, Names, Value) {
        let found: Vec<Option<Attribute<'_>>> = self.rows.iter().map(|&(path, system)| find(graph?, path, system)).collect();
        let ways = graph.map(|graph| Ways::new(graph, &graph.closure(roots.iter().copied(), self.direction), Derivation::label));
        let members = ways.iter().flat_map(Ways::members).map(Derivation::label);
        let names = Names::new(self.rows.iter().map(|(path, _)| *path).chain(members));
        let systems = Words::of(self.rows.iter().map(|(_, system)| system));
        let mut columns = vec![
            DataColumn::new("attribute", Values::Names(self.rows.iter().map(|(path, _)| names.number(path)).collect())),
            DataColumn::filter("system", Values::Words(systems)),
        ];
        let mut data = Value::Null;
        if let Some(ways) = &ways {
            columns.extend(cached.map(|cached| availability(cached, &found)));
            columns.extend(known(&found));
            data = ways.json(&names, Some(ways.parents(roots, self.direction)));
            data["isInverse"] = json!(self.direction == Direction::Dependencies);
            let node = |attribute: &Option<Attribute<'_>>| ways.number(attribute.as_ref()?.derivation()?.ix());
            data["rows"] = json!(packed(found.iter().map(|attribute| node(attribute).map_or(0, |number| number + 1))));
        }
        let table = DataTable {
            id: "attributes",
            heading: match self.direction {
                Direction::Dependents => "Rebuilt attributes",
                Direction::Dependencies => "Attributes that rebuild a root",
            },
            noun: ("attribute", "attributes"),
            detail: ways.is_some().then_some("way"),
            columns,
            rows: self.rows.len(),
            omitted: self.omitted,
        };
        (table, names, data)
    }
}

fn find<'g>(graph: &'g Graph, path: &str, system: &str) -> Option<Attribute<'g>> {
    graph.find_attribute(path).find(|attribute| attribute.system().unwrap_or_default() == system)
}

/// Whether attributes are built already.
fn availability(cached: &Availability, found: &[Option<Attribute<'_>>]) -> DataColumn {
    let word =
        |attribute: &Option<Attribute<'_>>| match attribute.and_then(Attribute::derivation).map(|derivation| cached.derivation(derivation))
        {
            Some(Presence::Cached) => "cached",
            Some(Presence::Absent) => "to build",
            Some(Presence::Unknown) | None => "unknown",
        };
    DataColumn::filter("cached", Values::Words(Words::of(found.iter().map(word))))
}

/// What the evaluation says of attributes.
fn known(found: &[Option<Attribute<'_>>]) -> [DataColumn; 3] {
    let (mut people, mut why_not) = (Words::default(), Words::default());
    let (mut people_lengths, mut why_not_lengths, mut rebuilds) = (Vec::new(), Vec::new(), Vec::new());
    for attribute in found {
        let maintainers: Vec<&str> = attribute.iter().flat_map(|attribute| attribute.maintainers()).collect();
        for name in &maintainers {
            people.push(name);
        }
        people_lengths.push(maintainers.len());
        let flags = attribute.map_or([false; 4], |attribute| {
            [attribute.is_broken(), attribute.is_unfree(), attribute.is_insecure(), attribute.is_off_hydra()]
        });
        let set: Vec<&str> =
            ["broken", "unfree", "insecure", "off Hydra"].into_iter().zip(flags).filter(|(_, flag)| *flag).map(|(name, _)| name).collect();
        for name in &set {
            why_not.push(name);
        }
        why_not_lengths.push(set.len());
        rebuilds.push(attribute.and_then(Attribute::derivation).map_or(0, |derivation| derivation.rebuilt_attributes() as usize));
    }
    [
        DataColumn::new("rebuilds attributes", Values::Numbers(rebuilds)),
        DataColumn::filter("usually not built", Values::Lists(why_not, why_not_lengths)),
        DataColumn::filter("maintainers", Values::Lists(people, people_lengths)),
    ]
}
