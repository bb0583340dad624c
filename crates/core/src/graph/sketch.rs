//! Sums over closures, estimated: for graphs so large that counting all closures exactly takes too long.
//!
//! Each derivation draws a rank from the exponential distribution whose rate is its weight. The least of independent such ranks is
//! exponential too, and its rate is the sum of the weights; and the least of a closure is that of its users' closures and its own, so
//! that overlaps do no harm. One pass against the order gives the least rank of every closure; many rounds of it, the sum.
//! Source: Cohen, *Size-Estimation Framework with Applications to Transitive Closure and Reachability* (JCSS 55, 1997).

use rayon::prelude::*;

use super::index::DerivationIx;
use super::reach::Csr;

/// Rounds of one pass: 32-bit ranks that fill a cache line.
const LANES: usize = 16;

type Row = [f32; LANES];

/// No rank yet: nothing of weight in the closure.
const EMPTY: Row = [f32::INFINITY; LANES];

/// How exactly sums are estimated: the number of independent rounds, in multiples of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    passes: usize,
}

impl Precision {
    /// The largest number of rounds.
    pub const MOST_ROUNDS: usize = 1 << 20;

    /// The smallest standard error: what that many rounds have.
    pub const LEAST_ERROR: f64 = 0.001;

    /// At least this many rounds, 16 at least and [`Precision::MOST_ROUNDS`] at most.
    pub fn of_rounds(rounds: usize) -> Self {
        Self { passes: rounds.clamp(1, Self::MOST_ROUNDS).div_ceil(LANES) }
    }

    /// As many rounds as this relative standard error takes: `2 + 1/error²`.
    pub fn of_error(error: f64) -> Self {
        let rounds = (2.0 + error.powi(-2)).ceil();
        // A cast of what is too large, or no number, is the largest number, or 0.
        #[expect(clippy::cast_sign_loss, reason = "squares are not negative")]
        Self::of_rounds(rounds as usize)
    }

    /// The number of rounds, `k`.
    pub fn rounds(self) -> usize {
        self.passes * LANES
    }

    /// The standard error of an estimate, as a share of what is estimated: `1/√(k - 2)`.
    ///
    /// Estimates have no bias. `k` least ranks add up to a gamma variate, of which `(k - 1)/sum` has exactly this error; what is
    /// known of a closure without estimation, such as its root's own weight, makes it smaller.
    pub fn relative_standard_error(self) -> f64 {
        1.0 / ((self.rounds() - 2) as f64).sqrt()
    }
}

/// The weights of all derivations in the closure of each group, added up by estimate: `N` sums at once.
///
/// `inputs` are what rebuilds a derivation: `derivations` of them, in topological order. The root's own weight is exact where a group
/// has one member, and the rest estimated. A sum of smaller weights never gets the larger estimate. Passes run in parallel, and
/// their results do not depend on how many do. Time O(N · k/16 · (V + E)), space O(V · 64 bytes) a thread.
pub(super) fn closure_sums<'a, const N: usize>(
    inputs: impl Fn(usize) -> &'a [DerivationIx] + Sync,
    groups: Csr<'_, DerivationIx>,
    weights: &[[u64; N]],
    precision: Precision,
) -> Vec<[u64; N]> {
    let mut sums = vec![[0; N]; groups.rows()];
    let passes: Vec<u64> = (0..precision.passes as u64).collect();
    for sum in (0..N).filter(|&sum| weights.iter().any(|weights| weights[sum] > 0)) {
        let weight = |derivation: usize| weights[derivation][sum];
        let mut least = vec![0.0_f64; groups.rows()];
        for some in passes.chunks(rayon::current_num_threads()) {
            let parts: Vec<Vec<f32>> = some.par_iter().map(|&pass| one_pass(&inputs, groups, &weight, weights.len(), pass)).collect();
            // In the order of the passes, whatever is done at once: sums of floats depend on it.
            for part in parts {
                least.iter_mut().zip(part).for_each(|(least, part)| *least += f64::from(part));
            }
        }
        for ((sums, group), least) in sums.iter_mut().zip(0..).zip(least) {
            let own = exact_share(groups.row(group)).map_or(0, weight);
            sums[sum] = own + estimate(least, precision);
        }
    }
    sums
}

/// `(k - 1)/sum` of the least ranks: of exponential ones, the estimate of their rate without bias.
#[expect(clippy::cast_sign_loss, reason = "ranks are positive")]
fn estimate(least: f64, precision: Precision) -> u64 {
    ((precision.rounds() - 1) as f64 / least).round() as u64
}

/// The member whose weight need not be estimated: the only one. Of several, some may rebuild others.
fn exact_share(group: &[DerivationIx]) -> Option<usize> {
    if let [only] = group { Some(only.get()) } else { None }
}

/// Sixteen rounds: for each group, the sum of its closure's least ranks; without the exact share.
fn one_pass<'a>(
    inputs: &impl Fn(usize) -> &'a [DerivationIx],
    groups: Csr<'_, DerivationIx>,
    weight: &impl Fn(usize) -> u64,
    derivations: usize,
    pass: u64,
) -> Vec<f32> {
    // What is behind a derivation: of its closure, without itself.
    let mut behind = vec![EMPTY; derivations];
    for derivation in (0..derivations).rev() {
        let row = lesser(behind[derivation], ranks(derivation, pass, weight(derivation)));
        for input in inputs(derivation) {
            behind[input.get()] = lesser(behind[input.get()], row);
        }
    }
    let closure = |&member: &DerivationIx| lesser(behind[member.get()], ranks(member.get(), pass, weight(member.get())));
    (0..groups.rows())
        .map(|group| {
            let members = groups.row(group);
            let row = exact_share(members).map_or_else(|| members.iter().map(closure).fold(EMPTY, lesser), |only| behind[only]);
            row.iter().sum()
        })
        .collect()
}

fn lesser(a: Row, b: Row) -> Row {
    std::array::from_fn(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
}

/// Exponential ranks, the larger the weight the smaller; the same for every sum, which keeps estimates in the order of the sums.
fn ranks(derivation: usize, pass: u64, weight: u64) -> Row {
    if weight == 0 {
        return EMPTY;
    }
    let first = (derivation as u64 * (Precision::MOST_ROUNDS / LANES) as u64 + pass) * LANES as u64;
    std::array::from_fn(|lane| (-uniform(first + lane as u64).ln() / weight as f64) as f32)
}

/// A number in (0, 1] for each number: the finaliser of splitmix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number
/// Generators*, OOPSLA 2014).
fn uniform(number: u64) -> f64 {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    ((word >> 11) + 1) as f64 / (1_u64 << 53) as f64
}
