//! What differs between two evaluations, and what caused it: the changes that were made.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use waves_core::analysis::{AttributeName, Cause, Diff, Reach, Reason};
use waves_core::graph::{Attribute, Direction, Graph};
use waves_core::notify::{NotifyOptions, Role, notify};

use crate::history::{Mutation, Package, World};
use crate::support::import;

pub(crate) const FILES: usize = 3;

prop_compose! {
    pub(crate) fn packages()(
        seeds in vec((vec(any::<Index>(), 0..3), btree_set(0..FILES, 0..2), any::<bool>()), 1..14),
    ) -> Vec<Package> {
        let package = |(at, (inputs, files, repeats_version)): (usize, (Vec<Index>, BTreeSet<usize>, bool))| Package {
            pname: format!("p{at}"),
            patch_level: 0,
            recipe: 0,
            source: at as u32 * 100,
            fetcher: 0,
            files,
            inputs: inputs.iter().filter(|_| at > 0).map(|input| input.index(at)).collect(),
            repeats_version,
        };
        seeds.into_iter().enumerate().map(package).collect()
    }
}

pub(crate) fn mutation(packages: usize) -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (0..packages).prop_map(Mutation::Version),
        (0..packages).prop_map(Mutation::Recipe),
        (0..packages).prop_map(Mutation::Source),
        (0..packages).prop_map(Mutation::Fetcher),
        (0..FILES).prop_map(Mutation::File),
    ]
}

pub(crate) fn histories() -> impl Strategy<Value = (World, Vec<Mutation>)> {
    packages().prop_flat_map(|packages| {
        let count = packages.len();
        (Just(World { packages, files: vec![0; FILES] }), vec(mutation(count), 0..5))
    })
}

pub(crate) fn graph(world: &World) -> Graph {
    graph_of(world, |_| true)
}

/// The same with a maintainer for each package, and with some that are broken.
fn maintained(world: &World, broken: &BTreeSet<usize>) -> Graph {
    let job = |(at, line): (usize, &str)| {
        let mut job: Value = serde_json::from_str(line).expect("JSON");
        job["meta"] = json!({ "maintainers": [{ "github": format!("m{at}") }], "broken": broken.contains(&at) });
        job.to_string()
    };
    let jobs: Vec<String> = world.jobs().lines().enumerate().map(job).collect();
    import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", jobs.join("\n"))])
}

/// The causes that were made: their label, and the packages that they changed.
fn made(world: &World, mutations: &[Mutation]) -> BTreeMap<String, BTreeSet<usize>> {
    let mut causes: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for mutation in mutations {
        match *mutation {
            Mutation::Version(at) | Mutation::Recipe(at) | Mutation::Source(at) => {
                causes.entry(world.packages[at].pname.clone()).or_default().insert(at);
            }
            Mutation::Fetcher(_) => {}
            Mutation::File(file) => {
                let users: BTreeSet<usize> = (0..world.packages.len()).filter(|&at| world.packages[at].files.contains(&file)).collect();
                let label = match users.len() {
                    0 => continue,
                    // What one package alone uses is its own.
                    1 => users.iter().map(|&at| world.packages[at].pname.clone()).collect(),
                    _ => format!("file{file}.patch"),
                };
                causes.entry(label).or_default().extend(users);
            }
        }
    }
    causes
}

fn by_label<'d>(diff: &'d Diff<'_>) -> BTreeMap<&'d str, &'d Cause> {
    diff.causes.iter().map(|cause| (cause.label.as_str(), cause)).collect()
}

/// A package at each place, the first two of one name.
fn alike(inputs: &[&[usize]]) -> World {
    World::of(["lib", "lib", "p2", "p3", "p4", "p5", "p6"].into_iter().zip(inputs.iter().copied()))
}

/// The evaluation with the attributes of some packages.
fn graph_of(world: &World, is_attribute: impl Fn(usize) -> bool) -> Graph {
    let jobs: Vec<String> = world.jobs().lines().enumerate().filter(|(at, _)| is_attribute(*at)).map(|(_, line)| line.to_owned()).collect();
    import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", jobs.join("\n"))])
}

/// What is the cause, and why.
fn causes(before: &Graph, after: &Graph) -> Vec<(usize, Vec<Reason>)> {
    let cause = |cause: &Cause| (cause.derivations.len(), cause.reasons.iter().copied().collect());
    Diff::new(before, after, false).causes.iter().map(cause).collect()
}

/// Both stay what they are, and two packages change from one to the other: one cause, which is neither of the two alone.
#[test]
fn an_input_that_is_swapped_is_the_cause() {
    let one = alike(&[&[], &[], &[0], &[0], &[0, 1], &[2]]);
    let other = alike(&[&[], &[], &[1], &[1], &[0, 1], &[2]]);
    let graph = |world: &World| graph_of(world, |at| at >= 2);
    for (before, after) in [(&one, &other), (&other, &one)] {
        assert_eq!(causes(&graph(before), &graph(after)), [(2, vec![Reason::SwappedInput])]);
    }
    // One that is rebuilt is no swap, whichever of the two it is.
    for at in [0, 1] {
        let after = one.after(&[Mutation::Recipe(at)]);
        assert_eq!(causes(&graph(&one), &graph(&after)), [(1, vec![Reason::Recipe])]);
    }
}

/// What no dump tells the reason of is told apart from what uses other outputs of the same input.
#[test]
fn what_nothing_explains_is_said_to_be_unexplained() {
    let world = alike(&[&[], &[], &[0], &[2]]);
    let (entry, path, input) = (world.derivation(2), world.output_path(2), world.derivation(0));
    let before = graph_of(&world, |at| at >= 2);
    let other = format!("/nix/store/{}{}", "0".repeat(32), &path["/nix/store/".len() + 32..]);
    for (outputs, reason) in [(json!(["out"]), Reason::Unexplained), (json!(["dev"]), Reason::Recipe)] {
        let mut derivations = world.derivations();
        derivations[&entry]["inputDrvs"][&input] = outputs;
        // Only the path of its output is another; those who use it would have others too.
        let derivations = derivations.to_string().replace(&path, &other);
        let jobs: Vec<String> = world.jobs().lines().skip(2).map(|line| line.replace(&path, &other)).collect();
        let after = import(&[("derivations.json", derivations), ("jobs.jsonl", jobs.join("\n"))]);
        assert_eq!(causes(&before, &after), [(1, vec![reason])]);
    }
}

/// With another attribute, what says the same of itself is what it was.
#[test]
fn what_is_renamed_is_paired_by_its_recipe() {
    let world = alike(&[&[], &[], &[0]]);
    let named = |world: &World, name: &str| {
        let line = world.jobs().lines().skip(2).map(|line| line.replace("\"p2\"", &format!("\"{name}\""))).collect();
        import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", line)])
    };
    let after = world.after(&[Mutation::Recipe(0)]);
    assert_eq!(causes(&named(&world, "a"), &named(&after, "b")), [(1, vec![Reason::Recipe])]);
}

/// Renamed, added under another name, and left out for want of the set in the other evaluation.
#[test]
fn names_and_sets_come_and_go() {
    let world = alike(&[&[], &[], &[0], &[0], &[0], &[0], &[0]]);
    let lines: Vec<String> = world.jobs().lines().map(ToOwned::to_owned).collect();
    let evaluation = |attributes: &[(&str, usize)]| {
        let named = |(name, at): &(&str, usize)| {
            let mut line: Value = serde_json::from_str(&lines[*at]).expect("JSON");
            line["attrPath"] = name.split('.').collect();
            line["attr"] = json!(name);
            line.to_string()
        };
        let jobs: Vec<String> = attributes.iter().map(named).collect();
        import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", jobs.join("\n"))])
    };
    let before = evaluation(&[("a", 2), ("b", 3), ("old.x", 4), ("old.y", 5), ("old.z", 6)]);
    let after = evaluation(&[("a", 2), ("alias", 2), ("c", 3), ("new.x", 4)]);
    let pairs = |pairs: &[(AttributeName, AttributeName)]| -> Vec<(String, String)> {
        pairs.iter().map(|(one, other)| (one.path.clone(), other.path.clone())).collect()
    };
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let all = Diff::new(&before, &after, false);
    assert_eq!(pairs(&all.renames), [pair("b", "c"), pair("old.x", "new.x")]);
    assert_eq!((pairs(&all.aliases), all.left_out), (vec![pair("alias", "a")], (0, 0)));
    let common = Diff::new(&before, &after, true);
    assert_eq!((pairs(&common.renames), common.left_out), (vec![pair("b", "c")], (3, 1)));
    assert_eq!(Diff::new(&after, &before, true).left_out, (1, 3));
    // Of one build with several names.
    let named = |names: &[&str]| evaluation(&names.iter().map(|name| (*name, 2)).collect::<Vec<_>>());
    for (old, new, expected) in [
        (&["clang", "llvm.clang"][..], &["clang18", "llvm18.clang"][..], &[("clang", "clang18"), ("llvm.clang", "llvm18.clang")][..]),
        (&["p.x", "q.y"], &["r.y", "s.x"], &[("q.y", "r.y"), ("p.x", "s.x")]),
        (&["p.q.x", "y"], &["x", "z"], &[("p.q.x", "x"), ("y", "z")]),
        (&["a", "b"], &["c", "d", "e"], &[("a", "c"), ("b", "d"), ("a", "e")]),
        (&["a", "b"], &["c"], &[("a", "c")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(one, other)| pair(one, other)).collect();
        assert_eq!(pairs(&Diff::new(&named(old), &named(new), false).renames), expected, "{old:?} to {new:?}");
    }
}

/// Another name of what is rebuilt that was left out of the comparison is not rebuilt; what was built before without a name is.
#[test]
fn rebuilt_attributes_are_those_that_were_compared() {
    let world = alike(&[&[], &[], &[0]]);
    let before = graph_of(&world, |at| at == 2);
    let changed = world.after(&[Mutation::Recipe(2)]);
    let mut jobs: Vec<String> = changed.jobs().lines().map(ToOwned::to_owned).collect();
    jobs.remove(1);
    jobs.push(jobs[1].replace("\"attr\":\"p2\"", "\"attr\":\"set.p2\"").replace("[\"p2\"]", "[\"set\",\"p2\"]"));
    let after = import(&[("derivations.json", changed.derivations().to_string()), ("jobs.jsonl", jobs.join("\n"))]);
    for (only_common, expected) in [(true, &["lib", "p2"][..]), (false, &["lib", "p2", "set.p2"])] {
        let diff = Diff::new(&before, &after, only_common);
        let paths: Vec<&str> = diff.rebuilt_attributes().into_iter().map(Attribute::path).collect();
        assert_eq!((paths.as_slice(), diff.rebuild_counts().attributes), (expected, expected.len()));
    }
}

/// Two that have no set in common have nothing to compare. Where no name is known at all, derivations are compared.
#[test]
fn what_has_nothing_in_common_is_not_compared() {
    let world = World::of([("a", &[][..]), ("b", &[0])]);
    let changed = world.after(&[Mutation::Recipe(0)]);
    let in_set = |world: &World, set: &str| {
        let jobs = world.jobs().replace("\"attr\":\"", &format!("\"attr\":\"{set}."));
        let jobs = jobs.replace("\"attrPath\":[", &format!("\"attrPath\":[\"{set}\","));
        import(&[("derivations.json", world.derivations().to_string()), ("jobs.jsonl", jobs)])
    };
    let nameless = |world: &World| import(&[("derivations.json", world.derivations().to_string())]);
    let found = |before: &Graph, after: &Graph| {
        let diff = Diff::new(before, after, true);
        (diff.left_out, diff.rebuild_counts().derivations, diff.causes.len())
    };
    assert_eq!(found(&in_set(&world, "old"), &in_set(&changed, "new")), ((2, 2), 0, 0));
    assert_eq!(found(&in_set(&world, "set"), &in_set(&changed, "set")), ((0, 0), 2, 1));
    assert_eq!(found(&nameless(&world), &nameless(&changed)), ((0, 0), 2, 1));
}

/// Packages `p` that are built from sources, by the digits of their paths; and attributes of them or of the sources.
fn built_from(packages: &[(u8, u8)], attributes: &[(&str, u8, &str)]) -> Graph {
    let path = |digit: u8, name: &str| format!("/nix/store/{}-{name}", digit.to_string().repeat(32));
    let mut derivations = serde_json::Map::new();
    for &(package, source) in packages {
        let (out, src) = (path(package, "p-1"), path(source, "p-1.tar.gz"));
        let fetched = json!({
            "outputs": { "out": { "path": src, "hashAlgo": "sha256", "hash": source.to_string().repeat(64) } }, "inputSrcs": [],
            "inputDrvs": {}, "system": "builtin", "builder": "builtin:fetchurl", "args": [], "env": { "name": "p-1.tar.gz", "out": src },
        });
        let built = json!({
            "outputs": { "out": { "path": out } }, "inputSrcs": [], "inputDrvs": { (format!("{src}.drv")): ["out"] },
            "system": "x86_64-linux", "builder": "/bin/sh", "args": [],
            "env": { "name": "p-1", "pname": "p", "version": "1", "src": src, "out": out },
        });
        derivations.extend([(format!("{src}.drv"), fetched), (format!("{out}.drv"), built)]);
    }
    let job = |&(attribute, digit, name): &(&str, u8, &str)| {
        let out = path(digit, name);
        let attribute_path: Vec<&str> = attribute.split('.').collect();
        json!({
            "attr": attribute, "attrPath": attribute_path, "name": name, "system": "x86_64-linux",
            "drvPath": format!("{out}.drv"), "outputs": { "out": out },
        })
        .to_string()
    };
    let jobs: Vec<String> = attributes.iter().map(job).collect();
    import(&[("derivations.json", Value::Object(derivations).to_string()), ("jobs.jsonl", jobs.join("\n"))])
}

/// A build of the same source that was left out of the comparison, or that nothing which was compared needs, did not cause anything.
#[test]
fn causes_are_of_what_was_compared() {
    let digits = |graph: &Graph, cause: &Cause| -> BTreeSet<String> {
        cause.derivations.iter().map(|&ix| graph.derivation(ix).base_name()[..1].to_owned()).collect()
    };
    let (before, after) =
        (built_from(&[(2, 1)], &[("p", 2, "p-1")]), built_from(&[(4, 3), (5, 3)], &[("p", 4, "p-1"), ("set.p", 5, "p-1")]));
    for (only_common, expected) in [(true, &["3", "4"][..]), (false, &["3", "4", "5"])] {
        let diff = Diff::new(&before, &after, only_common);
        let found: Vec<BTreeSet<String>> = diff.causes.iter().map(|cause| digits(&after, cause)).collect();
        assert_eq!(found, [expected.iter().map(ToString::to_string).collect::<BTreeSet<String>>()], "{only_common}");
    }
    // Then the source explains itself.
    let source = |packages: (u8, u8)| built_from(&[packages], &[("src", packages.1, "p-1.tar.gz")]);
    let (before, after) = (source((2, 1)), source((4, 3)));
    let diff = Diff::new(&before, &after, false);
    let found: Vec<_> = diff.causes.iter().map(|cause| (digits(&after, cause), cause.adds)).collect();
    assert_eq!(found, [(BTreeSet::from(["3".to_owned()]), Some(Reach { attributes: 1, derivations: 1 }))]);
}

/// Removed, and still there with an error: the error is of the attribute or of its set, and mostly says no system.
#[test]
fn what_does_not_evaluate_any_more_is_told_from_what_is_gone() {
    let path = |attr: &str| attr.split('.').map(str::to_owned).collect::<Vec<_>>();
    let built = |attr: &str, system: &str, at: usize| {
        let output = format!("/nix/store/{at:032}-a");
        let job = json!({
            "attr": attr, "attrPath": path(attr), "name": "a", "system": system,
            "drvPath": format!("{output}.drv"), "outputs": { "out": output },
        });
        job.to_string()
    };
    let failing = |attr: &str| json!({ "attr": attr, "attrPath": path(attr), "error": "assertion failed" }).to_string();
    let graph = |jobs: &[String]| import(&[("jobs.jsonl", jobs.join("\n"))]);
    let stays = [built("stays", "x86_64-linux", 1), failing("never")];
    let goes = [("gone", "x86_64-linux"), ("lld", "aarch64-linux"), ("set.a", "x86_64-linux"), ("set.b.c", "x86_64-linux")];
    let goes: Vec<String> = goes.iter().enumerate().map(|(at, (attr, system))| built(attr, system, at + 2)).collect();
    let settled = [built("settled", "x86_64-linux", 9), built("lld", "x86_64-linux", 10)];
    let before = graph(&[&stays[..], &goes, &settled].concat());
    // For one of two systems, `lld` still evaluates.
    let after = graph(&[&stays[..], &settled[1..], &[failing("lld"), failing("set"), failing("new")]].concat());
    let diff = Diff::new(&before, &after, false);
    let names = |names: &[AttributeName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let failed = ["lld.aarch64-linux", "set.a.x86_64-linux", "set.b.c.x86_64-linux"];
    assert_eq!(names(&diff.no_longer_evaluated), failed);
    let all = [&["gone.x86_64-linux"][..], &failed, &["settled.x86_64-linux"]].concat();
    assert_eq!(names(&diff.attributes.removed), all);
    assert_eq!(Diff::new(&after, &before, false).no_longer_evaluated, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rebuilds_are_new_output_paths((world, mutations) in histories()) {
        let after_world = world.after(&mutations);
        let (before, after) = (graph(&world), graph(&after_world));
        let diff = Diff::new(&before, &after, false);
        let rebuilt = after_world.rebuilt_since(&world);
        let names: BTreeSet<String> = rebuilt.iter().map(|at| format!("{}.x86_64-linux", world.packages[*at].pname)).collect();
        prop_assert_eq!(diff.attributes.rebuilds.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), names.clone());
        prop_assert_eq!(diff.attributes.changed.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), names);
        prop_assert_eq!((diff.attributes.added.len(), diff.attributes.removed.len()), (0, 0));
        let new_outputs = after_world.outputs().difference(&world.outputs()).count();
        prop_assert_eq!(diff.rebuild_counts().derivations, new_outputs);
        prop_assert_eq!(diff.fetched(), new_outputs - rebuilt.len());
        let attributes = diff.rebuilt_attributes().into_iter().map(|attribute| attribute.path().to_owned());
        prop_assert_eq!(attributes.collect::<BTreeSet<_>>(), rebuilt.iter().map(|at| world.packages[*at].pname.clone()).collect());
    }

    #[test]
    fn one_change_has_one_reason((world, mutation) in histories().prop_map(|(world, mutations)| (world, mutations.into_iter().next()))) {
        let Some(mutation) = mutation else { return Ok(()) };
        let after_world = world.after([&mutation]);
        let reason = match mutation {
            Mutation::Version(_) | Mutation::Source(_) => Reason::FixedOutput,
            Mutation::Recipe(_) => Reason::Recipe,
            Mutation::File(_) => Reason::SourceFile,
            Mutation::Fetcher(_) => return Ok(()),
        };
        let diff = Diff::new(&graph(&world), &graph(&after_world), false).causes.into_iter().map(|cause| cause.reasons);
        prop_assert!(diff.clone().all(|reasons| reasons == BTreeSet::from([reason])), "{mutation:?}: {:?}", diff.collect::<Vec<_>>());
    }

    #[test]
    fn causes_are_the_changes_that_were_made((world, mutations) in histories()) {
        let after_world = world.after(&mutations);
        let (before, after) = (graph(&world), graph(&after_world));
        let diff = Diff::new(&before, &after, false);
        let expected = made(&world, &mutations);
        prop_assert_eq!(by_label(&diff).into_keys().collect::<BTreeSet<_>>(), expected.keys().map(String::as_str).collect::<BTreeSet<_>>());
        prop_assert_eq!(diff.causes.len(), expected.len());
    }

    /// The same if only what nothing else uses is an attribute: what is behind is paired by what uses it.
    #[test]
    fn causes_are_found_behind_the_attributes((world, mutations) in histories()) {
        let after_world = world.after(&mutations);
        let is_last = |at: usize| world.packages.iter().all(|package| !package.inputs.contains(&at));
        let (before, after) = (graph_of(&world, is_last), graph_of(&after_world, is_last));
        let diff = Diff::new(&before, &after, false);
        prop_assert_eq!(diff.causes.len(), made(&world, &mutations).len());
        prop_assert!(diff.causes.iter().all(|cause| !cause.reasons.contains(&Reason::New) && !cause.reasons.contains(&Reason::Unexplained)));
    }

    /// What a cause rebuilds is what uses it; what only it rebuilds is what would stay if it had not been made.
    #[test]
    fn each_cause_is_counted((world, mutations) in histories()) {
        let after_world = world.after(&mutations);
        let (before, after) = (graph(&world), graph(&after_world));
        let diff = Diff::new(&before, &after, false);
        let all = after_world.rebuilt_since(&world).len();
        let causes = by_label(&diff);
        for (label, packages) in made(&world, &mutations) {
            let cause = causes[label.as_str()];
            prop_assert_eq!(cause.rebuilds.attributes, after_world.users(&packages).len(), "{}", &label);
            let others = mutations.iter().filter(|mutation| !made(&world, std::slice::from_ref(mutation)).contains_key(&label));
            let without = world.after(others).rebuilt_since(&world).len();
            prop_assert_eq!(cause.exclusive.attributes, all - without, "{}", &label);
            let rebuilt_by = |is_asked: &dyn Fn(&Cause) -> bool| {
                let members = diff.causes.iter().filter(|cause| is_asked(cause)).flat_map(|cause| cause.derivations.iter().copied());
                after.closure(members, Direction::Dependents).iter().filter(|ix| diff.rebuilt.contains(*ix)).count()
            };
            prop_assert_eq!(cause.rebuilds.derivations, rebuilt_by(&|one| one.label == label), "{}", &label);
            let others = rebuilt_by(&|one| one.label != label);
            prop_assert_eq!(cause.exclusive.derivations, diff.rebuilt.len() - others, "{}", &label);
        }
    }

    /// Each package's maintainer is told of it if it is rebuilt and was not broken before, by the changes that reach it.
    #[test]
    fn maintainers_are_told_of_what_is_rebuilt((world, mutations) in histories(), broken in btree_set(0_usize..14, 0..4)) {
        let after_world = world.after(&mutations);
        let (before, after) = (maintained(&world, &broken), maintained(&after_world, &BTreeSet::new()));
        let change = Diff::new(&before, &after, false).change().expect("it has edges");
        let options = NotifyOptions { cap: usize::MAX, before: Some(&before), ..NotifyOptions::default() };
        let notices = notify(&change, None, &options).expect("nobody was asked for");
        let rebuilt = after_world.rebuilt_since(&world);
        let expected: BTreeSet<String> = rebuilt.difference(&broken).map(|at| format!("m{at}")).collect();
        prop_assert_eq!(notices.notices.iter().map(|notice| notice.recipient.name().to_owned()).collect::<BTreeSet<_>>(), expected);
        prop_assert_eq!(notices.attributes.broken, rebuilt.intersection(&broken).count());
        let made = made(&world, &mutations);
        for notice in &notices.notices {
            let at: usize = notice.recipient.name()[1..].parse().expect("a number");
            let is_changed = made.values().any(|packages| packages.contains(&at));
            prop_assert_eq!(notice.role() == Some(Role::Changed), is_changed);
            let reaching: BTreeSet<&str> =
                made.iter().filter(|(_, packages)| after_world.users(packages).contains(&at)).map(|(label, _)| label.as_str()).collect();
            prop_assert_eq!(notice.causes.total, reaching.len());
            prop_assert!(notice.causes.listed.iter().all(|&cause| reaching.contains(change.causes[cause].selector.as_str())));
        }
    }

    /// No smaller set of causes rebuilds everything, as trying all of them shows.
    #[test]
    fn the_smallest_set_is_the_smallest((world, mutations) in histories()) {
        let after_world = world.after(&mutations);
        let (before, after) = (graph(&world), graph(&after_world));
        let diff = Diff::new(&before, &after, false);
        let closures: Vec<BTreeSet<usize>> = made(&world, &mutations).values().map(|packages| after_world.users(packages)).collect();
        let all = after_world.rebuilt_since(&world);
        let explains = |subset: &u32| {
            let chosen = closures.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1).flat_map(|(_, closure)| closure);
            chosen.copied().collect::<BTreeSet<_>>() == all
        };
        let smallest = (0..1_u32 << closures.len()).filter(explains).map(u32::count_ones).min();
        let found = diff.causes.iter().filter(|cause| cause.adds.is_some());
        prop_assert!(diff.smallest_is_proven);
        prop_assert_eq!(Some(found.clone().count() as u32), smallest);
        prop_assert_eq!(found.filter_map(|cause| cause.adds).map(|adds| adds.attributes).sum::<usize>(), all.len());
    }
}
