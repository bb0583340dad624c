//! A package set as plain data, and the obvious answer to every question about it.
//!
//! Shares nothing with the library: sets are `BTreeSet`s of positions, and every answer is a recursion or a loop that
//! runs until nothing changes.

use std::collections::{BTreeMap, BTreeSet};

/// A package set. Derivations need only what stands before them.
#[derive(Clone, Debug)]
pub(crate) struct PackageSet {
    pub(crate) derivations: Vec<Derivation>,
    pub(crate) attributes: Vec<Attribute>,
    /// What the hashes of its paths are made from, so that their order is no order of the derivations.
    pub(crate) salt: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Derivation {
    pub(crate) pname: &'static str,
    pub(crate) version: &'static str,
    pub(crate) system: &'static str,
    pub(crate) outputs: Vec<&'static str>,
    /// What it needs, and which outputs of it.
    pub(crate) inputs: BTreeMap<usize, Vec<&'static str>>,
    /// The input that is its `src`.
    pub(crate) src: Option<usize>,
    /// Numbers of the files that were copied to the store for it.
    pub(crate) files: BTreeSet<usize>,
    pub(crate) is_fixed: bool,
    /// The system features that its builder must have.
    pub(crate) features: BTreeSet<&'static str>,
    /// The derivation that builds the same output paths: the two differ only behind a fixed output.
    pub(crate) twin: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) path: Vec<String>,
    /// Its derivation, or why it does not evaluate.
    pub(crate) derivation: Result<usize, &'static str>,
    pub(crate) position: Option<&'static str>,
}

impl Attribute {
    /// Its path as Nix prints it.
    pub(crate) fn dotted(&self) -> String {
        let quoted = |part: &String| if part.contains('.') { format!("\"{part}\"") } else { part.clone() };
        self.path.iter().map(quoted).collect::<Vec<_>>().join(".")
    }
}

impl PackageSet {
    pub(crate) fn all(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        0..self.derivations.len()
    }

    /// What a change of `input` rebuilds directly.
    pub(crate) fn users(&self, input: usize) -> impl Iterator<Item = usize> {
        self.all().filter(move |&user| !self.derivations[user].is_fixed && self.derivations[user].inputs.contains_key(&input))
    }

    /// Everything that needs `input` directly, whether it is rebuilt or not.
    pub(crate) fn needing(&self, input: usize) -> impl Iterator<Item = usize> {
        self.all().filter(move |&user| self.derivations[user].inputs.contains_key(&input))
    }

    /// What a change of `roots` rebuilds, themselves included.
    pub(crate) fn rebuilds(&self, roots: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        fn visit(set: &PackageSet, node: usize, seen: &mut BTreeSet<usize>) {
            if seen.insert(node) {
                for user in set.users(node) {
                    visit(set, user, seen);
                }
            }
        }
        let mut seen = BTreeSet::new();
        for root in roots {
            visit(self, root, &mut seen);
        }
        seen
    }

    /// The distance of each derivation from the nearest root, along `next`.
    pub(crate) fn distances<I: Iterator<Item = usize>>(
        roots: impl IntoIterator<Item = usize>,
        next: impl Fn(usize) -> I,
    ) -> BTreeMap<usize, usize> {
        let mut distances: BTreeMap<usize, usize> = roots.into_iter().map(|root| (root, 0)).collect();
        for distance in 0.. {
            let ring: Vec<usize> = distances.iter().filter(|&(_, &at)| at == distance).map(|(&node, _)| node).collect();
            if ring.is_empty() {
                return distances;
            }
            for near in ring.into_iter().flat_map(&next) {
                distances.entry(near).or_insert(distance + 1);
            }
        }
        distances
    }

    /// The longest chain of rebuilds within `members` that ends in `node`, counted in edges.
    pub(crate) fn level(&self, members: &BTreeSet<usize>, node: usize, known: &mut BTreeMap<usize, usize>) -> usize {
        if let Some(&level) = known.get(&node) {
            return level;
        }
        let derivation = &self.derivations[node];
        let inputs = derivation.inputs.keys().filter(|input| !derivation.is_fixed && members.contains(input));
        let level = inputs.map(|&input| self.level(members, input, known) + 1).max().unwrap_or(0);
        known.insert(node, level);
        level
    }

    /// Attributes of `members`.
    pub(crate) fn attributes_of(&self, members: &BTreeSet<usize>) -> usize {
        self.attributes.iter().filter(|attribute| attribute.derivation.is_ok_and(|at| members.contains(&at))).count()
    }

    /// Distinct output paths of `members`.
    pub(crate) fn outputs_of(&self, members: &BTreeSet<usize>) -> usize {
        members.iter().flat_map(|&at| self.output_paths(at)).collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn output_paths(&self, at: usize) -> Vec<String> {
        self.derivations[at].outputs.iter().map(|output| self.output_path(at, output)).collect()
    }

    /// Packages: derivations of one pname that share their source, or version and position; and so on through others.
    pub(crate) fn packages(&self) -> BTreeSet<BTreeSet<usize>> {
        let positions: Vec<Option<&str>> = self.all().map(|at| self.position(at)).collect();
        let source = |at: usize| self.derivations[at].src.map(|src| self.output_path(src, "out"));
        let joined = |a: usize, b: usize| {
            let (first, second) = (&self.derivations[a], &self.derivations[b]);
            let same_source = source(a).is_some() && source(a) == source(b);
            let same_position = positions[a].is_some() && positions[a] == positions[b] && first.version == second.version;
            !first.is_fixed && !second.is_fixed && first.pname == second.pname && (same_source || same_position)
        };
        let mut number: Vec<usize> = self.all().collect();
        loop {
            let before = number.clone();
            for (a, b) in self.all().flat_map(|a| (0..a).map(move |b| (a, b))).filter(|&(a, b)| joined(a, b)) {
                let least = number[a].min(number[b]);
                (number[a], number[b]) = (least, least);
            }
            if number == before {
                break;
            }
        }
        self.all()
            .map(|package| self.all().filter(|&at| number[at] == package).collect())
            .filter(|members: &BTreeSet<_>| !members.is_empty())
            .collect()
    }

    /// The first position that one of its attributes has, by attribute path.
    fn position(&self, at: usize) -> Option<&'static str> {
        let mut attributes: Vec<_> = self.attributes.iter().filter(|attribute| attribute.derivation == Ok(at)).collect();
        attributes.sort_by_key(|attribute| attribute.dotted());
        attributes.into_iter().find_map(|attribute| attribute.position)
    }
}
