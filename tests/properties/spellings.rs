//! How dumps are written, ordered, cut and compressed does not matter to the graph.

use std::collections::BTreeSet;
use std::io::Write;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::graph::Direction;
use waves_core::plan::{PlanOptions, plan};

use crate::model::{Attribute, Derivation, PackageSet};
use crate::render::{Entry, compact, pretty};
use crate::strategy::package_sets;
use crate::support::{Imported, import};

fn digest(set: &PackageSet) -> String {
    Imported::new(set).graph.digest()
}

fn shuffled<T: Clone + std::fmt::Debug>(items: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    Just(items).prop_shuffle()
}

/// A set, and its dumps with their entries in another order: derivations, lines of nix-eval-jobs, `outpaths.json`.
fn reordered() -> impl Strategy<Value = (PackageSet, Vec<Entry>, Vec<String>, Vec<Entry>)> {
    package_sets(30).prop_flat_map(|set| {
        let orders = (shuffled(set.derivation_entries()), shuffled(set.job_lines()), shuffled(set.outpath_entries()));
        (Just(set), orders).prop_map(|(set, (derivations, jobs, outpaths))| (set, derivations, jobs, outpaths))
    })
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("compresses");
    encoder.finish().expect("compresses")
}

fn xz(text: &str) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(text.as_bytes()).expect("compresses");
    encoder.finish().expect("compresses")
}

fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).expect("compresses")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_dumps_and_of_their_entries((set, derivations, jobs, _) in reordered()) {
        let (derivations, jobs) = (compact(&derivations), jobs.join("\n"));
        prop_assert_eq!(import(&[("d.json", &derivations), ("j.jsonl", &jobs)]).digest(), digest(&set));
        prop_assert_eq!(import(&[("j.jsonl", &jobs), ("d.json", &derivations)]).digest(), digest(&set));
    }

    #[test]
    fn the_order_where_attributes_are_joined_by_output((set, derivations, _, outpaths) in reordered()) {
        prop_assume!(!outpaths.is_empty());
        let expected = import(&[("d.json", compact(&set.derivation_entries())), ("o.json", compact(&set.outpath_entries()))]);
        let found = import(&[("o.json", compact(&outpaths)), ("d.json", compact(&derivations))]);
        prop_assert_eq!(found.digest(), expected.digest());
    }

    #[test]
    fn one_file_or_several(set in package_sets(30), cut: Index) {
        let (entries, jobs) = (set.derivation_entries(), set.job_lines());
        let cut_at = cut.index(entries.len() + 1);
        let (before, behind) = entries.split_at(cut_at);
        let (first, second) = jobs.split_at(cut.index(jobs.len() + 1));
        let mut dumps = vec![("behind.json", compact(behind)), ("before.json", compact(before))];
        dumps.extend([("first.jsonl", first.join("\n")), ("second.jsonl", second.join("\n"))]);
        // A dump with nothing in it is an object without entries, or no dump at all.
        dumps.retain(|(_, text)| !text.is_empty());
        prop_assert_eq!(import(&dumps).digest(), digest(&set));
    }

    #[test]
    fn white_space_and_compression(set in package_sets(20)) {
        let (entries, jobs) = (set.derivation_entries(), set.job_lines().join("\n") + "\n\n");
        let (compact, pretty) = (compact(&entries), pretty(&entries));
        for encode in [gzip, xz, zstd, |text: &str| text.as_bytes().to_vec()] {
            for derivations in [&compact, &pretty] {
                prop_assert_eq!(import(&[("d", encode(derivations)), ("j", encode(&jobs))]).digest(), digest(&set));
            }
        }
    }

    /// `zstd -c a b`, `gzip -c a >> b` and `xz` of several files make such dumps.
    #[test]
    fn compressed_in_several_frames(set in package_sets(20), cut: Index) {
        let jobs = set.job_lines();
        let (first, second) = jobs.split_at(cut.index(jobs.len() + 1));
        let (first, second) = (first.join("\n") + "\n", second.join("\n"));
        for encode in [gzip, xz, zstd] {
            let jobs = [encode(&first), encode(&second)].concat();
            prop_assert_eq!(import(&[("d", compact(&set.derivation_entries()).into_bytes()), ("j", jobs)]).digest(), digest(&set));
        }
    }

    #[test]
    fn an_alias_is_an_attribute_more_and_nothing_else(set in package_sets(30), of: Index) {
        let at = of.index(set.derivations.len());
        let mut more = set.clone();
        more.attributes.push(Attribute { path: vec!["zz".to_owned(), "alias".to_owned()], derivation: Ok(at), position: None });
        let (before, after) = (Imported::new(&set), Imported::new(&more));
        let totals = |imported: &Imported| {
            let graph = &imported.graph;
            (graph.derivation_count(), graph.output_count(), graph.edge_count(), graph.rebuild_edge_count(), graph.package_count())
        };
        prop_assert_eq!(totals(&before), totals(&after));
        prop_assert_eq!(before.graph.attribute_count() + 1, after.graph.attribute_count());
        for root in set.all() {
            let rebuilt = |imported: &Imported| {
                let derivation = imported.graph.derivation(imported.ix(root));
                (derivation.rebuilt_derivations(), derivation.rebuilt_attributes())
            };
            let (derivations, attributes) = rebuilt(&before);
            prop_assert_eq!(rebuilt(&after), (derivations, attributes + u32::from(set.rebuilds([root]).contains(&at))));
        }
    }

    /// Hashes are names: with others, positions change, and no answer does.
    #[test]
    fn other_hashes_are_the_same_answers(set in package_sets(30), salt: u64) {
        let relabelled = PackageSet { salt, ..set.clone() };
        let (before, after) = (Imported::new(&set), Imported::new(&relabelled));
        for root in set.all() {
            let answers = |imported: &Imported| {
                let planned = plan(&imported.graph, vec![imported.root([root])], &PlanOptions::default()).expect("it has edges");
                let levels: Vec<BTreeSet<usize>> =
                    planned.levels.iter().map(|level| level.iter().map(|&ix| imported.at(ix)).collect()).collect();
                let waves: Vec<_> = planned.waves.iter().map(|wave| (wave.levels.clone(), wave.counts)).collect();
                (levels, waves, planned.impact.rebuild_counts(), planned.cycles.len())
            };
            prop_assert_eq!(answers(&before), answers(&after));
        }
    }

    /// The same set for a second system beside the first: everything is there twice, and nothing crosses over.
    #[test]
    fn a_second_system_doubles_everything(set in package_sets(20)) {
        let count = set.derivations.len();
        let mut both = set.clone();
        both.derivations.extend(set.derivations.iter().map(|derivation| Derivation {
            system: "riscv64-linux",
            inputs: derivation.inputs.iter().map(|(input, outputs)| (input + count, outputs.clone())).collect(),
            src: derivation.src.map(|src| src + count),
            twin: derivation.twin.map(|twin| twin + count),
            ..derivation.clone()
        }));
        let (one, two) = (Imported::new(&set), Imported::new(&both));
        for root in set.all() {
            let rebuilds = |imported: &Imported, root: usize| imported.ats(&imported.graph.closure([imported.ix(root)], Direction::Dependents));
            let alone = rebuilds(&one, root);
            let moved: BTreeSet<usize> = alone.iter().map(|at| at + count).collect();
            prop_assert_eq!(rebuilds(&two, root), alone);
            prop_assert_eq!(rebuilds(&two, root + count), moved);
        }
    }
}
