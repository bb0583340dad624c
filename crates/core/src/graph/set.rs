//! Sets of derivations.

use super::index::DerivationIx;

/// Members that a word tells of.
const WORD_BITS: usize = u64::BITS as usize;

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
    pub(crate) fn new(derivations: usize) -> Self {
        Self { words: vec![0; derivations.div_ceil(WORD_BITS)], len: 0 }
    }

    /// The set of `members`.
    pub(crate) fn from_members(derivations: usize, members: impl IntoIterator<Item = DerivationIx>) -> Self {
        let mut set = Self::new(derivations);
        for member in members {
            set.insert(member);
        }
        set
    }

    /// Adds a derivation; whether it was new.
    pub fn insert(&mut self, derivation: DerivationIx) -> bool {
        let (word, bit) = (derivation.get() / WORD_BITS, 1 << (derivation.get() % WORD_BITS));
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
        self.recount();
    }

    /// Whether the derivation is in the set.
    pub fn contains(&self, derivation: DerivationIx) -> bool {
        self.words[derivation.get() / WORD_BITS] & (1 << (derivation.get() % WORD_BITS)) != 0
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
    pub fn iter(&self) -> impl Iterator<Item = DerivationIx> + Clone {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| Some(rest & (rest - 1)).filter(|rest| *rest != 0))
                .map(move |rest| DerivationIx::new(index * WORD_BITS + rest.trailing_zeros() as usize))
        })
    }

    /// Adds what each member leads to, and what that leads to.
    ///
    /// Breadth first: time O(V/64 + members + what they lead to), space O(V) bytes.
    pub(crate) fn close<I: IntoIterator<Item = DerivationIx>>(&mut self, next: impl Fn(DerivationIx) -> I) {
        let mut members: Vec<DerivationIx> = self.iter().collect();
        // A byte each: one that is set does not wait for its neighbours, as a bit among them does.
        let mut seen = vec![false; self.words.len() * WORD_BITS];
        for member in &members {
            seen[member.get()] = true;
        }
        let mut at = 0;
        while let Some(&member) = members.get(at) {
            at += 1;
            members.extend(next(member).into_iter().filter(|near| !std::mem::replace(&mut seen[near.get()], true)));
        }
        if members.len() < self.words.len() {
            for member in members {
                self.insert(member);
            }
        } else {
            self.len = members.len();
            for (word, seen) in self.words.iter_mut().zip(seen.as_chunks::<WORD_BITS>().0) {
                *word = seen.iter().enumerate().fold(0, |word, (bit, &is_member)| word | u64::from(is_member) << bit);
            }
        }
    }

    fn recount(&mut self) {
        self.len = self.words.iter().map(|word| word.count_ones() as usize).sum();
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
            }
        }
    }
}
