//! `waves tag`: a wave is closed, or marked as still open.

use waves_core::ledger::{Event, Ledger, NewTag, TagEvent, TagRepository, Tagged, Tagger, WaveName, open_reasons};
use waves_core::report::{DecisionReport, StatusReport};

use crate::args::{Args, TagArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::ledger::Situation;
use crate::{clock, ledger, load, output};

pub(crate) fn run(args: &Args, options: &TagArgs) -> Result<Verdict, Failure> {
    output::check::<DecisionReport>(&options.format)?;
    let tagger = options.tagger.as_deref().map(|text| Tagger::parse(text).ok_or_else(|| unreadable(text))).transpose()?;
    let graph = load::graph(args)?;
    let repository = TagRepository::discover(&options.repo)?;
    let mut writer = ledger::write(&options.ledger, "tag")?;
    let (wave, plan) = ledger::wave(writer.ledger(), &options.ledger, Some(&options.wave))?;
    let situation = Situation::new(&graph, &plan, options.hydra)?;
    let status = situation.status(writer.ledger(), wave)?;
    let name = wave.tag(options.pre);
    let mut reasons = tagged_before(writer.ledger(), wave, &name);
    if !options.pre {
        reasons.extend(open_reasons(&status, writer.ledger(), &ledger::names(&plan)));
    }
    if !reasons.is_empty() {
        return refuse(options, wave, reasons);
    }
    let now = clock::now()?;
    let report = StatusReport::new(&status, &situation.plan, writer.ledger(), None, None, usize::MAX);
    let message = report.tag_message(&name);
    let failing = status.failing();
    let new = NewTag { name: &name, revision: options.commit.as_deref(), message: &message, tagger: tagger.as_ref(), time: now };
    let (commit, note) = match repository.tag(&new)? {
        Tagged::Made { commit } => (commit, "tag made"),
        Tagged::Found { commit } => (commit, "the repository had the tag already"),
        Tagged::Elsewhere { commit, wanted } => {
            let reason = format!("{name} is {commit} already, not {wanted}: a tag is never moved");
            return refuse(options, wave, vec![reason]);
        }
    };
    let event = Event::Tag(TagEvent { wave, tag: name.clone(), commit: commit.clone(), pre: options.pre, failing });
    output::cut_off(writer.append(now, [event.clone()])?);
    let notes = vec![format!("{name} is {commit}"), note.to_owned()];
    output::print(&DecisionReport::accepted("tag", wave.to_string(), Some(event), notes), &options.format)?;
    Ok(Verdict::Fine)
}

/// A tag is made once.
fn tagged_before(ledger: &Ledger, wave: WaveName, name: &str) -> Vec<String> {
    let tag = ledger.closed(wave).or_else(|| ledger.last_tag(wave).filter(|tag| tag.tag == name));
    tag.map(|tag| format!("it is tagged already: {} is {}", tag.tag, tag.commit)).into_iter().collect()
}

fn refuse(options: &TagArgs, wave: WaveName, reasons: Vec<String>) -> Result<Verdict, Failure> {
    output::print(&DecisionReport::refused("tag", wave.to_string(), reasons), &options.format)?;
    Ok(Verdict::LimitExceeded)
}

fn unreadable(text: &str) -> Failure {
    Failure::Usage(format!("--tagger `{text}`: write it as `NAME <ADDRESS>`"))
}
