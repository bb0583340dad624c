//! `waves rank`: packages by what they rebuild.

use waves_core::analysis::{RankOptions, RankOrder, rank};
use waves_core::report::RankReport;

use crate::args::{Args, RankArgs, SortArg};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &RankArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let order = match options.sort {
        SortArg::Derivations => RankOrder::Derivations,
        SortArg::Attributes => RankOrder::Attributes,
    };
    let ranked = rank(&graph, RankOptions { order, only_named: options.named, system: options.system.as_deref() })?;
    output::print(&RankReport::new(&graph, &ranked, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}
