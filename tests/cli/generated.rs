//! What is generated from the tree of arguments: completions, in the shells that they are for, and the manual.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::commands::commands;
use crate::support::{Run, waves};

/// The long options that a help lists.
fn options(help: &str) -> Vec<String> {
    let lines = help.lines().filter(|line| line.starts_with("  ")).map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.filter_map(|line| line.split([' ', ',', '[', '=']).find(|word| word.starts_with("--")));
    words.map(str::to_owned).collect()
}

/// Writes the completions to a file; `None` if the shell is not there.
fn completions(shell: &str) -> Option<(TempDir, PathBuf)> {
    if Command::new(shell).arg("--version").output().is_err() {
        eprintln!("skipped: there is no {shell}");
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("completions");
    fs::write(&file, Run::of(waves().args(["completions", shell])).expect_success()).expect("written");
    Some((directory, file))
}

#[test]
fn bash_completes() {
    let Some((directory, file)) = completions("bash") else { return };
    let complete = |words: &[&str]| {
        let script = format!(
            "source '{}'; complete -p waves >&2 || exit 9; COMP_WORDS=({}); COMP_CWORD={}; \
             function=$(complete -p waves | sed -E 's/.*-F ([^ ]+).*/\\1/'); $function waves \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display(),
            words.join(" "),
            words.len() - 1
        );
        let run = Run::of(Command::new("bash").args(["--norc", "--noprofile", "-c", &script]).current_dir(directory.path()));
        assert!(run.stderr.contains("complete"), "{}", run.stderr);
        run.expect_success().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["waves", "pl"]), ["plan"]);
    assert_eq!(complete(&["waves", "rank", "--approx"]), ["--approximate"]);
    assert_eq!(complete(&["waves", "rank", "--format", "js"]), ["json", "jsonl"]);
    for command in commands().keys().filter(|words| words.len() == 1) {
        assert_eq!(complete(&["waves", &command[0]]), [&command[0][..]], "{command:?}");
    }
}

#[test]
fn zsh_completes() {
    let Some((directory, file)) = completions("zsh") else { return };
    let zsh = |arguments: &[&str]| Run::of(Command::new("zsh").arg("-f").args(arguments).current_dir(directory.path())).expect_success();
    zsh(&["-n", &file.display().to_string()]);
    // As whoever installs it does: under its name, in a directory of functions.
    fs::rename(&file, directory.path().join("_waves")).expect("renamed");
    let loaded = zsh(&["-c", "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; print $_comps[waves]"]);
    assert_eq!(loaded.trim(), "_waves");
    // What a user sees, in a terminal that zsh has within itself.
    let script = "zmodload zsh/zpty; zpty z zsh -f -i; \
         zpty -w z \"fpath=($PWD \\$fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; PS1=rea''dy\"; \
         zpty -r z line '*ready*'; zpty -w -n z $'waves pl\\t'; zpty -r z line '*waves plan*'; zpty -d z; print -r -- $line";
    let mut zsh = Command::new("timeout");
    let seen = Run::of(zsh.args(["60", "zsh", "-f", "-c", script]).current_dir(directory.path())).expect_success();
    assert!(seen.contains("waves plan"), "{seen}");
}

#[test]
fn fish_completes() {
    let Some((directory, file)) = completions("fish") else { return };
    let complete = |line: &str| {
        let script = format!("source '{}'; complete -C '{line}'", file.display());
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", &script]).current_dir(directory.path()).env("HOME", directory.path());
        let listed = Run::of(&mut fish).expect_success();
        listed.lines().filter_map(|line| line.split('\t').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(complete("waves pl"), ["plan"]);
    assert_eq!(complete("waves rank --approx"), ["--approximate"]);
    let listed = complete("waves ");
    for command in commands().keys().filter(|words| words.len() == 1) {
        assert!(listed.contains(&command[0]), "{command:?}");
    }
}

/// The text of a page, without its markup.
fn plain(page: &Path) -> String {
    fs::read_to_string(page).expect("a page").replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
}

#[test]
fn the_manual_has_a_page_for_each_command_with_all_its_options() {
    let directory = tempfile::tempdir().expect("a directory");
    let pages = directory.path().join("man/man1");
    Run::of(waves().args(["man", "--all"]).arg(&pages)).expect_success();
    let mut files: Vec<String> =
        fs::read_dir(&pages).expect("pages").map(|file| file.expect("a page").file_name().into_string().expect("UTF-8")).collect();
    files.sort();
    let name = |words: &[String]| format!("{}.1", [&["waves".to_owned()], words].concat().join("-"));
    let mut expected: Vec<String> = commands().keys().map(|words| name(words)).collect();
    expected.sort();
    assert_eq!(files, expected);
    for (words, help) in commands() {
        let page = pages.join(name(&words));
        assert_eq!(fs::read_to_string(&page).expect("a page"), Run::of(waves().arg("man").args(&words)).expect_success());
        let text = plain(&page);
        let options = options(&help);
        assert!(options.contains(&"--help".to_owned()), "{words:?}: {options:?}");
        for option in options {
            assert!(text.contains(&option), "{words:?}: {option}");
        }
        assert!(text.contains(&[&["waves".to_owned()], &words[..]].concat().join("-")), "{words:?}");
        let title = text.lines().find(|line| line.starts_with(".TH ")).expect("a title");
        assert!(title.ends_with(concat!("\"waves ", env!("CARGO_PKG_VERSION"), "\" ")), "{title}");
    }
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "lint", "-W", "error"]).args(files.iter().map(|file| pages.join(file)));
    if mandoc.output().is_err() {
        eprintln!("skipped: there is no mandoc");
        return;
    }
    let lint = Run::of(&mut mandoc);
    assert_eq!(lint.code, Some(0), "{}{}", lint.stdout, lint.stderr);
}
