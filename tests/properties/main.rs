//! Graphs, analyses, plans and snapshots of random package sets, against a naive model of the same sets.

mod cadences;
mod causes;
mod chain;
mod costs;
mod counts;
mod diffs;
mod exports;
mod histories;
mod history;
mod impacts;
mod ledger;
mod majors;
mod model;
mod notices;
mod packages;
mod plans;
mod render;
mod schedules;
mod securities;
mod snapshots;
mod spellings;
mod strategy;
mod suites;
mod sums;
mod support;
mod whys;
