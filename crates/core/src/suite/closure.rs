//! The closed set of most profit, by a minimum cut.
//!
//! Picard, *Maximal Closure of a Graph and Applications to Combinatorial Problems* (1976): a source feeds each node of
//! positive profit, each node of negative profit drains into a sink, and edges from a node to what it needs have no limit.
//! Behind a maximum flow, what the source still reaches is the closed set of most profit; of several, the smallest.
//!
//! The flow is found in phases of shortest augmenting paths (Dinitz 1970), over arrays, without recursion. petgraph's
//! `dinics` finds the same flow, but clears an array of all nodes for each augmenting path, of which there are as many as sources:
//! on nixpkgs it takes 15 to 70 times as long, seconds for each cut.

use super::problem::Rows;

/// No path leads from it to the sink.
const UNREACHED: u32 = u32::MAX;

/// A flow network; profits are whole numbers, so that a maximum flow is exact.
struct Network<'a> {
    inputs: &'a Rows,
    users: &'a Rows,
    /// Of each edge from a node to an input, by the position of the edge among `inputs`.
    flow: Vec<i128>,
    /// The same edge among `inputs`, for each among `users`.
    edge_of_user: Vec<u32>,
    /// What the source still has for a node.
    supply: Vec<i128>,
    /// What the sink still takes from it.
    demand: Vec<i128>,
    /// Edges to the sink.
    level: Vec<u32>,
    /// The next edge of a node to try: its inputs first, then its users.
    next: Vec<u32>,
}

/// The nodes of the smallest closed set of most profit, and its profit. Empty if no set has a positive one.
///
/// `inputs` is acyclic. Time O(V² E) at worst, near-linear phases in practice; space O(V + E).
pub(super) fn most_profit(inputs: &Rows, users: &Rows, profits: &[i128]) -> (Vec<bool>, i128) {
    let mut network = Network::new(inputs, users, profits);
    while network.level() {
        network.block();
    }
    let profit = network.supply.iter().sum();
    (network.reached(), profit)
}

impl<'a> Network<'a> {
    fn new(inputs: &'a Rows, users: &'a Rows, profits: &[i128]) -> Self {
        let nodes = profits.len();
        let mut edge_of_user = vec![0; inputs.targets().len()];
        let mut filled: Vec<usize> = (0..nodes).map(|node| users.range(node).start).collect();
        for node in 0..nodes {
            for edge in inputs.range(node) {
                let input = inputs.targets()[edge] as usize;
                edge_of_user[filled[input]] = edge as u32;
                filled[input] += 1;
            }
        }
        Self {
            inputs,
            users,
            flow: vec![0; inputs.targets().len()],
            edge_of_user,
            supply: profits.iter().map(|&profit| profit.max(0)).collect(),
            demand: profits.iter().map(|&profit| (-profit).max(0)).collect(),
            level: vec![UNREACHED; nodes],
            next: vec![0; nodes],
        }
    }

    /// Counts the edges to the sink, backwards from it; whether a node with supply reaches it.
    fn level(&mut self) -> bool {
        self.level.fill(UNREACHED);
        self.next.fill(0);
        let mut queue: Vec<u32> = (0..self.level.len() as u32).filter(|&node| self.demand[node as usize] > 0).collect();
        for &node in &queue {
            self.level[node as usize] = 0;
        }
        let mut is_reached = false;
        let mut at = 0;
        while let Some(&node) = queue.get(at) {
            at += 1;
            let node = node as usize;
            is_reached |= self.supply[node] > 0;
            let next = self.level[node] + 1;
            let mut visit = |near: u32| {
                if self.level[near as usize] == UNREACHED {
                    self.level[near as usize] = next;
                    queue.push(near);
                }
            };
            self.users.row(node).iter().copied().for_each(&mut visit);
            let back = self.inputs.range(node).filter(|&edge| self.flow[edge] > 0);
            back.map(|edge| self.inputs.targets()[edge]).for_each(&mut visit);
        }
        is_reached
    }

    /// Sends flow along shortest paths until each has a full edge.
    fn block(&mut self) {
        // Edges from the start, and whether each goes from user to input.
        let mut path: Vec<(u32, bool)> = Vec::new();
        for start in 0..self.level.len() {
            if self.supply[start] == 0 || self.level[start] == UNREACHED {
                continue;
            }
            path.clear();
            let mut node = start;
            loop {
                if self.level[node] == 0 && self.demand[node] > 0 {
                    let back = self.augment(start, node, &path);
                    if self.supply[start] == 0 {
                        break;
                    }
                    path.truncate(back);
                    node = path.last().map_or(start, |&step| self.head(step));
                } else if let Some(step) = self.step(node) {
                    path.push(step);
                    node = self.head(step);
                } else {
                    // A dead end: whoever leads here tries its next edge.
                    self.level[node] = UNREACHED;
                    if path.pop().is_none() {
                        break;
                    }
                    node = path.last().map_or(start, |&step| self.head(step));
                    self.next[node] += 1;
                }
            }
        }
    }

    /// The next edge of a node that leads nearer to the sink.
    fn step(&mut self, node: usize) -> Option<(u32, bool)> {
        let level = self.level[node].checked_sub(1)?;
        let (inputs, users) = (self.inputs.range(node), self.users.range(node));
        while (self.next[node] as usize) < inputs.len() + users.len() {
            let at = self.next[node] as usize;
            if at < inputs.len() {
                let edge = inputs.start + at;
                if self.level[self.inputs.targets()[edge] as usize] == level {
                    return Some((edge as u32, true));
                }
            } else {
                let at = users.start + at - inputs.len();
                let edge = self.edge_of_user[at];
                if self.level[self.users.targets()[at] as usize] == level && self.flow[edge as usize] > 0 {
                    return Some((at as u32, false));
                }
            }
            self.next[node] += 1;
        }
        None
    }

    fn head(&self, (edge, is_forward): (u32, bool)) -> usize {
        let rows = if is_forward { self.inputs } else { self.users };
        rows.targets()[edge as usize] as usize
    }

    /// Sends what a path can take; the length of the part of it that can take more.
    fn augment(&mut self, start: usize, end: usize, path: &[(u32, bool)]) -> usize {
        let mut amount = self.supply[start].min(self.demand[end]);
        for &(edge, is_forward) in path {
            if !is_forward {
                amount = amount.min(self.flow[self.edge_of_user[edge as usize] as usize]);
            }
        }
        self.supply[start] -= amount;
        self.demand[end] -= amount;
        let mut open = path.len();
        for (at, &(edge, is_forward)) in path.iter().enumerate().rev() {
            if is_forward {
                self.flow[edge as usize] += amount;
            } else {
                let flow = &mut self.flow[self.edge_of_user[edge as usize] as usize];
                *flow -= amount;
                if *flow == 0 {
                    open = at;
                }
            }
        }
        open
    }

    /// What the source still reaches.
    fn reached(&self) -> Vec<bool> {
        let mut reached: Vec<bool> = self.supply.iter().map(|&supply| supply > 0).collect();
        let mut rest: Vec<usize> = (0..reached.len()).filter(|&node| reached[node]).collect();
        while let Some(node) = rest.pop() {
            let mut visit = |near: u32| {
                if !std::mem::replace(&mut reached[near as usize], true) {
                    rest.push(near as usize);
                }
            };
            self.inputs.row(node).iter().copied().for_each(&mut visit);
            let back = self.users.range(node).filter(|&at| self.flow[self.edge_of_user[at] as usize] > 0);
            back.map(|at| self.users.targets()[at]).for_each(&mut visit);
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use petgraph::algo::dinics;
    use proptest::prelude::*;

    use super::*;

    /// What each node needs, all before it; and its profit.
    fn graphs(nodes: usize) -> impl Strategy<Value = (Vec<Vec<u32>>, Vec<i64>)> {
        let node = (proptest::collection::vec(any::<prop::sample::Index>(), 0..4), -9_i64..9);
        proptest::collection::vec(node, 1..nodes).prop_map(|nodes| {
            let inputs = nodes.iter().enumerate().map(|(at, (inputs, _))| {
                let mut inputs: Vec<u32> = inputs.iter().filter(|_| at > 0).map(|input| input.index(at.max(1)) as u32).collect();
                inputs.sort_unstable();
                inputs.dedup();
                inputs
            });
            (inputs.collect(), nodes.iter().map(|(_, profit)| *profit).collect())
        })
    }

    fn found(inputs: &[Vec<u32>], profits: &[i64]) -> (Vec<bool>, i128) {
        let rows = Rows::new(inputs.iter().map(|row| row.iter().copied()));
        let profits: Vec<i128> = profits.iter().map(|&profit| i128::from(profit)).collect();
        most_profit(&rows, &rows.reversed(), &profits)
    }

    proptest! {
        #[test]
        fn no_closed_set_has_more_profit((inputs, profits) in graphs(13)) {
            let (set, profit) = found(&inputs, &profits);
            let is_closed = |set: &dyn Fn(usize) -> bool| {
                (0..inputs.len()).all(|node| !set(node) || inputs[node].iter().all(|&input| set(input as usize)))
            };
            let value = |set: &dyn Fn(usize) -> bool| (0..inputs.len()).filter(|&node| set(node)).map(|node| i128::from(profits[node])).sum::<i128>();
            prop_assert!(is_closed(&|node| set[node]));
            prop_assert_eq!(value(&|node| set[node]), profit);
            let choices = (0..1_u32 << inputs.len()).filter(|choice| is_closed(&|node| choice >> node & 1 == 1));
            let best: Vec<u32> = choices.filter(|choice| value(&|node| choice >> node & 1 == 1) >= profit).collect();
            for choice in best {
                prop_assert_eq!(value(&|node| choice >> node & 1 == 1), profit);
                // The smallest: every other best set holds it.
                prop_assert!((0..inputs.len()).all(|node| !set[node] || choice >> node & 1 == 1));
            }
        }

        #[test]
        fn the_cut_is_that_of_petgraph((inputs, profits) in graphs(150)) {
            let mut network: petgraph::Graph<(), u64> = petgraph::Graph::new();
            let nodes: Vec<_> = profits.iter().map(|_| network.add_node(())).collect();
            let (source, sink) = (network.add_node(()), network.add_node(()));
            for (node, &profit) in profits.iter().enumerate() {
                if profit > 0 {
                    network.add_edge(source, nodes[node], profit.unsigned_abs());
                } else if profit < 0 {
                    network.add_edge(nodes[node], sink, profit.unsigned_abs());
                }
                for &input in &inputs[node] {
                    network.add_edge(nodes[node], nodes[input as usize], u64::MAX / 4);
                }
            }
            let (flow, _) = dinics(&network, source, sink);
            let supply: i64 = profits.iter().filter(|profit| **profit > 0).sum();
            prop_assert_eq!(found(&inputs, &profits).1, i128::from(supply) - i128::from(flow));
        }
    }
}
