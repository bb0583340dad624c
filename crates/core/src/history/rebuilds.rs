//! What a change of a package rebuilds, in every evaluation of a history at once.

use rayon::prelude::*;

use super::frame::flag;
use super::roots::{Roots, Unresolved};
use super::state::{History, NONE};
use crate::analysis::Scope;
use crate::error::Result;
use crate::graph::{BLOCK_GROUPS, BitCounter, Counts, Row};

/// What a change rebuilds in one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilds<'h> {
    /// Versions of what the selectors name; those that are not empty, each once.
    pub versions: Vec<&'h str>,
    /// Derivations that change.
    pub roots: usize,
    /// What is rebuilt, roots included; `None` if no selector names anything.
    pub counts: Option<Counts>,
    /// Selectors that name nothing here. The counts are of the others.
    pub unresolved: Vec<Unresolved>,
}

impl History {
    /// What a change of what `selectors` name rebuilds, in each evaluation: what [`Graph::closure`](crate::graph::Graph::closure) has in each.
    ///
    /// A bit-parallel sweep: bit `i` of a derivation's row says whether it is rebuilt in evaluation `i`, that is, whether it is there, and
    /// either a root or a user of what is rebuilt. 512 evaluations are swept together, blocks in parallel. Time O(N/512 · (V + E + A)) for N
    /// evaluations, with V, E and A of the union, where a block passes over what is not there in any of its evaluations; space
    /// O(V · 64 bytes) a thread.
    ///
    /// # Errors
    ///
    /// If a selector names nothing in any evaluation: [`Error::UnknownInHistory`](crate::error::Error::UnknownInHistory), or as of
    /// [`select`](crate::analysis::select()).
    pub fn rebuilds(&self, selectors: &[String], scope: Scope) -> Result<Vec<Rebuilds<'_>>> {
        let roots = self.roots(selectors, scope)?;
        let shared = self.shared_paths();
        let blocks: Vec<usize> = (0..self.evaluations.len()).step_by(BLOCK_GROUPS).collect();
        let counts: Vec<Counts> = blocks.into_par_iter().flat_map_iter(|first| self.sweep(first, &roots, &shared)).collect();
        let mut root_counts = vec![0; self.evaluations.len()];
        roots.derivations.iter().for_each(|&(_, evaluation)| root_counts[evaluation as usize] += 1);
        let Roots { named, unresolved, .. } = roots;
        let evaluations = counts.into_iter().zip(named).zip(unresolved).zip(root_counts);
        Ok(evaluations
            .map(|(((counts, named), unresolved), roots)| Rebuilds {
                versions: self.versions(&named),
                roots,
                counts: (roots > 0).then_some(counts),
                unresolved,
            })
            .collect())
    }

    fn versions(&self, named: &[u32]) -> Vec<&str> {
        let mut versions: Vec<&str> = named.iter().map(|&at| self.derivation(at as usize).version).collect();
        versions.retain(|version| !version.is_empty());
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// The number of each path that several derivations build, else [`NONE`]; and how many there are.
    fn shared_paths(&self) -> (Vec<u32>, usize) {
        const SEEN: u32 = NONE - 1;
        let mut numbers = vec![NONE; self.paths.len()];
        let mut count = 0;
        for at in 0..self.derivations.len() {
            for &path in self.outputs.row(at) {
                let number = &mut numbers[path as usize];
                match *number {
                    NONE => *number = SEEN,
                    SEEN => {
                        *number = count;
                        count += 1;
                    }
                    _ => {}
                }
            }
        }
        numbers.iter_mut().filter(|number| **number == SEEN).for_each(|number| *number = NONE);
        (numbers, count as usize)
    }

    /// The counts of a block of evaluations.
    fn sweep(&self, first: usize, roots: &Roots, (shared, shared_count): &(Vec<u32>, usize)) -> Vec<Counts> {
        let block = Block { first: first as u32, length: BLOCK_GROUPS.min(self.evaluations.len() - first) as u32 };
        let mut rows: Vec<Row> = vec![Row::default(); self.derivations.len()];
        for life in &self.lives {
            block.set(&mut rows[life.derivation as usize], life.first, life.end);
        }
        let [mut attributes, mut derivations, mut outputs]: [BitCounter; 3] = Default::default();
        let mut shared_rows: Vec<Row> = vec![Row::default(); *shared_count];
        let mut roots = roots.derivations.iter().peekable();
        for at in 0..self.derivations.len() {
            let alive = rows[at];
            let mut row = Row::default();
            while let Some(&(_, evaluation)) = roots.next_if(|(derivation, _)| *derivation as usize == at) {
                block.set(&mut row, evaluation, evaluation + 1);
            }
            if alive == Row::default() {
                continue;
            }
            if self.description(at).flags & flag::FIXED_OUTPUT == 0 {
                for &input in self.inputs.row(at) {
                    union(&mut row, &rows[input as usize]);
                    // Wherever it is there it is rebuilt: no other input adds to that.
                    if row.iter().zip(alive).all(|(bits, alive)| alive & !bits == 0) {
                        break;
                    }
                }
            }
            row.iter_mut().zip(alive).for_each(|(bits, alive)| *bits &= alive);
            rows[at] = row;
            if row == Row::default() {
                continue;
            }
            derivations.add(&row, 1);
            let paths = self.outputs.row(at);
            let own = paths.iter().filter(|&&path| shared[path as usize] == NONE).count();
            outputs.add(&row, own as u64);
            if own < paths.len() {
                let numbers = paths.iter().map(|&path| shared[path as usize]).filter(|&number| number != NONE);
                numbers.for_each(|number| union(&mut shared_rows[number as usize], &row));
            }
        }
        for row in &shared_rows {
            outputs.add(row, 1);
        }
        for naming in self.namings.iter().filter(|naming| naming.derivation != NONE) {
            let mut named = Row::default();
            block.set(&mut named, naming.first, naming.end);
            named.iter_mut().zip(&rows[naming.derivation as usize]).for_each(|(bits, rebuilt)| *bits &= rebuilt);
            if named != Row::default() {
                attributes.add(&named, 1);
            }
        }
        let count = |counter: &BitCounter, bit: usize| counter.get(bit) as usize;
        (0..block.length as usize)
            .map(|bit| Counts { attributes: count(&attributes, bit), derivations: count(&derivations, bit), outputs: count(&outputs, bit) })
            .collect()
    }
}

/// Evaluations that are swept together.
#[derive(Clone, Copy)]
struct Block {
    first: u32,
    length: u32,
}

impl Block {
    /// Sets the bits of a run of evaluations, as far as they are of this block.
    fn set(self, row: &mut Row, first: u32, end: u32) {
        let start = first.saturating_sub(self.first).min(self.length);
        let end = end.saturating_sub(self.first).min(self.length);
        for (word, bits) in row.iter_mut().enumerate() {
            let base = 64 * word as u32;
            let (from, to) = (start.saturating_sub(base).min(64), end.saturating_sub(base).min(64));
            *bits |= ones(to) & !ones(from);
        }
    }
}

/// The lowest `count` bits.
fn ones(count: u32) -> u64 {
    if count == 64 { u64::MAX } else { (1 << count) - 1 }
}

fn union(row: &mut Row, other: &Row) {
    row.iter_mut().zip(other).for_each(|(bits, others)| *bits |= others);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_are_set_bit_by_bit(first in 0_u32..1100, length in 0_u32..1100, block in 0_u32..3) {
            let block = Block { first: block * 512, length: 500 };
            let mut row = Row::default();
            block.set(&mut row, first, first + length);
            for bit in 0..512 {
                let evaluation = block.first + bit;
                let expected = bit < block.length && (first..first + length).contains(&evaluation);
                prop_assert_eq!(row[bit as usize / 64] >> (bit % 64) & 1 == 1, expected);
            }
        }
    }
}
