//! Plans of updates, on the set of `data`: what they say, counted again by walks over its dump.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, graph_args, root, waves};

const DURATIONS: [&str; 2] = ["--durations", "data/dumps/durations.csv"];
/// Another evaluation than that of the plans in `tests/inputs`.
const UPDATED: [&str; 6] = [
    "--graph",
    "data/dumps/derivations.json",
    "--graph",
    "data/dumps/update/derivations.json",
    "--graph",
    "data/dumps/update/eval-jobs.jsonl",
];

/// A list of updates, and what is planned with it.
struct List {
    directory: TempDir,
}

impl List {
    fn new(list: &str) -> Self {
        let list_of = Self { directory: TempDir::new().expect("a directory") };
        list_of.write("updates.csv", list);
        list_of.write("waves.toml", "");
        list_of
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let (list, config) = (self.path("updates.csv"), self.path("waves.toml"));
        Run::of(waves().args(["plan", "--updates"]).arg(list).arg("--config").arg(config).args(arguments).args(graph_args()))
    }

    fn text(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect_success()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--format", "json"]].concat())).expect("JSON")
    }

    /// What `waves verify` says of a plan.
    fn verify(&self, plan: &Value) -> (Option<i32>, Vec<String>) {
        self.write("plan.json", &plan.to_string());
        let run = Run::of(waves().arg("verify").arg(self.path("plan.json")).args(["--format", "json"]).args(DURATIONS).args(graph_args()));
        let said: Value = serde_json::from_str(&run.stdout).expect("JSON");
        (run.code, texts(&said["flaws"]))
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// The updates of each wave.
fn of_waves(plan: &Value) -> Vec<Vec<String>> {
    plan["waves"].as_array().expect("waves").iter().map(|wave| texts(&wave["updates"])).collect()
}

/// The dump of derivations, walked from inputs to users.
struct Dump {
    users: BTreeMap<String, Vec<String>>,
}

impl Dump {
    fn read() -> Self {
        let dump = fs::read(root().join("data/dumps/derivations.json")).expect("there");
        let dump: BTreeMap<String, Value> = serde_json::from_slice(&dump).expect("JSON");
        let mut users: BTreeMap<String, Vec<String>> = dump.keys().map(|path| (path.clone(), Vec::new())).collect();
        let is_fixed = |value: &Value| value["outputs"].as_object().expect("outputs").values().any(|output| output.get("hash").is_some());
        for (path, value) in dump.iter().filter(|(_, value)| !is_fixed(value)) {
            for input in value["inputDrvs"].as_object().expect("inputs").keys() {
                users.entry(input.clone()).or_default().push(path.clone());
            }
        }
        Self { users }
    }

    /// The derivations of a package.
    fn derivations(package: &str) -> Vec<String> {
        let found = Run::of(waves().args(["impact", "--root", package, "--format", "json"]).args(graph_args())).expect_success();
        texts(&serde_json::from_str::<Value>(&found).expect("JSON")["roots"][0]["derivations"])
    }

    /// What packages rebuild.
    fn rebuilds(&self, packages: &[String]) -> BTreeSet<&str> {
        let mut next: Vec<String> = packages.iter().flat_map(|package| Self::derivations(package)).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(path) = next.pop() {
            let (path, users) = self.users.get_key_value(&path).expect("it is there");
            if seen.insert(path) {
                next.extend(users.iter().cloned());
            }
        }
        seen
    }
}

#[test]
fn optimal_is_only_what_reaches_the_bound() {
    let list = List::new("package,from,to\nqt6.qtbase,1,2\npython312,1,2\njq,1,2\npython311Packages.setuptools,1,2\n");
    let dump = Dump::read();
    // Two seconds each: what is 5 derivations above the bound is less than a hundredth of an hour above it.
    let rows: Vec<String> = dump.users.keys().map(|path| format!("{path},2")).collect();
    list.write("seconds.csv", &format!("drv,seconds\n{}\n", rows.join("\n")));
    let seconds = list.path("seconds.csv");
    for arguments in [&[][..], &["--durations", seconds.to_str().expect("UTF-8")]] {
        let plan = list.json(arguments);
        let builds = |of: &str| plan[of]["builds"]["derivations"].as_u64().expect("a number");
        let rebuilt: usize = of_waves(&plan).iter().map(|wave| dump.rebuilds(wave).len()).sum();
        assert_eq!(builds("totals"), rebuilt as u64);
        assert!(builds("totals") > builds("lower_bound"));
        let text = list.text(arguments);
        assert!(text.contains("Within 6.8 % of the bound") && text.contains("1.07 ×") && !text.contains("Optimal"), "{text}");
    }
}

#[test]
fn every_pattern_of_a_group_finds_attributes() {
    let list = List::new("package,from,to\nllvmPackages.llvm,1,2\nllvmPackages.clang,1,2\nllvmPackages.lld,1,2\n");
    assert!(of_waves(&list.json(&[])).len() > 1);
    list.write("waves.toml", "[[groups]]\nname = \"llvm\"\npackages = [\"llvm\", \"clang\", \"lld\", \"llvmPackages.libcxx\"]\n");
    assert_eq!(of_waves(&list.json(&[])).len(), 1);
    assert!(!list.text(&[]).contains("fewer than two"));
    // What the list calls by that name is of the group too.
    list.write("updates.csv", "package,from,to,group\nllvmPackages.llvm,1,2,\nllvmPackages.clang,1,2,\nhello,1,2,llvm\n");
    assert_eq!(of_waves(&list.json(&[])).len(), 1);
}

#[test]
fn suspects_are_updates() {
    let list = List::new(&fs::read_to_string(root().join("data/dumps/updates.csv")).expect("there"));
    let dump = Dump::read();
    let plan = list.json(&[]);
    let mut most: f64 = 0.0;
    for wave in plan["waves"].as_array().expect("waves") {
        let updates = texts(&wave["updates"]);
        let pairs: usize = updates.iter().map(|update| dump.rebuilds(std::slice::from_ref(update)).len()).sum();
        let suspects = pairs as f64 / dump.rebuilds(&updates).len() as f64;
        assert!((wave["suspects"].as_f64().expect("a number") - suspects).abs() < 0.0051, "{}: {suspects}", wave["name"]);
        most = most.max(suspects);
    }
    assert!(most > 1.9, "glibc and zlib come together: {most}");
}

#[test]
fn a_wave_of_its_own_may_come_first_or_last() {
    let list = List::new("package,from,to,solo\nopenssl,1,2,\nsqlite,1,2,yes\nlinux_6_6,1,2,\n");
    let dump = Dump::read();
    for waves in ["2", "3"] {
        let plan = list.json(&["--max-waves", waves]);
        assert_eq!(of_waves(&plan).len().to_string(), waves);
        assert!(of_waves(&plan).contains(&vec!["sqlite".to_owned()]));
        let rebuilt: usize = of_waves(&plan).iter().map(|wave| dump.rebuilds(wave).len()).sum();
        assert_eq!(plan["totals"]["builds"]["derivations"], rebuilt);
        assert_eq!(list.verify(&plan), (Some(0), Vec::new()));
    }
    let run = list.run(&["--max-waves", "1"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("the fewest that were found are 2"), "{}", run.stderr);
    assert!(list.text(&["--frontier"]).contains("the best cut of the levels into so many waves, of those that were tried"));
}

#[test]
fn nothing_is_suspected_through_a_pin() {
    let list = List::new("package,from,to\nbinutils,1,2\ngnumake,1,2\n");
    list.write("waves.toml", "[[pins]]\npackage = \"gcc\"\nreason = \"x\"\nuntil = \"2099-01-01\"\n");
    let plan = list.json(&[&["--exact", "--risk", "0.2"], &DURATIONS[..]].concat());
    assert_eq!(plan["waves"][0]["suspects"], 1.0);
    let points = plan["frontier"].as_array().expect("points");
    assert!(!points.is_empty() && points.iter().all(|point| point["rework_hours"].is_null()), "{points:?}");
}

#[test]
fn limits_that_are_not_kept_are_told() {
    let list = List::new(&fs::read_to_string(root().join("data/dumps/updates.csv")).expect("there"));
    let run = list.run(&[&["--max-wave-hours", "15", "--format", "json"], &DURATIONS[..]].concat());
    let plan: Value = serde_json::from_str(&run.stdout).expect("the plan is printed");
    let waves = plan["waves"].as_array().expect("waves");
    let (over, within): (Vec<&Value>, Vec<&Value>) = waves.iter().partition(|wave| wave["hours"].as_f64() > Some(15.0));
    assert!(run.code == Some(1) && !over.is_empty() && !within.is_empty());
    let is_told = |wave: &&Value| run.stderr.contains(&format!("{} takes", wave["name"].as_str().expect("a name")));
    assert!(over.iter().all(is_told) && !within.iter().any(is_told), "{}", run.stderr);
    assert_eq!(list.run(&[&["--max-wave-hours", "28"], &DURATIONS[..]].concat()).code, Some(0));
    // The fewest waves, one, take all_at_once.
    let run = list.run(&[&["--max-hours", "26.9"], &DURATIONS[..]].concat());
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("within 26 h 54 m") && run.stderr.contains("takes 27 h 0 m already"), "{}", run.stderr);
    assert_eq!(plan["all_at_once"]["hours"].as_f64().map(f64::round), Some(27.0));
    // Hours of a wave count only beside hours of builds.
    assert_eq!(list.run(&["--risk", "0.1", "--wave-hours", "2"]).code, Some(2));
    // They are of the plan that --risk asks for.
    assert_eq!(list.run(&[&["--max-waves", "3", "--wave-hours", "2"], &DURATIONS[..]].concat()).code, Some(2));
}

#[test]
fn an_edited_plan_is_right_or_refused() {
    let list = List::new(&fs::read_to_string(root().join("data/dumps/updates.csv")).expect("there"));
    let plan = list.json(&DURATIONS);
    assert_eq!(list.verify(&plan), (Some(0), Vec::new()));
    let glibc = plan["updates"].as_array().expect("updates").iter().position(|update| update["package"] == "glibc").expect("it is there");
    let edits: [(&str, Value, &str); 9] = [
        ("/lower_bound/builds/derivations", json!(1), "lower_bound: derivations"),
        ("/lower_bound/waves", json!(1), "lower_bound: waves"),
        ("/lower_bound/hours", json!(1.0), "lower_bound: hours"),
        ("/one_at_a_time/builds/attributes", json!(99_999), "one_at_a_time: attributes"),
        ("/one_at_a_time/waves", json!(16), "one_at_a_time: waves"),
        ("/waves/1/suspects", json!(99.0), "wave-1.2: suspects"),
        ("/updates/GLIBC/rebuilds/derivations", json!(1), "glibc: derivations"),
        ("/updates/GLIBC/hours", json!(1.0), "glibc: hours"),
        ("/updates/GLIBC/wave", json!("wave-1.2"), "glibc is said to be in wave-1.2, and wave-1.1 updates it"),
    ];
    for (place, value, flaw) in edits {
        let place = place.replace("GLIBC", &glibc.to_string());
        let mut edited = plan.clone();
        *edited.pointer_mut(&place).unwrap_or_else(|| panic!("{place}")) = value;
        let (code, flaws) = list.verify(&edited);
        assert!(code == Some(1) && flaws.len() == 1 && flaws[0].starts_with(flaw), "{place}: {flaws:?}");
    }
    // Two plans differ in what their waves update.
    let mut moved = plan.clone();
    let update = moved["waves"][5]["updates"].as_array_mut().expect("updates").pop().expect("an update");
    moved["waves"][6]["updates"].as_array_mut().expect("updates").push(update.clone());
    list.write("moved.json", &moved.to_string());
    list.write("plan.json", &plan.to_string());
    let diff = Run::of(waves().args(["plan", "diff", "--format", "json"]).args([list.path("plan.json"), list.path("moved.json")]));
    let diff: Value = serde_json::from_str(&diff.expect_success()).expect("JSON");
    assert_eq!(diff["moves"][0]["package"], update);
}

/// Counts alone do not tell that a group was torn apart, or that a wave is shared.
#[test]
fn groups_and_waves_of_their_own_are_verified() {
    let list = List::new("package,from,to,group\nopenssl,1,2,\nhello,1,2,tools\njq,1,2,tools\ncurl,1,2,\n");
    let plan = list.json(&[]);
    assert_eq!(list.verify(&plan), (Some(0), Vec::new()));
    let is_in = |wave: usize, package: &str| of_waves(&plan)[wave].contains(&package.to_owned());
    assert!(of_waves(&plan).len() == 2 && is_in(0, "hello") && is_in(0, "jq") && is_in(1, "curl"));
    let position = |of: &Value, package: &str| {
        let named = |item: &Value| item == package || item["package"] == package;
        of.as_array().expect("a list").iter().position(named).expect("it is there")
    };
    let mut torn = plan.clone();
    let hello = position(&plan["waves"][0]["updates"], "hello");
    let moved = torn["waves"][0]["updates"].as_array_mut().expect("updates").remove(hello);
    torn["waves"][1]["updates"].as_array_mut().expect("updates").push(moved);
    torn["updates"][position(&plan["updates"], "hello")]["wave"] = json!("wave-1.2");
    // It rebuilds itself alone, with its one attribute.
    for count in ["attributes", "derivations"] {
        for (wave, is_more) in [(0, false), (1, true)] {
            let said = plan["waves"][wave]["rebuilds"][count].as_u64().expect("a number");
            torn["waves"][wave]["rebuilds"][count] = json!(if is_more { said + 1 } else { said - 1 });
        }
    }
    assert_eq!(list.verify(&torn), (Some(1), vec!["the group tools is in several waves: wave-1.1, wave-1.2".to_owned()]));

    let mut shared = plan.clone();
    shared["updates"][position(&plan["updates"], "openssl")]["solo"] = json!(true);
    let (code, flaws) = list.verify(&shared);
    assert!(
        code == Some(1) && flaws.len() == 1 && flaws[0].starts_with("openssl wants a wave to itself, and wave-1.1 updates "),
        "{flaws:?}"
    );
    // What can only come with it may.
    list.write("updates.csv", "package,from,to,solo\nglibc,1,2,yes\nzlib,1,2,\nopenssl,1,2,\n");
    let plan = list.json(&[]);
    assert_eq!(of_waves(&plan)[0].len(), 2);
    assert_eq!(list.verify(&plan), (Some(0), Vec::new()));
}

/// What a path through groups says: each is rebuilt by the one before, from a member of the group to a member of it.
#[test]
fn paths_through_groups_are_rebuilds() {
    let list = List::new(&fs::read_to_string(root().join("data/dumps/updates.csv")).expect("there"));
    let groups = BTreeMap::from([("a", ["openssl", "rustc"]), ("b", ["curl", "qt6.qtbase"])]);
    let table = |(name, packages): (&&str, &[&str; 2])| format!("[[groups]]\nname = \"{name}\"\npackages = {}\n", json!(packages));
    list.write("waves.toml", &groups.iter().map(table).collect::<Vec<String>>().concat());
    let plan = list.json(&[]);
    let dump = Dump::read();
    let unions: Vec<&Value> = plan["unions"].as_array().expect("unions").iter().filter(|union| union["kind"] == "absorbed").collect();
    assert_eq!(unions.len(), 2);
    for union in unions {
        let path = texts(&union["path"]);
        let members = groups[union["group"].as_str().expect("a name")];
        assert!(path.len() > 2 && [&path[0], &path[path.len() - 1]].iter().all(|end| members.contains(&end.as_str())), "{path:?}");
        for pair in path.windows(2) {
            let rebuilt = dump.rebuilds(&pair[..1]);
            assert!(Dump::derivations(&pair[1]).iter().any(|derivation| rebuilt.contains(derivation.as_str())), "{path:?}");
        }
    }
}

/// A member of a group brings what it needs in a cycle: the plan says so, or takes the group apart.
#[test]
fn what_a_member_needs_in_a_cycle_is_taken_in() {
    let list = List::new("package,from,to\nglibc,1,2\nzlib,1,2\nsqlite,1,2\ncurl,1,2\n");
    let dump = Dump::read();
    let members = ["zlib", "sqlite"].map(str::to_owned);
    let hits = |from: &[String], to: &[String]| {
        let rebuilt = dump.rebuilds(from);
        to.iter().flat_map(|package| Dump::derivations(package)).any(|derivation| rebuilt.contains(derivation.as_str()))
    };
    let others = ["glibc", "curl"].map(str::to_owned);
    let between: Vec<&String> = others
        .iter()
        .filter(|other| hits(&members, std::slice::from_ref(*other)) && hits(std::slice::from_ref(*other), &members))
        .collect();
    assert_eq!(between, ["glibc"]);
    let group = |more: &str| list.write("waves.toml", &format!("[[groups]]\nname = \"x\"\npackages = [\"zlib\", \"sqlite\"]\n{more}"));
    let unions = |plan: &Value, kind: &str| -> Vec<Value> {
        plan["unions"].as_array().expect("unions").iter().filter(|union| union["kind"] == kind).cloned().collect()
    };

    group("");
    let plan = list.json(&[]);
    assert_eq!(of_waves(&plan), [vec!["glibc", "zlib", "sqlite"], vec!["curl"]]);
    assert_eq!(unions(&plan, "cycle").len(), 1);
    let absorbed = unions(&plan, "absorbed");
    assert_eq!((absorbed.len(), &absorbed[0]["group"], &absorbed[0]["packages"]), (1, &json!("x"), &json!(["glibc"])));
    let path = texts(&absorbed[0]["path"]);
    assert!([&path[0], &path[path.len() - 1]].iter().all(|end| members.contains(end)) && path.contains(&"glibc".to_owned()), "{path:?}");
    let text = list.text(&[]);
    assert!(text.contains("Group x takes in glibc, which would have to come both before and after it: "), "{text}");

    group("between = \"reject\"\n");
    let plan = list.json(&["--verify"]);
    assert_eq!(of_waves(&plan)[0], ["glibc", "zlib"]);
    let rejected = unions(&plan, "rejected");
    assert!(rejected.len() == 1 && rejected[0]["group"] == "x" && unions(&plan, "absorbed").is_empty(), "{rejected:?}");
    assert!(plan["updates"].as_array().expect("updates").iter().all(|update| update["group"].is_null()));

    // What can only come together cannot be taken apart.
    list.write("waves.toml", "[[groups]]\nname = \"x\"\npackages = [\"zlib\", \"glibc\"]\nbetween = \"reject\"\n");
    let plan = list.json(&["--verify"]);
    assert_eq!(of_waves(&plan)[0], ["glibc", "zlib"]);
    assert!(unions(&plan, "rejected").is_empty() && unions(&plan, "absorbed").is_empty());
}

/// A pin holds whatever else its row says, and whatever else has ended; one that names nothing is told with its place.
#[test]
fn pins_are_kept_or_told() {
    let list = List::new("package,from,to,pin\nopenssl,1,2,\ncurl,8.11.0,8.11.0,not yet\n");
    let pin = |package: &str, until: &str| format!("[[pins]]\npackage = \"{package}\"\nreason = \"dear\"\nuntil = \"{until}\"\n");
    list.write("waves.toml", &pin("nosuch", "2020-01-31"));
    let plan = list.json(&[]);
    assert_eq!(plan["pins"][0]["package"], "curl");
    assert_eq!(plan["passed_over"], json!([]));
    let skipped: Vec<(&str, &str)> = plan["skipped"]
        .as_array()
        .expect("skipped")
        .iter()
        .map(|skipped| (skipped["package"].as_str().expect("a name"), skipped["reason"].as_str().expect("a reason")))
        .collect();
    assert_eq!(skipped, [("curl", "pinned: not yet"), ("nosuch", "its pin ended on 2020-01-31: it is not pinned (dear)")]);
    let dump = Dump::read();
    let [openssl, curl] = ["openssl", "curl"].map(|package| dump.rebuilds(&[package.to_owned()]));
    let built = plan["totals"]["builds"]["derivations"].as_u64().expect("a number") as usize;
    assert!((openssl.difference(&curl).count()..openssl.len()).contains(&built));

    list.write("waves.toml", &pin("nosuch", "2099-01-31"));
    let run = list.run(&[]);
    assert_eq!(run.code, Some(3));
    let told = ["waves.toml, key `pins`", "no package `nosuch` in this evaluation"];
    assert!(told.iter().all(|told| run.stderr.contains(told)), "{}", run.stderr);
    list.write("waves.toml", "");
    list.write("updates.csv", "package,from,to,pin\nopenssl,1,2,\nnosuch,1,2,not yet\n");
    let run = list.run(&[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("pinned: no package `nosuch` in this evaluation"), "{}", run.stderr);
}

/// Lines are those of the file, however they end and whatever comes first.
#[test]
fn errors_of_lists_name_their_lines() {
    let list = List::new("");
    for text in [
        "package,from,to,risk\r\nhello,1,2,\r\njq,1,2,\r\nxz,1,2,3\r\n",
        "\n  \npackage,from,to,risk\nhello,1,2,3\n",
        "package,to\r\n\r\nhello,2\r\njq\r\n",
        "\n\n\npackage,to,colour\nhello,2,red\n",
        "\n\nhello 1 2\njq\n",
        "\u{feff}\r\n\r\nhello 1 2\r\njq\r\n",
        "\n\n[[updates]]\npackage = = 1\n",
        "\n\n{\n\"hello\": }",
        "\n\n[\n {\"package\": \"hello\", \"to\": \"2\",}\n]",
    ] {
        list.write("updates.csv", text);
        let run = list.run(&[]);
        assert_eq!(run.code, Some(3), "{text:?}");
        assert!(run.stderr.contains("updates.csv, line 4"), "{text:?}: {}", run.stderr);
    }
}

/// Before the first wave no time has passed, and without build times nobody knows how much.
#[test]
fn explained_waves_begin_when_they_can() {
    let list = List::new("package,from,to\nopenssl,1,2\ncurl,1,2\n");
    for (durations, begins) in [(&[][..], Value::Null), (&DURATIONS, json!(0.0))] {
        list.write("plan.json", &list.json(durations).to_string());
        let explained =
            Run::of(waves().args(["explain", "curl", "--format", "json", "--plan"]).arg(list.path("plan.json")).args(graph_args()));
        let explained = explained.expect_success();
        let said: Value = serde_json::from_str(&explained).expect("JSON");
        assert_eq!(said["waves"][0]["begins_after_hours"], begins);
        assert!(!explained.contains("-0.0"), "{explained}");
    }
}

#[test]
fn a_plan_of_another_evaluation_is_said_to_be_one() {
    const PLAN: &str = "tests/inputs/major.json";
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let digest = |graph: &[&str]| {
        let info = json(&Run::of(waves().args(["info", "--format", "json"]).args(graph)).expect_success());
        info["evaluation"]["digest"].as_str().expect("a digest").to_owned()
    };
    let plan = fs::read_to_string(root().join(PLAN)).expect("there");
    let (of, this) = (digest(&graph_args()), digest(&UPDATED));
    assert_eq!(json(&plan)["evaluation"]["digest"], of);
    let hint = "(hint: name the evaluation of the plan with --graph FILE, or plan again)";
    let said = format!("the plan is of evaluation {of}, and this is {this} {hint}");
    let noted = |command: &[&str], code: i32| {
        let notes = |graph: &[&str]| {
            let run = Run::of(waves().args(command).args(graph));
            assert_eq!(run.code, Some(code), "{command:?}: {}", run.stderr);
            run.stderr.lines().filter_map(|line| line.strip_prefix("note: ")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(notes(&graph_args()), [""; 0], "{command:?}");
        assert_eq!(notes(&UPDATED), [said.as_str()], "{command:?}");
    };
    noted(&["explain", "hello", "--plan", PLAN], 0);
    noted(&["explain", "hello", "--plan", PLAN, "-q", "--format", "json"], 0);
    noted(&["export", PLAN, "--to", "nix-build", "--wave", "2.7"], 0);
    noted(&["export", PLAN, "--to", "nix-build", "--wave", "2.7", "-q"], 0);
    // What is not there may be where the plan was made.
    let list = List::new("");
    list.write("plan.json", &plan.replace("\"hello\"", "\"helo\""));
    let path = list.path("plan.json");
    let typed = path.to_str().expect("UTF-8");
    for command in [&["verify", typed][..], &["explain", "jq", "--plan", typed], &["export", typed, "--to", "nix-build"]] {
        noted(command, 2);
    }
    // As the examples say, one of them is wrong in a lock, and in a number.
    for (plan, code, flaws) in [(PLAN, 0, 0), ("tests/inputs/wrong-major.json", 1, 1)] {
        let run = Run::of(waves().args(["verify", plan, "--format", "json"]).args(UPDATED));
        let report = json(&run.stdout);
        assert_eq!((run.code, texts(&report["flaws"]).len()), (Some(code), flaws), "{report}");
        assert_eq!(texts(&report["unchecked"]), [format!("numbers: {said}")]);
    }
}

#[test]
fn a_package_is_updated_once() {
    let list = List::new("package,from,to\nhello,1,2\nhello,1,2\nopenssl,1,2\nopenssl_3,1,2\n");
    let plan = list.json(&["--verify"]);
    assert_eq!(plan["passed_over"], json!([{ "reason": "the list has the package already", "entries": 1 }]));
    assert_eq!(list.verify(&plan), (Some(0), Vec::new()));
    assert!(list.text(&["--verify"]).contains("1 entry passed over: the list has the package already."));
}

/// What a spreadsheet writes, and what TOML does.
#[test]
fn words_and_days_of_a_list_are_read_as_they_are_meant() {
    let list =
        List::new("package,from,to,skip,pin,solo\nhello,1,2,FALSE,False,FALSE\njq,1,2,False,false,TRUE\nxz,1,2,TRUE,,\ngit,1,2,Broken,,\n");
    let plan = list.json(&[]);
    let updates: Vec<(&str, bool)> = plan["updates"]
        .as_array()
        .expect("updates")
        .iter()
        .map(|update| (update["package"].as_str().expect("a name"), update["solo"] == json!(true)))
        .collect();
    assert_eq!(updates, [("hello", false), ("jq", true)]);
    let skipped = plan["skipped"].as_array().expect("skipped").iter().map(|skipped| skipped["reason"].clone()).collect::<Vec<_>>();
    assert_eq!(skipped, ["as the list says", "Broken"]);
    list.write("updates.csv", "[[updates]]\npackage = \"hello\"\nto = 2024-11-05\n");
    assert_eq!(list.json(&[])["updates"][0]["to"], "2024-11-05");
    for (text, told) in [
        (r#"[{"attr": "hello", "to": ["2"]}]"#, ["item 1", "`to` is [\"2\"]"]),
        ("[[updates]]\npackage = \"hello\"\n\n[[updates]]\npackage = \"jq\"\nto = true\n", ["update 2", "`to` is true"]),
    ] {
        list.write("updates.csv", text);
        let run = list.run(&[]);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(told.iter().all(|told| run.stderr.contains(told)), "{}", run.stderr);
    }
}
