//! Who is named for what is rebuilt: by the attributes' `meta`, and by the owners file.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::owners::OwnersOf;
use super::recipient::{Recipient, RecipientKind};
use super::{AttributeCounts, NotifyOptions};
use crate::analysis::{AttributeName, similar};
use crate::error::{Error, Result};
use crate::graph::{Attribute, AttributeIx, Derivation, DerivationIx, Graph};

/// An attribute that somebody is named for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) derivation: DerivationIx,
    pub(super) attribute: AttributeIx,
    pub(super) is_maintained: bool,
    pub(super) is_owned: bool,
}

/// What one recipient is named for.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) recipient: Recipient,
    /// In the order of derivations, then of attribute paths.
    pub(super) entries: Vec<Entry>,
    /// Attributes that were left out.
    pub(super) broken: usize,
}

/// Who is named for an attribute, by number, and by what.
struct Named {
    person: usize,
    is_maintained: bool,
    is_owned: bool,
}

/// Why an attribute is left out.
enum LeftOut {
    Broken,
    Failed,
}

/// Everybody who is named for something that is rebuilt.
pub(super) struct Register<'a> {
    graph: &'a Graph,
    options: &'a NotifyOptions<'a>,
    /// Path, without quotes, and system of what is rebuilt.
    rebuilt: FxHashSet<(&'a str, &'a str)>,
    owners: Option<OwnersOf<'a>>,
    people: Vec<Person>,
    numbers: FxHashMap<Recipient, usize>,
    /// Numbers by the name in `meta`, so that each is looked at once.
    by_name: FxHashMap<(RecipientKind, &'a str), usize>,
    unnamed: Vec<Entry>,
    counts: AttributeCounts,
    rules: BTreeSet<usize>,
}

impl<'a> Register<'a> {
    pub(super) fn new(graph: &'a Graph, rebuilt: &'a [AttributeName], options: &'a NotifyOptions<'a>) -> Self {
        Self {
            graph,
            options,
            rebuilt: rebuilt.iter().map(|name| (name.path.as_str(), name.system.as_str())).collect(),
            owners: options.owners.map(|owners| owners.of_graph(graph, options.source_root)),
            people: Vec::new(),
            numbers: FxHashMap::default(),
            by_name: FxHashMap::default(),
            unnamed: Vec::new(),
            counts: AttributeCounts::default(),
            rules: BTreeSet::new(),
        }
    }

    /// Adds the rebuilt attributes of a derivation, and counts them. Derivations come in the order of their positions, each once.
    pub(super) fn add(&mut self, derivation: Derivation<'a>) -> u64 {
        let mut kept = Vec::new();
        let mut is_named = false;
        let mut rebuilt = 0;
        for attribute in derivation.attributes() {
            if !self.is_rebuilt(attribute) {
                continue;
            }
            rebuilt += 1;
            let named = self.named(attribute);
            if let Some(why) = self.left_out(attribute) {
                self.leave_out(&why, &named);
                continue;
            }
            let entry = Entry { derivation: derivation.ix(), attribute: attribute.ix(), is_maintained: false, is_owned: false };
            kept.push(entry);
            is_named |= !named.is_empty();
            for Named { person, is_maintained, is_owned } in named {
                self.people[person].entries.push(Entry { is_maintained, is_owned, ..entry });
            }
        }
        if is_named {
            self.counts.named += kept.len();
        } else {
            self.counts.unnamed += kept.len();
            self.unnamed.extend(kept);
        }
        rebuilt
    }

    fn leave_out(&mut self, why: &LeftOut, named: &[Named]) {
        match why {
            LeftOut::Broken => self.counts.broken += 1,
            LeftOut::Failed => self.counts.failed += 1,
        }
        for named in named {
            self.people[named.person].broken += 1;
        }
    }

    fn is_rebuilt(&self, attribute: Attribute<'_>) -> bool {
        let system = attribute.system().unwrap_or_default();
        match attribute.path() {
            path if path.contains('"') => self.rebuilt.contains(&(path.replace('"', "").as_str(), system)),
            path => self.rebuilt.contains(&(path, system)),
        }
    }

    /// Who is named for an attribute, each once: by `meta`, by the owners file, or by both.
    fn named(&mut self, attribute: Attribute<'a>) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::new();
        let maintainers = attribute.maintainers().map(|name| (RecipientKind::Person, name));
        for (kind, name) in maintainers.chain(attribute.teams().map(|name| (RecipientKind::Team, name))) {
            let person = self.by_name(kind, name);
            if !named.iter().any(|known| known.person == person) {
                named.push(Named { person, is_maintained: true, is_owned: false });
            }
        }
        let Some((rule, owners)) = self.owners.as_mut().and_then(|owners| owners.rule(attribute)) else { return named };
        self.rules.insert(rule);
        for owner in owners {
            let person = self.number(owner.clone());
            match named.iter_mut().find(|known| known.person == person) {
                Some(known) => known.is_owned = true,
                None => named.push(Named { person, is_maintained: false, is_owned: true }),
            }
        }
        named
    }

    fn by_name(&mut self, kind: RecipientKind, name: &'a str) -> usize {
        if let Some(&known) = self.by_name.get(&(kind, name)) {
            return known;
        }
        let number = self.number(recipient(kind, name, self.options.organisation));
        self.by_name.insert((kind, name), number);
        number
    }

    fn number(&mut self, recipient: Recipient) -> usize {
        let next = self.people.len();
        let number = *self.numbers.entry(recipient.clone()).or_insert(next);
        if number == next {
            self.people.push(Person { recipient, entries: Vec::new(), broken: 0 });
        }
        number
    }

    /// Whether an attribute was broken before, as the evaluation before the change says, or this one if there is no other.
    fn left_out(&self, attribute: Attribute<'_>) -> Option<LeftOut> {
        if !self.options.exclude_broken {
            return None;
        }
        let Some(before) = self.options.before else { return attribute.is_broken().then_some(LeftOut::Broken) };
        let known = || before.find_attribute(attribute.path());
        // One that fails has no system, as a rule.
        let same = known().find(|known| known.system() == attribute.system());
        let before = same.or_else(|| known().find(|known| known.error().is_some()))?;
        match before.error() {
            Some(_) => Some(LeftOut::Failed),
            None => before.is_broken().then_some(LeftOut::Broken),
        }
    }

    /// Everybody, in the order in which they were met.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    /// Attributes whose derivations nobody is named for.
    pub(super) fn unnamed(&self) -> &[Entry] {
        &self.unnamed
    }

    pub(super) fn counts(&self) -> AttributeCounts {
        self.counts
    }

    /// The rules that decided over an attribute, by position.
    pub(super) fn used_rules(&self) -> Vec<usize> {
        self.rules.iter().copied().collect()
    }

    /// Who is called this anywhere in the evaluation, in the one before it or in the owners file. O(attributes).
    pub(super) fn known(&self, name: &str) -> Result<Recipient> {
        let graphs = [self.graph].into_iter().chain(self.options.before);
        let of_meta = graphs.flat_map(Graph::attributes).flat_map(|attribute| {
            let maintainers = attribute.maintainers().map(|name| (RecipientKind::Person, name));
            maintainers.chain(attribute.teams().map(|name| (RecipientKind::Team, name)))
        });
        let distinct: BTreeSet<(RecipientKind, &str)> = of_meta.collect();
        let of_meta = distinct.iter().map(|&(kind, name)| recipient(kind, name, self.options.organisation));
        let owners = self.options.owners.into_iter().flat_map(|owners| owners.rules().iter().flat_map(|rule| rule.owners.iter().cloned()));
        let all: Vec<Recipient> = of_meta.chain(owners).collect();
        all.iter().find(|recipient| recipient.is_named(name)).cloned().ok_or_else(|| Error::UnknownRecipient {
            name: name.to_owned(),
            suggestions: similar(all.iter().map(Recipient::name), name.strip_prefix('@').unwrap_or(name)),
        })
    }
}

fn recipient(kind: RecipientKind, name: &str, organisation: Option<&str>) -> Recipient {
    match kind {
        RecipientKind::Person => Recipient::person(name),
        RecipientKind::Team => Recipient::team(name, organisation),
    }
}
