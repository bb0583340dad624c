//! Records to graph: join, order, contract, count.

use std::collections::hash_map::Entry;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::columns::{
    AttributeRow, DerivationRow, NONE, OutputRow, PackageRow, SECTIONS, Section, StringIx, attribute_flag, derivation_flag,
};
use super::index::{AttributeIx, DerivationIx, PackageIx};
use super::order::post_order;
use super::package::{Identity, contract};
use super::reach::{Csr, closure_sizes};
use super::storage::Storage;
use super::{Graph, Provenance};
use crate::error::{Error, Result};
use crate::ingest::record::{AttributeRecord, DerivationRecord, Interner, MetaRecord, OutputRecord, Path, Records, Symbol, symbol_index};
use crate::ingest::{FindingKind, Findings, Ingest};
use crate::progress::Progress;
use crate::store_path::{StoreHash, split_name};

/// Where Nix keeps its store unless it was told otherwise.
const DEFAULT_STORE_DIR: &str = "/nix/store";

impl Graph {
    /// Joins the records of an ingest into one graph.
    ///
    /// 1. Derivations are joined on their path; what only an evaluation knows, on its output paths then.
    /// 2. Attributes are joined on attribute path, system and derivation.
    /// 3. Nodes are put into a topological order that does not depend on the order of the dumps.
    /// 4. Derivations are contracted to packages, and every closure is counted.
    ///
    /// Time O(V log V + E) and one sweep over all closures; space O(V + E).
    ///
    /// # Errors
    ///
    /// [`Error::Cycle`] if derivations need each other, [`Error::TooLarge`] beyond 2³² − 1 of anything.
    pub fn build(ingest: Ingest, progress: &dyn Progress) -> Result<Self> {
        progress.begin("joining", None);
        let Ingest { interner, batches, findings, sources } = ingest;
        let mut join = Join {
            interner: &interner,
            batches: &batches,
            findings,
            nodes: Vec::new(),
            by_path: FxHashMap::default(),
            by_output: FxHashMap::default(),
        };
        join.add_derivations();
        let attributes = join.add_attributes();
        let inputs = join.resolve_inputs()?;
        let Join { nodes, mut findings, .. } = join;
        count_undefined(&nodes, &inputs, &interner, &mut findings);

        progress.begin("ordering", None);
        let order = order(&nodes, &inputs, &interner)?;
        let mut writer = Writer::new(&interner, &batches, nodes, inputs, &order);
        writer.attributes(attributes);
        writer.derivations();
        progress.begin("counting closures", None);
        writer.packages_and_sizes();
        let store_dir = batches
            .iter()
            .find_map(|records| records.store_dir)
            .map_or(DEFAULT_STORE_DIR, |directory| interner.resolve(directory))
            .to_owned();
        let provenance = Provenance { sources, findings, store_dir };
        writer.finish(&provenance)
    }
}

/// A derivation, before it has its place in the order.
struct Node {
    /// `None` if only its outputs are known.
    path: Option<Path>,
    /// Batch and position of its fullest description.
    record: Option<(usize, usize)>,
    outputs: Vec<OutputRecord>,
}

/// An attribute, joined.
struct JoinedAttribute {
    attr: Symbol,
    system: Option<Symbol>,
    node: Option<u32>,
    /// Whether a dump named the derivation, and not only its outputs.
    exact: bool,
    /// Its first output path, by which descriptions without a derivation are joined.
    output: Option<StoreHash>,
    meta: MetaRecord,
    error: Option<Symbol>,
    source: usize,
}

/// Edges by node, before the order.
struct Inputs {
    offsets: Vec<u32>,
    targets: Vec<u32>,
    outputs: Vec<Symbol>,
}

impl Inputs {
    fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize
    }
}

struct Join<'i> {
    interner: &'i Interner,
    batches: &'i [Records],
    findings: Findings,
    nodes: Vec<Node>,
    by_path: FxHashMap<StoreHash, u32>,
    by_output: FxHashMap<StoreHash, u32>,
}

impl Join<'_> {
    fn record(&self, at: (usize, usize)) -> &DerivationRecord {
        &self.batches[at.0].derivations[at.1]
    }

    fn name(&self, path: Path) -> String {
        format!("{}-{}.drv", path.hash, self.interner.resolve(path.name))
    }

    /// Whole derivations first, so that partial descriptions find their outputs.
    fn add_derivations(&mut self) {
        let batches = self.batches;
        let all = || batches.iter().enumerate().flat_map(|(batch, records)| (0..records.derivations.len()).map(move |at| (batch, at)));
        for at in all().filter(|at| batches[at.0].derivations[at.1].recipe.is_some()) {
            self.add_whole(at);
        }
        for at in all().filter(|at| batches[at.0].derivations[at.1].recipe.is_none()) {
            self.add_partial(at);
        }
    }

    fn add_whole(&mut self, at: (usize, usize)) {
        let path = self.record(at).path;
        match self.by_path.entry(path.hash) {
            Entry::Vacant(entry) => {
                entry.insert(self.nodes.len() as u32);
                self.push_node(Some(path), Some(at), self.batches[at.0].outputs_of(&self.record(at).outputs).to_vec());
            }
            Entry::Occupied(entry) => {
                let known = *entry.get() as usize;
                let first = self.nodes[known].record.unwrap_or(at);
                let kind = if self.same(first, at) { FindingKind::DuplicateDerivation } else { FindingKind::ContradictoryDerivation };
                let name = self.name(path);
                self.findings.add(kind, || name);
                // Some Nix versions leave the path of a fixed output out.
                let outputs = self.batches[at.0].outputs_of(&self.record(at).outputs);
                for (output, other) in self.nodes[known].outputs.iter_mut().zip(outputs) {
                    output.path = output.path.or(other.path);
                }
            }
        }
    }

    /// Whether two descriptions of one derivation say the same.
    fn same(&self, a: (usize, usize), b: (usize, usize)) -> bool {
        let (first, second) = (self.record(a), self.record(b));
        let (records, others) = (&self.batches[a.0], &self.batches[b.0]);
        let outputs = records.outputs_of(&first.outputs).iter().zip(others.outputs_of(&second.outputs));
        first.recipe == second.recipe
            && first.fixed_hash == second.fixed_hash
            && first.outputs.len() == second.outputs.len()
            && outputs.into_iter().all(|(a, b)| a.name == b.name && (a.path == b.path || a.path.is_none() || b.path.is_none()))
            && records.inputs_of(first) == others.inputs_of(second)
    }

    /// What an evaluation says of a derivation: known already by path or output, or news.
    fn add_partial(&mut self, at: (usize, usize)) {
        let record = self.record(at);
        let (path, has_inputs) = (record.path, record.has_inputs);
        let outputs = self.batches[at.0].outputs_of(&record.outputs);
        let mut mixed = false;
        if let Some(&known) = self.by_path.get(&path.hash) {
            let node = &mut self.nodes[known as usize];
            let fuller = node.record.is_some_and(|first| self.batches[first.0].derivations[first.1].has_inputs);
            let whole = node.record.is_some_and(|first| self.batches[first.0].derivations[first.1].recipe.is_some());
            if has_inputs && !fuller {
                node.record = Some(at);
            }
            let new = |output: &&OutputRecord| !node.outputs.iter().any(|known| known.name == output.name);
            if !whole {
                let more: Vec<OutputRecord> = outputs.iter().filter(new).copied().collect();
                node.outputs.extend(more);
            }
            // Some attributes are sets of outputs picked from several derivations.
            mixed = outputs.iter().any(|output| output.path.is_some() && !node.outputs.iter().any(|known| known.path == output.path));
        } else if let Some(known) = self.whole_with_output(outputs) {
            self.by_path.insert(path.hash, known);
            let name = self.name(path);
            self.findings.add(FindingKind::JoinedByOutput, || name);
        } else {
            self.by_path.insert(path.hash, self.nodes.len() as u32);
            self.push_node(Some(path), Some(at), outputs.to_vec());
        }
        if mixed {
            let name = self.name(path);
            self.findings.add(FindingKind::MixedOutputs, || name);
        }
    }

    /// The derivation with one of these outputs, among those that a dump describes in full.
    fn whole_with_output(&self, outputs: &[OutputRecord]) -> Option<u32> {
        let known = outputs.iter().filter_map(|output| self.by_output.get(&output.path?.hash).copied());
        known.into_iter().find(|&node| self.nodes[node as usize].record.is_some_and(|at| self.record(at).recipe.is_some()))
    }

    fn push_node(&mut self, path: Option<Path>, record: Option<(usize, usize)>, outputs: Vec<OutputRecord>) -> u32 {
        let node = self.nodes.len() as u32;
        for output in outputs.iter().filter_map(|output| output.path) {
            match self.by_output.entry(output.hash) {
                Entry::Vacant(entry) => {
                    entry.insert(node);
                }
                // Derivations that differ only behind a fixed output build the same path.
                Entry::Occupied(_) => {
                    let name = format!("{}-{}", output.hash, self.interner.resolve(output.name));
                    self.findings.add(FindingKind::SharedOutput, || name);
                }
            }
        }
        self.nodes.push(Node { path, record, outputs });
        node
    }

    fn add_attributes(&mut self) -> Vec<JoinedAttribute> {
        let batches = self.batches;
        let mut joined: Vec<JoinedAttribute> = Vec::new();
        // Positions in `joined` of the attributes with this attribute path.
        let mut by_path: FxHashMap<Symbol, Vec<usize>> = FxHashMap::default();
        for records in batches {
            for record in &records.attributes {
                let node = self.attribute_node(record, records);
                let same_path = by_path.entry(self.unquoted(record.attr)).or_default();
                self.add_attribute(&mut joined, same_path, record, node, records);
            }
        }
        for attribute in joined.iter().filter(|attribute| attribute.error.is_some()) {
            let attr = self.interner.resolve(attribute.attr);
            let error = attribute.error.map_or("", |error| self.interner.resolve(error));
            self.findings.add(FindingKind::EvaluationError, || format!("{attr}: {error}"));
        }
        joined
    }

    /// The key of an attribute: not every dump quotes a component with a dot in it.
    fn unquoted(&self, attr: Symbol) -> Symbol {
        let text = self.interner.resolve(attr);
        if text.contains('"') { self.interner.intern(&text.replace('"', "")) } else { attr }
    }

    /// The derivation of an attribute: by path, then by output path, else a new one of which no more is known.
    fn attribute_node(&mut self, record: &AttributeRecord, records: &Records) -> Option<u32> {
        let outputs = records.outputs_of(&record.outputs);
        let known = record.derivation.and_then(|path| self.by_path.get(&path.hash));
        if let Some(&node) = known.or_else(|| outputs.iter().find_map(|output| self.by_output.get(&output.path?.hash))) {
            return Some(node);
        }
        if record.derivation.is_none() && outputs.iter().all(|output| output.path.is_none()) {
            return None;
        }
        if let Some(path) = record.derivation {
            self.by_path.insert(path.hash, self.nodes.len() as u32);
        }
        Some(self.push_node(record.derivation, None, outputs.to_vec()))
    }

    fn add_attribute(
        &mut self,
        joined: &mut Vec<JoinedAttribute>,
        same_path: &mut Vec<usize>,
        record: &AttributeRecord,
        node: Option<u32>,
        records: &Records,
    ) {
        let source = records.source;
        let output = records.outputs_of(&record.outputs).iter().find_map(|output| output.path).map(|path| path.hash);
        let system_of = |node: Option<u32>| node.and_then(|node| self.nodes[node as usize].record).map(|at| self.record(at).system);
        let same_system = |known: &JoinedAttribute| match (known.system, record.system) {
            (Some(known), Some(new)) => known == new,
            _ => true,
        };
        let exact = record.derivation.is_some();
        let same_derivation = |known: &JoinedAttribute| match (known.node, node) {
            (Some(first), Some(second)) => first == second || (!(known.exact && exact) && known.output == output),
            _ => true,
        };
        let matches = |known: &JoinedAttribute| same_system(known) && same_derivation(known);
        if let Some(&at) = same_path.iter().find(|&&at| matches(&joined[at])) {
            let known = &mut joined[at];
            if known.source == source {
                let attr = self.interner.resolve(record.attr);
                self.findings.add(FindingKind::DuplicateAttribute, || attr.to_owned());
            }
            // Of two spellings, the quoted one can be typed.
            if self.interner.resolve(record.attr).contains('"') {
                known.attr = record.attr;
            }
            known.node = if exact && !known.exact { node } else { known.node.or(node) };
            known.exact |= exact;
            known.output = known.output.or(output);
            known.system = known.system.or(record.system);
            known.meta = known.meta.or(record.meta);
            known.error = known.error.or(record.error);
            return;
        }
        // The same attribute for another system is another attribute; for the same system, a contradiction.
        let clash = same_path.iter().any(|&at| {
            let known = &joined[at];
            let both_named = known.system.is_some() && known.system == record.system;
            both_named || (same_system(known) && system_of(known.node) == system_of(node))
        });
        if clash {
            let attr = self.interner.resolve(record.attr);
            self.findings.add(FindingKind::ContradictoryAttribute, || attr.to_owned());
            return;
        }
        same_path.push(joined.len());
        joined.push(JoinedAttribute {
            attr: record.attr,
            system: record.system,
            node,
            exact,
            output,
            meta: record.meta,
            error: record.error,
            source,
        });
    }

    /// Edges between nodes; an input that no dump defines becomes a node of its own.
    fn resolve_inputs(&mut self) -> Result<Inputs> {
        let batches = self.batches;
        let mut inputs = Inputs { offsets: vec![0], targets: Vec::new(), outputs: Vec::new() };
        let defined = self.nodes.len();
        for node in 0..defined {
            let edges = self.nodes[node].record.map_or(&[][..], |(batch, at)| batches[batch].inputs_of(&batches[batch].derivations[at]));
            for edge in edges {
                let target = *self.by_path.entry(edge.derivation.hash).or_insert_with(|| {
                    self.nodes.push(Node { path: Some(edge.derivation), record: None, outputs: Vec::new() });
                    self.nodes.len() as u32 - 1
                });
                inputs.targets.push(target);
                inputs.outputs.push(edge.outputs);
            }
            inputs.offsets.push(checked(inputs.targets.len(), "input edges")?);
        }
        inputs.offsets.resize(self.nodes.len() + 1, checked(inputs.targets.len(), "input edges")?);
        checked(self.nodes.len(), "derivations")?;
        Ok(inputs)
    }
}

fn checked(count: usize, what: &'static str) -> Result<u32> {
    u32::try_from(count).ok().filter(|&count| count != NONE).ok_or(Error::TooLarge { what, limit: u64::from(NONE) - 1 })
}

/// Counts what no dump describes: inputs, and derivations of attributes. Without any edge neither is news.
fn count_undefined(nodes: &[Node], inputs: &Inputs, interner: &Interner, findings: &mut Findings) {
    if inputs.targets.is_empty() {
        return;
    }
    let mut needed = vec![false; nodes.len()];
    inputs.targets.iter().for_each(|&target| needed[target as usize] = true);
    let mut undefined: Vec<(FindingKind, String)> = Vec::new();
    for (node, needed) in nodes.iter().zip(needed) {
        let name = || node.path.map_or_else(String::new, |path| format!("{}-{}.drv", path.hash, interner.resolve(path.name)));
        if node.record.is_none() && needed {
            undefined.push((FindingKind::DanglingInput, name()));
        } else if node.record.is_none() {
            undefined.push((FindingKind::UndefinedDerivation, name()));
        }
    }
    undefined.sort_unstable();
    for (kind, name) in undefined {
        findings.add(kind, || name);
    }
}

/// Depth-first post-order over nodes sorted by name, then hash: the same whatever the order of the dumps.
fn order(nodes: &[Node], inputs: &Inputs, interner: &Interner) -> Result<Vec<u32>> {
    let key = |node: &Node| match node.path {
        Some(path) => (interner.resolve(path.name), path.hash),
        None => node
            .outputs
            .iter()
            .find_map(|output| output.path)
            .map_or(("", StoreHash::default()), |path| (interner.resolve(path.name), path.hash)),
    };
    let mut starts: Vec<u32> = (0..nodes.len() as u32).collect();
    starts.sort_by_cached_key(|&node| key(&nodes[node as usize]));
    let mut rank = vec![0_u32; nodes.len()];
    for (position, &node) in starts.iter().enumerate() {
        rank[node as usize] = position as u32;
    }
    let mut sorted = inputs.targets.clone();
    for node in 0..nodes.len() as u32 {
        sorted[inputs.range(node)].sort_unstable_by_key(|&input| rank[input as usize]);
    }
    post_order(&starts, |node| &sorted[inputs.range(node)]).map_err(|members| Error::Cycle {
        members: members
            .iter()
            .map(|&node| {
                nodes[node as usize].path.map_or_else(String::new, |path| format!("{}-{}", path.hash, interner.resolve(path.name)))
            })
            .collect(),
    })
}

/// Strings in the order in which they are first used.
struct Strings<'i> {
    interner: &'i Interner,
    /// Position of each symbol, or [`NONE`].
    positions: Vec<u32>,
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    overflow: bool,
}

impl<'i> Strings<'i> {
    fn new(interner: &'i Interner) -> Self {
        let mut strings = Self { interner, positions: vec![NONE; interner.len()], offsets: vec![0], bytes: Vec::new(), overflow: false };
        // The empty string is at position 0.
        strings.position(interner.intern(""));
        strings
    }

    fn position(&mut self, symbol: Symbol) -> StringIx {
        let index = symbol_index(symbol);
        if index >= self.positions.len() {
            self.positions.resize(self.interner.len(), NONE);
        }
        let known = &mut self.positions[index];
        if *known == NONE {
            *known = self.offsets.len() as u32 - 1;
            self.bytes.extend_from_slice(self.interner.resolve(symbol).as_bytes());
            self.overflow |= self.bytes.len() > NONE as usize;
            self.offsets.push(self.bytes.len() as u32);
        }
        *known
    }

    fn optional(&mut self, symbol: Option<Symbol>) -> StringIx {
        symbol.map_or(0, |symbol| self.position(symbol))
    }
}

/// Writes the columns of the graph, in its final order.
struct Writer<'i> {
    interner: &'i Interner,
    batches: &'i [Records],
    nodes: Vec<Node>,
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
    packages: Vec<PackageRow>,
    members: Vec<DerivationIx>,
    package_offsets: Vec<u32>,
}

impl<'i> Writer<'i> {
    fn new(interner: &'i Interner, batches: &'i [Records], nodes: Vec<Node>, inputs: Inputs, order: &'i [u32]) -> Self {
        let mut position = vec![0_u32; order.len()];
        for (at, &node) in order.iter().enumerate() {
            position[node as usize] = at as u32;
        }
        Self {
            interner,
            batches,
            nodes,
            position,
            order,
            strings: Strings::new(interner),
            inputs,
            derivations: Vec::with_capacity(order.len()),
            outputs: Vec::new(),
            first_output: FxHashMap::default(),
            output_offsets: vec![0],
            input_targets: Vec::new(),
            input_outputs: Vec::new(),
            input_offsets: vec![0],
            users: Vec::new(),
            user_offsets: Vec::new(),
            attributes: Vec::new(),
            attributes_of: Vec::new(),
            attributes_of_offsets: Vec::new(),
            packages: Vec::new(),
            members: Vec::new(),
            package_offsets: Vec::new(),
        }
    }

    fn attributes(&mut self, mut attributes: Vec<JoinedAttribute>) {
        let system = |attribute: &JoinedAttribute| attribute.system.or_else(|| Some(self.record(attribute.node?)?.system));
        for attribute in &mut attributes {
            attribute.system = system(attribute);
        }
        let interner = self.interner;
        attributes
            .sort_by_cached_key(|attribute| (interner.resolve(attribute.attr), attribute.system.map(|system| interner.resolve(system))));
        let strings = &mut self.strings;
        for JoinedAttribute { attr, system, node, meta, error, .. } in attributes {
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

    fn record(&self, node: u32) -> Option<&'i DerivationRecord> {
        self.nodes[node as usize].record.map(|(batch, at)| &self.batches[batch].derivations[at])
    }

    fn derivations(&mut self) {
        let by_output: FxHashMap<StoreHash, u32> = self.outputs_by_hash();
        for &node in self.order {
            let record = self.record(node);
            let row = self.derivation_row(node, record, &by_output);
            self.derivations.push(row);
            self.push_outputs(node);
            self.push_inputs(node);
        }
        // Rebuilds propagate from an input to its user, unless the user is a fixed-output derivation.
        let edges =
            (0..self.order.len()).filter(|&user| self.derivations[user].flags & derivation_flag::FIXED_OUTPUT == 0).flat_map(|user| {
                let inputs = self.input_offsets[user] as usize..self.input_offsets[user + 1] as usize;
                self.input_targets[inputs].iter().map(move |input| (input.get() as u32, DerivationIx::new(user)))
            });
        (self.user_offsets, self.users) = group(self.order.len(), edges);
    }

    /// Positions of derivations by output path; of several, the first.
    fn outputs_by_hash(&self) -> FxHashMap<StoreHash, u32> {
        let mut by_output = FxHashMap::default();
        for (at, &node) in self.order.iter().enumerate() {
            for path in self.nodes[node as usize].outputs.iter().filter_map(|output| output.path) {
                by_output.entry(path.hash).or_insert(at as u32);
            }
        }
        by_output
    }

    fn derivation_row(&mut self, node: u32, record: Option<&DerivationRecord>, by_output: &FxHashMap<StoreHash, u32>) -> DerivationRow {
        let strings = &mut self.strings;
        let of_node = &self.nodes[node as usize];
        let path = of_node.path.or_else(|| of_node.outputs.iter().find_map(|output| output.path));
        let name = path.map_or("", |path| self.interner.resolve(path.name));
        let (pname, version) = split_name(name);
        let unless = |set: bool, flag: u32| if set { 0 } else { flag };
        let mut row = DerivationRow {
            hash: path.map(|path| path.hash).unwrap_or_default(),
            name: strings.optional(path.map(|path| path.name)),
            pname: 0,
            version: 0,
            system: 0,
            fixed_hash: 0,
            features: 0,
            sources: 0,
            src: NONE,
            package: PackageIx::new(0),
            flags: unless(record.is_some_and(|record| record.has_inputs), derivation_flag::UNDEFINED)
                | unless(of_node.path.is_some(), derivation_flag::NO_PATH),
            rebuild_derivations: 0,
            rebuild_attributes: 0,
            recipe: [0; 4],
        };
        let Some(record) = record else {
            row.pname = strings.position(self.interner.intern(pname));
            row.version = strings.position(self.interner.intern(version));
            return row;
        };
        let when = |set: bool, flag: u32| if set { flag } else { 0 };
        row.pname = strings.position(record.pname);
        row.version = strings.position(record.version);
        row.system = strings.position(record.system);
        row.fixed_hash = strings.position(record.fixed_hash);
        row.features = strings.position(record.features);
        row.sources = strings.position(record.sources);
        row.src = record.src.and_then(|src| by_output.get(&src).copied()).unwrap_or(NONE);
        row.flags |= when(row.fixed_hash != 0, derivation_flag::FIXED_OUTPUT)
            | when(record.prefer_local, derivation_flag::PREFER_LOCAL)
            | when(record.floating, derivation_flag::FLOATING);
        row.recipe = bytemuck::cast(record.recipe.unwrap_or(0));
        row
    }

    fn push_outputs(&mut self, node: u32) {
        for output in &self.nodes[node as usize].outputs {
            let here = self.outputs.len() as u32;
            self.outputs.push(OutputRow {
                first: output.path.map_or(here, |path| *self.first_output.entry(path.hash).or_insert(here)),
                hash: output.path.map(|path| path.hash).unwrap_or_default(),
                name: self.strings.position(output.name),
                path_name: output.path.map_or(NONE, |path| self.strings.position(path.name)),
            });
        }
        self.output_offsets.push(self.outputs.len() as u32);
    }

    fn push_inputs(&mut self, node: u32) {
        let range = self.inputs.range(node);
        let targets = self.inputs.targets[range.clone()].iter().map(|&input| DerivationIx::new(self.position[input as usize] as usize));
        let mut edges: Vec<(DerivationIx, Symbol)> = targets.zip(self.inputs.outputs[range].iter().copied()).collect();
        edges.sort_unstable_by_key(|(target, _)| *target);
        for (target, outputs) in edges {
            self.input_targets.push(target);
            self.input_outputs.push(self.strings.position(outputs));
        }
        self.input_offsets.push(self.input_targets.len() as u32);
    }

    fn packages_and_sizes(&mut self) {
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
        let weights: Vec<u32> = (0..self.order.len()).map(|at| attributes.row(at).len() as u32).collect();
        let every: Vec<DerivationIx> = (0..self.order.len()).map(DerivationIx::new).collect();
        let single: Vec<u32> = (0..=self.order.len() as u32).collect();
        let sizes = closure_sizes(users, Csr { offsets: &single, targets: &every }, &weights);
        for (row, size) in self.derivations.iter_mut().zip(&sizes) {
            (row.rebuild_derivations, row.rebuild_attributes) = (size.derivations, size.weight);
        }
        // A package of one derivation rebuilds what that rebuilds.
        let several: Vec<usize> = (0..count).filter(|&package| members.row(package).len() > 1).collect();
        let joined: Vec<(u32, DerivationIx)> = several
            .iter()
            .enumerate()
            .flat_map(|(group, &package)| members.row(package).iter().map(move |&member| (group as u32, member)))
            .collect();
        let (offsets, targets) = group(several.len(), joined.into_iter());
        let joint_sizes = closure_sizes(users, Csr { offsets: &offsets, targets: &targets }, &weights);
        let mut of_package: Vec<_> = (0..count).map(|package| sizes[members.row(package)[0].get()]).collect();
        for (&package, size) in several.iter().zip(joint_sizes) {
            of_package[package] = size;
        }
        self.packages =
            of_package.iter().map(|size| PackageRow { rebuild_derivations: size.derivations, rebuild_attributes: size.weight }).collect();
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

    fn finish(self, provenance: &Provenance) -> Result<Graph> {
        if self.strings.overflow {
            return Err(Error::TooLarge { what: "bytes of names", limit: u64::from(NONE) });
        }
        let mut sections: [Vec<u8>; SECTIONS] = std::array::from_fn(|_| Vec::new());
        let mut put = |section: Section, bytes: &[u8]| sections[section as usize] = bytes.to_vec();
        put(Section::Provenance, &provenance.to_bytes());
        put(Section::StringOffsets, bytemuck::cast_slice(&self.strings.offsets));
        put(Section::StringBytes, &self.strings.bytes);
        put(Section::Derivations, bytemuck::cast_slice(&self.derivations));
        put(Section::Outputs, bytemuck::cast_slice(&self.outputs));
        put(Section::OutputOffsets, bytemuck::cast_slice(&self.output_offsets));
        put(Section::Inputs, bytemuck::cast_slice(&self.input_targets));
        put(Section::InputOutputs, bytemuck::cast_slice(&self.input_outputs));
        put(Section::InputOffsets, bytemuck::cast_slice(&self.input_offsets));
        put(Section::Users, bytemuck::cast_slice(&self.users));
        put(Section::UserOffsets, bytemuck::cast_slice(&self.user_offsets));
        put(Section::Attributes, bytemuck::cast_slice(&self.attributes));
        put(Section::AttributesOf, bytemuck::cast_slice(&self.attributes_of));
        put(Section::AttributesOfOffsets, bytemuck::cast_slice(&self.attributes_of_offsets));
        put(Section::Packages, bytemuck::cast_slice(&self.packages));
        put(Section::PackageMembers, bytemuck::cast_slice(&self.members));
        put(Section::PackageOffsets, bytemuck::cast_slice(&self.package_offsets));
        Graph::from_storage(Storage::build(&sections))
    }
}

/// Groups items by row, keeping their order: offsets and items in compressed sparse rows. O(rows + items).
fn group<T: Copy>(rows: usize, items: impl Iterator<Item = (u32, T)> + Clone) -> (Vec<u32>, Vec<T>) {
    let mut offsets = vec![0_u32; rows + 1];
    for (row, _) in items.clone() {
        offsets[row as usize + 1] += 1;
    }
    for row in 0..rows {
        offsets[row + 1] += offsets[row];
    }
    let mut next = offsets.clone();
    let mut grouped: Vec<Option<T>> = vec![None; offsets[rows] as usize];
    for (row, item) in items {
        grouped[next[row as usize] as usize] = Some(item);
        next[row as usize] += 1;
    }
    (offsets, grouped.into_iter().flatten().collect())
}
