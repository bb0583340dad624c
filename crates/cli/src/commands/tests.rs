//! `waves tests`: which dependents to build as tests of a package.

use waves_core::analysis::select;
use waves_core::cost::{Costs, Durations, Sources};
use waves_core::report::SuiteReport;
use waves_core::suite::{DEFAULT_BUILDS, DEFAULT_SECONDS, SuiteOptions, suite};

use crate::args::{Args, Budget, TestsArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

pub(crate) fn run(args: &Args, options: &TestsArgs) -> Result<Verdict, Failure> {
    let budget = budget(options)?;
    let graph = load::graph(args)?;
    let roots = select(&graph, &options.root.roots, options.root.scope(), options.system.as_deref())?;
    let durations = (!options.durations.is_empty()).then(|| Durations::read(&options.durations)).transpose()?;
    let costs = durations.map(|durations| Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() })).transpose()?;
    let tests = (!options.tests.is_empty()).then(|| load::files(args, &options.tests)).transpose()?;
    let how = SuiteOptions {
        budget,
        costs: costs.as_ref(),
        max_tests: options.max,
        decay: options.decay,
        system: options.system.as_deref(),
        tests: tests.as_ref(),
    };
    let found = suite(&graph, &roots, &how)?;
    let report = SuiteReport::new(&found, &roots, &how, options.format.limit());
    if options.nix {
        output::print_bytes(report.snippet.as_bytes())?;
    } else {
        output::print(&report, &options.format)?;
    }
    Ok(Verdict::Fine)
}

/// The budget in the unit of the costs.
fn budget(options: &TestsArgs) -> Result<u64, Failure> {
    match (options.budget, options.durations.is_empty()) {
        (None, false) => Ok(DEFAULT_SECONDS),
        (None, true) => Ok(DEFAULT_BUILDS),
        (Some(Budget::Seconds(seconds)), false) => Ok(seconds),
        (Some(Budget::Builds(builds)), true) => Ok(builds),
        (Some(Budget::Seconds(_)), true) => Err(Failure::Usage(
            "--budget is a time, which needs build times (hint: --durations FILE, or a number of builds: --budget 50)".to_owned(),
        )),
        (Some(Budget::Builds(_)), false) => {
            Err(Failure::Usage("--budget is a number of builds, but with --durations it is a time (hint: --budget 3h)".to_owned()))
        }
    }
}
