//! Hands the waves of a plan to what builds them: commands, matrices, job sets and expressions, as text.
//!
//! Everything is named by attribute, as Nix evaluates it again: a wave is built after its updates are in the tree, where its
//! derivations have other paths than in any evaluation of before. So a wave is the attributes that cover it ([`Cover`]), and
//! what no attribute reaches is told.

mod cover;
mod expression;
mod matrix;
mod name;
mod nix_build;
mod stages;

use cover::refusals;
pub use cover::{Cover, Target};
pub use matrix::{JOB_SECONDS, JOBS, MatrixJobs, RUNNER_SECONDS};

use crate::error::{Error, Result};
use crate::graph::{DerivationIx, DerivationSet, Graph};

/// What builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A script of `nix-build` commands for each wave.
    NixBuild,
    /// Matrices of GitHub Actions.
    GithubMatrix,
    /// A declarative project of Hydra, and an expression for each wave.
    Hydra,
    /// An expression for each wave, and a flake, as `nix-fast-build` and `nix-eval-jobs` read them.
    NixFastBuild,
    /// The same of one wave, whose jobs are the flake's checks.
    BuildbotNix,
}

/// A wave to be handed over.
#[derive(Clone, Copy, Debug)]
pub struct ExportedWave<'w> {
    /// `wave-1.2`.
    pub name: &'w str,
    /// Everything that it rebuilds.
    pub rebuilds: &'w DerivationSet,
}

/// What the files say besides the waves.
#[derive(Clone, Copy)]
pub struct ExportOptions<'a> {
    /// The file or directory of the package set, for `nix-build`.
    pub file: &'a str,
    /// The same, absolute, for expressions; without it they take it from `<nixpkgs>`.
    pub path: Option<&'a str>,
    /// Where Hydra, or the flake, gets the package set from.
    pub source: Option<&'a str>,
    /// Where Hydra gets the expressions from.
    pub repository: Option<&'a str>,
    /// Build times in seconds, if they are known.
    pub seconds: Option<&'a dyn Fn(DerivationIx) -> u32>,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name, without a directory.
    pub name: String,
    /// What is in it.
    pub content: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// What a wave became.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The wave.
    pub name: String,
    /// The attributes that cover it.
    pub cover: Cover,
    /// Its jobs, if it became matrices.
    pub jobs: Option<MatrixJobs>,
}

/// Writes the waves down for an engine: the files, and what became of each wave. O(V + E) for each wave.
///
/// # Errors
///
/// [`Error::Export`] if a wave's name cannot be one of a file, or something that the engine needs is not said.
pub fn export(
    graph: &Graph,
    waves: &[ExportedWave<'_>],
    engine: Engine,
    options: &ExportOptions<'_>,
) -> Result<(Vec<ExportedFile>, Vec<Exported>)> {
    if let Some(wave) = waves.iter().find(|wave| !name::is_file(wave.name)) {
        let reason = "a wave's name is letters, digits, dots and dashes, as `wave-1.2` (hint: is the plan what waves wrote?)";
        return Err(Error::Export { reason: format!("{:?}: {reason}", wave.name) });
    }
    let typed = matches!(engine, Engine::NixBuild | Engine::GithubMatrix);
    let refusals = refusals(graph);
    let mut exported: Vec<Exported> = waves
        .iter()
        .map(|wave| Exported { name: wave.name.to_owned(), cover: Cover::new(graph, wave.rebuilds, &refusals, typed), jobs: None })
        .collect();
    let mut files = Vec::new();
    match engine {
        Engine::NixBuild => files.extend(exported.iter().map(|wave| nix_build::script(graph, wave, options))),
        Engine::GithubMatrix => {
            for (wave, exported) in waves.iter().zip(&mut exported) {
                let (matrices, jobs) = matrix::matrices(graph, wave, &refusals, options);
                files.extend(matrices);
                exported.jobs = Some(jobs);
            }
        }
        Engine::Hydra => {
            files.extend(exported.iter().map(|wave| expression::jobs(graph, wave, options, false)));
            files.push(expression::project(&exported, options)?);
        }
        Engine::NixFastBuild => {
            files.extend(exported.iter().map(|wave| expression::jobs(graph, wave, options, true)));
            files.push(expression::flake(&exported, options, false));
        }
        Engine::BuildbotNix => {
            if exported.len() != 1 {
                let reason = format!("buildbot-nix builds one wave, and there are {} (hint: --wave NAME)", exported.len());
                return Err(Error::Export { reason });
            }
            files.extend(exported.iter().map(|wave| expression::jobs(graph, wave, options, true)));
            files.push(expression::flake(&exported, options, true));
        }
    }
    Ok((files, exported))
}
