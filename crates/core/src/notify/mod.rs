//! Who must be told of a change: one digest for each maintainer, team and named owner of what is rebuilt.
//!
//! Nothing is sent. [`notify`] says who is named for what, by which role, cause and way, and in which order people should be
//! told. Only the first few of them are told one by one ([`NotifyOptions::cap`]): nixpkgs asks nobody for a review where it
//! would have to ask more than 15, since who is mentioned in every mass rebuild soon reads no mention at all.

mod owners;
mod reach;
mod recipient;
mod register;

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

pub use owners::{Owners, OwnersOf, Rule};
pub use recipient::{Recipient, RecipientKind};

use crate::analysis::{Change, Root};
use crate::error::Result;
use crate::graph::{AttributeIx, Derivation, DerivationIx, Graph, PackageIx};
use crate::plan::Plan;
use reach::{BLOCK, Distances, Sizes, reaching};
use register::{Entry, Register};

/// Recipients that are told one by one, unless it is said otherwise.
pub const DEFAULT_CAP: usize = 10;
/// Causes of a package or recipient that are listed; all are counted.
pub const LISTED_CAUSES: usize = 3;

/// Who is told, and of what.
#[derive(Clone, Copy, Debug)]
pub struct NotifyOptions<'a> {
    /// Recipients that are told one by one; the others are only counted, in one list.
    pub cap: usize,
    /// Owners that are named apart from the package's own maintainers.
    pub owners: Option<&'a Owners>,
    /// Where the sources lie that owners' patterns are relative to; `None` finds it out ([`Owners::of_graph`]).
    pub source_root: Option<&'a str>,
    /// The organisation on GitHub whose teams are meant by their bare names.
    pub organisation: Option<&'a str>,
    /// The evaluation before the change, which says what was broken; `None` if the change's own is that.
    pub before: Option<&'a Graph>,
    /// Whether what was broken before is left out, and only counted.
    pub exclude_broken: bool,
    /// Only who is called this, in full and whatever the cap.
    pub only: Option<&'a str>,
}

impl Default for NotifyOptions<'_> {
    /// [`DEFAULT_CAP`], no owners, without what was broken before.
    fn default() -> Self {
        Self { cap: DEFAULT_CAP, owners: None, source_root: None, organisation: None, before: None, exclude_broken: true, only: None }
    }
}

/// How something rebuilt belongs to a change; the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It belongs to a cause itself.
    Changed,
    /// It needs a cause's derivation directly.
    Direct,
    /// It is rebuilt through others, or no cause is known to reach it.
    Transitive,
}

/// When something is rebuilt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// The wave of the plan, counted from 0.
    pub wave: usize,
    /// The level of the plan, counted from 0.
    pub level: usize,
    /// Hours from the start of the rebuild to the end of this build; `None` if durations are not known.
    pub hours: Option<f64>,
}

/// A derivation that is rebuilt, under the attributes that somebody is named for.
#[derive(Clone, Debug)]
pub struct Build {
    /// The derivation.
    pub derivation: DerivationIx,
    /// Its attributes, by attribute path; aliases are several.
    pub attributes: Vec<AttributeIx>,
    /// How it belongs to the change.
    pub role: Role,
    /// When it is rebuilt; `None` without a plan.
    pub when: Option<When>,
}

/// The causes that reach something, by their positions in [`Change::causes`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// The nearest, then others in their order; [`LISTED_CAUSES`] at most.
    pub listed: Vec<usize>,
    /// How many reach it, exactly.
    pub total: usize,
}

/// What a recipient is told of one package.
#[derive(Clone, Debug)]
pub struct PackageNotice {
    /// The package.
    pub package: PackageIx,
    /// The closest role of its derivations here.
    pub role: Role,
    /// Whether its `meta` names the recipient.
    pub is_maintained: bool,
    /// Whether the owners file names the recipient.
    pub is_owned: bool,
    /// The derivations that the recipient is named for, in topological order.
    pub builds: Vec<Build>,
    /// What reaches them; empty for who is not told one by one.
    pub causes: Causes,
    /// The most attributes that one of the derivations rebuilds, itself included, of those that the change rebuilds.
    pub rebuilds: u32,
    nearest: DerivationIx,
}

impl PackageNotice {
    /// What is first told: what was changed, then what needs it directly or is owned by name, then the rest.
    fn tier(&self) -> Role {
        if self.is_owned { self.role.min(Role::Direct) } else { self.role }
    }

    /// How many attributes it is about, aliases included.
    pub fn attributes(&self) -> usize {
        self.builds.iter().map(|build| build.attributes.len()).sum()
    }
}

/// What one recipient is told.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Who is told.
    pub recipient: Recipient,
    /// Their packages: what was changed, direct dependents, others; of each first what rebuilds most.
    pub packages: Vec<PackageNotice>,
    /// What reaches any of them; empty for who is not told one by one.
    pub causes: Causes,
    /// Attributes of theirs that are left out, since they were broken before.
    pub broken: usize,
}

impl Notice {
    /// The closest role of their packages; `None` if none is left.
    pub fn role(&self) -> Option<Role> {
        self.packages.iter().map(|package| package.role).min()
    }

    /// Packages with a role.
    pub fn packages_of(&self, role: Role) -> impl Iterator<Item = &PackageNotice> {
        self.packages.iter().filter(move |package| package.role == role)
    }

    /// How many attributes it is about, aliases included.
    pub fn attributes(&self) -> usize {
        self.packages.iter().map(PackageNotice::attributes).sum()
    }

    /// How many derivations it is about.
    pub fn derivations(&self) -> usize {
        self.packages.iter().map(|package| package.builds.len()).sum()
    }

    /// The most attributes that one of their packages rebuilds, of those that come first.
    pub fn rebuilds(&self) -> u32 {
        let first = self.packages.iter().map(PackageNotice::tier).min();
        let foremost = self.packages.iter().filter(|package| Some(package.tier()) == first);
        foremost.map(|package| package.rebuilds).max().unwrap_or(0)
    }

    /// By what recipients are sorted: whose packages changed, then direct dependents and named owners, then the rest; of
    /// each first those whose package rebuilds most in turn.
    fn order(&self) -> (Option<Role>, Reverse<u32>, Reverse<usize>, Recipient) {
        let first = self.packages.iter().map(PackageNotice::tier).min();
        let count = self.packages.iter().filter(|package| Some(package.tier()) == first).count();
        (first, Reverse(self.rebuilds()), Reverse(count), self.recipient.clone())
    }
}

/// Rebuilt attributes by whether anybody is told of them: each is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeCounts {
    /// Somebody is named for their derivation.
    pub named: usize,
    /// Nobody is.
    pub unnamed: usize,
    /// They were broken before, and are left out.
    pub broken: usize,
    /// They did not evaluate before, and are left out.
    pub failed: usize,
}

impl AttributeCounts {
    /// All that are rebuilt.
    pub fn total(self) -> usize {
        self.named + self.unnamed + self.broken + self.failed
    }
}

/// Who is told of a change.
#[derive(Debug)]
pub struct Notices<'g> {
    graph: &'g Graph,
    distances: Distances,
    /// A digest for each recipient, in the order in which they should be told.
    pub notices: Vec<Notice>,
    /// How many of them are told one by one.
    pub told: usize,
    /// Packages that nobody is named for, those that rebuild most first: here things break unseen. Empty if only one
    /// recipient was asked for.
    pub unnamed: Vec<PackageNotice>,
    /// The rebuilt attributes.
    pub attributes: AttributeCounts,
    /// Rules of the owners file that decided over a rebuilt attribute, by position.
    pub owner_rules: Vec<usize>,
}

impl<'g> Notices<'g> {
    /// The graph that the positions are of.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// A shortest way from a cause to the nearest derivation of a package, both included; empty if none is known.
    pub fn path_to(&self, package: &PackageNotice) -> Vec<Derivation<'g>> {
        let path = self.distances.path_to(self.graph, package.nearest);
        path.into_iter().map(|ix| self.graph.derivation(ix)).collect()
    }
}

/// Finds out who is told what of a change; `plan`, over the same graph, says when.
///
/// One pass over the rebuilt attributes collects who is named for them, one over the edges finds roles and ways, and one
/// for each 64 causes finds which of them reach what. Time O(V + N log N + E · (1 + C/64)) for C causes and N pairs of
/// recipient and attribute; space O(V + N). Where the change leaves out attributes that its causes reach, a
/// [`ClosureSums`](crate::graph::ClosureSums) besides.
///
/// # Errors
///
/// [`Error::UnknownRecipient`](crate::error::Error::UnknownRecipient) with the nearest names, if [`NotifyOptions::only`]
/// names nobody of the evaluation.
pub fn notify<'g>(change: &Change<'g>, plan: Option<&Plan<'_>>, options: &NotifyOptions<'_>) -> Result<Notices<'g>> {
    let graph = change.impact.graph();
    // 1. Who is named for what.
    let mut register = Register::new(graph, &change.attributes.rebuilds, options);
    let rebuilt: Vec<[u64; 1]> = graph.derivations().map(|derivation| [register.add(derivation)]).collect();
    // 2. How it belongs to the change, what it rebuilds, and when it is rebuilt.
    let distances = Distances::new(graph, &change.causes);
    let sizes = Sizes::new(graph, &distances, rebuilt);
    let sorter = Sorter { graph, distances: &distances, sizes, schedule: schedule(plan) };
    let mut notices = sorter.notices(&register, options.only);
    if let Some(name) = options.only.filter(|_| notices.is_empty()) {
        let recipient = register.known(name)?;
        notices.push(Notice { recipient, packages: Vec::new(), causes: Causes::default(), broken: 0 });
    }
    // 3. Whom to tell first, and who is told one by one.
    notices.sort_by_cached_key(Notice::order);
    let told = if options.only.is_some() { notices.len() } else { options.cap.min(notices.len()) };
    let mut unnamed = if options.only.is_some() { Vec::new() } else { sorter.packages(register.unnamed()) };
    unnamed.sort_by_key(|package| Reverse(package.rebuilds));
    // 4. By which causes.
    find_causes(graph, &change.causes, &distances, &mut notices[..told]);
    let (attributes, owner_rules) = (register.counts(), register.used_rules());
    Ok(Notices { graph, distances, notices, told, unnamed, attributes, owner_rules })
}

/// The wave and level of each derivation of a plan.
fn schedule(plan: Option<&Plan<'_>>) -> FxHashMap<DerivationIx, When> {
    let mut schedule = FxHashMap::default();
    let Some(plan) = plan else { return schedule };
    for (wave, level) in plan.waves.iter().enumerate().flat_map(|(wave, run)| run.levels.clone().map(move |level| (wave, level))) {
        schedule.extend(plan.levels[level].iter().map(|&ix| (ix, When { wave, level, hours: None })));
    }
    schedule
}

/// Sorts what recipients are named for by package and importance.
struct Sorter<'a> {
    graph: &'a Graph,
    distances: &'a Distances,
    sizes: Sizes,
    schedule: FxHashMap<DerivationIx, When>,
}

impl Sorter<'_> {
    /// A notice for each recipient, or for those that are called `only`; in no order yet. One that nothing is left for is
    /// only there if it was asked for.
    fn notices(&self, register: &Register<'_>, only: Option<&str>) -> Vec<Notice> {
        let asked = register.people().filter(|person| only.is_none_or(|name| person.recipient.is_named(name)));
        let notice = |person: &register::Person| Notice {
            recipient: person.recipient.clone(),
            packages: self.packages(&person.entries),
            causes: Causes::default(),
            broken: person.broken,
        };
        asked.map(notice).filter(|notice| only.is_some() || !notice.packages.is_empty()).collect()
    }

    /// Entries by package, the most important first. `entries` are in the order of derivations.
    fn packages(&self, entries: &[Entry]) -> Vec<PackageNotice> {
        let mut packages: Vec<PackageNotice> = Vec::new();
        let mut known: FxHashMap<PackageIx, usize> = FxHashMap::default();
        for of_derivation in entries.chunk_by(|a, b| a.derivation == b.derivation) {
            let derivation = self.graph.derivation(of_derivation[0].derivation);
            let at = *known.entry(derivation.package().ix()).or_insert(packages.len());
            if at == packages.len() {
                packages.push(self.package(derivation));
            }
            let package = &mut packages[at];
            let build = self.build(of_derivation);
            package.role = package.role.min(build.role);
            package.is_maintained |= of_derivation.iter().any(|entry| entry.is_maintained);
            package.is_owned |= of_derivation.iter().any(|entry| entry.is_owned);
            package.rebuilds = package.rebuilds.max(self.sizes.get(derivation));
            if self.is_nearer(build.derivation, package.nearest) {
                package.nearest = build.derivation;
            }
            package.builds.push(build);
        }
        packages.sort_by_key(|package| (package.role, package.tier(), Reverse(package.rebuilds), package.builds[0].derivation));
        packages
    }

    fn package(&self, first: Derivation<'_>) -> PackageNotice {
        PackageNotice {
            package: first.package().ix(),
            role: self.role(first.ix()),
            is_maintained: false,
            is_owned: false,
            builds: Vec::new(),
            causes: Causes::default(),
            rebuilds: 0,
            nearest: first.ix(),
        }
    }

    fn build(&self, of_derivation: &[Entry]) -> Build {
        let derivation = of_derivation[0].derivation;
        Build {
            derivation,
            attributes: of_derivation.iter().map(|entry| entry.attribute).collect(),
            role: self.role(derivation),
            when: self.schedule.get(&derivation).copied(),
        }
    }

    fn role(&self, derivation: DerivationIx) -> Role {
        match self.distances.get(derivation) {
            Some(0) => Role::Changed,
            Some(1) => Role::Direct,
            _ => Role::Transitive,
        }
    }

    fn is_nearer(&self, one: DerivationIx, other: DerivationIx) -> bool {
        let distance = |ix| self.distances.get(ix).unwrap_or(u32::MAX);
        distance(one) < distance(other)
    }
}

/// Fills in which causes reach what each recipient is told of: 64 of them in one pass over the graph.
fn find_causes(graph: &Graph, causes: &[Root], distances: &Distances, notices: &mut [Notice]) {
    let mut cause_of: FxHashMap<DerivationIx, usize> = FxHashMap::default();
    for (number, cause) in causes.iter().enumerate() {
        cause.derivations.iter().for_each(|&ix| _ = cause_of.entry(ix).or_insert(number));
    }
    for notice in &mut *notices {
        for package in &mut notice.packages {
            let path = distances.path_to(graph, package.nearest);
            package.causes.listed.extend(path.first().map(|start| cause_of[start]));
        }
        let nearest = notice.packages.first().and_then(|package| package.causes.listed.first());
        notice.causes.listed.extend(nearest);
    }
    for (block, first) in causes.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        let reaching = reaching(graph, block);
        for notice in &mut *notices {
            let mut of_notice = 0;
            for package in &mut notice.packages {
                let of_package = package.builds.iter().fold(0, |bits, build| bits | reaching[build.derivation.get()]);
                package.causes.add(first, of_package);
                of_notice |= of_package;
            }
            notice.causes.add(first, of_notice);
        }
    }
}

impl Causes {
    /// Adds causes of a block that begins with the cause `first`: a bit for each.
    fn add(&mut self, first: usize, bits: u64) {
        self.total += bits.count_ones() as usize;
        let numbers = (0..BLOCK).filter(|bit| bits >> bit & 1 == 1).map(|bit| first + bit);
        for number in numbers {
            if self.listed.len() >= LISTED_CAUSES {
                break;
            }
            if !self.listed.contains(&number) {
                self.listed.push(number);
            }
        }
    }
}
