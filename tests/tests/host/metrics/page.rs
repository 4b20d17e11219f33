//! A client that sends exact bytes, and reads the answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use tests::{
    lab::Output,
    origin::{
        Origin,
        agent::{Agent, Home},
    },
};

/// The address of the metrics in these tests.
const ADDRESS: &str = "127.0.0.1:9436";

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the metrics server.
pub fn connect(origin: &Origin) -> TcpStream {
    let stream = origin
        .site
        .origin
        .run(|| TcpStream::connect(ADDRESS))
        .expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// An answer.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

/// Sends bytes, and returns everything that comes back until the server closes the connection.
pub fn answer_to(origin: &Origin, bytes: &[u8]) -> io::Result<String> {
    let mut stream = connect(origin);
    // The server may refuse the first bytes and not read the rest.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A reset, because the server did not read all bytes.
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(String::from_utf8(answer).expect("UTF-8")),
    }
}

/// The page for a method and path, with more header lines.
#[track_caller]
pub fn ask(origin: &Origin, method: &str, path: &str, lines: &str) -> Page {
    let answer = answer_to(
        origin,
        format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").as_bytes(),
    )
    .expect("an answer");
    let (headers, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = headers
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    Page {
        status,
        headers: headers.to_lowercase(),
        body: body.to_owned(),
    }
}

/// The page at a path, as Prometheus requests it.
#[track_caller]
pub fn get(origin: &Origin, path: &str) -> Page {
    ask(origin, "GET", path, "Host: 127.0.0.1:9436\r\n")
}

/// The text of `/metrics`.
#[track_caller]
pub fn scrape(origin: &Origin) -> String {
    let page = get(origin, "/metrics");
    assert_eq!(page.status, 200, "{page:?}");
    // Prometheus 3 requires this header.
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(page.headers.contains(kind), "{page:?}");
    page.body
}

/// The value of every series of a text. Fails if a series appears twice.
#[track_caller]
pub fn series(text: &str) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let twice = all.insert(series.to_owned(), value.parse().expect("a number"));
        assert_eq!(twice, None, "{series} is there twice");
    }
    all
}

/// The names of all metrics of a text.
pub fn names(text: &str) -> BTreeSet<String> {
    let names = series(text)
        .into_keys()
        .map(|series| series.split('{').next().unwrap().to_owned());
    names.collect()
}

/// Runs `promtool` with these arguments and this input: `SYNWALL_PROMTOOL`, or the one that `cargo xtask` unpacked
/// for the project.
pub fn promtool(arguments: &[&str], input: &str) -> Output {
    let unpacked =
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tools/prometheus/root/usr/bin/promtool");
    let program = env::var_os("SYNWALL_PROMTOOL").map_or_else(unpacked, PathBuf::from);
    Output::with_input(Command::new(program).args(arguments), input)
}

/// An origin whose agent trusts the proxy and serves metrics. The configuration has these additional keys and tables.
pub fn served(keys: &str, tables: &str) -> (Origin, Home, Agent) {
    served_with(|_| (keys.to_owned(), tables.to_owned()))
}

/// An origin whose agent serves metrics. The additional configuration may depend on the paths of its files.
pub fn served_with(more: impl FnOnce(&Home) -> (String, String)) -> (Origin, Home, Agent) {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let (keys, tables) = more(&home);
    home.configure(&format!(
        "interfaces = [\"eth0\", \"absent0\"]\n{keys}\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\", \
         \"2001:db8:94::/48 proxy\"]\nfiles = [\"office.txt\"]\n{tables}\n[metrics]\nlisten = \"{ADDRESS}\"\n"
    ));
    home.write("office.txt", "172.16.5.0/24 office\n");
    let agent = Agent::start(&origin, &home);
    (origin, home, agent)
}
