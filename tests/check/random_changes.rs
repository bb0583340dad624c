//! changed-paths.json of random changes, against jq.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use waves_core::analysis::{AttributeChanges, AttributeName};
use waves_core::config::Policy;
use waves_core::policy::{Names, labels};
use waves_core::report::ChangedPaths;

use crate::support::{ci, has};

const PLATFORMS: [&str; 6] = ["x86_64-linux", "aarch64-linux", "aarch64-darwin", "x86_64-darwin", "x86_64-freebsd", "wasm32-wasi"];
const NAMES: [&str; 8] =
    ["stdenv", "nixosTests.simple-vm", "nixosTests.simple-container", "a", "a-b", "a.b", "ä\"`\u{7}", "python312Packages.numpy"];
/// Where one label ends and another begins.
const BOUNDS: [usize; 12] = [0, 1, 9, 10, 99, 100, 499, 500, 999, 2499, 2500, 5000];

fn attribute() -> impl Strategy<Value = AttributeName> {
    let path = prop_oneof![select(&NAMES).prop_map(str::to_owned), "[a-z]{1,3}(\\.[a-z0-9_-]{1,4})?"];
    // One in some has no platform: then CI knows it by a name without a dot.
    (path, select(&PLATFORMS), prop::bool::weighted(0.05)).prop_map(|(path, system, is_without)| {
        let (path, system) = if is_without { (path.replace('.', "-"), "") } else { (path, system) };
        AttributeName { path, system: system.to_owned() }
    })
}

prop_compose! {
    fn changes()(
        [added, removed, changed] in [btree_set(attribute(), 0..9), btree_set(attribute(), 0..9), btree_set(attribute(), 0..9)],
        rebuilds in btree_set(attribute(), 0..9),
        many in select(&BOUNDS),
        more in 0_usize..3,
        platforms in vec(select(&PLATFORMS), 1..3),
    ) -> AttributeChanges {
        let numbered = (0..many + more).flat_map(|at| {
            platforms.iter().map(move |system| AttributeName { path: format!("p{at}"), system: (*system).to_owned() })
        });
        let rebuilds: BTreeSet<AttributeName> = rebuilds.into_iter().chain(numbered).collect();
        let sorted = |names: BTreeSet<AttributeName>| names.into_iter().collect();
        AttributeChanges { added: sorted(added), removed: sorted(removed), changed: sorted(changed), rebuilds: sorted(rebuilds) }
    }
}

fn names(attributes: &[AttributeName]) -> Vec<String> {
    attributes.iter().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_are_those_of_nixpkgs_ci(changes in changes()) {
        prop_assume!(has("jq"));
        let policy = Policy::default();
        let kernels = &policy.labels.kernels;
        let paths = ChangedPaths::new(&changes, kernels, labels(&policy, &Names::new(&changes.rebuilds, kernels), None));
        let mut bytes = Vec::new();
        paths.write(&mut bytes).expect("writes");
        let input = json!({
            "added": names(&changes.added), "removed": names(&changes.removed),
            "changed": names(&changes.changed), "rebuilds": names(&changes.rebuilds),
        });
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("JSON"), ci(&input));
    }

    /// What is not counted is counted.
    #[test]
    fn nothing_is_dropped_without_a_count(changes in changes()) {
        let kernels = Policy::default().labels.kernels;
        let counts = Names::new(&changes.rebuilds, &kernels).counts();
        let by_platform: usize = counts.by_platform.values().sum();
        prop_assert_eq!(by_platform + counts.without_platform, changes.rebuilds.len());
        let others = changes.rebuilds.iter().filter(|name| ["freebsd", "wasi"].contains(&name.kernel())).count();
        prop_assert_eq!(counts.of_other_kernels, others);
    }
}
