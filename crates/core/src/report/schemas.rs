//! The report of `waves schema`, and the schemas themselves: what the JSON of every report keeps to.

use serde::{Deserialize, Serialize};

use super::document::{Column, Document, Table};
use super::{FORMAT_VERSION, Report};
use crate::analysis::similar;
use crate::error::{Error, Result};

/// A JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its name: that of its file in `schema/`, without `.schema.json`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($name:literal)*) => {
        &[$(Schema { name: $name, text: include_str!(concat!("../../schema/", $name, ".schema.json")) }),*]
    };
}

/// Every schema, by name.
pub const SCHEMAS: &[Schema] = schemas! {
    "cadence"
    "check"
    "decision"
    "diff"
    "estimate"
    "explain"
    "groups"
    "history"
    "history-rebuilds"
    "impact"
    "info"
    "matrix"
    "next"
    "notify"
    "notify-index"
    "plan"
    "plan-diff"
    "rank"
    "record"
    "request"
    "schemas"
    "security"
    "status"
    "tests"
    "upgrade"
    "verify"
    "why"
};

/// The schema of a name.
///
/// # Errors
///
/// [`Error::UnknownSchema`] with the nearest names.
pub fn schema(name: &str) -> Result<&'static Schema> {
    SCHEMAS
        .iter()
        .find(|schema| schema.name == name)
        .ok_or_else(|| Error::UnknownSchema { name: name.to_owned(), suggestions: similar(SCHEMAS.iter().map(|schema| schema.name), name) })
}

/// Which schemas there are.
#[derive(Clone, Debug, Serialize)]
pub struct SchemasReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The schemas, by name.
    pub schemas: Vec<SchemaReport>,
}

/// A schema, and what it says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct SchemaReport {
    /// Its name.
    pub name: String,
    /// What writes the JSON.
    pub title: String,
    /// What is in it.
    pub description: String,
}

/// What a schema says of itself.
#[derive(Default, Deserialize)]
struct Head {
    title: String,
    description: String,
}

impl SchemasReport {
    /// Of all schemas.
    pub fn new() -> Self {
        Self { format_version: FORMAT_VERSION, schemas: SCHEMAS.iter().map(SchemaReport::new).collect() }
    }
}

impl Default for SchemasReport {
    fn default() -> Self {
        Self::new()
    }
}

impl SchemaReport {
    fn new(schema: &Schema) -> Self {
        let Head { title, description } = serde_json::from_str(schema.text).unwrap_or_default();
        Self { name: schema.name.to_owned(), title, description }
    }
}

impl Report for SchemasReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        let mut table = Table::new(&[Column::Word("schema"), Column::Text("of"), Column::Text("what it describes")]);
        table.rows =
            self.schemas.iter().map(|schema| vec![schema.name.clone(), schema.title.clone(), schema.description.clone()]).collect();
        document.table(table);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["schemas"]
    }
}
