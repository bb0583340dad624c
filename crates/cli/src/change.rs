//! Which change a command is about: two evaluations, or packages of one.

use waves_core::analysis::{Change, Diff, Scope, select};
use waves_core::graph::Graph;

use crate::args::{Args, ChangeArgs};
use crate::commands::Failure;
use crate::load;

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
                Ok(Found { change: diff.change()?, diff: Some(diff) })
            }
            Self::One(graph) => {
                let scope = if change.exact { Scope::Exact } else { Scope::Package };
                let roots = select(graph, &change.roots, scope, None)?;
                Ok(Found { change: Change::foretold(graph, roots)?, diff: None })
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

fn diff<'g>(graphs: &'g [Graph; 2], change: &ChangeArgs) -> Diff<'g> {
    Diff::new(&graphs[0], &graphs[1], change.within)
}
