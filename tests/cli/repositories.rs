//! Repositories of other people: refused, and what the error says to do is what helps.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Run, graph_args, waves};

/// Only who may give files away can test it.
#[test]
fn a_repository_of_somebody_else_is_read_once_git_trusts_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Whoever gave the directory its name, the hint is one word of a shell.
    let (home, top) = (directory.path().join("home"), directory.path().join("it's; touch gone"));
    let below = top.join("below");
    for path in [&home, &below] {
        fs::create_dir_all(path).expect("created");
    }
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&top).env("HOME", &home).env_remove("XDG_CONFIG_HOME").env("GIT_CONFIG_NOSYSTEM", "1");
        command.output().expect("it starts")
    };
    fs::write(below.join("a.nix"), "{ }\n").expect("written");
    assert!(run("git", &["init", "--quiet"]).status.success());
    assert!(run("git", &["add", "."]).status.success());
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    assert!(run("git", &[&who[..], &["commit", "--quiet", "-m", "The set"]].concat()).status.success());
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(12345), Some(12345));
    if give(&top).and_then(|()| give(&top.join(".git"))).is_err() {
        println!("skipped: not the superuser, files cannot be given away");
        return;
    }

    let impact = || {
        let mut impact = waves();
        impact.args(["impact", "--git-worktree", "--repo", "."]).args(graph_args().iter().map(|argument| absolute(argument)));
        // As root by way of sudo, git trusts what belongs to who called it.
        impact.current_dir(&below).env("HOME", &home).env_remove("XDG_CONFIG_HOME").env_remove("SUDO_UID");
        Run::of(&mut impact)
    };
    assert!(!run("git", &["status"]).status.success(), "git refuses it, too");
    let refused = impact();
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    let hint = refused.stderr.split('`').nth(1).expect("a command");
    assert!(hint.starts_with("git config --global --add safe.directory "), "{}", refused.stderr);
    let shell = run("sh", &["-c", hint]);
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
    assert!(!directory.path().join("gone").exists() && !top.join("gone").exists());
    assert!(run("git", &["status"]).status.success(), "git takes it, too");
    impact().expect_success();
}

/// An argument that means the same from anywhere.
fn absolute(argument: &str) -> String {
    if argument.starts_with("--") { argument.to_owned() } else { crate::support::root().join(argument).display().to_string() }
}
