//! What a change of the sources will rebuild, from one evaluation and git: nothing is evaluated.
//!
//! [`Repository`] compares two commits, or the working tree, with their merge base. [`estimate`] finds the packages that the
//! changed files are about; what those rebuild is exact, for the graph knows it. Each [`Seed`] says which rule found it:
//!
//! | rule | the changed file |
//! |---|---|
//! | `meta.position` | is where the attribute's `meta.position` points |
//! | `by-name` | lies in `pkgs/by-name/<shard>/<attribute>` |
//! | `package-directory` | lies below a directory whose `default.nix` or `package.nix` defines the attribute, and no file names it |
//! | `top-level` | is a set of packages, and the attribute's binding in it was changed, or mentions what was |
//! | `imported` | is named, at any distance, by a file that defines the attribute |
//!
//! Two versions of a Nix file are compared as syntax trees, so that comments, formatting, `meta` and tests rebuild nothing
//! ([`Kind`]). What cannot be confined so is never a silent zero: it is [`Unbounded`], with the widest bound that is known.

mod bounds;
mod class;
mod estimator;
mod history;
mod index;
mod position;
mod repository;
mod syntax;
mod trace;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use bounds::read_file;
pub use history::ChangedTogether;
pub(crate) use position::Positions;
pub use repository::{Commit, Comparison, FileChange, FileStatus, Repository};
pub(crate) use repository::{refused, short};

use crate::analysis::{Change, Impact, Root, built_for, require_system};
use crate::error::Result;
use crate::graph::{Attribute, AttributeIx, DerivationIx, DerivationSet, Direction, Graph, PackageIx};
use estimator::Estimator;
use trace::Context;

/// What found a seed. The names are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The attribute's `meta.position` is in the file.
    Position,
    /// The file lies in the attribute's directory of `pkgs/by-name`.
    ByName,
    /// The file lies below the directory of the attribute's file, and no file names it.
    PackageDirectory,
    /// The attribute's binding in a set of packages.
    TopLevel,
    /// A file that defines the attribute names the file, or one that names it.
    Imported,
}

impl Rule {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Position => "meta.position",
            Self::ByName => "by-name",
            Self::PackageDirectory => "package-directory",
            Self::TopLevel => "top-level",
            Self::Imported => "imported",
        }
    }
}

/// What was changed in a file. The names are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A version, whatever else.
    Version,
    /// Patches, and nothing else.
    Patch,
    /// Something else in an expression.
    Expression,
    /// A file that is no expression, and no patch.
    File,
    /// Nothing that a build sees: `meta`, tests, update scripts, arguments that only they use.
    MetaOnly,
    /// Whitespace, comments, order.
    Formatting,
    /// Where the file lies, and with it what it names.
    Move,
}

impl Kind {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Patch => "patch",
            Self::Expression => "expression",
            Self::File => "file",
            Self::MetaOnly => "meta-only",
            Self::Formatting => "formatting",
            Self::Move => "move",
        }
    }

    /// Whether such a change rebuilds anything.
    pub fn rebuilds(self) -> bool {
        !matches!(self, Self::MetaOnly | Self::Formatting | Self::Move)
    }
}

/// A package that a changed file is about.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The attribute.
    pub attribute: AttributeIx,
    /// What found it.
    pub rule: Rule,
    /// The file, as it is called after the change.
    pub file: String,
    /// What was changed in the file.
    pub kind: Kind,
    /// What is expected to change itself, in topological order: its package, and its source if that may be another. Empty if
    /// the change rebuilds nothing, or the attribute does not evaluate.
    pub derivations: Vec<DerivationIx>,
}

/// A changed file that is about more than packages that can be named.
#[derive(Clone, Debug)]
pub struct Unbounded {
    /// The file.
    pub file: String,
    /// Why it cannot be confined.
    pub reason: String,
    /// What it rebuilds at most, without what is removed.
    pub bound: DerivationSet,
}

/// A changed file from which nothing of the evaluation is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The file.
    pub file: String,
    /// Why it rebuilds nothing.
    pub reason: String,
}

/// What a comparison is expected to change.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// Packages, by file and attribute.
    pub seeds: Vec<Seed>,
    /// Files that could not be confined, by path.
    pub unbounded: Vec<Unbounded>,
    /// Files that rebuild nothing, by path.
    pub ignored: Vec<Ignored>,
    /// Attributes that only the state after the change has.
    pub added: BTreeSet<String>,
    /// Attributes that only the state before the change has.
    pub removed: BTreeSet<String>,
    /// Files that `meta.position`s of the evaluation name.
    pub positions: usize,
    /// How many of them are in the repository: few, if the evaluation is of another tree.
    pub positions_found: usize,
    /// Nix files that are too long, not UTF-8 or too odd to be read: what they name is not known.
    pub unread: usize,
    /// Removed attributes that are called otherwise after the change: what they build is still built.
    renamed: BTreeSet<AttributeIx>,
    /// The system that bounds are of, if not of all.
    system: Option<String>,
}

impl Estimate {
    /// Keeps of all bounds what is of a system, as [`Impact::new`](crate::analysis::Impact::new) does. O(bounds · V).
    ///
    /// # Errors
    ///
    /// [`Error::NotForSystem`](crate::error::Error::NotForSystem) if there is nothing of the system.
    pub fn keep_system(&mut self, graph: &Graph, system: &str) -> Result<()> {
        require_system(graph, system)?;
        self.system = Some(system.to_owned());
        for unbounded in &mut self.unbounded {
            unbounded.bound = of_system(graph, &unbounded.bound, system);
        }
        Ok(())
    }

    /// The packages that change themselves, and of each what is still built: a root for each.
    pub fn roots(&self, graph: &Graph) -> Vec<Root> {
        let gone = self.gone(graph);
        let (renamed, removed) = self.removed_attributes(graph);
        let mut seeds: Vec<&Seed> = self.seeds.iter().collect();
        // A package has the name of what is still there, if there is such a seed.
        seeds.sort_by_key(|seed| removed.contains(&seed.attribute) || renamed.contains(&seed.attribute));
        let mut roots: BTreeMap<PackageIx, (AttributeIx, BTreeSet<DerivationIx>)> = BTreeMap::new();
        for seed in seeds {
            let Some(derivation) = graph.attribute(seed.attribute).derivation() else { continue };
            let changed: Vec<DerivationIx> = seed.derivations.iter().copied().filter(|&ix| !gone.contains(ix)).collect();
            if !changed.is_empty() {
                let (_, derivations) = roots.entry(derivation.package().ix()).or_insert((seed.attribute, BTreeSet::new()));
                derivations.extend(changed);
            }
        }
        let root = |(attribute, derivations): (AttributeIx, BTreeSet<DerivationIx>)| {
            let attribute = graph.attribute(attribute);
            let face = attribute.derivation()?.ix();
            Some(Root { selector: attribute.path().to_owned(), face, derivations: derivations.into_iter().collect() })
        };
        roots.into_values().filter_map(root).collect()
    }

    /// What the seeds are foretold to rebuild, without what is removed, as [`Impact::new`] narrows it. O(V + E of the closure).
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
    pub fn impact<'g>(&self, graph: &'g Graph, depth: Option<usize>, system: Option<&str>) -> Result<Impact<'g>> {
        let mut impact = Impact::new(graph, &self.roots(graph), Direction::Dependents, depth, system)?;
        let (renamed, removed) = self.removed_attributes(graph);
        impact.rename(renamed);
        impact.remove(removed);
        Ok(impact)
    }

    /// The same as a change, with all that is rebuilt.
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
    pub fn into_change<'g>(&self, graph: &'g Graph) -> Result<Change<'g>> {
        Ok(Change::of_impact(self.impact(graph, None, None)?, self.roots(graph)))
    }

    /// What is rebuilt at most: what the seeds rebuild, and all bounds.
    pub fn at_most(&self, graph: &Graph) -> DerivationSet {
        let mut most = graph.closure(self.seeds.iter().flat_map(|seed| seed.derivations.iter().copied()), Direction::Dependents);
        self.unbounded.iter().flat_map(|unbounded| unbounded.bound.iter()).for_each(|ix| {
            most.insert(ix);
        });
        self.of_own_system(graph, without(graph, &most, &self.gone(graph)))
    }

    /// What is built for removed attributes alone, and so not any more; what is only fetched for them aside. O(V + E).
    pub fn no_longer_built(&self, graph: &Graph) -> DerivationSet {
        let gone = self.gone(graph);
        let built = gone.iter().filter(|&ix| !graph.derivation(ix).is_fixed_output());
        self.of_own_system(graph, graph.set_of(built))
    }

    /// The removed attributes: those that are called otherwise after the change, and the others.
    fn removed_attributes(&self, graph: &Graph) -> (BTreeSet<AttributeIx>, BTreeSet<AttributeIx>) {
        let removed = self.removed.iter().flat_map(|path| graph.find_attribute(path)).map(Attribute::ix);
        removed.partition(|ix| self.renamed.contains(ix))
    }

    /// What is neither built nor fetched any more, as it was for removed attributes alone.
    pub(crate) fn gone(&self, graph: &Graph) -> DerivationSet {
        built_for(graph, &self.removed_attributes(graph).1)
    }

    /// Those of some derivations that are of the system that bounds are of.
    fn of_own_system(&self, graph: &Graph, derivations: DerivationSet) -> DerivationSet {
        match &self.system {
            Some(system) => of_system(graph, &derivations, system),
            None => derivations,
        }
    }

    /// Whether the evaluation seems to be of another tree than the repository: less than half of its files are there.
    pub fn is_far_away(&self) -> bool {
        self.positions_found * 2 < self.positions || self.positions == 0
    }
}

/// Estimates what a comparison changes, from an evaluation of a tree near its base.
///
/// O(bytes of all Nix files), once, over all cores; then O(files that depend on a changed one). Nothing is evaluated.
///
/// # Errors
///
/// [`Error::Repository`](crate::error::Error::Repository) if an object of the repository cannot be read.
pub fn estimate(graph: &Graph, comparison: &Comparison) -> Result<Estimate> {
    let added = comparison.changes.iter().map(|change| change.path.as_str()).filter(|path| !comparison.was_file(path));
    let positions = Positions::new(graph, comparison.files().chain(added));
    let context = Context::new(graph, comparison, &positions)?;
    let known = Estimate { positions: positions.named, positions_found: positions.found, ..Estimate::default() };
    let mut estimator = Estimator::new(&context, known);
    for change in &comparison.changes {
        estimator.change(change)?;
    }
    Ok(estimator.finish())
}

/// Those of some derivations that are not among others.
fn without(graph: &Graph, derivations: &DerivationSet, others: &DerivationSet) -> DerivationSet {
    graph.set_of(derivations.iter().filter(|&ix| !others.contains(ix)))
}

/// Those of some derivations that are of a system.
fn of_system(graph: &Graph, derivations: &DerivationSet, system: &str) -> DerivationSet {
    graph.set_of(derivations.iter().filter(|&ix| graph.derivation(ix).system() == system))
}
