//! A table as comma-separated values.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use super::{Table, Values};

pub(super) fn write(table: &Table<'_>, file: &File) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(BufWriter::new(file));
    out.write_record(table.columns())?;
    for row in 0..table.rows {
        for column in &table.columns {
            match &column.values {
                Values::Text(value) => out.write_field(value(row).unwrap_or_default().as_bytes())?,
                Values::Number(value) => out.write_field(value(row).map_or_else(String::new, |value| value.to_string()))?,
                Values::Flag(value) => out.write_field(if value(row) { "true" } else { "false" })?,
            }
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.into_inner().map_err(|error| error.into_error())?.flush()
}
