//! What of a relation between many packages fits into a picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Diagram, DiagramEdge, DiagramNode, shown};
use crate::text::number;

/// Groups that a picture is made from: a set of them is a word.
pub(super) const MOST_GROUPS: usize = 128;
/// Names that stand for more of them.
const NAMED: usize = 2;

/// Packages that are one node, whatever else is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagramGroup {
    /// Their names.
    pub names: Vec<String>,
    /// Whether one of them is a root.
    pub is_root: bool,
}

/// The first groups of a list as a picture of at most `limit` nodes, and the edges without which one could not tell which
/// reaches which. `reaches` has a bit for each group that a group reaches; `total` counts what the groups are some of.
///
/// Groups that reach each other are one node, and so are those with the same inputs and outputs in the picture. As long as
/// that leaves room, further groups come in. Edges are the transitive reduction (Aho, Garey and Ullman, 1972), which of an
/// acyclic graph is unique. With n groups, of which there are 128 at most, a round is O(n³ / 128), and there are at most n.
///
/// # Panics
///
/// If there are more than 128 groups, or as many sets as groups are not there.
pub fn condense(groups: &[DiagramGroup], reaches: &[u128], total: usize, limit: usize) -> Diagram {
    assert!(groups.len() <= MOST_GROUPS && groups.len() == reaches.len(), "a word for each of at most {MOST_GROUPS} groups");
    let closure = closed(reaches);
    let units = units(&closure);
    let (mut taken, mut nodes) = (limit.min(units.len()), Vec::new());
    loop {
        let merged = merged(groups, &closure, units[..taken].to_vec());
        // One more can tell others apart.
        if merged.len() > limit {
            break;
        }
        let room = (limit - merged.len()).min(units.len() - taken);
        nodes = merged;
        if room == 0 {
            break;
        }
        taken += room;
    }
    // Behind all that they need: whoever is reached by more comes later.
    let inputs = |unit: &Vec<usize>| closure.iter().filter(|reached| **reached >> unit[0] & 1 == 1).count();
    nodes.sort_by_key(|unit| (inputs(unit), unit[0]));
    let mut edges = Vec::new();
    for (from, successors) in reduced(&closure, &nodes).into_iter().enumerate() {
        edges.extend((0..nodes.len()).filter(|to| successors >> to & 1 == 1).map(|to| DiagramEdge { from, to }));
    }
    let nodes: Vec<_> = nodes.iter().map(|unit| node(groups, unit)).collect();
    let omitted = total.saturating_sub(nodes.iter().map(|node| node.count).sum());
    Diagram { title: String::new(), nodes, edges, omitted }
}

/// Everything that is reached, directly or not, each by itself too (Warshall, 1962).
fn closed(reaches: &[u128]) -> Vec<u128> {
    let mut closure: Vec<u128> = reaches.iter().enumerate().map(|(group, set)| set | 1 << group).collect();
    for through in 0..closure.len() {
        let further = closure[through];
        for set in closure.iter_mut().filter(|set| **set >> through & 1 == 1) {
            *set |= further;
        }
    }
    closure
}

/// Groups that reach each other, in the order of their first.
fn units(closure: &[u128]) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    for group in 0..closure.len() {
        let both = |unit: &&mut Vec<usize>| closure[unit[0]] >> group & 1 == 1 && closure[group] >> unit[0] & 1 == 1;
        match units.iter_mut().find(both) {
            Some(unit) => unit.push(group),
            None => units.push(vec![group]),
        }
    }
    units
}

/// The same units, but those with the same inputs and outputs as one; roots stay apart from others.
fn merged(groups: &[DiagramGroup], closure: &[u128], mut units: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    loop {
        let successors = reduced(closure, &units);
        let mut twins: BTreeMap<(u128, u128, bool), Vec<usize>> = BTreeMap::new();
        for (at, unit) in units.iter().enumerate() {
            let predecessors = (0..units.len()).filter(|&from| successors[from] >> at & 1 == 1).fold(0, |set: u128, from| set | 1 << from);
            let is_root = unit.iter().any(|&group| groups[group].is_root);
            twins.entry((predecessors, successors[at], is_root)).or_default().push(at);
        }
        if twins.len() == units.len() {
            return units;
        }
        let mut joined: Vec<Vec<usize>> =
            twins.into_values().map(|twins| twins.iter().flat_map(|&at| units[at].iter().copied()).collect()).collect();
        joined.sort_by_key(|unit| unit[0]);
        units = joined;
    }
}

/// The edges between units that follow from no others, as bits of positions.
fn reduced(closure: &[u128], units: &[Vec<usize>]) -> Vec<u128> {
    let reached: Vec<u128> = units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let reaches = |to: usize| to != at && closure[unit[0]] >> units[to][0] & 1 == 1;
            (0..units.len()).filter(|&to| reaches(to)).fold(0, |set, to| set | 1 << to)
        })
        .collect();
    let further = |set: u128| (0..units.len()).filter(|at| set >> at & 1 == 1).fold(0, |all, at| all | reached[at]);
    reached.iter().map(|&set| set & !further(set)).collect()
}

/// All names of a few packages, or the first and how many follow.
fn node(groups: &[DiagramGroup], unit: &[usize]) -> DiagramNode {
    let count = unit.iter().map(|&group| groups[group].names.len()).sum();
    // One more takes no more room than the words for it.
    let most = if count == NAMED + 1 { count } else { NAMED };
    let mut names: Vec<&str> = Vec::new();
    for name in unit.iter().flat_map(|&group| &groups[group].names) {
        if names.len() < most && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut text = names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if count > names.len() {
        let _ = write!(text, " + {} more", number((count - names.len()) as u64));
    }
    DiagramNode { lines: vec![text], is_root: unit.iter().any(|&group| groups[group].is_root), count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> DiagramGroup {
        DiagramGroup { names: vec![name.to_owned()], is_root: name == "root" }
    }

    fn texts(diagram: &Diagram) -> Vec<&str> {
        diagram.nodes.iter().map(|node| node.lines[0].as_str()).collect()
    }

    #[test]
    fn a_shortcut_is_no_edge_and_twins_are_one_node() {
        // root → a, b, c → end, and straight from root to end.
        let groups: Vec<_> = ["root", "a", "b", "c", "d", "end"].iter().map(|name| group(name)).collect();
        let diagram = condense(&groups, &[0b11_1110, 0b10_0000, 0b10_0000, 0b10_0000, 0b10_0000, 0], 9, 20);
        assert_eq!(texts(&diagram), ["root", "a, b + 2 more", "end"]);
        assert_eq!(diagram.edges, [DiagramEdge { from: 0, to: 1 }, DiagramEdge { from: 1, to: 2 }]);
        assert_eq!(diagram.omitted, 3);
    }

    #[test]
    fn what_reaches_itself_through_others_is_one_node() {
        let groups: Vec<_> = ["root", "a", "b"].iter().map(|name| group(name)).collect();
        let diagram = condense(&groups, &[0b010, 0b001, 0b001], 3, 20);
        assert_eq!(texts(&diagram), ["b", "root, a"]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(condense(&[], &[], 0, 20), Diagram::default());
    }
}
