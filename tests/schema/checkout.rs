//! A repository with the package set of `data/`, and a change of it.

use std::fs;
use std::path::Path;

use git2::{IndexAddOption, Repository, Signature};
use tempfile::TempDir;

use crate::support::repository;

pub(crate) const ZLIB: (&str, &str, &str) = ("pkgs/development/libraries/zlib/default.nix", "1.3.1", "1.3.2");
pub(crate) const JQ_META: (&str, &str, &str) = ("pkgs/by-name/jq/jq/package.nix", "Lightweight", "Light");
pub(crate) const STDENV: (&str, &str, &str) = ("pkgs/stdenv/generic/setup.sh", "\n", "\n# more\n");
pub(crate) const PROSE: (&str, &str, &str) = ("README.md", "\n", "\nmore\n");

/// A repository with the package set, and some changes of it in a second commit.
pub(crate) struct Checkout {
    pub(crate) directory: TempDir,
}

impl Checkout {
    pub(crate) fn new(changes: &[(&str, &str, &str)]) -> Self {
        let checkout = Self { directory: TempDir::new().expect("a directory") };
        copy(&repository().join("data"), checkout.directory.path());
        let git = Repository::init(checkout.directory.path()).expect("a repository");
        commit(&git, "The package set");
        for &(file, from, to) in changes {
            checkout.replace(file, from, to);
        }
        commit(&git, "A <b>change</b>\u{1b}[31m");
        checkout
    }

    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.directory.path().join(file);
        let before = fs::read_to_string(&path).expect(file);
        assert!(before.contains(from), "{file}: {from}");
        fs::write(path, before.replacen(from, to, 1)).expect(file);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("it is there") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if !path.is_dir() {
            fs::copy(&path, target).expect("copied");
        } else if !path.ends_with("data/dumps") {
            copy(&path, &target);
        }
    }
}

/// Commits all that is there.
pub(crate) fn commit(git: &Repository, subject: &str) {
    let mut index = git.index().expect("an index");
    index.add_all(["*"], IndexAddOption::DEFAULT, None).expect("added");
    index.write().expect("written");
    let tree = git.find_tree(index.write_tree().expect("a tree")).expect("a tree");
    let who = Signature::now("somebody", "somebody@example.org").expect("a signature");
    let parent = git.head().ok().and_then(|head| head.peel_to_commit().ok());
    git.commit(Some("HEAD"), &who, &who, subject, &tree, &parent.iter().collect::<Vec<_>>()).expect("a commit");
}
