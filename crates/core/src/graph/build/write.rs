//! Joined derivations and attributes become the columns of a graph, in its final order.

use std::mem;

use bytemuck::Zeroable as _;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::columns::{
    AttributeRow, DerivationRow, NONE, OutputRow, PackageRow, SECTIONS, Section, StringIx, attribute_flag, derivation_flag,
};
use super::super::index::{AttributeIx, DerivationIx, PackageIx};
use super::super::package::{Identity, contract};
use super::super::reach::{Csr, group};
use super::super::storage::{Column, Storage};
use super::super::sums::ClosureSums;
use super::super::{Graph, Provenance};
use super::join::{Inputs, JoinedAttribute, Node};
use crate::error::{Error, Result};
use crate::ingest::record::{DerivationRecord, Interned, OutputRecord, Records, Symbol};
use crate::store_path::{StoreHash, split_name};

/// Derivations that are gathered at once.
const DRAFTS: usize = 1 << 14;
/// Derivations whose edges one thread gathers at once.
const EDGES_OF: usize = 1 << 10;

/// Strings in the order in which they are first used.
struct Strings<'i> {
    interned: &'i Interned,
    /// Position of each symbol, or [`NONE`].
    positions: Vec<u32>,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    overflow: bool,
}

impl<'i> Strings<'i> {
    fn new(interned: &'i Interned) -> Self {
        let mut strings = Self { interned, positions: vec![NONE; interned.len()], offsets: vec![0], bytes: Vec::new(), overflow: false };
        // The empty string is at position 0.
        strings.position(Symbol::EMPTY);
        strings
    }

    fn position(&mut self, symbol: Symbol) -> StringIx {
        let known = &mut self.positions[symbol.index()];
        if *known == NONE {
            *known = self.offsets.len() as u32 - 1;
            self.bytes.extend_from_slice(self.interned.resolve(symbol).as_bytes());
            self.overflow |= self.bytes.len() > NONE as usize;
            self.offsets.push(self.bytes.len() as u32);
        }
        *known
    }

    fn optional(&mut self, symbol: Option<Symbol>) -> StringIx {
        symbol.map_or(0, |symbol| self.position(symbol))
    }
}

/// A row of a derivation whose strings have no positions yet.
struct Draft<'i> {
    row: DerivationRow,
    record: Option<&'i DerivationRecord>,
    name: Option<Symbol>,
    /// Of its name.
    pname: Option<Symbol>,
    version: Option<Symbol>,
    system: Symbol,
    outputs: &'i [OutputRecord],
}

/// The edges of all derivations, in their final order.
struct Edges {
    /// Of each derivation, sorted.
    inputs: Vec<DerivationIx>,
    /// Which outputs of each of them are used.
    outputs: Vec<Symbol>,
    offsets: Vec<u32>,
    users: Vec<DerivationIx>,
    user_offsets: Vec<u32>,
}

impl Edges {
    /// `position` is where in `order` each node is.
    fn new(joined: &Inputs, order: &[u32], position: &[u32], is_fixed: impl Fn(u32) -> bool + Sync) -> Self {
        let of_nodes = |nodes: &[u32]| {
            let (mut edges, mut ends) = (Vec::new(), Vec::with_capacity(nodes.len()));
            for &node in nodes {
                let start = edges.len();
                let range = joined.range(node);
                let inputs = joined.targets[range.clone()].iter().map(|&input| DerivationIx::new(position[input as usize] as usize));
                edges.extend(inputs.zip(joined.outputs[range].iter().copied()));
                edges[start..].sort_unstable_by_key(|(input, _)| *input);
                ends.push((edges.len() as u32, is_fixed(node)));
            }
            (edges, ends)
        };
        let count = joined.targets.len();
        let (mut inputs, mut outputs) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut offsets, mut fixed) = (Vec::with_capacity(order.len() + 1), Vec::with_capacity(order.len()));
        offsets.push(0);
        for nodes in order.chunks(DRAFTS) {
            let parts: Vec<_> = nodes.par_chunks(EDGES_OF).map(of_nodes).collect();
            for (edges, ends) in parts {
                let start = inputs.len() as u32;
                for (end, is_fixed) in ends {
                    offsets.push(start + end);
                    fixed.push(is_fixed);
                }
                inputs.extend(edges.iter().map(|(input, _)| *input));
                outputs.extend(edges.iter().map(|(_, outputs)| *outputs));
            }
        }
        // Rebuilds propagate from an input to its user, unless the user is a fixed-output derivation.
        let users = (0..order.len()).filter(|&user| !fixed[user]).flat_map(|user| {
            let inputs = &inputs[offsets[user] as usize..offsets[user + 1] as usize];
            inputs.iter().map(move |input| (input.get() as u32, DerivationIx::new(user)))
        });
        let (user_offsets, users) = group(order.len(), users);
        Self { inputs, outputs, offsets, users, user_offsets }
    }
}

/// Writes the columns of the graph, in its final order.
pub(super) struct Writer<'i> {
    interned: &'i Interned,
    batches: &'i [Records],
    nodes: &'i [Node<'i>],
    /// Old node number to position.
    position: Vec<u32>,
    order: &'i [u32],
    strings: Strings<'i>,
    inputs: Inputs,
    derivations: Vec<DerivationRow>,
    outputs: Vec<OutputRow>,
    /// The first output with each path.
    first_output: FxHashMap<StoreHash, u32>,
    output_offsets: Vec<u32>,
    input_targets: Vec<DerivationIx>,
    input_outputs: Vec<StringIx>,
    input_offsets: Vec<u32>,
    users: Vec<DerivationIx>,
    user_offsets: Vec<u32>,
    attributes: Vec<AttributeRow>,
    attributes_of: Vec<AttributeIx>,
    attributes_of_offsets: Vec<u32>,
    attribute_outputs: Vec<OutputRow>,
    attribute_output_offsets: Vec<u32>,
    packages: Vec<PackageRow>,
    members: Vec<DerivationIx>,
    package_offsets: Vec<u32>,
}

impl<'i> Writer<'i> {
    pub(super) fn new(interned: &'i Interned, batches: &'i [Records], nodes: &'i [Node<'i>], inputs: Inputs, order: &'i [u32]) -> Self {
        let outputs = nodes.iter().map(|node| node.outputs.len()).sum();
        let mut position = vec![0_u32; order.len()];
        for (at, &node) in order.iter().enumerate() {
            position[node as usize] = at as u32;
        }
        Self {
            interned,
            batches,
            nodes,
            position,
            order,
            strings: Strings::new(interned),
            inputs,
            derivations: Vec::with_capacity(order.len()),
            outputs: Vec::with_capacity(outputs),
            first_output: FxHashMap::with_capacity_and_hasher(outputs, FxBuildHasher),
            output_offsets: vec![0],
            input_targets: Vec::new(),
            input_outputs: Vec::new(),
            input_offsets: Vec::new(),
            users: Vec::new(),
            user_offsets: Vec::new(),
            attributes: Vec::new(),
            attributes_of: Vec::new(),
            attributes_of_offsets: Vec::new(),
            attribute_outputs: Vec::new(),
            attribute_output_offsets: vec![0],
            packages: Vec::new(),
            members: Vec::new(),
            package_offsets: Vec::new(),
        }
    }

    pub(super) fn attributes(&mut self, mut attributes: Vec<JoinedAttribute<'i>>) {
        let text = |symbol| self.interned.resolve(symbol);
        attributes.sort_by_cached_key(|attribute| (text(attribute.attr), attribute.system.map(text)));
        for JoinedAttribute { attr, system, node, outputs, meta, error, .. } in attributes {
            self.push_attribute_outputs(node, outputs);
            let strings = &mut self.strings;
            let flag = |set: Option<bool>, flag: u32| if set == Some(true) { flag } else { 0 };
            self.attributes.push(AttributeRow {
                path: strings.position(attr),
                system: strings.optional(system),
                derivation: node.map_or(NONE, |node| self.position[node as usize]),
                error: error.map_or(NONE, |error| strings.position(error)),
                position: strings.optional(meta.position),
                description: strings.optional(meta.description),
                maintainers: strings.optional(meta.maintainers),
                teams: strings.optional(meta.teams),
                licences: strings.optional(meta.licences),
                hydra_platforms: meta.hydra_platforms.map_or(NONE, |platforms| strings.position(platforms)),
                flags: flag(meta.broken, attribute_flag::BROKEN)
                    | flag(meta.unfree, attribute_flag::UNFREE)
                    | flag(meta.insecure, attribute_flag::INSECURE),
            });
        }
        let of = self
            .attributes
            .iter()
            .enumerate()
            .filter(|(_, row)| row.derivation != NONE)
            .map(|(at, row)| (row.derivation, AttributeIx::new(at)));
        (self.attributes_of_offsets, self.attributes_of) = group(self.order.len(), of);
    }

    /// The outputs of an attribute, if they are not just those of its derivation.
    fn push_attribute_outputs(&mut self, node: Option<u32>, outputs: &[OutputRecord]) {
        let own = node.map_or(&[][..], |node| &self.nodes[node as usize].outputs);
        let is_like =
            |output: &OutputRecord, other: &OutputRecord| output.name == other.name && (output.path.is_none() || output.path == other.path);
        if outputs.len() != own.len() || !outputs.iter().zip(own).all(|(output, other)| is_like(output, other)) {
            for output in outputs {
                self.attribute_outputs.push(output_row(&mut self.strings, output, NONE));
            }
        }
        self.attribute_output_offsets.push(self.attribute_outputs.len() as u32);
    }

    fn record(&self, node: u32) -> Option<&'i DerivationRecord> {
        self.nodes[node as usize].record(self.batches)
    }

    pub(super) fn derivations(&mut self) {
        let (inputs, position) = (mem::take(&mut self.inputs), mem::take(&mut self.position));
        let (nodes, batches, order) = (self.nodes, self.batches, self.order);
        let is_fixed = |node: u32| nodes[node as usize].record(batches).is_some_and(DerivationRecord::is_fixed);
        let (edges, ()) = rayon::join(|| Edges::new(&inputs, order, &position, is_fixed), || self.rows());
        (self.input_targets, self.input_offsets) = (edges.inputs, edges.offsets);
        (self.users, self.user_offsets) = (edges.users, edges.user_offsets);
        self.input_outputs = edges.outputs.into_iter().map(|outputs| self.strings.position(outputs)).collect();
    }

    /// The rows of derivations and of their outputs.
    fn rows(&mut self) {
        for nodes in self.order.chunks(DRAFTS) {
            // Records lie where their dumps had them: to gather them is most of the work.
            let drafts: Vec<Draft<'_>> = nodes.par_iter().map(|&node| self.draft(node)).collect();
            for draft in &drafts {
                self.push(draft);
            }
        }
        self.find_sources();
    }

    fn draft(&self, node: u32) -> Draft<'i> {
        let of_node = &self.nodes[node as usize];
        let record = self.record(node);
        let path = of_node.path();
        let unless = |set: bool, flag: u32| if set { 0 } else { flag };
        let when = |set: bool, flag: u32| if set { flag } else { 0 };
        let mut row = DerivationRow::zeroed();
        row.hash = path.map(|path| path.hash).unwrap_or_default();
        row.src = NONE;
        row.flags = unless(record.is_some_and(|record| record.has_inputs), derivation_flag::UNDEFINED)
            | unless(of_node.path.is_some(), derivation_flag::NO_PATH)
            | when(record.is_some_and(DerivationRecord::is_fixed), derivation_flag::FIXED_OUTPUT)
            | when(record.is_some_and(|record| record.prefer_local), derivation_flag::PREFER_LOCAL)
            | when(record.is_some_and(|record| record.floating), derivation_flag::FLOATING);
        if let Some(recipe) = record.and_then(|record| record.recipe) {
            (row.recipe, row.loose_recipe) = (bytemuck::cast(recipe.strict), bytemuck::cast(recipe.loose));
        }
        let name = path.map(|path| path.name);
        let (pname, version) = if let Some(record) = record {
            (Some(record.pname), Some(record.version))
        } else {
            let (pname, version) = split_name(name.map_or("", |name| self.interned.resolve(name)));
            (self.interned.get(pname), self.interned.get(version))
        };
        Draft { row, record, name, pname, version, system: of_node.system, outputs: &of_node.outputs }
    }

    fn push(&mut self, draft: &Draft<'_>) {
        let Draft { mut row, record, name, pname, version, system, outputs } = *draft;
        let strings = &mut self.strings;
        row.name = strings.optional(name);
        row.pname = strings.optional(pname);
        row.version = strings.optional(version);
        if let Some(record) = record {
            row.system = strings.position(system);
            row.fixed_hash = strings.position(record.fixed_hash);
            row.features = strings.position(record.features);
            row.sources = strings.position(record.sources);
        }
        self.derivations.push(row);
        for output in outputs {
            let here = self.outputs.len() as u32;
            let first = output.path.map_or(here, |path| *self.first_output.entry(path.hash).or_insert(here));
            self.outputs.push(output_row(&mut self.strings, output, first));
        }
        self.output_offsets.push(self.outputs.len() as u32);
    }

    /// Finds the derivations whose outputs are the sources of others; of several, the first.
    fn find_sources(&mut self) {
        let source = |&node: &u32| {
            let output = *self.first_output.get(&self.record(node)?.src?)?;
            // The last row that begins at or before the output is not empty.
            Some(self.output_offsets.partition_point(|&offset| offset <= output) as u32 - 1)
        };
        let sources: Vec<Option<u32>> = self.order.par_iter().map(source).collect();
        for (row, source) in self.derivations.iter_mut().zip(sources) {
            row.src = source.unwrap_or(NONE);
        }
    }

    pub(super) fn packages_and_sizes(&mut self) {
        let identities: Vec<Option<Identity>> = (0..self.order.len()).map(|at| self.identity(at)).collect();
        let (packages, count) = contract(&identities);
        for (row, &package) in self.derivations.iter_mut().zip(&packages) {
            row.package = PackageIx::new(package as usize);
        }
        (self.package_offsets, self.members) =
            group(count, packages.iter().enumerate().map(|(at, &package)| (package, DerivationIx::new(at))));

        let users = Csr { offsets: &self.user_offsets, targets: &self.users };
        let members = Csr { offsets: &self.package_offsets, targets: &self.members };
        let attributes = Csr { offsets: &self.attributes_of_offsets, targets: &self.attributes_of };
        let weights: Vec<[u64; 2]> = (0..self.order.len()).map(|at| [1, attributes.row(at).len() as u64]).collect();
        let sums = ClosureSums::of_users(users, weights);
        for (row, &[derivations, attributes]) in self.derivations.iter_mut().zip(sums.all()) {
            (row.rebuild_derivations, row.rebuild_attributes) = (derivations as u32, attributes as u32);
        }
        let row = |&[derivations, attributes]: &[u64; 2]| PackageRow {
            rebuild_derivations: derivations as u32,
            rebuild_attributes: attributes as u32,
        };
        self.packages = sums.of_groups(users, members).iter().map(row).collect();
    }

    /// What decides the package of a derivation; a fixed output is nobody's variant.
    fn identity(&self, at: usize) -> Option<Identity> {
        let row = &self.derivations[at];
        if row.flags & derivation_flag::FIXED_OUTPUT != 0 {
            return None;
        }
        let record = self.record(self.order[at]);
        let src = record.and_then(|record| record.src);
        let attributes = Csr { offsets: &self.attributes_of_offsets, targets: &self.attributes_of };
        let position = attributes.row(at).iter().map(|attribute| self.attributes[attribute.get()].position).find(|&position| position != 0);
        Some(Identity { pname: row.pname, version: row.version, src, position })
    }

    pub(super) fn finish(self, provenance: &Provenance) -> Result<Graph> {
        if self.strings.overflow {
            return Err(Error::TooLarge { what: "bytes of names", limit: u64::from(NONE) });
        }
        let mut sections: [Column; SECTIONS] = std::array::from_fn(|_| Column::default());
        let mut put = |section: Section, column: Column| sections[section as usize] = column;
        put(Section::Provenance, Column::bytes(provenance.to_bytes()));
        put(Section::StringOffsets, Column::rows(self.strings.offsets));
        put(Section::StringBytes, Column::bytes(self.strings.bytes));
        put(Section::Derivations, Column::rows(self.derivations));
        put(Section::Outputs, Column::rows(self.outputs));
        put(Section::OutputOffsets, Column::rows(self.output_offsets));
        put(Section::Inputs, Column::rows(self.input_targets));
        put(Section::InputOutputs, Column::rows(self.input_outputs));
        put(Section::InputOffsets, Column::rows(self.input_offsets));
        put(Section::Users, Column::rows(self.users));
        put(Section::UserOffsets, Column::rows(self.user_offsets));
        put(Section::Attributes, Column::rows(self.attributes));
        put(Section::AttributesOf, Column::rows(self.attributes_of));
        put(Section::AttributesOfOffsets, Column::rows(self.attributes_of_offsets));
        put(Section::AttributeOutputs, Column::rows(self.attribute_outputs));
        put(Section::AttributeOutputOffsets, Column::rows(self.attribute_output_offsets));
        put(Section::Packages, Column::rows(self.packages));
        put(Section::PackageMembers, Column::rows(self.members));
        put(Section::PackageOffsets, Column::rows(self.package_offsets));
        Graph::from_storage(Storage::build(sections))
    }
}

fn output_row(strings: &mut Strings<'_>, output: &OutputRecord, first: u32) -> OutputRow {
    OutputRow {
        first,
        hash: output.path.map(|path| path.hash).unwrap_or_default(),
        name: strings.position(output.name),
        path_name: output.path.map_or(NONE, |path| strings.position(path.name)),
    }
}
