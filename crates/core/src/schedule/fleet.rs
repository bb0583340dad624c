//! The builders, in classes of like ones.

use std::collections::BTreeSet;

use crate::config;

/// The system of what Nix builds itself: every machine can.
const BUILTIN: &str = "builtin";

/// The builders that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    pub(super) classes: Vec<Builders>,
}

/// A class of builders that are like each other. Each builds one derivation at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builders {
    /// What they are called.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// How fast each is, in thousandths of the builder whose build times are known.
    pub speed_permille: u32,
    /// The systems that they build for; empty is every system.
    pub(super) systems: Vec<String>,
    /// The system features that they have.
    pub(super) features: BTreeSet<String>,
    /// What a derivation must ask for to be built there.
    mandatory: Vec<String>,
    /// Whether they have every feature.
    anything: bool,
}

impl Fleet {
    /// Builders that build anything, as fast as was measured.
    pub fn identical(count: u32) -> Self {
        let class = Builders {
            name: "builders".to_owned(),
            count,
            speed_permille: 1000,
            systems: Vec::new(),
            features: BTreeSet::new(),
            mandatory: Vec::new(),
            anything: true,
        };
        Self { classes: vec![class] }
    }

    /// The machines of `waves.toml`; `None` if it names none.
    pub fn of_machines(fleet: &config::Fleet) -> Option<Self> {
        let class = |machine: &config::Machine| Builders {
            name: machine.name.clone(),
            count: machine.count.saturating_mul(machine.jobs),
            speed_permille: machine.speed_permille,
            systems: machine.systems.clone(),
            features: machine.features.iter().chain(&machine.mandatory_features).cloned().collect(),
            mandatory: machine.mandatory_features.clone(),
            anything: false,
        };
        (!fleet.machines.is_empty()).then(|| Self { classes: fleet.machines.iter().map(class).collect() })
    }

    /// Its classes.
    pub fn classes(&self) -> &[Builders] {
        &self.classes
    }

    /// How many builders there are.
    pub fn builders(&self) -> u64 {
        self.classes.iter().map(|class| u64::from(class.count)).sum()
    }
}

impl Builders {
    /// Whether a system is built for. What has none, or is built by Nix itself, is built anywhere.
    pub(super) fn has_system(&self, system: &str) -> bool {
        self.systems.is_empty() || system.is_empty() || system == BUILTIN || self.systems.iter().any(|known| known == system)
    }

    /// The features that these do not have.
    pub(super) fn lacking<'f>(&self, features: &[&'f str]) -> impl Iterator<Item = &'f str> {
        features.iter().copied().filter(|&feature| !self.anything && !self.features.contains(feature))
    }

    /// Whether they are not kept for derivations that ask for more.
    pub(super) fn takes(&self, features: &[&str]) -> bool {
        self.mandatory.iter().all(|feature| features.contains(&feature.as_str()))
    }

    /// How long what takes `seconds` as it was measured takes here, in milliseconds: rounded up.
    pub(super) fn time(&self, seconds: u32) -> u64 {
        (u64::from(seconds) * 1_000_000).div_ceil(u64::from(self.speed_permille))
    }

    /// What all of these do in a millisecond, in thousandths of what one builder of speed 1 does.
    pub(super) fn capacity(&self) -> u128 {
        u128::from(self.count) * u128::from(self.speed_permille)
    }
}
