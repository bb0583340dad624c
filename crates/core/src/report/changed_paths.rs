//! What a change does to attributes, in the files that people's tools read already: `changed-paths.json` of nixpkgs' CI,
//! and the counts that `rebuild-amount.sh` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use crate::analysis::{AttributeChanges, AttributeName};
use crate::policy::{Names, name_and_platform};

/// `changed-paths.json`, key for key as nixpkgs' CI writes it. Names are attribute paths without their platform;
/// attributes without a platform are left out, as there.
///
/// Source: `ci/eval/compare` of nixpkgs, and the check of the target branch that reads the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedPaths {
    /// What was added, changed and removed, on any platform.
    #[serde(rename = "attrdiff")]
    pub attr_diff: AttrDiff,
    /// The same on the platforms of a kernel.
    #[serde(rename = "attrdiffByKernel")]
    pub attr_diff_by_kernel: BTreeMap<String, AttrDiff>,
    /// The same on each platform that has any of it.
    #[serde(rename = "attrdiffByPlatform")]
    pub attr_diff_by_platform: BTreeMap<String, AttrDiff>,
    /// Every label, and whether the change has it.
    pub labels: BTreeMap<String, bool>,
    /// The number of names in `rebuilds_by_kernel`.
    pub rebuild_count_by_kernel: BTreeMap<String, usize>,
    /// What is rebuilt on the platforms of a kernel.
    pub rebuilds_by_kernel: BTreeMap<String, Vec<String>>,
    /// What is rebuilt on each platform that has any of it, in the order of `name.platform`.
    pub rebuilds_by_platform: BTreeMap<String, Vec<String>>,
}

/// What was added, changed and removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AttrDiff {
    /// Only after the change.
    pub added: Vec<String>,
    /// Before and after, with other outputs.
    pub changed: Vec<String>,
    /// Only before the change.
    pub removed: Vec<String>,
}

impl ChangedPaths {
    /// Of a change; `labels` are the policy's. O(A log A) for A attributes.
    pub fn new(attributes: &AttributeChanges, kernels: &[String], labels: BTreeMap<String, bool>) -> Self {
        let [added, changed, removed, rebuilds] =
            [&attributes.added, &attributes.changed, &attributes.removed, &attributes.rebuilds].map(|names| Names::new(names, kernels));
        let diff = |of: &dyn Fn(&Names<'_>) -> Vec<String>| AttrDiff { added: of(&added), changed: of(&changed), removed: of(&removed) };
        let platforms: BTreeSet<&str> = [&added, &changed, &removed].iter().flat_map(|names| names.by_platform.keys().copied()).collect();
        Self {
            attr_diff: diff(&|names| owned(Some(&names.all))),
            attr_diff_by_kernel: kernels
                .iter()
                .map(|kernel| (kernel.clone(), diff(&|names| owned(names.by_kernel.get(kernel.as_str())))))
                .collect(),
            attr_diff_by_platform: platforms
                .into_iter()
                .map(|platform| (platform.to_owned(), diff(&|names| owned(names.by_platform.get(platform)))))
                .collect(),
            labels,
            rebuild_count_by_kernel: rebuilds.by_kernel.iter().map(|(kernel, names)| ((*kernel).to_owned(), names.len())).collect(),
            rebuilds_by_kernel: rebuilds.by_kernel.iter().map(|(kernel, names)| ((*kernel).to_owned(), owned(Some(names)))).collect(),
            rebuilds_by_platform: rebuilds_by_platform(&attributes.rebuilds),
        }
    }

    /// Writes the file: one line, its keys sorted.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }
}

fn owned(names: Option<&BTreeSet<&str>>) -> Vec<String> {
    names.into_iter().flatten().map(|&name| name.to_owned()).collect()
}

/// In the order in which Nix has the attributes `name.platform`: `a-b` stands before `a`.
fn rebuilds_by_platform(rebuilds: &[AttributeName]) -> BTreeMap<String, Vec<String>> {
    let mut platforms: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for attribute in rebuilds {
        if let Some((name, platform)) = name_and_platform(attribute) {
            platforms.entry(platform.to_owned()).or_default().push((attribute.to_string(), name.to_owned()));
        }
    }
    let sorted = |(platform, mut names): (String, Vec<(String, String)>)| {
        names.sort_unstable();
        (platform, names.into_iter().map(|(_, name)| name).collect())
    };
    platforms.into_iter().map(sorted).collect()
}

/// What `rebuild-amount.sh` of nixpkgs prints: the attributes of each platform that are new or have other outputs, in the
/// layout of `sort | uniq -c`.
pub fn rebuild_amount(changes: &AttributeChanges) -> String {
    let mut platforms: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, platform) in changes.added.iter().chain(&changes.changed).filter_map(name_and_platform) {
        *platforms.entry(platform).or_default() += 1;
    }
    let mut text = "Estimating rebuild amount by counting changed Hydra jobs.\n".to_owned();
    for (platform, count) in platforms {
        let _ = writeln!(text, "{count:>7} {platform}");
    }
    text
}
