//! Derivations whose output path only a build tells, and dynamic ones.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use waves_core::analysis::{Diff, Reason};
use waves_core::graph::{Derivation, Graph};

use crate::support::{by_name, dump, findings, import, object};

fn import_json(document: &Value) -> Graph {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("derivations.json");
    fs::write(&path, document.to_string()).expect("writes");
    import(&[path])
}

fn only(graph: &Graph, name: &str) -> String {
    let found: Vec<_> = graph.derivations().filter(|derivation| derivation.name() == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0].base_name()
}

#[test]
fn no_output_path_is_known() {
    for name in ["content-addressed.json", "content-addressed-2.33.json"] {
        let graph = import(&[dump(name)]);
        let facts = by_name(&graph, |derivation| {
            (derivation.is_floating(), derivation.is_fixed_output(), derivation.outputs().filter_map(|output| output.path()).count())
        });
        let fact = |derivation: &str| facts[&only(&graph, derivation)];
        assert_eq!(
            [fact("floating-1.0"), fact("impure-1.0"), fact("deferred-1.0")],
            [(true, false, 0), (true, false, 0), (false, false, 0)]
        );
        assert_eq!((graph.output_count(), graph.edge_count(), graph.rebuild_edge_count()), (3, 1, 1), "{name}");
        assert_eq!(findings(&graph), []);
    }
}

#[test]
fn both_shapes_are_one_graph() {
    let [old, new] = ["content-addressed.json", "content-addressed-2.33.json"].map(|name| import(&[dump(name)]));
    assert_eq!(old.digest(), new.digest());
    assert_eq!(by_name(&old, Derivation::recipe_hash), by_name(&new, Derivation::recipe_hash));
}

/// The newer shape tells the store directory nowhere but in paths within texts.
#[test]
fn the_recipe_of_a_floating_derivation_is_the_same_in_both_shapes() {
    let source = "/nix/store/5lphzhs6cgj1q9l3s5kpcr8vlcqv0a3y-builder.sh";
    let placeholder = "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9";
    let name = "f1b4x5w8mq9vf3a989qqaz3c8js8k6bx-floating-1.0.drv";
    let env = json!({ "out": placeholder, "builder": "/bin/sh", "script": format!("source {source}") });
    let old = json!({ format!("/nix/store/{name}"): {
        "outputs": { "out": { "hashAlgo": "r:sha256" } }, "inputSrcs": [source], "inputDrvs": {},
        "system": "x86_64-linux", "builder": "/bin/sh", "args": ["-e", source], "env": env,
    }});
    let new = json!({ "version": 4, "derivations": { name: {
        "outputs": { "out": { "hashAlgo": "sha256", "method": "nar" } },
        "inputs": { "drvs": {}, "srcs": [source.trim_start_matches("/nix/store/")] },
        "system": "x86_64-linux", "builder": "/bin/sh", "args": ["-e", source], "env": env,
        "name": "floating-1.0", "version": 4,
    }}});
    let [old, new] = [old, new].map(|document| import_json(&document));
    assert_eq!(by_name(&old, Derivation::recipe_hash), by_name(&new, Derivation::recipe_hash));
    assert_eq!(old.digest(), new.digest());
}

/// A derivation that is changed has another path, and so has its user, which names the output by another placeholder.
#[test]
fn users_of_what_was_changed_are_no_causes() {
    let deferred = "/nix/store/4hbijr3xrbqjv4ndg4gjdjl40r1j3v6m-deferred-1.0.drv";
    let placeholder = "/15vgwq1zvj8sw8bz55aq48g1b5cw9qv9wpn1d7qgyxi7hz9v7hgx";
    let mut before = Value::Object(object(&dump("content-addressed.json")));
    before[deferred]["args"][1] = json!(format!("PATH={placeholder}/bin:$PATH; echo $name > $out"));
    before[deferred]["env"]["__json"] = json!(json!({ "inputs": [placeholder], "flags": format!("-L{placeholder}/lib") }).to_string());
    let others = [
        ("mzcl441ymml5s0mw9wb4z93w5rjvhqh3", "1".repeat(32)),
        ("4hbijr3xrbqjv4ndg4gjdjl40r1j3v6m", "2".repeat(32)),
        (placeholder, format!("/{}", "3".repeat(52))),
    ];
    let after = others.iter().fold(before.to_string(), |text, (one, other)| text.replace(one, other));
    let mut after: Value = serde_json::from_str(&after).expect("JSON");
    after[format!("/nix/store/{}-floating-1.0.drv", "1".repeat(32))]["args"][1] = json!("echo other > $out");

    let [before, after] = [before, after].map(|document| import_json(&document));
    let recipes = |graph: &Graph| ["deferred-1.0", "floating-1.0"].map(|name| by_name(graph, Derivation::recipe_hash)[&only(graph, name)]);
    let ([user, changed], [user_after, changed_after]) = (recipes(&before), recipes(&after));
    assert_eq!(user, user_after);
    assert_ne!(changed, changed_after);
    let diff = Diff::new(&before, &after, false);
    let causes: Vec<(&str, Vec<Reason>)> =
        diff.causes.iter().map(|cause| (cause.label.as_str(), cause.reasons.iter().copied().collect())).collect();
    assert_eq!((causes, diff.rebuilt.len()), (vec![("floating-1.0", vec![Reason::Recipe])], 2));
}

/// A user of what only the output of a derivation describes, as JSON and as files.
#[test]
fn dynamic_outputs_need_the_output_that_describes_them() {
    let (user, input) = ("4hbijr3xrbqjv4ndg4gjdjl40r1j3v6m-user.drv", "mzcl441ymml5s0mw9wb4z93w5rjvhqh3-input.drv");
    let nodes = json!({ "outputs": ["cat", "dog"], "dynamicOutputs": {
        "bird": { "outputs": ["egg"], "dynamicOutputs": {} },
        "goose": { "outputs": ["gosling"], "dynamicOutputs": { "golden": { "outputs": ["egg"], "dynamicOutputs": {} } } },
    }});
    let json = import_json(&json!({ "version": 4, "derivations": {
        user: { "outputs": { "out": {} }, "inputs": { "drvs": { input: nodes }, "srcs": [] }, "system": "x86_64-linux" },
        input: {
            "outputs": { "bird": {}, "cat": {}, "dog": {}, "goose": {} }, "inputs": { "drvs": {}, "srcs": [] }, "system": "x86_64-linux",
        },
    }}));
    let directory = TempDir::new().expect("a directory");
    let nested = r#"(["cat","dog"],[("bird",["egg"]),("goose",(["gosling"],[("golden",["egg"])]))])"#;
    let aterm = format!(r#"DrvWithVersion("xp-dyn-drv",[("out","","","")],[("/nix/store/{input}",{nested})],[],"x86_64-linux","",[],[])"#);
    fs::write(directory.path().join(user), aterm).expect("writes");
    let outputs = r#"("bird","","",""),("cat","","",""),("dog","","",""),("goose","","","")"#;
    fs::write(directory.path().join(input), format!(r#"Derive([{outputs}],[],[],"x86_64-linux","",[],[])"#)).expect("writes");
    let files = import(&[directory.path().to_owned()]);
    for graph in [&json, &files] {
        let user = graph.derivations().find(|derivation| derivation.name() == "user").expect("it is there");
        let needed: Vec<Vec<&str>> = user.inputs().map(|(_, outputs)| outputs.collect()).collect();
        assert_eq!(needed, [["bird", "cat", "dog", "goose"]]);
    }
    assert_eq!(json.digest(), files.digest());
}
