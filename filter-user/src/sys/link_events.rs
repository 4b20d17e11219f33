//! Changes of interfaces, as the kernel tells them over rtnetlink.

use std::io;

use netlink_sys::{AsyncSocket as _, AsyncSocketExt as _, SocketAddr, TokioSocket, protocols::NETLINK_ROUTE};

use super::error::{Doing as _, Result};

/// The multicast group that tells of links (linux/rtnetlink.h).
const RTMGRP_LINK: u32 = 1;

/// Waits for any of the interfaces in this network namespace to change.
pub struct Changes(TokioSocket);

impl Changes {
    /// Listens from now on. To be called inside of a runtime.
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

    /// Returns when something has changed, or may have.
    pub async fn next(&mut self) -> Result<()> {
        match self.0.recv_from_full().await {
            // There was more than fits: what it was has to be looked for in any case.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => Ok(()),
            received => received
                .map(drop)
                .doing(|| "cannot hear of changes of interfaces".into()),
        }
    }
}
