//! Repositories that somebody else has prepared: nothing that is in them, or that they are configured to run, is run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
