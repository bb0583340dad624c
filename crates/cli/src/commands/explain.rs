//! `waves explain`: which waves of a plan rebuild a package, and why.

use waves_core::analysis::select;
use waves_core::major::explain;
use waves_core::report::ExplainReport;

use crate::args::{Args, ExplainArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &ExplainArgs) -> Result<Verdict, Failure> {
    let plan = load::plan(&options.plan)?;
    let graph = load::graph(args)?;
    load::note_other_evaluation(&plan, &graph);
    let resolved = plan.resolve(&graph)?;
    let roots = select(&graph, std::slice::from_ref(&options.package), plan.scope.into(), plan.system.as_deref())?;
    let [package] = &roots[..] else {
        return Err(Failure::Usage(format!("`{}` is {} packages: name one", options.package, roots.len())));
    };
    let hits = explain(&graph, &resolved, &package.derivations);
    output::print(&ExplainReport::new(&graph, &plan, package, &hits, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
