//! Expressions whose values are the jobs of a wave, and what points to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{ExportOptions, Exported, ExportedFile, name};
use crate::error::{Error, Result};
use crate::graph::{AttributeIx, Graph};

/// Where Hydra gets nixpkgs from, unless it is told otherwise.
const HYDRA_SOURCE: &str = "https://github.com/NixOS/nixpkgs.git master";
/// Where a flake gets nixpkgs from, unless it is told otherwise.
const FLAKE_SOURCE: &str = "github:NixOS/nixpkgs";

/// The jobs of a wave, by system; `recurses` tells `nix-eval-jobs` to look into the systems, what Hydra does by itself.
pub(super) fn jobs(graph: &Graph, wave: &Exported, options: &ExportOptions<'_>, recurses: bool) -> ExportedFile {
    let mut by_system: BTreeMap<&str, Vec<AttributeIx>> = BTreeMap::new();
    for target in &wave.cover.targets {
        by_system.entry(&target.system).or_default().push(target.attribute);
    }
    let path = options.path.map_or_else(|| "<nixpkgs>".to_owned(), name::nix_string);
    let mut text = format!(
        "# {}: jobs that build it, by the system that the package set is evaluated for.\n\
         {{\n  nixpkgs ? {path},\n}}:\n\nlet\n  \
           set = import nixpkgs;\n  \
           for = system: if builtins.isFunction set then set {{ inherit system; }} else set;\nin\n{{\n",
        wave.name
    );
    for (system, attributes) in by_system {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {} =\n    let\n      pkgs = for {};\n    in\n    {{", name::nix_name(system), name::nix_string(system));
        if recurses {
            text.push_str("      recurseForDerivations = true;\n");
        }
        for (job, path) in named(graph, attributes) {
            let _ = writeln!(text, "      {} = {};", name::nix_string(&job), name::selection("pkgs", path));
        }
        text.push_str("    };\n");
    }
    text.push_str("}\n");
    ExportedFile { name: format!("{}.nix", wave.name), content: text, is_program: false }
}

/// Attribute paths by the name of their job: no two jobs have one name.
fn named(graph: &Graph, mut attributes: Vec<AttributeIx>) -> BTreeMap<String, &str> {
    attributes.sort_unstable();
    let mut taken: BTreeSet<String> = BTreeSet::from(["recurseForDerivations".to_owned()]);
    let job = |attribute: AttributeIx| {
        let attribute = graph.attribute(attribute);
        let plain = attribute.job();
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|job| taken.insert(job.clone()));
        (free.unwrap_or(plain), attribute.path())
    };
    attributes.into_iter().map(job).collect()
}

/// Hydra's declarative project: a jobset for each wave. It is static, so Hydra builds nothing to know its jobsets.
pub(super) fn project(waves: &[Exported], options: &ExportOptions<'_>) -> Result<ExportedFile> {
    let Some(repository) = options.repository else {
        let reason = "Hydra gets the expressions from a repository (hint: --repository 'URL BRANCH', where these files will be)";
        return Err(Error::Export { reason: reason.to_owned() });
    };
    let git = |value: &str| json!({ "type": "git", "value": value, "emailresponsible": false });
    let jobset = |wave: &Exported| {
        json!({
            "enabled": 1,
            "hidden": false,
            "description": format!("{}: {} jobs", wave.name, wave.cover.targets.len()),
            "nixexprinput": "waves",
            "nixexprpath": format!("{}.nix", wave.name),
            "checkinterval": 0,
            "schedulingshares": 100,
            "enableemail": false,
            "emailoverride": "",
            "keepnr": 1,
            "inputs": { "waves": git(repository), "nixpkgs": git(options.source.unwrap_or(HYDRA_SOURCE)) },
        })
    };
    let jobsets: Map<String, Value> = waves.iter().map(|wave| (wave.name.clone(), jobset(wave))).collect();
    let content = format!("{:#}\n", Value::Object(jobsets));
    Ok(ExportedFile { name: "spec.json".to_owned(), content, is_program: false })
}

/// A flake with an output for each wave, in the shape of checks; `checks` is the wave itself, if it is the only one.
pub(super) fn flake(waves: &[Exported], options: &ExportOptions<'_>, checks: bool) -> ExportedFile {
    let mut text = format!(
        "{{\n  description = \"Waves of rebuilds\";\n\n  inputs.nixpkgs = {{\n    url = {};\n    flake = false;\n  }};\n\n  \
         outputs = {{ nixpkgs, ... }}: {{\n",
        name::nix_string(options.source.unwrap_or(FLAKE_SOURCE))
    );
    for wave in waves {
        let output = if checks { "checks".to_owned() } else { name::nix_string(&wave.name) };
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {output} = import ./{}.nix {{ inherit nixpkgs; }};", wave.name);
    }
    text.push_str("  };\n}\n");
    ExportedFile { name: "flake.nix".to_owned(), content: text, is_program: false }
}
