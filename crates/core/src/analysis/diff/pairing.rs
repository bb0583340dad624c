//! Which derivation before the change became which one after it.

use rustc_hash::FxHashMap;

use super::identity::Builds;
use crate::graph::{Derivation, DerivationIx, DerivationSet, Graph};

/// Derivations before the change by a recipe hash; of several, the first that is gone.
type ByRecipe = FxHashMap<u128, DerivationIx>;

/// For each derivation after the change, its counterpart before it.
pub(super) struct Pairing {
    counterparts: Vec<Option<DerivationIx>>,
}

/// The two evaluations, and what was rebuilt from one to the other.
pub(super) struct Evaluations<'b, 'a> {
    pub(super) before: &'b Graph,
    pub(super) after: &'a Graph,
    pub(super) builds_before: Builds<'b>,
    pub(super) builds_after: Builds<'a>,
    /// Derivations after the change that build what was not built before.
    pub(super) rebuilt: DerivationSet,
}

impl Evaluations<'_, '_> {
    /// What is rebuilt of what uses a derivation after the change: the rest was not compared.
    pub(super) fn rebuilt_users(&self, after: DerivationIx) -> impl Iterator<Item = DerivationIx> {
        self.after.derivation(after).users().filter(|&user| self.rebuilt.contains(user))
    }

    /// Whether a derivation before the change builds something that is not built any more.
    pub(super) fn is_gone(&self, before: DerivationIx) -> bool {
        self.builds_after.lacks(self.before.derivation(before))
    }
}

impl Pairing {
    /// Pairs what can be paired:
    ///
    /// 1. what builds the same with itself;
    /// 2. derivations of one attribute, `by_attribute` (after, before);
    /// 3. from users to their inputs, those with the same pname and system;
    /// 4. the rest by recipe.
    ///
    /// Against the topological order: a derivation comes after all that use it. O(V + E).
    pub(super) fn new(evaluations: &Evaluations<'_, '_>, by_attribute: &[(DerivationIx, DerivationIx)]) -> Self {
        let Evaluations { before, after, builds_before, rebuilt, .. } = evaluations;
        let unchanged = |derivation: Derivation<'_>| {
            if rebuilt.contains(derivation.ix()) { None } else { builds_before.same(derivation) }
        };
        let mut pairing = Self { counterparts: after.derivations().map(unchanged).collect() };
        for same_pname in [true, false] {
            for &(new, old) in by_attribute.iter().filter(|(new, _)| rebuilt.contains(*new)) {
                if !same_pname || after.derivation(new).pname() == before.derivation(old).pname() {
                    pairing.counterparts[new.get()].get_or_insert(old);
                }
            }
        }
        let recipes = Recipes::new(evaluations);
        let mut members: Vec<DerivationIx> = rebuilt.iter().collect();
        members.reverse();
        for ix in members {
            let derivation = after.derivation(ix);
            if derivation.is_fixed_output() {
                continue;
            }
            let counterpart = pairing.counterparts[ix.get()].or_else(|| recipes.like(derivation));
            pairing.counterparts[ix.get()] = counterpart;
            if let Some(old) = counterpart {
                pairing.pair_inputs(evaluations, derivation, before.derivation(old));
            }
        }
        pairing
    }

    /// The counterpart of a derivation after the change.
    pub(super) fn of(&self, after: DerivationIx) -> Option<DerivationIx> {
        self.counterparts[after.get()]
    }

    fn pair_inputs(&mut self, evaluations: &Evaluations<'_, '_>, new: Derivation<'_>, old: Derivation<'_>) {
        let Evaluations { before, after, .. } = evaluations;
        let mut free: Vec<Derivation<'_>> = old
            .inputs()
            .map(|(ix, _)| before.derivation(ix))
            .filter(|input| !input.is_fixed_output() && evaluations.is_gone(input.ix()))
            .collect();
        for (ix, _) in new.inputs() {
            let input = after.derivation(ix);
            if self.counterparts[ix.get()].is_some() || !evaluations.rebuilt.contains(ix) || input.is_fixed_output() {
                continue;
            }
            let alike = |other: &Derivation<'_>| other.pname() == input.pname() && other.system() == input.system();
            // The same recipe first, then the same name, then whatever has the same pname.
            let likeness = |other: &Derivation<'_>| (is_same_recipe(*other, input), other.name() == input.name());
            let best = (0..free.len()).filter(|&at| alike(&free[at])).max_by_key(|&at| (likeness(&free[at]), std::cmp::Reverse(at)));
            if let Some(at) = best {
                self.counterparts[ix.get()] = Some(free.remove(at).ix());
            }
        }
    }
}

/// Whether two derivations say the same of themselves, apart from the versions of their inputs. An unknown recipe is like any.
pub(super) fn is_same_recipe(before: Derivation<'_>, after: Derivation<'_>) -> bool {
    let is_same = |a: Option<u128>, b: Option<u128>| a.is_none() || b.is_none() || a == b;
    is_same(before.recipe_hash(), after.recipe_hash()) || is_same(before.loose_recipe_hash(), after.loose_recipe_hash())
}

/// The derivations before the change by both of their recipe hashes.
struct Recipes {
    strict: ByRecipe,
    loose: ByRecipe,
}

impl Recipes {
    fn new(evaluations: &Evaluations<'_, '_>) -> Self {
        let mut recipes = Self { strict: ByRecipe::default(), loose: ByRecipe::default() };
        let derivations = || evaluations.before.derivations().filter(|derivation| !derivation.is_fixed_output());
        let gone: Vec<bool> = derivations().map(|derivation| evaluations.is_gone(derivation.ix())).collect();
        for is_gone in [true, false] {
            for (derivation, _) in derivations().zip(&gone).filter(|(_, gone)| **gone == is_gone) {
                for (by_recipe, hash) in
                    [(&mut recipes.strict, derivation.recipe_hash()), (&mut recipes.loose, derivation.loose_recipe_hash())]
                {
                    if let Some(hash) = hash {
                        by_recipe.entry(hash).or_insert(derivation.ix());
                    }
                }
            }
        }
        recipes
    }

    fn like(&self, derivation: Derivation<'_>) -> Option<DerivationIx> {
        let strict = derivation.recipe_hash().and_then(|hash| self.strict.get(&hash));
        strict.or_else(|| self.loose.get(&derivation.loose_recipe_hash()?)).copied()
    }
}
