//! The action's own steps, run as GitHub's runner runs them, on a history of the package set in `data/`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{DUMPS, check_json, graph, has, read_json, repository, stderr, waves};

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, OutputOf>,
    runs: Runs,
}

#[derive(Deserialize)]
struct Input {
    default: String,
}

#[derive(Deserialize)]
struct OutputOf {
    value: String,
}

#[derive(Deserialize)]
struct Runs {
    using: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    id: String,
    #[serde(default)]
    r#if: String,
    #[serde(default)]
    shell: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    run: Option<String>,
    uses: Option<String>,
}

fn action() -> Action {
    let text = fs::read_to_string(repository().join("action.yml")).expect("there is an action");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

/// A job: a workspace, and what the runner gives a step.
struct Job {
    directory: TempDir,
    inputs: BTreeMap<String, String>,
}

impl Job {
    fn new(inputs: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["workspace", "temp", "tools"] {
            fs::create_dir(directory.path().join(name)).expect("created");
        }
        // The only expression that a default has.
        let default = |input: Input| input.default.replace("${{ github.base_ref }}", "master");
        let mut values: BTreeMap<String, String> = action().inputs.into_iter().map(|(name, input)| (name, default(input))).collect();
        for (name, value) in inputs {
            values.insert((*name).to_owned(), (*value).to_owned()).unwrap_or_else(|| panic!("there is no input `{name}`"));
        }
        Self { directory, inputs: values }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What an expression is. There are only names in them.
    fn expression(&self, expression: &str) -> String {
        let name = expression.trim().strip_prefix("inputs.").unwrap_or_else(|| panic!("`{expression}` is no input"));
        self.inputs[name].clone()
    }

    /// A text with the values of its expressions.
    fn expanded(&self, text: &str) -> String {
        let mut expanded = text.to_owned();
        while let Some((before, rest)) = expanded.split_once("${{") {
            let (expression, behind) = rest.split_once("}}").expect("an expression ends");
            // What a value says is not expanded again.
            let value = self.expression(expression).replace("${{", "$\u{0}{{");
            expanded = format!("{before}{value}{behind}");
        }
        expanded.replace("$\u{0}{{", "${{")
    }

    fn is_skipped(&self, step: &Step) -> bool {
        match step.r#if.as_str() {
            "" => false,
            "inputs.waves == ''" => !self.inputs["waves"].is_empty(),
            other => panic!("`{other}` is not known"),
        }
    }

    /// Runs the steps up to one that fails.
    fn run(&self) -> Output {
        let mut last = None;
        for step in &action().runs.steps {
            let Some(script) = step.run.as_ref().filter(|_| !self.is_skipped(step)) else { continue };
            assert_eq!(step.shell, "bash");
            let file = self.path("temp/script.sh");
            fs::write(&file, script).expect("written");
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file).current_dir(self.path("workspace"));
            command.env("GITHUB_ACTIONS", "true").env("GITHUB_BASE_REF", "master").env("GITHUB_ACTION_PATH", repository());
            command.env("RUNNER_TEMP", self.path("temp")).env("GITHUB_STEP_SUMMARY", self.path("summary.md"));
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", self.path("tools").display()));
            command.env("GITHUB_OUTPUT", self.path(&format!("output-{}", step.id)));
            for (name, value) in &step.env {
                command.env(name, self.expanded(value));
            }
            let output = command.output().expect("bash starts");
            let is_done = output.status.success();
            last = Some(output);
            if !is_done {
                break;
            }
        }
        last.expect("there is a step")
    }

    /// An output of the action.
    fn output(&self, name: &str) -> String {
        let value = action().outputs.remove(name).expect("an output").value;
        let key = value.trim_start_matches("${{ steps.check.outputs.").trim_end_matches(" }}").to_owned();
        let text = fs::read_to_string(self.path("output-check")).expect("written");
        let (_, rest) = text.split_once(&format!("{key}<<")).unwrap_or_else(|| panic!("no `{key}` in {text}"));
        let (delimiter, rest) = rest.split_once('\n').expect("a line");
        rest.split_once(&format!("\n{delimiter}\n")).expect("the delimiter").0.to_owned()
    }

    fn report(&self, name: &str) -> PathBuf {
        self.path("workspace/waves-report").join(name)
    }
}

fn dump(name: &str) -> String {
    repository().join(name).display().to_string()
}

/// The package set with another openssl: what its packages build is another too.
fn after(directory: &Path) -> String {
    let Value::Object(before) = read_json(&repository().join("data/dumps/outpaths.json")) else { panic!("an object") };
    let rebuilt = ["curl.x86_64-linux", "openssl.x86_64-linux"];
    let change = |(name, outputs): (String, Value)| {
        let text = outputs.to_string();
        let text = if rebuilt.contains(&name.as_str()) { text.replace("/nix/store/", "/nix/store/0000") } else { text };
        (name, serde_json::from_str(&text.replace("/nix/store/0000", "/nix/store/")).expect("JSON"), text.contains("/0000"))
    };
    let all = before.into_iter().map(change);
    // A hash of the same length, which nothing has.
    let all = all.map(|(name, outputs, is_rebuilt): (String, Value, bool)| {
        let outputs = outputs.as_object().expect("outputs").iter().map(|(output, path)| {
            let path = path.as_str().expect("a path");
            let hash = if is_rebuilt { "0".repeat(32) } else { path[11..43].to_owned() };
            (output.clone(), Value::String(format!("/nix/store/{hash}{}", &path[43..])))
        });
        (name, Value::Object(outputs.collect()))
    });
    let file = directory.join("after.json");
    fs::write(&file, Value::Object(all.collect()).to_string()).expect("written");
    file.display().to_string()
}

#[test]
fn two_evaluations_are_judged() {
    let directory = tempfile::tempdir().expect("a directory");
    let after = after(directory.path());
    let policy = directory.path().join("waves.toml");
    fs::write(&policy, "[[policy.limits]]\ncount = \"attributes\"\nover-from = 2\n").expect("written");
    let (policy, before) = (policy.display().to_string(), dump("data/dumps/outpaths.json"));
    let inputs =
        [("waves", env!("CARGO_BIN_EXE_waves")), ("before", before.as_str()), ("after", after.as_str()), ("config", policy.as_str())];
    let job = Job::new(&inputs);
    let output = job.run();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!((job.output("verdict").as_str(), job.output("attributes").as_str()), ("over", "2"));
    assert_eq!(job.output("branch"), "master");
    let summary = fs::read_to_string(job.path("summary.md")).expect("written");
    assert!(summary.starts_with("## Rebuilds are over the policy for master: limit-attributes\n"), "{summary}");
    assert!(fs::read_to_string(job.report("comment.md")).expect("written").contains("- `curl.x86_64-linux`\n"));
    assert_eq!(read_json(&job.report("changed-paths.json"))["rebuildsByKernel"]["linux"], serde_json::json!(["curl", "openssl"]));
    assert_eq!(read_json(&job.report("report.json"))["verdict"], "over");
    let labels: Vec<String> = serde_json::from_str(&job.output("labels")).expect("JSON");
    assert!(labels.contains(&"10.rebuild-linux: 1-10".to_owned()), "{labels:?}");
    assert!(stderr(&output).starts_with("::error title=waves check::over the policy for master"), "{}", stderr(&output));

    // What is over the policy need not fail.
    let job = Job::new(&[inputs.as_slice(), &[("fail", "false")]].concat());
    assert_eq!((job.run().status.code(), job.output("verdict").as_str()), (Some(0), "over"));
    // What cannot be told does.
    let job = Job::new(&[inputs.as_slice(), &[("fail", "false"), ("after", "no-such-file")]].concat());
    assert_eq!(job.run().status.code(), Some(3));
}

/// What a pull request can name is never run.
#[test]
fn inputs_are_no_script() {
    let before = dump("data/dumps/outpaths.json");
    let hostile = "$(touch pwned)`touch pwned`; touch pwned; \"'\n${{ secrets.TOKEN }} --format=text";
    for name in ["base-branch", "head-branch", "acknowledge", "git", "graph", "repo", "config", "before", "after"] {
        let job = Job::new(&[("waves", env!("CARGO_BIN_EXE_waves")), ("before", &before), ("after", &before), (name, hostile)]);
        let output = job.run();
        assert!(!job.path("workspace/pwned").exists(), "{name}");
        // A name that is wrong is said to be; one that is only odd is judged.
        let is_judged = output.status.success() && read_json(&job.report("report.json"))["verdict"] == "within";
        assert!(is_judged || matches!(output.status.code(), Some(2 | 3)), "{name}: {}", stderr(&output));
    }
    for step in action().runs.steps {
        assert!(!step.run.unwrap_or_default().contains("${{"), "an expression in a script");
    }
}

/// A pull request may have a link where the report goes.
#[test]
fn nothing_is_written_through_a_link() {
    let before = dump("data/dumps/outpaths.json");
    for (report, link) in [
        ("waves-report", "waves-report/report.json"),
        ("waves-report", "waves-report/comment.md"),
        ("waves-report", "waves-report"),
        ("waves-report/", "waves-report"),
        ("waves-report//./", "waves-report"),
        ("waves-report/deep/er", "waves-report"),
        ("./waves-report/..", "waves-report"),
    ] {
        let job = Job::new(&[("waves", env!("CARGO_BIN_EXE_waves")), ("before", &before), ("after", &before), ("report", report)]);
        let (target, link) = (job.path("temp/elsewhere"), job.path("workspace").join(link));
        fs::create_dir_all(link.parent().expect("a directory")).expect("created");
        let leads_to_a_file = link.extension().is_some();
        let mine = if leads_to_a_file { target.clone() } else { target.join("mine") };
        fs::create_dir_all(mine.parent().expect("a directory")).expect("created");
        fs::write(&mine, "mine").expect("written");
        symlink(&target, &link).expect("linked");
        let output = job.run();
        assert_eq!(output.status.code(), Some(3), "{report}: {}", stderr(&output));
        assert_eq!(fs::read_to_string(&mine).expect("there"), "mine");
        assert!(leads_to_a_file || fs::read_dir(&target).expect("a directory").count() == 1, "{report}");
    }
    // Where there is no link, any spelling will do.
    for report in ["waves-report/", "a/../b", "./deep/er"] {
        let job = Job::new(&[("waves", env!("CARGO_BIN_EXE_waves")), ("before", &before), ("after", &before), ("report", report)]);
        fs::create_dir(job.path("workspace/a")).expect("created");
        let output = job.run();
        assert!(output.status.success(), "{report}: {}", stderr(&output));
        assert!(job.path("workspace").join(report).join("report.json").exists(), "{report}");
    }
}

/// A report outside of the checkout is written whatever leads there, for that is not the pull request's; but through no link of its own.
#[test]
fn a_report_may_be_kept_outside_of_the_checkout() {
    let before = dump("data/dumps/outpaths.json");
    for (report, link, code) in [
        ("temp/report", None, 0),
        ("temp/linked/report", Some("temp/linked"), 0),
        ("temp/report", Some("temp/report"), 3),
        ("temp/report/", Some("temp/report"), 3),
        ("temp/report", Some("temp/report/report.json"), 3),
        // Within the checkout, as much counts if it is named from the root.
        ("workspace/report", None, 0),
        ("workspace/linked/report", Some("workspace/linked"), 3),
    ] {
        let mut job = Job::new(&[("waves", env!("CARGO_BIN_EXE_waves")), ("before", &before), ("after", &before)]);
        // As the shell that runs the steps names it.
        let top = job.directory.path().canonicalize().expect("it is there");
        job.inputs.insert("report".to_owned(), top.join(report).display().to_string());
        let target = top.join("temp/target");
        fs::create_dir(&target).expect("created");
        if let Some(link) = link.map(|link| top.join(link)) {
            fs::create_dir_all(link.parent().expect("a directory")).expect("created");
            symlink(&target, &link).expect("linked");
        }
        let output = job.run();
        assert_eq!(output.status.code(), Some(code), "{report}, {link:?}: {}", stderr(&output));
        if code == 0 {
            assert_eq!(read_json(&top.join(report).join("report.json"))["verdict"], "within", "{report}");
        } else {
            assert_eq!(fs::read_dir(&target).expect("a directory").count(), 0, "{report}, {link:?}");
        }
    }
}

/// What builds the action is not what a pull request names in its `rust-toolchain.toml` or `.cargo`.
#[test]
fn a_checkout_does_not_choose_what_builds_waves() {
    let before = dump("data/dumps/outpaths.json");
    let job = Job::new(&[("before", &before), ("after", &before)]);
    let cargo = job.path("tools/cargo");
    let built = env!("CARGO_BIN_EXE_waves");
    let script = format!(
        "#!/bin/sh\npwd >\"$RUNNER_TEMP/built-in\"\nmkdir -p \"$RUNNER_TEMP/waves/bin\"\nln -s {built} \"$RUNNER_TEMP/waves/bin/waves\"\n"
    );
    fs::write(&cargo, script).expect("written");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("changed");
    let output = job.run();
    assert!(output.status.success(), "{}", stderr(&output));
    let built_in = fs::read_to_string(job.path("temp/built-in")).expect("it was built");
    assert_eq!(Path::new(built_in.trim_end()).canonicalize().expect("there"), repository().canonicalize().expect("there"));
}

/// Without a binary, the action builds its own.
#[test]
fn waves_is_built_where_none_is_given() {
    let action = action();
    assert_eq!(action.runs.using, "composite");
    assert!(action.runs.steps.iter().filter_map(|step| step.uses.as_deref()).all(|uses| uses.starts_with("actions/cache@")));
    let before = dump("data/dumps/outpaths.json");
    let job = Job::new(&[("before", &before), ("after", &before)]);
    // What stands in the cache is used as it is.
    fs::create_dir_all(job.path("temp/waves/bin")).expect("created");
    symlink(env!("CARGO_BIN_EXE_waves"), job.path("temp/waves/bin/waves")).expect("linked");
    let output = job.run();
    assert_eq!((output.status.code(), job.output("verdict").as_str()), (Some(0), "within"), "{}", stderr(&output));
    let digest = fs::read_to_string(job.path("output-source")).expect("written");
    assert!(digest.trim_end().strip_prefix("digest=").is_some_and(|digest| digest.len() == 64), "{digest}");
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]).args(arguments).current_dir(directory);
    let output = command.output().expect("git starts");
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
}

/// A pull request that changes a file of the package set: `main`, and a branch with one commit more. `None` without git.
fn pull_request(file: &str, subject: &str, edit: impl Fn(&str) -> String) -> Option<Job> {
    if !has("git") {
        return None;
    }
    let job = Job::new(&[("waves", env!("CARGO_BIN_EXE_waves")), ("git", "main..change")]);
    let workspace = job.path("workspace");
    for directory in ["lib", "maintainers", "nixos", "pkgs"] {
        let status = Command::new("cp").arg("-r").arg(repository().join("data").join(directory)).arg(&workspace).status();
        assert!(status.expect("cp starts").success());
    }
    fs::copy(repository().join("data/default.nix"), workspace.join("default.nix")).expect("copied");
    git(&workspace, &["init", "--quiet", "--initial-branch=main"]);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "--quiet", "-m", "base"]);
    git(&workspace, &["switch", "--quiet", "-c", "change"]);
    let file = workspace.join(file);
    let text = fs::read_to_string(&file).expect("there is such a file");
    fs::write(&file, edit(&text)).expect("written");
    git(&workspace, &["commit", "--quiet", "-am", subject]);
    let imported = waves()
        .current_dir(repository())
        .arg("import")
        .args(DUMPS)
        .arg("-o")
        .arg(workspace.join(".waves/graph.waves"))
        .output()
        .expect("waves starts");
    assert!(imported.status.success(), "{}", stderr(&imported));
    Some(job)
}

#[test]
fn a_history_is_judged() {
    let openssl = "pkgs/development/libraries/openssl/3.3.nix";
    let Some(job) = pull_request(openssl, "openssl: 3.3.2 -> 3.3.3 ::error::no", |text| text.replace("3.3.2", "3.3.3")) else { return };
    let output = job.run();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report = read_json(&job.report("report.json"));
    assert_eq!((report["basis"].as_str(), report["verdict"].as_str()), (Some("estimated"), Some("over")));
    // What a change of openssl rebuilds is known in another way too; the estimate has its new sources besides.
    let (foretold, _) = check_json(&["--root", "openssl"]);
    assert_eq!(report["rebuilds"]["attributes"], foretold["rebuilds"]["attributes"]);
    assert_eq!((&report["kernels"]["linux"]["names"], &report["labels"]), (&foretold["kernels"]["linux"]["names"], &foretold["labels"]));
    assert_eq!(job.output("decision"), "nixos-rebuild");
    let annotation = "::error file=pkgs/development/libraries/openssl/3.3.nix,title=waves check::";
    assert!(stderr(&output).lines().any(|line| line.starts_with(annotation)), "{}", stderr(&output));
}

/// What is not confined rebuilds as much as is built, as far as is known: no output says that it is nothing.
#[test]
fn a_bound_is_no_zero() {
    let Some(job) = pull_request("pkgs/stdenv/generic/setup.sh", "stdenv: a line", |text| format!("{text}# more\n")) else { return };
    let output = job.run();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let evaluation = graph();
    let built = evaluation.derivations().filter(|derivation| !derivation.is_fixed_output());
    let most = built.map(|derivation| derivation.attributes().len()).sum::<usize>().to_string();
    assert_eq!((job.output("attributes"), job.output("at-most"), job.output("labels")), ("0".to_owned(), most.clone(), "[]".to_owned()));
    for labels in [job.output("all-labels"), read_json(&job.report("changed-paths.json"))["labels"].to_string()] {
        let labels: BTreeMap<String, bool> = serde_json::from_str(&labels).expect("JSON");
        assert!(labels.contains_key("10.rebuild-linux: 0") && labels.values().all(|holds| !holds), "{labels:?}");
    }
    let summary = job.output("summary");
    let lines: Vec<&str> = summary.lines().collect();
    assert!(lines[1].contains(&format!("at most {most} attributes; labels: none")), "{summary}");
    assert_eq!(lines[2], format!("nothing is certain to be rebuilt; at most {most} attributes"));
    let reasons = read_json(&job.report("report.json"))["reasons"].to_string();
    assert!(reasons.contains("no label says how many on linux and darwin"), "{reasons}");
    assert!(fs::read_to_string(job.path("summary.md")).expect("written").contains(&format!("- At most: {most} attributes")));
}

/// The workflows of the documentation, and this repository's: none has an expression in a script, and what may write says so at the job.
#[test]
fn workflows_have_no_expression_in_a_script() {
    #[derive(Deserialize)]
    struct Workflow {
        name: Option<String>,
        #[serde(default)]
        permissions: BTreeMap<String, String>,
        jobs: BTreeMap<String, WorkflowJob>,
    }
    #[derive(Deserialize)]
    struct WorkflowJob {
        #[serde(default)]
        permissions: BTreeMap<String, String>,
        #[serde(default)]
        steps: Vec<Step>,
    }
    let texts = |directory: &str, extension: &str| -> Vec<String> {
        let files = fs::read_dir(repository().join(directory)).expect("there is one").map(|entry| entry.expect("readable").path());
        let files = files.filter(|path| path.extension().is_some_and(|found| found == extension));
        files.map(|path| fs::read_to_string(path).expect("text")).collect()
    };
    let fenced = |page: &String| -> Vec<String> {
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
    };
    let workflows = texts("docs", "md").iter().flat_map(fenced).chain(texts(".github/workflows", "yml")).collect::<Vec<_>>();
    let mut names = Vec::new();
    for text in workflows {
        let workflow: Workflow = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(workflow.permissions.values().all(|permission| permission == "read"));
        assert!(!text.contains("pull_request_target:"));
        for job in workflow.jobs.values() {
            // Only a release may write, and it runs for nobody's pull request.
            let may_write = job.permissions.values().any(|permission| permission == "write");
            assert!(!may_write || !text.contains("pull_request:"), "{text}");
            for step in &job.steps {
                let script = step.run.as_deref().unwrap_or_default();
                // `waves export` has quoted these for a shell.
                let script = script.replace("${{ matrix.system }}", "").replace("${{ matrix.attrs }}", "");
                assert!(!script.contains("${{"), "{script}");
            }
        }
        names.extend(workflow.name);
    }
    names.sort_unstable();
    assert_eq!(names, ["ci", "rebuilds", "rebuilds-comment", "release"]);
}
