//! Listens to changes of network interfaces (rtnetlink multicast).

use std::io;

use netlink_sys::{AsyncSocket as _, AsyncSocketExt as _, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

use super::error::{Doing as _, Result};

/// The multicast group for links (`include/uapi/linux/rtnetlink.h`).
const RTMGRP_LINK: u32 = 1;

/// Reports when an interface in this network namespace changes.
pub struct Changes(TokioSocket);

impl Changes {
    /// Starts to listen. Must be called inside a tokio runtime.
    pub fn new() -> Result<Self> {
        let listen = || -> io::Result<TokioSocket> {
            let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
            socket.socket_mut().bind(&SocketAddr::new(0, RTMGRP_LINK))?;
            Ok(socket)
        };
        listen()
            .map(Self)
            .doing(|| "cannot listen for changes of interfaces".into())
    }

    /// Waits for a change. It may also return without one, and does not say what has changed.
    pub async fn next(&mut self) -> Result<()> {
        match self.0.recv_from_full().await {
            // The socket buffer overflowed, so messages were lost. This is a change too, because callers read all
            // interfaces anyway.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => Ok(()),
            received => received
                .map(drop)
                .doing(|| "cannot hear of changes of interfaces".into()),
        }
    }
}
