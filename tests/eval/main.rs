//! `waves eval` with the Nix of this machine, in a store of its own; and with programs that only pretend to be Nix.

mod packaging;
mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::{Nix, dumped, root};
use waves_core::graph::{Attribute, Derivation, Graph};

/// Derivations for files of a few lines.
const PRELUDE: &str = "let drv = name: derivation { inherit name; system = \"x86_64-linux\"; builder = \"/bin/sh\"; }; in\n";

/// Attributes with their errors, or nothing.
fn attributes(graph: &Graph) -> Vec<(&str, &str)> {
    graph.attributes().map(|attribute| (attribute.path(), attribute.error().unwrap_or_default())).collect()
}

/// All that is known of an attribute; `directory` is where the set lies.
fn attribute_facts(attribute: Attribute<'_>, directory: &str) -> String {
    let relative = |text: &str| text.replace(directory, "");
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {} {} {}",
        attribute.path(),
        attribute.system(),
        attribute.derivation().map(Derivation::path),
        attribute.error().map(relative),
        attribute.position().map(relative),
        attribute.description(),
        attribute.maintainers().collect::<Vec<_>>(),
        attribute.teams().collect::<Vec<_>>(),
        attribute.licences().collect::<Vec<_>>(),
        attribute.hydra_platforms().map(Iterator::collect::<Vec<_>>),
        attribute.is_broken(),
        attribute.is_unfree(),
        attribute.is_insecure(),
    )
}

/// All that is known of a derivation.
fn derivation_facts(graph: &Graph, derivation: Derivation<'_>) -> String {
    let inputs = derivation.inputs().map(|(input, outputs)| (graph.derivation(input).path(), outputs.collect::<Vec<_>>()));
    format!(
        "{} {} {} {} {} {:?} {} {:?} {:?} {:?}",
        derivation.path(),
        derivation.pname(),
        derivation.version(),
        derivation.system(),
        derivation.fixed_hash(),
        derivation.required_system_features().collect::<Vec<_>>(),
        derivation.prefers_local_build(),
        derivation.src().map(Derivation::path),
        derivation.outputs().map(|output| (output.name(), output.path())).collect::<Vec<_>>(),
        inputs.collect::<std::collections::BTreeMap<_, _>>(),
    )
}

fn facts(graph: &Graph, directory: &str) -> Vec<String> {
    let attributes = graph.attributes().map(|attribute| attribute_facts(attribute, directory));
    let mut derivations: Vec<String> = graph.derivations().map(|derivation| derivation_facts(graph, derivation)).collect();
    derivations.sort_unstable();
    attributes.chain(derivations).collect()
}

#[test]
fn the_set_of_the_repository_is_as_in_its_dumps() {
    let Some(nix) = Nix::real() else { return };
    let data = root().join("data");
    let run = nix.eval([data.as_os_str(), "--format".as_ref(), "json".as_ref()]).expect_success();
    let info: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let totals: Value = serde_json::from_str(&fs::read_to_string(data.join("dumps/totals.json")).expect("totals")).expect("JSON");
    for (key, total) in [
        (&info["evaluation"]["derivations"], "derivations"),
        (&info["fixed_output_derivations"], "fixed_output"),
        (&info["edges"], "edges"),
        (&info["evaluation"]["outputs"], "output_paths"),
        (&info["evaluation_errors"], "errors"),
        (&info["attribute_derivations"], "attribute_derivations"),
    ] {
        assert_eq!(key, &totals[total], "{total}");
    }
    assert_eq!(info["evaluation"]["sources"][0]["file"], data.display().to_string());
    assert_eq!(run.stderr, "wrote graph.waves\n");
    let directory = format!("{}/", data.display());
    assert_eq!(facts(&nix.graph(), &directory), facts(&dumped(), &directory));
}

#[test]
fn an_attribute_that_fails_costs_only_itself() {
    let Some(nix) = Nix::real() else { return };
    let file = nix.write(
        "set.nix",
        &format!(
            r#"{PRELUDE} {{
                good = drv "good";
                abort = abort "stop";
                assertion = assert false; drv "a";
                endless = let f = n: 1 + f (n + 1); in f 0;
                itself = let x = x; in x;
                throw = throw "not today";
                wrong = 1 + "x";
                set = {{ recurseForDerivations = true; good = drv "inner"; abort = abort "inner stop"; }};
                other = {{ unseen = drv "unseen"; }};
                number = 1;
            }}"#
        ),
    );
    let run = nix.eval([file.as_os_str(), "--verbose".as_ref()]).expect_success();
    assert!(run.stdout.contains("7 evaluation errors") && run.stdout.contains("throw: error: not today"), "{}", run.stdout);
    let graph = nix.graph();
    let attributes = attributes(&graph);
    let expected = [
        ("abort", "error: evaluation aborted with the following error message: 'stop'"),
        ("assertion", "error: assertion 'false' failed"),
        ("endless", "error: stack overflow"),
        ("good", ""),
        ("itself", "error: infinite recursion encountered"),
        ("set.abort", "error: evaluation aborted with the following error message: 'inner stop'"),
        ("set.good", ""),
        ("throw", "error: not today"),
        ("wrong", "error: cannot add a string to an integer"),
    ];
    assert_eq!(attributes.len(), expected.len(), "{attributes:#?}");
    for ((path, error), (expected_path, expected_error)) in attributes.into_iter().zip(expected) {
        assert_eq!(path, expected_path);
        assert!(error.starts_with(expected_error) && error.is_empty() == expected_error.is_empty(), "{path}: {error}");
    }
}

/// Who is in a team is named beside it only if the package says that they maintain it by themselves.
#[test]
fn maintainers_are_told_from_their_teams() {
    let Some(nix) = Nix::real() else { return };
    let people = r#"let ada = { github = "ada"; }; bob = { github = "bob"; }; team = { github = "team"; members = [ ada bob ]; };"#;
    let meta = "maintainers = [ ada bob ]; teams = [ team ];";
    let set = format!(
        r#"both = drv "both" // {{ meta = {{ {meta} nonTeamMaintainers = [ ada ]; }}; }}; team = drv "team" // {{ meta = {{ {meta} }}; }};"#
    );
    let file = nix.write("set.nix", &format!("{PRELUDE} {people} in {{ {set} }}"));
    nix.eval([file.as_os_str(), "--quiet".as_ref()]).expect_success();
    let graph = nix.graph();
    let told: Vec<(&str, Vec<&str>, Vec<&str>)> =
        graph.attributes().map(|attribute| (attribute.path(), attribute.maintainers().collect(), attribute.teams().collect())).collect();
    assert_eq!(told, [("both", vec!["ada"], vec!["team"]), ("team", vec![], vec!["team"])]);
}

#[test]
fn one_of_very_many_fails() {
    let Some(nix) = Nix::real() else { return };
    let set = r#"name = "p${toString n}"; value = if n == 700 then abort "stop" else drv "p${toString n}";"#;
    let file = nix.write("many.nix", &format!("{PRELUDE} builtins.listToAttrs (builtins.genList (n: {{ {set} }}) 1200)"));
    nix.eval([file.as_os_str(), "--quiet".as_ref(), "--workers".as_ref(), "3".as_ref()]).expect_success();
    let graph = nix.graph();
    assert_eq!(graph.attribute_count(), 1200);
    assert_eq!(graph.derivation_count(), 1199);
    let error = graph.find_attribute("p700").next().and_then(Attribute::error).expect("fails");
    assert!(error.contains("stop"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn one_that_needs_too_much_memory_fails() {
    let Some(nix) = Nix::real() else { return };
    let file = nix
        .write("set.nix", &format!(r#"{PRELUDE} {{ good = drv "good"; large = builtins.length (builtins.genList (n: n) 100000000); }}"#));
    nix.eval([file.as_os_str(), "--max-memory".as_ref(), "600".as_ref()]).expect_success();
    let graph = nix.graph();
    let [("good", ""), ("large", error)] = attributes(&graph)[..] else { panic!("{:?}", attributes(&graph)) };
    assert!(error.contains("--max-memory"), "{error}");
}

#[test]
fn sets_that_contain_themselves_have_an_end() {
    let Some(nix) = Nix::real() else { return };
    let file = nix
        .write("set.nix", &format!(r#"{PRELUDE} let set = {{ recurseForDerivations = true; good = drv "good"; inherit set; }}; in set"#));
    nix.eval([file]).expect_success();
    let graph = nix.graph();
    let error = graph.attributes().find_map(Attribute::error).expect("one is too deep");
    assert!(error.contains("does one contain itself?"), "{error}");
}

#[test]
fn attributes_that_are_asked_for() {
    let Some(nix) = Nix::real() else { return };
    let file = nix.write(
        "set.nix",
        &format!(
            r#"{PRELUDE} {{ a = drv "a"; b = drv "b"; c = {{ "x.y" = drv "d"; z = throw "z"; deep.e = drv "e"; }}; t = throw "t"; }}"#
        ),
    );
    let eval = |attrs: &[&str]| {
        let attrs = attrs.iter().flat_map(|attr| ["--attr", attr]);
        let run = nix.eval(["set.nix", "--quiet"].into_iter().chain(attrs)).expect_success();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        nix.graph().attributes().map(|attribute| attribute.path().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(eval(&["b", "t"]), ["b", "t"]);
    assert_eq!(eval(&["c"]), [r#"c."x.y""#, "c.z"]);
    assert_eq!(eval(&[r#"c."x.y""#, "c.deep", "a", "a"]), ["a", r#"c."x.y""#, "c.deep.e"]);
    for (attr, code, message) in [("nope", 4, "there is no attribute nope"), ("a..b", 2, "not an attribute path"), ("t", 4, "set.nix: t")] {
        let run = nix.eval([file.to_str().expect("UTF-8"), "--attr", attr]);
        assert_eq!(run.code, Some(code), "{run:#?}");
        assert!(run.stderr.contains(message), "{run:#?}");
    }
}

#[test]
fn systems_that_are_asked_for() {
    let Some(nix) = Nix::real() else { return };
    let body = r#"derivation { name = "a-1.0"; inherit system; builder = "/bin/sh"; }"#;
    nix.write("wants.nix", &format!("{{ system }}: {{ a = {body}; }}"));
    nix.write("offers.nix", &format!(r#"{{ system ? "m68k-linux" }}: {{ a = {body}; }}"#));
    nix.write("current.nix", &format!("let system = builtins.currentSystem; in {{ a = {body}; }}"));
    nix.write("fixed/default.nix", r#"{ other ? 1 }: { a = derivation { name = "a-1.0"; system = "z80"; builder = "/bin/sh"; }; }"#);
    let system = |arguments: &[&str]| {
        nix.eval(arguments).expect_success();
        let graph = nix.graph();
        graph.find_attribute("a").next().and_then(Attribute::system).expect("a system").to_owned()
    };
    let here = system(&["current.nix"]);
    assert_eq!(system(&["wants.nix"]), here);
    assert_eq!(system(&["offers.nix"]), "m68k-linux");
    assert_eq!(system(&["fixed"]), "z80");
    for file in ["wants.nix", "offers.nix", "current.nix"] {
        assert_eq!(system(&[file, "--system", "riscv64-linux"]), "riscv64-linux", "{file}");
    }
    assert_eq!(system(&["fixed", "--system", "riscv64-linux"]), "z80");
}

#[test]
fn a_derivation_by_itself_has_a_name() {
    let Some(nix) = Nix::real() else { return };
    nix.write("alone.nix", &format!(r#"{PRELUDE} {{ }}: drv "hello-2.12""#));
    nix.eval(["alone.nix"]).expect_success();
    assert_eq!(attributes(&nix.graph()), [("hello", "")]);
}

#[test]
fn output_paths_that_are_not_known_yet() {
    let Some(nix) = Nix::real() else { return };
    let mut eval = nix.command(env!("CARGO_BIN_EXE_waves"));
    eval.arg("eval").arg(root().join("data/ci/content-addressed.nix")).args(["-o", "graph.waves"]);
    nix.run(eval.env("NIX_CONFIG", "experimental-features = ca-derivations impure-derivations")).expect_success();
    let graph = nix.graph();
    assert_eq!(attributes(&graph), [("deferred", ""), ("floating", ""), ("impure", "")]);
    assert!(graph.derivations().flat_map(Derivation::outputs).all(|output| output.path().is_none()));
}

#[test]
fn flakes() {
    let Some(nix) = Nix::real() else { return };
    nix.write(
        "flake/flake.nix",
        &format!(
            r#"{{ outputs = {{ self }}: {PRELUDE} {{
                packages.riscv64-linux = {{ a = drv "a"; set = {{ b = drv "b"; }}; }};
                hydraJobs.c = drv "c";
            }}; }}"#
        ),
    );
    let eval = |target: &str, attributes: &[&str]| {
        nix.eval([target, "--system", "riscv64-linux"]).expect_success();
        let graph = nix.graph();
        assert_eq!(graph.attributes().map(Attribute::path).collect::<Vec<_>>(), attributes, "{target}");
        assert_eq!(graph.sources()[0].file, target);
    };
    eval("flake", &["a"]);
    eval("./flake#set", &["b"]);
    eval("flake#a", &["a"]);
    eval("flake#hydraJobs", &["c"]);
    eval(&format!("path:{}", nix.path("flake").display()), &["a"]);
    nix.eval(["flake#nope"]).expect_failure("the flake has none of packages.");
    nix.eval(["flake", "--system", "z80-linux"]).expect_failure("packages.z80-linux");
    nix.eval(["nonsense:x"]).expect_failure("nonsense:x");
}

#[test]
fn what_is_no_set_of_derivations() {
    let Some(nix) = Nix::real() else { return };
    for (file, text, message) in [
        ("syntax.nix", "{ a = ", "syntax error, unexpected end of file"),
        ("wants.nix", "{ pkgs }: { }", "required argument 'pkgs'"),
        ("number.nix", "1", "integer"),
        ("empty.nix", r#"{ a.b = derivation { name = "b"; system = "x"; builder = "b"; }; }"#, "recurseForDerivations = true"),
        ("errors.nix", r#"{ a = abort "first"; b = throw "second"; }"#, "first"),
    ] {
        nix.write(file, text);
        let run = nix.eval([file]).expect_failure(message);
        assert!(run.stderr.starts_with(&format!("error: {file}: ")), "{run:#?}");
    }
    nix.eval(["nowhere.nix"]).expect_failure("No such file or directory");
    assert!(!nix.path("graph.waves").exists());
}

#[test]
fn no_nix_says_what_to_do() {
    let run = Nix::none().eval(["set.nix"]).expect_failure("nix-bin");
    assert!(run.stderr.contains("https://nixos.org/download") && run.stderr.contains("waves import"), "{run:#?}");
}

#[test]
fn nix_eval_jobs_is_preferred() {
    let Some(nix) = Nix::real() else { return };
    let data = root().join("data");
    nix.eval([data.as_os_str()]).expect_success();
    fs::remove_file(nix.path("graph.waves")).expect("removed");
    let nix = nix.with(
        "nix-eval-jobs",
        &format!(
            "for argument; do printf '%s\\0' \"$argument\"; done > arguments
            while IFS= read -r line; do printf '%s\\n' \"$line\"; done < {}",
            data.join("dumps/eval-jobs.jsonl").display()
        ),
    );
    let target = data.to_str().expect("UTF-8");
    let options = ["--attr", "hello", "--attr", "python312Packages.numpy", "--system", "x86_64-linux", "--workers", "3"];
    nix.eval([target].into_iter().chain(options)).expect_success();
    assert_eq!(facts(&nix.graph(), ""), facts(&dumped(), ""));

    let arguments = fs::read_to_string(nix.path("arguments")).expect("it ran");
    let arguments: Vec<_> = arguments.trim_end_matches('\0').split('\0').collect();
    let [given @ .., "--expr", expression] = arguments.as_slice() else { panic!("{arguments:?}") };
    assert_eq!(given, ["--meta", "--workers", "3", "--max-memory-size", "4096", "--option", "system", "x86_64-linux"]);
    let names = format!(
        r#"let tree = {expression}; names = builtins.mapAttrs (_: value: value.name or (builtins.attrNames value)); in names (removeAttrs tree [ "recurseForDerivations" ])"#
    );
    let run = nix.run(nix.command(nix.path("bin/nix-instantiate")).args(["--eval", "--strict", "--json", "-E", &names])).expect_success();
    let names: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(names, serde_json::json!({ "hello": "hello-2.12.1", "python312Packages": ["numpy", "recurseForDerivations"] }));
}

#[test]
fn nix_eval_jobs_that_fails() {
    for (script, message) in [
        ("echo hello", "Nix printed `hello`"),
        ("echo '{}'", "no attribute"),
        (r#"echo '{"error":"error: no such file"}'"#, "set.nix: no such file"),
        ("printf '\\377\\376\\n'", "Nix printed"),
        (r#"echo '{"attr":"a","error":"x"}'; echo 'error: out of paper' >&2; exit 1"#, "set.nix: out of paper"),
        ("kill -9 $$", "SIGKILL"),
        ("while :; do echo garbage; done", "Nix printed `garbage`"),
        (r#"echo '{"attr":"a","error":"error: all of it"}'"#, "set.nix: all of it"),
        ("exit 0", "no derivation in it"),
        (
            r#"echo '{"attr":"a","drvPath":"/nix/store/00000000000000000000000000000000-a.drv"}'"#,
            "/nix/store/00000000000000000000000000000000-a.drv is not here",
        ),
    ] {
        let nix = Nix::none().with("nix-eval-jobs", script);
        nix.eval(["set.nix"]).expect_failure(message);
        assert!(!nix.path("graph.waves").exists(), "{script}");
    }
}

#[test]
fn nix_instantiate_that_fails() {
    for (script, message) in [
        ("echo hello", "Nix printed `hello`"),
        ("exit 0", "Nix printed ``"),
        ("echo 'error: out of paper' >&2; exit 1", "set.nix: out of paper"),
        ("kill -9 $$", "SIGKILL"),
        (r#"case $* in *units) echo '[["a"],["b"]]';; *) kill -9 $$;; esac"#, "SIGKILL"),
        (r#"case $* in *units) echo '[["a"]]';; *) echo '[1]';; esac"#, "Nix printed `[1]"),
    ] {
        let nix = Nix::none().with("nix-instantiate", script);
        nix.eval(["set.nix"]).expect_failure(message);
    }
    let nix = Nix::none();
    nix.write("bin/nix-instantiate", "");
    nix.eval(["set.nix"]).expect_failure("cannot run nix-instantiate");
}

/// Whether a process is there and has not ended: one that nobody has waited for yet has a state of `Z`.
fn runs(id: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    status.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z")
}

/// Waits until there is a file, and says what is in it.
fn written(nix: &Nix, name: &str) -> String {
    for _ in 0..3000 {
        match fs::read_to_string(nix.path(name)) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => thread::sleep(Duration::from_millis(20)),
        }
    }
    panic!("{name} was not written");
}

/// A process that never ends, and one that it started; where they write down their numbers.
const HANGS: &str = "PATH=/usr/bin:/bin; sleep 1000 & echo $! > child; echo $$ > leader; ";

/// Whether a process ends soon: who is killed may be seen for a moment yet.
fn ends(id: &str) -> bool {
    (0..500).any(|_| {
        let has_ended = !runs(id);
        if !has_ended {
            thread::sleep(Duration::from_millis(20));
        }
        has_ended
    })
}

#[test]
fn nix_that_hangs_is_ended_with_all_that_it_started() {
    for (program, script) in [
        ("nix-eval-jobs", "wait"),
        // What it printed before does not count.
        ("nix-eval-jobs", r#"printf '{"attr":"a","error":"x"}\n{"attr":'; wait"#),
        // Deaf to what asks it to end, and silent.
        ("nix-eval-jobs", "trap '' TERM INT HUP; exec >&-; while :; do sleep 1000; done"),
        ("nix-instantiate", "wait"),
        ("nix-instantiate", "while :; do echo still at it >&2; done"),
    ] {
        let nix = Nix::none().with(program, &format!("{HANGS}{script}"));
        let run = nix.eval(["set.nix", "--timeout", "1"]).expect_failure(&format!("{program} was stopped"));
        assert!(run.stderr.contains("after 1 second") && run.stderr.contains("--timeout"), "{}", run.stderr);
        assert!(!nix.path("graph.waves").exists());
        for name in ["leader", "child"] {
            assert!(ends(&written(&nix, name)), "{program}, {script}: {name} is left");
        }
    }
}

#[test]
fn whoever_stops_an_evaluation_stops_nix() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let nix = Nix::none().with("nix-eval-jobs", &format!("{HANGS}wait"));
        let mut waves = nix.command(env!("CARGO_BIN_EXE_waves")).args(["eval", "set.nix", "-o", "graph.waves"]).spawn().expect("starts");
        let processes = [written(&nix, "child"), written(&nix, "leader")];
        assert!(processes.iter().all(|id| runs(id)));
        assert!(Command::new("kill").args([signal, &waves.id().to_string()]).status().expect("starts").success());
        // As by any signal that is not caught.
        let number = waves.wait().expect("ends").signal().expect("by the signal");
        assert_eq!(
            number,
            match signal {
                "-TERM" => 15,
                "-INT" => 2,
                _ => 1,
            }
        );
        for id in &processes {
            assert!(ends(id), "{signal}: {id} is left");
        }
    }
}

#[test]
fn an_evaluation_in_time_leaves_nothing_behind() {
    let Some(nix) = Nix::real() else { return };
    let file = nix.write("set.nix", &format!("{PRELUDE} {{ a = drv \"a\"; }}"));
    nix.eval([file.as_os_str(), "--timeout".as_ref(), "600".as_ref()]).expect_success();
    assert_eq!(attributes(&nix.graph()), [("a", "")]);
    let run = nix.eval([file.as_os_str(), "--timeout".as_ref(), "0".as_ref()]);
    assert_eq!(run.code, Some(2), "{run:#?}");
}

/// Standard error is read as it comes, and only its end is kept.
#[test]
fn nix_that_says_very_much_is_heard_to_the_end() {
    let flood = "PATH=/usr/bin:/bin; head -c 100000000 /dev/zero | tr '\\0' x >&2; echo >&2; ";
    let nix = Nix::none().with("nix-eval-jobs", &format!("{flood} echo 'error: out of paper' >&2; exit 1"));
    nix.eval(["set.nix"]).expect_failure("set.nix: out of paper");
    // A line without end on standard output: no more of it is kept than the largest attribute may have.
    let nix = Nix::none().with("nix-eval-jobs", "PATH=/usr/bin:/bin; exec tr '\\0' x < /dev/zero");
    nix.eval(["set.nix"]).expect_failure("it does not end");
}
