//! The report of `waves status`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::EvaluationReport;
use super::{FORMAT_VERSION, Report};
use crate::cost::Costs;
use crate::graph::Derivation;
use crate::ledger::{Class, Ledger, Moment, RedRoot, State, StateCounts, WaveName, WaveStatus, open_reasons};
use crate::major::ResolvedPlan;
use crate::schedule::{Fleet, simulate};
use crate::text::{counted, duration, first_few, limited, number};

/// Red roots that are named beside what they block.
const NAMED: usize = 5;

/// Where a wave stands.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation at hand.
    pub evaluation: EvaluationReport,
    /// The wave.
    pub wave: String,
    /// What it updates.
    pub updates: Vec<String>,
    /// Whether it is closed.
    pub closed: bool,
    /// Why it cannot be closed; nothing if it is, or can be.
    pub reasons: Vec<String>,
    /// Every wave of the major wave.
    pub waves: Vec<WaveLine>,
    /// Attributes and derivations by state.
    pub counts: StatusCounts,
    /// Green over what is decided: green, red, blocked, waived.
    pub greenness: GreennessReport,
    /// What became of attributes since the baseline.
    pub classes: ClassesReport,
    /// What failures are compared with: tags, and `baseline` for what was recorded before the major wave.
    pub baseline: Vec<String>,
    /// Recorded results by whether they count.
    pub results: ResultsReport,
    /// What failed itself, what blocks most first.
    pub roots: Vec<RootCauseReport>,
    /// Red roots that were left out.
    pub roots_omitted: usize,
    /// What is blocked, and by what.
    pub blocked: Vec<BlockedReport>,
    /// Blocked derivations that were left out.
    pub blocked_omitted: usize,
    /// Attributes that do not evaluate.
    pub evaluation_failures: Vec<EvaluationFailureReport>,
    /// Those that were left out.
    pub evaluation_failures_omitted: usize,
    /// Built at last, after a failure of the very same derivation.
    pub flaky: Vec<String>,
    /// What is let be.
    pub waivers: Vec<WaiverReport>,
    /// Build time of what is still to be built; null without build times.
    pub remaining: Option<RemainingReport>,
    /// How it came about, first to last; null unless that was asked.
    pub history: Option<Vec<MomentReport>>,
    /// Bytes of a line that a killed writer left unfinished.
    pub unfinished_bytes: u64,
    #[serde(skip)]
    limit: usize,
}

/// A wave of a major wave.
#[derive(Clone, Debug, Serialize)]
pub struct WaveLine {
    /// Its name.
    pub wave: String,
    /// How many updates it has.
    pub updates: usize,
    /// Attributes that it rebuilds in this evaluation.
    pub attributes: usize,
    /// Derivations that it rebuilds in this evaluation.
    pub derivations: usize,
    /// Its tag, if it has one; the one that closes it, if it is closed.
    pub tag: Option<String>,
    /// The commit that the tag names.
    pub commit: Option<String>,
    /// What of it is in which state; null unless the history was asked.
    pub counts: Option<StatusCounts>,
}

/// Where the wave stood at a time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MomentReport {
    /// In seconds since 1970.
    pub time: u64,
    /// Attributes and derivations by state.
    pub counts: StatusCounts,
    /// Green over what is decided, of attributes; null where nothing is.
    pub greenness: Option<f64>,
}

/// Attributes and derivations.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StateReport {
    /// Attributes.
    pub attributes: usize,
    /// Derivations.
    pub derivations: usize,
}

impl From<StateCounts> for StateReport {
    fn from(StateCounts { attributes, derivations }: StateCounts) -> Self {
        Self { attributes, derivations }
    }
}

/// Attributes and derivations by state: each is in one.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StatusCounts {
    /// Built.
    pub green: StateReport,
    /// Failed itself.
    pub red: StateReport,
    /// Needs something that is red.
    pub blocked: StateReport,
    /// Let be, or needs something that is.
    pub waived: StateReport,
    /// Being built.
    pub building: StateReport,
    /// All that it needs of the wave is built.
    pub ready: StateReport,
    /// Something that it needs is not built yet.
    pub pending: StateReport,
    /// Not built, and not expected to be: marked broken.
    pub not_expected: StateReport,
}

impl StatusCounts {
    /// Of what [`WaveStatus::counts`] tells.
    fn new((by_state, not_expected): ([StateCounts; State::ALL.len()], StateCounts)) -> Self {
        let count = |state: State| by_state[state as usize].into();
        Self {
            green: count(State::Green),
            red: count(State::Red),
            blocked: count(State::Blocked),
            waived: count(State::Waived),
            building: count(State::Building),
            ready: count(State::Ready),
            pending: count(State::Pending),
            not_expected: not_expected.into(),
        }
    }

    fn rows(&self) -> [(&'static str, StateReport); 8] {
        [
            ("green", self.green),
            ("red", self.red),
            ("blocked", self.blocked),
            ("waived", self.waived),
            ("building", self.building),
            ("ready", self.ready),
            ("pending", self.pending),
            ("not expected", self.not_expected),
        ]
    }
}

/// A share from 0 to 1 that is green; null where nothing is decided, or no build times are known.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GreennessReport {
    /// Of attributes.
    pub attributes: Option<f64>,
    /// Of build time.
    pub build_time: Option<f64>,
}

/// Attributes by what became of them since the baseline.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClassesReport {
    /// Built then, fail now, or are blocked.
    pub regressed: usize,
    /// Failed then, build now.
    pub fixed: usize,
    /// Failed then and now.
    pub still_broken: usize,
    /// Were not there then, fail now.
    pub new: usize,
    /// Derivations that failed and then built, without a change.
    pub flaky: usize,
}

/// Results by whether they count.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ResultsReport {
    /// Of derivations of the wave.
    pub counted: usize,
    /// Of derivations that the wave does not rebuild.
    pub outside: usize,
    /// Of derivations of other evaluations.
    pub other_evaluations: usize,
}

/// A red root.
#[derive(Clone, Debug, Serialize)]
pub struct RootCauseReport {
    /// Its attribute, or its name.
    pub package: String,
    /// Its store path.
    pub derivation: String,
    /// How it failed.
    pub status: &'static str,
    /// The worst of it and what it blocks: regressed, new or still-broken.
    pub class: &'static str,
    /// Attributes of it and of what it blocks that are regressed.
    pub regressed: usize,
    /// What it blocks, itself left out.
    pub blocks: StateReport,
    /// Updates of the wave that may be the cause.
    pub suspects: Vec<String>,
    /// Of several suspects, those to revert first: half of them, by risk.
    pub revert_first: Vec<String>,
    /// How often it was tried again.
    pub retries: usize,
}

/// A blocked derivation.
#[derive(Clone, Debug, Serialize)]
pub struct BlockedReport {
    /// Its attribute, or its name.
    pub package: String,
    /// Its store path.
    pub derivation: String,
    /// Red roots that block it, those that block most first; a few.
    pub roots: Vec<String>,
    /// Those that were left out.
    pub roots_omitted: usize,
}

/// An attribute that does not evaluate.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluationFailureReport {
    /// The attribute.
    pub attribute: String,
    /// What Nix says.
    pub error: String,
    /// Regressed, new or still-broken.
    pub class: &'static str,
    /// Whether it is let be.
    pub waived: bool,
}

/// A waiver.
#[derive(Clone, Debug, Serialize)]
pub struct WaiverReport {
    /// The package.
    pub package: String,
    /// The wave from which on it counts.
    pub wave: String,
    /// `wont-fix` or `cant-fix`.
    pub kind: &'static str,
    /// Why.
    pub reason: String,
    /// The last day or wave that it counts in.
    pub until: String,
    /// Who decided it.
    pub who: String,
    /// Whether that is over.
    pub expired: bool,
    /// Whether the evaluation has no such package.
    pub unknown: bool,
    /// Derivations of the package that are not built.
    pub derivations: usize,
}

/// Build time of what is still to be built.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RemainingReport {
    /// On one builder.
    pub seconds: u64,
    /// Of the longest chain: on any number of builders.
    pub longest_chain_seconds: u64,
    /// Builders.
    pub builders: Option<u32>,
    /// On these builders, what most waits for first; null without a number of builders.
    pub eta_seconds: Option<u64>,
    /// No schedule on these builders is faster.
    pub at_least_seconds: u64,
    /// No schedule on these builders that keeps them busy is slower; null without a number of builders.
    pub at_most_seconds: Option<u64>,
}

impl StatusReport {
    /// Of a wave; lists are cut after `limit`. `builders` is how many build at once, if that is known.
    pub fn new(
        status: &WaveStatus<'_>,
        plan: &ResolvedPlan,
        ledger: &Ledger,
        costs: Option<&Costs<'_>>,
        builders: Option<u32>,
        limit: usize,
    ) -> Self {
        let classes = status.classes();
        let class = |class: Class| classes.get(&class).copied().unwrap_or(0);
        let closed = ledger.closed(status.name).is_some();
        let names: Vec<WaveName> = plan.waves.iter().filter_map(|wave| WaveName::parse(&wave.name)).collect();
        let model = costs.and_then(Costs::model);
        let blocked: Vec<Derivation<'_>> = status.in_state(State::Blocked).filter(|blocked| status.is_expected(blocked.ix())).collect();
        let cut = |len: usize| len.saturating_sub(limit);
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(status.graph),
            wave: status.name.to_string(),
            updates: status.wave.updates.iter().map(|update| update.package.clone()).collect(),
            closed,
            reasons: if closed { Vec::new() } else { open_reasons(status, ledger, &names) },
            waves: wave_lines(status, plan, ledger),
            counts: StatusCounts::new(status.counts()),
            greenness: GreennessReport {
                attributes: status.greenness(|derivation| derivation.attributes().len() as u64),
                build_time: model.and_then(|model| status.greenness(|derivation| u64::from(model.seconds(derivation.ix())))),
            },
            classes: ClassesReport {
                regressed: class(Class::Regressed),
                fixed: class(Class::Fixed),
                still_broken: class(Class::StillBroken),
                new: class(Class::New),
                flaky: status.flaky.len(),
            },
            baseline: status.baseline.sources.clone(),
            results: ResultsReport {
                counted: status.results.counted,
                outside: status.results.outside,
                other_evaluations: status.results.other_evaluations,
            },
            roots: status.roots.iter().take(limit).map(|root| RootCauseReport::new(status, root)).collect(),
            roots_omitted: cut(status.roots.len()),
            blocked: blocked.iter().take(limit).map(|derivation| BlockedReport::new(status, *derivation)).collect(),
            blocked_omitted: cut(blocked.len()),
            evaluation_failures: evaluation_failures(status, limit),
            evaluation_failures_omitted: cut(status.evaluation_failures.len()),
            flaky: status.flaky.iter().map(|derivation| derivation.label().to_owned()).collect(),
            waivers: waivers(status),
            remaining: costs.and_then(|costs| RemainingReport::new(status, costs, builders)),
            history: None,
            unfinished_bytes: ledger.torn_bytes(),
            limit,
        }
    }

    /// The same with how it came about, and where each wave of the major wave stands, in their order.
    #[must_use]
    pub fn with_history(mut self, moments: &[Moment], waves: &[WaveStatus<'_>]) -> Self {
        self.history = Some(moments.iter().map(MomentReport::new).collect());
        for (line, status) in self.waves.iter_mut().zip(waves) {
            line.counts = Some(StatusCounts::new(status.counts()));
        }
        self
    }
}

impl MomentReport {
    fn new(moment: &Moment) -> Self {
        let counts = StatusCounts::new(moment.counts);
        let decided: usize = [counts.green, counts.red, counts.blocked, counts.waived].iter().map(|state| state.attributes).sum();
        let greenness = (decided > 0).then(|| counts.green.attributes as f64 / decided as f64);
        Self { time: moment.time, counts, greenness }
    }
}

fn wave_lines(status: &WaveStatus<'_>, plan: &ResolvedPlan, ledger: &Ledger) -> Vec<WaveLine> {
    let line = |wave: &crate::major::ResolvedWave| {
        let counts = status.graph.counts(&wave.rebuilds);
        let tag = WaveName::parse(&wave.name).and_then(|name| ledger.closed(name).or_else(|| ledger.last_tag(name)));
        WaveLine {
            wave: wave.name.clone(),
            updates: wave.updates.len(),
            attributes: counts.attributes,
            derivations: counts.derivations,
            tag: tag.map(|tag| tag.tag.clone()),
            commit: tag.map(|tag| tag.commit.clone()),
            counts: None,
        }
    };
    plan.waves.iter().map(line).collect()
}

fn evaluation_failures(status: &WaveStatus<'_>, limit: usize) -> Vec<EvaluationFailureReport> {
    let failures = status.evaluation_failures.iter().take(limit);
    failures
        .map(|failure| EvaluationFailureReport {
            attribute: failure.attribute.path().to_owned(),
            error: failure.attribute.error().unwrap_or_default().to_owned(),
            class: failure.class.name(),
            waived: failure.is_waived,
        })
        .collect()
}

fn waivers(status: &WaveStatus<'_>) -> Vec<WaiverReport> {
    let report = |applied: &crate::ledger::AppliedWaiver<'_>| WaiverReport {
        package: applied.waiver.package.clone(),
        wave: applied.waiver.wave.to_string(),
        kind: applied.waiver.kind.name(),
        reason: applied.waiver.reason.clone(),
        until: applied.waiver.until.to_string(),
        who: applied.waiver.who.clone(),
        expired: applied.is_expired,
        unknown: applied.is_unknown,
        derivations: applied.derivations,
    };
    status.waivers.iter().map(report).collect()
}

impl RootCauseReport {
    fn new(status: &WaveStatus<'_>, root: &RedRoot<'_>) -> Self {
        let packages = |updates: &[usize]| updates.iter().map(|&at| status.wave.updates[at].package.clone()).collect();
        Self {
            package: root.derivation.label().to_owned(),
            derivation: root.derivation.path(),
            status: root.outcome.name(),
            class: root.class.name(),
            regressed: root.regressed,
            blocks: StateReport { attributes: root.blocked_attributes, derivations: root.blocked_derivations },
            suspects: packages(&root.suspects),
            revert_first: packages(&status.revert_first(&root.suspects)),
            retries: root.retries,
        }
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.package.clone(),
            self.status.to_owned(),
            self.class.to_owned(),
            number(self.blocks.attributes as u64),
            number(self.blocks.derivations as u64),
            number(self.retries as u64),
            self.suspects.join(", "),
        ]
    }
}

impl BlockedReport {
    fn new(status: &WaveStatus<'_>, derivation: Derivation<'_>) -> Self {
        let roots = status.roots_of(derivation.ix());
        let labels = roots.iter().filter_map(|&at| status.roots.get(at as usize)).map(|root| root.derivation.label().to_owned());
        Self {
            package: derivation.label().to_owned(),
            derivation: derivation.path(),
            roots: labels.take(NAMED).collect(),
            roots_omitted: roots.len().saturating_sub(NAMED),
        }
    }
}

impl RemainingReport {
    fn new(status: &WaveStatus<'_>, costs: &Costs<'_>, builders: Option<u32>) -> Option<Self> {
        let (remaining, model) = (status.remaining(), costs.model()?);
        let time = costs.bill(&remaining).time?;
        let schedule = builders.map(|builders| simulate(status.graph, &remaining, |ix| model.seconds(ix), &Fleet::identical(builders)));
        let longest_chain_seconds = time.longest_chain.seconds;
        Some(Self {
            seconds: time.seconds,
            longest_chain_seconds,
            builders,
            // Schedules are in milliseconds.
            eta_seconds: schedule.as_ref().map(|schedule| schedule.makespan.div_ceil(1000)),
            at_least_seconds: schedule.as_ref().map_or(longest_chain_seconds, |schedule| schedule.bounds.lower / 1000),
            at_most_seconds: schedule.map(|schedule| schedule.bounds.upper.div_ceil(1000)),
        })
    }

    fn line(&self) -> String {
        let (one, least) = (duration(self.seconds), duration(self.at_least_seconds));
        match (self.builders, self.eta_seconds, self.at_most_seconds) {
            (Some(builders), Some(eta), Some(most)) => format!(
                "Still to be built: {one} of build time; on {}, {} ({least} at least, {} at most)",
                counted(builders as usize, "builder", "builders"),
                duration(eta),
                duration(most)
            ),
            _ => format!("Still to be built: {one} of build time; {least} at least, on any number of builders"),
        }
    }
}

/// A share in percent.
fn share(share: f64) -> String {
    // Rounded down: all is green only when all is.
    format!("{:.1} %", (share * 1000.0).floor() / 10.0)
}

impl Report for StatusReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        let state = match (self.closed, self.reasons.is_empty()) {
            (true, _) => "closed",
            (false, true) => "can be closed",
            (false, false) => "open",
        };
        document.heading(format!("{}: {state}", self.wave));
        document.line(format!("Updates: {}", limited(&self.updates, self.limit)));
        document.line(self.baseline_line());
        let mut table = Table::new(&[Column::Word("state"), Column::Number("attributes"), Column::Number("derivations")]);
        let row =
            |(name, count): (&str, StateReport)| vec![name.to_owned(), number(count.attributes as u64), number(count.derivations as u64)];
        table.rows = self.counts.rows().into_iter().filter(|(name, count)| *name == "green" || count.derivations > 0).map(row).collect();
        document.table(table);
        document.lines(self.summary());
        self.describe_failures(&mut document);
        document.section("Waves", self.wave_table());
        if !self.reasons.is_empty() {
            document.heading(format!("{} cannot be closed", self.wave));
            document.lines(self.reasons.iter().take(20).map(|reason| format!("- {reason}")));
            if self.reasons.len() > 20 {
                document.line(format!("- … and {} more", number((self.reasons.len() - 20) as u64)));
            }
        }
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["roots", "blocked", "evaluation_failures", "waivers", "waves"]
    }
}

impl StatusReport {
    /// The message of a tag: counts, greenness, and what is let be.
    pub fn tag_message(&self, tag: &str) -> String {
        let mut lines = vec![tag.to_owned(), String::new(), format!("Updates: {}", self.updates.join(", "))];
        let row = |(name, count): (&str, StateReport)| {
            let attributes = counted(count.attributes, "attribute", "attributes");
            format!("{name}: {attributes}, {}", counted(count.derivations, "derivation", "derivations"))
        };
        lines.extend(self.counts.rows().into_iter().filter(|(_, count)| count.derivations > 0).map(row));
        lines.extend(self.standing());
        for waiver in self.waivers.iter().filter(|waiver| !waiver.expired) {
            let WaiverReport { package, kind, until, who, reason, .. } = waiver;
            lines.push(format!("Waived: {package} ({kind}, until {until}, by {who}): {reason}"));
        }
        // A name or reason cannot begin a line of its own, nor steer a terminal.
        let clean = |line: &String| line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>() + "\n";
        lines.iter().map(clean).collect()
    }

    fn baseline_line(&self) -> String {
        if self.baseline.is_empty() {
            return "Compared with nothing: whatever fails counts as regressed (hint: waves record --baseline)".to_owned();
        }
        format!("Compared with: {}", self.baseline.join(", "))
    }

    /// How much is green, what became of what, and how long the rest takes.
    fn standing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let by_time = self.greenness.build_time.map_or_else(String::new, |time| format!(", {} by build time", share(time)));
        lines.extend(self.greenness.attributes.map(|attributes| format!("Greenness: {}{by_time}", share(attributes))));
        let ClassesReport { regressed, fixed, still_broken, new, flaky } = self.classes;
        let classes = [(regressed, "regressed"), (fixed, "fixed"), (still_broken, "still broken"), (new, "new"), (flaky, "flaky")];
        let classes: Vec<String> =
            classes.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{} {name}", number(*count as u64))).collect();
        if !classes.is_empty() {
            lines.push(format!("Since then: {}", classes.join(", ")));
        }
        lines.extend(self.remaining.map(|remaining| remaining.line()));
        lines
    }

    /// That, and what the ledger is made of.
    fn summary(&self) -> Vec<String> {
        let mut lines = self.standing();
        let ResultsReport { counted: count, outside, other_evaluations } = self.results;
        lines.push(format!(
            "Results: {} counted, {} of what the wave does not rebuild, {} of other evaluations",
            number(count as u64),
            number(outside as u64),
            number(other_evaluations as u64)
        ));
        if self.unfinished_bytes > 0 {
            lines
                .push(format!("The ledger ends with {} bytes of an unfinished line; the next writer cuts them off", self.unfinished_bytes));
        }
        lines
    }

    fn describe_failures(&self, document: &mut Document) {
        let mut roots = Table::new(&[
            Column::Text("package"),
            Column::Word("status"),
            Column::Word("class"),
            Column::Number("blocks"),
            Column::Detail("derivations"),
            Column::Detail("retries"),
            Column::Text("suspects"),
        ]);
        roots.rows = self.roots.iter().map(RootCauseReport::cells).collect();
        roots.omitted = self.roots_omitted;
        document.section("Red roots, and how many attributes each blocks", roots);
        let mut bisect: Vec<(&[String], Vec<&str>)> = Vec::new();
        for root in self.roots.iter().filter(|root| !root.revert_first.is_empty()) {
            match bisect.iter_mut().find(|(first, _)| *first == root.revert_first) {
                Some((_, packages)) => packages.push(&root.package),
                None => bisect.push((&root.revert_first, vec![&root.package])),
            }
        }
        document.lines(
            bisect.into_iter().map(|(first, packages)| {
                format!("To find the cause of {}, revert first: {}", first_few(packages, NAMED), first.join(", "))
            }),
        );
        let mut blocked = Table::new(&[Column::Text("package"), Column::Text("blocked by")]);
        let roots = |blocked: &BlockedReport| match blocked.roots_omitted {
            0 => blocked.roots.join(", "),
            more => format!("{} and {more} more", blocked.roots.join(", ")),
        };
        blocked.rows = self.blocked.iter().map(|row| vec![row.package.clone(), roots(row)]).collect();
        blocked.omitted = self.blocked_omitted;
        document.section("Blocked", blocked);
        let mut failures = Table::new(&[Column::Text("attribute"), Column::Word("class"), Column::Text("error")]);
        let class = |failure: &EvaluationFailureReport| if failure.waived { "waived" } else { failure.class }.to_owned();
        failures.rows = self.evaluation_failures.iter().map(|row| vec![row.attribute.clone(), class(row), row.error.clone()]).collect();
        failures.omitted = self.evaluation_failures_omitted;
        document.section("What does not evaluate", failures);
        let mut waivers = Table::new(&[
            Column::Text("package"),
            Column::Word("kind"),
            Column::Word("until"),
            Column::Detail("by"),
            Column::Text("reason"),
        ]);
        let until = |waiver: &WaiverReport| match (waiver.expired, waiver.unknown) {
            (true, _) => format!("{} (over)", waiver.until),
            (false, true) => format!("{} (no such package)", waiver.until),
            (false, false) => waiver.until.clone(),
        };
        let row = |waiver: &WaiverReport| {
            vec![waiver.package.clone(), waiver.kind.to_owned(), until(waiver), waiver.who.clone(), waiver.reason.clone()]
        };
        waivers.rows = self.waivers.iter().map(row).collect();
        document.section("Waivers", waivers);
        if !self.flaky.is_empty() {
            document.heading("Flaky: failed and then built, unchanged");
            document.line(self.flaky.join(", "));
        }
    }

    fn wave_table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Word("wave"),
            Column::Number("updates"),
            Column::Number("attributes"),
            Column::Detail("derivations"),
            Column::Word("tag"),
            Column::Detail("commit"),
        ]);
        let row = |line: &WaveLine| {
            vec![
                if line.wave == self.wave { format!("{} *", line.wave) } else { line.wave.clone() },
                number(line.updates as u64),
                number(line.attributes as u64),
                number(line.derivations as u64),
                line.tag.clone().unwrap_or_default(),
                line.commit.as_deref().map(|commit| commit.get(..12).unwrap_or(commit).to_owned()).unwrap_or_default(),
            ]
        };
        table.rows = self.waves.iter().map(row).collect();
        table
    }
}
