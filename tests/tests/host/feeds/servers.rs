//! Lists from web servers: correct and wrong answers, and the list or error that follows.
//!
//! Longer than 300 lines because each kind of answer is a row of one table, and the tests of requests and
//! certificates share its server.

use std::{
    fs,
    io::{self, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

use filter_user::feed::{definition::MAX_BYTES, https};
use nix::{sys::stat::Mode, unistd::mkfifo};

use crate::feeds::{
    bounded::bounded,
    https_server::{Authority, Request, Shown, Stream, listen, say_nothing, trickle},
};

/// The timeout for a server that answers.
const AMPLE: Duration = Duration::from_secs(30);
/// The timeout for a server that never answers.
const SHORT: Duration = Duration::from_secs(1);

const LIST: &str = "198.51.100.0/24\n2001:db8::/32\n";

/// The list at the URL, or the error message.
pub fn get(
    url: &str,
    ca_file: Option<&Path>,
    post: Option<&str>,
    timeout: Duration,
) -> Result<String, String> {
    let (url, ca_file, post) = (
        url.to_owned(),
        ca_file.map(Path::to_owned),
        post.map(str::to_owned),
    );
    let answer = bounded(&url.clone(), move || {
        https::get(&url, ca_file.as_deref(), post.as_deref(), timeout).map_err(|error| error.to_string())
    });
    answer.map(|bytes| String::from_utf8(bytes).expect("text"))
}

/// Sends a complete answer.
pub fn answer(stream: &mut dyn Stream, status: &str, headers: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Ends the connection without the end message of TLS. Anybody on the path can cause this.
fn cut_off() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

type Answer = fn(&Request, &mut dyn Stream) -> io::Result<()>;

struct Row {
    name: &'static str,
    answer: Answer,
    timeout: Duration,
    /// The list, or a part of the message.
    result: Result<&'static str, &'static str>,
}

const ROWS: [Row; 31] = [
    Row {
        name: "a good list",
        answer: |_, stream| answer(stream, "200 OK", "", LIST),
        timeout: AMPLE,
        result: Ok(LIST),
    },
    Row {
        name: "an empty one",
        answer: |_, stream| answer(stream, "200 OK", "", ""),
        timeout: AMPLE,
        result: Ok(""),
    },
    Row {
        name: "in chunks",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for line in LIST.split_inclusive('\n') {
                write!(stream, "{:x}\r\n{line}\r\n", line.len())?;
            }
            write!(stream, "0\r\n\r\n")
        },
        timeout: AMPLE,
        result: Ok(LIST),
    },
    Row {
        name: "with a length, as HTTP/1.0 has it",
        answer: |_, stream| {
            let length = LIST.len();
            write!(
                stream,
                "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{LIST}"
            )
        },
        timeout: AMPLE,
        result: Ok(LIST),
    },
    Row {
        name: "as large as it may be",
        answer: |_, stream| answer(stream, "200 OK", "", &"#".repeat(MAX_BYTES)),
        timeout: AMPLE,
        result: Ok("#"),
    },
    Row {
        name: "three times on, then good",
        answer: |request, stream| match request.what.as_str() {
            "GET /list" => answer(stream, "301 Moved Permanently", "Location: /2\r\n", ""),
            "GET /2" => {
                let port = request.port;
                let location = format!("Location: https://localhost:{port}/3\r\n");
                answer(stream, "302 Found", &location, "")
            }
            "GET /3" => answer(stream, "307 Temporary Redirect", "Location: /4\r\n", ""),
            _ => answer(stream, "200 OK", "", LIST),
        },
        timeout: AMPLE,
        result: Ok(LIST),
    },
    Row {
        name: "in a circle",
        answer: |_, stream| answer(stream, "302 Found", "Location: /list\r\n", ""),
        timeout: AMPLE,
        result: Err("it leads on and on, more than 3 times"),
    },
    Row {
        name: "on to http",
        answer: |request, stream| {
            let location = format!("Location: http://127.0.0.1:{}/secret?key\r\n", request.port);
            answer(stream, "302 Found", &location, "")
        },
        timeout: AMPLE,
        result: Err("/secret is not https; nothing else is asked"),
    },
    Row {
        name: "on to nowhere",
        answer: |_, stream| answer(stream, "302 Found", "", LIST),
        timeout: AMPLE,
        result: Err("missing a location header"),
    },
    Row {
        name: "not found",
        answer: |_, stream| answer(stream, "404 Not Found", "", LIST),
        timeout: AMPLE,
        result: Err("the server answered 404 Not Found, not 200 OK"),
    },
    Row {
        name: "broken",
        answer: |_, stream| answer(stream, "500 Internal Server Error", "", LIST),
        timeout: AMPLE,
        result: Err("the server answered 500 Internal Server Error, not 200 OK"),
    },
    Row {
        name: "no content",
        answer: |_, stream| write!(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
        timeout: AMPLE,
        result: Err("the server answered 204 No Content, not 200 OK"),
    },
    Row {
        name: "a part of it",
        answer: |_, stream| {
            answer(
                stream,
                "206 Partial Content",
                "Content-Range: bytes 0-29/60\r\n",
                LIST,
            )
        },
        timeout: AMPLE,
        result: Err("the server answered 206 Partial Content, not 200 OK"),
    },
    Row {
        name: "ended by whoever is on the way",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n{LIST}")?;
            cut_off()
        },
        timeout: AMPLE,
        result: Err("the answer does not say how long it is"),
    },
    Row {
        name: "ended by closing, as TLS closes",
        answer: |_, stream| write!(stream, "HTTP/1.1 200 OK\r\n\r\n{LIST}"),
        timeout: AMPLE,
        result: Err("the answer does not say how long it is"),
    },
    Row {
        name: "in chunks, which HTTP/1.0 does not have",
        answer: |_, stream| {
            write!(
                stream,
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{LIST}"
            )
        },
        timeout: AMPLE,
        result: Err("the answer does not say how long it is"),
    },
    Row {
        name: "shorter than announced",
        answer: |_, stream| write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{LIST}"),
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
    Row {
        name: "chunks that are cut off",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            write!(stream, "{:x}\r\n{LIST}\r\n", LIST.len())
        },
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
    Row {
        name: "shorter than announced, ended by whoever is on the way",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{LIST}")?;
            cut_off()
        },
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
    Row {
        name: "chunks that are cut off by whoever is on the way",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            write!(stream, "{:x}\r\n{LIST}\r\n", LIST.len())?;
            cut_off()
        },
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
    Row {
        name: "chunks that are none",
        answer: |_, stream| {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nlist\r\n{LIST}\r\n0\r\n\r\n"
            )
        },
        timeout: AMPLE,
        result: Err("protocol: "),
    },
    Row {
        name: "headers that are cut off",
        answer: |_, stream| write!(stream, "HTTP/1.1 200 OK\r\nContent-Le"),
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
    Row {
        name: "without an end",
        answer: |_, stream| {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"
            )?;
            loop {
                stream.write_all(&[b'#'; 1 << 16])?;
            }
        },
        timeout: AMPLE,
        result: Err("the answer has more than 16 MiB"),
    },
    Row {
        name: "a byte too many",
        answer: |_, stream| answer(stream, "200 OK", "", &"#".repeat(MAX_BYTES + 1)),
        timeout: AMPLE,
        result: Err("the answer has more than 16 MiB"),
    },
    Row {
        name: "headers without an end",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            loop {
                write!(stream, "X-More: {}\r\n", "more".repeat(100))?;
            }
        },
        timeout: AMPLE,
        result: Err("header"),
    },
    Row {
        name: "compressed, which was not asked for",
        answer: |_, stream| answer(stream, "200 OK", "Content-Encoding: gzip\r\n", "\x1f\x08garbage"),
        timeout: AMPLE,
        result: Err("the answer is compressed (gzip), which was not asked for"),
    },
    Row {
        name: "not HTTP",
        answer: |_, stream| write!(stream, "220 mail.example ESMTP\x1b[2J\r\n\r\n"),
        timeout: AMPLE,
        result: Err("protocol: "),
    },
    Row {
        name: "headers a byte at a time",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nX-Slow: ")?;
            trickle(stream)
        },
        timeout: SHORT,
        result: Err("there was no complete answer after 1s"),
    },
    Row {
        name: "a body a byte at a time",
        answer: |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
            trickle(stream)
        },
        timeout: SHORT,
        result: Err("there was no complete answer after 1s"),
    },
    Row {
        name: "no answer",
        answer: |_, stream| say_nothing(stream),
        timeout: SHORT,
        result: Err("there was no complete answer after 1s"),
    },
    Row {
        name: "closed at once",
        answer: |_, _| Ok(()),
        timeout: AMPLE,
        result: Err("the connection ended before the answer was complete"),
    },
];

#[test]
fn every_answer_is_a_whole_list_or_an_error_that_says_why() {
    let authority = Authority::new("laboratory");
    for row in ROWS {
        let server = authority.serve(Shown::Good, row.answer);
        let result = get(&server.url(), Some(&authority.file()), None, row.timeout);
        match (&result, row.result) {
            (Ok(list), Ok(expected)) if list.len() > LIST.len() => {
                assert_eq!(list.len(), MAX_BYTES, "{}", row.name);
                assert!(list.starts_with(expected), "{}", row.name);
            }
            (Ok(list), Ok(expected)) => assert_eq!(list, expected, "{}", row.name),
            (Err(message), Err(expected)) => {
                let start = format!("cannot fetch {}: ", server.url());
                assert!(
                    message.starts_with(&start) && message.contains(expected),
                    "{}: {message}",
                    row.name
                );
                assert!(!message.contains('\x1b'), "{}: {message}", row.name);
            }
            _ => panic!("{}: {:?}", row.name, result.map(|list| list.len())),
        }
        assert!(
            server.requests() <= 4,
            "{}: three redirects at the most",
            row.name
        );
    }
}

#[test]
fn it_asks_as_it_should() {
    let authority = Authority::new("laboratory");
    let server = authority.serve(Shown::Good, |request, stream| {
        let seen = format!(
            "{}\n{}\n{}",
            request.what,
            request.headers.join("\n"),
            request.body
        );
        answer(stream, "200 OK", "Set-Cookie: a=b\r\n", &seen)
    });
    let ca_file = authority.file();
    let seen = get(&server.url(), Some(&ca_file), None, AMPLE).unwrap();
    assert!(seen.starts_with("GET /list\n"), "{seen}");
    assert!(
        seen.contains(concat!("\nuser-agent: synwall/", env!("CARGO_PKG_VERSION"), "\n")),
        "{seen}"
    );
    assert!(
        seen.contains("\naccept-encoding: identity\n") && !seen.contains("cookie"),
        "{seen}"
    );
    let seen = get(
        &server.url(),
        Some(&ca_file),
        Some("resp_format=json&a=%20"),
        AMPLE,
    )
    .unwrap();
    assert!(seen.starts_with("POST /list\n"), "{seen}");
    assert!(
        seen.contains("\ncontent-type: application/x-www-form-urlencoded\n"),
        "{seen}"
    );
    assert!(
        seen.ends_with("\nresp_format=json&a=%20") && !seen.contains("cookie"),
        "{seen}"
    );
}

#[test]
fn a_form_is_not_sent_on() {
    let authority = Authority::new("laboratory");
    let server = authority.serve(Shown::Good, |_, stream| {
        answer(stream, "307 Temporary Redirect", "Location: /elsewhere\r\n", "")
    });
    let message = get(&server.url(), Some(&authority.file()), Some("a=b"), AMPLE).unwrap_err();
    assert!(
        message.contains("it leads elsewhere, and a form is not sent on"),
        "{message}"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn nothing_is_asked_of_a_server_that_cannot_show_who_it_is() {
    let (authority, other) = (Authority::new("known"), Authority::new("foreign"));
    let (known, foreign) = (authority.file(), other.file());
    for (shown, ca_file, expected) in [
        (
            Shown::Good,
            Some(&foreign),
            "its certificate is not signed by an authority that is trusted here",
        ),
        (
            Shown::Good,
            None,
            "its certificate is not signed by an authority that is trusted here",
        ),
        (
            Shown::Expired,
            Some(&known),
            "its certificate is not valid: certificate expired",
        ),
        (
            Shown::OtherName,
            Some(&known),
            "its certificate is not valid: certificate not valid for name",
        ),
    ] {
        let server = authority.serve(shown, |_, stream| answer(stream, "200 OK", "", LIST));
        let message = get(&server.url(), ca_file.map(|file| file.as_path()), None, AMPLE).unwrap_err();
        assert!(message.contains(expected), "{shown:?}: {message}");
        assert_eq!(server.requests(), 0, "{shown:?}");
    }
}

#[test]
fn nothing_is_asked_where_there_is_no_tls() {
    type Serve = fn(TcpStream) -> io::Result<()>;
    let rows: [(&str, Duration, Serve, &str); 5] = [
        (
            "plain HTTP",
            AMPLE,
            |mut stream| answer(&mut stream, "200 OK", "", LIST),
            "no TLS with the server",
        ),
        ("closed at once", AMPLE, |_| Ok(()), ""),
        (
            "no answer",
            SHORT,
            |mut stream| say_nothing(&mut stream),
            "no complete answer after 1s",
        ),
        (
            "a handshake a byte at a time",
            SHORT,
            |mut stream| {
                stream.write_all(&[22, 3, 3, 64, 0])?;
                trickle(&mut stream)
            },
            "no complete answer after 1s",
        ),
        (
            "an alert: no such version",
            AMPLE,
            |mut stream| {
                stream.write_all(&[21, 3, 1, 0, 2, 2, 70])?;
                say_nothing(&mut stream)
            },
            "no TLS with the server: received fatal alert: ProtocolVersion",
        ),
    ];
    let authority = Authority::new("laboratory");
    for (name, timeout, serve, expected) in rows {
        let address = listen(move |stream, _| serve(stream));
        let url = format!("https://{address}/list");
        let message = get(&url, Some(&authority.file()), None, timeout).unwrap_err();
        let start = format!("cannot fetch {url}: ");
        assert!(
            message.starts_with(&start) && message.contains(expected) && message.len() > start.len(),
            "{name}: {message}"
        );
    }
    let closed = listen(|_, _| Ok(()));
    for url in ["http", "ftp", "file"].map(|scheme| format!("{scheme}://{closed}/list")) {
        let message = get(&url, None, None, AMPLE).unwrap_err();
        assert!(
            message.contains("is not https; nothing else is asked"),
            "{url}: {message}"
        );
    }
}

#[test]
fn certificates_that_others_could_have_written_are_not_read() {
    let authority = Authority::new("laboratory");
    let server = authority.serve(Shown::Good, |_, stream| answer(stream, "200 OK", "", LIST));
    let file = authority.file();
    let good = fs::read_to_string(&file).unwrap();
    assert_eq!(get(&server.url(), Some(&file), None, AMPLE), Ok(LIST.to_owned()));
    for (text, mode, expected) in [
        (
            good.as_str(),
            0o666,
            "was not read, because it can be changed by every user",
        ),
        (
            "",
            0o644,
            "has no certificate; it should have certificates in PEM format",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            0o644,
            "is damaged: ",
        ),
        ("-----BEGIN CERTIFICATE-----\n", 0o644, "is damaged: "),
    ] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let message = get(&server.url(), Some(&file), None, AMPLE).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
    fs::remove_file(&file).unwrap();
    let message = get(&server.url(), Some(&file), None, AMPLE).unwrap_err();
    assert!(message.contains("cannot be read: No such file"), "{message}");
    assert_eq!(server.requests(), 1);
}

#[test]
fn certificates_are_not_waited_for() {
    let authority = Authority::new("laboratory");
    let server = authority.serve(Shown::Good, |_, stream| answer(stream, "200 OK", "", LIST));
    let file = authority.file();
    let good = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    mkfifo(&file, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let message = get(&server.url(), Some(&file), None, SHORT).unwrap_err();
    assert!(
        message.contains("cannot be read: it is not a regular file"),
        "{message}"
    );
    fs::remove_file(&file).unwrap();
    fs::write(&file, good + &"#".repeat(1 << 20)).unwrap();
    let message = get(&server.url(), Some(&file), None, AMPLE).unwrap_err();
    assert!(
        message.contains("cannot be read: it has more than 1 MiB"),
        "{message}"
    );
    assert_eq!(server.requests(), 0);
}
