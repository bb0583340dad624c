//! Two waves of four updates, from the plan to the tags: everything is evaluated and built by Nix, and tagged in git.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use waves_core::graph::{Attribute, Derivation, Graph};

use crate::nix::{Nix, copy_of_data};
use crate::support::{Run, repository, texts, waves};

/// What is updated, and the file that says so.
const UPDATES: [(&str, &str, &str, &str); 4] = [
    ("zlib", "1.3.1", "1.3.2", "pkgs/development/libraries/zlib/default.nix"),
    ("openssl", "3.3.2", "3.4.0", "pkgs/development/libraries/openssl/3.3.nix"),
    ("sqlite", "3.46.1", "3.47.1", "pkgs/development/libraries/sqlite/default.nix"),
    ("hello", "2.12.1", "2.12.2", "pkgs/by-name/he/hello/package.nix"),
];
/// A package that needs zlib, and others need.
const VICTIM: &str = "pkgs/by-name/li/libpng/package.nix";
/// What makes its builder fail: an input that is not there.
const SABOTAGE: &str = "pname = \"libpng\";\n  patches = [ \"/there/is/no.patch\" ];";

/// A package set in git, a store, and a ledger.
struct Upgrade {
    nix: Nix,
    directory: TempDir,
}

/// What Nix said of the derivations that it was asked to build.
#[derive(Default)]
struct Built {
    failed: BTreeSet<String>,
    dependency_failed: BTreeSet<String>,
}

impl Upgrade {
    fn new(nix: Nix) -> Self {
        let upgrade = Self { nix, directory: tempfile::tempdir().expect("a directory") };
        copy_of_data(&upgrade.set());
        upgrade.git(&["init", "--quiet", "--initial-branch=main"]);
        upgrade.commit("The set");
        upgrade
    }

    fn set(&self) -> PathBuf {
        self.directory.path().join("set")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.set()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
        }
        Run::of(&mut command).expect(0).stdout.trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Edits a file of the set.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.set().join(file);
        let text = fs::read_to_string(&path).expect(file);
        assert!(text.contains(from), "{file}");
        fs::write(path, text.replacen(from, to, 1)).expect("written");
    }

    /// Updates packages as their maintainers do: a version, and the hash that follows from it.
    fn update(&self, packages: &[&str]) {
        for (_, from, to, file) in UPDATES.iter().filter(|(package, ..)| packages.contains(package)) {
            self.edit(file, &format!("version = \"{from}\""), &format!("version = \"{to}\""));
        }
        let script = self.set().join("maintainers/scripts/update-hashes.py");
        let mut command = self.nix.command("python3");
        // The script has a store of its own.
        for variable in ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOG_DIR"] {
            command.env_remove(variable);
        }
        Run::of(command.arg(script)).expect(0);
    }

    /// `waves`, beside the set.
    fn waves(&self, arguments: &[&str]) -> Run {
        Run::of(waves(self.directory.path()).args(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.waves(&[arguments, &["--format", "json"]].concat()).expect(0).json()
    }

    /// Evaluates the set into a snapshot.
    fn evaluate(&self, snapshot: &str) -> Graph {
        let mut command = self.nix.command(env!("CARGO_BIN_EXE_waves"));
        command.current_dir(self.directory.path()).env_remove("WAVES_GRAPH").args(["eval", "set", "-q", "-o", snapshot]);
        Run::of(&mut command).expect(0);
        Graph::open(&self.directory.path().join(snapshot)).expect("a snapshot")
    }

    /// Has Nix build every attribute, and writes down what became of each: a line each, as `waves record` reads them.
    ///
    /// That something is built, its outputs in the store say; why something is not, Nix.
    fn build(&self, graph: &Graph, results: &str) -> Built {
        let derivations: BTreeMap<String, Derivation<'_>> =
            graph.attributes().filter_map(Attribute::derivation).map(|derivation| (derivation.path(), derivation)).collect();
        let output =
            self.nix.command("nix-build").args(["--keep-going", "--no-out-link"]).args(derivations.keys()).output().expect("starts");
        let said = String::from_utf8(output.stderr).expect("text");
        let mut built = Built::default();
        for line in said.lines().filter(|line| line.starts_with("error: ")) {
            let quoted = |line: &str| line.split('\'').nth(1).expect("a path").to_owned();
            if line.contains("builder for ") {
                built.failed.insert(quoted(line));
            } else if line.contains("dependencies of derivation ") {
                built.dependency_failed.insert(quoted(line));
            }
        }
        let lines = derivations.iter().map(|(path, derivation)| {
            let is_there = derivation.outputs().all(|output| Path::new(&output.path().expect("known")).exists());
            let status = match (is_there, built.failed.contains(path), built.dependency_failed.contains(path)) {
                (true, false, false) => "succeeded",
                (false, true, false) => "failed",
                (false, false, true) => "dependency-failed",
                other => panic!("{path}: {other:?}\n{said}"),
            };
            format!("{path} {status}\n")
        });
        fs::write(self.directory.path().join(results), lines.collect::<String>()).expect("written");
        built
    }

    /// The commit that an annotated tag names, as git says.
    fn tagged(&self, tag: &str) -> String {
        assert_eq!(self.git(&["cat-file", "-t", &format!("refs/tags/{tag}")]), "tag");
        self.git(&["rev-parse", &format!("refs/tags/{tag}^{{commit}}")])
    }

    fn plan(&self) -> Value {
        let rows = UPDATES.iter().map(|(package, from, to, _)| format!("{package},{from},{to}\n"));
        fs::write(self.directory.path().join("updates.csv"), format!("package,from,to\n{}", rows.collect::<String>())).expect("written");
        let planned = self.waves(&["plan", "--graph", "before", "--updates", "updates.csv", "--format", "json"]).expect(0);
        fs::write(self.directory.path().join("plan.json"), &planned.stdout).expect("written");
        planned.json()
    }
}

/// Attributes of derivations.
fn attributes(graph: &Graph, paths: &BTreeSet<String>) -> usize {
    graph.attributes().filter(|attribute| attribute.derivation().is_some_and(|derivation| paths.contains(&derivation.path()))).count()
}

fn has_python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok();
    if !there {
        println!("skipped: no python3 on the path");
    }
    there
}

#[test]
#[expect(clippy::too_many_lines, reason = "a story is told from its beginning to its end")]
fn a_major_wave_from_its_plan_to_its_last_tag() {
    let Some(nix) = Nix::that_builds().filter(|_| has_python()) else { return };
    let upgrade = Upgrade::new(nix);

    // The plan: zlib is below the others.
    let before = upgrade.evaluate("before");
    let plan = upgrade.plan();
    assert_eq!(texts(&plan["waves"], "name"), ["wave-1.1", "wave-1.2"]);
    assert_eq!(plan["waves"][0]["updates"], json!(["zlib"]));
    assert_eq!(upgrade.json(&["start", "plan.json"])["accepted"], true);

    // What builds before anything is updated: all of it.
    assert!(upgrade.build(&before, "before.txt").failed.is_empty());
    upgrade.json(&["record", "--baseline", "before.txt", "--graph", "before"]);

    // The first wave, and something that it breaks.
    upgrade.update(&["zlib"]);
    upgrade.edit(VICTIM, "pname = \"libpng\";", SABOTAGE);
    let first = upgrade.commit("zlib: 1.3.1 -> 1.3.2");
    let one = upgrade.evaluate("one");
    let pending = upgrade.json(&["status", "--graph", "one"]);
    assert_eq!(pending["wave"], "wave-1.1");
    assert_eq!(pending["counts"]["green"]["derivations"], 0);
    let built = upgrade.build(&one, "one.txt");
    let recorded = upgrade.json(&["record", "one.txt", "--graph", "one"]);
    assert_eq!(
        (&recorded["wave"], &recorded["other_evaluations"], &recorded["files"][0]["unmatched"]),
        (&json!("wave-1.1"), &json!(0), &json!(0))
    );

    // One root, however many it blocks; Nix counts those itself.
    let status = upgrade.json(&["status", "--graph", "one"]);
    let roots = status["roots"].as_array().expect("roots");
    assert_eq!(built.failed.len(), 1);
    assert!(!built.dependency_failed.is_empty());
    assert_eq!(texts(&status["roots"], "derivation"), built.failed.iter().map(String::as_str).collect::<Vec<_>>());
    let blocked: BTreeSet<&str> = texts(&status["blocked"], "derivation").into_iter().collect();
    let attributed =
        |path: &&&str| one.attributes().any(|attribute| attribute.derivation().is_some_and(|derivation| derivation.path() == **path));
    assert_eq!(
        blocked.iter().filter(attributed).copied().collect::<Vec<_>>(),
        built.dependency_failed.iter().map(String::as_str).collect::<Vec<_>>()
    );
    assert_eq!(
        (&roots[0]["package"], &roots[0]["class"], &roots[0]["suspects"]),
        (&json!("libpng"), &json!("regressed"), &json!(["zlib"]))
    );
    assert_eq!(roots[0]["blocks"]["attributes"], attributes(&one, &built.dependency_failed));
    assert_eq!(status["classes"]["regressed"], attributes(&one, &built.dependency_failed) + attributes(&one, &built.failed));
    for open in ["building", "ready", "pending"] {
        assert_eq!(status["counts"][open]["attributes"], 0, "{open}");
    }

    // It stays open until the failure is let be.
    let tag =
        |wave: &str, graph: &str| upgrade.waves(&["tag", wave, "--repo", "set", "--graph", graph, "--tagger", "Ada <ada@example.org>"]);
    let refused = tag("1.1", "one").expect(1);
    assert!(refused.stdout.contains("libpng regressed: failed, and blocks"), "{}", refused.stdout);
    assert_eq!(upgrade.git(&["tag", "--list"]), "");
    upgrade.json(&["retry", "libpng", "--graph", "one"]);
    let again = texts(&upgrade.json(&["next", "--graph", "one"])["ready"], "package").join(" ");
    assert_eq!(again, "libpng");
    let paths = upgrade.waves(&["next", "--graph", "one", "--paths"]).expect(0).stdout;
    assert_eq!(paths.lines().map(str::to_owned).collect::<BTreeSet<_>>(), built.failed);
    upgrade.json(&["record", "one.txt", "--graph", "one"]);
    assert_eq!(upgrade.json(&["status", "--graph", "one"])["roots"][0]["retries"], 1);
    let waive = ["waive", "libpng", "--reason", "its patch is lost", "--until", "wave-1.1", "--by", "ada", "--graph", "one"];
    upgrade.json(&waive);
    let status = upgrade.json(&["status", "--graph", "one"]);
    assert_eq!((status["roots"].as_array().map(Vec::len), &status["reasons"]), (Some(0), &json!([])));
    assert_eq!(status["counts"]["waived"]["attributes"], attributes(&one, &built.dependency_failed) + attributes(&one, &built.failed));
    tag("wave-1.1", "one").expect(0);
    assert_eq!(upgrade.tagged("wave-1.1"), first);
    let message = upgrade.git(&["tag", "--list", "--format=%(contents)", "wave-1.1"]);
    assert!(message.contains("Waived: libpng (wont-fix, until wave-1.1, by ada): its patch is lost"), "{message}");

    // The second wave: the other updates, and what was let be is mended.
    upgrade.update(&["openssl", "sqlite", "hello"]);
    upgrade.edit(VICTIM, SABOTAGE, "pname = \"libpng\";");
    upgrade.commit("openssl, sqlite, hello");
    let two = upgrade.evaluate("two");
    assert!(upgrade.build(&two, "two.txt").failed.is_empty());
    upgrade.json(&["record", "two.txt", "--graph", "two"]);
    let status = upgrade.json(&["status", "--graph", "two"]);
    assert_eq!(
        (&status["wave"], &status["baseline"], &status["reasons"]),
        (&json!("wave-1.2"), &json!(["baseline", "wave-1.1"]), &json!([]))
    );
    let members: BTreeSet<String> = one
        .derivations()
        .map(Derivation::path)
        .filter(|path| built.failed.contains(path) || built.dependency_failed.contains(path))
        .collect();
    let was_failing: BTreeSet<&str> = one
        .attributes()
        .filter(|attribute| attribute.derivation().is_some_and(|own| members.contains(&own.path())))
        .map(Attribute::path)
        .collect();
    let rebuilt = two.closure(
        waves_core::analysis::select(&two, &["openssl", "sqlite", "hello"].map(str::to_owned), waves_core::analysis::Scope::Package, None)
            .expect("there")
            .into_iter()
            .flat_map(|root| root.derivations),
        waves_core::graph::Direction::Dependents,
    );
    let fixed =
        rebuilt.iter().flat_map(|ix| two.derivation(ix).attributes()).filter(|attribute| was_failing.contains(attribute.path())).count();
    assert_eq!(status["classes"]["fixed"], fixed);

    // A hole in zlib, whose wave is closed: it is patched at once, and what was built without the patch counts no more.
    fs::write(upgrade.set().join("pkgs/development/libraries/zlib/CVE.patch"), "a patch\n").expect("written");
    upgrade.edit("pkgs/development/libraries/zlib/default.nix", "./fix-crc-table.patch", "./fix-crc-table.patch ./CVE.patch");
    let second = upgrade.commit("zlib: fix CVE");
    let three = upgrade.evaluate("three");
    let stale = upgrade.json(&["status", "--graph", "three"]);
    assert_eq!(stale["counts"]["green"]["attributes"], 0);
    assert!(stale["results"]["other_evaluations"].as_u64() > Some(0), "{}", stale["results"]);
    tag("1.2", "three").expect(1);
    assert!(upgrade.build(&three, "three.txt").failed.is_empty());
    let recorded = upgrade.json(&["record", "three.txt", "--graph", "three"]);
    let difference: BTreeSet<String> = three
        .derivations()
        .map(Derivation::path)
        .collect::<BTreeSet<_>>()
        .difference(&two.derivations().map(Derivation::path).collect())
        .cloned()
        .collect();
    let rebuilt: BTreeSet<String> =
        three.attributes().filter_map(Attribute::derivation).map(Derivation::path).filter(|path| difference.contains(path)).collect();
    assert_eq!(recorded["recorded"], rebuilt.len(), "what did not change is known already");
    tag("1.2", "three").expect(0);
    assert_eq!((upgrade.tagged("wave-1.1"), upgrade.tagged("wave-1.2")), (first, second));
    assert_eq!(upgrade.git(&["tag", "--list"]), "wave-1.1\nwave-1.2");
    assert!(tag("1.2", "three").expect(1).stdout.contains("tagged already"));
}

#[test]
fn the_example_ends_in_tags() {
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    let Some(nix) = Nix::that_builds().filter(|_| has_python() && has_jq) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let work = directory.path().join("work");
    let binary = Path::new(env!("CARGO_BIN_EXE_waves")).parent().expect("a directory").to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path))).expect("a path");
    let mut command = nix.command("bash");
    command
        .arg(repository().join("examples/upgrade.sh"))
        .arg(&work)
        .env("PATH", path)
        .env_remove("WAVES_GRAPH")
        .env_remove("GITHUB_ACTIONS");
    command.env("GIT_COMMITTER_NAME", "Ada").env("GIT_COMMITTER_EMAIL", "ada@example.org");
    let told = Run::of(&mut command).expect(0).stdout;
    assert!(told.contains("libpng regressed: failed, and blocks 7 attributes"), "{told}");
    let tags = Run::of(Command::new("git").args(["tag", "--list"]).current_dir(work.join("set"))).expect(0);
    assert_eq!(tags.stdout, "wave-1.1\nwave-1.2\n");
}
