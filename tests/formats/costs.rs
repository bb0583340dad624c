//! Build times, sizes and lists of store paths in every shape that is read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use waves_core::cost::{Availability, Costs, DurationFile, Durations, Evidence, PathSize, Presence, Sizes, Sources};
use waves_core::error::Error;
use waves_core::graph::{Derivation, Graph};
use waves_core::store_path::{StoreHash, StorePath};

use crate::support::{dump, import, lines, object, text};

/// A file that is there as long as its directory.
fn file(directory: &TempDir, content: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(fs::read_dir(directory.path()).expect("there").count().to_string());
    fs::write(&path, content).expect("written");
    path
}

fn data() -> Graph {
    import(&[dump("derivations.json"), dump("eval-jobs.jsonl")])
}

fn read(content: impl AsRef<[u8]>) -> Result<Durations, Error> {
    let directory = TempDir::new().expect("a directory");
    Durations::read(&[file(&directory, content)])
}

fn costs(graph: &Graph, content: impl AsRef<[u8]>) -> Costs<'_> {
    let durations = read(content).expect("build times");
    Costs::new(graph, Sources { durations: Some(durations), ..Sources::default() }).expect("they are of something")
}

fn derivation<'g>(graph: &'g Graph, attribute: &str) -> Derivation<'g> {
    graph.find_attribute(attribute).next().and_then(|found| found.derivation()).expect(attribute)
}

/// Build time of an attribute's derivation, and where it comes from.
fn time(costs: &Costs<'_>, attribute: &str) -> (u32, Evidence) {
    let (model, ix) = (costs.model().expect("a model"), derivation(costs.graph(), attribute).ix());
    (model.seconds(ix), model.evidence(ix))
}

fn rows(costs: &Costs<'_>) -> (usize, usize, DurationFile) {
    let file = costs.durations()[0].clone();
    (file.rows, costs.model().expect("a model").used_rows()[0], file)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("written");
    encoder.finish().expect("compressed")
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(content).expect("written");
    encoder.finish().expect("compressed")
}

#[test]
fn the_table_of_the_set() {
    let graph = data();
    let table = fs::read_to_string(dump("durations.csv")).expect("it is there");
    let expected: BTreeMap<&str, u32> =
        table.lines().skip(1).filter_map(|line| line.split_once(',')).map(|(name, seconds)| (name, seconds.parse().expect("s"))).collect();
    for content in [table.clone().into_bytes(), gzip(table.as_bytes()), xz(table.as_bytes())] {
        let costs = costs(&graph, content);
        let model = costs.model().expect("a model");
        for derivation in graph.derivations() {
            let measured = expected.get(derivation.name()).map(|&seconds| (seconds, Evidence::Name));
            let found = (model.seconds(derivation.ix()), model.evidence(derivation.ix()));
            assert_eq!(measured.unwrap_or(found), found, "{derivation:?}");
            assert_eq!(measured.is_some(), found.1.is_measured(), "{derivation:?}");
        }
        assert_eq!(rows(&costs).0, expected.len());
    }
}

#[test]
fn keys_are_paths_attributes_names_and_pnames() {
    let graph = data();
    let curl = derivation(&graph, "curl");
    let output = curl.outputs().next().and_then(|output| output.path()).expect("an output");
    for (table, expected) in [
        (format!("drv,seconds\n{},7\n", curl.path()), Evidence::Derivation),
        (format!("DrvPath;,seconds\n{},7\n", curl.base_name()), Evidence::Derivation),
        (format!("{output},7\n"), Evidence::Derivation),
        ("attr,seconds\ncurl,7\n".to_owned(), Evidence::Attribute),
        ("attr,system,seconds\ncurl,x86_64-linux,7\n".to_owned(), Evidence::Attribute),
        ("job,seconds\ncurl.x86_64-linux,7\n".to_owned(), Evidence::Attribute),
        ("job,seconds\nnixpkgs.curl.x86_64-linux,7\n".to_owned(), Evidence::Attribute),
        ("curl,7\n".to_owned(), Evidence::Attribute),
        ("name,seconds\ncurl-8.11.0,7\n".to_owned(), Evidence::Name),
        ("curl-8.11.0,7,1.5\n".to_owned(), Evidence::Name),
        ("pname,seconds,stddev\ncurl,7,2\n".to_owned(), Evidence::Stem),
    ] {
        assert_eq!(time(&costs(&graph, &table), "curl"), (7, expected), "{table}");
    }
    let table = "name,seconds\ncffi,9\n";
    assert_eq!(time(&costs(&graph, table), "python312Packages.cffi"), (9, Evidence::Pname));
    // Of several keys the most exact that is known counts.
    let table = "drv,attr,name,seconds\n,nothing,curl-8.11.0,7\n";
    assert_eq!(time(&costs(&graph, table), "curl"), (7, Evidence::Name));
    // Another system's is not meant.
    let table = "attr,system,seconds\ncurl,aarch64-linux,7\nhello,,8\n";
    assert_eq!((time(&costs(&graph, table), "curl").1, rows(&costs(&graph, table)).1), (Evidence::Everything, 1));
}

#[test]
fn the_median_of_what_was_measured_most_exactly() {
    let graph = data();
    let table = "name,seconds\ncurl-8.11.0,10\ncurl-8.11.0,30.2\ncurl-8.11.0,1000\ncurl,5\n";
    assert_eq!(time(&costs(&graph, table), "curl"), (31, Evidence::Name));
    let directory = TempDir::new().expect("a directory");
    let files = ["curl,10\n", "curl.x86_64-linux,21\n"].map(|content| file(&directory, content));
    let durations = Durations::read(&files).expect("two files");
    let both = Costs::new(&graph, Sources { durations: Some(durations), ..Sources::default() }).expect("of something");
    assert_eq!(time(&both, "curl"), (16, Evidence::Attribute));
    assert_eq!(both.model().expect("a model").used_rows(), &[1, 1]);
}

#[test]
fn nix_output_monitor() {
    let graph = data();
    let with_header =
        "hostname,derivation name,utc time,build seconds\n,curl,2024-11-02 10:00:00,40\nssh://builder,curl,2024-11-03 10:00:00,60\n";
    let without = "localhost,curl,2024-11-02 10:00:00,40\n,curl,2024-11-03 10:00:00,60\n";
    let old = ",curl,40\nssh://builder,curl,60\n";
    for report in [with_header, without, old] {
        assert_eq!(time(&costs(&graph, report), "curl"), (50, Evidence::Stem), "{report}");
    }
}

#[test]
fn hydra() {
    let graph = data();
    let curl = derivation(&graph, "curl").path();
    let build = |job: &str, drv: &str, name: &str, seconds: u64, status: Value, finished: Value| {
        json!({ "id": 1, "project": "nixpkgs", "jobset": "trunk", "job": job, "nixname": name, "drvpath": drv, "system": "x86_64-linux",
            "starttime": 1_700_000_000, "stoptime": 1_700_000_000 + seconds, "timestamp": 1_700_000_000, "finished": finished,
            "buildstatus": status, "priority": 100, "releasename": null, "jobsetevals": [1], "buildproducts": {}, "buildmetrics": {} })
    };
    let elsewhere = "/nix/store/00000000000000000000000000000000-x.drv";
    let builds = json!([
        build("curl.x86_64-linux", &curl, "curl-8.11.0", 70, json!(0), json!(1)),
        build("hello.x86_64-linux", elsewhere, "hello-2.10", 30, json!(0), json!(true)),
        build("zlib.aarch64-linux", elsewhere, "zlib-1.3.1", 20, json!(0), json!(1)),
        build("jq.x86_64-linux", elsewhere, "jq-1.7.1", 0, json!(0), json!(1)),
        build("bash.x86_64-linux", elsewhere, "bash-5.2p37", 50, json!(1), json!(1)),
        build("perl.x86_64-linux", elsewhere, "perl-5.40.0", 50, Value::Null, json!(0)),
        build("gone.x86_64-linux", elsewhere, "gone-1", 50, json!(0), json!(1)),
        { "starttime": null, "stoptime": 1, "buildstatus": 0, "job": "curl" },
        17,
    ]);
    let costs_of_list = costs(&graph, builds.to_string());
    assert_eq!(time(&costs_of_list, "curl"), (70, Evidence::Derivation));
    assert_eq!(time(&costs_of_list, "hello"), (30, Evidence::Attribute));
    assert_eq!(time(&costs_of_list, "zlib"), (20, Evidence::Name));
    assert!(["jq", "bash", "perl"].iter().all(|attribute| !time(&costs_of_list, attribute).1.is_measured()));
    let (all, used, counted) = rows(&costs_of_list);
    assert_eq!((all, used, counted.zero, counted.unsuccessful, counted.malformed), (9, 3, 1, 2, 2));
    assert_eq!(counted.first_malformed.as_deref(), Some("item 8: `starttime` or `stoptime` is no number"));

    let one = costs(&graph, builds[0].to_string());
    assert_eq!((time(&one, "curl"), rows(&one).0), ((70, Evidence::Derivation), 1));

    let times = json!([{ "id": 1, "timestamp": 1_700_000_000, "value": 50 }, { "id": 2, "timestamp": 1_700_000_100, "value": 90 }]);
    assert_eq!(time(&costs(&graph, json!({ "curl.x86_64-linux": times }).to_string()), "curl"), (70, Evidence::Attribute));
    let error = read(times.to_string()).expect_err("they do not say what they are of").to_string();
    assert!(error.contains("item 1") && error.contains("jq '{\"JOB\": .}'"), "{error}");
}

#[test]
fn json_of_ones_own() {
    let graph = data();
    let document =
        json!({ "curl": 40, "hello-2.12.1": 12.5, "jq": [1, 2, 6], "zlib": { "seconds": 9 }, "nothing": 1, "bash": 0, "perl": "1 h" });
    let costs_of_object = costs(&graph, document.to_string());
    let found = ["curl", "hello", "jq", "zlib"].map(|attribute| time(&costs_of_object, attribute).0);
    assert_eq!(found, [40, 13, 2, 9]);
    let (all, used, counted) = rows(&costs_of_object);
    assert_eq!((all, used, counted.zero, counted.malformed), (9, 6, 1, 1));
    assert!(counted.first_malformed.expect("one").starts_with("key `perl`"));

    let list = json!([{ "attr": "curl", "seconds": 40 }, { "name": "hello-2.12.1", "seconds": 12 }, { "attr": "jq" }]);
    let costs_of_list = costs(&graph, list.to_string());
    assert_eq!((time(&costs_of_list, "curl").0, time(&costs_of_list, "hello").0, rows(&costs_of_list).2.malformed), (40, 12, 1));
}

#[test]
fn rows_that_are_not_used_are_counted() {
    let graph = data();
    let table = b"\xef\xbb\xbfname,seconds\r\ncurl,10\r\n\r\ncurl,ten\r\ncurl,-1\r\ncurl,NaN\r\ncurl,1e99\r\ncurl\r\n,5\r\ncurl\xff,5\r\ncurl,0\r\nhello,0.0\r\nnothing,4\r\n";
    let costs = costs(&graph, table);
    let (all, used, counted) = rows(&costs);
    assert_eq!((all, used, counted.zero, counted.malformed), (11, 1, 2, 7));
    assert_eq!(counted.first_malformed.as_deref(), Some("line 4: `ten` is no number of seconds"));
    assert_eq!(time(&costs, "curl"), (10, Evidence::Stem));
}

#[test]
fn files_without_build_times_are_errors() {
    for (content, message) in [
        (&b""[..], "no build times in it: it is empty"),
        (b" \n\n", "it is empty"),
        (b"[]", "it has no row"),
        (b"{}", "it has no row"),
        (b"hello world\n", "the first line is neither a header"),
        (b"name,version\ncurl,8\n", "the first line is neither a header"),
        (b"name,seconds\n", "it has no row"),
        (b"name,seconds\ncurl,ten\n", "line 2: `ten` is no number of seconds"),
        (b"[{\"attr\": \"curl\", \"seconds\": 1}", "line 1, column 31: not the JSON that was expected: EOF"),
        (b"{\"curl\": 1} {}", "line 1, column 13"),
        (b"\x00\x01", "the first line is neither a header"),
    ] {
        let error = read(content).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    let directory = TempDir::new().expect("a directory");
    assert!(matches!(Durations::read(&[directory.path()]), Err(Error::Io { .. })));
    let truncated = &gzip(b"name,seconds\ncurl,1\n")[..20];
    assert!(matches!(Durations::read(&[file(&directory, truncated)]), Err(Error::Io { .. })));
    assert!(matches!(Durations::read(&[directory.path().join("nowhere")]), Err(Error::Io { .. })));

    let graph = data();
    let unmatched = Sources { durations: Some(read("name,seconds\nnothing,5\n").expect("a table")), ..Sources::default() };
    let error = Costs::new(&graph, unmatched).expect_err("nothing is measured").to_string();
    assert!(error.contains("none of 1 build times is of something in this evaluation"), "{error}");
}

/// What is not measured: by name, by class, by everything, and what is fetched or wrapped not at all.
#[test]
fn estimates() {
    let derivation = |number: usize, name: &str, env: Value, fixed: bool| {
        let path = |suffix: &str| format!("/nix/store/{number:032}-{name}{suffix}");
        let mut out = json!({ "path": path("") });
        if fixed {
            out["hashAlgo"] = json!("sha256");
            out["hash"] = json!(format!("{number:064}"));
        }
        let mut environment = json!({ "name": name });
        environment.as_object_mut().expect("an object").extend(env.as_object().cloned().unwrap_or_default());
        let derivation = json!({ "outputs": { "out": out }, "inputSrcs": [], "inputDrvs": {}, "system": "s", "builder": "b", "args": [], "env": environment });
        (path(".drv"), derivation)
    };
    let big = json!({ "requiredSystemFeatures": "big-parallel" });
    let local = json!({ "preferLocalBuild": "1" });
    let mut set: Vec<(String, Value)> = (0..5).map(|n| derivation(n, &format!("python3.12-m{n}-1"), json!({}), false)).collect();
    set.extend((5..10).map(|n| derivation(n, &format!("big{n}-1"), big.clone(), false)));
    set.extend([
        derivation(10, "python3.12-other-2", json!({}), false),
        derivation(11, "chromium-1", big, false),
        derivation(12, "tool-1", json!({}), false),
        derivation(13, "tool-1.tar.gz", json!({}), true),
        derivation(14, "tool-wrapped-1", local, false),
        derivation(15, "python3.12-3", json!({}), false),
        derivation(16, "big5-2", json!({}), false),
        derivation(17, "big6-1", json!({}), false),
    ]);
    let directory = TempDir::new().expect("a directory");
    let set: serde_json::Map<String, Value> = set.into_iter().collect();
    let graph = import(&[file(&directory, Value::Object(set).to_string())]);
    let row = |n: usize| format!("/nix/store/{n:032}-x.drv,{}", if n < 5 { n + 1 } else { n * 1000 });
    let rows: Vec<String> = (0..10).map(row).collect();
    let costs = costs(&graph, format!("drv,seconds\n{}", rows.join("\n")));
    let model = costs.model().expect("a model");
    let found = |name: &str, of: usize| {
        let found = graph.derivations().filter(|derivation| derivation.name() == name).nth(of).expect(name).ix();
        (model.seconds(found), model.mean_seconds(found), model.evidence(found))
    };
    assert_eq!(found("python3.12-other-2", 0), (3, 3, Evidence::Class));
    assert_eq!(found("chromium-1", 0), (7000, 7000, Evidence::Class));
    // Ten pnames: 1 to 5, and 5,000 to 9,000 seconds.
    assert_eq!(found("tool-1", 0), (2503, 3502, Evidence::Everything));
    assert_eq!(found("python3.12-3", 0), (2503, 3502, Evidence::Everything));
    assert_eq!(found("tool-1.tar.gz", 0), (1, 1, Evidence::Assumed));
    assert_eq!(found("tool-wrapped-1", 0), (1, 1, Evidence::Assumed));
    assert_eq!(found("big5-2", 0), (5000, 5000, Evidence::SameName));
    let same: Vec<_> = (0..2).map(|of| found("big6-1", of)).collect();
    assert!(same.contains(&(6000, 6000, Evidence::Derivation)) && same.contains(&(6000, 6000, Evidence::SameName)), "{same:?}");
}

fn hash(path: &str) -> StoreHash {
    StorePath::parse(path).expect(path).hash
}

const A: &str = "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a-1";
const B: &str = "/nix/store/1ni6gvd2q0z58h77lrfc2b2xff98jsv5-b-1";
const GONE: &str = "/nix/store/2ni6gvd2q0z58h77lrfc2b2xff98jsv5-gone";

/// The shapes of `nix path-info --json`, as each version of Nix writes them.
#[test]
fn path_infos() {
    let info = |path: &str, nar: u64, references: Value| {
        json!({ "path": path, "narHash": "sha256-x", "narSize": nar, "references": references, "deriver": null, "registrationTime": 1,
            "ultimate": true, "signatures": [], "closureSize": 999 })
    };
    let base = |path: &str| path.rsplit('/').next().expect("a name").to_owned();
    let without_path = |mut info: Value| {
        info.as_object_mut().expect("an object").remove("path");
        info
    };
    let (a, b) = (info(A, 10, json!([A, B])), info(B, 5, json!([])));
    let base_names = |mut info: Value, references: Value| {
        info["references"] = references;
        info["version"] = json!(2);
        info["storeDir"] = json!("/nix/store");
        without_path(info)
    };
    for (document, unknown) in [
        (json!([a, b]), 0),
        (json!([a, b, { "path": GONE, "valid": false }]), 1),
        (json!({ A: without_path(a.clone()), B: without_path(b.clone()) }), 0),
        (json!({ A: without_path(a.clone()), B: without_path(b.clone()), GONE: null }), 1),
        (
            json!({ "version": 2, "storeDir": "/nix/store", "info": {
                base(A): base_names(a.clone(), json!([base(A), base(B)])), base(B): base_names(b.clone(), json!([])), base(GONE): null } }),
            1,
        ),
    ] {
        let directory = TempDir::new().expect("a directory");
        for content in [document.to_string().into_bytes(), xz(format!("{document:#}").as_bytes())] {
            let sizes = Sizes::read(&[file(&directory, content)]).expect("sizes");
            let expected = PathSize { nar: 10, download: None, references: Some(vec![hash(A), hash(B)]) };
            assert_eq!(sizes.get(hash(A)), Some(&expected), "{document}");
            let closure = sizes.closure([hash(A)]);
            assert_eq!((closure.paths, closure.unknown, closure.nar), (2, 0, 15), "{document}");
            assert_eq!((sizes.closure([hash(GONE)]).unknown, sizes.closure([hash(GONE)]).paths), (1, 1));
            assert_eq!((sizes.files()[0].paths, sizes.files()[0].unknown), (2, unknown), "{document}");
        }
    }
}

fn narinfo(path: &str, nar: u64, download: u64, references: &str) -> String {
    format!(
        "StorePath: {path}\nURL: nar/x.nar.xz\nCompression: xz\nFileHash: sha256:x\nFileSize: {download}\nNarHash: sha256:x\nNarSize: {nar}\n\
         References: {references}\nSig: cache-1:c2ln\n"
    )
}

#[test]
fn narinfos() {
    let base = |path: &str| path.rsplit('/').next().expect("a name").to_owned();
    let (a, b) = (narinfo(A, 10, 4, &format!("{} {}", base(A), base(B))), narinfo(B, 5, 2, ""));
    let directory = TempDir::new().expect("a directory");
    let cache = directory.path().join("cache");
    fs::create_dir(&cache).expect("created");
    fs::write(cache.join("0ni6gvd2q0z58h77lrfc2b2xff98jsv5.narinfo"), &a).expect("written");
    fs::write(cache.join("1ni6gvd2q0z58h77lrfc2b2xff98jsv5.narinfo"), &b).expect("written");
    fs::write(cache.join("nix-cache-info"), "StoreDir: /nix/store\n").expect("written");
    for files in [vec![cache], vec![file(&directory, format!("{a}{b}"))], vec![file(&directory, &b), file(&directory, gzip(a.as_bytes()))]]
    {
        let sizes = Sizes::read(&files).expect("sizes");
        let expected = PathSize { nar: 10, download: Some(4), references: Some(vec![hash(A), hash(B)]) };
        assert_eq!(sizes.get(hash(A)), Some(&expected), "{files:?}");
        assert_eq!(sizes.closure([hash(A)]).nar, 15, "{files:?}");
        assert_eq!(sizes.files().iter().map(|file| file.paths).sum::<usize>(), 2, "{files:?}");
    }
    // A store's list knows no download size, a cache's narinfo does: together they say all.
    let list = json!([{ "path": A, "narSize": 10, "references": [A, B] }]).to_string();
    let both = Sizes::read(&[file(&directory, list), file(&directory, narinfo(A, 10, 4, &base(A)))]).expect("sizes");
    assert_eq!(both.get(hash(A)), Some(&PathSize { nar: 10, download: Some(4), references: Some(vec![hash(A), hash(B)]) }));
}

#[test]
fn files_without_sizes_are_errors() {
    let directory = TempDir::new().expect("a directory");
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("created");
    assert!(Sizes::read(&[&empty]).expect_err("nothing in it").to_string().contains("no .narinfo file"));
    // What a server says instead of an answer; beside one that is a path, it is counted.
    for (name, content) in [("a.narinfo", "404 not found\n"), ("b.narinfo", "")] {
        fs::write(empty.join(name), content).expect("written");
    }
    assert!(Sizes::read(&[&empty]).expect_err("no path in it").to_string().contains("no .narinfo file in it has a store path"));
    fs::write(empty.join("c.narinfo"), narinfo(A, 10, 4, "")).expect("written");
    let sizes = Sizes::read(&[&empty]).expect("a path");
    assert_eq!((sizes.files()[0].paths, sizes.files()[0].malformed), (1, 2));
    for (content, message) in [
        ("", "no sizes in it: it is empty"),
        ("a,b\n", "neither the JSON of `nix path-info` nor a narinfo"),
        ("[]", "no entry of it is a store path"),
        (r#"{"attr": {"narSize": 1}}"#, "no entry of it is a store path"),
        (
            r#"[{"path": "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a", "narSize": "big"}]"#,
            "line 1, column 75: not the JSON that was expected: invalid type",
        ),
        (
            r#"[{"path": "/nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a", "narSize": 1}"#,
            "line 1, column 72: not the JSON that was expected: EOF",
        ),
        ("StorePath: /nix/store/0ni6gvd2q0z58h77lrfc2b2xff98jsv5-a\n", "URL: missing"),
    ] {
        let error = Sizes::read(&[file(&directory, content)]).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn lists_of_store_paths() {
    let graph = data();
    let list = fs::read_to_string(dump("store-paths.txt")).expect("it is there");
    let base_names: Vec<&str> = list.lines().map(|line| line.rsplit('/').next().expect("a name")).collect();
    let directory = TempDir::new().expect("a directory");
    let zstd = zstd::encode_all(list.as_bytes(), 1).expect("compressed");
    for content in [list.clone().into_bytes(), base_names.join("\r\n").into_bytes(), xz(list.as_bytes()), gzip(list.as_bytes()), zstd] {
        let availability = Availability::read(&[file(&directory, content)]).expect("a list");
        assert!(graph.derivations().all(|derivation| availability.derivation(derivation) == Presence::Cached));
        assert_eq!(availability.files()[0].paths, list.lines().count());
    }
    let output = derivation(&graph, "hello").outputs().next().and_then(|output| output.path()).expect("a path");
    let odd = format!("# a comment\n{output}\n{output}/bin/hello\nhello\n");
    let availability = Availability::read(&[file(&directory, odd)]).expect("a list");
    let found = &availability.files()[0];
    assert_eq!((found.paths, found.malformed, found.first_malformed), (1, 3, Some(1)));
    assert_eq!(availability.derivation(derivation(&graph, "curl")), Presence::Absent);
    assert!(matches!(Availability::read(&[directory.path()]), Err(Error::Io { .. })));
    for (content, message) in [("", "no store paths in it: it is empty"), ("hello\n", "no line of it is a store path")] {
        let error = Availability::read(&[file(&directory, content)]).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// Nobody knows what only a build tells, nor what an undefined derivation makes.
#[test]
fn what_has_no_path_is_unknown() {
    let graph = import(&[dump("content-addressed.json")]);
    let directory = TempDir::new().expect("a directory");
    let availability = Availability::read(&[file(&directory, format!("{A}\n"))]).expect("a list");
    let without_path: Vec<String> = object(&dump("content-addressed.json"))
        .iter()
        .filter(|(_, derivation)| derivation["outputs"].as_object().expect("outputs").values().any(|output| output.get("path").is_none()))
        .map(|(path, _)| path.clone())
        .collect();
    assert!(!without_path.is_empty());
    for derivation in graph.derivations() {
        let expected = if without_path.contains(&derivation.path()) { Presence::Unknown } else { Presence::Absent };
        assert_eq!(availability.derivation(derivation), expected, "{derivation:?}");
    }

    let jobs = lines(&dump("eval-jobs-inputs.jsonl"));
    let hello = jobs.iter().find(|job| job["attr"] == "hello").expect("hello");
    let mut dangling = hello.clone();
    dangling["inputDrvs"] = json!({ "/nix/store/00000000000000000000000000000000-gone.drv": ["out"] });
    let graph = import(&[file(&directory, dangling.to_string())]);
    let gone = graph.derivations().find(|derivation| derivation.name() == "gone").expect("an input");
    assert_eq!(availability.derivation(gone), Presence::Unknown);
    assert_eq!(availability.derivation(derivation(&graph, text(hello, "attr"))), Presence::Absent);
}
