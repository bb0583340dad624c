//! Names that want to be more than names, and reports that are full of them.

use proptest::prelude::*;
use proptest::sample::select;
use waves_core::analysis::{AttributeChanges, AttributeName, Root};
use waves_core::config::Config;
use waves_core::graph::Graph;
use waves_core::policy::{Circumstances, Subject};
use waves_core::report::{Basis, CheckReport, Judged};

const PIECES: [&str; 58] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=y>",
    "<!-- ",
    "-->",
    "</details>",
    "</summary>",
    "&lt;",
    "&#60;",
    "&amp;",
    "[a](http://b)",
    "![a](b)",
    "[a]: http://b",
    "[^1]",
    "[ ] ",
    "`",
    "``",
    "```",
    "~~~",
    "~~",
    "**",
    "__",
    "_",
    "*",
    "$x$",
    "$$",
    "#1",
    "@team",
    "@a/b",
    "https://example.org",
    "http://x.y",
    "www.example.org",
    "ftp://x.y",
    "mailto:a@b.c",
    "a@b.org",
    "| a |",
    "|---|",
    "\\",
    "\\`",
    "\n",
    "\r\n",
    "\n\n# x",
    "\n- x",
    "1. ",
    "- ",
    "+ ",
    "===",
    "---",
    "    ",
    "\t",
    ":tada:",
    "::error file=a::b",
    "##[error]x",
    "%0A",
    "%",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{85}",
    "GH-1",
];

/// A name of such pieces and of other characters.
pub(crate) fn name() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![4 => select(&PIECES).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from), 1 => "[a-z0-9 .,:]{1,6}"];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// What is shown of a name: what a terminal or a browser would obey is replaced.
pub(crate) fn shown(name: &str) -> String {
    let is_turning = |character| matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().map(|character| if character.is_control() || is_turning(character) { '\u{fffd}' } else { character }).collect()
}

/// Names for every place that a report has for one.
#[derive(Clone, Debug)]
pub(crate) struct Hostile {
    pub(crate) attributes: Vec<String>,
    pub(crate) causes: Vec<String>,
    pub(crate) base: String,
    pub(crate) remark: String,
    pub(crate) reason: String,
    pub(crate) kernel: String,
    pub(crate) files: Vec<String>,
    pub(crate) repeats: usize,
}

prop_compose! {
    pub(crate) fn hostile()(
        attributes in prop::collection::vec(name(), 0..6),
        causes in prop::collection::vec(name(), 0..4),
        base in name(),
        remark in name(),
        reason in name(),
        kernel in name(),
        files in prop::collection::vec(name(), 0..14),
        repeats in select(&[1_usize, 1, 1, 1, 300, 2000]),
    ) -> Hostile {
        Hostile { attributes, causes, base, remark, reason, kernel, files, repeats }
    }
}

impl Hostile {
    /// A report of all of them.
    pub(crate) fn report(&self, graph: &Graph) -> CheckReport {
        let named = |name: &String, at: usize| AttributeName { path: format!("{name}{at}"), system: "x86_64-linux".to_owned() };
        let repeated = |repeats: usize| (0..repeats).flat_map(|at| self.attributes.iter().map(move |name| named(name, at)));
        let mut rebuilds: Vec<AttributeName> = repeated(self.repeats).collect();
        rebuilds.sort();
        rebuilds.dedup();
        let mut added: Vec<AttributeName> = repeated(1).collect();
        added.sort();
        added.dedup();
        let attributes = AttributeChanges { changed: rebuilds.clone(), removed: added.clone(), added, rebuilds };
        let no_longer_evaluated = &attributes.removed[..attributes.removed.len() / 2];
        let face = graph.derivations().next().expect("there are some").ix();
        let cause = |name: &String| Root { selector: name.clone(), face, derivations: vec![face] };
        let causes: Vec<Root> = self.causes.iter().map(cause).collect();
        let mut policy = Config::default().policy;
        policy.labels.kernels.push(self.kernel.clone());
        if !self.reason.trim().is_empty() {
            let text = toml_text(&self.reason);
            let protected = format!("[[policy.protected]]\npackages = [\"?*\"]\nreason = {text}");
            policy.protected = Config::parse(&protected, "waves.toml").expect("a policy").policy.protected;
        }
        let rebuilt = graph.empty_set();
        let circumstances =
            Circumstances { base: Some(&self.base), remarks: std::slice::from_ref(&self.remark), ..Circumstances::default() };
        let subject = Subject { graph, before: graph, attributes: &attributes, no_longer_evaluated, rebuilds: &rebuilt };
        CheckReport::new(Judged { subject, causes: &causes, basis: Basis::Estimated, before: None }, &policy, &circumstances, 20)
    }
}

/// A text as TOML writes it: JSON's escapes are TOML's too, but for two.
fn toml_text(text: &str) -> String {
    let escape = |character: char| match character {
        '\u{7f}' => "\\u007F".to_owned(),
        other => other.to_string(),
    };
    serde_json::to_string(text).expect("a string").chars().map(escape).collect()
}
