//! Root selectors: attribute path, pname, derivation or output path, or glob.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::config::attribute_glob;
use crate::error::{Error, Result};
use crate::graph::{Attribute, Derivation, DerivationIx, Graph, Package, PackageIx};
use crate::ingest::split_job;
use crate::store_path::{StorePath, base_name};
use crate::text::counted;

/// Candidates of an ambiguous selector that are listed.
const LISTED_CANDIDATES: usize = 12;
/// Names that are suggested for an unknown selector.
const SUGGESTIONS: usize = 3;
/// Unknown packages of a list to which names like theirs are suggested: no more of them are shown.
pub(crate) const SUGGESTED: usize = 20;
/// Characters that make a pattern.
const GLOB: [char; 3] = ['*', '?', '['];
/// Bytes of a name that is compared with all others.
const LONGEST_TYPED: usize = 200;
/// Similarity (Jaro-Winkler, at most 1) from which on a name is suggested.
const SIMILAR: f64 = 0.85;

/// How much a selector takes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every derivation that a change of the package would change.
    #[default]
    Package,
    /// Only the derivations that the selector names.
    Exact,
}

/// What a selector names.
#[derive(Clone, Debug)]
pub struct Root {
    /// What was typed.
    pub selector: String,
    /// The derivation that stands for it.
    pub face: DerivationIx,
    /// Its derivations, in topological order.
    pub derivations: Vec<DerivationIx>,
}

impl Root {
    /// All of a package.
    pub fn of_package(package: Package<'_>) -> Self {
        let face = package.face();
        Self { selector: face.label().to_owned(), face: face.ix(), derivations: package.derivations().map(Derivation::ix).collect() }
    }
}

/// Finds what each selector names; a glob names a root for each package that it matches.
///
/// A selector is, in this order: a store path of a derivation or an output (full or base name), a glob over attribute
/// paths (with `*`, `?` or `[`), an attribute path (of both, quotes may be left out), a pname, the name of a derivation such as a
/// source's; else one of these with a system behind it, as `hello.x86_64-linux`. An output that several derivations build is a change of
/// all of them. With `system`, only what is for that system: of an attribute that was evaluated for others alone, the derivations of its
/// package.
/// O(V) for each selector.
///
/// # Errors
///
/// [`Error::UnknownPackage`] with the nearest names, [`Error::AmbiguousPackage`] if several packages share a pname,
/// [`Error::NotForSystem`], [`Error::NotEvaluated`] if the attribute has no derivation, [`Error::Pattern`].
pub fn select(graph: &Graph, selectors: &[String], scope: Scope, system: Option<&str>) -> Result<Vec<Root>> {
    find_roots(graph, selectors, scope, system).map_err(|error| match error {
        Error::UnknownPackage { selector, .. } => Error::UnknownPackage { suggestions: suggestions(graph, &selector), selector },
        other => other,
    })
}

/// The same without suggestions, which take longer than all else: for who asks thousands of times.
pub(crate) fn find_roots(graph: &Graph, selectors: &[String], scope: Scope, system: Option<&str>) -> Result<Vec<Root>> {
    let mut roots: Vec<Root> = Vec::new();
    let mut known: FxHashSet<Vec<DerivationIx>> = FxHashSet::default();
    for selector in selectors {
        for named in named_for(graph, selector, system)? {
            let root = root(graph, selector, &named, scope);
            if known.insert(root.derivations.clone()) {
                roots.push(root);
            }
        }
    }
    Ok(roots)
}

/// The same as [`named`]; what is there for other systems alone is not said to be unknown, nor ambiguous.
fn named_for(graph: &Graph, selector: &str, system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    let found = named(graph, selector, system);
    let (Err(Error::UnknownPackage { .. }), Some(system)) = (&found, system) else { return found };
    let others: Vec<Derivation<'_>> = match named(graph, selector, None) {
        Ok(others) => others.iter().flatten().map(|&ix| graph.derivation(ix)).collect(),
        Err(Error::UnknownPackage { .. }) => return found,
        Err(Error::AmbiguousPackage { .. }) => of_pname(graph, selector, None),
        Err(other) => return Err(other),
    };
    Err(not_for(system, Some(selector), others.into_iter()))
}

/// Makes sure that there is something of a system. O(V + A) if there is not.
///
/// # Errors
///
/// [`Error::NotForSystem`] with the systems that there are.
pub fn require_system(graph: &Graph, system: &str) -> Result<()> {
    if graph.derivations().any(|derivation| derivation.system() == system)
        || graph.attributes().any(|attribute| attribute.system() == Some(system))
    {
        return Ok(());
    }
    Err(not_for(system, None, graph.derivations()))
}

/// That there is nothing of a system; and of which there is something, as far as derivations or their attributes tell.
fn not_for<'g>(system: &str, selector: Option<&str>, others: impl Iterator<Item = Derivation<'g>>) -> Error {
    let known = |derivation: Derivation<'g>| derivation.attributes().filter_map(Attribute::system).chain([derivation.system()]);
    let systems: BTreeSet<&str> = others.flat_map(known).filter(|known| !known.is_empty() && *known != system).collect();
    Error::NotForSystem {
        selector: selector.map(str::to_owned),
        system: system.to_owned(),
        systems: systems.into_iter().map(str::to_owned).collect(),
    }
}

/// Derivations that a selector names, those of one root together. What is called by no path may have its system behind it, as reports
/// and the jobs of Hydra have.
fn named(graph: &Graph, selector: &str, system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    match (named_so(graph, selector, system), split_job(selector)) {
        (Err(Error::UnknownPackage { .. }), (path, Some(of))) if system.is_none_or(|system| system == of) => {
            named_so(graph, path, Some(of))
        }
        (found, _) => found,
    }
}

fn named_so(graph: &Graph, selector: &str, system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    if let Some(path) = StorePath::parse(selector) {
        return by_store_path(graph, selector, path).map(|derivations| vec![derivations]);
    }
    if selector.contains(GLOB) {
        return by_glob(graph, selector, system);
    }
    let mut attributes: Vec<_> = graph.find_attribute(selector).collect();
    if attributes.is_empty() && selector.contains('.') {
        // Other tools leave the quotes of `nodePackages."socket.io"` out.
        let is_meant = |attribute: &Attribute<'_>| attribute.path().contains('"') && attribute.path().replace('"', "") == selector;
        attributes = graph.attributes().filter(is_meant).collect();
    }
    if attributes.is_empty() { by_pname(graph, selector, system) } else { by_attribute(selector, &attributes, system) }
}

fn by_attribute(selector: &str, attributes: &[Attribute<'_>], system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    let derivations = derivations_for(attributes, system);
    if !derivations.is_empty() {
        return Ok(vec![derivations]);
    }
    let others: Vec<Derivation<'_>> = attributes.iter().filter_map(|attribute| attribute.derivation()).collect();
    if others.is_empty() {
        return Err(not_evaluated(selector, attributes[0]));
    }
    let members = others.iter().flat_map(|other| other.package().derivations());
    Err(not_for(system.unwrap_or_default(), Some(selector), members))
}

/// The derivations that attributes with one path have for a system. An attribute stands for its package, which may have something for a
/// system that the attribute was not evaluated for.
fn derivations_for(attributes: &[Attribute<'_>], system: Option<&str>) -> Vec<DerivationIx> {
    let own = attributes.iter().filter(|attribute| is_for(**attribute, system));
    let own: Vec<DerivationIx> = own.filter_map(|attribute| attribute.derivation()).map(Derivation::ix).collect();
    if !own.is_empty() {
        return own;
    }
    let others = attributes.iter().filter_map(|attribute| attribute.derivation());
    let members = others.flat_map(|other| other.package().derivations());
    let is_kept = |member: &Derivation<'_>| system.is_none_or(|system| member.system() == system);
    let of_system: BTreeSet<DerivationIx> = members.filter(is_kept).map(Derivation::ix).collect();
    of_system.into_iter().collect()
}

fn is_for(attribute: Attribute<'_>, system: Option<&str>) -> bool {
    system.is_none_or(|system| attribute.system() == Some(system))
}

/// The derivation of a path, or all that build an output of it.
fn by_store_path(graph: &Graph, selector: &str, path: StorePath<'_>) -> Result<Vec<DerivationIx>> {
    let base = base_name(selector);
    let is_derivation = path.name.strip_suffix(".drv").is_some();
    let is_named = |derivation: &Derivation<'_>| {
        (is_derivation && derivation.base_name() == base) || derivation.outputs().any(|output| output.base_name().as_deref() == Some(base))
    };
    let named = graph.derivations().filter(|derivation| derivation.may_have_hash(path.hash)).filter(is_named);
    let named: Vec<DerivationIx> = named.map(Derivation::ix).collect();
    if named.is_empty() { Err(unknown(selector)) } else { Ok(named) }
}

fn by_glob(graph: &Graph, pattern: &str, system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    let is_meant = path_glob(pattern)?;
    let matching: Vec<Attribute<'_>> = graph.attributes().filter(|attribute| is_meant(attribute.path())).collect();
    // Those with one path stand together.
    let named = matching.chunk_by(|one, next| one.path() == next.path());
    let derivations: BTreeSet<DerivationIx> = named.flat_map(|attributes| derivations_for(attributes, system)).collect();
    if derivations.is_empty() {
        let is_broken = |attribute: &Attribute<'_>| attribute.derivation().is_none();
        return Err(match matching.first().filter(|_| matching.iter().all(is_broken)) {
            Some(broken) => not_evaluated(broken.path(), *broken),
            None => unknown(pattern),
        });
    }
    Ok(derivations.into_iter().map(|derivation| vec![derivation]).collect())
}

/// Which attribute paths a glob means: those that it matches with their quotes, or without.
///
/// # Errors
///
/// [`Error::Pattern`].
pub(crate) fn path_glob(pattern: &str) -> Result<impl Fn(&str) -> bool> {
    let matcher = attribute_glob(pattern)?;
    Ok(move |path: &str| matcher.is_match(path) || (path.contains('"') && matcher.is_match(path.replace('"', ""))))
}

fn by_pname(graph: &Graph, pname: &str, system: Option<&str>) -> Result<Vec<Vec<DerivationIx>>> {
    let derivations = of_pname(graph, pname, system);
    let packages: BTreeSet<PackageIx> = derivations.iter().map(|derivation| derivation.package().ix()).collect();
    match packages.len() {
        0 => Err(unknown(pname)),
        1 => Ok(vec![derivations.into_iter().map(Derivation::ix).collect()]),
        _ => Err(Error::AmbiguousPackage { selector: pname.to_owned(), candidates: candidates(graph, &packages) }),
    }
}

/// Derivations with a pname; if there is none, with a name.
fn of_pname<'g>(graph: &'g Graph, pname: &str, system: Option<&str>) -> Vec<Derivation<'g>> {
    let is_kept = |derivation: &Derivation<'_>| system.is_none_or(|system| derivation.system() == system);
    let is_named = |derivation: &Derivation<'_>| !derivation.is_fixed_output() && derivation.pname() == pname && is_kept(derivation);
    let derivations: Vec<_> = graph.derivations().filter(is_named).collect();
    if !derivations.is_empty() {
        return derivations;
    }
    // A source is named by its file.
    graph.derivations().filter(|derivation| derivation.name() == pname && is_kept(derivation)).collect()
}

/// A line for each candidate, what rebuilds most first.
fn candidates(graph: &Graph, packages: &BTreeSet<PackageIx>) -> Vec<String> {
    let mut packages: Vec<Package<'_>> = packages.iter().map(|&package| graph.package(package)).collect();
    packages.sort_by_key(|package| std::cmp::Reverse(package.rebuilt_derivations()));
    let typed = |package: &Package<'_>| match package.face() {
        face if face.attributes().len() > 0 => face.label().to_owned(),
        face => face.base_name(),
    };
    let line = |package: &Package<'_>| {
        let face = package.face();
        let version = if face.version().is_empty() { "no version" } else { face.version() };
        let derivations = |count: usize| counted(count, "derivation", "derivations");
        let rebuilds = if graph.attribute_count() > 0 {
            counted(package.rebuilt_attributes() as usize, "attribute", "attributes")
        } else {
            derivations(package.rebuilt_derivations() as usize)
        };
        format!("  {}  ({version}, {}, {}; rebuilds {rebuilds})", typed(package), face.system(), derivations(package.derivations().len()))
    };
    let mut lines: Vec<String> = packages.iter().take(LISTED_CANDIDATES).map(line).collect();
    if packages.len() > LISTED_CANDIDATES {
        lines.push(format!("  … and {} more", packages.len() - LISTED_CANDIDATES));
    }
    lines
}

fn not_evaluated(path: &str, attribute: Attribute<'_>) -> Error {
    let error = attribute.error().unwrap_or("it has no derivation");
    Error::NotEvaluated { attribute: path.to_owned(), error: error.to_owned() }
}

fn unknown(selector: &str) -> Error {
    Error::UnknownPackage { selector: selector.to_owned(), suggestions: Vec::new() }
}

/// The attribute paths nearest to a name that was typed; where there are none, the pnames.
fn suggestions(graph: &Graph, typed: &str) -> Vec<String> {
    if StorePath::parse(typed).is_some() || typed.contains(GLOB) {
        return Vec::new();
    }
    if graph.attribute_count() > 0 {
        return similar(graph.attributes().map(Attribute::path), typed);
    }
    let named = graph.derivations().filter(|derivation| !derivation.is_fixed_output());
    similar(named.map(Derivation::pname), typed)
}

/// The names nearest to what was typed, nearest first. O(names).
pub(crate) fn similar<'n>(names: impl Iterator<Item = &'n str>, typed: &str) -> Vec<String> {
    if typed.len() > LONGEST_TYPED {
        return Vec::new();
    }
    let typed_lower = typed.to_lowercase();
    let score = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let whole = strsim::jaro_winkler(&name.to_lowercase(), &typed_lower);
        whole.max(strsim::jaro_winkler(&last.to_lowercase(), &typed_lower) - 0.01)
    };
    let mut scored: Vec<(f64, &str)> = names.map(|name| (score(name), name)).filter(|(score, _)| *score >= SIMILAR).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.len().cmp(&b.1.len())).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}

fn root(graph: &Graph, selector: &str, named: &[DerivationIx], scope: Scope) -> Root {
    let derivations: BTreeSet<DerivationIx> = match scope {
        Scope::Exact => named.iter().copied().collect(),
        Scope::Package => named.iter().flat_map(|&ix| graph.derivation(ix).package().derivations()).map(Derivation::ix).collect(),
    };
    Root { selector: selector.to_owned(), face: named[0], derivations: derivations.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        let names = ["zlib", "openssh", "python3Packages.openssl", "openssl", "openssl", "opensslLegacyOfOld"];
        // A whole name comes before the last component of a path, and that before what is spelt otherwise.
        assert_eq!(similar(names.into_iter(), "OpenSSL"), ["openssl", "python3Packages.openssl", "openssh"]);
        assert_eq!(similar(names.into_iter(), "quite another"), [""; 0]);
        // One letter more in a long name is nearer than a path.
        let long = ["kdePackages.libreoffice-unstable", "libreoffice-unstable2"];
        assert_eq!(similar(long.into_iter(), "libreoffice-unstable"), ["libreoffice-unstable2", "kdePackages.libreoffice-unstable"]);
    }
}
