//! What a rebuild costs: sizes as Nix says them, and how good the estimates of build times are.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use waves_core::cost::{Availability, Costs, Durations, Model, Presence, Sizes, Sources};
use waves_core::graph::{Derivation, Graph};
use waves_core::ingest::Input;
use waves_core::store_path::StorePath;

use crate::naive::base_name;
use crate::nix::Nix;
use crate::support::{Nixpkgs, directory, nixpkgs};

/// `nix path-info --json` of everything that some paths need.
fn path_infos(nix: &Nix, arguments: &[&str], paths: &BTreeSet<String>) -> String {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    nix.run("nix", &[&["path-info", "--json", "--recursive", "--closure-size"], arguments, &paths].concat())
}

#[test]
fn sizes_are_those_of_nix() {
    let Some(nix) = Nix::that_builds() else { return };
    let derivations: BTreeSet<String> = nix.evaluate_data().into_values().map(|attribute| attribute.drv_path).collect();
    let arguments: Vec<&str> = ["--realise", "--quiet"].into_iter().chain(derivations.iter().map(String::as_str)).collect();
    let outputs: BTreeSet<String> = nix.run("nix-store", &arguments).lines().map(str::to_owned).collect();
    assert!(outputs.len() > 100, "{}", outputs.len());
    let closure = derivations.iter().map(|path| nix.store().join(base_name(path))).collect();
    let graph = Graph::import(&[Input::Closure(closure)], &()).expect("imports");

    let files = TempDir::new().expect("a directory");
    let cache = format!("file://{}", files.path().join("cache").display());
    let all: Vec<&str> = ["copy", "--to", &cache].into_iter().chain(outputs.iter().map(String::as_str)).collect();
    nix.run("nix", &all);
    let of_store = path_infos(&nix, &[], &outputs);
    let of_cache = path_infos(&nix, &["--store", &cache], &outputs);
    let [store_file, cache_file] = [("store.json", &of_store), ("cache.json", &of_cache)].map(|(name, text)| {
        let path = files.path().join(name);
        fs::write(&path, text).expect("written");
        path
    });
    let sources: [(&str, PathBuf); 3] = [(&of_store, store_file), (&of_cache, cache_file), (&of_cache, files.path().join("cache"))];
    for (said, file) in sources {
        let sizes = Sizes::read(&[&file]).expect("sizes");
        let said: Vec<Value> = serde_json::from_str(said).expect("a list");
        let said: BTreeMap<&str, &Value> = said.iter().map(|info| (info["path"].as_str().expect("a path"), info)).collect();
        assert_eq!(sizes.files()[0].paths, said.len());
        assert!(said.values().any(|info| info["closureSize"].as_u64() > info["narSize"].as_u64()));
        for (path, info) in &said {
            let hash = StorePath::parse(path).expect("a path").hash;
            let closure = sizes.closure([hash]);
            assert_eq!((Some(closure.nar), closure.unknown), (info["closureSize"].as_u64(), 0), "{path}");
            let size = sizes.get(hash).expect(path);
            assert_eq!((Some(size.nar), size.download), (info["narSize"].as_u64(), info["downloadSize"].as_u64()), "{path}");
        }
        let costs = Costs::new(&graph, Sources { sizes: Some(sizes), ..Sources::default() }).expect("sizes only");
        let built = graph.derivations().filter(|derivation| !derivation.is_fixed_output()).map(Derivation::ix);
        let built = graph.set_of(built);
        let bytes = costs.bill(&built).bytes.expect("sizes were given");
        let paths: BTreeSet<String> =
            built.iter().flat_map(|ix| graph.derivation(ix).outputs()).filter_map(|output| output.path()).collect();
        let known: Vec<&Value> = paths.iter().filter_map(|path| said.get(path.as_str()).copied()).collect();
        assert_eq!((bytes.nar, bytes.nar_outputs), (known.iter().filter_map(|info| info["narSize"].as_u64()).sum(), known.len()));
        let downloads: Vec<u64> = known.iter().filter_map(|info| info["downloadSize"].as_u64()).collect();
        assert_eq!((bytes.download, bytes.download_outputs), (downloads.iter().sum::<u64>(), downloads.len()));
    }
}

/// How far estimates are off.
#[derive(Default)]
struct Errors {
    /// Logarithms of how many times too large or too small.
    factors: Vec<f64>,
    estimated: f64,
    actual: f64,
}

impl Errors {
    fn add(&mut self, estimate: u32, actual: u32) {
        let (estimate, actual) = (f64::from(estimate), f64::from(actual));
        self.factors.push((estimate / actual).ln().abs());
        self.estimated += estimate;
        self.actual += actual;
    }

    /// How many times too large or too small an estimate is as a rule.
    fn typical(&mut self) -> f64 {
        self.factors.sort_by(f64::total_cmp);
        self.factors[self.factors.len() / 2].exp()
    }

    /// The sum of the estimates, in that of what they are of.
    fn total(&self) -> f64 {
        self.estimated / self.actual
    }
}

fn model(graph: &Graph, rows: &[&str]) -> Model {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), format!("name,seconds\n{}\n", rows.join("\n"))).expect("written");
    Model::new(graph, &Durations::read(&[file.path()]).expect("a table")).expect("it is of this evaluation")
}

/// Every fourth row is left out, four times, and what it would have measured is estimated from the others: by the model, and
/// by one number for everything.
#[test]
fn estimates_against_one_number_for_everything() {
    let (Some(Nixpkgs { graph, .. }), Some(directory)) = (nixpkgs(), directory()) else { return };
    let table = fs::read_to_string(directory.join("durations-synthetic.csv")).expect("it is there");
    let rows: Vec<&str> = table.lines().skip(1).collect();
    let whole = model(graph, &rows);
    let (mut by_model, mut by_mean, mut by_one) = (Errors::default(), Errors::default(), Errors::default());
    for fold in 0..4 {
        let kept: Vec<&str> = rows.iter().enumerate().filter(|(at, _)| at % 4 != fold).map(|(_, row)| *row).collect();
        let part = model(graph, &kept);
        let compiled = || graph.derivations().filter(|derivation| !derivation.is_fixed_output()).map(Derivation::ix);
        let mut measured: Vec<u32> = compiled().filter(|&ix| part.evidence(ix).is_measured()).map(|ix| part.seconds(ix)).collect();
        measured.sort_unstable();
        let one = measured[measured.len() / 2];
        for ix in compiled().filter(|&ix| whole.evidence(ix).is_measured() && !part.evidence(ix).is_measured()) {
            by_model.add(part.seconds(ix), whole.seconds(ix));
            by_mean.add(part.mean_seconds(ix), whole.seconds(ix));
            by_one.add(one, whole.seconds(ix));
        }
    }
    println!(
        "{} estimates; off by a factor of {:.2} as a rule, {:.2} with one number; in all {:.2} of what it is, {:.2} with means, {:.2} with one number",
        by_model.factors.len(),
        by_model.typical(),
        by_one.typical(),
        by_model.total(),
        by_mean.total(),
        by_one.total()
    );
    // These build times were drawn without regard to classes: there is nothing to gain from them, and nothing to lose.
    assert!(by_model.typical() < by_one.typical() * 1.02);
    // Medians of skewed times make too small a sum, by the more, the more is not measured.
    assert!((0.7..1.4).contains(&by_mean.total()));
    assert!((by_mean.total() - 1.0).abs() < (by_model.total() - 1.0).abs());
}

#[test]
fn cached_is_what_has_all_outputs_in_the_list() {
    let (Some(Nixpkgs { graph, .. }), Some(directory)) = (nixpkgs(), directory()) else { return };
    let list = directory.join("store-paths.xz");
    let availability = Availability::read(&[&list]).expect("a list");
    let mut text = String::new();
    liblzma::read::XzDecoder::new(fs::File::open(&list).expect("it is there")).read_to_string(&mut text).expect("it is whole");
    let listed: HashSet<&str> = text.lines().collect();
    let mut counted: BTreeMap<Presence, usize> = BTreeMap::new();
    for derivation in graph.derivations() {
        let is_listed = derivation.outputs().all(|output| output.path().is_some_and(|path| listed.contains(path.as_str())));
        let expected = if is_listed { Presence::Cached } else { Presence::Absent };
        assert_eq!(availability.derivation(derivation), expected, "{derivation:?}");
        *counted.entry(expected).or_default() += 1;
    }
    assert_eq!(counted.len(), 2, "{counted:?}");
}
