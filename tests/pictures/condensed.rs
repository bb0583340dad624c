//! Condensed graphs against the graphs that they are of.

use std::collections::BTreeSet;

use proptest::prelude::*;
use waves_core::report::{Diagram, DiagramGroup, condense};

/// Groups, edges between them, the total that they are some of, and how many nodes there may be.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) groups: Vec<DiagramGroup>,
    edges: BTreeSet<(usize, usize)>,
    total: usize,
    limit: usize,
}

impl Case {
    pub(crate) fn condensed(&self) -> Diagram {
        let reaches: Vec<u128> = (0..self.groups.len())
            .map(|from| self.edges.iter().filter(|edge| edge.0 == from).fold(0, |set, edge| set | 1 << edge.1))
            .collect();
        condense(&self.groups, &reaches, self.total, self.limit)
    }
}

/// Every group has one name, which no other has: `name(number)`.
pub(crate) fn case<N: Strategy<Value = String>>(name: impl Fn(usize) -> N + Clone + 'static) -> impl Strategy<Value = Case> {
    // Few nodes with many edges, layers, and long chains are all of interest.
    (1..30_usize, 0..80_usize, 1..20_usize, 0..9_usize).prop_flat_map(move |(count, edges, limit, others)| {
        let names: Vec<_> = (0..count).map(name.clone()).collect();
        let edge = (0..count, 1..6_usize, prop::bool::weighted(0.03)).prop_map(move |(from, step, is_back)| {
            let to = (from + step) % count;
            // Nearly all go forward.
            if (to < from) == is_back { (from, to) } else { (to, from) }
        });
        let edges = prop::collection::btree_set(edge, 0..=edges);
        (names, edges).prop_map(move |(names, edges)| Case {
            groups: names.into_iter().enumerate().map(|(at, name)| DiagramGroup { names: vec![name], is_root: at == 0 }).collect(),
            edges,
            total: count + others,
            limit,
        })
    })
}

fn numbered() -> impl Strategy<Value = Case> {
    case(|number| Just(format!("p{number}")))
}

/// All that is reached along edges, without the start unless a way leads back to it.
fn reached(edges: &BTreeSet<(usize, usize)>, start: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        open.extend(edges.iter().filter(|edge| edge.0 == at).map(|edge| edge.1).filter(|to| found.insert(*to)));
    }
    found
}

/// The groups that a node names; others may be behind "+ 3 more".
fn named(diagram: &Diagram, node: usize) -> Vec<usize> {
    let (names, _) = diagram.nodes[node].lines[0].split_once(" + ").unwrap_or((&diagram.nodes[node].lines[0], ""));
    names.split(", ").map(|name| name[1..].parse().expect("p and a number")).collect()
}

proptest! {
    #[test]
    fn nodes_reach_in_the_picture_what_they_reach_in_the_graph(case in numbered()) {
        let diagram = case.condensed();
        let drawn: BTreeSet<_> = diagram.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        for from in 0..diagram.nodes.len() {
            let reached_nodes = reached(&drawn, from);
            prop_assert!(!reached_nodes.contains(&from), "a cycle");
            for to in (0..diagram.nodes.len()).filter(|&to| to != from) {
                for group in named(&diagram, from) {
                    for other in named(&diagram, to) {
                        let is_reached = reached(&case.edges, group).contains(&other);
                        prop_assert_eq!(is_reached, reached_nodes.contains(&to), "p{} and p{} in {:?}", group, other, diagram);
                    }
                }
            }
        }
    }

    #[test]
    fn no_edge_follows_from_others(case in numbered()) {
        let diagram = case.condensed();
        let drawn: BTreeSet<_> = diagram.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        for edge in &drawn {
            let mut others = drawn.clone();
            others.remove(edge);
            prop_assert!(!reached(&others, edge.0).contains(&edge.1), "{:?} in {:?}", edge, diagram);
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_too_much(case in numbered()) {
        let diagram = case.condensed();
        prop_assert!(diagram.nodes.len() <= case.limit);
        prop_assert_eq!(diagram.nodes.iter().map(|node| node.count).sum::<usize>() + diagram.omitted, case.total);
        prop_assert_eq!(diagram.nodes.iter().filter(|node| node.is_root).count(), 1, "the root comes first");
        // No two are alike, and there is room left only if all are in.
        let ends = |at: usize| {
            let from: Vec<_> = diagram.edges.iter().filter(|edge| edge.to == at).map(|edge| edge.from).collect();
            let to: Vec<_> = diagram.edges.iter().filter(|edge| edge.from == at).map(|edge| edge.to).collect();
            (from, to, diagram.nodes[at].is_root)
        };
        let kinds: Vec<_> = (0..diagram.nodes.len()).map(ends).collect();
        prop_assert!((1..kinds.len()).all(|at| !kinds[..at].contains(&kinds[at])), "{:?}", diagram);
    }

    #[test]
    fn no_line_of_mermaid_ends_its_fence(case in case(|_| "[`~ \n\"]{0,9}")) {
        let mut out = Vec::new();
        case.condensed().write_mermaid(&mut out).expect("writes");
        prop_assert!(!String::from_utf8(out).expect("UTF-8").contains(['`', '~']));
    }

    #[test]
    fn every_picture_can_be_placed_and_has_the_same_bytes_again(case in numbered()) {
        let diagram = case.condensed();
        let drawn = || { let mut out = Vec::new(); diagram.write_svg(&mut out).expect("writes"); out };
        prop_assert_eq!(drawn(), drawn());
    }
}
