//! Random numbers that are the same on every machine: a fixed generator, and nothing but exact arithmetic on top of it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in [0, 1), in steps of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.0.next_u64())
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        floor(self.unit() * bound as f64)
    }

    /// Below `bound`, towards 0: the density of `x` is that of `x^(1/power - 1)`, which makes early items hubs.
    pub(crate) fn early(&mut self, bound: usize, power: u32) -> usize {
        let unit = self.unit();
        let skewed = (1..power).fold(unit, |product, _| product * unit);
        floor(skewed * bound as f64)
    }

    /// The number of successes before the first failure: its mean is `mean`.
    pub(crate) fn geometric(&mut self, mean: f64) -> usize {
        let success = mean / (1.0 + mean);
        let mut count = 0;
        while self.chance(success) {
            count += 1;
        }
        count
    }

    /// At least `least` and at most `most`, with a tail of exponent 1: ten times as many are a tenth as frequent.
    pub(crate) fn heavy(&mut self, least: usize, most: usize) -> usize {
        floor(least as f64 / (1.0 - self.unit())).min(most)
    }
}

/// The upper 53 bits of a word as a number in [0, 1).
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Mixes a number with a key: the finaliser of splitmix64 (Steele, Lea and Flood 2014).
pub(crate) fn mix(key: u64, number: u64) -> u64 {
    let mut word = key ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The whole part of a number that is not negative.
#[expect(clippy::cast_sign_loss, reason = "nothing here is negative")]
pub(crate) fn floor(number: f64) -> usize {
    debug_assert!(number >= 0.0);
    number as usize
}
