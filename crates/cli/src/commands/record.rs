//! `waves record`: results of builds, tied to derivations.

use waves_core::ledger::{Event, Matched, RecordedFor, Results, match_results};
use waves_core::report::RecordReport;

use crate::args::{Args, RecordArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{clock, ledger, load, output};

pub(crate) fn run(args: &Args, options: &RecordArgs) -> Result<Verdict, Failure> {
    output::check::<RecordReport>(&options.format)?;
    let graph = load::graph(args)?;
    let files: Vec<Results> = options.files.iter().map(|file| Results::read(file)).collect::<Result<_, _>>()?;
    // Everything is read: from here on no other writer comes between.
    let mut writer = ledger::write(&options.ledger, "record")?;
    let (of, name) = if options.baseline {
        (RecordedFor::Baseline(ledger::major(writer.ledger(), &options.ledger)?), "baseline".to_owned())
    } else {
        let (wave, _) = ledger::wave(writer.ledger(), &options.ledger, options.wave.as_deref())?;
        (RecordedFor::Wave(wave), wave.to_string())
    };
    let now = clock::now()?;
    let mut cut = 0;
    let mut recorded: Vec<(Results, Matched)> = Vec::new();
    for results in files {
        let matched = match_results(&graph, writer.ledger(), &results, of);
        if !matched.records.is_empty() {
            cut += writer.append(now, matched.records.iter().cloned().map(Event::Record))?;
        }
        recorded.push((results, matched));
    }
    output::print(&RecordReport::new(&name, &recorded, cut), &options.format)?;
    Ok(Verdict::Fine)
}
