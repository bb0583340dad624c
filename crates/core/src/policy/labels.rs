//! Labels: the size of a change in words, as nixpkgs' CI gives them.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use crate::config::Policy;

/// Every label that the policy knows, and whether a change that rebuilds these names has it.
///
/// With `most`, as many as those may be rebuilt: a label of a number then has to hold of the least and of the most, and none
/// says that nothing is rebuilt.
///
/// Source: `getLabels` of nixpkgs' `ci/eval/compare/utils.nix`, and the labels beside it.
pub fn labels(policy: &Policy, rebuilds: &Names<'_>, most: Option<&Names<'_>>) -> BTreeMap<String, bool> {
    let prefix = &policy.labels.prefix;
    let mut labels = BTreeMap::new();
    for (kernel, names) in &rebuilds.by_kernel {
        let of_kernel = |most: &Names<'_>| most.by_kernel.get(kernel).map_or(0, BTreeSet::len);
        let (least, most) = (names.len(), most.map(of_kernel));
        for bucket in &policy.labels.buckets {
            let is_known = most.is_none() || least > 0;
            let holds = is_known && bucket.from <= least && bucket.to.is_none_or(|to| most.unwrap_or(least) <= to);
            labels.insert(bucket.label(prefix, kernel), holds);
        }
        let stdenv = policy.labels.stdenv.as_str();
        if !stdenv.is_empty() {
            labels.insert(format!("{prefix}{kernel}-stdenv"), names.contains(stdenv));
        }
    }
    if !policy.nixos_tests.is_empty() {
        let rebuilds_tests = policy.nixos_tests.iter().any(|test| rebuilds.all.contains(test.as_str()));
        labels.insert(format!("{prefix}nixos-tests"), rebuilds_tests);
    }
    labels
}
