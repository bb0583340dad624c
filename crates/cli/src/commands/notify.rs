//! `waves notify`: who must be told of a change.

use std::path::Path;

use waves_core::files::{Mode, NewFile};
use waves_core::notify::{NotifyOptions, Owners, Recipient, notify};
use waves_core::plan::plan_change;
use waves_core::report::{Basis, NotifyDetail, NotifyReport};
use waves_core::text::counted;

use crate::args::{Args, FormatArg, NotifyArgs};
use crate::change::{Evaluations, Found};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::output;

pub(crate) fn run(args: &Args, options: &NotifyArgs) -> Result<Verdict, Failure> {
    output::check::<NotifyReport>(&options.format)?;
    let organisation = options.organisation.as_deref().map(checked_organisation).transpose()?;
    let owners = options.owners.as_deref().map(Owners::read).transpose()?;
    let evaluations = Evaluations::open(args, &options.change)?;
    let Found { change, diff, estimate } = evaluations.find(&options.change)?;
    if let Some(files) = estimate.as_ref().map(|estimated| estimated.estimate.unbounded.len()).filter(|&files| files > 0) {
        output::note(&format!("{} could not be confined to packages: more may have to be told", counted(files, "file", "files")));
    }
    let planned = plan_change(&change, options.max_waves);
    let notify_options = NotifyOptions {
        cap: options.cap,
        owners: owners.as_ref(),
        source_root: options.source_root.as_deref(),
        organisation,
        before: diff.as_ref().map(|diff| diff.before),
        exclude_broken: options.exclude_broken,
        only: options.only.as_deref(),
    };
    let basis = match (&diff, &estimate) {
        (Some(_), _) => Basis::Compared,
        (None, Some(_)) => Basis::Estimated,
        (None, None) => Basis::Foretold,
    };
    let found = notify(&change, Some(&planned), &notify_options)?;
    let report = |limit| {
        let digests = options.format.format == FormatArg::Markdown;
        let detail = NotifyDetail { basis, digests, mention: options.mention, limit };
        NotifyReport::new(&change, diff.as_ref(), Some(&planned), &notify_options, &found, detail)
    };
    if let Some(directory) = &options.output_dir {
        // A file has room for more than a terminal.
        write(&report(options.format.limit_or_all()), directory, args.quiet)?;
    }
    output::print(&report(options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}

fn checked_organisation(name: &str) -> Result<&str, Failure> {
    let is_handle = Recipient::person(name).handle().is_some();
    if is_handle {
        Ok(name)
    } else {
        Err(Failure::Usage(format!("--organisation: `{name}` is no handle of GitHub (hint: letters, digits and hyphens)")))
    }
}

fn write(report: &NotifyReport, directory: &Path, quiet: bool) -> Result<(), Failure> {
    let files = report.files().map_err(Failure::Write)?;
    NewFile::write_all(files.iter().map(|file| (directory.join(&file.name), Mode::Data, &file.content[..])))?;
    if !quiet {
        output::note(&format!("{} written to {}", counted(files.len(), "file", "files"), directory.display()));
    }
    Ok(())
}
