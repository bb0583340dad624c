//! What is to be built, by whom it can be, and what cannot be.

use std::collections::HashMap;

use super::fleet::Fleet;
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// No job: the derivation is not built.
const NONE: u32 = u32::MAX;

/// Derivations that no machine can build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// The system that they are built on.
    pub system: String,
    /// The system features that they ask for.
    pub features: Vec<String>,
    /// What the fleet lacks.
    pub lacks: Lacks,
    /// The derivations.
    pub derivations: Vec<DerivationIx>,
    /// How many others need them, and are not built either. One that needs several is counted for each.
    pub blocked: usize,
}

/// What a fleet lacks for a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// A machine for its system.
    System,
    /// These features, on the machine for its system that has most of what it asks for.
    Features(Vec<String>),
    /// A machine that takes it: those that could are kept for derivations that ask for their mandatory features.
    Open,
}

/// Builders that the same derivations can use.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    /// Its classes, in the order in which they are taken: the fastest first, then those that fewest others can use.
    pub(super) classes: Vec<usize>,
    /// The same, sorted.
    pub(super) sorted: Vec<usize>,
}

/// The derivations that can be built, by number, in topological order.
pub(super) struct Jobs<'a> {
    graph: &'a Graph,
    pub(super) fleet: &'a Fleet,
    pub(super) members: Vec<DerivationIx>,
    pub(super) seconds: Vec<u32>,
    pub(super) pool_of: Vec<u32>,
    pub(super) pools: Vec<Pool>,
    number_of: Vec<u32>,
}

impl<'a> Jobs<'a> {
    /// Finds who can build each of `set`; then what nobody can build, and how many derivations are not built because of it.
    pub(super) fn new(
        graph: &'a Graph,
        set: &DerivationSet,
        seconds: impl Fn(DerivationIx) -> u32,
        fleet: &'a Fleet,
    ) -> (Self, Vec<Impossible>, usize) {
        let mut asked: HashMap<(&str, Vec<&str>), Result<u32, usize>> = HashMap::new();
        let mut pools: Vec<Pool> = Vec::new();
        let mut impossible: Vec<Impossible> = Vec::new();
        let mut found: Vec<u32> = vec![NONE; graph.derivation_count()];
        for ix in set.iter() {
            let derivation = graph.derivation(ix);
            let (system, features) = (derivation.system(), derivation.required_system_features().collect::<Vec<_>>());
            let answer = *asked.entry((system, features)).or_insert_with_key(|(system, features)| {
                let classes = eligible(fleet, system, features);
                if classes.is_empty() {
                    impossible.push(Impossible::new(fleet, system, features));
                    return Err(impossible.len() - 1);
                }
                Ok(pool(&mut pools, classes))
            });
            match answer {
                Ok(pool) => found[ix.get()] = pool,
                Err(at) => impossible[at].derivations.push(ix),
            }
        }
        let lost = lost(graph, set, &mut impossible);
        let members: Vec<DerivationIx> = set.iter().filter(|&ix| !lost.contains(ix)).collect();
        let mut number_of = vec![NONE; graph.derivation_count()];
        for (number, ix) in members.iter().enumerate() {
            number_of[ix.get()] = number as u32;
        }
        in_order(fleet, &mut pools);
        let blocked = lost.len() - impossible.iter().map(|impossible| impossible.derivations.len()).sum::<usize>();
        let jobs = Self {
            graph,
            fleet,
            seconds: members.iter().map(|&ix| seconds(ix)).collect(),
            pool_of: members.iter().map(|ix| found[ix.get()]).collect(),
            members,
            pools,
            number_of,
        };
        (jobs, impossible, blocked)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn number(&self, ix: DerivationIx) -> Option<usize> {
        Some(self.number_of[ix.get()]).filter(|&number| number != NONE).map(|number| number as usize)
    }

    /// What a job needs of the others.
    pub(super) fn inputs(&self, job: usize) -> impl Iterator<Item = usize> {
        self.graph.derivation(self.members[job]).rebuild_inputs().filter_map(|input| self.number(input))
    }

    /// What needs a job.
    pub(super) fn users(&self, job: usize) -> impl Iterator<Item = usize> {
        self.graph.derivation(self.members[job]).users().filter_map(|user| self.number(user))
    }

    pub(super) fn pool(&self, job: usize) -> &Pool {
        &self.pools[self.pool_of[job] as usize]
    }

    /// How long a job takes on a class of builders.
    pub(super) fn time(&self, job: usize, class: usize) -> u64 {
        self.fleet.classes[class].time(self.seconds[job])
    }

    /// How long it takes on the fastest builder that can build it.
    pub(super) fn fastest(&self, job: usize) -> u64 {
        self.time(job, self.pool(job).classes[0])
    }

    /// How long it takes on the slowest.
    pub(super) fn slowest(&self, job: usize) -> u64 {
        self.time(job, self.pool(job).classes[self.pool(job).classes.len() - 1])
    }
}

/// The classes that can build what asks for this.
fn eligible(fleet: &Fleet, system: &str, features: &[&str]) -> Vec<usize> {
    let can = |class: &super::Builders| class.has_system(system) && class.lacking(features).next().is_none() && class.takes(features);
    (0..fleet.classes.len()).filter(|&class| can(&fleet.classes[class])).collect()
}

/// The number of the pool with these classes.
fn pool(pools: &mut Vec<Pool>, sorted: Vec<usize>) -> u32 {
    let known = pools.iter().position(|pool| pool.sorted == sorted);
    known.unwrap_or_else(|| {
        pools.push(Pool { classes: sorted.clone(), sorted });
        pools.len() - 1
    }) as u32
}

/// Sorts the classes of each pool: a builder that only few derivations can use is not kept from them without need.
fn in_order(fleet: &Fleet, pools: &mut [Pool]) {
    let uses: Vec<usize> = (0..fleet.classes.len()).map(|class| pools.iter().filter(|pool| pool.sorted.contains(&class)).count()).collect();
    for pool in pools {
        pool.classes.sort_by_key(|&class| (std::cmp::Reverse(fleet.classes[class].speed_permille), uses[class], class));
    }
}

/// Everything that cannot be built: what nobody can build, and what needs it. Counts what each blocks.
fn lost(graph: &Graph, set: &DerivationSet, impossible: &mut [Impossible]) -> DerivationSet {
    let behind = |roots: &[DerivationIx]| {
        let mut reached = graph.set_of(roots.iter().copied());
        if !roots.is_empty() {
            for ix in set.iter() {
                if graph.derivation(ix).rebuild_inputs().any(|input| reached.contains(input)) {
                    reached.insert(ix);
                }
            }
        }
        reached
    };
    let all: Vec<DerivationIx> = impossible.iter().flat_map(|impossible| impossible.derivations.iter().copied()).collect();
    let is_impossible = graph.set_of(all.iter().copied());
    for impossible in impossible {
        impossible.blocked = behind(&impossible.derivations).iter().filter(|&ix| !is_impossible.contains(ix)).count();
    }
    behind(&all)
}

impl Impossible {
    fn new(fleet: &Fleet, system: &str, features: &[&str]) -> Self {
        let of_system = || fleet.classes.iter().filter(|class| class.has_system(system));
        let fewest = of_system().map(|class| class.lacking(features).map(str::to_owned).collect::<Vec<_>>()).min_by_key(Vec::len);
        let lacks = match fewest {
            None => Lacks::System,
            Some(missing) if missing.is_empty() => Lacks::Open,
            Some(missing) => Lacks::Features(missing),
        };
        Self {
            system: system.to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
            lacks,
            derivations: Vec::new(),
            blocked: 0,
        }
    }
}
