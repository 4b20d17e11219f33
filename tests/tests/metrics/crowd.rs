//! More clients than are served at once, and such as never come to the point: whoever asks is answered.

use std::{
    io::{Read as _, Write as _},
    thread,
    time::Duration,
};

use tests::origin::Origin;

use crate::page::{answer_to, ask, connect, get, scrape, served};

/// More than the server has at once.
const CROWD: usize = 100;

#[test]
fn a_web_page_elsewhere_cannot_read_it_under_its_own_name() {
    let (origin, _home, _agent) = served("", "");
    for host in [
        "evil.example",
        "evil.example:9436",
        "127.0.0.1.evil.example:9436",
        "203.0.113.10:9436",
    ] {
        let page = ask(&origin, "GET", "/metrics", &format!("Host: {host}\r\n"));
        assert_eq!(page.status, 403, "{host}");
        assert!(!page.body.contains("synwall_"), "{page:?}");
    }
    for host in ["localhost:9436", "127.0.0.1:9436", "[::1]:9436"] {
        assert_eq!(
            ask(&origin, "GET", "/metrics", &format!("Host: {host}\r\n")).status,
            200,
            "{host}"
        );
    }
    // As programs do that are no browsers.
    assert_eq!(ask(&origin, "GET", "/metrics", "").status, 200);
}

#[test]
fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let (origin, _home, _agent) = served("", "");
    let silent: Vec<_> = (0..CROWD).map(|_| connect(&origin)).collect();
    scrape(&origin);
    let slow: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut stream = connect(&origin);
            // It may have been sent away for another already.
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX-Slow: ");
            stream
        })
        .collect();
    scrape(&origin);
    drop(slow);
    // Whoever says nothing is sent away, not kept.
    for mut stream in silent {
        let mut nothing = Vec::new();
        // A reset is as good as an end; a time-out is neither.
        if let Err(error) = stream.read_to_end(&mut nothing) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
}

#[test]
fn one_byte_at_a_time_is_given_up() {
    let (origin, _home, _agent) = served("", "");
    let mut stream = connect(&origin);
    let mut bytes = b"GET /metrics HTTP/1.1\r\nX: "
        .iter()
        .chain(std::iter::repeat(&b'a'));
    // Ends when the server no longer takes any: after 5 s, of 60.
    let refused = (0..600).any(|_| {
        thread::sleep(Duration::from_millis(100));
        stream.write_all(&[*bytes.next().unwrap()]).is_err()
    });
    assert!(refused, "the server went on listening");
    scrape(&origin);
}

#[test]
fn many_scrapes_at_once_are_all_answered() {
    let (origin, _home, agent) = served("", "");
    let before = agent.descriptors();
    thread::scope(|scope| {
        let scrapes: Vec<_> = (0..CROWD).map(|_| scope.spawn(|| scrape(&origin))).collect();
        for scrape in scrapes {
            assert!(scrape.join().unwrap().contains("synwall_up 1"));
        }
    });
    // What was read last is served for a second, and then nothing of it is held.
    thread::sleep(Duration::from_secs(1));
    scrape(&origin);
    assert!(
        agent.descriptors() <= before + 2,
        "{} before, {} now",
        before,
        agent.descriptors()
    );
}

#[test]
fn nonsense_is_refused_and_the_next_is_answered() {
    let (origin, _home, _agent) = served("", "");
    let long = "a".repeat(100_000);
    let lines = "X: y\r\n".repeat(1000);
    let refused = |bytes: &[u8]| {
        let answer = answer_to(&origin, bytes).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        answers(&origin);
    };
    for text in [
        "",
        "\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET /metrics HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &format!("GET /{long} HTTP/1.1\r\n\r\n"),
        &format!("GET /metrics HTTP/1.1\r\nX: {long}\r\n\r\n"),
        &format!("GET /metrics HTTP/1.1\r\n{lines}\r\n"),
    ] {
        if !text.is_empty() {
            refused(text.as_bytes());
        }
    }
    refused(&[0xff; 4096]);
    refused(&[
        0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, b'\n', b'\n',
    ]);
    // One request a connection: what follows is not answered, and not waited for.
    let twice = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    let answer = answer_to(&origin, twice.as_bytes()).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    answers(&origin);
    // A body that never comes is not waited for.
    let answer = answer_to(
        &origin,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n",
    )
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answers(&origin);
}

fn answers(origin: &Origin) {
    assert_eq!(get(origin, "/").status, 200);
}
