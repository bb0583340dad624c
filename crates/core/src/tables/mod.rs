//! An evaluation or a history as tables, for engines that ask in SQL: DuckDB, DataFusion, Spark.
//!
//! `docs/formats.md` documents every column. Rows are made while they are written: a table needs no memory of its own but for a
//! few positions. Files are in a directory, one for each table, and written whole or not at all.

mod csv;
mod graph;
mod history;
#[cfg(feature = "parquet")]
mod parquet;

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::{Mode, NewFile};

pub use graph::graph_tables;
pub use history::history_tables;

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values with a header; what is null is empty.
    Csv,
    /// Apache Parquet. Needs the feature `parquet`.
    Parquet,
}

impl TableFormat {
    /// Whether this build can write it.
    pub fn is_available(self) -> bool {
        self == Self::Csv || cfg!(feature = "parquet")
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// A table.
pub struct Table<'a> {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// The number of its rows.
    pub rows: usize,
    columns: Vec<Column<'a>>,
}

/// A column of a table: its name, and what it has in each row.
struct Column<'a> {
    name: &'static str,
    values: Values<'a>,
}

/// What a column has in a row.
enum Values<'a> {
    Text(Box<dyn Fn(usize) -> Option<Cow<'a, str>> + 'a>),
    Number(Box<dyn Fn(usize) -> Option<i64> + 'a>),
    Flag(Box<dyn Fn(usize) -> bool + 'a>),
}

impl<'a> Table<'a> {
    fn new(name: &'static str, rows: usize) -> Self {
        Self { name, rows, columns: Vec::new() }
    }

    fn text<T: Into<Cow<'a, str>>>(mut self, name: &'static str, value: impl Fn(usize) -> Option<T> + 'a) -> Self {
        self.columns.push(Column { name, values: Values::Text(Box::new(move |row| value(row).map(Into::into))) });
        self
    }

    fn optional(mut self, name: &'static str, value: impl Fn(usize) -> Option<usize> + 'a) -> Self {
        let number = move |row| value(row).map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        self.columns.push(Column { name, values: Values::Number(Box::new(number)) });
        self
    }

    fn number(self, name: &'static str, value: impl Fn(usize) -> usize + 'a) -> Self {
        self.optional(name, move |row| Some(value(row)))
    }

    fn flag(mut self, name: &'static str, value: impl Fn(usize) -> bool + 'a) -> Self {
        self.columns.push(Column { name, values: Values::Flag(Box::new(value)) });
        self
    }

    /// The names of its columns.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}

/// Writes a file for each table into a directory, which is made if it is not there: their paths. The same tables give the same bytes.
///
/// Every file is whole before the first gets its name, and replaces one that is there.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::NotBuilt`] if this build cannot write the format.
pub fn write(tables: &[Table<'_>], format: TableFormat, directory: &Path) -> Result<Vec<PathBuf>> {
    if !format.is_available() {
        return Err(Error::NotBuilt { what: "Parquet", feature: "parquet" });
    }
    let mut written = Vec::new();
    for table in tables {
        let path = directory.join(format!("{}.{}", table.name, format.extension()));
        let mut file = NewFile::create(&path, Mode::Data)?;
        write_table(table, format, file.file()).map_err(Error::io("write", &path))?;
        written.push((file, path));
    }
    written.into_iter().map(|(file, path)| file.keep().map(|()| path)).collect()
}

fn write_table(table: &Table<'_>, format: TableFormat, file: &File) -> std::io::Result<()> {
    match format {
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => parquet::write(table, file),
        #[cfg(not(feature = "parquet"))]
        TableFormat::Parquet => Err(std::io::ErrorKind::Unsupported.into()),
        TableFormat::Csv => csv::write(table, file),
    }
}

/// The rows of a table that has some for each of `0..count`: which of these each is of, and which of its rows it is.
struct Spread {
    ends: Vec<usize>,
}

impl Spread {
    fn new(lengths: impl Iterator<Item = usize>) -> Self {
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Self { ends: ends.collect() }
    }

    fn rows(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }

    /// O(log count).
    fn find(&self, row: usize) -> (usize, usize) {
        let of = self.ends.partition_point(|&end| end <= row);
        let start = if of == 0 { 0 } else { self.ends[of - 1] };
        (of, row - start)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::Graph;
    use crate::history::{History, Writer};
    use crate::ingest::Input;

    #[test]
    fn an_unknown_system_is_null() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let (dump, file) = (directory.path().join("jobs.jsonl"), directory.path().join("history"));
        let [user, input] = ["a", "b"].map(|digit| format!("/nix/store/{}-{digit}.drv", digit.repeat(32)));
        let job = format!("{{\"attr\":\"a\",\"drvPath\":\"{user}\",\"inputDrvs\":{{\"{input}\":[\"out\"]}}}}");
        std::fs::write(&dump, job).expect("written");
        let graph = Graph::import(&[Input::Path(dump)], &()).expect("a graph");
        Writer::open(&file, Duration::ZERO).and_then(|mut writer| writer.append("a", 0, &graph)).expect("added");
        let history = History::open(&file).expect("a history");
        for table in graph_tables(&graph).iter().chain(&history_tables(&history)) {
            for column in table.columns.iter().filter(|column| column.name == "system") {
                let Values::Text(system) = &column.values else { panic!("it is text") };
                assert!((0..table.rows).all(|row| system(row).is_none()), "{}", table.name);
            }
        }
    }

    #[test]
    fn rows_are_found() {
        let spread = Spread::new([2, 0, 0, 3, 1, 0].into_iter());
        let found: Vec<_> = (0..spread.rows()).map(|row| spread.find(row)).collect();
        assert_eq!(found, [(0, 0), (0, 1), (3, 0), (3, 1), (3, 2), (4, 0)]);
        assert_eq!(Spread::new(std::iter::empty()).rows(), 0);
    }
}
