//! Proposals of groups: packages that look as if they were one release. A maintainer confirms them.

use std::collections::{BTreeMap, BTreeSet};

use crate::estimate::Positions;
use crate::graph::{AttributeIx, DerivationIx, DerivationSet, Direction, DisjointSets, Graph, Package, PackageIx};

/// Why packages look as if they were one.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// They are built from one source.
    Source {
        /// Its name.
        name: String,
    },
    /// They are most of an attribute set, and have one version.
    Version {
        /// The attribute set.
        set: String,
        /// The version.
        version: String,
        /// The packages of the set that have a version.
        of: usize,
    },
    /// One needs the other directly, they have one version, and nearly everything that a change of the one rebuilds, one of the
    /// other does too.
    Closure {
        /// The least share, from 0 to 1, of rebuilds in common among those that are in either (Jaccard index).
        overlap: f64,
    },
    /// Commits that change one often change the other.
    History {
        /// The fewest commits that changed two of them together.
        together: usize,
        /// The least share of commits that changed both among those that changed either.
        share: f64,
    },
}

/// Packages that may be a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// A name for it.
    pub name: String,
    /// Its packages, in the order of their positions.
    pub packages: Vec<PackageIx>,
    /// Why.
    pub evidence: Evidence,
}

/// When packages look as if they were one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The least share of rebuilds in common.
    pub overlap: f64,
    /// Derivations that a package must rebuild for that to tell anything.
    pub rebuilds: u32,
    /// The fewest packages of a set that have one version, and their least share of the set.
    pub same_version: (usize, f64),
    /// The fewest commits that changed two packages, and their least share of those that changed either.
    pub together: (usize, f64),
}

impl Default for Thresholds {
    /// 0.9 of 20 rebuilds, 3 packages that are a third of their set, 3 commits that are half of all.
    fn default() -> Self {
        Self { overlap: 0.9, rebuilds: 20, same_version: (3, 1.0 / 3.0), together: (3, 0.5) }
    }
}

/// Proposes groups of packages with an attribute: one source, one version in a set, one closure, one history. `commits` are the
/// files that each commit changed, from the top of the repository.
///
/// Time O(V log V + A log A + E), and O(V + E) for each pair of packages whose closures are of nearly the same size.
pub fn propose(graph: &Graph, commits: &[Vec<String>], thresholds: &Thresholds) -> Vec<Proposal> {
    let mut proposals = by_source(graph);
    proposals.extend(by_version(graph, thresholds));
    proposals.extend(by_closure(graph, thresholds));
    proposals.extend(by_history(graph, commits, thresholds));
    // The same packages for another reason are one proposal.
    let mut known = BTreeSet::new();
    proposals.retain(|proposal| known.insert(proposal.packages.clone()));
    proposals
}

fn is_named(package: &Package<'_>) -> bool {
    package.derivations().any(|derivation| derivation.attributes().len() > 0)
}

fn label(graph: &Graph, package: PackageIx) -> &str {
    graph.package(package).face().label()
}

/// What its packages' names begin with, else the first of them.
fn common_name(graph: &Graph, packages: &[PackageIx]) -> String {
    let first = packages.first().map_or("", |&package| label(graph, package));
    let is_common = |prefix: &str| packages.iter().all(|&package| label(graph, package).starts_with(prefix));
    let ends = first.char_indices().filter(|&(at, c)| at > 0 && matches!(c, '.' | '-' | '_')).map(|(at, _)| at).rev();
    std::iter::once(first.len()).chain(ends).map(|end| &first[..end]).find(|prefix| is_common(prefix)).unwrap_or(first).to_owned()
}

fn by_source(graph: &Graph) -> Vec<Proposal> {
    let mut packages: BTreeMap<DerivationIx, BTreeSet<PackageIx>> = BTreeMap::new();
    for package in graph.packages().filter(is_named) {
        for src in package.derivations().filter_map(|derivation| derivation.src()) {
            packages.entry(src.ix()).or_default().insert(package.ix());
        }
    }
    let several = packages.into_iter().filter(|(_, packages)| packages.len() > 1);
    several
        .map(|(src, packages)| {
            let packages: Vec<PackageIx> = packages.into_iter().collect();
            let name = common_name(graph, &packages);
            Proposal { name, packages, evidence: Evidence::Source { name: graph.derivation(src).name().to_owned() } }
        })
        .collect()
}

fn by_version(graph: &Graph, thresholds: &Thresholds) -> Vec<Proposal> {
    let mut sets: BTreeMap<&str, BTreeMap<&str, BTreeSet<PackageIx>>> = BTreeMap::new();
    for package in graph.packages().filter(is_named) {
        let face = package.face();
        for set in face.attributes().map(|attribute| attribute.set()).filter(|set| !set.is_empty() && !face.version().is_empty()) {
            sets.entry(set).or_default().entry(face.version()).or_default().insert(package.ix());
        }
    }
    let (fewest, share) = thresholds.same_version;
    let mut proposals = Vec::new();
    for (set, versions) in sets {
        let of: usize = versions.values().map(BTreeSet::len).sum();
        for (version, packages) in versions {
            if packages.len() >= fewest && packages.len() as f64 >= share * of as f64 {
                let evidence = Evidence::Version { set: set.to_owned(), version: version.to_owned(), of };
                proposals.push(Proposal { name: set.to_owned(), packages: packages.into_iter().collect(), evidence });
            }
        }
    }
    proposals
}

fn by_closure(graph: &Graph, thresholds: &Thresholds) -> Vec<Proposal> {
    let closure =
        |package: PackageIx| graph.closure(graph.package(package).derivations().map(|derivation| derivation.ix()), Direction::Dependents);
    let mut pairs: BTreeMap<(PackageIx, PackageIx), f64> = BTreeMap::new();
    for package in graph.packages().filter(|package| is_named(package) && package.rebuilt_derivations() >= thresholds.rebuilds) {
        // A user rebuilds a part of what its input does: the sizes alone tell which pairs are worth a look.
        let users = package.derivations().flat_map(|derivation| derivation.users()).map(|user| graph.derivation(user).package());
        let near = |user: &Package<'_>| {
            let (one, other) = (f64::from(package.rebuilt_derivations()), f64::from(user.rebuilt_derivations()));
            user.ix() != package.ix() && is_named(user) && is_akin(package, *user) && one.min(other) >= thresholds.overlap * one.max(other)
        };
        let near: BTreeSet<PackageIx> = users.filter(near).map(Package::ix).collect();
        if near.is_empty() {
            continue;
        }
        let rebuilds = closure(package.ix());
        for user in near {
            let overlap = jaccard(&rebuilds, &closure(user));
            if overlap >= thresholds.overlap {
                pairs.insert((package.ix().min(user), package.ix().max(user)), overlap);
            }
        }
    }
    joined(graph, &pairs, |least| Evidence::Closure { overlap: least })
}

/// Whether two packages have one version: much passes through most packages near the root, and that alone says nothing about
/// who releases them.
fn is_akin(one: Package<'_>, other: Package<'_>) -> bool {
    one.face().version().contains('.') && one.face().version() == other.face().version()
}

fn jaccard(a: &DerivationSet, b: &DerivationSet) -> f64 {
    let both = a.iter().filter(|&ix| b.contains(ix)).count();
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

fn by_history(graph: &Graph, commits: &[Vec<String>], thresholds: &Thresholds) -> Vec<Proposal> {
    let files: BTreeSet<&str> = commits.iter().flatten().map(String::as_str).collect();
    let positions = Positions::new(graph, files.into_iter());
    let package = |&ix: &AttributeIx| Some(graph.attribute(ix).derivation()?.package().ix());
    let of_file: BTreeMap<&str, BTreeSet<PackageIx>> =
        positions.files().map(|(file, attributes)| (file, attributes.iter().filter_map(package).collect())).collect();
    // A file of many packages does not tell which of them a commit is about.
    let package_of = |file: &String| {
        let packages = of_file.get(file.as_str()).filter(|packages| packages.len() == 1);
        packages.and_then(|packages| packages.first().copied())
    };
    let mut changed: BTreeMap<PackageIx, usize> = BTreeMap::new();
    let mut both: BTreeMap<(PackageIx, PackageIx), usize> = BTreeMap::new();
    for commit in commits {
        let packages: BTreeSet<PackageIx> = commit.iter().filter_map(package_of).collect();
        for (at, &one) in packages.iter().enumerate() {
            *changed.entry(one).or_default() += 1;
            for &other in packages.iter().skip(at + 1) {
                *both.entry((one, other)).or_default() += 1;
            }
        }
    }
    let (fewest, least) = thresholds.together;
    let share =
        |&((one, other), together): &((PackageIx, PackageIx), usize)| together as f64 / (changed[&one] + changed[&other] - together) as f64;
    let often = both.into_iter().filter(|pair| pair.1 >= fewest && share(pair) >= least);
    let often: Vec<((PackageIx, PackageIx), usize)> = often.collect();
    let pairs = often.iter().map(|pair| (pair.0, share(pair))).collect();
    let together = |packages: &[PackageIx]| {
        let within = often.iter().filter(|((one, other), _)| packages.contains(one) && packages.contains(other));
        within.map(|&(_, together)| together).min().unwrap_or(0)
    };
    let mut proposals = joined(graph, &pairs, |share| Evidence::History { together: 0, share });
    for proposal in &mut proposals {
        if let Evidence::History { together: commits, .. } = &mut proposal.evidence {
            *commits = together(&proposal.packages);
        }
    }
    proposals
}

/// Pairs that share a package are one proposal, as strong as the weakest of them.
fn joined(graph: &Graph, pairs: &BTreeMap<(PackageIx, PackageIx), f64>, evidence: impl Fn(f64) -> Evidence) -> Vec<Proposal> {
    let mut sets = DisjointSets::new(graph.package_count());
    for &(one, other) in pairs.keys() {
        sets.join(one.get(), other.get());
    }
    let mut groups: BTreeMap<usize, (BTreeSet<PackageIx>, f64)> = BTreeMap::new();
    for (&(one, other), &strength) in pairs {
        let (packages, least) = groups.entry(sets.find(one.get())).or_insert((BTreeSet::new(), f64::INFINITY));
        packages.extend([one, other]);
        *least = least.min(strength);
    }
    groups
        .into_values()
        .map(|(packages, least)| {
            let packages: Vec<PackageIx> = packages.into_iter().collect();
            Proposal { name: common_name(graph, &packages), packages, evidence: evidence(least) }
        })
        .collect()
}
