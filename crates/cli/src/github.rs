//! GitHub Actions: whether this is it, and the files that a step writes there.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use waves_core::error::Error;
use waves_core::report::CheckReport;
use waves_core::report::github::{SUMMARY_LIMIT, annotations, output_lines, outputs, summary};

use crate::commands::Failure;
use crate::output;

/// Whether a workflow runs this.
pub(crate) fn is_here() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The branch that the pull request is for.
pub(crate) fn base_branch() -> Option<String> {
    env::var("GITHUB_BASE_REF").ok().filter(|branch| !branch.is_empty())
}

/// Writes the step's summary, outputs and annotations.
pub(crate) fn publish(report: &CheckReport, changed_files: &[String]) -> Result<(), Failure> {
    if let Some(path) = file("GITHUB_STEP_SUMMARY") {
        // Other commands of the step may have written some of it.
        let written = fs::metadata(&path).map_or(0, |file| file.len() as usize);
        let gap = if written == 0 { "" } else { "\n" };
        let page = summary(report, SUMMARY_LIMIT.saturating_sub(written + gap.len()));
        if page.is_empty() {
            output::note("warning: the summary of this step is full: nothing is written to it");
        } else {
            append(&path, &format!("{gap}{page}"))?;
        }
    }
    if let Some(path) = file("GITHUB_OUTPUT") {
        append(&path, &output_lines(&outputs(report)))?;
    }
    // The runner reads commands from both; standard output may be JSON.
    let mut stderr = io::stderr().lock();
    for annotation in annotations(report, changed_files) {
        let _ = writeln!(stderr, "{annotation}");
    }
    Ok(())
}

fn file(variable: &str) -> Option<PathBuf> {
    let file = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    if file.is_none() {
        output::note(&format!("warning: {variable} is not set: nothing is written to it"));
    }
    file
}

fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| Error::io("write", path)(error).into())
}
