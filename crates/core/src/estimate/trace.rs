//! From a touched file to the packages that are made of it: along the files that name it, and the bindings that mention it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::Rule;
use super::class::{self, Class};
use super::index::Index;
use super::position::Positions;
use super::repository::{Comparison, Entry, Reader};
use super::syntax::{Outline, Part, Place, outline};
use crate::error::Result;
use crate::graph::{AttributeIx, Graph};

/// Keys of what one hands to a function that makes a package.
const PACKAGE_KEYS: [&str; 8] = ["buildInputs", "hash", "name", "nativeBuildInputs", "patches", "pname", "src", "version"];
/// Files and bindings that one trace goes through; beyond, it is said to reach everything.
const MAX_STEPS: usize = 50_000;

/// What all traces of one comparison share.
pub(super) struct Context<'a> {
    pub(super) graph: &'a Graph,
    pub(super) comparison: &'a Comparison,
    pub(super) positions: &'a Positions,
    /// Where files are after the change, by path before it.
    moves: BTreeMap<&'a str, &'a str>,
    index: OnceCell<Index>,
    reader: Reader<'a>,
    /// Attributes by the set that they are in.
    sets: BTreeMap<&'a str, Vec<AttributeIx>>,
    /// Attributes by the last component of their path, without quotes.
    names: HashMap<&'a str, Vec<AttributeIx>>,
    outlines: RefCell<HashMap<String, Rc<Outlines>>>,
}

/// A file before and after the change; once, if it is the same.
pub(super) struct Outlines {
    pub(super) all: Vec<Outline>,
    /// Sets of the evaluation that its bindings are attributes of.
    sets: Vec<String>,
    /// Those of them that it defines: of the others, only some attributes are called as its bindings.
    own_sets: Vec<String>,
    /// Whether bindings of it are attributes.
    pub(super) is_set: bool,
    /// Whether all files that its bindings name lie in its directory: a scope that nothing else sees.
    is_local: bool,
}

impl Outlines {
    /// What a binding is called in each of the sets that the file defines; without one, at the top level.
    pub(super) fn names(&self, member: &[String]) -> Vec<String> {
        if self.own_sets.is_empty() { vec![dotted(member)] } else { self.own_sets.iter().map(|set| name_in(set, member)).collect() }
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(graph: &'a Graph, comparison: &'a Comparison, positions: &'a Positions) -> Result<Self> {
        let mut sets: BTreeMap<&str, Vec<AttributeIx>> = BTreeMap::new();
        let mut names: HashMap<&str, Vec<AttributeIx>> = HashMap::new();
        for attribute in graph.attributes() {
            let (set, name) = split(attribute.path());
            sets.entry(set).or_default().push(attribute.ix());
            names.entry(name).or_default().push(attribute.ix());
        }
        let renamed = comparison.changes.iter().filter_map(|change| Some((change.old_path.as_deref()?, change.path.as_str())));
        let (moves, index, outlines) = (renamed.collect(), OnceCell::new(), RefCell::default());
        Ok(Self { graph, comparison, positions, moves, index, reader: comparison.reader()?, sets, names, outlines })
    }

    pub(super) fn index(&self) -> Result<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let index = Index::new(self.comparison)?;
        Ok(self.index.get_or_init(|| index))
    }

    /// Nix files that were not read, of those that were looked at.
    pub(super) fn unread(&self) -> usize {
        self.index.get().map_or(0, |index| index.unread)
    }

    /// Parses a file as it was before the change.
    pub(super) fn outline_before(&self, path: &str, text: &str) -> Option<Outline> {
        // Cells are not shared with the thread that parses; the map is.
        let moves = &self.moves;
        let new_path = move |path: &str| {
            let directory = moves.get(format!("{path}/default.nix").as_str()).map(|moved| moved.trim_end_matches("/default.nix"));
            moves.get(path).copied().or(directory).map(str::to_owned)
        };
        outline(text, &Place { path, moved: &new_path })
    }

    /// Parses a file as it is after the change.
    pub(super) fn outline_after(path: &str, text: &str) -> Option<Outline> {
        outline(text, &Place { path, moved: &|_| None })
    }

    /// A file's outlines, and what its bindings are.
    pub(super) fn outlines(&self, path: &str) -> Result<Rc<Outlines>> {
        if let Some(known) = self.outlines.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let mut all = Vec::new();
        let mut is_changed = false;
        for change in &self.comparison.changes {
            let text = |side: &'a Option<Entry>| side.as_ref().and_then(|entry| entry.text.as_deref());
            if change.path_before() == path {
                is_changed = true;
                all.extend(text(&change.old).and_then(|text| self.outline_before(path, text)));
            }
            if change.path == path {
                is_changed = true;
                all.extend(text(&change.new).and_then(|text| Self::outline_after(path, text)));
            }
        }
        if !is_changed {
            all.extend(self.reader.read(path)?.and_then(|text| self.outline_before(path, &text)));
        }
        let found = Rc::new(self.described(path, all));
        self.outlines.borrow_mut().insert(path.to_owned(), Rc::clone(&found));
        Ok(found)
    }

    /// Finds the sets of the evaluation that a file's bindings are attributes of.
    ///
    /// A binding whose attribute is defined in this file, or in one that the binding names, is evidence of its set. It
    /// counts if half of the bindings are in that set, or half of that set is among the bindings. Without evidence half
    /// of the set must be, or (aliases) half of the bindings must be attributes of the top level; and none may be what one
    /// hands to a function that makes a package: some set has a package called `version`.
    fn described(&self, path: &str, all: Vec<Outline>) -> Outlines {
        let members: BTreeSet<&str> = top_members(&all).map(|part| part.path[0].as_str()).collect();
        let mut common: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for name in &members {
            for &ix in self.names.get(*name).into_iter().flatten() {
                common.entry(self.set_of(ix)).or_default().insert(name);
            }
        }
        let evidence: BTreeSet<&str> =
            top_members(&all).flat_map(|part| self.defined_there(path, part)).map(|ix| self.set_of(ix)).collect();
        let is_package = members.iter().any(|name| PACKAGE_KEYS.contains(name));
        let is_of = |(set, common): &(&&str, &BTreeSet<&str>)| {
            let half_of_set = common.len() * 2 >= self.sets[**set].len();
            let half_of_members = common.len() * 2 >= members.len();
            let is_certain = evidence.contains(**set) && (half_of_set || half_of_members);
            is_certain || !is_package && common.len() > 1 && (half_of_set || set.is_empty() && half_of_members)
        };
        let sets: Vec<String> = common.iter().filter(is_of).map(|(set, _)| (*set).to_owned()).collect();
        let most = common.values().map(BTreeSet::len).max().unwrap_or_default();
        let own_sets = sets.iter().filter(|set| common[set.as_str()].len() * 2 >= most).cloned().collect();
        let defined = self.positions.of(path);
        let named = defined.iter().filter(|ix| members.contains(split(self.graph.attribute(**ix).path()).1)).count();
        let is_set = named * 2 >= defined.len() && !(sets.is_empty() && evidence.is_empty());
        let directory = parent(path);
        let is_near = |target: &str| directory.is_empty() || target.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        let is_local = all.iter().flat_map(|outline| outline.parts()).flat_map(|part| &part.references).all(|named| is_near(&named.target));
        Outlines { all, sets, own_sets, is_set, is_local }
    }

    fn set_of(&self, ix: AttributeIx) -> &'a str {
        split(self.graph.attribute(ix).path()).0
    }

    /// Attributes with the name of a binding, defined in its file or in one that it names.
    fn defined_there(&self, path: &str, part: &Part) -> Vec<AttributeIx> {
        let Some(named) = part.path.last().and_then(|name| self.names.get(name.as_str())) else { return Vec::new() };
        let targets = part.references.iter().flat_map(|named| [named.target.clone(), format!("{}/default.nix", named.target)]);
        let files: Vec<String> = targets.chain([path.to_owned()]).collect();
        let is_there = |ix: &&AttributeIx| files.iter().any(|file| self.positions.of(file).contains(ix));
        named.iter().filter(is_there).copied().collect()
    }

    /// The attributes that a binding of a file is, by position and by the sets of the file; those of the set that it is.
    pub(super) fn resolve(&self, path: &str, outlines: &Outlines, member: &[String]) -> BTreeSet<AttributeIx> {
        self.resolve_in(&outlines.sets, path, outlines, member)
    }

    /// The same without those of sets that other files define: they are not gone with the binding, nor come with it.
    pub(super) fn defined(&self, path: &str, outlines: &Outlines, member: &[String]) -> BTreeSet<AttributeIx> {
        let sets = if outlines.own_sets.is_empty() { &outlines.sets } else { &outlines.own_sets };
        self.resolve_in(sets, path, outlines, member)
    }

    fn resolve_in(&self, sets: &[String], path: &str, outlines: &Outlines, member: &[String]) -> BTreeSet<AttributeIx> {
        let parts = outlines.all.iter().flat_map(|outline| &outline.members).filter(|part| part.path == member);
        let mut found: BTreeSet<AttributeIx> = parts.flat_map(|part| self.defined_there(path, part)).collect();
        found.extend(sets.iter().flat_map(|set| self.attribute_or_set(&name_in(set, member))));
        found
    }

    /// Whether a binding is what its name means at the top level, where `pkgs/by-name` is; `known` are the attributes that it is. Of an
    /// evaluation without a top level, every set may be it.
    pub(super) fn is_at_top(&self, outlines: &Outlines, member: &[String], known: &BTreeSet<AttributeIx>) -> bool {
        let name = dotted(member);
        let top = self.attribute_or_set(&name);
        if top.is_empty() {
            !self.sets.contains_key("") || outlines.names(member).contains(&name)
        } else {
            top.iter().any(|ix| known.contains(ix))
        }
    }

    /// The attribute of this path, for each system, or all in the set of this path.
    pub(super) fn attribute_or_set(&self, path: &str) -> Vec<AttributeIx> {
        let found: Vec<AttributeIx> = self.graph.find_attribute(path).map(|attribute| attribute.ix()).collect();
        if !found.is_empty() {
            return found;
        }
        let below = format!("{path}.");
        let is_in = |set: &&str| **set == *path || set.starts_with(&below);
        self.sets
            .range(path..)
            .take_while(|(set, _)| set.starts_with(path))
            .filter(|(set, _)| is_in(set))
            .flat_map(|(_, ixs)| ixs)
            .copied()
            .collect()
    }
}

/// What a trace came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Attributes, by what led to them.
    pub(super) attributes: BTreeMap<AttributeIx, Rule>,
    /// Bindings that are no attributes, and that any file may mention.
    pub(super) names: BTreeSet<String>,
    /// Why everything is reached.
    pub(super) everything: Option<String>,
    /// Whether a file names it where a build sees it.
    pub(super) is_named: bool,
    /// Whether a file names it where no build sees it.
    pub(super) is_named_unseen: bool,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.names.is_empty() && self.everything.is_none()
    }
}

/// What is still to be followed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    File(String),
    Member(String, Vec<String>),
    /// An identifier, in the files below a directory.
    Name(String, String),
}

/// Follows one change.
pub(super) struct Trace<'c, 'a> {
    context: &'c Context<'a>,
    index: &'c Index,
    /// Whether bindings that any file may mention are followed, or only told.
    follows_names: bool,
    seen: HashSet<Step>,
    work: Vec<(Step, Rule)>,
    found: Found,
}

impl<'c, 'a> Trace<'c, 'a> {
    pub(super) fn new(context: &'c Context<'a>, follows_names: bool) -> Result<Self> {
        let index = context.index()?;
        Ok(Self { context, index, follows_names, seen: HashSet::new(), work: Vec::new(), found: Found::default() })
    }

    /// A file was touched as a whole.
    pub(super) fn file(&mut self, path: &str, rule: Rule) {
        self.push(Step::File(path.to_owned()), rule);
    }

    /// A file was removed: what does not name it any more says itself what it is without it.
    pub(super) fn removed(&mut self, path: &str) -> Result<()> {
        let importers: Vec<String> = self.index.importers(path).into_iter().map(str::to_owned).collect();
        for importer in importers {
            if self.still_names(&importer, path)? {
                self.follow_reference(&importer, path)?;
            }
        }
        Ok(())
    }

    /// Whether an expression names a file, or a directory that it is in, after the change too.
    fn still_names(&self, importer: &str, path: &str) -> Result<bool> {
        let Some(change) = self.context.comparison.changes.iter().find(|change| change.path == importer) else { return Ok(true) };
        let outlines = self.context.outlines(importer)?;
        let names_it = |outline: &Outline| outline.parts().any(|part| part.references.iter().any(|named| named.names(path)));
        Ok(change.new.is_some() && outlines.all.last().is_some_and(names_it))
    }

    /// What a file says was touched, but nothing of what it results in.
    pub(super) fn read(&mut self, path: &str) -> Result<()> {
        if self.context.positions.relative(path).starts_with(class::MODULES) {
            return Ok(());
        }
        let readers: Vec<String> = self.index.readers(path).into_iter().map(str::to_owned).collect();
        readers.iter().try_for_each(|reader| self.follow_reference(reader, path))
    }

    /// A binding of a set of packages was touched.
    pub(super) fn member(&mut self, path: &str, member: &[String], rule: Rule) {
        self.push(Step::Member(path.to_owned(), member.to_vec()), rule);
    }

    /// Whatever an identifier means was touched.
    pub(super) fn name(&mut self, name: &str, directory: &str, rule: Rule) {
        self.push(Step::Name(name.to_owned(), directory.to_owned()), rule);
    }

    fn push(&mut self, step: Step, rule: Rule) {
        if self.seen.insert(step.clone()) {
            self.work.push((step, rule));
        }
    }

    fn everything(&mut self, reason: String) {
        self.found.everything.get_or_insert(reason);
    }

    /// Follows all that was touched.
    pub(super) fn run(mut self) -> Result<Found> {
        while let Some((step, rule)) = self.work.pop() {
            if self.found.everything.is_some() {
                break;
            }
            if self.seen.len() > MAX_STEPS {
                self.everything("too many files depend on it to follow them".to_owned());
            }
            match step {
                Step::File(path) => self.follow_file(&path, rule)?,
                Step::Member(path, member) => self.follow_member(&path, &member, rule)?,
                Step::Name(name, directory) => self.follow_name(&name, &directory)?,
            }
        }
        Ok(self.found)
    }

    fn attribute(&mut self, ix: AttributeIx, rule: Rule) {
        self.found.attributes.entry(ix).or_insert(rule);
    }

    fn follow_file(&mut self, path: &str, rule: Rule) -> Result<()> {
        let relative = self.context.positions.relative(path);
        match class::certain(relative) {
            Some(Class::Nothing(_)) => return Ok(()),
            Some(Class::Everything(reason)) => {
                self.everything(format!("{path} depends on it: {reason}"));
                return Ok(());
            }
            None => {}
        }
        for &ix in self.context.positions.of(path) {
            // What is fetched does not depend on what fetches it.
            let is_fetched = self.context.graph.attribute(ix).derivation().is_some_and(|derivation| derivation.is_fixed_output());
            if !(is_fetched && relative.starts_with(class::BUILD_SUPPORT)) {
                self.attribute(ix, rule);
            }
        }
        if let Some((name, _)) = class::by_name(relative) {
            let named = self.context.attribute_or_set(&dotted(&[name.to_owned()]));
            if named.is_empty() {
                self.unresolved(name, "", rule);
            }
            for ix in named {
                self.attribute(ix, if rule == Rule::Imported { rule } else { Rule::ByName });
            }
        }
        let importers: Vec<String> = self.index.importers(path).into_iter().map(str::to_owned).collect();
        for importer in importers {
            self.follow_reference(&importer, path)?;
        }
        Ok(())
    }

    /// `importer` may name `path`: in which of its bindings?
    fn follow_reference(&mut self, importer: &str, path: &str) -> Result<()> {
        let relative = self.context.positions.relative(importer);
        let is_glue = matches!(class::certain(relative), Some(Class::Everything(_)));
        if is_glue && class::by_name(self.context.positions.relative(path)).is_some() {
            // It calls all of these by their names.
            return Ok(());
        }
        let outlines = self.context.outlines(importer)?;
        if outlines.all.is_empty() || is_glue {
            self.found.is_named = true;
            self.file(importer, Rule::Imported);
            return Ok(());
        }
        for outline in &outlines.all {
            let names_it = |part: &&Part| part.references.iter().any(|named| named.names(path));
            self.found.is_named |= outline.parts().any(|part| names_it(&part));
            self.found.is_named_unseen |= outline.unseen.iter().any(|named| named.names(path));
            let lets: BTreeSet<String> = outline.lets.iter().filter(names_it).map(|part| part.path[0].clone()).collect();
            let members = outline.members.iter().filter(names_it).map(|part| part.path.clone());
            self.follow_parts(importer, &outlines, outline, members.collect(), lets, names_it(&&outline.context));
        }
        Ok(())
    }

    /// Parts of a file were touched: its members one by one, if they are attributes; else the file as a whole.
    fn follow_parts(
        &mut self,
        path: &str,
        outlines: &Outlines,
        outline: &Outline,
        mut members: BTreeSet<Vec<String>>,
        mut lets: BTreeSet<String>,
        is_context: bool,
    ) {
        members.extend(outline.mentioning(&mut lets));
        let is_context = is_context || !outline.context.names.is_disjoint(&lets);
        if is_context || (!outlines.is_set && !members.is_empty()) {
            if class::is_entry_point(self.context.positions.relative(path)) {
                self.everything(format!("{path} depends on it, where an evaluation begins"));
            }
            self.file(path, Rule::Imported);
        } else {
            for member in &members {
                self.member(path, member, Rule::Imported);
            }
        }
    }

    fn follow_member(&mut self, path: &str, member: &[String], rule: Rule) -> Result<()> {
        let outlines = self.context.outlines(path)?;
        // A binding in a set that is none of the evaluation's belongs to the one that the set is in.
        let outer = (1..=member.len()).rev().map(|length| self.context.resolve(path, &outlines, &member[..length]));
        let attributes = outer.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        let Some(name) = member.first() else { return Ok(()) };
        if attributes.is_empty() {
            let directory = parent(path);
            self.unresolved(name, if outlines.is_local { directory } else { "" }, rule);
            for outline in &outlines.all {
                let mentioning = outline.mentioning(&mut BTreeSet::from([name.clone()]));
                for other in &mentioning {
                    self.member(path, other, rule);
                }
            }
            return Ok(());
        }
        for ix in attributes {
            self.attribute(ix, rule);
        }
        // Packages that are made from it by other means than needing its outputs: `x = y.override { }`, `inherit (y) src`.
        for part in outlines.all.iter().flat_map(|outline| &outline.members).filter(|part| part.sources.contains(name)) {
            if !self.context.resolve(path, &outlines, &part.path).is_empty() {
                self.member(path, &part.path, rule);
            }
        }
        Ok(())
    }

    /// A binding that is no attribute: a function, a source, a version.
    fn unresolved(&mut self, name: &str, directory: &str, rule: Rule) {
        if directory.is_empty() && !self.follows_names {
            self.found.names.insert(name.to_owned());
        } else {
            self.name(name, directory, rule);
        }
    }

    /// Whether a file is known to define a package or two, and no set of them.
    fn is_one_package(&self, path: &str) -> bool {
        (1..=2).contains(&self.context.positions.of(path).len()) || class::by_name(self.context.positions.relative(path)).is_some()
    }

    fn follow_name(&mut self, name: &str, directory: &str) -> Result<()> {
        let files: Vec<String> = self.index.mentioning(name, directory).map(str::to_owned).collect();
        for path in files {
            let relative = self.context.positions.relative(&path);
            // The library knows no packages, and modules of NixOS are in none.
            if relative.starts_with("lib/") || relative.starts_with(class::MODULES) || relative.starts_with("maintainers/") {
                continue;
            }
            if directory.is_empty() && self.is_one_package(&path) {
                // Where in it does not matter to a bound.
                self.file(&path, Rule::Imported);
                continue;
            }
            let outlines = self.context.outlines(&path)?;
            if outlines.all.is_empty() {
                self.file(&path, Rule::Imported);
            }
            for outline in &outlines.all {
                let mentions = |part: &&Part| part.names.contains(name);
                let lets: BTreeSet<String> = outline.lets.iter().filter(mentions).map(|part| part.path[0].clone()).collect();
                let members: BTreeSet<Vec<String>> = outline.members.iter().filter(mentions).map(|part| part.path.clone()).collect();
                let is_context = mentions(&&outline.context);
                self.follow_parts(&path, &outlines, outline, members, lets, is_context);
            }
        }
        Ok(())
    }
}

/// Bindings of a file's result, without those of sets in it.
fn top_members(outlines: &[Outline]) -> impl Iterator<Item = &Part> {
    outlines.iter().flat_map(|outline| &outline.members).filter(|part| !part.path.is_empty())
}

/// What a binding of a set is called.
fn name_in(set: &str, member: &[String]) -> String {
    if set.is_empty() { dotted(member) } else { format!("{set}.{}", dotted(member)) }
}

/// The directory that a file is in; empty at the top.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The set and the name of an attribute path, the name without quotes.
fn split(path: &str) -> (&str, &str) {
    match path.strip_suffix('"').and_then(|path| path.rfind('"').map(|at| (&path[..at], &path[at + 1..]))) {
        Some((set, name)) => (set.strip_suffix('.').unwrap_or(set), name),
        None => path.rsplit_once('.').unwrap_or(("", path)),
    }
}

/// An attribute path as evaluations write it: a component with a dot in it is in quotes.
pub(super) fn dotted(path: &[String]) -> String {
    let parts: Vec<String> = path.iter().map(|part| if part.contains('.') { format!("\"{part}\"") } else { part.clone() }).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_paths_are_split_outside_quotes() {
        for (path, expected) in [
            ("hello", ("", "hello")),
            ("python312Packages.numpy", ("python312Packages", "numpy")),
            ("nodePackages.\"socket.io\"", ("nodePackages", "socket.io")),
            ("\"a.b\"", ("", "a.b")),
        ] {
            assert_eq!(split(path), expected);
        }
        assert_eq!(dotted(&["nodePackages".to_owned(), "socket.io".to_owned()]), "nodePackages.\"socket.io\"");
    }
}
