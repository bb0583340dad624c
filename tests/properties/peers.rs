//! Random graphs, asked of rustworkx and networkx too: closures, levels, and packages that need each other.
//!
//! They are modules of Python, in `target/python` (where `.ci/run` puts them), or of `python3` on the path. Where they are not there
//! nothing is asked, and said so. `WAVES_RANDOM_GRAPHS` is how many graphs are; what differs is shrunk.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::json;
use waves_core::graph::{ClosureSums, PackageIx};
use waves_core::plan::{Cycle, PlanOptions, plan};

use crate::strategy::with_roots;
use crate::support::Imported;

const GRAPHS: u32 = 1_000;

/// What the others say of a graph.
#[derive(Debug, Deserialize)]
struct Answer {
    /// How many nodes each node reaches, itself among them.
    sizes: Vec<u64>,
    /// What the roots reach, level by level.
    levels: Vec<BTreeSet<usize>>,
    /// Packages that reach each other along what the roots reach.
    cycles: BTreeSet<BTreeSet<usize>>,
}

/// A Python that answers a line for each line.
struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let candidates = [root.join("target/python/bin/python"), PathBuf::from("python3")];
        let has_both = |python: &&PathBuf| {
            let import = Command::new(python).args(["-c", "import networkx, rustworkx"]).stderr(Stdio::null()).status();
            import.is_ok_and(|status| status.success())
        };
        let Some(python) = candidates.iter().find(has_both) else {
            println!(
                "skipped: no Python has networkx and rustworkx (python3 -m venv target/python && target/python/bin/pip install networkx rustworkx)"
            );
            return None;
        };
        let script = root.join("tests/properties/peers.py");
        let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, questions, answers })
    }

    fn ask(&mut self, question: &serde_json::Value) -> Answer {
        writeln!(self.questions.as_mut().expect("it is open"), "{question}").expect("it reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?} to {question}"))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

#[test]
fn rustworkx_and_networkx_say_the_same() {
    let Some(python) = Python::start() else { return };
    let python = RefCell::new(python);
    let cases = std::env::var("WAVES_RANDOM_GRAPHS").map_or(GRAPHS, |graphs| graphs.parse().expect("a number"));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let (nodes, edges) = (RefCell::new(0), RefCell::new(0));
    let ran = TestRunner::new(config).run(&with_roots(40), |(set, roots)| {
        let imported = Imported::new(&set);
        let package = |at: usize| imported.graph.derivation(imported.ix(at)).package().ix();
        let users: Vec<(usize, usize)> = set.all().flat_map(|at| set.users(at).map(move |user| (at, user))).collect();
        let packages: Vec<usize> = set.all().map(|at| package(at).get()).collect();
        *nodes.borrow_mut() += packages.len();
        *edges.borrow_mut() += users.len();
        let answer = python.borrow_mut().ask(&json!({ "packages": packages, "edges": users, "roots": roots }));

        let sums = ClosureSums::new(&imported.graph, vec![[1]; imported.graph.derivation_count()]);
        let sizes: Vec<u64> = set.all().map(|at| sums.get(imported.ix(at))[0]).collect();
        prop_assert_eq!(sizes, answer.sizes);

        let planned = plan(&imported.graph, vec![imported.root(roots.iter().copied())], &PlanOptions::default()).expect("it has edges");
        let level = |level: &Vec<_>| level.iter().map(|&ix| imported.at(ix)).collect::<BTreeSet<usize>>();
        prop_assert_eq!(planned.levels.iter().map(level).collect::<Vec<_>>(), answer.levels);

        let members = |cycle: &Cycle| cycle.packages.iter().map(|ix: &PackageIx| ix.get()).collect();
        let cycles: BTreeSet<BTreeSet<usize>> = planned.cycles.iter().map(members).collect();
        prop_assert_eq!(cycles, answer.cycles);
        Ok(())
    });
    println!("{cases} graphs of {} nodes and {} edges", nodes.borrow(), edges.borrow());
    if let Err(error) = ran {
        panic!("{error}");
    }
}
