//! Links of the documentation lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// The pages, and what stands in them outside of examples.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = vec![root().join("README.md"), root().join("CONTRIBUTING.md"), root().join("data/README.md")];
    for directory in ["docs", "docs/how-to"] {
        let entries = fs::read_dir(root().join(directory)).expect("listed").map(|entry| entry.expect("an entry").path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let prose = |text: String| text.split("```").step_by(2).collect::<String>();
    pages.into_iter().map(|path| (path.clone(), prose(fs::read_to_string(path).expect("UTF-8")))).collect()
}

/// The anchors of a page, as GitHub makes them of headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let anchor = |heading: &str| {
        let kept = heading.trim().to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The targets of links in a page that lead to this repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).collect()
}

#[test]
fn links_lead_somewhere() {
    let (pages, mut count) = (pages(), 0);
    for (page, text) in &pages {
        for link in links(text) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap_or(Path::new("")).join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).expect("a page");
                assert!(anchors(&text).contains(anchor), "{}: {link}", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let text = |name: &str| &pages.iter().find(|(page, _)| page.ends_with(name)).expect(name).1;
    let contents = links(text("docs/README.md"));
    for (page, _) in &pages {
        if let Ok(below) = page.strip_prefix(root().join("docs")) {
            let name = below.display().to_string();
            assert!(name == "README.md" || contents.iter().any(|link| link.split('#').next() == Some(&name)), "{name}");
        }
    }
}
