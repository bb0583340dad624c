//! Labels: the size of a change in words, as nixpkgs' CI gives them.

use std::collections::BTreeMap;

use super::names::Names;
use crate::config::Policy;

/// Every label that the policy knows, and whether a change that rebuilds these names has it.
///
/// Source: `getLabels` of nixpkgs' `ci/eval/compare/utils.nix`, and the labels beside it.
pub fn labels(policy: &Policy, rebuilds: &Names<'_>) -> BTreeMap<String, bool> {
    let prefix = &policy.labels.prefix;
    let mut labels = BTreeMap::new();
    for (kernel, names) in &rebuilds.by_kernel {
        for bucket in &policy.labels.buckets {
            let holds = bucket.from <= names.len() && bucket.to.is_none_or(|to| names.len() <= to);
            labels.insert(format!("{prefix}{kernel}: {}", bucket.name), holds);
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
