//! Why one derivation rebuilds another, or not.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use waves_core::analysis::Why;
use waves_core::report::{Report as _, WhyDetail, WhyReport};

use crate::model::PackageSet;
use crate::strategy::{package_sets, with_roots};
use crate::support::Imported;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chains_are_real_and_shortest((set, from) in with_roots(40), to: Index) {
        let to = to.index(set.derivations.len());
        let imported = Imported::new(&set);
        let why = Why::new(&imported.graph, &[imported.root(from.iter().copied())], &[imported.root([to])]).expect("it has edges");
        let distance = PackageSet::distances(from.clone(), |at| set.users(at)).get(&to).copied();
        let chain = why.shortest().map(|chain| chain.iter().map(|link| imported.at(link.derivation.ix())).collect::<Vec<_>>());
        prop_assert_eq!(chain.as_ref().map(|chain| chain.len() - 1), distance);
        for (at, link) in why.shortest().unwrap_or_default().iter().enumerate() {
            let here = imported.at(link.derivation.ix());
            let before = at.checked_sub(1).map(|before| chain.as_ref().expect("there is one")[before]);
            let used = before.and_then(|before| set.derivations[here].inputs.get(&before)).cloned().unwrap_or_default();
            prop_assert_eq!(&link.outputs, &used);
            prop_assert!(before.is_none_or(|before| set.users(before).any(|user| user == here)));
        }
        if let Some(chain) = chain {
            prop_assert_eq!((from.contains(&chain[0]), chain.last()), (true, Some(&to)));
        }
    }

    #[test]
    fn between_is_what_is_on_any_chain((set, from) in with_roots(30), to: Index) {
        let to = to.index(set.derivations.len());
        let imported = Imported::new(&set);
        let why = Why::new(&imported.graph, &[imported.root(from.iter().copied())], &[imported.root([to])]).expect("it has edges");
        let expected: BTreeSet<usize> = set.rebuilds(from).into_iter().filter(|&at| set.rebuilds([at]).contains(&to)).collect();
        prop_assert_eq!(imported.ats(why.between()), expected.clone());
        let edges: BTreeSet<(usize, usize)> = why.edges().map(|(input, user)| (imported.at(input.ix()), imported.at(user.ix()))).collect();
        let all = expected.iter().flat_map(|&input| set.users(input).map(move |user| (input, user)));
        prop_assert_eq!(edges, all.filter(|(_, user)| expected.contains(user)).collect());
    }

    /// Two store paths a line where nothing is cut; on a terminal they are whole, or not there.
    #[test]
    fn edges_are_told_whole((set, from) in with_roots(30), to: Index, width in 40_u16..300) {
        let to = to.index(set.derivations.len());
        let imported = Imported::new(&set);
        let (from, to) = ([imported.root(from.iter().copied())], [imported.root([to])]);
        let why = Why::new(&imported.graph, &from, &to).expect("it has edges");
        let report = WhyReport::new(&why, &from, &to, WhyDetail::All, usize::MAX);
        let paths = |width: Option<u16>| {
            let mut text = Vec::new();
            report.document().write_text(width, &mut text).expect("writes");
            let text = String::from_utf8(text).expect("UTF-8");
            let is_path = |word: &&str| word.starts_with("/nix/store/");
            let of_line = |line: &str| line.split_whitespace().filter(is_path).map(str::to_owned).collect::<Vec<_>>();
            text.lines().map(of_line).collect::<Vec<_>>()
        };
        let told = paths(None);
        let edges: Vec<Vec<String>> = why.edges().map(|(input, user)| vec![input.path(), user.path()]).collect();
        prop_assert_eq!(told.iter().filter(|paths| paths.len() == 2).cloned().collect::<Vec<_>>(), edges);
        let known: BTreeSet<&String> = told.iter().flatten().collect();
        prop_assert!(paths(Some(width)).iter().flatten().all(|path| known.contains(path)));
    }

    #[test]
    fn what_fixed_outputs_block_is_told(set in package_sets(40), from: Index, to: Index) {
        let (from, to) = (from.index(set.derivations.len()), to.index(set.derivations.len()));
        let imported = Imported::new(&set);
        let why = Why::new(&imported.graph, &[imported.root([from])], &[imported.root([to])]).expect("it has edges");
        let is_rebuilt = set.rebuilds([from]).contains(&to);
        let distance = PackageSet::distances([from], |at| set.needing(at)).get(&to).copied().filter(|_| !is_rebuilt);
        let blocked: Option<Vec<usize>> = why.blocked().map(|chain| chain.iter().map(|step| imported.at(step.ix())).collect());
        prop_assert_eq!(blocked.as_ref().map(|chain| chain.len() - 1), distance);
        for step in blocked.iter().flat_map(|chain| chain.windows(2)) {
            prop_assert!(set.needing(step[0]).any(|user| user == step[1]));
        }
        if let Some(chain) = blocked {
            prop_assert_eq!((chain.first(), chain.last()), (Some(&from), Some(&to)));
            prop_assert!(chain[1..].iter().any(|&at| set.derivations[at].is_fixed));
        }
        prop_assert_eq!(why.is_reversed(), !is_rebuilt && set.rebuilds([to]).contains(&from));
    }
}
