//! What a set of derivations costs.

use super::model::{Evidence, Model};
use super::{Costs, Presence};
use crate::graph::{Counts, DerivationIx, DerivationSet, Package, PackageIx, Precision};

/// What a set of derivations costs to build; what is not known, because no file says it, is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What is in it.
    pub counts: Counts,
    /// How long it takes.
    pub time: Option<Time>,
    /// What of it is built already.
    pub split: Option<Split>,
    /// How large it is.
    pub bytes: Option<Bytes>,
}

/// Build times, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Of one builder that builds everything, one derivation after the other.
    pub seconds: u64,
    /// What of it is measured, not estimated.
    pub measured_seconds: u64,
    /// The same, if what is estimated takes the mean of what is like it, and not the median.
    pub mean_seconds: u64,
    /// Derivations and their seconds by where these come from, in the order of [`Evidence::ALL`].
    pub evidence: [(usize, u64); Evidence::ALL.len()],
    /// What no number of builders can be faster than.
    pub longest_chain: Chain,
}

/// Derivations that need each other, one after the other, and the seconds that they take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Its derivations; each needs the one before.
    pub derivations: Vec<DerivationIx>,
    /// Their build times in seconds.
    pub seconds: u64,
    /// What of it is measured.
    pub measured_seconds: u64,
}

/// What of a set is built already, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// A cache has all of its outputs.
    pub cached: Part,
    /// It has to be built.
    pub to_build: Part,
    /// Nobody knows.
    pub unknown: Part,
    /// The longest chain of what has to be built, if build times are known.
    pub longest_chain: Option<Chain>,
}

/// A part of a set. Build times in seconds, if they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// What is in it.
    pub counts: Counts,
    /// Build time on one builder.
    pub seconds: Option<u64>,
    /// What of it is measured.
    pub measured_seconds: Option<u64>,
}

/// Bytes of distinct outputs: what is uploaded to a cache, and downloaded again by whoever has the outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Bytes of their archives, uncompressed.
    pub nar: u64,
    /// Outputs whose archive's size is known.
    pub nar_outputs: usize,
    /// Bytes of the compressed archives.
    pub download: u64,
    /// Outputs whose compressed archive's size is known.
    pub download_outputs: usize,
}

/// A package of a set, and the build time of its derivations in it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageTime {
    /// The package.
    pub package: PackageIx,
    /// Its derivations in the set.
    pub derivations: usize,
    /// Their build times.
    pub seconds: u64,
    /// What of it is measured.
    pub measured_seconds: u64,
}

/// What a change of a package costs to rebuild, itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClosureCost {
    /// Build time on one builder, in seconds.
    pub seconds: u64,
    /// What of it is measured.
    pub measured_seconds: u64,
    /// Derivations of it that have to be built, as far as is known.
    pub to_build_derivations: u64,
    /// Their build time.
    pub to_build_seconds: u64,
}

impl ClosureCost {
    /// From sums over a closure, in the order of its fields.
    fn of_sums([seconds, measured_seconds, to_build_derivations, to_build_seconds]: [u64; 4]) -> Self {
        Self { seconds, measured_seconds, to_build_derivations, to_build_seconds }
    }
}

/// What changes of packages cost to rebuild, by estimate.
#[derive(Clone, Debug)]
pub struct Estimates {
    precision: Precision,
    /// In the order of the packages.
    closures: Vec<ClosureCost>,
}

impl Estimates {
    /// How exact they are.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What a change of a package costs to rebuild, itself included.
    pub fn of(&self, package: PackageIx) -> ClosureCost {
        self.closures[package.get()]
    }
}

impl Costs<'_> {
    /// What a set of derivations costs. O(V + edges and outputs of the set).
    pub fn bill(&self, set: &DerivationSet) -> Bill {
        Bill {
            counts: self.counts(set),
            time: self.model.as_ref().map(|model| self.time(model, set)),
            split: self.presence.as_ref().map(|presence| self.split(presence, set)),
            bytes: self.sizes.is_some().then(|| self.bytes(set)),
        }
    }

    fn time(&self, model: &Model, set: &DerivationSet) -> Time {
        let mut time = Time { longest_chain: self.longest_chain(model, set), ..Time::default() };
        for ix in set.iter() {
            let (seconds, evidence) = (u64::from(model.seconds(ix)), model.evidence(ix));
            time.seconds += seconds;
            time.measured_seconds += measured_seconds(model, ix);
            time.mean_seconds += u64::from(model.mean_seconds(ix));
            let (derivations, its_seconds) = &mut time.evidence[evidence as usize];
            *derivations += 1;
            *its_seconds += seconds;
        }
        time
    }

    /// The chain that takes longest; of equal ones that which ends first in the topological order. Only what is in the set
    /// is a part of it: one pass over it in topological order.
    fn longest_chain(&self, model: &Model, set: &DerivationSet) -> Chain {
        let mut finish = vec![0_u64; self.graph.derivation_count()];
        let latest = |finish: &[u64], ix: DerivationIx| {
            let inputs = self.graph.derivation(ix).rebuild_inputs().filter(|&input| set.contains(input));
            inputs.max_by_key(|&input| (finish[input.get()], std::cmp::Reverse(input)))
        };
        let mut end: Option<DerivationIx> = None;
        for ix in set.iter() {
            finish[ix.get()] = u64::from(model.seconds(ix)) + latest(&finish, ix).map_or(0, |input| finish[input.get()]);
            if end.is_none_or(|end| finish[ix.get()] > finish[end.get()]) {
                end = Some(ix);
            }
        }
        let mut derivations: Vec<DerivationIx> = std::iter::successors(end, |&ix| latest(&finish, ix)).collect();
        derivations.reverse();
        let measured_seconds = derivations.iter().map(|&ix| measured_seconds(model, ix)).sum();
        Chain { seconds: end.map_or(0, |end| finish[end.get()]), measured_seconds, derivations }
    }

    fn split(&self, presence: &[Presence], set: &DerivationSet) -> Split {
        let parts = [Presence::Cached, Presence::Absent, Presence::Unknown].map(|wanted| {
            let members = set.iter().filter(|ix| presence[ix.get()] == wanted);
            self.graph.set_of(members)
        });
        let part = |set: &DerivationSet| {
            let sum =
                |seconds: fn(&Model, DerivationIx) -> u64| self.model.as_ref().map(|model| set.iter().map(|ix| seconds(model, ix)).sum());
            let seconds = sum(|model, ix| u64::from(model.seconds(ix)));
            Part { counts: self.counts(set), seconds, measured_seconds: sum(measured_seconds) }
        };
        let longest_chain = self.model.as_ref().map(|model| self.longest_chain(model, &parts[1]));
        Split { cached: part(&parts[0]), to_build: part(&parts[1]), unknown: part(&parts[2]), longest_chain }
    }

    fn bytes(&self, set: &DerivationSet) -> Bytes {
        let mut bytes = Bytes::default();
        let Some(sizes) = &self.sizes else { return bytes };
        for size in self.graph.output_paths(set).into_iter().filter_map(|path| sizes.get(path)) {
            bytes.nar = bytes.nar.saturating_add(size.nar);
            bytes.nar_outputs += 1;
            bytes.download = bytes.download.saturating_add(size.download.unwrap_or(0));
            bytes.download_outputs += usize::from(size.download.is_some());
        }
        bytes
    }

    /// The packages of a set by the build time of their own derivations, most first; nothing if no build time is known.
    /// O(members + packages log packages).
    pub fn packages(&self, set: &DerivationSet) -> Vec<PackageTime> {
        let Some(model) = &self.model else { return Vec::new() };
        let mut derivations: Vec<(PackageIx, DerivationIx)> = set.iter().map(|ix| (self.graph.derivation(ix).package().ix(), ix)).collect();
        derivations.sort_unstable();
        let mut packages: Vec<PackageTime> = derivations
            .chunk_by(|a, b| a.0 == b.0)
            .map(|chunk| PackageTime {
                package: chunk[0].0,
                derivations: chunk.len(),
                seconds: chunk.iter().map(|&(_, ix)| u64::from(model.seconds(ix))).sum(),
                measured_seconds: chunk.iter().map(|&(_, ix)| measured_seconds(model, ix)).sum(),
            })
            .collect();
        packages.sort_by_key(|package| (std::cmp::Reverse(package.seconds), package.package));
        packages
    }

    /// What a change of each package costs to rebuild, itself included, exactly; zeros where nothing is known.
    ///
    /// It costs what [`Graph::closure_sums`](crate::graph::Graph::closure_sums) does.
    pub fn closures(&self, packages: &[Package<'_>]) -> Vec<ClosureCost> {
        let packages: Vec<PackageIx> = packages.iter().map(|package| package.ix()).collect();
        self.graph.closure_sums(&packages, self.closure_weights()).into_iter().map(ClosureCost::of_sums).collect()
    }

    /// The same of all packages of the graph, by estimate: [`Graph::estimate_closure_sums`](crate::graph::Graph::estimate_closure_sums)
    /// says how exact, and what it costs.
    pub fn estimate_closures(&self, precision: Precision) -> Estimates {
        let packages: Vec<PackageIx> = self.graph.packages().map(|package| package.ix()).collect();
        let sums = self.graph.estimate_closure_sums(&packages, &self.closure_weights(), precision);
        Estimates { precision, closures: sums.into_iter().map(ClosureCost::of_sums).collect() }
    }

    /// What is added up over closures, in the order of [`ClosureCost`].
    fn closure_weights(&self) -> Vec<[u64; 4]> {
        self.graph
            .derivations()
            .map(|derivation| {
                let ix = derivation.ix();
                let (seconds, measured) =
                    self.model.as_ref().map_or((0, 0), |model| (u64::from(model.seconds(ix)), measured_seconds(model, ix)));
                let to_build = u64::from(self.presence(ix) == Some(Presence::Absent));
                [seconds, measured, to_build, to_build * seconds]
            })
            .collect()
    }
}

/// Its build time if that is measured, else nothing.
fn measured_seconds(model: &Model, ix: DerivationIx) -> u64 {
    if model.evidence(ix).is_measured() { u64::from(model.seconds(ix)) } else { 0 }
}
