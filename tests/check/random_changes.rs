//! Random changes: changed-paths.json, against jq; and what policies of many patterns say, against one pattern after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use waves_core::analysis::{AttributeChanges, AttributeName};
use waves_core::config::{AttributePattern, Policy, Protected};
use waves_core::graph::Graph;
use waves_core::policy::{Circumstances, Fate, Finding, Names, Subject, judge, labels};
use waves_core::report::ChangedPaths;

use crate::support::{ci, graph, has};

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

static GRAPH: LazyLock<Graph> = LazyLock::new(graph);
/// The systems of its attributes.
const SYSTEMS: [&str; 2] = ["x86_64-linux", "i686-linux"];

/// A pattern of attributes of [`GRAPH`], some with a system; or a pname; or nothing that is there.
fn pattern() -> impl Strategy<Value = String> {
    let paths: Vec<String> = GRAPH.attributes().map(|attribute| AttributeName::new(attribute).path).collect();
    let pnames: Vec<String> = GRAPH.derivations().map(|derivation| derivation.pname().to_owned()).collect();
    let name = prop_oneof![select(paths), select(pnames)].prop_filter("a pattern is not empty", |name| !name.is_empty());
    (name, any::<Index>(), 0..5, select(&["", "", ".x86_64-linux", ".i686-linux"])).prop_map(|(name, at, shape, system)| {
        let (start, end) = name.split_at_checked(at.index(name.len() + 1)).unwrap_or((name.as_str(), ""));
        match shape {
            0 => format!("{start}*{system}"),
            1 => format!("*{end}{system}"),
            2 => format!("{start}?{}{system}", end.get(1..).unwrap_or_default()),
            3 => format!("no-such-{name}{system}"),
            _ => format!("{name}{system}"),
        }
    })
}

/// What happens to each attribute of [`GRAPH`]: rebuilt, those of the rebuilt that are new, removed, and those of the removed that only
/// fail; and the rebuilt derivations.
#[derive(Debug)]
struct Happening {
    attributes: AttributeChanges,
    no_longer_evaluated: Vec<AttributeName>,
    rebuilt: Vec<bool>,
}

fn happening() -> impl Strategy<Value = Happening> {
    let of_attributes = vec(select(&["", "rebuilt", "new", "removed", "failing"]), GRAPH.attribute_count());
    let of_derivations = vec(prop::bool::weighted(0.2), GRAPH.derivation_count());
    (of_attributes, of_derivations).prop_map(|(happens, rebuilt)| {
        let those = |wanted: &[&str]| -> Vec<AttributeName> {
            let attributes = GRAPH.attributes().zip(&happens).filter(|(_, what)| wanted.contains(*what));
            let names: BTreeSet<AttributeName> = attributes.map(|(attribute, _)| AttributeName::new(attribute)).collect();
            names.into_iter().collect()
        };
        let attributes = AttributeChanges {
            added: those(&["new"]),
            removed: those(&["removed", "failing"]),
            changed: those(&["rebuilt"]),
            rebuilds: those(&["rebuilt", "new"]),
        };
        Happening { attributes, no_longer_evaluated: those(&["failing"]), rebuilt }
    })
}

fn means(pattern: &AttributePattern, name: &AttributeName) -> bool {
    let ends_with_it = SYSTEMS.contains(&name.system.as_str()) && pattern.as_str().ends_with(&format!(".{}", name.system));
    pattern.matches(&name.path) || (ends_with_it && pattern.matches(&name.to_string()))
}

/// What is said of a protected pattern, the plain way: every attribute and every derivation is looked at, whatever other patterns name.
fn protected_by(subject: Subject<'_>, pattern: &AttributePattern) -> Option<Finding> {
    let Subject { graph, attributes, no_longer_evaluated, rebuilds, .. } = subject;
    let name = pattern.as_str().to_owned();
    let removed = |attribute: &AttributeName| {
        let fails = no_longer_evaluated.contains(attribute);
        (attribute.to_string(), if fails { Fate::NoLongerEvaluates } else { Fate::IsRemoved })
    };
    let rebuilt = |attribute: &AttributeName| {
        let is_new = attributes.added.contains(attribute);
        (attribute.to_string(), if is_new { Fate::IsAdded } else { Fate::Changes })
    };
    let mut touched: BTreeMap<String, Fate> = BTreeMap::new();
    touched.extend(attributes.rebuilds.iter().filter(|attribute| means(pattern, attribute)).map(rebuilt));
    touched.extend(attributes.removed.iter().filter(|attribute| means(pattern, attribute)).map(removed));
    let mut is_known = graph.attributes().any(|attribute| means(pattern, &AttributeName::new(attribute)));
    if !is_known && pattern.is_name() {
        for derivation in graph.derivations().filter(|derivation| !derivation.is_fixed_output() && derivation.pname() == name) {
            is_known = true;
            if rebuilds.contains(derivation.ix()) {
                touched.insert(format!("{} ({})", derivation.name(), derivation.system()), Fate::Changes);
            }
            let own: Vec<AttributeName> = derivation.attributes().map(AttributeName::new).collect();
            if own.iter().all(|attribute| attributes.removed.contains(attribute)) {
                touched.extend(own.iter().map(removed));
            }
        }
    }
    match (is_known, touched.is_empty()) {
        (false, _) => Some(Finding::NothingProtected { pattern: name }),
        (true, true) => None,
        (true, false) => Some(Finding::Protected { pattern: name, reason: "ask first".to_owned(), touched }),
    }
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

    /// However many patterns a policy has, of each is said what is said of it alone, in its place.
    #[test]
    fn many_patterns_say_what_each_says(texts in vec(pattern(), 0..40), happening in happening()) {
        let patterns: Vec<AttributePattern> = texts.into_iter().filter_map(|text| AttributePattern::try_from(text).ok()).collect();
        let members = GRAPH.derivations().zip(&happening.rebuilt).filter(|(_, is_rebuilt)| **is_rebuilt);
        let subject = Subject {
            graph: &GRAPH,
            before: &GRAPH,
            attributes: &happening.attributes,
            no_longer_evaluated: &happening.no_longer_evaluated,
            rebuilds: &GRAPH.set_of(members.map(|(derivation, _)| derivation.ix())),
        };
        let protected = patterns.chunks(3).map(|packages| Protected { packages: packages.to_vec(), reason: "ask first".to_owned() });
        let policy = Policy { protected: protected.collect(), exclude: patterns.clone(), ..Policy::default() };
        let verdict = judge(subject, &policy, &Circumstances::default());

        let mut expected: Vec<Finding> = patterns.iter().filter_map(|pattern| protected_by(subject, pattern)).collect();
        // What is over the policy is said before what is only to be known.
        expected.sort_by_key(|finding| matches!(finding, Finding::NothingProtected { .. }));
        let is_of_protected = |finding: &Finding| matches!(finding, Finding::Protected { .. } | Finding::NothingProtected { .. });
        let found: Vec<Finding> = verdict.reasons.into_iter().map(|reason| reason.finding).filter(is_of_protected).collect();
        prop_assert_eq!(found, expected);

        let is_excluded = |name: &AttributeName| patterns.iter().any(|pattern| means(pattern, name));
        let is_judged = |name: &&AttributeName| !name.system.is_empty() && !is_excluded(name);
        let judged: BTreeSet<&str> = happening.attributes.rebuilds.iter().filter(is_judged).map(|name| name.path.as_str()).collect();
        prop_assert_eq!(verdict.counts.all, judged.len());
    }
}
