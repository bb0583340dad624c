//! `waves security`: what can be done about a vulnerability, side by side.

use waves_core::analysis::select;
use waves_core::report::SecurityReport;
use waves_core::schedule::Fleet;
use waves_core::security::{Closed, SecurityOptions, security};

use crate::args::{Args, CostArgs, SecurityArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, options: &SecurityArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let roots = select(&graph, &options.root.roots, options.root.scope(), None)?;
    let files = CostArgs { durations: options.durations.clone(), cached: Vec::new(), sizes: options.sizes.clone() };
    let costs = cost::load(&files, &graph)?;
    let file = options.plan.as_deref().map(load::plan).transpose()?;
    if let Some(plan) = &file {
        load::note_other_evaluation(plan, &graph);
    }
    let waves = match (&file, &options.at) {
        (Some(file), Some(name)) => file.wave(name)? + 1,
        (Some(file), None) => file.waves.len(),
        (None, _) => 0,
    };
    let plan = file.as_ref().map(|file| file.resolve(&graph)).transpose()?;
    let fleet = Fleet::identical(options.builders);
    let how = SecurityOptions {
        fleet: &fleet,
        costs: costs.as_ref(),
        closed: plan.as_ref().map(|plan| Closed { plan, waves }),
        to: options.to.as_deref(),
        throughput: options.throughput << 20,
    };
    let found = security(&graph, &roots, &how)?;
    output::print(&SecurityReport::new(&found, &roots, &how, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
