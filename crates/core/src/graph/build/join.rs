//! Descriptions of one thing in several dumps become one thing.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::super::columns::NONE;
use crate::error::{Error, Result};
use crate::ingest::record::{AttributeRecord, DerivationRecord, Interned, MetaRecord, OutputRecord, Path, Records, Symbol};
use crate::ingest::{FindingKind, Findings};
use crate::store_path::{StoreHash, StorePath, split_name};

/// A derivation, before it has its place in the order.
pub(super) struct Node<'i> {
    /// `None` if only its outputs are known.
    pub(super) path: Option<Path>,
    /// Batch and position of its fullest description.
    pub(super) record: Option<(usize, usize)>,
    /// Empty if no description says.
    pub(super) system: Symbol,
    pub(super) outputs: Cow<'i, [OutputRecord]>,
}

impl Node<'_> {
    /// Its fullest description.
    pub(super) fn record<'b>(&self, batches: &'b [Records]) -> Option<&'b DerivationRecord> {
        self.record.map(|(batch, at)| &batches[batch].derivations[at])
    }

    /// Its path; that of its first output, if no dump told its own.
    pub(super) fn path(&self) -> Option<Path> {
        self.path.or_else(|| self.outputs.iter().find_map(|output| output.path))
    }
}

/// An attribute, joined.
pub(super) struct JoinedAttribute<'i> {
    pub(super) attr: Symbol,
    /// The system that it was evaluated for, where a dump says that; once all are joined, its derivation's where none does.
    pub(super) system: Option<Symbol>,
    /// The system of its derivation, where a dump says that beside the attribute.
    pub(super) derivation_system: Option<Symbol>,
    pub(super) node: Option<u32>,
    /// Whether a dump named the derivation, and not only its outputs.
    pub(super) exact: bool,
    /// Its first output path, by which descriptions without a derivation are joined.
    pub(super) output: Option<StoreHash>,
    /// Its outputs as a dump lists them; empty if none does.
    pub(super) outputs: &'i [OutputRecord],
    pub(super) meta: MetaRecord,
    pub(super) error: Option<Symbol>,
    pub(super) source: usize,
}

impl JoinedAttribute<'_> {
    /// Whether another description of the same attribute says something else of it.
    fn contradicts(&self, other: &Self) -> bool {
        let (known, new) = (self.meta, other.meta);
        // Formats spell names, licences and positions in ways of their own; a flag is a flag in each, and one dump is of one format.
        let flags = [(known.broken, new.broken), (known.unfree, new.unfree), (known.insecure, new.insecure)];
        flags.into_iter().any(|(known, new)| !agree(known, new)) || (self.source == other.source && known.or(new) != new.or(known))
    }

    /// Fills what is unknown from another description.
    fn absorb(&mut self, other: &Self, takes_its_name: bool) {
        if takes_its_name {
            self.attr = other.attr;
        }
        if other.exact && !self.exact {
            self.node = other.node;
        }
        self.node = self.node.or(other.node);
        self.exact |= other.exact;
        self.output = self.output.or(other.output);
        if self.outputs.is_empty() {
            self.outputs = other.outputs;
        }
        self.system = self.system.or(other.system);
        self.derivation_system = self.derivation_system.or(other.derivation_system);
        self.meta = self.meta.or(other.meta);
        self.error = self.error.or(other.error);
    }
}

/// Edges by node, before the order.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) offsets: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) outputs: Vec<Symbol>,
}

impl Inputs {
    pub(super) fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize
    }
}

pub(super) struct Join<'s, 'i> {
    strings: &'s mut Interned,
    batches: &'i [Records],
    findings: Findings,
    nodes: Vec<Node<'i>>,
    by_path: FxHashMap<StoreHash, u32>,
    by_output: FxHashMap<StoreHash, u32>,
}

impl<'s, 'i> Join<'s, 'i> {
    pub(super) fn new(strings: &'s mut Interned, batches: &'i [Records], findings: Findings) -> Self {
        let whole = batches.iter().flat_map(|records| &records.derivations).filter(|record| record.recipe.is_some());
        let (derivations, outputs) = whole.fold((0, 0), |(derivations, outputs), record| (derivations + 1, outputs + record.outputs.len()));
        Self {
            strings,
            batches,
            findings,
            nodes: Vec::with_capacity(derivations),
            by_path: FxHashMap::with_capacity_and_hasher(derivations, FxBuildHasher),
            by_output: FxHashMap::with_capacity_and_hasher(outputs, FxBuildHasher),
        }
    }

    fn record(&self, at: (usize, usize)) -> &'i DerivationRecord {
        &self.batches[at.0].derivations[at.1]
    }

    fn outputs(&self, at: (usize, usize)) -> &'i [OutputRecord] {
        self.batches[at.0].outputs_of(&self.record(at).outputs)
    }

    fn name(&self, path: Path) -> String {
        format!("{}-{}.drv", path.hash, self.strings.resolve(path.name))
    }

    /// Whole derivations first, so that partial descriptions find their outputs; then those with outputs, so that one without is of the
    /// same derivation, whichever comes first.
    pub(super) fn add_derivations(&mut self) {
        let batches = self.batches;
        let all = || batches.iter().enumerate().flat_map(|(batch, records)| (0..records.derivations.len()).map(move |at| (batch, at)));
        let is_whole = |at: (usize, usize)| batches[at.0].derivations[at.1].recipe.is_some();
        for at in all().filter(|&at| is_whole(at)) {
            self.add_whole(at);
        }
        for with_outputs in [true, false] {
            for at in all().filter(|&at| !is_whole(at)) {
                let outputs = self.outputs(at);
                if outputs.iter().any(|output| output.path.is_some()) == with_outputs {
                    self.add_partial(at, outputs);
                }
            }
        }
    }

    fn add_whole(&mut self, at: (usize, usize)) {
        let path = self.record(at).path;
        match self.by_path.entry(path.hash) {
            Entry::Vacant(entry) => {
                entry.insert(self.nodes.len() as u32);
                self.push_node(Some(path), Some(at), self.outputs(at));
            }
            Entry::Occupied(entry) => {
                let known = *entry.get();
                let first = self.nodes[known as usize].record.unwrap_or(at);
                let is_same = self.same(first, at);
                let kind = if is_same { FindingKind::DuplicateDerivation } else { FindingKind::ContradictoryDerivation };
                let name = self.name(path);
                self.findings.add(kind, || name);
                if is_same {
                    self.fill_outputs(known, path, self.outputs(at));
                }
            }
        }
    }

    /// Fills paths of outputs from another description: some Nix versions leave that of a fixed output out.
    fn fill_outputs(&mut self, node: u32, path: Path, outputs: &[OutputRecord]) {
        for output in outputs {
            let known = &mut self.nodes[node as usize].outputs;
            let unknown = known.iter().position(|known| known.name == output.name && known.path.is_none());
            if let (Some(at), Some(output)) = (unknown, output.path) {
                known.to_mut()[at].path = Some(output);
                self.index_output(node, Some(path), output);
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
    fn add_partial(&mut self, at: (usize, usize), outputs: &'i [OutputRecord]) {
        let path = self.record(at).path;
        if let Some(&known) = self.by_path.get(&path.hash) {
            self.merge_partial(known, at, outputs);
        } else if let Some(known) = self.whole_with_output(outputs) {
            self.by_path.insert(path.hash, known);
            let name = self.name(path);
            self.findings.add(FindingKind::JoinedByOutput, || name);
            self.merge_partial(known, at, outputs);
        } else {
            self.by_path.insert(path.hash, self.nodes.len() as u32);
            self.push_node(Some(path), Some(at), outputs);
        }
    }

    /// Adds to a node what a partial description knows besides: outputs, inputs and a system that no other told.
    fn merge_partial(&mut self, known: u32, at: (usize, usize), outputs: &[OutputRecord]) {
        let record = self.record(at);
        let first = self.nodes[known as usize].record(self.batches);
        let node = &mut self.nodes[known as usize];
        if first.is_none_or(|first| told(record) > told(first)) {
            node.record = Some(at);
        }
        if node.system == Symbol::EMPTY {
            node.system = record.system;
        }
        if first.is_none_or(|first| first.recipe.is_none()) {
            self.add_outputs(known, outputs);
        }
    }

    /// Adds outputs of names that a node does not have yet; they stay in order.
    fn add_outputs(&mut self, node: u32, outputs: &[OutputRecord]) {
        let own = &mut self.nodes[node as usize];
        let more: Vec<_> = outputs.iter().filter(|output| !own.outputs.iter().any(|known| known.name == output.name)).copied().collect();
        if more.is_empty() {
            return;
        }
        let (path, strings) = (own.path, &*self.strings);
        let all = own.outputs.to_mut();
        all.extend_from_slice(&more);
        all.sort_by(|a, b| strings.resolve(a.name).cmp(strings.resolve(b.name)));
        for output in more.into_iter().filter_map(|output| output.path) {
            self.index_output(node, path, output);
        }
    }

    /// Whether an attribute has outputs that its derivation does not build: some are sets of outputs picked from several. Where no dump
    /// describes the derivation in full, that is known only of an output that it builds at another path.
    fn has_foreign(&self, node: u32, outputs: &[OutputRecord]) -> bool {
        let node = &self.nodes[node as usize];
        let is_whole = node.record(self.batches).is_some_and(|record| record.recipe.is_some());
        outputs.iter().filter(|output| output.path.is_some()).any(|output| {
            !node.outputs.iter().any(|own| own.path == output.path) && (is_whole || node.outputs.iter().any(|own| own.name == output.name))
        })
    }

    /// The derivation with one of these outputs, among those that a dump describes in full.
    fn whole_with_output(&self, outputs: &[OutputRecord]) -> Option<u32> {
        let known = outputs.iter().filter_map(|output| self.by_output.get(&output.path?.hash).copied());
        known.into_iter().find(|&node| self.nodes[node as usize].record.is_some_and(|at| self.record(at).recipe.is_some()))
    }

    fn push_node(&mut self, path: Option<Path>, record: Option<(usize, usize)>, outputs: &'i [OutputRecord]) -> u32 {
        let node = self.nodes.len() as u32;
        for output in outputs.iter().filter_map(|output| output.path) {
            self.index_output(node, path, output);
        }
        let system = record.map_or(Symbol::EMPTY, |at| self.record(at).system);
        self.nodes.push(Node { path, record, system, outputs: Cow::Borrowed(outputs) });
        node
    }

    /// Notes what builds an output: the node with this path.
    fn index_output(&mut self, node: u32, path: Option<Path>, output: Path) {
        match self.by_output.entry(output.hash) {
            Entry::Vacant(entry) => {
                entry.insert(node);
            }
            // Derivations that differ only behind a fixed output build the same path. The first by path stands for all.
            Entry::Occupied(mut entry) => {
                let first_path = self.nodes.get(*entry.get() as usize).and_then(|first| first.path);
                let key = |path: Option<Path>| path.map(|path| path.hash);
                if key(path) < key(first_path) {
                    entry.insert(node);
                }
                let name = format!("{}-{}", output.hash, self.strings.resolve(output.name));
                self.findings.add(FindingKind::SharedOutput, || name);
            }
        }
    }

    pub(super) fn add_attributes(&mut self) -> Vec<JoinedAttribute<'i>> {
        let batches = self.batches;
        let mut joined: Vec<JoinedAttribute<'i>> = Vec::new();
        // Positions in `joined` of the attributes with this attribute path.
        let mut by_path: FxHashMap<Symbol, Vec<usize>> = FxHashMap::default();
        // What says what it builds first: that tells for which system the others are.
        for with_build in [true, false] {
            for records in batches {
                for record in records.attributes.iter().filter(|record| says_what_it_builds(record, records) == with_build) {
                    let node = with_build.then(|| self.attribute_node(record, records));
                    let same_path = by_path.entry(self.unquoted(record.attr)).or_default();
                    self.add_attribute(&mut joined, same_path, record, node, records);
                }
            }
        }
        for attribute in &mut joined {
            attribute.system = self.system_of(attribute);
        }
        for attribute in &joined {
            let Some(node) = attribute.node.filter(|&node| self.has_foreign(node, attribute.outputs)) else { continue };
            let attr = || self.strings.resolve(attribute.attr).to_owned();
            let name = self.nodes[node as usize].path.map_or_else(attr, |path| self.name(path));
            self.findings.add(FindingKind::MixedOutputs, || name);
        }
        for attribute in joined.iter().filter(|attribute| attribute.error.is_some()) {
            let attr = self.strings.resolve(attribute.attr);
            let error = attribute.error.map_or("", |error| self.strings.resolve(error));
            let words: Vec<_> = error.split_whitespace().collect();
            self.findings.add(FindingKind::EvaluationError, || format!("{attr}: {}", words.join(" ")));
        }
        joined
    }

    /// The key of an attribute: not every dump quotes a component with a dot in it.
    fn unquoted(&mut self, attr: Symbol) -> Symbol {
        let text = self.strings.resolve(attr);
        if !text.contains('"') {
            return attr;
        }
        let text = text.replace('"', "");
        self.strings.intern(&text)
    }

    /// The derivation of an attribute that says one: by path, then by output path, else a new one of which no more is known.
    fn attribute_node(&mut self, record: &AttributeRecord, records: &'i Records) -> u32 {
        let outputs = records.outputs_of(&record.outputs);
        let known = record.derivation.and_then(|path| self.by_path.get(&path.hash));
        if let Some(&node) = known.or_else(|| outputs.iter().find_map(|output| self.by_output.get(&output.path?.hash))) {
            return node;
        }
        if let Some(path) = record.derivation {
            self.by_path.insert(path.hash, self.nodes.len() as u32);
        }
        self.push_node(record.derivation, None, outputs)
    }

    fn add_attribute(
        &mut self,
        joined: &mut Vec<JoinedAttribute<'i>>,
        same_path: &mut Vec<usize>,
        record: &AttributeRecord,
        node: Option<u32>,
        records: &'i Records,
    ) {
        let outputs = records.outputs_of(&record.outputs);
        let output = outputs.iter().find_map(|output| output.path).map(|path| path.hash);
        let described = JoinedAttribute {
            attr: record.attr,
            system: record.system,
            derivation_system: record.derivation_system,
            node,
            exact: record.derivation.is_some(),
            output,
            outputs,
            meta: record.meta,
            error: record.error,
            source: records.source,
        };
        let same = same_path.iter().copied().filter(|&at| self.is_same(&joined[at], &described));
        // One derivation may build the same for several systems.
        if let Some(at) = same.min_by_key(|&at| self.system_of(&joined[at]) != self.system_of(&described)) {
            let known = &mut joined[at];
            let attr = self.strings.resolve(record.attr);
            if known.contradicts(&described) {
                self.findings.add(FindingKind::ContradictoryAttribute, || attr.to_owned());
            } else if known.source == described.source {
                self.findings.add(FindingKind::DuplicateAttribute, || attr.to_owned());
            }
            // Of two spellings, the quoted one can be typed.
            let is_quoted = self.strings.resolve(record.attr).contains('"');
            known.absorb(&described, is_quoted);
            return;
        }
        // The same attribute for another system is another attribute; for the same system, a contradiction.
        if same_path.iter().any(|&at| self.has_same_system(&joined[at], &described)) {
            let attr = self.strings.resolve(record.attr);
            self.findings.add(FindingKind::ContradictoryAttribute, || attr.to_owned());
            return;
        }
        same_path.push(joined.len());
        joined.push(described);
    }

    /// Whether two descriptions with one attribute path are of one attribute.
    fn is_same(&self, known: &JoinedAttribute<'_>, new: &JoinedAttribute<'_>) -> bool {
        match (known.node, new.node) {
            // What is evaluated for one system may be built by another: wine for x86_64 by i686. The derivation decides.
            (Some(node), Some(other)) => {
                let same_derivation = node == other || (!(known.exact && new.exact) && known.output == new.output);
                same_derivation && agree(known.system, new.system) && agree(known.derivation_system, new.derivation_system)
            }
            // What fails is not what evaluates: the line of a failure does not say its system.
            (Some(_), None) if new.error.is_some() => false,
            _ => agree(self.system_of(known), self.system_of(new)),
        }
    }

    /// Whether two descriptions that are not of one attribute are for one system, as far as their dumps say.
    fn has_same_system(&self, known: &JoinedAttribute<'_>, new: &JoinedAttribute<'_>) -> bool {
        let built_by = self.built_by(known);
        let same_builder = built_by.is_some() && built_by == self.built_by(new);
        self.system_of(known) == self.system_of(new) || (same_builder && agree(known.system, new.system))
    }

    /// The system that an attribute is for: the one that it was evaluated for, else its derivation's.
    fn system_of(&self, attribute: &JoinedAttribute<'_>) -> Option<Symbol> {
        attribute.system.or_else(|| self.built_by(attribute))
    }

    /// The system of an attribute's derivation.
    fn built_by(&self, attribute: &JoinedAttribute<'_>) -> Option<Symbol> {
        let described = || Some(self.nodes[attribute.node? as usize].system);
        attribute.derivation_system.or_else(described).filter(|&system| system != Symbol::EMPTY)
    }

    /// Edges between nodes; an input that no dump defines becomes a node of its own.
    pub(super) fn resolve_inputs(&mut self) -> Result<Inputs> {
        let batches = self.batches;
        let edges = batches.iter().map(|records| records.inputs.len()).sum();
        let mut inputs = Inputs { offsets: vec![0], targets: Vec::with_capacity(edges), outputs: Vec::with_capacity(edges) };
        // The node of each base name that an edge has led to.
        let mut known = vec![NONE; self.strings.len()];
        let defined = self.nodes.len();
        for node in 0..defined {
            let edges = self.nodes[node].record.map_or(&[][..], |(batch, at)| batches[batch].inputs_of(&batches[batch].derivations[at]));
            for edge in edges {
                let target = &mut known[edge.derivation.index()];
                if *target == NONE {
                    *target = self.input_node(edge.derivation);
                }
                inputs.targets.push(*target);
                inputs.outputs.push(edge.outputs);
            }
            inputs.offsets.push(checked(inputs.targets.len(), "input edges")?);
        }
        inputs.offsets.resize(self.nodes.len() + 1, checked(inputs.targets.len(), "input edges")?);
        checked(self.nodes.len(), "derivations")?;
        Ok(inputs)
    }

    /// The node of an input, by the base name of its path.
    fn input_node(&mut self, base: Symbol) -> u32 {
        // That it is a path was checked when it was read.
        let path = StorePath::parse_derivation(self.strings.resolve(base));
        let (hash, name) = path.map_or((StoreHash::default(), ""), |path| (path.hash, path.name));
        if let Some(&known) = self.by_path.get(&hash) {
            return known;
        }
        let name = name.to_owned();
        let path = Path { hash, name: self.strings.intern(&name) };
        let node = self.nodes.len() as u32;
        self.by_path.insert(hash, node);
        self.nodes.push(Node { path: Some(path), record: None, system: Symbol::EMPTY, outputs: Cow::default() });
        node
    }

    /// The nodes and findings. Of nodes without a description, the parts of their names are known to the strings.
    pub(super) fn finish(self) -> (Vec<Node<'i>>, Findings) {
        for path in self.nodes.iter().filter(|node| node.record.is_none()).filter_map(Node::path) {
            let (pname, version) = split_name(self.strings.resolve(path.name));
            for part in [pname, version].map(ToOwned::to_owned) {
                self.strings.intern(&part);
            }
        }
        (self.nodes, self.findings)
    }
}

/// How much a description tells of a derivation, besides its outputs: the larger, the more.
fn told(record: &DerivationRecord) -> [bool; 3] {
    [record.recipe.is_some(), record.has_inputs, record.system != Symbol::EMPTY]
}

/// Whether a description names a derivation or an output path.
fn says_what_it_builds(record: &AttributeRecord, records: &Records) -> bool {
    record.derivation.is_some() || records.outputs_of(&record.outputs).iter().any(|output| output.path.is_some())
}

/// Whether two descriptions may be of the same: what one does not say contradicts nothing.
fn agree<T: PartialEq + Copy>(known: Option<T>, new: Option<T>) -> bool {
    known.is_none() || new.is_none() || known == new
}

fn checked(count: usize, what: &'static str) -> Result<u32> {
    u32::try_from(count).ok().filter(|&count| count != NONE).ok_or(Error::TooLarge { what, limit: u64::from(NONE) - 1 })
}
