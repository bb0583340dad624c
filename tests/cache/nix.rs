//! Caches that real Nix made, and what it says of them itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use waves_core::cost::narinfo::{Answer, NarInfo};
use waves_core::store_path::{StoreHash, StorePath};
use waves_substituter::{CacheUrl, ask};

use crate::server::{Reply, Server};
use crate::support::{Asker, repository};

/// A Nix with a store of its own, in a directory of its own: paths are those of that directory, so that builds work.
pub(crate) struct Nix {
    directory: TempDir,
}

impl Nix {
    /// `None` if there is no Nix here, or one that does not know the commands of Nix 2.4 and later.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("nix").args(["--extra-experimental-features", "nix-command", "path-info", "--help"]).output().is_err() {
            println!("skipped: no nix on the PATH");
            return None;
        }
        let nix = Self { directory: TempDir::new().expect("a directory") };
        fs::create_dir(nix.path("home")).expect("made");
        Some(nix)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn store_dir(&self) -> String {
        self.path("store").display().to_string()
    }

    /// Runs a program of Nix.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, program: &str, arguments: impl IntoIterator<Item = A>) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("HOME", self.path("home"))
            .env("NIX_REMOTE", "local")
            .env("NIX_STORE_DIR", self.path("store"))
            .env("NIX_STATE_DIR", self.path("var"))
            .env("NIX_LOG_DIR", self.path("log"))
            .env("NIX_CONFIG", "substitute = false\nsandbox = false\nbuild-users-group =\nextra-experimental-features = nix-command")
            .env("LC_ALL", "C")
            .env_remove("NIX_PATH")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Instantiates attributes of the package set in `data`; their derivations' paths.
    pub(crate) fn instantiate(&self, attributes: &[&str]) -> Vec<String> {
        let set = repository().join("data").display().to_string();
        let wanted = attributes.iter().flat_map(|attribute| ["-A", attribute]);
        let paths = self.run("nix-instantiate", [set.as_str(), "--argstr", "system", "x86_64-linux"].into_iter().chain(wanted));
        // An output that is named behind the derivation is left out: all are wanted.
        paths.lines().map(|path| path.split('!').next().unwrap_or(path).to_owned()).collect()
    }

    /// The closure of derivations, as a dump.
    pub(crate) fn show_derivations(&self, derivations: &[String]) -> Value {
        let arguments = ["show-derivation", "-r"].into_iter().chain(derivations.iter().map(String::as_str));
        serde_json::from_str(&self.run("nix", arguments)).expect("JSON")
    }

    /// Builds derivations, and copies what they need when they run to a cache in a directory, signed.
    pub(crate) fn make_cache(&self, derivations: &[String]) -> PathBuf {
        let cache = self.path("cache");
        let (secret, public) = (self.path("secret-key"), self.path("public-key"));
        self.run("nix-store", ["--generate-binary-cache-key".as_ref(), "test-1".as_ref(), secret.as_os_str(), public.as_os_str()]);
        let built = self.run("nix-store", ["--realise"].into_iter().chain(derivations.iter().map(String::as_str)));
        let to = format!("file://{}?secret-key={}", cache.display(), secret.display());
        self.run("nix", ["copy", "--to", &to].into_iter().chain(built.lines()));
        cache
    }

    /// All that a cache has, by Nix's own account.
    pub(crate) fn path_info(&self, cache: &str) -> BTreeMap<String, Value> {
        let infos = self.run("nix", ["path-info", "--json", "--all", "--store", cache]);
        let infos: Vec<Value> = serde_json::from_str(&infos).expect("JSON");
        infos.into_iter().map(|info| (text(&info["path"]).expect("a path"), info)).collect()
    }

    /// A hash as `.narinfo` files have it.
    fn base32(&self, sri: &str) -> String {
        format!("sha256:{}", self.run("nix", ["hash", "to-base32", sri]).trim())
    }
}

impl Drop for Nix {
    /// What is in a store is read-only.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(self.directory.path()).status();
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// All outputs of a dump of derivations, by hash.
pub(crate) fn outputs_of(derivations: &Value) -> BTreeMap<StoreHash, String> {
    let derivations = derivations.as_object().expect("an object").values();
    let paths = derivations.flat_map(|derivation| derivation["outputs"].as_object().expect("outputs").values());
    paths.map(|output| text(&output["path"]).expect("a path")).map(|path| (StorePath::parse(&path).expect("a path").hash, path)).collect()
}

/// A server of the files of a directory.
pub(crate) fn serve(directory: PathBuf) -> Server {
    Server::new(move |request| fs::read(directory.join(&request.name)).map_or_else(|_| Reply::status(404), Reply::body))
}

/// What a narinfo says, as `nix path-info --json` would put it; hashes as they are.
fn as_path_info(info: &NarInfo, store_dir: &str) -> Value {
    let references: BTreeSet<String> = info.references.iter().map(|name| format!("{store_dir}/{name}")).collect();
    serde_json::json!({
        "path": info.store_path, "url": info.url, "narHash": info.nar_hash, "narSize": info.nar_size, "downloadHash": info.file_hash,
        "downloadSize": info.file_size, "references": references, "deriver": info.deriver.as_ref().map(|name| format!("{store_dir}/{name}")),
        "signatures": info.signatures, "ca": info.content_address,
    })
}

#[test]
fn what_nix_copied_is_what_is_found() {
    let Some(nix) = Nix::new() else { return };
    let derivations = nix.instantiate(&["jq", "openssl", "python312Packages.requests", "hello"]);
    let cache = nix.make_cache(&derivations[..2]);
    let infos = nix.path_info(&format!("file://{}", cache.display()));
    let outputs = outputs_of(&nix.show_derivations(&derivations));
    let there = outputs.values().filter(|path| infos.contains_key(*path)).count();
    assert!(there > 5 && there < outputs.len() - 5, "{there} of {}", outputs.len());

    let server = serve(cache.clone());
    let asker = Asker::new();
    let answers = |url: &str| {
        let cache = CacheUrl::parse(url).expect("a URL");
        ask(&[cache], &nix.store_dir(), &outputs, &asker.options, &()).expect("asked").answers
    };
    let over_http = answers(&server.url());
    assert_eq!(over_http, answers(&format!("file://{}", cache.display())));
    assert_eq!(over_http.len(), outputs.len());
    for (hash, path) in &outputs {
        match (&over_http[hash], infos.get(path)) {
            (Answer::Absent, None) => {}
            (Answer::Present(found), Some(info)) => {
                let mut expected = info.clone();
                for key in ["narHash", "downloadHash"] {
                    expected[key] = nix.base32(info[key].as_str().expect("a hash")).into();
                }
                let references: BTreeSet<String> = serde_json::from_value(info["references"].clone()).expect("paths");
                expected["references"] = serde_json::to_value(references).expect("JSON");
                for key in ["ca", "deriver"] {
                    expected[key] = info[key].clone();
                }
                assert_eq!(as_path_info(found, &nix.store_dir()), expected);
            }
            (answer, info) => panic!("{path}: {answer:?}, {info:?}"),
        }
    }
    let signed = infos.values().filter(|info| info["signatures"].as_array().is_some_and(|signatures| signatures.len() == 1)).count();
    assert_eq!(signed, infos.len());
}

#[test]
fn a_cache_of_another_store_is_refused() {
    let Some(nix) = Nix::new() else { return };
    let cache = nix.make_cache(&nix.instantiate(&["hello"]));
    let asker = Asker::new();
    let error = asker.try_ask(&[&format!("file://{}", cache.display())], [1]).expect_err("another store").to_string();
    assert_eq!(error, format!("file://{}: a cache of {}, and this evaluation is of /nix/store", cache.display(), nix.store_dir()));
}
