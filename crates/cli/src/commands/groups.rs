//! `waves groups`: packages that look as if they were one release.

use waves_core::estimate::{ChangedTogether, Repository};
use waves_core::major::{Thresholds, propose};
use waves_core::report::GroupsReport;
use waves_core::text::counted;

use crate::args::{Args, FormatArg, GroupsArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &GroupsArgs) -> Result<Verdict, Failure> {
    let graph = load::graph(args)?;
    let repository = options.repo.as_deref().map(Repository::discover).transpose()?;
    let ChangedTogether { commits, treewide } =
        repository.map(|repository| repository.changed_together(options.commits)).transpose()?.unwrap_or_default();
    if treewide > 0 {
        output::note(&format!("{} of 500 files or more: not taken for what belongs together", counted(treewide, "commit", "commits")));
    }
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
