//! Reading a dump of derivations in every way there is, from only looking at its bytes to a graph: figures are ratios of
//! one run. On one thread, so that they say what the work costs; the last lines are on all of them.
//!
//! On the first part of the real dump where it is present (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else
//! on `data/`. And on the same derivations as `.drv` files, beside only reading those.

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use waves_core::graph::Graph;
use waves_core::ingest::{Input, ingest};

/// Decompressed bytes of the real dump that are read: a twentieth.
const SLICE: u64 = 54_000_000;
/// What ends an entry of a dump, as Nix lays it out.
const ENTRY_END: &[u8] = b"\n  },";

/// What a reader needs of a derivation at least, borrowed from the dump where nothing is escaped.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Derivation<'a> {
    #[serde(borrow)]
    outputs: Pairs<'a, Pairs<'a, Text<'a>>>,
    #[serde(borrow)]
    input_drvs: Pairs<'a, Vec<Text<'a>>>,
    #[serde(borrow)]
    input_srcs: Vec<Text<'a>>,
    #[serde(borrow)]
    system: Text<'a>,
    #[serde(borrow)]
    builder: Text<'a>,
    #[serde(borrow)]
    args: Vec<Text<'a>>,
    #[serde(borrow)]
    env: Pairs<'a, Text<'a>>,
}

/// A string that borrows, which `Cow` by itself does not.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An object as it stands: a map of each would cost more than to read it.
struct Pairs<'a, T>(Vec<(Text<'a>, T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Pairs<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<'a, T>(PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Object<'a, T> {
            type Value = Pairs<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}

type Derivations<'a> = Pairs<'a, Derivation<'a>>;

/// A part of the dump of a real evaluation, else a whole small one.
fn dump() -> Vec<u8> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let Ok(file) = File::open(nixpkgs.join("derivations.json.zst")) else {
        return fs::read(repository.join("data/dumps/derivations.json")).expect("the dump of data/");
    };
    let mut decoder = zstd::Decoder::new(file).expect("zstd starts");
    decoder.window_log_max(31).expect("a window of 2 GiB");
    let mut json = Vec::new();
    decoder.take(SLICE).read_to_end(&mut json).expect("the dump is sound");
    let end = memchr::memmem::rfind(&json, ENTRY_END).expect("there are entries");
    json.truncate(end);
    json.extend_from_slice(b"\n  }\n}\n");
    json
}

fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread").install(work)
}

fn json(c: &mut Criterion) {
    let json = dump();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (plain, packed) = (directory.path().join("derivations.json"), directory.path().join("derivations.json.zst"));
    fs::write(&plain, &json).expect("the dump is written");
    fs::write(&packed, zstd::encode_all(json.as_slice(), 9).expect("zstd packs")).expect("the dump is written");

    let mut group = c.benchmark_group("ingest");
    group.sample_size(10).measurement_time(Duration::from_secs(15)).throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("decompress", |b| b.iter(|| decompress(&packed)));
    group.bench_function("one pass over the bytes: memchr2 of quotes and backslashes", |b| {
        b.iter(|| memchr::memchr2_iter(b'"', b'\\', &json).count());
    });
    group.bench_function("serde_json::Value", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(&json).expect("JSON"));
    });
    group.bench_function("typed serde, serde_json", |b| b.iter(|| serde_json::from_slice::<Derivations<'_>>(&json).expect("JSON").0.len()));
    group.bench_function("typed serde, sonic-rs", |b| b.iter(|| sonic_rs::from_slice::<Derivations<'_>>(&json).expect("JSON").0.len()));
    group.bench_function("lazy, sonic-rs: keys and spans of the entries", |b| {
        b.iter(|| sonic_rs::to_object_iter(&json[..]).map(|entry| entry.expect("JSON").1.as_raw_str().len()).sum::<usize>());
    });
    group.bench_function("typed serde, simd-json (and a copy: it writes into its input)", |b| {
        b.iter(|| simd_json::from_slice::<Derivations<'_>>(&mut json.clone()).expect("JSON").0.len());
    });
    group.bench_function("tape, simd-json (and a copy)", |b| {
        b.iter(|| simd_json::to_tape(&mut json.clone()).map(|tape| black_box(tape.0.len())).expect("JSON"));
    });
    group.bench_function("waves: into records", |b| {
        b.iter(|| on_one_thread(|| ingest(&[Input::Path(plain.clone())], &()).expect("sound").sources.len()));
    });
    group.bench_function("waves: decompress, records, graph", |b| {
        b.iter(|| on_one_thread(|| Graph::import(&[Input::Path(packed.clone())], &()).expect("sound").derivation_count()));
    });
    group.bench_function("waves: decompress, records, graph, all threads", |b| {
        b.iter(|| Graph::import(&[Input::Path(packed.clone())], &()).expect("sound").derivation_count());
    });
    group.finish();
}

fn decompress(packed: &Path) -> u64 {
    let mut decoder = zstd::Decoder::new(File::open(packed).expect("the dump is there")).expect("zstd starts");
    std::io::copy(&mut decoder, &mut std::io::sink()).expect("sound")
}

fn files(c: &mut Criterion) {
    let json = dump();
    let derivations: Derivations<'_> = serde_json::from_slice(&json).expect("JSON");
    let store = tempfile::tempdir().expect("a temporary directory");
    let paths: Vec<PathBuf> = derivations
        .0
        .iter()
        .map(|(path, derivation)| {
            let file = store.path().join(Path::new(path.0.as_ref()).file_name().expect("a store path"));
            fs::write(&file, aterm(derivation)).expect("the file is written");
            file
        })
        .collect();
    let bytes: usize = paths.iter().map(|path| fs::read(path).expect("readable").len()).sum();

    let mut group = c.benchmark_group(format!("a store directory of {} .drv files", paths.len()));
    group.sample_size(10).measurement_time(Duration::from_secs(15)).throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("read each file, one thread", |b| b.iter(|| paths.iter().map(|path| read(path)).sum::<usize>()));
    group.bench_function("read each file, all threads", |b| b.iter(|| paths.par_iter().map(|path| read(path)).sum::<usize>()));
    group.bench_function("waves: into records", |b| {
        b.iter(|| ingest(&[Input::Path(store.path().to_owned())], &()).expect("sound").sources.len());
    });
    group.bench_function("waves: graph", |b| {
        b.iter(|| Graph::import(&[Input::Path(store.path().to_owned())], &()).expect("sound").derivation_count());
    });
    group.finish();
}

fn read(path: &Path) -> usize {
    fs::read(path).expect("readable").len()
}

/// A derivation as Nix writes it to its store.
fn aterm(derivation: &Derivation<'_>) -> String {
    let text = |text: &Text<'_>| {
        let escaped = text.0.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        format!("\"{escaped}\"")
    };
    let texts = |list: &[Text<'_>]| list.iter().map(text).collect::<Vec<_>>().join(",");
    let outputs = derivation.outputs.0.iter().map(|(name, output)| {
        let field = |key: &str| output.0.iter().find(|(name, _)| name.0 == key).map_or("\"\"".to_owned(), |(_, value)| text(value));
        format!("({},{},{},{})", text(name), field("path"), field("hashAlgo"), field("hash"))
    });
    let inputs = derivation.input_drvs.0.iter().map(|(path, outputs)| format!("({},[{}])", text(path), texts(outputs)));
    let env = derivation.env.0.iter().map(|(key, value)| format!("({},{})", text(key), text(value)));
    format!(
        "Derive([{}],[{}],[{}],{},{},[{}],[{}])",
        outputs.collect::<Vec<_>>().join(","),
        inputs.collect::<Vec<_>>().join(","),
        texts(&derivation.input_srcs),
        text(&derivation.system),
        text(&derivation.builder),
        texts(&derivation.args),
        env.collect::<Vec<_>>().join(",")
    )
}

criterion_group!(benches, json, files);
criterion_main!(benches);
