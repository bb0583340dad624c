//! `waves impact`: what a change rebuilds, or what rebuilds it; the change is named, or found in a git repository.

use std::path::Path;

use waves_core::analysis::{Impact, select};
use waves_core::estimate::{Comparison, Repository, estimate};
use waves_core::graph::{Direction, Graph};
use waves_core::report::{EstimateReport, ImpactReport, counted, number};

use crate::args::{Args, ImpactArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, impact: &ImpactArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    match comparison(impact)? {
        Some((range, comparison)) => estimated(args, &graph, impact, &range, &comparison),
        None => named(args, &graph, impact),
    }
}

/// What roots rebuild.
fn named(args: &Args, graph: &Graph, impact: &ImpactArgs) -> Result<Verdict, Failure> {
    let system = impact.filter.system.as_deref();
    let direction = if impact.inverse { Direction::Dependencies } else { Direction::Dependents };
    let roots = select(graph, &impact.root.roots, impact.root.scope(), system)?;
    let found = Impact::new(graph, &roots, direction, impact.filter.depth, system)?;
    let costs = cost::load_and_ask(args, &impact.cost, &impact.cache, graph, found.rebuilds())?;
    output::print(&ImpactReport::new(&found, &roots, costs.as_ref(), impact.format.limit()), &impact.format)?;
    Ok(verdict(impact, found.rebuild_counts().attributes, "are rebuilt"))
}

/// What changed files rebuild. A limit holds for what may be rebuilt: a file that is not confined must not pass unseen.
fn estimated(args: &Args, graph: &Graph, impact: &ImpactArgs, range: &str, comparison: &Comparison) -> Result<Verdict, Failure> {
    let estimate = estimate(graph, comparison)?;
    let system = impact.filter.system.as_deref();
    let found = Impact::new(graph, &estimate.roots(graph), Direction::Dependents, impact.filter.depth, system)?;
    let costs = cost::load_and_ask(args, &impact.cost, &impact.cache, graph, found.rebuilds())?;
    output::print(&EstimateReport::new(range, comparison, &estimate, &found, costs.as_ref(), impact.format.limit()), &impact.format)?;
    let rebuilt = found.rebuild_counts().attributes;
    if estimate.unbounded.is_empty() {
        return Ok(verdict(impact, rebuilt, "are rebuilt"));
    }
    Ok(verdict(impact, graph.counts(&estimate.at_most(graph)).attributes, "may be rebuilt"))
}

fn verdict(impact: &ImpactArgs, rebuilt: usize, what: &str) -> Verdict {
    match impact.fail_over {
        Some(limit) if rebuilt > limit => {
            output::note(&format!(
                "over the limit: {} {what}, {} may be",
                counted(rebuilt, "attribute", "attributes"),
                number(limit as u64)
            ));
            Verdict::LimitExceeded
        }
        _ => Verdict::Fine,
    }
}

/// What is to be compared, as it was typed; nothing, if roots are named.
fn comparison(impact: &ImpactArgs) -> Result<Option<(String, Comparison)>, Failure> {
    let repository = || Repository::discover(impact.repo.as_deref().unwrap_or(Path::new(".")));
    if let Some(range) = &impact.git {
        return Ok(Some((range.clone(), repository()?.compare(range)?)));
    }
    let Some(base) = &impact.git_worktree else { return Ok(None) };
    let range = base.as_deref().map_or("working tree".to_owned(), |base| format!("{base}..working tree"));
    Ok(Some((range, repository()?.compare_worktree(base.as_deref())?)))
}
