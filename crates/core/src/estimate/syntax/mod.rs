//! What a Nix file is made of, as far as the estimate asks: its bindings, what they mention, and which files they name.
//!
//! An [`Outline`] is made of a file's text alone. Two outlines tell which bindings differ in something that a build can
//! see: whitespace, comments, the order of bindings, `meta`, `passthru.tests` and `passthru.updateScript` are left out.

mod nodes;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use rnix::SyntaxKind;
use sha2::{Digest as _, Sha256};
use walk::Walk;

/// Deepest nesting that is parsed. Parser and walk recurse: at this depth they need some megabytes of [`STACK`].
const MAX_DEPTH: usize = 4_000;
/// Stack of the thread that parses, in bytes. Only what is used of it is ever there.
const STACK: usize = 256 << 20;
/// Steps that the tokenizer may need at most.
const MAX_WORK: u64 = 1 << 30;

/// A file or directory of the repository that a Nix file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reference {
    /// Its path from the top of the repository; empty for the top itself.
    pub(super) target: String,
    /// Whether everything below it is meant, if it is a directory: a source tree, or a path that goes on behind `${`.
    pub(super) is_tree: bool,
}

impl Reference {
    /// Whether it means a file.
    pub(super) fn names(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.target).filter(|_| !self.target.is_empty());
        match rest {
            Some("" | "/default.nix") => true,
            Some(rest) => self.is_tree && rest.starts_with('/'),
            None => self.target.is_empty() && (self.is_tree || path == "default.nix"),
        }
    }
}

/// A part of a file: a binding, or what is around the bindings.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// The keys that lead to it; empty for what is around the bindings.
    pub(super) path: Vec<String>,
    /// Hash of what a build can see of it.
    pub(super) hash: u128,
    /// Which of the file's sets and `let`s it stands in, from the first.
    block: usize,
    /// Identifiers in it, those behind a dot included, keys not.
    pub(super) names: BTreeSet<String>,
    /// Identifiers that something is taken from, or that are all there is: `a` of `a.src`, `inherit (a) src` and `x = a`.
    pub(super) sources: BTreeSet<String>,
    /// Files that it names.
    pub(super) references: Vec<Reference>,
    /// Whether it only says that there is nothing: `x = throw "x was removed"`.
    pub(super) throws: bool,
}

impl Part {
    /// Whether it is a set that evaluations recurse into, as far as the function tells that it is handed to.
    pub(super) fn recurses(&self) -> bool {
        self.names.contains("recurseIntoAttrs")
    }
}

/// What a Nix file is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// Hash of all that is no whitespace and no comment.
    text: u128,
    /// What is around the bindings.
    pub(super) context: Part,
    /// Bindings of `let`s around the result.
    pub(super) lets: Vec<Part>,
    /// Bindings of the sets that the file results in, or that it hands to the function that makes its result.
    pub(super) members: Vec<Part>,
    /// Each binding at any depth, with a hash of what stands in it and in no binding below.
    leaves: Vec<(String, u128)>,
    /// Bindings of `meta` that other packages read.
    read_meta: BTreeMap<String, u128>,
    /// What no build is taken to see, by the keys that lead to it.
    metas: Vec<(Vec<String>, u128)>,
    /// Whether anything but a definition of `meta` mentions it.
    pub(super) reads_meta: bool,
    /// Files that are named where no build sees it.
    pub(super) unseen: Vec<Reference>,
}

/// What differs between two outlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What a build can see of it.
    pub(super) seen: Seen,
    /// Whether only whitespace and comments differ, if anything.
    pub(super) is_same_text: bool,
    /// Keys of the innermost bindings that differ, dotted; empty if only what is around them does.
    pub(super) leaves: BTreeSet<String>,
    /// Keys of `meta` that differ and that other packages read.
    pub(super) read_meta: BTreeSet<String>,
    /// Keys that lead to what differs and is taken to be unseen.
    pub(super) metas: BTreeSet<Vec<String>>,
}

/// What a build can see of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing.
    Nothing,
    /// These bindings of the result, by path; they were changed, or mention what was.
    Members(BTreeSet<Vec<String>>),
    /// The file as a whole.
    Whole,
}

/// Where a file lies, and what is around it.
pub(super) struct Place<'a> {
    /// Its path from the top of the repository.
    pub(super) path: &'a str,
    /// Where a file of the repository is after the change, if that is another path.
    pub(super) moved: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// Parses a file; `None` if it is no Nix expression, nested too deep, or takes too many steps.
///
/// O(length) as a rule, and no more than [`walk::MAX_STEPS`], on a thread with a large stack: hostile input can neither overflow it nor panic.
pub(super) fn outline(text: &str, place: &Place<'_>) -> Option<Outline> {
    if !is_tame(text) || depth_bound(text) > MAX_DEPTH {
        return None;
    }
    thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(text, place)).ok()?;
        parser.join().ok().flatten()
    })
}

fn parse(text: &str, place: &Place<'_>) -> Option<Outline> {
    let root = rnix::Root::parse(text).ok().ok()?;
    let expression = root.expr()?;
    let mut outline = Walk::new(place, false).outline(&expression)?;
    // Who reads `meta` can build something from it.
    if outline.parts().any(|part| part.names.contains("meta")) {
        let reads_meta = outline.reads_meta;
        outline = Outline { reads_meta, ..Walk::new(place, true).outline(&expression)? };
    }
    outline.text = text_hash(text);
    Some(outline)
}

/// Whether the text can be cut into tokens in reasonable time: at every token, the tokenizer looks for a slash behind all
/// that may be in a path, so that a run of such characters costs the square of its length.
pub(super) fn is_tame(text: &str) -> bool {
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.+-".contains(&byte);
    let (mut work, mut run) = (0_u64, 0_u64);
    for byte in text.bytes() {
        run = if is_path(byte) { run + 1 } else { 0 };
        work += run;
    }
    work <= MAX_WORK
}

/// No tree that a parser makes of the text is deeper, apart from what the parser limits itself: the open brackets, and
/// the tokens behind each of them since a `;`.
fn depth_bound(text: &str) -> usize {
    use SyntaxKind::{
        TOKEN_DOT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_L_BRACE, TOKEN_L_BRACK, TOKEN_L_PAREN, TOKEN_OR, TOKEN_R_BRACE,
        TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_SEMICOLON,
    };
    // For each open bracket: which, and the tokens behind it.
    let mut levels: Vec<(SyntaxKind, usize)> = Vec::new();
    let mut level = (TOKEN_L_PAREN, 0_usize);
    let (mut below, mut deepest) = (0, 0);
    for (kind, _) in rnix::tokenize(text).filter(|(kind, _)| !kind.is_trivia()) {
        match kind {
            TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START => {
                below += level.1 + 1;
                levels.push(std::mem::replace(&mut level, (kind, 0)));
            }
            TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END => {
                if let Some(outer) = levels.pop() {
                    below -= outer.1 + 1;
                    level = (outer.0, outer.1 + usize::from(outer.0 != TOKEN_L_BRACK));
                }
            }
            TOKEN_SEMICOLON => level.1 = 0,
            // Items of a list stand beside each other.
            _ if level.0 == TOKEN_L_BRACK && !matches!(kind, TOKEN_OR | TOKEN_DOT) => {}
            _ => level.1 += 1,
        }
        deepest = deepest.max(below + level.1);
    }
    deepest
}

/// Hash of the tokens, without whitespace, comments, and the commas that only formatters care about.
fn text_hash(text: &str) -> u128 {
    let mut hasher = Digest::default();
    for (kind, token) in rnix::tokenize(text) {
        if kind.is_trivia() || kind == SyntaxKind::TOKEN_COMMA {
            continue;
        }
        hasher.write(&(kind as u16).to_le_bytes());
        if kind == SyntaxKind::TOKEN_STRING_CONTENT {
            // A formatter may indent strings anew; whether it changed them is not asked here.
            token.split_whitespace().for_each(|word| hasher.write(word.as_bytes()));
        } else {
            hasher.write(token.as_bytes());
        }
        hasher.write(&[0]);
    }
    hasher.finish()
}

/// Tells texts apart, whoever wrote them: a change that has the hash of what was there before would pass unseen.
#[derive(Clone, Default)]
struct Digest(Sha256);

impl Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self) -> u128 {
        let digest: [u8; 32] = self.0.finalize().into();
        u128::from_le_bytes(std::array::from_fn(|at| digest[at]))
    }
}

impl Outline {
    /// What a build can see of the file, part by part.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.context).chain(&self.lets).chain(&self.members)
    }

    /// The binding of the result that these keys lead to, the first of several.
    pub(super) fn member(&self, path: &[String]) -> Option<&Part> {
        self.members.iter().find(|part| part.path == path)
    }

    /// What differs from `self` to `other`. O(n log n).
    pub(super) fn difference(&self, other: &Self) -> Difference {
        let lets: BTreeSet<Vec<String>> = changed(hashes(&self.lets), hashes(&other.lets));
        let members: BTreeSet<Vec<String>> = changed(hashes(&self.members), hashes(&other.members));
        let seen = if self.context.hash != other.context.hash {
            Seen::Whole
        } else if lets.is_empty() && members.is_empty() {
            Seen::Nothing
        } else {
            let mut names: BTreeSet<String> = lets.into_iter().filter_map(|path| path.into_iter().next()).collect();
            let mut all = members;
            for outline in [self, other] {
                all.extend(outline.mentioning(&mut names));
            }
            // A `let` that the context mentions, and no binding.
            let is_context = [self, other].iter().any(|outline| names.iter().any(|name| outline.context.names.contains(name)));
            match (is_context, all.is_empty()) {
                (true, _) => Seen::Whole,
                (false, false) => Seen::Members(all),
                // Nothing mentions it where a build could see it.
                (false, true) => Seen::Nothing,
            }
        };
        let leaves = |outline: &Self| outline.leaves.clone();
        let keys = self.read_meta.keys().chain(other.read_meta.keys());
        Difference {
            seen,
            is_same_text: self.text == other.text,
            leaves: changed(leaves(self), leaves(other)),
            metas: changed(self.metas.clone(), other.metas.clone()),
            read_meta: keys.filter(|key| self.read_meta.get(*key) != other.read_meta.get(*key)).cloned().collect(),
        }
    }

    /// Members that mention one of `names`, through `let`s too, whose names are added. O(n log n).
    pub(super) fn mentioning(&self, names: &mut BTreeSet<String>) -> BTreeSet<Vec<String>> {
        let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for part in self.lets.iter().filter(|part| !part.path.is_empty()) {
            part.names.iter().for_each(|name| users.entry(name).or_default().push(&part.path[0]));
        }
        let mut waiting: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = waiting.pop() {
            let found = users.remove(name.as_str()).unwrap_or_default();
            waiting.extend(found.into_iter().filter(|user| names.insert((*user).to_owned())).map(str::to_owned));
        }
        let mentions = |part: &&Part| !part.names.is_disjoint(names) && !part.path.is_empty();
        self.members.iter().filter(mentions).map(|part| part.path.clone()).collect()
    }
}

/// What is compared of parts: the same binding in another set is another, for of two sets the second wins.
fn hashes(parts: &[Part]) -> Vec<(Vec<String>, (usize, u128))> {
    parts.iter().map(|part| (part.path.clone(), (part.block, part.hash))).collect()
}

/// Keys of what one side has and the other has not; a key may come several times.
fn changed<K: Ord + Clone, H: Ord>(mut before: Vec<(K, H)>, mut after: Vec<(K, H)>) -> BTreeSet<K> {
    before.sort_unstable();
    after.sort_unstable();
    let mut changed = BTreeSet::new();
    let (mut before, mut after) = (before.into_iter().peekable(), after.into_iter().peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return changed,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(other),
        };
        if order.is_eq() {
            before.next();
            after.next();
        } else if order.is_lt() {
            changed.extend(before.next().map(|(key, _)| key));
        } else {
            changed.extend(after.next().map(|(key, _)| key));
        }
    }
}

/// Whether a function reads the expression in a file: of a directory, its `default.nix`.
pub(super) fn calls_a_file(function: &str) -> bool {
    function == "import" || function.starts_with("callPackage") || function.ends_with("allPackage")
}

/// What a path literal means; `None` if it leads out of the repository.
pub(super) fn reference(file: &str, literal: &str, is_whole: bool, is_called: bool) -> Option<Reference> {
    // Behind `${` anything may follow: what stands before it is a directory.
    let literal = if is_whole { literal } else { &literal[..literal.rfind('/')?] };
    let mut target: Vec<&str> = file.split('/').collect();
    target.pop();
    for component in literal.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                target.pop()?;
            }
            name => target.push(name),
        }
    }
    Some(Reference { target: target.join("/"), is_tree: !is_whole || !is_called })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use serde_json::Value;

    use super::*;

    fn outlined(text: &str) -> Option<Outline> {
        outline(text, &Place { path: "pkgs/set/default.nix", moved: &|_| None })
    }

    fn difference(old: &str, new: &str) -> Difference {
        outlined(old).expect(old).difference(&outlined(new).expect(new))
    }

    fn members(names: &[&str]) -> Seen {
        Seen::Members(names.iter().map(|name| name.split('.').map(str::to_owned).collect()).collect())
    }

    /// Two texts that a hash made for speed does not tell apart: a change of the one to the other would be none.
    #[test]
    fn texts_that_were_made_to_collide_are_told_apart() {
        let inputs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/inputs");
        let [one, other] = ["xxh3-a.txt", "xxh3-b.txt"].map(|name| std::fs::read_to_string(inputs.join(name)).expect(name));
        // Behind what a file's hash begins with: that a string is there, and how long it is.
        let fast = |text: &str| twox_hash::XxHash3_128::oneshot(&[&[0; 20], text.as_bytes()].concat());
        assert_eq!(fast(&one), fast(&other));
        let package = |text: &str| format!("{{ stdenv }}: stdenv.mkDerivation {{ pname = \"a\"; postInstall = \"{text}\"; }}");
        let found = difference(&package(&one), &package(&other));
        assert_eq!((found.seen, found.is_same_text), (members(&["postInstall"]), false));
    }

    /// What would take the square of the length, or more, is too much; a long chain is not.
    #[test]
    fn steps_are_limited() {
        let many = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
        let long_way = format!("{{ {}a = {{ {} }}; }}", "a.".repeat(1900), many(20_000, &|at| format!("b{at} = 1; ")));
        let same_again = format!("{{ inherit (f [ {} ]){}; }}", "v ".repeat(100_000), many(3000, &|at| format!(" a{at}")));
        let called = format!("[ (f{}) ]", " ./a".repeat(3800));
        let far_paths = format!("{{ a = [ {} ]; }}", format!("{called} ").repeat(20));
        for text in [long_way, same_again, far_paths] {
            assert!(outlined(&text).is_none(), "{}", &text[..60]);
        }
        let chain = |last: usize| {
            let links = many(20_000, &|at| format!("a{at} = a{}; ", at + 1));
            format!("let {links} a20000 = {last}; in {{ first = a0; other = 1; }}")
        };
        assert_eq!(difference(&chain(1), &chain(2)).seen, members(&["first"]));
    }

    #[test]
    fn what_no_build_sees() {
        let package = "{ lib, stdenv }:\nstdenv.mkDerivation {\n  pname = \"a\";\n  script = ''\n    one\n      two\n  '';\n  meta = { description = \"x\"; };\n}";
        for (from, to, is_same_text) in [
            ("{ lib, stdenv }:", "{\n  lib, # the library\n  stdenv,\n}:", true),
            ("    one\n      two\n", "        one\n          two\n", true),
            ("{ lib, stdenv }:", "{ stdenv, lib, tests }:", false),
            ("\"x\"", "\"y\"", false),
            ("meta =", "passthru.tests.a = lib; passthru.updateScript = ./update.sh; meta =", false),
            ("meta =", "passthru = { updateScript = 1; tests = lib; }; meta =", false),
            ("pname = \"a\";\n  script", "script", false),
        ] {
            let found = difference(package, &package.replace(from, to));
            let seen = if to == "script" { members(&["pname"]) } else { Seen::Nothing };
            assert_eq!((found.seen, found.is_same_text), (seen, is_same_text), "{from} -> {to}");
        }
    }

    /// `meta` is what it is called only in the set that a package is made of.
    #[test]
    fn what_is_called_meta_may_be_seen() {
        for (text, seen) in [
            ("{ mk }: mk.mkDerivation { name = 1; meta.a = 1; }", Seen::Nothing),
            ("{ mk }: mk.mkDerivation (final: { x = 1; } // { meta = { a = 1; }; })", Seen::Nothing),
            ("{ mk }: mk.mkDerivation { name = 1; passthru.tests.x = { a = 1; }; }", Seen::Nothing),
            ("{ mk }: { p = mk.mkDerivation { name = 1; meta.a = 1; }; }", Seen::Nothing),
            ("{ mk }: { p = mk { pname = 1; meta.a = 1; }; }", Seen::Nothing),
            ("{ mk }: let q = mk { pname = 1; meta.a = 1; }; in mk { inherit q; }", Seen::Nothing),
            ("{ meta.a = 1; }", Seen::Nothing),
            ("{ mk }: mk.mkDerivation { json = builtins.toJSON { meta.a = 1; }; }", members(&["json"])),
            ("{ mk }: mk.mkDerivation { json = { name = 1; meta.a = 1; }; }", members(&["json.meta.a"])),
            ("{ mk }: mk.mkDerivation { json.passthru.tests = { a = 1; }; }", members(&["json.passthru.tests.a"])),
            ("{ mk }: let json = mk.toJSON { name = 1; meta.a = 1; }; in mk { inherit json; }", members(&["json"])),
            ("{ mk }: { p = mk.mkDerivation { json = mk.toJSON { meta.a = 1; }; }; }", members(&["p"])),
        ] {
            assert_eq!(difference(text, &text.replace("a = 1", "a = 2")).seen, seen, "{text}");
        }
    }

    #[test]
    fn what_reads_meta_is_told() {
        for (text, reads) in [
            ("{ meta, mk }: mk { name = 1; comment = meta.description; }", true),
            ("args: mk { name = 1; comment = args.meta.description; }", true),
            ("{ meta, mk }: mk { name = 1; inherit meta; }", false),
            ("{ meta ? { }, mk }: mk { name = 1; meta = { a = 1; } // meta; }", false),
        ] {
            assert_eq!(outlined(text).expect(text).reads_meta, reads, "{text}");
        }
    }

    #[test]
    fn what_a_build_sees() {
        let package =
            "{ stdenv, flag ? true }:\nstdenv.mkDerivation { a = ''\n  one\n    two\n''; meta.description = \"x\"; b = [ ./b.patch ]; }";
        for (from, to, seen) in [
            ("  one\n    two", "  one\n  two", members(&["a"])),
            ("flag ? true", "flag ? false", Seen::Whole),
            ("stdenv.mk", "other.mk", Seen::Whole),
            ("./b.patch", "./c.patch", members(&["b"])),
            ("./b.patch", "../set/b.patch", Seen::Nothing),
            // From here on, what `meta` says is seen.
            ("b = [", "b = [ meta.description", members(&["b", "meta.description"])),
            ("}:", "}@args:", Seen::Whole),
        ] {
            assert_eq!(difference(package, &package.replace(from, to)).seen, seen, "{from} -> {to}");
        }
        // What is read from `meta` is seen in it.
        let reading = package.replace("b = [", "b = [ meta.description");
        assert_eq!(difference(&reading, &reading.replace("\"x\"", "\"y\"")).seen, members(&["meta.description"]));
    }

    #[test]
    fn bindings_of_a_set() {
        let set = "{ lib, callPackage }:\nfinal: prev:\nlet version = \"1\"; source = fetch version; other = 1; in\nwith final;\nlib.recurseIntoAttrs {\n\
                   a = callPackage ../a { };\n  b = callPackage ../b { src = source; };\n  inherit (x) c d;\n  e = { f = 1; g = b; };\n} // { h = other; \"i.j\" = 1; }";
        for (from, to, seen) in [
            ("../a { }", "../a { x = 1; }", members(&["a"])),
            ("version = \"1\"", "version = \"2\"", members(&["b"])),
            ("other = 1", "other = 2", members(&["h"])),
            ("inherit (x) c d;", "inherit (x) c; d = 1;", members(&["d"])),
            ("inherit (x) c d;", "inherit (y) c d;", members(&["c", "d"])),
            ("f = 1", "f = 2", members(&["e.f"])),
            ("a = callPackage ../a { };\n", "", members(&["a"])),
            ("with final;", "with prev;", Seen::Whole),
            ("\"i.j\" = 1", "\"i.j\" = 2", Seen::Members(BTreeSet::from([vec!["i.j".to_owned()]]))),
        ] {
            assert_eq!(difference(set, &set.replace(from, to)).seen, seen, "{from} -> {to}");
        }
        // Of two sets, the second wins.
        let moved = set.replace("inherit (x) c d;", "inherit (x) c;").replace("h = other;", "h = other; inherit (x) d;");
        assert_eq!(difference(set, &moved).seen, members(&["d"]));
        let swapped = |one: &str, other: &str| format!("{{ f }}: f ({{ flag = {one}; }} // {{ flag = {other}; }})");
        assert_eq!(difference(&swapped("1", "2"), &swapped("2", "1")).seen, members(&["flag"]));
        let recursed = set.replace("e = {", "e = lib.recurseIntoAttrs {");
        assert_eq!(difference(set, &recursed).seen, members(&["e"]));
        let reordered =
            set.replace("a = callPackage ../a { };\n", "").replace("inherit (x) c d;", "inherit (x) d c; a = callPackage ../a { };");
        assert_eq!(difference(set, &reordered).seen, Seen::Nothing);
    }

    #[test]
    fn leaves_and_what_others_read() {
        let package = "{ stdenv }: stdenv.mkDerivation { version = \"1\"; src = fetch { hash = \"a\"; }; meta = { mainProgram = \"x\"; license = \"m\"; }; }";
        let found = difference(package, &package.replace("\"1\"", "\"2\"").replace("\"a\"", "\"b\""));
        assert_eq!(found.leaves, BTreeSet::from(["src.hash".to_owned(), "version".to_owned()]));
        let found = difference(package, &package.replace("\"x\"", "\"y\"").replace("\"m\"", "\"n\""));
        assert_eq!((found.seen, found.read_meta), (Seen::Nothing, BTreeSet::from(["mainProgram".to_owned()])));
    }

    #[test]
    fn files_that_are_named() {
        let named =
            outlined("{ a = import ./f.nix; b = [ ../x.patch ./p/${n}.patch ]; c = callPackage ./. { }; passthru.tests.t = ./t.nix; }")
                .expect("it parses");
        let targets = |member: usize| -> Vec<String> {
            named.members[member].references.iter().map(|named| format!("{} {}", named.target, named.is_tree)).collect()
        };
        assert_eq!(targets(0), ["pkgs/set/f.nix false"]);
        assert_eq!(targets(1), ["pkgs/x.patch true", "pkgs/set/p true"]);
        assert_eq!(targets(2), ["pkgs/set false"]);
        assert_eq!(named.unseen.iter().map(|named| named.target.as_str()).collect::<Vec<_>>(), ["pkgs/set/t.nix"]);
        let covers = |target: &str, is_tree, path: &str| Reference { target: target.to_owned(), is_tree }.names(path);
        assert!(covers("a", false, "a") && covers("a", false, "a/default.nix") && covers("a", true, "a/b/c") && covers("", true, "x"));
        assert!(!covers("a", false, "a/b") && !covers("a", true, "ab") && !covers("", false, "x"));
    }

    /// As deep as hostile input can be, in every way in which something can be in something.
    #[test]
    fn nesting_is_bounded() {
        const DEEP: usize = 100_000;
        let nests = [
            "(",
            "[",
            "{ a = ",
            "{ a ? ",
            "x: ",
            "-",
            "!",
            "a ++ ",
            "a // ",
            "a -> ",
            "a + ",
            "f ",
            "f (f ",
            "\"${",
            "''${",
            "let a = 1; in ",
            "with a; ",
            "if a then b else ",
            "a.b or ",
            "a.",
            "./a${",
            "a |> ",
            "a <| ",
        ];
        for nest in nests {
            let text = nest.repeat(DEEP);
            let _ = outlined(&text);
            let _ = outlined(&format!("{text}1"));
        }
        // At the limit, everything that recurses has room enough.
        for (open, close) in [("[", "]"), ("-", ""), ("!", ""), ("a ++ ", ""), ("a -> ", ""), ("f ", ""), ("a + ", "")] {
            for depth in [500, 1_300, MAX_DEPTH - 8] {
                let _ = outlined(&format!("{}a{}", open.repeat(depth), close.repeat(depth)));
            }
        }
        assert!(outlined(&format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000))).is_some());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = outlined(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn no_tokens_panic(tokens in proptest::collection::vec(proptest::sample::select(&["{", "}", "(", ")", "[", "]", "''", "\"", "${", "a", "meta", "=", ";", ".", "or", "inherit", "./x", "let", "in", "rec", "with", "@", ":", ",", "?", "...", "//", "\\", "'", "$", "passthru", "tests", " ", "\n", "#", "/*", "<a>", "~/", "/b"][..]), 0..40)) {
            let _ = outlined(&tokens.concat());
            let _ = outlined(&tokens.join(" "));
        }
    }

    /// An expression that is a number, of these names.
    fn number(names: &'static [&'static str]) -> impl Strategy<Value = String> {
        let leaf = prop_oneof![(0..9_u8).prop_map(|digit| digit.to_string()), proptest::sample::select(names).prop_map(str::to_owned)];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} + {other})")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(if {one} < 4 then {other} else 2)")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(let d = {one}; in d + {other})")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({{ meta = {one}; k = {other}; }}).k")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({{ meta = {one}; k = {other}; }}).meta")),
                (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(({{ s ? {one}, t }}: s + t) {{ t = {other}; }})")),
                inner.prop_map(|one| format!("(rec {{ y = {one}; z = y; }}).z")),
            ]
        })
    }

    /// The parts of a file, in the order of [`file`]. None mentions itself.
    fn parts() -> impl Strategy<Value = Vec<String>> {
        const ALL: &[&str] = &["a", "b", "c", "p", "q", "w", "x"];
        let parts =
            (number(&["p", "c", "w"]), number(&["a", "c", "x"]), number(&["q"]), number(ALL), number(ALL), number(ALL), number(ALL));
        parts.prop_map(|(a, b, p, w, x, z, meta)| vec![a, b, p, w, x, z, meta])
    }

    /// A set of numbers; of `meta` nothing is in the result.
    fn file(parts: &[String]) -> String {
        let [first, second, parameter, scope, one, three, meta] = parts else { panic!("seven parts") };
        format!(
            "{{ p ? ({parameter}), q ? 3 }}:\nlet\n  c = 5; w = 1; x = 2;\n  inherit (rec {{ a = ({first}); b = ({second}); p = 1; q = 1; }}) a b;\nin\nwith {{ v = {scope}; }};\n\
             {{ one = {one}; two = a + v; inherit a; deep.er = q; meta = {meta}; }} // {{ three = {three}; passthru.tests = {meta}; }}"
        )
    }

    /// Names of the result whose values differ, as Nix computes them; `None` without Nix, or if one does not evaluate.
    fn changed_in_nix(pairs: &[(String, String)]) -> Option<Vec<Option<BTreeSet<String>>>> {
        let value = |text: &str| {
            format!("(let r = builtins.tryEval (builtins.deepSeq (f ({text})) (f ({text}))); in if r.success then r.value else null)")
        };
        let pair = |(old, new): &(String, String)| format!("[ {} {} ]", value(old), value(new));
        let list: Vec<String> = pairs.iter().map(pair).collect();
        let expression = format!("let f = file: removeAttrs (file {{ }}) [ \"meta\" \"passthru\" ]; in [ {} ]", list.join("\n"));
        let output = Command::new("nix-instantiate")
            .args(["--eval", "--strict", "--json", "--expr", &expression])
            .env("NIX_REMOTE", "dummy://")
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let values: Vec<[Value; 2]> = serde_json::from_slice(&output.stdout).expect("JSON");
        let names = |[old, new]: &[Value; 2]| {
            let (old, new) = (old.as_object()?, new.as_object()?);
            Some(old.keys().filter(|key| old.get(*key) != new.get(*key)).cloned().collect())
        };
        Some(values.iter().map(names).collect())
    }

    /// What Nix computes anew is among the bindings that differ, whatever was changed.
    #[test]
    fn bindings_that_evaluate_to_something_else_differ() {
        let mut runner = TestRunner::deterministic();
        let mut random = || parts().new_tree(&mut runner).expect("parts").current();
        let pairs: Vec<(String, String)> = (0..300)
            .map(|round: usize| {
                let (old, other) = (random(), random());
                let mut new = old.clone();
                new[round % 7].clone_from(&other[round % 7]);
                (file(&old), file(&new))
            })
            .collect();
        let Some(changed) = changed_in_nix(&pairs) else {
            println!("skipped: no nix-instantiate on the path");
            return;
        };
        let (mut confined, mut nothing) = (0, 0);
        for ((old, new), changed) in pairs.iter().zip(changed) {
            let Some(changed) = changed else { continue };
            match difference(old, new).seen {
                Seen::Whole => {}
                Seen::Nothing => {
                    nothing += 1;
                    assert!(changed.is_empty(), "{changed:?}\n{old}\n{new}");
                }
                Seen::Members(members) => {
                    confined += 1;
                    let named: BTreeSet<String> = members.into_iter().map(|path| path[0].clone()).collect();
                    assert!(changed.is_subset(&named), "{changed:?} are not all in {named:?}\n{old}\n{new}");
                }
            }
        }
        assert!(confined > 50 && nothing > 20, "{confined} confined, {nothing} unseen");
    }
}
