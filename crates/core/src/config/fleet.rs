//! `[fleet]`: the machines that build.

use std::collections::BTreeSet;

use serde::Deserialize;

/// The least and the largest speed of a machine.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.01..=1000.0;
/// The largest number of builds at once.
const MAX_BUILDERS: u64 = 1_000_000;

/// `[fleet]`: the machines that build. Without any there is no schedule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fleet {
    /// `[[fleet.machines]]`.
    pub machines: Vec<Machine>,
}

/// `[[fleet.machines]]`: machines that are like each other.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawMachine")]
pub struct Machine {
    /// What they are called.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// How many derivations each builds at once.
    pub jobs: u32,
    /// The systems that they build for; empty is every system.
    pub systems: Vec<String>,
    /// The system features that they have.
    pub features: Vec<String>,
    /// The system features that they have, and only build derivations that ask for all of them.
    pub mandatory_features: Vec<String>,
    /// How fast each of its builds is, in thousandths of the builders whose build times are known.
    pub speed_permille: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawMachine {
    name: String,
    #[serde(default = "one")]
    count: u32,
    #[serde(default = "one")]
    jobs: u32,
    #[serde(default)]
    systems: Vec<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    mandatory_features: Vec<String>,
    #[serde(default = "as_measured")]
    speed: f64,
}

fn one() -> u32 {
    1
}

fn as_measured() -> f64 {
    1.0
}

impl TryFrom<RawMachine> for Machine {
    type Error = String;

    fn try_from(RawMachine { name, count, jobs, systems, features, mandatory_features, speed }: RawMachine) -> Result<Self, String> {
        if name.trim().is_empty() {
            return Err("`name` is empty: say what these machines are called".to_owned());
        }
        if count == 0 || jobs == 0 {
            return Err(format!("`{name}` builds nothing: `count` and `jobs` are whole numbers from 1"));
        }
        if !SPEEDS.contains(&speed) {
            let (least, most) = (SPEEDS.start(), SPEEDS.end());
            return Err(format!("the `speed` of `{name}` is a factor from {least} to {most}; 1 is as measured, 2 takes half as long"));
        }
        for (key, names) in [("systems", &systems), ("features", &features), ("mandatory-features", &mandatory_features)] {
            if names.iter().any(|name| name.trim().is_empty()) {
                return Err(format!("an empty name is in `{key}` of `{name}` (hint: every system is `systems = []`)"));
            }
        }
        #[expect(clippy::cast_sign_loss, reason = "it is in the range above")]
        let speed_permille = (speed * 1000.0).round() as u32;
        Ok(Self { name, count, jobs, systems, features, mandatory_features, speed_permille })
    }
}

impl Fleet {
    /// What a table cannot say of itself alone.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.machines.iter().find(|machine| !names.insert(&machine.name)) {
            let reason = format!("two kinds of machines are named `{}`: give them names of their own, or one `count`", twice.name);
            return Err(("fleet.machines", reason));
        }
        let builders: u64 = self.machines.iter().map(|machine| u64::from(machine.count) * u64::from(machine.jobs)).sum();
        if builders > MAX_BUILDERS {
            return Err(("fleet.machines", format!("{builders} builds at once: `count` times `jobs` are {MAX_BUILDERS} at most in all")));
        }
        Ok(())
    }
}
