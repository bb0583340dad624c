//! What patterns of `waves.toml` mean, of many at once.

use globset::{Glob, GlobSet};
use rustc_hash::FxHashMap;

use crate::analysis::AttributeName;
use crate::config::AttributePattern;
use crate::ingest::split_job;

/// Whether a pattern means an attribute: by its path, or with its system behind it, as reports and the jobs of Hydra are called.
pub(super) fn means(pattern: &AttributePattern, attribute: &AttributeName) -> bool {
    let is_of_its_system = || split_job(pattern.as_str()).1 == Some(attribute.system.as_str());
    pattern.matches(&attribute.path) || (is_of_its_system() && pattern.matches(&attribute.to_string()))
}

/// Patterns that are asked together which of them mean an attribute.
///
/// One after the other, a thousand patterns would be matched eighty million times with the attributes of nixpkgs.
pub(super) struct Patterns<'p> {
    all: Vec<&'p AttributePattern>,
    /// All of them, for the paths of attributes of any system.
    of_any_system: Together<'p>,
    /// Those that end with a system, without it, for the paths of attributes of that system.
    by_system: FxHashMap<&'p str, Together<'p>>,
    /// Positions of those that cannot be compiled so.
    alone: Vec<usize>,
}

impl<'p> Patterns<'p> {
    /// Compiles patterns. O(length of all of them).
    pub(super) fn new(patterns: impl IntoIterator<Item = &'p AttributePattern>) -> Self {
        let patterns: Vec<&'p AttributePattern> = patterns.into_iter().collect();
        let texts: Vec<(usize, &'p str)> = patterns.iter().map(|pattern| pattern.as_str()).enumerate().collect();
        let mut alone = Vec::new();
        let mut of_systems: FxHashMap<&'p str, Vec<(usize, &'p str)>> = FxHashMap::default();
        for &(at, text) in &texts {
            match split_job(text) {
                (_, None) => {}
                // Whether these stand at the end of a part of a path makes a difference.
                (path, Some(_)) if path.contains('/') || path.contains("**") => alone.push(at),
                (path, Some(system)) => of_systems.entry(system).or_default().push((at, path)),
            }
        }
        let of_any_system = Together::new(&texts, &mut alone);
        let by_system = of_systems.into_iter().map(|(system, texts)| (system, Together::new(&texts, &mut alone))).collect();
        Self { all: patterns, of_any_system, by_system, alone }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Positions of the patterns that mean an attribute, as [`means`] has it, in order. O(length of the name + positions), as a rule.
    pub(super) fn that_mean(&self, attribute: &AttributeName) -> Vec<usize> {
        let is_meant = |&at: &usize| means(self.all[at], attribute);
        // To a set of globs the path of a file that ends so has no last part, which is all that it looks at for some globs.
        if attribute.path.ends_with("..") {
            return (0..self.all.len()).filter(is_meant).collect();
        }
        let mut found: Vec<usize> = self.alone.iter().copied().filter(is_meant).collect();
        let of_its_system = self.by_system.get(attribute.system.as_str());
        for together in std::iter::once(&self.of_any_system).chain(of_its_system) {
            together.add_matching(&attribute.path, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether any of them means an attribute.
    pub(super) fn mean(&self, attribute: &AttributeName) -> bool {
        !self.that_mean(attribute).is_empty()
    }
}

/// Texts of patterns that are matched together with a path.
#[derive(Default)]
struct Together<'p> {
    /// Positions of the patterns of a text: each also stands for itself as it is written.
    written: FxHashMap<&'p str, Vec<usize>>,
    /// Globs in as few sets as there can be, and for each the positions of its patterns.
    sets: Vec<(GlobSet, Vec<usize>)>,
}

impl<'p> Together<'p> {
    /// Compiles texts of patterns with positions. Positions of those that cannot be are added to `alone`.
    fn new(texts: &[(usize, &'p str)], alone: &mut Vec<usize>) -> Self {
        let mut together = Self::default();
        let mut globs: Vec<(usize, Glob)> = Vec::new();
        for &(at, text) in texts {
            together.written.entry(text).or_default().push(at);
            match Glob::new(text) {
                Ok(glob) => globs.push((at, glob)),
                // A pattern whose system was cut off may be none any more: `a\.x86_64-linux`.
                Err(_) => alone.push(at),
            }
        }
        together.add(&globs, alone);
        together
    }

    /// Adds globs as one set, or where that would be larger than a set may be, the halves of them.
    fn add(&mut self, globs: &[(usize, Glob)], alone: &mut Vec<usize>) {
        let positions = || globs.iter().map(|(at, _)| *at);
        match GlobSet::new(globs.iter().map(|(_, glob)| glob)) {
            Ok(set) => self.sets.push((set, positions().collect())),
            Err(_) if globs.len() > 1 => {
                let (some, others) = globs.split_at(globs.len() / 2);
                self.add(some, alone);
                self.add(others, alone);
            }
            Err(_) => alone.extend(positions()),
        }
    }

    /// Adds the positions of the patterns that match a path, some perhaps twice.
    fn add_matching(&self, path: &str, found: &mut Vec<usize>) {
        found.extend(self.written.get(path).into_iter().flatten());
        for (set, positions) in &self.sets {
            found.extend(set.matches(path).into_iter().map(|at| positions[at]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// Parts of patterns and of names: whatever means something in a glob or among the files of a path, and what does not.
    const PARTS: [&str; 24] = [
        "a",
        "b",
        "ab",
        "ä",
        ".",
        "..",
        "/",
        "*",
        "*.",
        "**",
        "**/",
        "/**",
        "?",
        "[ab]",
        "[!a]",
        "{a,b}",
        "{a*,.b}",
        "\\*",
        "\\.",
        "\n",
        ".x86_64-linux",
        ".aarch64-darwin",
        ".wasm32-wasi",
        "x86_64-linux",
    ];
    const SYSTEMS: [&str; 4] = ["", "x86_64-linux", "aarch64-darwin", "wasm32-wasi"];

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(select(&PARTS), 1..5).prop_map(|parts| parts.concat())
    }

    fn attribute() -> impl Strategy<Value = AttributeName> {
        let path = prop_oneof![3 => "[ab./]{0,5}", 1 => text()];
        (path, select(&SYSTEMS)).prop_map(|(path, system)| AttributeName { path, system: system.to_owned() })
    }

    fn patterns(texts: impl IntoIterator<Item = String>) -> Vec<AttributePattern> {
        texts.into_iter().filter_map(|text| AttributePattern::try_from(text).ok()).collect()
    }

    /// The plain way: one after the other.
    fn one_by_one(patterns: &[AttributePattern], attribute: &AttributeName) -> Vec<usize> {
        (0..patterns.len()).filter(|&at| means(&patterns[at], attribute)).collect()
    }

    proptest! {
        #[test]
        fn together_they_mean_what_each_means(
            texts in prop::collection::vec(text(), 0..40),
            attributes in prop::collection::vec(attribute(), 1..40),
        ) {
            let patterns = patterns(texts);
            let together = Patterns::new(&patterns);
            for attribute in &attributes {
                let expected = one_by_one(&patterns, attribute);
                prop_assert_eq!(together.mean(attribute), !expected.is_empty());
                prop_assert_eq!(together.that_mean(attribute), expected, "{:?} by {:?}", attribute, &patterns);
            }
        }
    }

    #[test]
    fn a_pattern_means_paths_and_names_with_their_system() {
        let texts = ["a.*", "a.b", "a.b", "a.b.x86_64-linux", "*.x86_64-linux", "b*.aarch64-darwin", "c", "a\\.b", "a[.]b", "..", "*."];
        let patterns = patterns(texts.map(str::to_owned));
        let together = Patterns::new(&patterns);
        for (path, system, expected) in [
            ("a.b", "x86_64-linux", &[0, 1, 2, 3, 4, 7, 8][..]),
            ("a.b", "aarch64-darwin", &[0, 1, 2, 7, 8]),
            ("b", "aarch64-darwin", &[5]),
            ("c", "", &[6]),
            ("a[.]b", "", &[8]),
            ("d", "aarch64-darwin", &[]),
            ("..", "", &[9, 10]),
        ] {
            let attribute = AttributeName { path: path.to_owned(), system: system.to_owned() };
            assert_eq!(together.that_mean(&attribute), expected, "{attribute}");
        }
    }

    /// Each of these is smaller than a set of globs may be, all of them are not.
    #[test]
    fn globs_that_are_too_large_for_one_set_are_in_several() {
        let (length, count) = (140, 400);
        let large = (0..count).map(|at| format!("p{at}-{}", "[acegikmoqsuwyACEGIKMOQSUWY]".repeat(length)));
        let patterns = patterns(large.chain(["p*".to_owned()]));
        let together = Patterns::new(&patterns);
        assert!(together.of_any_system.sets.len() > 1 && together.alone.is_empty(), "{}", together.of_any_system.sets.len());
        for (path, expected) in [(format!("p1-{}", "a".repeat(length)), &[1, count][..]), (format!("p1-{}", "b".repeat(length)), &[count])]
        {
            let attribute = AttributeName { path, system: "x86_64-linux".to_owned() };
            assert_eq!(together.that_mean(&attribute), expected);
        }
    }
}
