//! What built before a wave: what failures are compared with.

use std::collections::HashMap;

use super::event::{Event, Outcome, RecordedFor};
use super::file::Ledger;
use super::name::WaveName;

/// What became of an attribute since the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It did not build then, and does now.
    Fixed,
    /// It did not build then either.
    StillBroken,
    /// It was not there then, and does not build.
    New,
    /// It built then, and does not now. Only this keeps a wave from being closed.
    Regressed,
}

impl Class {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::StillBroken => "still-broken",
            Self::New => "new",
            Self::Regressed => "regressed",
        }
    }
}

/// What is known of something from before a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Built,
    Failed,
    /// It was there, and no result says what became of it.
    There,
}

/// What built before a wave, by attribute path (by name, where there is none) and system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    known: HashMap<String, Vec<(String, Before)>>,
    /// What was recorded before the major wave covers everything that was there.
    is_whole: bool,
    /// What it is made of: tags, and `baseline` for what was recorded before the major wave.
    pub sources: Vec<String>,
}

impl Baseline {
    /// What the ledger says of the time before a wave: what was recorded before its major wave, and what built and failed in
    /// the earlier waves that are closed, as they were when they were tagged. Later waves count more. O(entries log entries).
    pub fn of(ledger: &Ledger, wave: WaveName) -> Self {
        let closed: HashMap<WaveName, usize> =
            ledger.tags().filter(|(_, tag)| !tag.pre && tag.wave < wave).map(|(at, tag)| (tag.wave, at)).collect();
        // Of a wave: the results until its tag, and then what the tag says. Before the first wave: what was recorded before it.
        let counts = |(at, event): (usize, &Event)| match event {
            Event::Record(record) => match record.of {
                RecordedFor::Baseline(major) => (major == wave.major).then_some(((major, 0), at)),
                RecordedFor::Wave(of) => closed.get(&of).filter(|tagged| at < **tagged).map(|_| ((of.major, of.minor), at)),
            },
            Event::Tag(tag) => (closed.get(&tag.wave) == Some(&at)).then_some(((tag.wave.major, tag.wave.minor), at)),
            _ => None,
        };
        let events = || ledger.entries().iter().map(|entry| &entry.event).enumerate();
        let mut order: Vec<((u32, u32), usize)> = events().filter_map(counts).collect();
        order.sort_unstable();
        let mut baseline = Self::default();
        for (_, at) in order {
            baseline.take_in(&ledger.entries()[at].event);
        }
        baseline
    }

    fn take_in(&mut self, event: &Event) {
        match event {
            Event::Record(record) => {
                if matches!(record.of, RecordedFor::Baseline(_)) && !self.is_whole {
                    self.is_whole = true;
                    self.sources.push("baseline".to_owned());
                }
                let before = match record.status {
                    Outcome::Succeeded => Before::Built,
                    silent if silent.is_silent() => Before::There,
                    _ => Before::Failed,
                };
                for attribute in &record.attributes {
                    self.set(attribute, &record.system, before);
                }
            }
            Event::Tag(tag) => {
                for (system, failing) in &tag.failing {
                    for name in failing {
                        self.set(name, system, Before::Failed);
                    }
                }
                self.sources.push(tag.tag.clone());
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, system: &str, before: Before) {
        let systems = self.known.entry(name.to_owned()).or_default();
        match systems.iter_mut().find(|(known, _)| known == system) {
            Some((_, known)) if before != Before::There => *known = before,
            Some(_) => {}
            None => systems.push((system.to_owned(), before)),
        }
    }

    /// Whether nothing is known of before.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn before(&self, name: &str, system: &str) -> Option<Before> {
        let systems = self.known.get(name)?;
        let of = |wanted: &str| systems.iter().find(|(known, _)| known == wanted).map(|(_, before)| *before);
        let own = of(system);
        own.filter(|before| *before != Before::There).or_else(|| of("")).or(own)
    }

    /// Whether something built; `None` if that is not known. A result without a system is of all systems.
    pub fn built(&self, name: &str, system: &str) -> Option<bool> {
        self.before(name, system).filter(|before| *before != Before::There).map(|before| before == Before::Built)
    }

    /// Whether something was there, and no result says that it did not build.
    pub(super) fn may_have_built(&self, name: &str, system: &str) -> bool {
        matches!(self.before(name, system), Some(Before::Built | Before::There))
    }

    /// What became of something that does not build now.
    ///
    /// Of what is not known it is assumed that it built, unless all that was there before was recorded: then it is new.
    pub fn failing(&self, name: &str, system: &str) -> Class {
        match self.before(name, system) {
            Some(Before::Failed) => Class::StillBroken,
            None if self.is_whole => Class::New,
            Some(Before::Built | Before::There) | None => Class::Regressed,
        }
    }
}
