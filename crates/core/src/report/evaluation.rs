//! The parts that every report begins with: which evaluation it is about, and which roots.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::document::Column;
use crate::analysis::Root;
use crate::graph::{Attribute, Counts, Derivation, Direction, Graph};
use crate::ingest::Source;
use crate::store_path::base_name;
use crate::text::{counted, number};

/// A system with a tenth of the attributes of the first is one that the evaluation is for: any has a few of 32 bits, or of no machine.
const TENTH: usize = 10;

/// The evaluation that a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvaluationReport {
    /// Equal for equal graphs.
    pub digest: String,
    /// The dumps that it was made from.
    pub sources: Vec<Source>,
    /// The systems that its derivations are built on, those of most derivations first.
    pub systems: Vec<String>,
    /// How much of it is of each system; the empty name is for what is of no known one.
    pub by_system: BTreeMap<String, SystemReport>,
    /// All derivations.
    pub derivations: usize,
    /// All attributes.
    pub attributes: usize,
    /// All distinct outputs.
    pub outputs: usize,
    /// Derivations of which no dump says what they need: no change is known to rebuild them.
    pub undescribed: usize,
}

/// How much of an evaluation is of a system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct SystemReport {
    /// Attributes that were evaluated for it.
    pub attributes: usize,
    /// Derivations that are built on it.
    pub derivations: usize,
}

impl EvaluationReport {
    /// Of a graph. O(V + A).
    pub fn new(graph: &Graph) -> Self {
        let by_system = by_system(graph);
        let systems = most_first(&by_system, |of| of.derivations, |of| of.attributes);
        Self {
            digest: graph.digest(),
            sources: graph.sources().to_vec(),
            systems: systems.into_iter().map(|(system, _)| system.to_owned()).collect(),
            by_system,
            derivations: graph.derivation_count(),
            attributes: graph.attribute_count(),
            outputs: graph.output_count(),
            undescribed: graph.derivations().filter(|derivation| !derivation.is_defined()).count(),
        }
    }

    /// A line that names it.
    pub(super) fn line(&self) -> String {
        let files: Vec<_> = self.sources.iter().map(|source| base_name(&source.file)).collect();
        let sizes =
            format!("{}, {}", counted(self.attributes, "attribute", "attributes"), counted(self.derivations, "derivation", "derivations"));
        // Where it is all of them, whatever needs to know refuses.
        let is_partial = (1..self.derivations).contains(&self.undescribed);
        let undescribed = if is_partial { format!(", {} without a description", number(self.undescribed as u64)) } else { String::new() };
        // A line of a terminal has room for one.
        let system = evaluated_for(&self.by_system, 1);
        format!("evaluation {}: {} ({system}, {sizes}{undescribed})", self.digest, files.join(" + "))
    }
}

/// The systems that an evaluation is for, those of most attributes first: `room` of them by name, and how many more there are.
pub(crate) fn evaluated_for(by_system: &BTreeMap<String, SystemReport>, room: usize) -> String {
    let mut systems = most_first(by_system, |of| of.attributes, |of| of.derivations);
    let most = systems.first().map_or(0, |&(_, count)| count);
    systems.retain(|&(_, count)| count * TENTH >= most);
    let names: Vec<&str> = systems.iter().take(room).map(|&(system, _)| system).collect();
    match systems.len() - names.len() {
        _ if systems.is_empty() => "unknown system".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {}", names.join(", "), counted(more, "more system", "more systems")),
    }
}

/// The known systems with a count of each, those of most first; with `other`, if `count` does not tell any.
fn most_first(
    by_system: &BTreeMap<String, SystemReport>,
    count: fn(&SystemReport) -> usize,
    other: fn(&SystemReport) -> usize,
) -> Vec<(&str, usize)> {
    let sorted = |count: fn(&SystemReport) -> usize| {
        let mut systems: Vec<(&str, usize)> = by_system.iter().map(|(system, of)| (system.as_str(), count(of))).collect();
        systems.retain(|&(system, count)| !system.is_empty() && count > 0);
        systems.sort_by_key(|&(system, count)| (Reverse(count), system));
        systems
    };
    let systems = sorted(count);
    if systems.is_empty() { sorted(other) } else { systems }
}

/// How much is of each system. O(V + A).
fn by_system(graph: &Graph) -> BTreeMap<String, SystemReport> {
    let mut systems: BTreeMap<String, SystemReport> = BTreeMap::new();
    for (system, attributes) in counts(graph.attributes(), Attribute::system_key, |attribute| attribute.system().unwrap_or_default()) {
        systems.entry(system.to_owned()).or_default().attributes += attributes;
    }
    for (system, derivations) in counts(graph.derivations(), Derivation::system_key, Derivation::system) {
        systems.entry(system.to_owned()).or_default().derivations += derivations;
    }
    systems
}

/// How many items are of each system.
fn counts<'g, T: Copy>(
    items: impl Iterator<Item = T>,
    key: impl Fn(T) -> u32,
    system: impl Fn(T) -> &'g str,
) -> impl Iterator<Item = (&'g str, usize)> {
    let mut systems: FxHashMap<u32, (&str, usize)> = FxHashMap::default();
    for item in items {
        systems.entry(key(item)).or_insert_with(|| (system(item), 0)).1 += 1;
    }
    systems.into_values()
}

/// Attributes, derivations and outputs, side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct CountsReport {
    /// Attributes, aliases included.
    pub attributes: usize,
    /// Derivations.
    pub derivations: usize,
    /// Distinct output paths.
    pub outputs: usize,
}

impl From<Counts> for CountsReport {
    fn from(Counts { attributes, derivations, outputs }: Counts) -> Self {
        Self { attributes, derivations, outputs }
    }
}

/// The columns of a table of counts.
pub(super) const COUNTS: [Column; 4] =
    [Column::Word(""), Column::Number("attributes"), Column::Number("derivations"), Column::Number("outputs")];

impl CountsReport {
    pub(super) fn cells(self) -> [String; 3] {
        [number(self.attributes as u64), number(self.derivations as u64), number(self.outputs as u64)]
    }

    /// `1 attribute, 2 derivations, 4 outputs`.
    pub(super) fn said(self) -> String {
        let attributes = counted(self.attributes, "attribute", "attributes");
        let derivations = counted(self.derivations, "derivation", "derivations");
        format!("{attributes}, {derivations}, {}", counted(self.outputs, "output", "outputs"))
    }
}

/// A root, and the derivations that it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootReport {
    /// What was typed.
    pub selector: String,
    /// Its attribute, or its name.
    pub label: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// Store paths of its derivations.
    pub derivations: Vec<String>,
    /// What its derivations say of themselves, in the same order: name and system.
    pub variants: Vec<String>,
}

impl RootReport {
    /// Of a root.
    pub fn new(graph: &Graph, root: &Root) -> Self {
        let face = graph.derivation(root.face);
        let derivations = || root.derivations.iter().map(|&ix| graph.derivation(ix));
        Self {
            selector: root.selector.clone(),
            label: face.label().to_owned(),
            version: face.version().to_owned(),
            derivations: derivations().map(|derivation| derivation.path()).collect(),
            variants: derivations().map(|derivation| format!("{} ({})", derivation.name(), derivation.system())).collect(),
        }
    }

    /// A line that names it, and each of its derivations that is not like the others.
    pub(super) fn line(&self) -> String {
        let mut variants: Vec<(&str, usize)> = Vec::new();
        for variant in &self.variants {
            match variants.iter_mut().find(|(known, _)| known == variant) {
                Some((_, count)) => *count += 1,
                None => variants.push((variant, 1)),
            }
        }
        let shown = |&(variant, count): &(&str, usize)| if count == 1 { variant.to_owned() } else { format!("{count} × {variant}") };
        let variants: Vec<_> = variants.iter().map(shown).collect();
        let count = counted(self.derivations.len(), "derivation", "derivations");
        // A name has it already.
        let is_said = self.label.ends_with(&format!("-{}", self.version));
        let version = if self.version.is_empty() || is_said { String::new() } else { format!(" {}", self.version) };
        format!("root {}{version}: {count}: {}", self.label, variants.join(", "))
    }
}

/// Lines for roots: each of a few, or how many.
pub(super) fn root_lines(roots: &[RootReport]) -> Vec<String> {
    const LISTED_ROOTS: usize = 8;
    let mut lines: Vec<String> = roots.iter().take(LISTED_ROOTS).map(RootReport::line).collect();
    if roots.len() > LISTED_ROOTS {
        lines.push(format!("… and {} more roots", number((roots.len() - LISTED_ROOTS) as u64)));
    }
    lines
}

/// That packages are those of one system, and their rebuilds are not.
pub(crate) fn system_line(system: &str) -> String {
    format!("Packages of {system}; what they rebuild is counted on all systems.")
}

/// What alone of the closure of roots is there, if that is not all: what a system or a depth left.
pub(crate) fn part_line(system: Option<&str>, depth: Option<usize>, direction: Direction) -> Option<String> {
    let end = match direction {
        Direction::Dependents => "from",
        Direction::Dependencies => "to",
    };
    let near = depth.map(|depth| format!("what is at most {} {end} a root", counted(depth, "edge", "edges")));
    match (system, near) {
        (None, None) => None,
        (Some(system), None) => Some(format!("Only {system}.")),
        (None, Some(near)) => Some(format!("Only {near}.")),
        (Some(system), Some(near)) => Some(format!("Only {system}, and {near}.")),
    }
}
