//! `waves next`: what may be built now.

use waves_core::ledger::Next;
use waves_core::report::NextReport;

use crate::args::{Args, NextArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{ledger, load, output};

pub(crate) fn run(args: &Args, options: &NextArgs) -> Result<Verdict, Failure> {
    let ledger = ledger::read(&options.ledger)?;
    let (wave, plan) = ledger::wave(&ledger, &options.ledger, options.wave.typed())?;
    let graph = load::graph(args)?;
    let situation = Situation::new(&graph, &plan, options.wave.hydra)?;
    let status = situation.status(&ledger, wave)?;
    let behind = ledger::names(&plan).into_iter().find(|&name| name > wave);
    let next_status = behind.map(|name| situation.status(&ledger, name)).transpose()?;
    let next = Next::new(&status, next_status.as_ref());
    if options.paths {
        let paths: String = next.ready.iter().map(|derivation| derivation.path() + "\n").collect();
        output::print_bytes(paths.as_bytes())?;
    } else {
        output::print(&NextReport::new(&status, behind, &next, options.format.limit()), &options.format)?;
    }
    Ok(Verdict::Fine)
}
