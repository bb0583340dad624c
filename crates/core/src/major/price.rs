//! What builds cost: attributes, derivations and seconds, each a sum of its own.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use crate::cost::Costs;
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// What is built, counted each time that it is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Builds {
    /// Attributes, aliases included.
    pub attributes: u64,
    /// Derivations.
    pub derivations: u64,
    /// Build time on one builder; 0 where none is known.
    pub seconds: u64,
}

impl Add for Builds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            attributes: self.attributes + other.attributes,
            derivations: self.derivations + other.derivations,
            seconds: self.seconds + other.seconds,
        }
    }
}

impl AddAssign for Builds {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Builds {
    type Output = Self;

    /// What is left; nothing where more is taken away than there is.
    fn sub(self, other: Self) -> Self {
        Self {
            attributes: self.attributes.saturating_sub(other.attributes),
            derivations: self.derivations.saturating_sub(other.derivations),
            seconds: self.seconds.saturating_sub(other.seconds),
        }
    }
}

impl Sum for Builds {
    fn sum<I: Iterator<Item = Self>>(builds: I) -> Self {
        builds.fold(Self::default(), Add::add)
    }
}

/// What each derivation costs, and which of these sums a plan is to make small.
#[derive(Clone, Debug)]
pub struct Prices {
    of: Vec<Builds>,
    /// Whether build times are known, which then count; else derivations do.
    is_timed: bool,
}

impl Prices {
    /// Of a graph's derivations, with build times if these are known. O(V).
    pub fn new(graph: &Graph, costs: Option<&Costs<'_>>) -> Self {
        let model = costs.and_then(Costs::model);
        let price = |ix| Builds {
            attributes: graph.derivation(ix).attributes().len() as u64,
            derivations: 1,
            seconds: model.map_or(0, |model| u64::from(model.seconds(ix))),
        };
        Self { of: graph.derivations().map(|derivation| price(derivation.ix())).collect(), is_timed: model.is_some() }
    }

    /// Whether build times are known.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// The number of derivations.
    pub(super) fn derivations(&self) -> usize {
        self.of.len()
    }

    /// One derivation's.
    pub fn derivation(&self, ix: DerivationIx) -> Builds {
        self.of[ix.get()]
    }

    /// A set's. O(V/64 + members).
    pub fn set(&self, set: &DerivationSet) -> Builds {
        set.iter().map(|ix| self.of[ix.get()]).sum()
    }

    /// The sum that a plan is to make small: seconds where build times are known, else derivations.
    pub fn weight(&self, builds: Builds) -> u64 {
        if self.is_timed { builds.seconds } else { builds.derivations }
    }
}
