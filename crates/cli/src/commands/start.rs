//! `waves start`: a plan becomes a major wave.

use std::io::{self, Read as _};
use std::path::Path;

use waves_core::error::Error;
use waves_core::ledger::Event;
use waves_core::major::PlanFile;
use waves_core::report::DecisionReport;
use waves_core::text::counted;

use crate::args::StartArgs;
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{clock, ledger, output};

pub(crate) fn run(options: &StartArgs) -> Result<Verdict, Failure> {
    output::check::<DecisionReport>(&options.format)?;
    let bytes = read(&options.plan)?;
    let plan = PlanFile::parse(&bytes, &options.plan.display().to_string())?;
    let name = format!("wave-{}", plan.major);
    let mut writer = ledger::write_new(options.ledger.as_deref(), "start")?;
    if writer.ledger().starts().any(|start| start.major == plan.major) {
        let reason = format!("{name} was started already (hint: a new plan is a new major wave: `waves plan --major {}`)", plan.major + 1);
        output::print(&DecisionReport::refused("start", name, vec![reason]), &options.format)?;
        return Ok(Verdict::LimitExceeded);
    }
    let cut = writer.start(clock::now()?, &plan, &bytes)?;
    output::cut_off(cut);
    let event = writer.ledger().starts().last().cloned().map(Event::Start);
    let notes = vec![
        format!("{} in {}", counted(plan.updates.len(), "update", "updates"), counted(plan.waves.len(), "wave", "waves")),
        format!("ledger: {}", writer.ledger().path().display()),
    ];
    output::print(&DecisionReport::accepted("start", name, event, notes), &options.format)?;
    Ok(Verdict::Fine)
}

/// The plan, decompressed: the ledger keeps it as it is read again.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        return Ok(bytes);
    }
    Ok(PlanFile::bytes(path)?)
}
