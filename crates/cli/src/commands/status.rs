//! `waves status`: where a wave stands.

use waves_core::cost::{Costs, Durations, Sources};
use waves_core::report::StatusReport;

use crate::args::{Args, StatusArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{ledger, load, output};

pub(crate) fn run(args: &Args, options: &StatusArgs) -> Result<Verdict, Failure> {
    let ledger = ledger::read(&options.ledger)?;
    let (wave, plan) = ledger::wave(&ledger, &options.ledger, options.wave.typed())?;
    let graph = load::graph(args)?;
    let situation = Situation::new(&graph, &plan, options.wave.hydra)?;
    let status = situation.status(&ledger, wave)?;
    let durations = if options.durations.is_empty() { None } else { Some(Durations::read(&options.durations)?) };
    let costs = durations.map(|durations| Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() })).transpose()?;
    let limit = options.format.limit();
    let mut report = StatusReport::new(&status, &situation.plan, &ledger, costs.as_ref(), options.builders, limit);
    if options.history {
        report = situation.with_history(report, &ledger, wave, &plan)?;
    }
    output::print(&report, &options.format)?;
    Ok(Verdict::Fine)
}
