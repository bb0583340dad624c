//! Schedules: a check that knows nothing of how they are made, bounds by definition, and the best schedule by trying all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use waves_core::config::Config;
use waves_core::schedule::{Fleet, Lacks, Schedule, WaitedFor, simulate, without_cached};

use crate::model::{Attribute, Derivation, PackageSet};
use crate::strategy::{package_sets, with_roots};
use crate::support::Imported;

/// Machines that are alike.
#[derive(Clone, Debug)]
struct Machines {
    count: u32,
    systems: BTreeSet<&'static str>,
    features: BTreeSet<&'static str>,
    mandatory: BTreeSet<&'static str>,
    permille: u32,
}

impl Machines {
    fn anything(count: u32) -> Self {
        let none = BTreeSet::new();
        let features = BTreeSet::from(["big-parallel", "kvm"]);
        Self { count, systems: none.clone(), features, mandatory: none, permille: 1000 }
    }

    fn build(&self, derivation: &Derivation) -> bool {
        let system = self.systems.is_empty() || derivation.system == "builtin" || self.systems.contains(derivation.system);
        let known: BTreeSet<_> = self.features.union(&self.mandatory).copied().collect();
        system && derivation.features.is_subset(&known) && self.mandatory.is_subset(&derivation.features)
    }

    /// Milliseconds of what takes `seconds` at speed 1.
    fn time(&self, seconds: u32) -> u64 {
        let (work, speed) = (u64::from(seconds) * 1_000_000, u64::from(self.permille));
        if work.is_multiple_of(speed) { work / speed } else { work / speed + 1 }
    }
}

/// As `waves.toml` has them.
fn fleet(machines: &[Machines]) -> Fleet {
    let mut text = String::new();
    for (at, machine) in machines.iter().enumerate() {
        writeln!(
            text,
            "[[fleet.machines]]\nname = \"m{at}\"\ncount = {}\nsystems = {:?}\nfeatures = {:?}\nmandatory-features = {:?}\nspeed = {}",
            machine.count,
            machine.systems.iter().collect::<Vec<_>>(),
            machine.features.iter().collect::<Vec<_>>(),
            machine.mandatory.iter().collect::<Vec<_>>(),
            f64::from(machine.permille) / 1000.0
        )
        .expect("a string");
    }
    Fleet::of_machines(&Config::parse(&text, "waves.toml").expect("a fleet").fleet).expect("machines")
}

prop_compose! {
    fn machines()(
        count in 1_u32..4,
        systems in prop::collection::btree_set(select(&["x86_64-linux", "i686-linux"][..]), 0..2),
        features in prop::collection::btree_set(select(&["big-parallel", "kvm"][..]), 0..3),
        mandatory in prop_oneof![5 => Just(BTreeSet::new()), 1 => Just(BTreeSet::from(["kvm"]))],
        permille in select(&[500, 1000, 1000, 1500, 3000][..]),
    ) -> Machines {
        Machines { count, systems, features, mandatory, permille }
    }
}

fn seconds(derivations: usize) -> impl Strategy<Value = Vec<u32>> {
    vec(0_u32..30, derivations)
}

/// What is to be built: jobs by their numbers in the package set.
struct Problem<'p> {
    set: &'p PackageSet,
    members: BTreeSet<usize>,
    seconds: &'p [u32],
    machines: &'p [Machines],
}

impl Problem<'_> {
    fn simulate(&self, imported: &Imported) -> Schedule {
        let members = imported.graph.set_of(self.members.iter().map(|&at| imported.ix(at)));
        simulate(&imported.graph, &members, |ix| self.seconds[imported.at(ix)], &fleet(self.machines))
    }

    fn eligible(&self, job: usize) -> Vec<usize> {
        (0..self.machines.len()).filter(|&class| self.machines[class].build(&self.set.derivations[job])).collect()
    }

    fn time(&self, job: usize, class: usize) -> u64 {
        self.machines[class].time(self.seconds[job])
    }

    fn fastest(&self, job: usize) -> u64 {
        self.eligible(job).into_iter().map(|class| self.time(job, class)).min().expect("somebody builds it")
    }

    fn inputs(&self, job: usize) -> BTreeSet<usize> {
        let derivation = &self.set.derivations[job];
        derivation.inputs.keys().copied().filter(|input| !derivation.is_fixed && self.members.contains(input)).collect()
    }

    /// What can be built: what somebody builds, and what needs nothing else.
    fn possible(&self) -> BTreeSet<usize> {
        let nobody = self.members.iter().copied().filter(|&job| self.eligible(job).is_empty());
        let lost = self.within(nobody.collect());
        self.members.iter().copied().filter(|job| !lost.contains(job)).collect()
    }

    /// What within the members needs one of `roots`, roots included.
    fn within(&self, mut reached: BTreeSet<usize>) -> BTreeSet<usize> {
        loop {
            let next: Vec<usize> = self.members.iter().copied().filter(|&job| !self.inputs(job).is_disjoint(&reached)).collect();
            let before = reached.len();
            reached.extend(next);
            if reached.len() == before {
                return reached;
            }
        }
    }

    /// The longest chain of what is before, or behind, each job, without itself.
    fn longest(&self, next: impl Fn(usize) -> BTreeSet<usize> + Copy, job: usize) -> u64 {
        next(job).into_iter().map(|near| self.fastest(near) + self.longest(next, near)).max().unwrap_or(0)
    }

    fn users(&self, job: usize) -> BTreeSet<usize> {
        self.possible().into_iter().filter(|&user| self.inputs(user).contains(&job)).collect()
    }

    /// The three lower bounds as they are defined, trying every head and tail.
    fn lower_bounds(&self) -> (u64, u64, u64) {
        let jobs = self.possible();
        let heads: BTreeMap<usize, u64> = jobs.iter().map(|&job| (job, self.longest(|job| self.inputs(job), job))).collect();
        let tails: BTreeMap<usize, u64> = jobs.iter().map(|&job| (job, self.longest(|job| self.users(job), job))).collect();
        let chain = jobs.iter().map(|job| heads[job] + self.fastest(*job) + tails[job]).max().unwrap_or(0);
        let all: BTreeSet<usize> = jobs.iter().flat_map(|&job| self.eligible(job)).collect();
        let pools: BTreeSet<BTreeSet<usize>> = jobs.iter().map(|&job| self.eligible(job).into_iter().collect()).chain([all]).collect();
        let (mut work, mut window) = (0, 0);
        for pool in &pools {
            let capacity: u64 = pool.iter().map(|&class| u64::from(self.machines[class].count * self.machines[class].permille)).sum();
            let bound = |job: &&usize| self.eligible(**job).iter().all(|class| pool.contains(class));
            for head in heads.values().chain([&0]) {
                for tail in tails.values().chain([&0]) {
                    let inside = jobs.iter().filter(bound).filter(|job| heads[job] >= *head && tails[job] >= *tail);
                    let sum: u64 = inside.map(|&job| u64::from(self.seconds[job]) * 1_000_000).sum();
                    let least = sum.div_ceil(capacity.max(1));
                    if sum > 0 {
                        window = window.max(head + tail + least);
                    }
                    if (*head, *tail) == (0, 0) {
                        work = work.max(least);
                    }
                }
            }
        }
        (chain, work, window)
    }

    /// Everything that is wrong with a schedule.
    fn objections(&self, imported: &Imported, schedule: &Schedule) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut builds = BTreeMap::new();
        for build in &schedule.builds {
            let job = imported.at(build.derivation);
            if builds.insert(job, *build).is_some() {
                wrong.push(format!("{job} is built twice"));
            }
            if !self.eligible(job).contains(&build.class) || build.builder >= self.machines[build.class].count {
                wrong.push(format!("{job} is built where it cannot be"));
            } else if build.end - build.start != self.time(job, build.class) {
                wrong.push(format!("{job} takes another time"));
            }
        }
        if builds.keys().copied().collect::<BTreeSet<_>>() != self.possible() {
            wrong.push("something else is built".to_owned());
            return wrong;
        }
        for (&job, build) in &builds {
            let ends: Vec<u64> = self.inputs(job).iter().map(|input| builds[input].end).collect();
            let ready = ends.iter().copied().max().unwrap_or(0);
            if ready > build.start {
                wrong.push(format!("{job} is built before its inputs"));
            }
            // Nobody that could build it is idle while it waits.
            let moments = builds.values().flat_map(|build| [build.start, build.end]).chain([ready]);
            for moment in moments.filter(|&moment| ready <= moment && moment < build.start) {
                for class in self.eligible(job) {
                    let busy = builds.values().filter(|build| build.class == class && build.start <= moment && moment < build.end).count();
                    if busy != self.machines[class].count as usize {
                        wrong.push(format!("{job} waits at {moment} for a builder that is idle"));
                    }
                }
            }
            for (&other, at_once) in builds.iter().filter(|(other, _)| **other > job) {
                let same = (build.class, build.builder) == (at_once.class, at_once.builder);
                if same && build.start < at_once.end && at_once.start < build.end {
                    wrong.push(format!("{job} and {other} are built by one builder at once"));
                }
            }
        }
        if schedule.makespan != builds.values().map(|build| build.end).max().unwrap_or(0) {
            wrong.push("the last build ends at another time".to_owned());
        }
        for (class, &(count, busy)) in schedule.classes.iter().enumerate() {
            let of_class = || builds.values().filter(|build| build.class == class);
            if (count, busy) != (of_class().count(), of_class().map(|build| build.end - build.start).sum()) {
                wrong.push(format!("builders {class} do something else"));
            }
        }
        wrong.extend(self.critical_objections(imported, schedule));
        wrong
    }

    /// The critical path leads from 0 to the end without a gap, along inputs and builders.
    fn critical_objections(&self, imported: &Imported, schedule: &Schedule) -> Vec<String> {
        let path: Vec<_> = schedule.critical.iter().map(|&at| schedule.builds[at]).collect();
        let mut wrong = Vec::new();
        if path.first().map_or(0, |build| build.start) != 0 || path.last().map_or(0, |build| build.end) != schedule.makespan {
            wrong.push("the critical path is not as long as the schedule".to_owned());
        }
        if path.first().is_some_and(|build| build.waited_for != WaitedFor::Nothing) {
            wrong.push("the critical path does not begin with its first build".to_owned());
        }
        for pair in path.windows(2) {
            let (before, build) = (pair[0], pair[1]);
            let is_right = match build.waited_for {
                WaitedFor::Nothing => false,
                WaitedFor::Input(input) => {
                    input == before.derivation && self.inputs(imported.at(build.derivation)).contains(&imported.at(input))
                }
                WaitedFor::Builder(other) => other == before.derivation && (build.class, build.builder) == (before.class, before.builder),
            };
            if before.end != build.start || !is_right {
                wrong.push("the critical path has a gap".to_owned());
            }
        }
        wrong
    }

    /// The least makespan there is, by trying every order and every class of builders.
    ///
    /// The builds of a best schedule, in the order in which they begin, can each be put on the builder of their class that is
    /// idle first, and do not begin later.
    fn optimum(&self) -> u64 {
        let jobs: Vec<usize> = self.possible().into_iter().collect();
        let mut search = Search {
            problem: self,
            behind: jobs.iter().map(|&job| (job, self.longest(|job| self.users(job), job))).collect(),
            jobs,
            free: self.machines.iter().map(|machine| vec![0; machine.count as usize]).collect(),
            ends: BTreeMap::new(),
            best: u64::MAX,
        };
        search.branch(0, 0);
        search.best
    }
}

/// A search through all schedules whose builds are put down in the order in which they begin.
struct Search<'p> {
    problem: &'p Problem<'p>,
    jobs: Vec<usize>,
    /// The longest chain behind each job: a schedule that leaves no time for it is no better.
    behind: BTreeMap<usize, u64>,
    free: Vec<Vec<u64>>,
    ends: BTreeMap<usize, u64>,
    best: u64,
}

impl Search<'_> {
    fn branch(&mut self, last_start: u64, makespan: u64) {
        if makespan >= self.best {
            return;
        }
        if self.ends.len() == self.jobs.len() {
            self.best = makespan;
            return;
        }
        for job in self.jobs.clone() {
            let inputs = self.problem.inputs(job);
            if self.ends.contains_key(&job) || !inputs.iter().all(|input| self.ends.contains_key(input)) {
                continue;
            }
            let ready = inputs.iter().map(|input| self.ends[input]).max().unwrap_or(0);
            for class in self.problem.eligible(job) {
                let builder = (0..self.free[class].len()).min_by_key(|&builder| self.free[class][builder]).expect("a builder");
                let idle_from = self.free[class][builder];
                let start = ready.max(idle_from);
                if start < last_start {
                    continue;
                }
                let end = start + self.problem.time(job, class);
                if end + self.behind[&job] >= self.best {
                    continue;
                }
                self.free[class][builder] = end;
                self.ends.insert(job, end);
                self.branch(start, makespan.max(end));
                self.ends.remove(&job);
                self.free[class][builder] = idle_from;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_schedule_passes_its_verification(
        (set, roots) in with_roots(30),
        seconds in seconds(30),
        machines in vec(machines(), 1..4),
    ) {
        let imported = Imported::new(&set);
        let problem = Problem { members: set.rebuilds(roots), set: &set, seconds: &seconds, machines: &machines };
        let schedule = problem.simulate(&imported);
        prop_assert_eq!(problem.objections(&imported, &schedule), Vec::<String>::new());
        let bounds = schedule.bounds;
        prop_assert_eq!((bounds.chain, bounds.work, bounds.window), problem.lower_bounds());
        prop_assert_eq!(bounds.lower, bounds.chain.max(bounds.work).max(bounds.window));
        prop_assert!(bounds.lower <= schedule.makespan && schedule.makespan <= bounds.upper, "{:?} {}", bounds, schedule.makespan);
        let chain: Vec<usize> = schedule.longest_chain.iter().map(|&(ix, _)| imported.at(ix)).collect();
        prop_assert_eq!(chain.iter().map(|&job| problem.fastest(job)).sum::<u64>(), bounds.chain);
        prop_assert!(schedule.longest_chain.iter().zip(&chain).all(|(&(_, time), &job)| time == problem.fastest(job)));
        prop_assert!(chain.windows(2).all(|pair| problem.inputs(pair[1]).contains(&pair[0])));
    }

    /// What is not built is told: each that nobody can build once, with what is missing; and how many others need it.
    #[test]
    fn what_nobody_can_build_is_told((set, roots) in with_roots(30), machines in vec(machines(), 1..3)) {
        let imported = Imported::new(&set);
        let problem = Problem { members: set.rebuilds(roots), set: &set, seconds: &[1; 30], machines: &machines };
        let schedule = problem.simulate(&imported);
        let nobody: BTreeSet<usize> = problem.members.iter().copied().filter(|&job| problem.eligible(job).is_empty()).collect();
        let told: Vec<usize> = schedule.impossible.iter().flat_map(|kind| &kind.derivations).map(|&ix| imported.at(ix)).collect();
        prop_assert_eq!((told.len(), told.into_iter().collect::<BTreeSet<_>>()), (nobody.len(), nobody.clone()));
        prop_assert_eq!(schedule.builds.len() + nobody.len() + schedule.blocked, problem.members.len());
        for kind in &schedule.impossible {
            let jobs: BTreeSet<usize> = kind.derivations.iter().map(|&ix| imported.at(ix)).collect();
            prop_assert_eq!(problem.within(jobs.clone()).difference(&nobody).count(), kind.blocked);
            let asked: BTreeSet<&str> = kind.features.iter().map(String::as_str).collect();
            for derivation in jobs.iter().map(|&job| &set.derivations[job]) {
                prop_assert_eq!((derivation.system, &derivation.features), (kind.system.as_str(), &asked));
            }
            // With what is said to be missing, one of the machines could.
            let job = &set.derivations[*jobs.first().expect("one of its kind")];
            let mut helped = machines.clone();
            for machine in &mut helped {
                match &kind.lacks {
                    Lacks::System => machine.systems.clear(),
                    Lacks::Features(missing) => machine.features.extend(job.features.iter().filter(|feature| missing.iter().any(|name| name == *feature))),
                    Lacks::Open => machine.mandatory.clear(),
                }
            }
            let opened = |machine: &Machines| Machines { mandatory: BTreeSet::new(), features: machine.features.union(&machine.mandatory).copied().collect(), ..machine.clone() };
            let could = |machine: &Machines| opened(machine).build(job);
            prop_assert!(!matches!(kind.lacks, Lacks::Features(_) | Lacks::Open) || helped.iter().any(could));
            prop_assert_eq!(matches!(kind.lacks, Lacks::System), !machines.iter().any(|machine| machine.systems.is_empty() || job.system == "builtin" || machine.systems.contains(job.system)));
            prop_assert_eq!(matches!(kind.lacks, Lacks::Open), machines.iter().any(could));
        }
    }

    #[test]
    fn no_schedule_is_below_the_lower_bound(set in package_sets(8), seconds in seconds(8), machines in vec(machines(), 1..3)) {
        let imported = Imported::new(&set);
        let problem = Problem { members: set.all().collect(), set: &set, seconds: &seconds, machines: &machines };
        let schedule = problem.simulate(&imported);
        let optimum = problem.optimum();
        prop_assert!(schedule.bounds.lower <= optimum && optimum <= schedule.makespan, "{:?} {optimum} {}", schedule.bounds, schedule.makespan);
    }

    /// Graham's bound against the best schedule, and his bound itself.
    #[test]
    fn identical_builders_are_within_grahams_bound(set in package_sets(9), seconds in seconds(9), count in 1_u32..5) {
        let imported = Imported::new(&set);
        let machines = [Machines::anything(count)];
        let problem = Problem { members: set.all().collect(), set: &set, seconds: &seconds, machines: &machines };
        let schedule = problem.simulate(&imported);
        prop_assert!(schedule.impossible.is_empty());
        let (optimum, builders) = (problem.optimum(), u64::from(count));
        prop_assert!(optimum <= schedule.makespan && schedule.makespan * builders <= (2 * builders - 1) * optimum);
        let work: u64 = problem.members.iter().map(|&job| u64::from(seconds[job]) * 1000).sum();
        prop_assert_eq!(schedule.bounds.upper, (work + (builders - 1) * schedule.bounds.chain) / builders);
        let whole = imported.graph.set_of(set.all().map(|at| imported.ix(at)));
        let identical = simulate(&imported.graph, &whole, |ix| seconds[imported.at(ix)], &Fleet::identical(count));
        prop_assert_eq!((identical.builds, identical.bounds), (schedule.builds, schedule.bounds));
    }

    /// List schedules have anomalies (Graham 1969): only the lower bound grows with the work, and falls with the builders.
    #[test]
    fn the_lower_bound_is_monotone(
        (set, roots) in with_roots(30),
        seconds in seconds(30),
        machines in vec(machines(), 1..3),
        (slower, more) in (any::<Index>(), any::<Index>()),
    ) {
        let imported = Imported::new(&set);
        let members = set.rebuilds(roots);
        let lower = |seconds: &[u32], machines: &[Machines], members: &BTreeSet<usize>| {
            Problem { members: members.clone(), set: &set, seconds, machines }.simulate(&imported).bounds.lower
        };
        let before = lower(&seconds, &machines, &members);
        let mut longer = seconds.clone();
        *longer.get_mut(slower.index(seconds.len())).expect("one of them") += 7;
        prop_assert!(lower(&longer, &machines, &members) >= before);
        let mut larger = machines.clone();
        larger.get_mut(more.index(machines.len())).expect("one of them").count += 1;
        prop_assert!(lower(&seconds, &larger, &members) <= before);
        let fewer: BTreeSet<usize> = members.iter().copied().filter(|&at| at != members.len() / 2).collect();
        let problem = Problem { members: members.clone(), set: &set, seconds: &seconds, machines: &machines };
        if problem.possible() == members {
            prop_assert!(lower(&seconds, &machines, &fewer) <= before);
        }
    }

    #[test]
    fn cached_and_pinned_packages_leave_the_rest((set, roots) in with_roots(40), stop in vec(any::<Index>(), 0..4)) {
        fn visit(set: &PackageSet, stop: &BTreeSet<usize>, at: usize, seen: &mut BTreeSet<usize>) {
            if !stop.contains(&at) && seen.insert(at) {
                for user in set.users(at) {
                    visit(set, stop, user, seen);
                }
            }
        }
        let imported = Imported::new(&set);
        let members = set.rebuilds(roots.iter().copied());
        let stop: BTreeSet<usize> = stop.into_iter().map(|at| at.index(set.derivations.len())).collect();
        let of = |ats: &BTreeSet<usize>| imported.graph.set_of(ats.iter().map(|&at| imported.ix(at)));
        let cached = without_cached(&imported.graph, &of(&members), &of(&stop));
        prop_assert_eq!(imported.ats(&cached), members.difference(&stop).copied().collect::<BTreeSet<_>>());
        let mut reached = BTreeSet::new();
        for &root in &roots {
            visit(&set, &stop, root, &mut reached);
        }
        let pinned = imported.graph.rebuilds_past(roots.iter().map(|&at| imported.ix(at)), &of(&stop));
        prop_assert_eq!(imported.ats(&pinned), reached);
    }
}

/// A linear congruential generator: the figures below are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

const SETS: usize = 200;
const DERIVATIONS: usize = 9;

/// A set in which each derivation needs each one before it with a chance of a quarter, and its build times.
fn random_problem(random: &mut Random, salt: u64) -> (PackageSet, Vec<u32>) {
    let derivation = |random: &mut Random, at: usize| Derivation {
        pname: "bash",
        version: "1.0",
        system: "x86_64-linux",
        outputs: vec!["out"],
        inputs: (0..at).filter(|_| random.below(4) == 0).map(|input| (input, vec!["out"])).collect(),
        src: None,
        files: BTreeSet::from([at]),
        is_fixed: false,
        features: BTreeSet::new(),
        twin: None,
    };
    let derivations = (0..DERIVATIONS).map(|at| derivation(random, at)).collect();
    let attribute = Attribute { path: vec!["a".to_owned()], derivation: Ok(0), position: None };
    let seconds = (0..DERIVATIONS).map(|_| 1 + random.below(20) as u32).collect();
    (PackageSet { derivations, attributes: vec![attribute], salt }, seconds)
}

/// A row of the table of docs/algorithms.md: schedules against the best, and the best against the bounds.
fn figures(builders: u32) -> String {
    let mut random = Random(u64::from(builders));
    let (mut optimal, mut bound_is_met) = (0, 0);
    let (mut ratios, mut bounds, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for salt in 0..SETS as u64 {
        let (set, seconds) = random_problem(&mut random, salt);
        let imported = Imported::new(&set);
        let machines = [Machines::anything(builders)];
        let problem = Problem { members: set.all().collect(), set: &set, seconds: &seconds, machines: &machines };
        let (schedule, optimum) = (problem.simulate(&imported), problem.optimum());
        let lower = schedule.bounds.lower;
        assert!(lower <= optimum && optimum <= schedule.makespan && schedule.makespan <= schedule.bounds.upper);
        optimal += usize::from(schedule.makespan == optimum);
        bound_is_met += usize::from(lower == optimum);
        ratios.push(schedule.makespan as f64 / optimum as f64);
        bounds.push(optimum as f64 / lower as f64);
        proofs.push(schedule.makespan as f64 / lower as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let worst = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    format!(
        "| {builders} | {optimal} of {SETS} | {:.3} | {:.3} | {bound_is_met} of {SETS} | {:.3} | {:.3} | {:.3} |",
        mean(&ratios),
        worst(&ratios),
        mean(&bounds),
        worst(&bounds),
        mean(&proofs)
    )
}

#[test]
fn the_documented_figures_are_these() {
    let table: Vec<String> = (2..=4).map(figures).collect();
    println!("{}", table.join("\n"));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/algorithms.md");
    let documented = std::fs::read_to_string(path).expect("the document");
    assert!(documented.contains(&table.join("\n")), "docs/algorithms.md has another table than this:\n{}", table.join("\n"));
}
