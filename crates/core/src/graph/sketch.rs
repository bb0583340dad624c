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
        fn a_sum_of_smaller_weights_has_no_larger_estimate(users in dag(300), rounds in 1_usize..100) {
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
        // Each pass is an estimate of its own, of sixteen rounds.
        let passes = 4000_u64;
        let estimates: Vec<f64> =
            (0..passes).map(|pass| 15.0 / f64::from(one_pass(&inputs, roots.as_csr(), &weight, 500, pass)[0]) / exact as f64).collect();
        let mean = estimates.iter().sum::<f64>() / passes as f64;
        let error = (estimates.iter().map(|estimate| (estimate - 1.0).powi(2)).sum::<f64>() / passes as f64).sqrt();
        let stated = Precision::of_rounds(16).relative_standard_error();
        assert!((mean - 1.0).abs() < 4.0 * stated / (passes as f64).sqrt(), "{mean}");
        assert!((error / stated - 1.0).abs() < 0.1, "{error}, not {stated}");
    }

    #[test]
    fn what_rebuilds_only_itself_is_exact() {
        let edges = fan(100);
        let weights: Vec<[u64; 1]> = (0..100).map(|node| [node * 1_000_003]).collect();
        let estimates = edges.estimated(singletons(100).as_csr(), &weights, 16);
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

    #[test]
    fn rounds_and_errors_are_each_other() {
        assert_eq!([1, 16, 17, 1000].map(|rounds| Precision::of_rounds(rounds).rounds()), [16, 16, 32, 1008]);
        for error in [0.5, 0.1, 0.05, 0.01, Precision::LEAST_ERROR] {
            let precision = Precision::of_error(error);
            assert!(precision.relative_standard_error() <= error);
            assert!(precision.passes == 1 || Precision { passes: precision.passes - 1 }.relative_standard_error() > error);
        }
    }
}
