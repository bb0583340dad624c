//! Runs the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two dumps of the package set in `data/`: its edges and its names.
pub(crate) const DUMPS: [&str; 2] = ["data/dumps/derivations.json", "data/dumps/eval-jobs.jsonl"];

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// `waves`, in the repository, without a graph.
pub(crate) fn waves() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waves"));
    command.current_dir(root()).env_remove("WAVES_GRAPH").env_remove("GITHUB_ACTIONS").env_remove("GITHUB_BASE_REF");
    command
}

/// The arguments that name the graph of `data/`.
pub(crate) fn graph_args() -> Vec<&'static str> {
    DUMPS.iter().flat_map(|dump| ["--graph", dump]).collect()
}

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("waves starts");
        let text = |bytes| String::from_utf8(bytes).expect("waves writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Standard output of a run that must succeed.
    pub(crate) fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }
}

/// A real evaluation of nixpkgs, where there is one.
pub(crate) mod nixpkgs {
    use super::{Path, PathBuf, Run, fs, root, waves};

    fn data() -> PathBuf {
        std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| root().join("../shared/data/nixpkgs-24.11"), PathBuf::from)
    }

    /// A snapshot of it, made once a run of the tests.
    pub(crate) fn snapshot() -> Option<PathBuf> {
        if !data().is_dir() {
            println!("skipped: no nixpkgs evaluation at {}", data().display());
            return None;
        }
        let snapshot = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nixpkgs.waves");
        import(&["derivations.json.zst", "eval-jobs.jsonl.zst"], &snapshot);
        Some(snapshot)
    }

    /// Run among the dumps, so that reports name them without a directory.
    fn import(dumps: &[&str], snapshot: &Path) {
        Run::of(waves().arg("import").args(dumps).arg("-o").arg(snapshot).current_dir(data())).expect_success();
    }

    /// What docs/how-to/what-does-cuda-cost.md is about: that snapshot, the same tree with CUDA, build times, and what is cached.
    pub(crate) fn cuda(plain: &Path) {
        let directory = root().join("target/nixpkgs");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("a directory");
        import(&["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"], &directory.join("cuda.waves"));
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, directory.join(name)).expect("linked");
        link(plain, "plain.waves");
        link(&data().join("durations-synthetic.csv"), "durations.csv");
        link(&data().join("store-paths.xz"), "store-paths.xz");
    }
}

/// What docs/ledger.md and docs/explanation.md are about: the plan of an upgrade of the set in `data/`, and results of its first wave,
/// in which libpng fails. The ledger is not there yet. Each page has a directory of its own, as they are run side by side.
pub(crate) fn upgrade(name: &str) {
    let directory = root().join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).expect("written");
    let run = |arguments: &[&str]| Run::of(waves().args(arguments).args(graph_args())).expect_success();
    let graph = directory.join("graph.waves").display().to_string();
    Run::of(waves().args(["import", "-q", "-o", &graph]).args(DUMPS)).expect_success();
    write("updates.csv", "package,from,to\nzlib,1.3.1,1.3.2\nopenssl,3.3.2,3.4.0\nsqlite,3.46.1,3.47.1\nhello,2.12.1,2.12.2\n");
    write("plan.json", &run(&["plan", "--updates", &format!("{name}/updates.csv"), "--format", "json"]));
    let blocked: serde_json::Value = serde_json::from_str(&run(&["impact", "--root", "libpng", "--format", "json"])).expect("JSON");
    let blocked: Vec<&str> =
        blocked["attributes"].as_array().expect("attributes").iter().filter_map(|attribute| attribute["attribute"].as_str()).collect();
    assert!(blocked.contains(&"libpng") && blocked.len() > 1, "{blocked:?}");
    let jobs = fs::read_to_string(root().join(DUMPS[1])).expect("there");
    let jobs = jobs.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let attributes: Vec<String> =
        jobs.filter(|job| job["drvPath"].is_string()).filter_map(|job| Some(job["attr"].as_str()?.to_owned())).collect();
    let status = |attribute: &String| match attribute.as_str() {
        "libpng" => "failed",
        other if blocked.contains(&other) => "dependency-failed",
        _ => "succeeded",
    };
    write("before.csv", &attributes.iter().map(|attribute| format!("{attribute},succeeded\n")).collect::<Vec<_>>().concat());
    write("results.csv", &attributes.iter().map(|attribute| format!("{attribute},{}\n", status(attribute))).collect::<Vec<_>>().concat());
}

/// A repository of the set in `data/`: the branch `main`, and `update` with `data/update.patch`. Its commits are the same
/// each time. The README names it by this path.
pub(crate) fn history() {
    let directory = root().join("target/history");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("a directory");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&directory);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
            command.env(format!("GIT_{who}_DATE"), "2024-11-30T12:00:00Z");
        }
        let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let data = root().join("data");
    for entry in ["default.nix", "lib", "maintainers", "nixos", "pkgs"] {
        run("cp", &["-r", &data.join(entry).display().to_string(), "."]);
    }
    run("git", &["init", "--quiet", "--initial-branch=main"]);
    run("git", &["add", "."]);
    run("git", &["commit", "--quiet", "-m", "The set"]);
    run("git", &["switch", "--quiet", "-c", "update"]);
    run("git", &["apply", &data.join("update.patch").display().to_string()]);
    run("git", &["add", "."]);
    run("git", &["commit", "--quiet", "-m", "curl: 8.11.0 -> 8.11.1, and more"]);
}

/// The history that docs/history.md is about: the set in `data/`, after `data/update.patch`, something else, and as it was.
pub(crate) fn evaluations() {
    let directory = root().join("target/evaluations");
    let _ = fs::remove_dir_all(&directory);
    let file = directory.join("set.history").display().to_string();
    let updated = "data/dumps/derivations.json,data/dumps/update/derivations.json,data/dumps/update/eval-jobs.jsonl";
    let dumps = DUMPS.join(",");
    let evaluations = [&dumps[..], updated, "data/dumps/content-addressed.json", &dumps];
    for ((evaluation, label), day) in evaluations.into_iter().zip(["set", "update", "sample", "revert"]).zip(27..) {
        let time = format!("2024-11-{day}");
        Run::of(waves().args(["history", "add", "-q", &file, evaluation, "--label", label, "--time", &time])).expect_success();
    }
}
