//! Which change a command is about: two evaluations, packages of one, a wave of a plan, or what changed in a git repository.

use std::path::Path;

use waves_core::analysis::{Change, Diff, Root, Scope, select};
use waves_core::estimate::{Comparison, Estimate, Repository, estimate};
use waves_core::graph::Graph;

use crate::args::{Args, ChangeArgs, GitArgs};
use crate::commands::Failure;
use crate::{load, output};

/// The evaluations that a change is read from.
pub(crate) enum Evaluations {
    /// Before and after the change.
    Two(Box<[Graph; 2]>),
    /// The one that it is foretold from.
    One(Box<Graph>),
}

/// A change, and how it was found.
pub(crate) struct Found<'g> {
    pub(crate) change: Change<'g>,
    /// What differs, if two evaluations were given.
    pub(crate) diff: Option<Diff<'g>>,
    /// What was estimated from, if a repository was.
    pub(crate) estimate: Option<Estimated>,
}

/// A change of sources.
pub(crate) struct Estimated {
    /// What is compared, as it was typed.
    pub(crate) range: String,
    pub(crate) comparison: Comparison,
    pub(crate) estimate: Estimate,
}

impl Evaluations {
    /// Opens what the arguments name.
    pub(crate) fn open(args: &Args, change: &ChangeArgs) -> Result<Self, Failure> {
        match change.evaluations.as_slice() {
            [before, after] => Ok(Self::Two(Box::new([load::evaluation(args, before)?, load::evaluation(args, after)?]))),
            _ => Ok(Self::One(Box::new(load::graph(args)?))),
        }
    }

    /// The change that the arguments name.
    pub(crate) fn find(&self, change: &ChangeArgs) -> Result<Found<'_>, Failure> {
        match self {
            Self::Two(graphs) => {
                let diff = diff(graphs, change);
                Ok(Found { change: diff.change()?, diff: Some(diff), estimate: None })
            }
            Self::One(graph) => {
                if let Some((range, comparison)) = comparison(&change.git)? {
                    let estimate = estimate(graph, &comparison)?;
                    let change = estimate.into_change(graph)?;
                    return Ok(Found { change, diff: None, estimate: Some(Estimated { range, comparison, estimate }) });
                }
                let roots = roots(graph, change)?;
                Ok(Found { change: Change::foretold(graph, roots)?, diff: None, estimate: None })
            }
        }
    }

    /// What differs, if two evaluations were given: known even if no dump says what needs what.
    pub(crate) fn diff(&self, change: &ChangeArgs) -> Option<Diff<'_>> {
        match self {
            Self::Two(graphs) => Some(diff(graphs, change)),
            Self::One(_) => None,
        }
    }
}

/// What was named to change: packages, or the updates of a wave.
fn roots(graph: &Graph, change: &ChangeArgs) -> Result<Vec<Root>, Failure> {
    let Some((plan, wave)) = change.plan.as_deref().zip(change.wave.as_deref()) else {
        let scope = if change.exact { Scope::Exact } else { Scope::Package };
        return Ok(select(graph, &change.roots, scope, None)?);
    };
    let plan = load::plan(plan)?;
    load::note_other_evaluation(&plan, graph);
    let updates = &plan.waves[plan.wave(wave)?].updates;
    if !plan.pins.is_empty() {
        output::note("note: what the plan pins is taken to be rebuilt too");
    }
    Ok(select(graph, updates, plan.scope.into(), plan.system.as_deref())?)
}

fn diff<'g>(graphs: &'g [Graph; 2], change: &ChangeArgs) -> Diff<'g> {
    Diff::new(&graphs[0], &graphs[1], change.within)
}

/// What is to be compared in a repository, as it was typed; nothing, if no repository is asked.
pub(crate) fn comparison(git: &GitArgs) -> Result<Option<(String, Comparison)>, Failure> {
    let repository = || Repository::discover(git.repo.as_deref().unwrap_or(Path::new(".")));
    if let Some(range) = &git.git {
        return Ok(Some((range.clone(), repository()?.compare(range)?)));
    }
    let Some(base) = &git.git_worktree else { return Ok(None) };
    let range = base.as_deref().map_or("working tree".to_owned(), |base| format!("{base}..working tree"));
    Ok(Some((range, repository()?.compare_worktree(base.as_deref())?)))
}
