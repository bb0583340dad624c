//! Repositories in every state, and the rules one by one; Nix is not needed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;
use waves_core::error::Error;
use waves_core::estimate::{Comparison, Estimate, FileStatus, Repository, estimate};
use waves_core::graph::Graph;
use waves_core::ingest::Input;

use crate::commits::COMMITS;
use crate::nix::copy_of_data;
use crate::support::{History, data, repository};

/// A repository with a working tree: the package set, in one commit.
struct Checkout {
    directory: TempDir,
    git: git2::Repository,
}

impl Checkout {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        copy_of_data(directory.path());
        let git = git2::Repository::init(directory.path()).expect("a repository");
        let checkout = Self { directory, git };
        checkout.commit("The package set");
        checkout
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.directory.path().join(file)
    }

    fn stage(&self) -> git2::Oid {
        let mut index = self.git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
        index.update_all(["*"], None).expect("updated");
        index.write().expect("written");
        index.write_tree().expect("a tree")
    }

    fn commit(&self, subject: &str) -> git2::Oid {
        let tree = self.git.find_tree(self.stage()).expect("a tree");
        let who = git2::Signature::now("somebody", "somebody@example.org").expect("a signature");
        let parent = self.git.head().ok().and_then(|head| head.peel_to_commit().ok());
        self.git.commit(Some("HEAD"), &who, &who, subject, &tree, &parent.iter().collect::<Vec<_>>()).expect("a commit")
    }

    fn append(&self, file: &str, text: &str) {
        let before = fs::read_to_string(self.path(file)).expect(file);
        fs::write(self.path(file), before + text).expect(file);
    }

    fn worktree(&self) -> Comparison {
        Repository::discover(self.directory.path()).expect("a repository").compare_worktree(None).expect("compares")
    }
}

fn shown(comparison: &Comparison) -> Vec<String> {
    let status = |status| match status {
        FileStatus::Added => "added",
        FileStatus::Removed => "removed",
        FileStatus::Modified => "modified",
        FileStatus::Moved => "moved",
    };
    comparison.changes.iter().map(|change| format!("{} {}", status(change.status), change.path)).collect()
}

fn seeds(graph: &Graph, estimate: &Estimate) -> BTreeSet<(String, &'static str, &'static str)> {
    let seed = |seed: &waves_core::estimate::Seed| (graph.attribute(seed.attribute).path().to_owned(), seed.rule.name(), seed.kind.name());
    estimate.seeds.iter().map(seed).collect()
}

#[test]
fn the_working_tree_with_what_is_staged_and_what_is_not_known_yet() {
    let checkout = Checkout::new();
    assert_eq!(shown(&checkout.worktree()), Vec::<String>::new());
    checkout.append("pkgs/by-name/jq/jq/musl.patch", "+staged\n");
    checkout.stage();
    checkout.append("pkgs/shells/bash/pgrp-pipe.patch", "+not staged\n");
    fs::remove_file(checkout.path("pkgs/by-name/ma/mas/package.nix")).expect("removed");
    fs::create_dir_all(checkout.path("pkgs/by-name/ne/new/sub")).expect("created");
    fs::write(checkout.path("pkgs/by-name/ne/new/package.nix"), "{ stdenv }: stdenv.mkDerivation { pname = \"new\"; }\n").expect("written");
    fs::write(checkout.path("pkgs/by-name/ne/new/sub/file"), "untracked, in a directory of its own\n").expect("written");
    fs::write(checkout.path(".gitignore"), "*.log\n").expect("written");
    fs::write(checkout.path("build.log"), "ignored\n").expect("written");
    let comparison = checkout.worktree();
    assert_eq!(
        shown(&comparison),
        [
            "added .gitignore",
            "modified pkgs/by-name/jq/jq/musl.patch",
            "removed pkgs/by-name/ma/mas/package.nix",
            "added pkgs/by-name/ne/new/package.nix",
            "added pkgs/by-name/ne/new/sub/file",
            "modified pkgs/shells/bash/pgrp-pipe.patch",
        ]
    );
    assert!(comparison.head.is_none());
    let graph = data();
    let found = estimate(&graph, &comparison).expect("estimates");
    let expected = [("bash", "imported", "patch"), ("jq", "by-name", "patch")].map(|(name, rule, kind)| (name.to_owned(), rule, kind));
    assert_eq!(seeds(&graph, &found), BTreeSet::from(expected));
    assert_eq!((found.added.len(), found.removed.len(), found.unbounded.len()), (1, 1, 0), "{found:?}");
}

/// Runs git in a directory, without the configuration of this machine.
fn git(directory: &Path, arguments: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always"]).args(arguments).current_dir(directory);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.output().expect("git starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a sparse checkout leaves out is as the index has it: neither gone nor overlooked.
#[test]
fn a_sparse_checkout() {
    let checkout = Checkout::new();
    git(checkout.directory.path(), &["sparse-checkout", "set", "pkgs/by-name/cu"]);
    assert!(!checkout.path("pkgs/by-name/jq").exists());
    assert_eq!(shown(&checkout.worktree()), Vec::<String>::new());
    checkout.append("pkgs/by-name/cu/curlMinimal/package.nix", "# more\n");
    assert_eq!(shown(&checkout.worktree()), ["modified pkgs/by-name/cu/curlMinimal/package.nix"]);
    // A commit that changes what is left out, compared with what was before it.
    git(checkout.directory.path(), &["sparse-checkout", "disable"]);
    checkout.append("pkgs/by-name/jq/jq/musl.patch", "+more\n");
    fs::write(checkout.path("pkgs/by-name/fd/fd/new.patch"), "+new\n").expect("written");
    fs::remove_file(checkout.path("pkgs/by-name/ma/mas/package.nix")).expect("removed");
    git(checkout.directory.path(), &["add", "--all"]);
    git(checkout.directory.path(), &["commit", "--quiet", "-m", "three files and a comment"]);
    let full = Repository::discover(checkout.directory.path()).expect("a repository").compare("HEAD~1..HEAD").expect("compares");
    git(checkout.directory.path(), &["sparse-checkout", "set", "pkgs/by-name/cu"]);
    let sparse = Repository::discover(checkout.directory.path()).expect("a repository").compare_worktree(Some("HEAD~1")).expect("compares");
    assert_eq!((shown(&sparse), shown(&sparse).len()), (shown(&full), 4));
    // An index of directories is refused, and the error says what helps.
    git(checkout.directory.path(), &["sparse-checkout", "reapply", "--sparse-index"]);
    let compare = || Repository::discover(checkout.directory.path()).expect("a repository").compare_worktree(Some("HEAD~1"));
    let refused = compare().expect_err("its index is sparse").to_string();
    assert!(refused.contains("(hint: `git sparse-checkout reapply --no-sparse-index`)"), "{refused}");
    git(checkout.directory.path(), &["sparse-checkout", "reapply", "--no-sparse-index"]);
    assert_eq!(shown(&compare().expect("compares")), shown(&full));
}

/// A file with a conflict is compared as it lies there.
#[test]
fn a_merge_that_is_not_done() {
    let checkout = Checkout::new();
    let directory = checkout.directory.path();
    git(directory, &["branch", "other"]);
    let fd = "pkgs/by-name/fd/fd/package.nix";
    for (branch, version) in [("other", "10.2.1"), ("-", "10.2.2")] {
        git(directory, &["switch", "--quiet", branch]);
        let text = fs::read_to_string(checkout.path(fd)).expect("it is there");
        fs::write(checkout.path(fd), text.replace("10.2.0", version)).expect("written");
        git(directory, &["commit", "--quiet", "--all", "-m", version]);
    }
    let merged = std::process::Command::new("git").args(["merge", "other"]).current_dir(directory).output().expect("git starts");
    assert!(!merged.status.success(), "there is a conflict");
    let comparison = checkout.worktree();
    assert_eq!(shown(&comparison), [format!("modified {fd}")]);
    let graph = data();
    assert!(seeds(&graph, &estimate(&graph, &comparison).expect("estimates")).iter().any(|(name, ..)| name == "fd"));
}

/// Clones that do not have all say how to get it, and with that they do.
#[test]
fn clones_that_lack_something_say_what_to_do() {
    let origin = Checkout::new();
    git(origin.directory.path(), &["config", "uploadpack.allowFilter", "true"]);
    origin.append("pkgs/by-name/jq/jq/package.nix", "# more\n");
    origin.commit("another");
    let url = format!("file://{}", origin.directory.path().display());
    for (options, range) in [(["--filter=blob:none", "--no-checkout"], "HEAD~1..HEAD"), (["--depth=1", "--no-checkout"], "HEAD~1..HEAD")] {
        let clone = TempDir::new().expect("a directory");
        git(clone.path(), &[&["clone", "--quiet"][..], &options, &[&url, "."]].concat());
        let compare = || Repository::discover(clone.path()).expect("a repository").compare(range);
        let error = compare().expect_err("something is missing").to_string();
        let hint = error.rsplit("`git ").next().and_then(|rest| rest.split('`').next()).expect("a command");
        git(clone.path(), &hint.split(' ').collect::<Vec<_>>());
        assert_eq!(shown(&compare().expect(&error)), ["modified pkgs/by-name/jq/jq/package.nix"]);
    }
}

#[test]
fn links_modes_and_submodules() {
    let checkout = Checkout::new();
    let executable = checkout.path("pkgs/shells/bash/pgrp-pipe.patch");
    fs::set_permissions(&executable, PermissionsExt::from_mode(0o755)).expect("made executable");
    fs::remove_file(checkout.path("pkgs/by-name/jq/jq/musl.patch")).expect("removed");
    symlink("/etc/passwd", checkout.path("pkgs/by-name/jq/jq/musl.patch")).expect("linked");
    // A submodule is a commit of another repository, of which nothing is here.
    let mut index = checkout.git.index().expect("an index");
    let zero = git2::IndexTime::new(0, 0);
    let id = git2::Oid::from_str("1234567890123456789012345678901234567890").expect("a hash");
    let path = b"pkgs/shells/bash/sub".to_vec();
    let entry = git2::IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode: 0o160_000,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path,
    };
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
    index.add(&entry).expect("added");
    let tree = checkout.git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
    let who = git2::Signature::now("somebody", "somebody@example.org").expect("a signature");
    let parent = checkout.git.head().and_then(|head| head.peel_to_commit()).expect("a commit");
    let head = checkout.git.commit(None, &who, &who, "odd things", &tree, &[&parent]).expect("a commit");
    let repository = Repository::discover(checkout.directory.path()).expect("a repository");
    let comparison = repository.compare(&format!("{}..{head}", parent.id())).expect("compares");
    let expected = ["modified pkgs/by-name/jq/jq/musl.patch", "modified pkgs/shells/bash/pgrp-pipe.patch", "added pkgs/shells/bash/sub"];
    assert_eq!(shown(&comparison), expected);
    let graph = data();
    let found = estimate(&graph, &comparison).expect("estimates");
    let names: BTreeSet<String> = seeds(&graph, &found).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, BTreeSet::from(["bash".to_owned(), "jq".to_owned()]));
}

#[test]
fn ranges() {
    let checkout = Checkout::new();
    let first = checkout.git.head().expect("a head").peel_to_commit().expect("a commit").id();
    checkout.append("README.md", "more\n");
    let second = checkout.commit("more");
    // From below the top.
    let repository = Repository::discover(&checkout.path("pkgs/top-level")).expect("a repository");
    for range in
        [format!("{first}..{second}"), format!("{first}...{second}"), format!("{first}"), format!("{first}.."), "HEAD~1..HEAD".to_owned()]
    {
        let comparison = repository.compare(&range).expect(&range);
        assert_eq!(shown(&comparison), ["modified README.md"], "{range}");
        let ends = (comparison.base.id.clone(), comparison.head.map(|head| (head.id, head.subject)));
        assert_eq!(ends, (first.to_string(), Some((second.to_string(), "more".to_owned()))), "{range}");
    }
    // What only the base has is not part of the change.
    assert_eq!(shown(&repository.compare(&format!("{second}..{first}")).expect("compares")), Vec::<String>::new());
}

#[test]
fn what_cannot_be_compared_is_said() {
    let checkout = Checkout::new();
    let repository = Repository::discover(checkout.directory.path()).expect("a repository");
    assert!(matches!(repository.compare("nosuch..HEAD"), Err(Error::Revision { revision, .. }) if revision == "nosuch"));
    assert!(matches!(repository.compare("HEAD^{tree}"), Err(Error::Revision { .. })));
    let outside = TempDir::new().expect("a directory");
    let message = |error: Option<Error>| error.expect("it fails").to_string();
    assert!(message(Repository::discover(outside.path()).err()).contains("--repo DIR"));
    let who = git2::Signature::now("somebody", "somebody@example.org").expect("a signature");
    let tree = checkout.git.head().expect("a head").peel_to_tree().expect("a tree");
    let orphan = checkout.git.commit(None, &who, &who, "elsewhere", &tree, &[]).expect("a commit");
    let unrelated = message(repository.compare(&format!("{orphan}..HEAD")).err());
    assert!(unrelated.contains("no ancestor in common") && !unrelated.contains("--deepen"), "{unrelated}");
    // A clone that was cut off between the two.
    fs::write(checkout.git.path().join("shallow"), format!("{orphan}\n")).expect("written");
    let shallow = Repository::discover(checkout.directory.path()).expect("a repository");
    assert!(message(shallow.compare(&format!("{orphan}..HEAD")).err()).contains("git fetch --deepen"));
    let bare = History::new();
    let worktree = Repository::discover(bare.path()).expect("a repository").compare_worktree(None);
    assert!(message(worktree.err()).contains("bare"));
}

/// Only who may give files away can test it.
#[test]
fn a_repository_of_somebody_else_is_refused() {
    let checkout = Checkout::new();
    let owned = |path: &Path| std::os::unix::fs::chown(path, Some(12345), Some(12345));
    if owned(checkout.git.path()).and_then(|()| owned(checkout.directory.path())).is_err() {
        println!("skipped: not the superuser, files cannot be given away");
        return;
    }
    let message = Repository::discover(checkout.directory.path()).err().expect("it is refused").to_string();
    assert!(message.contains("safe.directory"), "{message}");
}

/// What each rule finds, and as what.
#[test]
fn seeds_say_what_found_them() {
    let (graph, history) = (data(), History::new());
    for (subject, expected) in [
        ("jq: 1.7.1 -> 1.7.2", &[("jq", "by-name", "version")][..]),
        ("bash: edit a patch", &[("bash", "imported", "patch")]),
        ("hello: add a patch", &[("hello", "by-name", "patch")]),
        (
            "python3Packages.numpy: bump",
            &[("python311Packages.numpy", "meta.position", "version"), ("python312Packages.numpy", "meta.position", "version")],
        ),
        ("nginx: with openssl_1_1", &[("nginx", "top-level", "expression")]),
        ("curl: another description", &[("curl", "by-name", "meta-only"), ("curlMinimal", "by-name", "meta-only")]),
        ("zlib: reformat", &[("zlib", "meta.position", "formatting"), ("pkgsi686Linux.zlib", "meta.position", "formatting")]),
        ("sqlite: rename its file", &[("sqlite", "meta.position", "move")]),
        ("nixosTests.nginx: with git", &[("nixosTests.nginx", "imported", "expression")]),
    ] {
        let commit = COMMITS.iter().find(|commit| commit.subject == subject).expect(subject);
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        (commit.edit)(set.path());
        let found = history.estimate(&graph, history.base, history.commit(set.path(), subject, history.base));
        let expected: BTreeSet<_> = expected.iter().map(|&(name, rule, kind)| (name.to_owned(), rule, kind)).collect();
        assert_eq!(seeds(&graph, &found), expected, "{subject}");
    }
}

/// A file of a package that no file names, and one that nobody claims.
#[test]
fn files_that_no_file_names() {
    let (graph, history) = (data(), History::new());
    let found = |file: &str| {
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        fs::write(set.path().join(file), "before\n").expect("written");
        let before = history.commit(set.path(), "before", history.base);
        fs::write(set.path().join(file), "after\n").expect("written");
        history.estimate(&graph, before, history.commit(set.path(), "after", before))
    };
    let claimed = found("pkgs/shells/bash/data.json");
    assert_eq!(seeds(&graph, &claimed), BTreeSet::from([("bash".to_owned(), "package-directory", "file")]));
    let nobody = found("pkgs/shells/data.json");
    assert!(nobody.seeds.is_empty());
    let [unbounded] = nobody.unbounded.as_slice() else { panic!("{nobody:?}") };
    let built = graph.derivations().filter(|derivation| !derivation.is_fixed_output()).count();
    assert_eq!(graph.counts(&unbounded.bound).derivations, built);
    assert_eq!(graph.counts(&nobody.at_most(&graph)).derivations, built);
}

/// A directory that is a source is another one if a file in it has another place.
#[test]
fn a_move_within_a_source_is_seen() {
    let (graph, history) = (data(), History::new());
    let set = TempDir::new().expect("a directory");
    copy_of_data(set.path());
    let bash = set.path().join("pkgs/shells/bash");
    fs::create_dir(bash.join("files")).expect("created");
    fs::write(bash.join("files/a"), "of some length, so that the two are the same\n").expect("written");
    let expression = fs::read_to_string(bash.join("default.nix")).expect("it is there");
    fs::write(bash.join("default.nix"), expression.replacen("pname = ", "files = ./files; pname = ", 1)).expect("written");
    let before = history.commit(set.path(), "before", history.base);
    fs::rename(bash.join("files/a"), bash.join("files/b")).expect("renamed");
    let within = history.commit(set.path(), "within", before);
    assert_eq!(shown(&history.compare(before, within)), ["moved pkgs/shells/bash/files/b"]);
    assert_eq!(seeds(&graph, &history.estimate(&graph, before, within)), BTreeSet::from([("bash".to_owned(), "imported", "file")]));
}

/// Some set has a package called `version`, and one called `src`: a version of something else is neither.
#[test]
fn keys_of_a_package_are_no_packages() {
    let directory = TempDir::new().expect("a directory");
    let jobs = fs::read_to_string(repository().join("data/dumps/eval-jobs.jsonl")).expect("a dump");
    let jq = jobs.lines().find(|line| line.starts_with("{\"attr\":\"jq\"")).expect("jq is there");
    let named = |name: &str| {
        jq.replacen("\"attr\":\"jq\",\"attrPath\":[\"jq\"]", &format!("\"attr\":\"odd.{name}\",\"attrPath\":[\"odd\",\"{name}\"]"), 1)
    };
    let odd: Vec<String> = ["version", "src", "hash", "patches", "license"].map(named).to_vec();
    let dump = directory.path().join("eval-jobs.jsonl");
    fs::write(&dump, jobs + &odd.join("\n") + "\n").expect("written");
    let inputs = [Input::Path(repository().join("data/dumps/derivations.json")), Input::Path(dump)];
    let graph = Graph::import(&inputs, &()).expect("imports");
    assert_eq!(graph.find_attribute("odd.version").count(), 1);
    let history = History::new();
    for (subject, expected) in [("zlib: 1.3.1 -> 1.3.2", "zlib"), ("openssl: 3.3.2 -> 3.3.3", "openssl"), ("glibc: 2.40 -> 2.41", "glibc")]
    {
        let commit = COMMITS.iter().find(|commit| commit.subject == subject).expect(subject);
        let set = TempDir::new().expect("a directory");
        copy_of_data(set.path());
        (commit.edit)(set.path());
        let found = history.estimate(&graph, history.base, history.commit(set.path(), subject, history.base));
        let found: BTreeSet<String> = seeds(&graph, &found).into_iter().map(|(name, ..)| name).collect();
        assert!(found.contains(expected) && !found.iter().any(|name| name.starts_with("odd")), "{subject}: {found:?}");
    }
}

/// An evaluation of another tree is told.
#[test]
fn a_far_away_evaluation_is_told() {
    let graph = data();
    let here = Checkout::new();
    assert!(!estimate(&graph, &here.worktree()).expect("estimates").is_far_away());
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("default.nix"), "{ }\n").expect("written");
    let elsewhere = Checkout { git: git2::Repository::init(directory.path()).expect("a repository"), directory };
    elsewhere.commit("another tree");
    elsewhere.append("default.nix", "# more\n");
    assert!(estimate(&graph, &elsewhere.worktree()).expect("estimates").is_far_away());
}
