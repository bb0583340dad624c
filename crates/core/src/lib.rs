//! wip
pub mod error;
pub mod graph;
pub mod ingest;
pub mod progress;
pub mod store_path;
