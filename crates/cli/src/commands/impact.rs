//! `waves impact`: what a change rebuilds, or what rebuilds it.

use waves_core::analysis::{Impact, select};
use waves_core::graph::Direction;
use waves_core::report::{ImpactReport, counted, number};

use crate::args::{Args, ImpactArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, impact: &ImpactArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let system = impact.filter.system.as_deref();
    let direction = if impact.inverse { Direction::Dependencies } else { Direction::Dependents };
    let roots = select(&graph, &impact.root.roots, impact.root.scope(), system)?;
    let found = Impact::new(&graph, &roots, direction, impact.filter.depth, system)?;
    let costs = cost::load_and_ask(args, &impact.cost, &impact.cache, &graph, found.rebuilds())?;
    output::print(&ImpactReport::new(&found, &roots, costs.as_ref(), impact.format.limit()), &impact.format)?;
    let rebuilt = found.rebuild_counts().attributes;
    match impact.fail_over {
        Some(limit) if rebuilt > limit => {
            output::note(&format!(
                "over the limit: {} are rebuilt, {} may be",
                counted(rebuilt, "attribute", "attributes"),
                number(limit as u64)
            ));
            Ok(Verdict::LimitExceeded)
        }
        _ => Ok(Verdict::Fine),
    }
}
