//! A graph from a snapshot is the graph that was written, and threads change nothing.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use tempfile::TempDir;
use waves_core::analysis::{Impact, RankOptions, Root, Why, rank};
use waves_core::graph::{Direction, Graph};
use waves_core::ingest::Input;
use waves_core::plan::{PlanOptions, plan};
use waves_core::report::{Format, ImpactReport, InfoReport, PlanDetail, PlanReport, RankReport, WhyDetail, WhyReport, write};

use crate::model::PackageSet;
use crate::render::compact;
use crate::strategy::package_sets;

/// Every report on a graph, as JSON: about its first derivation, and the way from there to its last.
fn reports(graph: &Graph) -> Vec<u8> {
    let root = |ix| vec![Root { selector: "root".to_owned(), face: ix, derivations: vec![ix] }];
    let first = root(graph.derivations().next().expect("a derivation").ix());
    let last = root(graph.derivations().next_back().expect("a derivation").ix());
    let impact = Impact::new(graph, &first, Direction::Dependents, None, None).expect("it has edges");
    let plan = plan(graph, first.clone(), &PlanOptions::default()).expect("it has edges");
    let why = Why::new(graph, &first, &last).expect("it has edges");
    let ranked = rank(graph, RankOptions::default()).expect("it has edges");
    let mut out = Vec::new();
    write(&ImpactReport::new(&impact, &first, None, 1000), Format::Json, None, &mut out).expect("writes");
    write(&PlanReport::new(graph, &plan, None, PlanDetail::Packages, 1000), Format::Json, None, &mut out).expect("writes");
    write(&WhyReport::new(&why, &first, &last, WhyDetail::All, 1000), Format::Json, None, &mut out).expect("writes");
    write(&RankReport::new(graph, &ranked, None, None, 1000), Format::Json, None, &mut out).expect("writes");
    write(&InfoReport::new(graph, 1000), Format::Json, None, &mut out).expect("writes");
    out
}

fn dumps(set: &PackageSet, directory: &Path) -> [Input; 2] {
    [("derivations.json", compact(&set.derivation_entries())), ("jobs.jsonl", set.job_lines().join("\n"))].map(|(name, text)| {
        let path = directory.join(name);
        fs::write(&path, text).expect("writes");
        Input::Path(path)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_answers_as_the_graph_did(set in package_sets(40)) {
        let directory = TempDir::new().expect("a directory");
        let graph = Graph::import(&dumps(&set, directory.path()), &()).expect("imports");
        let path = directory.path().join("deep/in/graph.waves");
        graph.write(&path).expect("writes");
        prop_assert!(Graph::is_snapshot(&path).expect("reads"));
        let opened = Graph::open(&path).expect("opens");
        prop_assert_eq!((opened.digest(), opened.snapshot_bytes()), (graph.digest(), graph.snapshot_bytes()));
        prop_assert_eq!(opened.sources(), graph.sources());
        prop_assert_eq!(reports(&opened), reports(&graph));
        // Writing it again changes no byte, even over the file that is mapped.
        let bytes = fs::read(&path).expect("reads");
        opened.write(&path).expect("writes");
        prop_assert_eq!(fs::read(&path).expect("reads"), bytes);
        prop_assert_eq!(reports(&opened), reports(&graph));
    }

    #[test]
    fn the_number_of_threads_changes_no_byte(set in package_sets(40)) {
        let directory = TempDir::new().expect("a directory");
        let inputs = dumps(&set, directory.path());
        let run = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let path = directory.path().join(format!("{threads}.waves"));
            let reports = pool.install(|| {
                let graph = Graph::import(&inputs, &()).expect("imports");
                graph.write(&path).expect("writes");
                reports(&graph)
            });
            (fs::read(&path).expect("reads"), reports)
        };
        let alone = run(1);
        for threads in [2, 3, 8] {
            prop_assert_eq!(run(threads), alone.clone());
        }
    }
}
