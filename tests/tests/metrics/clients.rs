//! Clients that behave and others: the server goes on, and answers nobody whom it is not meant for.

use std::{io::Write as _, net::TcpStream, thread, time::Duration};

use crate::{ask, connect, get, scrape, served};

#[test]
fn what_is_asked_for_otherwise_is_said_to_be_wrong() {
    let (origin, _home, _agent) = served("");
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    for (request, answer) in [
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200"),
        ("GET /etc/passwd HTTP/1.0\r\n\r\n", "HTTP/1.0 404"),
        ("POST /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 405"),
        ("DELETE /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 405"),
        ("HEAD /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 200"),
        (
            "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 403",
        ),
        (
            "GET /metrics HTTP/1.1\r\nHost: [::1]:1\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200",
        ),
        ("\x16\x03\x01\x02garbage\r\n\r\n", "HTTP/1.1 400"),
        (&long, "HTTP/1.1 431"),
    ] {
        let said = ask(&origin, request);
        assert!(said.starts_with(answer), "{request:.60}\n{said:.200}");
    }
    scrape(&origin);
}

#[test]
fn a_connection_is_for_one_request_however_many_are_sent() {
    let (origin, _home, _agent) = served("");
    let one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answers = ask(&origin, &one.repeat(20));
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    assert!(answers.contains("connection: close"), "{answers}");
}

#[test]
fn who_is_slow_or_silent_does_not_keep_others_waiting_for_ever() {
    let (origin, _home, _agent) = served("");
    // More than have a place at once; half of them begin to ask and never end.
    let idle: Vec<TcpStream> = (0..40)
        .map(|number| {
            let mut stream = connect(&origin);
            if number % 2 == 0 {
                stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: loc").unwrap();
            }
            stream
        })
        .collect();
    // Each gets five seconds, sixteen at a time.
    assert_eq!(get(&origin, "/healthz").0, 200);
    drop(idle);
    scrape(&origin);
}

#[test]
fn many_scrapes_at_once_cost_one() {
    let (origin, _home, _agent) = served("");
    thread::scope(|scope| {
        let scrapes: Vec<_> = (0..12).map(|_| scope.spawn(|| scrape(&origin).len())).collect();
        for samples in scrapes {
            assert!(samples.join().unwrap() > 20);
        }
    });
}

#[test]
fn another_address_is_served_as_soon_as_the_file_says_so() {
    let (origin, home, mut agent) = served("");
    let text = std::fs::read_to_string(home.config()).unwrap();
    agent.says_after("http://127.0.0.1:9999/metrics", || {
        home.configure(&text.replace("9436", "9999"))
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
    thread::sleep(Duration::from_millis(10));
    origin.filters();
}
