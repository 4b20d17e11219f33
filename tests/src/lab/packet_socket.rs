//! AF_PACKET sockets: send and receive whole Ethernet frames at an interface of a namespace.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::sockopt::RcvBufForce;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, setsockopt, socket};

use super::{Namespace, must};

/// The receive buffer, so that a slow capture does not lose frames: 32 MiB, far more than a test records.
const RECEIVE_BUFFER: usize = 32 << 20;

/// A raw socket, bound to one interface.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// A socket that only sends. Received frames do not fill its buffer.
    pub(crate) fn sending(namespace: &Namespace, interface: &str) -> Self {
        Self::bound(namespace, interface, 0)
    }

    /// A socket that records every incoming and outgoing frame from now on.
    pub(super) fn recording(namespace: &Namespace, interface: &str) -> Self {
        Self::bound(namespace, interface, libc::ETH_P_ALL as u16)
    }

    /// A socket that records every incoming frame from now on.
    pub(super) fn recording_what_comes(namespace: &Namespace, interface: &str) -> Self {
        let socket = Self::recording(namespace, interface);
        let on: libc::c_int = 1;
        // SAFETY: the descriptor is open, and the value is an integer of the size given with it.
        let result = unsafe {
            libc::setsockopt(
                socket.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_IGNORE_OUTGOING,
                (&raw const on).cast(),
                size_of_val(&on) as libc::socklen_t,
            )
        };
        must("record only what comes in", Errno::result(result));
        socket
    }

    /// Opens the socket inside the namespace, and finds the interface there.
    fn bound(namespace: &Namespace, interface: &str, protocol: u16) -> Self {
        let made = namespace.run(|| -> nix::Result<OwnedFd> {
            // Protocol 0 until the socket is bound: otherwise it would record frames of the other interfaces until
            // then.
            let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
            setsockopt(&fd, RcvBufForce, &RECEIVE_BUFFER)?;
            bind(&fd, if_nametoindex(interface)?, protocol)?;
            Ok(fd)
        });
        Self {
            fd: must(format_args!("open a packet socket on {interface}"), made),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Sends one frame.
    pub(crate) fn send(&self, frame: &[u8]) {
        must(
            "send a frame",
            send(self.fd.as_raw_fd(), frame, MsgFlags::empty()),
        );
    }

    /// The next recorded frame, if there is one, and whether this host sent it.
    pub(super) fn next(&self, buffer: &mut [u8]) -> Option<(usize, bool)> {
        // SAFETY: an all-zero `sockaddr_ll` is a valid value: it holds integers only.
        let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        let mut size = size_of_val(&from) as libc::socklen_t;
        // SAFETY: buffer and address are writable for the sizes given with them, and outlive the call.
        let length = unsafe {
            libc::recvfrom(
                self.fd.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT,
                (&raw mut from).cast(),
                &raw mut size,
            )
        };
        let Ok(length) = usize::try_from(length) else {
            let error = io::Error::last_os_error();
            // ENETDOWN is reported once when an interface goes down. Then there is nothing to read, too.
            let nothing = matches!(
                error.raw_os_error(),
                Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN)
            );
            assert!(nothing, "the laboratory could not receive a frame: {error}");
            return None;
        };
        Some((length, from.sll_pkttype == libc::PACKET_OUTGOING))
    }
}

fn bind(fd: &OwnedFd, index: u32, protocol: u16) -> nix::Result<()> {
    // SAFETY: an all-zero `sockaddr_ll` is a valid value: it holds integers only.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index.cast_signed();
    let size = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the address is a `sockaddr_ll` of the size given with it.
    let result = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) };
    Errno::result(result).map(drop)
}
