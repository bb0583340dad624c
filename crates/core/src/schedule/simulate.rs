//! List scheduling, event by event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::bounds::Bounds;
use super::fleet::Fleet;
use super::jobs::{Impossible, Jobs};
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// When each derivation is built, and by whom. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The builds, in the order in which they begin.
    pub builds: Vec<Build>,
    /// When the last of them ends.
    pub makespan: u64,
    /// What each class of the fleet does, in its order: builds, and milliseconds of building.
    pub classes: Vec<(usize, u64)>,
    /// What the makespan can and cannot be.
    pub bounds: Bounds,
    /// What no number of builders can be faster than: derivations that need each other, first to last, each with its time on
    /// the fastest builder that can build it.
    pub longest_chain: Vec<(DerivationIx, u64)>,
    /// Positions in `builds` of those that made it take this long: each begins when the one before ends.
    pub critical: Vec<usize>,
    /// What nobody can build.
    pub impossible: Vec<Impossible>,
    /// How many derivations are not built because they need what nobody can build.
    pub blocked: usize,
}

/// A build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// What is built.
    pub derivation: DerivationIx,
    /// When it begins.
    pub start: u64,
    /// When it ends.
    pub end: u64,
    /// The class of the fleet that builds it.
    pub class: usize,
    /// Which builder of the class, counted from 0.
    pub builder: u32,
    /// Why it does not begin earlier.
    pub waited_for: WaitedFor,
}

/// Why a build does not begin earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitedFor {
    /// It begins at once.
    Nothing,
    /// The last of its inputs ends.
    Input(DerivationIx),
    /// A builder is done with this.
    Builder(DerivationIx),
}

impl Schedule {
    /// The share of the builders' time that is spent building, up to 1; 0 of nothing.
    pub fn utilisation(&self, fleet: &Fleet) -> f64 {
        share(self.classes.iter().map(|(_, busy)| u128::from(*busy)).sum(), u128::from(fleet.builders()) * u128::from(self.makespan))
    }

    /// The same of one class of the fleet.
    pub fn utilisation_of(&self, fleet: &Fleet, class: usize) -> f64 {
        share(u128::from(self.classes[class].1), u128::from(fleet.classes[class].count) * u128::from(self.makespan))
    }
}

fn share(part: u128, whole: u128) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Builds `set` on a fleet; what it needs from outside is taken as there. `seconds` are as one builder of speed 1 takes.
///
/// A builder is never idle while it can build something. Of what can be built, that is first which has the longest chain
/// behind it, itself included ("highest level first, estimated times", Adam, Chandy and Dickson 1974), then the first in
/// topological order; of the builders that can build it, the fastest that is idle. What nobody can build, and what needs
/// that, is not built, and told. Time O((V + E) log V) for a fleet of a few classes, space O(V).
pub fn simulate(graph: &Graph, set: &DerivationSet, seconds: impl Fn(DerivationIx) -> u32, fleet: &Fleet) -> Schedule {
    let (jobs, impossible, blocked) = Jobs::new(graph, set, seconds, fleet);
    let tails = jobs.tails();
    let (bounds, chain) = Bounds::new(&jobs, &tails);
    let mut run = Run::new(&jobs, &tails);
    run.run();
    let Run { builds, place, classes, .. } = run;
    let makespan = builds.iter().map(|build| build.end).max().unwrap_or(0);
    let critical = critical(&builds, |ix| Some(place[jobs.number(ix)?] as usize));
    let longest_chain = chain.into_iter().map(|job| (jobs.members[job], jobs.fastest(job))).collect();
    Schedule { builds, makespan, classes, bounds, longest_chain, critical, impossible, blocked }
}

/// Goes back from the build that ends last to what each build waited for.
fn critical(builds: &[Build], place: impl Fn(DerivationIx) -> Option<usize>) -> Vec<usize> {
    let last = (0..builds.len()).max_by_key(|&at| (builds[at].end, Reverse(at)));
    let before = |&at: &usize| match builds[at].waited_for {
        WaitedFor::Nothing => None,
        WaitedFor::Input(ix) | WaitedFor::Builder(ix) => place(ix),
    };
    let mut chain: Vec<usize> = std::iter::successors(last, before).collect();
    chain.reverse();
    chain
}

/// The builders of a class that are idle: those that have built, and those that have not yet.
struct Idle {
    free: BinaryHeap<Reverse<u32>>,
    unused: std::ops::Range<u32>,
}

impl Idle {
    fn any(&self) -> bool {
        !self.free.is_empty() || !self.unused.is_empty()
    }

    fn take(&mut self) -> Option<u32> {
        self.free.pop().map(|Reverse(builder)| builder).or_else(|| self.unused.next())
    }
}

/// A simulation.
struct Run<'j, 'a> {
    jobs: &'j Jobs<'a>,
    tails: &'j [u64],
    now: u64,
    /// How many inputs each job still waits for.
    missing: Vec<u32>,
    /// When each job could begin, and the input that it waited for.
    ready_at: Vec<(u64, Option<u32>)>,
    /// What can begin, for each pool: the longest chain first.
    ready: Vec<BinaryHeap<(u64, Reverse<u32>)>>,
    idle: Vec<Idle>,
    /// What each builder built last, for each class.
    before: Vec<Vec<u32>>,
    /// What is being built, by when it ends.
    running: BinaryHeap<Reverse<(u64, u32)>>,
    builds: Vec<Build>,
    /// Where in `builds` each job is.
    place: Vec<u32>,
    classes: Vec<(usize, u64)>,
}

impl<'j, 'a> Run<'j, 'a> {
    fn new(jobs: &'j Jobs<'a>, tails: &'j [u64]) -> Self {
        let classes = jobs.fleet.classes();
        let mut run = Self {
            jobs,
            tails,
            now: 0,
            missing: (0..jobs.len()).map(|job| jobs.inputs(job).count() as u32).collect(),
            ready_at: vec![(0, None); jobs.len()],
            ready: vec![BinaryHeap::new(); jobs.pools.len()],
            idle: classes.iter().map(|class| Idle { free: BinaryHeap::new(), unused: 0..class.count }).collect(),
            before: vec![Vec::new(); classes.len()],
            running: BinaryHeap::new(),
            builds: Vec::with_capacity(jobs.len()),
            place: vec![0; jobs.len()],
            classes: vec![(0, 0); classes.len()],
        };
        for job in (0..jobs.len()).filter(|&job| run.missing[job] == 0).collect::<Vec<_>>() {
            run.make_ready(job);
        }
        run
    }

    fn run(&mut self) {
        loop {
            while let Some((pool, class)) = self.next() {
                self.start(pool, class);
            }
            let Some(Reverse((end, _))) = self.running.peek() else { return };
            self.now = *end;
            while let Some(Reverse((_, job))) = self.running.peek().filter(|Reverse((end, _))| *end == self.now).copied() {
                self.running.pop();
                self.finish(job as usize);
            }
        }
    }

    fn make_ready(&mut self, job: usize) {
        let level = self.tails[job].saturating_add(self.jobs.fastest(job));
        self.ready[self.jobs.pool_of[job] as usize].push((level, Reverse(job as u32)));
    }

    /// The pool whose first job begins now, and the class that builds it, if any can.
    fn next(&self) -> Option<(usize, usize)> {
        let first = |pool: usize| {
            let job = *self.ready[pool].peek()?;
            let class = self.jobs.pools[pool].classes.iter().copied().find(|&class| self.idle[class].any())?;
            Some((job, pool, class))
        };
        (0..self.ready.len()).filter_map(first).max_by_key(|(job, ..)| *job).map(|(_, pool, class)| (pool, class))
    }

    fn start(&mut self, pool: usize, class: usize) {
        let (Some((_, Reverse(job))), Some(builder)) = (self.ready[pool].pop(), self.idle[class].take()) else { return };
        let number = job as usize;
        let time = self.jobs.time(number, class);
        let end = self.now.saturating_add(time);
        let last = &mut self.before[class];
        let (ready_at, input) = self.ready_at[number];
        let waited_for = match (self.now > ready_at, input, last.get(builder as usize)) {
            (true, _, Some(&before)) => WaitedFor::Builder(self.jobs.members[before as usize]),
            (_, Some(input), _) => WaitedFor::Input(self.jobs.members[input as usize]),
            _ => WaitedFor::Nothing,
        };
        // Builders are taken for the first time in their order.
        if last.len() == builder as usize {
            last.push(job);
        } else {
            last[builder as usize] = job;
        }
        self.classes[class].0 += 1;
        self.classes[class].1 = self.classes[class].1.saturating_add(time);
        self.place[number] = self.builds.len() as u32;
        self.builds.push(Build { derivation: self.jobs.members[number], start: self.now, end, class, builder, waited_for });
        self.running.push(Reverse((end, job)));
    }

    fn finish(&mut self, job: usize) {
        let Build { class, builder, .. } = self.builds[self.place[job] as usize];
        self.idle[class].free.push(Reverse(builder));
        for user in self.jobs.users(job) {
            self.missing[user] -= 1;
            if self.missing[user] == 0 {
                self.ready_at[user] = (self.now, Some(job as u32));
                self.make_ready(user);
            }
        }
    }
}
