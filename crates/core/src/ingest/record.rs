//! The neutral rows that every reader produces. Strings are interned; nothing is allocated per edge.

use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lasso::{Key as _, Rodeo, Spur};
use rustc_hash::FxBuildHasher;

use super::finding::{Finding, FindingKind};
use crate::error::{Error, Result};
use crate::store_path::{StoreHash, StorePath};

/// Separates the items of an interned list.
///
/// A list is one interned string: most lists (`out`, `dev` and `out`, one maintainer) occur thousands of times.
pub(crate) const LIST_SEPARATOR: char = '\u{1f}';

/// Parts of an interner: threads wait for each other only where they add to the same one.
const SHARDS: usize = 64;

/// An interned string, or an interned list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Symbol(NonZeroU32);

impl Symbol {
    /// The empty string.
    pub(crate) const EMPTY: Self = Self(NonZeroU32::MIN);

    fn new(shard: usize, at: Spur) -> Self {
        let number = u32::try_from(at.into_usize() * SHARDS + shard + 1);
        // One that does not fit is an error once everything is read.
        Self(number.ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX))
    }

    /// Its position among the symbols of its interner.
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    fn shard(self) -> usize {
        self.index() % SHARDS
    }

    fn at(self) -> Option<Spur> {
        Spur::try_from_usize(self.index() / SHARDS)
    }
}

type Shard = Rodeo<Spur, FxBuildHasher>;

/// The shard of a string.
fn shard_of(text: &str) -> usize {
    // The first shard begins with the empty string. Bits that a hash table uses itself would not tell strings apart in it.
    if text.is_empty() { 0 } else { (FxBuildHasher.hash_one(text) >> 40) as usize % SHARDS }
}

/// The strings of an ingest, shared by its threads.
pub(crate) struct Interner(Vec<Mutex<Shard>>);

impl Interner {
    pub(crate) fn new() -> Self {
        let interner = Self((0..SHARDS).map(|_| Mutex::new(Shard::with_hasher(FxBuildHasher))).collect());
        interner.shard(0).get_or_intern("");
        interner
    }

    pub(crate) fn intern(&self, text: &str) -> Symbol {
        if text.is_empty() {
            return Symbol::EMPTY;
        }
        let shard = shard_of(text);
        Symbol::new(shard, self.shard(shard).get_or_intern(text))
    }

    fn shard(&self, shard: usize) -> MutexGuard<'_, Shard> {
        self.0[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn resolve(&self, symbol: Symbol) -> String {
        let shard = self.shard(symbol.shard());
        symbol.at().and_then(|at| shard.try_resolve(&at)).unwrap_or_default().to_owned()
    }

    /// All strings, for one thread from now on.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if there are more than symbols can tell apart.
    pub(crate) fn into_strings(self) -> Result<Interned> {
        let shards = self.0.into_iter().map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner));
        let strings = Interned(shards.collect());
        let limit = u32::MAX;
        if strings.len() < limit as usize { Ok(strings) } else { Err(Error::TooLarge { what: "distinct names", limit: u64::from(limit) }) }
    }
}

/// A thread's way to the interner.
///
/// What it interned not long ago, as nearly everything that a derivation says of itself, is found here: without a lock, and
/// without the tables and texts of all strings, which no cache of a processor holds.
pub(crate) struct Names<'i> {
    interner: &'i Interner,
    strings: Recent,
    /// Strings that are base names of derivations, and nothing else.
    inputs: Recent,
}

impl<'i> Names<'i> {
    pub(crate) fn new(interner: &'i Interner) -> Self {
        Self { interner, strings: Recent::default(), inputs: Recent::default() }
    }

    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        match self.strings.slot(text) {
            Some(slot) if slot.text == text => slot.symbol,
            Some(slot) => slot.put(text, self.interner.intern(text)),
            None => self.interner.intern(text),
        }
    }

    /// Interns the base name of a derivation; nothing else.
    pub(crate) fn intern_input(&mut self, base: &str) -> Option<Symbol> {
        let intern = || StorePath::parse_derivation(base).map(|_| self.interner.intern(base));
        match self.inputs.slot(base) {
            Some(slot) if slot.text == base => Some(slot.symbol),
            Some(slot) => Some(slot.put(base, intern()?)),
            None => intern(),
        }
    }

    /// Interns a list. An item cannot be empty; a separator inside an item is replaced.
    pub(crate) fn intern_list<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) -> Symbol {
        let mut items = items.into_iter().filter(|item| !item.is_empty());
        let Some(first) = items.next() else {
            return Symbol::EMPTY;
        };
        let second = items.next();
        if second.is_none() && !first.contains(LIST_SEPARATOR) {
            return self.intern(first);
        }
        let mut list = first.replace(LIST_SEPARATOR, "\u{fffd}");
        for item in second.into_iter().chain(items) {
            list.push(LIST_SEPARATOR);
            list.extend(item.chars().map(|c| if c == LIST_SEPARATOR { '\u{fffd}' } else { c }));
        }
        self.intern(&list)
    }
}

/// Short strings, each where its hash says; one that comes later takes the place of the one before.
#[derive(Default)]
struct Recent(Vec<Slot>);

impl Recent {
    const SLOTS_LOG: u32 = 14;
    /// Bytes of a string that is kept.
    const LONGEST: usize = 256;

    /// Where a string is, if it is here at all.
    fn slot(&mut self, text: &str) -> Option<&mut Slot> {
        if text.is_empty() || text.len() > Self::LONGEST {
            return None;
        }
        if self.0.is_empty() {
            self.0.resize_with(1 << Self::SLOTS_LOG, Slot::default);
        }
        self.0.get_mut((FxBuildHasher.hash_one(text) >> (u64::BITS - Self::SLOTS_LOG)) as usize)
    }
}

/// A string that was interned; the empty one, which no other is like, to begin with.
struct Slot {
    text: String,
    symbol: Symbol,
}

impl Default for Slot {
    fn default() -> Self {
        Self { text: String::new(), symbol: Symbol::EMPTY }
    }
}

impl Slot {
    fn put(&mut self, text: &str, symbol: Symbol) -> Symbol {
        self.text.clear();
        self.text.push_str(text);
        self.symbol = symbol;
        symbol
    }
}

/// The strings of an ingest that has read everything.
pub(crate) struct Interned(Vec<Shard>);

impl Interned {
    pub(crate) fn intern(&mut self, text: &str) -> Symbol {
        let shard = shard_of(text);
        Symbol::new(shard, self.0[shard].get_or_intern(text))
    }

    /// The symbol of a string that is known.
    pub(crate) fn get(&self, text: &str) -> Option<Symbol> {
        let shard = shard_of(text);
        self.0[shard].get(text).map(|at| Symbol::new(shard, at))
    }

    pub(crate) fn resolve(&self, symbol: Symbol) -> &str {
        symbol.at().and_then(|at| self.0[symbol.shard()].try_resolve(&at)).unwrap_or_default()
    }

    /// More than the position of any symbol.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Shard::len).max().unwrap_or(0) * SHARDS
    }
}

/// A store path with its name interned; a derivation's name goes without `.drv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) hash: StoreHash,
    pub(crate) name: Symbol,
}

/// One edge: a derivation that is needed, and which of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InputRecord {
    /// Base name of its path.
    pub(crate) derivation: Symbol,
    /// List of output names, sorted.
    pub(crate) outputs: Symbol,
}

/// An output; its path is unknown for floating content-addressed derivations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputRecord {
    pub(crate) name: Symbol,
    pub(crate) path: Option<Path>,
}

/// Hashes of what a derivation says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecipeHashes {
    /// Apart from the versions and hashes of store paths.
    pub(crate) strict: u128,
    /// Apart from the versions of its inputs besides, wherever they stand.
    pub(crate) loose: u128,
}

/// A derivation as one dump describes it.
#[derive(Clone, Debug)]
pub(crate) struct DerivationRecord {
    pub(crate) path: Path,
    pub(crate) pname: Symbol,
    pub(crate) version: Symbol,
    /// Empty if the dump does not say.
    pub(crate) system: Symbol,
    /// Method, algorithm and hash of a fixed output; empty for every other derivation.
    pub(crate) fixed_hash: Symbol,
    /// List of required system features.
    pub(crate) features: Symbol,
    /// List of base names of the files that were copied to the store for it.
    pub(crate) sources: Symbol,
    /// Output path or file that its `src` names.
    pub(crate) src: Option<StoreHash>,
    pub(crate) prefer_local: bool,
    /// Content-addressed with a hash that only its build tells.
    pub(crate) floating: bool,
    /// `None` where the dump does not hold the whole derivation.
    pub(crate) recipe: Option<RecipeHashes>,
    /// Whether the dump says what the derivation needs.
    pub(crate) has_inputs: bool,
    pub(crate) inputs: Range<u32>,
    pub(crate) outputs: Range<u32>,
}

impl DerivationRecord {
    /// Whether its output is fixed: its hash is known before it is built.
    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed_hash != Symbol::EMPTY
    }
}

/// `meta` of an attribute; what a dump leaves out is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MetaRecord {
    pub(crate) position: Option<Symbol>,
    pub(crate) description: Option<Symbol>,
    pub(crate) maintainers: Option<Symbol>,
    pub(crate) teams: Option<Symbol>,
    pub(crate) licences: Option<Symbol>,
    pub(crate) hydra_platforms: Option<Symbol>,
    pub(crate) unfree: Option<bool>,
    pub(crate) broken: Option<bool>,
    pub(crate) insecure: Option<bool>,
}

impl MetaRecord {
    /// Fills what is unknown from `other`.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            position: self.position.or(other.position),
            description: self.description.or(other.description),
            maintainers: self.maintainers.or(other.maintainers),
            teams: self.teams.or(other.teams),
            licences: self.licences.or(other.licences),
            hydra_platforms: self.hydra_platforms.or(other.hydra_platforms),
            unfree: self.unfree.or(other.unfree),
            broken: self.broken.or(other.broken),
            insecure: self.insecure.or(other.insecure),
        }
    }
}

/// An attribute as one dump describes it.
#[derive(Clone, Debug)]
pub(crate) struct AttributeRecord {
    /// Dotted attribute path.
    pub(crate) attr: Symbol,
    /// The system it was evaluated for, where its key says it; else its derivation's counts.
    pub(crate) system: Option<Symbol>,
    /// The system of its derivation, where the dump says it beside the attribute.
    pub(crate) derivation_system: Option<Symbol>,
    pub(crate) derivation: Option<Path>,
    pub(crate) outputs: Range<u32>,
    pub(crate) meta: MetaRecord,
    pub(crate) error: Option<Symbol>,
}

/// What a reader found in one batch of its input.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Number of the input that they come from.
    pub(crate) source: usize,
    /// Store directory of the first output path.
    pub(crate) store_dir: Option<Symbol>,
    pub(crate) derivations: Vec<DerivationRecord>,
    pub(crate) inputs: Vec<InputRecord>,
    pub(crate) outputs: Vec<OutputRecord>,
    pub(crate) attributes: Vec<AttributeRecord>,
    pub(crate) findings: Vec<Finding>,
}

impl Records {
    /// Notes what cannot be taken as it stands.
    pub(crate) fn find(&mut self, kind: FindingKind, what: impl Into<String>) {
        self.findings.push(Finding { kind, what: what.into() });
    }

    /// Adds an output; what is no store path is unknown.
    pub(crate) fn push_output(&mut self, names: &mut Names<'_>, name: &str, path: Option<StorePath<'_>>) {
        if let Some(directory) = path.and_then(|path| path.store_dir) {
            self.store_dir.get_or_insert_with(|| names.intern(directory));
        }
        let path = path.map(|path| Path { hash: path.hash, name: names.intern(path.name) });
        self.outputs.push(OutputRecord { name: names.intern(name), path });
    }

    /// Gives back the memory that was held for more records. What a batch holds is kept until all are joined.
    pub(crate) fn shrink(mut self) -> Self {
        self.derivations.shrink_to_fit();
        self.inputs.shrink_to_fit();
        self.outputs.shrink_to_fit();
        self.attributes.shrink_to_fit();
        self
    }

    pub(crate) fn inputs_of(&self, derivation: &DerivationRecord) -> &[InputRecord] {
        &self.inputs[span(&derivation.inputs)]
    }

    pub(crate) fn outputs_of(&self, outputs: &Range<u32>) -> &[OutputRecord] {
        &self.outputs[span(outputs)]
    }
}

fn span(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a.drv";

    #[test]
    fn what_a_thread_has_at_hand_is_what_all_have() {
        let interner = Interner::new();
        let (mut names, mut others) = (Names::new(&interner), Names::new(&interner));
        let texts: Vec<String> = (0..1 << 16).map(|number| number.to_string()).chain(["x".repeat(1000), String::new()]).collect();
        let symbols: Vec<Symbol> = texts.iter().map(|text| names.intern(text)).collect();
        for (text, &symbol) in texts.iter().zip(&symbols) {
            assert_eq!([names.intern(text), others.intern(text), interner.intern(text)], [symbol; 3]);
            assert_eq!(&interner.resolve(symbol), text);
        }
    }

    #[test]
    fn an_input_is_a_derivation_and_nothing_else() {
        let interner = Interner::new();
        let mut names = Names::new(&interner);
        for text in ["", "a", "a.drv", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a"] {
            names.intern(text);
            assert_eq!(names.intern_input(text), None, "{text}");
        }
        let symbol = names.intern(BASE);
        assert_eq!([names.intern_input(BASE), names.intern_input(BASE)], [Some(symbol); 2]);
    }
}
