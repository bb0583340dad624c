//! A table as Apache Parquet: dictionaries where values repeat, zstd, and nothing in it that depends on the day or the machine.

use std::fs::File;
use std::io;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

use super::{Column, Table, Values};

/// Rows that are held in memory, and that a reader can skip together.
const ROW_GROUP: usize = 1 << 17;

pub(super) fn write(table: &Table<'_>, file: &File) -> io::Result<()> {
    write_groups(table, file).map_err(|error| match error {
        ParquetError::External(error) => io::Error::other(error),
        error => io::Error::other(error.to_string()),
    })
}

fn write_groups(table: &Table<'_>, file: &File) -> Result<(), ParquetError> {
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).set_created_by("waves".to_owned()).build();
    let schema = Arc::new(parse_message_type(&schema(table))?);
    let mut out = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    for start in (0..table.rows).step_by(ROW_GROUP) {
        let rows = start..table.rows.min(start + ROW_GROUP);
        let mut group = out.next_row_group()?;
        for column in &table.columns {
            if let Some(mut writer) = group.next_column()? {
                write_column(column, rows.clone(), &mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
    }
    // Flushes, too.
    out.close().map(|_| ())
}

/// In Parquet's own language.
fn schema(table: &Table<'_>) -> String {
    let column = |column: &Column<'_>| match column.values {
        Values::Text(_) => format!("OPTIONAL BYTE_ARRAY {} (STRING);", column.name),
        Values::Number(_) => format!("OPTIONAL INT64 {};", column.name),
        Values::Flag(_) => format!("REQUIRED BOOLEAN {};", column.name),
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("message {} {{ {} }}", table.name, columns.join(" "))
}

fn write_column(column: &Column<'_>, rows: std::ops::Range<usize>, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
    match &column.values {
        Values::Text(value) => {
            let texts: Vec<_> = rows.map(value).collect();
            let known: Vec<ByteArray> = texts.iter().flatten().map(|text| ByteArray::from(text.as_ref())).collect();
            writer.typed::<ByteArrayType>().write_batch(&known, Some(&levels(&texts)), None)?;
        }
        Values::Number(value) => {
            let numbers: Vec<_> = rows.map(value).collect();
            let known: Vec<i64> = numbers.iter().flatten().copied().collect();
            writer.typed::<Int64Type>().write_batch(&known, Some(&levels(&numbers)), None)?;
        }
        Values::Flag(value) => {
            let flags: Vec<bool> = rows.map(value).collect();
            writer.typed::<BoolType>().write_batch(&flags, None, None)?;
        }
    }
    Ok(())
}

/// Which values are there.
fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}
