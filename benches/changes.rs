//! A change between two evaluations, and one that is estimated from git, each beside what it must cost at least: figures
//! are ratios of one run.
//!
//! On the real evaluations where they are present (`WAVES_NIXPKGS_DATA`, else `../shared/data/nixpkgs-24.11`), else on `data/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use git2::{IndexAddOption, Repository as Git, Signature};
use tempfile::TempDir;
use waves_core::analysis::Diff;
use waves_core::config::Policy;
use waves_core::estimate::{Repository, estimate};
use waves_core::graph::{Attribute, Graph};
use waves_core::ingest::Input;
use waves_core::policy::{Circumstances, Subject, judge};

/// The evaluations before and after a change.
fn evaluations() -> [Graph; 2] {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let nixpkgs = std::env::var_os("WAVES_NIXPKGS_DATA").map_or_else(|| repository.join("../shared/data/nixpkgs-24.11"), PathBuf::from);
    let real = [
        &["derivations.json.zst", "eval-jobs.jsonl.zst"][..],
        &["derivations.json.zst", "cuda-new-derivations.json.zst", "cuda-eval-jobs.jsonl.zst"],
    ];
    let own = [&["derivations.json", "eval-jobs.jsonl"][..], &["derivations.json", "update/derivations.json", "update/eval-jobs.jsonl"]];
    let (directory, dumps) = if nixpkgs.is_dir() { (nixpkgs, real) } else { (repository.join("data/dumps"), own) };
    dumps.map(|dumps| {
        let inputs: Vec<Input> = dumps.iter().map(|dump| Input::Path(directory.join(dump))).collect();
        Graph::import(&inputs, &()).expect("dumps are sound")
    })
}

/// nixpkgs' comparison, done the obvious way on the paths as text: rebuilt attributes.
fn rebuilt_by_text(before: &Graph, after: &Graph) -> usize {
    let outputs = |attribute: Attribute<'_>| attribute.outputs().filter_map(|output| output.path()).collect::<Vec<String>>();
    let known: BTreeSet<String> = before.attributes().flat_map(outputs).collect();
    let all: BTreeMap<(String, String), Vec<String>> = after
        .attributes()
        .map(|attribute| ((attribute.path().to_owned(), attribute.system().unwrap_or_default().to_owned()), outputs(attribute)))
        .collect();
    all.values().filter(|paths| paths.iter().any(|path| !known.contains(path))).count()
}

fn diff(c: &mut Criterion) {
    let [before, after] = evaluations();
    let mut group = c.benchmark_group("diff of two evaluations");
    group.sample_size(10);
    group.bench_function("rebuilt attributes, by text", |b| b.iter(|| black_box(rebuilt_by_text(&before, &after))));
    group.bench_function("diff with root causes", |b| b.iter(|| Diff::new(&before, &after, true).causes.len()));
    group.finish();
}

/// A repository as large as the evaluation says: a small expression where each position is, and one of them changed.
fn repository(graph: &Graph) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let file = |attribute: Attribute<'_>| {
        let file = attribute.position()?.rsplit_once(':')?.0;
        let root = if file.starts_with("pkgs/") { 0 } else { file.find("/pkgs/")? + 1 };
        Some(file[root..].to_owned())
    };
    let files: BTreeSet<String> = graph.attributes().filter_map(file).collect();
    for file in &files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("created");
        fs::write(&path, format!("{{ stdenv, zlib }}:\n\nstdenv.mkDerivation {{\n  pname = \"{file}\";\n  version = \"1\";\n}}\n"))
            .expect("written");
    }
    let git = Git::init(directory.path()).expect("a repository");
    commit(&git, "before");
    let changed = files.iter().nth(files.len() / 2).expect("a file");
    fs::write(directory.path().join(changed), "{ stdenv }: stdenv.mkDerivation { pname = \"a\"; version = \"2\"; }\n").expect("written");
    commit(&git, "after");
    directory
}

fn commit(git: &Git, message: &str) {
    let mut index = git.index().expect("an index");
    index.add_all(["."], IndexAddOption::DEFAULT, None).expect("added");
    index.write().expect("written");
    let tree = git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
    let parent = git.head().ok().map(|head| head.peel_to_commit().expect("a commit"));
    let who = Signature::now("waves", "waves@example.org").expect("a signature");
    git.commit(Some("HEAD"), &who, &who, message, &tree, &parent.iter().collect::<Vec<_>>()).expect("committed");
}

fn check_git(c: &mut Criterion) {
    let [graph, _] = evaluations();
    let directory = repository(&graph);
    let policy = Policy::default();
    let mut group = c.benchmark_group("check of a commit");
    group.sample_size(10);
    group.bench_function("read the difference from git", |b| {
        b.iter(|| Repository::discover(directory.path()).expect("a repository").compare("HEAD~1..HEAD").expect("two commits"));
    });
    group.bench_function("difference, estimate, impact and verdict", |b| {
        b.iter(|| {
            let comparison = Repository::discover(directory.path()).expect("a repository").compare("HEAD~1..HEAD").expect("two commits");
            let change = estimate(&graph, &comparison).expect("an estimate").into_change(&graph).expect("it has edges");
            black_box(judge(Subject::of_change(&change), &policy, &Circumstances::default()).labels.len())
        });
    });
    group.finish();
}

criterion_group!(benches, diff, check_git);
criterion_main!(benches);
