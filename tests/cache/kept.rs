//! What is kept on disk between runs.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::server::{Reply, Server};
use crate::support::{Asker, cache, hash, holding, narinfo, only, words};

impl Asker {
    /// The file of the only cache that was asked.
    fn file(&self) -> PathBuf {
        let files = fs::read_dir(self.directory.path().join("narinfo-1")).expect("listed").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
        assert_eq!(files.len(), 1);
        files.remove(0)
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).expect("read");
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Changes the time of all answers.
    fn age(&self, change: impl Fn(u64) -> u64) {
        let lines = self.lines().into_iter().map(|mut line| {
            line["time"] = change(line["time"].as_u64().expect("a number")).into();
            format!("{line}\n")
        });
        let text: String = lines.collect();
        fs::write(self.file(), text).expect("written");
    }
}

#[test]
fn only_what_is_missing_is_asked() {
    let server = Server::new(holding(|number| number % 2 == 0));
    let asker = Asker::new();
    let first = asker.ask(&server.url(), 0..50);
    assert_eq!(server.take_names().len(), 51);
    assert_eq!(asker.ask(&server.url(), 0..50).answers, first.answers);
    assert!(server.take_names().is_empty());
    let more = asker.ask(&server.url(), 40..60);
    assert_eq!((more.caches[0].kept, more.caches[0].outputs), (10, 20));
    let mut names: Vec<String> = (50..60).map(|number| format!("{}.narinfo", hash(number))).collect();
    names.push("nix-cache-info".to_owned());
    assert_eq!(server.take_names(), names);
    let all = asker.ask(&server.url(), 0..60);
    let expected: Vec<&str> = (0..60).map(|number| if number % 2 == 0 { "present" } else { "absent" }).collect();
    assert_eq!((words(&all), server.take_names().len()), (expected, 0));
}

#[test]
fn what_is_unknown_is_asked_again() {
    let server = Server::new(cache(|number, request| if request.before < 3 { Reply::status(500) } else { Reply::body(narinfo(number)) }));
    let asker = Asker::new();
    assert_eq!(only(&asker.ask(&server.url(), [1])), "HTTP status 500");
    assert!(asker.lines().iter().all(|line| line["failed"] == true));
    assert_eq!(only(&asker.ask(&server.url(), [1])), "present");
}

/// Many outputs of which a cache never says anything must not keep the others from being asked, run after run.
#[test]
fn what_failed_before_is_asked_last() {
    let server = Server::new(cache(|number, request| {
        if number < 100 {
            Reply::status(500)
        } else if request.before == 0 {
            Reply::body(narinfo(number))
        } else {
            Reply::status(404)
        }
    }));
    let mut asker = Asker::with(|options| (options.jobs, options.give_up_after, options.tries) = (2, usize::MAX, 1));
    let unknown = |asker: &Asker, numbers| asker.ask(&server.url(), numbers).caches[0].unknown.values().sum::<usize>();
    assert_eq!(unknown(&asker, 0..100), 100);
    asker.options.give_up_after = 3;
    assert_eq!(unknown(&asker, 0..110), 100);
    assert_eq!(unknown(&asker, 0..120), 100);
    // One that is answered in the end is no longer suspect, and what is known is not forgotten.
    let mended = Server::new(holding(|_| true));
    let file = asker.file();
    fs::copy(
        &file,
        file.with_file_name(file.file_name().expect("a name").to_str().expect("UTF-8").replace(&server.port(), &mended.port())),
    )
    .expect("copied");
    let answers = asker.ask(&mended.url(), 0..120);
    assert_eq!(answers.caches[0].kept, 20);
    assert!(words(&answers).iter().all(|&word| word == "present"));
}

#[test]
fn answers_grow_old() {
    const DAY: u64 = 24 * 3600;
    let server = Server::new(holding(|number| number % 2 == 0));
    let asker = Asker::new();
    let asked_after = |change: &dyn Fn(u64) -> u64| {
        asker.age(change);
        asker.ask(&server.url(), 0..2);
        let names = server.take_names();
        names.iter().filter(|name| name.ends_with(".narinfo")).map(|name| name[31..32].to_owned()).collect::<String>()
    };
    asker.ask(&server.url(), 0..2);
    server.take_names();
    assert_eq!(asked_after(&|time| time - 3500), "");
    assert_eq!(asked_after(&|time| time - 200), "1");
    assert_eq!(asked_after(&|time| time - 29 * DAY), "1");
    assert_eq!(asked_after(&|time| time - 2 * DAY), "01");
    assert_eq!(asked_after(&|time| time + DAY), "01");
}

#[test]
fn a_torn_line_is_asked_again() {
    let server = Server::new(holding(|_| true));
    let asker = Asker::with(|options| options.jobs = 1);
    asker.ask(&server.url(), 0..10);
    server.take_names();
    let text = fs::read(asker.file()).expect("read");
    for cut in [1, 20, 100] {
        fs::write(asker.file(), &text[..text.len() - cut]).expect("written");
        let answers = asker.ask(&server.url(), 0..10);
        // Without its end alone, the line is still whole.
        assert_eq!(answers.caches[0].broken_lines, usize::from(cut > 1), "{cut}");
        assert_eq!(answers.caches[0].notes().len(), usize::from(cut > 1));
        let names = server.take_names();
        assert_eq!(names.len(), if cut > 1 { 2 } else { 0 }, "{names:?}");
        assert!(words(&answers).iter().all(|&word| word == "present"));
        assert_eq!(asker.ask(&server.url(), 0..10).answers, answers.answers);
        assert!(server.take_names().is_empty());
    }
}

#[test]
fn what_was_tampered_with_is_not_believed() {
    let server = Server::new(holding(|_| false));
    let asker = Asker::new();
    asker.ask(&server.url(), 0..4);
    server.take_names();
    let present = serde_json::json!({
        "hash": hash(1), "time": 2, "narinfo": { "store_path": "/nix/store/another", "url": "u", "compression": "xz", "file_hash": null,
        "file_size": null, "nar_hash": "h", "nar_size": 1, "references": [], "deriver": null, "signatures": [], "content_address": null }
    });
    let mut file = OpenOptions::new().append(true).open(asker.file()).expect("opened");
    let odd = [
        b"\xff\xfe\n".to_vec(),
        b"[]\n\n{}\n".to_vec(),
        format!("{present}\n").into_bytes(),
        b"{\"hash\":\"..\",\"time\":1,\"narinfo\":null}\n".to_vec(),
    ];
    file.write_all(&odd.concat()).expect("written");
    let answers = asker.ask(&server.url(), 0..4);
    assert_eq!(words(&answers), ["absent"; 4]);
    assert_eq!((answers.caches[0].broken_lines, server.take_names().len()), (5, 0));
    assert_eq!(answers.caches[0].notes(), [format!("{}: 5 answers that were kept cannot be read, and are asked again", server.url())]);
}

#[test]
fn offline_nobody_is_asked() {
    let server = Server::new(holding(|number| number % 2 == 0));
    let mut asker = Asker::with(|options| options.offline = true);
    let nothing = asker.ask(&server.url(), 0..2);
    assert_eq!(words(&nothing), ["not asked before, and --offline"; 2]);
    assert_eq!(fs::read_dir(asker.directory.path()).expect("listed").count(), 0);
    asker.options.offline = false;
    asker.ask(&server.url(), 0..2);
    assert_eq!(server.take_names().len(), 3);
    asker.options.offline = true;
    asker.age(|_| 0);
    let before = fs::read(asker.file()).expect("read");
    let answers = asker.ask(&server.url(), 0..3);
    assert_eq!(words(&answers), ["present", "absent", "not asked before, and --offline"]);
    assert_eq!((answers.caches[0].kept, answers.caches[0].stale), (2, 2));
    assert!(answers.caches[0].notes()[0].ends_with("2 answers that were kept are old, and used for lack of others"));
    assert!(server.take_names().is_empty());
    assert_eq!(fs::read(asker.file()).expect("read"), before);
}

#[test]
fn each_cache_has_its_own_file_without_credentials() {
    let server = Server::new(holding(|_| true));
    let asker = Asker::new();
    asker.ask(&format!("http://user:secret@{}/a/../b?secret=1", server.host()), [1]);
    let file = asker.file();
    let name = file.file_name().expect("a name").to_str().expect("UTF-8");
    assert_eq!(name, format!("http%3A%2F%2F{}%2Fa%2F..%2Fb.jsonl", server.host().replace(':', "%3A")));
    assert!(!fs::read_to_string(&file).expect("read").contains("secret"));
    asker.ask(&server.url(), [2]);
    assert_eq!(fs::read_dir(asker.directory.path().join("narinfo-1")).expect("listed").count(), 4);
}

#[test]
fn several_clients_at_once() {
    let server = Server::new(cache(|number, _| {
        thread::sleep(Duration::from_millis(1));
        if number % 2 == 0 { Reply::body(narinfo(number)) } else { Reply::status(404) }
    }));
    let asker = Asker::new();
    let all = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (asker, url) = (&asker, server.url());
                scope.spawn(move || asker.ask(&url, client * 50..client * 50 + 100))
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    for (client, answers) in all.iter().enumerate() {
        let expected: Vec<&str> =
            (client * 50..client * 50 + 100).map(|number| if number % 2 == 0 { "present" } else { "absent" }).collect();
        assert_eq!(words(answers), expected);
    }
    assert!(asker.lines().len() >= 250);
    server.take_names();
    let again = asker.ask(&server.url(), 0..250);
    assert_eq!((again.caches[0].broken_lines, again.caches[0].kept, server.take_names().len()), (0, 250, 0));
}

#[test]
fn a_file_of_old_answers_is_written_anew_by_one_alone() {
    let server = Server::new(holding(|number| number < 10));
    let asker = Asker::new();
    asker.ask(&server.url(), 0..20);
    let fresh = fs::read_to_string(asker.file()).expect("read");
    let old = |number| format!("{{\"hash\":\"{}\",\"time\":1,\"narinfo\":null}}\n", hash(number));
    let old = (100..3000).map(old).collect::<Vec<_>>().concat();
    fs::write(asker.file(), format!("{old}torn\n{fresh}")).expect("written");
    server.take_names();

    let lock = File::open(asker.file().with_extension("lock")).expect("opened");
    lock.lock_shared().expect("locked");
    assert_eq!(asker.ask(&server.url(), 0..20).caches[0].kept, 20);
    assert!(asker.lines_and_torn() > 2900);
    drop(lock);
    assert_eq!(asker.ask(&server.url(), 0..20).caches[0].kept, 20);
    let lines = asker.lines();
    assert_eq!(lines.len(), 20);
    assert!(lines.iter().all(|line| fresh.lines().any(|old| serde_json::from_str::<Value>(old).expect("JSON") == *line)));
    assert!(server.take_names().is_empty());
}

impl Asker {
    fn lines_and_torn(&self) -> usize {
        fs::read_to_string(self.file()).expect("read").lines().count()
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    let mut asker = Asker::new();
    let file = asker.directory.path().join("a-file");
    fs::write(&file, "").expect("written");
    asker.options.directory = file.clone();
    let server = Server::new(holding(|_| true));
    let error = asker.try_ask(&[&server.url()], [1]).expect_err("no directory").to_string();
    assert!(
        error.starts_with(&format!("cannot make {}", file.display()))
            && error.ends_with("(hint: --cache-dir names another directory for answers)"),
        "{error}"
    );
}
