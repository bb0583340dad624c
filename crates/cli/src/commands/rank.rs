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
    let order = match (options.sort, &costs) {
        (SortArg::Derivations, _) => RankOrder::Derivations,
        (SortArg::Attributes, _) => RankOrder::Attributes,
        (SortArg::Hours, Some(costs)) if costs.model().is_some() => RankOrder::BuildTime(costs),
        (SortArg::Hours, _) => return Err(Failure::Usage("--sort hours needs build times (hint: --durations FILE)".to_owned())),
    };
    let ranked = rank(&graph, RankOptions { order, only_named: options.named, system: options.system.as_deref() })?;
    output::print(&RankReport::new(&graph, &ranked, costs.as_ref(), options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
