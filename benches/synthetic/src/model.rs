//! Which derivation needs which.
//!
//! Derivations that are not fixed come first, in an order in which each needs only earlier ones; sources follow. The
//! constants are those with which a set of the size of nixpkgs 24.11 has its statistics.

use crate::random::{Random, floor};

/// The bootstrap: levels, derivations, copies of each package. Nearly everything hangs on its last level.
const SPINE_LEVELS: usize = 48;
const SPINE: usize = 226;
const SPINE_COPIES: usize = 4;
/// Where in it bash is.
const BASH_LEVEL: usize = 38;
/// What sets of packages are built with (Perl, Python, Rust, GTK): levels, and how many of what is not fixed.
const CORE_LEVELS: usize = 98;
const CORE_SHARE: f64 = 0.0085;
/// Sources, of all derivations.
const FIXED_SHARE: f64 = 0.5317;
/// Crates, gems and their like, of what is not fixed: small, and taken by the hundred.
const CRATES_SHARE: f64 = 0.17;
/// Sets of packages at the size of nixpkgs; their number grows with the root of the size.
const SETS: f64 = 24.0;
const SETS_AT: f64 = 241_770.0;

/// Stands for "none" where there may be a derivation.
pub(crate) const NONE: u32 = u32::MAX;

/// What a derivation is in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Spine,
    Core,
    Crate,
    /// Used by one package, and no attribute.
    Part,
    /// In reach of what is made after it.
    Library,
    /// Used by nothing.
    Application,
    /// Fixed.
    Source,
}

/// Derivations, and what each needs.
pub(crate) struct Model {
    pub(crate) kinds: Vec<Kind>,
    /// The set of packages that it is of.
    pub(crate) sets: Vec<u16>,
    /// The derivation that it is a copy of, which is the same package; itself as a rule.
    pub(crate) originals: Vec<u32>,
    /// Its `src`, or [`NONE`]; of a source, who it was made for.
    pub(crate) sources: Vec<u32>,
    offsets: Vec<u32>,
    inputs: Vec<u32>,
}

impl Model {
    /// Makes a model of `size` derivations.
    pub(crate) fn new(size: usize, seed: u64) -> Self {
        let mut builder = Builder::new(size, Random::new(seed));
        let tools = builder.spine();
        let core = builder.core(&tools);
        builder.crates(&tools);
        builder.packages(&tools, &core);
        builder.fixed(&tools, &core);
        builder.model
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(crate) fn inputs(&self, derivation: usize) -> &[u32] {
        &self.inputs[self.offsets[derivation] as usize..self.offsets[derivation + 1] as usize]
    }
}

/// What everything is built with.
struct Tools {
    bash: u32,
    /// With and without a compiler.
    stdenvs: [u32; 2],
}

/// The core, level by level.
struct Core {
    levels: Vec<Vec<u32>>,
}

impl Core {
    fn at(&self, random: &mut Random, level: usize) -> u32 {
        let level = &self.levels[level.min(CORE_LEVELS - 1)];
        level[random.early(level.len(), 2)]
    }

    /// What fetches.
    fn fetchers(&self) -> impl Iterator<Item = u32> {
        self.levels[..4].iter().map(|level| level[0])
    }
}

/// A set of packages.
struct Set {
    /// Level of the highest of its hooks in the core.
    anchor: usize,
    /// What all of its packages are built with.
    hooks: Vec<u32>,
    /// Those of its packages that others can need.
    libraries: Vec<u32>,
    /// Other sets whose libraries it needs: they are built with less.
    below: Vec<usize>,
    /// Its share of the packages, cumulated.
    until: f64,
}

struct Builder {
    random: Random,
    model: Model,
    size: usize,
    /// Derivations that are not fixed.
    normal: usize,
    /// Inputs of the derivation at hand.
    row: Vec<u32>,
    /// Who the sources so far were made for.
    owners: Vec<u32>,
    /// Sources that lock files name.
    locked: Vec<u32>,
    crates: std::ops::Range<usize>,
}

impl Builder {
    fn new(size: usize, random: Random) -> Self {
        let normal = size - floor(size as f64 * FIXED_SHARE);
        let model = Model {
            kinds: Vec::with_capacity(size),
            sets: Vec::with_capacity(size),
            originals: Vec::with_capacity(size),
            sources: Vec::with_capacity(size),
            offsets: vec![0],
            inputs: Vec::with_capacity(size * 8),
        };
        Self { random, model, size, normal, row: Vec::new(), owners: Vec::new(), locked: Vec::new(), crates: 0..0 }
    }

    fn needs(&mut self, input: u32) {
        self.row.push(input);
    }

    /// A new source for the derivation at hand.
    fn new_source(&mut self) -> u32 {
        let source = (self.normal + self.owners.len()) as u32;
        self.owners.push(self.model.len() as u32);
        source
    }

    /// Ends a derivation: it needs what was named since the last.
    fn push(&mut self, kind: Kind, set: usize, original: Option<u32>, source: u32) -> u32 {
        let here = self.model.len() as u32;
        if source != NONE {
            self.row.push(source);
        }
        self.row.sort_unstable();
        self.row.dedup();
        self.model.kinds.push(kind);
        self.model.sets.push(set as u16);
        self.model.originals.push(original.unwrap_or(here));
        self.model.sources.push(source);
        self.model.inputs.append(&mut self.row);
        self.model.offsets.push(self.model.inputs.len() as u32);
        here
    }

    /// The bootstrap: each level is built with the last stage of the one before, and that with all of its level.
    fn spine(&mut self) -> Tools {
        let mut level: Vec<u32> = Vec::new();
        let mut stages: Vec<u32> = Vec::new();
        let mut tools = Tools { bash: 0, stdenvs: [0; 2] };
        for at in 0..SPINE_LEVELS {
            let below = std::mem::take(&mut level);
            for position in at * SPINE / SPINE_LEVELS..(at + 1) * SPINE / SPINE_LEVELS {
                let is_stage = level.is_empty();
                self.row.extend(if is_stage { &below[..] } else { &below[..below.len().min(1)] });
                self.row.extend(stages.iter().rev().nth(usize::from(is_stage) * 7));
                let first = position % (SPINE / SPINE_COPIES);
                let (original, source) =
                    if first == position { (None, self.new_source()) } else { (Some(first as u32), self.model.sources[first]) };
                level.push(self.push(Kind::Spine, 0, original, source));
            }
            stages.push(level[0]);
            if at == BASH_LEVEL {
                tools.bash = level[0];
            }
        }
        tools.stdenvs = [level[0], level[1]];
        tools
    }

    /// What nearly every derivation needs.
    fn basics(&mut self, tools: &Tools, compiles: f64) {
        if self.random.chance(0.012) {
            return;
        }
        self.needs(tools.bash);
        let kind = usize::from(!self.random.chance(compiles));
        self.needs(tools.stdenvs[kind]);
    }

    fn core(&mut self, tools: &Tools) -> Core {
        let wanted = floor(self.normal as f64 * CORE_SHARE).max(CORE_LEVELS);
        let mut core = Core { levels: Vec::new() };
        for at in 0..CORE_LEVELS {
            let mut level = Vec::new();
            for _ in at * wanted / CORE_LEVELS..(at + 1) * wanted / CORE_LEVELS {
                self.basics(tools, 0.8);
                if at > 0 {
                    let below = core.at(&mut self.random, at - 1);
                    self.needs(below);
                    for _ in 0..self.random.geometric(3.0) {
                        let lower = self.random.below(at);
                        let lower = core.at(&mut self.random, lower);
                        self.needs(lower);
                    }
                }
                let source = self.new_source();
                level.push(self.push(Kind::Core, 0, None, source));
            }
            core.levels.push(level);
        }
        core
    }

    fn crates(&mut self, tools: &Tools) {
        let first = self.model.len();
        for _ in 0..floor(self.normal as f64 * CRATES_SHARE) {
            self.basics(tools, 0.1);
            let source = self.new_source();
            self.push(Kind::Crate, 0, None, source);
        }
        self.crates = first..self.model.len();
    }

    /// The sets, the largest first: their sizes are as Zipf's law has it.
    fn sets(&mut self, core: &Core) -> Vec<Set> {
        let count = floor(SETS * (self.size as f64 / SETS_AT).sqrt()).max(4);
        let total: f64 = (0..count).map(|set| 1.0 / (set + 2) as f64).sum();
        let mut until = 0.0;
        let mut sets: Vec<Set> = Vec::new();
        for number in 0..count {
            let anchor = anchor(number);
            let hooks = (number * 7 + 3) % 10;
            let mut chosen = vec![core.at(&mut self.random, anchor)];
            for _ in 0..hooks {
                let level = anchor - self.random.early(anchor + 1, 2);
                chosen.push(core.at(&mut self.random, level));
            }
            until += 1.0 / (number + 2) as f64 / total;
            sets.push(Set { anchor, hooks: chosen, libraries: Vec::new(), below: Vec::new(), until });
        }
        for number in 0..count {
            sets[number].below = (0..count).filter(|&other| other != number && sets[other].anchor <= sets[number].anchor).collect();
        }
        sets
    }

    fn packages(&mut self, tools: &Tools, core: &Core) {
        let mut sets = self.sets(core);
        while self.model.len() < self.normal {
            let unit = self.random.unit();
            let number = sets.partition_point(|set| set.until < unit).min(sets.len() - 1);
            self.package(tools, &mut sets, number);
        }
    }

    /// A package, and before it what only it needs.
    fn package(&mut self, tools: &Tools, sets: &mut [Set], number: usize) {
        let mut parts = Vec::new();
        while self.random.chance(0.27) && self.model.len() + 1 < self.normal {
            self.basics(tools, 0.3);
            self.row.extend(sets[number].hooks.first().filter(|_| parts.is_empty()));
            let source = if self.random.chance(0.6) { self.spend() } else { NONE };
            parts.push(self.push(Kind::Part, number + 1, None, source));
        }
        let is_library = self.random.chance(0.42);
        let kind = if is_library { Kind::Library } else { Kind::Application };
        let copied = self.copied(&sets[number]);
        let source = if let Some(original) = copied {
            let inputs = self.model.inputs(original as usize).to_vec();
            self.row.extend(inputs);
            self.model.sources[original as usize]
        } else {
            self.basics(tools, 0.7);
            self.libraries(sets, number);
            self.spend()
        };
        self.row.extend(parts);
        if !is_library {
            self.bundle();
        }
        let here = self.push(kind, number + 1, copied, source);
        if is_library {
            sets[number].libraries.push(here);
        }
    }

    /// The package of the same set that the one at hand is a copy of, if it is one.
    fn copied(&mut self, set: &Set) -> Option<u32> {
        if set.libraries.is_empty() || !self.random.chance(0.2) {
            return None;
        }
        let recent = set.libraries.len().min(50);
        let chosen = set.libraries[set.libraries.len() - 1 - self.random.early(recent, 6)];
        Some(self.model.originals[chosen as usize])
    }

    /// Hooks and libraries of its set, and libraries of sets below.
    fn libraries(&mut self, sets: &[Set], number: usize) {
        let set = &sets[number];
        self.row.extend_from_slice(&set.hooks);
        let many = if self.random.chance(0.12) { 10.0 } else { 1.7 };
        for _ in 0..self.random.geometric(many) {
            self.library(set);
        }
        if set.below.is_empty() {
            return;
        }
        for _ in 0..self.random.geometric(1.2) {
            let below = set.below[self.random.early(set.below.len(), 2)];
            self.library(&sets[below]);
        }
    }

    fn library(&mut self, set: &Set) {
        let libraries = &set.libraries;
        if !libraries.is_empty() {
            let chosen = if self.random.chance(0.95) { self.random.early(libraries.len(), 4) } else { self.random.below(libraries.len()) };
            self.needs(libraries[chosen]);
        }
    }

    /// What a lock file names: crates or sources by the hundred.
    fn bundle(&mut self) {
        let most = (self.normal / 26).max(40);
        if self.random.chance(0.055) {
            for _ in 0..self.random.heavy(60, most / 4) {
                let chosen = self.crates.start + self.random.early(self.crates.len(), 6);
                self.needs(chosen as u32);
            }
        }
        if self.random.chance(0.012) {
            for _ in 0..self.random.heavy(60, most) {
                let source = if self.locked.is_empty() || self.random.chance(0.15) {
                    self.lock()
                } else {
                    self.locked[self.random.early(self.locked.len(), 5)]
                };
                self.row.extend(Some(source).filter(|&source| source != NONE));
            }
        }
    }

    /// A new source that a lock file names.
    fn lock(&mut self) -> u32 {
        if self.owners.len() + 1 >= self.size - self.normal {
            return NONE;
        }
        let source = self.new_source();
        self.locked.push(source);
        source
    }

    /// As many new sources for the derivation at hand as keep the share of sources; the first is its `src`.
    fn spend(&mut self) -> u32 {
        let left = self.size - self.normal - self.owners.len();
        let share = left as f64 / (self.normal - self.model.len()) as f64;
        let mut count = floor(share) + usize::from(self.random.chance(share.fract()));
        if self.model.len() + 1 == self.normal {
            count = left;
        }
        let mut source = NONE;
        for _ in 0..count.min(left) {
            source = self.new_source();
            self.needs(source);
        }
        source
    }

    fn fixed(&mut self, tools: &Tools, core: &Core) {
        let fetchers: Vec<u32> = core.fetchers().collect();
        let last = fetchers.iter().copied().max().unwrap_or(0);
        for (at, owner) in std::mem::take(&mut self.owners).into_iter().enumerate() {
            debug_assert_eq!(self.model.len(), self.normal + at);
            // What fetchers are made of is fetched by Nix itself.
            if owner > last {
                self.row.extend([tools.bash, tools.stdenvs[1]]);
                let fetching = if self.random.chance(0.055) {
                    1
                } else if self.random.chance(0.85) {
                    2
                } else {
                    fetchers.len()
                };
                self.row.extend(&fetchers[..fetching]);
            }
            self.push(Kind::Source, 0, None, NONE);
            if let Some(source) = self.model.sources.last_mut() {
                *source = owner;
            }
        }
    }
}

/// What a set is built with, as a level of the core: a tenth each in …
fn anchor(set: usize) -> usize {
    const LEVELS: [usize; 10] = [46, 0, 76, 44, 80, 3, 74, 92, 60, 12];
    LEVELS[set % LEVELS.len()]
}

/// Whether a derivation of the bootstrap is the last copy of its package.
pub(crate) fn is_last_copy(at: usize) -> bool {
    at + SPINE / SPINE_COPIES >= SPINE
}
