//! Where results and errors go.

use std::env;
use std::fs;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use waves_core::report::{self, Format, Report};
use waves_core::text::clean;

use crate::args::{Args, AskedFormat, FormatArg, FormatArgs};
use crate::commands::Failure;
use crate::exit_code::{OK, USAGE, exit_code};
use crate::github;

/// Items of a list in a format that is read by people.
const DEFAULT_LIMIT: usize = 20;

impl FormatArgs {
    /// Items of a list that are shown.
    pub(crate) fn limit(&self) -> usize {
        match (self.limit, self.format) {
            (Some(0), _) | (None, FormatArg::Json | FormatArg::Jsonl | FormatArg::Csv) => usize::MAX,
            (Some(limit), _) => limit,
            (None, _) => DEFAULT_LIMIT,
        }
    }

    /// Items of a list in a file: all, unless it is said otherwise.
    pub(crate) fn limit_or_all(&self) -> usize {
        self.limit.filter(|&limit| limit > 0).unwrap_or(usize::MAX)
    }

    /// Findings of each kind that are listed: none, unless they were asked for.
    pub(crate) fn findings(&self, verbose: bool) -> usize {
        match (verbose, self.limit) {
            (false, _) => 0,
            (true, None | Some(0)) => usize::MAX,
            (true, Some(limit)) => limit,
        }
    }

    fn format(&self) -> Format {
        match self.format {
            FormatArg::Text => Format::Text,
            FormatArg::Json => Format::Json,
            FormatArg::Jsonl => Format::Jsonl,
            FormatArg::Markdown => Format::Markdown,
            FormatArg::Csv => Format::Csv,
            FormatArg::Dot => Format::Dot,
            FormatArg::Mermaid => Format::Mermaid,
            FormatArg::Svg => Format::Svg,
        }
    }
}

/// Whether a report is written beside a file that is the result: if quiet, only in a format that somebody asked for.
pub(crate) fn is_wanted(args: &Args, asked: Option<&AskedFormat>) -> bool {
    !args.quiet || asked.is_some()
}

/// Makes sure that what is written does not take the place of what is read.
pub(crate) fn require_other(output: &Path, inputs: &[PathBuf]) -> Result<(), Failure> {
    let Ok(place) = fs::canonicalize(output) else { return Ok(()) };
    match inputs.iter().find(|input| fs::canonicalize(input).is_ok_and(|input| input == place)) {
        Some(input) => Err(Failure::Usage(format!("{} is what is read (hint: name another file with --output)", input.display()))),
        None => Ok(()),
    }
}

/// Makes sure that a kind of report can be written so: before anything is done that it is to tell of.
pub(crate) fn check<R: Report>(format: &FormatArgs) -> Result<(), Failure> {
    if format.format == FormatArg::Csv {
        return report::list_key::<R>(format.table.as_deref()).map(drop).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Failure::Usage(format!("--table: {error}")),
            _ => Failure::Usage("there is no list in this report (hint: --format text, json or markdown)".to_owned()),
        });
    }
    if format.table.is_some() {
        return Err(Failure::Usage("--table chooses what --format csv writes (hint: add --format csv)".to_owned()));
    }
    Ok(())
}

/// Writes a report to standard output; text as wide as the terminal, if it is one.
pub(crate) fn print<R: Report>(report: &R, format: &FormatArgs) -> Result<(), Failure> {
    check::<R>(format)?;
    let stdout = io::stdout();
    let width = if stdout.is_terminal() { terminal_size::terminal_size().map(|(width, _)| width.0) } else { None };
    let mut out = BufWriter::new(stdout.lock());
    let written = if github::is_here() { write_to_log(report, format, &mut out) } else { write(report, format, width, &mut out) };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => {
            Failure::Usage("there is nothing to draw (hint: --format text, json, jsonl, markdown or csv)".to_owned())
        }
        _ => Failure::Write(error),
    })?;
    out.flush().map_err(Failure::Write)
}

fn write(report: &impl Report, format: &FormatArgs, width: Option<u16>, out: &mut impl io::Write) -> io::Result<()> {
    match format.format {
        FormatArg::Csv => report::write_table(report, format.table.as_deref(), out),
        FormatArg::Text if wants_colours(io::stdout().is_terminal()) => report.document().write_coloured(width, out),
        _ => report::write(report, format.format(), width, out),
    }
}

/// The log of a workflow is read for commands: no name may be one.
fn write_to_log(report: &impl Report, format: &FormatArgs, out: &mut impl io::Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    write(report, format, None, &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let safe = match format.format() {
        Format::Json | Format::Jsonl => report::github::harmless_json(&text),
        Format::Text | Format::Markdown | Format::Csv | Format::Dot | Format::Mermaid | Format::Svg => report::github::harmless(&text),
    };
    out.write_all(safe.as_bytes())
}

/// Writes bytes to standard output: JSON, or what has no name in it.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let safe = github::is_here().then(|| report::github::harmless_json(&String::from_utf8_lossy(bytes)));
    let bytes = safe.as_ref().map_or(bytes, |safe| safe.as_bytes());
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::Write)
}

/// Says what failed. A reader that has gone is no failure.
pub(crate) fn failure(failure: &Failure) {
    if !matches!(failure, Failure::Write(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        let width = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0);
        let mut text = String::new();
        for (label, lines) in failure.diagnostic().parts(width) {
            let colour = match label {
                "error" => BOLD_RED,
                "hint" => CYAN,
                _ => BOLD,
            };
            let colon = format!("{label:>5}:");
            for (at, line) in lines.iter().enumerate() {
                let label = if at == 0 { format!("{colour}{colon}{RESET}") } else { " ".repeat(colon.len()) };
                text.push_str(format!("{label} {line}").trim_end());
                text.push('\n');
            }
        }
        let text = if github::is_here() { report::github::harmless(&text) } else { text };
        let choice = if wants_colours(io::stderr().is_terminal()) { ColorChoice::Always } else { ColorChoice::Never };
        let _ = AutoStream::new(io::stderr(), choice).write_all(text.as_bytes());
    }
}

const BOLD: &str = "\u{1b}[1m";
const BOLD_RED: &str = "\u{1b}[1;31m";
const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

/// Whether colours are wanted: on a terminal, unless `NO_COLOR` or `CLICOLOR_FORCE` says otherwise.
fn wants_colours(is_terminal: bool) -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_forced = is_set("CLICOLOR_FORCE") && env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let is_capable = is_terminal && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
    !is_set("NO_COLOR") && (is_forced || is_capable)
}

/// A line on standard error, in which nothing is obeyed by a terminal; if that is closed, there is nobody to tell.
pub(crate) fn note(line: &str) {
    let line = line.split('\n').map(clean).collect::<Vec<_>>().join("\n");
    let line = if github::is_here() { report::github::harmless(&line) } else { line };
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says that a killed writer's unfinished line was cut off a ledger, if there was one.
pub(crate) fn cut_off(bytes: u64) {
    if bytes > 0 {
        note(&format!("the last writer of the ledger was killed: {bytes} bytes of an unfinished line were cut off"));
    }
}

/// The same of an evaluation at the end of a history.
pub(crate) fn cut_off_history(bytes: u64) {
    if bytes > 0 {
        note(&format!("the last writer of the history was killed: {bytes} bytes of an unfinished evaluation were cut off"));
    }
}

/// What clap has to say: help and version on standard output, errors on standard error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    if error.use_stderr() {
        return ExitCode::from(USAGE);
    }
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let written = Failure::Write(error);
            failure(&written);
            exit_code(&written)
        }
        _ => ExitCode::from(OK),
    }
}
