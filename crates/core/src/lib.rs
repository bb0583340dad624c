//! wip
pub mod analysis;
pub mod error;
pub mod graph;
pub mod ingest;
pub mod plan;
pub mod progress;
pub mod report;
pub mod store_path;
