//! Which branch should take a change.

use serde::Serialize;

use crate::config::{BranchFinding, BranchPattern, Branches, Exempt, Line};

/// What is known of a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct BranchFacts<'a> {
    /// The branch that it is for.
    pub base: &'a str,
    /// The branch that it comes from.
    pub head: Option<&'a str>,
    /// Rebuilt names of the kernel that has most.
    pub rebuilds: usize,
    /// Whether it rebuilds all tests.
    pub rebuilds_all_tests: bool,
    /// The files that it changes.
    pub changed_files: Option<&'a [String]>,
}

/// What nixpkgs' CI would say of the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It rebuilds as much as only the staging branch takes.
    MassRebuild,
    /// It rebuilds all tests.
    NixosRebuild,
    /// It may rebuild more than the branch should take.
    PossibleMassRebuild,
    /// It merges one branch of a line into another.
    SkipDevelopmentMerge,
    /// The branch is right, or the policy says nothing of it.
    Dismiss,
}

impl Decision {
    /// What it says against the branch.
    pub fn finding(self) -> Option<BranchFinding> {
        match self {
            Self::MassRebuild => Some(BranchFinding::MassRebuild),
            Self::NixosRebuild => Some(BranchFinding::NixosRebuild),
            Self::PossibleMassRebuild => Some(BranchFinding::PossibleMassRebuild),
            Self::SkipDevelopmentMerge | Self::Dismiss => None,
        }
    }

    /// As nixpkgs' CI writes it: `mass-rebuild`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MassRebuild => "mass-rebuild",
            Self::NixosRebuild => "nixos-rebuild",
            Self::PossibleMassRebuild => "possible-mass-rebuild",
            Self::SkipDevelopmentMerge => "skip-development-merge",
            Self::Dismiss => "dismiss",
        }
    }
}

/// What the policy says of a change's branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchVerdict {
    /// The branch that it is for.
    pub base: String,
    /// What is said of it.
    pub decision: Decision,
    /// Branches that it should be for instead, the likeliest first; empty if the branch is right.
    pub suggested: Vec<String>,
    /// Whether the policy knows the branch.
    pub is_known: bool,
}

impl BranchVerdict {
    /// The branch that should take the change.
    pub fn target(&self) -> &str {
        self.suggested.first().unwrap_or(&self.base)
    }
}

/// Where a branch stands in the lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Primary,
    StagingNixos,
    Other,
}

/// Judges the branch of a change. O(lines).
///
/// Source: `evaluateTargetBranchPolicy` of nixpkgs' `ci/github-script/check-target-branch-policy.ts`.
pub fn judge_branch(branches: &Branches, facts: BranchFacts<'_>) -> BranchVerdict {
    let base = place(branches, facts.base);
    let decision = decide(branches, &facts, base.as_ref().map(|(_, _, place)| *place));
    let suggested = match base {
        Some((line, version, _)) => suggested(branches, line, version, decision, facts.rebuilds),
        None => Vec::new(),
    };
    BranchVerdict { base: facts.base.to_owned(), decision, suggested, is_known: base.is_some() }
}

fn decide(branches: &Branches, facts: &BranchFacts<'_>, base: Option<Place>) -> Decision {
    let head = facts.head.and_then(|head| place(branches, head)).map(|(_, _, place)| place);
    // A merge between two branches of a line is no change of its own; but only the primary one is merged into staging-nixos.
    if head.is_some_and(|head| base != Some(Place::StagingNixos) || head == Place::Primary) {
        return Decision::SkipDevelopmentMerge;
    }
    let is_exempt = |finding| branches.exempt.iter().any(|exempt| exempt.from.contains(&finding) && holds(exempt, facts));
    let is_primary = base == Some(Place::Primary);
    let is_staging_nixos = base == Some(Place::StagingNixos);
    let is_mass_rebuild = facts.rebuilds >= branches.mass_rebuild && !is_exempt(BranchFinding::MassRebuild);
    let may_be_one = facts.rebuilds >= branches.possible_mass_rebuild && !is_exempt(BranchFinding::PossibleMassRebuild);
    if !is_primary && !is_staging_nixos {
        Decision::Dismiss
    } else if is_mass_rebuild {
        Decision::MassRebuild
    } else if is_primary && facts.rebuilds_all_tests && !is_exempt(BranchFinding::NixosRebuild) {
        Decision::NixosRebuild
    } else if may_be_one && !(is_staging_nixos && facts.rebuilds_all_tests) {
        Decision::PossibleMassRebuild
    } else {
        Decision::Dismiss
    }
}

fn holds(exempt: &Exempt, facts: &BranchFacts<'_>) -> bool {
    let is_only_file = |file: &String| facts.changed_files.is_some_and(|files| files == [file.as_str()]);
    exempt.only_file.as_ref().is_none_or(is_only_file)
        && exempt.head.as_deref().is_none_or(|head| facts.head == Some(head))
        && exempt.up_to.is_none_or(|most| facts.rebuilds <= most)
}

fn suggested(branches: &Branches, line: &Line, version: &str, decision: Decision, rebuilds: usize) -> Vec<String> {
    let staging = || line.staging.of_version(version);
    let staging_nixos = || line.staging_nixos.as_ref().map(|branch| branch.of_version(version));
    match decision {
        Decision::MassRebuild | Decision::PossibleMassRebuild => vec![staging()],
        Decision::NixosRebuild => {
            let both = rebuilds >= branches.possible_mass_rebuild || line.staging_nixos.is_none();
            staging_nixos().into_iter().chain(both.then(staging)).collect()
        }
        Decision::SkipDevelopmentMerge | Decision::Dismiss => Vec::new(),
    }
}

/// The line and version of a branch, and what it is there.
fn place<'p, 'b>(branches: &'p Branches, branch: &'b str) -> Option<(&'p Line, &'b str, Place)> {
    branches.lines.iter().find_map(|line| {
        let as_is = |pattern: &BranchPattern, place| Some((line, pattern.version_in(branch)?, place));
        let others = || std::iter::once(&line.staging).chain(&line.others).find_map(|pattern| as_is(pattern, Place::Other));
        as_is(&line.primary, Place::Primary)
            .or_else(|| line.staging_nixos.as_ref().and_then(|pattern| as_is(pattern, Place::StagingNixos)))
            .or_else(others)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XANMOD: &str = "pkgs/os-specific/linux/kernel/xanmod-kernels.nix";

    fn verdict(base: &str, head: Option<&str>, rebuilds: usize, rebuilds_all_tests: bool, file: Option<&str>) -> BranchVerdict {
        let files: Vec<String> = file.map(str::to_owned).into_iter().collect();
        let changed_files = file.map(|_| files.as_slice());
        judge_branch(&Branches::default(), BranchFacts { base, head, rebuilds, rebuilds_all_tests, changed_files })
    }

    /// The cases that nixpkgs' CI tests itself with.
    #[test]
    fn decisions_are_those_of_nixpkgs() {
        use Decision::*;
        for (base, head, rebuilds, tests, file, expected) in [
            ("master", None, 499, false, None, Dismiss),
            ("master", None, 500, false, None, PossibleMassRebuild),
            ("master", None, 999, false, None, PossibleMassRebuild),
            ("master", None, 1000, false, None, MassRebuild),
            ("staging-nixos", None, 24_000, false, None, MassRebuild),
            ("staging-nixos-26.05", None, 1000, false, None, MassRebuild),
            ("staging", None, 1000, false, None, Dismiss),
            ("staging-next-26.05", None, 1000, false, None, Dismiss),
            ("release-26.05", None, 1000, false, None, MassRebuild),
            ("master", None, 0, true, None, NixosRebuild),
            ("release-26.05", None, 0, true, None, NixosRebuild),
            ("staging-nixos", None, 0, true, None, Dismiss),
            ("staging-nixos", None, 500, true, None, Dismiss),
            ("staging-nixos", None, 500, false, None, PossibleMassRebuild),
            ("master", Some("staging"), 24_000, false, None, SkipDevelopmentMerge),
            ("master", Some("staging-nixos"), 24_000, false, None, SkipDevelopmentMerge),
            ("staging-nixos", Some("master"), 24_000, false, None, SkipDevelopmentMerge),
            ("staging-nixos", Some("staging"), 24_000, false, None, MassRebuild),
            ("release-26.05", Some("staging-nixos-26.05"), 24_000, false, None, SkipDevelopmentMerge),
            ("staging-nixos-26.05", Some("release-26.05"), 24_000, false, None, SkipDevelopmentMerge),
            ("staging-nixos-26.05", Some("staging-26.05"), 24_000, false, None, MassRebuild),
            ("master", None, 999, false, Some(XANMOD), Dismiss),
            ("master", None, 1000, false, Some(XANMOD), Dismiss),
            ("master", None, 0, true, Some(XANMOD), Dismiss),
            ("master", None, 1000, false, Some("pkgs/other.nix"), MassRebuild),
            ("master", Some("wip-home-assistant"), 1500, false, None, Dismiss),
            ("master", Some("wip-home-assistant"), 1501, false, None, MassRebuild),
            ("master", Some("wip-home-assistant"), 1500, true, None, NixosRebuild),
        ] {
            let found = verdict(base, head, rebuilds, tests, file).decision;
            assert_eq!(found, expected, "{head:?} into {base}: {rebuilds} rebuilds, all tests: {tests}, {file:?}");
        }
    }

    #[test]
    fn suggestions_stay_in_the_line() {
        for (base, rebuilds, tests, expected) in [
            ("master", 1000, false, &["staging"][..]),
            ("master", 500, false, &["staging"]),
            ("master", 1, false, &[]),
            ("master", 1, true, &["staging-nixos"]),
            ("master", 500, true, &["staging-nixos", "staging"]),
            ("release-24.11", 1000, false, &["staging-24.11"]),
            ("release-24.11", 1, true, &["staging-nixos-24.11"]),
            ("release-24.11", 999, true, &["staging-nixos-24.11", "staging-24.11"]),
            ("staging-nixos-24.11", 1000, false, &["staging-24.11"]),
            ("my-branch", 5000, true, &[]),
        ] {
            assert_eq!(verdict(base, None, rebuilds, tests, None).suggested, expected, "{base}: {rebuilds}, {tests}");
        }
    }

    #[test]
    fn one_file_of_two_is_not_exempt() {
        let files = [XANMOD.to_owned(), "other".to_owned()];
        let facts = BranchFacts { base: "master", rebuilds: 1000, changed_files: Some(&files), ..BranchFacts::default() };
        assert_eq!(judge_branch(&Branches::default(), facts).decision, Decision::MassRebuild);
    }
}
