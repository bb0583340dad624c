//! Which files of the repository define which attributes, by `meta.position`.

use std::collections::{BTreeMap, HashMap};

use crate::graph::{AttributeIx, Graph};

/// Copies of one package set that an evaluation was made from: one for each system, at most.
const MAX_ROOTS: usize = 16;

/// Attributes by the file that their `meta.position` points to.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// Attributes of each file of the repository.
    files: BTreeMap<String, Vec<AttributeIx>>,
    /// Directory of the repository that holds the package set, with a slash; empty at the top.
    root: String,
    /// Distinct files that positions name.
    pub(super) named: usize,
    /// Those of them that are files of the repository: of several copies of the set, each of its own.
    pub(super) found: usize,
}

impl Positions {
    /// Finds the files that positions name among `files`, which are sorted.
    ///
    /// A position is absolute (`/nix/store/…-source/pkgs/…`) or relative to the package set, which may itself lie in a
    /// directory of the repository. So each named file is compared with the files of the repository from its end: what it
    /// has in front of the longest common part is the root that it was evaluated at, and what the repository's file has
    /// there is where the package set lies. Most files decide. O((positions + files) log files).
    pub(crate) fn new<'a>(graph: &Graph, files: impl Iterator<Item = &'a str>) -> Self {
        let mut named: BTreeMap<&str, Vec<AttributeIx>> = BTreeMap::new();
        for attribute in graph.attributes() {
            if let Some(position) = attribute.position() {
                named.entry(file_of(position)).or_default().push(attribute.ix());
            }
        }
        Self::locate(named, files)
    }

    fn locate<'a>(named: BTreeMap<&str, Vec<AttributeIx>>, files: impl Iterator<Item = &'a str>) -> Self {
        let mut files: Vec<&str> = files.collect();
        files.sort_unstable_by(|a, b| a.rsplit('/').cmp(b.rsplit('/')));
        let mut votes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for file in named.keys() {
            if let Some(roots) = roots(file, &files) {
                *votes.entry(roots).or_default() += 1;
            }
        }
        // Of equally many votes, the shorter roots.
        let best = votes.iter().max_by_key(|((evaluated, stored), votes)| (**votes, std::cmp::Reverse(evaluated.len() + stored.len())));
        let Some((&(_, root), _)) = best else { return Self { named: named.len(), ..Self::default() } };
        let evaluated = evaluated_roots(&votes, root, &named.keys().copied());
        let known: std::collections::HashSet<&str> = files.iter().copied().collect();
        let mut positions = Self { root: root.to_owned(), named: named.len(), ..Self::default() };
        for (file, attributes) in named {
            let stored = evaluated.iter().filter_map(|evaluated| file.strip_prefix(evaluated)).map(|rest| format!("{root}{rest}"));
            if let Some(stored) = stored.into_iter().find(|stored| known.contains(stored.as_str())) {
                positions.found += 1;
                positions.files.entry(stored).or_default().extend(attributes);
            }
        }
        positions
    }

    /// Files, from the top of the repository, and the attributes that each defines.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[AttributeIx])> {
        self.files.iter().map(|(file, attributes)| (file.as_str(), attributes.as_slice()))
    }

    /// The attributes that a file defines.
    pub(super) fn of(&self, file: &str) -> &[AttributeIx] {
        self.files.get(file).map_or(&[], Vec::as_slice)
    }

    /// A path relative to the package set; the path itself if it lies elsewhere.
    pub(super) fn relative<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// A path of the package set, from the top of the repository.
    pub(super) fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }
}

/// The file of `file:line`.
fn file_of(position: &str) -> &str {
    match position.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => position,
    }
}

/// What stands before the longest common end of a position's file and a file of the repository, of each; `None` if several
/// files have as much in common, or none has.
fn roots<'a>(file: &'a str, files: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let near = files.partition_point(|other| other.rsplit('/').lt(file.rsplit('/')));
    let common = |other: &str| file.rsplit('/').zip(other.rsplit('/')).take_while(|(a, b)| a == b).count();
    let candidates = near.saturating_sub(2)..(near + 2).min(files.len());
    let most = candidates.clone().map(|at| common(files[at])).max().filter(|&most| most > 0)?;
    let mut best = candidates.filter(|&at| common(files[at]) == most);
    let (at, None) = (best.next()?, best.next()) else { return None };
    let before = |path: &'a str| {
        let kept: usize = path.rsplit('/').take(most).map(|component| component.len() + 1).sum();
        &path[..(path.len() + 1).saturating_sub(kept)]
    };
    Some((before(file), before(files[at])))
}

/// The roots that positions of this package set were evaluated at, those of most files first: one for each copy of it.
/// Of another set (nixpkgs, in the repository of an overlay) few files are here by chance; half of a root's files must be.
fn evaluated_roots<'a>(
    votes: &BTreeMap<(&'a str, &'a str), usize>,
    root: &str,
    named: &(impl Iterator<Item = &'a str> + Clone),
) -> Vec<&'a str> {
    let mut here: Vec<(usize, &str)> =
        votes.iter().filter(|((_, stored), _)| *stored == root).map(|((at, _), &votes)| (votes, *at)).collect();
    here.sort_by_key(|&(votes, at)| (std::cmp::Reverse(votes), at));
    here.truncate(MAX_ROOTS);
    let mut kept: HashMap<&str, bool> = HashMap::new();
    for (rank, &(votes, at)) in here.iter().enumerate() {
        let all = if rank == 0 { 0 } else { named.clone().filter(|file| file.starts_with(at)).count() };
        kept.insert(at, votes * 2 >= all);
    }
    here.into_iter().map(|(_, at)| at).filter(|at| kept[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of the repository for files of positions.
    fn located(positions: &[&str], files: &[&str]) -> Vec<(String, Vec<usize>)> {
        let named = positions.iter().enumerate().map(|(at, file)| (*file, vec![AttributeIx::new(at)]));
        let positions = Positions::locate(named.collect(), files.iter().copied());
        positions.files.into_iter().map(|(file, attributes)| (file, attributes.into_iter().map(AttributeIx::get).collect())).collect()
    }

    const FILES: [&str; 5] = [
        "default.nix",
        "pkgs/by-name/he/hello/package.nix",
        "pkgs/libs/zlib/default.nix",
        "pkgs/libs/gmp/default.nix",
        "pkgs/top-level/all.nix",
    ];

    fn all(root: &str) -> Vec<(String, Vec<usize>)> {
        [1, 3, 2].into_iter().zip([0, 1, 2]).map(|(file, at)| (format!("{root}{}", FILES[file]), vec![at])).collect()
    }

    #[test]
    fn roots_are_found_whatever_they_are() {
        let names = [FILES[1], FILES[3], FILES[2]];
        for evaluated in ["", "/build/nixpkgs/", "/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-source/", "./"] {
            for stored in ["", "data/", "a/b/"] {
                let positions: Vec<String> = names.iter().map(|name| format!("{evaluated}{name}")).collect();
                let files: Vec<String> = FILES.iter().map(|name| format!("{stored}{name}")).collect();
                let texts = |texts: &[String]| texts.to_vec();
                let (positions, files) = (texts(&positions), texts(&files));
                let borrowed = |texts: &'static [String]| texts.iter().map(String::as_str).collect::<Vec<_>>();
                let found = located(&borrowed(positions.leak()), &borrowed(files.leak()));
                assert_eq!(found, all(stored), "{evaluated} {stored}");
            }
        }
    }

    /// Each system may have been evaluated from a copy of its own.
    #[test]
    fn several_copies_are_one_set() {
        let found =
            located(&["/one/pkgs/libs/zlib/default.nix", "/one/pkgs/libs/gmp/default.nix", "/two/pkgs/libs/zlib/default.nix"], &FILES);
        assert_eq!(found, [("pkgs/libs/gmp/default.nix".to_owned(), vec![1]), ("pkgs/libs/zlib/default.nix".to_owned(), vec![0, 2])]);
    }

    /// However many copies there are, each of their files is here.
    #[test]
    fn the_files_of_each_copy_are_found() {
        let files = &FILES[1..4];
        let positions: Vec<String> =
            (0..5).flat_map(|copy| files.iter().map(move |file| format!("/nix/store/{copy}-source/{file}"))).collect();
        let named = positions.iter().enumerate().map(|(at, file)| (file.as_str(), vec![AttributeIx::new(at)]));
        let located = Positions::locate(named.collect(), FILES.into_iter());
        assert_eq!((located.named, located.found, located.files.len()), (15, 15, 3));
    }

    /// The repository of an overlay: what nixpkgs calls alike is not there.
    #[test]
    fn another_set_is_not_mistaken() {
        let files = ["default.nix", "pkgs/mine/a/default.nix", "pkgs/mine/b/default.nix", "pkgs/libs/zlib/default.nix"];
        let positions = [
            "/nix/store/o-source/pkgs/mine/a/default.nix",
            "/nix/store/o-source/pkgs/mine/b/default.nix",
            "/nix/store/n-source/pkgs/libs/zlib/default.nix",
            "/nix/store/n-source/pkgs/libs/gmp/default.nix",
            "/nix/store/n-source/pkgs/libs/mpfr/default.nix",
        ];
        let found: Vec<String> = located(&positions, &files).into_iter().map(|(file, _)| file).collect();
        assert_eq!(found, ["pkgs/mine/a/default.nix", "pkgs/mine/b/default.nix"]);
    }

    #[test]
    fn lines_are_dropped() {
        assert_eq!(
            (file_of("pkgs/a.nix:12"), file_of("pkgs/a:b.nix"), file_of("pkgs/a.nix")),
            ("pkgs/a.nix", "pkgs/a:b.nix", "pkgs/a.nix")
        );
    }
}
