//! A plan in a file: what `waves plan --updates` wrote as JSON, read again, and found again in any evaluation.

use std::path::Path;

use serde::Deserialize;

use super::unit::{Target, targets};
use super::updates::Update;
use crate::analysis::{Scope, select};
use crate::config::Day;
use crate::error::{Error, Result};
use crate::graph::{DerivationIx, DerivationSet, Graph};
use crate::ingest::open;

/// What a plan's file says; keys beyond these are for people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PlanFile {
    /// The evaluation that it was made for.
    pub evaluation: PlannedEvaluation,
    /// The number of the major wave.
    pub major: u32,
    /// `package`, or `exact`.
    pub scope: PlannedScope,
    /// The system that packages were looked for in, if only one.
    #[serde(default)]
    pub system: Option<String>,
    /// Its updates.
    pub updates: Vec<PlannedUpdate>,
    /// Its waves, in order.
    pub waves: Vec<PlannedWave>,
    /// What keeps its inputs as they are.
    #[serde(default)]
    pub pins: Vec<PlannedPin>,
    /// All of its waves together.
    pub totals: PlannedTotals,
    /// What no plan with as few updates a wave can be better than.
    pub lower_bound: PlannedTotals,
    /// Each update in a wave of its own.
    pub one_at_a_time: PlannedTotals,
    /// All updates in one wave.
    pub all_at_once: PlannedTotals,
}

/// The evaluation that a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlannedEvaluation {
    /// The graph's digest.
    pub digest: String,
}

/// How much an update takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedScope {
    /// All derivations of the package.
    Package,
    /// The attribute's own.
    Exact,
}

impl From<PlannedScope> for Scope {
    fn from(scope: PlannedScope) -> Self {
        match scope {
            PlannedScope::Package => Self::Package,
            PlannedScope::Exact => Self::Exact,
        }
    }
}

/// An update of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PlannedUpdate {
    /// The package, as `--root` names it.
    pub package: String,
    /// Its version before.
    pub from: Option<String>,
    /// Its version after.
    pub to: Option<String>,
    /// The wave that it is in.
    pub wave: String,
    /// The group that it is of; none if of none.
    #[serde(default)]
    pub group: Option<String>,
    /// It has a wave to itself, with what can only come with it.
    #[serde(default)]
    pub solo: bool,
    /// The probability that what it rebuilds breaks because of it.
    pub risk: Option<f64>,
    /// What it rebuilds, with what can only come with it; none if the file does not say.
    #[serde(default)]
    pub rebuilds: Option<PlannedBuilds>,
    /// Build hours of that; none where no build times were given.
    #[serde(default)]
    pub hours: Option<f64>,
}

/// A wave of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PlannedWave {
    /// `wave-1.3`.
    pub name: String,
    /// The packages that it updates.
    pub updates: Vec<String>,
    /// What it rebuilds.
    pub rebuilds: PlannedBuilds,
    /// Build hours of one builder; none where no build times were given.
    pub hours: Option<f64>,
    /// Updates of the wave that rebuild a derivation, on average; none if the file does not say.
    #[serde(default)]
    pub suspects: Option<f64>,
    /// Hours that it takes on the planned builders; none where these were not given.
    #[serde(default)]
    pub makespan_hours: Option<f64>,
}

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct PlannedBuilds {
    /// Attributes.
    pub attributes: u64,
    /// Derivations.
    pub derivations: u64,
}

/// Sums over waves.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct PlannedTotals {
    /// Waves.
    pub waves: usize,
    /// What is built, each time that it is.
    pub builds: PlannedBuilds,
    /// Build hours of one builder.
    pub hours: Option<f64>,
}

/// What keeps its inputs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PlannedPin {
    /// The package, as `--root` names it.
    pub package: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Day>,
}

/// A plan's waves in an evaluation.
#[derive(Clone, Debug)]
pub struct ResolvedPlan {
    /// The waves, in order.
    pub waves: Vec<ResolvedWave>,
    /// What is pinned, and never rebuilt.
    pub held: DerivationSet,
}

/// A wave in an evaluation.
#[derive(Clone, Debug)]
pub struct ResolvedWave {
    /// `wave-1.3`.
    pub name: String,
    /// Its updates, in the order of the plan.
    pub updates: Vec<ResolvedUpdate>,
    /// Everything that it rebuilds.
    pub rebuilds: DerivationSet,
}

/// An update in an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedUpdate {
    /// The package, as `--root` names it.
    pub package: String,
    /// What it changes, in topological order.
    pub derivations: Vec<DerivationIx>,
    /// The probability that what it rebuilds breaks because of it; none if nothing is said.
    pub risk: Option<f64>,
}

impl PlanFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], and [`Error::Malformed`] with line and key.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&Self::bytes(path)?, &path.display().to_string())
    }

    /// The bytes of a file, decompressed, as [`PlanFile::parse`] reads them.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn bytes(path: &Path) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        open(path)?.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        Ok(bytes)
    }

    /// Reads the bytes of a file that errors call `input`.
    ///
    /// # Errors
    ///
    /// As [`PlanFile::read`].
    pub fn parse(bytes: &[u8], input: &str) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| {
            let explained = |reason: &str| format!("{reason} (hint: a plan is what `waves plan --updates FILE --format json` prints)");
            Error::json(input, &error, explained)
        })
    }

    /// Finds a wave by its name, with `wave-` or without.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownWave`] with the names that there are.
    pub fn wave(&self, name: &str) -> Result<usize> {
        let wanted = |wave: &PlannedWave| wave.name == name || wave.name.strip_prefix("wave-") == Some(name);
        self.waves.iter().position(wanted).ok_or_else(|| {
            let known: Vec<&str> = self.waves.iter().map(|wave| wave.name.as_str()).collect();
            let known = match known[..] {
                [] => "it has none".to_owned(),
                [only] => format!("it has {only} only"),
                [first, .., last] => format!("it has {first} to {last}"),
            };
            Error::UnknownWave { name: name.to_owned(), known }
        })
    }

    /// That it was made for another evaluation than `graph`, and what to do about it; none if it is of this one. Its updates are found by
    /// name in any, but what it says of them is true of its own.
    pub fn other_evaluation(&self, graph: &Graph) -> Option<String> {
        let (own, this) = (&self.evaluation.digest, graph.digest());
        let hint = "name the evaluation of the plan with --graph FILE, or plan again";
        (*own != this).then(|| format!("the plan is of evaluation {own}, and this is {this} (hint: {hint})"))
    }

    /// Finds its updates by name in an evaluation, which need not be the one that it was made for. O(V) for each update and
    /// O(V + E) for each wave.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUpdates`], and those of [`select`] for pins.
    pub fn resolve(&self, graph: &Graph) -> Result<ResolvedPlan> {
        let (scope, system) = (Scope::from(self.scope), self.system.as_deref());
        let pinned: Vec<String> = self.pins.iter().map(|pin| pin.package.clone()).collect();
        let roots = select(graph, &pinned, scope, system)?;
        let held = graph.set_of(roots.into_iter().flat_map(|root| root.derivations));
        let mut waves = Vec::with_capacity(self.waves.len());
        for wave in &self.waves {
            let updates = wave.updates.iter().map(|package| Update { package: package.clone(), ..Update::default() }).collect::<Vec<_>>();
            let risk = |package: &str| self.updates.iter().find(|update| update.package == package).and_then(|update| update.risk);
            let resolved = |Target { update, derivations, .. }| {
                let risk = risk(&update.package);
                ResolvedUpdate { package: update.package, derivations, risk }
            };
            let updates: Vec<ResolvedUpdate> = targets(graph, &updates, scope, system)?.into_iter().map(resolved).collect();
            let rebuilds = graph.rebuilds_past(updates.iter().flat_map(|update| update.derivations.iter().copied()), &held);
            waves.push(ResolvedWave { name: wave.name.clone(), updates, rebuilds });
        }
        Ok(ResolvedPlan { waves, held })
    }
}
