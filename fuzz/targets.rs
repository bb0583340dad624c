//! What is done with the bytes of a fuzzer: each reader by name. cargo-fuzz runs them for as long as one likes (fuzz/README.md), and
//! `cargo test --test fuzz` runs them over everything in `fuzz/corpus`.
//!
//! A reader may refuse what it is given. It may not panic; what it takes must be sound: a graph is written and opened again as the
//! same graph, answers every question, and its plan passes the verification. A forged snapshot with right checksums may contradict
//! itself, as it may lie about anything; then the verification may say so, and still nothing may panic.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;
use twox_hash::XxHash3_64;
use waves_core::analysis::{Impact, RankOptions, Root, Scope, Why, rank, select};
use waves_core::cadence::Releases;
use waves_core::config::Config;
use waves_core::cost::narinfo::NarInfo;
use waves_core::cost::{Availability, Durations, Sizes};
use waves_core::error::Result;
use waves_core::estimate::{Repository, estimate};
use waves_core::graph::{Derivation, Direction, Graph};
use waves_core::history::History;
use waves_core::ingest::Input;
use waves_core::ledger::{FILE_NAME, Ledger, Results};
use waves_core::major::{PlanFile, Updates};
use waves_core::notify::Owners;
use waves_core::plan::{PlanOptions, Violation, plan, verify};

/// A reader, and the name of its corpus.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them. The first five read dumps, each from the examples of its formats.
pub(crate) const TARGETS: [Target; 18] = [
    ("derivation-json", dump),
    ("derivation-file", derivation_file),
    ("evaluation", dump),
    ("names", dump),
    ("archive", dump),
    ("snapshot", snapshot),
    ("history", history),
    ("configuration", configuration),
    ("updates", updates),
    ("plan", plan_file),
    ("ledger", ledger),
    ("results", results),
    ("durations", durations),
    ("sizes", sizes),
    ("narinfo", narinfo),
    ("owners", owners),
    ("repository", repository),
    ("selector", selector),
];

/// The graph that selectors and repositories are about.
static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let dumps = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|directory| directory.join("data/dumps"));
    let dumps = dumps.into_iter().find(|dumps| dumps.is_dir()).expect("the package set of the repository");
    let inputs = ["derivations.json", "eval-jobs.jsonl"].map(|name| Input::Path(dumps.join(name)));
    Graph::import(&inputs, &()).expect("imports")
});

/// A directory in memory, if there is one.
fn directory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).expect("a directory")
}

/// Runs a reader of files on a file with these bytes.
fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let directory = directory();
    let path = directory.path().join(name);
    fs::write(&path, bytes).expect("writes");
    read(&path)
}

fn dump(bytes: &[u8]) {
    let mut file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).expect("a file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("writes");
    taken(Graph::import(&[Input::File { name: "dump".to_owned(), file }], &()));
}

fn derivation_file(bytes: &[u8]) {
    let name = "0123456789abcdfghijklmnpqrsvwxyz-name-1.0.drv";
    with_file(name, bytes, |path| taken(Graph::import(&[Input::Path(path.to_owned())], &())));
}

/// What was taken is a whole graph.
fn taken(graph: Result<Graph>) {
    let Ok(graph) = graph else { return };
    let directory = directory();
    let path = directory.path().join("graph.waves");
    graph.write(&path).expect("writes");
    let opened = Graph::open(&path).expect("what was written is sound");
    assert_eq!(opened.digest(), graph.digest());
    assert_eq!(ask(&opened), []);
}

/// Asks everything: what the verification says against the plan.
fn ask(graph: &Graph) -> Vec<Violation> {
    for derivation in graph.derivations() {
        let _ = (derivation.path(), derivation.label(), derivation.package().face().label(), derivation.src().map(Derivation::path));
        let _: usize = derivation.inputs().map(|(input, outputs)| graph.derivation(input).name().len() + outputs.count()).sum();
        let _: usize = derivation.outputs().filter_map(|output| output.path()).map(|path| path.len()).sum();
    }
    for attribute in graph.attributes() {
        let _ = (attribute.path(), attribute.derivation().map(|derivation| derivation.name()), attribute.is_off_hydra(), attribute.error());
    }
    let _ = rank(graph, RankOptions::default());
    let Some(first) = graph.derivations().next() else { return Vec::new() };
    let last = graph.derivations().next_back().map_or(first.ix(), |derivation| derivation.ix());
    let root = |ix| vec![Root { selector: "root".to_owned(), face: ix, derivations: vec![ix] }];
    let _ = Why::new(graph, &root(first.ix()), &root(last));
    if let Ok(impact) = Impact::new(graph, &root(first.ix()), Direction::Dependents, None, None) {
        assert!(impact.rebuild_counts().derivations > 0);
    }
    plan(graph, root(first.ix()), &PlanOptions::default()).map_or_else(|_| Vec::new(), |plan| verify(graph, &plan))
}

/// Bytes of the header of a snapshot, of an entry of its table, and of a section's alignment: docs/formats.md has the layout.
const HEADER: usize = 48;
const ENTRY: usize = 24;
const ALIGNMENT: usize = 16;

/// A snapshot whose checksums are right, as of somebody who means harm: no other is looked into.
fn snapshot(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    with_file("graph.waves", &bytes, |path| {
        if let Ok(graph) = Graph::open(path) {
            drop(ask(&graph));
        }
    });
}

/// Corrects the checksums as far as the bytes are a snapshot.
fn seal(bytes: &mut [u8]) -> Option<()> {
    let number = |bytes: &[u8], at: usize| Some(usize::from_ne_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?));
    let count = number(bytes, 24)?.min(1000);
    for entry in (0..count).map(|index| HEADER + index * ENTRY) {
        let (start, length) = (number(bytes, entry)?, number(bytes, entry + 8)?);
        let checksum = XxHash3_64::oneshot(bytes.get(start..start.checked_add(length)?)?);
        bytes.get_mut(entry + 16..entry + 24)?.copy_from_slice(&checksum.to_ne_bytes());
    }
    let body = (HEADER + count * ENTRY).next_multiple_of(ALIGNMENT);
    let table = XxHash3_64::oneshot(bytes.get(HEADER..body)?);
    bytes[32..40].copy_from_slice(&table.to_ne_bytes());
    let header = XxHash3_64::oneshot(&bytes[..40]);
    bytes[40..48].copy_from_slice(&header.to_ne_bytes());
    Some(())
}

/// How a history begins: docs/formats.md has the layout.
const HISTORY: &[u8] = b"\x89wavhis\n\x01\0\0\0";

/// A history: what begins as one, and anything else behind right checksums, for no other is looked into.
fn history(bytes: &[u8]) {
    let file = if bytes.starts_with(&HISTORY[..8]) { bytes.to_vec() } else { forged_history(bytes) };
    with_file("set.history", &file, |path| {
        let Ok(history) = History::open(path) else { return };
        for at in 0..history.derivation_count() {
            let _ = (history.derivation(at), history.base_name(at), history.inputs(at).count(), history.outputs(at).count());
        }
        let _ = (history.lives().count(), history.namings().count(), history.rebuilds(&["*".to_owned()], Scope::Package));
    });
}

/// A history of two evaluations, as of somebody who means harm. The first two bytes say where the second evaluation begins; the rest is
/// what is packed.
fn forged_history(bytes: &[u8]) -> Vec<u8> {
    let (length, bytes) = bytes.split_first_chunk().unwrap_or((&[0; 2], bytes));
    let (first, second) = bytes.split_at(bytes.len().min(u16::from_le_bytes(*length).into()));
    let mut file = HISTORY.to_vec();
    for frame in [first, second] {
        let body = zstd::bulk::compress(frame, 1).expect("compresses");
        let lengths = [body.len(), frame.len()].map(|length| u32::try_from(length).expect("it is small").to_le_bytes());
        let mut header = [lengths.concat(), XxHash3_64::oneshot(&body).to_le_bytes().to_vec()].concat();
        let checksum = XxHash3_64::oneshot(&header);
        header.extend(checksum.to_le_bytes());
        file.extend([header, body].concat());
    }
    file
}

fn configuration(bytes: &[u8]) {
    let _ = Config::parse(&String::from_utf8_lossy(bytes), "waves.toml");
}

fn updates(bytes: &[u8]) {
    let _ = Updates::parse(&String::from_utf8_lossy(bytes), "updates");
}

fn plan_file(bytes: &[u8]) {
    let _ = PlanFile::parse(bytes, "plan.json");
}

fn ledger(bytes: &[u8]) {
    with_file(FILE_NAME, bytes, |path| {
        let _ = Ledger::read(path.parent().expect("a directory"));
    });
}

fn results(bytes: &[u8]) {
    let _ = Results::parse(bytes, "results");
}

fn durations(bytes: &[u8]) {
    with_file("durations", bytes, |path| {
        let _ = Durations::read(&[path]);
        let _ = Releases::read(path);
    });
}

fn sizes(bytes: &[u8]) {
    with_file("sizes", bytes, |path| {
        let _ = (Sizes::read(&[path]), Availability::read(&[path]));
    });
}

/// What is taken for a narinfo is one whatever follows: a key that nobody knows is passed over.
fn narinfo(bytes: &[u8]) {
    if let Ok(known) = NarInfo::parse("narinfo", bytes) {
        let longer = [bytes, b"Unknown: key\n"].concat();
        assert_eq!(NarInfo::parse("narinfo", &longer).ok(), Some(known));
    }
}

fn owners(bytes: &[u8]) {
    let _ = Owners::parse("OWNERS", &String::from_utf8_lossy(bytes));
}

/// A commit that changes a file of the set from the first half of the bytes to the second; they are parted by a NUL.
fn repository(bytes: &[u8]) {
    let at = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let states = [&bytes[..at], bytes.get(at + 1..).unwrap_or_default()];
    let directory = directory();
    commit(directory.path(), states).expect("a repository");
    let compared = Repository::discover(directory.path()).and_then(|repository| repository.compare("HEAD~..HEAD"));
    let estimated = compared.and_then(|comparison| estimate(&GRAPH, &comparison)).expect("the repository can be read");
    // What it is foretold to rebuild is within its bound.
    let most = estimated.at_most(&GRAPH);
    if let Ok(change) = estimated.into_change(&GRAPH) {
        assert!(change.impact.rebuilds().iter().all(|ix| most.contains(ix)));
    }
}

/// A bare repository with a commit for each state of the file.
fn commit(directory: &Path, states: [&[u8]; 2]) -> std::result::Result<(), git2::Error> {
    let git = git2::Repository::init_bare(directory)?;
    let signature = git2::Signature::new("Ada", "ada@example.org", &git2::Time::new(0, 0))?;
    let mut parent = None;
    for state in states {
        let mut tree = git.blob(state)?;
        for (name, mode) in [("default.nix", 0o100_644), ("zlib", 0o040_000), ("pkgs", 0o040_000)] {
            let mut builder = git.treebuilder(None)?;
            builder.insert(name, tree, mode)?;
            tree = builder.write()?;
        }
        let tree = git.find_tree(tree)?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = git.commit(Some("HEAD"), &signature, &signature, "A state", &tree, &parents)?;
        parent = Some(git.find_commit(id)?);
    }
    Ok(())
}

/// What is found is something, and each selector by itself finds a part of it.
fn selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let selectors: Vec<String> = text.lines().map(str::to_owned).collect();
    for scope in [Scope::Package, Scope::Exact] {
        if let Ok(roots) = select(&GRAPH, &selectors, scope, None) {
            assert!(selectors.is_empty() || roots.iter().all(|root| !root.derivations.is_empty()));
        }
    }
}
