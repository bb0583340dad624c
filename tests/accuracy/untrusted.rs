//! Repositories that somebody else has prepared: nothing that is in them, or that they are configured to run, is run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use git2::{Oid, Signature};
use tempfile::TempDir;
use waves_core::cadence::histories;
use waves_core::estimate::{Repository, estimate};
use waves_core::ledger::{NewTag, TagRepository, Tagged, Tagger};

use crate::nix::copy_of_data;
use crate::support::data;

/// Every hook that git knows.
const HOOKS: [&str; 12] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-index-change",
    "post-merge",
    "pre-auto-gc",
    "pre-commit",
    "pre-push",
    "prepare-commit-msg",
    "reference-transaction",
    "update",
];

/// Every key by which git can be made to start a program while it reads.
const PROGRAMS: [&str; 14] = [
    "core.alternateRefsCommand",
    "core.askPass",
    "core.editor",
    "core.fsmonitor",
    "core.gitProxy",
    "core.pager",
    "core.sshCommand",
    "credential.helper",
    "diff.external",
    "diff.trap.command",
    "diff.trap.textconv",
    "filter.trap.clean",
    "filter.trap.smudge",
    "gpg.program",
];

/// Runs git in a directory, without the configuration of this machine.
fn git(directory: &Path, arguments: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.org");
    }
    git.output().expect("git starts").status.success()
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("made executable");
}

#[test]
fn nothing_that_a_repository_is_configured_to_run_is_run() {
    let directory = TempDir::new().expect("a directory");
    let (set, sprung) = (directory.path().join("set"), directory.path().join("sprung"));
    copy_of_data(&set);
    let must = |arguments: &[&str]| assert!(git(&set, arguments), "git {arguments:?}");
    must(&["init", "--quiet", "--initial-branch=main"]);
    // Attributes and submodules are part of what is committed: whoever opens a pull request writes them.
    fs::write(set.join(".gitattributes"), "* filter=trap diff=trap merge=trap\n").expect("written");
    let submodule = "[submodule \"sub\"]\n\tpath = sub\n\turl = ext::sh -c touch% sprung\n\tupdate = !touch sprung\n";
    fs::write(set.join(".gitmodules"), submodule).expect("written");
    must(&["add", "."]);
    must(&["update-index", "--add", "--cacheinfo", "160000,1234567890123456789012345678901234567890,sub"]);
    must(&["commit", "--quiet", "-m", "The set"]);
    let patched = set.join("pkgs/by-name/jq/jq/musl.patch");
    fs::write(&patched, fs::read_to_string(&patched).expect("there") + "more\n").expect("written");
    must(&["commit", "--quiet", "--all", "-m", "Another patch of jq"]);

    // The traps: each says who sprang it.
    let trap = directory.path().join("trap");
    write_program(&trap, &format!("echo \"$0 $*\" >> {}\ncat", sprung.display()));
    for hook in HOOKS {
        fs::copy(&trap, set.join(".git/hooks").join(hook)).expect("copied");
    }
    let program = trap.display().to_string();
    for key in PROGRAMS {
        must(&["config", key, &program]);
    }
    must(&["config", "filter.trap.required", "true"]);
    must(&["config", "submodule.sub.url", &format!("ext::{program}")]);
    must(&["config", "protocol.ext.allow", "always"]);
    // A submodule that is there, with a configuration of its own.
    fs::create_dir_all(set.join("sub")).expect("created");
    assert!(git(&set.join("sub"), &["init", "--quiet"]));
    assert!(git(&set.join("sub"), &["config", "core.fsmonitor", &program]));
    let edited = set.join("pkgs/by-name/fd/fd/package.nix");
    fs::write(&edited, fs::read_to_string(&edited).expect("there") + "\n").expect("written");
    let _ = fs::remove_file(&sprung);

    let graph = data();
    let repository = Repository::discover(&set).expect("a repository");
    let committed = repository.compare("HEAD~1..HEAD").expect("compares");
    assert!(estimate(&graph, &committed).expect("estimates").seeds.iter().any(|seed| graph.attribute(seed.attribute).path() == "jq"));
    let worktree = repository.compare_worktree(None).expect("compares");
    assert!(worktree.changes.iter().any(|change| change.path == "pkgs/by-name/fd/fd/package.nix"));
    estimate(&graph, &worktree).expect("estimates");
    let jq = graph.find_attribute("jq").next().and_then(|attribute| attribute.derivation()).expect("jq");
    histories(&graph, &repository, &[jq], 365).expect("reads");
    let ada = Tagger { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
    let new = NewTag { name: "wave-1.1", revision: None, message: "done", tagger: Some(&ada), time: 0 };
    let tagged = TagRepository::discover(&set).expect("a repository").tag(&new).expect("tags");
    assert!(matches!(tagged, Tagged::Made { .. }), "{tagged:?}");
    assert!(!sprung.exists(), "{}", fs::read_to_string(&sprung).expect("read"));

    // They were no toys: git itself springs them.
    git(&set, &["status"]);
    git(&set, &["diff"]);
    assert!(sprung.exists());
}

#[test]
fn a_file_that_is_too_long_is_not_unpacked() {
    let directory = TempDir::new().expect("a directory");
    copy_of_data(directory.path());
    let must = |arguments: &[&str]| assert!(git(directory.path(), arguments), "git {arguments:?}");
    must(&["init", "--quiet", "--initial-branch=main"]);
    must(&["add", "."]);
    must(&["commit", "--quiet", "-m", "The set"]);
    // A few hundred kilobytes as git keeps them.
    let file = fs::File::create(directory.path().join("pkgs/by-name/fd/fd/package.nix")).expect("created");
    file.set_len(200 << 20).expect("lengthened");
    must(&["commit", "--quiet", "--all", "-m", "A long one"]);
    let graph = data();
    let comparison = Repository::discover(directory.path()).expect("a repository").compare("HEAD~1..HEAD").expect("compares");
    let found = estimate(&graph, &comparison).expect("estimates");
    assert!(found.seeds.iter().any(|seed| graph.attribute(seed.attribute).path() == "fd"), "{found:?}");
}

/// A directory that holds another ten times, which holds another ten times: of so many levels above what is given.
fn tenfold(git: &git2::Repository, directory: Oid, levels: u32) -> Oid {
    (0..levels).fold(directory, |below, _| {
        let mut builder = git.treebuilder(None).expect("a builder");
        for at in 0..10 {
            builder.insert(format!("d{at}"), below, 0o040_000).expect("inserted");
        }
        builder.write().expect("written")
    })
}

/// A directory with one entry.
fn holding(git: &git2::Repository, name: &str, object: Oid, mode: i32) -> Oid {
    let mut builder = git.treebuilder(None).expect("a builder");
    builder.insert(name, object, mode).expect("inserted");
    builder.write().expect("written")
}

#[test]
fn trees_without_an_end_are_refused() {
    let directory = TempDir::new().expect("a directory");
    let git = git2::Repository::init(directory.path()).expect("a repository");
    let empty = git.treebuilder(None).expect("a builder").write().expect("written");
    let [one, other] = ["1", "2"].map(|text| holding(&git, "default.nix", git.blob(text.as_bytes()).expect("written"), 0o100_644));
    let deep = |levels| (0..levels).fold(one, |below, _| holding(&git, "d", below, 0o040_000));
    let commit = |tree, parents: &[&git2::Commit<'_>]| {
        let ada = Signature::new("Ada", "ada@example.org", &git2::Time::new(0, 0)).expect("a signature");
        let id = git.commit(None, &ada, &ada, "x", &git.find_tree(tree).expect("a tree"), parents).expect("committed");
        git.find_commit(id).expect("a commit")
    };
    let repository = Repository::discover(directory.path()).expect("a repository");
    let compare = |before, after| {
        let base = commit(before, &[]);
        let head = commit(after, &[&base]);
        repository.compare(&format!("{}..{}", base.id(), head.id())).map_err(|error| error.to_string())
    };
    let endless = [tenfold(&git, one, 12), tenfold(&git, other, 12), tenfold(&git, empty, 12)];
    for (before, after) in [(one, endless[0]), (endless[0], one), (one, endless[2]), (endless[2], one), (endless[0], endless[1])] {
        let refused = compare(before, after).expect_err("it has no end");
        assert!(refused.contains("more than 1,000,000 files and directories"), "{refused}");
    }
    for (before, after) in [(one, deep(1_500)), (deep(1_500), one), (holding(&git, "e", deep(700), 0o040_000), deep(1_500))] {
        let refused = compare(before, after).expect_err("it is deep");
        assert!(refused.contains("more than 1,000 directories within each other"), "{refused}");
    }
    // What is long, and has an end, is compared.
    let changes = |before, after| compare(before, after).expect("compares").changes.len();
    assert_eq!(changes(tenfold(&git, one, 3), tenfold(&git, other, 3)), 1_000);
    assert_eq!(changes(tenfold(&git, one, 3), tenfold(&git, one, 3)), 0);
    assert_eq!(changes(empty, tenfold(&git, one, 3)), 1_000);
    assert_eq!(changes(deep(900), deep(899)), 1);
}
