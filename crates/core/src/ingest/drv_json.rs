//! `nix derivation show -r` and `nix show-derivation -r`, every shape from Nix 2.4 to 2.35.
//!
//! The shapes differ in where inputs stand (`inputDrvs`, or `inputs.drvs` from 2.33 on), in how an input names its
//! outputs (a list, or an object with `dynamicOutputs` from 2.18 on) and in how a fixed output is spelt; none of it
//! depends on the version number, so none of it is asked for.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use smallvec::SmallVec;

use super::raw::{RawDerivation, RawInput, RawOutput};

/// Reads the JSON object of one derivation.
pub(super) fn parse(json: &[u8]) -> serde_json::Result<RawDerivation<'_>> {
    // What is UTF-8 as a whole is not looked at again string by string.
    let document = std::str::from_utf8(json).map_or_else(|_| serde_json::from_slice(json), serde_json::from_str)?;
    let Document { outputs, input_drvs, input_srcs, inputs, system, builder, args, env, structured } = document;
    let Inputs { drvs, srcs } = inputs;
    Ok(RawDerivation {
        outputs: outputs
            .into_iter()
            .map(|(name, output)| RawOutput {
                name: name.0,
                path: output.path.map(|text| text.0),
                hash_algo: output.hash_algo.map(|text| text.0),
                method: output.method.map(|text| text.0),
                hash: output.hash.map(|text| text.0),
                impure: output.impure,
            })
            .collect(),
        inputs: joined(input_drvs.0, drvs.0).into_iter().map(|(path, node)| RawInput { path: path.0, outputs: node.0 }).collect(),
        sources: joined(input_srcs, srcs).into_iter().map(|text| text.0).collect(),
        system: system.0,
        builder: builder.0,
        args: args.into_iter().map(|text| text.0).collect(),
        env: env.into_iter().map(|(key, value)| (key.0, value.0)).collect(),
        structured,
    })
}

/// Two lists as one; a dump has one of the two, which is not copied.
fn joined<T>(mut first: Vec<T>, second: Vec<T>) -> Vec<T> {
    if first.is_empty() {
        return second;
    }
    first.extend(second);
    first
}

/// A string that borrows from the dump unless it holds an escape.
#[derive(serde::Deserialize, Default)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    outputs: Pairs<'a, Output<'a>, 2>,
    #[serde(borrow, default)]
    input_drvs: Pairs<'a, InputNode<'a>, 16>,
    #[serde(borrow, default)]
    input_srcs: Vec<Text<'a>>,
    #[serde(borrow, default)]
    inputs: Inputs<'a>,
    #[serde(borrow, default)]
    system: Text<'a>,
    #[serde(borrow, default)]
    builder: Text<'a>,
    #[serde(borrow, default)]
    args: Vec<Text<'a>>,
    #[serde(borrow, default)]
    env: Pairs<'a, Text<'a>, 48>,
    #[serde(default, rename = "structuredAttrs")]
    structured: Option<Value>,
}

#[derive(serde::Deserialize, Default)]
struct Inputs<'a> {
    #[serde(borrow, default)]
    drvs: Pairs<'a, InputNode<'a>, 16>,
    #[serde(borrow, default)]
    srcs: Vec<Text<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    hash_algo: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    hash: Option<Text<'a>>,
    #[serde(default)]
    impure: bool,
}

/// A JSON object in the order it was written; `ROOM` pairs are enough as a rule.
struct Pairs<'a, T, const ROOM: usize>(Vec<(Text<'a>, T)>);

impl<T, const ROOM: usize> Default for Pairs<'_, T, ROOM> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T, const ROOM: usize> IntoIterator for Pairs<'a, T, ROOM> {
    type Item = (Text<'a>, T);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>, const ROOM: usize> Deserialize<'de> for Pairs<'a, T, ROOM> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<'a, T, const ROOM: usize>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>, const ROOM: usize> Visitor<'de> for Object<'a, T, ROOM> {
            type Value = Pairs<'a, T, ROOM>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(ROOM);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}

/// The outputs of an input that are used: `["out"]`, or `{"outputs":["out"],"dynamicOutputs":{…}}`.
struct InputNode<'a>(SmallVec<[Cow<'a, str>; 2]>);

impl<'de: 'a, 'a> Deserialize<'de> for InputNode<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Node<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Node<'a> {
            type Value = InputNode<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of outputs, or an object with `outputs`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut outputs = SmallVec::new();
                while let Some(Text(output)) = seq.next_element()? {
                    outputs.push(output);
                }
                Ok(InputNode(outputs))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut used = SmallVec::new();
                while let Some(Text(key)) = map.next_key()? {
                    match key.as_ref() {
                        "outputs" => used.extend(map.next_value::<Vec<Text<'a>>>()?.into_iter().map(|text| text.0)),
                        // What a dynamic output builds needs the output that describes it.
                        "dynamicOutputs" => {
                            let dynamic: Pairs<'a, IgnoredAny, 2> = map.next_value()?;
                            used.extend(dynamic.into_iter().map(|(output, _)| output.0));
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                used.sort_unstable();
                used.dedup();
                Ok(InputNode(used))
            }
        }

        deserializer.deserialize_any(Node(PhantomData))
    }
}
