//! What changed between two plans.

use std::collections::BTreeMap;

use super::file::PlanFile;

/// An update that is not in both plans, or not in waves of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The package.
    pub package: String,
    /// The wave before; `None` if the plan did not have it.
    pub before: Option<String>,
    /// The wave after; `None` if the plan does not have it.
    pub after: Option<String>,
}

/// The updates that moved, came or went, by package. O(U log U).
pub fn moves(before: &PlanFile, after: &PlanFile) -> Vec<Move> {
    let mut waves: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
    for (at, plan) in [before, after].into_iter().enumerate() {
        for wave in &plan.waves {
            for package in &wave.updates {
                waves.entry(package).or_default()[at] = Some(&wave.name);
            }
        }
    }
    let moved = waves.into_iter().filter(|(_, [before, after])| before != after);
    moved
        .map(|(package, [before, after])| Move {
            package: package.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        })
        .collect()
}
