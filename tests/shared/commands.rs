//! Every command, as a user learns of it: from what `--help` lists.

use std::collections::BTreeMap;
use std::process::Command;

/// Each command and subcommand by the words that call it, `waves` itself by none, and its help.
pub(crate) fn commands() -> BTreeMap<Vec<String>, String> {
    let mut known = BTreeMap::new();
    let mut waiting = vec![Vec::new()];
    while let Some(words) = waiting.pop() {
        let output = Command::new(env!("CARGO_BIN_EXE_waves")).args(&words).arg("--help").output().expect("waves runs");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with("  "));
        let names = listed.filter(|line| !line.starts_with("    ")).filter_map(|line| line.split_whitespace().next());
        waiting.extend(names.filter(|name| *name != "help").map(|name| [&words[..], &[name.to_owned()]].concat()));
        known.insert(words, help);
    }
    assert!(known.contains_key(&["plan".to_owned(), "diff".to_owned()][..]), "{:?}", known.keys());
    known
}
