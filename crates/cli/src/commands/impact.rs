//! `waves impact`: what a change rebuilds, or what rebuilds it; the change is named, or found in a git repository.

use waves_core::analysis::{Impact, select};
use waves_core::estimate::{Comparison, estimate};
use waves_core::graph::{Direction, Graph};
use waves_core::report::{EstimateReport, ImpactReport};
use waves_core::text::{counted, number};

use crate::args::{Args, ImpactArgs};
use crate::change::comparison;
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, impact: &ImpactArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    match comparison(&impact.git)? {
        Some((range, comparison)) => estimated(args, &graph, impact, &range, &comparison),
        None => named(args, &graph, impact),
    }
}

/// What roots rebuild.
fn named(args: &Args, graph: &Graph, impact: &ImpactArgs) -> Result<Verdict, Failure> {
    output::check::<ImpactReport<'_>>(&impact.format)?;
    let system = impact.filter.system.as_deref();
    let direction = if impact.inverse { Direction::Dependencies } else { Direction::Dependents };
    let roots = select(graph, &impact.root.roots, impact.root.scope(), system)?;
    let found = Impact::new(graph, &roots, direction, impact.filter.depth, system)?;
    let costs = cost::load_and_ask(args, &impact.cost, &impact.cache, graph, found.rebuilds())?;
    output::print(&ImpactReport::new(&found, &roots, costs.as_ref(), impact.format.limit()), &impact.format)?;
    let what = if impact.inverse { ("rebuilds a root", "rebuild a root") } else { REBUILT };
    Ok(verdict(impact, found.rebuild_counts().attributes, what))
}

/// What changed files rebuild. A limit holds for what may be rebuilt: a file that is not confined must not pass unseen.
fn estimated(args: &Args, graph: &Graph, impact: &ImpactArgs, range: &str, comparison: &Comparison) -> Result<Verdict, Failure> {
    output::check::<EstimateReport<'_>>(&impact.format)?;
    let system = impact.filter.system.as_deref();
    let mut estimate = estimate(graph, comparison)?;
    if let Some(system) = system {
        estimate.keep_system(graph, system)?;
    }
    let found = estimate.impact(graph, impact.filter.depth, system)?;
    let costs = cost::load_and_ask(args, &impact.cost, &impact.cache, graph, found.rebuilds())?;
    output::print(&EstimateReport::new(range, comparison, &estimate, &found, costs, impact.format.limit()), &impact.format)?;
    let rebuilt = found.rebuild_counts().attributes;
    if estimate.unbounded.is_empty() {
        return Ok(verdict(impact, rebuilt, REBUILT));
    }
    Ok(verdict(impact, found.counts(&estimate.at_most(graph)).attributes, ("may be rebuilt", "may be rebuilt")))
}

/// What an attribute is, or several are.
const REBUILT: (&str, &str) = ("is rebuilt", "are rebuilt");

fn verdict(impact: &ImpactArgs, rebuilt: usize, (one, many): (&str, &str)) -> Verdict {
    match impact.fail_over {
        Some(limit) if rebuilt > limit => {
            let what = if rebuilt == 1 { one } else { many };
            let rebuilt = counted(rebuilt, "attribute", "attributes");
            output::note(&format!("over the limit: {rebuilt} {what}, {} may be", number(limit as u64)));
            Verdict::LimitExceeded
        }
        _ => Verdict::Fine,
    }
}
