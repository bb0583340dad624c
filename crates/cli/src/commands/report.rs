//! `waves report`: a page of HTML of a report.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::slice;

use waves_core::cost::Availability;
use waves_core::error::Error;
use waves_core::files::{Mode, NewFile};
use waves_core::graph::Graph;
use waves_core::html::{Subject, page};

use crate::args::{Args, ReportArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &ReportArgs) -> Result<Verdict, Failure> {
    output::require_other(&options.output, slice::from_ref(&options.input))?;
    let (bytes, input) = read(&options.input)?;
    let subject = Subject::parse(&bytes, &input)?;
    let cached = if options.cached.is_empty() { None } else { Some(Availability::read(&options.cached)?) };
    let page = page(&subject, graph(args, &subject)?.as_ref(), cached.as_ref())?;
    let output = &options.output;
    if output.file_name().is_none() {
        return Err(Failure::Usage(format!("{} is no file that can be written (hint: --output report.html)", output.display())));
    }
    NewFile::write(output, Mode::Data, page.as_bytes())?;
    if !args.quiet {
        output::note(&format!("wrote {}", output.display()));
    }
    Ok(Verdict::Fine)
}

fn read(path: &Path) -> Result<(Vec<u8>, String), Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(Error::io("read", "standard input"))?;
        return Ok((bytes, "standard input".to_owned()));
    }
    Ok((fs::read(path).map_err(Error::io("read", path))?, path.display().to_string()))
}

/// The evaluation that the report is about. One that was named must be it; one that merely lies around may be another.
fn graph(args: &Args, subject: &Subject) -> Result<Option<Graph>, Failure> {
    let graph = match load::graph(args) {
        Ok(graph) => graph,
        Err(Failure::NoGraph(reason)) => {
            output::note(&format!("without ways: {reason}"));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !load::is_named(args) && graph.digest() != subject.digest() {
        let about = format!("the report is about evaluation {}, and {} is another", subject.digest(), load::DEFAULT_GRAPH);
        output::note(&format!("without ways: {about} (hint: name it with --graph FILE)"));
        return Ok(None);
    }
    Ok(Some(graph))
}
