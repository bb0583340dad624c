//! `waves retry`: what failed is tried again.

use waves_core::ledger::{Event, retry};
use waves_core::report::DecisionReport;
use waves_core::text::counted;

use crate::args::{Args, RetryArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{clock, ledger, load, output};

pub(crate) fn run(args: &Args, options: &RetryArgs) -> Result<Verdict, Failure> {
    output::check::<DecisionReport>(&options.format)?;
    let graph = load::graph(args)?;
    let mut writer = ledger::write(&options.ledger, "retry")?;
    let (wave, plan) = ledger::wave(writer.ledger(), &options.ledger, options.wave.typed())?;
    let situation = Situation::new(&graph, &plan, options.wave.hydra)?;
    let derivations: Vec<_> = situation.package(&options.package)?.into_iter().flat_map(|root| root.derivations).collect();
    let decided = retry(&situation.status(writer.ledger(), wave)?, &options.package, &derivations, options.force);
    let retry = match decided {
        Ok(retry) => retry,
        Err(reasons) => {
            output::print(&DecisionReport::refused("retry", wave.to_string(), reasons), &options.format)?;
            return Ok(Verdict::LimitExceeded);
        }
    };
    output::cut_off(writer.append(clock::now()?, [Event::Retry(retry.clone())])?);
    let note = format!("{} to be built again", counted(retry.derivations.len(), "derivation", "derivations"));
    output::print(&DecisionReport::accepted("retry", wave.to_string(), Some(Event::Retry(retry)), vec![note]), &options.format)?;
    Ok(Verdict::Fine)
}
