//! `waves plan`: levels and waves of one rebuild, or the waves of many updates.

use std::path::Path;

use waves_core::analysis::select;
use waves_core::config::FILE_NAME;
use waves_core::cost::Costs;
use waves_core::graph::{DerivationIx, Graph};
use waves_core::major::{self, Cut, MajorWave, Options, PlanFile, Updates, wave_name};
use waves_core::plan::{DEFAULT_MAX_WAVES, PlanOptions, plan, verify};
use waves_core::report::{Format, MajorDetail, MajorReport, PlanDetail, PlanDiffReport, PlanReport, write};
use waves_core::text::{duration, hours, limited, rounded_hours};

use crate::args::{Args, FormatArgs, PlanArgs, PlanCommand};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::schedule::Rebuild;
use crate::{clock, config, cost, load, output, schedule};

pub(crate) fn run(args: &Args, options: &PlanArgs) -> Result<Verdict, Failure> {
    match (&options.command, &options.updates) {
        (Some(PlanCommand::Diff { before, after, format }), _) => diff(before, after, format),
        (None, Some(updates)) => upgrade(args, options, updates),
        (None, None) => rebuild(args, options),
    }
}

/// What changed between two plans.
fn diff(before: &Path, after: &Path, format: &FormatArgs) -> Result<Verdict, Failure> {
    let (before, after) = (load::plan(before)?, load::plan(after)?);
    output::print(&PlanDiffReport::new(&before, &after, format.limit()), format)?;
    Ok(Verdict::Fine)
}

/// The order in which roots are rebuilt.
fn rebuild(args: &Args, options: &PlanArgs) -> Result<Verdict, Failure> {
    let system = options.filter.system.as_deref();
    if options.verify && system.is_some() {
        return Err(Failure::Usage("--verify is for plans of everything (hint: leave --system out)".to_owned()));
    }
    output::check::<PlanReport>(&options.format)?;
    let fleet = schedule::fleet(&options.schedule, &options.cost, &config::read(options.config.as_deref())?.fleet)?;
    let graph = load::graph(args)?;
    let roots = select(&graph, &options.root.roots, options.root.scope(), system)?;
    let what_if = select(&graph, &options.schedule.what_if, options.root.scope(), None)?;
    let max_waves = options.max_waves.unwrap_or(DEFAULT_MAX_WAVES);
    let planned = plan(&graph, roots, &PlanOptions { max_waves, depth: options.filter.depth, system })?;
    let detail = match (options.levels, options.packages) {
        (true, _) => PlanDetail::Levels,
        (_, true) => PlanDetail::Packages,
        _ => PlanDetail::Waves,
    };
    let costs = cost::load_and_ask(args, &options.cost, &options.cache, &graph, planned.impact.rebuilds())?;
    let limit = options.format.limit();
    let roots: Vec<DerivationIx> = planned.roots.iter().flat_map(|root| root.derivations.iter().copied()).collect();
    let rebuild = Rebuild { graph: &graph, held: &graph.empty_set(), kept: planned.impact.rebuilds(), roots };
    let schedule = schedule::schedule(fleet.as_ref(), &what_if, &rebuild, costs.as_ref(), limit);
    output::print(&PlanReport::new(&graph, &planned, costs.as_ref(), detail, limit).with_schedule(schedule), &options.format)?;
    if !options.verify {
        return Ok(Verdict::Fine);
    }
    let violations = verify(&graph, &planned);
    for violation in &violations {
        output::note(&format!("wrong: {violation}"));
    }
    if !violations.is_empty() {
        return Ok(Verdict::LimitExceeded);
    }
    if !args.quiet {
        output::note("verified: nothing lost, nothing twice, every input earlier");
    }
    Ok(Verdict::Fine)
}

/// The order in which updates are taken.
fn upgrade(args: &Args, options: &PlanArgs, updates: &Path) -> Result<Verdict, Failure> {
    if !options.cache.cache.is_empty() || !options.cost.cached.is_empty() || options.filter.depth.is_some() {
        let reason = "what an update builds is in no cache, and a wave ends with all that it rebuilds";
        return Err(Failure::Usage(format!("--cache, --cached and --depth are for --root: {reason}")));
    }
    output::check::<MajorReport>(&options.format)?;
    let config = config::read(options.config.as_deref())?;
    let fleet = schedule::fleet(&options.schedule, &options.cost, &config.fleet)?;
    let graph = load::graph(args)?;
    let list = Updates::read(updates)?;
    let costs = cost::load(&options.cost, &graph)?;
    let (scope, system) = (options.root.scope(), options.filter.system.as_deref());
    let what_if = select(&graph, &options.schedule.what_if, scope, None)?;
    let today = clock::today()?;
    let config_file = options.config.as_deref().unwrap_or_else(|| Path::new(FILE_NAME)).display().to_string();
    let planning = Options {
        scope,
        system,
        groups: &config.groups,
        pins: &config.pins,
        config: &config_file,
        one_version: &config.one_version,
        today: Some(&today),
        cut: cut(options),
    };
    let planned = major::plan(&graph, &list, costs.as_ref(), &planning)?;
    let mut schedules = Vec::new();
    for wave in &planned.waves {
        let roots = wave.units.iter().flat_map(|&unit| planned.units.units[unit].derivations.iter().copied()).collect();
        let rebuild = Rebuild { graph: &graph, held: &planned.held, kept: &wave.rebuilds, roots };
        schedules.extend(schedule::schedule(fleet.as_ref(), &what_if, &rebuild, costs.as_ref(), options.format.limit()));
    }
    let detail = MajorDetail { frontier: options.frontier, limit: options.format.limit() };
    let report = MajorReport::new(options.major, &planned, detail).with_schedules(schedules);
    output::print(&report, &options.format)?;
    let is_right = !options.verify || is_right(args, &graph, &report, costs.as_ref())?;
    let is_kept = keeps_limit(options, &planned);
    Ok(if is_right && is_kept { Verdict::Fine } else { Verdict::LimitExceeded })
}

/// Whether no wave is longer than one may be: a single update cannot be taken apart.
fn keeps_limit(options: &PlanArgs, planned: &MajorWave<'_>) -> bool {
    let Some(limit) = options.max_wave_hours.map(|time| time.as_secs()) else { return true };
    let over: Vec<String> = planned
        .waves
        .iter()
        .enumerate()
        .filter(|(_, wave)| wave.builds.seconds > limit)
        .map(|(at, wave)| format!("{} takes {}", wave_name(options.major, at), hours(rounded_hours(wave.builds.seconds))))
        .collect();
    if !over.is_empty() {
        let why = "what comes together is not taken apart";
        output::note(&format!("over the limit of {}, for {why}: {}", duration(limit), limited(&over, options.format.limit())));
    }
    over.is_empty()
}

/// Checks a plan as whoever reads its file would.
fn is_right(args: &Args, graph: &Graph, report: &MajorReport, costs: Option<&Costs<'_>>) -> Result<bool, Failure> {
    let mut file = Vec::new();
    write(report, Format::Json, None, &mut file).map_err(Failure::Write)?;
    let verified = major::verify(graph, &PlanFile::parse(&file, "the plan")?, costs)?;
    for flaw in &verified.flaws {
        output::note(&format!("wrong: {flaw}"));
    }
    if verified.flaws.is_empty() && !args.quiet {
        output::note("verified: every update once, nothing locked is rebuilt; waves, updates, sums and bound counted again");
    }
    Ok(verified.flaws.is_empty())
}

fn cut(options: &PlanArgs) -> Cut {
    let wave = options.wave_hours.map_or(0, |time| time.as_secs());
    match (options.max_waves, options.max_hours, options.max_wave_hours, options.risk) {
        (Some(waves), ..) => Cut::MaxWaves(waves),
        (_, Some(time), ..) => Cut::MaxSeconds(time.as_secs()),
        (_, _, Some(time), _) => Cut::MaxWaveSeconds(time.as_secs()),
        (.., Some(probability)) => Cut::Risk { probability, wave },
        _ => Cut::Levels,
    }
}
