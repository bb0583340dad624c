//! Caches that are slow, fail and lie.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::{Reply, Server};
use crate::support::{Asker, cache, hash, holding, narinfo, only, words};

/// Asks for one output of a cache that answers so, and says what came of it, and how often it was asked.
fn of_one(asker: &Asker, reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (String, usize) {
    let server = Server::new(cache(move |_, request| reply(request.before)));
    let answer = only(&asker.ask(&server.url(), [1])).to_owned();
    (answer, server.requests().len() - 1)
}

fn truncated() -> Reply {
    let text = narinfo(1);
    Reply::Raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", text.len(), &text[..50]).into_bytes())
}

#[test]
fn what_passes_is_tried_again() {
    let cut_off = Reply::Raw(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", &narinfo(1)[..90]).into_bytes());
    for failure in [
        Reply::status(500),
        Reply::status(502),
        Reply::status(503),
        Reply::status(408),
        Reply::status(429),
        Reply::Status(429, vec!["Retry-After: 0".to_owned()], Vec::new()),
        Reply::Status(503, vec!["Retry-After: Fri, 31 Dec 1999 23:59:59 GMT".to_owned()], Vec::new()),
        Reply::Raw(Vec::new()),
        Reply::Raw(b"garbage\r\n\r\n".to_vec()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        Reply::Status(200, vec!["Content-Encoding: gzip".to_owned()], narinfo(1).into_bytes()),
        Reply::body("<html>Back soon</html>\n"),
        truncated(),
        cut_off,
    ] {
        let said = format!("{failure:?}");
        let answer = of_one(&Asker::new(), move |before| if before < 2 { failure.clone() } else { Reply::body(narinfo(1)) });
        assert_eq!(answer, ("present".to_owned(), 3), "{said}");
    }
}

#[test]
fn what_fails_for_ever_is_unknown() {
    for (failure, reason) in [
        (Reply::status(500), "HTTP status 500"),
        (Reply::status(429), "HTTP status 429"),
        (Reply::body("<html>"), "a broken narinfo: the whole of it: its last line does not end: was it cut off?"),
        (Reply::body("URL: a\n"), "a broken narinfo: StorePath: missing, or empty"),
        (Reply::body(b"\xff\n".to_vec()), "a broken narinfo: the whole of it: not UTF-8"),
        (Reply::body(""), "a broken narinfo: the whole of it: its last line does not end: was it cut off?"),
    ] {
        assert_eq!(of_one(&Asker::new(), move |_| failure.clone()), (reason.to_owned(), 3));
    }
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for (failure, reason) in [
        (Reply::status(400), "HTTP status 400"),
        (Reply::status(401), "HTTP status 401"),
        (Reply::status(204), "HTTP status 204"),
        (Reply::body(narinfo(2)), "the narinfo of another store path"),
        (Reply::body(narinfo(1).replace("-p1-1.0\nURL", "-p1-1.1\nURL")), "the narinfo of another store path"),
        (Reply::body("a".repeat(2 << 20)), "a file that is too long"),
        (Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 1 << 16]), "a file that is too long"),
        (Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), format!("X: {}\r\n", "a".repeat(1000)).into_bytes()), "a header that is too long"),
    ] {
        assert_eq!(of_one(&Asker::new(), move |_| failure.clone()), (reason.to_owned(), 1), "{reason}");
    }
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![b'a'; 1 << 20]).expect("packed");
    }
    let bomb = encoder.finish().expect("packed");
    assert!(bomb.len() < 1 << 17);
    let reply = Reply::Status(200, vec!["Content-Encoding: gzip".to_owned()], bomb);
    assert_eq!(of_one(&Asker::new(), move |_| reply.clone()), ("a file that is too long".to_owned(), 1));
}

#[test]
fn redirects_have_an_end() {
    let server = Server::new(cache(|_, request| Reply::Status(302, vec![format!("Location: /{}", request.name)], Vec::new())));
    assert_eq!(only(&Asker::new().ask(&server.url(), [1])), "too many redirects");
    assert_eq!(server.requests().len(), 1 + 5);
    let reply = |location: &str| Reply::Status(302, vec![format!("Location: {location}")], Vec::new());
    let elsewhere = reply("gopher://example.org/");
    let (reason, tries) = of_one(&Asker::new(), move |_| elsewhere.clone());
    assert_ne!(reason, "present");
    assert!(tries <= 3);
}

#[test]
fn no_answer_in_time() {
    let asker = Asker::with(|options| (options.request_timeout, options.tries) = (Duration::from_millis(200), 2));
    assert_eq!(of_one(&asker, |_| Reply::Stall), ("no answer in time".to_owned(), 2));
    // A header, and then nothing.
    let drip = || Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nS".to_vec());
    assert_ne!(of_one(&asker, move |_| drip()).0, "present");
    let asker = Asker::with(|options| options.request_timeout = Duration::from_millis(500));
    assert_eq!(of_one(&asker, |before| if before == 0 { Reply::Stall } else { Reply::body(narinfo(1)) }), ("present".to_owned(), 2));
}

#[test]
fn a_cache_that_is_not_there_leaves_all_unknown() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let asker = Asker::new();
    let answers = asker.ask(&format!("http://user:secret@127.0.0.1:{port}"), 0..1000);
    let expected = "not asked, as the cache cannot be reached: connection refused";
    assert!(words(&answers).iter().all(|&word| word == expected), "{:?}", words(&answers)[0]);
    assert_eq!(answers.caches[0].notes(), [format!("http://127.0.0.1:{port}: 1,000 of 1,000 outputs are unknown: {expected} (1,000)")]);
}

#[test]
fn a_cache_that_only_fails_is_given_up() {
    for reply in [Reply::status(500), Reply::body("<html>Log in</html>"), Reply::body(narinfo(999_999)), Reply::Raw(Vec::new())] {
        let server = Server::new(cache(move |_, _| reply.clone()));
        let asker = Asker::with(|options| (options.jobs, options.give_up_after) = (4, 5));
        let answers = asker.ask(&server.url(), 0..2000);
        // Those that were under way when the fifth failed are the last.
        let questions = server.requests().len() - 1;
        assert!(questions <= (5 + 4) * 3, "{questions}");
        assert_eq!(answers.answers.len(), 2000);
        let not_asked =
            words(&answers).iter().filter(|word| word.starts_with("not asked, as 5 questions in a row had no answer, the last: ")).count();
        assert!(not_asked >= 2000 - 9, "{not_asked}");
        assert_eq!(answers.caches[0].unknown.values().sum::<usize>(), 2000);
    }
}

#[test]
fn a_cache_that_stalls_is_given_up_quickly() {
    let server = Server::new(cache(|_, _| Reply::Stall));
    let asker = Asker::with(|options| {
        (options.jobs, options.give_up_after, options.tries, options.request_timeout) = (8, 8, 1, Duration::from_millis(300));
    });
    let answers = asker.ask(&server.url(), 0..80_000);
    assert!(server.requests().len() <= 1 + 16, "{}", server.requests().len());
    assert_eq!(words(&answers).iter().filter(|word| word.starts_with("not asked")).count() + server.requests().len() - 1, 80_000);
}

#[test]
fn failures_between_answers_do_not_end_it() {
    let count = AtomicUsize::new(0);
    let every_third = move || count.fetch_add(1, Ordering::SeqCst).is_multiple_of(3);
    let server = Server::new(cache(move |_, _| if every_third() { Reply::status(404) } else { Reply::status(500) }));
    let asker = Asker::with(|options| (options.jobs, options.give_up_after, options.tries) = (1, 3, 1));
    let answers = asker.ask(&server.url(), 0..300);
    assert_eq!(answers.caches[0].unknown.iter().collect::<Vec<_>>(), [(&"HTTP status 500".to_owned(), &200)]);
    assert_eq!(words(&answers).iter().filter(|&&word| word == "absent").count(), 100);
}

#[test]
fn a_cache_that_wants_a_pause_gets_one_from_all() {
    // Whoever asks within the pause is refused again, and that is counted.
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let server = Server::new(cache(move |number, request| {
        if number == 0 && request.before == 0 {
            count.fetch_add(1, Ordering::SeqCst);
            return Reply::Status(429, vec!["Retry-After: 1000000".to_owned()], Vec::new());
        }
        Reply::body(narinfo(number))
    }));
    let answers = Asker::new().ask(&server.url(), 0..50);
    assert!(words(&answers).iter().all(|&word| word == "present"));
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}

#[test]
fn the_time_limit_leaves_the_rest_unknown() {
    let server = Server::new(cache(|_, _| Reply::Status(503, vec!["Retry-After: 1000000".to_owned()], Vec::new())));
    let asker =
        Asker::with(|options| (options.time_limit, options.max_retry_after) = (Some(Duration::from_mins(10)), Duration::from_hours(1)));
    let answers = asker.ask(&server.url(), 0..100);
    // Those that were tried say what came of it.
    let tried = words(&answers).iter().filter(|&&word| word == "HTTP status 503").count();
    assert_eq!(tried, server.requests().len() - 1);
    assert!(words(&answers).iter().filter(|&&word| word == "no time was left").count() == 100 - tried && tried <= 16);
}

/// One worker could wait for ever for an output that comes only after all others were asked for.
#[test]
fn nobody_sleeps_over_a_failure_while_there_is_more_to_ask() {
    let others = AtomicUsize::new(0);
    let server = Server::new(cache(move |number, _| {
        if number == 7 && others.load(Ordering::SeqCst) < 29 {
            return Reply::status(500);
        }
        others.fetch_add(1, Ordering::SeqCst);
        Reply::body(narinfo(number))
    }));
    let asker = Asker::with(|options| (options.jobs, options.tries, options.give_up_after) = (1, 16, usize::MAX));
    let answers = asker.ask(&server.url(), 0..30);
    assert!(words(&answers).iter().all(|&word| word == "present"));
}

#[test]
fn a_lie_about_one_is_none_about_others() {
    let server = Server::new(cache(|number, _| Reply::body(narinfo(if number == 5 { 6 } else { number }))));
    let answers = Asker::new().ask(&server.url(), 0..10);
    assert_eq!(answers.caches[0].unknown.iter().collect::<Vec<_>>(), [(&"the narinfo of another store path".to_owned(), &1)]);
    assert_eq!(words(&answers).iter().filter(|&&word| word == "present").count(), 9);
    // What is unknown is not kept: once the cache has mended its ways, it is believed.
    let server = Server::new(holding(|_| true));
    assert_eq!(only(&Asker::new().ask(&server.url(), [5])), "present");
    assert_eq!(server.take_names(), [format!("{}.narinfo", hash(5)), "nix-cache-info".to_owned()]);
}
