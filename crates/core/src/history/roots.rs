//! What a selector names in each evaluation: the rules of [`analysis::select`](crate::analysis::select()), evaluation by evaluation.

use rustc_hash::{FxHashMap, FxHashSet};

use super::frame::flag;
use super::state::{History, LifeRow, NONE, NamingRow};
use crate::analysis::{Scope, path_glob, similar};
use crate::error::{Error, Result};
use crate::ingest::split_job;
use crate::store_path::{StorePath, base_name};

/// Candidates of an ambiguous selector that are listed.
const LISTED_CANDIDATES: usize = 12;

/// A selector that names nothing in an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// What was typed.
    pub selector: String,
    /// Why.
    pub reason: UnresolvedReason,
}

/// Why a selector names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnresolvedReason {
    /// There is no such package, or none for that system: not yet, or not any more.
    Unknown,
    /// The attribute does not evaluate.
    NotEvaluated,
    /// Several packages have that pname.
    Ambiguous,
}

/// The roots of all evaluations.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// Derivation and evaluation, sorted.
    pub(super) derivations: Vec<(u32, u32)>,
    /// What is named in each evaluation, before it is widened to packages; sorted.
    pub(super) named: Vec<Vec<u32>>,
    /// Selectors that name nothing, of each evaluation.
    pub(super) unresolved: Vec<Vec<Unresolved>>,
}

/// What a selector may name, in any evaluation.
struct Candidates<'h> {
    /// Only what is for this system.
    system: Option<&'h str>,
    /// Attributes; of these the first kind that an evaluation has.
    attributes: [Vec<&'h NamingRow>; 2],
    /// Derivations by pname and by name; of these the first kind that an evaluation has.
    derivations: [Vec<&'h LifeRow>; 2],
    /// Derivations by store path: one, or all that build an output of it.
    by_path: Vec<&'h LifeRow>,
}

impl History {
    /// Finds what each selector names in each evaluation. O(lives + namings + evaluations · candidates) for each selector; with a system
    /// behind it, O(lives) for each evaluation besides.
    ///
    /// # Errors
    ///
    /// If a selector names nothing in any evaluation: [`Error::UnknownInHistory`], or as of [`select`](crate::analysis::select()).
    pub(super) fn roots(&self, selectors: &[String], scope: Scope) -> Result<Roots> {
        let evaluations = self.evaluations.len();
        let mut roots = Roots { derivations: Vec::new(), named: vec![Vec::new(); evaluations], unresolved: vec![Vec::new(); evaluations] };
        let lives = LivesOf::new(self);
        for selector in selectors {
            let candidates = self.candidates(selector, None)?;
            // What is called by no path may have its system behind it.
            let job = match split_job(selector) {
                (path, Some(system)) => Some(self.candidates(path, Some(system))?),
                (_, None) => None,
            };
            let mut failed = None;
            for evaluation in 0..evaluations {
                let named = match (self.resolve(&candidates, evaluation as u32, &lives), &job) {
                    (Err((UnresolvedReason::Unknown, _)), Some(job)) => self.resolve(job, evaluation as u32, &lives),
                    (named, _) => named,
                };
                match named {
                    Ok(named) => roots.named[evaluation].extend(named),
                    Err((reason, of)) => {
                        roots.unresolved[evaluation].push(Unresolved { selector: selector.clone(), reason });
                        // That it is not there says less than why it is of no use where it is.
                        if reason != UnresolvedReason::Unknown || failed.is_none() {
                            failed = Some((reason, of, evaluation));
                        }
                    }
                }
            }
            let is_nowhere = roots.unresolved.iter().all(|unresolved| unresolved.iter().any(|one| one.selector == *selector));
            if let Some((reason, of, evaluation)) = failed.filter(|_| is_nowhere) {
                return Err(self.error(selector, reason, &of, evaluation));
            }
        }
        for named in &mut roots.named {
            named.sort_unstable();
            named.dedup();
        }
        roots.derivations = match scope {
            Scope::Exact => pairs(&roots.named),
            Scope::Package => self.packages(&roots.named, &lives),
        };
        Ok(roots)
    }

    fn candidates<'h>(&'h self, selector: &str, system: Option<&'h str>) -> Result<Candidates<'h>> {
        let mut found = Candidates { system, attributes: Default::default(), derivations: Default::default(), by_path: Vec::new() };
        if let Some(path) = StorePath::parse(selector) {
            let base = base_name(selector);
            let is_named = |life: &&LifeRow| {
                let position = life.derivation as usize;
                let outputs = || self.outputs.row(position).iter().any(|&output| self.paths[output as usize].hash == path.hash);
                (self.derivations[position].hash == path.hash && self.base_name(position) == base)
                    || (outputs() && self.outputs(position).any(|(_, output)| output.as_deref() == Some(base)))
            };
            found.by_path = self.lives.iter().filter(is_named).collect();
            return Ok(found);
        }
        if selector.contains(['*', '?', '[']) {
            found.attributes[0] = self.namings_where(path_glob(selector)?);
            return Ok(found);
        }
        found.attributes[0] = self.namings_where(|path| path == selector);
        if selector.contains('.') {
            // Other tools leave the quotes of `nodePackages."socket.io"` out.
            found.attributes[1] = self.namings_where(|path| path.contains('"') && path.replace('"', "") == selector);
        }
        let by_pname = self.descriptions_where(|row| row.flags & flag::FIXED_OUTPUT == 0 && self.strings.get(row.pname) == selector);
        let named = self.descriptions_where(|row| self.strings.get(row.name) == selector);
        let lives_of = |is_described: &FxHashSet<u32>| {
            let of = |life: &&LifeRow| is_described.contains(&self.derivations[life.derivation as usize].description);
            self.lives.iter().filter(of).collect()
        };
        found.derivations[0] = lives_of(&by_pname);
        found.derivations[1] = lives_of(&named);
        Ok(found)
    }

    fn namings_where(&self, is_meant: impl Fn(&str) -> bool) -> Vec<&NamingRow> {
        let mut paths: FxHashMap<u32, bool> = FxHashMap::default();
        let mut is_named = |path: u32| *paths.entry(path).or_insert_with(|| is_meant(self.strings.get(path)));
        self.namings.iter().filter(|naming| is_named(naming.path)).collect()
    }

    fn descriptions_where(&self, is_meant: impl Fn(&super::frame::Description) -> bool) -> FxHashSet<u32> {
        let described = self.descriptions.iter().enumerate().filter(|(_, row)| is_meant(row));
        described.map(|(at, _)| at as u32).collect()
    }

    /// The derivations that are named in an evaluation; or why none is, and the candidates.
    fn resolve(&self, candidates: &Candidates<'_>, evaluation: u32, lives: &LivesOf) -> Result<Vec<u32>, (UnresolvedReason, Vec<u32>)> {
        for kind in &candidates.attributes {
            let there = |naming: &&NamingRow| (naming.first..naming.end).contains(&evaluation);
            let mut namings: Vec<&NamingRow> = kind.iter().copied().filter(there).collect();
            if namings.is_empty() {
                continue;
            }
            namings.retain(|naming| naming.derivation != NONE);
            if namings.is_empty() {
                return Err((UnresolvedReason::NotEvaluated, Vec::new()));
            }
            let named = match candidates.system {
                Some(system) => self.named_for(namings, system, evaluation, lives),
                None => namings.into_iter().map(|naming| naming.derivation).collect(),
            };
            return if named.is_empty() { Err((UnresolvedReason::Unknown, Vec::new())) } else { Ok(named) };
        }
        for kind in &candidates.derivations {
            let there = kind.iter().filter(|life| (life.first..life.end).contains(&evaluation)).map(|life| life.derivation);
            let named: Vec<u32> = there.filter(|&at| candidates.system.is_none_or(|system| self.is_built_by(at, system))).collect();
            if !named.is_empty() {
                let packages: FxHashSet<u32> = named.iter().filter_map(|&at| lives.package(self, at, evaluation)).collect();
                return if packages.len() == 1 { Ok(named) } else { Err((UnresolvedReason::Ambiguous, named)) };
            }
        }
        let there = candidates.by_path.iter().filter(|life| (life.first..life.end).contains(&evaluation));
        let named: Vec<u32> = there.map(|life| life.derivation).collect();
        if named.is_empty() { Err((UnresolvedReason::Unknown, Vec::new())) } else { Ok(named) }
    }

    /// What attributes have for a system, in one evaluation: those of each path their own derivations, else what their packages have.
    fn named_for(&self, mut namings: Vec<&NamingRow>, system: &str, evaluation: u32, lives: &LivesOf) -> Vec<u32> {
        let (mut named, mut packages): (Vec<u32>, FxHashSet<u32>) = (Vec::new(), FxHashSet::default());
        namings.sort_unstable_by_key(|naming| naming.path);
        for of_path in namings.chunk_by(|one, next| one.path == next.path) {
            let before = named.len();
            named.extend(of_path.iter().filter(|naming| self.strings.get(naming.system) == system).map(|naming| naming.derivation));
            if named.len() == before {
                packages.extend(of_path.iter().filter_map(|naming| lives.package(self, naming.derivation, evaluation)));
            }
        }
        if !packages.is_empty() {
            let members = self.lives.iter().filter(|life| packages.contains(&life.package) && (life.first..life.end).contains(&evaluation));
            named.extend(members.map(|life| life.derivation).filter(|&at| self.is_built_by(at, system)));
        }
        named
    }

    /// Whether a system builds a derivation.
    fn is_built_by(&self, at: u32, system: &str) -> bool {
        self.derivation(at as usize).system == system
    }

    /// A selector that names nothing in any evaluation, with the candidates of one.
    fn error(&self, selector: &str, reason: UnresolvedReason, of: &[u32], evaluation: usize) -> Error {
        let selector = selector.to_owned();
        match reason {
            UnresolvedReason::Unknown => {
                let paths: FxHashSet<u32> = self.namings.iter().map(|naming| naming.path).collect();
                let names = paths.into_iter().map(|path| self.strings.get(path));
                Error::UnknownInHistory { suggestions: similar(names, &selector), selector }
            }
            UnresolvedReason::NotEvaluated => {
                Error::NotEvaluated { attribute: selector, error: "in no evaluation of the history".to_owned() }
            }
            UnresolvedReason::Ambiguous => {
                let mut candidates: Vec<String> = of.iter().map(|&at| self.candidate(at, evaluation)).collect();
                candidates.sort_unstable();
                candidates.dedup();
                let more = candidates.len().saturating_sub(LISTED_CANDIDATES);
                candidates.truncate(LISTED_CANDIDATES);
                candidates.extend((more > 0).then(|| format!("  … and {more} more")));
                Error::AmbiguousPackage { selector, candidates }
            }
        }
    }

    /// A line for a derivation: its first attribute in an evaluation, or its base name.
    fn candidate(&self, at: u32, evaluation: usize) -> String {
        let evaluation = evaluation as u32;
        let is_of = |naming: &&NamingRow| naming.derivation == at && (naming.first..naming.end).contains(&evaluation);
        let attribute = self.namings.iter().filter(is_of).map(|naming| self.strings.get(naming.path)).min();
        let described = self.derivation(at as usize);
        let typed = attribute.map_or_else(|| self.base_name(at as usize), str::to_owned);
        format!("  {typed}  ({}, {})", if described.version.is_empty() { "no version" } else { described.version }, described.system)
    }

    /// All derivations of the packages that are named, in the evaluations in which they are.
    fn packages(&self, named: &[Vec<u32>], lives: &LivesOf) -> Vec<(u32, u32)> {
        let mut wanted: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (evaluation, derivations) in named.iter().enumerate() {
            let packages: FxHashSet<u32> = derivations.iter().filter_map(|&at| lives.package(self, at, evaluation as u32)).collect();
            for package in packages {
                wanted.entry(package).or_default().push(evaluation as u32);
            }
        }
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for life in &self.lives {
            let evaluations = wanted.get(&life.package).into_iter().flatten();
            let there = evaluations.filter(|evaluation| (life.first..life.end).contains(evaluation));
            pairs.extend(there.map(|&evaluation| (life.derivation, evaluation)));
        }
        pairs.sort_unstable();
        pairs
    }
}

/// Derivation and evaluation, sorted.
fn pairs(named: &[Vec<u32>]) -> Vec<(u32, u32)> {
    let of = |(evaluation, derivations): (usize, &Vec<u32>)| derivations.iter().map(|&at| (at, evaluation as u32)).collect::<Vec<_>>();
    let mut pairs: Vec<(u32, u32)> = named.iter().enumerate().flat_map(of).collect();
    pairs.sort_unstable();
    pairs
}

/// The lives of each derivation.
struct LivesOf {
    /// Positions of lives, by derivation, then in order of time.
    lives: Vec<u32>,
    offsets: Vec<u32>,
}

impl LivesOf {
    /// By counting. O(derivations + lives).
    fn new(history: &History) -> Self {
        let mut offsets = vec![0_u32; history.derivations.len() + 1];
        history.lives.iter().for_each(|life| offsets[life.derivation as usize + 1] += 1);
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut next = offsets.clone();
        let mut lives = vec![0; history.lives.len()];
        for (at, life) in history.lives.iter().enumerate() {
            let slot = &mut next[life.derivation as usize];
            lives[*slot as usize] = at as u32;
            *slot += 1;
        }
        Self { lives, offsets }
    }

    /// The package of a derivation in an evaluation, if it is there.
    fn package(&self, history: &History, derivation: u32, evaluation: u32) -> Option<u32> {
        let at = derivation as usize;
        let lives = &self.lives[self.offsets[at] as usize..self.offsets[at + 1] as usize];
        let mut lives = lives.iter().map(|&life| &history.lives[life as usize]);
        lives.find(|life| (life.first..life.end).contains(&evaluation)).map(|life| life.package)
    }
}
