//! Strongly connected components. The only file that names petgraph outside of tests.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::reach::group;

/// The strongly connected components in topological order: an edge between two runs from the earlier to the later. Each
/// is sorted.
///
/// Iterative (Kosaraju's algorithm): a chain of any length needs no stack. Time and space O(V + E).
pub(crate) fn components(nodes: usize, edges: impl Iterator<Item = (u32, u32)>) -> Vec<Vec<u32>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(nodes, 0);
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(from as usize), NodeIndex::new(to as usize), ());
    }
    // They come in postorder, the last first.
    let sorted = |component: Vec<NodeIndex>| {
        let mut members: Vec<u32> = component.into_iter().map(|node| node.index() as u32).collect();
        members.sort_unstable();
        members
    };
    kosaraju_scc(&graph).into_iter().rev().map(sorted).collect()
}

/// The strongly connected components of more than one node, each sorted, largest first and then by first member.
///
/// What leads to no cycle, which is nearly everything, is peeled off before: time and space O(V + E).
pub(super) fn cycles(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Vec<Vec<u32>> {
    let leads_on = peel(nodes, edges.clone());
    let mut cycles = components(nodes, edges.filter(|&(from, to)| leads_on[from as usize] && leads_on[to as usize]));
    cycles.retain(|component| component.len() > 1);
    cycles.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    cycles
}

/// Whether each node leads to a cycle: nodes without an edge to another are taken away, again and again.
fn peel(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Vec<bool> {
    let mut edges_on = vec![0_u32; nodes];
    for (from, _) in edges.clone() {
        edges_on[from as usize] += 1;
    }
    let (offsets, sources) = group(nodes, edges.map(|(from, to)| (to, from)));
    let mut ends: Vec<usize> = (0..nodes).filter(|&node| edges_on[node] == 0).collect();
    while let Some(end) = ends.pop() {
        for &source in &sources[offsets[end] as usize..offsets[end + 1] as usize] {
            edges_on[source as usize] -= 1;
            if edges_on[source as usize] == 0 {
                ends.push(source as usize);
            }
        }
    }
    edges_on.into_iter().map(|edges| edges > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cycles_and_a_tail() {
        let edges = [(0, 1), (1, 0), (1, 2), (3, 4), (4, 5), (5, 3), (5, 6)];
        assert_eq!(cycles(7, edges.into_iter()), [vec![3, 4, 5], vec![0, 1]]);
    }

    #[test]
    fn what_leads_to_no_cycle_is_peeled_off() {
        let edges = [(0, 1), (1, 0), (1, 2), (2, 6), (3, 4), (4, 3), (5, 3), (5, 2), (7, 6), (7, 2)];
        assert_eq!(peel(8, edges.into_iter()), [true, true, false, true, true, true, false, false]);
    }

    #[test]
    fn components_come_in_topological_order() {
        let edges = [(5, 3), (3, 0), (0, 3), (0, 1), (4, 2), (2, 5)];
        assert_eq!(components(6, edges.into_iter()), [vec![4], vec![2], vec![5], vec![0, 3], vec![1]]);
    }

    #[test]
    fn a_chain_of_a_million_needs_no_stack() {
        let chain = std::thread::Builder::new().stack_size(256 << 10).spawn(|| {
            let back = std::iter::once((999_999, 0));
            (
                cycles(1_000_000, (0..999_999).map(|node| (node, node + 1))),
                cycles(1_000_000, (0..999_999).map(|node| (node, node + 1)).chain(back)),
            )
        });
        let (chain, ring) = chain.expect("thread starts").join().expect("no overflow");
        assert_eq!((chain.len(), ring.len(), ring[0].len()), (0, 1, 1_000_000));
    }
}
