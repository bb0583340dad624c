//! The JSON of every report keeps to its schema, and its counts agree: with each other, with the dumps, and with what
//! other programs counted.

mod cadence;
mod check;
mod checkout;
#[path = "../shared/commands.rs"]
mod commands;
mod cost;
mod diff;
mod dump;
mod estimate;
mod example;
mod history;
mod impact;
mod info;
mod ledger;
mod notify;
mod plan;
mod published;
mod rank;
mod schemas;
mod security;
mod support;
mod tests;
mod upgrade;
mod why;
