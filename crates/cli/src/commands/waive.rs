//! `waves waive`: a failure is let be.

use waves_core::ledger::{Event, State, Until, Waiver, WaiverKind, WaveName, Writer};
use waves_core::report::DecisionReport;
use waves_core::text::counted;

use crate::args::{Args, WaiveArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{clock, ledger, load, output};

pub(crate) fn run(args: &Args, options: &WaiveArgs) -> Result<Verdict, Failure> {
    output::check::<DecisionReport>(&options.format)?;
    let until = Until::parse(&options.until).map_err(|reason| Failure::Usage(format!("--until: {reason}")))?;
    let graph = load::graph(args)?;
    let mut writer = ledger::write(&options.ledger, "waive")?;
    let (wave, plan) = ledger::wave(writer.ledger(), &options.ledger, options.wave.typed())?;
    let situation = Situation::new(&graph, &plan, options.wave.hydra)?;
    situation.package(&options.package)?;
    if until.is_over(situation.today(), wave) {
        return Err(Failure::Usage(format!("--until {until}: that is over already")));
    }
    if let Until::Wave(last) = &until {
        if last.major != wave.major {
            return Err(Failure::Usage(format!("--until {until}: {wave} is of another major wave")));
        }
        plan.wave(&last.to_string())?;
    }
    let waiver = Waiver {
        package: options.package.clone(),
        wave,
        kind: if options.cant_fix { WaiverKind::CantFix } else { WaiverKind::WontFix },
        reason: options.reason.clone(),
        until,
        who: options.by.clone().unwrap_or_else(ledger::user),
    };
    let waived_before = waived(&situation, &writer, wave)?;
    output::cut_off(writer.append(clock::now()?, [Event::Waive(waiver.clone())])?);
    let waived_now = waived(&situation, &writer, wave)?;
    let more = [0, 1].map(|at| waived_now[at].saturating_sub(waived_before[at]));
    let note = match more {
        [0, 0] => "nothing of it is failing or unbuilt in this evaluation".to_owned(),
        [0, more] => format!("{} waived", counted(more, "attribute that does not evaluate is", "attributes that do not evaluate are")),
        [more, _] => format!("{} of the wave waived with it, what needs it included", counted(more, "derivation", "derivations")),
    };
    output::print(&DecisionReport::accepted("waive", wave.to_string(), Some(Event::Waive(waiver)), vec![note]), &options.format)?;
    Ok(Verdict::Fine)
}

/// How many derivations are waived, and attributes that do not evaluate.
fn waived(situation: &Situation<'_>, writer: &Writer, wave: WaveName) -> Result<[usize; 2], Failure> {
    let status = situation.status(writer.ledger(), wave)?;
    let attributes = status.evaluation_failures.iter().filter(|failure| failure.is_waived).count();
    Ok([status.in_state(State::Waived).count(), attributes])
}
