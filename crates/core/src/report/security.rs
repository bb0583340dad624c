//! The report of `waves security`.

use serde::Serialize;

use super::cost::CostReport;
use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport, RootReport, root_lines};
use super::{FORMAT_VERSION, Report};
use crate::analysis::Root;
use crate::cost::Costs;
use crate::security::{Check, Choice, Kind, Precondition, Security, SecurityOptions, State};
use crate::text::{counted, duration, number};

/// What can be done about a vulnerability.
#[derive(Clone, Debug, Serialize)]
pub struct SecurityReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// The roots.
    pub roots: Vec<RootReport>,
    /// The version with the fix; null if it was not given.
    pub to: Option<String>,
    /// What the fix rebuilds, roots included.
    pub rebuilds: CountsReport,
    /// What costs and times are in: `seconds` or `builds`.
    pub unit: &'static str,
    /// Builders.
    pub builders: u64,
    /// Closed waves; null without a plan.
    pub closed_waves: Option<usize>,
    /// Updates of these: what is locked.
    pub locked_updates: usize,
    /// The options: graft, rebuild, duplicate, override.
    pub options: Vec<ChoiceReport>,
    /// Closed waves that hold something that is rebuilt.
    pub waves: Vec<OverlapReport>,
    /// Closed waves that were left out of the list.
    pub waves_omitted: usize,
    /// Locked updates that are rebuilt.
    pub locks: Vec<String>,
    /// Locked updates that were left out of the list.
    pub locks_omitted: usize,
    /// Dependents that refer to the root when they run; null if no references are known.
    pub runtime: Option<RuntimeReport>,
    /// What a user of one package builds.
    pub users: UsersReport,
    /// What the rebuild costs; null if nothing is known of it.
    pub cost: Option<CostReport>,
}

/// An option.
#[derive(Clone, Debug, Serialize)]
pub struct ChoiceReport {
    /// `graft`, `rebuild`, `duplicate` or `override`.
    pub option: &'static str,
    /// Whether there is anything to do in this way.
    pub applies: bool,
    /// Derivations that are built centrally.
    pub builds: usize,
    /// What that costs.
    pub cost: u64,
    /// Time until users have it, that no schedule is faster than.
    pub least_time: u64,
    /// Time until users have it.
    pub time: u64,
    /// Locks that it breaks.
    pub locks_broken: usize,
    /// Share of the dependents that run with the fix without having been built with it.
    pub untested: f64,
    /// What must hold.
    pub preconditions: Vec<PreconditionReport>,
    /// The option that is better in something and worse in nothing; null if there is none.
    pub dominated_by: Option<&'static str>,
}

/// What must hold.
#[derive(Clone, Debug, Serialize)]
pub struct PreconditionReport {
    /// What is checked.
    pub check: &'static str,
    /// `holds`, `fails` or `unknown`.
    pub state: &'static str,
    /// Why.
    pub reason: String,
}

/// What a closed wave and the fix have in common.
#[derive(Clone, Debug, Serialize)]
pub struct OverlapReport {
    /// The wave.
    pub wave: String,
    /// What both rebuild.
    #[serde(flatten)]
    pub counts: CountsReport,
    /// Its cost.
    pub cost: u64,
}

/// Dependents that refer to the root when they run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RuntimeReport {
    /// Derivations that do.
    pub dependents: usize,
    /// Derivations of which it is not known.
    pub unknown: usize,
    /// Bytes of the outputs that do.
    pub nar_bytes: u64,
}

/// What a user of one package builds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UsersReport {
    /// Rebuilt derivations with an attribute.
    pub packages: usize,
    /// What half of them cost at most.
    pub median: u64,
    /// What the dearest costs.
    pub most: u64,
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Graft => "graft",
        Kind::Rebuild => "rebuild",
        Kind::Duplicate => "duplicate",
        Kind::Override => "override",
    }
}

impl SecurityReport {
    /// Of options; lists are cut after `limit`.
    pub fn new(security: &Security<'_>, roots: &[Root], options: &SecurityOptions<'_>, limit: usize) -> Self {
        let graph = security.impact.graph();
        let waves = security.waves.iter().take(limit).map(|wave| OverlapReport {
            wave: wave.name.clone(),
            counts: wave.counts.into(),
            cost: wave.cost,
        });
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            roots: roots.iter().map(|root| RootReport::new(graph, root)).collect(),
            to: options.to.map(str::to_owned),
            rebuilds: security.impact.rebuild_counts().into(),
            unit: if options.costs.and_then(Costs::model).is_some() { "seconds" } else { "builds" },
            builders: options.fleet.builders(),
            closed_waves: options.closed.map(|closed| closed.waves),
            locked_updates: security.locked,
            options: security.options.iter().map(ChoiceReport::new).collect(),
            waves: waves.collect(),
            waves_omitted: security.waves.len().saturating_sub(limit),
            locks: security.locks.iter().take(limit).cloned().collect(),
            locks_omitted: security.locks.len().saturating_sub(limit),
            runtime: security.runtime.map(|runtime| RuntimeReport {
                dependents: runtime.dependents,
                unknown: runtime.unknown,
                nar_bytes: runtime.bytes,
            }),
            users: UsersReport { packages: security.users.packages, median: security.users.median, most: security.users.most },
            cost: CostReport::new(options.costs, security.impact.rebuilds(), roots, limit),
        }
    }

    fn amount(&self, cost: u64) -> String {
        if self.unit == "seconds" { duration(cost) } else { counted(cost as usize, "build", "builds") }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            Column::Word("option"),
            Column::Number("builds"),
            Column::Number("cost"),
            Column::Detail("time at least"),
            Column::Number("time to users"),
            Column::Detail("locks broken"),
            Column::Detail("untested"),
            Column::Text("preconditions"),
        ]);
        let row = |choice: &ChoiceReport| {
            if !choice.applies {
                let nothing = ["–", "–", "–", "–", "–", "–", "nothing to do"];
                return std::iter::once(choice.option).chain(nothing).map(str::to_owned).collect();
            }
            vec![
                choice.option.to_owned(),
                number(choice.builds as u64),
                self.amount(choice.cost),
                self.amount(choice.least_time),
                self.amount(choice.time),
                number(choice.locks_broken as u64),
                format!("{:.0} %", choice.untested * 100.0),
                choice.verdict(),
            ]
        };
        table.rows = self.options.iter().map(row).collect();
        table
    }

    fn notes(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "Time is that of {}; an override is built by each user alone: {} or less for half of {}, {} at most.",
            counted(self.builders as usize, "builder", "builders"),
            self.amount(self.users.median),
            counted(self.users.packages, "derivation with an attribute", "derivations with an attribute"),
            self.amount(self.users.most)
        )];
        if self.unit == "builds" {
            let hint = "what grafts copy is not counted (hint: --durations FILE)";
            lines.push(format!("Without build times, each build takes as long: time is builds one after the other; {hint}."));
        }
        lines.push(match self.closed_waves {
            None => "No plan is given: no wave is closed, and nothing is locked.".to_owned(),
            Some(waves) => format!(
                "{} closed, with {} locked; the fix rebuilds {} of them.",
                counted(waves, "wave is", "waves are"),
                counted(self.locked_updates, "update", "updates"),
                number((self.locks.len() + self.locks_omitted) as u64)
            ),
        });
        lines
    }
}

impl ChoiceReport {
    fn new(choice: &Choice) -> Self {
        Self {
            option: name(choice.kind),
            applies: choice.applies,
            builds: choice.builds,
            cost: choice.cost,
            least_time: choice.least_time,
            time: choice.time,
            locks_broken: choice.locks_broken,
            untested: choice.untested,
            preconditions: choice.preconditions.iter().map(PreconditionReport::new).collect(),
            dominated_by: choice.dominated_by.map(name),
        }
    }

    /// How its preconditions stand; and behind that, where a narrow terminal may cut it, what it is dominated by.
    fn verdict(&self) -> String {
        let count = |state: &str| self.preconditions.iter().filter(|precondition| precondition.state == state).count();
        let states = [("fails", "fail"), ("unknown", "unknown"), ("holds", "hold")].map(|(state, word)| (count(state), word));
        let states: Vec<String> = states.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let dominated = self.dominated_by.map(|by| format!("; dominated by {by}")).unwrap_or_default();
        format!("{}{dominated}", states.join(", "))
    }
}

impl PreconditionReport {
    fn new(precondition: &Precondition) -> Self {
        Self {
            check: match precondition.check {
                Check::PatchLevel => "patch level",
                Check::EqualLength => "equal length",
                Check::NotStatic => "not static",
                Check::Runtime => "used at run time",
                Check::NotPinned => "not pinned",
                Check::LocksKept => "locks kept",
                Check::ClosedWave => "closed wave",
                Check::UsersBuild => "users build",
            },
            state: match precondition.state {
                State::Holds => "holds",
                State::Fails => "fails",
                State::Unknown => "unknown",
            },
            reason: precondition.reason.clone(),
        }
    }
}

impl Report for SecurityReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(root_lines(&self.roots));
        document.section("Options; none is chosen", self.table());
        document.lines(self.notes());
        let mut checks = Table::new(&[Column::Word("option"), Column::Word("precondition"), Column::Word("state"), Column::Text("why")]);
        checks.rows = self
            .options
            .iter()
            .flat_map(|choice| {
                let row = |check: &PreconditionReport| {
                    vec![choice.option.to_owned(), check.check.to_owned(), check.state.to_owned(), check.reason.clone()]
                };
                choice.preconditions.iter().map(row)
            })
            .collect();
        document.section("Preconditions", checks);
        let mut waves =
            Table::new(&[Column::Word("wave"), Column::Number("attributes"), Column::Number("derivations"), Column::Number("cost")]);
        let row = |wave: &OverlapReport| {
            let counts = [wave.counts.attributes, wave.counts.derivations].map(|count| number(count as u64));
            std::iter::once(wave.wave.clone()).chain(counts).chain([self.amount(wave.cost)]).collect()
        };
        waves.rows = self.waves.iter().map(row).collect();
        waves.omitted = self.waves_omitted;
        document.section("Closed waves that the fix runs through again, if they are duplicated", waves);
        let mut locks = Table::new(&[Column::Text("update")]);
        locks.rows = self.locks.iter().map(|lock| vec![lock.clone()]).collect();
        locks.omitted = self.locks_omitted;
        document.section("Locks that a rebuild breaks", locks);
        document.lines(self.cost.iter().flat_map(CostReport::basis_lines));
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["options", "waves", "locks"]
    }
}
