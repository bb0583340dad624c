//! A chain as long as all of Nixpkgs, on a small stack: nothing recurses along the graph.

use std::fmt::Write;

use rayon::ThreadPoolBuilder;
use waves_core::analysis::{Impact, RankOptions, Root, Why, rank};
use waves_core::graph::{DerivationIx, Direction, Graph};
use waves_core::plan::{PlanOptions, levels, plan, verify};

use crate::support::import;

const LENGTH: usize = 200_000;
const STACK_BYTES: usize = 1 << 20;

fn on_a_small_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(2).stack_size(STACK_BYTES).build().expect("threads").install(run)
}

fn path(at: usize) -> String {
    format!("/nix/store/{at:032}-link-{at}.drv")
}

/// Each derivation needs the one before it; `fixed` has a fixed output.
fn chain(length: usize, fixed: Option<usize>) -> Graph {
    let mut json = String::from("{");
    for at in 0..length {
        let input = at.checked_sub(1).map(|input| format!("\"{}\":[\"out\"]", path(input))).unwrap_or_default();
        let output = if fixed == Some(at) { "\"hashAlgo\":\"sha256\",\"hash\":\"00\"" } else { "" };
        let comma = if at == 0 { "" } else { "," };
        write!(json, "{comma}\"{}\":{{\"outputs\":{{\"out\":{{{output}}}}},\"inputDrvs\":{{{input}}}}}", path(at)).expect("a string");
    }
    json.push('}');
    import(&[("chain.json", json)])
}

fn root(ix: DerivationIx) -> Vec<Root> {
    vec![Root { selector: "root".to_owned(), face: ix, derivations: vec![ix] }]
}

fn ends(graph: &Graph) -> [Vec<Root>; 2] {
    let mut derivations = graph.derivations();
    [derivations.next(), derivations.next_back()].map(|end| root(end.expect("a derivation").ix()))
}

#[test]
fn every_question_to_a_long_chain() {
    on_a_small_stack(|| {
        let graph = chain(LENGTH, None);
        let [first, last] = ends(&graph);
        let impact = Impact::new(&graph, &first, Direction::Dependents, None, None).expect("it has edges");
        assert_eq!((impact.rebuilds().len(), impact.by_distance().len()), (LENGTH, LENGTH));
        let back = Impact::new(&graph, &last, Direction::Dependencies, None, None).expect("it has edges");
        assert_eq!(back.rebuilds().len(), LENGTH);
        assert_eq!(levels(&graph, impact.rebuilds()).len(), LENGTH);
        let why = Why::new(&graph, &first, &last).expect("it has edges");
        assert_eq!((why.shortest().map(<[_]>::len), why.between().len()), (Some(LENGTH), LENGTH));
        assert!(Why::new(&graph, &last, &first).expect("it has edges").is_reversed());
        let ranked = rank(&graph, RankOptions::default()).expect("it has edges");
        assert!(ranked.iter().zip((1..=LENGTH as u32).rev()).all(|(package, rebuilt)| package.rebuilt_derivations() == rebuilt));
    });
}

#[test]
fn a_plan_of_a_long_chain() {
    on_a_small_stack(|| {
        let graph = chain(LENGTH, None);
        let plan = plan(&graph, ends(&graph)[0].clone(), &PlanOptions::default()).expect("it has edges");
        assert_eq!((plan.levels.len(), plan.waves.len()), (LENGTH, 12));
        assert_eq!(verify(&graph, &plan), []);
    });
}

#[test]
fn a_fixed_output_in_the_middle_cuts_the_chain() {
    on_a_small_stack(|| {
        let graph = chain(LENGTH, Some(LENGTH / 2));
        let [first, last] = ends(&graph);
        let impact = Impact::new(&graph, &first, Direction::Dependents, None, None).expect("it has edges");
        assert_eq!(impact.rebuilds().len(), LENGTH / 2);
        let why = Why::new(&graph, &first, &last).expect("it has edges");
        assert_eq!((why.shortest().is_none(), why.blocked().map(<[_]>::len)), (true, Some(LENGTH)));
    });
}
