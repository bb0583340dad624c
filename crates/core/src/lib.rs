//! Reverse-dependency impact and wave planning for Nix package sets, offline, from evaluation dumps.
//!
//! Six nouns, in the order in which data flows; each stage uses only those before it:
//!
//! 1. [`ingest::Ingest`]: what dumps say, record by record ([`ingest`]);
//! 2. [`graph::Graph`]: one derivation graph, in memory or mapped from a snapshot ([`graph`]);
//! 3. [`cost::Costs`]: what its derivations cost to build, as far as anybody measured it ([`cost`]);
//! 4. [`analysis::Impact`]: what a change rebuilds ([`analysis`]);
//! 5. [`plan::Plan`]: in which order, cut into waves ([`plan`]);
//! 6. [`report::PlanReport`]: what is said of it, as text, JSON, a table or a picture ([`report`]).
//!
//! Upgrades of many packages at once are planned by [`major`], put on builders by [`schedule`], followed to their tags by
//! [`ledger`] and handed to engines by [`export`]; [`suite`], [`cadence`] and [`security`] answer what comes up on the way.
//!
//! [`history`] keeps many evaluations in one file and answers for all of them at once; [`tables`] hands either to engines that ask in SQL.
//!
//! The library returns values: it prints nothing, exits nowhere and reads no environment itself. Of the libraries beneath it, libgit2
//! reads git's configuration in `$HOME`, and rayon `$RAYON_NUM_THREADS`, unless there is a pool of threads already.
//!
//! ```
//! use std::path::Path;
//!
//! use waves_core::analysis::{Scope, select};
//! use waves_core::graph::Graph;
//! use waves_core::ingest::Input;
//! use waves_core::plan::{PlanOptions, plan, verify};
//! use waves_core::report::{Format, PlanDetail, PlanReport, write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Two dumps of one evaluation: edges from the derivations, names from the attributes.
//! let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/dumps");
//! let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(dumps.join(dump)));
//! let graph = Graph::import(&inputs, &())?;
//!
//! // The package `glibc` is several derivations: bootstrap stages, other systems.
//! let roots = select(&graph, &["glibc".to_owned()], Scope::Package, None)?;
//! assert_eq!(roots[0].derivations.len(), 4);
//!
//! // What a change of it rebuilds, and in which order.
//! let planned = plan(&graph, roots, &PlanOptions::default())?;
//! assert_eq!(planned.impact.rebuild_counts().derivations, 174);
//! assert_eq!(planned.levels.len(), 40);
//! assert!(verify(&graph, &planned).is_empty());
//!
//! let mut text = Vec::new();
//! write(&PlanReport::new(&graph, &planned, None, PlanDetail::Waves, 20), Format::Text, None, &mut text)?;
//! assert!(String::from_utf8(text)?.contains("124 packages in 40 levels, cut into 12 waves"));
//! # Ok(())
//! # }
//! ```

pub mod analysis;
pub mod cadence;
pub mod config;
pub mod cost;
pub mod error;
pub mod estimate;
pub mod export;
pub mod files;
pub mod graph;
pub mod history;
#[cfg(feature = "html")]
pub mod html;
pub mod ingest;
pub mod ledger;
pub mod major;
pub mod notify;
pub mod plan;
pub mod policy;
pub mod progress;
pub mod report;
pub mod schedule;
pub mod security;
pub mod store_path;
pub mod suite;
pub mod tables;
pub mod text;
