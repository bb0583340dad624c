//! The union of all evaluations, as the frames of a file add up to it.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use super::frame::{Description, Frame, OUTPUT_SEPARATOR, flag};
use super::{AttributeChanges, Derivation, Evaluation, Life, Naming};
use crate::store_path::StoreHash;

/// Stands for "none" where a row has a position, and for the end of what has not ended.
pub(super) const NONE: u32 = u32::MAX;

/// Evaluations, and the union of their derivations and attributes.
#[derive(Debug, Default)]
pub struct History {
    pub(super) path: PathBuf,
    pub(super) evaluations: Vec<Evaluation>,
    pub(super) strings: Strings,
    pub(super) descriptions: Vec<Description>,
    pub(super) derivations: Vec<DerivationRow>,
    pub(super) inputs: Rows<u32>,
    /// Positions of the paths of the outputs of each derivation, in the order of their names.
    pub(super) outputs: Rows<u32>,
    pub(super) paths: Vec<PathRow>,
    pub(super) lives: Vec<LifeRow>,
    pub(super) namings: Vec<NamingRow>,
    /// Positions of the namings of the last evaluation, in order.
    pub(super) names_now: Vec<u32>,
    /// Bytes of the file that are whole.
    pub(super) whole: u64,
    /// Bytes behind them, which a killed writer left.
    pub(super) torn: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct DerivationRow {
    pub(super) hash: StoreHash,
    pub(super) description: u32,
    /// Its life in the last evaluation, or [`NONE`].
    pub(super) life: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PathRow {
    /// Zero if only the build tells.
    pub(super) hash: StoreHash,
    /// A string, or [`NONE`] for the one that follows from derivation and output.
    pub(super) name: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct LifeRow {
    pub(super) derivation: u32,
    pub(super) package: u32,
    pub(super) first: u32,
    /// The evaluation that does not have it any more, or [`NONE`].
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct NamingRow {
    pub(super) path: u32,
    pub(super) system: u32,
    pub(super) derivation: u32,
    pub(super) first: u32,
    /// As of a life.
    pub(super) end: u32,
}

/// Strings, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    fn push(&mut self, text: &str, lengths: &[u32]) -> Result<(), &'static str> {
        let mut end = 0_usize;
        for &length in lengths {
            end += length as usize;
            if !text.is_char_boundary(end) {
                return Err("its strings overlap");
            }
            self.ends.push(self.text.len() + end);
        }
        self.text.push_str(text);
        if end == text.len() { Ok(()) } else { Err("its strings overlap") }
    }
}

/// Rows of different lengths.
#[derive(Debug)]
pub(super) struct Rows<T> {
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { ends: Vec::new(), items: Vec::new() }
    }
}

impl<T> Rows<T> {
    pub(super) fn row(&self, at: usize) -> &[T] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.items[start as usize..self.ends[at] as usize]
    }

    pub(super) fn item_count(&self) -> usize {
        self.items.len()
    }

    fn end_row(&mut self) -> Result<(), &'static str> {
        self.ends.push(u32::try_from(self.items.len()).map_err(|_| "it has more edges than can be counted")?);
        Ok(())
    }
}

impl History {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The evaluations, in the order in which they were added.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Bytes of the file that count.
    pub fn bytes(&self) -> u64 {
        self.whole
    }

    /// Bytes of a last evaluation that a killed writer left unfinished. They count for nothing.
    pub fn torn_bytes(&self) -> u64 {
        self.torn
    }

    /// The number of distinct derivations.
    pub fn derivation_count(&self) -> usize {
        self.derivations.len()
    }

    /// The number of distinct input edges.
    pub fn edge_count(&self) -> usize {
        self.inputs.item_count()
    }

    /// A derivation of any evaluation.
    pub fn derivation(&self, position: usize) -> Derivation<'_> {
        let described = self.description(position);
        let text = |string| self.strings.get(string);
        Derivation {
            position,
            name: text(described.name),
            pname: text(described.pname),
            version: text(described.version),
            system: text(described.system),
            is_fixed_output: described.flags & flag::FIXED_OUTPUT != 0,
            is_floating: described.flags & flag::FLOATING != 0,
        }
    }

    /// Base name of the store path of a derivation; of its first output, if its own path is unknown.
    pub fn base_name(&self, position: usize) -> String {
        let described = self.description(position);
        let suffix = if described.flags & flag::NO_PATH == 0 { ".drv" } else { "" };
        format!("{}-{}{suffix}", self.derivations[position].hash, self.strings.get(described.name))
    }

    /// Positions of what a derivation needs, in order.
    pub fn inputs(&self, position: usize) -> impl ExactSizeIterator<Item = usize> {
        self.inputs.row(position).iter().map(|&input| input as usize)
    }

    /// Names of the outputs of a derivation, and base names of their paths; `None` if only its build tells it.
    pub fn outputs(&self, position: usize) -> impl Iterator<Item = (&str, Option<String>)> {
        let described = self.description(position);
        let name = self.strings.get(described.name);
        let outputs = output_names(self.strings.get(described.outputs)).zip(self.outputs.row(position));
        outputs.map(move |(output, &path)| {
            let row = &self.paths[path as usize];
            let base_name = match row.name {
                NONE => format!("{}-{}", row.hash, path_name(name, output)),
                string => format!("{}-{}", row.hash, self.strings.get(string)),
            };
            (output, (row.hash != StoreHash::default()).then_some(base_name))
        })
    }

    /// When each derivation is there, in the order in which that begins.
    pub fn lives(&self) -> impl ExactSizeIterator<Item = Life> {
        self.lives.iter().map(|life| Life {
            derivation: life.derivation as usize,
            package: life.package as usize,
            evaluations: life.first as usize..self.end(life.end),
        })
    }

    /// When each attribute names what, in the order in which that begins.
    pub fn namings(&self) -> impl ExactSizeIterator<Item = Naming<'_>> {
        self.namings.iter().map(|naming| Naming {
            attribute: self.strings.get(naming.path),
            system: self.strings.get(naming.system),
            derivation: (naming.derivation != NONE).then_some(naming.derivation as usize),
            evaluations: naming.first as usize..self.end(naming.end),
        })
    }

    pub(super) fn description(&self, position: usize) -> &Description {
        &self.descriptions[self.derivations[position].description as usize]
    }

    /// The first evaluation behind a run.
    pub(super) fn end(&self, end: u32) -> usize {
        if end == NONE { self.evaluations.len() } else { end as usize }
    }

    /// Adds an evaluation. Whatever a frame says is checked, so that no reader has to. O(frame + attributes of the evaluation).
    ///
    /// # Errors
    ///
    /// What is wrong with the frame. The history is of no use then.
    pub(super) fn apply(&mut self, frame: Frame, bytes: u64) -> Result<(), &'static str> {
        let new_derivations = frame.derivations.descriptions.len();
        self.strings.push(&frame.text, &frame.text_lengths)?;
        self.add_descriptions(&frame.descriptions)?;
        self.add_derivations(&frame)?;
        let (gone, back) = self.add_lives(&frame)?;
        let changes = self.add_namings(&frame)?;
        let before = self.evaluations.last().map_or(0, |evaluation| evaluation.derivations);
        self.evaluations.push(Evaluation {
            label: frame.label,
            time: frame.time,
            attributes: self.names_now.len(),
            derivations: before + new_derivations + back - gone,
            outputs: frame.outputs as usize,
            changes,
            new_derivations,
            gone_derivations: gone,
            bytes,
        });
        Ok(())
    }

    fn add_descriptions(&mut self, descriptions: &[Description]) -> Result<(), &'static str> {
        let strings = self.strings.len() as u32;
        let is_sound = |row: &Description| [row.name, row.pname, row.version, row.system, row.outputs].iter().all(|&at| at < strings);
        self.descriptions.extend_from_slice(descriptions);
        if descriptions.iter().all(is_sound) { Ok(()) } else { Err("a name in it is out of bounds") }
    }

    fn add_derivations(&mut self, frame: &Frame) -> Result<(), &'static str> {
        const BOUNDS: &str = "a derivation in it is out of bounds";
        let rows = &frame.derivations;
        let hashes: &[StoreHash] = bytemuck::try_cast_slice(&rows.hashes).map_err(|_| BOUNDS)?;
        let path_hashes: &[StoreHash] = bytemuck::try_cast_slice(&frame.paths.hashes).map_err(|_| BOUNDS)?;
        if [hashes.len(), rows.packages.len(), rows.input_counts.len()].iter().any(|&length| length != rows.descriptions.len())
            || path_hashes.len() != frame.paths.names.len()
        {
            return Err(BOUNDS);
        }
        let mut new_paths = path_hashes.iter().zip(&frame.paths.names);
        let (mut gaps, mut outputs) = (rows.input_gaps.iter(), rows.outputs.iter());
        for (at, &hash) in hashes.iter().enumerate() {
            let position = self.derivations.len() as u32;
            let description = *self.descriptions.get(rows.descriptions[at] as usize).ok_or(BOUNDS)?;
            self.derivations.push(DerivationRow { hash, description: rows.descriptions[at], life: NONE });
            let first = self.inputs.items.len();
            let mut nearest = position;
            for &gap in gaps.by_ref().take(rows.input_counts[at] as usize) {
                nearest = nearest.checked_sub(gap).filter(|_| gap > 0).ok_or(BOUNDS)?;
                self.inputs.items.push(nearest);
            }
            if self.inputs.items.len() - first != rows.input_counts[at] as usize {
                return Err(BOUNDS);
            }
            self.inputs.items[first..].reverse();
            self.inputs.end_row()?;
            for _ in 0..output_names(self.strings.get(description.outputs)).count() {
                let path = match *outputs.next().ok_or(BOUNDS)? {
                    0 => self.add_path(new_paths.next().ok_or(BOUNDS)?)?,
                    back => (self.paths.len() as u32).checked_sub(back).ok_or(BOUNDS)?,
                };
                self.outputs.items.push(path);
            }
            self.outputs.end_row()?;
            let package = position.checked_sub(rows.packages[at]).ok_or(BOUNDS)?;
            self.begin_life(position, package);
        }
        if gaps.next().is_some() || outputs.next().is_some() || new_paths.next().is_some() { Err(BOUNDS) } else { Ok(()) }
    }

    fn add_path(&mut self, (&hash, &name): (&StoreHash, &u32)) -> Result<u32, &'static str> {
        let name = if name == 0 { NONE } else { name - 1 };
        if name != NONE && name as usize >= self.strings.len() {
            return Err("a path in it is out of bounds");
        }
        self.paths.push(PathRow { hash, name });
        Ok(self.paths.len() as u32 - 1)
    }

    fn begin_life(&mut self, derivation: u32, package: u32) {
        self.derivations[derivation as usize].life = self.lives.len() as u32;
        self.lives.push(LifeRow { derivation, package, first: self.evaluations.len() as u32, end: NONE });
    }

    /// Ends and begins lives of what was known: how many derivations are gone, and how many are back.
    fn add_lives(&mut self, frame: &Frame) -> Result<(usize, usize), &'static str> {
        const BOUNDS: &str = "a life in it is out of bounds";
        let now = self.evaluations.len() as u32;
        for &derivation in &frame.ended {
            let row = self.derivations.get_mut(derivation as usize).ok_or(BOUNDS)?;
            let life = self.lives.get_mut(row.life as usize).filter(|life| life.first < now).ok_or(BOUNDS)?;
            life.end = now;
            row.life = NONE;
        }
        let mut moved = 0;
        let ended: FxHashSet<u32> = frame.ended.iter().copied().collect();
        for (&derivation, &package) in frame.begun.derivations.iter().zip(&frame.begun.packages) {
            let is_free = self.derivations.get(derivation as usize).is_some_and(|row| row.life == NONE);
            if !is_free || package > derivation {
                return Err(BOUNDS);
            }
            moved += usize::from(ended.contains(&derivation));
            self.begin_life(derivation, package);
        }
        if frame.begun.derivations.len() != frame.begun.packages.len() {
            return Err(BOUNDS);
        }
        Ok((frame.ended.len() - moved, frame.begun.derivations.len() - moved))
    }

    /// Ends and begins namings: what that did to attributes.
    fn add_namings(&mut self, frame: &Frame) -> Result<AttributeChanges, &'static str> {
        const BOUNDS: &str = "an attribute in it is out of bounds";
        let (now, rows) = (self.evaluations.len() as u32, &frame.namings);
        let mut gone = Vec::with_capacity(frame.namings_ended.len());
        for &naming in &frame.namings_ended {
            let row = self.namings.get_mut(naming as usize).filter(|row| row.end == NONE).ok_or(BOUNDS)?;
            row.end = now;
            gone.push((row.path, row.system));
        }
        if rows.paths.len() != rows.systems.len() || rows.paths.len() != rows.derivations.len() {
            return Err(BOUNDS);
        }
        let strings = self.strings.len() as u32;
        let mut new = Vec::with_capacity(rows.paths.len());
        for at in 0..rows.paths.len() {
            let (path, system) = (rows.paths[at], rows.systems[at]);
            let derivation = match rows.derivations[at] {
                0 => NONE,
                back => (self.derivations.len() as u32).checked_sub(back).ok_or(BOUNDS)?,
            };
            if path >= strings || system >= strings {
                return Err(BOUNDS);
            }
            new.push((path, system));
            self.names_now.push(self.namings.len() as u32);
            self.namings.push(NamingRow { path, system, derivation, first: now, end: NONE });
        }
        let namings = &self.namings;
        self.names_now.retain(|&naming| namings[naming as usize].end == NONE);
        gone.sort_unstable();
        new.sort_unstable();
        let changed = in_both(&gone, &new);
        Ok(AttributeChanges { added: new.len() - changed, removed: gone.len() - changed, changed })
    }
}

/// How many items two sorted lists have in common.
fn in_both<T: Ord>(a: &[T], b: &[T]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut count = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let order = left.cmp(right);
        count += usize::from(order.is_eq());
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
    }
    count
}

/// The name in an output's path, as Nix makes it.
pub(super) fn path_name(derivation: &str, output: &str) -> String {
    if output == "out" { derivation.to_owned() } else { format!("{derivation}-{output}") }
}

/// The names in a list of outputs.
pub(super) fn output_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(OUTPUT_SEPARATOR).filter(|name| !name.is_empty())
}
