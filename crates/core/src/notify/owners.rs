//! Named owners: a file of patterns and who is told, as GitHub's CODEOWNERS and nixpkgs' `ci/OWNERS`.

use std::fs;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustc_hash::FxHashMap;

use super::recipient::{Recipient, is_handle, is_slug};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph};
use crate::store_path::StorePath;
use crate::text::bytes;

/// Bytes of compiled patterns, of files or of attributes: what globset has for them.
const MAX_COMPILED: u64 = 10 << 20;

/// Who owns which attributes: the last rule that matches decides.
///
/// A pattern with a `/` is about files, as in CODEOWNERS, and matches what is defined there (`meta.position`); one
/// without is a glob over attribute paths.
#[derive(Clone, Debug)]
pub struct Owners {
    file: String,
    rules: Vec<Rule>,
    files: Matcher,
    attributes: Matcher,
}

/// A line of an owners file.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its pattern, as it stands.
    pub pattern: String,
    /// The line, counted from 1.
    pub line: usize,
    /// Whom it names; nobody takes the owners of an earlier rule away.
    pub owners: Vec<Recipient>,
}

/// Globs, and the rule that each belongs to, in the order of the rules.
#[derive(Clone, Debug)]
struct Matcher {
    globs: GlobSet,
    rules: Vec<usize>,
}

impl Matcher {
    /// The last rule that matches. O(length of the text), apart from the globs that match.
    fn last(&self, text: &str) -> Option<usize> {
        self.globs.matches(text).last().map(|&glob| self.rules[glob])
    }
}

impl Owners {
    /// Reads an owners file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; those of [`Owners::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let file = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| Error::Malformed {
            input: file.clone(),
            place: format!("byte {}", error.utf8_error().valid_up_to()),
            reason: "an owners file is UTF-8 text".to_owned(),
        })?;
        Self::parse(&file, &text)
    }

    /// Parses the text of an owners file; `file` names it in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with the line, if a pattern is none, or if somebody is neither handle, team nor address.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut owners = Self { file: file.to_owned(), rules: Vec::new(), files: Matcher::empty(), attributes: Matcher::empty() };
        let (mut files, mut attributes) = (Globs::new(), Globs::new());
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            let malformed = |reason: String| Error::Malformed { input: file.to_owned(), place: format!("line {number}"), reason };
            let mut words = words(line).into_iter();
            let Some(pattern) = words.next() else { continue };
            let rule = owners.rules.len();
            if pattern.contains('/') {
                files.add_file(&pattern, rule).map_err(malformed)?;
            } else {
                attributes.add_attribute(&pattern, rule).map_err(malformed)?;
            }
            let named = words.map(|word| owner(&word)).collect::<Result<_, _>>().map_err(malformed)?;
            owners.rules.push(Rule { pattern, line: number, owners: named });
        }
        let too_large = |reason: String| Error::Malformed { input: file.to_owned(), place: "patterns".to_owned(), reason };
        owners.files = files.build().map_err(too_large)?;
        owners.attributes = attributes.build().map_err(too_large)?;
        Ok(owners)
    }

    /// The file that they were read from.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The last rule about an attribute path. As elsewhere, a pattern may leave its quotes out.
    fn about_attribute(&self, path: &str) -> Option<usize> {
        let as_it_stands = self.attributes.last(path);
        if path.contains('"') { as_it_stands.max(self.attributes.last(&path.replace('"', ""))) } else { as_it_stands }
    }

    /// Prepares to ask about the attributes of a graph. O(attributes).
    ///
    /// Positions are absolute as a rule. They are made relative to `source_root`; without one, to the store path that they
    /// are in, else to the directory that all of them are in, the one above `pkgs` if that is in its path.
    pub fn of_graph<'a>(&'a self, graph: &Graph, source_root: Option<&str>) -> OwnersOf<'a> {
        let source_root = source_root.map_or_else(|| common_root(graph), |root| Some(root.trim_end_matches('/').to_owned()));
        OwnersOf { owners: self, source_root, by_file: FxHashMap::default() }
    }
}

/// The owners of the attributes of one graph.
#[derive(Debug)]
pub struct OwnersOf<'a> {
    owners: &'a Owners,
    source_root: Option<String>,
    /// The last rule about each file that was asked for.
    by_file: FxHashMap<String, Option<usize>>,
}

impl<'a> OwnersOf<'a> {
    /// The number of the rule that decides who owns an attribute, and whom it names; `None` if no rule matches.
    pub fn rule(&mut self, attribute: Attribute<'_>) -> Option<(usize, &'a [Recipient])> {
        let by_path = self.owners.about_attribute(attribute.path());
        let by_file = attribute.position().and_then(|position| self.by_file(position));
        let rule = by_path.max(by_file)?;
        Some((rule, &self.owners.rules[rule].owners))
    }

    fn by_file(&mut self, position: &str) -> Option<usize> {
        let file = relative(file_of(position), self.source_root.as_deref());
        if let Some(&known) = self.by_file.get(file) {
            return known;
        }
        let found = self.owners.files.last(file);
        self.by_file.insert(file.to_owned(), found);
        found
    }
}

/// Globs under construction.
struct Globs {
    builder: GlobSetBuilder,
    rules: Vec<usize>,
}

impl Globs {
    fn new() -> Self {
        Self { builder: GlobSetBuilder::new(), rules: Vec::new() }
    }

    /// A glob over attribute paths, as `--root` has it: `*` also stands for dots.
    fn add_attribute(&mut self, pattern: &str, rule: usize) -> Result<(), String> {
        self.add(GlobBuilder::new(pattern).backslash_escape(true), pattern, rule)
    }

    /// A pattern over files, as CODEOWNERS has it.
    fn add_file(&mut self, pattern: &str, rule: usize) -> Result<(), String> {
        let glob = file_glob(pattern)?;
        let path = glob.trim_matches('/');
        if path.is_empty() {
            return Err(format!("`{pattern}` matches nothing (hint: `/**` is everything)"));
        }
        // One with an inner slash is anchored too.
        let is_anchored = glob.starts_with('/') || path.contains('/');
        let path = if is_anchored { path.to_owned() } else { format!("**/{path}") };
        let is_directory = glob.ends_with('/');
        let mut add = |glob: &str| self.add(GlobBuilder::new(glob).literal_separator(true).backslash_escape(true), pattern, rule);
        if !is_directory {
            add(&path)?;
        }
        // What is named may be a directory, with all that is in it; but `dir/*` is only the files of `dir`.
        let is_wildcard = matches!(path.rsplit('/').next(), Some("*" | "**"));
        if is_directory || !is_wildcard {
            add(&format!("{path}/**"))?;
        }
        Ok(())
    }

    fn add(&mut self, glob: &GlobBuilder<'_>, pattern: &str, rule: usize) -> Result<(), String> {
        let glob = glob.build().map_err(|error| format!("`{pattern}` is not a glob pattern: {}", error.kind()))?;
        self.builder.add(glob);
        self.rules.push(rule);
        Ok(())
    }

    fn build(self) -> Result<Matcher, String> {
        // Each is a glob, as was seen before: only their size can be wrong.
        let too_large = |_| {
            format!("compiled, those with wildcards take more than {} (hint: name directories, or fewer wildcards)", bytes(MAX_COMPILED))
        };
        let globs = self.builder.build().map_err(too_large)?;
        Ok(Matcher { globs, rules: self.rules })
    }
}

impl Matcher {
    fn empty() -> Self {
        Self { globs: GlobSet::empty(), rules: Vec::new() }
    }
}

/// A pattern over files as globset has it, to which braces are alternatives.
fn file_glob(pattern: &str) -> Result<String, String> {
    if pattern.starts_with('!') {
        return Err(format!("`{pattern}`: owners are taken away by a later line that names nobody, not by `!`"));
    }
    if pattern.contains("***") {
        return Err(format!("`{pattern}`: there is no `***` (hint: `**` stands for any directories)"));
    }
    let mut glob = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => glob.extend(std::iter::once('\\').chain(characters.next())),
            '{' | '}' => glob.extend(['\\', character]),
            '[' => return Err(format!("`{pattern}`: `[` means nothing in a pattern of files (hint: put `\\` before it)")),
            other => glob.push(other),
        }
    }
    Ok(glob)
}

/// Words of a line up to a comment. A backslash before a space or `#` makes it part of a word.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' if rest.peek().is_some_and(|next| next.is_whitespace() || *next == '#') => word.extend(rest.next()),
            '#' if word.is_empty() => break,
            space if space.is_whitespace() => words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty())),
            other => word.push(other),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Whom a word names: `@handle`, `@organisation/team`, or an address.
fn owner(word: &str) -> Result<Recipient, String> {
    let unknown = || format!("`{word}` is no owner (hint: write @handle, @organisation/team, or an address)");
    match word.strip_prefix('@') {
        Some(name) => match name.split_once('/') {
            Some((organisation, team)) if is_handle(organisation) && is_slug(team) => Ok(Recipient::team(name, None)),
            None if is_handle(name) => Ok(Recipient::person(name)),
            _ => Err(unknown()),
        },
        None => match word.split_once('@') {
            Some((name, domain)) if !name.is_empty() && domain.contains('.') && !domain.contains('@') => Ok(Recipient::person(word)),
            _ => Err(unknown()),
        },
    }
}

/// A position without its line.
fn file_of(position: &str) -> &str {
    match position.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => position,
    }
}

/// A file as a pattern would have it: relative to the sources' root, without a slash before it.
fn relative<'f>(file: &'f str, root: Option<&str>) -> &'f str {
    let below = |root: &str| file.strip_prefix(root)?.strip_prefix('/');
    root.and_then(below).or_else(|| in_store_path(file)).unwrap_or(file).trim_start_matches('/')
}

/// What follows the store path that a file is in.
fn in_store_path(file: &str) -> Option<&str> {
    let ends = file.match_indices('/').map(|(at, _)| at).filter(|&at| at > 0);
    let end = ends.into_iter().find(|&end| StorePath::parse(&file[..end]).is_some_and(|path| path.store_dir.is_some()))?;
    Some(&file[end + 1..])
}

/// The directory that all absolute positions are in; the one above `pkgs` if that is in its path, and none of it is below.
fn common_root(graph: &Graph) -> Option<String> {
    let files = || {
        let files = graph.attributes().filter_map(Attribute::position).map(file_of);
        files.filter(|file| file.starts_with('/') && in_store_path(file).is_none())
    };
    let mut common = files().next()?.rsplit_once('/')?.0;
    for file in files() {
        while !file.strip_prefix(common).is_some_and(|rest| rest.starts_with('/')) {
            common = common.rsplit_once('/')?.0;
        }
    }
    // A checkout may lie below a directory of that name itself.
    let own_pkgs = format!("{common}/pkgs/");
    let above_pkgs = format!("{common}/").rfind("/pkgs/").filter(|_| !files().any(|file| file.starts_with(&own_pkgs)));
    Some(above_pkgs.map_or(common, |at| &common[..at]).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Input;

    /// A graph of attributes that are defined in these files, in this order.
    fn graph_of(files: &[&str]) -> Graph {
        let directory = tempfile::TempDir::new().expect("a directory");
        let dump = directory.path().join("jobs.jsonl");
        let job = |(at, file): (usize, &&str)| {
            format!("{{\"attr\":\"a{at}\",\"drvPath\":\"/nix/store/{at:032}-a.drv\",\"meta\":{{\"position\":\"{file}:1\"}}}}")
        };
        fs::write(&dump, files.iter().enumerate().map(job).collect::<Vec<_>>().join("\n")).expect("written");
        Graph::import(&[Input::Path(dump)], &()).expect("a graph")
    }

    /// Files that a pattern matches, of those that are given.
    fn matched<'f>(pattern: &str, files: &[&'f str]) -> Vec<&'f str> {
        let owners = Owners::parse("OWNERS", &format!("{pattern} @somebody")).expect(pattern);
        files.iter().copied().filter(|file| owners.files.last(file).is_some()).collect()
    }

    /// The examples of GitHub's documentation, and those of nixpkgs that are told apart by them.
    #[test]
    fn patterns_of_files_are_those_of_codeowners() {
        let files = ["docs/a.md", "docs/build/b.md", "src/docs/c.md", "docs.md", "apps/github/x.js", "apps/y.js", "src/apps/z.js"];
        for (pattern, expected) in [
            ("/docs/", &["docs/a.md", "docs/build/b.md"][..]),
            ("docs/", &["docs/a.md", "docs/build/b.md", "src/docs/c.md"]),
            ("docs/*", &["docs/a.md"]),
            ("/docs", &["docs/a.md", "docs/build/b.md"]),
            ("/docs*", &["docs/a.md", "docs/build/b.md", "docs.md"]),
            ("apps/github", &["apps/github/x.js"]),
            ("**/apps", &["apps/github/x.js", "apps/y.js", "src/apps/z.js"]),
            ("/src/**/c.md", &["src/docs/c.md"]),
            ("/**/c.md", &["src/docs/c.md"]),
            ("/docs/**", &["docs/a.md", "docs/build/b.md"]),
            ("/docs/?.md", &["docs/a.md"]),
            ("/doc", &[]),
            ("/**", &files),
        ] {
            assert_eq!(matched(pattern, &files), expected, "{pattern}");
        }
        for pattern in ["/a{b,c}/d", "/a\\{b,c\\}/d"] {
            assert_eq!(matched(pattern, &["ab/d", "a{b,c}/d"]), ["a{b,c}/d"]);
        }
        assert_eq!(matched("/a\\[b]!", &["ab!", "a[b]!"]), ["a[b]!"]);
        assert_eq!(matched("/a\\ b/c", &["a b/c", "a/b/c"]), ["a b/c"]);
        let android = ["pkgs/development/androidenv/x.nix", "pkgs/development/android.nix", "pkgs/development/a.nix"];
        assert_eq!(matched("/pkgs/development/android*", &android), android[..2]);
    }

    #[test]
    fn comments_and_escapes() {
        assert_eq!(words("  # only a comment"), Vec::<String>::new());
        assert_eq!(words("/a @b # why"), ["/a", "@b"]);
        assert_eq!(words("\\#x\\ y\t@b@c#d"), ["#x y", "@b@c#d"]);
        let owners = Owners::parse("OWNERS", "\u{feff}# head\r\n\r\n/a @b c@example.org @O/t\r\n/a/x\r\n").expect("an owners file");
        let rules: Vec<_> = owners.rules().iter().map(|rule| (rule.pattern.as_str(), rule.line, rule.owners.len())).collect();
        assert_eq!(rules, [("/a", 3, 3), ("/a/x", 4, 0)]);
    }

    #[test]
    fn errors_name_the_line_and_what_to_write() {
        for (text, line, part) in [
            ("/a @ok\n/b nobody", "line 2", "`nobody` is no owner (hint: write @handle"),
            ("/a @", "line 1", "`@` is no owner"),
            ("/a @o/t/x", "line 1", "`@o/t/x` is no owner"),
            ("/a @../x", "line 1", "is no owner"),
            ("\n!/a @b", "line 2", "not by `!`"),
            ("/a[b] @b", "line 1", "put `\\` before it"),
            ("/a/***/b @b", "line 1", "`**` stands for any directories"),
            ("a[ @b", "line 1", "is not a glob pattern"),
            ("/ @b", "line 1", "matches nothing"),
        ] {
            let error = Owners::parse("ci/OWNERS", text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("ci/OWNERS: {line}: ")) && error.contains(part), "{error}");
        }
        let error = Owners::parse("ci/OWNERS", &format!("/{} @b", "?".repeat(100_000))).expect_err("too large").to_string();
        assert!(error.starts_with("ci/OWNERS: patterns: ") && error.contains("more than 10.0 MiB (hint: "), "{error}");
    }

    #[test]
    fn quotes_of_an_attribute_path_may_be_left_out() {
        let owners = Owners::parse("OWNERS", "n.\"socket.io\" @a\nm.socket.* @b\nn.x @c").expect("an owners file");
        for (path, rule) in
            [("n.\"socket.io\"", Some(0)), ("m.\"socket.io\"", Some(1)), ("m.socket.io", Some(1)), ("n.\"x\"", Some(2)), ("n", None)]
        {
            assert_eq!(owners.about_attribute(path), rule, "{path}");
        }
    }

    #[test]
    fn a_checkout_may_lie_anywhere() {
        for (files, root) in [
            (["/home/u/pkgs/nixpkgs/pkgs/a.nix", "/home/u/pkgs/nixpkgs/nixos/b.nix"], "/home/u/pkgs/nixpkgs"),
            (["/home/u/pkgs/nixpkgs/pkgs/a/x.nix", "/home/u/pkgs/nixpkgs/pkgs/b/x.nix"], "/home/u/pkgs/nixpkgs"),
            (["/n/pkgs/a.nix", "/n/nixos/b.nix"], "/n"),
            (["/n/pkgs/a.nix", "/n/pkgs/b.nix"], "/n"),
            (["/n/a/x.nix", "/n/b/x.nix"], "/n"),
            (["/pkgs/a.nix", "/nixos/b.nix"], ""),
        ] {
            assert_eq!(common_root(&graph_of(&files)).as_deref(), Some(root), "{files:?}");
        }
        let owners = Owners::parse("OWNERS", "/pkgs/ @alice\n/nixos/ @bob").expect("an owners file");
        let graph = graph_of(&["/home/u/pkgs/nixpkgs/pkgs/a.nix", "/home/u/pkgs/nixpkgs/nixos/b.nix"]);
        let mut owners = owners.of_graph(&graph, None);
        let rules: Vec<_> = graph.attributes().map(|attribute| owners.rule(attribute).map(|(rule, _)| rule)).collect();
        assert_eq!(rules, [Some(0), Some(1)]);
    }

    #[test]
    fn positions_are_relative_to_the_sources() {
        let store = "/nix/store/7rgn4s87zjr7qzwrsmhbr9s3x6wjl7sx-source/pkgs/a.nix";
        assert_eq!(relative(file_of(&format!("{store}:3")), None), "pkgs/a.nix");
        assert_eq!(relative("/build/nixpkgs/pkgs/a.nix", Some("/build/nixpkgs")), "pkgs/a.nix");
        assert_eq!(relative("/build/nixpkgs2/pkgs/a.nix", Some("/build/nixpkgs")), "build/nixpkgs2/pkgs/a.nix");
        assert_eq!(relative("pkgs/a.nix", Some("/build/nixpkgs")), "pkgs/a.nix");
        assert_eq!((file_of("a:b"), file_of("a.nix:12"), file_of("a")), ("a:b", "a.nix", "a"));
    }
}
