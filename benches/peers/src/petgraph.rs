//! petgraph's own algorithms, on its usual graph.

use petgraph::Direction::Incoming;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::algo::{DfsSpace, has_path_connecting, kosaraju_scc, tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, IntoNeighbors, VisitMap, Visitable};

use crate::Failure;
use crate::inputs::{Inputs, Question};
use crate::measure::{Row, all, component_sizes, digest, each, whole};

type Graph = DiGraph<(), ()>;

/// The number of reachable pairs up to which all are listed at once: 4 GiB of memory, and twice that while they grow.
const PAIRS_HELD: u64 = 1 << 30;

pub(crate) fn ask(question: Question, inputs: &Inputs) -> Result<Vec<Row>, Failure> {
    let nodes = inputs.summary.nodes;
    if let Question::Components = question {
        return Ok(components(&build(inputs.summary.packages, &inputs.package_edges()?)));
    }
    let edges = inputs.edges()?;
    let graph = build(nodes, &edges);
    let rows = match question {
        Question::Build => {
            let digest = |graph: &Graph| vec![graph.node_count() as u64, graph.edge_count() as u64];
            vec![whole("petgraph `DiGraph`", "build", || build(nodes, &edges), digest)]
        }
        Question::Closure => vec![whole("petgraph `Dfs`", "closure", || closure(&graph, &[inputs.summary.root]), |set| digest(set.ones()))],
        Question::Union => {
            let roots = inputs.roots()?;
            vec![whole("petgraph `Dfs`", "union", || closure(&graph, &roots), |set| digest(set.ones()))]
        }
        Question::Sizes => vec![each("petgraph `Dfs`", "sizes", nodes, &inputs.sample()?, |of| sums(&graph, of, |_| 1))],
        Question::Sums => {
            let weights = inputs.weights()?;
            vec![each("petgraph `Dfs`", "sums", nodes, &inputs.sample()?, |of| sums(&graph, of, |node| weights[node]))]
        }
        Question::Pairs => {
            let pairs = inputs.pairs()?;
            let every: Vec<u32> = (0..pairs.len() as u32).collect();
            vec![each("petgraph `has_path_connecting`", "pairs", pairs.len(), &every, |of| connected(&graph, of, &pairs))]
        }
        Question::Levels => vec![whole("petgraph `toposort`, and a pass", "levels", || levels(&graph), Clone::clone)],
        Question::Components => Vec::new(),
    };
    Ok(rows)
}

fn build(nodes: usize, edges: &[[u32; 2]]) -> Graph {
    let mut graph = Graph::with_capacity(nodes, edges.len());
    for _ in 0..nodes {
        graph.add_node(());
    }
    graph.extend_with_edges(edges.iter().map(|&[input, user]| (input, user)));
    graph
}

fn closure(graph: &Graph, roots: &[u32]) -> <Graph as Visitable>::Map {
    let mut search = Dfs::empty(graph);
    for &root in roots {
        if !search.discovered.is_visited(&NodeIndex::<u32>::new(root as usize)) {
            search.move_to(NodeIndex::new(root as usize));
            while search.next(graph).is_some() {}
        }
    }
    search.discovered
}

fn sums(graph: &Graph, of: &[u32], weight: impl Fn(usize) -> u64) -> Vec<u64> {
    let mut search = Dfs::empty(graph);
    let mut sum = |&node: &u32| {
        search.reset(graph);
        search.move_to(NodeIndex::new(node as usize));
        std::iter::from_fn(|| search.next(graph)).map(|reached| weight(reached.index())).sum()
    };
    of.iter().map(&mut sum).collect()
}

fn connected(graph: &Graph, of: &[u32], pairs: &[[u32; 2]]) -> Vec<u64> {
    let mut space = DfsSpace::new(graph);
    let mut is_rebuilt = |&at: &u32| {
        let [cause, target] = pairs[at as usize].map(|node| NodeIndex::new(node as usize));
        u64::from(has_path_connecting(graph, cause, target, Some(&mut space)))
    };
    of.iter().map(&mut is_rebuilt).collect()
}

/// The number of nodes at each length of their longest path from a node without inputs.
fn levels(graph: &Graph) -> Vec<u64> {
    let mut level = vec![0; graph.node_count()];
    let mut sizes = Vec::new();
    for node in toposort(graph, None).unwrap_or_default() {
        let own = graph.neighbors_directed(node, Incoming).map(|input| level[input.index()] + 1).max().unwrap_or(0);
        level[node.index()] = own;
        sizes.resize(sizes.len().max(own + 1), 0);
        sizes[own] += 1;
    }
    sizes
}

fn components(graph: &Graph) -> Vec<Row> {
    let sizes = |components: &Vec<Vec<NodeIndex>>| component_sizes(components.iter().map(Vec::len));
    vec![
        whole("petgraph `tarjan_scc`", "components", || tarjan_scc(graph), sizes),
        whole("petgraph `kosaraju_scc`", "components", || kosaraju_scc(graph), sizes),
    ]
}

/// All closures at once, as lists: as large as there are pairs.
pub(crate) fn ask_transitive_closure(question: Question, inputs: &Inputs) -> Result<Vec<Row>, Failure> {
    const TOOL: &str = "petgraph `tred`";
    let Question::Sizes = question else { return Ok(Vec::new()) };
    let held = inputs.summary.reached;
    if held > PAIRS_HELD {
        return Ok(vec![Row::unanswered(TOOL, "sizes", format!("would hold {held} pairs, 4 bytes or more each"))]);
    }
    let graph = build(inputs.summary.nodes, &inputs.edges()?);
    let order = toposort(&graph, None).unwrap_or_default();
    let ask = || {
        let (sorted, rank) = dag_to_toposorted_adjacency_list::<_, u32>(&graph, &order);
        let (_, closure) = dag_transitive_reduction_closure(&sorted);
        rank.iter().map(|&rank| closure.neighbors(rank).len() as u64 + 1).collect()
    };
    Ok(vec![all(TOOL, "sizes", &inputs.sample()?, ask).note("lists all closures")])
}
