//! What caused a rebuild, where a derivation has several inputs alike, or its inputs are others than before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use waves_core::analysis::{Cause, Diff, Reason};
use waves_core::graph::Graph;

use crate::history::{Mutation, World};
use crate::support::import;

/// What `nix show-derivation -r` and `nix-eval-jobs` print if the packages from `first` on are attributes: nothing that they do not need.
fn evaluation(world: &World, first: usize) -> (String, String) {
    let all = world.derivations();
    let mut needed = BTreeMap::new();
    let mut rest: Vec<String> = (first..world.packages.len()).map(|at| world.derivation(at)).collect();
    while let Some(path) = rest.pop() {
        let inputs = all[&path]["inputDrvs"].as_object().expect("a derivation");
        rest.extend(inputs.keys().cloned());
        needed.insert(path.clone(), all[&path].clone());
    }
    (json!(needed).to_string(), world.jobs().lines().skip(first).collect::<Vec<_>>().join("\n"))
}

fn graph(world: &World, first: usize) -> Graph {
    let (derivations, jobs) = evaluation(world, first);
    import(&[("derivations.json", derivations), ("jobs.jsonl", jobs)])
}

/// The name of a cause, its versions, how many derivations it changed, and why.
type Found = (String, [String; 2], usize, Vec<Reason>);

fn causes(before: &Graph, after: &Graph) -> BTreeSet<Found> {
    let found = |cause: Cause| {
        let versions = [cause.version_before, cause.version_after];
        (cause.label, versions, cause.derivations.len(), cause.reasons.into_iter().collect())
    };
    Diff::new(before, after, false).causes.into_iter().map(found).collect()
}

fn found(label: &str, versions: [&str; 2], derivations: usize, reasons: &[Reason]) -> Found {
    (label.to_owned(), versions.map(ToOwned::to_owned), derivations, reasons.to_vec())
}

/// Packages behind two of one name.
fn with_libs<'a>(users: &[(&'a str, &'a [usize])]) -> World {
    World::of([("lib", &[][..]), ("lib", &[])].into_iter().chain(users.iter().copied()))
}

/// Both are there before and after; that the one is rebuilt itself is another cause.
#[test]
fn an_input_is_swapped_for_one_that_is_rebuilt() {
    let before = with_libs(&[("a", &[0]), ("b", &[0]), ("c", &[0, 1])]);
    let after = with_libs(&[("a", &[1]), ("b", &[1]), ("c", &[0, 1])]).after(&[Mutation::Recipe(1)]);
    let expected =
        [found("lib-1.1.0", ["1.0.0", "1.1.0"], 2, &[Reason::SwappedInput]), found("lib-1.1.0", ["1.1.0", "1.1.0"], 1, &[Reason::Recipe])];
    assert_eq!(causes(&graph(&before, 2), &graph(&after, 2)), expected.into());
}

/// Nobody needs the one any more.
#[test]
fn an_input_is_swapped_for_one_that_stays() {
    let before = with_libs(&[("a", &[0]), ("b", &[0]), ("c", &[1])]);
    let after = with_libs(&[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    let expected = [found("lib-1.1.0", ["1.0.0", "1.1.0"], 2, &[Reason::SwappedInput])];
    assert_eq!(causes(&graph(&before, 2), &graph(&after, 2)), expected.into());
}

/// Each for one of its name, in whatever order they come.
#[test]
fn inputs_are_swapped_for_those_of_their_names() {
    let libs: [(&str, &[usize]); 4] = [("lib", &[]), ("tool", &[0]), ("tool", &[]), ("lib", &[2])];
    let world = |users: [&'static [usize]; 2]| World::of(libs.into_iter().chain([("a", users[0]), ("b", users[1]), ("c", &[0, 1, 2, 3])]));
    let (before, after) = (world([&[0, 1], &[0, 1]]), world([&[2, 3], &[2, 3]]));
    let expected = [found("lib-1.3.0", ["1.0.0", "1.3.0"], 2, &[Reason::SwappedInput])];
    assert_eq!(causes(&graph(&before, 4), &graph(&after, 4)), expected.into());
}

/// What stays did not become what is beside it now.
#[test]
fn what_comes_beside_an_input_that_stays_is_new() {
    let before = with_libs(&[("a", &[0]), ("b", &[0]), ("c", &[0])]);
    let after = with_libs(&[("a", &[1]), ("b", &[1]), ("c", &[0])]).after(&[Mutation::Recipe(1)]);
    let expected = [
        found("lib-1.1.0", ["", "1.1.0"], 2, &[Reason::FixedOutput, Reason::New]),
        found("lib-1.1.0", ["1.0.0", "1.1.0"], 2, &[Reason::SwappedInput]),
    ];
    assert_eq!(causes(&graph(&before, 2), &graph(&after, 2)), expected.into());
}

/// Nothing of its name was there before.
#[test]
fn an_input_of_another_name_is_new() {
    let world = |input: &'static [usize]| World::of([("old", &[][..]), ("new", &[]), ("a", input)]);
    let expected =
        [found("a", ["1.2.0", "1.2.0"], 1, &[Reason::Recipe]), found("new-1.1.0", ["", "1.1.0"], 2, &[Reason::FixedOutput, Reason::New])];
    assert_eq!(causes(&graph(&world(&[0]), 2), &graph(&world(&[1]), 2)), expected.into());
}

/// Each is what it was by its attribute, whatever its users took before.
#[test]
fn what_is_an_attribute_stays_what_it_is() {
    let world = |input: &'static [usize]| World::of([("base", &[][..]), ("lib", &[0]), ("lib", &[0]), ("a", input)]);
    let (before, after) = (world(&[1]), world(&[2]).after(&[Mutation::Recipe(0)]));
    let graph = |world: &World| {
        let (derivations, jobs) = evaluation(world, 1);
        let named = |(line, name): (&str, &str)| {
            let mut job: Value = serde_json::from_str(line).expect("JSON");
            job["attr"] = json!(name);
            job["attrPath"] = json!([name]);
            job.to_string()
        };
        let jobs: Vec<String> = jobs.lines().zip(["lib_0", "lib_1", "a"]).map(named).collect();
        import(&[("derivations.json", derivations), ("jobs.jsonl", jobs.join("\n"))])
    };
    let expected = [found("base-1.0.0", ["1.0.0", "1.0.0"], 1, &[Reason::Recipe])];
    assert_eq!(causes(&graph(&before), &graph(&after)), expected.into());
}

/// A source has the name of what is made of it, and may have its system. It is looked at before or after the package, by their names.
#[test]
fn a_source_is_not_what_became_of_a_package() {
    for lib in [0, 9] {
        let inputs = [lib];
        let fillers = (0..lib).map(|_| ("filler", &[][..]));
        let before = World::of(fillers.chain([("lib", &[][..]), ("lib", &inputs[..])]));
        let after = before.after(&[Mutation::Recipe(lib), Mutation::Source(lib + 1)]);
        let graph = |world: &World| {
            let (derivations, jobs) = evaluation(world, lib + 1);
            import(&[("derivations.json", derivations.replace("\"builtin\"", "\"x86_64-linux\"")), ("jobs.jsonl", jobs)])
        };
        let (own, input) = (before.version(lib + 1), before.version(lib));
        let expected = [
            found("lib", [own.as_str(); 2], 2, &[Reason::FixedOutput]),
            found(&format!("lib-{input}"), [input.as_str(); 2], 1, &[Reason::Recipe]),
        ];
        assert_eq!(causes(&graph(&before), &graph(&after)), expected.into());
    }
}

/// Of two versions that are both rebuilt, each became that of its own name: a file that one of them uses is found changed.
#[test]
fn of_inputs_alike_each_is_paired_with_its_own() {
    let expected = BTreeSet::from([
        found("file0.patch", ["", ""], 2, &[Reason::SourceFile]),
        found("lib-1.0.0", ["1.0.0", "1.0.0"], 1, &[Reason::Recipe]),
        found("lib-1.1.0", ["1.1.0", "1.1.0"], 1, &[Reason::Recipe]),
    ]);
    for lib in [0, 1] {
        let mut before = with_libs(&[("a", &[0, 1]), ("b", &[])]);
        for user in [lib, 3] {
            before.packages[user].files.insert(0);
        }
        let after = before.after(&[Mutation::Recipe(0), Mutation::Recipe(1), Mutation::File(0)]);
        assert_eq!(causes(&graph(&before, 2), &graph(&after, 2)), expected);
    }
}

/// A list of attributes tells of a derivation neither recipe nor outputs of its inputs. What has no recipe is not told from another,
/// and what has the same path builds the same.
#[test]
fn what_is_known_in_part_is_compared_as_far_as_it_is_known() {
    let before = World::of([("base", &[][..]), ("a", &[0])]);
    let after = before.after(&[Mutation::Recipe(0)]);
    let partly = |world: &World| {
        let all = world.derivations();
        let job = |line: &str| {
            let mut job: Value = serde_json::from_str(line).expect("JSON");
            job["inputDrvs"] = all[job["drvPath"].as_str().expect("a path")]["inputDrvs"].clone();
            job.to_string()
        };
        import(&[("jobs.jsonl", world.jobs().lines().map(job).collect::<Vec<_>>().join("\n"))])
    };
    let expected = BTreeSet::from([found("base", ["1.0.0", "1.0.0"], 1, &[Reason::Unexplained])]);
    assert_eq!(causes(&partly(&before), &graph(&after, 0)), expected);
    assert_eq!(causes(&graph(&before, 0), &partly(&after)), expected);
    assert_eq!(causes(&partly(&before), &graph(&before, 0)), BTreeSet::new());
    assert_eq!(causes(&graph(&before, 0), &partly(&before)), BTreeSet::new());
}

/// Of what no dump tells the inputs of, what is behind the attributes is not known: it is not said to be rebuilt.
#[test]
fn without_edges_only_attributes_are_compared() {
    let before = World::of([("base", &[][..]), ("a", &[0]), ("b", &[])]);
    let after = before.after(&[Mutation::Recipe(0)]);
    let alone = |world: &World| import(&[("jobs.jsonl", evaluation(world, 1).1)]);
    let counts = |before: &Graph, after: &Graph| {
        let counts = Diff::new(before, after, false).rebuild_counts();
        (counts.attributes, counts.derivations, counts.outputs)
    };
    for (one, other) in [(alone(&before), graph(&after, 1)), (graph(&before, 1), alone(&after)), (alone(&before), alone(&after))] {
        assert_eq!(counts(&one, &other), (1, 1, 1));
    }
    assert_eq!(counts(&alone(&before), &graph(&before, 1)), (0, 0, 0));
    // Nor is an output that the other evaluation does not list.
    let more = before
        .derivations()
        .to_string()
        .replace("\"outputs\":{", "\"outputs\":{\"doc\":{\"path\":\"/nix/store/00000000000000000000000000000000-doc\"},");
    let more = import(&[("derivations.json", more), ("jobs.jsonl", evaluation(&before, 1).1)]);
    assert_eq!(counts(&alone(&before), &more), (0, 0, 0));
    assert_eq!(counts(&graph(&before, 1), &graph(&after, 1)), (1, 2, 2));
}
