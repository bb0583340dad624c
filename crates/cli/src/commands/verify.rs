//! `waves verify`: whether a plan of updates is right.

use waves_core::cost::{Costs, Durations, Sources};
use waves_core::major::verify;
use waves_core::report::VerifyReport;

use crate::args::{Args, VerifyArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &VerifyArgs) -> Result<Verdict, Failure> {
    let plan = load::plan(&options.plan)?;
    let graph = load::graph(args)?;
    let durations = (!options.durations.is_empty()).then(|| Durations::read(&options.durations)).transpose()?;
    let costs = durations.map(|durations| Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() })).transpose()?;
    // The report says it itself, and an error does not.
    let verified = verify(&graph, &plan, costs.as_ref()).inspect_err(|_| load::note_other_evaluation(&plan, &graph))?;
    output::print(&VerifyReport::new(&graph, &plan, &verified), &options.format)?;
    Ok(if verified.flaws.is_empty() { Verdict::Fine } else { Verdict::LimitExceeded })
}
