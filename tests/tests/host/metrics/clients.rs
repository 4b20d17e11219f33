//! Correct clients, broken clients, and more clients than the server takes at once. Every permitted client is
//! answered, and no other client is.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
use tests::origin::{Origin, SOON};

use crate::metrics::page::{answer_to, ask, connect, get, scrape, served};

/// More clients than the server takes at once.
const CROWD: usize = 100;

/// As many clients as the server takes at once.
const PLACES: usize = 16;

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
    // Requests of programs that are not browsers.
    assert_eq!(ask(&origin, "GET", "/metrics", "").status, 200);
}

#[test]
fn what_is_asked_for_otherwise_is_said_to_be_wrong() {
    let (origin, _home, _agent) = served("", "");
    for (method, path, status) in [
        ("GET", "/", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/etc/passwd", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
    ] {
        let page = ask(&origin, method, path, "");
        assert_eq!(page.status, status, "{method} {path}: {page:?}");
        assert!(method != "HEAD" || page.body.is_empty(), "{page:?}");
    }
}

#[test]
fn a_crowd_that_says_nothing_keeps_nobody_out() {
    let (origin, _home, _agent) = served("", "");
    let silent: Vec<_> = (0..CROWD).map(|_| connect(&origin)).collect();
    scrape(&origin);
    let slow: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut stream = connect(&origin);
            // The server may have closed it already to make room for another one.
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX-Slow: ");
            stream
        })
        .collect();
    scrape(&origin);
    drop(slow);
    // The server closes silent connections.
    for mut stream in silent {
        let mut nothing = Vec::new();
        // A reset counts as an end, but a timeout does not.
        if let Err(error) = stream.read_to_end(&mut nothing) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
}

#[test]
fn a_crowd_that_asks_and_never_reads_keeps_nobody_out() {
    // The answer must be too large for the buffers of the connection.
    let (origin, home, mut agent) = served("", "");
    let config = fs::read_to_string(home.config()).unwrap();
    home.configure(&(config + "prefixes = 20000\n"));
    let prefix = |n| format!("10.{}.{}.0/24 {}\n", n / 256, n % 256, "long-label".repeat(3));
    let list: String = (0..20_000).map(prefix).collect();
    agent.says_after("entries set", || home.write("office.txt", &list));
    scrape(&origin);
    let before = agent.descriptors();
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut stream = narrow(&origin);
            stream
                .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .unwrap();
            stream
        })
        .collect();
    // The clients occupy all places.
    agent.until("the places are taken", |agent| {
        agent.descriptors() >= before + PLACES
    });
    for _ in 0..3 {
        answers(&origin);
        scrape(&origin);
    }
    drop(crowd);
}

#[test]
fn one_byte_at_a_time_is_given_up() {
    let (origin, _home, _agent) = served("", "");
    let mut stream = connect(&origin);
    let mut bytes = b"GET /metrics HTTP/1.1\r\nX: "
        .iter()
        .chain(std::iter::repeat(&b'a'));
    // The loop ends when the server no longer accepts bytes. This happens after 5 s; the loop would last 60 s.
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
    // The server keeps its last reading for a second. After that it holds nothing open.
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
    // One request for each connection: the server neither answers nor reads what follows.
    let twice = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    let answer = answer_to(&origin, twice.as_bytes()).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    answers(&origin);
    // The server does not wait for a body that never arrives.
    let answer = answer_to(
        &origin,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n",
    )
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answers(&origin);
}

#[test]
fn another_address_is_served_as_soon_as_the_file_says_so() {
    let (origin, home, mut agent) = served("", "");
    let text = fs::read_to_string(home.config()).unwrap();
    agent.says_after("http://127.0.0.1:9999/metrics", || {
        home.configure(&text.replace("9436", "9999"));
    });
    let listens = |port: u16| {
        origin
            .site
            .origin
            .run(|| TcpStream::connect(("127.0.0.1", port)).is_ok())
    };
    assert!(listens(9999) && !listens(9436));
    agent.says_after("configuration has changed", || {
        home.configure(text.split("[metrics]").next().unwrap());
    });
    agent.until("serves nothing", |_| !listens(9999));
    origin.filters();
}

/// A connection whose server soon has to wait for its reader.
fn narrow(origin: &Origin) -> TcpStream {
    let stream = connect(origin);
    setsockopt(&stream, RcvBuf, &4096).unwrap();
    stream
}

fn answers(origin: &Origin) {
    assert_eq!(get(origin, "/").status, 200);
}

#[test]
fn an_address_that_somebody_else_has_is_taken_when_it_is_free() {
    let occupy = |origin: &Origin| {
        origin
            .site
            .origin
            .run(|| std::net::TcpListener::bind("127.0.0.1:9436"))
    };
    let (origin, home, agent) = served("", "");
    agent.stop();
    let other = occupy(&origin).unwrap();
    let mut agent = tests::origin::agent::Agent::start(&origin, &home);
    agent.says("cannot serve metrics on 127.0.0.1:9436");
    origin.filters();
    drop(other);
    // What another test starts meanwhile has it too, until it is another program.
    origin.site.origin.run(|| {
        let give_up = Instant::now() + SOON;
        while TcpStream::connect("127.0.0.1:9436").is_ok() && Instant::now() < give_up {
            thread::yield_now();
        }
    });
    agent.reload();
    scrape(&origin);
    assert_eq!(
        agent.log().matches("cannot serve metrics").count(),
        1,
        "{}",
        agent.log()
    );
}
