//! What a graph says of one derivation, attribute, output or package.

use std::fmt;

use super::columns::{AttributeRow, DerivationRow, NONE, OutputRow, attribute_flag, derivation_flag};
use super::index::{AttributeIx, DerivationIx, PackageIx};
use super::{Direction, Graph};
use crate::ingest::record::LIST_SEPARATOR;
use crate::store_path::StoreHash;

/// The items of an interned list.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(LIST_SEPARATOR).filter(|item| !item.is_empty())
}

/// An attribute path without its last component; empty at the top level.
pub(crate) fn set_of(path: &str) -> &str {
    // A component with a dot in it is in quotes.
    let last = path.strip_suffix('"').map_or_else(|| path.rfind('.'), |quoted| quoted.rfind(".\""));
    last.map_or("", |dot| &path[..dot])
}

/// The name of a job that builds an attribute: letters, digits and `-_+`. Nix passes over attributes with others without a word, a dot
/// included.
fn job(path: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+');
    let plain = path.chars().filter(|&letter| letter != '"').map(|letter| if is_plain(letter) { letter } else { '_' });
    let begins = path.trim_start_matches('"').starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    (!begins).then_some('_').into_iter().chain(plain).collect()
}

/// A derivation of a graph.
#[derive(Clone, Copy)]
pub struct Derivation<'g> {
    graph: &'g Graph,
    ix: DerivationIx,
}

impl<'g> Derivation<'g> {
    pub(super) fn new(graph: &'g Graph, ix: DerivationIx) -> Self {
        Self { graph, ix }
    }

    fn row(self) -> &'g DerivationRow {
        &self.graph.storage.derivations()[self.ix.get()]
    }

    fn flag(self, flag: u32) -> bool {
        self.row().flags & flag != 0
    }

    /// Its position.
    pub fn ix(self) -> DerivationIx {
        self.ix
    }

    /// Its name, without hash and `.drv`.
    pub fn name(self) -> &'g str {
        self.graph.storage.text(self.row().name)
    }

    /// Its pname, as it says itself or as its name splits.
    pub fn pname(self) -> &'g str {
        self.graph.storage.text(self.row().pname)
    }

    /// Its version; empty if it has none.
    pub fn version(self) -> &'g str {
        self.graph.storage.text(self.row().version)
    }

    /// The system that builds it; empty if unknown.
    pub fn system(self) -> &'g str {
        self.graph.storage.text(self.row().system)
    }

    /// A number that the derivations of one system have in common: to count by, without reading the text of each.
    pub(crate) fn system_key(self) -> u32 {
        self.row().system
    }

    /// Whether its path or the path of one of its outputs has this hash.
    pub(crate) fn may_have_hash(self, hash: StoreHash) -> bool {
        self.row().hash == hash || self.graph.storage.outputs().row(self.ix.get()).iter().any(|row| row.hash == hash)
    }

    /// Hash part of its store path; of its first output, if no dump told the derivation's.
    pub fn hash(self) -> StoreHash {
        self.row().hash
    }

    /// Base name of its store path; of its first output, if no dump told the derivation's.
    pub fn base_name(self) -> String {
        let row = self.row();
        let suffix = if self.flag(derivation_flag::NO_PATH) { "" } else { ".drv" };
        format!("{}-{}{suffix}", row.hash, self.name())
    }

    /// Whether its store path is known, and not only those of its outputs.
    pub(crate) fn has_path(self) -> bool {
        !self.flag(derivation_flag::NO_PATH)
    }

    /// Store path, `/nix/store/<hash>-<name>.drv`.
    pub fn path(self) -> String {
        format!("{}/{}", self.graph.store_dir(), self.base_name())
    }

    /// Whether its output is fixed by a hash, so that a change of its inputs rebuilds nothing.
    pub fn is_fixed_output(self) -> bool {
        self.flag(derivation_flag::FIXED_OUTPUT)
    }

    /// `method:algorithm:hash` of a fixed output; empty otherwise.
    pub fn fixed_hash(self) -> &'g str {
        self.graph.storage.text(self.row().fixed_hash)
    }

    /// Whether only its build tells its output path (content-addressed or impure).
    pub fn is_floating(self) -> bool {
        self.flag(derivation_flag::FLOATING)
    }

    /// Whether it asks to be built where it is needed.
    pub fn prefers_local_build(self) -> bool {
        self.flag(derivation_flag::PREFER_LOCAL)
    }

    /// Whether a dump says what it needs.
    pub fn is_defined(self) -> bool {
        !self.flag(derivation_flag::UNDEFINED)
    }

    /// The system features that its builder must have, sorted.
    pub fn required_system_features(self) -> impl Iterator<Item = &'g str> {
        items(self.graph.storage.text(self.row().features))
    }

    /// Base names of the files that were copied to the store for it, sorted.
    pub fn sources(self) -> impl Iterator<Item = &'g str> {
        items(self.graph.storage.text(self.row().sources))
    }

    /// The derivation that its `src` is an output of.
    pub fn src(self) -> Option<Derivation<'g>> {
        let src = self.row().src;
        (src != NONE).then(|| self.graph.derivation(DerivationIx::new(src as usize)))
    }

    /// Hash of what it says of itself, apart from the versions and hashes of store paths; `None` if no dump holds it whole.
    pub fn recipe_hash(self) -> Option<u128> {
        Some(bytemuck::cast(self.row().recipe)).filter(|&hash| hash != 0)
    }

    /// The same, apart from the versions of its inputs besides, wherever they stand.
    pub fn loose_recipe_hash(self) -> Option<u128> {
        Some(bytemuck::cast(self.row().loose_recipe)).filter(|&hash| hash != 0)
    }

    /// Its outputs, by name.
    pub fn outputs(self) -> impl ExactSizeIterator<Item = Output<'g>> {
        self.graph.storage.outputs().row(self.ix.get()).iter().map(|row| Output { graph: self.graph, row })
    }

    /// What it needs, and which outputs of it, in topological order.
    pub fn inputs(self) -> impl ExactSizeIterator<Item = (DerivationIx, impl Iterator<Item = &'g str>)> {
        let storage = &self.graph.storage;
        let outputs = storage.input_outputs().row(self.ix.get());
        storage.inputs().row(self.ix.get()).iter().copied().zip(outputs.iter().map(|&list| items(storage.text(list))))
    }

    /// What rebuilds it: its inputs, or nothing if its output is fixed.
    pub fn rebuild_inputs(self) -> impl Iterator<Item = DerivationIx> {
        self.rebuild_input_row().iter().copied()
    }

    pub(super) fn rebuild_input_row(self) -> &'g [DerivationIx] {
        if self.is_fixed_output() { &[] } else { self.graph.storage.inputs().row(self.ix.get()) }
    }

    /// What it rebuilds directly: its users whose outputs are not fixed, in topological order.
    pub fn users(self) -> impl ExactSizeIterator<Item = DerivationIx> {
        self.graph.storage.users().row(self.ix.get()).iter().copied()
    }

    /// What a change reaches next in a direction.
    pub fn neighbours(self, direction: Direction) -> Box<dyn Iterator<Item = DerivationIx> + 'g> {
        match direction {
            Direction::Dependents => Box::new(self.users()),
            Direction::Dependencies => Box::new(self.rebuild_inputs()),
        }
    }

    /// Its attributes, aliases included, by attribute path.
    pub fn attributes(self) -> impl ExactSizeIterator<Item = Attribute<'g>> {
        self.graph.storage.attributes_of().row(self.ix.get()).iter().map(|&ix| self.graph.attribute(ix))
    }

    /// The package that it belongs to.
    pub fn package(self) -> Package<'g> {
        self.graph.package(self.row().package)
    }

    /// Exact number of derivations that a change of it rebuilds, itself included.
    pub fn rebuilt_derivations(self) -> u32 {
        self.row().rebuild_derivations
    }

    /// Exact number of attributes of these derivations.
    pub fn rebuilt_attributes(self) -> u32 {
        self.row().rebuild_attributes
    }

    /// Its shortest attribute path (the first of several), or its name.
    pub fn label(self) -> &'g str {
        let shortest = self.attributes().map(Attribute::path).min_by_key(|path| (path.split('.').count(), path.len()));
        shortest.unwrap_or(self.name())
    }
}

impl fmt::Debug for Derivation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base_name())
    }
}

/// An output of a derivation.
#[derive(Clone, Copy)]
pub struct Output<'g> {
    graph: &'g Graph,
    row: &'g OutputRow,
}

impl<'g> Output<'g> {
    /// Its name: `out`, `dev`, ….
    pub fn name(self) -> &'g str {
        self.graph.storage.text(self.row.name)
    }

    /// Hash part of its path; `None` if only its build tells it.
    pub fn hash(self) -> Option<StoreHash> {
        (self.row.path_name != NONE).then_some(self.row.hash)
    }

    /// What stands behind the hash in its path; `None` if only its build tells it.
    pub(crate) fn path_name(self) -> Option<&'g str> {
        (self.row.path_name != NONE).then(|| self.graph.storage.text(self.row.path_name))
    }

    /// Base name of its path; `None` if only its build tells it.
    pub fn base_name(self) -> Option<String> {
        (self.row.path_name != NONE).then(|| format!("{}-{}", self.row.hash, self.graph.storage.text(self.row.path_name)))
    }

    /// Its store path.
    pub fn path(self) -> Option<String> {
        Some(format!("{}/{}", self.graph.store_dir(), self.base_name()?))
    }
}

/// An attribute of the evaluation.
#[derive(Clone, Copy)]
pub struct Attribute<'g> {
    graph: &'g Graph,
    ix: AttributeIx,
}

impl<'g> Attribute<'g> {
    pub(super) fn new(graph: &'g Graph, ix: AttributeIx) -> Self {
        Self { graph, ix }
    }

    fn row(self) -> &'g AttributeRow {
        &self.graph.storage.attributes()[self.ix.get()]
    }

    fn text(self, string: u32) -> Option<&'g str> {
        Some(self.graph.storage.text(string)).filter(|text| !text.is_empty())
    }

    /// Its position.
    pub fn ix(self) -> AttributeIx {
        self.ix
    }

    /// Its dotted path.
    pub fn path(self) -> &'g str {
        self.graph.storage.text(self.row().path)
    }

    /// The name of the job that `waves export` has build it, if no other attribute has it.
    pub fn job(self) -> String {
        job(self.path())
    }

    /// The set that it is in: its path without the last component; empty at the top level.
    pub fn set(self) -> &'g str {
        set_of(self.path())
    }

    /// The system that it was evaluated for, or its derivation's; `None` if neither is known.
    pub fn system(self) -> Option<&'g str> {
        self.text(self.row().system)
    }

    /// A number that the attributes of one system have in common: to count by, without reading the text of each.
    pub(crate) fn system_key(self) -> u32 {
        self.row().system
    }

    /// Its derivation; `None` if it does not evaluate.
    pub fn derivation(self) -> Option<Derivation<'g>> {
        let derivation = self.row().derivation;
        (derivation != NONE).then(|| self.graph.derivation(DerivationIx::new(derivation as usize)))
    }

    /// Its outputs, by name: those of its derivation, unless the evaluation listed others.
    pub fn outputs(self) -> impl ExactSizeIterator<Item = Output<'g>> {
        let graph = self.graph;
        let own = graph.storage.attribute_outputs().row(self.ix.get());
        let derivation = self.row().derivation;
        let rows = if own.is_empty() && derivation != NONE { graph.storage.outputs().row(derivation as usize) } else { own };
        rows.iter().map(move |row| Output { graph, row })
    }

    /// Why it does not evaluate.
    pub fn error(self) -> Option<&'g str> {
        let error = self.row().error;
        (error != NONE).then(|| self.graph.storage.text(error))
    }

    /// `file:line` where it is defined.
    pub fn position(self) -> Option<&'g str> {
        self.text(self.row().position)
    }

    /// `meta.description`.
    pub fn description(self) -> Option<&'g str> {
        self.text(self.row().description)
    }

    /// GitHub handles of its maintainers; name or address of one without.
    pub fn maintainers(self) -> impl Iterator<Item = &'g str> {
        items(self.graph.storage.text(self.row().maintainers))
    }

    /// Its teams.
    pub fn teams(self) -> impl Iterator<Item = &'g str> {
        items(self.graph.storage.text(self.row().teams))
    }

    /// SPDX identifiers of its licences; names of those without.
    pub fn licences(self) -> impl Iterator<Item = &'g str> {
        items(self.graph.storage.text(self.row().licences))
    }

    /// `meta.hydraPlatforms`; `None` if it does not restrict Hydra.
    pub fn hydra_platforms(self) -> Option<impl Iterator<Item = &'g str>> {
        let platforms = self.row().hydra_platforms;
        (platforms != NONE).then(|| items(self.graph.storage.text(platforms)))
    }

    /// Whether a dump told anything of its `meta`.
    pub(crate) fn has_meta(self) -> bool {
        self.row().flags != 0 || self.position().is_some() || self.description().is_some()
    }

    /// Whether `meta.broken` is set.
    pub fn is_broken(self) -> bool {
        self.row().flags & attribute_flag::BROKEN != 0
    }

    /// Whether a licence is not free.
    pub fn is_unfree(self) -> bool {
        self.row().flags & attribute_flag::UNFREE != 0
    }

    /// Whether it has known vulnerabilities.
    pub fn is_insecure(self) -> bool {
        self.row().flags & attribute_flag::INSECURE != 0
    }

    /// Whether `meta.hydraPlatforms` keeps Hydra from building it for its system.
    pub fn is_off_hydra(self) -> bool {
        let system = self.system().unwrap_or_default();
        self.hydra_platforms().is_some_and(|mut platforms| !platforms.any(|platform| platform == system))
    }
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

/// A package: derivations that one change would change together.
#[derive(Clone, Copy)]
pub struct Package<'g> {
    graph: &'g Graph,
    ix: PackageIx,
}

impl<'g> Package<'g> {
    pub(super) fn new(graph: &'g Graph, ix: PackageIx) -> Self {
        Self { graph, ix }
    }

    /// Its position.
    pub fn ix(self) -> PackageIx {
        self.ix
    }

    /// Its derivations, in topological order; there is at least one.
    pub fn derivations(self) -> impl ExactSizeIterator<Item = Derivation<'g>> {
        self.graph.storage.members().row(self.ix.get()).iter().map(|&ix| self.graph.derivation(ix))
    }

    /// The derivation that stands for it: the first with an attribute at the shallowest level, or its last.
    pub fn face(self) -> Derivation<'g> {
        let depth = |derivation: Derivation<'g>| derivation.attributes().map(|attribute| attribute.path().split('.').count()).min();
        let named = self.derivations().filter_map(|derivation| Some((depth(derivation)?, derivation))).min_by_key(|(depth, _)| *depth);
        let last = self.graph.storage.members().row(self.ix.get());
        named.map_or_else(|| self.graph.derivation(last[last.len() - 1]), |(_, derivation)| derivation)
    }

    /// Exact number of derivations that a change of it rebuilds, its own included.
    pub fn rebuilt_derivations(self) -> u32 {
        self.graph.storage.packages()[self.ix.get()].rebuild_derivations
    }

    /// Exact number of attributes of these derivations.
    pub fn rebuilt_attributes(self) -> u32 {
        self.graph.storage.packages()[self.ix.get()].rebuild_attributes
    }
}

impl fmt::Debug for Package<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.face().label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_names_to_nix() {
        for (path, expected) in
            [("a.\"b.c\".d", "a_b_c_d"), ("3to2", "_3to2"), ("python312Packages.3to2", "python312Packages_3to2"), ("", "_")]
        {
            assert_eq!(job(path), expected, "{path}");
        }
    }
}
