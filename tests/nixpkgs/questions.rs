//! Questions to Nixpkgs, against walks over the decompressed dump.

use std::collections::HashSet;

use waves_core::analysis::{Impact, Root, Scope, Why};
use waves_core::graph::{ClosureSums, Derivation, Direction, Reachability};
use waves_core::plan::{PlanOptions, plan, verify};

use crate::support::{Nixpkgs, nixpkgs};

/// Checks that what a package rebuilds is exactly what the naive walk finds.
fn check_impact(nixpkgs: &Nixpkgs, selector: &str, scope: Scope) -> (usize, usize) {
    let (roots, numbers) = nixpkgs.root(selector, scope);
    let impact = Impact::new(&nixpkgs.graph, &roots, Direction::Dependents, None, None).expect("it has edges");
    let expected = nixpkgs.naive.rebuilds(&numbers);
    let found: HashSet<usize> = impact.rebuilds().iter().map(|ix| nixpkgs.number(nixpkgs.graph.derivation(ix))).collect();
    assert!((0..expected.len()).all(|at| expected[at] == found.contains(&at)), "{selector}");
    let counts = impact.rebuild_counts();
    assert_eq!((counts.derivations, counts.attributes), nixpkgs.naive.counts(&expected), "{selector}");
    let outputs: HashSet<&String> = found.iter().flat_map(|&at| &nixpkgs.naive.outputs[at]).collect();
    assert_eq!(counts.outputs, outputs.len(), "{selector}");
    (counts.derivations, counts.attributes)
}

/// The numbers are those of a walk in Python that somebody else wrote.
#[test]
fn glibc_rebuilds_exactly_this() {
    let Some(nixpkgs) = nixpkgs() else { return };
    assert_eq!(check_impact(nixpkgs, "glibc", Scope::Exact), (111_591, 77_257));
    assert_eq!(check_impact(nixpkgs, "glibc", Scope::Package), (112_942, 77_298));
}

#[test]
fn others_rebuild_exactly_this() {
    let Some(nixpkgs) = nixpkgs() else { return };
    for selector in ["openssl", "python312Packages.torch", "hello", "stdenv", "zlib", "qt6.qtbase", "ghc", "linux"] {
        assert!(nixpkgs.naive.attributes.contains_key(selector), "{selector}");
        check_impact(nixpkgs, selector, Scope::Exact);
        check_impact(nixpkgs, selector, Scope::Package);
    }
}

#[test]
fn a_leaf_rebuilds_itself() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let is_leaf = |&at: &usize| nixpkgs.naive.users(at).next().is_none();
    let leaves = nixpkgs.naive.attributes.values().flatten().copied().filter(is_leaf);
    for leaf in leaves.step_by(5_000) {
        let derivations = check_impact(nixpkgs, &nixpkgs.naive.names[leaf], Scope::Exact).0;
        assert_eq!(derivations, 1, "{}", nixpkgs.naive.names[leaf]);
    }
}

/// A fixed draw of derivations: a generator with Knuth's constants.
fn drawn(nixpkgs: &Nixpkgs) -> impl Iterator<Item = Derivation<'_>> {
    let draw = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let derivations: Vec<Derivation<'_>> = nixpkgs.graph.derivations().collect();
    std::iter::successors(Some(24_11), draw).skip(1).map(move |state| derivations[(state >> 33) as usize % derivations.len()])
}

/// Seconds that are made up, all of them large.
fn seconds(derivation: Derivation<'_>) -> u64 {
    derivation.ix().get() as u64 * 2_654_435 % 100_003
}

#[test]
fn sums_are_exact_whatever_the_threads() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let weights: Vec<[u64; 2]> = nixpkgs.graph.derivations().map(|derivation| [1, seconds(derivation)]).collect();
    let count = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(|| ClosureSums::new(&nixpkgs.graph, weights.clone()))
    };
    let sums = count(1);
    for threads in [2, 3, 8] {
        assert_eq!(count(threads).all(), sums.all(), "{threads} threads");
    }
    let mut by_number = vec![0; nixpkgs.naive.names.len()];
    for derivation in nixpkgs.graph.derivations() {
        by_number[nixpkgs.number(derivation)] = seconds(derivation);
    }
    for derivation in drawn(nixpkgs).take(100) {
        let rebuilt = nixpkgs.naive.rebuilds(&[nixpkgs.number(derivation)]);
        let rebuilt_seconds = rebuilt.iter().zip(&by_number).filter(|(is_rebuilt, _)| **is_rebuilt).map(|(_, seconds)| *seconds);
        let (count, seconds) = rebuilt_seconds.fold((0, 0), |(count, sum), seconds| (count + 1, sum + seconds));
        assert_eq!(sums.get(derivation.ix()), [count, seconds], "{}", derivation.base_name());
    }
}

#[test]
fn pairs_are_those_of_the_walk() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let index = Reachability::new(&nixpkgs.graph);
    for from in drawn(nixpkgs).take(40) {
        let rebuilt = nixpkgs.naive.rebuilds(&[nixpkgs.number(from)]);
        for to in nixpkgs.graph.derivations() {
            assert_eq!(index.rebuilds(from.ix(), to.ix()), rebuilt[nixpkgs.number(to)], "{from:?} {to:?}");
        }
    }
}

#[test]
fn closures_are_counted_exactly() {
    let Some(nixpkgs) = nixpkgs() else { return };
    for derivation in drawn(nixpkgs).take(200) {
        let counts = nixpkgs.naive.counts(&nixpkgs.naive.rebuilds(&[nixpkgs.number(derivation)]));
        let found = (derivation.rebuilt_derivations() as usize, derivation.rebuilt_attributes() as usize);
        assert_eq!(found, counts, "{}", derivation.base_name());
        let package = derivation.package();
        let members: Vec<usize> = package.derivations().map(|member| nixpkgs.number(member)).collect();
        let counts = nixpkgs.naive.counts(&nixpkgs.naive.rebuilds(&members));
        assert_eq!((package.rebuilt_derivations() as usize, package.rebuilt_attributes() as usize), counts, "{package:?}");
    }
}

#[test]
fn dependencies_of_torch_are_those_whose_change_rebuilds_it() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let naive = &nixpkgs.naive;
    let (roots, numbers) = nixpkgs.root("python312Packages.torch", Scope::Exact);
    let impact = Impact::new(&nixpkgs.graph, &roots, Direction::Dependencies, None, None).expect("it has edges");
    let mut expected = HashSet::new();
    let mut stack = numbers;
    while let Some(at) = stack.pop() {
        if expected.insert(at) && !naive.is_fixed[at] {
            stack.extend(&naive.inputs[at]);
        }
    }
    let found: HashSet<usize> = impact.rebuilds().iter().map(|ix| nixpkgs.number(nixpkgs.graph.derivation(ix))).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_plan_of_glibc_passes_its_verification() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let (roots, numbers) = nixpkgs.root("glibc", Scope::Package);
    let plan = plan(&nixpkgs.graph, roots, &PlanOptions::default()).expect("it has edges");
    assert_eq!(verify(&nixpkgs.graph, &plan), []);
    // Levels anew: whatever needs nothing that is left is the next level.
    let naive = &nixpkgs.naive;
    let rebuilt = naive.rebuilds(&numbers);
    let needs = |at: usize| naive.inputs[at].iter().filter(|input| rebuilt[**input] && !naive.is_fixed[at]).count();
    let mut missing: Vec<usize> = (0..rebuilt.len()).map(|at| if rebuilt[at] { needs(at) } else { usize::MAX }).collect();
    let mut level: Vec<usize> = (0..rebuilt.len()).filter(|&at| missing[at] == 0).collect();
    for (number, found) in plan.levels.iter().enumerate() {
        let found: HashSet<usize> = found.iter().map(|&ix| nixpkgs.number(nixpkgs.graph.derivation(ix))).collect();
        assert_eq!(found, level.iter().copied().collect(), "level {number}");
        let mut next = Vec::new();
        for user in level.iter().flat_map(|&at| naive.users(at)) {
            missing[user] -= 1;
            if missing[user] == 0 {
                next.push(user);
            }
        }
        level = next;
    }
    assert!(level.is_empty());
}

/// A chain's numbers, each of which must use the one before it.
fn check_chain(nixpkgs: &Nixpkgs, chain: &[Derivation<'_>], from: &[Root], to: &[Root]) -> Vec<usize> {
    let chain_ends = (chain[0].ix(), chain[chain.len() - 1].ix());
    assert!(
        from.iter().any(|root| root.derivations.contains(&chain_ends.0)) && to.iter().any(|root| root.derivations.contains(&chain_ends.1))
    );
    let chain: Vec<usize> = chain.iter().map(|derivation| nixpkgs.number(*derivation)).collect();
    assert!(chain.windows(2).all(|step| nixpkgs.naive.inputs[step[1]].contains(&step[0])));
    chain
}

#[test]
fn glibc_rebuilds_torch_along_true_edges() {
    let Some(nixpkgs) = nixpkgs() else { return };
    for scope in [Scope::Exact, Scope::Package] {
        let ((from, from_numbers), (to, to_numbers)) = (nixpkgs.root("glibc", scope), nixpkgs.root("python312Packages.torch", scope));
        let why = Why::new(&nixpkgs.graph, &from, &to).expect("it has edges");
        let chain: Vec<_> = why.shortest().expect("it is rebuilt").iter().map(|link| link.derivation).collect();
        let numbers = check_chain(nixpkgs, &chain, &from, &to);
        assert!(numbers[1..].iter().all(|&at| !nixpkgs.naive.is_fixed[at]));
        let distance = nixpkgs.naive.distance(&from_numbers, &to_numbers, |at| nixpkgs.naive.users(at));
        assert_eq!(Some(numbers.len() - 1), distance);
    }
}

/// Everything is fetched by something that needs glibc, but what is fetched stays as it is.
#[test]
fn sources_are_not_rebuilt() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let (hello, _) = nixpkgs.root("hello", Scope::Exact);
    let src = nixpkgs.graph.derivation(hello[0].face).src().expect("hello has a source");
    let (from, from_numbers) = nixpkgs.root("glibc", Scope::Exact);
    let (to, to_numbers) = nixpkgs.root(&src.path(), Scope::Exact);
    let why = Why::new(&nixpkgs.graph, &from, &to).expect("it has edges");
    assert!(why.shortest().is_none() && !why.is_reversed());
    let numbers = check_chain(nixpkgs, why.blocked().expect("curl needs glibc"), &from, &to);
    let distance = nixpkgs.naive.distance(&from_numbers, &to_numbers, |at| nixpkgs.naive.needing[at].iter().copied());
    assert_eq!(Some(numbers.len() - 1), distance);
}
