//! A web server on loopback, with certificates made for the run, that answers as badly as it is told to.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;

/// Between two bytes of a server that trickles.
pub const TRICKLE: Duration = Duration::from_millis(200);

/// A certificate that a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A good one.
    Good,
    /// One for another name.
    OtherName,
    /// One of years ago.
    Expired,
}

/// Both ways of a connection.
pub trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// What a client asked.
#[derive(Debug)]
pub struct Request {
    /// Method and path: `GET /list`.
    pub what: String,
    /// Its header lines, in small letters.
    pub headers: Vec<String>,
    /// What came after them.
    pub body: String,
    /// The port that it came to.
    pub port: u16,
}

impl Request {
    fn read(stream: &mut dyn Stream, port: u16) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            headers.push(line.to_ascii_lowercase());
        }
        let length = headers
            .iter()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Self {
            what: first.trim_end().trim_end_matches(" HTTP/1.1").to_owned(),
            headers,
            body: String::from_utf8(body).expect("text"),
            port,
        })
    }
}

/// The authority of a run, and where its certificate lies.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    /// An authority of that name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let directory = TempDir::new().expect("a directory");
        fs::write(directory.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, directory }
    }

    /// Its certificate.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn config(&self, shown: Shown) -> Arc<ServerConfig> {
        let mut params = CertificateParams::default();
        match shown {
            Shown::OtherName => params.subject_alt_names = vec![dns("other.example")],
            Shown::Good | Shown::Expired => {
                params.subject_alt_names =
                    vec![SanType::IpAddress(Ipv4Addr::LOCALHOST.into()), dns("localhost")];
            }
        }
        if shown == Shown::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key");
        Arc::new(config)
    }

    /// A server that answers each request so. It runs until the test binary ends.
    pub fn serve(
        &self,
        shown: Shown,
        answer: impl Fn(&Request, &mut dyn Stream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        let config = self.config(shown);
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let address = listen(move |stream, port| {
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let request = Request::read(&mut stream, port)?;
            counted.fetch_add(1, Ordering::SeqCst);
            answer(&request, &mut stream)?;
            stream.conn.send_close_notify();
            stream.flush()
        });
        Server { address, requests }
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("a name"))
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// How many requests it has seen.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Where its list is.
    pub fn url(&self) -> String {
        format!("https://{}/list", self.address)
    }
}

/// Serves every connection to a port of loopback in a thread of its own. A client that has gone away is no matter.
pub fn listen(serve: impl Fn(TcpStream, u16) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let address = listener.local_addr().expect("an address");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.expect("a connection"), serve.clone());
            thread::spawn(move || serve(stream, address.port()));
        }
    });
    address
}

/// Writes a byte now and then, until the client has enough of it.
pub fn trickle(stream: &mut dyn Stream) -> io::Result<()> {
    loop {
        stream.write_all(b"1")?;
        stream.flush()?;
        thread::sleep(TRICKLE);
    }
}

/// Says nothing until the client goes away.
pub fn say_nothing(stream: &mut dyn Stream) -> io::Result<()> {
    while stream.read(&mut [0; 1024])? > 0 {}
    Ok(())
}
