//! What it may cost to find out which update broke something.

use rayon::prelude::*;

use super::price::Prices;
use super::unit::Unit;
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// Derivations that stand for all others.
const SAMPLE: usize = 512;

/// The expected work of bisecting, for each run of steps: row `first`, column `last`, in the units of [`Prices::weight`].
///
/// To first order: a derivation that several updates of a wave rebuild breaks with probability `q = 1 - Π (1 - p)`, and then what
/// the wave rebuilds below it is built `⌈log2 suspects⌉` times more until one update is left; with one suspect nothing is. The
/// sum over derivations is estimated from 257 to 512 of them, evenly spaced over the topological order; up to 512 it is
/// exact. `steps` are units, `rebuilds` what each step rebuilds, `risks` the probability of each unit. What is `held` is neither
/// broken nor built, and nothing is because of what it needs.
///
/// Time O(512 · (V + E + V · S)) over all cores, space O(S²), for S steps.
///
/// Source: planning of waves, 4.3.
pub fn rework(
    graph: &Graph,
    prices: &Prices,
    units: &[Unit],
    held: &DerivationSet,
    steps: &[Vec<usize>],
    rebuilds: &[DerivationSet],
    risks: &[f64],
) -> Vec<f64> {
    let count = steps.len();
    let mut all = graph.empty_set();
    for ix in rebuilds.iter().flat_map(DerivationSet::iter) {
        all.insert(ix);
    }
    let stride = all.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<DerivationIx> = all.iter().skip(stride / 2).step_by(stride).collect();
    let scale = if sample.is_empty() { 0.0 } else { all.len() as f64 / sample.len() as f64 };
    let each: Vec<Vec<f64>> = sample.par_iter().map(|&ix| one(prices, units, &below(graph, held, ix), steps, rebuilds, risks)).collect();
    // Added in the order of the sample, so that the sums are the same on any number of threads.
    let mut table = vec![0.0; count * count];
    for row in each {
        for (sum, value) in table.iter_mut().zip(row) {
            *sum += value * scale;
        }
    }
    table
}

/// What a change of which rebuilds a derivation, itself included, past what is held.
fn below(graph: &Graph, held: &DerivationSet, derivation: DerivationIx) -> DerivationSet {
    let mut below = graph.set_of([derivation]);
    below.close(|ix| graph.derivation(ix).rebuild_inputs().filter(|&input| !held.contains(input)));
    below
}

/// The same for one derivation, of what is below it.
fn one(
    prices: &Prices,
    units: &[Unit],
    below: &DerivationSet,
    steps: &[Vec<usize>],
    rebuilds: &[DerivationSet],
    risks: &[f64],
) -> Vec<f64> {
    let count = steps.len();
    // Suspects of each step, and the probability that none of them breaks it.
    let is_suspect = |unit: &&usize| units[**unit].derivations.iter().any(|&ix| below.contains(ix));
    let suspects: Vec<Vec<usize>> = steps.iter().map(|step| step.iter().filter(is_suspect).copied().collect()).collect();
    // What is built again: of what is below, what a run rebuilds; as in `Runs`.
    let mut built = vec![0_u64; count * count];
    for ix in below.iter() {
        let mut next = None;
        for first in (0..count).rev() {
            if rebuilds[first].contains(ix) {
                next = Some(first);
            }
            if let Some(next) = next {
                built[first * count + next] += prices.weight(prices.derivation(ix));
            }
        }
    }
    let mut table = vec![0.0; count * count];
    for first in 0..count {
        let (mut again, mut several, mut sound) = (0, 0_usize, 1.0);
        for last in first..count {
            again += built[first * count + last];
            several += suspects[last].len();
            sound *= suspects[last].iter().map(|&unit| 1.0 - risks[unit]).product::<f64>();
            let rounds = several.max(1).next_power_of_two().trailing_zeros();
            table[first * count + last] = (1.0 - sound) * again as f64 * f64::from(rounds);
        }
    }
    table
}
