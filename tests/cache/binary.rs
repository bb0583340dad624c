//! `waves impact --cache URL`: what users see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::killing::kill;
use crate::nix::{Nix, serve};
use crate::server::{Reply, Request, Server};
use crate::support::repository;

const DUMP: &str = "data/dumps/derivations.json";
/// Two evaluations, of which the second rebuilds something.
const EVALUATIONS: [&str; 2] = [
    "data/dumps/derivations.json,data/dumps/eval-jobs.jsonl",
    "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl",
];
/// The name of a derivation that much needs.
const ROOT: &str = "openssl-3.3.2.drv";

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// `waves impact` of one derivation, with a cache directory of its own, and nothing in the environment.
struct Impact {
    directory: TempDir,
    dump: PathBuf,
    root: String,
}

impl Impact {
    fn new() -> Self {
        let model = Model::read(&repository().join(DUMP));
        Self { directory: TempDir::new().expect("a directory"), dump: repository().join(DUMP), root: model.find(ROOT) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
        command
            .env_clear()
            .env("XDG_CACHE_HOME", self.directory.path())
            .args(["impact", "--exact", "--root", &self.root, "--format", "json", "--graph"])
            .arg(&self.dump)
            .args(arguments);
        command
    }

    /// What was kept of the answers of the only cache that was asked, if anything was.
    fn kept(&self) -> Option<PathBuf> {
        let mut files = fs::read_dir(self.directory.path().join("waves/narinfo-1")).ok()?.map(|entry| entry.expect("an entry").path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// The JSON of a run that succeeds, which keeps to its schema.
    fn json(&self, arguments: &[&str]) -> Value {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        let report = serde_json::from_str(&run.stdout).expect("JSON");
        let schema = fs::read_to_string(repository().join("schema/impact.schema.json")).expect("read");
        jsonschema::validate(&serde_json::from_str(&schema).expect("JSON"), &report).expect("as the schema has it");
        report
    }
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A dump of derivations, and the obvious way to what a change of one of them rebuilds.
struct Model(BTreeMap<String, Value>);

impl Model {
    fn read(dump: &Path) -> Self {
        Self(serde_json::from_slice(&fs::read(dump).expect("read")).expect("JSON"))
    }

    /// Of the derivations with a name, the one that rebuilds most.
    fn find(&self, name: &str) -> String {
        let found = self.0.keys().filter(|path| path.ends_with(&format!("-{name}")));
        found.max_by_key(|path| self.rebuilds(path).len()).expect("there is one").clone()
    }

    fn outputs(&self, derivation: &str) -> BTreeSet<String> {
        let outputs = self.0[derivation]["outputs"].as_object().expect("outputs").values();
        outputs.map(|output| output["path"].as_str().expect("a path").to_owned()).collect()
    }

    /// The root, and all that needs one of these and is not fixed, until nothing is added.
    fn rebuilds(&self, root: &str) -> BTreeSet<String> {
        let mut rebuilds = BTreeSet::from([root.to_owned()]);
        loop {
            let needs_one = |derivation: &Value| {
                let inputs = derivation["inputDrvs"].as_object().expect("inputs");
                let is_fixed = derivation["outputs"].as_object().expect("outputs").values().any(|output| output.get("hash").is_some());
                !is_fixed && inputs.keys().any(|input| rebuilds.contains(input))
            };
            let more: BTreeSet<String> = self.0.iter().filter(|(_, value)| needs_one(value)).map(|(path, _)| path.clone()).collect();
            let before = rebuilds.len();
            rebuilds.extend(more);
            if rebuilds.len() == before {
                return rebuilds;
            }
        }
    }

    fn outputs_of(&self, derivations: &BTreeSet<String>) -> BTreeSet<String> {
        derivations.iter().flat_map(|derivation| self.outputs(derivation)).collect()
    }

    /// `cached`, `to_build` and `unknown` as the report has them, by what is known of each path.
    fn split(&self, root: &str, of: impl Fn(&str) -> Kind) -> Value {
        let mut parts: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for derivation in self.rebuilds(root) {
            let kinds: Vec<Kind> = self.outputs(&derivation).iter().map(|path| of(path)).collect();
            let part = match (kinds.contains(&Kind::Absent), kinds.contains(&Kind::Unknown)) {
                (true, _) => "to_build",
                (false, true) => "unknown",
                (false, false) => "cached",
            };
            parts.entry(part).or_default().insert(derivation);
        }
        let count = |part| {
            let derivations = parts.get(part).cloned().unwrap_or_default();
            serde_json::json!({ "derivations": derivations.len(), "outputs": self.outputs_of(&derivations).len() })
        };
        serde_json::json!({ "cached": count("cached"), "to_build": count("to_build"), "unknown": count("unknown") })
    }
}

/// The same keys of a report.
fn split_of(report: &Value) -> Value {
    let availability = &report["cost"]["total"]["availability"];
    let count =
        |part: &str| serde_json::json!({ "derivations": availability[part]["derivations"], "outputs": availability[part]["outputs"] });
    serde_json::json!({ "cached": count("cached"), "to_build": count("to_build"), "unknown": count("unknown") })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Present,
    Absent,
    Unknown,
}

fn hash_of(path: &str) -> &str {
    &path["/nix/store/".len()..][..32]
}

/// What a made-up cache does with a path: most is there.
fn kind_of(path: &str) -> Kind {
    match hash_of(path).bytes().map(usize::from).sum::<usize>() % 9 {
        0 | 3 => Kind::Absent,
        5 => Kind::Unknown,
        _ => Kind::Present,
    }
}

/// The same, with fewer failures than make a client give up, however many it has at once.
fn seldom_unknown(path: &str) -> Kind {
    match kind_of(path) {
        Kind::Unknown if hash_of(path).bytes().map(usize::from).sum::<usize>() % 27 != 5 => Kind::Present,
        kind => kind,
    }
}

fn narinfo(path: &str) -> String {
    format!("StorePath: {path}\nURL: u\nNarHash: h\nNarSize: {}\nFileSize: {}\n", path.len() * 1000, path.len())
}

/// A cache of the outputs of the dump.
fn cache(of: impl Fn(&str) -> Kind + Send + Sync + 'static) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let model = Model::read(&repository().join(DUMP));
    let paths = model.outputs_of(&model.0.keys().cloned().collect());
    let paths: BTreeMap<String, String> = paths.into_iter().map(|path| (hash_of(&path).to_owned(), path)).collect();
    move |request| {
        let Some(hash) = request.name.strip_suffix(".narinfo") else {
            return Reply::body("StoreDir: /nix/store\nWantMassQuery: 1\n");
        };
        match of(&paths[hash]) {
            Kind::Present => Reply::body(narinfo(&paths[hash])),
            Kind::Absent => Reply::status(404),
            Kind::Unknown => Reply::status(418),
        }
    }
}

/// The names of the files of these paths, and the cache's own, sorted.
fn names(paths: &BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<String> = paths.iter().map(|path| format!("{}.narinfo", hash_of(path))).collect();
    names.push("nix-cache-info".to_owned());
    names.sort_unstable();
    names
}

#[test]
fn an_impact_is_split_and_only_what_is_rebuilt_is_asked() {
    let (impact, server) = (Impact::new(), Server::new(cache(kind_of)));
    let model = Model::read(&impact.dump);
    let report = impact.json(&["--cache", &server.url(), "--quiet"]);
    assert_eq!(split_of(&report), model.split(&impact.root, kind_of));
    let paths = model.outputs_of(&model.rebuilds(&impact.root));
    assert_eq!(server.take_names(), names(&paths));
    let total = model.outputs_of(&model.0.keys().cloned().collect()).len();
    assert!(paths.len() > 50 && paths.len() < total, "{} of {total}", paths.len());

    let count = |kind| paths.iter().filter(|path| kind_of(path) == kind).count();
    let bytes: usize = paths.iter().filter(|path| kind_of(path) == Kind::Present).map(|path| path.len()).sum();
    let expected = serde_json::json!({
        "nar_bytes": bytes * 1000, "nar_outputs": count(Kind::Present),
        "download_bytes": bytes, "download_outputs": count(Kind::Present),
    });
    assert_eq!(report["cost"]["total"]["size"], expected);
    let expected = serde_json::json!([{
        "url": server.url(), "present": count(Kind::Present), "absent": count(Kind::Absent), "unknown": count(Kind::Unknown),
        "reasons": { "HTTP status 418": count(Kind::Unknown) },
    }]);
    assert_eq!(report["cost"]["caches"], expected);
}

#[test]
fn a_second_run_asks_only_what_is_missing_and_says_the_same() {
    let (impact, server) = (Impact::new(), Server::new(cache(seldom_unknown)));
    let model = Model::read(&impact.dump);
    let first = impact.run(&["--cache", &server.url(), "--cache-jobs", "1"]);
    server.take_names();
    let unknown: BTreeSet<String> =
        model.outputs_of(&model.rebuilds(&impact.root)).into_iter().filter(|path| seldom_unknown(path) == Kind::Unknown).collect();
    assert_eq!(impact.run(&["--cache", &server.url(), "--cache-jobs", "32"]), first);
    assert_eq!(server.take_names(), names(&unknown));
    let offline = impact.json(&["--cache", &server.url(), "--offline"]);
    assert_eq!(split_of(&offline), model.split(&impact.root, seldom_unknown));
    assert!(server.take_names().is_empty());
    let note = format!(
        "note: {}: {} of {} outputs are unknown: HTTP status 418 ({})\n",
        server.url(),
        unknown.len(),
        model.outputs_of(&model.rebuilds(&impact.root)).len(),
        unknown.len()
    );
    assert_eq!(first.stderr, note);
}

#[test]
fn whoever_interrupts_it_keeps_what_was_learnt() {
    let impact = Impact::new();
    let answered = Arc::new(AtomicUsize::new(0));
    let (of, count) = (cache(|_| Kind::Present), Arc::clone(&answered));
    // The first twenty are answered, and the next is waited for, for ever: it is asked once those are on disk.
    let stalling = Server::new(move |request| {
        if request.name.ends_with(".narinfo") && count.fetch_add(1, Ordering::SeqCst) >= 20 { Reply::Stall } else { of(request) }
    });
    let mut command = impact.command(&["--cache", &stalling.url(), "--cache-jobs", "1", "--cache-timeout", "3600"]);
    let mut child: Child = command.stdout(Stdio::null()).spawn().expect("it starts");
    while answered.load(Ordering::SeqCst) <= 20 {
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let asked = stalling.take_names();
    let cut_off = stalling.url();

    // The next run finds the same cache at the same place, and goes on.
    let file = impact.kept().expect("it is there");
    let kept = fs::read_to_string(&file).expect("read").lines().count();
    assert!(kept == 20 && asked.len() == 22, "{kept} of {}", asked.len());
    let server = Server::new(cache(|_| Kind::Present));
    fs::rename(
        &file,
        file.with_file_name(file.file_name().expect("a name").to_str().expect("UTF-8").replace(port(&cut_off), port(&server.url()))),
    )
    .expect("renamed");
    let report = impact.json(&["--cache", &server.url()]);
    let model = Model::read(&impact.dump);
    assert_eq!(split_of(&report), model.split(&impact.root, |_| Kind::Present));
    assert_eq!(server.take_names().len(), 1 + model.outputs_of(&model.rebuilds(&impact.root)).len() - 20);
}

/// Killed at any moment: answers that were kept are whole, the next run asks for the others alone, and says what it would have said.
#[test]
fn whoever_is_killed_keeps_whole_answers() {
    let is_there = |path: &str| if kind_of(path) == Kind::Absent { Kind::Absent } else { Kind::Present };
    let (impact, server) = (Impact::new(), Server::new(cache(is_there)));
    let model = Model::read(&impact.dump);
    let all: BTreeSet<String> = model.outputs_of(&model.rebuilds(&impact.root)).iter().map(|path| hash_of(path).to_owned()).collect();
    let url = server.url();
    let arguments = ["--cache", &url, "--cache-jobs", "1"];
    let whole = impact.run(&arguments);
    let mut seen = Vec::new();
    kill(
        impact.directory.path(),
        || impact.command(&arguments),
        || fs::remove_dir_all(impact.directory.path().join("waves")).unwrap_or(()),
        |round| {
            let text = impact.kept().map(|file| fs::read_to_string(file).expect("read")).unwrap_or_default();
            let answers = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let kept: BTreeSet<String> = answers.map(|answer| answer["hash"].as_str().expect("a hash").to_owned()).collect();
            // At most the last line is not whole.
            assert!(kept.is_subset(&all) && kept.len() + 1 >= text.lines().count(), "round {round}: {text}");
            server.take_names();
            assert_eq!(impact.run(&arguments).stdout, whole.stdout, "round {round}");
            let asked: BTreeSet<String> =
                server.take_names().iter().filter_map(|name| Some(name.strip_suffix(".narinfo")?.to_owned())).collect();
            assert_eq!(asked, all.difference(&kept).cloned().collect(), "round {round}");
            seen.push(kept.len());
        },
    );
    let times = |of: &dyn Fn(usize) -> bool| seen.iter().filter(|&&kept| of(kept)).count();
    let (none, every) = (times(&|kept| kept == 0), times(&|kept| kept == all.len()));
    println!("cache: {none} times no answer, {} times some, {every} times all", seen.len() - none - every);
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().expect("a port")
}

#[test]
fn what_a_list_has_is_not_asked() {
    let (impact, server) = (Impact::new(), Server::new(cache(kind_of)));
    let model = Model::read(&impact.dump);
    let is_listed = |path: &str| hash_of(path).ends_with(|last: char| last.is_ascii_digit());
    let paths = model.outputs_of(&model.rebuilds(&impact.root));
    let list = impact.directory.path().join("list");
    let listed = paths.iter().filter(|path| is_listed(path)).map(|path| format!("{path}\n"));
    fs::write(&list, listed.collect::<Vec<_>>().concat()).expect("written");
    let report = impact.json(&["--cache", &server.url(), "--cached", list.to_str().expect("UTF-8"), "--quiet"]);
    assert_eq!(split_of(&report), model.split(&impact.root, |path| if is_listed(path) { Kind::Present } else { kind_of(path) }));
    assert_eq!(server.take_names(), names(&paths.into_iter().filter(|path| !is_listed(path)).collect()));
}

#[test]
fn exit_codes_and_messages_without_credentials() {
    let (impact, server) = (Impact::new(), Server::new(|_| Reply::status(404)));
    let file = impact.directory.path().join("a-file");
    fs::write(&file, "").expect("written");
    let good = Server::new(cache(|_| Kind::Present));
    let secret = format!("http://user:secret@{}/", server.host());
    for (arguments, code, message) in [
        (vec!["--cache", "user:secret@cache"], 2, "--cache cache: not a URL"),
        (vec!["--cache", "s3://user:secret@bucket"], 2, "--cache s3://bucket: waves asks caches over https://"),
        (vec!["--cache", &good.url(), "--cache-timeout", "0"], 2, "a number of seconds above 0"),
        (vec!["--cache", &good.url(), "--cache-jobs", "0"], 2, "0 is not in 1..=256"),
        (vec!["--cache", &secret], 3, "not a binary cache: it has no nix-cache-info"),
        (vec!["--cache", &good.url(), "--cache-dir", file.to_str().expect("UTF-8")], 5, "hint: --cache-dir"),
    ] {
        let run = impact.run(&arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:#?}");
        assert!(run.stderr.contains(message) && !run.stderr.contains("secret"), "{run:#?}");
    }
    let homeless = finish(impact.command(&["--cache", &good.url()]).env_remove("XDG_CACHE_HOME"));
    assert!(homeless.code == Some(2) && homeless.stderr.contains("--cache-dir DIR"), "{homeless:#?}");
    let at_home = finish(impact.command(&["--cache", &good.url()]).env("XDG_CACHE_HOME", "relative").env("HOME", impact.directory.path()));
    assert_eq!(at_home.code, Some(0), "{at_home:#?}");
    assert!(impact.directory.path().join(".cache/waves/narinfo-1").is_dir());
}

/// What is wrong on the command line is known before there is anything to wait for.
#[test]
fn wrong_options_are_told_before_anybody_is_asked() {
    let (impact, server) = (Impact::new(), Server::new(cache(|_| Kind::Present)));
    let of_root = |command: &'static str| vec![command, "--root", &impact.root, "--graph", DUMP];
    let diff = vec!["diff", EVALUATIONS[0], EVALUATIONS[1]];
    for (command, options, code, message) in [
        (of_root("impact"), &["--table", "nope"][..], 2, "--format csv"),
        (diff, &["--table", "nope"], 2, "--format csv"),
        (of_root("plan"), &["--table", "nope"], 2, "--format csv"),
        (of_root("plan"), &["--format", "csv", "--table", "nope"], 2, "no list `nope`"),
        (of_root("plan"), &["--builders", "4"], 2, "builders need build times"),
        (of_root("plan"), &["--builders", "4", "--durations", "data/dumps/durations.csv", "--what-if", "nope"], 2, "no package `nope`"),
        (of_root("plan"), &["--config", "nowhere.toml"], 3, "nowhere.toml"),
    ] {
        let mut waves = Command::new(env!("CARGO_BIN_EXE_waves"));
        waves.current_dir(repository()).env_clear().env("XDG_CACHE_HOME", impact.directory.path());
        let run = finish(waves.args(&command).args(options).args(["--cache", &server.url()]));
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{command:?} {options:?}: {run:#?}");
        assert!(run.stderr.contains(message), "{command:?} {options:?}: {run:#?}");
        assert!(server.take_names().is_empty(), "{command:?} {options:?}");
    }
    impact.json(&["--cache", &server.url()]);
    assert!(!server.take_names().is_empty());
}

#[test]
fn a_cache_that_is_down_fails_nothing() {
    let impact = Impact::new();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let url = format!("http://user:secret@127.0.0.1:{port}");
    let run = impact.run(&["--cache", &url, "--cache-tries", "2"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("the cache cannot be reached: connection refused"), "{}", run.stderr);
    assert!(!run.stderr.contains("secret") && !run.stdout.contains("secret"));
    let model = Model::read(&impact.dump);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(split_of(&report), model.split(&impact.root, |_| Kind::Unknown));
    assert_eq!(report["cost"]["total"]["size"], Value::Null);
    let quiet = impact.run(&["--cache", &url, "--cache-tries", "1", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout, quiet.stderr.as_str()), (Some(0), run.stdout, ""));
}

#[test]
fn proxies_are_those_of_the_environment() {
    let (impact, server) = (Impact::new(), Server::new(cache(|_| Kind::Present)));
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = format!("http://user:secret@{}", proxy.local_addr().expect("an address"));
    let first_line = thread::spawn(move || {
        let (mut stream, _) = proxy.accept().expect("a connection");
        let mut line = String::new();
        BufReader::new(stream.try_clone().expect("cloned")).read_line(&mut line).expect("read");
        stream.write_all(b"HTTP/1.1 502 No\r\n\r\n").expect("written");
        line
    });
    let arguments = ["--cache", &server.url(), "--cache-tries", "1"];
    let run = finish(impact.command(&arguments).env("ALL_PROXY", &address));
    assert!(run.code == Some(0) && run.stderr.contains("the cache cannot be reached") && !run.stderr.contains("secret"), "{run:#?}");
    assert!(first_line.join().expect("no panic").starts_with(&format!("CONNECT {} ", server.host())));
    assert!(server.take_names().is_empty());
    let direct = finish(impact.command(&arguments).env("ALL_PROXY", &address).env("NO_PROXY", "127.0.0.1"));
    assert_eq!((direct.code, direct.stderr.as_str()), (Some(0), ""));
}

#[test]
fn over_tls_with_certificates_of_the_environment() {
    let (impact, directory) = (Impact::new(), TempDir::new().expect("a directory"));
    let model = Model::read(&impact.dump);
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cache", "-keyout", "key", "-out", "cert"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(directory.path())
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!("skipped: no openssl that makes certificates on the PATH");
        return;
    }
    for path in model.outputs_of(&model.rebuilds(&impact.root)) {
        fs::write(directory.path().join(format!("{}.narinfo", hash_of(&path))), narinfo(&path)).expect("written");
    }
    fs::write(directory.path().join("nix-cache-info"), "StoreDir: /nix/store\nWantMassQuery: 1\n").expect("written");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "cert", "-key", "key", "-WWW"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let mut lines = BufReader::new(server.stdout.take().expect("piped"));
    while !line.contains("ACCEPT") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("read") > 0, "openssl has ended");
    }
    // It waits for room to say what it does.
    let drain = thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    let url = format!("https://127.0.0.1:{port}");
    // It takes one connection after the other.
    let arguments = ["--cache", &url, "--cache-jobs", "1"];
    let stranger = impact.run(&arguments);
    let trusted = finish(impact.command(&arguments).env("SSL_CERT_FILE", directory.path().join("cert")));
    server.kill().expect("killed");
    server.wait().expect("ended");
    drain.join().expect("no panic").expect("drained");
    assert!(stranger.code == Some(0) && stranger.stderr.contains("invalid peer certificate"), "{stranger:#?}");
    assert_eq!((trusted.code, trusted.stderr.as_str()), (Some(0), ""), "{trusted:#?}");
    let report: Value = serde_json::from_str(&trusted.stdout).expect("JSON");
    assert_eq!(split_of(&report), model.split(&impact.root, |_| Kind::Present));
    let nowhere = directory.path().join("nothing");
    let missing = finish(Impact::new().command(&arguments).env("NIX_SSL_CERT_FILE", &nowhere));
    assert_eq!(missing.code, Some(5), "{missing:#?}");
    assert!(missing.stderr.contains(&format!("cannot read certificates from {}", nowhere.display())), "{missing:#?}");
}

#[test]
fn what_nix_built_and_copied_is_cached() {
    let Some(nix) = Nix::new() else { return };
    let derivations = nix.instantiate(&["jq", "openssl", "python312Packages.requests", "curl"]);
    let cache = nix.make_cache(&derivations[..2]);
    let infos = nix.path_info(&format!("file://{}", cache.display()));
    let dump = nix.path("derivations.json");
    fs::write(&dump, nix.show_derivations(&derivations).to_string()).expect("written");
    let model = Model::read(&dump);
    let directory = TempDir::new().expect("a directory");
    let server = serve(cache.clone());
    for root in [model.find("glibc-2.40.drv"), derivations[0].clone(), derivations[1].clone()] {
        let impact = Impact { directory: TempDir::new_in(directory.path()).expect("made"), dump: dump.clone(), root };
        let expected = model.split(&impact.root, |path| if infos.contains_key(path) { Kind::Present } else { Kind::Absent });
        for url in [server.url(), format!("file://{}", cache.display())] {
            let report = impact.json(&["--cache", &url]);
            assert_eq!(split_of(&report), expected, "{url}");
            let sizes = infos.iter().filter(|(path, _)| model.outputs_of(&model.rebuilds(&impact.root)).contains(*path));
            let (nar, file) = sizes.fold((0, 0), |(nar, file), (_, info)| {
                (nar + info["narSize"].as_u64().expect("a size"), file + info["downloadSize"].as_u64().expect("a size"))
            });
            assert_eq!(report["cost"]["total"]["size"]["nar_bytes"].as_u64().unwrap_or_default(), nar);
            assert_eq!(report["cost"]["total"]["size"]["download_bytes"].as_u64().unwrap_or_default(), file);
        }
    }
}
