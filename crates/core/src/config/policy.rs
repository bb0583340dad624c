//! `[policy]`: what a change may do.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::pattern::{AttributePattern, BranchPattern};

/// `[policy]`: what a change may do.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Attributes that count for no limit, label or branch. They are counted apart.
    pub exclude: Vec<AttributePattern>,
    /// Attributes of which a change means that all tests are rebuilt.
    pub nixos_tests: Vec<String>,
    /// What it means that something cannot be known: an estimate without a bound, a count without what it counts.
    pub when_unknown: WhenUnknown,
    /// `[policy.labels]`.
    pub labels: Labels,
    /// `[policy.branches]`.
    pub branches: Branches,
    /// `[[policy.limits]]`.
    pub limits: Vec<Limit>,
    /// `[[policy.protected]]`.
    pub protected: Vec<Protected>,
}

/// What it means that something cannot be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnknown {
    /// It is said, and the change may still be within the policy.
    #[default]
    Warn,
    /// The change is over the policy.
    Fail,
}

/// `[policy.labels]`: how the size of a change is named.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Labels {
    /// What every label begins with.
    pub prefix: String,
    /// The kernels that are counted. A platform is of the kernel that its name ends with.
    pub kernels: Vec<String>,
    /// The attribute whose rebuild has a label of its own.
    pub stdenv: String,
    /// Ranges of counts; several may hold at once.
    pub buckets: Vec<Bucket>,
}

/// A range of counts with a name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawBucket")]
pub struct Bucket {
    /// What the label ends with.
    pub name: String,
    /// The least count.
    pub from: usize,
    /// The largest count; none is unlimited.
    pub to: Option<usize>,
}

impl Bucket {
    /// The label of a kernel.
    pub fn label(&self, prefix: &str, kernel: &str) -> String {
        format!("{prefix}{kernel}: {}", self.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawBucket {
    name: String,
    from: usize,
    to: Option<usize>,
}

impl TryFrom<RawBucket> for Bucket {
    type Error = String;

    fn try_from(RawBucket { name, from, to }: RawBucket) -> Result<Self, String> {
        match to {
            Some(to) if to < from => Err(format!("the bucket `{name}` ends at {to}, before it begins at {from}")),
            _ => Ok(Self { name, from, to }),
        }
    }
}

/// `[policy.branches]`: which branch takes how large a change.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Branches {
    /// The branch that a change is for if nothing says which.
    pub default: String,
    /// Attributes of one kernel from which on a change may be one for the staging branch.
    pub possible_mass_rebuild: usize,
    /// Attributes of one kernel from which on it is.
    pub mass_rebuild: usize,
    /// Decisions that are over the policy; the others warn.
    pub over: Vec<BranchFinding>,
    /// `[[policy.branches.lines]]`: lines of development.
    pub lines: Vec<Line>,
    /// `[[policy.branches.exempt]]`: changes that are judged more mildly.
    pub exempt: Vec<Exempt>,
}

/// What can be said against a change's branch, in the words of nixpkgs' CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchFinding {
    /// It rebuilds as much as only the staging branch takes.
    MassRebuild,
    /// It rebuilds all tests.
    NixosRebuild,
    /// It may rebuild more than the branch should take.
    PossibleMassRebuild,
}

/// A line of development: the branch that changes are for, and those for large ones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Line {
    /// Where small changes go.
    pub primary: BranchPattern,
    /// Where mass rebuilds go.
    pub staging: BranchPattern,
    /// Where changes go that rebuild all tests.
    pub staging_nixos: Option<BranchPattern>,
    /// Other branches of it. A merge of any branch of a line is not judged.
    #[serde(default)]
    pub others: Vec<BranchPattern>,
}

/// A change that is judged more mildly. All that is said of it must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawExempt")]
pub struct Exempt {
    /// It changes this file and no other.
    pub only_file: Option<String>,
    /// It comes from this branch.
    pub head: Option<String>,
    /// It rebuilds at most so many attributes of one kernel.
    pub up_to: Option<usize>,
    /// What is not said against it.
    pub from: Vec<BranchFinding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawExempt {
    only_file: Option<String>,
    head: Option<String>,
    up_to: Option<usize>,
    from: Vec<BranchFinding>,
}

impl TryFrom<RawExempt> for Exempt {
    type Error = String;

    fn try_from(RawExempt { only_file, head, up_to, from }: RawExempt) -> Result<Self, String> {
        if only_file.is_none() && head.is_none() {
            return Err("an exemption needs `only-file` or `head`; else it is one for every change".to_owned());
        }
        Ok(Self { only_file, head, up_to, from })
    }
}

/// `[[policy.limits]]`: how much a change may rebuild.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawLimit")]
pub struct Limit {
    /// What is counted.
    pub count: Count,
    /// Of what each.
    pub per: Per,
    /// Only of these kernels, which must be counted ones, or platforms; empty is each.
    pub only: Vec<String>,
    /// Only for changes for these branches; empty is every branch.
    pub branches: Vec<BranchPattern>,
    /// From this number on there is a warning.
    pub warn_from: Option<f64>,
    /// From this number on the change is over the policy.
    pub over_from: Option<f64>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Names of rebuilt attributes, as nixpkgs' CI counts them.
    Attributes,
    /// Rebuilt derivations.
    Derivations,
    /// Hours of building, one after the other.
    Hours,
}

/// What a limit counts for each of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// All together.
    #[default]
    Overall,
    /// All platforms of a kernel.
    Kernel,
    /// A platform, such as `x86_64-linux`.
    Platform,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawLimit {
    count: Count,
    #[serde(default)]
    per: Per,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    branches: Vec<BranchPattern>,
    warn_from: Option<f64>,
    over_from: Option<f64>,
}

impl TryFrom<RawLimit> for Limit {
    type Error = String;

    fn try_from(RawLimit { count, per, only, branches, warn_from, over_from }: RawLimit) -> Result<Self, String> {
        if warn_from.is_none() && over_from.is_none() {
            return Err("a limit needs `warn-from` or `over-from`".to_owned());
        }
        if [warn_from, over_from].into_iter().flatten().any(|bound| !(bound > 0.0 && bound.is_finite())) {
            return Err("`warn-from` and `over-from` are numbers above 0".to_owned());
        }
        if count == Count::Hours && per != Per::Overall {
            return Err("hours are known of all together only: `per = \"overall\"`".to_owned());
        }
        if per == Per::Overall && !only.is_empty() {
            return Err("`only` names kernels or platforms: it needs `per = \"kernel\"` or `per = \"platform\"`".to_owned());
        }
        Ok(Self { count, per, only, branches, warn_from, over_from })
    }
}

/// `[[policy.protected]]`: packages that are not rebuilt without saying so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawProtected")]
pub struct Protected {
    /// Attribute paths, globs over them, or pnames.
    pub packages: Vec<AttributePattern>,
    /// Why they are.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProtected {
    packages: Vec<AttributePattern>,
    reason: String,
}

impl TryFrom<RawProtected> for Protected {
    type Error = String;

    fn try_from(RawProtected { packages, reason }: RawProtected) -> Result<Self, String> {
        match (packages.is_empty(), reason.trim().is_empty()) {
            (true, _) => Err("`packages` is empty: it protects nothing".to_owned()),
            (_, true) => Err("`reason` is empty: say why these packages are protected".to_owned()),
            _ => Ok(Self { packages, reason }),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            nixos_tests: ["nixosTests.simple-container", "nixosTests.simple-vm"].map(str::to_owned).to_vec(),
            when_unknown: WhenUnknown::default(),
            labels: Labels::default(),
            branches: Branches::default(),
            limits: Vec::new(),
            protected: Vec::new(),
        }
    }
}

impl Default for Labels {
    fn default() -> Self {
        let bucket = |(name, from, to): (&str, usize, Option<usize>)| Bucket { name: name.to_owned(), from, to };
        let buckets = [
            ("0", 0, Some(0)),
            ("1", 1, Some(1)),
            ("1-10", 1, Some(10)),
            ("11-100", 11, Some(100)),
            ("101-500", 101, Some(500)),
            ("501-1000", 501, Some(1000)),
            ("501+", 501, None),
            ("1001-2500", 1001, Some(2500)),
            ("2501-5000", 2501, Some(5000)),
            ("5001+", 5001, None),
        ];
        Self {
            prefix: "10.rebuild-".to_owned(),
            kernels: ["linux", "darwin"].map(str::to_owned).to_vec(),
            stdenv: "stdenv".to_owned(),
            buckets: buckets.map(bucket).to_vec(),
        }
    }
}

impl Default for Branches {
    fn default() -> Self {
        let line = |suffix: &str, primary: &str| {
            let name = |prefix: &str| BranchPattern::known(format!("{prefix}{suffix}"));
            Line {
                primary: name(primary),
                staging: name("staging"),
                staging_nixos: Some(name("staging-nixos")),
                others: vec![name("staging-next"), name("haskell-updates")],
            }
        };
        Self {
            default: "master".to_owned(),
            possible_mass_rebuild: 500,
            mass_rebuild: 1000,
            over: vec![BranchFinding::MassRebuild, BranchFinding::NixosRebuild],
            lines: vec![line("", "master"), line("-{version}", "release")],
            exempt: vec![
                Exempt {
                    only_file: Some("pkgs/os-specific/linux/kernel/xanmod-kernels.nix".to_owned()),
                    head: None,
                    up_to: None,
                    from: vec![BranchFinding::MassRebuild, BranchFinding::NixosRebuild, BranchFinding::PossibleMassRebuild],
                },
                Exempt {
                    only_file: None,
                    head: Some("wip-home-assistant".to_owned()),
                    up_to: Some(1500),
                    from: vec![BranchFinding::MassRebuild, BranchFinding::PossibleMassRebuild],
                },
            ],
        }
    }
}

impl Policy {
    /// What a table cannot say of itself alone.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let branches = &self.branches;
        if branches.possible_mass_rebuild > branches.mass_rebuild {
            let reason = format!(
                "{} is above `mass-rebuild`, which is {}: nothing would be only possibly one",
                branches.possible_mass_rebuild, branches.mass_rebuild
            );
            return Err(("policy.branches.possible-mass-rebuild", reason));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.labels.buckets.iter().find(|bucket| !names.insert(&bucket.name)) {
            return Err(("policy.labels.buckets", format!("two buckets are named `{}`", twice.name)));
        }
        let kernels = &self.labels.kernels;
        let mut limited = self.limits.iter().filter(|limit| limit.per == Per::Kernel).flat_map(|limit| &limit.only);
        if let Some(unknown) = limited.find(|only| !kernels.contains(only)) {
            let counted: Vec<String> = kernels.iter().map(|kernel| format!("`{kernel}`")).collect();
            let reason = format!(
                "`{unknown}` is none of `policy.labels.kernels` ({}), and would reach no limit: a platform needs `per = \"platform\"`",
                counted.join(", ")
            );
            return Err(("policy.limits.only", reason));
        }
        Ok(())
    }
}
