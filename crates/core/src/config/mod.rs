//! `waves.toml`: what a package set says of itself. What it leaves out is as in nixpkgs.
//!
//! Each section is a struct, and its `Default` is what nixpkgs does today: an empty file and no file are the same.
//! docs/configuration.md explains every key.

mod fleet;
mod pattern;
mod planner;
mod policy;

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
pub use fleet::{Fleet, Machine};
pub(crate) use pattern::attribute_glob;
pub use pattern::{AttributePattern, BranchPattern};
pub use planner::{Between, Day, Group, Pin};
pub use policy::{BranchFinding, Branches, Bucket, Count, Exempt, Labels, Limit, Line, Per, Policy, Protected, WhenUnknown};

/// The name that the file is looked for by.
pub const FILE_NAME: &str = "waves.toml";
/// Similarity (Jaro-Winkler, at most 1) from which on a key is suggested.
const SIMILAR: f64 = 0.7;

/// All of `waves.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What a change may do.
    pub policy: Policy,
    /// `[[groups]]`: packages that are updated together.
    pub groups: Vec<Group>,
    /// `[[pins]]`: packages that keep their inputs during a major wave.
    pub pins: Vec<Pin>,
    /// Attribute sets of which everything holds one version of each package: Python's, as two on one path exclude each other.
    pub one_version: Vec<AttributePattern>,
    /// `[fleet]`: the machines that build.
    pub fleet: Fleet,
}

impl Default for Config {
    fn default() -> Self {
        let one_version = AttributePattern::try_from("python3*Packages".to_owned()).into_iter().collect();
        Self { policy: Policy::default(), groups: Vec::new(), pins: Vec::new(), one_version, fleet: Fleet::default() }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], and [`Error::Malformed`] with line, key and what to write instead.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of a file that errors call `input`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with line, key and what to write instead.
    pub fn parse(text: &str, input: &str) -> Result<Self> {
        let malformed = |place: String, reason: String| Error::Malformed { input: input.to_owned(), place, reason };
        let config: Self = toml::from_str(text).map_err(|error| {
            let place = place(text, error.span().map_or(0, |span| span.start));
            malformed(place, explained(error.message()))
        })?;
        let checked = config.policy.check().and_then(|()| planner::check(&config.groups, &config.pins));
        let checked = checked.and_then(|()| config.fleet.check());
        checked.map_err(|(key, reason)| malformed(format!("key `{key}`"), reason))?;
        Ok(config)
    }
}

/// Line and key of a byte of the text.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    // A value may go on over several lines: the nearest line that begins with a key, or a table, has it.
    let is_table = |line: &str| line.starts_with('[') && line.ends_with(']') && !line.contains(['{', '"', ',']);
    let is_key = |line: &str| line.split_once('=').is_some_and(|(key, _)| !key.trim().is_empty() && !key.contains(['{', '[', '#']));
    let lines = text.lines().take(number).map(|line| line.split('#').next().unwrap_or_default().trim());
    let line = lines.clone().filter(|line| is_table(line) || is_key(line)).last().unwrap_or_default();
    let table = |line: &str| line.trim_matches(['[', ']', ' ']).to_owned();
    let header = lines.filter(|line| is_table(line)).last().map(table);
    let key = match line.split_once('=') {
        _ if is_table(line) => Some(table(line)),
        Some((key, _)) => Some(header.iter().map(String::as_str).chain([key.trim()]).collect::<Vec<_>>().join(".")),
        None => header,
    };
    key.map_or_else(|| format!("line {number}"), |key| format!("line {number}, key `{key}`"))
}

/// What serde said; of an unknown name, the nearest known one too. The names in its messages stand in backticks.
fn explained(message: &str) -> String {
    let message = message.trim_end().replace('\n', ": ");
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = names.split_first().filter(|_| message.starts_with("unknown ")) else { return message };
    let score = |name: &str| strsim::jaro_winkler(name, unknown);
    let nearest = known.iter().filter(|name| score(name) >= SIMILAR).max_by(|a, b| score(a).total_cmp(&score(b)));
    match nearest {
        Some(nearest) => format!("{message} (did you mean `{nearest}`?)"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Config {
        Config::parse(text, "waves.toml").expect("a configuration")
    }

    fn error(text: &str) -> String {
        Config::parse(text, "waves.toml").expect_err("no configuration").to_string()
    }

    /// The examples of docs/configuration.md, in order.
    fn examples() -> Vec<String> {
        // Not when it is compiled: the crate is published without the documentation.
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let documentation = fs::read_to_string(file).expect("the repository is there");
        let fenced = documentation.split("```toml\n").skip(1);
        fenced.map(|rest| rest.split("```").next().expect("the fence is closed").to_owned()).collect()
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        assert_eq!(parse(&examples()[0]), Config::default());
        assert_eq!(parse(""), Config::default());
    }

    /// Every key that there is: what an unknown one is told to be instead.
    fn keys(table: &str, rest: &str) -> Vec<String> {
        let message = error(&format!("{table}\nno-such-key = 1\n{rest}"));
        let names: Vec<String> = message.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let unknown = names.iter().rposition(|name| name == "no-such-key").expect("it is unknown");
        names[unknown + 1..].to_vec()
    }

    #[test]
    fn every_key_is_documented() {
        for (table, rest) in [
            ("[policy]", ""),
            ("[policy.labels]", ""),
            ("[policy.branches]", ""),
            ("[[policy.branches.lines]]", "primary = \"a\"\nstaging = \"b\""),
            ("[[policy.branches.exempt]]", "head = \"a\"\nfrom = []"),
            ("[[policy.limits]]", "count = \"hours\"\nover-from = 1"),
            ("[[policy.protected]]", "packages = [\"a\"]\nreason = \"b\""),
            ("[[fleet.machines]]", "name = \"a\""),
            ("[[groups]]", "name = \"a\"\npackages = [\"a\"]"),
            ("[[pins]]", "package = \"a\"\nreason = \"b\"\nuntil = \"2027-01-31\""),
        ] {
            let keys = keys(table, rest);
            assert!(keys.len() > 1, "{table}: {keys:?}");
            for key in keys {
                let is_set =
                    |line: &str| line.starts_with(&format!("{key} = ")) || line.trim_matches(['[', ']']).ends_with(&format!(".{key}"));
                assert!(examples().iter().any(|example| example.lines().any(is_set)), "{table}: {key}");
            }
        }
    }

    #[test]
    fn the_other_examples_say_what_they_say() {
        let limits = parse(&examples()[1]).policy.limits;
        assert_eq!((limits.len(), limits[0].per, limits[1].over_from), (2, Per::Platform, Some(12.5)));
        let protected = parse(&examples()[2]).policy.protected;
        assert!(protected[0].packages[0].matches("python312Packages.torch"));
        let small = parse(&examples()[3]).policy;
        assert_eq!((small.branches.lines.len(), small.branches.mass_rebuild, small.labels.buckets.len()), (1, 50, 2));
        let Config { groups, pins, one_version, .. } = parse(&examples()[4]);
        assert_eq!((groups[0].between, pins[0].until.as_str()), (Between::Absorb, "2027-01-31"));
        assert_eq!(one_version, Config::default().one_version);
        let fleet = parse(&examples()[5]).fleet.machines;
        let builders: Vec<u32> = fleet.iter().map(|machine| machine.count * machine.jobs).collect();
        assert_eq!((builders, fleet[0].speed_permille, fleet[1].speed_permille), (vec![16, 2, 1, 4], 1000, 1500));
        // What it leaves out is as it was.
        assert_eq!(small.nixos_tests, Policy::default().nixos_tests);
    }

    #[test]
    fn errors_name_line_key_and_fix() {
        let deep = format!("[policy]\nexclude = [\"{}a{}\"]", "{".repeat(300), "}".repeat(300));
        let long = format!("[policy]\nexclude = [\"{}\"]", "[ab]".repeat(1_025));
        for (text, parts) in [
            ("[policy]\nexcluded = []", &["waves.toml: line 2, key `policy.excluded`", "did you mean `exclude`"][..]),
            (
                "[policy.labels]\nbuckets = [\n  # One.\n  { name = \"1\", form = 1 },\n]",
                &["line 4, key `policy.labels.buckets`", "`from`"],
            ),
            ("[policy]\nexclude = [\n  \"a\",\n  \"[a\",\n]", &["line 2, key `policy.exclude`"]),
            ("[polcy]", &["line 1, key `polcy`", "did you mean `policy`"]),
            ("[policy]\n\n[policy.labels]\nprefix = 3", &["line 4, key `policy.labels.prefix`", "expected a string"]),
            ("[policy]\nwhen-unknown = \"wran\"", &["line 2, key `policy.when-unknown`", "did you mean `warn`"]),
            ("[policy]\nexclude = [\"[a\"]", &["line 2, key `policy.exclude`", "`[a` is not a glob pattern"]),
            (&deep, &["line 2, key `policy.exclude`", "is not a glob pattern: it is nested too deeply"]),
            (&long, &["line 2, key `policy.exclude`", "[ab][ab]…` is not a glob pattern: it has more than 4,096 bytes"]),
            (
                "[[policy.limits]]\ncount = \"hours\"\nper = \"kernel\"\nover-from = 1",
                &["line 1, key `policy.limits`", "per = \"overall\""],
            ),
            ("[[policy.limits]]\ncount = \"attributes\"", &["needs `warn-from` or `over-from`"]),
            ("[[policy.limits]]\ncount = \"attributes\"\nover-from = -1", &["numbers above 0"]),
            ("[[policy.limits]]\ncount = \"attributes\"\nover-from = 1\nonly = [\"linux\"]", &["`only` names kernels or platforms"]),
            (
                "[[policy.limits]]\ncount = \"attributes\"\nper = \"kernel\"\nonly = [\"linux\", \"x86_64-linux\"]\nover-from = 1",
                &["key `policy.limits.only`", "`x86_64-linux` is none of", "(`linux`, `darwin`)", "per = \"platform\""],
            ),
            (
                "[policy.labels]\nkernels = [\"freebsd\"]\n\
                 [[policy.limits]]\ncount = \"derivations\"\nper = \"kernel\"\nonly = [\"linux\"]\nover-from = 1",
                &["key `policy.limits.only`", "`linux` is none of", "(`freebsd`)"],
            ),
            ("[[policy.protected]]\npackages = [\"a\"]\nreason = \" \"", &["`reason` is empty"]),
            ("[[policy.protected]]\npackages = []\nreason = \"b\"", &["`packages` is empty"]),
            ("[[policy.protected]]\npackages = [\"a\"]", &["missing field `reason`"]),
            ("[policy.branches]\nmass-rebuild = 10", &["key `policy.branches.possible-mass-rebuild`", "500 is above"]),
            ("[[policy.branches.exempt]]\nfrom = []", &["needs `only-file` or `head`"]),
            ("[[policy.branches.lines]]\nprimary = \"release-*\"\nstaging = \"a\"", &["line 2", "`{version}` may stand once"]),
            ("[policy.labels]\nbuckets = [{ name = \"a\", from = 2, to = 1 }]", &["the bucket `a` ends at 1"]),
            ("[policy.labels]\nbuckets = [{ name = \"a\", from = 2 }, { name = \"a\", from = 3 }]", &["two buckets are named `a`"]),
            ("[[groups]]\nname = \"a\"\npackages = []", &["key `groups`", "group 1 needs a `name`, and `packages`"]),
            ("[[groups]]\nname = \"a\"\npackages = [\"b\"]\nbetween = \"ask\"", &["line 4, key `groups.between`", "`absorb`"]),
            ("[[pins]]\npackage = \"a\"\nreason = \"\"\nuntil = \"2027-01-31\"", &["key `pins`", "the pin of `a` needs"]),
            ("[[pins]]\npackage = \"a\"\nreason = \"b\"\nuntil = \"soon\"", &["key `pins.until`", "write it as 2027-01-31"]),
            ("[policy", &["line 1"]),
            ("[[fleet.machines]]\ncount = 2", &["line 1, key `fleet.machines`", "missing field `name`"]),
            ("[[fleet.machines]]\nname = \" \"", &["`name` is empty"]),
            ("[[fleet.machines]]\nname = \"a\"\ncuont = 2", &["line 3, key `fleet.machines.cuont`", "did you mean `count`"]),
            ("[[fleet.machines]]\nname = \"a\"\ncount = 0", &["`a` builds nothing", "`count` and `jobs`"]),
            ("[[fleet.machines]]\nname = \"a\"\nspeed = 0", &["the `speed` of `a`", "from 0.01 to 1000"]),
            ("[[fleet.machines]]\nname = \"a\"\nspeed = nan", &["the `speed` of `a`"]),
            ("[[fleet.machines]]\nname = \"a\"\nsystems = [\"\"]", &["an empty name is in `systems` of `a`"]),
            ("[[fleet.machines]]\nname = \"a\"\n[[fleet.machines]]\nname = \"a\"", &["key `fleet.machines`", "are named `a`"]),
            ("[[fleet.machines]]\nname = \"a\"\ncount = 4000000000\njobs = 4000000000", &["1000000 at most"]),
        ] {
            let message = error(text);
            assert!(parts.iter().all(|part| message.contains(part)), "{text}\n{message}");
        }
    }
}
