//! A generated set of the size of nixpkgs against nixpkgs.

use std::env;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use waves_core::graph::{Derivation, Graph};
use waves_core::ingest::Input;
use waves_synthetic::Synthetic;

use crate::sound::import;

/// Derivations of a block whose closures are swept together.
const BLOCK: usize = 512;
type Row = [u64; BLOCK / 64];

/// A figure of a graph, and how far apart two may be: the larger is at most `factor` times the smaller, after adding 1.
struct Figure {
    what: String,
    value: f64,
    factor: f64,
}

/// The figures of a graph.
fn figures(graph: &Graph) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |what: &str, value: f64, factor: f64| figures.push(Figure { what: what.to_owned(), value, factor });
    let normal: Vec<Derivation<'_>> = graph.derivations().filter(|derivation| !derivation.is_fixed_output()).collect();
    let fixed: Vec<Derivation<'_>> = graph.derivations().filter(|derivation| derivation.is_fixed_output()).collect();
    let (all, count) = (graph.derivation_count() as f64, normal.len() as f64);

    add("share of fixed outputs, %", fixed.len() as f64 / all * 100.0, 1.01);
    add("inputs of a derivation, mean", graph.edge_count() as f64 / all, 1.1);
    add("… of one not fixed", graph.rebuild_edge_count() as f64 / count, 1.1);
    add("share of those not fixed with an attribute, %", share(&normal, |derivation| derivation.attributes().len() > 0), 1.05);
    add("packages for 100 derivations not fixed", packages(graph) / count * 100.0, 1.05);
    quantiles(&mut add, "inputs", &normal, |derivation| derivation.inputs().len(), &[0.5, 0.9, 0.99, 0.999], 1.6);
    let mut users = vec![0_usize; graph.derivation_count()];
    graph.derivations().flat_map(Derivation::inputs).for_each(|(input, _)| users[input.get()] += 1);
    quantiles(&mut add, "users", &normal, |derivation| users[derivation.ix().get()], &[0.5, 0.9, 0.99, 0.999], 2.5);
    quantiles(&mut add, "users of a fixed output", &fixed, |derivation| users[derivation.ix().get()], &[0.5, 0.9, 0.99, 0.999], 1.6);
    let rebuilt = |derivation: Derivation<'_>| derivation.rebuilt_derivations() as usize;
    quantiles(&mut add, "rebuilt derivations", &normal, rebuilt, &[0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999], 2.5);
    add("rebuilt derivations, mean", graph.derivations().map(rebuilt).sum::<usize>() as f64 / all, 1.5);
    let top = normal.iter().map(|&derivation| rebuilt(derivation)).max().unwrap_or(0);
    add("what the top hub rebuilds of those not fixed, %", top as f64 / count * 100.0, 1.02);
    let levels = levels(graph);
    quantiles(&mut add, "level", &normal, |derivation| levels[derivation.ix().get()], &[0.1, 0.25, 0.5, 0.75, 0.9, 1.0], 1.1);
    add("rebuild edges left by a transitive reduction, %", reduced(graph) as f64 / graph.rebuild_edge_count() as f64 * 100.0, 1.5);
    figures
}

fn share(derivations: &[Derivation<'_>], is: impl Fn(&Derivation<'_>) -> bool) -> f64 {
    derivations.iter().filter(|&derivation| is(derivation)).count() as f64 / derivations.len() as f64 * 100.0
}

fn packages(graph: &Graph) -> f64 {
    graph.packages().filter(|package| package.derivations().any(|derivation| !derivation.is_fixed_output())).count() as f64
}

fn quantiles<'g>(
    add: &mut impl FnMut(&str, f64, f64),
    what: &str,
    derivations: &[Derivation<'g>],
    of: impl Fn(Derivation<'g>) -> usize,
    quantiles: &[f64],
    factor: f64,
) {
    let mut values: Vec<usize> = derivations.iter().map(|&derivation| of(derivation)).collect();
    values.sort_unstable();
    for &quantile in quantiles {
        #[expect(clippy::cast_sign_loss, reason = "a quantile is not negative")]
        let at = ((values.len() as f64 * quantile) as usize).min(values.len() - 1);
        add(&format!("{what}, {} %", quantile * 100.0), values[at] as f64, factor);
    }
}

/// Levels of the whole rebuild: a fixed output is rebuilt by nothing.
fn levels(graph: &Graph) -> Vec<usize> {
    let mut levels = vec![1; graph.derivation_count()];
    for derivation in graph.derivations() {
        let below = derivation.rebuild_inputs().map(|input| levels[input.get()]).max();
        levels[derivation.ix().get()] = below.unwrap_or(0) + 1;
    }
    levels
}

/// Rebuild edges whose input is not rebuilt through another input of the same user.
fn reduced(graph: &Graph) -> usize {
    let blocks: Vec<usize> = (0..graph.derivation_count()).step_by(BLOCK).collect();
    graph.rebuild_edge_count() - blocks.into_par_iter().map(|first| redundant(graph, first)).sum::<usize>()
}

/// Edges out of the derivations of a block that a reduction leaves out.
fn redundant(graph: &Graph, first: usize) -> usize {
    let mut rows: Vec<Row> = vec![[0; BLOCK / 64]; graph.derivation_count() - first];
    let mut found = 0;
    for derivation in graph.derivations().skip(first) {
        let (mut once, mut twice, mut direct): (Row, Row, Row) = Default::default();
        for input in derivation.rebuild_inputs().filter(|input| input.get() >= first) {
            let at = input.get() - first;
            for ((once, twice), row) in once.iter_mut().zip(&mut twice).zip(rows[at]) {
                *twice |= *once & row;
                *once |= row;
            }
            if at < BLOCK {
                direct[at / 64] |= 1 << (at % 64);
            }
        }
        // An input of the block reaches itself; what reaches it once more, through another input, makes the edge redundant.
        found += twice.iter().zip(direct).map(|(twice, direct)| (twice & direct).count_ones() as usize).sum::<usize>();
        let at = derivation.ix().get() - first;
        if at < BLOCK {
            once[at / 64] |= 1 << (at % 64);
        }
        rows[at] = once;
    }
    found
}

#[test]
fn a_set_of_the_size_of_nixpkgs_is_shaped_like_it() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    if !data.is_dir() {
        println!("skipped: no nixpkgs evaluation at {}", data.display());
        return;
    }
    let dumps = ["derivations.json.zst", "eval-jobs.jsonl.zst"].map(|name| Input::Path(data.join(name)));
    let real = Graph::import(&dumps, &()).expect("imports");
    let directory = tempfile::tempdir().expect("a directory");
    let synthetic = import(&Synthetic::new(real.derivation_count(), 1), directory.path());
    let mut apart = Vec::new();
    println!("| figure | nixpkgs 24.11 | generated | at most apart |\n|---|--:|--:|--:|");
    for (real, generated) in figures(&real).iter().zip(figures(&synthetic)) {
        println!("| {} | {:.4} | {:.4} | × {} |", real.what, real.value, generated.value, real.factor);
        let (small, large) = (real.value.min(generated.value) + 1.0, real.value.max(generated.value) + 1.0);
        if large / small > real.factor {
            apart.push(real.what.clone());
        }
    }
    assert!(apart.is_empty(), "too far apart: {apart:?}");
}
