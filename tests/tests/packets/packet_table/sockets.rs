//! The sockets that drop level `unestablished` finds: listeners, open connections, and one in TIME_WAIT. All use
//! `lo`, which has the addresses of both ends.

use std::{
    fs,
    io::Read as _,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd as _,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, socket};
use tests::lab::Namespace;

use crate::packet_table::packet::{BOTH, Ip, address};

/// The remote port of an open connection to port 443.
pub const OPEN: u16 = 40_001;
/// The remote port of a connection that the host has closed on its side.
pub const HALF_CLOSED: u16 = 40_002;
/// The remote port of a closed connection, which is in TIME_WAIT.
pub const OVER: u16 = 40_003;
/// The remote port of an open connection to port 80. Its socket serves both IP versions.
pub const OPEN_TO_BOTH: u16 = 40_004;

/// Keeps the sockets open.
#[expect(dead_code, reason = "held for what they are in the kernel")]
pub struct Sockets(Vec<TcpStream>, Vec<TcpListener>);

/// A namespace with the addresses of both ends.
pub fn host() -> Namespace {
    let namespace = Namespace::new();
    for ip in BOTH {
        namespace.add_to_loopback(&[ip.host(), ip.stranger()].map(address));
    }
    namespace
}

impl Sockets {
    /// Opens the sockets in the network namespace of the calling thread.
    pub fn open() -> Self {
        let mut streams = Vec::new();
        let mut listeners = Vec::new();
        for ip in BOTH {
            let host = SocketAddr::new(address(ip.host()), 443);
            let listener = TcpListener::bind(host).expect("a listener");
            let remote = address(ip.stranger());
            for port in [OPEN, HALF_CLOSED, OVER] {
                let mut client = connection(SocketAddr::new(remote, port), host);
                let (server, _) = listener.accept().expect("a connection");
                match port {
                    OPEN => streams.extend([client, server]),
                    HALF_CLOSED => {
                        server
                            .shutdown(std::net::Shutdown::Write)
                            .expect("half a connection");
                        streams.extend([client, server]);
                    }
                    _ => {
                        // The side that closes first is in TIME_WAIT afterwards.
                        drop(server);
                        assert_eq!(client.read(&mut [0]).expect("the end of the connection"), 0);
                        drop(client);
                    }
                }
            }
            let loopback = SocketAddr::new(ip.pick("127.0.0.1", "::1").parse().expect("an address"), 443);
            let listener_there = TcpListener::bind(loopback).expect("a listener");
            streams.push(connection(SocketAddr::new(loopback.ip(), OPEN), loopback));
            streams.push(listener_there.accept().expect("a connection").0);
            listeners.extend([listener, listener_there]);
            assert!(waits(ip), "no {ip} connection is in TIME_WAIT");
        }
        // One socket for both versions, as most web servers have it.
        let both = TcpListener::bind("[::]:80").expect("a listener");
        let to = |ip: Ip| SocketAddr::new(address(ip.host()), 80);
        for ip in BOTH {
            streams.push(connection(
                SocketAddr::new(address(ip.stranger()), OPEN_TO_BOTH),
                to(ip),
            ));
            streams.push(both.accept().expect("a connection").0);
        }
        listeners.push(both);
        Self(streams, listeners)
    }
}

fn connection(from: SocketAddr, to: SocketAddr) -> TcpStream {
    let family = match from.ip() {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    bind(socket.as_raw_fd(), &SockaddrStorage::from(from)).expect("a port of our choice");
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to)).expect("a connection");
    TcpStream::from(socket)
}

/// Whether the kernel has a connection in TIME_WAIT (state 06).
fn waits(ip: Ip) -> bool {
    let table = ip.pick("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6");
    let table = fs::read_to_string(table).expect("the kernel's table of connections");
    table
        .lines()
        .any(|line| line.split_whitespace().nth(3) == Some("06"))
}
