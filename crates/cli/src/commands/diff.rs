//! `waves diff`: what differs between two evaluations, and which changes cause it.

use clap::ValueEnum as _;
use waves_core::analysis::Diff;
use waves_core::config::Policy;
use waves_core::policy::{Circumstances, Subject, judge};
use waves_core::report::{ChangedPaths, DiffReport, rebuild_amount};

use crate::args::{Args, DiffArgs, DiffFormatArg, FormatArg, FormatArgs};
use crate::commands::Failure;
use crate::config;
use crate::exit_code::Verdict;
use crate::{cost, github, load, output};

pub(crate) fn run(args: &Args, options: &DiffArgs) -> Result<Verdict, Failure> {
    check(options)?;
    // What other tools read has no table to choose, as text has none.
    let format = match options.format {
        DiffFormatArg::Report(format) => format,
        DiffFormatArg::ChangedPaths | DiffFormatArg::RebuildAmount => FormatArg::Text,
    };
    let format = FormatArgs { format, limit: options.limit, table: options.table.clone() };
    output::check::<DiffReport<'_>>(&format)?;
    let policy = policy(options)?;
    let (before, after) = (load::evaluation(args, &options.before)?, load::evaluation(args, &options.after)?);
    let diff = Diff::new(&before, &after, options.within);
    let base = options.base_branch.clone().or_else(github::base_branch);
    let circumstances = Circumstances { base: base.as_deref(), ..Circumstances::default() };
    let verdict = judge(Subject::of_diff(&diff), &policy, &circumstances);
    match options.format {
        DiffFormatArg::Report(_) => {
            let costs = cost::load_and_ask(args, &options.cost, &options.cache, &after, &diff.rebuilt)?;
            output::print(&DiffReport::new(&diff, &verdict, costs, format.limit()), &format)?;
        }
        DiffFormatArg::ChangedPaths => {
            let mut bytes = Vec::new();
            let paths = ChangedPaths::new(&diff.attributes, &policy.labels.kernels, verdict.labels);
            paths.write(&mut bytes).map_err(Failure::Write)?;
            output::print_bytes(&bytes)?;
        }
        DiffFormatArg::RebuildAmount => output::print_bytes(rebuild_amount(&diff.attributes).as_bytes())?,
    }
    Ok(Verdict::Fine)
}

/// The policy. A format without labels has no use for one: none is looked for then, so that one that is broken is in nobody's way.
fn policy(options: &DiffArgs) -> Result<Policy, Failure> {
    let has_labels = match options.format {
        DiffFormatArg::Report(format) => format != FormatArg::Csv && !format.is_picture(),
        DiffFormatArg::ChangedPaths => true,
        DiffFormatArg::RebuildAmount => false,
    };
    if has_labels || options.config.is_some() { Ok(config::read(options.config.as_deref())?.policy) } else { Ok(Policy::default()) }
}

/// Makes sure that a format which other tools read has a use for what is said.
fn check(options: &DiffArgs) -> Result<(), Failure> {
    if matches!(options.format, DiffFormatArg::Report(_)) {
        return Ok(());
    }
    let said = [
        ("--durations", !options.cost.durations.is_empty()),
        ("--cached", !options.cost.cached.is_empty()),
        ("--sizes", !options.cost.sizes.is_empty()),
        ("--cache", !options.cache.cache.is_empty()),
        ("--base-branch", options.base_branch.is_some()),
        ("--limit", options.limit.is_some()),
        // The other one has the labels that it names.
        ("--config", options.config.is_some() && options.format == DiffFormatArg::RebuildAmount),
    ];
    let Some((option, _)) = said.into_iter().find(|(_, is_said)| *is_said) else { return Ok(()) };
    let format = options.format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    Err(Failure::Usage(format!("{option} has no meaning with --format {format} (hint: it is for a report, such as --format json)")))
}
