//! `waves cadence`: how often each package may be taken.

use std::collections::BTreeSet;
use std::path::Path;

use waves_core::analysis::{Scope, select};
use waves_core::cadence::{CadenceOptions, History, Releaser, Releases, TableRow, cadence, histories};
use waves_core::config::AttributePattern;
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::error::Error;
use waves_core::estimate::Repository;
use waves_core::graph::Graph;
use waves_core::report::CadenceReport;

use crate::args::{Args, Budget, CadenceArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &CadenceArgs) -> Result<Verdict, Failure> {
    if options.releases.is_empty() && options.repo.is_none() {
        let hint = "--releases FILE with a table, or --repo DIR and --root PACKAGE to count them in a git history";
        return Err(Failure::Usage(format!("nothing says how often packages release (hint: {hint})")));
    }
    let budget = budget(options)?;
    let mut rows: Vec<TableRow> = Vec::new();
    for file in &options.releases {
        rows.extend(Releases::read(file)?.rows);
    }
    rows.extend(
        options
            .roots
            .iter()
            .filter(|root| !rows.iter().any(|row| row.package == **root))
            .map(|root| TableRow::named(root))
            .collect::<Vec<_>>(),
    );
    if rows.is_empty() {
        return Err(Failure::Usage("no package is named (hint: --root PACKAGE, or --releases FILE)".to_owned()));
    }
    let graph = load::graph(args)?;
    let durations = (!options.durations.is_empty()).then(|| Durations::read(&options.durations)).transpose()?;
    let costs = durations.map(|durations| Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() })).transpose()?;
    let scope = if options.exact { Scope::Exact } else { Scope::Package };

    let rows = expanded(&graph, rows, scope);
    let (releasers, silent) = releasers(&graph, &rows, scope, options)?;
    if releasers.is_empty() {
        let (package, reason) = silent.into_iter().next().unwrap_or_default();
        return Err(Error::NoReleases { reason: format!("{package}: {reason}") }.into());
    }
    let how = CadenceOptions { budget, costs: costs.as_ref(), wave_days: options.wave_days, scope, system: None };
    let found = cadence(&graph, &releasers, &how)?;
    output::print(&CadenceReport::new(&graph, &found, &silent, &how, options.format.limit()), &options.format)?;
    Ok(Verdict::Fine)
}

/// What may be built in a day, in the unit of the costs.
fn budget(options: &CadenceArgs) -> Result<f64, Failure> {
    match (options.budget, options.durations.is_empty()) {
        (Budget::Seconds(amount), false) | (Budget::Builds(amount), true) => Ok(amount as f64),
        (Budget::Seconds(_), true) => Err(Failure::Usage(
            "--budget is a time, which needs build times (hint: --durations FILE, or builds: --budget 5000/day)".to_owned(),
        )),
        (Budget::Builds(_), false) => {
            Err(Failure::Usage("--budget is a number of builds, but with --durations it is a time (hint: --budget 200h/day)".to_owned()))
        }
    }
}

/// The rows, with one for each package that a pattern matches, by its own name: what is counted of its releases is not of the others.
fn expanded(graph: &Graph, rows: Vec<TableRow>, scope: Scope) -> Vec<TableRow> {
    let mut named: BTreeSet<String> = rows.iter().map(|row| row.package.clone()).collect();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let is_pattern = AttributePattern::try_from(row.package.clone()).is_ok_and(|pattern| !pattern.is_name());
        // What is wrong with a pattern is said with all that nobody knows.
        let roots = if is_pattern { select(graph, std::slice::from_ref(&row.package), scope, None).ok() } else { None };
        let Some(roots) = roots else {
            all.push(row);
            continue;
        };
        for root in roots {
            let package = graph.derivation(root.face).label();
            // What has a row of its own needs no other to ask for it.
            if named.insert(package.to_owned()) || row.releaser().is_some() {
                all.push(TableRow { package: package.to_owned(), ..row.clone() });
            }
        }
    }
    all
}

/// How often each package releases; and those of which nobody knows, and why.
#[expect(clippy::type_complexity, reason = "two lists, named where they are taken")]
fn releasers(
    graph: &Graph,
    rows: &[TableRow],
    scope: Scope,
    options: &CadenceArgs,
) -> Result<(Vec<Releaser>, Vec<(String, String)>), Failure> {
    let asked: Vec<&TableRow> = rows.iter().filter(|row| row.releaser().is_none()).collect();
    let mut known = std::collections::BTreeMap::new();
    if let Some(repo) = options.repo.as_deref() {
        let named = asked
            .iter()
            .filter_map(|row| Some((row.package.as_str(), select(graph, std::slice::from_ref(&row.package), scope, None).ok()?)));
        let named: Vec<(&str, _)> = named.filter_map(|(package, roots)| Some((package, graph.derivation(roots.first()?.face)))).collect();
        let derivations: Vec<_> = named.iter().map(|(_, derivation)| *derivation).collect();
        let found = histories(graph, &Repository::discover(repo)?, &derivations, options.history_days)?;
        known.extend(named.iter().map(|(package, _)| *package).zip(found));
    }
    let (mut releasers, mut silent) = (Vec::new(), Vec::new());
    for row in rows {
        let history = known.get(row.package.as_str());
        let counted = || {
            let history = history?;
            let releaser = Releaser::of(&row.package, row.weight, history.releases.clone())?;
            Some(Releaser { unread: history.unread, ..releaser })
        };
        match row.releaser().or_else(counted) {
            Some(releaser) => releasers.push(releaser),
            None => silent.push((row.package.clone(), why_not(graph, row, history, scope, options.repo.as_deref(), options.history_days))),
        }
    }
    Ok((releasers, silent))
}

/// Why nobody knows how often a package releases.
fn why_not(graph: &Graph, row: &TableRow, history: Option<&History>, scope: Scope, repo: Option<&Path>, days: u32) -> String {
    if let Err(error) = select(graph, std::slice::from_ref(&row.package), scope, None) {
        return error.to_string();
    }
    match (history, repo) {
        (Some(History { file: None, .. }), _) => "the repository has no file for it".to_owned(),
        (Some(History { file: Some(file), commits, unread, releases }), _) => {
            let (found, needed) = (releases.len(), "at least two, on two days, are needed");
            let reason = format!("{commits} commits of the last {days} days change {file}, {found} of them a version in it: {needed}");
            let hint = "a table for --releases can name its releases";
            let passed_over = format!("; {unread} of these commits are not read, as the file is, or was, too long (hint: {hint})");
            if *unread > 0 { reason + &passed_over } else { reason }
        }
        (None, None) => "the table has neither days nor two releases of it (hint: --repo DIR counts them)".to_owned(),
        (None, Some(_)) => "nothing says how often it releases".to_owned(),
    }
}
