//! The part of a report that says what a rebuild costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::document::{Column, Document, Table};
use super::evaluation::{COUNTS, CountsReport};
use crate::analysis::Root;
use crate::cost::{Bill, Chain, ClosureCost, Costs, Estimates, Evidence, Model, PackageTime, Part, Split, Time};
use crate::graph::{DerivationIx, DerivationSet, Graph};
use crate::text::{bytes, counted, duration, number, percent};

/// Packages that are listed at most: the few that carry most of the cost.
const MOST: usize = 100;
/// Derivations of a chain that stand for it in the text.
const SLOWEST: usize = 3;

/// What a set of derivations costs, and how that is known. What was not asked is null.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CostReport {
    /// All of it.
    pub total: BillReport,
    /// The same for each system, by name.
    pub systems: BTreeMap<String, BillReport>,
    /// Where the build times come from, by kind of evidence; null without build times.
    pub evidence: Option<BTreeMap<String, EvidenceReport>>,
    /// The derivations that no number of builders can be faster than, first to last; null without build times.
    pub longest_chain: Option<Vec<ChainLink>>,
    /// Packages by the build time of their own derivations, most first; at most 100.
    pub packages: Vec<PackageTimeReport>,
    /// Packages that were left out.
    pub packages_omitted: usize,
    /// What the roots need when they run; null without sizes.
    pub closures: Option<Vec<ClosureReport>>,
    /// The files of build times.
    pub durations: Vec<DurationFileReport>,
    /// The lists of what is built already.
    pub cached: Vec<PathListReport>,
    /// The binary caches that were asked.
    pub caches: Vec<CacheReport>,
    /// The files of sizes.
    pub sizes: Vec<SizeFileReport>,
}

/// What some derivations cost.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct BillReport {
    /// What is in it.
    #[serde(flatten)]
    pub counts: CountsReport,
    /// How long it takes; null without build times.
    pub time: Option<TimeReport>,
    /// What of it is built already; null if no cache was asked.
    pub availability: Option<AvailabilityReport>,
    /// How large it is; null without sizes.
    pub size: Option<SizeReport>,
}

/// Build times in seconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct TimeReport {
    /// On one builder, one derivation after the other.
    pub seconds: u64,
    /// What of it is measured.
    pub measured_seconds: u64,
    /// The same with the mean of what is like it, not the median, for what is not measured.
    pub mean_seconds: u64,
    /// Of the longest chain: on any number of builders.
    pub longest_chain_seconds: u64,
    /// What of that is measured.
    pub longest_chain_measured_seconds: u64,
}

/// What is built already, and what is not.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct AvailabilityReport {
    /// All outputs are cached.
    pub cached: PartReport,
    /// An output is in no cache.
    pub to_build: PartReport,
    /// Nobody knows.
    pub unknown: PartReport,
    /// Seconds of the longest chain of what has to be built; null without build times.
    pub longest_chain_seconds: Option<u64>,
    /// What of that is measured.
    pub longest_chain_measured_seconds: Option<u64>,
}

/// A part of what is rebuilt.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct PartReport {
    /// What is in it.
    #[serde(flatten)]
    pub counts: CountsReport,
    /// Its build time on one builder; null without build times.
    pub seconds: Option<u64>,
    /// What of it is measured.
    pub measured_seconds: Option<u64>,
}

/// Bytes of distinct outputs, and of how many outputs they are.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct SizeReport {
    /// Uncompressed archives.
    pub nar_bytes: u64,
    /// Outputs whose size that is.
    pub nar_outputs: usize,
    /// Compressed archives, as they are uploaded and downloaded.
    pub download_bytes: u64,
    /// Outputs whose size that is.
    pub download_outputs: usize,
}

/// Derivations and their build time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct EvidenceReport {
    /// Whether it is a measurement.
    pub measured: bool,
    /// Derivations.
    pub derivations: usize,
    /// Their build time.
    pub seconds: u64,
}

/// A derivation of a chain.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ChainLink {
    /// Its attribute, or its name.
    pub label: String,
    /// Its store path.
    pub derivation: String,
    /// Its build time.
    pub seconds: u32,
    /// Whether that is measured.
    pub measured: bool,
}

/// A package, and the build time of its own derivations among those that are rebuilt.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PackageTimeReport {
    /// Its attribute, or its name.
    pub package: String,
    /// Its derivations.
    pub derivations: usize,
    /// Their build time.
    pub seconds: u64,
    /// What of it is measured.
    pub measured_seconds: u64,
    /// Build time of it and all packages before it.
    pub cumulated_seconds: u64,
}

/// What a root needs when it runs, itself included.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClosureReport {
    /// Its attribute, or its name.
    pub label: String,
    /// Store paths.
    pub paths: usize,
    /// Those whose size or references are unknown.
    pub unknown: usize,
    /// Bytes of the archives of the others.
    pub nar_bytes: u64,
}

/// A file of build times, and what became of its rows.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DurationFileReport {
    /// As it was named.
    pub file: String,
    /// All rows.
    pub rows: usize,
    /// Rows of something in the evaluation.
    pub used: usize,
    /// Rows of nothing in the evaluation.
    pub unknown: usize,
    /// Rows of zero seconds.
    pub zero: usize,
    /// Builds that failed, or have not ended.
    pub unsuccessful: usize,
    /// Rows that cannot be read.
    pub malformed: usize,
    /// Where the first of these is, and what is wrong with it.
    pub first_malformed: Option<String>,
}

/// A list of what is built already.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PathListReport {
    /// As it was named.
    pub file: String,
    /// Store paths.
    pub paths: usize,
    /// Lines that are no store path.
    pub malformed: usize,
    /// The number of the first of these.
    pub first_malformed: Option<usize>,
}

/// A binary cache that was asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CacheReport {
    /// Its URL, without credentials.
    pub url: String,
    /// Outputs that it has.
    pub present: usize,
    /// Outputs that it has not.
    pub absent: usize,
    /// Outputs that nobody knows of.
    pub unknown: usize,
    /// Why not, and how many.
    pub reasons: BTreeMap<String, usize>,
}

/// A file of sizes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SizeFileReport {
    /// As it was named.
    pub file: String,
    /// Store paths with a size.
    pub paths: usize,
    /// Store paths without.
    pub unknown: usize,
    /// Entries that are no store path.
    pub malformed: usize,
}

/// What a change of a package costs to rebuild, itself included.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClosureCostReport {
    /// Build time on one builder; null without build times.
    pub seconds: Option<u64>,
    /// What of it is measured.
    pub measured_seconds: Option<u64>,
    /// Derivations that have to be built; null if no cache was asked.
    pub to_build_derivations: Option<u64>,
    /// Their build time; null without both.
    pub to_build_seconds: Option<u64>,
}

impl CostReport {
    /// Of a set of derivations, and of the roots that cause its rebuild; `None` if nothing is known of costs. Lists are cut
    /// after `limit`.
    pub fn new(costs: Option<&Costs<'_>>, set: &DerivationSet, roots: &[Root], limit: usize) -> Option<Self> {
        let costs = costs?;
        let graph = costs.graph();
        let bill = costs.bill(set);
        let packages = costs.packages(set);
        let shown = packages.len().min(limit).min(MOST);
        Some(Self {
            systems: systems(costs, set),
            evidence: bill.time.as_ref().map(evidence),
            longest_chain: costs.model().zip(bill.time.as_ref()).map(|(model, time)| chain(graph, model, &time.longest_chain)),
            packages_omitted: packages.len() - shown,
            packages: package_times(graph, &packages[..shown]),
            closures: costs.sizes().map(|_| roots.iter().filter_map(|root| ClosureReport::new(costs, root)).collect()),
            durations: duration_files(costs),
            cached: costs.lists().iter().map(PathListReport::new).collect(),
            caches: costs.caches().iter().map(CacheReport::new).collect(),
            sizes: costs.sizes().map_or_else(Vec::new, |sizes| sizes.files().iter().map(SizeFileReport::new).collect()),
            total: bill.into(),
        })
    }

    /// Says it under a heading: the figures, then what they rest on.
    pub(crate) fn describe(&self, heading: &str, document: &mut Document) {
        document.heading(heading);
        if self.total.time.is_some() || self.total.availability.is_some() {
            document.table(self.table());
        }
        document.lines(self.time_lines());
        document.lines(self.size_lines());
        document.lines(self.file_lines());
        document.section("Most of the build time, by packages of their own", self.package_table());
    }

    /// Lines that only say what build times rest on.
    pub(super) fn basis_lines(&self) -> Vec<String> {
        let Some(time) = self.total.time.filter(|time| time.seconds > 0) else { return self.file_lines() };
        let measured = share(time.measured_seconds, time.seconds);
        let line = format!("Build time is that of one builder, one derivation after the other; {measured} of it is measured.");
        std::iter::once(line).chain(self.file_lines()).collect()
    }

    fn table(&self) -> Table {
        let mut columns = COUNTS.to_vec();
        if self.total.time.is_some() {
            columns.extend([Column::Number("build time"), Column::Detail("measured")]);
        }
        let mut table = Table::new(&columns);
        let row = |label: String, counts: CountsReport, time: Option<(u64, u64)>| {
            let time = time.map(|(seconds, measured)| [duration(seconds), share(measured, seconds)]);
            std::iter::once(label).chain(counts.cells()).chain(time.into_iter().flatten()).collect()
        };
        let total = |bill: &BillReport| bill.time.map(|time| (time.seconds, time.measured_seconds));
        table.rows.push(row("all".to_owned(), self.total.counts, total(&self.total)));
        for (system, bill) in self.systems.iter().filter(|_| self.systems.len() > 1) {
            let system = if system.is_empty() { "unknown system" } else { system };
            table.rows.push(row(format!("  {system}"), bill.counts, total(bill)));
        }
        if let Some(availability) = &self.total.availability {
            for (label, part) in [("cached", availability.cached), ("to build", availability.to_build), ("unknown", availability.unknown)] {
                table.rows.push(row(label.to_owned(), part.counts, part.seconds.zip(part.measured_seconds)));
            }
        }
        table
    }

    fn time_lines(&self) -> Vec<String> {
        let (Some(time), Some(chain), Some(evidence)) = (&self.total.time, &self.longest_chain, &self.evidence) else { return Vec::new() };
        let measured = share(time.measured_seconds, time.seconds);
        let mut lines = vec![format!("Build time is that of one builder, one derivation after the other; {measured} of it is measured.")];
        if time.mean_seconds != time.seconds {
            let mean = duration(time.mean_seconds);
            lines.push(format!("What is not measured is taken for the median of what is like it; with the mean, all is {mean}."));
        }
        let mut slowest: Vec<&ChainLink> = chain.iter().collect();
        slowest.sort_by_key(|link| std::cmp::Reverse(link.seconds));
        let slowest: Vec<_> =
            slowest.iter().take(SLOWEST).map(|link| format!("{} {}", link.label, duration(u64::from(link.seconds)))).collect();
        lines.push(format!(
            "Longest chain: {} ({} measured), {}; slowest: {}.",
            duration(time.longest_chain_seconds),
            share(time.longest_chain_measured_seconds, time.longest_chain_seconds),
            counted(chain.len(), "derivation", "derivations"),
            slowest.join(", ")
        ));
        lines.extend(self.total.availability.as_ref().and_then(AvailabilityReport::chain_line));
        let kinds = |measured: bool| {
            let of_kind = Evidence::ALL.iter().filter_map(|kind| Some((kind, evidence.get(kind.name())?)));
            let found = of_kind.filter(|(_, evidence)| evidence.measured == measured && evidence.derivations > 0);
            let shown: Vec<_> =
                found.map(|(kind, evidence)| format!("{} by {}", number(evidence.derivations as u64), phrase(*kind))).collect();
            if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
        };
        lines.push(format!("Derivations measured: {}; estimated: {}.", kinds(true), kinds(false)));
        lines
    }

    fn size_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(size) = &self.total.size {
            let outputs = self.total.counts.outputs;
            let compressed = match size.download_outputs {
                0 => "compressed sizes are unknown".to_owned(),
                known => format!("{} compressed ({} known)", bytes(size.download_bytes), percent(known, outputs)),
            };
            lines.push(format!(
                "Uploaded, and downloaded again: {} unpacked ({} of the {} known), {compressed}.",
                bytes(size.nar_bytes),
                percent(size.nar_outputs, outputs),
                counted(outputs, "output", "outputs")
            ));
        }
        for closure in self.closures.iter().flatten() {
            let unknown =
                if closure.unknown == 0 { String::new() } else { format!(", {} of them unknown", number(closure.unknown as u64)) };
            let paths = counted(closure.paths, "path", "paths");
            lines.push(format!("Closure of {}: {} in {paths}{unknown}.", closure.label, bytes(closure.nar_bytes)));
        }
        lines
    }

    fn file_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.durations.iter().map(DurationFileReport::line).collect();
        lines.extend(self.cached.iter().map(PathListReport::line));
        lines.extend(self.caches.iter().map(CacheReport::line));
        lines.extend(self.sizes.iter().map(SizeFileReport::line));
        if self.total.availability.is_some() {
            lines.push("Cached are paths of this evaluation: a change that is not in it yet gives new paths.".to_owned());
        }
        lines
    }

    fn package_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Text("package"),
            Column::Detail("derivations"),
            Column::Number("build time"),
            Column::Detail("measured"),
            Column::Number("with those above"),
        ]);
        let Some(time) = &self.total.time else { return table };
        let row = |package: &PackageTimeReport| {
            vec![
                package.package.clone(),
                number(package.derivations as u64),
                duration(package.seconds),
                share(package.measured_seconds, package.seconds),
                share(package.cumulated_seconds, time.seconds),
            ]
        };
        table.rows = self.packages.iter().map(row).collect();
        table.omitted = self.packages_omitted;
        table
    }
}

/// A share of seconds in percent; of nothing there is none.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { percent(part as usize, whole as usize) }
}

/// How the text names evidence.
fn phrase(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Derivation => "path",
        Evidence::Attribute => "attribute",
        Evidence::Name => "name",
        Evidence::Stem => "name without version",
        Evidence::Pname => "pname",
        Evidence::SameName => "those of the same name",
        Evidence::Class => "their class",
        Evidence::Everything => "all that is measured",
        Evidence::Assumed => "assumption",
    }
}

fn systems(costs: &Costs<'_>, set: &DerivationSet) -> BTreeMap<String, BillReport> {
    let graph = costs.graph();
    let mut sets: BTreeMap<&str, DerivationSet> = BTreeMap::new();
    for ix in set.iter() {
        sets.entry(graph.derivation(ix).system()).or_insert_with(|| graph.empty_set()).insert(ix);
    }
    sets.into_iter().map(|(system, set)| (system.to_owned(), costs.bill(&set).into())).collect()
}

fn evidence(time: &Time) -> BTreeMap<String, EvidenceReport> {
    let report = |(kind, &(derivations, seconds)): (&Evidence, &(usize, u64))| {
        (kind.name().to_owned(), EvidenceReport { measured: kind.is_measured(), derivations, seconds })
    };
    Evidence::ALL.iter().zip(&time.evidence).map(report).collect()
}

fn chain(graph: &Graph, model: &Model, chain: &Chain) -> Vec<ChainLink> {
    let link = |&ix: &DerivationIx| ChainLink {
        label: graph.derivation(ix).label().to_owned(),
        derivation: graph.derivation(ix).path(),
        seconds: model.seconds(ix),
        measured: model.evidence(ix).is_measured(),
    };
    chain.derivations.iter().map(link).collect()
}

fn package_times(graph: &Graph, packages: &[PackageTime]) -> Vec<PackageTimeReport> {
    let mut cumulated_seconds = 0;
    let report = |package: &PackageTime| {
        cumulated_seconds += package.seconds;
        PackageTimeReport {
            package: graph.package(package.package).face().label().to_owned(),
            derivations: package.derivations,
            seconds: package.seconds,
            measured_seconds: package.measured_seconds,
            cumulated_seconds,
        }
    };
    packages.iter().map(report).collect()
}

fn duration_files(costs: &Costs<'_>) -> Vec<DurationFileReport> {
    let used = costs.model().map_or(&[][..], Model::used_rows);
    let report = |(file, &used): (&crate::cost::DurationFile, &usize)| DurationFileReport {
        file: file.file.clone(),
        rows: file.rows,
        used,
        unknown: file.rows - used - file.zero - file.unsuccessful - file.malformed,
        zero: file.zero,
        unsuccessful: file.unsuccessful,
        malformed: file.malformed,
        first_malformed: file.first_malformed.clone(),
    };
    costs.durations().iter().zip(used).map(report).collect()
}

impl From<Bill> for BillReport {
    fn from(Bill { counts, time, split, bytes }: Bill) -> Self {
        Self {
            counts: counts.into(),
            time: time.map(|time| TimeReport {
                seconds: time.seconds,
                measured_seconds: time.measured_seconds,
                mean_seconds: time.mean_seconds,
                longest_chain_seconds: time.longest_chain.seconds,
                longest_chain_measured_seconds: time.longest_chain.measured_seconds,
            }),
            availability: split.map(AvailabilityReport::from),
            size: bytes.map(|bytes| SizeReport {
                nar_bytes: bytes.nar,
                nar_outputs: bytes.nar_outputs,
                download_bytes: bytes.download,
                download_outputs: bytes.download_outputs,
            }),
        }
    }
}

impl BillReport {
    /// Of a set of derivations; `None` if nothing is known of costs.
    pub fn new(costs: Option<&Costs<'_>>, set: &DerivationSet) -> Option<Self> {
        costs.map(|costs| costs.bill(set).into())
    }
}

impl From<Split> for AvailabilityReport {
    fn from(Split { cached, to_build, unknown, longest_chain }: Split) -> Self {
        Self {
            cached: cached.into(),
            to_build: to_build.into(),
            unknown: unknown.into(),
            longest_chain_seconds: longest_chain.as_ref().map(|chain| chain.seconds),
            longest_chain_measured_seconds: longest_chain.as_ref().map(|chain| chain.measured_seconds),
        }
    }
}

impl AvailabilityReport {
    /// Says what no number of builders can be faster than, if anything has to be built.
    fn chain_line(&self) -> Option<String> {
        let (seconds, measured) = (self.longest_chain_seconds?, self.longest_chain_measured_seconds?);
        (seconds > 0).then(|| format!("Longest chain to build: {} ({} measured).", duration(seconds), share(measured, seconds)))
    }
}

impl From<Part> for PartReport {
    fn from(Part { counts, seconds, measured_seconds }: Part) -> Self {
        Self { counts: counts.into(), seconds, measured_seconds }
    }
}

impl ClosureCostReport {
    /// Of packages, in their order, by estimate if there is one; nothing of each if nothing is known of costs.
    pub(super) fn of_packages(
        costs: Option<&Costs<'_>>,
        estimates: Option<&Estimates>,
        packages: &[crate::graph::Package<'_>],
    ) -> Vec<Option<Self>> {
        let Some(costs) = costs else { return vec![None; packages.len()] };
        let (has_times, has_split) = (costs.model().is_some(), costs.is_split());
        let report = |cost: ClosureCost| Self {
            seconds: has_times.then_some(cost.seconds),
            measured_seconds: has_times.then_some(cost.measured_seconds),
            to_build_derivations: has_split.then_some(cost.to_build_derivations),
            to_build_seconds: (has_times && has_split).then_some(cost.to_build_seconds),
        };
        let closures = estimates
            .map_or_else(|| costs.closures(packages), |estimates| packages.iter().map(|package| estimates.of(package.ix())).collect());
        closures.into_iter().map(|cost| Some(report(cost))).collect()
    }
}

impl ClosureReport {
    fn new(costs: &Costs<'_>, root: &Root) -> Option<Self> {
        let face = costs.graph().derivation(root.face);
        let size = costs.closure_size(face)?;
        Some(Self { label: face.label().to_owned(), paths: size.paths, unknown: size.unknown, nar_bytes: size.nar })
    }
}

impl DurationFileReport {
    fn line(&self) -> String {
        let kinds = [
            (self.unknown, "of nothing in this evaluation"),
            (self.zero, "of zero seconds"),
            (self.unsuccessful, "failed or unfinished"),
            (self.malformed, "malformed"),
        ];
        let unused: Vec<_> =
            kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {} {what}", number(*count as u64))).collect();
        let first = self.first_malformed.as_ref().map(|first| format!(" ({first})")).unwrap_or_default();
        let rows = counted(self.rows, "row", "rows");
        format!("{}: {rows}, {} used{}{first}.", self.file, number(self.used as u64), unused.concat())
    }
}

impl PathListReport {
    fn new(list: &crate::cost::PathList) -> Self {
        Self { file: list.file.clone(), paths: list.paths, malformed: list.malformed, first_malformed: list.first_malformed }
    }

    fn line(&self) -> String {
        let malformed = match self.first_malformed {
            Some(line) => format!(", {} malformed (the first is line {line})", number(self.malformed as u64)),
            None => String::new(),
        };
        format!("{}: {} cached{malformed}.", self.file, counted(self.paths, "path", "paths"))
    }
}

impl CacheReport {
    fn new(cache: &crate::cost::AskedCache) -> Self {
        let (url, reasons) = (cache.url.clone(), cache.unknown.clone());
        Self { url, present: cache.present, absent: cache.absent, unknown: reasons.values().sum(), reasons }
    }

    fn line(&self) -> String {
        let asked = counted(self.present + self.absent + self.unknown, "output", "outputs");
        let [present, absent, unknown] = [self.present, self.absent, self.unknown].map(|count| number(count as u64));
        format!("{}: of {asked} {present} are there, {absent} are not, {unknown} are unknown.", self.url)
    }
}

impl SizeFileReport {
    fn new(file: &crate::cost::SizeFile) -> Self {
        Self { file: file.file.clone(), paths: file.paths, unknown: file.unknown, malformed: file.malformed }
    }

    fn line(&self) -> String {
        let kinds = [(self.unknown, "without a size"), (self.malformed, "malformed")];
        let unused: Vec<_> =
            kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {} {what}", number(*count as u64))).collect();
        format!("{}: sizes of {}{}.", self.file, counted(self.paths, "path", "paths"), unused.concat())
    }
}
