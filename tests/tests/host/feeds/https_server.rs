//! A web server on loopback with its own certificates, that can answer wrongly in many ways.

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

/// The pause between two bytes of a slow server.
pub const TRICKLE: Duration = Duration::from_millis(200);

/// The certificate that a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A valid certificate.
    Good,
    /// A certificate for another name.
    OtherName,
    /// An expired certificate.
    Expired,
}

/// A connection that can be read and written.
pub trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// A client's request.
#[derive(Debug)]
pub struct Request {
    /// Method and path: `GET /list`.
    pub what: String,
    /// The header lines in lower case.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
    /// The port that it was sent to.
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

/// A certificate authority for a test run, and the file with its certificate.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    /// An authority with that name.
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

    /// The path of its certificate.
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

    /// Starts a server that gives this answer to each request. It runs until the test binary ends.
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
    /// The number of requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The URL of its list.
    pub fn url(&self) -> String {
        format!("https://{}/list", self.address)
    }
}

/// Serves each connection to a loopback port in its own thread. Errors of a client that has gone are ignored.
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

/// Writes a byte now and then, until the client closes the connection.
pub fn trickle(stream: &mut dyn Stream) -> io::Result<()> {
    loop {
        stream.write_all(b"1")?;
        stream.flush()?;
        thread::sleep(TRICKLE);
    }
}

/// Sends nothing until the client closes the connection.
pub fn say_nothing(stream: &mut dyn Stream) -> io::Result<()> {
    while stream.read(&mut [0; 1024])? > 0 {}
    Ok(())
}
