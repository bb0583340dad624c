//! The explorer in a real terminal: what is typed leads to what the other commands say.

mod support;

use std::fs;

use serde_json::Value;

use support::{SET, Terminal, UPDATED, json, line_with, numbers, repository};

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key}: {value}"))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key}: {value}"))
}

#[test]
fn a_search_narrows_what_rank_lists() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    let rank = json(&["rank", "--named", "--limit", "0"]);
    let first = &list(&rank, "packages")[0];
    let [attributes, derivations] = numbers(first, ["rebuilds_attributes", "rebuilds_derivations"]);
    line_with(&terminal.screen(), &[">", &attributes, &derivations]);

    // The names are counted in the dump.
    let jobs = fs::read_to_string(repository().join("data/dumps/eval-jobs.jsonl")).expect("there");
    let jobs = jobs.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let named = jobs.filter(|job| text(job, "attr").contains("python")).count();
    assert!(named > 1);
    terminal.keys(&["/"]);
    terminal.text("python");
    terminal.wait("search: python_");
    terminal.wait(&format!("{named} attributes"));
    terminal.text("3");
    let screen = terminal.wait("search: python3_");
    for package in list(&rank, "packages").iter().filter(|package| text(package, "package") == "python3") {
        let [attributes, derivations] = numbers(package, ["rebuilds_attributes", "rebuilds_derivations"]);
        line_with(&screen, &[">", "python3", &attributes, &derivations]);
    }
    terminal.text("-nothing-has-this-name");
    terminal.wait("0 attributes");
    terminal.keys(&["C-u"]);
    terminal.wait("search: _");
    terminal.keys(&["Escape", "q"]);
    terminal.wait("ready>");
}

#[test]
fn a_package_says_what_impact_says_and_leads_on() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    terminal.open("openssl");
    let (impact, inverse) = (json(&["impact", "--root", "openssl"]), json(&["impact", "--root", "openssl", "--inverse"]));
    let sentence = |counts: &Value| {
        let [attributes, derivations, outputs] = numbers(counts, ["attributes", "derivations", "outputs"]);
        format!("{attributes} attributes, {derivations} derivations, {outputs} outputs")
    };
    let screen = terminal.wait("maintainers");
    for (what, report, counts) in
        [("rebuilds", &impact, "rebuilds"), ("dependents", &impact, "dependents"), ("dependencies", &inverse, "dependents")]
    {
        let line = line_with(&screen, &[what]);
        assert!(line.contains(&sentence(&report[counts])), "{line}");
        if what != "rebuilds" {
            assert!(line.contains(&format!("{} direct", list(report, "direct").len())), "{line}");
        }
    }

    // Each direct dependent, in the same order.
    terminal.keys(&["d"]);
    let screen = terminal.wait("[dependents");
    let rows: Vec<&str> = screen.lines().skip_while(|line| !line.starts_with("  package")).skip(1).collect();
    for (row, direct) in rows.iter().zip(list(&impact, "direct")) {
        let [attributes, derivations] = numbers(direct, ["rebuilds_attributes", "rebuilds_derivations"]);
        line_with(row, &[text(direct, "label"), &attributes, &derivations]);
    }
    terminal.keys(&["D"]);
    terminal.wait(&format!("[dependencies {}]", list(&inverse, "direct").len()));
    terminal.keys(&["Tab"]);
    terminal.wait(&format!("[all dependents {}]", impact["dependents"]["derivations"]));

    // The second dependent, and back.
    terminal.keys(&["BTab", "BTab", "j", "Enter"]);
    let second = text(&list(&impact, "direct")[1], "label");
    terminal.wait(&format!("› around openssl › {second}"));
    terminal.keys(&["Escape"]);
    terminal.wait_until("the list", |screen| screen.lines().next().is_some_and(|title| !title.contains(second)));
    terminal.keys(&["BSpace"]);
    terminal.wait("[package");
}

#[test]
fn waves_are_those_of_the_plan() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    terminal.open("glibc");
    terminal.wait("maintainers");
    terminal.keys(&["p"]);
    let plan = json(&["plan", "--root", "glibc"]);
    let screen = terminal.wait("[waves");
    assert!(screen.contains(&format!("{} packages in {} levels", plan["packages"], plan["levels"])), "{screen}");
    for wave in list(&plan, "waves") {
        let [derivations, packages] = numbers(wave, ["derivations", "packages"]);
        line_with(&screen, &[&derivations, &packages, text(wave, "name").split(',').next().expect("a word")]);
    }
    terminal.keys(&["End", "Enter"]);
    let last = &list(&plan, "waves")[list(&plan, "waves").len() - 1];
    terminal.wait(&format!("1 of {}", last["packages"]));
    terminal.keys(&["Escape", "Tab"]);
    terminal.wait(&format!("[levels {}]", plan["levels"]));
}

#[test]
fn why_is_the_chain_of_why() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    for (from, to, sentence) in [
        ("openssl", "python312Packages.torch", "A change of openssl rebuilds python312Packages.torch, in"),
        ("curl", "hello", "A change of curl does not rebuild hello: fixed outputs are between them"),
        ("hello", "curl", "A change of hello does not rebuild curl"),
    ] {
        terminal.open(to);
        terminal.wait("[package");
        terminal.keys(&["w"]);
        terminal.wait("What changes?");
        terminal.text(from);
        terminal.wait(&format!("search: {from}_"));
        terminal.keys(&["Enter"]);
        let screen = terminal.wait(sentence);
        let why = json(&["why", from, to]);
        for step in list(&why, "path").iter().chain(list(&why, "blocked")) {
            line_with(&screen, &[text(step, "label")]);
        }
    }
}

#[test]
fn two_evaluations_differ_as_diff_says() {
    let Some(terminal) = Terminal::exploring(&[SET, UPDATED]) else { return };
    terminal.keys(&["x"]);
    let screen = terminal.wait("[causes");
    let diff = json(&["diff", SET, UPDATED]);
    let count = |key: &str| list(&diff, key).len();
    assert!(screen.contains(&format!("{} attributes rebuilt, {} added, {} removed", count("rebuilds"), count("added"), count("removed"))));
    for cause in list(&diff, "root_causes") {
        let [attributes, derivations] = numbers(&cause["rebuilds"], ["attributes", "derivations"]);
        line_with(&screen, &[text(cause, "label"), &attributes, &derivations]);
    }
    // The first cause, in the evaluation after the change.
    terminal.keys(&["Enter"]);
    let screen = terminal.wait("after: ");
    line_with(&screen, &["version", text(&diff["root_causes"][0], "version_after")]);
    terminal.keys(&["Escape"]);
    terminal.wait("[causes");
    for (title, key) in [("added", "added"), ("rebuilt", "rebuilds")] {
        while !terminal.screen().contains(&format!("[{title} {}]", count(key))) {
            let before = terminal.screen();
            terminal.keys(&["Tab"]);
            terminal.wait_until("the next tab", |screen| screen != before);
        }
        line_with(&terminal.screen(), &[list(&diff, key)[0].as_str().expect("a name")]);
    }
    terminal.keys(&["Enter"]);
    terminal.wait("[package");
}

#[test]
fn every_size_from_40_by_10_shows_the_selected_row() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    terminal.keys(&["/"]);
    terminal.text("python");
    terminal.wait("search: python_");
    terminal.keys(&["Down", "Down"]);
    terminal.wait("3 of ");
    for (width, height) in [(60, 15), (40, 10), (120, 40), (100, 30)] {
        terminal.resize(width, height);
        let fits = |screen: &str| {
            let lines: Vec<&str> = screen.lines().collect();
            lines.len() == height
                && lines.iter().all(|line| line.chars().count() <= width)
                && lines.iter().any(|line| line.starts_with("> "))
                && lines[height - 1].contains("3 of ")
        };
        terminal.wait_until(&format!("a screen of {width} by {height}"), fits);
    }
    // What counts is still there on the smallest.
    terminal.resize(40, 10);
    let rank = json(&["rank", "--limit", "0"]);
    terminal.keys(&["Home"]);
    terminal.wait("1 of ");
    terminal.text("3");
    let screen = terminal.wait("search: python3_");
    let python = list(&rank, "packages").iter().find(|package| text(package, "package") == "python3").expect("it is ranked");
    let [attributes, derivations] = numbers(python, ["rebuilds_attributes", "rebuilds_derivations"]);
    line_with(&screen, &[">", "python3", &attributes, &derivations]);
    assert!(screen.contains("Enter open"), "{screen}");
}

/// Whichever way it is left, the terminal is as it was: its screen, its modes, its cursor.
#[test]
fn the_terminal_is_given_back() {
    let Some(terminal) = Terminal::new() else { return };
    terminal.run("stty -a > /dev/null && echo 'this was'' here'");
    terminal.wait("this was here");
    for (round, keys) in [&["q"][..], &["C-c"], &["/", "a", "C-c"], &["?", "q"]].into_iter().enumerate() {
        terminal.explore(&[SET]);
        assert!(!terminal.screen().contains("this was here"));
        terminal.keys(keys);
        terminal.wait("this was here");
        terminal.run(&format!("echo \"left {round} with $?:$(stty -a | grep -o ' icanon')\""));
        terminal.wait(&format!("left {round} with 0: icanon"));
    }
}

/// The same when somebody else ends it; its end is that of any program that a signal ends.
#[test]
fn the_terminal_is_given_back_when_a_signal_comes() {
    let Some(terminal) = Terminal::new() else { return };
    terminal.run("stty -a > /dev/null && echo 'this was'' here'");
    terminal.wait("this was here");
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        terminal.explore(&[SET]);
        terminal.signal(signal);
        terminal.wait("this was here");
        terminal.run(&format!("echo \"left by {signal} with $?:$(stty -a | grep -o ' icanon')\""));
        terminal.wait(&format!("left by {signal} with {}: icanon", 128 + number));
    }
}

#[test]
fn keys_are_explained_and_mistakes_are_told() {
    let Some(terminal) = Terminal::exploring(&[SET]) else { return };
    terminal.keys(&["?"]);
    let screen = terminal.wait("search by a part of a name");
    for key in ["Enter", "Tab", "PgDn", "Ctrl-C"] {
        assert!(screen.contains(key), "{key}:\n{screen}");
    }
    terminal.keys(&["?"]);
    terminal.wait("everything but sources");
    terminal.keys(&["x"]);
    terminal.wait("there is one evaluation");
    // An attribute that does not evaluate says why.
    terminal.open("python2");
    terminal.wait("does not evaluate");
    terminal.keys(&["d"]);
    terminal.wait("no package is selected");
}

/// Names and counts of an evaluation without edges are there; what edges would tell is told to be missing.
#[test]
fn without_edges_names_are_shown() {
    let Some(terminal) = Terminal::exploring(&["data/dumps/eval-jobs.jsonl"]) else { return };
    terminal.open("openssl");
    terminal.wait("this evaluation has no edges");
    terminal.keys(&["p"]);
    terminal.wait_until("a message", |screen| screen.lines().last().is_some_and(|line| line.contains("no edges")));
}
