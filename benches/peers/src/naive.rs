//! Breadth-first search, as one would write it: adjacency in compressed sparse rows, a mark for each node, a queue. Searches
//! from many nodes run side by side on rayon.

use rayon::prelude::*;

use crate::Failure;
use crate::inputs::{Inputs, Question};
use crate::measure::{Row, digest, each, whole};

const TOOL: &str = "naive breadth-first search";

pub(crate) fn ask(question: Question, inputs: &Inputs) -> Result<Vec<Row>, Failure> {
    let (nodes, edges) = (inputs.summary.nodes, inputs.edges()?);
    let graph = Users::new(nodes, &edges);
    let threads = rayon::current_num_threads();
    let row = match question {
        Question::Build => {
            let row = whole(TOOL, "build", || Users::new(nodes, &edges), |_| vec![nodes as u64, edges.len() as u64]);
            row.note("adjacency alone, from sorted edges")
        }
        Question::Closure => {
            let root = inputs.summary.root;
            whole(TOOL, "closure", || Search::new(nodes).run(&graph, &[root]).to_vec(), |nodes| digest_of(nodes))
        }
        Question::Union => {
            let roots = inputs.roots()?;
            whole(TOOL, "union", || Search::new(nodes).run(&graph, &roots).to_vec(), |nodes| digest_of(nodes))
        }
        Question::Sizes => {
            let size = |reached: &[u32]| reached.len() as u64;
            each(TOOL, "sizes", nodes, &inputs.sample()?, |of| graph.searches(of, size)).threads(threads)
        }
        Question::Sums => {
            let weights = inputs.weights()?;
            let sum = |reached: &[u32]| reached.iter().map(|&node| weights[node as usize]).sum();
            each(TOOL, "sums", nodes, &inputs.sample()?, |of| graph.searches(of, sum)).threads(threads)
        }
        Question::Pairs => {
            let pairs = inputs.pairs()?;
            let every: Vec<u32> = (0..pairs.len() as u32).collect();
            each(TOOL, "pairs", pairs.len(), &every, |of| graph.pairs(of, &pairs)).threads(threads)
        }
        Question::Levels => whole(TOOL, "levels", || levels(&graph), Clone::clone).note("numbers are topological, as `waves` gave them"),
        Question::Components => return Ok(Vec::new()),
    };
    Ok(vec![row])
}

fn digest_of(nodes: &[u32]) -> Vec<u64> {
    digest(nodes.iter().map(|&node| node as usize))
}

/// The users of each node.
struct Users {
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Users {
    fn new(nodes: usize, sorted: &[[u32; 2]]) -> Self {
        let mut offsets = vec![0; nodes + 1];
        for &[input, _] in sorted {
            offsets[input as usize + 1] += 1;
        }
        for at in 0..nodes {
            offsets[at + 1] += offsets[at];
        }
        Self { offsets, targets: sorted.iter().map(|&[_, user]| user).collect() }
    }

    fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    fn of(&self, node: u32) -> &[u32] {
        &self.targets[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }

    fn searches(&self, of: &[u32], value: impl Fn(&[u32]) -> u64 + Sync) -> Vec<u64> {
        of.par_iter().map_init(|| Search::new(self.nodes()), |search, &node| value(search.run(self, &[node]))).collect()
    }

    fn pairs(&self, of: &[u32], pairs: &[[u32; 2]]) -> Vec<u64> {
        let is_rebuilt = |search: &mut Search, &at: &u32| {
            let [cause, target] = pairs[at as usize];
            search.run(self, &[cause]);
            u64::from(search.has_reached(target))
        };
        of.par_iter().map_init(|| Search::new(self.nodes()), is_rebuilt).collect()
    }
}

/// The buffers of searches.
struct Search {
    /// The last search that reached each node.
    reached: Vec<u32>,
    current: u32,
    queue: Vec<u32>,
}

impl Search {
    fn new(nodes: usize) -> Self {
        Self { reached: vec![0; nodes], current: 0, queue: Vec::new() }
    }

    /// All that is reached, roots included.
    fn run(&mut self, graph: &Users, roots: &[u32]) -> &[u32] {
        self.current += 1;
        self.queue.clear();
        for &root in roots {
            self.visit(root);
        }
        let mut next = 0;
        while let Some(&node) = self.queue.get(next) {
            next += 1;
            for &user in graph.of(node) {
                self.visit(user);
            }
        }
        &self.queue
    }

    fn visit(&mut self, node: u32) {
        if std::mem::replace(&mut self.reached[node as usize], self.current) != self.current {
            self.queue.push(node);
        }
    }

    fn has_reached(&self, node: u32) -> bool {
        self.reached[node as usize] == self.current
    }
}

/// The number of nodes at each length of their longest path from a node without inputs.
fn levels(graph: &Users) -> Vec<u64> {
    let mut level = vec![0_usize; graph.nodes()];
    let mut sizes = Vec::new();
    for node in 0..graph.nodes() {
        for &user in graph.of(node as u32) {
            level[user as usize] = level[user as usize].max(level[node] + 1);
        }
        sizes.resize(sizes.len().max(level[node] + 1), 0);
        sizes[level[node]] += 1;
    }
    sizes
}
