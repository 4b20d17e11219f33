//! The sockets that drop level `unestablished` finds. For each IP version there is a listener and one open
//! connection, and the host has both ends. The packet table tests sockets in other states.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd as _,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, socket};

use crate::lab::{Namespace, must};

/// The addresses of the host behind the filter, IPv4 and IPv6.
pub const HOST: [&str; 2] = ["203.0.113.10", "2001:db8:113::10"];
/// The addresses of the client that has a connection open.
pub const VISITOR: [&str; 2] = ["198.51.100.66", "2001:db8:bad::66"];
/// The client's and the host's port of the connection.
pub const PORTS: (u16, u16) = (40_001, 443);

/// The connections of a host. They stay open as long as this value lives.
pub struct Sockets {
    /// Source and destination of packets that arrive on a connection.
    open: BTreeSet<(SocketAddr, SocketAddr)>,
    #[expect(dead_code, reason = "held for what they are in the kernel")]
    held: (Vec<TcpStream>, Vec<TcpListener>),
}

/// Parses an address constant of this file.
pub fn address(text: &str) -> IpAddr {
    must("read an address", text.parse())
}

/// A namespace with the addresses of both ends.
#[must_use]
pub fn host() -> Namespace {
    let namespace = Namespace::new();
    namespace.add_to_loopback(
        &[HOST, VISITOR]
            .concat()
            .into_iter()
            .map(address)
            .collect::<Vec<_>>(),
    );
    namespace
}

impl Sockets {
    /// Opens the sockets in the network namespace of the calling thread.
    #[must_use]
    pub fn open() -> Self {
        let mut open = BTreeSet::new();
        let (mut streams, mut listeners) = (Vec::new(), Vec::new());
        for (host, visitor) in HOST.into_iter().zip(VISITOR) {
            let host = SocketAddr::new(address(host), PORTS.1);
            let visitor = SocketAddr::new(address(visitor), PORTS.0);
            let listener = must("listen", TcpListener::bind(host));
            streams.push(must("connect", connection(visitor, host)));
            streams.push(must("accept", listener.accept()).0);
            listeners.push(listener);
            // Both ends are on this host, so both directions arrive here.
            open.extend([(visitor, host), (host, visitor)]);
        }
        Self {
            open,
            held: (streams, listeners),
        }
    }

    /// Whether a segment from `ends.0` to `ends.1` belongs to an open connection.
    #[must_use]
    pub fn has(&self, ends: (SocketAddr, SocketAddr)) -> bool {
        self.open.contains(&ends)
    }
}

fn connection(from: SocketAddr, to: SocketAddr) -> nix::Result<TcpStream> {
    let family = if from.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(from))?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
    Ok(TcpStream::from(socket))
}
