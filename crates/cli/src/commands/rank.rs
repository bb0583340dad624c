//! `waves rank`: packages by what they rebuild.

use waves_core::analysis::{RankOptions, RankOrder, rank};
use waves_core::report::RankReport;

use crate::args::{Args, RankArgs, SortArg};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{cost, load, output};

pub(crate) fn run(args: &Args, options: &RankArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let costs = cost::load(&options.cost, &graph)?;
    let estimates = match (options.approximate, &costs) {
        (Some(precision), Some(costs)) if costs.model().is_some() || costs.is_split() => Some(costs.estimate_closures(precision)),
        (Some(_), _) => {
            let needs = "build times or what is cached: counts are exact, from the import (hint: --durations FILE or --cached FILE)";
            return Err(Failure::Usage(format!("--approximate needs {needs}")));
        }
        (None, _) => None,
    };
    let order = match (options.sort, &costs, &estimates) {
        (SortArg::Derivations, ..) => RankOrder::Derivations,
        (SortArg::Attributes, ..) => RankOrder::Attributes,
        (SortArg::Hours, Some(costs), estimates) if costs.model().is_some() => {
            estimates.as_ref().map_or(RankOrder::BuildTime(costs), RankOrder::EstimatedBuildTime)
        }
        (SortArg::Hours, ..) => return Err(Failure::Usage("--sort hours needs build times (hint: --durations FILE)".to_owned())),
    };
    let choice = RankOptions { order, only_named: options.named, system: options.system.as_deref() };
    let ranked = rank(&graph, choice)?;
    let report = RankReport::new(&graph, &ranked, costs.as_ref(), estimates.as_ref(), options.format.limit());
    output::print(&report.chosen_by(choice), &options.format)?;
    Ok(Verdict::Fine)
}
