//! Who is told of a change of Nixpkgs, against the maintainers that the dump names and a naive walk.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waves_core::analysis::{Change, Scope};
use waves_core::notify::{NotifyOptions, Owners, Role, notify};
use waves_core::plan::{PlanOptions, plan};

use crate::naive::{base_name, decompressed};
use crate::support::{Nixpkgs, directory, nixpkgs};

/// Maintainers of each attribute with a derivation, where it is defined, and whether it is broken.
struct Job {
    derivation: usize,
    maintainers: BTreeSet<String>,
    file: String,
    is_broken: bool,
}

fn jobs(nixpkgs: &Nixpkgs) -> BTreeMap<String, Job> {
    let text = decompressed(&directory().expect("it is there").join("eval-jobs.jsonl.zst"));
    let job = |line: &str| {
        let job: Value = serde_json::from_str(line).expect("JSON");
        let derivation = *nixpkgs.naive.numbers.get(base_name(job["drvPath"].as_str()?))?;
        let handles = job["meta"]["maintainers"].as_array().into_iter().flatten().map(|person| person["github"].as_str());
        let maintainers = handles.map(|handle| handle.expect("a handle").to_lowercase()).collect();
        let position = job["meta"]["position"].as_str().unwrap_or_default();
        let file = position.rsplit_once(':').map_or(position, |(file, _)| file).to_owned();
        let is_broken = job["meta"]["broken"] == true;
        Some((job["attr"].as_str()?.to_owned(), Job { derivation, maintainers, file, is_broken }))
    };
    text.lines().filter_map(job).collect()
}

#[test]
fn every_maintainer_is_told_of_every_attribute() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let jobs = jobs(nixpkgs);
    for selector in ["glibc", "openssl", "python312Packages.torch", "hello"] {
        let (roots, numbers) = nixpkgs.root(selector, Scope::Package);
        let rebuilt = nixpkgs.naive.rebuilds(&numbers);
        let next: BTreeSet<usize> = numbers.iter().flat_map(|&root| nixpkgs.naive.users(root)).collect();
        let mut expected: BTreeMap<&str, BTreeMap<&str, Role>> = BTreeMap::new();
        let hit = || jobs.iter().filter(|(_, job)| rebuilt[job.derivation]);
        for (attribute, job) in hit().filter(|(_, job)| !job.is_broken) {
            let role = match (numbers.contains(&job.derivation), next.contains(&job.derivation)) {
                (true, _) => Role::Changed,
                (false, true) => Role::Direct,
                (false, false) => Role::Transitive,
            };
            for maintainer in &job.maintainers {
                expected.entry(maintainer).or_default().insert(attribute, role);
            }
        }
        let change = Change::foretold(&nixpkgs.graph, roots.clone()).expect("it has edges");
        let planned = plan(&nixpkgs.graph, roots, &PlanOptions::default()).expect("it has edges");
        let notices = notify(&change, Some(&planned), &NotifyOptions::default()).expect("nobody was asked for");
        assert_eq!(notices.notices.len(), expected.len(), "{selector}");
        for notice in &notices.notices {
            let builds = notice.packages.iter().flat_map(|package| &package.builds);
            let attributes = builds.flat_map(|build| build.attributes.iter().map(move |&ix| (ix, build.role)));
            let found: BTreeMap<&str, Role> = attributes.map(|(ix, role)| (nixpkgs.graph.attribute(ix).path(), role)).collect();
            assert_eq!(&found, &expected[notice.recipient.name().to_lowercase().as_str()], "{selector}: {}", notice.recipient.name());
        }
        let broken = hit().filter(|(_, job)| job.is_broken).count();
        assert_eq!((notices.attributes.broken, notices.attributes.total()), (broken, hit().count()), "{selector}");
        // An attribute without maintainers may have an alias with some, so its derivation decides.
        let named: BTreeSet<usize> =
            hit().filter(|(_, job)| !job.is_broken && !job.maintainers.is_empty()).map(|(_, job)| job.derivation).collect();
        let unnamed = hit().filter(|(_, job)| !job.is_broken && !named.contains(&job.derivation)).count();
        assert_eq!(notices.attributes.unnamed, unnamed, "{selector}");
    }
}

/// Ways are as short as a breadth-first search finds them.
#[test]
fn ways_are_shortest() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let (roots, numbers) = nixpkgs.root("openssl", Scope::Package);
    let change = Change::foretold(&nixpkgs.graph, roots).expect("it has edges");
    let notices = notify(&change, None, &NotifyOptions::default()).expect("nobody was asked for");
    for notice in notices.notices.iter().step_by(300) {
        let package = &notice.packages[0];
        let ends: Vec<usize> = package.builds.iter().map(|build| nixpkgs.number(nixpkgs.graph.derivation(build.derivation))).collect();
        let path: Vec<usize> = notices.path_to(package).into_iter().map(|step| nixpkgs.number(step)).collect();
        let distance = nixpkgs.naive.distance(&numbers, &ends, |at| nixpkgs.naive.users(at));
        assert_eq!(Some(path.len() - 1), distance, "{}", notice.recipient.name());
        assert!(path.windows(2).all(|step| nixpkgs.naive.users(step[0]).any(|user| user == step[1])));
    }
}

/// Lines of nixpkgs' own `ci/OWNERS` own what is defined in their directories, and only the last that matches counts.
#[test]
fn owners_are_found_by_position() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let owners = "/pkgs/development/ @everything\n/pkgs/development/interpreters/python @python\n/pkgs/development/compilers/gcc\n";
    let owners = Owners::parse("OWNERS", owners).expect("an owners file");
    let jobs = jobs(nixpkgs);
    let (roots, numbers) = nixpkgs.root("openssl", Scope::Package);
    let rebuilt = nixpkgs.naive.rebuilds(&numbers);
    let is_below = |job: &Job, directory: &str| job.file.contains(&format!("/nixpkgs/pkgs/development/{directory}"));
    let change = Change::foretold(&nixpkgs.graph, roots).expect("it has edges");
    for (name, is_owned) in [
        ("python", &(|job: &Job| is_below(job, "interpreters/python/")) as &dyn Fn(&Job) -> bool),
        ("everything", &|job| is_below(job, "") && !is_below(job, "interpreters/python/") && !is_below(job, "compilers/gcc/")),
    ] {
        let options = NotifyOptions { owners: Some(&owners), only: Some(name), ..NotifyOptions::default() };
        let notices = notify(&change, None, &options).expect("an owner");
        let expected = jobs.values().filter(|job| rebuilt[job.derivation] && !job.is_broken && is_owned(job)).count();
        assert_eq!((notices.notices.len(), notices.notices[0].attributes()), (1, expected), "{name}");
        assert!(expected > 10);
    }
}
