//! Metrics: what the agent serves is what the kernel counted, in a form that Prometheus takes, for whoever behaves and in
//! spite of whoever does not. Needs root, nginx, a built `synwall` (`SYNWALL_BIN`) and promtool (`SYNWALL_PROMTOOL`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod clients;
mod counts;
mod crowd;
mod documentation;
mod health;
mod names;
mod numbers;
mod page;

use std::{
    collections::BTreeMap,
    env,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use tests::origin::{
    Origin,
    agent::{Agent, Home},
};

/// Where metrics are served in these tests.
const ADDRESS: &str = "127.0.0.1:9436";

/// An origin whose agent serves metrics.
fn served(more: &str) -> (Origin, Home, Agent) {
    let origin = Origin::new();
    let home = Home::new(&origin);
    home.configure(&format!(
        "interfaces = [\"eth0\"]\n{more}\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\"]\n[metrics]\nlisten = \"{ADDRESS}\"\n"
    ));
    let agent = Agent::start(&origin, &home);
    (origin, home, agent)
}

/// Connects to the server, from the origin itself.
fn connect(origin: &Origin) -> TcpStream {
    origin.site.origin.run(|| {
        let stream = TcpStream::connect(ADDRESS).expect("a server");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time-out");
        stream
    })
}

/// Sends a request as it is, and returns all of the answer.
fn ask(origin: &Origin, request: &str) -> String {
    let mut stream = connect(origin);
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    // Who hangs up without reading everything resets the connection.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("text")
}

/// Status and body of what is at `path`.
fn get(origin: &Origin, path: &str) -> (u16, String) {
    let answer = ask(
        origin,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost:9436\r\nConnection: close\r\n\r\n"),
    );
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let status = head
        .split(' ')
        .nth(1)
        .expect("a status")
        .parse()
        .expect("a number");
    (status, body.to_owned())
}

/// A scrape: each sample by its name and labels.
fn scrape(origin: &Origin) -> BTreeMap<String, f64> {
    let (status, body) = get(origin, "/metrics");
    assert_eq!(status, 200, "{body}");
    samples(&body)
}

fn samples(body: &str) -> BTreeMap<String, f64> {
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

/// `SYNWALL_PROMTOOL`, else the one that `cargo xtask` unpacked for the project.
fn promtool() -> PathBuf {
    let unpacked =
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/tools/prometheus/root/usr/bin/promtool");
    env::var_os("SYNWALL_PROMTOOL").map_or_else(unpacked, PathBuf::from)
}
