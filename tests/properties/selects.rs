//! What a selector names, for every name that a package set has.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::analysis::{Scope, select};
use waves_core::error::Error;

use crate::model::PackageSet;
use crate::strategy::package_sets;
use crate::support::{Imported, import};

/// What is selected: the derivations of each root, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selected {
    Roots(BTreeSet<BTreeSet<usize>>),
    Unknown,
    /// The packages that share the name.
    Ambiguous(BTreeSet<BTreeSet<usize>>),
    NotEvaluated(String),
}

/// The same from the model: `members` are what is named, each a root of its own if it is a pattern that names them.
struct Naive<'s> {
    set: &'s PackageSet,
    packages: BTreeSet<BTreeSet<usize>>,
    system: Option<&'static str>,
    scope: Scope,
}

impl Naive<'_> {
    fn is_for(&self, at: usize) -> bool {
        self.system.is_none_or(|system| self.set.derivations[at].system == system)
    }

    fn packages_of(&self, members: &BTreeSet<usize>) -> BTreeSet<BTreeSet<usize>> {
        self.packages.iter().filter(|package| !package.is_disjoint(members)).cloned().collect()
    }

    fn root(&self, members: &BTreeSet<usize>) -> BTreeSet<usize> {
        if self.scope == Scope::Exact { members.clone() } else { self.packages_of(members).into_iter().flatten().collect() }
    }

    fn one(&self, members: &BTreeSet<usize>) -> Selected {
        Selected::Roots([self.root(members)].into())
    }

    /// What attributes whose path is right have; if they are for other systems alone, what their packages have for this one. Why not, if none
    /// evaluates.
    fn members(&self, is_meant: impl Fn(&str) -> bool) -> Option<Result<BTreeSet<usize>, &'static str>> {
        let named: Vec<_> = self.set.attributes.iter().filter(|attribute| is_meant(&attribute.dotted())).collect();
        let all: BTreeSet<usize> = named.iter().filter_map(|attribute| attribute.derivation.ok()).collect();
        let first = named.first()?;
        if all.is_empty() {
            return Some(Err(first.derivation.expect_err("it has no derivation")));
        }
        let of_system = |members: BTreeSet<usize>| members.into_iter().filter(|&at| self.is_for(at)).collect::<BTreeSet<_>>();
        let own = of_system(all.clone());
        Some(Ok(if own.is_empty() { of_system(self.packages_of(&all).into_iter().flatten().collect()) } else { own }))
    }

    fn attributes(&self, is_meant: impl Fn(&str) -> bool) -> Option<Selected> {
        Some(match self.members(is_meant)? {
            Err(error) => Selected::NotEvaluated(error.to_owned()),
            Ok(members) if members.is_empty() => Selected::Unknown,
            Ok(members) => self.one(&members),
        })
    }

    fn by_path(&self, path: &str) -> Selected {
        let unquoted = || self.attributes(|dotted| dotted.contains('"') && dotted.replace('"', "") == path);
        self.attributes(|dotted| dotted == path).or_else(unquoted).unwrap_or_else(|| self.by_name(path))
    }

    fn by_pattern(&self, beginning: &str) -> Selected {
        let is_meant = |path: &String| path.starts_with(beginning) || path.replace('"', "").starts_with(beginning);
        let paths: BTreeSet<String> = self.set.attributes.iter().map(|attribute| attribute.dotted()).filter(is_meant).collect();
        // In the order of the evaluation: by path.
        let named: Vec<_> = paths.iter().filter_map(|path| self.members(|dotted| dotted == path)).collect();
        let roots: BTreeSet<_> = named.iter().flatten().flatten().map(|&at| self.root(&[at].into())).collect();
        match named.first() {
            _ if !roots.is_empty() => Selected::Roots(roots),
            Some(Err(error)) if named.iter().all(Result::is_err) => Selected::NotEvaluated((*error).to_owned()),
            _ => Selected::Unknown,
        }
    }

    fn by_name(&self, name: &str) -> Selected {
        let named =
            |is_named: &dyn Fn(usize) -> bool| self.set.all().filter(|&at| self.is_for(at) && is_named(at)).collect::<BTreeSet<_>>();
        let by_pname = named(&|at| !self.set.derivations[at].is_fixed && self.set.derivations[at].pname == name);
        let members = if by_pname.is_empty() { named(&|at| self.set.name(at) == name) } else { by_pname };
        let packages = self.packages_of(&members);
        match packages.len() {
            0 => Selected::Unknown,
            1 => self.one(&members),
            _ => Selected::Ambiguous(packages),
        }
    }
}

/// The line about a package, and what lines are sorted by.
fn candidate(set: &PackageSet, imported: &Imported, package: &BTreeSet<usize>) -> (usize, String) {
    let rebuilt = set.rebuilds(package.iter().copied());
    let plural = |count: usize, what: &str| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") };
    let first = package.first().map(|&at| imported.ix(at)).expect("it has a derivation");
    let face = imported.graph.derivation(first).package().face();
    let at = imported.at(face.ix());
    let is_named = set.attributes.iter().any(|attribute| attribute.derivation == Ok(at));
    let typed = if is_named { face.label().to_owned() } else { set.drv_path(at).replace("/nix/store/", "") };
    let version = if set.derivations[at].version.is_empty() { "no version" } else { set.derivations[at].version };
    // Without any attribute, derivations are what there is to count.
    let rebuilds =
        if set.attributes.is_empty() { plural(rebuilt.len(), "derivation") } else { plural(set.attributes_of(&rebuilt), "attribute") };
    let derivations = plural(package.len(), "derivation");
    (rebuilt.len(), format!("  {typed}  ({version}, {}, {derivations}; rebuilds {rebuilds})", set.derivations[at].system))
}

/// `named` is what a selector names, of the system of whom it is asked.
fn assert_names(imported: &Imported, naive: &Naive<'_>, selector: &str, named: impl Fn(&Naive<'_>) -> Selected) {
    let found = select(&imported.graph, &[selector.to_owned()], naive.scope, naive.system);
    let of_any_system = || named(&Naive { system: None, scope: Scope::Exact, packages: naive.packages.clone(), ..*naive });
    match (found, &named(naive)) {
        (Ok(roots), Selected::Roots(expected)) => {
            let ats = |derivations: &[_]| derivations.iter().map(|&ix| imported.at(ix)).collect::<BTreeSet<_>>();
            assert_eq!(&roots.iter().map(|root| ats(&root.derivations)).collect::<BTreeSet<_>>(), expected, "{selector}");
            assert_eq!(roots.len(), expected.len(), "{selector} names a root twice");
            assert!(roots.iter().all(|root| root.derivations.is_sorted() && root.derivations.contains(&root.face)));
        }
        (Err(Error::UnknownPackage { .. }), Selected::Unknown) => assert!(matches!(of_any_system(), Selected::Unknown), "{selector}"),
        (Err(Error::NotForSystem { systems, .. }), Selected::Unknown) => {
            // Of what is named so, and of an attribute's package, at most: whichever can be asked for.
            let systems_of = |members: &BTreeSet<usize>| -> BTreeSet<&str> {
                let systems = members.iter().map(|&at| naive.set.derivations[at].system);
                systems.filter(|system| !system.is_empty() && Some(*system) != naive.system).collect()
            };
            let (least, most) = match of_any_system() {
                Selected::Roots(named) => {
                    let named: BTreeSet<usize> = named.into_iter().flatten().collect();
                    (systems_of(&named), systems_of(&naive.packages_of(&named).into_iter().flatten().collect()))
                }
                Selected::Ambiguous(packages) => (BTreeSet::new(), systems_of(&packages.into_iter().flatten().collect())),
                other => panic!("{selector} is not there at all: {other:?}"),
            };
            let told: BTreeSet<&str> = systems.iter().map(String::as_str).collect();
            assert!(least.is_subset(&told) && told.is_subset(&most), "{selector}: {systems:?}");
        }
        (Err(Error::NotEvaluated { error, .. }), Selected::NotEvaluated(expected)) => assert_eq!(&error, expected),
        (Err(Error::AmbiguousPackage { candidates, .. }), Selected::Ambiguous(packages)) => {
            let mut known: Vec<_> = packages.iter().map(|package| candidate(naive.set, imported, package)).collect();
            known.sort_by_key(|&(rebuilt, _)| std::cmp::Reverse(rebuilt));
            // Twelve are listed, and the rest counted.
            assert_eq!(candidates.len(), known.len().min(13), "{selector}");
            if let Some(rest) = known.len().checked_sub(12).filter(|&rest| rest > 0) {
                assert_eq!(candidates[12], format!("  … and {rest} more"));
            }
            for (line, (rebuilt, _)) in candidates.iter().zip(&known).take(12) {
                assert!(known.contains(&(*rebuilt, line.clone())), "{line} is not about a package that rebuilds {rebuilt}");
            }
        }
        (found, expected) => panic!("{selector}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn twelve_candidates_are_listed_and_the_rest_counted() {
    for packages in [2, 11, 12, 13, 20] {
        let line = |at: usize| format!(r#"{{"attr":"a{at}","name":"alike-{at}","drvPath":"/nix/store/{at:032}-alike-{at}.drv"}}"#);
        let graph = import(&[("jobs.jsonl", (0..packages).map(line).collect::<Vec<_>>().join("\n"))]);
        let found = select(&graph, &["alike".to_owned()], Scope::Package, None);
        let Err(Error::AmbiguousPackage { candidates, .. }) = found else { panic!("{found:?}") };
        let rest = candidates.iter().skip(12).map(String::as_str).collect::<Vec<_>>();
        match packages.checked_sub(12).filter(|&rest| rest > 0) {
            Some(more) => assert_eq!(rest, [format!("  … and {more} more")]),
            None => assert_eq!((rest.len(), candidates.len()), (0, packages)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn selectors_name_what_the_set_says(
        set in package_sets(40),
        system in prop::option::of(Just("x86_64-linux")),
        scope in prop_oneof![Just(Scope::Package), Just(Scope::Exact)],
        is_alike: bool,
    ) {
        let mut set = set;
        // More packages of one name than are listed.
        set.derivations.iter_mut().filter(|_| is_alike).for_each(|derivation| derivation.pname = "bash");
        let imported = Imported::new(&set);
        let naive = Naive { set: &set, packages: set.packages(), system, scope };
        for attribute in &set.attributes {
            let path = attribute.dotted();
            for path in [path.replace('"', ""), path] {
                assert_names(&imported, &naive, &path, |naive| naive.by_path(&path));
            }
        }
        for at in set.all() {
            for name in [set.derivations[at].pname.to_owned(), set.name(at)] {
                assert_names(&imported, &naive, &name, |naive| naive.by_name(&name));
            }
        }
        for beginning in ["", "a", "b1", "a.b.", "qt6.", "qt6.socket", "python312Packages.c", "broken-"] {
            assert_names(&imported, &naive, &format!("{beginning}*"), |naive| naive.by_pattern(beginning));
        }
        assert_names(&imported, &naive, "nothing.of.the.kind", |_| Selected::Unknown);
    }

    #[test]
    fn what_is_nearly_a_name_is_unknown_and_suggested(set in package_sets(40)) {
        let imported = Imported::new(&set);
        let paths: BTreeSet<String> = set.attributes.iter().map(|attribute| attribute.dotted()).collect();
        for path in paths.iter().filter(|path| path.len() > 5) {
            match select(&imported.graph, &[format!("{path}_")], Scope::Package, None) {
                Err(Error::UnknownPackage { suggestions, .. }) => {
                    prop_assert!((1..=3).contains(&suggestions.len()) && suggestions.iter().all(|name| paths.contains(name)));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn store_paths_name_a_derivation_or_all_that_make_them(set in package_sets(40), scope in prop_oneof![Just(Scope::Package), Just(Scope::Exact)], output: Index) {
        let imported = Imported::new(&set);
        // Whatever system is asked for: a path is of one.
        let naive = Naive { set: &set, packages: set.packages(), system: Some("builtin"), scope };
        for at in set.all() {
            let path = set.drv_path(at);
            let base = path.trim_start_matches("/nix/store/");
            assert_names(&imported, &naive, &path, |naive| naive.one(&[at].into()));
            assert_names(&imported, &naive, base, |naive| naive.one(&[at].into()));
            let output = output.get(&set.output_paths(at)).clone();
            // Twins make it, too.
            let makers: BTreeSet<usize> = set.all().filter(|&other| set.output_paths(other).contains(&output)).collect();
            assert_names(&imported, &naive, &output, |naive| naive.one(&makers));
            // The right hash with another name is nothing.
            assert_names(&imported, &naive, &format!("{output}-other"), |_| Selected::Unknown);
            assert_names(&imported, &naive, &path.replace(".drv", "-other.drv"), |_| Selected::Unknown);
        }
    }

    #[test]
    fn several_selectors_name_no_root_twice(set in package_sets(40)) {
        let imported = Imported::new(&set);
        let paths: Vec<String> = set.all().chain(set.all()).map(|at| set.drv_path(at)).collect();
        let roots = select(&imported.graph, &paths, Scope::Package, None).expect("paths of the set");
        let found: Vec<BTreeSet<usize>> =
            roots.iter().map(|root| root.derivations.iter().map(|&ix| imported.at(ix)).collect()).collect();
        prop_assert_eq!(found.len(), set.packages().len());
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), set.packages());
    }
}
