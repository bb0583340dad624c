//! `waves export`: the waves of a plan, as what builds them reads them.

use std::collections::BTreeSet;
use std::path::{Path, absolute};

use clap::ValueEnum as _;
use waves_core::cost::Durations;
use waves_core::cost::{Costs, Sources};
use waves_core::error::Error;
use waves_core::export::{Engine, ExportOptions, Exported, ExportedFile, ExportedWave, RUNNER_SECONDS, export};
use waves_core::files::{Mode, NewFile};
use waves_core::graph::{DerivationIx, Graph};
use waves_core::text::{counted, number};

use crate::args::{Args, EngineArg, ExportArgs};
use crate::commands::Failure;
use crate::exit_code::Verdict;
use crate::{load, output};

/// Bytes of an output of a job, at most: GitHub's limit.
const OUTPUT_BYTES: usize = 1 << 20;

pub(crate) fn run(args: &Args, options: &ExportArgs) -> Result<Verdict, Failure> {
    check(options)?;
    let plan = load::plan(&options.plan)?;
    let graph = load::graph(args)?;
    load::note_other_evaluation(&plan, &graph);
    // Each once, whatever it was called by, and in their order.
    let wanted: BTreeSet<usize> = match &options.wave[..] {
        [] => (0..plan.waves.len()).collect(),
        names => names.iter().map(|name| plan.wave(name)).collect::<Result<_, _>>()?,
    };
    let resolved = plan.resolve(&graph)?;
    let waves: Vec<ExportedWave<'_>> =
        wanted.iter().map(|&wave| ExportedWave { name: &resolved.waves[wave].name, rebuilds: &resolved.waves[wave].rebuilds }).collect();
    let costs = costs(options, &graph)?;
    let seconds = costs.as_ref().and_then(Costs::model).map(|model| |ix: DerivationIx| model.seconds(ix));
    let path = options.file.as_deref().map(|file| absolute(file).map_err(Error::io("read", file))).transpose()?;
    let text = |path: &Path| path.display().to_string();
    let (file, path) = (options.file.as_deref().map(text), path.as_deref().map(text));
    let export_options = ExportOptions {
        file: file.as_deref().unwrap_or("."),
        path: path.as_deref(),
        source: options.source.as_deref(),
        repository: options.repository.as_deref(),
        seconds: seconds.as_ref().map(|seconds| seconds as &dyn Fn(DerivationIx) -> u32),
    };
    let (files, exported) = export(&graph, &waves, engine(options.to), &export_options)?;
    if files.is_empty() {
        let names: Vec<&str> = exported.iter().map(|wave| wave.name.as_str()).collect();
        let reason = format!("nothing to export: no attribute leads to what {} builds", names.join(", "));
        return Err(Failure::Usage(reason));
    }
    write(args, options, &files, exported.len())?;
    for wave in &exported {
        report(args, &graph, wave);
    }
    Ok(Verdict::Fine)
}

/// Makes sure that the engine has a use for what is said.
fn check(options: &ExportArgs) -> Result<(), Failure> {
    use EngineArg::{BuildbotNix, GithubMatrix, Hydra, NixBuild, NixFastBuild};
    let said: [(&str, bool, &[EngineArg]); 4] = [
        ("--file", options.file.is_some(), &[NixBuild, Hydra, NixFastBuild, BuildbotNix]),
        ("--repository", options.repository.is_some(), &[Hydra]),
        ("--source", options.source.is_some(), &[Hydra, NixFastBuild, BuildbotNix]),
        ("--durations", !options.durations.is_empty(), &[GithubMatrix]),
    ];
    let unused = said.into_iter().find(|(_, is_said, engines)| *is_said && !engines.contains(&options.to));
    let Some((option, _, engines)) = unused else { return Ok(()) };
    let engines: Vec<String> = engines.iter().map(|&engine| format!("--to {}", name(engine))).collect();
    Err(Failure::Usage(format!("{option} has no meaning with --to {} (hint: it is for {})", name(options.to), engines.join(", "))))
}

/// What an engine is called where it is typed.
fn name(engine: EngineArg) -> String {
    engine.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn engine(engine: EngineArg) -> Engine {
    match engine {
        EngineArg::NixBuild => Engine::NixBuild,
        EngineArg::GithubMatrix => Engine::GithubMatrix,
        EngineArg::Hydra => Engine::Hydra,
        EngineArg::NixFastBuild => Engine::NixFastBuild,
        EngineArg::BuildbotNix => Engine::BuildbotNix,
    }
}

fn costs<'g>(options: &ExportArgs, graph: &'g Graph) -> Result<Option<Costs<'g>>, Failure> {
    if options.durations.is_empty() {
        return Ok(None);
    }
    let durations = Some(Durations::read(&options.durations)?);
    Ok(Some(Costs::new(graph, Sources { durations, ..Sources::default() })?))
}

fn write(args: &Args, options: &ExportArgs, files: &[ExportedFile], waves: usize) -> Result<(), Failure> {
    match (&options.output_dir, files) {
        (Some(directory), _) => {
            let mode = |file: &ExportedFile| if file.is_program { Mode::Program } else { Mode::Data };
            NewFile::write_all(files.iter().map(|file| (directory.join(&file.name), mode(file), file.content.as_bytes())))?;
            if !args.quiet {
                output::note(&format!("{} written to {}", counted(files.len(), "file", "files"), directory.display()));
            }
            Ok(())
        }
        (None, [file]) => output::print_bytes(file.content.as_bytes()),
        (None, _) => {
            // Of most engines, one wave is several files too.
            let less = if files.len() == waves { ", or --wave NAME" } else { "" };
            Err(Failure::Usage(format!("these are {} (hint: --output-dir DIR{less})", counted(files.len(), "file", "files"))))
        }
    }
}

/// What a wave became, and what of it is not built.
fn report(args: &Args, graph: &Graph, wave: &Exported) {
    let cover = &wave.cover;
    if !args.quiet {
        let attributes = counted(cover.targets.len(), "attribute builds", "attributes build");
        let built = number((cover.derivations - cover.unreached.len()) as u64);
        let jobs = wave.jobs.map_or_else(String::new, |jobs| {
            format!("; {} in {}", counted(jobs.count, "job", "jobs"), counted(jobs.stages, "stage", "stages"))
        });
        output::note(&format!("{}: {attributes} {built} of {}{jobs}", wave.name, counted(cover.derivations, "derivation", "derivations")));
    }
    if let Some(first) = cover.unreached.first() {
        let others = counted(cover.unreached.len(), "derivation is", "derivations are");
        let unnamed = if cover.unnamed == 0 {
            String::new()
        } else {
            format!(", {} of an attribute that cannot be typed", number(cover.unnamed as u64))
        };
        let first = graph.derivation(*first).base_name();
        output::note(&format!("{}: {others} not built, for no attribute leads there{unnamed}: {first}", wave.name));
    }
    if cover.refused > 0 {
        let refused = counted(cover.refused, "attribute is", "attributes are");
        let hint = "evaluate with a configuration that allows them";
        output::note(&format!("{}: {refused} broken, insecure or not free, or built with what is (hint: {hint})", wave.name));
    }
    let Some(jobs) = wave.jobs else { return };
    if jobs.too_long > 0 {
        let long = counted(jobs.too_long, "job builds", "jobs build");
        output::note(&format!("{}: {long} for more than {} hours: GitHub ends a job after six", wave.name, RUNNER_SECONDS / 3600));
    }
    if jobs.repeated > 0 {
        output::note(&format!(
            "{}: {} built again for another system",
            wave.name,
            counted(jobs.repeated, "derivation is", "derivations are")
        ));
    }
    if jobs.bytes > OUTPUT_BYTES {
        output::note(&format!(
            "{}: a matrix is larger than an output of a job can be: let each job read its line from the file",
            wave.name
        ));
    }
}
