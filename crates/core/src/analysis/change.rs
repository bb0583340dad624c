//! A change of a package set, however it was found: what causes it, what it rebuilds, what else it changes.

use std::collections::BTreeSet;
use std::fmt;

use super::impact::Impact;
use super::select::Root;
use crate::error::Result;
use crate::graph::{Attribute, Direction, Graph};

/// An attribute of one system, by name: two evaluations have no position in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeName {
    /// Its dotted path, without quotes, as nixpkgs' CI has it.
    pub path: String,
    /// The system that it was evaluated for; empty if unknown.
    pub system: String,
}

impl AttributeName {
    /// Of an attribute.
    pub fn new(attribute: Attribute<'_>) -> Self {
        Self { path: attribute.path().replace('"', ""), system: attribute.system().unwrap_or_default().to_owned() }
    }

    /// The last part of the system: `linux` of `x86_64-linux`.
    pub fn kernel(&self) -> &str {
        self.system.rsplit('-').next().unwrap_or_default()
    }
}

/// As nixpkgs' CI writes it: `hello.x86_64-linux`.
impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.system.is_empty() { f.write_str(&self.path) } else { write!(f, "{}.{}", self.path, self.system) }
    }
}

/// What a change does to attributes, in the words of nixpkgs' CI. Each list is sorted and names nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeChanges {
    /// Only after the change.
    pub added: Vec<AttributeName>,
    /// Before the change, and after it gone, or without anything that it builds: it does not evaluate any more.
    pub removed: Vec<AttributeName>,
    /// Before and after, with other outputs.
    pub changed: Vec<AttributeName>,
    /// After the change, with an output path that was no output before.
    pub rebuilds: Vec<AttributeName>,
}

/// What causes a change, and what it rebuilds: from two evaluations, or foretold from one.
#[derive(Debug)]
pub struct Change<'g> {
    /// What is rebuilt, in the evaluation after the change, or in the one that it was foretold from.
    pub impact: Impact<'g>,
    /// What causes it: each is one package, source or file that was changed itself.
    pub causes: Vec<Root>,
    /// What it does to attributes.
    pub attributes: AttributeChanges,
}

impl<'g> Change<'g> {
    /// Foretold: every derivation of `causes` changes, and nothing is added or removed. O(V + E of the closure).
    ///
    /// # Errors
    ///
    /// [`Error::NoEdges`](crate::error::Error::NoEdges) if no dump said what needs what.
    pub fn foretold(graph: &'g Graph, causes: Vec<Root>) -> Result<Self> {
        Ok(Self::of_impact(Impact::new(graph, &causes, Direction::Dependents, None, None)?, causes))
    }

    /// The same of what `causes` rebuild, and of what is removed with them. O(A log A).
    pub fn of_impact(impact: Impact<'g>, causes: Vec<Root>) -> Self {
        let rebuilds = names(impact.attributes());
        let removed = names(impact.removed());
        let attributes = AttributeChanges { changed: rebuilds.clone(), removed, rebuilds, added: Vec::new() };
        Self { impact, causes, attributes }
    }
}

fn names<'g>(attributes: impl IntoIterator<Item = Attribute<'g>>) -> Vec<AttributeName> {
    let names: BTreeSet<AttributeName> = attributes.into_iter().map(AttributeName::new).collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_parts() {
        for (path, system, kernel) in
            [("a.b.c", "x86_64-linux", "linux"), ("hello", "aarch64-darwin", "darwin"), ("a", "", ""), ("a.b", "builtin", "builtin")]
        {
            let name = AttributeName { path: path.to_owned(), system: system.to_owned() };
            assert_eq!(name.kernel(), kernel, "{name}");
        }
    }
}
