//! How long a rebuild takes: on `--builders`, else on the fleet of `waves.toml`.

use waves_core::analysis::Root;
use waves_core::config::Fleet as Machines;
use waves_core::cost::{Costs, Model};
use waves_core::graph::{DerivationIx, DerivationSet, Graph};
use waves_core::report::{OutcomeReport, ScheduleReport, WhatIfReport};
use waves_core::schedule::{Fleet, simulate, without_cached};

use crate::args::{CostArgs, ScheduleArgs};
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

/// Who builds: `--builders`, else the fleet of `waves.toml`, if there is one. What needs builders or build times is refused without.
pub(crate) fn fleet(args: &ScheduleArgs, cost: &CostArgs, machines: &Machines) -> Result<Option<Fleet>, Failure> {
    let fleet = match args.builders {
        Some(builders) => Some(Fleet::identical(builders)),
        None => Fleet::of_machines(machines),
    };
    let is_asked = args.builders.is_some() || !args.what_if.is_empty();
    if is_asked && fleet.is_none() {
        return Err(usage("--what-if needs builders", "--builders N, or a fleet in waves.toml"));
    }
    if is_asked && cost.durations.is_empty() {
        return Err(usage("builders need build times", "--durations FILE; docs/formats.md says which files"));
    }
    Ok(fleet)
}

/// The schedule of a rebuild; `None` without builders or build times.
pub(crate) fn schedule(
    fleet: Option<&Fleet>,
    what_if: &[Root],
    rebuild: &Rebuild<'_>,
    costs: Option<&Costs<'_>>,
    limit: usize,
) -> Option<ScheduleReport> {
    let (fleet, model) = (fleet?, costs?.model()?);
    let whole = simulate(rebuild.graph, rebuild.kept, |ix| model.seconds(ix), fleet);
    let mut report = ScheduleReport::new(rebuild.graph, &whole, fleet, limit);
    report.what_if = what_if.iter().map(|package| without(rebuild, package, model, fleet)).collect();
    Some(report)
}

fn usage(what: &str, add: &str) -> Failure {
    Failure::Usage(format!("{what} (hint: add {add})"))
}

/// The same rebuild with a package cached, or pinned.
fn without(rebuild: &Rebuild<'_>, package: &Root, model: &Model, fleet: &Fleet) -> WhatIfReport {
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
