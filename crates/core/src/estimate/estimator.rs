//! The rules by which a changed file is about packages, one file after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::class::{self, Class};
use super::repository::{Entry, FileChange, FileStatus, is_nix};
use super::syntax::{self, Difference, Seen};
use super::trace::{self, Context, Found, Trace};
use super::{Estimate, Ignored, Kind, Rule, Seed, Unbounded, without};
use crate::error::Result;
use crate::graph::{AttributeIx, Derivation, DerivationIx, DerivationSet, Direction, Graph};

/// Goes through changed files, and adds up what is known of each.
pub(super) struct Estimator<'c, 'a> {
    context: &'c Context<'a>,
    estimate: Estimate,
    /// What is rebuilt at most if whatever an identifier means is another.
    bounds: HashMap<String, (DerivationSet, Option<String>)>,
    /// Sources by hash and name, which are their path: two derivations may fetch the same.
    sources: Option<HashMap<(&'a str, &'a str), Vec<DerivationIx>>>,
    /// Derivations without an attribute by pname: stages of a bootstrap, other systems, what is overridden in another package.
    nameless: Option<HashMap<&'a str, Vec<DerivationIx>>>,
    /// Attributes that are removed, and the file that says so.
    removed: BTreeMap<AttributeIx, String>,
    /// Attributes that a removed file defines, whatever becomes of them, and the file.
    orphans: BTreeMap<AttributeIx, String>,
}

/// A changed file, and what is known of the change.
struct Touched<'t> {
    change: &'t FileChange,
    kind: Kind,
    /// Whether a package's source may be another.
    is_source: bool,
    difference: Option<Difference>,
}

impl<'c, 'a> Estimator<'c, 'a> {
    pub(super) fn new(context: &'c Context<'a>, estimate: Estimate) -> Self {
        let (bounds, removed, orphans) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { context, estimate, bounds, sources: None, nameless: None, removed, orphans }
    }
}

impl Estimator<'_, '_> {
    pub(super) fn change(&mut self, change: &FileChange) -> Result<()> {
        let positions = self.context.positions;
        let relative = positions.relative(&change.path);
        if let Some(Class::Nothing(reason)) = class::certain(relative) {
            self.ignored(change, reason);
            return Ok(());
        }
        let touched = self.touched(change)?;
        if touched.kind == Kind::Move {
            let (goes, comes) = (self.directory_of_one(change.path_before())?, self.directory_of_one(&change.path)?);
            // Whatever it is called, what is made of it is made as before.
            let made = class::made_by_name(positions.relative(change.path_before()));
            let named = made.map(|name| self.context.attribute_or_set(&trace::dotted(&[name.to_owned()])));
            self.estimate.renamed.extend(named.into_iter().flatten());
            self.estimate.renamed.extend(positions.of(change.path_before()));
            if goes || comes {
                self.ignored(change, "moved as it is");
                return Ok(());
            }
        }
        if !touched.kind.rebuilds() {
            return self.unseen(touched);
        }
        if let Some(Class::Everything(reason)) = class::certain(relative) {
            let paths = [change.path_before(), &change.path];
            match class::prose(relative) {
                Some(prose) if self.context.index()?.reads_none_of(&paths) => self.ignored(change, prose),
                _ => self.everything(change, reason.to_owned()),
            }
            return Ok(());
        }
        let mut trace = Trace::new(self.context, false)?;
        self.begin(&touched, &mut trace)?;
        let found = trace.run()?;
        self.outcome(&touched, found)
    }

    /// What was changed in a file.
    fn touched<'t>(&self, change: &'t FileChange) -> Result<Touched<'t>> {
        let text = |entry: &'t Option<Entry>| entry.as_ref().and_then(|entry| entry.text.as_deref());
        let old = text(&change.old).and_then(|text| self.context.outline_before(change.path_before(), text));
        let new = text(&change.new).and_then(|text| Context::outline_after(&change.path, text));
        let difference = old.zip(new).map(|(old, new)| old.difference(&new));
        let kind = match &difference {
            Some(difference) => self.kind(change, difference)?,
            None if change.is_same_content() => self.kind_of_move(change)?,
            None if [".patch", ".diff"].iter().any(|suffix| change.path.ends_with(suffix)) => Kind::Patch,
            None if is_nix(&change.path) => Kind::Expression,
            None => Kind::File,
        };
        let is_source = match &difference {
            Some(difference) => difference.leaves.is_empty() || difference.leaves.iter().any(|leaf| may_be_source(leaf)),
            None => kind != Kind::Patch,
        };
        Ok(Touched { change, kind, is_source, difference })
    }

    fn kind(&self, change: &FileChange, difference: &Difference) -> Result<Kind> {
        let last = |leaf: &String| leaf.rsplit('.').next().unwrap_or_default().to_owned();
        let mut names = difference.leaves.iter().map(last);
        Ok(match difference.seen {
            Seen::Nothing if change.status == FileStatus::Moved => self.kind_of_move(change)?,
            Seen::Nothing if difference.is_same_text => Kind::Formatting,
            Seen::Nothing => Kind::MetaOnly,
            _ if names.any(|name| name == "version" || name.ends_with("Version")) => Kind::Version,
            _ if !difference.leaves.is_empty() && difference.leaves.iter().map(last).all(|name| is_about_patches(&name)) => Kind::Patch,
            _ => Kind::Expression,
        })
    }

    /// A file that moves as it is changes nothing, unless something reads the directory that it is in.
    fn kind_of_move(&self, change: &FileChange) -> Result<Kind> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let index = self.context.index()?;
        let is_in_a_tree = index.is_in_a_tree(&change.path) || index.is_in_a_tree(change.path_before());
        Ok(match is_nix(&change.path) {
            true if is_in_a_tree => Kind::Expression,
            false if is_in_a_tree || name(&change.path) != name(change.path_before()) => Kind::File,
            _ => Kind::Move,
        })
    }

    /// A change of what no build sees in an expression. But a build may read the file itself, whatever it says.
    fn unseen(&mut self, touched: Touched<'_>) -> Result<()> {
        let mut trace = Trace::new(self.context, false)?;
        if touched.kind != Kind::Move {
            trace.read(&touched.change.path)?;
        }
        let found = trace.run()?;
        if found.is_empty() {
            return self.without_rebuilds(&touched);
        }
        self.outcome(&Touched { kind: Kind::File, ..touched }, found)
    }

    /// A change that rebuilds nothing: the packages that it is about are named all the same.
    fn without_rebuilds(&mut self, touched: &Touched<'_>) -> Result<()> {
        let change = touched.change;
        let (positions, graph) = (self.context.positions, self.context.graph);
        let attributes: BTreeSet<AttributeIx> =
            [change.path_before(), &change.path].iter().flat_map(|path| positions.of(path)).copied().collect();
        let rule = if class::by_name(positions.relative(&change.path)).is_some() { Rule::ByName } else { Rule::Position };
        let is_handed_on = self.handed_on(touched)?;
        if attributes.is_empty() && !is_handed_on {
            let reason = match touched.kind {
                Kind::Formatting => "formatting",
                Kind::Move => "moved as it is",
                _ => "nothing that a build reads",
            };
            self.ignored(change, reason);
        }
        let found = attributes.iter().map(|&ix| (ix, rule)).collect();
        self.seeds(touched, found);
        let read = touched.difference.iter().flat_map(|difference| &difference.read_meta).map(|key| format!("meta.{key}"));
        let read: Vec<String> = read.collect();
        if !read.is_empty() {
            let roots = attributes.iter().filter_map(|&ix| Some(graph.attribute(ix).derivation()?.ix()));
            let users: Vec<DerivationIx> = roots.flat_map(|ix| graph.derivation(ix).users().collect::<Vec<_>>()).collect();
            let bound = graph.closure(users, Direction::Dependents);
            let reason = format!("{} may be read by what uses the package", read.join(", "));
            if !bound.is_empty() {
                self.estimate.unbounded.push(Unbounded { file: change.path.clone(), reason, bound });
            }
        }
        Ok(())
    }

    /// Whether `meta` that was changed may be handed to a file that reads it: a bound then, for it may make something of it.
    fn handed_on(&mut self, touched: &Touched<'_>) -> Result<bool> {
        let change = touched.change;
        let Some(Difference { metas, .. }) = touched.difference.as_ref().filter(|difference| !difference.metas.is_empty()) else {
            return Ok(false);
        };
        let outlines = self.context.outlines(&change.path)?;
        // What is said of a binding of a set is handed on by that binding.
        let is_beside = |part: &syntax::Part| metas.iter().any(|keys| keys[0] == "meta" || part.path.first() == keys.first());
        let parts = outlines.all.iter().flat_map(syntax::Outline::parts).filter(|part| is_beside(part));
        let called: BTreeSet<&str> = parts.flat_map(|part| &part.references).map(|named| named.target.as_str()).collect();
        let files = called.into_iter().flat_map(|target| [target.to_owned(), format!("{target}/default.nix")]);
        for file in files.filter(|file| is_nix(file)) {
            if !self.context.outlines(&file)?.all.iter().any(|outline| outline.reads_meta) {
                continue;
            }
            let mut trace = Trace::new(self.context, true)?;
            trace.file(&change.path, Rule::Position);
            let (bound, _) = self.bound(trace.run()?);
            let reason = format!("`meta` may be read by {file}");
            self.estimate.unbounded.push(Unbounded { file: change.path.clone(), reason, bound });
            return Ok(true);
        }
        Ok(false)
    }

    /// Where to follow a change from.
    fn begin(&mut self, touched: &Touched<'_>, trace: &mut Trace<'_, '_>) -> Result<()> {
        let change = touched.change;
        let rule = |path: &str| if class::by_name(self.context.positions.relative(path)).is_some() { Rule::ByName } else { Rule::Position };
        let outlines = self.context.outlines(&change.path)?;
        if let (Some(Difference { seen: Seen::Members(members), .. }), true) = (&touched.difference, outlines.is_set) {
            for member in members {
                self.binding(&change.path, &outlines, member, trace)?;
            }
            return Ok(());
        }
        for path in BTreeSet::from([change.path_before(), &change.path]) {
            let (is_counted, is_removed) = (self.directory_of_one(path)?, change.status == FileStatus::Removed);
            // Not of a directory that comes.
            if (is_counted || is_removed) && self.context.comparison.was_file(path) {
                self.orphans.extend(self.context.positions.of(path).iter().map(|&ix| (ix, path.to_owned())));
            }
            if is_removed && !is_counted {
                trace.removed(path)?;
            } else if !is_counted {
                trace.file(path, rule(path));
            }
        }
        Ok(())
    }

    /// A binding of a set of packages was changed: it is added, removed, or touched.
    fn binding(&mut self, path: &str, outlines: &trace::Outlines, member: &[String], trace: &mut Trace<'_, '_>) -> Result<()> {
        let [old, new] = outlines.all.as_slice() else {
            trace.member(path, member, Rule::TopLevel);
            return Ok(());
        };
        let known = self.context.defined(path, outlines, member);
        match (old.member(member), new.member(member)) {
            (None, Some(part)) if known.is_empty() => {
                let gone = old.members.iter().find(|other| other.hash == part.hash && new.member(&other.path).is_none());
                match gone.filter(|other| !self.context.resolve(path, outlines, &other.path).is_empty()) {
                    Some(gone) => self.renamed(outlines, gone, part),
                    None => self.added(outlines, new, part),
                }
            }
            (Some(before), Some(after)) if after.recurses() && !before.recurses() => self.added(outlines, new, after),
            (Some(_), None) if self.context.is_at_top(outlines, member, &known) && self.is_now_by_name(old, member)? => {}
            (Some(before), Some(after)) if before.recurses() && !after.recurses() => self.removed(path, known),
            // It has not been there before either.
            (Some(before), after) if before.throws && after.is_none_or(|part| part.throws) => {}
            // Another file may have it now, or has had it all along.
            (_, after) if after.is_none_or(|part| part.throws) && !known.is_empty() && !self.is_elsewhere(path, member, &known)? => {
                self.removed(path, known);
            }
            (_, Some(part)) if part.throws => {}
            _ => trace.member(path, member, Rule::TopLevel),
        }
        Ok(())
    }

    /// Attributes that a binding of a set of packages adds; if it is a set, those in it.
    fn added(&mut self, outlines: &trace::Outlines, outline: &syntax::Outline, part: &syntax::Part) {
        let below = outline.members.iter().filter(|other| other.path.starts_with(&part.path) && other.path.len() > part.path.len());
        let mut parts: Vec<&syntax::Part> = below.collect();
        if parts.is_empty() {
            parts.push(part);
        }
        // Of a set that is not recursed into, nothing is an attribute.
        let is_reached =
            |part: &&syntax::Part| (1..part.path.len()).all(|length| self.is_recursed(outlines, outline, &part.path[..length]));
        let names = parts.into_iter().filter(|part| !part.throws).filter(is_reached).flat_map(|part| outlines.names(&part.path));
        let new: Vec<String> = names.filter(|name| self.context.attribute_or_set(name).is_empty()).collect();
        self.estimate.added.extend(new);
    }

    /// Whether what is in a set of a file is evaluated: the file says so, or it was so before.
    fn is_recursed(&self, outlines: &trace::Outlines, outline: &syntax::Outline, set: &[String]) -> bool {
        outline.member(set).is_some_and(syntax::Part::recurses)
            || outlines.names(set).iter().any(|name| !self.context.attribute_or_set(name).is_empty())
    }

    /// Attributes that a binding adds which is the same as one that is gone: they are called after it.
    fn renamed(&mut self, outlines: &trace::Outlines, gone: &syntax::Part, part: &syntax::Part) {
        for (old, new) in outlines.names(&gone.path).into_iter().zip(outlines.names(&part.path)) {
            let attributes = self.context.attribute_or_set(&old);
            let paths = attributes.iter().map(|&ix| self.context.graph.attribute(ix).path());
            let names: Vec<String> = paths.filter_map(|path| Some(format!("{new}{}", path.strip_prefix(&old)?))).collect();
            self.estimate.added.extend(names);
            self.estimate.renamed.extend(attributes);
        }
    }

    fn removed(&mut self, file: &str, attributes: impl IntoIterator<Item = AttributeIx>) {
        for ix in attributes {
            self.estimate.removed.insert(self.context.graph.attribute(ix).path().to_owned());
            self.removed.insert(ix, file.to_owned());
        }
    }

    /// What a removed file defines that is not removed with it, by file: other names and variants of what is, with what of them has no
    /// attribute.
    fn others_of_removed(&mut self) -> BTreeMap<String, BTreeSet<DerivationIx>> {
        let graph = self.context.graph;
        let mut others: BTreeMap<String, BTreeSet<DerivationIx>> = BTreeMap::new();
        for (ix, file) in std::mem::take(&mut self.orphans) {
            let is_told = self.removed.contains_key(&ix) || self.estimate.renamed.contains(&ix);
            let Some(derivation) = graph.attribute(ix).derivation().filter(|_| !is_told) else { continue };
            let is_of_it = |member: &DerivationIx| *member == derivation.ix() || graph.derivation(*member).attributes().len() == 0;
            others.entry(file).or_default().extend(self.package(derivation.ix(), false).into_iter().filter(is_of_it));
        }
        others
    }

    /// What uses an attribute that is removed, or is a variant of it, does without it, or fails: a bound, unless it is known to change.
    fn users_of_removed(&mut self) {
        let mut users = self.others_of_removed();
        let graph = self.context.graph;
        let no_longer_built = self.estimate.gone(graph);
        let is_gone = |ix: DerivationIx| {
            let mut attributes = graph.derivation(ix).attributes();
            attributes.len() > 0 && attributes.all(|attribute| self.removed.contains_key(&attribute.ix()))
        };
        // What is only called otherwise still uses what it did.
        let is_renamed =
            |ix: DerivationIx| graph.derivation(ix).attributes().any(|attribute| self.estimate.renamed.contains(&attribute.ix()));
        for (&ix, file) in &self.removed {
            let Some(derivation) = graph.attribute(ix).derivation().filter(|derivation| is_gone(derivation.ix())) else { continue };
            let package: Vec<Derivation<'_>> = derivation.package().derivations().collect();
            // What has no attribute goes with the last that has one.
            let is_all_gone = package.iter().all(|member| member.attributes().len() == 0 || is_gone(member.ix()));
            let gone = package.into_iter().filter(|member| is_all_gone || member.ix() == derivation.ix());
            let stays = |user: DerivationIx| !is_gone(user) || (is_renamed(user) && !is_renamed(derivation.ix()));
            let is_left = |user: &DerivationIx| stays(*user) && !no_longer_built.contains(*user);
            users.entry(file.clone()).or_default().extend(gone.flat_map(Derivation::users).filter(is_left));
        }
        let known = self.certain();
        let mut unbounded = Vec::new();
        for (file, users) in users {
            let bound = graph.closure(users.into_iter().filter(|&user| !known.contains(user)), Direction::Dependents);
            if !bound.is_empty() {
                let reason = "what uses what is removed, or is another name or a variant of it, changes or fails".to_owned();
                unbounded.push(Unbounded { file, reason, bound });
            }
        }
        self.estimate.unbounded.extend(unbounded);
    }

    /// Whether a binding that is gone only called, without arguments, a file that has moved to `pkgs/by-name` as it was.
    fn is_now_by_name(&self, outline: &syntax::Outline, member: &[String]) -> Result<bool> {
        let ([name], Some(part)) = (member, outline.member(member)) else { return Ok(false) };
        for change in
            self.context.comparison.changes.iter().filter(|change| change.old_path.is_some() && change.path.ends_with("/package.nix"))
        {
            let is_its_directory = class::by_name(self.context.positions.relative(&change.path)).is_some_and(|(of, _)| of == name);
            if !is_its_directory || self.touched(change)?.kind != Kind::Move {
                continue;
            }
            // What the binding would be, in the words of any file.
            let is_plain = |called: &str| {
                let text = format!("{{ callPackage }}: {{ {name} = callPackage ./{called} {{ }}; }}");
                let plain = self.context.outline_before("outline.nix", &text);
                plain.and_then(|plain| Some(plain.members.first()?.hash)) == Some(part.hash)
            };
            if is_plain(change.path_before()) || is_plain(change.path_before().trim_end_matches("/default.nix")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of the attributes that a binding is known to be is defined by name after the change, or by another set of packages that
    /// is changed. What only has the same name is another attribute.
    fn is_elsewhere(&self, path: &str, member: &[String], known: &BTreeSet<AttributeIx>) -> Result<bool> {
        if let [name] = member {
            let shard: String = name.chars().take(2).collect::<String>().to_lowercase();
            let directory = self.context.positions.absolute(&format!("{}/{shard}/{name}", class::BY_NAME));
            let outlines = self.context.outlines(path)?;
            if self.context.comparison.is_directory(&directory) && self.context.is_at_top(&outlines, member, known) {
                return Ok(true);
            }
        }
        for change in self.context.comparison.changes.iter().filter(|change| change.path != path && change.new.is_some()) {
            let outlines = self.context.outlines(&change.path)?;
            let defines = |part: &syntax::Part| part.path == member && !part.throws;
            let is_bound = outlines.is_set && outlines.all.last().is_some_and(|outline| outline.members.iter().any(defines));
            if is_bound && !self.context.resolve(&change.path, &outlines, member).is_disjoint(known) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file is in a directory of `pkgs/by-name` that comes or goes with it, which is counted.
    fn directory_of_one(&mut self, path: &str) -> Result<bool> {
        let Some((name, directory)) = class::by_name(self.context.positions.relative(path)) else { return Ok(false) };
        let (member, directory) = ([name.to_owned()], self.context.positions.absolute(directory));
        let (name, comparison) = (trace::dotted(&member), self.context.comparison);
        let known: BTreeSet<AttributeIx> = self.context.attribute_or_set(&name).into_iter().collect();
        let is_known = !known.is_empty();
        match (comparison.was_directory(&directory), comparison.is_directory(&directory)) {
            (false, true) if !is_known => {
                self.estimate.added.insert(name);
            }
            (true, false) if is_known && !self.is_elsewhere(path, &member, &known)? => self.removed(path, known),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn outcome(&mut self, touched: &Touched<'_>, found: Found) -> Result<()> {
        let change = touched.change;
        let relative = self.context.positions.relative(&change.path);
        let is_counted = class::by_name(relative).is_some_and(|(name, _)| {
            let name = trace::dotted(&[name.to_owned()]);
            self.estimate.added.contains(&name) || self.estimate.removed.contains(&name)
        });
        let is_set = self.context.outlines(&change.path)?.is_set;
        // Of a directory of `pkgs/by-name`, everything belongs to the package, unless it is said what it is for.
        let is_for_none = found.is_named_unseen && !found.is_named && !is_nix(&change.path);
        let is_prose = class::unless_claimed(relative).filter(|_| !found.is_named && !is_nix(&change.path));
        if let Some(reason) = &found.everything {
            self.everything(change, reason.clone());
        } else if is_for_none {
            self.ignored(change, "named only where no build reads it");
        } else if let Some(reason) = is_prose {
            self.ignored(change, reason);
        } else if !found.is_empty() {
            self.names(change, &found)?;
            self.seeds(touched, found.attributes);
        } else if is_counted {
            self.ignored(
                change,
                if change.status == FileStatus::Removed { "part of a removed package" } else { "part of an added package" },
            );
        } else if is_set && touched.difference.is_some() {
            self.ignored(change, "packages are only added or removed in it");
        } else {
            self.unclaimed(touched, found.is_named);
        }
        Ok(())
    }

    /// A file that no rule says anything of.
    fn unclaimed(&mut self, touched: &Touched<'_>, is_named: bool) {
        let change = touched.change;
        let relative = self.context.positions.relative(&change.path);
        if let Some(reason) = class::unless_claimed(relative) {
            return self.ignored(change, reason);
        }
        let nearest = self.nearest_package(&change.path).or_else(|| self.nearest_package(change.path_before()));
        let is_gone = change.status == FileStatus::Removed && is_nix(&change.path);
        if let Some(attributes) = nearest.filter(|_| !is_named && !is_gone) {
            let found = attributes.into_iter().map(|ix| (ix, Rule::PackageDirectory)).collect();
            return self.seeds(touched, found);
        }
        let is_expression = is_nix(&change.path);
        match change.status {
            FileStatus::Added => self.ignored(change, "new, and no package refers to it"),
            FileStatus::Removed if !is_named => self.ignored(change, "nothing refers to it any more"),
            _ if class::is_entry_point(relative) => self.everything(change, "an evaluation begins there".to_owned()),
            _ if is_named && is_expression => self.ignored(change, "no package of this evaluation is made from it"),
            _ if change.is_submodule() => self.everything(change, "a submodule: what is in it is not known here".to_owned()),
            _ => self.everything(change, "no rule says what is made from it".to_owned()),
        }
    }

    /// The packages of the nearest directory above a file that has an expression of its own.
    fn nearest_package(&self, path: &str) -> Option<Vec<AttributeIx>> {
        let mut directory = trace::parent(path);
        while !directory.is_empty() {
            let files = ["default.nix", "package.nix"].map(|file| format!("{directory}/{file}"));
            let found: Vec<AttributeIx> = files.iter().flat_map(|file| self.context.positions.of(file)).copied().collect();
            if !found.is_empty() {
                return Some(found);
            }
            directory = trace::parent(directory);
        }
        None
    }

    /// Bindings that are no attributes, and that any file may mention: a bound for each change, not seeds.
    fn names(&mut self, change: &FileChange, found: &Found) -> Result<()> {
        if found.names.is_empty() {
            return Ok(());
        }
        let mut bound = self.context.graph.empty_set();
        let (mut everything, mut mentioned) = (None, BTreeSet::new());
        for name in &found.names {
            let (set, reason) = self.bound_of(name)?;
            if !set.is_empty() {
                mentioned.insert(format!("`{name}`"));
            }
            set.iter().for_each(|ix| {
                bound.insert(ix);
            });
            everything = everything.or(reason);
        }
        if bound.is_empty() {
            let names: Vec<String> = found.names.iter().map(|name| format!("`{name}`")).collect();
            if found.attributes.is_empty() {
                self.ignored(change, &format!("{} is not in this evaluation, and nothing in it mentions it", names.join(", ")));
            }
            return Ok(());
        }
        let mentioned: Vec<String> = mentioned.into_iter().collect();
        let reason = everything.unwrap_or_else(|| format!("{} may be used by whatever mentions it", mentioned.join(", ")));
        self.estimate.unbounded.push(Unbounded { file: change.path.clone(), reason, bound });
        Ok(())
    }

    /// What is rebuilt at most if whatever `name` means is another, and why that is everything.
    fn bound_of(&mut self, name: &str) -> Result<(DerivationSet, Option<String>)> {
        if let Some(known) = self.bounds.get(name) {
            return Ok(known.clone());
        }
        let mut trace = Trace::new(self.context, true)?;
        trace.name(name, "", Rule::Imported);
        let (bound, reason) = self.bound(trace.run()?);
        let reason = reason.map(|reason| format!("`{name}` is mentioned far and wide: {reason}"));
        self.bounds.insert(name.to_owned(), (bound.clone(), reason.clone()));
        Ok((bound, reason))
    }

    /// What is rebuilt at most if all that was found is another, and why that is everything.
    fn bound(&mut self, found: Found) -> (DerivationSet, Option<String>) {
        let graph = self.context.graph;
        if found.everything.is_some() {
            return (self.all(), found.everything);
        }
        let derivations = found.attributes.keys().filter_map(|&ix| graph.attribute(ix).derivation());
        let members: BTreeSet<DerivationIx> = derivations.flat_map(|derivation| self.package(derivation.ix(), true)).collect();
        (graph.closure(members, Direction::Dependents), None)
    }

    /// Everything that is built: all derivations but those with a fixed output.
    fn all(&self) -> DerivationSet {
        let graph = self.context.graph;
        let built = graph.derivations().filter(|derivation| !derivation.is_fixed_output()).map(|derivation| derivation.ix());
        graph.set_of(built)
    }

    fn everything(&mut self, change: &FileChange, reason: String) {
        let bound = self.all();
        self.estimate.unbounded.push(Unbounded { file: change.path.clone(), reason, bound });
    }

    fn ignored(&mut self, change: &FileChange, reason: &str) {
        self.estimate.ignored.push(Ignored { file: change.path.clone(), reason: reason.to_owned() });
    }

    /// Seeds for attributes; of several names of one derivation, the shortest.
    fn seeds(&mut self, touched: &Touched<'_>, found: BTreeMap<AttributeIx, Rule>) {
        let graph = self.context.graph;
        let mut named: BTreeMap<Option<DerivationIx>, Vec<(AttributeIx, Rule)>> = BTreeMap::new();
        for (ix, rule) in found {
            named.entry(graph.attribute(ix).derivation().map(|derivation| derivation.ix())).or_default().push((ix, rule));
        }
        for (derivation, mut names) in named {
            names.sort_by_key(|&(ix, _)| {
                let path = graph.attribute(ix).path();
                (path.split('.').count(), path.len(), ix)
            });
            // Without a derivation, they have nothing in common.
            names.truncate(if derivation.is_some() { 1 } else { names.len() });
            let derivations =
                derivation.filter(|_| touched.kind.rebuilds()).map(|ix| self.package(ix, touched.is_source)).unwrap_or_default();
            let file = &touched.change.path;
            let seed =
                |(attribute, rule)| Seed { attribute, rule, file: file.clone(), kind: touched.kind, derivations: derivations.clone() };
            self.estimate.seeds.extend(names.into_iter().map(seed));
        }
    }

    /// All derivations of a package; with what its sources are fetched by, wherever else that is used. Those without an
    /// attribute are of it too if they have its pname and version: nothing else tells what they are made from.
    fn package(&mut self, ix: DerivationIx, with_source: bool) -> Vec<DerivationIx> {
        let graph = self.context.graph;
        let derivation = graph.derivation(ix);
        let is_same = |other: &DerivationIx| graph.derivation(*other).version() == derivation.version();
        let nameless = self.nameless(derivation.pname()).iter().copied().filter(|other| !derivation.is_fixed_output() && is_same(other));
        let members: Vec<DerivationIx> = derivation.package().derivations().map(|derivation| derivation.ix()).chain(nameless).collect();
        let mut all: BTreeSet<DerivationIx> = members.iter().copied().collect();
        if with_source {
            let sources = self.sources.get_or_insert_with(|| sources(graph));
            let fetched = members.iter().filter_map(|&ix| graph.derivation(ix).src()).chain([graph.derivation(ix)]);
            all.extend(fetched.filter_map(|source| sources.get(&(source.fixed_hash(), source.name()))).flatten());
        }
        all.into_iter().collect()
    }

    fn nameless(&mut self, pname: &str) -> &[DerivationIx] {
        let graph = self.context.graph;
        let found = self.nameless.get_or_insert_with(|| nameless(graph)).get(pname);
        found.map_or(&[], Vec::as_slice)
    }

    /// What has the pname of a seed, no attribute, and a source of its own may be the same package, overridden: a bound, unless it
    /// is known to change.
    fn overridden(&mut self) {
        let graph = self.context.graph;
        let is_changed = |seed: &&Seed| !seed.derivations.is_empty();
        let named = |seed: &Seed| Some((seed.file.clone(), graph.attribute(seed.attribute).derivation()?.pname()));
        let seeds: BTreeSet<(String, &str)> = self.estimate.seeds.iter().filter(is_changed).filter_map(named).collect();
        let known = self.certain();
        for (file, pname) in seeds {
            let is_own = |derivation: Derivation<'_>| derivation.package().derivations().all(|member| member.attributes().len() == 0);
            let others = self.nameless(pname).iter().map(|&ix| graph.derivation(ix));
            let others = others.filter(|other| !known.contains(other.ix()) && other.src().is_some() && is_own(*other));
            let bound = graph.closure(others.map(|other| other.ix()).collect::<Vec<_>>(), Direction::Dependents);
            if !bound.is_empty() {
                let reason = format!("what is called {pname} and has no attribute may be made from it");
                self.estimate.unbounded.push(Unbounded { file, reason, bound });
            }
        }
    }

    /// What the seeds rebuild.
    fn certain(&self) -> DerivationSet {
        let seeds = self.estimate.seeds.iter().flat_map(|seed| seed.derivations.iter().copied());
        self.context.graph.closure(seeds, Direction::Dependents)
    }

    /// Takes out of bounds what is not built any more. A file that nothing else is said of rebuilds nothing then.
    fn without_gone(&mut self) {
        let graph = self.context.graph;
        let gone = self.estimate.gone(graph);
        for unbounded in &mut self.estimate.unbounded {
            unbounded.bound = without(graph, &unbounded.bound, &gone);
        }
        let all = std::mem::take(&mut self.estimate.unbounded).into_iter();
        let (empty, bounds): (Vec<Unbounded>, Vec<Unbounded>) = all.partition(|unbounded| unbounded.bound.is_empty());
        let told = self.estimate.seeds.iter().map(|seed| &seed.file).chain(bounds.iter().map(|unbounded| &unbounded.file));
        let told: BTreeSet<&String> = told.chain(self.estimate.ignored.iter().map(|ignored| &ignored.file)).collect();
        let files: BTreeSet<String> = empty.into_iter().map(|unbounded| unbounded.file).filter(|file| !told.contains(file)).collect();
        let reason = "nothing that is still built is made from it";
        self.estimate.ignored.extend(files.into_iter().map(|file| Ignored { file, reason: reason.to_owned() }));
        self.estimate.unbounded = bounds;
    }

    pub(super) fn finish(mut self) -> Estimate {
        self.overridden();
        self.users_of_removed();
        self.without_gone();
        // Of a file, it may be said that it rebuilds nothing before something is found that it may rebuild.
        let bounded: BTreeSet<&String> = self.estimate.unbounded.iter().map(|unbounded| &unbounded.file).collect();
        self.estimate.ignored.retain(|ignored| !bounded.contains(&ignored.file));
        self.estimate.unbounded.sort_by(|a, b| a.file.cmp(&b.file));
        self.estimate.ignored.sort_by(|a, b| a.file.cmp(&b.file));
        self.estimate.unread = self.context.unread();
        let graph = self.context.graph;
        self.estimate.seeds.sort_by_key(|seed| (seed.file.clone(), graph.attribute(seed.attribute).path(), seed.attribute));
        self.estimate
    }
}

/// Derivations without an attribute that are built, by pname.
fn nameless(graph: &Graph) -> HashMap<&str, Vec<DerivationIx>> {
    let mut nameless: HashMap<&str, Vec<DerivationIx>> = HashMap::new();
    for derivation in graph.derivations().filter(|derivation| !derivation.is_fixed_output() && derivation.attributes().len() == 0) {
        nameless.entry(derivation.pname()).or_default().push(derivation.ix());
    }
    nameless
}

/// Fixed-output derivations by hash and name.
fn sources(graph: &Graph) -> HashMap<(&str, &str), Vec<DerivationIx>> {
    let mut sources: HashMap<(&str, &str), Vec<DerivationIx>> = HashMap::new();
    for derivation in graph.derivations().filter(|derivation| derivation.is_fixed_output()) {
        sources.entry((derivation.fixed_hash(), derivation.name())).or_default().push(derivation.ix());
    }
    sources
}

fn is_about_patches(name: &str) -> bool {
    ["patches", "prePatch", "postPatch", "patchFlags", "extraPatches"].contains(&name)
}

/// Whether a change of a binding can give a package another source. Names of what cannot: inputs, flags and phases.
fn may_be_source(leaf: &str) -> bool {
    const NEVER: [&str; 22] = [
        "build-system",
        "buildInputs",
        "cargoHash",
        "checkInputs",
        "cmakeFlags",
        "configureFlags",
        "dependencies",
        "disabledTests",
        "doCheck",
        "doInstallCheck",
        "enableParallelBuilding",
        "env",
        "hardeningDisable",
        "makeFlags",
        "mesonFlags",
        "nativeBuildInputs",
        "nativeCheckInputs",
        "optional-dependencies",
        "outputs",
        "propagatedBuildInputs",
        "pythonImportsCheck",
        "vendorHash",
    ];
    let is_hook = |key: &str| {
        let rest = key.strip_prefix("pre").or_else(|| key.strip_prefix("post"));
        rest.is_some_and(|rest| rest.starts_with(char::is_uppercase)) || key.ends_with("Phase")
    };
    !leaf.split('.').any(|key| NEVER.contains(&key) || is_about_patches(key) || is_hook(key))
}
