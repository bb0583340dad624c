//! The derivation graph: derivations are nodes, attributes and outputs hang off them, packages contract them.
//!
//! A rebuild propagates from an input to its user, and stops at a fixed-output derivation, whose output path does not
//! change with its inputs. Positions are topological: what a derivation needs has a smaller [`DerivationIx`], so every
//! longest path, level and closure is one pass over the positions.

mod build;
mod columns;
mod index;
mod map;
mod order;
mod package;
mod pairs;
mod reach;
mod scc;
mod set;
mod sketch;
mod storage;
mod sums;
mod sweep;
mod view;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

pub(crate) use package::DisjointSets;
pub(crate) use reach::Csr;
pub(crate) use scc::components;
pub(crate) use sweep::{BLOCK_GROUPS, BitCounter, Row};
pub(crate) use view::set_of;

pub use index::{AttributeIx, DerivationIx, PackageIx};
pub use pairs::Reachability;
pub use set::DerivationSet;
pub use sketch::Precision;
pub use sums::ClosureSums;
pub use view::{Attribute, Derivation, Output, Package};

use crate::error::{Error, Result};
use crate::ingest::{Findings, Input, Limits, Source, ingest_within};
use crate::progress::Progress;
use crate::store_path::StoreHash;
use columns::{NONE, Section};
use storage::Storage;

/// The three counts that are never one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attributes, aliases included.
    pub attributes: usize,
    /// Derivations.
    pub derivations: usize,
    /// Distinct output paths.
    pub outputs: usize,
}

/// Which way along the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards what is rebuilt.
    Dependents,
    /// Towards what causes the rebuild.
    Dependencies,
}

/// Where a graph comes from, and what was found on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Provenance {
    pub(crate) sources: Vec<Source>,
    pub(crate) findings: Findings,
    pub(crate) store_dir: String,
}

impl Provenance {
    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Every derivation, attribute, output and package of an evaluation.
///
/// Immutable. It lives in the bytes of a snapshot, mapped from a file or just built: cheap to open, nothing to parse.
#[derive(Debug)]
pub struct Graph {
    storage: Storage,
    provenance: Provenance,
}

impl Graph {
    /// Reads dumps and joins them into a graph: [`ingest`](crate::ingest::ingest), then [`Graph::build`].
    ///
    /// # Errors
    ///
    /// Those of the two.
    pub fn import(inputs: &[Input], progress: &dyn Progress) -> Result<Self> {
        Self::import_within(inputs, Limits::default(), progress)
    }

    /// The same of dumps that may be made by whoever likes to: within limits.
    ///
    /// # Errors
    ///
    /// Those of [`Graph::import`], and [`Error::InputTooLarge`].
    pub fn import_within(inputs: &[Input], limits: Limits, progress: &dyn Progress) -> Result<Self> {
        Self::build(ingest_within(inputs, limits, progress)?, progress)
    }

    /// Opens a snapshot: maps it and checks every byte. O(bytes), some gigabytes a second.
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`] if it is truncated, corrupt, foreign, or of another version; [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let corrupt = |reason: String| Error::Snapshot { path: path.to_owned(), reason };
        let storage = Storage::open(path)?;
        check(&storage).map_err(|what| corrupt(format!("it is corrupt: {what}")))?;
        Self::from_storage(storage).map_err(|error| corrupt(error.to_string()))
    }

    /// Whether a file begins as a snapshot does.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read.
    pub fn is_snapshot(path: &Path) -> Result<bool> {
        let mut head = Vec::new();
        let file = File::open(path).map_err(Error::io("open", path))?;
        file.take(8).read_to_end(&mut head).map_err(Error::io("read", path))?;
        Ok(storage::is_snapshot(&head))
    }

    /// Writes a snapshot: the old file or the new one is there at any moment, never a part.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the old file is then untouched.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.storage.write(path)
    }

    fn from_storage(storage: Storage) -> Result<Self> {
        let json: &[u8] = storage.column(Section::Provenance);
        let provenance = serde_json::from_slice(json).map_err(|error| Error::Malformed {
            input: "snapshot".to_owned(),
            place: "provenance".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { storage, provenance })
    }

    /// Names the graph: equal graphs have equal digests, whatever dumps they were read from.
    pub fn digest(&self) -> String {
        format!("{:016x}", self.storage.digest())
    }

    /// Length of the snapshot in bytes.
    pub fn snapshot_bytes(&self) -> usize {
        self.storage.len()
    }

    /// The dumps that it was made from.
    pub fn sources(&self) -> &[Source] {
        &self.provenance.sources
    }

    /// What was not taken as it stood.
    pub fn findings(&self) -> &Findings {
        &self.provenance.findings
    }

    /// The store directory, `/nix/store` as a rule.
    pub fn store_dir(&self) -> &str {
        &self.provenance.store_dir
    }

    /// The number of derivations, those included of which nothing but the path is known.
    pub fn derivation_count(&self) -> usize {
        self.storage.derivations().len()
    }

    /// The number of attributes, those included that do not evaluate.
    pub fn attribute_count(&self) -> usize {
        self.storage.attributes().len()
    }

    /// The number of distinct outputs: derivations that differ only behind a fixed output build the same paths.
    pub fn output_count(&self) -> usize {
        self.storage.outputs().targets.iter().enumerate().filter(|(at, row)| row.first as usize == *at).count()
    }

    /// The number of distinct outputs of `members`. O(outputs).
    pub fn output_count_of(&self, members: &DerivationSet) -> usize {
        let outputs = self.storage.outputs();
        let mut seen = vec![false; outputs.targets.len()];
        members
            .iter()
            .flat_map(|derivation| outputs.row(derivation.get()))
            .filter(|row| !std::mem::replace(&mut seen[row.first as usize], true))
            .count()
    }

    /// The distinct output paths of `members` that are known before a build, in the order of their derivations. O(outputs).
    pub fn output_paths(&self, members: &DerivationSet) -> Vec<StoreHash> {
        let mut seen = FxHashSet::default();
        let outputs = members.iter().flat_map(|ix| self.derivation(ix).outputs());
        outputs.filter_map(|output| output.hash()).filter(|&path| seen.insert(path)).collect()
    }

    /// Whether a dump says of any derivation what it needs. If none does, nothing is known of rebuilds. O(V).
    pub fn tells_inputs(&self) -> bool {
        self.derivations().any(Derivation::is_defined)
    }

    /// The number of input edges, those into fixed-output derivations included.
    pub fn edge_count(&self) -> usize {
        self.storage.inputs().targets.len()
    }

    /// The number of edges along which rebuilds propagate.
    pub fn rebuild_edge_count(&self) -> usize {
        self.storage.users().targets.len()
    }

    /// The number of packages.
    pub fn package_count(&self) -> usize {
        self.storage.packages().len()
    }

    /// All derivations, in topological order.
    pub fn derivations(&self) -> impl DoubleEndedIterator<Item = Derivation<'_>> + ExactSizeIterator {
        (0..self.derivation_count()).map(|at| self.derivation(DerivationIx::new(at)))
    }

    /// All attributes, by attribute path and system.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = Attribute<'_>> + ExactSizeIterator {
        (0..self.attribute_count()).map(|at| self.attribute(AttributeIx::new(at)))
    }

    /// All packages, in the order of their first derivations.
    pub fn packages(&self) -> impl DoubleEndedIterator<Item = Package<'_>> + ExactSizeIterator {
        (0..self.package_count()).map(|at| self.package(PackageIx::new(at)))
    }

    /// A derivation.
    pub fn derivation(&self, ix: DerivationIx) -> Derivation<'_> {
        Derivation::new(self, ix)
    }

    /// An attribute.
    pub fn attribute(&self, ix: AttributeIx) -> Attribute<'_> {
        Attribute::new(self, ix)
    }

    /// A package.
    pub fn package(&self, ix: PackageIx) -> Package<'_> {
        Package::new(self, ix)
    }

    /// The attributes with exactly this path, one for each system. O(log attributes).
    pub fn find_attribute(&self, path: &str) -> impl Iterator<Item = Attribute<'_>> {
        let rows = self.storage.attributes();
        let first = rows.partition_point(|row| self.storage.text(row.path) < path);
        let last = rows.partition_point(|row| self.storage.text(row.path) <= path);
        (first..last).map(|at| self.attribute(AttributeIx::new(at)))
    }

    /// What each derivation rebuilds directly: for kernels, that look at every edge.
    pub(crate) fn users(&self) -> Csr<'_, DerivationIx> {
        self.storage.users()
    }

    /// A set with no derivation in it.
    pub fn empty_set(&self) -> DerivationSet {
        DerivationSet::new(self.derivation_count())
    }

    /// The set of `members`.
    pub fn set_of(&self, members: impl IntoIterator<Item = DerivationIx>) -> DerivationSet {
        DerivationSet::from_members(self.derivation_count(), members)
    }

    /// The set of all derivations.
    pub fn full_set(&self) -> DerivationSet {
        self.set_of(self.derivations().map(Derivation::ix))
    }

    /// What `roots` rebuild, roots included; or, the other way, what rebuilds them.
    ///
    /// Time O(V/64 + edges of the closure), space O(V) bytes; the other way O(V + edges of the closure), and V bits.
    pub fn closure(&self, roots: impl IntoIterator<Item = DerivationIx>, direction: Direction) -> DerivationSet {
        match direction {
            Direction::Dependents => reach::closure(self.storage.users(), roots),
            Direction::Dependencies => self.dependencies(roots),
        }
    }

    /// What `roots` rebuild, roots included, if what is `held` is not rebuilt: it keeps its inputs as they are.
    ///
    /// Past a union of closures that is what the roots add to it: whatever the union holds, it also holds what that rebuilds.
    ///
    /// Time O(V/64 + edges of the closure), space O(V) bytes.
    pub fn rebuilds_past(&self, roots: impl IntoIterator<Item = DerivationIx>, held: &DerivationSet) -> DerivationSet {
        reach::closure_past(self.storage.users(), roots, |ix| held.contains(ix))
    }

    /// Against the order, along the same edges: nothing behind a fixed-output derivation rebuilds it.
    fn dependencies(&self, roots: impl IntoIterator<Item = DerivationIx>) -> DerivationSet {
        let mut reached = self.set_of(roots);
        for derivation in self.derivations().rev() {
            if reached.contains(derivation.ix()) {
                derivation.rebuild_inputs().for_each(|input| {
                    reached.insert(input);
                });
            }
        }
        reached
    }

    /// Counts the closures of all derivations anew: rebuilt derivations and attributes of each, itself included.
    ///
    /// The answers are those that were stored at import, [`Derivation::rebuilt_derivations`] and
    /// [`Derivation::rebuilt_attributes`]; this is for who wants to check or to time them. It costs a [`ClosureSums`].
    pub fn recount_closures(&self) -> Vec<(u32, u32)> {
        let weights = self.derivations().map(|derivation| [1, derivation.attributes().len() as u64]).collect();
        let sums = ClosureSums::new(self, weights);
        sums.all().iter().map(|&[derivations, attributes]| (derivations as u32, attributes as u32)).collect()
    }

    /// Adds up weights over what a change of each of `packages` rebuilds, its own derivations included: exactly, and `N`
    /// sums at once. `weights` has an item for each derivation; their sum must fit 64 bits.
    ///
    /// It costs a [`ClosureSums`], and a sweep for packages of several derivations.
    ///
    /// # Panics
    ///
    /// If `weights` has more items, or fewer.
    pub fn closure_sums<const N: usize>(&self, packages: &[PackageIx], weights: Vec<[u64; N]>) -> Vec<[u64; N]> {
        let members = self.storage.members();
        let groups = reach::rows(packages.iter().map(|package| members.row(package.get())));
        let users = self.storage.users();
        ClosureSums::of_users(users, weights).of_groups(users, groups.as_csr())
    }

    /// The same by estimate, with a relative standard error of [`Precision::relative_standard_error`]: for graphs so large that exact
    /// sums take too long. Estimates have no bias, and do not depend on the number of threads.
    ///
    /// Time O(N · k/64 · (V + E)) for `k` rounds, over all cores; space O(V · 64 bytes) a thread. On sets shaped like nixpkgs, 64 rounds
    /// are faster than exact sums from a hundred thousand derivations on, and 256 from about a million.
    pub fn estimate_closure_sums<const N: usize>(
        &self,
        packages: &[PackageIx],
        weights: &[[u64; N]],
        precision: Precision,
    ) -> Vec<[u64; N]> {
        let members = self.storage.members();
        let rebuild_inputs = |at: usize| self.derivation(DerivationIx::new(at)).rebuild_input_row();
        let groups = reach::rows(packages.iter().map(|package| members.row(package.get())));
        sketch::closure_sums(rebuild_inputs, groups.as_csr(), weights, precision)
    }

    /// Adds up weights over what each of `members` needs of `members`, itself included: exactly, `N` sums at once, in the
    /// order of the members. `weights` has an item for each member in the same order; their sum must fit 64 bits.
    ///
    /// It costs a [`ClosureSums`] of the members and the edges between them, and O(V).
    ///
    /// # Panics
    ///
    /// If `weights` has more items, or fewer.
    pub fn dependency_sums<const N: usize>(&self, members: &DerivationSet, weights: &[[u64; N]]) -> Vec<[u64; N]> {
        // Numbered backwards, what a member needs lies behind it, as users do.
        let last = members.len().saturating_sub(1);
        let mut number = vec![0_usize; self.derivation_count()];
        for (at, ix) in members.iter().enumerate() {
            number[ix.get()] = last - at;
        }
        let backwards: Vec<DerivationIx> = members.iter().collect();
        let inputs: Vec<Vec<DerivationIx>> = backwards
            .iter()
            .rev()
            .map(|&ix| {
                let inputs = self.derivation(ix).rebuild_inputs().filter(|&input| members.contains(input));
                // Ascending, as users are.
                let mut inputs: Vec<DerivationIx> = inputs.map(|input| DerivationIx::new(number[input.get()])).collect();
                inputs.reverse();
                inputs
            })
            .collect();
        let inputs = reach::rows(inputs.iter().map(Vec::as_slice));
        let weights = weights.iter().rev().copied().collect();
        let mut sums = ClosureSums::of_users(inputs.as_csr(), weights).all().to_vec();
        sums.reverse();
        sums
    }

    /// Counts a set of derivations. O(members + outputs).
    pub fn counts(&self, set: &DerivationSet) -> Counts {
        Counts {
            attributes: set.iter().map(|ix| self.derivation(ix).attributes().len()).sum(),
            derivations: set.len(),
            outputs: self.output_count_of(set),
        }
    }

    /// Cycles of packages among `members`: packages that need each other through different derivations.
    ///
    /// Each cycle is sorted by position; the largest comes first. Derivations themselves never form one. O(V + E).
    pub fn package_cycles(&self, members: &DerivationSet) -> Vec<Vec<PackageIx>> {
        let between = self.between_variants(members);
        let package_of = |derivation: DerivationIx| self.storage.derivations()[derivation.get()].package;
        let mut packages: Vec<PackageIx> = between.iter().map(package_of).collect();
        packages.sort_unstable();
        packages.dedup();
        // Numbers of the packages that are left, in their order.
        let mut numbers = vec![0_u32; self.package_count()];
        for (number, package) in packages.iter().enumerate() {
            numbers[package.get()] = number as u32;
        }
        let number_of = |derivation| numbers[package_of(derivation).get()];
        let users = self.storage.users();
        let edges = between.iter().flat_map(|derivation| {
            let number = number_of(derivation);
            let used_by = users.row(derivation.get()).iter().filter(|user| between.contains(**user)).map(|user| number_of(*user));
            used_by.filter(move |user| *user != number).map(move |user| (number, user))
        });
        let edges: Vec<(u32, u32)> = edges.collect();
        let cycles = scc::cycles(packages.len(), edges.into_iter());
        cycles.into_iter().map(|cycle| cycle.into_iter().map(|number| packages[number as usize]).collect()).collect()
    }

    /// The members that lie on a way from one derivation of a package with several to another such one, themselves included.
    ///
    /// Ways run towards later positions, so a cycle of packages enters some package by one derivation and leaves it by another: all
    /// its edges are between these. Two passes over the positions, O(V + E).
    fn between_variants(&self, members: &DerivationSet) -> DerivationSet {
        let (users, packages) = (self.storage.users(), self.storage.members());
        let mut ends = self.empty_set();
        for package in (0..packages.rows()).map(|package| packages.row(package)).filter(|package| package.len() > 1) {
            for &variant in package.iter().filter(|variant| members.contains(**variant)) {
                ends.insert(variant);
            }
        }
        // What leads to one of them; and what of that one of them leads to.
        let mut leads_on = ends.clone();
        for at in (0..self.derivation_count()).rev().map(DerivationIx::new).filter(|at| members.contains(*at)) {
            if users.row(at.get()).iter().any(|user| leads_on.contains(*user)) {
                leads_on.insert(at);
            }
        }
        ends.close(|derivation| users.row(derivation.get()).iter().copied().filter(|user| leads_on.contains(*user)));
        ends
    }
}

/// Checks that every position and string of a foreign snapshot is within bounds, so that no reader has to.
fn check(storage: &Storage) -> Result<(), &'static str> {
    // Each section is asked for once: rows are many.
    let (derivations, attributes, packages) = (storage.derivations(), storage.attributes(), storage.packages());
    let (strings, outputs, members) = (storage.strings(), storage.outputs(), storage.members());
    let (inputs, input_outputs, users) = (storage.inputs(), storage.input_outputs(), storage.users());
    let (attributes_of, attribute_outputs) = (storage.attributes_of(), storage.attribute_outputs());
    let text = std::str::from_utf8(strings.targets).map_err(|_| "its names are not UTF-8")?;
    let sound = |offsets: &[u32], rows: usize, targets: usize| {
        offsets.len() == rows + 1 && offsets[0] == 0 && offsets[rows] as usize == targets && offsets.is_sorted()
    };
    let string_rows = strings.offsets.len().checked_sub(1).ok_or("it has no names")?;
    let offsets_sound = sound(strings.offsets, string_rows, strings.targets.len())
        && strings.offsets.par_iter().all(|&at| text.is_char_boundary(at as usize))
        && sound(outputs.offsets, derivations.len(), outputs.targets.len())
        && sound(inputs.offsets, derivations.len(), inputs.targets.len())
        && sound(users.offsets, derivations.len(), users.targets.len())
        && sound(attributes_of.offsets, derivations.len(), attributes_of.targets.len())
        && sound(attribute_outputs.offsets, attributes.len(), attribute_outputs.targets.len())
        && sound(members.offsets, packages.len(), members.targets.len())
        && inputs.targets.len() == input_outputs.targets.len();
    if !offsets_sound {
        return Err("its rows overlap");
    }
    let string = |ix: u32| (ix as usize) < string_rows;
    let optional = |ix: u32| ix == NONE || string(ix);
    let derivation = |ix: u32| ix == NONE || (ix as usize) < derivations.len();
    let rows_sound = derivations.par_iter().all(|row| {
        let strings = [row.name, row.pname, row.version, row.system, row.fixed_hash, row.features, row.sources];
        strings.into_iter().all(string) && derivation(row.src) && row.package.get() < packages.len()
    }) && attributes.par_iter().all(|row| {
        let strings = [row.path, row.system, row.position, row.description, row.maintainers, row.teams, row.licences];
        strings.into_iter().all(string) && optional(row.error) && optional(row.hydra_platforms) && derivation(row.derivation)
    }) && outputs
        .targets
        .par_iter()
        .all(|row| string(row.name) && optional(row.path_name) && (row.first as usize) < outputs.targets.len())
        && attribute_outputs.targets.par_iter().all(|row| string(row.name) && optional(row.path_name))
        && input_outputs.targets.par_iter().all(|&ix| string(ix))
        && attributes_of.targets.par_iter().all(|ix| ix.get() < attributes.len())
        && members.targets.par_iter().all(|ix| ix.get() < derivations.len());
    let no_package_is_empty = members.offsets.windows(2).all(|pair| pair[0] < pair[1]);
    if !rows_sound || !no_package_is_empty {
        return Err("a position in it is out of bounds");
    }
    let topological = (0..derivations.len()).into_par_iter().all(|at| {
        let behind = |ix: &DerivationIx| ix.get() > at && ix.get() < derivations.len();
        inputs.row(at).iter().all(|ix| ix.get() < at) && users.row(at).iter().all(behind)
    });
    if topological { Ok(()) } else { Err("its derivations are out of order") }
}
