//! Caches that are in order.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use waves_core::cost::narinfo::{Answer, NarInfo};
use waves_substituter::{Asked, Error};

use crate::server::{Reply, Server};
use crate::support::{Asker, STORE_DIR, cache, hash, holding, narinfo, only, outputs, path, words};

#[test]
fn what_is_there_and_what_is_not() {
    let server = Server::new(cache(|number, _| match number {
        1 => Reply::body(narinfo(1)),
        2 => Reply::status(404),
        3 => Reply::status(403),
        _ => Reply::status(410),
    }));
    let asker = Asker::new();
    let answers = asker.ask(&server.url(), 1..5);
    assert_eq!(words(&answers), ["present", "absent", "absent", "absent"]);
    let expected = NarInfo {
        store_path: path(1),
        url: "nar/1.nar.xz".to_owned(),
        compression: "xz".to_owned(),
        file_hash: Some("sha256:f1".to_owned()),
        file_size: Some(11),
        nar_hash: "sha256:n1".to_owned(),
        nar_size: 1001,
        references: vec![format!("{}-p1-1.0", hash(1))],
        deriver: None,
        signatures: vec!["key:c2ln".to_owned()],
        content_address: None,
    };
    assert_eq!(answers.answers.values().find(|answer| matches!(answer, Answer::Present(_))), Some(&Answer::Present(Box::new(expected))));
    assert!(answers.caches[0].notes().is_empty(), "{:?}", answers.caches);
}

#[test]
fn each_output_is_asked_once_and_nothing_else() {
    let server = Server::new(holding(|number| number % 3 == 0));
    let answers = Asker::new().ask(&server.url(), 0..100);
    let expected: Vec<&str> = (0..100).map(|number| if number % 3 == 0 { "present" } else { "absent" }).collect();
    assert_eq!(words(&answers), expected);
    let agent = concat!("user-agent: waves/", env!("CARGO_PKG_VERSION"));
    assert!(server.requests().iter().all(|request| request.headers.iter().any(|header| header.eq_ignore_ascii_case(agent))));
    let mut names: Vec<String> = (0..100).map(|number| format!("{}.narinfo", hash(number))).collect();
    names.push("nix-cache-info".to_owned());
    assert_eq!(server.take_names(), names);
}

#[test]
fn no_output_no_question() {
    let server = Server::new(|_| Reply::status(500));
    let answers = Asker::new().ask(&server.url(), []);
    assert!(answers.answers.is_empty() && server.requests().is_empty());
}

#[test]
fn the_order_of_answers_does_not_matter() {
    let ask = |jobs: usize, factor: u64| {
        let server = Server::new(cache(move |number, _| {
            thread::sleep(Duration::from_millis(number as u64 * factor % 7));
            match number % 4 {
                0 => Reply::body(narinfo(number)),
                1 => Reply::status(404),
                2 => Reply::body(narinfo(number + 1)),
                _ => Reply::status(418),
            }
        }));
        Asker::with(|options| (options.jobs, options.give_up_after) = (jobs, usize::MAX)).ask(&server.url(), 0..60).answers
    };
    let one = ask(1, 0);
    assert!(one.values().any(|answer| matches!(answer, Answer::Unknown(_))));
    assert_eq!(one, ask(8, 3));
    assert_eq!(one, ask(16, 5));
}

#[test]
fn connections_are_limited() {
    let slow = |mass_query: &'static str| {
        move |request: &crate::server::Request| match crate::support::number(request) {
            None => Reply::body(format!("StoreDir: {STORE_DIR}\n{mass_query}\n")),
            Some(number) => {
                thread::sleep(Duration::from_millis(5));
                Reply::body(narinfo(number))
            }
        }
    };
    for (jobs, mass_query, most, wants_few) in
        [(1, "WantMassQuery: 1", 1, false), (6, "WantMassQuery: 1", 6, false), (12, "WantMassQuery: 0", 4, true), (2, "", 2, true)]
    {
        let server = Server::new(slow(mass_query));
        let answers = Asker::with(|options| options.jobs = jobs).ask(&server.url(), 0..100);
        assert!(words(&answers).iter().all(|&word| word == "present"));
        let open = server.most_connections();
        assert!(open <= most && (open > 1 || most == 1), "{open} at once, {jobs} jobs, {mass_query}");
        assert_eq!(answers.caches[0].wants_few, wants_few);
        assert_eq!(answers.caches[0].notes().iter().any(|note| note.contains("WantMassQuery")), wants_few);
    }
}

#[test]
fn redirects_are_followed_without_credentials() {
    let other = Server::new(holding(|_| true));
    let target = other.url();
    let server = Server::new(cache(move |_, request| Reply::Status(302, vec![format!("Location: {target}/{}", request.name)], Vec::new())));
    let url = format!("http://user:secret@{}/", server.host());
    assert_eq!(only(&Asker::new().ask(&url, [1])), "present");
    let has_credentials = |server: &Server| {
        server
            .requests()
            .iter()
            .all(|request| request.headers.iter().any(|header| header.to_ascii_lowercase().starts_with("authorization: basic ")))
    };
    assert!(has_credentials(&server) && !has_credentials(&other));
    assert!(other.requests().iter().all(|request| !request.headers.iter().any(|header| header.contains("secret"))));
}

#[test]
fn several_caches_are_joined() {
    // Each digit is what one of three caches does: has it, has it not, fails.
    let of = |cache_number: u32| {
        cache(move |number, _| match number / 3_usize.pow(cache_number) % 3 {
            0 => Reply::body(narinfo(number)),
            1 => Reply::status(404),
            _ => Reply::status(418),
        })
    };
    let servers = [Server::new(of(0)), Server::new(of(1)), Server::new(of(2))];
    let urls: Vec<String> = servers.iter().map(Server::url).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let answers = Asker::with(|options| options.give_up_after = usize::MAX).try_ask(&urls, 0..27).expect("asked");
    let expected: Vec<&str> = (0..27)
        .map(|number| {
            let digits = [number % 3, number / 3 % 3, number / 9];
            match (digits.contains(&0), digits.contains(&2)) {
                (true, _) => "present",
                (false, true) => "HTTP status 418",
                (false, false) => "absent",
            }
        })
        .collect();
    assert_eq!(words(&answers), expected);
    // Who is behind a cache that has it is not asked for it.
    let asked: Vec<usize> = servers.iter().map(|server| server.requests().len() - 1).collect();
    assert_eq!(asked, [27, 18, 12]);
    let unknown = answers.caches[0].notes();
    assert_eq!(unknown, [format!("{}: 9 of 27 outputs are unknown: HTTP status 418 (9)", urls[0])]);
}

#[test]
fn notes_agree_with_their_numbers() {
    let notes = |outputs: usize, reasons: &[&str]| {
        let unknown: BTreeMap<String, usize> = reasons.iter().map(|reason| ((*reason).to_owned(), outputs / reasons.len())).collect();
        Asked { url: "c".to_owned(), outputs, stale: outputs, broken_lines: outputs, unknown, ..Asked::default() }.notes()
    };
    assert_eq!(
        notes(1, &["x"]),
        [
            "c: 1 answer that was kept cannot be read, and is asked again",
            "c: 1 answer that was kept is old, and used for lack of others",
            "c: 1 of 1 output is unknown: x (1)",
        ]
    );
    assert_eq!(
        notes(4, &["a", "b", "c", "d"]),
        [
            "c: 4 answers that were kept cannot be read, and are asked again",
            "c: 4 answers that were kept are old, and used for lack of others",
            "c: 4 of 4 outputs are unknown: a (1); b (1); c (1); 1 more reason",
        ]
    );
}

#[test]
fn what_is_no_binary_cache_is_an_error() {
    let refused = |info: Reply| {
        let server = Server::new(move |request| {
            assert_eq!(request.name, "nix-cache-info");
            info.clone()
        });
        let url = format!("http://user:secret@{}", server.host());
        let error = Asker::new().try_ask(&[&url], 0..10).expect_err("no cache");
        assert!(matches!(error, Error::NotThisCache { .. }));
        error.to_string().replace(&server.url(), "URL")
    };
    let hint = "(hint: is the URL complete?)";
    assert_eq!(refused(Reply::status(404)), format!("URL: not a binary cache: it has no nix-cache-info {hint}"));
    for page in ["<html>Welcome: please log in</html>", "", "\u{0}\u{1}", "StoreDirectory: /nix/store\n"] {
        let said = format!("URL: not a binary cache: its nix-cache-info does not say StoreDir {hint}");
        assert_eq!(refused(Reply::body(page)), said, "{page}");
    }
    assert_eq!(
        refused(Reply::body("StoreDir: /gnu/\u{1b}[31mstore\n")),
        "URL: a cache of /gnu/[31mstore, and this evaluation is of /nix/store"
    );
}

#[test]
fn a_directory_is_a_cache() {
    let asker = Asker::new();
    let cache = asker.directory.path().join("a cache");
    fs::create_dir(&cache).expect("made");
    let url = format!("file://{}", cache.display().to_string().replace(' ', "%20"));
    assert!(asker.try_ask(&[&url], [1]).expect_err("empty").to_string().contains("not a binary cache"));
    fs::write(cache.join("nix-cache-info"), "StoreDir: /nix/store\n").expect("written");
    fs::write(cache.join(format!("{}.narinfo", hash(1))), narinfo(1)).expect("written");
    fs::write(cache.join(format!("{}.narinfo", hash(2))), narinfo(1)).expect("written");
    fs::create_dir(cache.join(format!("{}.narinfo", hash(3)))).expect("made");
    fs::write(cache.join(format!("{}.narinfo", hash(4))), "a".repeat(2 << 20)).expect("written");
    let answers = asker.ask(&url, 1..6);
    assert_eq!(words(&answers), ["present", "the narinfo of another store path", "not a file", "a file that is too long", "absent"]);
    // It is as near as anything that would be kept of it: nothing is kept, and it is there offline too.
    assert_eq!(fs::read_dir(asker.directory.path()).expect("listed").count(), 1);
    fs::remove_file(cache.join(format!("{}.narinfo", hash(1)))).expect("removed");
    let offline = Asker::with(|options| options.offline = true);
    assert_eq!(only(&offline.ask(&url, [1])), "absent");
    assert_eq!(outputs([1]).len(), 1);
}
