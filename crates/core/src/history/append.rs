//! An evaluation against a history: what it adds.

use std::iter::successors;

use rustc_hash::FxHashMap;

use super::frame::{Description, Frame, Namings, OUTPUT_SEPARATOR, flag};
use super::source::{AttributeRecord, DerivationRecord, Evaluated, OutputRecord};
use super::state::{History, NONE, output_names, path_name};
use crate::error::{Error, Result};
use crate::store_path::StoreHash;

/// Positions of what a history has, by what it is.
#[derive(Debug, Default)]
pub(super) struct Index {
    strings: FxHashMap<Box<str>, u32>,
    descriptions: FxHashMap<Description, u32>,
    /// The last with each hash: one, unless dumps describe it, or what it needs, in several ways.
    derivations: FxHashMap<StoreHash, u32>,
    /// Of each derivation the one before it with the same hash, or [`NONE`].
    earlier: Vec<u32>,
    paths: FxHashMap<StoreHash, u32>,
    /// What of the history is in it.
    known: Known,
}

/// How much of each there is.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    strings: usize,
    descriptions: usize,
    derivations: usize,
    paths: usize,
}

impl Index {
    /// Takes in what the history has got since. O(that).
    pub(super) fn update(&mut self, history: &History) {
        let known = self.known;
        for at in known.strings as u32..history.strings.len() as u32 {
            self.strings.insert(history.strings.get(at).into(), at);
        }
        for (at, &description) in history.descriptions.iter().enumerate().skip(known.descriptions) {
            self.descriptions.insert(description, at as u32);
        }
        for (at, row) in history.derivations.iter().enumerate().skip(known.derivations) {
            let earlier = self.derivations.insert(row.hash, at as u32);
            self.earlier.push(earlier.unwrap_or(NONE));
        }
        for (at, row) in history.paths.iter().enumerate().skip(known.paths) {
            self.paths.insert(row.hash, at as u32);
        }
        self.known = Known {
            strings: history.strings.len(),
            descriptions: history.descriptions.len(),
            derivations: history.derivations.len(),
            paths: history.paths.len(),
        };
    }

    /// All derivations with a hash, the last first.
    fn derivations(&self, hash: StoreHash) -> impl Iterator<Item = u32> {
        let earlier = |&at: &u32| self.earlier.get(at as usize).copied().filter(|&earlier| earlier != NONE);
        successors(self.derivations.get(&hash).copied(), earlier)
    }
}

/// A frame that is being made. The history stays as it is until the frame is in the file.
pub(super) struct Appending<'h> {
    history: &'h History,
    index: &'h Index,
    /// New ones, beside those of the index.
    strings: FxHashMap<Box<str>, u32>,
    descriptions: FxHashMap<Description, u32>,
    paths: FxHashMap<StoreHash, u32>,
    new_paths: u32,
    /// Position in the history of each derivation, in the evaluation's order.
    positions: Vec<u32>,
    /// Package number of each, as the evaluation has it.
    packages: Vec<usize>,
    frame: Frame,
}

impl<'h> Appending<'h> {
    /// What `evaluation` adds. O(V + E + A log A), and O(derivations + output paths) of the history. Where a hash stands for several
    /// derivations, each of them is looked at.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond 2³² − 1 of anything.
    pub(super) fn frame(history: &'h History, index: &'h Index, label: &str, time: u64, evaluation: &impl Evaluated) -> Result<Frame> {
        let mut appending = Self {
            history,
            index,
            strings: FxHashMap::default(),
            descriptions: FxHashMap::default(),
            paths: FxHashMap::default(),
            new_paths: 0,
            positions: Vec::new(),
            packages: Vec::new(),
            frame: Frame { label: label.to_owned(), time, ..Frame::default() },
        };
        for record in evaluation.derivations() {
            appending.derivation(&record);
        }
        appending.lives();
        appending.namings(evaluation.attributes());
        appending.check_size()?;
        Ok(appending.frame)
    }

    /// A derivation is the one with its hash that says the same; if none does it is new, and so is all that needs it.
    fn derivation(&mut self, record: &DerivationRecord<'_>) {
        let mut inputs: Vec<u32> = record.inputs.iter().map(|&input| self.positions[input]).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let same = self.index.derivations(record.hash).find(|&known| {
            let position = known as usize;
            self.history.inputs.row(position) == inputs
                && self.is_described(position, record)
                && self.has_outputs(position, &record.outputs)
        });
        let position = same.unwrap_or_else(|| self.new_derivation(record, &inputs));
        self.positions.push(position);
        self.packages.push(record.package);
    }

    /// Looks at the text: nearly everything is known, and looking for the numbers of its strings takes longer.
    fn is_described(&self, known: usize, record: &DerivationRecord<'_>) -> bool {
        let described = self.history.description(known);
        let text = |string| self.history.strings.get(string);
        described.flags == flags(record)
            && [described.name, described.pname, described.version, described.system].map(text)
                == [record.name, record.pname, record.version, record.system]
            && output_names(text(described.outputs)).eq(record.outputs.iter().map(|output| output.name))
    }

    fn has_outputs(&self, known: usize, outputs: &[OutputRecord<'_>]) -> bool {
        let hash = |output: &OutputRecord<'_>| output.path.map_or_else(StoreHash::default, |(hash, _)| hash);
        let paths = self.history.outputs.row(known).iter().map(|&path| self.history.paths[path as usize].hash);
        paths.eq(outputs.iter().map(hash))
    }

    fn new_derivation(&mut self, record: &DerivationRecord<'_>, inputs: &[u32]) -> u32 {
        let (position, description) = (self.next_derivation(), self.description(record));
        let rows = &mut self.frame.derivations;
        rows.hashes.extend_from_slice(bytemuck::bytes_of(&record.hash));
        rows.descriptions.push(description);
        rows.input_counts.push(inputs.len() as u32);
        let mut nearest = position;
        for &input in inputs.iter().rev() {
            rows.input_gaps.push(nearest - input);
            nearest = input;
        }
        for output in &record.outputs {
            let back = self.path(record.name, output);
            self.frame.derivations.outputs.push(back);
        }
        position
    }

    /// Whether everything can still be counted with 32 bits.
    fn check_size(&self) -> Result<()> {
        let (history, rows) = (self.history, &self.frame.derivations);
        let sizes = [
            ("derivations of a history", history.derivations.len() + rows.descriptions.len()),
            ("edges of a history", history.inputs.item_count() + rows.input_gaps.len()),
            ("outputs of a history", history.outputs.item_count() + rows.outputs.len()),
            ("lives of a history", history.lives.len() + self.positions.len()),
            ("attributes of a history", history.namings.len() + self.frame.namings.paths.len()),
            ("names of a history", history.strings.len() + self.frame.text_lengths.len()),
        ];
        match sizes.into_iter().find(|&(_, size)| size >= NONE as usize) {
            Some((what, _)) => Err(Error::TooLarge { what, limit: u64::from(NONE) - 1 }),
            None => Ok(()),
        }
    }

    fn next_derivation(&self) -> u32 {
        (self.history.derivations.len() + self.frame.derivations.descriptions.len()) as u32
    }

    /// How a frame refers to an output's path.
    fn path(&mut self, derivation: &str, output: &OutputRecord<'_>) -> u32 {
        let next = self.history.paths.len() as u32 + self.new_paths;
        let known = output.path.and_then(|(hash, _)| self.index.paths.get(&hash).or_else(|| self.paths.get(&hash)));
        if let Some(&known) = known {
            return next - known;
        }
        let hash = output.path.map_or_else(StoreHash::default, |(hash, _)| hash);
        let name = match output.path.map(|(_, name)| name) {
            Some(name) if name != path_name(derivation, output.name) => self.string(name) + 1,
            _ => 0,
        };
        self.frame.paths.hashes.extend_from_slice(bytemuck::bytes_of(&hash));
        self.frame.paths.names.push(name);
        if output.path.is_some() {
            self.paths.insert(hash, next);
        }
        self.new_paths += 1;
        0
    }

    fn description(&mut self, record: &DerivationRecord<'_>) -> u32 {
        let [name, pname, version, system] = [record.name, record.pname, record.version, record.system].map(|text| self.string(text));
        let outputs = match record.outputs.as_slice() {
            [output] => self.string(output.name),
            outputs => self.string(&outputs.iter().map(|output| output.name).collect::<Vec<_>>().join(&OUTPUT_SEPARATOR.to_string())),
        };
        let description = Description { name, pname, version, system, outputs, flags: flags(record) };
        if let Some(&known) = self.index.descriptions.get(&description).or_else(|| self.descriptions.get(&description)) {
            return known;
        }
        let at = (self.history.descriptions.len() + self.frame.descriptions.len()) as u32;
        self.frame.descriptions.push(description);
        self.descriptions.insert(description, at);
        at
    }

    fn string(&mut self, text: &str) -> u32 {
        if let Some(&known) = self.index.strings.get(text).or_else(|| self.strings.get(text)) {
            return known;
        }
        let at = (self.history.strings.len() + self.frame.text_lengths.len()) as u32;
        self.frame.text.push_str(text);
        self.frame.text_lengths.push(text.len() as u32);
        self.strings.insert(text.into(), at);
        at
    }

    /// Lives that end and begin, and the package of everything new.
    fn lives(&mut self) {
        let mut first_of: FxHashMap<usize, u32> = FxHashMap::default();
        for (&position, &package) in self.positions.iter().zip(&self.packages) {
            let first = first_of.entry(package).or_insert(position);
            *first = (*first).min(position);
        }
        let known = self.history.derivations.len();
        // The package of each derivation that was known and is there.
        let mut now: Vec<u32> = vec![NONE; known];
        let mut new = vec![0; self.frame.derivations.descriptions.len()];
        for (&position, package) in self.positions.iter().zip(&self.packages) {
            let at = position as usize;
            match at.checked_sub(known) {
                None => now[at] = first_of[package],
                Some(at) => new[at] = position - first_of[package],
            }
        }
        self.frame.derivations.packages = new;
        for (at, (row, &package)) in self.history.derivations.iter().zip(&now).enumerate() {
            let before = self.history.lives.get(row.life as usize).map_or(NONE, |life| life.package);
            if before != package {
                if before != NONE {
                    self.frame.ended.push(at as u32);
                }
                if package != NONE {
                    self.frame.begun.derivations.push(at as u32);
                    self.frame.begun.packages.push(package);
                }
            }
        }
        self.frame.outputs = self.distinct_outputs();
    }

    /// Distinct output paths of the evaluation.
    fn distinct_outputs(&self) -> u32 {
        let (known, history) = (self.history.derivations.len(), self.history);
        let mut seen = vec![false; history.paths.len() + self.new_paths as usize];
        for &position in self.positions.iter().filter(|&&position| (position as usize) < known) {
            history.outputs.row(position as usize).iter().for_each(|&path| seen[path as usize] = true);
        }
        let mut next = history.paths.len() as u32;
        for &back in &self.frame.derivations.outputs {
            let path = next - back;
            seen[path as usize] = true;
            next += u32::from(back == 0);
        }
        seen.into_iter().filter(|&is_there| is_there).count() as u32
    }

    /// Namings that end and begin: two sorted lists, side by side.
    fn namings<'e>(&mut self, attributes: impl Iterator<Item = AttributeRecord<'e>>) {
        let mut now: Vec<(u32, u32, u32)> = attributes
            .map(|attribute| {
                let derivation = attribute.derivation.map_or(NONE, |at| self.positions[at]);
                (self.string(attribute.path), self.string(attribute.system), derivation)
            })
            .collect();
        now.sort_unstable();
        let mut before: Vec<((u32, u32, u32), u32)> = self
            .history
            .names_now
            .iter()
            .map(|&naming| {
                let row = &self.history.namings[naming as usize];
                ((row.path, row.system, row.derivation), naming)
            })
            .collect();
        before.sort_unstable();
        let derivations = self.next_derivation();
        let mut before = before.into_iter().peekable();
        let mut ended = Vec::new();
        for naming in now {
            while let Some((_, gone)) = before.next_if(|(known, _)| *known < naming) {
                ended.push(gone);
            }
            if before.next_if(|(known, _)| *known == naming).is_none() {
                let (path, system, derivation) = naming;
                let Namings { paths, systems, derivations: of } = &mut self.frame.namings;
                paths.push(path);
                systems.push(system);
                of.push(if derivation == NONE { 0 } else { derivations - derivation });
            }
        }
        ended.extend(before.map(|(_, gone)| gone));
        ended.sort_unstable();
        self.frame.namings_ended = ended;
    }
}

fn flags(record: &DerivationRecord<'_>) -> u8 {
    let flags = [(record.is_fixed_output, flag::FIXED_OUTPUT), (record.is_floating, flag::FLOATING), (!record.has_path, flag::NO_PATH)];
    flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum()
}
