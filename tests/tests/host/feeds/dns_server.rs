//! A DNS server on loopback, over UDP and TCP, that can answer wrongly in many ways (RFC 1035).

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

/// The answer to a question for a name.
#[derive(Clone, Debug)]
pub enum Answer {
    /// TXT records of several strings each.
    Records(Vec<Vec<String>>),
    /// TXT records over TCP only. The answer over UDP is truncated.
    OverTcp(Vec<Vec<String>>),
    /// An alias for another name, and the TXT record of that name.
    Alias(&'static str, String),
    /// An error code: 2 (SERVFAIL), 3 (NXDOMAIN), 5 (REFUSED). 0 is an answer without records.
    Code(u8),
    /// A correct answer with the id of another question.
    WrongId(String),
    /// A correct answer about another name.
    OtherName(&'static str, String),
    /// The id of the question, then bytes that are not a DNS message.
    Garbage,
    /// No answer.
    Silence,
}

impl Answer {
    /// One record. It has one string if the text is short enough.
    pub fn record(text: &str) -> Self {
        Self::Records(vec![strings(text)])
    }
}

/// The text, split into strings of the largest length.
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
    /// A server for these names. Other names do not exist.
    pub fn new<'a>(zone: impl IntoIterator<Item = (&'a str, Answer)>) -> Self {
        // A port that is free for UDP and TCP.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("an address")) {
                break (udp, tcp);
            }
        };
        Self::on(udp, tcp, zone)
    }

    /// A server for these names at port 53, where resolvers ask.
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

    /// The questions so far: each name, and whether it came over UDP or TCP.
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
    // Flags of a response from a recursive server.
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
