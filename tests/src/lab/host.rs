//! A host on the wire: a network namespace with an `eth0` and its addresses.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use super::frame::Endpoint;
use super::packet_socket::PacketSocket;
use super::{Answer, Capture, Connection, Namespace, NoAnswer, curl, must};

/// The name of every host's interface.
pub(super) const INTERFACE: &str = "eth0";

/// The version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

/// A host on the wire. Commands, connections and frames of a test start from it.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: Namespace,
    mac: [u8; 6],
    v4: Ipv4Addr,
    v6: Ipv6Addr,
}

impl Host {
    pub(crate) fn new(name: &str, namespace: Namespace, mac: [u8; 6], v4: &str, v6: &str) -> Self {
        let name = name.to_owned();
        let bare = |address: &str| address.split('/').next().unwrap_or_default().to_owned();
        let v4 = must(format_args!("read {v4} as an IPv4 address"), bare(v4).parse());
        let v6 = must(format_args!("read {v6} as an IPv6 address"), bare(v6).parse());
        Self {
            name,
            namespace,
            mac,
            v4,
            v6,
        }
    }

    /// The name of the host in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network namespace of the host.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The MAC address of `eth0`.
    #[must_use]
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The host's address in one version of IP.
    #[must_use]
    pub fn address(&self, family: Family) -> IpAddr {
        match family {
            Family::V4 => self.v4.into(),
            Family::V6 => self.v6.into(),
        }
    }

    /// The host's MAC address, IP address and this port, to build frames with or to compare them with.
    #[must_use]
    pub fn endpoint(&self, family: Family, port: u16) -> Endpoint {
        Endpoint {
            mac: self.mac,
            address: self.address(family),
            port,
        }
    }

    /// The URL of a page on this host.
    #[must_use]
    pub fn url(&self, scheme: &str, family: Family, path: &str) -> String {
        match self.address(family) {
            IpAddr::V4(address) => format!("{scheme}://{address}{path}"),
            IpAddr::V6(address) => format!("{scheme}://[{address}]{path}"),
        }
    }

    /// A command that starts on this host. See [`Namespace::command`].
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.namespace.command(program)
    }

    /// Runs the closure on this host. See [`Namespace::run`].
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.namespace.run(work)
    }

    /// Fetches a page with curl and does not check certificates. The time includes the connection and the page.
    ///
    /// # Errors
    /// [`NoAnswer`] if no HTTP response came. A response with an error status is not an error here.
    pub fn get(&self, url: &str, timeout: Duration) -> Result<Answer, NoAnswer> {
        curl::get(self, url, timeout)
    }

    /// Opens a TCP connection that stays open for any number of requests.
    ///
    /// # Errors
    /// If no host accepts it in time.
    pub fn connect(&self, to: SocketAddr, timeout: Duration) -> io::Result<Connection> {
        self.run(|| TcpStream::connect_timeout(&to, timeout))
            .map(|stream| Connection::new(stream, timeout))
    }

    /// Starts to record the frames that `eth0` receives and sends.
    #[must_use]
    pub fn capture(&self) -> Capture {
        Capture::new(PacketSocket::recording(&self.namespace, INTERFACE))
    }

    /// Starts to record only the frames that `eth0` receives. During a flood from this host, the sent frames are too
    /// many.
    #[must_use]
    pub fn capture_of_what_comes(&self) -> Capture {
        Capture::new(PacketSocket::recording_what_comes(&self.namespace, INTERFACE))
    }

    /// Sends a frame out of `eth0`, byte for byte.
    pub fn send_frame(&self, frame: &[u8]) {
        self.send_frames([frame]);
    }

    /// Sends frames out of `eth0`, one after the other. It uses one socket, because closing a socket takes
    /// milliseconds.
    pub fn send_frames<F: AsRef<[u8]>>(&self, frames: impl IntoIterator<Item = F>) {
        let socket = self.sender();
        frames.into_iter().for_each(|frame| socket.send(frame.as_ref()));
    }

    /// A socket that sends frames out of `eth0`.
    pub(crate) fn sender(&self) -> PacketSocket {
        PacketSocket::sending(&self.namespace, INTERFACE)
    }
}
