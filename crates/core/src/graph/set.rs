//! Sets of derivations.

use super::index::DerivationIx;

/// A set of derivations: a bit for each derivation of the graph.
///
/// Iteration is in the order of the index, which is topological.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationSet {
    words: Vec<u64>,
    len: usize,
}

impl DerivationSet {
    /// The empty set over a graph of `derivations`.
    pub fn new(derivations: usize) -> Self {
        Self { words: vec![0; derivations.div_ceil(64)], len: 0 }
    }

    /// The set of `members`.
    pub fn from_members(derivations: usize, members: impl IntoIterator<Item = DerivationIx>) -> Self {
        let mut set = Self::new(derivations);
        for member in members {
            set.insert(member);
        }
        set
    }

    /// Adds a derivation; whether it was new.
    pub fn insert(&mut self, derivation: DerivationIx) -> bool {
        let (word, bit) = (derivation.get() / 64, 1 << (derivation.get() % 64));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(new);
        new
    }

    /// Adds all members of another set over the same graph. O(V/64).
    pub fn extend(&mut self, other: &Self) {
        for (word, others) in self.words.iter_mut().zip(&other.words) {
            *word |= others;
        }
        self.len = self.words.iter().map(|word| word.count_ones() as usize).sum();
    }

    /// Whether the derivation is in the set.
    pub fn contains(&self, derivation: DerivationIx) -> bool {
        self.words[derivation.get() / 64] & (1 << (derivation.get() % 64)) != 0
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The members, in topological order.
    pub fn iter(&self) -> impl Iterator<Item = DerivationIx> {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| Some(rest & (rest - 1)).filter(|rest| *rest != 0))
                .map(move |rest| DerivationIx::new(index * 64 + rest.trailing_zeros() as usize))
        })
    }

    /// The first member at or behind `from`, if any. O(distance / 64).
    pub(crate) fn next_from(&self, from: usize) -> Option<DerivationIx> {
        let first = from / 64;
        let mut word = self.words.get(first)? & (u64::MAX << (from % 64));
        let mut index = first;
        while word == 0 {
            index += 1;
            word = *self.words.get(index)?;
        }
        Some(DerivationIx::new(index * 64 + word.trailing_zeros() as usize))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_btree_set(members in proptest::collection::vec(0_usize..300, 0..100)) {
            let set = DerivationSet::from_members(300, members.iter().map(|&member| DerivationIx::new(member)));
            let model: BTreeSet<usize> = members.into_iter().collect();
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.iter().map(DerivationIx::get).collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            for position in 0..300 {
                prop_assert_eq!(set.contains(DerivationIx::new(position)), model.contains(&position));
                prop_assert_eq!(set.next_from(position).map(DerivationIx::get), model.range(position..).next().copied());
            }
        }
    }
}
