//! `waves schema`: the JSON Schemas of the reports.

use waves_core::report::{SchemasReport, schema};

use crate::args::{FormatArg, FormatArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::output;

pub(crate) fn run(name: Option<&str>, format: FormatArg) -> Result<Verdict, Failure> {
    match name {
        Some(name) => output::print_bytes(schema(name)?.text.as_bytes())?,
        None => output::print(&SchemasReport::new(), &FormatArgs { format, limit: None, table: None })?,
    }
    Ok(Verdict::Fine)
}
