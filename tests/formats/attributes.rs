//! Attributes in every format that lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use waves_core::analysis::{Excluded, Impact, Root, Scope, Why, rank, select};
use waves_core::error::Error;
use waves_core::graph::{Attribute, Derivation, Direction, Graph};
use waves_core::ingest::FindingKind;
use waves_core::plan::{PlanOptions, plan};
use waves_core::report::EvaluationReport;
use waves_core::tables::{TableFormat, graph_tables, write};

use crate::support::{attribute_derivations, attribute_outputs, base_name, dump, findings, import, lines, object, read, text};

/// Attribute to derivation, as nix-eval-jobs says: the independent answer, since it lists all of them.
fn jobs() -> BTreeMap<String, String> {
    lines(&dump("eval-jobs.jsonl"))
        .iter()
        .filter_map(|job| Some((text(job, "attr").to_owned(), base_name(job["drvPath"].as_str()?))))
        .collect()
}

/// Output paths of each attribute, as nix-eval-jobs says.
fn job_outputs() -> BTreeMap<String, BTreeSet<String>> {
    let outputs =
        |job: &Value| job["outputs"].as_object().map(|outputs| outputs.values().filter_map(Value::as_str).map(str::to_owned).collect());
    lines(&dump("eval-jobs.jsonl")).iter().filter_map(|job| Some((text(job, "attr").to_owned(), outputs(job)?))).collect()
}

/// The attributes that a dump lists, read without the library.
fn listed(name: &str) -> BTreeSet<String> {
    let without_system = |key: &str| key.rsplit_once('.').map_or(key, |(attr, _)| attr).to_owned();
    match name {
        "nix-env.json" => object(&dump(name)).keys().cloned().collect(),
        "nix-env.txt" => table(name, 0),
        "nix-env-drv.txt" => table(name, 1),
        _ => object(&dump(name)).keys().map(|key| without_system(key)).collect(),
    }
}

fn table(name: &str, column: usize) -> BTreeSet<String> {
    let text = fs::read_to_string(dump(name)).expect("it is there");
    text.lines().map(|line| line.split_whitespace().nth(column).expect("an attribute").to_owned()).collect()
}

fn restricted<T: Clone>(all: &BTreeMap<String, T>, names: &BTreeSet<String>) -> BTreeMap<String, T> {
    all.iter().filter(|(attr, _)| names.contains(*attr)).map(|(attr, value)| (attr.clone(), value.clone())).collect()
}

#[test]
fn eval_jobs_names_every_derivation() {
    assert_eq!(attribute_derivations(&import(&[dump("eval-jobs.jsonl")])), jobs());
    assert_eq!(attribute_derivations(&import(&[dump("eval-jobs-inputs.jsonl")])), jobs());
    assert_eq!(attribute_derivations(&import(&[dump("derivations.json"), dump("eval-jobs.jsonl")])), jobs());
}

#[test]
fn nix_env_with_derivations_names_every_derivation() {
    let expected = restricted(&jobs(), &listed("nix-env-drv.txt"));
    assert!(expected.len() > 100);
    assert_eq!(attribute_derivations(&import(&[dump("nix-env-drv.txt")])), expected);
    assert_eq!(attribute_derivations(&import(&[dump("derivations.json"), dump("nix-env-drv.txt")])), expected);
}

/// These do not name the derivation: it is found by what it builds.
#[test]
fn output_paths_lead_to_the_derivation_that_builds_them() {
    for name in ["nix-env.json", "nix-env.txt", "outpaths.json", "ci/x86_64-linux/paths.json"] {
        let expected = restricted(&job_outputs(), &listed(name));
        assert!(expected.len() > 100, "{name}");
        assert_eq!(attribute_outputs(&import(&[dump(name)])), expected, "{name} alone");
        let graph = import(&[dump("derivations.json"), dump(name)]);
        assert_eq!(attribute_outputs(&graph), expected, "{name}");
        // Of two derivations that build the same paths it may be the other.
        let by_name = |derivations: BTreeMap<String, String>| -> BTreeMap<String, String> {
            derivations.into_iter().map(|(attr, base)| (attr, base[33..].to_owned())).collect()
        };
        assert_eq!(by_name(attribute_derivations(&graph)), by_name(restricted(&jobs(), &listed(name))), "{name}");
    }
}

/// What names derivations decides, wherever it stands among the dumps.
#[test]
fn a_named_derivation_wins_over_an_output_path() {
    let outpaths = [dump("outpaths.json"), dump("nix-env.json"), dump("nix-env.txt"), dump("ci/x86_64-linux/paths.json")];
    for rest in outpaths {
        let (derivations, jobs_dump) = (dump("derivations.json"), dump("eval-jobs.jsonl"));
        let first = import(&[derivations.clone(), jobs_dump.clone(), rest.clone()]);
        let last = import(&[rest.clone(), derivations, jobs_dump]);
        assert_eq!(attribute_derivations(&first), jobs(), "{}", rest.display());
        assert_eq!(attribute_derivations(&last), jobs(), "{}", rest.display());
        assert_eq!(first.digest(), last.digest(), "{}", rest.display());
    }
}

const OUTPUT: &str = "/nix/store/0000000000000000000000000000000a-a";

fn derivation_path(hash: char) -> String {
    format!("/nix/store/{}-a.drv", hash.to_string().repeat(32))
}

/// Once a derivation is named, another with the same output is a contradiction, and no longer the same.
#[test]
fn of_named_derivations_the_first_counts() {
    let outputs = format!(r#"{{"a.x86_64-linux":{{"out":"{OUTPUT}"}}}}"#);
    let job =
        |hash| format!(r#"{{"attr":"a","drvPath":"{}","system":"x86_64-linux","outputs":{{"out":"{OUTPUT}"}}}}"#, derivation_path(hash));
    for (first, second) in [('b', 'c'), ('c', 'b')] {
        let graph = read(&[("1.json", &outputs), ("2.jsonl", &job(first)), ("3.jsonl", &job(second))]);
        let attribute = graph.find_attribute("a").next().expect("it is there");
        assert!(attribute.derivation().expect("named").base_name().starts_with(first));
        assert!(findings(&graph).contains(&(FindingKind::ContradictoryAttribute, 1)));
    }
}

/// A source is the same whoever fetches it.
#[test]
fn an_attribute_of_two_systems_is_two_though_one_derivation_builds_both() {
    let outputs = format!(r#"{{"a.x86_64-linux":{{"out":"{OUTPUT}"}},"a.aarch64-linux":{{"out":"{OUTPUT}"}}}}"#);
    let graph = read(&[("1.json", &outputs), ("2.json", &outputs)]);
    let systems: Vec<_> = graph.attributes().filter_map(Attribute::system).collect();
    assert_eq!((systems, graph.derivation_count()), (vec!["aarch64-linux", "x86_64-linux"], 1));
}

/// Derivations that differ only behind a fixed output build the same.
#[test]
fn an_output_alone_leads_to_the_first_of_its_derivations() {
    let outputs = format!(r#"{{"a.x86_64-linux":{{"out":"{OUTPUT}"}}}}"#);
    let derivation = |hash| format!(r#"{{"{}":{{"outputs":{{"out":{{"path":"{OUTPUT}"}}}},"env":{{}}}}}}"#, derivation_path(hash));
    for (first, second) in [('b', 'c'), ('c', 'b')] {
        let graph = read(&[("1.json", &derivation(first)), ("2.json", &derivation(second)), ("3.json", &outputs)]);
        let attribute = graph.find_attribute("a").next().expect("it is there");
        let built_by = attribute.derivation().expect("it is built").hash();
        assert_eq!(Some(built_by), graph.derivations().map(Derivation::hash).min());
        assert_eq!(graph.derivation_count(), 2);
    }
}

/// What one line leaves out of a derivation, another tells: its inputs, and outputs besides those that are known.
#[test]
fn lines_about_one_derivation_add_up() {
    let drv = derivation_path('b');
    let line = |attr: &str, outputs: &str, inputs: &str| {
        format!(r#"{{"attr":"{attr}","drvPath":"{drv}","system":"x86_64-linux","outputs":{{{outputs}}}{inputs}}}"#)
    };
    let out = format!(r#""out":"{OUTPUT}""#);
    let bare = line("a", &out, "");
    let full = line("b", &format!(r#"{out},"dev":"{OUTPUT}-dev""#), &format!(r#","inputDrvs":{{"{}":["out"]}}"#, derivation_path('c')));
    let inputs = |graph: &Graph, derivation: Derivation<'_>| -> Vec<String> {
        derivation.inputs().map(|(input, _)| graph.derivation(input).base_name()).collect()
    };
    let mut digests = BTreeSet::new();
    for lines in [[&bare, &full], [&full, &bare]] {
        let graph = read(&[("jobs.jsonl", &lines.map(String::as_str).join("\n"))]);
        digests.insert(graph.digest());
        let derivation = graph.find_attribute("a").find_map(Attribute::derivation).expect("it is there");
        assert_eq!(inputs(&graph, derivation), [base_name(&derivation_path('c'))]);
        let mut outputs: Vec<_> = derivation.outputs().map(|output| (output.name(), output.path())).collect();
        outputs.sort_unstable();
        assert_eq!(outputs, [("dev", Some(format!("{OUTPUT}-dev"))), ("out", Some(OUTPUT.to_owned()))]);
        assert_eq!(graph.find_attribute("b").find_map(Attribute::derivation).map(|same| same.ix()), Some(derivation.ix()));
    }
    assert_eq!(digests.len(), 1);
    // Of lines that contradict each other, the first counts.
    let other = full.replace(&derivation_path('c'), &derivation_path('d'));
    for (lines, input) in [([&full, &other], 'c'), ([&other, &full], 'd')] {
        let graph = read(&[("jobs.jsonl", &lines.map(String::as_str).join("\n"))]);
        let derivation = graph.find_attribute("b").find_map(Attribute::derivation).expect("it is there");
        assert_eq!(inputs(&graph, derivation), [base_name(&derivation_path(input))]);
    }
}

/// A row of a table tells of a derivation what a line of JSON does, whichever comes first.
#[test]
fn a_row_describes_a_derivation() {
    let drv = derivation_path('b');
    let (bare, full) = (format!("a  {drv}"), format!("b  {drv}  {OUTPUT}"));
    let of = |rows: [&str; 2], files: &[(&str, &str)]| read(&[&[("rows.txt", rows.join("\n").as_str())][..], files].concat());
    for rows in [[bare.as_str(), &full], [&full, &bare]] {
        let graph = of(rows, &[]);
        let outputs: Vec<_> = graph.derivations().flat_map(|derivation| derivation.outputs()).map(|output| output.path()).collect();
        assert_eq!((graph.derivation_count(), outputs), (1, vec![Some(OUTPUT.to_owned())]), "{rows:?}");
        // Of a derivation that no dump has, another may build the outputs.
        let whole = format!(r#"{{"{}":{{"outputs":{{"out":{{"path":"{OUTPUT}"}}}},"env":{{}}}}}}"#, derivation_path('c'));
        let graph = of(rows, &[("1.json", &whole)]);
        assert_eq!((graph.derivation_count(), findings(&graph)), (1, vec![(FindingKind::JoinedByOutput, 1)]), "{rows:?}");
        // Its system is what another dump says.
        let job = format!(r#"{{"attr":"a","drvPath":"{drv}","system":"x86_64-linux","outputs":{{"out":"{OUTPUT}"}}}}"#);
        let joined = of(rows, &[("2.jsonl", &job)]);
        let systems: Vec<&str> = joined.derivations().map(|derivation| derivation.system()).collect();
        assert_eq!(systems, ["x86_64-linux"], "{rows:?}");
    }
}

/// It has no path: it is called by its name, as `waves eval` calls it.
#[test]
fn a_derivation_by_itself_is_called_by_its_name() {
    let of = |file: &str, text: &str| -> Vec<String> {
        read(&[(file, text)]).attributes().map(|attribute| attribute.path().to_owned()).collect()
    };
    let drv = |name: &str| format!(r#""drvPath":"/nix/store/{}-{name}.drv","outputs":{{}}"#, "b".repeat(32));
    for path in [r#""attr":"""#, r#""attr":"","attrPath":[]"#] {
        assert_eq!(of("jobs.jsonl", &format!("{{{path},{}}}", drv("bash-5.2p37"))), ["bash"], "{path}");
        assert_eq!(of("jobs.jsonl", &format!(r#"{{{path},"name":"bash-5.2p37",{}}}"#, drv("x-1"))), ["bash"], "{path}");
        assert_eq!(of("jobs.jsonl", &format!("{{{path},{}}}", drv("socket.io-1.0"))), ["\"socket.io\""], "{path}");
    }
    let entry = format!(r#"{{"":{{"name":"bash-5.2p37","system":"x86_64-linux","outputs":{{"out":"{OUTPUT}"}}}}}}"#);
    assert_eq!(of("nix-env.json", &entry), ["bash"]);
}

/// An attribute may be fewer outputs than its derivation has.
#[test]
fn fewer_outputs_are_fewer() {
    let drv = derivation_path('b');
    let whole = format!(r#"{{"{drv}":{{"outputs":{{"dev":{{"path":"{OUTPUT}-dev"}},"out":{{"path":"{OUTPUT}"}}}},"env":{{}}}}}}"#);
    for outputs in [vec!["dev"], vec!["out"], vec!["dev", "out"]] {
        let listed = outputs.iter().map(|output| format!(r#""{output}":"{OUTPUT}{}""#, if *output == "dev" { "-dev" } else { "" }));
        let listed = listed.collect::<Vec<_>>().join(",");
        let job = format!(r#"{{"attr":"a","drvPath":"{drv}","system":"x86_64-linux","outputs":{{{listed}}}}}"#);
        let graph = read(&[("1.json", &whole), ("2.jsonl", &job)]);
        let found: Vec<_> =
            graph.find_attribute("a").flat_map(|attribute| attribute.outputs()).map(|output| output.name().to_owned()).collect();
        assert_eq!(found, outputs);
    }
}

/// Not every dump quotes a component with a dot in it.
#[test]
fn quotes_make_no_other_attribute() {
    let quoted = format!(r#"{{"attrPath":["a","b.c"],"drvPath":"{}","system":"x86_64-linux"}}"#, derivation_path('b'));
    let outputs = format!(r#"{{"a.b.c.x86_64-linux":{{"out":"{OUTPUT}"}}}}"#);
    let bare = quoted.replace(r#""attrPath":["a","b.c"]"#, r#""attr":"a.b.c""#);
    for files in [[("1.jsonl", quoted.as_str()), ("2.jsonl", bare.as_str())], [("1.jsonl", &bare), ("2.jsonl", &quoted)]] {
        assert_eq!(read(&files).attributes().map(Attribute::path).collect::<Vec<_>>(), [r#"a."b.c""#]);
    }
    let joined =
        read(&[("1.jsonl", &quoted.replace("\"system\"", &format!(r#""outputs":{{"out":"{OUTPUT}"}},"system""#))), ("2.json", &outputs)]);
    assert_eq!(joined.attributes().map(Attribute::path).collect::<Vec<_>>(), [r#"a."b.c""#]);
}

/// Some attributes are sets of outputs picked from several derivations.
#[test]
fn outputs_of_others_are_found() {
    let drv = derivation_path('b');
    let whole = format!(r#"{{"{drv}":{{"outputs":{{"out":{{"path":"{OUTPUT}"}}}},"env":{{}}}}}}"#);
    for (outputs, mixed) in [
        (format!(r#""out":"{OUTPUT}""#), 0),
        (format!(r#""out":"{OUTPUT}","dev":null"#), 0),
        (format!(r#""out":"{OUTPUT}","dev":"{OUTPUT}-dev""#).replace("0a-a-dev", "0b-a-dev"), 1),
        (format!(r#""out":"{OUTPUT}""#).replace("0a-a", "0b-a"), 1),
    ] {
        let job = format!(r#"{{"attr":"a","drvPath":"{drv}","system":"x86_64-linux","outputs":{{{outputs}}}}}"#);
        let graph = read(&[("1.json", &whole), ("2.jsonl", &job)]);
        assert_eq!(graph.findings().count(FindingKind::MixedOutputs), mixed, "{outputs}");
        // Once for all dumps; also where none names the derivation, if one of the outputs leads to it.
        let paths = format!(r#"{{"a.x86_64-linux":{{{outputs}}}}}"#);
        let both = read(&[("1.json", &whole), ("2.jsonl", &job), ("3.json", &paths)]);
        assert_eq!(both.findings().count(FindingKind::MixedOutputs), mixed, "{outputs}");
        let alone = read(&[("1.json", &whole), ("3.json", &paths)]);
        let found = if outputs.contains(OUTPUT) { mixed } else { 0 };
        assert_eq!(alone.findings().count(FindingKind::MixedOutputs), found, "{outputs}");
        let listed: BTreeMap<String, Option<String>> = serde_json::from_str(&format!("{{{outputs}}}")).expect("JSON");
        let found =
            graph.find_attribute("a").flat_map(|attribute| attribute.outputs()).map(|output| (output.name().to_owned(), output.path()));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), listed);
    }
}

#[test]
fn meta_is_that_of_the_dump() {
    let handle = |maintainer: &Value| maintainer["github"].as_str().or(maintainer["name"].as_str()).map(str::to_owned);
    let graph = import(&[dump("derivations.json"), dump("eval-jobs.jsonl")]);
    let jobs: BTreeMap<String, Value> =
        lines(&dump("eval-jobs.jsonl")).into_iter().map(|job| (text(&job, "attr").to_owned(), job)).collect();
    for attribute in graph.attributes().filter(|attribute| attribute.derivation().is_some()) {
        let (attr, job) = (attribute.path(), &jobs[attribute.path()]);
        let meta = &job["meta"];
        assert_eq!(attribute.description(), meta["description"].as_str(), "{attr}");
        assert_eq!(attribute.position(), meta["position"].as_str(), "{attr}");
        // Members of a team are not named beside it.
        let own = if meta["teams"].is_array() { "nonTeamMaintainers" } else { "maintainers" };
        let maintainers: Vec<String> = meta[own].as_array().into_iter().flatten().filter_map(handle).collect();
        assert_eq!(attribute.maintainers().collect::<Vec<_>>(), maintainers, "{attr}");
        let licence = |licence: &Value| licence["spdxId"].as_str().or(licence["fullName"].as_str()).map(str::to_owned);
        let licences: Vec<String> = match &meta["license"] {
            Value::Array(licences) => licences.iter().filter_map(licence).collect(),
            single => licence(single).into_iter().collect(),
        };
        assert_eq!(attribute.licences().collect::<Vec<_>>(), licences, "{attr}");
        let team = |team: &Value| team["github"].as_str().or(team["shortName"].as_str()).map(str::to_owned);
        let teams: Vec<String> = meta["teams"].as_array().into_iter().flatten().filter_map(team).collect();
        assert_eq!(attribute.teams().collect::<Vec<_>>(), teams, "{attr}");
        assert_eq!(attribute.is_broken(), meta["broken"].as_bool().unwrap_or(false), "{attr}");
        assert_eq!(attribute.is_unfree(), meta["unfree"].as_bool().unwrap_or(false), "{attr}");
        assert_eq!(attribute.is_insecure(), meta["insecure"].as_bool().unwrap_or(false), "{attr}");
        assert_eq!(attribute.system(), job["system"].as_str(), "{attr}");
        let platforms = meta["hydraPlatforms"].as_array();
        assert_eq!(attribute.hydra_platforms().map(Iterator::count), platforms.map(Vec::len), "{attr}");
    }
}

#[test]
fn hydra_builds_for_the_platforms_that_meta_names() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("jobs.jsonl");
    let job = |attr: &str, platforms: &str| {
        let drv = format!("/nix/store/{attr}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-a.drv");
        format!(r#"{{"attr":"{attr}","drvPath":"{drv}","system":"x86_64-linux","meta":{{{platforms}}}}}"#)
    };
    let jobs = [
        job("a", r#""hydraPlatforms":["aarch64-linux","x86_64-linux"]"#),
        job("b", r#""hydraPlatforms":["aarch64-linux"]"#),
        job("c", r#""hydraPlatforms":[]"#),
        job("d", ""),
    ];
    fs::write(&path, jobs.join("\n")).expect("written");
    let graph = import(&[path]);
    let off_hydra: Vec<_> = graph.attributes().filter(|attribute| attribute.is_off_hydra()).map(Attribute::path).collect();
    assert_eq!(off_hydra, ["b", "c"]);
}

/// What only its outputs are known of has no path of its own, and is called by its first output.
#[test]
fn what_has_no_path_is_its_output() {
    let graph = import(&[dump("outpaths.json")]);
    for derivation in graph.derivations() {
        let outputs: Vec<String> = derivation.outputs().filter_map(|output| output.path()).collect();
        assert!(outputs.contains(&derivation.path()), "{}", derivation.path());
    }
}

/// Of all combinations of four reasons, each reason has half.
#[test]
fn what_is_usually_not_built_is_counted() {
    let drv = |at: usize| format!("/nix/store/{at:032}-a.drv");
    let job = |at: usize| {
        let [broken, unfree, insecure, off_hydra] = [1, 2, 4, 8].map(|bit| at & bit != 0);
        let platforms = if off_hydra { "" } else { r#""x86_64-linux""# };
        let meta = format!(r#"{{"broken":{broken},"unfree":{unfree},"insecure":{insecure},"hydraPlatforms":[{platforms}]}}"#);
        let drv = format!(r#""drvPath":"{}","inputDrvs":{{"{}":["out"]}}"#, drv(at), drv(16));
        format!(r#"{{"attr":"a{at}","system":"x86_64-linux","meta":{meta},{drv}}}"#)
    };
    let graph = read(&[("jobs.jsonl", &(0..16).map(job).collect::<Vec<_>>().join("\n"))]);
    let expected = Excluded { broken: 8, unfree: 8, insecure: 8, off_hydra: 8, any: 15 };
    assert_eq!(Excluded::of(graph.attributes()), expected);
    let input = graph.derivations().find(|derivation| derivation.path() == drv(16)).expect("it is needed").ix();
    let root = Root { selector: "input".to_owned(), face: input, derivations: vec![input] };
    let impact = Impact::new(&graph, &[root], Direction::Dependents, None, None).expect("it has edges");
    assert_eq!(impact.excluded(), expected);
}

/// `meta.json` of nixpkgs CI stands beside its `paths.json`.
#[test]
fn meta_of_ci_joins_its_paths() {
    let meta = object(&dump("ci/x86_64-linux/meta.json"));
    for dumps in [["meta.json", "paths.json"], ["paths.json", "meta.json"]] {
        let graph = import(&dumps.map(|name| dump("ci/x86_64-linux").join(name)));
        assert_eq!(graph.attribute_count(), meta.len());
        for attribute in graph.attributes() {
            let expected = &meta[&format!("{}.x86_64-linux", attribute.path())];
            assert_eq!(attribute.description(), expected["description"].as_str(), "{}", attribute.path());
            assert!(attribute.derivation().is_some(), "{}", attribute.path());
        }
    }
}

#[test]
fn errors_are_kept() {
    let graph = import(&[dump("eval-jobs.jsonl")]);
    let errors: BTreeMap<&str, &str> = graph.attributes().filter_map(|attribute| Some((attribute.path(), attribute.error()?))).collect();
    let jobs = lines(&dump("eval-jobs.jsonl"));
    assert_eq!(errors, jobs.iter().filter_map(|job| Some((text(job, "attr"), job["error"].as_str()?))).collect());
    let selected = select(&graph, &["python2".to_owned()], Scope::Package, None);
    assert!(matches!(selected, Err(Error::NotEvaluated { error, .. }) if error.contains("has been removed")));
}

/// Attributes alone say nothing of what needs what, and every question that needs it says so.
#[test]
fn attributes_alone_have_no_edges() {
    for name in ["eval-jobs.jsonl", "nix-env.json", "nix-env.txt", "nix-env-drv.txt", "outpaths.json"] {
        let graph = import(&[dump(name)]);
        assert_eq!(graph.edge_count(), 0, "{name}");
        let openssl = roots(&graph, "openssl");
        for error in refusals(&graph, &openssl) {
            assert!(matches!(&error, Error::NoEdges { sources } if sources.ends_with(name)), "{name}: {error}");
            assert!(error.to_string().contains("nix derivation show -r"), "{error}");
        }
        // Nor do tables count what cannot be known.
        let directory = TempDir::new().expect("a directory");
        write(&graph_tables(&graph), TableFormat::Csv, directory.path()).expect("written");
        let packages = fs::read_to_string(directory.path().join("packages.csv")).expect("it is there");
        assert_eq!(packages.lines().filter(|line| line.ends_with(",,")).count(), graph.package_count(), "{name}");
    }
}

/// Attributes of another evaluation than the derivations: those that no dump describes are counted, by path or by output.
#[test]
fn derivations_without_a_description_are_counted() {
    let jobs = lines(&dump("update/eval-jobs.jsonl"));
    let described = object(&dump("derivations.json"));
    let outputs: BTreeSet<&str> = described
        .values()
        .flat_map(|entry| entry["outputs"].as_object().expect("outputs").values())
        .map(|output| text(output, "path"))
        .collect();
    let is_built = |job: &&Value| {
        job["outputs"].as_object().is_some_and(|all| all.values().any(|path| outputs.contains(path.as_str().unwrap_or_default())))
    };
    let named: BTreeSet<&str> = jobs.iter().filter(|job| !is_built(job)).filter_map(|job| job["drvPath"].as_str()).collect();
    let graph = import(&[dump("derivations.json"), dump("update/eval-jobs.jsonl")]);
    let undescribed = named.iter().filter(|path| !described.contains_key(**path)).count();
    assert!(undescribed > 0);
    assert_eq!(EvaluationReport::new(&graph).undescribed, undescribed);
    assert_eq!(EvaluationReport::new(&import(&[dump("derivations.json")])).undescribed, 0);
}

fn roots(graph: &Graph, attribute: &str) -> Vec<Root> {
    let named = graph.find_attribute(attribute).find_map(Attribute::derivation).expect("it has a derivation");
    vec![Root { selector: attribute.to_owned(), face: named.ix(), derivations: vec![named.ix()] }]
}

fn refusals(graph: &Graph, roots: &[Root]) -> [Error; 4] {
    [
        Impact::new(graph, roots, Direction::Dependents, None, None).expect_err("no edges"),
        Why::new(graph, roots, roots).expect_err("no edges"),
        rank(graph, waves_core::analysis::RankOptions::default()).expect_err("no edges"),
        plan(graph, roots.to_vec(), &PlanOptions::default()).expect_err("no edges"),
    ]
}

/// Where a dump of derivations covers only a part of the attributes, the rest is told.
#[test]
fn derivations_that_are_not_described_are_found() {
    let sample: BTreeSet<String> = object(&dump("derivations-2.32.json")).keys().cloned().collect();
    let all = object(&dump("derivations.json"));
    let outputs = |base: &str| all[&format!("/nix/store/{base}")]["outputs"].as_object().expect("outputs").clone();
    let built: BTreeSet<String> =
        sample.iter().flat_map(|base| outputs(base)).map(|(_, output)| text(&output, "path").to_owned()).collect();
    // What builds a path that the sample builds too is no news.
    let is_missing = |base: &&String| !outputs(base).values().any(|output| built.contains(text(output, "path")));
    for (name, listed) in [("eval-jobs.jsonl", jobs()), ("nix-env-drv.txt", restricted(&jobs(), &listed("nix-env-drv.txt")))] {
        let derivations: BTreeSet<String> = listed.into_values().collect();
        let graph = import(&[dump("derivations-2.32.json"), dump(name)]);
        let found = graph.findings().count(FindingKind::UndefinedDerivation);
        assert_eq!(found, derivations.iter().filter(is_missing).count() as u64, "{name}");
    }
}
