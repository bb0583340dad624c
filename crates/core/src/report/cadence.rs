//! The report of `waves cadence`.

use serde::Serialize;

use super::document::{Column, Document, Table};
use super::evaluation::{CountsReport, EvaluationReport, RootReport};
use super::{FORMAT_VERSION, Report};
use crate::cadence::{Cadence, CadenceOptions, Turn};
use crate::graph::Graph;
use crate::text::{counted, duration, number};

/// How often packages are taken, under a budget.
#[derive(Clone, Debug, Serialize)]
pub struct CadenceReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The evaluation.
    pub evaluation: EvaluationReport,
    /// What costs are in: `seconds` or `builds`.
    pub unit: &'static str,
    /// What may be built in a day.
    pub budget_per_day: f64,
    /// Days between two waves.
    pub wave_days: u32,
    /// What a day costs if each release is taken, by itself.
    pub each_per_day: f64,
    /// What a day costs at the best rates, each release by itself.
    pub best_per_day: f64,
    /// What a day costs at the turns, each release by itself.
    pub turns_per_day: f64,
    /// The same, if what comes together is rebuilt once: within the budget.
    pub together_per_day: f64,
    /// The packages, dearest a day first.
    pub packages: Vec<TurnReport>,
    /// Packages that were left out of the list.
    pub packages_omitted: usize,
    /// Packages of which nothing can be said.
    pub unknown: Vec<UnknownReport>,
    /// Whether a release of any package is skipped.
    #[serde(skip)]
    skips: bool,
}

/// How often a package is taken.
#[derive(Clone, Debug, Serialize)]
pub struct TurnReport {
    /// The package.
    pub package: String,
    /// What it names.
    pub root: RootReport,
    /// Other names of it, which count no more.
    pub also: Vec<String>,
    /// What a day behind costs, relative to others.
    pub weight: f64,
    /// Days from one release to the next.
    pub release_days: f64,
    /// Releases that this was counted from; 0 if it was stated.
    pub releases_seen: usize,
    /// Days from the first to the last of them.
    pub seen_days: i64,
    /// Commits in which its file is, or was, too long to be read: none counts as a release.
    pub unread_commits: usize,
    /// What a release rebuilds.
    pub rebuilds: CountsReport,
    /// What that costs.
    pub cost: f64,
    /// The best number of releases to take in a day.
    pub best_rate: f64,
    /// Days between its turns.
    pub turn_days: f64,
    /// One of so many releases is taken, on average.
    pub one_of: f64,
    /// Days that a release waits on average.
    pub lag_days: f64,
    /// What it costs a day.
    pub per_day: f64,
    /// What it would cost a day if each release were taken.
    pub each_per_day: f64,
    /// Its releases, oldest first.
    pub releases: Vec<ReleaseReport>,
}

/// A release.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseReport {
    /// Its version; null if it is not known.
    pub version: Option<String>,
    /// Its day, counted from 1970-01-01.
    pub day: i64,
    /// Whether it is the newest at a turn; null if a later one may still come before the turn.
    pub taken: Option<bool>,
}

/// A package of which nothing can be said.
#[derive(Clone, Debug, Serialize)]
pub struct UnknownReport {
    /// The package as it was named.
    pub package: String,
    /// Why not.
    pub reason: String,
}

impl CadenceReport {
    /// Of a cadence, and of packages of which nobody knows how often they release; lists are cut after `limit`.
    pub fn new(graph: &Graph, cadence: &Cadence, silent: &[(String, String)], options: &CadenceOptions<'_>, limit: usize) -> Self {
        let unknown = silent.iter().chain(&cadence.unknown);
        let skips = |turn: &Turn| turn.one_of > 1.0 || turn.taken().any(|(_, taken)| taken == Some(false));
        Self {
            format_version: FORMAT_VERSION,
            evaluation: EvaluationReport::new(graph),
            unit: if options.costs.is_some() { "seconds" } else { "builds" },
            budget_per_day: options.budget,
            wave_days: options.wave_days,
            each_per_day: cadence.each_per_day,
            best_per_day: cadence.best_per_day,
            turns_per_day: cadence.turns_per_day,
            together_per_day: cadence.together_per_day,
            packages: cadence.packages.iter().take(limit).map(|turn| TurnReport::new(graph, turn)).collect(),
            packages_omitted: cadence.packages.len().saturating_sub(limit),
            unknown: unknown.map(|(package, reason)| UnknownReport { package: package.clone(), reason: reason.clone() }).collect(),
            skips: cadence.packages.iter().any(skips),
        }
    }

    fn amount(&self, cost: f64) -> String {
        let whole = whole(cost);
        match self.unit {
            "seconds" => duration(whole),
            _ if cost < 10.0 => format!("{cost:.1} builds"),
            _ => counted(whole as usize, "build", "builds"),
        }
    }

    fn summary(&self) -> Vec<String> {
        let amounts = [self.budget_per_day, self.each_per_day, self.turns_per_day, self.together_per_day].map(|cost| self.amount(cost));
        let [budget, each, turns, together] = amounts;
        let saved = self.each_per_day - self.together_per_day;
        let mut lines = vec![
            format!("To take each release by itself costs {each} a day; the budget is {budget}."),
            format!(
                "At the turns below it is {together}, for what comes together is rebuilt once ({turns} one by one): saves {} a day ({:.1} %).",
                self.amount(saved),
                100.0 * saved / self.each_per_day
            ),
        ];
        lines.push(if self.skips {
            "At its turn the newest release of a package is taken, and those before it are skipped.".to_owned()
        } else {
            "Nothing has to be skipped: each wave takes what was released before it.".to_owned()
        });
        lines.push("A release that fixes a vulnerability is taken at once, whatever its turn.".to_owned());
        lines
    }
}

impl TurnReport {
    fn new(graph: &Graph, turn: &Turn) -> Self {
        let releases = &turn.releaser.releases;
        Self {
            package: turn.releaser.package.clone(),
            root: RootReport::new(graph, &turn.root),
            also: turn.also.clone(),
            weight: turn.releaser.weight,
            release_days: turn.releaser.days,
            releases_seen: releases.len(),
            seen_days: releases.last().zip(releases.first()).map_or(0, |(last, first)| last.day - first.day),
            unread_commits: turn.releaser.unread,
            rebuilds: turn.rebuilds.into(),
            cost: turn.cost,
            best_rate: turn.rate,
            turn_days: turn.days,
            one_of: turn.one_of,
            lag_days: turn.lag,
            per_day: turn.per_day,
            each_per_day: turn.each_per_day,
            releases: turn
                .taken()
                .map(|(release, taken)| ReleaseReport { version: release.version.clone(), day: release.day, taken })
                .collect(),
        }
    }

    fn takes(&self) -> String {
        match whole(self.one_of) {
            0 | 1 if self.one_of > 1.0 || self.releases.iter().any(|release| release.taken == Some(false)) => "most".to_owned(),
            0 | 1 => "each".to_owned(),
            2 => "every 2nd".to_owned(),
            3 => "every 3rd".to_owned(),
            many if many % 10 == 1 && many % 100 != 11 => format!("every {}st", number(many)),
            many if many % 10 == 2 && many % 100 != 12 => format!("every {}nd", number(many)),
            many if many % 10 == 3 && many % 100 != 13 => format!("every {}rd", number(many)),
            many => format!("every {}th", number(many)),
        }
    }

    /// That names of it are one package.
    fn names(&self) -> Option<String> {
        (!self.also.is_empty()).then(|| format!("{}, {}: the same derivations, so one package.", self.package, self.also.join(", ")))
    }

    /// That commits were passed over.
    fn unread(&self) -> Option<String> {
        let commits = counted(self.unread_commits, "commit", "commits");
        let reason = "where its file is, or was, too long to be read (a table for --releases can name its releases)";
        (self.unread_commits > 0).then(|| format!("{}: no release is counted in {commits}, {reason}.", self.package))
    }

    /// The last versions that are skipped, and out of how many.
    fn skipped(&self) -> Option<String> {
        const LISTED: usize = 5;
        let skipped: Vec<&ReleaseReport> = self.releases.iter().filter(|release| release.taken == Some(false)).collect();
        let versions: Vec<&str> = skipped.iter().rev().filter_map(|release| release.version.as_deref()).take(LISTED).collect();
        let named = if versions.is_empty() { String::new() } else { format!(", last {}", versions.join(", ")) };
        (!skipped.is_empty()).then(|| {
            format!("{}: {} of {} skipped{named}.", self.package, skipped.len(), counted(self.releases.len(), "release", "releases"))
        })
    }
}

/// The nearest whole number; none here is negative.
#[expect(clippy::cast_sign_loss, reason = "costs and days are not negative")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// Days: to the tenth if there are few.
fn days(days: f64) -> String {
    if days < 10.0 { format!("{days:.1} d") } else { format!("{} d", number(whole(days))) }
}

impl Report for CadenceReport {
    fn document(&self) -> Document {
        let mut document = Document::default();
        document.line(self.evaluation.line());
        document.lines(self.summary());
        let mut table = Table::new(&[
            Column::Text("package"),
            Column::Detail("seen"),
            Column::Number("releases"),
            Column::Detail("rebuilds"),
            Column::Detail("cost"),
            Column::Number("turn"),
            Column::Word("takes"),
            Column::Number("behind"),
            Column::Detail("a day"),
            Column::Detail("if each"),
        ]);
        let amount = |cost: f64| match self.unit {
            "seconds" => duration(whole(cost)),
            _ if cost < 10.0 => format!("{cost:.1}"),
            _ => number(whole(cost)),
        };
        let row = |turn: &TurnReport| {
            let seen = if turn.releases_seen == 0 {
                "stated".to_owned()
            } else {
                format!("{} in {} d", turn.releases_seen, number(turn.seen_days.unsigned_abs()))
            };
            vec![
                turn.package.clone(),
                seen,
                format!("every {}", days(turn.release_days)),
                number(turn.rebuilds.derivations as u64),
                amount(turn.cost),
                days(turn.turn_days),
                turn.takes(),
                days(turn.lag_days),
                amount(turn.per_day),
                amount(turn.each_per_day),
            ]
        };
        table.rows = self.packages.iter().map(row).collect();
        table.omitted = self.packages_omitted;
        document.section("Packages, dearest a day first", table);
        document.lines(self.packages.iter().filter_map(TurnReport::names));
        document.lines(self.packages.iter().filter_map(TurnReport::skipped));
        document.lines(self.packages.iter().filter_map(TurnReport::unread));
        let mut unknown = Table::new(&[Column::Text("package"), Column::Text("why not")]);
        unknown.rows = self.unknown.iter().map(|unknown| vec![unknown.package.clone(), unknown.reason.clone()]).collect();
        document.section(format!("Nothing is known of {}", counted(self.unknown.len(), "package", "packages")), unknown);
        document
    }

    fn item_keys() -> &'static [&'static str] {
        &["packages", "unknown"]
    }
}
