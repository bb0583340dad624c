//! Attributes by kernel and platform, as nixpkgs' CI groups them.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::AttributeName;

/// Attribute paths, by where they are for. Nothing is in it twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names<'a> {
    /// Of any platform.
    pub all: BTreeSet<&'a str>,
    /// Of all platforms whose name ends with the kernel; each kernel that was asked for, some with no name.
    pub by_kernel: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Of each platform that has some.
    pub by_platform: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Attributes without a path or a platform: they are in none of the sets.
    pub without_platform: usize,
}

/// How many names there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameCounts {
    /// Of any platform.
    pub all: usize,
    /// Of each kernel.
    pub by_kernel: BTreeMap<String, usize>,
    /// Of each platform that has some.
    pub by_platform: BTreeMap<String, usize>,
    /// Attributes without a platform, which are not counted.
    pub without_platform: usize,
    /// Attributes of platforms of no counted kernel, which no kernel's number has in it.
    pub of_other_kernels: usize,
}

/// Attribute path and platform; `None` if one is missing, as of `release-checks`.
pub fn name_and_platform(attribute: &AttributeName) -> Option<(&str, &str)> {
    let AttributeName { path, system } = attribute;
    (!path.is_empty() && !system.is_empty()).then_some((path.as_str(), system.as_str()))
}

impl<'a> Names<'a> {
    /// Groups attributes. O(A log A).
    pub fn new(attributes: impl IntoIterator<Item = &'a AttributeName>, kernels: &'a [String]) -> Self {
        let mut names = Self { by_kernel: kernels.iter().map(|kernel| (kernel.as_str(), BTreeSet::new())).collect(), ..Self::default() };
        for attribute in attributes {
            let Some((name, platform)) = name_and_platform(attribute) else {
                names.without_platform += 1;
                continue;
            };
            names.all.insert(name);
            names.by_platform.entry(platform).or_default().insert(name);
            for (_, of_kernel) in names.by_kernel.iter_mut().filter(|(kernel, _)| platform.ends_with(*kernel)) {
                of_kernel.insert(name);
            }
        }
        names
    }

    /// The number of each.
    pub fn counts(&self) -> NameCounts {
        let is_of_a_kernel = |platform: &str| self.by_kernel.keys().any(|kernel| platform.ends_with(*kernel));
        let sizes = |sets: &BTreeMap<&str, BTreeSet<&str>>| sets.iter().map(|(of, names)| ((*of).to_owned(), names.len())).collect();
        NameCounts {
            all: self.all.len(),
            by_kernel: sizes(&self.by_kernel),
            by_platform: sizes(&self.by_platform),
            without_platform: self.without_platform,
            of_other_kernels: self.by_platform.iter().filter(|(of, _)| !is_of_a_kernel(of)).map(|(_, names)| names.len()).sum(),
        }
    }
}

impl NameCounts {
    /// The kernel with most names, and how many it has; the first of several.
    pub fn largest_kernel(&self) -> (&str, usize) {
        let largest = self.by_kernel.iter().rev().max_by_key(|(_, count)| **count);
        largest.map_or(("", 0), |(kernel, &count)| (kernel.as_str(), count))
    }
}
