//! A DNS server on loopback, over UDP and TCP, that answers as badly as it is told to (RFC 1035).

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
};

const TXT: u16 = 16;
const CNAME: u16 = 5;
const IN: u16 = 1;

/// What is answered when somebody asks for a name.
#[derive(Clone, Debug)]
pub enum Answer {
    /// TXT records of several strings each.
    Records(Vec<Vec<String>>),
    /// The same, but not over UDP, where it says that there is more.
    OverTcp(Vec<Vec<String>>),
    /// Another name for it, and that one's TXT record.
    Alias(&'static str, String),
    /// An error code: 2 (SERVFAIL), 3 (NXDOMAIN), 5 (REFUSED). With 0 there are no records.
    Code(u8),
    /// A good answer to a question that nobody asked.
    WrongId(String),
    /// A good answer about another name.
    OtherName(&'static str, String),
    /// Bytes that are no message, but for the number of the question.
    Garbage,
    /// No answer.
    Silence,
}

impl Answer {
    /// One record, of one string if it is not too long for that.
    pub fn record(text: &str) -> Self {
        Self::Records(vec![strings(text)])
    }
}

/// Text in strings that are as long as they may be.
pub fn strings(text: &str) -> Vec<String> {
    let parts = text.as_bytes().chunks(255);
    parts
        .map(|part| String::from_utf8(part.to_vec()).expect("ASCII"))
        .collect()
}

/// A running server. It runs until the test binary ends.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers for these names; others do not exist.
    pub fn new<'a>(zone: impl IntoIterator<Item = (&'a str, Answer)>) -> Self {
        // A port that is free for both.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
                break (udp, tcp);
            }
        };
        Self::on(udp, tcp, zone)
    }

    /// The same at the port where resolvers ask.
    pub fn at_its_port<'a>(zone: impl IntoIterator<Item = (&'a str, Answer)>) -> Self {
        let address = (Ipv4Addr::LOCALHOST, 53);
        let udp = UdpSocket::bind(address).expect("a socket");
        Self::on(udp, TcpListener::bind(address).expect("a socket"), zone)
    }

    fn on<'a>(udp: UdpSocket, tcp: TcpListener, zone: impl IntoIterator<Item = (&'a str, Answer)>) -> Self {
        let zone = zone.into_iter().map(|(name, answer)| (name.to_owned(), answer));
        let zone: Arc<BTreeMap<String, Answer>> = Arc::new(zone.collect());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let address = udp.local_addr().expect("an address");
        let (zone_of_tcp, asked_of_tcp) = (zone.clone(), asked.clone());
        let asked_of_udp = asked.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let (len, client) = udp.recv_from(&mut buffer).expect("a question");
                let question = Question::read(&buffer[..len]);
                asked_of_udp
                    .lock()
                    .expect("a list")
                    .push(format!("{} UDP", question.name));
                if let Some(reply) = question.reply(zone.get(&question.name), false) {
                    udp.send_to(&reply, client).expect("an answer");
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let stream = stream.expect("a connection");
                let (zone, asked) = (zone_of_tcp.clone(), asked_of_tcp.clone());
                thread::spawn(move || serve_tcp(stream, &zone, &asked));
            }
        });
        Self { address, asked }
    }

    /// The questions so far, each a name and how it came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }
}

fn serve_tcp(
    mut stream: TcpStream,
    zone: &BTreeMap<String, Answer>,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    loop {
        let mut len = [0; 2];
        stream.read_exact(&mut len)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut message)?;
        let question = Question::read(&message);
        asked
            .lock()
            .expect("a list")
            .push(format!("{} TCP", question.name));
        if let Some(reply) = question.reply(zone.get(&question.name), true) {
            let len = u16::try_from(reply.len()).expect("a short answer");
            stream.write_all(&[&len.to_be_bytes(), reply.as_slice()].concat())?;
        }
    }
}

struct Question {
    id: u16,
    name: String,
}

impl Question {
    fn read(message: &[u8]) -> Self {
        let id = u16::from_be_bytes([message[0], message[1]]);
        let mut labels = Vec::new();
        let mut at = 12;
        while message[at] != 0 {
            let len = usize::from(message[at]);
            let label = &message[at + 1..=at + len];
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
            at += len + 1;
        }
        let kind = u16::from_be_bytes([message[at + 1], message[at + 2]]);
        assert_eq!(kind, TXT, "the type that is asked for");
        Self {
            id,
            name: labels.join("."),
        }
    }

    fn reply(&self, answer: Option<&Answer>, is_tcp: bool) -> Option<Vec<u8>> {
        let one = |text: &String| vec![txt(&self.name, std::slice::from_ref(text))];
        Some(match answer {
            None => message(self.id, 3, false, &self.name, &[]),
            Some(Answer::Silence) => return None,
            Some(Answer::Garbage) => [&self.id.to_be_bytes()[..], &[0xff; 40]].concat(),
            Some(Answer::Code(code)) => message(self.id, *code, false, &self.name, &[]),
            Some(Answer::OverTcp(_)) if !is_tcp => message(self.id, 0, true, &self.name, &[]),
            Some(Answer::Records(records) | Answer::OverTcp(records)) => {
                let records: Vec<_> = records.iter().map(|strings| txt(&self.name, strings)).collect();
                message(self.id, 0, false, &self.name, &records)
            }
            Some(Answer::Alias(other, text)) => {
                let alias = record(&self.name, CNAME, &encoded(other));
                let records = [alias, txt(other, std::slice::from_ref(text))];
                message(self.id, 0, false, &self.name, &records)
            }
            Some(Answer::WrongId(text)) => message(self.id.wrapping_add(1), 0, false, &self.name, &one(text)),
            Some(Answer::OtherName(other, text)) => {
                let records = [txt(other, std::slice::from_ref(text))];
                message(self.id, 0, false, other, &records)
            }
        })
    }
}

/// A response (RFC 1035, section 4.1) to a question for TXT records.
fn message(id: u16, code: u8, is_cut: bool, name: &str, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = Vec::new();
    // A response to a recursive question, from a server that does recursion.
    let flags = 0x8180 | u16::from(is_cut) << 9 | u16::from(code);
    let count = u16::try_from(records.len()).expect("few records");
    for word in [id, flags, 1, count, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    message.extend(encoded(name));
    for word in [TXT, IN] {
        message.extend(word.to_be_bytes());
    }
    message.extend(records.concat());
    message
}

fn txt(name: &str, strings: &[String]) -> Vec<u8> {
    let mut data = Vec::new();
    for string in strings {
        data.push(u8::try_from(string.len()).expect("a short string"));
        data.extend(string.as_bytes());
    }
    record(name, TXT, &data)
}

fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = encoded(name);
    for word in [
        kind,
        IN,
        0,
        3600,
        u16::try_from(data.len()).expect("a short record"),
    ] {
        record.extend(word.to_be_bytes());
    }
    record.extend(data);
    record
}

fn encoded(name: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    for label in name.split('.') {
        encoded.push(u8::try_from(label.len()).expect("a short label"));
        encoded.extend(label.as_bytes());
    }
    encoded.push(0);
    encoded
}
