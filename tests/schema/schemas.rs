//! The schemas themselves.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{items, report, schema};

const COMMANDS: [&str; 15] = [
    "check",
    "decision",
    "diff",
    "estimate",
    "impact",
    "info",
    "next",
    "notify",
    "notify-index",
    "plan",
    "rank",
    "record",
    "request",
    "status",
    "why",
];

#[test]
fn they_are_schemas() {
    for command in COMMANDS {
        jsonschema::meta::validate(&schema(command)).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// Each schema stands by itself; what several define, they define alike.
#[test]
fn shared_definitions_are_the_same() {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for command in COMMANDS {
        let Value::Object(definitions) = schema(command)["$defs"].take() else { panic!("{command} has definitions") };
        for (name, definition) in definitions {
            assert_eq!(known.entry(name.clone()).or_insert_with(|| definition.clone()), &definition, "{command}: {name}");
        }
    }
}

/// Every object names all of its keys, and every key says what it is.
#[test]
fn nothing_is_left_open() {
    for command in COMMANDS {
        let schema = schema(command);
        let definitions = schema["$defs"].as_object().expect("definitions");
        for object in definitions.values().chain([&schema]).filter(|object| object.get("properties").is_some()) {
            let properties = object["properties"].as_object().expect("properties");
            assert_eq!((items(object, "/required").len(), object["additionalProperties"].as_bool()), (properties.len(), Some(false)));
            for (key, property) in properties {
                assert!(property.get("description").or(property.get("$ref")).is_some(), "{command}: {key}");
            }
        }
    }
}

#[test]
fn they_refuse_what_is_not_a_report() {
    let validator = jsonschema::validator_for(&schema("impact")).expect("a schema");
    let whole = report("impact", &["--root", "openssl"]);
    let spoil = |pointer: &str, value: Value| {
        let mut spoilt = whole.clone();
        *spoilt.pointer_mut(pointer).expect(pointer) = value;
        spoilt
    };
    assert!(validator.is_valid(&whole));
    for (pointer, value) in [
        ("/format_version", json!(2)),
        ("/rebuilds/derivations", json!(-1)),
        ("/rebuilds", json!({ "derivations": 1 })),
        ("/direction", json!("sideways")),
        ("/roots/0/derivations/0", json!("openssl")),
        ("/excluded", json!({ "broken": 0, "unfree": 0, "insecure": 0, "off_hydra": 0, "any": 0, "ugly": 0 })),
    ] {
        assert!(!validator.is_valid(&spoil(pointer, value)), "{pointer}");
    }
}
