//! Fetched lists on their way into the kernel: the agent asks real servers, resolvers and programs.
//!
//! Longer than 300 lines because each case is a test of its own, and all share the server and the helpers.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use tests::origin::{
    Origin,
    agent::{Agent, Home},
};

use crate::feeds::{
    dns_server,
    https_server::{Authority, Request, Server, Shown, Stream, trickle},
    servers::answer,
};

/// How often the agent asks a source.
const OFTEN: &str = "interval = \"1s\"\njitter = \"0s\"\ngrace = \"0s\"\n";

const GOOD: &str = "198.51.100.0/24\n203.0.113.0/24\n2001:db8:5::/48\n";

/// A configuration that trusts the proxy, with these sources.
fn configure(home: &Home, sources: &str) {
    home.configure(&format!(
        "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\"]\n{sources}"
    ));
}

/// Prefixes of a list that come from `place`, and whether each one stays. Empty as long as there is no filter.
fn from(origin: &Origin, list: &str, place: &str) -> Vec<(String, bool)> {
    let output = origin.run(&format!("{list} list --json"));
    if output.stderr.contains("synwall is not up") {
        return Vec::new();
    }
    let document: serde_json::Value = serde_json::from_str(&output.ok().stdout).expect("a document");
    let rows = document["prefixes"].as_array().expect("rows").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    rows.filter(|row| row["origin"] == place)
        .map(|row| (text(&row["prefix"]), row["expires_seconds"].is_null()))
        .collect()
}

fn staying(prefixes: &[&str]) -> Vec<(String, bool)> {
    prefixes
        .iter()
        .map(|prefix| ((*prefix).to_owned(), true))
        .collect()
}

type Answer = dyn Fn(&Request, &mut dyn Stream) -> io::Result<()> + Send + Sync;

/// A server on the origin whose answer can be changed.
struct Provider {
    authority: Authority,
    server: Server,
    answer: Arc<Mutex<Arc<Answer>>>,
}

impl Provider {
    fn new(origin: &Origin, list: &'static str) -> Self {
        let authority = Authority::new("laboratory");
        let first: Arc<Answer> = Arc::new(move |_, stream| answer(stream, "200 OK", "", list));
        let answer = Arc::new(Mutex::new(first));
        let current = answer.clone();
        let server = origin.site.origin.run(|| {
            authority.serve(Shown::Good, move |request, stream| {
                let answer = current.lock().expect("an answer").clone();
                answer(request, stream)
            })
        });
        Self {
            authority,
            server,
            answer,
        }
    }

    fn answers(&self, answer: impl Fn(&Request, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static) {
        *self.answer.lock().expect("an answer") = Arc::new(answer);
    }

    /// The keys of this source in a configuration.
    fn keys(&self) -> String {
        format!(
            "https = \"{}\"\nca-file = \"{}\"\n",
            self.server.url(),
            self.authority.file().display()
        )
    }
}

#[test]
fn a_source_of_each_kind_ends_up_in_its_list() {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let web = Provider::new(&origin, GOOD);
    let json = Provider::new(
        &origin,
        r#"{"prefixes": [{"ip": "192.0.2.0/25", "for": "A"}, {"ip": "192.0.2.128/25", "for": "B"}]}"#,
    );
    let names = origin.site.origin.run(|| {
        dns_server::Server::new([
            (
                "list.example",
                dns_server::Answer::record("v=spf1 ip4:198.18.1.0/24 include:more.example"),
            ),
            (
                "more.example",
                dns_server::Answer::record("v=spf1 ip6:2001:db8:1::/48"),
            ),
        ])
    });
    home.write("list.txt", "198.18.2.0/24 a label\n");
    let descriptors = home.etc.join("descriptors");
    let script = format!("(ls /proc/$$/fd) > {}; echo 198.18.3.0/24", descriptors.display());
    let sources = format!(
        "[source.web]\n{}[source.json]\n{}json = [{{ pointer = \"/prefixes\", member = \"ip\", with = {{ for = \"B\" }} }}]\n\
         [source.names]\ndns-txt = \"list.example\"\nserver = \"{}\"\nlist = \"deny\"\n\
         [source.file]\nfile = \"list.txt\"\nlist = \"retire\"\n\
         [source.program]\nexec = [\"/bin/sh\", \"-c\", \"{script}\"]\n",
        web.keys(),
        json.keys(),
        names.address,
    );
    configure(&home, &sources);
    let mut agent = Agent::start(&origin, &home);
    for (list, place, expected) in [
        (
            "trust",
            "source:web",
            &["198.51.100.0/24", "203.0.113.0/24", "2001:db8:5::/48"][..],
        ),
        ("trust", "source:json", &["192.0.2.128/25"]),
        ("deny", "source:names", &["198.18.1.0/24", "2001:db8:1::/48"]),
        ("retire", "source:file", &["198.18.2.0/24"]),
        ("trust", "source:program", &["198.18.3.0/24"]),
    ] {
        let is_there = |_: &mut Agent| from(&origin, list, place) == staying(expected);
        agent.until(place, is_there);
    }
    assert_eq!(
        fs::read_to_string(descriptors).unwrap(),
        "0\n1\n2\n",
        "nothing of the agent's is open there"
    );
    origin.serves_the_proxy();
    agent.stop();
}

#[test]
fn where_the_file_names_neither_the_systems_resolver_and_certificates_are_used() {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let web = Provider::new(&origin, GOOD);
    let _names = origin.site.origin.run(|| {
        let answer = dns_server::Answer::record("v=spf1 ip4:198.18.1.0/24");
        dns_server::Server::at_its_port([("list.example", answer)])
    });
    let lab = &origin.site.lab;
    lab.replace("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    let certificates = fs::read_to_string(web.authority.file()).expect("certificates");
    lab.replace("/etc/ssl/certs/ca-certificates.crt", &certificates);
    let url = web.server.url();
    let sources = format!("[source.web]\nhttps = \"{url}\"\n[source.names]\ndns-txt = \"list.example\"\n");
    configure(&home, &sources);
    let mut agent = Agent::start(&origin, &home);
    let good: Vec<&str> = GOOD.lines().collect();
    agent.until("has both", |_| {
        from(&origin, "trust", "source:web") == staying(&good)
            && from(&origin, "trust", "source:names") == staying(&["198.18.1.0/24"])
    });
}

#[test]
fn a_provider_that_is_down_keeps_its_list_and_comes_back() {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let web = Provider::new(&origin, GOOD);
    configure(&home, &format!("[source.web]\n{}{OFTEN}", web.keys()));
    let mut agent = Agent::start(&origin, &home);
    let list = staying(&["198.51.100.0/24", "203.0.113.0/24", "2001:db8:5::/48"]);
    agent.until("the list is there", |_| {
        from(&origin, "trust", "source:web") == list
    });

    web.answers(|_, stream| answer(stream, "503 Service Unavailable", "", ""));
    agent.says("the server answered 503 Service Unavailable, not 200 OK");
    let before = web.server.requests();
    agent.until("it asks again and again", |_| web.server.requests() > before + 3);
    assert_eq!(from(&origin, "trust", "source:web"), list);

    // A restart without an answer does not change the list either.
    agent.kill();
    let mut agent = Agent::start(&origin, &home);
    let before = web.server.requests();
    agent.until("it asks again and again", |_| web.server.requests() > before + 3);
    assert_eq!(from(&origin, "trust", "source:web"), list);

    web.answers(|_, stream| {
        answer(
            stream,
            "200 OK",
            "",
            "198.51.100.0/24\n203.0.113.0/25\n2001:db8:5::/48\n",
        )
    });
    let other = staying(&["198.51.100.0/24", "203.0.113.0/25", "2001:db8:5::/48"]);
    agent.until("the new list is there", |_| {
        from(&origin, "trust", "source:web") == other
    });
    agent.stop();
}

#[test]
fn a_malicious_answer_changes_nothing() {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let web = Provider::new(&origin, GOOD);
    configure(
        &home,
        &format!("[source.web]\n{}{OFTEN}timeout = \"1s\"\n", web.keys()),
    );
    let mut agent = Agent::start(&origin, &home);
    let list = staying(&["198.51.100.0/24", "203.0.113.0/24", "2001:db8:5::/48"]);
    agent.until("the list is there", |_| {
        from(&origin, "trust", "source:web") == list
    });

    type Malice = fn(&Request, &mut dyn Stream) -> io::Result<()>;
    let answers: [(Malice, &str); 10] = [
        (
            |_, stream| answer(stream, "200 OK", "", "0.0.0.0/0\n"),
            "0.0.0.0/0",
        ),
        (
            |_, stream| answer(stream, "200 OK", "", &format!("{GOOD}64.0.0.0/2\n")),
            "64.0.0.0/2 is wider",
        ),
        (|_, stream| answer(stream, "200 OK", "", ""), "it is empty"),
        (
            |_, stream| answer(stream, "200 OK", "", "198.51.100.0/24\n"),
            "less than half",
        ),
        (
            |_, stream| answer(stream, "200 OK", "", "<html>\x1b[2J maintenance</html>\n"),
            "<html>",
        ),
        (
            |_, stream| write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{GOOD}"),
            "before the answer was complete",
        ),
        // An attacker on the path cuts the connection after most of the list. It would look like a list that has
        // changed.
        (
            |_, stream| {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\n\r\n198.51.100.0/24\n2001:db8:5::/48\n"
                )?;
                Err(io::ErrorKind::ConnectionAborted.into())
            },
            "does not say how long it is",
        ),
        (
            |_, stream| answer(stream, "302 Found", "Location: http://127.0.0.1/\r\n", ""),
            "is not https",
        ),
        (
            |_, stream| {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"
                )?;
                loop {
                    stream.write_all(&[b'\n'; 1 << 16])?;
                }
            },
            "has more than 16 MiB",
        ),
        (
            |_, stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")?;
                trickle(stream)
            },
            "no complete answer after 1s",
        ),
    ];
    for (malice, expected) in answers {
        agent.says_after(expected, || web.answers(malice));
        assert_eq!(from(&origin, "trust", "source:web"), list, "{expected}");
    }
    assert!(!agent.log().contains('\x1b'));
    origin.serves_the_proxy();
    agent.stop();
}

#[test]
fn a_program_does_not_outlive_an_agent_that_is_killed() {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let file = home.etc.join("pid");
    let script = format!(
        "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 1000",
        file.display()
    );
    configure(
        &home,
        &format!("[source.program]\nexec = [\"/bin/sh\", \"-c\", \"{script}\"]\ntimeout = \"1000s\"\n"),
    );
    let mut agent = Agent::start(&origin, &home);
    agent.until("the program runs", |_| file.exists());
    let pid = fs::read_to_string(&file).unwrap();
    assert!(Path::new("/proc").join(pid.trim()).exists());
    agent.kill();
    crate::feeds::programs::until_no_process_is_left(pid.trim());
}
