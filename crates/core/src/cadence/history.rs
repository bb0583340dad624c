//! Releases as the history of a package's file has them.
//!
//! Nothing is checked out: commits, trees and files are read from the object database.

use std::collections::{BTreeMap, HashMap};

use git2::{Oid, Sort};

use super::Release;
use crate::error::Result;
use crate::estimate::{Positions, Repository, read_file};
use crate::graph::{AttributeIx, Derivation, Graph};

/// What the history of a package's file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The file, from the top of the repository; `None` if the repository has none for it.
    pub file: Option<String>,
    /// Commits that changed it.
    pub commits: usize,
    /// Of these, those in which it is, or was, too long to be read: none counts as a release.
    pub unread: usize,
    /// Commits that changed a version in it, oldest first.
    pub releases: Vec<Release>,
}

/// The histories of what derivations are defined in, in the same order; merges aside, for the last `days` before the newest commit.
///
/// A release is a commit that changes the versions that a file states (`version = "…";`). A file that was moved has the history since then. Time O(commits ·
/// (files + length of a path) + sizes of the versions of the files).
///
/// # Errors
///
/// [`Error::Repository`](crate::error::Error::Repository) if an object cannot be read.
pub fn histories(graph: &Graph, repository: &Repository, derivations: &[Derivation<'_>], days: u32) -> Result<Vec<History>> {
    let git = repository.git();
    let read = |error: git2::Error| repository.unreadable(&error);
    let database = git.odb().map_err(read)?;
    let head = repository.head()?;
    let files = repository.files(&head.tree().map_err(read)?)?;
    let positions = Positions::new(graph, files.keys().map(String::as_str));
    let file_of: HashMap<AttributeIx, &str> =
        positions.files().flat_map(|(file, attributes)| attributes.iter().map(move |&attribute| (attribute, file))).collect();
    let mut histories: Vec<History> = derivations
        .iter()
        .map(|derivation| {
            let mut files = derivation.attributes().filter_map(|attribute| file_of.get(&attribute.ix()));
            History { file: files.next().map(|&file| file.to_owned()), ..History::default() }
        })
        .collect();
    let mut known: BTreeMap<String, History> =
        histories.iter().filter_map(|history| Some((history.file.clone()?, history.clone()))).collect();
    let oldest = head.time().seconds() - i64::from(days) * 86_400;

    let mut walk = git.revwalk().map_err(read)?;
    walk.set_sorting(Sort::TIME | Sort::TOPOLOGICAL).map_err(read)?;
    walk.push(head.id()).map_err(read)?;
    for id in walk {
        let commit = git.find_commit(id.map_err(read)?).map_err(read)?;
        if commit.parent_count() != 1 || commit.time().seconds() < oldest {
            continue;
        }
        let (after, before) = (commit.tree().map_err(read)?, commit.parent(0).and_then(|parent| parent.tree()).map_err(read)?);
        if after.id() == before.id() {
            continue;
        }
        for (file, history) in &mut known {
            let blob = |tree: &git2::Tree<'_>| tree.get_path(file.as_ref()).ok().map(|entry| entry.id());
            let (Some(old), Some(new)) = (blob(&before), blob(&after)) else { continue };
            if old == new {
                continue;
            }
            history.commits += 1;
            let stated = |id: Oid| -> Result<Option<Vec<String>>> {
                let object = read_file(&database, id).map_err(read)?;
                Ok(object.map(|object| versions(&String::from_utf8_lossy(object.data()))))
            };
            let (Some(old), Some(new)) = (stated(old)?, stated(new)?) else {
                history.unread += 1;
                continue;
            };
            if old != new && !old.is_empty() && !new.is_empty() {
                let version = new.into_iter().find(|version| !old.contains(version));
                history.releases.push(Release { day: commit.time().seconds().div_euclid(86_400), version });
            }
        }
    }
    for history in &mut histories {
        if let Some(found) = history.file.as_ref().and_then(|file| known.get(file)) {
            *history = found.clone();
            history.releases.sort();
        }
    }
    Ok(histories)
}

/// The versions that a file states, in order.
fn versions(text: &str) -> Vec<String> {
    let stated = text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix("\";")?;
        (name.trim() == "version" || name.trim().ends_with("Version")).then(|| value.to_owned())
    });
    stated.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use git2::{Signature, Time};
    use tempfile::TempDir;

    use super::*;
    use crate::ingest::Input;

    const DAY: i64 = 86_400;

    /// Commits files at a day; what stood there before stays.
    fn commit(git: &git2::Repository, day: i64, files: &[(&str, &str)]) {
        let top = git.workdir().expect("a working tree").to_owned();
        let mut index = git.index().expect("an index");
        for (path, text) in files {
            fs::create_dir_all(top.join(path).parent().expect("a directory")).expect("created");
            fs::write(top.join(path), text).expect("written");
            index.add_path(path.as_ref()).expect("added");
        }
        let tree = git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
        let who = Signature::new("a", "a@example.org", &Time::new(day * DAY, 0)).expect("somebody");
        let parents: Vec<_> = git.head().ok().and_then(|head| head.peel_to_commit().ok()).into_iter().collect();
        git.commit(Some("HEAD"), &who, &who, "a", &tree, &parents.iter().collect::<Vec<_>>()).expect("committed");
    }

    fn package(version: &str, rest: &str) -> String {
        format!("{{ mkDerivation }}:\nmkDerivation {{\n  version = \"{version}\";{rest}\n}}\n")
    }

    #[test]
    fn releases_are_commits_that_change_a_version() {
        let directory = TempDir::new().expect("a directory");
        let git = git2::Repository::init(directory.path().join("repository")).expect("a repository");
        let (hello, other) = ("pkgs/hello/default.nix", "pkgs/other/default.nix");
        commit(&git, 100, &[(hello, &package("1.0", "")), (other, &package("7", ""))]);
        commit(&git, 110, &[(hello, &package("1.1", ""))]);
        commit(&git, 120, &[(hello, &package("1.1", "\n  doCheck = true;"))]);
        commit(&git, 130, &[(other, &package("8", ""))]);
        commit(&git, 150, &[(hello, &package("1.2", ""))]);
        commit(&git, 160, &[("README", "nothing")]);

        let dump = directory.path().join("jobs.jsonl");
        let job = |name: &str, digit: &str, file: &str| {
            let (drv, out) = (digit.repeat(32), format!("{}0", digit.repeat(31)));
            format!(
                "{{\"attr\":\"{name}\",\"name\":\"{name}-1\",\"system\":\"x86_64-linux\",\"drvPath\":\"/nix/store/{drv}-{name}-1.drv\",\
                 \"outputs\":{{\"out\":\"/nix/store/{out}-{name}-1\"}},\"inputDrvs\":{{}},\"meta\":{{\"position\":\"/nix/store/source/{file}:3\"}}}}\n"
            )
        };
        let nowhere = job("nowhere", "3", "pkgs/nowhere/default.nix");
        fs::write(&dump, [job("hello", "1", hello), job("other", "2", other), nowhere].concat()).expect("written");
        let graph = Graph::import(&[Input::Path(dump)], &()).expect("a graph");
        let repository = Repository::discover(git.path()).expect("a repository");
        let named: Vec<Derivation<'_>> = ["hello", "other", "nowhere"]
            .iter()
            .map(|name| graph.find_attribute(name).next().and_then(|attribute| attribute.derivation()).expect("it is there"))
            .collect();
        let found = |days: u32| histories(&graph, &repository, &named, days).expect("a history");
        let release = |day: i64, version: &str| Release { day, version: Some(version.to_owned()) };
        let all = found(1000);
        let releases = vec![release(110, "1.1"), release(150, "1.2")];
        assert_eq!(all[0], History { file: Some(hello.to_owned()), commits: 3, unread: 0, releases });
        assert_eq!(all[1], History { file: Some(other.to_owned()), commits: 1, unread: 0, releases: vec![release(130, "8")] });
        assert_eq!(all[2], History::default());
        // From the newest commit, of day 160, on.
        assert_eq!(found(20)[0].releases, [release(150, "1.2")]);
    }
}
