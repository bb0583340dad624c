//! Plans updates under constraints: at most three waves, and a package that must not be rebuilt.
//!
//! ```sh
//! cargo run --package waves-core --example constrained_plan
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use waves_core::config::Config;
use waves_core::graph::Graph;
use waves_core::ingest::Input;
use waves_core::major::{Cut, Options, Updates, plan, wave_name};

/// As in a `waves.toml`.
const CONSTRAINTS: &str = r#"
[[pins]]
package = "python311Packages.torch"
reason = "five hours to build"
until = "2027-01-31"
"#;

/// The waves, a line each: name, derivations, what is updated.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/dumps");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|dump| Input::Path(dumps.join(dump)));
    let graph = Graph::import(&inputs, &())?;

    let updates = Updates::read(&dumps.join("updates.csv"))?;
    let constraints = Config::parse(CONSTRAINTS, "the constraints")?;
    let options = Options { pins: &constraints.pins, cut: Cut::MaxWaves(3), ..Options::default() };
    let planned = plan(&graph, &updates, None, &options)?;

    let mut lines = String::new();
    for (at, wave) in planned.waves.iter().enumerate() {
        let targets = wave.units.iter().flat_map(|&unit| &planned.units.units[unit].targets);
        let names: Vec<&str> = targets.map(|&target| planned.targets[target].update.package.as_str()).collect();
        writeln!(lines, "{}\t{}\t{}", wave_name(1, at), wave.rebuilds.len(), names.join(" "))?;
    }
    // A pin is not free: it keeps old inputs.
    for effect in &planned.effects {
        writeln!(lines, "{} is not rebuilt: saves {}, keeps {}", effect.package, effect.saved.derivations, effect.kept.derivations)?;
    }
    Ok(lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", report()?);
    Ok(())
}
