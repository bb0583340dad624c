//! The graph of a snapshot as plain lists, and what is asked of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bytemuck::NoUninit;
use fastrand::Rng;
use waves_core::cost::{Durations, Model};
use waves_core::graph::{Derivation, Graph};

use crate::Failure;
use crate::inputs::Summary;

/// Derivations that are asked first; tools that are slow are asked of no more.
const SAMPLE: u64 = 2_000;
/// The golden ratio, less one, in units of 2⁻⁶⁴: any number of its multiples, without their whole parts, are spread evenly.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// Roots of the union.
const ROOTS: usize = 5_000;
/// Of these, half are drawn so that the answer is yes: of two derivations at random, hardly any rebuilds the other.
const PAIRS: usize = 10_000;
/// Edges on the way between two derivations of such a pair, at most.
const STEPS: usize = 12;

/// Writes all lists of [`Inputs`](crate::inputs::Inputs).
pub(crate) fn extract(snapshot: &Path, attribute: &str, durations: &Path, directory: &Path) -> Result<(), Failure> {
    let graph = Graph::open(snapshot)?;
    let users: Vec<Vec<u32>> = graph.derivations().map(|derivation| derivation.users().map(|user| user.get() as u32).collect()).collect();
    let edges: Vec<[u32; 2]> = (0..).zip(&users).flat_map(|(input, users)| users.iter().map(move |&user| [input, user])).collect();
    let root = graph.find_attribute(attribute).find_map(|attribute| attribute.derivation());
    let root = root.ok_or_else(|| format!("the evaluation has no {attribute}"))?;

    let list = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes);
    list("edges.u32", bytes(&edges))?;
    list("packages.u32", bytes(&package_edges(&graph)))?;
    let model = Model::new(&graph, &Durations::read(&[durations])?)?;
    let seconds: Vec<u64> = graph.derivations().map(|derivation| u64::from(model.seconds(derivation.ix()))).collect();
    list("weights.u64", bytes(&seconds))?;

    let mut rng = Rng::with_seed(0);
    let nodes = graph.derivation_count();
    list("sample.u32", bytes(&sample(&graph)))?;
    list("roots.u32", bytes(&rng.choose_multiple(0..nodes as u32, ROOTS.min(nodes / 10))))?;
    list("pairs.u32", bytes(&pairs(&mut rng, &users)))?;

    let summary = Summary {
        digest: graph.digest(),
        nodes,
        edges: edges.len(),
        inputs: graph.edge_count(),
        reached: graph.derivations().map(|derivation| u64::from(derivation.rebuilt_derivations())).sum(),
        packages: graph.package_count(),
        root: root.ix().get() as u32,
        root_path: root.path(),
        snapshot: snapshot.to_owned(),
    };
    fs::write(directory.join("graph.json"), serde_json::to_vec_pretty(&summary)?)?;
    Ok(())
}

/// However many of the first are taken, they are spread evenly over all derivations by the size of their closures: a few of
/// these are nearly all the work, which a random sample may miss.
fn sample(graph: &Graph) -> Vec<u32> {
    let mut by_size: Vec<Derivation<'_>> = graph.derivations().collect();
    by_size.sort_by_key(|derivation| derivation.rebuilt_derivations());
    let at = |item: u64| (u128::from(item.wrapping_mul(GOLDEN)) * by_size.len() as u128) >> 64;
    (0..SAMPLE.min(by_size.len() as u64)).map(|item| by_size[at(item) as usize].ix().get() as u32).collect()
}

fn bytes<T: NoUninit>(items: &[T]) -> &[u8] {
    bytemuck::cast_slice(items)
}

fn package_edges(graph: &Graph) -> Vec<[u32; 2]> {
    let package = |derivation: Derivation<'_>| derivation.package().ix().get() as u32;
    let edges = graph.derivations().flat_map(|derivation| {
        let users = derivation.users().map(|user| graph.derivation(user));
        users.map(move |user| [package(derivation), package(user)])
    });
    let distinct: BTreeSet<[u32; 2]> = edges.filter(|[input, user]| input != user).collect();
    distinct.into_iter().collect()
}

fn pairs(rng: &mut Rng, users: &[Vec<u32>]) -> Vec<[u32; 2]> {
    let causes: Vec<u32> = (0..users.len() as u32).filter(|&node| !users[node as usize].is_empty()).collect();
    let mut pairs: Vec<[u32; 2]> = (0..PAIRS)
        .filter_map(|at| {
            let (cause, target) = (*rng.choice(&causes)?, rng.u32(0..users.len() as u32));
            Some([cause, if at % 2 == 0 { target } else { walk(rng, users, cause) }])
        })
        .collect();
    rng.shuffle(&mut pairs);
    pairs
}

/// Something that `cause` rebuilds, up to a few random steps away.
fn walk(rng: &mut Rng, users: &[Vec<u32>], cause: u32) -> u32 {
    (0..rng.usize(1..=STEPS)).fold(cause, |at, _| rng.choice(&users[at as usize]).copied().unwrap_or(at))
}
