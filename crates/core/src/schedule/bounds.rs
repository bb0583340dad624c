//! What the makespan can and cannot be.

use std::collections::BTreeSet;

use super::jobs::Jobs;

/// Values at which heads and tails are compared, at most.
const GRID: usize = 64;

/// What the makespan can and cannot be, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// No schedule is faster: the largest of the three bounds below.
    pub lower: u64,
    /// No list schedule, in whatever order, is slower.
    pub upper: u64,
    /// The longest chain, each link on the fastest builder that can build it.
    pub chain: u64,
    /// All work over all builders that can do it; of the sets of builders that some derivations can use, the one that has
    /// most to do.
    pub work: u64,
    /// The same with the chains before and behind the work: it cannot begin before the ones, and must end before the others.
    pub window: u64,
}

impl Jobs<'_> {
    /// The longest chain behind each job, without itself, in milliseconds on the fastest builders. O(V + E).
    pub(super) fn tails(&self) -> Vec<u64> {
        let mut tails = vec![0_u64; self.len()];
        for job in (0..self.len()).rev() {
            tails[job] = self.users(job).map(|user| tails[user].saturating_add(self.fastest(user))).max().unwrap_or(0);
        }
        tails
    }

    /// The longest chain before each job, each link as long as `time` says. O(V + E).
    fn heads(&self, time: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut heads = vec![0_u64; self.len()];
        for job in 0..self.len() {
            heads[job] = self.inputs(job).map(|input| heads[input].saturating_add(time(input))).max().unwrap_or(0);
        }
        heads
    }

    /// What a job needs of a builder at least: milliseconds at speed 1, in thousandths.
    fn least_work(&self, job: usize) -> u128 {
        u128::from(self.seconds[job]) * 1_000_000
    }

    /// The same at most: builders of other speeds are held for whole milliseconds.
    fn most_work(&self, job: usize) -> u128 {
        let of = |&class: &usize| u128::from(self.time(job, class)) * u128::from(self.fleet.classes[class].speed_permille);
        self.pool(job).classes.iter().map(of).max().unwrap_or(0)
    }

    fn capacity(&self, classes: &[usize]) -> u128 {
        classes.iter().map(|&class| self.fleet.classes[class].capacity()).sum()
    }

    /// A longest chain, each link on the fastest builder.
    fn longest_chain(&self, heads: &[u64], tails: &[u64], length: u64) -> Vec<usize> {
        let whole = |&job: &usize| heads[job].saturating_add(self.fastest(job)).saturating_add(tails[job]) == length;
        let first = (0..self.len()).filter(|&job| heads[job] == 0).find(whole);
        let next = |&job: &usize| {
            let end = heads[job].saturating_add(self.fastest(job));
            self.users(job).find(|user| heads[*user] == end && whole(user))
        };
        std::iter::successors(first, next).collect()
    }
}

impl Bounds {
    /// The bounds, and the longest chain. O(V + E + V log V) for each set of builders that some derivations can use.
    pub(super) fn new(jobs: &Jobs<'_>, tails: &[u64]) -> (Self, Vec<usize>) {
        let heads = jobs.heads(|job| jobs.fastest(job));
        let ends = (0..jobs.len()).map(|job| heads[job].saturating_add(jobs.fastest(job)));
        let chain = ends.max().unwrap_or(0);
        let mut bounds = Self { chain, ..Self::default() };
        for classes in sets_of_builders(jobs) {
            let is_bound = |job: &usize| jobs.pool(*job).sorted.iter().all(|class| classes.contains(class));
            let bound: Vec<usize> = (0..jobs.len()).filter(is_bound).collect();
            let capacity = jobs.capacity(&classes);
            let work: u128 = bound.iter().map(|&job| jobs.least_work(job)).sum();
            bounds.work = bounds.work.max(over(work, capacity));
            bounds.window = bounds.window.max(window(jobs, &bound, capacity, &heads, tails));
        }
        bounds.lower = bounds.chain.max(bounds.work).max(bounds.window);
        bounds.upper = upper(jobs);
        (bounds, jobs.longest_chain(&heads, tails, chain))
    }
}

/// Work over capacity, rounded up.
fn over(work: u128, capacity: u128) -> u64 {
    u64::try_from(work.div_ceil(capacity.max(1))).unwrap_or(u64::MAX)
}

/// The classes of each pool, and of all pools together.
fn sets_of_builders(jobs: &Jobs<'_>) -> BTreeSet<Vec<usize>> {
    let all: BTreeSet<usize> = jobs.pools.iter().flat_map(|pool| pool.sorted.iter().copied()).collect();
    let pools = jobs.pools.iter().map(|pool| pool.sorted.clone());
    pools.chain([all.into_iter().collect()]).collect()
}

/// What some jobs take that only these builders can build, wherever the window lies that they must be built in.
///
/// Jobs with a chain of `r` before them and one of `q` behind them are built in a window that begins at `r` and ends `q`
/// before the end, so the makespan is at least `r + q + work / capacity`. This is the bound of Fernandez and Bussell (1973),
/// without the jobs that lie in a window only in part. `r` and `q` are of a grid, the quantiles of all heads and tails;
/// those of at most [`GRID`] different values are taken all. O(n log n + GRID²).
fn window(jobs: &Jobs<'_>, bound: &[usize], capacity: u128, heads: &[u64], tails: &[u64]) -> u64 {
    let (from, to) = (grid(bound.iter().map(|&job| heads[job])), grid(bound.iter().map(|&job| tails[job])));
    let mut work = vec![vec![0_u128; to.len() + 1]; from.len() + 1];
    // At the last values of the grid that are not above the job's: 0 is always one.
    for &job in bound {
        let at = |grid: &[u64], value: u64| grid.partition_point(|&known| known <= value) - 1;
        work[at(&from, heads[job])][at(&to, tails[job])] += jobs.least_work(job);
    }
    let mut largest = 0;
    for head in (0..from.len()).rev() {
        for tail in (0..to.len()).rev() {
            work[head][tail] += work[head + 1][tail] + work[head][tail + 1] - work[head + 1][tail + 1];
            if work[head][tail] > 0 {
                largest = largest.max(from[head].saturating_add(to[tail]).saturating_add(over(work[head][tail], capacity)));
            }
        }
    }
    largest
}

/// Different values, 0 among them: all, or [`GRID`] that divide the values evenly.
fn grid(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut values: Vec<u64> = values.chain([0]).collect();
    values.sort_unstable();
    let mut different = values.clone();
    different.dedup();
    if different.len() > GRID {
        different = (0..GRID).map(|at| values[at * (values.len() - 1) / (GRID - 1)]).collect();
        different.dedup();
    }
    different
}

/// What no list schedule is slower than.
///
/// Go back from the build that ends last, always to the input that ended last: at any time a link of this chain is built, or
/// the next link waits, and then all builders that can build it are busy. On `k` builders of one kind they do `W - chain`
/// meanwhile, hence Graham's bound (1969), `W / k + (1 - 1 / k) · chain`. In general, the links take the longest chain on the
/// slowest builders at most. While a link of a pool waits, the pool's builders do work of what can use one of them, so all
/// waiting is at most the sum of these works, each over the capacity of its pool; and, since all that is done meanwhile is
/// work, at most all work over the least capacity of a pool. The smaller of the two is taken.
fn upper(jobs: &Jobs<'_>) -> u64 {
    let heads = jobs.heads(|job| jobs.slowest(job));
    let ends = (0..jobs.len()).map(|job| heads[job].saturating_add(jobs.slowest(job)));
    let chain = ends.max().unwrap_or(0);
    let work_of = |is_of: &dyn Fn(usize) -> bool| (0..jobs.len()).filter(|&job| is_of(job)).map(|job| jobs.most_work(job)).sum::<u128>();
    if let Some((builders, speed)) = identical(jobs) {
        let work = work_of(&|_| true) + u128::from(chain) * (builders - 1) * speed;
        return u64::try_from(work / (builders * speed)).unwrap_or(u64::MAX);
    }
    let shares = |a: &[usize], b: &[usize]| a.iter().any(|class| b.contains(class));
    let waits = jobs.pools.iter().map(|pool| {
        let work = work_of(&|job| shares(&jobs.pool(job).sorted, &pool.sorted));
        over(work, jobs.capacity(&pool.sorted))
    });
    let by_pool = waits.fold(0, u64::saturating_add);
    let least = jobs.pools.iter().map(|pool| jobs.capacity(&pool.sorted)).min().unwrap_or(1);
    chain.saturating_add(by_pool.min(over(work_of(&|_| true), least)))
}

/// How many builders there are, and their speed, if all jobs can use the same, and these are alike.
fn identical(jobs: &Jobs<'_>) -> Option<(u128, u128)> {
    let [pool] = jobs.pools.as_slice() else { return None };
    let classes = || pool.sorted.iter().map(|&class| &jobs.fleet.classes[class]);
    let speed = classes().next()?.speed_permille;
    let is_alike = classes().all(|class| class.speed_permille == speed);
    is_alike.then(|| (classes().map(|class| u128::from(class.count)).sum(), u128::from(speed)))
}
