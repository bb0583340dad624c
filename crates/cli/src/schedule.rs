//! How long a rebuild takes: on `--builders`, else on the fleet of `waves.toml`.

use waves_core::analysis::{Root, Scope, select};
use waves_core::config::Fleet as Machines;
use waves_core::cost::{Costs, Model};
use waves_core::graph::{DerivationIx, DerivationSet, Graph};
use waves_core::report::{OutcomeReport, ScheduleReport, WhatIfReport};
use waves_core::schedule::{Fleet, simulate, without_cached};

use crate::args::ScheduleArgs;
use crate::commands::Failure;

/// What is rebuilt.
pub(crate) struct Rebuild<'g> {
    pub(crate) graph: &'g Graph,
    /// What is pinned already.
    pub(crate) held: &'g DerivationSet,
    /// What of that which the roots rebuild is built: not what a system or a depth leaves out.
    pub(crate) kept: &'g DerivationSet,
    pub(crate) roots: Vec<DerivationIx>,
}

/// The schedule that the arguments ask for; `None` if they do not.
pub(crate) fn schedule(
    args: &ScheduleArgs,
    machines: &Machines,
    rebuild: &Rebuild<'_>,
    costs: Option<&Costs<'_>>,
    scope: Scope,
    limit: usize,
) -> Result<Option<ScheduleReport>, Failure> {
    let fleet = match args.builders {
        Some(builders) => Some(Fleet::identical(builders)),
        None => Fleet::of_machines(machines),
    };
    let (fleet, model) = match (fleet, costs.and_then(Costs::model)) {
        (Some(fleet), Some(model)) => (fleet, model),
        (None, _) if !args.what_if.is_empty() => return Err(usage("--what-if needs builders", "--builders N, or a fleet in waves.toml")),
        (Some(_), None) if args.builders.is_some() || !args.what_if.is_empty() => {
            return Err(usage("builders need build times", "--durations FILE; docs/formats.md says which files"));
        }
        _ => return Ok(None),
    };
    let whole = simulate(rebuild.graph, rebuild.kept, |ix| model.seconds(ix), &fleet);
    let mut report = ScheduleReport::new(rebuild.graph, &whole, &fleet, limit);
    for package in select(rebuild.graph, &args.what_if, scope, None)? {
        report.what_if.push(what_if(rebuild, &package, model, &fleet));
    }
    Ok(Some(report))
}

fn usage(what: &str, add: &str) -> Failure {
    Failure::Usage(format!("{what} (hint: add {add})"))
}

fn what_if(rebuild: &Rebuild<'_>, package: &Root, model: &Model, fleet: &Fleet) -> WhatIfReport {
    let Rebuild { graph, held, kept, roots } = rebuild;
    let stop = graph.set_of(package.derivations.iter().copied());
    let outcome = |set: &DerivationSet| OutcomeReport::new(&simulate(graph, set, |ix| model.seconds(ix), fleet));
    let mut pins = stop.clone();
    pins.extend(held);
    let pinned = graph.rebuilds_past(roots.iter().copied(), &pins);
    let pinned = graph.set_of(pinned.iter().filter(|&ix| kept.contains(ix)));
    WhatIfReport {
        package: package.selector.clone(),
        derivations: stop.iter().filter(|&ix| kept.contains(ix)).count(),
        cached: outcome(&without_cached(graph, kept, &stop)),
        pinned: outcome(&pinned),
    }
}
