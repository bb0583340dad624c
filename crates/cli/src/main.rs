//! `waves`: what a change of a Nix package set rebuilds, why, and in which order.

mod args;
mod cache;
mod change;
mod clock;
mod commands;
mod config;
mod cost;
mod exit_code;
mod explore;
mod github;
mod ledger;
mod load;
mod nearest;
mod output;
mod progress;
mod schedule;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use exit_code::exit_code;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(&error),
    };
    match commands::run(&args) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            output::failure(&error);
            exit_code(&error)
        }
    }
}
