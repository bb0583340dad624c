//! Sums over closures, estimated: for graphs so large that counting all closures exactly takes too long.
//!
//! Each derivation draws a rank from the exponential distribution whose rate is its weight. The least of independent such ranks is
//! exponential too, and its rate is the sum of the weights; and the least of a closure is that of its users' closures and its own, so
//! that overlaps do no harm. One pass against the order gives the least rank of every closure; many rounds of it, the sum.
//! Source: Cohen, *Size-Estimation Framework with Applications to Transitive Closure and Reachability* (JCSS 55, 1997).

use rayon::prelude::*;

use super::index::DerivationIx;
use super::reach::Csr;

/// Rounds of one pass: ranks of a byte that fill a cache line.
const LANES: usize = 64;

/// The least ranks of a closure, a level for each round.
type Row = [u8; LANES];

/// No rank: nothing of weight in the closure.
const EMPTY: Row = [u8::MAX; LANES];

/// The highest level of a rank.
const HIGHEST: u8 = u8::MAX - 1;

/// How exactly sums are estimated: the number of independent rounds, in multiples of 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    passes: usize,
}

impl Precision {
    /// The largest number of rounds.
    pub const MOST_ROUNDS: usize = 1 << 20;

    /// The smallest standard error: what that many rounds have.
    pub const LEAST_ERROR: f64 = 0.001;

    /// At least this many rounds, 64 at least and [`Precision::MOST_ROUNDS`] at most.
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
    /// Estimates have no bias. `k` least ranks add up to a gamma variate, of which `(k - 1)/sum` has exactly this error; that ranks
    /// are rounded adds less than a hundredth to it. What is known without estimation, a root's own weight, makes it smaller.
    pub fn relative_standard_error(self) -> f64 {
        1.0 / ((self.rounds() - 2) as f64).sqrt()
    }
}

/// The weights of all derivations in the closure of each group, added up by estimate: `N` sums at once.
///
/// `inputs` are what rebuilds a derivation; positions are topological. The root's own weight is exact where a group has one member, and
/// the rest estimated. A sum of smaller weights never gets the larger estimate. Passes run in parallel, and their results do not
/// depend on how many do. Time O(N · k/64 · (V + E)), space O(V · 64 bytes) a thread.
pub(super) fn closure_sums<'a, const N: usize>(
    inputs: impl Fn(usize) -> &'a [DerivationIx] + Sync,
    groups: Csr<'_, DerivationIx>,
    weights: &[[u64; N]],
    precision: Precision,
) -> Vec<[u64; N]> {
    let mut sums = vec![[0; N]; groups.rows()];
    let Some(scale) = Scale::of(weights) else { return sums };
    let passes: Vec<u64> = (0..precision.passes as u64).collect();
    for sum in (0..N).filter(|&sum| weights.iter().any(|weights| weights[sum] > 0)) {
        let weight = |derivation: usize| weights[derivation][sum];
        let mut least = vec![0.0; groups.rows()];
        for some in passes.chunks(rayon::current_num_threads()) {
            let parts: Vec<Vec<f64>> =
                some.par_iter().map(|&pass| one_pass(&inputs, groups, &weight, weights.len(), &Pass::new(&scale, pass))).collect();
            // In the order of the passes, whatever is done at once: sums of floats depend on it.
            for part in parts {
                least.iter_mut().zip(part).for_each(|(least, part)| *least += part);
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

/// The rounds of a pass: for each group, the sum of its closure's least ranks; without the exact share.
fn one_pass<'a>(
    inputs: &impl Fn(usize) -> &'a [DerivationIx],
    groups: Csr<'_, DerivationIx>,
    weight: &impl Fn(usize) -> u64,
    derivations: usize,
    pass: &Pass<'_>,
) -> Vec<f64> {
    // What is behind a derivation: of its closure, without itself.
    let mut behind = vec![EMPTY; derivations];
    for derivation in (0..derivations).rev() {
        let row = lesser(&behind[derivation], &pass.ranks(derivation, weight(derivation)));
        for input in inputs(derivation) {
            let input = &mut behind[input.get()];
            *input = lesser(input, &row);
        }
    }
    let closure = |member: &DerivationIx| lesser(&behind[member.get()], &pass.ranks(member.get(), weight(member.get())));
    (0..groups.rows())
        .map(|group| {
            let members = groups.row(group);
            let joint = || members.iter().map(closure).fold(EMPTY, |a, b| lesser(&a, &b));
            pass.sum(&exact_share(members).map_or_else(joint, |only| behind[only]))
        })
        .collect()
}

fn lesser(a: &Row, b: &Row) -> Row {
    std::array::from_fn(|lane| a[lane].min(b[lane]))
}

/// How ranks become levels: a level is a step of their logarithm. The same for all sums, which keeps estimates in their order.
struct Scale {
    /// Levels for each doubling of a rank.
    steps: f64,
    /// Logarithm to base 2 of the rank at level 0; lesser ones are so rare and so small that they may be it.
    lowest: f64,
    /// Levels of exponential variates of rate 1, above that of rank 1, by the upper bits of what they are drawn from.
    drawn: Vec<f32>,
    /// What a rank of each level is on average, without shift.
    ranks: Vec<f64>,
}

impl Scale {
    /// Bits behind the first that is set, of what a rank is drawn from.
    const MANTISSA: u32 = 10;

    /// From the least rank that is likely, a thousandth of that of everything, to the largest that is possible. `None` if all weights
    /// are zero.
    fn of<const N: usize>(weights: &[[u64; N]]) -> Option<Self> {
        let least = weights.iter().flatten().copied().filter(|&weight| weight > 0).min()?;
        let total = (0..N).map(|sum| weights.iter().map(|weights| weights[sum] as f64).sum::<f64>()).fold(0.0, f64::max);
        let lowest = -total.log2() - 10.0;
        let highest = 6.0 - (least as f64).log2();
        let steps = f64::from(HIGHEST) / (highest - lowest);
        let drawn = (0..=u32::BITS).flat_map(|zeros| (0..1 << Self::MANTISSA).map(move |bits| (zeros, bits)));
        let level = |(zeros, bits): (u32, u32)| {
            // The middle of all numbers in [0, 1) that begin like this.
            let uniform = (1.0 + (f64::from(bits) + 0.5) / f64::from(1 << Self::MANTISSA)) * (-f64::from(zeros + 1)).exp2();
            ((-(-uniform).ln_1p()).log2() * steps) as f32
        };
        // What was rounded off is evenly spread, so that on average a rank is this much of the middle of its level.
        let half = 0.5 / steps;
        let middle = std::f64::consts::LN_2 / steps / (half.exp2() - (-half).exp2());
        let rank = |level: u8| middle * (lowest + (f64::from(level) + 0.5) / steps).exp2();
        Some(Self { steps, lowest, drawn: drawn.map(level).collect(), ranks: (0..=HIGHEST).map(rank).collect() })
    }
}

/// The rounds that are swept at once.
struct Pass<'s> {
    scale: &'s Scale,
    number: u64,
    /// What is added to the level of every rank of a round before it is rounded down, in [0, 1): it takes the bias out of rounding.
    shifts: [f32; LANES],
    /// What a rank of each round is to be multiplied with, for its shift.
    unshifted: [f64; LANES],
}

impl<'s> Pass<'s> {
    fn new(scale: &'s Scale, number: u64) -> Self {
        let shift = |lane: usize| (mix(u64::MAX - number * LANES as u64 - lane as u64) >> 40) as f32 / (1_u32 << 24) as f32;
        let shifts: [f32; LANES] = std::array::from_fn(shift);
        Self { scale, number, shifts, unshifted: shifts.map(|shift| (-f64::from(shift) / scale.steps).exp2()) }
    }

    /// Exponential ranks, the larger the weight the smaller; what is below the lowest level is at it. Those of a derivation are drawn alike for every weight.
    #[expect(clippy::cast_sign_loss, reason = "a cast of what is negative is 0")]
    fn ranks(&self, derivation: usize, weight: u64) -> Row {
        if weight == 0 {
            return EMPTY;
        }
        let of_weight = (-((weight as f64).log2() + self.scale.lowest) * self.scale.steps) as f32;
        let first = (derivation as u64 * (Precision::MOST_ROUNDS / LANES) as u64 + self.number) * (LANES / 2) as u64;
        std::array::from_fn(|lane| {
            // Two draws of 32 bits a word.
            let bits = (mix(first + lane as u64 / 2) >> (lane % 2 * 32)) as u32;
            let zeros = bits.leading_zeros();
            // Without the first bit that is set, which the zeros tell.
            let mantissa = bits.checked_shl(zeros + 1).unwrap_or(0) >> (u32::BITS - Scale::MANTISSA);
            let drawn = self.scale.drawn[(zeros << Scale::MANTISSA | mantissa) as usize];
            (drawn + of_weight + self.shifts[lane]).min(f32::from(HIGHEST)) as u8
        })
    }

    /// The sum of ranks, from their levels.
    fn sum(&self, row: &Row) -> f64 {
        if *row == EMPTY {
            return f64::INFINITY;
        }
        row.iter().zip(self.unshifted).map(|(&level, unshifted)| self.scale.ranks[usize::from(level)] * unshifted).sum()
    }
}

/// A random word for each number: the finaliser of splitmix64 (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number
/// Generators*, OOPSLA 2014).
fn mix(number: u64) -> u64 {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reach::tests::{adjacency, dag, singletons};
    use super::super::reach::{OwnedCsr, rows};
    use super::super::sweep;
    use super::*;

    /// The edges of a random graph, both ways.
    struct Edges {
        users: OwnedCsr<DerivationIx>,
        inputs: Vec<Vec<DerivationIx>>,
    }

    impl Edges {
        fn new(users: &[Vec<usize>]) -> Self {
            let mut inputs = vec![Vec::new(); users.len()];
            for (input, users) in users.iter().enumerate() {
                for &user in users {
                    inputs[user].push(DerivationIx::new(input));
                }
            }
            Self { users: adjacency(users), inputs }
        }

        fn exact<const N: usize>(&self, groups: Csr<'_, DerivationIx>, weights: &[[u64; N]]) -> Vec<[u64; N]> {
            sweep::closure_sums(self.users.as_csr(), groups, weights)
        }

        fn estimated<const N: usize>(&self, groups: Csr<'_, DerivationIx>, weights: &[[u64; N]], rounds: usize) -> Vec<[u64; N]> {
            closure_sums(|derivation| &self.inputs[derivation], groups, weights, Precision::of_rounds(rounds))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        // Ranks depend on positions alone, so that only graphs are random. Six standard errors are one in 10⁸.
        #[test]
        fn estimates_are_within_six_standard_errors(users in dag(400), step in 1_usize..70) {
            let edges = Edges::new(&users);
            let weights: Vec<[u64; 3]> = (0..users.len() as u64).map(|node| [1, node % 3, node * node * 40_000_000_007 % 97_000_000]).collect();
            let members: Vec<Vec<DerivationIx>> =
                (0..users.len()).map(|node| (node..users.len()).step_by(step).map(DerivationIx::new).collect()).collect();
            let several = rows(members.iter().map(Vec::as_slice));
            for groups in [singletons(users.len()).as_csr(), several.as_csr()] {
                let estimates = edges.estimated(groups, &weights, 1024);
                for (exact, estimate) in edges.exact(groups, &weights).into_iter().zip(estimates) {
                    for (exact, estimate) in exact.into_iter().zip(estimate) {
                        let bound = 6.0 * Precision::of_rounds(1024).relative_standard_error() * exact as f64 + 0.5;
                        prop_assert!((estimate as f64 - exact as f64).abs() <= bound, "{} for {}", estimate, exact);
                    }
                }
            }
        }

        #[test]
        fn a_sum_of_smaller_weights_has_no_larger_estimate(users in dag(300), rounds in 1_usize..200) {
            let edges = Edges::new(&users);
            let weights: Vec<[u64; 2]> = (0..users.len() as u64).map(|node| [node * 7 % 11, node * 7 % 11 + node % 2]).collect();
            for [smaller, larger] in edges.estimated(singletons(users.len()).as_csr(), &weights, rounds) {
                prop_assert!(smaller <= larger);
            }
        }
    }

    /// A graph in which everything needs the first, through one of two.
    fn fan(nodes: usize) -> Edges {
        let mut users = vec![vec![1, 2]];
        users.extend([1, 2].map(|middle| (3..nodes).filter(|node| node % 2 == middle % 2).collect()));
        users.resize(nodes, Vec::new());
        Edges::new(&users)
    }

    #[test]
    fn there_is_no_bias_and_the_error_is_as_stated() {
        let edges = fan(500);
        let root = vec![DerivationIx::new(0), DerivationIx::new(1)];
        let roots = rows([root.as_slice()].into_iter());
        let weight = |node: usize| (node as u64 * 13) % 50;
        let exact: u64 = (0..500).map(weight).sum();
        let inputs = |derivation: usize| edges.inputs[derivation].as_slice();
        let weights: Vec<[u64; 1]> = (0..500).map(|node| [weight(node)]).collect();
        let scale = Scale::of(&weights).expect("weights");
        // Each pass is an estimate of its own.
        let passes = 2000_u64;
        let estimates: Vec<f64> = (0..passes)
            .map(|pass| 63.0 / one_pass(&inputs, roots.as_csr(), &weight, 500, &Pass::new(&scale, pass))[0] / exact as f64)
            .collect();
        let mean = estimates.iter().sum::<f64>() / passes as f64;
        let error = (estimates.iter().map(|estimate| (estimate - 1.0).powi(2)).sum::<f64>() / passes as f64).sqrt();
        let stated = Precision::of_rounds(64).relative_standard_error();
        assert!((mean - 1.0).abs() < 4.0 * stated / (passes as f64).sqrt(), "{mean}");
        assert!((error / stated - 1.0).abs() < 0.05, "{error}, not {stated}");
    }

    #[test]
    fn what_rebuilds_only_itself_is_exact() {
        let edges = fan(100);
        let weights: Vec<[u64; 1]> = (0..100).map(|node| [node * 1_000_003]).collect();
        let estimates = edges.estimated(singletons(100).as_csr(), &weights, 64);
        assert!((3..100).all(|node| estimates[node] == weights[node]));
    }

    #[test]
    fn threads_change_nothing() {
        let edges = fan(2000);
        let weights: Vec<[u64; 2]> = (0..2000).map(|node| [1, node % 17]).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| edges.estimated(singletons(2000).as_csr(), &weights, 200))
        };
        let one = run(1);
        assert!([2, 3, 8].into_iter().all(|threads| run(threads) == one));
    }

    /// The mean of `k` least ranks of rate 1 is 1.
    #[test]
    fn an_estimate_has_no_bias_left() {
        for rounds in [64, 1024] {
            assert_eq!(estimate(1.0, Precision::of_rounds(rounds)), rounds as u64 - 1);
        }
    }

    #[test]
    fn rounds_and_errors_are_each_other() {
        assert_eq!([1, 64, 65, 1000].map(|rounds| Precision::of_rounds(rounds).rounds()), [64, 64, 128, 1024]);
        for error in [0.5, 0.1, 0.05, 0.01, Precision::LEAST_ERROR] {
            let precision = Precision::of_error(error);
            assert!(precision.relative_standard_error() <= error);
            assert!(precision.passes == 1 || Precision { passes: precision.passes - 1 }.relative_standard_error() > error);
        }
    }
}
