//! The report of `waves impact`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cost::CostReport;
use super::document::{Column, Document, Table};
use super::evaluation::{COUNTS, CountsReport, EvaluationReport, RootReport, part_line, root_lines};
use super::{Diagram, FORMAT_VERSION, Report, diagram};
use crate::analysis::{Excluded, Impact, Root};
use crate::cost::Costs;
use crate::graph::{Attribute, AttributeIx, ClosureSums, Derivation, DerivationSet, Direction};
use crate::text::{counted, number};

/// What a change rebuilds.
#[derive(Clone, Debug, Serialize)]
pub struct ImpactReport<'i> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// `dependents`, or `dependencies` of the inverse question.
    pub direction: &'static str,
    /// The roots.
    pub roots: Vec<RootReport>,
    /// The system whose derivations alone are kept; null for all.
    pub system: Option<String>,
    /// The edges from a root that are followed at most; null for all.
    pub depth: Option<usize>,
    /// What is rebuilt besides the roots.
    pub dependents: CountsReport,
    /// Everything that is rebuilt.
    pub rebuilds: CountsReport,
    /// The rebuilds by system.
    pub systems: BTreeMap<String, CountsReport>,
    /// The number of derivations at each distance from the nearest root.
    pub distances: Vec<usize>,
    /// Direct dependents, those that rebuild most first.
    pub direct: Vec<DirectReport>,
    /// Direct dependents that were left out.
    pub direct_omitted: usize,
    /// Derivations that nothing else of the rebuilt needs: building them builds all.
    pub covering: usize,
    /// Rebuilt attributes that are usually not built.
    pub excluded: ExcludedReport,
    /// The rebuilt attributes.
    pub attributes: Vec<AttributeReport>,
    /// Rebuilt attributes that were left out.
    pub attributes_omitted: usize,
    /// What the rebuild costs; null if nothing is known of it.
    pub cost: Option<CostReport>,
    #[serde(skip)]
    impact: &'i Impact<'i>,
    #[serde(skip)]
    limit: usize,
}

/// A direct dependent.
#[derive(Clone, Debug, Serialize)]
pub struct DirectReport {
    /// Its attribute, or its name.
    pub label: String,
    /// Its derivation.
    pub derivation: String,
    /// What it rebuilds in turn: derivations.
    pub rebuilds_derivations: u32,
    /// What it rebuilds in turn: attributes.
    pub rebuilds_attributes: u32,
}

/// Attributes by what excludes them; one may be excluded twice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ExcludedReport {
    /// `meta.broken`.
    pub broken: usize,
    /// Not free.
    pub unfree: usize,
    /// Vulnerable.
    pub insecure: usize,
    /// Not on Hydra.
    pub off_hydra: usize,
    /// Any of these.
    pub any: usize,
}

/// A rebuilt attribute.
#[derive(Clone, Debug, Serialize)]
pub struct AttributeReport {
    /// Its attribute path.
    pub attribute: String,
    /// Its system.
    pub system: String,
    /// Its derivation.
    pub derivation: String,
}

impl From<Excluded> for ExcludedReport {
    fn from(Excluded { broken, unfree, insecure, off_hydra, any }: Excluded) -> Self {
        Self { broken, unfree, insecure, off_hydra, any }
    }
}

impl ExcludedReport {
    /// A line, if there is any.
    pub(crate) fn line(&self) -> Option<String> {
        let Self { broken, unfree, insecure, off_hydra, any } = *self;
        let count = |count: usize| number(count as u64);
        (any > 0).then(|| {
            format!(
                "Usually not built: {} ({} broken, {} unfree, {} insecure, {} not on Hydra).",
                counted(any, "attribute", "attributes"),
                count(broken),
                count(unfree),
                count(insecure),
                count(off_hydra)
            )
        })
    }
}

impl<'i> ImpactReport<'i> {
    /// Of an impact, and of what is known of costs; lists are cut after `limit`.
    pub fn new(impact: &'i Impact<'i>, roots: &[Root], costs: Option<&Costs<'_>>, limit: usize) -> Self {
        let graph = impact.graph();
        let (direct, attributes) = (impact.direct(), impact.attributes());
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            direction: match impact.direction() {
                Direction::Dependents => "dependents",
                Direction::Dependencies => "dependencies",
            },
            roots: roots.iter().map(|root| RootReport::new(graph, root)).collect(),
            system: impact.system().map(str::to_owned),
            depth: impact.depth(),
            dependents: impact.dependent_counts().into(),
            rebuilds: impact.rebuild_counts().into(),
            systems: impact.by_system().into_iter().map(|(system, counts)| (system.to_owned(), counts.into())).collect(),
            distances: impact.by_distance().iter().map(Vec::len).collect(),
            direct_omitted: direct.len().saturating_sub(limit),
            direct: direct
                .into_iter()
                .take(limit)
                .map(|direct| DirectReport::new(direct, [direct.rebuilt_derivations(), direct.rebuilt_attributes()]))
                .collect(),
            covering: impact.covering().len(),
            excluded: impact.excluded().into(),
            attributes_omitted: attributes.len().saturating_sub(limit),
            attributes: attributes
                .into_iter()
                .take(limit)
                .map(|attribute| AttributeReport {
                    attribute: attribute.path().to_owned(),
                    system: attribute.system().unwrap_or_default().to_owned(),
                    derivation: attribute.derivation().map(Derivation::path).unwrap_or_default(),
                })
                .collect(),
            cost: CostReport::new(costs, impact.rebuilds(), roots, limit),
            impact,
            limit,
        }
    }

    /// The same, but direct dependents rebuild nothing of `gone`, which is built for removed attributes alone, and no attribute that the
    /// change removes or calls otherwise: the graph has counted these too. Costs a [`ClosureSums`] if there is such an attribute.
    #[must_use]
    pub(super) fn without(mut self, gone: &DerivationSet) -> Self {
        let impact = self.impact;
        let removed: BTreeSet<AttributeIx> = impact.removed().map(Attribute::ix).collect();
        if removed.is_empty() {
            return self;
        }
        let is_left = |attribute: &Attribute<'_>| !removed.contains(&attribute.ix());
        let weight = |derivation: Derivation<'_>| {
            let attributes = derivation.attributes().filter(is_left).count() as u64;
            [u64::from(!gone.contains(derivation.ix())), attributes]
        };
        let sums = ClosureSums::new(impact.graph(), impact.graph().derivations().map(weight).collect());
        let rebuilds = |direct: Derivation<'_>| sums.get(direct.ix()).map(|sum| sum as u32);
        let mut direct = impact.direct();
        direct.sort_by_key(|&direct| (Reverse(rebuilds(direct)[0]), direct.ix()));
        self.direct = direct.into_iter().take(self.limit).map(|direct| DirectReport::new(direct, rebuilds(direct))).collect();
        self
    }

    /// What alone is there, if that is not all.
    pub(super) fn part_line(&self) -> Option<String> {
        part_line(self.system.as_deref(), self.depth, self.impact.direction())
    }

    fn is_inverse(&self) -> bool {
        self.direction == "dependencies"
    }
}

impl DirectReport {
    /// Of a derivation, and of how many derivations and attributes it rebuilds.
    fn new(derivation: Derivation<'_>, [rebuilds_derivations, rebuilds_attributes]: [u32; 2]) -> Self {
        Self { label: derivation.label().to_owned(), derivation: derivation.path(), rebuilds_derivations, rebuilds_attributes }
    }

    fn cells(&self) -> Vec<String> {
        vec![self.label.clone(), number(self.rebuilds_attributes), number(self.rebuilds_derivations)]
    }
}

impl Report for ImpactReport<'_> {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(root_lines(&self.roots));
        document.lines(self.part_line());
        let (some, all) = if self.is_inverse() { ("dependencies", "with the roots") } else { ("dependents", "rebuilds") };
        let mut counts = Table::new(&COUNTS);
        counts.rows.push(std::iter::once(some.to_owned()).chain(self.dependents.cells()).collect());
        counts.rows.push(std::iter::once(all.to_owned()).chain(self.rebuilds.cells()).collect());
        let systems = self.systems.iter().filter(|_| self.systems.len() > 1);
        counts.rows.extend(systems.map(|(system, counts)| {
            let system = if system.is_empty() { "unknown system" } else { system };
            std::iter::once(format!("  {system}")).chain(counts.cells()).collect()
        }));
        document.table(counts);

        if self.is_inverse() {
            document.line("A change of any of these derivations rebuilds a root.");
        } else if self.part_line().is_some() {
            // What the part needs of itself goes through what was left out.
        } else if self.dependents.derivations == 0 {
            document.line(match self.impact.fixed_users() {
                0 => "Nothing depends on it.".to_owned(),
                fixed => {
                    format!("Nothing else is rebuilt: what needs it has a fixed output ({}).", counted(fixed, "derivation", "derivations"))
                }
            });
        } else {
            let these = if self.covering == 1 { "this".to_owned() } else { format!("these {}", number(self.covering as u64)) };
            let noun = if self.covering == 1 { "derivation" } else { "derivations" };
            let all = number(self.rebuilds.derivations as u64);
            document.line(format!("Building {these} {noun} would rebuild all {all}: nothing else among them needs what they make."));
        }
        document.lines(self.excluded.line());
        let (distance, neighbours, all) = if self.is_inverse() {
            ("By distance to a root", "Direct dependencies that rebuild most", "Attributes that rebuild a root")
        } else {
            ("By distance from a root", "Direct dependents that rebuild most", "Rebuilt attributes")
        };
        // Of what was left out, too.
        let neighbours = if self.part_line().is_some() { format!("{neighbours}, of everything") } else { neighbours.to_owned() };
        if let Some(cost) = &self.cost {
            cost.describe(if self.is_inverse() { "Cost of all of these" } else { "Cost of the rebuild" }, &mut document);
        }
        document.section(distance, distances(&self.distances));
        let mut direct = Table::new(&[Column::Text("package"), Column::Number("attributes"), Column::Number("derivations")]);
        direct.rows = self.direct.iter().map(DirectReport::cells).collect();
        direct.omitted = self.direct_omitted;
        document.section(neighbours, direct);
        let mut attributes = Table::new(&[Column::Text("attribute"), Column::Word("system")]);
        attributes.rows = self.attributes.iter().map(|attribute| vec![attribute.attribute.clone(), attribute.system.clone()]).collect();
        attributes.omitted = self.attributes_omitted;
        document.section(all, attributes);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["direct", "attributes"]
    }

    fn diagram(&self) -> Option<Diagram> {
        let names = diagram::names(&self.roots);
        let title = match self.impact.direction() {
            Direction::Dependents => format!("What a change of {names} rebuilds"),
            Direction::Dependencies => format!("What rebuilds {names}"),
        };
        Some(Diagram::packages(title, self.impact.graph(), self.impact.rebuilds(), self.impact.roots(), self.limit))
    }
}

/// The first distances one by one, then in runs that double.
fn distances(distances: &[usize]) -> Table {
    let mut table = Table::new(&[Column::Word("distance"), Column::Number("derivations")]);
    let mut start = 0;
    while start < distances.len() {
        let length = if start < 4 { 1 } else { start };
        let end = (start + length).min(distances.len());
        let label = if end - start == 1 { start.to_string() } else { format!("{start}–{}", end - 1) };
        table.rows.push(vec![label, number(distances[start..end].iter().sum::<usize>() as u64)]);
        start = end;
    }
    table
}
