//! `--to nix-build`: the scripts, run by a real shell.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use crate::nix::{Nix, copy_of_data};
use crate::support::{Dump, Export};

/// A directory with a `nix-build` that only instantiates: what it prints are the derivations that a script asks for.
pub(crate) fn that_instantiates() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let program = directory.path().join("nix-build");
    let script = "#!/bin/sh\nfor word do\n  shift\n  case $word in --keep-going | --no-out-link) ;; *) set -- \"$@\" \"$word\" ;; esac\ndone\n\
                  exec nix-instantiate \"$@\"\n";
    fs::write(&program, script).expect("writes");
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a program");
    directory
}

/// The derivations that a script asks for.
pub(crate) fn asked(nix: &Nix, script: &str, file: &str) -> Vec<String> {
    let shim = that_instantiates();
    let path = format!("PATH={}:{}", shim.path().display(), std::env::var("PATH").expect("a path"));
    let found = nix.run("env", &[&path, "sh", script, file]);
    found.lines().map(|line| line.split('!').next().expect("a path").to_owned()).collect()
}

#[test]
fn a_script_asks_for_what_builds_its_wave() {
    let Some(nix) = Nix::new() else { return };
    let export = Export::new("nix-build", &["--file", "data"]);
    let dump = Dump::read();
    let set = crate::support::repository().join("data");
    for (name, packages) in export.waves() {
        let script = export.path(&format!("{name}.sh"));
        let targets = asked(&nix, script.to_str().expect("UTF-8"), set.to_str().expect("UTF-8"));
        let wave = dump.wave(&packages);
        let built = dump.on_the_way(&targets, &wave, &BTreeSet::new());
        assert_eq!(built, dump.reachable(&wave), "{name}");
        let said = format!("{name}: {} attributes build {} of {} derivations", targets.len(), built.len(), wave.len());
        assert!(export.notes.contains(&said), "{said}: {}", export.notes);
        // Without any of them, less is built.
        for left_out in 0..targets.len() {
            let mut fewer = targets.clone();
            fewer.remove(left_out);
            assert!(dump.on_the_way(&fewer, &wave, &BTreeSet::new()).len() < built.len(), "{name}: {}", targets[left_out]);
        }
        // What is not built is named.
        let text = fs::read_to_string(&script).expect("the script");
        for path in wave.difference(&built) {
            assert!(text.contains(path.trim_start_matches("/nix/store/")), "{name}: {path}");
        }
    }
}

/// Every wave is built; and if one package fails, its wave says so, and everything else of it is built.
#[test]
fn scripts_build_with_a_real_nix() {
    let Some(nix) = Nix::that_builds() else { return };
    let export = Export::new("nix-build", &["--file", "data"]);
    let set = TempDir::new().expect("a directory");
    copy_of_data(set.path());
    let file = set.path().to_str().expect("UTF-8");
    for (name, _) in export.waves() {
        let script = export.path(&format!("{name}.sh"));
        let built = nix.run("sh", &[script.to_str().expect("UTF-8"), file]);
        assert!(built.lines().count() > 0 && built.lines().all(|path| fs::metadata(path).is_ok()), "{name}: {built}");
    }
    let hello = set.path().join("pkgs/by-name/he/hello/package.nix");
    let text = fs::read_to_string(&hello).expect("hello");
    fs::write(&hello, text.replacen("version =", "patches = [ \"/no/such.patch\" ];\n  version =", 1)).expect("writes");
    let script = export.path("wave-1.1.sh");
    let script = script.to_str().expect("UTF-8");
    let both = nix.run("sh", &["-c", &format!("sh '{script}' '{file}' 2>&1; echo status $?")]);
    assert!(both.ends_with("status 1\n"), "{both}");
    assert!(both.contains("-hello-2.12.1.drv' failed") && both.contains("-deno-"), "{both}");
}

/// What a package set refuses does not stop what it does not refuse: they are in no command together.
#[test]
fn what_is_refused_is_asked_for_by_itself() {
    let export = Export::new("nix-build", &[]);
    let dump = Dump::read();
    let mut refused = 0;
    for (name, _) in export.waves() {
        let script = fs::read_to_string(export.path(&format!("{name}.sh"))).expect("the script");
        for command in script.lines().filter(|line| line.starts_with("build x86_64-linux")) {
            let asked = command.split(" -A ").skip(1).map(|word| word.trim_matches('\''));
            let (no, yes): (Vec<&str>, Vec<&str>) = asked.partition(|attribute| dump.refused.contains(*attribute));
            assert!(no.is_empty() || yes.is_empty(), "{name}: {no:?} beside {yes:?}");
            refused += no.len();
        }
    }
    assert!(refused > 0);
}

/// One attribute that does not evaluate ends its command, and the others of it are asked for one by one.
#[test]
fn what_does_not_evaluate_stops_nothing_else() {
    let Some(nix) = Nix::new() else { return };
    let export = Export::new("nix-build", &["--file", "data", "--wave", "1.1"]);
    let script = export.path("wave-1.1.sh");
    let script = script.to_str().expect("UTF-8");
    let set = TempDir::new().expect("a directory");
    copy_of_data(set.path());
    let file = set.path().to_str().expect("UTF-8");
    let all: BTreeSet<String> = asked(&nix, script, file).into_iter().collect();
    fs::write(set.path().join("pkgs/by-name/he/hello/package.nix"), "{ ... }: throw \"no\"\n").expect("writes");
    let shim = that_instantiates();
    let shell = format!("PATH='{}':\"$PATH\"; sh '{script}' '{file}'; echo status $?", shim.path().display());
    let said = nix.run("sh", &["-c", &shell]);
    let (paths, status) = said.trim_end().rsplit_once('\n').expect("lines");
    assert_eq!(status, "status 1");
    let others: BTreeSet<String> = paths.lines().map(|line| line.split('!').next().expect("a path").to_owned()).collect();
    let lost: Vec<&String> = all.difference(&others).collect();
    assert!(matches!(lost[..], [path] if path.ends_with("-hello-2.12.1.drv")), "{lost:?}");
}

/// The scripts are as a linter of shells wants them.
#[test]
fn scripts_are_sound() {
    let export = Export::new("nix-build", &[]);
    for name in export.files() {
        let path = export.path(&name);
        assert!(fs::metadata(&path).expect("a file").permissions().mode() & 0o100 != 0, "{name}");
        let syntax = Command::new("sh").arg("-n").arg(&path).output().expect("sh");
        assert!(syntax.status.success(), "{name}: {}", String::from_utf8_lossy(&syntax.stderr));
        match Command::new("shellcheck").arg(&path).output() {
            Ok(checked) => assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stdout)),
            Err(_) => println!("skipped: no shellcheck on the path"),
        }
    }
}
