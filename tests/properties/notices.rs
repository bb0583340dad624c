//! Who is told what of a change, against a walk for each cause and a map for each person.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::{Value, json};
use waves_core::analysis::{Change, Root};
use waves_core::notify::{Causes, LISTED_CAUSES, Notice, Notices, NotifyOptions, Owners, PackageNotice, RecipientKind, Role, notify};
use waves_core::plan::{PlanOptions, plan};
use waves_core::report::{Basis, NotifyDetail, NotifyReport};

use crate::history::World;
use crate::model::{Attribute, PackageSet};
use crate::strategy::package_sets;
use crate::support::{Imported, import};

/// Names, and what makes two of them one person: the case of a handle does not count.
const PEOPLE: [(&str, &str); 5] =
    [("ada", "ada"), ("Ada", "ada"), ("bela-9", "bela-9"), ("Fay Example", "Fay Example"), ("../../x", "../../x")];
const TEAMS: [(&str, &str); 3] = [("rust", "org/rust"), ("Rust", "org/rust"), ("Qt team", "Qt team")];

/// Lines of an owners file: a pattern, and the same in other words.
type Pattern = (&'static str, fn(&Attribute) -> bool);
const PATTERNS: [Pattern; 7] = [
    ("*", |_| true),
    ("qt6.*", |attribute| attribute.dotted().starts_with("qt6.")),
    ("*.socket.io", |attribute| attribute.path.join(".").ends_with(".socket.io")),
    ("?", |attribute| attribute.dotted().len() == 1),
    ("/pkgs/a.nix", |attribute| attribute.position.is_some_and(|position| position.starts_with("pkgs/a.nix:"))),
    ("b.nix/", |_| false),
    ("/pkgs/", |attribute| attribute.position.is_some()),
];
const OWNERS: [(&str, (RecipientKind, &str)); 3] = [
    ("@ADA", (RecipientKind::Person, "ada")),
    ("@org/rust", (RecipientKind::Team, "org/rust")),
    ("o@example.org", (RecipientKind::Person, "o@example.org")),
];

/// What is known of an attribute besides the model: by numbers in the lists above.
#[derive(Clone, Debug)]
struct Meta {
    people: Vec<usize>,
    teams: Vec<usize>,
    is_broken: bool,
    /// In the evaluation before: whether it was broken, or failed.
    before: Result<bool, ()>,
}

prop_compose! {
    fn meta()(
        people in subsequence((0..PEOPLE.len()).collect::<Vec<_>>(), 0..3),
        teams in subsequence((0..TEAMS.len()).collect::<Vec<_>>(), 0..2),
        is_broken in prop::bool::weighted(0.2),
        before in prop_oneof![3 => prop::bool::weighted(0.3).prop_map(Ok), 1 => Just(Err(()))],
    ) -> Meta {
        Meta { people, teams, is_broken, before }
    }
}

/// A change, and everything that is said about it.
#[derive(Clone, Debug)]
struct Case {
    set: PackageSet,
    metas: Vec<Meta>,
    causes: Vec<BTreeSet<usize>>,
    rules: Vec<(usize, Vec<usize>)>,
    cap: usize,
    has_before: bool,
    exclude_broken: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let rule = (0..PATTERNS.len(), subsequence((0..OWNERS.len()).collect::<Vec<_>>(), 0..3));
    let causes = prop_oneof![4 => vec(vec(any::<Index>(), 1..4), 1..5), 1 => vec(vec(any::<Index>(), 1..2), 60..140)];
    let options = (0_usize..6, any::<bool>(), prop::bool::weighted(0.8));
    (package_sets(40), vec(meta(), 40), causes, vec(rule, 0..4), options).prop_map(
        |(set, mut metas, causes, rules, (cap, has_before, exclude_broken))| {
            // A failing attribute has no system: of several with one path, nobody could tell which it was.
            for (attribute, meta) in set.attributes.iter().zip(&mut metas) {
                let is_shared = set.attributes.iter().filter(|other| other.path == attribute.path).count() > 1;
                meta.before = meta.before.or(if is_shared { Ok(true) } else { Err(()) });
            }
            let half = set.derivations.len().div_ceil(2);
            let causes = causes.into_iter().map(|cause| cause.into_iter().map(|at| at.index(half)).collect()).collect();
            Case { set, metas, causes, rules, cap, has_before, exclude_broken }
        },
    )
}

type Key = (RecipientKind, String);

impl Case {
    fn attributes(&self) -> impl Iterator<Item = (&Attribute, &Meta)> {
        self.set.attributes.iter().zip(&self.metas)
    }

    /// The lines of `nix-eval-jobs` with what is known of the attributes; before the change or after it.
    fn jobs(&self, before: bool) -> Vec<String> {
        let lines = self.set.job_lines();
        let line = |(line, (_, meta)): (String, (&Attribute, &Meta))| {
            let mut job: Value = serde_json::from_str(&line).expect("JSON");
            if job.get("meta").is_some() {
                job["meta"]["maintainers"] = meta.people.iter().map(|&person| json!({ "github": PEOPLE[person].0 })).collect();
                job["meta"]["teams"] = meta.teams.iter().map(|&team| json!({ "shortName": TEAMS[team].0 })).collect();
                job["meta"]["broken"] = json!(if before { meta.before == Ok(true) } else { meta.is_broken });
            }
            if before && meta.before.is_err() {
                job = json!({ "attr": job["attr"], "attrPath": job["attrPath"], "error": "error: broken" });
            }
            job.to_string()
        };
        lines.into_iter().zip(self.attributes()).map(line).collect()
    }

    fn owners(&self) -> Owners {
        let words = |owners: &Vec<usize>| owners.iter().map(|&owner| OWNERS[owner].0).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = self.rules.iter().map(|(pattern, owners)| format!("{} {}", PATTERNS[*pattern].0, words(owners))).collect();
        Owners::parse("OWNERS", &lines.join("\n")).expect("an owners file")
    }

    fn is_left_out(&self, meta: &Meta) -> bool {
        if !self.exclude_broken {
            return false;
        }
        if self.has_before { meta.before != Ok(false) } else { meta.is_broken }
    }

    /// Who is named for an attribute: by its `meta`, and by the owners file.
    fn named(&self, attribute: &Attribute, meta: &Meta) -> (BTreeSet<Key>, BTreeSet<Key>) {
        let people = meta.people.iter().map(|&person| (RecipientKind::Person, PEOPLE[person].1.to_owned()));
        let teams = meta.teams.iter().map(|&team| (RecipientKind::Team, TEAMS[team].1.to_owned()));
        let rule = self.rules.iter().rev().find(|(pattern, _)| PATTERNS[*pattern].1(attribute));
        let owners = rule.into_iter().flat_map(|(_, owners)| owners).map(|&owner| (OWNERS[owner].1.0, OWNERS[owner].1.1.to_owned()));
        (people.chain(teams).collect(), owners.collect())
    }

    fn role(&self, at: usize) -> Role {
        let changed: BTreeSet<usize> = self.causes.iter().flatten().copied().collect();
        let derivation = &self.set.derivations[at];
        if changed.contains(&at) {
            Role::Changed
        } else if !derivation.is_fixed && derivation.inputs.keys().any(|input| changed.contains(input)) {
            Role::Direct
        } else {
            Role::Transitive
        }
    }

    /// The causes that reach one of `members`.
    fn reaching(&self, members: &BTreeSet<usize>) -> BTreeSet<usize> {
        let reaches = |cause: &BTreeSet<usize>| !self.set.rebuilds(cause.iter().copied()).is_disjoint(members);
        (0..self.causes.len()).filter(|&cause| reaches(&self.causes[cause])).collect()
    }
}

fn key(notice: &Notice) -> Key {
    let name = notice.recipient.name();
    (notice.recipient.kind(), if notice.recipient.handle().is_some() { name.to_lowercase() } else { name.to_owned() })
}

/// Attributes of a notice by path, and the model's derivation of each.
fn attributes_of(imported: &Imported, packages: &[PackageNotice]) -> BTreeSet<(String, usize)> {
    let builds = packages.iter().flat_map(|package| &package.builds);
    let attribute = |ix: &waves_core::graph::AttributeIx| imported.graph.attribute(*ix).path().to_owned();
    let of_build = |build: &waves_core::notify::Build| -> Vec<(String, usize)> {
        build.attributes.iter().map(|ix| (attribute(ix), imported.at(build.derivation))).collect()
    };
    builds.flat_map(of_build).collect()
}

fn with_notices(case: &Case, check: impl FnOnce(&Imported, &Notices<'_>) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    let imported = Imported::with_jobs(&case.set, &case.jobs(false));
    let before = Imported::with_jobs(&case.set, &case.jobs(true));
    let owners = case.owners();
    let causes: Vec<Root> = case.causes.iter().map(|cause| imported.root(cause.iter().copied())).collect();
    let planned = plan(&imported.graph, causes.clone(), &PlanOptions::default()).expect("it has edges");
    let change = Change::foretold(&imported.graph, causes).expect("it has edges");
    let options = NotifyOptions {
        cap: case.cap,
        owners: Some(&owners),
        organisation: Some("org"),
        before: case.has_before.then_some(&before.graph),
        exclude_broken: case.exclude_broken,
        ..NotifyOptions::default()
    };
    let notices = notify(&change, Some(&planned), &options).expect("nobody was asked for");
    check(&imported, &notices)
}

fn check_causes(case: &Case, causes: &Causes, members: &BTreeSet<usize>) -> Result<(), TestCaseError> {
    let expected = case.reaching(members);
    prop_assert_eq!(causes.total, expected.len());
    prop_assert_eq!(causes.listed.len(), expected.len().min(LISTED_CAUSES));
    prop_assert!(causes.listed.iter().all(|cause| expected.contains(cause)));
    prop_assert_eq!(causes.listed.iter().collect::<BTreeSet<_>>().len(), causes.listed.len());
    Ok(())
}

fn members(imported: &Imported, package: &PackageNotice) -> BTreeSet<usize> {
    package.builds.iter().map(|build| imported.at(build.derivation)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_is_told_of_theirs_and_of_nothing_else(case in cases()) {
        with_notices(&case, |imported, notices| {
            let rebuilt = case.set.rebuilds(case.causes.iter().flatten().copied());
            let mut expected: BTreeMap<Key, BTreeSet<(String, usize)>> = BTreeMap::new();
            let mut broken: BTreeMap<Key, usize> = BTreeMap::new();
            let mut kept: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
            let mut left_out = 0;
            for (attribute, meta) in case.attributes() {
                let Some(at) = attribute.derivation.ok().filter(|at| rebuilt.contains(at)) else { continue };
                let (maintainers, owners) = case.named(attribute, meta);
                let everybody: BTreeSet<Key> = maintainers.union(&owners).cloned().collect();
                if case.is_left_out(meta) {
                    left_out += 1;
                    for key in everybody {
                        *broken.entry(key).or_default() += 1;
                    }
                    continue;
                }
                let counts = kept.entry(at).or_default();
                *counts = (counts.0 + 1, counts.1 || !everybody.is_empty());
                for key in everybody {
                    expected.entry(key).or_default().insert((attribute.dotted(), at));
                }
            }
            let found: BTreeMap<Key, _> =
                notices.notices.iter().map(|notice| (key(notice), attributes_of(imported, &notice.packages))).collect();
            prop_assert_eq!(found.len(), notices.notices.len());
            prop_assert_eq!(&found, &expected);
            for notice in &notices.notices {
                prop_assert_eq!(notice.broken, broken.get(&key(notice)).copied().unwrap_or(0));
                prop_assert_eq!(notice.attributes(), expected[&key(notice)].len());
            }
            let total = |is_named: bool| kept.values().filter(|(_, named)| *named == is_named).map(|(count, _)| *count).sum::<usize>();
            prop_assert_eq!((notices.attributes.named, notices.attributes.unnamed), (total(true), total(false)));
            prop_assert_eq!(notices.attributes.broken + notices.attributes.failed, left_out);
            let unnamed: BTreeSet<usize> = kept.iter().filter(|(_, (_, named))| !named).map(|(&at, _)| at).collect();
            let listed: BTreeSet<usize> = notices.unnamed.iter().flat_map(|package| members(imported, package)).collect();
            prop_assert_eq!(listed, unnamed);
            prop_assert!(notices.unnamed.is_sorted_by_key(|package| std::cmp::Reverse(package.rebuilds)));
            prop_assert_eq!(notices.told, case.cap.min(expected.len()));
            Ok(())
        })?;
    }

    #[test]
    fn packages_have_their_roles_causes_and_ways(case in cases()) {
        let changed: BTreeSet<usize> = case.causes.iter().flatten().copied().collect();
        let distances = PackageSet::distances(changed.clone(), |at| case.set.users(at));
        let partition = case.set.packages();
        let rebuilt = case.set.rebuilds(changed.iter().copied());
        let mut levels = BTreeMap::new();
        with_notices(&case, |imported, notices| {
            for (number, notice) in notices.notices.iter().enumerate() {
                let mut all = BTreeSet::new();
                let mut packages = BTreeSet::new();
                for package in &notice.packages {
                    let members = members(imported, package);
                    let home = partition.iter().position(|package| members.is_subset(package)).expect("all are of one package");
                    prop_assert!(packages.insert(home), "a package is told of once");
                    prop_assert_eq!(Some(package.role), members.iter().map(|&at| case.role(at)).min());
                    let rebuilds = members.iter().map(|&at| case.set.attributes_of(&case.set.rebuilds([at]))).max();
                    prop_assert_eq!(Some(package.rebuilds as usize), rebuilds);
                    for build in &package.builds {
                        let at = imported.at(build.derivation);
                        prop_assert_eq!(build.role, case.role(at));
                        let when = build.when.expect("there is a plan");
                        prop_assert_eq!(when.level, case.set.level(&rebuilt, at, &mut levels));
                    }
                    let named = |attribute: &Attribute, meta: &Meta| case.named(attribute, meta);
                    let told = attributes_of(imported, std::slice::from_ref(package));
                    let of_package = case.attributes().filter(|(attribute, _)| {
                        attribute.derivation.is_ok_and(|at| told.contains(&(attribute.dotted(), at)))
                    });
                    let named: Vec<_> = of_package.map(|(attribute, meta)| named(attribute, meta)).collect();
                    prop_assert_eq!(package.is_maintained, named.iter().any(|(maintainers, _)| maintainers.contains(&key(notice))));
                    prop_assert_eq!(package.is_owned, named.iter().any(|(_, owners)| owners.contains(&key(notice))));

                    let path: Vec<usize> = notices.path_to(package).iter().map(|step| imported.at(step.ix())).collect();
                    prop_assert_eq!(Some(path.len() - 1), members.iter().map(|at| distances[at]).min());
                    prop_assert!(changed.contains(&path[0]) && members.contains(&path[path.len() - 1]));
                    prop_assert!(path.windows(2).all(|step| case.set.users(step[0]).any(|user| user == step[1])));
                    if number < notices.told {
                        check_causes(&case, &package.causes, &members)?;
                        prop_assert!(case.causes[package.causes.listed[0]].contains(&path[0]), "the nearest cause is listed first");
                    }
                    all.extend(members);
                }
                if number < notices.told {
                    check_causes(&case, &notice.causes, &all)?;
                }
            }
            Ok(())
        })?;
    }

    /// Attributes that a change leaves out, as does a comparison of what two evaluations both cover, are counted for nobody.
    #[test]
    fn what_a_change_leaves_out_is_counted_for_nobody(case in cases()) {
        let imported = Imported::with_jobs(&case.set, &case.jobs(false));
        let causes: Vec<Root> = case.causes.iter().map(|cause| imported.root(cause.iter().copied())).collect();
        let mut change = Change::foretold(&imported.graph, causes).expect("it has edges");
        change.attributes.rebuilds.retain(|name| !name.path.starts_with("python312Packages."));
        let rebuilt_by = |at: usize| {
            let closure = case.set.rebuilds([at]);
            let kept = case.set.attributes.iter().filter(|attribute| attribute.path[0] != "python312Packages");
            kept.filter(|attribute| attribute.derivation.is_ok_and(|at| closure.contains(&at))).count()
        };
        let options = NotifyOptions { cap: usize::MAX, exclude_broken: false, ..NotifyOptions::default() };
        let notices = notify(&change, None, &options).expect("nobody was asked for");
        for package in notices.notices.iter().flat_map(|notice| &notice.packages) {
            let most = members(&imported, package).into_iter().map(rebuilt_by).max();
            prop_assert_eq!(Some(package.rebuilds as usize), most);
        }
    }

    /// Who is first told: whose packages changed, then direct dependents and named owners, then the rest; of each first whose
    /// package rebuilds most.
    #[test]
    fn the_most_concerned_come_first(case in cases()) {
        with_notices(&case, |_, notices| {
            let tier = |package: &PackageNotice| match package.role {
                Role::Changed => 0,
                Role::Direct => 1,
                Role::Transitive if package.is_owned => 1,
                Role::Transitive => 2,
            };
            let place = |notice: &Notice| {
                let first = notice.packages.iter().map(tier).min().expect("there is a package");
                let rebuilds = notice.packages.iter().filter(|package| tier(package) == first).map(|package| package.rebuilds).max();
                (first, std::cmp::Reverse(rebuilds))
            };
            prop_assert!(notices.notices.is_sorted_by_key(place));
            for notice in &notices.notices {
                prop_assert!(notice.packages.is_sorted_by_key(|package| package.role));
            }
            Ok(())
        })?;
    }
}

/// A cause is called as what found it says. It has the version of what stands for it only if that is called so too.
#[test]
fn causes_have_the_versions_of_their_names() {
    let world = World::of([("b", &[][..]), ("a", &[0])]);
    let jobs = world.jobs();
    let job = jobs.lines().nth(1).expect("a job");
    let jobs = [job.to_owned(), job.replace("\"a\"", "\"aliased\"")].join("\n");
    let graph = import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", jobs)]);
    let called = |face: &str, selector: &str, basis: Basis| {
        let face = graph.derivations().find(|derivation| derivation.label() == face).expect("a derivation").ix();
        let root = Root { selector: selector.to_owned(), face, derivations: vec![face] };
        let change = Change::foretold(&graph, vec![root]).expect("it has edges");
        let options = NotifyOptions::default();
        let notices = notify(&change, None, &options).expect("nobody was asked for");
        let detail = NotifyDetail { basis, digests: false, mention: false, limit: 1 };
        let report = NotifyReport::new(&change, None, None, &options, &notices, detail);
        report.causes.into_iter().map(|cause| (cause.label, cause.version)).collect::<Vec<_>>()
    };
    for (face, selector, basis, label, version) in [
        ("a", "[a]*", Basis::Foretold, "a", "1.1.0"),
        ("a", "aliased", Basis::Estimated, "aliased", "1.1.0"),
        ("a", "b-1.0.0", Basis::Compared, "b-1.0.0", ""),
        ("b-1.0.0", "b-1.0.0", Basis::Compared, "b-1.0.0", "1.0.0"),
        ("a", "file0.patch", Basis::Compared, "file0.patch", ""),
    ] {
        assert_eq!(called(face, selector, basis), [(label.to_owned(), version.to_owned())], "{selector}");
    }
}
