//! `waves tables`: an evaluation or a history for engines that ask in SQL.

use std::path::PathBuf;

use waves_core::history::History;
use waves_core::tables::{TableFormat, graph_tables, history_tables, write};

use crate::args::{Args, TableFormatArg, TablesArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &TablesArgs) -> Result<Verdict, Failure> {
    let format = match options.format {
        TableFormatArg::Parquet => TableFormat::Parquet,
        TableFormatArg::Csv => TableFormat::Csv,
    };
    if !format.is_available() {
        let hint = "`cargo install --path crates/cli --features parquet` builds one that does; or --format csv";
        return Err(Failure::Usage(format!("this waves was built without Parquet (hint: {hint})")));
    }
    let written = match &options.history {
        Some(path) => {
            let history = History::open(path)?;
            if history.torn_bytes() > 0 {
                output::note(&format!("left out: {} bytes of an evaluation that is not whole", history.torn_bytes()));
            }
            write(&history_tables(&history), format, &options.output)?
        }
        None => write(&graph_tables(&load::graph(args)?), format, &options.output)?,
    };
    if !args.quiet {
        say(&written);
    }
    Ok(Verdict::Fine)
}

fn say(written: &[PathBuf]) {
    for path in written {
        output::note(&format!("wrote {}", path.display()));
    }
}
