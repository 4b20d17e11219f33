//! A TCP connection that stays open. Tests use it to show that a connection from before a change survives the change.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An HTTP connection that is kept alive between requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// The timeout also limits each later wait for an answer.
    pub(super) fn new(stream: TcpStream, timeout: Duration) -> Self {
        // This fails only for a timeout of zero, and then `connect` would have failed first.
        let _ = stream.set_read_timeout(Some(timeout));
        let _ = stream.set_nodelay(true);
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Requests a page over the connection and returns its text.
    ///
    /// # Errors
    /// If the connection is gone, or if the answer does not come in time.
    pub fn get(&mut self, path: &str) -> io::Result<String> {
        write!(
            self.stream.get_mut(),
            "GET {path} HTTP/1.1\r\nHost: origin\r\n\r\n"
        )?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// The local address and port.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().local_addr()
    }
}
