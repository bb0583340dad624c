//! How long each derivation takes to build: as measured, or as what is like it.
//!
//! A measurement is matched by path, attribute, full name, name without version, or pname; the most exact match counts, and of several measurements the median. What is not measured is estimated by the median of what has its name,
//! else of its [class](Class), else of everything. Medians tell what one build takes; a sum of many skewed times is nearer
//! to their mean, so that is kept beside it.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::durations::{Durations, Key};
use crate::error::{Error, Result};
use crate::graph::{Derivation, DerivationIx, Graph};
use crate::store_path::{StoreHash, split_name};

/// Different pnames that must be measured in a class before its median is taken for others.
pub const MIN_MEASURED: usize = 5;

/// Seconds of what is fetched, or built where it is needed, if nothing of that class is measured: it compiles nothing. And
/// of what is compiled, if only fetching was measured.
pub const ASSUMED_SECONDS: u32 = 1;

/// Where a build time comes from, most exact first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Measured: its path, or the path of an output.
    Derivation,
    /// Measured: one of its attributes.
    Attribute,
    /// Measured: its full name.
    Name,
    /// Measured: its name without version.
    Stem,
    /// Measured: its pname.
    Pname,
    /// Estimated: median of the measured derivations with its full name, else with its pname.
    SameName,
    /// Estimated: median of the pnames of its class.
    Class,
    /// Estimated: median of all measured pnames that are compiled.
    Everything,
    /// Assumed, for nothing that tells is measured: [`ASSUMED_SECONDS`].
    Assumed,
}

impl Evidence {
    /// All of them, most exact first.
    pub const ALL: [Self; 9] = [
        Self::Derivation,
        Self::Attribute,
        Self::Name,
        Self::Stem,
        Self::Pname,
        Self::SameName,
        Self::Class,
        Self::Everything,
        Self::Assumed,
    ];

    /// Whether it is a measurement.
    pub fn is_measured(self) -> bool {
        self <= Self::Pname
    }

    /// The name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Derivation => "derivation",
            Self::Attribute => "attribute",
            Self::Name => "name",
            Self::Stem => "name_without_version",
            Self::Pname => "pname",
            Self::SameName => "same_name",
            Self::Class => "class",
            Self::Everything => "everything",
            Self::Assumed => "assumed",
        }
    }
}

/// What builds are like each other: the first of these that fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Class<'g> {
    /// Fixed outputs, sources as a rule: downloads.
    FixedOutput,
    /// `preferLocalBuild`: wrappers, hooks and configuration, for which a remote builder is not worth the way.
    Local,
    /// Asks its builder for features, joined by spaces: `big-parallel` is large, `kvm nixos-test` is a test.
    Features(String),
    /// In an attribute set, by its shallowest attribute: `python312Packages`, `haskellPackages`.
    Set(&'g str),
    /// What its name begins with, up to the first dash, if more follows than a version: `python3.12`, `perl5.40.0`, `vimplugin`.
    Prefix(&'g str),
    /// Anything else.
    Other,
}

impl<'g> Class<'g> {
    /// Of a derivation. O(attributes).
    pub fn of(derivation: Derivation<'g>) -> Self {
        if derivation.is_fixed_output() {
            return Self::FixedOutput;
        }
        if derivation.prefers_local_build() {
            return Self::Local;
        }
        let features: Vec<&str> = derivation.required_system_features().collect();
        if !features.is_empty() {
            return Self::Features(features.join(" "));
        }
        let sets = derivation.attributes().map(|attribute| attribute.set());
        let set = sets.min_by_key(|set| (set.split('.').filter(|part| !part.is_empty()).count(), set.len()));
        let prefix = split_name(derivation.name()).0.split_once('-').map(|(prefix, _)| prefix);
        match (set.filter(|set| !set.is_empty()), prefix) {
            (Some(set), _) => Self::Set(set),
            (None, Some(prefix)) => Self::Prefix(prefix),
            (None, None) => Self::Other,
        }
    }

    /// Whether nothing is compiled for it, so that other builds tell nothing about it.
    pub fn is_trivial(&self) -> bool {
        matches!(self, Self::FixedOutput | Self::Local)
    }
}

/// A build time of what is like something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Typical {
    median: u32,
    mean: u32,
}

/// The build time of every derivation.
#[derive(Clone, Debug)]
pub struct Model {
    typical: Vec<Typical>,
    evidence: Vec<Evidence>,
    used: Vec<usize>,
}

impl Model {
    /// Matches measurements with derivations, and estimates the others. O(V log V + A + rows + matches).
    ///
    /// # Errors
    ///
    /// [`Error::NothingMeasured`] if no measurement is of something in the graph.
    pub fn new(graph: &Graph, durations: &Durations) -> Result<Self> {
        let (measured, used) = Matcher::new(graph, durations).measure(durations);
        if measured.iter().all(Option::is_none) {
            let inputs: Vec<_> = durations.files().iter().map(|file| file.file.as_str()).collect();
            return Err(Error::NothingMeasured { inputs: inputs.join(", "), rows: durations.measurements.len() });
        }
        let estimates = Estimates::new(graph, &measured);
        let (typical, evidence) = graph
            .derivations()
            .zip(&measured)
            .map(|(derivation, measured)| match *measured {
                Some((seconds, evidence)) => (Typical { median: seconds, mean: seconds }, evidence),
                None => estimates.of(derivation),
            })
            .unzip();
        Ok(Self { typical, evidence, used })
    }

    /// Build time in seconds; an estimate is a median.
    pub fn seconds(&self, derivation: DerivationIx) -> u32 {
        self.typical[derivation.get()].median
    }

    /// Build time in seconds; an estimate is a mean.
    pub fn mean_seconds(&self, derivation: DerivationIx) -> u32 {
        self.typical[derivation.get()].mean
    }

    /// Where the build time comes from.
    pub fn evidence(&self, derivation: DerivationIx) -> Evidence {
        self.evidence[derivation.get()]
    }

    /// Rows of each file of durations that are of something in the graph.
    pub fn used_rows(&self) -> &[usize] {
        &self.used
    }
}

/// The derivations of each path and name that was measured.
struct Matcher<'g, 'd> {
    graph: &'g Graph,
    by_path: FxHashMap<StoreHash, Vec<DerivationIx>>,
    by_name: FxHashMap<&'d str, Vec<DerivationIx>>,
    /// By name without version. No fixed outputs: a source is named like what it is of.
    by_stem: FxHashMap<&'d str, Vec<DerivationIx>>,
    /// By pname; no fixed outputs.
    by_pname: FxHashMap<&'d str, Vec<DerivationIx>>,
}

/// What a derivation was measured as, most exact match only.
#[derive(Clone, Debug, Default)]
struct Match {
    evidence: Option<Evidence>,
    /// Positions of the things that were measured.
    things: SmallVec<[u32; 1]>,
}

impl<'g, 'd> Matcher<'g, 'd> {
    fn new(graph: &'g Graph, durations: &'d Durations) -> Self {
        let keys = || durations.measurements.iter().flat_map(|measurement| &measurement.keys);
        let names: FxHashMap<&str, Vec<DerivationIx>> =
            keys().filter_map(|key| if let Key::Name(name) = key { Some((name.as_str(), Vec::new())) } else { None }).collect();
        let by_path = keys().filter_map(|key| if let Key::Path(path) = key { Some((*path, Vec::new())) } else { None }).collect();
        let mut matcher = Self { graph, by_path, by_name: names.clone(), by_stem: names.clone(), by_pname: names };
        for derivation in graph.derivations() {
            matcher.add(derivation);
        }
        matcher
    }

    /// Adds a derivation wherever it was measured.
    fn add(&mut self, derivation: Derivation<'_>) {
        let ix = derivation.ix();
        let outputs = derivation.outputs().filter_map(|output| output.hash()).filter(|&path| path != derivation.hash());
        for path in std::iter::once(derivation.hash()).chain(outputs) {
            self.by_path.entry(path).and_modify(|found| found.push(ix));
        }
        let add = |index: &mut FxHashMap<&str, Vec<DerivationIx>>, name: &str| {
            if let Some(found) = index.get_mut(name) {
                found.push(ix);
            }
        };
        add(&mut self.by_name, derivation.name());
        if !derivation.is_fixed_output() {
            add(&mut self.by_stem, split_name(derivation.name()).0);
            add(&mut self.by_pname, derivation.pname());
        }
    }

    /// The median of what each derivation was measured as, and how many rows of each file are of anything.
    fn measure(&self, durations: &Durations) -> (Vec<Option<(u32, Evidence)>>, Vec<usize>) {
        // Several measurements of one thing are matched once.
        let mut things: FxHashMap<&[Key], u32> = FxHashMap::default();
        let mut samples: Vec<Vec<u32>> = Vec::new();
        let mut rows: Vec<(usize, u32)> = Vec::with_capacity(durations.measurements.len());
        for measurement in &durations.measurements {
            let thing = *things.entry(&measurement.keys).or_insert(samples.len() as u32);
            if thing as usize == samples.len() {
                samples.push(Vec::new());
            }
            samples[thing as usize].push(measurement.seconds);
            rows.push((measurement.file, thing));
        }
        let mut matches = vec![Match::default(); self.graph.derivation_count()];
        let mut is_used = vec![false; samples.len()];
        for (keys, thing) in things {
            for (evidence, derivations) in self.find(keys) {
                is_used[thing as usize] = true;
                for ix in derivations {
                    matches[ix.get()].add(evidence, thing);
                }
            }
        }
        let mut used = vec![0; durations.files().len()];
        for (file, thing) in rows {
            used[file] += usize::from(is_used[thing as usize]);
        }
        let measured = |found: &Match| {
            let mut seconds: Vec<u32> = found.things.iter().flat_map(|&thing| samples[thing as usize].iter().copied()).collect();
            Some((Typical::of(&mut seconds)?.median, found.evidence?))
        };
        (matches.iter().map(measured).collect(), used)
    }

    /// The derivations of the first key that has any, by how they match.
    fn find(&self, keys: &[Key]) -> Vec<(Evidence, Vec<DerivationIx>)> {
        for key in keys {
            let mut found = match key {
                Key::Path(path) => vec![(Evidence::Derivation, self.by_path.get(path).cloned().unwrap_or_default())],
                Key::Attribute { path, system } => vec![(Evidence::Attribute, self.attribute(path, system.as_deref()))],
                Key::Name(name) => [(Evidence::Name, &self.by_name), (Evidence::Stem, &self.by_stem), (Evidence::Pname, &self.by_pname)]
                    .map(|(evidence, index)| (evidence, index.get(name.as_str()).cloned().unwrap_or_default()))
                    .into(),
            };
            found.retain(|(_, derivations)| !derivations.is_empty());
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Of an attribute path, behind which a system may stand, and before which Hydra's jobs of NixOS have `nixpkgs.`.
    fn attribute(&self, path: &str, system: Option<&str>) -> Vec<DerivationIx> {
        let exactly = |path: &str, system: Option<&str>| -> Vec<DerivationIx> {
            let attributes =
                self.graph.find_attribute(path).filter(|attribute| system.is_none_or(|system| attribute.system() == Some(system)));
            attributes.filter_map(|attribute| Some(attribute.derivation()?.ix())).collect()
        };
        let with_suffix = |path: &str| path.rsplit_once('.').map_or_else(Vec::new, |(path, system)| exactly(path, Some(system)));
        let paths = [Some(path), path.strip_prefix("nixpkgs.")].into_iter().flatten();
        let candidates = paths.flat_map(|path| [exactly(path, system), with_suffix(path)]);
        candidates.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }
}

impl Match {
    /// Adds a thing that it was measured as; a more exact match replaces the others.
    fn add(&mut self, evidence: Evidence, thing: u32) {
        if self.evidence.is_some_and(|known| known < evidence) {
            return;
        }
        if self.evidence != Some(evidence) {
            self.evidence = Some(evidence);
            self.things.clear();
        }
        self.things.push(thing);
    }
}

/// What is taken for derivations that were not measured. In a class, each pname counts once, however many derivations have it.
struct Estimates<'g> {
    by_name: FxHashMap<&'g str, Typical>,
    by_pname: FxHashMap<&'g str, Typical>,
    by_class: FxHashMap<Class<'g>, Typical>,
    everything: Option<Typical>,
}

impl<'g> Estimates<'g> {
    fn new(graph: &'g Graph, measured: &[Option<(u32, Evidence)>]) -> Self {
        let measured = graph.derivations().zip(measured).filter_map(|(derivation, measured)| Some((derivation, (*measured)?.0)));
        let measured: Vec<(Derivation<'g>, Class<'g>, u32)> =
            measured.map(|(derivation, seconds)| (derivation, Class::of(derivation), seconds)).collect();
        let not_fixed = measured.iter().filter(|(_, class, _)| *class != Class::FixedOutput);
        let names = typical_by(measured.iter().map(|(derivation, _, seconds)| (derivation.name(), *seconds)), 1);
        let of_pname = typical_by(not_fixed.map(|(derivation, _, seconds)| (derivation.pname(), *seconds)), 1);
        let pnames = typical_by(measured.into_iter().map(|(derivation, class, seconds)| ((class, derivation.pname()), seconds)), 1);
        let compiled = pnames.iter().filter(|((class, _), _)| !class.is_trivial());
        let mut everything: Vec<u32> = compiled.map(|(_, typical)| typical.median).collect();
        let by_class = typical_by(pnames.into_iter().map(|((class, _), typical)| (class, typical.median)), MIN_MEASURED);
        Self { by_name: names, by_pname: of_pname, by_class, everything: Typical::of(&mut everything) }
    }

    fn of(&self, derivation: Derivation<'g>) -> (Typical, Evidence) {
        let by_pname = || self.by_pname.get(derivation.pname()).filter(|_| !derivation.is_fixed_output());
        if let Some(&typical) = self.by_name.get(derivation.name()).or_else(by_pname) {
            return (typical, Evidence::SameName);
        }
        let class = Class::of(derivation);
        match (self.by_class.get(&class), self.everything) {
            (Some(&typical), _) => (typical, Evidence::Class),
            (None, Some(typical)) if !class.is_trivial() => (typical, Evidence::Everything),
            _ => (Typical { median: ASSUMED_SECONDS, mean: ASSUMED_SECONDS }, Evidence::Assumed),
        }
    }
}

/// What is typical for each key with at least `least` samples.
fn typical_by<K: Eq + std::hash::Hash>(samples: impl Iterator<Item = (K, u32)>, least: usize) -> FxHashMap<K, Typical> {
    let mut by_key: FxHashMap<K, Vec<u32>> = FxHashMap::default();
    for (key, seconds) in samples {
        by_key.entry(key).or_default().push(seconds);
    }
    let enough = by_key.into_iter().filter(|(_, samples)| samples.len() >= least);
    enough.filter_map(|(key, mut samples)| Some((key, Typical::of(&mut samples)?))).collect()
}

impl Typical {
    /// Median and mean; that of an even number of samples is between the two in the middle. Both are rounded up.
    fn of(samples: &mut [u32]) -> Option<Self> {
        samples.sort_unstable();
        let (low, high) = (*samples.get(samples.len().checked_sub(1)? / 2)?, samples[samples.len() / 2]);
        let sum: u64 = samples.iter().map(|&seconds| u64::from(seconds)).sum();
        Some(Self { median: low + (high - low).div_ceil(2), mean: sum.div_ceil(samples.len() as u64) as u32 })
    }
}
