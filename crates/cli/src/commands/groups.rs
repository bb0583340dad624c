//! `waves groups`: packages that look as if they were one release.

use waves_core::estimate::Repository;
use waves_core::major::{Thresholds, propose};
use waves_core::report::GroupsReport;

use crate::args::{Args, FormatArg, GroupsArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &GroupsArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let repository = options.repo.as_deref().map(Repository::discover).transpose()?;
    let commits = repository.map(|repository| repository.changed_together(options.commits)).transpose()?.unwrap_or_default();
    let thresholds = Thresholds { overlap: options.overlap, ..Thresholds::default() };
    let proposals = propose(&graph, &commits, &thresholds);
    let report = GroupsReport::new(&graph, &proposals, commits.len(), options.format.limit());
    // The text is a file.
    if options.format.format == FormatArg::Text {
        output::print_bytes(report.toml().as_bytes())?;
    } else {
        output::print(&report, &options.format)?;
    }
    Ok(Verdict::Fine)
}
