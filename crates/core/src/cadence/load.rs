//! What packages build in a day, if what comes together is rebuilt once.

use crate::graph::DerivationSet;

/// How often a package is taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Its turns in a day.
    turns: f64,
    /// Releases that it takes in a day: as many as there are turns, or as come out if these are fewer.
    pub(super) releases: f64,
}

impl Pace {
    /// Of a turn every so many days, and so many releases in a day.
    pub(super) fn new(days: f64, releases: f64) -> Self {
        Self { turns: days.recip(), releases: days.recip().min(releases) }
    }

    /// How often it is rebuilt in a day, at most.
    fn rate(self) -> f64 {
        self.turns.min(self.releases)
    }

    /// The pace of several packages together, of which one comes more often than before.
    fn quickened(self, from: Self, to: Self) -> Self {
        Self { turns: self.turns.max(to.turns), releases: self.releases + (to.releases - from.releases) }
    }
}

/// What packages build in a day.
///
/// Turns that fall together rebuild what they have in common once: a derivation is rebuilt as often as the most frequent of its
/// packages has a turn, and not more often than all of them together take a release. That is a bound: two releases may be of one turn.
#[derive(Clone, Debug)]
pub(super) struct Load<'a> {
    /// What each package rebuilds.
    rebuilds: &'a [DerivationSet],
    /// What each derivation costs.
    costs: &'a [f64],
    /// How often those come together that rebuild a derivation.
    paces: Vec<Pace>,
    per_day: f64,
}

impl<'a> Load<'a> {
    /// Of packages that are not taken at all.
    pub(super) fn idle(rebuilds: &'a [DerivationSet], costs: &'a [f64]) -> Self {
        Self { rebuilds, costs, paces: vec![Pace::default(); costs.len()], per_day: 0.0 }
    }

    /// Of the same packages, each at its pace. Time O(P · V/64 + Σ|R|), over what they rebuild.
    pub(super) fn at(&self, paces: impl Iterator<Item = Pace>) -> Self {
        let mut load = Self::idle(self.rebuilds, self.costs);
        for (package, pace) in paces.enumerate() {
            load.quicken(package, Pace::default(), pace, f64::INFINITY);
        }
        load
    }

    /// What a day costs.
    pub(super) fn per_day(&self) -> f64 {
        self.per_day
    }

    /// Takes a package more often than before, if a day then keeps to a budget; whether it does. O(V/64 + |R|).
    pub(super) fn quicken(&mut self, package: usize, from: Pace, to: Pace, budget: f64) -> bool {
        let rebuilds = &self.rebuilds[package];
        let more = rebuilds.iter().map(|ix| {
            let pace = self.paces[ix.get()];
            (pace.quickened(from, to).rate() - pace.rate()) * self.costs[ix.get()]
        });
        let per_day = self.per_day + more.sum::<f64>();
        let is_kept = per_day <= budget;
        if is_kept {
            self.per_day = per_day;
            for ix in rebuilds.iter() {
                let pace = &mut self.paces[ix.get()];
                *pace = pace.quickened(from, to);
            }
        }
        is_kept
    }
}
