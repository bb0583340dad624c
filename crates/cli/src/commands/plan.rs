//! `waves plan`: levels and waves from the roots to the leaves.

use waves_core::analysis::select;
use waves_core::plan::{PlanOptions, plan, verify};
use waves_core::report::{PlanDetail, PlanReport};

use crate::args::{Args, PlanArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, options: &PlanArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let system = options.filter.system.as_deref();
    let roots = select(&graph, &options.root.roots, options.root.scope(), system)?;
    let planned = plan(&graph, roots, &PlanOptions { max_waves: options.max_waves, depth: options.filter.depth, system })?;
    let detail = match (options.levels, options.packages) {
        (true, _) => PlanDetail::Levels,
        (_, true) => PlanDetail::Packages,
        _ => PlanDetail::Waves,
    };
    let costs = cost::load_and_ask(args, &options.cost, &options.cache, &graph, planned.impact.rebuilds())?;
    output::print(&PlanReport::new(&graph, &planned, costs.as_ref(), detail, options.format.limit()), &options.format)?;
    if !options.verify {
        return Ok(Verdict::Fine);
    }
    let violations = verify(&graph, &planned);
    for violation in &violations {
        output::note(&format!("wrong: {violation}"));
    }
    if violations.is_empty() {
        output::note("verified: nothing lost, nothing twice, every input earlier");
        return Ok(Verdict::Fine);
    }
    Ok(Verdict::LimitExceeded)
}
