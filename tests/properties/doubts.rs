//! When two evaluations do not look like neighbours.

use serde_json::{Value, json};
use waves_core::analysis::{Diff, Doubt};
use waves_core::graph::Graph;

use crate::support::import;

const STORE: &str = "/nix/store";

/// An evaluation: attributes that need one derivation.
#[derive(Clone)]
struct Evaluation {
    attributes: Vec<(String, &'static str)>,
    store: &'static str,
    /// What `meta` says of the first so many attributes.
    flagged: (&'static str, usize),
    has_meta: bool,
}

impl Evaluation {
    /// So many attributes at the top level, and so many in a set.
    fn new(top: usize, set: usize) -> Self {
        let top = (0..top).map(|at| format!("a{at}"));
        let set = (0..set).map(|at| format!("set.b{at}"));
        Self {
            attributes: top.chain(set).map(|path| (path, "x86_64-linux")).collect(),
            store: STORE,
            flagged: ("broken", 0),
            has_meta: true,
        }
    }

    fn flagged(self, flag: &'static str, count: usize) -> Self {
        Self { flagged: (flag, count), ..self }
    }

    fn path(&self, at: usize, ending: &str) -> String {
        format!("{}/{at:032}-{at}{ending}", self.store)
    }

    fn jobs(&self, has_inputs: bool) -> String {
        let (flag, count) = self.flagged;
        let line = |(at, (path, system)): (usize, &(String, &str))| {
            let mut line = json!({
                "attr": path, "system": system, "drvPath": self.path(at + 1, ".drv"), "outputs": { "out": self.path(at + 1, "") },
                "meta": if self.has_meta { json!({ "description": "described", (flag): at < count }) } else { json!({}) },
            });
            if has_inputs {
                line["inputDrvs"] = json!({ (self.path(0, ".drv")): ["out"] });
            }
            line.to_string()
        };
        self.attributes.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    fn derivations(&self) -> Value {
        let entry = |at: usize| {
            let inputs = if at == 0 { json!({}) } else { json!({ (self.path(0, ".drv")): ["out"] }) };
            let outputs = json!({ "out": { "path": self.path(at, "") } });
            let system = if at == 0 { "x86_64-linux" } else { self.attributes[at - 1].1 };
            let entry = json!({ "outputs": outputs, "inputDrvs": inputs, "inputSrcs": [], "system": system, "env": {} });
            (self.path(at, ".drv"), entry)
        };
        (0..=self.attributes.len()).map(entry).collect::<serde_json::Map<_, _>>().into()
    }

    fn graph(&self) -> Graph {
        import(&[("derivations.json", self.derivations().to_string()), ("jobs.jsonl", self.jobs(false))])
    }
}

fn doubts(before: &Graph, after: &Graph) -> Vec<Doubt> {
    Diff::new(before, after, false).doubts
}

#[test]
fn neighbours_are_not_doubted() {
    let (before, after) = (Evaluation::new(30, 10), Evaluation::new(31, 10));
    assert_eq!(doubts(&before.graph(), &after.graph()), []);
}

#[test]
fn other_systems_and_stores_are() {
    let before = Evaluation::new(30, 10);
    let mut after = before.clone();
    after.attributes[3].1 = "aarch64-linux";
    let systems = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    assert_eq!(
        doubts(&before.graph(), &after.graph()),
        [Doubt::Systems(systems(&["x86_64-linux"]), systems(&["aarch64-linux", "x86_64-linux"]))]
    );
    let after = Evaluation { store: "/gnu/store", ..before.clone() };
    assert_eq!(doubts(&before.graph(), &after.graph()), [Doubt::StoreDirs(STORE.to_owned(), "/gnu/store".to_owned())]);
}

/// More than a twentieth of the attributes are in sets that the other does not have.
#[test]
fn an_evaluation_of_less_is() {
    let sets = || vec!["set".to_owned()];
    for (top, set, is_much) in [(38, 2, false), (37, 2, true), (36, 4, true), (100, 5, false), (1, 0, false)] {
        let (whole, part) = (Evaluation::new(top, set).graph(), Evaluation::new(top, 0).graph());
        let if_much = |doubt: Doubt| if is_much { vec![doubt] } else { Vec::new() };
        assert_eq!(doubts(&whole, &part), if_much(Doubt::OnlyBefore(sets(), set)), "{top} and {set}");
        assert_eq!(doubts(&part, &whole), if_much(Doubt::OnlyAfter(sets(), set)), "{top} and {set}");
    }
}

/// One has twenty of a kind, and the other none.
#[test]
fn another_policy_is() {
    let plain = Evaluation::new(40, 0);
    for flag in ["broken", "unfree", "insecure"] {
        for (before, after, is_remarkable) in [(20, 0, true), (0, 20, true), (19, 0, false), (20, 1, false), (30, 30, false)] {
            let found = doubts(&plain.clone().flagged(flag, before).graph(), &plain.clone().flagged(flag, after).graph());
            assert_eq!(found, if is_remarkable { vec![Doubt::Policy(flag)] } else { Vec::new() }, "{before} and {after} {flag}");
        }
        // A dump without any `meta` does not say that there is none of the kind.
        let (silent, flagged) = (Evaluation { has_meta: false, ..plain.clone() }.graph(), plain.clone().flagged(flag, 20).graph());
        assert_eq!([doubts(&silent, &flagged), doubts(&flagged, &silent)], [[], []]);
    }
}

#[test]
fn what_has_no_edges_or_no_recipes_is() {
    let evaluation = Evaluation::new(30, 0);
    let whole = evaluation.graph();
    for (lines, doubt) in [(false, Doubt::NoEdges as fn(&'static str) -> Doubt), (true, Doubt::NoRecipes)] {
        let partial = import(&[("jobs.jsonl", evaluation.jobs(lines))]);
        assert_eq!(doubts(&whole, &partial), [doubt("after")]);
        assert_eq!(doubts(&partial, &whole), [doubt("before")]);
        assert_eq!(doubts(&partial, &partial), [doubt("before"), doubt("after")]);
    }
}
